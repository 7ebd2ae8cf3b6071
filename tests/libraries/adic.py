# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drives of ADIC-MANAGEMENT-MIB behind a real snmpd of net-snmp, for tests.

As a program it is what snmpd runs by pass_persist: ``adic.py STATE.json``. The state is a list of drives, each with ``serial``, ``status``
(1 online, 2 offline) and ``behaviour``: ``ok``, ``slow`` (after three questions), ``refuse``, ``lie``, ``half`` (status 3).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ENTRY = (1, 3, 6, 1, 4, 1, 3764, 1, 1, 200, 20, 80, 110, 1)
SERIAL, STATUS, COMMAND = 8, 29, 16
#: Component, media domain, media type, aisle, frame, rack, section, column; then the row.
PLACE = (1, 1, 4, 1, 1, 1, 2, 3)
USER, AUTH, PRIV, COMMUNITY = "drivesharing", "auth-not-to-be-seen", "priv-not-to-be-seen", "community-not-to-be-seen"


class Table:
    """The objects, in their order."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.drives: list[dict[str, Any]] = json.loads(file.read_text())

    def save(self) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(self.drives))
        new.replace(self.file)

    def objects(self) -> list[tuple[tuple[int, ...], str, str]]:
        found = []
        for column in (SERIAL, COMMAND, STATUS):
            for row, drive in enumerate(self.drives, 1):
                value = {SERIAL: drive["serial"].ljust(16), STATUS: str(drive["status"]), COMMAND: "1"}[column]
                found.append(((*ENTRY, column, *PLACE, row), "string" if column == SERIAL else "integer", value))
        return found

    def get(self, oid: tuple[int, ...], *, after: bool) -> list[str]:
        for name, kind, value in self.objects():
            if (name > oid) if after else name == oid:
                if name[len(ENTRY)] == STATUS:
                    self.asked(self.drives[name[-1] - 1])
                return ["." + ".".join(map(str, name)), kind, value]
        return ["NONE"]

    def asked(self, drive: dict[str, Any]) -> None:
        """Time passes by being asked."""
        if drive.get("coming"):
            drive["coming"][0] -= 1
            if not drive["coming"][0]:
                drive["status"] = drive.pop("coming")[1]
            self.save()

    def set(self, oid: tuple[int, ...], value: str) -> str:
        if oid[: len(ENTRY) + 1] != (*ENTRY, COMMAND) or not value.startswith("integer "):
            return "not-writable"
        drive = self.drives[oid[-1] - 1]
        if drive["behaviour"] == "refuse":
            return "not-writable"
        drive["told"] = drive.get("told", 0) + 1
        wanted = int(value.split()[1])
        if drive["behaviour"] == "slow":
            drive["coming"] = [3, wanted]
        elif drive["behaviour"] != "lie":
            drive["status"] = 3 if drive["behaviour"] == "half" else wanted
        self.save()
        return "DONE"


def serve(file: Path) -> None:
    """Speak as snmpd wants it."""
    table = Table(file)
    lines = iter(sys.stdin.readline, "")
    for line in lines:
        word = line.strip()
        if not word:
            # What snmpd sends behind the value of a set.
            continue
        if word == "PING":
            answer = ["PONG"]
        else:
            oid = tuple(int(part) for part in sys.stdin.readline().strip().strip(".").split("."))
            answer = [table.set(oid, sys.stdin.readline().strip())] if word == "set" else table.get(oid, after=word == "getnext")
        sys.stdout.write("\n".join(answer) + "\n")
        sys.stdout.flush()


@contextlib.contextmanager
def agent(drives: list[dict[str, Any]], directory: Path) -> Iterator[tuple[int, Path]]:
    """Run snmpd with these drives; gives its port and the file of the drives' state."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    state = directory / "drives.json"
    state.write_text(json.dumps(drives))
    program = directory / "adic_agent"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {Path(__file__).resolve()} {state}\n")
    program.chmod(0o755)
    settings = directory / "snmpd.conf"
    settings.write_text(
        f"agentaddress udp:127.0.0.1:{port}\nrwcommunity {COMMUNITY} 127.0.0.1\n"
        f'createUser {USER} SHA-256 "{AUTH}" AES "{PRIV}"\nrwuser {USER} authpriv\n'
        f"pass_persist .{'.'.join(map(str, ENTRY))} {program}\n"
    )
    for name, text in (("auth", AUTH), ("priv", PRIV), ("community", COMMUNITY), ("wrong_auth", "something else")):
        (directory / name).write_text(text + "\n")
        (directory / name).chmod(0o600)
    # Where it keeps its users and boots; else it is /var/lib/snmp.
    environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(directory / "persistent"), "MIBS": ""}
    words = [shutil.which("snmpd", path="/usr/sbin:/sbin:" + os.environ.get("PATH", "")) or "snmpd", "-f", "-Lf", str(directory / "snmpd.log")]
    daemon = subprocess.Popen([*words, "-C", "-c", str(settings), "-p", str(directory / "snmpd.pid")], env=environment)
    try:
        _await(port, daemon, environment)
        yield port, state
    finally:
        daemon.terminate()
        daemon.wait()


def _await(port: int, daemon: subprocess.Popen[bytes], environment: dict[str, str]) -> None:
    """Wait until the agent answers."""
    words = ["snmpget", "-v2c", "-c", COMMUNITY, "-t", "1", "-r", "0", f"127.0.0.1:{port}", "1.3.6.1.2.1.1.3.0"]
    end = time.monotonic() + 60
    while subprocess.run(words, env=environment, capture_output=True, check=False).returncode:
        if daemon.poll() is not None or time.monotonic() > end:
            raise TimeoutError("snmpd does not answer")


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
