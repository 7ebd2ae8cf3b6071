# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script for HP-UX in real shells with programs that print samples, and the parser on what it prints and on worse."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_facts as host_facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import hpux
from ansible_collections.tapeworks.drive_sharing.tests.unit.fixtures.facts.transcript import Transcript

SAMPLES = Path(__file__).parents[3] / "fixtures/facts/hpux"
SHARED = Path("/work/shared/fixtures/facts/hpux")
SHELLS = {
    "dash": ["dash"],
    "bash as sh": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "mksh": ["mksh"],
    "ksh93": ["ksh93"],
}
GET = "scsimgr get_attr -D /dev/rtape/tape"


@pytest.fixture
def host() -> Transcript:
    return Transcript(SAMPLES / "v3.txt")


@pytest.fixture
def old() -> Transcript:
    return Transcript(SAMPLES / "v2.txt")


def facts(host: Transcript) -> dict[str, Any]:
    return hpux.parse(f"release {host.said['uname -r'].output.decode()}{host.framed()}")


def only(drives: list[dict[str, Any]], serial: str) -> dict[str, Any]:
    (drive,) = [drive for drive in drives if drive["serial"] == serial]
    return drive


def seen(drive: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    return [
        (path["port"] and path["port"]["id"], path["target_port"] and path["target_port"]["id"])
        for path in drive["paths"]
    ]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ["v3", "v2"])
def test_every_shell_asks_the_same_and_finds_all(tmp_path: Path, name: str, shell: str) -> None:
    if shutil.which(SHELLS[shell][0]) is None:
        pytest.skip(f"{SHELLS[shell][0]} is not installed")
    host = Transcript(SAMPLES / f"{name}.txt")
    found = host_facts.parse(host.run(tmp_path, SHELLS[shell], host_facts.command()))
    assert found.pop("system") == "HP-UX"
    assert found == facts(host)
    assert sorted((tmp_path / "asked.log").read_text().splitlines()) == sorted(host.said)


def test_the_script_has_no_single_quotes() -> None:
    assert "'" not in hpux.command()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_secrets_of_the_initiator_do_not_leave_the_host(tmp_path: Path, host: Transcript, shell: str) -> None:
    if shutil.which(SHELLS[shell][0]) is None:
        pytest.skip(f"{SHELLS[shell][0]} is not installed")
    text = host.run(tmp_path, SHELLS[shell], host_facts.command("hpux"))
    assert "CHAP Method" in text
    assert "7365637265" not in text


def test_the_older_releases_are_not_asked_for_what_they_do_not_have(tmp_path: Path, old: Transcript) -> None:
    old.run(tmp_path, ["dash"], host_facts.command("hpux"))
    asked = (tmp_path / "asked.log").read_text()
    assert "-kFnNC" not in asked
    assert " -m " not in asked


def test_a_drive_with_two_lunpaths_is_one_drive_with_all_files_of_both_views(host: Transcript) -> None:
    drive = only(facts(host)["drives"], "HU1051A2C3")
    assert (drive["wwnn"], drive["wwpns"]) == ("500104f000a1c301", ["500104f000a1c302", "500104f000a1c303"])
    assert (drive["vendor"], drive["model"]) == ("HP", "Ultrium 5-SCSI")
    assert seen(drive) == [("50060b0000c21a00", "500104f000a1c302"), ("50060b0000c21a02", "500104f000a1c303")]
    assert drive["devices"][:4] == [f"/dev/rtape/tape1_BEST{mode}" for mode in ("", "n", "b", "nb")]
    legacy = {f"/dev/rmt/c{way}t4d1BEST{mode}" for way in (24, 25) for mode in ("", "n", "b", "nb")}
    short = {f"/dev/rmt/{number}m{mode}" for number in (7, 9) for mode in ("", "n", "b", "nb")}
    assert set(drive["devices"][4:]) == legacy | short
    assert [path["device"] for path in drive["paths"]] == ["/dev/rtape/tape1_BEST"] * 2


def test_nothing_is_said_of_legacy_devices_that_belong_to_a_unit(host: Transcript) -> None:
    assert facts(host)["notes"] == [
        "fcmsutil /dev/fclp0 get remote all failed with exit status 1 (No remote ports found), so WWPNs of ports, or WWNNs of "
        "drives, may be unknown.",
        "The tape drive at 64000/0xfa00/0x5 (/dev/rtape/tape5_BEST) is NO_HW, not CLAIMED, so it was left out.",
    ]


def test_the_wwnn_is_that_of_the_target_where_scsimgr_shows_none(host: Transcript) -> None:
    drive = only(facts(host)["drives"], "00078A51D4")
    assert (drive["wwnn"], drive["wwpns"]) == ("500104f000a1c401", ["500104f000a1c402"])
    assert (drive["vendor"], drive["model"]) == ("IBM", "ULT3580-TD8")


def test_ports_of_every_driver_are_found_not_only_fcd(host: Transcript) -> None:
    assert [(port["protocol"], port["id"], port["state"], port["device"]) for port in facts(host)["ports"]] == [
        ("fc", "10000000c97a1b2c", "offline", "fclp0"),
        ("fc", "50060b00001d2e4a", "online", "td0"),
        ("fc", "50060b0000c21a00", "online", "fcd0"),
        ("fc", "50060b0000c21a02", "online", "fcd1"),
        ("ip", "192.0.2.31", "online", "lan0"),
        ("ip", "198.51.100.31", "offline", "lan1"),
        ("ip", "2001:db8::31", "online", "lan0:1"),
        ("iscsi", "iqn.1986-03.com.hp:hpux1.1f355cf6-e2db-11e0-a999-b44c0aef5501", "unknown", None),
    ]


@pytest.mark.parametrize(
    ("word", "state"),
    [("ONLINE", "online"), ("READY", "online"), ("OFFLINE", "offline"), ("AWAITING_LINK_UP", "offline")]
    + [("INITIALIZING", "unknown"), ("", "unknown")],
)
def test_the_words_of_the_driver_are_understood(host: Transcript, word: str, state: str) -> None:
    host.replace("fcmsutil /dev/fcd0", "= ONLINE", f"= {word}")
    assert {port["device"]: port["state"] for port in facts(host)["ports"]}["fcd0"] == state


def test_an_adapter_without_hardware_is_offline(host: Transcript) -> None:
    host.replace("ioscan -kFnC fc", "td:CLAIMED:", "td:NO_HW:")
    assert {port["device"]: port["state"] for port in facts(host)["ports"]}["td0"] == "offline"


def test_a_drive_without_hardware_is_left_out_with_a_note(host: Transcript) -> None:
    note = "The tape drive at 64000/0xfa00/0x5 (/dev/rtape/tape5_BEST) is NO_HW, not CLAIMED, so it was left out."
    assert note in facts(host)["notes"]


def test_the_adapter_of_a_legacy_path_is_its_beginning(host: Transcript) -> None:
    host.ends("ioscan -m lun", "ioscan: illegal option -- m\n", 1)
    found = facts(host)
    assert seen(only(found["drives"], "HU1051A2C3")) == [("50060b0000c21a00", None), ("50060b0000c21a02", None)]
    assert seen(only(found["drives"], "00078A51D4")) == [(None, None)]
    notes = [
        "ioscan -m lun -C tape failed with exit status 1 (ioscan: illegal option -- m), so the paths of drives are not all known.",
        "The adapter of 64000/0xfa00/0x2 has no port with a name, so drive 00078A51D4 has a path whose initiator port is unknown.",
    ]
    assert set(notes) < set(found["notes"])


def test_a_hardware_path_is_not_the_beginning_of_another_adapters(host: Transcript) -> None:
    # 0/4/1/1 and 0/4/1/10.
    host.replace("ioscan -m lun", "0/4/1/1.0x500104f000a1c303", "0/4/1/10.0x500104f000a1c303")
    assert seen(only(facts(host)["drives"], "HU1051A2C3"))[1] == (None, "500104f000a1c303")


def test_a_drive_over_parallel_scsi_or_sas_has_an_unknown_initiator(host: Transcript) -> None:
    host.replace("ioscan -m lun", "0/4/1/0.0x500104f000a1c302.0x0", "0/0/0/2/0.0x6.0x0")
    host.replace("ioscan -m lun", "0/4/1/1.0x500104f000a1c303.0x0", "0/2/1/0.0x50060b0000a1c303.0x0")
    drive = only(facts(host)["drives"], "HU1051A2C3")
    assert [path["port"] for path in drive["paths"]] == [None, None]
    assert [path["target_port"] for path in drive["paths"]] == [None, {"protocol": "sas", "id": "50060b0000a1c303"}]


@pytest.mark.parametrize("lunpath", ["64000/0x2/0x0.0x1.0x0", "255/0/0.0x0.0x0"])
def test_a_drive_over_iscsi_has_the_hosts_name_as_its_port(host: Transcript, lunpath: str) -> None:
    host.replace("ioscan -m lun", "0/12/0/0.0x500104f000a1c402.0x1000000000000", lunpath)
    found = facts(host)
    (path,) = only(found["drives"], "00078A51D4")["paths"]
    name = "iqn.1986-03.com.hp:hpux1.1f355cf6-e2db-11e0-a999-b44c0aef5501"
    assert path["port"] == {"protocol": "iscsi", "id": name}
    assert {port["id"]: port["state"] for port in found["ports"]}[name] == "online"


def test_11i_v2_shows_ports_and_no_serial_numbers(old: Transcript) -> None:
    found = facts(old)
    assert found["drives"] == []
    assert [port["id"] for port in found["ports"]] == ["50060b00001db2c0", "192.0.2.32"]
    assert found["notes"] == [
        "iscsiutil was not found on this host, so the host has no iSCSI name.",
        "Tape drives without a serial number were left out: 0/4/1/1.2.0.255.14.4.1 (/dev/rmt/7m) (B.11.23 of HP-UX does not "
        "show it). Name them in drive_sharing_drives.",
    ]


def test_a_legacy_drive_that_belongs_to_no_unit_is_named(host: Transcript) -> None:
    host.replace("ioscan -m dsf", "c25t4d1", "c99t4d1")
    (note,) = [note for note in facts(host)["notes"] if "without a serial number" in note]
    assert "0/4/1/1.2.0.255.14.4.1 (/dev/rmt/9m) (scsimgr shows none)" in note


@pytest.mark.parametrize("serial", ["", "   ", "\udcff\udcfe1", "a b", "0" * 65])
def test_a_drive_without_a_usable_serial_number_is_left_out_and_the_others_stay(host: Transcript, serial: str) -> None:
    host.replace(f"{GET}1", b"HU1051A2C3", serial.encode(errors="surrogateescape"))
    found = facts(host)
    assert [drive["serial"] for drive in found["drives"]] == ["00078A51D4"]
    (note,) = [note for note in found["notes"] if "/dev/rtape/tape1_BEST" in note]
    assert "left out" in note
    assert note.isprintable()


def test_two_drives_with_one_serial_number_are_both_left_out_and_named(host: Transcript) -> None:
    host.replace(f"{GET}2", "saved =", "saved =\nname = wwid\ncurrent = 0x500104f000a1c401\n")
    host.replace(f"{GET}2", "00078A51D4  ", "HU1051A2C3")
    found = facts(host)
    assert found["drives"] == []
    (note,) = [note for note in found["notes"] if "is claimed by 2 different drives" in note]
    assert "/dev/rtape/tape1_BEST" in note
    assert "/dev/rtape/tape2_BEST" in note


def test_junk_in_vital_product_data_stays_out_of_the_facts(host: Transcript) -> None:
    host.replace(f"{GET}1", b"Ultrium 5-SCSI  ", b"Ultri\xff\x1b[2Jum\xe9 ").replace(
        "ioscan -kFnC fc", b"HP Tachyon", b"\xff\xfe"
    )
    found = facts(host)
    assert only(found["drives"], "HU1051A2C3")["model"] == "Ultri[2Jum"
    assert str(found).isascii()


def test_64_drives_are_64_drives(host: Transcript) -> None:
    row = "virtbus:wsio:F:T:F:-1:3:301989888:tape:estape:64000/0xfa00/{0:#x}:0 :{0}:root:estape:CLAIMED:DEVICE:IBM     ULT3580-TD8:-1:online"
    units = range(1, 65)
    rows = "".join(f"{row.format(number)}\n   /dev/rtape/tape{number}_BEST\n" for number in units)
    luns = "".join(
        f"tape {number} 64000/0xfa00/{number:#x} estape CLAIMED DEVICE online IBM\n  0/4/1/0.0x50050763ab00{number:04x}.0x0\n"
        for number in units
    )
    host.ends("ioscan -kFnNC tape", rows, 0).ends("ioscan -m lun", luns, 0)
    host.said = {command: said for command, said in host.said.items() if not command.startswith("scsimgr")}
    text = host.framed()
    for number in units:
        text += (
            f'asked {GET}{number}_BEST -a serial_number\n|name = serial_number\n|current = "S{number:03}"\n|\nended 0\n'
        )
    drives = hpux.parse(text)["drives"]
    assert [drive["serial"] for drive in drives] == [f"S{number:03}" for number in units]
    assert seen(drives[9]) == [("50060b0000c21a00", "50050763ab00000a")]


def test_a_host_that_hangs_in_scsimgr_tells_the_rest(tmp_path: Path, host: Transcript) -> None:
    script = host_facts.command("hpux").replace("patience=10", "patience=1")
    found = host_facts.parse(host.hangs(f"{GET}2").run(tmp_path, ["dash"], script))
    assert [drive["serial"] for drive in found["drives"]] == ["HU1051A2C3"]
    assert len(found["ports"]) == 8
    hung = f"{GET}2_BEST -a serial_number -a wwid -a vid -a pid did not end within 10 s, and scsimgr was not asked again, so "
    assert [note for note in found["notes"] if note.startswith(hung)]
    (note,) = [note for note in found["notes"] if "without a serial number" in note]
    assert "64000/0xfa00/0x2 (/dev/rtape/tape2_BEST)" in note


def test_a_user_who_is_not_root_is_told_what_it_costs(host: Transcript) -> None:
    found = facts(host.ends("fcmsutil", "Permission denied\n", 1))
    denied = (
        "fcmsutil /dev/fcd0 (and 7 more) may not be run by this user (Permission denied), so WWPNs of ports, or WWNNs"
    )
    assert [note for note in found["notes"] if note.startswith(denied) and note.endswith("; use become.")]
    assert only(found["drives"], "HU1051A2C3")["wwpns"] == ["500104f000a1c302", "500104f000a1c303"]
    assert seen(only(found["drives"], "HU1051A2C3"))[0] == (None, "500104f000a1c302")


@pytest.mark.parametrize(
    "command", ["ioscan -kFnC fc", "ioscan -kFnC tape", "ioscan -kFnNC tape", "ioscan -m dsf", "netstat"]
)
def test_a_command_that_fails_is_one_sentence_and_the_rest_stays(host: Transcript, command: str) -> None:
    found = facts(host.ends(command, "no\n", 3))
    assert [
        note for note in found["notes"] if note.startswith(command) and "failed with exit status 3 (no), so" in note
    ]
    assert found["ports"]


def test_half_of_an_output_is_used_as_far_as_it_goes(host: Transcript) -> None:
    output = host.said["ioscan -m lun -C tape"].output
    host.hangs("ioscan -m lun", after=output.index(b"a1c303"))
    found = facts(host)
    assert seen(only(found["drives"], "HU1051A2C3")) == [("50060b0000c21a00", "500104f000a1c302")]


def shared(*names: str) -> list[str]:
    missing = [name for name in names if not (SHARED / name).exists()]
    if missing:
        pytest.skip(f"{SHARED / missing[0]} is not here")
    return [(SHARED / name).read_text() for name in names]


def frame(commands: dict[str, str]) -> str:
    return "".join(
        f"asked {command}\n|" + text.replace("\n", "\n|") + "\nended 0\n" for command, text in commands.items()
    )


def test_the_recorded_rows_of_ioscan() -> None:
    tape, fc = shared("ioscan-kFnC-tape.txt", "ioscan-kFC-fc-fcd.txt")
    found = hpux.parse(frame({"ioscan -kFnC tape": tape, "ioscan -kFnC fc": fc}))
    (nameless,) = [note for note in found["notes"] if "without a serial number" in note]
    assert (
        "0/2/1/0.3.0 (/dev/rmt/0m), 0/4/1/1.2.0.255.14.4.1 (/dev/rmt/7m), 0/4/1/1.2.0.255.14.4.2 (/dev/rmt/8m)"
        in nameless
    )
    assert "of: fcd0 at 0/4/1/0 (no device file), fcd1 at 0/4/1/1 (no device file)." in str(found["notes"])


def test_the_recorded_forms_of_the_agile_view() -> None:
    names = (
        "ioscan-m-lun-tape",
        "ioscan-m-dsf-tape",
        "scsimgr-get_attr-serial_number",
        "fcmsutil-get-remote-all",
        "iscsiutil-l",
    )
    lun, dsf, serial, remote, iscsi = shared(*(f"{name}.txt" for name in names))
    (port,) = shared("fcmsutil-dev-fcd0-excerpt.txt")
    row = "scsi:wsio:F:T:F:-1:58:4294967295:{}:{}:{}:0 :1:root:x:CLAIMED:X:IBM     ULT3580-TD8:0\n   {}\n"
    found = hpux.parse(
        frame(
            {
                "ioscan -kFnC fc": row.format("fc", "fcd", "0/4/1/1", "/dev/fcd0"),
                "fcmsutil /dev/fcd0": port,
                "fcmsutil /dev/fcd0 get remote all": remote,
                "ioscan -kFnNC tape": row.format("tape", "estape", "64000/0xfa00/0x1", "/dev/rtape/tape1_BESTn"),
                "scsimgr get_attr -D /dev/rtape/tape1_BESTn -a serial_number": serial,
                "ioscan -m lun": lun,
                "ioscan -m dsf": dsf,
                "iscsiutil -l": iscsi,
            }
        )
    )
    (drive,) = found["drives"]
    assert (drive["serial"], drive["wwnn"]) == ("10WT012345", "500507630f04be07")
    assert seen(drive) == [("500143800252658a", "500507630f44be07")]
    assert drive["devices"] == ["/dev/rtape/tape1_BESTn", "/dev/rmt/c0t3d0BESTn"]
    assert [(port["protocol"], port["state"]) for port in found["ports"]] == [("fc", "online"), ("iscsi", "unknown")]


@given(st.text(), st.integers(0, 12000), st.integers(0, 12000))
def test_no_output_raises(junk: str, start: int, end: int) -> None:
    recorded = Transcript(SAMPLES / "v3.txt").framed()
    assert set(hpux.parse(recorded[:start] + junk + recorded[end:])) == {"drives", "ports", "notes"}
