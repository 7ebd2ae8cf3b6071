# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module application_drive_info: what an application says of its drives."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _identifiers,
    _read_only,
    _store,
    _views,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action_application import ApplicationAction
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError


class ActionModule(ApplicationAction):
    """Reads only."""

    ARGUMENTS = {
        "drives": {"type": "list", "elements": "str"},
        "instance": {"type": "str"},
        "application": {"type": "str"},
        "options": {"type": "dict", "default": {}},
        "table": {"type": "str"},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Ask, and give one entry per drive."""
        host = str(task_vars["inventory_hostname"])
        instance, file, options = self.chosen(args, task_vars)
        devices, elsewhere = self._seen(args, task_vars, instance, host)
        drives = [_identifiers.serial(drive) for drive in args["drives"] or self._all(task_vars, instance, devices, elsewhere)]
        if not drives:
            msg = f"No drive is known to be seen by {host}; give drives, or run the playbook host_facts."
            raise InvalidValueError(msg)
        policy = self.policy(task_vars)
        found = _read_only.read(self.place(task_vars, ""), file, options, policy, instance, drives, devices, elsewhere)
        return {"changed": False, "instance": instance, "drives": found}

    def _all(
        self, task_vars: dict[str, Any], instance: str, devices: dict[str, Any], elsewhere: dict[str, Any]
    ) -> list[str]:
        """The drives that the instance's control point answers for; a director or master may see none itself."""
        scope = next((one["scope"] for one in self.entries(task_vars) if one["instance"] == instance), "host")
        return sorted({*devices, *elsewhere} if scope == "instance" else devices)

    def _seen(
        self, args: dict[str, Any], task_vars: dict[str, Any], instance: str, host: str
    ) -> tuple[dict[str, list[str]], dict[str, dict[str, tuple[str, ...]]]]:
        """The drives of this host with their device files, and the files on the instance's other hosts.

        By the associations: nothing where there is no drive table.
        """
        location = str(args.get("table") or self.variable(task_vars, "drive_sharing_table") or _store.default_location())
        if "://" not in location and not os.path.exists(location):
            return {}, {}
        store = self.store(args, task_vars)
        try:
            with store.read() as tx:
                return _views.devices_of(tx, host), _views.devices_elsewhere(tx, instance, host)
        finally:
            store.close()
