# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers to PERSISTENT RESERVE IN: captures with sg_persist as the oracle, every truncation of them, and random bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers, _spc
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.simulated_drive import (
    descriptor,
    fc,
    listed,
    transport_id,
)

CAPTURES = Path(__file__).resolve().parents[3] / "unit" / "fixtures" / "scsi"
STATES = ("none", "registered", "exclusive-access", "preempted", "type1", "type5", "type6", "type7")
TRANSPORTS = ("fc", "iscsi")
ALLOCATED = 8192
CASES = [(transport, state) for transport in TRANSPORTS for state in STATES]
SAS = {"protocol": "sas", "id": "500605b00006f260"}
ISCSI = {"protocol": "iscsi", "id": "iqn.2026-11.lab:host-a"}


def capture(transport: str, name: str) -> bytes:
    return bytes.fromhex((CAPTURES / transport / f"{name}-{transport}.hex").read_text())


def oracle(transport: str, state: str) -> str:
    return (CAPTURES / transport / f"sg_persist-{state}-{transport}.txt").read_text()


def told(text: str) -> list[tuple[int, bool, str]]:
    """Key, holder and port of each registrant, as sg_persist prints them."""
    found = []
    for part in text.split("$ sg_persist -n -i -s")[1].split("    Key=")[1:]:
        name = re.search(r"World Wide Name:\n\s*((?:[0-9a-f]{2} ?){8})|port id: (\S+),i,0x", part)
        assert name
        found.append((int(part.split()[0], 16), "<< Reservation holder >>" in part, (name[1] or name[2]).replace(" ", "").strip()))
    return found


def truth(transport: str, state: str) -> list[dict[str, Any]]:
    """The ports of the holders, by the oracle."""
    return [
        {"protocol": transport, "id": port} for _key, holder, port in told(oracle(transport, state)) if holder
    ]


def holders(status: _spc.FullStatus) -> list[dict[str, Any] | None]:
    return [one.port for one in status.registrants if one.holder]


@pytest.mark.parametrize(("transport", "state"), CASES)
def test_a_captured_full_status_says_what_sg_persist_makes_of_it(transport: str, state: str) -> None:
    status = _spc.full_status(capture(transport, f"prin-{state}-read_full_status"), ALLOCATED)
    text = oracle(transport, state)
    assert status.fault == ""
    assert [(one.key, one.holder, one.port) for one in status.registrants] == [
        (key, holder, {"protocol": transport, "id": port}) for key, holder, port in told(text)
    ]
    assert all(one.target_port == 1 for one in status.registrants)
    generation = re.search(r"generation=0x([0-9a-f]+)", text)
    assert generation
    assert status.generation == int(generation[1], 16)
    kind = re.search(r"-s .*?type: ([^\n]*)", text, re.DOTALL)
    assert (_spc.type_name(status.type) if status.type else None) == (kind[1].lower() if kind else None)


@pytest.mark.parametrize(("transport", "state"), CASES)
def test_captured_keys_and_reservations_say_what_sg_persist_makes_of_them(transport: str, state: str) -> None:
    text = oracle(transport, state)
    keys = _spc.read_keys(capture(transport, f"prin-{state}-read_keys"), ALLOCATED)
    listed_keys = text.split("-r /dev")[0]
    assert [f"{key:#x}" for key in keys.keys] == re.findall(r"^\s+(0x\S+)$", listed_keys, re.MULTILINE)
    found = _spc.reservation(capture(transport, f"prin-{state}-read_reservation"), ALLOCATED)
    part = text.split("-r /dev")[1].split("-s /dev")[0]
    key, kind = re.search(r"Key=(\S+)", part), re.search(r"type: ([^\n]*)", part)
    assert (found.fault, keys.fault) == ("", "")
    assert (_spc.type_name(found.type) if found.type else None) == (kind[1].lower() if kind else None)
    assert found.key == (int(key[1], 16) if key else 0)


def test_zeros_behind_the_data_are_not_data() -> None:
    for transport, state in CASES:
        data = capture(transport, f"prin-{state}-read_full_status")
        assert _spc.full_status(data.ljust(ALLOCATED, b"\0"), ALLOCATED) == _spc.full_status(data, ALLOCATED)
    padded = capture("fc", "prin-exclusive-access-read_full_status-256-allocated")
    assert len(padded) == 256
    assert padded.startswith(capture("fc", "prin-exclusive-access-read_full_status"))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_target_that_counts_only_what_fits_is_asked_with_more_room(transport: str) -> None:
    data = capture(transport, "prin-exclusive-access-read_full_status-8-allocated")
    assert data[4:8] == bytes(4)
    assert _spc.full_status(data, 8).fault == "READ FULL STATUS may have been cut at the 8 bytes that were asked for"
    assert _spc.full_status(data, 8).short
    # The same bytes as an answer to 8 KiB are a drive that nobody has registered at.
    assert _spc.full_status(data, ALLOCATED).fault == ""
    almost = listed(1, *[descriptor(fc(number)) for number in range(168)])
    assert len(almost) <= ALLOCATED
    assert _spc.full_status(almost, ALLOCATED).short
    assert len(_spc.full_status(almost, 0xFFFC).registrants) == 168


@pytest.mark.parametrize(("transport", "state"), CASES)
def test_no_truncation_of_a_capture_names_a_wrong_holder(transport: str, state: str) -> None:
    data = capture(transport, f"prin-{state}-read_full_status")
    for length in range(len(data)):
        status = _spc.full_status(data[:length], ALLOCATED)
        assert status.fault, length
        assert not status.registrants, length
        # With the rest as zeros, a port that was cut in the middle is one of those that cannot be told, or the fault.
        for part in (data[:length].ljust(len(data), b"\0"), data[:length].ljust(ALLOCATED, b"\0")):
            zeros = _spc.full_status(part, ALLOCATED)
            cut_in_a_name = any(
                start < length < start + 8 for start in range(8 + 24 + 8, len(data), 48)
            ) if transport == "fc" else False
            if not cut_in_a_name:
                assert set(map(str, holders(zeros))) <= {*map(str, truth(transport, state)), "None"}, length


@pytest.mark.parametrize(("transport", "state"), CASES)
@pytest.mark.parametrize("what", ["keys", "reservation"])
def test_every_truncation_of_keys_and_reservations_is_a_fault(transport: str, state: str, what: str) -> None:
    data = capture(transport, f"prin-{state}-read_{what}")
    decode = {"keys": _spc.read_keys, "reservation": _spc.reservation}[what]
    assert all(decode(data[:length], ALLOCATED).fault for length in range(len(data)))


def test_a_length_that_lies_is_a_fault() -> None:
    data = bytearray(capture("fc", "prin-type7-read_full_status"))
    for length in (1, 23, 24, 47, 49, 95, 97, 0xFFFF, 0xFFFFFFFF):
        data[4:8] = length.to_bytes(4, "big")
        assert _spc.full_status(bytes(data).ljust(ALLOCATED, b"\0"), ALLOCATED).fault, length


PORTS = st.one_of(
    st.integers(1, 2**64 - 2).map(lambda number: {"protocol": "fc", "id": f"{number:016x}"}),
    st.integers(1, 2**64 - 2).map(lambda number: {"protocol": "sas", "id": f"{number:016x}"}),
    st.from_regex(r"\Aiqn\.20[0-9]{2}-1[0-2]\.[a-z0-9][a-z0-9._-]{0,60}(:[a-z0-9._:-]{1,100})?\Z").map(
        lambda name: {"protocol": "iscsi", "id": name}
    ),
    st.none(),
)


@given(
    st.lists(st.tuples(PORTS, st.integers(1, 2**64 - 1), st.booleans(), st.none() | st.integers(1, 65535)), max_size=20),
    st.sampled_from(sorted(_spc.TYPES)),
    st.integers(0, 2**32 - 1),
)
def test_what_is_written_is_read(registered: list[Any], kind: int, generation: int) -> None:
    data = listed(generation, *(descriptor(port, key, kind if holds else None, at) for port, key, holds, at in registered))
    status = _spc.full_status(data, 0xFFFC)
    assert status.fault == ""
    held = any(holds for _port, _key, holds, _at in registered)
    assert (status.generation, status.type) == (generation, kind if held else None)
    everybody = held and kind in (7, 8)
    assert [(one.port, one.key, one.holder, one.target_port) for one in status.registrants] == [
        (port, key, holds or everybody, at) for port, key, holds, at in registered
    ]


def _by_the_book(data: bytes) -> set[str]:
    """Every port that stands where a holder's port may stand, wherever a descriptor may begin."""
    found = set()
    for place in range(8, len(data) - 47):
        body = data[place + 24 :]
        if body[0] & 15 == 0:
            found.add(f"fc {body[8:16].hex()}")
        elif body[0] & 15 == 6:
            found.add(f"sas {body[4:12].hex()}")
        elif body[0] & 15 == 5:
            name = body[4:].split(b"\0")[0].decode("latin-1").lower().split(",i,0x")[0].strip(" \t")
            found.add(f"iscsi {name}")
    return found


@given(st.binary(max_size=400), st.sampled_from([8192, 0xFFFC, 400, 8, 0]))
@example(b"\0" * 8, 8192)
@example(b"\xff" * 400, 8192)
@example(b"\0\0\0\0\0\0\0\x18" + b"\1" * 24, 8192)
def test_random_bytes_raise_nothing_and_name_nobody_who_is_not_in_them(data: bytes, allocated: int) -> None:
    for decode in (_spc.full_status, _spc.reservation, _spc.read_keys):
        status: Any = decode(data, allocated)
        assert status.fault or len(data) >= 8
    status = _spc.full_status(data, allocated)
    ports = {f"{port['protocol']} {port['id']}" for port in holders(status) if port}
    assert ports <= _by_the_book(data)
    for port in holders(status):
        assert port is None or _identifiers.port(port) == port


@given(
    st.lists(st.tuples(PORTS, st.integers(1, 2**64 - 1), st.booleans()), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=3),
)
def test_a_flipped_byte_raises_nothing(registered: list[Any], flips: list[tuple[int, int]]) -> None:
    data = bytearray(listed(1, *(descriptor(port, key, 3 if holds else None) for port, key, holds in registered)))
    for place, value in flips:
        data[place % len(data)] = value
    status = _spc.full_status(bytes(data), ALLOCATED)
    ports = {f"{port['protocol']} {port['id']}" for port in holders(status) if port}
    assert ports <= _by_the_book(bytes(data) + bytes(48))


@pytest.mark.parametrize(
    ("data", "port"),
    [
        (transport_id(fc(1)), fc(1)),
        (transport_id(SAS), SAS),
        (transport_id(ISCSI), ISCSI),
        (transport_id(ISCSI, None), ISCSI),
        (transport_id({"protocol": "iscsi", "id": "iqn.2026-11.LAB:Host-A"}), ISCSI),
        (b"\x05\0\0\x18iqn.2026-11.lab:host-abc", {"protocol": "iscsi", "id": "iqn.2026-11.lab:host-abc"}),
    ],
)
def test_a_transport_id_becomes_a_port(data: bytes, port: dict[str, str]) -> None:
    assert _spc.transport_id(data) == (port, f"{port['protocol']} {port['id']}", "")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (transport_id(None), "parallel SCSI: 01 00 00 07 00 00 00 01"),
        (b"\x04" + bytes(range(23)), "RDMA: 04 00 01"),
        (b"\x0a" + bytes(23), "SOP: 0a 00"),
        (b"\x0e" + bytes(23), "protocol 14: 0e"),
        (b"\x40" + bytes(23), "Fibre Channel, format 1: 40"),
        (b"\x85\0\0\x14" + bytes(20), "iSCSI, format 2: 85"),
        (bytes(24), "fc '0000000000000000'"),
        (b"\0" * 8 + b"\xff" * 8 + b"\0" * 8, "fc 'ffffffffffffffff'"),
        (b"\x05\0\0\x14" + b"{{ 7*7 }}".ljust(20, b"\0"), "iscsi '{{ 7*7 }}'"),
        (b"\x05\0\0\x14" + b"\xe2\x84\xaa".ljust(20, b"\0"), "iSCSI: e2 84 aa"),
    ],
)
def test_what_is_no_port_is_said_and_is_nobody(data: bytes, name: str) -> None:
    port, text, fault = _spc.transport_id(data)
    assert (port, fault) == (None, "")
    assert text.startswith(name)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "a TransportID has at least 4 bytes, not 0"),
        (bytes(23), "a TransportID of Fibre Channel has 24 bytes, not 23"),
        (b"\x06" + bytes(19), "a TransportID of SAS has 24 bytes, not 20"),
        (b"\x05\0\0\x20" + bytes(20), "a TransportID of iSCSI says 32 bytes of name, and has 20"),
        (b"\x05\0\0\x14" + b"iqn.2026-11.a:b\0x".ljust(20, b"\0"), "the name in a TransportID of iSCSI goes on behind its end"),
        (b"\x05\0\0\x0fiqn.2026-11.a:b", "the name in a TransportID of iSCSI has no end"),
        (b"\x45\0\0\x14" + b"iqn.2026-11.lab:hos".ljust(20, b"\0"), "the name of an iSCSI port in a TransportID has no ISID"),
    ],
)
def test_a_transport_id_that_cannot_be_one_is_a_fault(data: bytes, fault: str) -> None:
    assert _spc.transport_id(data) == (None, "", fault)
    whole = listed(1, (1).to_bytes(8, "big") + bytes(4) + b"\1\3" + bytes(6) + len(data).to_bytes(4, "big") + data)
    assert _spc.full_status(whole, ALLOCATED).fault == f"READ FULL STATUS, descriptor 1: {fault}"


@pytest.mark.parametrize(
    ("descriptors", "fault"),
    [
        ([descriptor(fc(1), 0, 3)], "READ FULL STATUS has a descriptor with the key 0, number 1"),
        ([descriptor(fc(1)), descriptor(fc(2), 0)], "READ FULL STATUS has a descriptor with the key 0, number 2"),
        ([descriptor(fc(1), 1, 3), descriptor(fc(2), 2, 1)],
         "READ FULL STATUS shows two reservations at once, write exclusive and exclusive access"),
        ([descriptor(fc(1), 1, 0x13)], "READ FULL STATUS shows a reservation of scope 1, not of the whole logical unit"),
    ],
)
def test_what_contradicts_itself_is_a_fault(descriptors: list[bytes], fault: str) -> None:
    assert _spc.full_status(listed(1, *descriptors), ALLOCATED).fault == fault


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (bytes(15), "READ RESERVATION has 15 bytes, not 16"),
        (bytes(16), "READ RESERVATION shows a reservation without a type"),
        (bytes(13) + b"\x23\0\0", "READ RESERVATION shows a reservation of scope 2, not of the whole logical unit"),
    ],
)
def test_a_reservation_of_another_form_is_a_fault(body: bytes, fault: str) -> None:
    assert _spc.reservation(listed(1, body), ALLOCATED).fault == fault


def test_keys_come_in_eights() -> None:
    assert _spc.read_keys(listed(1, bytes(9)), ALLOCATED).fault == "READ KEYS has 9 bytes, which is no number of keys"
    assert _spc.read_keys(b"", ALLOCATED).fault == "READ KEYS has 0 bytes, and needs 8"


def test_the_command_is_that_of_sg_persist() -> None:
    assert _spc.command(_spc.READ_FULL_STATUS, 8192).hex(" ") == "5e 03 00 00 00 00 00 20 00 00"
    assert _spc.command(_spc.READ_KEYS, 1 << 20).hex(" ") == "5e 00 00 00 00 00 00 ff ff 00"
