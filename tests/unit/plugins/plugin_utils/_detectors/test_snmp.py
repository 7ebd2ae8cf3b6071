# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The detector as a whole, with real sockets on loopback and a table that does what the test wants."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import (
    _snmp_inbox,
    _snmp_queue,
    snmp,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_maps import MIB
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError, TableError
from ansible_collections.tapeworks.drive_sharing.tests.bench import snmp_wire as wire

ARGS: dict[str, Any] = {
    "listen": ["127.0.0.1:0"],
    "users": [
        {
            "name": "library",
            "auth_passphrase": "authentication",
            "priv_passphrase": "privacy of it",
            "security_engine_id": "8000000001020304",
        }
    ],
}
LOG = logging.getLogger("test_snmp")
WITHIN = 10.0


class Table:
    """A table that keeps what it is given, unless it is told to fail or to wait."""

    def __init__(self) -> None:
        self.meta: dict[str, str] = {}
        self.transactions: list[list[dict[str, Any]]] = []
        self.fault: Exception | None = None
        self.results: dict[str, Any] = {}
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()

    async def observe_many(self, many: Any) -> list[Any]:
        self.asked.set()
        await self.open.wait()
        if self.fault is not None:
            raise self.fault
        if any(self.results.get(fields["drive"]["serial"]) is ZeroDivisionError for fields in many):
            raise ZeroDivisionError
        self.transactions.append([dict(fields) for fields in many])
        return [self.results.get(fields["drive"]["serial"], "written") for fields in many]

    async def meta_get(self, key: str) -> str | None:
        if self.fault is not None:
            raise self.fault
        return self.meta.get(key)

    async def meta_set(self, key: str, value: str) -> None:
        self.meta[key] = value


class Library:
    """A sender with a socket."""

    def __init__(self, agent: Any, detector: snmp.Detector, *, host: str = "127.0.0.1", **options: Any) -> None:
        engine = detector._engine
        if engine is None:
            raise AssertionError
        self.agent = agent(engine.engine_id, engine.boots, **options)
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.connect((host, int(detector.addresses[0].rpartition(":")[2])))

    def send(self, message: bytes) -> None:
        self.socket.send(message)

    def inform(self, variables: bytes, request_id: int = 1, **options: Any) -> None:
        self.send(self.agent.message(variables, request_id=request_id, **options))

    async def answer(self) -> Any:
        """Give the next answer's PDU."""
        async with asyncio.timeout(WITHIN):
            message = await asyncio.get_running_loop().sock_recv(self.socket, 65535)
        return self.agent.read(message)

    def nothing(self) -> bool:
        """Say whether no answer has come."""
        try:
            self.socket.recv(65535)
        except BlockingIOError:
            return True
        return False


@contextlib.asynccontextmanager
async def running(table: Table, **changes: Any) -> AsyncIterator[snmp.Detector]:
    detector = snmp.Detector(snmp.check({**ARGS, **changes}), table, LOG)
    task = asyncio.create_task(detector.run())
    started = asyncio.create_task(detector.started.wait())
    try:
        await asyncio.wait([task, started], return_when=asyncio.FIRST_COMPLETED, timeout=WITHIN)
        if task.done():
            await task
        yield detector
    finally:
        started.cancel()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that has no event of its own."""
    async with asyncio.timeout(WITHIN):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(3 * WITHIN):
            await scenario()

    asyncio.run(bounded())


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(_snmp_queue, "PAUSE", 0.01)
    monkeypatch.setattr(_snmp_queue, "MAX_PAUSE", 0.02)
    caplog.set_level(logging.INFO)


def test_an_inform_is_answered_only_after_its_change_was_committed(agent: Any) -> None:
    async def scenario() -> None:
        table = Table()
        async with running(table) as detector:
            library = Library(agent, detector)
            table.open.clear()
            library.inform(agent.reserved(), request_id=5)
            await table.asked.wait()
            assert library.nothing()
            table.open.set()
            pdu = await library.answer()
            assert (pdu.tag, pdu.request_id) == (wire.RESPONSE, 5)
            assert table.transactions[0][0]["drive"] == {"serial": "1310211169"}
            assert table.transactions[0][0]["origin"] == "snmp 127.0.0.1 library 7.1 1310211169"
            assert detector.counters() == {"datagrams": 1, "informs": 1, "written": 1, "answered": 1}

    run(scenario)


def test_what_arrives_during_a_transaction_goes_into_the_next_one_as_a_whole(agent: Any) -> None:
    async def scenario() -> None:
        table = Table()
        async with running(table) as detector:
            library = Library(agent, detector)
            table.open.clear()
            library.inform(agent.reserved(1), request_id=1)
            await table.asked.wait()
            for number in range(2, 52):
                library.inform(agent.reserved(number), request_id=number)
            await until(lambda: detector.counters().get("informs") == 51)
            table.open.set()
            answered = [(await library.answer()).request_id for _turn in range(51)]
            assert answered == list(range(1, 52))
            assert [len(transaction) for transaction in table.transactions] == [1, 50]

    run(scenario)


def test_copies_of_an_inform_that_waits_are_one_change_and_each_is_answered(agent: Any) -> None:
    async def scenario() -> None:
        table = Table()
        async with running(table) as detector:
            library = Library(agent, detector)
            table.open.clear()
            for message_id in range(3):
                library.inform(agent.reserved(), message_id=message_id)
            await until(lambda: detector.counters().get("informs") == 3)
            table.open.set()
            for _copy in range(3):
                await library.answer()
            assert [len(transaction) for transaction in table.transactions] == [1]
            assert detector.counters()["repeated_while_waiting"] == 2

    run(scenario)


def test_while_the_table_cannot_be_used_nothing_is_answered_and_then_everything(agent: Any, caplog: Any) -> None:
    async def scenario() -> None:
        table = Table()
        async with running(table) as detector:
            library = Library(agent, detector)
            table.fault = TableError("The drive table t is locked; nothing was written.")
            for number in range(1, 4):
                library.inform(agent.reserved(number), request_id=number)
            await until(lambda: detector.counters().get("table", 0) > 2)
            assert library.nothing()
            table.fault = None
            assert [(await library.answer()).request_id for _turn in range(3)] == [1, 2, 3]
            assert [fields["origin"].split()[3] for fields in table.transactions[0]] == ["7.1", "7.2", "7.3"]

    run(scenario)
    lines = [message for message in caplog.messages if "drive table" in message]
    assert lines[0] == (
        "SNMP notifications cannot be written, so they are not answered and their senders repeat them: "
        "The drive table t is locked; nothing was written."
    )
    assert lines[1].startswith("The drive table can be used again, after ")
    assert len(lines) == 2


def test_what_waited_too_long_for_the_table_is_given_up(agent: Any, monkeypatch: Any, caplog: Any) -> None:
    async def scenario() -> None:
        table = Table()
        monkeypatch.setattr(_snmp_queue, "KEEP", 0.0)
        async with running(table) as detector:
            library = Library(agent, detector)
            table.fault = TableError("locked")
            library.inform(agent.reserved(1))
            await until(lambda: detector.counters().get("given_up", 0) == 1)
            table.fault = None
            library.inform(agent.reserved(1), message_id=2)
            await library.answer()
            assert len(table.transactions) == 1

    run(scenario)
    assert any("informs are repeated by their senders, traps are lost" in message for message in caplog.messages)


def test_the_detector_waits_for_a_table_that_cannot_be_used_at_the_start(agent: Any, caplog: Any) -> None:
    async def scenario() -> None:
        table = Table()
        table.fault = TableError("locked")
        detector = snmp.Detector(snmp.check(ARGS), table, LOG)
        task = asyncio.create_task(detector.run())
        await until(lambda: detector.counters().get("table", 0) > 2)
        assert not detector.started.is_set()
        table.fault = None
        async with asyncio.timeout(WITHIN):
            await detector.started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(scenario)
    assert sum("cannot be taken yet: locked" in message for message in caplog.messages) == 1


def test_a_change_that_the_table_refuses_is_answered_counted_and_told(agent: Any, caplog: Any) -> None:
    async def scenario() -> None:
        table = Table()
        table.results = {"BAD1": InvalidValueError("observation.x must be y, not 'z'"), "GOOD1": "unchanged"}
        async with running(table) as detector:
            library = Library(agent, detector)
            library.inform(agent.reserved(1, serial="BAD1"), request_id=1)
            assert (await library.answer()).request_id == 1
            library.inform(agent.reserved(2, serial="GOOD1"), request_id=2)
            assert (await library.answer()).request_id == 2
            assert detector.counters() == {
                "datagrams": 2, "informs": 2, "refused": 1, "unchanged": 1, "answered": 2
            }  # fmt: skip

    run(scenario)
    assert "The change that 127.0.0.1 told of was not taken: observation.x must be y, not 'z'." in caplog.messages


def test_a_change_on_which_the_table_stumbles_keeps_no_other_from_it_and_is_not_answered(agent: Any) -> None:
    async def scenario() -> None:
        table = Table()
        table.results = {"POISON": ZeroDivisionError}
        async with running(table) as detector:
            library = Library(agent, detector)
            table.open.clear()
            library.inform(agent.reserved(1), request_id=1)
            await table.asked.wait()
            for number, serial in enumerate(["A1", "POISON", "B1"], 2):
                library.inform(agent.reserved(number, serial=serial), request_id=number)
            await until(lambda: detector.counters().get("informs") == 4)
            table.open.set()
            assert [(await library.answer()).request_id for _turn in range(3)] == [1, 2, 4]
            assert detector.counters()["fault"] == 1

    run(scenario)


@pytest.mark.parametrize(
    ("variables", "kind"),
    [
        (lambda agent: agent.variables("1.3.6.1.6.3.1.1.5.1"), "unknown_notification"),
        (lambda agent: agent.variables("1.3" + ".1" * 20_000), "unknown_notification"),
        (lambda agent: agent.reserved(serial=None), "missing"),
        (lambda agent: agent.reserved(serial="{{ 7 * 7 }}"), "refused"),
        (lambda agent: agent.reserved(serial="x" * 10_240), "refused"),
        (lambda agent: wire.varbinds(), "refused"),
    ],
)
def test_an_inform_that_will_never_be_usable_is_answered_and_never_reaches_the_table(
    agent: Any, variables: Any, kind: str, caplog: Any
) -> None:
    async def scenario() -> None:
        table = Table()
        async with running(table) as detector:
            library = Library(agent, detector)
            for request_id in (1, 2, 3):
                library.inform(variables(agent), request_id=request_id)
                assert (await library.answer()).request_id == request_id
            assert detector.counters() == {"datagrams": 3, "informs": 3, kind: 3, "answered": 3}
            assert table.transactions == []

    run(scenario)
    assert sum("127.0.0.1" in message for message in caplog.messages if "taken at" not in message) <= 2


def test_a_notification_that_the_map_ignores_is_answered_and_counted(agent: Any) -> None:
    maps = [{"use": "tape_drive_sharing", "status": {"oid": f"{MIB}.1.2", "values": {"*": "ignore"}}}]

    async def scenario() -> None:
        async with running(Table(), maps=maps) as detector:
            library = Library(agent, detector)
            library.inform(agent.reserved())
            await library.answer()
            assert detector.counters() == {"datagrams": 1, "informs": 1, "ignored": 1, "answered": 1}

    run(scenario)


def test_a_trap_is_written_and_not_answered(agent: Any) -> None:
    async def scenario() -> None:
        table = Table()
        async with running(table) as detector:
            library = Library(agent, detector)
            sender = agent(bytes.fromhex("8000000001020304"), 4)
            library.send(sender.message(agent.reserved(), tag=wire.TRAP, time=77))
            await until(lambda: len(table.transactions) == 1)
            assert table.transactions[0][0]["origin"] == "snmp 8000000001020304 library 7.1 1310211169"
            assert library.nothing()
            assert detector.counters() == {"datagrams": 1, "traps": 1, "written": 1}

    run(scenario)


def test_junk_gets_no_answer_and_stops_nothing(agent: Any, caplog: Any) -> None:
    async def scenario() -> None:
        table = Table()
        async with running(table) as detector:
            library = Library(agent, detector)
            good = library.agent.message(agent.reserved())
            junk = [
                b"",
                b"\0",
                b"GET / HTTP/1.1\r\n\r\n",
                b"\xff" * 65_507,
                good[:-1],
                good[: len(good) // 2],
                b"0\x80",
            ]
            for octets in junk:
                library.send(octets)
            library.inform(agent.reserved())
            await library.answer()
            assert detector.counters()["malformed"] == len(junk)

    run(scenario)
    assert sum("malformed" in message for message in caplog.messages) == 2  # one line, and the counters at the end


def test_a_fault_of_our_own_in_reading_is_one_line_and_stops_nothing(agent: Any, monkeypatch: Any, caplog: Any) -> None:
    async def scenario() -> None:
        async with running(Table()) as detector:
            library = Library(agent, detector)
            with monkeypatch.context() as patch:
                patch.setattr(detector._engine, "take", lambda *_args: 1 / 0)
                library.inform(agent.reserved())
                library.inform(agent.reserved())
                await until(lambda: detector.counters().get("fault", 0) == 2)
            library.inform(agent.reserved())
            await library.answer()

    run(scenario)
    assert sum("could not be read" in message for message in caplog.messages) == 1


def test_authentic_informs_overtake_what_strangers_send(agent: Any, monkeypatch: Any) -> None:
    async def scenario() -> None:
        async with running(Table()) as detector:
            library = Library(agent, detector)
            stranger = Library(agent, detector, auth_passphrase="another passphrase")
            # As many as wait in the system's buffer when the detector comes to it.
            for number in range(200):
                stranger.inform(agent.reserved(number), request_id=number)
            library.inform(agent.reserved(), request_id=1)
            assert (await library.answer()).request_id == 1
            counters = detector.counters()
            assert counters["datagrams"] - counters.get("digest", 0) > 150
            # And they are not forgotten.
            await until(lambda: detector.counters().get("digest", 0) >= 5)

    run(scenario)


def test_what_cannot_wait_is_counted_and_told_in_few_lines(agent: Any, monkeypatch: Any, caplog: Any) -> None:
    monkeypatch.setattr(_snmp_inbox, "MAX_OTHERS", 10_000)

    async def scenario() -> None:
        async with running(Table()) as detector:
            library = Library(agent, detector)
            stranger = Library(agent, detector, auth_passphrase="another passphrase")
            for number in range(200):
                stranger.inform(agent.reserved(number), request_id=number)
            library.inform(agent.reserved(), request_id=1)
            assert (await library.answer()).request_id == 1
            assert detector.counters()["crowded"] > 100

    run(scenario)
    assert sum("were not read" in message for message in caplog.messages) == 1


def test_a_fault_in_what_comes_after_the_reading_does_not_make_the_detector_deaf(agent: Any, monkeypatch: Any) -> None:
    async def scenario() -> None:
        async with running(Table()) as detector:
            library = Library(agent, detector)
            with monkeypatch.context() as patch:
                patch.setattr(detector, "_translate", lambda *_args: 1 / 0)
                for number in range(3):
                    library.inform(agent.reserved(), request_id=number)
                await until(lambda: detector.counters().get("fault", 0) == 3)
            library.inform(agent.reserved(), request_id=7)
            assert (await library.answer()).request_id == 7

    run(scenario)


def test_more_than_can_wait_is_dropped_without_an_answer(agent: Any, monkeypatch: Any) -> None:
    async def scenario() -> None:
        table = Table()
        monkeypatch.setattr(_snmp_queue, "MAX_WAITING", 3)
        async with running(table) as detector:
            library = Library(agent, detector)
            table.open.clear()
            library.inform(agent.reserved(1), request_id=1)
            await table.asked.wait()
            for number in range(2, 8):
                library.inform(agent.reserved(number), request_id=number)
            await until(lambda: detector.counters().get("informs") == 7)
            table.open.set()
            assert [(await library.answer()).request_id for _turn in range(4)] == [1, 2, 3, 4]
            assert detector.counters()["overload"] == 3
            # A sender repeats what was not answered.
            library.inform(agent.reserved(7), request_id=7)
            assert (await library.answer()).request_id == 7

    run(scenario)


def test_the_engine_id_is_made_once_and_boots_count_the_starts(agent: Any) -> None:
    async def scenario() -> None:
        table = Table()
        seen = []
        for _start in range(3):
            async with running(table) as detector:
                engine = detector._engine
                assert engine is not None
                seen.append((engine.engine_id, engine.boots))
                assert table.meta["snmp_engine_boots"] == str(engine.boots)
        assert [boots for _id, boots in seen] == [1, 2, 3]
        assert len({engine_id for engine_id, _boots in seen}) == 1

    run(scenario)


@pytest.mark.parametrize(
    "meta",
    [
        {"snmp_engine_id": "not hex", "snmp_engine_boots": "5"},
        {"snmp_engine_id": "8000", "snmp_engine_boots": "5"},
        {"snmp_engine_id": "80001f880501020304", "snmp_engine_boots": "many"},
        {"snmp_engine_id": "80001f880501020304", "snmp_engine_boots": str(2**31 - 2)},
    ],
)
def test_an_engine_that_cannot_go_on_is_followed_by_a_new_one(meta: dict[str, str]) -> None:
    async def scenario() -> None:
        table = Table()
        table.meta = dict(meta)
        async with running(table) as detector:
            engine = detector._engine
            assert engine is not None
            assert engine.boots == 1
            assert table.meta["snmp_engine_id"] == engine.engine_id.hex() != meta["snmp_engine_id"]

    run(scenario)


def test_a_port_in_use_is_told_with_its_option(agent: Any) -> None:
    async def scenario() -> None:
        async with running(Table()) as detector:
            other = snmp.Detector(snmp.check({**ARGS, "listen": ["127.0.0.1:0", detector.addresses[0]]}), Table(), LOG)
            with pytest.raises(InvalidValueError) as raised:
                await other.run()
            assert str(raised.value) == (
                f"snmp.listen[1]: {detector.addresses[0]} is in use by another program (snmptrapd?); nothing was started. "
                "Stop it, or choose another port"
            )

    run(scenario)


def test_an_address_of_another_host_is_told_with_its_option() -> None:
    async def scenario() -> None:
        detector = snmp.Detector(snmp.check({**ARGS, "listen": ["192.0.2.1:0"]}), Table(), LOG)
        with pytest.raises(InvalidValueError) as raised:
            await detector.run()
        assert str(raised.value) == "snmp.listen[0]: 192.0.2.1:0 is not an address of this host; nothing was started"

    run(scenario)


def test_an_answer_leaves_from_the_address_that_was_asked(agent: Any) -> None:
    async def scenario() -> None:
        async with running(Table(), listen=["0.0.0.0:0"]) as detector:
            # A connected socket takes answers from this address only; the system itself would choose 127.0.0.1.
            library = Library(agent, detector, host="127.0.0.2")
            library.inform(agent.reserved())
            assert await library.answer()

    run(scenario)


def test_one_port_serves_ipv4_and_ipv6_and_each_sender_has_its_own_address(agent: Any) -> None:
    async def scenario() -> None:
        table = Table()
        async with running(table, listen=["[::]:0"]) as first:
            port = first.addresses[0].rpartition(":")[2]
            async with running(table, listen=[f"0.0.0.0:{port}"]) as second:
                assert [*first.addresses, *second.addresses] == [f"[::]:{port}", f"0.0.0.0:{port}"]
                for detector, host in ((first, "::1"), (second, "127.0.0.1")):
                    library = Library(agent, detector, host=host)
                    library.inform(agent.reserved())
                    await library.answer()
        origins = [fields["origin"].split()[1] for transaction in table.transactions for fields in transaction]
        assert origins == ["::1", "127.0.0.1"]

    run(scenario)


def test_without_ipv6_the_default_is_ipv4_only(monkeypatch: Any) -> None:
    real = socket.socket

    def no_ipv6(family: int, *args: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        return real(family, *args)

    async def scenario() -> None:
        config = snmp.check({**ARGS, "listen": None})
        monkeypatch.setattr(socket, "socket", no_ipv6)
        detector = snmp.Detector(config, Table(), LOG)
        monkeypatch.setattr(snmp, "Endpoint", snmp_endpoint)
        task = asyncio.create_task(detector.run())
        await detector.started.wait()
        assert [address.rpartition(":")[0] for address in detector.addresses] == ["0.0.0.0"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    endpoint = snmp.Endpoint

    def snmp_endpoint(address: Any) -> Any:
        # Any free port in place of 162.
        return endpoint(type(address)(address.host, 0, address.option, address.needed))

    run(scenario)


def test_cancelling_closes_the_sockets_and_tells_the_counters(agent: Any, caplog: Any) -> None:
    async def scenario() -> None:
        async with running(Table()) as detector:
            address = detector.addresses[0]
        async with running(Table(), listen=[address]):
            pass

    run(scenario)
    assert "SNMP notifications are taken no more; counted: nothing." in caplog.messages


def test_the_detectors_contract_is_a_check_and_a_run(agent: Any) -> None:
    async def scenario() -> None:
        task = asyncio.create_task(snmp.run(snmp.check(ARGS), Table(), LOG))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(scenario)
