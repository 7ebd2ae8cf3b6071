# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _act, _read_only
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import NoAnswerError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import custom
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import Policy
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.control_point import ControlPoint


@pytest.fixture
def point(tmp_path: Path) -> ControlPoint:
    return ControlPoint(tmp_path, D1="online", D2="offline", D3="online job 5", D4="loading")


def read(
    point: ControlPoint, *drives: str, options: dict[str, Any] | None = None, place: _act.Place | None = None, **over: Any
) -> dict[str, dict[str, Any]]:
    found = _read_only.read(
        place or point.place(), custom, options or point.options(), Policy(handshake_timeout=1), "alpha", list(drives),
        over.get("devices", {}),
    )
    assert [one["drive"] for one in found] == list(drives)
    return {one["drive"]: one for one in found}


def test_everything_about_a_drive_is_told_and_nothing_is_touched(point: ControlPoint) -> None:
    point.write_record("D2", sequence=7, target="offline", taken=True)
    before = point.everything()
    found = read(point, "D1", "D2", "D3", "D4", "D9")
    assert {drive: (one["configured"], one["state"], one["in_use"], one["taken"], one["sequence"]) for drive, one in found.items()} == {
        "D1": (True, "online", False, False, None), "D2": (True, "offline", False, True, 7), "D3": (True, "online", True, False, None),
        "D4": (True, "other", False, False, None), "D9": (False, None, None, False, None),
    }
    assert (found["D3"]["names"], found["D3"]["shown"], found["D3"]["problem"]) == (["D3"], "D3: online", None)
    assert point.everything() == before
    assert point.log() == []


def test_a_query_that_does_not_work_says_nothing_about_what_is_configured(point: ControlPoint) -> None:
    point.fault("query", "refuse")
    (one,) = read(point, "D1").values()
    assert (one["configured"], one["state"], one["problem"]) == (
        None, None, "the query failed with exit status 3: this is not permitted"
    )


def test_one_query_that_hangs_leaves_the_others(point: ControlPoint) -> None:
    point.fault("query", "stubborn", "D1")
    found = read(point, "D1", "D2", options=point.options("single", "single"))
    assert found["D1"]["problem"] == "the query did not end in time and was stopped"
    assert found["D2"]["state"] == "offline"


def test_a_record_that_cannot_be_read_is_a_problem_of_its_drive(point: ControlPoint) -> None:
    point.record_path("D1").parent.mkdir(parents=True)
    point.record_path("D1").write_text("junk", encoding="utf-8")
    found = read(point, "D1", "D2")
    assert "is no record" in found["D1"]["problem"]
    assert found["D2"]["problem"] is None


def test_a_drive_is_found_by_its_device_file(point: ControlPoint) -> None:
    options = point.options(query_pattern=r"^(?P<device>\S+) (?P<name>\w+)(?P<state>)$", query_valid_pattern="")
    options["query_command"] = ["printf", "%s\\n", "/dev/nst0 TAPE0"]
    found = read(point, "D1", "D2", options=options, devices={"D1": ["/dev/nst0"]})
    assert (found["D1"]["names"], found["D2"]["configured"]) == (["TAPE0"], False)


def test_more_drives_than_go_into_one_step_are_read_in_several(point: ControlPoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_read_only, "MANY", 2)
    found = read(point, "D1", "D2", "D3", "D4", "D9")
    assert len(point.executed) == 3
    assert found["D4"]["state"] == "other"


def test_the_time_is_enough_for_all_queries_to_be_stopped(point: ControlPoint) -> None:
    given: list[float] = []

    def execute(command: str, seconds: float) -> str:
        given.append(seconds)
        return point.execute(command, seconds)

    read(point, "D1", "D2", "D3", options=point.options("single", "single"), place=replace(point.place(), execute=execute))
    # One second each, and two until the last of them has been killed.
    assert given[0] > 3 * (1 + 2)


@pytest.mark.parametrize("output", ["", "Permission denied\n"])
def test_no_answer_is_an_error(point: ControlPoint, output: str) -> None:
    with pytest.raises(NoAnswerError, match="^The step did not begin"):
        read(point, "D1", place=replace(point.place(), execute=lambda command, seconds: output))
