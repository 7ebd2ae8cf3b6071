# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How drives are set in NetBackup: one command for each way, comments, what is left alone, and how many commands that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Said
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import netbackup
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._netbackup_drives import Way, name_of, way_of
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils._applications.netbackup_site import (
    REASON,
    Answered,
    Site,
    target,
)

ONE, TWO = target("NBSER0001", "/dev/nst0"), target("NBSER0002", "/dev/nst1")
NAME_1, NAME_2 = "IBM.ULT3580-TD8.000", "IBM.ULT3580-TD8.001"
VMOPRCMD = "/usr/openv/volmgr/bin/vmoprcmd"
PATHS = ["/dev/nst4", "/dev/nst5"]
THREE = target("NBSER0003", *PATHS)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path / "state")
    made.install(tmp_path / "bin")
    made.add(ONE.drive)
    made.add(TWO.drive)
    return made


@pytest.mark.parametrize("way", [
    Way("D"), Way("Drive 1"), Way("D (old) one"), Way("D", "media2.example.com"), Way("D", None, "/dev/rmt/0cbn"),
    Way("D", "media2", "{3,0,4,0}"), Way("D", commented=True), Way("D", left=True),
    Way("D", "media2", "/dev/nst0", commented=True, left=True), Way("A (B"), Way("on media2 path /dev/nst0"),
])  # fmt: skip
def test_a_way_is_read_as_it_was_written(way: Way) -> None:
    assert way_of(name_of(way)) == way


# Commands.


def test_a_drive_is_set_by_its_name_and_gets_a_comment_that_is_deleted_when_it_is_given_back(site: Site) -> None:
    assert site.commands("offline", ONE) == [[
        [VMOPRCMD, "-downbyname", NAME_1], [VMOPRCMD, "-commentbyname", NAME_1, REASON],
    ]]  # fmt: skip
    assert site.commands("online", ONE) == [[[VMOPRCMD, "-upbyname", NAME_1], [VMOPRCMD, "-commentbyname", NAME_1]]]
    assert site.set("offline", ONE, TWO) == {}
    assert (site.states(ONE.drive), site.drive(ONE.drive)["comment"]) == (("offline",), REASON)
    assert site.read(ONE).drives[ONE.drive].names == (NAME_1,)
    assert site.set("online", ONE) == {}
    assert (site.states(ONE.drive), site.drive(ONE.drive)["comment"]) == (("online",), "")
    assert site.states(TWO.drive) == ("offline",)


def test_every_word_of_a_command_but_the_program_is_left_out_with_its_drive(site: Site) -> None:
    names = {drive: found.names for drive, found in site.read(ONE).drives.items()}
    (setting,) = netbackup.settings(site.options, "offline", names, [ONE])
    for command in setting.commands:
        assert command[0] == VMOPRCMD
        assert all(isinstance(word, tuple) and word[0] == ONE.drive for word in command[1:])


def test_names_with_blanks_are_one_word(site: Site) -> None:
    site.add("NBSER0004", "Drive 4 of the library")
    (commands,) = site.commands("offline", target("NBSER0004"))
    assert commands[0] == [VMOPRCMD, "-downbyname", "Drive 4 of the library"]
    site.set("offline", target("NBSER0004"))
    assert site.states("NBSER0004") == ("offline",)


def test_all_names_of_a_drive_are_set(site: Site) -> None:
    site.add(ONE.drive, "Second name")
    site.set("offline", ONE)
    assert site.states(ONE.drive) == ("offline", "offline")
    site.set("online", ONE)
    assert site.states(ONE.drive) == ("online", "online")


def test_every_path_of_a_drive_is_set_on_its_own_with_one_comment(site: Site) -> None:
    site.add(THREE.drive, "Two paths", paths=PATHS)
    assert site.commands("offline", THREE) == [[
        *([VMOPRCMD, "-downbyname", "Two paths", "-path", path] for path in PATHS),
        [VMOPRCMD, "-commentbyname", "Two paths", REASON],
    ]]  # fmt: skip
    site.set("offline", THREE)
    assert (site.drive(THREE.drive)["down"], site.read(THREE).drives[THREE.drive].state) == (PATHS, "offline")
    site.set("online", THREE)
    assert (site.drive(THREE.drive)["down"], site.read(THREE).drives[THREE.drive].state) == ([], "online")


def test_every_media_server_is_told_by_name(site: Site) -> None:
    site.given, site.scope = {"media_servers": ["media1", "media2"]}, "instance"
    site.add(ONE.drive, NAME_1, host="media2")
    assert site.commands("offline", ONE) == [[
        *([VMOPRCMD, "-downbyname", NAME_1, "-h", host] for host in ("media1", "media2")),
        *([VMOPRCMD, "-commentbyname", NAME_1, REASON, "-h", host] for host in ("media1", "media2")),
    ]]  # fmt: skip
    site.set("offline", ONE)
    assert site.states(ONE.drive) == ("offline", "offline")


# What is left alone.


def test_a_path_that_was_down_before_stays_down_when_the_drive_is_given_back(site: Site) -> None:
    site.add(THREE.drive, "Two paths", paths=PATHS, down=PATHS[:1])
    site.set("offline", THREE)
    assert site.drive(THREE.drive)["comment"] == f"{REASON}; left down: /dev/nst4"
    assert site.read(THREE).drives[THREE.drive].state == "offline"
    # Told again, it is still the same one.
    site.set("offline", THREE)
    assert site.drive(THREE.drive)["comment"] == f"{REASON}; left down: /dev/nst4"
    site.set("online", THREE)
    assert (site.drive(THREE.drive)["down"], site.drive(THREE.drive)["comment"]) == (["/dev/nst4"], "")
    assert site.read(THREE).drives[THREE.drive].state == "online"


def test_a_media_server_where_the_drive_was_down_before_keeps_it_down(site: Site) -> None:
    site.given, site.scope = {"media_servers": ["media1", "media2"]}, "instance"
    site.add(ONE.drive, NAME_1, host="media2", online=False, down=["/dev/nst2"])
    site.set("offline", ONE)
    assert site.states(ONE.drive) == ("offline", "offline")
    site.set("online", ONE)
    assert site.states(ONE.drive) == ("online", "offline")


def test_what_is_left_down_is_told_by_media_server_and_path_so_that_no_other_is_taken_for_it(site: Site) -> None:
    site.given, site.scope = {"media_servers": ["media1", "media2"]}, "instance"
    # The same device files on both, and on one of them a path was down.
    site.add(THREE.drive, "Two paths", paths=PATHS)
    site.add(THREE.drive, "Two paths", paths=PATHS, host="media2", down=PATHS[:1])
    site.set("offline", THREE)
    assert site.drive(THREE.drive)["comment"] == f"{REASON}; left down: media2:/dev/nst4"
    site.set("online", THREE)
    assert [site.drive(THREE.drive, host)["down"] for host in ("", "media2")] == [[], PATHS[:1]]


def test_a_second_name_under_which_the_drive_was_down_before_stays_down(site: Site) -> None:
    site.add(ONE.drive, "Second name of it", online=False, down=["/dev/nst2"])
    site.set("offline", ONE)
    assert site.drive(ONE.drive)["comment"] == f"{REASON}; left down: Second_name_of_it"
    site.set("online", ONE)
    assert site.states(ONE.drive) == ("online", "offline")


def test_a_set_that_was_done_by_half_is_not_taken_for_an_administrators(site: Site) -> None:
    site.add(THREE.drive, "Two paths", paths=PATHS, down=PATHS[:1], comment=REASON)
    site.set("offline", THREE)
    site.set("online", THREE)
    assert site.drive(THREE.drive)["down"] == []


def test_a_drive_that_netbackup_had_set_down_itself_is_given_back_on_all_its_paths(site: Site) -> None:
    site.add(THREE.drive, "Two paths", paths=PATHS)
    site.lost_race(THREE.drive)
    assert site.read(THREE).drives[THREE.drive].conflict
    site.set("online", THREE)
    assert site.read(THREE).drives[THREE.drive].state == "online"


# Comments.


@pytest.mark.parametrize("state", ["offline", "online"])
def test_a_comment_of_an_administrator_is_neither_written_over_nor_deleted(site: Site, state: str) -> None:
    site.update(ONE.drive, comment="Cleaned in May, call Kim")
    assert site.read(ONE).drives[ONE.drive].names == (f"{NAME_1} (comment kept)",)
    assert len(site.commands(state, ONE)[0]) == 1
    site.set(state, ONE)
    assert site.drive(ONE.drive)["comment"] == "Cleaned in May, call Kim"
    assert site.states(ONE.drive) == (state,)


@pytest.mark.parametrize("reason", ["a" * 80, "head, " + "a" * 74, "a" * 70 + ", head"])
@pytest.mark.parametrize("left", [[], ["LTO1 backup2", "LTO1 backup3", "LTO1 backup4 and some more"]])
def test_a_comment_with_a_persons_long_reason_is_not_too_long(reason: str, left: list[str]) -> None:
    comment = netbackup._comment(f"drive_sharing: set offline by hand: {reason}", left)
    assert comment.startswith("drive_sharing: set offline by hand: ")
    assert len(comment) <= 127
    assert comment.endswith(left[-1] if left else reason)


def test_comments_can_be_switched_off(site: Site) -> None:
    site.given = {"comment": False}
    for state in ("offline", "online"):
        assert len(site.commands(state, ONE)[0]) == 1


@pytest.mark.parametrize("reason", [
    "drive_sharing: reserved by fc $(reboot) `x` \"y\" 'z' {{ 7 * 7 }}, change 1",
    "drive_sharing: reserved by fc 1\n2\x00\x1b[2J\u202e, change 1",
    "drive_sharing: reserved by fc a; left down: /dev/nst0, change 1",
])  # fmt: skip
def test_a_comment_has_only_characters_that_mean_nothing_to_anybody(site: Site, reason: str) -> None:
    (commands,) = site.commands("offline", target(ONE.drive, reason=reason))
    comment = commands[1][3]
    assert comment.startswith("drive_sharing: reserved by fc")
    assert not set(comment) & set("$`\"'{}();|&<>\\\n\x00\x1b\u202e")


def test_a_long_comment_keeps_its_beginning_the_number_of_the_change_and_what_is_left_down(site: Site) -> None:
    site.add(THREE.drive, "Two paths", paths=PATHS, down=PATHS[:1])
    ports = " ".join(f"iscsi iqn.2026-11.com.example:{'x' * 40}{number}" for number in range(9))
    reason = f"drive_sharing: reserved by {ports}, change 123456"
    (commands,) = site.commands("offline", target(THREE.drive, *PATHS, reason=reason))
    comment = commands[-1][3]
    assert len(comment) == 127
    assert comment.startswith("drive_sharing: reserved by iscsi iqn.2026-11.com.example:xxx")
    assert comment.endswith("..., change 123456; left down: /dev/nst4")


def test_a_comment_that_cannot_be_written_says_nothing_of_the_drive(site: Site) -> None:
    names = {ONE.drive: (NAME_1,)}
    answers = [Answered("", 0), Answered("oprd returned abnormal status (96)", 96)]
    assert netbackup.said(site.options, "offline", names, answers) == {}


# What is said.


def test_what_a_command_says_belongs_to_its_drive_and_its_path(site: Site) -> None:
    site.given = {"together": 4}
    site.add(THREE.drive, "Two paths", paths=PATHS)
    names = {drive: found.names for drive, found in site.read(ONE, THREE, TWO).drives.items()}
    (setting,) = netbackup.settings(site.options, "offline", names, [ONE, THREE, TWO])
    assert len(setting.commands) == 7
    answers = [Answered("") for _command in setting.commands]
    answers[2] = Answered("oprd returned abnormal status (96)\n", 0)
    told = netbackup.said(site.options, "offline", names, answers)
    assert told == {THREE.drive: Said(
        "vmoprcmd -downbyname Two paths -path /dev/nst5 says: oprd returned abnormal status (96); look at ltid and oprd on that media"
        " server, with vmps"
    )}  # fmt: skip


def test_a_command_that_was_not_run_or_whose_time_was_over_says_nothing(site: Site) -> None:
    names = {ONE.drive: (NAME_1,), TWO.drive: (NAME_2,)}
    answers = [Answered("", None), Answered("oprd returned abnormal status (96)", 1, timed_out=True)]
    assert netbackup.said(site.options, "offline", names, answers) == {}
    assert netbackup.said(site.options, "offline", names, []) == {}


def test_one_who_may_not_set_drives_is_told_what_to_allow(site: Site) -> None:
    site.behave("denied", on="set")
    assert site.set("offline", ONE)[ONE.drive].why.endswith("use become, or allow this user or host to operate drives in NetBackup")
    assert site.states(ONE.drive) == ("online",)


# How many commands.


@pytest.mark.parametrize(("together", "comment", "commands"), [
    (1, True, 500), (1, False, 400), (4, True, 275), (4, False, 175), (8, True, 239), (8, False, 139),
])  # fmt: skip
def test_a_hundred_drives_take_this_many_commands(site: Site, together: int, comment: bool, commands: int) -> None:
    """One that sets, perhaps one for the comment, and three that read back after each group; as the page says."""
    site.given = {"together": together, "comment": comment}
    targets = [target(f"S{number:03}") for number in range(100)]
    names = {one.drive: (f"D{one.drive}",) for one in targets}
    settings = netbackup.settings(site.options, "offline", names, targets)
    assert sorted(drive for setting in settings for drive in setting.drives) == sorted(names)
    reading = len(netbackup.queries(site.options, targets))
    assert sum(len(setting.commands) + reading for setting in settings) == commands
    page = (Path(__file__).parents[5] / "docs" / "application_netbackup.md").read_text(encoding="utf-8")
    assert f"| {together} | {'true' if comment else 'false'} | {commands} |" in page


def test_a_drive_may_come_up_again_without_us_so_it_is_looked_at_again() -> None:
    assert netbackup.recheck(netbackup.check({})) == 300
    assert netbackup.recheck(netbackup.check({"recheck": 0})) == 0
