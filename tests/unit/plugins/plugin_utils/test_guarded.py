# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pure parts of the guarded step; tests/integration/guarded_step runs it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _guarded, _guarded_script, _record
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded import (
    Command,
    CommandAnswer,
    ForDrive,
    Unit,
    UnitDrive,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._record import RawRecord

NONCE = "9f2c0d5a71e34b68"


def line(drive: str, sequence: int, phase: str, reason: str = "why") -> str:
    return _record.format(_record.Record(
        site="here", drive=drive, instance="nbu_a", sequence=sequence, phase=phase, target="offline", was="online",
        taken=True, reason=reason,
    ))


def item(drive: str, sequence: int = 42, expected: str | None = None, reason: str = "why") -> UnitDrive:
    return UnitDrive(
        drive, expected, sequence, line(drive, sequence, "intent", reason), line(drive, sequence, "done", reason)
    )


def command(*units: Unit, seconds: int = 10, deadline: int | None = None) -> str:
    return _guarded.set_command("/var/lib/drive_sharing", "nbu_a", units, seconds, deadline, NONCE)


def words(text: str) -> list[str]:
    return shlex.split(text)


# the command line


def test_a_command_line_is_a_shell_a_text_and_values() -> None:
    shell, option, script, name, *values = words(
        _guarded.read_command("/var/lib/x/", "nbu_a", ["D1", "D2"], [["a", "it's"], ["b c"]], 7, NONCE, "/usr/xpg4/bin/sh")
    )
    assert (shell, option, name) == ("/usr/xpg4/bin/sh", "-c", "drive_sharing")
    assert values == [NONCE, "/var/lib/x/nbu_a", "/usr/xpg4/bin/sh", "7", "D1\nD2", "2", "a", "it's", "b c"]
    assert 'ask "${7}" "${8}"\nask "${9}"\n' in script


def test_values_never_stand_in_the_text() -> None:
    evil = "$(reboot) `reboot` \" ' \\ ; reboot # \n\t{{ 1 }}"
    unit = Unit([item("D1", reason=evil)], [Command(["prog", evil, ForDrive("D1", evil)])], [["query", evil]])
    script, values = words(command(unit))[2], words(command(unit))[4:]
    assert "reboot" not in script
    assert [f":{evil}", f"D1:{evil}"] == values[values.index(":prog") + 1:][:2]
    plain = words(command(Unit([item("D1")], [Command(["prog", "x", ForDrive("D1", "x")])], [["query", "x"]])))[2]
    assert script == plain


def test_lines_for_standard_input_are_one_value() -> None:
    query = Command(["console", ForDrive("D1", "x")], ["", "status", ForDrive("D1", " it's"), "quit"])
    got = words(_guarded.read_command("/var/lib/x", "nbu_a", ["D1"], [query, ["plain"]], 7, NONCE))
    assert got[10:] == ["\n\nstatus\n it's\nquit", "console", "x", "plain"]
    assert 'feed "${7}"\nask "${8}" "${9}"\nask "${10}"\n' in got[2]


def test_a_command_and_a_query_say_what_of_their_input_is_for_which_drive() -> None:
    dialogue = Command(["console"], ["", ForDrive("D1", "update it's"), "quit"])
    got = words(command(Unit([item("D1")], [dialogue, Command(["x"])], [dialogue, Command(["y"], ["quit"]), ["z"]])))
    lines = ":\nD1:update it's\n:quit"
    assert got[10:] == [lines, ":console", ":x", lines, ":console", "\nquit", "y", "z"]
    wanted = ['feed "${7}"', 'com "${8}"', 'com "${9}"', 'feed "${10}"', 'que "${11}"', 'feed "${12}"', 'ask "${13}"']
    assert "\n".join([*wanted, 'ask "${14}"\n']) in got[2]


def test_a_dialogue_for_two_hundred_drives_fits_into_one_command_line() -> None:
    drives = [f"13102{number:05d}" for number in range(200)]
    dialogue = Command(["console"], [ForDrive(drive, f'disable storage="library" drive={drive}') for drive in drives])
    assert len(shlex.quote(shlex.quote(command(Unit([item(drive) for drive in drives], [dialogue], [dialogue]))))) < 50_000


def test_the_text_has_no_single_quotes_and_only_ascii() -> None:
    for text in (_guarded_script.COMMON, _guarded_script.READ, _guarded_script.SET, _guarded_script.SET_END,
                 _guarded_script.LIST):
        assert "'" not in _guarded_script.sent(text)
        assert text.isascii()


def test_only_comments_and_indentation_are_not_sent() -> None:
    text = '# one\nif x; then\n  # two\n  say "# three"\n\nfi\n'
    assert _guarded_script.sent(text) == 'if x; then\nsay "# three"\nfi\n'


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("text", [
    _guarded_script.COMMON + _guarded_script.READ + 'feed "${7}"\nask "${8}"\n' + _guarded_script.READ_END,
    _guarded_script.COMMON + _guarded_script.SET + 'unit "${6}"\nfeed "${7}"\ncom "${8}"\nque "${8}"\nask "${9}"\nend\n' + _guarded_script.SET_END,
    _guarded_script.COMMON + _guarded_script.LIST,
], ids=["read", "set", "list"])
def test_shellcheck_finds_nothing(text: str, tmp_path: Path) -> None:
    script = tmp_path / "script.sh"
    script.write_text(f"#!/bin/sh\n{text}")
    # SC2329, "this function is never invoked", does not see functions that are called by the name in a variable (each).
    words = ["shellcheck", "--shell=sh", "--exclude=SC2329", str(script)]
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    assert found.stdout == ""
    assert found.returncode == 0


def test_two_hundred_drives_of_a_list_fit_into_one_command_line() -> None:
    drives = [f"13102{number:05d}" for number in range(200)]
    raw = {drive: RawRecord(f"{line(drive, 41, 'done')} #{NONCE}.{100 + place}.5") for place, drive in enumerate(drives)}
    unit = Unit(
        [item(drive, 1000 + place, raw[drive]) for place, drive in enumerate(drives)],
        [Command(["vmoprcmd", *(ForDrive(drive, f"name_{drive}") for drive in drives)])], [["show"]],
    )
    assert len(shlex.quote(shlex.quote(command(unit)))) < 60_000


def test_a_command_line_that_no_host_takes_is_refused() -> None:
    drives = [f"D{number}" for number in range(300)]
    unit = Unit([item(drive, reason=f"{drive * 20}") for drive in drives], [Command(["x" * 50_000])])
    with pytest.raises(InvalidValueError, match="would not fit into one command line .*; nothing was run"):
        command(unit)


def unfolded(lines: str) -> list[dict[str, object]]:
    """Undo ``_guarded._lines`` as the script does."""
    templates = []
    drives = []
    for text in lines.split("\n"):
        if text.startswith("="):
            templates.append(text.split("\t")[1:])
            continue
        drive, sequence, first, first_number, stamp, second, second_number, third, third_number = text.split(" ")

        def full(place: str, number: str, drive: str = drive, stamp: str = stamp) -> str | None:
            if place == "-":
                return None
            values = {"d": drive, "n": number, "z": number.rjust(20, "0"), "s": stamp}
            return "".join(values[piece[0]] + piece[1:] for piece in templates[int(place) - 1])

        drives.append({
            "drive": drive, "sequence": int(sequence), "expected": full(first, first_number),
            "intent": full(second, second_number), "done": full(third, third_number),
        })
    return drives


@given(
    st.lists(st.from_regex(r"[0-9A-Za-z][0-9A-Za-z._-]{0,9}", fullmatch=True), min_size=1, max_size=5, unique=True),
    st.lists(st.integers(0, 10**20 - 1) | st.integers(0, 100), min_size=3, max_size=3), st.text(), st.booleans(),
)
def test_records_arrive_as_they_are(drives: list[str], numbers: list[int], reason: str, stamped: bool) -> None:
    old, new, asked = numbers
    reason += f" {old} {new},{drives[0]} {drives[-1]}{old}"
    items = []
    for place, drive in enumerate(drives):
        before = line(drive, old, "done", reason) + (f" #{NONCE}.{place}.7" if stamped else "")
        items.append(UnitDrive(
            drive, RawRecord(before) if place else None, asked, line(drive, new, "intent", reason),
            line(drive, new, "done", f"{reason}{place}") if place != 1 else None,
        ))
    got = unfolded(_guarded._lines(Unit(items)))
    assert got == [
        {"drive": one.drive, "sequence": asked, "intent": one.intent, "done": one.done,
         "expected": one.expected.line if isinstance(one.expected, RawRecord) else None}
        for one in sorted(items, key=lambda each: each.drive)
    ]


def test_drives_are_locked_in_one_order() -> None:
    assert [one["drive"] for one in unfolded(_guarded._lines(Unit([item("B"), item("a"), item("A")])))] == ["A", "B", "a"]


@pytest.mark.parametrize("change", [
    {"directory": "relative"}, {"directory": ""}, {"directory": "/a\nb"}, {"directory": "/a\0"}, {"directory": None},
    {"instance": ""}, {"instance": "../x"}, {"instance": "a/b"}, {"instance": "-x"}, {"instance": "x" * 65},
    {"drives": ["a b"]}, {"drives": ["../x"]}, {"drives": [""]}, {"drives": [" D1"]}, {"drives": [".lock"]}, {"drives": [7]},
    {"queries": [[]]}, {"queries": [["-x"]]}, {"queries": [[""]]}, {"queries": ["text"]}, {"queries": [["a", 1]]},
    {"queries": [["a", "b\0"]]}, {"queries": [["a", "\udcff"]]}, {"queries": [None]},
    {"seconds": 0}, {"seconds": 3601}, {"seconds": 1.5}, {"seconds": True}, {"seconds": None},
    {"nonce": ""}, {"nonce": "short"}, {"nonce": "a b c d e f g"}, {"nonce": "x" * 41}, {"nonce": "abcdefg."}, {"nonce": None},
    {"shell": "sh"}, {"shell": ""}, {"shell": None},
])
def test_a_wrong_value_is_refused_before_anything_runs(change: dict) -> None:
    values = {
        "directory": "/var/lib/x", "instance": "nbu_a", "drives": ["D1"], "queries": [["show"]], "seconds": 5,
        "nonce": NONCE, "shell": "/bin/sh", **change,
    }
    with pytest.raises(InvalidValueError):
        _guarded.read_command(**values)


@pytest.mark.parametrize(("unit", "match"), [
    (Unit([]), "at least one drive"),
    (Unit([item("D1"), item("D1")]), "only once"),
    (Unit([UnitDrive("D1", None, 1)], [Command(["x"])]), "without an intent"),
    (Unit([item("D1")], [Command([])]), "A command must be"),
    (Unit([item("D1")], [Command([ForDrive("D1", "x")])]), "must begin with the name of a program"),
    (Unit([item("D1")], [Command(["x", ForDrive("D2", "x")])]), "'D2', which is not among its drives"),
    (Unit([item("D1")], [Command(["x"], [ForDrive("D2", "x")])]), "'D2', which is not among its drives"),
    (Unit([item("D1")], [], [Command(["x"], [ForDrive("D2", "x")])]), "A part of a query is for drive 'D2'"),
    (Unit([item("D1")], [Command(["x"], ["a", "b\nc"])]), "The standard input of a command must be a list of lines"),
    (Unit([item("D1")], [Command(["x"], [ForDrive("D1", "b\n")])]), "The standard input of a command must be"),
    (Unit([item("D1")], [Command(["x"], ["a\0"])]), "The standard input of a command must be"),
    (Unit([item("D1")], [Command(["x"], "quit")]), "The standard input of a command must be"),
    (Unit([item("D1")], [Command(["x"], ["\udcff"])]), "The standard input of a command must be"),
    (Unit([item("D1")], [], [Command(["x"], [7])]), "The standard input of a query must be"),
    (Unit([item("D1")], [], [["-x"]]), "A query must be"),
    (Unit([UnitDrive("D1", "junk", 1)]), "The expected record of drive D1 must be one line"),
    (Unit([UnitDrive("D1", None, 1, line("D1", 1, "intent") + "\nx")]), "The intent of drive D1 must be one line"),
    (Unit([UnitDrive("D1", None, 1, None, "1 done {}")]), "The record of drive D1 must be one line"),
    (Unit([UnitDrive("D1", None, -1)]), "The sequence of drive D1 must be"),
    (Unit([UnitDrive("D1", None, 10**20)]), "The sequence of drive D1 must be"),
    (Unit([UnitDrive("D 1", None, 1)]), "drive must be"),
])
def test_a_wrong_unit_is_refused_in_one_sentence(unit: Unit, match: str) -> None:
    with pytest.raises(InvalidValueError, match=match):
        command(unit)


@pytest.mark.parametrize("deadline", [-1, 1.5, "soon", True, 10**13])
def test_a_wrong_deadline_is_refused(deadline: object) -> None:
    with pytest.raises(InvalidValueError, match="The deadline must be"):
        command(Unit([item("D1")]), deadline=deadline)  # type: ignore[arg-type]


# what comes back

READ = f"""
{NONCE} start 1795400000 boot-id
{NONCE} rec D1 - -
{NONCE} rec D2 4711 ={line('D2', 41, 'done')} #n.1.2
{NONCE} out q 0 -
first
no frame
{NONCE} eoo -
{NONCE} out q 271 over

{NONCE} eoo more
{NONCE} end
"""
UNIT = Unit([item("D1"), item("D2")], [Command(["set"]), Command(["set", ForDrive("D2", "x")])], [["show"]])
SET = f"""
{NONCE} start - boot-id {NONCE}.123.456
{NONCE} begun 0
{NONCE} unit 0 -
{NONCE} drive D2 changed
{NONCE} drive D1 done
{NONCE} out c 0 -
set

{NONCE} eoo -
{NONCE} out c - -

{NONCE} eoo -
{NONCE} out q 0 -
shown
{NONCE} eoo -
{NONCE} endunit
{NONCE} end
"""


def read(text: str) -> _guarded.Reading:
    return _guarded.parse_read(text, NONCE, ["D1", "D2"], [["a"], ["b"]])


def test_a_reading_is_understood() -> None:
    got = read(f"Welcome to host{READ}Connection closed.")
    assert got.complete
    assert got.problem is None
    assert (got.clock, got.boot) == (1_795_400_000, "boot-id")
    assert got.records["D1"] is None
    assert got.records["D2"] == line("D2", 41, "done")
    assert got.busy == {"D2": "4711"}
    assert got.answers == [CommandAnswer(0, "first\nno frame"), CommandAnswer(143, "", timed_out=True, truncated=True)]


def test_a_record_that_a_step_is_at_work_on_fits_no_record() -> None:
    raw = read(READ).records["D2"]
    assert isinstance(raw, RawRecord)
    assert raw.stamp == "n.1.2/busy"
    assert unfolded(_guarded._lines(Unit([item("D2", expected=raw)])))[0]["expected"] == raw.line


def test_a_terminal_is_seen_through() -> None:
    plain = READ.replace("no frame", "one\r\ntwo\r")
    assert read(plain.replace("\n", "\r\n")) == read(plain)
    assert read(plain).answers[0].output == "first\none\r\ntwo\r"
    assert _guarded.parse_set(SET.replace("\n", "\r\n"), NONCE, [UNIT]) == _guarded.parse_set(SET, NONCE, [UNIT])


def test_the_empty_line_before_the_first_one_may_be_missing() -> None:
    # ansible-core's local connection takes it away if it comes in one piece with the words of become before it.
    assert read(READ.lstrip()) == read(READ)
    assert _guarded.parse_set(SET.lstrip(), NONCE, [UNIT]) == _guarded.parse_set(SET, NONCE, [UNIT])


def test_if_the_step_was_run_twice_the_last_one_counts() -> None:
    got = read(READ[: READ.index("first")] + READ)
    assert got.complete
    assert len(got.answers) == 2


def test_what_is_told_of_other_drives_is_not_heard() -> None:
    got = read(READ.replace("rec D1 - -", f"rec D1 - -\n{NONCE} rec D\x1b[31m 1 =x\n{NONCE} rec D3 1 =x"))
    assert got == read(READ)
    got = _guarded.parse_set(SET.replace("drive D2", f"drive D\x1b[31m locked 1\n{NONCE} drive D2"), NONCE, [UNIT])
    assert got == _guarded.parse_set(SET, NONCE, [UNIT])


@pytest.mark.parametrize("blank", ["\t", "\v", "\u2028"])
def test_a_record_that_is_written_in_another_way_is_none_that_was_read(blank: str) -> None:
    got = read(READ.replace("rec D1 - -", f"rec D1{blank}-{blank}-"))
    assert (got.complete, "D1" in got.records) == (False, False)
    assert _guarded.parse_list(f"\n{NONCE} start\n{NONCE} rec A{blank}D1{blank}=x\n{NONCE} end\n", NONCE).records == []


def test_an_unreadable_record_is_no_record() -> None:
    got = read(READ.replace("rec D1 - -", "rec D1 - ?"))
    with pytest.raises(InvalidValueError, match="is no record"):
        _record.parse(got.records["D1"])


def test_a_clock_that_cannot_be_read_is_none() -> None:
    assert read(READ.replace("1795400000", "-")).clock is None


def test_a_set_is_understood() -> None:
    got = _guarded.parse_set(SET, NONCE, [UNIT])
    assert got.complete
    unit = got.units[0]
    assert unit.drives == {"D1": "done", "D2": "changed"}
    assert unit.messages == ["The record of drive D2 has changed since it was read; nothing was done."]
    assert unit.commands == [CommandAnswer(0, "set\n"), CommandAnswer()]
    assert unit.answers == [CommandAnswer(0, "shown")]
    assert unit.records == {"D1": line("D1", 42, "done")}
    assert isinstance(unit.records["D1"], RawRecord)
    assert unit.records["D1"].stamp == f"{NONCE}.123.456"


@pytest.mark.parametrize(("said", "outcome", "message"), [
    ("superseded", "superseded", "The record of drive D1 is of a newer change; nothing was done."),
    ("late 1795400009", "late", "The step came to drive D1 after its deadline, at 1795400009; nothing was done."),
    ("locked 4711", "locked", "Drive D1 is locked by process 4711 of the host; nothing was done."),
    ("locked ?", "locked", "Drive D1 is locked by a process that cannot be seen; nothing was done."),
    ("unwritable mv: no", "unwritable", "The record of drive D1 cannot be written: mv: no; nothing was done."),
    ("unfinished time", "unfinished",
     "The commands for drive D1 did not end in time and were stopped; its record is the intent."),
    ("unfinished start", "unfinished", "A command for drive D1 could not be started; its record is the intent."),
    ("unfinished hangs 99", "unfinished",
     "Process 99, a command for drive D1, cannot be killed; the drive stays locked until it ends."),
    ("unfinished full", "unfinished",
     "The file system of the records was full when a command for drive D1 had ended, so its output may be cut;"
     " its record is the intent."),
    ("unfinished input", "unfinished",
     "A command for drive D1 was not started, because the lines for it could not be written (disk full?);"
     " its record is the intent."),
    ("unfinished record disk full", "unfinished",
     "The commands for drive D1 ran, but its record stayed the intent: disk full."),
])
def test_every_outcome_is_one_sentence(said: str, outcome: str, message: str) -> None:
    unit = _guarded.parse_set(SET.replace("drive D1 done", f"drive D1 {said}"), NONCE, [UNIT]).units[0]
    assert unit.drives["D1"] == outcome
    assert message in unit.messages
    assert unit.records == ({"D1": line("D1", 42, "intent")} if outcome == "unfinished" else {})


def test_all_outcomes_are_described() -> None:
    assert set(_guarded.OUTCOMES) == {
        "done", "changed", "superseded", "late", "locked", "unwritable", "not_reached", "unfinished",
    }


def test_a_clock_that_was_not_there_for_the_deadline_is_said() -> None:
    unit = _guarded.parse_set(SET.replace("unit 0 -", "unit 0 1"), NONCE, [UNIT]).units[0]
    assert "The host's clock cannot be read, so the deadline was not checked." in unit.messages


def test_a_step_that_cannot_write_says_why() -> None:
    got = _guarded.parse_set(f"\n{NONCE} start - b i\n{NONCE} fail No space left\n{NONCE} end\n", NONCE, [UNIT])
    assert got.complete
    assert got.units[0].drives == {"D1": "unwritable", "D2": "unwritable"}
    assert got.units[0].messages == ["The step cannot write: No space left; nothing was done."]


@given(st.integers(0, len(READ) - 2))
def test_a_reading_that_is_cut_off_anywhere_is_incomplete(place: int) -> None:
    got = read(READ[:place])
    assert not got.complete
    assert got.problem is not None
    assert got.problem.startswith("The step ")
    assert got.answers == read(READ).answers[: len(got.answers)]


@given(st.integers(0, len(SET) - 2))
def test_a_set_that_is_cut_off_anywhere_says_what_was_reached(place: int) -> None:
    got = _guarded.parse_set(SET[:place], NONCE, [UNIT, UNIT])
    assert not got.complete
    assert got.problem is not None
    assert len(got.units) == 2
    begun = f"{NONCE} begun 0\n" in SET[:place]
    ended = f"{NONCE} endunit\n" in SET[:place]
    wanted = {"D1": "done", "D2": "changed"} if ended else dict.fromkeys(("D1", "D2"), "unfinished" if begun else "not_reached")
    assert got.units[0].drives == wanted
    assert got.units[1].drives == {"D1": "not_reached", "D2": "not_reached"}
    assert got.units[1].commands == [CommandAnswer(), CommandAnswer()]


def test_no_output_at_all_is_told_apart_from_another_output() -> None:
    assert read("").problem == "The step did not begin, and nothing was said."
    assert read("sh: not\x1b found\n").problem == "The step did not begin: sh: not found."


FRAME = st.sampled_from([
    f"\n{NONCE} ", "start ", "rec ", "out ", "eoo ", "end", "endunit", "unit ", "drive ", "begun ", "fail ", "done ",
    "unfinished ", "locked ", "0 ", "1 ", "- ", "q ", "c ", "D1 ", "=", "\n", "\r\n", "\0", "\udcff", " ", "9" * 5000,
])


@given(st.lists(FRAME | st.text(max_size=5), max_size=60).map("".join))
def test_nothing_that_a_host_says_raises(text: str) -> None:
    for given_text in (text, f"\n{NONCE} start 1 b\n{text}", f"\n{NONCE} start - b i\n{text}"):
        reading = read(given_text)
        listing = _guarded.parse_list(given_text, NONCE)
        assert listing.complete == (listing.problem is None)
        assert reading.complete == (reading.problem is None)
        result = _guarded.parse_set(given_text, NONCE, [UNIT, UNIT])
        for unit in result.units:
            assert set(unit.drives) >= {"D1", "D2"}
            assert set(unit.drives.values()) <= set(_guarded.OUTCOMES)
            assert (len(unit.commands), len(unit.answers)) == (2, 1)


LIST = f"""
{NONCE} start -
{NONCE} rec nbu_a D1 ={line('D1', 41, 'done')} #n.1.2
{NONCE} rec sp D1 ?
{NONCE} rec sp D2 =junk
{NONCE} end
"""


def test_a_listing_is_understood() -> None:
    got = _guarded.parse_list(f"Welcome{LIST}", NONCE)
    assert (got.complete, got.problem) == (True, None)
    assert got.records == [("nbu_a", "D1", line("D1", 41, "done")), ("sp", "D1", "(it cannot be read)"), ("sp", "D2", "junk")]
    assert got.records[0][2].line == f"{line('D1', 41, 'done')} #n.1.2"
    assert _guarded.parse_list(LIST.replace("\n", "\r\n"), NONCE) == got


def test_a_host_without_records_has_a_complete_listing() -> None:
    assert _guarded.parse_list(f"\n{NONCE} start -\n{NONCE} end\n", NONCE) == _guarded.Listing(complete=True)


def test_a_listing_with_a_failure_is_not_complete_and_says_why() -> None:
    got = _guarded.parse_list(LIST.replace("start -\n", f"start -\n{NONCE} fail find: no\n{NONCE} fail more\n"), NONCE)
    assert not got.complete
    assert got.problem == "Not all records of the host can be read: find: no; nothing was done."
    assert len(got.records) == 3


@given(st.integers(0, len(LIST) - 2))
def test_a_listing_that_is_cut_off_anywhere_is_incomplete(place: int) -> None:
    got = _guarded.parse_list(LIST[:place], NONCE)
    assert not got.complete
    assert str(got.problem).startswith("The step ")
    assert got.records == _guarded.parse_list(LIST, NONCE).records[: len(got.records)]


@pytest.mark.parametrize("name", ["../x D1", "-x D1", "a/b D1", "nbu_a ../D1", "nbu_a -D1", "nbu_a .lock", "nbu_a D1/x"])
def test_a_name_that_no_record_has_is_not_listed(name: str) -> None:
    assert _guarded.parse_list(f"\n{NONCE} start -\n{NONCE} rec {name} =x\n{NONCE} end\n", NONCE).records == []


@pytest.mark.parametrize("change", [{"directory": "x"}, {"directory": None}, {"nonce": ""}, {"shell": "sh"}])
def test_a_wrong_value_for_a_listing_is_refused(change: dict) -> None:
    with pytest.raises(InvalidValueError):
        _guarded.list_command(**{"directory": "/var/lib/x", "nonce": NONCE, **change})


@pytest.mark.parametrize(("said", "status"), [("0", 0), ("127", 127), ("143", 143), ("271", 143), ("265", 137), ("-", None), ("x", None)])
def test_an_exit_status_is_the_same_from_every_shell(said: str, status: int | None) -> None:
    assert read(READ.replace("out q 0 -", f"out q {said} -")).answers[0].rc == status


def test_output_is_cut_at_its_limit() -> None:
    answer = read(READ.replace("first", "x" * 300_000)).answers[0]
    assert answer.truncated
    assert len(answer.output) == 262_144
