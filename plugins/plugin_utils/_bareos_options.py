# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the application bareos in their final form. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bconsole_options import (
    MOST_RECHECK,
    Checks,
    Place,
    Storage,
)

__all__ = ["METHODS", "OPTIONS", "Place", "Storage", "check"]

#: How a drive is set offline: it is not selected any more; or it is unmounted, which moves tapes.
METHODS = ("autoselect", "unmount")
OPTIONS: dict[str, dict[str, Any]] = {
    "storages": {"type": "list", "elements": "raw", "required": True},
    "console_command": {"type": "list", "elements": "str", "default": ["bconsole"]},
    "console_file": {"type": "str", "default": "/etc/bareos/bconsole.conf"},
    "devices": {"type": "dict", "default": {}},
    "method": {"type": "str", "choices": list(METHODS), "default": "autoselect"},
    "set_debug": {"type": "bool", "default": False},
    "recheck": {"type": "int", "default": 60},
}
_CHECKS = Checks("bareos", "Bareos", ("name", "host"), ("device", "storage"))


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """Validate; every message names the option as the user wrote it."""
    final: dict[str, Any] = {key: spec.get("default") for key, spec in OPTIONS.items()} | dict(options)
    final["storages"] = _CHECKS.storages(final["storages"])
    final["console_command"] = _CHECKS.command(final["console_command"])
    final["console_file"] = _CHECKS.path(final["console_file"])
    final["devices"] = _CHECKS.devices(final["devices"], final["storages"])
    if final["method"] not in METHODS:
        _CHECKS.refuse("method", " or ".join(METHODS), final["method"])
    final["set_debug"] = _CHECKS.flag("set_debug", final["set_debug"])
    final["recheck"] = float(_CHECKS.whole("recheck", final["recheck"], MOST_RECHECK))
    # Without autoselect a running job goes on; one that is unmounted has to be idle.
    final["offline_kills_job"] = final["method"] == "unmount"
    return final
