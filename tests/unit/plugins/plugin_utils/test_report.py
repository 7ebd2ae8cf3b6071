# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _answer, _play
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import Answer, Ask
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import TableError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._report import Report
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import World

DRIVES = ("D1", "D2", "D3")


class Locked:
    """The world's table, locked while the test wants it so."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.locked = False

    def write(self) -> Any:
        if self.locked:
            raise TableError("The drive table is locked.")
        return self.store.write()


@pytest.fixture
def table(world: World) -> Locked:
    world.hosts("ab", DRIVES)
    for drive in DRIVES:
        world.see("reserved", "a", drive=drive)
    return Locked(world.store)


def begin(world: World, table: Locked) -> tuple[Report, list[Ask]]:
    play = world.play()
    asks = [row["ask"] for row in _play.asks_of(world.store, play.batch, "b")]
    return Report(table, play.batch, "b", clock=lambda: world.now), asks


def offline(ask: Ask) -> Answer:
    return Answer(ask, True, "offline", True, state_read="offline")


def confirmed(world: World) -> dict[str, int]:
    return {drive: world.answers(drive)["b"]["confirmed"] for drive in DRIVES}


def test_answers_are_written_at_once(world: World, table: Locked) -> None:
    report, asks = begin(world, table)
    report([offline(asks[0])])
    assert confirmed(world) == {"D1": 1, "D2": 0, "D3": 0}


def test_what_a_locked_table_did_not_take_it_takes_with_the_next_answers(world: World, table: Locked) -> None:
    report, asks = begin(world, table)
    table.locked = True
    report([offline(asks[0])])
    assert confirmed(world) == {"D1": 0, "D2": 0, "D3": 0}
    table.locked = False
    report([offline(asks[1])])
    assert confirmed(world) == {"D1": 1, "D2": 1, "D3": 0}
    report.finish()
    assert [one.ask.drive for one in report.answers] == ["D1", "D2"]


def test_what_is_left_at_the_end_is_written_then_or_is_an_error(world: World, table: Locked) -> None:
    report, asks = begin(world, table)
    table.locked = True
    report([offline(ask) for ask in asks])
    with pytest.raises(TableError, match="locked"):
        report.finish()
    table.locked = False
    report.finish()
    assert confirmed(world) == {"D1": 1, "D2": 1, "D3": 1}


def test_nothing_is_written_twice(world: World, table: Locked) -> None:
    report, asks = begin(world, table)
    report([offline(asks[0])])
    before = len(world.kinds())
    report.finish()
    report([])
    assert len(world.kinds()) == before


def test_only_who_has_not_answered_is_called_silent(world: World, table: Locked) -> None:
    report, asks = begin(world, table)
    report([offline(asks[0])])
    report.silent(asks, "the options are wrong")
    assert confirmed(world) == {"D1": 1, "D2": 0, "D3": 0}
    assert [world.answers(drive)["b"]["reason"] for drive in DRIVES] == ["", "the options are wrong", "the options are wrong"]
    assert [one.outcome for one in report.answers] == ["offline", "silent", "silent"]


def test_an_answer_that_the_table_has_yet_to_take_is_an_answer(world: World, table: Locked) -> None:
    report, asks = begin(world, table)
    table.locked = True
    report([offline(asks[0])])
    report.silent(asks, "the connection broke")
    table.locked = False
    report.finish()
    assert confirmed(world) == {"D1": 1, "D2": 0, "D3": 0}


def test_dry_writes_nothing(world: World, table: Locked) -> None:
    report, asks = begin(world, table)
    dry = Report(table, "", "b", dry=True)
    dry([offline(asks[0])])
    dry.finish()
    assert confirmed(world) == {"D1": 0, "D2": 0, "D3": 0}
    assert len(dry.answers) == 1
    assert report.answers == []


def test_a_record_far_ahead_of_anything_possible_does_not_take_the_other_answers_with_it(world: World, table: Locked) -> None:
    report, asks = begin(world, table)
    report([
        Answer(asks[0], False, "behind", False, record_sequence=10**20 - 1), offline(asks[1]),
        Answer(asks[2], False, "behind", False, record_sequence=40),
    ])
    assert confirmed(world) == {"D1": 0, "D2": 1, "D3": 0}
    assert [world.state(drive)["sequence"] for drive in DRIVES] == [1, 1, 41]
    (alert,) = world.messages("alert")
    assert "D1" in alert
    assert _answer.meaning("behind")
