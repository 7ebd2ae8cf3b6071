# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of the history is told at once in the rule engine's log: a line that a person reads, not one for each entry.

An outage leaves an entry for every drive. They are held back for a moment and told together, with the control points and the
causes; as long as it lasts only what is new is told, with growing pauses. Private: may change at any time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _alert_events,
    _handshake,
    _rows,
    _silence,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._alert_events import Told

#: What of the history is worth an operator's attention at once.
KINDS = {
    "silent", "error", "error_failed", "error_limit", "error_undone", "unsettled", "invalid", "contradiction", "alert", "kept",
    "expired", "raised",
}
#: Those of drives that were not confirmed.
HELD = {"silent", "error", "error_limit"}

#: Seconds that entries are held back: until no batch is under way, but within these bounds.
HOLD, HOLD_MOST = 2.0, 30.0
#: Seconds until more drives of control points that were told before are told: doubled each time, while the outage lasts.
PAUSE, PAUSE_MOST = 300.0, 3600.0
#: Seconds between looks at whether what was told is confirmed by now.
LOOK = 5.0
#: Entries of another kind that are told within a minute; the rest is counted.
LINES, MINUTE = 10, 60.0

_LIMIT = re.compile(r"the limit of \d+ drives? .*?\(drive_sharing_error_limit\)")
_MISSING = "FROM answers a JOIN drives d ON d.drive = a.drive WHERE a.expected = 1 AND a.confirmed = 0"
_OWED = (
    f"SELECT a.drive, a.host, a.reason, d.sequence, d.status {_MISSING}"
    f" AND a.outcome NOT IN ({', '.join(repr(one) for one in _handshake.PENDING)})"
)


@dataclass
class _Drive:
    """A drive that was not confirmed, and was not told of yet."""

    #: The sentence for this drive alone.
    message: str
    #: host: why.
    said: dict[str, str] = field(default_factory=dict)
    in_error: bool = False
    limit: str = ""


class Alerts:
    """One per dispatcher."""

    def __init__(self) -> None:
        """Nothing was told yet."""
        self._held: dict[str, _Drive] = {}
        self._since = 0.0
        self._drives: set[str] = set()
        self._hosts: set[str] = set()
        self._in_error: set[str] = set()
        self._pause = PAUSE
        self._next = 0.0
        self._looked = 0.0
        self._lines: dict[str, tuple[float, int]] = {}

    def start(self, tx: Any, now: float) -> None:
        """Tell what was owed before the start, too: nobody has to read the log of the engine before."""
        owed: dict[str, list[dict[str, Any]]] = {}
        for row in tx.execute(f"{_OWED} AND d.failures > 0 ORDER BY a.drive, a.host"):
            owed.setdefault(row["drive"], []).append(row)
        for drive, rows in owed.items():
            said = _said(rows)
            message = (
                f"Drive {drive} (change {rows[0]['sequence']}, {rows[0]['status']}) was not confirmed by {_silence.by_whom(said)};"
                " it is owed and asked again."
            )
            self._hold(drive, now, message).said = said

    def take(self, tx: Any, rows: Iterable[Mapping[str, Any]], now: float) -> list[Told]:
        """Take in new entries of the history; gives what is to be told at once."""
        lines: list[Told] = []
        fresh: set[str] = set()
        for row in rows:
            if row["kind"] not in KINDS:
                continue
            if row["kind"] not in HELD or not row["drive"]:
                lines += self._line(row, now)
                continue
            drive = self._hold(row["drive"], now, row["message"])
            found = _LIMIT.search(row["message"])
            drive.limit = found.group() if found else drive.limit
            drive.in_error |= row["kind"] == "error"
            fresh.add(row["drive"])
        owed: dict[str, list[dict[str, Any]]] = {}
        for answer in _rows.select_in(tx, f"{_OWED} AND a.drive IN {{in}}", fresh):
            owed.setdefault(answer["drive"], []).append(answer)
        for name, answers in owed.items():
            self._held[name].said = _said(answers)
        return lines

    def _hold(self, drive: str, now: float, message: str) -> _Drive:
        if not self._held:
            self._since = now
        held = self._held.setdefault(drive, _Drive(message))
        if not held.in_error:
            held.message = message
        return held

    def _line(self, row: Mapping[str, Any], now: float) -> list[Told]:
        kind = row["kind"]
        begun, count = self._lines.get(kind, (now, 0))
        self._lines[kind] = (begun, count + 1)
        return [Told(kind, row["message"], (row["drive"],) if row["drive"] else ())] if count < LINES else []

    def look(self, tx: Any, now: float, under_way: int) -> list[Told]:
        """Give what is to be told now."""
        lines = self._rest(now)
        held = now - self._since
        if self._held and (held >= HOLD_MOST or (held >= HOLD and not under_way) or held < 0):
            lines += self._tell(now)
        return lines + self._paid(tx, now)

    def _rest(self, now: float) -> list[Told]:
        """Count what was too much to be told."""
        lines: list[Told] = []
        for kind, (begun, count) in list(self._lines.items()):
            if 0 <= now - begun < MINUTE:
                continue
            del self._lines[kind]
            if count > LINES:
                message = (
                    f"The history of the drive table has {count - LINES} more entries of the kind {kind}; the module"
                    " drive_table_info shows them."
                )
                lines.append(Told(kind, message))
        return lines

    def _tell(self, now: float) -> list[Told]:
        """Tell what is held back, if it is new."""
        held = self._held
        hosts = {host for drive in held.values() for host in drive.said}
        forced = {name for name, drive in held.items() if drive.in_error} - self._in_error
        fresh = bool(held.keys() - self._drives)
        urgent = bool(forced or hosts - self._hosts)
        if not urgent and not fresh:
            self._held = {}
            return []
        if not urgent and 0 <= self._next - now <= PAUSE_MOST:
            return []
        self._held = {}
        self._drives |= held.keys()
        self._hosts |= hosts
        self._in_error |= forced
        self._next, self._pause = now + self._pause, min(2 * self._pause, PAUSE_MOST)
        self._looked = now
        return _sentences(held)

    def _paid(self, tx: Any, now: float) -> list[Told]:
        """Say that what was told is over."""
        if not self._drives or self._held or 0 <= now - self._looked < LOOK:
            return []
        self._looked = now
        if _rows.select_in(tx, f"SELECT 1 {_MISSING} AND a.drive IN {{in}} LIMIT 1", self._drives):
            return []
        states = _rows.select_in(tx, "SELECT drive FROM drives WHERE error_state <> '' AND drive IN {in}", self._drives)
        in_error = {row["drive"] for row in states}
        are = "is" if len(self._drives) == 1 else "are"
        line = f"{_count(self._drives, 'Drive')} {are} now confirmed by all control points."
        if in_error:
            line += f" Still in the error state, until the playbook clear_error is run: {_silence.some(in_error, _silence.NAMED)}."
        told = Told(_alert_events.CONFIRMED, line, tuple(sorted(self._drives)))
        self._drives, self._hosts, self._in_error = set(), set(), set()
        self._pause, self._next = PAUSE, 0.0
        return [told]


def _count(drives: Collection[str], one: str = "drive") -> str:
    if len(drives) == 1:
        return f"{one} {next(iter(drives))}"
    return f"{len(drives)} drives ({_silence.some(drives)})"


def _said(answers: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {answer["host"]: answer["reason"] or "no answer in time" for answer in answers}


def _sentences(held: Mapping[str, _Drive]) -> list[Told]:
    if len(held) <= _silence.FEW:
        return [_told(drive.message, {name: drive}) for name, drive in sorted(held.items())]
    nobody = {name: drive for name, drive in held.items() if not drive.said}
    if nobody:
        # None of their control points can be asked, or all have answered in this very moment.
        asked = {name: drive for name, drive in held.items() if name not in nobody}
        line = f"{min(nobody.items())[1].message} So it is with {_count(nobody)}."
        return [_told(line, nobody), *(_sentences(asked) if asked else ())]
    line = f"{_silence.many((name, drive.said) for name, drive in sorted(held.items()))}; it is owed and asked again."
    in_error = [name for name, drive in held.items() if drive.in_error]
    if in_error:
        line += f" In their error state: {_silence.some(in_error, _silence.NAMED)}."
    limits = sorted({drive.limit for drive in held.values() if drive.limit})
    if limits:
        line += f" No more are put into it: {limits[0]}."
    return [_told(line, held)]


def _told(line: str, held: Mapping[str, _Drive]) -> Told:
    in_error = any(drive.in_error for drive in held.values())
    return Told(_alert_events.ERROR if in_error else _alert_events.NOT_CONFIRMED, line, tuple(sorted(held)))
