# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kill -9 of the event source at every named point between an inform and the event, and then what a service manager does.

The source runs alone here, in a process of its own, and the library sends real informs again and again until they are
acknowledged. The test is the rule engine.
"""

from __future__ import annotations

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.faults.kill_points.world import LIMIT, A, B, killed
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import DRIVE

#: In the order in which the source passes them.
SOURCE = {
    "the inform is received and nothing is written": ["after _detectors._snmp_queue:Queue.put"],
    "the table is about to be written": ["before _changes:record"],
    "the change is written but not committed": ["after _changes:record"],
    "the change is committed and the inform not acknowledged": ["before _detectors._snmp_queue:Queue._finish"],
    "the inform is acknowledged": ["after _detectors._snmp_queue:Queue._finish"],
    "the batch is about to be written": ["before _dispatch:emit"],
    "the batch is written but not committed": ["after _dispatch:emit"],
    "the batch is committed and its event not put": ["before _dispatcher:Dispatcher._hand_over"],
    "the event is put": ["after _dispatcher:Dispatcher._hand_over"],
}


@pytest.fixture(scope="module")
def killed_world(tmp_path_factory):
    with killed(tmp_path_factory.mktemp("source") / "world") as world:
        yield world


@pytest.fixture(scope="module")
def world(killed_world):
    """One world for all points: at each of them the drive is reserved, or released, once more."""
    killed_world.begin_anew()
    return killed_world


def next_change(world):
    """The library tells of the next change; gives what the applications show when it is done."""
    if world.drive(DRIVE).get("status") == "reserved":
        world.changes.append("released")
        world.release(A, DRIVE)
        return ["online"] * 3
    world.changes.append("reserved")
    world.reserve(A, DRIVE)
    return ["online", "offline", "offline"]


def everything_is_settled(world):
    """The source is started again and its events are played; gives how many plays it took."""
    before = len(world.plays)
    world.start_source()
    world.wait("everything is settled", lambda: world.acknowledged() and world.is_settled(), LIMIT, "source")
    assert "Traceback" not in world.log("source")
    return len(world.plays) - before


@pytest.mark.parametrize("steps", [pytest.param(steps, id=point) for point, steps in SOURCE.items()])
def test_a_source_that_is_killed_loses_no_change_and_repeats_none(world, steps):
    sequence = world.drive(DRIVE).get("sequence", 0)
    world.stop("source")
    world.strike_at(*steps, who="self")
    world.start_source()
    world.wait_for_source()
    states = next_change(world)
    world.wait("the source is killed", lambda: world.struck and not world.alive("source"), LIMIT, "library")
    assert not world.acknowledged() or world.drive(DRIVE)["sequence"] == sequence + 1
    world.point = None
    everything_is_settled(world)
    fault("source-killed").seen_in({"table": world.history()}, DRIVE=DRIVE, N=sequence + 1)
    assert world.drive(DRIVE)["sequence"] == sequence + 1
    world.check(states)


def test_a_source_that_is_killed_while_a_play_is_at_work_leaves_it_to_that_play(world):
    sequence = world.drive(DRIVE).get("sequence", 0)
    if not world.alive("source"):
        world.start_source()
        world.wait_for_source()
    told = len(world.sets(B))
    for command in ("offline", "online"):
        world.behave(B, "slow 2", command)
    states = next_change(world)
    world.wait("the play is at work", lambda: world.run_events() is None or len(world.sets(B)) > told, LIMIT, "source")
    world.kill("source")
    assert world.plays[-1].running
    assert everything_is_settled(world) == 0
    assert world.drive(DRIVE)["sequence"] == sequence + 1
    world.check(states)
