# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attributes that the documentation of our modules shares."""

from __future__ import annotations


class ModuleDocFragment:
    """``tapeworks.drive_sharing._attributes``, and ``.action`` and ``.actiongroup`` of it."""

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

    ACTION = r"""
options: {}
attributes:
  action:
    description: Has an action plugin of the same name, which does everything on the controller.
    support: full
  async:
    description: Can be run with C(async).
    support: none
"""

    ACTIONGROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/tapeworks.drive_sharing.drive_sharing) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - tapeworks.drive_sharing.drive_sharing
"""
