# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tape drives and initiator ports of a Solaris host. Private: may change at any time.

A drive is a device that links of /dev/rmt lead to. The link says where it is: at which port of the host (``fp@0,0``, whose
name /dev/cfg has, and ``fcinfo``), and which port of its own it answers at (``st@w<WWPN>,<LUN>``). Where MPxIO has made one
device of all paths (``/scsi_vhci/tape@g<GUID>``), ``fcinfo remote-port`` says which those are. Links stay when a drive has
gone, so those that ``cfgadm`` does not show are left out.

The serial number: on x86, ``luxadm display`` reads VPD page 80h through the host adapter. On SPARC it would open the drive,
which an application that opens it at that moment would take for a drive in use, so it is not asked there. What is left is
``iostat -En``: for tapes, the 12 bytes of the standard INQUIRY data from byte 36 on, which are the drive's own affair
(`st_create_errstats` in illumos). So a note says which serial numbers are from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _addresses as addresses
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _asked as asked
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _facts as facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers as identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import _solaris_answers as read
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import _solaris_script

#: What `uname -s` says.
SYSTEM = "SunOS"

_LOST = {
    "fcinfo hba-port": "no Fibre Channel port can be found",
    "fcinfo remote-port": "drives may have no WWNN, and those of MPxIO no path",
    "cfgadm": "drives that have gone may be taken for drives that are there",
    "iostat": "drives may have no serial number",
    "luxadm": "their serial numbers are taken from iostat, where it has any",
    "sasinfo": "SAS drives have paths whose initiator port is unknown",
    "iscsiadm list initiator-node": "the host has no iSCSI name",
    "iscsiadm list target": "iSCSI drives have no target name",
    "ifconfig": "the host's IP addresses are asked of ipadm",
    "ipadm": "the host has no IP address",
}
_ESCAPED = re.compile(r"\\(.)")
#: A host without drives has none of it.
_MAY_BE_EMPTY = ("fcinfo remote-port", "iscsiadm list target", "ls", "iostat")
#: The standard INQUIRY data of many drives has something short there that is no serial number.
_SHORTEST_SERIAL = 6


@dataclass(frozen=True)
class _Remote:
    """A drive's port, as one port of the host sees it."""

    hba: str
    wwpn: str
    wwnn: str | None
    device: str


@dataclass
class _Host:
    """What is known, by the names under which a drive's path looks for it."""

    by_controller: dict[str, dict[str, Any]]
    places: Mapping[str, str]
    fc: dict[str, dict[str, Any]]
    rows: list[read.Row]
    remotes: list[_Remote]
    iscsi: dict[str, Any] | None
    targets: dict[str, str]
    notes: list[str]


def command() -> str:
    """Give the body of the script; the shell that runs it must have set ``root`` and ``LC_ALL=C``, and run `_asked.SHELL`."""
    return _solaris_script.SCRIPT.strip("\n")


def parse(text: str) -> dict[str, Any]:
    """Give ``drives``, ``ports`` and ``notes`` from the script's output; lines that it does not know are skipped."""
    answers = asked.read(text)
    notes = asked.notes(_needed(answers), _LOST)
    fc = _fc_ports(answers, notes)
    sas = _sas_ports(answers, notes)
    iscsi, targets = _iscsi(answers, notes)
    host = _Host(
        by_controller={port["device"]: port for port in [*sas, *reversed(fc)] if port["device"]},
        places={place: name for name, place, _minor in read.links(_listed(answers, "/dev/cfg"))},
        fc={port["id"]: port for port in fc},
        # Half a table would make drives vanish.
        rows=read.rows(answer for answer in answers if not answer.failure()),
        remotes=_remotes(answers, notes),
        iscsi=iscsi,
        targets=targets,
        notes=notes,
    )
    tapes = read.tapes(_listed(answers, "/dev/rmt"))
    told = _told(answers, tapes)
    _not_linked(tapes, host)
    there = [tape for tape in tapes if _is_there(tape, host)]
    paths = [
        path for tape in there for path in _paths(tape, told.get(tape.place), host, vhci=any(t.guid for t in there))
    ]
    drives, found_notes = facts.drives(paths)
    doubtful = [tape.name for tape in there if told.get(tape.place) and told[tape.place].doubtful]
    if doubtful:
        notes.append(
            f"The serial number of {_listing(f'rmt/{name}' for name in doubtful)} is what iostat shows, which some drives use "
            "for something else; compare it with the library's, and name the drive in drive_sharing_drives if it differs."
        )
    if not tapes and not [answer for answer in asked.of(answers, "ls") if answer.failure()]:
        notes.append("No tape drive was found: /dev/rmt has no links to devices.")
    ports = facts.ports([*fc, *sas, *([iscsi] if iscsi else []), *_addresses(answers)])
    return {"drives": drives, "ports": ports, "notes": list(dict.fromkeys([*notes, *found_notes]))}


def _needed(answers: list[asked.Answer]) -> list[asked.Answer]:
    """Leave out what failed and was asked in another way, and what is empty on a host that has none of it."""
    cfgadm_told = any(not answer.failure() for answer in asked.of(answers, "cfgadm"))
    ipadm_told = any(not answer.failure() for answer in asked.of(answers, "ipadm"))
    return [
        answer
        for answer in answers
        if not (
            (answer.program == "cfgadm" and cfgadm_told)
            or (answer.program == "ifconfig" and ipadm_told)
            or (answer.failure() == "nothing" and answer.command.startswith(_MAY_BE_EMPTY))
        )
    ]


def _listed(answers: list[asked.Answer], directory: str) -> list[str]:
    found = [answer for answer in asked.of(answers, "ls -l") if answer.command.endswith(directory)]
    return [line for answer in found for line in answer.lines]


def _listing(names: Iterable[str]) -> str:
    named = list(dict.fromkeys(names))
    return ", ".join(named[:4]) + (f" and {len(named) - 4} more" if len(named) > 4 else "")


def _fc_ports(answers: list[asked.Answer], notes: list[str]) -> list[dict[str, Any]]:
    """Give the ports, and behind each the virtual ports (NPIV) that it has."""
    ports = []
    for block in read.blocks(asked.lines(answers, "fcinfo hba-port"), "HBA Port WWN", unit="Port WWN"):
        what = f"The HBA Port WWN of {asked.printable(block.values.get('OS Device Name')) or 'an adapter'}"
        name = asked.named(identifiers.wwn, block.name, what, notes)
        if block.values.get("Port Mode") == "Target":
            notes.append(f"Port {block.name} is in target mode, so it is no initiator; it was left out.")
            continue
        text = block.values.get("OS Device Name", "")
        device = text.removeprefix("/dev/cfg/") if re.fullmatch(r"/dev/cfg/c[0-9]+", text) else None
        state = _state(block)
        names = [
            name,
            *(asked.named(identifiers.wwn, unit.name, "The WWN of a virtual port", notes) for unit in block.units),
        ]
        ports += [facts.port("fc", each, state, device) for each in names if each]
    return ports


def _state(block: read.Block) -> str:
    state = block.values.get("State", "")
    return state if state in ("online", "offline") else "unknown"


def _sas_ports(answers: list[asked.Answer], notes: list[str]) -> list[dict[str, Any]]:
    ports = []
    for block in read.blocks(asked.lines(answers, "sasinfo hba-port"), "HBA Port Name", unit="Phy"):
        what = f"The Local SAS Address of {asked.printable(block.name)}"
        name = asked.named(identifiers.sas, block.values.get("Local SAS Address"), what, notes)
        if name:
            ports.append(facts.port("sas", name, _state(block), block.name.removeprefix("/dev/cfg/")))
    return ports


def _iscsi(answers: list[asked.Answer], notes: list[str]) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """Give the initiator, and the targets' names by the device files of their units."""
    found = read.blocks(asked.lines(answers, "iscsiadm list initiator-node"), "Initiator node name")
    name = asked.named(identifiers.iqn, found[0].name, "The initiator node name", notes) if found else None
    listed = asked.of(answers, "iscsiadm list target")
    targets = {}
    connected = False
    for block in read.blocks((line for answer in listed for line in answer.lines), "Target"):
        connected = connected or block.values.get("Connections", "0") != "0"
        target = asked.named(identifiers.iqn, block.name, "The name of an iSCSI target", notes)
        for unit in block.units:
            if target and "OS Device Name" in unit.values:
                targets[unit.values["OS Device Name"]] = target
    if not name:
        return None, targets
    told = bool(listed) and all(answer.failure() in ("", "nothing") for answer in listed)
    return facts.port("iscsi", name, "online" if connected else "offline" if told else "unknown", None), targets


def _addresses(answers: list[asked.Answer]) -> list[dict[str, Any]]:
    """Give the addresses of this zone: the global zone also shows those of the others."""
    of_interface: list[list[str]] = []
    for line in asked.lines(answers, "ifconfig -a"):
        if line[:1].isspace() and of_interface:
            of_interface[-1].append(line)
        else:
            of_interface.append([line])
    own = [lines for lines in of_interface if not any(line.split()[:1] == ["zone"] for line in lines)]
    found = [addresses.ifconfig(lines) for lines in own]
    for line in asked.lines(answers, "ipadm show-addr"):
        # A colon in a value is written with a backslash.
        values = [_ESCAPED.sub(r"\1", value) for value in re.split(r"(?<!\\):", line.strip())]
        if len(values) == 3:
            # A point-to-point interface shows the other end's address too.
            entry = addresses.port(values[2].partition("->")[0], values[1] == "ok", values[0].partition("/")[0])
            found.append([entry] if entry else [])
    return [entry for of_one in found for entry in of_one]


def _remotes(answers: list[asked.Answer], notes: list[str]) -> list[_Remote]:
    remotes = []
    for answer in asked.of(answers, "fcinfo remote-port"):
        hba = asked.named(identifiers.wwn, answer.command.split()[-1], "The HBA Port WWN of an adapter", notes)
        for block in read.blocks(answer.lines, "Remote Port WWN"):
            devices = [unit.values.get("OS Device Name", "") for unit in block.units]
            devices = [device for device in devices if device.startswith("/dev/rmt/")]
            if not hba or not devices:
                continue
            wwpn = asked.named(identifiers.wwn, block.name, f"A Remote Port WWN at {hba}", notes)
            wwnn = asked.named(identifiers.wwn, block.values.get("Node WWN"), f"The Node WWN of {wwpn}", notes)
            if wwpn:
                remotes += [_Remote(hba, wwpn, wwnn, device) for device in devices]
    return remotes


@dataclass(frozen=True)
class _Told:
    """What commands say of a drive."""

    vendor: str
    model: str
    serial: str
    #: Whether the serial number is only what iostat shows.
    doubtful: bool


def _told(answers: list[asked.Answer], tapes: list[read.Tape]) -> dict[str, _Told]:
    """Give what is told of the drives, by their place."""
    by_name = {f"rmt/{name}": tape.place for tape in tapes for name in [*_file_names(tape), tape.name]}
    places = {tape.place for tape in tapes}
    by_instance = read.instances(asked.lines(answers, "grep"))
    told = {}
    for name, (vendor, model, serial) in read.iostat(asked.lines(answers, "iostat")).items():
        place = by_name.get(name, by_instance.get(name, ""))
        if place in places:
            told[place] = _Told(vendor, model, serial, doubtful=bool(serial))
    for answer in asked.of(answers, "luxadm display"):
        place = by_name.get(answer.command.split()[-1].removeprefix("/dev/"), "")
        for block in read.blocks(answer.lines, "DEVICE PROPERTIES for tape"):
            serial = block.values.get("Serial Num", "")
            if place and serial not in ("", "Unsupported"):
                vendor, model = block.values.get("Vendor", ""), block.values.get("Product ID", "")
                told[place] = _Told(vendor, model, serial, doubtful=False)
    return told


def _file_names(tape: read.Tape) -> list[str]:
    return [device.removeprefix("/dev/rmt/") for device in tape.devices]


def _is_there(tape: read.Tape, host: _Host) -> bool:
    """Look whether the drive is still there: its links stay until somebody removes them."""
    if not tape.port or tape.port[1] != "fp":
        return True
    place, _kind, wwpn = tape.port
    controller = host.places.get(place, "")
    if controller not in {row.controller for row in host.rows if row.kind.startswith("fc")}:
        return True
    seen = [row for row in host.rows if row.wwpn == wwpn and row.controller == controller]
    if any(row.kind == "tape" and row.usable for row in seen):
        return True
    condition = f"shows it as {seen[0].occupant} and {seen[0].condition}" if seen else "does not show it any more"
    host.notes.append(
        f"The device files /dev/rmt/{tape.name} lead to {wwpn} at {controller}, but cfgadm {condition}; they were left out. "
        "Run devfsadm -C -c tape if the drive has gone for good."
    )
    return False


def _not_linked(tapes: list[read.Tape], host: _Host) -> None:
    """Say which drives have no device files; under MPxIO only those are known that fcinfo names."""
    if any(tape.guid for tape in tapes) and not host.remotes:
        return
    known = {tape.port[2] for tape in tapes if tape.port} | {remote.wwpn for remote in host.remotes}
    rest = [row for row in host.rows if row.kind == "tape" and row.wwpn and row.wwpn not in known]
    if rest:
        seen = _listing(f"{row.controller}::{row.wwpn} ({row.occupant}, {row.condition})" for row in rest)
        host.notes.append(
            f"cfgadm shows tape drives that have no device file: {seen}. Configure them with cfgadm -c configure, and run "
            "devfsadm -c tape."
        )


def _paths(tape: read.Tape, told: _Told | None, host: _Host, *, vhci: bool) -> list[facts.Path]:
    where = f"rmt/{tape.name}"
    seen = [remote for remote in host.remotes if remote.device in tape.devices]
    try:
        serial = identifiers.serial(told.serial if told else "", "its serial number")
        if told and told.doubtful and len(serial) < _SHORTEST_SERIAL:
            msg = f"what iostat shows, {serial!r}, is too short for a serial number"
            raise InvalidValueError(msg)
    except InvalidValueError as exc:
        reason = str(exc) if told and told.serial else "no serial number is shown"
        known = f" with wwpns [{tape.port[2]}]" if tape.port else ""
        host.notes.append(
            f"The tape drive {where} was left out: {reason}. Name it in drive_sharing_drives{known}, with the serial number "
            "that the library has."
        )
        return []
    wwnn = next((remote.wwnn for remote in seen if remote.wwnn), None)
    path = facts.Path(
        where=where,
        devices=tape.devices,
        serial=serial,
        # Not the names of nodes where some paths have names of units: they need not be alike.
        unit=tape.guid if vhci else wwnn,
        wwnn=tape.guid if tape.guid and len(tape.guid) == 16 else wwnn,
        vendor=asked.printable(told.vendor) if told else None,
        model=asked.printable(told.model) if told else None,
    )
    ways = _ways(tape, seen, host)
    if any(port is None for port, _target in ways):
        host.notes.append(f"The host's port to drive {serial} at {where} has no name that can be known.")
    return [
        replace(path, port={"protocol": port["protocol"], "id": port["id"]} if port else None, target_port=target)
        for port, target in ways
    ]


_Way = tuple[dict[str, Any] | None, dict[str, str] | None]


def _ways(tape: read.Tape, seen: list[_Remote], host: _Host) -> list[_Way]:
    """Give the host's port and the drive's port of each path to the drive."""
    if tape.over_iscsi:
        target = next((host.targets[device] for device in tape.devices if device in host.targets), None)
        return [(host.iscsi, {"protocol": "iscsi", "id": target} if target else None)]
    if tape.guid:
        ways = [(host.fc.get(remote.hba), {"protocol": "fc", "id": remote.wwpn}) for remote in seen]
        return list({(way[0]["id"] if way[0] else "", way[1]["id"]): way for way in ways}.values()) or [(None, None)]
    if not tape.port:
        return [(None, None)]
    place, kind, wwpn = tape.port
    port = host.by_controller.get(host.places.get(place, ""))
    target_port = {"protocol": "fc" if kind == "fp" else "sas", "id": wwpn}
    if port is None and kind == "fp":
        # Without /dev/cfg: who sees it, if only one does.
        hbas = {remote.hba for remote in seen if remote.wwpn == wwpn}
        controllers = {row.controller for row in host.rows if row.wwpn == wwpn}
        if len(hbas) == 1:
            port = host.fc.get(min(hbas))
        elif len(controllers) == 1:
            port = host.by_controller.get(min(controllers))
    return [(port, target_port)]
