# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the application bacula in their final form. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

OPTIONS: dict[str, dict[str, Any]] = {
    "storages": {"type": "list", "elements": "raw", "required": True},
    "console_command": {"type": "list", "elements": "str", "default": ["bconsole"]},
    "console_file": {"type": "str", "default": "/etc/bacula/bconsole.conf"},
    "devices": {"type": "dict", "default": {}},
    "recheck": {"type": "int", "default": 60},
}

#: What Bacula takes as the name of a resource; no quotes, so that a name stays within its quotes in a dialogue.
_NAME = re.compile(r"[A-Za-z0-9_.:/$-](?:[A-Za-z0-9_.:/$ -]{0,125}[A-Za-z0-9_.:/$-])?")
_MOST_RECHECK = 3600
_MOST_INDEX = 9999


@dataclass(frozen=True)
class Storage:
    """A storage of the director that drives are set by.

    ``host``: the inventory host of its storage daemon; None: not said. ``device``: the device or autochanger of the
    storage daemon that it stands for; None: the director is asked.
    """

    name: str
    host: str | None = None
    device: str | None = None


@dataclass(frozen=True)
class Place:
    """Where a person says that a drive is: a device of a storage daemon."""

    device: str
    storage: str | None = None
    index: int | None = None


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """Validate; every message names the option as the user wrote it."""
    final: dict[str, Any] = {key: spec.get("default") for key, spec in OPTIONS.items()} | dict(options)
    final["storages"] = _storages(final["storages"])
    final["console_command"] = _command(final["console_command"])
    final["console_file"] = _path(final["console_file"])
    final["devices"] = _devices(final["devices"], [storage.name for storage in final["storages"]])
    final["recheck"] = float(_whole("recheck", final["recheck"], _MOST_RECHECK))
    return final


def _storages(value: Any) -> list[Storage]:
    if not isinstance(value, (list, tuple)) or not value:
        _refuse("storages", "a list of at least one storage of the director", value)
    found: list[Storage] = []
    for place, entry in enumerate(value):
        what = f"storages[{place}]"
        given = _entry(what, entry, ("name", "host", "device"))
        host = given.get("host")
        storage = Storage(
            _name(f"{what}.name", given["name"]),
            None if host is None else _identifiers.host_name(host, f"application_bacula_{what}.host"),
            _optional_name(f"{what}.device", given.get("device")),
        )
        if storage.name in [one.name for one in found]:
            msg = f"application_bacula_storages must name each storage once, but {storage.name} is there twice"
            raise InvalidValueError(msg)
        found.append(storage)
    return found


def _devices(value: Any, storages: Sequence[str]) -> dict[str, tuple[Place, ...]]:
    if not isinstance(value, Mapping):
        _refuse("devices", "a dictionary of serial number to device", value)
    found: dict[str, tuple[Place, ...]] = {}
    for serial, entries in value.items():
        what = f"devices[{str(serial)[:64]}]"
        drive = _identifiers.serial(str(serial), f"application_bacula_{what}: its key")
        some = entries if isinstance(entries, (list, tuple)) else [entries]
        if not some:
            _refuse(what, "a device or a list of devices", entries)
        found[drive] = tuple(_place(what, entry, storages) for entry in some)
    _once(found)
    return found


def _place(what: str, entry: Any, storages: Sequence[str]) -> Place:
    given = _entry(what, entry, ("device", "storage", "drive"))
    index = given.get("drive")
    place = Place(
        _name(f"{what}.device", given["device"]),
        _optional_name(f"{what}.storage", given.get("storage")),
        None if index is None else _whole(f"{what}.drive", index, _MOST_INDEX),
    )
    if place.storage is not None and place.storage not in storages:
        msg = f"application_bacula_{what}.storage must be one of application_bacula_storages, not {place.storage}"
        raise InvalidValueError(msg)
    return place


def _once(drives: Mapping[str, Sequence[Place]]) -> None:
    """Refuse a device that is given to two drives; two storage daemons may each have a device of the same name."""
    owners: dict[str, list[tuple[str | None, str]]] = {}
    for drive, places in drives.items():
        for place in places:
            for storage, other in owners.setdefault(place.device, []):
                if other != drive and (storage == place.storage or None in (storage, place.storage)):
                    msg = (
                        f"application_bacula_devices must give a device to one drive only, but {place.device} is that of"
                        f" {other} and of {drive}; give the storage with it if there are two of that name"
                    )
                    raise InvalidValueError(msg)
            owners[place.device].append((place.storage, drive))


def _entry(what: str, entry: Any, keys: Sequence[str]) -> Mapping[str, Any]:
    """Give an entry as a dictionary; the first of the keys is needed, and a text alone is its value."""
    if isinstance(entry, str):
        return {keys[0]: entry}
    if not isinstance(entry, Mapping) or entry.get(keys[0]) is None:
        _refuse(what, f"a name, or a dictionary with the key {keys[0]}", entry)
    unknown = sorted(str(key) for key in entry if key not in keys)
    if unknown:
        msg = f"application_bacula_{what} must have no key {unknown[0][:60]!r}; there are {', '.join(keys)}"
        raise InvalidValueError(msg)
    return entry


def _command(value: Any) -> list[str]:
    good = isinstance(value, (list, tuple)) and value and all(isinstance(word, str) and "\0" not in word for word in value)
    if not good or not value[0] or value[0].startswith("-"):
        _refuse("console_command", "a list of words with the command first", value)
    return list(value)


def _path(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith("/") or not value.isprintable():
        _refuse("console_file", "an absolute path", value)
    return value


def _name(what: str, value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        _refuse(what, "a name as Bacula takes it: up to 127 letters, digits, blanks and '_.:/$-'", value)
    return value


def _optional_name(what: str, value: Any) -> str | None:
    return None if value is None else _name(what, value)


def _whole(what: str, value: Any, most: int) -> int:
    # Inventories in INI form, and --extra-vars key=value, give text.
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) > most:
        _refuse(what, f"a whole number from 0 to {most}", value)
    return int(text)


def _refuse(what: str, form: str, value: Any) -> NoReturn:
    msg = f"application_bacula_{what} must be {form}, not {str(value)[:60]!r}"
    raise InvalidValueError(msg)
