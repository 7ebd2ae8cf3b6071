# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cmd_proc of ACSLS prints and is told."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _library_command
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._libraries import acsls
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library import Answer, Seen

GIVEN = {key: option["default"] for key, option in acsls.OPTIONS.items()}
DRIVE = "1310211169"
OPTIONS = {**GIVEN, "drive_names": {DRIVE: "0, 0,10, 0"}}
HEAD = "ACSSA> query drive 0,0,10,0\n2026-11-23 14:00:00          Drive Status\n Identifier  State          Status     Volume    Type\n"


def read(text: str) -> Seen:
    return acsls.read(acsls.check(OPTIONS), DRIVE, [Answer(0, text, good=True)])


def test_a_drive_is_asked_for_by_its_place() -> None:
    (call,) = acsls.queries(acsls.check(OPTIONS), DRIVE)
    assert call.words == ("/export/home/ACSSS/bin/cmd_proc", "-l", "-q")
    assert call.lines == ("query drive 0,0,10,0", "logoff")
    assert acsls.queries(acsls.check(GIVEN), DRIVE) == []


def test_the_drives_row_is_found_among_others() -> None:
    others = "  0, 0,10, 1  offline        available            T10000B\n"
    assert read(f"{HEAD}{others}  0, 0,10, 0  online         in use     SG1353    T10000B\nACSSA> logoff\n") == Seen("ok", "online")
    assert read(f"{HEAD}  0, 0,10, 0  offline        available            T10000B\r\n").state == "error"
    assert read(f"{HEAD} 000,000,010,000 diagnostic available  4480\n").state == "error"
    assert read(f"{HEAD}  0, 0,10, 0  recovery       available\n") == Seen("other", "recovery")
    for nothing in ("", HEAD, HEAD + others, "Query: Drive identifier 0, 0,10, 0 not found.\n", HEAD + "  1, 0,10, 0  online\n"):
        assert read(nothing).words == "does not show drive 0,0,10,0"


def test_a_drive_is_varied_with_force_only_where_that_is_dared_and_needed() -> None:
    options = acsls.check({**OPTIONS, "vary_ways": ["plain", "force"], "state": "diagnostic"})
    lines = [[acsls.tell(options, way, wanted, DRIVE, Seen("ok"))[0].lines[0] for way in acsls.ways(options)] for wanted in ("error", "ok")]
    assert lines == [["vary drive 0,0,10,0 diagnostic", "vary drive 0,0,10,0 diagnostic force"], ["vary drive 0,0,10,0 online"] * 2]
    assert [way.effect for way in acsls.ways(acsls.check(OPTIONS))] == ["mounts"]


def test_a_refusal_is_seen_though_the_program_ends_well() -> None:
    (call,) = acsls.queries(acsls.check(OPTIONS), DRIVE)
    refused = _library_command.answer(0, "ACSSA> vary\nVary: Vary failed, Drive in use.\n", "", 5, call.refused)
    assert (refused.good, refused.text) == (False, "Vary: Vary failed, Drive in use.")
    assert _library_command.answer(0, "Vary: drive 0, 0,10, 0 varied offline.\n", "", 5, call.refused).good


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"drive_names": {DRIVE: "drive 1"}}, f"library_acsls_drive_names[{DRIVE}] must be acs,lsm,panel,drive"),
        ({"drive_names": {DRIVE: "0,0,10"}}, f"library_acsls_drive_names[{DRIVE}] must be acs,lsm,panel,drive"),
        ({"command": []}, "library_acsls_command must be a list of words"),
        ({"command": ["-x"]}, "library_acsls_command must be a list of words"),
        ({"vary_ways": []}, "library_acsls_vary_ways must not be empty"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        acsls.check({**OPTIONS, **given})
    assert str(refused.value).startswith(said)
