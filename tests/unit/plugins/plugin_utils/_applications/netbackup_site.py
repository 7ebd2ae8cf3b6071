# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fake NetBackup in the test's own process: what the file of the application asks for is asked of it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Reading, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import netbackup
from ansible_collections.tapeworks.drive_sharing.tests.products.netbackup import HERE, NetBackup

#: As Target.reason is made.
REASON = "drive_sharing: reserved by fc 10000090fa00b0b0, change 42"


@dataclass
class Answered:
    """As the guarded step gives it."""

    output: str
    rc: int | None = 0
    timed_out: bool = False
    truncated: bool = False


class Site(NetBackup):
    """``given``: options of the application; ``spoil``: changes the answer of a query, by a part of its command line."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.given: dict[str, Any] = {}
        self.scope, self.point = "host", HERE
        self.spoil: dict[str, Callable[[str], str | Answered]] = {}

    @property
    def options(self) -> dict[str, Any]:
        return {**netbackup.check(self.given), "control_point": self.point, "scope": self.scope}

    def ask(self, words: Sequence[str]) -> Answered:
        """Run one command."""
        text = " ".join(words)
        change = next((change for part, change in self.spoil.items() if part in text), None)
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        status = 0
        if not words[0].startswith("grep"):
            with contextlib.redirect_stdout(out):
                status = NetBackup(self.directory).main(words[0].rpartition("/")[2], words[1:])
        answer = Answered(out.buffer.getvalue().decode(errors="replace"), status)  # type: ignore[attr-defined]
        changed = change(answer.output) if change else answer
        return Answered(changed, answer.rc) if isinstance(changed, str) else changed

    def read(self, *targets: Target) -> Reading:
        answers = [self.ask(words) for words in netbackup.queries(self.options, targets)]
        return netbackup.read(self.options, targets, answers)

    def problem(self, target: Target) -> str:
        reading = self.read(target)
        assert reading.drives == {}
        return reading.problems[target.drive]

    def commands(self, state: str, *targets: Target, names: Mapping[str, Sequence[str]] | None = None) -> list[list[list[str]]]:
        """Give the commands that set drives, by setting."""
        reading = self.read(*targets)
        names = names or {drive: found.names for drive, found in reading.drives.items()}
        return [
            [[word if isinstance(word, str) else word[1] for word in command] for command in setting.commands]
            for setting in netbackup.settings(self.options, state, names, targets)
        ]

    def set(self, state: str, *targets: Target) -> dict[str, Any]:
        """Set drives as the guarded step does; give what was said of them."""
        names = {drive: found.names for drive, found in self.read(*targets).drives.items()}
        told: dict[str, Any] = {}
        for setting, commands in zip(
            netbackup.settings(self.options, state, names, targets), self.commands(state, *targets), strict=True
        ):
            answers = [self.ask(command) for command in commands]
            told |= netbackup.said(self.options, state, {drive: names[drive] for drive in setting.drives}, answers)
        return told


def target(drive: str, *devices: str, elsewhere: Mapping[str, tuple[str, ...]] | None = None, reason: str = REASON) -> Target:
    return Target(drive, devices, reason, elsewhere or {})
