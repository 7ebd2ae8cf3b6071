# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reading of a drive as results show it, joined with the hosts and instances that the associations know.

Pure but for the transaction that is handed in. Private: may change at any time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _lookup, _rows, _spc
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Reading

#: port: its hosts and its instances, each by name.
Owners = Mapping[tuple[str | None, str | None], tuple[list[str], list[str]]]


def ports_of(readings: Iterable[Reading]) -> list[Mapping[str, Any]]:
    """Give every port that is named in these readings."""
    found = [port for reading in readings for port in reading.holders]
    found += [one.port for reading in readings for one in reading.registrants if one.port]
    return [port for port in found if port["id"] is not None]


def owners(tx: Any, ports: Collection[Mapping[str, Any]]) -> Owners:
    """Whose these ports are; a port that was missing at the last look is that of its last hosts."""
    keys = {(port["protocol"], port["id"]) for port in ports}
    live: dict[tuple[str, str], set[str]] = {}
    lost: dict[tuple[str, str], set[str]] = {}
    for row in _rows.select_in(
        tx, "SELECT protocol, id, host, missing_since FROM ports WHERE id IN {in}", sorted({key[1] for key in keys})
    ):
        if (row["protocol"], row["id"]) in keys:
            (live if row["missing_since"] is None else lost).setdefault((row["protocol"], row["id"]), set()).add(row["host"])
    instances = _lookup.port_owners(tx, ports)
    return {key: (sorted(hosts), sorted(instances.get(key, ()))) for key, hosts in {**lost, **live}.items()}


def reading(drive: str, device: str | None, found: Reading, known: Owners) -> dict[str, Any]:
    """Give one entry of a result."""
    return {
        "drive": drive,
        "state": found.state,
        "holders": [_port(port, known) for port in found.holders],
        "registrants": [
            {
                "key": f"0x{one.key:016x}", "holder": one.holder, "name": one.name, "target_port": one.target_port,
                **_port(one.port or {"protocol": None, "id": None}, known),
            }
            for one in found.registrants
        ],
        "type": None if found.type is None else _spc.type_name(found.type),
        "generation": found.generation,
        "fenced": found.fenced,
        "why": found.why,
        "device": device,
    }


def _port(port: Mapping[str, Any], known: Owners) -> dict[str, Any]:
    hosts, instances = known.get((port["protocol"], port["id"]), ([], []))
    return {"protocol": port["protocol"], "id": port["id"], "hosts": list(hosts), "instances": list(instances)}


def instance_ports(tx: Any, host: str) -> frozenset[tuple[str, str]]:
    """Give the ports of all hosts that carry an instance of this host."""
    rows = tx.execute(
        "SELECT DISTINCT p.protocol, p.id FROM ports p JOIN instances i ON i.host = p.host"
        " WHERE i.instance IN (SELECT instance FROM instances WHERE host = ?)",
        (host,),
    )
    return frozenset((row["protocol"], row["id"]) for row in rows)


def text(drive: str, found: Reading) -> str:
    """Say it in lines, for a difference."""
    lines = [f"drive {drive}: {found.state}" + ("" if found.type is None else f", {_spc.type_name(found.type)}")]
    lines += [f"{'holder' if one.holder else 'registered'}: {one.name}, key 0x{one.key:016x}" for one in found.registrants]
    return "\n".join([*lines, ""])
