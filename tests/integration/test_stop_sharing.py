# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks stop_sharing and start_sharing on local hosts."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _changes, _store
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._change import Observation
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hosts import DRIVE, HOSTS, known_hosts

A, B, C = HOSTS
ALL = ["online"] * 3
TAKEN = ["online", "offline", "offline"]


@pytest.fixture
def taken(tmp_path):
    """Host a has the drive, and it is offline in the others."""
    with known_hosts(tmp_path / "world") as world:
        world.play(world.change("reserved", A))
        assert world.states() == TAKEN
        yield world


def stop(world, *options, **variables):
    return world.playbook("stop_sharing", "-e", json.dumps(variables), *options)


def released_unheard(world):
    """Write a release that no play gets to see."""
    store = _store.open_store(str(world.table))
    with store.write() as tx:
        _changes.record(tx, [Observation(DRIVE, "released", (), "2026-11-22T06:01:00.000000+00:00", "manual")], time.time())
    store.close()


def test_what_nobody_holds_is_given_back_and_nothing_is_taken_until_sharing_is_started_again(taken):
    released_unheard(taken)
    done = stop(taken)
    assert (done.returncode, taken.states()) == (0, ALL), done.stdout
    taken.administrator(C, "offline", DRIVE)
    done = taken.play(taken.change("reserved", A))
    assert (done.returncode, taken.states()) == (0, ["online", "online", "offline"]), done.stdout
    done = taken.playbook("start_sharing")
    assert done.returncode == 0, done.stdout
    done = taken.play(taken.again())
    assert (done.returncode, taken.states()) == (0, TAKEN), done.stdout
    done = taken.play(taken.change("released"))
    assert (done.returncode, taken.states()) == (0, ["online", "online", "offline"]), "what C's administrator did stays"


def test_what_others_hold_stays_is_named_and_is_given_back_on_release(taken):
    done = stop(taken)
    assert (done.returncode, taken.states()) == (0, TAKEN), done.stdout
    fault("stopped-held").seen_in(done.stdout.replace('\\"', '"'), DRIVE=DRIVE, TEXT="host_b, host_c")
    done = taken.play(taken.change("released"))
    assert (done.returncode, taken.states()) == (0, ALL), done.stdout


def test_what_a_person_knows_to_be_free_is_given_back_even_in_observe_mode(taken):
    done = stop(taken, drive_sharing_free=[DRIVE], drive_sharing_mode="observe")
    assert (done.returncode, taken.states()) == (0, ALL), done.stdout


def test_check_mode_stops_nothing(taken):
    released_unheard(taken)
    before = taken.records()
    done = stop(taken, "--check")
    assert (done.returncode, taken.states(), taken.records()) == (0, TAKEN, before), done.stdout
    assert taken.select("SELECT * FROM meta WHERE key = 'sharing_stopped'") == []


def test_without_the_drive_table_the_records_of_one_host_are_enough(taken):
    for path in taken.directory.glob("table.sqlite*"):
        path.unlink()
    done = stop(taken, "--limit", B.name, drive_sharing_without_table=True)
    assert (done.returncode, taken.states()) == (0, TAKEN), done.stdout
    fault("controller-gone").seen_in(done.stdout.replace('\\"', '"'), DRIVE=DRIVE, INSTANCE="host_b")
    done = stop(taken, "--limit", B.name, "--check", drive_sharing_without_table=True, drive_sharing_free="all")
    assert (done.returncode, taken.states()) == (0, TAKEN), done.stdout
    done = stop(taken, "--limit", B.name, drive_sharing_without_table=True, drive_sharing_free=[DRIVE])
    assert (done.returncode, taken.states()) == (0, ["online", "online", "offline"]), done.stdout
    again = stop(taken, "--limit", B.name, drive_sharing_without_table=True, drive_sharing_free="all")
    assert (again.returncode, "changed=0" in again.stdout) == (0, True), again.stdout
    assert not taken.table.exists()
