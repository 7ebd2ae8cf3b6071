# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook reservation_change on local hosts, under what Ansible itself can do to it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.hosts import DRIVE, known_hosts

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.world import HOSTS

A, B, C = HOSTS


@pytest.fixture
def hosts(tmp_path):
    with known_hosts(tmp_path / "world") as world:
        yield world


@pytest.fixture
def open_hosts():
    """A world that other users can reach: pytest keeps its own folders to their owner, again and again."""
    with tempfile.TemporaryDirectory() as folder, known_hosts(Path(folder) / "world") as world:
        for path in (Path(folder), world.directory):
            path.chmod(0o711)
        yield world


def test_a_change_goes_there_and_back_through_an_inventory_without_localhost(hosts):
    done = hosts.play(hosts.change("reserved", A))
    assert (done.returncode, hosts.states()) == (0, ["online", "offline", "offline"]), done.stdout
    done = hosts.play(hosts.change("released"))
    assert (done.returncode, hosts.states()) == (0, ["online", "online", "online"]), done.stdout


def test_a_batch_that_is_done_touches_no_host_again(hosts):
    batch = hosts.change("reserved", A)
    hosts.play(batch)
    hosts.administrator(B, "online", DRIVE)
    done = hosts.play(batch)
    assert done.returncode == 0, done.stdout
    assert "Batch" in done.stdout or "skipping: no hosts matched" in done.stdout
    assert hosts.states() == ["online", "online", "offline"]


def test_check_mode_claims_nothing_sets_nothing_and_writes_no_record(hosts):
    batch = hosts.change("reserved", A)
    done = hosts.play(batch, "--check")
    assert (done.returncode, hosts.states(), hosts.records()) == (0, ["online"] * 3, {}), done.stdout
    assert hosts.drive(DRIVE)["claimed_sequence"] is None


def test_by_hand_in_check_mode_the_difference_is_shown_and_nothing_is_set(hosts):
    done = hosts.ad_hoc(B, {"state": "offline", "drives": [DRIVE]}, "--check", "--diff")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "-online" in done.stdout
    assert "+offline" in done.stdout
    assert (hosts.states(), hosts.records()) == (["online"] * 3, {})


def test_by_hand_the_second_time_changes_nothing(hosts):
    first = hosts.ad_hoc(B, {"state": "offline", "drives": [DRIVE]})
    second = hosts.ad_hoc(B, {"state": "offline", "drives": [DRIVE]})
    assert "CHANGED" in first.stdout, first.stdout + first.stderr
    assert "SUCCESS" in second.stdout, second.stdout + second.stderr
    assert hosts.states() == ["online", "offline", "online"]


def test_async_is_refused_in_one_sentence(hosts):
    done = hosts.ad_hoc(B, {"state": "offline", "drives": [DRIVE]}, "-B", "30", "-P", "1")
    assert done.returncode != 0
    assert "async" in done.stdout + done.stderr
    assert hosts.states() == ["online"] * 3


@pytest.mark.parametrize("command", ["list", "offline", "online"])
@pytest.mark.parametrize("seconds", [1, 2])
def test_a_task_time_out_at_any_moment_leaves_what_the_next_play_puts_right(hosts, command, seconds):
    if command == "online":
        hosts.play(hosts.change("reserved", A))
        batch, wanted = hosts.change("released"), ["online"] * 3
    else:
        batch, wanted = hosts.change("reserved", A), ["online", "offline", "offline"]
    hosts.behave(C, "slow 2", command)
    playbook = Path(__file__).resolve().parents[2] / "playbooks" / "reservation_change.yml"
    short = hosts.directory / "short.yml"
    plan = "\"{{ hostvars['localhost'].drive_sharing_plan.act_timeout | int }}\""
    source = playbook.read_text(encoding="utf-8")
    assert plan in source
    short.write_text(source.replace(plan, str(seconds)), encoding="utf-8")
    done = subprocess.run(
        ["ansible-playbook", "-i", str(hosts.inventory), str(short), "-e", f"drive_sharing_batch={batch}",
         "-e", '{"drive_sharing_error_on": []}'],
        cwd=hosts.directory, env=hosts.environment, capture_output=True, text=True, timeout=60, check=False,
    )
    hosts.behave(C, "ok", command)
    again = hosts.again()
    if again is not None:
        last = hosts.play(again)
        assert last.returncode == 0, done.stdout + last.stdout
    assert hosts.states() == wanted
    row = hosts.drive(DRIVE)
    assert row["settled"] == row["sequence"]
    record = next(text for path, text in hosts.records().items() if path.startswith("host_c/") and path.endswith(DRIVE))
    assert f'"taken":{"true" if command != "online" else "false"}' in record


HOSTILE = "{{ lookup('ansible.builtin.pipe', 'touch TRACE') }}"


@pytest.mark.parametrize("column", ["drive", "holders", "port", "status", "library", "detector", "observed_at"])
def test_templates_written_into_the_table_by_hand_are_harmless(hosts, column, tmp_path):
    batch = hosts.change("reserved", A)
    trace = tmp_path / "trace"
    hostile = HOSTILE.replace("TRACE", str(trace))
    value = json.dumps([{"protocol": "fc", "id": hostile}]) if column == "holders" else hostile
    with sqlite3.connect(hosts.table) as table:
        table.execute(f"UPDATE drives SET {column} = ? WHERE drive = ?", (value, DRIVE))
        if column == "drive":
            table.execute("UPDATE batch_drives SET drive = ?", (value,))
    table.close()
    done = hosts.play(batch)
    assert not trace.exists()
    assert "Traceback" not in done.stdout
    assert hosts.states() == ["online"] * 3, done.stdout


def test_a_locked_table_is_told_in_one_sentence_and_no_host_is_touched(hosts):
    batch = hosts.change("reserved", A)
    holder = sqlite3.connect(hosts.table, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    done = hosts.play(batch)
    holder.execute("ROLLBACK")
    holder.close()
    assert done.returncode != 0
    assert "locked by another process for more than 5 s; nothing was written" in " ".join(done.stdout.split())
    assert (hosts.states(), hosts.records()) == (["online"] * 3, {})
    assert hosts.play(batch).returncode == 0
    assert hosts.states() == ["online", "offline", "offline"]


def test_an_event_of_a_newer_version_is_refused_in_one_sentence(hosts):
    batch = hosts.change("reserved", A)
    event = {"ansible_eda": {"event": {"reservation_change": {"version": 2, "batch": batch}}}}
    done = hosts.playbook("reservation_change", "-e", json.dumps(event))
    assert done.returncode != 0
    assert f"The event of batch {batch} has version 2, and this collection knows 1; nothing was done." in done.stdout
    assert (hosts.states(), hosts.records()) == (["online"] * 3, {})
    event["ansible_eda"]["event"]["reservation_change"]["version"] = 1
    assert hosts.playbook("reservation_change", "-e", json.dumps(event)).returncode == 0
    assert hosts.states() == ["online", "offline", "offline"]


def test_few_forks_are_reported(hosts):
    done = hosts.play(hosts.change("reserved", A), "--forks", "1")
    assert "forks is 1, but 3 control points are asked at once" in " ".join(done.stdout.split()), done.stdout
    assert hosts.states() == ["online", "offline", "offline"]


def test_a_host_that_left_the_inventory_and_one_without_facts_are_named(hosts):
    (hosts.inventory / "hosts.yml").write_text(
        json.dumps({
            "drive_sharing": {"hosts": {"host_a": {}, "host_b": {}, "host_d": {}}},
            "tape_libraries": {"hosts": {"library_1": {}}},
        }),
        encoding="utf-8",
    )
    done = hosts.play(hosts.change("reserved", A))
    said = " ".join(done.stdout.split())
    assert "Host host_c of the associations is not in the inventory" in said, done.stdout
    assert "Facts missing: nothing is known of the drives and ports of host_d" in said, done.stdout
    assert hosts.states() == ["online", "offline", "online"]


def test_in_observe_mode_nothing_is_touched_and_the_history_says_so(hosts):
    done = hosts.play(hosts.change("reserved", A), "-e", "drive_sharing_mode=observe")
    assert done.returncode == 0, done.stdout
    assert (hosts.states(), hosts.records()) == (["online"] * 3, {})
    messages = [row["message"] for row in hosts.select("SELECT message FROM history WHERE kind = 'answer'")]
    assert sum("would be set offline, but nothing was set" in message for message in messages) == 2, messages


def test_a_drive_that_is_shared_no_more_is_given_back_on_release(hosts):
    hosts.play(hosts.change("reserved", A))
    for host in (B, C):
        hosts.connect(host, drive_sharing_managed=False)
    assert hosts.playbook("host_facts").returncode == 0
    batch = hosts.change("released")
    assert hosts.play(batch).returncode == 0
    assert hosts.states() == ["online"] * 3


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("sudo"), reason="needs root and sudo to become somebody else")
@pytest.mark.parametrize("method", ["sudo", "su"])
def test_with_become_the_application_and_the_records_belong_to_the_other_user(open_hosts, method):
    hosts = open_hosts
    flags = {"sudo": "-H -S -n", "su": "-s /bin/sh"}[method]  # nobody has no shell to log in with
    home = hosts.directory / "host_b"
    home.chmod(0o755)
    shutil.chown(home, "nobody")
    for path in home.rglob("*"):
        shutil.chown(path, "nobody")
    hosts.connect(
        B, ansible_become=True, ansible_become_user="nobody", ansible_become_method=f"ansible.builtin.{method}",
        ansible_become_flags=flags,
    )
    done = hosts.play(hosts.change("reserved", A))
    assert (done.returncode, hosts.states()) == (0, ["online", "offline", "offline"]), done.stdout
    record = next(path for path in hosts.records() if path.startswith("host_b/"))
    assert (hosts.directory / record).owner() == "nobody"
