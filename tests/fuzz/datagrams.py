# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The path of a notification, for the fuzzer: datagram, pysnmp, map, fields, sink, observation, drive table.

An input is a row of steps: an octet that says what the step is and which address it comes from, two octets of length,
and so many octets. What is behind a digest no fuzzer would ever reach; so most kinds of steps are signed and encrypted
here, with the right keys, and the fuzzer works at what is inside.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import shutil
import sqlite3
import struct
import tempfile
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _associations, _few_lines, _source, _store
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import (
    _snmp_engine,
    _snmp_inbox,
    snmp,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_maps import MIB
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_socket import Peer
from ansible_collections.tapeworks.drive_sharing.tests.bench import snmp_wire as wire
from ansible_collections.tapeworks.drive_sharing.tests.bench.snmp_agent import Agent
from ansible_collections.tapeworks.drive_sharing.tests.fuzz import junk
from ansible_collections.tapeworks.drive_sharing.tests.fuzz.targets import check_sentence

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "extensions/eda/plugins/event_source/schemas/change.json").read_text(encoding="utf-8"))

ENGINE = bytes.fromhex("80001f8805000102030405060708090a0b")
SENDER = bytes.fromhex("8000000001020304")
BOOTS = 3
NOW = 1_800_000_000.0
PASSPHRASES = {"auth_passphrase": "authentication", "priv_passphrase": "privacy of it"}
VENDOR = "1.3.6.1.4.1.99999.5"
MAPS: list[Any] = [
    "tape_drive_sharing",
    junk.LOCATION_MAP,
    {
        "notification": f"{VENDOR}.0.1",
        "drive": {"by": "wwpn", "oid": f"{VENDOR}.1"},
        "status": {"oid": f"{VENDOR}.2", "values": {1: "reserved", "free": "released", "*": "ignore"}},
        "holders": {
            "protocol": {"value": "iscsi"},
            "id": {"oid": f"{VENDOR}.3", "pattern": "port=(\\S+)", "optional": True},
        },
        "library": {"senders": {"192.0.2.1": "library_01"}},
        "time": {"oid": f"{VENDOR}.4"},
    },
]
#: Longest CPU time of one step: a hundred times of what a good inform needs, instrumented.
SLOW = 1.0

# What a step may be.
RAW, PDU_V2C, SCOPED, VARIABLES, FIELDS, HEADER = range(6)
ADDRESSES = ("192.0.2.1", "192.0.2.2", "2001:db8::1", "127.0.0.1")

_TYPES = (
    wire.OCTETS, wire.INTEGER, wire.OID, wire.IP_ADDRESS, wire.COUNTER32, wire.UNSIGNED32, wire.TIME_TICKS, wire.OPAQUE,
    wire.COUNTER64, wire.NULL, 0x80, 0x81, 0x82, 0x24,
)  # fmt: skip
_NOTIFICATIONS = (f"{MIB}.0.1", f"{MIB}.0.2", junk.BY_LOCATION, f"{VENDOR}.0.1", "1.3.6.1.6.3.1.1.5.1")
_OBJECTS = (
    *(f"{MIB}.1.{part}.0" for part in (1, 2, 4, 5, 6, 7, 8, 9)), f"{MIB}.1.3.1.2.1", f"{MIB}.1.3.1.3.1", f"{MIB}.1.3.1.2.2",
    f"{MIB}.1.3.1.3.2", "1.3.6.1.4.1.99999.1.1.1.0", f"{VENDOR}.1.0", f"{VENDOR}.2.0", f"{VENDOR}.3.1", f"{VENDOR}.3.2",
    f"{VENDOR}.4.0", "1.3.6.1.6.3.1.1.4.1.0", "1.3.6.1.2.1.1.3.0",
)  # fmt: skip


def step(kind: int, payload: bytes, address: int = 0) -> bytes:
    """Write a step."""
    return bytes((kind | address << 4,)) + struct.pack(">H", len(payload)) + payload


def field(name: str, tag: int, contents: bytes) -> bytes:
    """Write a field of a step of kind FIELDS."""
    return bytes((_OBJECTS.index(name), _TYPES.index(tag), len(contents))) + contents


class _Endpoint:
    """Keeps what is sent."""

    label = "127.0.0.1:162"

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, data: bytes, _peer: Peer) -> bool:
        self.sent.append(data)
        return True


class _Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class Datagrams:
    """The detector with its real engine and maps, the event source's sink, and a drive table in memory."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        # The table itself takes the time from us, so that nothing depends on when it was.
        self.store: Any = _store.open_store(f"{folder}/table.sqlite", create=True, site="fuzz", clock=lambda: NOW)
        self.reader = sqlite3.connect(f"{folder}/table.sqlite", isolation_level=None)
        port = {"protocol": "fc", "id": "10000090fa1658de"}
        drive = {"serial": "1310211169", "devices": ["/dev/nst0"], "wwpns": ["500507630f44be07"]}
        with self.store.write() as tx:
            for host, number in (("a", 0), ("b", 1)):
                facts = {"drives": [drive], "ports": [{**port, "id": f"{0x10000090FA1658DE + number:016x}"}]}
                _associations.write_hosts(tx, [(host, facts, [{"instance": host, "application": "custom"}])], NOW)
        #: What stood in each table when it was looked at last.
        self.tables = {
            name: self.reader.execute(f"SELECT * FROM {name}").fetchall()
            for (name,) in self.reader.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        }
        self.validator = jsonschema.Draft202012Validator(SCHEMA)
        user = {"name": "library", **PASSPHRASES, "security_engine_id": SENDER.hex()}
        self.config = snmp.check(
            {"listen": ["127.0.0.1:0"], "users": [user], "maps": MAPS, "allow_v2c": True, "communities": ["public"]}
        )
        self.now = 1000.0
        self.engine = _snmp_engine.Engine(ENGINE, BOOTS, self.config.users, self.config.communities, lambda: self.now)
        self.sender, self.trapper = Agent(ENGINE, BOOTS, **PASSPHRASES), Agent(SENDER, 9, **PASSPHRASES)
        self.lines = _Lines()
        for name in ("fuzz", "tapeworks.drive_sharing"):
            log = logging.getLogger(name)
            log.addHandler(self.lines)
            log.propagate = False
            log.setLevel(logging.DEBUG)
        self.loop = asyncio.new_event_loop()
        self._forget()
        #: Whether this is not the first step of its input.
        self.before = False
        #: Messages of SNMPv3 that were taken, and where they came from first.
        self.heard: dict[bytes, str] = {}
        #: What was signed by hand: only that may be taken of what is raw.
        self.signed = {message for _name, message in self._signed()}

    def _signed(self) -> Iterator[tuple[str, bytes]]:
        """Give good messages, each the same every time."""
        for agent in (self.sender, self.trapper):
            agent.salt = 0
        reserved, released = Agent.reserved(), self._released()
        yield "inform", self.sender.message(reserved)
        yield "released", self.sender.message(released, request_id=2)
        yield "trap", self.trapper.message(reserved, tag=wire.TRAP)
        yield "get", self.sender.message(reserved, tag=0xA0)
        yield "not encrypted", self.sender.message(reserved, flags=5)

    @staticmethod
    def _released() -> bytes:
        return Agent.variables(
            f"{MIB}.0.2", (f"{MIB}.1.1.0", "1310211169"), (f"{MIB}.1.2.0", 2), (f"{MIB}.1.4.0", 1),
            (f"{MIB}.1.5.0", "10000090fa1658de"), (f"{MIB}.1.6.0", 7), (f"{MIB}.1.7.0", 2),
            (f"{MIB}.1.8.0", bytes.fromhex("07ea0b1606002205") + b"+\0\0"),
        )  # fmt: skip

    def seeds(self) -> dict[str, bytes]:
        """Give our own good informs in every form, and junk."""
        reserved, released = Agent.reserved(), self._released()
        found = {f"raw {name}": step(RAW, message) for name, message in self._signed()}
        found |= {
            "raw discovery": step(RAW, wire.discovery()),
            "raw v2c": step(RAW, wire.v2c(b"public", wire.pdu(wire.TRAP, 1, reserved))),
            "v2c": step(PDU_V2C, wire.pdu(wire.INFORM, 1, reserved)),
            "scoped": step(SCOPED, wire.scoped(ENGINE, b"", wire.pdu(wire.INFORM, 1, reserved))),
            "there and back": step(VARIABLES, reserved) + step(VARIABLES, released) + step(VARIABLES, reserved, 1),
            "by place": step(VARIABLES, Agent.variables(junk.BY_LOCATION, ("1.3.6.1.4.1.99999.1.1.1.0", "F1,C2,R3"))),
            "from elsewhere": step(RAW, self._first("inform"), 0) + step(RAW, self._first("inform"), 1),
            "header": step(HEADER, bytes((7, 0, 0, 0, wire.INFORM)) + reserved)
            + step(HEADER, bytes((7, 1, 1, 9, wire.TRAP)) + reserved),
            "fields": step(
                FIELDS,
                b"\0"
                + field(f"{MIB}.1.1.0", wire.OCTETS, b"1310211169")
                + field(f"{MIB}.1.2.0", wire.INTEGER, b"\1")
                + field(f"{MIB}.1.3.1.2.1", wire.INTEGER, b"\2")
                + field(f"{MIB}.1.3.1.3.1", wire.OCTETS, b"iqn.2026-11.com.example:a")
                + field(f"{MIB}.1.3.1.2.2", wire.INTEGER, b"\4")
                + field(f"{MIB}.1.3.1.3.2", wire.OCTETS, b"2001:db8::7")
                + field(f"{MIB}.1.8.0", wire.OCTETS, b"2027-01-15T08:00:00+00:00"),
            ),
            "vendor": step(
                FIELDS,
                b"\3"
                + field(f"{VENDOR}.1.0", wire.OCTETS, bytes.fromhex("500507630f44be07"))
                + field(f"{VENDOR}.2.0", wire.UNSIGNED32, b"\1")
                + field(f"{VENDOR}.3.1", wire.OCTETS, b"port=iqn.2026-11.com.example:a,i,0x1")
                + field(f"{VENDOR}.4.0", wire.OCTETS, bytes.fromhex("07eb010f08000000") + b"+\0\0"),
            ),
        }
        many = wire.varbinds(*([(wire.oid(f"{VENDOR}.9"), wire.integer(1))] * 3000))
        plain = wire.scoped(b"", b"", wire.pdu(wire.INFORM, 1, wire.varbinds()))
        pieces = wire.element(0x24, b"\x04\x01x" * 20_000)
        long_name = wire.element(wire.OID, b"\x2b" + b"\x01" * 20_000)
        # What did harm once: numbers and names of thousands of digits in the log, and minutes of CPU time for a few datagrams.
        found |= {
            "a version of many digits": step(RAW, wire.element(wire.SEQUENCE, wire.element(wire.INTEGER, b"\x7f" * 2000))),
            "an engine id that is long": step(RAW, wire.v3(1, 4, (bytes(9000), 0, 0), b"", b"", b"", plain)[0]),
            "a notification that is long": step(
                VARIABLES, wire.varbinds((wire.oid("1.3.6.1.6.3.1.1.4.1.0"), long_name))
            ),
            "thousands of variables": step(VARIABLES, many),
            "thousands of variables of v2c": step(RAW, wire.v2c(b"private", wire.pdu(wire.INFORM, 1, many))),
            "a text in thousands of pieces": step(RAW, wire.v3(1, 4, (ENGINE, 0, 0), b"", b"", b"", pieces)[0]),
            "a number as a drive": step(
                FIELDS,
                b"\0"
                + field(f"{MIB}.1.1.0", wire.COUNTER64, b"\x07")
                + field(f"{MIB}.1.2.0", wire.INTEGER, b"\1")
                + field(f"{MIB}.1.3.1.2.1", wire.INTEGER, b"\0")
                + field(f"{MIB}.1.3.1.3.1", wire.OCTETS, b""),
            ),
        }
        maker = junk.Junk(4711, (ENGINE, BOOTS, 0), "library", tuple(PASSPHRASES.values()))  # type: ignore[arg-type]
        for kind in (*junk.STRANGERS, *junk.SENDERS):
            for number in range(3):
                made = maker.of(kind)
                if len(made) < 1500 and (kind in junk.STRANGERS):
                    found[f"junk {kind} {number}"] = step(RAW, made, number)
        return found

    def _first(self, name: str) -> bytes:
        return next(message for kind, message in self._signed() if kind == name)

    def run(self, data: bytes) -> None:
        """Go through the steps of an input with a new detector; what it remembers and has written is forgotten after it."""
        self.engine._senders, self.engine._digests = {}, OrderedDict()
        for agent in (self.sender, self.trapper):
            agent.salt = 0
        sink = _source.Sink(self._call, lambda: None)
        # Nothing of the process's own time, and no limit that would hide a line.
        sink._report = _few_lines.Report(logging.getLogger("tapeworks.drive_sharing"), lambda: self.now)
        detector = snmp.Detector(self.config, sink, logging.getLogger("fuzz"), lambda: NOW, lambda: self.now)
        detector._engine = self.engine
        self.lines.records.clear()
        self.heard.clear()
        self.before = False
        try:
            for kind, address, payload in self._steps(data):
                self.now += 10.0
                self.loop.run_until_complete(self._deliver(detector, kind, address, payload))
                self.before = True
        finally:
            self.now = 1000.0
            self._forget()

    async def _call(self, function: Any) -> Any:
        return function(self.store)

    @staticmethod
    def _steps(data: bytes) -> Iterator[tuple[int, str, bytes]]:
        at = 0
        while at + 3 <= len(data):
            kind, length = data[at], int.from_bytes(data[at + 1 : at + 3], "big")
            yield (kind & 15) % 6, ADDRESSES[(kind >> 4) % len(ADDRESSES)], data[at + 3 : at + 3 + length]
            at += 3 + length

    def _message(self, kind: int, payload: bytes) -> bytes:
        """Make a datagram of a step."""
        time = int(self.now - 1000.0)
        self.sender.authority = (ENGINE, BOOTS, time)
        if kind == PDU_V2C:
            return wire.v2c(b"public", payload)
        if kind == SCOPED:
            salt = len(payload).to_bytes(8, "big")
            return wire.protected(self.sender.keys, 1, 7, self.sender.authority, payload, salt)
        if kind == VARIABLES:
            return self.sender.message(payload)
        if kind == FIELDS:
            return self.sender.message(self._fields(payload))
        if kind == HEADER and len(payload) >= 5:
            flags, who, boots, seconds, tag = payload[:5]
            agent = self.trapper if who & 1 else self.sender
            agent.authority = (agent.authority[0], (9 if who & 1 else BOOTS) + boots % 3 - 1, time + seconds)
            return agent.message(payload[5:], flags=flags & 7, tag=tag)
        return payload

    @staticmethod
    def _fields(payload: bytes) -> bytes:
        notification = _NOTIFICATIONS[payload[0] % len(_NOTIFICATIONS)] if payload else ""
        found: list[tuple[bytes, bytes]] = []
        if notification:
            found.append((wire.oid("1.3.6.1.6.3.1.1.4.1.0"), wire.element(wire.OID, wire.oid(notification))))
        at = 1
        while at + 3 <= len(payload):
            name, tag, length = payload[at : at + 3]
            contents = payload[at + 3 : at + 3 + length]
            found.append((wire.oid(_OBJECTS[name % len(_OBJECTS)]), wire.element(_TYPES[tag % len(_TYPES)], contents)))
            at += 3 + length
        return wire.varbinds(*found)

    async def _deliver(self, detector: snmp.Detector, kind: int, address: str, payload: bytes) -> None:
        message, endpoint = self._message(kind, payload), _Endpoint()
        before, began = detector.counters(), time.process_time()
        detector._arrived(message, Peer(address, (address, 7000), ()), endpoint)  # type: ignore[arg-type]
        while detector._next is not None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        while detector._queue._waiting:
            await detector._queue._write()
        seconds = time.process_time() - began
        after = detector.counters()
        new = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
        assert seconds < SLOW, f"{seconds:.1f} s of CPU time for {len(message)} octets"
        assert "fault" not in new, f"a fault of ours: {self.lines.records[-1].getMessage()}"
        assert detector._inbox.delay() is None
        assert isinstance(detector._inbox, _snmp_inbox.Inbox)
        taken = new.get("informs", 0) + new.get("traps", 0)
        if kind == RAW and taken and self._is_v3(message):
            assert message in self.signed, "a message that nobody signed was taken"
            assert self.heard.setdefault(message, address) == address, "a message of somebody else was taken again"
        written = self._check_table(payload if kind == FIELDS else None)
        assert taken or not written, f"a change without a notification: {new}"
        assert sum(new.get(name, 0) for name in ("written", "unresolved", "contradiction")) >= bool(written), new
        assert len(endpoint.sent) <= 1
        for sent in endpoint.sent:
            # Nobody can use this side to send others more than they send to it themselves.
            assert len(sent) <= len(message) + 100, f"{len(sent)} octets answer {len(message)}"
            answer = wire.read(sent, self.sender.keys)
            assert answer.tag in (wire.RESPONSE, wire.REPORT)
            assert (answer.tag == wire.RESPONSE) == bool(new.get("answered", 0)), new
        for record in self.lines.records:
            check_sentence(record.getMessage())
            assert record.levelno < logging.ERROR, record.getMessage()
        self.lines.records.clear()

    @staticmethod
    def _is_v3(message: bytes) -> bool:
        try:
            return wire.number(wire.split(wire.split(message)[0][1])[0][1]) == 3
        except (ValueError, IndexError):
            return True

    def _check_table(self, told: bytes | None) -> bool:
        """Check that what stands in the table is of the form of a change, and is text; give whether anything is new."""
        self.reader.row_factory = sqlite3.Row
        for row in self.reader.execute("SELECT * FROM drives").fetchall():
            change = {
                "version": 1, "drive": row["drive"], "status": row["status"], "holders": json.loads(row["holders"]),
                "port": None if row["port"] is None else json.loads(row["port"]), "sequence": row["sequence"],
                "observed_at": row["observed_at"], "library": row["library"], "detector": row["detector"],
            }  # fmt: skip
            error = jsonschema.exceptions.best_match(self.validator.iter_errors(change))
            assert error is None, f"{error.message} in {change}"
            name = row["drive"]
            # The other way to name a drive here is its WWPN.
            assert told is None or self.before or name == "1310211169" or name.encode() in told, f"nobody told of drive {name}"
        self.reader.row_factory = None
        new = False
        for name, before in self.tables.items():
            now = self.reader.execute(f"SELECT * FROM {name}").fetchall()
            if now == before:
                continue
            self.tables[name] = now
            new = new or name in ("drives", "unresolved", "history")
            for row in now:
                for value in row:
                    assert not isinstance(value, bytes), f"octets in {name}: {row}"
                    assert not isinstance(value, str) or value.isprintable(), f"control characters in {name}: {row}"
                    assert not isinstance(value, str) or len(value) <= 70_000, f"{len(value)} characters in {name}"
        return new

    def _forget(self) -> None:
        with self.store.write() as tx:
            for name in ("drives", "unresolved", "notifications", "history"):
                tx.execute(f"DELETE FROM {name}")
                self.tables[name] = []
