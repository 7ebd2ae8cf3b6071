# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's world around the lab: its drives, what its hosts see of them, reservations and detector are in the guest of tests/lab.

The rule engine, its plays and the applications run on this machine, where they need not be interpreted. What has to do with
drives is asked and told in the guest, by SSH. The drive table is a PostgreSQL server on this machine, which the detector in
the guest reaches through SSH, too.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests import postgresql
from ansible_collections.tapeworks.drive_sharing.tests.lab import machine, san

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.world import APPLICATION, ROOT, Host, World, WorldError, free_port

IN_GUEST = Path(__file__).with_name("in_guest.py")
SITE = "lab"
#: Reads the drives for role library_scsi; it has none of the hosts' adapters of Fibre Channel.
CONTROLLER = "controller"


def missing() -> str:
    """Say why there can be no such world here; nothing where there can."""
    try:
        machine.check()
    except machine.LabError as exc:
        return str(exc)
    return postgresql.missing()


@dataclass
class Guest:
    """A guest that is up, and SSH into it."""

    out: Path
    port: int = field(default_factory=lambda: free_port(socket.SOCK_STREAM))

    @property
    def connection(self) -> dict[str, Any]:
        """The inventory variables of a connection to it."""
        keys = self.out / "sshd"
        return {
            "ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": self.port, "ansible_user": "root",
            "ansible_ssh_private_key_file": str(keys / "client_key"),
            "ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={keys}/known_hosts -o IdentitiesOnly=yes",
        }  # fmt: skip

    def ssh(self, *options: str) -> list[str]:
        """Give the command line in front of the guest's own."""
        given = self.connection
        words = ["ssh", *shlex.split(given["ansible_ssh_common_args"]), "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"]
        words += ["-o", "ControlMaster=auto", "-o", "ControlPersist=600", "-o", f"ControlPath={self.out}/control"]
        return [*words, "-i", given["ansible_ssh_private_key_file"], "-p", str(self.port), *options, "root@127.0.0.1"]

    def run(self, *commands: str | Path, limit: float = 120.0) -> str:
        """Run commands, one after the other as long as they go well; give what they print."""
        done = subprocess.run(
            [*self.ssh(), " && ".join(map(str, commands))], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=limit, check=False,
        )
        if done.returncode:
            raise WorldError(f"{commands} ended with {done.returncode} in the guest: {done.stdout.strip()}")
        return done.stdout

    def paths(self) -> dict[tuple[str, str], str]:
        """Give the sg device of each drive through each port."""
        shown = self.run(shlex.join([sys.executable, str(Path(san.__file__)), "--show"]))
        return {(serial, port): generic for serial, port, _target, _address, _tape, generic in map(str.split, shown.splitlines())}


@contextlib.contextmanager
def booted(out: Path) -> Iterator[Guest]:
    """Boot a guest with an sshd."""
    guest = Guest(out)
    server = None
    # What a run has left that was killed.
    machine.down(out)
    try:
        if machine.up(out, [f"{guest.port}:22"]):
            raise WorldError(f"the guest does not come up; see {out}/console")
        command = f"PYTHONPATH={ROOT}/build/collections exec {shlex.join([sys.executable, str(IN_GUEST), 'sshd', str(out / 'sshd')])}"
        server = subprocess.Popen(
            [sys.executable, Path(machine.__file__), "run", "--out", str(out), command], stdin=subprocess.DEVNULL
        )
        end = time.monotonic() + 180
        while True:
            with contextlib.suppress(WorldError, subprocess.TimeoutExpired):
                guest.run("true", limit=30)
                break
            if time.monotonic() > end or server.poll() is not None:
                raise WorldError("the guest's sshd does not answer")
            time.sleep(0.5)
        yield guest
    finally:
        subprocess.run([*guest.ssh("-O", "exit")], check=False, capture_output=True)
        machine.down(out)
        if server is not None:
            server.wait(30)


@dataclass
class LabWorld(World):
    """The demo's world, with the hosts of the lab and a table on PostgreSQL."""

    guest: Guest = field(kw_only=True)
    server: postgresql.Server = field(kw_only=True)

    def __post_init__(self) -> None:
        """Name the hosts as the lab does."""
        self.hosts = [
            Host(host.name, host.adapter.id, {drive.serial: f"{host.name[-1].upper()}{drive.name}" for drive in san.DRIVES})
            for host in san.HOSTS
        ]
        self.connections = {
            host.name: {
                # Ports and drives are found; of the drives only their library is written down.
                "drive_sharing_ports": [], "drive_sharing_discover": True,
                "drive_sharing_drives": [{"serial": serial, "library": "library_1"} for serial in host.names],
            }
            for host in self.hosts
        }  # fmt: skip
        # The rule engine takes the table from its environment, as everybody does who keeps a password in its URL.
        self.variables = {"drive_sharing_table": "", "drive_sharing_site": SITE, **self.variables}
        super().__post_init__()

    @property
    def environment(self) -> dict[str, str]:
        """The table is the server's."""
        return {**super().environment, "DRIVE_SHARING_TABLE": self.server.url(SITE)}

    def prepare(self) -> None:
        """Make the inventory of two hosts that are asked what they see."""
        self.server.connect().execute(f"CREATE DATABASE {SITE}")
        super().prepare()
        groups = {
            "drive_sharing": {"hosts": {host.name: {} for host in self.hosts}},
            "tape_libraries": {"hosts": {"library_1": {}}},
            "ungrouped": {"hosts": {CONTROLLER: {}}},
        }
        variables = {
            "group_vars/all.yml": {
                "demo_directory": str(self.directory), "drive_sharing_site": SITE, "drive_sharing_handshake_timeout": self.handshake,
            },
            "group_vars/tape_libraries.yml": {
                "drive_sharing_library": "scsi", "library_scsi_host": CONTROLLER, "library_scsi_become": False,
                "library_scsi_timeout": 60,
            },
            f"host_vars/{CONTROLLER}.yml": {**self.guest.connection, "ansible_shell_executable": f"/run/lab/{CONTROLLER}.view"},
        }  # fmt: skip
        (self.inventory / "hosts.yml").write_text(json.dumps(groups), encoding="utf-8")
        for name, given in variables.items():
            (self.inventory / name).write_text(json.dumps(given), encoding="utf-8")
        # The controller sees the drives through one port, by which no test here reserves.
        self.views({host.name: f"{host.adapter.id},{host.initiator.id}" for host in san.HOSTS} | {CONTROLLER: f",{san.HOSTS[1].initiator.id}"})

    def views(self, adapters: Mapping[str, str]) -> None:
        """Make a shell for each host that has these adapters only: as `san.Host.shell`, but made once, as nothing changes here."""
        lines = ["cd /run/lab"]
        for name, own in adapters.items():
            lines += [
                f"{{ /bin/bash {san.HERE}/as_host.sh {own} /bin/sh -c 'echo $$ >{name}.pid; exec sleep infinity' </dev/null >/dev/null 2>&1 & }}",
                f"printf '#!/bin/sh\nexec nsenter --mount=/proc/%s/ns/mnt /bin/sh \"$@\"\n' '$(cat /run/lab/{name}.pid)' >{name}.view",
                f"chmod 755 {name}.view",
            ]
        lines += [f"until [ -s {name}.pid ]; do sleep 0.2; done" for name in adapters]
        self.guest.run(*lines)

    def look_around(self) -> None:
        """Run the playbook host_facts in the guest."""
        done = self.run_play("tapeworks.drive_sharing.host_facts")
        if done.returncode:
            raise WorldError(f"playbook host_facts failed: {done.stdout}")

    def run_play(self, play: str | Path, limit: float = 300.0) -> subprocess.CompletedProcess[str]:
        """Run a playbook on the hosts in the guest, where each has nothing but its own adapters; see `results`."""
        inventory, results = self.directory / "inventory_in_guest", self.directory / "results"
        for old in (inventory, results):
            shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(self.inventory, inventory)
        for host in san.HOSTS:
            file = inventory / "host_vars" / f"{host.name}.yml"
            given = json.loads(file.read_text(encoding="utf-8")) | self.guest.connection
            file.write_text(json.dumps({**given, "ansible_shell_executable": f"/run/lab/{host.name}.view"}), encoding="utf-8")
        more = {"ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.tree", "ANSIBLE_CALLBACK_TREE_DIR": str(results)}
        return subprocess.run(
            ["ansible-playbook", "-i", inventory, play], cwd=self.directory, env=self.environment | more, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit,
        )  # fmt: skip

    def play(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run a play of a test's own so."""
        path = self.directory / "play.yml"
        path.write_text(text, encoding="utf-8")
        return self.run_play(path)

    def results(self) -> dict[str, dict[str, Any]]:
        """Give what the last play's last tasks gave, by host."""
        return {file.name: json.loads(file.read_text(encoding="utf-8")) for file in (self.directory / "results").iterdir()}

    def start_detector(self, interval: float) -> None:
        """Start the source's detector in the guest, with a way to the table."""
        port = 15432
        table = self.server.url(SITE).replace(f":{self.server.port}/", f":{port}/")
        arguments = {"table": table, "site": SITE, "scsi": {"drives": [drive.serial for drive in san.DRIVES], "interval": interval}}
        file = self.guest.out / "detector.json"
        file.touch(0o600)
        file.write_text(json.dumps(arguments), encoding="utf-8")
        way = ["-o", "ControlPath=none", "-o", "ExitOnForwardFailure=yes", "-R", f"127.0.0.1:{port}:127.0.0.1:{self.server.port}"]
        command = f"PYTHONPATH={ROOT}/build/collections exec {shlex.join([sys.executable, str(IN_GUEST), 'detector', str(file)])}"
        self.start("detector", [*self.guest.ssh(*way), command])

    def application(self, host: Host, *words: str) -> None:
        """Give a host's application a command."""
        subprocess.run([APPLICATION, "--state", self.state_of(host), *words], check=True)

    def select(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Read from the drive table, only to look."""
        import psycopg
        from psycopg.rows import dict_row

        with psycopg.connect(self.server.url(SITE), options="-c search_path=drive_sharing", row_factory=dict_row) as table:
            try:
                return table.execute(statement.replace("?", "%s"), values).fetchall()
            except psycopg.errors.UndefinedTable:
                return []

    def wait_for(self, what: str, true: Callable[[], Any], limit: float = 240.0) -> float:
        """Wait until something is true; detector and engine must be alive meanwhile."""
        for name in ("detector", "engine"):
            if not self.alive(name):
                raise WorldError(f"The {name} has ended: {self.log(name)}")
        return self.wait(what, true, limit, "detector")


@contextlib.contextmanager
def lab_world(directory: Path) -> Iterator[LabWorld]:
    """Give the world, with everything started and the hosts' drives and ports recorded."""
    with contextlib.ExitStack() as stack:
        guest = stack.enter_context(booted(ROOT / "build" / "lab" / "e2e"))
        server = stack.enter_context(postgresql.started("fsync = off"))
        world = stack.enter_context(LabWorld(directory / "world", handshake=20, guest=guest, server=server))
        world.start_detector(1.0)
        world.start_engine()
        world.look_around()
        world.wait_for_engine()
        yield world
