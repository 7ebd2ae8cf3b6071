# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many guarded steps at once on one drive: at any time the commands of one at the most run."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

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

RACERS = 6
SECONDS = 1.5

# mkdir is as exclusive as O_EXCL.
EXCLUSIVE = """#!/bin/sh
mkdir "$1/busy" || echo clash >>"$1/clashes"
echo ran >>"$1/ran"
sleep 0.03
rmdir "$1/busy"
"""


@pytest.fixture
def arena(world: World) -> World:
    program = world.root / "exclusive"
    program.write_text(EXCLUSIVE)
    program.chmod(0o755)
    assert world.set(Unit([item("D1", None, 1)])).units[0].drives == {"D1": "done"}
    world.change = careless
    return world


def start(world: World) -> tuple[subprocess.Popen, str, Unit]:
    unit = Unit([item("D1", None, 2)], [Command([str(world.root / "exclusive"), str(world.root)])])
    nonce = next(NONCES)
    # Half of the time, 20 looks a second: ten seconds of waiting.
    line = world.line(unit, seconds=400, nonce=nonce)
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(world.argv(line), **pipes), nonce, unit  # type: ignore[call-overload]


def die_holding_the_lock(world: World) -> None:
    """Leave a lock, and a breaker of it that died too."""
    gone = []
    for name in ("holder", "breaker"):
        process = subprocess.Popen(["true"])
        process.wait()
        gone.append((f"{process.pid} {world.read('D1').boot} 1", f"{name}{random.random()}.{process.pid}.1"))
    (holder, holder_id), (breaker, breaker_id) = gone
    (world.instance / ".lock" / f"~{holder_id}").write_text(f"{breaker} {breaker_id}\n")
    (world.instance / ".lock" / "D1").write_text(f"{holder} {holder_id}\n")


@pytest.mark.parametrize("proc", ["/proc", "/no/proc"])
def test_all_race_for_a_dead_lock_and_one_at_a_time_gets_it(arena: World, proc: str) -> None:
    arena.change = lambda script: replaced(careless(script), "_p=/proc\n", f"_p={proc}\n")
    for _again in range(2):
        world_change, arena.change = arena.change, lambda script: script
        die_holding_the_lock(arena)
        arena.change = world_change
        racers = [start(arena) for _turn in range(RACERS)]
        for process, nonce, unit in racers:
            output, _errors = process.communicate(timeout=60)
            assert _guarded.parse_set(output.decode(), nonce, [unit]).units[0].drives == {"D1": "done"}
    assert not (arena.root / "clashes").exists()
    assert (arena.root / "ran").read_text().split() == ["ran"] * RACERS * 2
    assert arena.left() == []


def test_steps_killed_at_random_never_run_commands_together(arena: World) -> None:
    """The command of a killed step lives on, and is waited for like its step."""
    chance = random.Random(arena.shell)
    end = time.monotonic() + SECONDS
    running: list[tuple[subprocess.Popen, float]] = []
    kills = 0
    while time.monotonic() < end or running:
        while len(running) < RACERS and time.monotonic() < end:
            running.append((start(arena)[0], time.monotonic() + chance.uniform(0.005, 0.3)))
        for process, death in running:
            if process.poll() is None and time.monotonic() > death:
                process.kill()
                kills += 1
        for process, _death in running:
            if process.poll() is not None:
                process.communicate()
        running = [one for one in running if one[0].returncode is None]
        time.sleep(0.002)
    assert kills > RACERS
    assert not (arena.root / "clashes").exists()
    wait_for(lambda: not (arena.root / "busy").exists())
    assert (arena.root / "ran").exists()
    arena.change = impatient
    reading = arena.read("D1")
    assert arena.set(offline(arena, reading, 3, "D1"), seconds=60).units[0].drives == {"D1": "done"}
    assert arena.left() == []


@pytest.mark.parametrize("content", ["", "\n", "junk\n", "12 34\n", "0 boot - x\n", "999999 other-boot 5 x.999999.5\n"])
def test_a_lock_that_no_living_step_can_have_made_is_broken(world: World, content: str) -> None:
    world.set(Unit([item("D1", None, 1)]))
    (world.instance / ".lock" / "D1").write_text(content)
    assert world.set(offline(world, world.read("D1"), 2, "D1"), seconds=2).units[0].drives == {"D1": "done"}
    assert world.left() == []


def test_the_lock_of_a_living_process_that_is_another_one_now_is_broken(world: World) -> None:
    world.set(Unit([item("D1", None, 1)]))
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        boot = world.read("D1").boot
        started = Path(f"/proc/{sleeper.pid}/stat").read_text().rpartition(") ")[2].split()[19]
        lock = world.instance / ".lock" / "D1"
        lock.write_text(f"{sleeper.pid} {boot} {started} x.{sleeper.pid}.{started}\n")
        unit = offline(world, world.read("ADMIN"), 2, "ADMIN")
        assert world.set(offline(world, world.read("D1"), 2, "D1"), unit, seconds=1).units[0].drives == {"D1": "locked"}
        lock.write_text(f"{sleeper.pid} {boot} 1 x.{sleeper.pid}.1\n")
        assert world.set(offline(world, world.read("D1"), 3, "D1"), seconds=1).units[0].drives == {"D1": "done"}
    finally:
        sleeper.kill()
        sleeper.wait()


def test_the_lock_of_a_step_that_is_dead_but_not_buried_is_broken(world: World) -> None:
    """Until its parent asks for its exit status, a killed process can still be signalled."""
    begun = world.root / "begun"
    unit = Unit([item("D1", None, 1)], [Command(["/bin/sh", "-c", f"touch {begun}; sleep 0.2"])])
    process = subprocess.Popen(world.argv(world.line(unit)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for(begun.exists)
    process.kill()
    wait_for(lambda: not world.read("D1").busy)
    assert world.set(offline(world, world.read("D1"), 2, "D1"), seconds=1).units[0].drives == {"D1": "done"}
    process.wait()


def test_two_steps_that_need_the_same_drives_do_not_wait_for_each_other_in_a_circle(world: World) -> None:
    world.change = careless
    program = world.root / "exclusive"
    program.write_text(EXCLUSIVE)
    program.chmod(0o755)
    command = Command([str(program), str(world.root)])
    for _again in range(2):
        started = []
        for drives in (("D1", "D2", "D3"), ("D3", "D1"), ("D2", "D1"), ("D3", "D2", "D1")):
            unit = Unit([item(drive, None, 2) for drive in drives], [command])
            nonce = next(NONCES)
            process = subprocess.Popen(
                world.argv(world.line(unit, seconds=400, nonce=nonce)), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )
            started.append((process, nonce, unit))
        for process, nonce, unit in started:
            output, _errors = process.communicate(timeout=60)
            assert set(_guarded.parse_set(output.decode(), nonce, [unit]).units[0].drives.values()) == {"done"}
    assert not (world.root / "clashes").exists()
    assert world.left() == []
