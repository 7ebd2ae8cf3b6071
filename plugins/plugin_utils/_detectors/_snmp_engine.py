# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may come in from SNMP, and what is said of what may not. Private: may change at any time.

pysnmp reads, decrypts and signs (``_snmp_pysnmp.py``); here is what it leaves to its user, or leaves out. Measured with
7.1.30, it gives SNMPv3 messages without authentication to the application where they name no user or another engine, and
any repetition of an authentic trap. So only authPriv gets through, whatever the message's flags ask for; SNMPv2c only
with a community that is configured. What is remembered is bounded by the engines configured, and by the messages that were
authentic within the time window.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _snmp_look, _snmp_pysnmp
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_arguments import UserConfig
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_look import V2C, V3, Look
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_map import Varbind
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_pysnmp import Parameters

#: RFC 3414 2.2.3: seconds by which a message's time may differ from the authority's.
TIME_WINDOW = 150
MAX_BOOTS = 2**31 - 1

# RFC 7860 4.1, RFC 3414 6: hash and octets of the digest.
_DIGESTS = {
    "sha224": ("sha224", 16),
    "sha256": ("sha256", 24),
    "sha384": ("sha384", 32),
    "sha512": ("sha512", 48),
    "sha": ("sha1", 12),
}

#: Digests of authentic messages that are kept, for as long as the messages are within the time window.
_MAX_DIGESTS = 100_000

_LEVEL = "user {user} sent it without authentication or encryption; only authPriv is taken"

# By pysnmp's name: kind and text.
_REASONS = {
    "AuthenticationFailure": (
        "digest",
        "its digest is wrong: auth_protocol or auth_passphrase of user {user} differ there",
    ),
    "DataMismatch": ("pdu", "it is neither an inform nor a trap"),
    "DecryptionError": (
        "decryption",
        "it cannot be decrypted: priv_protocol or priv_passphrase of user {user} differ there",
    ),
    "EngineIDMismatch": ("engine", "it is an inform for another engine"),
    "NotInTimeWindow": (
        "time_window",
        f"its time differs from ours by more than {TIME_WINDOW} s: delayed, or repeated by somebody",
    ),
    "UnknownCommunityName": ("community", "its community is not one of snmp.communities"),
    "UnknownEngineID": (
        "engine",
        "no user in snmp.users has the security_engine_id {engine}, and a trap of SNMPv3 needs that of its sender",
    ),
    "UnknownSecurityName": ("user", "there is no user {user} in snmp.users"),
    "UnsupportedPDUtype": ("pdu", "it is neither an inform nor a trap"),
    "UnsupportedSecurityLevel": ("security_level", _LEVEL),
    "UnsupportedSecurityModel": ("security_model", "it is of a security model that is not USM"),
}

_VERSIONS = {0: "SNMPv1", V2C: "SNMPv2c"}


@dataclass(frozen=True, slots=True)
class Incoming:
    """A notification that may be believed: its sender has shown the key, or the community."""

    varbinds: tuple[Varbind, ...]
    #: What is the same when a sender repeats it.
    request: str
    #: Who was authenticated: the user's name; empty for SNMPv2c.
    user: str
    #: Engine id of the sender, where he is the authority (traps of SNMPv3).
    sender_engine: bytes
    #: The answer to an inform; None for a trap.
    response: bytes | None


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
        users: Iterable[UserConfig],
        communities: Iterable[bytes] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make keys and load pysnmp's MIBs; takes some tenths of a second."""
        self.engine_id = engine_id
        self.boots = boots
        self._clock = clock
        self._started = clock()
        self._core = _snmp_pysnmp.Core(engine_id, boots, clock)
        self._engines = {engine_id}
        # By engine and user: hash, length of the digest, key.
        self._keys: dict[tuple[bytes, bytes], tuple[str, int, bytes]] = {}
        for user in users:
            self._engines.update(user.security_engine_ids)
            master = self._core.add_user(
                user.name,
                user.auth_protocol,
                user.priv_protocol,
                user.auth_passphrase,
                user.priv_passphrase,
                user.security_engine_ids,
            )
            hash_name, length = _DIGESTS[user.auth_protocol]
            for authority in (engine_id, *user.security_engine_ids):
                key = hashlib.new(hash_name, master + authority + master).digest()
                self._keys[authority, user.name.encode()] = (hash_name, length, key)
        self._communities = frozenset(communities)
        for number, community in enumerate(self._communities):
            self._core.add_community(number, community)
        # Of each sender that is an authority itself: boots, latest time, and our clock then (RFC 3414 2.3).
        self._senders: dict[bytes, tuple[int, int, float]] = {}
        self._digests: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def look(self, message: bytes) -> Look:
        """Look at a datagram from outside: raises RefusedError for most of what is no message for us, in no time."""
        try:
            seen = _snmp_look.look(message)
        except _snmp_look.MalformedError as exc:
            raise _malformed(exc) from None
        if seen.version == V3:
            if seen.model != _snmp_look.USM:
                raise RefusedError(*_REASONS["UnsupportedSecurityModel"])
            return seen
        if seen.version != V2C or not self._communities:
            text = f"it is of {_VERSIONS.get(seen.version, f'version {seen.version}')}, which "
            text += "snmp.allow_v2c does not allow" if seen.version == V2C else "is not taken"
            raise RefusedError("version", text)
        if seen.community not in self._communities:
            raise RefusedError(*_REASONS["UnknownCommunityName"])
        return seen

    def goes_first(self, message: bytes, seen: Look) -> bool:
        """Say whether a message is authentic, timely and new as far as a first look can tell.

        It decides nothing but the order: when more comes in than can be read, the messages of those who have no key wait.
        """
        if seen.version == V2C:
            return True
        key = self._keys.get((seen.engine_id, seen.user)) if seen.protected else None
        if key is None:
            return False
        if seen.engine_id == self.engine_id and (
            seen.boots != self.boots or abs(seen.time - (self._clock() - self._started)) > TIME_WINDOW
        ):
            return False
        name, length, secret = key
        start, stop = seen.digest
        whole = message[:start] + bytes(stop - start) + message[stop:]
        digest = hmac.digest(secret, whole, name)[:length]
        return hmac.compare_digest(digest, message[start:stop]) and _fingerprint(message) not in self._digests

    def take(self, message: bytes, address: str, seen: Look | None = None) -> Incoming:
        """Read one datagram that came from ``address``; raises RefusedError. ``seen``: what ``look`` gave."""
        version = (seen or self.look(message)).version
        try:
            taken = self._core.take(version, message)
        except _snmp_look.MalformedError as exc:
            raise _malformed(exc) from None
        except _snmp_pysnmp.DroppedError as exc:
            raise self._explain(exc) from None
        if version == V2C:
            _check_kind(taken)
            digest = hashlib.blake2b(message, digest_size=8).hexdigest()
            return Incoming(taken.varbinds, f"m{digest}", "", b"", taken.response)
        said = taken.parameters
        if taken.level != _snmp_look.AUTH_PRIV or not said.user:
            msg = _LEVEL.format(user=_shown(said.user))
            raise RefusedError("security_level", msg)
        ours = said.engine_id == self.engine_id
        if not ours:
            self._check_time(said)
        self._check_first(message, address)
        _check_kind(taken)
        return Incoming(
            taken.varbinds, f"r{taken.request_id}", said.user.decode(), b"" if ours else said.engine_id, taken.response
        )

    def _check_time(self, said: Parameters) -> None:
        """RFC 3414 3.2 step 7b for a sender that is the authority; the message is authentic.

        pysnmp checks it against the time that it has just taken over from the same message.
        """
        now = self._clock()
        boots, latest, at = self._senders.get(said.engine_id, (0, 0, now))
        late = said.boots == boots and said.time < latest + now - at - TIME_WINDOW
        if late or said.boots < boots or said.boots >= MAX_BOOTS:
            msg = (
                f"it is older than what engine {said.engine_id.hex()} sent before (boots {said.boots}, time "
                f"{said.time}): repeated by somebody, or the sender does not keep its boots"
            )
            raise RefusedError("time_window", msg)
        if (said.boots, said.time) > (boots, latest):
            self._senders[said.engine_id] = (said.boots, said.time, now)

    def _check_first(self, message: bytes, address: str) -> None:
        """Refuse the same octets from another address: within the time window anybody can send them again.

        From the same address they are a retransmission, which is recognised by what it says.
        """
        now = self._clock()
        while self._digests:
            digest, (_address, at) = next(iter(self._digests.items()))
            if len(self._digests) < _MAX_DIGESTS and now - at <= 2 * TIME_WINDOW:
                break
            del self._digests[digest]
        digest = _fingerprint(message)
        first, _at = self._digests.setdefault(digest, (address, now))
        if first != address:
            msg = f"{first} has sent the same message before"
            raise RefusedError("replayed", msg)

    def _explain(self, dropped: _snmp_pysnmp.DroppedError) -> RefusedError:
        """Say in words why pysnmp dropped a message."""
        said, reply = dropped.parameters, dropped.report
        if said.engine_id in self._engines and said.engine_id != self.engine_id:
            # It was no question to us.
            reply = None
        kind, text = _REASONS.get(dropped.reason, ("malformed", "it is malformed"))
        routine = False
        if dropped.reason == "UnknownEngineID":
            if not said.engine_id:
                kind, text, routine = "discovery", "it asks for the engine id", True
            elif reply is not None:
                text = f"it is meant for engine {{engine}}, this one is {self.engine_id.hex()}"
        elif dropped.reason == "UnknownSecurityName" and said.engine_id != self.engine_id:
            text += " with security_engine_id {engine}"
        elif dropped.reason == "NotInTimeWindow":
            # With other boots it is how a sender learns ours: at its first message and after each of our starts.
            routine = said.boots != self.boots
        text = text.format(user=_shown(said.user), engine=said.engine_id.hex())
        return RefusedError(kind, text, reply, routine=routine)


def new_engine_id() -> bytes:
    """Make an engine id (RFC 3411 5, SnmpEngineID): net-snmp's enterprise number, format 5 (octets), twelve random."""
    return (0x80000000 | 8072).to_bytes(4, "big") + b"\x05" + os.urandom(12)


def _malformed(exc: _snmp_look.MalformedError) -> RefusedError:
    return RefusedError("malformed", f"it is malformed ({exc})")


def _fingerprint(message: bytes) -> bytes:
    return hashlib.blake2b(message, digest_size=16).digest()


def _check_kind(taken: _snmp_pysnmp.Taken) -> None:
    if not taken.kind:
        msg = "it is neither an inform nor a trap"
        raise RefusedError("pdu", msg)


def _shown(octets: bytes) -> str:
    return ascii(octets.decode("utf-8", "backslashreplace"))
