# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup server with the program ``drive_use``, and the real detector with a real drive table that it reports to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.integration.test_snmp_detector import (
    Running,
    Site,
    free_port,
)

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = ROOT / "roles" / "reservation_sender" / "files" / "drive_use"
# Of this world alone: command lines of the whole machine are searched for them.
AUTH, PRIV = f"authentic {secrets.token_hex(8)}", f"private {secrets.token_hex(8)}"
DRIVE, OTHER = "1310211169", "1310211170"
PORT = {"protocol": "fc", "id": "10000090fa1658de"}
WITHIN = 60.0
#: For what does not depend on the shell.
one_shell = pytest.mark.parametrize("shell", ["dash"], indirect=True)
T = TypeVar("T")

# Called by the program in place of snmpinform: notes the call, waits for the file that opens the gate, and calls snmpinform.
GATE = """#!/bin/sh
IFS=
for word in "$@"; do
  printf '%s ' "$word"
done >>'{folder}/calls'
echo >>'{folder}/calls'
echo "$$" >'{folder}/at_the_gate'
until [ -e '{folder}/open' ]; do sleep 0.05; done
exec '{snmpinform}' "$@"
"""


def until(condition: Callable[[], T]) -> T:
    """Wait for something to become true, and give it."""
    end = time.monotonic() + WITHIN
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return found


class Receiver:
    """The detector on its table, in a thread of its own; it can be switched off and on again."""

    def __init__(self, directory: Path, user: str = "library") -> None:
        directory.mkdir()
        self.site = Site(directory)
        # Each user costs some megabytes of hash at the start.
        users = [one for one in self.site.args["users"] if one["name"] == user]
        self.site.args["users"] = [{**one, "auth_passphrase": AUTH, "priv_passphrase": PRIV} for one in users]
        self.port = free_port()
        self.running: Running | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        ready = threading.Event()

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            async with self.site.detector(listen=[f"127.0.0.1:{self.port}"]) as self.running:
                ready.set()
                await self._stop.wait()

        self._thread = threading.Thread(target=asyncio.run, args=(serve(),))
        self._thread.start()
        assert ready.wait(WITHIN)

    def stop(self) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._loop = None

    def rows(self) -> dict[str, tuple[str, int]]:
        """Give status and sequence of each drive."""
        return {drive: (row["status"], row["sequence"]) for drive, row in self._all().items()}

    def holders(self, drive: str) -> list[dict[str, str]]:
        found = self._all()[drive]["holders"]
        return found if isinstance(found, list) else json.loads(found)

    def observed_at(self, drive: str) -> str:
        return str(self._all()[drive]["observed_at"])

    def _all(self) -> dict[str, dict[str, Any]]:
        assert self._loop is not None
        assert self.running is not None
        return asyncio.run_coroutine_threadsafe(self.running.rows(), self._loop).result(WITHIN)

    def counters(self) -> dict[str, int]:
        assert self.running is not None
        return self.running.detector.counters()


class Server:
    """A backup server: the program under one shell, its configuration, and programs that it finds first."""

    def __init__(self, folder: Path, shell: str, port: int) -> None:
        folder.mkdir()
        self.folder = folder
        self.shell = shell
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.state = folder / "drive_use.state"
        self.directory = folder / "drive_use"
        self.directory.mkdir()
        self.log = folder / "log"
        self.script("logger", f"#!/bin/sh\nprintf '%s\\n' \"$*\" >>'{self.log}'\n")
        (self.directory / "snmp.conf").write_text(
            "defVersion 3\ndefSecurityLevel authPriv\ndefSecurityName library\ndefAuthType SHA-256\n"
            f'defAuthPassphrase "{AUTH}"\ndefPrivType AES\ndefPrivPassphrase "{PRIV}"\n'
            "noPersistentLoad yes\nnoPersistentSave yes\n"
        )
        (self.directory / "snmp.conf").chmod(0o600)
        self.device = folder / "nst0"
        self.device.touch()
        self.configure(port)

    def configure(self, port: int, *more: str, **changes: object) -> None:
        """Write the configuration anew; changes of single words, and further lines."""
        settings = {"timeout": 60, "free_timeout": 60, "strict": "no", "state": self.state, **changes}
        lines = [
            f"receiver udp:127.0.0.1:{port}",
            f"port fc {PORT['id']}",
            *(f"{key} {value}" for key, value in settings.items()),
            f"drive {DRIVE}",
            f"name {DRIVE} {self.device}",
            f"name {DRIVE} Drive-0",
            f"drive {OTHER}",
            f"name {OTHER} Drive-1",
            *more,
        ]
        (self.directory / "drive_use.conf").write_text("\n".join(lines) + "\n")

    def script(self, name: str, text: str) -> Path:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def gate(self) -> None:
        """Have every inform wait until the gate is opened."""
        self.script("snmpinform", GATE.format(folder=self.folder, snmpinform=shutil.which("snmpinform")))

    def open(self) -> None:
        (self.folder / "open").touch()

    def calls(self) -> list[str]:
        """Give the calls of snmpinform."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}"}

    def argv(self, *words: str) -> list[str]:
        return [self.shell, str(PROGRAM), "-c", str(self.directory), *words]

    def call(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Call the program, and give what came of it."""
        options = {"stdin": subprocess.DEVNULL, "text": True, "timeout": 4 * WITHIN, **more}
        return subprocess.run(self.argv(*words), capture_output=True, env=self.environment, check=False, **options)

    @contextlib.contextmanager
    def begun(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Call the program in the background."""
        process = subprocess.Popen(
            self.argv(*words),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def says(self, *words: str, status: int = 0) -> str:
        """Call the program; give what it says to who called it, and wait for the same in the log."""
        done = self.call(*words)
        assert done.returncode == status, done.stderr
        assert done.stdout == ""
        for line in done.stderr.splitlines():
            until(lambda line=line: line.removeprefix("drive_use: ") in self.logged())
        return done.stderr

    def status(self) -> dict[str, tuple[str, str]]:
        """Give what the program says that it has reported: fact and phase of each drive."""
        done = self.call("status")
        assert (done.returncode, done.stderr) == (0, "")
        return {line.split()[0]: (line.split()[1], line.split()[2]) for line in done.stdout.splitlines()}

    def left(self) -> list[str]:
        """Give what calls have left behind."""
        return sorted(path.name for part in (".run", ".lock") for path in (self.state / part).glob("*"))

    def logged(self) -> str:
        return self.log.read_text() if self.log.exists() else ""
