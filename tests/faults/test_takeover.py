# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A play is stopped on its way to the error state, and goes on when the drive has long been another host's (design I9)."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.faults.kill_points.world import EVERY, A, B, C, killed
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import DRIVE

#: The drive is B's in the end: this is what the applications show then.
TAKEN_OVER = ["offline", "online", "offline"]
#: And this is what they were told on the way.
TOLD = {"host_a": ["offline"], "host_b": ["offline", "online"], "host_c": ["offline"]}

BEFORE_THE_CALL = ["after _play:handshake"]
IN_THE_CALL = ["after _error_state:begin_error", "after _sqlite:SqliteStore.close"]
# Not in the transaction: the drive table would be locked as long as the play is stopped.
AFTER_THE_CALL = ["before _action:DriveSharingAction.store 'state': 'error'"]


@pytest.fixture(scope="module")
def stopping_world(tmp_path_factory):
    with killed(tmp_path_factory.mktemp("takeover") / "world") as world:
        yield world


@pytest.fixture
def world(stopping_world):
    stopping_world.begin_anew()
    yield stopping_world
    for pid in stopping_world.struck:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def stopped(world, steps):
    """A reserves, C refuses, and the play that is to force the error state is stopped at a point."""
    world.behave(C, "refuse", "offline")
    world.tell("reserved", A)
    world.strike_at(*steps, with_signal=signal.SIGSTOP)
    (batch,) = world.step()
    play = world.begin_play(batch)
    world.wait("the play is stopped", lambda: world.struck and all(map(stands_still, world.struck)), 60, "library")
    world.point = None
    return play


def stands_still(pid):
    """Stopped, or a worker that had just ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] in "TZ"
    except FileNotFoundError:
        return True


def lease_ends(world):
    """The claim is of a controller that this one cannot see, and its time is over."""
    world.on_table(lambda tx: tx.execute("UPDATE batches SET claimer = '{}', lease_until = 1 WHERE ended_at IS NULL"))
    world.on_table(lambda tx: tx.execute("UPDATE drives SET lease_until = 1 WHERE batch IS NOT NULL"))


def nothing(_world):
    """The claim's process is seen to be stopped."""


ENDS = ["is seen to be stopped", "has a lease that ends"]


def goes_on(world, play):
    """The stopped play goes on and ends."""
    for pid in reversed(world.struck):
        os.kill(pid, signal.SIGCONT)
    return play.wait().said


@pytest.mark.parametrize("ends", [nothing, lease_ends], ids=ENDS)
def test_a_play_that_was_stopped_before_the_call_forces_nothing_that_is_not_so_any_more(world, ends):
    play = stopped(world, BEFORE_THE_CALL)
    world.behave(C, "ok", "offline")
    world.tell("reserved", B)
    ends(world)
    world.settle()
    assert (world.states(), world.drive(DRIVE)["settled"], play.running) == (TAKEN_OVER, 2, True)
    said = goes_on(world, play)
    fault("play-stopped").seen_in({"play": said, "table": world.history()}, DRIVE=DRIVE)
    assert "error_forcing" not in {row["kind"] for row in world.select("SELECT kind FROM history")}
    world.settle()
    world.check(TAKEN_OVER, sets=TOLD, repeated=["host_c"])


@pytest.mark.parametrize("ends", [nothing, lease_ends][:2 if EVERY else 1], ids=ENDS[:2 if EVERY else 1])
@pytest.mark.parametrize("steps", [IN_THE_CALL, AFTER_THE_CALL], ids=["before the library heard it", "after the library did it"])
def test_a_play_that_was_stopped_in_the_call_takes_its_own_error_back(world, steps, ends):
    play = stopped(world, steps)
    assert world.in_error() == (steps is AFTER_THE_CALL)
    world.behave(C, "ok", "offline")
    world.tell("reserved", B)
    ends(world)
    world.settle()
    assert (world.states(), world.in_error(), play.running) == (TAKEN_OVER, False, True)
    said = goes_on(world, play)
    fault("play-stopped-in-call").seen_in({"play": said, "table": world.history()}, DRIVE=DRIVE)
    world.settle()
    world.check(TAKEN_OVER, sets=TOLD, repeated=["host_c"])


@pytest.mark.parametrize("steps", [IN_THE_CALL, BEFORE_THE_CALL, AFTER_THE_CALL][:3 if EVERY else 1])
def test_where_the_host_still_refuses_the_error_state_stands_once_whoever_forced_it(world, steps):
    play = stopped(world, steps)
    world.settle(error=True)
    said = goes_on(world, play)
    assert "Traceback" not in said
    world.settle(error=True)
    assert world.in_error()
    assert len(world.select("SELECT id FROM history WHERE kind = 'error'")) == 1


def test_a_step_that_was_stopped_on_its_way_to_a_host_does_nothing_there_any_more(world):
    world.tell("reserved", A)
    world.strike_at("before _guarded:set_command", with_signal=signal.SIGSTOP)
    (batch,) = world.step()
    play = world.begin_play(batch)
    world.wait("the play is stopped", lambda: world.struck and all(map(stands_still, world.struck)), 60, "library")
    world.point = None
    world.tell("reserved", B)
    world.settle()
    said = goes_on(world, play)
    assert "Traceback" not in said
    world.settle()
    at_b = world.sets(B)
    assert at_b in ([], ["offline", "online"]), "its own step was either not begun, or came to its end before"
    world.check(TAKEN_OVER, sets={**TOLD, "host_b": at_b})
