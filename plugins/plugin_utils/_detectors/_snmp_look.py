# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A first look at a datagram, that takes some microseconds. Private: may change at any time.

Anybody can send anything to the port, and pysnmp needs up to a second for 60,000 octets that were made for it: it builds
an object for every element before it asks whether the message may be believed. So what is not of the form that RFC 3417 8
wants (definite lengths, simple types in one piece) is refused here, before pysnmp sees it, and what is said in the open is
read. Nothing is believed for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

V2C, V3 = 1, 3
AUTH_PRIV = 3
#: Security model of RFC 3414.
USM = 3

#: Twice the holders that a change may have, and the other variables of a map.
MAX_VARIABLES = 600

_INTEGER, _OCTETS, _OID, _SEQUENCE = 0x02, 0x04, 0x06, 0x30
# RFC 3416 3, all but the trap of SNMPv1, which is made up otherwise.
_PDUS = (0xA0, 0xA1, 0xA2, 0xA3, 0xA5, 0xA6, 0xA7, 0xA8)
_CONSTRUCTED, _LONG_TAG = 0x20, 0x1F
#: INTEGER, Counter32, Unsigned32, TimeTicks, Counter64, which may have nine octets.
_NUMBERS = frozenset((_INTEGER, 0x41, 0x42, 0x43, 0x46))
_MAX_VALUE = 9
_PRIV = 2
#: Octets of a number of 32 bits without a sign, and of a length that fits into a datagram.
_MAX_NUMBER = _MAX_LENGTH = 5
#: RFC 3411 5: SnmpEngineID, or none in the question for it; SnmpAdminString of a user's name.
_ENGINE_ID_OCTETS = (0, *range(5, 33))
_MAX_USER = 32
_MAX_TIME = 2**31 - 1


class MalformedError(Exception):
    """A datagram is not what SNMP allows; the text says in some words of ours what is wrong."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a message says in the open. Nobody has proved any of it, but that the community of SNMPv2c is this one."""

    version: int
    model: int = 0
    flags: int = 0
    community: bytes = b""
    engine_id: bytes = b""
    boots: int = 0
    time: int = 0
    user: bytes = b""
    #: Where the digest begins and ends.
    digest: tuple[int, int] = (0, 0)

    @property
    def protected(self) -> bool:
        """Whether it claims to be authentic and encrypted."""
        return self.flags & AUTH_PRIV == AUTH_PRIV


def look(message: bytes) -> Look:
    """Read the outside of a message; raises MalformedError. Of versions that are neither v2c nor v3 only the version."""
    at, end = _element(message, 0, len(message), _SEQUENCE)
    if end != len(message):
        _refuse("octets behind its end")
    version, at = _number(message, at, end)
    if version == V3:
        return _v3(message, at, end)
    if version == V2C:
        start, stop = _element(message, at, end, _OCTETS)
        variables(message, *_pdu(message, stop, end))
        return Look(version, community=message[start:stop])
    return Look(version)


def variables(message: bytes, at: int, end: int) -> None:
    """Check that a list of variables, without its tag and length, has a form and a length that can be worked with."""
    count = 0
    while at < end:
        count += 1
        if count > MAX_VARIABLES:
            _refuse(f"more than {MAX_VARIABLES} variables")
        inner, at = _element(message, at, end, _SEQUENCE)
        _start, inner = _element(message, inner, at, _OID)
        if inner >= at or message[inner] & _CONSTRUCTED or message[inner] & _LONG_TAG == _LONG_TAG:
            _refuse("a variable without a simple value")
        start, stop = _element(message, inner, at, message[inner])
        if stop != at:
            _refuse("a variable that is no pair")
        if message[inner] in _NUMBERS and not 1 <= stop - start <= _MAX_VALUE:
            _refuse(f"a number of {stop - start} octets")


def variable_list(octets: bytes) -> None:
    """Check a list of variables with its tag and length."""
    start, end = _element(octets, 0, len(octets), _SEQUENCE)
    if end != len(octets):
        _refuse("octets behind its variables")
    variables(octets, start, end)


def _v3(message: bytes, at: int, end: int) -> Look:
    inner, at = _element(message, at, end, _SEQUENCE)
    stop = at
    _number_of_message, inner = _number(message, inner, stop)
    _size, inner = _number(message, inner, stop)
    start, inner = _element(message, inner, stop, _OCTETS)
    if inner != start + 1:
        _refuse("flags that are not one octet")
    flags = message[start]
    model, inner = _number(message, inner, stop)
    if inner != stop:
        _refuse("a header of another form")
    start, at = _element(message, at, end, _OCTETS)
    if model != USM:
        return Look(V3, model, flags)
    said = _usm(message, start, at, flags)
    if flags & _PRIV:
        _start, at = _element(message, at, end, _OCTETS)
    else:
        start, at = _element(message, at, end, _SEQUENCE)
        _start, inner = _element(message, start, at, _OCTETS)
        _start, inner = _element(message, inner, at, _OCTETS)
        _pdu(message, inner, at)
    if at != end:
        _refuse("octets behind its data")
    return said


def _usm(message: bytes, at: int, end: int, flags: int) -> Look:
    """Read UsmSecurityParameters (RFC 3414 2.4)."""
    at, stop = _element(message, at, end, _SEQUENCE)
    engine, at = _element(message, at, stop, _OCTETS)
    engine_id = message[engine:at]
    boots, at = _number(message, at, stop)
    time, at = _number(message, at, stop)
    user, after_user = _element(message, at, stop, _OCTETS)
    digest, after_digest = _element(message, after_user, stop, _OCTETS)
    _salt, after_salt = _element(message, after_digest, stop, _OCTETS)
    if after_salt != stop or stop != end:
        _refuse("security parameters of another form")
    if len(engine_id) not in _ENGINE_ID_OCTETS:
        _refuse(f"an engine id of {len(engine_id)} octets")
    if after_user - user > _MAX_USER:
        _refuse(f"a user's name of {after_user - user} octets")
    if not (0 <= boots <= _MAX_TIME and 0 <= time <= _MAX_TIME):
        _refuse("boots or time out of range")
    return Look(V3, USM, flags, b"", engine_id, boots, time, message[user:after_user], (digest, after_digest))


def _pdu(message: bytes, at: int, end: int) -> tuple[int, int]:
    """Check a PDU that goes to the end; give where its list of variables begins and ends."""
    if at >= end or message[at] not in _PDUS:
        _refuse("no PDU")
    at, stop = _element(message, at, end, message[at])
    for _part in range(3):
        _value, at = _number(message, at, stop)
    at, stop_of_list = _element(message, at, stop, _SEQUENCE)
    if stop_of_list != stop or stop != end:
        _refuse("a PDU of another form")
    return at, stop


def _number(message: bytes, at: int, end: int) -> tuple[int, int]:
    """Give a number and where the next element begins."""
    start, stop = _element(message, at, end, _INTEGER)
    if not 1 <= stop - start <= _MAX_NUMBER:
        _refuse(f"a number of {stop - start} octets")
    return int.from_bytes(message[start:stop], "big", signed=True), stop


def _element(message: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Give where the contents of an element begin and end; it must have this tag, and end before ``end``."""
    start = at + 2
    if start > end:
        _refuse("it ends too early")
    if message[at] != tag:
        _refuse(f"tag {message[at]:02x} instead of {tag:02x}")
    length = message[at + 1]
    if length & 0x80:
        octets = length & 0x7F
        if not 1 <= octets <= _MAX_LENGTH:
            _refuse("an open or a senseless length")
        length = int.from_bytes(message[start : start + octets], "big")
        start += octets
    stop = start + length
    if stop > end:
        _refuse("an element longer than what it is in")
    return start, stop


def _refuse(what: str) -> NoReturn:
    raise MalformedError(what)
