# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's world over real SSH: a private sshd on a loopback address for each host, net-snmp's snmpinform as the sender."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.sshd import ADDRESSES, SYSTEM_PATH, sshd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.informs import varbinds
from demo.world import HOSTS, ROOT, Host, World, WorldError

FIGURES = ROOT / "build" / "figures.json"
#: What net-snmp calls the types of the values of an inform.
TYPES = {2: "i", 4: "s", 6: "o", 66: "u", 67: "t"}


def missing() -> list[str]:
    """Give what the end-to-end tests need and this machine lacks, as people name it."""
    needed = {
        "sshd": "sshd (Debian: openssh-server)",
        "ssh": "ssh (Debian: openssh-client)",
        "ssh-keygen": "ssh-keygen (Debian: openssh-client)",
        "snmpinform": "snmpinform (Debian: snmp)",
    }
    found = [name for program, name in needed.items() if shutil.which(program, path=SYSTEM_PATH) is None]
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        found.append("java 17 or later (Debian: openjdk-17-jre-headless)")
    if not Path(sys.executable).with_name("ansible-rulebook").exists():
        found.append("ansible-rulebook (PyPI: ansible_rulebook)")
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip with the reason, instead of failing, where the machine lacks something."""
    lacking = missing()
    if not lacking:
        return
    skip = pytest.mark.skip(reason=f"this machine has no {', no '.join(lacking)}")
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(skip)


class RemoteWorld(World):
    """The demo's world, told of changes by snmpinform."""

    def tell(self, inform: dict[str, Any]) -> dict[str, Any]:
        """Send an inform with net-snmp's program; it ends when the inform is acknowledged."""
        auth, privacy = self.passphrases
        environment = {**self.environment, "SNMPCONFPATH": str(self.directory), "MIBS": ""}
        command = ["snmpinform", "-v3", "-l", "authPriv", "-u", "library_1", "-a", "SHA-256", "-A", auth]
        command += ["-x", "AES", "-X", privacy, "-t", "2", "-r", "5", f"udp:{self.listen}:{self.snmp_port}", ""]
        (_oid, notification), *values = varbinds(inform, "library_1")
        command.append(str(notification.prettyPrint()))
        for oid, value in values:
            kind = TYPES[value.tagSet[-1].tagId + (64 if value.tagSet[-1].tagClass == 64 else 0)]
            text = value.prettyPrint()
            if text.startswith("0x"):
                kind, text = "x", text[2:]
            command += [oid, kind, text]
        started = time.time()
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode:
            raise WorldError(f"snmpinform failed with {done.returncode}: {done.stderr.strip()}")
        return {**inform, "at": started, "acknowledged": time.time()}

    def reserve(self, host: Host, drive: str) -> dict[str, Any]:
        return self.tell(super().reserve(host, drive))

    def release(self, host: Host, drive: str) -> dict[str, Any]:
        return self.tell(super().release(host, drive))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteWorld]:
    """Give a world whose hosts are reached by SSH, with library and engine running and facts recorded."""
    directory = tmp_path_factory.mktemp("e2e")
    with sshd(directory / "sshd") as connection:
        connections = {host.name: {**connection, "ansible_host": ADDRESSES[host.name]} for host in HOSTS}
        with RemoteWorld(directory / "world", connections=connections, handshake=8) as made:
            yield made


@pytest.fixture
def measured() -> Callable[..., None]:
    """Give what adds figures to build/figures.json, where the tests of other parts leave theirs."""

    def add(**figures: Any) -> None:
        FIGURES.parent.mkdir(exist_ok=True)
        kept: dict[str, Any] = {}
        with contextlib.suppress(FileNotFoundError, ValueError):
            kept = json.loads(FIGURES.read_text())
        kept.update(figures)
        new = FIGURES.with_suffix(".new")
        new.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
        new.replace(FIGURES)

    return add
