# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _changes,
    _dispatcher,
    _source,
    _sqlite_file,
    _store,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
    ForeignSiteError,
    InvalidValueError,
    TableError,
)
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import World, port

SNMP = {"listen": ["127.0.0.1:0"]}


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A detector in place of snmp: its check takes anything, its run is what the test puts there."""
    made = SimpleNamespace(check=lambda args: args, run=None, name="snmp")
    real = _source.importlib.import_module
    monkeypatch.setattr(
        _source.importlib, "import_module", lambda name: made if name.endswith("._detectors.snmp") else real(name)
    )
    return made


# Arguments.


def test_the_arguments_become_a_configuration(detector: SimpleNamespace) -> None:
    config = _source.check({
        "table": "/t.sqlite", "site": "here", "snmp": SNMP, "dispatcher": {"batches": 2}, "eda_feedback_queue": object(),
    })
    assert config == _source.Config("/t.sqlite", "here", {"snmp": SNMP}, _dispatcher.Options(batches=2))


@pytest.mark.parametrize("table", [{}, {"table": None}, {"table": ""}])
def test_without_a_table_it_is_the_default_location(
    detector: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, table: dict[str, Any]
) -> None:
    monkeypatch.setenv("DRIVE_SHARING_TABLE", "/from/the/environment")
    assert _source.check({**table, "snmp": SNMP}).table == "/from/the/environment"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"snpm": SNMP}, "snpm is not an argument of the event source reservations; there are alerts, dispatcher, scsi, site, snmp, table, webhook"),
        ({}, "reservations needs at least one detector; give it one of snmp, scsi, webhook"),
        ({"snmp": None}, "reservations needs at least one detector; give it one of snmp, scsi, webhook"),
        ({"snmp": SNMP, "table": 5}, "table must be a file's path or a postgresql:// URL, not '5'"),
        ({"snmp": SNMP, "dispatcher": {"x": 1}}, "dispatcher.x is not an option; there are batches"),
        ({"snmp": SNMP, "dispatcher": 5}, "dispatcher must be a dictionary, not '5'"),
        ({"snmp": SNMP, "alerts": "yes"}, "alerts must be true or false, not 'yes'"),
        ({3: 4}, "3 is not an argument of the event source reservations; there are"),
    ],
)
def test_every_fault_is_one_sentence(detector: SimpleNamespace, args: dict[Any, Any], message: str) -> None:
    with pytest.raises(InvalidValueError, match=f"^{re.escape(message)}"):
        _source.check(args)


@pytest.mark.parametrize("site", ["a b", "{{ x }}", 5, ["x"], "x" * 65])
def test_a_site_is_a_name(detector: SimpleNamespace, site: Any) -> None:
    with pytest.raises(InvalidValueError, match="^site must be "):
        _source.check({"snmp": SNMP, "site": site})


def test_the_real_detector_refuses_its_own_arguments() -> None:
    with pytest.raises(InvalidValueError, match="^snmp has no option 'nonsense'; there are "):
        _source.check({"snmp": {"nonsense": 1}})


# The sink.


def fields(drive: Any = "D1", status: str = "reserved", holder: Any = 0, **over: Any) -> dict[str, Any]:
    return {
        "drive": {"serial": drive} if isinstance(drive, str) else drive, "status": status, "library": None, "port": None,
        "holders": [port(holder)] if status == "reserved" else [], "observed_at": "2026-11-22T06:00:34.567890+00:00",
        "detector": "snmp", "origin": None, **over,
    }


class Taker:
    """A sink over the world's table."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.woken = 0
        self.calls = 0
        self.sink = _source.Sink(self.call, self.wake, clock=lambda: world.now)

    async def call(self, function: Callable[[Any], Any]) -> Any:
        self.calls += 1
        return function(self.world.store)

    def wake(self) -> None:
        self.woken += 1

    def many(self, *observations: Any) -> list[Any]:
        return asyncio.run(self.sink.observe_many(observations))

    def one(self, observation: Any) -> str:
        return asyncio.run(self.sink.observe(observation))


@pytest.fixture
def taker(world: World) -> Taker:
    world.hosts("ab", ("D1", "D2"))
    return Taker(world)


def test_a_change_stands_in_the_table_when_observe_comes_back(taker: Taker) -> None:
    assert taker.one(fields()) == "written"
    assert (taker.world.state()["status"], taker.world.state()["sequence"], taker.woken) == ("reserved", 1, 1)


def test_the_same_again_is_told_from_a_change_and_wakes_nobody(taker: Taker) -> None:
    assert taker.one(fields(origin="1")) == "written"
    assert taker.one(fields(origin="2")) == "unchanged"
    assert taker.one(fields(status="released", origin="1")) == "repeated"
    assert taker.woken == 1


def test_many_are_one_transaction_and_each_has_its_own_result(taker: Taker) -> None:
    results = taker.many(
        fields("D1", origin="1"), fields({"wwpn": "500507630f44be07"}), fields("{{ 7*7 }}"), fields("D2"),
        fields("D1", origin="1"), fields("D1"), fields("D1", "released", port=port(1)),
    )
    assert [one if isinstance(one, str) else type(one) for one in results] == [
        "written", "unresolved", InvalidValueError, "written", "repeated", "unchanged", "contradiction",
    ]
    assert (taker.calls, taker.woken) == (1, 1)
    assert taker.world.state("D2")["status"] == "reserved"


@pytest.mark.parametrize(
    "bad",
    [
        fields(status="locked"), fields(holder=0, holders=[{"protocol": "fc", "id": "10000090fa16"}]), fields(holders="x"),
        fields(holders=5), fields(holders={"protocol": "fc"}), fields(holders=[5]), fields(observed_at="now"), fields(detector=""),
        fields(library="{{ x }}"), fields(port=3), fields("a b"), fields("D\0001"), fields("x" * 10_000), fields({}),
        fields({"serial": "D1", "wwpn": "500507630f44be07"}), fields({"wwpn": "{{ 7*7 }}"}), fields({"location": "$(reboot)"}),
        fields({"serial": 5}), fields({"serial": None}), fields(5), fields(None), fields([]), {}, {"drive": {"serial": "D1"}},
        fields(origin=5), fields({"wwpn": "500507630f44be07"}, status="locked"), None, 5, "text", [],
    ],
    ids=lambda bad: str(bad)[:60],
)
def test_whatever_a_detector_makes_of_a_notification_one_bad_one_is_refused_and_the_others_are_written(
    taker: Taker, bad: Any
) -> None:
    first, second, third = taker.many(fields("D1"), bad, fields("D2"))
    assert (first, third) == ("written", "written")
    assert isinstance(second, InvalidValueError)
    assert "\n" not in str(second)
    assert len(str(second)) < 500
    with pytest.raises(InvalidValueError):
        taker.one(bad)


def test_a_change_of_an_unknown_drive_is_put_aside_and_written_when_the_drive_becomes_known(
    taker: Taker, caplog: pytest.LogCaptureFixture
) -> None:
    observation = fields({"location": "frame 1, row 2"}, library="ts4500_01", origin="7")
    assert taker.one(observation) == "unresolved"
    assert taker.one(observation) == "repeated"
    assert len(caplog.records) == 1
    assert caplog.messages[0].startswith("A change of a drive that nobody is known to see was put aside: No drive with location")


def test_a_table_that_cannot_be_written_is_an_error_for_all(taker: Taker, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked() -> None:
        raise TableError("The drive table is locked.")

    monkeypatch.setattr(taker.world.store, "write", locked)
    with pytest.raises(TableError, match="locked"):
        taker.many(fields("D1"), fields("D2"))
    assert taker.woken == 0


def test_if_the_transaction_fails_at_its_end_nothing_counts_as_taken(taker: Taker, monkeypatch: pytest.MonkeyPatch) -> None:
    real = _changes.record

    def failing(*args: Any) -> Any:
        real(*args)
        raise TableError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(_changes, "record", failing)
        with pytest.raises(TableError):
            taker.one(fields(origin="1"))
    assert taker.woken == 0
    # The sender tries again, and that is no repetition.
    assert taker.one(fields(origin="1")) == "written"


def test_a_storm_of_what_has_to_be_told_has_few_lines(taker: Taker, caplog: pytest.LogCaptureFixture) -> None:
    nowhere = [fields(drive={"location": f"place {number % 300}"}, origin=f"n{number}") for number in range(600)]
    assert taker.many(*nowhere) == ["unresolved"] * 600
    assert len(caplog.messages) == 11
    assert taker.many(*(fields(f"D{number}") for number in range(50))) == ["written"] * 50
    caplog.clear()
    wrong = [fields(f"D{number}", "released", port=port(1)) for number in range(50)]
    assert taker.many(*(wrong * 3)) == ["contradiction"] * 150
    assert len(caplog.messages) == 11
    assert caplog.messages[-1].startswith("There is the same of more drives (contradiction)")


def test_a_contradiction_is_logged(taker: Taker, caplog: pytest.LogCaptureFixture) -> None:
    taker.one(fields())
    assert taker.one(fields(status="released", port=port(1))) == "contradiction"
    assert "a release by another has no effect" in caplog.text


def test_a_detectors_values_are_kept_in_the_table(taker: Taker) -> None:
    assert asyncio.run(taker.sink.meta_get("snmp.boots")) is None
    asyncio.run(taker.sink.meta_set("snmp.boots", "3"))
    assert asyncio.run(taker.sink.meta_get("snmp.boots")) == "3"


# The table's thread.


def test_all_that_touches_the_table_runs_in_one_thread_that_is_not_the_loops(location: str) -> None:
    async def body() -> set[str]:
        thread = _source.TableThread(location, "here")
        try:
            return set(await asyncio.gather(*(thread.call(lambda _store: threading.current_thread().name) for _turn in range(5))))
        finally:
            thread.close()

    (name,) = asyncio.run(body())
    assert name.startswith("drive-table")


def test_the_table_is_made_for_the_site_and_another_sites_is_refused_at_once(location: str) -> None:
    async def site(name: str) -> str:
        thread = _source.TableThread(location, name)
        try:
            await _source.open_table(thread)
            return await thread.call(lambda store: str(store.site))
        finally:
            thread.close()

    assert asyncio.run(site("here")) == "here"
    with pytest.raises(ForeignSiteError):
        asyncio.run(site("there"))


def test_a_table_that_is_made_and_made_anew_is_told_each_time(location: str, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        thread = _source.TableThread(location, "here")
        try:
            for _turn in range(2):
                await thread.call(lambda _store: None)
            for path in Path(location).parent.glob(f"{Path(location).name}*"):
                path.unlink()
            for _turn in range(2):
                await thread.call(lambda store: store.changed_token())
        finally:
            thread.close()

    asyncio.run(body())
    told = f"The drive table {location} was made, for site here. It knows no hosts yet: run the playbook host_facts."
    assert caplog.messages == [told, told]


def test_a_thread_that_was_never_used_closes(location: str) -> None:
    _source.TableThread(location, None).close()


def test_opening_waits_while_the_table_is_locked_and_says_so(location: str, caplog: pytest.LogCaptureFixture) -> None:
    _store.open_store(location, create=True, site="here").close()
    slept: list[float] = []

    async def body() -> None:
        failures = iter([TableError("The drive table is locked."), TableError("The drive table is locked.")])

        async def call(function: Callable[[Any], Any]) -> Any:
            for failure in failures:
                raise failure
            return None

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        await _source.open_table(SimpleNamespace(call=call), sleep)  # type: ignore[arg-type]

    asyncio.run(body())
    assert slept == [1.0, 2.0]
    assert caplog.messages[0] == "The drive table is locked. The event source tries again in 1 s."


# Detectors that fail.


def test_a_detector_that_fails_or_ends_is_started_again_with_growing_pauses(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slept: list[float] = []
    runs = iter([RuntimeError("boom"), None, OSError("no route"), InvalidValueError("snmp.listen is in use")])

    async def run() -> None:
        outcome = next(runs)
        if outcome is not None:
            raise outcome

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(_source.asyncio, "sleep", sleep)
    with pytest.raises(InvalidValueError, match=r"^snmp\.listen is in use$"):
        asyncio.run(_source.keep_running("snmp", run, logging.getLogger("tapeworks.drive_sharing.snmp")))
    assert slept == [1.0, 2.0, 4.0]
    assert "The detector snmp failed and is started again in 1 s." in caplog.messages
    assert "The detector snmp ended by itself and is started again." in caplog.messages


# The whole source.


def serve(
    config: _source.Config, body: Callable[[list[dict[str, Any]], asyncio.Task[None]], Awaitable[None]]
) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []

    async def put(event: dict[str, Any]) -> None:
        events.append(event)

    async def both() -> None:
        task = asyncio.create_task(_source.serve(put, config))
        try:
            async with asyncio.timeout(20):
                await body(events, task)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(both())
    return events


def config(location: str) -> _source.Config:
    return _source.Config(location, "test", {"snmp": {}}, _dispatcher.Options())


async def until(condition: Callable[[], Any]) -> None:
    while not condition():  # noqa: ASYNC110 - another thread brings it about
        await asyncio.sleep(0.005)


def test_what_a_detector_sees_becomes_an_event(world: World, location: str, detector: SimpleNamespace) -> None:
    world.hosts("ab")
    results: list[Any] = []

    async def run(_settings: Any, sink: Any, _log: Any) -> None:
        results.append(await sink.observe(fields()))
        await asyncio.Event().wait()

    detector.run = run

    async def body(events: list[Any], _task: Any) -> None:
        await until(lambda: events)

    (event,) = serve(config(location), body)
    assert results == ["written"]
    assert re.fullmatch("[0-9A-Z]{26}", event["reservation_change"]["batch"])


def test_a_detector_that_fails_does_not_end_the_source_and_what_stood_in_the_table_is_dispatched(
    world: World, location: str, detector: SimpleNamespace
) -> None:
    world.hosts("ab")
    world.see("reserved", "a")

    async def run(*_args: Any) -> None:
        raise RuntimeError("boom")

    detector.run = run

    async def body(events: list[Any], task: asyncio.Task[None]) -> None:
        await until(lambda: events)
        assert not task.done()

    assert len(serve(config(location), body)) == 1


def test_wrong_arguments_that_show_only_when_it_runs_end_the_source_with_the_sentence(
    location: str, detector: SimpleNamespace
) -> None:
    async def run(*_args: Any) -> None:
        raise InvalidValueError("snmp.listen[0] is in use")

    detector.run = run

    async def body(_events: list[Any], task: asyncio.Task[None]) -> None:
        with pytest.raises(InvalidValueError, match="is in use$"):
            await task

    serve(config(location), body)


def test_cancelling_the_source_ends_its_detectors_and_closes_the_table(location: str, detector: SimpleNamespace) -> None:
    ended: list[str] = []
    began = asyncio.Event()

    async def run(*_args: Any) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("detector")

    detector.run = run

    async def body(_events: list[Any], task: asyncio.Task[None]) -> None:
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    serve(config(location), body)
    assert ended == ["detector"]
    assert not [one for one in threading.enumerate() if one.name.startswith("drive-table")]


def test_while_another_process_locks_the_table_nothing_is_taken_and_then_nothing_is_lost(
    world: World, location: str, detector: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sqlite_file, "BUSY_SECONDS", 0.1)
    world.hosts("ab")
    results: list[Any] = []
    blocker = sqlite3.connect(location, isolation_level=None, check_same_thread=False)
    blocker.execute("BEGIN IMMEDIATE")

    async def run(_settings: Any, sink: Any, _log: Any) -> None:
        try:
            await sink.observe(fields(origin="1"))
        except TableError as exc:
            # It is not acknowledged, so the sender sends it again.
            results.append(str(exc))
        blocker.execute("ROLLBACK")
        results.append(await sink.observe(fields(origin="1")))
        await asyncio.Event().wait()

    detector.run = run

    async def body(events: list[Any], _task: Any) -> None:
        await until(lambda: events)

    assert len(serve(config(location), body)) == 1
    blocker.close()
    assert "locked" in results[0]
    assert results[1:] == ["written"]
