# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role application_networker, and changes, with a fake of nsradmin."""

from __future__ import annotations

from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.stories import (
    confirmed,
    outcomes,
    said,
    states,
)
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import Description, Story, Told
from ansible_collections.tapeworks.drive_sharing.tests.products.networker import Networker


def options(_story: Story) -> dict[str, Any]:
    return {}


def one_name(story: Story) -> None:
    """By its device file it is one drive, by hand another."""
    story.variables["application_networker_drive_names"] = {story.drives[1]: story.product.name(0)}


PRODUCT = Description(
    name="networker", product=Networker, options=options, one_name=one_name,
    says={
        "refuse": "does not have privilege", "down": "There does not appear to be a NetWorker server running",
        "denied": "39078:nsradmin: permission denied", "junk": "nsradmin printed more than can be read",
    },
    left_out={
        "one_name_in_two_libraries_is_two_drives": "a device's name is unique on a server, whatever the library",
        "a_name_or_serial_number_that_is_a_part_of_another_is_not_taken_for_it": "the name is the device file: told below",
        "a_drive_under_two_names_is_set_under_both": "each name has a storage node of its own: told below",
    },
)


def story_a_drive_of_two_storage_nodes_is_set_on_both(story: Story) -> Told:
    first, second, _last = story.drives
    story.product.add(first, f"rd=node1:{story.device(0)}")
    story.variables["application_networker_hosts"] = {"node1": story.host}
    shown, off = yield [story.query(first), story.offline(first)]
    assert len(shown["drives"][0]["names"]) == 2, said(shown)
    assert outcomes(off) == ["offline"], said(off)
    assert (story.product.states(first), story.product.states(second)) == (("offline", "offline"), ("online",))
    on = yield story.online(first)
    assert (outcomes(on), story.product.states(first)) == (["online"], ("online", "online")), said(on)


def story_a_name_that_begins_alike_is_another_device(story: Story) -> Told:
    first, *_others = story.drives
    story.product.add("other", f"{story.product.name(0)}1")
    off = yield story.offline(first)
    assert outcomes(off) == ["offline"], said(off)
    assert story.product.states("other") == ("online",)


def story_an_update_that_is_asked_about_is_answered(story: Story) -> Told:
    with story.product.change() as state:
        state["asks"] = True
    answers = yield story.reserved()
    assert (outcomes(answers), confirmed(answers)) == (["offline"] * 3, [True] * 3), said(answers)
    story.variables["application_networker_confirm_update"] = False
    off = yield story.online(story.drives[0])
    assert off["failed"]


def story_service_is_offline_too_and_a_persons_stays(story: Story) -> Told:
    first, *_others = story.drives
    story.product.update(first, enabled="Service", online=False)
    story.variables["application_networker_offline_value"] = "Service"
    answers = yield story.reserved()
    assert outcomes(answers) == ["kept", "offline", "offline"], said(answers)
    assert [one["enabled"] for one in story.product.drives()] == ["Service"] * 3
    answers = yield story.released()
    assert (outcomes(answers), story.states()) == (["kept", "online", "online"], ["offline", "online", "online"]), said(answers)


def story_a_mounted_volume_is_left_alone(story: Story) -> Told:
    first, *_others = story.drives
    story.product.update(first, volume="TAPE07")
    shown, answers = yield [story.query(), story.reserved()]
    assert [one["in_use"] for one in shown["drives"]] == [True, False, False]
    assert (outcomes(answers), states(shown)) == (["busy", "offline", "offline"], ["online"] * 3), said(answers)
    story.variables["application_networker_in_use_pattern"] = "^message: .*(writing|reading)"
    answers = yield story.again(first)
    assert outcomes(answers) == ["offline"], said(answers)


def story_all_drives_are_one_dialogue_to_ask_and_one_to_set(story: Story) -> Told:
    answers = yield story.reserved()
    assert outcomes(answers) == ["offline"] * 3, said(answers)
    assert [call.sets for call in story.product.calls()] == [False, True, False]


STORIES = tuple(value for key, value in list(globals().items()) if key.startswith("story_"))


def test_story(told: Story) -> None:
    assert told.product.calls()
