# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _spc_sense
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_sense import Sense
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.simulated_drive import fixed_sense


@pytest.mark.parametrize(
    ("data", "sense", "text"),
    [
        (fixed_sense(6, 0x2A, 5), Sense(6, 0x2A, 5), "unit attention, registrations preempted (6/2A/05)"),
        (fixed_sense(6, 0x29, 2), Sense(6, 0x29, 2), "unit attention, power on, reset or bus device reset occurred (6/29/02)"),
        (bytes.fromhex("72 06 2a 03 00 00 00 00"), Sense(6, 0x2A, 3), "unit attention, reservations preempted (6/2A/03)"),
        (bytes.fromhex("72 05 20"), Sense(5, 0x20, 0), "illegal request, invalid command operation code (5/20/00)"),
        (bytes.fromhex("f0 00 02"), Sense(2, 0, 0), "not ready (2/00/00)"),
        (bytes.fromhex("71 00 03 00 00 00 00 0a 00 00 00 00 0c 00"), Sense(3, 0x0C, 0, deferred=True), "medium error (3/0C/00, deferred)"),
        (bytes.fromhex("73 04 44 00"), Sense(4, 0x44, 0, deferred=True), "hardware error (4/44/00, deferred)"),
        # The bytes beyond the additional length are not the target's.
        (bytes.fromhex("70 00 05 00 00 00 00 00 00 00 00 00 24 00"), Sense(5, 0, 0), "illegal request (5/00/00)"),
        (bytes.fromhex("70 00 f6 00 00 00 00 05 00 00 00 00 2a ff"), Sense(6, 0x2A, 0), "unit attention (6/2A/00)"),
    ],
)
def test_sense_data_of_both_formats(data: bytes, sense: Sense, text: str) -> None:
    found = _spc_sense.sense(data)
    assert found == sense
    assert found.text == text


@pytest.mark.parametrize("data", [b"", b"\x70", b"\x70\0", b"\x6f\0\6", b"\x74\0\6", bytes(18), b"\x7f\0\6"])
def test_what_is_no_sense_data_is_none(data: bytes) -> None:
    assert _spc_sense.sense(data) is None


@given(st.binary(max_size=40))
def test_random_bytes_raise_nothing(data: bytes) -> None:
    found = _spc_sense.sense(data)
    assert found is None or (0 <= found.key <= 15 and found.text)


@pytest.mark.parametrize("length", range(18))
def test_a_truncated_one_is_the_same_or_less(length: int) -> None:
    assert _spc_sense.sense(fixed_sense(6, 0x2A, 5)[:length]) in (
        None, Sense(6, 0, 0), Sense(6, 0x2A, 0), Sense(6, 0x2A, 5),
    )


def test_statuses_have_names() -> None:
    assert [_spc_sense.status_name(status) for status in (0, 0x18, 0x28, 0x77)] == [
        "GOOD", "RESERVATION CONFLICT", "TASK SET FULL", "status 77h",
    ]
