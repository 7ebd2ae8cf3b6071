# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _vpd as vpd
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.tests.unit.fixtures.linux.sysfs import designator, pg80, pg83

# From our own captures of the lab's virtual drive, over iSCSI.
LAB_80 = bytes.fromhex("01 80 00 0a 4c 41 42 44 52 56 30 30 30 31")
LAB_83 = bytes.fromhex(
    "01 83 00 32 02 01 00 22 49 42 4d 20 20 20 20 20 55 4c 54 33 35 38 30 2d 54 44 38 20 20 20 20 20"
    "4c 41 42 44 52 56 30 30 30 31 01 03 00 08 50 00 e1 11 00 00 00 01"
)
WWNN, WWPN = "500507630f04be07", "500507630f44be07"


def test_the_serial_is_read_to_its_length() -> None:
    assert vpd.serial(LAB_80) == "LABDRV0001"


def test_what_follows_the_length_does_not_belong_to_the_serial() -> None:
    # Over Fibre Channel the target fills the allocation with zeros and reports no residual.
    assert vpd.serial(LAB_80 + bytes(238)) == "LABDRV0001"
    assert vpd.serial(LAB_80 + b"XYZ") == "LABDRV0001"


@pytest.mark.parametrize("padded", ["  10WT012345", "10WT012345  ", "10WT012345\0\0", "\0\x2010WT012345"])
def test_the_serial_loses_its_padding(padded: str) -> None:
    assert vpd.serial(pg80(padded)) == "10WT012345"


def test_page_b1_holds_the_manufacturers_serial() -> None:
    assert vpd.serial(pg80("LABDRV0001", 0xB1), vpd.MANUFACTURER_SERIAL_NUMBER) == "LABDRV0001"


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (b"", "VPD page 80h must have at least 4 bytes, not 0"),
        (b"\1\x80\0", "VPD page 80h must have at least 4 bytes, not 3"),
        (b"\1\x80\0\x0aLABDRV", "VPD page 80h says 10 bytes of data, and has 6"),
        (b"\1\x80\xff\xffLABDRV", "VPD page 80h says 65535 bytes of data, and has 6"),
        (b"\1\x80\x06\x12A\0\x10\2", "VPD page 80h says 1554 bytes of data, and has 4"),
        (b"\1\x83\0\2AB", "VPD page 80h must say its own number, not 83h"),
        (b"\1\x80\0\0", "VPD page 80h is empty"),
        (pg80("    "), "VPD page 80h is empty"),
        (pg80(b"\0\0\0\0"), "VPD page 80h is empty"),
        (pg80(b"AB\xffCD"), "VPD page 80h must hold ASCII, not 41 42 ff 43 44"),
        (pg80("AB CD"), "serial number in VPD page 80h must be a serial number of 1 to 64 letters, digits"),
        (pg80("AB\nCD"), "serial number in VPD page 80h must be a serial number of 1 to 64 letters, digits"),
        (pg80("A" * 65), "serial number in VPD page 80h must be a serial number of 1 to 64 letters, digits"),
    ],
)
def test_a_page_without_a_serial_is_refused(page: bytes, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        vpd.serial(page)
    assert str(caught.value).startswith(message)


def test_the_names_of_unit_and_port_are_told_apart_by_association() -> None:
    assert vpd.names(pg83(WWNN, WWPN, "10WT012345")) == ([WWNN], [WWPN], [])


def test_the_lab_drive_has_a_unit_name_only() -> None:
    assert vpd.names(LAB_83) == (["5000e11100000001"], [], [])
    assert vpd.names(LAB_83 + bytes(200)) == (["5000e11100000001"], [], [])


def test_every_designator_is_given_with_its_fields() -> None:
    found, problems = vpd.designators(pg83(WWNN, WWPN, "10WT012345"))
    assert problems == []
    assert [(one.association, one.type, one.code_set, len(one.data)) for one in found] == [
        (0, 1, 2, 34),
        (0, 3, 1, 8),
        (1, 4, 1, 4),
        (1, 3, 1, 8),
    ]


def test_a_name_of_32_digits_is_given_whole() -> None:
    name = "60050763" + "0" * 23 + "1"
    assert vpd.names(pg83(name)) == ([name], [], [])


def test_the_name_of_the_target_device_is_neither_unit_nor_port() -> None:
    assert vpd.names(pg83(WWNN, tail=designator(bytes.fromhex(WWPN), association=2))) == ([WWNN], [], [])


def test_a_name_in_ascii_code_set_is_not_taken_for_a_binary_one() -> None:
    assert vpd.names(pg83(tail=designator(b"5005076300000000", code_set=2))) == ([], [], [])


def test_a_repeated_name_is_given_once() -> None:
    assert vpd.names(pg83(WWNN, tail=designator(bytes.fromhex(WWNN)))) == ([WWNN], [], [])


@pytest.mark.parametrize(
    "data", ["", "50", "500507630f04be", "500507630f04be0700", "0" * 16, "f" * 16, "6005076300000000"]
)
def test_a_malformed_name_is_reported_and_the_rest_is_used(data: str) -> None:
    tail = designator(bytes.fromhex(data)) + designator(bytes.fromhex(WWPN), association=1)
    units, ports, problems = vpd.names(pg83(WWNN, tail=tail))
    assert (units, ports) == ([WWNN], [WWPN])
    shown = bytes.fromhex(data).hex(" ") or "empty"
    assert problems == [f"VPD page 83h has a malformed NAA name, {shown}"]


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 11])
def test_what_stands_before_a_break_is_used(cut: int) -> None:
    whole = pg83(WWNN, WWPN)
    body = whole[4:-cut]
    page = whole[:2] + len(body).to_bytes(2, "big") + body
    units, ports, problems = vpd.names(page)
    assert (units, ports) == ([WWNN], [])
    assert problems == ["VPD page 83h breaks off in its designator 4"]


def test_a_page_that_is_shorter_than_it_says_gives_nothing() -> None:
    assert vpd.names(pg83(WWNN)[:-1])[:2] == ([], [])
    assert "VPD page 83h says" in vpd.names(pg83(WWNN)[:-1])[2][0]


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda tail: LAB_83[:40] + tail))
def test_no_bytes_raise_anything_else(page: bytes) -> None:
    vpd.names(page)
    try:
        vpd.serial(page)
    except InvalidValueError as exc:
        assert "\n" not in str(exc)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 15), st.binary(max_size=255)), max_size=20))
def test_every_well_formed_page_gives_back_its_designators(wanted) -> None:
    body = b"".join(designator(data, kind, association) for association, kind, data in wanted)
    page = b"\1\x83" + len(body).to_bytes(2, "big") + body
    found, problems = vpd.designators(page)
    assert problems == []
    assert [(one.association, one.type, one.data) for one in found] == wanted
