# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's three servers with real Bacula in place of the demo's application: an instance on each, all with both drives."""

from __future__ import annotations

import getpass
import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.e2e.bacula_daemons import DRIVES as NAMES
from ansible_collections.tapeworks.drive_sharing.tests.e2e.bacula_daemons import Bacula, BaculaError
from ansible_collections.tapeworks.drive_sharing.tests.e2e.remote_world import RemoteWorld
from ansible_collections.tapeworks.drive_sharing.tests.sshd import ADDRESSES, SYSTEM_PATH

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.world import DRIVES, Host, Shown, WorldError

#: Seconds after which a drive that we set offline is looked at again: a storage daemon forgets it when it is started anew.
RECHECK = 6


@dataclass
class BaculaWorld(RemoteWorld):
    """A world of Bacula instances; the drives of each are its virtual tape drives, under the library's serial numbers.

    `policies` are further inventory variables by host.
    """

    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.passphrases_of = {host.name: (secrets.token_hex(12), secrets.token_hex(12)) for host in self.hosts}
        self.bacula = {host.name: self.instance(host) for host in self.hosts}
        users = {"library_1": self.passphrases, **{host.name: self.passphrases_of[host.name] for host in self.hosts}}
        snmp = {
            "listen": [f"{self.listen}:{self.snmp_port}"],
            "users": [
                {"name": name, "auth_passphrase": auth, "priv_passphrase": privacy}
                for name, (auth, privacy) in users.items()
            ],
        }
        self.variables = {"drive_sharing_snmp": snmp, **self.variables}

    def instance(self, host: Host) -> Bacula:
        """Give a host's instance, before anything of it is there."""
        return Bacula(self.directory / host.name / "bacula", host.name, ADDRESSES[host.name])

    def prepare(self) -> None:
        """Make the directory, and start the instances."""
        super().prepare()
        path = self.inventory / "group_vars" / "drive_sharing.yml"
        path.write_text(json.dumps(self.group()), encoding="utf-8")
        for bacula in self.bacula.values():
            bacula.launch()
        for bacula in self.bacula.values():
            bacula.label()

    def group(self) -> dict[str, Any]:
        """Give the variables of all hosts."""
        return {
            "ansible_connection": "local",
            "drive_sharing_discover": False,
            "drive_sharing_state_directory": "{{ demo_directory }}/{{ inventory_hostname }}/records",
            "drive_sharing_applications": [{"application": "bacula"}],
            "application_bacula_recheck": RECHECK,
        }

    def install(self, host: Host) -> None:
        """Prepare a host's instance."""
        self.bacula[host.name].prepare()

    def connect(self, host: Host, **variables: Any) -> None:
        """Write how a host is reached, what its drives are, and how its Bacula is spoken to."""
        bacula = self.bacula[host.name]
        drives = [{**drive, "library": "library_1"} for drive in bacula.drive_sharing_drives(DRIVES)]
        given = {
            "drive_sharing_drives": drives,
            "application_bacula_storages": ["Changer"],
            "application_bacula_console_file": str(bacula.console),
        }
        super().connect(host, **given, **self.policies.get(host.name, {}), **variables)

    def sender(self, host: Host) -> tuple[Path, Path]:
        """Give where a host's program drive_use is, and its configuration."""
        return self.directory / host.name / "bin" / "drive_use", self.directory / host.name / "drive_use"

    def drive_use(self, host: Host, *words: str) -> None:
        """Call a host's program drive_use."""
        program, directory = self.sender(host)
        subprocess.run([program, "-c", directory, *words], check=True, timeout=60)

    def report_use(self, host: Host) -> None:
        """Have a host's Bacula report what it uses, as the README of the role reservation_sender says."""
        bacula = self.bacula[host.name]
        program, directory = self.sender(host)
        program.parent.mkdir()
        auth, privacy = self.passphrases_of[host.name]
        variables = {
            "receiver": f"udp:{self.listen}:{self.snmp_port}",
            "user": host.name,
            "auth_passphrase": auth,
            "priv_passphrase": privacy,
            "port": host.holder,
            "owner": getpass.getuser(),
            "drives": [
                {
                    "serial": serial,
                    "names": [str(device), name],
                    "free_input": f"release storage=Changer drive={number} slot=0",
                }
                for number, (serial, device, name) in enumerate(zip(DRIVES, bacula.devices, NAMES, strict=True))
            ],
            "query_command": [shutil.which("bconsole", path=SYSTEM_PATH), "-n", "-c", str(bacula.use_console)],
            "query_input": ["status storage=Changer"],
            "query_format": "bacula",
            "program": str(program),
            "config_directory": str(directory),
            "state_directory": f"{directory}_state",
        }
        play = {
            "name": "Have Bacula report the use of its drives",
            "hosts": host.name,
            "gather_facts": False,
            "roles": [{"role": "tapeworks.drive_sharing.reservation_sender"}],
            "vars": {f"reservation_sender_{name}": value for name, value in variables.items()},
        }
        path = self.directory / "report_use.yml"
        path.write_text(json.dumps([play]), encoding="utf-8")
        done = subprocess.run(
            ["ansible-playbook", "-i", self.inventory, path], cwd=self.directory, env=self.environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode:
            raise WorldError(f"The role reservation_sender failed: {done.stdout}")
        # In a file of its own: Bacula takes no more than 127 characters for a changer's command.
        script = bacula.changer.rename(bacula.changer.with_name("real-changer"))
        bacula.changer.write_text(f'#!/bin/sh\nexec {program} -c {directory} changer "$2" "$4" {script} "$@"\n')
        bacula.changer.chmod(0o755)
        bacula.job_lines = [
            "RunScript {", "  RunsWhen = After", "  RunsOnSuccess = yes", "  RunsOnFailure = yes", "  RunsOnClient = no",
            f'  Command = "{program} -c {directory} job-end"', "}",
        ]  # fmt: skip
        bacula.configure()
        bacula.restart("dir")
        # What is in a drive already is used without the changer, of which nobody would hear.
        for number in range(len(DRIVES)):
            bacula.say(f"release storage=Changer drive={number} slot=0")

    def close(self) -> None:
        """End the instances, and all the rest."""
        for bacula in self.bacula.values():
            bacula.close()
        super().close()

    # What Bacula itself says

    def ask(self, host: Host, limit: float = 10.0) -> dict[str, Shown] | None:
        """Ask the director by the console that may do everything, which the collection does not use."""
        try:
            shown = self.bacula[host.name].drives(limit)
        except BaculaError:
            return None
        return {
            serial: Shown(drive.name, drive.state, str(drive.jobs or "-"))
            for serial, drive in zip(DRIVES, shown, strict=True)
        }

    def administrator(self, host: Host, state: str, drive: str) -> None:
        """Set a drive by Bacula's own command, as its administrator would."""
        self.bacula[host.name].set(state, DRIVES.index(drive))

    def state(self, drive: str, host: Host) -> str:
        """Give the state that Bacula shows of a drive."""
        return self.bacula[host.name].states()[DRIVES.index(drive)]

    # What the drive table says

    def answer(self, drive: str, host: Host) -> dict[str, Any]:
        """Give what was last heard of a drive from a host's instance."""
        rows = self.select(
            "SELECT a.*, d.sequence AS newest FROM answers a JOIN drives d ON d.drive = a.drive"
            " WHERE a.drive = ? AND a.host = ?",
            drive,
            host.name,
        )
        return rows[0] if rows else {}

    def history(self, drive: str) -> str:
        """Give what the drive table says of a drive, a line each."""
        rows = self.select("SELECT message FROM history WHERE drive = ? ORDER BY id", drive)
        return "\n".join(row["message"] for row in rows)
