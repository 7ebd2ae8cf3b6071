# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run commands with their output in a file, and end them with all their children."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_running: set[subprocess.Popen[bytes]] = set()
_lock = threading.Lock()


def run(words: Sequence[str | Path], log: Path, env: Mapping[str, str], cwd: Path, limit: float) -> int:
    """Run one command with its output added to the log; give its exit status, 124 when its time was over."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        out.write(f"$ {' '.join(map(str, words))}\n".encode())
        out.flush()
        with _lock:
            process = subprocess.Popen(  # pylint: disable=consider-using-with
                [str(word) for word in words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )
            _running.add(process)
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            out.write(f"\nended after {limit:.0f} s\n".encode())
            status = 124
        finally:
            # Also after a good end: a test may have left children behind.
            _end(process)
            with _lock:
                _running.discard(process)
    return status


def _end(process: subprocess.Popen[bytes]) -> None:
    for number, seconds in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up and _group_lives(process):
            time.sleep(0.05)
    process.wait()


def _group_lives(process: subprocess.Popen[bytes]) -> bool:
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end_all() -> None:
    """End every command that runs, for an interrupted run."""
    with _lock:
        processes = list(_running)
    for process in processes:
        _end(process)


def tail(log: Path, lines: int) -> list[str]:
    """Give the last lines of a log without pip's warnings about places where it did not look."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [line for line in text.splitlines() if not line.startswith("WARNING: Location")][-lines:]


def errors(lines: Iterable[str]) -> list[str]:
    """Give the lines that pip marks as errors, or else all."""
    given = list(lines)
    return [line for line in given if line.startswith("ERROR")] or given
