# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import logging
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _few_lines

LOG = logging.getLogger("test_few_lines")


class Clock:
    """Stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def report(clock: Any, caplog: pytest.LogCaptureFixture) -> _few_lines.Report:
    caplog.set_level(logging.INFO)
    return _few_lines.Report(LOG, clock)


def test_one_sender_and_kind_has_one_line_a_minute_and_is_counted(report: Any, clock: Any, caplog: Any) -> None:
    for _turn in range(5):
        report.tell("digest", "192.0.2.1", "wrong digest")
    clock.now += _few_lines.INTERVAL
    report.tell("digest", "192.0.2.1", "wrong digest")
    assert caplog.messages == ["wrong digest", "wrong digest (4 more since the last line of this kind)"]
    assert report.counts() == {"digest": 6}


def test_another_sender_or_kind_has_a_line_of_its_own(report: Any, caplog: Any) -> None:
    report.tell("digest", "192.0.2.1", "a")
    report.tell("user", "192.0.2.1", "b")
    report.tell("digest", "192.0.2.2", "c")
    assert caplog.messages == ["a", "b", "c"]


def test_a_flood_of_senders_has_few_lines_and_little_memory(report: Any, clock: Any, caplog: Any) -> None:
    for number in range(5000):
        clock.now += 0.001
        report.tell("malformed", f"10.0.{number >> 8}.{number & 255}", "junk")
    assert len(caplog.messages) == _few_lines.LINES + 1
    assert caplog.messages[-1] == "More senders have the same fault (malformed); they are counted, not named."
    assert len(report._told) <= _few_lines.CAPACITY
    assert report.counts() == {"malformed": 5000}


def test_memory_stays_bounded_for_ever(report: Any, clock: Any) -> None:
    for number in range(2000):
        clock.now += _few_lines.INTERVAL
        report.tell("malformed", str(number), "junk")
    assert len(report._told) == _few_lines.CAPACITY


def test_after_a_flood_lines_are_written_again(report: Any, clock: Any, caplog: Any) -> None:
    for number in range(100):
        report.tell("malformed", str(number), "junk")
    clock.now += _few_lines.INTERVAL
    caplog.clear()
    report.tell("malformed", "99", "still")
    assert caplog.messages == ["still"]


def test_whoever_counts_says_what_becomes_of_those_who_are_not_named(clock: Any, caplog: Any) -> None:
    report = _few_lines.Report(LOG, clock, "More drives: {kind}.")
    for number in range(20):
        report.tell("put aside", str(number), "{x} %s")
    assert caplog.messages[-2:] == ["{x} %s", "More drives: put aside."]
