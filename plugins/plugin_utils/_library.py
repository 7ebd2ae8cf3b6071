# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a file `_libraries/<name>.py` has, and what goes to and fro between it and a library. Pure.

Private: may change at any time. A file has

- ``OPTIONS``: its options, as an argument spec; ``COMMON`` is among them
- ``check(options)``: the options in their final form, or an InvalidValueError
- ``queries(options, drive)``: the calls that show the drive
- ``read(options, drive, answers)``: what they show, a ``Seen``
- ``ways(options)``: the ways of setting the error state and of clearing it, in the order in which they are tried
- ``tell(options, way, wanted, drive, seen)``: the calls of one way, wanted is ``error`` or ``ok``; none where it cannot be gone

Nothing in it talks to anybody. `_library_call.py` makes the calls, `_library_steps.py` decides what is asked and believed.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
WANTED = ("error", "ok")
#: What a way does to hosts: they lose the drive, they get a conflict, or only the library mounts nothing any more.
EFFECTS = ("offline", "conflict", "mounts")
#: Options that every library has.
COMMON: dict[str, dict[str, Any]] = {
    "drive_names": {"type": "dict", "default": {}},
    "reason": {"type": "str", "default": "A backup server did not confirm the drive's reservation in time"},
    "timeout": {"type": "int", "default": 10},
    "limit": {"type": "int", "default": 120},
    "interval": {"type": "int", "default": 2},
}
_TIMES = {"timeout": (1, 600), "limit": (1, 3600), "interval": (1, 60)}


@dataclass(frozen=True)
class Web:
    """A request to the library's own address. ``body``: a mapping or list goes as JSON, a text as it is."""

    method: str
    path: str
    body: Any = None
    content_type: str = ""


@dataclass(frozen=True)
class Command:
    """A command on the host that the task is delegated to: an argument list, and lines for its standard input. No secrets."""

    words: tuple[str, ...]
    lines: tuple[str, ...] = ()
    #: A regular expression for the line by which a program that always ends well says that it refuses.
    refused: str = ""


@dataclass(frozen=True)
class Walk:
    """A column of a table of SNMP; the answer is JSON, a mapping of the rows' indexes to numbers and texts."""

    column: str


@dataclass(frozen=True)
class Set:
    """A number to be set by SNMP."""

    name: str
    value: int


@dataclass(frozen=True)
class Answer:
    """What came of a call: the status of HTTP or of a command; None if there was no answer, ``error`` says why."""

    status: int | None
    text: str = ""
    error: str = ""
    good: bool = False
    #: What it did to give its status.
    did: str = "answered"

    def json(self) -> Any:
        """Give the answer as it was meant; None if it is no JSON."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class Seen:
    """What a library shows of a drive: ``error``, ``ok``, ``other`` (shown, neither of the two) or ``unknown`` (not shown)."""

    state: str
    #: The library's own word for the state, or what it did in place of showing one.
    words: str = ""
    logical_library: str | None = None
    #: What else `tell` needs of it.
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Way:
    """One way of setting and clearing the error state."""

    name: str
    effect: str


def load(name: Any) -> ModuleType:
    """Give the file of a library by its name."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        msg = f"kind must be a name like 'ibm', not {_identifiers.shown(name)}"
        raise InvalidValueError(msg)
    try:
        return importlib.import_module(f"{__package__}._libraries.{name}")
    except ModuleNotFoundError as exc:
        if not str(exc.name).endswith(f"_libraries.{name}"):
            raise
        msg = f"kind {name!r} is not known; use 'custom' with the calls of your library"
        raise InvalidValueError(msg) from exc


def check_common(options: Mapping[str, Any]) -> dict[str, Any]:
    """Check what every library has; gives all options."""
    for option, (least, most) in _TIMES.items():
        if not least <= options[option] <= most:
            msg = f"{option} must be {least} to {most} seconds, not {_identifiers.shown(options[option])}"
            raise InvalidValueError(msg)
    names = {}
    for serial, name in options["drive_names"].items():
        drive = _identifiers.serial(serial, "a key of drive_names")
        names[drive] = _identifiers.location(name, f"drive_names[{drive}]")
    reason = first_words(str(options["reason"]), 200)
    return {**options, "drive_names": names, "reason": reason}


def name_of(options: Mapping[str, Any], drive: str) -> str:
    """Give the library's own name of a drive."""
    return options["drive_names"].get(drive, drive)


def shown(value: Any, most: int = 60) -> str:
    """Give a value of the network as one printable line."""
    return first_words(str(value), most) if isinstance(value, (str, int, float)) else ""


def did(answers: Sequence[Answer]) -> str:
    """Say what the library did on calls that belong together: the first that was not good, else that all were."""
    for answer in answers:
        if answer.good:
            continue
        if answer.status is None:
            return f"did not answer ({answer.error or 'no reason is known'})"
        return f"{answer.did} {answer.status} ({_reason(answer) or 'no reason was given'})"
    return "said that it was done"


def _reason(answer: Answer) -> str:
    content = answer.json()
    if isinstance(content, Mapping):
        for key in ("message", "error", "description", "reason", "detail"):
            if words := shown(content.get(key), 200):
                return words.rstrip(".")
        return ""
    # A page for a browser says nothing to an operator.
    return "" if answer.text.lstrip().startswith("<") else first_words(answer.text, 200).rstrip(".")
