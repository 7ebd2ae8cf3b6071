# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role application_spectrum_archive, and changes, with a fake of eeadm."""

from __future__ import annotations

from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.stories import outcomes, said
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import Description, Story, Told
from ansible_collections.tapeworks.drive_sharing.tests.products.spectrum_archive import SpectrumArchive


def options(_story: Story) -> dict[str, Any]:
    return {}


SERIAL = "a drive has no name but its serial number"
PRODUCT = Description(
    name="spectrum_archive", product=SpectrumArchive, options=options,
    says={
        "refuse": "GLESM991E: the drive cannot be changed now", "down": "GLESM992E: Spectrum Archive EE is not running",
        "denied": "GLESM993E: eeadm can be run by root only", "junk": "the query printed more than can be read",
    },
    left_out={
        "a_drive_under_two_names_is_set_under_both": SERIAL,
        "a_name_that_stands_for_two_drives_is_refused_with_both": SERIAL,
        "one_name_in_two_libraries_is_two_drives": SERIAL,
    },
)


def story_a_state_that_nobody_knows_confirms_nothing(story: Story) -> Told:
    first, *_others = story.drives
    story.product.update(first, state="disconnected")
    shown, answers = yield [story.query(), story.reserved()]
    assert "disconnected" in str(shown)
    assert outcomes(answers) == ["silent", "offline", "offline"], said(answers)
    assert "disconnected" in said(answers)
    story.product.update(first, state="")
    answers = yield story.again(first)
    assert outcomes(answers) == ["offline"], said(answers)


def story_the_sites_own_verbs_are_used(story: Story) -> Told:
    story.variables["application_spectrum_archive_offline_command"] = ["eeadm", "drive", "unassign", "{name}"]
    story.variables["application_spectrum_archive_online_command"] = ["eeadm", "drive", "assign", "{name}"]
    answers = yield story.reserved()
    assert outcomes(answers) == ["offline"] * 3, said(answers)
    assert {call.words[1] for call in story.product.calls() if call.sets} == {"unassign"}
    answers = yield story.released()
    assert (outcomes(answers), story.states()) == (["online"] * 3, ["online"] * 3), said(answers)


def story_arguments_that_it_does_not_take_are_told_in_its_words(story: Story) -> Told:
    story.variables["application_spectrum_archive_offline_command"] = ["eeadm", "drive", "unassign", "-l", "lib", "{name}"]
    off = yield story.offline(story.drives[0])
    assert off["failed"]
    assert "GLESM990E: usage" in said(off)
    assert story.states() == ["online"] * 3


STORIES = tuple(value for key, value in list(globals().items()) if key.startswith("story_"))


def test_story(told: Story) -> None:
    assert told.product.calls()
