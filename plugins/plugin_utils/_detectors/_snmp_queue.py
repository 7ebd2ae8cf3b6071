# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Group commit: changes wait while a transaction is under way, and go into the next one as a whole.

Private: may change at any time.

Whoever waits for an answer gets it after the commit, never before. If the table cannot be used nobody is answered;
senders repeat, and what arrived is tried again for a minute, in its order.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import TableError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._few_lines import Report

#: Changes that wait for the table; more are dropped, and their senders repeat them.
MAX_WAITING = 10_000
#: Changes in one transaction.
MAX_BATCH = 500
#: Copies of one inform that are answered; a sender looks at the newest only.
MAX_COPIES = 4
#: Seconds for which a change is kept while the table cannot be used.
KEEP = 60.0
#: Seconds between two tries, growing.
PAUSE, MAX_PAUSE = 0.2, 5.0
#: Answers that are written before others in the event loop have their turn.
_ANSWERS = 25

#: Writes an answer and sends it.
Answer = Callable[[], None]


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

    fields: Mapping[str, Any]
    sender: str
    arrived: float
    answers: deque[Answer] = field(default_factory=lambda: deque(maxlen=MAX_COPIES))


class Queue:
    """Changes on their way into the table."""

    def __init__(
        self, sink: Sink, report: Report, log: logging.Logger, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start empty."""
        self._sink = sink
        self._report = report
        self._log = log
        self._clock = clock
        self._waiting: deque[_Waiting] = deque()
        self._by_origin: dict[str, _Waiting] = {}
        self._arrived = asyncio.Event()
        self._down_since: float | None = None

    def put(self, fields: Mapping[str, Any], sender: str, answer: Answer) -> None:
        """Take a change; ``answer`` is called once it stands in the table, or was refused by it for good."""
        origin = fields["origin"]
        waiting = self._by_origin.get(origin)
        if waiting is not None:
            self._report.count("repeated_while_waiting")
        elif len(self._waiting) >= MAX_WAITING:
            self._report.tell(
                "overload",
                "",
                f"{MAX_WAITING} changes wait for the drive table; more are not taken, their senders repeat them.",
                logging.ERROR,
            )
            return
        else:
            waiting = self._by_origin[origin] = _Waiting(fields, sender, self._clock())
            self._waiting.append(waiting)
            self._arrived.set()
        waiting.answers.append(answer)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._arrived.wait()
            await self._write()
            if not self._waiting:
                self._arrived.clear()

    def refused(self, kind: str, sender: str, fault: str) -> None:
        """Count and tell of a change that will never be taken."""
        self._report.tell(kind, sender, f"The change that {sender} told of was not taken: {fault}.")

    async def _write(self) -> None:
        """Write the next changes in one transaction and answer them; after a fault keep them for the next try."""
        batch = [self._waiting.popleft() for _place in range(min(len(self._waiting), MAX_BATCH))]
        try:
            results = await self._store(batch)
        except TableError as exc:
            await self._keep(batch, str(exc))
            return
        if self._down_since is not None:
            self._log.info("The drive table can be used again, after %.0f s.", self._clock() - self._down_since)
            self._down_since = None
        for number, (waiting, result) in enumerate(zip(batch, results, strict=True), 1):
            self._finish(waiting, result)
            if number % _ANSWERS == 0:
                await asyncio.sleep(0)

    async def _store(self, batch: list[_Waiting]) -> list[Any]:
        """Give the results of a batch; None for what cannot be written for a reason that nobody foresaw."""
        try:
            return await self._sink.observe_many([waiting.fields for waiting in batch])
        except TableError:
            raise
        except Exception as exc:  # noqa: BLE001  one change must not keep all others from the table
            if len(batch) > 1:
                return [result for waiting in batch for result in await self._store([waiting])]
            self._report.tell(
                "fault",
                batch[0].sender,
                f"A change of {batch[0].sender} could not be written and is not answered: {exc!r:.200}",
                logging.ERROR,
            )
            return [None]

    def _finish(self, waiting: _Waiting, result: Any) -> None:
        del self._by_origin[waiting.fields["origin"]]
        if result is None:
            return
        if isinstance(result, Exception):
            self.refused("refused", waiting.sender, str(result))
        else:
            self._report.count(str(result))
        for answer in waiting.answers:
            answer()

    async def _keep(self, batch: list[_Waiting], fault: str) -> None:
        now = self._clock()
        if self._down_since is None:
            self._down_since = now
        kept = [waiting for waiting in batch if now - waiting.arrived < KEEP]
        if len(kept) < len(batch):
            for waiting in batch:
                if now - waiting.arrived >= KEEP:
                    del self._by_origin[waiting.fields["origin"]]
            self._report.count("given_up", len(batch) - len(kept))
            self._log.error(
                "%d changes waited for the drive table for %.0f s and are given up: "
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
        await asyncio.sleep(min(PAUSE + (now - self._down_since) / 10, MAX_PAUSE))
