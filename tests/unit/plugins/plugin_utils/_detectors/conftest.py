# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Senders and clocks for the tests of the detector ``snmp``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.bench.snmp_agent import Agent


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def agent() -> Callable[..., Agent]:
    """Make agents."""
    return Agent


@pytest.fixture
def clock() -> Clock:
    """Stand still."""
    return Clock()
