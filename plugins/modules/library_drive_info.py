# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Only documentation; the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: library_drive_info
short_description: Ask a tape library about a drive
version_added: 0.1.0
description:
  - Says whether a library shows a drive in its error state, and to which logical library the drive belongs, where the library shows that.
  - Fails if the library cannot be asked, or does not know the drive.
options:
  kind:
    description:
      - The kind of the library, as for M(tapeworks.drive_sharing.library_drive).
    type: str
    required: true
  library:
    description:
      - Name of the library in the inventory, for the messages.
    type: str
    required: true
  drive:
    description:
      - Unit serial number of the drive, in quotes if it consists of digits.
    type: str
    required: true
  options:
    description:
      - How the library is asked, as for M(tapeworks.drive_sharing.library_drive).
    type: dict
    default: {}
extends_documentation_fragment:
  - tapeworks.drive_sharing._attributes
  - tapeworks.drive_sharing._attributes.info_module
  - tapeworks.drive_sharing._attributes.action
author:
  - Tapeworks maintainers (@tapeworks)
seealso:
  - module: tapeworks.drive_sharing.library_drive
"""

EXAMPLES = r"""
- name: Ask about a drive
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Ask the library
      tapeworks.drive_sharing.library_drive_info:
        kind: ibm
        library: library_1
        drive: "1310211169"
        options:
          url: https://library.example
          ca_file: /etc/drive_sharing/library_1.pem
          user: drivesharing
          password_file: /etc/drive_sharing/library_1.password
      register: asked

    - name: Show its logical library
      ansible.builtin.debug:
        var: asked.logical_library
"""

RETURN = r"""
library:
  description: Name of the library.
  returned: always
  type: str
  sample: library_1
drive:
  description: Unit serial number.
  returned: always
  type: str
  sample: "1310211169"
state:
  description: As of M(tapeworks.drive_sharing.library_drive).
  returned: always
  type: str
  sample: ok
logical_library:
  description: The logical library that the drive belongs to, where the library shows it.
  returned: always
  type: str
  sample: BACKUP_A
way:
  description: Nothing, because nothing was told.
  returned: always
  type: str
effect:
  description: Nothing, because nothing was told.
  returned: always
  type: str
steps:
  description: What was asked, and when.
  returned: always
  type: list
  elements: str
  sample: ["after 0 s asked: ok (online)"]
msg:
  description: What the library shows, or why it could not be asked.
  returned: always
  type: str
  sample: Library library_1 reports drive 1310211169 as ok (online).
"""
