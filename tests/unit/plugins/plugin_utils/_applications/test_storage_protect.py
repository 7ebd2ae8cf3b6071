# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Dialogue, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import storage_protect
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded_parse import CommandAnswer
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.products.product import Call
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils._applications.storage_protect_said import (
    LISTING,
    SERIALS,
    Site,
)

ONE, TWO, THREE = SERIALS
#: The answer of the SELECT of drives, behind that of ls.
DRIVES, PATHS = 1, 2


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def states(reading: Any) -> dict[str, str]:
    return {drive: found.state for drive, found in reading.drives.items()}


def problem(reading: Any) -> str:
    """The one sentence that is said of all drives."""
    assert reading.drives == {}
    (found,) = set(reading.problems.values())
    return str(found)


def called(program: Any) -> CommandAnswer:
    """What the fake prints while it is down or refuses."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        rc = program(Call("dsmadmc", (), (), False, {}))
    return CommandAnswer(rc, out.getvalue())


def of(text: str, rc: int = 0) -> CommandAnswer:
    return CommandAnswer(rc, text)


def edit(old: str, new: str) -> Any:
    def edited(answer: CommandAnswer) -> CommandAnswer:
        assert old in answer.output
        return replace(answer, output=answer.output.replace(old, new))

    return edited


# What is asked


def test_one_select_tells_of_all_drives_and_one_session_of_conflicts(site) -> None:
    listing, drives, evidence = storage_protect.queries(site.options(), [Target(f"S{number}") for number in range(100)])
    words = ["dsmadmc", "-servername=libmgr", f"-credentialsfile={site.credentials}", "-dataonly=yes", "-tabdelimited"]
    assert listing == ["ls", "-lLd", str(site.credentials)]
    assert drives == [
        *words,
        "SELECT 'drive', library_name, drive_name, drive_state, online, drive_serial, volume_name, allocated_to, 'end' FROM drives",
    ]
    assert evidence == Dialogue(tuple(words), (
        "SELECT 'path', library_name, destination_name, source_name, online, device, 'end' FROM paths",
        "SELECT 'conflict', date_time, message FROM actlog WHERE date_time>=current_timestamp - 60 minutes AND msgno IN (8779)",
        "QUIT",
    ))  # fmt: skip


def test_without_evidence_there_is_one_call_and_without_sessions_each_select_is_one(site) -> None:
    for over, count in (
        ({"conflict_minutes": 0}, 1), ({}, 2), ({"session": False}, 3),
        ({"path_sources": ["STA1"], "conflict_minutes": 0}, 2), ({"path_sources": ["STA1"]}, 3),
    ):
        queries = storage_protect.queries(site.options(**over), [Target(ONE)])
        assert len(queries) == count + 1, over


def test_nothing_is_asked_for_no_drives(site) -> None:
    assert storage_protect.queries(site.options(), []) == []
    assert storage_protect.read(site.options(), [], []).drives == {}


def test_dsmadmc_is_called_as_configured_and_without_a_file_that_nobody_named_there_is_no_look_at_one(site) -> None:
    over = {"admin_command": ["env", "DSM_LOG=/var/log/tsm", "/opt/dsmadmc"], "option_file": "/etc/dsm.opt", "server_name": "",
            "credentials_file": "", "conflict_minutes": 0}  # fmt: skip
    (drives,) = storage_protect.queries(site.options(**over), [Target(ONE)])
    assert drives[:-1] == ["env", "DSM_LOG=/var/log/tsm", "/opt/dsmadmc", "-optfile=/etc/dsm.opt", "-dataonly=yes", "-tabdelimited"]


def test_no_call_has_a_user_or_a_password_among_its_words(site) -> None:
    for over in ({}, {"path_sources": ["LIBMGR1"]}, {"session": False}):
        options = site.options(**over)
        names = {ONE: ("TS4500A/LTO001",), TWO: ("TS4500A/LTO002 from LIBMGR1",)}
        commands = [
            command
            for setting in storage_protect.settings(options, "offline", names, [Target(ONE), Target(TWO)])
            for command in setting.commands
        ]
        for one in (*storage_protect.queries(options, [Target(ONE)]), *commands):
            words = one.words if isinstance(one, Dialogue) else one
            assert not [word for word in words if str(word).lower().startswith(("-id", "-pa"))]


# Which drive is which


def test_a_drive_is_found_by_its_serial_number(site) -> None:
    reading = site.read()
    assert {drive: found.names for drive, found in reading.drives.items()} == {
        ONE: ("TS4500A/LTO001",), TWO: ("TS4500A/LTO002",), THREE: ("TS4500A/LTO003",),
    }
    assert states(reading) == dict.fromkeys(SERIALS, "online")
    assert (reading.problems, reading.online) == ({}, 3)
    assert reading.drives[ONE].shown == "TS4500A/LTO001: YES, EMPTY"


def test_a_drive_that_a_whole_list_does_not_have_is_not_configured(site) -> None:
    reading = site.read("10WT001009")
    assert (reading.drives, reading.problems) == ({}, {})


def test_a_serial_number_that_is_a_part_of_another_is_not_taken_for_it(site) -> None:
    for part in (ONE[:-1], f"{ONE}1", ONE[1:], ONE.lower()):
        assert site.read(part).drives == {}


def test_a_drive_that_is_in_two_libraries_is_set_in_both_and_online_if_one_has_it_so(site) -> None:
    site.product.add(ONE, "SHARED07", library="VTLB", online=False)
    found = site.read(ONE).drives[ONE]
    assert (found.names, found.state, found.counts) == (("TS4500A/LTO001", "VTLB/SHARED07"), "online", 1)
    assert found.shown == "TS4500A/LTO001: YES, EMPTY; VTLB/SHARED07: NO, EMPTY"
    assert site.read().online == 3
    site.set("offline", ONE)
    assert site.product.states(ONE) == ("offline", "offline")
    site.set("online", ONE)
    assert site.product.states(ONE) == ("online", "online")


def test_one_name_in_two_libraries_is_two_drives(site) -> None:
    site.product.add("10WT001009", "LTO001", library="TS4500B")
    reading = site.read(ONE, "10WT001009")
    assert {drive: found.names for drive, found in reading.drives.items()} == {
        ONE: ("TS4500A/LTO001",), "10WT001009": ("TS4500B/LTO001",),
    }
    site.set("offline", "10WT001009")
    assert (site.product.states(ONE), site.product.states("10WT001009")) == (("online",), ("offline",))


def test_one_name_for_two_serial_numbers_is_refused_with_both(site) -> None:
    site.product.add("10WT001009", "LTO001")
    reading = site.read(ONE, TWO, "10WT001009")
    assert set(reading.problems) == {ONE, "10WT001009"}
    assert reading.problems[ONE] == "the server's drive TS4500A/LTO001 would be several drives: 10WT001001, 10WT001009"
    assert states(reading) == {TWO: "online"}


def test_file_drives_have_short_rows_without_a_serial_number_and_do_not_count_for_the_floor(site) -> None:
    site.product.add("", "GPFS1", library="GPFS", file=True, state="UNKNOWN")
    reading = site.read()
    assert (states(reading), reading.online) == (dict.fromkeys(SERIALS, "online"), 3)
    site.product.add("", "GPFS2", library="GPFS", file=True, job="migration")
    assert site.read().online == 3


def test_a_drive_without_a_serial_number_is_found_by_the_name_that_a_person_gave(site) -> None:
    site.product.add("10WT001009", "OLD1", file=True)
    over = {"drive_names": {"10WT001009": "ts4500a/old1"}}
    reading = site.read("10WT001009", **over)
    assert (reading.drives["10WT001009"].names, reading.online) == (("TS4500A/OLD1",), 4)
    site.set("offline", "10WT001009", **over)
    assert site.product.states("10WT001009") == ("offline",)


def test_a_name_that_a_person_gave_does_not_win_over_the_serial_number_of_the_server(site) -> None:
    reading = site.read("10WT001009", drive_names={"10WT001009": "TS4500A/LTO001"})
    assert problem(reading) == (
        "the server's drive TS4500A/LTO001 would be this one, but shows the serial number 10WT001001; correct"
        " application_storage_protect_drive_names"
    )
    reading = site.read(ONE, drive_names={ONE: "TS4500A/LTO009"})
    assert problem(reading) == "the server has no drive TS4500A/LTO009; correct application_storage_protect_drive_names"


def test_a_name_that_a_person_gave_is_one_more_beside_that_of_the_serial_number(site) -> None:
    site.product.add("10WT001009", "OLD1", library="MANUAL", file=True)
    names = site.read(ONE, drive_names={ONE: ["TS4500A/LTO001", "MANUAL/OLD1"]}).drives[ONE].names
    assert names == ("TS4500A/LTO001", "MANUAL/OLD1")


@pytest.mark.parametrize("name", ["LTO 001", "LTO;QUIT", "LTO001 ONLINE=YES", "\u0141TO1", "*", "LTO/1", "L" * 65])
def test_a_name_that_cannot_be_put_into_a_command_is_refused(site, name) -> None:
    site.product.add("10WT001009", name)
    reading = site.read(ONE, "10WT001009")
    assert reading.problems["10WT001009"].startswith("the server has it under a name that cannot be put into a command: 'TS4500A/")
    assert states(reading) == {ONE: "online"}


# In which state


@pytest.mark.parametrize(("word", "state"), [
    ("YES", "online"), ("Yes", "online"), ("NO", "offline"), ("No", "offline"),
    # UNVERIFIED spellings: not online, and nobody of ours did it.
    ("UNAVAILABLE SINCE 2026-11-22 05:59:40.000000", "offline"), ("POLLING SINCE 11/22/26 05:59:40", "offline"), ("POLLING", "offline"),
    # What nobody knows is neither: it might be another language's yes.
    ("JA", "other"), ("YES?", "other"), ("NOT NOW", "other"), ("1", "other"),
])  # fmt: skip
def test_the_spelling_of_online_decides(site, word, state) -> None:
    site.product.update(ONE, word=word)
    reading = site.read()
    found = reading.drives[ONE]
    assert (found.state, found.shown) == (state, f"TS4500A/LTO001: {word}, EMPTY")
    assert reading.online == 3 - (state != "online")


def test_what_the_server_did_itself_it_may_end_itself_so_that_the_drive_is_read_again(site) -> None:
    for word, passing in (("POLLING", True), ("UNAVAILABLE SINCE 1", True), ("NO", False), ("YES", False), ("JA", False)):
        site.product.update(ONE, word=word)
        assert site.read(ONE).drives[ONE].passing is passing, word


def test_another_spelling_can_be_configured(site) -> None:
    site.product.update(ONE, word="AWAY")
    assert states(site.read(ONE, offline_pattern="NO|AWAY")) == {ONE: "offline"}


@pytest.mark.parametrize(("state", "used"), [
    ("LOADED", True), ("RESERVED", True), ("EMPTY", False), ("UNLOADED", False), ("UNAVAILABLE", False), ("UNKNOWN", False),
])  # fmt: skip
def test_a_drive_that_the_server_works_with_or_keeps_for_a_mount_is_in_use(site, state, used) -> None:
    site.product.update(ONE, state=state)
    assert site.read().drives[ONE].in_use is used


def test_a_drive_with_a_volume_of_the_server_is_in_use_and_says_which(site) -> None:
    site.product.job(ONE)
    found = site.read(ONE).drives[ONE]
    assert (found.in_use, found.ending, found.state) == (True, False, "online")
    assert found.shown == "TS4500A/LTO001: YES, LOADED, volume SP0042L8, allocated to LIBMGR1"


def test_a_drive_is_set_offline_at_once_and_is_ending_until_its_volume_is_done(site) -> None:
    site.product.job(ONE)
    site.set("offline", ONE)
    found = site.read(ONE).drives[ONE]
    assert (found.state, found.in_use, found.ending) == ("offline", True, True)
    site.product.job(ONE, "")
    assert (site.read(ONE).drives[ONE].ending, site.options()["offline_kills_job"]) == (False, False)


def test_another_applications_tape_in_the_drive_is_no_job_of_the_server(site) -> None:
    """LOADED without a volume would else be waited for as long as the other application has the drive."""
    site.product.update(ONE, state="LOADED", online=False)
    found = site.read(ONE).drives[ONE]
    assert (found.in_use, found.ending) == (True, False)
    # A server that does not show volumes: it may be its own.
    short = edit("LOADED\tNO\t10WT001001\t\t\tend", "LOADED\tNO\t10WT001001\tend")
    assert site.read(ONE, change={DRIVES: short}).drives[ONE].ending is True


def test_the_floor_is_counted_in_each_library(site) -> None:
    """A process fails if its own library has no drive, however many others have."""
    site.product.add("10WT001009", "SMALL1", library="SMALL")
    site.product.add("10WT001010", "SMALL2", library="SMALL", online=False)
    site.product.add(ONE, "SHARED07", library="VTLB")
    reading = site.read(ONE, "10WT001009", "10WT001010")
    assert (reading.online, reading.pools) == (4, {"TS4500A": 3, "SMALL": 1, "VTLB": 1})
    assert {drive: found.pools for drive, found in reading.drives.items()} == {
        ONE: ("TS4500A", "VTLB"), "10WT001009": ("SMALL",), "10WT001010": (),
    }


# What cannot be believed


def test_a_client_that_prints_its_banner_and_headings_is_understood(site) -> None:
    def with_banner(answer: CommandAnswer) -> CommandAnswer:
        query = storage_protect.queries(site.options(), [Target(ONE)])[DRIVES]
        return site.answer(["-dataonly=no" if word == "-dataonly=yes" else word for word in query])

    reading = site.read(change={DRIVES: with_banner})
    assert states(reading) == dict.fromkeys(SERIALS, "online")


@pytest.mark.parametrize(("old", "new"), [
    ("\n", "\r\n"), ("\ndrive", "\n\f\nmore...\ndrive"), ("\t", " \t "), ("end\n", "end\t\t \n"),
])  # fmt: skip
def test_page_breaks_line_ends_and_padding_do_not_matter(site, old, new) -> None:
    assert states(site.read(change={DRIVES: edit(old, new)})) == dict.fromkeys(SERIALS, "online")


LAST = "drive\tTS4500A\tLTO003\tEMPTY\tYES\t10WT001003\t\t\tend\n"


@pytest.mark.parametrize("cut", range(len("drive\t"), len(LAST) - 1))
def test_a_row_that_is_cut_off_anywhere_is_not_believed(site, cut) -> None:
    """Without its serial number a row would look like that of a FILE drive, and the drive as if the server did not know it."""
    said = problem(site.read(change={DRIVES: edit(LAST, LAST[:cut])}))
    assert said.startswith("the server answered, but one of its rows is cut off, or has other columns: drive")


@pytest.mark.parametrize(("old", "new"), [
    ("10WT001003", "10WT001003\tmore"), ("\tLTO002\t", "\t\t"), ("drive\tTS4500A\tLTO002", "drive\t\tLTO002"),
    ("LTO002\tEMPTY\tYES", "LTO\n002\tEMPTY\tYES"),
])  # fmt: skip
def test_a_row_that_is_wrapped_or_of_another_version_is_not_guessed_at(site, old, new) -> None:
    assert "one of its rows is cut off, or has other columns: drive" in problem(site.read(change={DRIVES: edit(old, new)}))


def test_a_table_of_blanks_is_not_read_as_if_it_had_columns(site) -> None:
    said = problem(site.read(change={DRIVES: edit("\t", "     ")}))
    assert said.startswith("the server answered, but no row of drives is in it: drive TS4500A LTO001 EMPTY YES 10WT001001 end")


@pytest.mark.parametrize("text", ["", "\n\n", "nonsense", "ANR0405I Session 12 ended", "drive", "\0\ufffd\x1b[2J"])
def test_an_answer_without_a_row_is_no_list_of_no_drives(site, text) -> None:
    assert "no row of drives is in it" in problem(site.read(change={DRIVES: of(text)}))


def test_a_server_without_drives_is_not_the_library_manager(site) -> None:
    for serial in SERIALS:
        site.product.forget(serial)
    assert problem(site.read()) == (
        "the server has no drives; ask the library manager, by application_storage_protect_server_name"
    )


@pytest.mark.parametrize(("over", "said"), [
    ({"timed_out": True, "rc": None}, "dsmadmc did not end in time and was stopped"),
    ({"truncated": True}, "dsmadmc printed more than can be read"),
    ({"rc": 127, "output": "drive_sharing: 3: dsmadmc: not found\n"}, "dsmadmc ended with return code 127: dsmadmc: not found"),
    ({"rc": 6, "output": "ANR0130E The log is full.\nANS8001I Return code 6.\n"},
     "dsmadmc ended with return code 6: ANR0130E The log is full"),
    ({"rc": 9, "output": "ANR2035E SELECT: not authorized\n"},
     "the administrator may not do that: it needs system or unrestricted storage privilege (return code 9:"
     " ANR2035E SELECT: not authorized)"),
    ({"rc": 3, "output": "ANR2940E The reference 'DRIVE_SERIAL' is an unknown SQL column name.\nANS8001I Return code 3.\n"},
     "the server does not understand the command (return code 3: ANR2940E The reference 'DRIVE_SERIAL' is an unknown SQL column name)"),
    ({"rc": 1, "output": "ANS1217E Server name not found in System Options File\n"},
     "this host's options file of the client has no server libmgr"),
])  # fmt: skip
def test_a_select_that_failed_says_nothing_of_drives_whatever_it_printed(site, over, said) -> None:
    answer = CommandAnswer(**{"rc": 0, "output": "drive\tTS4500A\tLTO001\tEMPTY\tNO\t10WT001001\t\t\tend\n", **over})
    assert problem(site.read(change={DRIVES: answer})) == said


def test_rows_with_a_return_code_that_says_nothing_was_found_are_not_believed(site) -> None:
    rows = "drive\tTS4500A\tLTO001\tEMPTY\tYES\t10WT001001\t\t\tend\n"
    for text in (rows, rows[:20]):
        assert "return code 11" in problem(site.read(TWO, change={DRIVES: of(text, 11)}))


def test_rows_before_a_failure_are_not_believed(site) -> None:
    """The session was lost while the list was sent: the drives that are missing are not unknown to the server."""
    rows = "drive\tTS4500A\tLTO001\tEMPTY\tYES\t10WT001001\t\t\tend\n"
    assert problem(site.read(TWO, change={DRIVES: of(f"{rows}ANS1017E Session rejected\n", 206)})).startswith(
        "the server cannot be reached: ANS1017E"
    )


def test_a_program_around_dsmadmc_may_lose_its_return_code(site) -> None:
    rows = "drive\tTS4500A\tLTO001\tEMPTY\tYES\t10WT001001\t\t\tend\n"
    for line in ("ANS8001I Return code 4.", "ANS8002I Highest return code was 4."):
        assert "return code 4" in problem(site.read(change={DRIVES: of(f"{rows}{line}\n")}))


def test_a_server_that_is_down_and_a_wrong_password_are_told_apart(site) -> None:
    assert problem(site.read(change={DRIVES: called(site.product.is_down)})) == (
        "the server cannot be reached: ANS1017E Session rejected: TCP/IP connection failure"
    )
    assert problem(site.read(change={DRIVES: called(site.product.is_denied)})) == (
        f"the server refuses the administrator or the password in {site.credentials}"
    )


def test_messages_of_another_language_are_known_by_their_numbers(site) -> None:
    german = "ANS1051I Ungültige Benutzer-ID oder ungültiges Kennwort.\nANS8023E Es kann keine Sitzung aufgebaut werden.\n"
    assert "refuses the administrator" in problem(site.read(change={DRIVES: of(german, 137)}))
    german = "ANS1017E Sitzung zurückgewiesen: TCP/IP-Verbindungsfehler\nANS8023E Es kann keine Sitzung aufgebaut werden.\n"
    assert "cannot be reached: ANS1017E Sitzung" in problem(site.read(change={DRIVES: of(german, 206)}))
    nothing = "ANR2034E SELECT: Keine Übereinstimmung gefunden.\nANS8001I Rückkehrcode 11.\n"
    assert "the server has no drives" in problem(site.read(change={DRIVES: of(nothing, 11)}))


@pytest.mark.parametrize("mode", ["-rw-r--r--", "-rw-----w-", "-rw-rw----"])
def test_nothing_is_believed_while_others_can_read_the_credentials(site, mode) -> None:
    said = problem(site.read(change={0: of(f"{mode} 1 root root 40 Nov 22 06:00 {site.credentials}\n")}))
    assert said.startswith(f"others may read or write {site.credentials}, which holds the password, its mode is {mode}")


def test_return_codes_of_the_evidence_do_not_matter(site) -> None:
    """Mostly there is no conflict in the log, which is return code 11."""
    for answer in (of("ANR2034E SELECT: No match\n", 11), of("junk\tjunk\nconflict\n"), CommandAnswer(timed_out=True), of("path\tx", 3)):
        reading = site.read(change={PATHS: answer})
        assert (states(reading), reading.problems) == (dict.fromkeys(SERIALS, "online"), {})


# Paths


@pytest.fixture
def paths(tmp_path):
    """A storage agent has paths to two of the drives, and is the host that is told."""
    site = Site(tmp_path / "paths", path_sources=["STA1"])
    site.product.source("STA1", ONE)
    site.product.source("STA1", TWO, device="/dev/rmt8")
    return site


def test_of_paths_only_those_of_the_source_are_read_and_set(paths) -> None:
    reading = paths.read()
    assert {drive: found.names for drive, found in reading.drives.items()} == {
        ONE: ("TS4500A/LTO001 from STA1",), TWO: ("TS4500A/LTO002 from STA1",),
    }
    assert reading.drives[ONE].shown == "TS4500A/LTO001 from STA1: YES (the drive: YES, EMPTY)"
    assert reading.online == 2
    (setting,) = paths.set("offline", ONE)
    assert setting.commands[0][-1] == "UPDATE PATH STA1 LTO001 SRCTYPE=SERVER DESTTYPE=DRIVE LIBRARY=TS4500A ONLINE=NO"
    assert paths.product.paths(ONE) == {"LIBMGR1": True, "STA1": False}
    assert paths.product.states(ONE) == ("online",)
    reading = paths.read()
    assert (states(reading), reading.online) == ({ONE: "offline", TWO: "online"}, 1)
    paths.set("online", ONE)
    assert paths.product.paths(ONE) == {"LIBMGR1": True, "STA1": True}


def test_several_sources_have_a_state_each_and_are_all_set(paths) -> None:
    paths.product.source("NAS1", ONE, kind="DATAMOVER", online=False)
    over = {"path_sources": ["sta1", {"name": "nas1", "type": "datamover"}]}
    found = paths.read(ONE, **over).drives[ONE]
    assert (found.state, found.names) == ("online", ("TS4500A/LTO001 from STA1", "TS4500A/LTO001 from NAS1"))
    paths.set("offline", ONE, **over)
    assert paths.product.paths(ONE) == {"LIBMGR1": True, "STA1": False, "NAS1": False}
    paths.set("online", ONE, **over)
    assert paths.product.paths(ONE) == {"LIBMGR1": True, "STA1": True, "NAS1": True}
    assert paths.said == {}


def test_a_drive_to_which_the_source_has_no_path_is_not_configured_there(paths) -> None:
    reading = paths.read(THREE)
    assert (reading.drives, reading.problems) == ({}, {})


def test_a_state_for_each_host_needs_sources(site) -> None:
    options = {**site.options(), "scope": "host"}
    answers = [site.answer(query) for query in storage_protect.queries(options, [Target(ONE)])]
    assert "needs application_storage_protect_path_sources" in problem(storage_protect.read(options, [Target(ONE)], answers))
    assert storage_protect.read({**options, "scope": "instance"}, [Target(ONE)], answers).problems == {}


def test_a_source_without_any_path_is_refused(paths) -> None:
    assert problem(paths.read(path_sources=["STA1", "STA7"])) == (
        "no path begins at STA7; correct application_storage_protect_path_sources (query path shows the names)"
    )


def test_a_drive_that_is_offline_as_a_whole_is_still_told_by_its_path(paths) -> None:
    """Else a path that was given back would never be read as online, because of what an administrator did to the drive."""
    paths.product.administrator(ONE, "offline")
    reading = paths.read(ONE)
    assert (states(reading), reading.online) == ({ONE: "online"}, 1)
    assert reading.drives[ONE].shown == "TS4500A/LTO001 from STA1: YES (the drive: NO, EMPTY)"


def test_the_path_in_another_library_is_another_one(paths) -> None:
    paths.product.add("10WT001009", "LTO001", library="TS4500B")
    paths.product.source("STA1", "10WT001009")
    paths.set("offline", "10WT001009")
    assert (paths.product.paths("10WT001009")["STA1"], paths.product.paths(ONE)["STA1"]) == (False, True)


def test_only_paths_of_the_sources_are_asked_for_because_all_may_be_more_than_an_answer_holds(paths) -> None:
    query = storage_protect.queries(paths.options(path_sources=["STA1", "NAS.1"]), [Target(ONE)])[PATHS]
    assert query[-1].endswith(" FROM paths WHERE source_name IN ('STA1', 'NAS.1')")
    assert {row.split("\t")[3] for row in paths.answer(query).output.splitlines()} == {"STA1"}


def test_what_another_source_does_with_the_drive_does_not_keep_a_path_from_being_confirmed(paths) -> None:
    paths.product.job(ONE)
    paths.set("offline", ONE)
    found = paths.read(ONE).drives[ONE]
    assert (found.state, found.in_use, found.ending) == ("offline", False, False)
    own = paths.read(ONE, change={DRIVES: edit("SP0042L8\tLIBMGR1", "SP0042L8\tSTA1")}).drives[ONE]
    nobody = paths.read(ONE, change={DRIVES: edit("SP0042L8\tLIBMGR1", "SP0042L8\t")}).drives[ONE]
    assert [(one.in_use, one.ending) for one in (own, nobody)] == [(True, True)] * 2


def test_a_path_to_a_drive_that_is_offline_is_no_drive_that_the_floor_loses(paths) -> None:
    paths.product.administrator(ONE, "offline")
    reading = paths.read()
    assert ({drive: found.counts for drive, found in reading.drives.items()}, reading.online) == ({ONE: 0, TWO: 1}, 1)


def test_paths_that_cannot_be_read_say_nothing_of_drives(paths) -> None:
    for answer, said in (
        (of("", 0), "no row of paths is in it"), (of("path\tTS4500A\n"), "one of its rows is cut off"),
        (of("ANR2034E SELECT: No match\nANS8001I Return code 11.\n", 11), "no path begins at STA1; correct"),
        (CommandAnswer(timed_out=True), "did not end in time"),
    ):
        assert said in problem(paths.read(change={PATHS: answer}))


# The lost race


def test_a_drive_that_the_server_marked_after_it_found_it_reserved_shows_a_conflict(site) -> None:
    site.product.lost_race(ONE)
    found = site.read().drives
    assert {drive: (one.state, one.conflict) for drive, one in found.items()} == {
        ONE: ("offline", True), TWO: ("online", False), THREE: ("online", False),
    }


def test_a_drive_that_an_administrator_set_offline_shows_none_whatever_the_log_says(site) -> None:
    site.product.lost_race(ONE)
    site.product.update(ONE, word="NO")
    assert site.read().drives[ONE].conflict is False


def test_a_drive_that_the_server_marked_for_another_reason_shows_none(site) -> None:
    site.product.lost_race(ONE)
    for text in ("error number=5.", "error number=166.", "error number= 46"):
        assert site.read(change={2: edit("error number=16.", text)}).drives[ONE].conflict is False
    assert site.read(change={2: edit("error number=16.", "error number=170")}).drives[ONE].conflict is True
    assert site.read(change={2: edit("error number=16.", "error number = 16")}).drives[ONE].conflict is True


def test_without_the_log_there_is_no_evidence(site) -> None:
    site.product.lost_race(ONE)
    assert site.read(conflict_minutes=0).drives[ONE].conflict is False
    assert site.read(change={2: CommandAnswer(timed_out=True)}).drives[ONE].conflict is False
    assert site.read(session=False).drives[ONE].conflict is True


def test_a_device_that_is_two_drives_on_two_hosts_is_no_evidence(site) -> None:
    site.product.lost_race(ONE)
    site.product.source("STA1", TWO, device="/dev/rmt0")
    assert site.read().drives[ONE].conflict is False


def test_evidence_that_is_not_whole_is_none_for_a_device_may_be_another_drive_in_the_rest(site) -> None:
    site.product.lost_race(ONE)
    assert site.read(change={2: lambda answer: replace(answer, truncated=True)}).drives[ONE].conflict is False


def test_a_device_whose_name_is_a_part_of_another_is_not_taken_for_it(site) -> None:
    site.product.lost_race(ONE)
    assert site.read(change={2: edit("open drive /dev/rmt0,", "open drive /dev/rmt01,")}).drives[ONE].conflict is False


def test_a_message_that_names_the_drive_is_evidence_too(site) -> None:
    site.product.lost_race(ONE)
    named = edit("open drive /dev/rmt0,", "open drive LTO001,")
    assert site.read(change={2: named}).drives[ONE].conflict is True
    assert site.read(change={2: named}, conflict_pattern="drive (?P<device>LTO9)").drives[ONE].conflict is False


def test_a_drive_under_two_names_shows_a_conflict_if_the_server_marked_both(site) -> None:
    site.product.add(ONE, "SHARED07", library="VTLB", device="/dev/rmt0")
    site.product.lost_race(ONE)
    assert site.read(ONE).drives[ONE].conflict is True
    site.product.add(ONE, "SHARED08", library="VTLC", device="/dev/rmt0", online=False)
    assert site.read(ONE).drives[ONE].conflict is False


def test_closed_paths_of_a_drive_that_is_set_as_a_whole_are_shown(site) -> None:
    """It is online, and its server has no way to it."""
    site.product.source("STA1", ONE, online=False)
    found = site.read(ONE, TWO).drives
    assert (found[ONE].state, found[ONE].shown) == ("online", "TS4500A/LTO001: YES, EMPTY, the path from STA1: NO")
    assert found[TWO].shown == "TS4500A/LTO002: YES, EMPTY"
    for number in range(9):
        site.product.source(f"STA{number}", ONE, online=False)
    assert site.read(ONE).drives[ONE].shown.count("the path from") == 3


def test_a_path_that_the_server_closed_shows_a_conflict(paths) -> None:
    """The server sets paths offline itself, so the word of a path does not tell who did it."""
    paths.product.update(ONE, conflict=True)
    paths.product.source("STA1", ONE, online=False)
    found = paths.read(ONE, TWO).drives
    assert (found[ONE].conflict, found[TWO].conflict) == (True, False)


# What is set


def test_one_drive_is_one_call_with_online_alone(site) -> None:
    (setting,) = site.set("offline", ONE)
    assert setting.drives == (ONE,)
    assert [command[-1] for command in setting.commands] == ["UPDATE DRIVE TS4500A LTO001 ONLINE=NO"]
    assert site.product.states(ONE) == ("offline",)
    (setting,) = site.set("online", ONE)
    assert setting.commands[0][-1] == "UPDATE DRIVE TS4500A LTO001 ONLINE=YES"


def test_many_drives_are_one_session_that_ends_by_itself(site) -> None:
    (setting,) = site.set("offline", *SERIALS)
    (dialogue,) = setting.commands
    assert dialogue.lines == (
        (ONE, "UPDATE DRIVE TS4500A LTO001 ONLINE=NO"), (TWO, "UPDATE DRIVE TS4500A LTO002 ONLINE=NO"),
        (THREE, "UPDATE DRIVE TS4500A LTO003 ONLINE=NO"), "QUIT",
    )
    assert dialogue.words[-2:] == ("-dataonly=yes", "-tabdelimited")
    assert states(site.read()) == dict.fromkeys(SERIALS, "offline")


def test_a_hundred_drives_cost_two_sessions_to_set_and_two_calls_to_read(site) -> None:
    drives = [f"10WT002{number:03}" for number in range(100)]
    with site.product.change() as state:
        model = state["drives"][0]
        state["drives"] += [{**model, "serial": drive, "name": f"BIG{drive[-3:]}"} for drive in drives]
    assert len(site.read(*drives).drives) == 100
    assert site.calls == 2
    made = site.set("offline", *drives)
    assert [len(setting.drives) for setting in made] == [50, 50]
    assert site.calls == 2 + 2 + 2
    assert set(states(site.read(*drives)).values()) == {"offline"}


def test_without_sessions_each_command_is_a_call(site) -> None:
    site.product.add(ONE, "SHARED07", library="VTLB")
    made = site.set("offline", ONE, TWO, session=False)
    assert [[command[-1] for command in setting.commands] for setting in made] == [
        ["UPDATE DRIVE TS4500A LTO001 ONLINE=NO", "UPDATE DRIVE VTLB SHARED07 ONLINE=NO"], ["UPDATE DRIVE TS4500A LTO002 ONLINE=NO"],
    ]
    assert site.product.states(ONE) == ("offline", "offline")


def test_a_drive_whose_volume_is_mounted_is_set_because_online_goes_alone(site) -> None:
    site.product.job(ONE)
    site.set("offline", ONE)
    assert (site.product.states(ONE), site.said) == (("offline",), {})


# What is said of a set


def test_a_privilege_that_lacks_is_told(site) -> None:
    names = {ONE: ("TS4500A/LTO001",)}
    said = storage_protect.said(site.options(), "offline", names, [called(site.product.refused)])
    assert said[ONE].why == (
        "the administrator may not do that: it needs system or unrestricted storage privilege (return code 9: ANR2035E UPDATE"
        " DRIVE: Administrator SHARING1 is not authorized to issue this command)"
    )


@pytest.mark.parametrize(("rc", "text", "part"), [
    (12, "ANR8413E UPDATE DRIVE: Drive LTO001 is currently in use.", "the server says that it is in use (return code 12"),
    (11, "ANR8402E UPDATE DRIVE: Drive LTO001 is not defined.", "the server does not know it (return code 11"),
    (3, "ANR2020E UPDATE DRIVE: Invalid parameter", "the server does not understand the command (return code 3"),
    (137, "ANS1051I Invalid user id or password", "the server refuses the administrator or the password"),
    (206, "ANS1017E Session rejected", "the server cannot be reached: ANS1017E Session rejected"),
    (0, "ANS8001I Return code 12.", "the server says that it is in use (return code 12)"),
])  # fmt: skip
def test_what_a_return_code_means_is_told(site, rc, text, part) -> None:
    said = storage_protect.said(site.options(), "offline", {ONE: ("TS4500A/LTO001",)}, [of(f"{text}\n", rc)])
    assert said[ONE].why.startswith(part)
    assert not said[ONE].wrong


def test_in_a_session_a_message_is_for_the_drive_that_it_names(site) -> None:
    names = {ONE: ("TS4500A/LTO001",), TWO: ("TS4500A/LTO0011",), THREE: ("TS4500A/LTO003",)}
    text = (
        "ANR8467I Drive LTO001 in library TS4500A updated.\n"
        "ANR8413E UPDATE DRIVE: Drive LTO0011 is currently in use.\nANS8001I Return code 12.\n"
    )
    said = storage_protect.said(site.options(), "offline", names, [of(text, 12)])
    assert said[TWO].why == "the server says: ANR8413E UPDATE DRIVE: Drive LTO0011 is currently in use"
    assert "return code 12" in said[ONE].why
    assert said[ONE].why == said[THREE].why


def test_nothing_is_said_of_what_went_well(site) -> None:
    site.set("offline", *SERIALS)
    assert site.said == {}


def test_a_command_of_a_session_that_is_refused_does_not_keep_the_others_from_being_done(site) -> None:
    names = {ONE: ("TS4500A/LTO001",), TWO: ("TS4500A/GONE",), THREE: ("TS4500A/LTO003",)}
    (setting,) = storage_protect.settings(site.options(), "offline", names, [Target(drive) for drive in SERIALS])
    answers = [site.answer(command) for command in setting.commands]
    assert (site.product.states(ONE), site.product.states(THREE)) == (("offline",), ("offline",))
    said = storage_protect.said(site.options(), "offline", names, answers)
    assert said[TWO].why == "the server says: ANR8402E UPDATE DRIVE: Drive GONE is not defined in library TS4500A"


def test_a_wrong_password_in_a_session_is_told_of_all_its_drives(site) -> None:
    names = {ONE: ("TS4500A/LTO001",), TWO: ("TS4500A/LTO002",)}
    said = storage_protect.said(site.options(), "offline", names, [called(site.product.is_denied)])
    assert {one.why for one in said.values()} == {f"the server refuses the administrator or the password in {site.credentials}"}


def test_what_keeps_it_from_its_work_is_one_sentence(site, paths) -> None:
    file = site.credentials
    fault("storage-protect-password").seen_in(problem(site.read(change={DRIVES: called(site.product.is_denied)})), FILE=file)
    fault("storage-protect-down").seen_in(problem(site.read(change={DRIVES: called(site.product.is_down)})))
    fault("storage-protect-stanza").seen_in(problem(site.read(server_name="elsewhere")), TEXT="elsewhere")
    fault("storage-protect-rows").seen_in(problem(site.read(change={DRIVES: edit("end", "more")})))
    names = {ONE: ("TS4500A/LTO001",)}
    refused = storage_protect.said(site.options(), "offline", names, [called(site.product.refused)])
    fault("storage-protect-privilege").seen_in(refused[ONE].why, N=9)
    fault("storage-protect-source").seen_in(problem(paths.read(path_sources=["STA7"])), TEXT="STA7")
    fault("storage-protect-scope").seen_in(problem(storage_protect.read({**site.options(), "scope": "host"}, [Target(ONE)], [LISTING, of("")])))
    site.product.add("10WT001009", "LTO001")
    fault("storage-protect-name").seen_in(site.read(ONE).problems[ONE])
    for serial in (*SERIALS, "10WT001009"):
        site.product.forget(serial)
    fault("storage-protect-client").seen_in(problem(site.read()))


PIECES = st.sampled_from([
    "drive", "path", "conflict", "end", "\t", "\n", "\r", "\f", "TS4500A", "LTO001", ONE, TWO, "YES", "NO", "LOADED", "EMPTY", "LIBMGR1",
    "ANS8001I Return code 11.", "ANR2034E", "ANR8779E Unable to open drive LTO001, error number=16", "/dev/rmt0", "\0", "\u2028", "{{ 7 * 7 }}", "",
])  # fmt: skip
NAMES = st.sampled_from(["TS4500A", "LTO001", "LTO002", "lto 1", "", "*"])
ROWS = st.one_of(
    st.tuples(st.just("drive"), NAMES, NAMES, PIECES, st.sampled_from(["YES", "NO", "POLLING", "JA"]), st.sampled_from([*SERIALS, ""]),
              PIECES, PIECES, st.just("end")),
    st.tuples(st.just("path"), NAMES, NAMES, st.just("LIBMGR1"), st.sampled_from(["YES", "NO"]), PIECES, st.just("end")),
    st.tuples(st.just("conflict"), PIECES, PIECES),
    st.lists(PIECES, max_size=12),
)  # fmt: skip
TEXTS = st.lists(ROWS.map("\t".join), max_size=8).map("\n".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS, min_size=3, max_size=3), st.sampled_from([0, 0, 0, 3, 11, 137]), st.booleans())
def test_whatever_is_printed_a_drive_is_found_refused_or_unknown_and_never_an_error_of_ours(texts, rc, by_path) -> None:
    options = storage_protect.check({"path_sources": ["LIBMGR1"] if by_path else [], "drive_names": {THREE: "TS4500A/LTO001"}})
    targets = [Target(serial) for serial in SERIALS]
    answers = [of(text, rc) for text in texts[: len(storage_protect.queries(options, targets))]]
    reading = storage_protect.read(options, targets, answers)
    assert not set(reading.drives) & set(reading.problems)
    assert all("\n" not in said for said in reading.problems.values())
    names = {drive: found.names for drive, found in reading.drives.items()}
    for setting in storage_protect.settings(options, "offline", names, [Target(drive) for drive in names]):
        lines = [line if isinstance(line, str) else line[1] for command in setting.commands for line in getattr(command, "lines", ())]
        assert all(line == "QUIT" or (line.startswith("UPDATE ") and line.isprintable()) for line in lines)
    storage_protect.said(options, "offline", names, answers)
    if rc:
        assert reading.drives == {}
