# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person is told of control points that did not confirm."""

from __future__ import annotations

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _silence

HUNG = "the query did not end in time and was stopped"
HOSTS = [f"host_{number:02}" for number in range(1, 21)]


def test_a_few_are_told_one_by_one() -> None:
    assert _silence.by_whom({"b": HUNG, "a": "unreachable: no route"}) == f"a: unreachable: no route; b: {HUNG}"


def test_many_are_named_with_what_they_have_in_common() -> None:
    assert _silence.by_whom(dict.fromkeys(HOSTS, HUNG)) == f"20 control points ({', '.join(HOSTS)}): {HUNG}"


def test_more_than_can_be_read_are_counted() -> None:
    hosts = [f"host_{number:03}" for number in range(300)]
    said = _silence.by_whom(dict.fromkeys(hosts, HUNG))
    assert said.startswith("300 control points (host_000, host_001, ")
    assert said.endswith(f"host_024 and 275 more): {HUNG}")


def test_causes_that_differ_in_an_address_only_are_one_cause() -> None:
    said = {host: f"unreachable: {host} (10.0.0.{place}) port 22: refused" for place, host in enumerate(HOSTS)}
    assert _silence.by_whom(said).endswith("): unreachable: host_01 (10.0.0.0) port 22: refused")


def test_a_host_with_a_short_name_does_not_make_causes_differ() -> None:
    assert _silence.by_whom(dict.fromkeys("abcde", HUNG)) == f"5 control points (a, b, c, d, e): {HUNG}"


def test_several_causes_are_counted_the_most_frequent_first() -> None:
    said = {**dict.fromkeys(HOSTS[:3], "locked"), **dict.fromkeys(HOSTS[3:], HUNG)}
    assert _silence.by_whom(said).endswith(f"): {HUNG} (17 of them); locked (3 of them)")


def test_rare_causes_are_only_counted() -> None:
    said = {host: f"cause {'x' * (place % 6)}" for place, host in enumerate(HOSTS)}
    assert _silence.by_whom(said).count("of them") == 4


def test_many_drives_are_counted_and_each_host_is_told_with_its_usual_cause() -> None:
    found = [(f"D{number}", {"a": HUNG, "b": "locked" if number else HUNG}) for number in range(5)]
    assert _silence.many(found) == f"5 drives (D0, D1, D2 and 2 more) were not confirmed by a: {HUNG}; b: locked"


def test_what_one_host_says_of_many_drives_is_one_sentence() -> None:
    assert _silence.of_drives({"D2": "busy", "D1": HUNG}) == f"drive D1: {HUNG}; drive D2: busy"
    said = _silence.of_drives({f"D{number}": "busy" if number == 3 else HUNG for number in range(9)})
    assert said == f"9 drives (D0, D1, D2 and 6 more): {HUNG} (8 of them); busy (1 of them)"
