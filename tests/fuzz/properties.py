# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is true of structured input, whatever it is: the language of SNMP maps, and the change.

Hypothesis writes this input, and makes it small when something is wrong: octets would hardly ever become a map. Every
input can be written as JSON, so that one that failed can be kept.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _change, _resolve, _source
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _snmp_map, _snmp_map_check
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_maps import MIB, SHIPPED
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.tests.fuzz import junk
from ansible_collections.tapeworks.drive_sharing.tests.fuzz.targets import check_sentence

_SCHEMA = Path(__file__).resolve().parents[2] / "extensions/eda/plugins/event_source/schemas/change.json"


@cache
def _validator() -> Any:
    return jsonschema.Draft202012Validator(json.loads(_SCHEMA.read_text(encoding="utf-8")))


def _check_change(change: Any) -> None:
    error = jsonschema.exceptions.best_match(_validator().iter_errors(change))
    assert error is None, f"{error.message} in {change}"


# The change

_TEXT = st.one_of(st.text(max_size=70), st.sampled_from(junk.TEXTS))
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), _TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_TEXT, inner, max_size=4)),
    max_leaves=8,
)
_WWN = st.from_regex(r"\A(0x)?[0-9a-fA-F]{15,17}\Z|\A([0-9A-F]{2}[:-]){7}[0-9a-f]{2}\Z")
_IQN = st.from_regex(
    r"\A(iqn\.[0-9]{4}-[0-9]{2}\.[a-z.:_-]{1,20}|eui\.[0-9A-F]{16}|naa\.[0-9a-f]{16})(,i,0x[0-9a-f]{1,12})?\Z"
)
_PORT = st.one_of(
    st.fixed_dictionaries({"protocol": st.sampled_from(["fc", "sas"]), "id": _WWN}),
    st.fixed_dictionaries({"protocol": st.just("iscsi"), "id": _IQN}),
    st.fixed_dictionaries({"protocol": st.just("ip"), "id": st.ip_addresses().map(str)}),
    st.just({"protocol": None, "id": None}),
    _JSON,
)
_SERIAL = st.one_of(st.from_regex(r"\A[0-9A-Z][0-9A-Za-z._-]{0,20} {0,3}\Z"), _JSON)
_TIME = st.one_of(
    st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat()),
    st.from_regex(
        r"\A[0-9]{4}-?[01][0-9]-?[0-3][0-9]T[0-2][0-9]:?[0-5][0-9](:?[0-6][0-9][.,][0-9]{1,9})?(Z|[+-][0-9:]{2,8})\Z"
    ),
    _JSON,
)
_FIELDS = {
    "version": st.one_of(st.just(1), _JSON),
    "drive": _SERIAL,
    "status": st.one_of(st.sampled_from(["reserved", "released"]), _JSON),
    "holders": st.one_of(st.lists(_PORT, max_size=3), _JSON),
    "port": st.one_of(st.none(), _PORT),
    "sequence": st.one_of(st.integers(-1, 10**16), _JSON),
    "observed_at": _TIME,
    "library": st.one_of(st.none(), st.just("library_01"), _JSON),
    "detector": st.one_of(st.sampled_from(["snmp", "scsi", "webhook", "manual"]), _JSON),
}
CHANGES = st.one_of(
    st.fixed_dictionaries(_FIELDS),
    st.fixed_dictionaries(
        {**_FIELDS, "version": st.just(1), "status": st.just("reserved"), "port": st.none(), "library": st.none(),
         "holders": st.lists(_PORT, min_size=1, max_size=5), "detector": st.just("snmp"), "sequence": st.integers(1, 10**15)}
    ),
    st.fixed_dictionaries({}, optional={**_FIELDS, "more": _JSON}),
    _JSON,
)  # fmt: skip


def check_change(value: Any) -> None:
    """A change is refused with a sentence, or comes out in a form that fits the schema and stays as it is."""
    try:
        change = _change.validate(value)
    except InvalidValueError as exc:
        check_sentence(str(exc))
    else:
        _check_change(change)
        assert _change.validate(change) == change
        assert set(change) == set(_change.KEYS)
    # What a detector tells goes the same way, but for the sequence.
    rest = (
        {key: item for key, item in value.items() if key not in ("version", "sequence")}
        if isinstance(value, dict)
        else value
    )
    try:
        one = _change.observation(rest)
    except InvalidValueError as exc:
        check_sentence(str(exc))
    else:
        _check_observation(one)


def _check_observation(one: _change.Observation) -> None:
    _check_change(
        {
            "version": 1, "drive": one.drive, "status": one.status, "holders": list(one.holders), "port": one.port, "sequence": 1,
            "observed_at": one.observed_at, "library": one.library, "detector": one.detector,
        }
    )  # fmt: skip


# The map


def _mostly(good: Any) -> Any:
    """Give something good, and junk now and then: a map with much junk is refused for the first of it."""
    return st.integers(0, 15).flatmap(lambda number: good if number else _JSON)


_E = "1.3.6.1.4.1.99999"
_OID = _mostly(
    st.one_of(
        st.sampled_from([f"{_E}.{part}" for part in (1, 2, 3, 4, 5)]),
        st.sampled_from([f".{_E}.1", f"{MIB}.1.1", "1.3", "2.999", _E, "0.0"]),
        st.from_regex(r"\A\.?[0-2](\.[0-9]{1,10}){1,5}\Z"),
    )
)
_PATTERN = _mostly(
    st.sampled_from([
        "port=(\\S+)", "[0-9]+", "(a)(b)", "(", "(?i)wwpn", "^", "(x)?y*", "\\d{16}", "a{99999999999999999999}", "(" * 3000, "(?P<n>.)",
        "(?#", "\\", "[", "\udc80", "(?<=a{2,3})b", "x" * 5000, "(?:a|b)" * 50, ".*", "(.+)", "(y)|x", "",
    ])
)  # fmt: skip
_STATUS = st.sampled_from(["reserved", "released", "ignore"])
_PROTOCOL = st.sampled_from(["fc", "sas", "iscsi", "ip", "unknown"])


def _source_of(words: Any, *, values: bool = False, optional: bool = False) -> Any:
    """Give a source; ``values``: they are needed; ``optional``: it may be."""
    meanings = st.dictionaries(
        st.sampled_from(["1", "2", "0", "*", "fc", "", "\x1f"]), _mostly(words), min_size=1, max_size=4
    )
    more: dict[str, Any] = {"pattern": _PATTERN}
    if optional:
        more["optional"] = _mostly(st.booleans())
    if not values:
        more["values"] = _mostly(meanings)
    needed = {"oid": _OID, "values": meanings} if values else {"oid": _OID}
    return _mostly(
        st.one_of(st.fixed_dictionaries(needed, optional=more), st.fixed_dictionaries({"value": _mostly(words)}))
    )


_PORTS = _mostly(
    st.fixed_dictionaries(
        {"protocol": _source_of(_PROTOCOL, values=True), "id": _source_of(st.one_of(_WWN, _IQN, _TEXT), optional=True)}
    )
)
_PARTS = {
    "holders": _PORTS, "port": _PORTS, "boots": _source_of(_TEXT), "counter": _source_of(_TEXT), "time": _source_of(_TEXT),
    "library": st.one_of(
        _source_of(_TEXT), st.fixed_dictionaries({"senders": _mostly(st.just({"192.0.2.10": "library_01"}))})
    ),
}  # fmt: skip
_DRIVE = st.one_of(
    st.just({"by": "serial", "oid": f"{_E}.1"}),
    st.just({"by": "wwpn", "oid": f"{_E}.3"}),
    st.builds(
        lambda by, source: {"by": by, **source},
        st.sampled_from(_snmp_map_check.DRIVE_KEYS),
        _source_of(st.one_of(_WWN, st.just("F1,C2"), _TEXT)).filter(lambda source: isinstance(source, dict)),
    ),
)
_FULL = st.fixed_dictionaries(
    {
        "notification": st.one_of(st.just(f"{_E}.0.1"), _OID),
        "drive": _mostly(_DRIVE),
        "status": st.one_of(
            st.just({"oid": f"{_E}.2", "values": {"1": "reserved", "*": "released"}}), _source_of(_STATUS, values=True)
        ),
    },
    optional=_PARTS,
)
_ENTRY = _mostly(
    st.one_of(
        _FULL, _FULL, st.sampled_from([*SHIPPED, "none"]),
        st.fixed_dictionaries({"use": st.sampled_from(list(SHIPPED))}, optional=_PARTS),
    )
)  # fmt: skip
#: Name, type and value of a variable.
_VARIABLE = st.tuples(
    st.sampled_from(
        [f"{_E}.{part}" for part in ("1.0", "2.0", "3.1", "3.2", "4.0", "5.1", "5.2")]
        + [f"{MIB}.1.{part}" for part in ("1.0", "2.0", "3.1.2.1", "3.1.3.1", "4.0", "5.0", "6.0", "7.0", "8.0", "9.0")]
    ),
    st.sampled_from(["octets", "number", "address", "oid", "nothing"]),
    st.one_of(
        _TEXT, _WWN, _IQN, st.sampled_from(["1", "2", "1310211169", "F1,C2,R3", "192.0.2.7", "2026-11-22T06:00:34+00:00"]),
        st.binary(max_size=12).map(lambda octets: octets.decode("latin-1")), st.integers(-(2**31), 2**64).map(str),
    ),
)  # fmt: skip
#: What a good notification has; a variable may be replaced.
_GOOD = [
    (f"{_E}.1.0", "octets", "1310211169"), (f"{_E}.2.0", "number", "\1"), (f"{_E}.3.1", "octets", "500507630f44be07"),
    (f"{MIB}.1.1.0", "octets", "1310211169"), (f"{MIB}.1.2.0", "number", "\1"), (f"{MIB}.1.3.1.2.1", "number", "\1"),
    (f"{MIB}.1.3.1.3.1", "octets", "10000090fa1658de"), (f"{MIB}.1.6.0", "number", "\1"), (f"{MIB}.1.7.0", "number", "\2"),
]  # fmt: skip
_VARIABLES = st.one_of(
    st.lists(_VARIABLE, max_size=10),
    st.lists(_VARIABLE, max_size=3).map(lambda more: [*{one[0]: one for one in [*_GOOD, *more]}.values()]),
)
MAPS = st.tuples(st.lists(_ENTRY, min_size=1, max_size=2), _VARIABLES)


def _value(kind: str, text: str) -> Any:
    octets = text.encode("utf-8", "surrogatepass")
    match kind:
        case "octets":
            # As octets of their own if they can be.
            return octets if any(ord(char) > 255 for char in text) else text.encode("latin-1")
        case "number":
            return int.from_bytes(octets[:8], "big", signed=True)
        case "address":
            return ipaddress.IPv4Address((octets + bytes(4))[:4])
        case "oid":
            return tuple(octets[:200])
    return None


def check_map(value: Any) -> None:
    """A map is refused with a sentence, or gives changes that the table takes, or refuses notifications with a sentence."""
    maps, variables = value
    try:
        entries = _snmp_map_check.check_maps(maps, "snmp.maps")
    except InvalidValueError as exc:
        # It may name the object identifier of another map.
        check_sentence(str(exc), 3000)
        return
    varbinds = tuple((_snmp_map.oid(name), _value(kind, text)) for name, kind, text in variables)
    envelope = _snmp_map.Envelope("192.0.2.10", "sender", "r1", 1_800_000_000.0)
    for entry in entries:
        try:
            fields = _snmp_map.translate(entry, varbinds, envelope)
        except InvalidValueError as exc:
            check_sentence(str(exc), 3000)
            continue
        if fields is None:
            continue
        key, rest = _source._parts(fields)
        kind, name, _library = _resolve._key(key)
        assert key[kind] == name, "the table would look for another drive than the map tells"
        _check_observation(_change.Observation(drive=name if kind == "serial" else "0", **rest))
        assert fields["origin"].isprintable()
        assert len(fields["origin"]) < 400


#: By name: what is checked, of input that can be written as JSON.
NAMES: dict[str, Callable[[Any], None]] = {"map": check_map, "change": check_change}
STRATEGIES: dict[str, Any] = {"map": MAPS, "change": CHANGES}
