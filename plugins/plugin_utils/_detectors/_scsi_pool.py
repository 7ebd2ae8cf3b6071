# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Threads for calls that may never come back. Private: may change at any time.

A number of threads work; one that has been in a call for too long does not count, and another may take its place. So
who hangs costs only itself, and there are never more threads than the number and those that hang. No exit waits for one that
hangs: the kernel lets nobody out of some calls.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable


class Pool:
    """Runs what it is given; what it is given raises nothing."""

    def __init__(self, threads: int, patience: float, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        """``patience``: seconds after which a thread counts as one that hangs."""
        self._threads = threads
        self._patience = patience
        self._name = name
        self._clock = clock
        self._waiting: deque[Callable[[], None]] = deque()
        #: Guards all of it: a call is either waiting or the thread that has it is busy.
        self._state = threading.Condition()
        #: Since when each thread has been in a call; None: it has none.
        self._busy: dict[threading.Thread, float | None] = {}
        self._closed = False

    def submit(self, work: Callable[[], None]) -> None:
        """Run it as soon as a thread is free."""
        with self._state:
            self._waiting.append(work)
            self._start()
            self._state.notify()

    def relieve(self) -> None:
        """Start the threads that are missing for what waits, because others hang."""
        with self._state:
            self._start()

    def count(self) -> int:
        """Give the number of threads."""
        with self._state:
            return len(self._busy)

    def close(self) -> None:
        """Let the threads end; wait for none."""
        with self._state:
            self._closed = True
            self._waiting.clear()
            self._state.notify_all()

    def _start(self) -> None:
        if self._closed:
            return
        idle = sum(since is None for since in self._busy.values())
        for _one in range(min(self._threads - self._working(), len(self._waiting) - idle)):
            thread = threading.Thread(target=self._run, name=f"{self._name}-{len(self._busy)}", daemon=True)
            self._busy[thread] = None
            thread.start()

    def _working(self) -> int:
        """Number of threads that do not hang."""
        now = self._clock()
        return sum(since is None or now - since <= self._patience for since in self._busy.values())

    def _run(self) -> None:
        me = threading.current_thread()
        while True:
            with self._state:
                self._busy[me] = None
                # Another thread may have taken the place of one that hung.
                while not self._closed and not self._waiting and self._working() <= self._threads:
                    self._state.wait()
                if self._closed or self._working() > self._threads:
                    del self._busy[me]
                    return
                work = self._waiting.popleft()
                self._busy[me] = self._clock()
            work()
