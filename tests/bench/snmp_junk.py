# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many good informs a second are taken while strangers send junk, against as many without it; and is none lost?

    PYTHONPATH=build/collections build/venv/2.19/bin/python tests/bench/snmp_junk.py --count 2000 --rates 0 1000 5000

The event source runs in a process of its own, as under ansible-rulebook, with a drive table in SQLite. A second process
sends good informs (``snmp_informs.py``), a third one junk of every kind (``tests/fuzz/junk.py``), at a rate, from some
addresses and many ports of the loopback network. Rate -1: as fast as it can.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.bench import snmp_informs
from ansible_collections.tapeworks.drive_sharing.tests.fuzz import junk

HERE = Path(__file__).resolve()
#: Large ones are made and sent seldom: they would keep the sender busy, not the receiver.
SELDOM = ("oversized", "nested", "thousands")
#: Octets that may wait in the receiver's socket before no more is sent to it, where none may be dropped by the system.
ROOM = 60_000
_SOURCE = """
import asyncio, json, logging, signal, sys
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _source
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
async def put(event):
    print(event, flush=True)
# Whoever is started in the background of a shell without jobs has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    asyncio.run(_source.serve(put, _source.check(json.loads(sys.argv[1]))))
except KeyboardInterrupt:
    pass
"""


def environment() -> dict[str, str]:
    """Give the environment in which a process of our own finds the collection, wherever this one has found it."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}


class Source:
    """The event source in a process of its own; it is ended with the block."""

    def __init__(self, directory: Path, **snmp: Any) -> None:
        """Start it and wait until it listens."""
        self.table, self.log = directory / "table.sqlite", directory / "source.log"
        auth, priv = snmp_informs.PASSPHRASES
        options = {
            "listen": ["0.0.0.0:0"],
            "users": [{"name": snmp_informs.USER, "auth_passphrase": auth, "priv_passphrase": priv}],
            "maps": ["tape_drive_sharing", junk.LOCATION_MAP],
            **snmp,
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    _SOURCE,
                    json.dumps({"table": str(self.table), "site": "bench", "snmp": options}),
                ],
                stderr=log,
                stdout=subprocess.DEVNULL,
                env=environment(),
            )
        deadline = time.monotonic() + 60
        while not (found := re.search(r"taken at 0\.0\.0\.0:(\d+), engine", self.said())):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self.said())
            time.sleep(0.05)
        self.port = int(found[1])

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def said(self) -> str:
        """Give the log so far."""
        return self.log.read_text(encoding="utf-8", errors="backslashreplace")

    def memory(self) -> float:
        """Give the resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024

    def cpu(self) -> float:
        """Give the seconds of CPU time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def table_rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the table."""
        with contextlib.closing(sqlite3.connect(self.table)) as connection:
            return connection.execute(query).fetchall()

    def end(self) -> Counter[str]:
        """End it as the engine would, and give its counters."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        found = re.findall(r"taken no more; counted: (\{.*\})", self.said())
        return Counter(ast.literal_eval(found[-1]))


def waiting(port: int) -> tuple[int, int]:
    """Give the octets that wait in the socket at a port, and the datagrams that the system dropped because it was full."""
    for line in Path("/proc/net/udp").read_text(encoding="utf-8").splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port:
            return int(fields[4].rpartition(":")[2], 16), int(fields[-1])
    raise RuntimeError(f"nobody listens at port {port}")


class Flood:
    """Sends junk from a number of addresses and ports."""

    def __init__(
        self, port: int, count: int, seed: int, *, insiders: bool = True, addresses: int = 20, ports: int = 3
    ) -> None:
        """Ask for the engine's id as every sender has to, and make the junk before it is wanted."""
        sender = snmp_informs.Sender("127.0.0.1", port, 0, 1, 1)
        maker = junk.Junk(
            seed, (sender.engine_id, sender.boots, sender.time), snmp_informs.USER, snmp_informs.PASSPHRASES
        )
        kinds = (*junk.STRANGERS, *junk.SENDERS) if insiders else tuple(junk.STRANGERS)
        common, seldom = (tuple(kind for kind in kinds if (kind in SELDOM) == rare) for rare in (False, True))
        self.made = list(maker.each(count - count // 100, common)) + list(maker.each(count // 100, seldom))
        maker.random.shuffle(self.made)
        self.port = port
        self.sockets = []
        for place in range(addresses * ports):
            each = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            each.bind((f"127.0.0.{2 + place % addresses}", 0))
            each.setblocking(False)
            self.sockets.append((each, ("127.0.0.1", port)))
        self.sent: Counter[str] = Counter()

    def send(self, place: int) -> None:
        """Send one datagram, from the next socket."""
        kind, datagram = self.made[place % len(self.made)]
        each, to = self.sockets[place % len(self.sockets)]
        # Answers are of no interest to those who send junk.
        with contextlib.suppress(BlockingIOError):
            each.recv(1)
        with contextlib.suppress(OSError):
            each.sendto(datagram, to)
            self.sent[kind] += 1

    def once(self) -> Counter[str]:
        """Send everything once, never more at a time than the receiver's system can keep; give what was sent."""
        for place in range(len(self.made)):
            while place % 20 == 0 and waiting(self.port)[0] > ROOM:
                time.sleep(0.005)
            self.send(place)
        return self.sent

    def run(self, rate: float) -> None:
        """Send at a rate, or as fast as it goes, for as long as there is somebody who wants it."""
        began, place, parent = time.monotonic(), 0, os.getppid()
        while os.getppid() == parent:
            due = place + 50 if rate < 0 else int((time.monotonic() - began) * rate)
            for number in range(place, due):
                self.send(number)
            place = max(due, place)
            if rate >= 0:
                time.sleep(0.002)


def start_flood(port: int, *options: str) -> subprocess.Popen[str]:
    """Start to send junk from another process; it says so when it has made it. It ends with its parent."""
    flood = subprocess.Popen(
        [sys.executable, str(HERE), "--flood", str(port), *options], stdout=subprocess.PIPE, text=True, env=environment()
    )
    assert flood.stdout is not None
    if flood.stdout.readline() != "ready\n":
        raise RuntimeError("the junk could not be made")
    return flood


def start_good(port: int, count: int, drives: int, window: int) -> subprocess.Popen[str]:
    """Start to send good informs from another process, until all are acknowledged."""
    return subprocess.Popen(
        [sys.executable, str(HERE.with_name("snmp_informs.py")), "--sender", str(port), "--count", str(count),
         "--drives", str(drives), "--window", str(window)],
        stdout=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip


def figures_of(sender: subprocess.Popen[str], within: float = 240.0) -> dict[str, Any]:
    """Give the figures of a sender that has sent everything."""
    try:
        output, _none = sender.communicate(timeout=within)
    finally:
        sender.kill()
        sender.wait()
    if sender.returncode:
        raise RuntimeError("the sender of good informs failed")
    figures: dict[str, Any] = json.loads(output)
    return figures


def good(port: int, count: int, drives: int, window: int) -> dict[str, Any]:
    """Send good informs and give the figures."""
    return figures_of(start_good(port, count, drives, window))


def measure(rate: float, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one rate of junk."""
    with tempfile.TemporaryDirectory(dir=options.directory) as directory, Source(Path(directory)) as source:
        more = ["--rates", str(rate), "--seed", str(options.seed), "--addresses", str(options.addresses)]
        flood = start_flood(source.port, *more, *(["--insiders"] if options.insiders else [])) if rate else None
        try:
            before, drops, began = source.cpu(), waiting(source.port)[1], time.monotonic()
            figures = good(source.port, options.count, options.drives, options.window)
            seconds = time.monotonic() - began
            figures["memory_mib"] = round(source.memory(), 1)
            figures["cpu_share"] = round((source.cpu() - before) / seconds, 2)
            figures["dropped_by_the_system_per_second"] = round((waiting(source.port)[1] - drops) / seconds)
        finally:
            if flood is not None:
                flood.kill()
                flood.wait()
        figures["counters"] = dict(source.end())
        figures["read_per_second"] = round(figures["counters"]["datagrams"] / seconds)
        figures["log_lines"] = source.said().count("\n")
        return figures


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=2000, help="good informs to send")
    parser.add_argument("--drives", type=int, default=100, help="drives that change in turn")
    parser.add_argument("--window", type=int, default=64, help="good informs that are under way at once")
    parser.add_argument("--rates", type=float, nargs="+", default=[0, 500, 2000, 10_000, -1], help="junk per second")
    parser.add_argument("--turns", type=int, default=1, help="how often: on a busy machine the median is worth more")
    parser.add_argument("--addresses", type=int, default=20, help="addresses that junk comes from")
    parser.add_argument("--insiders", action="store_true", help="some of the junk is authentic")
    parser.add_argument("--seed", type=int, default=1, help="seed of the junk")
    parser.add_argument("--directory", default=None, help="where the tables are made")
    parser.add_argument("--flood", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--once", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.flood:
        count = options.once or 3000
        flood = Flood(options.flood, count, options.seed, insiders=options.insiders, addresses=options.addresses)
        print("ready", flush=True)
        if options.once:
            print(json.dumps(flood.once()))
        else:
            flood.run(options.rates[0])
        return
    ratios: dict[float, list[float]] = {rate: [] for rate in options.rates}
    for _turn in range(options.turns):
        quiet = 0.0
        for rate in options.rates:
            figures = measure(rate, options)
            quiet = quiet or figures["per_second"]
            ratios[rate].append(figures["per_second"] / quiet)
            figures["ratio"] = round(ratios[rate][-1], 2)
            print(json.dumps({"junk_per_second": rate, **figures}), flush=True)
    print(json.dumps({"median_ratios": {rate: round(statistics.median(many), 2) for rate, many in ratios.items()}}))


if __name__ == "__main__":
    main()
