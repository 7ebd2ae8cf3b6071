# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether another detector is wrong or only slower, in the source's sink over a real table."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _doubts, _source
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import TableError
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import World, port


class Sink:
    """The source's sink over the world's table."""

    def __init__(self, world: World) -> None:
        self.world = world

        async def call(function: Callable[[Any], Any]) -> Any:
            return function(world.store)

        self.sink = _source.Sink(call, lambda: None, clock=lambda: world.now)

    def tell(self, status: str, *holders: int, detector: str = "snmp", seen: int | None = None) -> str:
        level = {} if seen is None else {"level": True, "seen_sequence": seen}
        return asyncio.run(self.sink.observe({
            "drive": {"serial": "D1"}, "status": status, "holders": [port(number) for number in holders],
            "observed_at": "2026-11-22T06:00:34.567890+00:00", "detector": detector, **level,
        }))

    def read(self, status: str, *holders: int, seen: int) -> str:
        return self.tell(status, *holders, detector="scsi", seen=seen)

    def later(self, seconds: float) -> list[str]:
        """Let time pass, and give the contradictions of the history."""
        self.world.now += seconds
        asyncio.run(self.sink.known(["D1"], None))
        return self.world.messages("contradiction")


@pytest.fixture
def sink(world: World) -> Sink:
    world.hosts("abc")
    return Sink(world)


def test_one_that_tells_the_same_within_moments_was_only_slower(sink: Sink) -> None:
    sink.tell("reserved", 0)
    assert sink.read("released", seen=1) == "written"
    assert sink.later(_doubts.MOMENTS / 2) == []
    assert sink.tell("released") == "unchanged"
    assert sink.later(_doubts.MOMENTS * 2) == []


def test_one_that_does_not_is_told_once_with_both_sides(sink: Sink) -> None:
    sink.tell("reserved", 0)
    sink.read("reserved", 1, seen=1)
    sink.tell("reserved", 1, detector="webhook")
    [told] = sink.later(_doubts.MOMENTS + 1)
    assert told == (
        "Drive D1: snmp told that it is reserved by fc 10000090fa000000 (change 1), and reading the drive (scsi) shows that it is"
        " reserved by fc 10000090fa000001. What was read counts. snmp has not told the same within 10 s: a notification was lost,"
        " or false."
    )
    assert sink.later(_doubts.MOMENTS + 1) == [told]


def test_one_that_insists_is_told(sink: Sink) -> None:
    sink.read("released", seen=0)
    sink.tell("reserved", 0)
    sink.read("released", seen=2)
    sink.tell("reserved", 0)
    sink.read("released", seen=4)
    assert len(sink.later(_doubts.MOMENTS + 1)) == 1


def test_a_clock_that_is_set_back_keeps_nobody_in_doubt(sink: Sink) -> None:
    sink.tell("reserved", 0)
    sink.read("released", seen=1)
    assert len(sink.later(-3600)) == 1


def test_what_could_not_be_written_is_told_later(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    sink.tell("reserved", 0)
    sink.read("released", seen=1)

    def locked() -> None:
        raise TableError("The drive table is locked.")

    with monkeypatch.context() as patch:
        patch.setattr(sink.world.store, "write", locked)
        with pytest.raises(TableError):
            sink.later(_doubts.MOMENTS + 1)
    assert len(sink.later(1)) == 1


def test_known_tells_what_changed_since_the_token(sink: Sink) -> None:
    token, rows = asyncio.run(sink.sink.known(["D1", "D2"], None))
    assert rows is not None
    assert (rows["D1"].status, rows["D2"].sequence) == ("", 0)
    assert asyncio.run(sink.sink.known(["D1", "D2"], token)) == (token, None)
    sink.tell("reserved", 0)
    _token, rows = asyncio.run(sink.sink.known(["D1", "D2"], token))
    assert rows is not None
    assert rows["D1"].holders == (port(0),)
