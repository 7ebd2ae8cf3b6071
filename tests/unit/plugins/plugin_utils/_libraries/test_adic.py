# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the table of drives of ADIC-MANAGEMENT-MIB shows, and what is set in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._libraries import adic
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library import Answer, Seen, Set, Walk

GIVEN = {key: option["default"] for key, option in adic.OPTIONS.items()}
OPTIONS = {**GIVEN, "address": "library.example", "user": "u", "auth_passphrase_file": "/a", "priv_passphrase_file": "/p"}
DRIVE, PLACE, OTHER = "1310211169", "1.1.4.1.1.1.2.3.1", "1.1.4.1.1.1.2.3.2"


def read(serials: Any, states: Any, **options: Any) -> Seen:
    answers = [Answer(0, json.dumps(content), good=True) for content in (serials, states)]
    return adic.read(adic.check({**OPTIONS, **options}), DRIVE, answers)


def test_the_columns_are_those_of_the_mib() -> None:
    entry = "1.3.6.1.4.1.3764.1.1.200.20.80.110.1"
    assert adic.queries(adic.check(OPTIONS), DRIVE) == [Walk(f"{entry}.8"), Walk(f"{entry}.29")]
    assert f"{entry}.16" == adic.COMMAND


def test_a_drive_is_found_by_its_serial_number_and_told_at_its_place() -> None:
    options = adic.check(OPTIONS)
    seen = read({OTHER: "1310211170", PLACE: DRIVE}, {OTHER: 2, PLACE: 1})
    assert (seen.state, seen.words) == ("ok", "online")
    (way,) = adic.ways(options)
    assert adic.tell(options, way, "error", DRIVE, seen) == [Set(f"{adic.COMMAND}.{PLACE}", 2)]
    assert adic.tell(options, way, "ok", DRIVE, seen) == [Set(f"{adic.COMMAND}.{PLACE}", 1)]
    assert adic.tell(options, way, "ok", DRIVE, Seen("unknown")) == []
    assert read({PLACE: DRIVE}, {PLACE: 2}).state == "error"
    assert read({PLACE: "OTHER"}, {PLACE: 2}, drive_names={DRIVE: "OTHER"}).state == "error"


def test_what_does_not_show_the_drive_is_unknown() -> None:
    assert read({}, {}).words == "shows no drives; perhaps it has another MIB"
    assert read({OTHER: "1310211170"}, {OTHER: 1}).words == f"shows no drive {DRIVE}"
    assert read({PLACE: DRIVE, OTHER: DRIVE}, {PLACE: 1, OTHER: 1}).words == f"shows drive {DRIVE} in 2 places"
    for states in ({}, {PLACE: None}, {PLACE: "online"}, [], None, {OTHER: 1}):
        assert read({PLACE: DRIVE}, states).words == "does not show its state"
    for serials in ([], None, 7, {PLACE: 7}, {"1.x": DRIVE}, {"": DRIVE}):
        assert read(serials, {PLACE: 1}).state == "unknown"
    assert read({PLACE: DRIVE}, {PLACE: 3}).state == "other"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"address": ""}, "it has no address; give its host variable library_adic_address"),
        ({"address": "library.example:161"}, "it has no address"),
        ({"address": "-x"}, "it has no address"),
        ({"port": 0}, "library_adic_port must be 1 to 65535, not 0"),
        ({"user": ""}, "SNMP version 3 needs its host variable library_adic_user"),
        ({"priv_passphrase_file": ""}, "SNMP version 3 needs its host variable library_adic_priv_passphrase_file"),
        ({"version": "2c"}, "SNMP version 2c needs its host variable library_adic_community_file"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        adic.check({**OPTIONS, **given})
    assert str(refused.value).startswith(said)
