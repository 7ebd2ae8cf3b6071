# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kill -9 of plays at every named point between the claim and a settled drive, and then what a service manager does.

Whatever was killed where: nothing is lost, nothing is set twice with effect, the applications show what the newest change
says, records and table agree, and no error state is left that is not right.

The points of a test follow each other: the play that makes good what the last one left is killed in its turn, at the next
point, and at the end one is not. Each can also be run alone. With DRIVE_SHARING_FAULTS=every each point is tried on a
world of its own, and with each of the processes that can be killed there.
"""

from __future__ import annotations

import contextlib
import os
import signal

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.faults.kill_points.world import EVERY, A, B, C, killed
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import DRIVE

#: All of the playbook at once; its own process, while the workers go on; the worker that is at the point.
WHO = ("all", "play", "self")

OFF = ["online", "offline", "offline"]
ON = ["online"] * 3

#: The points of a play, in the order in which it passes them.
TAKE = {
    "the play has started and claimed nothing yet": ["before _play:claim"],
    "the claim is made but not committed": ["after _dispatch:claim"],
    "the expected answers are written but not committed": ["after _dispatch:expect"],
    "the claim is committed": ["after _play:claim"],
    "a worker has its work and has read nothing yet": ["before _act:Act._read"],
    "a worker has read and decided": ["after _act:Act._read"],
    "a worker is about to send the set": ["before _guarded:set_command"],
    "a worker has set and read back": ["after _act:Act._set"],
    "an answer is written but not committed": ["after _dispatch:confirm"],
    "an answer is committed": ["after _play:confirm"],
    "everybody has answered and nobody has looked": ["before _play:handshake"],
}
GIVE_BACK = {
    "a worker is about to send the giving back": ["before _guarded:set_command"],
    "a drive is online again and its record still says taken": ["before _act:Act._end_taken"],
    "a drive is online again and its record says so": ["after _act:Act._end_taken"],
    "the answer that it was given back is not committed": ["after _dispatch:confirm"],
    "the verdict is reached but not committed": ["after _dispatch:verdict"],
}
#: One host has refused.
FORCE = {
    "the verdict to force is committed": ["after _play:handshake"],
    "the claim is about to be looked at once more": ["before _error_state:begin_error"],
    "the forcing is written but not committed": ["after _error_state:begin_error"],
    "the forcing is committed and the library is not called yet": [
        "after _error_state:begin_error", "after _sqlite:SqliteStore.close",
    ],
    "the library was called and nothing is written of it": ["before _error_state:finish_error"],
    "the error state is written but not committed": ["after _error_state:finish_error"],
}
#: The same, and only a person ends the error state after these.
STAND = {
    "the error state is committed": ["after _error_state:finish_error", "after _sqlite:SqliteStore.close"],
    "the batch is about to be ended": ["before _play:end"],
    "the batch is ended": ["after _play:end"],
}
#: What an earlier play has left half done is taken back, as the host obeys now.
UNDO = {
    "it is decided to take the error back": ["after _play:handshake"],
    "the library has cleared and nothing is written of it": ["before _error_state:error_undone"],
    "what the library has cleared is written but not committed": ["after _error_state:error_undone"],
    "what the library has cleared is committed": ["after _error_state:error_undone", "after _sqlite:SqliteStore.close"],
}
#: The claim was lost while the library was called.
LOST = {
    "it is written that the claim was lost, but not committed": ["after _error_state:finish_error"],
    "it is committed that the claim was lost": ["after _error_state:finish_error", "after _sqlite:SqliteStore.close"],
    "the library has cleared after the claim was lost": ["before _error_state:error_undone"],
}
#: A person runs the playbook clear_error.
CLEAR = {
    "nothing is noted yet": ["before _error_state:begin_clear"],
    "the clearing is noted but not committed": ["after _error_state:begin_clear"],
    "the clearing is noted and the library is not called yet": [
        "after _error_state:begin_clear", "after _sqlite:SqliteStore.close",
    ],
    "the library has cleared for a person and nothing is written of it": ["before _error_state:cleared"],
    "what was cleared for a person is written but not committed": ["after _error_state:cleared"],
    "what was cleared for a person is committed": ["after _error_state:cleared", "after _sqlite:SqliteStore.close"],
}
#: A person sets a drive by hand.
BY_HAND = {
    "a drive is claimed for a person": ["after _dispatch:claim", "after _sqlite:SqliteStore._commit"],
    "a drive is set for a person": ["after _act:Act._set"],
    "a drive is set for a person and released but not committed": ["after _by_hand:_release"],
    "a drive is set for a person and released": ["after _by_hand:_note", "after _sqlite:SqliteStore.close"],
}


def points(table, few=None, *, ends=True):
    """Each point with each of the processes that are killed there; ``few``: so many points if not every one is tried."""
    found = [
        pytest.param(steps, who, id=f"{point}-{who}")
        for point, steps in list(table.items())[:None if EVERY else few]
        for who in (WHO if EVERY else WHO[:1])
    ]
    return found + [pytest.param([], "", id="nobody is killed any more")] * (ends and not EVERY)


@pytest.fixture(scope="module")
def killed_world(tmp_path_factory):
    with killed(tmp_path_factory.mktemp("kill") / "world") as world:
        yield world


@pytest.fixture
def world(killed_world, request):
    """The world as the last point of the same test has left it, or a new one."""
    if EVERY or killed_world.chapter != request.node.originalname:
        killed_world.begin_anew()
        killed_world.chapter = request.node.originalname
    return killed_world


def is_killed(world, steps, who, status):
    """A play of a change is killed at a point; if there is nothing to do for it any more, one of the next change."""
    for _try in range(2):
        world.under_way(status)
        world.strike_at(*steps, who=who)
        world.one_play()
        if world.struck:
            return
        world.settle()
    raise AssertionError(f"no play came to {steps}:\n{world.told()}")


@pytest.mark.parametrize(("steps", "who"), points(TAKE))
def test_a_play_that_is_killed_while_a_drive_is_taken_is_made_good_by_the_next(world, steps, who):
    if steps:
        is_killed(world, steps, who, "reserved")
    if EVERY or not steps:
        world.settle()
        world.check(OFF)


@pytest.mark.parametrize(("steps", "who"), points(GIVE_BACK))
def test_a_play_that_is_killed_while_a_drive_is_given_back_is_made_good_by_the_next(world, steps, who):
    if steps:
        is_killed(world, steps, who, "released")
    if EVERY or not steps:
        world.settle()
        world.check(ON)


@pytest.mark.parametrize("hosts", ["go on", "crash too"])
def test_a_play_that_is_killed_while_a_host_is_being_set_is_overtaken_by_nothing(world, hosts):
    world.begin_anew()
    for host in (B, C):
        world.behave(host, "slow 2", "offline")
    world.tell("reserved", A)
    (batch,) = world.step()
    play = world.begin_play(batch)
    world.wait("the steps are under way", lambda: world.sets(B) and world.sets(C), 60, "library")
    assert {world.record(host).phase for host in (B, C)} == {"intent"}
    for pid in world.of_play(play) if hosts == "go on" else world.left():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    play.wait()
    world.settle()
    fault("play-killed").seen_in({"table": world.history()}, DRIVE=DRIVE)
    world.check(OFF, repeated=() if hosts == "go on" else ["host_b", "host_c"])


def test_a_play_that_loses_a_worker_ends_and_its_drives_come_again(world):
    world.tell("reserved", A)
    world.strike_at("after _act:Act._read", who="self")
    play = world.one_play()
    assert (bool(world.struck), play.status) == (True, 1), play.said
    world.settle()
    fault("worker-killed").seen_in({"play": play.said, "table": world.history()}, DRIVE=DRIVE)
    world.check(OFF)


@pytest.mark.parametrize(("steps", "who"), points(FORCE))
def test_a_play_that_is_killed_on_the_way_to_the_error_state_leaves_none_once_the_host_obeys(world, steps, who):
    if steps:
        world.behave(C, "refuse", "offline")
        is_killed(world, steps, who, "reserved")
    if EVERY or not steps:
        world.behave(C, "ok", "offline")
        world.settle()
        if who == "play" and world.drive(DRIVE)["error_state"]:
            # The worker came to the end of its task: the error state stands, and was right when it was set.
            assert world.in_error()
            world.clear_error()
            world.settle()
        world.check(OFF, repeated=["host_c"])


@pytest.mark.parametrize(("steps", "who"), points(FORCE if EVERY else {}) + points(STAND, 1, ends=False))
def test_a_play_that_is_killed_on_the_way_to_the_error_state_is_made_good_while_the_host_refuses(world, steps, who):
    if not steps:
        return
    world.behave(C, "refuse", "offline")
    is_killed(world, steps, who, "reserved")
    world.settle(error=True)
    assert world.in_error()
    world.behave(C, "ok", "offline")
    assert world.clear_error().status == 0, world.told()
    world.settle()
    world.check(OFF, repeated=["host_c"])


@pytest.mark.parametrize(("steps", "who"), points(UNDO))
def test_a_play_that_is_killed_while_it_takes_an_error_back_is_made_good_by_the_next(world, steps, who):
    if steps:
        if not world.drive(DRIVE).get("error_state"):
            world.behave(C, "refuse", "offline")
            is_killed(world, FORCE["the library was called and nothing is written of it"], "all", "reserved")
            assert world.in_error()
            world.behave(C, "ok", "offline")
        world.strike_at(*steps, who=who)
        world.one_play()
        assert world.struck, world.told()
    if EVERY or not steps:
        world.settle()
        world.check(OFF, repeated=["host_c"])


@pytest.mark.parametrize(("steps", "who"), points(dict(reversed(LOST.items())), 1, ends=False))
def test_a_play_that_is_killed_after_it_lost_its_claim_in_the_call_leaves_no_error_state(world, steps, who):
    world.library("PUT", "/behaviour", {"mode": "slow", "seconds": 1, "calls": ["error"]})
    world.behave(C, "refuse", "offline")
    world.tell("reserved", A)
    world.strike_at(*steps, who=who)
    (batch,) = world.step()
    play = world.begin_play(batch)
    world.wait("the library is called", lambda: world.drive(DRIVE)["error_state"] == "forcing", 60, "library")
    world.tell("released")
    play.wait()
    assert world.struck, play.said
    world.library("PUT", "/behaviour", {"mode": "ok"})
    world.settle()
    world.check(ON, sets={"host_c": ["offline"]})


@pytest.mark.parametrize(("steps", "who"), points(CLEAR))
def test_a_clearing_that_is_killed_is_finished_by_a_play_or_by_the_person(world, steps, who):
    if steps:
        if not world.drive(DRIVE).get("error_state"):
            world.behave(C, "refuse", "offline")
            world.tell("reserved", A)
            world.settle(error=True)
            assert world.in_error()
            world.behave(C, "ok", "offline")
        world.strike_at(*steps, who=who)
        world.clear_error()
        assert world.struck, world.told()
    if EVERY or not steps:
        world.settle()
        if world.drive(DRIVE)["error_state"]:
            world.clear_error()
            world.settle()
        world.check(OFF, repeated=["host_c"])


@pytest.mark.parametrize(("steps", "who"), points(BY_HAND, 2, ends=False))
def test_setting_by_hand_that_is_killed_leaves_the_drive_to_the_person(world, steps, who):
    world.begin_anew()
    for status in ("reserved", "released"):
        world.under_way(status)
        world.settle()
    world.strike_at(*steps, who=who)
    world.begin(world.by_hand(B, "offline")).wait()
    assert world.struck, world.told()
    world.settle()
    # A worker that is left alone comes to the end of its task.
    done = "_dispatch:claim" not in steps[0] or who == "play"
    states = ["online", "offline" if done else "online", "online"]
    assert world.states() == states
    for status in ("reserved", "released"):
        world.under_way(status)
        world.settle()
    world.check(states, sets={"host_b": ["offline", "online"] + (["offline"] if done else ["offline", "online"])})
