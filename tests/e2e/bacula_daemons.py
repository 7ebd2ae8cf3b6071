# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real Bacula on loopback: director, storage daemon with a virtual autochanger of two drives, file daemon, consoles.

No service of the system, no root: everything lives in one directory and ends with whoever started it.

    with Bacula(directory / "host_a", "host_a") as bacula:      # up in about a second, four tapes labelled
        job = bacula.run(0, hold=True)                          # a backup job pinned to the first drive
        bacula.wait_until_busy(0)
        assert bacula.states() == ("online", "online")          # as the full console shows them
        assert bacula.let_end(job) == "Backup OK"

`bacula.console` is the configuration of the restricted console (mode 0600), `bacula.devices` are the device files.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
PROGRAMS = {
    "bacula-dir": "bacula-director",
    "bacula-sd": "bacula-sd",
    "bacula-fd": "bacula-fd",
    "bconsole": "bacula-console",
    "sqlite3": "sqlite3",
    "setpriv": "util-linux",
}
TABLES = Path("/usr/share/bacula-director/make_sqlite3_tables")
CHANGER = Path("/etc/bacula/scripts/disk-changer")
DIRECTOR, STORAGE, FILE = DAEMONS = ("dir", "sd", "fd")
DRIVES = ("Drive-0", "Drive-1")
SLOTS = 4
#: The consoles with few rights, and what they may say.
CONSOLES = {
    "drive_operations": ["enable", "disable", "status", "show", "quit", ".storage"],
    "drive_use": ["status", "release", ".status", "quit"],
}
#: How a job ended that went well.
OK = "Backup OK"
#: Seconds for what takes a fraction of a second as a rule. A job that waits for a drive looks again every 30 seconds.
LIMIT = 60.0


class BaculaError(Exception):
    """Bacula does not do what it should; one sentence for the person who watches."""


def missing() -> list[str]:
    """Give what the tests with Bacula need and this machine lacks, as people name it."""
    found = [
        f"{program} (Debian: {package})"
        for program, package in PROGRAMS.items()
        if shutil.which(program, path=SYSTEM_PATH) is None
    ]
    if not TABLES.exists():
        found.append("catalog in SQLite (Debian: bacula-director-sqlite3)")
    return found


@dataclass(frozen=True)
class Drive:
    """What Bacula itself shows of a drive."""

    name: str
    path: str
    disabled: bool
    #: Jobs that write, read or have it reserved.
    jobs: int
    text: str

    @property
    def state(self) -> str:
        """The state in the collection's words."""
        return "offline" if self.disabled else "online"


@dataclass
class Bacula:
    """One instance; a context manager.

    `job_lines` are further lines of every job's resource, from the next `configure` on.
    """

    directory: Path
    name: str = "lab"
    address: str = "127.0.0.1"
    job_lines: Sequence[str] = ()
    #: The port at which the director looks for the storage daemon, if something stands between them.
    between: int | None = None

    def __post_init__(self) -> None:
        self.directory = self.directory.resolve()
        self.etc, self.work, self.tapes = (self.directory / name for name in ("etc", "work", "tapes"))
        self.ports = dict(zip(DAEMONS, _free_ports(self.address, len(DAEMONS)), strict=True))
        self.passwords = {name: secrets.token_hex(12) for name in (*DAEMONS, *CONSOLES)}
        #: For a person with all rights; for whoever may do no more than set drives; for who may only let them go.
        self.full_console = self.etc / "bconsole.conf"
        self.console, self.use_console = (self.etc / f"{name}.conf" for name in CONSOLES)
        self.changer = self.etc / "disk-changer"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._held: dict[int, tuple[str, int]] = {}

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self.launch()
            self.label()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What it is made of

    @property
    def devices(self) -> list[Path]:
        """The device files of the drives, the first drive's first."""
        return [self.tapes / f"drive{number}" for number in range(len(DRIVES))]

    @property
    def pipes(self) -> dict[str, Path]:
        """What the jobs save that are held: one for each drive that may be busy at the same time."""
        return {f"Held{number}": self.directory / f"held{number}" for number in range(len(DRIVES))}

    def drive_sharing_drives(self, serials: Sequence[str]) -> list[dict[str, Any]]:
        """Give the drives as the inventory describes them by hand."""
        return [
            {"serial": serial, "devices": [str(device)]} for serial, device in zip(serials, self.devices, strict=True)
        ]

    def prepare(self) -> None:
        """Make the directory: the configurations, an empty catalog, tapes."""
        for path in (self.etc, self.work, self.tapes):
            path.mkdir(parents=True)
        self.directory.chmod(0o700)
        script = TABLES.read_text(encoding="utf-8")
        script = script.replace("cd /var/lib/bacula", f"cd '{self.work}'").replace("XXX_DBNAME_XXX", "catalog")
        subprocess.run(["sh", "-c", script], check=True, capture_output=True)
        changer = CHANGER.read_text(encoding="utf-8").replace("wd=/var/lib/bacula", f"wd='{self.work}'")
        self.changer.write_text(changer, encoding="utf-8")
        self.changer.chmod(0o755)
        drives = len(DRIVES)
        (self.etc / "changer.conf").write_text(f"maxslot={SLOTS}\nmaxdrive={drives - 1}\n", encoding="utf-8")
        (self.tapes / "barcodes").write_text("".join(f"{slot}:{volume(slot)}\n" for slot in range(1, SLOTS + 1)))
        for slot in range(1, SLOTS + 1):
            (self.tapes / f"slot{slot}").touch()
        (self.etc / "query.sql").touch()
        (self.directory / "small").write_text("to be saved\n" * 1000, encoding="utf-8")
        for pipe in self.pipes.values():
            os.mkfifo(pipe)
        self.configure()

    def configure(self) -> None:
        """Write the configurations; what runs takes them when it is started anew."""
        for path, text in (
            (self.etc / "dir.conf", self._director()),
            (self.etc / "sd.conf", self._storage_daemon()),
            (self.etc / "fd.conf", self._file_daemon()),
            (self.full_console, self._director_of_console(self.passwords["dir"])),
            *((self.etc / f"{name}.conf", self._console(name)) for name in CONSOLES),
        ):
            path.touch(0o600)
            path.write_text(text, encoding="utf-8")

    def _here(self, daemon: str, kind: str) -> dict[str, Any]:
        return {
            "Name": f"{self.name}-{daemon}",
            f"{kind}Port": self.ports[daemon],
            f"{kind}Address": self.address,
            "Working Directory": self.work,
            "Pid Directory": self.work,
        }

    def _director(self) -> str:
        storage = {
            "Address": self.address,
            "SDPort": self.between or self.ports["sd"],
            "Password": self.passwords["sd"],
            "Media Type": "LTO",
        }
        job = {
            "Type": "Backup", "Level": "Full", "Client": f"{self.name}-fd", "Storage": "Changer", "Pool": "Tapes",
            "Messages": "Daemon", "Allow Duplicate Jobs": "yes", "Maximum Concurrent Jobs": 4,
        }  # fmt: skip
        everything = "*all*"
        return "\n".join([
            resource(
                "Director", **self._here("dir", "DIR"), QueryFile=self.etc / "query.sql",
                Password=self.passwords["dir"], Messages="Daemon", Maximum_Concurrent_Jobs=8,
            ),
            resource("Catalog", Name="Catalog", dbname="catalog", dbuser="", dbpassword=""),
            # Its output is what tells when jobs end.
            f'Messages {{\n  Name = Daemon\n  append = "{self.work}/log" = all, !skipped, !saved\n}}',
            resource("Pool", Name="Tapes", Pool_Type="Backup", Recycle="no", AutoPrune="no"),
            resource("Client", Name=f"{self.name}-fd", Address=self.address, FDPort=self.ports["fd"],
                     Password=self.passwords["fd"], Catalog="Catalog", Maximum_Concurrent_Jobs=8),
            resource("Autochanger", Name="Changer", Device="Changer", Autochanger="Changer", Maximum_Concurrent_Jobs=8, **storage),
            *(
                resource("Storage", Name=f"Only{drive}", Device=drive, Autochanger="Changer", Maximum_Concurrent_Jobs=8, **storage)
                for drive in DRIVES
            ),
            _file_set("Small", self.directory / "small"),
            *(_file_set(name, path, "readfifo = yes") for name, path in self.pipes.items()),
            *(resource("Job", *self.job_lines, Name=name, FileSet=name, **job) for name in ("Small", *self.pipes)),
            *(
                resource(
                    "Console", Name=name, Password=self.passwords[name], CommandACL=commands,
                    StorageACL=everything, CatalogACL=everything, JobACL=everything, ClientACL=everything,
                    PoolACL=everything, FileSetACL=everything,
                )
                for name, commands in CONSOLES.items()
            ),
        ])  # fmt: skip

    def _storage_daemon(self) -> str:
        return "\n".join([
            resource("Storage", **self._here("sd", "SD"), Maximum_Concurrent_Jobs=20),
            resource("Director", Name=f"{self.name}-dir", Password=self.passwords["sd"]),
            f'Messages {{\n  Name = Standard\n  director = {self.name}-dir = all\n}}',
            resource("Autochanger", Name="Changer", Device=list(DRIVES), Changer_Command=f"{self.changer} %c %o %S %a %d %v",
                     Changer_Device=self.etc / "changer.conf"),
            *(
                resource(
                    "Device", Name=drive, Drive_Index=number, Media_Type="LTO", Device_Type="VTape", Archive_Device=device,
                    Autochanger="yes", LabelMedia="no", Random_Access="no", AutomaticMount="yes", RemovableMedia="yes",
                    AlwaysOpen="yes", Maximum_Concurrent_Jobs=1,
                )
                for number, (drive, device) in enumerate(zip(DRIVES, self.devices, strict=True))
            ),
        ])  # fmt: skip

    def _file_daemon(self) -> str:
        return "\n".join([
            resource("FileDaemon", **self._here("fd", "FD"), Maximum_Concurrent_Jobs=8),
            resource("Director", Name=f"{self.name}-dir", Password=self.passwords["fd"]),
            f'Messages {{\n  Name = Standard\n  director = {self.name}-dir = all\n}}',
        ])  # fmt: skip

    def _director_of_console(self, password: str) -> str:
        return resource(
            "Director", Name=f"{self.name}-dir", DIRport=self.ports["dir"], Address=self.address, Password=password
        )

    def _console(self, name: str) -> str:
        return self._director_of_console("not used by a named console") + resource(
            "Console", Name=name, Password=self.passwords[name], Director=f"{self.name}-dir"
        )

    # The daemons

    def launch(self) -> None:
        """Start all daemons and wait until they listen."""
        for daemon in DAEMONS:
            self.start(daemon, wait=False)
        for daemon in DAEMONS:
            self.wait_for(daemon)

    def start(self, daemon: str, *, wait: bool = True) -> None:
        """Start a daemon; it ends with us, however we end."""
        # One that was killed leaves its file, and the next one may take another process for it.
        for path in self.work.glob(f"bacula-{daemon}.*.pid"):
            path.unlink()
        command = ["setpriv", "--pdeathsig=KILL", f"bacula-{daemon}", "-f", "-c", str(self.etc / f"{daemon}.conf")]
        with (self.work / f"{daemon}.out").open("ab") as log:
            self._running[daemon] = subprocess.Popen(
                command, cwd=self.work, env={**os.environ, "PATH": SYSTEM_PATH},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        if wait:
            self.wait_for(daemon)

    def wait_for(self, daemon: str) -> None:
        """Wait until a daemon listens."""

        def listens() -> bool:
            if self._running[daemon].poll() is not None:
                said = (self.work / f"{daemon}.out").read_text(errors="replace")
                raise BaculaError(
                    f"bacula-{daemon} of {self.name} ended with {self._running[daemon].returncode}: {said}"
                )
            with contextlib.suppress(OSError), socket.create_connection((self.address, self.ports[daemon]), timeout=1):
                return True
            return False

        self.wait(f"bacula-{daemon} listens", listens)

    def stop(self, daemon: str, number: int = signal.SIGTERM) -> None:
        """End a daemon, and wait for its end."""
        process = self._running.pop(daemon, None)
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        for each in (number, signal.SIGKILL):
            process.send_signal(each)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
                break

    def kill(self, daemon: str) -> None:
        """End a daemon as the kernel does when memory runs out."""
        self.stop(daemon, signal.SIGKILL)

    def restart(self, daemon: str) -> None:
        """End a daemon and start it again."""
        self.stop(daemon)
        self.start(daemon)

    def freeze(self, daemon: str) -> None:
        """Let a daemon answer nobody: its connections stay open and silent."""
        self._running[daemon].send_signal(signal.SIGSTOP)

    def thaw(self, daemon: str) -> None:
        """Let it go on."""
        self._running[daemon].send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End everything that was started."""
        for _name, pipe in self._held.values():
            os.close(pipe)
        self._held.clear()
        # Nothing of it is kept, so nobody has to wait for an end in order.
        for process in self._running.values():
            process.kill()
        for process in self._running.values():
            process.wait(10)
        self._running.clear()

    # The consoles

    def say(self, *lines: str, console: Path | None = None, limit: float = LIMIT) -> str:
        """Say something to the director, by the console with all rights if no other is given; give its answer."""
        try:
            done = subprocess.run(
                ["bconsole", "-n", "-c", str(console or self.full_console)], input="\n".join([*lines, "quit", ""]),
                env={**os.environ, "PATH": SYSTEM_PATH}, capture_output=True, text=True, errors="replace", timeout=limit,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise BaculaError(
                f"The director of {self.name} did not answer {lines[0]!r} within {limit:.0f} s."
            ) from None
        if done.returncode:
            raise BaculaError(f"bconsole failed at {lines[0]!r}: {done.stdout}{done.stderr}")
        return done.stdout

    def label(self) -> None:
        """Label all tapes."""
        said = self.say(f"label storage=Changer drive=0 slots=1-{SLOTS} barcodes pool=Tapes", "yes")
        if said.count("3000 OK label") != SLOTS:
            raise BaculaError(f"The tapes of {self.name} were not labelled: {said}")

    def drives(self, limit: float = LIMIT) -> list[Drive]:
        """Give what Bacula itself shows of its drives."""
        said = self.say("status storage=Changer", limit=limit)
        if "Failed to connect" in said:
            raise BaculaError(f"The storage daemon of {self.name} does not answer: {said}")
        found = []
        for name, path in zip(DRIVES, self.devices, strict=True):
            block = re.search(rf'^Device [^\n]*"{name}"[^\n]*\n.*?^==$', said, re.MULTILINE | re.DOTALL)
            if block is None:
                raise BaculaError(f"{self.name} shows no drive {name}: {said}")
            users = re.search(rf'device "{name}" [^\n]*\n\s+Reader=(\d+) writers=(\d+) reserves=(\d+)', said)
            found.append(
                Drive(
                    name, str(path), "Device is disabled. User command." in block[0],
                    sum(map(int, users.groups())) if users else 0, block[0],
                )
            )  # fmt: skip
        return found

    def states(self) -> tuple[str, ...]:
        """Give the state of each drive, in the collection's words."""
        return tuple(drive.state for drive in self.drives())

    def set(self, state: str, drive: int) -> None:
        """Set a drive as its administrator would."""
        word = {"online": "enable", "offline": "disable"}[state]
        self.say(f"{word} storage=Changer drive={drive}")
        if self.states()[drive] != state:
            raise BaculaError(f"{word} had no effect on drive {drive} of {self.name}.")

    # Jobs

    def run(self, drive: int | None = None, *, hold: bool = False) -> int:
        """Start a backup job, pinned to a drive or by the changer; give its number.

        A job that is held saves a pipe, so it has its drive until `let_end`; any other one saves a small file.
        """
        pipes = [name for name in self.pipes if name not in [used for used, _pipe in self._held.values()]]
        name, pipe = (pipes[0], os.open(self.pipes[pipes[0]], os.O_RDWR | os.O_NONBLOCK)) if hold else ("Small", -1)
        storage = "Changer" if drive is None else f"Only{DRIVES[drive]}"
        said = self.say(f"run job={name} storage={storage} yes")
        found = re.search(r"JobId=(\d+)", said)
        if found is None:
            raise BaculaError(f"{self.name} did not start the job: {said}")
        job = int(found[1])
        if hold:
            self._held[job] = name, pipe
        return job

    def feed(self, job: int, size: int = 1 << 20) -> None:
        """Give a held job something to save: enough that it has to write to its drive; it takes none if it has ended."""
        _name, pipe = self._held[job]
        end = time.monotonic() + LIMIT
        while size and not self.ended(job):
            try:
                size -= os.write(pipe, os.urandom(min(size, 1 << 16)))
            except BlockingIOError:
                if time.monotonic() > end:
                    raise BaculaError(f"Job {job} of {self.name} does not read what it is to save.") from None
                time.sleep(0.01)

    def let_end(self, job: int) -> str:
        """Give a held job the rest of what it saves, and wait for its end; give how it ended, in Bacula's words."""
        self.feed(job)
        os.close(self._held.pop(job)[1])
        return self.wait_for_end(job)

    def wait_until_busy(self, drive: int) -> None:
        """Wait until a job has a drive."""
        self.wait(f"drive {drive} is busy", lambda: self.drives()[drive].jobs > 0)

    def wait_until_waiting(self, job: int) -> None:
        """Wait until a job waits for its drive."""
        self.wait(
            f"job {job} waits", lambda: re.search(rf"^\s*{job} .*is waiting on Storage", self.director(), re.MULTILINE)
        )

    def director(self) -> str:
        """Give what the director shows of itself and its jobs."""
        return self.say("status dir")

    def log(self) -> str:
        """Give what was written about jobs so far."""
        with contextlib.suppress(FileNotFoundError):
            return (self.work / "log").read_text(encoding="utf-8", errors="replace")
        return ""

    def consoles(self) -> int:
        """Give how many consoles but ours the director works for; one that was killed counts until its command is done."""
        return self.director().count("Console connected at") - 1

    def ended(self, job: int) -> str:
        """Give how a job ended, in Bacula's words; empty: it has not ended."""
        for report in re.findall(r"^  JobId: +(\d+)$.*?^  Termination: +(.+?)$", self.log(), re.MULTILINE | re.DOTALL):
            if int(report[0]) == job:
                return str(report[1]).strip()
        return ""

    def wait_for_end(self, job: int, limit: float = LIMIT) -> str:
        """Wait for the end of a job; give how it ended."""
        self.wait(f"job {job} ends", lambda: self.ended(job), limit)
        return self.ended(job)

    def wait(self, what: str, true: Callable[[], Any], limit: float = LIMIT) -> None:
        """Wait until something is true."""
        end = time.monotonic() + limit
        while not true():
            if time.monotonic() > end:
                raise BaculaError(
                    f"It did not come to pass within {limit:.0f} s that {what} at {self.name}; the log ends with: {self.log()[-2000:]}"
                )
            time.sleep(0.05)


def volume(slot: int) -> str:
    """Give the name of the tape of a slot."""
    return f"TAPE{slot:02}"


def resource(kind: str, *lines: str, **directives: Any) -> str:
    """Write a resource of a configuration; `_` in a name stands for a blank. One line each: `;` breaks lists."""
    written = [f"  {name.replace('_', ' ')} = {_value(value)}" for name, value in directives.items()]
    return "\n".join([f"{kind} {{", *written, *(f"  {line}" for line in lines), "}", ""])


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    # An address must not be quoted, a path must.
    return str(value) if re.fullmatch(r"[\w.*-]+", str(value)) else f'"{value}"'


def _file_set(name: str, path: Path, *options: str) -> str:
    lines = "".join(f"      {option}\n" for option in ("signature = MD5", *options))
    return f'FileSet {{\n  Name = {name}\n  Include {{\n    Options {{\n{lines}    }}\n    File = "{path}"\n  }}\n}}\n'


def _free_ports(address: str, count: int) -> list[int]:
    """Give ports that nobody uses, below those that the kernel gives to connections: they must be free at a restart."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20000, 32000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((address, port))
            found.append(port)
    return list(dict.fromkeys(found)) if len(set(found)) == count else _free_ports(address, count)
