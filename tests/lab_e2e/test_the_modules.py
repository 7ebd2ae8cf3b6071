# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules and the error state by reservations, through real plays on the lab's hosts, while detector and rule engine run."""

from __future__ import annotations

import subprocess

from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.lab import san
from ansible_collections.tapeworks.drive_sharing.tests.lab_e2e.story import DRIVE, Story

ON, OFF = "online", "offline"
CONTROLLERS_PORT = san.HOSTS[1].initiator.id
TELL = f"""
- name: Tell the drive
  hosts: host_b
  gather_facts: false
  tasks:
    - name: Tell it
      tapeworks.drive_sharing.reservation: {{drive: {DRIVE.serial}, state: fenced}}
"""
WHO = """
- name: Who holds the drives
  hosts: drive_sharing
  gather_facts: false
  tasks:
    - name: Gather what each host can tell
      tapeworks.drive_sharing.reservation_info: {find_holder: true}
      register: reservations
    - name: Draw the conclusion
      tapeworks.drive_sharing.reservation_info:
        evidence: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'reservations'))) }}"
      run_once: true
"""
ROLE = f"""
- name: Ask for the error state
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Ask the drive
      ansible.builtin.include_role:
        name: tapeworks.drive_sharing.library_scsi
        tasks_from: query
      vars:
        library_scsi_library: library_1
        library_scsi_drive: {DRIVE.serial}
    - name: Say it
      ansible.builtin.debug:
        msg: "{{{{ drive_sharing_library_result.message }}}}"
"""


def test_a_drive_that_is_open_on_the_host_is_not_taken_from_its_holder(story: Story) -> None:
    story.persist(story.a, "register", "reserve")
    device = story.generics[DRIVE.serial, story.b.port]
    command = [*story.world.guest.ssh(), f"exec 3<>{device}; echo $$; exec sleep 600"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as opened:
        assert opened.stdout is not None
        number = opened.stdout.readline().strip()
        try:
            done = story.world.play(TELL)
        finally:
            story.world.guest.run(f"kill {number}")
    assert done.returncode != 0
    fault("reservation-job").seen_in(done.stdout, DRIVE=DRIVE.serial, N=number)
    assert san.HOSTS[0].adapter.lio_name in story.holder()
    story.persist(story.a, "clear")
    story.becomes("released")


def test_the_holder_of_an_spc_2_reservation_is_the_host_whom_the_target_names(story: Story) -> None:
    story.tell(story.a, "sg_raw {} 16 00 00 00 00 00")
    try:
        done = story.world.play(WHO)
        assert done.returncode == 0, done.stdout
        assert "SPC-2" in story.holder()
        assert san.HOSTS[0].adapter.lio_name in story.holder()
        [told] = [one for one in story.world.results()["host_a"]["drives"] if one["drive"] == DRIVE.serial]
        assert (told["state"], told["holder_host"], told["holder_port"]["id"]) == ("spc2", story.a.name, story.a.port)
    finally:
        story.tell(story.a, "sg_raw {} 17 00 00 00 00 00")
    story.becomes("released")


def test_an_application_that_refuses_has_the_drive_fenced_and_the_fence_is_no_change(story: Story) -> None:
    """It is the role library_scsi that does it: force_error from the playbook reservation_change, query, clear_error."""
    before = story.row()["sequence"]
    story.world.behave(story.b, "refuse", "offline")
    story.persist(story.a, "register", "reserve")
    story.world.wait_for("the drive is in its error state", lambda: story.row()["error_state"] == "error")
    assert CONTROLLERS_PORT in story.holder()
    story.world.wait_for("the detector sees it", lambda: "it is fenced under a key of this site" in story.world.log("detector"))
    asked = story.world.play(ROLE)
    assert f"Drive {DRIVE.serial} is in its error state, as controller reads it." in asked.stdout, asked.stdout
    assert story.row()["sequence"] == before + 1, "the reservation; the fence is none"
    story.world.behave(story.b, "ok", "offline")
    done = story.world.playbook("clear_error", "-e", f"drive_sharing_drive={DRIVE.serial}", limit=300)
    assert done.returncode == 0, done.stdout
    story.becomes("released")
    assert (story.row()["error_state"], story.states()) == ("", (ON, ON))
