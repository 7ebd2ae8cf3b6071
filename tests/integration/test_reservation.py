# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module reservation, through real ansible-playbook, against simulated drives behind the command lines of sg3-utils."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.tapeworks.drive_sharing.plugins.modules import reservation
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _fencing_key
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.integration.scsi_world import World
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.simulated_drive import RESET, Drive, fc

KEY, OURS = 0x40000000C0A8010B, _fencing_key.fencing_key("basel", "one")
CONTROLLER, BACKUP1, BACKUP2 = fc(100), fc(1), fc(2)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def ask(state: str, **more: Any) -> dict[str, Any]:
    return {"drive": "D1", "state": state, "controller": "one", **more}


def test_a_drive_is_fenced_and_given_back_with_a_plan_before(world: World) -> None:
    drive = Drive("D1")
    drive.take(BACKUP1, KEY)
    drive.attentions = {("fc", CONTROLLER["id"]): [RESET, RESET]}
    world.sees("controller", CONTROLLER, drive, drive_sharing_site="basel")
    plan = [
        f"REGISTER AND IGNORE EXISTING KEY: register key 0x{OURS:x}",
        f"PREEMPT AND ABORT with key 0x{OURS:x}, against key 0x{KEY:x}, exclusive access",
    ]
    dry = world.do("reservation", ask("fenced"), "--check", "--diff")
    assert dry.status == 0, dry.output
    result = dry.results["controller"]
    assert (result["changed"], result["plan"]) == (True, plan)
    assert f"would be sent: {plan[1]}" in dry.output
    assert world.now("D1").actions == []
    run = world.do("reservation", ask("fenced"), "--diff")
    assert run.status == 0, run.output
    assert run.results["controller"]["plan"] == plan
    assert f"-holder: fc {BACKUP1['id']}, key 0x{KEY:016x}" in run.output
    assert f"+holder: fc {CONTROLLER['id']}, key 0x{OURS:016x}" in run.output
    assert run.results["controller"]["after"]["fenced"]
    assert (world.now("D1").holder, world.now("D1").keys) == (("fc", CONTROLLER["id"]), {("fc", CONTROLLER["id"]): OURS})
    again = world.do("reservation", ask("fenced"))
    assert (again.results["controller"]["changed"], again.results["controller"]["msg"]) == (False, "Drive D1 is in its error state.")
    undone = world.do("reservation", ask("unfenced"))
    assert undone.results["controller"]["changed"]
    assert (world.now("D1").holder, world.now("D1").keys) == (None, {})


def test_what_is_refused_says_why_and_sends_nothing(world: World) -> None:
    cases = {"spc2": fc(11), "opened": fc(12), "nobody": fc(13), "own": fc(14)}
    for name, port in cases.items():
        drive = Drive(name.upper())
        if name == "spc2":
            assert drive.reserve6(BACKUP2)
        else:
            drive.take(BACKUP2, KEY)
        root = world.sees(name, port, drive, drive_sharing_site="basel", drive_sharing_applications=[
            {"application": "custom", "instance": "nightly" if name == "own" else name}
        ])
        if name == "nobody":
            (root / "nobody").touch()
    (world.directory / "hosts/opened/open").write_text("/proc/1/fd:\nlrwx------ 1 root root 64 Nov 23 10:00 3 -> /dev/nst0\n")
    holder = Drive("OTHER")
    world.sees("backup2", BACKUP2, holder, drive_sharing_applications=[{"application": "custom", "instance": "nightly"}])
    assert world.do("host_facts", {}).status == 0
    run = world.do("reservation", {"drive": "{{ inventory_hostname | upper }}", "state": "preempted"}, hosts="all:!backup2")
    said = {host: result["msg"] for host, result in run.results.items()}
    assert "a reset" not in said["own"]
    fault("reservation-spc2").seen_in(said["spc2"], DRIVE="SPC2")
    fault("reservation-job").seen_in(said["opened"], DRIVE="OPENED", N=1)
    fault("reservation-not-root").seen_in(said["nobody"], DRIVE="NOBODY")
    fault("reservation-own-instance").seen_in(said["own"], DRIVE="OWN", PORT=BACKUP2["id"])
    assert all(message.endswith(". Nothing was changed.") for message in said.values())
    assert all(world.now(name.upper()).actions == [] for name in cases)
    dared = world.do(
        "reservation", {"drive": "{{ inventory_hostname | upper }}", "state": "preempted", "force": ["job", "reset"]}, hosts="all:!backup2"
    )
    assert dared.status == 0, dared.output
    assert all(world.now(name.upper()).holder is None and world.now(name.upper()).spc2 is None for name in cases)
    assert dared.results["spc2"]["plan"] == ["LOGICAL UNIT RESET"]
    assert [words for words in world.log("spc2") if words[0] == "sg_reset"] == [["sg_reset", "-N", "-d", "/dev/sg0"]]


def test_programs_that_lie_race_hang_or_print_junk_are_not_believed(world: World) -> None:
    for number, name in enumerate(("lie", "race", "junk", "hang", "refuse")):
        drive = Drive(name.upper())
        drive.take(BACKUP2, KEY)
        root = world.sees(name, fc(20 + number), drive, drive_sharing_site="basel")
        (root / name).write_text(f'{{"id": "{BACKUP1["id"]}", "key": 77}}')
    run = world.do("reservation", {**ask("fenced"), "drive": "{{ inventory_hostname | upper }}", "timeout": "{{ 2 if inventory_hostname == 'hang' else 60 }}"})
    said = {host: result.get("msg", "") for host, result in run.results.items()}
    fault("reservation-refused").seen_in(said["lie"], DRIVE="LIE", PORT=BACKUP2["id"], TEXT=f"0x{KEY:016x}")
    fault("reservation-unreadable").seen_in(said["junk"], DRIVE="JUNK")
    assert said["race"].startswith("Drive RACE is fenced: ")
    assert world.now("RACE").keys[world.now("RACE").holder] == OURS
    for name, words in {
        "junk": "its reservation cannot be read", "hang": "the drive did not answer in time", "refuse": "use become",
    }.items():
        assert words in said[name]
        assert world.now(name.upper()).actions == []


def test_only_a_holder_releases_and_a_drive_that_is_not_seen_is_left(world: World) -> None:
    drive = Drive("D1")
    drive.take(BACKUP1, KEY)
    world.sees("backup1", BACKUP1, drive)
    world.sees("backup2", BACKUP2, drive)
    world.sees("blind", fc(3))
    run = world.do("reservation", ask("released"), hosts="backup2:blind")
    fault("reservation-not-holder").seen_in(run.results["backup2"]["msg"], DRIVE="D1", PORT=BACKUP1["id"])
    fault("reservation-not-seen").seen_in(run.results["blind"]["msg"], DRIVE="D1", HOST="blind")
    assert world.do("reservation", ask("released"), hosts="backup1").status == 0
    assert (world.now("D1").holder, list(world.now("D1").keys.values())) == (None, [KEY])
    assert world.do("reservation", ask("cleared"), hosts="backup2").status == 0
    assert world.now("D1").keys == {}


@pytest.mark.parametrize("place", [0, 1])
def test_the_examples_of_the_page_end_a_reservation_of_their_kind(world: World, place: int) -> None:
    plays = yaml.safe_load(reservation.EXAMPLES)
    assert len(plays) == 2
    drive = Drive("1310211169")
    if place:
        assert drive.reserve6(BACKUP2)
    else:
        drive.take(BACKUP2, KEY)
    world.sees("backup1", BACKUP1, drive, drive_sharing_site="basel")
    playbook = world.directory / "example.yml"
    # A play in YAML's JSON form is still a play.
    playbook.write_text(json.dumps([plays[place]]))
    run = world.run(str(playbook))
    assert run.status == 0, run.output
    now = world.now(drive.serial)
    assert (now.holder, now.spc2) == (None, None)
    assert "changed=1" in run.output
