# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _play, _sharing
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import Policy
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import World, port


def stop(world: World, *free: str, alive: bool = False) -> _sharing.Stopped:
    with world.transaction() as tx:
        return _sharing.stop(tx, free, lambda _claimer: alive, world.now)


def start(world: World) -> tuple[bool, int]:
    with world.transaction() as tx:
        return _sharing.start(tx, world.now)


def took(world: World, drive: str = "D1") -> World:
    """Host a has reserved the drive, and b has it offline."""
    world.see("reserved", "a", drive=drive)
    play = world.play()
    play.confirm(play.answer("a", drive=drive, taken=False), play.answer("b", drive=drive, taken=True))
    return world


def unheard(world: World, drive: str = "D1") -> World:
    """It was released, and b has not heard of it."""
    world.see("released", drive=drive, port=port(0))
    play = world.play()
    play.confirm(play.answer("a", drive=drive, taken=False))
    play.finish()
    return world


@pytest.fixture
def site(world: World) -> World:
    return took(world.hosts("ab"))


def test_a_drive_that_is_taken_and_free_goes_into_a_batch_of_its_own(site: World) -> None:
    unheard(site)
    before = site.state()["sequence"]
    done = stop(site)
    assert (done.changed, done.drives, done.messages) == (True, ["D1"], [])
    row = site.state()
    assert (row["batch"], row["status"], row["sequence"]) == (done.batch, "released", before + 1)


def test_a_drive_that_others_hold_stays_as_it_is_and_is_named(site: World) -> None:
    before = site.state()
    done = stop(site)
    assert (done.changed, done.batch, done.drives) == (True, None, [])
    assert done.messages == [
        "Drive D1 stays offline in B: it is reserved, and is given back when it is released, as long as the event source runs; if"
        ' you know that it is free, run the playbook again with drive_sharing_free: ["D1"].'
    ]
    assert site.state() == before


@pytest.mark.parametrize("free", ["D1", "all"])
def test_a_drive_that_a_person_knows_to_be_free_is_given_back(site: World, free: str) -> None:
    done = stop(site, free)
    row = site.state()
    assert (done.drives, row["status"], row["detector"]) == (["D1"], "released", "manual")


def test_a_drive_that_is_not_taken_is_refused_and_nothing_is_stopped(site: World) -> None:
    with pytest.raises(InvalidValueError, match=r"^Drive D9 of drive_sharing_free is not offline .* Taken are D1\.$"):
        stop(site, "D9")
    with site.transaction() as tx:
        assert _sharing.since(tx) is None


def test_a_drive_in_its_error_state_is_left_to_the_person_who_clears_it(site: World) -> None:
    unheard(site)
    with site.transaction() as tx:
        tx.execute("UPDATE drives SET error_state = 'error'")
    assert stop(site).messages == [
        "Drive D1 stays offline in B: it is in its error state; clear that by the playbook clear_error."
    ]


def test_a_batch_of_a_dispatcher_that_is_no_more_holds_nothing_up(site: World) -> None:
    site.see("released", port=port(0))
    lost = site.emit()
    done = stop(site)
    assert done.drives == ["D1"]
    with site.transaction() as tx:
        (row,) = tx.execute("SELECT ended_at FROM batches WHERE batch = ?", (lost,))
    assert row["ended_at"] == site.now


def test_a_play_that_died_holds_nothing_up(site: World) -> None:
    site.see("released", port=port(0))
    site.play(lease=600)
    assert stop(site, alive=False).drives == ["D1"]


def test_a_play_that_is_at_work_is_waited_for(site: World) -> None:
    site.see("released", port=port(0))
    site.play(lease=600)
    done = stop(site, alive=True)
    assert (done.batch, done.messages) == (None, [
        "Drive D1 stays offline in B: another play is at work on it; run the playbook again in a minute."
    ])


def test_other_drives_of_a_batch_that_nobody_has_claimed_stay_in_it(world: World) -> None:
    world.hosts("ab", ("D1", "D2"))
    took(world)
    world.see("released", port=port(0))
    world.see("reserved", "a", drive="D2")
    batch = world.emit()
    assert stop(world).drives == ["D1"]
    assert world.state("D2")["batch"] == batch


def test_the_second_time_only_what_is_still_taken_is_given_back_again(site: World) -> None:
    unheard(site)
    done = stop(site)
    play = site.play(batch=done.batch)
    play.confirm(play.answer("a", taken=False), play.answer("b", taken=False))
    again = stop(site)
    assert (again.changed, again.batch, again.messages) == (False, None, [])


def asks(world: World) -> Any:
    play = world.play()
    return {host: _play.asks_of(world.store, play.batch, host)[0]["ask"] for host in "ab"}


def test_while_it_is_stopped_every_control_point_is_told_so(site: World) -> None:
    stop(site)
    site.see("reserved", "b")
    assert {host: ask.stopped for host, ask in asks(site).items()} == {"a": True, "b": True}
    start(site)
    site.now += 1000
    site.see("reserved", "a")
    with site.transaction() as tx:
        tx.execute("UPDATE drives SET batch = NULL, due = 0")
    assert {host: ask.stopped for host, ask in asks(site).items()} == {"a": False, "b": False}


def test_while_it_is_stopped_no_error_is_forced(site: World) -> None:
    policy = Policy(error_on=("reserved", "released"))
    site.see("reserved", "b")
    assert [one["drive"] for one in _play.handshake(site.store, site.play().batch, policy, site.now).force] == ["D1"]
    with site.transaction() as tx:
        tx.execute("UPDATE drives SET batch = NULL, due = 0")
    stop(site)
    found = _play.handshake(site.store, site.play().batch, policy, site.now)
    assert (found.force, len(found.messages)) == ([], 1)
    assert "is owed and asked again" in found.messages[0]


def test_starting_again_dispatches_what_is_reserved(site: World) -> None:
    stop(site)
    assert site.due() == []
    assert start(site) == (True, 1)
    assert site.due() == ["D1"]
    assert start(site) == (False, 0)


def test_stopping_and_starting_stand_in_the_history(site: World) -> None:
    stop(site)
    stop(site)
    start(site)
    assert site.messages("alert") == [
        "Sharing was stopped: what is taken is given back, and nothing is set offline any more.", "Sharing was started again.",
    ]
