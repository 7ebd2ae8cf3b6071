# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person asks of drives, and whom that concerns: the playbooks drive_status, drive_offline and drive_online.

Pure: no clock, no I/O. Private: may change at any time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _by_hand,
    _conflict_facts,
    _identifiers,
    _plan,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._conflict_facts import some
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

_PREFIX = "drive_sharing_maintenance_"
#: What the drives can be set to; without one they are only looked at.
STATES = ("offline", "online")
#: The word that stands for all instances, or where nothing is set for all drives too.
ALL = "all"


@dataclass(frozen=True)
class Request:
    """What a person wants. Empty ``drives`` or ``instances``: all."""

    state: str
    drives: tuple[str, ...]
    instances: tuple[str, ...]
    reason: str = ""

    @property
    def nothing(self) -> str:
        """How a refusal ends."""
        return "Nothing was set." if self.state else "Nothing was asked."


@dataclass
class Plan:
    """Whom it concerns. ``ask``: by host, in order, as the play asks; ``mute``: (drive, instance) and why nobody can be asked."""

    ask: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    mute: dict[tuple[str, str], str] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)


def request(given: Mapping[str, Any]) -> Request:
    """Check what a person gave; ``given`` has state, drives, instances and reason. Raises InvalidValueError."""
    state = given.get("state") or ""
    if state and state not in STATES:
        msg = f"state must be one of {some(STATES)}, not {_identifiers.shown(state)}"
        raise InvalidValueError(msg)
    drives = _names(given.get("drives"), "drives", "serial numbers", _identifiers.serial, everything=not state)
    instances = _names(given.get("instances"), "instances", "instance names", _identifiers.instance_name, everything=True)
    if state and not drives:
        msg = f"Give {_PREFIX}drives, the serial numbers of the drives to set {state}"
        raise InvalidValueError(msg)
    reason = _by_hand.checked_reason(given.get("reason"), f"{_PREFIX}reason")
    if state == "offline" and not reason:
        msg = f"Give {_PREFIX}reason, a few words for those who will find the drives offline"
        raise InvalidValueError(msg)
    return Request(state, drives, instances, reason)


def plan(wanted: Request, table: Mapping[str, Any], inventory: Sequence[str]) -> Plan:
    """Find the control points of the wanted drives, and why they cannot be set as wanted."""
    hosts = table["associations"]
    rows = {one["drive"]: one for one in table["drives"]}
    seen = seen_by(hosts)
    made = Plan(refusals=_not_known(wanted, seen, rows, hosts))
    if made.refusals:
        return made
    for drive in wanted.drives or sorted({*rows, *seen}):
        instances = [one for name, one in sorted(seen.get(drive, {}).items()) if not wanted.instances or name in wanted.instances]
        for one in instances:
            points, absent = _plan.control_points(one, inventory)
            if not points:
                name = one["instance"]
                made.mute[drive, name] = f"{some(absent)} is not in the inventory" if absent else f"instance {name} has no control point"
            for point in points:
                _ask(made.ask.setdefault(point, []), one, drive)
        if wanted.state:
            made.refusals += _cannot(wanted, drive, rows.get(drive), [one["instance"] for one in instances], hosts)
    if wanted.state and not made.refusals and not made.ask:
        made.refusals = [f"Nobody can be asked: {some(sorted(set(made.mute.values())))}."]
    made.ask = {host: made.ask[host] for host in sorted(made.ask)}
    return made


def seen_by(hosts: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """drive: instance: instance, application, scope, control_points and hosts, by the associations."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for host, entry in sorted(hosts.items()):
        for seen in entry.get("drives", ()):
            those = found.setdefault(seen["serial"], {})
            for one in entry.get("instances", ()):
                if one["application"]:
                    kept = {key: one[key] for key in ("instance", "application", "scope", "control_points")}
                    those.setdefault(one["instance"], {**kept, "hosts": []})["hosts"].append(host)
    return found


def _names(value: Any, name: str, what: str, check: Callable[[object, str], str], *, everything: bool) -> tuple[str, ...]:
    """Give a list, or the words of a text, as a job template's survey has it; none where all are meant."""
    variable = _PREFIX + name
    if value is None or (value == ALL and everything):
        return ()
    words = re.split(r"[\s,]+", value.strip(" \t\r\n,")) if isinstance(value, str) else value
    if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
        wrong = next((word for word in words if not isinstance(word, str)), None) if isinstance(words, Sequence) else value
        msg = f"{variable} must be a list of {what} in quotation marks, or a text with them, not {_identifiers.shown(wrong)}"
        raise InvalidValueError(msg)
    if not [word for word in words if word]:
        if isinstance(value, str) and everything:
            return ()  # a question of a survey that was not answered
        msg = f"{variable} is empty" + (f"; leave it out, or give {ALL}" if everything else f"; give {what}")
        raise InvalidValueError(msg)
    found = [check(word, f"each of {variable}") for word in words]
    twice = sorted({one for one in found if found.count(one) > 1})
    if twice:
        msg = f"{variable} has {some(twice)} more than once"
        raise InvalidValueError(msg)
    return tuple(found)


def _not_known(
    wanted: Request, seen: Mapping[str, Mapping[str, Any]], rows: Mapping[str, Any], hosts: Mapping[str, Any]
) -> list[str]:
    there = {name for those in seen.values() for name in those}
    there |= {one["instance"] for entry in hosts.values() for one in entry.get("instances", ())}
    said = []
    unknown = [drive for drive in wanted.drives if drive not in seen and (wanted.state or drive not in rows)]
    if unknown:
        said.append(
            f"No application's host sees {_drives(unknown)} by the drive table's associations: look at the number; if it is right, run"
            " the playbook host_facts."
        )
    strange = [name for name in wanted.instances if name not in there]
    if strange:
        most = sorted(there)
        listed = some(most[:10]) + (f" and {len(most) - 10} more" if len(most) > 10 else "")
        said.append(f"{_instances(strange)} not known; there {'is' if len(most) == 1 else 'are'} {listed}.")
    if said or not wanted.state:
        return said
    for name in wanted.instances:
        blind = [drive for drive in wanted.drives if name not in seen[drive]]
        if blind:
            said.append(f"Instance {name} does not see {_drives(blind)}.")
    return said


def _cannot(
    wanted: Request, drive: str, row: Mapping[str, Any] | None, instances: Sequence[str], hosts: Mapping[str, Any]
) -> list[str]:
    """Say why a drive cannot be set online; the module looks at it again, while it has the drive to itself."""
    if wanted.state != "online" or row is None:
        return []
    if row["error_state"]:
        return [f"Drive {drive} is in its error state; run the playbook clear_error first."]
    owners = {(one.protocol, one.id): one for one in _conflict_facts.owners_of(row["holders"], hosts)}

    def whose(port: Mapping[str, Any]) -> tuple[str, ...]:
        return owners[port["protocol"], port["id"]].instances

    foreign = [name for name in instances if _plan.relation(row["status"], row["holders"], name, whose) not in ("none", "own")]
    if not foreign:
        return []
    held = some([one.name for one in owners.values()]) if owners else "somebody who cannot be read"
    return [f"Drive {drive} is reserved by {held}, so {some(foreign)} would meet a reservation conflict; wait until it is released."]


def _ask(entries: list[dict[str, Any]], one: Mapping[str, Any], drive: str) -> None:
    for entry in entries:
        if entry["instance"] == one["instance"]:
            entry["drives"].append(drive)
            return
    entries.append({"instance": one["instance"], "application": one["application"], "drives": [drive]})


def _drives(drives: Sequence[str]) -> str:
    return f"drive{'s' if len(drives) > 1 else ''} {some(drives)}"


def _instances(names: Sequence[str]) -> str:
    return f"Instances {some(names)} are" if len(names) > 1 else f"Instance {names[0]} is"
