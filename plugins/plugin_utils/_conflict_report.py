# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the filter conflict_diagnosis gives: whom to ask, the diagnosis, lines for people, what is to be carried out. Pure.

Private: may change at any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _columns,
    _conflict_doctor,
    _conflict_facts,
    _conflict_remedies,
    _identifiers,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._conflict_facts import Case, Said, some
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._conflict_remedies import Remedy
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: The widest cell of each column of the table.
_COLUMNS = (("HOST", 30), ("ANSWERS", 9), ("SEES IT", 7), ("INSTANCE", 24), ("APPLICATION", 16), ("SAYS", 12), ("JOB", 3))
_PARTS = ("alive", "reservations", "applications")
#: The most seconds that a host may take.
_LONGEST = 3600
_NOTHING = "Nothing was changed."


def diagnosis(given: Any) -> dict[str, Any]:
    """Give what can be said by now; ``given`` has drive, remedy, instance, timeout, then table and inventory, then asked, then found."""
    if not isinstance(given, Mapping):
        msg = f"what is to be diagnosed must be a mapping, not {_identifiers.shown(given)}"
        raise InvalidValueError(msg)
    result: dict[str, Any] = {"refusal": _request(given), "hosts": [], "ask": {}, "evidence": {}, "run": {}}
    if result["refusal"] or "table" not in given:
        return result
    drive = _identifiers.serial(given["drive"])
    table, inventory = _conflict_facts.checked(given["table"]), list(given.get("inventory") or ())
    result["ask"] = _conflict_facts.asks(drive, table, inventory)
    result["hosts"] = list(result["ask"])
    if "asked" not in given:
        return result
    asked = {part: _results(given["asked"], part) for part in _PARTS}
    result["evidence"] = _conflict_facts.evidence(drive, table, asked)
    case = _conflict_facts.case(drive, table, inventory, asked, given.get("found"))
    found = _conflict_doctor.findings(case)
    remedies = _conflict_remedies.remedies(case, found)
    result["verdict"] = found[0].name
    result["findings"] = [{"name": one.name, "message": one.message, "hosts": list(one.hosts)} for one in found]
    result["remedies"] = [
        {
            "name": one.name, "does": one.does, "fits": not one.why_not, "why_not": one.why_not, "by_hand": not one.call,
            "hosts": [] if one.why_not else list(one.hosts),
        }
        for one in remedies
    ]
    result["lines"] = _lines(case, [one.message for one in found], remedies, table.get("history") or ())
    if given.get("remedy"):
        chosen = next(one for one in remedies if one.name == given["remedy"])
        result["refusal"] = _refusal(case, chosen, remedies, given.get("instance"))
        if not result["refusal"]:
            result["run"] = _run(case, chosen, given.get("instance"))
    elif found[0].name == "not_known":
        result["refusal"] = found[0].message
    return result


def _request(given: Mapping[str, Any]) -> str:
    """Say what is wrong with what the person gave; empty if nothing is."""
    if given.get("drive") in (None, ""):
        return f"Give drive_sharing_drive, the serial number of the drive that somebody cannot use. {_NOTHING}"
    try:
        _identifiers.serial(given["drive"], "drive_sharing_drive")
    except InvalidValueError as exc:
        return f"{str(exc).rstrip('.')}. {_NOTHING}"
    remedy = given.get("remedy")
    if remedy and remedy not in _conflict_remedies.NAMES:
        return f"drive_sharing_remedy must be one of {', '.join(_conflict_remedies.NAMES)}, not {_identifiers.shown(remedy)}. {_NOTHING}"
    seconds = str(given.get("timeout") or "1")
    if not (seconds.isascii() and seconds.isdigit() and 1 <= int(seconds[:9]) <= _LONGEST):
        return f"drive_sharing_doctor_timeout must be 1 to {_LONGEST} seconds, not {_identifiers.shown(given['timeout'])}. {_NOTHING}"
    return ""


def _results(asked: Any, part: str) -> dict[str, Any]:
    results = asked.get(part) if isinstance(asked, Mapping) else None
    if not isinstance(results, Mapping):
        msg = f"asked.{part} must be a mapping of host names to results"
        raise InvalidValueError(msg)
    return {str(host): result for host, result in results.items()}


def _refusal(case: Case, one: Remedy, remedies: Sequence[Remedy], instance: Any) -> str:
    """Say why the remedy is not carried out; empty if it is."""
    if one.why_not:
        fit = [other.name for other in remedies if not other.why_not]
        left = f"What fits: {', '.join(fit)}." if fit else "No remedy fits."
        return f"Remedy {one.name} does not fit drive {case.drive}: {one.why_not}. {_NOTHING} {left}"
    if not one.call:
        return f"Remedy {one.name} is for a person, and nothing that this playbook carries out: {one.does} {_NOTHING}"
    if one.call != "online":
        return ""
    there = sorted({said.instance for said in one.instances})
    if instance and instance not in there:
        return f"Instance {_identifiers.shown(instance)} does not have drive {case.drive} offline, only {some(there)}. {_NOTHING}"
    if not instance and len(there) > 1:
        return f"Drive {case.drive} is offline in {some(there)}; say by drive_sharing_remedy_instance which one is to set it online. {_NOTHING}"
    return ""


def _run(case: Case, one: Remedy, instance: Any) -> dict[str, Any]:
    hosts = list(one.hosts)
    instances: dict[str, list[dict[str, str]]] = {}
    if one.call == "online":
        for said in one.instances:
            if instance in (None, "", said.instance):
                instances.setdefault(said.host, []).append({"instance": said.instance, "application": said.application})
        hosts = sorted(instances)
    return {"remedy": one.name, "call": one.call, "drive": case.drive, "hosts": hosts, "options": dict(one.options), "instances": instances}


def _lines(case: Case, messages: Sequence[str], remedies: Sequence[Remedy], history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write it for people, no line wider than `_columns.WIDTH`."""
    lines: list[str] = []
    for message in messages:
        lines += _columns.wrapped(message)
    through = f", asked through {case.answer.device} of {case.answer.host}" if case.answer.host else ""
    lines += ["", *_columns.wrapped(f"By the drive itself{through}: {_conflict_doctor.by_drive(case)}.")]
    lines += _columns.wrapped(f"By the drive table: {_conflict_doctor.by_table(case)}.")
    lines += ["", *_table(case)]
    lines += [line for problem in case.problems for line in _columns.wrapped(problem + ".")]
    told = [f"{_conflict_doctor.moment(float(one['at']))} {one['message']}" for one in history if one.get("drive") == case.drive][:5]
    if told:
        lines += ["", "What happened last:", *(line for one in told for line in _columns.wrapped(one, "  "))]
    lines += ["", "What can be done (drive_sharing_remedy=NAME carries one out):"]
    for one in remedies:
        if not one.why_not:
            where = "by a person" if not one.call else f"on {some(sorted(set(one.hosts)))}"
            lines += _columns.wrapped(f"{one.name} ({where}): {one.does}", "  ")
    lines += ["What does not fit:"]
    for one in remedies:
        if one.why_not:
            lines += _columns.wrapped(f"{one.name}: {one.why_not}", "  ")
    return lines


def _table(case: Case) -> list[str]:
    rows = []
    points = {one.host for one in case.said}
    for host in sorted({*case.seen, *case.alive, *points}, key=lambda name: (name == "localhost", name)):
        answers = {True: "yes", False: "no", None: "not asked"}[case.alive.get(host)]
        sees = "no" if host not in case.seen and host not in case.ways else "lost" if case.seen.get(host) else "yes"
        mine = [one for one in case.said if one.host == host]
        rows += [
            (host, answers, sees, one.instance, one.application, _says(one), {True: "yes", False: "no", None: "?"}[one.in_use]) for one in mine
        ]
        if not mine:
            rows.append((host, answers, sees, "-", "-", "-", "-"))
    said_of = [
        line for one in case.said if one.problem for line in _columns.wrapped(f"{one.instance} ({one.application}) on {one.host}: {one.problem}.")
    ]
    return _columns.table(_COLUMNS, rows) + said_of


def _says(said: Said) -> str:
    if said.problem or (said.configured is None and said.state is None):
        return "?"
    if said.configured is False:
        return "not known"
    return f"{said.state} (ours)" if said.taken and said.state == "offline" else str(said.state or "?")
