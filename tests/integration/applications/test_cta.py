# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role application_cta, and changes, with a fake of cta-admin."""

from __future__ import annotations

from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.stories import (
    confirmed,
    outcomes,
    said,
    settings,
)
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import Description, Story, Told
from ansible_collections.tapeworks.drive_sharing.tests.products.cta import Cta


def options(story: Story) -> dict[str, Any]:
    keytab = story.secret_file("keytab", "0 u:cta N:1 {}\n")
    return {
        "application_cta_command": ["env", "XrdSecPROTOCOL=sss", f"XrdSecSSSKT={keytab}", "cta-admin"],
        "application_cta_credentials_file": keytab, "application_cta_conflict_pattern": "reservation conflict",
    }


def one_name(story: Story) -> None:
    """By its device file it is one drive, by hand another."""
    story.variables["application_cta_drive_names"] = {story.drives[1]: story.product.name(0)}


PRODUCT = Description(
    name="cta", product=Cta, options=options, evidence=True, kills_job=False, one_name=one_name,
    says={
        "refuse": "User error: the drive is under maintenance", "down": "did not reach the frontend, or was refused: [FATAL] Connection",
        "denied": "did not reach the frontend, or was refused: [FATAL] Auth failed", "junk": "cta-admin printed more than can be read",
    },
    left_out={"one_name_in_two_libraries_is_two_drives": "a name is unique in a catalogue, whatever the library"},
)


def story_a_session_goes_on_and_its_drive_is_confirmed_when_it_is_over(story: Story) -> Told:
    first, *_others = story.drives
    story.product.job(first, "17")
    answers = yield story.reserved()
    assert (outcomes(answers), confirmed(answers)) == (["busy", "offline", "offline"], [False, True, True]), said(answers)
    assert story.states() == ["offline"] * 3
    assert not any("--force" in call.words for call in story.product.calls())
    story.product.job(first, "")
    answers = yield story.again(first)
    assert (outcomes(answers), confirmed(answers)) == (["offline"], [True]), said(answers)
    assert settings(story) == 3, "each is put down once"
    answers = yield story.released()
    assert outcomes(answers) == ["online"] * 3, said(answers)


def story_our_reason_stands_in_the_catalogue(story: Story) -> Told:
    answers = yield story.reserved()
    assert outcomes(answers) == ["offline"] * 3, said(answers)
    reasons = [drive["reason"] for drive in story.product.drives()]
    assert all(reason.startswith("drive_sharing: reserved by fc 10000090fa16ffff, change ") for reason in reasons), reasons


def story_a_drive_called_first_and_names_with_special_characters_are_themselves(story: Story) -> Told:
    first, second, last = story.drives
    for serial, name, number in ((first, "first", 0), (second, "L(1).D[2]+*?", 1), (last, "L(1).D", 2)):
        story.product.forget(serial)
        story.product.add(serial, name, device=story.device(number))
    off = yield story.offline(first)
    assert (outcomes(off), story.states()) == (["offline"], ["offline", "online", "online"]), said(off)
    on, off = yield [story.online(first), story.offline(second)]
    assert (outcomes(off), story.states()) == (["offline"], ["online", "offline", "online"]), said(on) + said(off)


def story_credentials_that_others_can_read_are_not_used(story: Story) -> Told:
    (story.directory / "keytab").chmod(0o644)
    shown, answers = yield [story.query(), story.reserved()]
    for found in (shown, answers):
        assert "others may read or write" in said(found)
    assert not story.product.calls() or not settings(story)
    assert story.states() == ["online"] * 3
    (story.directory / "keytab").chmod(0o600)
    answers = yield story.again()
    assert outcomes(answers) == ["offline"] * 3, said(answers)


def story_all_drives_are_asked_by_one_command_and_read_back_by_one(story: Story) -> Told:
    answers = yield story.reserved()
    assert outcomes(answers) == ["offline"] * 3, said(answers)
    assert [call.sets for call in story.product.calls()] == [False, True, True, True, False]


STORIES = tuple(value for key, value in list(globals().items()) if key.startswith("story_"))


def test_story(told: Story) -> None:
    assert told.product.calls()
