# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the form of a change, against its JSON schema too."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _change
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

SCHEMA_FILE = Path(__file__).parents[4] / "extensions/eda/plugins/event_source/schemas/change.json"
SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

PORT = {"protocol": "fc", "id": "10000090fa1658de"}
NOBODY = {"protocol": None, "id": None}
GOOD = {
    "version": 1,
    "drive": "1310211169",
    "status": "reserved",
    "holders": [PORT],
    "port": None,
    "sequence": 42,
    "observed_at": "2026-11-22T06:00:34.567890+00:00",
    "library": "ts4500_01",
    "detector": "snmp",
}
RELEASED = {**GOOD, "status": "released", "holders": [], "port": PORT}

HOSTILE = [
    "{{ lookup('pipe', 'id') }}",
    "{% for x in y %}{% endfor %}",
    "a; rm -rf /",
    "$(id)",
    "`id`",
    "a\nb",
    "a\x00b",
    "'\"",
    "../../etc/passwd",
    "x" * 10_000,
    "\uff11\uff12",
    "\ud800",
    "",
    None,
    True,
    12,
    1.5,
    [],
    {},
    b"abc",
]


def test_the_examples_of_the_design_are_taken_as_they_are() -> None:
    for change in (GOOD, RELEASED, {**RELEASED, "port": None}, {**GOOD, "holders": [NOBODY]}):
        assert _change.validate(change) == change
        VALIDATOR.validate(change)


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("key", sorted(GOOD))
def test_hostile_text_in_any_field_is_refused_by_the_code_and_the_schema(key: str, value: object) -> None:
    for base in (GOOD, RELEASED):
        change = {**base, key: value}
        if base[key] == value and type(base[key]) is type(value):
            continue
        valid = (key, value) in (("port", None), ("library", None), ("sequence", 12))
        if key == "version" and value is True:
            valid = False
        if valid:
            assert _change.validate(change) == change
        elif base is RELEASED and key == "holders" and value == []:
            continue
        else:
            with pytest.raises(InvalidValueError) as caught:
                _change.validate(change)
            assert len(str(caught.value)) < 400
            assert "\n" not in str(caught.value)
            assert not VALIDATOR.is_valid(change), "the schema takes what the code refuses"


@pytest.mark.parametrize("value", [text for text in HOSTILE if text != 12], ids=lambda value: repr(value)[:20])
def test_hostile_text_in_a_holder_is_refused(value: object) -> None:
    for port in ({"protocol": "fc", "id": value}, {"protocol": value, "id": PORT["id"]}, {**PORT, "more": value}):
        with pytest.raises(InvalidValueError):
            _change.validate({**GOOD, "holders": [port]})
        with pytest.raises(InvalidValueError):
            _change.validate({**RELEASED, "port": port})


@pytest.mark.parametrize("key", sorted(GOOD))
def test_each_key_must_be_there_and_no_other(key: str) -> None:
    part = {name: value for name, value in GOOD.items() if name != key}
    with pytest.raises(InvalidValueError, match=key):
        _change.validate(part)
    assert not VALIDATOR.is_valid(part)
    with pytest.raises(InvalidValueError, match="only, not 'further'"):
        _change.validate({**GOOD, "further": 1})


def test_a_change_of_a_newer_version_is_refused_in_one_sentence_that_says_so() -> None:
    with pytest.raises(InvalidValueError, match=r"is of version 2, newer than version 1 of this collection"):
        _change.validate({**GOOD, "version": 2, "something": "new"})


@pytest.mark.parametrize(
    "change",
    [
        {**GOOD, "holders": []},
        {**GOOD, "holders": [NOBODY, PORT]},
        {**GOOD, "port": PORT},
        {**GOOD, "holders": [PORT] * 257},
        {**RELEASED, "holders": [PORT]},
        {**RELEASED, "port": NOBODY},
        {**GOOD, "sequence": 0},
        {**GOOD, "sequence": 10**15 + 1},
        {**GOOD, "sequence": 10**40},
        {**GOOD, "detector": "rumour"},
        {**GOOD, "observed_at": "2026-11-22T06:00:34.567890"},
    ],
)
def test_what_contradicts_itself_is_refused_by_both(change: dict) -> None:
    with pytest.raises(InvalidValueError):
        _change.validate(change)
    assert not VALIDATOR.is_valid(change)


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00.000000+23:59", "9999-12-31T23:59:59.999999-23:59", "2026-13-01T00:00:00Z"]
)
def test_a_time_that_does_not_exist_in_utc_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="observed_at must be a time such as"):
        _change.observed_at(text)


@pytest.mark.parametrize("text", ["2026-11-22T07:00:34.5+01:00", "2026-11-22 06:00:34.500Z", "20261122T060034.5+0000"])
def test_other_writings_of_a_time_become_one(text: str) -> None:
    assert _change.observed_at(text) == "2026-11-22T06:00:34.500000+00:00"


def test_holders_are_normalised_sorted_and_named_once() -> None:
    holders = [
        {"protocol": "fc", "id": "0x20:00:00:24:55:00:01:10"},
        {"protocol": "fc", "id": "10:00:00:90:FA:16:58:DE"},
        {"protocol": "fc", "id": "10000090fa1658de"},
    ]
    assert _change.validate({**GOOD, "holders": holders})["holders"] == [
        PORT, {"protocol": "fc", "id": "2000002455000110"},
    ]


PORTS = st.one_of(
    st.builds(lambda n: {"protocol": "fc", "id": f"{n:016x}"}, st.integers(1, 2**64 - 2)),
    st.builds(lambda n: {"protocol": "sas", "id": f"{n:016x}"}, st.integers(1, 2**64 - 2)),
    st.builds(lambda n: {"protocol": "ip", "id": str(n)}, st.ip_addresses()),
    st.just({"protocol": "iscsi", "id": "iqn.2026-11.com.example:host1"}),
    st.just(NOBODY),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["protocol", "id", "x"]), inner, max_size=3),
    max_leaves=5,
)
CHANGES = st.fixed_dictionaries(
    {
        "version": st.just(1) | ANYTHING,
        "drive": st.from_regex(r"[0-9A-Za-z._ \n-]{1,66}", fullmatch=True) | ANYTHING,
        "status": st.sampled_from(["reserved", "released"]) | ANYTHING,
        "holders": st.lists(PORTS, max_size=3) | ANYTHING,
        "port": st.none() | PORTS,
        "sequence": st.integers(-1, 10**16) | ANYTHING,
        "observed_at": st.datetimes().map(lambda d: d.isoformat(timespec="microseconds") + "+00:00") | ANYTHING,
        "library": st.none() | st.text(max_size=8) | st.just("library1\n"),
        "detector": st.sampled_from(["snmp", "scsi", "webhook", "manual"]) | ANYTHING,
    }
)


@given(CHANGES)
def test_whatever_comes_the_code_gives_what_the_schema_takes_or_refuses_in_one_line(change: dict) -> None:
    try:
        normal = _change.validate(change)
    except InvalidValueError as exc:
        normal = {"refused": str(exc)}
    if "refused" in normal:
        assert "\n" not in normal["refused"]
        return
    VALIDATOR.validate(normal)
    assert _change.validate(normal) == normal, "the normal form is not stable"


def test_an_observation_is_checked_when_it_is_made() -> None:
    made = _change.observation({
        "drive": " 1310211169 ", "status": "reserved", "holders": [{"protocol": "fc", "id": "10:00:00:90:fa:16:58:de"}],
        "observed_at": "2026-11-22T06:00:34Z", "detector": "snmp",
    })
    assert made.drive == "1310211169"
    assert made.holders == (PORT,)
    assert made.observed_at == "2026-11-22T06:00:34.000000+00:00"
    with pytest.raises(InvalidValueError, match="seen_sequence must be the drive's sequence before the reading"):
        _change.observation({
            "drive": "1", "status": "released", "holders": [], "observed_at": made.observed_at, "detector": "scsi",
            "level": True,
        })
    with pytest.raises(InvalidValueError, match=r"observation\.detector is missing"):
        _change.observation({"drive": "1", "status": "released", "holders": [], "observed_at": made.observed_at})
    with pytest.raises(InvalidValueError, match="only, not 'sequence'"):
        _change.observation({"sequence": 1})


def test_a_number_too_long_to_be_written_out_is_refused_all_the_same() -> None:
    with pytest.raises(InvalidValueError, match=r"change\.sequence must be a whole number .*, not a number"):
        _change.validate({**GOOD, "sequence": 10**5000})
