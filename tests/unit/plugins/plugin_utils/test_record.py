# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _record
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import ForeignSiteError, InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._record import RawRecord, Record

RECORD = Record(
    site="here", drive="1310211169", instance="nbu_a", sequence=42, phase="done", target="offline", was="online",
    taken=True, reason="reserved by fc 10000090fa1658de",
)
LINE = (
    '00000000000000000042 done {"version":1,"site":"here","drive":"1310211169","instance":"nbu_a","sequence":42,'
    '"phase":"done","target":"offline","was":"online","taken":true,"reason":"reserved by fc 10000090fa1658de"}'
)


def test_a_record_is_one_line_that_begins_with_its_sequence() -> None:
    assert _record.format(RECORD) == LINE


@pytest.mark.parametrize("text", [LINE, f"{LINE}\n", f"{LINE} #9f2c0d5a71e34b68.4711.186402\n", RawRecord(LINE + " #x")])
def test_a_record_is_read_with_and_without_its_stamp(text: str) -> None:
    assert _record.parse(text) == RECORD


def test_no_record_is_none() -> None:
    assert _record.parse(None) is None


@given(st.builds(
    Record, site=st.text(min_size=1), drive=st.text(min_size=1), instance=st.text(min_size=1),
    sequence=st.integers(0, 10**20 - 1), phase=st.sampled_from(_record.PHASES), target=st.sampled_from(_record.TARGETS),
    was=st.sampled_from(_record.STATES), taken=st.booleans(), reason=st.text(),
))
def test_what_is_written_is_read_and_is_plain_ascii_without_single_quotes(record: Record) -> None:
    line = _record.format(record)
    assert line.isascii()
    assert line.isprintable()
    assert "'" not in line
    assert _record.parse(line) == record
    assert _record.parse(f"{line} #stamp") == record


@pytest.mark.parametrize(("change", "taken"), [
    ({}, True),
    ({"taken": False}, False),
    ({"taken": False, "phase": "intent"}, True),
    ({"taken": False, "phase": "intent", "was": "offline"}, False),
    ({"taken": False, "phase": "intent", "was": "other"}, False),
    ({"taken": False, "phase": "intent", "target": "online"}, False),
    ({"taken": True, "phase": "intent", "target": "online", "was": "offline"}, True),
])
def test_an_intent_to_set_offline_what_was_online_counts_as_taken(change: dict, taken: bool) -> None:
    assert replace(RECORD, **change).holds_taken is taken


@pytest.mark.parametrize("text", [
    "", "\n", "junk", LINE[1:], LINE[:-1], f"{LINE}{LINE}", f"{LINE}\n{LINE}", f"{LINE} # two", "\udcff\0", "(it cannot be read)",
    f"{LINE} (and more lines)", "00000000000000000042 done []", "00000000000000000042 done {}}",
    "00000000000000000042 done {" + "[" * 100_000 + "}", "٠" * 20 + LINE[20:],
])
def test_what_is_no_record_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(InvalidValueError, match="is no record: .*; it was left as it is"):
        _record.parse(text)


@pytest.mark.parametrize(("key", "value"), [
    ("site", ""), ("site", None), ("drive", 1310211169), ("instance", None), ("sequence", "42"), ("sequence", -1),
    ("sequence", True), ("sequence", 42.0), ("sequence", 10**20), ("phase", "begun"), ("target", "error"),
    ("was", "down"), ("taken", 1), ("taken", "yes"), ("reason", None), ("version", 0), ("version", "1"), ("version", True),
])
def test_a_wrong_field_is_named(key: str, value: object) -> None:
    fields = json.loads(LINE[26:])
    with pytest.raises(InvalidValueError, match=f"must have {key} as .*; it was left as it is"):
        _record.parse(LINE[:26] + json.dumps({**fields, key: value}))


def test_a_missing_field_is_named() -> None:
    with pytest.raises(InvalidValueError, match="must have taken as true or false, not None"):
        _record.parse(LINE.replace('"taken":true,', ""))


def test_sequence_and_phase_must_be_the_same_in_both_places() -> None:
    for line in (LINE.replace("42 done", "43 done"), LINE.replace("42 done", "42 intent")):
        with pytest.raises(InvalidValueError, match="contradicts itself"):
            _record.parse(line)


def test_a_record_of_a_newer_version_is_left_for_an_upgrade() -> None:
    with pytest.raises(InvalidValueError) as caught:
        _record.parse(LINE.replace('"version":1', '"version":2,"new":1').replace('"phase":"done"', '"phase":{}'))
    assert str(caught.value) == (
        "The record of drive '1310211169' in instance 'nbu_a' was written by a newer version of this collection (2,"
        " this one knows 1); it was left as it is. Upgrade the collection on this controller."
    )


def test_a_wrong_record_is_not_written() -> None:
    with pytest.raises(InvalidValueError, match="must have target as online, offline or none, not 'error'"):
        _record.format(replace(RECORD, target="error"))


def test_a_record_of_another_site_is_refused() -> None:
    _record.require_site(None, "here")
    _record.require_site(RECORD, "here")
    with pytest.raises(ForeignSiteError, match="belongs to site 'here', not 'there'; it was left as it is"):
        _record.require_site(RECORD, "there")


def test_a_raw_record_is_the_text_and_keeps_its_stamp_aside() -> None:
    raw = RawRecord(f"{LINE} #n.1.2")
    assert raw == LINE
    assert raw.stamp == "n.1.2"
    assert raw.line == f"{LINE} #n.1.2"
    assert copy.deepcopy(raw).stamp == "n.1.2"
    assert RawRecord(LINE).stamp is None
    assert RawRecord(LINE).line == LINE
