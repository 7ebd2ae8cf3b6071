# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a notification's variables to the fields of a change, by a map. Private: may change at any time.

A variable belongs to an object of the map if its name is the object's OBJECT IDENTIFIER or one below it: the instance
(``.0``, a row's index) differs from sender to sender. All text comes from the network: what does not have the form that
the table wants is refused here, and goes no further.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
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

#: A variable's value: OCTET STRING, number, IpAddress, OBJECT IDENTIFIER; None for NULL and the like.
Value = bytes | int | ipaddress.IPv4Address | tuple[int, ...] | None
#: A variable as it came: name and value.
Varbind = tuple[tuple[int, ...], Value]

#: RFC 2578 3.5
_MAX_ARCS = 128
_WWN_OCTETS = 8
_TRAP_OID = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)

_UNREADABLE: dict[str, str | None] = {"protocol": None, "id": None}


class MissingVariableError(InvalidValueError):
    """A notification does not have a variable that its map needs."""


@dataclass(frozen=True, slots=True)
class Source(Field):
    """A field that comes from the variable ``oid``."""

    oid: str = ""
    prefix: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Ports:
    """Where initiator ports come from."""

    protocol: Source
    identifier: Source


@dataclass(frozen=True, slots=True)
class Entry:
    """What is made of one notification."""

    name: str
    notification: tuple[int, ...]
    drive_by: str
    drive: Source
    status: Source
    holders: Ports | None = None
    port: Ports | None = None
    library: Source | None = None
    senders: Mapping[str, str] | None = None
    boots: Source | None = None
    counter: Source | None = None
    time: Source | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of a notification beside its variables.

    ``sender`` is whom it came from, ``request`` what is the same when it is sent again; both for the origin.
    """

    address: str
    sender: str
    request: str
    received_at: float


def translate(entry: Entry, varbinds: Sequence[Varbind], envelope: Envelope) -> dict[str, Any] | None:
    """Give the fields of the change for the sink, or None where the map says that the notification is none.

    Raises InvalidValueError: a variable is missing (MissingVariableError) or has not the form that the table wants.
    """
    status = _single(entry.status, varbinds, "status")
    if status == IGNORE:
        return None
    drive = _drive(entry, varbinds)
    return {
        "drive": {entry.drive_by: drive},
        "library": _library(entry, varbinds, envelope.address),
        "status": status,
        "holders": _holders(entry.holders, varbinds) if status == "reserved" else [],
        "port": _port(entry.port, varbinds) if status == "released" else None,
        "observed_at": _observed_at(entry.time, varbinds, envelope.received_at),
        "origin": _origin(entry, varbinds, envelope, drive),
        "detector": "snmp",
    }


def oid(dotted: str) -> tuple[int, ...]:
    """Give an OBJECT IDENTIFIER; the text has been checked."""
    return tuple(int(arc) for arc in dotted.split("."))


def oid_text(arcs: tuple[int, ...]) -> str:
    """Write an OBJECT IDENTIFIER with dots."""
    return ".".join(map(str, arcs))


def notification(varbinds: Sequence[Varbind]) -> tuple[int, ...]:
    """Give the notification's OBJECT IDENTIFIER (RFC 3416 4.2.6: the second variable)."""
    for name, value in varbinds:
        if name == _TRAP_OID and isinstance(value, tuple):
            return value
    msg = "it does not say which notification it is (snmpTrapOID.0 is missing)"
    raise InvalidValueError(msg)


def text(value: Value, what: str) -> str:
    """Give a variable's value as text; numbers in digits, OBJECT IDENTIFIERs and addresses with dots."""
    if isinstance(value, bytes):
        if len(value) > MAX_TEXT:
            msg = f"{what} is longer than {MAX_TEXT} octets"
            raise InvalidValueError(msg)
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            msg = f"{what} is not text: {_identifiers.shown(value.hex(' '))}"
            raise InvalidValueError(msg) from None
    if isinstance(value, tuple):
        if len(value) > _MAX_ARCS:
            msg = f"{what} is an OBJECT IDENTIFIER of more than {_MAX_ARCS} numbers"
            raise InvalidValueError(msg)
        return oid_text(value)
    if value is not None:
        return str(value)
    msg = f"{what} has no value"
    raise MissingVariableError(msg)


def _found(source: Source, varbinds: Sequence[Varbind]) -> list[Varbind]:
    """Give the variables of an object, by instance."""
    prefix, length = source.prefix, len(source.prefix)
    return [(name[length:], value) for name, value in varbinds if name[:length] == prefix]


def _single(
    source: Source, varbinds: Sequence[Varbind], what: str, *, wwn: bool = False, name: bool = False
) -> str:
    if source.value is not None:
        return source.value
    what = f"the variable {source.oid} ({what})"
    found = _found(source, varbinds)
    if not found:
        msg = f"{what} is missing"
        raise MissingVariableError(msg)
    if len(found) > 1:
        msg = f"{what} is there {len(found)} times"
        raise InvalidValueError(msg)
    _instance, value = found[0]
    if name:
        _check_name(source, value, what)
    return source.translated(_read(value, what, wwn=wwn), what)


def _check_name(source: Source, value: Value, what: str, *, address: bool = False) -> None:
    """Refuse what is a name by accident: a number has lost its zeros, and is no name because it can be written down.

    Where the map translates or picks, its author has thought of it.
    """
    good = value is None or isinstance(value, bytes) or (address and isinstance(value, ipaddress.IPv4Address))
    if not good and source.values is None and source.pattern is None:
        msg = f"{what} must be text (OCTET STRING), not {_identifiers.shown(text(value, what))}"
        raise InvalidValueError(msg)


def _read(value: Value, what: str, *, wwn: bool) -> str:
    # A name of eight octets is always the number itself: as text it has 16 digits at least.
    if wwn and isinstance(value, bytes) and len(value) == _WWN_OCTETS:
        return value.hex()
    return text(value, what)


def _drive(entry: Entry, varbinds: Sequence[Varbind]) -> str:
    what = f"the drive's {entry.drive_by}"
    wwn = entry.drive_by in ("wwpn", "wwnn")
    value = _single(entry.drive, varbinds, what, wwn=wwn, name=True)
    if wwn:
        return _identifiers.wwn(value, what)
    return (_identifiers.serial if entry.drive_by == "serial" else _identifiers.location)(value, what)


def _library(entry: Entry, varbinds: Sequence[Varbind], address: str) -> str | None:
    if entry.senders is not None:
        return entry.senders.get(address)
    name = _optional(entry.library, varbinds, "library", name=True)
    # Senders fill fixed fields up with blanks or NUL.
    name = name.strip(" \0") if name else None
    return _identifiers.host_name(name, "the library's name") if name else None


def _optional(source: Source | None, varbinds: Sequence[Varbind], what: str, *, name: bool = False) -> str | None:
    if source is None:
        return None
    try:
        return _single(source, varbinds, what, name=name)
    except MissingVariableError:
        return None


def _holders(ports: Ports | None, varbinds: Sequence[Varbind]) -> list[dict[str, str | None]]:
    if ports is None:
        return [dict(_UNREADABLE)]
    holders = _ports(ports, varbinds, "holder")
    if not holders or None in holders:
        # One of several whom nobody can name: as the others may be right and may not, the whole is unreadable, and
        # the applications are asked whether the drive is in use there.
        return [dict(_UNREADABLE)]
    return [holder for holder in holders if holder is not None]


def _port(ports: Ports | None, varbinds: Sequence[Varbind]) -> dict[str, str | None] | None:
    if ports is None:
        return None
    found = _ports(ports, varbinds, "releasing port")
    return found[0] if len(found) == 1 else None


def _ports(ports: Ports, varbinds: Sequence[Varbind], what: str) -> list[dict[str, str | None] | None]:
    """Give one port for each instance of the identifier; None for one that the sender cannot name."""
    fixed = ports.identifier.value
    found = _found(ports.identifier, varbinds) if fixed is None else [((), fixed.encode())]
    if not found and not ports.identifier.optional:
        msg = f"the variable {ports.identifier.oid} ({what}'s id) is missing"
        raise MissingVariableError(msg)
    if len(found) > _change.MAX_HOLDERS:
        msg = f"there are more than {_change.MAX_HOLDERS} variables {ports.identifier.oid} ({what}'s id)"
        raise InvalidValueError(msg)
    protocols = dict(_protocols(ports.protocol, varbinds, what)) if ports.protocol.value is None else {}
    result: list[dict[str, str | None] | None] = []
    for instance, given in found:
        protocol = ports.protocol.value or protocols.get(instance)
        if protocol is None:
            msg = f"the variable {ports.protocol.oid} ({what}'s protocol) is missing beside the {what}'s id"
            raise MissingVariableError(msg)
        place = f"the variable {ports.identifier.oid} ({what}'s id)"
        _check_name(ports.identifier, given, place, address=protocol == "ip")
        value = _read(given, place, wwn=protocol in ("fc", "sas"))
        value = ports.identifier.translated(value, place) if value.strip(" \0") else ""
        if protocol == UNKNOWN or not value:
            result.append(None)
        else:
            result.append(_identifiers.port({"protocol": protocol, "id": value}, f"the {what}"))
    return result


def _protocols(source: Source, varbinds: Sequence[Varbind], what: str) -> list[tuple[tuple[int, ...], str]]:
    place = f"the variable {source.oid} ({what}'s protocol)"
    return [(instance, source.translated(text(value, place), place)) for instance, value in _found(source, varbinds)]


def _observed_at(source: Source | None, varbinds: Sequence[Varbind], received_at: float) -> str:
    """Give the sender's time if it can be believed: it is for people, so a wrong one does not make a change wrong."""
    if source is not None:
        for _instance, value in _found(source, varbinds)[:1]:
            try:
                told = _time(value)
            except (ValueError, OverflowError, InvalidValueError):
                continue
            if told is not None and abs(told - received_at) <= MAX_CLOCK_DIFFERENCE:
                return _change.timestamp(told)
    return _change.timestamp(received_at)


def _time(value: Value) -> float | None:
    """Read DateAndTime (RFC 2579) or ISO 8601; None where the offset from UTC is not told."""
    if isinstance(value, bytes) and len(value) in (8, 11):
        year = int.from_bytes(value[:2], "big")
        month, day, hour, minute, second, tenth = value[2:8]
        if len(value) == 8 or value[8:9] not in (b"+", b"-"):
            return None
        offset = datetime.timedelta(hours=value[9], minutes=value[10])
        zone = datetime.timezone(offset if value[8:9] == b"+" else -offset)
        # A leap second is 60 there.
        return datetime.datetime(year, month, day, hour, minute, min(second, 59), tenth * 100_000, zone).timestamp()
    told = _change.observed_at(text(value, "the time"))
    return datetime.datetime.fromisoformat(told).timestamp()


def _origin(entry: Entry, varbinds: Sequence[Varbind], envelope: Envelope, drive: str) -> str:
    """Give the key by which a repetition of this notification is known again.

    With the sender's boots and counter that is whatever message carries them. Without, it is a retransmission: the
    request and all its variables, among them sysUpTime, are the same.
    """
    boots = _optional(entry.boots, varbinds, "sender's boots")
    counter = _optional(entry.counter, varbinds, "sender's counter")
    if boots is not None and counter is not None:
        # An identifier's digits and no more: the origin is kept, and shown.
        pair = f"{_identifiers.serial(boots, 'sender boots')}.{_identifiers.serial(counter, 'sender counter')}"
        return f"snmp {envelope.sender} {pair} {drive}"
    digest = hashlib.blake2b(repr(varbinds).encode(), digest_size=16).hexdigest()
    return f"snmp {envelope.sender} {envelope.request} {digest}"
