# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bareos against its fake: what is asked, what is read, what is set, and every trap."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _bareos_status
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Dialogue, Found, Said, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import bareos
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bconsole_options import Place, Storage
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.products.bareos import Bareos, digest_of
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils._applications.fake_world import (
    Answered,
    FakeWorld,
)

D0 = Target("SER0", ("/dev/st0", "/dev/nst0"))
D1 = Target("SER1", ("/dev/st1", "/dev/nst1"))
D9 = Target("SER9", ("/dev/nst9",))
POOL = "Changer at 192.0.2.20:9103"
NAME_0, NAME_1 = "Drive-0 (storage=Changer)", "Drive-1 (storage=Changer)"


def console_file(path: Path, text: str = "") -> str:
    path.touch(0o600)
    path.write_text(f'Console {{ Password = "never seen" }}\n{text}', encoding="utf-8")
    return str(path)


@pytest.fixture
def world(tmp_path):
    made = FakeWorld(tmp_path, Bareos, bareos, storages=["Changer"], console_file=console_file(tmp_path / "bconsole.conf"))
    made.product.add("SER0", device="/dev/nst0")
    made.product.add("SER1", device="/dev/nst1")
    return made


# What is asked.


def test_one_dialogue_asks_for_all_drives_of_a_storage(world):
    look, dialogue = bareos.queries(world.options(), [D0, D1, D9])
    assert look[:2] == ["ls", "-lLd"]
    assert dialogue == Dialogue(
        ("bconsole", "-c", look[2]), (".storages", ".", 'status storage="Changer"', ".", "quit")
    )


def test_the_debug_level_is_set_before_each_status_where_that_is_wanted(world):
    dialogue = bareos.queries(world.options(set_debug=True, storages=["Changer", "Other"]), [D0])[1]
    assert dialogue.lines[2:8] == (
        'setdebug level=2 storage="Changer"', ".", 'status storage="Changer"', ".", 'setdebug level=2 storage="Other"', ".",
    )


def test_storages_of_different_hosts_have_dialogues_of_their_own(world):
    storages = ["Changer", {"name": "Far", "host": "master1"}, "Other"]
    queries = bareos.queries(world.options(storages=storages), [D0])
    assert [[line for line in query.lines if line.startswith("status")] for query in queries[1:]] == [
        ['status storage="Changer"', 'status storage="Other"'], ['status storage="Far"'],
    ]


def test_a_storage_on_a_host_that_does_not_see_the_drive_is_not_asked(world):
    assert bareos.queries(world.options(storages=[{"name": "Far", "host": "media1"}]), [D0]) == []


# What is read.


def test_a_drive_is_found_by_the_device_file_that_the_host_has_for_it(world):
    reading = world.read(D0, D1, D9)
    assert reading.drives == {
        "SER0": Found((NAME_0,), "online", "Drive-0: autoselect yes", counts=1, pools=(POOL,)),
        "SER1": Found((NAME_1,), "online", "Drive-1: autoselect yes", counts=1, pools=(POOL,)),
    }
    assert (reading.problems, reading.online) == ({}, 2)


def test_without_autoselect_it_is_offline(world):
    world.product.administrator("SER0", "offline")
    assert (world.found(D0).state, world.found(D0).shown, world.found(D1).state) == (
        "offline", "Drive-0: autoselect no", "online"
    )
    assert world.read(D0).online == 1


@pytest.mark.parametrize("version", [23, 24])
def test_a_job_is_in_use_and_goes_on_on_a_drive_that_was_set_offline(world, version):
    world.product.set_state(version=version)
    world.product.job("SER0", "Nightly")
    found = world.found(D0)
    assert (found.state, found.in_use, found.ending) == ("online", True, False)
    world.set("offline", D0)
    found = world.found(D0)
    assert (found.state, found.in_use, found.ending) == ("offline", True, True)
    world.product.job("SER0", "")
    assert (world.found(D0).ending, world.options()["offline_kills_job"]) == (False, False)


@pytest.mark.parametrize(
    ("row", "in_use"),
    [
        ("  num_writers=0 reserves=1 block=0", True), ("  num_writers=2 reserves=0 block=0", True),
        ("Attached Jobs: 17,18", True), ("    Device is being initialized.", True),
        ('    Device is BLOCKED waiting for mount of volume "TAPE02",', True),
        ("    Device is BLOCKED waiting for media.", True), ("    Device is blocked labeling a Volume.", True),
        ("    Device is BLOCKED. User unmounted.", False), ("Attached Jobs: ", False), ("  num_writers=0 reserves=0 block=1", False),
    ],
)
def test_every_word_that_says_that_a_device_is_used_is_known(world, row, in_use):
    world.change = lambda answer: replace(answer, output=answer.output.replace("    Drive 0 is", f"{row}\n    Drive 0 is"))
    assert world.found(D0).in_use is in_use


@pytest.mark.parametrize(
    "how", ["mounted with", "waiting for", "being labeled with", "being acquired with", "waiting for sysop intervention", "unknown state"],
)
def test_every_state_of_an_open_device_is_known(world, how):
    world.product.update("SER0", open=True)
    world.change = lambda answer: replace(answer, output=answer.output.replace("is mounted with:", f"is {how}:"))
    assert world.found(D0).state == "online"


def test_an_open_device_without_a_volume_is_known(world):
    world.change = lambda answer: replace(answer, output=answer.output.replace(
        'Device "Drive-0" (/dev/nst0) is not open.', 'Device "Drive-0" (/dev/nst0) open but no Bareos volume is currently mounted.'
    ))
    assert world.found(D0).state == "online"


def test_the_number_of_the_last_slot_is_no_trouble(world):
    world.change = lambda answer: replace(answer, output=answer.output.replace(
        "Drive 0 is not loaded.", "Slot 4 was last loaded in drive 0."
    ))
    assert world.found(D0).state == "online"


def test_words_of_a_person_who_unmounted_it_are_shown(world):
    world.product.update("SER0", unmounted=True)
    assert world.found(D0).shown == "Drive-0: autoselect yes, unmounted by a person"


def test_only_tape_drives_count_for_the_floor(world):
    world.change = lambda answer: replace(answer, output=answer.output.replace("Device Type: tape", "Device Type: file", 1))
    assert (world.read(D1).online, world.read(D0, D1).online) == (1, 2)


def test_the_floor_holds_in_each_autochanger(world):
    world.product.add("SER5", "Drive-5", library="Far", device="/dev/nst5")
    world.product.administrator("SER1", "offline")
    reading = world.read(D0, D1, Target("SER5", ("/dev/nst5",)), storages=["Changer", "Far"])
    assert (reading.online, reading.pools) == (2, {POOL: 1, "Far at 192.0.2.20:9103": 1})
    assert [found.pools for found in reading.drives.values()] == [(POOL,), (), ("Far at 192.0.2.20:9103",)]


def test_where_not_all_storages_are_asked_the_floor_has_to_ask_about_the_other_drives(world):
    assert world.read(D0, storages=["Changer", {"name": "Far", "host": "media1"}]).online is None


# Auto Select is shown at debug level 2 only.


def test_a_storage_daemon_that_does_not_show_autoselect_is_a_problem_that_says_what_helps(world):
    world.product.set_state(level=0)
    assert world.problem(D0) == (
        "the storage daemon of storage Changer does not show Auto Select of device Drive-0, because its debug level is below 2:"
        " start it with -d 2, or let application_bareos_set_debug be true"
    )
    assert world.read(D0).online == 0
    fault("bareos-debug").seen_in(world.problem(D0), N="2")


def test_the_debug_level_can_be_set_on_the_way(world):
    world.product.set_state(level=0)
    assert world.found(D0, set_debug=True).state == "online"
    assert world.product.state()["level"] == 2


def test_a_console_that_may_not_use_setdebug_is_told(world, tmp_path):
    console_file(tmp_path / "bconsole.conf", "# commands: .storages, status, setdevice, quit\n")
    assert world.problem(D0, set_debug=True) == "the console may not use setdebug; add it to its CommandACL"


def test_the_lines_of_a_device_that_begin_alike_are_no_new_device(world):
    """At that debug level there are lines "Device state:" and "Device name: ..." in between."""
    text = world.run(bareos.queries(world.options(), [D0])[1]).output
    assert "\nDevice state:" in text
    assert "\nDevice name: Drive-0" in text
    assert len(world.read(D0, D1).drives) == 2


# Which device.


def test_a_device_by_hand(world):
    assert world.found(D9, devices={"SER9": "Drive-1"}).names == (NAME_1,)


def test_one_device_that_would_be_two_drives_is_refused(world):
    reading = world.read(D1, replace(D9, devices=("/dev/nst1",)))
    assert set(reading.problems.values()) == {"Bareos's device Drive-1 would be several drives: SER1, SER9"}


def test_two_devices_of_one_drive_are_both_set(world):
    world.product.add("SER0", "Twin-7", device="/dev/st0")
    assert world.found(D0).names == (NAME_0, "Twin-7 (storage=Changer)")
    world.set("offline", D0)
    assert world.product.states("SER0") == ("offline", "offline")
    world.product.administrator("SER0", "online")
    with world.product.change() as state:
        state["drives"][0]["online"] = False
    assert world.found(D0).state == "online", "online in one place is online"


def test_the_same_name_in_two_libraries_is_told_apart_by_their_hosts(world):
    world.product.add("SER5", "Drive-0", library="Far", host="192.0.2.99", device="/dev/nst0")
    far = Target("SER5", (), elsewhere={"media1": ("/dev/nst0",)})
    storages = [{"name": "Changer", "host": "master1"}, {"name": "Far", "host": "media1"}]
    reading = world.read(D0, far, storages=storages)
    assert {drive: found.names for drive, found in reading.drives.items()} == {
        "SER0": (NAME_0,), "SER5": ("Drive-0 (storage=Far)",),
    }
    world.set("offline", far, storages=storages)
    assert (world.product.states("SER0"), world.product.states("SER5")) == (("online",), ("offline",))


def test_a_drive_of_which_no_file_is_known_is_a_problem(world):
    assert "no device file of it is known on any host of the instance" in world.problem(Target("SER3"))
    assert "application_bareos_devices" in world.problem(Target("SER3"))


def test_a_device_that_its_daemon_could_not_open_may_be_any_drive(world):
    world.change = lambda answer: replace(answer, output=answer.output.replace(
        'Device "Drive-1" (/dev/nst1) is not open.', 'Device "Drive-1" is not open or does not exist.'
    ))
    assert "shows no device file of device Drive-1, so it may be this drive" in world.problem(D9)


def test_a_device_outside_of_an_autochanger_is_refused_because_autoselect_does_nothing_there(world):
    world.product.add("SER7", "Single", library="", device="/dev/nst7")
    single = Target("SER7", ("/dev/nst7",))
    fault("bareos-single").seen_in(world.problem(single, storages=["OnlySingle"]))
    assert world.problem(single, storages=["OnlySingle"]) == (
        "device Single is in no autochanger, and only there Bareos heeds autoselect: its jobs would go on using the drive; use"
        " application_bareos_method unmount, or give it an autochanger of its own"
    )
    assert world.found(single, storages=["OnlySingle"], method="unmount").names == ("Single (storage=OnlySingle drive=0)",)


def test_a_device_with_a_blank_in_its_name_is_refused_because_setdevice_cuts_it(world):
    world.product.add("SER6", "LTO Drive 6", device="/dev/nst6")
    six = Target("SER6", ("/dev/nst6",))
    assert "Bareos cannot set device LTO Drive 6, because its name has a blank" in world.problem(six)
    fault("bareos-blank").seen_in(world.problem(six))
    assert world.found(six, method="unmount").state == "online"


# What is set.


def test_one_dialogue_sets_all_drives_of_a_host_and_a_drive_can_be_left_out(world):
    options = world.options()
    names = {"SER0": (NAME_0,), "SER1": (NAME_1,)}
    (setting,) = bareos.settings(options, "offline", names, [D0, D1])
    assert setting.drives == ("SER0", "SER1")
    (dialogue,) = setting.commands
    assert dialogue.lines == (
        ("SER0", 'setdevice storage="Changer" device="Drive-0" autoselect=no'), ("SER0", "."),
        ("SER1", 'setdevice storage="Changer" device="Drive-1" autoselect=no'), ("SER1", "."), "quit",
    )
    assert world.set("offline", D0, D1, left_out=["SER1"]) == {}
    assert (world.product.states("SER0"), world.product.states("SER1")) == (("offline",), ("online",))
    world.set("online", D0)
    assert world.product.states("SER0") == ("online",)


def test_no_command_that_bareos_does_not_have_is_ever_sent(world):
    world.set("offline", D0, D1)
    world.set("online", D0, D1)
    told = {line.split(" ")[0] for _words, lines in world.ran for line in lines}
    assert told == {".storages", "status", "setdevice", ".", "quit"}


def test_a_restart_of_the_storage_daemon_forgets_it_so_it_is_read_again(world):
    world.set("offline", D0)
    world.product.restart_storage_daemon()
    assert (world.found(D0).state, bareos.recheck(world.options()), bareos.recheck(world.options(recheck=0))) == ("online", 60.0, 0.0)


def test_nothing_is_sent_to_a_storage_daemon_that_is_down(world):
    world.product.set_state(stopped=["Changer"])
    assert world.problem(D0) == (
        "the director does not reach the storage daemon of storage Changer at 192.0.2.20:9103: it is down, or refuses the"
        " director; nothing was sent to it"
    )
    assert world.read(D0).online is None
    fault("bareos-storage-down").seen_in(world.problem(D0))


@pytest.mark.parametrize("set_debug", [False, True])
def test_a_storage_daemon_that_hangs_is_said_to_be_silent(world, set_debug):
    def cut(answer: Answered) -> Answered:
        return Answered(answer.output.partition("Device status:")[0], None, timed_out=True)

    world.change = cut
    assert world.problem(D0, set_debug=set_debug) == (
        "the storage daemon of storage Changer at 192.0.2.20:9103 does not answer; nothing was sent to it"
    )


def test_a_storage_behind_one_that_hangs_was_not_asked(world):
    world.product.add("SER4", "Drive-4", library="Other", device="/dev/nst4")

    def cut(answer: Answered) -> Answered:
        return Answered(answer.output.partition("Device status:")[0], None, timed_out=True)

    world.change = cut
    both = {"devices": {"SER4": {"device": "Drive-4", "storage": "Other"}}, "storages": ["Changer", "Other"]}
    reading = world.read(D0, Target("SER4", ("/dev/nst4",)), **both)
    assert reading.problems["SER4"] == (
        "storage Other was not asked, because the storage daemon of storage Changer at 192.0.2.20:9103 does not answer"
    )


def test_a_misspelt_storage_is_never_set_in_place_of_the_only_one_that_there_is(world, tmp_path):
    console_file(tmp_path / "bconsole.conf", "# storages: Changer\n")
    problem = world.problem(D0, storages=["Changr"])
    assert problem == "the director has no storage Changr for this console; it lists Changer"
    fault("bareos-no-storage").seen_in(problem)


@pytest.mark.parametrize(
    ("commands", "sentence"),
    [
        ("status, setdevice", "the console may not use .storages; add it to its CommandACL"),
        (".storages, setdevice", "the console may not use status; add it to its CommandACL"),
    ],
)
def test_a_console_that_may_not_ask_is_told(world, tmp_path, commands, sentence):
    console_file(tmp_path / "bconsole.conf", f"# commands: {commands}\n")
    assert world.problem(D0) == sentence


def test_a_console_that_may_not_set_is_told(world, tmp_path):
    console_file(tmp_path / "bconsole.conf", "# commands: .storages, status\n")
    said = world.set("offline", D0)
    fault("bareos-acl").seen_in(said["SER0"].why)
    assert said == {"SER0": Said(
        "the director says of device Drive-0 of storage Changer: setdevice: is an invalid command; add it to the CommandACL of the"
        " console"
    )}


def test_a_console_that_may_not_even_say_a_period_is_good_enough(world, tmp_path):
    console_file(tmp_path / "bconsole.conf", "# commands: .storages, status, setdevice\n")
    assert world.set("offline", D0, D1) == {}
    assert (world.found(D0).state, world.found(D1).state) == ("offline", "offline")


def test_a_device_that_vanished_is_told_in_the_daemons_words(world):
    options = world.options()
    dialogue = bareos.settings(options, "offline", {"SER9": ("Drive-9 (storage=Changer)",)}, [D9])[0].commands[0]
    said = bareos.said(options, "offline", {"SER9": ("Drive-9 (storage=Changer)",)}, [world.run(dialogue)])
    assert said == {"SER9": Said(
        "the director says of device Drive-9 of storage Changer: 3991 Bad setdevice command: Device not found: Drive-9"
    )}
    fault("bareos-device").seen_in(said["SER9"].why, N="3991")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("setdevice=Drive-0", "setdevice=Drive-1", "the director set device Drive-1 in place of Drive-0: storage Changer is not"),
        ("autoselect=0", "autoselect=1", "the director says that it set device Drive-0 to autoselect=1, which is not what it was told"),
    ],
)
def test_what_was_set_in_place_of_it_is_never_a_confirmation(world, old, new, sentence):
    world.change = lambda answer: replace(answer, output="".join(
        row.replace(old, new) if row.startswith("3000 OK") else row for row in answer.output.splitlines(keepends=True)
    ))
    said = world.set("offline", D0)["SER0"]
    assert said.wrong
    assert sentence in said.why


def test_a_console_without_the_storage_is_forbidden_by_the_director(world, tmp_path):
    options = world.options()
    (setting,) = bareos.settings(options, "offline", {"SER0": (NAME_0,)}, [D0])
    console_file(tmp_path / "bconsole.conf", "# storages: Other\n")
    said = bareos.said(options, "offline", {"SER0": (NAME_0,)}, [world.run(setting.commands[0])])
    assert said["SER0"].why == (
        'the director says of device Drive-0 of storage Changer: Access to storage "Changer" forbidden; add it to the StorageACL of'
        " the console"
    )


# By unmounting.


def test_unmount_is_another_method_that_moves_tapes(world):
    world.product.update("SER0", open=True)
    name = "Drive-0 (storage=Changer drive=0)"
    assert world.found(D0, method="unmount") == Found((name,), "online", "Drive-0: not unmounted", counts=1, pools=(POOL,))
    world.set("offline", D0, method="unmount")
    assert world.ran[-1][1] == ('unmount storage="Changer" drive=0', ".", "quit")
    assert world.found(D0, method="unmount").state == "offline"
    assert world.found(D0).state == "online", "autoselect is another matter"
    world.set("online", D0, method="unmount")
    assert world.ran[-1][1] == ('mount storage="Changer" slot=0 drive=0', ".", "quit")
    assert world.found(D0, method="unmount").state == "online"
    assert world.options(method="unmount")["offline_kills_job"]


def test_unmount_does_not_need_the_debug_level(world):
    world.product.set_state(level=0)
    assert world.found(D0, method="unmount", set_debug=True).state == "online"
    assert not any("setdebug" in line for _words, lines in world.ran for line in lines)


def test_unmount_of_a_device_that_is_not_open_keeps_no_job_from_it_and_is_told(world):
    said = world.set("offline", D0, method="unmount")["SER0"]
    fault("bareos-not-open").seen_in(said.why)
    assert world.found(D0, method="unmount").state == "online"


def test_unmount_of_a_busy_device_is_told(world):
    world.product.update("SER0", open=True, job="Nightly")
    assert world.found(D0, method="unmount").in_use
    assert "3937 Device" in world.set("offline", D0, method="unmount")["SER0"].why


# The console.


def test_a_wrong_password_is_told_and_not_shown(world):
    world.product.set_state(digest=digest_of("never seen"))
    assert world.found(D0).state == "online"
    world.product.set_state(digest=digest_of("another"))
    problem = world.problem(D0)
    assert "the director refuses the name or the password in" in problem
    assert "never seen" not in problem


def test_a_file_that_others_can_read_is_refused_before_anything_is_said(world, tmp_path):
    (tmp_path / "bconsole.conf").chmod(0o644)
    assert "others may read or write" in world.problem(D0)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answered("Connecting to Director d:9101\nDirector authorization problem.\n", 1), "the director refuses the name or the password"),
        (Answered("Connecting to Director d:9101\n", 1), "the director at d:9101 does not answer"),
        (Answered("sh: bconsole: not found\n", 127), "give its path in application_bareos_console_command"),
        (Answered("", None), "bconsole was not run"),
        (Answered("1000 OK: d\nConnecting to Storage daemon Changer at a:1\n", 0, truncated=True), "bconsole printed more than can be read"),
        (Answered("\033[2J{{ 7 * 7 }}\001\ufffd junk\n"), "bconsole did not reach the director"),
        (Answered("", None, timed_out=True), "bconsole did not end in time and was stopped"),
    ],
)
def test_a_console_that_comes_to_nothing_is_one_sentence(world, answer, sentence):
    world.change = lambda _answer: answer
    problem = world.problem(D0)
    assert sentence in problem
    assert problem.isprintable()


def test_a_status_that_is_cut_anywhere_is_never_believed(world):
    options = world.options()
    look, whole = (world.run(query) for query in bareos.queries(options, [D0]))
    rows = whole.output.splitlines(keepends=True)
    end = next(number for number in range(len(rows)) if rows[number].startswith("Used Volume status"))
    for cut in range(len(rows) - 1):
        reading = bareos.read(options, [D0], [look, replace(whole, output="".join(rows[:cut]))])
        assert cut > end or reading.drives == {}, rows[cut]


def test_a_block_without_an_end_is_told(world):
    world.change = lambda answer: replace(answer, output=answer.output.replace("\n==\n", "\n", 1))
    assert 'the status of storage Changer is cut off: Device "Drive-0" (/dev/nst0) is not open. has no end' in world.problem(D0)


@given(st.text(max_size=300))
def test_whatever_is_printed_is_borne(text):
    status = _bareos_status.read(Storage("Changer"), Answered(f"1000 OK: d\n{text}"), "/etc/f", "autoselect", set_debug=False)
    assert status.problem


# Options.


def test_what_is_not_given_has_the_documented_default():
    assert bareos.check({"storages": ["Changer"]}) == {
        "storages": [Storage("Changer")], "console_command": ["bconsole"], "console_file": "/etc/bareos/bconsole.conf",
        "devices": {}, "method": "autoselect", "set_debug": False, "recheck": 60.0, "offline_kills_job": False,
    }


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("storages", [{"name": "a", "device": "b"}], "storages[0] must have no key 'device'; there are name, host"),
        ("storages", ['a" autoselect=no'], "storages[0].name must be a name as Bareos takes it"),
        ("devices", {"SER1": {"device": "a", "drive": 1}}, "devices[SER1] must have no key 'drive'"),
        ("devices", {"SER1": "a", "SER2": "a"}, "devices must give a device to one drive only"),
        ("method", "disable", "method must be autoselect or unmount, not 'disable'"),
        ("set_debug", "perhaps", "set_debug must be true or false"),
        ("recheck", 4000, "recheck must be a whole number from 0 to 3600"),
        ("console_file", "bconsole.conf", "console_file must be an absolute path"),
    ],
)
def test_a_wrong_option_is_named(option: str, value: Any, sentence: str):
    with pytest.raises(InvalidValueError) as caught:
        bareos.check({"storages": ["Changer"], option: value})
    assert str(caught.value).startswith(f"application_bareos_{sentence}")


def test_the_options_in_their_long_forms():
    final = bareos.check({
        "storages": [{"name": "A", "host": "media1"}], "devices": {"SER1": [{"device": "D", "storage": "A"}]}, "set_debug": "yes",
    })
    assert (final["storages"], final["devices"], final["set_debug"]) == ([Storage("A", "media1")], {"SER1": (Place("D", "A"),)}, True)
