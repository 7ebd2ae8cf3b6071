# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a guarded step prints, and what it means. Pure. Private: may change at any time.

Every line of the step's own begins with its nonce. Output of commands stands between ``out`` and ``eoo`` and may be
anything. What is cut off anywhere is *incomplete*; a connection with a terminal turns newlines into CR and newline.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._record import RawRecord

#: What can become of a drive in a set step.
OUTCOMES = {
    "done": "the commands and queries ran to their end, and the last record was written",
    "changed": "its record is not the one that was read; nothing was done",
    "superseded": "its record is of a newer change; nothing was done",
    "late": "the deadline was over; nothing was done",
    "locked": "another step is at work on it; nothing was done",
    "unwritable": "its record cannot be written; nothing was done",
    "not_reached": "the step ended before it came to the drive",
    "unfinished": "the intent was written and the commands were begun, but they, or the last record, came to no end",
}

#: Output of a command is cut after this many characters.
MOST_OUTPUT = 262_144
# In ksh93, 256 and the number of the signal; elsewhere 128 and the number.
_KSH93_SIGNAL = 256
_SIGNAL = 128
_SHOWN = 200


@dataclass(frozen=True)
class CommandAnswer:
    """What one command gave.

    ``rc``: exit status, 128 + signal if one ended it; 127 and 126: no such program, or it cannot be run (the shell's
    words are in ``output``); None: it was not run. ``output``: stdout and stderr in their order. ``timed_out``: the
    unit's time was over before it ended or before it could begin.
    """

    rc: int | None = None
    output: str = ""
    timed_out: bool = False
    truncated: bool = False


@dataclass
class Reading:
    """What ``read_command`` found.

    ``clock``: the host's, in seconds since 1970; None: it cannot be read. ``records``: None is *there is none*; a
    record that another step is at work on fits no later comparison (``busy``: by which process).
    ``problem``: one sentence if not complete.
    """

    complete: bool = False
    clock: int | None = None
    boot: str = ""
    records: dict[str, str | None] = field(default_factory=dict)
    answers: list[CommandAnswer] = field(default_factory=list)
    problem: str | None = None
    busy: dict[str, str] = field(default_factory=dict)


@dataclass
class UnitReading:
    """What became of a unit: the outcome (see OUTCOMES) of each drive, one sentence for each that is not done.

    ``commands`` and ``answers`` are as long as the unit's commands and queries. ``records``: what now stands in the
    record, for drives that are done or unfinished; it is what a next step expects.
    """

    drives: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    commands: list[CommandAnswer] = field(default_factory=list)
    answers: list[CommandAnswer] = field(default_factory=list)
    records: dict[str, str | None] = field(default_factory=dict)


@dataclass
class SetReading:
    """What became of a set step; ``problem`` is one sentence if it is not complete."""

    complete: bool = False
    units: list[UnitReading] = field(default_factory=list)
    problem: str | None = None


@dataclass
class Listing:
    """What ``list_command`` found: instance, drive, and the record as it stands, which may be no record.

    ``problem`` is one sentence if not complete: what could be read is listed, but there may be more.
    """

    complete: bool = False
    records: list[tuple[str, str, RawRecord]] = field(default_factory=list)
    problem: str | None = None


@dataclass
class _Frame:
    kind: str
    words: list[str]
    rest: str
    data: str


def parse_read(stdout: str, nonce: str, drives: Sequence[str], queries: Sequence[Any]) -> Reading:
    """Read what ``read_command`` printed; never raises, whatever ``stdout`` is."""
    reading = Reading()
    frames = list(_frames(stdout, nonce))
    ended = False
    for place, frame in enumerate(frames):
        if frame.kind == "start" and len(frame.words) == 2:
            clock, reading.boot = frame.words
            reading.clock = int(clock) if re.fullmatch(r"[0-9]{1,12}", clock) else None
        elif frame.kind == "rec" and len(parts := frame.rest.split(" ", 2)) == 3:
            drive, busy, text = parts
            if drive not in drives:
                continue
            reading.records[drive] = raw_record(text, busy)
            if busy != "-":
                reading.busy[drive] = busy
        elif frame.kind == "out":
            answer = _answer(frames, place)
            if answer:
                reading.answers.append(answer[1])
        elif frame.kind == "fail":
            reading.problem = f"The records cannot be read: {first_words(frame.rest, _SHOWN)}; nothing was done."
        elif frame.kind == "end":
            ended = True
    missing = len(queries) - len(reading.answers)
    reading.complete = (
        ended and not missing and reading.problem is None and all(drive in reading.records for drive in drives)
    )
    if not reading.complete and reading.problem is None:
        reading.problem = _cut(stdout, frames, f"{len(reading.answers)} of {len(queries)} queries were answered")
    return reading


def parse_list(stdout: str, nonce: str) -> Listing:
    """Read what ``list_command`` printed; never raises, whatever ``stdout`` is."""
    listing = Listing()
    frames = list(_frames(stdout, nonce))
    for frame in frames:
        if frame.kind == "rec" and len(parts := frame.rest.split(" ", 2)) == 3:
            instance, drive, text = parts
            raw = raw_record(text, "-")
            if raw is not None and is_name(instance, drive):
                listing.records.append((instance, drive, raw))
        elif frame.kind == "fail" and listing.problem is None:
            said = first_words(frame.rest, _SHOWN)
            listing.problem = f"Not all records of the host can be read: {said}; nothing was done."
    listing.complete = listing.problem is None and any(frame.kind == "end" for frame in frames)
    if not listing.complete and listing.problem is None:
        listing.problem = _cut(stdout, frames, f"{len(listing.records)} records were read")
    return listing


def is_name(instance: str, drive: str) -> bool:
    """Are these the names of an instance and a drive?"""
    try:
        return _identifiers.instance_name(instance) == instance and _identifiers.serial(drive) == drive
    except InvalidValueError:
        return False


def parse_set(stdout: str, nonce: str, units: Sequence[Any]) -> SetReading:
    """Read what ``set_command`` printed for ``units``; never raises, whatever ``stdout`` is."""
    frames = list(_frames(stdout, nonce))
    stamp = next((frame.words[2] for frame in frames if frame.kind == "start" and len(frame.words) == 3), None)
    failure = next((frame.rest for frame in frames if frame.kind == "fail"), None)
    begun = {frame.rest for frame in frames if frame.kind == "begun"}
    parts: dict[str, list[_Frame]] = {}
    part: list[_Frame] = []
    for frame in frames:
        if frame.kind == "unit":
            part = [frame]
        elif frame.kind == "endunit" and part and part[0].words:
            parts[part[0].words[0]] = part
            part = []
        else:
            part.append(frame)
    result = SetReading(complete=any(frame.kind == "end" for frame in frames))
    for number, unit in enumerate(units):
        found = parts.get(str(number))
        if failure is not None:
            one = for_all(unit, "unwritable", f"The step cannot write: {first_words(failure, _SHOWN)}; nothing was done.")
        elif found is None:
            one = _unreached(unit, str(number) in begun)
        else:
            one = _unit(unit, found, stamp)
        result.units.append(one)
    if not result.complete:
        result.problem = _cut(stdout, frames, f"{len(parts)} of {len(units)} units came to their end")
    return result


def _unit(unit: Any, frames: list[_Frame], stamp: str | None) -> UnitReading:
    answers: dict[str, list[CommandAnswer]] = {"c": [], "q": []}
    one = UnitReading()
    mine = {item.drive for item in unit.drives}
    for place, frame in enumerate(frames):
        if frame.kind == "drive" and len(frame.words) >= 2 and frame.words[0] in mine and frame.words[1] in OUTCOMES:
            drive, outcome, *detail = frame.words
            one.drives[drive] = outcome
            if outcome != "done":
                one.messages.append(sentence(drive, outcome, detail))
        elif frame.kind == "out":
            answer = _answer(frames, place)
            if answer and answer[0] in answers:
                answers[answer[0]].append(answer[1])
    if "1" in frames[0].words[1:]:
        one.messages.append("The host's clock cannot be read, so the deadline was not checked.")
    stand(one, unit, stamp)
    one.commands = filled(answers["c"], len(unit.commands))
    one.answers = filled(answers["q"], len(unit.queries))
    return one


def stand(one: UnitReading, unit: Any, stamp: str | None) -> None:
    """Write down what now stands in the records, by what became of the drives."""
    for item in unit.drives:
        outcome = one.drives.setdefault(item.drive, "not_reached")
        standing = {"done": item.done or item.intent, "unfinished": item.intent}.get(outcome)
        if standing is not None and stamp:
            one.records[item.drive] = RawRecord(f"{standing} #{stamp}")
        elif outcome == "done":
            one.records[item.drive] = item.expected


def for_all(unit: Any, outcome: str, message: str) -> UnitReading:
    """Give the same outcome to all drives of a unit."""
    return UnitReading(
        {item.drive: outcome for item in unit.drives}, [message],
        filled([], len(unit.commands)), filled([], len(unit.queries)),
    )


def _unreached(unit: Any, begun: bool) -> UnitReading:
    if not begun:
        return for_all(unit, "not_reached", "The step ended before it came to these drives.")
    # Nobody said which of the drives passed their check.
    return for_all(unit, "unfinished", "The step was cut off after its commands had begun; they may still take effect.")


def sentence(drive: str, outcome: str, detail: list[str]) -> str:
    """Say what became of a drive that is not done."""
    said = first_words(" ".join(detail[1:] if outcome == "unfinished" else detail), _SHOWN)
    if outcome == "locked":
        by = f"process {said} of the host" if said.isdigit() else "a process that cannot be seen"
        return f"Drive {drive} is locked by {by}; nothing was done."
    if outcome == "unwritable":
        return f"The record of drive {drive} cannot be written: {said}; nothing was done."
    if outcome == "unfinished":
        why = detail[0] if detail else ""
        return {
            "time": f"The commands for drive {drive} did not end in time and were stopped; its record is the intent.",
            "hangs": f"Process {said}, a command for drive {drive}, cannot be killed; the drive stays locked until it ends.",
            "start": f"A command for drive {drive} could not be started; its record is the intent.",
            "full": (
                f"The file system of the records was full when a command for drive {drive} had ended, so its output may"
                " be cut; its record is the intent."
            ),
            "input": (
                f"A command for drive {drive} was not started, because the lines for it could not be written (disk full?);"
                " its record is the intent."
            ),
        }.get(why, f"The commands for drive {drive} ran, but its record stayed the intent: {said}.")
    if outcome == "late":
        return f"The step came to drive {drive} after its deadline, at {said}; nothing was done."
    if outcome == "superseded":
        return f"The record of drive {drive} is of a newer change; nothing was done."
    return f"The record of drive {drive} has changed since it was read; nothing was done."


def _answer(frames: Sequence[_Frame], place: int) -> tuple[str, CommandAnswer] | None:
    """Give the answer whose ``out`` frame is at ``place``, if its end is there."""
    frame = frames[place]
    if place + 1 >= len(frames) or frames[place + 1].kind != "eoo" or len(frame.words) != 3:
        return None
    kind, rc, over = frame.words
    status = int(rc) if re.fullmatch(r"[0-9]{1,5}", rc) else None
    if status is not None and status > _KSH93_SIGNAL:
        status += _SIGNAL - _KSH93_SIGNAL
    truncated = frames[place + 1].rest == "more" or len(frame.data) > MOST_OUTPUT
    return kind, CommandAnswer(status, frame.data[:MOST_OUTPUT], over == "over", truncated)


def filled(answers: list[CommandAnswer], length: int) -> list[CommandAnswer]:
    """Give as many answers as there were questions."""
    return (answers + [CommandAnswer()] * length)[:length]


def _frames(stdout: str, nonce: str) -> Iterator[_Frame]:
    """Give the step's own lines, each with the foreign text after it; a last line that is cut off is left out."""
    # Of what comes right after become's own words, ansible-core's local connection takes the empty line away.
    stdout = f"\n{stdout}"
    # If the connection ran the step twice, the last one counts: the other is cut off.
    start = stdout.rfind(f"\n{nonce} start ")
    pieces = stdout[max(start, 0):].split(f"\n{nonce} ")[1:] if start >= 0 else []
    terminal = bool(pieces) and pieces[0].partition("\n")[0].endswith("\r")
    for place, piece in enumerate(pieces):
        # Between two of our lines the newline belongs to the separator.
        header, newline, data = piece.partition("\n")
        if place + 1 == len(pieces) and not newline:
            return
        if terminal:
            header = header.removesuffix("\r")
            data = data.removesuffix("\r").replace("\r\n", "\n")
        kind, _blank, rest = header.partition(" ")
        yield _Frame(kind, rest.split(), rest, data)


def raw_record(text: str, busy: str) -> RawRecord | None:
    """Give a record as the step shows it: ``-`` if there is none, ``=`` and its text, or else it cannot be read."""
    if text == "-":
        return None
    if not text.startswith("="):
        return RawRecord("(it cannot be read)")
    raw = RawRecord(text[1:])
    if busy != "-":
        # It fits no record, so a step that rests on this reading does nothing.
        raw.stamp = f"{raw.stamp or ''}/busy"
    return raw


def _cut(stdout: str, frames: Sequence[_Frame], reached: str) -> str:
    if not frames:
        said = first_words(stdout, _SHOWN)
        return f"The step did not begin: {said}." if said else "The step did not begin, and nothing was said."
    return f"The step was cut off, by a lost connection or a kill: {reached}."
