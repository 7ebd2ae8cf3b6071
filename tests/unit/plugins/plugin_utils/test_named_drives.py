# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which names of a product a drive is, where the product shows no serial numbers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._named_drives import OPTIONS, Names, Row

NAMES = Names("acme", "Acme")
#: A drive of two hosts; on both the other drive has the file of the other host.
TWO = Target("SER0", ("/dev/nst0",), "", {"node2": ("/dev/nst1",)})
OTHER = Target("SER1", ("/dev/nst1",), "", {"node2": ("/dev/nst0",)})


def options(**over: Any) -> dict[str, Any]:
    final = {key: spec["default"] for key, spec in OPTIONS.items()} | over
    NAMES.check(final)
    return {**final, "control_point": "node1"}


def names(*rows: Row, targets: tuple[Target, ...] = (TWO, OTHER), **over: Any) -> dict[str, tuple[str, ...]]:
    reading = NAMES.read(options(**over), targets, rows)
    assert reading.problems == {}
    return {drive: found.names for drive, found in reading.drives.items()}


def row(name: str, device: str = "", host: str = "", **more: Any) -> Row:
    return Row(name, more.pop("state", "online"), "up", device, host, **more)


ALL = (
    row("A1", "/dev/nst0"), row("A2", "/dev/nst1", "node2"), row("B1", "/dev/nst1", "node1.example.com"),
    row("B2", "/dev/nst0", "NODE2"),
)


def test_a_file_counts_on_its_own_host_only():
    assert names(*ALL) == {"SER0": ("A1", "A2"), "SER1": ("B1", "B2")}


def test_a_drive_that_no_row_fits_is_not_configured():
    reading = NAMES.read(options(), [Target("SER7", ("/dev/nst7",))], ALL)
    assert (reading.drives, reading.problems) == ({}, {})


def test_what_a_person_says_wins_over_the_files():
    assert names(*ALL, targets=(TWO,), drive_names={"SER0": ["A1"]}) == {"SER0": ("A1",)}


def test_a_host_by_hand_wins_over_its_likeness():
    assert names(row("A1", "/dev/nst1", "node1"), hosts={"node1": "node2"}) == {"SER0": ("A1",)}


def test_a_host_that_is_not_known_may_be_the_one_that_is_left():
    reading = NAMES.read(options(), [TWO], [row("A1", "/dev/nst0"), row("A2", "/dev/nst1", "storage9")])
    assert "Acme's drive A2 has its device file, but on storage9" in reading.problems["SER0"]
    assert "application_acme_hosts" in reading.problems["SER0"]


def test_a_host_that_is_not_known_is_another_one_where_all_hosts_of_the_drive_are_found():
    rows = (*ALL[:2], row("X", "/dev/nst1", "storage9"), row("Y", "/dev/nst0", "storage9"))
    assert names(*rows, targets=(TWO,)) == {"SER0": ("A1", "A2")}


def test_the_worst_of_several_names_counts():
    def found(*states: str, **more: Any) -> Any:
        rows = [row(f"A{number}", "/dev/nst0", state=state, **more) for number, state in enumerate(states)]
        return NAMES.read(options(), [TWO], rows).drives["SER0"]

    assert [found(*some).state for some in (("offline", "online"), ("other", "online"), ("offline", "offline"))] == [
        "online", "other", "offline"
    ]
    assert found("offline", "online", ending=True).ending is False
    assert found("offline", ending=True).ending
    assert found("offline", in_use=True, conflict=True).in_use
    assert found("offline", conflict=True).conflict


def test_a_row_of_two_drives_is_refused_with_both_also_if_only_one_is_asked_about():
    given = {"SER5": ["A1"]}
    reading = NAMES.read(options(drive_names=given), [TWO], ALL)
    assert reading.problems == {"SER0": "Acme's drive A1 would be several drives: SER0, SER5"}


def test_drives_are_counted_once_and_by_pool():
    rows = [row("A1", "/dev/nst0", pool="P"), row("A2", "/dev/nst1", "node2", pool="P"), row("C", "/dev/x", "far", pool="Q")]
    reading = NAMES.read(options(), [TWO], rows)
    assert (reading.online, reading.pools) == (2, {"P": 1, "Q": 1})
    assert NAMES.read(options(), [TWO], rows, counted=False).online is None


@pytest.mark.parametrize("name", ["", "a\nb", "a\0b", 3])
def test_a_name_is_printable(name):
    with pytest.raises(InvalidValueError, match=r"application_acme_drive_names\[SER0\] must be a name or a list of names"):
        options(drive_names={"SER0": [name]})


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(["", "/dev/nst0", "/dev/nst1"]), st.sampled_from(["", "node2", "x"])), max_size=6))
def test_no_name_is_ever_given_to_two_drives(rows):
    reading = NAMES.read(options(), [TWO, OTHER], [row(*one) for one in rows])
    given = [name for found in reading.drives.values() for name in set(found.names)]
    assert len(given) == len(set(given))
