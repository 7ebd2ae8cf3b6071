# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of ASN.1 BER that SNMP uses (RFC 3417 section 8), read in place and written. Private: may change at any time.

A decoder that builds an object for each element (pyasn1) takes 2 ms for an inform; this one gives positions in the
datagram and takes 30 µs. It takes definite lengths and single-octet tags only, as SNMP does, and reads nothing beyond
the end that it is given. Whatever is wrong raises MalformedError.
"""

from __future__ import annotations

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

INTEGER = 0x02
OCTETS = 0x04
NULL = 0x05
OID = 0x06
SEQUENCE = 0x30
IP_ADDRESS = 0x40
COUNTER32 = 0x41
UNSIGNED32 = 0x42
TIME_TICKS = 0x43
COUNTER64 = 0x46

#: The tags whose values are read as numbers.
NUMBERS = frozenset((INTEGER, COUNTER32, UNSIGNED32, TIME_TICKS, COUNTER64))

_MAX_LENGTH_OCTETS = 4
_MAX_NUMBER_OCTETS = 9


class MalformedError(InvalidValueError):
    """A datagram is not what SNMP allows; the message says what is wrong in it."""


def read(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Give tag, start and stop of the contents of the element at ``at``."""
    if at + 2 > end:
        msg = "it ends within an element"
        raise MalformedError(msg)
    tag = data[at]
    length = data[at + 1]
    at += 2
    if length & 0x80:
        octets = length & 0x7F
        if not 1 <= octets <= _MAX_LENGTH_OCTETS or at + octets > end:
            msg = "an element's length is wrong"
            raise MalformedError(msg)
        length = int.from_bytes(data[at : at + octets], "big")
        at += octets
    stop = at + length
    if stop > end:
        msg = "an element is longer than what holds it"
        raise MalformedError(msg)
    return tag, at, stop


def expect(data: bytes, at: int, end: int, tag: int, what: str) -> tuple[int, int]:
    """Give start and stop of the contents of the element at ``at``, which must have this tag."""
    found, start, stop = read(data, at, end)
    if found != tag:
        msg = f"{what} is of the wrong type 0x{found:02x}"
        raise MalformedError(msg)
    return start, stop


def number(data: bytes, at: int, end: int, what: str, low: int, high: int) -> tuple[int, int]:
    """Read an INTEGER element within bounds; give its value and the end of the element."""
    start, stop = expect(data, at, end, INTEGER, what)
    if not 1 <= stop - start <= _MAX_NUMBER_OCTETS:
        msg = f"{what} has no usable length"
        raise MalformedError(msg)
    value = int.from_bytes(data[start:stop], "big", signed=True)
    if not low <= value <= high:
        msg = f"{what} is out of its range"
        raise MalformedError(msg)
    return value, stop


def octets(data: bytes, at: int, end: int, what: str, limit: int) -> tuple[bytes, int, int]:
    """Read an OCTET STRING element; give its contents, where they start and where they end."""
    start, stop = expect(data, at, end, OCTETS, what)
    if stop - start > limit:
        msg = f"{what} is longer than {limit} octets"
        raise MalformedError(msg)
    return data[start:stop], start, stop


def value_number(tag: int, contents: bytes) -> int:
    """Give a variable's number. Only INTEGER is signed; some senders leave out the zero octet of large counters."""
    if tag not in NUMBERS or not 1 <= len(contents) <= _MAX_NUMBER_OCTETS:
        msg = "it is not a number"
        raise MalformedError(msg)
    return int.from_bytes(contents, "big", signed=tag == INTEGER)


def element(tag: int, *contents: bytes) -> bytes:
    """Write an element around contents that are encoded already."""
    body = b"".join(contents)
    length = len(body)
    if length < 0x80:
        return bytes((tag, length)) + body
    octets_of_length = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets_of_length))) + octets_of_length + body


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Write a number, in the shortest form."""
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    """Give the contents of an OBJECT IDENTIFIER; the text has been checked. Those below it start with the same octets."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return b"".join(_arc(arc) for arc in (first * 40 + second, *rest))


def oid_text(contents: bytes) -> str:
    """Write an OBJECT IDENTIFIER's contents with dots."""
    arcs: list[int] = []
    arc = 0
    for octet in contents:
        arc = arc << 7 | octet & 0x7F
        if arc >= 1 << 32:
            msg = "an object identifier has an arc above 4294967295"
            raise MalformedError(msg)
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    if not arcs or contents[-1] & 0x80:
        msg = "an object identifier is cut off"
        raise MalformedError(msg)
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - first * 40, *arcs[1:])))


def _arc(arc: int) -> bytes:
    octets_of_arc = [arc & 0x7F]
    while arc := arc >> 7:
        octets_of_arc.append(arc & 0x7F | 0x80)
    return bytes(reversed(octets_of_arc))
