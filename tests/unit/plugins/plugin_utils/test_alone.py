# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _alone, _record
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

WHY = "drive_sharing: reserved by fc 10000090fa1658de, change 7"


def record(drive: str = "D1", instance: str = "alpha", **over: Any) -> tuple[str, str, str]:
    fields = {
        "site": "here", "drive": drive, "instance": instance, "sequence": 7, "phase": "done", "target": "offline",
        "was": "online", "taken": True, "reason": WHY, **over,
    }
    return instance, drive, _record.format(_record.Record(**fields))


def find(*records: tuple[str, str, str], free: list[str] | None = None, site: str | None = None) -> _alone.Found:
    return _alone.find(records, free or [], site, {"D1": ["/dev/nst0"]}, ["alpha", "beta"])


@pytest.mark.parametrize("free", [["D1"], ["all"]])
def test_a_taken_drive_that_a_person_knows_to_be_free_is_given_back_under_its_records_own_number(free: list[str]) -> None:
    found = find(record(), free=free)
    assert list(found.asks) == [("alpha", "here")]
    (ask,) = found.asks["alpha", "here"]
    assert (ask.drive, ask.sequence, ask.table_sequence, ask.relation, ask.taken, ask.devices) == (
        "D1", 7, 7, "none", True, ("/dev/nst0",)
    )
    assert (found.left, found.problems) == ([], [])


def test_a_taken_drive_of_which_nobody_has_said_that_it_is_free_is_left_and_named() -> None:
    found = find(record())
    assert (found.asks, found.problems) == ({}, [])
    assert found.left == [
        "Drive D1 stays offline in alpha: its record says 'drive_sharing: reserved by fc 10000090fa1658de, change 7', and only the"
        " drive table knows whether that is still so. If you know that it is free, run the playbook again with"
        ' drive_sharing_free: ["D1"].'
    ]


def test_an_intent_to_set_offline_what_was_online_counts_as_taken() -> None:
    assert list(find(record(phase="intent", taken=False), free=["all"]).asks) == [("alpha", "here")]


def test_what_is_not_taken_is_not_mentioned() -> None:
    found = find(record(taken=False, target="none"), free=["all"])
    assert (found.asks, found.left, found.problems) == ({}, [], [])


def test_a_drive_that_is_not_taken_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"^Drive D9 of drive_sharing_free .*; nothing was set\. Taken are D1\.$"):
        find(record(), free=["D9"])


def test_the_drives_of_several_instances_and_sites_are_asked_apart() -> None:
    found = find(record(), record("D2"), record("D1", "beta"), record("D3", "beta", site="there"), free=["all"])
    assert {key: [ask.drive for ask in asks] for key, asks in found.asks.items()} == {
        ("alpha", "here"): ["D1", "D2"], ("beta", "here"): ["D1"], ("beta", "there"): ["D3"],
    }


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (record(instance="gamma"), "Drive D1 is offline in gamma, but drive_sharing_applications of this host has no such instance"),
        (record(site="there"), "The record of drive D1 in alpha belongs to site there, not here; nothing was set."),
        (("alpha", "D1", "junk"), "alpha, drive D1: The record on the control point is no record"),
        (("alpha", "D2", record()[2]), "The record alpha/D2 is that of drive D1 in alpha; it was left as it is."),
    ],
    ids=["instance", "site", "junk", "another drive's"],
)
def test_a_record_that_cannot_be_used_is_said_and_left(given: tuple[str, str, str], problem: str) -> None:
    found = find(given, free=["all"], site="here")
    assert found.asks == {}
    assert len(found.problems) == 1
    assert found.problems[0].startswith(problem)
