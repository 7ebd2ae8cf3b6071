# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serve the lab's virtual drives to LIO: the user's side of target_core_user (TCMU).

usage: drives.py NAME=SERIAL,NAA,BARCODE ...      in the guest, with configfs mounted and target_core_user loaded

It makes a backstore for each drive and prints READY when all are there. The ring that it shares with the kernel is
described in the kernel's Documentation/target/tcmu-design.rst.
"""

from __future__ import annotations

import mmap
import os
import select
import stat
import struct
import sys
from pathlib import Path

from tape import WITH_DATA_OUT, CheckConditionError, Tape

BACKSTORES = Path("/sys/kernel/config/target/core/user_0")
GOOD, CHECK_CONDITION = 0, 2
OP_COMMAND = 1
# In struct tcmu_mailbox: where the kernel's head and our tail are; in struct tcmu_cmd_entry: the flags in its head, the
# parts of its request, and its answer, in whose place they are.
HEAD, TAIL = 12, 64
UFLAGS, REQUEST, CDB_OFFSET, VECTORS, SENSE_LENGTH = 7, 8, 24, 48, 96
READ_LENGTH_IS_SET = 2


class Backstore:
    """One drive's backstore, and its ring of commands."""

    def __init__(self, name: str, tape: Tape) -> None:
        self.tape = tape
        folder = BACKSTORES / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "control").write_text(f"dev_config=tape/{name},dev_size=1048576,hw_block_size=512,nl_reply_supported=-1")
        (folder / "wwn" / "vpd_unit_serial").write_text(tape.serial)
        (folder / "enable").write_text("1")
        wanted = f"tcm-user/0/{name}/tape/{name}"
        [device] = [entry for entry in Path("/sys/class/uio").iterdir() if (entry / "name").read_text().strip() == wanted]
        node = Path("/dev", device.name)
        if not node.exists():
            major, minor = (device / "dev").read_text().split(":")
            os.mknod(node, 0o600 | stat.S_IFCHR, os.makedev(int(major), int(minor)))
        self.file = os.open(node, os.O_RDWR)
        self.ring = mmap.mmap(self.file, int((device / "maps/map0/size").read_text(), 16))
        _version, _flags, self.start, self.size = struct.unpack_from("=HHII", self.ring, 0)

    def fileno(self) -> int:
        """Let it be waited for."""
        return self.file

    def serve(self) -> None:
        """Carry out what is in the ring, and say so."""
        os.read(self.file, 4)
        while True:
            [head], [tail] = struct.unpack_from("=I", self.ring, HEAD), struct.unpack_from("=I", self.ring, TAIL)
            if head == tail:
                break
            entry = self.start + tail
            [length_and_op] = struct.unpack_from("=I", self.ring, entry)
            if length_and_op & 7 == OP_COMMAND:
                self._run(entry)
            struct.pack_into("=I", self.ring, TAIL, (tail + (length_and_op & ~7)) % self.size)
        os.write(self.file, bytes(4))

    def _run(self, entry: int) -> None:
        ring = self.ring
        [count] = struct.unpack_from("=I", ring, entry + REQUEST)
        [at] = struct.unpack_from("=Q", ring, entry + CDB_OFFSET)
        buffers = [struct.unpack_from("=QQ", ring, entry + VECTORS + 16 * number) for number in range(count)]
        cdb = ring[at : at + 16]
        out = b"".join(ring[base : base + size] for base, size in buffers) if cdb[0] in WITH_DATA_OUT else b""
        status, sense = GOOD, b""
        try:
            data = self.tape.run(cdb, out)
        except CheckConditionError as exc:
            status, sense, data = CHECK_CONDITION, bytes(exc.sense), exc.data
        data = data[: sum(size for _base, size in buffers)]
        rest = data
        for base, size in buffers:
            part, rest = rest[:size], rest[size:]
            ring[base : base + len(part)] = part
        struct.pack_into(f"=BBHI{SENSE_LENGTH}s", ring, entry + REQUEST, status, 0, 0, len(data), sense)
        if data:
            ring[entry + UFLAGS] |= READ_LENGTH_IS_SET


def main() -> None:
    """Serve the drives of the command line until killed."""
    given = [word.partition("=") for word in sys.argv[1:]]
    backstores = [Backstore(name, Tape(*values.split(","))) for name, _equals, values in given]
    print("READY", flush=True)
    while True:
        for backstore in select.select(backstores, [], [])[0]:
            backstore.serve()


if __name__ == "__main__":
    main()
