# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policies, each with a story: the real playbook and drive table, the dispatcher's own looks at it, the demo's applications."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _alerts, _dispatcher, _store
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._change import Observation
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._changes import record
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import Hosts, known_hosts

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.world import DRIVES, HOSTS

A, B, C = HOSTS
FIRST, SECOND = DRIVES
HANG = "the query did not end in time and was stopped"


class Site(Hosts):
    """The demo's hosts under the real dispatcher; the test runs the plays that it asks for."""

    def prepare(self):
        super().prepare()
        self.start_library(send=False)
        self.ahead, self.store = 0.0, None
        self.log, self.emitted = [], []
        self.dispatcher = _dispatcher.Dispatcher(None, None, _dispatcher.Options(), clock=lambda: time.time() + self.ahead)
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
        with closing(sqlite3.connect(self.table, timeout=5)) as table, table:
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


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with known_hosts(tmp_path_factory.mktemp("policies") / "world", kind=Site, handshake=1) as site:
        site.dispatch()
        yield site


@pytest.fixture
def site(made):
    """The site with nothing reserved, owed or forced, and every policy at its default."""
    for host in HOSTS:
        made.behave(host, "ok")
        for drive in DRIVES:
            made.job(host, drive)
            (made.state_of(host) / "drives" / host.names[drive] / "state").write_text("online\n")
    yield made
    made.policies()


def test_observing_touches_nothing_and_enforcing_begins_with_what_is_reserved_then(site):
    site.policies(mode="observe")
    # In the morning a reserves the first drive.
    site.see("reserved", FIRST, A)
    site.run()
    # A job runs at b on the second drive, c does not answer, when a reserves that too.
    site.job(B, SECOND, "nightly")
    site.behave(C, "hang")
    site.see("reserved", SECOND, A)
    silent = site.run()
    assert f"was not confirmed by host_c: {HANG}; it is owed and asked again." in " ".join(silent.split())
    # c answers again, and the job ends.
    site.behave(C, "ok")
    site.job(B, SECOND)
    site.later(5)
    site.run()
    # b has the first drive in the evening.
    site.see("released", FIRST)
    site.run()
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
