# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happened to drives, in sentences, and what keeps the table small. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_DAY = 86_400.0

#: Longest kept: message; names.
_MESSAGE_LIMIT = 2000
_NAME_LIMIT = 255

#: What prune leaves at the most, whatever its age: the table stays small in a storm too.
KEEP_HISTORY_ROWS = 200_000
KEEP_ORIGINS = 100_000
KEEP_UNRESOLVED = 10_000

#: A retransmission comes within minutes; after a day the same key would be another notification.
KEEP_ORIGIN_SECONDS = _DAY
#: A play that outlives its batch by a day is told that the batch is not there.
KEEP_BATCH_SECONDS = _DAY
#: A drive or port that a host lost is remembered this long.
KEEP_MISSING_SECONDS = 90 * _DAY
#: The hour of drive_sharing_error_limit, and a little for clocks.
KEEP_FORCED_SECONDS = 3700.0

#: Rows that one call deletes of one kind: a call holds the write lock for a fraction of a second.
PORTION = 5000

_INSERT = (
    "INSERT INTO history (at, kind, message, drive, sequence, host, instance) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def clean(text: Any, limit: int = _MESSAGE_LIMIT) -> str:
    """Give a text that can stand in a table, a log and a terminal: one line, printable, cut to ``limit`` characters."""
    value = str(text)[: limit + 1]
    if not value.isprintable():
        value = "".join(character if character.isprintable() else " " for character in value)
    return value if len(value) <= limit else f"{value[: limit - 3]}..."


def add(
    tx: Any,
    now: float,
    kind: str,
    message: str,
    drive: str | None = None,
    sequence: int | None = None,
    host: str | None = None,
    instance: str | None = None,
) -> None:
    """Add one entry; control characters are replaced, long texts cut."""
    add_many(tx, [(now, kind, message, drive, sequence, host, instance)])


def add_many(tx: Any, entries: Iterable[tuple[float, str, str, str | None, int | None, str | None, str | None]]) -> None:
    """Add entries of (now, kind, message, drive, sequence, host, instance)."""
    rows = [
        (now, clean(kind, 64), clean(message), _name(drive), sequence, _name(host), _name(instance))
        for now, kind, message, drive, sequence, host, instance in entries
    ]
    if rows:
        tx.many(_INSERT, rows)


def news(
    tx: Any,
    now: float,
    kind: str,
    message: str,
    drive: str,
    sequence: int,
    host: str | None = None,
    instance: str | None = None,
) -> bool:
    """Add an entry on a drive's change unless it stands there already, for what is asked again and again; whether it was new."""
    known = tx.execute(
        "SELECT 1 FROM history WHERE drive = ? AND sequence = ? AND kind = ? AND message = ? LIMIT 1",
        (drive, sequence, kind, clean(message)),
    )
    if not known:
        add(tx, now, kind, message, drive, sequence, host, instance)
    return not known


def read(
    tx: Any,
    *,
    drive: str | None = None,
    kind: str | None = None,
    since: float | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """The newest entries, newest first: id, at, drive, sequence, kind, host, instance, message.

    ``since``: epoch seconds. ``limit``: at the most so many.
    """
    wanted = [("drive = ?", drive), ("kind = ?", kind), ("at >= ?", since)]
    conditions = [condition for condition, value in wanted if value is not None]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    params = [value for _condition, value in wanted if value is not None]
    return tx.execute(
        f"SELECT id, at, drive, sequence, kind, host, instance, message FROM history{where} ORDER BY id DESC LIMIT ?",  # noqa: S608
        (*params, max(0, min(int(limit), KEEP_HISTORY_ROWS))),
    )


def newest(tx: Any) -> int:
    """The id of the newest entry, 0 if there is none."""
    return tx.execute("SELECT COALESCE(MAX(id), 0) AS id FROM history")[0]["id"]


def since(tx: Any, after: int, limit: int = 1000) -> list[dict[str, Any]]:
    """The entries after an id, oldest first."""
    return tx.execute(
        "SELECT id, at, drive, sequence, kind, host, instance, message FROM history WHERE id > ? ORDER BY id LIMIT ?",
        (after, limit),
    )


def prune(tx: Any, now: float, keep_seconds: float) -> int:
    """Delete what is too old or too much, a bounded number of rows a call; gives how many went.

    ``keep_seconds``: age of history, of unresolved notifications and of answers of instances that are gone. Origin keys,
    ended batches, and drives and ports that hosts have lost have their own ages. Call it again while it gives more
    than 0.
    """
    gone = _delete(tx, (
        ("history WHERE id IN (SELECT id FROM history WHERE at < ? ORDER BY at LIMIT ?)", (now - keep_seconds, PORTION)),
        (
            "history WHERE id IN (SELECT id FROM history WHERE id <= ? ORDER BY id LIMIT ?)",
            (newest(tx) - KEEP_HISTORY_ROWS, PORTION),
        ),
        (
            "notifications WHERE origin IN (SELECT origin FROM notifications WHERE at < ? ORDER BY at LIMIT ?)",
            (_threshold(tx, "notifications", KEEP_ORIGINS, now - KEEP_ORIGIN_SECONDS), PORTION),
        ),
        ("unresolved WHERE at < ?", (_threshold(tx, "unresolved", KEEP_UNRESOLVED, now - keep_seconds),)),
        (
            "batches WHERE batch IN (SELECT batch FROM batches WHERE ended_at < ? ORDER BY ended_at LIMIT ?)",
            (now - KEEP_BATCH_SECONDS, PORTION),
        ),
        ("forced WHERE at < ?", (now - KEEP_FORCED_SECONDS,)),
        ("ports WHERE missing_since < ?", (now - KEEP_MISSING_SECONDS,)),
        # Kept for its copy of taken, of an instance that no host has any more: nobody can be asked about it.
        (
            "answers WHERE expected = 0 AND COALESCE(answered_at, asked_at, 0) < ?"
            " AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.instance = answers.instance)",
            (now - keep_seconds,),
        ),
    ))
    lost = _delete(tx, (("paths WHERE missing_since < ?", (now - KEEP_MISSING_SECONDS,)),))
    if lost:
        lost += _delete(tx, (
            ("seen WHERE NOT EXISTS (SELECT 1 FROM paths p WHERE p.host = seen.host AND p.drive = seen.drive)", ()),
            ("attributes WHERE NOT EXISTS (SELECT 1 FROM paths p WHERE p.drive = attributes.drive)", ()),
        ))
    return gone + lost


def _delete(tx: Any, statements: Iterable[tuple[str, tuple[Any, ...]]]) -> int:
    gone = 0
    for sql, params in statements:
        tx.execute(f"DELETE FROM {sql}", params)  # noqa: S608
        gone += max(0, tx.rowcount)
    return gone


def _threshold(tx: Any, table: str, rows: int, oldest: float) -> float:
    """The age from which rows go: ``oldest``, or newer where there are more than ``rows``."""
    found = tx.execute(f"SELECT at FROM {table} ORDER BY at DESC LIMIT 1 OFFSET ?", (rows - 1,))  # noqa: S608
    return max(oldest, found[0]["at"]) if found else oldest


def _name(text: str | None) -> str | None:
    return None if text is None else clean(text, _NAME_LIMIT)
