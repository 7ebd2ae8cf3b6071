# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module drive_table: the play's side of the drive table."""

from __future__ import annotations

import datetime
import time
from typing import Any

from ansible import constants as C
from ansible import context

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _changes,
    _error_state,
    _identifiers,
    _play,
    _policy,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action import DriveSharingAction
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._change import Observation
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: What each state needs beside the table.
NEEDS = {
    "present": (),
    "recorded": ("drive", "status"),
    "claimed": ("batch",),
    "settled": ("batch",),
    "ended": ("batch",),
    "forcing": ("batch", "drive", "sequence", "attempt"),
    "error": ("batch", "drive", "sequence", "attempt"),
    "undone": ("drive",),
    "clearing": ("drive",),
    "cleared": ("drive",),
}


class ActionModule(DriveSharingAction):
    """One method per state."""

    ARGUMENTS = {
        "state": {"type": "str", "choices": sorted(NEEDS), "required": True},
        "table": {"type": "str"},
        "batch": {"type": "str"},
        "drive": {"type": "str"},
        "status": {"type": "str", "choices": ["reserved", "released"]},
        "holders": {
            "type": "list",
            "elements": "dict",
            "options": {
                "protocol": {"type": "str", "choices": ["fc", "iscsi", "sas", "ip"]},
                "id": {"type": "str"},
            },
        },
        "sequence": {"type": "int"},
        "attempt": {"type": "int"},
        "hosts": {"type": "list", "elements": "str", "default": []},
        "succeeded": {"type": "bool", "default": True},
        "reason": {"type": "str", "default": ""},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Dispatch to the state's method."""
        state = args["state"]
        for name in NEEDS[state]:
            if args[name] is None:
                msg = f"state={state} needs {name}."
                raise InvalidValueError(msg)
        if args["batch"] is not None:
            args["batch"] = _identifiers.batch_id(args["batch"])
        if args["drive"] is not None:
            args["drive"] = _identifiers.serial(args["drive"])
        method = getattr(self, f"_{state}")
        if self._task.check_mode and state not in ("recorded", "clearing", "cleared"):
            return {"changed": True, "msg": f"Check mode: state={state} was not carried out."}
        store = self.store(args, task_vars, create=state == "present")
        try:
            return method(store, args, task_vars)
        finally:
            store.close()

    def _policy(self, task_vars: dict[str, Any]) -> _policy.Policy:
        return _policy.policy(self.variables(task_vars, "drive_sharing_"))

    def _present(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        return {"changed": bool(store.created), "site": store.site, "table": store.location_label}

    def _recorded(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Write a change by hand, in order with the rest."""
        observation = self._observation(args)
        with store.read() as tx:
            before = _changes.state(tx, args["drive"])
        fact = {"status": observation.status, "holders": list(observation.holders)}
        old = {"status": before["status"], "holders": before["holders"]} if before else {}
        result: dict[str, Any] = {"changed": fact != old, "diff": {"before": old, "after": fact}}
        if not self._task.check_mode:
            with store.write() as tx:
                recorded = _changes.record(tx, [observation], time.time())[0]
            result.update(changed=recorded.result == "written", sequence=recorded.sequence, result=recorded.result)
        return result

    def _observation(self, args: dict[str, Any]) -> Any:
        holders = args["holders"] or []
        if args["status"] == "reserved" and not holders:
            holders = [{"protocol": None, "id": None}]
        return Observation(
            drive=args["drive"], status=args["status"], holders=tuple(holders),
            observed_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
            detector="manual",
        )

    def _claimed(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        groups = task_vars.get("groups", {})
        sharing = groups.get(self.variable(task_vars, "drive_sharing_group", "drive_sharing"), [])
        forks = int(context.CLIARGS.get("forks") or C.DEFAULT_FORKS)
        claimed = _play.claim(
            store, args["batch"], self.claimer(), set(groups.get("all", [])), list(sharing), forks,
            self._policy(task_vars), time.time(),
        )
        result: dict[str, Any] = {
            "changed": claimed.claimed, "claimed": claimed.claimed, "batch": claimed.batch, "hosts": claimed.hosts,
            "drives": claimed.drives, "settled": claimed.settled, "act_timeout": claimed.act_timeout,
        }
        if claimed.warnings:
            result["warnings"] = claimed.warnings
        if claimed.message:
            result["msg"] = claimed.message
        return result

    def _settled(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """End the handshake; a drive without its confirmations is owed, and may have to be forced."""
        found = _play.handshake(store, args["batch"], self._policy(task_vars), time.time())
        libraries = task_vars.get("groups", {}).get("tape_libraries", [])
        hostvars = task_vars["hostvars"]
        ready: list[dict[str, Any]] = []
        for errand in found.force + found.undo:
            name = errand["library"] or (libraries[0] if len(libraries) == 1 else None)
            if name not in libraries:
                found.messages.append(
                    f"Drive {errand['drive']} cannot be put into its error state: "
                    + (f"its library {name} is not in the group tape_libraries." if name else
                       "no library of the group tape_libraries is known to have it."),
                )
                if "reason" in errand:
                    found.messages.append(errand["reason"])
                continue
            kind = hostvars[name].get("drive_sharing_library")
            if not kind:
                found.messages.append(f"Library {name} has no drive_sharing_library that names its role.")
                continue
            ready.append({**errand, "library": name, "role": f"tapeworks.drive_sharing.library_{kind}"})
        undo = {errand["drive"] for errand in found.undo}
        return {
            "changed": bool(found.settled), "settled": found.settled, "messages": found.messages,
            "alerts": found.alerts, "force": [one for one in ready if one["drive"] not in undo],
            "undo": [one for one in ready if one["drive"] in undo],
            "open": bool(found.force or found.undo),
            **({"warnings": found.alerts} if found.alerts else {}),
        }

    def _ended(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        _play.end(store, args["batch"], time.time())
        return {"changed": True}

    def _forcing(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The last look before the library is called: is the claim still ours, is the limit kept?"""
        with store.write() as tx:
            allowed, reason = _error_state.begin_error(
                tx, args["batch"], args["drive"], args["sequence"], args["attempt"], args["hosts"],
                self._policy(task_vars).error_limit, time.time(),
            )
        return {"changed": allowed, "allowed": allowed, "msg": reason}

    def _error(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        with store.write() as tx:
            verdict = _error_state.finish_error(
                tx, args["batch"], args["drive"], args["sequence"], args["attempt"], args["succeeded"],
                args["reason"], time.time(),
            )
        return {"changed": True, "verdict": verdict}

    def _undone(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        with store.write() as tx:
            _error_state.error_undone(tx, args["drive"], time.time())
        return {"changed": True}

    def _clearing(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Note that a person is about to clear the error."""
        with store.read() as tx:
            row = _changes.state(tx, args["drive"])
        if row is None or row["error_state"] == "":
            return {"changed": False, "in_error": False, "library": row["library"] if row else None}
        if not self._task.check_mode:
            with store.write() as tx:
                _error_state.begin_clear(tx, args["drive"], time.time())
        return {"changed": True, "in_error": True, "library": row["library"]}

    def _cleared(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The library has cleared the error: bring every application to where it belongs, through the dispatcher."""
        with store.read() as tx:
            row = _changes.state(tx, args["drive"])
        if row is None or row["error_state"] == "":
            return {"changed": False}
        observation = self._observation(args) if args["status"] else None
        if not self._task.check_mode:
            with store.write() as tx:
                _error_state.cleared(tx, args["drive"], time.time(), observation)
        return {"changed": True, "diff": {"before": {"error_state": row["error_state"]}, "after": {"error_state": ""}}}
