# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module drive_table_info: what the drive table holds."""

from __future__ import annotations

from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _alert_events,
    _associations,
    _changes,
    _dispatch,
    _history,
    _identifiers,
    _sharing,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action import DriveSharingAction

#: What of a drive's row concerns an operator.
SHOWN = (
    "drive", "status", "holders", "sequence", "observed_at", "library", "detector", "settled", "settled_why", "batch",
    "attempt", "failures", "due", "error_state", "error_since", "error_sequence", "error_reason",
)


class ActionModule(DriveSharingAction):
    """Reads only."""

    ARGUMENTS = {
        "table": {"type": "str"},
        "drives": {"type": "list", "elements": "str"},
        "gather": {
            "type": "list", "elements": "str", "choices": ["drives", "owed", "history", "associations"],
            "default": ["drives", "owed"],
        },
        "history_limit": {"type": "int", "default": 100},
        "history_entries": {"type": "list", "elements": "int"},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Read what is asked for in one transaction."""
        wanted = [_identifiers.serial(drive) for drive in args["drives"] or []]
        store = self.store(args, task_vars)
        result: dict[str, Any] = {"changed": False, "site": store.site, "table": store.location_label}
        try:
            with store.read() as tx:
                result["stopped_since"] = _sharing.since(tx)
                if "drives" in args["gather"]:
                    rows = [row for row in _changes.states(tx) if not wanted or row["drive"] in wanted]
                    result["drives"] = [
                        {key: row.get(key) for key in SHOWN} | {"is_settled": _is_settled(row)}
                        for row in rows if row["drive"]
                    ]
                    result["damaged"] = [row["invalid"] for row in rows if not row["drive"]]
                if "owed" in args["gather"]:
                    result["owed"] = [row for row in _dispatch.owed(tx) if not wanted or row["drive"] in wanted]
                if "history" in args["gather"]:
                    result["history"] = _history_of(tx, wanted, args)
                if "associations" in args["gather"]:
                    result["associations"] = _associations.everything(tx)
                    result["conflicts"] = _associations.conflicts(tx)
        finally:
            store.close()
        return result


def _history_of(tx: Any, drives: list[str], args: dict[str, Any]) -> list[dict[str, Any]]:
    if args["history_entries"] is not None:
        return _alert_events.entries(tx, args["history_entries"])
    found: list[dict[str, Any]] = []
    for drive in drives or [None]:
        found += _history.read(tx, drive=drive, limit=args["history_limit"])
    return found


def _is_settled(row: dict[str, Any]) -> bool:
    """Settled: every control point has confirmed the newest change, or the drive is in its error state."""
    return row["settled"] == row["sequence"] or row["error_state"] == "error"
