# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small questions that the dispatcher and the plays ask the drive table. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def under_way(tx: Any) -> int:
    """How many batches are emitted or claimed and not ended."""
    return int(tx.execute("SELECT COUNT(*) AS n FROM batches WHERE ended_at IS NULL")[0]["n"])


def dissolve_unclaimed(tx: Any, now: float) -> None:
    """End the batches that nobody has claimed, so that their drives go into new ones at once."""
    tx.execute(
        "UPDATE drives SET batch = NULL, due = ? WHERE batch IN"
        " (SELECT batch FROM batches WHERE ended_at IS NULL AND claimed_at IS NULL)",
        (now,),
    )
    tx.execute("UPDATE batches SET ended_at = ? WHERE ended_at IS NULL AND claimed_at IS NULL", (now,))


def silent(tx: Any, drives: Sequence[str]) -> dict[str, set[tuple[str, str]]]:
    """The (instance, host) pairs of each drive that were asked about its newest change and have not confirmed it."""
    found: dict[str, set[tuple[str, str]]] = {}
    for drive in drives:
        for row in tx.execute(
            "SELECT a.instance, a.host FROM answers a JOIN drives d ON d.drive = a.drive"
            " WHERE a.drive = ? AND a.sequence = d.sequence AND a.confirmed = 0 AND a.attempts > 0",
            (drive,),
        ):
            found.setdefault(drive, set()).add((row["instance"], row["host"]))
    return found


def hosts_to_ask(tx: Any, batch: str) -> dict[str, int]:
    """Each control point that has not confirmed a drive of this batch, with the number of such drives."""
    rows = tx.execute(
        "SELECT a.host, COUNT(*) AS n FROM answers a JOIN drives d ON d.drive = a.drive"
        " WHERE d.batch = ? AND a.sequence = d.claimed_sequence AND a.confirmed = 0 GROUP BY a.host",
        (batch,),
    )
    return {row["host"]: int(row["n"]) for row in rows}


def newest_history(tx: Any) -> int:
    """The number of the newest entry of the history, 0 if there is none."""
    return int(tx.execute("SELECT COALESCE(MAX(id), 0) AS id FROM history")[0]["id"])


def history_since(tx: Any, number: int) -> list[dict[str, Any]]:
    """The entries after one, oldest first, a bounded number."""
    return tx.execute(
        "SELECT id, kind, message, drive FROM history WHERE id > ? ORDER BY id LIMIT 200", (number,)
    )


def postpone(tx: Any, drives: Sequence[str], now: float, pause: Callable[[int], float]) -> None:
    """A play ended without a result: the first time its drives are dispatched at once, then with a growing pause."""
    for drive in drives:
        failures = int(tx.execute("SELECT failures FROM drives WHERE drive = ?", (drive,))[0]["failures"])
        due = now + (pause(failures) if failures else 0.0)
        tx.execute("UPDATE drives SET failures = ?, due = ? WHERE drive = ?", (failures + 1, due, drive))


def answers_of(tx: Any, batch: str, outcome: str) -> list[dict[str, Any]]:
    """The answers with one outcome to the newest change of each drive of a batch."""
    return tx.execute(
        "SELECT a.drive, a.sequence, a.instance, a.host, a.state_read FROM answers a"
        " JOIN drives d ON d.drive = a.drive AND d.sequence = a.sequence"
        " JOIN batch_drives b ON b.drive = a.drive WHERE b.batch = ? AND a.outcome = ?"
        " ORDER BY a.drive, a.instance, a.host",
        (batch, outcome),
    )
