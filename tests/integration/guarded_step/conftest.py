# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every test of the guarded step runs under every shell that can be had here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.integration.guarded_step.world import SHELLS, World


@pytest.fixture(scope="session")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where the shells are; busybox is a shell by the name it is called by."""
    found = {name: path for name, program in SHELLS.items() if (path := shutil.which(program))}
    if "busybox" in found:
        link = tmp_path_factory.mktemp("busybox") / "sh"
        link.symlink_to(found["busybox"])
        found["busybox"] = str(link)
    return found


@pytest.fixture(params=SHELLS)
def shell_name(request: pytest.FixtureRequest, paths: dict[str, str]) -> str:
    if request.param not in paths:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


@pytest.fixture
def shell(shell_name: str, paths: dict[str, str]) -> str:
    return paths[shell_name]


@pytest.fixture
def world(tmp_path: Path, shell: str) -> World:
    return World.create(tmp_path, shell, D1="online", D2="online", ADMIN="offline")
