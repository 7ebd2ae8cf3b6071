# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module ``application_step_windows`` answers, in the types of ``_guarded_parse``. Pure. Private: may change at any time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded_parse import (
    MOST_OUTPUT,
    OUTCOMES,
    CommandAnswer,
    Listing,
    Reading,
    SetReading,
    UnitReading,
    filled,
    for_all,
    is_name,
    raw_record,
    sentence,
    stand,
)

#: The version of request and answer.
VERSION = 1
_SHOWN = 200
_STAMP = re.compile(r"[0-9A-Za-z.]{8,100}")


class _NoAnswerError(Exception):
    """It is no answer of the module to this request; the message is one sentence."""


def parse_read(stdout: str, nonce: str, drives: Sequence[str], queries: Sequence[Any]) -> Reading:
    """Read what the module said to the request of ``read_command``; never raises, whatever ``stdout`` is."""
    reading = Reading()
    try:
        answer = _answer(stdout, nonce)
    except _NoAnswerError as exc:
        reading.problem = str(exc)
        return reading
    clock = answer.get("clock")
    reading.clock = clock if isinstance(clock, int) and _whole(clock) and 0 <= clock < 10**12 else None
    for row in _rows(answer.get("records")):
        drive, busy, text = (_text(row.get(key)) for key in ("drive", "busy", "text"))
        if drive in drives and busy and text:
            reading.records[drive] = raw_record(text, busy)
            if busy != "-":
                reading.busy[drive] = busy
    reading.answers = [_of_command(row) for row in _rows(answer.get("answers"))][: len(queries)]
    if answer.get("problem"):
        reading.problem = f"The records cannot be read: {first_words(str(answer['problem']), _SHOWN)}; nothing was done."
    missing = len(queries) - len(reading.answers)
    reading.complete = not missing and reading.problem is None and all(drive in reading.records for drive in drives)
    if not reading.complete and reading.problem is None:
        reading.problem = (
            f"The answer of the Windows module is not whole: {len(reading.answers)} of {len(queries)} queries were answered,"
            f" {len(reading.records)} of {len(drives)} records were read."
        )
    return reading


def parse_set(stdout: str, nonce: str, units: Sequence[Any]) -> SetReading:
    """Read what the module said to the request of ``set_command``; never raises, whatever ``stdout`` is."""
    try:
        answer = _answer(stdout, nonce)
    except _NoAnswerError as exc:
        # Nobody knows how far it came.
        return SetReading(False, [for_all(unit, "unfinished", str(exc)) for unit in units], str(exc))
    stamp = answer.get("id")
    if not isinstance(stamp, str) or not _STAMP.fullmatch(stamp):
        stamp = None
    if answer.get("problem"):
        why = f"The step cannot write: {first_words(str(answer['problem']), _SHOWN)}; nothing was done."
        return SetReading(True, [for_all(unit, "unwritable", why) for unit in units])
    found = _rows(answer.get("units"))
    result = SetReading(complete=len(found) == len(units))
    for place, unit in enumerate(units):
        if place < len(found):
            result.units.append(_unit(unit, found[place], stamp))
        else:
            result.units.append(for_all(unit, "not_reached", "The step ended before it came to these drives."))
    if not result.complete:
        result.problem = f"The answer of the Windows module is not whole: {len(found)} of {len(units)} units came to their end."
    return result


def parse_list(stdout: str, nonce: str) -> Listing:
    """Read what the module said to the request of ``list_command``; never raises, whatever ``stdout`` is."""
    listing = Listing()
    try:
        answer = _answer(stdout, nonce)
    except _NoAnswerError as exc:
        listing.problem = str(exc)
        return listing
    for row in _rows(answer.get("listed")):
        instance, drive = (_decoded(_text(row.get(key))) for key in ("instance", "drive"))
        text = _text(row.get("text")) or "-"
        raw = raw_record(text, "-")
        if raw is not None and is_name(instance, drive):
            listing.records.append((instance, drive, raw))
    if answer.get("problem"):
        said = first_words(str(answer["problem"]), _SHOWN)
        listing.problem = f"Not all records of the host can be read: {said}; nothing was done."
    listing.complete = listing.problem is None
    return listing


def _answer(stdout: str, nonce: str) -> Mapping[str, Any]:
    try:
        answer = json.loads(stdout)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, Mapping):
        said = first_words(stdout, _SHOWN)
        msg = f"The Windows module gave no answer: {said}." if said else "The Windows module gave no answer, and nothing was said."
        raise _NoAnswerError(msg)
    if answer.get("failed"):
        said = first_words(str(answer.get("msg") or answer.get("module_stderr") or ""), _SHOWN).rstrip(".")
        msg = f"The Windows module failed: {said or 'no reason was given'}."
        raise _NoAnswerError(msg)
    if answer.get("version") != VERSION or isinstance(answer.get("version"), bool):
        msg = f"The answer of the Windows module has version {first_words(str(answer.get('version')), 20)}, not {VERSION}."
        raise _NoAnswerError(msg)
    if answer.get("nonce") != nonce:
        msg = "The answer of the Windows module is that to another request."
        raise _NoAnswerError(msg)
    return answer


def _unit(unit: Any, found: Mapping[str, Any], stamp: str | None) -> UnitReading:
    one = UnitReading()
    mine = {item.drive for item in unit.drives}
    for row in _rows(found.get("drives")):
        drive, outcome = _text(row.get("drive")), _text(row.get("outcome"))
        if drive in mine and outcome in OUTCOMES:
            one.drives[drive] = outcome
            if outcome != "done":
                one.messages.append(sentence(drive, outcome, _text(row.get("detail")).split()))
    stand(one, unit, stamp)
    one.commands = filled([_of_command(row) for row in _rows(found.get("commands"))], len(unit.commands))
    one.answers = filled([_of_command(row) for row in _rows(found.get("queries"))], len(unit.queries))
    return one


def _of_command(row: Mapping[str, Any]) -> CommandAnswer:
    rc, output = row.get("rc"), _text(row.get("output"))
    return CommandAnswer(
        rc if _whole(rc) else None, output[:MOST_OUTPUT], row.get("timed_out") is True,
        row.get("truncated") is True or len(output) > MOST_OUTPUT,
    )


def _rows(value: Any) -> list[Mapping[str, Any]]:
    """Give a list of dictionaries: PowerShell may have made one of one out of it."""
    if isinstance(value, Mapping):
        value = [value]
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _decoded(name: str) -> str:
    return re.sub(r"%([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), name)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
