# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of the module for Windows, and what becomes of its answers, whatever they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _guarded, _guarded_windows, _record
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded import Command, ForDrive, Unit, UnitDrive

NONCE = "n0nce0000001"
DIRECTORY = r"C:\ProgramData\drive_sharing"
STAMP = f"{NONCE}.4711.638995932345678900"


def record(phase: str, sequence: int = 5) -> str:
    return _record.format(_record.Record("here", "D1", "vbr", sequence, phase, "offline", "online", True, "it's reserved"))


UNIT = Unit(
    [UnitDrive("D1", None, 5, record("intent"), record("done")), UnitDrive("D2", None, 5, record("intent"), record("done"))],
    [Command(["set", ForDrive("D1", "A"), ForDrive("D2", "B")], [ForDrive("D1", "line"), "end"])], [["show"]],
)


def read(**more: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "directory": DIRECTORY, "instance": "vbr", "drives": ["D1", "D2"], "queries": [["a", "it's $(x)"], ["b"]], "seconds": 7, "nonce": NONCE,
        **more,
    }
    return dict(json.loads(_guarded_windows.read_command(**values)))


def answer(**more: Any) -> str:
    made = {
        "changed": False, "version": 1, "nonce": NONCE, "id": STAMP, "clock": 1795418096, "problem": None, "records": [], "answers": [],
        "units": [], "listed": [], **more,
    }
    return json.dumps(made)


def of_command(**more: Any) -> dict[str, Any]:
    return {"rc": 0, "output": "yes\n", "timed_out": False, "truncated": False, **more}


RECORDS = [{"drive": "D1", "busy": "-", "text": "-"}, {"drive": "D2", "busy": "-", "text": f"={record('done')} #{STAMP}"}]


def test_values_are_sent_as_they_are() -> None:
    asked = read(directory="c:/ProgramData//drive_sharing/")
    assert asked["directory"] == r"c:\ProgramData\drive_sharing"
    assert asked["queries"][0]["words"] == [{"drive": "", "text": "a"}, {"drive": "", "text": "it's $(x)"}]
    assert (asked["version"], asked["action"], asked["nonce"], asked["seconds"]) == (1, "read", NONCE, 7)


def test_all_requests_have_the_same_keys() -> None:
    # PowerShell may refuse to look at a key that is not there.
    some = json.loads(_guarded_windows.set_command(DIRECTORY, "vbr", [UNIT], 7, None, NONCE))
    listed = json.loads(_guarded_windows.list_command(DIRECTORY, NONCE))
    assert set(read()) == set(some) == set(listed)
    (unit,) = some["units"]
    assert set(unit) == {"drives", "commands", "queries"}
    assert [set(one) for one in unit["drives"]] == [{"drive", "file", "sequence", "expected", "intent", "done"}] * 2


def test_a_unit_is_sent_with_its_drives_in_order_and_its_words_by_drive() -> None:
    swapped = Unit(list(reversed(UNIT.drives)), UNIT.commands, UNIT.queries)
    (unit,) = json.loads(_guarded_windows.set_command(DIRECTORY, "vbr", [swapped], 7, 1795418100, NONCE))["units"]
    assert [one["drive"] for one in unit["drives"]] == ["D1", "D2"]
    assert unit["drives"][0]["sequence"] == "00000000000000000005"
    assert unit["commands"][0] == {
        "words": [{"drive": "", "text": "set"}, {"drive": "D1", "text": "A"}, {"drive": "D2", "text": "B"}],
        "lines": [{"drive": "D1", "text": "line"}, {"drive": "", "text": "end"}],
    }


def test_what_is_expected_has_its_stamp_where_one_was_read() -> None:
    raw = _record.RawRecord(f"{record('done')} #{STAMP}")

    def expected(given: str | None) -> str:
        unit = Unit([UnitDrive("D1", given, 6, None, record("done", 6))])
        return str(json.loads(_guarded_windows.set_command(DIRECTORY, "vbr", [unit], 7, None, NONCE))["units"][0]["drives"][0]["expected"])

    assert expected(raw) == f"={record('done')} #{STAMP}"
    assert expected(record("done") + "\n") == f"={record('done')}"
    assert expected(None) == "-"


NAMES = ["10WT012345", "10wt012345", "Con", "CON", "nul", "A.B", "A.", "lpt1", "a", "A", "COM1", "COM10", "x_-y"]


def test_no_two_drives_or_instances_have_one_file_on_windows() -> None:
    for name_of in (_guarded_windows.drive_file, _guarded_windows.instance_file):
        files = [name_of(name) for name in NAMES]
        assert len({name.casefold() for name in files}) == len(NAMES)
        for name in files:
            assert not set(name) & set('\\/:*?"<>|. ')
            assert name.casefold() not in ("con", "prn", "aux", "nul", *(f"{one}{number}" for one in ("com", "lpt") for number in range(10)))
    assert _guarded_windows.drive_file("10WT012345") == "10WT012345"
    assert _guarded_windows.instance_file("veeam_main") == "veeam_main"
    assert _guarded_windows.instance_file("a:b") == "a%3Ab"


def test_names_of_files_become_the_names_that_they_stand_for() -> None:
    rows = [
        {"instance": _guarded_windows.instance_file(name), "drive": _guarded_windows.drive_file(name), "text": "=x"} for name in NAMES
    ]
    listing = _guarded_windows.parse_list(answer(listed=rows), NONCE)
    assert listing.complete
    assert [(instance, drive) for instance, drive, _text in listing.records] == [(name, name) for name in NAMES]


@pytest.mark.parametrize(
    "directory",
    ["/var/lib/x", "x", "C:", "C:\\", "C:x", r"\\server\share\x", r"C:\a|b", r"C:\a" + "\n", r"C:\..\x:y", None, 5, r"C:\a\\0" + "\0"],
)
def test_a_directory_that_is_none_of_windows_is_refused(directory: Any) -> None:
    with pytest.raises(InvalidValueError, match="must be an absolute path of Windows such as"):
        read(directory=directory)


@pytest.mark.parametrize(
    "change", [{"nonce": "x"}, {"seconds": 0}, {"seconds": True}, {"instance": "../x"}, {"drives": ["a/b"]}, {"drives": [" D1"]}, {"queries": [[]]}]
)
def test_other_values_that_cannot_be_sent_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError):
        read(**change)


def test_a_command_line_that_windows_would_not_take_is_refused_so_that_it_is_halved() -> None:
    drives = [f"D{number}" for number in range(200)]
    unit = Unit([UnitDrive(one, None, 5, record("intent"), record("done")) for one in drives], [Command(["x", *(ForDrive(one, one * 50) for one in drives)])])
    with pytest.raises(InvalidValueError, match="would not fit into a command line of Windows"):
        _guarded_windows.set_command(DIRECTORY, "vbr", [unit], 7, None, NONCE)


# Answers


def test_a_reading_is_understood() -> None:
    stopped = of_command(rc=None, timed_out=True, truncated=True)
    got = _guarded_windows.parse_read(answer(records=RECORDS, answers=[of_command(), stopped]), NONCE, ["D1", "D2"], [["a"], ["b"]])
    assert got.complete
    assert got.clock == 1795418096
    assert got.records == {"D1": None, "D2": record("done")}
    assert getattr(got.records["D2"], "stamp", None) == STAMP
    assert [(one.rc, one.timed_out, one.truncated) for one in got.answers] == [(0, False, False), (None, True, True)]


def test_one_in_place_of_a_list_of_one_is_understood() -> None:
    got = _guarded_windows.parse_read(answer(records=RECORDS[0], answers=of_command()), NONCE, ["D1"], [["a"]])
    assert got.complete
    assert [one.output for one in got.answers] == ["yes\n"]


def test_a_unit_is_understood() -> None:
    drives = [{"drive": "D1", "outcome": "done", "detail": ""}, {"drive": "D2", "outcome": "locked", "detail": "4711"}]
    unit = {"drives": drives, "commands": [of_command()], "queries": [of_command(output="no")]}
    got = _guarded_windows.parse_set(answer(units=[unit]), NONCE, [UNIT])
    assert got.complete
    (one,) = got.units
    assert one.drives == {"D1": "done", "D2": "locked"}
    assert one.messages == ["Drive D2 is locked by process 4711 of the host; nothing was done."]
    assert one.records == {"D1": record("done")}
    assert getattr(one.records["D1"], "stamp", None) == STAMP
    assert (one.commands[0].rc, one.answers[0].output) == (0, "no")


def test_where_nothing_can_be_written_all_drives_are_told_so() -> None:
    got = _guarded_windows.parse_set(answer(problem="Access to the path is denied."), NONCE, [UNIT])
    assert [unit.drives for unit in got.units] == [{"D1": "unwritable", "D2": "unwritable"}]
    assert got.units[0].messages == ["The step cannot write: Access to the path is denied.; nothing was done."]


def test_units_that_were_not_come_to_are_told_so() -> None:
    unit = {"drives": [{"drive": "D1", "outcome": "unfinished", "detail": "hangs 4711"}], "commands": [], "queries": []}
    got = _guarded_windows.parse_set(answer(units=[unit]), NONCE, [UNIT, UNIT])
    assert not got.complete
    assert [one.drives for one in got.units] == [{"D1": "unfinished", "D2": "not_reached"}, {"D1": "not_reached", "D2": "not_reached"}]
    assert "Process 4711, a command for drive D1, cannot be killed" in got.units[0].messages[0]


NO_ANSWERS = {
    "": "The Windows module gave no answer, and nothing was said.",
    "hello": "The Windows module gave no answer: hello.",
    "[]": "The Windows module gave no answer: [].",
    '{"failed": true, "msg": "boom\\nbang."}': "The Windows module failed: boom bang.",
    '{"failed": true}': "The Windows module failed: no reason was given.",
    "{}": "The answer of the Windows module has version None, not 1.",
    answer(version=2): "The answer of the Windows module has version 2, not 1.",
    answer(version=True): "The answer of the Windows module has version True, not 1.",
    answer(nonce="another1"): "The answer of the Windows module is that to another request.",
}


@pytest.mark.parametrize("given", NO_ANSWERS, ids=range(len(NO_ANSWERS)))
def test_what_is_no_answer_leaves_a_set_in_doubt(given: str) -> None:
    reading = _guarded_windows.parse_read(given, NONCE, ["D1"], [["a"]])
    assert (reading.complete, reading.problem) == (False, NO_ANSWERS[given])
    listing = _guarded_windows.parse_list(given, NONCE)
    assert (listing.complete, listing.problem) == (False, NO_ANSWERS[given])
    got = _guarded_windows.parse_set(given, NONCE, [UNIT])
    assert (got.complete, got.problem) == (False, NO_ANSWERS[given])
    assert got.units[0].drives == {"D1": "unfinished", "D2": "unfinished"}


JUNK: list[Any] = [None, True, 5, -1, 1e300, "x", "\x00", [], [None], [[]], {}, {"drive": []}, [{"drive": {}, "outcome": [], "text": 5, "busy": None}]]


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
@pytest.mark.parametrize("key", ["clock", "problem", "records", "answers", "units", "listed", "id"])
def test_junk_in_an_answer_is_believed_by_nobody(key: str, junk: Any) -> None:
    given = answer(**{key: junk})
    reading = _guarded_windows.parse_read(given, NONCE, ["D1"], [["a"]])
    assert not reading.complete
    assert reading.problem
    got = _guarded_windows.parse_set(given, NONCE, [UNIT])
    assert all(outcome in _guarded.OUTCOMES and outcome != "done" for outcome in got.units[0].drives.values())
    assert _guarded_windows.parse_list(given, NONCE).records == []


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_junk_in_a_unit_is_believed_by_nobody(junk: Any) -> None:
    for unit in ({"drives": junk, "commands": junk, "queries": junk}, junk):
        got = _guarded_windows.parse_set(answer(units=[unit]), NONCE, [UNIT])
        (one,) = got.units
        assert set(one.drives.values()) == {"not_reached"}
        assert (len(one.commands), len(one.answers)) == (1, 1)


def test_a_stamp_that_is_none_is_not_expected_later() -> None:
    unit = {"drives": [{"drive": "D1", "outcome": "done", "detail": ""}], "commands": [], "queries": []}
    got = _guarded_windows.parse_set(answer(units=[unit], id="a b"), NONCE, [UNIT])
    assert got.units[0].records["D1"] is None
