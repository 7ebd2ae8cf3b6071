# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A product that lets the running job end on a drive that was set offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _act
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import Answer
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import custom
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import Policy
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.control_point import ControlPoint, ask


class Graceful(ModuleType):
    """The application custom, whose drives have a job, while ``running``, that ends by itself."""

    def __init__(self) -> None:
        super().__init__("graceful")
        self.queries, self.settings, self.running = custom.queries, custom.settings, True

    def read(self, options: Mapping[str, Any], targets: Sequence[Any], answers: Sequence[Any]) -> Any:
        reading = custom.read(options, targets, answers)
        for drive, found in reading.drives.items():
            reading.drives[drive] = replace(found, in_use=self.running, ending=self.running and found.state == "offline")
        return reading


@pytest.fixture
def world(tmp_path):
    class World:
        point = ControlPoint(tmp_path, D1="online")
        file = Graceful()

        def one(self, *args: Any, **over: Any) -> Answer:
            answers: list[Answer] = []
            options = self.point.options(offline_kills_job=False)
            act = _act.Act(self.point.place(), self.file, options, Policy())
            act.run([ask(*args, **over)], answers.extend, self.point.slept.append)
            (answer,) = answers
            return answer

    return World()


def test_a_drive_with_a_job_is_set_at_once_and_confirmed_when_the_job_is_over(world):
    first = world.one()
    assert (first.outcome, first.confirmed, first.taken, first.state_read) == ("busy", False, True, "offline")
    assert "it is set offline, and a job that was running goes on until it ends" in first.reason
    assert (world.point.state("D1"), world.point.record().holds_taken) == ("offline", True)
    again = world.one()
    assert (again.outcome, again.confirmed, again.taken) == ("busy", False, True)
    world.file.running = False
    over = world.one()
    assert (over.outcome, over.confirmed, over.taken) == ("offline", True, True)
    assert len(world.point.log()) == 1, "it is set once"


def test_a_drive_that_is_released_before_its_job_is_over_is_given_back(world):
    world.one()
    answer = world.one(relation="none", sequence=6)
    assert (answer.outcome, answer.confirmed, answer.taken, world.point.state("D1")) == ("online", True, False, "online")
    assert not world.point.record().holds_taken


def test_a_drive_that_an_administrator_set_offline_is_kept_once_its_job_is_over(world):
    world.point.put("D1", "offline")
    assert (world.one().outcome, world.point.record()) == ("busy", None)
    world.file.running = False
    assert (world.one().outcome, world.point.log()) == ("kept", [])


def test_by_hand_it_is_told_that_the_job_goes_on(world):
    first = world.one(by_hand="offline", relation="none")
    assert (first.outcome, first.confirmed, first.state_read) == ("busy", False, "offline")
    assert world.one(by_hand="offline", relation="none").outcome == "busy"
    world.file.running = False
    assert world.one(by_hand="offline", relation="none").outcome == "offline"
    world.file.running = True
    assert (world.one(by_hand="online", relation="none").outcome, world.point.state("D1")) == ("online", "online")
