# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The detector ``snmp``: takes notifications of tape libraries, and answers informs once they stand in the table.

Private: may change at any time.

A notification that cannot be used, because its map is missing, a variable is missing or one has not the form that the
table wants, is answered all the same: it would not become better by being repeated, and a library that waits for an
answer to it may hold back what comes after. It is counted, and told in the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import (
    _snmp_arguments,
    _snmp_engine,
    _snmp_inbox,
    _snmp_map,
    _snmp_queue,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_arguments import Config
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_look import Look
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_queue import Sink
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_socket import Endpoint, Peer
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError, TableError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._few_lines import Report

check = _snmp_arguments.check

ENGINE_ID = "snmp_engine_id"
ENGINE_BOOTS = "snmp_engine_boots"


class Detector:
    """Sockets, engine and queue of one detector."""

    def __init__(
        self,
        config: Config,
        sink: Sink,
        log: logging.Logger,
        wall_clock: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open nothing yet."""
        self._config = config
        self._sink = sink
        self._log = log
        self._wall_clock = wall_clock
        self._clock = clock
        self._report = Report(log, clock)
        self._maps = {entry.notification: entry for entry in config.maps}
        self._endpoints: list[Endpoint] = []
        self._inbox = _snmp_inbox.Inbox(clock)
        self._next: asyncio.Handle | None = None
        self._queue = _snmp_queue.Queue(sink, self._report, log, clock)
        self._engine: _snmp_engine.Engine | None = None
        #: Set when datagrams are taken.
        self.started = asyncio.Event()

    @property
    def addresses(self) -> list[str]:
        """The addresses with the ports that were bound."""
        return [endpoint.label for endpoint in self._endpoints]

    def counters(self) -> dict[str, int]:
        """Give what came in, by kind."""
        return self._report.counts()

    async def run(self) -> None:
        """Take notifications until cancelled; raises InvalidValueError at the start for an address that cannot be had."""
        try:
            self._bind()
            self._engine = await self._start_engine()
            for endpoint in self._endpoints:
                endpoint.start(self._arrived, self._failed)
            self._log.info(
                "SNMP notifications are taken at %s, engine id %s, boots %d, users %s%s.",
                ", ".join(self.addresses),
                self._engine.engine_id.hex(),
                self._engine.boots,
                ", ".join(user.name for user in self._config.users) or "none",
                " and SNMPv2c" if self._config.communities else "",
            )
            self.started.set()
            await self._queue.run()
        finally:
            for endpoint in self._endpoints:
                endpoint.close()
            unread = self._inbox.clear()
            if unread:
                self._report.count("unread", unread)
            if self.started.is_set():
                self._log.info("SNMP notifications are taken no more; counted: %s.", self.counters() or "nothing")

    def _bind(self) -> None:
        for address in self._config.listen:
            try:
                self._endpoints.append(Endpoint(address))
            except InvalidValueError as exc:
                if address.needed:
                    raise
                self._log.info("%s", exc)

    async def _start_engine(self) -> _snmp_engine.Engine:
        pause = _snmp_queue.PAUSE
        while True:
            try:
                engine_id, boots = await self._identity()
            except TableError as exc:
                self._report.tell(
                    "table",
                    "",
                    f"SNMP notifications cannot be taken yet: {exc}. It is tried again",
                    logging.ERROR,
                )
                await asyncio.sleep(pause)
                pause = min(pause * 2, _snmp_queue.MAX_PAUSE)
            else:
                # pysnmp's MIBs, and a megabyte of hash for each passphrase.
                return await asyncio.to_thread(
                    _snmp_engine.Engine, engine_id, boots, self._config.users, self._config.communities, self._clock
                )

    async def _identity(self) -> tuple[bytes, int]:
        """Give the engine id that was made once, and count this start (RFC 3414 2.2.2), before anything is answered.

        So a sender that stays up over our restart sees greater boots of the engine it knows, and goes on.
        """
        try:
            engine_id = bytes.fromhex(await self._sink.meta_get(ENGINE_ID) or "")
            boots = int(await self._sink.meta_get(ENGINE_BOOTS) or 0) + 1
        except ValueError:
            engine_id, boots = b"", 1
        if not 5 <= len(engine_id) <= 32 or not 1 <= boots < _snmp_engine.MAX_BOOTS:
            # With boots at their end there is nothing but a new engine (RFC 3414 2.2.3).
            engine_id, boots = _snmp_engine.new_engine_id(), 1
            await self._sink.meta_set(ENGINE_ID, engine_id.hex())
        await self._sink.meta_set(ENGINE_BOOTS, str(boots))
        return engine_id, boots

    def _failed(self, exc: OSError, endpoint: Endpoint) -> None:
        self._report.tell("socket", endpoint.label, f"Reading from {endpoint.label} failed: {exc.strerror}")

    def _arrived(self, data: bytes, peer: Peer, endpoint: Endpoint) -> None:
        """Look at a datagram and let it wait for its turn; nothing that anybody may send gets an exception out of here."""
        self._report.count("datagrams")
        engine = self._engine
        if engine is None:
            return
        try:
            seen = engine.look(data)
            first = engine.goes_first(data, seen)
        except Exception as exc:  # noqa: BLE001  a fault of ours must not end the detector
            self._refused(exc, peer, endpoint)
            return
        if not self._inbox.put(peer.address, (data, seen, peer, endpoint), len(data), first=first):
            self._report.tell(
                "crowded",
                peer.address,
                f"Messages of {peer.address} were not read: more come in than can be read, and too many of its own wait.",
            )
        else:
            self._go_on()

    def _go_on(self) -> None:
        """See to it that what waits is read when it may be."""
        delay = self._inbox.delay()
        if isinstance(self._next, asyncio.TimerHandle) and delay == 0:
            self._next.cancel()
            self._next = None
        if delay is not None and self._next is None:
            loop = asyncio.get_running_loop()
            self._next = loop.call_later(delay, self._read) if delay else loop.call_soon(self._read)

    def _read(self) -> None:
        """Read the next datagram; others in the event loop have their turn after each."""
        self._next = None
        if self._inbox.delay() == 0:
            with self._inbox.next() as (data, seen, peer, endpoint):
                try:
                    self._received(data, seen, peer, endpoint)
                except Exception as exc:  # noqa: BLE001  as above
                    self._refused(exc, peer, endpoint)
        self._go_on()

    def _refused(self, exc: Exception, peer: Peer, endpoint: Endpoint) -> None:
        sender = peer.address
        if not isinstance(exc, _snmp_engine.RefusedError):
            # A fault of ours that a stranger has found must not fill the log.
            self._report.tell("fault", sender, f"A message of {sender} could not be read: {exc!r:.200}", logging.ERROR)
            return
        if exc.reply is not None:
            endpoint.send(exc.reply, peer)
        if exc.routine:
            self._report.count(exc.kind)
        else:
            self._report.tell(exc.kind, sender, f"A message of {sender} was not taken: {exc}.")

    def _received(self, data: bytes, seen: Look, peer: Peer, endpoint: Endpoint) -> None:
        """Take one datagram; raises RefusedError."""
        sender, engine = peer.address, self._engine
        if engine is None:
            return
        incoming = engine.take(data, sender, seen)
        self._report.count("traps" if incoming.response is None else "informs")
        answer = partial(self._answer, incoming, peer, endpoint)
        try:
            fields = self._translate(incoming, sender)
        except _snmp_map.MissingVariableError as exc:
            self._queue.refused("missing", sender, str(exc))
            answer()
        except InvalidValueError as exc:
            self._queue.refused("refused", sender, str(exc))
            answer()
        else:
            if fields is None:
                answer()
            else:
                self._queue.put(fields, sender, answer)

    def _translate(self, incoming: _snmp_engine.Incoming, address: str) -> dict[str, Any] | None:
        """Give the fields of the change; None if the notification tells of none."""
        notification = _snmp_map.notification(incoming.varbinds)
        entry = self._maps.get(notification)
        if entry is None:
            text = f"no map of snmp.maps is for {_snmp_map.oid_text(notification)[:200]}"
            self._report.tell(
                "unknown_notification", address, f"A notification of {address} tells nothing here: {text}."
            )
            return None
        # A sender that is its own authority has proved its engine id; of others we know the address they used.
        sender = incoming.sender_engine.hex() or address
        envelope = _snmp_map.Envelope(
            address=address,
            sender=f"{sender} {incoming.user}" if incoming.user else sender,
            request=incoming.request,
            received_at=self._wall_clock(),
        )
        fields = _snmp_map.translate(entry, incoming.varbinds, envelope)
        if fields is None:
            self._report.count("ignored")
        return fields

    def _answer(self, incoming: _snmp_engine.Incoming, peer: Peer, endpoint: Endpoint) -> None:
        if incoming.response is not None:
            sent = endpoint.send(incoming.response, peer)
            self._report.count("answered" if sent else "unsent")


async def run(config: Config, sink: Sink, log: logging.Logger) -> None:
    """Be the detector until cancelled."""
    await Detector(config, sink, log).run()
