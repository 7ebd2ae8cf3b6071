# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the application bacula in their final form. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bconsole_options import (
    MOST_RECHECK,
    Checks,
    Place,
    Storage,
)

__all__ = ["OPTIONS", "Place", "Storage", "check"]

OPTIONS: dict[str, dict[str, Any]] = {
    "storages": {"type": "list", "elements": "raw", "required": True},
    "console_command": {"type": "list", "elements": "str", "default": ["bconsole"]},
    "console_file": {"type": "str", "default": "/etc/bacula/bconsole.conf"},
    "devices": {"type": "dict", "default": {}},
    "recheck": {"type": "int", "default": 60},
}
_CHECKS = Checks("bacula", "Bacula", ("name", "host", "device"), ("device", "storage", "drive"))


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """Validate; every message names the option as the user wrote it."""
    final: dict[str, Any] = {key: spec.get("default") for key, spec in OPTIONS.items()} | dict(options)
    final["storages"] = _CHECKS.storages(final["storages"])
    final["console_command"] = _CHECKS.command(final["console_command"])
    final["console_file"] = _CHECKS.path(final["console_file"])
    final["devices"] = _CHECKS.devices(final["devices"], final["storages"])
    final["recheck"] = float(_CHECKS.whole("recheck", final["recheck"], MOST_RECHECK))
    return final
