# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A private sshd on loopback addresses, one for each of the demo's hosts."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from demo.world import free_port

ADDRESSES = {"host_a": "127.0.0.2", "host_b": "127.0.0.3", "host_c": "127.0.0.4"}
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


@contextlib.contextmanager
def sshd(
    directory: Path,
    addresses: Iterable[str] = tuple(ADDRESSES.values()),
    paths: Mapping[str, str] | None = None,
    port: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Run a private sshd on the hosts' addresses; give the inventory variables of a connection to it.

    `paths`: the PATH of who comes by an address; `port`: in place of a free one.
    """
    addresses = tuple(addresses)
    directory.mkdir(parents=True)
    for name in ("host_key", "client_key"):
        command: list[str | Path] = [
            "ssh-keygen",
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-C",
            "drive_sharing test",
            "-f",
            directory / name,
        ]
        subprocess.run(command, check=True)
    (directory / "authorized_keys").write_text((directory / "client_key.pub").read_text())
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port = port or free_port(socket.SOCK_STREAM, addresses[0])
    lines = [
        f"Port {port}",
        *(f"ListenAddress {address}" for address in addresses),
        f"HostKey {directory}/host_key",
        f"AuthorizedKeysFile {directory}/authorized_keys",
        f"PidFile {directory}/pid",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        "StrictModes no",
        "UsePAM no",
        "UseDNS no",
        "MaxStartups 500:30:600",
        # Else bash takes a command by ssh for a login and reads the start-up files of whoever runs the tests.
        "SetEnv SHLVL=5",
        "Subsystem sftp internal-sftp",
        # The default takes both sides nearly a tenth of a second of processor time for each connection.
        "KexAlgorithms curve25519-sha256",
    ]
    for address in addresses if paths else ():
        lines += [f"Match LocalAddress {address}", f"SetEnv SHLVL=5 PATH={paths[address]}"]
    (directory / "sshd_config").write_text("\n".join(lines) + "\n")
    # sshd starts itself anew for each connection, and wants to be called by its whole path for that.
    program = shutil.which("sshd", path=SYSTEM_PATH) or "sshd"
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-D", "-e", "-f", directory / "sshd_config"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        end = time.monotonic() + 10
        for address in addresses:
            while True:
                with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=1):
                    break
                assert process.poll() is None, (directory / "log").read_text()
                assert time.monotonic() < end, f"sshd does not listen on {address}"
                time.sleep(0.05)
        yield {
            "ansible_connection": "ssh",
            "ansible_port": port,
            "ansible_user": getpass.getuser(),
            "ansible_ssh_private_key_file": str(directory / "client_key"),
            # No configuration and no known hosts of the person who runs the tests.
            "ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={directory}/known_hosts -o IdentitiesOnly=yes",
        }
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()
