# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking in what the control points answer (design 4.3 I1 to I5).

Private: may change at any time; offered through _dispatch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _handshake,
    _history,
    _identifiers,
    _rows,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: Characters of an answer's JSON detail; what is longer is dropped, for the table must stay small.
DETAIL_LIMIT = 16_384


@dataclass(frozen=True)
class Confirmed:
    """What confirm() made of the answers."""

    #: Drives that are settled by them.
    settled: list[str]
    #: (drive, instance, host) of answers to a claim that was lost meanwhile.
    late: list[tuple[str, str, str]]


def confirm(tx: Any, batch: str, answers: Iterable[Mapping[str, Any]], now: float) -> Confirmed:
    """Take answers in and settle what is complete.

    Keys: drive, sequence, attempt, instance, host, confirmed, outcome, state_read, reason, detail (JSON), taken (True,
    False, or None: not known) and recheck_at (epoch seconds, or None) where a set left doubt. An answer counts only while
    its claim holds; a late one changes nothing but the copy of ``taken``, and only if it knows newer. Raises
    InvalidValueError.
    """
    given = [_checked(answer) for answer in answers]
    held = _handshake.held_by(tx, batch)
    kept = {
        (row["drive"], row["instance"], row["host"]): row
        for row in _rows.select_in(tx, "SELECT * FROM answers WHERE drive IN {in}", [one["drive"] for one in given])
    }
    intake = _Intake(now)
    for one in given:
        row = held.get(one["drive"])
        before = kept.get(one["key"])
        holds = row is not None and (row["claimed_sequence"], row["attempt"]) == (one["sequence"], one["attempt"])
        if holds and before is not None and before["expected"] and before["sequence"] == one["sequence"]:
            intake.counts(one, before)
        else:
            intake.late(one, before)
    intake.write(tx)
    return Confirmed(_handshake.settle_confirmed(tx, intake.drives, now, set(intake.drives) - intake.told), [one["key"] for one in intake.lates])


def _checked(answer: Mapping[str, Any]) -> dict[str, Any]:
    one = dict(answer)
    for key in ("sequence", "attempt"):
        if isinstance(one.get(key), bool) or not isinstance(one.get(key), int):
            msg = f"An answer's {key} must be a whole number, not {_identifiers.shown(one.get(key))}"
            raise InvalidValueError(msg)
    one["drive"] = _identifiers.serial(one.get("drive"), "an answer's drive")
    one["key"] = (
        one["drive"],
        _identifiers.instance_name(one.get("instance"), "an answer's instance"),
        _identifiers.host_name(one.get("host"), "an answer's host"),
    )
    # What was only observed was never set.
    one["observed"] = isinstance(one.get("detail"), Mapping) and bool(one["detail"].get("observed"))
    detail = None if one.get("detail") is None else _rows.dumps(one["detail"])
    one["detail"] = detail if detail is None or len(detail) <= DETAIL_LIMIT else None
    one["confirmed"] = int(one.get("confirmed") is True)
    one["outcome"] = _history.clean(one.get("outcome") or "", 64)
    one["reason"] = _history.clean(one.get("reason") or "")
    one["state_read"] = None if one.get("state_read") is None else _history.clean(one["state_read"], 64)
    one["taken"] = None if one.get("taken") is None else int(bool(one["taken"]))
    recheck = one.get("recheck_at")
    one["recheck_at"] = None if recheck is None else float(recheck)
    return one


class _Intake:
    """Answers on their way into the table."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.drives: list[str] = []
        self.lates: list[dict[str, Any]] = []
        #: The drives of which something new was answered.
        self.told: set[str] = set()
        self._answers: list[tuple[Any, ...]] = []
        self._taken: list[tuple[Any, ...]] = []
        self._of_instance: list[tuple[Any, ...]] = []
        self._unknown: list[tuple[Any, ...]] = []
        self._give_back: list[tuple[str, ...]] = []
        self._history: list[tuple[float, str, str, str | None, int | None, str | None, str | None]] = []

    def counts(self, one: dict[str, Any], before: Mapping[str, Any]) -> None:
        self.drives.append(one["drive"])
        self._answers.append((
            one["confirmed"], int(one["confirmed"] and not one["observed"]), one["outcome"], one["state_read"], one["reason"], one["detail"], one["recheck_at"],
            self.now, one["attempt"], *one["key"],
        ))
        self._took(one, before, before["scope"])
        if one["outcome"] and all(one[key] == before[key] for key in ("outcome", "reason")):
            return  # it was asked again about the same change, and is as it was
        self.told.add(one["drive"])
        self._note(one, "answer", f"{one['outcome'] or 'no answer'}{': ' if one['reason'] else ''}{one['reason']}")

    def late(self, one: dict[str, Any], before: Mapping[str, Any] | None) -> None:
        self.lates.append(one)
        if before is None:
            if one["taken"]:
                self._unknown.append((*one["key"], one["sequence"], one["sequence"], one["attempt"], self.now))
                self._give_back.append(one["key"])
        elif self._took(one, before, before["scope"]) and one["taken"] and not before["taken"]:
            self._give_back.append(one["key"])
        self._note(one, "late", f"the answer {one['outcome']!r} to change {one['sequence']} came too late and was not counted")

    def _took(self, one: dict[str, Any], before: Mapping[str, Any], scope: str) -> bool:
        """Take over the copy of taken (I2), unless what is there is newer."""
        mine = (one["sequence"], one["attempt"])
        if one["taken"] is None or mine < (before["taken_sequence"], before["taken_attempt"]):
            return False
        self._taken.append((one["taken"], *mine, *one["key"]))
        if scope == "instance" and not one["taken"]:
            # One state per instance: what another control point took for it earlier is given back too.
            self._of_instance.append((*one["key"], mine[0]))
        return True

    def _note(self, one: dict[str, Any], kind: str, text: str) -> None:
        drive, instance, host = one["key"]
        self._history.append((self.now, kind, f"Drive {drive}, {host}: {text}.", drive, one["sequence"], host, instance))

    def write(self, tx: Any) -> None:
        for sql, rows in (
            (
                "UPDATE answers SET confirmed = ?, confirmed_once = CASE WHEN ? = 1 THEN 1 ELSE confirmed_once END,"
                " outcome = ?, state_read = ?, reason = ?, detail = ?, recheck_at = ?,"
                " answered_at = ?, answered_attempt = ? WHERE drive = ? AND instance = ? AND host = ?",
                self._answers,
            ),
            (
                "INSERT INTO answers (drive, instance, host, sequence, expected, taken, taken_sequence, taken_attempt,"
                " answered_at) VALUES (?, ?, ?, ?, 0, 1, ?, ?, ?)"
                " ON CONFLICT (drive, instance, host) DO NOTHING",
                self._unknown,
            ),
            (
                "UPDATE answers SET taken = ?, taken_sequence = ?, taken_attempt = ?"
                " WHERE drive = ? AND instance = ? AND host = ?",
                self._taken,
            ),
            (
                "UPDATE answers SET taken = 0 WHERE drive = ? AND instance = ? AND host <> ? AND taken_sequence <= ?",
                self._of_instance,
            ),
            # It turns out that something is taken of which the table did not know: the drive is looked at once more.
            (
                "UPDATE answers SET confirmed = 0 WHERE drive = ? AND instance = ? AND host = ?"
                " AND EXISTS (SELECT 1 FROM drives d WHERE d.drive = answers.drive AND d.batch IS NULL AND d.due IS NULL)",
                self._give_back,
            ),
            (
                "UPDATE drives SET due = ?, settled = CASE WHEN settled = sequence AND settled_why <> ?"
                " THEN sequence - 1 ELSE settled END WHERE drive = ? AND batch IS NULL AND due IS NULL",
                [(self.now, _handshake.IN_ERROR, key[0]) for key in self._give_back],
            ),
        ):
            if rows:
                tx.many(sql, rows)
        _history.add_many(tx, self._history)
