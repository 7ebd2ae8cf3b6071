# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module host_facts: asks a host for its drives and ports, and records the associations."""

from __future__ import annotations

import os
import tempfile
import time
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _associations,
    _host_facts,
    _host_report,
    _host_variables,
    _identifiers,
    _store,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action import DriveSharingAction, NotWrittenError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import DriveSharingError, TableError

#: How long a table that others are writing to is waited for, seconds.
PATIENCE = 30


class ActionModule(DriveSharingAction):
    """The host runs one script for /bin/sh; everything that thinks runs here."""

    ARGUMENTS = {
        "platform": {"type": "str", "choices": ["auto", *sorted(_host_facts.PLATFORMS)], "default": "auto"},
        "root": {"type": "str"},
        "discover": {"type": "bool"},
        "record": {"type": "bool", "default": True},
        "table": {"type": "str"},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Check the variables, ask the host, let the variables override what was found, record it."""
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
            found, problem = self._ask(args["platform"], root, host)
        facts = _host_variables.merge(found, drives, ports)
        result = {"changed": False, **facts, "conflicts": [], "instances": instances}
        if problem:
            # Half an answer would make everything in the other half missing.
            return {**result, "failed": True, "msg": f"{problem}; what is recorded of {host} was left as it was."}
        if args["record"]:
            # What is to be ignored is forgotten, not kept as missing.
            kept = {
                **facts,
                "drives": facts["drives"] + [entry for entry in drives if entry["ignore"]],
                "ports": facts["ports"] + [entry for entry in ports if entry["ignore"]],
            }
            result |= self._record(args, task_vars, host, kept, instances)
            if result["conflicts"]:
                result["warnings"] = result["conflicts"]
        result["ansible_facts"] = {"drive_sharing": {**facts, "instances": instances}}
        return result

    def _ask(self, platform: str, root: str, host: str) -> tuple[dict[str, Any], str | None]:
        """Give what the host tells, and what is wrong with its answer as a whole."""
        nothing: dict[str, Any] = {"drives": [], "ports": [], "notes": []}
        if getattr(self._connection._shell, "_IS_WINDOWS", False):
            return nothing, f"{host} runs Windows, which cannot be asked yet; {_host_facts.MANUAL}"
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

    def _record(
        self,
        args: dict[str, Any],
        task_vars: dict[str, Any],
        host: str,
        facts: dict[str, Any],
        instances: list[dict[str, Any]],
    ) -> dict[str, Any]:
        """Write the associations; in check mode write them too, and take it back before it is committed."""
        location = str(args["table"] or self.variable(task_vars, "drive_sharing_table") or _store.default_location())
        with tempfile.TemporaryDirectory() as scratch:
            if self._task.check_mode and "://" not in location and not os.path.exists(location):
                # There is no table yet, and check mode must not make one.
                args = {**args, "table": os.path.join(scratch, "table.sqlite")}
            give_up = time.monotonic() + PATIENCE
            while True:
                try:
                    conflicts, before, after = self._write(args, task_vars, host, facts, instances)
                except TableError as exc:
                    # Many hosts write at the same time; nobody waits for these facts.
                    if getattr(exc, "permanent", False) or time.monotonic() > give_up:
                        raise
                    time.sleep(0.5)
                else:
                    break
        result: dict[str, Any] = {"changed": before != after, "conflicts": conflicts}
        if self._task.diff:
            result["diff"] = {"before_header": host, "after_header": host, "before": before, "after": after}
        return result

    def _write(
        self,
        args: dict[str, Any],
        task_vars: dict[str, Any],
        host: str,
        facts: dict[str, Any],
        instances: list[dict[str, Any]],
    ) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
        """Write in one transaction; give the conflicts, and what is recorded before and after."""
        store = self.store(args, task_vars, create=True)
        written: tuple[list[str], dict[str, Any], dict[str, Any]] = ([], {}, {})
        try:
            with store.write() as tx:
                before = _host_report.recorded(tx, host)
                conflicts = _associations.write_host(tx, host, facts, instances, tx.now())
                written = conflicts, before, _host_report.recorded(tx, host)
                if self._task.check_mode:
                    raise NotWrittenError
        except NotWrittenError:
            pass
        finally:
            store.close()
        return written
