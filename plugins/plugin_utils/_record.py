# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record that a control point keeps of one drive in one instance. Private: may change at any time.

One file, ``<directory>/<instance>/<drive>``, of one line::

    00000000000000000042 done {"version":1,"site":"...","drive":"...",...} #9f2c0d5a71e34b68.4711.186402

The sequence stands first, with leading zeros, because the guarded step compares it as text (32-bit shells). The stamp
after the last ``#`` is added by the guarded step: it names the process that wrote the line, so that two writings of
the same text can be told apart. People and this module may leave it out.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import ForeignSiteError, InvalidValueError

VERSION = 1
PHASES = ("intent", "done")
TARGETS = ("online", "offline", "none")
STATES = ("online", "offline", "other", None)
SEQUENCE_DIGITS = 20

_LINE = re.compile(r"([0-9]{20}) (intent|done) (\{.*\})(?: #(\S+))?")
_STAMP = re.compile(r" #\S+\Z")
_SHOWN = 60


class RawRecord(str):
    """A record as it was read: the line without its stamp, and the stamp beside it.

    It is what ``UnitDrive.expected`` should be: a text alone is also taken, but then a writing of the same text by
    another step between reading and setting goes unnoticed.
    """

    __slots__ = ("stamp",)
    stamp: str | None

    def __new__(cls, line: str) -> RawRecord:
        """Take the stamp off ``line``."""
        found = _STAMP.search(line)
        raw = super().__new__(cls, line[: found.start()] if found else line)
        raw.stamp = found.group()[2:] if found else None
        return raw

    @property
    def line(self) -> str:
        """The line as it stands in the file."""
        return f"{self} #{self.stamp}" if self.stamp else str(self)


@dataclass(frozen=True)
class Record:
    """What was done with a drive here, or is being done.

    ``was``: the state read before the set; ``taken``: the drive is offline because of us; ``target``: the state that
    was wanted (``none``: nothing was set).
    """

    site: str
    drive: str
    instance: str
    sequence: int
    phase: str
    target: str
    was: str | None = None
    taken: bool = False
    reason: str = ""
    version: int = VERSION

    @property
    def holds_taken(self) -> bool:
        """Whether the drive counts as taken: also by an intent to set offline what was online (I3)."""
        return self.taken or (self.phase == "intent" and self.target == "offline" and self.was == "online")


def format(record: Record) -> str:  # noqa: A001 - _record.format reads well where it is used
    """Give the line of a record, without a newline and without a stamp; raises InvalidValueError."""
    _check(asdict(record), f"The record of drive {record.drive!r}")
    text = json.dumps({"version": record.version, **asdict(record)}, separators=(",", ":"))
    # Single quotes would be quoted three times over on their way to the host.
    text = text.replace("'", "\\u0027")
    return f"{record.sequence:0{SEQUENCE_DIGITS}d} {record.phase} {text}"


def parse(text: str | None) -> Record | None:
    """Read a record; None for None (there is none), InvalidValueError for what is no record or from a newer version."""
    if text is None:
        return None
    found = _LINE.fullmatch(text.rstrip("\n"))
    try:
        fields = json.loads(found.group(3)) if found else None
    except (ValueError, RecursionError):
        fields = None
    if found is None or not isinstance(fields, dict):
        msg = (
            f"The record on the control point is no record: {_shown(text)}; it was left as it is. Look at the file,"
            " and remove it once you know whether the drive was set offline by this collection."
        )
        raise InvalidValueError(msg)
    what = f"The record of drive {_shown(fields.get('drive'))} in instance {_shown(fields.get('instance'))}"
    version = fields.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        msg = (
            f"{what} was written by a newer version of this collection ({version}, this one knows {VERSION});"
            " it was left as it is. Upgrade the collection on this controller."
        )
        raise InvalidValueError(msg)
    _check(fields, what)
    record = Record(**{key: fields[key] for key in Record.__dataclass_fields__})
    if (record.sequence, record.phase) != (int(found.group(1)), found.group(2)):
        msg = f"{what} contradicts itself in its sequence or phase: {_shown(text)}; it was left as it is."
        raise InvalidValueError(msg)
    return record


def require_site(record: Record | None, site: str) -> None:
    """Raise ForeignSiteError if the record was written for another site's table."""
    if record is not None and record.site != site:
        msg = (
            f"The record of drive {record.drive} in instance {record.instance} belongs to site {_shown(record.site)},"
            f" not {_shown(site)}; it was left as it is. Let only one site's controller manage this host."
        )
        raise ForeignSiteError(msg)


def _check(fields: dict[str, Any], what: str) -> None:
    def choice(*choices: object) -> Any:
        # True == 1 and the like must not pass.
        return lambda value: any(type(value) is type(one) and value == one for one in choices)

    def text(value: object) -> bool:
        return isinstance(value, str)

    def name(value: object) -> bool:
        return isinstance(value, str) and value != ""

    def whole(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**SEQUENCE_DIGITS

    wanted = {
        "version": (choice(VERSION), f"{VERSION}"),
        "site": (name, "a text"), "drive": (name, "a text"), "instance": (name, "a text"),
        "sequence": (whole, f"a whole number of at most {SEQUENCE_DIGITS} digits"),
        "phase": (choice(*PHASES), "intent or done"), "target": (choice(*TARGETS), "online, offline or none"),
        "was": (choice(*STATES), "online, offline, other or null"),
        "taken": (choice(True, False), "true or false"), "reason": (text, "a text"),
    }
    for key, (good, form) in wanted.items():
        if key not in fields or not good(fields[key]):
            msg = f"{what} must have {key} as {form}, not {_shown(fields.get(key))}; it was left as it is."
            raise InvalidValueError(msg)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
