# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's virtual drive: what st and mt would send it, without a kernel between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.tests.lab.tape import COMMANDS, CheckConditionError, Tape

REWIND = bytes((0x01, 0, 0, 0, 0, 0))


@pytest.fixture
def tape() -> Tape:
    return Tape("LABDRV0001", "5000e11100000001", attention=None)


def write(tape: Tape, *blocks: bytes) -> None:
    for block in blocks:
        tape.run(bytes((0x0A, 0)) + len(block).to_bytes(3, "big") + b"\0", block)


def read(tape: Tape, length: int) -> bytes:
    return tape.run(bytes((0x08, 0)) + length.to_bytes(3, "big") + b"\0", b"")


def sense(tape: Tape, *cdb: int) -> tuple[int, int, int]:
    with pytest.raises(CheckConditionError) as caught:
        tape.run(bytes(cdb).ljust(16, b"\0"), b"")
    return caught.value.sense[2], caught.value.sense[12], caught.value.sense[13]


def test_blocks_and_filemarks_come_back_in_their_order(tape: Tape) -> None:
    write(tape, b"one", b"second")
    tape.run(bytes((0x10, 0, 0, 0, 1, 0)), b"")
    tape.run(REWIND, b"")
    assert read(tape, 3) == b"one"
    with pytest.raises(CheckConditionError) as short:
        read(tape, 100)
    assert (short.value.data, bytes(short.value.sense[3:7])) == (b"second", (94).to_bytes(4, "big"))
    assert sense(tape, 0x08, 0, 0, 0, 9) == (0x80, 0, 1), "a filemark"
    assert sense(tape, 0x08, 0, 0, 0, 9) == (0x08, 0, 5), "the end of the data"


def test_what_is_written_in_the_middle_ends_the_data_there(tape: Tape) -> None:
    write(tape, b"one", b"two", b"three")
    tape.run(REWIND, b"")
    write(tape, b"new")
    assert tape.items == [b"new"]


def test_fixed_blocks_are_read_in_one_go(tape: Tape) -> None:
    tape.run(bytes((0x15, 0x10, 0, 0, 12, 0)), bytes((0, 0, 0x10, 8)) + bytes(5) + (4).to_bytes(3, "big"))
    tape.run(bytes((0x0A, 1, 0, 0, 2, 0)), b"abcdefgh")
    tape.run(REWIND, b"")
    assert tape.run(bytes((0x08, 1, 0, 0, 2, 0)), b"") == b"abcdefgh"


def test_a_unit_attention_is_told_once_but_not_to_an_inquiry() -> None:
    tape = Tape("LABDRV0001", "5000e11100000001")
    assert tape.run(bytes((0x12, 1, 0x80, 0, 255, 0)), b"")[4:] == b"LABDRV0001"
    assert sense(tape, 0x00) == (6, 0x29, 0)
    assert tape.run(bytes(6), b"") == b""


def test_without_a_cartridge_the_drive_is_not_ready(tape: Tape) -> None:
    tape.run(bytes((0x1B, 0, 0, 0, 0, 0)), b"")
    assert sense(tape, 0x00) == (2, 0x3A, 0)


@pytest.mark.parametrize("opcode", [0x16, 0x17, 0x56, 0x57, 0x5E, 0x5F])
def test_reservations_are_the_targets_affair(tape: Tape, opcode: int) -> None:
    assert sense(tape, opcode) == (5, 0x20, 0)


@given(st.lists(st.tuples(st.sampled_from(sorted(COMMANDS)), st.binary(min_size=15, max_size=15), st.binary(max_size=40))))
def test_no_command_breaks_the_drive(commands: list[tuple[int, bytes, bytes]]) -> None:
    tape = Tape("LABDRV0001", "5000e11100000001")
    for opcode, rest, out in commands:
        try:
            assert isinstance(tape.run(bytes((opcode,)) + rest, out), bytes)
        except CheckConditionError as exc:
            assert len(exc.sense) == 18
        assert 0 <= tape.position <= len(tape.items) < 1 << 25
        if len(tape.items) > 1 << 16:
            break
