# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's story over real SSH, with real ansible-rulebook, told by net-snmp's snmpinform.

The tests are the story's chapters, so they run in this order; each checks what every application answers when it is asked,
and what the library says.
"""

from __future__ import annotations

import io
import re
import statistics
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.story import FIRST, HOST_A, HOST_B, OFF, ON, SECOND, Expected, Step, Story, messages
from demo.world import HOSTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    RemoteWorld = Any


#: Where the playbook of docs/alerts.md writes.
ALERTS = "/var/log/drive_alerts"


@pytest.fixture(scope="module")
def story(world: RemoteWorld) -> Iterator[Story]:
    """Give the story, with everything started and nothing reserved yet."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
    (playbook,) = re.findall(r"^```yaml\n(- name: Tell the operators.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert ALERTS in playbook
    (world.directory / "alert.yml").write_text(playbook.replace(ALERTS, str(world.directory / "alerts")), encoding="utf-8")
    world.variables["drive_sharing_alert_playbook"] = str(world.directory / "alert.yml")
    told = Story(world, Console(file=io.StringIO(), width=160))
    told.set_the_scene(send=False)
    yield told
    print(told.console.file.getvalue())  # type: ignore[attr-defined]


def test_a_reservation_sets_the_drive_offline_in_the_applications_of_all_other_hosts(story: Story) -> None:
    story.reserve()


def test_a_release_gives_the_drive_back_to_whom_it_was_taken_from(story: Story) -> None:
    story.release()


def test_what_an_administrator_has_put_offline_stays_offline_and_is_reported(story: Story) -> None:
    story.administrator()


def test_an_application_that_hangs_puts_the_drive_into_its_error_state_until_that_is_cleared(story: Story) -> None:
    story.hang()


def test_a_host_that_cannot_be_reached_puts_the_drive_into_its_error_state_until_that_is_cleared(story: Story) -> None:
    story.unreachable()


def test_a_change_is_confirmed_everywhere_within_seconds(
    story: Story, world: RemoteWorld, measured: Callable[..., None]
) -> None:
    confirmed, acknowledged = [], []
    for turn in range(10):
        told: list[dict[str, Any]] = []
        send = world.release if turn % 2 else world.reserve

        def change(told: list[dict[str, Any]], send: Callable[..., dict[str, Any]]) -> dict[str, Any]:
            told.append(send(HOST_A, FIRST))
            return told[0]

        confirmed.append(story.change(f"change {turn}", partial(change, told, send)).seconds or 0.0)
        acknowledged.append(told[0]["acknowledged"] - told[0]["at"])
    measured(
        inform_to_confirmed_seconds={
            "median": round(statistics.median(confirmed), 3),
            "all": [round(seconds, 3) for seconds in confirmed],
            "what": "snmpinform started to the last of 2 control points confirmed, over SSH",
        },
        inform_to_acknowledged_seconds={"median": round(statistics.median(acknowledged), 3)},
    )
    # The handshake's default; how fast it is on a machine with nothing else to do, the bench says.
    assert statistics.median(confirmed) < 10


def test_no_play_has_failed_but_those_that_had_to(story: Story, world: RemoteWorld) -> None:
    failed = messages(world.log("engine"), "localhost")
    assert failed, "the two that had to fail said nothing"
    # What is owed is tried again before the error is cleared, so there may be more than one of each.
    assert all("was not confirmed by host_c" in message for message in failed), failed
    assert "Traceback" not in world.log("engine")


def test_what_an_operator_has_to_know_was_sent_on_by_the_playbook_of_the_page(story: Story, world: RemoteWorld) -> None:
    def sent() -> list[str]:
        file = world.directory / "alerts"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def error() -> bool:
        return any(line.startswith("error: Drive ") and "was not confirmed by host_c" in line for line in sent())

    world.wait("the error state was told", error, 60)
    world.wait("its end was told", lambda: any(line.startswith("confirmed: ") for line in sent()), 60)
    # Each line is in the log, too.
    assert all(line.partition(": ")[2] in world.log("engine") for line in sent()), sent()


def killed_and_started_again(world: RemoteWorld) -> None:
    """Kill the engine, start it again, and wait until the second drive is settled."""
    world.kill("engine")
    world.start_engine()
    world.wait_for_engine()
    world.wait(
        "the change is confirmed after the restart",
        lambda: world.drive(SECOND)["settled"] >= world.drive(SECOND)["sequence"],
        60,
    )


def test_an_engine_that_is_killed_right_after_it_acknowledged_does_its_work_when_it_is_started_again(
    story: Story, world: RemoteWorld
) -> None:
    world.reserve(HOST_B, SECOND)
    killed_and_started_again(world)
    expected = Expected({"host_a": (ON, OFF), "host_b": (ON, ON), "host_c": (ON, OFF)}, holders=(None, HOST_B))
    story.show(Step("The engine was killed after it had acknowledged a reservation"), expected)


def test_an_engine_that_is_killed_while_a_play_is_at_work_does_the_rest_when_it_is_started_again(
    story: Story, world: RemoteWorld
) -> None:
    world.release(HOST_B, SECOND)
    world.wait(
        "the play has claimed the change",
        lambda: world.drive(SECOND)["batch"] and world.drive(SECOND)["claimed_sequence"],
        60,
    )
    killed_and_started_again(world)
    expected = Expected({host.name: (ON, ON) for host in HOSTS})
    story.show(Step("The engine was killed while a play was at work on a release"), expected)
