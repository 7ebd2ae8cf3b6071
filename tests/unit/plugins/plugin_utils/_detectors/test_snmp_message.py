# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _ber, _snmp_message
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._ber import MalformedError

NAME = _ber.oid("1.3.6.1.2.1.1.3.0")


def pdu(octets: bytes) -> _snmp_message.Pdu:
    found, end = _snmp_message.read_pdu(octets, 0, len(octets))
    assert end == len(octets)
    return found


def test_a_pdu_is_read_as_it_was_written(agent: Any) -> None:
    variables = agent.reserved()
    found = pdu(_snmp_message.write_pdu(_snmp_message.INFORM, -5, variables))
    assert (found.tag, found.request_id, found.raw) == (_snmp_message.INFORM, -5, variables)
    assert found.varbinds[0] == (NAME, _ber.TIME_TICKS, b"\0\0\0\1")
    assert _ber.oid_text(found.notification()) == "1.3.6.1.4.1.8072.9999.9999.4711.0.1"


@pytest.mark.parametrize("value", [_ber.element(_ber.OCTETS, b"text"), _ber.element(_ber.NULL)])
def test_a_notification_without_its_object_identifier_is_malformed(value: bytes) -> None:
    variables = _snmp_message.write_varbinds((_snmp_message._TRAP_OID, value))
    with pytest.raises(MalformedError, match="snmpTrapOID.0 is missing"):
        pdu(_snmp_message.write_pdu(_snmp_message.TRAP, 1, variables)).notification()


def test_there_is_a_limit_to_the_variables_of_a_pdu() -> None:
    def many(number: int) -> bytes:
        variables = _snmp_message.write_varbinds(*[(NAME, _ber.integer(1))] * number)
        return _snmp_message.write_pdu(_snmp_message.INFORM, 1, variables)

    assert len(pdu(many(1024)).varbinds) == 1024
    with pytest.raises(MalformedError, match="more than 1024 variables"):
        pdu(many(1025))


def test_snmpv2c_is_read_as_it_was_written(agent: Any) -> None:
    octets = _snmp_message.write_pdu(_snmp_message.TRAP, 1, agent.reserved())
    message = _snmp_message.write_v2c(b"a community", octets)
    version, at = _snmp_message.version(message)
    assert version == _snmp_message.V2C
    assert _snmp_message.read_v2c(message, at) == (b"a community", pdu(octets))


@pytest.mark.parametrize("digest", [b"", b"x" * 24, b"y" * 48])
def test_snmpv3_is_read_as_it_was_written_and_its_digest_is_found(digest: bytes) -> None:
    message, at = _snmp_message.write_v3(5, 7, (b"engine", 3, 70), b"user", digest, b"12345678", b"\x04\x04data")
    assert message[at : at + len(digest)] == digest
    header, model = _snmp_message.read_v3(message, _snmp_message.version(message)[1])
    assert model == _snmp_message.USM
    assert header == _snmp_message.Header(
        message_id=5,
        max_size=65507,
        flags=7,
        engine_id=b"engine",
        boots=3,
        time=70,
        user=b"user",
        digest=digest,
        digest_at=at,
        salt=b"12345678",
        data_tag=_ber.OCTETS,
        data=b"data",
    )


def test_clear_text_in_place_of_encrypted_data_is_malformed() -> None:
    message, _at = _snmp_message.write_v3(5, 7, (b"engine", 3, 70), b"user", b"", b"", b"\x30\x00")
    with pytest.raises(MalformedError, match="msgData is of the wrong type 0x30"):
        _snmp_message.read_v3(message, _snmp_message.version(message)[1])


def test_padding_behind_a_decrypted_pdu_is_left_alone(agent: Any) -> None:
    octets = _snmp_message.write_pdu(_snmp_message.INFORM, 1, agent.reserved())
    scoped = _snmp_message.write_scoped_pdu(b"engine", b"context", octets)
    assert _snmp_message.read_scoped_pdu(scoped + b"\0\0\0") == (b"engine", b"context", pdu(octets))
