# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attributes and options that the documentation of our modules shares."""

from __future__ import annotations


class ModuleDocFragment:
    """``tapeworks.drive_sharing._attributes``, and its parts in lower case: ``tapeworks.drive_sharing._attributes.table``."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and predict the changed status without changing anything.
  diff_mode:
    description: Returns what has changed, or would change in C(check_mode), when in diff mode.
  idempotent:
    description: When run twice in a row outside of C(check_mode), with the same arguments, the second run changes nothing.
"""

    # For modules that only read; besides the part above.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: This module changes nothing.
  diff_mode:
    support: N/A
    details: This module changes nothing.
  idempotent:
    support: full
    details: This module changes nothing.
"""

    ACTION = r"""
options: {}
attributes:
  action:
    description: Has an action plugin of the same name, which does everything on the controller.
    support: full
  async:
    description: Can be run with C(async).
    support: none
    details: A step that nobody waits for cannot be confirmed.
"""

    ACTIONGROUP_DRIVE_SHARING = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/tapeworks.drive_sharing.drive_sharing) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - tapeworks.drive_sharing.drive_sharing
"""

    TABLE = r"""
options:
  table:
    description:
      - The drive table, a file on the controller or the URL of a PostgreSQL database, without a password.
      - The default is the variable C(drive_sharing_table), else the environment variable E(DRIVE_SHARING_TABLE), else
        C(/var/lib/drive_sharing/table.sqlite) for root and C(~/.local/state/drive_sharing/table.sqlite) for others.
    type: str
"""
