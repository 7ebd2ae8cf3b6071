# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Found, Setting, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import custom
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

LINE = r"^(?P<name>\S+) (?P<state>\S+)(?: .*)?$"
LINE_WITH_SERIAL = r"^(?P<name>\S+) (?P<serial>\S+) (?P<state>\S+)(?: .*)?$"
LINE_WITH_DEVICE = r"^(?P<name>\S+) (?P<device>/\S+) (?P<state>\S+)(?: .*)?$"
D1, D2, D3 = Target("SER1", ("/dev/nst0", "/dev/st0")), Target("SER2", ("/dev/nst1",)), Target("SER3")


@dataclass(frozen=True)
class Answered:
    """As ``_guarded.CommandAnswer``."""

    output: str = ""
    rc: int | None = 0
    timed_out: bool = False
    truncated: bool = False


def options(**over: Any) -> dict[str, Any]:
    return custom.check({
        "query_command": ["app", "query"], "offline_command": ["app", "offline", "{name}"],
        "online_command": ["app", "online", "{name}"], "query_pattern": LINE, **over,
    })


def read(given_options: dict[str, Any], targets: Sequence[Target], *answers: Answered | str) -> Any:
    full = [Answered(answer) if isinstance(answer, str) else answer for answer in answers]
    assert len(full) == len(custom.queries(given_options, targets))
    return custom.read(given_options, targets, full)


def states(reading: Any) -> dict[str, str]:
    return {drive: found.state for drive, found in reading.drives.items()}


def refused(message: str, **over: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        options(**over)
    assert str(caught.value) == message


# Options.


def test_what_is_not_given_has_the_documented_default() -> None:
    final = options()
    assert set(final) == set(custom.OPTIONS)
    assert final["online_pattern"].pattern == "(?i)online"
    assert final["offline_pattern"].pattern == "(?i)offline"
    assert (final["query_valid_pattern"], final["in_use_pattern"], final["conflict_pattern"]) == (None, None, None)
    assert (final["drive_names"], final["success_codes"], final["offline_kills_job"]) == ({}, [0], True)


def test_checking_twice_does_not_change_the_defaults() -> None:
    options(drive_names={"SER1": "A"})
    assert options()["drive_names"] == {}
    assert custom.OPTIONS["drive_names"]["default"] == {}


@pytest.mark.parametrize("key", ["query_command", "offline_command", "online_command"])
@pytest.mark.parametrize("value", [None, "app query", [], {}, ["app", 5], [["app"]], 7])
def test_a_command_is_a_list_of_words(key: str, value: Any) -> None:
    refused(
        f"application_custom_{key} must be a list of words with the command first, not {str(value)[:60]!r}", **{key: value}
    )


@pytest.mark.parametrize("key", ["query_command", "offline_command", "online_command"])
@pytest.mark.parametrize("value", [["", "{name}"], ["app", "{name}", "a\0b"]])
def test_a_command_starts_with_a_command_and_holds_no_nul(key: str, value: list[str]) -> None:
    refused(f"application_custom_{key} must start with a command, and no word may hold NUL", **{key: value})


@pytest.mark.parametrize("key", ["offline_command", "online_command"])
@pytest.mark.parametrize("value", [["app"], ["app", "{Name}"], ["app", "{ name }"], ["app", "name"], ["app", "{reason}"]])
def test_a_command_that_sets_must_name_the_drive(key: str, value: list[str]) -> None:
    refused(
        f"application_custom_{key} must name the drive by {{name}}, {{serial}}, {{device}} or a list form of it", **{key: value}
    )


@pytest.mark.parametrize("key", ["query_command", "offline_command", "online_command"])
@pytest.mark.parametrize("word", ["--drives={names}", "{serials},", "{names}{names}", " {devices}"])
def test_a_list_form_must_be_a_word_of_its_own(key: str, word: str) -> None:
    form = re.findall(r"\{\w+\}", word)[0]
    refused(f"application_custom_{key} must have {form} as a word of its own, not in {word!r}", **{key: ["app", word]})


@pytest.mark.parametrize("key", ["query_command", "offline_command", "online_command"])
@pytest.mark.parametrize("words", [["app", "{names}", "{serial}"], ["app", "--id={name}", "{devices}"]])
def test_one_command_is_for_one_drive_or_for_many_not_both(key: str, words: list[str]) -> None:
    refused(
        f"application_custom_{key} must have either list forms such as {{names}}, or forms for one drive such as {{name}}",
        **{key: words},
    )


@pytest.mark.parametrize(
    "key", ["query_pattern", "query_valid_pattern", "online_pattern", "offline_pattern", "in_use_pattern", "conflict_pattern"]
)
@pytest.mark.parametrize("pattern", ["(unclosed", "a{99999999999}", "(?P<name>a)(?P<name>b)", "*"])
def test_a_pattern_is_a_regular_expression(key: str, pattern: str) -> None:
    with pytest.raises(InvalidValueError, match=f"^application_custom_{key} must be a regular expression: "):
        options(**{key: pattern})


@pytest.mark.parametrize("pattern", [None, r"\S+", r"(?P<name>\S+)", r"(?P<state>\S+)", r"(\S+) (\S+)"])
def test_the_querys_pattern_names_the_drive_and_its_state(pattern: str | None) -> None:
    refused(
        "application_custom_query_pattern must have the named groups (?P<name>...) and (?P<state>...)", query_pattern=pattern
    )


@pytest.mark.parametrize("value", [[], "SER1=A", 3, True])
def test_the_drive_names_are_a_dictionary(value: Any) -> None:
    refused(
        "application_custom_drive_names must be a dictionary of serial number to name or list of names", drive_names=value
    )


@pytest.mark.parametrize("value", ["", [], [""], ["A", 3], 3, None, {"A": 1}, "A\0B"])
def test_a_drives_names_are_a_name_or_a_list_of_names(value: Any) -> None:
    refused(
        f"application_custom_drive_names[SER1] must be a name or a list of names, not {str(value)[:60]!r}",
        drive_names={"SER1": value},
    )


def test_a_serial_number_that_yaml_made_a_number_of_is_found() -> None:
    assert states(read(options(drive_names={1310211169: "A"}), [Target("1310211169")], "A online\n")) == {"1310211169": "online"}


@pytest.mark.parametrize("names", [{"SER1": "A", "SER2": "A"}, {"SER1": ["B", "A"], "SER2": ["A"]}])
def test_one_name_for_two_serial_numbers_is_refused(names: dict[str, Any]) -> None:
    refused("application_custom_drive_names must give a name to one drive only, but A is that of SER1 and of SER2", drive_names=names)


@pytest.mark.parametrize("value", [0, "0", None, ["x"], [1.5], [True], [[0]], {}, []])
def test_the_success_codes_are_a_list_of_whole_numbers(value: Any) -> None:
    refused(f"application_custom_success_codes must be a list of whole numbers, not {str(value)[:60]!r}", success_codes=value)


def test_success_codes_may_be_text_as_extra_variables_are() -> None:
    assert options(success_codes=["0", 8])["success_codes"] == [0, 8]


@pytest.mark.parametrize(
    ("value", "wanted"), [(True, True), (False, False), ("false", False), ("no", False), ("Yes", True), ("True", True)]
)
def test_whether_setting_offline_kills_the_job_may_be_text_too(value: Any, wanted: bool) -> None:
    assert options(offline_kills_job=value)["offline_kills_job"] is wanted


@pytest.mark.parametrize("value", ["perhaps", "", 1, None, []])
def test_whether_setting_offline_kills_the_job_is_true_or_false(value: Any) -> None:
    refused(f"application_custom_offline_kills_job must be true or false, not {str(value)[:60]!r}", offline_kills_job=value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
@given(key=st.sampled_from(sorted(custom.OPTIONS)), value=VALUES | st.dictionaries(st.text() | st.integers(), VALUES, max_size=3))
def test_no_value_of_an_option_raises_anything_but_one_sentence(key: str, value: Any) -> None:
    try:
        options(**{key: value})
    except InvalidValueError as exc:
        assert str(exc).startswith("application_custom_")


# Queries.


def test_a_query_without_a_form_shows_all_drives_in_one_command() -> None:
    assert custom.queries(options(), [D1, D2]) == [["app", "query"]]


@pytest.mark.parametrize(
    ("word", "wanted"), [("{names}", ["A", "B", "SER2"]), ("{serials}", ["SER1", "SER2"]), ("{devices}", ["/dev/nst0", "/dev/nst1"])]
)
def test_a_list_form_puts_all_drives_into_one_query(word: str, wanted: list[str]) -> None:
    final = options(query_command=["app", word, "end"], drive_names={"SER1": ["A", "B"]})
    assert custom.queries(final, [D1, D2]) == [["app", *wanted, "end"]]


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("{name}", ["A", "B", "SER2"]), ("n={name}", ["n=A", "n=B", "n=SER2"]),
        ("{serial}@{name}", ["SER1@A", "SER1@B", "SER2@SER2"]),
    ],
)
def test_a_form_inside_a_word_makes_a_query_for_each_name_of_each_drive(word: str, wanted: list[str]) -> None:
    final = options(query_command=["app", word], drive_names={"SER1": ["A", "B"]})
    assert custom.queries(final, [D1, D2]) == [["app", one] for one in wanted]


NASTY = ("{serial}", "{name}{device}", "\\g<0>", "$(reboot)", "{{ 7*7 }}", "a b", "'", '"', "\n", "\\1", "{reason}", "{}")


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("word", ["{name}", "x{name}y", "{names}"])
def test_a_name_is_never_filled_in_again_or_interpreted(name: str, word: str) -> None:
    final = options(query_command=["app", word], offline_command=["app", word], drive_names={"SER1": name})
    filled = word.replace("{names}", "{name}").replace("{name}", name)
    assert custom.queries(final, [D1]) == [["app", filled]]
    (setting,) = custom.settings(final, "offline", {"SER1": [name]}, [D1])
    assert setting.commands == ((("app", filled),) if word != "{names}" else (("app", ("SER1", filled)),))


@given(
    name=st.text(min_size=1), reason=st.text(), device=st.text(min_size=1),
    pieces=st.lists(st.sampled_from(["{name}", "{serial}", "{device}", "{reason}", "-", "{", "}", "{x}", "name"]), max_size=6),
)
def test_filling_a_word_puts_each_value_where_its_form_stood(name: str, reason: str, device: str, pieces: list[str]) -> None:
    values = {"{name}": name, "{serial}": "SER1", "{device}": device, "{reason}": reason}
    word = "{name}" + "".join(pieces)
    # "{" and "x}" beside each other may make a form: look at the whole word.
    parts = re.split(r"(\{(?:name|serial|device|reason)\})", word)
    final = {**options(), "offline_command": ["app", word]}
    (setting,) = custom.settings(final, "offline", {"SER1": [name]}, [Target("SER1", (device,), reason)])
    assert setting.commands == (("app", "".join(values.get(part, part) for part in parts)),)


# Reading.


def test_the_state_is_read_from_the_line_of_the_drives_name() -> None:
    reading = read(options(drive_names={"SER1": "A", "SER2": "B"}), [D1, D2], "A Online\nB OFFLINE\nC online\n")
    assert reading.drives == {
        "SER1": Found(("A",), "online", "A: Online", counts=1), "SER2": Found(("B",), "offline", "B: OFFLINE", counts=1),
    }
    assert reading.problems == {}
    assert reading.online == 2


def test_without_a_configured_name_the_serial_number_is_the_name() -> None:
    assert states(read(options(), [D1], "SER1 online\n")) == {"SER1": "online"}


@pytest.mark.parametrize("name", ["SER10", "XSER1", "ser1", "SER", "SER1."])
def test_a_name_that_only_resembles_is_another_drive(name: str) -> None:
    reading = read(options(), [D1], f"{name} online\n")
    assert (reading.drives, reading.problems) == ({}, {})


@pytest.mark.parametrize("state", ["offlined", "not-online", "online?", "on", "(online)", "DOWN"])
def test_a_state_that_only_resembles_is_neither_online_nor_offline(state: str) -> None:
    assert states(read(options(), [D1], f"SER1 {state}\n")) == {"SER1": "other"}


def test_an_empty_state_is_neither_online_nor_offline() -> None:
    assert states(read(options(query_pattern=r"^(?P<name>\w+)=(?P<state>\w+)?$"), [D1], "SER1=\n")) == {"SER1": "other"}


def test_the_words_of_the_product_are_configurable() -> None:
    final = options(online_pattern="UP(-[A-Z]+)?", offline_pattern="DOWN.*")
    reading = read(final, [D1, D2, D3], "SER1 UP-TLD\nSER2 DOWN-TLD\nSER3 online\n")
    assert states(reading) == {"SER1": "online", "SER2": "offline", "SER3": "other"}


def test_the_serial_number_that_the_answer_shows_goes_before_device_and_name() -> None:
    final = options(query_pattern=LINE_WITH_SERIAL, drive_names={"SER1": "OLD"})
    assert read(final, [D1], "NEW SER1 online\nOTHER - offline\n").drives["SER1"].names == ("NEW",)


def test_a_drive_is_found_by_any_of_its_device_files() -> None:
    reading = read(options(query_pattern=LINE_WITH_DEVICE), [D1, D2], "A /dev/st0 online\nB /dev/nst1 offline\nC /dev/nst2 online\n")
    assert {drive: (found.names, found.state) for drive, found in reading.drives.items()} == {
        "SER1": (("A",), "online"), "SER2": (("B",), "offline"),
    }


@pytest.mark.parametrize(
    ("pattern", "names", "line"),
    [
        (LINE_WITH_SERIAL, {"SER1": "A"}, "A SER9 online"),
        (r"^(?P<name>\S+) (?P<serial>\S+) (?P<device>\S+) (?P<state>\S+)$", {}, "A SER9 /dev/nst0 online"),
    ],
    ids=["by name", "by device"],
)
def test_a_drive_that_shows_another_serial_number_is_not_believed_to_be_ours(
    pattern: str, names: dict[str, str], line: str
) -> None:
    reading = read(options(query_pattern=pattern, drive_names=names), [D1], line + "\n")
    assert reading.drives == {}
    assert reading.problems == {
        "SER1": "the application's drive A would be this one, but shows the serial number SER9; correct its name or device,"
        " or leave the group serial out of application_custom_query_pattern if it is another kind of number"
    }


def test_two_names_of_a_drive_are_both_found_and_one_online_makes_it_online() -> None:
    final = options(drive_names={"SER1": ["A", "B"]})
    found = read(final, [D1], "A offline\nB online\n").drives["SER1"]
    assert (found.names, found.state, found.shown) == (("A", "B"), "online", "A: offline, B: online")


@pytest.mark.parametrize(
    ("lines", "state"),
    [("A offline\nB offline\n", "offline"), ("A offline\nB strange\n", "other"), ("A online\nB strange\n", "other")],
)
def test_of_two_names_the_less_certain_state_counts(lines: str, state: str) -> None:
    assert states(read(options(drive_names={"SER1": ["A", "B"]}), [D1], lines)) == {"SER1": state}


def test_a_drive_shown_twice_under_one_name_has_that_name_once() -> None:
    assert read(options(), [D1], "SER1 online\nSER1 online\n").drives["SER1"].names == ("SER1",)


def test_one_drive_of_the_application_that_would_be_two_of_ours_is_neither() -> None:
    final = options(query_pattern=LINE_WITH_DEVICE)
    targets = [Target("SER1", ("/dev/nst0",)), Target("SER2", ("/dev/nst0",)), Target("SER3", ("/dev/nst3",))]
    reading = read(final, targets, "A /dev/nst0 online\nB /dev/nst3 online\n")
    said = "the application's drive A would be several drives: SER1, SER2"
    assert reading.problems == {"SER1": said, "SER2": said}
    assert states(reading) == {"SER3": "online"}


def test_use_and_conflict_are_read_from_the_drives_own_line_only() -> None:
    final = options(in_use_pattern=r"job \d+", conflict_pattern="(?i)conflict")
    reading = read(final, [D1, D2], "SER1 online job 5\nSER2 offline RESERVATION CONFLICT\njob 7 conflict\n")
    assert [(found.in_use, found.conflict) for found in reading.drives.values()] == [(True, False), (False, True)]


def test_use_under_one_of_two_names_is_use() -> None:
    final = options(drive_names={"SER1": ["A", "B"]}, in_use_pattern="job")
    assert read(final, [D1], "A online\nB online job\n").drives["SER1"].in_use is True


def test_online_drives_are_counted_over_the_whole_application_each_once() -> None:
    assert read(options(), [D1], "SER1 online\nX online\nX online\nY offline\nZ odd\n").online == 2


def test_a_drive_under_two_names_is_counted_once() -> None:
    final = options(drive_names={"SER1": ["A", "B"], "SER2": ["C", "D"]})
    assert read(final, [D1], "A online\nB online\nC offline\nD online\nE online\n").online == 3
    by_serial = options(query_pattern=r"^(?P<name>\S+) (?P<serial>\S+) (?P<state>\S+)$")
    assert read(by_serial, [D1], "A SER1 online\nB SER1 online\nC SER2 online\n").online == 2


@pytest.mark.parametrize("word", ["{name}", "{names}", "{serials}"])
def test_a_query_that_names_the_drives_does_not_tell_how_many_are_online(word: str) -> None:
    assert read(options(query_command=["app", word]), [D1], "SER1 online\n").online is None


# What is never believed.


@pytest.mark.parametrize(
    "junk",
    ["", "\n", "Segmentation fault", "ERROR: cannot connect to daemon\n", "\0\0\0", "SER1", "\x1b[31m", "<html>", "é\ud800", "\r\n"],
)
def test_junk_is_never_taken_for_a_drive_that_is_not_configured(junk: str) -> None:
    reading = read(options(), [D1, D2], junk.replace(" ", "_"))
    assert (reading.drives, set(reading.problems)) == ({}, {"SER1", "SER2"})
    assert all(
        said.startswith("the query answered, but nothing in it matches application_custom_query_pattern: ")
        and said.isprintable() and len(said) < 250
        for said in reading.problems.values()
    )


@given(junk=st.text(alphabet=st.characters(exclude_characters="<>")))
def test_whatever_is_printed_a_drive_is_read_or_said_to_be_a_problem_or_another_drive_was_read(junk: str) -> None:
    final = options(query_pattern=r"<(?P<name>\w+) (?P<state>\w+)>")
    assert set(read(final, [D1], junk).problems) == {"SER1"}
    assert read(final, [D1], junk + "<X online>" + junk).problems == {}


def test_a_good_answer_without_drives_is_known_by_its_own_pattern() -> None:
    final = options(query_valid_pattern=r"^end of list$")
    reading = read(final, [D1], "no drives are defined\nend of list\n")
    assert (reading.drives, reading.problems) == ({}, {})


def test_an_answer_that_lacks_what_every_good_answer_has_is_not_believed_even_if_it_shows_other_drives() -> None:
    final = options(query_valid_pattern=r"^end of list$")
    reading = read(final, [D1, D2], "SER2 online\nlost connection to the daemon!\n")
    assert reading.drives == {}
    said = "the query answered, but nothing in it matches application_custom_query_valid_pattern: SER2 online lost connection to the daemon!"
    assert reading.problems == {"SER1": said, "SER2": said}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answered("SER1 online\n", rc=1), "the query failed with exit status 1: SER1 online"),
        (Answered("", rc=127), "the query failed with exit status 127: (nothing)"),
        (Answered("SER1 online\n", rc=-9), "the query failed with exit status -9: SER1 online"),
        (Answered("SER1 online\n", rc=None), "the query failed with exit status None: SER1 online"),
        (Answered("SER1 online\n", timed_out=True), "the query did not end in time and was stopped"),
        (Answered("SER1 online\n", rc=1, timed_out=True), "the query did not end in time and was stopped"),
        (Answered("SER1 online\n", truncated=True), "the query printed more than can be read"),
    ],
    ids=["failed", "missing", "killed", "no status", "timed out", "timed out and failed", "truncated"],
)
def test_an_answer_that_is_no_answer_is_not_read_however_good_it_looks(answer: Answered, said: str) -> None:
    final = options(query_valid_pattern="online")
    reading = read(final, [D1, D2], answer)
    assert (reading.drives, reading.online) == ({}, None)
    assert reading.problems == {"SER1": said, "SER2": said}


def test_other_exit_status_can_be_configured_to_be_good() -> None:
    final = options(success_codes=[0, 8])
    assert states(read(final, [D1], Answered("SER1 online\n", rc=8))) == {"SER1": "online"}


def test_a_long_answer_is_cut_in_the_message() -> None:
    (said,) = read(options(), [D1], "x" * 100_000).problems.values()
    assert len(said) < 220
    assert said.endswith("xxx...")


def test_a_query_for_each_drive_that_fails_says_nothing_of_the_others() -> None:
    final = options(query_command=["app", "{name}"], drive_names={"SER2": ["B", "C"]})
    reading = read(final, [D1, D2, D3], Answered("", timed_out=True), "B online\n", "C offline\n", "SER3 offline\n")
    assert reading.problems == {"SER1": "the query did not end in time and was stopped"}
    assert states(reading) == {"SER2": "online", "SER3": "offline"}


def test_one_failed_query_of_a_drive_with_two_names_leaves_nothing_to_believe() -> None:
    final = options(query_command=["app", "{name}"], drive_names={"SER1": ["A", "B"]})
    reading = read(final, [D1], "A offline\n", Answered("", rc=4))
    assert (reading.drives, reading.problems) == ({}, {"SER1": "the query failed with exit status 4: (nothing)"})


def test_a_query_for_each_drive_may_say_that_there_is_no_such_drive() -> None:
    final = options(query_command=["app", "{name}"], query_valid_pattern="(?m)^no such drive$|^SER")
    reading = read(final, [D1, D2], "no such drive\n", "SER2 online\n")
    assert (states(reading), reading.problems) == ({"SER2": "online"}, {})


# A drive without a device file.


@pytest.mark.parametrize("word", ["{device}", "{devices}"])
def test_a_query_by_device_is_not_believed_for_a_drive_without_a_device(word: str) -> None:
    final = options(query_command=["app", word], query_pattern=LINE_WITH_DEVICE)
    made = custom.queries(final, [D1, D3])
    assert made == [["app", "/dev/nst0"]]
    reading = custom.read(final, [D1, D3], [Answered("A /dev/nst0 online\n")])
    assert states(reading) == {"SER1": "online"}
    assert reading.problems == {"SER3": "no device file of it is known on this host, but application_custom_query_command needs one"}


@pytest.mark.parametrize("word", ["{device}", "{devices}"])
def test_without_any_device_no_query_is_made(word: str) -> None:
    final = options(query_command=["app", word], query_pattern=LINE_WITH_DEVICE)
    assert custom.queries(final, [D3]) == []
    assert set(custom.read(final, [D3], []).problems) == {"SER3"}


@pytest.mark.parametrize("key", ["offline_command", "online_command"])
def test_a_drive_without_a_device_is_not_set_by_a_command_that_needs_one(key: str) -> None:
    reading = read(options(**{key: ["app", "x", "{device}"]}), [D1, D3], "SER1 online\nSER3 online\n")
    assert states(reading) == {"SER1": "online"}
    assert reading.problems == {"SER3": f"no device file of it is known on this host, but application_custom_{key} needs one"}


def test_a_drive_that_the_application_lacks_needs_no_device() -> None:
    reading = read(options(offline_command=["app", "x", "{device}"]), [D3], "SER1 online\n")
    assert (reading.drives, reading.problems) == ({}, {})


# Setting.


def test_a_form_for_one_drive_makes_a_setting_for_each_drive_with_all_its_names() -> None:
    final = options(online_command=["app", "on", "{name}", "{serial}", "{device}"])
    assert custom.settings(final, "online", {"SER1": ["A", "B"], "SER2": ["C"]}, [D1, D2]) == [
        Setting(("SER1",), (("app", "on", "A", "SER1", "/dev/nst0"), ("app", "on", "B", "SER1", "/dev/nst0"))),
        Setting(("SER2",), (("app", "on", "C", "SER2", "/dev/nst1"),)),
    ]


def test_a_command_that_names_the_drive_itself_is_run_once_however_many_names_there_are() -> None:
    final = options(offline_command=["app", "off", "{serial}"])
    assert custom.settings(final, "offline", {"SER1": ["A", "B"]}, [D1]) == [Setting(("SER1",), (("app", "off", "SER1"),))]


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("{names}", [("SER1", "A"), ("SER1", "B"), ("SER2", "C")]), ("{serials}", [("SER1", "SER1"), ("SER2", "SER2")]),
        ("{devices}", [("SER1", "/dev/nst0"), ("SER2", "/dev/nst1")]),
    ],
)
def test_a_list_form_makes_one_setting_whose_words_know_their_drive(word: str, values: list[tuple[str, str]]) -> None:
    final = options(offline_command=["app", "off", word, "now"])
    assert custom.settings(final, "offline", {"SER1": ["A", "B"], "SER2": ["C"]}, [D1, D2]) == [
        Setting(("SER1", "SER2"), (("app", "off", *values, "now"),))
    ]


def test_nothing_to_set_is_no_setting() -> None:
    for word in ("{name}", "{names}"):
        assert custom.settings(options(offline_command=["app", word]), "offline", {}, []) == []


def test_the_names_that_were_read_are_set_not_the_configured_ones() -> None:
    final = options(drive_names={"SER1": "CONFIGURED"}, query_pattern=LINE_WITH_SERIAL)
    found = read(final, [D1], "SHOWN SER1 online\n").drives["SER1"]
    (setting,) = custom.settings(final, "offline", {"SER1": found.names}, [D1])
    assert setting.commands == (("app", "offline", "SHOWN"),)


def test_the_reason_goes_to_the_product() -> None:
    for_one, for_many = (options(offline_command=["app", form, "-c", "why: {reason}"]) for form in ("{name}", "{names}"))
    targets = [Target("SER1", (), "because {name}"), Target("SER2", (), "because {name}")]
    names = {"SER1": ["A"], "SER2": ["B"]}
    assert [setting.commands[0][-1] for setting in custom.settings(for_one, "offline", names, targets)] == ["why: because {name}"] * 2
    assert custom.settings(for_many, "offline", names, targets)[0].commands[0][-1] == "why: because {name}"


def test_a_reason_that_is_not_that_of_all_drives_is_not_given_for_all() -> None:
    final = options(offline_command=["app", "{names}", "{reason}"])
    targets = [Target("SER1", (), "reserved by X"), Target("SER2", (), "reserved by Y")]
    (setting,) = custom.settings(final, "offline", {"SER1": ["A"], "SER2": ["B"]}, targets)
    assert setting.commands[0][-1] == "drive_sharing: several changes"
