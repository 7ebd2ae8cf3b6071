# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drive that was confirmed and is looked at again, because the application may forget, or may do late what was given up."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _play
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import World
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.test_play import Site


@pytest.fixture
def site(world: World) -> Site:
    """All is confirmed, and the time to look at b's drive again has come."""
    site = Site(world.hosts("ab"))
    world.see("reserved", "a")
    site.claim()
    site.answer("a")
    site.answer("b", recheck=60.0)
    assert site.is_settled()
    assert site.due(after=60) == ["D1"]
    site.claim()
    return site


def ended(site: Site, **answer: Any) -> _play.Handshake:
    site.answer("b", **answer)
    return site.handshake()


def test_only_what_may_have_been_forgotten_is_asked_again(site: Site) -> None:
    assert ([len(site.asks(host)) for host in "ab"], site.is_settled()) == ([0, 1], False)


def test_a_control_point_that_does_not_answer_then_is_owed_and_costs_nobody_the_drive(site: Site) -> None:
    found = ended(site, outcome="silent", state_read=None, reason="unreachable")
    assert (found.force, len(found.messages)) == ([], 1)
    assert "b: unreachable" in found.messages[0]
    assert (site.is_settled(), site.due(after=10)) == (False, ["D1"])


def test_a_drive_that_was_read_to_be_online_there_and_cannot_be_set_is_forced_into_its_error_state(site: Site) -> None:
    found = ended(site, outcome="silent", state_read="online", reason="the command said yes, but")
    assert [one["drive"] for one in found.force] == ["D1"]


def test_one_that_answers_is_looked_at_again_after_the_same_time(site: Site) -> None:
    found = ended(site, recheck=60.0)
    assert (found.force, found.messages, found.settled) == ([], [], ["D1"])
    assert (site.due(after=59), site.due(after=1)) == ([], ["D1"])


def observed(site: Site, host: str, **over: Any) -> None:
    site.answer(host, observed=True, set_to="offline", taken=False, state_read="online", reason="would be set offline, but nothing was set", **over)


@pytest.fixture
def watched(world: World) -> Site:
    """All was observed, and five minutes are over."""
    site = Site(world.hosts("ab"))
    world.see("reserved", "a")
    site.claim()
    site.answer("a")
    observed(site, "b")
    site.handshake()
    assert (site.is_settled(), world.state()["settled_why"]) == (True, "only observed")
    assert site.due(after=300) == ["D1"]
    site.claim()
    return site


def test_what_was_only_observed_is_asked_again_and_fills_no_history(watched: Site) -> None:
    assert [len(watched.asks(host)) for host in "ab"] == [0, 1]
    before = watched.world.kinds()
    observed(watched, "b")
    assert watched.handshake().messages == []
    assert (watched.is_settled(), watched.world.kinds()) == (True, before)
    assert watched.due(after=300) == ["D1"]


def test_once_it_is_enforced_it_is_settled_for_good(watched: Site) -> None:
    watched.answer("b")
    watched.handshake()
    assert (watched.is_settled(), watched.world.state()["settled_why"], watched.due(after=3600)) == (True, "confirmed", [])
    assert watched.world.messages("settled") == [
        "Drive D1: change 1 is settled: only observed.", "Drive D1: change 1 is settled: confirmed.",
    ]


def test_what_was_only_observed_and_is_silent_once_it_is_enforced_has_its_error_forced(watched: Site) -> None:
    watched.answer("b", "silent", state_read=None, reason="unreachable")
    assert [one["hosts"] for one in watched.handshake().force] == [["b"]]


def test_a_drive_that_would_be_adopted_is_asked_about_again_too(world: World) -> None:
    site = Site(world.hosts("ab"))
    world.see("reserved", "a")
    site.claim()
    site.answer("a")
    site.answer("b", "adopted", observed=True, taken=False, state_read="offline")
    assert (site.is_settled(), site.due(after=300)) == (True, ["D1"])


def test_where_nothing_would_be_set_nothing_is_asked_again(world: World) -> None:
    site = Site(world.hosts("ab"))
    world.see("reserved", "a")
    site.claim()
    site.answer("a", observed=True)
    site.answer("b", "kept", observed=True)
    assert (site.is_settled(), site.due(after=3600)) == (True, [])


def test_all_that_is_observed_is_asked_about_by_one_play(world: World) -> None:
    drives = [f"D{number}" for number in range(5)]
    site = Site(world.hosts("ab", drives))
    for drive in drives:
        world.see("reserved", "a", drive=drive)
        world.now += 13
        site.claim()
        site.answer("a")
        observed(site, "b")
        site.handshake()
    assert [site.due(after=after) for after in (300 - world.now % 300 - 1, 1)] == [[], drives]
