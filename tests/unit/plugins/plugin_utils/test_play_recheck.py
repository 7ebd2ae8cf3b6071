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
