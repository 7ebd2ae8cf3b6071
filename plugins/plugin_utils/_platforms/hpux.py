# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tape drives and initiator ports of an HP-UX host. Private: may change at any time.

11i v3 has two views of a drive, and names of both may be in use: the agile view (one unit, ``/dev/rtape/tape1_BEST``,
with a lunpath for each way to it) and the legacy view (``/dev/rmt/c24t4d1BEST``, one device for each way). `ioscan -m dsf`
says which belong together. A lunpath ``0/4/1/1.0x500507630f44be07.0x0`` says all of a path: the hardware path of the
host's adapter, the drive's port, the unit. A legacy hardware path ``0/4/1/1.2.0.255.14.4.1`` says the adapter only.

Only 11i v3 tells serial numbers (`scsimgr`): on 11i v1 and v2 drives have to be described by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _addresses as addresses
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _asked as asked
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _facts as facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers as identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import _hpux_ioscan as ioscan
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms._hpux_script import SCRIPT

#: What `uname -s` says.
SYSTEM = "HP-UX"

_LOST = {
    "ioscan -kFnC fc": "no Fibre Channel port can be found",
    "ioscan -kFnC tape": "drives have no legacy device files",
    "ioscan -kFnNC tape": "no drive has a serial number",
    "ioscan -m lun": "the paths of drives are not all known",
    "ioscan -m dsf": "it is not known which legacy device files are whose",
    "fcmsutil": "WWPNs of ports, or WWNNs of drives, may be unknown",
    "scsimgr": "drives may have no serial number",
    "iscsiutil": "the host has no iSCSI name",
    "netstat": "the host has no IP address",
}
_RELEASE = re.compile(r"^release ([0-9A-Za-z.]+)$", re.MULTILINE)
_VALUE = re.compile(r"\s*(\S(?:.*\S)?)\s*=\s*(.*?)\s*")
_ISCSI_NAME = re.compile(r"Initiator Name\s*:\s*(\S+)\s*")
# What fcmsutil and tdutil say of the driver; all other words are transient.
_FC_STATES = {"ONLINE": "online", "READY": "online", "OFFLINE": "offline", "AWAITING_LINK_UP": "offline"}
# The virtual nodes below which iSCSI sessions stand, agile and legacy.
_ISCSI = re.compile(r"(?:64000|255)/.*")
_WWN = re.compile(r"0x[0-9A-Fa-f]{16}")
_VENDOR = 8
_NAMED_AT_MOST = 8


def command() -> str:
    """Give the body of the script; the shell that runs it must have set ``LC_ALL=C`` and run `_asked.SHELL`."""
    return SCRIPT.strip("\n")


def parse(text: str) -> dict[str, Any]:
    """Give ``drives``, ``ports`` and ``notes`` from the script's output; lines that it does not know are skipped."""
    answers = asked.read(text)
    notes = asked.notes(answers, _LOST)
    adapters = _fc_ports(answers, notes)
    iscsi = _iscsi_port(answers, notes)
    agile = ioscan.rows(asked.lines(answers, "ioscan -kFnNC tape"), "tape")
    legacy = ioscan.rows(asked.lines(answers, "ioscan -kFnC tape"), "tape")
    ways = ioscan.lunpaths(asked.lines(answers, "ioscan -m lun"))
    same = ioscan.legacy_files(asked.lines(answers, "ioscan -m dsf"))
    attributes, nodes = _attributes(answers), _nodes(answers, notes)
    paths: list[facts.Path] = []
    nameless = []
    for drive in ioscan.drives(agile, legacy, ways, same):
        told = next((attributes[file] for file in drive.files if file in attributes), {})
        if drive.row.state != "CLAIMED":
            notes.append(f"The tape drive at {drive.row} is {drive.row.state}, not CLAIMED, so it was left out.")
        elif not told.get("serial_number"):
            nameless.append(str(drive.row))
        else:
            paths += _paths(drive, told, adapters, iscsi, nodes, notes)
    if nameless:
        notes.append(_nameless(nameless, _RELEASE.search(text), bool(agile)))
    if iscsi and any(path.port == _name(iscsi) for path in paths):
        iscsi["state"] = "online"
    drives, found_notes = facts.drives(paths)
    ports = [port for port in adapters.values() if port] + ([iscsi] if iscsi else [])
    ports += addresses.without_aliases(addresses.netstat(asked.lines(answers, "netstat -in")))
    ports = facts.ports(ports)
    return {"drives": drives, "ports": ports, "notes": asked.sentences([*notes, *found_notes])}


def _nameless(names: list[str], release: re.Match[str] | None, agile: bool) -> str:
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    why = "scsimgr shows none" if agile else f"{release[1] if release else 'this release'} of HP-UX does not show it"
    return (
        f"Tape drives without a serial number were left out: {', '.join(names[:_NAMED_AT_MOST])}{more} ({why}). "
        "Name them in drive_sharing_drives."
    )


def _name(port: Mapping[str, str]) -> dict[str, str]:
    return {"protocol": port["protocol"], "id": port["id"]}


def _values(answer: asked.Answer) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in answer.lines:
        match = _VALUE.fullmatch(line)
        if match:
            found.setdefault(match[1], match[2])
    return found


def _fc_ports(answers: list[asked.Answer], notes: list[str]) -> dict[str, dict[str, Any] | None]:
    """Give the ports by the hardware path of the adapter; None for one that shows no name."""
    said = {answer.command: _values(answer) for answer in asked.of(answers, "fcmsutil")}
    ports: dict[str, dict[str, Any] | None] = {}
    nameless = []
    for row in ioscan.rows(asked.lines(answers, "ioscan -kFnC fc"), "fc"):
        file = row.files[0] if row.files else ""
        device = file.removeprefix("/dev/") or f"{row.driver}{row.instance}"
        values = said.get(f"fcmsutil {file}", {})
        text = values.get("N_Port Port World Wide Name")
        name = asked.named(identifiers.wwn, text, f"The N_Port Port World Wide Name of {device}", notes)
        ports[row.hardware] = None
        if name:
            state = _FC_STATES.get(values.get("Driver state", ""), "unknown") if row.state == "CLAIMED" else "offline"
            ports[row.hardware] = facts.port("fc", name, state, device)
        elif not text:
            nameless.append(f"{device} at {row.hardware} ({row.state if file else 'no device file'})")
    if nameless:
        notes.append(f"No WWPN is shown, and so no port is known, of: {', '.join(nameless)}.")
    return ports


def _iscsi_port(answers: list[asked.Answer], notes: list[str]) -> dict[str, Any] | None:
    said = (_ISCSI_NAME.match(line) for line in asked.lines(answers, "iscsiutil -l"))
    text = next((match[1] for match in said if match), None)
    name = asked.named(identifiers.iqn, text, "The Initiator Name of iscsiutil", notes)
    return facts.port("iscsi", name, "unknown", None) if name else None


def _attributes(answers: list[asked.Answer]) -> dict[str, dict[str, str]]:
    """Give the attributes of drives by device file, from ``scsimgr get_attr``."""
    found: dict[str, dict[str, str]] = {}
    for answer in asked.of(answers, "scsimgr get_attr -D"):
        values: dict[str, str] = {}
        name = ""
        for line in answer.lines:
            match = _VALUE.fullmatch(line)
            if match and match[1] == "name":
                name = match[2]
            elif match and match[1] == "current" and name:
                values.setdefault(name, match[2].strip('" \t\0'))
        found[answer.command.split()[3]] = values
    return found


def _nodes(answers: list[asked.Answer], notes: list[str]) -> dict[str, str]:
    """Give the WWNN of each target port, as the adapters know them."""
    nodes: dict[str, str] = {}
    for answer in asked.of(answers, "fcmsutil"):
        port = None
        for line in answer.lines:
            match = _VALUE.fullmatch(line)
            if match and match[1] == "Target Port World Wide Name":
                port = asked.named(identifiers.wwn, match[2], "A Target Port World Wide Name", notes)
            elif match and match[1] == "Target Node World Wide Name" and port:
                node = asked.named(identifiers.wwn, match[2], "A Target Node World Wide Name", notes)
                if node:
                    nodes[port] = node
    return nodes


def _paths(
    drive: ioscan.Drive,
    told: Mapping[str, str],
    adapters: Mapping[str, dict[str, Any] | None],
    iscsi: dict[str, Any] | None,
    nodes: Mapping[str, str],
    notes: list[str],
) -> list[facts.Path]:
    """Give the drive's paths; one without an adapter, if none of them is known."""
    try:
        serial = identifiers.serial(told["serial_number"], "its serial number")
    except InvalidValueError as exc:
        notes.append(f"The tape drive at {drive.row} was left out: {exc}. Name it in drive_sharing_drives.")
        return []
    unit = told.get("wwid", "").lower().removeprefix("0x")
    found = []
    for way in drive.ways or [ioscan.Way(drive.row.hardware, "")]:
        over_ip = bool(_ISCSI.fullmatch(way.adapter))
        port = iscsi if over_ip else adapters.get(way.adapter)
        target = None
        if _WWN.fullmatch(way.target):
            protocol, normal = ("fc", identifiers.wwn) if way.adapter in adapters else ("sas", identifiers.sas)
            name = asked.named(normal, way.target, f"The drive's port in {way.where}", notes)
            target = {"protocol": protocol, "id": name} if name else None
        if port is None:
            notes.append(
                f"The adapter of {way.where} has no port with a name, so drive {serial} has a path whose initiator port is unknown."
            )
        found.append(
            facts.Path(
                where=way.where,
                devices=tuple(drive.files),
                serial=serial,
                unit=unit or None,
                wwnn=unit if re.fullmatch(r"[0-9a-f]{16}", unit) else nodes.get(target["id"] if target else ""),
                vendor=asked.printable(told.get("vid") or drive.row.description[:_VENDOR]),
                model=asked.printable(told.get("pid") or drive.row.description[_VENDOR:]),
                port=_name(port) if port else None,
                target_port=target,
            )
        )
    return found
