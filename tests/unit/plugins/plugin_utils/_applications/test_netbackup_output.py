# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of NetBackup that are none: failures, other versions, junk, broken tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import netbackup
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._netbackup_status import state_of
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.products.netbackup import DOWN, HERE
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils._applications.netbackup_site import (
    Answered,
    Site,
    target,
)

ONE = target("NBSER0001", "/dev/nst0")
NAME = "IBM.ULT3580-TD8.000"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path / "state")
    made.install(tmp_path / "bin")
    made.add(ONE.drive)
    return made


@pytest.mark.parametrize(("what", "help_"), [
    ("ltid", "start NetBackup's device daemon there; until then nothing is known of the drives"),
    ("oprd", "look at ltid and oprd on that media server, with vmps"),
    ("vmd", "look at vmd on that media server, with vmps"),
    ("emm", "look at nbemm on the master server"),
])  # fmt: skip
@pytest.mark.parametrize("status", ["raw", "table"])
def test_what_is_down_is_told_in_netbackups_words_with_what_helps_though_the_exit_status_is_0(
    site: Site, what: str, help_: str, status: str
) -> None:
    site.given = {"status": status}
    site.behave("down", what)
    problem = site.problem(ONE)
    assert problem.endswith(f" says: {DOWN[what].format(host=HERE)}; {help_}")
    assert problem.startswith("tpconfig -dl" if what == "emm" else "vmoprcmd -")


def test_a_user_who_may_not_operate_drives_is_told_what_to_allow(site: Site) -> None:
    site.behave("denied")
    assert site.problem(ONE) == (
        "tpconfig -dl says: tpconfig: the user is not authorized to perform this operation; use become, or allow this user or host"
        " to operate drives in NetBackup"
    )


def test_a_comment_that_reads_like_a_failure_is_none(site: Site) -> None:
    site.update(ONE.drive, comment="not authorized since the EMM error, see ltid is not active")
    assert site.read(ONE).drives[ONE.drive].state == "online"


@pytest.mark.parametrize("query", ["tpconfig", "-xdraw"])
@pytest.mark.parametrize(("answer", "expected"), [
    (Answered("", None, timed_out=True), "did not end in time and was stopped"),
    (Answered("x" * 50, 0, truncated=True), "printed more than can be read"),
    (Answered("sh: /usr/openv/volmgr/bin/vmoprcmd: not found", 127), "cannot be run: "),
    (Answered("Segmentation fault", 139), "failed with exit status 139: Segmentation fault"),
    (Answered("", 0), "answered in a form that is not known, and nothing was guessed"),
])  # fmt: skip
def test_an_answer_that_is_none_is_one_sentence(site: Site, query: str, answer: Answered, expected: str) -> None:
    site.spoil = {query: lambda _text: answer}
    problem = site.problem(ONE)
    assert expected in problem
    assert "\n" not in problem


def test_a_program_that_is_not_there_is_told_with_the_option_that_helps(site: Site) -> None:
    site.spoil = {"tpconfig": lambda _text: Answered("drive_sharing: exec: line 9: /usr/openv/volmgr/bin/tpconfig: not found", 127)}
    assert site.problem(ONE) == (
        "tpconfig cannot be run: /usr/openv/volmgr/bin/tpconfig: not found; give its directory in application_netbackup_directory"
    )


def test_a_status_of_netbackups_own_is_not_taken_for_that_of_a_shell(site: Site) -> None:
    site.spoil = {"tpconfig": lambda _text: Answered("not authorized to connect to vmd (126)", 126)}
    assert site.problem(ONE).startswith("tpconfig -dl says: not authorized to connect to vmd (126); use become")


def test_a_table_with_an_exit_status_of_failure_is_not_believed(site: Site) -> None:
    site.spoil = {"-xdraw": lambda text: Answered(text, 5)}
    assert "vmoprcmd -xdraw ds failed with exit status 5" in site.problem(ONE)


@pytest.mark.parametrize("status", ["raw", "table"])
def test_the_columns_of_another_version_are_refused_and_not_guessed_at(site: Site, status: str) -> None:
    site.given = {"status": status}
    site.behave("columns")
    assert "answered in a form that is not known, and nothing was guessed; it may be another version of NetBackup" in site.problem(
        ONE
    )


@pytest.mark.parametrize("place", range(1, 12))
def test_a_new_column_of_xdraw_before_the_name_is_refused_wherever_it_stands(site: Site, place: int) -> None:
    for word in ("-", "0", "media9", "hcart3"):

        def spoil(text: str, place: int = place, word: str = word) -> str:
            words = text.split()
            return " ".join([*words[:place], word, *words[place:]]) + "\n"

        site.spoil = {"-xdraw": spoil}
        assert "answered in a form that is not known" in site.problem(ONE), word


@pytest.mark.parametrize("end", ["- - ?", "Yes - 0", "12 - 0", "-", "0 - 0", "me@1 - 0"])
def test_a_row_of_a_drive_that_is_known_whose_end_is_not_is_refused(site: Site, end: str) -> None:
    site.add("NBSER0002")
    site.spoil = {"-xdraw": lambda text: text.replace(f"{NAME} - - 1763800000", f"{NAME} {end}")}
    assert "answered in a form that is not known" in site.problem(ONE)


@pytest.mark.parametrize(("end", "used"), [
    ("- - -", False), ("- 0 01/12/2026", False), ("- Yes 0", False), ("media1 - 0", True), ("10.1.2.3 - 0", True),
    ("media1.example.com - 12:30", True),
])  # fmt: skip
def test_the_end_of_a_row_may_be_written_in_several_ways(site: Site, end: str, used: bool) -> None:
    site.spoil = {"-xdraw": lambda text: text.replace(f"{NAME} - - 1763800000", f"{NAME} {end}")}
    assert site.read(ONE).drives[ONE.drive].in_use is used


def test_rows_of_drives_that_tpconfig_does_not_list_are_passed_over(site: Site) -> None:
    site.add("NBSER0002")
    for status in ("raw", "table"):
        site.given = {"status": status}
        site.spoil = {"tpconfig": lambda text: text.partition("Drive Name              IBM.ULT3580-TD8.001")[0]}
        assert site.read(ONE).drives[ONE.drive].state == "online"


@pytest.mark.parametrize("place", [1, 2, 3, 7, 8, 10])
def test_columns_of_xdraw_in_another_order_are_refused(site: Site, place: int) -> None:
    def spoil(text: str) -> str:
        words = text.split()
        words[place], words[place + 1] = words[place + 1], words[place]
        return " ".join(words) + "\n"

    site.spoil = {"-xdraw": spoil}
    assert "answered in a form that is not known" in site.problem(ONE)


@pytest.mark.parametrize(("place", "word"), [
    (1, "x"), (2, "HCART"), (2, "h"), (3, "tld"), (3, "DOWN_TLD"), (7, "none"), (8, "tld"), (9, "zero"), (10, "UP"), (10, "-1"),
])  # fmt: skip
def test_what_a_column_of_xdraw_cannot_have_is_refused(site: Site, place: int, word: str) -> None:
    site.spoil = {"-xdraw": lambda text: " ".join([*text.split()[:place], word, *text.split()[place + 1:]]) + "\n"}
    assert "answered in a form that is not known" in site.problem(ONE)


@pytest.mark.parametrize("place", range(12))
def test_a_column_of_xdraw_that_is_no_more_is_refused(site: Site, place: int) -> None:
    def spoil(text: str) -> str:
        words = text.split()
        return " ".join([*words[:place], *words[place + 1:]]) + "\n"

    site.spoil = {"-xdraw": spoil}
    assert "answered in a form that is not known" in site.problem(ONE)


@pytest.mark.parametrize("spoil", [
    lambda text: text.replace("Control  User", "User     Control"),
    lambda text: text.replace("ReqId", "ReqId  Health"),
    lambda text: text.replace("DOWN-TLD", "DOWN-TLD-by-administrator"),
    lambda text: text.replace(" hcart3 ", " hcart3_of_another_kind "),
    lambda text: text.replace("  0 hcart3", "  x hcart3"),
    lambda text: text.replace("DriveName", "Name     "),
    lambda text: text.replace("ADDITIONAL DRIVE STATUS", "MORE DRIVE STATUS"),
    lambda text: text.partition("ADDITIONAL")[0],
    lambda text: text + f"  0 {NAME}  Yes       -               -\n",
    lambda text: text.replace(" No  ", " ?   "),
    lambda text: text.replace(" Yes  ", " Perhaps"),
], ids=range(11))  # fmt: skip
def test_tables_that_are_not_as_they_should_be_are_refused(site: Site, spoil: Callable[[str], str]) -> None:
    site.given = {"status": "table"}
    site.administrator(ONE.drive, "offline")
    assert site.read(ONE).drives[ONE.drive].state == "offline"
    site.spoil = {"vmoprcmd -d": spoil}
    assert "vmoprcmd -d answered in a form that is not known" in site.problem(ONE)


def test_the_table_of_the_documentation_is_read_as_it_stands(site: Site) -> None:
    """The columns of a real system: the user, the request and the tape stand below their titles."""
    site.given = {"status": "table"}
    more = (
        "                             ADDITIONAL DRIVE STATUS\n\n"
        "Drv DriveName            Shared    Assigned        Comment\n"
        f"  0 {NAME}  Yes       -               -\n"
    )
    for row, state, used in (
        ("  0 hcart3 DOWN-TLD             -                     No       -         0", "offline", False),
        ("  0 hcart3   TLD                -                     No       -         0", "online", False),
        ("  0 hcart3   TLD    root       Yes   C00001  C00001  Yes     Yes        12", "online", True),
    ):
        text = (
            "\n                                  DRIVE STATUS\n\n"
            f"Drv Type   Control  User      Label  RecMID  ExtMID  Ready   Wr.Enbl.  ReqId\n{row}\n\n{more}"
        )
        site.spoil = {"vmoprcmd -d": lambda _text, text=text: text}  # type: ignore[misc]
        found = site.read(ONE).drives[ONE.drive]
        assert (found.state, found.in_use) == (state, used), row


@pytest.mark.parametrize("query", ["tpconfig", "-xdraw", "-dp"])
def test_junk_says_nothing_of_a_drive_and_no_control_character_of_it_is_shown(site: Site, query: str) -> None:
    site.add("NBSER0003", "Two paths", paths=["/dev/nst4", "/dev/nst5"])
    site.spoil = {query: lambda _text: "\033[2J{{ 7 * 7 }} \001\377 $(reboot)\nDRIVESTATUS\n" * 3}
    problem = site.problem(target("NBSER0003")) if query == "-dp" else site.problem(ONE)
    assert "answered in a form that is not known" in problem
    assert problem.isprintable()


@pytest.mark.parametrize(("old", "new"), [
    ("Media Server", "Device Host"), ("Drive Path", "Path"), ("Serial Number", "Serial No"), ("Serial Number", "SERIAL NUMBER"),
])  # fmt: skip
def test_labels_of_emm_dev_list_are_known_in_several_writings(site: Site, old: str, new: str) -> None:
    site.given = {"media_servers": [HERE]}
    site.spoil = {"-emm_dev_list": lambda text: text.replace(old, new)}
    assert site.read(ONE).drives[ONE.drive].names == (f"{NAME} (on {HERE})",)


@pytest.mark.parametrize("text", ["", "Robot:  0\nApath:  /dev/sg9\nSerial Number:  NBSER0001\n", "All is well.\n"])
def test_a_list_of_emm_without_any_drive_does_not_say_that_a_drive_is_not_configured(site: Site, text: str) -> None:
    site.given = {"media_servers": [HERE]}
    site.spoil = {"-emm_dev_list": lambda _text: text}
    assert "tpconfig -emm_dev_list answered in a form that is not known" in site.problem(ONE)
    assert site.problem(ONE).endswith(f": {text.replace(chr(10), ' ').replace('  ', ' ').strip() or '(nothing)'}")


def test_a_row_may_end_without_a_comment_and_without_a_host(site: Site) -> None:
    site.spoil = {"-xdraw": lambda text: text.strip().removesuffix(" -")}
    assert site.read(ONE).drives[ONE.drive].names == (NAME,)
    site.given = {"status": "table"}
    site.spoil = {"vmoprcmd -d": lambda text: text.partition(f"0 {NAME}")[0] + f"0 {NAME}  Yes\n"}
    assert site.read(ONE).drives[ONE.drive].names == (NAME,)


def test_a_drive_of_emm_dev_list_without_a_media_server_is_refused(site: Site) -> None:
    site.given = {"media_servers": [HERE]}
    site.spoil = {"-emm_dev_list": lambda text: text.replace("Media Server", "Some Server")}
    assert "tpconfig -emm_dev_list answered in a form that is not known" in site.problem(ONE)


def test_the_robot_after_a_drive_gives_it_no_path_and_no_serial_number(site: Site) -> None:
    site.spoil = {
        "tpconfig": lambda text: text.replace(f"Serial Number           {ONE.drive}\n", "")
        + "\nRobotic Path            /dev/sg7\nPassthru Path           /dev/sg8\n"
    }
    assert site.read(ONE).drives[ONE.drive].names == (NAME,)


def test_the_user_or_reason_of_a_column_is_no_number(site: Site) -> None:
    site.spoil = {"-xdraw": lambda text: text.replace(" 16 ", " 0x00000010 ")}
    assert site.read(ONE).drives[ONE.drive].in_use is False


PIECES = st.sampled_from([
    "DRIVESTATUS ", "Drive Name ", "Drive: ", "Serial Number ", "Drive Path ", "Media Server: ", "Drv DrivePath Status Label Ready",
    "                    DRIVE STATUS", "          ADDITIONAL DRIVE STATUS", ONE.drive, NAME, "TLD", "DOWN-TLD", "PEND-TLD", "-", "0", "7", "Yes",
    "/dev/nst0", "\n", " ", "   ", ":", "=", "(", "\0", "\x1b[2J", "{{ 7 * 7 }}", "EMM failed", HERE,
    "Drv Type   Control  User      Label  RecMID  ExtMID  Ready   Wr.Enbl.  ReqId", "Drv DriveName            Shared    Assigned        Comment",
])  # fmt: skip
ANSWERS = st.lists(PIECES | st.text(max_size=5), max_size=40).map("".join)


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(ANSWERS, min_size=6, max_size=6), status=st.sampled_from(["raw", "table"]), everywhere=st.booleans())
def test_whatever_is_answered_it_is_a_drive_a_sentence_or_nothing(texts: list[str], status: str, everywhere: bool) -> None:
    options = netbackup.check({
        "status": status, "media_servers": [HERE] if everywhere else [], "conflict_log": "/var/log/messages",
    })  # fmt: skip
    options |= {"control_point": HERE, "scope": "host"}
    answers = [Answered(text) for text, _query in zip(texts, netbackup.queries(options, [ONE]), strict=False)]
    reading = netbackup.read(options, [ONE], answers)
    assert not (set(reading.drives) & set(reading.problems))
    assert all(problem.isprintable() for problem in reading.problems.values())
    for found in reading.drives.values():
        assert found.state in ("online", "offline", "other")
        for state in ("online", "offline"):
            assert netbackup.settings(options, state, {ONE.drive: found.names}, [ONE])


@pytest.mark.parametrize("line", [
    "a" + " " * 250_000 + "x", "EMM " * 60_000, "        " + "A " * 120_000 + "!", "1 x" + " " * 250_000 + "y",
    "Reservation Conflict status from " * 8_000, "Drive: " + "x" * 250_000, "DRIVESTATUS " + "- " * 120_000, "Drive Name " + "x y " * 60_000,
], ids=range(8))  # fmt: skip
@pytest.mark.parametrize("status", ["raw", "table"])
def test_a_line_that_has_no_end_takes_no_time(site: Site, line: str, status: str) -> None:
    site.given = {"status": status, "conflict_log": "/var/log/messages"}
    for query in ("tpconfig", "-xdraw", "vmoprcmd -d", "-dp", "grep"):
        site.spoil = {query: lambda text: f"{text}\n{line}\n"}
        site.read(ONE)
    site.given = {"status": status, "media_servers": [HERE]}
    site.spoil = {"tpconfig": lambda text: f"{text}\n{line}\n"}
    site.read(ONE)


PAGE = (Path(__file__).parents[5] / "docs" / "application_netbackup.md").read_text(encoding="utf-8")


def test_the_page_says_what_each_control_mode_is_taken_for() -> None:
    rows = re.findall(r"^\| (`[A-Z].*) \| (online|offline)", PAGE, re.MULTILINE)
    assert len(rows) == 3
    said = {control: state for controls, state in rows for control in re.findall(r"`([A-Z0-9-]+)`", controls)}
    assert {control: state_of(control) for control in said} == said
    assert {"TLD", "AVR", "SCAN-TLD", "DOWN-TLD", "PEND-TLD"} <= set(said)


def test_what_keeps_it_from_its_work_is_one_sentence(site: Site) -> None:
    site.behave("down", "ltid")
    fault("netbackup-ltid").seen_in(site.problem(ONE), HOST=HERE)
    site.behave("down", "oprd")
    fault("netbackup-oprd").seen_in(site.problem(ONE))
    site.behave("down", "emm")
    fault("netbackup-emm").seen_in(site.problem(ONE))
    site.behave("denied")
    fault("netbackup-rights").seen_in(site.problem(ONE))
    site.behave("columns")
    fault("netbackup-form").seen_in(site.problem(ONE))
    site.behave()
    site.spoil = {"tpconfig": lambda _text: Answered("sh: tpconfig: not found", 127)}
    fault("netbackup-no-program").seen_in(site.problem(ONE))
    site.add("NBSER0002", f"{NAME}0")
    site.spoil = {"-xdraw": lambda text: text.replace(f"{NAME} ", f"{NAME}0 ")}
    fault("netbackup-not-shown").seen_in(site.problem(ONE))
    site.spoil = {}
    fault("netbackup-replaced").seen_in(site.problem(target("NBSER9999", "/dev/nst0")), FILE="/dev/nst0")
    site.add("NBSER0003", "Two paths", paths=["/dev/nst4", "/dev/nst5"])
    site.spoil = {"-dp": lambda text: text.replace("/dev/nst5", "/dev/nst6")}
    fault("netbackup-path").seen_in(site.problem(target("NBSER0003")), FILE="/dev/nst5")
    site.scope = "instance"
    fault("netbackup-no-servers").seen_in(site.problem(ONE))
    site.given = {"media_servers": [HERE]}
    site.add(ONE.drive, NAME, host="media2")
    fault("netbackup-servers").seen_in(site.problem(ONE))
    site.given, site.scope = {}, "host"
    site.add("NBSER0004", NAME)
    fault("netbackup-same-name").seen_in(site.problem(ONE))
    site.add("", "No serial")
    fault("netbackup-no-serial").seen_in(site.problem(target("NBSER9999")))
