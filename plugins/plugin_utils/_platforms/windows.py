# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

r"""Tape drives and initiator ports of a Windows host, from what host_facts_windows.ps1 gathers. Private: may change at any time.

UNVERIFIED: no real answer of a Windows host was at hand.

A drive is a unit of type ``TapePeripheral`` in ``HKLM\HARDWARE\DEVICEMAP\Scsi``, where the port driver (scsiport and storport)
writes down the serial number (VPD page 80h) and page 83h of each unit that it finds. So nobody has to open a drive for
that: Windows lets one program open it. The names of drives (``\\.\Tape0``) and their adapters are elsewhere, at the device
itself, which has bus, target and unit in common with the map, but not the adapter. Where two adapters see different drives
under one address, IBM's persistent names tell which is which, or nobody does: the drives are known then, their names are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _addresses as addresses
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _asked as asked
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _facts as facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers as identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import _windows_answers as read

SYSTEM = "Windows"

# HBA_PORTSTATE of the HBA API; 1 is "unknown".
_STATES = {"2": "online", **dict.fromkeys(("3", "4", "5", "6", "7", "8"), "offline")}
_PROTOCOLS = {"1": "fc", "fibre channel": "fc", "2": "iscsi", "iscsi": "iscsi", "3": "sas", "sas": "sas"}
_NAMES = {
    "fc": ("PortAddress", identifiers.wwn),
    "iscsi": ("NodeAddress", identifiers.iqn),
    "sas": ("PortAddress", identifiers.sas),
}


@dataclass(frozen=True)
class _Seen:
    """A unit of the map, and the device of Windows that it is, as far as that is known."""

    unit: read.Unit
    device: read.Device | None = None
    certain: bool = False


def parse(result: object) -> dict[str, Any]:
    """Give ``drives``, ``ports`` and ``notes`` from what the module returned."""
    answers = read.answers(result)
    notes = answers.notes()
    ports = _ports(answers, notes)
    units = read.units(answers.rows("scsi_map"))
    devices = read.devices(answers.rows("tape_drives"))
    serials = {unit.address: serial for unit in units if (serial := _serial(unit, notes))}
    known = [unit for unit in units if unit.address in serials]
    persistent = _persistent(answers, known, serials)
    seen = _joined(known, devices, serials, persistent, notes)
    drives, found_notes = facts.drives(
        [_path(each, serials[each.unit.address], ports, notes) for each in seen],
        {serial: [f"\\\\.\\tape{number}" for number in numbers] for serial, numbers in _numbers(persistent).items()},
    )
    used = {each.device.adapter for each in seen if each.device}
    for port in ports:
        if port["protocol"] == "iscsi" and (port["device"] or "").casefold() in used:
            port["state"] = "online"
    found = []
    for row in answers.rows("addresses"):
        interface = asked.printable(read.text(row.get("Description")))
        shown = [addresses.port(text, up=True, interface=interface or "") for text in read.texts(row.get("IPAddress"))]
        found += [{**address, "device": interface} for address in shown if address]
    if not units and not devices and not answers.problem("scsi_map"):
        notes.append("No tape drive was found: HKLM\\HARDWARE\\DEVICEMAP\\Scsi has no unit of type TapePeripheral.")
    return {
        "drives": drives,
        "ports": facts.ports([*ports, *found]),
        "notes": list(dict.fromkeys([*notes, *found_notes])),
    }


def _ports(answers: read.Answers, notes: list[str]) -> list[dict[str, Any]]:
    """Give the ports of both sources; the older one also has states."""
    older = {}
    for row in answers.rows("fc_ports"):
        instance = read.instance(row.get("InstanceName"))
        name = asked.named(
            identifiers.wwn, read.hexadecimal(row.get("PortWWN")), "A PortWWN of MSFC_FibrePortHBAAttributes", notes
        )
        if name:
            older[name] = facts.port("fc", name, _STATES.get(read.text(row.get("PortState")), "unknown"), instance)
    found = []
    for row in answers.rows("initiator_ports"):
        protocol = _protocol(row)
        if protocol:
            attribute, normal = _NAMES[protocol]
            what = f"The {attribute} of a port of MSFT_InitiatorPort"
            name = asked.named(normal, read.text(row.get(attribute)), what, notes)
            state = older[name]["state"] if name in older else "unknown"
            found += [facts.port(protocol, name, state, read.instance(row.get("InstanceName")))] if name else []
    known = {port["id"] for port in found}
    found += [port for name, port in older.items() if name not in known]
    if not any(port["protocol"] == "iscsi" for port in found):
        for row in answers.rows("iscsi_initiator"):
            name = asked.named(identifiers.iqn, read.text(row.get("iSCSINodeName")), "The iSCSINodeName", notes)
            found += [facts.port("iscsi", name, "unknown", None)] if name else []
    if not found and not answers.problem("initiator_ports"):
        notes.append("No initiator port was found: Get-InitiatorPort shows none.")
    return found


def _protocol(row: Mapping[str, Any]) -> str | None:
    """Give the protocol by the name or number of the connection, else by how the names look."""
    known = _PROTOCOLS.get(read.text(row.get("ConnectionType")).casefold())
    if known:
        return known
    if re.match(r"iqn\.|eui\.|naa\.", read.text(row.get("NodeAddress")), re.IGNORECASE):
        return "iscsi"
    return "fc" if re.fullmatch(r"(?:0x)?[0-9a-fA-F]{16}", read.text(row.get("PortAddress"))) else None


def _serial(unit: read.Unit, notes: list[str]) -> str | None:
    try:
        return identifiers.serial(unit.serial, "its serial number")
    except InvalidValueError as exc:
        reason = str(exc) if unit.serial.strip(" \0") else "the SCSI map has no serial number of it"
        notes.append(f"The tape drive at {unit} was left out: {reason}. Name it in drive_sharing_drives.")
        return None


def _persistent(
    answers: read.Answers, units: Iterable[read.Unit], serials: Mapping[tuple[int, ...], str]
) -> dict[str, str]:
    """Give the serial number by the number in the drive's persistent name."""
    names: dict[str, set[str]] = {}
    for unit in units:
        serial = serials[unit.address]
        for name in (serial, *unit.names()[0]):
            names.setdefault(name.casefold(), set()).add(serial)
    return read.persistent(
        answers.rows("persistent_names"), {name: min(of) for name, of in names.items() if len(of) == 1}
    )


def _numbers(persistent: Mapping[str, str]) -> dict[str, list[str]]:
    numbers: dict[str, list[str]] = {}
    for number, serial in sorted(persistent.items()):
        numbers.setdefault(serial, []).append(number)
    return numbers


def _joined(
    units: list[read.Unit],
    devices: list[read.Device],
    serials: Mapping[tuple[int, ...], str],
    persistent: Mapping[str, str],
    notes: list[str],
) -> list[_Seen]:
    """Find the device of each unit: those with a persistent name first, as they leave fewer for the others."""
    seen: dict[tuple[int, ...], _Seen] = {unit.address: _Seen(unit) for unit in units}
    doubtful = []
    for device in sorted(devices, key=lambda device: device.number not in persistent):
        alike = [unit for unit in units if device.may_be(unit)]
        if device.number in persistent:
            alike = [unit for unit in alike if serials[unit.address] == persistent[device.number]]
        free = [unit for unit in alike if not seen[unit.address].device]
        if len({serials[unit.address] for unit in free}) == 1:
            # Two paths to one drive: it does not matter which is which, but which of its ports is where is not known.
            others = [seen[unit.address] for unit in alike if unit is not free[0]]
            seen[free[0].address] = _Seen(free[0], device, certain=all(other.certain for other in others))
        elif free:
            doubtful.append(str(device))
        else:
            notes.append(
                f"The tape drive {device} was left out: the SCSI map has no serial number of it. Name it in drive_sharing_drives."
            )
    if doubtful:
        more = f" and {len(doubtful) - 4} more" if len(doubtful) > 4 else ""
        notes.append(
            f"Which drive is which of {', '.join(doubtful[:4])}{more} is not known, as several adapters show different drives at "
            "one address; switch persistent naming of IBM's driver on, or name their devices in drive_sharing_drives."
        )
    return list(seen.values())


def _path(each: _Seen, serial: str, ports: list[dict[str, Any]], notes: list[str]) -> facts.Path:
    unit, device = each.unit, each.device
    units, target_ports, problems = unit.names()
    notes += [f"Drive {serial} at {unit}: {problem}; the rest was used." for problem in problems]
    of_adapter = [port for port in ports if device and (port["device"] or "").casefold() == device.adapter]
    port = next(iter(of_adapter), ports[0] if len(ports) == 1 else None)
    if port is None:
        notes.append(f"The host's port to drive {serial} at {unit} has no name that can be known.")
    protocols = {port["protocol"]} if port else {known["protocol"] for known in ports} - {"iscsi"}
    target = next((name for name in target_ports if len(name) == 16), None)
    protocol = next(iter(protocols), "fc") if len(protocols) <= 1 else None
    said = target if each.certain or not device else None
    vendor, model = unit.identity
    return facts.Path(
        where=str(unit),
        devices=(device.name,) if device and device.name else (),
        serial=serial,
        unit=next(iter(units), None),
        wwnn=next((name for name in units if len(name) == 16), None),
        wwpns=(target,) if target else (),
        vendor=asked.printable(vendor),
        model=asked.printable(model),
        port={"protocol": port["protocol"], "id": port["id"]} if port else None,
        target_port={"protocol": protocol, "id": said} if said and protocol in ("fc", "sas") else None,
    )
