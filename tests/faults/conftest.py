# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A world for faults: one host holds all drives, one is healthy, and of the others each has a fault.

So one play meets many faults, and what one fault does to others would be seen.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _dispatch, _store
from ansible_collections.tapeworks.drive_sharing.tests.hosts import Hosts

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.world import Host, marked


def hosts_of(*groups):
    """The holder, the healthy host, then the hosts with faults; those of one group share a drive.

    Holder and healthy host see all drives, and one that no host with a fault sees.
    """
    drives = [f"13102112{number:02}" for number in range(len(groups) + 1)]
    every = {drive: f"lto{number}" for number, drive in enumerate(drives)}
    faulty = [(name, drive) for names, drive in zip(groups, drives, strict=False) for name in names]
    return (
        Host("host_a", "10000090fa1658d1", every),
        Host("host_b", "10000090fa1658d2", every),
        *(
            Host(f"host_{name}", f"10000090fa1659{number:02x}", {drive: f"TAPE{number}"})
            for number, (name, drive) in enumerate(faulty)
        ),
    )


@dataclass(frozen=True)
class Seen:
    """What a play has printed, and how everything stood right after it."""

    play: str
    returncode: int
    table: str
    states: dict
    drives: dict
    owed: dict
    answers: dict
    #: The hosts that a guarded step was ever at work on.
    touched: set

    @property
    def texts(self):
        """For Fault.seen_in."""
        return {"play": self.play, "table": self.table}


class Faults(Hosts):
    """A world whose hosts are from ``hosts_of``; the library is the simulated one."""

    def prepare(self):
        super().prepare()
        self.holder, self.healthy, *self.faulty = self.hosts
        self.host = {host.name.removeprefix("host_"): host for host in self.hosts}
        *self.drives, self.calm = self.holder.names
        self.start_library(send=False)

    @contextlib.contextmanager
    def playing(self, batch, *options):
        """Run a play in the background; gives what waits for its end and looks."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            future = pool.submit(self.play, batch, *options)
            yield lambda: self.look(future.result())

    def played(self, batch, *options):
        """Run a play to its end and look."""
        return self.look(self.play(batch, *options))

    def look(self, done):
        """See how everything stands after a play. No play ever prints a traceback."""
        assert "Traceback" not in done.stdout, done.stdout
        touched = {path.parent.name.removeprefix("host_") for path in self.directory.glob("host_*/records")}
        store = _store.open_store(str(self.table))
        with store.read() as tx:
            owed = {(row["host"], row["drive"]): row for row in _dispatch.owed(tx)}
        store.close()
        history = [row["message"] for row in self.select("SELECT message FROM history ORDER BY id")]
        return Seen(
            play=done.stdout, returncode=done.returncode, table="\n".join(history), owed=owed, touched=touched,
            states={(host.name, drive): self.truth(host, drive) for host in self.hosts for drive in host.names},
            drives={row["drive"]: row for row in self.select("SELECT * FROM drives")},
            answers={(row["host"], row["drive"]): row for row in self.select("SELECT * FROM answers")},
        )

    def truth(self, host, drive):
        """The drive's state in an application that may not answer when it is asked."""
        return (self.state_of(host) / "drives" / host.names[drive] / "state").read_text().strip()

    def until(self, true, what, limit=30.0):
        """Wait for an event."""
        end = time.monotonic() + limit
        while not true():
            assert time.monotonic() < end, f"it did not come to pass that {what}"
            time.sleep(0.02)

    def called(self, name, word):
        """Whether a host's application was called so."""
        with contextlib.suppress(FileNotFoundError):
            calls = (self.state_of(self.host[name]) / "calls").read_text().splitlines()
            return any(line.split()[1] == word for line in calls)
        return False

    def processes(self, *words):
        """The processes of this world whose command line has all the words."""
        found = []
        for pid in marked(f"DRIVE_SHARING_DEMO={self.directory}"):
            with contextlib.suppress(OSError):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if {word.encode() for word in words} <= set(line):
                    found.append(pid)
        return found

    def others_were_in_time(self, seen, before=()):
        """I7: the healthy host confirmed every drive, and before the hosts of ``before`` had said anything."""
        mine = [seen.answers[(self.healthy.name, drive)] for drive in self.holder.names]
        assert [(one["confirmed"], one["outcome"]) for one in mine] == [(1, "offline")] * len(mine)
        assert all(seen.states[(self.healthy.name, drive)] == "offline" for drive in self.holder.names)
        assert seen.drives[self.calm]["settled_why"] == "confirmed"
        for name in before:
            late = next(row for row in seen.answers.values() if row["host"] == f"host_{name}")
            assert max(one["answered_at"] for one in mine) < late["answered_at"]

    def all_is_right(self, seen, state="offline"):
        """Nothing is owed, and every application but the holder's has every drive in this state."""
        assert (seen.returncode, seen.owed) == (0, {}), seen.play
        wrong = {key: shown for key, shown in seen.states.items() if shown != state and key[0] != self.holder.name}
        assert wrong == {}, seen.play


class Line:
    """A network line to an address, which can be cut, or become silent for the connections that are open."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self._open = []
        self._silent = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                here, _address = self.listener.accept()
                there = socket.create_connection(self.target)
                self._open += [here, there]
                for ends in ((here, there), (there, here)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if source not in self._silent:
                    target.sendall(data)
            if source not in self._silent:
                target.shutdown(socket.SHUT_WR)

    def silence(self):
        """Let the open connections carry nothing any more; new ones are not touched."""
        self._silent |= set(self._open)

    def cut(self):
        """End the open connections."""
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
