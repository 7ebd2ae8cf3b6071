# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module reservation_info: who holds which drive, as the drives themselves tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _identifiers,
    _open_handles,
    _reservation_report,
    _scsi_devices,
    _spc2_holder,
    _spc_sense,
    _spc_state,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action_scsi import Remote, ScsiAction, Way
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Reading


class ActionModule(ScsiAction):
    """Reads only; the commands are sent on the host, and decoded here."""

    ARGUMENTS = {
        "drives": {"type": "list", "elements": "str"},
        "find_holder": {"type": "bool", "default": False},
        "evidence": {"type": "dict"},
        "applications": {"type": "dict", "default": {}},
        "root": {"type": "str"},
        "timeout": {"type": "int", "default": 20},
        "table": {"type": "str"},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Ask the drives, or draw the conclusion from what was asked on many hosts."""
        wanted = [_identifiers.serial(drive, "drives") for drive in args["drives"] or []]
        if args["evidence"] is not None:
            return {"changed": False, "drives": _conclusions(args["evidence"], args["applications"], wanted)}
        self.set_seconds(args["timeout"])
        host, root = self.place(args, task_vars)
        ways = self.ways(root, host)
        asked = {drive: some for drive, some in ways.items() if not wanted or drive in wanted}
        found = self.read(asked, self.site(args, task_vars))
        known = self.joined(args, task_vars, [reading for _way, reading in found.values()])
        report = {drive: _reservation_report.reading(drive, way.node, reading, known) for drive, (way, reading) in found.items()}
        for drive in wanted:
            if drive not in report:
                reading = Reading(why=f"{host} does not see this drive")
                report[drive] = _reservation_report.reading(drive, None, reading, {})
        if args["find_holder"]:
            reserved = {drive: ways[drive] for drive, (_way, reading) in found.items() if reading.state == "spc2"}
            for drive, evidence in self._evidence(reserved).items():
                report[drive] |= evidence
        return {"changed": False, "drives": [report[drive] for drive in sorted(report)]}

    def _evidence(self, drives: Mapping[str, Sequence[Way]]) -> dict[str, dict[str, Any]]:
        """What this host can tell of who holds drives that somebody has reserved by RESERVE of SPC-2."""
        opened = self.handles() if drives else None
        found = {}
        for drive, ways in drives.items():
            has_open = _open_handles.of(opened, [name for way in ways for name in way.files])
            paths = [
                {"device": way.node, "port": way.port, "answer": "not asked" if has_open != [] else self._ready(way, drive)}
                for way in ways
            ]
            found[drive] = {"open": has_open, "paths": paths}
        return found

    def _ready(self, way: Way, drive: str) -> str:
        """Send TEST UNIT READY; only the drive that is meant gets one."""
        remote = Remote(self, way.node)
        if _scsi_devices.stranger(remote, way.node, drive) is not None:
            return "unknown"
        for _turn in range(_spc_state.TURNS):
            answer = remote.send(_spc_state.TEST_UNIT_READY, 0)
            kind, _why = _spc_state.judge(answer)
            if kind == "conflict":
                return "conflict"
            sense = _spc_sense.sense(answer.sense)
            # Not ready to work is ready to say so, and not refused.
            if kind == "good" or (sense is not None and sense.key == _spc_sense.NOT_READY):
                return "works"
            if kind != "again":
                break
        return "unknown"


def _conclusions(
    evidence: Mapping[str, Any], applications: Mapping[str, Any], wanted: Sequence[str]
) -> list[dict[str, Any]]:
    """Name the holder of each drive, by what hosts and applications told in this run."""
    told: dict[str, dict[str, _spc2_holder.HostEvidence]] = {}
    for host, answer in evidence.items():
        used = {one.get("drive"): one.get("in_use") for one in _drives(applications.get(host))}
        for one in _drives(answer):
            if one.get("state") == "spc2" and (not wanted or one.get("drive") in wanted):
                told.setdefault(str(one["drive"]), {})[str(host)] = _host(one, used.get(one["drive"]))
    for host, answer in evidence.items():
        for one in _drives(answer):
            # Only to its holder a drive may look free; where it could not be asked the holder may be.
            if one.get("drive") in told and one.get("state") in ("free", "unknown") and one.get("device"):
                looks = "works" if one["state"] == "free" else "unknown"
                path = _spc2_holder.PathEvidence(str(one["device"]), None, looks)
                told[one["drive"]].setdefault(str(host), _spc2_holder.HostEvidence(paths=(path,)))
    # A control point need not see the drive itself.
    for host, answer in applications.items():
        for one in _drives(answer):
            if one.get("drive") in told and one.get("in_use") is not None:
                told[one["drive"]].setdefault(str(host), _spc2_holder.HostEvidence(bool(one["in_use"]), []))
    found = []
    for drive, hosts in sorted(told.items()):
        holder = _spc2_holder.find(hosts)
        said = f"{holder.host} holds drive {drive}: {holder.why}." if holder.host else f"Who holds drive {drive} cannot be told: {holder.why}."
        found.append(
            {"drive": drive, "state": "spc2", "holder_host": holder.host, "holder_port": holder.port, "why": holder.why, "message": said}
        )
    return found


def _drives(answer: Any) -> list[Mapping[str, Any]]:
    drives = answer.get("drives") if isinstance(answer, Mapping) else None
    return [one for one in drives if isinstance(one, Mapping)] if isinstance(drives, Sequence) and not isinstance(drives, str) else []


def _host(entry: Mapping[str, Any], in_use: Any) -> _spc2_holder.HostEvidence:
    paths = tuple(
        _spc2_holder.PathEvidence(str(path.get("device")), path.get("port"), {"not asked": "unknown"}.get(path.get("answer"), path.get("answer")))
        for path in entry.get("paths") or ()
    )
    opened = entry.get("open")
    return _spc2_holder.HostEvidence(None if in_use is None else bool(in_use), None if opened is None else list(opened), paths)
