# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module drive_table: the play's side of the drive table."""

from __future__ import annotations

import datetime
from typing import Any

from ansible import constants as C
from ansible import context
from ansible.errors import AnsibleError

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _associations,
    _changes,
    _error_state,
    _identifiers,
    _play,
    _policy,
    _process,
    _sharing,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action import DriveSharingAction, NotWrittenError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._change import Observation
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError, TableError

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
    "uncleared": ("drive",),
    "cleared": ("drive",),
    "due": ("drive",),
    "forgotten": ("hosts",),
    "stopped": (),
    "started": (),
}

#: What decides how long a host may take.
HANDSHAKE = tuple(f"drive_sharing_handshake_{name}" for name in ("timeout", "retries", "retry_delay"))

#: The states that tell in check mode what they would do; the others are steps of a play that does nothing then.
CHECKED = ("present", "recorded", "clearing", "cleared", "due", "forgotten", "stopped", "started")


class ActionModule(DriveSharingAction):
    """One method per state."""

    ARGUMENTS = {
        "state": {"type": "str", "choices": sorted(NEEDS), "required": True},
        "table": {"type": "str"},
        "batch": {"type": "str"},
        "version": {"type": "int", "default": 1},
        "drive": {"type": "str"},
        "status": {"type": "str", "choices": ["reserved", "released"]},
        "holders": {
            "type": "list",
            "elements": "dict",
            "options": {
                "protocol": {"type": "str"},
                "id": {"type": "str"},
            },
        },
        "sequence": {"type": "int"},
        "attempt": {"type": "int"},
        "hosts": {"type": "list", "elements": "str", "default": []},
        "succeeded": {"type": "bool", "default": True},
        "reason": {"type": "str", "default": ""},
        "library": {"type": "str"},
        "free": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Dispatch to the state's method."""
        state = args["state"]
        for name in NEEDS[state]:
            if args[name] in (None, []):
                msg = f"state={state} needs {name}."
                raise InvalidValueError(msg)
        if args["batch"] is not None:
            args["batch"] = _identifiers.batch_id(args["batch"])
        if args["drive"] is not None:
            args["drive"] = _identifiers.serial(args["drive"])
        method = getattr(self, f"_{state}")
        if self._task.check_mode and state not in CHECKED:
            return {"changed": True, "msg": f"Check mode: state={state} was not carried out."}
        if state == "present" and self._task.check_mode:
            return self._would_make(args, task_vars)
        store = self.store(args, task_vars, create=state == "present")
        try:
            return method(store, args, task_vars)
        finally:
            store.close()

    def _would_make(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        try:
            self.store(args, task_vars).close()
        except TableError as exc:
            return {"changed": True, "msg": str(exc)}
        return {"changed": False}

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
                recorded = _changes.record(tx, [observation], tx.now())[0]
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
        if args["version"] > _play.EVENT_VERSION:
            msg = (
                f"The event of batch {args['batch']} has version {args['version']}, and this collection knows"
                f" {_play.EVENT_VERSION}; nothing was done. Update the collection that the playbook comes from."
            )
            raise InvalidValueError(msg)
        groups = task_vars.get("groups", {})
        sharing = groups.get(self.variable(task_vars, "drive_sharing_group", "drive_sharing"), [])
        forks = int(context.CLIARGS.get("forks") or C.DEFAULT_FORKS)
        claimed = _play.claim(
            store, args["batch"], self.claimer(), set(groups.get("all", [])), list(sharing), forks,
            lambda host: self._policy_of(task_vars, host), store.now(),
        )
        result: dict[str, Any] = {
            "changed": claimed.claimed, "claimed": claimed.claimed, "batch": claimed.batch, "hosts": claimed.hosts,
            "drives": claimed.drives, "not_asked": claimed.not_asked, "act_timeout": claimed.act_timeout,
        }
        if claimed.warnings:
            result["warnings"] = claimed.warnings
        if claimed.message:
            result["msg"] = claimed.message
        return result

    def _policy_of(self, task_vars: dict[str, Any], host: str) -> _policy.Policy:
        """Another host's policies; a variable of it that cannot be read counts when that host is turned to."""
        try:
            variables = {name: task_vars["hostvars"][host].get(name) for name in HANDSHAKE}
        except AnsibleError:
            variables = {}
        return _policy.policy(variables)

    def _settled(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """End the handshake; a drive without its confirmations is owed, and may have to be forced."""
        found = _play.handshake(store, args["batch"], self.policy(task_vars), store.now())
        ready: dict[str, list[dict[str, Any]]] = {"force": [], "undo": []}
        for kind, errands in (("force", found.force), ("undo", found.undo)):
            for errand in errands:
                library, problem = self._library(errand["library"], task_vars)
                if library:
                    ready[kind].append({**errand, **library})
                    continue
                what = "cannot be put into" if kind == "force" else "cannot be taken out of"
                found.messages.append(
                    f"{errand.get('reason', '')} Drive {errand['drive']} {what} its error state: {problem};"
                    " what is missing is owed and asked again.".strip(),
                )
        return {
            "changed": bool(found.settled), "settled": found.settled, "messages": found.messages,
            "alerts": found.alerts, **ready, "open": bool(found.force or found.undo),
            **({"warnings": found.alerts} if found.alerts else {}),
        }

    def _library(self, name: str | None, task_vars: dict[str, Any]) -> tuple[dict[str, str], str]:
        """The inventory name and the role of a drive's library, or why there is none."""
        libraries = task_vars.get("groups", {}).get("tape_libraries", [])
        if not name and len(libraries) == 1:
            name = libraries[0]
        if not name:
            return {}, "it is not known which library of the group tape_libraries has it"
        if name not in libraries:
            return {}, f"its library {name} is not in the group tape_libraries"
        kind = task_vars["hostvars"][name].get("drive_sharing_library")
        if not kind:
            return {}, f"library {name} has no drive_sharing_library that names its role"
        # A role of the site's own is named in full.
        role = kind if "." in kind else f"tapeworks.drive_sharing.library_{kind}"
        return {"library": name, "role": role}, ""

    def _ended(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        _play.end(store, args["batch"], store.now())
        return {"changed": True}

    def _forcing(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The last look before the library is called: is the claim still ours, is the limit kept?"""
        with store.write() as tx:
            allowed, reason = _error_state.begin_error(
                tx, args["batch"], args["drive"], args["sequence"], args["attempt"], args["hosts"],
                self.policy(task_vars).error_limit, tx.now(),
            )
        return {"changed": allowed, "allowed": allowed, "msg": reason}

    def _error(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        with store.write() as tx:
            verdict = _error_state.finish_error(
                tx, args["batch"], args["drive"], args["sequence"], args["attempt"], args["succeeded"],
                args["reason"], tx.now(),
            )
        return {"changed": True, "verdict": verdict}

    def _undone(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        with store.write() as tx:
            _error_state.error_undone(tx, args["drive"], tx.now())
        return {"changed": True}

    def _clearing(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Note that a person is about to clear the error; nothing is noted where the library cannot be called."""
        with store.read() as tx:
            row = _changes.state(tx, args["drive"])
            known = _associations.lookup(tx, [args["drive"]], []).library(args["drive"])
        if row is None or row["error_state"] == "":
            return {"changed": False, "in_error": False}
        library, problem = self._library(args["library"] or row["library"] or known, task_vars)
        if not library:
            msg = f"The error state of drive {args['drive']} was not cleared: {problem}. Give drive_sharing_drive_library."
            raise InvalidValueError(msg)
        if not self._task.check_mode:
            with store.write() as tx:
                allowed, reason = _error_state.begin_clear(tx, args["drive"], tx.now())
            if not allowed:
                raise InvalidValueError(reason)
        return {"changed": True, "in_error": True, **library}

    def _uncleared(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The library did not clear the error: it stands."""
        with store.write() as tx:
            _error_state.not_cleared(tx, args["drive"], args["reason"], tx.now())
        return {"changed": True}

    def _due(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Have every control point of a drive asked again for its newest change."""
        with store.read() as tx:
            row = _changes.state(tx, args["drive"])
        if row is None:
            msg = f"Drive {args['drive']} is not in the drive table; nothing was changed."
            raise InvalidValueError(msg)
        if not self._task.check_mode:
            with store.write() as tx:
                _changes.redo(tx, args["drive"], args["reason"] or "asked for by hand", tx.now())
        return {"changed": True}

    def _forgotten(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Remove hosts that the site no longer has from the associations."""
        hosts = [_identifiers.host_name(host) for host in args["hosts"]]
        with store.read() as tx:
            known = [host for host in hosts if host in _associations.hosts_with_facts(tx)]
        if known and not self._task.check_mode:
            with store.write() as tx:
                for host in known:
                    _associations.forget_host(tx, host, tx.now())
        return {"changed": bool(known), "forgotten": known}

    def _stopped(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Stop sharing; what is taken and not held by others goes into a batch for the playbook reservation_change."""
        try:
            with store.write() as tx:
                done = _sharing.stop(tx, args["free"], lambda claimer: not _process.gone(claimer), tx.now())
                if self._task.check_mode:
                    done.batch = None
                    raise NotWrittenError
        except NotWrittenError:
            pass
        result = {"changed": done.changed or bool(done.drives), "batch": done.batch or "", "drives": done.drives}
        return {**result, "messages": done.messages, **({"warnings": done.messages} if done.messages else {})}

    def _started(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Share again, in order with the rest."""
        try:
            with store.write() as tx:
                changed, drives = _sharing.start(tx, tx.now())
                if self._task.check_mode:
                    raise NotWrittenError
        except NotWrittenError:
            pass
        return {"changed": changed, "msg": f"Reserved drives that are dispatched anew: {drives}." if changed else ""}

    def _cleared(self, store: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The library has cleared the error: bring every application to where it belongs, through the dispatcher."""
        with store.read() as tx:
            row = _changes.state(tx, args["drive"])
        if row is None or row["error_state"] == "":
            return {"changed": False}
        observation = self._observation(args) if args["status"] else None
        if not self._task.check_mode:
            with store.write() as tx:
                _error_state.cleared(tx, args["drive"], tx.now(), observation)
        return {"changed": True, "diff": {"before": {"error_state": row["error_state"]}, "after": {"error_state": ""}}}
