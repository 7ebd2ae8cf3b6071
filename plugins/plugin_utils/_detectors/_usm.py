# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and protection of SNMPv3 messages: RFC 3414 (USM), RFC 7860 (HMAC-SHA-2), RFC 3826 (AES). Private: may change.

The ciphers are those of the packages ``hashlib``, ``hmac`` and ``cryptography``; only the order of the steps is ours.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _ber, _snmp_message
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import MissingLibraryError

try:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES

    try:
        from cryptography.hazmat.decrepit.ciphers.modes import CFB
    except ImportError:  # cryptography before 47
        from cryptography.hazmat.primitives.ciphers.modes import CFB
except ImportError:
    HAS_CRYPTOGRAPHY = False
    AES = CFB = Cipher = None  # type: ignore[assignment,misc]
else:
    HAS_CRYPTOGRAPHY = True

#: Hash and length of the digest in a message, by our name of the protocol (RFC 7860 4.2.1, RFC 3414 6.3).
AUTH_PROTOCOLS = {
    "sha224": ("sha224", 16),
    "sha256": ("sha256", 24),
    "sha384": ("sha384", 32),
    "sha512": ("sha512", 48),
    "sha": ("sha1", 12),
}

#: Length of the key in octets (RFC 3826; draft-blumenthal-aes-usm-04 for the longer keys, as in net-snmp).
PRIV_PROTOCOLS = {"aes128": 16, "aes192": 24, "aes256": 32}

SALT_LENGTH = 8

_PASSPHRASE_OCTETS = 1 << 20


def require_cryptography() -> None:
    """Refuse to start without the package that has AES."""
    if not HAS_CRYPTOGRAPHY:
        msg = (
            "The SNMP detector needs the Python package cryptography for SNMPv3; nothing was started. "
            "Install it into the environment of ansible-rulebook."
        )
        raise MissingLibraryError(msg)


@dataclass(frozen=True, slots=True)
class Keys:
    """What protects the messages of one user with one authoritative engine."""

    user: str
    hash: str
    digest_length: int
    auth_key: bytes = field(repr=False)
    priv_key: bytes = field(repr=False)


def master_key(passphrase: bytes, hash_name: str) -> bytes:
    """Give the key of a passphrase (RFC 3414 A.2: the hash of its repetition to 1 MiB); takes some milliseconds."""
    repeated = passphrase * (_PASSPHRASE_OCTETS // len(passphrase) + 1)
    return hashlib.new(hash_name, repeated[:_PASSPHRASE_OCTETS]).digest()


def localized_key(master: bytes, engine_id: bytes, hash_name: str) -> bytes:
    """Give the key that is used with one engine only (RFC 3414 2.6)."""
    return hashlib.new(hash_name, master + engine_id + master).digest()


def extended_key(key: bytes, length: int, hash_name: str) -> bytes:
    """Give a key of this length (draft-blumenthal-aes-usm-04 3.1.2.1; only short hashes with long keys need it)."""
    while len(key) < length:
        key += hashlib.new(hash_name, key).digest()
    return key[:length]


class User:
    """A user with the keys of his passphrases, from which those for an engine are made."""

    def __init__(self, name: str, auth: str, priv: str, auth_passphrase: bytes, priv_passphrase: bytes) -> None:
        """``auth`` and ``priv`` are names in AUTH_PROTOCOLS and PRIV_PROTOCOLS."""
        self.name = name
        self._hash, self._digest_length = AUTH_PROTOCOLS[auth]
        self._key_length = PRIV_PROTOCOLS[priv]
        self._auth_master = master_key(auth_passphrase, self._hash)
        self._priv_master = master_key(priv_passphrase, self._hash)

    def keys(self, engine_id: bytes) -> Keys:
        """Make the keys for messages whose authoritative engine is this one."""
        priv_key = localized_key(self._priv_master, engine_id, self._hash)
        return Keys(
            user=self.name,
            hash=self._hash,
            digest_length=self._digest_length,
            auth_key=localized_key(self._auth_master, engine_id, self._hash),
            priv_key=extended_key(priv_key, self._key_length, self._hash),
        )


def authentic(keys: Keys, message: bytes, header: _snmp_message.Header) -> bool:
    """Say whether the message's digest is that of the user's key (RFC 3414 6.3.2, RFC 7860 4.2.2)."""
    length = keys.digest_length
    if len(header.digest) != length:
        return False
    at = header.digest_at
    without = message[:at] + bytes(length) + message[at + length :]
    return hmac.compare_digest(_digest(keys, without), header.digest)


def decrypted(keys: Keys, header: _snmp_message.Header) -> bytes:
    """Decrypt a message's ScopedPDU (RFC 3826 3.1.4); with a wrong key it gives something else, never an error."""
    return _cipher(keys, header.boots, header.time, header.salt).decryptor().update(header.data)


def protected(
    keys: Keys,
    message_id: int,
    flags: int,
    authority: tuple[bytes, int, int],
    scoped_pdu: bytes,
    salt: bytes,
) -> bytes:
    """Write an authenticated message; encrypted as well if ``flags`` say so.

    ``authority`` is engine id, boots and time. ``salt`` are eight octets that were never used with these boots and time.
    """
    if flags & _snmp_message.PRIV:
        encrypted = _cipher(keys, authority[1], authority[2], salt).encryptor().update(scoped_pdu)
        data = _ber.element(_ber.OCTETS, encrypted)
    else:
        salt, data = b"", scoped_pdu
    message, at = _snmp_message.write_v3(
        message_id, flags, authority, keys.user.encode(), bytes(keys.digest_length), salt, data
    )
    return message[:at] + _digest(keys, message) + message[at + keys.digest_length :]


def _digest(keys: Keys, message: bytes) -> bytes:
    return hmac.digest(keys.auth_key, message, keys.hash)[: keys.digest_length]


def _cipher(keys: Keys, boots: int, time: int, salt: bytes) -> Cipher[CFB]:
    # RFC 3826 3.1.2.1: the vector is the engine's boots and time, and the salt.
    vector = boots.to_bytes(4, "big") + time.to_bytes(4, "big") + salt
    return Cipher(AES(keys.priv_key), CFB(vector))
