# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This machine's tape drives by serial number, from Linux' sysfs, and one conversation with one of them.

Private: may change at any time. Names of devices (sg0) change with every rescan, so they are only where one begins: who is
asked about a reservation is asked first who he is. sysfs keeps page 80h as it was at the scan, and libraries give a new drive
in an old place the names of the old one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _sg, _spc_state, _vpd
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Answer, Reading

#: Of SCSI devices: sequential access (SPC-3 6.4.2, table 83).
_TAPE = "1"
#: INQUIRY with EVPD, page 80h (SPC-3 6.4): carried out whoever holds the drive, and it takes no unit attention away.
LENGTH = 252
WHO = bytes((_sg.INQUIRY, 1, _vpd.UNIT_SERIAL_NUMBER, 0, LENGTH, 0))


class OpenDevice(Protocol):
    """What `_sg.Device` is, and what stands in for it in tests."""

    def send(self, cdb: bytes, length: int) -> Answer:
        """Send a command."""

    def close(self) -> None:
        """End the conversation."""


Open = Callable[[str], OpenDevice]


def find(root: str = "/") -> dict[str, tuple[str, ...]]:
    """Give the sg nodes of each drive, one for each path to it, in the order of their addresses."""
    found: dict[str, list[str]] = {}
    folder = Path(root, "sys/class/scsi_device")
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(folder), key=_address):
            with contextlib.suppress(OSError, InvalidValueError):
                for serial, node in _drive(folder / name / "device"):
                    found.setdefault(serial, []).append(f"/dev/{node}")
    return {serial: tuple(nodes) for serial, nodes in found.items()}


def _drive(device: Path) -> Iterator[tuple[str, str]]:
    if (device / "type").read_text().strip() != _TAPE:
        return
    serial = _vpd.serial((device / "vpd_pg80").read_bytes())
    for node in os.listdir(device / "scsi_generic"):
        yield serial, node


def _address(name: str) -> list[int]:
    parts = name.split(":")
    return [int(part) for part in parts] if all(part.isdecimal() for part in parts) else []


def ask(
    open_device: Open, path: str, serial: str, decision: Callable[[Mapping[str, Answer]], Reading] = _spc_state.decide
) -> Reading:
    """Read the reservation of a drive through one of its device files; never an exception."""
    device: OpenDevice | None = None
    try:
        device = open_device(path)
        strange = stranger(device, path, serial)
        return strange or _spc_state.converse(device.send, decision)
    except Exception as exc:  # noqa: BLE001  a fault of ours must cost one reading only
        return Reading(why=f"a fault of the collection: {exc!r:.200}")
    finally:
        if device is not None:
            device.close()


def stranger(device: OpenDevice, path: str, serial: str) -> Reading | None:
    """Say so if it is not the drive with this serial number that answers."""
    for _turn in range(_spc_state.TURNS):
        answer = device.send(WHO, LENGTH)
        kind, why = _spc_state.judge(answer)
        if kind != "again":
            break
    if kind != "good":
        return Reading(why=f"INQUIRY: {why or 'it answered RESERVATION CONFLICT'}", gone=answer.gone)
    try:
        found = _vpd.serial(answer.data)
    except InvalidValueError as exc:
        return Reading(why=f"it cannot be told which drive {path} is: {exc}", gone=True)
    if found != serial:
        return Reading(why=f"{path} is drive {found} by now", gone=True)
    return None
