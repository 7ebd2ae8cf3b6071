# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real script in real shells with commands that print what Solaris prints, and the parser on that and on worse."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_facts as host_facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import solaris
from ansible_collections.tapeworks.drive_sharing.tests.unit.fixtures.facts.transcript import Said, Transcript

SHELLS = {
    "dash": ["dash"],
    "bash as sh": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "mksh": ["mksh"],
    "ksh93": ["ksh93"],
}
SAMPLES = Path(__file__).parents[3] / "fixtures/facts/solaris"
SHARED = Path("/work/shared/fixtures/facts/solaris")
C4, C5 = "2100001b320a0b01", "2101001b322a0b01"
IOSTAT_NOTE = "is what iostat shows, which some drives use for something else"


def transcript(name: str = "sparc") -> Transcript:
    return Transcript(SAMPLES / f"{name}.txt")


def run(said: Transcript, directory: Path, shell: str = "dash", platform: str = "solaris") -> str:
    if shutil.which(SHELLS[shell][0]) is None:
        pytest.skip(f"{SHELLS[shell][0]} is not installed")
    programs = said.install(directory / "bin")
    done = subprocess.run(
        [*SHELLS[shell], "-c", host_facts.command(platform)],
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
    )
    assert done.stderr == b""
    assert done.returncode == 0
    return done.stdout.decode(errors="surrogateescape")


def facts(said: Transcript) -> dict[str, Any]:
    return solaris.parse(said.framed())


def drives(found: dict[str, Any]) -> dict[str, list[tuple[str | None, str | None, str | None]]]:
    """Give serial number, and device, host's port and drive's port of each path."""
    return {
        drive["serial"]: [
            (path["device"], *((path[end] or {}).get("id") for end in ("port", "target_port")))
            for path in drive["paths"]
        ]
        for drive in found["drives"]
    }


def ports(found: dict[str, Any], protocol: str) -> dict[str, tuple[str, str | None]]:
    return {port["id"]: (port["state"], port["device"]) for port in found["ports"] if port["protocol"] == protocol}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ["sparc", "mpxio", "x86"])
def test_every_shell_asks_and_prints_the_same(tmp_path: Path, name: str, shell: str) -> None:
    found = host_facts.parse(run(transcript(name), tmp_path, shell, "auto"))
    assert found == {"system": "SunOS", **facts(transcript(name))}
    # What was recorded is what was asked, no less and no more.
    asked = (tmp_path / "bin/asked.log").read_text().splitlines()
    assert sorted(asked) == sorted(transcript(name).said)


def test_the_script_has_no_single_quotes() -> None:
    assert "'" not in solaris.command()


def test_a_posix_shell_gets_the_script_where_the_shell_is_a_bourne_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    posix = tmp_path / "xpg4"
    posix.write_text(f'#!/bin/sh\necho "handed over" >&2\nexec {shutil.which("dash")} "$@"\n')
    posix.chmod(0o755)
    monkeypatch.setattr(host_facts, "POSIX_SHELL", str(posix))
    text = host_facts.command("solaris")
    # Up to the hand-over there is one string, and nothing that a Bourne shell does not know.
    assert re.sub(r"'[^']*'", "STRING", text).splitlines() == [
        "script=STRING",
        f'if test -x {posix}; then exec {posix} -c "$script"; fi',
        'eval "$script"',
    ]
    environment = {"PATH": f"{transcript().install(tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True, env=environment)
    assert done.stderr == "handed over\n"
    assert host_facts.parse(done.stdout)["drives"] == facts(transcript())["drives"]


def test_two_devices_with_one_serial_number_are_one_drive_with_two_paths() -> None:
    found = facts(transcript())
    assert drives(found) == {
        "10WT012345": [("/dev/rmt/0n", C4, "500507630f44be07"), ("/dev/rmt/1n", C5, "500507630f84be07")],
        "10WT067890": [("/dev/rmt/2n", C4, "500507630f44c101")],
    }
    drive = found["drives"][0]
    assert {key: drive[key] for key in ("wwnn", "wwpns", "vendor", "model")} == {
        "wwnn": "500507630f04be07",
        "wwpns": ["500507630f44be07", "500507630f84be07"],
        "vendor": "IBM",
        "model": "ULT3580-TD8",
    }
    # Applications name the drive by any of them.
    assert drive["devices"][:5] == ["/dev/rmt/0n", "/dev/rmt/0", "/dev/rmt/0bn", "/dev/rmt/0cbn", "/dev/rmt/0b"]
    assert len(drive["devices"]) == 10


def test_ports_are_online_or_offline_and_other_hosts_are_none_of_ours() -> None:
    found = facts(transcript())
    assert ports(found, "fc") == {
        C4: ("online", "c4"),
        C5: ("online", "c5"),
        "2100001b320a0b02": ("offline", "c6"),
    }
    assert "2100001b320c0d01" in transcript().framed()
    assert "2100001b320c0d01" not in str(found)


def test_virtual_ports_are_ports_and_a_port_in_target_mode_is_none() -> None:
    said = transcript()
    said.said["fcinfo hba-port"] = transcript("npiv").said["fcinfo hba-port"]
    found = facts(said)
    assert ports(found, "fc") == {
        C4: ("online", "c4"),
        "c0007221b4010b01": ("online", "c4"),
        "c0007221b4020b01": ("online", "c4"),
    }
    assert f"Port {C5} is in target mode, so it is no initiator; it was left out." in found["notes"]
    assert drives(found)["10WT012345"][0] == ("/dev/rmt/0n", C4, "500507630f44be07")


def test_a_device_of_mpxio_has_a_path_for_each_pair_of_ports() -> None:
    found = facts(transcript("mpxio"))
    assert drives(found) == {
        "10WT012345": [("/dev/rmt/0n", C4, "500507630f44be07"), ("/dev/rmt/0n", C5, "500507630f84be07")],
        "10WT067890": [("/dev/rmt/2n", C4, "500507630f44c101")],
    }
    assert [drive["wwnn"] for drive in found["drives"]] == ["500507630f04be07", "500507630f04c101"]


def test_a_device_of_mpxio_whose_paths_are_unknown_is_still_a_drive() -> None:
    found = facts(transcript("mpxio").ends("fcinfo remote-port", "fcinfo: insufficient privileges\n", 1))
    assert drives(found) == {"10WT012345": [("/dev/rmt/0n", None, None)], "10WT067890": [("/dev/rmt/2n", None, None)]}
    assert found["drives"][0]["wwnn"] == "500507630f04be07"
    assert (
        f"fcinfo remote-port -sl -p {C4} (and 2 more) may not be run by this user (fcinfo: insufficient privileges), so "
        "drives may have no WWNN, and those of MPxIO no path; use become." in found["notes"]
    )
    assert "The host's port to drive 10WT012345 at rmt/0 has no name that can be known." in found["notes"]


def test_a_guid_that_is_no_wwn_is_not_the_drives_wwnn() -> None:
    long = "600110d0002115000109000001aba60c"
    found = facts(transcript("mpxio").replace("ls -l /dev/rmt", "g500507630f04be07", f"g{long}"))
    assert found["drives"][0]["wwnn"] == "500507630f04be07"
    assert [drive["serial"] for drive in found["drives"]] == ["10WT012345", "10WT067890"]


def test_on_x86_the_serial_number_is_that_of_page_80h() -> None:
    found = facts(transcript("x86"))
    # iostat shows "1" for both.
    assert drives(found)["10WT012345"] == [
        ("/dev/rmt/0n", C4, "500507630f44be07"),
        ("/dev/rmt/1n", C5, "500507630f84be07"),
    ]
    assert any(note.startswith(f"The serial number of rmt/2, rmt/7 {IOSTAT_NOTE}") for note in found["notes"])


def test_on_sparc_no_drive_is_opened() -> None:
    assert not any("luxadm" in command for command in transcript().said)
    assert [note for note in facts(transcript())["notes"] if IOSTAT_NOTE in note] == [
        "The serial number of rmt/0, rmt/1, rmt/2 is what iostat shows, which some drives use for something else; compare it "
        "with the library's, and name the drive in drive_sharing_drives if it differs."
    ]


def test_a_drive_without_a_page_80h_is_known_by_what_iostat_shows() -> None:
    said = (
        transcript("x86")
        .replace("luxadm display", "10WT012345", "Unsupported")
        .replace("iostat", "No: 1 ", "No: 10WT012345 ")
    )
    assert len(drives(facts(said))["10WT012345"]) == 2


def test_the_names_of_instances_are_joined_through_path_to_inst() -> None:
    # st12 is rmt/2, and st13 is rmt/7.
    assert drives(facts(transcript("x86")))["HU1234ABCD"] == [("/dev/rmt/2n", "500605b002a0b0c1", "500110a001a2b3c4")]


def test_sas_and_iscsi_drives_have_their_ports() -> None:
    found = facts(transcript("x86"))
    iqn = "iqn.1986-03.com.sun:01:0003ba0a0b01.52a1b2c3"
    assert ports(found, "sas") == {"500605b002a0b0c1": ("online", "c7")}
    assert ports(found, "iscsi") == {iqn: ("online", None)}
    assert drives(found)["10WT055555"] == [("/dev/rmt/7n", iqn, "iqn.2026-11.com.example:library1.drive3")]


def test_an_initiator_without_targets_is_offline_and_one_that_cannot_be_asked_unknown() -> None:
    assert {state for state, _device in ports(facts(transcript()), "iscsi").values()} == {"offline"}
    failed = facts(transcript().ends("iscsiadm list target", "iscsiadm: unable to contact the service\n", 1))
    assert {state for state, _device in ports(failed, "iscsi").values()} == {"unknown"}


def test_addresses_are_those_of_this_zone_that_tell_the_host() -> None:
    found = ports(facts(transcript()), "ip")
    assert found == {
        "192.0.2.31": ("online", "nxge0"),
        "198.51.100.31": ("offline", "nxge1"),
        "2001:db8::31": ("online", "nxge0:1"),
    }


def test_addresses_come_from_ipadm_where_there_is_no_ifconfig() -> None:
    found = facts(transcript("x86"))
    assert ports(found, "ip") == {
        "192.0.2.31": ("online", "net0"),
        "198.51.100.31": ("offline", "net1"),
        "203.0.113.1": ("online", "tun0"),
        "2001:db8::31": ("online", "net0"),
    }
    assert not any("ifconfig" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("", "does not show it any more"),
        ("c4::500507630f44c101,0 tape connected configured unusable\n", "shows it as configured and unusable"),
        ("c4::500507630f44c101,0 tape connected unconfigured unknown\n", "shows it as unconfigured and unknown"),
        ("c4::500507630f44c101,0 unavailable connected configured failing\n", "shows it as configured and failing"),
    ],
)
def test_device_files_of_a_drive_that_has_gone_are_left_out(row: str, says: str) -> None:
    old = "c4::500507630f44c101,0         tape         connected    configured   unknown\n"
    found = facts(transcript().replace("cfgadm", old, row))
    assert list(drives(found)) == ["10WT012345"]
    assert (
        f"The device files /dev/rmt/2 lead to 500507630f44c101 at c4, but cfgadm {says}; they were left out. "
        "Run devfsadm -C -c tape if the drive has gone for good." in found["notes"]
    )


@pytest.mark.parametrize("condition", ["ok", "failing"])
def test_a_drive_that_only_fails_now_and_then_is_there(condition: str) -> None:
    said = transcript().replace("cfgadm", "configured   unknown\nc5  ", f"configured   {condition}\nc5  ")
    assert len(drives(facts(said))) == 2


def test_old_releases_are_asked_with_their_own_option(tmp_path: Path) -> None:
    said = transcript()
    shown = said.said["cfgadm -al -o show_SCSI_LUN"].output.decode()
    said.ends("cfgadm", "cfgadm: Hardware specific option not supported\n", 2)
    said.said["cfgadm -al -o show_FCP_dev"] = Said(shown.encode())
    found = host_facts.parse(run(said, tmp_path))
    assert found == {"system": "SunOS", **facts(transcript())}


def test_where_no_form_of_cfgadm_works_the_links_are_believed() -> None:
    said = transcript().ends("cfgadm", "cfgadm: Library error: Device library initialize failed\n", 1)
    found = facts(said)
    assert drives(found) == drives(facts(transcript()))
    assert (
        "cfgadm -al -o show_SCSI_LUN failed with exit status 1 (cfgadm: Library error: Device library initialize failed), so "
        "drives that have gone may be taken for drives that are there." in found["notes"]
    )


def test_half_a_table_of_cfgadm_makes_no_drive_vanish() -> None:
    said = transcript().hangs("cfgadm", after=300)
    assert "500507630f44c101" not in said.said["cfgadm -al -o show_SCSI_LUN"].output.decode()
    assert drives(facts(said)) == drives(facts(transcript()))


def test_a_drive_without_device_files_is_named() -> None:
    said = transcript().replace("ls -l /dev/rmt", "st@w500507630f44c101", "st@w500507630f44ffff")
    said.replace("fcinfo remote-port", "/dev/rmt/2n", "Unknown")
    assert any(
        note.startswith(
            "cfgadm shows tape drives that have no device file: c4::500507630f44c101 (configured, unknown)."
        )
        for note in facts(said)["notes"]
    )


@pytest.mark.parametrize("missing", ["", "fcinfo remote-port", "cfgadm"])
def test_without_dev_cfg_the_port_is_the_one_that_sees_the_drive(missing: str) -> None:
    said = transcript().ends("ls -l /dev/cfg", "ls: cannot access /dev/cfg: No such file or directory\n", 2)
    if missing:
        said.ends(missing, "not found\n", 127)
    assert drives(facts(said)) == drives(facts(transcript()))


def test_a_drive_on_a_parallel_bus_has_no_port() -> None:
    said = transcript().replace(
        "ls -l /dev/rmt", "/pci@1f,700000/SUNW,qlc@2/fp@0,0/st@w500507630f44c101,0", "/pci@1f/scsi@5/st@4,0"
    )
    found = facts(said)
    assert drives(found)["10WT067890"] == [("/dev/rmt/2n", None, None)]
    assert "The host's port to drive 10WT067890 at rmt/2 has no name that can be known." in found["notes"]


def test_names_of_a_persistent_binding_are_device_files_too() -> None:
    said = (
        transcript()
        .replace("ls -l /dev/rmt", " 2", " library1_drive2")
        .replace("iostat", "rmt/2 ", "rmt/library1_drive2 ")
    )
    devices = facts(said)["drives"][1]["devices"]
    assert devices[0] == "/dev/rmt/library1_drive2n"
    assert "/dev/rmt/library1_drive2cbn" in devices


def test_the_driver_of_a_vendor_has_its_own_names() -> None:
    said = transcript().replace("ls -l /dev/rmt", "/st@w", "/IBMtape@w")
    assert drives(facts(said)) == drives(facts(transcript()))


@pytest.mark.parametrize("shown", ["", "  ", "1", "P0000", "\x01\x02junk\xff", "a b c d e f g"])
def test_a_drive_without_a_usable_serial_number_is_named_and_left_out(shown: str) -> None:
    found = facts(transcript().replace("iostat", "10WT067890", shown))
    assert list(drives(found)) == ["10WT012345"]
    note = next(note for note in found["notes"] if note.startswith("The tape drive rmt/2 was left out: "))
    assert note.endswith(
        "Name it in drive_sharing_drives with wwpns [500507630f44c101], with the serial number that the library has."
    )
    assert note.isprintable()


def test_two_drives_with_one_serial_number_are_refused_and_both_named() -> None:
    found = facts(transcript().replace("iostat", "10WT067890", "10WT012345"))
    assert found["drives"] == []
    note = next(note for note in found["notes"] if "is claimed by 2 different drives" in note)
    assert "rmt/0 (/dev/rmt/0n) named 500507630f04be07" in note
    assert "rmt/2 (/dev/rmt/2n) named 500507630f04c101" in note


def test_junk_in_vendor_and_model_is_left_out_of_them() -> None:
    found = facts(transcript().replace("iostat", b"Vendor: IBM ", b"Vendor: I\xffB\x07M "))
    assert found["drives"][0]["vendor"] == "IBM"


def test_64_drives_are_64_drives() -> None:
    said = transcript()
    for start, words in (
        (
            "ls -l /dev/rmt",
            "lrwxrwxrwx 1 root root 71 Mar 1 2024 {n}n -> ../../devices/pci@1f,700000/SUNW,qlc@2/fp@0,0/st@w500507630f44c1{n},0:n",
        ),
        ("iostat", "rmt/{n}  Soft Errors: 0\nVendor: IBM Product: ULT3580-TD8 Revision: N9Q1 Serial No: 10WT0700{n}"),
        ("cfgadm", "c4::500507630f44c1{n},0  tape  connected  configured  unknown"),
    ):
        said.of(start)[0].output += "".join(words.format(n=number) + "\n" for number in range(10, 72)).encode()
    assert len(facts(said)["drives"]) == 64


def test_a_host_without_anything_says_so() -> None:
    said = Transcript(SAMPLES / "sparc.txt")
    for program in ("fcinfo", "cfgadm", "iscsiadm", "iostat"):
        said.ends(program, f"sh: {program}: not found\n", 127)
    # Of what is not there nothing more is asked.
    said.said = {
        command: told for command, told in said.said.items() if not re.search("remote-port|list target", command)
    }
    said.ends("ls", "total 0\n", 0)
    found = facts(said)
    assert found["drives"] == []
    assert [note.partition(",")[0] for note in found["notes"]] == [
        "fcinfo was not found on this host",
        "cfgadm was not found on this host",
        "iostat was not found on this host",
        "iscsiadm was not found on this host",
        "No tape drive was found: /dev/rmt has no links to devices.",
    ]


@pytest.mark.parametrize(
    "start", ["fcinfo hba-port", "fcinfo remote-port", "cfgadm", "iostat", "iscsiadm list", "ifconfig"]
)
def test_a_command_that_fails_hangs_or_is_denied_costs_only_what_it_tells(start: str) -> None:
    for worse in (
        transcript().ends(start, "internal error\n", 1),
        transcript().ends(start, "permission denied\n", 1),
        transcript().hangs(start),
    ):
        found = facts(worse)
        sentences = [note for note in found["notes"] if note.startswith(start.split(maxsplit=1)[0])]
        assert len(sentences) == 1 if start != "iscsiadm list" else sentences
        assert all(note.endswith(".") and "\n" not in note for note in found["notes"])
        assert bool(found["drives"]) == (start != "iostat")


def test_a_command_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    quick = host_facts.command("solaris").replace("patience=10", "patience=1")
    said = transcript().hangs("fcinfo remote-port").hangs("cfgadm", after=300)
    programs = said.install(tmp_path / "bin")
    done = subprocess.run(
        ["dash", "-c", quick],
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
        env={"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
    )
    found = host_facts.parse(done.stdout)
    assert len(found["drives"]) == 2
    assert "fcinfo remote-port -sl -p 2100001b320a0b01 did not end within 10 s, and fcinfo was not asked again" in str(
        found["notes"]
    )


@pytest.mark.parametrize("name", ["sparc", "mpxio", "x86"])
def test_any_half_of_an_answer_can_be_read(name: str) -> None:
    text = transcript(name).framed()
    whole = set(drives(solaris.parse(text)))
    for end in range(0, len(text), 97):
        assert set(drives(solaris.parse(text[:end]))) <= whole | {"10WT0", "10WT01", "10WT012", "10WT06"}


@given(st.text(alphabet=st.sampled_from("asked ended|>-:/@,\n0w5n\x00é"), max_size=200), st.integers(0, 12))
def test_nothing_that_a_host_prints_ends_in_a_traceback(junk: str, place: int) -> None:
    lines = transcript("x86").framed().split("\n")
    place = place * len(lines) // 12
    found = solaris.parse("\n".join([*lines[:place], junk, *lines[place:]]))
    assert set(found) == {"drives", "ports", "notes"}


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there")
def test_the_shared_samples_are_read() -> None:
    def answer(command: str, name: str) -> str:
        lines = (SHARED / name).read_text().rstrip("\n").split("\n")
        return "\n".join([f"asked {command}", *(f"|{line}" for line in lines), "|", "ended 0"])

    text = "\n".join(
        [
            answer("fcinfo hba-port", "fcinfo-hba-port.txt").replace("/dev/cfg/c0", "/dev/cfg/c4"),
            answer("fcinfo remote-port -sl -p 210000e08b94b4a3", "fcinfo-remote-port-sl.txt"),
            answer("cfgadm -al -o show_SCSI_LUN", "cfgadm-al-o-show_SCSI_LUN.txt"),
            answer("ls -l /dev/rmt", "ls-l-dev-rmt.txt"),
            answer("iostat -En", "iostat-En-tape.txt"),
            'asked grep st /etc/path_to_inst\n|"/pci@1f,700000/SUNW,qlc@2/fp@0,0/st@w500104f00043e2e3,0" 0 "st"\n|\nended 0',
        ]
    )
    found = solaris.parse(text)
    assert ports(found, "fc") == {"210000e08b94b4a3": ("online", "c4"), "210100e08bb4b4a3": ("online", "c1")}
    assert drives(found) == {"10WT012345": [("/dev/rmt/0n", "210000e08b94b4a3", "500104f00043e2e3")]}
    assert found["drives"][0]["wwnn"] == "500104f00043e2e2"
    assert any(
        note.startswith("The tape drive rmt/1 was left out: no serial number is shown.") for note in found["notes"]
    )
