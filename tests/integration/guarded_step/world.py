# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A control point on which guarded steps are run, and what the tests of the step share."""

from __future__ import annotations

import itertools
import shlex
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _guarded, _record
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded import Command, ForDrive, Unit, UnitDrive

SHELLS = {"dash": "dash", "bash": "bash", "busybox": "busybox", "mksh": "mksh", "ksh93": "ksh93"}
INSTANCE = "nbu_a"
NONCES = (f"n{number:011d}" for number in itertools.count())

# One file a drive; every way to call it is one write.
APPLICATION = """#!/bin/sh
cd "${0%/*}/drives" || exit 9
verb=$1
shift
case $verb in
show) for one in *; do read -r state <"$one"; echo "$one $state"; done ;;
console) while read -r verb one && [ "$verb" != quit ]; do echo "$verb" >"$one"; echo "$one: $verb"; done ;;
*) for one in "$@"; do echo "$verb" >"$one"; done; echo "set to $verb" ;;
esac
"""


@dataclass
class World:
    """A control point: an application with some drives, and the state directory."""

    root: Path
    shell: str
    change: Callable[[str], str] = lambda script: script

    @classmethod
    def create(cls, root: Path, shell: str, **states: str) -> World:
        (root / "drives").mkdir(parents=True)
        for drive, state in states.items():
            (root / "drives" / drive).write_text(f"{state}\n")
        application = root / "app"
        application.write_text(APPLICATION)
        application.chmod(0o755)
        return cls(root, shell)

    @property
    def app(self) -> str:
        return str(self.root / "app")

    @property
    def directory(self) -> Path:
        return self.root / "state"

    @property
    def instance(self) -> Path:
        return self.directory / INSTANCE

    @property
    def show(self) -> list[list[str]]:
        return [[self.app, "show"]]

    def states(self) -> dict[str, str]:
        return {path.name: path.read_text().strip() for path in (self.root / "drives").iterdir()}

    def record(self, drive: str) -> _record.Record | None:
        path = self.instance / drive
        return _record.parse(path.read_text() if path.exists() else None)

    def argv(self, line: str) -> list[str]:
        words = shlex.split(line)
        words[2] = self.change(words[2])
        return words

    def execute(self, line: str, **more: object) -> str:
        done = subprocess.run(
            self.argv(line), capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False, **more
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == b"", done.stderr
        return done.stdout.decode("utf-8", "surrogateescape")

    def read(self, *drives: str, queries: list[list[str]] | None = None, seconds: int = 5) -> _guarded.Reading:
        nonce = next(NONCES)
        queries = self.show if queries is None else queries
        line = _guarded.read_command(str(self.directory), INSTANCE, drives, queries, seconds, nonce, self.shell)
        return _guarded.parse_read(self.execute(line), nonce, drives, queries)

    def line(self, *units: Unit, seconds: int = 5, deadline: int | None = None, nonce: str | None = None) -> str:
        return _guarded.set_command(
            str(self.directory), INSTANCE, units, seconds, deadline, nonce or next(NONCES), self.shell
        )

    def set(self, *units: Unit, seconds: int = 5, deadline: int | None = None, **more: object) -> _guarded.SetReading:
        nonce = next(NONCES)
        line = self.line(*units, seconds=seconds, deadline=deadline, nonce=nonce)
        return _guarded.parse_set(self.execute(line, **more), nonce, units)

    def left(self) -> list[str]:
        """What a step has left in its working directories; the last step's own is removed in the background."""
        for _turn in range(200):
            found = [path for part in (".run", ".lock") for path in (self.instance / part).glob("*")]
            if not found:
                break
            time.sleep(0.01)
        return [str(path.relative_to(self.instance)) for path in found]


def record(drive: str, sequence: int, phase: str = "done", **more: object) -> _record.Record:
    fields = {"target": "offline", "was": "online", "taken": True, "reason": f"reserved, change {sequence}", **more}
    return _record.Record(
        site="here", drive=drive, instance=INSTANCE, sequence=sequence, phase=phase, **fields  # type: ignore[arg-type]
    )


def item(drive: str, expected: str | None, sequence: int, **more: object) -> UnitDrive:
    return UnitDrive(
        drive, expected, sequence,
        intent=_record.format(record(drive, sequence, "intent", **more)),
        done=_record.format(record(drive, sequence, **more)),
    )


def offline(world: World, reading: _guarded.Reading, sequence: int, *drives: str) -> Unit:
    return Unit(
        [item(drive, reading.records[drive], sequence) for drive in drives],
        [Command([world.app, "offline", *(ForDrive(drive, drive) for drive in drives)])], world.show,
    )


def dialogue(world: World, reading: _guarded.Reading, sequence: int, *drives: str) -> Unit:
    """Do the same by the lines that an application's console reads."""
    lines = [*(ForDrive(drive, f"offline {drive}") for drive in drives), "quit"]
    return replace(offline(world, reading, sequence, *drives), commands=[Command([world.app, "console"], lines)])


def simple(world: World, words: list[str], *, expected: str | None = None, sequence: int = 1) -> Unit:
    return Unit([item("D1", expected, sequence)], [Command(words)], [])


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)


def replaced(script: str, old: str, new: str) -> str:
    assert old in script
    return script.replace(old, new)


def impatient(script: str) -> str:
    """Look at a lock twenty times a second instead of once, so that 400 seconds of patience are ten."""
    # The watchdog of a killed step outlives it by its time.
    return script.replace("\nsleep 1\n", "\nsleep 0.05\n").replace('\nnap "$1"\n', "\nnap 30\n")


def careless(script: str) -> str:
    """Let every step come to its commands: only the lock keeps them apart."""
    return replaced(impatient(script), 'if [ "$_r" = "$_x" ]', "if true")
