# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The off switch: sharing is stopped and started again for the whole drive table. Private: may change at any time.

While it is stopped changes are written and dispatched as ever, but a reservation sets nothing offline and forces no
error; a release gives back what was taken before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _alone,
    _change,
    _changes,
    _dispatch,
    _history,
    _identifiers,
    _store,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._change import Observation
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: The table's key; its value is when sharing was stopped, ISO 8601.
KEY = "sharing_stopped"


@dataclass
class Stopped:
    """What stop() did."""

    #: Whether sharing was going on before.
    changed: bool
    #: The batch that gives back, to be played at once; None: nothing is to be given back now.
    batch: str | None = None
    #: The drives of the batch.
    drives: list[str] = field(default_factory=list)
    #: One sentence for each drive that stays offline for now.
    messages: list[str] = field(default_factory=list)


def since(tx: Any) -> str | None:
    """When sharing was stopped; None: it is not."""
    return _store.get_meta(tx, KEY)


def stop(tx: Any, free: Sequence[str], alive: Callable[[dict[str, Any]], bool], now: float) -> Stopped:
    """Stop sharing, and put every taken drive that nobody holds into a batch of its own.

    ``free``: drives that a person knows to be free, whatever the table says, or ``all``. ``alive``: says whether the play
    that claimed a batch still runs. Raises InvalidValueError.
    """
    before = since(tx)
    if before is None:
        _store.set_meta(tx, KEY, _change.timestamp(now))
        _history.add(tx, now, "alert", "Sharing was stopped: what is taken is given back, and nothing is set offline any more.")
    done = Stopped(before is None)
    # Whoever stops sharing may do it because the dispatcher is no more.
    _dispatch.expire(tx, now, alive)
    rows = {row["drive"]: row for row in _taken(tx)}
    for drive in _wanted(free, rows):
        if rows[drive]["status"] == "reserved":
            _changes.record(tx, [Observation(drive, "released", (), _change.timestamp(now), "manual")], now)
            rows[drive]["status"] = "released"
    ready = [drive for drive, row in rows.items() if row["status"] == "released" and not row["error_state"]]
    _dispatch.withdraw(tx, ready, now)
    for drive in ready:
        _changes.again(tx, drive, now)
    batch = _identifiers.new_batch_id(now)
    done.drives = _dispatch.emit(tx, ready, batch, now) if ready else []
    done.batch = batch if done.drives else None
    done.messages = [_stays(drive, row) for drive, row in rows.items() if drive not in done.drives]
    return done


def start(tx: Any, now: float) -> tuple[bool, int]:
    """Share again: (whether it was stopped, the number of reserved drives that are dispatched anew)."""
    if since(tx) is None:
        return False, 0
    _store.set_meta(tx, KEY, None)
    _history.add(tx, now, "alert", "Sharing was started again.")
    reserved = [row["drive"] for row in tx.execute("SELECT drive FROM drives WHERE status = 'reserved'")]
    for drive in reserved:
        _changes.again(tx, drive, now)
    return True, len(reserved)


def _taken(tx: Any) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in tx.execute(
        "SELECT a.drive, a.instance, d.status, d.holders, d.error_state FROM answers a JOIN drives d ON d.drive = a.drive"
        " WHERE a.taken = 1 ORDER BY a.drive, a.instance"
    ):
        found.setdefault(row["drive"], {**row, "instances": []})["instances"].append(row["instance"])
    return list(found.values())


def _wanted(free: Sequence[str], rows: dict[str, Any]) -> list[str]:
    if list(free) == [_alone.ALL]:
        return sorted(rows)
    drives = [_identifiers.serial(drive, "A drive of drive_sharing_free") for drive in free]
    unknown = [drive for drive in drives if drive not in rows]
    if unknown:
        msg = (
            f"Drive {unknown[0]} of drive_sharing_free is not offline because of this collection, as far as the drive table"
            f" knows; nothing was changed. Taken are {', '.join(sorted(rows)) or 'none'}."
        )
        raise InvalidValueError(msg)
    return drives


def _stays(drive: str, row: dict[str, Any]) -> str:
    where = ", ".join(dict.fromkeys(row["instances"]))
    if row["error_state"]:
        why = "it is in its error state; clear that by the playbook clear_error"
    elif row["status"] == "reserved":
        why = (
            "it is reserved, and is given back when it is released, as long as the event source runs; if you know that it is"
            f' free, run the playbook again with drive_sharing_free: ["{drive}"]'
        )
    else:
        why = "another play is at work on it; run the playbook again in a minute"
    return f"Drive {drive} stays offline in {where}: {why}."
