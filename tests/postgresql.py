# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real PostgreSQL server of a test's or a benchmark's own, from Debian's package postgresql."""

from __future__ import annotations

import contextlib
import glob
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PASSWORD = "geheim%20:@/" + secrets.token_hex(8)
USER = "postgres"


def programs() -> Path | None:
    """Find the newest server that Debian has installed."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda path: int(path.split("/")[4]))
    return Path(found[-1]).parent if found else None


def missing() -> str:
    """Say why there can be no server here; nothing where there can."""
    if importlib.util.find_spec("psycopg") is None:
        return "the Python package psycopg is not installed"
    if programs() is None:
        return "PostgreSQL is not installed (Debian: postgresql)"
    if shutil.which("setpriv") is None:
        return "setpriv is not installed (Debian: util-linux)"
    if os.geteuid() == 0 and USER not in [one.pw_name for one in pwd.getpwall()]:
        return "there is no user postgres, and root may not run a server (Debian: postgresql)"
    return ""


class Server:
    """A private cluster on a loopback port."""

    def __init__(self, directory: Path, binaries: Path, settings: Sequence[str] = ()) -> None:
        """Make it below a directory whose name is short: a socket's name has room for some 100 characters."""
        self.directory, self.binaries = directory, binaries
        self.data = directory / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        password = directory / "password"
        password.write_text(PASSWORD)
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(directory, account.pw_uid, account.pw_gid)
            os.chown(password, account.pw_uid, account.pw_gid)
        self.run("initdb", "-D", str(self.data), "-U", USER, "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8",
                 "--locale=C", "--no-sync")
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(
                f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = '{directory}'\n"
                "shared_buffers = 32MB\nmax_connections = 50\n" + "".join(f"{line}\n" for line in settings)
            )

    def command(self, program: str, *words: str) -> list[str]:
        """As the user postgres where we are root, whom the server refuses; it ends with us, however we end."""
        become = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        return ["setpriv", *become, "--pdeathsig=INT", str(self.binaries / program), *words]

    def run(self, program: str, *words: str) -> None:
        """Run one of its programs."""
        subprocess.run(
            self.command(program, *words), check=True, cwd=self.directory,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command("postgres", "-D", str(self.data)), cwd=self.directory,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(subprocess.CalledProcessError):
                self.run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port))
                return
            assert self.process.poll() is None, (self.directory / "log").read_text()
            assert time.monotonic() < end, "the server does not come up"
            time.sleep(0.05)

    def stop(self, mode: str = "fast") -> None:
        """Stop it."""
        self.run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "-t", "60", "stop")
        self.process.wait(60)

    def url(self, database: str, *, password: str = PASSWORD, user: str = USER) -> str:
        """Give the URL of a database."""
        quoted = "".join(char if char.isalnum() else f"%{ord(char):02x}" for char in password)
        return f"postgresql://{user}:{quoted}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> Any:
        """Connect to a database."""
        import psycopg

        return psycopg.connect(self.url(database), autocommit=True)


@contextlib.contextmanager
def started(*settings: str) -> Iterator[Server]:
    """Start a server with these lines in its configuration; it is gone with the block."""
    binaries = programs()
    if binaries is None:
        raise RuntimeError(missing())
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) and "fsync = off" in settings else None
    with tempfile.TemporaryDirectory(prefix="drive_sharing_pg_", dir=memory) as name:
        made = Server(Path(name), binaries, settings)
        made.start()
        try:
            yield made
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                made.stop("immediate")
