# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role application_data_protector, and changes, with a fake of omnidownload and omniupload."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.stories import confirmed, outcomes, said
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import Description, Story, Told
from ansible_collections.tapeworks.drive_sharing.tests.products.data_protector import CELL, DataProtector

V = "application_data_protector_"


def options(story: Story) -> dict[str, Any]:
    return {
        V + "disable_behind": "LIBRARY", V + "server": CELL,
        V + "in_use_command": ["site_in_use"], V + "in_use_pattern": r"^(?P<name>\S+) .+$",
    }


def names(story: Story) -> dict[str, Any]:
    """The listing shows no serial number: the inventory maps them."""
    found: dict[str, list[str]] = {}
    for drive in story.product.drives():
        found.setdefault(drive["serial"], []).append(drive["name"])
    return {V + "drive_names": found}


PRODUCT = Description(
    name="data_protector", product=DataProtector, options=options, current=names, patience=6,
    says={
        "refuse": "omniupload failed with exit status 4: [12:8306] The device is locked by another process",
        "down": "[12:1625] Cannot connect to the Cell Request Server", "denied": "[12:1207] Insufficient permissions",
        "junk": "the listing shows no device", "columns": "the listing shows no device",
    },
    left_out={"one_name_in_two_libraries_is_two_drives": "a logical device has a name of its own in the whole cell"},
)


def story_the_rest_of_a_definition_stays_as_it_was(story: Story) -> Told:
    first = story.drives[0]
    more = ['POOL "a $(reboot) `reboot` \\n pool"', "-encrypt", "PATH /dev/nst0  with two blanks", "*"]
    story.product.update(first, more=more)
    off = yield story.offline(first)
    assert outcomes(off) == ["offline"], said(off)
    assert story.product.drives()[0]["more"] == more
    # The product's administrator changes the definition while the drive is offline.
    story.product.update(first, more=[*more, "COMMENT new"])
    on = yield story.online(first)
    assert outcomes(on) == ["online"], said(on)
    assert story.product.drives()[0]["more"] == [*more, "COMMENT new"], "what was downloaded earlier is not uploaded again"


def story_where_the_line_does_not_belong_there_nothing_is_set(story: Story) -> Told:
    story.variables[V + "disable_behind"] = "POLICY"
    refused = yield story.reserved(story.drives[0])
    assert "omniupload failed with exit status 6: [12:8115] Parse error in line 5" in said(refused)
    story.variables[V + "disable_behind"] = "DEVICE"
    lacking = yield story.reserved(story.drives[1])
    assert "has no line DEVICE, behind which -disable belongs; nothing was uploaded" in said(lacking)
    assert confirmed([*refused, *lacking]) == [False, False]
    assert story.states() == ["online"] * 3
    assert sum(call.sets for call in story.product.calls()) == 1


def story_a_definition_that_lost_a_line_is_told_though_the_drive_is_offline(story: Story) -> Told:
    with story.product.change() as state:
        state["mangles"] = True
    answers = yield story.reserved(story.drives[0])
    assert (outcomes(answers), confirmed(answers)) == (["offline"], [True])
    assert f"the definition of device {story.product.name(0)} is not what was uploaded;" in said(answers)
    kept = Path(re.search(r"what it was before is in (/tmp/drive_sharing\.[\d.]+/before); it lacks: POOL Default;", said(answers))[1])
    assert "POOL Default\n" in kept.read_text(encoding="utf-8")
    shutil.rmtree(kept.parent)


def story_while_sessions_cannot_be_seen_nothing_is_set(story: Story) -> Told:
    story.variables[V + "in_use_command"] = ["false"]
    answers = yield story.reserved()
    assert (outcomes(answers), story.states()) == (["silent"] * 3, ["online"] * 3)
    assert "application_data_protector_in_use_command failed with exit status 1" in said(answers)


def story_until_it_is_known_where_the_line_belongs_everything_is_refused(story: Story) -> Told:
    del story.options[V + "disable_behind"]
    by_hand, answers = yield [story.offline(), story.reserved()]
    for result in (by_hand, answers):
        assert "application_data_protector_disable_behind must be given: where the line -disable stands" in said(result)
    assert (outcomes(answers), story.product.calls()) == (["silent"] * 3, [])


STORIES = tuple(value for key, value in list(globals().items()) if key.startswith("story_"))


def test_story(told: Story) -> None:
    assert told.error is None
