# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that Bacula and Bareos have in common, in their final form. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: What they take as the name of a resource; no quotes, so that a name stays within its quotes in a dialogue.
_NAME = re.compile(r"[A-Za-z0-9_.:/$-](?:[A-Za-z0-9_.:/$ -]{0,125}[A-Za-z0-9_.:/$-])?")
MOST_RECHECK = 3600
MOST_INDEX = 9999


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


@dataclass(frozen=True)
class Checks:
    """Validates; every message names the option as the user wrote it.

    ``role``: as in application_<role>; ``product``: its name to people; the keys: those that an entry may have.
    """

    role: str
    product: str
    storage_keys: tuple[str, ...]
    device_keys: tuple[str, ...]

    def storages(self, value: Any) -> list[Storage]:
        """Check the storages of the director."""
        if not isinstance(value, (list, tuple)) or not value:
            self.refuse("storages", "a list of at least one storage of the director", value)
        found: list[Storage] = []
        for place, entry in enumerate(value):
            what = f"storages[{place}]"
            given = self._entry(what, entry, self.storage_keys)
            host = given.get("host")
            storage = Storage(
                self._name(f"{what}.name", given["name"]),
                None if host is None else _identifiers.host_name(host, f"application_{self.role}_{what}.host"),
                self._optional_name(f"{what}.device", given.get("device")),
            )
            if storage.name in [one.name for one in found]:
                msg = f"application_{self.role}_storages must name each storage once, but {storage.name} is there twice"
                raise InvalidValueError(msg)
            found.append(storage)
        return found

    def devices(self, value: Any, storages: Sequence[Storage]) -> dict[str, tuple[Place, ...]]:
        """Check which devices drives are by hand."""
        if not isinstance(value, Mapping):
            self.refuse("devices", "a dictionary of serial number to device", value)
        found: dict[str, tuple[Place, ...]] = {}
        for serial, entries in value.items():
            what = f"devices[{str(serial)[:64]}]"
            drive = _identifiers.serial(str(serial), f"application_{self.role}_{what}: its key")
            some = entries if isinstance(entries, (list, tuple)) else [entries]
            if not some:
                self.refuse(what, "a device or a list of devices", entries)
            found[drive] = tuple(self._place(what, entry, [storage.name for storage in storages]) for entry in some)
        self._once(found)
        return found

    def _place(self, what: str, entry: Any, storages: Sequence[str]) -> Place:
        given = self._entry(what, entry, self.device_keys)
        index = given.get("drive")
        place = Place(
            self._name(f"{what}.device", given["device"]),
            self._optional_name(f"{what}.storage", given.get("storage")),
            None if index is None else self.whole(f"{what}.drive", index, MOST_INDEX),
        )
        if place.storage is not None and place.storage not in storages:
            msg = f"application_{self.role}_{what}.storage must be one of application_{self.role}_storages, not {place.storage}"
            raise InvalidValueError(msg)
        return place

    def _once(self, drives: Mapping[str, Sequence[Place]]) -> None:
        """Refuse a device that is given to two drives; two storage daemons may each have a device of the same name."""
        owners: dict[str, list[tuple[str | None, str]]] = {}
        for drive, places in drives.items():
            for place in places:
                for storage, other in owners.setdefault(place.device, []):
                    if other != drive and (storage == place.storage or None in (storage, place.storage)):
                        msg = (
                            f"application_{self.role}_devices must give a device to one drive only, but {place.device} is that"
                            f" of {other} and of {drive}; give the storage with it if there are two of that name"
                        )
                        raise InvalidValueError(msg)
                owners[place.device].append((place.storage, drive))

    def _entry(self, what: str, entry: Any, keys: Sequence[str]) -> Mapping[str, Any]:
        """Give an entry as a dictionary; the first of the keys is needed, and a text alone is its value."""
        if isinstance(entry, str):
            return {keys[0]: entry}
        if not isinstance(entry, Mapping) or entry.get(keys[0]) is None:
            self.refuse(what, f"a name, or a dictionary with the key {keys[0]}", entry)
        unknown = sorted(str(key) for key in entry if key not in keys)
        if unknown:
            msg = f"application_{self.role}_{what} must have no key {unknown[0][:60]!r}; there are {', '.join(keys)}"
            raise InvalidValueError(msg)
        return entry

    def command(self, value: Any) -> list[str]:
        """Check how bconsole is called."""
        good = isinstance(value, (list, tuple)) and value and all(isinstance(word, str) and "\0" not in word for word in value)
        if not good or not value[0] or value[0].startswith("-"):
            self.refuse("console_command", "a list of words with the command first", value)
        return list(value)

    def path(self, value: Any) -> str:
        """Check where bconsole's configuration is."""
        if not isinstance(value, str) or not value.startswith("/") or not value.isprintable():
            self.refuse("console_file", "an absolute path", value)
        return value

    def _name(self, what: str, value: Any) -> str:
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            form = f"a name as {self.product} takes it: up to 127 letters, digits, blanks and '_.:/$-'"
            self.refuse(what, form, value)
        return value

    def _optional_name(self, what: str, value: Any) -> str | None:
        return None if value is None else self._name(what, value)

    def whole(self, what: str, value: Any, most: int) -> int:
        """Check a whole number."""
        # Inventories in INI form, and --extra-vars key=value, give text.
        text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
        if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) > most:
            self.refuse(what, f"a whole number from 0 to {most}", value)
        return int(text)

    def flag(self, what: str, value: Any) -> bool:
        """Check what is true or false."""
        if isinstance(value, str) and value.lower() in ("true", "yes", "false", "no"):
            return value.lower() in ("true", "yes")
        if not isinstance(value, bool):
            self.refuse(what, "true or false", value)
        return value

    def refuse(self, what: str, form: str, value: Any) -> NoReturn:
        """Say what an option has to be."""
        msg = f"application_{self.role}_{what} must be {form}, not {str(value)[:60]!r}"
        raise InvalidValueError(msg)
