# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The receiving side of an SNMP engine: what may come in, and what is answered. Private: may change at any time.

RFC 3412 section 7, RFC 3414 section 3.2. Only authPriv gets through, whatever the message's flags ask for, whether our
engine is the authority (informs) or the sender's (traps); SNMPv2c only with a community that is configured. Nobody
without a key can make this engine keep anything: what it remembers is bounded by the users and engines configured, and
by the messages that were authentic within the time window.

pysnmp is not used here, although it has all of this: measured with 7.1.30, it takes 3.1 ms of CPU time for an inform
(0.2 ms here), delivers unauthenticated SNMPv3 traps of the empty user to the application, takes any repetition of an
authentic trap, and keeps what strangers send.
"""

from __future__ import annotations

import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _ber, _snmp_message, _usm
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._ber import MalformedError

#: RFC 3414 2.2.3: seconds by which a message's time may differ from the authority's.
TIME_WINDOW = 150
MAX_BOOTS = 2**31 - 1

#: Digests of authentic messages that are kept, for as long as the messages are within the time window.
_MAX_DIGESTS = 100_000

# RFC 3414 section 5, usmStats.
_STATS = "1.3.6.1.6.3.15.1.1."
_UNSUPPORTED_LEVEL = _ber.oid(f"{_STATS}1.0")
_NOT_IN_TIME_WINDOW = _ber.oid(f"{_STATS}2.0")
_UNKNOWN_USER = _ber.oid(f"{_STATS}3.0")
_UNKNOWN_ENGINE = _ber.oid(f"{_STATS}4.0")
_WRONG_DIGEST = _ber.oid(f"{_STATS}5.0")
_DECRYPTION_ERROR = _ber.oid(f"{_STATS}6.0")

_AUTH_PRIV = _snmp_message.AUTH | _snmp_message.PRIV


@dataclass(frozen=True, slots=True)
class Incoming:
    """A notification that may be believed: its sender has shown the key, or the community."""

    pdu: _snmp_message.Pdu
    #: Who was authenticated: the user's name; empty for SNMPv2c.
    user: str
    #: Engine id of the sender, where he is the authority (traps of SNMPv3).
    sender_engine: bytes
    community: bytes
    message_id: int
    keys: _usm.Keys | None
    context: tuple[bytes, bytes]

    @property
    def confirmed(self) -> bool:
        """Whether the sender waits for an answer."""
        return self.pdu.tag == _snmp_message.INFORM


class RefusedError(Exception):
    """A message that is not taken.

    ``kind`` is for counting, the text for people. ``reply`` is the report that RFC 3412 wants sent, or None.
    ``routine`` marks what belongs to every start of a conversation.
    """

    def __init__(self, kind: str, text: str, reply: bytes | None = None, *, routine: bool = False) -> None:
        """Take what is known."""
        super().__init__(text)
        self.kind = kind
        self.reply = reply
        self.routine = routine


class Engine:
    """Takes datagrams, gives notifications and answers."""

    def __init__(
        self,
        engine_id: bytes,
        boots: int,
        users: Mapping[str, tuple[_usm.User, Iterable[bytes]]],
        communities: Iterable[bytes] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``users`` gives for each name the user and the engine ids of the senders that send traps as this user."""
        self.engine_id = engine_id
        self.boots = boots
        self._clock = clock
        self._started = clock()
        self._communities = tuple(communities)
        self._keys: dict[tuple[bytes, bytes], _usm.Keys] = {}
        for name, (user, senders) in users.items():
            for authority in (engine_id, *senders):
                self._keys[authority, name.encode()] = user.keys(authority)
        self._engines = {authority for authority, _name in self._keys}
        # Of each sender that is an authority itself: boots, latest time, and our clock then (RFC 3414 2.3).
        self._senders: dict[bytes, tuple[int, int, float]] = {}
        self._digests: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        # RFC 3826 3.1.1.1: starts anywhere, so that boots that were counted twice do no harm.
        self._salt = int.from_bytes(os.urandom(_usm.SALT_LENGTH), "big")
        self._stats: dict[bytes, int] = {}

    def engine_time(self) -> int:
        """Give the seconds since the last boot (snmpEngineTime)."""
        return int(self._clock() - self._started)

    def take(self, message: bytes, address: str) -> Incoming:
        """Read one datagram that came from ``address``; raises MalformedError or RefusedError."""
        version, at = _snmp_message.version(message)
        if version == _snmp_message.V3:
            return self._take_v3(message, at, address)
        if version != _snmp_message.V2C:
            name = "SNMPv1" if version == _snmp_message.V1 else f"version {version}"
            msg = f"it is of {name}, which is not taken"
            raise RefusedError("version", msg)
        if not self._communities:
            msg = "it is of SNMPv2c, which snmp.allow_v2c does not allow"
            raise RefusedError("version", msg)
        community, pdu = _snmp_message.read_v2c(message, at)
        # All are compared, so that the time taken tells nothing.
        if not sum(hmac.compare_digest(community, known) for known in self._communities):
            msg = "its community is not one of snmp.communities"
            raise RefusedError("community", msg)
        _check_type(pdu)
        return Incoming(pdu, "", b"", community, 0, None, (b"", b""))

    def answer(self, incoming: Incoming) -> bytes:
        """Write the response to an inform (RFC 3416 4.2.7): the same variables, no error."""
        pdu = _snmp_message.write_pdu(_snmp_message.RESPONSE, incoming.pdu.request_id, incoming.pdu.raw)
        if incoming.keys is None:
            return _snmp_message.write_v2c(incoming.community, pdu)
        scoped = _snmp_message.write_scoped_pdu(*incoming.context, pdu)
        return self._protect(incoming.keys, incoming.message_id, _AUTH_PRIV, scoped)

    def _take_v3(self, message: bytes, at: int, address: str) -> Incoming:
        header, model = _snmp_message.read_v3(message, at)
        if header is None:
            msg = f"it is of security model {model}; only USM (3) is taken"
            raise RefusedError("security_model", msg)
        keys = self._user(header)
        if not header.flags & _snmp_message.AUTH:
            msg = f"user {keys.user!r} sent it without authentication; only authPriv is taken"
            raise self._report(header, "security_level", msg, _UNSUPPORTED_LEVEL)
        if not _usm.authentic(keys, message, header):
            msg = f"its digest is wrong: auth_protocol or auth_passphrase of user {keys.user!r} differ there"
            raise self._report(header, "digest", msg, _WRONG_DIGEST)
        self._check_time(header, keys)
        if not header.flags & _snmp_message.PRIV:
            msg = f"user {keys.user!r} sent it without encryption; only authPriv is taken"
            raise self._report(header, "security_level", msg, _UNSUPPORTED_LEVEL)
        self._check_first(header, address)
        context_engine, context_name, pdu = self._open(header, keys)
        _check_type(pdu)
        ours = header.engine_id == self.engine_id
        if pdu.tag == _snmp_message.INFORM and not ours:
            msg = "it is an inform for another engine"
            raise RefusedError("engine", msg)
        sender = b"" if ours else header.engine_id
        return Incoming(pdu, keys.user, sender, b"", header.message_id, keys, (context_engine, context_name))

    def _user(self, header: _snmp_message.Header) -> _usm.Keys:
        """Find the keys (RFC 3414 3.2 steps 3 and 4), or tell the sender what he asks for: our engine id."""
        keys = self._keys.get((header.engine_id, header.user))
        if keys is not None:
            return keys
        if header.engine_id in self._engines:
            msg = f"there is no user {_shown(header.user)} in snmp.users"
            if header.engine_id != self.engine_id:
                msg += f" with security_engine_id {header.engine_id.hex()}"
            # RFC 3414 4 leaves the user out as well while the engine is not known for certain.
            raise self._report(header, "user", msg, _UNKNOWN_USER, routine=not header.user)
        if not header.engine_id:
            msg = "it asks for the engine id"
            raise self._report(header, "discovery", msg, _UNKNOWN_ENGINE, routine=True)
        if header.flags & _snmp_message.REPORTABLE:
            msg = f"it is meant for engine {header.engine_id.hex()}, this one is {self.engine_id.hex()}"
        else:
            msg = (
                f"no user in snmp.users has the security_engine_id {header.engine_id.hex()}, "
                "and a trap of SNMPv3 needs that of its sender"
            )
        raise self._report(header, "engine", msg, _UNKNOWN_ENGINE)

    def _check_time(self, header: _snmp_message.Header, keys: _usm.Keys) -> None:
        """RFC 3414 3.2 step 7; the message is authentic."""
        if header.engine_id == self.engine_id:
            late = abs(self.engine_time() - header.time) > TIME_WINDOW
            if late or header.boots != self.boots or self.boots >= MAX_BOOTS:
                msg = f"its time differs from ours by more than {TIME_WINDOW} s: delayed, or repeated by somebody"
                # With other boots it is how a sender learns ours: at its first message and after each of our starts.
                known = header.boots == self.boots
                raise self._report(header, "time_window", msg, _NOT_IN_TIME_WINDOW, keys, routine=not known)
            return
        now = self._clock()
        boots, latest, at = self._senders.get(header.engine_id, (0, 0, now))
        expected = latest + now - at
        late = header.boots == boots and header.time < expected - TIME_WINDOW
        if late or header.boots < boots or header.boots >= MAX_BOOTS:
            msg = (
                f"it is older than what engine {header.engine_id.hex()} sent before (boots {header.boots}, time "
                f"{header.time}): repeated by somebody, or the sender does not keep its boots"
            )
            raise RefusedError("time_window", msg)
        if (header.boots, header.time) > (boots, latest):
            self._senders[header.engine_id] = (header.boots, header.time, now)

    def _check_first(self, header: _snmp_message.Header, address: str) -> None:
        """Refuse the same octets from another address: within the time window anybody can send them again.

        From the same address they are a retransmission, which is recognised by what it says.
        """
        now = self._clock()
        while self._digests:
            digest, (_address, at) = next(iter(self._digests.items()))
            if len(self._digests) < _MAX_DIGESTS and now - at <= 2 * TIME_WINDOW:
                break
            del self._digests[digest]
        first, _at = self._digests.setdefault(header.digest, (address, now))
        if first != address:
            msg = f"{first} has sent the same message before"
            raise RefusedError("replayed", msg)

    def _open(self, header: _snmp_message.Header, keys: _usm.Keys) -> tuple[bytes, bytes, _snmp_message.Pdu]:
        if len(header.salt) == _usm.SALT_LENGTH:
            scoped = _usm.decrypted(keys, header)
            if _snmp_message.is_scoped_pdu(scoped):
                return _snmp_message.read_scoped_pdu(scoped)
        msg = f"it cannot be decrypted: priv_protocol or priv_passphrase of user {keys.user!r} differ there"
        raise self._report(header, "decryption", msg, _DECRYPTION_ERROR)

    def _report(
        self,
        header: _snmp_message.Header,
        kind: str,
        text: str,
        counter: bytes,
        keys: _usm.Keys | None = None,
        *,
        routine: bool = False,
    ) -> RefusedError:
        """Write the report of a refusal (RFC 3412 7.2.6, 7.1.3), authenticated if there are keys."""
        self._stats[counter] = self._stats.get(counter, 0) % (2**32 - 1) + 1
        ours = header.engine_id == self.engine_id or counter == _UNKNOWN_ENGINE
        if not header.flags & _snmp_message.REPORTABLE or not ours:
            return RefusedError(kind, text, routine=routine)
        request_id = 0
        if header.data_tag == _ber.SEQUENCE:
            try:
                request_id = _snmp_message.read_scope(header.data)[2].request_id
            except MalformedError:
                request_id = 0
        value = _ber.integer(self._stats[counter], _ber.COUNTER32)
        varbinds = _snmp_message.write_varbinds((counter, value))
        pdu = _snmp_message.write_pdu(_snmp_message.REPORT, request_id, varbinds)
        scoped = _snmp_message.write_scoped_pdu(self.engine_id, b"", pdu)
        if keys is not None:
            reply = self._protect(keys, header.message_id, _snmp_message.AUTH, scoped)
        else:
            reply, _at = _snmp_message.write_v3(header.message_id, 0, self._authority(), header.user, b"", b"", scoped)
        return RefusedError(kind, text, reply, routine=routine)

    def _protect(self, keys: _usm.Keys, message_id: int, flags: int, scoped: bytes) -> bytes:
        self._salt = (self._salt + 1) % 2**64
        salt = self._salt.to_bytes(_usm.SALT_LENGTH, "big")
        return _usm.protected(keys, message_id, flags, self._authority(), scoped, salt)

    def _authority(self) -> tuple[bytes, int, int]:
        return self.engine_id, self.boots, self.engine_time()


def new_engine_id() -> bytes:
    """Make an engine id (RFC 3411 5, SnmpEngineID): net-snmp's enterprise number, format 5 (octets), twelve random."""
    return (0x80000000 | 8072).to_bytes(4, "big") + b"\x05" + os.urandom(12)


def _check_type(pdu: _snmp_message.Pdu) -> None:
    if pdu.tag not in (_snmp_message.INFORM, _snmp_message.TRAP):
        msg = f"it is neither an inform nor a trap (PDU 0x{pdu.tag:02x})"
        raise RefusedError("pdu", msg)


def _shown(octets: bytes) -> str:
    return ascii(octets.decode("utf-8", "backslashreplace"))
