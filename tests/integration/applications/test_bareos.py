# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role application_bareos, and changes, with a fake of bconsole, director and storage daemon."""

from __future__ import annotations

from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.stories import (
    confirmed,
    outcomes,
    said,
    states,
)
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import Description, Story, Told
from ansible_collections.tapeworks.drive_sharing.tests.products.bareos import Bareos, digest_of

CONSOLE = 'Console {\n  Name = drive_sharing\n  Password = "{}"\n  Director = example-dir\n}\n'


def options(story: Story) -> dict[str, Any]:
    path = story.secret_file("drive_sharing.conf", CONSOLE)
    story.product.set_state(digest=digest_of(story.secrets[-1]))
    return {"application_bareos_console_file": path, "application_bareos_storages": ["Changer"]}


def one_name(story: Story) -> None:
    """By its device file it is one drive, by hand another."""
    story.variables["application_bareos_devices"] = {story.drives[1]: "Drive-0"}


PRODUCT = Description(
    name="bareos", product=Bareos, options=options, kills_job=False, one_name=one_name,
    says={
        "refuse": "3991 Bad setdevice command: the device is locked", "down": "the director at director.example.com:9101 does not answer",
        "denied": "the director refuses the name or the password", "junk": "bconsole did not reach the director",
    },
    left_out={
        "one_name_in_two_libraries_is_two_drives": "the storage daemons have hosts of their own: a unit test",
    },
)


def story_a_running_job_goes_on_and_its_drive_is_confirmed_when_it_is_over(story: Story) -> Told:
    first, *_others = story.drives
    story.product.job(first, "Nightly")
    answers = yield story.reserved()
    assert (outcomes(answers), confirmed(answers)) == (["busy", "offline", "offline"], [False, True, True]), said(answers)
    assert story.states() == ["offline"] * 3, "it gets no further job"
    assert story.product.drives()[0]["job"] == "Nightly", "and keeps the one that it has"
    answers = yield story.again(first)
    assert outcomes(answers) == ["busy"], said(answers)
    story.product.job(first, "")
    answers = yield story.again(first)
    assert (outcomes(answers), confirmed(answers)) == (["offline"], [True]), said(answers)
    answers = yield story.released()
    assert outcomes(answers) == ["online"] * 3, said(answers)


def story_a_storage_daemon_that_was_started_anew_and_forgot_is_told_again(story: Story) -> Told:
    first, *_others = story.drives
    # It is due at once then.
    story.variables["application_bareos_recheck"] = 1
    answers = yield story.reserved()
    assert outcomes(answers) == ["offline"] * 3, said(answers)
    story.product.restart_storage_daemon()
    assert story.states() == ["online"] * 3
    answers = yield story.again(first)
    assert (outcomes(answers), story.states()) == (["offline"], ["offline", "online", "online"]), said(answers)
    assert "it had come online again, by a restart of the application or by a person" in said(answers)


def story_nothing_is_sent_to_a_storage_daemon_that_is_down(story: Story) -> Told:
    story.product.set_state(stopped=["Changer"])
    shown, answers = yield [story.query(), story.reserved()]
    for found in (shown, answers):
        assert "the director does not reach the storage daemon of storage Changer at 192.0.2.20:9103" in said(found)
    assert story.states() == ["online"] * 3
    assert not any(call.sets for call in story.product.calls())
    story.product.set_state(stopped=[])
    answers = yield story.again()
    assert outcomes(answers) == ["offline"] * 3, said(answers)


def story_a_console_that_may_do_less_is_told_what_it_lacks(story: Story) -> Told:
    path = story.directory / "drive_sharing.conf"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}# commands: .storages, status\n", encoding="utf-8")
    off = yield story.offline(story.drives[0])
    assert "setdevice: is an invalid command; add it to the CommandACL of the console" in said(off)
    path.write_text(f"{text}# storages: Other\n", encoding="utf-8")
    off = yield story.offline(story.drives[0])
    assert "the director has no storage Changer for this console; it lists Other" in said(off)
    path.chmod(0o644)
    off = yield story.offline(story.drives[0])
    assert "others may read or write" in said(off)
    path.chmod(0o600)
    assert story.states() == ["online"] * 3


def story_a_low_debug_level_is_told_and_can_be_raised(story: Story) -> Told:
    story.product.set_state(level=0)
    shown = yield story.query()
    assert "because its debug level is below 2: start it with -d 2" in said(shown)
    story.variables["application_bareos_set_debug"] = True
    shown, off = yield [story.query(), story.offline()]
    assert (states(shown), states(off)) == (["online"] * 3, ["offline"] * 3), said(off)


def story_by_unmounting_where_a_person_says_so(story: Story) -> Told:
    first, second, _last = story.drives
    story.variables["application_bareos_method"] = "unmount"
    story.product.update(first, open=True)
    story.product.update(second, open=True, job="Nightly")
    off = yield story.offline()
    assert sorted(outcomes(off)) == ["busy", "offline", "silent"], said(off)
    assert "unmount keeps jobs only from a device that is open" in said(off)
    assert [bool(one.get("unmounted")) for one in story.product.drives()] == [True, False, False]
    on = yield story.online(first)
    assert outcomes(on) == ["online"], said(on)


def story_all_drives_are_one_dialogue_to_ask_and_one_to_set(story: Story) -> Told:
    story.product.forget_calls()
    answers = yield story.reserved()
    assert outcomes(answers) == ["offline"] * 3, said(answers)
    assert [call.sets for call in story.product.calls()] == [False, True, False]


STORIES = tuple(value for key, value in list(globals().items()) if key.startswith("story_"))


def test_story(told: Story) -> None:
    assert told.product.calls()
