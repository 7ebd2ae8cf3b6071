# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How observations become changes of the drive table (design 4.1). Private: may change at any time."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _change,
    _history,
    _lookup,
    _rows,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._change import Observation, observation
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._doubts import Against
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._known import (
    Known,
    disagreement,
    in_words,
    known,
    of_row,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._resolve import (
    origin_key,
    record_unresolved,
    resolve_drive,
)

__all__ = [
    "Known", "Recorded", "known", "observation", "raise_sequence", "record", "record_unresolved", "redo", "resolve_drive",
    "retry_unresolved", "state", "states",
]


#: How the reason begins why a drive is settled of which nobody was asked.
NOBODY = "seen by fewer than two"


@dataclass(frozen=True)
class Recorded:
    """What became of one observation.

    ``result``: written, unchanged, repeated, stale_reading or contradiction. ``sequence``: the drive's afterwards (0: the
    table has no row of it). ``message``: a sentence for the log.
    """

    drive: str
    result: str
    sequence: int
    message: str
    #: Another detector told something else than what was read and written.
    against: Against | None = None


_WRITE = """
    INSERT INTO drives (drive, status, holders, port, sequence, observed_at, library, detector, written_at, settled,
        settled_why, due)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (drive) DO UPDATE SET
        status = excluded.status, holders = excluded.holders, port = excluded.port, sequence = excluded.sequence,
        observed_at = excluded.observed_at, library = COALESCE(excluded.library, drives.library),
        detector = excluded.detector, written_at = excluded.written_at,
        settled = CASE WHEN excluded.settled > 0 THEN excluded.settled ELSE drives.settled END,
        settled_why = CASE WHEN excluded.settled > 0 THEN excluded.settled_why ELSE drives.settled_why END,
        due = excluded.due, failures = 0, recheck_at = NULL
"""


class _Recorder:
    """Everything that a group of observations needs to be judged, read with a few statements."""

    def __init__(self, tx: Any, observations: Collection[Observation], now: float, release_hold: float) -> None:
        self.tx = tx
        self.now = now
        self.release_hold = release_hold
        drives = {one.drive for one in observations}
        self.rows = {drive: Known() for drive in drives}
        for found in _rows.select_in(tx, "SELECT * FROM drives WHERE drive IN {in}", drives):
            self.rows[found["drive"]] = of_row(found)
        self.origins = {
            row["origin"]
            for row in _rows.select_in(
                tx,
                "SELECT origin FROM notifications WHERE origin IN {in}",
                {origin_key(one.origin) for one in observations if one.origin is not None},
            )
        }
        self.seen = _lookup.few_instances(tx, drives)
        self.taken = {
            row["drive"]
            for row in _rows.select_in(tx, "SELECT drive FROM answers WHERE taken = 1 AND drive IN {in}", drives)
        }
        # Only who releases what others may hold has to be looked up.
        ports = [one.port for one in observations if one.port is not None and not one.level]
        if ports:
            ports += [port for row in self.rows.values() for port in row.holders]
            ports += [port for one in observations for port in one.holders]
        self.owners = _lookup.port_owners(tx, ports)
        self.new_origins: list[tuple[str, float]] = []
        self.changes: dict[str, tuple[Any, ...]] = {}
        self.history: list[tuple[float, str, str, str | None, int | None, str | None, str | None]] = []

    def take(self, one: Observation) -> Recorded:
        """Judge one observation."""
        row = self.rows[one.drive]
        if one.origin is not None:
            key = origin_key(one.origin)
            if key in self.origins:
                return self._as(one, "repeated", f"A notification about drive {one.drive} came again; it was taken before.")
        if row.same(one.status, one.holders):
            return self._answered(one, "unchanged", f"Drive {one.drive} is {one.status} as known.")
        if one.level and one.seen_sequence != row.sequence:
            return self._as(
                one, "stale_reading",
                f"Drive {one.drive} changed while it was read (change {one.seen_sequence}, now {row.sequence});"
                " the reading was not taken and has to be made again.",
            )
        if one.level and row.keeps_holder(one.holders, one.detector):
            return self._answered(
                one, "unchanged",
                f"Drive {one.drive} is reserved as known; the reading cannot tell by whom, so the known holder stays.",
            )
        against = self._contradicts(one, row)
        if against:
            self.history.append((self.now, "contradiction", against, one.drive, row.sequence or None, None, None))
            return self._answered(one, "contradiction", against)
        return self._written(one, row)

    def _written(self, one: Observation, row: Known) -> Recorded:
        text = in_words(one.status, one.holders)
        if one.port is not None:
            text += f" by {_change.port_text(one.port)}"
        against = disagreement(one, row, text)
        # Drives that are opened and closed again and again flip; what is newer takes the place of a release that is held.
        hold = self.release_hold if one.status == "released" and row.status == "reserved" else 0.0
        row.status, row.holders, row.sequence, row.detector = one.status, one.holders, row.sequence + 1, one.detector
        few = self._concerns_nobody(one.drive, row)
        # A settled value of 0 leaves the row's own.
        settled, due = (row.sequence, None) if few else (0, self.now + hold)
        self.changes[one.drive] = (
            one.drive, one.status, _rows.dumps(list(one.holders)), None if one.port is None else _rows.dumps(one.port),
            row.sequence, one.observed_at, one.library, one.detector, self.now, settled, few, due,
        )
        message = f"Drive {one.drive}: {text} ({one.detector})."
        self.history.append((self.now, "change", message, one.drive, row.sequence, None, None))
        return dataclasses.replace(self._answered(one, "written", message), against=against)

    def _concerns_nobody(self, drive: str, row: Known) -> str:
        """Why a change is settled at once, or nothing."""
        one, other = self.seen.get(drive, ("none", "none"))
        # What we took has to be given back, and an error state ended, even if only one instance is left.
        if one != other or drive in self.taken or row.error_state:
            return ""
        return f"{NOBODY} managed instances ({one})"

    def _contradicts(self, one: Observation, row: Known) -> str:
        """Say what is odd about a release by somebody who does not hold the drive: such a RELEASE is GOOD without effect."""
        if one.level or one.port is None or row.status != "reserved" or one.port in row.holders:
            return ""
        if _change.UNREADABLE in row.holders:
            return ""
        owners = self.owners.get((one.port["protocol"], one.port["id"]), set())
        holding: set[str] = set()
        for port in row.holders:
            holding |= self.owners.get((port["protocol"], port["id"]), set())
        if owners & holding:
            return ""
        return (
            f"Drive {one.drive} was released by {_change.port_text(one.port)}, but"
            f" {', '.join(_change.port_text(port) for port in row.holders)} holds it: a release by another has no effect;"
            " nothing was changed. A level reading would show who is right."
        )

    def _answered(self, one: Observation, result: str, message: str) -> Recorded:
        if one.origin is not None:
            key = origin_key(one.origin)
            self.origins.add(key)
            self.new_origins.append((key, self.now))
        return self._as(one, result, message)

    def _as(self, one: Observation, result: str, message: str) -> Recorded:
        return Recorded(one.drive, result, self.rows[one.drive].sequence, message)

    def write(self) -> None:
        """Write what has come together."""
        if self.changes:
            self.tx.many(_WRITE, list(self.changes.values()))
        if self.new_origins:
            self.tx.many(
                "INSERT INTO notifications (origin, at) VALUES (?, ?) ON CONFLICT (origin) DO NOTHING", self.new_origins
            )
        _history.add_many(self.tx, self.history)


def record(tx: Any, observations: Iterable[Observation], now: float, release_hold: float = 0.0) -> list[Recorded]:
    """Write what is new of many observations in one transaction; one Recorded for each, in their order.

    ``release_hold``: seconds until a release becomes due, unless something newer comes. Raises TableError.
    """
    group = list(observations)
    if not group:
        return []
    recorder = _Recorder(tx, group, now, release_hold)
    results = [recorder.take(one) for one in group]
    recorder.write()
    return results


def retry_unresolved(tx: Any, now: float) -> list[Recorded]:
    """Record the kept notifications whose drives are known by now; write_hosts calls it."""
    results: list[Recorded] = []
    for row in tx.execute("SELECT * FROM unresolved ORDER BY at LIMIT 10000"):
        place = (row["kind"], row["value"], row["library"])
        try:
            drive = resolve_drive(tx, {row["kind"]: row["value"], "library": row["library"] or None})
        except InvalidValueError:
            continue
        tx.execute("DELETE FROM unresolved WHERE kind = ? AND value = ? AND library = ?", place)
        try:
            one = observation({**(_rows.loads(row["fields"]) or {}), "drive": drive})
        except InvalidValueError as exc:
            _history.add(tx, now, "invalid", f"A notification that was put aside is damaged ({exc}); it was dropped.")
            continue
        # What other notifications have told since then is newer.
        if tx.execute("SELECT 1 FROM drives WHERE drive = ? AND written_at >= ?", (drive, row["at"])):
            continue
        if row["origin"] is not None:
            tx.execute(
                "INSERT INTO notifications (origin, at) VALUES (?, ?) ON CONFLICT (origin) DO NOTHING",
                (row["origin"], now),
            )
        results += record(tx, [one], now)
    return results


def raise_sequence(tx: Any, drive: str, at_least: int, now: float) -> int:
    """Go past the sequence of a record that is ahead of the table, and do the drive again; gives the new sequence.

    0: the table has no such drive. Raises InvalidValueError if the record's sequence cannot be right.
    """
    if isinstance(at_least, bool) or not isinstance(at_least, int) or not 0 <= at_least < _change.MAX_SEQUENCE:
        msg = f"The sequence of drive {drive} in a record must be a whole number up to {_change.MAX_SEQUENCE}"
        raise InvalidValueError(msg)
    rows = tx.execute("SELECT sequence FROM drives WHERE drive = ?", (drive,))
    if not rows:
        return 0
    if rows[0]["sequence"] > at_least:
        return rows[0]["sequence"]
    tx.execute("UPDATE drives SET sequence = ?, due = ?, failures = 0 WHERE drive = ?", (at_least + 1, now, drive))
    _history.add(
        tx, now, "raised",
        f"Drive {drive}: a record was at change {at_least}, the drive table only at {rows[0]['sequence']}; the table went past"
        " it. Either the table was made anew or an old one put back, or another controller with a table of its own works on the"
        " same hosts.",
        drive, at_least + 1,
    )
    return at_least + 1


def redo(tx: Any, drive: str, why: str, now: float) -> bool:
    """Ask every control point of a drive again about its newest change; False: the table has no such drive."""
    if not again(tx, drive, now):
        return False
    _history.add(tx, now, "redo", f"Drive {drive} is asked about again: {why}.", drive)
    return True


def again(tx: Any, drive: str, now: float) -> bool:
    """Give the drive's newest change a new number, so that no answer to the old one counts, and let it become due."""
    tx.execute(
        "UPDATE drives SET sequence = sequence + 1, due = ?, failures = 0, recheck_at = NULL WHERE drive = ?", (now, drive)
    )
    return tx.rowcount > 0


def state(tx: Any, drive: str) -> dict[str, Any] | None:
    """One drive's row, holders and port decoded, or None. Raises InvalidValueError for a row that was damaged by hand."""
    rows = tx.execute("SELECT * FROM drives WHERE drive = ?", (drive,))
    return {**rows[0], **_rows.change_of(rows[0])} if rows else None


def states(tx: Any) -> list[dict[str, Any]]:
    """All drives' rows by serial; one that was damaged by hand is ``{"drive": None, "invalid": sentence}``."""
    found: list[dict[str, Any]] = []
    for row in tx.execute("SELECT * FROM drives ORDER BY drive"):
        try:
            found.append({**row, **_rows.change_of(row)})
        except InvalidValueError as exc:
            found.append({"drive": None, "invalid": str(exc)})
    return found
