# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One play at a time, over a real drive table."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _process, _store, _turn
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import World

LIVING = _process.identity(os.getpid())
GONE = {**LIVING, "pid": 2**22 + 1}


class Clock:
    """Passes only while somebody sleeps; ``then`` happens at the first sleep."""

    def __init__(self, world: World) -> None:
        self.store = world.store
        self.now = world.now
        self.slept = 0.0
        self.then: Callable[[], Any] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.now += seconds
        self.then()

    def held(self, instance: str = "A", claimer: dict[str, Any] | None = None, seconds: float = 60, host: str = "a") -> Any:
        return _turn.held(self.store, host, instance, claimer or LIVING, seconds, 10, self.sleep, lambda: self.now)

    def keys(self) -> list[str]:
        with self.store.read() as tx:
            return [row["key"] for row in tx.execute("SELECT key FROM meta WHERE key LIKE ?", ("turn%",))]


@pytest.fixture
def clock(world: World) -> Clock:
    return Clock(world)


def test_nobody_else_has_the_turn_meanwhile_and_nothing_of_it_is_left(clock: Clock) -> None:
    with clock.held() as first, clock.held() as second:
        assert (first, second) == (True, False)
        assert 10 <= clock.slept < 10.2
    assert clock.keys() == []


def test_another_instance_and_another_host_have_turns_of_their_own(clock: Clock) -> None:
    with clock.held() as one, clock.held("B") as two, clock.held(host="b") as three:
        assert (one, two, three, clock.slept) == (True, True, True, 0)


def test_who_waits_has_the_turn_when_it_is_free(clock: Clock) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(clock.held())
        clock.then = stack.close
        with clock.held() as got:
            assert (got, clock.slept) == (True, _turn.LOOK)
            assert len(clock.keys()) == 1


def test_the_turn_of_a_process_that_is_gone_is_free(clock: Clock) -> None:
    left = clock.held(claimer=GONE)
    left.__enter__()
    with clock.held() as got:
        assert (got, clock.slept) == (True, 0)
    assert left is not None


def test_a_turn_that_is_over_is_free_and_its_late_end_does_not_end_the_next_one(clock: Clock) -> None:
    late = contextlib.ExitStack()
    late.enter_context(clock.held(seconds=5))
    clock.now += 6
    with clock.held() as got:
        assert got
        late.close()
        assert len(clock.keys()) == 1


def test_a_turn_from_before_the_clock_was_set_back_is_free(clock: Clock) -> None:
    with clock.held():
        clock.now -= 86_400
        with clock.held() as got:
            assert (got, clock.slept) == (True, 0)


@pytest.mark.parametrize("junk", ["", "{", "[]", "{}", '{"until": "soon"}', '{"until": null, "pid": []}'])
def test_a_turn_that_was_damaged_by_hand_is_free(clock: Clock, junk: str) -> None:
    with clock.store.write() as tx:
        _store.set_meta(tx, "turn a A", junk)
    with clock.held() as got:
        assert (got, clock.slept) == (True, 0)


def test_the_turn_is_given_back_when_the_body_fails(clock: Clock) -> None:
    with pytest.raises(ZeroDivisionError), clock.held():
        1 / 0  # noqa: B018
    assert clock.keys() == []
