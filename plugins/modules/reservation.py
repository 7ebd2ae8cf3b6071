# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Only documentation; the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: reservation
short_description: Take a tape drive's reservation away, or keep the drive from everybody
version_added: 0.1.0
description:
  - Sends PERSISTENT RESERVE OUT to a drive through a host that sees it, and reads back what came of it. Only what the drive says
    afterwards counts.
  - B(This can destroy a running backup.) Who loses a reservation in the middle of a job loses what he writes. Ask first, with
    M(tapeworks.drive_sharing.reservation_info) and in check mode.
  - The host has to run Linux and see the drive. It needs no Python, but C(sg_raw) and C(sg_reset) of sg3-utils and the right to open
    C(/dev/sg*), so usually C(become).
  - Whoever is reserved by RESERVE of SPC-2 cannot be preempted. Then the task fails and says what remains.
options:
  drive:
    description:
      - Unit serial number of the drive, in quotes if it consists of digits.
    type: str
    required: true
  state:
    description:
      - "V(released): a persistent reservation that this host itself holds is released. The registration stays."
      - "V(preempted): the holder loses its reservation, and all registrations with its key; nobody holds the drive then."
      - "V(cleared): the reservation and all registrations are removed, those of hosts that hold nothing too."
      - "V(fenced): the drive is reserved under the key of this site's controller, with exclusive access, so that everybody else gets
        RESERVATION CONFLICT. A holder is preempted and its commands are aborted. It is the error state of the role
        C(library_scsi)."
      - "V(unfenced): what V(fenced) did is undone, also if another controller of the site did it, and no registration is left."
    type: str
    required: true
    choices: [released, preempted, cleared, fenced, unfenced]
  force:
    description:
      - What is dared. Without it the task fails in these cases, and says why.
      - "V(job): somebody has the drive open on this host, or this cannot be seen, or the holder is another host of an instance of
        this host by the drive table."
      - "V(reset): the drive is reserved by RESERVE of SPC-2. Its logical unit is reset, which ends the reservation and the command that
        is running on it."
    type: list
    elements: str
    choices: [job, reset]
    default: []
  abort:
    description:
      - Whether with V(preempted) the commands of the holder that are waiting in the drive are aborted too.
    type: bool
    default: false
  controller:
    description:
      - The name of the controller, of which and of the site's name its reservation key is made. One key for each controller, because two who
        use one key cannot be told apart.
      - By default the name of the machine that runs Ansible.
    type: str
  root:
    description:
      - The directory below which the host's C(sys), C(dev), C(etc) and C(proc) are found, as for M(tapeworks.drive_sharing.host_facts).
      - The default is the variable C(drive_sharing_root), else V(/).
    type: str
  timeout:
    description:
      - How many seconds one command to the drive is waited for.
      - A command that is given up is not ended; the drive still has it.
    type: int
    default: 20
extends_documentation_fragment:
  - tapeworks.drive_sharing._attributes
  - tapeworks.drive_sharing._attributes.action
  - tapeworks.drive_sharing._attributes.actiongroup_drive_sharing
  - tapeworks.drive_sharing._attributes.table
attributes:
  check_mode:
    support: full
    details: The drive is asked, and RV(plan) has what would be sent.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    description: Operating systems whose drives can be told.
    platforms: linux
    support: full
author:
  - Tapeworks maintainers (@tapeworks)
notes:
  - The key of the site is made of the drive table's name of the site; without a drive table, of C(drive_sharing_site), else of the
    name of the machine that runs Ansible.
  - A registration of ours is never left behind when the drive is not fenced, because while anybody is registered, RESERVE of SPC-2 is refused.
seealso:
  - module: tapeworks.drive_sharing.reservation_info
"""

EXAMPLES = r"""
- name: Take a drive back from a host that is gone
  hosts: backup1
  gather_facts: false
  become: true
  tasks:
    - name: Preempt its reservation
      tapeworks.drive_sharing.reservation:
        drive: "1310211169"
        state: preempted
      register: taken

    - name: Show what was sent
      ansible.builtin.debug:
        msg: "{{ taken.plan }}"

- name: End a reservation by RESERVE of SPC-2 whose holder is gone
  hosts: backup1
  gather_facts: false
  become: true
  tasks:
    - name: Reset the logical unit
      tapeworks.drive_sharing.reservation:
        drive: "1310211169"
        state: preempted
        force: [reset]
"""

RETURN = r"""
drive:
  description: Unit serial number.
  returned: always
  type: str
  sample: "1310211169"
plan:
  description: The commands that were sent, in check mode those that would be.
  returned: if the drive was asked
  type: list
  elements: str
  sample:
    - "REGISTER AND IGNORE EXISTING KEY: register key 0x7464732112345678"
    - PREEMPT AND ABORT with key 0x7464732112345678, against key 0x40000000c0a8010b, exclusive access
before:
  description: What the drive told before, as RV(tapeworks.drive_sharing.reservation_info#module:drives).
  returned: if the drive was asked
  type: dict
after:
  description: What it told afterwards; in check mode as before.
  returned: if the drive was asked
  type: dict
msg:
  description: What was done, why there was nothing to do, or why it was refused or did not succeed.
  returned: always
  type: str
  sample: "Drive 1310211169 is free."
"""
