# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time of a guarded step: its watchdog, and how long it waits for a lock."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _guarded
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded import Command, Unit
from ansible_collections.tapeworks.drive_sharing.tests.integration.guarded_step.world import (
    SHELLS,
    World,
    item,
    offline,
    record,
    replaced,
    simple,
    wait_for,
)


def timed(world: World, *commands: list[str], seconds: int) -> tuple[float, _guarded.UnitReading]:
    unit = Unit([item("D1", None, 1)], [Command(words) for words in commands], [["echo", "query"]])
    start = time.monotonic()
    result = world.set(unit, seconds=seconds)
    return time.monotonic() - start, result.units[0]


def endless(world: World) -> None:
    spent, unit = timed(world, ["sleep", "30"], seconds=1)
    assert 0.9 < spent < 4
    assert unit.drives == {"D1": "unfinished"}
    assert (unit.commands[0].rc, unit.commands[0].timed_out) == (143, True)
    assert unit.answers == [_guarded.CommandAnswer(None, "", timed_out=True)]
    assert unit.messages == ["The commands for drive D1 did not end in time and were stopped; its record is the intent."]
    assert world.record("D1") == record("D1", 1, "intent")
    assert world.left() == []


def stubborn(world: World) -> None:
    spent, unit = timed(world, ["/bin/sh", "-c", "trap : TERM; while :; do sleep 0.1; done"], seconds=1)
    assert 1.9 < spent < 5
    assert (unit.commands[0].rc, unit.commands[0].timed_out) == (137, True)


def graceful(world: World) -> None:
    _spent, unit = timed(world, ["/bin/sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.1; done"], seconds=1)
    assert (unit.commands[0].rc, unit.commands[0].timed_out) == (5, True)


def just_in_time(world: World) -> None:
    _spent, unit = timed(world, ["sleep", "1"], seconds=2)
    assert unit.drives == {"D1": "done"}
    assert (unit.commands[0].rc, unit.commands[0].timed_out) == (0, False)


def shared(world: World) -> None:
    spent, unit = timed(world, ["sleep", "1"], ["sleep", "30"], seconds=2)
    assert 1.9 < spent < 5
    assert [(one.rc, one.timed_out) for one in unit.commands] == [(0, False), (143, True)]


def left_behind(world: World) -> None:
    spent, unit = timed(world, ["/bin/sh", "-c", "sleep 5 & echo done"], seconds=4)
    assert spent < 3
    assert unit.commands == [_guarded.CommandAnswer(0, "done\n")]


def killed(world: World) -> None:
    """What a killed step leaves running does not hold the connection."""
    begun = world.root / "begun"
    command = ["/bin/sh", "-c", f"touch {begun}; exec sleep 8"]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(world.argv(world.line(simple(world, command), seconds=10)), **pipes)
    wait_for(begun.exists)
    process.kill()
    process.communicate(timeout=4)
    reading = world.read("D1")
    assert list(reading.busy) == ["D1"]


def unkillable(world: World) -> None:
    """A process that hangs in the kernel, here one that KILL is not sent to."""
    world.change = lambda script: replaced(script, "hit KILL", ":")
    mark = world.root / "go"
    command = ["/bin/sh", "-c", f"trap : TERM; until [ -e {mark} ]; do sleep 0.1; done"]
    spent, unit = timed(world, command, seconds=1)
    assert 2.5 < spent < 6
    assert unit.drives == {"D1": "unfinished"}
    assert "cannot be killed; the drive stays locked until it ends" in unit.messages[0]
    reading = world.read("D1")
    assert list(reading.busy) == ["D1"]
    after = world.set(offline(world, reading, 2, "D1"), seconds=1).units[0]
    assert after.drives == {"D1": "locked"}
    assert reading.busy["D1"] in after.messages[0]
    mark.touch()

    def unlocked() -> bool:
        return world.set(offline(world, world.read("D1"), 2, "D1"), seconds=1).units[0].drives == {"D1": "done"}

    wait_for(unlocked)
    assert world.left() == []


def waiting(world: World) -> None:
    """A step that holds a lock is waited for, and its reading is void."""
    begun = world.root / "begun"
    slow = simple(world, ["/bin/sh", "-c", f"touch {begun}; sleep 1.5; {world.app} offline D1"])
    threads = [threading.Thread(target=world.set, args=(slow,))]
    threads[0].start()
    wait_for(begun.exists)
    reading = world.read("D1", "D2")
    assert list(reading.busy) == ["D1"]
    start = time.monotonic()
    other = world.set(offline(world, reading, 2, "D2"), seconds=9).units[0]
    assert other.drives == {"D2": "done"}
    result = world.set(offline(world, reading, 3, "D1"), seconds=9).units[0]
    assert 0.5 < time.monotonic() - start < 6
    assert result.drives == {"D1": "changed"}
    threads[0].join()
    assert world.record("D1") == record("D1", 1)


def patience(world: World) -> None:
    """A lock is waited for during half of the time; the other drives of the unit are set then."""
    unit = offline(world, world.read("D1", "D2"), 5, "D1", "D2")
    world.set(Unit([item("ADMIN", None, 1)], [], []))
    (world.instance / ".lock" / "D1").write_text(f"{os.getpid()} {world.read('D1').boot} - x.{os.getpid()}.-\n")
    start = time.monotonic()
    result = world.set(unit, seconds=4).units[0]
    assert 0.9 < time.monotonic() - start < 4
    assert result.drives == {"D1": "locked", "D2": "done"}
    assert result.messages == [f"Drive D1 is locked by process {os.getpid()} of the host; nothing was done."]
    assert (world.instance / ".lock" / "D1").exists()


SLOW = (endless, stubborn, graceful, just_in_time, shared, left_behind, killed, unkillable, waiting, patience)


@pytest.fixture(scope="session")
def slow(paths: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], object]]:
    """Run what waits for seconds all at once; the tests only look at what came of it."""
    with ThreadPoolExecutor(len(SLOW) * len(SHELLS)) as pool:
        yield {
            (path, story.__name__): pool.submit(
                story, World.create(tmp_path_factory.mktemp(f"{name}_{story.__name__}") / "w", path, D1="online",
                                    D2="online", ADMIN="offline")
            )
            for name, path in paths.items() for story in SLOW
        }


@pytest.mark.parametrize("story", [story.__name__ for story in SLOW])
def test_time_is_kept(shell: str, story: str, slow: dict) -> None:
    slow[shell, story].result(60)
