# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Only documentation; the work is done by application_step_windows.ps1.

from __future__ import annotations

DOCUMENTATION = r"""
module: application_step_windows
short_description: Ask and set a backup application on a control point that runs Windows, and keep the records
version_added: 0.1.0
description:
  - Run by M(tapeworks.drive_sharing.application_drive) and M(tapeworks.drive_sharing.application_drive_info) on control points that
    run Windows. There is no need to run it oneself; a request is made, and its answer is read, on the controller.
  - It does there what a small step for C(/bin/sh) does elsewhere. It locks the drives, compares their records with what was read,
    looks at the deadline, writes the intent, runs the commands within their time, asks again, writes the last record, and unlocks.
  - A command is a program (C(.exe), C(.com)) with its arguments, or one of the cmdlets C(Get-VBRTapeDrive), C(Disable-VBRTapeDrive),
    C(Enable-VBRTapeDrive) of Veeam Backup & Replication, whose parameters are values. No text of a request is run as PowerShell.
  - B(It has not run on Windows yet.) It was made after Microsoft's and Veeam's documentation and checked with a parser. In the tests a
    program that takes the same requests stands in for it.
options:
  request:
    description:
      - What is to be done, as JSON text, in a form that may change at any time.
    type: str
    required: true
extends_documentation_fragment:
  - tapeworks.drive_sharing._attributes
attributes:
  check_mode:
    description: What sets nothing is run; in check mode M(tapeworks.drive_sharing.application_drive) asks for nothing else.
    support: full
  diff_mode:
    description: The states before and after are shown by M(tapeworks.drive_sharing.application_drive).
    support: none
  idempotent:
    description: A request is made for one state of the records, and does nothing where that has changed.
    support: full
  platform:
    description: Operating systems that it runs on.
    platforms: windows
    support: full
author:
  - Tapeworks maintainers (@tapeworks)
notes:
  - "Needs Windows PowerShell 5.1. Veeam Backup & Replication 13 needs PowerShell 7: with ansible-core 2.21 or newer, set
    C(ansible_pwsh_interpreter) to C(pwsh) for that host."
  - The records are below C(drive_sharing_state_directory), by default C(C:\\ProgramData\\drive_sharing). Where it makes that directory,
    only administrators and the account that runs it may enter it.
seealso:
  - module: tapeworks.drive_sharing.application_drive
  - module: tapeworks.drive_sharing.application_drive_info
"""

EXAMPLES = r"""
- name: See what there is to be seen on a Windows host
  hosts: windows
  gather_facts: false
  tasks:
    - name: List all records of the host
      tapeworks.drive_sharing.application_step_windows:
        request: >-
          {"version": 1, "action": "list", "directory": "C:\\ProgramData\\drive_sharing", "nonce": "byhand01", "seconds": 10,
          "instance": "", "drives": [], "queries": [], "deadline": "", "units": []}
      register: listed

    - name: Show them
      ansible.builtin.debug:
        var: listed.listed
"""

RETURN = r"""
version:
  description: Version of the form of request and answer.
  returned: success
  type: int
  sample: 1
nonce:
  description: That of the request.
  returned: success
  type: str
  sample: byhand01
id:
  description: The identity of the step, which stands behind the C(#) of the records that it wrote.
  returned: success
  type: str
  sample: byhand01.4711.638995932345678900
clock:
  description: The host's clock, in seconds since 1970; null where it was not asked to read.
  returned: success
  type: int
  sample: 1795418096
problem:
  description: Why nothing could be read or written, or null.
  returned: success
  type: str
records:
  description: The records that were asked for, each with C(drive), C(busy) and C(text).
  returned: success
  type: list
  elements: dict
answers:
  description: What the queries gave, each with C(rc), C(output), C(timed_out) and C(truncated).
  returned: success
  type: list
  elements: dict
units:
  description: What became of each unit, with C(drives) (C(drive), C(outcome), C(detail)), C(commands) and C(queries).
  returned: success
  type: list
  elements: dict
listed:
  description: All records of the host, each with C(instance), C(drive) and C(text), the names as those of the files.
  returned: success
  type: list
  elements: dict
"""
