# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _snmp_map, _snmp_map_check
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_maps import MIB, SHIPPED
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

GOOD: dict[str, Any] = {
    "notification": "1.3.6.1.4.1.99999.0.5",
    "drive": {"by": "serial", "oid": "1.3.6.1.4.1.99999.1"},
    "status": {"value": "reserved"},
}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_map_is_valid(name: str) -> None:
    assert len(_snmp_map_check.check_maps([name], "snmp.maps")) == len(SHIPPED[name])


def test_all_shipped_maps_and_one_more_go_together() -> None:
    assert len(_snmp_map_check.check_maps([*SHIPPED, GOOD], "snmp.maps")) == 5


def test_a_shipped_map_can_be_changed_by_field() -> None:
    entries = _snmp_map_check.check_maps(
        [{"use": "tape_drive_sharing", "library": {"value": "ts4500_01"}}], "snmp.maps"
    )
    assert [entry.library.value for entry in entries if entry.library] == ["ts4500_01", "ts4500_01"]
    assert [_snmp_map.oid_text(entry.notification) for entry in entries] == [f"{MIB}.0.1", f"{MIB}.0.2"]


def test_an_object_identifier_may_begin_with_a_dot() -> None:
    entry = _snmp_map_check.check_maps([{**GOOD, "notification": ".1.3.6.1.4.1.99999.0.5"}], "snmp.maps")[0]
    assert _snmp_map.oid_text(entry.notification) == "1.3.6.1.4.1.99999.0.5"


def faults() -> list[tuple[Any, str]]:
    source = "a mapping with either value or oid"
    oid = "an object identifier such as 1.3.6.1.4.1.8072.9999.9999"
    words = "reserved, released, ignore"
    drive = GOOD["drive"]
    return [
        (None, "snmp.maps must be a list of at least one map, not nothing"),
        ([], "snmp.maps must be a list of at least one map, not a list"),
        ("tape_drive_sharing", "snmp.maps must be a list of at least one map, not 'tape_drive_sharing'"),
        ([5], "snmp.maps[0] must be the name of a shipped map, or a mapping, not 5"),
        (
            ["ts4500"],
            "snmp.maps[0] must be one of tape_drive_sharing, example_ibm_ts4500, or a map in full, not 'ts4500'",
        ),
        (
            ["tape_drive_sharing", "tape_drive_sharing"],
            f"snmp.maps[1] is the second map for the notification {MIB}.0.1; snmp.maps[0] (tape_drive_sharing) is the first",
        ),
        (
            [{"use": "tape_drive_sharing", "notification": "1.3.6"}],
            "snmp.maps[0] has no option 'notification'; "
            "there are use, drive, status, holders, port, library, boots, counter, time",
        ),
        (
            [{**GOOD, "oid": "1.3"}],
            "snmp.maps[0] has no option 'oid'; "
            "there are notification, drive, status, holders, port, library, boots, counter, time",
        ),
        ([{**GOOD, "notification": None}], "snmp.maps[0].notification is missing"),
        ([{**GOOD, "drive": None}], "snmp.maps[0].drive is missing"),
        ([{**GOOD, "status": None}], "snmp.maps[0].status is missing"),
        ([{**GOOD, "notification": 1.3}], f"snmp.maps[0].notification must be {oid}, not 1.3"),
        *(
            ([{**GOOD, "notification": text}], f"snmp.maps[0].notification must be {oid}, not {text!r}")
            for text in (
                "",
                "1",
                "3.1",
                "1.40",
                "1.3.",
                "1..3",
                "1.3.01",
                "1.3.4294967296",
                "tdsDriveReserved",
                "1.3\n",
            )
        ),
        (
            [{**GOOD, "drive": "1.3.6"}],
            "snmp.maps[0].drive.by must be one of serial, wwpn, wwnn, location, not '1.3.6'",
        ),
        (
            [{**GOOD, "drive": {**drive, "by": "name"}}],
            "snmp.maps[0].drive.by must be one of serial, wwpn, wwnn, location, not 'name'",
        ),
        ([{**GOOD, "drive": {"by": "serial"}}], f"snmp.maps[0].drive must be {source}, not a mapping"),
        (
            [{**GOOD, "drive": {**drive, "value": "A1"}}],
            f"snmp.maps[0].drive must be {source}, not a mapping",
        ),
        (
            [{**GOOD, "drive": {**drive, "values": {}}}],
            "snmp.maps[0].drive.values must be a mapping from what is sent to what it means, not a mapping",
        ),
        (
            [{**GOOD, "drive": {**drive, "pattern": "("}}],
            "snmp.maps[0].drive.pattern must be a regular expression "
            "(missing ), unterminated subpattern at position 0), not '('",
        ),
        (
            [{**GOOD, "drive": {**drive, "pattern": "a{99999999999999999999}"}}],
            "snmp.maps[0].drive.pattern must be a regular expression "
            "(the repetition number is too large), not 'a{99999999999999999999}'",
        ),
        (
            [{**GOOD, "drive": {**drive, "pattern": "(a)(b)"}}],
            "snmp.maps[0].drive.pattern must be a regular expression with at most one group, not '(a)(b)'",
        ),
        ([{**GOOD, "status": {"value": "busy"}}], f"snmp.maps[0].status.value must be one of {words}, not 'busy'"),
        (
            [{**GOOD, "status": {"oid": "1.3.6"}}],
            f"snmp.maps[0].status.values is missing: it says which value means {words}",
        ),
        (
            [{**GOOD, "status": {"oid": "1.3.6", "values": {1: "busy"}}}],
            f"snmp.maps[0].status.values[1] must be one of {words}, not 'busy'",
        ),
        (
            [{**GOOD, "status": {"oid": "1.3.6", "values": {"\x1b[31m": "busy"}}}],
            f"snmp.maps[0].status.values['\\x1b[31m'] must be one of {words}, not 'busy'",
        ),
        (
            [{**GOOD, "status": {"oid": "1.3.6", "values": {True: "reserved"}}}],
            "a key of snmp.maps[0].status.values must be a number or a text in quotation marks, not true",
        ),
        ([{**GOOD, "holders": {"id": {"oid": "1.3.6"}}}], "snmp.maps[0].holders.protocol is missing"),
        ([{**GOOD, "holders": {"protocol": {"value": "fc"}}}], "snmp.maps[0].holders.id is missing"),
        (
            [{**GOOD, "holders": {"protocol": {"value": "scsi"}, "id": {"oid": "1.3.6"}}}],
            "snmp.maps[0].holders.protocol.value must be one of fc, iscsi, sas, ip, unknown, not 'scsi'",
        ),
        (
            [{**GOOD, "holders": {"protocol": {"value": "fc"}, "id": {"oid": "1.3.6", "optional": "yes"}}}],
            "snmp.maps[0].holders.id.optional must be true or false, not 'yes'",
        ),
        (
            [{**GOOD, "port": "1.3.6"}],
            "snmp.maps[0].port must be a mapping with the keys protocol and id, not '1.3.6'",
        ),
        (
            [{**GOOD, "boots": {"oid": "1.3.6"}}],
            "snmp.maps[0] must have both boots and counter, or neither: only together they name a notification",
        ),
        (
            [{**GOOD, "library": {"value": "ts 4500"}}],
            "snmp.maps[0].library.value must be a host name of 1 to 253 letters, digits, '_', '.', ':' or '-', not 'ts 4500'",
        ),
        (
            [{**GOOD, "library": {"senders": {"ts4500.example.com": "ts4500_01"}}}],
            "snmp.maps[0].library.senders must be an IPv4 or IPv6 address without a zone, not 'ts4500.example.com'",
        ),
        (
            [{**GOOD, "library": {"senders": []}}],
            "snmp.maps[0].library.senders must be a mapping from IP addresses to names of libraries, not a list",
        ),
    ]


@pytest.mark.parametrize(("maps", "sentence"), faults())
def test_a_faulty_map_has_one_sentence_with_the_options_place(maps: Any, sentence: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        _snmp_map_check.check_maps(maps, "snmp.maps")
    assert str(raised.value) == sentence


def test_a_pattern_that_is_nested_too_deep_is_refused() -> None:
    maps = [{**GOOD, "drive": {"by": "serial", "oid": "1.3.6", "pattern": "(" * 3000 + ")" * 3000}}]
    with pytest.raises(InvalidValueError, match=r"^snmp.maps\[0\].drive.pattern must be a regular expression \(maximum recursion"):
        _snmp_map_check.check_maps(maps, "snmp.maps")
