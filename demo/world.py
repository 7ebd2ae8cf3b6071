# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that the story plays with: a library, three backup servers, the rule engine; the end-to-end tests use it too.

All of it lives in one directory, listens on loopback only, and is gone when the world is closed.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]
APPLICATION = ROOT / "demo" / "backup_application"
MARK = "DRIVE_SHARING_DEMO"
DRIVES = ("1310211169", "1310211170")
#: A GetRequest of SNMPv3 without user or engine, RFC 3414 section 4: every engine answers it with a report.
DISCOVERY = bytes.fromhex(
    "3039020103300f0202477a020300ffe30401040201030410300e04000201000201000400040004003011"
    "04000400a00b0201010201000201003000"
)


class WorldError(Exception):
    """Something is not as it must be; one sentence for the person who watches."""


@dataclass(frozen=True)
class Host:
    """A backup server: its port, and what its application calls the drives."""

    name: str
    port: str
    names: dict[str, str]

    @property
    def holder(self) -> dict[str, str]:
        """Its port as the library names it."""
        return {"protocol": "fc", "id": self.port}


HOSTS = (
    Host("host_a", "10000090fa1658d1", dict(zip(DRIVES, ("lto0", "lto1"), strict=True))),
    Host("host_b", "10000090fa1658d2", dict(zip(DRIVES, ("TAPE1", "TAPE2"), strict=True))),
    Host("host_c", "10000090fa1658d3", dict(zip(DRIVES, ("drive-01", "drive-02"), strict=True))),
)


@dataclass(frozen=True)
class Shown:
    """What an application shows of a drive."""

    name: str
    state: str
    job: str


@dataclass
class World:
    """The demo's world in a directory; a context manager.

    `connections` are further inventory variables by host, where the hosts are not reached locally; `variables` are further
    variables of the rulebook; `handshake` is the time in seconds that every server has to confirm. `hosts` are the servers;
    others than the demo's need an inventory of their own.
    """

    directory: Path
    connections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    listen: str = "127.0.0.1"
    handshake: int = 3
    hosts: Sequence[Host] = HOSTS

    def __post_init__(self) -> None:
        self.directory = self.directory.resolve()
        self.inventory = self.directory / "inventory"
        self.logs = self.directory / "logs"
        self.table = self.directory / "table.sqlite"
        self.token = secrets.token_urlsafe(24)
        self.passphrases = secrets.token_hex(12), secrets.token_hex(12)
        self.snmp_port = free_port(socket.SOCK_DGRAM)
        self.library_url = ""
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self.prepare()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What it is made of

    def prepare(self) -> None:
        """Make the directory: the inventory, the secrets, the applications with all drives online."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        self.logs.mkdir()
        shutil.copytree(ROOT / "inventories" / "demo", self.inventory)
        for host in self.hosts:
            self.connect(host)
        (self.directory / "token").write_text(self.token + "\n", encoding="utf-8")
        (self.directory / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")
        for host in self.hosts:
            self.install(host)

    def install(self, host: Host) -> None:
        """Make a host's application know its drives, all of them online."""
        state = self.state_of(host)
        state.mkdir(parents=True)
        for serial, name in host.names.items():
            subprocess.run([APPLICATION, "--state", state, "add", name, serial], check=True)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process of this world; the first variable also marks them as ours."""
        return {
            **os.environ,
            MARK: str(self.directory),
            "DRIVE_SHARING_DEMO_APPLICATION": str(APPLICATION),
            "DRIVE_SHARING_DEMO_LIBRARY": self.library_url,
            "DRIVE_SHARING_DEMO_HANDSHAKE": str(self.handshake),
            "DRIVE_SHARING_TABLE": str(self.table),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.directory / "ansible"),
            "ANSIBLE_FORKS": "25",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
            # The engine starts half a second faster, and is not meant to run for long.
            "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
            "LC_ALL": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
        }

    def state_of(self, host: Host) -> Path:
        """Where the host's application keeps its state."""
        return self.directory / host.name / "application"

    def connect(self, host: Host, **variables: Any) -> None:
        """Write how a host is reached; in one step, since the engine may be copying the inventory."""
        given = {"drive_sharing_ports": [host.holder], **self.connections.get(host.name, {}), **variables}
        new = self.directory / "host_vars.new"
        new.write_text(json.dumps(given), encoding="utf-8")
        new.replace(self.inventory / "host_vars" / f"{host.name}.yml")

    # Processes

    def start(self, name: str, command: Sequence[str | Path]) -> None:
        """Start a process in the background; its output goes to logs/NAME.log."""
        with (self.logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command, cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def stop(self, name: str, signal_number: int = signal.SIGTERM, limit: float = 5.0) -> None:
        """End a process and its group."""
        process = self._running.pop(name, None)
        if process is None:
            return
        for number, patience in ((signal_number, limit), (signal.SIGKILL, limit)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)
                break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def kill(self, name: str) -> None:
        """End a process as the kernel does when memory runs out, and whatever it had started."""
        self.stop(name, signal.SIGKILL)

    def close(self) -> None:
        """End everything that this world has started, also what its processes left behind."""
        for name in list(self._running):
            self.stop(name)
        # Plays run in sessions of their own, and so do the commands that a hanging application leaves.
        for pid in marked(f"{MARK}={self.directory}"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def alive(self, name: str) -> bool:
        """Say whether a process that was started still runs."""
        process = self._running.get(name)
        return process is not None and process.poll() is None

    def log(self, name: str) -> str:
        """Give what a process has printed so far."""
        with contextlib.suppress(FileNotFoundError):
            return (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        return ""

    # The library

    def start_library(self, *, send: bool = True) -> None:
        """Start the simulated library and wait until it listens; `send` as false: it only says what it would send."""
        directory = self.directory / "library_1"
        directory.mkdir(exist_ok=True)
        (directory / "ready.json").unlink(missing_ok=True)
        auth, privacy = self.passphrases
        serials = dict.fromkeys(serial for host in self.hosts for serial in host.names)
        drives = [{"serial": serial, "location": f"F1,R1,D{number}"} for number, serial in enumerate(serials, 1)]
        configuration = {
            "directory": str(directory),
            "token_file": str(self.directory / "token"),
            "drives": drives,
            "informs": {
                "to": f"{self.listen}:{self.snmp_port}",
                "library": "library_1",
                "user": "library_1",
                "auth_passphrase": auth,
                "privacy_passphrase": privacy,
            },
        }
        if not send:
            del configuration["informs"]
        path = directory / "configuration.json"
        path.touch(0o600)
        path.write_text(json.dumps(configuration), encoding="utf-8")
        self.start("library", [sys.executable, ROOT / "demo" / "library.py", path])
        self.wait("the simulated library listens", (directory / "ready.json").exists, 15, "library")
        self.library_url = json.loads((directory / "ready.json").read_text(encoding="utf-8"))["url"]

    def library(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Call the library; its refusal is a WorldError with its words."""
        request = urllib.request.Request(
            self.library_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as answer:
                given: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as exc:
            message = json.load(exc).get("message", "")
            raise WorldError(f"The library refused {method} {path}: {exc.code}, {message}") from None
        except OSError as exc:
            raise WorldError(f"The library did not answer {method} {path}: {exc}.") from None
        return given

    def reserve(self, host: Host, drive: str) -> dict[str, Any]:
        """Reserve a drive by a host's port, as its SCSI driver would; give the inform that the library sends."""
        answer = self.library("PUT", f"/drives/{drive}/reservation", {"status": "reserved", "holder": host.holder})
        return dict(answer["inform"])

    def release(self, host: Host, drive: str) -> dict[str, Any]:
        """Release a drive."""
        answer = self.library("PUT", f"/drives/{drive}/reservation", {"status": "released", "holder": host.holder})
        return dict(answer["inform"])

    # The applications

    def behave(self, host: Host, text: str, command: str = "") -> None:
        """Have a host's application behave otherwise."""
        path = self.state_of(host) / ("behaviour" + (f".{command}" if command else ""))
        new = path.with_name("new")
        new.write_text(text + "\n", encoding="utf-8")
        new.replace(path)

    def administrator(self, host: Host, state: str, drive: str) -> None:
        """Set a drive by the application's own command, as its administrator would."""
        subprocess.run([APPLICATION, "--state", self.state_of(host), state, host.names[drive]], check=True)

    def ask(self, host: Host, limit: float = 0.7) -> dict[str, Shown] | None:
        """Ask a host's application what it knows of its drives; None: no answer in time."""
        command: list[str | Path] = [APPLICATION, "--state", self.state_of(host), "list"]
        with subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            try:
                output, _errors = process.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                return None
        rows = (line.split() for line in output.splitlines())
        return {serial: Shown(name, state, job) for name, serial, state, job in rows}

    # The rule engine and the playbooks

    def start_engine(self) -> None:
        """Start ansible-rulebook with our rulebook; `wait_for_engine` waits until it hears informs."""
        auth, privacy = self.passphrases
        variables = {
            "drive_sharing_table": str(self.table),
            "drive_sharing_snmp": {
                "listen": [f"{self.listen}:{self.snmp_port}"],
                "users": [{"name": "library_1", "auth_passphrase": auth, "priv_passphrase": privacy}],
            },
            **self.variables,
        }
        path = self.directory / "variables.yml"
        path.touch(0o600)
        path.write_text(json.dumps(variables), encoding="utf-8")
        command: list[str | Path] = ["ansible-rulebook", "--rulebook", "tapeworks.drive_sharing.drive_sharing"]
        self.start("engine", [*command, "--inventory", self.inventory, "--vars", path])

    def wait_for_engine(self, limit: float = 60.0) -> None:
        """Wait until the event source answers on its SNMP port."""
        self.wait("the event source answers on its SNMP port", self.engine_answers, limit, "engine")

    def engine_answers(self) -> bool:
        """Ask the event source's SNMP engine who it is, as any sender does first."""
        with socket.socket(socket.AF_INET6 if ":" in self.listen else socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(0.2)
            try:
                asker.connect((self.listen, self.snmp_port))
                asker.send(DISCOVERY)
                return bool(asker.recv(4096))
            except OSError:
                return False

    def playbook(self, name: str, *options: str, limit: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run one of our playbooks to its end; the output also goes to logs/NAME.log."""
        command = ["ansible-playbook", "-i", str(self.inventory), f"tapeworks.drive_sharing.{name}", *options]
        try:
            done = subprocess.run(
                command, cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, timeout=limit, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise WorldError(f"The playbook {name} did not come to its end within {limit:.0f} s.") from None
        with (self.logs / f"{name}.log").open("a", encoding="utf-8") as log:
            log.write(done.stdout)
        return done

    def select(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Read from the drive table, only to look."""
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.table}?mode=ro", uri=True, timeout=5)) as table:
                table.row_factory = sqlite3.Row
                return [dict(row) for row in table.execute(statement, values)]
        except sqlite3.OperationalError:
            if self.table.exists():
                raise
            return []

    def drive(self, drive: str) -> dict[str, Any]:
        """Give the drive's row of the table, empty if it has none."""
        return next(iter(self.select("SELECT * FROM drives WHERE drive = ?", drive)), {})

    # Waiting

    def wait(self, what: str, true: Callable[[], Any], limit: float, process: str = "engine") -> float:
        """Wait until something is true; give the seconds. Its process must stay alive meanwhile."""
        started = time.monotonic()
        while not true():
            if not self.alive(process):
                said = [line for line in self.log(process).splitlines() if line.strip()][-1:]
                raise WorldError(
                    f"The process {process} has ended before {what}; see {self.logs / process}.log. It said at last: "
                    + "".join(said)
                )
            if time.monotonic() - started > limit:
                raise WorldError(f"It did not come to pass within {limit:.0f} s that {what}; see {self.logs}.")
            time.sleep(0.05)
        return time.monotonic() - started


def free_port(kind: int, address: str = "127.0.0.1") -> int:
    """Give a port that nobody uses now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def marked(mark: str) -> list[int]:
    """Give the processes whose environment holds the mark, this one left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark.encode() in path.read_bytes().split(b"\0") and path.parent.name != str(os.getpid()):
                found.append(int(path.parent.name))
    return found
