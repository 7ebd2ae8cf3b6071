# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Veeam Backup & Replication: what is asked, what the answers mean, what is set."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _guarded
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Said, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import veeam
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.tests.products import veeam as fake

IDS = [f"6f1c20ba-7d5f-4a55-8f0e-0d6a5c1b9e0{number}" for number in range(10)]
OPTIONS = veeam.check({})


def row(number: int, serial: str, **more: Any) -> dict[str, Any]:
    """A drive as the module shows it."""
    return {
        "Id": IDS[number], "Name": f"Drive {number}", "SerialNumber": serial, "State": "Empty", "LibraryId": IDS[9], "Device": "Library",
        "Address": "256", "Model": "ULT3580-TD8", "Enabled": True, "IsLocked": False, **more,
    }


def answer(*rows: Any, text: str | None = None, rc: int | None = 0, **more: Any) -> _guarded.CommandAnswer:
    return _guarded.CommandAnswer(rc, json.dumps(list(rows)) if text is None else text, **more)


def read(*drives: str, given: _guarded.CommandAnswer, options: Any = OPTIONS) -> Any:
    return veeam.read(options, [Target(drive) for drive in drives], [given])


def problem(given: _guarded.CommandAnswer) -> str:
    found = read("A1", given=given)
    assert not found.drives
    return str(found.problems["A1"])


def test_one_query_asks_about_all_drives_and_none_about_none() -> None:
    assert veeam.queries(OPTIONS, [Target("A1"), Target("B2")]) == [["Get-VBRTapeDrive"]]
    assert veeam.queries(OPTIONS, []) == []
    assert veeam.read(OPTIONS, [], []).drives == {}
    assert veeam.settings(OPTIONS, "offline", {}, []) == []


def test_a_drive_is_found_by_its_serial_number() -> None:
    found = read("A1", "B2", "C3", given=answer(row(0, " A1 "), row(1, "B2", Enabled=False), row(2, "X9")))
    assert not found.problems
    assert {drive: (one.state, one.names) for drive, one in found.drives.items()} == {
        "A1": ("online", (f"Drive 0 (serial A1, id {IDS[0]})",)), "B2": ("offline", (f"Drive 1 (serial B2, id {IDS[1]})",)),
    }
    assert found.drives["B2"].shown == "Drive 1: Disabled"
    # X9 counts for the floor.
    assert found.online == 2


def test_a_part_of_a_serial_number_is_not_it() -> None:
    assert set(read("A1", "A12", given=answer(row(0, "A12"))).drives) == {"A12"}
    assert set(read("A1", "a1", given=answer(row(0, "a1"))).drives) == {"a1"}


def test_a_drive_that_is_locked_is_in_use_and_one_that_is_disabled_then_is_ending() -> None:
    used = read("A1", "B2", given=answer(row(0, "A1", IsLocked=True), row(1, "B2", IsLocked=True, Enabled=False))).drives
    assert [(one.state, one.in_use, one.ending) for one in used.values()] == [("online", True, False), ("offline", True, True)]
    assert used["A1"].shown == "Drive 0: Enabled, IsLocked"
    assert not used["A1"].conflict


def test_a_drive_known_twice_is_online_if_it_is_so_once_and_both_are_set() -> None:
    one = read("A1", given=answer(row(0, "A1", Enabled=False), row(1, "A1"))).drives["A1"]
    assert one.state == "online"
    (setting,) = veeam.settings(OPTIONS, "offline", {"A1": one.names}, [Target("A1")])
    assert setting.commands == (("Disable-VBRTapeDrive", ("A1", f"A1/{IDS[0]}"), ("A1", f"A1/{IDS[1]}")),)


def test_many_drives_are_set_by_one_command_each_with_its_word() -> None:
    found = read("A1", "B2", given=answer(row(0, "A1"), row(1, "B2")))
    names = {drive: one.names for drive, one in found.drives.items()}
    (setting,) = veeam.settings(OPTIONS, "online", names, [Target("A1"), Target("B2")])
    assert setting.drives == ("A1", "B2")
    assert setting.commands == (("Enable-VBRTapeDrive", ("A1", f"A1/{IDS[0]}"), ("B2", f"B2/{IDS[1]}")),)


def test_a_name_of_veeams_that_looks_like_ours_changes_nothing() -> None:
    evil = f"x (serial B2, id {IDS[5]})"
    names = read("A1", given=answer(row(0, "A1", Name=evil))).drives["A1"].names
    (setting,) = veeam.settings(OPTIONS, "offline", {"A1": names}, [Target("A1")])
    assert setting.commands[0][1:] == (("A1", f"A1/{IDS[0]}"),)


# What PowerShell makes of it


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(row(0, "A1")),
        json.dumps({"value": [row(0, "A1")], "Count": 1}),
        json.dumps({"value": row(0, "A1"), "Count": 1}),
        json.dumps([row(0, "A1", State=1, Address=256, Model=None, Name=None)], indent=4) + "\r\n",
        json.dumps([{**row(0, "A1"), "Medium": {"Name": "LTO00001"}}]),
    ],
    ids=["one object", "a list in an object", "an object in an object", "numbers for names", "more columns"],
)
def test_one_drive_is_understood_however_it_is_written(text: str) -> None:
    assert read("A1", given=answer(text=text)).drives["A1"].state == "online"


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (answer(), "shows no tape drive at all"),
        (answer(text=""), "gave no list of drives: (nothing)"),
        (answer(text="[1]"), "gave no list of drives: [1]"),
        (answer(text='["A1"]'), "gave no list of drives"),
        (answer(text="A1 Enabled"), "gave no list of drives: A1 Enabled"),
        (answer(text="[" * 100_000), "gave no list of drives"),
        (answer(row(0, "A1", IsLocked=None)), "without IsLocked, so this version of Veeam is not known"),
        (answer(row(0, "A1", Enabled=None)), "without Enabled"),
        (answer({"Name": "Drive 1"}), "without Id"),
        (answer(row(0, "A1", Id="1; Remove-Item")), "whose Id is no identifier: 1; Remove-Item"),
        (answer(text="Access is denied.", rc=1), "Veeam's PowerShell says: Access is denied"),
        (answer(text="no valid module file was found.", rc=127), "is this the backup server"),
        (answer(row(0, "A1"), truncated=True), "printed more than can be read"),
        (answer(text="", rc=None, timed_out=True), "did not end in time"),
        (answer(text="", rc=None), "Veeam's PowerShell says: (nothing)"),
    ],
)
def test_what_is_no_list_of_drives_says_nothing_of_any(given: _guarded.CommandAnswer, part: str) -> None:
    assert part in problem(given)


def test_a_state_that_is_neither_is_told() -> None:
    one = read("A1", given=answer(row(0, "A1", Enabled="Maybe"))).drives["A1"]
    assert (one.state, one.shown) == ("other", "Drive 0: Enabled=Maybe")


# Another serial number than the library's


def test_a_drive_is_found_by_its_name_or_identifier_where_no_serial_number_is_its_own() -> None:
    options = veeam.check({"drive_names": {"A1": "drive 0", "B2": [IDS[1].upper()], "C3": ["Drive 2"]}})
    found = read("A1", "B2", "C3", given=answer(row(0, "HU1"), row(1, "(none)"), row(2, "HU2"), row(3, "C3")), options=options)
    # C3 shows itself.
    assert [one.names for one in found.drives.values()] == [
        (f"Drive 0 (serial HU1, id {IDS[0]})",), (f"Drive 1 (serial -, id {IDS[1]})",), (f"Drive 3 (serial C3, id {IDS[3]})",),
    ]


def test_a_name_that_several_drives_have_is_refused_with_their_identifiers() -> None:
    options = veeam.check({"drive_names": {"A1": "Drive"}})
    found = read("A1", given=answer(row(0, "X", Name="Drive"), row(1, "Y", Name="Drive")), options=options)
    assert found.problems["A1"] == (
        f"Veeam has several drives of the name Drive; give an identifier in application_veeam_drive_names: {IDS[0]}, {IDS[1]}"
    )


def test_a_drive_of_veeams_that_would_be_two_is_refused_with_both() -> None:
    options = veeam.check({"drive_names": {"A1": "Drive 0"}})
    found = read("A1", "B2", given=answer(row(0, "B2"), row(1, "C3")), options=options)
    assert not found.drives
    assert set(found.problems) == {"A1", "B2"}
    assert "would be several drives: A1, B2" in found.problems["A1"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"drive_names": ["a"]}, "application_veeam_drive_names must be a dictionary of serial number to name or identifier, not"),
        ({"drive_names": {"A1": 5}}, "application_veeam_drive_names[A1] must be a name or identifier of Veeam's, or a list of them, not '5'"),
        ({"drive_names": {"A1": []}}, "application_veeam_drive_names[A1] must be"),
        ({"drive_names": {"A1": [" "]}}, "application_veeam_drive_names[A1] must be"),
        ({"drive_names": {"A 1": "x"}}, "application_veeam_drive_names[A 1]: its key must be a serial number"),
        ({"drive_names": {"A1": "x", "B2": "X"}}, "must give a name to one drive only, but x is that of A1 and of B2"),
        ({"recheck": -1}, "application_veeam_recheck must be a whole number from 0 to 3600, not '-1'"),
        ({"recheck": 3601}, "application_veeam_recheck must be"),
        ({"recheck": True}, "application_veeam_recheck must be"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        veeam.check(options)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_options_of_an_inventory_in_ini_form_are_understood() -> None:
    assert veeam.recheck(veeam.check({"recheck": "60"})) == 60.0
    assert veeam.recheck(OPTIONS) == 900.0


# What the cmdlets said


def names(*drives: str) -> dict[str, tuple[str, ...]]:
    return {drive: (f"Drive (serial {drive}, id {IDS[number]})",) for number, drive in enumerate(drives)}


def test_each_drive_gets_what_was_said_of_it() -> None:
    rows = [
        {"drive": f"A1/{IDS[0]}", "outcome": "done", "message": ""}, {"drive": f"B2/{IDS[1]}", "outcome": "locked", "message": "it is in use"},
        {"drive": f"C3/{IDS[2]}", "outcome": "already", "message": ""}, {"drive": f"D4/{IDS[3]}", "outcome": "failed", "message": "Denied."},
    ]
    heard = veeam.said(OPTIONS, "offline", names("A1", "B2", "C3", "D4", "E5"), [answer(*rows, rc=1)])
    assert heard == {
        "B2": Said(f"Veeam's drive {IDS[1]} was not set: it is in use"), "D4": Said(f"Veeam's drive {IDS[3]} was not set: Denied"),
        "E5": Said(f"Veeam's drive {IDS[4]} was not set: it was not reached"),
    }


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (answer(text="Access is denied.", rc=1), "Access is denied"),
        (answer(text="hello", rc=0), "Disable-VBRTapeDrive said: hello"),
        (answer(text="", rc=None, timed_out=True), "did not end in time"),
    ],
)
def test_what_is_no_list_is_told_of_all_drives(given: _guarded.CommandAnswer, part: str) -> None:
    heard = veeam.said(OPTIONS, "offline", names("A1", "B2"), [given])
    assert set(heard) == {"A1", "B2"}
    assert all(part in one.why for one in heard.values())


# The fake of the stories speaks as the module does


def printed(product: fake.Veeam, program: str, *words: str) -> _guarded.CommandAnswer:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = product.run(program, words, ())
    return _guarded.CommandAnswer(status, out.getvalue())


def test_what_the_fake_prints_is_understood(tmp_path: Path) -> None:
    product = fake.Veeam(tmp_path / "product")
    product.install(tmp_path / "bin")
    product.add("A1")
    product.add("B2")
    product.job("B2")
    shown = read("A1", "B2", given=printed(product, "Get-VBRTapeDrive"))
    assert [(one.state, one.in_use) for one in shown.drives.values()] == [("online", False), ("online", True)]
    known = {drive: one.names for drive, one in shown.drives.items()}
    (setting,) = veeam.settings(OPTIONS, "offline", known, [Target("A1"), Target("B2")])
    program, *words = (word if isinstance(word, str) else word[1] for word in setting.commands[0])
    heard = veeam.said(OPTIONS, "offline", known, [printed(product, program, *words)])
    assert set(heard) == {"B2"}
    assert [one.state for one in read("A1", "B2", given=printed(product, "Get-VBRTapeDrive")).drives.values()] == ["offline", "online"]
