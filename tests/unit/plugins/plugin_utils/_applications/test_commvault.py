# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Setting, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import commvault
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault

TOKEN = "/etc/drive_sharing/cv.token"
HIDDEN = "-rw------- 1 ansible ansible 212 Nov 22 06:00 " + TOKEN
D1, D2 = Target("7701", ("/dev/nst0",)), Target("7702", ("/dev/nst1",))
PATTERN = r"^(?P<library>[^|\n]+)\|(?P<name>[^|\n]+)\|(?P<state>[^|\n]*)\|.*$"


@dataclass(frozen=True)
class Answered:
    """As ``_guarded.CommandAnswer``."""

    output: str = ""
    rc: int | None = 0
    timed_out: bool = False
    truncated: bool = False


def options(**over: Any) -> dict[str, Any]:
    given = {
        "token_file": TOKEN, "query_command": ["drives"], "query_pattern": PATTERN, "query_valid_pattern": "^drives:$",
        "online_pattern": "Ready", "offline_pattern": "Disabled", "conflict_pattern": "(?i)reservation",
        "in_use_pattern": "job [0-9]+", "drive_names": {"7701": "LibA/Drive_1", "7702": "LibB/Drive_1"}, **over,
    }
    return commvault.check({key: value for key, value in given.items() if value is not ...})


def read(given: dict[str, Any], *answers: Answered | str, targets: Sequence[Target] = (D1, D2)) -> Any:
    full = [Answered(answer) if isinstance(answer, str) else answer for answer in answers]
    assert len(full) == len(commvault.queries(given, targets))
    return commvault.read(given, targets, full)


def refused(message: str, **over: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        options(**over)
    assert str(caught.value) == message


NEEDED = (
    "no command of Commvault that shows the states of drives is verified; docs/application_commvault.md says what to put here"
)


@pytest.mark.parametrize("key", ["query_command", "query_pattern", "online_pattern", "offline_pattern"])
def test_until_the_site_gives_its_own_query_everything_is_refused(key: str) -> None:
    refused(f"application_commvault_{key} must be given: {NEEDED}", **{key: ...})


def test_the_documented_command_needs_a_token_file() -> None:
    refused(
        "application_commvault_token_file must be given, because application_commvault_offline_command has {token_file}",
        token_file=...,
    )


@pytest.mark.parametrize("path", ["token", "", 5, "/etc/a\nb", "/etc/\0"])
def test_the_token_file_is_an_absolute_path(path: Any) -> None:
    refused(f"application_commvault_token_file must be an absolute path, not {str(path)[:60]!r}", token_file=path)


@pytest.mark.parametrize("words", [["q", "-tk", "SDK 1ab"], ["q", "-tk=SDK"]])
def test_a_token_in_a_command_line_is_refused(words: list[str]) -> None:
    refused(
        "application_commvault_query_command must not have -tk: others could see the token; use -tf and {token_file}",
        query_command=words,
    )


def test_the_token_file_is_looked_at_before_the_query() -> None:
    assert commvault.queries(options(), [D1, D2]) == [["ls", "-lLd", TOKEN], ["drives"]]


def test_without_a_token_file_there_is_nothing_to_look_at() -> None:
    over = {key: ["site", key, "{library}", "{name}"] for key in ("offline_command", "online_command")}
    final = options(token_file=..., **over)
    assert commvault.queries(final, [D1]) == [["drives"]]
    assert read(final, "drives:\nLibA|Drive_1|Ready|\n", targets=[D1]).drives["7701"].state == "online"


def test_a_query_for_each_drive_without_a_drive_asks_nothing_at_all() -> None:
    final = options(query_command=["site", "{device}"])
    assert commvault.queries(final, [Target("7703")]) == []
    assert set(commvault.read(final, [Target("7703")], []).problems) == {"7703"}


def test_the_states_are_read_by_library_and_name() -> None:
    reading = read(options(), HIDDEN, "drives:\nLibA|Drive_1|Ready|\nLibA|Drive_2|Ready|\nLibB|Drive_1|Disabled|by user\n")
    assert {drive: (one.names, one.state, one.conflict) for drive, one in reading.drives.items()} == {
        "7701": (("LibA/Drive_1",), "online", False), "7702": (("LibB/Drive_1",), "offline", False),
    }
    assert reading.online == 2


def test_a_drive_that_went_offline_by_a_conflict_shows_it() -> None:
    reading = read(options(), HIDDEN, "drives:\nLibA|Drive_1|Disabled|SCSI Reservation conflict\nLibB|Drive_1|Ready|job 77\n")
    assert (reading.drives["7701"].conflict, reading.drives["7702"].in_use) == (True, True)


def test_nothing_is_read_while_others_can_read_the_token() -> None:
    reading = read(options(), HIDDEN.replace("-rw-------", "-rw-r--r--"), "drives:\nLibA|Drive_1|Ready|\n")
    assert reading.drives == {}
    assert set(reading.problems) == {"7701", "7702"}
    assert reading.problems["7701"] == (
        f"others may read or write {TOKEN}, which holds the token, its mode is -rw-r--r--: take that from them"
        f" (chmod o=,g-w {TOKEN}), and change the token"
    )


def test_a_token_file_that_is_not_there_is_left_to_the_query() -> None:
    missing = Answered(f"ls: cannot access '{TOKEN}': No such file or directory", rc=2)
    assert read(options(), missing, "drives:\nLibA|Drive_1|Ready|\n").drives["7701"].state == "online"


def test_a_session_that_has_ended_is_told_with_what_helps() -> None:
    reading = read(options(), HIDDEN, Answered("drive: Error 0x211: Session is no longer valid. Please login again.", rc=2))
    assert reading.problems["7701"] == (
        "the query failed with exit status 2: drive: Error 0x211: Session is no longer valid. Please login again.; if the token has"
        " expired, make a new one with qlogin"
    )


def test_a_server_that_is_down_is_told_in_its_own_words() -> None:
    reading = read(options(), HIDDEN, Answered("drive: Error 0x10b: CommServe cannot be reached", rc=2))
    assert reading.problems["7702"] == "the query failed with exit status 2: drive: Error 0x10b: CommServe cannot be reached"


def test_qdrive_is_called_with_library_and_token_file() -> None:
    names = {"7701": ["LibA/Drive_1"], "7702": ["LibB/Drive_1"]}
    assert commvault.settings(options(), "offline", names, [D1, D2]) == [
        Setting((serial,), (("qdrive", "disable", "-dr", "Drive_1", "-l", library, "-tf", TOKEN),))
        for serial, library in (("7701", "LibA"), ("7702", "LibB"))
    ]
    (setting,) = commvault.settings(options(), "online", {"7701": ["LibA/Drive_1", "LibA/Other 1"]}, [D1])
    assert [words[1:6] for words in setting.commands] == [
        ("enable", "-dr", "Drive_1", "-l", "LibA"), ("enable", "-dr", "Other 1", "-l", "LibA"),
    ]


def test_a_set_that_failed_for_the_token_says_what_helps() -> None:
    answers = [Answered("Request successful"), Answered("disable: Error 0x211: Invalid token", rc=2)]
    heard = commvault.said(options(), "offline", {"7701": ["LibA/Drive_1"]}, answers)
    assert heard["7701"].why == (
        "the command ended with exit status 2: disable: Error 0x211: Invalid token; if the token has expired, make a new one with"
        " qlogin"
    )


@pytest.mark.parametrize(
    "answer", [Answered("Request successful"), Answered("disable: Error 0x7: no such drive", rc=2), Answered("Login: session", rc=9, timed_out=True)]
)
def test_nothing_is_added_to_what_is_told_anyway(answer: Answered) -> None:
    assert commvault.said(options(), "offline", {"7701": ["LibA/Drive_1"]}, [answer]) == {}


def test_the_page_of_faults_has_what_is_said() -> None:
    failed = [Answered("disable: Error 0x211: Invalid token", rc=2)]
    fault("commvault-token").seen_in(commvault.said(options(), "offline", {"7701": ["LibA/Drive_1"]}, failed)["7701"].why, N=2)
    reading = read(options(), HIDDEN.replace("-rw-------", "-rw-r--r--"), "drives:\nLibA|Drive_1|Ready|\n")
    fault("commvault-token-open").seen_in(reading.problems["7701"], FILE=TOKEN)
    with pytest.raises(InvalidValueError) as caught:
        options(query_command=...)
    fault("commvault-query").seen_in(str(caught.value))
