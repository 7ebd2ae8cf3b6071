# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application's pure file against the fake of its product, in this process: what a control point would do, without one."""

from __future__ import annotations

import contextlib
import io
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import (
    Dialogue,
    Found,
    Reading,
    Target,
)
from ansible_collections.tapeworks.drive_sharing.tests.products.product import Product, UsageError


@dataclass(frozen=True)
class Answered:
    """As ``_guarded.CommandAnswer``."""

    output: str = ""
    rc: int | None = 0
    timed_out: bool = False
    truncated: bool = False


class FakeWorld:
    """A fake, an application file and its options; ``change`` has another hand at what the product printed."""

    def __init__(self, directory: Path, product: type[Product], file: ModuleType, **options: Any) -> None:
        self.product = product(directory / "product")
        self.product.install(directory / "bin")
        self.file = file
        self.given = options
        self.change: Callable[[Answered], Answered] = lambda answer: answer
        #: What was run, as the product got it.
        self.ran: list[tuple[tuple[str, ...], tuple[str, ...]]] = []

    def options(self, **over: Any) -> dict[str, Any]:
        return {**self.file.check({**self.given, **over}), "control_point": "master1"}

    def run(self, command: Sequence[str] | Dialogue, left_out: Sequence[str] = ()) -> Answered:
        """Run a command without what is for the drives that are left out."""
        words, lines = (command.words, command.lines) if isinstance(command, Dialogue) else (command, ())
        kept, told = (
            tuple(one if isinstance(one, str) else one[1] for one in some if isinstance(one, str) or one[0] not in left_out)
            for some in (words, lines)
        )
        if kept[0] == "ls":
            done = subprocess.run(kept, capture_output=True, text=True, check=False)
            return Answered(done.stdout, done.returncode)
        self.ran.append((kept, told))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            try:
                rc = self.product.run(Path(kept[0]).name, kept[1:], told)
            except UsageError as exc:
                print(exc.text)
                rc = exc.status
        return self.change(Answered(printed.getvalue(), rc))

    def read(self, *targets: Target, **over: Any) -> Reading:
        """Ask, and read the answers."""
        options = self.options(**over)
        answers = [self.run(query) for query in self.file.queries(options, targets)]
        reading: Reading = self.file.read(options, targets, answers)
        return reading

    def found(self, target: Target, **over: Any) -> Found:
        """Give the one drive, which has to be found."""
        reading = self.read(target, **over)
        assert reading.problems == {}
        return reading.drives[target.drive]

    def problem(self, target: Target, **over: Any) -> str:
        """Give why nothing can be said of a drive."""
        reading = self.read(target, **over)
        assert reading.drives == {}
        return reading.problems[target.drive]

    def set(self, state: str, *targets: Target, left_out: Sequence[str] = (), **over: Any) -> dict[str, Any]:
        """Read, set, and give what is made of the words of the commands."""
        options = self.options(**over)
        before = self.read(*targets, **over)
        assert before.problems == {}
        names: Mapping[str, Sequence[str]] = {drive: found.names for drive, found in before.drives.items()}
        said: dict[str, Any] = {}
        for setting in self.file.settings(options, state, names, targets):
            answers = [self.run(command, left_out) for command in setting.commands]
            if hasattr(self.file, "said"):
                some = {drive: names[drive] for drive in setting.drives}
                said |= self.file.said(options, state, some, answers)
        return said
