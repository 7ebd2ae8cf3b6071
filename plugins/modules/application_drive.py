# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Only documentation; the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: application_drive
short_description: Set tape drives online or offline in a backup application
version_added: 0.1.0
description:
  - Runs on a control point, the host where an instance of a backup application is told about its drives. It reads what the
    application says of each drive, decides, sets what has to be set, and reads back; only what was read back is a
    confirmation.
  - With O(batch) it does this host's share of a batch of reservation changes and writes the answers into the drive table.
    That is the one task of the playbook C(reservation_change) on the control points, and it is for that playbook only.
  - With O(state) and O(drives) it sets drives by hand. What a person sets is the person's; it is not brought online or set
    offline by a later change of the reservation, except that a drive set online by hand is set offline when another
    instance reserves it. The roles C(application_*) do this with their entry points C(offline) and C(online).
  - By hand, a drive is refused while a play is at work on it. O(state=online) is refused while another instance, or a port that
    nobody knows, holds the drive, and while the drive is in its error state. C(drive_sharing_mode) does not matter.
  - Everything that thinks runs on the controller. The host runs its application's own commands from a small step for
    C(/bin/sh); no Python is needed there. The step keeps a record for each instance and drive in
    C(drive_sharing_state_directory). On Windows M(tapeworks.drive_sharing.application_step_windows) does that.
  - A drive with a running job is left alone if setting it offline would stop the job; that is the answer V(busy).
    Where the application lets the job end, the drive is set, gets no more jobs, and is V(busy) until that one is over.
author:
  - Tapeworks maintainers (@tapeworks)
extends_documentation_fragment:
  - tapeworks.drive_sharing._attributes
  - tapeworks.drive_sharing._attributes.action
  - tapeworks.drive_sharing._attributes.actiongroup_drive_sharing
  - tapeworks.drive_sharing._attributes.table
attributes:
  check_mode:
    support: full
    details:
      - The application is asked and the decision made; nothing is set, and neither the record nor the drive table is written.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  batch:
    description:
      - The batch, for the playbook C(reservation_change). Excludes O(state).
    type: str
  state:
    description:
      - The state that the O(drives) end in, set by hand. Excludes O(batch).
      - "V(given_back): for the playbook C(stop_sharing) when the drive table is gone. Sets those of the O(drives) online that the
        records on this host say are taken; the others are named in RV(messages). No drive table is read or written."
    type: str
    choices: [online, offline, given_back]
  drives:
    description:
      - The unit serial numbers of the drives, with O(state), in quotes if they consist of digits.
      - With O(state=given_back), the drives that a person knows to be free; or only V(all).
    type: list
    elements: str
  instance:
    description:
      - The instance that is meant, with O(state), where C(drive_sharing_applications) has several for this host.
    type: str
  application:
    description:
      - The kind of application, such as V(custom), with O(state).
      - Where C(drive_sharing_applications) has no matching entry, the application is taken to be the instance that has the
        host's name, or O(instance).
    type: str
  options:
    description:
      - Options of the application, with O(state). They come before those of the matching entry of C(drive_sharing_applications),
        which come before the variables of the application's role, such as C(application_custom_query_command).
      - Their names are those of the role's variables without the prefix, such as C(query_command).
    type: dict
    default: {}
  reason:
    description:
      - Why, with O(state=online) and O(state=offline), for the history of the drive table, the record on the host, and products that
        can carry a reason. At the most 80 letters, digits, blanks and signs, on one line.
    type: str
    default: ""
notes:
  - The task fails if one drive is not confirmed, and the host is reported as unreachable if it could not be reached.
  - The commands are run as the user that Ansible runs commands as, so C(become) is respected, with sudo, su and doas alike.
seealso:
  - module: tapeworks.drive_sharing.application_drive_info
  - module: tapeworks.drive_sharing.drive_table_info
"""

EXAMPLES = r"""
- name: Take a drive out of service on one backup server
  hosts: backup2
  gather_facts: false
  tasks:
    - name: Set the drive offline until somebody sets it online again
      tapeworks.drive_sharing.application_drive:
        state: offline
        drives: ["1310211169"]

- name: Put it into service again
  hosts: backup2
  gather_facts: false
  tasks:
    - name: See what would be done
      tapeworks.drive_sharing.application_drive:
        state: online
        drives: ["1310211169"]
      check_mode: true
      diff: true

    - name: Set the drive online
      tapeworks.drive_sharing.application_drive:
        state: online
        drives: ["1310211169"]
"""

RETURN = r"""
drives:
  description:
    - One entry for each drive and instance. With O(batch) at the most 5, those that are not confirmed first; the drive table has
      all.
  returned: unless the host could not be reached
  type: list
  elements: dict
  contains:
    drive:
      description: Unit serial number.
      type: str
      returned: always
      sample: "1310211169"
    instance:
      description: The instance.
      type: str
      returned: always
      sample: backup2
    sequence:
      description: The number of the change; 0 if the drive table has none of the drive.
      type: int
      returned: always
      sample: 42
    confirmed:
      description: Whether the drive is as it has to be here, by what was read.
      type: bool
      returned: always
    outcome:
      description:
        - What was found or done. V(not_connected), V(not_configured), V(superseded), V(own), V(offline), V(online), V(adopted),
          V(kept), V(presumed_own), V(held) and V(stopped) are confirmations.
        - "V(not_connected): no host of the instance sees the drive."
        - "V(not_configured): the application does not know the drive."
        - "V(superseded): a newer change has been done there already."
        - "V(own): the drive is held by this instance; it is brought online if it was taken, that is, set offline by this
          collection."
        - "V(offline): offline while others hold the drive; the drive is taken. By hand: set offline, and not taken."
        - "V(online): given back. By hand: set online."
        - "V(adopted): the application had set it offline itself because of the reservation; it counts as taken."
        - "V(kept): left as it was found, because it was offline before and not by this collection, or was not taken."
        - "V(presumed_own): in use here, so a reservation whose holder cannot be read, or is nobody known, is taken to be its
          own."
        - "V(held): taken, and stays offline while the drive is in its error state."
        - "V(stopped): left online, because sharing is stopped."
        - "V(behind): the record there is newer than anything the drive table has issued; the table catches up and asks again."
        - "V(busy): a job is running on the drive; it is asked again."
        - "V(floor): setting it offline would leave the instance fewer online drives than C(drive_sharing_minimum_online); it is
          asked again."
        - "V(unreadable): the application's answer is neither online nor offline."
        - "V(refused): the record there belongs to another site, so nothing is done, and the drive is not put into its error state."
        - "V(silent): nothing is confirmed; RV(drives[].reason) says why."
      type: str
      returned: always
      sample: offline
    reason:
      description: Why it is not confirmed, in a few words.
      type: str
      returned: always
      sample: the command did not end in time and was stopped
    names:
      description: The names under which the application knows the drive.
      type: list
      elements: str
      returned: always
      sample: [LTO9_001]
    state_before:
      description: V(online), V(offline) or V(other), as read first; null if it could not be read.
      type: str
      returned: always
      sample: online
    state:
      description: The same, as read last.
      type: str
      returned: always
      sample: offline
    shown:
      description: The application's own words for it.
      type: str
      returned: always
      sample: "LTO9_001: offline"
    taken:
      description: Whether the drive counts as set offline by this collection, so that a later change brings it online again.
      type: bool
      returned: always
messages:
  description: One sentence for each drive that stays offline, and for each record that cannot be used.
  returned: with O(state=given_back)
  type: list
  elements: str
  sample: []
msg:
  description: What was not confirmed and why.
  returned: on failure
  type: str
  sample: "Not confirmed by backup2: drive 1310211169: the command did not end in time and was stopped."
"""
