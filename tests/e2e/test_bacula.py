# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three real Bacula instances share two drives: the whole way from the inform to Bacula's own answer, and what goes wrong.

Real directors, storage daemons and jobs, real SSH, real ansible-rulebook and net-snmp; of the library only its error state
is played. The tests are chapters of one story, so they run in this order. What a drive is, Bacula is asked by a console that
the collection does not use.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ansible_collections.tapeworks.drive_sharing.tests.e2e import bacula_daemons
from ansible_collections.tapeworks.drive_sharing.tests.e2e.bacula_daemons import OK
from ansible_collections.tapeworks.drive_sharing.tests.e2e.bacula_world import BaculaWorld
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.sshd import ADDRESSES, sshd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.story import EXPECTED_WITHIN, FIRST, HOST_A, HOST_B, HOST_C, OFF, ON, SECOND, Expected, Step, Story
from demo.world import HOSTS, Host

if lacking := bacula_daemons.missing():
    pytestmark = pytest.mark.skip(reason=f"this machine has no {', no '.join(lacking)}")

ALL_ON = Expected({host.name: (ON, ON) for host in HOSTS})


class BaculaStory(Story):
    """The story's steps, with some more of them; for Bacula's own words there is the world."""

    world: BaculaWorld

    def shows(self, title: str, a: tuple[str, str], b: tuple[str, str], c: tuple[str, str], **expected: Any) -> None:
        """Ask everybody, and compare."""
        self.show(Step(title), Expected({"host_a": a, "host_b": b, "host_c": c}, **expected))

    def reserves(self, host: Host, drive: str) -> None:
        """Have a drive reserved, and wait until every control point has confirmed that."""
        self.change(f"{host.name} reserves {drive}", partial(self.world.reserve, host, drive))

    def releases(self, host: Host, drive: str) -> None:
        """Have a drive released, and wait until every control point has confirmed that."""
        self.change(f"{host.name} releases {drive}", partial(self.world.release, host, drive))

    def wait(self, what: str, true: Callable[[], Any]) -> None:
        """Wait until something is true."""
        self.world.wait(what, true, EXPECTED_WITHIN)

    def wait_for_answer(self, drive: str, host: Host, outcome: str, attempts: int = 1) -> None:
        """Wait until a host's instance has given an answer, so many times asked."""

        def given() -> bool:
            answer = self.world.answer(drive, host)
            return bool(answer) and answer["outcome"] == outcome and answer["attempts"] >= attempts

        self.wait(f"{host.name} answers {outcome}", given)

    def wait_until_settled(self, drive: str) -> None:
        """Wait until every control point has confirmed a drive's newest change."""

        def settled() -> bool:
            row = self.world.drive(drive)
            return row["settled"] >= row["sequence"]

        self.wait(f"the newest change of {drive} is confirmed everywhere", settled)

    def wait_until_settled_as(self, drive: str, status: str) -> None:
        """Wait until every control point has confirmed that a drive is reserved, or released."""

        def settled() -> bool:
            row = self.world.drive(drive)
            return bool(row) and row["status"] == status and row["settled"] >= row["sequence"]

        self.wait(f"it is confirmed everywhere that {drive} is {status}", settled)

    def wait_for_state(self, drive: str, host: Host, state: str) -> None:
        """Wait until Bacula shows a state."""
        self.wait(f"{host.name} has {drive} {state}", lambda: self.world.state(drive, host) == state)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaculaWorld]:
    """Give a world of Bacula instances behind SSH; one of them keeps a drive whatever is reserved."""
    directory = tmp_path_factory.mktemp("bacula")
    with sshd(directory / "sshd") as connection:
        connections = {host.name: {**connection, "ansible_host": ADDRESSES[host.name]} for host in HOSTS}
        made = BaculaWorld(directory / "world", connections, handshake=8)
        made.policies = {"host_c": {"drive_sharing_minimum_online": 1}}
        with made:
            yield made


@pytest.fixture(scope="module")
def story(world: BaculaWorld) -> Iterator[BaculaStory]:
    """Give the story, with everything started and nothing reserved yet."""
    told = BaculaStory(world, Console(file=io.StringIO(), width=160))
    told.set_the_scene(send=False)
    yield told
    print(told.console.file.getvalue())  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def waiting(story: BaculaStory, world: BaculaWorld) -> int:
    """Have the first drive taken from everybody but A, start a job of C that wants it, and give it back."""
    story.reserves(HOST_A, FIRST)
    story.shows("A has reserved the first drive", (ON, ON), (OFF, ON), (OFF, ON), holders=(HOST_A, None))
    bacula = world.bacula["host_c"]
    job = bacula.run(0)
    bacula.wait_until_waiting(job)
    story.releases(HOST_A, FIRST)
    return job


def test_a_reservation_disables_the_drive_in_the_other_instances_and_a_release_enables_it(
    story: BaculaStory, waiting: int
) -> None:
    assert waiting
    story.show(Step("A has released the first drive"), ALL_ON)


def test_a_storage_daemon_that_was_started_anew_and_forgot_is_told_again(
    story: BaculaStory, world: BaculaWorld
) -> None:
    story.reserves(HOST_A, SECOND)
    bacula = world.bacula["host_b"]
    bacula.restart("sd")
    story.wait("B's second drive is found enabled, and disabled again", lambda: "anew" in world.history(SECOND))
    expected = {"holders": (None, HOST_A)}
    story.shows("B's storage daemon was started anew", (ON, ON), (ON, OFF), (ON, OFF), **expected)
    fault("bacula-forgot").seen_in(world.history(SECOND), DRIVE=SECOND, HOST="host_b")
    story.releases(HOST_A, SECOND)


def test_a_job_that_waited_for_the_drive_runs_to_its_end(world: BaculaWorld, waiting: int) -> None:
    assert world.bacula["host_c"].wait_for_end(waiting) == OK


def test_a_drive_with_a_running_job_is_busy_and_asked_again_and_set_when_the_job_has_ended(
    story: BaculaStory, world: BaculaWorld
) -> None:
    bacula = world.bacula["host_b"]
    job = bacula.run(0, hold=True)
    bacula.wait_until_busy(0)
    world.reserve(HOST_A, FIRST)
    story.wait_for_answer(FIRST, HOST_B, "busy", attempts=2)
    story.shows("A has reserved what B writes to", (ON, ON), (ON, ON), (OFF, ON), holders=(HOST_A, None))
    assert world.drive(FIRST)["settled"] < world.drive(FIRST)["sequence"]
    assert bacula.let_end(job) == OK
    story.wait_until_settled(FIRST)
    story.shows("B's job has ended", (ON, ON), (OFF, ON), (OFF, ON), holders=(HOST_A, None))
    story.releases(HOST_A, FIRST)


def test_the_last_drive_that_an_instance_must_keep_is_left_to_it_until_it_has_another(
    story: BaculaStory, world: BaculaWorld
) -> None:
    story.reserves(HOST_A, FIRST)
    world.reserve(HOST_A, SECOND)
    story.wait_for_answer(SECOND, HOST_C, "floor")
    story.wait_for_state(SECOND, HOST_B, OFF)
    story.shows("A has reserved both", (ON, ON), (OFF, OFF), (OFF, ON), holders=(HOST_A, HOST_A))
    story.releases(HOST_A, FIRST)
    story.wait_until_settled(SECOND)
    story.shows("A has released the first", (ON, ON), (ON, OFF), (ON, OFF), holders=(None, HOST_A))
    story.releases(HOST_A, SECOND)


def test_a_director_that_hangs_puts_the_drive_into_its_error_state_until_that_is_cleared(
    story: BaculaStory, world: BaculaWorld
) -> None:
    bacula = world.bacula["host_c"]
    bacula.freeze("dir")
    step = story.force_error("C's director hangs; A reserves", HOST_A, FIRST, "host_c")
    bacula.thaw("dir")
    story.clear("The error is cleared", FIRST)
    story.shows("C's director goes on", (ON, ON), (OFF, ON), (OFF, ON), holders=(HOST_A, None))
    story.releases(HOST_A, FIRST)
    fault("bacula-director-silent").seen_in(step.said[0], HOST="host_c")


def test_a_wrong_password_of_the_console_is_told_in_one_sentence(story: BaculaStory, world: BaculaWorld) -> None:
    bacula = world.bacula["host_b"]
    right = bacula.console.read_text()
    bacula.console.write_text(right.replace(bacula.passwords["drive_operations"], "none of its passwords"))
    step = story.force_error("B's console has a wrong password; A reserves", HOST_A, SECOND, "host_b")
    bacula.console.write_text(right)
    story.clear("The error is cleared", SECOND)
    story.releases(HOST_A, SECOND)
    story.show(Step("The password is right again"), ALL_ON)
    fault("bacula-password").seen_in(step.said[0], HOST="host_b", FILE=bacula.console)
    assert "none of its passwords" not in world.log("engine")


def test_a_storage_daemon_that_is_down_while_a_drive_is_reserved_and_released_has_it_online(
    story: BaculaStory, world: BaculaWorld
) -> None:
    bacula = world.bacula["host_b"]
    bacula.stop("sd")
    step = story.force_error("B's storage daemon is down; A reserves", HOST_A, FIRST, "host_b")
    world.release(HOST_A, FIRST)
    bacula.start("sd")
    story.clear("The error is cleared", FIRST)
    # A console that was given up may have left a command with the director, which waits for the storage daemon with it.
    story.wait("no command is left with B's director", lambda: bacula.consoles() == 0)
    story.show(Step("B's storage daemon is back"), ALL_ON)
    fault("bacula-storage-down").seen_in(step.said[0], HOST="host_b")


def test_a_job_that_is_reported_takes_the_drive_from_the_others_and_its_end_gives_it_back(
    story: BaculaStory, world: BaculaWorld
) -> None:
    world.report_use(HOST_A)
    bacula = world.bacula["host_a"]
    # The second time the tape is known, and was in the drive a moment ago.
    for turn in ("first", "second"):
        job = bacula.run(0, hold=True)
        bacula.wait_until_busy(0)
        story.wait_until_settled_as(FIRST, "reserved")
        story.shows(f"A's {turn} job writes", (ON, ON), (OFF, ON), (OFF, ON))
        assert bacula.let_end(job) == OK
        story.wait_until_settled_as(FIRST, "released")
        story.show(Step(f"A's {turn} job has ended"), ALL_ON)


def test_a_job_gets_the_drive_that_is_left_to_its_instance_and_takes_that_from_the_others(
    story: BaculaStory, world: BaculaWorld
) -> None:
    story.reserves(HOST_B, FIRST)
    bacula = world.bacula["host_a"]
    job = bacula.run(hold=True)
    story.wait_for_state(SECOND, HOST_B, OFF)
    # C keeps it as its last one.
    story.wait_for_answer(SECOND, HOST_C, "floor")
    story.shows("B holds the first drive, A's job writes", (OFF, ON), (ON, OFF), (OFF, ON), holders=(HOST_B, None))
    assert bacula.let_end(job) == OK
    story.wait_until_settled_as(SECOND, "released")
    story.releases(HOST_B, FIRST)
    story.show(Step("Both are free again"), ALL_ON)


def test_the_tapes_of_both_drives_are_put_away_before_the_drives_are_given_back(
    story: BaculaStory, world: BaculaWorld
) -> None:
    bacula = world.bacula["host_a"]
    for number, drive in enumerate((FIRST, SECOND)):
        bacula.say(f"mount storage=Changer drive={number} slot={number + 1}")
        story.wait_for_state(drive, HOST_B, OFF)
    world.drive_use(HOST_A, "job-end")
    for drive in (FIRST, SECOND):
        story.wait_until_settled_as(drive, "released")
    assert [drive.text for drive in bacula.drives() if "mounted" in drive.text] == []
    story.show(Step("A's tapes are in their slots"), ALL_ON)
