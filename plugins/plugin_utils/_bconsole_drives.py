# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which devices of the storage daemons of Bacula or Bareos a drive is. Private: may change at any time.

They know no serial numbers. A device is a drive's if its device file is one that the host of the storage daemon has for
the drive, or if a person says so. Whatever else it might be is refused in one sentence.
"""

from __future__ import annotations

import abc
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bconsole import Device, Status
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bconsole_options import Place, Storage


@dataclass(frozen=True)
class Way:
    """A device, and the storage and number by which the director sets it."""

    device: Device
    storage: str
    index: int | None


class RefusedError(Exception):
    """It cannot be told which device a drive is, or how it is set; the message is the sentence."""


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


class Drives(abc.ABC):
    """The drives that are asked about, among the devices that were read. A product says of itself how they are set."""

    #: As in application_<role>, and its name to people.
    role = ""
    product = ""

    def __init__(self, options: Mapping[str, Any], targets: Sequence[Target], statuses: Sequence[Status]) -> None:
        self.options = options
        self.statuses = {status.storage: status for status in statuses}
        #: All devices of each storage daemon; two storages of one daemon show the same ones.
        self.all_devices: dict[str, dict[str, Device]] = {}
        for status in statuses:
            if not status.problem:
                self.all_devices.setdefault(status.daemon, {}).update(status.devices)
        self._owners: dict[tuple[str, str], list[str]] = {}
        self._ways: dict[str, list[Way]] = {}
        self._problems: dict[str, str] = {}
        matched: dict[str, list[tuple[str, Device]]] = {}
        for drive, places in options["devices"].items():
            for daemon, device in self.placed(places):
                self._own(daemon, device, drive)
        for target in targets:
            try:
                matched[target.drive] = self._match(target)
            except RefusedError as exc:
                self._problems[target.drive] = str(exc)
            for daemon, device in matched.get(target.drive, []):
                self._own(daemon, device, target.drive)
        for target in targets:
            try:
                if target.drive not in self._problems:
                    self._ways[target.drive] = self._how(target, matched[target.drive])
            except RefusedError as exc:
                self._problems[target.drive] = str(exc)

    def problem(self, target: Target) -> str:
        """Give why nothing can be said of a drive; empty if it can."""
        return self._problems.get(target.drive, "")

    def ways(self, target: Target) -> list[Way]:
        """Give the devices that a drive is; none: the product does not have it."""
        return self._ways.get(target.drive, [])

    def online(self, kinds: Collection[str]) -> int:
        """Count the drives that are enabled somewhere: those that are known, and other devices of these types."""
        found = set()
        for daemon, devices in self.all_devices.items():
            for device in devices.values():
                owners = self._owners.get((daemon, device.name))
                if device.state == "online" and (owners or device.kind in kinds):
                    found.add(owners[0] if owners else (daemon, device.name))
        return len(found)

    def pools(self) -> dict[str, int]:
        """Count the drives of each autochanger that are enabled: a job that asks for it can use no others."""
        found: dict[str, int] = {}
        for pool, (daemon, members) in self._changers().items():
            devices = [self.all_devices[daemon][name] for name in members if name in self.all_devices[daemon]]
            drives = {
                (self._owners.get((daemon, device.name)) or [device.name])[0] for device in devices if device.state == "online"
            }
            found[pool] = len(drives)
        return found

    def pools_of(self, target: Target) -> tuple[str, ...]:
        """Give the autochangers in which a drive is enabled."""
        online = {way.device.name for way in self.ways(target) if way.device.state == "online"}
        mine = {(daemon, name) for (daemon, name), owners in self._owners.items() if target.drive in owners and name in online}
        return tuple(
            pool for pool, (daemon, members) in self._changers().items() if any((daemon, name) in mine for name in members)
        )

    def _changers(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Give daemon and devices of each autochanger; two storages of one daemon show the same ones."""
        return {
            f"{changer} at {status.daemon}": (status.daemon, members)
            for status in self.statuses.values() if not status.problem for changer, members in status.changers.items()
        }

    def _own(self, daemon: str, device: Device, drive: str) -> None:
        owners = self._owners.setdefault((daemon, device.name), [])
        if drive not in owners:
            owners.append(drive)

    # Which device

    def _match(self, target: Target) -> list[tuple[str, Device]]:
        storages = concerned(self.options, target)
        places = self.options["devices"].get(target.drive)
        files = _files(self.options, target)
        if not places and not files:
            raise RefusedError(
                "no device file of it is known on any host of the instance, so it cannot be told which of"
                f" {self.product}'s devices it is; name the device in application_{self.role}_devices, or give its device files"
                " in drive_sharing_drives"
            )
        if not storages:
            raise RefusedError(
                f"none of application_{self.role}_storages is on a host that sees it ({', '.join(sorted(files))}); correct their"
                f" hosts, name its device in application_{self.role}_devices, or leave it out of drive_sharing_managed there"
            )
        for storage in storages:
            if self.statuses[storage.name].problem:
                raise RefusedError(self.statuses[storage.name].problem)
        found = self._by_hand(places) if places else self._by_file(files, storages)
        if not found:
            self._nothing_hidden(storages)
        return found

    def _by_hand(self, places: Sequence[Place]) -> list[tuple[str, Device]]:
        found = []
        for place in places:
            some = self.placed([place])
            if not some:
                where = f"storage {place.storage}" if place.storage else "all storages"
                raise RefusedError(
                    f"application_{self.role}_devices names device {place.device} for it, but the storage daemon of {where} has"
                    f" {self._known(place.storage)}"
                )
            if len(some) > 1:
                raise RefusedError(
                    f"application_{self.role}_devices names device {place.device} for it, but several storage daemons have one:"
                    f" {', '.join(daemon for daemon, _device in some)}; give the storage with it"
                )
            found += [one for one in some if one not in found]
        return found

    def placed(self, places: Sequence[Place]) -> list[tuple[str, Device]]:
        found: list[tuple[str, Device]] = []
        for place in places:
            status = self.statuses.get(place.storage or "")
            daemons = [status.daemon] if status and not status.problem else [] if place.storage else list(self.all_devices)
            found += [
                (daemon, self.all_devices[daemon][place.device]) for daemon in daemons if place.device in self.all_devices[daemon]
            ]
        return found

    def _known(self, storage: str | None) -> str:
        daemons = [self.statuses[storage].daemon] if storage else list(self.all_devices)
        return ", ".join(sorted({name for daemon in daemons for name in self.all_devices[daemon]})) or "none"

    def _by_file(self, files: Mapping[str, Sequence[str]], storages: Sequence[Storage]) -> list[tuple[str, Device]]:
        found: dict[tuple[str, str], Device] = {}
        for storage in storages:
            status = self.statuses[storage.name]
            for device in status.devices.values():
                if self._is_file_of(storage, device.path, files):
                    found[status.daemon, device.name] = device
        return [(daemon, device) for (daemon, _name), device in found.items()]

    def _nothing_hidden(self, storages: Sequence[Storage]) -> None:
        """A device that its daemon could not open shows no device file: it may be any drive."""
        for storage in storages:
            daemon = self.statuses[storage.name].daemon
            for device in self.all_devices[daemon].values():
                if not device.path and (daemon, device.name) not in self._owners:
                    raise RefusedError(
                        f"the storage daemon of storage {storage.name} shows no device file of device {device.name}, so it may"
                        f" be this drive; mend that device, or say in application_{self.role}_devices which drive it is"
                    )

    def _is_file_of(self, storage: Storage, path: str, files: Mapping[str, Sequence[str]]) -> bool:
        """Say whether a device file of the storage's daemon is one of the drive's; ``files``: those by host."""
        if storage.host is not None:
            return path in files.get(storage.host, ())
        having = [host for host, some in files.items() if path in some]
        others = [host for host in files if host not in having]
        if having and others:
            # On another host the same file may be another drive.
            raise RefusedError(
                f"storage {storage.name} has {path}, which is this drive on {', '.join(sorted(having))} but not on"
                f" {', '.join(sorted(others))}; give the host of its storage daemon in application_{self.role}_storages"
            )
        return bool(having)

    # How it is set

    def _how(self, target: Target, matched: Sequence[tuple[str, Device]]) -> list[Way]:
        ways = []
        for daemon, device in matched:
            owners = self._owners[daemon, device.name]
            if len(owners) > 1:
                raise RefusedError(f"{self.product}'s device {device.name} would be several drives: {', '.join(sorted(owners))}")
            ways.append(self.way(target, daemon, device))
        return ways

    @abc.abstractmethod
    def way(self, target: Target, daemon: str, device: Device) -> Way:
        """Say by which storage a device is set; raises RefusedError."""
