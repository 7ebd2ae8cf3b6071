# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script for AIX in real shells with programs that print samples, and the parser on what it prints and on worse."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_facts as host_facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import aix
from ansible_collections.tapeworks.drive_sharing.tests.unit.fixtures.facts.transcript import Said, Transcript

SAMPLES = Path(__file__).parents[3] / "fixtures/facts/aix"
SHARED = Path("/work/shared/fixtures/facts/aix")
SHELLS = {
    "dash": ["dash"],
    "bash as sh": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "mksh": ["mksh"],
    "ksh93": ["ksh93"],
}
FIELDS = "-F name:status:parent:location:physloc:description"
TAPES = f"lsdev -Cc tape {FIELDS}"
ADAPTERS = f"lsdev -Cc adapter {FIELDS}"


@pytest.fixture
def host() -> Transcript:
    return Transcript(SAMPLES / "fc.txt")


@pytest.fixture
def virtual() -> Transcript:
    return Transcript(SAMPLES / "virtual.txt")


def facts(host: Transcript) -> dict[str, Any]:
    return aix.parse(host.framed())


def only(drives: list[dict[str, Any]], serial: str) -> dict[str, Any]:
    (drive,) = [drive for drive in drives if drive["serial"] == serial]
    return drive


def seen(drive: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    return [
        (path["device"], path["port"] and path["port"]["id"], path["target_port"] and path["target_port"]["id"])
        for path in drive["paths"]
    ]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ["fc", "virtual"])
def test_every_shell_asks_the_same_and_finds_all(tmp_path: Path, name: str, shell: str) -> None:
    if shutil.which(SHELLS[shell][0]) is None:
        pytest.skip(f"{SHELLS[shell][0]} is not installed")
    host = Transcript(SAMPLES / f"{name}.txt")
    found = host_facts.parse(host.run(tmp_path, SHELLS[shell], host_facts.command()))
    assert found.pop("system") == "AIX"
    assert found == facts(host)
    assert sorted((tmp_path / "asked.log").read_text().splitlines()) == sorted(host.said)


def test_the_script_has_no_single_quotes() -> None:
    assert "'" not in aix.command()


def test_two_paths_with_failover_are_one_drive(host: Transcript) -> None:
    drive = only(facts(host)["drives"], "00078A51C2")
    assert (drive["wwnn"], drive["wwpns"]) == ("500507630f12a500", ["500507630f12a501", "500507630f12a502"])
    assert (drive["vendor"], drive["model"]) == ("IBM", "ULT3580-TD8")
    assert drive["devices"] == ["/dev/rmt0", "/dev/rmt0.1", "/dev/rmt1", "/dev/rmt1.1"]
    assert seen(drive) == [
        ("/dev/rmt0", "10000090fa2c31a4", "500507630f12a501"),
        ("/dev/rmt1", "10000090fa2c31a5", "500507630f12a502"),
    ]


def test_a_drive_may_have_another_name_and_a_changer_of_its_own(host: Transcript) -> None:
    drive = only(facts(host)["drives"], "0000078C1D20")
    assert drive["devices"] == ["/dev/tape7", "/dev/tape7.1"]
    assert seen(drive) == [("/dev/tape7", "10000090fa2c31a4", "500507630f12b601")]


@pytest.mark.parametrize(
    "description", ["IBM 3584 Library Medium Changer (FCP)", "Other FC SCSI Changer", "IBM 3584 Library Tape Drive"]
)
def test_a_medium_changer_is_no_drive(host: Transcript, description: str) -> None:
    host.replace(TAPES, "IBM 3584 Library Medium Changer (FCP)", description)
    found = facts(host)
    assert [drive["serial"] for drive in found["drives"]] == ["0000078C1D20", "00078A51C2"]
    assert not any("smc0" in note for note in found["notes"])


def test_only_a_medium_changer_is_told(host: Transcript) -> None:
    host.ends(
        TAPES, "smc0:Available:fscsi0:01-00-01:U1-P1-C1-T1-W500507630F12A501-L1000000000000:Medium Changer (FCP)\n", 0
    )
    assert "No tape drive was found: lsdev -Cc tape shows only medium changers." in facts(host)["notes"]


def test_what_is_only_defined_is_left_out_with_a_note(host: Transcript) -> None:
    note = "Not Available, and so left out: rmt3 (Defined). Run cfgmgr if they are still connected, rmdev -dl if not."
    assert note in facts(host)["notes"]


def test_the_ports_are_those_of_the_adapters_and_their_state_is_how_they_are_attached(host: Transcript) -> None:
    ports = [(port["protocol"], port["id"], port["state"], port["device"]) for port in facts(host)["ports"]]
    assert ports == [
        ("fc", "10000090fa2c31a4", "online", "fcs0"),
        ("fc", "10000090fa2c31a5", "online", "fcs1"),
        ("fc", "10000090fa2c31a7", "offline", "fcs3"),
        # al is an arbitrated loop, or no cable.
        ("fc", "10000090fa2c31a8", "unknown", "fcs4"),
        ("ip", "192.0.2.17", "online", "en0"),
        ("ip", "198.51.100.17", "offline", "en1"),
        ("ip", "2001:db8::17", "online", "en0"),
        ("iscsi", "iqn.2026-11.com.example:aix1", "unknown", "iscsi0"),
    ]


def test_an_adapter_without_a_name_is_a_note(host: Transcript) -> None:
    assert "No WWPN is shown, and so no port is known, of: fcs2 (Defined)." in facts(host)["notes"]


def test_an_adapter_that_is_defined_and_still_shows_its_name_is_offline(host: Transcript) -> None:
    host.replace(
        "lscfg -vl fcs*", "  fcs3 ", "  fcs2 U1  x\n        Network Address.............10000090FA2C31A6\n  fcs3 "
    )
    found = facts(host)
    assert {port["device"]: port["state"] for port in found["ports"]}["fcs2"] == "offline"


def test_a_port_whose_protocol_device_is_not_available_is_offline(host: Transcript) -> None:
    host.replace("lsdev -C -l fscsi*", "fscsi0:Available", "fscsi0:Defined")
    assert {port["device"]: port["state"] for port in facts(host)["ports"]}["fcs0"] == "offline"


def test_the_drive_is_joined_to_its_adapter_by_location_if_its_parent_is_not_known(host: Transcript) -> None:
    host.replace(TAPES, ":fscsi0:", "::").replace(TAPES, ":fscsi1:", "::")
    assert seen(only(facts(host)["drives"], "00078A51C2")) == [
        ("/dev/rmt0", "10000090fa2c31a4", "500507630f12a501"),
        ("/dev/rmt1", "10000090fa2c31a5", "500507630f12a502"),
    ]


def test_the_location_of_a_port_is_not_the_beginning_of_another_ports(host: Transcript) -> None:
    # C8-T1 and C8-T10.
    host.replace(TAPES, "tape7:Available:fscsi0", "tape7:Available:")
    host.replace("", "P1-C5-T1-W500507630F12B601", "P1-C8-T10-W500507630F12B601")
    found = facts(host)
    assert seen(only(found["drives"], "0000078C1D20")) == [("/dev/tape7", None, "500507630f12b601")]
    assert (
        "The adapter of tape7 has no port with a name, so drive 0000078C1D20 has a path whose initiator port is unknown."
        in found["notes"]
    )


def test_virtual_adapters_are_ports_and_their_locations_are_joined(virtual: Transcript) -> None:
    virtual.replace(TAPES, ":fscsi0:", "::")
    drive = only(facts(virtual)["drives"], "00078A51C2")
    assert seen(drive) == [
        ("/dev/rmt0", "c0507609ab120004", "500507630f12a501"),
        ("/dev/rmt1", "c0507609ab120006", "500507630f12a501"),
    ]
    assert drive["wwnn"] is None


def test_a_sas_drive_has_its_address_in_its_location(virtual: Transcript) -> None:
    drive = only(facts(virtual)["drives"], "10WT0A1B2C")
    assert drive["paths"] == [
        {
            "device": "/dev/rmt2",
            "port": {"protocol": "sas", "id": "5005076c07a1b200"},
            "target_port": {"protocol": "sas", "id": "500507631245db70"},
        }
    ]


def test_a_sas_adapter_that_shows_no_address_leaves_the_initiator_unknown(virtual: Transcript) -> None:
    virtual.replace("lscfg -vl sissas0", "SAS Address", "Z0")
    found = facts(virtual)
    assert seen(only(found["drives"], "10WT0A1B2C")) == [("/dev/rmt2", None, "500507631245db70")]
    assert not [port for port in found["ports"] if port["protocol"] == "sas"]


def test_the_ww_name_is_used_where_the_location_has_no_port(host: Transcript) -> None:
    host.replace("", "-W500507630F12A501-L0", "")
    assert seen(only(facts(host)["drives"], "00078A51C2"))[0] == ("/dev/rmt0", "10000090fa2c31a4", "500507630f12a501")


def test_a_drive_over_iscsi_has_the_hosts_name_as_its_port(host: Transcript) -> None:
    host.replace(
        TAPES,
        "tape7:Available:fscsi0:01-00-01:U5D01.001.WZS00AB-P1-C5-T1-W500507630F12B601-L0",
        "tape7:Available:iscsi0::",
    )
    host.replace("lscfg -vl tape7", "U5D01.001.WZS00AB-P1-C5-T1-W500507630F12B601-L0", "")
    found = facts(host)
    assert only(found["drives"], "0000078C1D20")["paths"] == [
        {
            "device": "/dev/tape7",
            "port": {"protocol": "iscsi", "id": "iqn.2026-11.com.example:aix1"},
            "target_port": None,
        }
    ]
    assert {port["device"]: port["state"] for port in found["ports"]}["iscsi0"] == "online"


def test_the_iscsi_name_that_aix_makes_up_is_not_a_port(host: Transcript) -> None:
    host.replace("lsattr -E -a init", "iqn.2026-11.com.example:aix1", "iqn.localhost.hostid.7f000002")
    found = facts(host)
    assert not [port for port in found["ports"] if port["protocol"] == "iscsi"]
    assert [
        note
        for note in found["notes"]
        if note.startswith("iscsi0 has the name iqn.localhost.hostid.7f000002, which AIX")
    ]


def test_a_host_without_iscsi_is_told_so(virtual: Transcript) -> None:
    assert facts(virtual)["notes"] == [
        "lsattr -E -a initiator_name -l iscsi0 failed with exit status 255 (lsattr: 0514-519 The following device was not found "
        "in the customized device configuration database: iscsi0), so the host has no iSCSI name."
    ]


@pytest.mark.parametrize("serial", ["", "   ", "\udcff\udcfe1", "a b", "0" * 65])
def test_a_drive_without_a_usable_serial_number_is_left_out_and_the_others_stay(host: Transcript, serial: str) -> None:
    text = serial.encode(errors="surrogateescape")
    host.replace("lscfg -vl tape7", b"0000078C1D20", text)
    found = facts(host)
    assert [drive["serial"] for drive in found["drives"]] == ["00078A51C2"]
    (note,) = [note for note in found["notes"] if "tape7" in note]
    assert note.startswith("The tape drive tape7 was left out: ")
    assert note.endswith(" Run cfgmgr, or name the drive in drive_sharing_drives.")
    assert note.isprintable()


@pytest.mark.parametrize(
    ("command", "old", "new"),
    [("lsattr -El tape7", "500507630F12B600", "500507630F12A999"), ("lsattr -El", "node_name", "nothing")],
    ids=["by WWNN", "by model"],
)
def test_two_drives_with_one_serial_number_are_both_left_out_and_named(
    host: Transcript, command: str, old: str, new: str
) -> None:
    host.replace(command, old, new).replace("lscfg -vl tape7", "0000078C1D20", "00078A51C2")
    found = facts(host)
    assert found["drives"] == []
    (note,) = [note for note in found["notes"] if "is claimed by 2 different drives" in note]
    assert "rmt0 (/dev/rmt0)" in note
    assert "tape7 (/dev/tape7)" in note


def test_junk_in_vital_product_data_stays_out_of_the_facts(host: Transcript) -> None:
    host.replace("lscfg -vl tape7", b"03592E08", b"035\xff\x1b[2J\xe9E08").replace(
        "lscfg -vl rmt*", b"N9M3", b"\xff\x00"
    )
    found = facts(host)
    assert only(found["drives"], "0000078C1D20")["model"] == "035[2JE08"
    assert str(found).isascii()


def test_64_drives_are_64_drives(host: Transcript) -> None:
    rows, blocks = [], []
    for number in range(64):
        place = f"U5D01.001.WZS00AB-P1-C5-T1-W50050763AB00{number:04X}-L0"
        rows.append(f"rmt{number}:Available:fscsi0:01-00-01:{place}:IBM 3580 Ultrium Tape Drive (FCP)")
        blocks.append(f"  rmt{number}  {place}  IBM 3580\n\n        Serial Number...............S{number:03}\n")
    host.ends(TAPES, "\n".join(rows) + "\n", 0).ends("lscfg -vl rmt*", "\n".join(blocks), 0)
    drives = facts(host)["drives"]
    assert [drive["serial"] for drive in drives] == [f"S{number:03}" for number in range(64)]
    assert seen(drives[10]) == [("/dev/rmt10", "10000090fa2c31a4", "50050763ab00000a")]


def test_lsvpd_is_asked_where_there_is_no_lscfg(tmp_path: Path, host: Transcript) -> None:
    vpd = (
        "*FC ????????\n*DS IBM 3580 Ultrium Tape Drive (FCP)\n*AX rmt0\n*PL 01-00-01\n*MF IBM\n*TM ULT3580-TD8\n"
        "*SN 00078A51C2\n*FW N9M3\n*YL U5D01.001.WZS00AB-P1-C5-T1-W500507630F12A501-L0\n*FC ????????\n*AX nothing\n*SN X\n"
    )
    host.missing("lscfg").said["lsvpd"] = Said(vpd.encode())
    found = host_facts.parse(host.run(tmp_path, ["dash"], host_facts.command("aix")))
    assert [drive["serial"] for drive in found["drives"]] == ["00078A51C2"]
    assert found["drives"][0]["model"] == "ULT3580-TD8"
    assert "lscfg was not found on this host, so Fibre Channel ports have no WWPN." in found["notes"]
    assert "lscfg was not found on this host, so drives may have no serial number." in found["notes"]


def test_a_host_that_hangs_in_lscfg_tells_the_rest(tmp_path: Path, host: Transcript) -> None:
    script = host_facts.command("aix").replace("patience=10", "patience=1")
    found = host_facts.parse(host.hangs("lscfg -vl rmt*", after=330).run(tmp_path, ["dash"], script))
    assert [drive["serial"] for drive in found["drives"]] == ["00078A51C2"]
    assert found["drives"][0]["devices"] == ["/dev/rmt0", "/dev/rmt0.1"]
    assert [port["id"] for port in found["ports"]] == [
        "192.0.2.17",
        "198.51.100.17",
        "2001:db8::17",
        "iqn.2026-11.com.example:aix1",
    ]
    hung = "lscfg -vl rmt* did not end within 10 s, and lscfg was not asked again, so drives may have no serial number."
    assert hung in found["notes"]


def test_a_serial_number_that_was_cut_is_not_taken_for_another(host: Transcript) -> None:
    output = host.said["lscfg -vl tape7"].output
    host.hangs("lscfg -vl tape7", after=output.index(b"8C1D20"))
    found = facts(host)
    assert [drive["serial"] for drive in found["drives"]] == ["00078A51C2"]
    assert "The tape drive tape7 was left out: lscfg shows no serial number" in str(found["notes"])


@pytest.mark.parametrize(
    ("command", "lost", "sentence"),
    [
        (
            TAPES,
            "drives",
            f"{TAPES} may not be run by this user (Permission denied), so no drive can be found; use become.",
        ),
        (ADAPTERS, "ports", f"{ADAPTERS} may not be run by this user (Permission denied), so no Fibre Channel"),
        (
            "lsattr -El",
            None,
            "lsattr -El rmt0 (and 2 more) may not be run by this user (Permission denied), so drives may have",
        ),
        (
            "lscfg -vl fcs*",
            "ports",
            "lscfg -vl fcs* may not be run by this user (Permission denied), so Fibre Channel ports",
        ),
        (
            "ifconfig",
            None,
            "ifconfig -a may not be run by this user (Permission denied), so the host has no IP address",
        ),
    ],
)
def test_a_command_that_is_denied_is_one_sentence_and_the_rest_stays(
    host: Transcript, command: str, lost: str | None, sentence: str
) -> None:
    found = facts(host.ends(command, "Permission denied\n", 1))
    assert [note for note in found["notes"] if note.startswith(sentence)]
    for kind in {"drives", "ports"} - {lost or ""}:
        assert found[kind]


def test_an_empty_host_is_told_so(host: Transcript) -> None:
    found = facts(host.ends(TAPES, "", 0))
    assert f"{TAPES} gave nothing, so no drive can be found." in found["notes"]


def shared(*names: str) -> list[str]:
    missing = [name for name in names if not (SHARED / name).exists()]
    if missing:
        pytest.skip(f"{SHARED / missing[0]} is not here")
    return [(SHARED / name).read_text() for name in names]


def frame(commands: dict[str, str]) -> str:
    return "".join(
        f"asked {command}\n|" + text.replace("\n", "\n|") + "\nended 0\n" for command, text in commands.items()
    )


def as_asked(text: str, parents: dict[str, str]) -> str:
    """Write the rows of a plain lsdev as our own format has them."""
    rows = [line.split(None, 3) for line in text.splitlines()]
    return "".join(f"{name}:{state}:{parents.get(name, '')}:{place}::{what}\n" for name, state, place, what in rows)


def test_the_recorded_tape_drives_of_an_aix_host() -> None:
    tapes, vpd, fcs, parent = shared(
        "lsdev-Cc-tape.txt", "lsvpd-tape-fc.txt", "lscfg-vl-fcs0.txt", "lsdev-l-rmt0-F-parent.txt"
    )
    found = aix.parse(
        frame(
            {
                TAPES: as_asked(tapes, {"rmt0": parent.strip()}),
                "lsvpd": vpd,
                ADAPTERS: "fcs0:Available:pci0:01-00:U5877.001.00H0441-P1-C5-T1:4Gb FC\n"
                "fcs1:Available:pci1:02-00:U5877.001.00H0441-P1-C6-T1:4Gb FC\n",
                "lscfg -vl fcs*": fcs,
                "lsdev -C -l fscsi*": "fscsi0:Available:fcs0:01-00-01::FC SCSI\n",
            }
        )
    )
    first, second = only(found["drives"], "1310211169"), only(found["drives"], "1310207123")
    assert seen(first) == [("/dev/rmt0", "10000000c997e248", "2002000e1113516b")]
    assert seen(second) == [("/dev/rmt1", None, "2008000e1113516b")]
    assert (first["vendor"], first["model"]) == ("IBM", "ULT3580-TD4")
    assert "No WWPN is shown, and so no port is known, of: fcs1 (Available)." in found["notes"]


def test_the_recorded_forms_of_lscfg_and_lsattr() -> None:
    tapes, vpd, attributes, iscsi = shared(
        "lsdev-Cc-tape.txt", "lscfg-vpl-rmt0.txt", "lsattr-El-rmt0.txt", "lsattr-E-l-iscsi0.txt"
    )
    found = aix.parse(
        frame(
            {
                TAPES: as_asked(tapes, {}),
                "lscfg -vpl rmt0": vpd,
                "lsattr -El rmt0": attributes,
                "lsattr -E -l iscsi0": iscsi,
            }
        )
    )
    drive = only(found["drives"], "1310211169")
    assert (drive["wwnn"], drive["wwpns"]) == ("2001000e1113516b", ["2002000e1113516b"])
    assert [note for note in found["notes"] if note.startswith("iscsi0 has the name iqn.localhost.hostid.7f000002")]


@given(st.text(), st.integers(0, 9000), st.integers(0, 9000))
def test_no_output_raises(junk: str, start: int, end: int) -> None:
    recorded = Transcript(SAMPLES / "fc.txt").framed()
    assert set(aix.parse(recorded[:start] + junk + recorded[end:])) == {"drives", "ports", "notes"}
