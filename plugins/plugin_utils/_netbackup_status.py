# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What state NetBackup's vmoprcmd shows drives in. Pure. Private: may change at any time.

No column is taken for granted: what does not look as it should in every row is refused, never guessed at. Names of
drives may have blanks in them, so a row is read with the names that tpconfig lists.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._netbackup_output import PATH, check, other_form


@dataclass(frozen=True)
class Shown:
    """A drive as the device daemon of a media server has it now."""

    index: str
    name: str
    control: str
    #: The media server that it is assigned to, as far as the answer tells; empty: none.
    assigned: str
    comment: str
    #: A user or a request has it.
    requested: bool
    #: NetBackup has mounted a tape in it (it knows the external label), or says by other means that it is in use.
    busy: bool


# Control modes

_ROBOTS = frozenset(["ACS", "LMF", "ODL", "RSM", "TC4", "TC8", "TL4", "TL8", "TLD", "TLH", "TLM", "TS8", "TSD", "TSH"])
_UP = frozenset({"AVR", "MIXED", "OPR", "SCAN", "UP"})
_CONTROL = re.compile(r"[A-Z][A-Z0-9]{1,7}(?:-[A-Z][A-Z0-9]{1,3})?")
_NUMBER = re.compile(r"-|-?[0-9]{1,10}")
_BITS = re.compile(r"0x[0-9a-fA-F]{1,8}|[0-9]{1,10}")
_ASSIGNED = re.compile(r"-|(?!(?:Yes|No)$)(?=[^A-Za-z]*[A-Za-z])[0-9A-Za-z_][0-9A-Za-z_.:-]*|[0-9]+(?:\.[0-9]+){3}")
_CLEANED = re.compile(r"-|[0-9][0-9/:.-]*")
#: Bits of the state of ``-xdraw`` that are set while a drive is in use.
_BUSY = 0x000F


def state_of(control: str) -> str:
    """``online``, ``offline`` or ``other``. A pending drive is not used until its reservation conflict is over."""
    head, _hyphen, robot = control.partition("-")
    if robot and robot not in _ROBOTS:
        return "other"
    if head in ("DISABLED", "DOWN", "PEND"):
        return "offline"
    return "online" if head in _UP or (head in _ROBOTS and not robot) else "other"


def pending(control: str) -> bool:
    """Whether the drive answered with a reservation conflict, and the device daemon waits for its end."""
    return state_of(control) == "offline" and control.startswith("PEND")


def raw(command: str, answer: Any, names: Collection[str]) -> list[Shown]:
    """Read ``vmoprcmd -xdraw ds`` with the names that there are. Raises AnswerError.

    ``DRIVESTATUS index density control user rvsn evsn request robottype robotnum state name assigned - cleaned comment``:
    the order of the columns is that of old releases. A row in which they cannot be these is that of a newer one.
    """
    check(command, answer)
    known = _by_first_word(names)
    rows = [line.strip() for line in answer.output.splitlines() if line.split(None, 1)[:1] == ["DRIVESTATUS"]]
    readings: list[tuple[list[str], str, list[tuple[str, str, str]]]] = []
    for row in rows:
        words = row.split(None, 11)
        fits = len(words) == 12 and words[1].isdecimal() and all((
            re.fullmatch(r"[a-z0-9][a-z0-9_]{1,15}", words[2]), _CONTROL.fullmatch(words[3]), _NUMBER.fullmatch(words[7]),
            re.fullmatch(r"-|[A-Z][A-Z0-9]{1,7}", words[8]), _NUMBER.fullmatch(words[9]), _BITS.fullmatch(words[10]),
        ))  # fmt: skip
        if not fits:
            other_form(command, row)
        rests = list(_rest(words[11], known))
        if not rests and _named(words[11], known):
            other_form(command, row)
        readings.append((words, row, rests))
    # "TD8 B" may be a drive "TD8" that is assigned to a host B; then another row is that of "TD8".
    certain = {rests[0][0] for _words, _row, rests in readings if len(rests) == 1}
    found = []
    for words, row, rests in readings:
        left = rests if len(rests) < 2 else [rest for rest in rests if rest[0] not in certain]
        if len(left) != min(1, len(rests)):
            other_form(command, row)
        for name, assigned, comment in left:
            found.append(Shown(
                words[1], name, words[3], _given(assigned), _given(comment),
                requested=bool(_given(words[4])) or _given(words[7]) not in ("", "0", "-1"),
                busy=bool(_given(words[6])) or bool(_bits(words[10]) & _BUSY),
            ))  # fmt: skip
    if not found:
        other_form(command, rows[0] if rows else answer.output)
    return found


def _by_first_word(names: Collection[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.split(maxsplit=1)[0], []).append(name)
    return found


def _named(text: str, names: Mapping[str, Sequence[str]]) -> list[str]:
    """The names that a text begins with."""
    return [
        name for name in names.get(text.split(maxsplit=1)[0], ()) if text == name or text.startswith((f"{name} ", f"{name}\t"))
    ]


def _rest(text: str, names: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str, str]]:
    """Name, assigned host and comment, for each way to read the end of a row."""
    for name in _named(text, names):
        words = text[len(name):].split(None, 3)
        if len(words) > 2 and _ASSIGNED.fullmatch(words[0]) and _CLEANED.fullmatch(words[2]):
            yield name, words[0], words[3].strip() if len(words) > 3 else ""


def _bits(word: str) -> int:
    return int(word, 16 if word.startswith("0x") else 10)


def _given(word: str) -> str:
    return "" if word.strip() == "-" else word.strip()


_DS = ("Drv", "Type", "Control", "User", "Label", "RecMID", "ExtMID", "Ready", "Wr.Enbl.", "ReqId")
_AD = ("Drv", "DriveName", "Assigned", "Comment")


def table(command: str, answer: Any, names: Collection[str]) -> list[Shown]:
    """Read ``vmoprcmd -d``: the tables of drive status and of additional drive status. Raises AnswerError."""
    check(command, answer)
    sections = dict(_sections(answer.output))
    status, more = sections.get("DRIVE STATUS"), sections.get("ADDITIONAL DRIVE STATUS")
    if not status or not more or tuple(status[0].split()) != _DS or not set(_AD) <= set(more[0].split()):
        other_form(command, status[0] if status and more else answer.output)
    named = {}
    known = _by_first_word(names)
    for row in more[1:]:
        index, readings = _additional(row, known)
        # A row of a drive that tpconfig does not list is none of ours.
        if len(readings) > 1 or index in named:
            other_form(command, row)
        if readings:
            named[index] = readings[0]
    found = []
    for row in status[1:]:
        one = _slices(status[0], row)
        if one is None or not one["Drv"].isdecimal() or not _CONTROL.fullmatch(one["Control"]):
            other_form(command, row)
        if not re.fullmatch(r"Yes|No|-|", one["Ready"]) or not re.fullmatch(r"-?|[0-9]+", one["ReqId"]):
            other_form(command, row)
        if one["Drv"] in named:
            name, assigned, comment = named[one["Drv"]]
            found.append(Shown(
                one["Drv"], name, one["Control"], _given(assigned), _given(comment),
                requested=bool(_given(one["User"])) or _given(one["ReqId"]) not in ("", "0"),
                busy=bool(_given(one["ExtMID"])),
            ))  # fmt: skip
    if not found:
        other_form(command, answer.output)
    return found


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Title and lines of each table; a title stands alone in the middle of its line, in capitals."""
    title = ""
    lines: list[str] = []
    for line in text.splitlines():
        if re.fullmatch(r"\s{8,}[A-Z][A-Z ]+[A-Z]\s*", line):
            yield title, lines
            title, lines = line.strip(), []
        elif line.strip():
            lines.append(line)
    yield title, lines


def _slices(header: str, row: str) -> dict[str, str] | None:
    """The columns of a row by where their titles begin; None if a value stands across the beginning of one."""
    starts = [match.start() for match in re.finditer(r"\S+", header)]
    # What a column is right-justified in begins before its title: the number of the drive.
    if any(row[start - 1:start].strip() and row[start:start + 1].strip() for start in starts[1:]):
        return None
    ends = [*starts[1:], len(row) + 1]
    titles = header.split()
    return {title: row[start:end].strip() for title, start, end in zip(titles, [0, *starts[1:]], ends, strict=True)}


def _additional(row: str, names: Mapping[str, Sequence[str]]) -> tuple[str, list[tuple[str, str, str]]]:
    """Index, and name, assigned host and comment for each way to read the row; two of them are none."""
    none = [("", "", "")] * 2
    index, _blank, text = row.strip().partition(" ")
    text = text.strip()
    if not index.isdecimal() or not text:
        return "", none
    found = []
    for name in _named(text, names):
        rest = re.fullmatch(r"\s+(?:Yes|No|-)(?:\s+(\S+)(?:\s+(.*))?)?", text[len(name):])
        if rest:
            found.append((name, rest[1] or "", rest[2] or ""))
    return index, found if found or not _named(text, names) else none


def paths(command: str, answer: Any) -> dict[str, dict[str, str]]:
    """Read ``vmoprcmd -dp ds``: by the index of the drive, device file and status. Raises AnswerError."""
    check(command, answer)
    lines = [line for line in answer.output.splitlines() if line.strip()]
    start = next((place for place, line in enumerate(lines) if {"Drv", "DrivePath", "Status"} <= set(line.split())), None)
    if start is None or lines[start].split()[:3] != ["Drv", "DrivePath", "Status"]:
        other_form(command, answer.output)
    found: dict[str, dict[str, str]] = {}
    for line in lines[start + 1:]:
        match = re.fullmatch(r"\s*([0-9]+)\s+(\S+)\s+([A-Z][A-Z0-9-]*)(?:\s.*)?", line)
        if not match or not PATH.fullmatch(match[2]) or not _CONTROL.fullmatch(match[3]):
            other_form(command, line)
        found.setdefault(match[1], {})[match[2]] = match[3]
    return found


# What the system log tells

_CONFLICT = re.compile(r".*?Reservation Conflict status (cleared )?from (\S.*?) \(device [0-9]+\)")
#: No line of a system log is longer.
_LONG = 400


def conflicts(answer: Any) -> Mapping[str, bool] | None:
    """Read what grep found in the system log: by name, whether the last that is told is a conflict; None: unreadable."""
    if answer.timed_out or answer.truncated or answer.rc not in (0, 1):
        return None
    found = (_CONFLICT.match(line[:_LONG]) for line in answer.output.splitlines())
    return {match[2]: not match[1] for match in found if match}
