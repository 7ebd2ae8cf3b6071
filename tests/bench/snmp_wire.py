# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sender of notifications, for the tests and the benchmark of the detector ``snmp``: it shares no code with pysnmp.

Messages are written in the words of RFC 3412, 3414 (USM), 7860 (HMAC-SHA-2) and 3826 (AES); answers are read only as far
as a sender has to. It is fast enough not to be what a benchmark measures.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

INTEGER, OCTETS, NULL, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
IP_ADDRESS, COUNTER32, UNSIGNED32, TIME_TICKS, OPAQUE, COUNTER64 = 0x40, 0x41, 0x42, 0x43, 0x44, 0x46
RESPONSE, INFORM, TRAP, REPORT = 0xA2, 0xA6, 0xA7, 0xA8
AUTH, PRIV, REPORTABLE = 0x01, 0x02, 0x04

#: Hash and length of the digest.
AUTH_PROTOCOLS = {
    "sha224": ("sha224", 16),
    "sha256": ("sha256", 24),
    "sha384": ("sha384", 32),
    "sha512": ("sha512", 48),
    "sha": ("sha1", 12),
}
PRIV_PROTOCOLS = {"aes128": 16, "aes192": 24, "aes256": 32}


def element(tag: int, *contents: bytes) -> bytes:
    """Write an element around contents that are encoded already."""
    body = b"".join(contents)
    length = len(body)
    if length < 0x80:
        return bytes((tag, length)) + body
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + body


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Write a number."""
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


@functools.cache
def oid(dotted: str) -> bytes:
    """Give the contents of an OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return b"".join(_arc(arc) for arc in (first * 40 + second, *rest))


def _arc(arc: int) -> bytes:
    octets = [arc & 0x7F]
    while arc := arc >> 7:
        octets.append(arc & 0x7F | 0x80)
    return bytes(reversed(octets))


def varbinds(*pairs: tuple[bytes, bytes]) -> bytes:
    """Write a list of variables: pairs of the contents of a name and an encoded value."""
    return element(SEQUENCE, *(element(SEQUENCE, element(OID, name), value) for name, value in pairs))


def pdu(tag: int, request_id: int, variables: bytes) -> bytes:
    """Write a PDU without an error."""
    return element(tag, integer(request_id), integer(0), integer(0), variables)


def scoped(engine_id: bytes, context: bytes, inner: bytes) -> bytes:
    """Write a ScopedPDU."""
    return element(SEQUENCE, element(OCTETS, engine_id), element(OCTETS, context), inner)


def v2c(community: bytes, inner: bytes) -> bytes:
    """Write a message of SNMPv2c."""
    return element(SEQUENCE, integer(1), element(OCTETS, community), inner)


def v3(
    message_id: int,
    flags: int,
    authority: tuple[bytes, int, int],
    user: bytes,
    digest: bytes,
    salt: bytes,
    data: bytes,
    model: int = 3,
) -> tuple[bytes, int]:
    """Write a message of SNMPv3; give it and where the digest stands. ``authority`` is engine id, boots and time."""
    engine_id, boots, time = authority
    tail = element(OCTETS, salt)
    parameters = element(
        SEQUENCE,
        element(OCTETS, engine_id),
        integer(boots),
        integer(time),
        element(OCTETS, user),
        element(OCTETS, digest),
        tail,
    )
    head = element(SEQUENCE, integer(message_id), integer(65507), element(OCTETS, bytes((flags,))), integer(model))
    message = element(SEQUENCE, integer(3), head, element(OCTETS, parameters), data)
    return message, len(message) - len(data) - len(tail) - len(digest)


@dataclass(frozen=True)
class Keys:
    """A user's keys with one engine."""

    user: bytes
    hash: str
    digest_length: int
    auth: bytes
    priv: bytes

    def digest(self, message: bytes) -> bytes:
        """Give the digest of a message whose digest is zeros."""
        return hmac.digest(self.auth, message, self.hash)[: self.digest_length]

    def cipher(self, boots: int, time: int, salt: bytes) -> Cipher[CFB]:
        """Give the cipher of one message."""
        return Cipher(AES(self.priv), CFB(boots.to_bytes(4, "big") + time.to_bytes(4, "big") + salt))


@functools.cache
def _master(passphrase: str, name: str) -> bytes:
    octets = passphrase.encode()
    return hashlib.new(name, (octets * ((1 << 20) // len(octets) + 1))[: 1 << 20]).digest()


def keys(user: str, auth: str, priv: str, auth_passphrase: str, priv_passphrase: str, engine_id: bytes) -> Keys:
    """Make keys (RFC 3414 A.2; draft-blumenthal-aes-usm-04 3.1.2.1 where a hash is shorter than the cipher's key)."""
    name, digest_length = AUTH_PROTOCOLS[auth]
    local = []
    for passphrase in (auth_passphrase, priv_passphrase):
        master = _master(passphrase, name)
        local.append(hashlib.new(name, master + engine_id + master).digest())
    while len(local[1]) < PRIV_PROTOCOLS[priv]:
        local[1] += hashlib.new(name, local[1]).digest()
    return Keys(user.encode(), name, digest_length, local[0], local[1][: PRIV_PROTOCOLS[priv]])


def protected(
    by: Keys, message_id: int, flags: int, authority: tuple[bytes, int, int], inner: bytes, salt: bytes
) -> bytes:
    """Write an authenticated message, encrypted if ``flags`` say so."""
    if flags & PRIV:
        data = element(OCTETS, by.cipher(authority[1], authority[2], salt).encryptor().update(inner))
    else:
        salt, data = b"", inner
    message, at = v3(message_id, flags, authority, by.user, bytes(by.digest_length), salt, data)
    return message[:at] + by.digest(message) + message[at + by.digest_length :]


def split(data: bytes) -> list[tuple[int, bytes]]:
    """Give tag and contents of each element; ValueError for what is none."""
    found, at = [], 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            octets = length & 0x7F
            length = int.from_bytes(data[at : at + octets], "big")
            at += octets
        if at + length > len(data):
            raise ValueError(data)
        found.append((tag, data[at : at + length]))
        at += length
    return found


def number(contents: bytes) -> int:
    """Give a number."""
    return int.from_bytes(contents, "big", signed=True)


@dataclass(frozen=True)
class Answer:
    """A message as a sender reads it. ``variables`` are the contents of names, and tag and contents of values."""

    message_id: int
    flags: int
    authority: tuple[bytes, int, int]
    salt: bytes
    context: tuple[bytes, bytes]
    tag: int
    request_id: int
    raw: bytes
    variables: tuple[tuple[bytes, int, bytes], ...]


def read(message: bytes, by: Keys | None = None) -> Answer:
    """Read a message; with keys, what claims to be authentic must be (ValueError)."""
    ((_sequence, whole),) = split(message)
    parts = split(whole)
    if number(parts[0][1]) != 3:
        return _answer(0, 0, (b"", 0, 0), b"", (parts[1][1], b""), *parts[2])
    head, ((_s, parameters),), (data_tag, data) = split(parts[1][1]), split(parts[2][1]), parts[3]
    engine_id, boots, time, _user, digest, salt = (contents for _tag, contents in split(parameters))
    flags = head[2][1][0]
    if flags & AUTH and by is not None:
        at = message.index(digest)
        zeros = message[:at] + bytes(len(digest)) + message[at + len(digest) :]
        if not digest or by.digest(zeros) != digest:
            raise ValueError(digest)
    if data_tag == OCTETS:
        if by is None:
            raise ValueError(by)
        ((_s, data),) = split(by.cipher(number(boots), number(time), salt).decryptor().update(data))
    (_e, context_engine), (_n, context_name), inner = split(data)
    authority = (engine_id, number(boots), number(time))
    return _answer(number(head[0][1]), flags, authority, salt, (context_engine, context_name), *inner)


def _answer(message_id: int, flags: int, authority: Any, salt: bytes, context: Any, tag: int, inner: bytes) -> Answer:
    request_id, _status, _index, (_s, listed) = split(inner)
    variables = []
    for _s, pair in split(listed):
        (_o, name), (value_tag, value) = split(pair)
        variables.append((name, value_tag, value))
    raw = element(SEQUENCE, listed)
    return Answer(message_id, flags, authority, salt, context, tag, number(request_id[1]), raw, tuple(variables))


def discovery() -> bytes:
    """Ask for engine id, boots and time (RFC 3414 4)."""
    return v3(1, REPORTABLE, (b"", 0, 0), b"", b"", b"", scoped(b"", b"", pdu(INFORM, 1, varbinds())))[0]
