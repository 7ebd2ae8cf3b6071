# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command that Bacula's director carries out long after it was given up: plays without engine, the test is the dispatcher."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.e2e import bacula_daemons
from ansible_collections.tapeworks.drive_sharing.tests.e2e.bacula_daemons import Bacula
from ansible_collections.tapeworks.drive_sharing.tests.e2e.bacula_world import BaculaWorld
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import DRIVE, Hosts, known_hosts

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.world import HOSTS, Host

if lacking := bacula_daemons.missing():
    pytestmark = pytest.mark.skip(reason=f"this machine has no {', no '.join(lacking)}")

A, B = HOSTS[:2]
OWED = '{"drive_sharing_error_on": []}'
#: Waits with what disables a drive until it is told to go on: between the question and the set nobody else gets in.
CONSOLE = """\
#!/bin/sh
input=$(cat)
case $input in
*disable*)
  : >'{directory}/held'
  until [ -e '{directory}/go' ]; do sleep 0.1; done
  ;;
esac
printf '%s\\n' "$input" | bconsole "$@"
"""


class Gate:
    """Stands between the director and its storage daemon; connections that are made while it is closed wait for `let_in`."""

    def __init__(self, bacula: Bacula) -> None:
        self.bacula = bacula
        self.listener = socket.create_server((bacula.address, 0))
        self.open = threading.Event()
        self.open.set()
        self.waiting = threading.Event()
        self.late = threading.Event()
        bacula.between = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def let_in(self) -> None:
        """Let those in that came while it was closed."""
        self.late.set()

    def close(self) -> None:
        """Let nobody in any more."""
        self.listener.close()
        self.late.set()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                director, _address = self.listener.accept()
                threading.Thread(target=self._pass, args=(director, self.open.is_set()), daemon=True).start()

    def _pass(self, director: socket.socket, at_once: bool) -> None:
        if not at_once:
            self.waiting.set()
            self.late.wait()
        there = (self.bacula.address, self.bacula.ports["sd"])
        with contextlib.suppress(OSError), director, socket.create_connection(there) as daemon:
            threading.Thread(target=_copy, args=(daemon, director), daemon=True).start()
            _copy(director, daemon)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@dataclass
class LateWorld(BaculaWorld, Hosts):
    """Two instances; of one the test holds the console, and what its director says to the storage daemon."""

    def instance(self, host: Host) -> Bacula:
        """Give a host's instance."""
        made = super().instance(host)
        if host == B:
            self.gate = Gate(made)
        return made

    def connect(self, host: Host, **variables: Any) -> None:
        """Write how a host is reached."""
        if host == B:
            variables["application_bacula_console_command"] = [str(self.directory / "console")]
        super().connect(host, **variables)

    def install(self, host: Host) -> None:
        """Prepare a host's instance, and its console."""
        super().install(host)
        console = self.directory / "console"
        console.write_text(CONSOLE.format(directory=self.directory), encoding="utf-8")
        console.chmod(0o755)

    def close(self) -> None:
        """End everything."""
        self.gate.close()
        super().close()

    def let_a_minute_pass(self) -> None:
        """Let the time come when what was left in doubt is looked at again."""
        with contextlib.closing(sqlite3.connect(self.table, isolation_level=None)) as table:
            assert table.execute("UPDATE answers SET recheck_at = recheck_at - 60").rowcount
            table.execute("UPDATE drives SET recheck_at = recheck_at - 60")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LateWorld]:
    """Give a world whose drive table knows both hosts."""
    with known_hosts(tmp_path / "world", LateWorld, hosts=HOSTS[:2], handshake=5) as made:
        yield made


def test_a_drive_that_the_director_disables_after_it_was_released_is_enabled_again(world: LateWorld) -> None:
    bacula = world.bacula[B.name]
    with ThreadPoolExecutor() as pool:
        reserved = pool.submit(world.play, world.change("reserved", A), "-e", OWED)
        bacula.wait("the console is about to disable the drive", (world.directory / "held").exists)
        world.gate.open.clear()
        (world.directory / "go").touch()
        bacula.wait("the storage daemon does not answer the director", world.gate.waiting.is_set)
        told = reserved.result()
    assert told.returncode != 0, told.stdout
    world.gate.open.set()
    released = world.play(world.change("released"))
    assert (released.returncode, world.states()) == (0, ["online", "online"]), released.stdout
    world.gate.let_in()
    bacula.wait("the director has carried out what it was told before", lambda: world.states() == ["online", "offline"])
    world.let_a_minute_pass()
    again = world.play(world.again())
    assert (again.returncode, world.states()) == (0, ["online", "online"]), again.stdout
    row = world.drive(DRIVE)
    assert (row["settled"], world.answer(DRIVE, B)["taken"]) == (row["sequence"], 0)
    fault("bacula-late").seen_in(told.stdout, HOST=B.name)
