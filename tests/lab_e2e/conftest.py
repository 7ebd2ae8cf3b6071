# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One world for all tests of this folder: it takes longer to make than they take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.e2e.conftest import measured
from ansible_collections.tapeworks.drive_sharing.tests.e2e.conftest import missing as missing_for_engine
from ansible_collections.tapeworks.drive_sharing.tests.lab_e2e import lab_world
from ansible_collections.tapeworks.drive_sharing.tests.lab_e2e.story import Story

__all__ = ["measured"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip with the reason where the machine lacks something."""
    reason = lab_world.missing() or ", ".join(f"no {name}" for name in missing_for_engine())
    for item in items if reason else ():
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Give the story, with both drives free, and both applications told so."""
    with lab_world.lab_world(tmp_path_factory.mktemp("story")) as world:
        told = Story(world)
        try:
            told.began = time.time()
            told.becomes("released")
            yield told
        finally:
            for name in ("detector", "engine"):
                print(f"--- {name}\n{world.log(name)}")
