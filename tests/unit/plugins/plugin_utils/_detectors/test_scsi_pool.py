# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._scsi_pool import Pool

WITHIN = 20.0


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


class Calls:
    """Calls that hang until they are let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)
        self.done: list[int] = []

    def hang(self) -> None:
        self.begun.release()
        self.go.wait()

    def call(self, number: int) -> Callable[[], None]:
        return lambda: self.done.append(number)


@pytest.fixture
def calls() -> Iterator[Calls]:
    made = Calls()
    yield made
    made.go.set()


def test_all_that_is_given_is_run_by_no_more_threads_than_allowed(clock: Any, calls: Calls) -> None:
    pool = Pool(3, 10.0, "test", clock)
    for number in range(100):
        pool.submit(calls.call(number))
    until(lambda: len(calls.done) == 100)
    assert sorted(calls.done) == list(range(100))
    assert 1 <= pool.count() <= 3
    pool.close()
    until(lambda: pool.count() == 0)


def test_who_hangs_keeps_nobody_up_and_the_threads_are_bounded(clock: Any, calls: Calls) -> None:
    pool = Pool(2, 10.0, "test", clock)
    for _one in range(2):
        pool.submit(calls.hang)
    for _one in range(2):
        assert calls.begun.acquire(timeout=WITHIN)
    pool.submit(calls.call(1))
    assert calls.done == []
    assert pool.count() == 2
    clock.now += 11
    pool.relieve()
    until(lambda: calls.done == [1])
    assert pool.count() <= 4
    for number in range(2, 50):
        pool.submit(calls.call(number))
    until(lambda: len(calls.done) == 49)
    assert pool.count() <= 4
    # Those that hung come back, and are too many now.
    calls.go.set()
    until(lambda: pool.count() <= 2)
    pool.close()


def test_closing_waits_for_nobody_who_hangs(clock: Any, calls: Calls) -> None:
    pool = Pool(1, 10.0, "test", clock)
    pool.submit(calls.hang)
    assert calls.begun.acquire(timeout=WITHIN)
    pool.close()
    pool.submit(calls.call(1))
    calls.go.set()
    until(lambda: pool.count() == 0)
    assert calls.done == []
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("test-"))
