# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _by_hand, _dispatch, _process
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import Answer, Ask
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.control_point import ControlPoint
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import (
    UNREADABLE,
    World,
    port,
)

LIVING = _process.identity(os.getpid())


@pytest.fixture
def hosts(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.hosts("abc", ("D1", "D2"))
    monkeypatch.setattr(world.store, "clock", lambda: world.now)
    return world


def held(
    world: World, state: str = "offline", drives: tuple[str, ...] = ("D1",), *, host: str = "b", dry: bool = False,
    body: Callable[[list[Ask]], Any] = lambda asks: None, answers: list[Answer] | None = None,
) -> list[Ask]:
    given = answers if answers is not None else []
    with _by_hand.held(world.store, drives, host.upper(), host, state, LIVING, given, dry=dry) as asks:
        body(asks)
        return asks


def settle(world: World) -> None:
    play = world.play()
    play.confirm("a", "b", "c")
    play.finish()


def test_a_drive_of_which_the_table_knows_nothing_can_be_set_by_hand(hosts: World) -> None:
    assert held(hosts, "online", ("D7",)) == [Ask("D7", "B", 0, "none", status="released", by_hand="online")]


def test_what_is_asked_goes_with_the_newest_change_and_with_the_hosts_own_device(hosts: World) -> None:
    hosts.see("reserved", "a")
    settle(hosts)
    assert held(hosts) == [
        Ask(
            "D1", "B", 1, "foreign", status="reserved", holders=(port(0),), table_sequence=1, by_hand="offline",
            devices=("/dev/D1",),
        )
    ]


def test_meanwhile_the_drive_belongs_to_the_person_and_a_change_waits(hosts: World) -> None:
    hosts.see("reserved", "a")
    settle(hosts)

    def body(_asks: list[Ask]) -> None:
        assert hosts.state()["batch"] is not None
        hosts.see("released")
        assert hosts.due() == []
        with pytest.raises(InvalidValueError, match="^Drive D1 is being handled by batch [0-9A-Z]{26}; nothing was set. Try again"):
            held(hosts)

    held(hosts, body=body)
    assert hosts.due() == ["D1"]


def test_afterwards_everything_is_as_it_was(hosts: World) -> None:
    hosts.see("reserved", "a")
    settle(hosts)
    held(hosts)
    row = hosts.state()
    assert (row["batch"], row["claimed_sequence"], row["due"], row["settled"], row["failures"]) == (None, None, None, 1, 0)
    with hosts.store.read() as tx:
        assert _dispatch.under_way(tx) == 0
    assert hosts.due() == []


def test_what_was_due_before_is_due_afterwards(hosts: World) -> None:
    hosts.see("reserved", "a")
    held(hosts, drives=("D1",))
    assert hosts.due() == ["D1"]


def test_a_drive_in_a_batch_is_refused_and_the_others_are_left_as_they_were(hosts: World) -> None:
    hosts.see("reserved", "a", drive="D2")
    hosts.play()
    hosts.see("reserved", "a", drive="D1")
    with pytest.raises(InvalidValueError, match="^Drive D2 is being handled by batch "):
        held(hosts, drives=("D1", "D2"))
    assert hosts.state("D1")["batch"] is None
    assert hosts.due() == ["D1"]


@pytest.mark.parametrize(("holder", "name"), [("a", "fc 10000090fa000000"), (UNREADABLE, "an unknown port")])
def test_online_where_another_one_holds_the_drive_is_refused(hosts: World, holder: Any, name: str) -> None:
    hosts.see("reserved", holder)
    settle(hosts)
    message = (
        f"Drive D1 is reserved by {name}, so B would meet a reservation conflict; nothing was set. It is given back by itself"
        " when it is released."
    )
    with pytest.raises(InvalidValueError, match=f"^{re.escape(message)}$"):
        held(hosts, "online")


@pytest.mark.parametrize("state", ["online", "offline"])
def test_the_holder_may_do_both(hosts: World, state: str) -> None:
    hosts.see("reserved", "b")
    settle(hosts)
    assert held(hosts, state)[0].relation == "own"


def test_online_in_the_error_state_is_refused_and_offline_is_not(hosts: World) -> None:
    hosts.see("released")
    settle(hosts)
    with hosts.store.write() as tx:
        tx.execute("UPDATE drives SET error_state = 'error'")
    message = "Drive D1 is in its error state; nothing was set. Run the playbook clear_error first."
    with pytest.raises(InvalidValueError, match=f"^{re.escape(message)}$"):
        held(hosts, "online")
    assert held(hosts, "offline")


def test_dry_claims_nothing_and_still_says_what_would_be_refused(hosts: World) -> None:
    hosts.see("reserved", "a")
    settle(hosts)
    held(hosts, dry=True, body=lambda asks: hosts.state()["batch"] is None or pytest.fail("it was claimed"))
    with pytest.raises(InvalidValueError):
        held(hosts, "online", dry=True)
    assert hosts.messages("by_hand") == []


def test_what_was_done_is_remembered_and_is_not_taken_any_more(hosts: World) -> None:
    hosts.see("reserved", "a")
    settle(hosts)
    assert hosts.answers()["b"]["taken"] == 1
    answers: list[Answer] = []
    held(hosts, answers=answers, body=lambda asks: answers.append(Answer(asks[0], True, "offline", False)))
    assert {host: row["taken"] for host, row in hosts.answers().items()}["b"] == 0
    assert {host: row["taken"] for host, row in hosts.answers().items()}["c"] == 1
    assert hosts.messages("by_hand") == ["Drive D1 was set offline by hand in B on b."]


@pytest.mark.parametrize("how", ["raises", "not confirmed"])
def test_what_was_not_done_is_not_said_to_be_done_and_the_drive_is_free_again(hosts: World, how: str) -> None:
    hosts.see("reserved", "a")
    settle(hosts)
    answers: list[Answer] = []

    def body(asks: list[Ask]) -> None:
        if how == "raises":
            raise InvalidValueError("the connection broke")
        answers.append(Answer(asks[0], False, "silent", True))

    if how == "raises":
        with pytest.raises(InvalidValueError, match="broke"):
            held(hosts, body=body, answers=answers)
    else:
        held(hosts, body=body, answers=answers)
    assert hosts.messages("by_hand") == []
    assert hosts.answers()["b"]["taken"] == 1
    assert (hosts.state()["batch"], hosts.due()) == (None, [])


def test_a_person_whose_process_was_killed_does_not_keep_the_drive(hosts: World) -> None:
    hosts.see("reserved", "a")
    settle(hosts)
    dead = {**LIVING, "start": "1"}
    context = _by_hand.held(hosts.store, ["D1"], "B", "b", "offline", dead, [], dry=False)
    context.__enter__()
    with hosts.store.write() as tx:
        assert _dispatch.expire(tx, hosts.now, lambda claimer: not _process.gone(claimer)) == ["D1"]
    assert hosts.due() == ["D1"]


def test_online_and_offline_by_hand_with_a_real_application(hosts: World, tmp_path: Path) -> None:
    point = ControlPoint(tmp_path, D1="online")
    point.site = "test"
    hosts.see("released")
    settle(hosts)
    for state in ("offline", "online", "offline"):
        answers: list[Answer] = []
        held(hosts, state, answers=answers, body=lambda asks, into=answers: into.extend(point.run(*asks).values()))
        assert [(one.confirmed, one.outcome, one.taken) for one in answers] == [(True, state, False)]
        assert point.state("D1") == state
    assert len(hosts.messages("by_hand")) == 3


def test_the_reason_goes_with_what_is_asked_and_into_the_history(hosts: World) -> None:
    answers: list[Answer] = []
    with _by_hand.held(hosts.store, ["D1"], "B", "b", "offline", LIVING, answers, dry=False, reason="new head, 14:00") as asks:
        answers.append(Answer(asks[0], True, "offline", False))
    assert asks[0].why == "drive_sharing: set offline by hand: new head, 14:00"
    assert "Drive D1 was set offline by hand in B on b: new head, 14:00." in hosts.messages("by_hand")


@pytest.mark.parametrize("text", [None, "", "x", "  cleaning  ", "Köpfe (2), Ticket #4711: neu!", "a" * 80])
def test_a_reason_of_plain_words_is_taken(text: Any) -> None:
    assert _by_hand.checked_reason(text) == (text or "").strip()


@pytest.mark.parametrize("text", [7, [], " ", "a" * 81, "two\nlines", "say \"x\"", "it's", "$(id)", "`id`", "a; left down: b", "{{ x }}", "-x"])
def test_a_reason_that_a_product_could_take_for_something_else_is_refused(text: Any) -> None:
    with pytest.raises(InvalidValueError, match="^reason must be at most 80 letters"):
        _by_hand.checked_reason(text)
