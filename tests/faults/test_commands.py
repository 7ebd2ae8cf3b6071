# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applications whose commands do not do what they are told: at the query, and at the set; in two plays at the same time.

The tests are the chapters of one story, so they run in this order.
"""

from __future__ import annotations

import json
import os
import signal

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.faults.conftest import Faults, hosts_of
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import known_hosts

# Not more than three of each: of more, the play tells in one sentence.
QUERY = ("missing", "forbidden", "failing"), ("junk", "megabytes", "endless"), ("hanging",)
SET = ("refusing", "killed", "lying"), ("stuck",)
OBEYING = ("denying", "chatty", "babbling")
HOSTS = hosts_of(*QUERY, *SET, OBEYING)
BEHAVIOURS = {
    "list": {"failing": "refuse", "junk": "junk", "megabytes": "flood 50", "endless": "flood 0", "hanging": "hang"},
    "offline": {
        "refusing": "refuse", "killed": "wait", "lying": "lie", "stuck": "hang",
        "denying": "deny", "chatty": "flood 50", "babbling": "junk",
    },
}
OWED = ("-e", json.dumps({"drive_sharing_error_on": []}))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with known_hosts(tmp_path_factory.mktemp("commands") / "world", Faults, hosts=HOSTS, handshake=4) as world:
        for name, program in {"missing": "gone", "forbidden": "forbidden"}.items():
            state = world.state_of(world.host[name])
            world.connect(world.host[name], application_custom_query_command=[str(state / program), "list"])
        (world.state_of(world.host["forbidden"]) / "forbidden").write_text("#!/bin/sh\n")
        for command, behaviours in BEHAVIOURS.items():
            for name, text in behaviours.items():
                world.behave(world.host[name], text, command)
        yield world


@pytest.fixture(scope="module")
def both(world):
    """Two plays: the drives of hosts whose query fails, with the calm one; and those of hosts whose set fails."""
    first, second = [*world.drives[: len(QUERY)], world.calm], world.drives[len(QUERY) :]
    batches = [world.change("reserved", world.holder, drives) for drives in (first, second)]
    killed = world.host["killed"]
    with world.playing(batches[0], *OWED) as one, world.playing(batches[1], *OWED) as other:
        world.until(lambda: world.called("killed", "offline"), "the command that is to be killed runs")
        for pid in world.processes("offline", *killed.names.values()):
            os.kill(pid, signal.SIGKILL)
        return one(), other()


@pytest.fixture(scope="module")
def query(both):
    return both[0]


@pytest.fixture(scope="module")
def sets(both):
    return both[1]


def test_a_command_that_is_missing_is_named(query):
    fault("command-missing").seen_in(query.texts, HOST="host_missing")


def test_a_command_that_may_not_be_run_is_named(query):
    fault("command-not-executable").seen_in(query.texts, HOST="host_forbidden")


def test_a_query_that_fails_is_told_with_its_words(query):
    fault("query-fails").seen_in(query.texts, HOST="host_failing")


def test_a_query_that_prints_junk_says_nothing_of_a_drive_and_is_not_templated(query):
    fault("query-junk").seen_in(query.texts, HOST="host_junk")
    assert "{{ 7 * 7 }}" in query.play
    assert "\x1b" not in query.play


def test_a_query_that_prints_megabytes_is_not_read(query):
    fault("query-megabytes").seen_in(query.texts, HOST="host_megabytes")


def test_a_query_that_prints_without_end_is_stopped_in_time(query, world):
    fault("query-endless").seen_in(query.texts, HOST="host_endless")
    assert world.processes("list", str(world.state_of(world.host["endless"]))) == []


def test_a_query_that_hangs_is_stopped_in_time(query, world):
    fault("query-hangs").seen_in(query.texts, HOST="host_hanging")
    assert world.processes("list", str(world.state_of(world.host["hanging"]))) == []


def test_a_set_that_is_refused_is_told_with_its_words(sets):
    fault("set-fails").seen_in(sets.texts, HOST="host_refusing")


def test_a_set_whose_command_is_killed_half_way_is_no_confirmation(sets):
    fault("set-killed").seen_in(sets.texts, HOST="host_killed")


def test_a_set_that_says_yes_and_does_nothing_is_found_out(sets):
    fault("set-lies").seen_in(sets.texts, HOST="host_lying")


def test_a_set_that_hangs_is_stopped_in_time(sets, world):
    fault("set-hangs").seen_in(sets.texts, HOST="host_stuck")
    assert world.processes("offline", *world.host["stuck"].names.values()) == []


def test_what_was_done_counts_and_not_what_was_said(sets, world):
    drive = world.drives[-1]
    fault("set-denies").seen_in(sets.texts, DRIVE=drive)
    assert (sets.drives[drive]["settled_why"], {sets.states[(f"host_{name}", drive)] for name in OBEYING}) == (
        "confirmed", {"offline"}
    )
    assert "host_denying: offline.\n" in sets.table


def test_nobody_else_is_delayed_and_what_is_missing_is_owed(query, sets, world):
    world.others_were_in_time(sets, before=["hanging", "stuck", "endless"])
    faulty = [host for host in world.faulty if host.name.removeprefix("host_") not in OBEYING]
    assert set(sets.owed) == {(host.name, drive) for host in faulty for drive in host.names}
    assert {sets.states[key] for key in sets.owed} == {"online"}
    assert {row["error_state"] for row in sets.drives.values()} == {""}
    for seen in (query, sets):
        fault("owed").seen_in(seen.texts)
        assert seen.returncode != 0


def test_when_the_applications_obey_again_the_next_play_puts_everything_right(both, world):
    for name in ("missing", "forbidden"):
        world.connect(world.host[name])
    for command, behaviours in BEHAVIOURS.items():
        for name in behaviours:
            world.behave(world.host[name], "ok", command)
    world.all_is_right(world.played(world.again(), *OWED))
    assert all('"taken":true' in text for path, text in world.records().items() if not path.startswith("host_a/"))
    world.all_is_right(world.played(world.change("released", drives=list(world.holder.names)), *OWED), "online")
