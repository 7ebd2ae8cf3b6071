# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many SNMPv3 informs a second are taken, written to the drive table and acknowledged; and is none lost?

    PYTHONPATH=build/collections build/venv/2.19/bin/python tests/bench/snmp_informs.py --count 10000

Every inform is a change: the drives are reserved and released in turn. The detector writes into a real drive table
(SQLite, synchronous=FULL) through the event source's own sink; a second process sends, with a number of informs under
way, and repeats what is not answered within a second. In the end the table's sequences must add up to the number of
informs. Exit status 1 if anything is lost, or the rate is below --at-least.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_maps import MIB
from ansible_collections.tapeworks.drive_sharing.tests.bench import snmp_wire as wire

PASSPHRASES = ("authentication passphrase", "privacy passphrase")
USER = "library"
UPTIME = wire.oid("1.3.6.1.2.1.1.3.0")
TRAP = wire.oid("1.3.6.1.6.3.1.1.4.1.0")
UNKNOWN_ENGINE = wire.oid("1.3.6.1.6.3.15.1.1.4.0")
RESEND = 1.0


def change(number: int, drives: int) -> bytes:
    """Give the variables of the change with this number."""
    drive, turn = f"BENCH{number % drives:05d}", number // drives
    reserved = turn % 2 == 0
    text = wire.OCTETS
    port = wire.element(text, f"10000090fa{turn % 65536:06x}".encode()) if reserved else wire.element(text, b"")
    protocol, identifier = ("1.3.1.2.1", "1.3.1.3.1") if reserved else ("1.4.0", "1.5.0")
    notification = wire.element(wire.OID, wire.oid(f"{MIB}.0.{1 if reserved else 2}"))
    own = (
        ("1.1.0", wire.element(text, drive.encode())),
        ("1.2.0", wire.integer(1 if reserved else 2)),
        (protocol, wire.integer(1 if reserved else 0)),
        (identifier, port),
        ("1.6.0", wire.integer(1, wire.UNSIGNED32)),
        ("1.7.0", wire.integer(number + 1, wire.UNSIGNED32)),
        ("1.8.0", wire.element(text, bytes.fromhex("07ea0b1606002205") + b"+\0\0")),
        ("1.9.0", wire.element(text, b"library_01")),
    )
    return wire.varbinds(
        (UPTIME, wire.integer(number, wire.TIME_TICKS)),
        (TRAP, notification),
        *((wire.oid(f"{MIB}.{name}"), value) for name, value in own),
    )


class Sender:
    """Sends informs over one connected socket."""

    def __init__(self, host: str, port: int, count: int, drives: int, window: int) -> None:
        """Find out the receiver's engine."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.connect((host, port))
        self.socket.settimeout(0.2)
        self.count, self.drives, self.window = count, drives, window
        self.salt = int.from_bytes(os.urandom(8), "big")
        self.engine_id, self.boots, self.time = self.discover()
        self.at = time.monotonic()
        self.keys = wire.keys(USER, "sha256", "aes128", *PASSPHRASES, self.engine_id)
        self.resent = 0

    def discover(self) -> tuple[bytes, int, int]:
        """Ask for engine id, boots and time."""
        for _attempt in range(50):
            self.socket.send(wire.discovery())
            try:
                return wire.read(self.socket.recv(65535)).authority
            except (TimeoutError, ConnectionRefusedError):
                time.sleep(0.1)
        sys.exit("no answer to the discovery of the engine")

    def send(self, number: int) -> None:
        """Send one inform, for the first time or again."""
        pdu = wire.pdu(wire.INFORM, number + 1, change(number, self.drives))
        self.salt = (self.salt + 1) % 2**64
        flags = wire.AUTH | wire.PRIV | wire.REPORTABLE
        authority = (self.engine_id, self.boots, self.time + int(time.monotonic() - self.at))
        scoped, salt = wire.scoped(self.engine_id, b"", pdu), self.salt.to_bytes(8, "big")
        self.socket.send(wire.protected(self.keys, number + 1, flags, authority, scoped, salt))

    def run(self) -> dict[str, Any]:
        """Send all and wait until all are acknowledged; those of one drive one after the other."""
        under_way: dict[int, float] = {}
        latencies: list[float] = []
        first: dict[int, float] = {}
        following = 0
        began = time.monotonic()
        while len(latencies) < self.count:
            while (
                following < self.count
                and len(under_way) < min(self.window, self.drives)
                and following - self.drives not in under_way
            ):
                first[following] = under_way[following] = time.monotonic()
                self.send(following)
                following += 1
            try:
                message = self.socket.recv(65535)
            except TimeoutError:
                pass
            else:
                acknowledged = self.check(message)
                if under_way.pop(acknowledged, None) is not None:
                    latencies.append(time.monotonic() - first[acknowledged])
            now = time.monotonic()
            oldest = next(iter(under_way), None)
            if oldest is not None and now - under_way[oldest] > RESEND:
                del under_way[oldest]
                under_way[oldest] = now
                self.resent += 1
                self.send(oldest)
        seconds = time.monotonic() - began
        latencies.sort()
        return {
            "informs": self.count,
            "seconds": round(seconds, 3),
            "per_second": round(self.count / seconds, 1),
            "median_ms": round(1000 * latencies[len(latencies) // 2], 1),
            "p99_ms": round(1000 * latencies[len(latencies) * 99 // 100], 1),
            "resent": self.resent,
        }

    def check(self, message: bytes) -> int:
        """Give the number of the inform that is acknowledged; a real sender believes authentic answers only."""
        answer = wire.read(message, self.keys)
        if answer.tag == wire.REPORT and answer.variables[0][0] == UNKNOWN_ENGINE:
            # Late: the discovery was repeated.
            return -1
        if answer.tag != wire.RESPONSE or answer.flags != wire.AUTH | wire.PRIV:
            sys.exit(f"an inform was answered by PDU 0x{answer.tag:02x} with flags {answer.flags}")
        return answer.request_id - 1


async def receive(options: argparse.Namespace) -> dict[str, Any]:
    """Run the detector on a new table while another process sends."""
    # Late: the sender needs neither.
    from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _changes, _source
    from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import snmp

    config = snmp.check(
        {
            "listen": [f"[{options.host}]:0" if ":" in options.host else f"{options.host}:0"],
            "users": [{"name": USER, "auth_passphrase": PASSPHRASES[0], "priv_passphrase": PASSPHRASES[1]}],
        }
    )
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        thread = _source.TableThread(str(Path(directory) / "table.sqlite"), "bench")
        detector = snmp.Detector(config, _source.Sink(thread.call, lambda: None), logging.getLogger("bench"))
        task = asyncio.create_task(detector.run())
        try:
            await detector.started.wait()
            port = detector.addresses[0].rpartition(":")[2]
            before = time.process_time()
            sender = await asyncio.create_subprocess_exec(
                sys.executable, __file__, "--sender", port, "--host", options.host, "--count", str(options.count),
                "--drives", str(options.drives), "--window", str(options.window),
                stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            output, _none = await sender.communicate()
            if sender.returncode:
                sys.exit(1)
            figures: dict[str, Any] = json.loads(output)
            figures["receiver_cpu_ms_per_inform"] = round(1000 * (time.process_time() - before) / options.count, 2)

            def sequences(store: Any) -> int:
                with store.read() as tx:
                    return sum(row["sequence"] for row in _changes.states(tx))

            figures["lost"] = options.count - await thread.call(sequences)
            figures["counters"] = detector.counters()
            return figures
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            thread.close()


def main() -> None:
    """Read the arguments and do one half or the other."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="informs to send")
    parser.add_argument("--drives", type=int, default=100, help="drives that change in turn")
    parser.add_argument("--window", type=int, default=64, help="informs that are under way at once")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address, IPv4 or IPv6")
    parser.add_argument(
        "--directory", default=None, help="where the table is made, for the disk that is to be measured"
    )
    parser.add_argument("--at-least", type=float, default=0, help="informs per second below which the exit status is 1")
    parser.add_argument("--sender", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sender:
        sender = Sender(options.host, options.sender, options.count, options.drives, options.window)
        print(json.dumps(sender.run()))
        return
    figures = asyncio.run(receive(options))
    print(json.dumps(figures, indent=2))
    if figures["lost"] or figures["per_second"] < options.at_least:
        sys.exit(1)


if __name__ == "__main__":
    main()
