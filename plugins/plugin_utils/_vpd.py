# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Vital product data pages of a tape drive, decoded to the byte. Private: may change at any time.

Pages as INQUIRY with EVPD=1 returns them (SPC-4 7.8, SSC-4 8.5): qualifier and type, page code, length in bytes 2 and 3,
then the data. The received length is never taken for the length of the data: over Fibre Channel targets fill the whole
allocation with zeros.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers as identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

UNIT_SERIAL_NUMBER = 0x80
DEVICE_IDENTIFICATION = 0x83
MANUFACTURER_SERIAL_NUMBER = 0xB1

LOGICAL_UNIT = 0
TARGET_PORT = 1

_HEADER = 4
_NAA = 3
_BINARY = 1
#: First digit of a name in NAA format: number of its bytes (SPC-4 7.8.6.6).
_NAA_BYTES = {0x2: 8, 0x3: 8, 0x5: 8, 0x6: 16}


@dataclass(frozen=True)
class Designator:
    """One designation descriptor of page 83h."""

    association: int
    type: int
    code_set: int
    data: bytes


def serial(page: bytes, code: int = UNIT_SERIAL_NUMBER) -> str:
    """Give the serial number of page 80h or B1h without padding; InvalidValueError if the page holds none."""
    body = _body(page, code)
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        msg = f"VPD page {code:02X}h must hold ASCII, not {body[:16].hex(' ')}"
        raise InvalidValueError(msg) from None
    if not text.strip(" \0"):
        msg = f"VPD page {code:02X}h is empty"
        raise InvalidValueError(msg)
    return identifiers.serial(text, f"serial number in VPD page {code:02X}h")


def designators(page: bytes) -> tuple[list[Designator], list[str]]:
    """Give the designators of page 83h, and what is wrong with it: what stands before a fault is still usable."""
    try:
        body = _body(page, DEVICE_IDENTIFICATION)
    except InvalidValueError as exc:
        return [], [str(exc)]
    found: list[Designator] = []
    place = 0
    while place < len(body):
        head = body[place : place + _HEADER]
        end = place + _HEADER + (head[3] if len(head) == _HEADER else 0)
        if len(head) < _HEADER or end > len(body):
            return found, [f"VPD page 83h breaks off in its designator {len(found) + 1}"]
        found.append(
            Designator(
                association=head[1] >> 4 & 3,
                type=head[1] & 15,
                code_set=head[0] & 15,
                data=body[place + _HEADER : end],
            )
        )
        place = end
    return found, []


def names(page: bytes) -> tuple[list[str], list[str], list[str]]:
    """Give the NAA names in page 83h of the logical unit and of its target port, and what is wrong with the page.

    A name is 16 lower-case hexadecimal digits, or 32 for NAA format 6.
    """
    found, problems = designators(page)
    of: dict[int, list[str]] = {LOGICAL_UNIT: [], TARGET_PORT: []}
    for designator in found:
        if designator.type != _NAA or designator.code_set != _BINARY or designator.association not in of:
            continue
        data = designator.data
        if not data or _NAA_BYTES.get(data[0] >> 4) != len(data):
            problems.append(f"VPD page 83h has a malformed NAA name, {data[:16].hex(' ') or 'empty'}")
            continue
        if data.hex() not in of[designator.association]:
            of[designator.association].append(data.hex())
    return of[LOGICAL_UNIT], of[TARGET_PORT], problems


def _body(page: bytes, code: int) -> bytes:
    if len(page) < _HEADER:
        msg = f"VPD page {code:02X}h must have at least 4 bytes, not {len(page)}"
        raise InvalidValueError(msg)
    # A device without the page may answer with its standard INQUIRY data instead.
    if page[1] != code:
        msg = f"VPD page {code:02X}h must say its own number, not {page[1]:02X}h"
        raise InvalidValueError(msg)
    length = int.from_bytes(page[2:4], "big")
    if len(page) < _HEADER + length:
        msg = f"VPD page {code:02X}h says {length} bytes of data, and has {len(page) - _HEADER}"
        raise InvalidValueError(msg)
    return page[_HEADER : _HEADER + length]
