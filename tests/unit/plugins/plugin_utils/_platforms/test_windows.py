# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Windows host's module returns, composed after Microsoft's and IBM's documentation, and worse."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import DriveSharingError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import windows
from ansible_collections.tapeworks.drive_sharing.tests.unit.fixtures.facts import schema

SAMPLES = Path(__file__).parents[3] / "fixtures/facts/windows"
SHARED = Path("/work/shared/fixtures/facts/windows")
SAMPLE = json.loads((SAMPLES / "answers.json").read_text())
FC, FC_DOWN = "21000024ff0a0b01", "21000024ff0a0b02"
IQN = "iqn.1991-05.com.microsoft:backup5.example.com"
TAPE0, TAPE1, TAPE2 = "\\\\.\\Tape0", "\\\\.\\Tape1", "\\\\.\\Tape2"
IBM = "SYSTEM\\CurrentControlSet\\Services\\ibmtpbs"
DENIED = {"category": "PermissionDenied", "code": "AccessDenied", "message": "Access denied "}
NO_CLASS = {"category": "ObjectNotFound", "code": "InvalidClass", "message": "Invalid class "}


class Host:
    """The sample; methods make it a worse one."""

    def __init__(self) -> None:
        self.result = copy.deepcopy(SAMPLE)

    def rows(self, name: str) -> list[dict[str, Any]]:
        return self.result["answers"][name]["rows"]

    def fails(self, name: str, problem: dict[str, str], *, empty: bool = True) -> Host:
        self.result["answers"][name] = {"rows": [] if empty else self.rows(name), "problem": problem}
        return self

    def value(self, place: str, name: str, value: object) -> Host:
        """Change a value of the SCSI map; None takes it away."""
        found = [row for row in self.rows("scsi_map") if place in row["key"] and row["name"] == name]
        assert found
        for row in found:
            row["value"] = value
            if value is None:
                self.rows("scsi_map").remove(row)
        return self

    def named(self, *rows: dict[str, object]) -> Host:
        self.result["answers"]["persistent_names"]["rows"] = [{"key": IBM, **row} for row in rows]
        return self

    def facts(self) -> dict[str, Any]:
        # As it comes from the host.
        facts = windows.parse(json.loads(json.dumps(self.result)))
        schema.check(facts)
        return facts


@pytest.fixture
def host() -> Host:
    return Host()


def drives(found: dict[str, Any]) -> dict[str, list[tuple[str | None, str | None, str | None]]]:
    return {
        drive["serial"]: [
            (path["device"], *((path[end] or {}).get("id") for end in ("port", "target_port")))
            for path in drive["paths"]
        ]
        for drive in found["drives"]
    }


def ports(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {port["id"]: (port["protocol"], port["state"]) for port in found["ports"]}


# --- drives


def test_two_devices_with_one_serial_number_are_one_drive_with_two_paths(host: Host) -> None:
    found = host.facts()
    assert drives(found) == {
        "10WT012345": [(TAPE0, FC, "500507630f44be07"), (TAPE1, FC_DOWN, "500507630f84be07")],
        "10WT067890": [(TAPE2, FC, "500507630f44c101")],
    }
    assert found["drives"][0] == {
        "serial": "10WT012345",
        "manufacturer_serial": None,
        "wwnn": "500507630f04be07",
        "wwpns": ["500507630f44be07", "500507630f84be07"],
        "vendor": "IBM",
        "model": "ULT3580-TD8",
        "devices": [TAPE0, TAPE1],
        "paths": found["drives"][0]["paths"],
        "origin": "found",
        "location": None,
        "library": None,
    }
    assert found["notes"] == []


def test_disks_and_changers_are_no_drives(host: Host) -> None:
    assert "SSD0001" in str(host.result)
    assert "0000078AB" in str(host.result)
    assert list(drives(host.facts())) == ["10WT012345", "10WT067890"]


def test_the_older_port_driver_calls_the_type_otherwise(host: Host) -> None:
    for row in host.rows("scsi_map"):
        row["name"] = "Type" if row["name"] == "DeviceType" else row["name"]
    assert list(drives(host.facts())) == ["10WT012345", "10WT067890"]


def test_padding_of_a_serial_number_is_no_part_of_it(host: Host) -> None:
    host.value("Scsi Port 2\\Scsi Bus 0\\Target Id 2", "SerialNumber", "  10WT012345 \0")
    assert len(drives(host.facts())["10WT012345"]) == 2


def test_bytes_may_be_numbers_too(host: Host) -> None:
    for row in host.rows("scsi_map"):
        if row["name"] in ("DeviceIdentifierPage", "InquiryData"):
            row["value"] = list(bytes.fromhex(row["value"].replace("-", "")))
    assert host.facts() == Host().facts()


def test_without_inquiry_data_the_identifier_tells_vendor_and_model(host: Host) -> None:
    for row in [row for row in host.rows("scsi_map") if row["name"] == "InquiryData"]:
        host.rows("scsi_map").remove(row)
    assert host.facts() == Host().facts()


def test_the_address_is_read_in_any_language(host: Host) -> None:
    for row in host.rows("tape_drives"):
        row["Location"] = row["Location"].replace("Bus Number", "Busnummer").replace("Target Id", "Ziel-ID")
    assert host.facts() == Host().facts()


def test_the_address_is_also_at_the_end_of_the_name_of_plug_and_play(host: Host) -> None:
    for row in host.rows("tape_drives"):
        row["Location"] = None
    assert host.facts() == Host().facts()


def test_a_drive_that_no_driver_has_is_known_without_a_name(host: Host) -> None:
    del host.rows("tape_drives")[2]
    found = host.facts()
    assert drives(found)["10WT067890"] == [(None, None, "500507630f44c101")]
    assert (
        "The host's port to drive 10WT067890 at Scsi Port 2, Bus 0, Target 4, LUN 0 has no name that can be known."
        in found["notes"]
    )


@pytest.mark.parametrize("serial", [None, "", "   ", "\x01\xff", "two words"])
def test_a_drive_without_a_usable_serial_number_is_named_and_left_out(host: Host, serial: str | None) -> None:
    found = host.value("Target Id 4", "SerialNumber", serial).facts()
    assert list(drives(found)) == ["10WT012345"]
    start = "The tape drive at Scsi Port 2, Bus 0, Target 4, LUN 0 was left out: "
    (note,) = [note for note in found["notes"] if note.startswith(start)]
    assert note.endswith("Name it in drive_sharing_drives.")
    assert note.isprintable()


def test_two_drives_with_one_serial_number_are_refused_and_both_named(host: Host) -> None:
    found = host.value("Target Id 4", "SerialNumber", "10WT012345").facts()
    assert found["drives"] == []
    (note,) = [note for note in found["notes"] if "is claimed by 2 different drives" in note]
    assert "Scsi Port 2, Bus 0, Target 2, LUN 0 (\\\\.\\Tape0) named 500507630f04be07" in note
    assert "Scsi Port 2, Bus 0, Target 4, LUN 0 (\\\\.\\Tape2) named 500507630f04c101" in note


@pytest.mark.parametrize("page", ["", "junk", "01-83-00-40-01", "01-80-00-02-31-31", 7, ["a"], None])
def test_a_page_83h_that_cannot_be_read_costs_only_the_names(host: Host, page: object) -> None:
    found = host.value("Target Id 4", "DeviceIdentifierPage", page).facts()
    assert drives(found)["10WT067890"] == [(TAPE2, FC, None)]
    assert all(
        note.startswith("Drive 10WT067890 at Scsi Port 2, Bus 0, Target 4, LUN 0: VPD page 83h")
        for note in found["notes"]
    )


def test_64_drives_are_64_drives(host: Host) -> None:
    rows = [
        row for row in host.rows("scsi_map") if "Target Id 4\\" in row["key"] and row["name"] != "DeviceIdentifierPage"
    ]
    for target in range(10, 72):
        for row in rows:
            key, value = row["key"].replace("Target Id 4", f"Target Id {target}"), row["value"]
            host.rows("scsi_map").append(
                {
                    "key": key,
                    "name": row["name"],
                    "value": f"10WT0700{target}" if row["name"] == "SerialNumber" else value,
                }
            )
    assert len(host.facts()["drives"]) == 64


# --- which drive is which


def one_address(host: Host) -> Host:
    """Let both adapters show a drive at target 4: the same address, but different drives."""
    for row in host.rows("scsi_map"):
        row["key"] = row["key"].replace("Scsi Port 3\\Scsi Bus 0\\Target Id 3", "Scsi Port 3\\Scsi Bus 0\\Target Id 4")
    device = host.rows("tape_drives")[1]
    device["Location"] = "Bus Number 0, Target Id 4, LUN 0"
    device["PNPDeviceID"] = device["DeviceID"] = device["PNPDeviceID"].replace("&000300", "&000400")
    return host


def test_drives_at_one_address_of_two_adapters_are_known_but_not_by_their_names(host: Host) -> None:
    found = one_address(host).facts()
    assert list(drives(found)) == ["10WT012345", "10WT067890"]
    assert drives(found)["10WT012345"] == [(TAPE0, FC, "500507630f44be07"), (None, None, "500507630f84be07")]
    assert (
        f"Which drive is which of {TAPE1}, {TAPE2} is not known, as several adapters show different drives at one address; "
        "switch persistent naming of IBM's driver on, or name their devices in drive_sharing_drives." in found["notes"]
    )


def persistent(host: Host) -> Host:
    for number, row in enumerate(host.rows("tape_drives")):
        row["Name"] = f"\\\\.\\tape{4801101 + number}"
    return host


# Nobody says how IBM's keys look, only what they associate.
@pytest.mark.parametrize(
    "rows",
    [
        [{"name": "500507630F04C101", "value": "4801103"}],
        [{"name": "\\\\.\\tape4801103", "value": "50-05-07-63-0F-04-C1-01"}],
        [{"name": "10WT067890", "value": "tape4801103"}],
        [{"name": "Tape3", "value": ["500507630f04c101", "4801103"]}],
        [
            {"key": f"{IBM}\\Names\\2", "name": "WWNN", "value": "0x500507630f04c101"},
            {"key": f"{IBM}\\Names\\2", "name": "DeviceNumber", "value": "4801103"},
        ],
        [
            {"key": f"{IBM}\\500507630f04c101", "name": "Name", "value": "tape4801103"},
            {"key": f"{IBM}\\500507630f04c101", "name": "Start", "value": "3"},
        ],
    ],
)
def test_persistent_names_tell_them_apart(host: Host, rows: list[dict[str, object]]) -> None:
    found = persistent(one_address(host)).named({"name": "Start", "value": "0"}, *rows).facts()
    assert drives(found) == {
        "10WT012345": [
            ("\\\\.\\tape4801101", FC, "500507630f44be07"),
            ("\\\\.\\tape4801102", FC_DOWN, "500507630f84be07"),
        ],
        "10WT067890": [("\\\\.\\tape4801103", FC, "500507630f44c101")],
    }
    assert not any("is not known" in note for note in found["notes"])


@pytest.mark.parametrize(
    "rows",
    [
        [{"name": "500507630f04c101", "value": "4801103"}, {"name": "500507630f04be07", "value": "4801103"}],
        [{"name": "500507630f04ffff", "value": "4801103"}],
        [{"name": "500507630f04c101", "value": "4801103 4801104"}],
        [{"name": "500507630f04c101", "value": "4800003"}],
        [{"name": "500507630f04c101", "value": "648011037"}],
        [{"name": None, "value": {"a": 1}}, {"value": [None]}],
    ],
)
def test_names_that_do_not_tell_one_drive_are_not_believed(host: Host, rows: list[dict[str, object]]) -> None:
    found = persistent(one_address(host)).named(*rows).facts()
    assert any("Which drive is which" in note for note in found["notes"])


def test_two_paths_at_one_address_need_not_be_told_apart(host: Host) -> None:
    one_address(host).value("Scsi Port 2\\Scsi Bus 0\\Target Id 4", "SerialNumber", "10WT012345")
    host.value("Scsi Port 2\\Scsi Bus 0\\Target Id 4", "DeviceIdentifierPage", None)
    found = host.facts()
    assert [path[0] for path in drives(found)["10WT012345"]] == [TAPE0, TAPE1, TAPE2]
    # But which of the drive's ports is behind which adapter is not known.
    assert [path[2] for path in drives(found)["10WT012345"]] == ["500507630f44be07", None, None]
    assert found["drives"][0]["wwpns"] == ["500507630f44be07", "500507630f84be07"]
    assert not any("is not known" in note for note in found["notes"])


def test_a_device_of_another_vendor_at_the_same_address_is_another(host: Host) -> None:
    device = one_address(host).rows("tape_drives")[1]
    device["PNPDeviceID"] = device["PNPDeviceID"].replace("VEN_IBM&PROD_ULT3580-TD8", "VEN_HP&PROD_ULTRIUM_6-SCSI")
    for row in host.rows("scsi_map"):
        if "Scsi Port 3" in row["key"] and row["name"] == "InquiryData":
            shown = bytes.fromhex(row["value"].replace("-", "")).replace(
                b"IBM     ULT3580-TD8     ", b"HP      Ultrium 6-SCSI  "
            )
            row["value"] = list(shown)
    found = host.facts()
    assert [path[0] for path in drives(found)["10WT012345"]] == [TAPE0, TAPE1]
    assert found["notes"] == []


def test_what_stands_below_a_unit_is_not_the_unit(host: Host) -> None:
    row = next(row for row in host.rows("scsi_map") if row["name"] == "SerialNumber" and "Target Id 4" in row["key"])
    host.rows("scsi_map").append({**row, "key": row["key"] + "\\Backup", "value": "10WT099999"})
    assert host.facts() == Host().facts()


def test_numbers_below_those_of_ibm_are_no_names_of_theirs(host: Host) -> None:
    one_address(host).rows("tape_drives")[2]["Name"] = "\\\\.\\tape4800003"
    found = host.named({"name": "500507630f04c101", "value": "4800003"}).facts()
    assert any("Which drive is which" in note for note in found["notes"])


def test_a_device_that_is_not_in_the_map_is_named_and_left_out(host: Host) -> None:
    host.rows("tape_drives").append(
        {**host.rows("tape_drives")[0], "Name": "\\\\.\\Tape9", "Location": "Bus 0, Target 9, LUN 0"}
    )
    assert (
        "The tape drive \\\\.\\Tape9 was left out: the SCSI map has no serial number of it. Name it in drive_sharing_drives."
        in host.facts()["notes"]
    )


def test_a_device_whose_name_is_not_shown_is_still_a_path(host: Host) -> None:
    host.rows("tape_drives")[2]["Name"] = "IBM ULT3580-TD8 SCSI Sequential Device"
    found = host.facts()
    assert drives(found)["10WT067890"] == [(None, FC, "500507630f44c101")]


# --- ports


def test_ports_have_their_states_from_the_older_interface(host: Host) -> None:
    assert ports(host.facts()) == {
        FC: ("fc", "online"),
        FC_DOWN: ("fc", "offline"),
        IQN: ("iscsi", "unknown"),
        "192.0.2.51": ("ip", "online"),
        "2001:db8::51": ("ip", "online"),
    }


def test_leading_zeros_of_bytes_are_kept() -> None:
    host = Host()
    assert "0A-0B-01" in host.rows("fc_ports")[0]["PortWWN"]
    assert FC in ports(host.fails("initiator_ports", NO_CLASS).facts())


@pytest.mark.parametrize("kinds", [("Fibre Channel", "iSCSI"), ("1", "2"), ("0", "0"), (None, None), (1, 2)])
def test_the_connection_is_a_word_or_a_number_or_seen_by_the_names(host: Host, kinds: tuple[object, object]) -> None:
    for row in host.rows("initiator_ports"):
        row["ConnectionType"] = kinds[row["InstanceName"].startswith("ROOT")]
    assert ports(host.facts()) == ports(Host().facts())


def test_a_sas_port_is_known_by_its_address(host: Host) -> None:
    row = host.rows("initiator_ports")[0]
    row.update(ConnectionType="3", PortAddress="500605b002a0b0c1")
    host.fails("fc_ports", NO_CLASS)
    found = host.facts()
    assert ports(found)["500605b002a0b0c1"] == ("sas", "unknown")
    assert {path["target_port"]["protocol"] for path in found["drives"][1]["paths"]} == {"sas"}


def test_the_older_interface_is_enough(host: Host) -> None:
    found = host.fails("initiator_ports", NO_CLASS).facts()
    assert {name: port for name, port in ports(found).items() if port[0] != "ip"} == {
        FC: ("fc", "online"),
        FC_DOWN: ("fc", "offline"),
        IQN: ("iscsi", "unknown"),
    }
    assert drives(found) == drives(Host().facts())


def test_an_initiator_through_which_a_drive_is_seen_is_online(host: Host) -> None:
    row = host.rows("tape_drives")[2]
    row["Parent"] = "ROOT\\iscsiprt\\0000"
    found = host.facts()
    assert ports(found)[IQN] == ("iscsi", "online")
    assert drives(found)["10WT067890"] == [(TAPE2, IQN, None)]


def test_a_name_that_is_none_is_told_and_left_out(host: Host) -> None:
    host.rows("initiator_ports")[0]["PortAddress"] = "0" * 16
    del host.rows("fc_ports")[0]
    found = host.facts()
    assert FC not in ports(found)
    assert any(
        note.startswith("The PortAddress of a port of MSFT_InitiatorPort must be a WWN") for note in found["notes"]
    )


# --- what cannot be asked


@pytest.mark.parametrize(
    ("name", "problem", "note"),
    [
        (
            "fc_ports",
            DENIED,
            "MSFC_FibrePortHBAAttributes may not be read by this account (Access denied), so the states of Fibre Channel ports "
            "are unknown; use one of the group Administrators.",
        ),
        (
            "initiator_ports",
            {"category": "OperationTimeout", "code": "Failed", "message": "Shutdown Windows"},
            "MSFT_InitiatorPort (Get-InitiatorPort) did not answer in time (Shutdown Windows), so ports may be unknown.",
        ),
        (
            "tape_drives",
            NO_CLASS,
            "Win32_TapeDrive is not there on this host (Invalid class), so the names of drives are unknown.",
        ),
        (
            "scsi_map",
            {"category": "NotSpecified", "code": "IOException", "message": "Line 1\r\nline 2"},
            "HKLM\\HARDWARE\\DEVICEMAP\\Scsi could not be read (Line 1 line 2), so no drive can be found.",
        ),
        ("addresses", {}, "Win32_NetworkAdapterConfiguration could not be read, so the host has no IP address."),
        (
            "persistent_names",
            {
                "category": "PermissionDenied",
                "code": "SecurityException",
                "message": "Requested registry access is not allowed.",
            },
            "The registry of IBM's tape driver may not be read by this account (Requested registry access is not allowed), so "
            "persistent names are unknown; use one of the group Administrators.",
        ),
    ],
)
def test_a_question_that_fails_is_one_sentence_and_costs_only_its_answer(
    host: Host, name: str, problem: dict[str, str], note: str
) -> None:
    if not problem:
        problem = {"message": ""}
    found = host.fails(name, problem).facts()
    assert note in found["notes"]
    assert bool(found["drives"]) == (name != "scsi_map")
    assert bool(found["ports"])


def test_what_came_before_an_error_is_used(host: Host) -> None:
    found = host.fails("tape_drives", DENIED, empty=False).facts()
    assert drives(found) == drives(Host().facts())
    assert len(found["notes"]) == 1


def test_a_host_without_fibre_channel_or_iscsi_is_not_told_that_it_has_none(host: Host) -> None:
    row = host.rows("initiator_ports")[0]
    row.update(ConnectionType="3", PortAddress="500605b002a0b0c1")
    del host.rows("initiator_ports")[1:]
    found = host.fails("fc_ports", NO_CLASS).fails("iscsi_initiator", NO_CLASS).facts()
    assert not any("MSFC" in note or "MSiSCSI" in note for note in found["notes"])


def test_a_host_without_anything_says_so(host: Host) -> None:
    for answer in host.result["answers"].values():
        answer["rows"] = []
    assert host.facts() == {
        "drives": [],
        "ports": [],
        "notes": [
            "No initiator port was found: Get-InitiatorPort shows none.",
            "No tape drive was found: HKLM\\HARDWARE\\DEVICEMAP\\Scsi has no unit of type TapePeripheral.",
        ],
    }


def test_a_map_that_is_too_long_is_told(host: Host) -> None:
    host.rows("scsi_map").extend([{"key": "x", "name": "y", "value": "z"}] * 20000)
    assert any("has more than 20000 values" in note for note in host.facts()["notes"])


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({}, "the module's answer has no answers"),
        (None, "the module's answer has no answers"),
        ({"answers": []}, "the module's answer has no answers"),
        ({"answers": {}}, "the module's answer has version nothing, not 1"),
        ({"answers": {}, "version": 2}, "the module's answer has version 2, not 1"),
    ],
)
def test_an_answer_that_is_none_is_refused(result: object, message: str) -> None:
    with pytest.raises(DriveSharingError) as caught:
        windows.parse(result)
    assert str(caught.value) == message


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["Tape0", "\\\\.\\Tape0", "10WT012345"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(SAMPLE["answers"])), st.integers(0, 30), JUNK, st.data())
def test_nothing_that_a_host_returns_ends_in_a_traceback(name: str, place: int, junk: Any, data: st.DataObject) -> None:
    host = Host()
    rows = host.rows(name)
    if not rows:
        host.result["answers"][name] = junk
    else:
        row = rows[place % len(rows)]
        row[data.draw(st.sampled_from(sorted(row)))] = junk
    schema.check(windows.parse(host.result))


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there")
def test_the_shared_samples_are_read(host: Host) -> None:
    def sample(name: str) -> Any:
        return json.loads((SHARED / f"{name}-ConvertTo-Json.txt").read_text())

    older = sample("MSFC_FibrePortHBAAttributes")
    drive = sample("Win32_TapeDrive")
    host.rows("scsi_map")[:] = [
        row for row in host.rows("scsi_map") if "Scsi Port 2\\Scsi Bus 0\\Target Id 2\\" in row["key"]
    ]
    for name, rows in (
        ("initiator_ports", sample("Get-InitiatorPort")),
        ("fc_ports", {**older["Attributes"], "InstanceName": older["InstanceName"]}),
        ("tape_drives", drive),
    ):
        host.result["answers"][name]["rows"] = rows
    drive["Parent"] = older["InstanceName"].removesuffix("_0")
    found = host.facts()
    assert ports(found)["21000024ff3dfd1e"] == ("fc", "online")
    assert ports(found)["iqn.1991-05.com.microsoft:host2.example.com"] == ("iscsi", "unknown")
    assert drives(found) == {"10WT012345": [(TAPE0, "21000024ff3dfd1e", "500507630f44be07")]}
