# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Only documentation; the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: reservation_info
short_description: Read from tape drives who has reserved them
version_added: 0.1.0
description:
  - Asks the drives that a host sees who holds them, by PERSISTENT RESERVE IN, and names the hosts and instances of the holders where
    the drive table's associations know their ports. Nothing is reserved, registered or written.
  - The host may be a backup server or the controller itself; it has to run Linux and see the drives. It needs no Python, but
    C(sg_raw) of sg3-utils and the right to open C(/dev/sg*), so usually C(become).
  - Before a drive is asked it has to say its serial number, so that a device file which leads to another drive by now misleads nobody.
  - Who holds a drive by RESERVE of SPC-2 no command tells. With O(find_holder) each host gathers what it can tell, and with
    O(evidence) the conclusion is drawn from all of them.
options:
  drives:
    description:
      - The unit serial numbers of the drives, in quotes if they consist of digits. All drives that the host sees without it.
    type: list
    elements: str
  find_holder:
    description:
      - For drives that are reserved by RESERVE of SPC-2, also tell who has the drive's device files open on this host, and where nobody
        has, send TEST UNIT READY through each path.
      - That command can take away a message of the drive (it was reset, the medium was changed) that is meant for an application,
        so it is sent only where every device file of the drive is closed. Only root can see that; for others nothing is sent.
    type: bool
    default: false
  evidence:
    description:
      - The results of this module with O(find_holder=true), by host name. With it nobody is asked; the holder of each drive that is
        reserved by RESERVE of SPC-2 is concluded from it.
      - Give the results of all hosts that see the drives. A host that is left out is taken to be none.
    type: dict
  applications:
    description:
      - The results of M(tapeworks.drive_sharing.application_drive_info), by host name; for O(evidence). An application that has a
        job on a drive is believed first.
    type: dict
    default: {}
  root:
    description:
      - The directory below which the host's C(sys), C(dev), C(etc) and C(proc) are found, as for M(tapeworks.drive_sharing.host_facts).
      - The default is the variable C(drive_sharing_root), else V(/).
    type: str
  timeout:
    description:
      - How many seconds one command to a drive is waited for.
      - A command that is given up is not ended; the drive still has it.
    type: int
    default: 20
extends_documentation_fragment:
  - tapeworks.drive_sharing._attributes
  - tapeworks.drive_sharing._attributes.info_module
  - tapeworks.drive_sharing._attributes.action
  - tapeworks.drive_sharing._attributes.actiongroup_drive_sharing
  - tapeworks.drive_sharing._attributes.table
attributes:
  platform:
    description: Operating systems whose drives can be asked.
    platforms: linux
    support: full
author:
  - Tapeworks maintainers (@tapeworks)
seealso:
  - module: tapeworks.drive_sharing.reservation
  - module: tapeworks.drive_sharing.drive_table_info
"""

EXAMPLES = r"""
- name: Who holds which drive
  hosts: backup1
  gather_facts: false
  become: true
  tasks:
    - name: Ask the drives
      tapeworks.drive_sharing.reservation_info:
      register: reservations

    - name: Show the drives that somebody holds
      ansible.builtin.debug:
        msg: "{{ reservations.drives | rejectattr('state', 'equalto', 'free') }}"

- name: Who holds a drive that is reserved by RESERVE of SPC-2
  hosts: drive_sharing
  gather_facts: false
  become: true
  tasks:
    - name: Ask the applications
      tapeworks.drive_sharing.application_drive_info:
        drives: ["1310211169"]
      register: application
      ignore_errors: true

    - name: Gather what each host can tell
      tapeworks.drive_sharing.reservation_info:
        drives: ["1310211169"]
        find_holder: true
      register: reservations

    - name: Draw the conclusion
      tapeworks.drive_sharing.reservation_info:
        evidence: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'reservations'))) }}"
        applications: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'application'))) }}"
      register: found
      run_once: true

    - name: Show it
      ansible.builtin.debug:
        msg: "{{ found.drives | map(attribute='message') }}"
      run_once: true
"""

RETURN = r"""
drives:
  description: One entry for each drive, by serial number.
  returned: success
  type: list
  elements: dict
  contains:
    drive:
      description: Unit serial number.
      type: str
      returned: always
      sample: "1310211169"
    state:
      description:
        - V(free), V(persistent), V(spc2) for a reservation by RESERVE of SPC-2, or V(unknown).
        - With O(evidence) only drives with V(spc2) are given.
      type: str
      returned: always
      sample: persistent
    holders:
      description: The ports that hold it, with the names of their hosts and instances; one port without values if it cannot be read.
      type: list
      elements: dict
      returned: without O(evidence)
      sample: [{"protocol": "fc", "id": "10000090fa1658de", "hosts": ["backup1"], "instances": ["nightly"]}]
    registrants:
      description: Everybody who is registered, with key, port, hosts, instances, and whether it is a holder.
      type: list
      elements: dict
      returned: without O(evidence)
      sample:
        - {"key": "0x40000000c0a8010b", "holder": true, "name": "fc 10000090fa1658de", "target_port": 1, "protocol": "fc",
           "id": "10000090fa1658de", "hosts": ["backup1"], "instances": ["nightly"]}
    type:
      description: The type of the persistent reservation, or null.
      type: str
      returned: without O(evidence)
      sample: exclusive access
    generation:
      description: The drive's counter PRGENERATION, or null.
      type: int
      returned: without O(evidence)
      sample: 7
    fenced:
      description: Whether the holder is a controller of this site, which keeps the drive in its error state.
      type: bool
      returned: without O(evidence)
    why:
      description: Why the state is unknown, what is odd, or with O(evidence) how the holder was told, or why it cannot be.
      type: str
      returned: always
    device:
      description: The device file on the host that the drive was asked through, or null.
      type: str
      returned: without O(evidence)
      sample: /dev/sg3
    open:
      description: Who has the drive open on this host; null if it cannot be seen.
      type: list
      elements: str
      returned: with O(find_holder=true), for drives with V(spc2)
      sample: ["bacula-sd (process 812)"]
    paths:
      description:
        - What TEST UNIT READY came to through each path, with C(device), C(port) and C(answer), which is V(works), V(conflict),
          V(unknown) or V(not asked).
      type: list
      elements: dict
      returned: with O(find_holder=true), for drives with V(spc2)
    holder_host:
      description: The host that holds it, or null if it cannot be told.
      type: str
      returned: with O(evidence)
    holder_port:
      description: Its port, or null if it cannot be told.
      type: dict
      returned: with O(evidence)
    message:
      description: The conclusion in a sentence.
      type: str
      returned: with O(evidence)
msg:
  description: Why the drives could not be asked.
  returned: on failure
  type: str
"""
