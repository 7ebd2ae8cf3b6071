# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What other processes do to the drive table in the tests; run as a program: table_processes.py LOCATION WHAT ARGUMENTS."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _change, _changes, _sqlite, _store
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import TableError

PROGRAM = Path(__file__)
COLLECTIONS = str(PROGRAM.parents[6].parent)


@contextlib.contextmanager
def process(location: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Let another process work on the table; it is killed at the end."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([COLLECTIONS, *sys.path])}
    started = subprocess.Popen(
        [sys.executable, str(PROGRAM), location, *words], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        if started.stdout:
            started.stdout.close()


def line(started: subprocess.Popen[str]) -> str:
    """The next line that it says."""
    assert started.stdout is not None
    return started.stdout.readline().strip()


def run(location: str, *words: str) -> str:
    """Let another process do something, and give what it says."""
    with process(location, *words) as started:
        told = started.communicate(timeout=60)[0]
        assert started.returncode == 0
    return "\n".join(text for text in told.splitlines() if not text.startswith("#"))


def say(text: str) -> None:
    """Tell the parent, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def raise_sequences(store: Any, drive: str, times: str) -> None:
    """Write so many changes of one drive; each is different from the one before."""
    for turn in range(int(times)):
        with store.write() as tx:
            seen = _change.Observation(
                drive, "reserved", ({"protocol": "fc", "id": f"{os.getpid() * 100_000 + turn + 1:016x}"},),
                "2026-11-22T06:00:00Z", "snmp",
            )
            say(str(_changes.record(tx, [seen], 1.0)[0].sequence))


def report(store: Any, name: str) -> None:
    """Write pairs of rows for ever, and report each pair once its transaction is committed."""
    number = 0
    while True:
        number += 1
        with store.write() as tx:
            _store.set_meta(tx, f"{name}_a", str(number))
            tx.execute("INSERT INTO notifications (origin, at) VALUES (?, 1)", (f"{name}_{number}",))
            _store.set_meta(tx, f"{name}_b", str(number))
        say(str(number))


def hold(store: Any, seconds: str) -> None:
    """Hold the write lock."""
    with store.write() as tx:
        _store.set_meta(tx, "held", "1")
        say("held")
        time.sleep(float(seconds))


def attempt(store: Any) -> None:
    """Write once, and tell how it went."""
    try:
        with store.write() as tx:
            _store.set_meta(tx, "attempt", "1")
        say("written")
    except TableError as exc:
        say(str(exc))


if __name__ == "__main__":
    location, what, *arguments = sys.argv[1:]
    if location.startswith("as:"):
        # Somebody else may not be able to import anything any more.
        say(f"# {_sqlite.__name__}")
        _name, user, location = location.split(":", 2)
        os.setgid(int(user))
        os.setuid(int(user))
    try:
        opened = _store.open_store(location, site=None)
    except TableError as exc:
        say(str(exc))
    else:
        globals()[what](opened, *arguments)
