# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure the plan at scale: python tests/bench/plan.py [LOCATION] [--batches N] [--batch N] [--drives N] [--hosts N].

LOCATION is a file that does not exist yet, or a postgresql:// URL of an empty database; by default both are measured, in a
temporary directory and on a server of its own. ``make bench`` runs it; by hand it needs PYTHONPATH=build/collections. The
goal: at the most 50 ms for the look-up and the plan of a batch of 100 drives, at 1,000 drives, 10,000 hosts, 20 hosts a drive;
and memory that does not grow over 100,000 changes (--batches 1000).
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import table

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _associations,
    _changes,
    _dispatch,
    _history,
    _identifiers,
    _plan,
    _play,
    _store,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import Policy
from ansible_collections.tapeworks.drive_sharing.tests import postgresql

GOAL = 0.050


def spread(what: str, seconds: list[float]) -> None:
    """Tell the median and the 99th percentile."""
    ordered = sorted(seconds)
    worst = ordered[min(len(ordered) - 1, round(len(ordered) * 0.99))]
    table.tell(what, f"{1000 * statistics.median(ordered):.1f} / {1000 * worst:.1f} ms")


def memory() -> float:
    """The most memory that this process had, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def batches(store: Any, options: argparse.Namespace) -> None:
    """Change the drives in turns, and time what a play does before it asks anybody."""
    hosts = {f"host{number}" for number in range(options.hosts)}
    times: dict[str, list[float]] = {"lookup": [], "plan": [], "both": [], "cpu": [], "claim": []}
    early, asks = 0.0, 0
    policy = Policy()
    for turn in range(options.batches):
        now = table.START + 60.0 * turn
        numbers = [(turn * options.batch + place) % options.drives for place in range(options.batch)]
        round_ = turn * options.batch // options.drives
        with store.write() as tx:
            _changes.record(tx, [table.observation(drive, round_, options.per_drive, options.hosts) for drive in numbers], now)
            batch = _identifiers.new_batch_id(now)
            due = _dispatch.due_drives(tx, now, options.batch)
            _dispatch.emit(tx, due, batch, now)
            changes = [
                {"drive": row["drive"], "sequence": row["sequence"], "attempt": 1, "status": row["status"], "holders": row["holders"]}
                for row in (_changes.state(tx, drive) for drive in due) if row is not None
            ]
        started, busy = time.perf_counter(), time.process_time()
        with store.read() as tx:
            ports = [port for change in changes for port in change["holders"]]
            found = _associations.lookup(tx, due, ports)
        looked = time.perf_counter()
        plan = _plan.make(changes, found, hosts)
        planned, busy = time.perf_counter(), time.process_time() - busy
        claimed = _play.claim(store, batch, table.CLAIMER, hosts, hosts, 10**6, lambda _host: policy, now)
        ended = time.perf_counter()
        assert claimed.claimed
        assert not plan.warnings, plan.warnings
        asks += len(plan.asks)
        measured = (looked - started, planned - looked, planned - started, busy, ended - planned)
        for key, seconds in zip(times, measured, strict=True):
            times[key].append(seconds)
        with store.write() as tx:
            # As after a play whose control points have all confirmed.
            tx.execute("UPDATE drives SET settled = sequence, batch = NULL, claimed_sequence = NULL, due = NULL WHERE batch = ?", (batch,))
            tx.execute("DELETE FROM answers")
            _dispatch.finish(tx, batch, now)
            if turn % 20 == 0:
                _history.prune(tx, now, 3600.0)
        if turn == options.batches // 10:
            early = memory()
    table.tell(f"{options.batches} batches of {options.batch} drives, {asks // options.batches} control points a batch", "median / p99")
    spread("look-up of the associations", times["lookup"])
    spread("plan", times["plan"])
    spread("look-up and plan", times["both"])
    spread("  of it processor time here, whatever else runs on this machine", times["cpu"])
    spread("all that the play does before it asks: claim, look-up, plan, expected answers", times["claim"])
    table.tell("memory after a tenth of the batches, and after all", f"{early:.0f} / {memory():.0f} MiB")
    good = statistics.median(times["both"]) <= GOAL
    table.tell(f"goal: look-up and plan within {1000 * GOAL:.0f} ms", "reached" if good else "NOT REACHED")
    table.tell("load of this machine, and its processors", f"{os.getloadavg()[0]:.1f}, {os.cpu_count()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("location", nargs="?")
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--drives", type=int, default=1000)
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--per-drive", type=int, default=20)
    options = parser.parse_args()
    if options.location:
        measure(options.location, options)
        return
    with tempfile.TemporaryDirectory() as directory:
        measure(str(Path(directory) / "table.sqlite"), options)
    print()
    if postgresql.missing():
        print(f"Not measured on PostgreSQL: {postgresql.missing()}.")
        return
    with postgresql.started() as server:
        measure(server.url("postgres"), options)


def measure(location: str, options: argparse.Namespace) -> None:
    """Fill a table and measure on it."""
    store = _store.open_store(location, create=True, site="bench")
    table.tell("table", store.location_label.partition(":")[0] if "://" in location else "SQLite")
    table.site(store, options.drives, options.hosts, options.per_drive)
    batches(store, options)
    store.close()


if __name__ == "__main__":
    main()
