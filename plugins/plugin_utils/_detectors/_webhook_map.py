# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a JSON body to the fields of changes, by a map. Private: may change at any time.

All text comes from the network: what does not have the form that the table wants is refused here, and goes no further.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _change, _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._fields import (
    IGNORE,
    MAX_CLOCK_DIFFERENCE,
    MAX_TEXT,
    UNKNOWN,
    Field,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: Changes in one request.
MAX_ITEMS = 500
_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Place(Field):
    """A field that stands at ``path``: names of objects' members, and places in lists from 0."""

    path: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Write the path as in the map."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where initiator ports come from; ``items`` is where their list stands, if there may be several."""

    protocol: Place
    identifier: Place
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Map:
    """What is made of one body."""

    drive_by: str
    drive: Place
    status: Place
    items: tuple[str, ...] | None = None
    holders: Ports | None = None
    port: Ports | None = None
    library: Place | None = None
    senders: Mapping[str, str] | None = None
    time: Place | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of a request beside its body."""

    address: str
    sender: str
    message: str
    received_at: float


def body_of(octets: bytes) -> Any:
    """Read JSON; raises InvalidValueError. What Python takes beside JSON is refused."""

    def constant(name: str) -> Any:
        msg = f"{name} is no value in JSON"
        raise ValueError(msg)

    try:
        return json.loads(octets.decode("utf-8"), parse_constant=constant)
    except (ValueError, RecursionError) as exc:
        said = "too many brackets" if isinstance(exc, RecursionError) else str(exc)
        msg = f"its body is not JSON in UTF-8 ({said[:80]})"
        raise InvalidValueError(msg) from None


def items_of(entry: Map, body: Any) -> list[Any]:
    """Give the changes that a body tells of, each as it came."""
    found = body if entry.items is None else _at(body, entry.items)
    if found is _MISSING:
        msg = f"{'.'.join(entry.items or ())} (the list of changes) is missing"
        raise InvalidValueError(msg)
    many = found if isinstance(found, list) else [found]
    if len(many) > MAX_ITEMS:
        msg = f"it tells of {len(many)} changes; at most {MAX_ITEMS} are taken at once"
        raise InvalidValueError(msg)
    return many


def translate(entry: Map, item: Any, envelope: Envelope) -> dict[str, Any] | None:
    """Give the fields of a change for the sink, or None where the map says that it is none. Raises InvalidValueError."""
    if not isinstance(item, dict):
        msg = f"a change must be an object, not {_identifiers.shown(item)}"
        raise InvalidValueError(msg)
    status = _text(entry.status, item, "status")
    if status == IGNORE:
        return None
    drive = _drive(entry, item)
    return {
        "drive": {entry.drive_by: drive},
        "library": _library(entry, item, envelope.address),
        "status": status,
        "holders": _holders(entry.holders, item) if status == "reserved" else [],
        "port": _port(entry.port, item) if status == "released" else None,
        "observed_at": _observed_at(entry.time, item, envelope.received_at),
        # The message's id is the same when it is sent again; a message may tell of several drives, and of one twice.
        "origin": f"webhook {envelope.sender} {envelope.message} {drive} {status}",
        "detector": "webhook",
    }


def _at(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isascii() and name.isdigit() and int(name[:9]) < len(value):
            value = value[int(name)]
        else:
            return _MISSING
    return value


def _text(place: Place, item: Any, what: str, *, name: bool = False) -> str:
    """Give a field as text. A ``name`` has to be text already, so that a wrong member does not become a drive."""
    if place.value is not None:
        return place.value
    what = f"{place.shown} ({what})"
    found = _at(item, place.path)
    if found is _MISSING or found is None:
        msg = f"{what} is missing"
        raise InvalidValueError(msg)
    if isinstance(found, bool) or not isinstance(found, (str, int)) or (name and not isinstance(found, str)):
        msg = f"{what} must be text, not {_identifiers.shown(found)}"
        raise InvalidValueError(msg)
    if isinstance(found, int):
        if found.bit_length() > 64:
            msg = f"{what} is too large a number"
            raise InvalidValueError(msg)
        found = str(found)
    if len(found) > MAX_TEXT:
        msg = f"{what} is longer than {MAX_TEXT} characters"
        raise InvalidValueError(msg)
    return place.translated(found, what)


def _drive(entry: Map, item: Any) -> str:
    what = f"the drive's {entry.drive_by}"
    value = _text(entry.drive, item, what, name=True)
    if entry.drive_by in ("wwpn", "wwnn"):
        return _identifiers.wwn(value, what)
    return (_identifiers.serial if entry.drive_by == "serial" else _identifiers.location)(value, what)


def _library(entry: Map, item: Any, address: str) -> str | None:
    if entry.senders is not None:
        return entry.senders.get(address)
    if entry.library is None or (entry.library.value is None and _at(item, entry.library.path) in (_MISSING, None, "")):
        return None
    return _identifiers.host_name(_text(entry.library, item, "library", name=True), "the library's name")


def _holders(ports: Ports | None, item: Any) -> list[dict[str, Any]]:
    found = [None] if ports is None else _ports(ports, item, "holder")
    if not found or None in found:
        # One of several whom nobody can name: as the others may be right and may not, the whole is unreadable, and
        # the applications are asked whether the drive is in use there.
        return [dict(_change.UNREADABLE)]
    return [one for one in found if one is not None]


def _port(ports: Ports | None, item: Any) -> dict[str, Any] | None:
    found = [] if ports is None else _ports(ports, item, "releasing port")
    return found[0] if len(found) == 1 else None


def _ports(ports: Ports, item: Any, what: str) -> list[dict[str, Any] | None]:
    """Give the ports; None for one that the sender cannot name."""
    many = _at(item, ports.items) if ports.items else item
    if many is None or (many is _MISSING and ports.identifier.optional):
        return []
    if many is _MISSING:
        msg = f"{'.'.join(ports.items)} ({what}) is missing"
        raise InvalidValueError(msg)
    if not isinstance(many, list):
        many = [many]
    if len(many) > _change.MAX_HOLDERS:
        msg = f"{'.'.join(ports.items)} ({what}) has more than {_change.MAX_HOLDERS} ports"
        raise InvalidValueError(msg)
    return [_one_port(ports, one, what) for one in many]


def _one_port(ports: Ports, item: Any, what: str) -> dict[str, Any] | None:
    place = ports.identifier
    if place.value is None and _at(item, place.path) in (_MISSING, None, ""):
        # Null is how a sender says that it cannot read it; that the member is not there may be a wrong map.
        if place.optional or _at(item, place.path) is not _MISSING:
            return None
        msg = f"{place.shown} ({what}'s id) is missing"
        raise InvalidValueError(msg)
    protocol = _text(ports.protocol, item, f"{what}'s protocol")
    value = _text(place, item, f"{what}'s id", name=True)
    if protocol == UNKNOWN or not value.strip():
        return None
    return _identifiers.port({"protocol": protocol, "id": value}, f"the {what}")


def _observed_at(place: Place | None, item: Any, received_at: float) -> str:
    """Give the sender's time if it can be believed: it is for people, so a wrong one does not make a change wrong."""
    if place is not None:
        try:
            told = datetime.datetime.fromisoformat(_change.observed_at(_text(place, item, "time"))).timestamp()
        except InvalidValueError:
            told = received_at
        if abs(told - received_at) <= MAX_CLOCK_DIFFERENCE:
            return _change.timestamp(told)
    return _change.timestamp(received_at)
