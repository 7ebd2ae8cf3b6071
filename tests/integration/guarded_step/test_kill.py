# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guarded step is killed wherever that can make a difference, and run again.

``killable`` puts a line before every line of the script, as it is sent, that can have an effect outside of the shell:
it writes, starts, signals. Between two of these a kill at any place leaves the same. Each story is killed at every such
point under dash, and under the other shells at every third, each beginning elsewhere; with DRIVE_SHARING_KILL=every in
the environment before every line of the script, under every shell (half an hour). Production has no hook.

What was left behind is checked each time; the step is run again once for every distinct state that was left (the same
files with the same texts, the names of the steps apart).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _record
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded import Command, ForDrive, Unit, UnitDrive
from ansible_collections.tapeworks.drive_sharing.tests.integration.guarded_step.world import (
    SHELLS,
    World,
    impatient,
    record,
    wait_for,
)

EVERY = os.environ.get("DRIVE_SHARING_KILL") == "every"
STRIDE = 1 if EVERY else 3

EFFECT = re.compile(r"""\b(?:put|rm|mv|mkdir|kill|exec|sleep|dd|child)\b|\$_ln|&( |$)|>"\$|say begun""")

HOOK = r"""_killed=0
K() {
_status=$?
_killed=$((_killed + 1))
[ "$_killed" -ne "$KILL_AT" ] || kill -9 $$
return $_status
}
"""


def killable(script: str) -> str:
    """Put the hook before every line with an effect, or before every line where a command may begin."""
    lines: list[str] = []
    in_text = in_pattern = False
    for line in script.splitlines():
        if not in_text and not in_pattern and (EVERY or EFFECT.search(line)):
            lines.append("K")
        lines.append(line)
        if len(re.findall(r'(?<!\\)"', line)) % 2:
            in_text = not in_text
        if not in_text:
            # After "in" and ";;" there is a pattern, not a command.
            in_pattern = line.startswith("case ") or line.endswith(";;")
    return HOOK + "\n".join(lines) + "\n"


@dataclass
class Controller:
    """What a controller does: reads, decides by state and record, sets, and writes what it read."""

    world: World
    drives: tuple[str, ...]
    want: str
    sequence: int = 42
    by_dialogue: bool = False

    def converge(self) -> None:
        """Come to the wanted state and record, as the plays that follow would."""
        for _attempt in range(10):
            unit = self.next()
            if unit is None:
                return
            self.world.set(unit)
        pytest.fail(f"no end: {self.world.states()}, {[self.world.record(drive) for drive in self.drives]}")

    def next(self) -> Unit | None:
        """Read, and give what is to be done next; None: everything is as wanted."""
        reading = self.world.read(*self.drives)
        assert reading.complete
        states = dict(line.split() for line in reading.answers[0].output.splitlines())
        records = {drive: _record.parse(reading.records[drive]) for drive in self.drives}
        set_these = [drive for drive in self.drives if self._to_set(states[drive], records[drive])]
        if set_these:
            items = [self._item(drive, reading.records[drive], states[drive], "intent") for drive in set_these]
            return Unit(items, [self._command(set_these)], self.world.show)
        left = [drive for drive in self.drives if self._to_write(states[drive], records[drive])]
        if left:
            return Unit([self._item(drive, reading.records[drive], states[drive], None) for drive in left])
        return None

    def _command(self, drives: list[str]) -> Command:
        if self.by_dialogue:
            lines = [*(ForDrive(drive, f"{self.want} {drive}") for drive in drives), "quit"]
            return Command([self.world.app, "console"], lines)
        return Command([self.world.app, self.want, *(ForDrive(drive, drive) for drive in drives)])

    def _to_set(self, state: str, now: _record.Record | None) -> bool:
        if self.want == "offline":
            return state == "online"
        return state == "offline" and now is not None and now.holds_taken

    def _to_write(self, state: str, now: _record.Record | None) -> bool:
        if self.want == "offline":
            return now is not None and now.holds_taken and (now.phase, now.sequence) != ("done", self.sequence)
        return state == "online" and (now is None or now.holds_taken or now.sequence != self.sequence)

    def _item(self, drive: str, raw: str | None, state: str, phase: str | None) -> UnitDrive:
        if self.want == "offline":
            fields: dict = {"target": "offline", "was": "online", "taken": True}
        elif phase:
            fields = {"target": "online", "was": "offline", "taken": True}
        else:
            fields = {"target": "none", "was": state, "taken": False}
        intent = _record.format(record(drive, self.sequence, "intent", **fields)) if phase else None
        return UnitDrive(drive, raw, self.sequence, intent, _record.format(record(drive, self.sequence, **fields)))

    def check_left_behind(self) -> None:
        """I3: what is offline by us is recorded as taken, and nothing of an administrator's is."""
        for drive, state in self.world.states().items():
            now = self.world.record(drive)
            if drive == "ADMIN":
                assert (state, now) == ("offline", None)
            elif state == "offline":
                assert now is not None, f"{drive} is offline, and nothing says by whom"
                assert now.holds_taken, f"{drive} is offline, and would stay it: {now}"

    def check_end(self) -> None:
        """The wanted state, the record that belongs to it, and nothing else."""
        assert self.world.states() == {
            drive: self.want if drive in self.drives else "offline" if drive == "ADMIN" else "online"
            for drive in self.world.states()
        }
        for drive in self.drives:
            now = self.world.record(drive)
            assert now is not None
            assert (now.phase, now.taken, now.sequence) == ("done", self.want == "offline", self.sequence)
        # The next step removes what the killed one has left, its lock included.
        unit = Unit([UnitDrive(drive, str(self.world.read(drive).records[drive]), 43, done=_record.format(
            record(drive, 43, taken=self.want == "offline"))) for drive in self.drives])
        assert set(self.world.set(unit).units[0].drives.values()) == {"done"}
        assert self.world.left() == []


def a_drive_goes_offline(world: World) -> Controller:
    return Controller(world, ("D1",), "offline")


def a_drive_goes_offline_by_a_dialogue(world: World) -> Controller:
    return Controller(world, ("D1",), "offline", by_dialogue=True)


def two_drives_go_offline_by_one_command(world: World) -> Controller:
    return Controller(world, ("D1", "D2"), "offline")


def a_drive_is_given_back(world: World) -> Controller:
    Controller(world, ("D1",), "offline", 41).converge()
    return Controller(world, ("D1",), "online")


def taken_ends_after_it_was_read_online(world: World) -> Controller:
    controller = a_drive_is_given_back(world)
    unit = controller.next()
    assert unit is not None
    world.set(unit)
    return controller


def the_lock_of_a_dead_step_is_broken_after_a_breaker_died(world: World) -> Controller:
    controller = a_drive_is_given_back(world)
    gone = []
    for name in ("first", "second"):
        process = subprocess.Popen(["true"])
        process.wait()
        gone.append((f"{process.pid} {boot_id()} 1", f"{name}.{process.pid}.1"))
    (first, first_id), (second, second_id) = gone
    (world.instance / ".lock" / "D1").write_text(f"{first} {first_id}\n")
    (world.instance / ".lock" / f"~{first_id}").write_text(f"{second} {second_id}\n")
    (world.instance / ".run" / f"{first_id}.me").write_text(f"{first} {first_id}\n")
    return controller


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


STORIES = (
    a_drive_goes_offline, a_drive_goes_offline_by_a_dialogue, two_drives_go_offline_by_one_command, a_drive_is_given_back,
    taken_ends_after_it_was_read_online, the_lock_of_a_dead_step_is_broken_after_a_breaker_died,
)


def copied(world: World, root: Path) -> World:
    while root.exists():
        # A command that survived the kill may still write there.
        shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(world.root, root)
    return World(root, world.shell)


def left_behind(world: World) -> tuple[object, bool]:
    """Everything that a later step could notice, the names of steps apart; and whether a command may still run."""
    parts: list[tuple[str, str]] = []
    for path in sorted(world.instance.rglob("*")) if world.instance.exists() else []:
        try:
            text = path.read_text() if path.is_file() else ""
        except FileNotFoundError:
            continue
        parts.append((str(path.relative_to(world.instance)), text))
    unnamed = re.sub(r"n[0-9]{11}\.[0-9]+\.[0-9]+|(?<![0-9])[0-9]{3,9}(?![0-9])", "STEP", repr(parts))
    running = any(name.endswith(".cmd") and text.strip() for name, text in parts)
    return (unnamed, tuple(sorted(world.states().items()))), running


@pytest.mark.parametrize("story", STORIES)
def test_a_step_may_be_killed_anywhere(
    tmp_path: Path, shell: str, shell_name: str, story: Callable[[World], Controller]
) -> None:
    origin = World.create(tmp_path / "origin", shell, D1="online", D2="online", ADMIN="offline")
    controller = story(origin)
    wait_for(lambda: not list(origin.root.rglob("*.out*")))
    stride = 1 if shell_name == "dash" else STRIDE
    world = copied(origin, tmp_path / "world")
    victim = replace(controller, world=world, sequence=42)
    unit = victim.next()
    assert unit is not None
    seen = set()
    kills = 0
    for point in range(1 + list(SHELLS).index(shell_name) % stride, 5000, stride):
        copied(origin, world.root)
        world.change = killable
        process = subprocess.run(
            world.argv(world.line(unit, seconds=3)), env={**os.environ, "KILL_AT": str(point)}, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20,
        )
        world.change = impatient
        victim.check_left_behind()
        if process.returncode == 0:
            break
        assert process.returncode == -9
        kills += 1
        state, running = left_behind(world)
        if state not in seen or running:
            seen.add(state)
            victim.converge()
            victim.check_end()
    else:
        pytest.fail("the step never came to its end")
    victim.converge()
    victim.check_end()
    assert kills > (150 if EVERY else 12) / stride
    print(f"{shell_name}, {story.__name__}: killed {kills} times, {len(seen)} states")
