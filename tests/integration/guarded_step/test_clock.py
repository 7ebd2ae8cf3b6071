# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose clock is wrong, or is set while a step is on its way: deadlines are by the host's clock only."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _guarded
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded import Command, Unit
from ansible_collections.tapeworks.drive_sharing.tests.integration.guarded_step.world import (
    INSTANCE,
    NONCES,
    World,
    item,
    offline,
    record,
    replaced,
)

DAY = 86_400


@pytest.fixture
def clock(world: World, tmp_path: Path) -> Path:
    """The file that says by how many seconds the host's clock is off."""
    offset = tmp_path / "offset"
    offset.write_text("0\n")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "date").write_text(
        f'#!/bin/sh\nread -r offset <"{offset}"\n[ "$*" = +%s ] && echo "$(($(/bin/date +%s) + offset))"\n'
    )
    (programs / "date").chmod(0o755)
    # bash has a clock of its own.
    world.change = lambda script: replaced(script, "BASH_VERSION", "NO_VERSION")
    return offset


def env(clock: Path) -> dict[str, str]:
    return {"PATH": f"{clock.parent}/bin:{os.environ['PATH']}"}


def read(world: World, clock: Path, *drives: str) -> _guarded.Reading:
    nonce = next(NONCES)
    line = _guarded.read_command(str(world.directory), INSTANCE, drives, world.show, 5, nonce, world.shell)
    return _guarded.parse_read(world.execute(line, env=env(clock)), nonce, drives, world.show)


@pytest.mark.parametrize("off", [DAY, -DAY, 40 * 365 * DAY])
def test_a_clock_that_is_off_by_a_day_makes_no_difference(world: World, clock: Path, off: int) -> None:
    """Also in the years that a 32-bit shell cannot count."""
    clock.write_text(f"{off}\n")
    reading = read(world, clock, "D1")
    assert reading.complete
    assert abs((reading.clock or 0) - time.time() - off) < 60
    assert world.set(offline(world, reading, 42, "D1"), deadline=reading.clock + 30, env=env(clock)).units[0].drives == {
        "D1": "done"
    }
    assert world.states()["D1"] == "offline"
    late = world.set(offline(world, read(world, clock, "D2"), 42, "D2"), deadline=reading.clock - 1, env=env(clock)).units[0]
    assert late.drives == {"D2": "late"}


def test_a_clock_that_is_put_forward_on_the_way_makes_it_late_and_nothing_is_done(world: World, clock: Path) -> None:
    reading = read(world, clock, "D1")
    clock.write_text(f"{DAY}\n")
    result = world.set(offline(world, reading, 42, "D1"), deadline=reading.clock + 30, env=env(clock)).units[0]
    assert result.drives == {"D1": "late"}
    assert world.states()["D1"] == "online"
    assert world.record("D1") is None
    again = read(world, clock, "D1")
    assert world.set(offline(world, again, 42, "D1"), deadline=again.clock + 30, env=env(clock)).units[0].drives == {
        "D1": "done"
    }


def test_a_clock_that_is_put_back_lets_a_late_step_through_only_if_nothing_came_in_between(world: World, clock: Path) -> None:
    reading = read(world, clock, "D1", "D2")
    clock.write_text(f"{-DAY}\n")
    again = read(world, clock, "D1")
    assert world.set(offline(world, again, 43, "D1"), deadline=again.clock + 30, env=env(clock)).units[0].drives == {
        "D1": "done"
    }
    # It comes long after its deadline, and cannot know.
    late = world.set(offline(world, reading, 42, "D1", "D2"), deadline=reading.clock + 1, env=env(clock)).units[0]
    assert late.drives == {"D1": "superseded", "D2": "done"}
    assert world.record("D1") == record("D1", 43)


def test_a_clock_that_is_set_while_a_command_runs_neither_ends_it_nor_lets_it_live(world: World, clock: Path) -> None:
    """A command's time is slept, not read from a clock."""
    def put(off: int, seconds: str) -> Command:
        return Command(["/bin/sh", "-c", f'echo {off} >"{clock}"; exec sleep {seconds}'])

    deadline = int(time.time()) + 2 * DAY
    short = [Unit([item(drive, None, 42)], [put(off, "0.1")]) for drive, off in (("D1", DAY), ("D2", -DAY))]
    endless = [Unit([item(drive, None, 42)], [put(off, "30")]) for drive, off in (("D3", DAY), ("D4", -DAY))]
    result = world.set(*short, seconds=40, deadline=deadline, env=env(clock))
    assert [unit.drives for unit in result.units] == [{"D1": "done"}, {"D2": "done"}]
    result = world.set(*endless, seconds=1, deadline=deadline, env=env(clock))
    assert [unit.drives for unit in result.units] == [{"D3": "unfinished"}, {"D4": "unfinished"}]
    assert all(unit.commands[0].timed_out for unit in result.units)
