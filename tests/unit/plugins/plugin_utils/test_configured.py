# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What products with configured commands have beyond the application custom, whose tests are the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _application
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Setting, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured import Configured
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured_options import OPTIONS, Product
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

D1, D2, D3 = Target("SER1", ("/dev/nst0",), "because"), Target("SER2"), Target("SER3")
PATTERN = r"^(?P<library>[^|\n]+)\|(?P<name>[^|\n]+)\|(?P<state>\w+)\|?.*$"
PLAIN = Configured(
    Product(
        "acme",
        defaults={"offline_command": ["acme", "off", "{name}"], "online_pattern": None, "success_codes": [0, 4]},
        more={"key_file": {"type": "str"}}, forms=("key_file",), unverified="nobody has tried it",
    )
)
LIBRARIES = Configured(Product("lib", libraries=True))


@dataclass(frozen=True)
class Answered:
    """As ``_guarded.CommandAnswer``."""

    output: str = ""
    rc: int | None = 0
    timed_out: bool = False
    truncated: bool = False


def plain(**over: Any) -> dict[str, Any]:
    return PLAIN.check({
        "query_command": ["acme", "show"], "online_command": ["acme", "on", "{name}"], "online_pattern": "up",
        "query_pattern": r"^(?P<name>\S+) (?P<state>\S+)$", **over,
    })


def options(**over: Any) -> dict[str, Any]:
    return LIBRARIES.check({
        "query_command": ["app", "all"], "offline_command": ["app", "off", "{name}", "of", "{library}"],
        "online_command": ["app", "on", "{library}:{name}"], "query_pattern": PATTERN, **over,
    })


def by_library(**over: Any) -> dict[str, Any]:
    return options(query_command=["app", "in", "{library}"], query_pattern=r"^(?P<name>\w+) (?P<state>\w+)$", **over)


def read(given: dict[str, Any], targets: Sequence[Target], *answers: Answered | str) -> Any:
    full = [Answered(answer) if isinstance(answer, str) else answer for answer in answers]
    assert len(full) == len(LIBRARIES.queries(given, targets))
    return LIBRARIES.read(given, targets, full)


def found(reading: Any) -> dict[str, tuple[tuple[str, ...], str]]:
    return {drive: (one.names, one.state) for drive, one in reading.drives.items()}


def refused(message: str, make: Any = options, **over: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        make(**over)
    assert str(caught.value) == message


# A product's own defaults and options.


def test_a_product_may_have_defaults_of_its_own_and_more_options() -> None:
    assert PLAIN.options["offline_command"] == {"type": "list", "elements": "str", "default": ["acme", "off", "{name}"]}
    assert PLAIN.options["online_pattern"] == {"type": "str", "required": True}
    assert PLAIN.options["key_file"] == {"type": "str"}
    assert OPTIONS["offline_command"]["required"] is True, "and the others keep theirs"
    assert "libraries" not in PLAIN.options


def test_what_has_no_verified_default_is_refused_in_one_sentence_that_says_why() -> None:
    for key in ("query_command", "online_command", "query_pattern", "online_pattern"):
        refused(f"application_acme_{key} must be given: nobody has tried it", plain, **{key: None})


def test_a_pattern_that_is_needed_is_not_none_elsewhere_either() -> None:
    refused("application_lib_online_pattern must be a regular expression", online_pattern=None)


def test_a_form_of_its_own_is_filled_in_wherever_it_stands() -> None:
    final = plain(query_command=["acme", "-k", "{key_file}"], key_file="/etc/{name}")
    assert PLAIN.queries(final, [D1]) == [["acme", "-k", "/etc/{name}"]]
    final = plain(offline_command=["acme", "--key={key_file}", "{name}"], key_file="/etc/key")
    (setting,) = PLAIN.settings(final, "offline", {"SER1": ["{key_file}"]}, [D1])
    assert setting.commands == (("acme", "--key=/etc/key", "{key_file}"),)


def test_a_form_without_a_value_is_refused() -> None:
    refused(
        "application_acme_key_file must be given, because application_acme_query_command has {key_file}", plain,
        query_command=["acme", "{key_file}"],
    )


def test_a_job_that_goes_on_keeps_a_drive_from_being_confirmed_offline() -> None:
    for kills, ending in ((False, True), (True, False)):
        final = plain(in_use_pattern="down", offline_pattern="down", offline_kills_job=kills, drive_names={"SER1": "A"})
        assert PLAIN.read(final, [D1], [Answered("A down\n")]).drives["SER1"].ending is ending


def test_a_drive_that_the_product_took_out_of_service_itself_is_read_again_for_it_may_come_back() -> None:
    final = plain(conflict_pattern="[Cc]onflict", offline_pattern="down.*", query_pattern=r"^(?P<name>\w+) (?P<state>.+)$")
    for shown, passing in (("down", False), ("down:conflict", True), ("up", False), ("up:conflict", False)):
        reading = PLAIN.read({**final, "online_pattern": re.compile("up.*"), "drive_names": {"SER1": ("A",)}}, [D1], [Answered(f"A {shown}\n")])
        assert reading.drives["SER1"].passing is passing


# Libraries.


def test_the_same_name_in_two_libraries_is_two_drives() -> None:
    final = options(drive_names={"SER1": "L1/D1", "SER2": "L2/D1"})
    reading = read(final, [D1, D2], "L1|D1|online\nL2|D1|offline\n")
    assert found(reading) == {"SER1": (("L1/D1",), "online"), "SER2": (("L2/D1",), "offline")}
    assert LIBRARIES.settings(final, "offline", {"SER1": ["L1/D1"], "SER2": ["L2/D1"]}, [D1, D2]) == [
        Setting(("SER1",), (("app", "off", "D1", "of", "L1"),)), Setting(("SER2",), (("app", "off", "D1", "of", "L2"),)),
    ]


def test_a_drive_of_another_library_is_not_ours_whatever_its_name() -> None:
    reading = read(options(drive_names={"SER1": "L1/D1"}), [D1], "L2|D1|online\n")
    assert (reading.drives, reading.problems) == ({}, {})


def test_a_name_may_have_slashes() -> None:
    final = options(drive_names={"SER1": "L1/a/b"})
    assert found(read(final, [D1], "L1|a/b|online\n")) == {"SER1": (("L1/a/b",), "online")}
    (setting,) = LIBRARIES.settings(final, "online", {"SER1": ["L1/a/b"]}, [D1])
    assert setting.commands == (("app", "on", "L1:a/b"),)


def test_a_library_with_a_slash_cannot_be_told_from_a_library_and_a_drive() -> None:
    reading = read(options(drive_names={"SER1": "L1/a/b"}), [D1], "L1/a|b|online\n")
    assert reading.drives == {}
    assert reading.problems == {
        "SER1": "the application's drive L1/a/b is of a library with a / in its name, so it cannot be told from others"
    }


@pytest.mark.parametrize("name", ["D1", "/D1", "L1/", "/"])
def test_a_configured_name_has_a_library(name: str) -> None:
    refused(f"application_lib_drive_names[SER1] must be LIBRARY/NAME, not {name!r}", drive_names={"SER1": name})


@pytest.mark.parametrize("key", ["offline_command", "online_command", "query_command"])
def test_a_command_that_names_a_drive_has_its_library(key: str) -> None:
    refused(
        f"application_lib_{key} must have {{library}} beside {{name}}: two libraries may have a drive of the same name",
        **{key: ["app", "{name}"]},
    )


@pytest.mark.parametrize("words", [["app", "{library}", "{serial}"], ["app", "{library}", "{names}"]])
def test_a_command_that_has_a_library_names_the_drive(words: list[str]) -> None:
    refused("application_lib_offline_command must have {name} beside {library}", offline_command=words)


def test_a_list_of_names_has_the_libraries_in_it() -> None:
    final = options(offline_command=["app", "off", "{names}"])
    (setting,) = LIBRARIES.settings(final, "offline", {"SER1": ["L1/D1"], "SER2": ["L2/D1"]}, [D1, D2])
    assert setting.commands == (("app", "off", ("SER1", "L1/D1"), ("SER2", "L2/D1")),)


def test_the_query_shows_the_library_one_way_or_the_other() -> None:
    refused(
        "application_lib_query_pattern must have the named group (?P<library>...) too, or the command {library}",
        query_pattern=r"(?P<name>\w+) (?P<state>\w+)",
    )


@pytest.mark.parametrize("value", ["L1", [1], [""], {"L1": 1}, [["L1"]], ["a\0"]])
def test_libraries_are_a_list_of_names(value: Any) -> None:
    refused(f"application_lib_libraries must be a list of names of libraries, not {str(value)[:60]!r}", libraries=value)


def test_libraries_have_no_slash_in_their_names() -> None:
    refused("application_lib_libraries must have names without /, but 'a/b' has one", libraries=["L1", "a/b"])


def test_a_query_for_each_library_needs_to_know_them() -> None:
    refused("application_lib_libraries must be given, because application_lib_query_command has {library}", by_library)


def test_a_query_with_a_library_is_run_for_each_of_them_once() -> None:
    final = by_library(libraries=["L1", "L2", "L1"], drive_names={"SER1": "L1/D1", "SER2": "L2/D1"})
    assert LIBRARIES.queries(final, [D1, D2]) == [["app", "in", "L1"], ["app", "in", "L2"]]
    reading = read(final, [D1, D2], "D1 online\n", "D1 offline\n")
    assert found(reading) == {"SER1": (("L1/D1",), "online"), "SER2": (("L2/D1",), "offline")}
    assert reading.online == 1


def test_the_library_that_an_answer_shows_goes_before_the_one_that_was_asked_about() -> None:
    final = options(query_command=["app", "in", "{library}"], libraries=["L1"], drive_names={"SER1": "L1/D1", "SER2": "L2/D1"})
    assert found(read(final, [D1, D2], "L2|D1|online\n")) == {"SER2": (("L2/D1",), "online")}


def test_a_library_that_cannot_be_read_says_nothing_of_its_drives_and_leaves_the_others() -> None:
    final = by_library(libraries=["L1", "L2"], drive_names={"SER1": "L1/D1", "SER2": "L2/D1", "SER3": ["L1/D3", "L2/D3"]})
    reading = read(final, [D1, D2, D3], "D1 online\nD3 online\n", Answered("no such library", rc=2))
    said = "the query failed with exit status 2: no such library"
    assert found(reading) == {"SER1": (("L1/D1",), "online")}
    assert reading.problems == {"SER2": said, "SER3": said}
    assert reading.online is None, "the floor is not counted on half of the drives"


def test_a_library_that_cannot_be_read_may_have_every_drive_without_a_configured_name() -> None:
    final = by_library(libraries=["L1", "L2"])
    reading = read(final, [D1], "X online\n", Answered("", timed_out=True))
    assert reading.problems == {"SER1": "the query did not end in time and was stopped"}


def test_a_query_for_each_drive_takes_library_and_name_from_the_map() -> None:
    final = options(
        query_command=["app", "one", "{library}", "{name}"], query_pattern=r"^(?P<name>\w+) (?P<state>\w+)$",
        drive_names={"SER1": ["L1/D1", "L2/D9"], "SER2": "L2/D1"},
    )
    assert LIBRARIES.queries(final, [D1, D2]) == [["app", "one", "L1", "D1"], ["app", "one", "L2", "D9"], ["app", "one", "L2", "D1"]]
    reading = read(final, [D1, D2], "D1 offline\n", "D9 online\n", "D1 offline\n")
    assert found(reading) == {"SER1": (("L1/D1", "L2/D9"), "online"), "SER2": (("L2/D1",), "offline")}


# Whatever an inventory has.


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)
GOOD: dict[str, dict[str, Any]] = {
    "arcserve": {
        "query_command": ["q"], "offline_command": ["f", "{name}"], "online_command": ["n", "{name}"],
        "query_pattern": r"(?P<name>\w+) (?P<state>\w+)",
    },
    "commvault": {
        "token_file": "/token", "query_command": ["q", "{library}"], "libraries": ["L"], "online_pattern": "up", "offline_pattern": "down",
        "query_pattern": r"(?P<name>\w+) (?P<state>\w+)",
    },
    "data_protector": {"disable_behind": "LIBRARY", "in_use_command": ["u"], "in_use_pattern": r"(?P<name>\w+)"},
}  # fmt: skip
KEYS = [(name, key) for name in GOOD for key in _application.load(name).OPTIONS]


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
@generated(where=st.sampled_from(KEYS), value=VALUES | st.dictionaries(st.text() | st.integers(), VALUES, max_size=3))
def test_no_value_of_an_option_raises_anything_but_one_sentence_and_what_is_taken_can_be_used(where: tuple[str, str], value: Any) -> None:
    name, key = where
    file = _application.load(name)
    try:
        final = file.check({**GOOD[name], key: value})
    except InvalidValueError as exc:
        assert str(exc).startswith(f"application_{name}_")
        return
    targets = [Target("SER1", ("/dev/nst0",)), Target("SER2")]
    for answer in ("", "L/D up\n", 'NAME "SER1"\n', "SER1 down\nSER2 up\n"):
        reading = file.read(final, targets, [Answered(answer) for _query in file.queries(final, targets)])
        names = {drive: found.names for drive, found in reading.drives.items()}
        file.settings(final, "offline", names, [target for target in targets if target.drive in names])


@pytest.mark.parametrize("name", GOOD)
def test_the_good_options_above_are_good(name: str) -> None:
    assert _application.load(name).check(GOOD[name])
