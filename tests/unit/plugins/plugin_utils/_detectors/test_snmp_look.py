# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _snmp_look
from ansible_collections.tapeworks.drive_sharing.tests.bench import snmp_wire as wire

ENGINE = bytes.fromhex("80001f8805000102030405060708090a0b")


@pytest.fixture
def library(agent: Any) -> Any:
    return agent(ENGINE, boots=3)


def refused(message: bytes) -> str:
    with pytest.raises(_snmp_look.MalformedError) as raised:
        _snmp_look.look(message)
    return str(raised.value)


def v3(**changes: Any) -> bytes:
    """Write a message of SNMPv3 piece by piece; each piece is encoded already."""
    pieces: dict[str, bytes] = {
        "version": wire.integer(3), "number": wire.integer(1), "size": wire.integer(65507), "flags": wire.element(4, b"\x07"),
        "model": wire.integer(3), "engine": wire.element(4, ENGINE), "boots": wire.integer(3), "time": wire.integer(70),
        "user": wire.element(4, b"library"), "digest": wire.element(4, bytes(24)), "salt": wire.element(4, bytes(8)),
        "data": wire.element(4, bytes(99)), "more_head": b"", "more_said": b"", "more_parameters": b"", "more": b"",
        **changes,
    }  # fmt: skip
    head = b"".join(pieces[key] for key in ("number", "size", "flags", "model", "more_head"))
    said = b"".join(pieces[key] for key in ("engine", "boots", "time", "user", "digest", "salt", "more_said"))
    parameters = wire.element(wire.SEQUENCE, said) + pieces["more_parameters"]
    return wire.element(
        wire.SEQUENCE, pieces["version"], wire.element(wire.SEQUENCE, head), wire.element(4, parameters), pieces["data"],
        pieces["more"],
    )  # fmt: skip


def test_what_a_message_says_in_the_open_is_read(library: Any) -> None:
    message = library.message(library.reserved(), time=70)
    seen = _snmp_look.look(message)
    assert (seen.version, seen.model, seen.flags, seen.protected) == (3, 3, 7, True)
    assert (seen.engine_id, seen.boots, seen.time, seen.user) == (ENGINE, 3, 70, b"library")
    start, stop = seen.digest
    assert library.keys.digest(message[:start] + bytes(24) + message[stop:]) == message[start:stop]


def test_the_question_for_the_engine_id_is_a_message() -> None:
    assert _snmp_look.look(wire.discovery()).engine_id == b""


@pytest.mark.parametrize("tag", [0xA0, 0xA1, 0xA2, 0xA3, 0xA5, wire.INFORM, wire.TRAP, wire.REPORT])
def test_every_pdu_is_a_message(library: Any, tag: int) -> None:
    inner = wire.pdu(tag, -(2**31), library.reserved())
    assert _snmp_look.look(wire.v2c(b"public", inner)).community == b"public"
    assert _snmp_look.look(library.plain(library.reserved(), user=b"", tag=tag)).version == 3


def test_lengths_may_be_longer_than_they_have_to_be() -> None:
    whole = wire.discovery()
    assert _snmp_look.look(b"\x30\x84" + (len(whole) - 2).to_bytes(4, "big") + whole[2:]).version == 3


@pytest.mark.parametrize("version", [0, 2, 4, -1, 2**31 - 1])
def test_of_other_versions_only_the_version_is_read(version: int) -> None:
    message = wire.element(wire.SEQUENCE, wire.integer(version), b"anything")
    assert _snmp_look.look(message) == _snmp_look.Look(version)


def test_of_another_security_model_the_parameters_are_not_read() -> None:
    seen = _snmp_look.look(v3(model=wire.integer(4), engine=b"\xff"))
    assert (seen.version, seen.model, seen.engine_id) == (3, 4, b"")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": wire.element(wire.INTEGER, bytes(4000))}, "a number of 4000 octets"),
        ({"version": wire.element(wire.INTEGER, b"")}, "a number of 0 octets"),
        ({"version": b"\x04\x01\x03"}, "tag 04 instead of 02"),
        ({"number": wire.element(wire.INTEGER, bytes(6))}, "a number of 6 octets"),
        ({"flags": wire.element(4, b"")}, "flags that are not one octet"),
        ({"flags": wire.element(4, b"\x07\x07")}, "flags that are not one octet"),
        ({"more_head": wire.integer(1)}, "a header of another form"),
        ({"engine": wire.element(4, bytes(4))}, "an engine id of 4 octets"),
        ({"engine": wire.element(4, bytes(33))}, "an engine id of 33 octets"),
        ({"engine": wire.element(4, bytes(30_000))}, "an engine id of 30000 octets"),
        ({"engine": wire.element(0x24, wire.element(4, ENGINE))}, "tag 24 instead of 04"),
        ({"boots": wire.integer(-1)}, "boots or time out of range"),
        ({"time": wire.integer(2**31)}, "boots or time out of range"),
        ({"user": wire.element(4, b"x" * 33)}, "a user's name of 33 octets"),
        ({"more_said": wire.integer(1)}, "security parameters of another form"),
        ({"more_parameters": b"\0"}, "security parameters of another form"),
        ({"more": b"\0"}, "octets behind its data"),
        ({"data": wire.element(0x24, wire.element(4, b"x"))}, "tag 24 instead of 04"),
        ({"data": b""}, "it ends too early"),
        ({"flags": wire.element(4, b"\x04")}, "tag 04 instead of 30"),
        ({"flags": wire.element(4, b"\x04"), "data": wire.scoped(b"", b"", b"")}, "no PDU"),
        ({"flags": wire.element(4, b"\x04"), "data": wire.scoped(b"", b"", b"\xa4\0")}, "no PDU"),
        ({"flags": wire.element(4, b"\x04"), "data": wire.scoped(b"", b"", b"\xa6\0")}, "it ends too early"),
        (
            {
                "flags": wire.element(4, b"\x04"),
                "data": wire.scoped(b"", b"", wire.pdu(wire.INFORM, 1, wire.varbinds()) + b"\0"),
            },
            "a PDU of another form",
        ),
    ],
)
def test_a_message_of_another_form_is_refused_with_what_is_wrong(changes: dict[str, bytes], said: str) -> None:
    assert _snmp_look.look(v3())
    assert refused(v3(**changes)) == said


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"", "it ends too early"),
        (b"0", "it ends too early"),
        (b"0\x80\x02\x01\x03\0\0", "an open or a senseless length"),
        (b"0\xff", "an open or a senseless length"),
        (b"0\x86" + bytes(6), "an open or a senseless length"),
        (b"0\x84\xff\xff\xff\xff\x02\x01\x03", "an element longer than what it is in"),
        (b"0\x84\x01", "an element longer than what it is in"),
        (b"0\x03\x02\x01\x03\x00", "octets behind its end"),
        (b"1\x03\x02\x01\x03", "tag 31 instead of 30"),
    ],
)
def test_octets_that_are_no_message_are_refused(octets: bytes, said: str) -> None:
    assert refused(octets) == said


def test_every_truncation_is_refused(library: Any) -> None:
    for message in (
        library.message(library.reserved()),
        wire.discovery(),
        wire.v2c(b"p", wire.pdu(0xA6, 1, library.reserved())),
    ):
        for length in range(len(message)):
            refused(message[:length])


PAIR = wire.element(wire.OID, b"\x2b") + wire.integer(1)


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (wire.element(wire.SEQUENCE, PAIR) * 601, "more than 600 variables"),
        (wire.element(wire.SEQUENCE, PAIR + b"\x05\0"), "a variable that is no pair"),
        (wire.element(wire.SEQUENCE, wire.element(wire.OID, b"\x2b")), "a variable without a simple value"),
        (wire.element(wire.SEQUENCE, wire.element(wire.OID, b"\x2b") + wire.element(0x24, b"\4\1x")), "a variable without a simple value"),
        (wire.element(wire.SEQUENCE, wire.element(wire.OID, b"\x2b") + b"\x1f\x81\x01\0"), "a variable without a simple value"),
        (wire.element(wire.SEQUENCE, wire.integer(1) + wire.integer(1)), "tag 02 instead of 06"),
        (b"\x05\0", "tag 05 instead of 30"),
        *((wire.element(wire.SEQUENCE, wire.element(wire.OID, b"\x2b") + wire.element(tag, bytes(length))), f"a number of {length} octets")
          for tag in (2, 0x41, 0x42, 0x43, 0x46) for length in (0, 10, 300)),
    ],
)  # fmt: skip
def test_variables_that_nobody_can_mean_are_refused(listed: bytes, said: str) -> None:
    variables = wire.element(wire.SEQUENCE, listed)
    assert refused(wire.v2c(b"public", wire.pdu(wire.INFORM, 1, variables))) == said
    with pytest.raises(_snmp_look.MalformedError, match=said):
        _snmp_look.variable_list(variables)


def test_as_many_holders_as_a_change_may_have_are_few_enough() -> None:
    _snmp_look.variable_list(wire.element(wire.SEQUENCE, wire.element(wire.SEQUENCE, PAIR) * (2 * 256 + 12)))


def test_no_datagram_takes_long_to_look_at(library: Any) -> None:
    pair = wire.element(wire.SEQUENCE, PAIR)
    longest = [
        b"\x30\x80" * 32_000,
        wire.v2c(b"public", wire.pdu(wire.INFORM, 1, wire.element(wire.SEQUENCE, pair * 6000))),
        v3(data=wire.element(0x24, b"\4\1x" * 20_000)),
        v3(
            flags=wire.element(4, b"\4"),
            data=wire.scoped(b"", b"", wire.pdu(wire.INFORM, 1, wire.element(48, pair * 6000))),
        ),
    ]
    began = time.process_time()
    for message in longest:
        try:
            _snmp_look.look(message)
        except _snmp_look.MalformedError:
            continue
    # pysnmp takes more than half a second for them.
    assert time.process_time() - began < 0.1
