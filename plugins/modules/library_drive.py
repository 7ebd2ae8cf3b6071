# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Only documentation; the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: library_drive
short_description: Put a drive into its error state at its tape library, or take it out
version_added: 0.1.0
description:
  - Asks a library about a drive, tells it what is wished, and asks again until the library shows it. What a library answers when it
    is told is not believed.
  - The roles C(library_ibm) and the others with such names do it with this module, and take its options from the library's host variables;
    with them the error state is written down beside the drive table.
  - Where a library has several ways, they are tried in order until one is seen to have worked.
  - What the error state is depends on the library. Some ways make hosts lose the drive, others only keep the library from mounting. See
    RV(effect), and C(docs/libraries.md) of the collection.
options:
  kind:
    description:
      - The kind of the library, a role's name without C(library_).
      - V(acsls) is told by C(cmd_proc) of ACSLS, which runs on the host of the task.
      - V(adic) is told by SNMP, C(phDriveCommand) of ADIC and Quantum libraries. It needs the Python package pysnmp.
      - V(custom) is told by configured commands, which run on the host of the task, or by configured requests.
      - V(ibm) is told by the REST interface of IBM Diamondback and TS4500.
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
  state:
    description:
      - "V(error): the drive refuses everybody, as far as the library can bring that about."
      - "V(ok): that is ended."
    type: str
    required: true
    choices: [error, ok]
  options:
    description:
      - How the library is told, and what is believed. They are those of the kind's role, without the role's prefix, as C(url) for
        C(library_ibm_url).
    type: dict
    default: {}
extends_documentation_fragment:
  - tapeworks.drive_sharing._attributes
  - tapeworks.drive_sharing._attributes.action
attributes:
  check_mode:
    support: full
    details: The library is asked, and not told anything.
  diff_mode:
    support: none
  idempotent:
    support: full
author:
  - Tapeworks maintainers (@tapeworks)
notes:
  - Passwords are read from files on the controller that only their owner can read. They are in no command line, log or result.
seealso:
  - module: tapeworks.drive_sharing.library_drive_info
"""

EXAMPLES = r"""
- name: Keep a drive from everybody
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Start service on the drive
      tapeworks.drive_sharing.library_drive:
        kind: ibm
        library: library_1
        drive: "1310211169"
        state: error
        options:
          url: https://library.example
          ca_file: /etc/drive_sharing/library_1.pem
          user: drivesharing
          password_file: /etc/drive_sharing/library_1.password
      register: kept

    - name: Show how long it took
      ansible.builtin.debug:
        var: kept.steps

    - name: Give it free again
      tapeworks.drive_sharing.library_drive:
        kind: ibm
        library: library_1
        drive: "1310211169"
        state: ok
        options:
          url: https://library.example
          ca_file: /etc/drive_sharing/library_1.pem
          user: drivesharing
          password_file: /etc/drive_sharing/library_1.password
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
  description:
    - What the library shows in the end, V(error), V(ok) or V(unknown). In check mode what it would be.
    - V(unknown) is also a state that is shown and is neither of the two; RV(msg) has it.
  returned: always
  type: str
  sample: error
logical_library:
  description: The logical library that the drive belongs to, where the library shows it.
  returned: always
  type: str
  sample: BACKUP_A
way:
  description: The way that worked, if something was changed.
  returned: always
  type: str
  sample: by serial number
effect:
  description:
    - "What that way does. V(offline): hosts lose the drive. V(conflict): hosts get RESERVATION CONFLICT. V(mounts): the library mounts
      nothing any more, and a tape that is mounted goes on."
  returned: always
  type: str
  sample: offline
steps:
  description: What was asked and told, and when; with C(-v) they are shown while they happen.
  returned: always
  type: list
  elements: str
  sample:
    - "after 0 s asked: ok (online)"
    - "after 0 s told by serial number: said that it was done"
    - "after 12 s asked: in its error state (inServiceMode)"
msg:
  description: What was done, or why not.
  returned: always
  type: str
  sample: Drive 1310211169 was put into its error state by library library_1.
"""
