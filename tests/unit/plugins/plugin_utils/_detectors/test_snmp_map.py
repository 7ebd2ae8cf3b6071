# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _change
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import (
    _snmp_map,
    _snmp_map_check,
    _snmp_pysnmp,
    _snmp_schema,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_maps import MIB
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.tests.bench import snmp_wire as wire

NOW = 1795413634.5
ENTERPRISE = "1.3.6.1.4.1.99999"
FC = {"protocol": "fc", "id": "10000090fa1658de"}
UNREADABLE = {"protocol": None, "id": None}


def translated(
    agent: Any, maps: Any, variables: bytes, *, address: str = "192.0.2.10", sender: str = "192.0.2.10 library"
) -> dict[str, Any] | None:
    entries = {entry.notification: entry for entry in _snmp_map_check.check_maps(maps, "snmp.maps")}
    varbinds = _snmp_pysnmp.varbinds(decoder.decode(variables, asn1Spec=_snmp_schema.variables())[0])
    envelope = _snmp_map.Envelope(address, sender, "r77", NOW)
    fields = _snmp_map.translate(entries[_snmp_map.notification(varbinds)], varbinds, envelope)
    if fields is not None:
        # Whatever comes out must be what the table takes.
        observation = {key: value for key, value in fields.items() if key != "drive"}
        try:
            _change.observation({**observation, "drive": "1310211169", "holders": tuple(observation["holders"])})
        except InvalidValueError as exc:
            raise AssertionError from exc
    return fields


OURS = ["tape_drive_sharing"]


def released(agent: Any, *more: tuple[str, Any]) -> bytes:
    result: bytes = agent.variables(
        f"{MIB}.0.2",
        (f"{MIB}.1.1.0", "1310211169"),
        (f"{MIB}.1.2.0", 2),
        *((f"{MIB}.{oid}", value) for oid, value in more),
    )
    return result


def test_a_reservation_in_our_mib_becomes_a_change(agent: Any) -> None:
    assert translated(agent, OURS, agent.reserved()) == {
        "drive": {"serial": "1310211169"},
        "library": "library_01",
        "status": "reserved",
        "holders": [FC],
        "port": None,
        "observed_at": _change.timestamp(NOW),
        "origin": "snmp 192.0.2.10 library 7.1 1310211169",
        "detector": "snmp",
    }


def test_a_release_in_our_mib_becomes_a_change(agent: Any) -> None:
    variables = released(agent, ("1.4.0", 1), ("1.5.0", "10000090fa1658de"))
    assert translated(agent, OURS, variables) == {
        "drive": {"serial": "1310211169"},
        "library": None,
        "status": "released",
        "holders": [],
        "port": FC,
        "observed_at": _change.timestamp(NOW),
        "origin": (translated(agent, OURS, variables) or {})["origin"],
        "detector": "snmp",
    }


@pytest.mark.parametrize("more", [(), (("1.4.0", 0), ("1.5.0", "")), (("1.4.0", 1), ("1.5.0", " \0"))])
def test_a_release_by_somebody_unknown_has_no_port(agent: Any, more: tuple[tuple[str, Any], ...]) -> None:
    assert (translated(agent, OURS, released(agent, *more)) or {})["port"] is None


@pytest.mark.parametrize(
    ("protocol", "given", "port"),
    [
        (1, bytes.fromhex("10000090fa1658de"), FC),
        (1, "0x10000090FA1658DE", FC),
        (1, "10:00:00:90:fa:16:58:de\0\0", FC),
        (3, bytes.fromhex("500605b00001a2b0"), {"protocol": "sas", "id": "500605b00001a2b0"}),
        (2, "iqn.2026-11.com.example:Host1", {"protocol": "iscsi", "id": "iqn.2026-11.com.example:host1"}),
        (4, "2001:DB8::1", {"protocol": "ip", "id": "2001:db8::1"}),
        (4, (wire.IP_ADDRESS, bytes([192, 0, 2, 7])), {"protocol": "ip", "id": "192.0.2.7"}),
        (0, "", UNREADABLE),
        (0, "10000090fa1658de", UNREADABLE),
        (1, "", UNREADABLE),
    ],
)
def test_a_holder_is_read_in_every_usual_form(agent: Any, protocol: int, given: Any, port: dict[str, Any]) -> None:
    fields = translated(agent, OURS, agent.reserved(protocol=protocol, id=given))
    assert (fields or {})["holders"] == [port]


def holders(agent: Any, *ports: tuple[str, int | None, Any]) -> bytes:
    pairs = [(f"{MIB}.1.3.1.3.{index}", value) for index, _protocol, value in ports]
    # The protocols in another order: only the index says what belongs together.
    pairs += [(f"{MIB}.1.3.1.2.{index}", protocol) for index, protocol, _v in reversed(ports) if protocol is not None]
    result: bytes = agent.variables(f"{MIB}.0.1", (f"{MIB}.1.1.0", "1310211169"), (f"{MIB}.1.2.0", 1), *pairs)
    return result


def test_several_holders_are_told_apart_by_their_index(agent: Any) -> None:
    variables = holders(
        agent, ("1", 1, "10000090fa1658de"), ("2", 2, "iqn.2026-11.com.example:a"), ("300", 4, "192.0.2.7")
    )
    assert (translated(agent, OURS, variables) or {})["holders"] == [
        FC,
        {"protocol": "iscsi", "id": "iqn.2026-11.com.example:a"},
        {"protocol": "ip", "id": "192.0.2.7"},
    ]


def test_one_unreadable_holder_makes_all_unreadable(agent: Any) -> None:
    variables = holders(agent, ("1", 1, "10000090fa1658de"), ("2", 0, ""))
    assert (translated(agent, OURS, variables) or {})["holders"] == [UNREADABLE]


def test_a_holder_without_its_protocol_is_refused(agent: Any) -> None:
    variables = holders(agent, ("1", 1, "10000090fa1658de"), ("2", None, "10000090fa1658df"))
    with pytest.raises(_snmp_map.MissingVariableError, match="protocol\\) is missing beside the holder's id"):
        translated(agent, OURS, variables)


def test_more_holders_than_any_drive_has_are_refused(agent: Any) -> None:
    variables = holders(agent, *((str(index), 1, f"10000090fa{index:06x}") for index in range(1, 258)))
    with pytest.raises(InvalidValueError, match="more than 256"):
        translated(agent, OURS, variables)


@pytest.mark.parametrize("name", ["serial", "status", "id", "protocol"])
def test_a_missing_variable_is_named(agent: Any, name: str) -> None:
    with pytest.raises(_snmp_map.MissingVariableError, match="is missing"):
        translated(agent, OURS, agent.reserved(**{name: None}))


@pytest.mark.parametrize("tag", [wire.NULL, 0x80, 0x81, 0x82])
def test_a_variable_without_a_value_is_missing(agent: Any, tag: int) -> None:
    with pytest.raises(_snmp_map.MissingVariableError, match="has no value"):
        translated(agent, OURS, agent.reserved(serial=(tag, b"")))


def test_a_notification_that_contradicts_itself_is_refused(agent: Any) -> None:
    with pytest.raises(InvalidValueError) as raised:
        translated(agent, OURS, agent.reserved(status=2))
    assert str(raised.value) == f"the variable {MIB}.1.2 (status) is '2', which the map's values do not name"


def test_a_variable_that_is_there_twice_is_refused(agent: Any) -> None:
    pairs = [(f"{MIB}.1.1.{index}", serial) for index, serial in enumerate(["A1", "B1"])]
    variables = agent.variables(f"{MIB}.0.1", *pairs, (f"{MIB}.1.2.0", 1))
    with pytest.raises(InvalidValueError, match="is there 2 times"):
        translated(agent, OURS, variables)


HOSTILE = [
    "{{ lookup('pipe', 'id') }}",
    "{% for x in y %}",
    "$(reboot)",
    "`id`; rm -rf /",
    "a\nb",
    "a\0b",
    "a\r\x1b[2J",
    "x" * 10_240,
    b"\xff\xfe\x80",
    "\u202e\u0661\u0662",
    "",
    "\0" * 64,
]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name in ("serial", "status", "id", "protocol")
        for value in HOSTILE
        # An empty id is a holder that cannot be read.
        if name != "id" or value not in ("", "\0" * 64)
    ],
    ids=lambda value: value if value in ("serial", "status", "id", "protocol") else "",
)
def test_hostile_text_in_a_field_that_counts_is_refused(agent: Any, name: str, value: Any) -> None:
    with pytest.raises(InvalidValueError) as raised:
        translated(agent, OURS, agent.reserved(**{name: value}))
    assert len(str(raised.value)) < 300
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("name", ["boots", "counter", "library"])
def test_hostile_text_in_any_other_field_is_refused_or_comes_to_nothing(agent: Any, name: str, value: Any) -> None:
    try:
        fields = translated(agent, OURS, agent.reserved(**{name: value}))
    except InvalidValueError as exc:
        assert len(str(exc)) < 300
        assert str(exc).isprintable()
    else:
        assert name == "library"
        assert (fields or {})["library"] is None


VALUES = st.one_of(st.binary(max_size=40), st.text(max_size=40), st.integers(-(2**31), 2**31 - 1))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(["serial", "status", "id", "protocol", "boots", "library"], VALUES)
    )
)
def test_whatever_the_variables_hold_it_is_refused_or_fits_the_table(agent: Any, changes: dict[str, Any]) -> None:
    changes = {key: value.encode() if isinstance(value, str) else value for key, value in changes.items()}
    with contextlib.suppress(InvalidValueError):
        translated(agent, OURS, agent.reserved(**changes))


def origin(agent: Any, variables: bytes, **changes: Any) -> str:
    return str((translated(agent, OURS, variables, **changes) or {})["origin"])


def test_a_notification_with_the_same_boots_and_counter_is_a_repetition_whatever_carries_it(agent: Any) -> None:
    assert origin(agent, agent.reserved(5)) == origin(agent, agent.reserved(5, library="library_02"))
    assert origin(agent, agent.reserved(5)) != origin(agent, agent.reserved(6))
    assert origin(agent, agent.reserved(5)) != origin(agent, agent.reserved(5, boots=8))


def test_two_senders_may_have_the_same_boots_and_counter(agent: Any) -> None:
    assert origin(agent, agent.reserved(5)) != origin(agent, agent.reserved(5), sender="192.0.2.11 library")


def test_without_boots_and_counter_all_variables_and_the_request_id_are_the_repetition(agent: Any) -> None:
    first = origin(agent, agent.reserved(boots=None, counter=None))
    assert first == origin(agent, agent.reserved(boots=None, counter=None))
    assert first != origin(agent, agent.reserved(boots=None, counter=None, serial="OTHER1"))
    assert first.startswith("snmp 192.0.2.10 library r77 ")


def at(year: int, zone: bytes = b"+\x01\x1e") -> bytes:
    return year.to_bytes(2, "big") + bytes([11, 23, 7, 30, 60, 9]) + zone


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (at(2026), datetime.datetime(2026, 11, 23, 6, 0, 59, 900000, datetime.UTC).timestamp()),
        (at(2026, b"-\x00\x00"), datetime.datetime(2026, 11, 23, 7, 30, 59, 900000, datetime.UTC).timestamp()),
        (
            "2026-11-23T06:00:34.567890+00:00",
            datetime.datetime(2026, 11, 23, 6, 0, 34, 567890, datetime.UTC).timestamp(),
        ),
        (at(2026, b""), NOW),
        (at(1970), NOW),
        (at(0), NOW),
        (at(2026, b"x\x01\x01"), NOW),
        (at(2026, b"+\xff\xff"), NOW),
        (b"\xff" * 11, NOW),
        ("{{ now() }}", NOW),
        ("", NOW),
        (5, NOW),
    ],
)
def test_the_senders_time_is_taken_if_it_can_be_believed(agent: Any, value: Any, seconds: float) -> None:
    variables = agent.variables(
        f"{MIB}.0.1",
        *((f"{MIB}.{oid}", given) for oid, given in (("1.1.0", "A1"), ("1.2.0", 1), ("1.8.0", value))),
        (f"{MIB}.1.3.1.2.1", 0),
        (f"{MIB}.1.3.1.3.1", ""),
    )
    assert (translated(agent, OURS, variables) or {})["observed_at"] == _change.timestamp(seconds)


VENDOR = {
    "notification": f"{ENTERPRISE}.0.5",
    "drive": {"by": "serial", "oid": f"{ENTERPRISE}.1"},
    "status": {"oid": f"{ENTERPRISE}.2", "values": {1: "reserved", 2: "released", "*": "ignore"}},
}


def vendor(agent: Any, drive: Any, status: Any = 1, *more: tuple[str, Any]) -> bytes:
    result: bytes = agent.variables(
        f"{ENTERPRISE}.0.5", (f"{ENTERPRISE}.1", drive), (f"{ENTERPRISE}.2.7.3", status), *more
    )
    return result


@pytest.mark.parametrize(
    ("by", "given", "value"),
    [
        ("serial", "1310211169      ", "1310211169"),
        ("wwnn", bytes.fromhex("500507631234abcd"), "500507631234abcd"),
        ("wwpn", "50:05:07:63:12:34:AB:CD", "500507631234abcd"),
        ("location", "F1,C2,R3", "F1,C2,R3"),
    ],
)
def test_a_drive_is_named_by_serial_port_node_or_location(agent: Any, by: str, given: Any, value: str) -> None:
    maps = [{**VENDOR, "drive": {"by": by, "oid": f"{ENTERPRISE}.1"}}]
    assert (translated(agent, maps, vendor(agent, given)) or {})["drive"] == {by: value}


@pytest.mark.parametrize("by", ["wwpn", "wwnn"])
@pytest.mark.parametrize("given", ["500507631234abc", "0" * 16, bytes(8), bytes(7)])
def test_a_wwn_of_15_digits_or_all_zero_is_refused(agent: Any, by: str, given: Any) -> None:
    with pytest.raises(InvalidValueError, match=f"the drive's {by} must be a WWN of 16 hexadecimal digits"):
        translated(agent, [{**VENDOR, "drive": {"by": by, "oid": f"{ENTERPRISE}.1"}}], vendor(agent, given))


def test_a_status_that_the_map_ignores_is_no_change_even_without_a_drive(agent: Any) -> None:
    variables = agent.variables(f"{ENTERPRISE}.0.5", (f"{ENTERPRISE}.2", 9))
    assert translated(agent, [VENDOR], variables) is None


def test_a_map_without_holders_has_the_unreadable_one(agent: Any) -> None:
    assert (translated(agent, [VENDOR], vendor(agent, "A1")) or {})["holders"] == [UNREADABLE]


def test_a_pattern_takes_its_part_of_a_text(agent: Any) -> None:
    maps = [{**VENDOR, "drive": {"by": "serial", "oid": f"{ENTERPRISE}.1", "pattern": "^.{24}([0-9A-Za-z]+)"}}]
    assert (translated(agent, maps, vendor(agent, "IBM     ULT3580-TD6     00078B5F0F")) or {})["drive"] == {
        "serial": "00078B5F0F"
    }
    with pytest.raises(InvalidValueError, match="does not match the map's pattern"):
        translated(agent, maps, vendor(agent, "IBM"))


NO_TEXT = [
    1310211169,
    (wire.COUNTER64, bytes.fromhex("038d7ea4c68000")),
    (wire.IP_ADDRESS, bytes(4)),
    ".1.3.6.1",
    (wire.TIME_TICKS, b"\x07"),
]


@pytest.mark.parametrize("value", NO_TEXT)
@pytest.mark.parametrize("name", ["serial", "id", "library"])
def test_what_is_no_text_is_no_name(agent: Any, name: str, value: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"must be text \(OCTET STRING\), not '"):
        translated(agent, ["tape_drive_sharing"], agent.reserved(**{name: value}))


def test_an_address_is_the_name_of_a_port_that_has_none_else(agent: Any) -> None:
    fields = translated(agent, ["tape_drive_sharing"], agent.reserved(protocol=4, id=(wire.IP_ADDRESS, bytes([192, 0, 2, 7]))))
    assert (fields or {})["holders"] == [{"protocol": "ip", "id": "192.0.2.7"}]


def test_a_number_is_a_name_where_the_map_says_which(agent: Any) -> None:
    maps = [{**VENDOR, "drive": {"by": "location", "oid": f"{ENTERPRISE}.1", "values": {7: "F1,R2"}}}]
    assert (translated(agent, maps, vendor(agent, 7)) or {})["drive"] == {"location": "F1,R2"}
    maps = [{**VENDOR, "drive": {"by": "location", "oid": f"{ENTERPRISE}.1", "pattern": "[0-9]+"}}]
    assert (translated(agent, maps, vendor(agent, 7)) or {})["drive"] == {"location": "7"}


def test_a_text_that_is_too_long_is_refused_before_a_pattern_is_tried(agent: Any) -> None:
    maps = [{**VENDOR, "drive": {"by": "serial", "oid": f"{ENTERPRISE}.1", "pattern": "(A1)"}}]
    assert translated(agent, maps, vendor(agent, "A1" + " " * 1022))
    with pytest.raises(InvalidValueError, match="is longer than 1024 octets"):
        translated(agent, maps, vendor(agent, "A1" + " " * 1023))
    # Where there is a pattern, any type is a text.
    with pytest.raises(InvalidValueError, match="is an OBJECT IDENTIFIER of more than 128 numbers"):
        translated(agent, maps, vendor(agent, ".1.3" + ".1" * 127))


@pytest.mark.parametrize(
    ("library", "name"),
    [
        ({"value": "ts4500_01"}, "ts4500_01"),
        ({"senders": {"192.0.2.10": "ts4500_02", "2001:db8::1": "other"}}, "ts4500_02"),
        ({"senders": {"192.0.2.11": "other"}}, None),
        ({"oid": f"{ENTERPRISE}.3"}, "ts4500_03"),
        ({"oid": f"{ENTERPRISE}.4"}, None),
        ({"oid": f"{ENTERPRISE}.5"}, None),
    ],
)
def test_a_library_is_fixed_or_that_of_the_sender_or_told(
    agent: Any, library: dict[str, Any], name: str | None
) -> None:
    more = ((f"{ENTERPRISE}.3", "ts4500_03"), (f"{ENTERPRISE}.5", "\0\0  "))
    assert (translated(agent, [{**VENDOR, "library": library}], vendor(agent, "A1", 1, *more)) or {})["library"] == name


def test_the_vendors_example_has_no_effect_as_it_stands(agent: Any) -> None:
    variables = agent.variables(
        "1.3.6.1.4.1.2.6.182.1.0.445", ("1.3.6.1.4.1.2.6.182.1.2.81.1.0", bytes.fromhex("500507631234abcd"))
    )
    with pytest.raises(_snmp_map.MissingVariableError, match="status"):
        translated(agent, ["example_ibm_ts4500"], variables)


def test_the_vendors_example_with_its_status_in_place_names_the_drive(agent: Any) -> None:
    maps = [{
        "use": "example_ibm_ts4500",
        "status": {"oid": f"{ENTERPRISE}.2", "values": {"in use": "reserved", "free": "released"}},
        "library": {"senders": {"192.0.2.10": "ts4500_01"}},
    }]  # fmt: skip
    ibm = "1.3.6.1.4.1.2.6.182.1"
    by_node = agent.variables(
        f"{ibm}.0.445", (f"{ibm}.2.81.1.0", bytes.fromhex("500507631234abcd")), (f"{ENTERPRISE}.2", "in use")
    )
    by_place = agent.variables(f"{ibm}.0.22", (f"{ibm}.2.121.1.0", "F1,C2,R3"), (f"{ENTERPRISE}.2", "free"))
    first, second = translated(agent, maps, by_node) or {}, translated(agent, maps, by_place) or {}
    assert (first["drive"], first["status"], first["library"]) == (
        {"wwnn": "500507631234abcd"},
        "reserved",
        "ts4500_01",
    )
    assert (second["drive"], second["status"], second["library"]) == ({"location": "F1,C2,R3"}, "released", "ts4500_01")
