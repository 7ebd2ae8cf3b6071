# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drive table for each test: an SQLite file here, a PostgreSQL database in tests/integration."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _store
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import World

#: In memory where there is such a place: the tests wait for thousands of commits.
MEMORY = Path("/dev/shm")


@pytest.fixture
def location(tmp_path: Path) -> Iterator[str]:
    """Where the test's drive table is."""
    base = MEMORY if os.access(MEMORY, os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(prefix="drive_sharing_test_", dir=base) as directory:
        yield str(Path(directory) / "drive_sharing" / "table.sqlite")


@pytest.fixture
def store(location: str) -> Iterator[Any]:
    """An empty drive table."""
    made = _store.open_store(location, create=True, site="test")
    yield made
    made.close()


@pytest.fixture
def world(store: Any) -> World:
    """A drive table with hosts, drives and a play, in a few words."""
    return World(store)
