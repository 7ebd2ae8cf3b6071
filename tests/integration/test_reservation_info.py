# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module reservation_info, through real ansible-playbook, against simulated drives behind the command lines of sg3-utils."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.integration.scsi_world import World
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.simulated_drive import RESET, Drive, fc

KEY = 0x40000000C0A8010B
CONTROLLER, BACKUP1, BACKUP2 = fc(100), fc(1), fc(2)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def entry(result: dict[str, Any], drive: str) -> dict[str, Any]:
    [found] = [one for one in result["drives"] if one["drive"] == drive]
    return found


def test_what_drives_tell_is_named_by_host_and_instance(world: World) -> None:
    free, held, reserved, cut = Drive("FREE1"), Drive("HELD1"), Drive("SPC21"), Drive("MANY1")
    held.take(BACKUP1, KEY)
    held.attentions = {("fc", CONTROLLER["id"]): [RESET]}
    assert reserved.reserve6(BACKUP2)
    # More registrants than the first request has room for.
    for number in range(200):
        cut.register(fc(1000 + number), 7)
    assert cut.reserve(fc(1007))
    world.sees("controller", CONTROLLER, free, held, reserved, cut)
    world.sees("backup1", BACKUP1, held, drive_sharing_applications=[{"application": "custom", "instance": "nightly"}])
    assert world.do("host_facts", {}, hosts="backup1").status == 0
    run = world.do("reservation_info", {"drives": ["FREE1", "HELD1", "SPC21", "MANY1", "ELSEWHERE"]}, hosts="controller")
    assert run.status == 0, run.output
    result = run.results["controller"]
    assert [(one["drive"], one["state"]) for one in result["drives"]] == [
        ("ELSEWHERE", "unknown"), ("FREE1", "free"), ("HELD1", "persistent"), ("MANY1", "persistent"), ("SPC21", "spc2"),
    ]
    one = entry(result, "HELD1")
    assert one["holders"] == [{**BACKUP1, "hosts": ["backup1"], "instances": ["nightly"]}]
    assert one["registrants"] == [
        {**BACKUP1, "hosts": ["backup1"], "instances": ["nightly"], "holder": True, "key": f"0x{KEY:x}",
         "name": f"fc {BACKUP1['id']}", "target_port": 1}
    ]
    assert (one["type"], one["generation"], one["fenced"], one["device"]) == ("exclusive access", 1, False, "/dev/sg1")
    assert [(port["id"], port["hosts"]) for port in entry(result, "MANY1")["holders"]] == [(fc(1007)["id"], [])]
    assert len(entry(result, "MANY1")["registrants"]) == 200
    assert entry(result, "SPC21")["holders"] == [{"protocol": None, "id": None, "hosts": [], "instances": []}]
    assert entry(result, "ELSEWHERE")["why"] == "controller does not see this drive"
    assert not result["changed"]
    assert {words[0] for words in world.log("controller")} == {"sg_raw"}
    assert {words[words.index("/dev/sg1") + 1] for words in world.log("controller") if "/dev/sg1" in words} == {"12", "5e"}


def test_stand_ins_that_refuse_hang_or_print_junk_leave_the_state_unknown(world: World) -> None:
    drive = Drive("D1")
    drive.take(BACKUP1)
    for number, kind in enumerate(("refuse", "hang", "junk", "other")):
        root = world.sees(kind, fc(10 + number), drive)
        (root / kind).touch()
    # The device file leads to another drive by now.
    other = Drive("D2")
    world.drive(other)
    nodes = world.directory / "hosts/other/host.json"
    nodes.write_text(nodes.read_text().replace("D1", "D2"))
    run = world.do("reservation_info", {"timeout": "{{ 2 if inventory_hostname == 'hang' else 60 }}"})
    assert run.status == 0, run.output
    why = {host: entry(result, "D1")["why"] for host, result in run.results.items()}
    assert {entry(result, "D1")["state"] for result in run.results.values()} == {"unknown"}
    assert "may not be opened by this user; use become" in why["refuse"]
    assert "the drive did not answer in time" in why["hang"]
    assert "more than a drive can answer" in why["junk"]
    assert why["other"] == "/dev/sg0 is drive D2 by now"


def test_the_holder_of_an_spc_2_reservation_is_the_one_that_is_not_refused(world: World) -> None:
    drive, busy = Drive("D1"), Drive("D2")
    assert drive.reserve6(BACKUP2)
    assert busy.reserve6(BACKUP1)
    world.sees("backup1", BACKUP1, drive, busy)
    world.sees("backup2", BACKUP2, drive, busy)
    (world.directory / "hosts/backup1/open").write_text(
        "/proc/1/fd:\nlrwx------ 1 root root 64 Nov 23 10:00 3 -> /dev/nst1\n"
    )
    (world.directory / "hosts/backup2/open").write_text("/proc/1/fd:\nlrwx------ 1 root root 64 Nov 23 10:00 3 -> /dev/null\n")
    gathered = world.do("reservation_info", {"find_holder": True})
    assert gathered.status == 0, gathered.output
    assert entry(gathered.results["backup1"], "D1")["paths"] == [{"device": "/dev/sg0", "port": BACKUP1, "answer": "conflict"}]
    assert entry(gathered.results["backup2"], "D1")["paths"] == [{"device": "/dev/sg0", "port": BACKUP2, "answer": "works"}]
    used = entry(gathered.results["backup1"], "D2")
    assert used["paths"][0]["answer"] == "not asked"
    assert len(used["open"]) == 1
    asked = [words for words in world.log("backup1") if words[-6:] == ["00"] * 6]
    assert [words[-7] for words in asked] == ["/dev/sg0"], "no TEST UNIT READY where somebody has the drive open"
    run = world.do("reservation_info", {"evidence": gathered.results}, hosts="backup1")
    told = run.results["backup1"]["drives"]
    assert [(one["drive"], one["holder_host"], one["holder_port"]) for one in told] == [
        ("D1", "backup2", BACKUP2), ("D2", "backup1", BACKUP1),
    ]
    assert told[0]["message"] == "backup2 holds drive D1: through /dev/sg0 alone the drive answers without a conflict."
    json.dumps(told)


def test_who_may_not_see_open_files_sends_nothing_that_could_disturb(world: World) -> None:
    drive = Drive("D1")
    assert drive.reserve6(BACKUP2)
    root = world.sees("backup1", BACKUP1, drive)
    (root / "nobody").touch()
    run = world.do("reservation_info", {"find_holder": True})
    one = entry(run.results["backup1"], "D1")
    assert one["open"] is None
    assert one["paths"][0]["answer"] == "not asked"
    assert not [words for words in world.log("backup1") if words[-6:] == ["00"] * 6]
