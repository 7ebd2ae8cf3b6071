# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _snmp_arguments, _snmp_pysnmp
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
    InvalidValueError,
    MissingLibraryError,
)

USER: dict[str, Any] = {"name": "library", "auth_passphrase": "authentication", "priv_passphrase": "privacy of it"}
GOOD: dict[str, Any] = {"users": [USER]}


def user(**changes: Any) -> dict[str, Any]:
    merged = {**USER, **changes}
    return {"users": [{key: value for key, value in merged.items() if value is not None}]}


def sentence(args: Any) -> str:
    with pytest.raises(InvalidValueError) as raised:
        _snmp_arguments.check(args)
    return str(raised.value)


def test_a_user_with_two_passphrases_is_enough() -> None:
    config = _snmp_arguments.check(GOOD)
    assert [str(address) for address in config.listen] == ["0.0.0.0:162", "[::]:162"]
    assert [address.needed for address in config.listen] == [True, False]
    assert (config.users[0].auth_protocol, config.users[0].priv_protocol) == ("sha256", "aes128")
    assert config.communities == ()
    assert len(config.maps) == 2


def test_secrets_are_not_shown() -> None:
    shown = repr(_snmp_arguments.check({**GOOD, "allow_v2c": True, "communities": ["my secret"]}))
    for secret in ("authentication", "privacy of it", "my secret"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("given", "host", "port"),
    [
        ("0.0.0.0:1162", "0.0.0.0", 1162),
        ("192.0.2.1", "192.0.2.1", 162),
        ("192.0.2.1:0", "192.0.2.1", 0),
        ("[::]:1162", "::", 1162),
        ("[2001:DB8::1]", "2001:db8::1", 162),
        ("2001:db8::1", "2001:db8::1", 162),
        ("::", "::", 162),
    ],
)
def test_an_address_may_have_a_port(given: str, host: str, port: int) -> None:
    address = _snmp_arguments.check({**GOOD, "listen": [given]}).listen[0]
    assert (address.host, address.port, address.option) == (host, port, "snmp.listen[0]")


@pytest.mark.parametrize(
    "given",
    [
        "", "localhost:162", "192.0.2.1:", "192.0.2.1:x", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.300", ":162", "[::1",
        "[::1]162", "[192.0.2.1]:162", "::1]:162", "192.0.2.1:99999999999", "192.0.2.1:\u0661", 162, None,
    ],
)  # fmt: skip
def test_a_bad_address_is_refused(given: Any) -> None:
    assert sentence({**GOOD, "listen": [given]}).startswith(
        "snmp.listen[0] must be an IP address with or without a port, such as 192.0.2.1:162 or [2001:db8::1]:162"
    )


LISTEN = "snmp.listen must be a list of addresses such as 0.0.0.0:162 or [::]:162"
PLACE = "snmp.users[0]"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (
            None,
            "snmp must be a mapping with the options listen, users, allow_v2c, communities, maps, not nothing",
        ),
        (
            {**GOOD, "user": []},
            "snmp has no option 'user'; there are listen, users, allow_v2c, communities, maps",
        ),
        (
            {},
            "snmp.users must name at least one user of SNMPv3; "
            "for senders that know SNMPv2c only there are snmp.communities and snmp.allow_v2c",
        ),
        ({"users": []}, "snmp.users must be a list of users, not '[]'"),
        ({"users": USER}, "snmp.users must be a list of users, not a mapping"),
        ({**GOOD, "listen": "0.0.0.0:162"}, f"{LISTEN}, not '0.0.0.0:162'"),
        ({**GOOD, "listen": []}, f"{LISTEN}, not '[]'"),
        ({**GOOD, "listen": ["[::]:1162", "[0::0]:1162"]}, "snmp.listen[1] is there twice"),
        ({"users": [USER, USER]}, "snmp.users[1].name 'library' is there twice"),
        (user(name=None), f"{PLACE}.name must be a text of 1 to 32 octets, not nothing"),
        (user(name="é" * 17), f"{PLACE}.name must be a text of 1 to 32 octets, not 'ééééééééééééééééé'"),
        (
            user(auth_protocol="sha"),
            f"{PLACE}.auth_protocol sha (SHA-1) is weak; choose sha256 on both sides, or set {PLACE}.allow_weak: true",
        ),
        (
            user(auth_protocol="md5", allow_weak=True),
            f"{PLACE}.auth_protocol must be one of sha224, sha256, sha384, sha512, sha, not 'md5'",
        ),
        (user(priv_protocol="des"), f"{PLACE}.priv_protocol must be one of aes128, aes192, aes256, not 'des'"),
        (user(allow_weak="yes"), f"{PLACE}.allow_weak must be true or false, not 'yes'"),
        (user(auth_passphrase=None), f"{PLACE}.auth_passphrase is missing; give it, or {PLACE}.auth_passphrase_file"),
        (user(priv_passphrase=None), f"{PLACE}.priv_passphrase is missing; give it, or {PLACE}.priv_passphrase_file"),
        (user(auth_passphrase="seven77"), f"{PLACE}.auth_passphrase must have at least 8 characters; it has 7"),
        (user(priv_passphrase=""), f"{PLACE}.priv_passphrase must have at least 8 characters; it has 0"),
        (user(priv_passphrase="x" * 1025), f"{PLACE}.priv_passphrase must have at most 1024 octets; it has 1025"),
        (
            user(auth_passphrase=1234567890),
            f"{PLACE}.auth_passphrase must be a text, in quotation marks; "
            "a template gives a number for digits, so put those into a file",
        ),
        (
            user(auth_passphrase_file="/etc/passphrase"),
            f"{PLACE}.auth_passphrase and {PLACE}.auth_passphrase_file exclude each other",
        ),
        (
            user(auth_passphrase=None, auth_passphrase_file="passphrase"),
            f"{PLACE}.auth_passphrase_file must be the absolute path of a file, not 'passphrase'",
        ),
        (
            user(auth_passphrase=None, auth_passphrase_file="/nowhere/passphrase"),
            f"{PLACE}.auth_passphrase_file '/nowhere/passphrase' cannot be read: No such file or directory",
        ),
        (
            user(auth_passphrase=None, auth_passphrase_file="/dev/null"),
            f"{PLACE}.auth_passphrase_file '/dev/null' is not a regular file",
        ),
        (
            {"users": [USER, {**USER, "name": "other", "passphrase": "x"}]},
            "snmp.users[1] has no option 'passphrase'; there are name, auth_protocol, auth_passphrase, "
            "auth_passphrase_file, priv_protocol, priv_passphrase, priv_passphrase_file, security_engine_id, allow_weak",
        ),
        ({**GOOD, "allow_v2c": "true"}, "snmp.allow_v2c must be true or false, not 'true'"),
        (
            {**GOOD, "communities": ["public"]},
            "snmp.communities needs snmp.allow_v2c: true: SNMPv2c sends the community in clear text, "
            "and whoever has read it can set drives offline everywhere",
        ),
        (
            {**GOOD, "allow_v2c": True},
            "snmp.communities is missing: snmp.allow_v2c: true takes SNMPv2c with these communities only",
        ),
        ({"allow_v2c": True, "communities": []}, "snmp.communities must be a list of texts, not '[]'"),
        ({"allow_v2c": True, "communities": "public"}, "snmp.communities must be a list of texts, not 'public'"),
        (
            {"allow_v2c": True, "communities": ["a", 5]},
            "snmp.communities[1] must be a text of 1 to 255 octets, in quotation marks",
        ),
        (
            {**GOOD, "maps": ["ours"]},
            "snmp.maps[0] must be one of tape_drive_sharing, example_ibm_ts4500, or a map in full, not 'ours'",
        ),
    ],
)
def test_a_fault_has_one_sentence_with_the_options_place(args: Any, expected: str) -> None:
    assert sentence(args) == expected


@pytest.mark.parametrize("given", ["8000", "0x" + "80" * 33, "xyz", "0" * 10, "ff" * 12, "", 0x8000000001020304, []])
def test_a_bad_engine_id_is_refused(given: Any) -> None:
    assert sentence(user(security_engine_id=given)).startswith(
        f"{PLACE}.security_engine_id must be an engine id of 10 to 64 hexadecimal digits, in quotation marks, "
        "or a list of them, not "
    )


@pytest.mark.parametrize("given", ["8000000001020304", "0x8000000001020304", "80:00:00:00:01:02:03:04"])
def test_an_engine_id_is_read_in_every_usual_form(given: str) -> None:
    expected = bytes.fromhex("8000000001020304")
    assert _snmp_arguments.check(user(security_engine_id=given)).users[0].security_engine_ids == (expected,)
    assert _snmp_arguments.check(user(security_engine_id=[given])).users[0].security_engine_ids == (expected,)


def test_sha_1_is_taken_if_it_is_allowed() -> None:
    assert _snmp_arguments.check(user(auth_protocol="sha", allow_weak=True)).users[0].auth_protocol == "sha"


def test_snmpv2c_alone_needs_no_user_and_no_cryptography(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_snmp_pysnmp, "PysnmpCryptoError", True)
    assert _snmp_arguments.check({"allow_v2c": True, "communities": ["public"]}).communities == (b"public",)
    with pytest.raises(MissingLibraryError):
        _snmp_arguments.check(GOOD)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("pysnmp_version", "", "pysnmp, 7.1.28 or later, which is not there; "),
        (
            "pysnmp_version",
            "7.1.27",
            "pysnmp, 7.1.28 or later; 7.1.27 takes SNMPv3 messages that nobody has signed; ",
        ),
        ("PysnmpCryptoError", True, "cryptography, 47 or later, for SNMPv3; "),
    ],
)
def test_a_package_that_is_missing_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: Any, text: str
) -> None:
    monkeypatch.setattr(_snmp_pysnmp, name, value)
    with pytest.raises(MissingLibraryError) as raised:
        _snmp_arguments.check(GOOD)
    assert str(raised.value) == (
        f"The detector snmp needs the Python package {text}nothing was started. "
        "Install it into the environment of ansible-rulebook."
    )


@pytest.mark.parametrize("version", ["7.1.28", "7.1.30", "7.2.0", "7.2.0-beta1", "8.0"])
def test_later_versions_of_pysnmp_are_taken(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(_snmp_pysnmp, "pysnmp_version", version)
    assert _snmp_arguments.check(GOOD)


def from_file(path: Path) -> dict[str, Any]:
    return user(auth_passphrase=None, auth_passphrase_file=str(path))


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_passphrase_can_stand_in_a_file(tmp_path: Path, ending: str) -> None:
    file = tmp_path / "passphrase"
    file.write_text(" from a file " + ending, newline="")
    file.chmod(0o600)
    assert _snmp_arguments.check(from_file(file)).users[0].auth_passphrase == b" from a file "


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610])
def test_a_file_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "passphrase"
    file.write_text("from a file\n")
    file.chmod(mode)
    expected = f"may be read or written by others (mode {mode:04o}); chmod 0600 it"
    assert sentence(from_file(file)).endswith(expected)


@pytest.mark.parametrize("content", [b"", b"first line\nsecond line\n", b"\xff\xfe no text", b"\n"])
def test_a_file_without_exactly_one_line_of_text_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(content)
    file.chmod(0o600)
    found = sentence(from_file(file))
    assert found.endswith("must hold the passphrase as one line of UTF-8 text") or "at least 8 characters" in found
    assert "line\n" not in found


def test_a_fifo_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    assert sentence(from_file(tmp_path / "fifo")).endswith("is not a regular file")


def test_no_sentence_shows_a_passphrase() -> None:
    for args in (user(auth_passphrase="short1"), user(auth_passphrase=7654321), user(auth_passphrase=["seven77"])):
        text = sentence(args)
        for secret in ("short1", "7654321", "seven77"):
            assert secret not in text
