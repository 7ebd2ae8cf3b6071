# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What came of setting drives offline or online, for people and for what runs next.

Pure: no clock, no I/O. Private: may change at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _columns,
    _conflict_facts,
    _identifiers,
    _maintenance,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import meaning
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

_COLUMNS = (("DRIVE", 20), ("INSTANCE", 20), ("HOST", 24), ("WAS", 7), ("IS", 7), ("RESULT", 20))
NOT_ASKED = "it was not turned to: --limit leaves it out, or the play ended before"


def maintenance(given: Any) -> dict[str, Any]:
    """Give what can be said by now; ``given`` has state, drives, instances, reason, then table and inventory, then asked and dry."""
    if not isinstance(given, Mapping):
        msg = f"what is asked for must be a mapping, not {_identifiers.shown(given)}"
        raise InvalidValueError(msg)
    result: dict[str, Any] = {"refusal": "", "state": str(given.get("state") or ""), "hosts": [], "ask": {}}
    try:
        wanted = _maintenance.request(given)
    except InvalidValueError as exc:
        nothing = "set" if given.get("state") else "asked"
        return {**result, "refusal": f"{str(exc).rstrip('.')}. Nothing was {nothing}."}
    result["reason"] = wanted.reason
    if "table" not in given:
        return result
    plan = _maintenance.plan(wanted, _conflict_facts.checked(given["table"]), list(given.get("inventory") or ()))
    if plan.refusals:
        return {**result, "refusal": f"{' '.join(plan.refusals)} {wanted.nothing}"}
    result["ask"], result["hosts"] = plan.ask, list(plan.ask)
    if "asked" in given:
        result.update(_report(wanted, plan, given["asked"], dry=bool(given.get("dry"))))
    return result


def results(plan: _maintenance.Plan, asked: Any) -> Iterator[tuple[str, Mapping[str, Any], str, Mapping[str, Any] | None, str]]:
    """Give per control point and drive: host, what was asked, drive, its answer, or why there is none."""
    if not isinstance(asked, Mapping):
        msg = "asked must be a mapping of host names to results"
        raise InvalidValueError(msg)
    for host, entries in plan.ask.items():
        items = _conflict_facts.items_of(asked.get(host))
        for number, entry in enumerate(entries):
            # Without results of a loop the host failed before its first round.
            item = items[number] if number < len(items) else asked.get(host)
            for drive in entry["drives"]:
                answer = _conflict_facts.entry_of(drive, item)
                yield host, entry, drive, answer, "" if answer else _why(item)


def _why(item: Any) -> str:
    if not isinstance(item, Mapping) or not item or item.get("skipped"):
        return NOT_ASKED
    why = _conflict_facts.why_of(item).removeprefix("Task failed: ").rstrip(".")
    return f"the host could not be reached: {why}" if item.get("unreachable") else why


def _report(wanted: _maintenance.Request, plan: _maintenance.Plan, asked: Any, *, dry: bool) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for host, entry, drive, answer, problem in results(plan, asked):
        row = {"drive": drive, "instance": entry["instance"], "host": host, "before": None, "state": None, "changed": False}
        if answer is None:
            rows.append({**row, "done": False, "problem": problem})
            continue
        before, state = answer.get("state_before"), answer.get("state")
        done = bool(answer.get("confirmed"))
        why = "" if done else str(answer.get("reason") or meaning(str(answer.get("outcome"))))
        # Given up, it may have been done all the same: what was read says it, where anything was.
        changed = before != wanted.state and (done or state == wanted.state)
        rows.append({**row, "before": before, "state": state, "changed": changed, "done": done, "problem": why.rstrip(".")})
    for (drive, instance), why in plan.mute.items():
        rows.append({
            "drive": drive, "instance": instance, "host": None, "before": None, "state": None, "changed": False, "done": False,
            "problem": why,
        })
    rows.sort(key=lambda row: (row["drive"], row["instance"], row["host"] or ""))
    failures = [_failure(wanted, row) for row in rows if not row["done"]]
    lines = _columns.table(_COLUMNS, [_cells(wanted, row, dry=dry) for row in rows])
    lines += [line for sentence in failures for line in _columns.wrapped(sentence, width=_columns.SHOWN)]
    return {"drives": rows, "failures": failures, "lines": lines, "changed": any(row["changed"] for row in rows)}


def _failure(wanted: _maintenance.Request, row: Mapping[str, Any]) -> str:
    where = f" on {row['host']}" if row["host"] else ""
    return f"Drive {row['drive']} was not set {wanted.state} in {row['instance']}{where}: {row['problem']}."


def _cells(wanted: _maintenance.Request, row: Mapping[str, Any], *, dry: bool) -> tuple[str, ...]:
    if not row["done"]:
        result = "NOT DONE"
    elif not row["changed"]:
        result = f"was {wanted.state} already"
    else:
        result = f"would be set {wanted.state}" if dry else f"set {wanted.state}"
    return (row["drive"], row["instance"], row["host"] or "-", row["before"] or "?", row["state"] or "?", result)
