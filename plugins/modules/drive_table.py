# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Only documentation; the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: drive_table
short_description: Create the drive table, or write into it
version_added: 0.1.0
description:
  - The drive table holds the newest reservation change of every tape drive, who has confirmed it, what is still owed,
    and which drives are in their error state. It is an SQLite file on the controller, or a PostgreSQL database.
  - O(state=present), O(state=recorded), O(state=due), O(state=forgotten) and O(state=started) are for people. All other
    states are steps of this collection's own playbooks and roles, which call them in a fixed order; they are described here
    so that those playbooks can be read. Calling one of them by hand can have a drive dispatched twice, or make the table say
    what is not true.
  - To clear the error state of a drive, run the playbook C(tapeworks.drive_sharing.clear_error), which calls the
    library and then writes what came of it. To read the table, use M(tapeworks.drive_sharing.drive_table_info).
  - Runs on the controller. In a play, use it on V(localhost).
author:
  - Tapeworks maintainers (@tapeworks)
extends_documentation_fragment:
  - tapeworks.drive_sharing._attributes
  - tapeworks.drive_sharing._attributes.action
  - tapeworks.drive_sharing._attributes.actiongroup_drive_sharing
  - tapeworks.drive_sharing._attributes.table
attributes:
  check_mode:
    support: partial
    details:
      - O(state=present), O(state=recorded), O(state=clearing), O(state=cleared), O(state=due), O(state=forgotten),
        O(state=stopped) and O(state=started) read the table and say what would be changed.
      - All other states do nothing and report a change, without reading the table.
  diff_mode:
    support: partial
    details:
      - Only O(state=recorded) and O(state=cleared) show differences.
  idempotent:
    support: partial
    details:
      - O(state=present), O(state=recorded), O(state=clearing), O(state=cleared), O(state=forgotten) and O(state=started) are
        idempotent.
      - O(state=due) asks again each time.
      - The steps of a play, such as O(state=claimed), are not; the second one of them finds the work taken or done.
options:
  state:
    description:
      - "V(present): the table exists; it is created if it is missing."
      - "V(recorded): the table holds the given O(status) of the O(drive), in order with what detectors see. The dispatcher
        brings the applications to it, as after a notification, if the event source is running."
      - "V(due): every control point of the O(drive) is asked again for its newest change, for instance after the mode was
        changed from C(observe) to C(enforce), or when an application was put back from a backup."
      - "V(forgotten): the O(hosts) are removed from the associations. What they have offline by us is not given back: do that
        first."
      - "V(claimed): for the playbook C(reservation_change). Takes the O(batch) for this play, makes the plan, and says which
        hosts have to be asked. A batch that is done, or that another play has, is not taken; that is no failure."
      - "V(settled): for the playbook C(reservation_change). Ends the handshake of a O(batch): says which drives are settled and
        which are to be put into their error state. If there are none of the latter, the batch is ended too."
      - "V(ended): for the playbook C(reservation_change). Ends a O(batch) after errors were forced; what is not confirmed is
        owed and is dispatched again after a pause."
      - "V(forcing): for the role C(error_state). Checks the claim on a O(drive) and C(drive_sharing_error_limit) right before the
        library is called."
      - "V(error): for the role C(error_state). Writes down what the library made of the call."
      - "V(undone): for the role C(error_state). The library has taken back an error of ours that was no longer right."
      - "V(clearing): for the role C(error_state). A person is about to have the O(drive)'s error cleared."
      - "V(uncleared): for the role C(error_state). The library did not clear the error, so it stands."
      - "V(cleared): for the role C(error_state). The library has cleared the error; every control point is asked again."
      - "V(stopped): for the playbook C(stop_sharing). Sharing is stopped: reservations set nothing offline and force no error any
        more. The taken drives that nobody holds go into a batch, for the playbook C(reservation_change)."
      - "V(started): sharing goes on; every reserved drive is dispatched anew."
    type: str
    required: true
    choices:
      - claimed
      - cleared
      - clearing
      - due
      - ended
      - error
      - forcing
      - forgotten
      - present
      - recorded
      - settled
      - started
      - stopped
      - uncleared
      - undone
  batch:
    description:
      - The batch, 26 digits and capital letters, as the event of the rulebook carries it.
      - Needed with O(state=claimed), O(state=settled), O(state=ended), O(state=forcing) and O(state=error).
    type: str
  version:
    description:
      - The version of the event, for O(state=claimed). A newer one than this collection knows is refused.
    type: int
    default: 1
  drive:
    description:
      - The unit serial number of the drive, in quotes if it consists of digits.
      - Needed with O(state=recorded), O(state=forcing), O(state=error), O(state=undone), O(state=clearing),
        O(state=uncleared), O(state=cleared) and O(state=due).
    type: str
  status:
    description:
      - What the drive's reservation is.
      - Needed with O(state=recorded). With O(state=cleared) it may be given if it is known; without it the table's newest
        change counts.
    type: str
    choices: [reserved, released]
  holders:
    description:
      - The initiator ports that hold the reservation, with O(status=reserved). Leave it out if they are not known.
      - Must be left out with O(status=released).
    type: list
    elements: dict
    suboptions:
      protocol:
        description:
          - The kind of port, V(fc), V(iscsi), V(sas) or V(ip).
        type: str
      id:
        description:
          - The port's name, a Fibre Channel WWPN, iSCSI name, SAS address or IP address. Every usual way of writing it is
            understood.
        type: str
  sequence:
    description:
      - The number of the change that is meant, for O(state=forcing) and O(state=error).
    type: int
  attempt:
    description:
      - The number of the attempt, for O(state=forcing) and O(state=error). With O(sequence) it makes the claim.
    type: int
  hosts:
    description:
      - The control points that did not confirm, for O(state=forcing). They are counted for C(drive_sharing_error_limit).
      - The hosts to forget, for O(state=forgotten).
    type: list
    elements: str
    default: []
  succeeded:
    description:
      - Whether the library put the drive into its error state, for O(state=error).
    type: bool
    default: true
  reason:
    description:
      - Why, in one sentence, for O(state=error), O(state=uncleared) and O(state=due).
    type: str
    default: ""
  library:
    description:
      - Inventory name of the library that has the drive, for O(state=clearing), where neither the notifications nor the host
        facts tell it.
    type: str
  free:
    description:
      - Drives that a person knows to be free, with O(state=stopped), whatever their newest change says; or only V(all).
      - They are recorded as released. One that is not taken is refused.
    type: list
    elements: str
    default: []
seealso:
  - module: tapeworks.drive_sharing.drive_table_info
  - module: tapeworks.drive_sharing.application_drive
"""

EXAMPLES = r"""
- name: Create the drive table before the event source is started for the first time
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Create the table of this site
      tapeworks.drive_sharing.drive_table:
        state: present
      vars:
        drive_sharing_site: basel

- name: Tell of a reservation that no detector saw
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: The server with this port has the drive
      tapeworks.drive_sharing.drive_table:
        state: recorded
        drive: "1310211169"
        status: reserved
        holders:
          - protocol: fc
            id: 10:00:00:90:fa:16:58:de

    - name: It has been released
      tapeworks.drive_sharing.drive_table:
        state: recorded
        drive: "1310211169"
        status: released
"""

RETURN = r"""
site:
  description: The table's site.
  returned: with O(state=present)
  type: str
  sample: basel
table:
  description: Where the table is, without a password.
  returned: with O(state=present)
  type: str
  sample: /var/lib/drive_sharing/table.sqlite
result:
  description:
    - What became of the observation, V(written), V(unchanged) if the table held it already, or V(contradiction) if a port
      outside the holder's instance is said to have released the drive.
  returned: with O(state=recorded), outside check mode
  type: str
  sample: written
sequence:
  description: The number of the drive's newest change.
  returned: with O(state=recorded), outside check mode
  type: int
  sample: 42
claimed:
  description: Whether this play has the batch now.
  returned: with O(state=claimed)
  type: bool
batch:
  description: The batch; with O(state=stopped) the one that gives back, empty if there is nothing to give back now.
  returned: with O(state=claimed) and O(state=stopped)
  type: str
  sample: 01KB4Z7RF6X3J2Q9W0V8N5T1AM
hosts:
  description: The control points to ask.
  returned: with O(state=claimed)
  type: list
  elements: str
  sample: [backup2, backup3]
drives:
  description: The changes of the batch, as the drive table has them; with O(state=stopped) only serial numbers.
  returned: with O(state=claimed) and O(state=stopped)
  type: list
  elements: raw
act_timeout:
  description: The longest that one control point can take, in seconds.
  returned: with O(state=claimed)
  type: int
  sample: 20
not_asked:
  description: The drives of the batch that concern nobody, with the reason; they are settled.
  returned: with O(state=claimed)
  type: dict
  sample: {"1310211170": "seen by fewer than two instances (backup1)"}
settled:
  description: The drives that every control point has confirmed.
  returned: with O(state=settled)
  type: list
  elements: str
  sample: ["1310211169"]
messages:
  description:
    - One sentence for each drive that is not settled; the play ends with them.
    - With O(state=stopped), one for each drive that stays offline for now, and why.
  returned: with O(state=settled) and O(state=stopped)
  type: list
  elements: str
  sample:
    - "Drive 1310211169 (change 42, reserved) was not confirmed by backup3: no answer within 12 s; it is owed and asked again."
alerts:
  description:
    - One sentence for each control point that answered that it cannot do it now, that has the drive offline otherwise than by
      this collection, or that shows the drive in use as another one does. They are warnings too.
  returned: with O(state=settled)
  type: list
  elements: str
  sample: []
force:
  description: The drives that are to be put into their error state, with the library and its role.
  returned: with O(state=settled)
  type: list
  elements: dict
  contains:
    drive:
      description: Unit serial number of the drive.
      type: str
      returned: always
    sequence:
      description: The change.
      type: int
      returned: always
    attempt:
      description: The attempt.
      type: int
      returned: always
    hosts:
      description: The control points that did not confirm.
      type: list
      elements: str
      returned: always
    library:
      description: Inventory name of the library.
      type: str
      returned: always
    role:
      description: Full name of the library's role.
      type: str
      returned: always
    reason:
      description: Why, in one sentence.
      type: str
      returned: always
undo:
  description: The drives whose error state an earlier play left half done and that are confirmed by now, as RV(force).
  returned: with O(state=settled)
  type: list
  elements: dict
open:
  description: Whether the batch still has to be ended by O(state=ended).
  returned: with O(state=settled)
  type: bool
allowed:
  description: Whether the library may be called.
  returned: with O(state=forcing)
  type: bool
verdict:
  description:
    - V(error) if the error state stands, V(undo) if the claim was lost meanwhile and the error is to be taken back, V(failed)
      if the library did not do it.
  returned: with O(state=error)
  type: str
  sample: error
in_error:
  description: Whether the drive is in its error state.
  returned: with O(state=clearing)
  type: bool
library:
  description: Inventory name of the library that has the drive.
  returned: with O(state=clearing), if the drive is in its error state
  type: str
  sample: library1
role:
  description: Full name of the library's role.
  returned: with O(state=clearing), if the drive is in its error state
  type: str
  sample: tapeworks.drive_sharing.library_simulated
forgotten:
  description: The hosts that were in the associations.
  returned: with O(state=forgotten)
  type: list
  elements: str
msg:
  description: One sentence, where there is something to say.
  returned: on failure, in check mode, if a batch is not there to be claimed, and if O(state=forcing) is not allowed
  type: str
"""
