# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""host_facts on a real kernel: what it says is what sysfs, the target and the state of the cables say."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.facts.network.fc_wwn import FcWwnInitiatorFactCollector

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_facts as host_facts
from ansible_collections.tapeworks.drive_sharing.tests.integration.test_host_facts import PLAYBOOK, Run, Site
from ansible_collections.tapeworks.drive_sharing.tests.lab import san
from ansible_collections.tapeworks.drive_sharing.tests.unit.fixtures.facts import schema

HOST_A, HOST_B = san.HOSTS
DRIVE_1, DRIVE_2 = san.DRIVES
KERNELS_NODES = re.compile(r"/dev/n?s[tg][0-9]+")


#: In front of a command: nobody runs it.
AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def ask(host: san.Host | None, *before: str) -> dict[str, Any]:
    """Run the script as the action plugin does, on a host or (None) on the guest, which has all adapters."""
    words = [*before, "/bin/sh", "-c", host_facts.command()]
    done = subprocess.run(san.as_host(host, *words) if host else words, capture_output=True, text=True, check=False, timeout=300)
    assert (done.stderr, done.returncode) == ("", 0)
    facts = host_facts.parse(done.stdout)
    schema.check({key: facts[key] for key in ("drives", "ports", "notes")} | {"instances": []})
    return facts


def seen(facts: dict[str, Any]) -> dict[str, set[tuple[str, str, str]]]:
    """Give the paths of each drive as host_facts tells them: device file, the host's port, the drive's port."""
    return {
        drive["serial"]: {(path["device"], path["port"]["id"], path["target_port"]["id"]) for path in drive["paths"]}
        for drive in facts["drives"]
    }


def there(host: san.Host | None = None) -> dict[str, set[tuple[str, str, str]]]:
    """Give the same as sysfs tells it."""
    found: dict[str, set[tuple[str, str, str]]] = {}
    for path in san.paths():
        if host is None or path.port in host.ports:
            found.setdefault(path.drive.serial, set()).add((path.tape, path.port.id, path.target))
    return found


def states(facts: dict[str, Any]) -> dict[str, str]:
    return {port["id"]: port["state"] for port in facts["ports"]}


@pytest.mark.parametrize("host", san.HOSTS, ids=lambda host: host.name)
def test_a_host_has_its_two_ports_and_through_each_a_path_to_each_drive(host: san.Host) -> None:
    facts = ask(host)
    assert states(facts) == {host.adapter.id: "online", host.initiator.id: "online"}
    assert seen(facts) == there(host)
    assert all(len(paths) == 2 for paths in seen(facts).values())
    assert facts["notes"] == []


def test_a_drive_with_four_paths_is_one_drive_with_the_device_files_of_all() -> None:
    facts = ask(None)
    assert seen(facts) == there()
    targets = [drive.adapter.id for drive in san.DRIVES]
    assert states(facts) == dict.fromkeys([*san.PORTS, *targets], "online") | {san.WITHOUT_SESSION: "offline"}
    for drive, known in zip(facts["drives"], san.DRIVES, strict=True):
        paths = [path for path in san.paths() if path.drive == known]
        names = {name for path in paths for name in (path.tape, path.tape.replace("/st", "/nst"), path.generic)}
        assert {name for name in drive["devices"] if KERNELS_NODES.fullmatch(name)} == names
        links = [Path(name) for name in drive["devices"] if name not in names]
        assert links
        assert {str(link.resolve()) for link in links} <= names
        assert (drive["wwnn"], drive["vendor"], drive["model"]) == (known.naa, "IBM", "ULT3580-TD8")
        assert drive["wwpns"] == [known.adapter.id]


@pytest.mark.usefixtures("free")
def test_the_target_hears_the_port_that_the_facts_name_for_a_device_file() -> None:
    names = {drive.serial: drive for drive in san.DRIVES}
    for drive in ask(None)["drives"]:
        for path in drive["paths"]:
            assert san.reserve(path["device"]) == 0
            assert names[drive["serial"]].holder() == ("SPC-2", path["port"]["id"])
            assert san.release(path["device"]) == 0


def test_lsscsi_says_the_same() -> None:
    rows = [line.split() for line in san.call("lsscsi", "-gt").stdout.splitlines()]
    told = {(row[3], row[2].removeprefix("fcoe:0x").split(",")[0]) for row in rows if row[1] == "tape"}
    assert {(device, target) for paths in seen(ask(None)).values() for device, _port, target in paths} == told


def test_without_root_only_the_configured_iscsi_name_is_missing() -> None:
    mine, nobodys = ask(None), ask(None, *AS_NOBODY)
    mine["ports"] = [port for port in mine["ports"] if port["id"] != san.WITHOUT_SESSION]
    assert nobodys == mine


def test_setup_of_ansible_core_knows_the_same_fibre_channel_ports() -> None:
    names = FcWwnInitiatorFactCollector().collect()["fibre_channel_wwn"]
    assert sorted(names) == sorted(port["id"] for port in ask(None)["ports"] if port["protocol"] == "fc")


def test_a_port_whose_link_is_down_is_offline_and_keeps_its_paths_until_the_link_is_back() -> None:
    before = there()
    HOST_A.adapter.down()
    try:
        # The other host loses its way to the iSCSI targets.
        HOST_B.initiator.down()
        try:
            a, b = ask(HOST_A), ask(HOST_B)
            assert there() == before, "the kernel waits for the link"
        finally:
            HOST_B.initiator.up()
    finally:
        HOST_A.adapter.up()
    assert states(a) == {HOST_A.adapter.id: "offline", HOST_A.initiator.id: "online"}
    assert states(b) == {HOST_B.adapter.id: "online", HOST_B.initiator.id: "offline"}
    assert seen(a) == there(HOST_A)
    assert seen(b) == there(HOST_B)
    assert {port: state for port, state in states(ask(None)).items() if port in san.PORTS} == dict.fromkeys(san.PORTS, "online")


def test_other_numbers_of_st_and_sg_lead_to_the_same_ports() -> None:
    before = there()
    by_port = {path.tape: path.port for path in sorted(san.paths(), key=lambda path: int(path.tape.removeprefix("/dev/st")))}
    # The port with the lowest numbers comes last now.
    san.renumber(list(dict.fromkeys(reversed(by_port.values()))))
    facts = ask(None)
    assert seen(facts) == there() != before
    for serial, paths in seen(facts).items():
        assert {path[1:] for path in paths} == {path[1:] for path in before[serial]}, "only the device files have changed"


@dataclass
class Story:
    """The module, before a drive went into service mode; the playbook, meanwhile; the module again, afterwards."""

    site: Site
    runs: list[Run]
    #: After each run: host, drive, and whether it is missing.
    rows: list[list[tuple[str, str, bool]]]
    meanwhile: dict[str, Any]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    site = Site(tmp_path_factory.mktemp("story"))
    site.LIMIT = 900
    for host in san.HOSTS:
        site.host(
            host.name, drive_sharing_root="/", ansible_shell_executable=str(host.shell), drive_sharing_applications=[{"application": "custom"}]
        )
    made = Story(site, [], [], {})

    def look(run: Run) -> None:
        made.runs.append(run)
        made.rows.append(site.rows("SELECT host, drive, missing_since IS NOT NULL FROM paths ORDER BY host, drive"))

    look(site.ask("record: true"))
    DRIVE_1.away()
    try:
        look(site.run(PLAYBOOK))
        made.meanwhile = ask(HOST_A)
    finally:
        DRIVE_1.back()
    look(site.ask("record: true"))
    return made


def test_what_each_host_sees_is_recorded(story: Story) -> None:
    assert story.runs[0].status == 0, story.runs[0].output
    both = [(host.name, drive.serial, 0) for host in san.HOSTS for drive in san.DRIVES]
    assert story.rows[0] == both
    recorded = story.site.rows("SELECT host, protocol, id, state FROM ports ORDER BY host, protocol")
    assert recorded == [
        (host.name, protocol, port.id, "online")
        for host in san.HOSTS
        for protocol, port in (("fc", host.adapter), ("iscsi", host.initiator))
    ]


def test_a_drive_that_is_gone_is_kept_as_missing(story: Story) -> None:
    assert [drive["serial"] for drive in story.meanwhile["drives"]] == [DRIVE_2.serial]
    assert story.runs[1].status == 0, story.runs[1].output
    assert story.rows[1] == [(host.name, drive.serial, drive == DRIVE_1) for host in san.HOSTS for drive in san.DRIVES]
    for host in san.HOSTS:
        assert re.search(rf"{host.name} +drive +{DRIVE_1.serial} +- +missing since 20\d\d-", story.runs[1].output)


def test_a_drive_that_is_back_is_found_again(story: Story) -> None:
    assert story.runs[2].status == 0, story.runs[2].output
    assert story.rows[2] == story.rows[0]
    for host in san.HOSTS:
        assert seen(story.runs[2].results[host.name]) == there(host)
