# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the changes of a batch and the associations to the control points that are asked.

Pure: no clock, no I/O. Private: may change at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Plan:
    """What a play has to ask."""

    #: One entry per drive, instance and host, as ``_dispatch.expect`` takes them.
    asks: list[dict[str, Any]] = field(default_factory=list)
    #: drive: why nobody is asked.
    settled: dict[str, str] = field(default_factory=dict)
    #: Drives that somebody should be asked about, and nobody can be.
    nobody: list[str] = field(default_factory=list)
    #: Sentences for the operator.
    warnings: list[str] = field(default_factory=list)
    #: host: number of drives it is asked about.
    hosts: dict[str, int] = field(default_factory=dict)


def relation(
    status: str,
    holders: Iterable[Mapping[str, Any]],
    instance: str,
    owners: Callable[[Mapping[str, Any]], Collection[str]],
) -> str:
    """Say how the holders look from ``instance``: one of :data:`_decision.RELATIONS`.

    ``owners`` gives the names of the instances that a port belongs to, none for a port that nobody knows.
    """
    if status == "released":
        return "none"
    seen = set()
    for holder in holders:
        names = set(owners(holder)) if holder.get("id") else set()
        if not names:
            seen.add("unknown")
        elif instance not in names:
            seen.add("foreign")
        elif len(names) > 1:
            seen.add("ambiguous")
        else:
            seen.add("own")
    for kind in ("own", "ambiguous", "unknown", "foreign"):
        if kind in seen:
            return kind
    return "unknown"


def control_points(
    instance: Mapping[str, Any], inventory: Collection[str], silent: Collection[tuple[str, str]] = ()
) -> tuple[list[str], list[str]]:
    """Give the hosts to ask for one instance, and the ones that the inventory does not have.

    With one state per instance the first control point is asked, in order of preference; one that was silent for this
    very change comes last. With one state per host every host of the instance that sees the drive is asked.
    """
    if instance["scope"] == "instance":
        wanted = list(instance["control_points"])
        known = [host for host in wanted if host in inventory]
        known.sort(key=lambda host: (instance["instance"], host) in silent)  # stable: keeps the order of preference
        return known[:1], [host for host in wanted if host not in inventory]
    wanted = sorted(instance["hosts"])
    return [host for host in wanted if host in inventory], [host for host in wanted if host not in inventory]


def make(
    changes: Iterable[Mapping[str, Any]],
    associations: Any,
    inventory: Collection[str],
    silent: Mapping[str, Collection[tuple[str, str]]] | None = None,
    taken: Mapping[str, Collection[str]] | None = None,
) -> Plan:
    """Make the plan of a batch.

    ``changes``: rows of the claim (drive, sequence, attempt, status, holders). ``associations``: what
    ``_associations.lookup`` gives. ``inventory``: the inventory's hosts. ``silent``: drive: the (instance, host) pairs
    that did not answer for the same sequence before. ``taken``: drive: the instances where we have it offline; they are
    asked even if the drive is shared no more, because nobody else would give it back. A drive under whose serial number
    hosts see different drives is not shared.
    """
    plan = Plan()
    absent: dict[str, set[str]] = {}
    mute: dict[str, set[str]] = {}
    conflicts: dict[str, None] = {}
    for change in changes:
        drive = change["drive"]
        instances = associations.instances_of(drive)
        refused = associations.conflict(drive) if len(instances) > 1 else None
        told = [refused, *(associations.port_conflict(holder) for holder in change["holders"] if holder.get("id"))]
        conflicts |= dict.fromkeys(sentence for sentence in told if sentence and len(instances) > 1)
        if len(instances) < 2 or refused:
            mine = set((taken or {}).get(drive, ()))
            instances = [one for one in associations.instances_of(drive, managed_only=False) if one["instance"] in mine]
        if not instances and refused:
            plan.settled[drive] = "hosts see different drives under this serial number"
            continue
        if not instances:
            instances = associations.instances_of(drive)
            who = instances[0]["instance"] if instances else "nobody"
            plan.settled[drive] = f"seen by fewer than two instances ({who})"
            continue
        asked = 0
        for instance in instances:
            hosts, missing = control_points(instance, inventory, (silent or {}).get(drive, ()))
            for host in missing:
                absent.setdefault(host, set()).add(drive)
            if not hosts and not missing:
                mute.setdefault(instance["instance"], set()).add(drive)
            view = relation(change["status"], change["holders"], instance["instance"], associations.owners)
            for host in hosts:
                asked += 1
                plan.hosts[host] = plan.hosts.get(host, 0) + 1
                plan.asks.append(
                    {
                        "drive": drive,
                        "sequence": change["sequence"],
                        "attempt": change["attempt"],
                        "instance": instance["instance"],
                        "application": instance["application"],
                        "scope": instance["scope"],
                        "host": host,
                        "relation": view,
                    }
                )
        if not asked:
            # Not settled: with a wrong inventory that would settle everything without a word.
            plan.nobody.append(drive)
    for host, drives in sorted(absent.items()):
        plan.warnings.append(
            f"Host {host} of the associations is not in the inventory and was not asked about {_few(drives)};"
            " add it to the inventory, or have it forgotten by drive_table with state=forgotten."
        )
    for name, drives in sorted(mute.items()):
        plan.warnings.append(
            f"Instance {name} has no control point and was not asked about {_few(drives)}; give its hosts control_points in"
            " drive_sharing_applications, and run the playbook host_facts."
        )
    plan.warnings += sorted(conflicts)
    return plan


def _few(names: Collection[str], most: int = 3) -> str:
    """Name a few and count the rest."""
    shown = sorted(names)
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    return f"drive{'s' if len(shown) > 1 else ''} {', '.join(shown[:most])}{rest}"
