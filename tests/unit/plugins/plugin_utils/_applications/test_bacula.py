# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Dialogue, Found, Said, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import bacula
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils._applications import (
    bacula_said as said,
)
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils._applications.bacula_said import (
    Answered,
)

D0 = Target("SER0", ("/dev/st0", "/dev/nst0", "/dev/tape/by-id/scsi-SER0-nst"))
D1 = Target("SER1", ("/dev/st1", "/dev/nst1", "/dev/tape/by-id/scsi-SER1-nst"))
D7 = Target("SER7", ("/dev/st7", "/dev/nst7"))
WORDS = ("bconsole", "-n", "-c", said.CONSOLE_FILE)
POOL = f"Library at {said.DAEMON}"
NAME_0, NAME_1 = "Drive-0 (storage=Changer drive=0)", "Drive-1 (storage=Changer drive=1)"


def options(**over: Any) -> dict[str, Any]:
    final = bacula.check({"storages": ["Changer"], "console_file": said.CONSOLE_FILE, **over})
    return {**final, "control_point": "director1"}


def read(
    targets: Sequence[Target], answers: Mapping[str, str | Answered] | str | None = None, listing: Answered = said.LISTING,
    **over: Any,
) -> Any:
    """``answers``: by storage; a text alone is that of the only one."""
    given = options(**over)
    by_storage = answers if isinstance(answers, Mapping) else {"Changer": said.dialogue() if answers is None else answers}
    full = []
    for query in bacula.queries(given, targets):
        if not isinstance(query, Dialogue):
            full.append(listing)
            continue
        storage = next(name for name in by_storage if f'status storage="{name}"' in query.lines)
        answer = by_storage[storage]
        full.append(Answered(answer) if isinstance(answer, str) else answer)
    return bacula.read(given, targets, full)


def states(reading: Any) -> dict[str, str]:
    return {drive: found.state for drive, found in reading.drives.items()}


def problem(target: Target, *args: Any, **over: Any) -> str:
    reading = read([target], *args, **over)
    assert reading.drives == {}
    return str(reading.problems[target.drive])


# What is asked.


def test_one_dialogue_asks_for_all_drives_of_a_storage() -> None:
    listing, dialogue = bacula.queries(options(), [D0, D1, D7])
    assert listing == ["ls", "-lLd", said.CONSOLE_FILE]
    assert dialogue == Dialogue(
        WORDS, (".storage", ".", 'show storage="Changer"', ".", 'status storage="Changer"', ".", "quit")
    )


def test_storages_of_one_host_are_asked_in_one_dialogue_those_that_may_hang_last() -> None:
    (_listing, dialogue) = bacula.queries(options(storages=["Changer", "Only0"]), [D0])
    assert dialogue.lines == (
        ".storage", ".", 'show storage="Changer"', ".", 'show storage="Only0"', ".",
        'status storage="Changer"', ".", 'status storage="Only0"', ".", "quit",
    )


def test_storages_of_different_hosts_have_dialogues_of_their_own_so_that_one_that_hangs_takes_no_others_time() -> None:
    storages = ["Changer", {"name": "Far", "host": "director1"}, "Only0"]
    queries = bacula.queries(options(storages=storages), [D0])
    assert [asked(query) for query in queries[1:]] == [["Changer", "Only0"], ["Far"]]


def asked(query: Any) -> list[str]:
    return [line.partition('"')[2].rstrip('"') for line in query.lines if line.startswith("status ")]


def test_the_console_is_called_as_configured() -> None:
    _listing, dialogue = bacula.queries(options(console_command=["sudo", "-u", "bacula", "/opt/bconsole"]), [D0])
    assert dialogue.words == ("sudo", "-u", "bacula", "/opt/bconsole", "-n", "-c", said.CONSOLE_FILE)


def test_a_storage_on_a_host_that_does_not_see_the_drive_is_not_asked() -> None:
    storages = [{"name": "Changer", "host": "director1"}, {"name": "Far", "host": "media1"}]
    far = Target("SER9", (), elsewhere={"media1": ("/dev/nst0",)})

    def by_dialogue(*targets: Target) -> list[list[str]]:
        return [asked(query) for query in bacula.queries(options(storages=storages), targets)[1:]]

    assert by_dialogue(D0) == [["Changer"]]
    assert by_dialogue(far) == [["Far"]]
    assert by_dialogue(far, D0) == [["Changer"], ["Far"]]


def test_a_drive_that_a_person_placed_is_asked_about_there_only() -> None:
    over = {"storages": ["Changer", "Far"], "devices": {"SER0": {"device": "Drive-0", "storage": "Far"}}}
    assert [asked(query) for query in bacula.queries(options(**over), [D0])[1:]] == [["Far"]]


# What is read.


def test_a_drive_is_found_by_the_device_file_that_the_host_has_for_it() -> None:
    reading = read([D0, D1, Target("SER2", ("/dev/nst2",))])
    assert reading.drives == {
        "SER0": Found((NAME_0,), "online", "Drive-0: enabled", counts=1, pools=(POOL,)),
        "SER1": Found((NAME_1,), "online", "Drive-1: enabled", counts=1, pools=(POOL,)),
    }
    assert (reading.problems, reading.online, reading.pools) == ({}, 2, {POOL: 2})


def test_disabled_is_offline_and_a_running_job_is_in_use() -> None:
    shows = said.status(devices=(said.DISABLED_0, said.IDLE_1), jobs=said.READING_1)
    reading = read([D0, D1], said.dialogue(shows=shows))
    assert states(reading) == {"SER0": "offline", "SER1": "online"}
    assert [reading.drives[drive].in_use for drive in ("SER0", "SER1")] == [False, True]
    assert (reading.online, reading.pools) == (1, {POOL: 1})
    assert [reading.drives[drive].pools for drive in ("SER0", "SER1")] == [(), (POOL,)]


def test_only_tape_drives_count_for_the_floor() -> None:
    shows = said.status(devices=(said.IDLE_0, said.IDLE_1, said.DISK))
    assert read([D0], said.dialogue(shows=shows)).online == 2


def test_where_not_all_storages_are_asked_the_floor_has_to_ask_about_the_other_drives() -> None:
    storages = [{"name": "Changer", "host": "director1"}, {"name": "Far", "host": "media1"}]
    assert read([D0], BOTH, storages=storages).online is None


def test_a_drive_that_a_whole_status_does_not_have_is_not_configured() -> None:
    reading = read([D7])
    assert (reading.drives, reading.problems) == ({}, {})


def test_a_drive_is_set_by_the_number_that_its_daemon_shows() -> None:
    swapped = (said.IDLE_0.replace("in drive 0", "in drive 1"), said.IDLE_1.replace("Drive 1 is", "Drive 0 is"))
    reading = read([D0, D1], said.dialogue(shows=said.status(devices=swapped)))
    assert reading.drives["SER0"].names == ("Drive-0 (storage=Changer drive=1)",)
    assert reading.drives["SER1"].names == ("Drive-1 (storage=Changer drive=0)",)


def test_a_device_behind_two_storages_is_one_drive_and_set_once() -> None:
    answer = said.dialogue("Changer", ("Only0", said.shown("Only0", "Drive-0"), said.status("Only0")))
    reading = read([D0, D1], answer, storages=["Changer", "Only0"])
    assert reading.drives["SER0"].names == (NAME_0,)
    reading = read([D0, D1], answer, storages=["Only0", "Changer"])
    assert reading.drives["SER0"].names == ("Drive-0 (storage=Only0 drive=0)",)
    assert reading.drives["SER1"].names == (NAME_1,)
    assert reading.online == 2


FAR = (
    "Far", said.shown("Far", "Single"), said.status("Far", devices=(said.SINGLE,), changers="", daemon="192.0.2.20:9103")
)
LISTED = ("Changer", "Far")
#: Two hosts, two dialogues.
BOTH = {"Changer": said.dialogue(listed=LISTED), "Far": said.dialogue(FAR[0], listed=LISTED, show=FAR[1], shows=FAR[2])}


def test_a_drive_of_two_storage_daemons_has_both_names_and_is_online_if_one_has_it_so() -> None:
    answers = {**BOTH, "Changer": said.dialogue(shows=said.status(devices=(said.DISABLED_0, said.IDLE_1)))}
    storages = [{"name": "Changer", "host": "director1"}, {"name": "Far", "host": "media1"}]
    target = Target("SER0", D0.devices, elsewhere={"media1": ("/dev/nst7",)})
    found = read([target], answers, storages=storages).drives["SER0"]
    assert found.names == (NAME_0, "Single (storage=Far drive=0)")
    assert (found.state, found.shown) == ("online", "Drive-0: disabled; Single: enabled")
    both = read([target], BOTH, storages=storages)
    # SER0 and the drive of which nothing is known.
    assert (both.drives["SER0"].counts, both.online) == (1, 2)


def test_two_libraries_with_the_same_names_are_told_apart_by_their_daemons() -> None:
    far = said.dialogue("Far", listed=LISTED, shows=said.status("Far", daemon="192.0.2.20:9103"))
    storages = [{"name": "Changer", "host": "director1"}, {"name": "Far", "host": "media1"}]
    there = Target("SER5", (), elsewhere={"media1": ("/dev/nst0",)})
    reading = read([D0, there], {**BOTH, "Far": far}, storages=storages)
    assert {drive: found.names for drive, found in reading.drives.items()} == {
        "SER0": (NAME_0,), "SER5": ("Drive-0 (storage=Far drive=0)",),
    }
    assert reading.online == 4


def test_the_same_device_file_on_another_host_is_another_drive() -> None:
    storages = [{"name": "Changer", "host": "media1"}]
    here = Target("SER0", ("/dev/nst0",), elsewhere={"media1": ("/dev/nst1",)})
    there = Target("SER1", ("/dev/nst1",), elsewhere={"media1": ("/dev/nst0",)})
    reading = read([here, there], storages=storages)
    assert {drive: found.names for drive, found in reading.drives.items()} == {"SER0": (NAME_1,), "SER1": (NAME_0,)}


def test_without_a_host_a_device_file_must_mean_the_drive_everywhere() -> None:
    target = Target("SER0", ("/dev/nst0", "/dev/tape/by-id/x-nst"), elsewhere={"media1": ("/dev/nst3", "/dev/tape/by-id/x-nst")})
    assert problem(target) == (
        "storage Changer has /dev/nst0, which is this drive on director1 but not on media1; give the host of its storage"
        " daemon in application_bacula_storages"
    )
    persistent = said.dialogue().replace("/dev/nst0", "/dev/tape/by-id/x-nst")
    assert read([target], persistent).drives["SER0"].names == (NAME_0,)


def test_the_only_host_that_sees_the_drive_may_be_another_than_the_director() -> None:
    target = Target("SER0", (), elsewhere={"media1": ("/dev/nst0",)})
    assert states(read([target])) == {"SER0": "online"}


def test_a_drive_without_any_device_file_cannot_be_told() -> None:
    assert problem(Target("SER0")) == (
        "no device file of it is known on any host of the instance, so it cannot be told which of Bacula's devices it is; name"
        " the device in application_bacula_devices, or give its device files in drive_sharing_drives"
    )


def test_a_drive_that_is_seen_only_by_hosts_of_no_storage_is_not_taken_for_one_that_bacula_lacks() -> None:
    target = Target("SER0", D0.devices, elsewhere={"media2": ("/dev/nst0",)})
    assert problem(target, storages=[{"name": "Changer", "host": "media1"}]) == (
        "none of application_bacula_storages is on a host that sees it (director1, media2); correct their hosts, name its device"
        " in application_bacula_devices, or leave it out of drive_sharing_managed there"
    )


def test_a_device_that_would_be_two_drives_is_neither() -> None:
    twin = Target("TWIN", ("/dev/nst0",))
    reading = read([D0, twin])
    sentence = "Bacula's device Drive-0 would be several drives: SER0, TWIN"
    assert (reading.drives, reading.problems) == ({}, {"SER0": sentence, "TWIN": sentence})


def test_a_device_that_a_person_gave_to_another_drive_is_refused() -> None:
    assert problem(D0, devices={"OTHER": "Drive-0"}) == "Bacula's device Drive-0 would be several drives: OTHER, SER0"


@pytest.mark.parametrize("entry", ["Drive-1", {"device": "Drive-1", "storage": "Changer", "drive": 1}])
def test_what_a_person_says_of_a_drives_device_counts_before_its_device_file(entry: Any) -> None:
    reading = read([Target("X", ("/dev/nst9",)), Target("Y", ())], devices={"X": entry, "Y": "Drive-0"})
    assert {drive: found.names for drive, found in reading.drives.items()} == {"X": (NAME_1,), "Y": (NAME_0,)}


def test_a_device_that_a_person_names_and_bacula_lacks_is_no_drive_that_is_not_configured() -> None:
    assert problem(D0, devices={"SER0": "Drive-O"}) == (
        "application_bacula_devices names device Drive-O for it, but the storage daemon of all storages has Drive-0, Drive-1"
    )
    assert problem(D0, devices={"SER0": {"device": "Drive-O", "storage": "Changer"}}) == (
        "application_bacula_devices names device Drive-O for it, but the storage daemon of storage Changer has Drive-0, Drive-1"
    )


def test_a_device_name_that_two_storage_daemons_have_needs_the_storage() -> None:
    same = [text.replace("Single", "Drive-0") for text in FAR]
    over: dict[str, Any] = {"storages": ["Changer", "Far"]}
    both = said.dialogue("Changer", ("Far", *same[1:]), listed=LISTED)
    assert problem(D7, both, devices={"SER7": "Drive-0"}, **over) == (
        "application_bacula_devices names device Drive-0 for it, but several storage daemons have one: 192.0.2.10:9103,"
        " 192.0.2.20:9103; give the storage with it"
    )
    far = {"Far": said.dialogue("Far", listed=LISTED, show=same[1], shows=same[2])}
    found = read([D7], far, devices={"SER7": {"device": "Drive-0", "storage": "Far"}}, **over).drives["SER7"]
    assert found.names == ("Drive-0 (storage=Far drive=0)",)


def test_a_person_may_name_two_devices_for_a_drive() -> None:
    found = read([D0], devices={"SER0": ["Drive-0", "Drive-1"]}).drives["SER0"]
    assert found.names == (NAME_0, NAME_1)


# How a drive is reached.


@pytest.mark.parametrize("device", ["Drive-0", "Library"])
def test_where_show_is_not_allowed_the_storages_device_is_configured(device: str) -> None:
    forbidden = said.dialogue(show="show: is an invalid command.\n")
    assert problem(D0, forbidden) == (
        "it is not known which devices storage Changer stands for: let the console use show (CommandACL), or give its device in"
        " application_bacula_storages"
    )
    reading = read([D0], forbidden, storages=[{"name": "Changer", "device": device}])
    assert reading.drives["SER0"].names == (NAME_0,)


def test_the_only_device_of_a_daemon_is_what_its_storage_stands_for() -> None:
    answer = said.dialogue(show="show: is an invalid command.\n", shows=said.status(devices=(said.SINGLE,), changers=""))
    assert read([D7], answer).drives["SER7"].names == ("Single (storage=Changer drive=0)",)


@pytest.mark.parametrize("device", ["Drive-1", "Elsewhere"])
def test_a_device_that_no_storage_stands_for_is_not_set_by_another(device: str) -> None:
    assert problem(D0, said.dialogue(show=said.shown("Changer", device))) == (
        "Bacula has it as device Drive-0 of the storage daemon at 192.0.2.10:9103, but none of application_bacula_storages"
        " stands for that device or its autochanger; add one"
    )


def test_a_number_is_never_guessed() -> None:
    bare = said.dialogue(shows=said.status(devices=(said.IDLE_0.replace("   Slot 4 was last loaded in drive 0.\n", ""), said.IDLE_1)))
    assert problem(D0, bare) == (
        "the storage daemon does not show the drive index of device Drive-0; give it as drive in application_bacula_devices"
    )
    reading = read([D0], bare, devices={"SER0": {"device": "Drive-0", "drive": 0}})
    assert reading.drives["SER0"].names == (NAME_0,)


def test_a_number_that_contradicts_the_daemons_is_refused() -> None:
    assert problem(D0, devices={"SER0": {"device": "Drive-0", "drive": 1}}) == (
        "application_bacula_devices says drive 1 of device Drive-0, but its storage daemon says 0"
    )


def test_two_devices_of_an_autochanger_with_one_number_are_not_set() -> None:
    same = said.dialogue(shows=said.status(devices=(said.IDLE_0, said.IDLE_1.replace("Drive 1 is", "Drive 0 is"))))
    sentence = (
        "devices Drive-0, Drive-1 of autochanger Library have the same drive index 0, so neither can be set; correct the storage"
        " daemon's configuration"
    )
    assert read([D0, D1], same).problems == {"SER0": sentence, "SER1": sentence}


# What is not believed.


def test_a_storage_that_cannot_be_read_leaves_every_drive_unknown_that_may_be_there() -> None:
    sentence = (
        f"the director does not reach the storage daemon of storage Far at {said.DAEMON}: it is down, or refuses the director;"
        " nothing was sent to it"
    )
    both = said.dialogue("Changer", ("Far", FAR[1], said.failed("Far")), listed=LISTED)
    assert problem(D0, both, storages=["Changer", "Far"]) == sentence
    answers = {**BOTH, "Far": said.dialogue("Far", listed=LISTED, shows=said.failed("Far"))}
    far = Target("SER7", (), elsewhere={"media1": ("/dev/nst7",)})
    reading = read([D0, far], answers, storages=[{"name": "Changer", "host": "director1"}, {"name": "Far", "host": "media1"}])
    assert states(reading) == {"SER0": "online"}
    assert reading.problems == {"SER7": sentence}


def test_a_device_without_a_device_file_may_be_any_drive() -> None:
    answer = said.dialogue(shows=said.status(devices=(said.IDLE_0, said.ABSENT)))
    reading = read([D0, D1], answer)
    assert states(reading) == {"SER0": "online"}
    assert reading.problems == {
        "SER1": "the storage daemon of storage Changer shows no device file of device Drive-1, so it may be this drive; mend that"
        " device, or say in application_bacula_devices which drive it is"
    }
    named = {"SER1": {"device": "Drive-1", "drive": 1}}
    assert states(read([D0, D1], answer, devices=named)) == {"SER0": "online", "SER1": "other"}
    assert read([D7], answer, devices=named).problems == {}


@pytest.mark.parametrize("mode", ["-rw-r--r--", "-rw----r--", "-rw-rw----", "-rw--w----", "-rw-----w-", "-rw-r--r--.", "-rw-r--r--+"])
def test_a_password_that_others_can_read_is_not_used(mode: str) -> None:
    listing = Answered(f"{mode} 1 root bacula 262 Nov 23 05:43 {said.CONSOLE_FILE}\n")
    assert problem(D0, listing=listing) == (
        f"others may read or write {said.CONSOLE_FILE}, which holds the password, its mode is {mode[:10]}: take that from them"
        f" (chmod o=,g-w {said.CONSOLE_FILE}), and change the password"
    )


@pytest.mark.parametrize("mode", ["-rw-------", "-rw-r-----", "-r--------", "-r--r-----", "-rw-r-----."])
def test_a_password_that_owner_and_group_can_read_is_used(mode: str) -> None:
    assert read([D0], listing=Answered(f"{mode} 1 root bacula 262 Nov 23 05:43 {said.CONSOLE_FILE}\n")).problems == {}


def test_whoever_may_not_look_at_the_file_leaves_it_to_bconsole() -> None:
    listing = Answered(f"ls: cannot access '{said.CONSOLE_FILE}': Permission denied\n", rc=2)
    assert states(read([D0], listing=listing)) == {"SER0": "online"}


@pytest.mark.parametrize("text", ["", "junk\n", "drwxr-x--- 2 root root 4096 Nov 23 05:43 /etc/bacula\n"])
def test_what_ls_says_in_other_words_is_not_believed(text: str) -> None:
    assert problem(D0, listing=Answered(text)).startswith(f"it cannot be seen who may read {said.CONSOLE_FILE}, ")


# What is set.


NAMES = {"SER0": (NAME_0,), "SER1": (NAME_1,)}


@pytest.mark.parametrize(("state", "word"), [("offline", "disable"), ("online", "enable")])
def test_one_dialogue_sets_many_drives_always_with_their_number(state: str, word: str) -> None:
    (setting,) = bacula.settings(options(), state, NAMES, [D0, D1])
    assert setting.drives == ("SER0", "SER1")
    assert setting.commands == (
        Dialogue(
            WORDS,
            (
                ("SER0", f'{word} storage="Changer" drive=0'), ("SER0", "."),
                ("SER1", f'{word} storage="Changer" drive=1'), ("SER1", "."), "quit",
            ),
        ),
    )


FAR_AWAY = ["Changer", {"name": "Far", "host": "media1"}]


def test_drives_of_different_hosts_are_set_apart_so_that_one_daemon_that_hangs_takes_no_others_time() -> None:
    names = {**NAMES, "SER7": ("Single (storage=Far drive=0)",)}
    near, far = bacula.settings(options(storages=FAR_AWAY), "offline", names, [D0, D7, D1])
    assert (near.drives, far.drives) == (("SER0", "SER1"), ("SER7",))
    assert far.commands[0].lines == (("SER7", 'disable storage="Far" drive=0'), ("SER7", "."), "quit")


def test_a_drive_of_two_storage_daemons_is_set_in_both() -> None:
    names = {"SER0": (NAME_0, "Single (storage=Far drive=0)")}
    (setting,) = bacula.settings(options(storages=FAR_AWAY), "online", names, [D0])
    assert [command.lines[0] for command in setting.commands] == [
        ("SER0", 'enable storage="Changer" drive=0'), ("SER0", 'enable storage="Far" drive=0'),
    ]


def test_drives_of_several_storages_of_one_host_are_set_in_one_dialogue() -> None:
    names = {"SER0": ("Drive-0 (storage=Only0 drive=0)",), "SER1": ("Drive-1 (storage=Only1 drive=1)",)}
    (setting,) = bacula.settings(options(storages=["Only0", "Only1"]), "offline", names, [D0, D1])
    (dialogue,) = setting.commands
    assert dialogue.lines == (
        ("SER0", 'disable storage="Only0" drive=0'), ("SER0", "."), ("SER1", 'disable storage="Only1" drive=1'), ("SER1", "."),
        "quit",
    )


def test_nothing_is_set_for_no_drive() -> None:
    assert bacula.settings(options(), "offline", {}, []) == []


# What the director says when it sets.


CATALOG = 'Automatically selected Catalog: Catalog\nUsing Catalog "Catalog"\n'
OFF_0 = 'disable storage="Changer" drive=0\n'
OFF_1 = 'disable storage="Changer" drive=1\n'
DONE_0 = '3002 Device ""Drive-0" (/dev/nst0)" disabled.\n'
DONE_1 = '3002 Device ""Drive-1" (/dev/nst1)" disabled.\n'


def heard(output: str, state: str = "offline", rc: int = 0, names: Mapping[str, Sequence[str]] | None = None) -> dict[str, Said]:
    return bacula.said(options(), state, names or NAMES, [Answered(said.CONNECTING + said.GREETING + output, rc)])


@pytest.mark.parametrize(
    "output",
    [
        OFF_0 + CATALOG + DONE_0 + ".\n" + OFF_1 + DONE_1 + ".\nquit\n",
        # Already disabled: nothing is said.
        OFF_0 + CATALOG + ".\n" + OFF_1 + DONE_1 + ".\nquit\n",
        OFF_0 + CATALOG + DONE_0 + ".\nquit\n",
        "",
    ],
)
def test_a_set_that_was_done_is_left_to_the_reading(output: str) -> None:
    assert heard(output) == {}


def test_a_drive_that_is_enabled_already_is_left_to_the_reading() -> None:
    output = 'enable storage="Changer" drive=0\n3003 Device ""Drive-0" (/dev/nst0)" already enabled.\n.\n'
    assert heard(output, "online") == {}


WRONG = Said(
    "the director disabled device Drive-1 in place of Drive-0: storage Changer is not what it was when it was read. Put device"
    " Drive-1 right by hand",
    wrong=True,
)


def test_another_device_that_was_set_is_named_and_nothing_is_confirmed() -> None:
    assert heard(OFF_0 + CATALOG + DONE_1 + ".\nquit\n", names={"SER0": (NAME_0,)}) == {"SER0": WRONG}
    assert heard(OFF_0 + CATALOG + DONE_1 + ".\n" + OFF_1 + DONE_1 + ".\nquit\n") == {"SER0": WRONG}


def test_another_device_is_named_by_a_console_that_echoes_nothing_too() -> None:
    assert heard(CATALOG + DONE_1, names={"SER0": (NAME_0,)}) == {"SER0": WRONG}


def test_another_storage_that_was_taken_is_named() -> None:
    output = OFF_0 + CATALOG + 'Storage resource "Changer": not found\nAutomatically selected Storage: Disk\n.\nquit\n'
    assert heard(output) == {
        "SER0": Said("the director took storage Disk in place of Changer; look at its drives", wrong=True)
    }


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("disable: is an invalid command.", "disable: is an invalid command; add it to the CommandACL of the console"),
        ("Could not find a Catalog resource",
         "Could not find a Catalog resource; give the console one catalog, by its CatalogACL"),
        ('Storage resource "Changer": not found', 'Storage resource "Changer": not found'),
        ("Failed to connect to Storage daemon.", "Failed to connect to Storage daemon"),
        ("3907 Error scanning disable command", "3907 Error scanning disable command"),
        ('3999 Device "Library" not found or could not be opened.', '3999 Device "Library" not found or could not be opened'),
    ],
)
def test_why_nothing_was_set_is_said_of_the_drive_that_was_meant(row: str, sentence: str) -> None:
    assert heard(OFF_0 + CATALOG + DONE_0 + ".\n" + OFF_1 + row + "\n.\nquit\n") == {
        "SER1": Said(f"the director says of storage Changer: {sentence}")
    }


def test_a_console_that_could_not_be_used_is_said_of_all_drives() -> None:
    answer = Answered(said.CONNECTING + said.REFUSED, rc=1)
    sentence = f"the director refuses the name or the password in {said.CONSOLE_FILE}"
    assert bacula.said(options(), "offline", NAMES, [answer]) == {"SER0": Said(sentence), "SER1": Said(sentence)}


def test_commands_that_were_not_run_say_nothing_of_a_device() -> None:
    assert bacula.said(options(), "offline", NAMES, []) == {}
