# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Batches, claims, answers: the table's side of the dispatcher and of the play (design 3, 4.3). Private: may change at any time."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """A batch taken by a play. Each drive: drive, status, holders, port, sequence, observed_at, library, detector, version,
    attempt, error_state, failures."""

    batch: str
    lease_until: float
    drives: list[dict[str, t.Any]]


@dataclass(frozen=True)
class Confirmed:
    """What confirm made of the answers: drives settled by them, and (drive, instance, host) that came too late."""

    settled: list[str]
    late: list[tuple[str, str, str]]


def due_drives(tx: t.Any, now: float, limit: int) -> list[str]:
    """Drives with something to do and in no batch, longest due first; in a write transaction, damaged rows are set aside."""
    raise NotImplementedError


def emit(tx: t.Any, drives: t.Sequence[str], batch: str, now: float) -> list[str]:
    """Put drives into a new batch; gives those that were put there (not in flight already)."""
    raise NotImplementedError


def expire(tx: t.Any, now: float, alive: t.Callable[[dict[str, t.Any]], bool]) -> list[str]:
    """End claimed batches whose lease is over or whose claimer is gone (asked only while the lease runs); gives their drives, due now."""
    raise NotImplementedError


def unclaimed(tx: t.Any, now: float, after: float) -> list[dict[str, t.Any]]:
    """Batches emitted `after` seconds ago or earlier that nobody claimed: [{batch, emitted_at, emissions}], oldest first."""
    raise NotImplementedError


def reemit(tx: t.Any, batch: str, now: float) -> int:
    """Count one more emission; gives the number of emissions, 0: the batch is unknown, claimed or ended."""
    raise NotImplementedError


def next_due(tx: t.Any) -> float | None:
    """When the next drive that is in no batch becomes due; None: nothing to do."""
    raise NotImplementedError


def claim(tx: t.Any, batch: str, claimer: t.Mapping[str, t.Any], lease: float, now: float) -> Claim | None:
    """Take a batch for `lease` seconds, with the newest change of each of its drives. claimer: {"host","boot","pid","start"}.
    None: the batch is unknown, ended or held by a lease that is not over."""
    raise NotImplementedError


def extend(tx: t.Any, batch: str, lease_until: float) -> int:
    """Move the lease's end; gives the number of drives that are still ours."""
    raise NotImplementedError


def expect(tx: t.Any, batch: str, plan: t.Iterable[t.Mapping[str, t.Any]], now: float) -> list[str]:
    """Write down whose answers settle the drives. plan rows: drive, sequence, attempt, instance, host, application, scope,
    relation ('own'|'foreign'|'unknown'|'ambiguous'|'none'). A confirmed answer of the same sequence stays. Gives drives settled at
    once because nothing was left to ask. Rows whose claim is lost are left out."""
    raise NotImplementedError


def settle_now(tx: t.Any, batch: str, drive: str, why: str, now: float) -> bool:
    """Settle a claimed drive that concerns nobody; False: the claim is lost."""
    raise NotImplementedError


def work(tx: t.Any, batch: str, host: str) -> list[dict[str, t.Any]]:
    """What this control point has to answer, one row for each drive and instance: drive, instance, host, application, scope, relation,
    sequence, attempt, status, holders, port, observed_at, library, error_state, taken, attempts, lease_until, table_sequence,
    devices {host: [files]} of the instance's hosts."""
    raise NotImplementedError


def confirm(tx: t.Any, batch: str, answers: t.Iterable[t.Mapping[str, t.Any]], now: float) -> Confirmed:
    """Take answers in: drive, sequence, attempt, instance, host, confirmed, outcome, state_read, reason, detail, taken and, where a set
    left doubt, recheck_at (epoch seconds). Settles what is complete. Late ones change only the copy of `taken`."""
    raise NotImplementedError


def verdict(tx: t.Any, batch: str, now: float) -> list[dict[str, t.Any]]:
    """Each drive that this batch still holds: drive, sequence, attempt, settled, silent [answers], pending [busy, floor], overtaken,
    forcing_left (a play that is gone left a forcing or clearing half done), error_state."""
    raise NotImplementedError


def finish(tx: t.Any, batch: str, now: float, backoff: t.Callable[[int], float] | None = None) -> list[dict[str, t.Any]]:
    """The play is over: what is not settled is owed and due again; ends the batch. Gives [{drive, due, failures}]."""
    raise NotImplementedError


def owed(tx: t.Any) -> list[dict[str, t.Any]]:
    """Every answer that is still owed, for info and alerts."""
    raise NotImplementedError
