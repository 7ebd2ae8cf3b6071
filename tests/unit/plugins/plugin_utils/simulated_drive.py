# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tape drives with reservations and behaviour, behind the interface of ``_sg``: what no machine without a SAN has.

The rules are those of SPC-2 and SPC-3, with what LIO does where they leave it open (tests/lab is the real thing). Initiators
are ports as the collection writes them; the controller that polls is one of them.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _spc, _spc_sense, _spc_state
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Answer

CONTROLLER = {"protocol": "fc", "id": "2000001096000c03"}
READS = (0x00, 0x12, 0x5E)
PREEMPTED, RELEASED, REGISTRATIONS_PREEMPTED, RESET, MEDIUM_CHANGED = (
    (0x2A, 3), (0x2A, 4), (0x2A, 5), (0x29, 0), (0x28, 0),
)


def fc(number: int) -> dict[str, str]:
    """A port of Fibre Channel."""
    return {"protocol": "fc", "id": f"{0x10000090FA000000 + number:016x}"}


def transport_id(port: dict[str, Any] | None, isid: str | None = "00023d000001") -> bytes:
    """Write a port as TransportID; None: one of parallel SCSI, which the collection does not know."""
    if port is None:
        return bytes((1, 0, 0, 7, 0, 0, 0, 1, *bytes(16)))
    if port["protocol"] == "fc":
        return bytes(8) + bytes.fromhex(port["id"]) + bytes(8)
    if port["protocol"] == "sas":
        return b"\x06\0\0\0" + bytes.fromhex(port["id"]) + bytes(12)
    name = (port["id"] + (f",i,0x{isid}" if isid else "")).encode() + b"\0"
    name += bytes(max(-len(name) % 4, 20 - len(name)))
    return bytes((0x45 if isid else 5, 0)) + len(name).to_bytes(2, "big") + name


def descriptor(port: dict[str, Any] | None, key: int = 1, kind: int | None = None, target_port: int | None = 1) -> bytes:
    """Write a full status descriptor; ``kind``: the type, if this one is a holder."""
    name = transport_id(port)
    flags = (2 if target_port is None else 0) | (kind is not None)
    return (
        key.to_bytes(8, "big") + bytes(4) + bytes((flags, kind or 0)) + bytes(4)
        + (target_port or 0).to_bytes(2, "big") + len(name).to_bytes(4, "big") + name
    )


def listed(generation: int, *parts: bytes) -> bytes:
    """Put the header before a list."""
    body = b"".join(parts)
    return generation.to_bytes(4, "big") + len(body).to_bytes(4, "big") + body


def fixed_sense(key: int, asc: int = 0, ascq: int = 0) -> bytes:
    """Sense data in fixed format."""
    return bytes((0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, 0, 0, 0))


def check(key: int, asc: int = 0, ascq: int = 0) -> Answer:
    """CHECK CONDITION with that sense."""
    return Answer(_spc_sense.CHECK_CONDITION, sense=fixed_sense(key, asc, ascq))


class Drive:
    """One drive, its reservations, and how it behaves."""

    def __init__(self, serial: str) -> None:
        self.serial = serial
        self.generation = 0
        #: Initiator (protocol, id) to key, in the order of registration.
        self.keys: dict[tuple[str, str], int] = {}
        self.holder: tuple[str, str] | None = None
        self.type = 0
        self.spc2: tuple[str, str] | None = None
        self.attentions: dict[tuple[str, str], list[tuple[int, int]]] = {}
        #: Commands that came, by operation code.
        self.commands: list[int] = []
        #: Service actions of PERSISTENT RESERVE OUT that came.
        self.actions: list[int] = []
        #: Answered instead of anything else, if set.
        self.failure: Answer | None = None
        self.unknown: set[int] = set()
        self.has_reservations = True
        #: Cleared: commands wait until it is set again.
        self.answers = threading.Event()
        self.answers.set()
        #: Cleared: answers are made and do not arrive until it is set again.
        self.arrives = threading.Event()
        self.arrives.set()
        #: A target that fills the whole allocation, as over Fibre Channel.
        self.fills = True

    # What hosts do.

    def register(self, port: dict[str, str], key: int) -> bool:
        """REGISTER AND IGNORE EXISTING KEY; 0 unregisters."""
        who = _who(port)
        if self.spc2 not in (None, who):
            return False
        self.generation += 1
        if key:
            self.keys[who] = key
        else:
            self.keys.pop(who, None)
            if self.holder == who or not self.keys:
                self.holder = None
        return True

    def reserve(self, port: dict[str, str], kind: int = 3) -> bool:
        """PERSISTENT RESERVE OUT, RESERVE."""
        who = _who(port)
        if self.spc2 is not None or who not in self.keys or self.holder not in (None, who):
            return False
        self.holder, self.type = who, kind
        return True

    def release(self, port: dict[str, str]) -> bool:
        """PERSISTENT RESERVE OUT, RELEASE: without effect, and GOOD, from a registrant who does not hold it."""
        who = _who(port)
        if who not in self.keys:
            return False
        if self.holder == who or (self.holder and self.type in _spc.ALL_REGISTRANTS):
            self.holder = None
        return True

    def take(self, port: dict[str, str], key: int = 1, kind: int = 3) -> None:
        """Register and reserve."""
        assert self.register(port, key)
        assert self.reserve(port, kind)

    def preempt(self, port: dict[str, str], victim: int, kind: int = 3) -> bool:
        """PERSISTENT RESERVE OUT, PREEMPT."""
        who = _who(port)
        if who not in self.keys:
            return False
        everybody = self.holder is not None and self.type in _spc.ALL_REGISTRANTS
        if victim == 0 and not everybody:
            return False
        self.generation += 1
        holding = self.holder is not None and (victim == 0 if everybody else self.keys[self.holder] == victim)
        for other in [other for other, key in self.keys.items() if victim in (0, key) and other != who]:
            del self.keys[other]
            self.attentions.setdefault(other, []).append(REGISTRATIONS_PREEMPTED)
        if holding:
            self.holder, self.type = who, kind
        return True

    def clear(self, port: dict[str, str]) -> bool:
        """PERSISTENT RESERVE OUT, CLEAR."""
        if _who(port) not in self.keys:
            return False
        self.generation += 1
        for other in self.keys:
            if other != _who(port):
                self.attentions.setdefault(other, []).append(PREEMPTED)
        self.keys, self.holder = {}, None
        return True

    def reserve6(self, port: dict[str, str]) -> bool:
        """RESERVE of SPC-2."""
        if self.keys or self.spc2 not in (None, _who(port)):
            return False
        self.spc2 = _who(port)
        return True

    def release6(self, port: dict[str, str]) -> bool:
        """RELEASE of SPC-2: GOOD and without effect from anybody but its holder."""
        if self.spc2 == _who(port):
            self.spc2 = None
        return True

    def reset(self, *initiators: dict[str, str]) -> None:
        """LOGICAL UNIT RESET: ends SPC-2 reservations, not persistent ones."""
        self.spc2 = None
        for port in initiators or (CONTROLLER,):
            self.attentions.setdefault(_who(port), []).append(RESET)

    def restart(self) -> None:
        """Power off and on: everything is gone."""
        self.generation, self.keys, self.holder, self.spc2 = 0, {}, None, None
        self.attentions = {_who(CONTROLLER): [RESET, MEDIUM_CHANGED]}

    # What it answers.

    def answer(self, cdb: bytes, length: int, port: dict[str, str] | None = None) -> Answer:
        """Carry out one command that only reads."""
        assert cdb[0] in READS, f"the detector sent {cdb.hex(' ')}, which is not a command that only reads"
        self.commands.append(cdb[0])
        self.answers.wait()
        who = _who(port or CONTROLLER)
        if self.failure is not None:
            return self.failure
        if cdb[0] == 0x12:
            page = b"\x01\x80" + len(self.serial).to_bytes(2, "big") + self.serial.encode()
            return Answer(_spc_sense.GOOD, page[:length])
        waiting = self.attentions.get(who)
        if waiting:
            return check(_spc_sense.UNIT_ATTENTION, *waiting.pop(0))
        if cdb[0] == 0x5E and not self.has_reservations:
            return check(_spc_sense.ILLEGAL_REQUEST, 0x20)
        if self.spc2 is not None and (cdb[0] == 0x5E or self.spc2 != who):
            return Answer(_spc_sense.CONFLICT)
        if cdb[0] == 0x00:
            return check(_spc_sense.NOT_READY, 0x3A)
        action = cdb[1] & 31
        if action in self.unknown:
            return check(_spc_sense.ILLEGAL_REQUEST, 0x24)
        data = self._reservations(action)
        self.arrives.wait()
        asked = min(length, int.from_bytes(cdb[7:9], "big"))
        return Answer(_spc_sense.GOOD, (data + bytes(asked if self.fills else 0))[:asked])

    def carry_out(self, cdb: bytes, length: int, out: bytes, port: dict[str, str]) -> Answer:
        """Carry out any command; ``out``: the bytes that come with it."""
        if cdb[0] != 0x5F:
            return self.answer(cdb, length, port)
        self.commands.append(cdb[0])
        self.actions.append(cdb[1] & 31)
        if self.failure is not None:
            return self.failure
        who = _who(port)
        waiting = self.attentions.get(who)
        if waiting:
            return check(_spc_sense.UNIT_ATTENTION, *waiting.pop(0))
        if not self.has_reservations:
            return check(_spc_sense.ILLEGAL_REQUEST, 0x20)
        if len(out) != 24 or cdb[5:9] != bytes((0, 0, 0, 24)):
            return check(_spc_sense.ILLEGAL_REQUEST, 0x1A)
        if self.spc2 is not None:
            return Answer(_spc_sense.CONFLICT)
        key, action_key = int.from_bytes(out[:8], "big"), int.from_bytes(out[8:16], "big")
        action, kind = cdb[1] & 31, cdb[2] & 15
        if action == 6:
            return Answer(_spc_sense.GOOD if self.register(port, action_key) else _spc_sense.CONFLICT)
        if self.keys.get(who) != key:
            return Answer(_spc_sense.CONFLICT)
        if action == 2 and self.holder == who and kind != self.type:
            return check(_spc_sense.ILLEGAL_REQUEST, 0x26, 4)
        done = {
            1: lambda: self.reserve(port, kind), 2: lambda: self.release(port), 3: lambda: self.clear(port),
            4: lambda: self.preempt(port, action_key, kind), 5: lambda: self.preempt(port, action_key, kind),
        }[action]()
        return Answer(_spc_sense.GOOD if done else _spc_sense.CONFLICT)

    def _reservations(self, action: int) -> bytes:
        everybody = self.holder is not None and self.type in _spc.ALL_REGISTRANTS
        if action == _spc.READ_KEYS:
            return listed(self.generation, *(key.to_bytes(8, "big") for key in self.keys.values()))
        if action == _spc.READ_RESERVATION:
            if self.holder is None:
                return listed(self.generation)
            key = 0 if everybody else self.keys[self.holder]
            return listed(self.generation, key.to_bytes(8, "big") + bytes(5) + bytes((self.type,)) + bytes(2))
        return listed(
            self.generation,
            *(
                descriptor(_port(who), key, self.type if everybody or who == self.holder else None)
                for who, key in self.keys.items()
            ),
        )


class Device:
    """An open device file, as ``_sg.Device``."""

    def __init__(self, drive: Drive | None) -> None:
        self.drive = drive

    def send(self, cdb: bytes, length: int) -> Answer:
        """Send a command."""
        if self.drive is None:
            return Answer(problem="there is no such device", gone=True)
        return self.drive.answer(cdb, length)

    def close(self) -> None:
        """Nothing is open."""


class Bus:
    """The controller's SCSI devices, as ``_sg`` opens and ``_scsi_devices`` finds them."""

    def __init__(self, *drives: Drive) -> None:
        self.nodes = {f"/dev/sg{number}": drive for number, drive in enumerate(drives)}
        #: Device files whose path is dead, and one that hangs until it is let go.
        self.dead: set[str] = set()
        self.hanging = ""
        self.hung = threading.Event()
        self.hung.set()

    def open(self, path: str) -> Device:
        """Open a device file; it does not matter whether it is there."""
        if path == self.hanging:
            self.hung.wait()
        return Device(None if path in self.dead else self.nodes.get(path))

    def find(self) -> dict[str, tuple[str, ...]]:
        """The device files of each drive."""
        found: dict[str, tuple[str, ...]] = {}
        for path, drive in self.nodes.items():
            found[drive.serial] = (*found.get(drive.serial, ()), path)
        return found

    def renumber(self, order: Sequence[Drive]) -> None:
        """What stands where after a rescan."""
        self.nodes = {f"/dev/sg{number}": drive for number, drive in enumerate(order)}


def read(drive: Drive) -> _spc_state.Reading:
    """Ask a drive as the detector does."""
    return _spc_state.converse(drive.answer)


def _who(port: dict[str, str]) -> tuple[str, str]:
    return port["protocol"], port["id"]


def _port(who: tuple[str, str]) -> dict[str, str]:
    return {"protocol": who[0], "id": who[1]}
