# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host's facts as rows of the associations, checked at the door. Pure. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _history, _identifiers, _rows
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

ORIGINS = ("found", "manual", "overridden")
SCOPES = ("host", "instance")
STATES = ("online", "offline", "unknown")

_TEXT_LIMIT = 255
#: More device files than a drive has on any host: paths x (rewinding, not rewinding, densities).
_LIST_LIMIT = 512


@dataclass
class HostRows:
    """What the tables hold of one host."""

    host: str
    #: drive: (devices, detail, origin), the first two as JSON.
    paths: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    #: (protocol, id): (state, device, origin).
    ports: dict[tuple[str, str], tuple[str, str | None, str]] = field(default_factory=dict)
    #: (drive, kind, value, library)
    attributes: set[tuple[str, str, str, str]] = field(default_factory=set)
    #: instance, application, control points (with blanks between them), scope, managed (JSON).
    instances: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    #: What is to be forgotten, not kept as missing.
    ignored_drives: set[str] = field(default_factory=set)
    ignored_ports: set[tuple[str, str]] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    #: Sentences about entries that were left out.
    problems: list[str] = field(default_factory=list)

    def manages(self, managed: str, drive: str) -> int:
        """Whether an instance of this host shares a drive, by its managed column."""
        value = _rows.loads(managed)
        return int(drive in value if isinstance(value, list) else bool(value))


def host_rows(host: Any, facts: Any, instances: Any) -> HostRows:
    """Check a host's facts and instances; a wrong drive or port is left out with a sentence.

    Raises InvalidValueError for what a person wrote wrongly: the host, its instances, the shape of the facts.
    """
    rows = HostRows(_identifiers.host_name(host))
    if not isinstance(facts, Mapping):
        msg = f"The facts of host {rows.host} must be a mapping, not {_identifiers.shown(facts)}"
        raise InvalidValueError(msg)
    for entry in _merged(rows, "drives", facts.get("drives"), _serial_of):
        _drive(rows, entry)
    for entry in _merged(rows, "ports", facts.get("ports"), _port_of):
        _port(rows, entry)
    rows.notes = [_history.clean(note, 500) for note in _entries(rows.host, "notes", facts.get("notes"))[:100]]
    _instances(rows, instances)
    return rows


def _entries(host: str, what: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        msg = f"{what} in the facts of host {host} must be a list, not {_identifiers.shown(value)}"
        raise InvalidValueError(msg)
    return list(value)


def _serial_of(entry: Mapping[str, Any]) -> str:
    return _identifiers.serial(entry.get("serial"))


def _port_of(entry: Mapping[str, Any]) -> tuple[str, str]:
    port = _identifiers.port({"protocol": entry.get("protocol"), "id": entry.get("id")})
    return str(port["protocol"]), str(port["id"])


def _merged(
    rows: HostRows, what: str, value: Any, key_of: Callable[[Mapping[str, Any]], Any]
) -> Iterable[dict[str, Any]]:
    """Give one entry for each drive or port: what a person wrote wins over what was found, ``ignore`` over both."""
    found: dict[Any, dict[str, Any]] = {}
    for place, entry in enumerate(_entries(rows.host, what, value)):
        try:
            if not isinstance(entry, Mapping):
                msg = f"it must be a mapping, not {_identifiers.shown(entry)}"
                raise InvalidValueError(msg)
            key = key_of(entry)
        except InvalidValueError as exc:
            rows.problems.append(f"Host {rows.host}: {what}[{place}] was left out: {exc}.")
            continue
        if entry.get("ignore") is True:
            (rows.ignored_drives if what == "drives" else rows.ignored_ports).add(key)
            continue
        old = found.get(key)
        origin = entry.get("origin", "found")
        if old is None:
            found[key] = {**entry, "origin": origin}
        elif (origin == "manual") == (old["origin"] == "manual"):
            # A drive on several paths may be listed once for each.
            found[key] = {**old, **_given(entry), **_joined(old, entry), "origin": old["origin"]}
        else:
            by_hand, other = (entry, old) if origin == "manual" else (old, entry)
            found[key] = {**other, **_given(by_hand), "origin": "overridden"}
    ignored = rows.ignored_drives if what == "drives" else rows.ignored_ports
    return [entry for key, entry in found.items() if key not in ignored]


def _given(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value not in (None, [], "")}


def _joined(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    joined = {}
    for key in ("devices", "paths", "wwpns"):
        values = [*_list(old.get(key)), *_list(new.get(key))]
        joined[key] = [value for place, value in enumerate(values) if value not in values[:place]]
    return joined


def _list(value: Any) -> list[Any]:
    return list(value)[:_LIST_LIMIT] if isinstance(value, (list, tuple)) else []


def _text(value: Any) -> str | None:
    return None if value is None else _history.clean(value, _TEXT_LIMIT)


def _drive(rows: HostRows, entry: Mapping[str, Any]) -> None:
    drive = _serial_of(entry)
    try:
        library = None if entry.get("library") is None else _identifiers.host_name(entry["library"], "its library")
        location = None if entry.get("location") is None else _identifiers.location(entry["location"], "its location")
        wwnn = None if entry.get("wwnn") is None else _identifiers.wwn(entry["wwnn"], "its wwnn")
        wwpns = [_identifiers.wwn(value, "its wwpns") for value in _list(entry.get("wwpns"))]
        paths = [_path(path) for path in _list(entry.get("paths"))]
    except InvalidValueError as exc:
        rows.problems.append(f"Host {rows.host}: drive {drive} was left out: {exc}.")
        return
    devices = [_text(device) for device in _list(entry.get("devices"))]
    detail = {
        **{key: _text(entry.get(key)) for key in ("manufacturer_serial", "vendor", "model")},
        "wwnn": wwnn, "wwpns": wwpns, "location": location, "library": library, "paths": paths,
    }
    rows.paths[drive] = (_rows.dumps(devices), _rows.dumps(detail), _origin(entry))
    ends = [path["target_port"]["id"] for path in paths
            if path["target_port"] is not None and path["target_port"]["protocol"] == "fc"]
    for kind, values, where in (
        ("wwpn", [*wwpns, *ends], ""),
        ("wwnn", [wwnn], ""),
        ("location", [location], library or ""),
        ("library", [library], library or ""),
    ):
        rows.attributes |= {(drive, kind, value, where) for value in values if value is not None}


def _path(path: Any) -> dict[str, Any]:
    if not isinstance(path, Mapping):
        msg = f"its paths must be mappings, not {_identifiers.shown(path)}"
        raise InvalidValueError(msg)
    target = path.get("target_port")
    if isinstance(target, str):
        target = {"protocol": "fc", "id": target}
    return {
        "device": _text(path.get("device")),
        "port": None if path.get("port") is None else _identifiers.port(path["port"], "the port of its path"),
        "target_port": None if target is None else _identifiers.port(target, "the target_port of its path"),
    }


def _port(rows: HostRows, entry: Mapping[str, Any]) -> None:
    state = entry.get("state")
    rows.ports[_port_of(entry)] = (
        state if isinstance(state, str) and state in STATES else "unknown", _text(entry.get("device")), _origin(entry)
    )


def _origin(entry: Mapping[str, Any]) -> str:
    origin = entry.get("origin")
    return origin if isinstance(origin, str) and origin in ORIGINS else "found"


def _instances(rows: HostRows, instances: Any) -> None:
    names: set[str] = set()
    for entry in _entries(rows.host, "instances", instances):
        if not isinstance(entry, Mapping):
            msg = f"An instance of host {rows.host} must be a mapping, not {_identifiers.shown(entry)}"
            raise InvalidValueError(msg)
        name = _identifiers.instance_name(entry.get("instance", rows.host), f"an instance of host {rows.host}")
        if name in names:
            msg = f"Host {rows.host} has two instances named {name}; name the instance of each of its applications"
            raise InvalidValueError(msg)
        names.add(name)
        scope = entry.get("scope", "host")
        if scope not in SCOPES:
            msg = f"The scope of instance {name} on host {rows.host} must be host or instance"
            raise InvalidValueError(msg)
        points = entry.get("control_points") or [rows.host]
        points = [
            _identifiers.host_name(point, f"a control point of instance {name} on host {rows.host}")
            for point in _entries(rows.host, f"control_points of instance {name}", points)
        ]
        rows.instances.append((
            name, _history.clean(entry.get("application") or "", 64), " ".join(points), scope,
            _managed(rows, name, entry.get("managed", True)),
        ))
    if not rows.instances:
        # Its ports are known, and foreign to everybody else; there is nothing to set on it.
        rows.instances.append((rows.host[:64], "", rows.host, "host", "false"))


def _managed(rows: HostRows, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _rows.dumps(value)
    return _rows.dumps([
        _identifiers.serial(item, f"managed of instance {name} on host {rows.host}")
        for item in _entries(rows.host, f"managed of instance {name}", value)
    ])
