# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up, test and show the collection; the Makefile calls this."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence

import bench
import commands
import stages
from jobs import FAILED, Job, run_all
from places import LOGS, ROOT, SetUpError

import demo

# One more than the processors of the machine that this is planned for: many tests wait, for processes that hang on purpose.
AT_ONCE = 3
TAIL = 60


def test(wanted: Sequence[str]) -> int:
    """Run the wanted stages, or all; give the exit status."""
    started = time.monotonic()
    every, clean = stages.all_jobs()
    jobs = stages.select(every, wanted)
    LOGS.mkdir(parents=True, exist_ok=True)

    def tell(job: Job, ended: bool) -> None:
        seconds = time.monotonic() - started
        if not ended or not job.outcome:
            print(f"[{seconds:4.0f} s] {job.name}", flush=True)
            return
        note = f": {job.outcome.note.splitlines()[0]}" if job.outcome.note else ""
        print(f"[{seconds:4.0f} s] {job.name} {job.outcome.status} after {job.outcome.seconds:.1f} s{note}", flush=True)

    try:
        run_all(jobs, AT_ONCE, tell)
    finally:
        commands.end_all()
        clean()
    return report(jobs, time.monotonic() - started)


def report(jobs: Sequence[Job], seconds: float) -> int:
    """Print failures, what was not run, and the table; the last line counts everything."""
    outcomes = [(job, job.outcome) for job in jobs if job.outcome]
    for job, outcome in outcomes:
        if outcome.status == FAILED:
            log = LOGS / f"{job.name}.txt"
            print(f"\n--- {job.name} failed: {outcome.note}\n--- from {log.relative_to(ROOT)}:")
            print("\n".join(outcome.errors[:TAIL] or commands.tail(log, TAIL)))
    skips = [f"{job.name}: {skip}" for job, outcome in outcomes for skip in outcome.skips]
    skips += [f"{job.name}: {outcome.note}" for job, outcome in outcomes if outcome.status == "not run"]
    if skips:
        print("\nNot run:")
        print("\n".join(f"  {skip}" for skip in skips))
    width = max((len(job.name) for job, _outcome in outcomes), default=5)
    print(f"\n{'stage':{width}}  {'result':8} {'seconds':>7} {'passed':>7} {'failed':>7} {'skipped':>7}")
    for job, outcome in outcomes:
        counts = "" if job.sets_up else f"{outcome.passed:7} {outcome.failed:7} {outcome.skipped:7}"
        print(f"{job.name:{width}}  {outcome.status:8} {outcome.seconds:7.1f} {counts}".rstrip())
    print(f"{'all':{width}}  {'':8} {seconds:7.1f}   (logs: build/log)")
    passed, failures, skipped = (
        sum(getattr(outcome, kind) for _job, outcome in outcomes) for kind in ("passed", "failed", "skipped")
    )
    print(f"\n{passed} passed, {failures} failed, {skipped} skipped", flush=True)
    return 1 if failures else 0


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python3 tests/run", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    tests = parts.add_parser("test", help="run the tests, all or the named stages")
    tests.add_argument(
        "stages", nargs="*", help="for example unit, unit-2.19, sanity, lint, ruff, integration, e2e, demo"
    )
    parts.add_parser("bench", help="measure, on a machine that has nothing else to do")
    for name, text in (("demo", "set up and play the demo"), ("demo-set-up", "only set it up")):
        part = parts.add_parser(name, help=text)
        part.add_argument(
            "--java", choices=("any", "pypi"), default="any", help="pypi: as on a machine that has no Java"
        )
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if args.part == "test":
            return test(args.stages)
        if args.part == "bench":
            return bench.bench()
        home = demo.set_up(only_pypi_java=args.java == "pypi")
        if args.part == "demo":
            demo.play(home)
    except SetUpError as exc:
        print(exc, file=sys.stderr)
        return 1
    except PermissionError as exc:
        print(
            f"{exc.filename} belongs to somebody else, perhaps to root from an earlier run; remove build/ or use a clone of your own.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
