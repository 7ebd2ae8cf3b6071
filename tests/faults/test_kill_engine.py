# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real ansible-rulebook, killed, with its plays killed, and gone deaf."""

from __future__ import annotations

import os
import signal

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.faults.kill_points.world import LIMIT, A, B, killed
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import DRIVE

OFF = ["online", "offline", "offline"]
ON = ["online"] * 3


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with killed(tmp_path_factory.mktemp("engine") / "world") as world:
        yield world


@pytest.fixture
def running(world):
    """The engine hears informs."""
    if not world.alive("engine"):
        world.start_engine()
    world.wait_for_engine(LIMIT)
    return world


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


def test_plays_that_are_killed_under_the_engine_are_followed_by_others_without_a_restart(running):
    # The engine hands its environment on to its plays.
    running.stop("engine")
    running.strike_at("after _act:Act._read", who="all")
    running.start_engine()
    running.wait_for_engine(LIMIT)
    running.point = None
    sequence, states = next_change(running)
    settled(running, sequence)
    assert running.struck
    assert "its play has ended, or was stopped, without a word" in running.log("engine")
    running.check(states, repeated=["host_b"])


def test_an_engine_that_is_killed_alone_while_its_play_is_at_work_does_the_rest_when_it_is_back(running):
    told = len(running.sets(B))
    for command in ("offline", "online"):
        running.behave(B, "slow 1", command)
    sequence, states = next_change(running)
    running.wait("the play is at work", lambda: len(running.sets(B)) > told, LIMIT, "engine")
    os.kill(running.pid("engine"), signal.SIGKILL)
    running.wait("the engine is gone", lambda: not running.alive("engine"), LIMIT, "library")
    running.start_engine()
    settled(running, sequence)
    fault("engine-killed").seen_in({"table": running.history()}, DRIVE=DRIVE, N=sequence)
    # The play ends with its terminal, and with the play the local host's command that it had begun.
    running.check(states, repeated=["host_b", "host_c"])
    for command in ("offline", "online"):
        running.behave(B, "ok", command)


def test_an_engine_that_is_killed_when_it_has_just_been_given_an_event_is_given_it_again(running):
    running.stop("engine")
    running.strike_at("after _dispatcher:Dispatcher._hand_over", who="self")
    running.start_engine()
    running.wait_for_engine(LIMIT)
    sequence, states = next_change(running)
    running.wait("the engine is killed", lambda: not running.alive("engine"), LIMIT, "library")
    running.point = None
    running.start_engine()
    settled(running, sequence)
    running.check(states, repeated=["host_b"])


SLEEPING = {"action": {"run_playbook": {"name": "sleeping.yml"}}}
OTHER = {"condition": "event.something_else is defined"}


@pytest.mark.parametrize(
    ("rule", "emissions", "seen"),
    [
        pytest.param(OTHER, 2, fault("engine-deaf"), id="no rule takes the event"),
        pytest.param(SLEEPING, 6, fault("engine-blocked"), id="its plays hang and it reads no more"),
    ],
)
def test_an_engine_that_does_nothing_with_its_events_ends_so_that_it_is_started_anew(running, rule, emissions, seen):
    running.stop("engine")
    before = len(running.log("engine"))
    running.start_other_engine(rule, claim_timeout=1, emissions=emissions)
    running.wait_for_engine(LIMIT)
    sequence, states = next_change(running)
    running.wait("the engine has ended", lambda: not running.alive("engine"), LIMIT, "library")
    seen.seen_in({"log": running.log("engine")[before:]})
    assert running.drive(DRIVE)["settled"] == sequence - 1
    running.start_engine()
    settled(running, sequence)
    running.check(states, repeated=["host_b"])
