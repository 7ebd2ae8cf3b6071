# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SCSI statuses and sense data, decoded to the byte. Private: may change at any time.

SAM-3 (INCITS 402-2005) 5.3.1 for the statuses, SPC-3 (INCITS 408-2005) 4.5 for sense data. Nothing here raises an
exception, whatever the bytes are.
"""

from __future__ import annotations

from dataclasses import dataclass

GOOD, CHECK_CONDITION, CONDITION_MET, BUSY, CONFLICT, TASK_SET_FULL = 0x00, 0x02, 0x04, 0x08, 0x18, 0x28
ACA_ACTIVE, TASK_ABORTED = 0x30, 0x40

_STATUSES = {
    GOOD: "GOOD",
    CHECK_CONDITION: "CHECK CONDITION",
    CONDITION_MET: "CONDITION MET",
    BUSY: "BUSY",
    CONFLICT: "RESERVATION CONFLICT",
    TASK_SET_FULL: "TASK SET FULL",
    ACA_ACTIVE: "ACA ACTIVE",
    TASK_ABORTED: "TASK ABORTED",
}

NO_SENSE, RECOVERED, NOT_READY, MEDIUM, HARDWARE, ILLEGAL_REQUEST, UNIT_ATTENTION = range(7)
ABORTED = 0xB

_KEYS = (
    "no sense", "recovered error", "not ready", "medium error", "hardware error", "illegal request", "unit attention",
    "data protect", "blank check", "vendor specific", "copy aborted", "aborted command", "reserved", "volume overflow",
    "miscompare", "completed",
)

#: SPC-3 annex D: those that are told by name. One of None counts for all qualifiers.
_ADDITIONAL = {
    (0x04, None): "the unit is not ready",
    (0x20, 0x00): "invalid command operation code",
    (0x24, 0x00): "invalid field in CDB",
    (0x25, 0x00): "logical unit not supported",
    (0x28, 0x00): "not ready to ready change, medium may have changed",
    (0x29, None): "power on, reset or bus device reset occurred",
    (0x2A, 0x01): "mode parameters changed",
    (0x2A, 0x03): "reservations preempted",
    (0x2A, 0x04): "reservations released",
    (0x2A, 0x05): "registrations preempted",
    (0x3A, None): "medium not present",
    (0x3F, 0x03): "inquiry data has changed",
    (0x3F, 0x0E): "reported LUNs data has changed",
}


@dataclass(frozen=True, slots=True)
class Sense:
    """Sense key, additional sense code and its qualifier; ``deferred``: of an earlier command, this one was not done."""

    key: int
    asc: int
    ascq: int
    deferred: bool = False

    @property
    def text(self) -> str:
        """Say it in words and numbers."""
        name = _ADDITIONAL.get((self.asc, self.ascq)) or _ADDITIONAL.get((self.asc, None))
        numbers = f"{self.key:X}/{self.asc:02X}/{self.ascq:02X}"
        return f"{_KEYS[self.key]}{f', {name}' if name else ''} ({numbers}{', deferred' if self.deferred else ''})"


def status_name(status: int) -> str:
    """Name a status for people."""
    return _STATUSES.get(status, f"status {status:02X}h")


def sense(data: bytes) -> Sense | None:
    """Decode fixed (SPC-3 4.5.3) or descriptor (4.5.2) format; None: it is neither, or has no sense key.

    A short one has zeros where it ends, as SPC-3 4.5.1 wants.
    """
    if len(data) < 3 or not 0x70 <= data[0] & 0x7F <= 0x73:
        return None
    form = data[0] & 0x7F
    deferred = bool(form & 1)
    if form >= 0x72:
        full = (data + bytes(4))[:4]
        return Sense(full[1] & 15, full[2], full[3], deferred)
    # Byte 7 says how much of it is there: beyond it a target need not have written anything.
    there = data[: 8 + data[7]] if len(data) > 7 else data
    full = (there + bytes(14))[:14]
    return Sense(full[2] & 15, full[12], full[13], deferred)
