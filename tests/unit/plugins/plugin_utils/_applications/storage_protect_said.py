# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the fake dsmadmc says to the commands of the application's file, as the guarded step hands it on."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Dialogue, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import storage_protect
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded_parse import CommandAnswer
from ansible_collections.tapeworks.drive_sharing.tests.products.product import UsageError
from ansible_collections.tapeworks.drive_sharing.tests.products.storage_protect import StorageProtect

SERIALS = ("10WT001001", "10WT001002", "10WT001003")
LISTING = CommandAnswer(0, "-rw------- 1 tape tape 40 Nov 22 06:00 /etc/credentials\n")


class Site:
    """A library manager, and the options of a control point."""

    def __init__(self, directory: Path, **options: Any) -> None:
        self.product = StorageProtect(directory / "product")
        self.product.install(directory / "bin")
        # What the client is told to sign on with.
        self.credentials = directory / "credentials"
        self.credentials.write_text("SHARING1\n", encoding="utf-8")
        for serial in SERIALS:
            self.product.add(serial)
        self.given = {"credentials_file": str(self.credentials), "server_name": "libmgr", **options}
        #: Calls of dsmadmc.
        self.calls = 0

    def options(self, **over: Any) -> dict[str, Any]:
        return {**storage_protect.check({**self.given, **over}), "control_point": "manager1"}

    def answer(self, query: Sequence[str] | Dialogue) -> CommandAnswer:
        """Run a query or a command."""
        words, lines = (query.words, query.lines) if isinstance(query, Dialogue) else (query, ())
        if words[0] == "ls":
            return LISTING
        self.calls += 1
        assert words[0] == "dsmadmc"
        given = [line if isinstance(line, str) else line[1] for line in lines]
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            try:
                rc = self.product.run("dsmadmc", list(words[1:]), given)
            except UsageError as exc:
                print(exc.text)
                rc = exc.status
        return CommandAnswer(rc, out.getvalue())

    def read(self, *drives: str, change: Mapping[int, Any] | None = None, **over: Any) -> Any:
        """Ask about drives; ``change``: other answers in place of those of a query."""
        options = self.options(**over)
        targets = [Target(drive) for drive in drives or SERIALS]
        answers = [self.answer(query) for query in storage_protect.queries(options, targets)]
        for place, answer in (change or {}).items():
            answers[place] = answer(answers[place]) if callable(answer) else answer
        return storage_protect.read(options, targets, answers)

    def set(self, state: str, *drives: str, **over: Any) -> list[Any]:
        """Set drives by what the file says; give its settings."""
        options = self.options(**over)
        names = {drive: found.names for drive, found in self.read(*drives, **over).drives.items()}
        made = storage_protect.settings(options, state, names, [Target(drive) for drive in names])
        self.said = {}
        for setting in made:
            answers = [self.answer(command) for command in setting.commands]
            mine = {drive: names[drive] for drive in setting.drives}
            self.said |= storage_protect.said(options, state, mine, answers)
        return made
