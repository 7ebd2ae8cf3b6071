# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policies, each with a story: the real playbook and drive table, the dispatcher's own looks at it, the demo's applications."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from socket import SOCK_STREAM

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _alerts, _dispatcher, _store
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._change import Observation
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._changes import record
from ansible_collections.tapeworks.drive_sharing.tests.faults.many_hosts import DRIVES as HUNDRED
from ansible_collections.tapeworks.drive_sharing.tests.faults.many_hosts import HOSTS as TWENTY
from ansible_collections.tapeworks.drive_sharing.tests.faults.many_hosts import ManyHosts
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import Hosts, known_hosts

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.story import messages
from demo.world import APPLICATION, DRIVES, HOSTS, free_port

A, B, C = HOSTS
FIRST, SECOND = DRIVES
HANG = "the query did not end in time and was stopped"


class Site(Hosts):
    """The demo's hosts under the real dispatcher; the test runs the plays that it asks for."""

    def prepare(self):
        super().prepare()
        self.start_library(send=False)
        self.ahead, self.store = 0.0, None
        self.given = (self.inventory / "group_vars" / "all.yml").read_text(encoding="utf-8")

    def policies(self, **variables):
        """Have an administrator write these policies into the inventory, for all."""
        lines = [f"drive_sharing_{name}: {json.dumps(value)}\n" for name, value in variables.items()]
        (self.inventory / "group_vars" / "all.yml").write_text(self.given + "".join(lines), encoding="utf-8")

    def see(self, status, drive, *holders):
        """Write what a detector saw."""
        store = _store.open_store(str(self.table))
        ports = tuple(host.holder for host in holders)
        with store.write() as tx:
            record(tx, [Observation(drive, status, ports, "2026-11-22T06:00:34.567890+00:00", "manual")], time.time())
        store.close()

    def dispatch(self, ahead=0.0):
        """Let the dispatcher look at the table, with a clock that is so much ahead."""
        self.store = self.store or _store.open_store(str(self.table))
        self.ahead = ahead
        step = self.dispatcher.step(self.store)
        self.emitted += step.emit
        self.log += [message for _level, message in step.messages]

    def run(self, *options):
        """Play what is due; gives what the plays printed."""
        self.dispatch()
        batches, self.emitted = self.emitted, []
        plays = [self.play(batch, *options) for batch in batches]
        assert plays, "nothing is due"
        assert not [done for done in plays if "Traceback" in done.stdout]
        self.dispatch()
        self.dispatch(_alerts.HOLD)
        return "".join(done.stdout for done in plays)

    def later(self, seconds):
        """Let time pass: all that is to be done at some time is to be done so much sooner."""
        with closing(sqlite3.connect(self.table, timeout=5, isolation_level=None)) as table:
            for statement in ("drives SET due = due - ?", "drives SET recheck_at = recheck_at - ?",
                              "answers SET recheck_at = recheck_at - ?", "forced SET at = at - ?"):
                table.execute(f"UPDATE {statement}", (seconds,))

    def shown(self, drive):
        """What every application keeps of the drive, as a word with a letter for each: - is offline."""
        return "".join(
            host.name[-1] if (self.state_of(host) / "drives" / host.names[drive] / "state").read_text().strip() == "online" else "-"
            for host in HOSTS
        )

    def commands(self):
        """The words with which the applications were called."""
        return {
            line.split()[1] for host in HOSTS
            for line in (self.state_of(host) / "calls").read_text(encoding="utf-8").splitlines()
        }

    def job(self, host, drive, name=""):
        """Begin a job on a drive in a host's application, or end the one that runs."""
        path = self.state_of(host) / "drives" / host.names[drive] / "job"
        path.write_text(f"{name or '-'}\n", encoding="utf-8")

    def history(self, kind=""):
        """The history's sentences."""
        return "\n".join(row["message"] for row in self.select("SELECT message FROM history WHERE kind LIKE ? ORDER BY id", kind or "%"))

    def in_error(self):
        """The drives that the library has in their error state."""
        return [serial for serial in DRIVES if self.library("GET", f"/drives/{serial}")["error"]]

    def settled(self, drive):
        row = self.drive(drive)
        return row["settled"] >= row["sequence"] and row["due"] is None

    def hang(self, host):
        """Let a host's application hang; it has little time, so that nobody waits for it."""
        self.behave(host, "hang")
        self.connect(host, drive_sharing_handshake_timeout=1)

    def mend(self, host):
        """Let a host's application obey again."""
        self.behave(host, "ok")
        self.connect(host)

    def reset(self):
        """Begin anew: every drive online everywhere, no job, no record, nothing in the table but who sees what."""
        self.policies()
        for host in HOSTS:
            for path in self.state_of(host).glob("behaviour*"):
                path.unlink()
            self.mend(host)
            (self.state_of(host) / "calls").write_text("", encoding="utf-8")
            shutil.rmtree(self.directory / host.name / "records", ignore_errors=True)
            for name in {path.name for path in (self.state_of(host) / "drives").iterdir()} - set(host.names.values()):
                shutil.rmtree(self.state_of(host) / "drives" / name)
            for drive in DRIVES:
                self.job(host, drive)
                (self.state_of(host) / "drives" / host.names[drive] / "state").write_text("online\n", encoding="utf-8")
        for drive in DRIVES:
            self.library("PUT", f"/drives/{drive}/error", {"error": False, "reason": ""})
        with closing(sqlite3.connect(self.table, timeout=5, isolation_level=None)) as table:
            for name in ("drives", "answers", "batches", "batch_drives", "forced", "history"):
                table.execute(f"DELETE FROM {name}")
        self.dispatcher = _dispatcher.Dispatcher(
            None, None, _dispatcher.Options(), lambda: time.time() + self.ahead, lambda: time.monotonic() + self.ahead
        )
        self.log, self.emitted = [], []
        self.dispatch()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with known_hosts(tmp_path_factory.mktemp("policies") / "world", kind=Site, handshake=20) as site:
        yield site


@pytest.fixture
def site(made):
    """The site with nothing reserved, owed or forced, and every policy at its default."""
    made.reset()
    return made


def test_observing_touches_nothing_and_enforcing_begins_with_what_is_reserved_then(site):
    site.policies(mode="observe")
    # In the morning a reserves the first drive.
    site.see("reserved", FIRST, A)
    site.run()
    # A job runs at b on the second drive, c does not answer, when a reserves that too.
    site.job(B, SECOND, "nightly")
    site.hang(C)
    site.see("reserved", SECOND, A)
    silent = site.run()
    assert f"was not confirmed by host_c: {HANG}; it is owed and asked again." in " ".join(silent.split())
    # c answers again, and the job ends.
    site.mend(C)
    site.job(B, SECOND)
    site.later(8)
    site.run()
    # b has the first drive in the evening.
    site.see("released", FIRST)
    site.see("reserved", FIRST, B)
    site.run()
    fault("observe").seen_in({"table": site.history("answer")})
    would = [row["host"] for row in site.select("SELECT host FROM history WHERE message LIKE '%would be set offline, but nothing was set%'")]
    assert sorted(would) == ["host_a", "host_b", "host_b", "host_c", "host_c", "host_c"]
    assert (site.shown(FIRST), site.shown(SECOND), site.commands(), site.records()) == ("abc", "abc", {"list"}, {})
    assert (site.in_error(), [site.drive(drive)["error_state"] for drive in DRIVES]) == ([], ["", ""])
    # The week is over. Nobody has to reserve anything anew.
    sequences = [site.drive(drive)["sequence"] for drive in DRIVES]
    site.policies(mode="enforce")
    site.later(300)
    site.run()
    assert (site.shown(FIRST), site.shown(SECOND)) == ("-b-", "a--")
    assert [site.drive(drive)["sequence"] for drive in DRIVES] == sequences
    assert all(site.settled(drive) for drive in DRIVES)
    for drive in DRIVES:
        site.see("released", drive)
    site.run()
    assert (site.shown(FIRST), site.shown(SECOND)) == ("abc", "abc")


def test_the_error_state_follows_the_changes_of_error_on_only(site):
    # Never.
    site.policies(error_on=[])
    site.behave(C, "refuse", "offline")
    site.see("reserved", FIRST, A)
    fault("error-on-nothing").seen_in({"play": site.run()}, DRIVE=FIRST, STATUS="reserved", HOST="host_c")
    assert (site.in_error(), site.shown(FIRST)) == ([], "a-c")
    # The default: on reservations. c does what it owes, and then does not hear of the release.
    site.policies()
    site.behave(C, "ok", "offline")
    site.later(8)
    site.run()
    assert (site.in_error(), site.shown(FIRST), site.settled(FIRST)) == ([], "a--", True)
    site.behave(C, "refuse", "online")
    site.see("released", FIRST)
    fault("release-not-heard").seen_in({"play": site.run()}, DRIVE=FIRST, HOST="host_c")
    assert (site.in_error(), site.shown(FIRST), site.settled(FIRST)) == ([], "ab-", False)
    # On releases, too: what is owed at that time counts.
    site.policies(error_on=["reserved", "released"])
    site.later(8)
    fault("error-on-release").seen_in({"play": site.run()}, DRIVE=FIRST, HOST="host_c")
    assert (site.in_error(), site.shown(FIRST)) == ([FIRST], "ab-")


def test_a_running_job_is_asked_about_again_told_once_and_never_killed(site):
    site.job(B, FIRST, "nightly")
    site.see("reserved", FIRST, A)
    first = site.run()
    fault("busy").seen_in({"play": first, "log": "\n".join(site.log)}, DRIVE=FIRST, HOST="host_b")
    for pause in (5, 10, 20):
        row = site.drive(FIRST)
        (ended,) = site.select("SELECT MAX(ended_at) AS at FROM batches")
        assert pause <= row["due"] - ended["at"] <= 1.5 * pause
        assert site.shown(FIRST) == "ab-"
        site.later(1.5 * pause)
        assert "answered busy" not in site.run()
    assert sum("answered busy" in line for line in site.log) == 1
    assert (site.state_of(B) / "drives" / "TAPE1" / "job").read_text() == "nightly\n"
    site.job(B, FIRST)
    site.later(60)
    site.run()
    assert (site.shown(FIRST), site.settled(FIRST), site.in_error()) == ("a--", True, [])
    assert not (site.state_of(B) / "killed").exists()


def test_the_last_drives_stay_online_until_another_one_comes_back(site):
    # b knows the first drive under two names; c is asked about each drive on its own.
    (site.state_of(B) / "drives" / "TAPE1b").mkdir()
    for file, word in (("serial", FIRST), ("state", "online"), ("job", "-")):
        (site.state_of(B) / "drives" / "TAPE1b" / file).write_text(f"{word}\n")
    command = ["sh", "-c", 'exec "$0" --state "$1" list | grep "^$2 "', str(APPLICATION), str(site.state_of(C)), "{name}"]
    names = {serial: [name] for serial, name in C.names.items()}
    site.connect(C, application_custom_query_command=command, application_custom_drive_names=names)
    site.policies(minimum_online=1)
    site.see("reserved", FIRST, A)
    site.see("reserved", SECOND, A)
    first = site.run()
    for host in (B, C):
        fault("floor").seen_in({"play": first, "log": "\n".join(site.log)}, DRIVE=SECOND, HOST=host.name)
    assert (site.shown(FIRST), site.shown(SECOND), site.in_error()) == ("a--", "abc", [])
    second_name = site.state_of(B) / "drives" / "TAPE1b" / "state"
    assert second_name.read_text() == "offline\n"
    # It comes back, and the other one goes at the next attempt.
    site.see("released", FIRST)
    site.run()
    assert second_name.read_text() == "online\n"
    site.later(60)
    site.run()
    assert (site.shown(FIRST), site.shown(SECOND), site.settled(SECOND)) == ("abc", "a--", True)
    assert sum("answered floor" in line for line in site.log) == 2


def test_plays_at_the_same_time_leave_the_last_drives_online_too(site):
    site.policies(minimum_online=1)
    site.behave(B, "slow 3", "offline")
    site.see("reserved", FIRST, A)
    site.dispatch()
    site.see("reserved", SECOND, A)
    # The dispatcher gathers while a batch is under way.
    site.dispatch(1.0)
    assert len(site.emitted) == 2
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(site.play, site.emitted))
    assert [play.returncode for play in done] == [0, 0], "".join(play.stdout for play in done)
    assert sorted([site.shown(FIRST)[1], site.shown(SECOND)[1]]) == ["-", "b"]
    assert sorted([site.shown(FIRST)[2], site.shown(SECOND)[2]]) == ["-", "c"]


def test_a_host_that_answers_at_the_second_try_confirms_within_the_same_play(site):
    site.policies(handshake_retries=20, handshake_retry_delay=1)
    site.hang(C)
    site.see("reserved", FIRST, A)
    site.dispatch()
    (batch,) = site.emitted
    with ThreadPoolExecutor(1) as pool:
        play = pool.submit(site.play, batch)
        tries = site.state_of(C) / "calls"
        while not play.done() and len(tries.read_text().splitlines()) < 2:
            time.sleep(0.02)
        site.behave(C, "ok")
        done = play.result()
    assert done.returncode == 0, done.stdout
    assert (site.shown(FIRST), site.settled(FIRST), site.in_error()) == ("a--", True, [])
    assert "not confirmed" not in site.history()


def test_a_handshake_without_retries_is_over_after_its_time(site):
    site.hang(C)
    site.see("reserved", FIRST, A)
    fault("handshake").seen_in({"play": site.run(), "log": "\n".join(site.log)}, DRIVE=FIRST, HOST="host_c")
    (took,) = site.select("SELECT MAX(answered_at) - MIN(asked_at) AS seconds FROM answers WHERE drive = ?", FIRST)
    assert 1 <= took["seconds"] < 30
    assert site.in_error() == [FIRST]
    # It comes back and does what it owes; the error state stays until a person clears it.
    site.mend(C)
    site.later(8)
    site.run()
    site.dispatch(_alerts.HOLD + _alerts.LOOK)
    fault("paid").seen_in({"log": "\n".join(site.log)}, DRIVE=FIRST)
    assert (site.shown(FIRST), site.in_error()) == ("a--", [FIRST])


@pytest.mark.parametrize(("limit", "errors"), [(1, 1), (0, 2)])
def test_the_error_limit_counts_the_drives_of_a_silent_control_point(site, limit, errors):
    site.policies(error_limit=limit)
    site.behave(C, "refuse")
    for drive in DRIVES:
        site.see("reserved", drive, A)
    done = site.run()
    if limit:
        fault("error-limit").seen_in({"play": done, "log": "\n".join(site.log)}, HOST="host_c", DRIVE=SECOND)
    assert len(site.in_error()) == errors


LACKING = [
    name for name, there in {
        "java 17 or later (Debian: openjdk-17-jre-headless)": "JAVA_HOME" in os.environ or shutil.which("java"),
        "ansible-rulebook (PyPI: ansible_rulebook)": Path(sys.executable).with_name("ansible-rulebook").exists(),
        "ssh (Debian: openssh-client)": shutil.which("ssh"),
    }.items() if not there
]


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Twenty hosts that see a hundred drives, under the rule engine."""
    with ManyHosts(tmp_path_factory.mktemp("outage") / "world", hosts=TWENTY, handshake=30) as world:
        _store.open_store(str(world.table), create=True).close()
        world.start_library()
        world.start_engine()
        done = world.playbook("host_facts", limit=300)
        assert done.returncode == 0, done.stdout
        world.wait_for_engine()
        yield world


@pytest.mark.skipif(bool(LACKING), reason=f"this machine has no {', no '.join(LACKING)}")
def test_an_outage_of_all_control_points_costs_two_drives_and_is_told_in_one_line(many):
    began = time.monotonic()
    many.cut_off(free_port(SOCK_STREAM))
    for number, drive in enumerate(HUNDRED):
        many.reserve(TWENTY[number % 20], drive)
    many.wait("every drive was tried", lambda: many.tried() == set(HUNDRED) and len(many.in_error()) == 2, 200)
    # The first fifty that still work change hands, some more than once.
    for number, drive in enumerate([drive for drive in HUNDRED if drive not in many.in_error()][:50]):
        holder = many.library("GET", f"/drives/{drive}")["holder"]
        many.library("PUT", f"/drives/{drive}/reservation", {"status": "released", "holder": holder})
        many.reserve(TWENTY[(number + 7) % 20], drive)
    many.wait("every drive was tried since then", lambda: many.tried() == set(HUNDRED), 200)
    many.wait("it is told", lambda: "drives" in many.told(), 60)
    outage = time.monotonic() - began
    assert len(many.in_error()) == 2
    assert many.in_error() == {row["drive"] for row in many.select("SELECT drive FROM drives WHERE error_state <> ''")}
    # They come back.
    began = time.monotonic()
    many.cut_off(None)
    many.wait("nothing is owed", lambda: many.hurry() or not many.owed(), 300)
    many.wait("it is told", lambda: "now confirmed" in many.told(), 60)
    paid = time.monotonic() - began
    log = many.told()
    fault("outage").seen_in({"play": many.log("engine"), "log": log})
    fault("outage-over").seen_in({"log": log})
    assert [line.partition(" - WARNING - ")[2].split("(")[0] for line in log.splitlines()] == ["100 drives ", "100 drives "]
    assert all(host.name in log for host in TWENTY)
    # Nor do the plays print pages, or the drive table fill with it.
    said = messages(many.log("engine"), "localhost")
    assert max(len(text) for text in said) < 4000
    plays = many.log("engine").count("TASK [End the handshake]")
    assert len(many.log("engine")) < 40_000 * plays
    assert len(many.select("SELECT 1 FROM history")) < 8000
    # Every drive is where it belongs, and no other than those two are in their error state.
    assert many.in_error() == {row["drive"] for row in many.select("SELECT drive FROM drives WHERE error_state <> ''")}
    assert len(many.in_error()) == 2
    for drive in HUNDRED:
        holder = many.library("GET", f"/drives/{drive}")["holder"]
        assert [host.holder for host in TWENTY if many.state(host, drive) == "online"] == [holder]
    print(f"\nThe outage took {outage:.1f} s with {plays} plays, to pay what was owed {paid:.1f} s.")
