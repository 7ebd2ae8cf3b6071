# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _plan as plan
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._decision import RELATIONS

A, B, SHARED, STRANGE = (
    {"protocol": "fc", "id": f"10000090fa00000{number}"} for number in ("a", "b", "c", "d")
)
UNREADABLE = {"protocol": None, "id": None}
OWNERS = {A["id"]: {"alpha"}, B["id"]: {"beta"}, SHARED["id"]: {"alpha", "beta"}}


def owners(port: dict[str, Any]) -> set[str]:
    return OWNERS.get(port["id"], set())


@pytest.mark.parametrize(
    ("holders", "wanted"),
    [
        ([A], "own"),
        ([B], "foreign"),
        ([SHARED], "ambiguous"),
        ([STRANGE], "unknown"),
        ([UNREADABLE], "unknown"),
        ([], "unknown"),
        ([B, B], "foreign"),
        ([B, A], "own"),
        ([SHARED, A], "own"),
        ([UNREADABLE, A], "own"),
        ([B, SHARED], "ambiguous"),
        ([STRANGE, SHARED], "ambiguous"),
        ([B, STRANGE], "unknown"),
        ([UNREADABLE, B], "unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_reserved_drive_looks_to_an_instance_as_its_nearest_holder_does(holders: list[Any], wanted: str) -> None:
    assert plan.relation("reserved", holders, "alpha", owners) == wanted
    assert plan.relation("reserved", holders[::-1], "alpha", owners) == wanted


def test_a_port_shared_by_two_other_instances_is_foreign_to_a_third() -> None:
    assert plan.relation("reserved", [SHARED], "gamma", owners) == "foreign"


@pytest.mark.parametrize("holders", [[], [A], [B, UNREADABLE]])
def test_a_released_drive_has_no_holder_whatever_else_the_row_says(holders: list[Any]) -> None:
    assert plan.relation("released", holders, "alpha", owners) == "none"


def test_an_unreadable_port_is_never_looked_up() -> None:
    asked: list[Any] = []

    def note(port: Any) -> set[str]:
        asked.append(port)
        return {"alpha"}

    assert plan.relation("reserved", [UNREADABLE], "alpha", note) == "unknown"
    assert asked == []


@given(
    status=st.sampled_from(["reserved", "released"]), holders=st.lists(st.sampled_from([A, B, SHARED, STRANGE, UNREADABLE])),
)
def test_every_relation_is_one_that_the_decision_knows(status: str, holders: list[Any]) -> None:
    assert plan.relation(status, holders, "alpha", owners) in RELATIONS


# Control points.


def instance(name: str = "alpha", scope: str = "instance", points: Iterable[str] = (), hosts: Iterable[str] = ()) -> dict[str, Any]:
    return {
        "instance": name, "application": "custom", "scope": scope, "control_points": list(points), "hosts": list(hosts),
    }


def test_with_one_state_per_instance_the_first_control_point_is_asked() -> None:
    one = instance(points=["m2", "m1", "m3"], hosts=["s1", "s2"])
    assert plan.control_points(one, {"m1", "m2", "m3", "s1", "s2"}) == (["m2"], [])


def test_a_control_point_that_the_inventory_lacks_is_named_and_the_next_one_asked() -> None:
    one = instance(points=["m2", "m1", "m3"])
    assert plan.control_points(one, {"m1"}) == (["m1"], ["m2", "m3"])


def test_without_any_control_point_in_the_inventory_nobody_is_asked() -> None:
    assert plan.control_points(instance(points=["m1"]), set()) == ([], ["m1"])


@pytest.mark.parametrize(
    ("silent", "wanted"),
    [
        ([("alpha", "m1")], "m2"),
        ([("alpha", "m1"), ("alpha", "m2")], "m3"),
        ([("alpha", "m1"), ("alpha", "m2"), ("alpha", "m3")], "m1"),
        ([("alpha", "m2")], "m1"),
        ([("beta", "m1")], "m1"),
    ],
)
def test_a_control_point_that_was_silent_for_this_change_comes_last(silent: list[tuple[str, str]], wanted: str) -> None:
    one = instance(points=["m1", "m2", "m3"])
    assert plan.control_points(one, {"m1", "m2", "m3"}, silent) == ([wanted], [])


def test_with_one_state_per_host_every_host_that_sees_the_drive_is_asked_and_no_control_point_is() -> None:
    one = instance(scope="host", points=["m1"], hosts=["s2", "s3", "s1"])
    assert plan.control_points(one, {"m1", "s1", "s2"}) == (["s1", "s2"], ["s3"])


def test_a_silent_host_is_asked_again_where_every_host_has_its_own_state() -> None:
    one = instance(scope="host", hosts=["s1", "s2"])
    assert plan.control_points(one, {"s1", "s2"}, [("alpha", "s1")]) == (["s1", "s2"], [])


# The plan of a batch.


class Associations:
    """As the table's, but from a dictionary."""

    def __init__(self, drives: dict[str, list[dict[str, Any]]], unmanaged: dict[str, list[dict[str, Any]]] | None = None) -> None:
        self.drives = drives
        self.unmanaged = unmanaged or {}
        self.conflicts: dict[str, str] = {}

    def instances_of(self, drive: str, *, managed_only: bool = True) -> list[dict[str, Any]]:
        return self.drives.get(drive, []) + ([] if managed_only else self.unmanaged.get(drive, []))

    def owners(self, port: dict[str, Any]) -> set[str]:
        return owners(port)

    def conflict(self, drive: str) -> str | None:
        return self.conflicts.get(drive)

    def port_conflict(self, port: dict[str, Any]) -> str | None:
        return self.conflicts.get(port["id"])


def change(drive: str = "D1", **over: Any) -> dict[str, Any]:
    return {"drive": drive, "sequence": 7, "attempt": 2, "status": "reserved", "holders": [A], **over}


ALPHA, BETA = instance("alpha", "host", hosts=["s1"]), instance("beta", "host", hosts=["s2"])


def test_every_instance_is_asked_with_its_own_view_of_the_holder() -> None:
    made = plan.make([change()], Associations({"D1": [ALPHA, BETA]}), {"s1", "s2"})
    common = {"drive": "D1", "sequence": 7, "attempt": 2, "application": "custom", "scope": "host"}
    assert made.asks == [
        {**common, "instance": "alpha", "host": "s1", "relation": "own"},
        {**common, "instance": "beta", "host": "s2", "relation": "foreign"},
    ]
    assert (made.hosts, made.settled, made.warnings) == ({"s1": 1, "s2": 1}, {}, [])


def test_two_instances_on_one_host_share_its_port_and_are_both_asked_there() -> None:
    both = [instance("alpha", "host", hosts=["s1"]), instance("beta", "host", hosts=["s1"])]
    made = plan.make([change(holders=[SHARED])], Associations({"D1": both}), {"s1"})
    assert [(ask["instance"], ask["host"], ask["relation"]) for ask in made.asks] == [
        ("alpha", "s1", "ambiguous"), ("beta", "s1", "ambiguous"),
    ]
    assert made.hosts == {"s1": 2}


@pytest.mark.parametrize(
    ("instances", "who"), [([], "nobody"), ([ALPHA], "alpha")], ids=["nobody", "one"]
)
def test_a_drive_seen_by_fewer_than_two_instances_is_settled_without_touching_a_host(
    instances: list[dict[str, Any]], who: str
) -> None:
    made = plan.make([change()], Associations({"D1": instances}), {"s1", "s2"})
    assert made.settled == {"D1": f"seen by fewer than two instances ({who})"}
    assert (made.asks, made.hosts, made.warnings) == ([], {}, [])


def test_one_settled_drive_does_not_keep_the_others_of_the_batch_from_being_asked_about() -> None:
    made = plan.make([change("D0"), change("D1"), change("D2")], Associations({"D1": [ALPHA, BETA], "D2": [ALPHA, BETA]}), {"s1", "s2"})
    assert sorted({ask["drive"] for ask in made.asks}) == ["D1", "D2"]
    assert made.hosts == {"s1": 2, "s2": 2}
    assert list(made.settled) == ["D0"]


def test_a_host_that_the_inventory_lacks_is_named_once_with_its_drives_and_the_others_are_asked() -> None:
    drives = [f"D{number}" for number in range(5)]
    made = plan.make([change(drive) for drive in drives], Associations({key: [ALPHA, BETA] for key in drives}), {"s1"})
    assert {ask["host"] for ask in made.asks} == {"s1"}
    assert made.settled == {}
    assert made.warnings == [
        "Host s2 of the associations is not in the inventory and was not asked about drives D0, D1, D2 and 2 more; add it"
        " to the inventory, or have it forgotten by drive_table with state=forgotten."
    ]


def test_a_drive_of_which_no_control_point_is_in_the_inventory_is_not_settled_and_both_hosts_are_named() -> None:
    made = plan.make([change()], Associations({"D1": [ALPHA, BETA]}), set())
    assert (made.settled, made.nobody) == ({}, ["D1"])
    assert [line.split(" of the associations")[0] for line in made.warnings] == ["Host s1", "Host s2"]
    assert "about drive D1;" in made.warnings[0]


def test_silence_counts_only_for_the_drive_it_was_met_with() -> None:
    pair = [instance("alpha", points=["m1", "m2"]), BETA]
    made = plan.make(
        [change("D1"), change("D2")], Associations({"D1": pair, "D2": pair}), {"m1", "m2", "s2"}, {"D1": {("alpha", "m1")}}
    )
    assert [(ask["drive"], ask["host"]) for ask in made.asks if ask["instance"] == "alpha"] == [("D1", "m2"), ("D2", "m1")]


def test_an_instance_without_any_control_point_is_not_passed_over_in_silence() -> None:
    made = plan.make([change()], Associations({"D1": [instance("alpha"), BETA]}), {"s2"})
    assert [ask["instance"] for ask in made.asks] == ["beta"]
    assert made.warnings == [
        "Instance alpha has no control point and was not asked about drive D1; give its hosts control_points in"
        " drive_sharing_applications, and run the playbook host_facts."
    ]


def test_a_drive_that_is_shared_no_more_is_given_back_where_we_have_it_offline() -> None:
    associations = Associations({"D1": [ALPHA]}, {"D1": [BETA]})
    made = plan.make([change(status="released", holders=[])], associations, {"s1", "s2"}, taken={"D1": {"beta"}})
    assert [(ask["instance"], ask["relation"]) for ask in made.asks] == [("beta", "none")]
    assert made.settled == {}


def test_a_drive_that_is_shared_no_more_and_not_taken_is_settled() -> None:
    made = plan.make([change()], Associations({"D1": [ALPHA]}, {"D1": [BETA]}), {"s1", "s2"}, taken={"D1": {"gone"}})
    assert (made.asks, list(made.settled)) == ([], ["D1"])
