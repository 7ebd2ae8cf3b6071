# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The detector ``snmp``: takes notifications of tape libraries, and answers informs once they stand in the table.

Private: may change at any time.

An inform is answered after its change was committed, never before. The table is written by group commit: while one
transaction is under way in the table's thread, whatever arrives is collected, and goes into the next one as a whole.
If the table cannot be used nothing is answered; senders repeat, and what arrived is tried again for a minute.

A notification that cannot be used, because its map is missing, a variable is missing or one has not the form that the
table wants, is answered all the same: it would not become better by being repeated, and a library that waits for an
answer to it may hold back what comes after. It is counted, and told in the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import (
    _ber,
    _snmp_arguments,
    _snmp_engine,
    _snmp_map,
    _usm,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_arguments import Config
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_report import Report
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_socket import Endpoint, Peer
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError, TableError

check = _snmp_arguments.check

ENGINE_ID = "snmp_engine_id"
ENGINE_BOOTS = "snmp_engine_boots"

#: Notifications that wait for the table; more are dropped, and their senders repeat them.
MAX_WAITING = 10_000
#: Notifications in one transaction.
MAX_BATCH = 500
#: Copies of one inform that are answered; a sender looks at the newest only.
_MAX_COPIES = 4
#: Answers that are written before others in the event loop have their turn.
_ANSWERS = 25
#: Seconds for which a notification is kept while the table cannot be used.
KEEP = 60.0
_PAUSE, _MAX_PAUSE = 0.2, 5.0


class Sink(Protocol):
    """Where changes go; a result means that the transaction is committed."""

    async def observe_many(self, many: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Write all in one transaction; TableError if that was not possible."""

    async def meta_get(self, key: str) -> str | None:
        """Read what the table keeps for a detector."""

    async def meta_set(self, key: str, value: str) -> None:
        """Keep something in the table."""


@dataclass(slots=True)
class _Waiting:
    """A change that waits for the table, with those who wait for an answer."""

    fields: dict[str, Any]
    arrived: float
    origin: str
    sender: str
    copies: deque[tuple[_snmp_engine.Incoming, Peer, Endpoint]] = field(
        default_factory=lambda: deque(maxlen=_MAX_COPIES)
    )


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
        self._waiting: deque[_Waiting] = deque()
        self._by_origin: dict[str, _Waiting] = {}
        self._arrived = asyncio.Event()
        self._table_down_since: float | None = None
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
                endpoint.start(self._received, self._failed)
            self._log.info(
                "SNMP notifications are taken at %s, engine id %s, boots %d, users %s%s.",
                ", ".join(self.addresses),
                self._engine.engine_id.hex(),
                self._engine.boots,
                ", ".join(user.name for user in self._config.users) or "none",
                " and SNMPv2c" if self._config.communities else "",
            )
            self.started.set()
            while True:
                await self._arrived.wait()
                await self._write()
        finally:
            for endpoint in self._endpoints:
                endpoint.close()
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
        users = {}
        for user in self._config.users:
            # A megabyte of hash for each passphrase.
            made = await asyncio.to_thread(
                _usm.User,
                user.name,
                user.auth_protocol,
                user.priv_protocol,
                user.auth_passphrase,
                user.priv_passphrase,
            )
            users[user.name] = (made, user.security_engine_ids)
        pause = _PAUSE
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
                pause = min(pause * 2, _MAX_PAUSE)
            else:
                return _snmp_engine.Engine(engine_id, boots, users, self._config.communities, self._clock)

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

    def _received(self, data: bytes, peer: Peer, endpoint: Endpoint) -> None:
        """Take one datagram; nothing that anybody may send gets an exception out of here."""
        self._report.count("datagrams")
        sender = peer.address
        engine = self._engine
        if engine is None:
            return
        try:
            incoming = engine.take(data, sender)
        except _snmp_engine.RefusedError as exc:
            if exc.reply is not None:
                endpoint.send(exc.reply, peer)
            if exc.routine:
                self._report.count(exc.kind)
            else:
                self._report.tell(exc.kind, sender, f"A message of {sender} was not taken: {exc}.")
            return
        except _ber.MalformedError as exc:
            self._report.tell("malformed", sender, f"A message of {sender} was not taken: it is malformed, {exc}.")
            return
        except Exception as exc:  # noqa: BLE001  a fault of ours that a stranger has found must not fill the log
            self._report.tell("fault", sender, f"A message of {sender} could not be read: {exc!r:.200}", logging.ERROR)
            return
        self._report.count("informs" if incoming.confirmed else "traps")
        try:
            waiting = self._translate(incoming, sender)
        except _snmp_map.MissingVariableError as exc:
            self._unusable("missing", incoming, peer, endpoint, str(exc))
        except InvalidValueError as exc:
            self._unusable("refused", incoming, peer, endpoint, str(exc))
        else:
            if waiting is None:
                self._answer(incoming, peer, endpoint)
            else:
                self._enqueue(waiting, incoming, peer, endpoint)

    def _translate(self, incoming: _snmp_engine.Incoming, address: str) -> _Waiting | None:
        notification = incoming.pdu.notification()
        entry = self._maps.get(notification)
        if entry is None:
            text = f"no map of snmp.maps is for {_ber.oid_text(notification)}"
            self._report.tell(
                "unknown_notification", address, f"A notification of {address} tells nothing here: {text}."
            )
            return None
        # A sender that is its own authority has proved its engine id; of others we know the address they used.
        sender = incoming.sender_engine.hex() or address
        envelope = _snmp_map.Envelope(
            address=address,
            sender=f"{sender} {incoming.user}" if incoming.user else sender,
            request_id=incoming.pdu.request_id,
            raw=incoming.pdu.raw,
            received_at=self._wall_clock(),
        )
        fields = _snmp_map.translate(entry, incoming.pdu.varbinds, envelope)
        if fields is None:
            self._report.count("ignored")
            return None
        return _Waiting(fields, self._clock(), fields["origin"], address)

    def _unusable(self, kind: str, incoming: _snmp_engine.Incoming, peer: Peer, endpoint: Endpoint, fault: str) -> None:
        self._refused(kind, peer.address, fault)
        self._answer(incoming, peer, endpoint)

    def _refused(self, kind: str, sender: str, fault: str) -> None:
        self._report.tell(kind, sender, f"The change that {sender} told of was not taken: {fault}.")

    def _enqueue(self, waiting: _Waiting, incoming: _snmp_engine.Incoming, peer: Peer, endpoint: Endpoint) -> None:
        known = self._by_origin.get(waiting.origin)
        if known is not None:
            self._report.count("repeated_while_waiting")
        elif len(self._waiting) >= MAX_WAITING:
            self._report.tell(
                "overload",
                "",
                f"{MAX_WAITING} notifications wait for the drive table; more are not taken, their senders repeat them.",
                logging.ERROR,
            )
            return
        else:
            known = self._by_origin[waiting.origin] = waiting
            self._waiting.append(waiting)
            self._arrived.set()
        known.copies.append((incoming, peer, endpoint))

    async def _write(self) -> None:
        """Write the next notifications in one transaction and answer them; after a fault keep them for the next try."""
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
        try:
            results = await self._store(batch)
        except TableError as exc:
            await self._keep(batch, str(exc))
            return
        if self._table_down_since is not None:
            self._log.info("The drive table can be used again, after %.0f s.", self._clock() - self._table_down_since)
            self._table_down_since = None
        for number, (waiting, result) in enumerate(zip(batch, results, strict=True), 1):
            self._finish(waiting, result)
            if number % _ANSWERS == 0:
                await asyncio.sleep(0)
        if not self._waiting:
            self._arrived.clear()

    async def _store(self, batch: list[_Waiting]) -> list[Any]:
        """Give the results of a batch; None for what cannot be written for a reason that nobody foresaw."""
        try:
            return await self._sink.observe_many([waiting.fields for waiting in batch])
        except TableError:
            raise
        except Exception as exc:  # noqa: BLE001  one notification must not keep all others from the table
            if len(batch) > 1:
                return [result for waiting in batch for result in await self._store([waiting])]
            self._report.tell(
                "fault",
                batch[0].sender,
                f"A notification of {batch[0].sender} could not be written and is not answered: {exc!r:.200}",
                logging.ERROR,
            )
            return [None]

    def _finish(self, waiting: _Waiting, result: Any) -> None:
        del self._by_origin[waiting.origin]
        if result is None:
            return
        if isinstance(result, Exception):
            self._refused("refused", waiting.sender, str(result))
        else:
            self._report.count(str(result))
        for incoming, peer, endpoint in waiting.copies:
            self._answer(incoming, peer, endpoint)

    async def _keep(self, batch: list[_Waiting], fault: str) -> None:
        now = self._clock()
        if self._table_down_since is None:
            self._table_down_since = now
        kept = [waiting for waiting in batch if now - waiting.arrived < KEEP]
        for waiting in batch:
            if now - waiting.arrived >= KEEP:
                del self._by_origin[waiting.origin]
        if len(kept) < len(batch):
            self._report.count("given_up", len(batch) - len(kept))
            self._log.error(
                "%d SNMP notifications waited for the drive table for %.0f s and are given up: "
                "informs are repeated by their senders, traps are lost.",
                len(batch) - len(kept),
                KEEP,
            )
        self._waiting.extendleft(reversed(kept))
        self._report.tell(
            "table",
            "",
            f"SNMP notifications cannot be written, so they are not answered and their senders repeat them: {fault}",
            logging.ERROR,
        )
        if not self._waiting:
            self._arrived.clear()
        await asyncio.sleep(min(_PAUSE + (now - self._table_down_since) / 10, _MAX_PAUSE))

    def _answer(self, incoming: _snmp_engine.Incoming, peer: Peer, endpoint: Endpoint) -> None:
        if not incoming.confirmed or self._engine is None:
            return
        sent = endpoint.send(self._engine.answer(incoming), peer)
        self._report.count("answered" if sent else "unsent")


async def run(config: Config, sink: Sink, log: logging.Logger) -> None:
    """Be the detector until cancelled."""
    await Detector(config, sink, log).run()
