# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _change
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _webhook_map
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._webhook_arguments import check_map
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

PORT = {"protocol": "fc", "id": "10000090fa1658de"}
NOBODY = {"protocol": None, "id": None}
OWN = check_map("drive_sharing", "map")
ENVELOPE = _webhook_map.Envelope("192.0.2.20", "library1", "msg_1", 1_800_000_000.0)
CHANGE = {"drive": "1310211169", "status": "reserved", "holders": [PORT], "library": "lib1"}
#: A product's own form.
OTHER = {
    "items": "events",
    "drive": {"by": "wwpn", "path": "drive.wwn"},
    "status": {"path": "what", "values": {"RESERVED": "reserved", "RELEASED": "released", "*": "ignore"}},
    "holders": {"protocol": {"value": "fc"}, "id": {"path": "by.0", "pattern": "WWPN=([0-9A-Fa-f:]+)"}},
    "library": {"senders": {"192.0.2.20": "library1"}},
}


def translated(item: Any, entry: Any = OWN) -> Any:
    return _webhook_map.translate(entry, item, ENVELOPE)


def fault(item: Any, entry: Any = OWN) -> str:
    with pytest.raises(InvalidValueError) as raised:
        translated(item, entry)
    return str(raised.value)


def test_a_change_in_our_own_form_is_what_the_table_wants() -> None:
    fields = translated({**CHANGE, "observed_at": "2027-01-15T08:00:10+00:00"})
    assert fields == {
        "drive": {"serial": "1310211169"}, "library": "lib1", "status": "reserved", "holders": [PORT], "port": None,
        "observed_at": "2027-01-15T08:00:10.000000+00:00", "origin": "webhook library1 msg_1 1310211169 reserved",
        "detector": "webhook",
    }  # fmt: skip
    fields["drive"] = fields["drive"]["serial"]
    assert _change.observation(fields).holders == (PORT,)


def test_a_release_says_who_released_if_it_can() -> None:
    assert translated({"drive": "D1", "status": "released", "holders": [], "port": PORT})["port"] == PORT
    assert translated({"drive": "D1", "status": "released", "port": None})["port"] is None
    assert translated({"drive": "D1", "status": "released"})["holders"] == []


@pytest.mark.parametrize("holders", [None, [], [NOBODY], [PORT, NOBODY], [{"protocol": "unknown", "id": "x"}], [{"protocol": "fc"}]])
def test_a_holder_that_the_sender_cannot_name_is_somebody_unknown(holders: Any) -> None:
    assert translated({**CHANGE, "holders": holders})["holders"] == [NOBODY]


def test_the_form_of_a_product_is_translated() -> None:
    entry = check_map(OTHER, "map")
    body = {
        "events": [
            {"drive": {"wwn": "50:01:04:f0:00:b3:d8:10"}, "what": "RESERVED", "by": ["WWPN=10:00:00:90:FA:16:58:DE;"]},
            {"drive": {}, "what": "CLEANED"},
        ]
    }
    first, second = _webhook_map.items_of(entry, body)
    fields = translated(first, entry)
    assert (fields["drive"], fields["holders"], fields["library"]) == ({"wwpn": "500104f000b3d810"}, [PORT], "library1")
    assert translated(second, entry) is None


def test_one_change_or_many_may_be_in_a_body() -> None:
    assert _webhook_map.items_of(OWN, CHANGE) == [CHANGE]
    assert _webhook_map.items_of(OWN, [CHANGE, CHANGE]) == [CHANGE, CHANGE]
    with pytest.raises(InvalidValueError, match="tells of 501 changes; at most 500"):
        _webhook_map.items_of(OWN, [CHANGE] * 501)
    with pytest.raises(InvalidValueError, match=r"events \(the list of changes\) is missing"):
        _webhook_map.items_of(check_map(OTHER, "map"), {})


def test_what_is_missing_is_named_by_its_path() -> None:
    assert fault({"status": "reserved"}) == "drive (the drive's serial) is missing"
    assert fault({"drive": "D1"}) == "status (status) is missing"
    entry = check_map(OTHER, "map")
    assert fault({"what": "RESERVED", "drive": {"wwn": "500104f000b3d810"}}, entry) == "by.0 (holder's id) is missing"


@pytest.mark.parametrize("drive", [1310211169, True, 1.5, ["D1"], {"serial": "D1"}])
def test_a_drives_name_must_be_text_so_that_a_wrong_member_does_not_become_a_drive(drive: Any) -> None:
    assert fault({**CHANGE, "drive": drive}).startswith("drive (the drive's serial) must be text, not ")


@pytest.mark.parametrize(
    "item",
    [
        {**CHANGE, "drive": "D1; reboot"}, {**CHANGE, "drive": "D" * 1025}, {**CHANGE, "status": "taken"},
        {**CHANGE, "status": 1 << 70}, {**CHANGE, "library": "{{ lookup('pipe', 'id') }}"},
        {**CHANGE, "holders": [{"protocol": "fc", "id": "1000"}]}, {**CHANGE, "holders": [PORT] * 257}, "D1", None, 5,
    ],
)  # fmt: skip
def test_a_value_of_another_form_goes_no_further(item: Any) -> None:
    assert fault(item)


def test_a_time_that_cannot_be_believed_is_that_of_receipt() -> None:
    received = _change.timestamp(ENVELOPE.received_at)
    for told in ("2020-01-01T00:00:00+00:00", "yesterday", 5, None):
        assert translated({**CHANGE, "observed_at": told})["observed_at"] == received


@pytest.mark.parametrize("octets", [b"", b"{", b"\xff", b"NaN", b"[" * 100_000, b'{"a": 1' + b"0" * 5000 + b"}"])
def test_a_body_that_is_no_json_is_said_so(octets: bytes) -> None:
    with pytest.raises(InvalidValueError, match="its body is not JSON in UTF-8"):
        _webhook_map.body_of(octets)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | st.sampled_from(["fc", "reserved", "D1"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from([*CHANGE, "id", "protocol", "port", "events", "what", "by"]), inner, max_size=6),
    max_leaves=20,
)


@given(_JSON, st.sampled_from([OWN, check_map(OTHER, "map")]))
def test_no_body_raises_anything_else_or_makes_what_the_table_refuses(body: Any, entry: Any) -> None:
    try:
        for item in _webhook_map.items_of(entry, _webhook_map.body_of(json.dumps(body).encode())):
            fields = translated(item, entry)
            if fields is not None:
                fields["drive"] = "D1"
                _change.observation(fields)
    except InvalidValueError as exc:
        assert "\n" not in str(exc)
