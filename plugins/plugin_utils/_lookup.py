# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the associations: only the rows of the drives and ports in question. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from operator import itemgetter
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _conflicts, _rows

PortKey = tuple[str | None, str | None]


class Associations:
    """The associations of the drives and ports that were asked for."""

    def __init__(
        self,
        instances: dict[str, dict[str, dict[str, Any]]],
        owners: dict[PortKey, set[str]],
        libraries: dict[str, str],
        conflicts: tuple[dict[str, str], dict[PortKey, str]],
    ) -> None:
        """Made by lookup only."""
        self._instances = instances
        self._owners = owners
        self._libraries = libraries
        self._drive_conflicts, self._port_conflicts = conflicts

    def instances_of(self, drive: str, *, managed_only: bool = True) -> list[dict[str, Any]]:
        """Instances that see a drive, by name.

        Each has the keys instance, application, scope, control_points, hosts, devices {host: [files]}, missing_since
        (epoch seconds since no host of it sees the drive any more, else None) and managed.
        """
        found = self._instances.get(drive, {})
        return [found[name] for name in sorted(found) if found[name]["managed"] or not managed_only]

    def owners(self, port: Mapping[str, Any]) -> set[str]:
        """Instances that a port belongs to: of the hosts that have it, else of those that had it last.

        None of an IP address that hosts of different instances have: it may be on others too.
        """
        return set(self._owners.get((port["protocol"], port["id"]), ()))

    def conflict(self, drive: str) -> str | None:
        """Why a drive is shared by nobody: hosts see different drives under its serial number."""
        return self._drive_conflicts.get(drive)

    def port_conflict(self, port: Mapping[str, Any]) -> str | None:
        """Why a port decides nothing by itself: hosts of different instances have it."""
        return self._port_conflicts.get((port["protocol"], port["id"]))

    def library(self, drive: str) -> str | None:
        """The library's inventory name, where host variables or host facts tell it."""
        return self._libraries.get(drive)


def lookup(tx: Any, drives: Collection[str], ports: Collection[Mapping[str, Any]]) -> Associations:
    """Read what concerns these drives and ports. Raises TableError."""
    instances: dict[str, dict[str, dict[str, Any]]] = {}
    files: dict[str, list[str]] = {}
    rows = _rows.select_in(
        tx,
        "SELECT drive, instance, host, managed, application, scope, control_points, devices, missing_since"
        " FROM seen WHERE drive IN {in}",
        drives,
    )
    rows.sort(key=itemgetter("drive", "instance", "host"))
    for row in rows:
        if row["devices"] not in files:
            files[row["devices"]] = _rows.loads(row["devices"]) or []
        _add(instances.setdefault(row["drive"], {}), row, files[row["devices"]])
    claims = _claims(tx, ports)
    told = {key: sentence for key, hosts_of in claims.items() if (sentence := _conflicts.port_sentence(*key, hosts_of))}
    return Associations(
        instances, _owners(claims), _libraries(tx, drives), (_conflicts.of_drives(tx, drives), told)
    )


def _add(found: dict[str, dict[str, Any]], row: Mapping[str, Any], files: list[str]) -> None:
    """Add one host's row to its instance; where hosts of one instance differ, the first host's word counts."""
    entry = found.get(row["instance"])
    if entry is None:
        entry = found[row["instance"]] = {
            "instance": row["instance"],
            "application": row["application"],
            "scope": row["scope"],
            "control_points": row["control_points"].split(),
            "hosts": [],
            "devices": {},
            "missing_since": row["missing_since"],
            "managed": False,
        }
    entry["hosts"].append(row["host"])
    entry["devices"][row["host"]] = list(files)
    entry["managed"] = entry["managed"] or bool(row["managed"])
    if row["missing_since"] is None or entry["missing_since"] is None:
        entry["missing_since"] = None
    else:
        entry["missing_since"] = max(entry["missing_since"], row["missing_since"])


def port_owners(tx: Any, ports: Collection[Mapping[str, Any]]) -> dict[PortKey, set[str]]:
    """Which instances each port belongs to; ports that nobody has are left out."""
    return _owners(_claims(tx, ports))


def _owners(claims: Mapping[PortKey, Mapping[str, set[str]]]) -> dict[PortKey, set[str]]:
    found = {}
    for key, hosts in claims.items():
        names = set().union(*hosts.values())
        # Cluster addresses, container networks: nobody can say which other hosts have such an address too.
        if key[0] != "ip" or all(of_host == names for of_host in hosts.values()):
            found[key] = names
    return found


def _claims(tx: Any, ports: Collection[Mapping[str, Any]]) -> dict[PortKey, dict[str, set[str]]]:
    """port: {host: instances} of the hosts that have it, else of those that had it last."""
    wanted = {(port["protocol"], port["id"]) for port in ports if port["id"] is not None}
    live: dict[PortKey, dict[str, set[str]]] = {}
    lost: dict[PortKey, dict[str, set[str]]] = {}
    for row in _rows.select_in(
        tx,
        "SELECT p.protocol, p.id, p.host, p.missing_since, i.instance FROM ports p JOIN instances i ON i.host = p.host"
        " WHERE p.id IN {in}",
        sorted({key[1] for key in wanted if key[1] is not None}),
    ):
        key = (row["protocol"], row["id"])
        if key in wanted:
            # An adapter that was moved belongs to the host that has it now.
            claims = live if row["missing_since"] is None else lost
            claims.setdefault(key, {}).setdefault(row["host"], set()).add(row["instance"])
    return {**lost, **live}


def managed_instances(tx: Any, drives: Collection[str]) -> dict[str, set[str]]:
    """drive: the managed instances that see it; drives that none sees are left out."""
    found: dict[str, set[str]] = {}
    for row in _rows.select_in(
        tx, "SELECT DISTINCT drive, instance FROM seen WHERE managed = 1 AND drive IN {in}", drives
    ):
        found.setdefault(row["drive"], set()).add(row["instance"])
    return found


def few_instances(tx: Any, drives: Collection[str]) -> dict[str, tuple[str, str]]:
    """drive: the first and the last by name of the managed instances that see it; equal if there is only one."""
    rows = _rows.select_in(
        tx,
        "SELECT drive, MIN(instance) AS one, MAX(instance) AS other FROM seen WHERE managed = 1 AND drive IN {in}"
        " GROUP BY drive",
        drives,
    )
    return {row["drive"]: (row["one"], row["other"]) for row in rows}


def _libraries(tx: Any, drives: Collection[str]) -> dict[str, str]:
    rows = _rows.select_in(
        tx, "SELECT drive, library, seen_at FROM attributes WHERE library <> '' AND drive IN {in}", drives
    )
    rows.sort(key=lambda row: (row["seen_at"], row["library"]))
    return {row["drive"]: row["library"] for row in rows}
