# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _snmp_message, _usm
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import MissingLibraryError

RFC_ENGINE = bytes.fromhex("000000000000000000000002")


def test_the_key_of_a_passphrase_is_that_of_rfc_3414_a_3() -> None:
    master = _usm.master_key(b"maplesyrup", "sha1")
    assert master.hex() == "9fb5cc0381497b3793528939ff788d5d79145211"
    assert _usm.localized_key(master, RFC_ENGINE, "sha1").hex() == "6695febc9288e36282235fc7151f128497b38f3f"


def test_the_key_of_md5_in_rfc_3414_a_3_shows_that_the_hash_is_a_parameter() -> None:
    master = _usm.master_key(b"maplesyrup", "md5")
    assert _usm.localized_key(master, RFC_ENGINE, "md5").hex() == "526f5eed9fcce26f8964c2930787d82b"


@pytest.mark.parametrize("length", [16, 20, 24, 32, 60])
def test_a_short_hash_is_extended_by_the_hash_of_the_key(length: int) -> None:
    key = bytes(range(20))
    twice = key + hashlib.sha1(key).digest()
    assert _usm.extended_key(key, length, "sha1") == (twice + hashlib.sha1(twice).digest())[:length]


@pytest.mark.parametrize("priv", _usm.PRIV_PROTOCOLS)
@pytest.mark.parametrize("auth", _usm.AUTH_PROTOCOLS)
def test_pysnmp_has_the_same_keys(auth: str, priv: str) -> None:
    config = pytest.importorskip("pysnmp.entity.config")
    octets = pytest.importorskip("pysnmp.proto.rfc1902").OctetString
    auth_service = config.AUTH_SERVICES[
        {
            "sha": config.USM_AUTH_HMAC96_SHA,
            "sha224": config.USM_AUTH_HMAC128_SHA224,
            "sha256": config.USM_AUTH_HMAC192_SHA256,
            "sha384": config.USM_AUTH_HMAC256_SHA384,
            "sha512": config.USM_AUTH_HMAC384_SHA512,
        }[auth]
    ]
    priv_service = config.PRIV_SERVICES[
        {
            "aes128": config.USM_PRIV_CFB128_AES,
            "aes192": config.USM_PRIV_CFB192_AES_BLUMENTHAL,
            "aes256": config.USM_PRIV_CFB256_AES_BLUMENTHAL,
        }[priv]
    ]
    auth_id = next(key for key, value in config.AUTH_SERVICES.items() if value is auth_service)
    keys = _usm.User("u", auth, priv, b"the first passphrase", b"the second passphrase").keys(RFC_ENGINE)
    master = auth_service.hash_passphrase(octets("the first passphrase"))
    assert keys.auth_key == auth_service.localize_key(master, octets(RFC_ENGINE)).asOctets()
    master = priv_service.hash_passphrase(auth_id, octets("the second passphrase"))
    assert keys.priv_key == priv_service.localize_key(auth_id, master, octets(RFC_ENGINE)).asOctets()
    assert keys.digest_length == auth_service.digest_length


def header_of(message: bytes) -> _snmp_message.Header:
    header, _model = _snmp_message.read_v3(message, _snmp_message.version(message)[1])
    if header is None:
        raise AssertionError
    return header


@pytest.mark.parametrize("priv", _usm.PRIV_PROTOCOLS)
@pytest.mark.parametrize("auth", _usm.AUTH_PROTOCOLS)
def test_a_protected_message_is_authentic_and_readable_for_its_user_only(auth: str, priv: str) -> None:
    keys = _usm.User("u", auth, priv, b"the first passphrase", b"the second passphrase").keys(RFC_ENGINE)
    others = _usm.User("u", auth, priv, b"the other passphrase", b"another passphrase").keys(RFC_ENGINE)
    message = _usm.protected(keys, 5, 3, (RFC_ENGINE, 3, 70), b"0\x05hello", bytes(8))
    header = header_of(message)
    assert _usm.authentic(keys, message, header)
    assert not _usm.authentic(others, message, header)
    assert _usm.decrypted(keys, header) == b"0\x05hello"
    assert _usm.decrypted(others, header) != b"0\x05hello"


def test_no_octet_of_a_message_can_be_changed() -> None:
    keys = _usm.User("u", "sha256", "aes128", b"the first passphrase", b"the second passphrase").keys(RFC_ENGINE)
    message = _usm.protected(keys, 5, 3, (RFC_ENGINE, 3, 70), b"0\x05hello", bytes(8))
    believed = []
    for place in range(len(message)):
        changed = message[:place] + bytes([message[place] ^ 1]) + message[place + 1 :]
        try:
            header = header_of(changed)
        except (_snmp_message.MalformedError, AssertionError):
            continue
        if _usm.authentic(keys, changed, header):
            believed.append(place)
    assert believed == []


@pytest.mark.parametrize("length", [0, 23, 25])
def test_a_digest_of_another_length_is_not_believed(length: int) -> None:
    keys = _usm.User("u", "sha256", "aes128", b"the first passphrase", b"the second passphrase").keys(RFC_ENGINE)
    message, _at = _snmp_message.write_v3(1, 1, (RFC_ENGINE, 1, 1), b"u", bytes(length), b"", b"0\x00")
    assert not _usm.authentic(keys, message, header_of(message))


def test_keys_are_not_shown() -> None:
    keys = _usm.User("u", "sha256", "aes128", b"the first passphrase", b"the second passphrase").keys(RFC_ENGINE)
    assert keys.auth_key.hex() not in repr(keys)
    assert "key" not in repr(keys)


def test_without_cryptography_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_usm, "HAS_CRYPTOGRAPHY", False)
    with pytest.raises(MissingLibraryError) as raised:
        _usm.require_cryptography()
    assert str(raised.value) == (
        "The SNMP detector needs the Python package cryptography for SNMPv3; nothing was started. "
        "Install it into the environment of ansible-rulebook."
    )
