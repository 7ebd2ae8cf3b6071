# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Only documentation; the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: drive_table_info
short_description: Read the drive table
version_added: 0.1.0
description:
  - Says who holds which tape drive, which changes are settled, what is owed by whom, what happened, and who sees which drive.
  - All of it is read in one transaction.
  - Runs on the controller. In a play, use it on V(localhost).
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
      - The unit serial numbers of the drives that are meant, in quotes if they consist of digits. All drives without it.
      - The associations are always given for all hosts.
    type: list
    elements: str
  gather:
    description:
      - What to read.
      - V(drives) is the newest change and the state of each drive, V(owed) what control points have not confirmed yet,
        V(history) what happened, newest first, V(associations) which host sees which drive through which ports, and which
        instances it carries.
    type: list
    elements: str
    choices: [drives, owed, history, associations]
    default: [drives, owed]
  history_limit:
    description:
      - The most entries of the history that are given; for each drive, if O(drives) is given.
    type: int
    default: 100
  history_entries:
    description:
      - Give only these entries of the history, by their number, as an alert of the event source names it. O(drives) and
        O(history_limit) do not count then. What is not there, or not any more, is left out.
    type: list
    elements: int
    version_added: 0.1.0
seealso:
  - module: tapeworks.drive_sharing.drive_table
  - module: tapeworks.drive_sharing.application_drive_info
"""

EXAMPLES = r"""
- name: Who holds which drive, and what is owed
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Read the drive table
      tapeworks.drive_sharing.drive_table_info:
      register: table_now

    - name: Show the drives that are not settled
      ansible.builtin.debug:
        msg: "{{ table_now.drives | rejectattr('is_settled') }}"

    - name: Fail if anything is owed, so that monitoring notices
      ansible.builtin.assert:
        that: table_now.owed | length == 0
        fail_msg: "{{ table_now.owed | map(attribute='host') | unique | join(', ') }} still has to confirm a change."

- name: What happened to one drive
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Read its history
      tapeworks.drive_sharing.drive_table_info:
        drives: ["1310211169"]
        gather: [history]
        history_limit: 20
      register: table_past

    - name: Show it
      ansible.builtin.debug:
        msg: "{{ table_past.history | map(attribute='message') }}"
"""

RETURN = r"""
site:
  description: The table's site.
  returned: success
  type: str
  sample: basel
stopped_since:
  description: When sharing was stopped by the playbook C(stop_sharing); null while drives are shared.
  returned: success
  type: str
  sample: null
table:
  description: Where the table is, without a password.
  returned: success
  type: str
  sample: /var/lib/drive_sharing/table.sqlite
drives:
  description: One entry for each drive, by serial number.
  returned: if O(gather) has V(drives)
  type: list
  elements: dict
  contains:
    drive:
      description: Unit serial number.
      type: str
      returned: always
      sample: "1310211169"
    status:
      description: V(reserved) or V(released).
      type: str
      returned: always
      sample: reserved
    holders:
      description: The ports that hold the reservation; one port without values if it cannot be read.
      type: list
      elements: dict
      returned: always
      sample: [{"protocol": "fc", "id": "10000090fa1658de"}]
    sequence:
      description: The number of the newest change of this drive.
      type: int
      returned: always
      sample: 42
    observed_at:
      description: When it was seen.
      type: str
      returned: always
      sample: "2026-11-22T06:00:34.567890+00:00"
    library:
      description: Inventory name of the library that reported it, or null.
      type: str
      returned: always
      sample: library1
    detector:
      description: What saw it, V(snmp), V(scsi), V(webhook) or V(manual).
      type: str
      returned: always
      sample: snmp
    settled:
      description: The number of the newest change that every control point has confirmed.
      type: int
      returned: always
      sample: 42
    settled_why:
      description:
        - Why that one is settled, V(confirmed), V(in its error state), V(only observed), or why nobody had to be asked.
        - "V(only observed): by C(drive_sharing_mode) something was left as it was that has to be set."
      type: str
      returned: always
      sample: confirmed
    is_settled:
      description: Whether every control point has confirmed the newest change, or the drive is in its error state.
      type: bool
      returned: always
    batch:
      description: The batch that the drive is in, or null.
      type: str
      returned: always
    attempt:
      description: How often the drive was claimed by a play.
      type: int
      returned: always
    failures:
      description: How often in a row that did not settle it.
      type: int
      returned: always
    due:
      description: When there is something to do next, in seconds since 1970, or null.
      type: float
      returned: always
    error_state:
      description: V(error), V(forcing) or V(clearing) while the library is being called, else empty.
      type: str
      returned: always
    error_since:
      description: When it was put into its error state, in seconds since 1970, or null.
      type: float
      returned: always
    error_sequence:
      description: Because of which change, or null.
      type: int
      returned: always
    error_reason:
      description: Why, in one sentence.
      type: str
      returned: always
damaged:
  description: One sentence for each row that was damaged by hand and is left aside.
  returned: if O(gather) has V(drives)
  type: list
  elements: str
  sample: []
owed:
  description: One entry for each drive that a control point has not confirmed yet.
  returned: if O(gather) has V(owed)
  type: list
  elements: dict
  contains:
    drive:
      description: Unit serial number.
      type: str
      returned: always
      sample: "1310211169"
    status:
      description: What the drive is, V(reserved) or V(released).
      type: str
      returned: always
      sample: reserved
    sequence:
      description: The change.
      type: int
      returned: always
      sample: 42
    instance:
      description: The instance.
      type: str
      returned: always
      sample: backup2
    application:
      description: The kind of application.
      type: str
      returned: always
      sample: custom
    scope:
      description: V(host) if the application has a state on each host, V(instance) if it has one.
      type: str
      returned: always
      sample: host
    host:
      description: The control point.
      type: str
      returned: always
      sample: backup2
    relation:
      description:
        - How the holders look from there, V(own), V(foreign), V(unknown) if they cannot be read or are nobody known, V(ambiguous)
          if the port is that of this and of another instance, or V(none) if nobody holds the drive.
      type: str
      returned: always
      sample: foreign
    outcome:
      description: What it answered last, as RV(tapeworks.drive_sharing.application_drive#module:drives[].outcome); empty before
        the first answer.
      type: str
      returned: always
      sample: busy
    reason:
      description: Why it is not confirmed, in a few words.
      type: str
      returned: always
    state_read:
      description: V(online), V(offline) or V(other), as read last; null if it could not be read.
      type: str
      returned: always
      sample: online
    taken:
      description: V(1) if the drive counts as set offline there by this collection, else V(0).
      type: int
      returned: always
      sample: 0
    attempts:
      description: How often it was asked about this change.
      type: int
      returned: always
      sample: 3
    asked_at:
      description: When it was asked last, in seconds since 1970.
      type: float
      returned: always
    answered_at:
      description: When it answered last, in seconds since 1970, or null.
      type: float
      returned: always
    due:
      description: When it is asked again, in seconds since 1970; null while it is being asked.
      type: float
      returned: always
history:
  description: What happened, newest first.
  returned: if O(gather) has V(history)
  type: list
  elements: dict
  contains:
    id:
      description: Number of the entry.
      type: int
      returned: always
    at:
      description: When, in seconds since 1970.
      type: float
      returned: always
    kind:
      description: A word for what happened.
      type: str
      returned: always
    drive:
      description: The drive that is concerned, or null.
      type: str
      returned: always
    sequence:
      description: The change, or null.
      type: int
      returned: always
    host:
      description: The control point, or null.
      type: str
      returned: always
    instance:
      description: The instance, or null.
      type: str
      returned: always
    message:
      description: What happened, in a sentence.
      type: str
      returned: always
associations:
  description: "For each host: when its facts were written, its drives, ports and instances."
  returned: if O(gather) has V(associations)
  type: dict
conflicts:
  description: One sentence for each thing that two hosts claim and only one can have.
  returned: if O(gather) has V(associations)
  type: list
  elements: str
  sample: []
"""
