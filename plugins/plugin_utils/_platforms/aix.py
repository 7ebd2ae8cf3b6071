# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tape drives and initiator ports of an AIX host. Private: may change at any time.

Everything comes from the device database (ODM): nothing is sent to a drive, and any user may ask. So it is what
``cfgmgr`` found when it last ran.

A drive is a device of class tape that is Available and no medium changer, whatever its name is (``chdev -a new_name``).
With Atape's path failover each path is such a device (``-PRI`` and ``-ALT`` at the end of its location), with one serial
number. Its adapter is the parent of its parent (rmt0, fscsi0, fcs0), or else the one whose location code is the
beginning of the drive's: ``U5877.001.00H0441-P1-C5-T1`` and ``U5877.001.00H0441-P1-C5-T1-W2002000E1113516B-L0``, where
the drive's own port stands behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _addresses as addresses
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _asked as asked
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _facts as facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers as identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms._aix_script import SCRIPT

#: What `uname -s` says.
SYSTEM = "AIX"

_LOST = {
    "lsdev -Cc tape": "no drive can be found",
    "lsdev -Cc adapter": "no Fibre Channel or SAS port can be found",
    "lsdev -C -l fscsi*": "the state of Fibre Channel ports is unknown",
    "lsdev -C -l sas*": "the adapters of SAS drives may be unknown",
    "lscfg -vl fcs*": "Fibre Channel ports have no WWPN",
    "lscfg": "drives may have no serial number",
    "lsvpd": "drives have no serial number",
    "lsattr -El": "drives may have no WWNN",
    "lsattr -E -a attach": "the state of Fibre Channel ports is unknown",
    "lsattr -E -a initiator_name": "the host has no iSCSI name",
    "ifconfig -a": "the host has no IP address",
}
_NAME = re.compile(r"[A-Za-z][0-9A-Za-z_.-]{0,63}")
_FIELD = re.compile(r"\s+(.+?)\.{2,}(.*)")
_HEAD = re.compile(r"\s{0,4}(\S+)\s+(?:(U\S+)\s+)?")
# Behind the adapter's location: the drive's port, then its unit; over SAS the drive's address.
_TARGET = re.compile(r"-W([0-9A-Fa-f]{16})-L[0-9A-Fa-f]+$|-L([0-9A-Fa-f]{16})-L[0-9A-Fa-f]+$")
_ATTRIBUTE = re.compile(r"([a-z][0-9a-z_]*)\s+(\S+)(?:\s|$)")
# What `lsattr` says of how the adapter is connected; ``al`` is an arbitrated loop, or no cable at all.
_ATTACH = {"switch": "online", "none": "offline"}
_LSVPD = {
    "MF": "Manufacturer",
    "TM": "Machine Type and Model",
    "SN": "Serial Number",
    "NA": "Network Address",
    "YL": "Hardware Location Code",
}
_SAS_ADDRESS = ("SAS Address", "World Wide Port Name", "Worldwide Port Name", "Network Address")
# The name that AIX makes up of the host identifier, which is the same on many hosts.
_NO_IQN = re.compile(r"iqn\.localhost\..*", re.IGNORECASE)


@dataclass(frozen=True)
class _Device:
    name: str
    status: str
    parent: str
    location: str
    physloc: str
    description: str

    @property
    def is_changer(self) -> bool:
        """Some drives are called "Tape Drive and Medium Changer": they have a changer of their own, and are drives."""
        return self.name.startswith("smc") or (
            "Medium Changer" in self.description and "Tape Drive" not in self.description
        )


_Vpd = dict[str, dict[str, str]]


def command() -> str:
    """Give the body of the script; the shell that runs it must have set ``LC_ALL=C`` and run `_asked.SHELL`."""
    return SCRIPT.strip("\n")


def parse(text: str) -> dict[str, Any]:
    """Give ``drives``, ``ports`` and ``notes`` from the script's output; lines that it does not know are skipped."""
    answers = asked.read(text)
    notes = asked.notes(answers, _LOST)
    devices = {device.name: device for device in _devices(asked.lines(answers, "lsdev"))}
    tapes = [device for device in _devices(asked.lines(answers, "lsdev -Cc tape")) if not device.is_changer]
    vpd = _vpd(answers, devices)
    attributes = {answer.command.split()[-1]: _attributes(answer) for answer in asked.of(answers, "lsattr")}
    adapters = {
        **_fc_ports(devices, vpd, attributes, notes),
        **_sas_ports(devices, vpd, notes),
        **_iscsi_ports(attributes, tapes, notes),
    }
    usable = [device for device in tapes if device.status == "Available"]
    rest = [f"{device.name} ({device.status})" for device in tapes if device.status != "Available"]
    if rest:
        notes.append(
            f"Not Available, and so left out: {', '.join(rest)}. Run cfgmgr if they are still connected, rmdev -dl if not."
        )
    found = [path for device in usable if (path := _path(device, devices, vpd, attributes, adapters, notes))]
    drives, found_notes = facts.drives(_told_apart(found))
    own = addresses.without_aliases(addresses.ifconfig(asked.lines(answers, "ifconfig -a")))
    ports = facts.ports([*adapters.values(), *own])
    if not tapes and any(device.is_changer for device in devices.values()):
        notes.append("No tape drive was found: lsdev -Cc tape shows only medium changers.")
    return {"drives": drives, "ports": ports, "notes": asked.sentences([*notes, *found_notes])}


def _devices(lines: Iterable[str]) -> list[_Device]:
    found = {}
    for line in lines:
        values = line.split(":", 5)
        if len(values) == 6 and _NAME.fullmatch(values[0]):
            found[values[0]] = _Device(*(value.strip() for value in values))
    return list(found.values())


def _attributes(answer: asked.Answer) -> dict[str, str]:
    return {match[1]: match[2] for line in answer.lines if (match := _ATTRIBUTE.match(line))}


def _vpd(answers: Iterable[asked.Answer], devices: Iterable[str]) -> _Vpd:
    """Give what `lscfg` shows of each device, by the label before the dots; `lsvpd` has two letters instead."""
    known = set(devices)
    vpd: _Vpd = {}
    for answer in asked.of(answers, "lscfg"):
        values: dict[str, str] = {}
        for line in answer.lines:
            field, head = _FIELD.match(line), _HEAD.match(line)
            if field:
                values.setdefault(field[1], field[2].strip())
            elif head and head[1] in known:
                values = vpd.setdefault(head[1], {})
                if head[2]:
                    values.setdefault("Hardware Location Code", head[2])
            elif line.strip() == "PLATFORM SPECIFIC":
                values = {}
    for answer in asked.of(answers, "lsvpd"):
        values = {}
        for line in answer.lines:
            key, _blank, value = line.partition(" ")
            if key == "*FC":
                values = {}
            elif key == "*AX" and value.strip() in known:
                vpd[value.strip()] = values
            elif key[:1] == "*" and key[1:] in _LSVPD:
                values.setdefault(_LSVPD[key[1:]], value.strip())
    return vpd


def _location(device: _Device, vpd: _Vpd) -> str:
    return device.physloc or vpd.get(device.name, {}).get("Hardware Location Code", "")


def _fc_ports(
    devices: dict[str, _Device], vpd: _Vpd, attributes: dict[str, dict[str, str]], notes: list[str]
) -> dict[str, dict[str, Any]]:
    """Give the ports by adapter, NPIV's virtual adapters among them; one that is not Available is offline."""
    ports, nameless = {}, []
    for device in devices.values():
        if not re.fullmatch(r"fcs[0-9]+", device.name):
            continue
        what = f"The Network Address of {device.name}"
        name = asked.named(identifiers.wwn, vpd.get(device.name, {}).get("Network Address"), what, notes)
        protocols = [child for child in devices.values() if child.parent == device.name]
        if device.status != "Available" or any(child.status != "Available" for child in protocols):
            state = "offline"
        else:
            attached = [attributes.get(child.name, {}).get("attach", "") for child in protocols]
            state = next((_ATTACH[word] for word in attached if word in _ATTACH), "unknown")
        if name:
            ports[device.name] = facts.port("fc", name, state, device.name)
        elif not any(note.startswith(what) for note in notes):
            nameless.append(f"{device.name} ({device.status})")
    if nameless:
        notes.append(f"No WWPN is shown, and so no port is known, of: {', '.join(nameless)}.")
    return ports


def _sas_ports(devices: dict[str, _Device], vpd: _Vpd, notes: list[str]) -> dict[str, dict[str, Any]]:
    ports = {}
    for device in devices.values():
        values = vpd.get(device.name, {})
        text = next((values[label] for label in _SAS_ADDRESS if values.get(label)), None)
        if re.fullmatch(r"[a-z]+sas[0-9]+", device.name) and text:
            name = asked.named(identifiers.sas, text, f"The SAS address of {device.name}", notes)
            if name:
                state = "unknown" if device.status == "Available" else "offline"
                ports[device.name] = facts.port("sas", name, state, device.name)
    return ports


def _iscsi_ports(
    attributes: dict[str, dict[str, str]], tapes: Iterable[_Device], notes: list[str]
) -> dict[str, dict[str, Any]]:
    text = attributes.get("iscsi0", {}).get("initiator_name", "")
    if _NO_IQN.fullmatch(text):
        notes.append(
            f"iscsi0 has the name {text}, which AIX makes up and gives to many hosts, so it was left out. If the host uses iSCSI, "
            "give it a name of its own (chdev -l iscsi0 -a initiator_name=iqn...)."
        )
        return {}
    name = asked.named(identifiers.iqn, text, "The initiator_name of iscsi0", notes)
    used = any(device.parent == "iscsi0" and device.status == "Available" for device in tapes)
    return {"iscsi0": facts.port("iscsi", name, "online" if used else "unknown", "iscsi0")} if name else {}


def _path(
    device: _Device,
    devices: dict[str, _Device],
    vpd: _Vpd,
    attributes: dict[str, dict[str, str]],
    adapters: dict[str, dict[str, Any]],
    notes: list[str],
) -> facts.Path | None:
    values, own = vpd.get(device.name, {}), attributes.get(device.name, {})
    try:
        serial = identifiers.serial(values.get("Serial Number", ""), "its serial number")
    except InvalidValueError as exc:
        reason = str(exc) if values.get("Serial Number") else "lscfg shows no serial number"
        notes.append(
            f"The tape drive {device.name} was left out: {reason}. Run cfgmgr, or name the drive in drive_sharing_drives."
        )
        return None
    location = _location(device, vpd)
    target = _TARGET.search(location)
    port = adapters.get(_adapter(device, location, devices, vpd))
    target_port = None
    if target:
        protocol, normal = ("fc", identifiers.wwn) if target[1] else ("sas", identifiers.sas)
        name = asked.named(normal, target[1] or target[2], f"The port in the location of {device.name}", notes)
        target_port = {"protocol": protocol, "id": name} if name else None
    elif own.get("ww_name"):
        name = asked.named(identifiers.wwn, own["ww_name"], f"The ww_name of {device.name}", notes)
        target_port = {"protocol": "fc", "id": name} if name else None
    if port is None:
        notes.append(
            f"The adapter of {device.name} has no port with a name, so drive {serial} has a path whose initiator port is unknown."
        )
    wwnn = asked.named(identifiers.wwn, own.get("node_name"), f"The node_name of {device.name}", notes)
    return facts.Path(
        where=device.name,
        devices=(f"/dev/{device.name}", f"/dev/{device.name}.1"),
        serial=serial,
        unit=wwnn,
        wwnn=wwnn,
        vendor=asked.printable(values.get("Manufacturer")),
        model=asked.printable(values.get("Machine Type and Model")),
        port=None if port is None else {"protocol": port["protocol"], "id": port["id"]},
        target_port=target_port,
    )


def _told_apart(paths: list[facts.Path]) -> list[facts.Path]:
    """Where no drive of a serial number shows its WWNN, those of different models at least are different drives."""
    named = {path.serial for path in paths if path.unit}
    return [path if path.serial in named else replace(path, unit=path.model) for path in paths]


def _adapter(device: _Device, location: str, devices: dict[str, _Device], vpd: _Vpd) -> str:
    """Give the name of the adapter: the parent, or its parent, or the one at the beginning of the location code."""
    seen = device
    for _step in range(3):
        if re.fullmatch(r"fcs[0-9]+|[a-z]+sas[0-9]+|iscsi[0-9]+", seen.parent):
            return seen.parent
        if seen.parent not in devices:
            break
        seen = devices[seen.parent]
    place = _TARGET.sub("", location)
    adapters = [
        known.name
        for known in devices.values()
        if re.fullmatch(r"fcs[0-9]+|[a-z]+sas[0-9]+", known.name) and place and _location(known, vpd) == place
    ]
    return adapters[0] if len(adapters) == 1 else ""
