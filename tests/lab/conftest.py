# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tests of this folder run inside the lab's guest: they would change the devices of a real host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.lab import san

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip them everywhere else."""
    if not san.RUN.is_dir():
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="runs in the lab's guest: make lab"))


@pytest.fixture
def free() -> Iterator[None]:
    """Leave no reservation behind."""
    yield
    san.free_all()
