# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module library_drive: puts a drive into its error state at its library, or takes it out."""

from __future__ import annotations

from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _library
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action_library import LibraryAction
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library_steps import Result, Steps


class ActionModule(LibraryAction):
    """Asks, tells, and believes what is shown afterwards."""

    ARGUMENTS = {
        "kind": {"type": "str", "required": True},
        "library": {"type": "str", "required": True},
        "drive": {"type": "str", "required": True},
        "state": {"type": "str", "required": True, "choices": [*_library.WANTED]},
        "options": {"type": "dict", "default": {}},
    }

    def do(self, steps: Steps, args: dict[str, Any]) -> Result:
        """Tell the library, if that is needed."""
        return steps.bring(args["state"], dry=self._task.check_mode)
