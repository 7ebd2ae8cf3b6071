# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What two hosts claim and only one can have: it is refused, and both are named. Private: may change at any time.

A port on hosts without a common instance (a cloned virtual machine, a copied iSCSI name) belongs to all of them, so it
decides nothing by itself. A serial number under which two hosts see different drives is shared by nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _rows

#: The attribute in which the sentence on a drive's conflict stands, for the plan.
KIND = "conflict"

Claims = Mapping[str, Collection[str]]


def apart(claims: Claims) -> tuple[str, str] | None:
    """Give the first two hosts that have no instance in common, by name; None: there are none."""
    names = sorted(claims)
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            if not set(claims[one]) & set(claims[other]):
                return one, other
    return None


def port_sentence(protocol: Any, identifier: Any, claims: Claims) -> str | None:
    """Say that hosts of different instances have one port; ``claims``: host: its instances. None: they may.

    An IP address may be on several hosts: of a cluster, of a container network, of a network behind each of them.
    """
    pair = None if protocol == "ip" else apart(claims)
    if pair is None:
        return None
    one, other = pair
    more = f" (and on {len(claims) - 2} more)" if len(claims) > 2 else ""
    return (
        f"Port {protocol} {identifier} is on host {one} ({', '.join(sorted(claims[one]))}) and on host"
        f" {other} ({', '.join(sorted(claims[other]))}){more}: while both claim it, it decides nothing. Correct"
        " drive_sharing_ports of one of them, or run host_facts where the adapter was moved from."
    )


def of_ports(tx: Any, ports: Collection[tuple[str, str]] | None) -> list[str]:
    """Ports that hosts without a common instance have at the same time; None: look at all."""
    columns = (
        "SELECT p.protocol, p.id, p.host, i.instance FROM ports p JOIN instances i ON i.host = p.host"
        " WHERE p.protocol <> 'ip' AND p.missing_since IS NULL AND p.id IN "
    )
    if ports is None:
        several = "SELECT id FROM ports WHERE protocol <> 'ip' AND missing_since IS NULL GROUP BY id HAVING COUNT(*) > 1"
        rows = tx.execute(f"{columns}({several})")
    else:
        rows = _rows.select_in(tx, f"{columns}{{in}}", {identifier for protocol, identifier in ports if protocol != "ip"})
    claims: dict[tuple[str, str], dict[str, set[str]]] = {}
    for row in rows:
        claims.setdefault((row["protocol"], row["id"]), {}).setdefault(row["host"], set()).add(row["instance"])
    sentences = [port_sentence(*port, hosts) for port, hosts in sorted(claims.items())]
    return [sentence for sentence in sentences if sentence]


def of_drives(tx: Any, drives: Collection[str] | None) -> dict[str, str]:
    """drive: the sentence on its conflict, as it was written down last; None: look at all."""
    columns = f"SELECT drive, value FROM attributes WHERE kind = '{KIND}'"  # noqa: S608
    rows = tx.execute(columns) if drives is None else _rows.select_in(tx, f"{columns} AND drive IN {{in}}", drives)
    return {row["drive"]: row["value"] for row in sorted(rows, key=lambda row: row["drive"])}


def write_drives(tx: Any, drives: Collection[str], now: float) -> None:
    """Write down which of these drives are in conflict now; call it when their paths have been written."""
    suspects = {
        row["drive"]
        for row in _rows.select_in(
            tx,
            "SELECT drive FROM attributes WHERE kind = 'wwnn' AND drive IN {in} GROUP BY drive"
            " HAVING COUNT(DISTINCT value) > 1",
            drives,
        )
    }
    known = of_drives(tx, drives)
    seen: dict[str, list[dict[str, Any]]] = {}
    for row in _rows.select_in(
        tx,
        "SELECT drive, host, detail, seen_at FROM paths WHERE missing_since IS NULL AND drive IN {in}",
        suspects,
    ):
        seen.setdefault(row["drive"], []).append(row)
    told = {drive: sentence for drive, rows in seen.items() if (sentence := _drive_sentence(drive, rows))}
    stale = [drive for drive, sentence in known.items() if told.get(drive) != sentence]
    _rows.execute_in(tx, f"DELETE FROM attributes WHERE kind = '{KIND}' AND drive IN {{in}}", stale)  # noqa: S608
    tx.many(
        "INSERT INTO attributes (drive, kind, value, library, seen_at) VALUES (?, ?, ?, '', ?)",
        [(drive, KIND, sentence, now) for drive, sentence in sorted(told.items()) if known.get(drive) != sentence],
    )


def since(new: str, old: str | None, now: float) -> str:
    """Give a path's new detail, with the time since when the host sees the drive under this WWNN, if it saw another before.

    A drive that is moved in its library may get another WWNN there: hosts that were not asked since then still have
    the old one, and that is no conflict.
    """
    if old is None or old == new:
        return new
    before, detail = _rows.loads(old), _rows.loads(new)
    if not isinstance(before, dict):
        return new
    if before.get("wwnn") == detail["wwnn"]:
        if "wwnn_since" in before:
            detail["wwnn_since"] = before["wwnn_since"]
    elif before.get("wwnn") is not None:
        detail["wwnn_since"] = now
    return _rows.dumps(detail)


def _drive_sentence(drive: str, rows: list[dict[str, Any]]) -> str | None:
    entries = []
    for row in sorted(rows, key=lambda row: row["host"]):
        detail = _rows.loads(row["detail"])
        if isinstance(detail, dict) and isinstance(detail.get("wwnn"), str):
            entries.append((row, detail, _names(detail)))
    for place, (one, detail, names) in enumerate(entries):
        for other, others, other_names in entries[place + 1 :]:
            # What one host calls the drive's name may be its logical unit's on another: a port's name in common is enough.
            if names & other_names or one["seen_at"] < _since(others) or other["seen_at"] < _since(detail):
                continue
            return (
                f"Serial number {drive} is that of a drive with WWNN {detail['wwnn']} on host {one['host']} and of"
                f" one with WWNN {others['wwnn']} on host {other['host']}: while both claim it, that drive is not"
                " shared, and nothing is set because of it. Give each drive a serial number of its own in its library;"
                " if it is one drive, give it one wwnn in drive_sharing_drives of one of these hosts."
            )
    return None


def _since(detail: Mapping[str, Any]) -> float:
    value = detail.get("wwnn_since")
    return float(value) if isinstance(value, (int, float)) else 0.0


def _names(detail: Mapping[str, Any]) -> set[str]:
    wwpns, paths = detail.get("wwpns"), detail.get("paths")
    targets = [path.get("target_port") for path in paths if isinstance(path, dict)] if isinstance(paths, list) else []
    return {
        detail["wwnn"],
        *(wwpns if isinstance(wwpns, list) else []),
        *(target["id"] for target in targets if isinstance(target, dict) and isinstance(target.get("id"), str)),
    }
