# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _data_protector_script as script
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import data_protector
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault

D1, D2 = Target("7701", (), "because"), Target("7702")
LINE = "=" * 169


@dataclass(frozen=True)
class Answered:
    """As ``_guarded.CommandAnswer``."""

    output: str = ""
    rc: int | None = 0
    timed_out: bool = False
    truncated: bool = False


def options(**over: Any) -> dict[str, Any]:
    given = {"disable_behind": "LIBRARY", "drive_names": {"7701": ["ULT_1_alpha", "ULT_1_beta"], "7702": "ULT_2"}, **over}
    return data_protector.check({key: value for key, value in given.items() if value is not ...})


def record(name: str, *lines: str, library: str = "MSL") -> str:
    return "\n".join([f'NAME "{name}" ', 'DESCRIPTION "the name is in the LIBRARY" ', "HOST alpha.example.com ", f'LIBRARY "{library}" ',
                      *lines, "POOL Default ", LINE, ""])  # fmt: skip


def read(final: dict[str, Any], *answers: Answered | str, targets: Sequence[Target] = (D1, D2)) -> Any:
    full = [Answered(answer) if isinstance(answer, str) else answer for answer in answers]
    assert len(full) == len(data_protector.queries(final, targets))
    return data_protector.read(final, targets, full)


def found(reading: Any) -> dict[str, tuple[tuple[str, ...], str]]:
    return {drive: (one.names, one.state) for drive, one in reading.drives.items()}


def refused(message: str, **over: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        options(**over)
    assert str(caught.value) == message


ALL = record("ULT_1_alpha") + record("ULT_1_beta", "-disable ") + record("ULT_2", "-disable")


# Options.


def test_where_the_line_belongs_has_to_be_said() -> None:
    refused(
        "application_data_protector_disable_behind must be given: where the line -disable stands in the file of a device is not"
        " verified; docs/application_data_protector.md says how to see it",
        disable_behind=...,
    )


@pytest.mark.parametrize("value", ["", "a b", '"x"', "$(reboot)", 5, "a\n", ["NAME"]])
def test_it_is_the_first_word_of_a_line(value: Any) -> None:
    refused(f"application_data_protector_disable_behind must be the first word of a line, not {str(value)[:60]!r}", disable_behind=value)


@pytest.mark.parametrize("key", ["omnidownload_command", "omniupload_command"])
@pytest.mark.parametrize("value", ["", "-x", "a\nb", ["omnidownload"], 5, "a\0"])
def test_a_program_is_a_name_or_path(key: str, value: Any) -> None:
    refused(f"application_data_protector_{key} must be the name or path of the program, not {str(value)[:60]!r}", **{key: value})


@pytest.mark.parametrize("value", ["-file", "a b", "", "a;b", "$(x)", "\n"])
def test_the_server_is_a_name(value: Any) -> None:
    refused(f"application_data_protector_server must be the name of a cell manager, not {value!r}", server=value)


@pytest.mark.parametrize("name", ["-delete", 'a"b', "a\nb"])
def test_a_device_name_cannot_be_an_option_or_have_quotes(name: str) -> None:
    refused(
        f"application_data_protector_drive_names[7701] must be names of devices, without quotes and not like an option, not {name!r}",
        drive_names={"7701": ["A", name]},
    )


def test_messages_about_names_are_those_of_this_role() -> None:
    refused(
        "application_data_protector_drive_names must give a name to one drive only, but A is that of 7701 and of 7702",
        drive_names={"7701": "A", "7702": ["B", "A"]},
    )
    refused("application_data_protector_offline_kills_job must be true or false, not 'perhaps'", offline_kills_job="perhaps")


@pytest.mark.parametrize(("key", "value", "other"), [("in_use_command", ["x"], "in_use_pattern"), ("in_use_pattern", "x", "in_use_command")])
def test_what_shows_the_sessions_has_command_and_pattern(key: str, value: Any, other: str) -> None:
    refused(f"application_data_protector_{other} must be given together with application_data_protector_{key}", **{key: value})


@pytest.mark.parametrize("value", ["x", [], [5], [""], ["-x"], ["a\0"]])
def test_the_command_that_shows_the_sessions_is_a_list_of_words(value: Any) -> None:
    refused(
        f"application_data_protector_in_use_command must be a list of words with the command first, not {str(value)[:60]!r}",
        in_use_command=value, in_use_pattern="(?P<name>x)",
    )


def test_the_pattern_of_the_sessions_names_the_device() -> None:
    refused("application_data_protector_in_use_pattern must have the named group (?P<name>...)", in_use_command=["x"], in_use_pattern="x")
    with pytest.raises(InvalidValueError, match="^application_data_protector_in_use_pattern must be a regular expression: "):
        options(in_use_command=["x"], in_use_pattern="(")


# Queries.


def test_one_command_reads_the_whole_cell() -> None:
    (words,) = data_protector.queries(options(), [D1, D2])
    assert words == ["/bin/sh", "-c", script.LIST, "data-protector", "omnidownload", "-list_devices", "-detail"]
    (words,) = data_protector.queries(options(server="cm.example.com", omnidownload_command="/opt/omni/bin/omnidownload"), [D1])
    assert words[4:] == ["/opt/omni/bin/omnidownload", "-list_devices", "-detail", "-server", "cm.example.com"]


def test_no_value_is_in_the_text_of_the_script() -> None:
    final = options(drive_names={"7701": "$(reboot)"}, server="cm1")
    (setting,) = data_protector.settings(final, "offline", {"7701": ["$(reboot)"]}, [D1])
    (words,) = setting.commands
    assert words[:4] == ("/bin/sh", "-c", script.SET, "data-protector")
    assert words[4:] == ("offline", "$(reboot)", "LIBRARY", "omnidownload", "omniupload", "-server", "cm1")


# Reading.


def test_a_drive_is_online_while_one_of_its_devices_is_enabled() -> None:
    assert found(read(options(), ALL)) == {
        "7701": (("ULT_1_alpha", "ULT_1_beta"), "online"), "7702": (("ULT_2",), "offline"),
    }


def test_all_devices_of_a_drive_are_set() -> None:
    (setting,) = data_protector.settings(options(), "online", {"7701": ["ULT_1_alpha", "ULT_1_beta"]}, [D1])
    assert [words[4:6] for words in setting.commands] == [("online", "ULT_1_alpha"), ("online", "ULT_1_beta")]


@pytest.mark.parametrize("name", ["ULT_20", "XULT_2", "ult_2", "ULT_2 ", " ULT_2"])
def test_a_name_that_only_resembles_is_another_device(name: str) -> None:
    reading = read(options(drive_names={"7702": "ULT_2"}), record(name), targets=[D2])
    assert (reading.drives, reading.problems) == ({}, {})


@pytest.mark.parametrize("line", ["-disable", " -disable ", "\t-disable\t", "-disable\r"])
def test_the_line_counts_whatever_blanks_are_around_it(line: str) -> None:
    assert found(read(options(), record("ULT_2", line), targets=[D2])) == {"7702": (("ULT_2",), "offline")}


@pytest.mark.parametrize("line", ["-disabled", "-disable_x", 'COMMENT "-disable"', "x -disable", "-enable -disable"])
def test_a_line_that_only_resembles_disables_nothing(line: str) -> None:
    assert found(read(options(), record("ULT_2", line), targets=[D2])) == {"7702": (("ULT_2",), "online")}


def test_the_line_of_one_device_is_not_that_of_the_next() -> None:
    reading = read(options(drive_names={"7701": "A", "7702": "B"}), record("A", "-disable") + record("B"))
    assert found(reading) == {"7701": (("A",), "offline"), "7702": (("B",), "online")}


def test_a_record_with_two_names_is_not_believed() -> None:
    text = record("A").replace(LINE, "") + record("B", "-disable") + record("C")
    reading = read(options(drive_names={"7701": "A", "7702": "B"}), text)
    assert found(reading) == {"7701": (("A",), "other"), "7702": (("B",), "other")}
    assert reading.drives["7702"].shown == "B: a record with several names"


def test_one_of_a_drives_devices_that_is_misspelt_is_refused_for_the_drive_would_be_used_by_it() -> None:
    reading = read(options(drive_names={"7701": ["ULT_1_alpha", "ULT_1_beat"], "7702": "ULT_2"}), ALL)
    assert found(reading) == {"7702": (("ULT_2",), "offline")}
    assert reading.problems == {
        "7701": "the cell has no device ULT_1_beat, which application_data_protector_drive_names gives beside ULT_1_alpha; correct it"
    }


def test_a_drive_of_which_the_cell_has_no_device_is_not_configured() -> None:
    reading = read(options(drive_names={"7701": ["X", "Y"], "7702": "ULT_2"}), ALL)
    assert (list(reading.drives), reading.problems) == (["7702"], {})


@pytest.mark.parametrize("text", ["", "The cell manager is not reachable", "Device Name  Library  Host\nULT_2  MSL  alpha\n", "===\n" * 9])
def test_a_listing_without_a_record_says_nothing(text: str) -> None:
    reading = read(options(), text)
    assert reading.drives == {}
    assert set(reading.problems) == {"7701", "7702"}
    assert reading.problems["7701"].startswith("the listing shows no device: ")


@generated(st.text(alphabet='NAME "-disable\n=\tULT_2\r\0', max_size=300))
def test_no_listing_raises(text: str) -> None:
    read(options(), text)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answered("[12:1625] cannot connect to the Cell Manager", rc=1), "the query failed with exit status 1: [12:1625] cannot connect"),
        (Answered(ALL, timed_out=True), "the query did not end in time"), (Answered(ALL, truncated=True), "the query printed more than"),
    ],
)
def test_a_listing_that_failed_is_not_read(answer: Answered, said: str) -> None:
    reading = read(options(), answer)
    assert reading.drives == {}
    assert reading.problems["7702"].startswith(said)


def test_the_floor_counts_drives_not_devices_and_none_for_files() -> None:
    text = ALL + record("FileLib_Writer0") + record("ULT_3_alpha") + record("ULT_3_beta")
    assert read(options(), text).online == 1
    final = options(drive_names={"7701": ["ULT_1_alpha", "ULT_1_beta"], "7702": "ULT_2", "7703": ["ULT_3_alpha", "ULT_3_beta"]})
    assert read(final, text).online == 2


# Sessions.


def busy(**over: Any) -> dict[str, Any]:
    return options(in_use_command=["in_use"], in_use_pattern=r"^(?P<name>\S+) session", **over)


def test_a_device_in_use_is_seen_by_the_sites_command() -> None:
    reading = read(busy(), ALL, "ULT_1_beta session 2026/11/22-4\nULT_20 session 2026/11/22-5\n")
    assert {drive: one.in_use for drive, one in reading.drives.items()} == {"7701": True, "7702": False}


def test_no_device_in_use_is_an_answer_too() -> None:
    assert not any(one.in_use for one in read(busy(), ALL, "").drives.values())


def test_while_the_sessions_cannot_be_seen_nothing_is_set() -> None:
    reading = read(busy(), ALL, Answered("no such file", rc=127))
    assert reading.drives == {}
    assert reading.problems["7702"] == "application_data_protector_in_use_command failed with exit status 127: no such file"


def test_a_session_that_goes_on_keeps_a_drive_from_being_confirmed() -> None:
    for kills in (False, True):
        reading = read(busy(offline_kills_job=kills), ALL, "ULT_2 session 4\n")
        assert (reading.drives["7702"].state, reading.drives["7702"].ending) == ("offline", not kills)


# What the script says.


def heard(rc: int, output: str) -> Any:
    return data_protector.said(options(), "offline", {"7702": ["ULT_2"]}, [Answered(output, rc=rc)])


def test_the_sentence_of_the_script_is_told_with_the_programs_own_words() -> None:
    said = heard(script.NOT_SET, "drive_sharing: omniupload failed with exit status 3:\n[12:8115] Parse error\n line 7\n")["7702"]
    assert (said.why, said.wrong, said.beside) == ("omniupload failed with exit status 3: [12:8115] Parse error line 7", False, False)


def test_a_definition_that_is_not_what_was_uploaded_is_told_of_a_drive_that_is_as_wanted_too() -> None:
    words = "the definition of device ULT_2 is not what was uploaded; what it was before is in /x; it lacks: HOST a;"
    said = heard(script.NOT_THE_SAME, f"ok\ndrive_sharing: {words}\n")
    assert said["7702"].beside
    assert said["7702"].why.startswith("the definition of device ULT_2 is not")


def test_what_is_good_or_not_ours_is_told_as_of_every_other_program() -> None:
    assert heard(0, "drive_sharing: it was disabled already") == heard(127, "sh: not found") == {}


def test_the_status_of_the_script_are_those_that_it_ends_with() -> None:
    ends = {int(one) for one in re.findall(r"(?:leave|failed|^ *exit) (\d+)", script.SET, re.MULTILINE)}
    assert ends == {0, 143, script.NOTHING_DONE, script.NOT_SET, script.NOT_THE_SAME}


def test_the_page_of_faults_has_what_is_said() -> None:
    reading = read(options(drive_names={"7701": ["ULT_1_alpha", "ULT_1_beat"], "7702": "ULT_2"}), ALL)
    fault("data-protector-names").seen_in(reading.problems["7701"])
