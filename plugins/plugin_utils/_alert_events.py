# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator is told, as events for the rule engine, so that a rule can send it on.

An event has no text: what hosts and libraries said would reach a playbook as a trusted variable. It has the number of an entry of the
history, which the module drive_table_info reads as data. Private: may change at any time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _history, _rows, _silence

EVENT_VERSION = 1

#: The history's kind of what was told.
TOLD = "told"

#: What most sites want to be told of, by the name that an event has. Other events have the kind of their entry in the history.
ERROR, NOT_CONFIRMED, CONTRADICTION, OFFLINE_LONG, NOT_CLAIMED, CONFIRMED = (
    "error", "not_confirmed", "contradiction", "offline_long", "not_claimed", "confirmed",
)

#: No number of an entry is as great: BIGSERIAL.
_SERIAL_END = 2**63

#: Most drives that an event names; it has their number beside.
NAMED = 100


@dataclass(frozen=True)
class Told:
    """One sentence for the operator."""

    kind: str
    message: str
    drives: tuple[str, ...] = ()


def event(tx: Any, told: Told, now: float) -> dict[str, Any]:
    """Keep a sentence in the history, and give the event that names it."""
    _history.add(tx, now, TOLD, told.message, told.drives[0] if len(told.drives) == 1 else None)
    (row,) = tx.execute(
        "SELECT MAX(id) AS id FROM history WHERE kind = ? AND at = ? AND message = ?", (TOLD, now, _history.clean(told.message))
    )
    return {
        "drive_alert": {
            "version": EVENT_VERSION, "kind": told.kind, "entry": row["id"], "drives": sorted(told.drives)[:NAMED], "count": len(told.drives),
        }
    }


def entries(tx: Any, numbers: Collection[int]) -> list[dict[str, Any]]:
    """Give the entries of the history of these numbers, newest first; what is not there is left out."""
    rows = _rows.select_in(
        tx,
        "SELECT id, at, drive, sequence, kind, host, instance, message FROM history WHERE id IN {in}",
        {number for number in numbers if 0 < number < _SERIAL_END},
    )
    return sorted(rows, key=lambda row: -row["id"])


def offline_long(tx: Any, now: float, limit: float) -> list[Told]:
    """Tell of drives that have been kept from somebody longer than ``limit`` seconds, each change once."""
    due = tx.execute(
        "SELECT d.drive, d.sequence, d.status, d.observed_at, a.host FROM drives d JOIN answers a ON a.drive = d.drive"
        " WHERE a.taken = 1 AND d.written_at <= ? ORDER BY d.drive, a.host",
        (now - limit,),
    )
    told_before = {
        (row["drive"], row["sequence"])
        for row in _rows.select_in(
            tx,
            "SELECT drive, sequence FROM history WHERE kind = ? AND drive IN {in}",
            {row["drive"] for row in due},
            before=(OFFLINE_LONG,),
        )
    }
    hosts: dict[tuple[str, int, str, str], list[str]] = {}
    for row in due:
        if (row["drive"], row["sequence"]) not in told_before:
            hosts.setdefault((row["drive"], row["sequence"], row["status"], row["observed_at"]), []).append(row["host"])
    told = [
        Told(OFFLINE_LONG, _sentence(drive, status, since, at, limit), (drive,)) for (drive, _number, status, since), at in hosts.items()
    ]
    # A kind that is not told by itself: these are the notes of what was.
    _history.add_many(
        tx, [(now, OFFLINE_LONG, one.message, drive, number, None, None) for (drive, number, _s, _t), one in zip(hosts, told, strict=True)]
    )
    return _together(told, limit)


def _sentence(drive: str, status: str, since: str, hosts: Collection[str], limit: float) -> str:
    where = _silence.some(hosts)
    if status == "released":
        return (
            f"Drive {drive} was released at {since}, and is still offline at {where} after {_hours(limit)}: see what is owed"
            " (drive_table_info)."
        )
    return (
        f"Drive {drive} has been offline at {where} for more than {_hours(limit)}: it is {status} since {since}. If nobody uses it any"
        " more, the playbook conflict_doctor says what can be done."
    )


def _together(told: list[Told], limit: float) -> list[Told]:
    if len(told) <= _silence.FEW:
        return told
    drives = tuple(one.drives[0] for one in told)
    message = (
        f"{len(drives)} drives ({_silence.some(drives)}) have been offline for more than {_hours(limit)} somewhere; the history has a"
        f" sentence for each, of the kind {OFFLINE_LONG} (drive_table_info)."
    )
    return [Told(OFFLINE_LONG, message, drives)]


def _hours(seconds: float) -> str:
    hours = f"{seconds / 3600:.3g}"
    return f"{hours} hour{'' if hours == '1' else 's'}"
