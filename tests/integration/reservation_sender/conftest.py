# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every test of the program runs under every shell that can be had here, unless it says otherwise."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.integration.guarded_step.world import SHELLS
from ansible_collections.tapeworks.drive_sharing.tests.integration.reservation_sender.world import Receiver, Server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if shutil.which("snmpinform"):
        return
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.skip(reason="this machine has no snmpinform (Debian: snmp)"))


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = shutil.which(SHELLS[request.param])
    if path is None:
        pytest.skip(f"{request.param} is not installed")
    if request.param == "busybox":
        # It is a shell by the name it is called by.
        link = tmp_path / "sh"
        link.symlink_to(path)
        return str(link)
    return path


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """Give a receiver that is up."""
    made = Receiver(tmp_path / "controller")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def server(tmp_path: Path, shell: str, receiver: Receiver) -> Server:
    return Server(tmp_path / "server", shell, receiver.port)


@pytest.fixture
def one_server(tmp_path: Path, receiver: Receiver) -> Server:
    """Give a server with the system's own shell, for what does not depend on it."""
    return Server(tmp_path / "server", "/bin/sh", receiver.port)
