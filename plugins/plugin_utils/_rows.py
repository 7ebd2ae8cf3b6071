# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of the drive table: reading many by key, decoding what may have been damaged by hand.

Private: may change at any time.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _change, _history, _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: Numbers of placeholders in use: few, so that both back ends find their prepared statements again.
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)

ERROR_STATES = ("", "forcing", "error", "clearing")


def chunks(values: Collection[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Give ``(?, ?, ...)`` and its values, of all values in portions; the last value fills up."""
    rest = list(dict.fromkeys(values))
    while rest:
        part, rest = rest[: _SIZES[-1]], rest[_SIZES[-1] :]
        size = min(size for size in _SIZES if size >= len(part))
        yield f"({', '.join('?' * size)})", part + [part[-1]] * (size - len(part))


def select_in(
    tx: Any, sql: str, values: Collection[Any], before: Sequence[Any] = (), after: Sequence[Any] = ()
) -> list[dict[str, Any]]:
    """Run a SELECT that has ``{in}`` where the values go; ``before`` and ``after``: values of placeholders around it."""
    rows: list[dict[str, Any]] = []
    for marks, part in chunks(values):
        rows += tx.execute(sql.replace("{in}", marks), (*before, *part, *after))
    return rows


def execute_in(tx: Any, sql: str, values: Collection[Any], before: Sequence[Any] = (), after: Sequence[Any] = ()) -> int:
    """Run a writing statement that has ``{in}`` where the values go; gives the number of rows changed."""
    changed = 0
    for marks, part in chunks(values):
        tx.execute(sql.replace("{in}", marks), (*before, *part, *after))
        changed += max(0, tx.rowcount)
    return changed


def dumps(value: Any) -> str:
    """Write JSON as the table keeps it."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def loads(text: Any) -> Any:
    """Read JSON out of the table; None where it was damaged by hand."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None


def change_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The change that a row of the table drives holds, validated. Raises InvalidValueError, one sentence naming the row."""
    what = f"the drive table's row of drive {_identifiers.shown(row['drive'])}"
    try:
        change = _change.validate(
            {
                "version": _change.VERSION,
                "drive": row["drive"],
                "status": row["status"],
                "holders": loads(row["holders"]),
                "port": None if row["port"] is None else loads(row["port"]) or "damaged",
                "sequence": row["sequence"],
                "observed_at": row["observed_at"],
                "library": row["library"],
                "detector": row["detector"],
            },
            "it",
        )
        for key in ("settled", "attempt", "failures"):
            if isinstance(row[key], bool) or not isinstance(row[key], int):
                msg = f"its {key} must be a whole number, not {_identifiers.shown(row[key])}"
                raise InvalidValueError(msg)
        if row["error_state"] not in ERROR_STATES:
            msg = f"its error_state must be one of {', '.join(ERROR_STATES[1:])} or empty"
            raise InvalidValueError(msg)
        if change["drive"] != row["drive"]:
            msg = "its key must be a serial number without padding"
            raise InvalidValueError(msg)
    except InvalidValueError as exc:
        msg = f"{what[0].upper()}{what[1:]} is damaged ({exc}); it is left out until a new change of that drive is written."
        raise InvalidValueError(msg) from exc
    return change


def set_aside(tx: Any, row: Mapping[str, Any], why: InvalidValueError, now: float) -> bool:
    """Take a damaged row out of everything under way, so that it is reported once; False: its key is damaged too."""
    tx.execute("UPDATE drives SET due = NULL, batch = NULL WHERE drive = ?", (row["drive"],))
    if tx.rowcount <= 0:
        return False
    _history.add(tx, now, "invalid", str(why), drive=row["drive"] if isinstance(row["drive"], str) else None)
    return True
