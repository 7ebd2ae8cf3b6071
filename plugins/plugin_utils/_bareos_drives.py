# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By which storage a drive is set in Bareos. Private: may change at any time."""

from __future__ import annotations

import re

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _bconsole_drives
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bareos_status import LEVEL, Device
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bconsole_drives import (
    RefusedError,
    Way,
    concerned,
)

__all__ = ["Drives", "Way", "concerned", "name_of", "parts_of"]

_NAME = re.compile(r"(.*) \(storage=(.*?)(?: drive=([0-9]+))?\)")


def name_of(way: Way) -> str:
    """Give the name under which a drive is set, in the words of bconsole."""
    return f"{way.device.name} (storage={way.storage}{'' if way.index is None else f' drive={way.index}'})"


def parts_of(name: str) -> tuple[str, str, str]:
    """Give device, storage and number, which may be empty, of a name that ``name_of`` made."""
    match = _NAME.fullmatch(name)
    if not match:
        msg = f"{name!r} is no name of a drive in Bareos"
        raise ValueError(msg)
    return match[1], match[2], match[3] or ""


class Drives(_bconsole_drives.Drives):
    """The drives that are asked about, among the devices that were read."""

    role = "bareos"
    product = "Bareos"

    def way(self, target: Target, daemon: str, device: Device) -> Way:
        """Find a storage that shows the device; raises RefusedError where it cannot be read or would not be heeded."""
        storage = next(
            status.storage for status in self.statuses.values() if status.daemon == daemon and device.name in status.devices
        )
        if self.options["method"] == "unmount":
            return Way(device, storage, device.index or 0)
        if device.path and device.state == "other":
            raise RefusedError(
                f"the storage daemon of storage {storage} does not show Auto Select of device {device.name}, because its debug"
                f" level is below {LEVEL}: start it with -d {LEVEL}, or let application_bareos_set_debug be true"
            )
        if " " in device.name:
            # The director sends the name as it is, and the storage daemon reads it up to the blank.
            raise RefusedError(
                f"Bareos cannot set device {device.name}, because its name has a blank: rename it, or use"
                " application_bareos_method unmount"
            )
        in_changer = any(
            device.name in members
            for status in self.statuses.values() if status.daemon == daemon for members in status.changers.values()
        )
        if device.index is None and not in_changer:
            raise RefusedError(
                f"device {device.name} is in no autochanger, and only there Bareos heeds autoselect: its jobs would go on using"
                " the drive; use application_bareos_method unmount, or give it an autochanger of its own"
            )
        return Way(device, storage, None)
