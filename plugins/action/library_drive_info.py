# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module library_drive_info: asks a library about a drive."""

from __future__ import annotations

from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action_library import LibraryAction
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library_steps import Result, Steps


class ActionModule(LibraryAction):
    """Only asks."""

    ARGUMENTS = {
        "kind": {"type": "str", "required": True},
        "library": {"type": "str", "required": True},
        "drive": {"type": "str", "required": True},
        "options": {"type": "dict", "default": {}},
    }

    def do(self, steps: Steps, args: dict[str, Any]) -> Result:
        """Ask."""
        return steps.query()
