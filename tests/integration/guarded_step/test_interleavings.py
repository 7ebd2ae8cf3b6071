# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interleavings that chance hardly ever brings: a step is held at one line while another one runs.

The held step's text has a line more (``held``), which waits for a file; production has no hook.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _guarded
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded import Command, Unit
from ansible_collections.tapeworks.drive_sharing.tests.integration.guarded_step.world import (
    NONCES,
    World,
    careless,
    impatient,
    item,
    offline,
    replaced,
    wait_for,
)

# Long enough for a step that is not held up to have done it.
A_WHILE = 0.4


class Step:
    """A step that runs beside the test."""

    def __init__(self, world: World, words: list[str], change: Callable[[str], str] = impatient) -> None:
        self.nonce = next(NONCES)
        self.unit = Unit([item("D1", None, 2)], [Command(words)])
        argv = world.argv(world.line(self.unit, seconds=400, nonce=self.nonce))
        argv[2] = change(argv[2])
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def outcome(self) -> str:
        output, _errors = self.process.communicate(timeout=30)
        return _guarded.parse_set(output.decode(), self.nonce, [self.unit]).units[0].drives["D1"]


@pytest.fixture
def place(world: World) -> Iterator[World]:
    """A drive with a lock of a step that is dead."""
    assert world.set(Unit([item("ADMIN", None, 1)])).units[0].drives == {"ADMIN": "done"}
    process = subprocess.Popen(["true"])
    process.wait()
    (world.instance / ".lock" / "D1").write_text(f"{process.pid} {world.read('D1').boot} 1 dead.{process.pid}.1\n")
    yield world
    for gate in ("gate", "other"):
        (world.root / gate).touch()
    wait_for(lambda: not list(world.instance.glob(".lock/*")))


def wait_at(world: World, gate: str) -> str:
    return f': >"{world.root}/held_{gate}"\nuntil [ -e "{world.root}/{gate}" ]; do sleep 0.02; done\n'


def hold(world: World, line: str, gate: str = "gate") -> Callable[[str], str]:
    """Hold a step before a line of its text until the gate is opened."""
    return lambda script: replaced(impatient(script), f"\n{line}\n", f"\n{wait_at(world, gate)}{line}\n")


def work(world: World, name: str) -> list[str]:
    """A command that says when it begins and ends."""
    return ["/bin/sh", "-c", f"echo begin >>{world.root}/{name}; sleep {A_WHILE}; echo end >>{world.root}/{name}"]


def lines(world: World, name: str) -> int:
    path = world.root / name
    return len(path.read_text().split()) if path.exists() else 0


def test_a_breaker_that_comes_late_leaves_the_next_owner_alone(place: World) -> None:
    late = Step(place, work(place, "late"), lambda script: careless(hold(place, "_h=$_oi")(script)))
    wait_for((place.root / "held_gate").exists)
    quick = Step(place, work(place, "quick"))
    wait_for(lambda: lines(place, "quick") == 1)
    (place.root / "gate").touch()
    time.sleep(A_WHILE / 2)
    assert (lines(place, "quick"), lines(place, "late")) == (1, 0)
    assert (quick.outcome(), late.outcome()) == ("done", "done")


def test_only_one_step_has_the_right_to_break_a_lock(place: World) -> None:
    def held(script: str) -> str:
        remove = 'rm -f "$_f"\n'
        return careless(replaced(impatient(script), remove, f"{{ {wait_at(place, 'gate')}{remove}}}\n"))

    first = Step(place, work(place, "first"), held)
    wait_for((place.root / "held_gate").exists)
    second = Step(place, work(place, "second"), careless)
    time.sleep(A_WHILE)
    assert lines(place, "second") == 0
    (place.root / "gate").touch()
    assert (first.outcome(), second.outcome()) == ("done", "done")


CHILD = "trap - PIPE USR1"


@pytest.mark.parametrize("proc", ["/proc", "/no/proc"])
def test_a_command_that_had_not_begun_when_its_step_was_killed_never_begins(place: World, proc: str) -> None:
    def without_proc(script: str) -> str:
        return replaced(hold(place, CHILD)(script), "_p=/proc\n", f"_p={proc}\n")

    killed = Step(place, work(place, "killed"), without_proc)
    wait_for((place.root / "held_gate").exists)
    killed.process.kill()
    killed.process.wait()
    reading = place.read("D1")
    assert reading.busy == {}
    assert place.set(offline(place, reading, 3, "D1")).units[0].drives == {"D1": "done"}
    (place.root / "gate").touch()
    time.sleep(A_WHILE)
    assert lines(place, "killed") == 0


def test_a_command_that_begins_while_its_step_is_found_dead_never_begins(place: World) -> None:
    killed = Step(place, work(place, "killed"), hold(place, CHILD))
    wait_for((place.root / "held_gate").exists)
    killed.process.kill()
    killed.process.wait()
    # The next one has looked for the command, and found none.
    other = Step(place, work(place, "other"), lambda script: careless(hold(place, '[ -n "$_cp" ] || return 0', "other")(script)))
    wait_for((place.root / "held_other").exists)
    (place.root / "gate").touch()
    time.sleep(A_WHILE / 2)
    (place.root / "other").touch()
    assert other.outcome() == "done"
    assert (lines(place, "killed"), lines(place, "other")) == (0, 2)


def test_the_lock_is_kept_until_the_last_record_is_written(place: World) -> None:
    step = Step(place, ["true"], hold(place, "each finish"))
    wait_for((place.root / "held_gate").exists)
    reading = place.read("D1")
    assert list(reading.busy) == ["D1"]
    (place.root / "gate").touch()
    assert step.outcome() == "done"
    assert place.set(offline(place, reading, 3, "D1")).units[0].drives == {"D1": "changed"}


def test_a_command_that_had_not_begun_when_the_time_was_over_never_begins(place: World) -> None:
    # Not impatient: its one second counts.
    place.change = lambda script: replaced(script, f"\n{CHILD}\n", f"\n{wait_at(place, 'gate')}{CHILD}\n")
    nonce = next(NONCES)
    unit = Unit([item("D1", None, 2)], [Command(work(place, "late"))])
    process = subprocess.Popen(
        place.argv(place.line(unit, seconds=1, nonce=nonce)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )
    wait_for((place.root / "held_gate").exists)
    wait_for(lambda: not list(place.instance.glob(".run/*.me")))
    (place.root / "gate").touch()
    output, _errors = process.communicate(timeout=30)
    result = _guarded.parse_set(output.decode(), nonce, [unit]).units[0]
    assert result.drives == {"D1": "unfinished"}
    assert result.commands[0].timed_out
    time.sleep(A_WHILE)
    assert lines(place, "late") == 0


def test_a_reading_taken_while_a_step_is_at_work_fits_no_record_even_if_that_step_writes_no_more(place: World) -> None:
    unit = Unit([replace(item("D1", None, 2), done=None)], [Command(work(place, "first"))])
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(place.set, unit)
        wait_for(lambda: lines(place, "first") == 1)
        reading = place.read("D1")
        assert first.result().units[0].drives == {"D1": "done"}
    assert place.set(offline(place, reading, 3, "D1")).units[0].drives == {"D1": "changed"}
    assert place.set(offline(place, place.read("D1"), 3, "D1")).units[0].drives == {"D1": "done"}
