# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_report as report
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

PORT = {"protocol": "fc", "id": "10000090fa1658de"}
DRIVE = {
    "serial": "10WT012345",
    "origin": "found",
    "missing_since": None,
    "devices": ["/dev/st0", "/dev/nst0"],
    "paths": [{"device": "/dev/st0", "port": PORT}, {"device": None, "port": None}],
}


def drive(**other: Any) -> dict[str, Any]:
    return {"backup1": {"drives": [{**DRIVE, **other}], "ports": [], "notes": []}}


def test_columns_are_aligned_under_their_headings() -> None:
    lines = report.table(
        {**drive(), "b": {"drives": [], "ports": [{**PORT, "state": "online", "device": None, "origin": "manual"}]}}
    )
    assert lines == [
        "HOST     KIND   NAME                 STATE   ORIGIN  SEEN THROUGH",
        "b        port   fc 10000090fa1658de  online  manual  -",
        "backup1  drive  10WT012345           -       found   /dev/st0 by fc 10000090fa1658de, ?",
    ]


def test_what_is_missing_is_told_with_the_time_instead_of_its_origin() -> None:
    assert "  missing since 2026-11-22 06:00 UTC  " in report.table(drive(missing_since=1795327234.5))[1]


def test_a_drive_without_paths_is_told_by_its_first_device_file() -> None:
    assert report.table(drive(paths=[]))[1].endswith("found   /dev/st0")
    assert report.table(drive(paths=[], devices=[]))[1].endswith("found   -")


def test_a_host_that_sees_nothing_has_a_line_all_the_same() -> None:
    assert report.table({"backup1": {"drives": [], "ports": []}})[1].split() == [
        "backup1",
        "-",
        "nothing",
        "-",
        "-",
        "-",
    ]


def test_notes_come_last_with_their_host() -> None:
    associations = drive()
    associations["backup1"]["notes"] = ["One.", "Two."]
    assert report.table(associations)[2:] == ["backup1: One.", "backup1: Two."]


def test_an_empty_table_says_so() -> None:
    assert report.table({}) == ["No host has recorded its drives and ports yet."]


@pytest.mark.parametrize("value", [None, [], "x", {"a": 1}])
def test_what_is_not_the_associations_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValueError, match="^associations must be the mapping that drive_table_info returns$"):
        report.table(value)
