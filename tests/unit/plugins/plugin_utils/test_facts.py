# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _facts as facts

TARGET = {"protocol": "fc", "id": "500507630f44be07"}


def path(serial: str, where: str = "1:0:0:0", **other: Any) -> facts.Path:
    return facts.Path(**{"where": where, "devices": ("/dev/st0",), "serial": serial, **other})


@pytest.mark.parametrize("states", list(itertools.permutations(["online", "offline", "unknown"])))
def test_a_port_is_online_if_it_is_so_anywhere(states: tuple[str, ...]) -> None:
    assert [port["state"] for port in facts.ports(facts.port("sas", "a", state, None) for state in states)] == [
        "online"
    ]


@pytest.mark.parametrize("states", [["offline", "unknown"], ["unknown", "offline"]])
def test_a_port_that_is_offline_somewhere_is_not_unknown(states: list[str]) -> None:
    assert [port["state"] for port in facts.ports(facts.port("sas", "a", state, None) for state in states)] == [
        "offline"
    ]


def test_ports_are_sorted_and_keep_the_first_device() -> None:
    found = [
        facts.port("sas", "b", "online", None),
        facts.port("fc", "c", "online", "x"),
        facts.port("sas", "b", "online", "y"),
    ]
    assert [(port["protocol"], port["id"], port["device"]) for port in facts.ports(found)] == [
        ("fc", "c", "x"),
        ("sas", "b", "y"),
    ]


def test_the_first_path_that_knows_a_thing_tells_it() -> None:
    made, notes = facts.drives(
        [path("A"), path("A", "2:0:0:0", vendor="IBM", wwnn="50", devices=("/dev/st1", "/dev/st0"))]
    )
    assert (made[0]["vendor"], made[0]["wwnn"], made[0]["model"]) == ("IBM", "50", None)
    assert made[0]["devices"] == ["/dev/st0", "/dev/st1"]
    assert len(made[0]["paths"]) == 2
    assert notes == []


def test_a_unit_whose_name_is_unknown_on_one_path_is_the_same_drive() -> None:
    made, notes = facts.drives([path("A", unit="x"), path("A", "2:0:0:0", unit=None)])
    assert len(made) == 1
    assert notes == []


def test_a_drive_that_claims_anothers_serial_is_left_out_and_the_rest_stays() -> None:
    made, notes = facts.drives([path("A", unit="x"), path("A", "2:0:0:0", unit="y"), path("B", unit="z")])
    assert [drive["serial"] for drive in made] == ["B"]
    assert "1:0:0:0 (/dev/st0) named x and 2:0:0:0 (/dev/st0) named y" in notes[0]


def test_the_name_of_a_target_with_many_drives_is_told_once_and_shortly() -> None:
    made, notes = facts.drives([path(f"S{number}", target_port=TARGET) for number in range(64)])
    assert all(drive["wwpns"] == [] for drive in made)
    assert notes == [
        "WWN 500507630f44be07 serves several drives (S0, S1, S10, S11 and 60 more), so none of them is known by it."
    ]


def test_a_wwnn_that_several_drives_have_names_none_of_them() -> None:
    made, _notes = facts.drives([path("A", wwnn="5005076300000001"), path("B", wwnn="5005076300000001")])
    assert [drive["wwnn"] for drive in made] == [None, None]


def test_an_iscsi_target_is_no_wwpn() -> None:
    made, _notes = facts.drives([path("A", target_port={"protocol": "iscsi", "id": "iqn.2026-11.lab:a"})])
    assert made[0]["wwpns"] == []


def test_files_that_are_known_by_serial_number_come_last() -> None:
    made, _notes = facts.drives([path("A")], {"A": ["/dev/IBMtape0"], "B": ["/dev/IBMtape1"]})
    assert made[0]["devices"] == ["/dev/st0", "/dev/IBMtape0"]
