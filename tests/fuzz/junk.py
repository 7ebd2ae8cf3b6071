# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Junk for the port of the detector ``snmp``: what strangers send, and what a sender with the right keys should not.

The same seed gives the same junk. ``STRANGERS`` are kinds that no key was needed for: nothing of them may be believed.
``SENDERS`` are authentic, and tell nothing that could be a change. ``LARGEST`` is what fits into a datagram.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_maps import MIB
from ansible_collections.tapeworks.drive_sharing.tests.bench import snmp_wire as wire
from ansible_collections.tapeworks.drive_sharing.tests.bench.snmp_agent import Agent

LARGEST = 65507
#: A map with this notification makes changes of drives that are named by their place.
BY_LOCATION = "1.3.6.1.4.1.99999.1.0.7"
LOCATION_MAP: dict[str, Any] = {
    "notification": BY_LOCATION,
    "drive": {"by": "location", "oid": "1.3.6.1.4.1.99999.1.1.1"},
    "status": {"value": "reserved"},
}

_PDUS = {"get": 0xA0, "get-next": 0xA1, "response": 0xA2, "set": 0xA3, "bulk": 0xA5, "report": 0xA8, "no PDU": 0xA9}

#: Text that somebody might hope to see executed, templated, printed or put into a path.
TEXTS = (
    "{{ lookup('pipe', 'touch /tmp/templated') }}",
    "{% for x in [].__class__.__mro__ %}{% endfor %}",
    "$(reboot)", "`reboot`", "'; DROP TABLE drives; --", "../../../etc/passwd", "/dev/nst0; rm -rf /",
    "drive\n2026-11-22 06:00:00 - a line that nobody wrote", "\x1b[2J\x1b[31mred", "\x07\x08\x00\x7f\x9b31m",
    "\u202egnirts\u202c", "\u2028", "\ud800\ufeff", "\N{FULLWIDTH DIGIT ONE}310211169", "x" * 65, "x" * 1024, "x" * 1025,
    "", " ", "\0\0\0\0", "-rf", ".", "..", "%s%n%x", "!unsafe {{ 1 }}", "null", "NaN", "\r\n\r\n", "a\tb",
)  # fmt: skip


class Junk:
    """Makes junk for one engine, in the name of one of its users."""

    def __init__(self, seed: int, authority: tuple[bytes, int, int], user: str, passphrases: tuple[str, str]) -> None:
        """Take what a sender knows: engine id, boots and time, user and passphrases."""
        self.random = random.Random(seed)
        self.number = 0
        self.authority = authority
        secret = {"auth_passphrase": passphrases[0], "priv_passphrase": passphrases[1]}
        self.sender = self._agent(user, **secret)
        wrong = {"auth_passphrase": "not the passphrase", "priv_passphrase": passphrases[1]}
        self.wrong = [
            self._agent(user, **wrong),
            self._agent(user, auth="sha512", **secret),
            self._agent("nobody", **secret),
            self._agent("\x1b[31m\n{{ 7 * 7 }}", **secret),
            self._agent("x" * 32, **secret),
            self._agent("x" * 33, **secret),
            self._agent("", **secret),
        ]
        self.unreadable = [
            self._agent(user, **{**secret, "priv_passphrase": "not the passphrase"}),
            self._agent(user, priv="aes256", **secret),
        ]

    def _agent(self, user: str, **options: str) -> Agent:
        agent = Agent(self.authority[0], self.authority[1], user=user, **options)
        agent.authority = self.authority
        return agent

    def of(self, kind: str) -> bytes:
        """Make one datagram of a kind."""
        self.number += 1
        return {**STRANGERS, **SENDERS}[kind](self)[:LARGEST]

    def each(self, count: int, kinds: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
        """Make ``count`` datagrams of these kinds in turn, with their kind."""
        for place in range(count):
            kind = kinds[place % len(kinds)]
            yield kind, self.of(kind)

    def good(self) -> bytes:
        """Make what would be an inform of a drive that nobody else sends of, if it were left as it is."""
        return self.sender.message(
            Agent.reserved(self.number, serial=f"JUNK{self.number}"), request_id=self.number, message_id=self.number
        )

    # What strangers send

    def octets(self) -> bytes:
        """Make what is nothing."""
        return self.random.randbytes(self.random.choice((1, 2, 10, 100, 300, 1472)))

    def truncated(self) -> bytes:
        """Cut a good inform."""
        whole = self.good()
        return whole[: self.random.randrange(len(whole))]

    def flipped(self) -> bytes:
        """Change one bit of a good inform."""
        message = bytearray(self.good())
        message[self.random.randrange(len(message))] ^= 1 << self.random.randrange(8)
        return bytes(message)

    def spliced(self) -> bytes:
        """Put two informs together at some octet, or something behind or into one."""
        first, second = self.good(), self.good()
        at = self.random.randrange(1, len(first))
        return self.random.choice((first[:at] + second[at + 1 :], first + second, first + b"\0", first[:at] + first))

    def nested(self) -> bytes:
        """Nest elements as deep as a datagram may be long, with lengths that are right, short or open."""
        tag = self.random.choice((b"\x30", b"\xa6", b"\x24", b"\x31", b"\x60", b"\xbf\x8f\x7f"))
        depth = self.random.choice((50, 99, 101, 500, 5000, 30_000))
        inner = wire.integer(3) + wire.element(wire.OCTETS, b"x")
        how = self.random.randrange(4)
        if how == 0:
            return (tag + b"\x80") * depth + b"\0\0" * depth
        if how == 1:
            return wire.element(wire.SEQUENCE, wire.integer(3), (tag + b"\x80") * depth)
        for _level in range(min(depth, 2000)):
            inner = wire.element(tag[0], inner)
        if how == 2:
            return inner
        return wire.v3(1, 7, self.authority, b"library", bytes(24), bytes(8), inner)[0]

    def lengths(self) -> bytes:
        """Tell lengths that are not so."""
        length = self.random.choice(
            (b"\x84\xff\xff\xff\xff", b"\x84\x7f\xff\xff\xff", b"\x88" + b"\xff" * 8, b"\xfe" + b"\xff" * 126, b"\xff", b"\x80",
             b"\x84\0\0\0\5", b"\xff" + b"\0" * 127)
        )  # fmt: skip
        place = self.random.randrange(3)
        if place == 0:
            return b"\x30" + length + b"\x02\x01\x03" + self.random.randbytes(50)
        if place == 1:
            return wire.element(wire.SEQUENCE, b"\x02" + length + b"\x03" + self.random.randbytes(50))
        head, at = wire.v3(1, 7, self.authority, b"library", bytes(24), bytes(8), b"")
        return head[:at] + b"\x04" + length + self.random.randbytes(50)

    def indefinite(self) -> bytes:
        """Write a good inform with an open length outside, which BER allows and a digest does not."""
        ((_tag, body),) = wire.split(self.good())
        return b"\x30\x80" + body + self.random.choice((b"\0\0", b"", b"\0"))

    def numbers(self) -> bytes:
        """Write numbers and names that no computer has to bear."""
        huge = self.random.randbytes(self.random.choice((5, 9, 100, 2000, 60_000)))
        arcs = b"\xff" * self.random.choice((5, 19, 21, 2000, 60_000)) + b"\x7f"
        parameters = wire.element(
            wire.SEQUENCE, wire.element(wire.OCTETS, self.authority[0]), wire.element(wire.INTEGER, huge), wire.integer(0),
            wire.element(wire.OCTETS, b"library"), wire.element(wire.OCTETS, bytes(24)), wire.element(wire.OCTETS, bytes(8)),
        )  # fmt: skip
        head = wire.element(
            wire.SEQUENCE, wire.integer(1), wire.integer(65507), wire.element(wire.OCTETS, b"\x07"), wire.integer(3)
        )
        data = wire.element(wire.OCTETS, bytes(50))
        return self.random.choice(
            (
                wire.element(
                    wire.SEQUENCE, wire.element(wire.INTEGER, huge), wire.element(wire.OCTETS, b"public"), b"\xa6\0"
                ),
                wire.element(wire.SEQUENCE, wire.element(wire.INTEGER, b"")),
                wire.element(wire.SEQUENCE, wire.integer(3), head, wire.element(wire.OCTETS, parameters), data),
                wire.v2c(b"public", wire.pdu(wire.INFORM, 1, wire.varbinds((arcs, wire.element(wire.OID, arcs))))),
                wire.v2c(b"public", wire.element(wire.INFORM, wire.element(wire.INTEGER, huge), wire.integer(0))),
                wire.v3(1, 4, self.authority, b"", b"", b"", self.sender.scoped(wire.varbinds((arcs, b"\5\0"))))[0],
            )
        )

    def communities(self) -> bytes:
        """Ask with a community that is none, in all versions and as every PDU."""
        version = self.random.choice((0, 0, 1, 1, 1, 2, 4, 127, -1))
        community = self.random.choice((b"public", b"private", b"", b"library", b"\x1b[31m{{ 7 * 7 }}\n", b"x" * 2000))
        tag = self.random.choice((*_PDUS.values(), wire.INFORM, wire.TRAP, 0xA4))
        inner = wire.pdu(tag, self.number, Agent.reserved(self.number, serial="JUNKV2C"))
        return wire.element(wire.SEQUENCE, wire.integer(version), wire.element(wire.OCTETS, community), inner)

    def users(self) -> bytes:
        """Sign with keys that are not those of the user, or of a user that is none."""
        agent = self.random.choice(self.wrong)
        return agent.message(Agent.reserved(self.number, serial="JUNKUSER"), request_id=self.number)

    def digests(self) -> bytes:
        """Put other digests into a good inform, also of other lengths."""
        salt = self.number.to_bytes(8, "big")
        data = wire.element(wire.OCTETS, self.random.randbytes(200))
        digest = self.random.choice(
            (b"", b"\0", bytes(12), bytes(24), bytes(25), self.random.randbytes(24), bytes(5000))
        )
        salt = self.random.choice((salt, salt, b"", bytes(7), bytes(9)))
        return wire.v3(self.number % 2**31, 7, self.authority, b"library", digest, salt, data)[0]

    def unprotected(self) -> bytes:
        """Send a change without encryption, or without authentication too, in the user's name or in nobody's."""
        variables = Agent.reserved(self.number, serial="JUNKPLAIN")
        flags = self.random.choice((0, 1, 2, 4, 5, 6, 0x80, 0xFF))
        tag = self.random.choice((wire.INFORM, wire.TRAP, *_PDUS.values()))
        if flags == wire.AUTH | wire.REPORTABLE:
            return self.sender.message(variables, flags=flags)
        return self.sender.plain(variables, user=self.random.choice((b"library", b"", b"nobody")), flags=flags, tag=tag)

    def headers(self) -> bytes:
        """Write a header that RFC 3412 does not allow, or that means another security model."""
        flags = self.random.choice((b"", b"\x07", b"\x07\x07", b"\x07" * 2000))
        number, size, model = (
            self.random.choice(choices)
            for choices in (
                (0, -1, 2**31 - 1, 2**31, 2**63),
                (0, 483, -1, 2**31, 65507),
                (0, 1, 2, 3, 4, 99, 2**31, -1),
            )
        )
        head = wire.element(
            wire.SEQUENCE,
            wire.integer(number),
            wire.integer(size),
            wire.element(wire.OCTETS, flags),
            wire.integer(model),
        )
        parameters = wire.element(wire.OCTETS, self.random.choice((b"", b"\x30\0", b"\5\0", self.random.randbytes(40))))
        return wire.element(wire.SEQUENCE, wire.integer(3), head, parameters, self.sender.scoped(wire.varbinds()))

    def engines(self) -> bytes:
        """Name an engine that is not this one: none, too short, too long, somebody's."""
        length = self.random.choice((0, 1, 4, 5, 17, 32, 33, 500, 20_000))
        engine_id = self.random.randbytes(length)
        flags = self.random.choice((0, 3, 4, 7))
        user = self.random.choice((b"", b"library", b"nobody"))
        data = wire.scoped(engine_id, b"", wire.pdu(wire.INFORM, self.number, Agent.reserved(1, serial="JUNKENGINE")))
        if flags & wire.PRIV:
            data = wire.element(wire.OCTETS, data)
        digest = bytes(24) if flags & wire.AUTH else b""
        return wire.v3(self.number % 2**31, flags, (engine_id, 1, 1), user, digest, b"", data)[0]

    def late(self) -> bytes:
        """Sign for another time or other boots: what somebody has kept, or will have."""
        engine_id, boots, time = self.authority
        self.sender.authority = self.random.choice(
            ((engine_id, boots, time + 100_000), (engine_id, max(0, boots - 1), time), (engine_id, boots + 1, time),
             (engine_id, 2**31 - 1, time), (engine_id, boots, 2**31 - 1))
        )  # fmt: skip
        try:
            return self.good()
        finally:
            self.sender.authority = self.authority

    def empty(self) -> bytes:
        """Make a datagram without an octet."""
        return b""

    def oversized(self) -> bytes:
        """Fill a datagram."""
        filling = LARGEST - 200
        return self.random.choice(
            (
                self.random.randbytes(LARGEST),
                bytes(LARGEST),
                b"\x30\x80" * (LARGEST // 2),
                wire.v2c(b"public", wire.element(wire.INFORM, bytes(filling))),
                wire.v3(1, 4, self.authority, b"", b"", b"", wire.element(wire.OCTETS, bytes(filling)))[0],
                wire.v3(
                    1, 7, self.authority, b"library", bytes(24), bytes(8), wire.element(wire.OCTETS, bytes(filling))
                )[0],
                wire.v3(1, 4, self.authority, b"", b"", b"", self.sender.scoped(self._thousands(3000)))[0],
            )
        )

    # What a sender with the right keys should not send

    def types(self) -> bytes:
        """Give variables a type that their object does not have."""
        values: tuple[Any, ...] = (
            b"", 7, -1, 2**31 - 1, ".1.3.6.1", (wire.IP_ADDRESS, bytes(4)), (wire.COUNTER64, b"\0" + b"\xff" * 8), (wire.NULL, b""),
            (0x80, b""), (0x81, b""), (0x82, b""), (wire.OPAQUE, b"\x9f\x78\x04\0\0\0\0"), (0x47, b"\0"), (0x24, b"\4\1x"), (0x30, b""),
            (wire.IP_ADDRESS, bytes(5)), (wire.INTEGER, b""), (wire.INTEGER, bytes(300)), (wire.UNSIGNED32, b"\xff"),
            (wire.OID, b""), (wire.OID, b"\x80"), (wire.OID, b"\xff" * 300),
        )  # fmt: skip
        # The drive, its status and its holder; of the others a wrong type makes no wrong change.
        changed = self.random.choice((("status",), ("serial",), ("id",), ("protocol",), ("status", "serial", "id")))
        value = self.random.choice(values)
        if changed == ("id",) and value == b"":
            # That is a holder who cannot be read.
            value = -1
        variables = Agent.reserved(self.number, **dict.fromkeys(changed, value))
        return self.sender.message(variables, request_id=self.number)

    def nonsense(self) -> bytes:
        """Tell of a change with values that no drive, port or library has."""
        name = self.random.choice(("serial", "status", "id", "protocol", "library", "boots", "counter"))
        value: Any = self.random.choice(TEXTS)
        if (name in ("serial", "id") and value in ("null", "NaN")) or (name == "library" and not value.strip(" \0")):
            value = "{{ 7 * 7 }}"
        if name in ("boots", "counter") or (name == "id" and not value.strip(" \0")):
            value = "\x1b]0;title\x07"
        if name == "library" and value in ("null", "NaN", "x" * 65):
            value = "-library"
        if name in ("status", "protocol") and self.random.random() < 0.5:
            value = self.random.choice((0, 3, -1, 2**31 - 1)) if name == "status" else self.random.choice((5, -1, 99))
        if name == "id" and self.random.random() < 0.5:
            value = self.random.choice(("10000090fa1658d", "1" * 17, "0" * 16, "f" * 16, "g" * 16, b"\xff" * 8))
        if isinstance(value, str):
            value = value.encode("utf-8", "surrogatepass")
        if name == "id" and isinstance(value, bytes) and len(value) == 8:
            # Eight octets are a WWN, whatever they are, but all ones.
            value = b"\xff" * 8
        return self.sender.message(Agent.reserved(self.number, **{name: value}), request_id=self.number)

    def missing(self) -> bytes:
        """Leave a variable out, or send one twice."""
        name = self.random.choice(("serial", "status", "id", "protocol"))
        variables = Agent.reserved(self.number, **{name: None})
        if self.random.random() < 0.3:
            ((_tag, listed),) = wire.split(Agent.reserved(self.number))
            variables = wire.element(wire.SEQUENCE, listed, listed)
        return self.sender.message(variables, request_id=self.number)

    def notifications(self) -> bytes:
        """Tell of a notification that has no map, or not say which it is."""
        name = self.random.choice(
            (f"{MIB}.0.3", f"{MIB}.0", f"{MIB}.0.1.0", "1.3.6.1.6.3.1.1.5.1", "2.999.4294967295", "0.0")
        )
        variables = Agent.variables(name, (f"{MIB}.1.1.0", "JUNKMAP"))
        if self.random.random() < 0.3:
            variables = wire.varbinds((wire.oid(f"{MIB}.1.1.0"), wire.element(wire.OCTETS, b"JUNKMAP")))
        elif self.random.random() < 0.3:
            arcs = wire.element(wire.OID, b"\x2b" + b"\x01" * self.random.choice((126, 127, 5000, 60_000)))
            variables = wire.varbinds((wire.oid("1.3.6.1.6.3.1.1.4.1.0"), arcs))
        return self.sender.message(variables, request_id=self.number)

    def pdus(self) -> bytes:
        """Ask, set and report where only notifications are taken."""
        return self.sender.message(
            Agent.reserved(self.number, serial="JUNKPDU"),
            tag=self.random.choice(tuple(_PDUS.values())),
            request_id=self.number,
        )

    def secrets(self) -> bytes:
        """Sign with the right key, and encrypt with another."""
        agent = self.random.choice(self.unreadable)
        return agent.message(Agent.reserved(self.number, serial="JUNKSECRET"), request_id=self.number)

    def broken(self) -> bytes:
        """Sign and encrypt what is no PDU."""
        inner = self.random.choice(
            (self.octets(), b"", self.sender.scoped(b"\x30\x80" * 500), self.sender.scoped(b"\x30\x84\xff\xff\xff\xff"),
             self.sender.scoped(Agent.reserved(1), request_id=2**31), self.sender.scoped(Agent.reserved(1))[:-7])
        )  # fmt: skip
        return wire.protected(self.sender.keys, self.number, 7, self.authority, inner, self.number.to_bytes(8, "big"))

    def thousands(self) -> bytes:
        """Send variables by the thousand, of them none of the map's, or more holders than any drive has."""
        if self.random.random() < 0.5:
            return self.sender.message(self._thousands(self.random.choice((1000, 2500))), request_id=self.number)
        holders = ((f"{MIB}.1.3.1.{column}.{row}", value) for row in range(1, 400)
                   for column, value in ((2, 1), (3, f"{row:016x}")))  # fmt: skip
        variables = Agent.variables(f"{MIB}.0.1", (f"{MIB}.1.1.0", "JUNKMANY"), (f"{MIB}.1.2.0", 1), *holders)
        return self.sender.message(variables, request_id=self.number)

    def nowhere(self) -> bytes:
        """Tell of drives in places that nobody knows; they are put aside."""
        place = f"JUNK {self.random.randrange(50)}"
        variables = Agent.variables(BY_LOCATION, (f"{BY_LOCATION[:-4]}.1.1.0", place), uptime=self.number)
        return self.sender.message(variables, request_id=self.number)

    @staticmethod
    def _thousands(count: int) -> bytes:
        one = (wire.oid("1.3.6.1.4.1.99999.2.1"), wire.integer(1))
        return wire.varbinds(*([one] * count))


STRANGERS: dict[str, Callable[[Junk], bytes]] = {
    method.__name__: method
    for method in (
        Junk.octets, Junk.truncated, Junk.flipped, Junk.spliced, Junk.nested, Junk.lengths, Junk.indefinite, Junk.numbers,
        Junk.communities, Junk.users, Junk.digests, Junk.unprotected, Junk.headers, Junk.engines, Junk.late, Junk.empty,
        Junk.oversized,
    )
}  # fmt: skip
SENDERS: dict[str, Callable[[Junk], bytes]] = {
    method.__name__: method
    for method in (
        Junk.types, Junk.nonsense, Junk.missing, Junk.notifications, Junk.pdus, Junk.secrets, Junk.broken, Junk.thousands, Junk.nowhere,
    )
}  # fmt: skip
