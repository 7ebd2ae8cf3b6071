# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook conflict_doctor, through real ansible-playbook, against simulated drives, applications and a library."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.integration.scsi_world import World
from ansible_collections.tapeworks.drive_sharing.tests.integration.test_host_facts import Run
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.simulated_drive import Drive, fc

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hosts import DRIVE, HOSTS, known_hosts

APPLICATION = Path(__file__).resolve().parents[2] / "demo/backup_application"
KEY = 0x40000000C0A8010B
CONTROLLER, BACKUP1, BACKUP2, STRANGER = fc(100), fc(1), fc(2), fc(66)
SSH_TO_NOBODY = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


class Site(World):
    """Two backup servers with the demo's application, and a controller that sees the drives."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.drives = {name: Drive(name) for name in ("LEFT1", "JOB1", "GONE1", "OLD1", "ADMIN1")}
        self.sees("localhost", CONTROLLER, *self.drives.values())
        for name, port in (("backup1", BACKUP1), ("backup2", BACKUP2)):
            command = [str(APPLICATION), "--state", str(directory / "hosts" / name / "application")]
            root = self.sees(
                name, port, *self.drives.values(), drive_sharing_applications=[{"application": "custom"}],
                drive_sharing_state_directory=str(directory / "hosts" / name / "records"),
                application_custom_query_command=[*command, "list"],
                application_custom_offline_command=[*command, "offline", "{names}"],
                application_custom_online_command=[*command, "online", "{names}"],
                application_custom_query_pattern=r"^(?P<name>\S+) (?P<serial>\S+) (?P<state>\S+) \S+$",
                application_custom_in_use_pattern=r" [^ -]\S*$",
            )
            (root / "application").mkdir()
            for drive in self.drives:
                self.application(name, "add", f"{name}-{drive}", drive)

    def application(self, host: str, *words: str) -> str:
        command = [APPLICATION, "--state", self.directory / "hosts" / host / "application", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def doctor(self, drive: Any, *words: str, **variables: str) -> Run:
        given = json.dumps({"drive_sharing_drive": drive, **variables})
        return self.run("tapeworks.drive_sharing.conflict_doctor", "-e", given, *words)


def said(run: Run) -> str:
    """What the playbook printed, without line ends."""
    return " ".join(run.output.replace('"', " ").replace(",\n", " ").replace("\\", " ").split())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    found = Site(tmp_path_factory.mktemp("doctor"))
    assert found.run("tapeworks.drive_sharing.host_facts").status == 0
    return found


def test_bad_input_and_an_unknown_drive_are_refused_in_a_sentence(site: Site) -> None:
    run = site.doctor(1310211169)
    assert run.status == 2
    assert "drive_sharing_drive must be a serial number" in said(run)
    assert "in quotation marks, not 1310211169. Nothing was changed." in said(run)
    run = site.doctor("LEFT2")
    assert run.status == 2
    assert "No host sees drive LEFT2 by the drive table's associations, and no change of it is recorded." in said(run)


def test_what_was_left_behind_is_recorded_and_then_released_by_its_holder(site: Site) -> None:
    drive = site.drives["LEFT1"]
    drive.take(BACKUP1, KEY)
    site.drive(drive)
    run = site.doctor("LEFT1", drive_sharing_remedy="record")
    assert run.status == 0, run.output
    fault("left-behind").seen_in(said(run), PORT=BACKUP1["id"], HOST="backup1", DRIVE="LEFT1", INSTANCE="backup1", TEXT="custom")
    assert re.search(r"^ +\"backup1 +yes +yes +backup1 +custom +online +no\",$", run.output, re.MULTILINE), run.output
    assert "localhost yes yes - - - -" in said(run)
    [(status, holders)] = site.rows("SELECT status, holders FROM drives WHERE drive = 'LEFT1'")
    assert (status, json.loads(holders)) == ("reserved", [BACKUP1])
    before = site.now("LEFT1")
    run = site.doctor("LEFT1", "--check", drive_sharing_remedy="release")
    assert run.status == 0, run.output
    assert "Nothing was changed. It would send: " in said(run)
    assert (site.now("LEFT1").holder, site.now("LEFT1").actions) == (before.holder, before.actions)
    assert "contradiction" not in said(run)
    run = site.doctor("LEFT1", drive_sharing_remedy="release")
    assert run.status == 0, run.output
    assert site.now("LEFT1").holder is None
    assert [words for words in site.log("localhost") if "5f" in words] == [], "the holder itself released it"


def test_nothing_is_taken_from_a_job(site: Site) -> None:
    drive = site.drives["JOB1"]
    drive.take(BACKUP1, KEY)
    site.drive(drive)
    site.application("backup1", "busy", "backup1-JOB1", "nightly")
    run = site.doctor("JOB1", drive_sharing_remedy="preempt")
    assert run.status == 2
    fault("drive-in-use").seen_in(said(run), PORT=BACKUP1["id"], HOST="backup1", DRIVE="JOB1", INSTANCE="backup1", TEXT="custom")
    assert "Remedy preempt does not fit drive JOB1: backup1 shows a job on the drive, which would lose what it writes." in said(run)
    assert "What fits: wait, record." in said(run)
    assert (site.now("JOB1").holder, site.now("JOB1").actions) == (drive.holder, drive.actions)


def test_a_holder_that_is_down_is_preempted_by_the_controller(site: Site) -> None:
    drive = site.drives["GONE1"]
    drive.take(BACKUP2, KEY)
    site.drive(drive)
    alive = site.hosts["backup2"]
    site.hosts["backup2"] = {**alive, **SSH_TO_NOBODY}
    try:
        run = site.doctor("GONE1", drive_sharing_remedy="preempt")
    finally:
        site.hosts["backup2"] = alive
    assert run.status == 0, run.output
    fault("holder-down").seen_in(said(run), PORT=BACKUP2["id"], HOST="backup2", DRIVE="GONE1")
    assert "(backup2 wrote its facts on " in said(run)
    assert "Connection refused" in said(run)
    assert site.now("GONE1").holder is None
    assert site.now("GONE1").keys == {}


def test_a_reserve_of_spc_2_is_ended_by_a_reset_only(site: Site) -> None:
    drive = site.drives["OLD1"]
    assert drive.reserve6(BACKUP2)
    site.drive(drive)
    run = site.doctor("OLD1", drive_sharing_remedy="reset")
    assert run.status == 0, run.output
    fault("spc2-left-behind").seen_in(said(run), HOST="backup2", DRIVE="OLD1", INSTANCE="backup2")
    assert "(through /dev/sg3 alone the drive answers without a conflict)" in said(run)
    assert site.now("OLD1").spc2 is None
    assert [words[0] for words in site.log("localhost") if words[0] == "sg_reset"] == ["sg_reset"]


def test_what_an_administrator_has_set_offline_is_set_online_on_demand(site: Site) -> None:
    site.application("backup2", "offline", "backup2-ADMIN1")
    run = site.doctor("ADMIN1")
    assert run.status == 0, run.output
    fault("offline-by-administrator").seen_in(said(run), DRIVE="ADMIN1", INSTANCE="backup2", HOST="backup2")
    assert "backup2-ADMIN1 ADMIN1 offline -" in site.application("backup2", "list"), "nothing is changed unless it is told"
    run = site.doctor("ADMIN1", drive_sharing_remedy="online")
    assert run.status == 0, run.output
    assert "backup2-ADMIN1 ADMIN1 online -" in site.application("backup2", "list")


def test_an_error_state_is_cleared_in_order_where_nobody_can_read_the_drive(tmp_path: Path) -> None:
    with known_hosts(tmp_path / "world") as world:
        world.start_library(send=False)
        world.change("released")
        world.library("PUT", f"/drives/{DRIVE}/error", {"error": True, "reason": "host_b did not confirm"})
        with contextlib.ExitStack() as stack:
            table = stack.enter_context(contextlib.closing(sqlite3.connect(world.table)))
            stack.enter_context(table)
            table.execute(
                "UPDATE drives SET error_state = 'error', error_since = 1, error_sequence = sequence, library = 'library_1',"
                " error_reason = 'host_b did not confirm.', batch = NULL WHERE drive = ?", (DRIVE,),
            )
        given = {"drive_sharing_drive": DRIVE, "drive_sharing_remedy": "preempt"}
        # Only one host: the others are in no play, and nothing is known of them.
        done = world.playbook("conflict_doctor", "-e", json.dumps(given), "--limit", f"localhost,{HOSTS[0].name}")
        assert done.returncode == 2
        assert f"Remedy preempt does not fit drive {DRIVE}: the drive is in its error state; the remedy clear_error ends that." in done.stdout
        assert f"Drive {DRIVE} is in its error state, where nobody can use it: host_b did not confirm." in done.stdout
        given["drive_sharing_remedy"] = "clear_error"
        done = world.playbook("conflict_doctor", "-e", json.dumps(given), "--check")
        assert done.returncode == 0, done.stdout
        assert world.drive(DRIVE)["error_state"] == "error"
        assert world.library("GET", f"/drives/{DRIVE}")["error"] is True
        done = world.playbook("conflict_doctor", "-e", json.dumps(given))
        assert done.returncode == 0, done.stdout
        assert world.drive(DRIVE)["error_state"] == ""
        assert world.library("GET", f"/drives/{DRIVE}")["error"] is False
