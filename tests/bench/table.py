# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure the drive table: python tests/bench/table.py [LOCATION] [--changes N] [--drives N] [--hosts N].

LOCATION is a file that does not exist yet, or a postgresql:// URL of an empty database; a file in a temporary directory by
default. Run it with PYTHONPATH=build/collections.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _associations,
    _change,
    _changes,
    _dispatch,
    _history,
    _host_records,
    _identifiers,
    _store,
)

START = 1_800_000_000.0
CLAIMER = {"host": "bench", "boot": "b", "pid": 1, "start": "1"}


def port(number: int) -> dict[str, str]:
    return {"protocol": "fc", "id": f"{0x10000090FA000000 + number:016x}"}


def tell(what: str, value: str) -> None:
    print(f"{what:<78} {value:>16}")


def median(action: Callable[[], object], turns: int = 15) -> float:
    times = []
    for _turn in range(turns):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def site(store: Any, drives: int, hosts: int, per_drive: int) -> None:
    """Each drive is seen by so many hosts, each an instance of its own."""
    sees: list[list[str]] = [[] for _turn in range(hosts)]
    for drive in range(drives):
        for place in range(per_drive):
            sees[(drive * per_drive + place) % hosts].append(f"D{drive}")
    rows = [
        (
            f"host{number}",
            {
                "drives": [
                    {"serial": serial, "devices": ["/dev/nst0", "/dev/st0", "/dev/sg3"], "wwpns": [f"5{int(serial[1:]):015x}"],
                     "wwnn": f"5001{int(serial[1:]):012x}", "vendor": "IBM", "model": "ULT3580-TD9"}
                    for serial in names
                ],
                "ports": [port(2 * number), port(2 * number + 1)],
            },
            [{"instance": f"I{number}", "application": "custom"}],
        )
        for number, names in enumerate(sees)
    ]
    what = f"facts of {hosts} hosts, {drives} drives, {per_drive} hosts a drive, {_host_records.PORTION} hosts at once"
    for turn in (what, "the same again, nothing changed"):
        longest, total = 0.0, time.perf_counter()
        for first in range(0, len(rows), _host_records.PORTION):
            started = time.perf_counter()
            _host_records.write(store, rows[first : first + _host_records.PORTION])
            longest = max(longest, time.perf_counter() - started)
        tell(turn, f"{time.perf_counter() - total:.2f} s")
        tell("  of it the longest that the write lock was held", f"{1000 * longest:.0f} ms")
    with store.write() as tx:
        tell("write_host: one of them", f"{1000 * median(lambda: _associations.write_host(tx, *rows[1], START)):.2f} ms")


def observation(drive: int, turn: int, per_drive: int, hosts: int) -> Any:
    if turn % 2 == 0:
        holder = 2 * ((drive * per_drive + turn // 2 % per_drive) % hosts)
        return _change.Observation(f"D{drive}", "reserved", (port(holder),), "2026-11-22T06:00:00.000000+00:00", "snmp",
                                   origin=f"{drive}:{turn}")
    return _change.Observation(f"D{drive}", "released", (), "2026-11-22T06:00:00.000000+00:00", "snmp", origin=f"{drive}:{turn}")


def recording(store: Any, drives: int, per_drive: int, hosts: int) -> None:
    times = []
    for turn in range(12):
        group = [observation(drive % drives, turn, per_drive, hosts) for drive in range(min(200, drives))]
        started = time.perf_counter()
        with store.write() as tx:
            _changes.record(tx, group, START + turn)
        times.append((time.perf_counter() - started) / len(group))
    tell("record: 200 observations in one transaction, with its commit", f"{1 / statistics.median(times):,.0f} /s")

    turn = [1000]

    def one() -> None:
        turn[0] += 1
        with store.write() as tx:
            _changes.record(tx, [observation(0, turn[0], per_drive, hosts)], START)

    tell("record: one observation in one transaction, with its commit", f"{1 / median(one, 100):,.0f} /s")


def looking(store: Any, drives: int, per_drive: int) -> None:
    names = [f"D{drive}" for drive in range(min(100, drives))]
    ports = [port(2 * drive * per_drive) for drive in range(len(names))]

    def look() -> None:
        with store.read() as tx:
            found = _associations.lookup(tx, names, ports)
        for name in names:
            found.instances_of(name)

    tell(f"lookup: {len(names)} drives and as many ports", f"{1000 * median(look):.1f} ms")


def cycle(store: Any, drives: int, per_drive: int, hosts: int, changes: int, label: Callable[[], str]) -> None:
    """Changes all the way: recorded, emitted, claimed, planned, confirmed, finished, pruned."""
    now = START
    spent = dict.fromkeys(("record", "claim", "expect", "confirm", "finish", "prune"), 0.0)
    done = confirmed = 0
    batch_size = min(100, drives)
    turn = 0
    began = time.perf_counter()
    while done < changes:
        first = (turn * batch_size) % drives
        numbers = [(first + place) % drives for place in range(batch_size)]
        with timed(spent, "record"), store.write() as tx:
            results = _changes.record(
                tx, [observation(drive, turn * batch_size // drives + 5000, per_drive, hosts) for drive in numbers], now)
            done += sum(one.result == "written" for one in results)
            due = _dispatch.due_drives(tx, now, 500)
            if not due:
                turn += 1
                continue
            batch = _identifiers.new_batch_id(now)
            _dispatch.emit(tx, due, batch, now)
        with timed(spent, "claim"), store.write() as tx:
            claim = _dispatch.claim(tx, batch, CLAIMER, 60, now)
            assert claim is not None
            found = _associations.lookup(tx, [row["drive"] for row in claim.drives], [p for row in claim.drives for p in row["holders"]])
        plan = [
            {"drive": row["drive"], "sequence": row["sequence"], "attempt": row["attempt"], "instance": one["instance"],
             "host": host, "application": "custom", "scope": "host", "relation": "foreign"}
            for row in claim.drives for one in found.instances_of(row["drive"])[:3] for host in one["hosts"]
        ]
        with timed(spent, "expect"), store.write() as tx:
            _dispatch.expect(tx, batch, plan, now)
        with timed(spent, "confirm"), store.write() as tx:
            _dispatch.confirm(tx, batch, [
                {**ask, "confirmed": True, "outcome": "offline", "state_read": "offline", "reason": "", "detail": None,
                 "taken": turn % 2 == 0} for ask in plan], now)
            confirmed += len(plan)
        with timed(spent, "finish"), store.write() as tx:
            assert _dispatch.finish(tx, batch, now) == []
        now += 600.0
        turn += 1
        if turn % 20 == 0:
            with timed(spent, "prune"), store.write() as tx:
                _history.prune(tx, now, 86_400.0)
        if turn % 200 == 0:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            tell(f"  after {done:,} changes", f"{label()}, {memory} MiB")
    total = time.perf_counter() - began
    tell(f"{done:,} changes, {confirmed:,} confirmations, all the way", f"{done / total:,.0f} changes/s")
    for key, seconds in spent.items():
        tell(f"  of it {key}", f"{1e6 * seconds / done:.0f} us a change")


class timed:  # noqa: N801
    def __init__(self, spent: dict[str, float], key: str) -> None:
        self.spent, self.key = spent, key

    def __enter__(self) -> None:
        self.started = time.perf_counter()

    def __exit__(self, *_exc: object) -> None:
        self.spent[self.key] += time.perf_counter() - self.started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("location", nargs="?")
    parser.add_argument("--changes", type=int, default=100_000)
    parser.add_argument("--drives", type=int, default=1000)
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--per-drive", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        location = options.location or str(Path(directory) / "table.sqlite")
        store = _store.open_store(location, create=True, site="bench")
        tell("table", store.location_label)

        def label() -> str:
            if "://" in location:
                with store.read() as tx:
                    return f"{tx.execute('SELECT pg_database_size(current_database()) AS size')[0]['size'] // 1024} KiB"
            return f"{sum(os.path.getsize(location + end) for end in ('', '-wal') if os.path.exists(location + end)) // 1024} KiB"

        tell("open_store and one read", f"{1000 * median(lambda: _store.open_store(location).close()):.2f} ms")
        code = "import time; t = time.perf_counter(); from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils" \
               f" import _store, _dispatch; _store.open_store({location!r}); print(time.perf_counter() - t)"
        took = statistics.median(float(subprocess.check_output([sys.executable, "-c", code])) for _turn in range(7))
        tell("the same in a fresh process, with the imports", f"{1000 * took:.0f} ms")
        site(store, options.drives, options.hosts, options.per_drive)
        looking(store, options.drives, options.per_drive)
        recording(store, options.drives, options.per_drive, options.hosts)
        with store.write() as tx:
            tx.execute("UPDATE drives SET due = NULL")
        cycle(store, options.drives, options.per_drive, options.hosts, options.changes, label)
        store.close()


if __name__ == "__main__":
    main()
