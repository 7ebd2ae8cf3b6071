# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual LTO drive with one cartridge in memory: the SCSI commands (SPC, SSC) that st, mt and sg3-utils send.

RESERVE, RELEASE and PERSISTENT RESERVE are not here: LIO answers them itself, for each initiator.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

NO_SENSE, NOT_READY, ILLEGAL_REQUEST, UNIT_ATTENTION, BLANK_CHECK, VOLUME_OVERFLOW = 0, 2, 5, 6, 8, 13
# In the byte of the sense key.
FILEMARK, END_OF_MEDIUM, WRONG_LENGTH = 0x80, 0x40, 0x20
INVALID_OPCODE, INVALID_FIELD, NO_MEDIUM, REMOVAL_PREVENTED = (0x20, 0), (0x24, 0), (0x3A, 0), (0x53, 2)
MARK_DETECTED, END_OF_PARTITION, BEGINNING_OF_PARTITION, END_OF_DATA = (0, 1), (0, 2), (0, 4), (0, 5)
POWER_ON, MEDIUM_CHANGED = (0x29, 0), (0x28, 0)

CAPACITY = 64 << 20
DENSITY_LTO8 = 0x5E
#: Commands that are answered before a unit attention is told: INQUIRY, REQUEST SENSE, REPORT LUNS.
WITHOUT_ATTENTION = (0x12, 0x03, 0xA0)
#: Commands that bring data along: WRITE, MODE SELECT (6), (10), SEND DIAGNOSTIC, WRITE BUFFER, WRITE ATTRIBUTE.
WITH_DATA_OUT = (0x0A, 0x15, 0x55, 0x1D, 0x3B, 0x8D)


class CheckConditionError(Exception):
    """A command ends with CHECK CONDITION; what it read until then is in ``data``."""

    def __init__(self, key: int, code: tuple[int, int], information: int | None = None, flags: int = 0, data: bytes = b"") -> None:
        super().__init__(f"sense key {key}, additional sense code {code[0]:02x}/{code[1]:02x}")
        self.data = data
        self.sense = bytearray(18)
        self.sense[0] = 0x70 if information is None else 0xF0
        self.sense[2] = flags | key
        self.sense[3:7] = struct.pack(">i", information or 0)
        self.sense[7], self.sense[12], self.sense[13] = 10, *code


def number(data: bytes) -> int:
    """Read an unsigned number, high byte first as everywhere in SCSI."""
    return int.from_bytes(data, "big")


@dataclass
class Tape:
    """One drive; ``run`` carries out one command."""

    serial: str
    #: The name of the logical unit: 16 hexadecimal digits.
    naa: str
    barcode: str = "LAB001L8"
    vendor: str = "IBM"
    model: str = "ULT3580-TD8"
    revision: str = "N9M1"
    loaded: bool = True
    #: Blocks, and None for each filemark; and where the head is.
    items: list[bytes | None] = field(default_factory=list)
    position: int = 0
    block_size: int = 0
    prevented: bool = False
    attention: tuple[int, int] | None = POWER_ON

    def run(self, cdb: bytes, out: bytes) -> bytes:
        """Carry out a command with the data that came with it; give the data that it asks for."""
        if self.attention and cdb[0] not in WITHOUT_ATTENTION:
            code, self.attention = self.attention, None
            raise CheckConditionError(UNIT_ATTENTION, code)
        command = COMMANDS.get(cdb[0])
        if command is None:
            raise CheckConditionError(ILLEGAL_REQUEST, INVALID_OPCODE)
        return command(self, cdb, out) or b""

    def _needs_medium(self) -> None:
        if not self.loaded:
            raise CheckConditionError(NOT_READY, NO_MEDIUM)

    def unit_ready(self, _cdb: bytes, _out: bytes) -> None:
        self._needs_medium()

    def rewind(self, _cdb: bytes, _out: bytes) -> None:
        self._needs_medium()
        self.position = 0

    def request_sense(self, cdb: bytes, _out: bytes) -> bytes:
        return bytes(CheckConditionError(NO_SENSE, (0, 0)).sense)[: cdb[4]]

    def read_block_limits(self, _cdb: bytes, _out: bytes) -> bytes:
        return struct.pack(">IH", 8 << 20, 1)

    def read(self, cdb: bytes, _out: bytes) -> bytes:
        self._needs_medium()
        fixed, short_is_fine, length = cdb[1] & 1, cdb[1] & 2, number(cdb[2:5])
        if fixed and not self.block_size:
            raise CheckConditionError(ILLEGAL_REQUEST, INVALID_FIELD)
        if not fixed:
            return self._read_one(length, bool(short_is_fine)) if length else b""
        got = b""
        for left in range(length, 0, -1):
            item = self._next(left, got)
            if len(item) != self.block_size:
                raise CheckConditionError(NO_SENSE, (0, 0), left, WRONG_LENGTH, got)
            got += item
        return got

    def _next(self, left: int, got: bytes = b"") -> bytes:
        """Give the next block and go past it; at a mark or the end say how much is left of what was asked for."""
        if self.position >= len(self.items):
            raise CheckConditionError(BLANK_CHECK, END_OF_DATA, left, data=got)
        item = self.items[self.position]
        self.position += 1
        if item is None:
            raise CheckConditionError(NO_SENSE, MARK_DETECTED, left, FILEMARK, got)
        return item

    def _read_one(self, length: int, short_is_fine: bool) -> bytes:
        item = self._next(length)
        if len(item) > length or (len(item) < length and not short_is_fine):
            raise CheckConditionError(NO_SENSE, (0, 0), length - len(item), WRONG_LENGTH, item[:length])
        return item

    def write(self, cdb: bytes, out: bytes) -> None:
        self._needs_medium()
        fixed, length = cdb[1] & 1, number(cdb[2:5])
        if fixed and not self.block_size:
            raise CheckConditionError(ILLEGAL_REQUEST, INVALID_FIELD)
        del self.items[self.position :]
        if sum(len(item or b"") for item in self.items) + len(out) > CAPACITY:
            raise CheckConditionError(VOLUME_OVERFLOW, END_OF_PARTITION, length, END_OF_MEDIUM)
        size = self.block_size if fixed else length
        self.items += [out[at * size : (at + 1) * size] for at in range(length if fixed else 1)] if size else []
        self.position = len(self.items)

    def write_filemarks(self, cdb: bytes, _out: bytes) -> None:
        self._needs_medium()
        marks = number(cdb[2:5])
        if marks:
            self.items[self.position :] = [None] * marks
            self.position = len(self.items)

    def space(self, cdb: bytes, _out: bytes) -> None:
        self._needs_medium()
        kind, count = cdb[1] & 7, int.from_bytes(cdb[2:5], "big", signed=True)
        if kind == 3:
            self.position = len(self.items)
            return
        if kind not in (0, 1):
            raise CheckConditionError(ILLEGAL_REQUEST, INVALID_FIELD)
        forward, left = count > 0, abs(count)
        while left:
            if forward and self.position >= len(self.items):
                raise CheckConditionError(BLANK_CHECK, END_OF_DATA, left)
            if not forward and self.position == 0:
                raise CheckConditionError(NO_SENSE, BEGINNING_OF_PARTITION, left, END_OF_MEDIUM)
            item = self.items[self.position if forward else self.position - 1]
            self.position += 1 if forward else -1
            if kind == 0 and item is None:
                raise CheckConditionError(NO_SENSE, MARK_DETECTED, left, FILEMARK)
            left -= kind == 0 or item is None

    def inquiry(self, cdb: bytes, _out: bytes) -> bytes:
        if cdb[1] & 1:
            return self._page(cdb[2])[: number(cdb[3:5])]
        if cdb[2]:
            raise CheckConditionError(ILLEGAL_REQUEST, INVALID_FIELD)
        names = f"{self.vendor:8.8}{self.model:16.16}{self.revision:4.4}".encode()
        # SPC-4, removable; byte 6 says multi-port, the end are version descriptors: SPC-4, SSC-4, SAM-5.
        answer = bytes((1, 0x80, 6, 0x12, 65, 0, 0x10, 2)) + names + bytes(22) + struct.pack(">3H", 0x0460, 0x0420, 0x0A11)
        return answer.ljust(70, b"\0")[: number(cdb[3:5])]

    def _page(self, page: int) -> bytes:
        named = f"{self.vendor:8.8}{self.model:16.16}{self.serial}".encode()
        pages = {
            0x00: bytes((0x00, 0x80, 0x83, 0xB0, 0xB1)),
            0x80: self.serial.encode(),
            0x83: bytes((2, 1, 0, len(named))) + named + bytes((1, 3, 0, 8)) + bytes.fromhex(self.naa),
            0xB0: bytes(2),
            0xB1: self.serial.encode(),
        }
        if page not in pages:
            raise CheckConditionError(ILLEGAL_REQUEST, INVALID_FIELD)
        return struct.pack(">BBH", 1, page, len(pages[page])) + pages[page]

    def mode_sense_6(self, cdb: bytes, _out: bytes) -> bytes:
        return self._modes(cdb)[0][: cdb[4]]

    def mode_sense_10(self, cdb: bytes, _out: bytes) -> bytes:
        return self._modes(cdb)[1][: number(cdb[7:9])]

    def _modes(self, cdb: bytes) -> tuple[bytes, bytes]:
        """Give the answers to MODE SENSE (6) and (10)."""
        compression = bytes((0x8F, 14, 0xC0, 0x80)) + struct.pack(">II", 0xFF, 0xFF) + bytes(4)
        pages = {0: b"", 0x0F: compression, 0x10: bytes((0x90, 14)) + bytes(14), 0x11: bytes((0x91, 6)) + bytes(6)}
        wanted = cdb[2] & 0x3F
        body = b"".join(pages.values()) if wanted == 0x3F else pages.get(wanted)
        if body is None:
            raise CheckConditionError(ILLEGAL_REQUEST, INVALID_FIELD)
        block = b"" if cdb[1] & 8 else bytes((DENSITY_LTO8, 0, 0, 0, 0)) + self.block_size.to_bytes(3, "big")
        medium = 0x88 if self.loaded else 0
        six = bytes((3 + len(block + body), medium, 0x10, len(block)))
        ten = struct.pack(">HBBHH", 6 + len(block + body), medium, 0x10, 0, len(block))
        return six + block + body, ten + block + body

    def mode_select_6(self, _cdb: bytes, out: bytes) -> None:
        if len(out) >= 12 and out[3] >= 8:
            self.block_size = number(out[9:12])

    def mode_select_10(self, _cdb: bytes, out: bytes) -> None:
        if len(out) >= 16 and out[7] >= 8:
            self.block_size = number(out[13:16])

    def erase(self, _cdb: bytes, _out: bytes) -> None:
        self._needs_medium()
        del self.items[self.position :]

    def load_unload(self, cdb: bytes, _out: bytes) -> None:
        if cdb[4] & 1:
            if not self.loaded:
                self.loaded, self.position, self.attention = True, 0, MEDIUM_CHANGED
        elif self.prevented:
            raise CheckConditionError(ILLEGAL_REQUEST, REMOVAL_PREVENTED)
        else:
            self.loaded = False

    def send_diagnostic(self, _cdb: bytes, _out: bytes) -> None:
        """Have nothing to say against the drive."""

    def prevent_removal(self, cdb: bytes, _out: bytes) -> None:
        self.prevented = bool(cdb[4] & 3)

    def read_position(self, cdb: bytes, _out: bytes) -> bytes:
        self._needs_medium()
        form, beginning = cdb[1] & 0x1F, 0x80 if self.position == 0 else 0
        if form in (0, 1):
            return struct.pack(">BxxxII8x", beginning, self.position, self.position)
        if form == 6:
            return struct.pack(">BxxxIQQ8x", beginning, 0, self.position, self.items[: self.position].count(None))
        raise CheckConditionError(ILLEGAL_REQUEST, INVALID_FIELD)

    def locate_10(self, cdb: bytes, _out: bytes) -> None:
        self._locate(number(cdb[3:7]))

    def locate_16(self, cdb: bytes, _out: bytes) -> None:
        self._locate(number(cdb[4:12]))

    def _locate(self, wanted: int) -> None:
        self._needs_medium()
        self.position = min(wanted, len(self.items))
        if wanted > len(self.items):
            raise CheckConditionError(BLANK_CHECK, END_OF_DATA)

    def report_density(self, cdb: bytes, _out: bytes) -> bytes:
        descriptor = struct.pack(">BBBH", DENSITY_LTO8, DENSITY_LTO8, 0xE0, 0) + (19107).to_bytes(3, "big")
        descriptor += struct.pack(">HHI", 127, 6656, 12000000) + b"LTO-CVE U-832   Ultrium 8/32T       "
        return (struct.pack(">HH", len(descriptor) + 2, 0) + descriptor)[: number(cdb[7:9])]

    def log_sense(self, cdb: bytes, _out: bytes) -> bytes:
        alerts = b"".join(struct.pack(">HBBB", alert, 0xC0, 1, 0) for alert in range(1, 65))
        pages = {0x00: bytes((0x00, 0x2E)), 0x2E: alerts}
        page = cdb[2] & 0x3F
        if page not in pages:
            raise CheckConditionError(ILLEGAL_REQUEST, INVALID_FIELD)
        return (struct.pack(">BBH", page, 0, len(pages[page])) + pages[page])[: number(cdb[7:9])]

    def read_attribute(self, cdb: bytes, _out: bytes) -> bytes:
        """Give the cartridge's barcode, or the list of attributes, which has only that."""
        self._needs_medium()
        action = cdb[1] & 0x1F
        if action not in (0, 1):
            raise CheckConditionError(ILLEGAL_REQUEST, INVALID_FIELD)
        value = f"{self.barcode:32}".encode()
        attribute = struct.pack(">H", 0x0806) + (b"" if action else struct.pack(">BH", 1, len(value)) + value)
        return (struct.pack(">I", len(attribute)) + attribute)[: number(cdb[10:14])]


COMMANDS: dict[int, Callable[[Tape, bytes, bytes], bytes | None]] = {
    0x00: Tape.unit_ready,
    0x01: Tape.rewind,
    0x03: Tape.request_sense,
    0x05: Tape.read_block_limits,
    0x08: Tape.read,
    0x0A: Tape.write,
    0x10: Tape.write_filemarks,
    0x11: Tape.space,
    0x12: Tape.inquiry,
    0x15: Tape.mode_select_6,
    0x19: Tape.erase,
    0x1A: Tape.mode_sense_6,
    0x1B: Tape.load_unload,
    0x1D: Tape.send_diagnostic,
    0x1E: Tape.prevent_removal,
    0x2B: Tape.locate_10,
    0x34: Tape.read_position,
    0x44: Tape.report_density,
    0x4D: Tape.log_sense,
    0x55: Tape.mode_select_10,
    0x5A: Tape.mode_sense_10,
    0x8C: Tape.read_attribute,
    0x92: Tape.locate_16,
}
