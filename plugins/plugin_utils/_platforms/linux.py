# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tape drives and initiator ports of a Linux host, read from sysfs. Private: may change at any time.

`command` gives the body of a script for any POSIX shell, `parse` reads what it prints. The script only reads, needs no
privilege except for two things (`/etc/iscsi/initiatorname.iscsi`, and `sg_inq` for drives whose serial number the kernel
does not show), and expects in ``$root`` the directory below which the host's ``sys``, ``dev``, ``etc`` and ``proc`` lie.

A drive is a SCSI device of type 1, with or without a driver on it: what `st` does not have (lin_tape, none) still has
its ``sg``. The host adapter of a path is the first number of its address H:C:T:L.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _asked as asked
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _facts as facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers as identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _vpd as vpd
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import _linux_addresses as addresses
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import _linux_script

#: What `uname -s` says.
SYSTEM = "Linux"

_HEX_LINE = re.compile(r"[0-9a-f]{2}(?: +[0-9a-f]{2})*")
_ADDRESS = re.compile(r"[0-9]{1,9}(?::[0-9]{1,20}){3}")
# st0 and nst0, not st0a, st0l, st0m and theirs: the same drive in other modes.
_NODE = re.compile(r"(st|nst|IBMtape|sg)([0-9]{1,9})(n?)")
_NODE_ORDER = ("st", "nst", "IBMtape", "sg")
_LINK = re.compile(r"(\S+) -> (?:\S*/)?([^/\s]+)")
_LIN_TAPE_ROW = re.compile(r"([0-9]{1,9})\s+\S+\s+(\S+)")
# Words of fc_port_state_names in the kernel's scsi_transport_fc.c; "Unknown", and what later kernels add, say nothing.
_FC_STATES = {
    "Online": "online",
    **dict.fromkeys(("Not Present", "Offline", "Blocked", "Bypassed", "Diagnostics"), "offline"),
    **dict.fromkeys(("Linkdown", "Error", "Loopback", "Deleted", "Marginal"), "offline"),
}
_NO_VALUE = ("", "(null)", "<NULL>")
_SOURCES = "/sys/class/fc_host, iscsi_session and sas_phy, and /etc/iscsi/initiatorname.iscsi"


@dataclass
class _Record:
    kind: str
    name: str
    values: dict[str, list[str]] = field(default_factory=dict)

    def one(self, key: str) -> str:
        value = self.values.get(key, [""])[0].strip()
        return "" if value in _NO_VALUE else value

    def page(self, key: str) -> bytes | None:
        return bytes.fromhex("".join(self.values[key])) if key in self.values else None


def command() -> str:
    """Give the body of the script; the shell that runs it must have set ``root`` and ``LC_ALL=C``."""
    return _linux_script.SCRIPT.strip("\n") + addresses.SCRIPT.rstrip("\n")


def parse(text: str) -> dict[str, Any]:
    """Give ``drives``, ``ports`` and ``notes`` from the script's output; lines that it does not know are skipped."""
    notes: list[str] = []
    records = _read(text)
    fc = _fc_ports(records, notes)
    sessions, iscsi = _iscsi_ports(records, notes)
    sas_ports, sas = _sas_ports(records, notes)
    answers = asked.read(text)
    notes += asked.notes(answers, {"sg_inq": "drives whose serial number the kernel does not show are left out", **addresses.LOST})
    states = {name: record.one("operstate") for name, record in records["netdev"].items()}
    ports = facts.ports([*fc.values(), *iscsi, *sas, *addresses.ports(answers, states)])
    links = _links(records["files"].values())
    found = _paths(records, _initiators(fc, sessions, sas_ports, sas), links, notes)
    drives, found_notes = facts.drives(found, _lin_tape_files(records["files"].values(), links))
    notes += found_notes
    if not records["device"]:
        notes.append("No tape drive was found: /sys/class/scsi_device has no device of type 1.")
    if all(port["protocol"] == "ip" for port in ports):
        notes.append(f"No initiator port was found in {_SOURCES}.")
    return {"drives": drives, "ports": ports, "notes": list(dict.fromkeys(notes))}


def paths(text: str) -> list[facts.Path]:
    """Give every path to a tape drive with all its device files, from the script's output."""
    notes: list[str] = []
    records = _read(text)
    fc = _fc_ports(records, notes)
    sessions, _iscsi = _iscsi_ports(records, notes)
    initiator = _initiators(fc, sessions, *_sas_ports(records, notes))
    return _paths(records, initiator, _links(records["files"].values()), notes)


def _initiators(
    fc: dict[str, dict[str, Any]],
    sessions: dict[str, dict[str, Any]],
    sas_ports: dict[str, dict[str, Any]],
    sas: list[dict[str, Any]],
) -> Callable[[_Record], dict[str, Any] | None]:
    """Give what tells the initiator port of a device."""

    def initiator(device: _Record) -> dict[str, Any] | None:
        host = f"host{device.name.partition(':')[0]}"
        of_host = [port for port in sas if port["device"] == host]
        if host in fc:
            return fc[host]
        if device.one("session") in sessions:
            return sessions[device.one("session")]
        # A host adapter may have one SAS address for all its ports, or one for each.
        return of_host[0] if len(of_host) == 1 else sas_ports.get(device.one("sas_port"))

    return initiator


def _paths(
    records: _Records,
    initiator: Callable[[_Record], dict[str, Any] | None],
    links: dict[str, list[str]],
    notes: list[str],
) -> list[facts.Path]:
    devices = sorted(records["device"].values(), key=lambda device: [int(part) for part in device.name.split(":")])
    return [path for device in devices if (path := _path(device, initiator(device), records, links, notes))]


def _read(text: str) -> dict[str, dict[str, _Record]]:
    """Sort the lines into records, by kind and name; a hexadecimal line goes on with what stood before it."""
    kinds = ("device", "fc_host", "iscsi_host", "iscsi_session", "sas_phy", "sas_port_of_host", "files", "netdev")
    records: dict[str, dict[str, _Record]] = {kind: {} for kind in kinds}
    record: _Record | None = None
    page: str | None = None
    # Not splitlines: it also splits at signs that may stand in the text of a device.
    for line in text.split("\n"):
        if page and record and _HEX_LINE.fullmatch(line.removeprefix("|").strip(" ")):
            record.values[page].append(line.removeprefix("|"))
            continue
        key, _blank, value = line.partition(" ")
        if key in ("asked", "ended") or line.startswith("|"):
            continue
        page = None
        if key in records:
            record = None if key == "device" and not _ADDRESS.fullmatch(value) else _Record(key, value)
            if record is not None:
                records[key][value] = record
        elif record is not None and key in ("pg80", "pg83", "pgb1"):
            page = key
            record.values.setdefault(page, [])
        elif record is not None:
            record.values.setdefault(key, []).append(value)
    return records


_Records = dict[str, dict[str, _Record]]


def _named(function: Callable[[object, str], str], text: str, what: str, notes: list[str]) -> str | None:
    """Normalise a name that the host told; what is not one becomes a note."""
    if not text:
        return None
    try:
        return function(text, what)
    except InvalidValueError as exc:
        notes.append(f"{exc}; it was left out.")
        return None


def _fc_ports(records: _Records, notes: list[str]) -> dict[str, dict[str, Any]]:
    """Give the ports by host adapter; NPIV ports have a host adapter of their own."""
    ports = {}
    for record in records["fc_host"].values():
        name = _named(identifiers.wwn, record.one("port_name"), f"The port_name of {record.name}", notes)
        if record.one("active_mode") == "Target":
            notes.append(f"Port {record.name} is in target mode only, so it is no initiator; it was left out.")
        elif name:
            state = _FC_STATES.get(record.one("port_state"), "unknown")
            ports[record.name] = facts.port("fc", name, state, record.name)
    return ports


def _iscsi_ports(records: _Records, notes: list[str]) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Give the ports by session, and all of them, with those of adapters and of the configured initiator."""
    ports = []
    for record in records["iscsi_host"].values():
        name = _named(identifiers.iqn, record.one("initiatorname"), f"The initiatorname of {record.name}", notes)
        if name:
            ports.append(facts.port("iscsi", name, "offline", record.name))
    for record in records["files"].values():
        for written in record.values.get("initiatorname", []):
            name = _named(identifiers.iqn, written, "InitiatorName in /etc/iscsi/initiatorname.iscsi", notes)
            if name:
                ports.append(facts.port("iscsi", name, "offline", None))
    sessions = {}
    for record in records["iscsi_session"].values():
        host = record.one("host")
        name = _named(identifiers.iqn, record.one("initiatorname"), f"The initiatorname of {record.name}", notes)
        # An adapter's sessions need not repeat its name; without one, the configured name is the only other.
        name = name or next((port["id"] for port in ports if port["device"] == host), None)
        name = name or next((port["id"] for port in ports if port["device"] is None), None)
        if name:
            state = "online" if record.one("state") == "LOGGED_IN" else "offline"
            sessions[record.name] = facts.port("iscsi", name, state, host or None)
    if not sessions and not ports and any("denied" in record.values for record in records["files"].values()):
        notes.append(
            "/etc/iscsi/initiatorname.iscsi may not be read by this user, so the iSCSI name is unknown; "
            "use become, or name the port in drive_sharing_ports."
        )
    return sessions, [*sessions.values(), *ports]


def _sas_ports(records: _Records, notes: list[str]) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Give the ports by SAS port, and all of them; a wide port has several phys with one address."""
    phys = {}
    for record in records["sas_phy"].values():
        name = _named(identifiers.sas, record.one("sas_address"), f"The sas_address of {record.name}", notes)
        if name:
            state = "online" if record.one("negotiated_linkrate").endswith("Gbit") else "offline"
            host = f"host{record.name.removeprefix('phy-').partition(':')[0]}"
            phys[record.name] = facts.port("sas", name, state, host)
    by_port = {}
    for record in records["sas_port_of_host"].values():
        members = [phys[phy] for phy in record.values.get("phy", []) if phy in phys]
        if members:
            by_port[record.name] = members[0]
    return by_port, facts.ports(phys.values())


def _path(
    device: _Record,
    port: dict[str, Any] | None,
    records: _Records,
    links: dict[str, list[str]],
    notes: list[str],
) -> facts.Path | None:
    nodes = sorted(
        (match for match in map(_NODE.fullmatch, device.values.get("node", [])) if match),
        key=lambda match: (_NODE_ORDER.index(match[1]), int(match[2]), match[3]),
    )
    devices = [f"/dev/{match[0]}" for match in nodes]
    devices += [link for match in nodes for link in links.get(match[0], [])]
    where = f"{device.name} ({devices[0]})" if devices else device.name
    try:
        # Nothing follows where sg_inq was asked in vain.
        serial = vpd.serial(page) if (page := device.page("pg80")) else ""
    except InvalidValueError as exc:
        notes.append(f"The tape drive at {where} was left out: {exc}. Name it in drive_sharing_drives.")
        return None
    if not serial:
        notes.append(
            f"The tape drive at {where} was left out: it shows no serial number (VPD page 80h). "
            "Rescan the device, or name the drive in drive_sharing_drives."
        )
        return None
    manufacturer = None
    if "pgb1" in device.values:
        try:
            manufacturer = vpd.serial(device.page("pgb1") or b"", vpd.MANUFACTURER_SERIAL_NUMBER)
        except InvalidValueError as exc:
            notes.append(f"Drive {serial} at {where}: {exc}; its manufacturer's serial number is unknown.")
    units, target_ports, problems = vpd.names(device.page("pg83") or b"") if "pg83" in device.values else ([], [], [])
    notes += [f"Drive {serial} at {where}: {problem}; the rest was used." for problem in problems]
    wwid = device.one("wwid").removeprefix("naa.").lower()
    unit = units[0] if units else wwid or None
    node_name = _named(identifiers.wwn, device.one("node_name"), f"The node_name of the target of {where}", notes)
    wwnn = next((name for name in [*units, wwid] if re.fullmatch(r"[0-9a-f]{16}", name)), node_name)
    session = records["iscsi_session"].get(device.one("session")) or _Record("iscsi_session", "its session")
    # The transport's attribute loses its value with the link; the remote port keeps it.
    target = device.one("port_name").replace("0xffffffffffffffff", "") or device.one("rport_port_name")
    target_names = {
        "fc": _named(identifiers.wwn, target, f"The port_name of the target of {where}", notes),
        "sas": _named(identifiers.sas, device.one("sas_target"), f"The sas_address of the target of {where}", notes),
        "iscsi": _named(identifiers.iqn, session.one("targetname"), f"The targetname of {session.name}", notes),
    }
    if port is None:
        notes.append(
            f"Host adapter host{device.name.partition(':')[0]} has no port with a name, so drive {serial} at {where} "
            "has a path whose initiator port is unknown."
        )
    return facts.Path(
        where=device.name,
        devices=tuple(dict.fromkeys(devices)),
        serial=serial,
        manufacturer_serial=None if manufacturer == serial else manufacturer,
        unit=unit,
        wwnn=wwnn,
        wwpns=tuple(name for name in target_ports if len(name) == 16),
        vendor=_words(device.one("vendor")),
        model=_words(device.one("model")),
        port=None if port is None else {"protocol": port["protocol"], "id": port["id"]},
        target_port=next(({"protocol": kind, "id": name} for kind, name in target_names.items() if name), None),
    )


def _words(text: str) -> str | None:
    """Keep what can be printed: vendor and model are free text of the drive."""
    return "".join(sign for sign in text if " " <= sign <= "~").strip() or None


def _links(records: Iterable[_Record]) -> dict[str, list[str]]:
    """Give the links of udev by the node that they lead to, from the lines of ``ls -l``."""
    links: dict[str, list[str]] = {}
    for record in records:
        for line in record.values.get("link", []):
            directory, _blank, rest = line.partition(" ")
            match = _LINK.search(rest)
            if match and directory.startswith("/dev/"):
                name = f"{directory}/{match[1]}"
                # The -nst link of udev leads to nst0, the other one to st0: both are files of one path.
                links.setdefault(match[2], []).append(name)
    return {node: sorted(names) for node, names in links.items()}


def _lin_tape_files(records: Iterable[_Record], links: dict[str, list[str]]) -> dict[str, list[str]]:
    """Give lin_tape's device files by serial number, from /proc/scsi/IBMtape: number, model, SN, HBA, FO path."""
    files: dict[str, list[str]] = {}
    for record in records:
        for line in record.values.get("lin_tape", []):
            match = _LIN_TAPE_ROW.match(line.strip())
            if match:
                nodes = [f"IBMtape{match[1]}", f"IBMtape{match[1]}n"]
                names = [f"/dev/{node}" for node in nodes] + [link for node in nodes for link in links.get(node, [])]
                files.setdefault(match[2], []).extend(names)
    return files
