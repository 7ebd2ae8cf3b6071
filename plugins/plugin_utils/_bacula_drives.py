# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which devices of Bacula's storage daemons a drive is, and by which storage each is set. Private: may change at any time.

Bacula knows no serial numbers. A device is a drive's if its device file is one that the host of the storage daemon has for
the drive, or if a person says so. Whatever else it might be is refused in one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bacula_options import Place, Storage
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bacula_status import Device, Status

_NAME = re.compile(r"(.*) \(storage=(.*) drive=([0-9]+)\)")


@dataclass(frozen=True)
class Way:
    """A device, and the storage and number by which the director sets it."""

    device: Device
    storage: str
    index: int


class _RefusedError(Exception):
    """It cannot be told which device a drive is, or how it is set; the message is the sentence."""


def name_of(way: Way) -> str:
    """Give the name under which a drive is set, in the words of bconsole."""
    return f"{way.device.name} (storage={way.storage} drive={way.index})"


def parts_of(name: str) -> tuple[str, str, str]:
    """Give device, storage and number of a name that ``name_of`` made."""
    match = _NAME.fullmatch(name)
    if not match:
        msg = f"{name!r} is no name of a drive in Bacula"
        raise ValueError(msg)
    return match[1], match[2], match[3]


def concerned(options: Mapping[str, Any], target: Target) -> list[Storage]:
    """Give the storages where the drive may be: those a person names for it, else those of hosts that see it."""
    places = options["devices"].get(target.drive)
    if places and all(place.storage for place in places):
        return [storage for storage in options["storages"] if storage.name in {place.storage for place in places}]
    if places:
        return list(options["storages"])
    files = _files(options, target)
    return [storage for storage in options["storages"] if storage.host is None or files.get(storage.host)]


def _files(options: Mapping[str, Any], target: Target) -> dict[str, tuple[str, ...]]:
    """Give the device files of the drive by host of the instance."""
    here = {options.get("control_point") or "the control point": tuple(target.devices)}
    return {host: tuple(files) for host, files in {**target.elsewhere, **here}.items() if files}


class Drives:
    """The drives that are asked about, among the devices that were read."""

    def __init__(self, options: Mapping[str, Any], targets: Sequence[Target], statuses: Sequence[Status]) -> None:
        self._options = options
        self._statuses = {status.storage: status for status in statuses}
        #: All devices of each storage daemon; two storages of one daemon show the same ones.
        self._devices: dict[str, dict[str, Device]] = {}
        for status in statuses:
            if not status.problem:
                self._devices.setdefault(status.daemon, {}).update(status.devices)
        self._owners: dict[tuple[str, str], list[str]] = {}
        self._ways: dict[str, list[Way]] = {}
        self._problems: dict[str, str] = {}
        matched: dict[str, list[tuple[str, Device]]] = {}
        for drive, places in options["devices"].items():
            for daemon, device in self._placed(places):
                self._own(daemon, device, drive)
        for target in targets:
            try:
                matched[target.drive] = self._match(target)
            except _RefusedError as exc:
                self._problems[target.drive] = str(exc)
            for daemon, device in matched.get(target.drive, []):
                self._own(daemon, device, target.drive)
        for target in targets:
            try:
                if target.drive not in self._problems:
                    self._ways[target.drive] = self._how(target, matched[target.drive])
            except _RefusedError as exc:
                self._problems[target.drive] = str(exc)

    def problem(self, target: Target) -> str:
        """Give why nothing can be said of a drive; empty if it can."""
        return self._problems.get(target.drive, "")

    def ways(self, target: Target) -> list[Way]:
        """Give the devices that a drive is; none: Bacula does not have it."""
        return self._ways.get(target.drive, [])

    def online(self, kinds: Collection[str]) -> int:
        """Count the drives that are enabled somewhere: those that are known, and other devices of these types."""
        found = set()
        for daemon, devices in self._devices.items():
            for device in devices.values():
                owners = self._owners.get((daemon, device.name))
                if device.state == "online" and (owners or device.kind in kinds):
                    found.add(owners[0] if owners else (daemon, device.name))
        return len(found)

    def _own(self, daemon: str, device: Device, drive: str) -> None:
        owners = self._owners.setdefault((daemon, device.name), [])
        if drive not in owners:
            owners.append(drive)

    # Which device

    def _match(self, target: Target) -> list[tuple[str, Device]]:
        storages = concerned(self._options, target)
        places = self._options["devices"].get(target.drive)
        files = _files(self._options, target)
        if not places and not files:
            raise _RefusedError(
                "no device file of it is known on any host of the instance, so it cannot be told which of Bacula's devices it"
                " is; name the device in application_bacula_devices, or give its device files in drive_sharing_drives"
            )
        if not storages:
            raise _RefusedError(
                f"none of application_bacula_storages is on a host that sees it ({', '.join(sorted(files))}); correct their hosts,"
                " name its device in application_bacula_devices, or leave it out of drive_sharing_managed there"
            )
        for storage in storages:
            if self._statuses[storage.name].problem:
                raise _RefusedError(self._statuses[storage.name].problem)
        found = self._by_hand(places) if places else self._by_file(files, storages)
        if not found:
            self._nothing_hidden(storages)
        return found

    def _by_hand(self, places: Sequence[Place]) -> list[tuple[str, Device]]:
        found = []
        for place in places:
            some = self._placed([place])
            if not some:
                where = f"storage {place.storage}" if place.storage else "all storages"
                raise _RefusedError(
                    f"application_bacula_devices names device {place.device} for it, but the storage daemon of {where} has"
                    f" {self._known(place.storage)}"
                )
            if len(some) > 1:
                raise _RefusedError(
                    f"application_bacula_devices names device {place.device} for it, but several storage daemons have one:"
                    f" {', '.join(daemon for daemon, _device in some)}; give the storage with it"
                )
            found += [one for one in some if one not in found]
        return found

    def _placed(self, places: Sequence[Place]) -> list[tuple[str, Device]]:
        found: list[tuple[str, Device]] = []
        for place in places:
            status = self._statuses.get(place.storage or "")
            daemons = [status.daemon] if status and not status.problem else [] if place.storage else list(self._devices)
            found += [
                (daemon, self._devices[daemon][place.device]) for daemon in daemons if place.device in self._devices[daemon]
            ]
        return found

    def _known(self, storage: str | None) -> str:
        daemons = [self._statuses[storage].daemon] if storage else list(self._devices)
        return ", ".join(sorted({name for daemon in daemons for name in self._devices[daemon]})) or "none"

    def _by_file(self, files: Mapping[str, Sequence[str]], storages: Sequence[Storage]) -> list[tuple[str, Device]]:
        found: dict[tuple[str, str], Device] = {}
        for storage in storages:
            status = self._statuses[storage.name]
            for device in status.devices.values():
                if _is_file_of(storage, device.path, files):
                    found[status.daemon, device.name] = device
        return [(daemon, device) for (daemon, _name), device in found.items()]

    def _nothing_hidden(self, storages: Sequence[Storage]) -> None:
        """A device that its daemon could not open shows no device file: it may be any drive."""
        for storage in storages:
            daemon = self._statuses[storage.name].daemon
            for device in self._devices[daemon].values():
                if not device.path and (daemon, device.name) not in self._owners:
                    raise _RefusedError(
                        f"the storage daemon of storage {storage.name} shows no device file of device {device.name}, so it may"
                        " be this drive; mend that device, or say in application_bacula_devices which drive it is"
                    )

    # How it is set

    def _how(self, target: Target, matched: Sequence[tuple[str, Device]]) -> list[Way]:
        ways = []
        for daemon, device in matched:
            owners = self._owners[daemon, device.name]
            if len(owners) > 1:
                raise _RefusedError(f"Bacula's device {device.name} would be several drives: {', '.join(sorted(owners))}")
            ways.append(self._way(target, daemon, device))
        return ways

    def _way(self, target: Target, daemon: str, device: Device) -> Way:
        unknown = []
        for storage in self._options["storages"]:
            status = self._statuses.get(storage.name)
            if status is None or status.problem or status.daemon != daemon:
                continue
            if status.reaches is None and len(self._devices[daemon]) > 1:
                unknown.append(storage.name)
            elif status.reaches in (None, device.name):
                # It acts on its only device, whatever the number.
                return Way(device, storage.name, device.index or 0)
            elif device.name in status.changers.get(str(status.reaches), ()):
                return Way(device, storage.name, self._index(target, status, device))
        if unknown:
            raise _RefusedError(
                f"it is not known which devices storage {unknown[0]} stands for: let the console use show (CommandACL), or give"
                " its device in application_bacula_storages"
            )
        raise _RefusedError(
            f"Bacula has it as device {device.name} of the storage daemon at {daemon}, but none of application_bacula_storages"
            " stands for that device or its autochanger; add one"
        )

    def _index(self, target: Target, status: Status, device: Device) -> int:
        """The drive index that the storage daemon itself shows, or what a person says where it shows none."""
        given = next(
            (
                place.index for place in self._options["devices"].get(target.drive, ())
                if place.index is not None and (status.daemon, device) in self._placed([place])
            ),
            None,
        )
        if given is not None and device.index not in (None, given):
            raise _RefusedError(
                f"application_bacula_devices says drive {given} of device {device.name}, but its storage daemon says"
                f" {device.index}"
            )
        index = given if device.index is None else device.index
        if index is None:
            raise _RefusedError(
                f"the storage daemon does not show the drive index of device {device.name}; give it as drive in"
                " application_bacula_devices"
            )
        others = [
            name for name in status.changers[str(status.reaches)]
            if name != device.name and name in status.devices and status.devices[name].index == index
        ]
        if others:
            raise _RefusedError(
                f"devices {', '.join(sorted([device.name, *others]))} of autochanger {status.reaches} have the same drive index"
                f" {index}, so neither can be set; correct the storage daemon's configuration"
            )
        return index


def _is_file_of(storage: Storage, path: str, files: Mapping[str, Sequence[str]]) -> bool:
    """Say whether a device file of the storage's daemon is one of the drive's; ``files``: those by host."""
    if storage.host is not None:
        return path in files.get(storage.host, ())
    having = [host for host, some in files.items() if path in some]
    others = [host for host in files if host not in having]
    if having and others:
        # On another host the same file may be another drive.
        raise _RefusedError(
            f"storage {storage.name} has {path}, which is this drive on {', '.join(sorted(having))} but not on"
            f" {', '.join(sorted(others))}; give the host of its storage daemon in application_bacula_storages"
        )
    return bool(having)
