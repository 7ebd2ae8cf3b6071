# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What NetBackup's tpconfig and vmoprcmd print. Pure. Private: may change at any time.

No column is taken for granted: what does not look as it should in every row is refused, never guessed at. Names of
drives may have blanks in them, so a row is read with the names that tpconfig lists.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
    DriveSharingError,
    InvalidValueError,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import failure_words, first_words


class AnswerError(DriveSharingError):
    """An answer says nothing of the drives; the message is one sentence on why."""


@dataclass(frozen=True)
class Configured:
    """A drive as it is configured on a media server; ``host`` is None where tpconfig tells of its own one."""

    name: str
    serial: str | None
    paths: tuple[str, ...]
    host: str | None = None


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


# What went wrong

#: Words of NetBackup, and what helps.
_TROUBLES = {
    r"device daemon \(ltid\) is not active": "start NetBackup's device daemon there; until then nothing is known of the drives",
    r"oprd returned abnormal status": "look at ltid and oprd on that media server, with vmps",
    r"not authori[sz]ed|permission denied|access (?:is |was )?denied|not (?:a )?valid(?:ated)? (?:host|server)|requires root":
        "use become, or allow this user or host to operate drives in NetBackup",
    r"connect(?:ing|ion)? to (?:the )?vmd|vmd (?:is )?not (?:running|active)": "look at vmd on that media server, with vmps",
    r"\bE(?:nterprise )?M(?:edia )?M(?:anager)?\b.*(?:fail|error|cannot|could not|unable|not |status)":
        "look at nbemm on the master server",
}


def hint(text: str) -> str:
    """What helps against a failure that NetBackup tells, or nothing if it is not known."""
    return next((help_ for words, help_ in _TROUBLES.items() if re.search(words, text, re.IGNORECASE)), "")


def failed(command: str, answer: Any) -> str:
    """Say in one sentence why an answer of a command is none; empty if it may be one.

    An exit status of 0 proves nothing; any other one is believed.
    """
    if answer.timed_out:
        return f"{command} did not end in time and was stopped"
    if answer.rc in (126, 127):
        return (
            f"{command.split(maxsplit=1)[0]} cannot be run: {failure_words(answer.rc, answer.output).rstrip('.')}; give its directory in"
            " application_netbackup_directory"
        )
    if answer.rc:
        return told(command, answer.output) or (
            f"{command} failed with exit status {answer.rc}: {failure_words(answer.rc, answer.output)}"
        )
    return f"{command} printed more than can be read" if answer.truncated else ""


def told(command: str, text: str) -> str:
    """Give NetBackup's own words for what went wrong, and what helps; empty if they are not known."""
    line = next((line for line in text.splitlines() if hint(line)), "")
    return f"{command} says: {first_words(line).rstrip('.')}; {hint(line)}" if line else ""


def _check(command: str, answer: Any) -> None:
    problem = failed(command, answer)
    if problem:
        raise AnswerError(problem)


def _other_form(command: str, text: str) -> NoReturn:
    msg = told(command, text) or (
        f"{command} answered in a form that is not known, and nothing was guessed; it may be another version of NetBackup:"
        f" {first_words(text) or '(nothing)'}"
    )
    raise AnswerError(msg)


# How drives are configured

_BLOCK = re.compile(r"[ \t]*(Drive ?Name|Serial ?Number|[A-Za-z][A-Za-z/ ]*?Path)\b[ \t]*[:=]?[ \t]*(.*)", re.IGNORECASE)
_FIELD = re.compile(r"[ \t]*([A-Za-z][A-Za-z /]*?)[ \t]*:[ \t]*(.*)")
_SERIAL = re.compile(r"(?:drive )?serial ?(?:number|num|no)?", re.IGNORECASE)
_HOST = re.compile(r"(?:media server|device host)(?: name)?", re.IGNORECASE)
#: Paths that are no device files of the drive itself.
_OTHER_PATH = re.compile(r"pass|robot", re.IGNORECASE)
_PATH = re.compile(r"[/{][!-~]*")
_NO_SERIAL = {"", "-", "none", "null", "unknown", "n/a"}


def configured_here(command: str, answer: Any) -> list[Configured]:
    """Read ``tpconfig -dl``: blocks that begin with the name of a drive. Raises AnswerError."""
    _check(command, answer)
    blocks: list[tuple[str, list[tuple[str, str]]]] = []
    for line in answer.output.splitlines():
        match = _BLOCK.fullmatch(line.rstrip())
        if match and match[1].lower().startswith("drive") and "name" in match[1].lower():
            blocks.append((match[2].strip(), []))
        elif match and blocks:
            blocks[-1][1].append((match[1], match[2].strip()))
    if not blocks:
        _other_form(command, answer.output)
    return _merged(
        Configured(name, _serial_of(fields), tuple(_paths_of(fields))) for name, fields in blocks
    )


def configured_everywhere(command: str, answer: Any) -> list[Configured]:
    """Read ``tpconfig -emm_dev_list``: blocks of all media servers that begin with ``Drive:``. Raises AnswerError."""
    _check(command, answer)
    blocks: list[tuple[str, list[tuple[str, str]]]] = []
    inside = False
    for line in answer.output.splitlines():
        match = _FIELD.fullmatch(line.rstrip())
        if match and match[1] in ("Drive", "Robot"):
            inside = match[1] == "Drive"
            blocks += [(match[2].strip(), [])] if inside else []
        elif match and inside:
            blocks[-1][1].append((match[1], match[2].strip()))
    if not blocks:
        _other_form(command, answer.output)
    found = []
    for name, fields in blocks:
        host = next((value for label, value in fields if _HOST.fullmatch(label) and value.strip("-")), None)
        if host is None:
            _other_form(command, f"no media server with drive {name}")
        found.append(Configured(name, _serial_of(fields), tuple(_paths_of(fields)), host))
    return _merged(found)


def _serial_of(fields: Iterable[tuple[str, str]]) -> str | None:
    for label, value in fields:
        if _SERIAL.fullmatch(label) and value.lower() not in _NO_SERIAL:
            try:
                return _identifiers.serial(value)
            except InvalidValueError:
                return None
    return None


def _paths_of(fields: Iterable[tuple[str, str]]) -> Iterator[str]:
    for label, value in fields:
        if label.lower().endswith("path") and not _OTHER_PATH.search(label) and _PATH.fullmatch(value):
            yield value


def _merged(blocks: Iterable[Configured]) -> list[Configured]:
    """A drive with several paths may have a block for each."""
    found: dict[tuple[str, str | None, str | None], list[str]] = {}
    for one in blocks:
        found.setdefault((one.name, one.serial, one.host), []).extend(one.paths)
    return [
        Configured(name, serial, tuple(dict.fromkeys(paths)), host) for (name, serial, host), paths in found.items()
    ]


# What state they are in

_ROBOTS = frozenset(["ACS", "LMF", "ODL", "RSM", "TC4", "TC8", "TL4", "TL8", "TLD", "TLH", "TLM", "TS8", "TSD", "TSH"])
_UP = frozenset({"AVR", "MIXED", "OPR", "SCAN", "UP"})
_CONTROL = re.compile(r"[A-Z][A-Z0-9]{1,7}(?:-[A-Z][A-Z0-9]{1,3})?")
_NUMBER = re.compile(r"-|-?[0-9]{1,10}")
_BITS = re.compile(r"0x[0-9a-fA-F]{1,8}|[0-9]{1,10}")
_ASSIGNED = re.compile(r"-|(?!(?:Yes|No)$)(?=[^A-Za-z]*[A-Za-z])[0-9A-Za-z_][0-9A-Za-z_.:-]*")
_CLEANED = re.compile(r"-|[0-9]+")
#: Bits of the state of ``-xdraw`` that are set while a drive is in use.
_BUSY = 0x000F


def state_of(control: str) -> str:
    """``online``, ``offline`` or ``other``. A pending drive is not used until its reservation conflict is over."""
    head, _hyphen, robot = control.partition("-")
    if robot and robot not in _ROBOTS:
        return "other"
    if head in ("DOWN", "PEND"):
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
    _check(command, answer)
    rows = [line.strip() for line in answer.output.splitlines() if line.split(None, 1)[:1] == ["DRIVESTATUS"]]
    readings: list[tuple[list[str], str, list[tuple[str, str, str]]]] = []
    for row in rows:
        words = row.split(None, 11)
        fits = len(words) == 12 and words[1].isdecimal() and all((
            re.fullmatch(r"[a-z][a-z0-9_]{1,15}", words[2]), _CONTROL.fullmatch(words[3]), _NUMBER.fullmatch(words[7]),
            re.fullmatch(r"-|[A-Z][A-Z0-9]{1,7}", words[8]), _NUMBER.fullmatch(words[9]), _BITS.fullmatch(words[10]),
        ))  # fmt: skip
        if not fits:
            _other_form(command, row)
        readings.append((words, row, list(_rest(words[11], names))))
    # "TD8 B" may be a drive "TD8" that is assigned to a host B; then another row is that of "TD8".
    certain = {rests[0][0] for _words, _row, rests in readings if len(rests) == 1}
    found = []
    for words, row, rests in readings:
        left = rests if len(rests) < 2 else [rest for rest in rests if rest[0] not in certain]
        if len(left) != min(1, len(rests)):
            _other_form(command, row)
        for name, assigned, comment in left:
            found.append(Shown(
                words[1], name, words[3], _given(assigned), _given(comment),
                requested=bool(_given(words[4])) or _given(words[7]) not in ("", "0", "-1"),
                busy=bool(_given(words[6])) or bool(_bits(words[10]) & _BUSY),
            ))  # fmt: skip
    if not found:
        _other_form(command, rows[0] if rows else answer.output)
    return found


def _rest(text: str, names: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Name, assigned host and comment, for each way to read the end of a row."""
    for name in names:
        if text == name or text.startswith((f"{name} ", f"{name}\t")):
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
    _check(command, answer)
    sections = dict(_sections(answer.output))
    status, more = sections.get("DRIVE STATUS"), sections.get("ADDITIONAL DRIVE STATUS")
    if not status or not more or tuple(status[0].split()) != _DS or not set(_AD) <= set(more[0].split()):
        _other_form(command, status[0] if status and more else answer.output)
    named = {}
    for row in more[1:]:
        index, readings = _additional(row, names)
        # A row of a drive that tpconfig does not list is none of ours.
        if len(readings) > 1 or index in named:
            _other_form(command, row)
        if readings:
            named[index] = readings[0]
    found = []
    for row in status[1:]:
        one = _slices(status[0], row)
        if one is None or not one["Drv"].isdecimal() or not _CONTROL.fullmatch(one["Control"]):
            _other_form(command, row)
        if not re.fullmatch(r"Yes|No|-|", one["Ready"]) or not re.fullmatch(r"-?|[0-9]+", one["ReqId"]):
            _other_form(command, row)
        if one["Drv"] in named:
            name, assigned, comment = named[one["Drv"]]
            found.append(Shown(
                one["Drv"], name, one["Control"], _given(assigned), _given(comment),
                requested=bool(_given(one["User"])) or _given(one["ReqId"]) not in ("", "0"),
                busy=bool(_given(one["ExtMID"])),
            ))  # fmt: skip
    if not found:
        _other_form(command, answer.output)
    return found


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Title and lines of each table; a title stands alone in the middle of its line, in capitals."""
    title, lines = "", []
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


def _additional(row: str, names: Collection[str]) -> tuple[str, list[tuple[str, str, str]]]:
    match = re.fullmatch(r"\s*([0-9]+)\s+(\S.*?)\s*", row)
    if not match:
        return "", [("", "", "")] * 2
    found = []
    for name in names:
        rest = re.fullmatch(re.escape(name) + r"\s+(?:Yes|No|-)(?:\s+(\S+)(?:\s+(.*))?)?", match[2])
        if rest:
            found.append((name, rest[1] or "", rest[2] or ""))
    return match[1], found


def paths(command: str, answer: Any) -> dict[str, dict[str, str]]:
    """Read ``vmoprcmd -dp ds``: by the index of the drive, device file and status. Raises AnswerError."""
    _check(command, answer)
    lines = [line for line in answer.output.splitlines() if line.strip()]
    start = next((place for place, line in enumerate(lines) if {"Drv", "DrivePath", "Status"} <= set(line.split())), None)
    if start is None or lines[start].split()[:3] != ["Drv", "DrivePath", "Status"]:
        _other_form(command, answer.output)
    found: dict[str, dict[str, str]] = {}
    for line in lines[start + 1:]:
        match = re.fullmatch(r"\s*([0-9]+)\s+(\S+)\s+([A-Z][A-Z0-9-]*)(?:\s.*)?", line)
        if not match or not _PATH.fullmatch(match[2]) or not _CONTROL.fullmatch(match[3]):
            _other_form(command, line)
        found.setdefault(match[1], {})[match[2]] = match[3]
    return found


# What the system log tells

_CONFLICT = re.compile(r"Reservation Conflict status (cleared )?from (\S.*?) \(device [0-9]+\)")


def conflicts(answer: Any) -> Mapping[str, bool] | None:
    """Read what grep found in the system log: by name, whether the last that is told is a conflict; None: unreadable."""
    if answer.timed_out or answer.truncated or answer.rc not in (0, 1):
        return None
    return {match[2]: not match[1] for match in _CONFLICT.finditer(answer.output)}
