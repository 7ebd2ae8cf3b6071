# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kill -9 of the event source at every named point between an inform and the event, and then what a service manager does.

The source runs alone here, in a process of its own, and the library sends real informs again and again until they are
acknowledged. The test is the rule engine. As in test_kill.py the points follow each other: who makes good is killed in turn.
"""

from __future__ import annotations

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.faults.kill_points.world import EVERY, LIMIT, A, B, killed
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import DRIVE

#: In the order in which sources pass them that are killed one after the other: a change that is due is emitted first of all.
SOURCE = {
    "the inform is received and nothing is written": ["after _detectors._snmp_queue:Queue.put"],
    "the table is about to be written": ["before _changes:record"],
    "the change is written but not committed": ["after _changes:record"],
    "the change is committed and the inform not acknowledged": ["before _detectors._snmp_queue:Queue._finish"],
    "the batch is about to be written": ["before _dispatch:emit"],
    "the batch is written but not committed": ["after _dispatch:emit"],
    "the inform is acknowledged": ["after _detectors._snmp_queue:Queue._finish"],
    "the batch is committed and its event not put": ["before _dispatcher:Dispatcher._hand_over"],
    "the event is put": ["after _dispatcher:Dispatcher._hand_over"],
}


@pytest.fixture(scope="module")
def killed_world(tmp_path_factory):
    with killed(tmp_path_factory.mktemp("source") / "world") as world:
        yield world


@pytest.fixture(scope="module")
def world(killed_world):
    """One world for all points."""
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


def points():
    """The points, and the end."""
    found = [pytest.param(steps, id=point) for point, steps in SOURCE.items()]
    return found + [pytest.param([], id="nobody is killed any more")] * (not EVERY)


def is_killed(world, steps):
    """The source is killed at a point; True: it came by no more, as the change of before is past it already."""
    world.strike_at(*steps, who="self")
    world.start_source()
    if world.pending is None:
        world.wait_for_source()
        world.pending = world.drive(DRIVE).get("sequence", 0) + 1, next_change(world)

    def done():
        row = world.drive(DRIVE)
        past = row.get("batch") and world.acknowledged() and row["batch"] in world.log("source")
        return (world.struck and not world.alive("source")) or (past and "_hand_over" not in steps[0])

    world.wait("the source is killed", done, LIMIT, "library")
    world.point = None
    return not world.struck


def made_good(world):
    """The change is settled, once; gives its number."""
    (sequence, states), world.pending = world.pending, None
    everything_is_settled(world)
    assert world.drive(DRIVE)["sequence"] == sequence
    world.check(states)
    return sequence


@pytest.mark.parametrize("steps", points())
def test_a_source_that_is_killed_loses_no_change_and_repeats_none(world, steps):
    world.stop("source")
    if steps and is_killed(world, steps):
        world.stop("source")
        made_good(world)
        world.stop("source")
        assert not is_killed(world, steps)
    if (EVERY or not steps) and world.pending:
        sequence = made_good(world)
        fault("source-killed").seen_in({"table": world.history()}, DRIVE=DRIVE, N=sequence)


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
