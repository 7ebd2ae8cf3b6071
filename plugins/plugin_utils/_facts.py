# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the paths and ports that a platform found to the facts of a host, alike for all platforms.

Pure. Private: may change at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_NAMED_AT_MOST = 4


@dataclass(frozen=True)
class Path:
    """A drive, seen through one initiator port of the host and one port of its own."""

    #: The host's own name of the path, for sentences, and its device files, the one to show first.
    where: str
    devices: tuple[str, ...]
    serial: str
    manufacturer_serial: str | None = None
    #: The name of the logical unit, in any form: two units with one serial are told apart by it.
    unit: str | None = None
    wwnn: str | None = None
    wwpns: tuple[str, ...] = ()
    vendor: str | None = None
    model: str | None = None
    port: Mapping[str, str] | None = None
    target_port: Mapping[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.where} ({self.devices[0]})" if self.devices else self.where


def port(protocol: str, identifier: str, state: str, device: str | None) -> dict[str, Any]:
    """Give a port that was found; ``state`` is ``online``, ``offline`` or ``unknown``."""
    return {"protocol": protocol, "id": identifier, "state": state, "device": device, "origin": "found"}


def ports(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Make one port of those with one name (sessions, phys): online if one of them is."""
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in found:
        known = merged.setdefault((entry["protocol"], entry["id"]), dict(entry))
        if "online" in (entry["state"], known["state"]):
            known["state"] = "online"
        elif "offline" in (entry["state"], known["state"]):
            known["state"] = "offline"
        known["device"] = known["device"] or entry["device"]
    return [merged[key] for key in sorted(merged)]


def drives(
    paths: Iterable[Path], files: Mapping[str, Iterable[str]] | None = None
) -> tuple[list[dict[str, Any]], list[str]]:
    """Make one drive of the paths with one serial number; give the drives and notes on what was left out.

    ``files`` are device files that are known by serial number only, not by path.
    """
    notes: list[str] = []
    by_serial: dict[str, list[Path]] = {}
    for path in paths:
        by_serial.setdefault(path.serial, []).append(path)
    for serial, of_serial in list(by_serial.items()):
        units = {path.unit: path for path in reversed(of_serial) if path.unit}
        if len(units) > 1:
            seen = " and ".join(f"{path} named {unit}" for unit, path in reversed(units.items()))
            notes.append(
                f"Serial number {serial} is claimed by {len(units)} different drives, {seen}; they were left out. "
                "Give each drive a serial number of its own in the library."
            )
            del by_serial[serial]
    shared = _shared(by_serial, notes)
    made = [_drive(of_serial, shared, (files or {}).get(serial, ())) for serial, of_serial in sorted(by_serial.items())]
    return made, notes


def _names(path: Path) -> set[str]:
    """Give the WWNs by which a library may mean the drive of this path."""
    return {*_port_names(path), *([path.wwnn] if path.wwnn else [])}


def _port_names(path: Path) -> set[str]:
    target = path.target_port
    return {*path.wwpns, *([target["id"]] if target and target["protocol"] in ("fc", "sas") else [])}


def _shared(by_serial: Mapping[str, Iterable[Path]], notes: list[str]) -> set[str]:
    """Find names that several drives have (bridges and virtual libraries have many units behind one port)."""
    owners: dict[str, list[str]] = {}
    for serial, of_serial in by_serial.items():
        for name in set().union(*(_names(path) for path in of_serial)):
            owners.setdefault(name, []).append(serial)
    shared = {name: sorted(serials) for name, serials in owners.items() if len(serials) > 1}
    for name, serials in sorted(shared.items()):
        rest = len(serials) - _NAMED_AT_MOST
        shown = ", ".join(serials[:_NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")
        notes.append(f"WWN {name} serves several drives ({shown}), so none of them is known by it.")
    return set(shared)


def _drive(paths: list[Path], shared: set[str], files: Iterable[str]) -> dict[str, Any]:
    def first(attribute: str) -> Any:
        return next((value for value in (getattr(path, attribute) for path in paths) if value), None)

    wwnn = next((path.wwnn for path in paths if path.wwnn and path.wwnn not in shared), None)
    wwpns = set().union(*(_port_names(path) for path in paths)) - shared
    return {
        "serial": paths[0].serial,
        "manufacturer_serial": first("manufacturer_serial"),
        "wwnn": wwnn,
        "wwpns": sorted(wwpns),
        "vendor": first("vendor"),
        "model": first("model"),
        "devices": list(dict.fromkeys([*(device for path in paths for device in path.devices), *files])),
        "paths": [
            {
                "device": path.devices[0] if path.devices else None,
                "port": dict(path.port) if path.port else None,
                "target_port": dict(path.target_port) if path.target_port else None,
            }
            for path in paths
        ],
        "origin": "found",
        "location": None,
        "library": None,
    }
