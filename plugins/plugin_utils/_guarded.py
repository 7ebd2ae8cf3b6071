# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guarded step: what runs on a control point to read drives and to set them. Private: may change at any time.

Pure: gives command lines for a POSIX login shell, and reads what they print; the caller executes them. The shell text,
and why it is right, is in ``_guarded_script``. One reading and one set::

    nonce = secrets.token_hex(8)  # another one for every command line
    line = read_command("/var/lib/drive_sharing", "nbu_a", ["1310211169"], [["tpconfig", "-l"]], 10, nonce)
    reading = parse_read(execute(line), nonce, ["1310211169"], [["tpconfig", "-l"]])
    record = _record.parse(reading.records["1310211169"])
    ...
    unit = Unit(
        drives=[UnitDrive("1310211169", expected=reading.records["1310211169"], sequence=42, intent=..., done=...)],
        commands=[Command(["vmoprcmd", "-down", ForDrive("1310211169", "0")])],
        queries=[["tpconfig", "-l"]],
    )
    line = set_command("/var/lib/drive_sharing", "nbu_a", [unit], 10, reading.clock + 10, nonce)
    unit_reading = parse_set(execute(line), nonce, [unit]).units[0]
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _guarded_script as _script
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded_command import (
    Command,
    ForDrive,
    Query,
    checked,
    plain,
    refuse,
    tagged,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded_parse import (
    OUTCOMES,
    CommandAnswer,
    Listing,
    Reading,
    SetReading,
    UnitReading,
    parse_list,
    parse_read,
    parse_set,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._record import RawRecord

__all__ = [
    "LONGEST", "OUTCOMES", "Command", "CommandAnswer", "ForDrive", "Listing", "Query", "Reading", "SetReading", "Unit",
    "UnitDrive", "UnitReading", "check_unit", "list_command", "parse_list", "parse_read", "parse_set", "read_command",
    "set_command", "whole",
]

#: Linux takes 131,072 bytes in one argument; sudo and the login shell each quote the line once more.
LONGEST = 100_000

_NONCE = re.compile(r"[0-9A-Za-z]{8,40}")
_RECORD = re.compile(r"[0-9]{20} (?:intent|done) [ -~]*")
_MAX_SECONDS = 3600


@dataclass(frozen=True)
class UnitDrive:
    """One drive of a unit.

    ``expected``: the record as ``parse_read`` gave it (a RawRecord; None: there was none). ``intent``: the record that
    is written before the commands; needed where there are commands. ``done``: the one that is written after commands
    and queries have ended by themselves, whatever they said; None leaves the intent. So it must be true either way:
    ``taken`` of a drive that is given back ends with a record-only unit, once online was read.
    """

    drive: str
    expected: str | None
    sequence: int
    intent: str | None = None
    done: str | None = None


@dataclass(frozen=True)
class Unit:
    """Drives that are locked together, and what is run for them; no commands: only the record is written."""

    drives: Sequence[UnitDrive]
    commands: Sequence[Command] = field(default=())
    queries: Sequence[Query] = field(default=())


def read_command(
    directory: str,
    instance: str,
    drives: Sequence[str],
    queries: Sequence[Query],
    seconds: int,
    nonce: str,
    shell: str = "/bin/sh",
) -> str:
    """Give the command line that prints clock, boot id, the drives' records, and the answers of the queries.

    ``seconds``: the time of each query. Nothing is written but temporary files, in the instance's directory if it is
    there, else in TMPDIR. Raises InvalidValueError.
    """
    line = _Line(shell, nonce, _place(directory, instance), seconds)
    line.add("\n".join(_drive(drive) for drive in drives))
    line.add(str(len(queries)))
    for query in queries:
        # No drive is left out here.
        line.ask(checked(query, drives, "A query"))
    return line.text(_script.COMMON + _script.READ, _script.READ_END)


def set_command(
    directory: str,
    instance: str,
    units: Sequence[Unit],
    seconds: int,
    deadline: int | None,
    nonce: str,
    shell: str = "/bin/sh",
) -> str:
    """Give the command line that does the units one after the other.

    ``seconds``: the time of each unit, counted from its start; up to half of it is spent on waiting for a lock, the
    rest is for commands and queries together. ``deadline``: by the host's clock, in seconds since 1970; a unit that
    begins later does nothing. Raises InvalidValueError, also if the line would become longer than a host takes.
    """
    line = _Line(shell, nonce, _place(directory, instance), seconds)
    line.add("-" if deadline is None else f"{whole(deadline, 'The deadline', 0, 10**12):020d}")
    for unit in units:
        line.call("unit", [_lines(unit)])
        drives = {one.drive for one in unit.drives}
        for command in unit.commands:
            line.some("com", checked(command, drives, "A command"))
        for each in unit.queries:
            query = checked(each, drives, "A query")
            if query.for_all:
                line.ask(query)
            else:
                line.some("que", query)
        line.calls.append("end")
    return line.text(_script.COMMON + _script.SET, _script.SET_END)


def list_command(directory: str, nonce: str, shell: str = "/bin/sh") -> str:
    """Give the command line that prints all records of all instances below ``directory``; nothing is written.

    Raises InvalidValueError.
    """
    _path(directory, "The state directory")
    return _Line(shell, nonce, directory.rstrip("/") or "/", 1).text(_script.COMMON, _script.LIST)


class _Line:
    """A command line while it is put together: the values are arguments, the script names them by number."""

    def __init__(self, shell: str, nonce: str, place: str, seconds: int) -> None:
        _path(shell, "The shell")
        if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
            refuse("The nonce", "8 to 40 letters and digits", nonce)
        self._shell = shell
        self._values = [nonce, place, shell, str(whole(seconds, "The time", 1, _MAX_SECONDS))]
        self.calls: list[str] = []

    def add(self, value: str) -> None:
        """Add one value."""
        self._values.append(value)

    def call(self, function: str, values: Sequence[str]) -> None:
        """Add a call of a function of the script with ``values``."""
        first = len(self._values) + 1
        self._values += values
        self.calls.append(" ".join([function, *(f'"${{{first + place}}}"' for place in range(len(values)))]))

    def some(self, function: str, command: Command) -> None:
        """Add a command or query of which parts may be left out."""
        if command.lines:
            self.call("feed", ["\n".join(map(tagged, command.lines))])
        self.call(function, [tagged(word) for word in command.words])

    def ask(self, query: Command) -> None:
        """Add a query of which nothing is left out."""
        if query.lines:
            self.call("feed", ["".join(f"\n{plain(one)}" for one in query.lines)])
        self.call("ask", [plain(word) for word in query.words])

    def text(self, begin: str, end: str) -> str:
        """Give the whole line."""
        script = _script.sent(begin) + "".join(f"{call}\n" for call in self.calls) + _script.sent(end)
        line = shlex.join([self._shell, "-c", script, "drive_sharing", *self._values])
        length = len(shlex.quote(shlex.quote(line)).encode())
        if length > LONGEST:
            msg = (
                f"The step for {len(self.calls)} commands is {length} bytes long and would not fit into one command line"
                f" ({LONGEST} bytes); nothing was run. Give fewer drives at a time."
            )
            raise InvalidValueError(msg)
        return line


def check_unit(unit: Unit) -> list[UnitDrive]:
    """Give its drives in the one order of locks for all steps, so that two of them never wait for each other.

    Raises InvalidValueError for a unit that cannot be sent.
    """
    if not unit.drives:
        msg = "A unit must have at least one drive; nothing was set."
        raise InvalidValueError(msg)
    drives = sorted(unit.drives, key=lambda each: str(each.drive))
    for one in drives:
        what = f"of drive {_drive(one.drive)}"
        if unit.commands and one.intent is None:
            msg = f"A command without an intent {what} would leave no trace if it were cut off; nothing was set."
            raise InvalidValueError(msg)
        whole(one.sequence, f"The sequence {what}", 0, 10**20 - 1)
        stamp = one.expected.stamp if isinstance(one.expected, RawRecord) else None
        _check_record(one.expected, f"The expected record {what}", stamp)
        _check_record(one.intent, f"The intent {what}")
        _check_record(one.done, f"The record {what}")
    if len({one.drive for one in unit.drives}) != len(unit.drives):
        msg = "A drive must be in a unit only once; nothing was set."
        raise InvalidValueError(msg)
    return drives


def _check_record(text: str | None, what: str, stamp: str | None = None) -> None:
    good = text is None or _RECORD.fullmatch(str(text).rstrip("\n"))
    if not good or (stamp is not None and not re.fullmatch(r"[!-~]+", stamp)):
        refuse(what, "one line of sequence, phase and JSON", text)


def _lines(unit: Unit) -> str:
    """Give the drives of a unit as the script takes them.

    Records differ in little but drive and sequence, so each is sent as a template (``=...``, split by tabs; a piece
    begins with = for nothing, d, n, z or s for drive, number, number with zeros, stamp) and the values that fill it.
    """
    templates: dict[str, int] = {}
    lines = []
    for one in check_unit(unit):
        drive = one.drive
        stamp = one.expected.stamp if isinstance(one.expected, RawRecord) else None
        fields = [drive, str(one.sequence)]
        fields += _template(one.expected, drive, templates, stamp)
        fields.append(stamp or "-")
        fields += _template(one.intent, drive, templates)
        fields += _template(one.done, drive, templates)
        lines.append(" ".join(fields))
    return "\n".join([*templates, *lines])


def _template(text: str | None, drive: str, templates: dict[str, int], stamp: str | None = None) -> tuple[str, str]:
    """Give the number of the template and the sequence for one record."""
    if text is None:
        return "-", "0"
    line = str(text).rstrip("\n")
    digits = line[:20]
    number = str(int(digits))
    pieces = ["z"]
    place = 20
    values = re.compile(
        rf"(?P<d>(?<![0-9A-Za-z]){re.escape(drive)}(?![0-9A-Za-z]))"
        rf'|(?P<n>(?:(?<="sequence":)|(?<= )){number}(?![0-9A-Za-z]))'
    )
    for found in values.finditer(line, place):
        pieces[-1] += line[place:found.start()]
        pieces.append(str(found.lastgroup))
        place = found.end()
    pieces[-1] += line[place:]
    if stamp is not None:
        pieces[-1] += " #"
        pieces.append("s")
    # The first character of a line tells templates from drives.
    template = "=\t" + "\t".join(pieces)
    return str(templates.setdefault(template, len(templates) + 1)), number


def _place(directory: str, instance: str) -> str:
    _path(directory, "The state directory")
    return f"{directory.rstrip('/')}/{_identifiers.instance_name(instance)}"


def _drive(drive: str) -> str:
    if _identifiers.serial(drive, "drive") != drive:
        refuse("drive", "a serial number without padding", drive)
    return drive


def _path(path: object, what: str) -> None:
    if not isinstance(path, str) or not re.fullmatch(r"/[^\0\n]*", path) or not path.isprintable():
        refuse(what, "an absolute path", path)


def whole(value: object, what: str, least: int, most: int) -> int:
    """Give a whole number that may be sent; raises InvalidValueError."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        refuse(what, f"a whole number from {least} to {most}", value)
    return value
