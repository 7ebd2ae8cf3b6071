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
        devices = self._seen(args, task_vars, host)
        drives = [_identifiers.serial(drive) for drive in args["drives"] or devices]
        if not drives:
            msg = f"No drive is known to be seen by {host}; give drives, or run the playbook host_facts."
            raise InvalidValueError(msg)
        policy = self.policy(task_vars)
        found = _read_only.read(self.place(task_vars, ""), file, options, policy, instance, drives, devices)
        return {"changed": False, "instance": instance, "drives": found}

    def _seen(self, args: dict[str, Any], task_vars: dict[str, Any], host: str) -> dict[str, list[str]]:
        """The drives of this host and their device files by the associations; none where there is no drive table."""
        location = str(args.get("table") or self.variable(task_vars, "drive_sharing_table") or _store.default_location())
        if "://" not in location and not os.path.exists(location):
            return {}
        store = self.store(args, task_vars)
        try:
            with store.read() as tx:
                return _views.devices_of(tx, host)
        finally:
            store.close()
