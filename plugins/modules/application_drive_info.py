# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Only documentation; the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: application_drive_info
short_description: Ask a backup application about its tape drives
version_added: 0.1.0
description:
  - Runs the application's query on a control point and gives what it says of each drive, together with what this collection
    has recorded there. Nothing is set, and nothing is decided.
  - The host needs no Python; the query runs from a small step for C(/bin/sh).
  - Use it to try the commands and patterns of an application before the event source is started.
author:
  - Tapeworks maintainers (@tapeworks)
extends_documentation_fragment:
  - tapeworks.drive_sharing._attributes
  - tapeworks.drive_sharing._attributes.info_module
  - tapeworks.drive_sharing._attributes.action
  - tapeworks.drive_sharing._attributes.actiongroup_drive_sharing
  - tapeworks.drive_sharing._attributes.table
options:
  drives:
    description:
      - The unit serial numbers of the drives, in quotes if they consist of digits.
      - Without it all drives that this host sees by the drive table's associations.
    type: list
    elements: str
  instance:
    description:
      - The instance that is meant, where C(drive_sharing_applications) has several for this host.
    type: str
  application:
    description:
      - The kind of application, such as V(custom).
      - Where C(drive_sharing_applications) has no matching entry, the application is taken to be the instance that has the
        host's name, or O(instance).
    type: str
  options:
    description:
      - Options of the application, as in O(tapeworks.drive_sharing.application_drive#module:options).
    type: dict
    default: {}
seealso:
  - module: tapeworks.drive_sharing.application_drive
  - module: tapeworks.drive_sharing.drive_table_info
"""

EXAMPLES = r"""
- name: What do the applications say of their drives
  hosts: drive_sharing
  gather_facts: false
  tasks:
    - name: Ask them
      tapeworks.drive_sharing.application_drive_info:
        drives: ["1310211169"]
      register: said

    - name: Show the answers
      ansible.builtin.debug:
        msg: "{{ said.drives }}"

- name: Try the commands and patterns of an application
  hosts: backup2
  gather_facts: false
  tasks:
    - name: Ask with options that are not in the inventory yet
      tapeworks.drive_sharing.application_drive_info:
        application: custom
        options:
          query_command: [printf, 'LTO9_001 1310211169 online\n']
          query_pattern: ^(?P<name>\S+) (?P<serial>\S+) (?P<state>\S+)$
          offline_command: ["false", "{name}"]
          online_command: ["false", "{name}"]
        drives: ["1310211169"]
"""

RETURN = r"""
instance:
  description: The instance that was asked.
  returned: success
  type: str
  sample: backup2
drives:
  description: One entry for each drive.
  returned: success
  type: list
  elements: dict
  contains:
    drive:
      description: Unit serial number.
      type: str
      returned: always
      sample: "1310211169"
    configured:
      description: Whether the application knows the drive; null if its answer cannot be trusted.
      type: bool
      returned: always
    state:
      description: V(online), V(offline), or V(other) for an answer that is neither; null if nothing was read.
      type: str
      returned: always
      sample: online
    names:
      description: The names under which the application knows it.
      type: list
      elements: str
      returned: always
      sample: [LTO9_001]
    shown:
      description: The application's own words for it.
      type: str
      returned: always
      sample: "LTO9_001: online"
    in_use:
      description: Whether a job is running on it, as far as the query tells; null if nothing was read.
      type: bool
      returned: always
    taken:
      description: Whether this collection set it offline, by the record on the host.
      type: bool
      returned: always
    sequence:
      description: The number of the newest change that was done here, or null.
      type: int
      returned: always
      sample: 42
    reason:
      description: Why the newest change was done here, by the record on the host; empty where there is none.
      type: str
      returned: always
      sample: "drive_sharing: set offline by hand: cleaning"
    problem:
      description: Why nothing can be said of the drive, or null.
      type: str
      returned: always
      sample: "the query failed with exit status 1: database is not running"
msg:
  description: Why nothing could be read.
  returned: on failure
  type: str
"""
