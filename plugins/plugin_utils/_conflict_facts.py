# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbook conflict_doctor gathers of one drive, from results of tasks to one view of it. Pure. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import last_words

#: The name of the controller in a play.
CONTROLLER = "localhost"
_PARTS = ("associations", "drives", "owed")


@dataclass(frozen=True)
class Owner:
    """A port that holds the drive, or one that nobody can read, and whose it is by the associations."""

    protocol: str | None
    id: str | None
    hosts: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name it for people."""
        if self.id is None:
            return "somebody who cannot be read"
        if not self.hosts:
            return f"{self.protocol} {self.id} (a port of no known host)"
        whose = f"{self.protocol} {self.id} = {some(self.hosts)}"
        return whose if self.instances in ((), self.hosts) else f"{whose}, instance {some(self.instances)}"


@dataclass(frozen=True)
class Said:
    """What an instance's application says of the drive at one control point. ``problem``: why that is not known."""

    instance: str
    application: str
    scope: str
    host: str
    state: str | None = None
    in_use: bool | None = None
    taken: bool = False
    configured: bool | None = None
    problem: str = ""


@dataclass(frozen=True)
class Answer:
    """What the drive itself says, through one host. ``spc2_holder``: who was found out to hold it, empty: it cannot be told."""

    state: str = "unknown"
    host: str = ""
    device: str = ""
    holders: tuple[Owner, ...] = ()
    type: str = ""
    registered: int = 0
    fenced: bool = False
    why: str = ""
    spc2_holder: str = ""


@dataclass(frozen=True)
class Case:
    """All that is known of the drive. ``alive``: by host; a host that was not asked is not in it."""

    drive: str
    answer: Answer
    row: Mapping[str, Any] | None
    row_holders: tuple[Owner, ...]
    said: tuple[Said, ...]
    owed: tuple[Mapping[str, Any], ...]
    alive: Mapping[str, bool] = field(default_factory=dict)
    #: Hosts through which the drive could be asked, the controller first.
    ways: tuple[str, ...] = ()
    #: Hosts that see it by the associations, and since when it was missing there (None: it is not).
    seen: Mapping[str, float | None] = field(default_factory=dict)
    instances: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: When each host's facts were written.
    updated: Mapping[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    stopped_since: str = ""

    def of_host(self, host: str) -> tuple[Said, ...]:
        """What was said by the instances of a host that has a state of its own there, or one for all its hosts."""
        mine = self.instances.get(host, ())
        return tuple(one for one in self.said if one.instance in mine and (one.scope == "instance" or one.host == host))


def asks(drive: str, table: Mapping[str, Any], inventory: Sequence[str]) -> dict[str, list[dict[str, str]]]:
    """Give the hosts to ask about a drive, and which instances are asked there; hosts that the inventory lacks are left out."""
    found: dict[str, list[dict[str, str]]] = {CONTROLLER: []}
    hosts = table["associations"]
    seen = {host for host, entry in hosts.items() if any(one.get("serial") == drive for one in entry.get("drives", ()))}
    row = _row(drive, table)
    holding = {host for one in owners_of((row or {}).get("holders") or (), hosts) for host in one.hosts}
    for host in sorted(seen | holding):
        found.setdefault(host, [])
        for one in hosts[host].get("instances", ()):
            if not one["application"]:
                continue
            points = list(one["control_points"]) if one["scope"] == "instance" else [host]
            entry = {"instance": one["instance"], "application": one["application"], "scope": one["scope"]}
            for point in points:
                if entry not in found.setdefault(point, []):
                    found[point].append(entry)
    return {host: entries for host, entries in found.items() if host == CONTROLLER or host in inventory}


def evidence(drive: str, table: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Give what reservation_info wants, to find out who holds the drive by RESERVE of SPC-2; empty if nobody does."""
    told = {host: result for host, result in asked["reservations"].items() if entry_of(drive, result)}
    if not any((entry_of(drive, result) or {}).get("state") == "spc2" for result in told.values()):
        return {}
    for host, entry in table["associations"].items():
        if host not in told and any(one.get("serial") == drive and not one.get("missing_since") for one in entry.get("drives", ())):
            # Left out, it would be taken to be none of the candidates; and it may be the very one.
            told[host] = {"drives": [{"drive": drive, "state": "unknown", "device": "a device that could not be asked"}]}
    used = {}
    for host, result in asked["applications"].items():
        words = [one.get("in_use") for item in items_of(result) if (one := entry_of(drive, item))]
        if words:
            in_use = True if True in words else None if None in words else False
            used[host] = {"drives": [{"drive": drive, "in_use": in_use}]}
    return {"evidence": told, "applications": used}


def case(drive: str, table: Mapping[str, Any], inventory: Sequence[str], asked: Mapping[str, Any], found: Any = None) -> Case:
    """Make one view of all results. ``found``: what was concluded from `evidence`."""
    hosts = table["associations"]
    row = _row(drive, table)
    alive = {host: _reached(result) for host, result in asked["alive"].items() if not _skipped(result)}
    told = {host: entry for host, result in asked["reservations"].items() if (entry := entry_of(drive, result))}
    problems = [
        f"{host} could not read the drive: {why_of(result)}"
        for host, result in asked["reservations"].items()
        if alive.get(host) and not entry_of(drive, result) and not _skipped(result)
    ]
    problems += [f"{host} could not read the drive: {one['why']}" for host, one in told.items() if one.get("state") == "unknown" and one.get("device")]
    problems += [f"{host} did not answer: {why_of(asked['alive'][host])}" for host, there in alive.items() if not there]
    problems += [
        f"{host} sees the drive, and is not in the inventory" for host, entry in sorted(hosts.items())
        if host not in inventory and any(one.get("serial") == drive for one in entry.get("drives", ()))
    ]
    answer = _answer(told, hosts, entry_of(drive, found))
    ways = [host for host, one in told.items() if one.get("state") != "unknown"]
    return Case(
        drive, answer, row, owners_of((row or {}).get("holders") or (), hosts), _said(drive, table, inventory, asked, alive),
        tuple(one for one in table["owed"] if one.get("drive") == drive), alive,
        tuple(sorted(ways, key=lambda host: (host != CONTROLLER, host))),
        {
            host: one.get("missing_since") for host, entry in sorted(hosts.items()) for one in entry.get("drives", ())
            if one.get("serial") == drive
        },
        {host: tuple(one["instance"] for one in entry.get("instances", ())) for host, entry in hosts.items()},
        {host: float(entry["updated_at"]) for host, entry in hosts.items() if entry.get("updated_at")},
        tuple(problems), str(table.get("stopped_since") or ""),
    )


def checked(table: Any) -> Mapping[str, Any]:
    """Refuse what is no result of drive_table_info with all that is needed."""
    if not isinstance(table, Mapping) or not all(part in table for part in _PARTS):
        msg = f"table must be what drive_table_info returns with gather: [{', '.join(_PARTS)}]"
        raise InvalidValueError(msg)
    return table


def some(names: Sequence[str]) -> str:
    """Name all of a few."""
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else "nobody"


def _row(drive: str, table: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((one for one in table["drives"] if one.get("drive") == drive), None)


def owners_of(ports: Sequence[Mapping[str, Any]], hosts: Mapping[str, Any]) -> tuple[Owner, ...]:
    """Say whose the ports are: of the hosts that have them, else of those that had them last."""
    found = []
    for port in ports:
        live: list[str] = []
        lost: list[str] = []
        for host, entry in sorted(hosts.items()):
            for one in entry.get("ports", ()):
                if port.get("id") is not None and (one["protocol"], one["id"]) == (port.get("protocol"), port["id"]):
                    (live if one.get("missing_since") is None else lost).append(host)
        owners = tuple(live or lost)
        instances = {one["instance"] for host in owners for one in hosts[host].get("instances", ())}
        found.append(Owner(port.get("protocol"), port.get("id"), owners, tuple(sorted(instances))))
    return tuple(found)


def _answer(told: Mapping[str, Mapping[str, Any]], hosts: Mapping[str, Any], found: Mapping[str, Any] | None) -> Answer:
    """Choose among what the hosts read: to its holder a drive under RESERVE of SPC-2 looks free, so that comes last."""
    if not told:
        return Answer(why="no host could ask it")
    order = {"persistent": 0, "spc2": 1, "free": 2}
    host = min(told, key=lambda name: (order.get(str(told[name].get("state")), 3), name != CONTROLLER, name))
    one = told[host]
    state = str(one.get("state")) if one.get("state") in order else "unknown"
    why = "no host that was asked can read it" if state == "unknown" else str(one.get("why") or "")
    holder = ""
    if state == "spc2" and found:
        holder, why = str(found.get("holder_host") or ""), str(found.get("why") or "")
    return Answer(
        state, host if state != "unknown" else "", str(one.get("device") or ""), owners_of(one.get("holders") or (), hosts),
        str(one.get("type") or ""), len(one.get("registrants") or ()), bool(one.get("fenced")), why, holder,
    )


def _said(
    drive: str, table: Mapping[str, Any], inventory: Sequence[str], asked: Mapping[str, Any], alive: Mapping[str, bool]
) -> tuple[Said, ...]:
    """What each instance says; with one state for the instance, what the first control point says that answers."""
    found: dict[tuple[str, str], Said] = {}
    for host, entries in asks(drive, table, inventory).items():
        for number, entry in enumerate(entries):
            items = items_of(asked["applications"].get(host))
            item = items[number] if number < len(items) else None
            who = (entry["instance"], entry["application"], entry["scope"], host)
            one = entry_of(drive, item)
            if one is None:
                now = Said(*who, problem=f"{host} did not answer" if not alive.get(host) else why_of(item))
            else:
                problem = str(one.get("problem") or "")
                now = Said(*who, one.get("state"), one.get("in_use"), bool(one.get("taken")), one.get("configured"), problem)
            key = (entry["instance"], "" if entry["scope"] == "instance" else host)
            if key not in found or (found[key].problem and not now.problem):
                found[key] = now
    return tuple(found[key] for key in sorted(found))


def items_of(result: Any) -> list[Any]:
    """Give the results of a task in a loop."""
    items = result.get("results") if isinstance(result, Mapping) else None
    return list(items) if isinstance(items, Sequence) and not isinstance(items, str) else []


def entry_of(drive: str, result: Any) -> Mapping[str, Any] | None:
    """Give what a result has of the drive."""
    drives = result.get("drives") if isinstance(result, Mapping) else None
    if not isinstance(drives, Sequence) or isinstance(drives, str):
        return None
    return next((one for one in drives if isinstance(one, Mapping) and one.get("drive") == drive), None)


def _skipped(result: Any) -> bool:
    return not isinstance(result, Mapping) or bool(result.get("skipped"))


def _reached(result: Mapping[str, Any]) -> bool:
    """Whether the host ran the command at all, whatever came of it."""
    return "rc" in result and not result.get("unreachable")


def why_of(result: Any) -> str:
    """Say in a few words why a task gave nothing."""
    if not isinstance(result, Mapping) or result.get("skipped"):
        return "it was not asked"
    return last_words(str(result.get("msg") or result.get("stderr") or "")) or "no reason was given"
