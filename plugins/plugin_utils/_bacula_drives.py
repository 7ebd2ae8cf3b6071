# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By which storage a drive is set in Bacula. Private: may change at any time."""

from __future__ import annotations

import re

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _bconsole_drives
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bacula_status import Device, Status
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bconsole_drives import (
    RefusedError,
    Way,
    concerned,
)

__all__ = ["Drives", "Way", "concerned", "name_of", "parts_of"]

_NAME = re.compile(r"(.*) \(storage=(.*) drive=([0-9]+)\)")


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


class Drives(_bconsole_drives.Drives):
    """The drives that are asked about, among the devices that were read."""

    role = "bacula"
    product = "Bacula"

    def way(self, target: Target, daemon: str, device: Device) -> Way:
        """Find the storage that stands for the device or its autochanger."""
        unknown = []
        for storage in self.options["storages"]:
            status = self.statuses.get(storage.name)
            if status is None or status.problem or status.daemon != daemon:
                continue
            if status.reaches is None and len(self.all_devices[daemon]) > 1:
                unknown.append(storage.name)
            elif status.reaches in (None, device.name):
                # It acts on its only device, whatever the number.
                return Way(device, storage.name, device.index or 0)
            elif device.name in status.changers.get(str(status.reaches), ()):
                return Way(device, storage.name, self._index(target, status, device))
        if unknown:
            raise RefusedError(
                f"it is not known which devices storage {unknown[0]} stands for: let the console use show (CommandACL), or give"
                " its device in application_bacula_storages"
            )
        raise RefusedError(
            f"Bacula has it as device {device.name} of the storage daemon at {daemon}, but none of application_bacula_storages"
            " stands for that device or its autochanger; add one"
        )

    def _index(self, target: Target, status: Status, device: Device) -> int:
        """The drive index that the storage daemon itself shows, or what a person says where it shows none."""
        given = next(
            (
                place.index for place in self.options["devices"].get(target.drive, ())
                if place.index is not None and (status.daemon, device) in self.placed([place])
            ),
            None,
        )
        if given is not None and device.index not in (None, given):
            raise RefusedError(
                f"application_bacula_devices says drive {given} of device {device.name}, but its storage daemon says"
                f" {device.index}"
            )
        index = given if device.index is None else device.index
        if index is None:
            raise RefusedError(
                f"the storage daemon does not show the drive index of device {device.name}; give it as drive in"
                " application_bacula_devices"
            )
        others = [
            name for name in status.changers[str(status.reaches)]
            if name != device.name and name in status.devices and status.devices[name].index == index
        ]
        if others:
            raise RefusedError(
                f"devices {', '.join(sorted([device.name, *others]))} of autochanger {status.reaches} have the same drive index"
                f" {index}, so neither can be set; correct the storage daemon's configuration"
            )
        return index
