# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run jobs, some at a time, each when what it needs is done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from places import SetUpError

PASSED, FAILED, NOT_RUN, DONE = "passed", "FAILED", "not run", "done"


@dataclass(frozen=True)
class Outcome:
    """What came of a job; a job that only sets up counts nothing unless it fails."""

    status: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    note: str = ""
    skips: tuple[str, ...] = ()
    seconds: float = 0.0
    # Shown instead of the end of the log, where that says little.
    errors: tuple[str, ...] = ()


def done(note: str = "") -> Outcome:
    """Give the outcome of set-up that went well."""
    return Outcome(DONE, note=note)


def failed(note: str, errors: Sequence[str] = ()) -> Outcome:
    """Give the outcome of a check that failed."""
    return Outcome(FAILED, failed=1, note=note, errors=tuple(errors))


def not_run(note: str) -> Outcome:
    """Give the outcome of a check that could not be run here: never a pass."""
    return Outcome(NOT_RUN, skipped=1, note=note)


@dataclass
class Job:
    """One thing to run, under a name."""

    name: str
    work: Callable[[], Outcome]
    needs: Sequence[str] = ()
    # Waited for, but not needed to have gone well.
    after: Sequence[str] = ()
    # What measures seconds must not have a neighbour.
    alone: bool = False
    sets_up: bool = False
    outcome: Outcome | None = field(default=None, compare=False)


Tell = Callable[[Job, bool], None]


def run_all(jobs: Sequence[Job], at_once: int, tell: Tell) -> None:
    """Run all jobs in the given order, as far as needs and neighbours allow; the outcomes stand in the jobs."""
    by_name = {job.name: job for job in jobs}
    waiting, running = list(jobs), set[str]()
    changed = threading.Condition()

    def work(job: Job) -> None:
        started = time.monotonic()
        try:
            outcome = job.work()
        except SetUpError as exc:
            outcome = failed(str(exc))
        except Exception as exc:  # pylint: disable=broad-exception-caught
            # One job that breaks is a failed job, not the end of the others.
            outcome = failed(f"{type(exc).__name__}: {exc}")
        with changed:
            _finish(job, outcome, time.monotonic() - started)
            running.discard(job.name)
            changed.notify()

    def _finish(job: Job, outcome: Outcome, seconds: float) -> None:
        job.outcome = Outcome(**{**vars(outcome), "seconds": seconds})
        tell(job, True)

    with changed:
        while waiting or running:
            for job in list(waiting):
                needed = [by_name[name] for name in job.needs if name in by_name]
                unmet = next(
                    (need for need in needed if need.outcome and need.outcome.status not in (PASSED, DONE)), None
                )
                if unmet:
                    waiting.remove(job)
                    reason = f"{unmet.name}: {unmet.outcome.note.splitlines()[0]}" if unmet.outcome else unmet.name
                    _finish(job, Outcome(NOT_RUN, skipped=0 if job.sets_up else 1, note=reason), 0.0)
                    continue
                first = [*needed, *(by_name[name] for name in job.after if name in by_name)]
                if any(other.outcome is None for other in first) or not _fits(job, running, by_name, at_once):
                    continue
                waiting.remove(job)
                running.add(job.name)
                tell(job, False)
                threading.Thread(target=work, args=(job,), daemon=True).start()
            if running:
                # Woken now and then, so that an interrupt is heard.
                changed.wait(1.0)


def _fits(job: Job, running: set[str], by_name: dict[str, Job], at_once: int) -> bool:
    if not running:
        return True
    if job.alone or any(by_name[name].alone for name in running):
        return False
    return len(running) < at_once
