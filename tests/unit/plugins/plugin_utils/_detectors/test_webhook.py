# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The detector as a whole, with real sockets and TLS on loopback, and a table that does what the test wants."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _webhook_signature, webhook
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError, TableError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CHANGE = {"drive": "1310211169", "status": "reserved", "holders": [{"protocol": "fc", "id": "10000090fa1658de"}]}
LOG = logging.getLogger("test_webhook")


class Table:
    """A table that keeps what it is given, unless it is told to fail or to wait."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.fault: Exception | None = None
        self.results: dict[str, Any] = {}
        self.open = asyncio.Event()
        self.open.set()

    async def observe_many(self, many: Any) -> list[Any]:
        await self.open.wait()
        if self.fault is not None:
            raise self.fault
        self.taken += many
        return [self.results.get(fields["drive"]["serial"], "written") for fields in many]


class World:
    """A detector that runs, and somebody who sends to it."""

    def __init__(self, detector: webhook.Detector, table: Table, authority: Path) -> None:
        self.detector, self.table = detector, table
        self.context = ssl.create_default_context(cafile=str(authority))

    @property
    def port(self) -> int:
        return int(self.detector.addresses[0].rpartition(":")[2])

    async def send(self, body: Any = None, *, name: str = "library1", secret: str = SECRET, message: str = "msg_1",
                   ago: float = 0, method: str = "POST", **headers: str) -> tuple[int, Any]:
        octets = body if isinstance(body, bytes) else json.dumps(CHANGE if body is None else body).encode()
        timestamp = str(int(time.time() - ago))
        signature = _webhook_signature.sign(_webhook_signature.key(secret, "secret"), message, timestamp, octets)
        signed = {"webhook-id": message, "webhook-timestamp": timestamp, "webhook-signature": signature, **headers}
        url = f"https://127.0.0.1:{self.port}/reservations/{name}"
        async with aiohttp.ClientSession() as session, session.request(method, url, data=octets, headers=signed, ssl=self.context) as answer:
            return answer.status, await answer.json()


def arguments(tmp_path: Path, certificate: tuple[Path, Path], **more: Any) -> dict[str, Any]:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    return {
        "listen": ["127.0.0.1:0"], "certfile": str(certificate[0]), "keyfile": str(certificate[1]),
        "senders": [
            {"name": "library1", "secret_file": str(secret), "addresses": ["127.0.0.1"]},
            {"name": "elsewhere", "secret_file": str(secret), "addresses": ["192.0.2.20"]},
        ],
        **more,
    }  # fmt: skip


@contextlib.asynccontextmanager
async def running(args: dict[str, Any], authority: Path) -> AsyncIterator[World]:
    table = Table()
    detector = webhook.Detector(webhook.check(args), table, LOG)
    task = asyncio.create_task(detector.run())
    started = asyncio.create_task(detector.started.wait())
    try:
        await asyncio.wait([task, started], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield World(detector, table, authority)
    finally:
        started.cancel()
        task.cancel()
        await asyncio.gather(task, started, return_exceptions=True)


@pytest.fixture
def args(tmp_path: Path, certificate: tuple[Path, Path]) -> dict[str, Any]:
    return arguments(tmp_path, certificate)


def test_a_signed_change_is_answered_once_it_stands_in_the_table(args: dict[str, Any], certificate: tuple[Path, Path]) -> None:
    async def story() -> None:
        async with running(args, certificate[0]) as world:
            world.table.open.clear()
            sent = asyncio.create_task(world.send())
            done, _waiting = await asyncio.wait([sent], timeout=0.3)
            assert not done
            world.table.open.set()
            assert await sent == (200, {"results": [{"result": "written"}]})
            assert [fields["drive"] for fields in world.table.taken] == [{"serial": "1310211169"}]
            assert world.detector.counters() == {"requests": 1, "written": 1}

    asyncio.run(story())


def test_what_is_not_signed_by_the_sender_is_not_taken(args: dict[str, Any], certificate: tuple[Path, Path]) -> None:
    async def story() -> None:
        async with running(args, certificate[0]) as world:
            other = "another secret of 24 octets or more"
            assert (await world.send(secret=other))[0] == 401
            status, said = await world.send(ago=3600)
            assert (status, "it was signed 36" in said["error"]) == (401, True)
            assert (await world.send(name="nobody"))[0] == 404
            assert (await world.send(name="elsewhere"))[0] == 404
            assert (await world.send(method="PUT"))[0] == 405
            assert (await world.send(**{"Content-Encoding": "gzip"}))[0] == 415
            assert world.table.taken == []
            assert world.detector.counters() == {
                "requests": 6, "signature": 1, "timestamp": 1, "unknown_sender": 2, "malformed": 2,
            }  # fmt: skip

    asyncio.run(story())


def test_a_body_is_bounded(args: dict[str, Any], certificate: tuple[Path, Path]) -> None:
    async def story() -> None:
        async with running({**args, "max_body": 1000}, certificate[0]) as world:
            assert await world.send(b" " * 1001) == (413, {"error": "its body has 1001 octets; at most 1000 are taken"})

            async def parts() -> AsyncIterator[bytes]:
                for _turn in range(100):
                    yield b" " * 100

            url = f"https://127.0.0.1:{world.port}/reservations/library1"
            async with aiohttp.ClientSession() as session, session.post(url, data=parts(), ssl=world.context) as answer:
                assert (answer.status, await answer.json()) == (413, {"error": "its body has more than 1000 octets"})

    asyncio.run(story())


def test_each_change_of_a_body_has_its_own_answer(args: dict[str, Any], certificate: tuple[Path, Path]) -> None:
    async def story() -> None:
        async with running(args, certificate[0]) as world:
            world.table.results = {"D2": "repeated", "D3": InvalidValueError("it is no drive")}
            body = [CHANGE, {**CHANGE, "drive": "D2"}, {**CHANGE, "drive": "D3"}, {**CHANGE, "drive": 5}]
            status, said = await world.send(body)
            assert status == 400
            assert said["results"][:3] == [{"result": "written"}, {"result": "repeated"}, {"error": "it is no drive"}]
            assert said["results"][3]["error"].startswith("drive (the drive's serial) must be text")
            assert await world.send(b"{") == (400, {"error": said_of_json()})

    asyncio.run(story())


def said_of_json() -> str:
    try:
        json.loads("{")
    except ValueError as exc:
        return f"its body is not JSON in UTF-8 ({str(exc)[:80]})"
    raise AssertionError


def test_a_table_that_cannot_be_used_is_for_the_sender_to_try_again(
    args: dict[str, Any], certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with running(args, certificate[0]) as world:
            world.table.fault = TableError("The drive table is locked; nothing was written.")
            assert await world.send() == (
                503, {"error": "the drive table cannot be used: The drive table is locked; nothing was written"},
            )  # fmt: skip
            world.table.fault = None
            world.table.open.clear()
            monkeypatch.setattr(webhook, "TAKING", 0.1)
            assert (await world.send())[0] == 503
            world.table.open.set()
            # It was not ended in the middle: it stands in the table after all, and comes again as a repetition.
            assert (await world.send())[0] == 200
            assert len(world.table.taken) == 2

    asyncio.run(story())


def test_a_fault_of_ours_ends_nothing(args: dict[str, Any], certificate: tuple[Path, Path]) -> None:
    async def story() -> None:
        async with running(args, certificate[0]) as world:
            world.table.fault = ZeroDivisionError("oops")
            assert await world.send() == (500, {"error": "a fault of the detector; its log has more"})
            world.table.fault = None
            assert (await world.send())[0] == 200

    asyncio.run(story())


def test_a_stranger_and_too_many_connections_are_closed(args: dict[str, Any], certificate: tuple[Path, Path]) -> None:
    async def story() -> None:
        elsewhere = {**args, "senders": [args["senders"][1]]}
        async with running(elsewhere, certificate[0]) as world:
            with pytest.raises(aiohttp.ClientError):
                await world.send()
            assert world.detector.counters() == {"address": 1}
        async with running(args, certificate[0]) as world:
            opened = [
                await asyncio.open_connection("127.0.0.1", world.port, ssl=world.context) for _each in range(webhook.MAX_OF_ONE)
            ]
            with pytest.raises(aiohttp.ClientError):
                await world.send()
            assert world.detector.counters() == {"crowded": 1}
            for _reader, writer in opened:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
            assert (await world.send())[0] == 200

    asyncio.run(story())


def test_a_connection_that_says_nothing_or_not_all_is_ended(
    args: dict[str, Any], certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "LIFE", 0.5)
    monkeypatch.setattr(webhook, "ARRIVAL", 0.2)

    async def story() -> None:
        async with running(args, certificate[0]) as world:
            for said in (b"", b"POST /reservations/library1 HTT"):
                reader, writer = await asyncio.open_connection("127.0.0.1", world.port, ssl=world.context)
                writer.write(said)
                async with asyncio.timeout(30):
                    with contextlib.suppress(OSError):
                        assert await reader.read() == b""
            reader, writer = await asyncio.open_connection("127.0.0.1", world.port, ssl=world.context)
            writer.write(b"POST /reservations/library1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            async with asyncio.timeout(30):
                assert b" 408 " in await reader.readline()
            writer.close()

    asyncio.run(story())


def test_a_renewed_certificate_is_taken_without_a_restart(
    tmp_path: Path, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, new_certificate: Any
) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    for source, target in zip(certificate, (cert, key), strict=True):
        shutil.copy2(source, target)
    monkeypatch.setattr(webhook, "RENEWAL", 0.05)

    async def story() -> None:
        async with running(arguments(tmp_path, (cert, key)), cert) as world:
            assert (await world.send())[0] == 200
            # Half of it is there: the one before stays.
            key.write_text("no key")
            os.utime(key, (1, time.time() + 10))
            async with asyncio.timeout(30):
                while "certificate" not in world.detector.counters():  # noqa: ASYNC110  the log is all that tells
                    await asyncio.sleep(0.05)
            assert (await world.send())[0] == 200
            other = new_certificate(tmp_path / "other")
            shutil.copy2(other[0], cert)
            shutil.copy2(other[1], key)
            os.utime(key, (1, time.time() + 20))
            world.context = ssl.create_default_context(cafile=str(other[0]))
            async with asyncio.timeout(30):
                while True:
                    with contextlib.suppress(aiohttp.ClientError):
                        assert (await world.send())[0] == 200
                        break
                    await asyncio.sleep(0.05)

    asyncio.run(story())


def test_a_client_without_its_certificate_is_not_heard(args: dict[str, Any], certificate: tuple[Path, Path], new_certificate: Any, tmp_path: Path) -> None:
    client = new_certificate(tmp_path / "client")

    async def story() -> None:
        async with running({**args, "client_ca": str(client[0])}, certificate[0]) as world:
            with pytest.raises(aiohttp.ClientError):
                await world.send()
            world.context.load_cert_chain(*client)
            assert (await world.send())[0] == 200

    asyncio.run(story())


def test_an_address_that_cannot_be_had_ends_the_source_with_one_sentence(args: dict[str, Any], certificate: tuple[Path, Path]) -> None:
    async def story() -> None:
        with pytest.raises(InvalidValueError, match=r"webhook.listen\[0\] 192.0.2.1:8443 cannot be listened at: "):
            async with running({**args, "listen": ["192.0.2.1"]}, certificate[0]):
                pass

    asyncio.run(story())
