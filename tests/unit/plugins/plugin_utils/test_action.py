# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the time limits of action plugins."""

from __future__ import annotations

import select
import signal
import time

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action import LimitReachedError, limit


class TaskTimeoutError(BaseException):
    """Stands for Ansible's own."""


@pytest.fixture
def task_timeout():
    """Install a task's time limit as ansible-core does (signal.alarm with a handler that raises)."""

    def ring(_signal, _frame):
        raise TaskTimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def wait(seconds):
    """Wait in a system call, as a connection plugin does."""
    select.select([], [], [], seconds)


def test_a_body_that_takes_too_long_is_ended():
    started = time.monotonic()
    with pytest.raises(LimitReachedError), limit(0.05):
        wait(5)
    assert time.monotonic() - started < 2


def test_no_exception_handler_of_a_connection_plugin_swallows_the_limit():
    with pytest.raises(LimitReachedError), limit(0.05):
        try:
            wait(5)
        except Exception:  # what ssh's retries do
            wait(5)


def test_after_a_body_in_time_no_alarm_is_left():
    with limit(5):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


def test_a_tasks_own_limit_goes_on_with_what_is_left_of_it(task_timeout):
    task_timeout(10)
    with pytest.raises(LimitReachedError), limit(0.05):
        wait(5)
    left, _interval = signal.getitimer(signal.ITIMER_REAL)
    assert 8 < left < 10


def test_a_tasks_own_limit_that_comes_first_wins(task_timeout):
    task_timeout(0.05)
    with pytest.raises(TaskTimeoutError), limit(60):
        wait(5)


def test_a_tasks_own_limit_that_ran_out_in_the_body_rings_right_after_it(task_timeout):
    task_timeout(0.2)
    with pytest.raises(TaskTimeoutError):
        try:
            with limit(0.1):
                wait(5)
        except LimitReachedError:
            wait(5)
