# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of batches and claims; run on SQLite here and on PostgreSQL in tests/integration."""

from __future__ import annotations

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _changes, _dispatch, _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError, TableError
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import (
    CLAIMER,
    World,
    port,
)


def alive(claimer: dict) -> bool:
    return True


def test_what_is_owed_by_many_batches_comes_together_again(world: World) -> None:
    drives = [f"D{number}" for number in range(20)]
    world.hosts("ab", drives)
    world.now += 0.7
    began = world.now
    for number, drive in enumerate(drives):
        world.see("reserved", "a", drive=drive)
        play = world.play()
        world.now += 0.1
        (row,) = play.finish()
        assert 5 <= row["due"] - world.now <= 7.5
        assert number == 0 or world.due() == []
    moments = {world.state(drive)["due"] for drive in drives}
    assert len(moments) <= 2
    for failures in range(1, 9):
        pause = _dispatch.backoff(failures)
        assert pause <= _dispatch.together(began, pause) - began <= 1.5 * pause


def test_drives_are_due_longest_first_and_only_when_in_no_batch(world: World) -> None:
    world.hosts("ab", ["D1", "D2", "D3"])
    world.see("reserved", "a", drive="D2")
    world.now += 1
    world.see("reserved", "a", drive="D1")
    assert world.due() == ["D2", "D1"]
    with world.transaction() as tx:
        assert _dispatch.due_drives(tx, world.now, 1) == ["D2"]
        assert _dispatch.due_drives(tx, world.now - 1, 9) == ["D2"], "not before its time"
        assert _dispatch.emit(tx, ["D2"], _identifiers.new_batch_id(world.now), world.now) == ["D2"]
    assert world.due() == ["D1"]
    world.see("released", drive="D2")
    assert world.due() == ["D1"], "a newer change waits while the drive is in flight"


def test_a_drive_is_in_one_batch_only(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    first = world.emit()
    with world.transaction() as tx:
        second = _identifiers.new_batch_id(world.now)
        assert _dispatch.emit(tx, ["D1", "NOBODY"], second, world.now) == []
        assert _dispatch.claim(tx, second, CLAIMER, 60, world.now) is None
        assert _dispatch.under_way(tx) == 1
    assert world.state()["batch"] == first


def test_a_batch_id_is_checked(world: World) -> None:
    with world.transaction() as tx, pytest.raises(InvalidValueError, match="batch id must be"):
        _dispatch.emit(tx, ["D1"], "'; DROP TABLE drives; --", world.now)


def test_a_claim_takes_the_newest_change_and_counts_attempts(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    batch = world.emit()
    world.see("released", port=port(0))
    play = world.play(batch=batch)
    row = play.drives["D1"]
    assert (row["sequence"], row["status"], row["attempt"]) == (2, "released", 1)
    assert play.claim.lease_until == world.now + 60
    assert world.state()["due"] is None, "what is claimed is not due again"


def test_a_batch_is_claimed_once(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    with world.transaction() as tx:
        assert _dispatch.claim(tx, play.batch, CLAIMER, 60, world.now) is None
        assert _dispatch.claim(tx, "0" * 26, CLAIMER, 60, world.now) is None
        assert _dispatch.reemit(tx, play.batch, world.now) == 0
        assert _dispatch.unclaimed(tx, world.now, 0) == []
    play.finish()
    with world.transaction() as tx:
        assert _dispatch.claim(tx, play.batch, CLAIMER, 60, world.now + 1000) is None, "it has ended"


def test_a_batch_whose_lease_is_over_can_be_claimed_anew_and_the_first_play_is_late(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    first = world.play()
    world.now += 61
    second = world.play(batch=first.batch)
    assert second.drives["D1"]["attempt"] == 2
    assert len(first.confirm("a", "b").late) == 2
    assert world.state()["settled"] == 0
    assert second.confirm("a", "b").settled == ["D1"]


def test_the_lease_can_be_extended_while_the_claim_holds(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    with world.transaction() as tx:
        assert _dispatch.extend(tx, play.batch, world.now + 600) == 1
        assert _dispatch.expire(tx, world.now + 599, alive) == []
        assert _dispatch.expire(tx, world.now + 600, alive) == ["D1"]
        assert _dispatch.extend(tx, play.batch, world.now + 1200) == 0


def test_an_expired_claim_frees_its_drives_at_once(world: World) -> None:
    world.hosts("ab", ["D1", "D2"])
    world.see("reserved", "a")
    world.see("reserved", "a", drive="D2")
    play = world.play()
    asked = []

    def gone(claimer: dict) -> bool:
        asked.append(claimer)
        return False

    with world.transaction() as tx:
        assert _dispatch.expire(tx, world.now + 1, gone) == ["D1", "D2"]
        assert _dispatch.expire(tx, world.now + 1, gone) == []
        assert _dispatch.under_way(tx) == 0
    assert asked == [CLAIMER]
    assert world.due() == []
    world.now += 1
    assert world.due() == ["D1", "D2"]
    assert world.state()["failures"] == 1
    assert play.confirm("a").late
    assert "Drive D1 is dispatched again: its play has ended, or was stopped, without a word." in world.messages("expired")


def test_the_claimer_is_not_asked_for_once_the_lease_is_over(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    world.play()

    def never(claimer: dict) -> bool:
        raise AssertionError(claimer)

    with world.transaction() as tx:
        assert _dispatch.expire(tx, world.now + 60, never) == ["D1"]


def test_a_drive_whose_batch_has_vanished_is_freed(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    world.emit()
    with world.transaction() as tx:
        assert _dispatch.expire(tx, world.now, alive) == []
        tx.execute("DELETE FROM batches")
        assert _dispatch.expire(tx, world.now, alive) == ["D1"]
    assert world.due() == ["D1"]


def test_what_nobody_claims_is_emitted_again_and_counted(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    batch = world.emit()
    with world.transaction() as tx:
        assert _dispatch.unclaimed(tx, world.now + 29, 30) == []
        assert _dispatch.unclaimed(tx, world.now + 30, 30) == [batch]
        assert _dispatch.unclaimed(tx, world.now - 86_400, 30) == [batch], "the clock was set back by a day"
        assert _dispatch.reemit(tx, batch, world.now + 30) == 2
        assert _dispatch.unclaimed(tx, world.now + 31, 30) == []
        assert _dispatch.reemit(tx, batch, world.now + 60) == 3
        assert _dispatch.reemit(tx, batch, world.now + 61, count=False) == 1
        assert _dispatch.reemit(tx, "0" * 26, world.now) == 0


def test_the_next_time_something_is_due(world: World) -> None:
    world.hosts("ab")
    with world.transaction() as tx:
        assert _dispatch.next_due(tx) is None
    world.see("reserved", "a")
    with world.transaction() as tx:
        assert _dispatch.next_due(tx) == world.now
    play = world.play()
    with world.transaction() as tx:
        assert _dispatch.next_due(tx) is None, "a drive in flight is not due"
    play.finish()
    with world.transaction() as tx:
        assert _dispatch.next_due(tx) == world.now + 5


def test_unsettled_work_comes_again_with_growing_pauses(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    pauses = []
    for _turn in range(8):
        play = world.play()
        done = play.finish()[0]
        pauses.append(done["due"] - world.now)
        world.now = done["due"]
    wanted = [5, 10, 20, 40, 80, 160, 300, 300]
    assert all(least <= pause <= 1.5 * least for least, pause in zip(wanted, pauses, strict=True)), pauses
    with world.transaction() as tx:
        batch = _identifiers.new_batch_id(world.now)
        _dispatch.emit(tx, ["D1"], batch, world.now)
        assert _dispatch.finish(tx, batch, world.now, lambda failures: failures * 1e9) == [
            {"drive": "D1", "due": world.now + 3600, "failures": 9}
        ]


def test_a_newer_change_makes_the_drive_due_at_once_when_its_play_ends(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    world.now += 3
    world.see("released", port=port(0))
    assert world.state()["batch"] == play.batch
    assert play.finish() == [{"drive": "D1", "due": world.now, "failures": 0}]
    assert world.due() == ["D1"]


def test_work_put_off_by_a_clock_that_was_a_day_ahead_is_due(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    world.play().finish()
    world.now -= 86_400
    assert world.due() == ["D1"]


def test_rows_damaged_by_hand_are_set_aside_with_a_word_and_hinder_nobody(world: World) -> None:
    world.hosts("ab", ["D1", "D2", "D3"])
    for drive in ("D1", "D2", "D3"):
        world.see("reserved", "a", drive=drive)
    with world.transaction() as tx:
        tx.execute("UPDATE drives SET holders = ? WHERE drive = 'D1'", ("{{ lookup('pipe', 'id') }}",))
    with world.store.read() as tx:
        assert _dispatch.due_drives(tx, world.now, 9) == ["D2", "D3"]
    assert world.due() == ["D2", "D3"]
    assert world.due() == ["D2", "D3"]
    assert len(world.messages("invalid")) == 1
    assert "row of drive 'D1' is damaged" in world.messages("invalid")[0]
    batch = world.emit()
    with world.transaction() as tx:
        tx.execute("UPDATE drives SET library = ? WHERE drive = 'D2'", ("a; reboot",))
    play = world.play(batch=batch)
    assert sorted(play.drives) == ["D3"]
    assert world.kinds().count("invalid") == 2
    world.see("released", drive="D1")
    assert world.due() == ["D1"], "a new change heals it"


@pytest.mark.parametrize("column", ["sequence", "attempt", "settled", "due", "lease_until", "failures", "error_since"])
def test_no_text_can_be_written_where_a_number_belongs(world: World, column: str) -> None:
    world.hosts("ab").see("reserved", "a")
    with pytest.raises((InvalidValueError, TableError)), world.transaction() as tx:
        tx.execute(f"UPDATE drives SET {column} = ?", ("{{ 7 * 7 }}",))


def test_a_hostile_name_of_a_drive_stops_nobody(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    with world.transaction() as tx:
        tx.execute("UPDATE drives SET drive = ?, due = ?", ("../{{ x }}\n" + "x" * 10_000, world.now))
    world.see("reserved", "a", drive="D2")
    world.hosts("ab", ["D2"])
    assert world.due() == ["D2"]
    assert world.due() == ["D2"]
    assert world.kinds().count("invalid") == 1


def test_five_hundred_drives_go_in_one_batch(world: World) -> None:
    drives = [f"D{number}" for number in range(501)]
    world.hosts("ab", drives)
    with world.transaction() as tx:
        _changes.record(tx, [world.observation("reserved", "a", drive=drive) for drive in drives], world.now)
    play = world.play()
    assert len(play.drives) == 501
    play.confirm(*(play.answer("a", drive) for drive in drives))
    assert len(play.confirm(*(play.answer("b", drive) for drive in drives)).settled) == 501
