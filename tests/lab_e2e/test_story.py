# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a reservation in the kernel to the other host's application, and back: all of it real but the drives' firmware.

In the guest of tests/lab: Debian's kernel with its tape devices, LIO as the target, sg_persist as the driver that reserves, and
the detector ``scsi`` of the event source (every second, through four paths). The playbook host_facts finds there, by SSH, which
host sees which drive through which port. On this machine: ansible-rulebook with the rulebook of the collection, its plays, and an
application for each host. Between them: the drive table, on PostgreSQL; the detector writes it, and the event source of
ansible-rulebook dispatches what is written there. So the source is in two processes; on a site it is one.

The tests are the story's chapters, so they run in this order. LIO itself says who holds a drive.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import UNREADABLE
from ansible_collections.tapeworks.drive_sharing.tests.lab_e2e.story import DRIVE, KEYS, OTHER, Story

ON, OFF = "online", "offline"
HELD_BACK = 5.0


def test_the_detector_finds_both_drives_free_and_what_each_host_sees_is_known(story: Story) -> None:
    story.began = time.time()
    story.becomes("released")
    assert (story.states(), story.states(OTHER)) == ((ON, ON), (ON, ON))


def test_a_reservation_sets_the_drive_offline_in_the_other_hosts_application(story: Story, measured: Callable[..., None]) -> None:
    before = story.row()["sequence"]
    story.persist(story.a, "register", "reserve")
    times = story.becomes("reserved", story.a.holder)
    assert "SPC-3" in story.holder()
    assert (story.states(), story.states(OTHER)) == ((ON, OFF), (ON, ON))
    assert story.row()["sequence"] == before + 1
    measured(lab_reservation_seconds=times)


def test_when_the_holder_is_preempted_the_drive_goes_over_without_being_free_in_between(
    story: Story, measured: Callable[..., None]
) -> None:
    before = story.row()["sequence"]
    story.persist(story.b, "register", "preempt", victim=KEYS["host_a"])
    times = story.becomes("reserved", story.b.holder)
    assert story.states() == (OFF, ON)
    assert story.row()["sequence"] == before + 1
    measured(lab_preemption_seconds=times)


def test_a_release_sets_the_drive_online_everywhere_after_it_was_held_back(story: Story, measured: Callable[..., None]) -> None:
    story.persist(story.b, "release")
    times = story.becomes("released")
    assert times["confirmed"] >= HELD_BACK
    assert story.states() == (ON, ON)
    measured(lab_release_seconds=times)


def test_with_a_reserve_of_spc_2_the_application_that_uses_the_drive_keeps_it(story: Story, measured: Callable[..., None]) -> None:
    name = story.a.names[DRIVE.serial]
    story.tell(story.b, f"sg_persist -n -o --clear --param-rk={KEYS['host_b']:#x} {{}}")
    story.world.application(story.a, "busy", name, "JOB1")
    story.tell(story.a, "sg_raw {} 16 00 00 00 00 00")
    times = story.becomes("reserved", UNREADABLE)
    assert "SPC-2" in story.holder()
    assert story.states() == (ON, OFF)
    story.world.application(story.a, "idle", name)
    story.tell(story.a, "sg_raw {} 17 00 00 00 00 00")
    story.becomes("released")
    assert story.states() == (ON, ON)
    measured(lab_spc2_seconds=times)
