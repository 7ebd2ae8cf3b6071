# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts behind real SSH: a private sshd on a loopback address for each."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.e2e.remote_world import RemoteWorld
from ansible_collections.tapeworks.drive_sharing.tests.sshd import ADDRESSES, SYSTEM_PATH, sshd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.world import HOSTS, ROOT

FIGURES = ROOT / "build" / "figures.json"


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
