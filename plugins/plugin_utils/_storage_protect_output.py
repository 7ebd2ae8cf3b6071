# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What dsmadmc prints: rows of a SELECT, messages, return codes. Pure. Private: may change at any time.

Every SELECT of ours has a literal as its first column, so that a row is told from banners, headers and messages; those that
decide have one as their last, too, so that a row that was cut off is not believed. Messages are known by their number: their
words depend on the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import failure_words, first_words

DRIVES = (
    "SELECT 'drive', library_name, drive_name, drive_state, online, drive_serial, volume_name, allocated_to, 'end' FROM drives"
)
_PATHS = "SELECT 'path', library_name, destination_name, source_name, online, device, 'end' FROM paths"
CONFLICTS = (
    "SELECT 'conflict', date_time, message FROM actlog"
    " WHERE date_time>=current_timestamp - {minutes} minutes AND msgno IN ({messages})"
)

#: Nothing was found.
NOT_FOUND = 11
#: Fields of a row of drives at least, and at most, without its end: what is NULL may be left out, as the serial number of a
#: FILE drive is.
_DRIVE_FIELDS = (5, 8)
_PATH_FIELDS = (5, 6)
_END = "end"
_MESSAGE = re.compile(r"(AN[A-Z])([0-9]{4})([A-Z])\b")
#: The return code of a command, and the highest of a session.
_CODE = re.compile(r"ANS800[12]I\b.*?([0-9]{1,5})\.?\s*$")
#: What a return code means; the others are told by the message that comes with them.
_MEANINGS = {
    2: "the server does not know the command",
    3: "the server does not understand the command",
    9: "the administrator may not do that: it needs system or unrestricted storage privilege",
    11: "the server does not know it",
    12: "the server says that it is in use",
    14: "the server says that it is not available",
    16: "the server is out of transactions",
    17: "the server could not lock it",
}


@dataclass(frozen=True)
class Drive:
    """A row of drives; ``volume``, ``allocated``: None if they were left out."""

    library: str
    name: str
    state: str
    online: str
    serial: str = ""
    volume: str | None = None
    allocated: str | None = None


@dataclass(frozen=True)
class Path:
    """A row of paths."""

    library: str
    drive: str
    source: str
    online: str
    device: str = ""


@dataclass
class Rows:
    """The rows of some answers; ``broken``: what is wrong with one of them."""

    drives: list[Drive] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    #: Messages of the activity log.
    conflicts: list[str] = field(default_factory=list)
    broken: str = ""

    def take(self, text: str) -> None:
        """Take in the rows of an answer, among whatever stands between them."""
        for line in text.splitlines():
            fields = [one.strip() for one in line.split("\t")]
            kind = fields[0]
            if kind == "drive" and self._whole(line, fields, _DRIVE_FIELDS):
                self.drives.append(Drive(*fields[1:]))
            elif kind == "path" and self._whole(line, fields, _PATH_FIELDS):
                self.paths.append(Path(*fields[1:]))
            elif kind == "conflict" and len(fields) >= 3:
                self.conflicts.append(" ".join(fields[2:]))

    def _whole(self, line: str, fields: list[str], limits: tuple[int, int]) -> bool:
        least, most = limits
        if len(fields) == 1:
            return False  # no row: a word of a banner or of a column's heading
        while len(fields) > 1 and not fields[-1]:
            fields.pop()
        ended = fields.pop() == _END
        # A path to a library has no library, a drive always has one.
        if ended and least <= len(fields) <= most and fields[2] and (fields[1] or fields[0] == "path"):
            return True
        self.broken = self.broken or f"one of its rows is cut off, or has other columns: {first_words(line)}"
        return False


def paths(sources: Iterable[str] = ()) -> str:
    """Give the SELECT of all paths, or of those from some sources: a large site has more than one answer can hold."""
    names = ", ".join(f"'{source}'" for source in sources)
    return _PATHS + (f" WHERE source_name IN ({names})" if names else "")


def code(answer: Any) -> int:
    """The return code: dsmadmc's own, or the one that it printed, for a program around it may lose it."""
    printed = [int(found[1]) for line in answer.output.splitlines() if (found := _CODE.match(line.strip()))]
    return int(answer.rc or max(printed, default=0))


def trouble(answer: Any, options: Mapping[str, Any]) -> str:
    """Say why dsmadmc did not do what it was told, "" if nothing shows that; return code 11 of a query is not looked at."""
    if answer.timed_out:
        return "dsmadmc did not end in time and was stopped"
    if answer.truncated:
        return "dsmadmc printed more than can be read"
    sign_on = _sign_on(answer.output, options)
    if sign_on:
        return sign_on
    number = code(answer)
    if not number:
        return ""
    said = message(answer.output)
    if number in _MEANINGS:
        return f"{_MEANINGS[number]} (return code {number}{f': {said}' if said else ''})"
    if said:
        return f"dsmadmc ended with return code {number}: {said}"
    return f"dsmadmc ended with return code {number}: {failure_words(answer.rc, answer.output)}"


def _sign_on(text: str, options: Mapping[str, Any]) -> str:
    """What keeps dsmadmc from its server."""
    numbers = {found[1] + found[2] for line in text.splitlines() if (found := _MESSAGE.match(line.strip()))}
    if numbers & {"ANS1051", "ANS8034"}:
        whose = f" in {options['credentials_file']}" if options["credentials_file"] else ""
        return f"the server refuses the administrator or the password{whose}"
    if "ANS1217" in numbers:
        return f"this host's options file of the client has no server {options['server_name'] or 'of the default'}"
    if numbers & {"ANS1017", "ANS8023"}:
        return f"the server cannot be reached: {message(text)}"
    return ""


def message(text: str) -> str:
    """The first message that tells of an error, else the first of a warning."""
    for kinds in "ESDK", "W":
        for line in text.splitlines():
            found = _MESSAGE.match(line.strip())
            if found and found[3] in kinds:
                return first_words(line).rstrip(".")
    return ""
