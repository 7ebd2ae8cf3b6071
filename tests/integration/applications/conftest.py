# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stories about backup products: a file ``test_<name>.py`` has ``PRODUCT``, a Description, and ``STORIES``, its own ones."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.release import __version__

pytest.register_assert_rewrite("ansible_collections.tapeworks.drive_sharing.tests.integration.applications.stories")

from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.stories import CHECKS, SHARED
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import Story, World
from ansible_collections.tapeworks.drive_sharing.tests.sshd import SYSTEM_PATH

#: What the product does is the same under every ansible-core, so all stories are told under one of them only.
EVERY = __version__.startswith("2.19.") or os.environ.get("DRIVE_SHARING_STORIES") == "every"
#: The first words of the stories that are told under all.
FIRST = ("drives_are_set_", "drives_are_taken_", "what_the_product_refuses_")
#: What each product's plays took.
SPENT: list[str] = []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each story."""
    if "told" in metafunc.fixturenames:
        stories = [one.__name__.removeprefix("story_") for one in of(metafunc.module)]
        checks = [one.__name__.removeprefix("check_") for one in CHECKS]
        metafunc.parametrize("told", [*stories, *checks], indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that look at all stories of a product where only the first are told."""
    left_out = [] if EVERY else [item for item in items if "world_of_all" in getattr(item, "fixturenames", ())]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def of(module: object) -> list:
    """The stories of a test file: those of all products and its own."""
    left_out = module.PRODUCT.left_out
    every = {one.__name__.removeprefix("story_"): one for one in (*SHARED, *getattr(module, "STORIES", ()))}
    assert set(left_out) <= set(every), f"there are no such stories: {sorted(set(left_out) - set(every))}"
    few = set(every) if EVERY else {name for name in every if name.startswith(FIRST)}
    return [one for name, one in every.items() if name in few - set(left_out)]


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give the world in which all stories of a file have been told."""
    lacking = [name for name in ("sshd", "ssh", "ssh-keygen") if shutil.which(name, path=SYSTEM_PATH) is None]
    if lacking:
        pytest.skip(f"this machine has no {', no '.join(lacking)}")
    module = request.module
    directory = Path(tmp_path_factory.mktemp(module.PRODUCT.name[:8])).resolve()
    wanted = {
        item.callspec.params["told"] for item in request.session.items
        if getattr(item, "module", None) is module and "told" in getattr(getattr(item, "callspec", None), "params", {})
    }
    # With pytest -k only what was asked for is told; a check needs one story to look at.
    stories = [one for one in of(module) if one.__name__.removeprefix("story_") in wanted] or of(module)[:1]
    with World(directory / "w", module.PRODUCT, stories).running() as made:
        made.tell()
        plays = " ".join(f"{seconds:.1f}" for seconds in made.seconds)
        SPENT.append(f"{module.PRODUCT.name}: {len(made.stories)} stories in {len(made.seconds)} plays of {plays} s")
        yield made


@pytest.fixture
def world_of_all(request: pytest.FixtureRequest, world: World) -> World:
    """Give the world of a test that needs all stories; with pytest -k there may be fewer."""
    if len(world.stories) < len(of(request.module)):
        pytest.skip("not all of its stories are told")
    return world


@pytest.fixture
def told(request: pytest.FixtureRequest, world: World) -> Story:
    """Give a story that has come to its end well; or see that a check is passed by what all of them left."""
    for check in CHECKS:
        if check.__name__ == f"check_{request.param}":
            check(world)
            return world.stories[0]
    story = next(one for one in world.stories if one.name == request.param)
    if story.error is not None:
        raise story.error
    return story


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the plays took."""
    for line in SPENT:
        terminalreporter.write_line(line)
