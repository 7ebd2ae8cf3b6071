# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dispatcher over a real drive table, with a clock that the test moves."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _alert_events,
    _changes,
    _dispatch,
    _dispatcher,
    _history,
    _process,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError, TableError
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import Play, World, port

LIVING = _process.identity(os.getpid())
DAY = 86_400.0


# Arguments.


@pytest.mark.parametrize("args", [None, {}])
def test_without_arguments_the_defaults_hold(args: Any) -> None:
    assert _dispatcher.check(args) == _dispatcher.Options()


def test_every_option_may_be_at_its_bounds() -> None:
    for key, bounds in _dispatcher._LIMITS.items():
        for value in bounds:
            assert getattr(_dispatcher.check({key: value}), key) == value


def test_the_defaults_are_within_the_bounds() -> None:
    for key, (least, most) in _dispatcher._LIMITS.items():
        assert least <= getattr(_dispatcher.Options(), key) <= most
    assert set(_dispatcher._LIMITS) == set(_dispatcher.Options.__dataclass_fields__)


@pytest.mark.parametrize("key", _dispatcher._LIMITS)
@pytest.mark.parametrize("value", ["below", "above", "1", True, None, [], {}, float("nan"), float("inf")], ids=str)
def test_another_value_is_refused_with_the_option_and_its_bounds(key: str, value: Any) -> None:
    least, most = _dispatcher._LIMITS[key]
    value = {"below": least - 1, "above": most + 1}.get(value, value) if isinstance(value, str) else value
    whole = "whole " if key in ("batches", "changes", "emissions") else ""
    message = f"dispatcher.{key} must be a {whole}number from {least} to {most:g}, not {str(value)[:60]!r}"
    with pytest.raises(InvalidValueError, match=f"^{re.escape(message)}$"):
        _dispatcher.check({key: value})


@pytest.mark.parametrize("value", [1.0, 2.5])
def test_a_number_of_things_is_whole(value: float) -> None:
    with pytest.raises(InvalidValueError, match=r"^dispatcher\.batches must be a whole number from 1 to 100"):
        _dispatcher.check({"batches": value})


@pytest.mark.parametrize("args", [[], "batches=3", 4, True])
def test_the_argument_is_a_dictionary(args: Any) -> None:
    with pytest.raises(InvalidValueError, match=f"^dispatcher must be a dictionary, not {re.escape(repr(str(args)))}$"):
        _dispatcher.check(args)


@pytest.mark.parametrize("key", ["batch", "claim-timeout", "", 3])
def test_an_unknown_option_is_named_with_those_that_there_are(key: Any) -> None:
    message = f"dispatcher.{key} is not an option; there are batches, changes, claim_timeout, emissions, gather, "
    with pytest.raises(InvalidValueError, match=f"^{re.escape(message)}"):
        _dispatcher.check({key: 1})


# One look at the table.


class Engine:
    """A dispatcher over the world's table, and the events that it has handed over."""

    def __init__(self, world: World, *, alerts: bool = False, **options: Any) -> None:
        self.world = world
        self.events: list[dict[str, Any]] = []

        async def call(function: Callable[[Any], Any]) -> Any:
            return function(world.store)

        async def put(event: dict[str, Any]) -> None:
            self.events.append(event)

        self.jumped = 0.0
        self.dispatcher = _dispatcher.Dispatcher(
            call, put, _dispatcher.Options(**options), clock=lambda: world.now, passing=lambda: world.now - self.jumped, alerts=alerts
        )
        self.messages: list[str] = []
        self.alerts: list[dict[str, Any]] = []

    def look(self) -> list[str]:
        """Look at the table; gives the batches to emit."""
        step = self.dispatcher.step(self.world.store)
        self.messages = [message for _level, message in step.messages]
        self.alerts = [event["drive_alert"] for event in step.alerts]
        self.wait = step.wait
        return step.emit

    def later(self, seconds: float) -> list[str]:
        self.world.now += seconds
        return self.look()

    def set_clock(self, seconds: float) -> None:
        """Set the clock forward or back: no time passes."""
        self.world.now += seconds
        self.jumped += seconds

    def work(self, seconds: float, answer: Callable[[Play], Any]) -> int:
        """Let time pass, and play what is emitted, two seconds each; gives the number of plays."""
        number, end = 0, self.world.now + seconds
        while self.world.now < end:
            for batch in self.later(1):
                number += 1
                play = self.world.play(batch=batch)
                self.world.now += 2
                answer(play)
                play.finish()
        return number

    def claim(self, batch: str, claimer: dict[str, Any] | None = None, lease: float = 600) -> list[str]:
        """Claim as a play does; gives its drives."""
        with self.world.store.write() as tx:
            claim = _dispatch.claim(tx, batch, claimer or LIVING, lease, self.world.now)
        assert claim is not None
        return [row["drive"] for row in claim.drives]

    def finish(self, batch: str) -> None:
        with self.world.store.write() as tx:
            _dispatch.finish(tx, batch, self.world.now)


@pytest.fixture
def engine(world: World) -> Engine:
    world.hosts("abc", ("D1", "D2", "D3"))
    made = Engine(world)
    assert made.look() == []
    return made


def test_a_change_is_handed_over_at_once_when_nothing_is_under_way(engine: Engine) -> None:
    engine.world.see("reserved", "a")
    (batch,) = engine.look()
    assert re.fullmatch("[0-9A-Z]{26}", batch)
    assert engine.claim(batch) == ["D1"]


def test_nothing_is_handed_over_twice(engine: Engine) -> None:
    engine.world.see("reserved", "a")
    assert len(engine.look()) == 1
    assert engine.later(1) == engine.later(1) == []


def test_changes_of_several_drives_go_together(engine: Engine) -> None:
    for drive in ("D3", "D1", "D2"):
        engine.world.see("reserved", "a", drive=drive)
    (batch,) = engine.look()
    assert engine.claim(batch) == ["D1", "D2", "D3"]


def test_a_drive_that_concerns_nobody_is_not_handed_over(engine: Engine) -> None:
    engine.world.see("reserved", "a", drive="NOBODYS")
    assert engine.look() == []


def test_while_a_batch_is_under_way_changes_gather_until_it_is_quiet(engine: Engine) -> None:
    world = engine.world
    world.see("reserved", "a", drive="D1")
    engine.look()
    world.see("reserved", "a", drive="D2")
    engine.dispatcher.wake()
    assert engine.look() == []
    assert engine.later(0.05) == []
    world.see("reserved", "a", drive="D3")
    engine.dispatcher.wake()
    assert engine.later(0.06) == []
    (batch,) = engine.later(0.05)
    assert engine.claim(batch) == ["D2", "D3"]


def test_gathering_ends_although_it_never_becomes_quiet(engine: Engine) -> None:
    world = engine.world
    world.see("reserved", "a", drive="D1")
    engine.look()
    world.see("reserved", "a", drive="D2")
    started = world.now
    emitted: list[str] = []
    while not emitted and world.now < started + 5:
        engine.dispatcher.wake()
        emitted = engine.later(0.04)
    assert 0.4 < world.now - started < 0.7


def test_a_newer_change_of_a_drive_waits_for_its_batch_and_other_drives_do_not(engine: Engine) -> None:
    world = engine.world
    world.see("reserved", "a", drive="D1")
    (first,) = engine.look()
    engine.claim(first)
    world.see("released", drive="D1")
    world.see("reserved", "b", drive="D1")
    world.see("reserved", "a", drive="D2")
    (second,) = engine.later(1)
    assert engine.claim(second) == ["D2"]
    engine.finish(first)
    (third,) = engine.later(1)
    with world.store.write() as tx:
        claim = _dispatch.claim(tx, third, LIVING, 60, world.now)
    assert claim is not None
    # The newest wins.
    assert [(row["drive"], row["sequence"], row["holders"][0]["id"][-1]) for row in claim.drives] == [("D1", 3, "1")]


def test_a_change_that_comes_before_the_batch_is_claimed_is_claimed_with_it(engine: Engine) -> None:
    engine.world.see("reserved", "a")
    (batch,) = engine.look()
    engine.world.see("released")
    assert engine.later(1) == []
    with engine.world.store.write() as tx:
        claim = _dispatch.claim(tx, batch, LIVING, 60, engine.world.now)
    assert claim is not None
    assert [(row["sequence"], row["status"]) for row in claim.drives] == [(2, "released")]
    with engine.world.store.write() as tx:
        _dispatch.settle_now(tx, batch, "D1", "test", engine.world.now)
        _dispatch.finish(tx, batch, engine.world.now)
    assert engine.later(1) == engine.later(1) == []


def test_the_number_of_batches_under_way_is_bounded(world: World) -> None:
    drives = [f"D{number}" for number in range(6)]
    world.hosts("ab", drives)
    engine = Engine(world, batches=2)
    emitted = []
    for drive in drives:
        world.see("reserved", "a", drive=drive)
        emitted += engine.later(1)
    assert len(emitted) == 2
    engine.claim(emitted[0])
    engine.finish(emitted[0])
    (batch,) = engine.later(1)
    # Finished without an answer: D0 is put off, and everything that waited goes together.
    assert engine.claim(batch) == drives[2:]


def test_the_number_of_changes_in_a_batch_is_bounded_and_the_rest_follows_at_once(world: World) -> None:
    drives = [f"D{number}" for number in range(7)]
    world.hosts("ab", drives)
    engine = Engine(world, changes=3, gather=0)
    for drive in drives:
        world.see("reserved", "a", drive=drive)
    batches = [batch for _turn in range(10) for batch in engine.later(0.02)]
    assert [len(engine.claim(batch)) for batch in batches] == [3, 3, 1]


def test_what_was_not_confirmed_comes_again_after_a_pause(engine: Engine) -> None:
    engine.world.see("reserved", "a")
    (batch,) = engine.look()
    engine.claim(batch)
    engine.finish(batch)
    assert engine.later(4) == []
    (again,) = engine.later(1.1)
    assert again != batch


def test_a_look_at_an_unchanged_table_costs_no_transaction(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.later(1.1)
    monkeypatch.setattr(type(engine.world.store), "write", lambda _store: pytest.fail("the table was written"))
    engine.later(0.1)
    engine.later(0.1)


def test_a_change_of_another_process_is_noticed_without_being_woken(engine: Engine, location: str) -> None:
    code = (
        "import sys; from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _changes, _change, _store\n"
        "with _store.open_store(sys.argv[1]).write() as tx:\n"
        "  _changes.record(tx, [_change.observation({'drive': 'D1', 'status': 'reserved',"
        " 'holders': [{'protocol': 'fc', 'id': '10000090fa000000'}],"
        " 'detector': 'manual', 'observed_at': '2026-11-22T06:00:34.567890+00:00'})], float(sys.argv[2]))\n"
    )
    engine.later(0.1)
    subprocess.run(
        [sys.executable, "-c", code, location, str(engine.world.now)], check=True, timeout=30,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert len(engine.later(0.1)) == 1


# A batch that nobody claims.


def test_a_batch_that_is_not_claimed_in_time_is_handed_over_again_with_the_likely_cause(engine: Engine) -> None:
    engine.world.see("reserved", "a")
    (batch,) = engine.look()
    assert engine.later(29) == []
    assert engine.later(1.1) == [batch]
    assert len(engine.messages) == 1
    assert engine.messages[0].startswith(f"Batch {batch} was not claimed within 30 s and is emitted again. Likely the playbook")
    assert engine.later(29) == []
    assert engine.later(1.1) == [batch]


def test_a_batch_that_was_claimed_is_not_handed_over_again(engine: Engine) -> None:
    engine.world.see("reserved", "a")
    (batch,) = engine.look()
    engine.later(29)
    engine.claim(batch)
    assert engine.later(30) == engine.later(100) == []


def test_an_engine_that_claims_nothing_any_more_is_deaf(engine: Engine) -> None:
    engine.world.see("reserved", "a")
    (batch,) = engine.look()
    for _again in range(3):
        assert engine.later(31) == [batch]
    with pytest.raises(_dispatcher.DeafEngineError) as caught:
        engine.later(31)
    assert str(caught.value) == (
        f"Batch {batch} was emitted 4 times and never claimed; the event source ends so that the rule engine is started"
        " anew. All changes stand in the drive table and are dispatched again then."
    )
    # Nothing was lost by that: the next one begins with it.
    assert Engine(engine.world).look() == [batch]


def test_a_source_that_is_started_anew_hands_over_at_once_what_nobody_had_claimed(engine: Engine) -> None:
    world = engine.world
    world.see("reserved", "a", drive="D1")
    (unclaimed,) = engine.look()
    world.see("reserved", "a", drive="D2")
    (claimed,) = engine.later(1)
    engine.claim(claimed)
    world.see("reserved", "a", drive="D3")
    after = Engine(world)
    first = after.look() + after.later(1)
    assert first[0] == unclaimed
    assert claimed not in first
    assert after.claim(first[1]) == ["D3"]


def test_the_emissions_to_an_earlier_engine_do_not_count_against_the_new_one(engine: Engine) -> None:
    engine.world.see("reserved", "a")
    (batch,) = engine.look()
    for _again in range(3):
        engine.later(31)
    after = Engine(engine.world)
    assert after.look() == [batch]
    for _again in range(3):
        assert after.later(31) == [batch]
    with pytest.raises(_dispatcher.DeafEngineError):
        after.later(31)


# A play that is no more.


def test_the_drives_of_a_play_whose_process_was_killed_are_handed_over_again_within_a_second(engine: Engine) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "print('there', flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as play:
        assert play.stdout is not None
        play.stdout.readline()
        engine.world.see("reserved", "a")
        (batch,) = engine.look()
        engine.claim(batch, _process.identity(play.pid))
        assert engine.later(1.1) == []
        play.kill()
        os.waitid(os.P_PID, play.pid, os.WEXITED | os.WNOWAIT)  # a zombie is enough
        emitted = engine.later(1.1)
    assert len(emitted) == 1
    assert emitted != [batch]
    assert engine.claim(emitted[0]) == ["D1"]
    engine.later(1)
    assert any("its play has ended, or was stopped, without a word" in message for message in engine.messages)


def test_a_table_that_was_deleted_or_replaced_meanwhile_is_listened_to_from_its_beginning(
    engine: Engine, location: str
) -> None:
    for turn in range(5):
        engine.world.see("released" if turn % 2 else "reserved", *([] if turn % 2 else ["a"]))
        engine.later(1)
    for path in Path(location).parent.glob(f"{Path(location).name}*"):
        path.unlink()
    engine.world.hosts("ab")
    engine.world.see("reserved", "a")
    engine.later(1)
    with engine.world.store.write() as tx:
        _changes.raise_sequence(tx, "D1", 41, engine.world.now)
    engine.later(1)
    assert any("a record was at change 41" in message for message in engine.messages)


def test_a_play_that_is_killed_every_time_is_not_started_in_a_tight_loop(engine: Engine) -> None:
    engine.world.see("reserved", "a")
    dead = {**LIVING, "start": "1"}
    begun: list[float] = []
    for _tick in range(200):
        for batch in engine.later(0.5):
            begun.append(engine.world.now)
            engine.claim(batch, dead)
    pauses = [later - sooner for sooner, later in itertools.pairwise(begun)]
    assert len(begun) < 12
    assert pauses[0] < 2
    assert pauses[-1] > 10


def test_a_play_on_another_controller_is_left_alone_until_its_lease_is_over(engine: Engine) -> None:
    engine.world.see("reserved", "a")
    (batch,) = engine.look()
    engine.claim(batch, {**LIVING, "host": "other.example", "pid": 1}, lease=100)
    assert engine.later(99) == []
    assert len(engine.later(2)) == 1


# What operators hear of.


def test_what_plays_write_into_the_history_is_told_once_and_only_what_matters(engine: Engine) -> None:
    with engine.world.store.write() as tx:
        _history.add(tx, engine.world.now, "kept", "Drive D1 is offline in A.", "D1")
        _history.add(tx, engine.world.now, "answer", "Drive D1, a: offline.", "D1")
    engine.look()
    assert engine.messages == ["Drive D1 is offline in A."]
    engine.later(2)
    assert engine.messages == []


def test_what_is_to_be_told_is_not_lost_with_a_look_that_fails(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.look()
    with engine.world.store.write() as tx:
        _history.add(tx, engine.world.now, "kept", "Drive D1 is offline in A.", "D1")

    def fails(*_args: Any) -> None:
        raise TableError("locked")

    with monkeypatch.context() as broken:
        broken.setattr(_dispatch, "next_due", fails)
        with pytest.raises(TableError):
            engine.later(2)
    engine.later(2)
    assert engine.messages == ["Drive D1 is offline in A."]


def test_the_history_from_before_the_start_is_not_told_again(world: World) -> None:
    with world.store.write() as tx:
        _history.add(tx, world.now, "silent", "Old.", "D1")
    engine = Engine(world)
    engine.look()
    engine.later(2)
    assert engine.messages == []


def test_a_row_that_was_damaged_by_hand_does_not_stop_the_others(engine: Engine) -> None:
    engine.world.see("reserved", "a", drive="D1")
    engine.world.see("reserved", "a", drive="D2")
    with engine.world.store.write() as tx:
        tx.execute("UPDATE drives SET holders = ? WHERE drive = 'D1'", ("{{ 7*7 }}",))
    (batch,) = engine.look()
    assert engine.claim(batch) == ["D2"]
    engine.later(2)
    assert engine.later(100) == []


def test_a_clock_that_was_set_back_does_not_stop_the_dispatcher(engine: Engine) -> None:
    engine.world.see("reserved", "a")
    (batch,) = engine.look()
    engine.set_clock(-DAY)
    engine.look()
    engine.world.see("reserved", "a", drive="D2")
    emitted = engine.later(1) + engine.later(1)
    assert [engine.claim(one) for one in emitted if one != batch] == [["D2"]]


@pytest.mark.parametrize("seconds", [-DAY, -1800, DAY])
def test_what_is_owed_comes_again_when_the_clock_was_set(engine: Engine, seconds: float) -> None:
    engine.world.see("reserved", "a")
    (batch,) = engine.look()
    engine.claim(batch)
    engine.finish(batch)
    engine.later(1)
    engine.set_clock(seconds)
    # Nothing is written meanwhile that would make it look.
    (again,) = engine.later(1)
    assert engine.claim(again) == ["D1"]
    direction = "back" if seconds < 0 else "forward"
    assert engine.messages == [
        f"The clock of the drive table's machine was set {direction} by {abs(seconds):.0f} s; what was put off is looked"
        " at now. Keep the clock right by NTP."
    ]
    engine.later(1)
    assert engine.messages == []


@pytest.mark.parametrize("days", [-1, 1])
def test_a_drive_in_doubt_is_asked_about_once_more_when_the_clock_was_set_by_a_day(engine: Engine, days: int) -> None:
    world = engine.world
    world.see("reserved", "a")
    assert engine.work(10, lambda play: play.confirm("a", play.answer("b", recheck_at=world.now + 60), "c")) == 1
    engine.set_clock(days * DAY)
    asked: list[str] = []

    def answer(play: Play) -> None:
        asked.extend(host for host in "abc" if play.work(host))
        play.confirm(*asked)

    # Set back, it was asked for a day, every other second, and never about what was in doubt.
    assert engine.work(300, answer) == 1
    assert asked == ["b"]


def test_the_lease_of_a_play_elsewhere_is_not_a_day_longer_when_the_clock_is_set_back(engine: Engine) -> None:
    engine.world.see("reserved", "a")
    (batch,) = engine.look()
    engine.claim(batch, {"host": "elsewhere", "boot": "b", "pid": 1, "start": "1"}, lease=600)
    engine.set_clock(-DAY)
    assert [emitted for _second in range(590) for emitted in engine.later(1)] == []
    (again,) = [emitted for _second in range(20) for emitted in engine.later(1)]
    assert engine.claim(again) == ["D1"]


def test_the_lease_of_a_play_here_is_not_broken_when_the_clock_is_set_back(engine: Engine) -> None:
    engine.world.see("reserved", "a")
    (batch,) = engine.look()
    engine.claim(batch, lease=600)
    engine.set_clock(-DAY)
    assert engine.later(1) == []
    assert engine.world.state()["batch"] == batch


def test_when_the_clock_is_set_forward_the_play_that_is_under_way_is_followed_by_one_and_not_counted(engine: Engine) -> None:
    world = engine.world
    world.see("reserved", "a")
    (batch,) = engine.look()
    first = world.play(batch=batch)
    engine.set_clock(DAY)
    (again,) = engine.later(1)
    second = world.play(batch=again)
    assert first.confirm("a", "b", "c").settled == []
    assert second.confirm("a", "b", "c").settled == ["D1"]
    assert engine.work(100, lambda play: None) == 0


@pytest.mark.parametrize("days", [-1, 1])
def test_a_notification_that_comes_again_after_the_clock_was_set_by_a_day_is_known_again(engine: Engine, days: int) -> None:
    world = engine.world
    origin = "library:7:1"
    world.see("reserved", "a", origin=origin)
    world.see("released", port=port(0))
    engine.set_clock(days * DAY)
    for _second in range(100):
        engine.later(1)
    # The acknowledgement was lost, so it is sent again; it must not become the newest change.
    assert world.see("reserved", "a", origin=origin).result == "repeated"


# The loop.


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait for something that other tasks bring about."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the dispatcher brings it about
            await asyncio.sleep(0.005)


def running(engine: Engine, body: Callable[[asyncio.Task[None]], Awaitable[None]]) -> None:
    async def both() -> None:
        task = asyncio.create_task(engine.dispatcher.run())
        try:
            await body(task)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, _dispatcher.DeafEngineError):
                await task

    asyncio.run(both())


def test_the_event_carries_the_batch_and_nothing_else(engine: Engine) -> None:
    async def body(_task: Any) -> None:
        engine.world.see("reserved", "a")
        engine.dispatcher.wake()
        await until(lambda: engine.events)

    running(engine, body)
    (event,) = engine.events
    assert set(event) == {"reservation_change"}
    assert event["reservation_change"].keys() == {"version", "batch"}
    assert event["reservation_change"]["version"] == 1
    assert re.fullmatch("[0-9A-Z]{26}", event["reservation_change"]["batch"])


def test_a_wake_is_not_lost_while_an_event_is_handed_over(world: World) -> None:
    """The wake comes while put is blocked; the next look must not wait for the poll interval."""
    world.hosts("ab", ("D1", "D2"))
    engine = Engine(world, poll_interval=10.0, gather=0.0)
    blocked, go = asyncio.Event(), asyncio.Event()

    async def put(event: dict[str, Any]) -> None:
        engine.events.append(event)
        if len(engine.events) == 1:
            blocked.set()
            await go.wait()

    engine.dispatcher._put = put

    async def body(_task: Any) -> None:
        world.see("reserved", "a", drive="D1")
        engine.dispatcher.wake()
        await blocked.wait()
        world.see("reserved", "a", drive="D2")
        engine.dispatcher.wake()
        go.set()
        await until(lambda: len(engine.events) == 2, 3)

    running(engine, body)


def test_a_wake_in_the_moment_of_the_end_does_not_keep_the_dispatcher_running(engine: Engine) -> None:
    async def body(task: asyncio.Task[None]) -> None:
        await asyncio.sleep(0.02)
        engine.dispatcher.wake()
        task.cancel()
        done, _pending = await asyncio.wait({task}, timeout=3)
        assert task in done
        assert task.cancelled()

    running(engine, body)


def test_an_engine_that_reads_no_events_ends_the_dispatcher_with_one_sentence(world: World) -> None:
    world.hosts("ab")
    engine = Engine(world, claim_timeout=1, emissions=1)
    engine.dispatcher._put = lambda event: asyncio.sleep(60)
    world.see("reserved", "a")

    async def body(task: asyncio.Task[None]) -> None:
        with pytest.raises(_dispatcher.DeafEngineError, match=r"^The rule engine has not taken batch [0-9A-Z]{26} for 1 s; the"):
            await asyncio.wait_for(asyncio.shield(task), 10)

    running(engine, body)


def test_a_table_that_cannot_be_used_pauses_the_dispatcher_and_does_not_end_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real_call, failing, failed = engine.dispatcher._call, [True], []

    async def call(function: Callable[[Any], Any]) -> Any:
        if failing[0]:
            failed.append(function)
            raise TableError("The drive table is locked.")
        return await real_call(function)

    assert _dispatcher.PAUSE >= 1
    monkeypatch.setattr(_dispatcher, "PAUSE", 0.02)
    engine.dispatcher._call = call

    async def body(task: asyncio.Task[None]) -> None:
        await until(lambda: len(failed) > 2)
        assert not task.done()
        engine.world.see("reserved", "a")
        failing[0] = False
        await until(lambda: engine.events)

    with caplog.at_level(logging.ERROR, logger="tapeworks.drive_sharing"):
        running(engine, body)
    assert "The dispatcher waits: The drive table is locked." in caplog.text


def test_a_storm_is_handed_over_completely_and_in_few_batches(world: World) -> None:
    drives = [f"D{number:04}" for number in range(1000)]
    world.hosts("ab", drives)
    engine = Engine(world, changes=200)
    with world.store.write() as tx:
        _changes.record(tx, [world.observation("reserved", "a", drive=drive) for drive in drives], world.now)
    handled: list[str] = []
    for _tick in range(100):
        for batch in engine.later(0.1):
            handled += engine.claim(batch)
            with world.store.write() as tx:
                for drive in handled[-200:]:
                    _dispatch.settle_now(tx, batch, drive, "test", world.now)
                _dispatch.finish(tx, batch, world.now)
    assert sorted(handled) == drives


# Alerts.


def silent(play: Play) -> None:
    play.confirm(*(play.answer("b", "D1", confirmed=False, outcome="silent", reason="no answer {{ lookup('pipe', 'id') }}", taken=None),))


def test_what_is_told_is_an_event_without_its_text(world: World) -> None:
    world.hosts("abc", ("D1",))
    engine = Engine(world, alerts=True)
    engine.look()
    world.see("reserved", "a")
    play = world.play(batch=engine.later(1)[0])
    silent(play)
    with world.transaction() as tx:
        _history.add(tx, world.now, "silent", "Drive D1 was not confirmed by b: no answer {{ lookup('pipe', 'id') }}", "D1")
    play.finish()
    events = []
    for _second in range(5):
        engine.later(1)
        events += [(event, list(engine.messages)) for event in engine.alerts]
    ((event, messages),) = events
    assert {key: event[key] for key in ("version", "kind", "drives", "count")} == {
        "version": 1, "kind": "not_confirmed", "drives": ["D1"], "count": 1,
    }
    assert "{{" not in str(event)
    with world.transaction() as tx:
        (entry,) = _alert_events.entries(tx, [event["entry"], 10**20, 0])
    assert [entry["message"]] == messages
    assert "lookup" in entry["message"]


def test_without_being_asked_for_there_are_no_events_of_alerts(engine: Engine) -> None:
    engine.world.see("reserved", "a")
    assert engine.look()
    engine.later(40)
    assert len(engine.messages) == 1
    assert engine.alerts == []


def test_a_batch_that_nobody_claims_is_an_alert(world: World) -> None:
    world.hosts("abc", ("D1",))
    engine = Engine(world, alerts=True)
    engine.look()
    world.see("reserved", "a")
    assert engine.look()
    engine.later(40)
    assert [event["kind"] for event in engine.alerts] == ["not_claimed"]


def confirmed(play: Play, *busy: str, taken: bool = True) -> None:
    """All confirm, but those that have a job on a drive; a play to its end."""
    play.confirm(*(
        play.answer(host, drive, **({"confirmed": False, "outcome": "busy", "taken": True} if host in busy else {"taken": taken and host != "a"}))
        for drive in play.drives for host in play.world.answers(drive)
    ))
    play.finish()


def alerts_of(engine: Engine, hours: float, *busy: str) -> list[tuple[str, list[str], str]]:
    """Let hours pass, in looks of ten minutes; gives the kind, drives and sentence of each alert."""
    told = []
    for _look in range(round(hours * 6)):
        for batch in engine.later(600):
            confirmed(engine.world.play(batch=batch), *busy, taken=not busy)
        for event in engine.alerts:
            with engine.world.transaction() as tx:
                (entry,) = _alert_events.entries(tx, [event["entry"]])
            told.append((event["kind"], event["drives"], entry["message"]))
    return told


def test_a_drive_that_is_offline_for_long_is_told_of_once_for_each_change(world: World) -> None:
    world.hosts("abc", ("D1", "D2"))
    engine = Engine(world, alerts=True)
    engine.look()
    reserved = world.see("reserved", "a")
    confirmed(world.play(batch=engine.later(1)[0]))
    assert alerts_of(engine, 23.5) == []
    ((kind, drives, sentence),) = alerts_of(engine, 1)
    assert (kind, drives) == ("offline_long", ["D1"])
    assert re.fullmatch(
        r"Drive D1 has been offline at b, c for more than 24 hours: it is reserved since \S+\. If nobody uses it any more, the playbook"
        r" conflict_doctor says what can be done\.",
        sentence,
    ), sentence
    assert alerts_of(engine, 30) == []
    # An engine that is started again does not tell it again.
    engine = Engine(world, alerts=True)
    assert alerts_of(engine, 2) == []
    assert reserved.result == "written"
    world.see("released")
    confirmed(world.play(batch=engine.later(1)[0]), "c", taken=False)
    told = [one for one in alerts_of(engine, 26, "c") if one[0] == "offline_long"]
    assert len(told) == 1
    assert "and is still offline at c after 24 hours" in told[0][2]


def test_many_drives_that_are_offline_for_long_are_one_alert_and_0_means_never(world: World) -> None:
    names = [f"D{number}" for number in range(9)]
    world.hosts("ab", names)
    engine, never = Engine(world, alerts=True), Engine(world, alerts=True, offline_alert=0)
    engine.look()
    for name in names:
        world.see("reserved", "a", drive=name)
    confirmed(world.play(batch=engine.later(1)[0]))
    assert [one for one in alerts_of(never, 30) if one[0] == "offline_long"] == []
    ((kind, drives, sentence),) = alerts_of(engine, 1)
    assert (kind, drives) == ("offline_long", names)
    assert sentence.startswith("9 drives (D0, D1, D2 and 6 more) have been offline for more than 24 hours somewhere;")
