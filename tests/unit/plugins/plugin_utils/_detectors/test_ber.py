# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _ber
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._ber import MalformedError

DATA = st.binary(max_size=64)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_is_read_as_it_was_written(value: int) -> None:
    data = _ber.integer(value)
    assert _ber.number(data, 0, len(data), "x", -(2**63), 2**63) == (value, len(data))


@pytest.mark.parametrize("length", [0, 1, 127, 128, 255, 256, 65_535, 65_536])
def test_an_element_of_any_length_is_read_as_it_was_written(length: int) -> None:
    contents = b"x" * length
    data = _ber.element(_ber.OCTETS, contents)
    assert _ber.octets(data, 0, len(data), "x", 70_000)[0] == contents


ARCS = st.integers(0, 2**32 - 1)


@given(st.sampled_from(["0.0", "1.3", "1.39", "2.0", "2.999", "2.40"]), st.lists(ARCS, max_size=20))
def test_an_object_identifier_is_read_as_it_was_written(first: str, arcs: list[int]) -> None:
    dotted = ".".join([first, *map(str, arcs)])
    assert _ber.oid_text(_ber.oid(dotted)) == dotted


@pytest.mark.parametrize(
    ("dotted", "contents"),
    [
        ("1.3.6.1.2.1.1.3.0", "2b06010201010300"),
        ("1.3.6.1.4.1.8072.9999.9999", "2b06010401bf08ce0fce0f"),
        ("2.999.3", "883703"),
    ],
)
def test_an_object_identifier_is_written_as_in_x690(dotted: str, contents: str) -> None:
    assert _ber.oid(dotted).hex() == contents


def test_what_is_below_an_object_identifier_begins_with_its_octets_and_nothing_else_does() -> None:
    parent = _ber.oid("1.3.6.1.4.1.8072.1")
    assert _ber.oid("1.3.6.1.4.1.8072.1.0").startswith(parent)
    # The first octets of 130 are not those of 1.
    assert not _ber.oid("1.3.6.1.4.1.8072.130").startswith(parent)


@given(DATA)
def test_whatever_octets_come_they_are_read_or_malformed(data: bytes) -> None:
    for read in (
        lambda: _ber.read(data, 0, len(data)),
        lambda: _ber.number(data, 0, len(data), "x", 0, 9),
        lambda: _ber.octets(data, 0, len(data), "x", 9),
        lambda: _ber.oid_text(data),
        lambda: _ber.value_number(_ber.COUNTER32, data),
    ):
        try:
            read()
        except MalformedError:
            continue


@pytest.mark.parametrize(
    "data",
    ["", "04", "0401", "0480", "048500000000010a", "04820001", "0482ffff00", "0403aabb", "04847fffffff"],
    ids=lambda text: text or "nothing",
)
def test_an_element_that_is_cut_off_or_of_indefinite_length_is_malformed(data: str) -> None:
    octets = bytes.fromhex(data)
    with pytest.raises(MalformedError):
        _ber.octets(octets, 0, len(octets), "x", 100)


def test_nothing_is_read_beyond_the_end_that_was_given() -> None:
    data = _ber.element(_ber.OCTETS, b"abcdef")
    with pytest.raises(MalformedError, match="longer than what holds it"):
        _ber.read(data, 0, len(data) - 1)


@pytest.mark.parametrize(
    ("tag", "contents", "value"),
    [
        (_ber.INTEGER, "ff", -1),
        (_ber.COUNTER32, "ffffffff", 4294967295),
        (_ber.COUNTER32, "00ffffffff", 4294967295),
        (_ber.UNSIGNED32, "80", 128),
        (_ber.COUNTER64, "00ffffffffffffffff", 2**64 - 1),
    ],
)
def test_only_integers_are_signed(tag: int, contents: str, value: int) -> None:
    assert _ber.value_number(tag, bytes.fromhex(contents)) == value
