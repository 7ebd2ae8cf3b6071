# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A product that sets a drive offline by itself, and may bring it online by itself while others hold it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _act
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import Answer, as_row
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import custom
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import Policy
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.control_point import ControlPoint, ask


class Polling(ModuleType):
    """The application custom; it polls a drive that it shows as ``offline polled``."""

    def __init__(self, point: ControlPoint) -> None:
        super().__init__("polling")
        self.queries, self.settings, self.point = custom.queries, custom.settings, point

    def read(self, options: Mapping[str, Any], targets: Sequence[Any], answers: Sequence[Any]) -> Any:
        reading = custom.read(options, targets, answers)
        for drive, found in reading.drives.items():
            reading.drives[drive] = replace(found, passing="polled" in self.point.state(drive))
        return reading


@pytest.fixture
def point(tmp_path):
    return ControlPoint(tmp_path, D1="offline polled")


def one(point: ControlPoint, relation: str = "foreign", mode: str = "enforce", **over: Any) -> Answer:
    answers: list[Answer] = []
    act = _act.Act(point.place(), Polling(point), point.options(), Policy(mode=mode))
    act.run([ask("D1", relation, **over)], answers.extend, time.sleep)
    (answer,) = answers
    return answer


@pytest.mark.parametrize(("state", "outcome"), [("offline polled", "kept"), ("offline polled conflict", "adopted")])
def test_a_drive_that_may_come_online_by_itself_is_read_again_while_others_hold_it(point, state, outcome):
    point.put("D1", state)
    answer = one(point)
    assert (answer.outcome, answer.confirmed, answer.recheck) == (outcome, True, 60.0)
    assert as_row(answer, "host", 1000.0)["recheck_at"] == 1060.0
    point.put("D1", "online")
    again = one(point)
    assert (again.outcome, again.set_to, again.taken, again.recheck) == ("offline", "offline", True, 0.0)
    assert point.state("D1") == "offline"


def test_a_drive_that_nobody_holds_is_not_read_again(point):
    assert (one(point, "none").outcome, one(point, "none").recheck) == ("kept", 0.0)


def test_a_drive_that_is_offline_for_good_is_not_read_again(point):
    point.put("D1", "offline")
    assert (one(point).outcome, one(point).recheck) == ("kept", 0.0)


def test_a_drive_that_is_only_observed_has_its_own_time(point):
    assert one(point, mode="observe").recheck == 0.0


def test_a_person_who_sets_it_offline_means_for_good(point):
    answer = one(point, "none", by_hand="offline")
    assert (answer.outcome, answer.confirmed, answer.set_to, answer.taken) == ("offline", True, "offline", False)
    assert point.state("D1") == "offline"
    assert one(point, "none", by_hand="offline").set_to is None
    assert len(point.log()) == 1
    point.put("D1", "offline polled")
    assert (one(point, "none", by_hand="online").set_to, point.state("D1")) == ("online", "online")
