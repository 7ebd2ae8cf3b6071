# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real ansible-rulebook, killed, with its plays killed, and gone deaf."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.faults.kill_points.world import LIMIT, A, B, killed
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import DRIVE

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.world import MARK, marked

OFF = ["online", "offline", "offline"]
ON = ["online"] * 3


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with killed(tmp_path_factory.mktemp("engine") / "world") as world:
        yield world


def settled(world, sequence, process="engine"):
    """Wait until a change is settled and no play is at work any more, with the engine alone."""
    def done():
        row = world.drive(DRIVE)
        at_work = world.select("SELECT batch FROM batches WHERE ended_at IS NULL")
        return row and row["settled"] >= sequence and not at_work and world.acknowledged()

    world.wait(f"change {sequence} is settled", done, LIMIT, process)


def next_change(world):
    """The library tells of the next change; gives its number, and what the applications show when it is done."""
    row = world.drive(DRIVE)
    if row.get("status") == "reserved":
        world.changes.append("released")
        world.release(A, DRIVE)
        return row["sequence"] + 1, ON
    world.changes.append("reserved")
    world.reserve(A, DRIVE)
    return row.get("sequence", 0) + 1, OFF


def started(world, *steps, who="self"):
    """The engine hears informs; it, or its plays, are killed at a point."""
    world.point = None
    if steps:
        world.strike_at(*steps, who=who)
    world.start_engine()
    world.wait_for_engine(LIMIT)
    # What is started from the tests is not meant.
    world.point = None


def test_plays_that_are_killed_under_the_engine_are_followed_by_others_without_a_restart(world):
    started(world, "after _act:Act._read", who="all")
    sequence, states = next_change(world)
    settled(world, sequence)
    assert world.struck
    assert "its play has ended, or was stopped, without a word" in world.log("engine")
    world.check(states)


def test_an_engine_that_is_killed_alone_while_its_play_is_at_work_does_the_rest_when_it_is_back(world):
    if not world.alive("engine"):
        started(world)
    for command in ("offline", "online"):
        world.behave(B, "slow 1", command)
    told = len(world.sets(B))
    sequence, states = next_change(world)
    world.wait("the play is at work", lambda: len(world.sets(B)) > told, LIMIT, "engine")
    os.kill(world.pid("engine"), signal.SIGKILL)
    world.wait("the engine is gone", lambda: not world.alive("engine"), LIMIT, "library")
    # A service manager ends what is left of it; else the play may come to its end before there is an engine again.
    for pid in marked(f"{MARK}={world.directory}"):
        with contextlib.suppress(OSError):
            if b"ansible-playbook" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
    # And it is killed once more, right after it was given the event.
    world.strike_at("after _dispatcher:Dispatcher._hand_over", who="self")
    world.start_engine()
    world.point = None
    world.wait("the engine is killed again", lambda: world.struck and not world.alive("engine"), LIMIT, "library")
    started(world)
    settled(world, sequence)
    fault("engine-killed").seen_in({"table": world.history()}, DRIVE=DRIVE, N=sequence)
    # The play ends with its terminal, and with the play the local host's command that it had begun.
    world.check(states, repeated=["host_b", "host_c"])


SLEEPING = {"action": {"run_playbook": {"name": "sleeping.yml"}}}
OTHER = {"condition": "event.something_else is defined"}


def ended(world):
    """The engine ends by itself; gives what it says."""
    before = len(world.log("engine"))
    world.wait("the engine has ended", lambda: not world.alive("engine"), LIMIT, "library")
    return world.log("engine")[before:]


def test_an_engine_that_does_nothing_with_its_events_ends_so_that_it_is_started_anew(world):
    world.stop("engine")
    world.start_other_engine(OTHER, claim_timeout=1, emissions=2)
    world.wait_for_engine(LIMIT)
    sequence, states = next_change(world)
    fault("engine-deaf").seen_in({"log": ended(world)})
    world.start_other_engine(SLEEPING, claim_timeout=1, emissions=6)
    fault("engine-blocked").seen_in({"log": ended(world)})
    # What hangs may outlive the engine; it holds nothing up.
    for pid in world.left():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert world.drive(DRIVE)["settled"] == sequence - 1
    started(world)
    settled(world, sequence)
    world.check(states, repeated=["host_b", "host_c"])
