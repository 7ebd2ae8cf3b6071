# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real script on fabricated trees of sysfs, and the parser on what it prints and on worse."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_facts as host_facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import linux
from ansible_collections.tapeworks.drive_sharing.tests.unit.fixtures.linux import sysfs

SHELLS = {
    "dash": ["dash"],
    "bash": ["bash"],
    "bash as sh": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "mksh": ["mksh"],
    "ksh": ["ksh"],
}
FC = "0x10000090fa1658de"
PORT = {"protocol": "fc", "id": "10000090fa1658de"}
TARGET = "0x500507630f44be07"
IBM = {"serial": "10WT012345", "unit": "500507630f04be07"}


def run(root: Path, shell: str = "dash", environment: dict[str, str] | None = None) -> str:
    if shutil.which(SHELLS[shell][0]) is None:
        pytest.skip(f"{SHELLS[shell][0]} is not installed")
    done = subprocess.run(
        [*SHELLS[shell], "-c", host_facts.command(root=str(root))],
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], **(environment or {})},
    )
    assert done.stderr == b""
    assert done.returncode == 0
    return done.stdout.decode(errors="surrogateescape")


def ask(root: Path) -> dict[str, Any]:
    return host_facts.parse(run(root))


@pytest.fixture
def host(tmp_path: Path) -> sysfs.Host:
    return sysfs.Host(tmp_path)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("make", [sysfs.fc_lab, sysfs.iscsi_lab, sysfs.two_paths], ids=lambda make: make.__name__)
def test_every_shell_prints_the_same(tmp_path: Path, make: Callable[[Path], sysfs.Host], shell: str) -> None:
    make(tmp_path)
    recorded = Path(__file__).parents[3] / "fixtures/linux" / f"{make.__name__}.txt"
    printed = "".join(line for line in run(tmp_path, shell).splitlines(keepends=True) if not line.startswith("link "))
    assert printed == recorded.read_text()


def test_the_script_has_no_single_quotes() -> None:
    assert "'" not in linux.command()


def test_the_script_leaves_the_host_as_it_was(tmp_path: Path) -> None:
    def tree() -> list[tuple[str, int, int]]:
        return sorted((str(file), file.lstat().st_mtime_ns, file.lstat().st_size) for file in tmp_path.rglob("*"))

    sysfs.fc_lab(tmp_path)
    before = tree()
    run(tmp_path)
    assert tree() == before


@pytest.mark.parametrize("name", ["real_lab", "real_lab_busybox", "real_lab_link_down"])
def test_the_facts_of_the_real_lab_are_what_lsscsi_said_there(name: str) -> None:
    # "lsscsi -gt", and the port names of host1 and host2 and the initiator names of host3 and host4, in the same guest.
    ports = {1: "200000109b000a01", 2: "200000109b000b02", 3: "iqn.2026-11.lab:host-a", 4: "iqn.2026-11.lab:host-b"}
    lsscsi = """
        [1:0:0:0]    tape    fcoe:0x20000024ff000110,0x000110  /dev/st0   /dev/sg0
        [1:0:0:1]    tape    fcoe:0x20000024ff000110,0x000110  /dev/st3   /dev/sg2
        [2:0:0:0]    tape    fcoe:0x20000024ff000110,0x000110  /dev/st1   /dev/sg1
        [2:0:0:1]    tape    fcoe:0x20000024ff000110,0x000110  /dev/st2   /dev/sg3
        [3:0:0:0]    tape    iqn.2026-11.lab:lib1,t,0x1        /dev/st4   /dev/sg4
        [3:0:0:1]    tape    iqn.2026-11.lab:lib1,t,0x1        /dev/st5   /dev/sg5
        [4:0:0:0]    tape    iqn.2026-11.lab:lib1,t,0x1        /dev/st6   /dev/sg6
        [4:0:0:1]    tape    iqn.2026-11.lab:lib1,t,0x1        /dev/st7   /dev/sg7
    """
    facts = host_facts.parse((Path(__file__).parents[3] / f"fixtures/linux/{name}.txt").read_text())
    drives = {drive["serial"]: drive for drive in facts["drives"]}
    assert list(drives) == ["LABDRV0001", "LABDRV0002"]
    seen = {serial: [] for serial in drives}
    for row in lsscsi.strip().splitlines():
        address, _type, target, tape, generic = row.split()
        serial = "LABDRV0001" if address.endswith(":0]") else "LABDRV0002"
        assert {tape, tape.replace("st", "nst"), generic} < set(drives[serial]["devices"])
        target = target.split(",")[0].removeprefix("fcoe:0x")
        seen[serial].append((tape, ports[int(address[1])], target))
    for serial, drive in drives.items():
        paths = [(path["device"], path["port"]["id"], path["target_port"]["id"]) for path in drive["paths"]]
        assert paths == seen[serial]
    assert drives["LABDRV0001"]["wwnn"] == "5000e11100000001"
    states = {port["device"]: port["state"] for port in facts["ports"]}
    assert states == dict.fromkeys(states, "online") | ({"host2": "offline"} if name.endswith("down") else {})
    assert set(states) == {"host0", "host1", "host2", "host3", "host4"}


def test_two_drives_through_two_ports_are_two_drives_with_two_paths(tmp_path: Path) -> None:
    sysfs.fc_lab(tmp_path)
    facts = ask(tmp_path)
    assert facts["system"] == "Linux"
    assert [drive["serial"] for drive in facts["drives"]] == ["LABDRV0001", "LABDRV0002"]
    drive = facts["drives"][0]
    assert drive == {
        "serial": "LABDRV0001",
        "manufacturer_serial": None,
        "wwnn": "5000e11100000001",
        "wwpns": [],
        "vendor": "IBM",
        "model": "ULT3580-TD8",
        "devices": [
            "/dev/st2",
            "/dev/nst2",
            "/dev/sg2",
            "/dev/tape/by-id/scsi-35000e11100000001",
            "/dev/tape/by-id/scsi-LABDRV0001",
            "/dev/tape/by-path/fc-0x20000024ff000110-lun-0",
            "/dev/tape/by-id/scsi-35000e11100000001-nst",
            "/dev/tape/by-id/scsi-LABDRV0001-nst",
            "/dev/tape/by-path/fc-0x20000024ff000110-lun-0-nst",
            "/dev/st0",
            "/dev/nst0",
            "/dev/sg0",
        ],
        "paths": [
            {
                "device": "/dev/st2",
                "port": {"protocol": "fc", "id": "200000109b000a01"},
                "target_port": {"protocol": "fc", "id": "20000024ff000110"},
            },
            {
                "device": "/dev/st0",
                "port": {"protocol": "fc", "id": "200000109b000b02"},
                "target_port": {"protocol": "fc", "id": "20000024ff000110"},
            },
        ],
        "origin": "found",
        "location": None,
        "library": None,
    }
    assert [(port["id"], port["state"], port["device"]) for port in facts["ports"]] == [
        ("200000109b000a01", "online", "host1"),
        ("200000109b000b02", "online", "host2"),
        ("20000024ff000110", "online", "host0"),
    ]


def test_a_target_port_before_several_drives_names_none_of_them(tmp_path: Path) -> None:
    sysfs.fc_lab(tmp_path)
    facts = ask(tmp_path)
    assert [drive["wwpns"] for drive in facts["drives"]] == [[], []]
    assert facts["notes"] == [
        "WWN 20000024ff000110 serves several drives (LABDRV0001, LABDRV0002), so none of them is known by it."
    ]


def test_one_drive_with_two_ports_is_one_drive_with_both_names(tmp_path: Path) -> None:
    sysfs.two_paths(tmp_path)
    facts = ask(tmp_path)
    first, second = facts["drives"]
    assert first["wwnn"] == "500507630f04be07"
    assert first["wwpns"] == ["500507630f44be07", "500507630f84be07"]
    assert [path["port"]["id"] for path in first["paths"]] == ["10000090fa1658de", "10000090fa1658df"]
    assert first["devices"] == ["/dev/st0", "/dev/nst0", "/dev/sg0", "/dev/st1", "/dev/nst1", "/dev/sg1"]
    assert second["wwpns"] == ["500507630f44be08"]
    assert facts["notes"] == []


def test_a_port_that_is_down_is_listed_as_offline(tmp_path: Path) -> None:
    sysfs.two_paths(tmp_path)
    states = {port["device"]: port["state"] for port in ask(tmp_path)["ports"]}
    assert states == {"host7": "online", "host8": "online", "host9": "offline"}


@pytest.mark.parametrize(
    ("word", "state"),
    [("Online", "online"), ("Offline", "offline"), ("Linkdown", "offline"), ("Blocked", "offline")]
    + [("Not Present", "offline"), ("Unknown", "unknown"), ("Something New", "unknown"), ("", "unknown")],
)
def test_the_words_of_port_state_are_understood(host: sysfs.Host, word: str, state: str) -> None:
    host.fc_host(7, FC, state=word)
    assert [port["state"] for port in ask(host.root)["ports"]] == [state]


def test_an_npiv_port_is_a_port_of_its_own_and_its_paths_are_its_own(host: sysfs.Host) -> None:
    host.fc_host(5, FC)
    npiv = host.fc_host(9, "0x10000090fa1658ff", above="pci0000:00/host5/vport-5:0-0")
    host.fc_drive(npiv, "9:0:0:0", TARGET, **IBM)
    facts = ask(host.root)
    assert [port["id"] for port in facts["ports"]] == ["10000090fa1658de", "10000090fa1658ff"]
    assert facts["drives"][0]["paths"][0]["port"] == {"protocol": "fc", "id": "10000090fa1658ff"}


@pytest.mark.parametrize("name", ["0x0000000000000000", "0xffffffffffffffff", "0x1000", "junk"])
def test_a_port_without_a_name_is_a_note(host: sysfs.Host, name: str) -> None:
    host.fc_host(7, name)
    facts = ask(host.root)
    assert facts["ports"] == []
    assert any(note.startswith("The port_name of host7 must be a WWN") and name in note for note in facts["notes"])


def test_a_port_in_target_mode_is_no_initiator(host: sysfs.Host) -> None:
    host.fc_host(7, FC, mode="Target")
    host.fc_host(8, "0x10000090fa1658df", mode="Initiator, Target")
    facts = ask(host.root)
    assert [port["device"] for port in facts["ports"]] == ["host8"]
    assert "Port host7 is in target mode only, so it is no initiator; it was left out." in facts["notes"]


def test_a_drive_without_st_is_found_by_its_sg(host: sysfs.Host) -> None:
    host.fc_drive(host.fc_host(7, FC), "7:0:0:0", TARGET, st=False, **IBM)
    drive = ask(host.root)["drives"][0]
    assert drive["devices"] == ["/dev/sg0"]
    assert drive["paths"][0]["device"] == "/dev/sg0"


def test_other_scsi_devices_are_not_drives(host: sysfs.Host) -> None:
    adapter = host.fc_host(7, FC)
    host.fc_drive(adapter, "7:0:0:0", TARGET, kind="0", serial="DISK0001")
    host.fc_drive(adapter, "7:0:0:1", TARGET, kind="8", serial="CHANGER1")
    facts = ask(host.root)
    assert facts["drives"] == []
    assert "No tape drive was found: /sys/class/scsi_device has no device of type 1." in facts["notes"]


def test_a_changer_on_the_drives_second_lun_does_not_take_its_port_name(host: sysfs.Host) -> None:
    adapter = host.fc_host(7, FC)
    host.fc_drive(adapter, "7:0:0:0", TARGET, **IBM)
    host.fc_drive(adapter, "7:0:0:1", TARGET, kind="8", serial="CHANGER1")
    assert ask(host.root)["drives"][0]["wwpns"] == ["500507630f44be07"]


def test_lin_tape_files_are_found_by_serial_number(host: sysfs.Host) -> None:
    adapter = host.fc_host(7, FC)
    host.fc_drive(adapter, "7:0:0:0", TARGET, st=False, **IBM)
    host.write(
        "proc/scsi/IBMtape",
        "lin_tape version: 3.0.3\nlin_tape major number: 253\nAttached Tape Devices:\n"
        "Number  Model       SN                HBA             FO Path\n"
        "0       ULT3580-TD8 10WT012345        qla2xxx         Primary\n"
        "1       ULT3580-TD8 10WT012345        qla2xxx         Alternate\n"
        "2       ULT3580-TD8 10WT099999        qla2xxx         NA\n",
    )
    host.dev_link("dev/lin_tape/by-id/lin_tape_10WT012345", "IBMtape0")
    assert ask(host.root)["drives"][0]["devices"] == [
        "/dev/sg0",
        "/dev/IBMtape0",
        "/dev/IBMtape0n",
        "/dev/lin_tape/by-id/lin_tape_10WT012345",
        "/dev/IBMtape1",
        "/dev/IBMtape1n",
    ]


def test_lin_tape_nodes_below_the_device_belong_to_the_path(host: sysfs.Host) -> None:
    place = host.fc_drive(host.fc_host(7, FC), "7:0:0:0", TARGET, st=False, **IBM)
    for name in ("IBMtape3", "IBMtape3n"):
        (host.root / place / "lin_tape" / name).mkdir(parents=True)
    drive = ask(host.root)["drives"][0]
    assert drive["devices"] == ["/dev/IBMtape3", "/dev/IBMtape3n", "/dev/sg0"]
    assert drive["paths"][0]["device"] == "/dev/IBMtape3"


def test_two_iscsi_initiators_in_one_host_are_told_apart_by_session(tmp_path: Path) -> None:
    sysfs.iscsi_lab(tmp_path)
    facts = ask(tmp_path)
    assert [(port["id"], port["state"], port["device"]) for port in facts["ports"]] == [
        ("iqn.2026-11.lab:host-a", "online", "host0"),
        ("iqn.2026-11.lab:host-b", "online", "host1"),
    ]
    assert [path["port"]["id"] for path in facts["drives"][0]["paths"]] == [
        "iqn.2026-11.lab:host-a",
        "iqn.2026-11.lab:host-b",
    ]
    assert facts["drives"][0]["paths"][0]["target_port"] == {"protocol": "iscsi", "id": "iqn.2026-11.lab:lib1"}
    assert facts["notes"] == []


def test_the_secrets_of_a_session_are_not_read(tmp_path: Path) -> None:
    sysfs.iscsi_lab(tmp_path)
    assert "SECRET" not in run(tmp_path)


def test_one_initiator_with_two_sessions_is_one_port(host: sysfs.Host) -> None:
    name = "iqn.2026-11.lab:host-a"
    host.drive(host.iscsi_session(3, 1, name, "iqn.2026-11.lab:d1", state="FAILED"), "3:0:0:0", **IBM)
    host.drive(host.iscsi_session(4, 2, name, "iqn.2026-11.lab:d2"), "4:0:0:0", **IBM)
    facts = ask(host.root)
    assert [(port["id"], port["state"]) for port in facts["ports"]] == [(name, "online")]
    assert len(facts["drives"][0]["paths"]) == 2


def test_a_session_that_is_not_logged_in_is_offline(host: sysfs.Host) -> None:
    host.iscsi_session(3, 1, "iqn.2026-11.lab:host-a", "iqn.2026-11.lab:d1", state="FREE")
    assert [port["state"] for port in ask(host.root)["ports"]] == ["offline"]


def test_an_adapters_own_initiator_name_is_used_where_its_session_has_none(host: sysfs.Host) -> None:
    device = host.iscsi_session(6, 4, "(null)", "iqn.2026-11.lab:d1", host_name="iqn.2000-04.com.qlogic:qle4062c.a")
    host.drive(device, "6:0:0:0", **IBM)
    facts = ask(host.root)
    assert [(port["id"], port["state"]) for port in facts["ports"]] == [("iqn.2000-04.com.qlogic:qle4062c.a", "online")]
    assert facts["drives"][0]["paths"][0]["port"]["id"] == "iqn.2000-04.com.qlogic:qle4062c.a"


def test_the_configured_initiator_name_is_a_port_before_there_is_a_session(host: sysfs.Host) -> None:
    host.write(
        "etc/iscsi/initiatorname.iscsi",
        "## DO NOT EDIT\n#InitiatorName=iqn.1-1.x\nInitiatorName=IQN.1993-08.org.debian:01:A\n",
    )
    assert ask(host.root)["ports"] == [
        {
            "protocol": "iscsi",
            "id": "iqn.1993-08.org.debian:01:a",
            "state": "offline",
            "device": None,
            "origin": "found",
        }
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody who may not read the file")
def test_an_initiator_name_that_may_not_be_read_is_a_note(host: sysfs.Host) -> None:
    host.write("etc/iscsi/initiatorname.iscsi", "InitiatorName=iqn.2026-11.lab:a\n").chmod(0o600)
    for place in (host.root, *host.root.parents):
        if place.owner() == "root" and place != Path("/") and str(place) != "/tmp":
            place.chmod(0o755)
    done = subprocess.run(
        [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "sh",
            "-c",
            host_facts.command(root=str(host.root)),
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    notes = host_facts.parse(done.stdout)["notes"]
    assert any(note.startswith("/etc/iscsi/initiatorname.iscsi may not be read by this user") for note in notes)


def test_sas_drives_have_the_address_of_their_adapter(host: sysfs.Host) -> None:
    adapter = host.sas_host(8, {0: "0x500605b0000272d0", 1: "0x500605b0000272d0"})
    host.sas_drive(adapter, "port-8:0", "8:0:0:0", "end_device-8:0", "0x500507631245da6a", **IBM)
    facts = ask(host.root)
    assert facts["ports"] == [
        {"protocol": "sas", "id": "500605b0000272d0", "state": "online", "device": "host8", "origin": "found"}
    ]
    path = facts["drives"][0]["paths"][0]
    assert path["port"] == {"protocol": "sas", "id": "500605b0000272d0"}
    assert path["target_port"] == {"protocol": "sas", "id": "500507631245da6a"}


def test_a_sas_adapter_with_an_address_for_each_port_is_joined_by_port(host: sysfs.Host) -> None:
    adapter = host.sas_host(8, {0: "0x500605b000000001", 4: "0x500605b000000002"}, {"port-8:0": [0], "port-8:1": [4]})
    host.sas_drive(adapter, "port-8:0", "8:0:0:0", "end_device-8:0", "0x500507631245da6a", **IBM)
    below = "port-8:1/expander-8:0/port-8:0:3"
    other = {"serial": "10WT067890", "unit": "500507630f04be08"}
    host.sas_drive(adapter, below, "8:0:1:0", "end_device-8:0:3", "0x500507631245da6b", **other)
    # The phys of an expander are not ours.
    host.classed("sas_phy", "pci0000:00/host8/x", "phy-8:0:3", sas_address="0x500605b000000099")
    facts = ask(host.root)
    assert [port["id"] for port in facts["ports"]] == ["500605b000000001", "500605b000000002"]
    assert [drive["paths"][0]["port"]["id"] for drive in facts["drives"]] == ["500605b000000001", "500605b000000002"]
    assert facts["notes"] == []


@pytest.mark.parametrize("rate", ["Unknown", "Phy disabled", "Link Rate Failed", "Spin-up hold", "Loss of signal"])
def test_a_sas_port_without_a_link_is_offline(host: sysfs.Host, rate: str) -> None:
    host.sas_host(8, {0: "0x500605b0000272d0"}, rate=rate)
    assert [port["state"] for port in ask(host.root)["ports"]] == ["offline"]


def test_a_drive_on_an_adapter_without_a_port_name_is_a_note(host: sysfs.Host) -> None:
    host.drive("pci0000:00/host3", "3:0:4:0", **IBM)
    facts = ask(host.root)
    assert facts["drives"][0]["paths"] == [{"device": "/dev/st0", "port": None, "target_port": None}]
    assert facts["notes"][0] == (
        "Host adapter host3 has no port with a name, so drive 10WT012345 at 3:0:4:0 (/dev/st0) has a path whose "
        "initiator port is unknown."
    )


def test_a_drive_without_a_serial_is_a_note_and_left_out(host: sysfs.Host) -> None:
    adapter = host.fc_host(7, FC)
    host.fc_drive(adapter, "7:0:0:0", TARGET)
    host.fc_drive(adapter, "7:0:1:0", "0x500507630f44be09", rport=2, **IBM)
    # So that sg_inq, where it is installed, has nothing to ask.
    (host.root / "dev/sg0").unlink()
    facts = ask(host.root)
    assert [drive["serial"] for drive in facts["drives"]] == ["10WT012345"]
    assert facts["notes"] == [
        "The tape drive at 7:0:0:0 (/dev/st0) was left out: it shows no serial number (VPD page 80h). "
        "Rescan the device, or name the drive in drive_sharing_drives."
    ]


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        (sysfs.pg80(b"\xff\xfe\x01junk"), "VPD page 80h must hold ASCII, not ff fe 01 6a 75 6e 6b"),
        (sysfs.pg80("{{ x }}"), "serial number in VPD page 80h must be a serial number of 1 to 64 letters"),
        (sysfs.pg80("10WT012345")[:-3], "VPD page 80h says 10 bytes of data, and has 7"),
        (sysfs.pg80(b"\0" * 12), "VPD page 80h is empty"),
    ],
)
def test_junk_in_the_serial_page_is_a_note_and_the_drive_is_left_out(host: sysfs.Host, page: bytes, fault: str) -> None:
    host.fc_drive(host.fc_host(7, FC), "7:0:0:0", TARGET, serial="X", pages={"pg80": page})
    facts = ask(host.root)
    assert facts["drives"] == []
    assert facts["notes"][0].startswith(f"The tape drive at 7:0:0:0 (/dev/st0) was left out: {fault}")
    assert facts["notes"][0].endswith(". Name it in drive_sharing_drives.")


def test_junk_in_the_identification_page_is_a_note_and_the_drive_stays(host: sysfs.Host) -> None:
    page = sysfs.pg83("500507630f04be07", tail=sysfs.designator(b"\xffjunk"))
    host.fc_drive(host.fc_host(7, FC), "7:0:0:0", TARGET, pages={"pg83": page}, **IBM)
    facts = ask(host.root)
    assert facts["drives"][0]["wwnn"] == "500507630f04be07"
    assert facts["notes"] == [
        "Drive 10WT012345 at 7:0:0:0 (/dev/st0): VPD page 83h has a malformed NAA name, ff 6a 75 6e 6b; the rest was used."
    ]


def test_a_drive_without_identification_page_is_known_by_its_wwid_or_its_node_name(host: sysfs.Host) -> None:
    adapter = host.fc_host(7, FC)
    pages = {"pg83": None}
    host.fc_drive(adapter, "7:0:0:0", TARGET, pages=pages, **IBM)
    wwid = "t10.IBM     ULT3580-TD8     10WT067890"
    host.fc_drive(
        adapter, "7:0:1:0", "0x500507630f44be08", "0x500507630f04be08", 2, serial="10WT067890", wwid=wwid, pages=pages
    )
    assert [drive["wwnn"] for drive in ask(host.root)["drives"]] == ["500507630f04be07", "500507630f04be08"]


def test_a_target_whose_link_is_gone_is_named_by_its_remote_port(host: sysfs.Host) -> None:
    host.fc_drive(host.fc_host(7, FC), "7:0:0:0", TARGET, transport_name="0xffffffffffffffff", **IBM)
    facts = ask(host.root)
    assert facts["drives"][0]["paths"][0]["target_port"]["id"] == "500507630f44be07"
    assert facts["notes"] == []


def test_two_drives_with_one_serial_are_refused_and_both_named(host: sysfs.Host) -> None:
    adapter = host.fc_host(7, FC)
    host.fc_drive(adapter, "7:0:0:0", TARGET, **IBM)
    host.fc_drive(adapter, "7:0:1:0", "0x500507630f44be08", rport=2, serial="10WT012345", unit="500507630f04be08")
    facts = ask(host.root)
    assert facts["drives"] == []
    assert facts["notes"] == [
        "Serial number 10WT012345 is claimed by 2 different drives, 7:0:0:0 (/dev/st0) named 500507630f04be07 and "
        "7:0:1:0 (/dev/st1) named 500507630f04be08; they were left out. Give each drive a serial number of its own in "
        "the library."
    ]


def test_the_manufacturers_serial_is_given_where_it_is_another(host: sysfs.Host) -> None:
    pages = {"pgb1": sysfs.pg80("  1310211169", 0xB1)}
    host.fc_drive(host.fc_host(7, FC), "7:0:0:0", TARGET, pages=pages, **IBM)
    assert ask(host.root)["drives"][0]["manufacturer_serial"] == "1310211169"


def test_junk_in_the_manufacturers_serial_is_a_note_and_the_drive_stays(host: sysfs.Host) -> None:
    host.fc_drive(host.fc_host(7, FC), "7:0:0:0", TARGET, pages={"pgb1": sysfs.pg80(b"\x80", 0xB1)}, **IBM)
    facts = ask(host.root)
    assert facts["drives"][0]["manufacturer_serial"] is None
    assert facts["notes"][0].endswith("must hold ASCII, not 80; its manufacturer's serial number is unknown.")


def test_junk_in_vendor_and_model_is_removed(host: sysfs.Host) -> None:
    host.fc_drive(host.fc_host(7, FC), "7:0:0:0", TARGET, vendor="I\x07B\u00ffM  ", model="\x1b[2J", **IBM)
    drive = ask(host.root)["drives"][0]
    assert drive["vendor"] == "IBM"
    assert drive["model"] == "[2J"


@pytest.mark.parametrize("shell", SHELLS)
def test_sg_inq_is_asked_where_the_kernel_shows_no_serial_page(host: sysfs.Host, shell: str) -> None:
    host.fc_drive(host.fc_host(7, FC), "7:0:0:0", TARGET, st=False, pages={"pg80": None}, **IBM)
    tool = host.write(
        "bin/sg_inq",
        '#!/bin/sh\n[ "$*" = "--raw --page=0x80 $0/../../dev/sg0" ] || exit 1\nprintf "\\001\\200\\000\\00410WT"\n',
    )
    tool.chmod(0o755)
    tool.write_text(tool.read_text().replace("$0/../../dev", str(host.root / "dev")))
    text = run(host.root, shell, environment={"PATH": f"{tool.parent}:{os.environ['PATH']}"})
    facts = host_facts.parse(text)
    assert [drive["serial"] for drive in facts["drives"]] == ["10WT"]
    assert facts["notes"] == []


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ("echo sg_inq: error opening file: /dev/sg0: Permission denied >&2; exit 15",
         r"sg_inq \S+/dev/sg0 may not be run by this user \(.*Permission denied\), so drives .* are left out; use become\."),
        ("exit 1", r"sg_inq \S+/dev/sg0 gave nothing, so drives whose serial number the kernel does not show are left out\."),
        ("exec sleep 60", r"sg_inq \S+/dev/sg0 did not end within 10 s, and sg_inq was not asked again, so drives .* are left out\."),
    ],
    ids=["denied", "nothing", "hangs"],
)
def test_a_sg_inq_that_gives_nothing_is_said_and_the_other_drives_are_there(
    host: sysfs.Host, monkeypatch: pytest.MonkeyPatch, body: str, note: str
) -> None:
    adapter = host.fc_host(7, FC)
    host.fc_drive(adapter, "7:0:0:0", TARGET, st=False, pages={"pg80": None}, **IBM)
    host.fc_drive(adapter, "7:0:1:0", "0x500507630f44be99", serial="10WT067890", unit="500507630f04be99")
    tool = host.write("bin/sg_inq", f"#!/bin/sh\n{body}\n")
    tool.chmod(0o755)
    script = host_facts.command("linux", root=str(host.root)).replace("patience=10\n", "patience=1\n")
    monkeypatch.setattr(host_facts, "command", lambda **_options: script)
    facts = host_facts.parse(run(host.root, environment={"PATH": f"{tool.parent}:{os.environ['PATH']}"}))
    assert [drive["serial"] for drive in facts["drives"]] == ["10WT067890"]
    assert any(re.fullmatch(note, said) for said in facts["notes"]), facts["notes"]
    left_out = "The tape drive at 7:0:0:0 (/dev/sg0) was left out: it shows no serial number (VPD page 80h). "
    assert f"{left_out}Rescan the device, or name the drive in drive_sharing_drives." in facts["notes"]


def test_a_sign_that_python_takes_for_the_end_of_a_line_makes_no_new_line(host: sysfs.Host) -> None:
    model = "X\u2028device 9:9:9:9"
    host.fc_drive(host.fc_host(7, FC), "7:0:0:0", TARGET, model=model, **IBM)
    facts = ask(host.root)
    assert [drive["model"] for drive in facts["drives"]] == ["Xdevice 9:9:9:9"]
    assert facts["notes"] == []


def test_a_host_without_anything_says_what_was_asked(host: sysfs.Host) -> None:
    assert ask(host.root) == {
        "system": "Linux",
        "drives": [],
        "ports": [],
        "notes": [
            "No tape drive was found: /sys/class/scsi_device has no device of type 1.",
            "No initiator port was found in /sys/class/fc_host, iscsi_session and sas_phy, and "
            "/etc/iscsi/initiatorname.iscsi.",
        ],
    }


def test_64_drives_are_sorted_by_number_and_not_by_letter(host: sysfs.Host) -> None:
    adapter = host.fc_host(7, FC)
    for number in range(64):
        target = f"0x5005076300{number:06x}"
        host.fc_drive(
            adapter, f"7:0:{number}:0", target, rport=number, serial=f"S{number:03}", unit=f"5005076310{number:06x}"
        )
    drives = ask(host.root)["drives"]
    assert [drive["serial"] for drive in drives] == [f"S{number:03}" for number in range(64)]
    assert drives[10]["devices"] == ["/dev/st10", "/dev/nst10", "/dev/sg10"]


def test_paths_are_sorted_by_number_and_not_by_letter(host: sysfs.Host) -> None:
    for number in (10, 9):
        adapter = host.fc_host(number, f"0x10000090fa1658{number:02}")
        host.fc_drive(adapter, f"{number}:0:0:0", TARGET, **IBM)
    assert [path["port"]["id"][-2:] for path in ask(host.root)["drives"][0]["paths"]] == ["09", "10"]


def test_the_path_of_the_root_may_look_like_sysfs(tmp_path: Path) -> None:
    root = tmp_path / "session9" / "port-9:9" / "rport-9:9-9" / "end_device-9:9"
    root.mkdir(parents=True)
    host = sysfs.Host(root)
    adapter = host.sas_host(8, {0: "0x500605b000000001", 4: "0x500605b000000002"}, {"port-8:0": [0], "port-8:1": [4]})
    host.sas_drive(adapter, "port-8:1", "8:0:0:0", "end_device-8:1", "0x500507631245da6a", **IBM)
    host.drive(host.iscsi_session(3, 1, "iqn.2026-11.lab:a", "iqn.2026-11.lab:d"), "3:0:0:0", **IBM)
    host.drive("pci0000:00/host5", "5:0:0:0", **IBM)
    paths = ask(root)["drives"][0]["paths"]
    assert [path["port"] and path["port"]["id"] for path in paths] == ["iqn.2026-11.lab:a", None, "500605b000000002"]
    assert [path["target_port"] and path["target_port"]["id"] for path in paths] == [
        "iqn.2026-11.lab:d",
        None,
        "500507631245da6a",
    ]


def test_this_machine_can_be_asked() -> None:
    facts = ask(Path("/"))
    assert facts["system"] == "Linux"
    assert {"drives", "ports", "notes"} < set(facts)


@example("\xa0\x1e0", 130, 28)
@given(st.text(), st.integers(0, 2000), st.integers(0, 2000))
def test_no_output_raises(junk: str, start: int, end: int) -> None:
    recorded = (Path(__file__).parents[3] / "fixtures/linux/fc_lab.txt").read_text()
    facts = linux.parse(recorded[:start] + junk + recorded[end:])
    assert set(facts) == {"drives", "ports", "notes"}


@given(
    st.lists(
        st.sampled_from(
            ["device 1:0:0:0", "device", "pg80", "pg83", " 01 80 00 0a", "fc_host", "files", "link", "node st0"]
        )
        | st.sampled_from(
            ["iscsi_session s", "session s", "lin_tape 0 a b", "sas_phy phy-", "host", "phy x", "sas_address 0x5"]
        )
    )
)
def test_no_order_of_lines_raises(lines: list[str]) -> None:
    linux.parse("\n".join(lines))
