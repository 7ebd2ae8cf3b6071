# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Batches and claims: the table's side of the dispatcher and of the play (design 3, 4.3 I7 to I9).

Private: may change at any time. The functions about answers stand in _handshake and
_confirm, and are offered here too.

A drive is in one batch at a time. While it is in one, its ``due`` says whether there is more to do afterwards: newer
changes and redone ones set it, a claim takes it back, because a claim takes the newest change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _confirm,
    _handshake,
    _history,
    _identifiers,
    _rows,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

Confirmed = _confirm.Confirmed
confirm = _confirm.confirm
expect = _handshake.expect
hosts_to_ask = _handshake.hosts_to_ask
owed = _handshake.owed
settle_now = _handshake.settle_now
silent = _handshake.silent
verdict = _handshake.verdict
work = _handshake.work

#: Nothing is put off for longer. What is due later than this is due now: somebody has set the clock back.
LONGEST_PAUSE = 3600.0
_CLOCK_SLACK = 60.0

_RELEASE = "batch = NULL, claimed_sequence = NULL, lease_until = NULL"


@dataclass(frozen=True)
class Claim:
    """A batch taken by a play.

    Each drive has the keys of a change, and attempt, error_state and failures.
    """

    batch: str
    #: Epoch seconds.
    lease_until: float
    drives: list[dict[str, Any]]


def due_drives(tx: Any, now: float, limit: int) -> list[str]:
    """Drives with something to do and in no batch, longest due first.

    In a writing transaction rows that were damaged by hand are set aside; in a reading one they are left out.
    """
    found: list[str] = []
    while len(found) < limit:
        rows = tx.execute(
            "SELECT * FROM drives WHERE batch IS NULL AND (due <= ? OR due > ?) ORDER BY due, drive LIMIT ?",
            (now, now + LONGEST_PAUSE + _CLOCK_SLACK, limit),
        )
        found, damaged = [], 0
        for row in rows:
            try:
                found.append(_rows.change_of(row)["drive"])
            except InvalidValueError as exc:
                damaged += tx.writable and _rows.set_aside(tx, row, exc, now)
        if not damaged:
            break
    return found


def emit(tx: Any, drives: Sequence[str], batch: str, now: float) -> list[str]:
    """Put drives into a new batch; gives those that are in it: not those that are in another one."""
    _identifiers.batch_id(batch)
    _rows.execute_in(
        tx,
        "UPDATE drives SET batch = ?, claimed_sequence = NULL, lease_until = NULL, due = NULL"
        " WHERE batch IS NULL AND drive IN {in}",
        drives,
        before=(batch,),
    )
    put = [row["drive"] for row in tx.execute("SELECT drive FROM drives WHERE batch = ? ORDER BY drive", (batch,))]
    if put:
        tx.execute("INSERT INTO batches (batch, emitted_at, emissions) VALUES (?, ?, 1)", (batch, now))
        tx.execute(
            "INSERT INTO batch_drives (batch, drive, sequence) SELECT batch, drive, sequence FROM drives WHERE batch = ?",
            (batch,),
        )
    return put


def expire(tx: Any, now: float, alive: Callable[[dict[str, Any]], bool]) -> list[str]:
    """End claimed batches whose lease is over or whose claimer is gone; gives their drives, due now.

    ``alive`` is asked only while the lease runs, with what claim() was given.
    """
    drives: list[str] = []
    for row in tx.execute("SELECT * FROM batches WHERE ended_at IS NULL AND claimed_at IS NOT NULL ORDER BY batch"):
        lease = row["lease_until"]
        over = not isinstance(lease, (int, float)) or lease <= now
        claimed = row["claimed_at"]
        if not over and isinstance(claimed, (int, float)) and claimed > now + _CLOCK_SLACK:
            # The clock was set back: the lease is as long as it was, from now.
            extend(tx, row["batch"], now + lease - claimed)
            tx.execute("UPDATE batches SET claimed_at = ? WHERE batch = ?", (now, row["batch"]))
        if not over:
            claimer = _rows.loads(row["claimer"])
            if alive(claimer if isinstance(claimer, dict) else {}):
                continue
        why = "its lease is over" if over else "its play has ended, or was stopped, without a word"
        freed = _freed(tx, "batch = ?", (row["batch"],), now)
        _end(tx, row["batch"], now)
        _history.add_many(
            tx, [(now, "expired", f"Drive {drive} is dispatched again: {why}.", drive, None, None, None) for drive in freed]
        )
        drives += freed
    # A batch that is not there (a row was damaged by hand, or a backup put back) would keep its drives for ever.
    drives += _freed(
        tx,
        "batch IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM batches b WHERE b.batch = drives.batch AND b.ended_at IS NULL)",
        (),
        now,
    )
    return drives


def _freed(tx: Any, condition: str, params: Sequence[Any], now: float) -> list[str]:
    rows = tx.execute(f"SELECT drive FROM drives WHERE {condition} ORDER BY drive", params)  # noqa: S608
    if rows:
        tx.execute(
            f"UPDATE drives SET {_RELEASE}, due = ?, failures = failures + 1 WHERE {condition}",  # noqa: S608
            (now, *params),
        )
    return [row["drive"] for row in rows]


def _end(tx: Any, batch: str, now: float) -> None:
    tx.execute("UPDATE batches SET ended_at = ? WHERE batch = ? AND ended_at IS NULL", (now, batch))
    tx.execute("DELETE FROM batch_drives WHERE batch = ?", (batch,))


def withdraw(tx: Any, drives: Sequence[str], now: float) -> None:
    """Take drives out of batches that nobody has claimed; whoever gave those out may be no more."""
    waiting = [
        row["batch"] for row in tx.execute("SELECT batch FROM batches WHERE ended_at IS NULL AND claimed_at IS NULL")
    ]
    for batch in waiting:
        _rows.execute_in(
            tx,
            f"UPDATE drives SET {_RELEASE}, due = ? WHERE batch = ? AND drive IN {{in}}",  # noqa: S608
            drives,
            before=(now, batch),
        )
        if not tx.execute("SELECT 1 FROM drives WHERE batch = ? LIMIT 1", (batch,)):
            _end(tx, batch, now)


def under_way(tx: Any) -> int:
    """Number of batches that were emitted and have not ended."""
    return tx.execute("SELECT COUNT(*) AS number FROM batches WHERE ended_at IS NULL")[0]["number"]


def unclaimed(tx: Any, now: float, after: float) -> list[str]:
    """Batches last emitted ``after`` seconds ago or earlier that nobody has claimed, oldest first."""
    rows = tx.execute(
        "SELECT batch FROM batches WHERE ended_at IS NULL AND claimed_at IS NULL AND (emitted_at <= ? OR emitted_at > ?)"
        " ORDER BY emitted_at, batch",
        (now - after, now + _CLOCK_SLACK),
    )
    return [row["batch"] for row in rows]


def reemit(tx: Any, batch: str, now: float, *, count: bool = True) -> int:
    """Note one more emission; gives the number of emissions, 0: the batch is unknown, claimed or ended.

    ``count=False``: the earlier ones went to an engine that is no more, so it is the first again.
    """
    tx.execute(
        "UPDATE batches SET emitted_at = ?, emissions = CASE WHEN ? = 1 THEN emissions + 1 ELSE 1 END"
        " WHERE batch = ? AND ended_at IS NULL AND claimed_at IS NULL",
        (now, int(count), batch),
    )
    if not tx.rowcount:
        return 0
    return tx.execute("SELECT emissions FROM batches WHERE batch = ?", (batch,))[0]["emissions"]


def put_off_no_more(tx: Any, now: float) -> None:
    """Let everything be due that was put off: the clock was set back, and nobody knows until when it is right to wait."""
    tx.execute("UPDATE drives SET due = ? WHERE batch IS NULL AND due > ?", (now, now))


def next_due(tx: Any) -> float | None:
    """When the next drive that is in no batch becomes due, epoch seconds; None: nothing to do."""
    return tx.execute("SELECT MIN(due) AS due FROM drives WHERE batch IS NULL AND due IS NOT NULL")[0]["due"]


def claim(tx: Any, batch: str, claimer: Mapping[str, Any], lease: float, now: float) -> Claim | None:
    """Take a batch for ``lease`` seconds, with the newest change of each of its drives.

    ``claimer``: {"host", "boot", "pid", "start"} of the play's process. None: the batch is unknown, has ended, or is held
    by a lease that is not over.
    """
    rows = tx.execute("SELECT * FROM batches WHERE batch = ? AND ended_at IS NULL", (batch,))
    if not rows or (rows[0]["claimed_at"] is not None and (rows[0]["lease_until"] or 0) > now):
        return None
    lease_until = now + lease
    drives: list[dict[str, Any]] = []
    for row in tx.execute("SELECT * FROM drives WHERE batch = ? ORDER BY drive", (batch,)):
        try:
            change = _rows.change_of(row)
        except InvalidValueError as exc:
            _rows.set_aside(tx, row, exc, now)
            continue
        drives.append({
            **change, "attempt": row["attempt"] + 1, "error_state": row["error_state"], "failures": row["failures"],
        })
    tx.execute(
        "UPDATE drives SET claimed_sequence = sequence, attempt = attempt + 1, lease_until = ?, due = NULL,"
        " recheck_at = NULL WHERE batch = ?",
        (lease_until, batch),
    )
    tx.many(
        "INSERT INTO batch_drives (batch, drive, sequence, attempt, change) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (batch, drive) DO UPDATE SET sequence = excluded.sequence, attempt = excluded.attempt,"
        " change = excluded.change",
        [(batch, row["drive"], row["sequence"], row["attempt"], _rows.dumps(row)) for row in drives],
    )
    # A set that left doubt is asked about again even though it was confirmed.
    _rows.execute_in(
        tx,
        "UPDATE answers SET confirmed = 0, recheck_at = NULL WHERE drive IN {in} AND (recheck_at <= ? OR recheck_at > ?)",
        [row["drive"] for row in drives],
        after=(now, now + LONGEST_PAUSE + _CLOCK_SLACK),
    )
    tx.execute(
        "UPDATE batches SET claimed_at = ?, claimer = ?, lease_until = ? WHERE batch = ?",
        (now, _rows.dumps(dict(claimer)), lease_until, batch),
    )
    return Claim(batch, lease_until, drives)


def extend(tx: Any, batch: str, lease_until: float) -> int:
    """Move the lease's end (epoch seconds); gives the number of drives that are still in the batch."""
    tx.execute(
        "UPDATE batches SET lease_until = ? WHERE batch = ? AND ended_at IS NULL AND claimed_at IS NOT NULL",
        (lease_until, batch),
    )
    if not tx.rowcount:
        return 0
    tx.execute("UPDATE drives SET lease_until = ? WHERE batch = ?", (lease_until, batch))
    return tx.rowcount


def backoff(failures: int) -> float:
    """Seconds until unconfirmed work is tried again: 5, 10, 20 ... 300."""
    return min(5.0 * 2.0 ** min(max(failures, 1) - 1, 10), 300.0)


def together(now: float, pause: float) -> float:
    """The next of the moments at which owed work is tried again, up to half as much later than the pause is long.

    What came to be owed in many batches goes into one: in an outage a play costs the same for one drive and for all.
    """
    step = pause / 2
    return math.ceil((now + pause) / step) * step


def finish(
    tx: Any, batch: str, now: float, pause: Callable[[int], float] | None = None
) -> list[dict[str, Any]]:
    """The play is over: end the batch, and let what is not settled come again.

    ``pause``: seconds for the number of failures, together(backoff()) unless given. Gives [{drive, due, failures}] of the drives
    that the batch still held; due None: nothing is left to do.
    """
    results = []
    for row in tx.execute("SELECT * FROM drives WHERE batch = ? ORDER BY drive", (batch,)):
        due, failures = row["due"], row["failures"]
        if due is None and row["claimed_sequence"] is not None and _handshake.nothing_owed(tx, row):
            due, failures = row["recheck_at"], 0
        elif due is None:
            failures += 1
            due = together(now, backoff(failures)) if pause is None else now + min(max(0.0, pause(failures)), LONGEST_PAUSE)
        tx.execute(f"UPDATE drives SET {_RELEASE}, due = ?, failures = ? WHERE drive = ?",  # noqa: S608
                   (due, failures, row["drive"]))
        results.append({"drive": row["drive"], "due": due, "failures": failures})
    _end(tx, batch, now)
    return results
