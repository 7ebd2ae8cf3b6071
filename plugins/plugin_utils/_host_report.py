# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is recorded of hosts, to see whether it changes, and a table of all hosts for people.

Pure but for the transaction that is handed in. Private: may change at any time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _rows
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

_HEADING = ("HOST", "KIND", "NAME", "STATE", "ORIGIN", "SEEN THROUGH")


def recorded(tx: Any, hosts: Collection[str]) -> dict[str, dict[str, Any]]:
    """Give what the drive table has of each host, without the times: equal before and after means that nothing changed."""
    found: dict[str, dict[str, Any]] = {host: {"drives": {}, "ports": {}, "instances": {}} for host in hosts}
    for row in _rows.select_in(
        tx, "SELECT host, drive, devices, detail, origin, missing_since FROM paths WHERE host IN {in} ORDER BY host, drive", hosts
    ):
        found[row["host"]]["drives"][row["drive"]] = _drive(row)
    for row in _rows.select_in(
        tx,
        "SELECT host, protocol, id, state, device, origin, missing_since FROM ports WHERE host IN {in}"
        " ORDER BY host, protocol, id",
        hosts,
    ):
        found[row["host"]]["ports"][f"{row['protocol']} {row['id']}"] = {
            "state": row["state"],
            "device": row["device"],
            "origin": row["origin"],
            "missing": row["missing_since"] is not None,
        }
    for row in _rows.select_in(
        tx,
        "SELECT host, instance, application, control_points, scope, managed FROM instances WHERE host IN {in}"
        " ORDER BY host, instance",
        hosts,
    ):
        found[row["host"]]["instances"][row["instance"]] = {
            "application": row["application"],
            "control_points": row["control_points"].split(),
            "scope": row["scope"],
            "managed": _json(row["managed"]),
        }
    return found


def table(associations: Any) -> list[str]:
    """Give lines of text: one for each drive and port of each host and where it came from, columns aligned, then the notes."""
    if not isinstance(associations, Mapping) or not all(isinstance(entry, Mapping) for entry in associations.values()):
        msg = "associations must be the mapping that drive_table_info returns"
        raise InvalidValueError(msg)
    rows: list[tuple[str, ...]] = []
    notes: list[str] = []
    for host, entry in sorted(associations.items()):
        found: list[tuple[str, ...]] = [
            (host, "drive", str(one["serial"]), "-", _origin(one), _through(one)) for one in entry.get("drives", [])
        ]
        for one in entry.get("ports", []):
            name = f"{one['protocol']} {one['id']}"
            found.append((host, "port", name, str(one["state"]), _origin(one), str(one.get("device") or "-")))
        rows += found or [(host, "-", "nothing", "-", "-", "-")]
        notes += [f"{host}: {note}" for note in entry.get("notes") or []]
    if not rows:
        return ["No host has recorded its drives and ports yet."]
    lines = [_HEADING, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADING))]
    aligned = ["  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)) for line in lines]
    return [line.rstrip() for line in aligned] + notes


def _origin(entry: Mapping[str, Any]) -> str:
    since = entry.get("missing_since")
    return str(entry["origin"]) if since is None else f"missing since {_time(since)}"


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(float(seconds)))


def _through(drive: Mapping[str, Any]) -> str:
    """Name each path by its device file and port; without paths the first device file stands for all."""
    paths = []
    for path in drive.get("paths") or []:
        port = path.get("port")
        paths.append(f"{path.get('device') or '?'}" + (f" by {port['protocol']} {port['id']}" if port else ""))
    return ", ".join(paths or list(drive.get("devices") or [])[:1]) or "-"


def _drive(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "devices": _json(row["devices"]),
        "detail": _json(row["detail"]),
        "origin": row["origin"],
        "missing": row["missing_since"] is not None,
    }


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text
