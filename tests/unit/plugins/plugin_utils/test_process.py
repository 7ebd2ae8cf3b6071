# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _process as process


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    """A process that says when it is there, and lives until it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", "print('there', flush=True); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "there\n"
        yield started
        started.kill()


def test_a_process_that_runs_is_not_gone(child: subprocess.Popen[str]) -> None:
    assert process.gone(process.identity(child.pid)) is False
    assert process.gone(process.identity(os.getpid())) is False


def test_a_process_that_was_killed_is_gone(child: subprocess.Popen[str]) -> None:
    named = process.identity(child.pid)
    child.kill()
    child.wait()
    assert process.gone(named) is True


def test_a_zombie_is_gone_although_its_number_is_still_there(child: subprocess.Popen[str]) -> None:
    named = process.identity(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert os.path.exists(f"/proc/{child.pid}")
    assert process.gone(named) is True


def test_a_process_that_was_stopped_counts_as_gone_until_it_goes_on(child: subprocess.Popen[str]) -> None:
    named = process.identity(child.pid)
    child.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED)
    assert process.gone(named) is True
    child.send_signal(signal.SIGCONT)
    os.waitid(os.P_PID, child.pid, os.WCONTINUED)
    assert process.gone(named) is False


def test_a_later_process_with_the_same_number_is_another_one(child: subprocess.Popen[str]) -> None:
    named = {**process.identity(child.pid), "start": "1"}
    assert process.gone(named) is True


def test_a_name_with_parentheses_and_blanks_does_not_hide_the_start_time() -> None:
    code = "open('/proc/self/comm', 'w').write('a) Z 1 (b'); print('there', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "there\n"
        named = process.identity(started.pid)
        assert str(named["start"]).isdigit()
        assert process.gone(named) is False
        started.kill()


def test_a_name_stays_what_it_is_through_the_table(child: subprocess.Popen[str]) -> None:
    named = json.loads(json.dumps(process.identity(child.pid)))
    assert process.gone(named) is False


def test_a_process_that_had_ended_before_it_was_named_is_gone(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait()
    assert process.gone(process.identity(child.pid)) is True


# What cannot be known.


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({"host": "another.example"}, False),
        ({"boot": "00000000-0000-0000-0000-000000000000 pid:[1]"}, True),
        ({"boot": "{same} pid:[1]"}, False),
        ({"boot": ""}, False),
        ({"boot": None}, False),
        ({"host": None}, False),
    ],
    ids=str,
)
def test_only_a_process_of_this_machine_and_namespace_or_of_an_earlier_boot_can_be_known_to_be_gone(
    child: subprocess.Popen[str], change: dict[str, Any], gone: bool
) -> None:
    named = process.identity(child.pid)
    boot = str(named["boot"]).split(" ", maxsplit=1)[0]
    change = {key: value.replace("{same}", boot) if isinstance(value, str) else value for key, value in change.items()}
    child.kill()
    child.wait()
    assert process.gone({**named, **change}) is gone


def test_where_there_is_no_proc_nothing_is_known(child: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch) -> None:
    named = process.identity(child.pid)
    child.kill()
    child.wait()
    monkeypatch.setattr(process, "_boot", lambda: "")
    assert process.gone(named) is False


@pytest.mark.parametrize("pid", ["x", "", None, -1, 0, [], 10**30, "1; rm"])
def test_a_damaged_number_raises_nothing(pid: Any) -> None:
    assert process.gone({**process.identity(os.getpid()), "pid": pid}) in (True, False)


def test_nothing_at_all_is_nobody_that_could_be_gone() -> None:
    assert process.gone({}) is False
