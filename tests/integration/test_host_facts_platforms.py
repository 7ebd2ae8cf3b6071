# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of other systems, through real ansible-playbook and a real sshd: their commands are programs that print samples.

Each case is a host. Its commands stand before all others in the PATH of what it runs the script with, which is one of the
shells that such a system may have. All of them are asked in one play.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_facts as host_facts
from ansible_collections.tapeworks.drive_sharing.tests.integration.test_host_facts import Run, Site
from ansible_collections.tapeworks.drive_sharing.tests.sshd import ADDRESSES, SYSTEM_PATH, sshd
from ansible_collections.tapeworks.drive_sharing.tests.unit.fixtures.facts.transcript import Transcript

SAMPLES = Path(__file__).parents[1] / "unit/fixtures/facts"
TAPES = "lsdev -Cc tape"
GET = "scsimgr get_attr"


def commands(sample: str, worse: Callable[[Transcript], object] = lambda host: None) -> Callable[[Path], object]:
    """Give what writes the commands of this sample into a directory, after it was made worse."""

    def install(directory: Path) -> None:
        host = Transcript(SAMPLES / sample)
        worse(host)
        host.install(directory)

    return install


@dataclass(frozen=True)
class Case:
    """A host: its commands, its shell, and what is found: serial numbers, numbers of ports, beginnings of notes."""

    install: Callable[[Path], object]
    drives: list[str]
    ports: dict[str, int]
    notes: tuple[str, ...] = ()
    shell: str = "ksh93"


AIX = ["0000078C1D20", "00078A51C2"]
HPUX = ["00078A51D4", "HU1051A2C3"]
SOLARIS = ["10WT012345", "10WT067890"]
CASES = {
    "aix": Case(
        commands("aix/fc.txt"),
        AIX,
        {"fc": 4, "ip": 3, "iscsi": 1},
        (
            "No WWPN is shown, and so no port is known, of: fcs2 (Defined).",
            "Not Available, and so left out: rmt3 (Defined). Run cfgmgr if they are still connected, rmdev -dl if not.",
        ),
    ),
    "aix_virtual": Case(
        commands("aix/virtual.txt"),
        ["00078A51C2", "10WT0A1B2C"],
        {"fc": 2, "ip": 1, "sas": 1},
        ("lsattr -E -a initiator_name -l iscsi0 failed with exit status 255 (lsattr: 0514-519",),
        "mksh",
    ),
    "aix_hanging": Case(
        commands("aix/fc.txt", lambda host: host.hangs("lscfg -vl rmt*", after=330)),
        ["00078A51C2"],
        {"ip": 3, "iscsi": 1},
        (
            "lscfg -vl rmt* did not end within 10 s, and lscfg was not asked again, so drives may have no serial number.",
            "lscfg -vl fcs* did not end within 10 s, and lscfg was not asked again, so Fibre Channel ports have no WWPN.",
            "No WWPN is shown, and so no port is known, of: fcs0 (Available), fcs1 (Available), fcs2 (Defined), fcs3",
            "The tape drive tape7 was left out: lscfg shows no serial number.",
            "The tape drive rmt1 was left out: lscfg shows no serial number.",
            "The adapter of rmt0 has no port with a name, so drive 00078A51C2 has a path whose initiator port is unknown.",
            "Not Available, and so left out: rmt3 (Defined).",
        ),
        "bash",
    ),
    "aix_without_lscfg": Case(
        commands("aix/fc.txt", lambda host: host.missing("lscfg")),
        [],
        {"ip": 3, "iscsi": 1},
        (
            "lsvpd was not found on this host, so drives have no serial number.",
            "lscfg was not found on this host, so drives may have no serial number.",
            "lscfg was not found on this host, so Fibre Channel ports have no WWPN.",
            "No WWPN is shown, and so no port is known, of: fcs0",
            "The tape drive rmt0 was left out: lscfg shows no serial number.",
            "The tape drive rmt1 was left out: lscfg shows no serial number.",
            "The tape drive tape7 was left out: lscfg shows no serial number.",
            "Not Available, and so left out: rmt3 (Defined).",
        ),
        "dash",
    ),
    "aix_denied": Case(
        commands("aix/virtual.txt", lambda host: host.ends(TAPES, "lsdev: 0514-515 Permission denied\n", 255)),
        [],
        {"fc": 2, "ip": 1, "sas": 1},
        (
            "lsdev -Cc tape -F name:status:parent:location:physloc:description may not be run by this user (lsdev: 0514-515 "
            "Permission denied), so no drive can be found; use become.",
            "lsattr -E -a initiator_name",
        ),
        "busybox",
    ),
    "hpux": Case(
        commands("hpux/v3.txt"),
        HPUX,
        {"fc": 4, "ip": 3, "iscsi": 1},
        (
            "fcmsutil /dev/fclp0 get remote all failed with exit status 1 (No remote ports found)",
            "The tape drive at 64000/0xfa00/0x5 (/dev/rtape/tape5_BEST) is NO_HW, not CLAIMED, so it was left out.",
        ),
    ),
    "hpux_v2": Case(
        commands("hpux/v2.txt"),
        [],
        {"fc": 1, "ip": 1},
        (
            "iscsiutil was not found on this host",
            "Tape drives without a serial number were left out: 0/4/1/1.2.0.255.14.4.1",
        ),
        "mksh",
    ),
    "hpux_half": Case(
        # The second drive's serial number is cut in the middle: it is no serial number.
        commands("hpux/v3.txt", lambda host: host.hangs(f"{GET} -D /dev/rtape/tape2", after=95)),
        ["HU1051A2C3"],
        {"fc": 4, "ip": 3, "iscsi": 1},
        (
            f"{GET} -D /dev/rtape/tape2_BEST -a serial_number -a wwid -a vid -a pid did not end within 10 s, and scsimgr was not",
            "Tape drives without a serial number were left out: 64000/0xfa00/0x2 (/dev/rtape/tape2_BEST) (scsimgr shows none).",
            "fcmsutil /dev/fclp0 get remote all",
            "The tape drive at 64000/0xfa00/0x5",
        ),
        "dash",
    ),
    "hpux_not_root": Case(
        commands("hpux/v3.txt", lambda host: host.ends("fcmsutil", "fcmsutil: You must be superuser.\n", 1)),
        HPUX,
        {"ip": 3, "iscsi": 1},
        (
            "fcmsutil /dev/fcd0 (and 7 more) may not be run by this user (fcmsutil: You must be superuser.), so WWPNs",
            "No WWPN is shown, and so no port is known, of: fcd0 at 0/4/1/0 (CLAIMED), ",
            "The adapter of 0/4/1/0.0x500104f000a1c302.0x0 has no port with a name",
            "The adapter of 0/4/1/1.0x500104f000a1c303.0x0 has no port with a name",
            "The adapter of 0/12/0/0.0x500104f000a1c402.0x1000000000000 has no port with a name",
            "The tape drive at 64000/0xfa00/0x5",
        ),
        "bash",
    ),
    "hpux_junk": Case(
        commands("hpux/v3.txt", lambda host: host.replace(GET, b"HU1051A2C3", b"HU\xff\xfe1051")),
        ["00078A51D4"],
        {"fc": 4, "ip": 3, "iscsi": 1},
        (
            "The tape drive at 64000/0xfa00/0x1 (/dev/rtape/tape1_BEST) was left out: its serial number must be a serial number",
            "fcmsutil /dev/fclp0 get remote all",
            "The tape drive at 64000/0xfa00/0x5",
        ),
    ),
    "solaris": Case(
        commands("solaris/sparc.txt"),
        SOLARIS,
        {"fc": 3, "ip": 3, "iscsi": 1},
        ("The serial number of rmt/0, rmt/1, rmt/2 is what iostat shows",),
    ),
    "solaris_mpxio": Case(
        commands("solaris/mpxio.txt"),
        SOLARIS,
        {"fc": 3, "ip": 3, "iscsi": 1},
        ("The serial number of rmt/0, rmt/2 is what iostat shows",),
        "mksh",
    ),
    "solaris_x86": Case(
        commands("solaris/x86.txt"),
        ["10WT012345", "10WT055555", "HU1234ABCD"],
        {"fc": 2, "ip": 4, "iscsi": 1, "sas": 1},
        ("The serial number of rmt/2, rmt/7 is what iostat shows",),
        "dash",
    ),
    "solaris_hanging": Case(
        # Half a table of what is there must not make drives vanish.
        commands("solaris/sparc.txt", lambda host: host.hangs("cfgadm", after=300)),
        SOLARIS,
        {"fc": 3, "ip": 3, "iscsi": 1},
        (
            "cfgadm -al -o show_SCSI_LUN did not end within 10 s, and cfgadm was not asked again, so drives that have gone may be",
            "The serial number of rmt/0",
        ),
        "busybox",
    ),
    "solaris_denied": Case(
        commands("solaris/mpxio.txt", lambda host: host.ends("fcinfo", "fcinfo: insufficient privileges\n", 1)),
        SOLARIS,
        {"ip": 3, "iscsi": 1},
        (
            "fcinfo hba-port may not be run by this user (fcinfo: insufficient privileges), so no Fibre Channel port can be found",
            "The host's port to drive 10WT012345 at rmt/0 has no name that can be known.",
            "The host's port to drive 10WT067890 at rmt/2 has no name that can be known.",
            "The serial number of rmt/0",
        ),
        "bash",
    ),
    "solaris_junk": Case(
        commands("solaris/sparc.txt", lambda host: host.replace("iostat", b"10WT067890", b"10\xff\xfe7890")),
        SOLARIS[:1],
        {"fc": 3, "ip": 3, "iscsi": 1},
        ("The tape drive rmt/2 was left out: its serial number must be a serial number", "The serial number of rmt/0"),
    ),
}


def add(site: Site, name: str, case: Case, connection: dict[str, Any]) -> None:
    """Add the host to the inventory."""
    directory = site.directory / "commands" / name
    case.install(directory)
    shell = shutil.which(case.shell) or shutil.which("sh")
    words = f"{shell} sh" if case.shell == "busybox" else shell
    program = directory / "shell"
    program.write_text(f'#!/bin/sh\nPATH={directory}:/usr/bin:/bin\nexport PATH\nexec {words} "$@"\n')
    program.chmod(0o755)
    site.hosts[name] = {
        **connection,
        "ansible_host": ADDRESSES["host_a"],
        "ansible_shell_executable": str(program),
        # None of these systems need have one.
        "ansible_python_interpreter": "/nonexistent",
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if shutil.which("sshd", path=SYSTEM_PATH) is None:
        pytest.skip("this machine has no sshd (Debian: openssh-server)")
    directory = tmp_path_factory.mktemp("platforms")
    with sshd(directory / "sshd") as connection:
        site = Site(directory)
        for name, case in CASES.items():
            add(site, name, case, connection)
        yield site


@pytest.fixture(scope="module")
def asked(site: Site) -> Run:
    return site.ask("record: false")


@pytest.mark.parametrize("name", CASES)
def test_the_facts_of_a_host_are_found_over_ssh(asked: Run, name: str) -> None:
    case, result = CASES[name], asked.results[name]
    assert not result.get("failed"), result["msg"]
    assert [drive["serial"] for drive in result["drives"]] == case.drives
    protocols = [port["protocol"] for port in result["ports"]]
    assert {protocol: protocols.count(protocol) for protocol in protocols} == case.ports
    for start in case.notes:
        assert [note for note in result["notes"] if note.startswith(start)], (start, result["notes"])
    assert len(result["notes"]) == len(case.notes), result["notes"]


@pytest.mark.parametrize(("name", "sample"), [("aix", "aix/fc.txt"), ("aix_virtual", "aix/virtual.txt")])
def test_a_whole_answer_is_what_the_parser_finds_in_the_samples(asked: Run, name: str, sample: str) -> None:
    expected = host_facts.PLATFORMS["aix"].parse(Transcript(SAMPLES / sample).framed())
    found = {key: asked.results[name][key] for key in expected}
    assert found == expected


def test_the_facts_are_recorded_and_a_second_run_changes_nothing(site: Site) -> None:
    few = "--limit=aix,hpux"
    first = site.ask("record: true", few)
    assert [first.results[name]["changed"] for name in ("aix", "hpux")] == [True, True], first.output
    again = site.ask("record: true", few)
    assert [again.results[name]["changed"] for name in ("aix", "hpux")] == [False, False], again.output
    assert site.rows("SELECT host, drive FROM paths ORDER BY host, drive") == [
        *(("aix", serial) for serial in AIX),
        *(("hpux", serial) for serial in HPUX),
    ]
