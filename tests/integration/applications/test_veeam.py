# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role application_veeam, on hosts whose shell is PowerShell: in its place runs what stands in for our module.

So everything but the module itself is what a site runs; see tests/windows.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.stories import (
    confirmed,
    outcomes,
    said,
    settings,
)
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import Description, Story, Told
from ansible_collections.tapeworks.drive_sharing.tests.products import veeam
from ansible_collections.tapeworks.drive_sharing.tests.windows import step
from ansible_collections.tapeworks.drive_sharing.tests.windows.host import WindowsHost

#: Where a story's records are looked for.
RECORDS = r"C:\records"


def windows(story: Story) -> WindowsHost:
    return WindowsHost(story.directory / story.host)


def options(story: Story) -> dict[str, Any]:
    return {**windows(story).variables, "drive_sharing_state_directory": RECORDS}


def one_name(story: Story) -> None:
    first, second, _last = story.drives
    story.variables["application_veeam_drive_names"] = {first: "Drive 9", second: ["drive 9"]}


PRODUCT = Description(
    name="veeam", product=veeam.Veeam, options=options, one_name=one_name,
    says={
        "refuse": "being configured by another user", "columns": "without IsLocked, so this version of Veeam is not known",
        "down": "Failed to connect to Veeam Backup & Replication server", "denied": "Access denied", "junk": "printed more than can be read",
    },
)


def story_one_command_asks_and_one_sets_many_drives(story: Story) -> Told:
    more = [f"1399{number:04}" for number in range(30)]
    for drive in more:
        story.product.add(drive)
    off = yield story.offline(*story.drives, *more)
    assert outcomes(off) == ["offline"] * 33, said(off)
    # One reading; and in the step, one command and the reading back.
    assert [call.program for call in story.product.calls()] == ["Get-VBRTapeDrive", "Disable-VBRTapeDrive", "Get-VBRTapeDrive"]
    # Nothing of it is in the command line that PowerShell is started with.
    for arguments, _text in windows(story).given():
        assert more[0] not in " ".join(arguments)


def story_a_drive_is_found_by_a_configured_name_or_identifier_where_veeam_shows_another_number(story: Story) -> Told:
    first, second, last = story.drives
    for number, drive in enumerate((first, second)):
        story.product.forget(drive)
        story.product.add(f"HU{number}", f"Drive of {drive}")
    (found,) = [veeam.identifier(one) for one in story.product.drives() if one["serial"] == "HU1"]
    story.variables["application_veeam_drive_names"] = {first: f"DRIVE OF {first}", second: [found.upper()]}
    shown, off = yield [story.query(), story.offline(first, second)]
    assert [one["configured"] for one in shown["drives"]] == [True, True, True], said(shown)
    assert outcomes(off) == ["offline"] * 2, said(off)
    assert [story.product.states(drive) for drive in ("HU0", "HU1", last)] == [("offline",), ("offline",), ("online",)]


def story_a_job_that_begins_between_reading_and_setting_keeps_its_drive(story: Story) -> Told:
    """The module looks again, under the lock: the drive is left alone, and asked about again."""
    first, *_others = story.drives
    (found,) = [veeam.identifier(one) for one in story.product.drives() if one["serial"] == first]
    # The program that is the query makes the job begin after its first answer.
    query = story.directory / story.host / "bin" / "Get-VBRTapeDrive"
    program, state = query.read_text(), story.product.directory / "state.json"
    query.write_text(program.replace("exec ", "trap 'sed -i \"0,/\\\"job\\\": \\\"\\\"/s//\\\"job\\\": \\\"job 1\\\"/\" " + f"{state}' EXIT\n"))
    result = yield story.offline(first)
    query.write_text(program)
    assert result["failed"]
    assert (outcomes(result), confirmed(result)) == (["silent"], [False])
    assert f"Veeam's drive {found} was not set: it is in use" in said(result)
    assert story.states() == ["online"] * 3
    story.product.job(first, "")
    answers = yield story.reserved(first)
    assert outcomes(answers) == ["offline"], said(answers)


def story_a_drive_that_was_disabled_while_a_job_ran_is_confirmed_when_that_has_ended(story: Story) -> Told:
    first, *_others = story.drives
    story.product.job(first)
    story.product.administrator(first, "offline")
    answers = yield story.reserved(first)
    assert (outcomes(answers), confirmed(answers)) == (["busy"], [False]), said(answers)
    story.product.job(first, "")
    answers = yield story.again(first)
    assert (outcomes(answers), confirmed(answers)) == (["kept"], [True]), said(answers)


def story_veeams_cmdlets_that_are_not_there_are_told(story: Story) -> Told:
    query = story.directory / story.host / "bin" / "Get-VBRTapeDrive"
    program = query.read_text()
    query.unlink()
    shown, answers = yield [story.query(), story.reserved(story.drives[0])]
    for result in (shown, answers):
        assert "is this the backup server, and does its PowerShell fit the version of Veeam?" in said(result)
    query.write_text(program)
    query.chmod(0o755)
    answers = yield story.again(story.drives[0])
    assert outcomes(answers) == ["offline"], said(answers)


def story_no_drive_at_all_is_no_answer(story: Story) -> Told:
    for drive in story.drives:
        story.product.forget(drive)
    shown, answers = yield [story.query(), story.reserved()]
    for result in (shown, answers):
        assert "shows no tape drive at all" in said(result)
    assert confirmed(answers) == [False] * 3


def story_powershell_that_cannot_be_run_is_told_and_nothing_is_set(story: Story) -> Told:
    windows(story).first("echo 'The term is not recognized' >&2; exit 1")
    shown, by_hand, answers = yield [story.query(), story.offline(story.drives[0]), story.reserved(story.drives[1])]
    assert "The Windows module failed" in said(shown)
    assert by_hand["failed"]
    assert (outcomes(answers), confirmed(answers)) == (["silent"], [False])
    assert "The Windows module failed" in said(answers)
    assert not settings(story)
    windows(story).first("")
    answers = yield story.again(story.drives[1])
    assert outcomes(answers) == ["offline"], said(answers)


def story_an_answer_that_is_lost_is_a_doubt_and_the_drive_is_read_again(story: Story) -> Told:
    host, seen = windows(story), story.directory / "seen"
    # The reading is answered; of the set, nothing comes back.
    host.first(f"if [ -f {seen} ]; then exec >/dev/null; else touch {seen}; fi")
    answers = yield story.reserved(story.drives[0])
    assert (outcomes(answers), confirmed(answers)) == (["silent"], [False]), said(answers)
    assert json.loads(answers[0]["detail"])["doubt"]
    assert story.states() == ["offline", "online", "online"]
    assert (story.record(story.drives[0])["phase"], story.record(story.drives[0])["taken"]) == ("done", True)
    windows(story).first("")
    answers = yield story.released(story.drives[0])
    assert (outcomes(answers), confirmed(answers)) == (["online"], [True]), said(answers)
    assert story.states() == ["online"] * 3


def story_a_step_that_is_killed_leaves_the_intent_and_no_lock(story: Story) -> Told:
    first, *_others = story.drives
    command = story.directory / story.host / "bin" / "Disable-VBRTapeDrive"
    program = command.read_text()
    # The drive is set, and then PowerShell is gone.
    command.write_text(program.replace("exec ", "") + "kill -9 $PPID\n")
    answers = yield story.reserved(first)
    assert (outcomes(answers), confirmed(answers)) == (["silent"], [False]), said(answers)
    assert (story.record(first)["phase"], story.record(first)["target"]) == ("intent", "offline")
    assert story.states() == ["offline", "online", "online"]
    command.write_text(program)
    answers = yield story.released(first)
    assert (outcomes(answers), confirmed(answers)) == (["online"], [True]), said(answers)
    assert story.states() == ["online"] * 3


def story_a_state_directory_of_unix_is_refused(story: Story) -> Told:
    story.variables["drive_sharing_state_directory"] = "/var/lib/drive_sharing"
    shown, answers = yield [story.query(), story.reserved(story.drives[0])]
    for result in (shown, answers):
        assert "drive_sharing_state_directory must be an absolute path of Windows such as C:\\ProgramData\\drive_sharing" in said(result)
    assert story.states() == ["online"] * 3


def story_veeam_is_not_told_by_a_shell_of_unix(story: Story) -> Told:
    story.variables["ansible_shell_type"] = "sh"
    shown, answers = yield [story.query(), story.reserved(story.drives[0])]
    for result in (shown, answers):
        assert "Application veeam is told on Windows only" in said(result)
    assert not story.product.calls()
    story.variables.clear()
    answers = yield story.again(story.drives[0])
    assert outcomes(answers) == ["offline"], said(answers)


STORIES = tuple(value for key, value in list(globals().items()) if key.startswith("story_"))


def test_story(told: Story) -> None:
    # Where the inventory is wrong, nothing is asked.
    wrong = ("a_state_directory_of_unix_is_refused", "a_name_that_stands_for_two_drives_is_refused_with_both")
    assert bool(told.product.calls()) == (told.name not in wrong)


def test_the_request_is_data_and_the_module_is_ours(world: Any) -> None:
    seen = 0
    for story in world.stories:
        for _arguments, text in windows(story).given():
            module, request = step.sent(text)
            assert module == "ansible_collections.tapeworks.drive_sharing.plugins.modules.application_step_windows.ps1"
            assert request["action"] in ("read", "set")
            seen += 1
    assert seen > 5


def test_what_the_page_of_faults_has_of_windows_is_printed(world_of_all: Any) -> None:
    text = "\n".join(world_of_all.printed)
    (host,) = (story.host for story in world_of_all.stories if story.name == "veeam_is_not_told_by_a_shell_of_unix")
    fault("windows-module").seen_in(text)
    fault("windows-directory").seen_in(text)
    fault("windows-shell").seen_in(text, HOST=host)
    fault("veeam-module").seen_in(text)
    fault("veeam-slow").seen_in(text)
    fault("veeam-empty").seen_in(text)
