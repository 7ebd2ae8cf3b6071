# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who holds which drive, and what every application says: the playbook drive_status.

Pure: no clock, no I/O. Private: may change at any time.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _columns,
    _conflict_facts,
    _identifiers,
    _maintenance,
    _maintenance_report,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import OFFLINE_BY_HAND, meaning
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._conflict_doctor import moment
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

_DRIVES = (("DRIVE", 20), ("STATUS", 8), ("SINCE", 20), ("HELD BY", 36), ("NEWEST CHANGE", 16))
_APPLICATIONS = (
    ("DRIVE", 20), ("INSTANCE", 18), ("APPLICATION", 14), ("HOST", 20), ("SAYS", 14), ("JOB", 3), ("OWED", 4),
)
_FACTS = (("HOST", 40), ("FACTS WRITTEN", 20), ("AGE", 6))


def status(given: Any) -> dict[str, Any]:
    """Give what can be said by now; ``given`` has drives and instances, then table, inventory and sharing, then asked and now."""
    if isinstance(given, Mapping) and given.get("state"):
        msg = f"a status has no state, not {_identifiers.shown(given['state'])}"
        raise InvalidValueError(msg)
    result = _maintenance_report.maintenance({key: given[key] for key in given if key != "asked"} if isinstance(given, Mapping) else given)
    if result["refusal"] or "table" not in given or "asked" not in given:
        return {key: result[key] for key in ("refusal", "hosts", "ask")}
    wanted, table = _maintenance.request(given), given["table"]
    plan = _maintenance.plan(wanted, table, list(given.get("inventory") or ()))
    found = {
        "stopped_since": table.get("stopped_since"),
        "drives": _drives(wanted, table),
        "applications": _applications(wanted, plan, table, given["asked"]),
        "facts": _facts(wanted, table, given),
    }
    found["problems"] = _problems(found, table)
    return {"refusal": "", "hosts": result["hosts"], "ask": result["ask"], "found": found, "lines": _lines(found)}


def _drives(wanted: _maintenance.Request, table: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = {one["drive"]: one for one in table["drives"]}
    seen = _maintenance.seen_by(table["associations"])
    found = []
    for drive in wanted.drives or sorted({*rows, *seen}):
        if wanted.instances and not set(wanted.instances) & set(seen.get(drive, ())):
            continue
        row = rows.get(drive) or {}
        owners = _conflict_facts.owners_of(row.get("holders") or (), table["associations"])
        found.append({
            "drive": drive, "status": row.get("status"), "since": row.get("observed_at"), "sequence": row.get("sequence"),
            "holders": [
                {"protocol": one.protocol, "id": one.id, "hosts": list(one.hosts), "instances": list(one.instances), "name": one.name}
                for one in owners
            ],
            "settled": row.get("is_settled"), "batch": row.get("batch"), "library": row.get("library"),
            "error_state": row.get("error_state") or "", "error_since": row.get("error_since"),
            "error_reason": row.get("error_reason") or "",
        })
    return found


def _applications(
    wanted: _maintenance.Request, plan: _maintenance.Plan, table: Mapping[str, Any], asked: Any
) -> list[dict[str, Any]]:
    owed = {(one["drive"], one["instance"]): one for one in table["owed"]}
    found = []
    for host, entry, drive, answer, problem in _maintenance_report.results(plan, asked):
        said = answer or {"problem": problem}
        found.append({
            "drive": drive, "instance": entry["instance"], "application": entry["application"], "host": host,
            "configured": said.get("configured"), "state": said.get("state"), "in_use": said.get("in_use"),
            "taken": bool(said.get("taken")), "reason": said.get("reason") or "", "problem": said.get("problem") or "",
        })
    found += [
        {
            "drive": drive, "instance": instance, "application": "", "host": None, "configured": None, "state": None, "in_use": None,
            "taken": False, "reason": "", "problem": why,
        }
        for (drive, instance), why in plan.mute.items()
    ]
    for one in found:
        debt = owed.get((one["drive"], one["instance"]))
        one["owed"] = "" if debt is None else str(debt["reason"] or (meaning(debt["outcome"]) if debt["outcome"] else "no answer yet"))
    return sorted(found, key=lambda one: (one["drive"], one["instance"], one["host"] or ""))


def _facts(wanted: _maintenance.Request, table: Mapping[str, Any], given: Mapping[str, Any]) -> list[dict[str, Any]]:
    now = float(given.get("now") or 0)
    hosts = table["associations"]
    found = []
    for host in sorted({*hosts, *(given.get("sharing") or ())}):
        entry = hosts.get(host) or {}
        names = {one["instance"] for one in entry.get("instances", ())}
        drives = {one["serial"]: one["missing_since"] for one in entry.get("drives", ())}
        others = (wanted.instances and not names & set(wanted.instances)) or (wanted.drives and not drives.keys() & set(wanted.drives))
        if entry and others:
            continue
        written = entry.get("updated_at")
        found.append({
            "host": host, "updated_at": written, "age": None if written is None else max(0.0, now - float(written)),
            "in_inventory": host in (given.get("inventory") or ()),
            "missing": {drive: since for drive, since in drives.items() if since and drive in (wanted.drives or drives)},
        })
    return found


def _problems(found: Mapping[str, Any], table: Mapping[str, Any]) -> list[str]:
    """Say what a person should look at, the worst first."""
    said = []
    if found["stopped_since"]:
        said.append(f"Sharing is stopped since {_iso(found['stopped_since'])}; the playbook start_sharing ends that.")
    said += [f"A row of the drive table is damaged: {one}." for one in table.get("damaged") or ()]
    words = {"forcing": "is being put into its error state", "clearing": "is being taken out of its error state"}
    for one in found["drives"]:
        if one["error_state"]:
            since = f" since {moment(float(one['error_since']))}" if one["error_since"] else ""
            why = one["error_reason"].rstrip(".") or "no reason is recorded"
            said.append(f"Drive {one['drive']} {words.get(one['error_state'], 'is in its error state')}{since}: {why}.")
    down: dict[tuple[str, str], list[str]] = {}
    for one in found["applications"]:
        if one["problem"]:
            where = f" on {one['host']}" if one["host"] else ""
            down.setdefault((f"{one['instance']}{where}", one["problem"].rstrip(".")), []).append(one["drive"])
    said += [f"Not known from {where} ({_some(drives)}): {why}." for (where, why), drives in down.items()]
    said += [f"Owed by {one['instance']} for drive {one['drive']}: {one['owed'].rstrip('.')}." for one in found["applications"] if one["owed"]]
    for one in found["applications"]:
        if one["state"] == "offline" and not one["taken"]:
            mine = one["reason"].startswith(OFFLINE_BY_HAND)
            by_hand = one["reason"].removeprefix("drive_sharing: ") if mine else "it was not set so by this collection"
            said.append(f"Drive {one['drive']} is offline in {one['instance']} until a person sets it online: {by_hand}.")
    for one in found["facts"]:
        if one["age"] is None:
            said.append(f"Nothing is known of the drives and ports of {one['host']}; run the playbook host_facts.")
        elif not one["in_inventory"]:
            said.append(f"Host {one['host']} of the drive table is not in the inventory.")
        said += [f"{one['host']} does not see drive {drive} any more since {moment(float(since))}." for drive, since in one["missing"].items()]
    return said


def _lines(found: Mapping[str, Any]) -> list[str]:
    """Write it for people, no line wider than `_columns.SHOWN`."""
    if not found["drives"]:
        return [line for one in ("No drive is known yet.", *found["problems"]) for line in _columns.wrapped(one, width=_columns.SHOWN)]
    lines = _columns.table(_DRIVES, [
        (
            one["drive"], one["status"] or "-", _iso(one["since"]), ", ".join(port["name"] for port in one["holders"]) or "-", _newest(one),
        )
        for one in found["drives"]
    ])
    if found["applications"]:
        lines += ["", *_columns.table(_APPLICATIONS, [
            (
                one["drive"], one["instance"], one["application"] or "-", one["host"] or "-", _says(one),
                {True: "yes", False: "no", None: "?"}[one["in_use"]], "yes" if one["owed"] else "no",
            )
            for one in found["applications"]
        ])]
    lines += ["", *_columns.table(_FACTS, [
        (one["host"], "never" if one["age"] is None else moment(float(one["updated_at"])), _age(one["age"])) for one in found["facts"]
    ])]
    said = [line for one in found["problems"] for line in _columns.wrapped(one, width=_columns.SHOWN)]
    return [*lines, "", *(said or ["Nothing is wrong, and nothing is owed."])]


def _newest(one: Mapping[str, Any]) -> str:
    if one["sequence"] is None:
        return "none yet"
    if one["error_state"]:
        return "ERROR STATE"
    return f"{one['sequence']}, {'confirmed' if one['settled'] else 'OWED'}"


def _says(one: Mapping[str, Any]) -> str:
    if one["problem"] or (one["configured"] is None and one["state"] is None):
        return "?"
    if one["configured"] is False:
        return "not known"
    return "offline (ours)" if one["taken"] and one["state"] == "offline" else str(one["state"])


def _iso(text: Any) -> str:
    if not text:
        return "-"
    try:
        return moment(datetime.datetime.fromisoformat(str(text)).timestamp())
    except ValueError:
        return str(text)


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for unit, many in (("d", 86400), ("h", 3600)):
        if seconds >= 2 * many:
            return f"{seconds // many:.0f} {unit}"
    return f"{seconds // 60:.0f} min"


def _some(drives: Sequence[str]) -> str:
    more = f" and {len(drives) - 5} more" if len(drives) > 5 else ""
    return f"drive{'s' if len(drives) > 1 else ''} {', '.join(drives[:5])}{more}"
