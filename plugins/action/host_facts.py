# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module host_facts: asks a host for its drives and ports, and records the associations."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _foreign_text,
    _host_facts,
    _host_records,
    _host_variables,
    _identifiers,
    _store,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action import DriveSharingAction
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import DriveSharingError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import windows

#: How long a table that others are writing to is waited for, seconds.
PATIENCE = 30
#: Where from_hosts finds what was found: the variable in which the playbook registers it.
REGISTERED = "drive_sharing_host_facts"
WINDOWS_MODULE = "tapeworks.drive_sharing.host_facts_windows"


class ActionModule(DriveSharingAction):
    """The host runs one script for /bin/sh; everything that thinks runs here."""

    ARGUMENTS = {
        "platform": {"type": "str", "choices": ["auto", *sorted(_host_facts.PLATFORMS)], "default": "auto"},
        "root": {"type": "str"},
        "discover": {"type": "bool"},
        "record": {"type": "bool", "default": True},
        "from_hosts": {"type": "list", "elements": "str"},
        "table": {"type": "str"},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Check the variables, ask the host, let the variables override what was found, record it."""
        if args["from_hosts"] is not None:
            return self._from_hosts(args, task_vars)
        host = _identifiers.host_name(task_vars["inventory_hostname"])
        drives = _host_variables.drives(self.variable(task_vars, "drive_sharing_drives"))
        ports = _host_variables.ports(self.variable(task_vars, "drive_sharing_ports"))
        applications = _host_variables.applications(self.variable(task_vars, "drive_sharing_applications"), host)
        managed = _host_variables.managed(self.variable(task_vars, "drive_sharing_managed"))
        instances = _host_variables.instances(applications, managed)
        discover = args["discover"]
        if discover is None:
            discover = _host_variables.discover(self.variable(task_vars, "drive_sharing_discover"))
        found: dict[str, Any] = {"drives": [], "ports": [], "notes": []}
        problem = None
        if discover:
            root = args["root"] or self.variable(task_vars, "drive_sharing_root", "/")
            found, problem = self._ask(args["platform"], root, host, task_vars)
        facts = _host_variables.merge(found, drives, ports)
        facts["notes"] += _host_variables.absent(instances, {host, *task_vars.get("groups", {}).get("all", ())})
        ignored = _host_variables.ignored(drives, ports)
        result = {"changed": False, **facts, "conflicts": [], "instances": instances, "ignored": ignored}
        if problem:
            # Half an answer would make everything in the other half missing.
            return {**result, "failed": True, "msg": f"{problem}; what is recorded of {host} was left as it was."}
        if args["record"]:
            row = (host, _host_records.kept(result), instances)
            (written,) = self._record(args, task_vars, [row]).values()
            result |= written.result()
            if self._task.diff:
                result["diff"] = written.diff(host)
        result["ansible_facts"] = {"drive_sharing": {**facts, "instances": instances}}
        return result

    def _ask(
        self, platform: str, root: str, host: str, task_vars: dict[str, Any]
    ) -> tuple[dict[str, Any], str | None]:
        """Give what the host tells, and what is wrong with its answer as a whole."""
        nothing: dict[str, Any] = {"drives": [], "ports": [], "notes": []}
        if getattr(self._connection._shell, "_IS_WINDOWS", False):
            return self._ask_windows(host, task_vars)
        command = _host_facts.command(platform, root)
        answer = self._low_level_execute_command(command)
        try:
            return _host_facts.parse(answer["stdout"]), None
        except _host_facts.BrokenAnswerError as exc:
            said = " ".join(f"{answer['stderr']} {'' if exc.facts else answer['stdout']}".split())[-200:]
            problem = f"{host} could not be asked: {exc}, exit status {answer['rc']}" + (f": {said}" if said else "")
            return exc.facts or nothing, problem
        except DriveSharingError as exc:
            return nothing, f"{host} could not be asked: {exc}"

    def _ask_windows(self, host: str, task_vars: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
        """Give what a host that runs Windows tells: there a module of ours gathers it."""
        nothing: dict[str, Any] = {"drives": [], "ports": [], "notes": []}
        answer = self._execute_module(module_name=WINDOWS_MODULE, module_args={}, task_vars=task_vars)
        if answer.get("failed") or answer.get("unreachable"):
            said = _foreign_text.first_words(str(answer.get("msg") or answer.get("module_stderr") or "no reason was given"), 200)
            return nothing, f"{host} could not be asked: {said.rstrip('.')}"
        try:
            return windows.parse(answer), None
        except DriveSharingError as exc:
            return nothing, f"{host} could not be asked: {exc}"

    def _record(self, args: dict[str, Any], task_vars: dict[str, Any], rows: list[_host_records.Row]) -> dict[str, Any]:
        """Write the associations; in check mode write them too, and take it back before it is committed."""
        location = str(args["table"] or self.variable(task_vars, "drive_sharing_table") or _store.default_location())
        with tempfile.TemporaryDirectory() as scratch:
            if self._task.check_mode and "://" not in location and not os.path.exists(location):
                # There is no table yet, and check mode must not make one.
                args = {**args, "table": os.path.join(scratch, "table.sqlite")}
            store = _host_records.patiently(lambda: self.store(args, task_vars, create=True), PATIENCE)
            try:
                return _host_records.write(store, rows, dry=self._task.check_mode, patience=PATIENCE)
            finally:
                store.close()

    def _from_hosts(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Record what was found on many hosts in this run."""
        rows, left = [], []
        for name in dict.fromkeys(args["from_hosts"]):
            host = _identifiers.host_name(name)
            # Not hostvars[host]: what is registered is text of the hosts, and templating it all takes long.
            variables = task_vars["hostvars"].raw_get(host)
            found = variables.get(REGISTERED) if isinstance(variables, Mapping) else None
            if _host_records.usable(found):
                rows.append((host, _host_records.kept(found), found["instances"]))
            else:
                left.append(host)
        written = self._record(args, task_vars, rows)
        conflicts = list(dict.fromkeys(sentence for one in written.values() for sentence in one.conflicts))
        changed = sorted(host for host, one in written.items() if one.changed)
        result = {
            "changed": bool(changed), "changed_hosts": changed, "left_hosts": left, "conflicts": conflicts,
        }
        if conflicts:
            result["warnings"] = conflicts
        if self._task.diff:
            result["diff"] = [written[host].diff(host) for host in changed]
        return result
