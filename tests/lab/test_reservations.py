# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a real target answers when drives are reserved, and what our reading of it makes of that: LIO knows the truth."""

from __future__ import annotations

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _sg, _spc_state
from ansible_collections.tapeworks.drive_sharing.tests.lab import san

HOST_A, HOST_B = san.HOSTS
DRIVE_1, DRIVE_2 = san.DRIVES
KEY_A, KEY_B = 0xA1A1A1A100000001, 0xB2B2B2B200000002
WRITE_EXCLUSIVE_ALL_REGISTRANTS = 7

pytestmark = pytest.mark.usefixtures("free")


def generic(drive: san.Drive, port: san.Adapter | san.Initiator) -> str:
    return san.path(drive, port).generic


def detected(path: str) -> tuple[str, set[str | None]]:
    """Give state and holders as the collection reads them off the drive."""
    device = _sg.Device(path)
    try:
        reading = _spc_state.converse(device.send)
    finally:
        device.close()
    return reading.state, {holder["id"] for holder in reading.holders}


@pytest.mark.parametrize("drive", san.DRIVES, ids=lambda drive: drive.name)
def test_a_drive_that_nobody_has_reserved_is_free_through_every_path(drive: san.Drive) -> None:
    assert drive.holder() is None
    assert [detected(path.generic) for path in san.paths() if path.drive == drive] == [("free", set())] * len(san.PORTS)


def test_who_holds_an_spc_2_reservation_is_known_to_the_target_only() -> None:
    own, other = generic(DRIVE_1, HOST_A.adapter), generic(DRIVE_1, HOST_B.initiator)
    assert san.reserve(own) == 0
    assert DRIVE_1.holder() == ("SPC-2", HOST_A.adapter.id)
    assert DRIVE_2.holder() is None
    assert (san.ready(own), san.ready(other)) == (0, san.CONFLICT)
    assert san.full_status(other)[0] == san.CONFLICT
    assert san.full_status(own)[0] == san.CONFLICT, "LIO refuses even its holder"
    assert detected(own) == detected(other) == ("spc2", {None})
    assert san.release(other) == 0
    assert DRIVE_1.holder() == ("SPC-2", HOST_A.adapter.id), "a release by somebody else is good, and does nothing"
    assert san.reset(other) == 0
    assert DRIVE_1.holder() is None


def test_a_second_path_of_one_host_is_another_initiator() -> None:
    assert san.reserve(generic(DRIVE_1, HOST_A.adapter)) == 0
    assert san.ready(generic(DRIVE_1, HOST_A.initiator)) == san.CONFLICT


def test_full_status_names_registrants_of_both_protocols_and_the_holder() -> None:
    a, b = generic(DRIVE_1, HOST_A.adapter), generic(DRIVE_1, HOST_B.initiator)
    assert [san.register(a, KEY_A), san.register(b, KEY_B), san.persistent_reserve(a, KEY_A)] == [0, 0, 0]
    assert DRIVE_1.holder() == ("SPC-3", HOST_A.adapter.id)
    status, text = san.full_status(generic(DRIVE_1, HOST_B.adapter))
    assert status == 0
    holder, other = text.split("Key=")[1:]
    assert "<< Reservation holder >>" in holder
    assert "20 00 00 10 9b 00 0a 01" in holder
    assert "not reservation holder" in other
    assert HOST_B.initiator.id in other
    assert detected(b) == ("persistent", {HOST_A.adapter.id})
    assert san.preempt(b, KEY_B, KEY_A) == 0
    assert DRIVE_1.holder() == ("SPC-3", HOST_B.initiator.id)
    assert detected(a) == ("persistent", {HOST_B.initiator.id}), "after the unit attention: registrations preempted"
    assert san.clear(b, KEY_B) == 0
    assert DRIVE_1.holder() is None


def test_under_an_all_registrants_type_every_registrant_holds() -> None:
    a, b = generic(DRIVE_2, HOST_A.adapter), generic(DRIVE_2, HOST_B.adapter)
    assert [san.register(a, KEY_A), san.register(b, KEY_B)] == [0, 0]
    assert san.persistent_reserve(a, KEY_A, WRITE_EXCLUSIVE_ALL_REGISTRANTS) == 0
    assert san.full_status(b)[1].count("<< Reservation holder >>") == 2
    assert detected(b) == ("persistent", {HOST_A.adapter.id, HOST_B.adapter.id})


def test_reservations_outlive_the_link_of_their_holder() -> None:
    one, two = generic(DRIVE_1, HOST_A.adapter), generic(DRIVE_2, HOST_A.adapter)
    assert [san.reserve(one), san.register(two, KEY_A), san.persistent_reserve(two, KEY_A)] == [0, 0, 0]
    HOST_A.adapter.down()
    try:
        assert DRIVE_1.holder() == ("SPC-2", HOST_A.adapter.id)
        assert DRIVE_2.holder() == ("SPC-3", HOST_A.adapter.id)
        assert san.ready(generic(DRIVE_1, HOST_B.adapter)) == san.CONFLICT
        assert detected(generic(DRIVE_2, HOST_B.initiator)) == ("persistent", {HOST_A.adapter.id})
    finally:
        HOST_A.adapter.up()
