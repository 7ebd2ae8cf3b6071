# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fuzz target ``scsi``: what a drive answers about its reservations, one answer after the other."""

from __future__ import annotations

import struct
from pathlib import Path

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _change, _spc_sense, _spc_state
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import UNREADABLE, Answer, Reading
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils import simulated_drive as drives

CAPTURES = Path(__file__).resolve().parents[1] / "unit" / "fixtures" / "scsi"


def step(status: int, payload: bytes = b"") -> bytes:
    """Write one answer: the status, the length of what comes with it, and that."""
    return bytes((status,)) + len(payload).to_bytes(2, "big") + payload


class Scsi:
    """A conversation with a drive."""

    def seeds(self) -> dict[str, bytes]:
        """Give the captures, and conversations with what they lack."""
        captures = {
            path.stem: step(0, bytes.fromhex(path.read_text())) for path in sorted(CAPTURES.glob("*/prin-*-read_full_status-*.hex"))
        }
        ports = [drives.fc(1), {"protocol": "sas", "id": "500605b00006f260"}, {"protocol": "iscsi", "id": "iqn.2026-11.lab:a"}, None]
        many = drives.listed(7, *(drives.descriptor(port, 5, 8, None) for port in ports))
        no = step(2, drives.fixed_sense(5, 0x20))
        attention = step(2, drives.fixed_sense(6, 0x2A, 5))
        held = drives.listed(1, (5).to_bytes(8, "big") + bytes(5) + b"\7\0\0")
        return captures | {
            "many": attention + step(0, many),
            "one of sas": step(0, drives.listed(7, drives.descriptor(ports[1], 5, 3))),
            "keys": no + step(0, held) + step(0, drives.listed(1, bytes(7) + b"\5")),
            "ready": no + no + attention + step(2, drives.fixed_sense(2, 0x3A)),
            "conflict": step(0x18), "busy": step(8), "descriptor sense": step(2, bytes.fromhex("72062a0300000000")),
        }

    def run(self, data: bytes) -> None:
        """Let a drive answer so; its last answer again and again."""
        answers: list[Answer] = []
        while len(data) >= 3:
            length = int.from_bytes(data[1:3], "big")
            status, payload, data = data[0], data[3 : 3 + length], data[3 + length :]
            answers.append(Answer(status, payload, payload if status == _spc_sense.CHECK_CONDITION else b""))
        answers = answers or [Answer(problem="nothing")]
        sent: list[tuple[bytes, Answer]] = []

        def send(cdb: bytes, _length: int) -> Answer:
            sent.append((cdb, answers[min(len(sent), len(answers) - 1)]))
            return sent[-1][1]

        self.check(_spc_state.converse(send), sent)

    @staticmethod
    def check(reading: Reading, sent: list[tuple[bytes, Answer]]) -> None:
        """Hold the reading against what a second decoder makes of the last answer."""
        assert len(sent) <= _spc_state.TURNS * len(_spc_state.COMMANDS)
        assert {cdb[0] for cdb, _answer in sent} <= {0x00, 0x5E}
        cdb, answer = sent[-1]
        if reading.state == "unknown":
            assert reading.why.isprintable(), repr(reading.why)
            assert reading.why
            assert reading.fact is None
            assert reading.holders == ()
            return
        status, holders = reading.fact or ("", ())
        # The table takes it as it is.
        one = _change.Observation("D1", status, holders, "2026-11-22T06:00:34+00:00", "scsi", level=True, seen_sequence=0)
        assert one.holders == holders
        assert (reading.state == "spc2") == (answer.status == _spc_sense.CONFLICT)
        if reading.state == "persistent" and cdb[1] == 3 and holders != (UNREADABLE,):
            assert {(port["protocol"], port["id"]) for port in holders} == _holders(answer.data)


def _holders(data: bytes) -> set[tuple[str, str]]:
    """The holders in READ FULL STATUS, decoded by other means."""
    body = data[8 : 8 + struct.unpack(">I", data[4:8])[0]]
    found, held, everybody = set(), set(), False
    while body:
        _key, flags, kind, _port, length = struct.unpack(">Q4xBB4xHI", body[:24])
        name, body = body[24 : 24 + length], body[24 + length :]
        if name[0] & 0x0F == 0:
            who = ("fc", name[8:16].hex())
        elif name[0] & 0x0F == 6:
            who = ("sas", name[4:12].hex())
        else:
            who = ("iscsi", name[4:].rstrip(b"\0").decode("ascii", "replace").lower().split(",i,0x")[0].strip(" \t"))
        found.add(who)
        if flags & 1:
            held.add(who)
            everybody |= kind in (7, 8)
    return found if everybody else held
