# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a test of a platform lets its parser read, the answer has the one shape of all platforms."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_facts as host_facts
from ansible_collections.tapeworks.drive_sharing.tests.unit.fixtures.facts import schema


def _checked(parse: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    @functools.wraps(parse)
    def checked(*args: Any) -> dict[str, Any]:
        facts = parse(*args)
        schema.check(facts)
        return facts

    return checked


@pytest.fixture(autouse=True, scope="session")
def facts_of_one_shape() -> Iterator[None]:
    """Compare what every parser gives with the schema."""
    with pytest.MonkeyPatch.context() as patch:
        for platform in host_facts.PLATFORMS.values():
            patch.setattr(platform, "parse", _checked(platform.parse))
        yield
