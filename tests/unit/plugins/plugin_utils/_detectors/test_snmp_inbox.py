# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _snmp_inbox


@pytest.fixture
def inbox(clock: Any) -> Any:
    return _snmp_inbox.Inbox(clock, clock)


def take(inbox: Any, clock: Any, seconds: float = 0.0) -> Any:
    """Take the next item and work at it for so long."""
    assert inbox.delay() == 0
    with inbox.next() as item:
        clock.now += seconds
    return item


def test_of_one_address_things_keep_their_order(inbox: Any, clock: Any) -> None:
    for number in range(5):
        inbox.put("a", number, 100, first=True)
    assert [take(inbox, clock) for _turn in range(5)] == list(range(5))
    assert inbox.delay() is None


@pytest.mark.parametrize("first", [True, False])
def test_addresses_have_turns(inbox: Any, clock: Any, first: bool) -> None:
    for number in range(100):
        inbox.put("a", f"a{number}", 100, first=first)
    inbox.put("b", "b0", 100, first=first)
    inbox.put("c", "c0", 100, first=first)
    assert [take(inbox, clock) for _turn in range(5)] == ["a0", "b0", "c0", "a1", "a2"]


def test_others_have_a_part_of_the_time_and_no_more(inbox: Any, clock: Any) -> None:
    for number in range(1000):
        inbox.put("a", "first", 100, first=True)
        inbox.put(f"b{number % 50}", "other", 100, first=False)
    began, busy = clock.now, {"first": 0.0, "other": 0.0}
    while clock.now < began + 1:
        seconds = 0.001
        busy[take(inbox, clock, seconds)] += seconds
    assert busy["other"] == pytest.approx(1 / (1 + _snmp_inbox.REST), abs=0.01)
    assert busy["first"] == pytest.approx(1 - 1 / (1 + _snmp_inbox.REST), abs=0.01)


def test_others_rest_too_when_nothing_else_is_to_be_done(inbox: Any, clock: Any) -> None:
    inbox.put("a", 1, 100, first=False)
    inbox.put("a", 2, 100, first=False)
    assert take(inbox, clock, 0.5) == 1
    assert inbox.delay() == pytest.approx(0.5 * _snmp_inbox.REST)
    inbox.put("b", "first", 100, first=True)
    assert take(inbox, clock) == "first"
    clock.now += 0.5 * _snmp_inbox.REST
    assert take(inbox, clock) == 2


def test_time_in_which_the_system_did_something_else_is_not_rested_from(clock: Any) -> None:
    inbox = _snmp_inbox.Inbox(clock, lambda: 0.0)
    inbox.put("a", 1, 100, first=False)
    inbox.put("a", 2, 100, first=False)
    assert take(inbox, clock, 0.5) == 1
    assert take(inbox, clock) == 2


def test_an_item_that_fails_is_rested_from_all_the_same(inbox: Any, clock: Any) -> None:
    inbox.put("a", 1, 100, first=False)
    inbox.put("a", 2, 100, first=False)
    with pytest.raises(ZeroDivisionError), inbox.next():
        clock.now += 1
        raise ZeroDivisionError
    assert inbox.delay() == pytest.approx(_snmp_inbox.REST)


def test_an_address_has_its_share_of_the_room(inbox: Any) -> None:
    alone = sum(inbox.put("a", None, 1000, first=False) for _turn in range(10_000))
    assert alone == pytest.approx(_snmp_inbox.MAX_OTHERS / 1500, abs=2)
    assert inbox.put("b", None, 1000, first=False)
    # One that is there has its own share from now on; the other has more and gets no more.
    shared = sum(inbox.put("b", None, 1000, first=False) for _turn in range(10_000))
    assert shared == pytest.approx(_snmp_inbox.MAX_OTHERS / 2 / 1500, abs=2)
    assert not inbox.put("a", None, 1000, first=False)
    assert inbox.put("a", None, 1000, first=True)


def test_the_room_is_bounded_for_any_number_of_addresses(inbox: Any) -> None:
    taken = sum(inbox.put(str(address), None, 65_507, first=False) for _turn in range(100) for address in range(2000))
    assert taken * 65_507 < 20 << 20
    assert not inbox.put("another", None, 1, first=False)


def test_a_datagram_of_any_size_can_wait_if_nothing_of_its_address_does(inbox: Any) -> None:
    for address in range(_snmp_inbox.MAX_ADDRESSES):
        assert inbox.put(str(address), None, 65_507, first=False)


def test_what_was_taken_leaves_its_room(inbox: Any, clock: Any) -> None:
    for _turn in range(3):
        while inbox.put("a", None, 1000, first=True):
            pass
        while inbox.delay() is not None:
            take(inbox, clock)


def test_a_cleared_inbox_is_empty(inbox: Any) -> None:
    inbox.put("a", 1, 100, first=False)
    inbox.put("a", 1, 100, first=True)
    assert inbox.clear() == 2
    assert inbox.delay() is None
    assert inbox.clear() == 0
