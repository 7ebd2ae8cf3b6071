# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Count the commands that each product needs for many drives: python tests/bench/applications.py [--drives N] [NAME...].

It prints the table of docs/applications.md. The commands are those of the application's file, run with the product's fake, and
counted in the fake's own log of calls; of Bacula, which has no fake, they are counted as they are made. By hand it needs
PYTHONPATH=build/collections.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _application
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Dialogue, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import bacula
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded_parse import CommandAnswer
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.stories import SHARED
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import Description, Story, World

ROOT = Path(__file__).resolve().parents[2]
TESTS = "ansible_collections.tapeworks.drive_sharing.tests.integration.applications"
HEADER = "| application | commands to ask about {0} drives | commands to set {0} drives |\n|---|---|---|"


@dataclass(frozen=True)
class Figures:
    """How often the product's programs were called."""

    asked: int
    set: int

    def row(self, name: str) -> str:
        """A row of the page."""
        return f"| `{name}` | {self.asked} | {self.set} |"


def names() -> list[str]:
    """All applications that there are."""
    return sorted(path.name.removeprefix("application_") for path in ROOT.glob("roles/application_*"))


def measure(name: str, drives: int) -> Figures:
    """Count what is called for ``drives`` drives; the fake shows afterwards that all were set."""
    if name == "bacula":
        return _of_bacula(drives)
    with tempfile.TemporaryDirectory() as directory:
        return _of_fake(importlib.import_module(f"{TESTS}.test_{name}").PRODUCT, Path(directory).resolve(), drives)


def _of_fake(description: Description, directory: Path, drives: int) -> Figures:
    world = World(directory, description, [SHARED[0]])
    story = world.stories[0]
    story.drives = [f"AC{number:06}" for number in range(drives)]
    world.connections = {story.hosts[story.host]: {}}
    story.prepare()
    file = _application.load(description.name)
    variables = story.host_variables(story.host)
    options = {
        **file.check(_application.options_of(description.name, file, variables, {})), "control_point": story.host
    }
    targets = [
        Target(drive, (story.device(number),), "drive_sharing: reserved by elsewhere, change 7")
        for number, drive in enumerate(story.drives)
    ]
    with _as_on(story):
        reading = file.read(options, targets, [_run(story, one) for one in file.queries(options, targets)])
        assert not reading.problems, reading.problems
        asked = len(story.product.calls())
        found = {drive: one.names for drive, one in reading.drives.items()}
        for setting in file.settings(options, "offline", found, targets):
            for command in setting.commands:
                _run(story, command)
    assert set(story.states()) == {"offline"}, "not all of them were set"
    return Figures(asked, len(story.product.calls()) - asked)


@contextlib.contextmanager
def _as_on(story: Story) -> Iterator[None]:
    """The environment of a program on the story's host."""
    before = dict(os.environ)
    bin_directory = story.directory / story.host / "bin"
    os.environ.update(
        PATH=f"{bin_directory}{os.pathsep}{before['PATH']}", PRODUCT_HOST=story.host, PRODUCT_STATE=str(story.product.directory)
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _run(story: Story, command: Any) -> CommandAnswer:
    """Run a command: the fake's programs in this process, everything else as it is."""
    lines: Sequence[str] = ()
    if isinstance(command, Dialogue):
        lines = [one if isinstance(one, str) else one[1] for one in command.lines]
        command = command.words
    words = [one if isinstance(one, str) else one[1] for one in command]
    program = Path(words[0]).name
    if program in story.product.PROGRAMS:
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = type(story.product)(story.product.directory).main(program, words[1:], lines)
        return CommandAnswer(status, out.buffer.getvalue().decode("utf-8", "backslashreplace"))
    done = subprocess.run(
        words, input="".join(f"{line}\n" for line in lines), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return CommandAnswer(done.returncode, done.stdout)


def _of_bacula(drives: int) -> Figures:
    """All drives in one autochanger; the look at the console's file is no command of Bacula."""
    options = {**bacula.check({"storages": ["Library1"]}), "control_point": "director1"}
    targets = [Target(f"AC{number:06}", (f"/dev/nst{number}",)) for number in range(drives)]
    found = {target.drive: (f"Drive-{number} (storage=Library1 drive={number})",) for number, target in enumerate(targets)}
    asked = [one for one in bacula.queries(options, targets) if isinstance(one, Dialogue)]
    return Figures(len(asked), sum(len(one.commands) for one in bacula.settings(options, "offline", found, targets)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--drives", type=int, default=100)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    print(HEADER.format(arguments.drives))
    for name in arguments.names or names():
        print(measure(name, arguments.drives).row(name), flush=True)


if __name__ == "__main__":
    sys.exit(main())
