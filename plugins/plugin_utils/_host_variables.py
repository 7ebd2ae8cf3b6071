# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables that describe a host, checked to the letter, and how they override what was found on it.

Pure. Private: may change at any time. Every function takes the variable's value, None where it is not set, and raises
InvalidValueError with the place as its author wrote it: ``drive_sharing_ports[2].id must be ...``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _application
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers as identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

SCOPES = ("host", "instance")
STATES = ("online", "offline", "unknown")

# A device file of Unix, or a device name of Windows (\\.\Tape0).
_DEVICE = re.compile(r"[/\\][ -~]{1,254}")
_WORDS = re.compile(r"[!-~](?:[ -~]{0,62}[!-~])?")
_TRUE, _FALSE = ("true", "yes"), ("false", "no")

Check = Callable[[Any, str], Any]


def drives(value: Any, what: str = "drive_sharing_drives") -> list[dict[str, Any]]:
    """Give the drives that a person described: only the keys that are given, normalised, and ``ignore``."""
    checks: dict[str, Check] = {
        "serial": identifiers.serial,
        "manufacturer_serial": identifiers.serial,
        "wwnn": identifiers.wwn,
        "wwpns": _list_of(identifiers.wwn),
        "vendor": _words,
        "model": _words,
        "devices": _list_of(_device),
        "paths": _list_of(_path),
        "location": identifiers.location,
        "library": identifiers.host_name,
        "ignore": _flag,
    }
    entries = [_mapping(entry, place, checks, required=("serial",)) for entry, place in _entries(value, what)]
    _once(entries, what, "serial number", lambda entry: entry["serial"])
    return [{"ignore": False, **entry} for entry in entries]


def ports(value: Any, what: str = "drive_sharing_ports") -> list[dict[str, Any]]:
    """Give the ports that a person described: protocol, id, the other keys that are given, and ``ignore``."""
    made = []
    for entry, place in _entries(value, what):
        checks: dict[str, Check] = {
            "protocol": _one_of(identifiers.PROTOCOLS),
            "id": lambda identifier, _place: identifier,
            "state": _one_of(STATES),
            "device": _words,
            "ignore": _flag,
        }
        checked = _mapping(entry, place, checks, required=("protocol", "id"))
        checked |= identifiers.port({"protocol": checked["protocol"], "id": checked["id"]}, place)
        made.append({"ignore": False, **checked})
    _once(made, what, "port", lambda entry: (entry["protocol"], entry["id"]))
    return made


def applications(value: Any, host: str, what: str = "drive_sharing_applications") -> list[dict[str, Any]]:
    """Give the applications on the host: application, instance, control_points, scope and options, with their defaults."""
    checks: dict[str, Check] = {
        "application": identifiers.application_name,
        "instance": identifiers.instance_name,
        "control_points": _list_of(identifiers.host_name),
        "scope": _one_of(SCOPES),
        "options": _options,
    }
    made = []
    for entry, place in _entries(value, what):
        checked = _mapping(entry, place, checks, required=("application",))
        if checked.get("control_points") == []:
            _refuse(f"{place}.control_points", "a list of at least one host", "an empty one")
        if "instance" not in checked:
            checked["instance"] = identifiers.instance_name(host, f"{place}.instance (by default the host's name)")
        made.append({"control_points": [host], "scope": _scope(checked, place), "options": {}, **checked})
    for number, entry in enumerate(made):
        first = next(index for index, other in enumerate(made) if other["instance"] == entry["instance"])
        if first != number:
            msg = (
                f"{what}[{number}].instance must be another than that of {what}[{first}], {entry['instance']}: "
                "name the instance of each application on a host that has several"
            )
            raise InvalidValueError(msg)
    return made


def _scope(entry: Mapping[str, Any], place: str) -> str:
    """Give the scope: the one given, else that which goes with control points, else what the application has first."""
    name = entry["application"]
    try:
        scopes = _application.load(name).SCOPES
    except InvalidValueError as exc:
        msg = f"{place}.{exc}"
        raise InvalidValueError(msg) from exc
    scope = entry.get("scope", "instance" if "control_points" in entry else scopes[0])
    # Control points tell for the whole instance; with a state for each host, each host tells for itself.
    if "control_points" in entry and scope != "instance":
        _refuse(f"{place}.scope", "instance where control_points are given", "host")
    if scope not in scopes:
        if "scope" in entry:
            _refuse(f"{place}.scope", f"{scopes[0]} for application {name}, the only one that it has", scope)
        msg = (
            f"{place}.control_points must not be given for application {name}: it has a state of its own on each host, so each"
            " host that sees the drive is asked"
        )
        raise InvalidValueError(msg)
    return str(scope)


def managed(value: Any, what: str = "drive_sharing_managed") -> bool | list[str]:
    """Give which drives of the host are shared: all (the default), none, or those with the serial numbers listed."""
    if value is None:
        return True
    if isinstance(value, (list, tuple)):
        return list(dict.fromkeys(identifiers.serial(entry, f"{what}[{place}]") for place, entry in enumerate(value)))
    try:
        return _flag(value, what)
    except InvalidValueError:
        _refuse(what, "true, false or a list of serial numbers", identifiers.shown(value))


def discover(value: Any, what: str = "drive_sharing_discover") -> bool:
    """Say whether the host is asked (the default), or only its variables count."""
    return True if value is None else _flag(value, what)


def instances(entries: Iterable[Mapping[str, Any]], which: bool | Sequence[str]) -> list[dict[str, Any]]:
    """Give the instances of a host as the drive table takes them."""
    keys = ("instance", "application", "control_points", "scope")
    return [
        {**{key: entry[key] for key in keys}, "managed": which if isinstance(which, bool) else list(which)}
        for entry in entries
    ]


def absent(entries: Iterable[Mapping[str, Any]], inventory: Collection[str]) -> list[str]:
    """Say which control points the inventory does not have; nobody would be told there."""
    return [
        f"Control point {point} of instance {entry['instance']} is not in the inventory, so it cannot be told about a drive;"
        " correct drive_sharing_applications, or add it to the inventory."
        for entry in entries
        for point in dict.fromkeys(entry["control_points"])
        if point not in inventory
    ]


def merge(
    found: Mapping[str, Any], manual_drives: Iterable[Mapping[str, Any]], manual_ports: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """Give the host's facts after a person has had the last word.

    What is described and was found is ``overridden``: the keys that are given win. What was not found is ``manual``.
    What is to be ignored is not in the facts.
    """
    blank_drive: dict[str, Any] = {
        "serial": None,
        "manufacturer_serial": None,
        "wwnn": None,
        "wwpns": [],
        "vendor": None,
        "model": None,
        "devices": [],
        "paths": [],
        "origin": "manual",
        "location": None,
        "library": None,
    }
    blank_port: dict[str, Any] = {"protocol": None, "id": None, "state": "unknown", "device": None, "origin": "manual"}
    merged_drives = _merge(found["drives"], manual_drives, blank_drive, lambda drive: drive["serial"])
    merged_ports = _merge(found["ports"], manual_ports, blank_port, lambda port: (port["protocol"], port["id"]))
    return {"drives": merged_drives, "ports": merged_ports, "notes": list(found["notes"])}


def ignored(drives_: Iterable[Mapping[str, Any]], ports_: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Give the drives' serial numbers and the ports that a person wants forgotten, not kept as missing."""
    return {
        "drives": [entry["serial"] for entry in drives_ if entry["ignore"]],
        "ports": [{"protocol": entry["protocol"], "id": entry["id"]} for entry in ports_ if entry["ignore"]],
    }


def _merge(
    found: Iterable[Mapping[str, Any]],
    manual: Iterable[Mapping[str, Any]],
    blank: Mapping[str, Any],
    key_of: Callable[[Mapping[str, Any]], Any],
) -> list[dict[str, Any]]:
    merged = {key_of(entry): dict(entry) for entry in found}
    for entry in manual:
        key = key_of(entry)
        if entry["ignore"]:
            merged.pop(key, None)
            continue
        given = {name: value for name, value in entry.items() if name != "ignore"}
        origin = "overridden" if key in merged else "manual"
        merged[key] = {**merged.get(key, blank), **given, "origin": origin}
    return [merged[key] for key in sorted(merged)]


def _entries(value: Any, what: str) -> list[tuple[Any, str]]:
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        _refuse(what, "a list of mappings", identifiers.shown(value))
    return [(entry, f"{what}[{place}]") for place, entry in enumerate(value)]


def _mapping(value: Any, what: str, checks: Mapping[str, Check], required: Sequence[str] = ()) -> dict[str, Any]:
    """Check a mapping key by key; a key that is set to null counts as not given."""
    if not isinstance(value, Mapping):
        _refuse(what, f"a mapping with the keys {_and(checks)}", identifiers.shown(value))
    for key in value:
        if key not in checks:
            _refuse(what, f"a mapping with the keys {_and(checks)} only", identifiers.shown(key))
    for key in required:
        if value.get(key) is None:
            msg = f"{what}.{key} must be given"
            raise InvalidValueError(msg)
    return {key: check(value[key], f"{what}.{key}") for key, check in checks.items() if value.get(key) is not None}


def _once(entries: Sequence[Any], what: str, name: str, key_of: Callable[[Any], Any]) -> None:
    seen: dict[Any, int] = {}
    for number, entry in enumerate(entries):
        first = seen.setdefault(key_of(entry), number)
        if first != number:
            msg = f"{what}[{number}] must have another {name} than {what}[{first}]: each is described once"
            raise InvalidValueError(msg)


def _list_of(check: Check) -> Check:
    def checked(value: Any, what: str) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            _refuse(what, "a list", identifiers.shown(value))
        return [check(entry, f"{what}[{place}]") for place, entry in enumerate(value)]

    return checked


def _one_of(words: Sequence[str]) -> Check:
    def checked(value: Any, what: str) -> str:
        if not isinstance(value, str) or value not in words:
            _refuse(what, f"one of {_and(words)}", identifiers.shown(value))
        return words[words.index(value)]

    return checked


def _path(value: Any, what: str) -> dict[str, Any]:
    checks: dict[str, Check] = {"device": _device, "port": identifiers.port, "target_port": identifiers.port}
    return {"device": None, "port": None, "target_port": None, **_mapping(value, what, checks)}


def _device(value: Any, what: str) -> str:
    if not isinstance(value, str) or not _DEVICE.fullmatch(value):
        _refuse(what, "a device file such as /dev/nst0, in printable ASCII", identifiers.shown(value))
    return str.__str__(value)


def _words(value: Any, what: str) -> str:
    if not isinstance(value, str) or not _WORDS.fullmatch(value):
        _refuse(what, "a text of 1 to 64 printable ASCII characters", identifiers.shown(value))
    return str.__str__(value)


def _flag(value: Any, what: str) -> bool:
    if isinstance(value, bool):
        return value
    # Inventories in INI form, and --extra-vars key=value, give text.
    if not isinstance(value, str) or value.lower() not in _TRUE + _FALSE:
        _refuse(what, "true or false", identifiers.shown(value))
    return value.lower() in _TRUE


def _options(value: Any, what: str) -> dict[str, Any]:
    """Check that the options are a mapping; what is in it is the application's own affair."""
    if not isinstance(value, Mapping):
        _refuse(what, "a mapping", identifiers.shown(value))
    return dict(value)


def _and(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}"


def _refuse(what: str, form: str, found: str) -> NoReturn:
    msg = f"{what} must be {form}, not {found}"
    raise InvalidValueError(msg)
