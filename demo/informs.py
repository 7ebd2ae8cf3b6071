# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send SNMPv3 informs as a tape library would: again and again until the receiver has acknowledged them.

TAPE-DRIVE-SHARING-MIB (docs/mibs) says what they carry. The sender's boots and its counter name a change: an inform that
is sent again has the same pair, and a sender that was started anew never uses a pair twice, as it counts its boots in a
file.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pysnmp.hlapi.v3arch.asyncio import (
    ContextData,
    SnmpEngine,
    Udp6TransportTarget,
    UdpTransportTarget,
    UsmUserData,
    send_notification,
    usmAesCfb128Protocol,
    usmHMAC192SHA256AuthProtocol,
)
from pysnmp.proto.rfc1902 import Integer32, ObjectIdentifier, ObjectName, OctetString, TimeTicks, Unsigned32

RETRY_DELAYS = (0.2, 0.5, 1.0, 2.0)
UPTIME = "1.3.6.1.2.1.1.3.0"
NOTIFICATION = "1.3.6.1.6.3.1.1.4.1.0"
MIB = "1.3.6.1.4.1.8072.9999.9999.4711"
PROTOCOLS = {"fc": 1, "iscsi": 2, "sas": 3, "ip": 4}


class Sender:
    """Sends informs from a thread of its own, those of one drive in order; a context manager."""

    def __init__(
        self,
        to: tuple[str, int],
        *,
        user: str,
        auth_passphrase: str,
        privacy_passphrase: str,
        state: Path,
        library: str = "",
        hold: Callable[[], bool] = lambda: False,
        timeout: float = 1.0,
    ) -> None:
        self._to = to
        self._user = UsmUserData(
            user,
            auth_passphrase,
            privacy_passphrase,
            authProtocol=usmHMAC192SHA256AuthProtocol,
            privProtocol=usmAesCfb128Protocol,
        )
        self._library = library
        self._hold = hold
        self._timeout = timeout
        self._lock = threading.Lock()
        self._informs: list[dict[str, Any]] = []
        self._queues: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._engine: SnmpEngine | None = None
        self._started = time.monotonic()
        self.boots = _count_boot(state)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Sender:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def notify(self, drive: Any, status: str, port: dict[str, str] | None) -> dict[str, Any]:
        """Send one inform, from any thread; give what names it."""
        with self._lock:
            inform = {
                "boots": self.boots,
                "counter": len(self._informs) + 1,
                "drive": drive.serial,
                "status": status,
                "port": port,
                "at": time.time(),
                "attempts": 0,
                "acknowledged": None,
            }
            self._informs.append(inform)
        self._loop.call_soon_threadsafe(self._enqueue, inform)
        return dict(inform)

    def sent(self) -> list[dict[str, Any]]:
        """Give all informs of this run, with their times (seconds since 1970); acknowledged is null until it is."""
        with self._lock:
            return [dict(inform) for inform in self._informs]

    def _enqueue(self, inform: dict[str, Any]) -> None:
        queue = self._queues.get(inform["drive"])
        if queue is None:
            queue = self._queues[inform["drive"]] = asyncio.Queue()
            # asyncio keeps only a weak reference to a task.
            self._tasks.add(self._loop.create_task(self._work(queue)))
        queue.put_nowait(inform)

    async def _work(self, queue: asyncio.Queue[dict[str, Any]]) -> None:
        while True:
            await self._deliver(await queue.get())

    async def _deliver(self, inform: dict[str, Any]) -> None:
        while True:
            while self._hold():  # noqa: ASYNC110  another thread decides, and it knows nothing of events
                await asyncio.sleep(0.05)
            attempts = inform["attempts"] = inform["attempts"] + 1
            engine = self._engine = self._engine or SnmpEngine()
            try:
                problem = await self._send(engine, inform)
            except Exception as exc:  # noqa: BLE001  the library must not stop sending, whatever pysnmp raises
                problem = repr(exc)
            if not problem:
                inform["acknowledged"] = time.time()
                return
            sys.stderr.write(f"{time.time():.3f} inform {inform['counter']}, attempt {attempts}: {problem}\n")
            # The receiver may be another process by now: forget what was learnt of its engine.
            if self._engine is engine:
                self._engine = None
            await asyncio.sleep(RETRY_DELAYS[min(attempts, len(RETRY_DELAYS)) - 1])

    async def _send(self, engine: SnmpEngine, inform: dict[str, Any]) -> str | None:
        transport = Udp6TransportTarget if ":" in self._to[0] else UdpTransportTarget
        indication, status, _index, _values = await send_notification(
            engine,
            self._user,
            await transport.create(self._to, timeout=self._timeout, retries=0),
            ContextData(),
            "inform",
            *self._values(inform),
            lookupMib=False,
        )
        return str(indication or status or "") or None

    def _values(self, inform: dict[str, Any]) -> list[tuple[ObjectName, Any]]:
        uptime = int((time.monotonic() - self._started) * 100) % 2**32
        return [
            (ObjectName(UPTIME), TimeTicks(uptime)),
            *((ObjectName(oid), value) for oid, value in varbinds(inform, self._library)),
        ]


def varbinds(inform: dict[str, Any], library: str) -> list[tuple[str, Any]]:
    """Give what TAPE-DRIVE-SHARING-MIB wants to be said of a change, after sysUpTime."""
    reserved = inform["status"] == "reserved"
    port = inform["port"] or {"protocol": None, "id": ""}
    protocol, identifier = (f"{MIB}.1.3.1.2.1", f"{MIB}.1.3.1.3.1") if reserved else (f"{MIB}.1.4.0", f"{MIB}.1.5.0")
    return [
        (NOTIFICATION, ObjectIdentifier(f"{MIB}.0.{1 if reserved else 2}")),
        (f"{MIB}.1.1.0", OctetString(inform["drive"].encode())),
        (f"{MIB}.1.2.0", Integer32(1 if reserved else 2)),
        (protocol, Integer32(PROTOCOLS.get(port["protocol"], 0))),
        (identifier, OctetString(port["id"].encode())),
        (f"{MIB}.1.6.0", Unsigned32(inform["boots"])),
        (f"{MIB}.1.7.0", Unsigned32(inform["counter"])),
        (f"{MIB}.1.8.0", OctetString(date_and_time(inform["at"]))),
        (f"{MIB}.1.9.0", OctetString(library.encode())),
    ]


def date_and_time(at: float) -> bytes:
    """Give a time, in seconds since 1970, as SNMPv2-TC's DateAndTime in UTC."""
    when = datetime.fromtimestamp(at, UTC)
    return when.year.to_bytes(2, "big") + bytes(
        [when.month, when.day, when.hour, when.minute, when.second, when.microsecond // 100_000, ord("+"), 0, 0]
    )


def _count_boot(state: Path) -> int:
    """Count this start, in a file, before anything is sent."""
    boots = 0
    with contextlib.suppress(FileNotFoundError):
        boots = json.loads(state.read_text(encoding="utf-8"))["boots"]
    temporary = state.with_name(state.name + ".new")
    temporary.write_text(json.dumps({"boots": boots + 1}), encoding="utf-8")
    temporary.replace(state)
    return boots + 1
