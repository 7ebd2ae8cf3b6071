# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send SCSI commands that only read to a device of Linux' sg driver. Private: may change at any time.

The ioctl SG_IO itself, not ``sg_persist`` or ``sg_raw`` of sg3-utils. tests/bench/scsi_poll.py measures both: one start of such a
program costs 1 ms of CPU time and tells nothing yet, to open, ask twice, decode and close costs 0.03 ms, both without what the
kernel and the drive take. 200 drives a second would be a fifth of a processor. Nor have the programs anything that we have not:
``sg_persist`` has no output for programs but bytes, prints its usage with exit status 0 for an option that it does not
know, and ends at a unit attention.

What must not disturb anybody:

- The sg node, never ``st`` or ``nst``: to open those is to open the tape, and only one process can.
- O_NONBLOCK: neither a device that somebody has for himself (O_EXCL) nor one whose errors the kernel is recovering makes us wait
  at the open. O_RDWR: to a reader only, the driver gives the commands of a list, and PERSISTENT RESERVE IN is not on it everywhere.
- The file is open for one conversation and not longer: who wants it for himself must find a moment.
- The kernel's timeout is far beyond everything that a drive does (it may answer after an erasure only), because what the
  kernel does to a command that is overdue is to abort it, and then to reset the drive: away go SPC-2 reservations, and the job
  of somebody else. Who cannot wait has another thread.

Nothing here raises an exception for what a device or a system does; it becomes the answer.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct
from collections.abc import Collection

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _spc_sense
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Answer

INQUIRY, TEST_UNIT_READY, PERSISTENT_RESERVE_IN = 0x12, 0x00, 0x5E
#: Operation codes that change nothing.
READ_ONLY = frozenset((INQUIRY, TEST_UNIT_READY, PERSISTENT_RESERVE_IN))

#: Seconds; those of the kernel's tape driver for its longest commands.
TIMEOUT = 14_000

#: include/scsi/sg.h
_SG_IO = 0x2285
_NO_DATA, _FROM_DEVICE = -1, -3
_HEADER = struct.Struct("@iiBBHIPPPIIiPBBBBHHiII0P")
_SENSE = 64

#: include/scsi/scsi_status.h: what became of a command before it had a SCSI status.
_HOST = {
    1: "DID_NO_CONNECT", 2: "DID_BUS_BUSY", 3: "DID_TIME_OUT", 4: "DID_BAD_TARGET", 5: "DID_ABORT", 6: "DID_PARITY", 7: "DID_ERROR",
    8: "DID_RESET", 9: "DID_BAD_INTR", 10: "DID_PASSTHROUGH", 11: "DID_SOFT_ERROR", 12: "DID_IMM_RETRY", 13: "DID_REQUEUE",
    14: "DID_TRANSPORT_DISRUPTED", 15: "DID_TRANSPORT_FAILFAST", 16: "DID_TARGET_FAILURE", 17: "DID_NEXUS_FAILURE",
    18: "DID_ALLOC_FAILURE", 19: "DID_MEDIUM_ERROR",
}
#: The path or the target is not there; it may have come back elsewhere.
_NO_CONNECT = (1, 4)
_DRIVER_SENSE = 8

_GONE = (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTTY, errno.ENOTDIR)
_WORDS = {
    errno.EBUSY: "somebody has it open for himself",
    errno.EACCES: "it may not be opened for reading and writing by this user",
    errno.EPERM: "the system does not let this user send commands to it",
    errno.ENOTTY: "it is no device of the sg driver",
}


class Device:
    """One sg node, open for a conversation."""

    def __init__(self, path: str) -> None:
        """Open it; if that fails, the answer to every command says so."""
        self._file = -1
        self._problem: Answer | None = None
        try:
            self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as exc:
            self._problem = _problem("cannot be opened", exc)

    def send(self, cdb: bytes, length: int, allowed: Collection[int] = READ_ONLY) -> Answer:
        """Send a command that reads up to ``length`` bytes, and wait for its end."""
        if self._problem is not None:
            return self._problem
        if not cdb or cdb[0] not in allowed:
            return Answer(problem=f"the command {cdb.hex(' ')} is none of those that only read; it was not sent")
        command = ctypes.create_string_buffer(cdb, len(cdb))
        sense = ctypes.create_string_buffer(_SENSE)
        data = ctypes.create_string_buffer(max(length, 1))
        header = bytearray(_HEADER.size)
        _HEADER.pack_into(
            header, 0, ord("S"), _FROM_DEVICE if length else _NO_DATA, len(cdb), _SENSE, 0, length, ctypes.addressof(data),
            ctypes.addressof(command), ctypes.addressof(sense), TIMEOUT * 1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        )
        try:
            # Without the lock of the interpreter: fcntl gives it away for buffers of up to 1024 bytes.
            fcntl.ioctl(self._file, _SG_IO, header)
        except OSError as exc:
            return _problem("does not take commands", exc)
        found = _HEADER.unpack(header)
        status, _masked, _message, sense_length, host, driver, left = found[13:20]
        return outcome(
            status, host, driver, data.raw[: max(0, length - max(0, left))] if length else b"", sense.raw[:sense_length]
        )

    def close(self) -> None:
        """Close it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            self._problem = Answer(problem="the device was closed")


def outcome(status: int, host: int, driver: int, data: bytes, sense: bytes) -> Answer:
    """Make an answer of what the driver says.

    The status comes first: kernels put a host status beside RESERVATION CONFLICT (DID_NEXUS_FAILURE until Linux 6.0), and one
    beside sense data.
    """
    if status == _spc_sense.CONFLICT or (status == _spc_sense.CHECK_CONDITION and sense):
        return Answer(status, data, sense)
    if host:
        name = _HOST.get(host, f"host status {host:#x}")
        return Answer(problem=f"the transport failed ({name})", gone=host in _NO_CONNECT)
    if driver & 15 not in (0, _DRIVER_SENSE):
        return Answer(problem=f"the driver failed (driver status {driver:#x})")
    return Answer(status, data, sense)


def _problem(what: str, exc: OSError) -> Answer:
    number = exc.errno or 0
    why = _WORDS.get(number) or os.strerror(number)
    return Answer(problem=f"it {what}: {why}", gone=number in _GONE, again=number == errno.EINTR)
