# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who sees which drive through what: written by host_facts, read by the plan (design 4.5).

Private: may change at any time. Reading stands in _lookup and is offered here too.

What a host does not report any more stays, with the time since when it is missing: its application may still have the
drive, and its port may still hold a reservation. What only a person had written into host variables does not stay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _changes,
    _conflicts,
    _history,
    _host_rows,
    _lookup,
    _rows,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._host_rows import HostRows

Associations = _lookup.Associations
lookup = _lookup.lookup

Port = tuple[str, str]


def write_host(
    tx: Any, host: str, facts: Mapping[str, Any], instances: Sequence[Mapping[str, Any]], now: float
) -> list[str]:
    """Replace one host's associations; gives sentences about what was left out and what conflicts.

    ``facts``: drives and ports of host_facts; an entry with ``ignore: true`` is forgotten. ``instances``: instance,
    application, control_points, scope (host or instance), managed (true, false, or serials). A reserved drive whose
    managed instances or whose holder's owners change is done again, and any of which nobody could be asked before. Raises InvalidValueError.
    """
    return write_hosts(tx, [(host, facts, instances)], now)


def write_hosts(
    tx: Any, rows: Iterable[tuple[str, Mapping[str, Any], Sequence[Mapping[str, Any]]]], now: float
) -> list[str]:
    """Do write_host for many (host, facts, instances) at once. Raises InvalidValueError, and then writes none.

    A thousand hosts take the write lock for about a second; take them in portions, for others wait 5 s at the most.
    """
    hosts = {one.host: one for one in (_host_rows.host_rows(*row) for row in rows)}
    if not hosts:
        return []
    old = _Present(tx, hosts)
    drives = {drive for _host, drive in old.paths} | {drive for one in hosts.values() for drive in one.paths}
    ports = {port for _host, port in old.ports} | {port for one in hosts.values() for port in one.ports}
    watch = _Watch(tx, drives, ports)
    changed = _write_paths(tx, hosts, old.paths, now)
    _write_ports(tx, hosts, old.ports, now)
    _write_instances(tx, hosts, changed, now)
    _write_attributes(tx, hosts, now)
    _conflicts.write_drives(tx, drives, now)
    watch.redo(tx, now)
    _changes.retry_unresolved(tx, now)
    problems = [problem for one in hosts.values() for problem in one.problems]
    return problems + list(_conflicts.of_drives(tx, drives).values()) + _conflicts.of_ports(tx, ports)


class _Present:
    """What the tables have of these hosts, as it is written: most hosts tell what they told before."""

    def __init__(self, tx: Any, hosts: Collection[str]) -> None:
        #: (host, drive): devices, detail, origin, missing_since.
        self.paths: dict[tuple[str, str], tuple[Any, ...]] = {
            (row["host"], row["drive"]): (row["devices"], row["detail"], row["origin"], row["missing_since"])
            for row in _rows.select_in(
                tx, "SELECT host, drive, devices, detail, origin, missing_since FROM paths WHERE host IN {in}", hosts
            )
        }
        #: (host, port): state, device, origin, missing_since.
        self.ports: dict[tuple[str, Port], tuple[Any, ...]] = {
            (row["host"], (row["protocol"], row["id"])): (row["state"], row["device"], row["origin"], row["missing_since"])
            for row in _rows.select_in(
                tx, "SELECT host, protocol, id, state, device, origin, missing_since FROM ports WHERE host IN {in}", hosts
            )
        }


class _Watch:
    """Which drives' instances and ports' owners change while associations are written."""

    def __init__(self, tx: Any, drives: Collection[str], ports: Collection[Port]) -> None:
        self._drives = drives
        self._ports = [{"protocol": protocol, "id": identifier} for protocol, identifier in ports]
        self._instances = _lookup.managed_instances(tx, drives)
        self._owners = _lookup.port_owners(tx, self._ports)
        self._conflicts = _conflicts.of_drives(tx, drives)

    def redo(self, tx: Any, now: float) -> None:
        """Let reserved drives that this concerns become due, and those of which nobody could be asked before."""
        instances = _lookup.managed_instances(tx, self._drives)
        changed = {drive for drive in self._drives if instances.get(drive) != self._instances.get(drive)}
        changed |= self._conflicts.keys() ^ _conflicts.of_drives(tx, self._drives).keys()
        owners = _lookup.port_owners(tx, self._ports)
        moved = {key for key in {*owners, *self._owners} if owners.get(key) != self._owners.get(key)}
        if moved:
            for row in tx.execute("SELECT drive, holders FROM drives WHERE status = 'reserved'"):
                holders = _rows.loads(row["holders"])
                if isinstance(holders, list) and any(
                    (port.get("protocol"), port.get("id")) in moved for port in holders if isinstance(port, dict)
                ):
                    changed.add(row["drive"])
        _rows.execute_in(
            tx,
            "UPDATE drives SET due = ?, failures = 0 WHERE (status = 'reserved' OR settled_why LIKE ?) AND drive IN {in}",
            changed,
            before=(now, f"{_changes.NOBODY}%"),
        )


def _write_paths(
    tx: Any, hosts: Mapping[str, HostRows], old: Mapping[tuple[str, str], tuple[Any, ...]], now: float
) -> set[str]:
    """Write the drives; gives the hosts of which something has changed."""
    rows: list[tuple[str, str, str, str, str, float]] = []
    for one in hosts.values():
        for drive, (devices, detail, origin) in one.paths.items():
            before = old.get((one.host, drive))
            row = (devices, _conflicts.since(detail, None if before is None else before[1], now), origin)
            if before != (*row, None):
                rows.append((one.host, drive, *row, now))
    tx.many(
        "INSERT INTO paths (host, drive, devices, detail, origin, seen_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (host, drive) DO UPDATE SET devices = excluded.devices, detail = excluded.detail,"
        " origin = excluded.origin, seen_at = excluded.seen_at, missing_since = NULL",
        rows,
    )
    gone = sorted((host, drive) for host, drive in old if drive not in hosts[host].paths)
    tx.many(
        "UPDATE paths SET missing_since = ? WHERE host = ? AND drive = ? AND missing_since IS NULL",
        [(now, host, drive) for host, drive in gone],
    )
    # What only a person had written down is gone when the person takes it away again.
    tx.many("DELETE FROM paths WHERE host = ? AND drive = ? AND origin = 'manual'", gone)
    tx.many(
        "DELETE FROM paths WHERE host = ? AND drive = ?",
        [(host, drive) for host, drive in gone if drive in hosts[host].ignored_drives],
    )
    _rows.execute_in(tx, "UPDATE paths SET seen_at = ? WHERE missing_since IS NULL AND host IN {in}", hosts, before=(now,))
    return {row[0] for row in rows} | {host for host, _drive in gone}


def _write_ports(
    tx: Any, hosts: Mapping[str, HostRows], old: Mapping[tuple[str, Port], tuple[Any, ...]], now: float
) -> None:
    tx.many(
        "INSERT INTO ports (host, protocol, id, state, device, origin, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (host, protocol, id) DO UPDATE SET state = excluded.state, device = excluded.device,"
        " origin = excluded.origin, seen_at = excluded.seen_at, missing_since = NULL",
        [
            (one.host, *port, *values, now) for one in hosts.values() for port, values in one.ports.items()
            if old.get((one.host, port)) != (*values, None)
        ],
    )
    gone = sorted((host, *port) for host, port in old if port not in hosts[host].ports)
    tx.many(
        "UPDATE ports SET missing_since = ? WHERE host = ? AND protocol = ? AND id = ? AND missing_since IS NULL",
        [(now, *row) for row in gone],
    )
    tx.many("DELETE FROM ports WHERE host = ? AND protocol = ? AND id = ? AND origin = 'manual'", gone)
    tx.many(
        "DELETE FROM ports WHERE host = ? AND protocol = ? AND id = ?",
        [row for row in gone if (row[1], row[2]) in hosts[row[0]].ignored_ports],
    )
    _rows.execute_in(tx, "UPDATE ports SET seen_at = ? WHERE missing_since IS NULL AND host IN {in}", hosts, before=(now,))


def _write_instances(tx: Any, hosts: Mapping[str, HostRows], changed: set[str], now: float) -> None:
    """Write the hosts, their instances, and what these see; ``changed``: hosts whose drives are others than before."""
    tx.many(
        "INSERT INTO hosts (host, updated_at, notes) VALUES (?, ?, ?)"
        " ON CONFLICT (host) DO UPDATE SET updated_at = excluded.updated_at, notes = excluded.notes",
        [(one.host, now, _rows.dumps(one.notes)) for one in hosts.values()],
    )
    old: dict[str, set[tuple[Any, ...]]] = {}
    for row in _rows.select_in(
        tx, "SELECT host, instance, application, control_points, scope, managed FROM instances WHERE host IN {in}", hosts
    ):
        key = (row["instance"], row["application"], row["control_points"], row["scope"], row["managed"])
        old.setdefault(row["host"], set()).add(key)
    moved = {host for host, one in hosts.items() if old.get(host) != set(one.instances)}
    _rows.execute_in(tx, "DELETE FROM instances WHERE host IN {in}", moved)
    tx.many(
        "INSERT INTO instances (host, instance, application, control_points, scope, managed) VALUES (?, ?, ?, ?, ?, ?)",
        [(host, *instance) for host in sorted(moved) for instance in hosts[host].instances],
    )
    moved |= changed
    _rows.execute_in(tx, "DELETE FROM seen WHERE host IN {in}", moved)
    paths = _rows.select_in(tx, "SELECT host, drive, devices, missing_since FROM paths WHERE host IN {in}", moved)
    tx.many(
        "INSERT INTO seen (drive, instance, host, managed, application, scope, control_points, devices, missing_since,"
        " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                row["drive"], name, row["host"], hosts[row["host"]].manages(managed, row["drive"]), application, scope,
                control_points, row["devices"], row["missing_since"], now,
            )
            for row in paths
            for name, application, control_points, scope, managed in hosts[row["host"]].instances
        ],
    )


def _write_attributes(tx: Any, hosts: Mapping[str, HostRows], now: float) -> None:
    """Write by what else the drives are known; the newest word of which library one is in counts."""
    told = set().union(*(one.attributes for one in hosts.values()))
    known = {
        (row["drive"], row["kind"], row["value"], row["library"])
        for row in _rows.select_in(
            tx,
            "SELECT drive, kind, value, library FROM attributes WHERE library = '' AND drive IN {in}",
            {attribute[0] for attribute in told},
        )
    }
    tx.many(
        "INSERT INTO attributes (drive, kind, value, library, seen_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (drive, kind, value, library) DO UPDATE SET seen_at = excluded.seen_at",
        [(*attribute, now) for attribute in sorted(told - known)],
    )


def forget_host(tx: Any, host: str, now: float) -> bool:
    """Remove a host that the site has no more; False: it was not there."""
    old = _Present(tx, [host])
    drives = {drive for _host, drive in old.paths}
    watch = _Watch(tx, drives, {port for _host, port in old.ports})
    for table in ("paths", "ports", "instances", "seen"):
        tx.execute(f"DELETE FROM {table} WHERE host = ?", (host,))  # noqa: S608
    tx.execute("DELETE FROM hosts WHERE host = ?", (host,))
    if not tx.rowcount:
        return False
    _conflicts.write_drives(tx, drives, now)
    watch.redo(tx, now)
    _history.add(tx, now, "forgotten", f"Host {host} was removed from the associations.", host=host)
    return True


def hosts_with_facts(tx: Any) -> dict[str, float]:
    """Every host that has written its facts, and when (epoch seconds)."""
    return {row["host"]: row["updated_at"] for row in tx.execute("SELECT host, updated_at FROM hosts ORDER BY host")}


def conflicts(tx: Any) -> list[str]:
    """One sentence for each thing that two hosts claim and only one can have, naming both."""
    found = [*_conflicts.of_drives(tx, None).values(), *_conflicts.of_ports(tx, None)]
    rows = tx.execute(
        "SELECT a.instance, a.host AS one, b.host AS other FROM instances a JOIN instances b"
        " ON b.instance = a.instance AND b.host > a.host"
        " WHERE a.application <> b.application OR a.scope <> b.scope OR a.control_points <> b.control_points"
        " AND a.scope = 'instance' ORDER BY a.instance, a.host, b.host LIMIT 100"
    )
    return found + [
        f"Hosts {row['one']} and {row['other']} describe instance {row['instance']} differently (application, scope or"
        f" control points); what {row['one']} says is used. Make their drive_sharing_applications agree."
        for row in rows
    ]


def everything(tx: Any) -> dict[str, dict[str, Any]]:
    """host: updated_at, notes, instances, drives and ports, for info modules."""
    found: dict[str, dict[str, Any]] = {
        row["host"]: {
            "updated_at": row["updated_at"], "notes": _rows.loads(row["notes"]) or [],
            "instances": [], "drives": [], "ports": [],
        }
        for row in tx.execute("SELECT host, updated_at, notes FROM hosts ORDER BY host")
    }
    for row in tx.execute("SELECT * FROM instances ORDER BY host, instance"):
        _put(found, row, "instances", {
            "instance": row["instance"], "application": row["application"], "scope": row["scope"],
            "control_points": row["control_points"].split(), "managed": _rows.loads(row["managed"]),
        })
    for row in tx.execute("SELECT * FROM paths ORDER BY host, drive"):
        detail = _rows.loads(row["detail"]) or {}
        detail.pop("wwnn_since", None)
        _put(found, row, "drives", {
            **detail, "serial": row["drive"], "devices": _rows.loads(row["devices"]) or [],
            "origin": row["origin"], "seen_at": row["seen_at"], "missing_since": row["missing_since"],
        })
    for row in tx.execute("SELECT * FROM ports ORDER BY host, protocol, id"):
        _put(found, row, "ports", {
            key: row[key] for key in ("protocol", "id", "state", "device", "origin", "seen_at", "missing_since")
        })
    return found


def _put(found: dict[str, dict[str, Any]], row: Mapping[str, Any], kind: str, entry: dict[str, Any]) -> None:
    if row["host"] in found:
        found[row["host"]][kind].append(entry)
