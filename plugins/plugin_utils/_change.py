# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reservation change as the drive table holds it: one form, checked at every door. Private: may change at any time.

The form is also written down as JSON schema, in ``extensions/eda/plugins/event_source/schemas/change.json``; a test
holds the two against each other.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: Version of the form.
VERSION = 1

#: Sequences stay far below what JSON readers keep exactly (2^53), and within the 20 digits of the records.
MAX_SEQUENCE = 10**15

#: More holders than any drive has registrants: IBM LTO drives allow 32, TS11xx 64.
MAX_HOLDERS = 256

STATUSES = ("reserved", "released")
DETECTORS = ("snmp", "scsi", "webhook", "manual")
UNREADABLE: dict[str, Any] = {"protocol": None, "id": None}

#: The keys of a change.
KEYS = ("version", "drive", "status", "holders", "port", "sequence", "observed_at", "library", "detector")


def validate(mapping: Any, what: str = "change") -> dict[str, Any]:
    """Check one change and give it in its normal form: a new dict with exactly the keys of the schema.

    Holders come out sorted and without repetition, ports in their one written form, ``observed_at`` in UTC with
    microseconds. Raises InvalidValueError, which names the key; a change of a newer version has its own sentence.
    """
    if not isinstance(mapping, Mapping):
        _refuse(what, "a mapping", mapping)
    version = mapping.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        msg = (
            f"{what} is of version {_identifiers.shown(version)}, newer than version {VERSION} of this collection;"
            " it was left as it is. Install the newer collection here too"
        )
        raise InvalidValueError(msg)
    if isinstance(version, bool) or version != VERSION:
        _refuse(f"{what}.version", str(VERSION), version)
    for key in mapping:
        if key not in KEYS:
            _refuse(what, f"a mapping with the keys {', '.join(KEYS)} only", key)
    for key in KEYS:
        if key not in mapping:
            msg = f"{what}.{key} is missing"
            raise InvalidValueError(msg)
    sequence = mapping["sequence"]
    if isinstance(sequence, bool) or not isinstance(sequence, int) or not 1 <= sequence <= MAX_SEQUENCE:
        _refuse(f"{what}.sequence", f"a whole number from 1 to {MAX_SEQUENCE}", sequence)
    fact = _fact(mapping, what)
    return {"version": VERSION, **fact, "sequence": int(sequence)}


def observed_at(text: Any, what: str = "observed_at") -> str:
    """Give a time as ``2026-11-22T06:00:34.567890+00:00``, from any ISO 8601 writing with date, time and offset."""
    form = "a time such as 2026-11-22T06:00:34.567890+00:00"
    if not isinstance(text, str) or not 16 <= len(text) <= 40 or not text.isascii():
        _refuse(what, form, text)
    try:
        time = datetime.datetime.fromisoformat(text)
        if time.tzinfo is None:
            _refuse(what, f"{form}, with its offset from UTC", text)
        utc = time.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        _refuse(what, form, text)
    return utc.isoformat(timespec="microseconds")


def timestamp(seconds: float) -> str:
    """Give epoch seconds in the form of ``observed_at``."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="microseconds")


def port_text(port: Mapping[str, Any]) -> str:
    """Write a checked port for people: ``fc 10000090fa1658de``."""
    return f"{port['protocol']} {port['id']}" if port["id"] is not None else "a port that cannot be read"


def _fact(mapping: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Check everything of a change but its version and sequence."""
    status = mapping["status"]
    if not isinstance(status, str) or status not in STATUSES:
        _refuse(f"{what}.status", "reserved or released", status)
    detector = mapping["detector"]
    if not isinstance(detector, str) or detector not in DETECTORS:
        _refuse(f"{what}.detector", f"one of {', '.join(DETECTORS)}", detector)
    library = mapping["library"]
    port = mapping["port"]
    if port is not None:
        if status == "reserved":
            _refuse(f"{what}.port", "null in a change to reserved (the holders say who)", port)
        port = _identifiers.port(port, f"{what}.port")
    return {
        "drive": _identifiers.serial(mapping["drive"], f"{what}.drive"),
        "status": str(status),
        "holders": _holders(mapping["holders"], status, f"{what}.holders"),
        "port": port,
        "observed_at": observed_at(mapping["observed_at"], f"{what}.observed_at"),
        "library": None if library is None else _identifiers.host_name(library, f"{what}.library"),
        "detector": str(detector),
    }


def _holders(value: Any, status: str, what: str) -> list[dict[str, Any]]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        _refuse(what, "a list of ports", value)
    if status == "released":
        if len(value):
            _refuse(what, "an empty list in a change to released", value)
        return []
    if not 1 <= len(value) <= MAX_HOLDERS:
        _refuse(what, f"a list of 1 to {MAX_HOLDERS} ports in a change to reserved", value)
    ports = {}
    for place, item in enumerate(value):
        port = _identifiers.port(item, f"{what}[{place}]", unreadable=True)
        ports[(port["protocol"] or "", port["id"] or "")] = port
    if ("", "") in ports and len(ports) > 1:
        _refuse(what, "either known ports or the one unreadable port", value)
    return [ports[key] for key in sorted(ports)]


@dataclass(frozen=True)
class Observation:
    """What a detector saw.

    Checked and brought into its normal form when it is made (InvalidValueError), so that a bad one never meets the
    table. ``origin`` is the key of the notification: the same key again is the same notification again. A ``level``
    reading says what is, not what happened, and carries the drive's sequence as it was before asking (0: no row).
    """

    drive: str
    status: str
    holders: tuple[dict[str, Any], ...]
    observed_at: str
    detector: str
    port: dict[str, Any] | None = None
    library: str | None = None
    origin: str | None = None
    level: bool = False
    seen_sequence: int | None = None

    def __post_init__(self) -> None:
        """Check and normalise."""
        for key, value in _fact(vars(self), "observation").items():
            object.__setattr__(self, key, tuple(value) if key == "holders" else value)
        if self.origin is not None and not isinstance(self.origin, str):
            _refuse("observation.origin", "a text or null", self.origin)
        seen = self.seen_sequence
        if self.level and (isinstance(seen, bool) or not isinstance(seen, int) or seen < 0):
            _refuse("observation.seen_sequence", "the drive's sequence before the reading, 0 or more", seen)


_FIELDS = tuple(Observation.__dataclass_fields__)


def observation(mapping: Any, what: str = "observation") -> Observation:
    """Make an Observation of its fields; port, library, origin, level and seen_sequence may be left out."""
    if not isinstance(mapping, Mapping):
        _refuse(what, "a mapping", mapping)
    for key in mapping:
        if key not in _FIELDS:
            _refuse(what, f"a mapping with the keys {', '.join(_FIELDS)} only", key)
    for key in _FIELDS[:5]:
        if key not in mapping:
            msg = f"{what}.{key} is missing"
            raise InvalidValueError(msg)
    return Observation(**mapping)


def _refuse(what: str, form: str, value: Any) -> NoReturn:
    msg = f"{what} must be {form}, not {_identifiers.shown(value)}"
    raise InvalidValueError(msg)
