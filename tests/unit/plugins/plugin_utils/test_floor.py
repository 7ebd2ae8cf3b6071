# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The floor of drives that stand in for each other only within a pool; the others are in test_act."""

from __future__ import annotations

from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Found, Reading
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._floor import Floor


def drive(*pools: str) -> Found:
    return Found(("D",), "online", "online", counts=1, pools=pools)


def floor(minimum: int, online: int, **pools: int) -> Floor:
    def nothing(_targets: Any) -> Reading:
        raise AssertionError

    made = Floor(minimum, (), nothing)
    made.begin(Reading(online=online, pools=pools), needed=True)
    return made


def test_the_last_drive_of_a_pool_stays_whatever_other_pools_have() -> None:
    made = floor(1, 12, small=2, large=10)
    assert not made.reached(drive("small"))
    made.goes(drive("small"))
    assert made.reached(drive("small"))
    assert not made.reached(drive("large"))


def test_a_drive_of_two_pools_is_missed_in_both() -> None:
    made = floor(1, 3, small=2, large=2)
    made.goes(drive("small", "large"))
    assert made.reached(drive("small"))
    assert made.reached(drive("large"))
    assert floor(1, 3, small=1, large=3).reached(drive("small", "large"))


def test_a_drive_that_is_in_no_pool_counts_in_the_whole_only() -> None:
    made = floor(2, 3, small=2)
    assert not made.reached(drive())
    made.goes(drive())
    assert made.reached(drive())
    assert made.reached(drive("small"))


def test_without_a_floor_nothing_is_kept() -> None:
    assert not floor(0, 1, small=1).reached(drive("small"))


def test_each_reading_counts_anew() -> None:
    made = floor(1, 2, small=2)
    made.goes(drive("small"))
    made.begin(Reading(online=2, pools={"small": 2}), needed=True)
    assert not made.reached(drive("small"))
    made.begin(Reading(online=2), needed=True)
    assert not made.reached(drive())
