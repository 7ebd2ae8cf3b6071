# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _bacula_status
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bacula_options import Storage
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils._applications import (
    bacula_said as said,
)
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils._applications.bacula_said import (
    Answered,
)


def read(answer: Answered | str, storage: Storage | None = None) -> Any:
    given_answer = Answered(answer) if isinstance(answer, str) else answer
    return _bacula_status.read(storage or Storage("Changer"), given_answer, said.CONSOLE_FILE)


def device(block: str, name: str = "Drive-0", **parts: str) -> Any:
    status = read(said.dialogue(shows=said.status(devices=(block, said.IDLE_1), **parts)))
    assert status.problem == ""
    return status.devices[name]


# What is read.


def test_a_whole_status_tells_devices_autochangers_and_what_the_storage_stands_for() -> None:
    status = read(said.dialogue())
    assert (status.storage, status.problem, status.daemon, status.reaches) == ("Changer", "", said.DAEMON, "Library")
    assert status.changers == {"Library": ("Drive-0", "Drive-1")}
    assert {
        one.name: (one.path, one.kind, one.state, one.in_use, one.index) for one in status.devices.values()
    } == {
        "Drive-0": ("/dev/nst0", "Tape", "online", False, 0),
        "Drive-1": ("/dev/nst1", "Tape", "online", False, 1),
    }


@pytest.mark.parametrize(
    ("block", "state", "in_use", "shown"),
    [
        (said.IDLE_0, "online", False, "enabled"),
        (said.MOUNTED_0, "online", False, "enabled"),
        (said.EMPTY_0, "online", False, "enabled"),
        (said.DISABLED_0, "offline", False, "disabled"),
        (said.MOUNTED_DISABLED_0, "offline", False, "disabled"),
        (said.STARTING_0, "online", True, "enabled, being initialized"),
        (said.WAITING_0, "online", True, "enabled, BLOCKED waiting to create a volume for"),
        (said.UNMOUNTED_0, "online", False, "enabled, unmounted by a person"),
        (said.UNMOUNTED_DISABLED_0, "offline", False, "disabled, unmounted by a person"),
    ],
)
def test_a_devices_block_tells_its_state(block: str, state: str, in_use: bool, shown: str) -> None:
    found = device(block)
    assert (found.state, found.in_use, found.shown) == (state, in_use, shown)


@pytest.mark.parametrize(
    "line",
    [
        'Device is BLOCKED waiting for mount of volume "TAPE01",', "Device is BLOCKED waiting for media.",
        "Device is BLOCKED. User unmounted during wait for media/mount.", "Device is blocked labeling a Volume.",
        "Device is BLOCKED by something that a later version knows.",
    ],
)
def test_a_device_that_a_job_waits_for_is_in_use(line: str) -> None:
    assert device(said.IDLE_0.replace("   Slot", f"   {line}\n   Slot")).in_use


@pytest.mark.parametrize("use", [{"reader": 1}, {"writers": 1}, {"writers": 3}, {"reserves": 1}])
def test_a_device_whose_volume_is_used_is_in_use(use: dict[str, int]) -> None:
    volumes = said.volume("Drive-0", "/dev/nst0", **use) + said.volume("Drive-1", "/dev/nst1")
    assert device(said.MOUNTED_0, volumes=volumes).in_use
    assert not device(said.MOUNTED_0, "Drive-1", volumes=volumes).in_use


def test_a_volume_that_was_used_does_not_make_its_device_busy() -> None:
    assert not device(said.MOUNTED_0, volumes=said.volume("Drive-0", "/dev/nst0")).in_use


def test_a_volume_that_is_read_makes_its_device_busy() -> None:
    volumes = said.volume("Drive-0", "/dev/nst0", reader=1).replace("Reserved volume", "Read volume").replace("worm=0", "JobId=3")
    assert device(said.MOUNTED_0, volumes=volumes).in_use


@pytest.mark.parametrize(("jobs", "name"), [(said.WRITING_0, "Drive-0"), (said.READING_1, "Drive-1")])
def test_a_device_with_a_running_job_is_in_use_even_without_a_volume(jobs: str, name: str) -> None:
    status = read(said.dialogue(shows=said.status(jobs=jobs)))
    assert {one.name for one in status.devices.values() if one.in_use} == {name}


def test_a_running_job_may_show_the_device_file_alone() -> None:
    jobs = said.WRITING_0.replace('"Drive-0" (/dev/nst0)', "/dev/nst0")
    assert device(said.IDLE_0, jobs=jobs).in_use


def test_the_number_is_the_one_that_the_daemon_shows_and_not_the_place_in_the_list() -> None:
    swapped = (said.IDLE_0.replace("in drive 0", "in drive 1"), said.IDLE_1.replace("Drive 1 is", "Drive 0 is"))
    status = read(said.dialogue(shows=said.status(devices=swapped)))
    assert {one.name: one.index for one in status.devices.values()} == {"Drive-0": 1, "Drive-1": 0}


def test_a_device_outside_of_an_autochanger_has_no_number() -> None:
    status = read(said.dialogue(shows=said.status(devices=(said.SINGLE, said.DISK), changers="")))
    assert [(one.name, one.kind, one.index) for one in status.devices.values()] == [
        ("Single", "Tape", None), ("Disk", "File", None),
    ]


def test_a_device_that_the_daemon_cannot_use_is_neither_online_nor_offline() -> None:
    status = read(said.dialogue(shows=said.status(devices=(said.IDLE_0, said.ABSENT))))
    assert (status.devices["Drive-1"].state, status.devices["Drive-1"].path) == ("other", "")


def test_names_may_have_blanks() -> None:
    name = "My Changer"
    status = read(
        said.dialogue(name, listed=["Changer", name], show=said.shown(name, "Drive 0"), shows=said.status(name)), Storage(name)
    )
    assert (status.problem, status.reaches) == ("", "Drive 0")


@pytest.mark.parametrize(
    ("show", "configured", "reaches"),
    [
        ("", None, None), ("show: is an invalid command.\n", None, None), ("show: is an invalid command.\n", "Library", "Library"),
        (said.shown(), "Library", "Library"), (said.shown("Changer", "Drive-0"), None, "Drive-0"),
        (said.shown("Other", "Drive-0"), None, None),
    ],
)
def test_what_a_storage_stands_for_is_shown_or_configured(show: str, configured: str | None, reaches: str | None) -> None:
    status = read(said.dialogue(show=show), Storage("Changer", device=configured))
    assert (status.problem, status.reaches) == ("", reaches)


def test_a_configured_device_that_is_not_the_directors_is_refused() -> None:
    assert read(said.dialogue(), Storage("Changer", device="Drive-0")).problem == (
        "application_bacula_storages says that storage Changer is for Drive-0, but the director says Library"
    )


def test_messages_between_the_answers_do_no_harm() -> None:
    output = said.dialogue().replace(".\nshow", ".\nYou have messages.\nshow").replace("quit\n", "You have messages.\nquit\n")
    assert read(output) == read(said.dialogue())


def test_a_console_that_echoes_nothing_is_understood() -> None:
    output = said.dialogue()
    for line in _bacula_status.lines(["Changer"]):
        output = output.replace(f"\n{line}\n", "\n")
    assert read(output) == read(said.dialogue())


# What is not believed.


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answered(said.CONNECTING + said.REFUSED, rc=1), "the director refuses the name or the password in " + said.CONSOLE_FILE),
        (Answered(said.CONNECTING, rc=1), "the director at director.example.com:9101 does not answer"),
        (Answered(said.CONNECTING, rc=None, timed_out=True), "the director at director.example.com:9101 does not answer"),
        (Answered(said.CONNECTING, rc=143, timed_out=True), "the director at director.example.com:9101 does not answer"),
        (Answered(said.NO_FILE, rc=1), f"bconsole cannot read {said.CONSOLE_FILE}: No such file or directory"),
        (
            Answered("sh: bconsole: not found\n", rc=127),
            "bconsole cannot be run: sh: bconsole: not found; give its path in application_bacula_console_command",
        ),
        (Answered(rc=None), "bconsole was not run"),
        (Answered(rc=137, timed_out=True), "bconsole did not end in time and was stopped"),
        (Answered("nobody knows this\n", rc=0), "bconsole did not reach the director, exit status 0: nobody knows this"),
        (Answered("", rc=0), "bconsole did not reach the director, exit status 0: (nothing)"),
        (Answered("", rc=139), "bconsole did not reach the director, exit status 139: (nothing)"),
        (Answered(said.CONNECTING + said.GREETING, rc=143, timed_out=True), "the director did not answer in time"),
        (
            Answered(said.dialogue(shows=said.failed()).partition("\nFailed")[0], rc=143, timed_out=True),
            f"the storage daemon of storage Changer at {said.DAEMON} does not answer; nothing was sent to it",
        ),
        (Answered(said.dialogue(), truncated=True), "bconsole printed more than can be read"),
        (Answered(said.CONNECTING + said.GREETING + "lost it\n", rc=1), "bconsole ended with exit status 1: lost it"),
    ],
)
def test_why_there_was_no_dialogue_is_one_sentence(answer: Answered, problem: str) -> None:
    assert read(answer).problem == problem


def test_what_bconsole_says_of_its_configuration_is_not_passed_on_for_it_may_be_the_password() -> None:
    problem = read(Answered(said.JUNK_FILE, rc=1)).problem
    assert problem == (
        f"bconsole does not understand {said.CONSOLE_FILE}; try it by hand with bconsole -t -c {said.CONSOLE_FILE}"
    )


def test_nothing_is_sent_to_a_storage_daemon_that_is_down() -> None:
    assert read(said.dialogue(shows=said.failed())).problem == (
        f"the director does not reach the storage daemon of storage Changer at {said.DAEMON}: it is down, or refuses the"
        " director; nothing was sent to it"
    )


@pytest.mark.parametrize("listed", [(), ("Change", "Changer2", "changer"), ("Only0",)])
def test_a_storage_that_is_not_listed_is_not_used_whatever_the_director_makes_of_its_name(listed: tuple[str, ...]) -> None:
    problem = read(said.dialogue(listed=listed)).problem
    assert problem == f"the director has no storage Changer for this console; it lists {', '.join(listed) or 'none'}"


@pytest.mark.parametrize(
    "shows",
    [
        'Storage resource "Changer": not found\nAutomatically selected Storage: Only0\n' + said.status("Only0"),
        "Automatically selected Storage: Only0\n" + said.status("Only0"),
        said.status("Only0"),
        said.status("Changer2"),
    ],
)
def test_a_status_of_another_storage_is_not_taken_for_the_one_that_was_meant(shows: str) -> None:
    assert " in place of storage Changer" in read(said.dialogue(shows=shows)).problem


ONLY = ("Only0", said.shown("Only0", "Drive-0"), said.status("Only0"))


def test_storages_of_one_dialogue_are_told_apart() -> None:
    output = said.dialogue("Changer", ONLY)
    assert read(output) == read(said.dialogue())
    only = read(output, Storage("Only0"))
    assert (only.problem, only.reaches, set(only.devices)) == ("", "Drive-0", {"Drive-0", "Drive-1"})


def test_a_storage_beside_one_that_is_not_there_is_believed() -> None:
    wrong = 'Storage resource "Chnger": not found\nAutomatically selected Storage: Only0\n' + said.status("Only0")
    output = said.dialogue("Chnger", ONLY, show="", shows=wrong)
    assert read(output, Storage("Chnger")).problem == (
        "the director has no storage Chnger for this console; it lists Changer, Only0, Only1"
    )
    assert read(output, Storage("Only0")).problem == ""


def test_a_storage_daemon_that_hangs_is_told_from_those_before_and_behind_it() -> None:
    output = said.dialogue("Only0", ("Changer", said.shown(), "HERE"), ("Only1", said.shown("Only1", "Drive-1"), ""))
    output = output.partition("HERE")[0] + f"Connecting to Storage daemon Changer at {said.DAEMON}\n"
    answer = Answered(output, rc=143, timed_out=True)
    assert read(answer, Storage("Only0")).problem == ""
    assert read(answer).problem == f"the storage daemon of storage Changer at {said.DAEMON} does not answer; nothing was sent to it"
    assert read(answer, Storage("Only1")).problem == (
        f"storage Only1 was not asked, because the storage daemon of storage Changer at {said.DAEMON} does not answer"
    )
    damaged = Answered(output.replace("Used Volume status:", ""), rc=143, timed_out=True)
    assert read(damaged, Storage("Only0")).problem == "the status of storage Only0 is cut off: Used Volume status: has no end"


def test_a_storage_daemon_that_is_down_is_told_from_those_before_and_behind_it() -> None:
    output = said.dialogue("Changer", ONLY, shows=said.failed())
    assert "does not reach the storage daemon of storage Changer" in read(output).problem
    assert read(output, Storage("Only0")).problem == ""


@pytest.mark.parametrize("command", [".storage", "status"])
def test_a_command_that_the_console_may_not_use_is_named(command: str) -> None:
    refusal = f"{command}: is an invalid command.\n"
    output = said.dialogue(shows=refusal) if command == "status" else said.dialogue(listed=[refusal.strip()])
    assert read(output).problem == f"the console may not use {command}; add it to its CommandACL"


def test_a_question_in_place_of_a_status_is_no_status() -> None:
    shows = (
        'Storage resource "Changer": not found\nThe defined Storage resources are:\n     1: Only0\n     2: Only1\n'
        "Select Storage resource (1-2): .\nSelection aborted, nothing done.\n"
    )
    assert read(said.dialogue(shows=shows)).problem == (
        "the director showed no status of storage Changer: Selection aborted, nothing done."
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("==\n\nDevice Tape", "\nDevice Tape", 'is cut off: Device Tape: "Drive-0" (/dev/nst0) is not open. has no end'),
        ("is not open.\n   Drive 1", "is rewinding.\n   Drive 1", "shows a device in words that are not known: "),
        ('"Drive-1" (/dev/nst1) is', '"Drive-0" (/dev/nst1) is', "shows device Drive-0 twice"),
        ("Used Volume status:", "Used volumes:", "is cut off: Used Volume status: has no end"),
        ("Running Jobs:", "Jobs:", "is cut off: Running Jobs: has no end"),
        ("Device status:", "Devices:", "is cut off: Device status: has no end"),
    ],
)
def test_a_status_that_is_not_whole_is_not_believed(old: str, new: str, problem: str) -> None:
    output = said.dialogue()
    assert output.count(old) == 1
    assert problem in read(output.replace(old, new)).problem


def test_a_volume_of_which_the_use_is_not_said_is_not_believed() -> None:
    volumes = said.volume("Drive-0", "/dev/nst0").partition("\n")[0] + "\n"
    assert read(said.dialogue(shows=said.status(volumes=volumes))).problem == (
        "the status of storage Changer does not say who uses device Drive-0"
    )


BUSY = said.dialogue(
    shows=said.status(
        devices=(said.MOUNTED_DISABLED_0, said.DISABLED_1), jobs=said.WRITING_0 + said.READING_1,
        volumes=said.volume("Drive-1", "/dev/nst1", reserves=1) + said.volume("Drive-0", "/dev/nst0", writers=1),
    )
)


def test_an_answer_that_is_cut_off_anywhere_says_the_same_or_nothing() -> None:
    whole = read(BUSY)
    assert whole.problem == ""
    for place in range(len(BUSY)):
        status = read(BUSY[:place])
        assert status.problem or status == whole, BUSY[:place]


PIECES = st.sampled_from([*BUSY.splitlines(keepends=True), "Device ", "====", "==\n", '"', "\n", " (", "junk\n"])


@given(st.lists(PIECES | st.text(max_size=5), max_size=60), st.sampled_from([0, 1, 127, None]), st.booleans())
def test_no_answer_raises(pieces: list[str], rc: int | None, timed_out: bool) -> None:
    status = read(Answered("".join(pieces), rc, timed_out))
    assert status.problem or status.daemon


@given(st.data())
def test_a_line_that_is_lost_never_makes_an_idle_drive_of_a_busy_one(data: Any) -> None:
    rows = BUSY.splitlines(keepends=True)
    lost = data.draw(st.integers(0, len(rows) - 1))
    status = read("".join(rows[:lost] + rows[lost + 1 :]))
    # Each is shown to be in use in two places.
    assert status.problem or all(one.in_use for one in status.devices.values())
