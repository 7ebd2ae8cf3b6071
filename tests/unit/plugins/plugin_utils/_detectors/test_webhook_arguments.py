# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _webhook_arguments
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
    InvalidValueError,
    MissingLibraryError,
)

SENDER = "webhook.senders[0]"


@pytest.fixture
def good(tmp_path: Path, certificate: tuple[Path, Path]) -> dict[str, Any]:
    secret = tmp_path / "secret"
    secret.write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    secret.chmod(0o600)
    return {
        "certfile": str(certificate[0]), "keyfile": str(certificate[1]),
        "senders": [{"name": "library1", "secret_file": str(secret), "addresses": ["192.0.2.20", "2001:db8::/64"]}],
    }  # fmt: skip


def sentence(args: Any) -> str:
    with pytest.raises(InvalidValueError) as raised:
        _webhook_arguments.check(args)
    return str(raised.value)


def with_sender(good: dict[str, Any], **changes: Any) -> dict[str, Any]:
    merged = {**good["senders"][0], **changes}
    return {**good, "senders": [{key: value for key, value in merged.items() if value is not None}]}


def test_a_sender_and_a_certificate_are_enough(good: dict[str, Any]) -> None:
    config = _webhook_arguments.check(good)
    assert [str(one) for one in config.listen] == ["0.0.0.0:8443", "[::]:8443"]
    assert [str(one) for one in config.senders[0].networks] == ["192.0.2.20/32", "2001:db8::/64"]
    assert (config.tolerance, config.max_body, config.senders[0].name) == (300, 65536, "library1")


def test_secrets_are_not_shown(good: dict[str, Any]) -> None:
    shown = repr(_webhook_arguments.check(good))
    assert "MfKQ9r8" not in shown
    assert repr(_webhook_arguments.check(good).senders[0].keys[0])[2:10] not in shown


def test_without_a_certificate_only_this_machine_is_listened_at(good: dict[str, Any]) -> None:
    bare = {"senders": good["senders"]}
    assert _webhook_arguments.check({**bare, "listen": ["127.0.0.1:8080", "[::1]:8080"]}).certfile is None
    assert sentence({**bare, "listen": ["127.0.0.1", "192.0.2.1"]}) == (
        "webhook.certfile is missing: without TLS only addresses of this machine may be listened at, such as 127.0.0.1:8443,"
        " not 192.0.2.1:8443"
    )
    assert sentence({**bare, "keyfile": good["keyfile"]}) == "webhook.keyfile needs webhook.certfile"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"certificate": "x"}, "webhook has no option 'certificate'; there are listen, certfile, keyfile"),
        ({"certfile": "cert.pem"}, "webhook.certfile must be the absolute path of a file, not 'cert.pem'"),
        ({"certfile": "/nowhere/cert.pem"}, "webhook.certfile '/nowhere/cert.pem' and its key"),
        ({"client_ca": "/nowhere/ca.pem"}, "webhook.client_ca '/nowhere/ca.pem' cannot be used: No such file or directory"),
        ({"senders": None}, "webhook.senders is missing: it says who may tell of changes"),
        ({"senders": []}, "webhook.senders must be a list of senders, not"),
        ({"senders": ["library1"]}, f"{SENDER} must be a mapping with the options name, secret_file, addresses, map"),
        ({"tolerance": 0}, "webhook.tolerance must be a whole number from 1 to 3600, not 0"),
        ({"max_body": True}, "webhook.max_body must be a whole number from 256 to 1048576, not true"),
        ({"listen": ["localhost"]}, "webhook.listen[0] must be an IP address with or without a port, such as 192.0.2.1:8443"),
    ],
)
def test_a_wrong_option_is_named(good: dict[str, Any], changes: dict[str, Any], said: str) -> None:
    assert sentence({**good, **changes}).startswith(said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": None}, f"{SENDER}.name is missing: it is the last part of the sender's URL"),
        ({"name": "a/b"}, f"{SENDER}.name must be a name of 1 to 64 letters"),
        ({"secret_file": None}, f"{SENDER}.secret_file is missing: every sender signs what it sends"),
        ({"secret_file": "/nowhere"}, f"{SENDER}.secret_file '/nowhere' cannot be read: No such file or directory"),
        ({"addresses": None}, f"{SENDER}.addresses is missing: it says where the sender may be; everywhere is"),
        ({"addresses": ["library1"]}, f"{SENDER}.addresses[0] must be an IP address or network such as 192.0.2.20"),
        ({"addresses": ["192.0.2.1/24"]}, f"{SENDER}.addresses[0] must be an IP address or network such as 192.0.2.20"),
        ({"map": "theirs"}, f"{SENDER}.map must be one of drive_sharing, or a map in full, not 'theirs'"),
        ({"map": {"drive": {"by": "serial", "path": "d"}}}, f"{SENDER}.map.status is missing"),
        ({"map": {"use": "drive_sharing", "drive": {"path": "d"}}}, f"{SENDER}.map.drive.by must be one of serial, wwpn"),
        ({"map": {"use": "drive_sharing", "items": "a..b"}}, f"{SENDER}.map.items must be names with dots between them"),
        ({"map": {"use": "drive_sharing", "status": {"path": "s"}}}, f"{SENDER}.map.status.values is missing: it says which"),
        ({"map": {"use": "drive_sharing", "holders": {"id": {"path": "x"}}}}, f"{SENDER}.map.holders.protocol is missing"),
        ({"map": {"use": "drive_sharing", "library": {"value": "a b"}}}, f"{SENDER}.map.library.value must be"),
        ({"map": {"use": "drive_sharing", "time": {"oid": "1.3"}}}, f"{SENDER}.map.time must be a mapping with either value or"),
    ],
)
def test_a_wrong_option_of_a_sender_is_named(good: dict[str, Any], changes: dict[str, Any], said: str) -> None:
    assert sentence(with_sender(good, **changes)).startswith(said)


def test_a_secret_that_others_may_read_is_refused(good: dict[str, Any]) -> None:
    Path(good["senders"][0]["secret_file"]).chmod(0o640)
    assert "may be read or written by others (mode 0640); chmod 0600 it" in sentence(good)


def test_a_secret_may_be_changed_by_a_second_line(good: dict[str, Any]) -> None:
    path = Path(good["senders"][0]["secret_file"])
    path.write_text(f"{path.read_text()}another secret of 24 octets\n")
    assert len(_webhook_arguments.check(good).senders[0].keys) == 2
    path.write_text(path.read_text() * 2)
    assert sentence(good).endswith("must hold 1 to 2 lines of UTF-8 text")


def test_a_key_that_others_may_read_is_refused(good: dict[str, Any]) -> None:
    Path(good["keyfile"]).chmod(0o644)
    try:
        assert "has the key and may be read by others, or written by its group (mode 0644); chmod 0600 it" in sentence(good)
    finally:
        Path(good["keyfile"]).chmod(0o600)


def test_a_key_of_another_certificate_is_refused(good: dict[str, Any], tmp_path: Path) -> None:
    other = tmp_path / "key.pem"
    other.write_text("no key")
    other.chmod(0o600)
    assert "cannot be used: " in sentence({**good, "keyfile": str(other)})


def test_two_senders_of_one_name_are_refused(good: dict[str, Any]) -> None:
    assert sentence({**good, "senders": good["senders"] * 2}) == "webhook.senders[1].name 'library1' is there twice"


def test_aiohttp_that_is_missing_is_named(good: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingLibraryError, match="needs the Python package aiohttp, which is not there; nothing was started"):
        _webhook_arguments.check(good)
