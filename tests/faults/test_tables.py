# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drive table is lost, old, locked, full, read-only, or not the only one; the records on the hosts are what they are."""

from __future__ import annotations

import contextlib
import resource
import shutil
import sqlite3
import subprocess
import sys
import time

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _store
from ansible_collections.tapeworks.drive_sharing.tests.faults.kill_points.world import EVERY, LIMIT, A, B, C, killed
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import DRIVE

OFF = ["online", "offline", "offline"]
ON = ["online"] * 3


@pytest.fixture(scope="module")
def tables_world(tmp_path_factory):
    with killed(tmp_path_factory.mktemp("tables") / "world") as world:
        yield world


@pytest.fixture
def world(tables_world):
    tables_world.begin_anew()
    return tables_world


def running(world):
    """The source runs and takes informs."""
    world.start_source()
    world.wait_for_source()


def settled(world):
    """The source's events are played until nothing is left to do."""
    world.wait("everything is settled", lambda: world.acknowledged() and world.is_settled(), LIMIT, "source")


def told(world, status, host):
    """The library tells of a change; it is acknowledged and settled."""
    (world.reserve if status == "reserved" else world.release)(host, DRIVE)
    settled(world)


def lost(world):
    for path in world.directory.glob(f"{world.table.name}*"):
        path.unlink()


@pytest.mark.parametrize(
    ("status", "when"),
    [("released", "while the source runs"), ("reserved", "while it is stopped")]
    + [("reserved", "while the source runs"), ("released", "while it is stopped")] * EVERY,
)
def test_a_table_that_was_deleted_is_made_anew_and_goes_past_the_records(world, status, when):
    running(world)
    told(world, "reserved", A)
    told(world, "released", A)
    told(world, "reserved", A)
    if when == "while it is stopped":
        world.stop("source")
    lost(world)
    if when == "while it is stopped":
        running(world)
    world.release(A, DRIVE)
    if status == "reserved":
        world.reserve(B, DRIVE)
    settled(world)
    assert world.states() == OFF, "without facts nobody can be asked"
    assert world.begin("host_facts").wait().status == 0, world.told()
    settled(world)
    world.wait("the log says so", lambda: "a record was at change" in world.log("source"), LIMIT, "source")
    fault("table-deleted").seen_in({"log": world.log("source")}, DRIVE=DRIVE)
    assert world.states() == (ON if status == "released" else ["offline", "online", "offline"])
    assert {world.record(host).sequence for host in (A, B, C)} == {world.drive(DRIVE)["sequence"]}
    if status == "reserved":
        told(world, "released", B)
        assert world.states() == ON


def test_a_table_that_was_put_back_from_an_old_backup_has_to_be_told_the_truth_and_goes_past_the_records(world):
    running(world)
    told(world, "reserved", A)
    backup = world.directory / "backup.sqlite"
    with contextlib.closing(sqlite3.connect(world.table)) as table, contextlib.closing(sqlite3.connect(backup)) as copy:
        table.backup(copy)
    told(world, "released", A)
    told(world, "reserved", B)
    world.stop("source")
    lost(world)
    shutil.copyfile(backup, world.table)
    world.table.chmod(0o600)
    assert (world.drive(DRIVE)["sequence"], world.record(B).sequence) == (1, 3)
    running(world)
    told(world, "released", B)
    assert world.states() == ["offline", "online", "offline"], "the old table takes A for the holder"
    recorded = {"tapeworks.drive_sharing.drive_table": {"state": "recorded", "drive": DRIVE, "status": "released"}}
    assert world.begin(world.task("localhost", recorded)).wait().status == 0, world.told()
    settled(world)
    world.wait("the log says so", lambda: "a record was at change" in world.log("source"), LIMIT, "source")
    fault("table-restored").seen_in({"log": world.log("source")}, DRIVE=DRIVE)
    assert world.states() == ON
    assert {world.record(host).sequence for host in (A, B, C)} == {world.drive(DRIVE)["sequence"]}


@contextlib.contextmanager
def locked(world):
    """Another process writes to the table, and comes to no end."""
    with contextlib.closing(sqlite3.connect(world.table, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_table_that_another_process_has_locked_is_named_and_everything_is_done_afterwards(world):
    running(world)
    for host in (B, C):
        world.behave(host, "slow 1", "offline")
    world.reserve(A, DRIVE)
    world.wait("the play is at work", lambda: world.run_events() is None or (world.sets(B) and world.sets(C)), LIMIT, "source")
    began = time.monotonic()
    with locked(world):
        world.release(A, DRIVE)
        world.plays[0].wait()
        world.wait("the source has said so", lambda: "are not answered" in world.log("source"), LIMIT, "source")
        if EVERY:
            time.sleep(max(0.0, began + 20 - time.monotonic()))
        assert not world.acknowledged()
    settled(world)
    fault("table-locked").seen_in({"log": world.log("source"), "play": world.plays[0].said}, FILE=world.table)
    world.changes = ["reserved", "released"]
    world.check(ON)


def test_a_table_whose_file_cannot_grow_is_named_and_everything_is_done_afterwards(world):
    running(world)
    told(world, "reserved", A)
    pid = world.pid("source")
    # More than the source's log has; the table's own log is longer.
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (16384, resource.RLIM_INFINITY))
    world.release(A, DRIVE)
    world.wait("the source has said so", lambda: "are not answered" in world.log("source"), LIMIT, "source")
    assert not world.acknowledged()
    fault("table-file-limit").seen_in({"log": world.log("source")})
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    settled(world)
    world.changes = ["reserved", "released"]
    world.check(ON)


#: Runs the words that come after the directory, the table and "rw" or "ro" where that directory is a small file system.
SMALL = """
mount -t tmpfs -o size=8m none "$1" && cp "$2" "$1/table.sqlite" && mount -o "remount,$3" "$1" && shift 3 && exec "$@"
"""
can_mount = pytest.mark.skipif(
    not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0,
    reason="this machine lets nobody mount a file system of his own (unshare -rm)",
)


def on_a_small_file_system(world, mode):
    """Start the source on a file system that only it sees; gives the directory."""
    small = world.directory / "small"
    small.mkdir(exist_ok=True)
    before = ["unshare", "-rm", "sh", "-c", SMALL, "sh", small, world.table, mode]
    world.start_source(*before, table=small / "table.sqlite")
    return small


def inside(world, *words):
    """Run something where the source is; gives what it prints."""
    where = ["nsenter", "-t", str(world.pid("source")), "-U", "-m", "--preserve-credentials"]
    return subprocess.run([*where, *words], check=True, capture_output=True, text=True).stdout


STATUS = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT status FROM drives').fetchall())"


@can_mount
def test_a_full_disk_under_the_table_is_named_and_nothing_is_acknowledged_until_there_is_room(world):
    small = on_a_small_file_system(world, "rw")
    world.wait_for_source()
    inside(world, "sh", "-c", 'cat /dev/zero >"$1" 2>/dev/null || :', "sh", small / "filler")
    world.reserve(A, DRIVE)
    world.wait("the source has said so", lambda: "are not answered" in world.log("source"), LIMIT, "source")
    assert not world.acknowledged()
    fault("table-disk-full").seen_in({"log": world.log("source")})
    inside(world, "rm", small / "filler")
    world.wait("the inform is acknowledged", world.acknowledged, LIMIT, "source")
    assert "reserved" in inside(world, sys.executable, "-c", STATUS, small / "table.sqlite")


@can_mount
def test_a_table_on_a_read_only_file_system_is_named_and_nothing_is_acknowledged_until_it_can_be_written(world):
    small = on_a_small_file_system(world, "ro")
    world.reserve(A, DRIVE)
    world.wait("the source has said so", lambda: "tries again" in world.log("source"), LIMIT, "source")
    assert not world.acknowledged()
    fault("table-read-only").seen_in({"log": world.log("source")}, FILE=small / "table.sqlite")
    inside(world, "mount", "-o", "remount,rw", small)
    world.wait("the inform is acknowledged", world.acknowledged, LIMIT, "source")
    assert "reserved" in inside(world, sys.executable, "-c", STATUS, small / "table.sqlite")


def test_the_controller_of_another_site_is_refused_and_changes_nothing(world):
    for status in ("reserved", "released"):
        world.under_way(status)
        world.settle()
    records = world.records()
    with world.another_controller("south"):
        world.tell("reserved", A)
        play = world.one_play()
        fault("other-site").seen_in({"play": play.said}, DRIVE=DRIVE, SITE="south")
        assert world.drive(DRIVE)["error_state"] == ""
        assert world.drive(DRIVE)["settled"] == 0, "it stays owed"
    assert (world.states(), world.records(), world.in_error()) == (ON, records, False)
    world.tell("reserved", A)
    world.settle()
    world.check(OFF)


def test_two_controllers_of_one_site_with_a_table_each_set_nothing_twice_as_long_as_they_hear_the_same(world):
    site = _store.open_store(str(world.table)).site
    for status in ("reserved", "released", "reserved"):
        world.under_way(status)
        world.settle()
    with world.another_controller(site):
        world.tell("reserved", A)
        world.settle()
        fault("two-tables").seen_in({"table": world.history()}, DRIVE=DRIVE)
        assert world.drive(DRIVE)["sequence"] > 3
    world.tell("released")
    world.settle()
    with world.another_controller(site):
        world.tell("released")
        world.settle()
    assert world.states() == ON
    assert world.sets(B) == world.sets(C) == ["offline", "online", "offline", "online"]
