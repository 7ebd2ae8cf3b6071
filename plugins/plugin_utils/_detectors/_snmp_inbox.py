# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Datagrams that wait to be read, and which of them is next. Private: may change at any time.

To read one takes a millisecond, and anybody can send a hundred thousand a second. In the system's buffer they would wait
in one line, and good ones would be dropped with the others. So they are taken out of it at once, looked at from outside
(``_snmp_look.py``), and wait here in two lanes: what seems to be authentic, and the others, which get a part of the time
and no more, even if nothing else is to be done: the rule engine lives in the same process. Within a lane the addresses
take turns, so that none can fill it for the others.
"""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

#: Of the others (discovery, senders that have lost our time, junk) none is read for so many times as long as the last took.
REST = 9.0
#: Octets that may wait in each lane; an address may have its share of it.
MAX_FIRST, MAX_OTHERS = 4 << 20, 1 << 20
#: Addresses of which something may wait in a lane.
MAX_ADDRESSES = 256
# What an item needs beside its octets.
_OVERHEAD = 500


@dataclass(slots=True)
class _Line:
    """What waits of one address."""

    items: deque[tuple[Any, int]] = field(default_factory=deque)
    octets: int = 0


class _Lane:
    """Lines of addresses, that have their turns one after the other."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lines: OrderedDict[str, _Line] = OrderedDict()

    def __len__(self) -> int:
        return sum(len(line.items) for line in self._lines.values())

    def __bool__(self) -> bool:
        return bool(self._lines)

    def put(self, address: str, item: Any, octets: int) -> bool:
        line = self._lines.get(address)
        if line is None:
            if len(self._lines) >= MAX_ADDRESSES:
                return False
            line = self._lines[address] = _Line()
        elif line.octets + octets > self._limit // len(self._lines):
            return False
        line.items.append((item, octets))
        line.octets += octets
        return True

    def get(self) -> Any:
        address, line = next(iter(self._lines.items()))
        item, octets = line.items.popleft()
        line.octets -= octets
        if line.items:
            self._lines.move_to_end(address)
        else:
            del self._lines[address]
        return item


class Inbox:
    """The two lanes."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, work: Callable[[], float] = time.thread_time
    ) -> None:
        """Start empty. ``work`` is the clock of this thread's CPU time: on a busy machine nobody is to wait the longer."""
        self._clock = clock
        self._work = work
        self._first = _Lane(MAX_FIRST)
        self._others = _Lane(MAX_OTHERS)
        self._rest_until = clock()

    def put(self, address: str, item: Any, octets: int, *, first: bool) -> bool:
        """Let an item wait; False if there is no room for it."""
        return (self._first if first else self._others).put(address, item, octets + _OVERHEAD)

    def delay(self) -> float | None:
        """Give the seconds until the next item may be had; None if nothing waits."""
        if self._first:
            return 0.0
        return max(0.0, self._rest_until - self._clock()) if self._others else None

    @contextlib.contextmanager
    def next(self) -> Iterator[Any]:
        """Give the next item, while it is worked at; ``delay`` must have been 0."""
        if self._first and not (self._others and self._clock() >= self._rest_until):
            yield self._first.get()
            return
        started = self._work()
        try:
            yield self._others.get()
        finally:
            self._rest_until = self._clock() + REST * (self._work() - started)

    def clear(self) -> int:
        """Forget what waits; give how much that is."""
        waiting = len(self._first) + len(self._others)
        self._first = _Lane(MAX_FIRST)
        self._others = _Lane(MAX_OTHERS)
        return waiting
