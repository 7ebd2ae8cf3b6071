# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks drive_status, drive_offline and drive_online, through real ansible-playbook on local hosts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ansible_collections.tapeworks.drive_sharing.tests.hosts import DRIVE, known_hosts
from demo.world import APPLICATION, DRIVES, HOSTS

A, B, C = HOSTS
OTHER = DRIVES[1]
NOBODY = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    """One world for a story: the tests go on from each other."""
    with known_hosts(tmp_path_factory.mktemp("maintenance") / "world") as world:
        (world.directory / "ansible.cfg").write_text("[defaults]\nshow_custom_stats = true\n", encoding="utf-8")
        yield world


def maintain(hosts, name, drives=DRIVE, *options, **given):
    given = {f"drive_sharing_maintenance_{key}": value for key, value in {"drives": drives, **given}.items()}
    return hosts.playbook(f"drive_{name}", "-e", json.dumps(given), *options)


def said(done):
    """What was printed, without line ends and the quotes of a list."""
    return " ".join(done.stdout.replace('",\n', "\n").replace(' "', " ").split())


def stats(done, name):
    """What set_stats gives to the next playbook of a workflow."""
    text = done.stdout.partition("CUSTOM STATS: ")[2].partition("RUN: ")[2].strip()
    return json.loads(text)[name]


def test_offline_in_two_of_three_instances_stays_through_a_change_and_its_release(hosts):
    dry = maintain(hosts, "offline", DRIVE, "--check", "--diff", instances="host_b, host_c", reason="new head")
    assert (dry.returncode, hosts.states(), hosts.records()) == (0, ["online"] * 3, {}), dry.stdout
    assert hosts.select("SELECT * FROM history WHERE kind = 'by_hand'") == []
    assert (dry.stdout.count("-online"), dry.stdout.count("+offline"), dry.stdout.count("would be set offline")) == (2, 2, 2), dry.stdout
    done = maintain(hosts, "offline", [DRIVE], instances=["host_b", "host_c"], reason="new head")
    assert (done.returncode, hosts.states()) == (0, ["online", "offline", "offline"]), done.stdout
    result = stats(done, "drive_maintenance_result")
    assert (result["state"], result["reason"], result["changed"], result["failures"]) == ("offline", "new head", True, [])
    assert [(one["host"], one["before"], one["state"], one["done"]) for one in result["drives"]] == [
        ("host_b", "online", "offline", True), ("host_c", "online", "offline", True),
    ]
    again = maintain(hosts, "offline", DRIVE, instances="host_b host_c", reason="new head")
    assert (again.returncode, stats(again, "drive_maintenance_result")["changed"]) == (0, False), again.stdout
    assert "changed: [" not in again.stdout
    for status, host in (("reserved", A), ("released", None)):
        played = hosts.play(hosts.change(status, host))
        assert (played.returncode, hosts.states()) == (0, ["online", "offline", "offline"]), played.stdout
    held = hosts.play(hosts.change("reserved", A))
    assert held.returncode == 0, held.stdout
    refused = maintain(hosts, "online", DRIVE)
    assert refused.returncode == 2
    assert (
        f"Drive {DRIVE} is reserved by fc {A.port} = host_a, so host_b and host_c would meet a reservation conflict; wait until it is released."
        " Nothing was set."
    ) in said(refused)
    assert hosts.states() == ["online", "offline", "offline"]


def test_the_status_shows_all_of_it_within_120_columns(hosts):
    hosts.connect(C, **NOBODY)
    try:
        done = hosts.playbook("drive_status")
    finally:
        hosts.connect(C)
    assert done.returncode == 0, done.stdout
    shown = done.stdout.partition("TASK [Show the drives]")[2].partition("TASK [")[0]
    assert max(map(len, shown.splitlines())) <= 120
    text = said(done)
    assert f"{DRIVE} reserved 2026-11-22 06:00 UTC fc {A.port} = host_a 3, confirmed" in text
    assert f"{DRIVE} host_a custom host_a online no no" in text
    assert f"{DRIVE} host_b custom host_b offline no no" in text
    assert f"{DRIVE} host_c custom host_c ? ? no" in text
    assert f"Drive {DRIVE} is offline in host_b until a person sets it online: set offline by hand: new head." in text
    assert f"Not known from host_c on host_c (drives {', '.join(DRIVES)}): unreachable:" in text
    found = stats(done, "drive_status_result")
    assert {one["host"]: one["age"] < 600 for one in found["facts"]} == {"host_a": True, "host_b": True, "host_c": True}
    [one] = [one for one in found["drives"] if one["drive"] == DRIVE]
    assert (one["holders"][0]["hosts"], one["settled"]) == (["host_a"], True)


def test_what_cannot_be_done_is_named_for_each_control_point_and_the_rest_is_done(hosts):
    assert hosts.play(hosts.change("released")).returncode == 0
    hosts.connect(C, **NOBODY)
    try:
        done = maintain(hosts, "online", DRIVE)
    finally:
        hosts.connect(C)
    assert (done.returncode, hosts.states()) == (2, ["online", "online", "offline"]), done.stdout
    failures = stats(done, "drive_maintenance_result")["failures"]
    assert len(failures) == 1
    assert failures[0].startswith(f"Drive {DRIVE} was not set online in host_c on host_c: the host could not be reached: Failed to connect"), failures
    subprocess.run([APPLICATION, "--state", hosts.state_of(A), "busy", A.names[OTHER], "JOB1"], check=True)
    done = maintain(hosts, "offline", f"{OTHER}\n{DRIVE}", reason="power off")
    assert (done.returncode, hosts.states(), hosts.states(OTHER)) == (2, ["offline"] * 3, ["online", "offline", "offline"]), done.stdout
    assert stats(done, "drive_maintenance_result")["failures"] == [
        f"Drive {OTHER} was not set offline in host_a on host_a: a job is running on the drive."
    ]


@pytest.mark.parametrize(("drives", "given", "sentence"), [
    ("NOT1 NOT2", {"instances": "host_a"}, "No application's host sees drives NOT1 and NOT2 by the drive table's associations: look at the number;"),
    (1310211169, {}, "drive_sharing_maintenance_drives must be a list of serial numbers in quotation marks, or a text with them, not 1310211169."),
])
def test_input_that_cannot_be_is_refused_in_one_sentence(hosts, drives, given, sentence):
    before = [hosts.states(), hosts.records()]
    done = maintain(hosts, "offline", drives, reason="x", **given)
    assert (done.returncode, sentence in said(done), "Nothing was set." in said(done)) == (2, True, True), done.stdout
    assert [hosts.states(), hosts.records()] == before
