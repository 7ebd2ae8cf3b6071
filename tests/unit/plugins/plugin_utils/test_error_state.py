# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the error state (design 4.3 I4, I9; 4.4); run on SQLite here and on PostgreSQL in tests/integration."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _changes, _dispatch, _error_state
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import (
    Play,
    World,
    port,
)


def begin(play: Play, *hosts: str, drive: str = "D1", limit: int = 0) -> tuple[bool, str]:
    row = play.drives[drive]
    with play.world.transaction() as tx:
        return _error_state.begin_error(
            tx, play.batch, drive, row["sequence"], row["attempt"], hosts, limit, play.world.now
        )


def finish(play: Play, drive: str = "D1", *, ok: bool = True, reason: str = "c did not answer") -> str:
    row = play.drives[drive]
    with play.world.transaction() as tx:
        return _error_state.finish_error(
            tx, play.batch, drive, row["sequence"], row["attempt"], ok, reason, play.world.now
        )


def undone(world: World) -> None:
    with world.transaction() as tx:
        _error_state.error_undone(tx, "D1", world.now)


def clear(world: World, observation: Any = None) -> None:
    with world.transaction() as tx:
        assert _error_state.begin_clear(tx, "D1", world.now) == (True, "")
        _error_state.cleared(tx, "D1", world.now, observation)


def expire(world: World) -> list[str]:
    with world.transaction() as tx:
        return _dispatch.expire(tx, world.now, lambda claimer: False)


@pytest.fixture
def play(world: World) -> Play:
    """A play in which c is silent."""
    world.hosts("abc").see("reserved", "a")
    made = world.play()
    made.confirm("a", "b")
    return made


def test_a_silent_control_point_leads_to_the_error_state_and_stays_owed(world: World, play: Play) -> None:
    assert begin(play, "c") == (True, "")
    assert world.state()["error_state"] == "forcing"
    assert finish(play) == "error"
    row = world.state()
    assert (row["error_state"], row["settled"], row["settled_why"]) == ("error", 1, "in its error state")
    assert (row["error_reason"], row["error_since"], row["error_sequence"]) == ("c did not answer", world.now, 1)
    assert play.finish() == [{"drive": "D1", "due": world.now + 5, "failures": 1}]
    with world.transaction() as tx:
        assert [one["host"] for one in _dispatch.owed(tx)] == ["c"]
    world.now += 5
    again = world.play()
    assert again.drives["D1"]["error_state"] == "error"
    assert begin(again, "c") == (False, "Drive D1 was not put into its error state: it is in its error state already.")
    assert again.confirm("c").settled == ["D1"]
    assert world.due() == []
    assert world.state()["error_state"] == "error", "only a person clears it"


def test_a_change_that_comes_in_the_error_state_is_recorded_and_dispatched(world: World, play: Play) -> None:
    begin(play, "c")
    finish(play)
    play.finish()
    assert world.see("released", port=port(0)).result == "written"
    assert world.due() == ["D1"]
    assert world.state()["error_state"] == "error"
    assert world.play().work("b")[0]["error_state"] == "error"


@pytest.mark.parametrize("lost", ["newer change", "expired", "lease over", "claimed anew", "settled"])
def test_nothing_is_forced_without_the_claim(world: World, play: Play, lost: str) -> None:
    if lost == "newer change":
        world.see("released", port=port(0))
    elif lost == "expired":
        expire(world)
    elif lost == "settled":
        play.confirm("c")
    else:
        world.now += 60
        if lost == "claimed anew":
            world.play(batch=play.batch)
    allowed, reason = begin(play, "c")
    assert not allowed
    assert reason.startswith("Drive D1 was not put into its error state: ")
    assert reason.endswith(".")
    assert world.state()["error_state"] == ""
    assert world.messages("error_refused") == [reason]


def test_nothing_is_forced_on_account_of_a_host_that_has_confirmed_meanwhile(world: World, play: Play) -> None:
    assert begin(play, "b") == (
        False, "Drive D1 was not put into its error state: every control point has confirmed meanwhile."
    )


@pytest.mark.parametrize("lost", ["newer change", "expired", "lease over", "claimed anew"])
def test_an_error_forced_under_a_claim_lost_meanwhile_is_undone(world: World, play: Play, lost: str) -> None:
    assert begin(play, "c")[0]
    if lost == "newer change":
        world.see("released", port=port(0))
    elif lost == "expired":
        expire(world)
    else:
        world.now += 60
        if lost == "claimed anew":
            world.play(batch=play.batch)
    assert finish(play) == "undo"
    assert world.state()["error_state"] == "clearing"
    undone(world)
    row = world.state()
    assert (row["error_state"], row["settled"]) == ("", 0)
    assert world.kinds()[-1] == "error_undone"


def test_a_result_told_twice_changes_nothing(world: World, play: Play) -> None:
    begin(play, "c")
    assert finish(play) == "error"
    assert finish(play) == "error"
    assert world.state()["error_state"] == "error"


def test_an_undoing_or_clearing_that_dies_is_looked_after_by_a_play(world: World, play: Play) -> None:
    begin(play, "c")
    expire(world)
    undone(world)
    fresh = world.play()
    fresh.confirm("a", "b", "c")
    fresh.finish()
    assert world.state()["due"] is None
    assert finish(play) == "undo", "the first play's call came through after all"
    world.now += 121
    again = world.play()
    verdict = again.verdict()
    assert (verdict["settled"], verdict["forcing_left"]) == (True, True)
    undone(world)
    again.finish()
    assert (world.state()["error_state"], world.state()["settled"]) == ("", 1)
    assert world.due() == []


def test_nobody_forces_again_while_the_undoing_is_under_way(world: World, play: Play) -> None:
    begin(play, "c")
    world.now += 60
    second = world.play(batch=play.batch)
    assert finish(play) == "undo"
    assert begin(second, "c") == (
        False, "Drive D1 was not put into its error state: its error state is being set or cleared at this moment."
    )
    undone(world)
    assert begin(second, "c") == (True, "")
    assert finish(second) == "error"


def test_a_later_play_that_wants_the_error_too_keeps_it(world: World, play: Play) -> None:
    begin(play, "c")
    world.now += 60
    second = world.play(batch=play.batch)
    assert second.verdict()["forcing_left"]
    assert begin(second, "c") == (True, "")
    assert finish(play) == "error", "the first play's call came late, and to the same end"
    assert finish(second, ok=False, reason="timeout") == "failed"
    assert world.state()["error_state"] == "error"


def test_an_undoing_that_comes_after_a_later_error_makes_it_be_done_again(world: World, play: Play) -> None:
    begin(play, "c")
    world.now += 60
    second = world.play(batch=play.batch)
    assert finish(play) == "undo"
    world.now += 121
    third = world.play(batch=second.batch, lease=600)
    assert third.verdict()["forcing_left"], "an undoing of two minutes has died"
    assert begin(third, "c")[0]
    assert finish(third) == "error"
    third.finish()
    undone(world)
    row = world.state()
    assert (row["error_state"], row["due"]) == ("", world.now)
    assert row["settled"] < row["sequence"]


def test_a_library_that_fails_leaves_the_drive_owed(world: World, play: Play) -> None:
    begin(play, "c", limit=1)
    assert finish(play, ok=False, reason="HTTP 500") == "failed"
    row = world.state()
    assert (row["error_state"], row["settled"]) == ("", 0)
    assert world.messages("error_failed") == ["Drive D1 could not be put into its error state: HTTP 500."]
    play.finish()
    world.now += 5
    world.hosts("abc", ["D2"])
    world.see("reserved", "a", drive="D2")
    again = world.play()
    assert begin(again, "c", drive="D2", limit=1) == (True, ""), "what failed does not count against the limit"
    assert not begin(again, "c", limit=1)[0]


def test_confirmations_that_come_while_the_library_is_called_wait_for_its_end(world: World, play: Play) -> None:
    begin(play, "c")
    assert play.confirm("c").settled == []
    verdict = play.verdict()
    assert (verdict["settled"], verdict["forcing_left"]) == (True, False)
    assert finish(play, ok=False, reason="HTTP 500") == "failed"
    assert world.state()["settled"] == 1
    assert world.state()["batch"] is None


def test_what_a_killed_play_left_half_done_is_found_by_the_next(world: World, play: Play) -> None:
    begin(play, "c")
    expire(world)
    second = world.play()
    assert second.verdict()["forcing_left"] is True
    assert second.confirm("c").settled == []
    verdict = second.verdict()
    assert (verdict["settled"], verdict["forcing_left"], verdict["silent"]) == (True, True, [])
    undone(world)
    row = world.state()
    assert (row["settled"], row["settled_why"], row["error_state"]) == (1, "confirmed", "")


@pytest.mark.parametrize("ends", ["left half done", "claim lost in the call", "the library failed"])
def test_what_was_held_only_because_of_an_error_that_did_not_stay_is_asked_about_again(
    world: World, play: Play, ends: str
) -> None:
    begin(play, "c")
    world.see("released", port=port(0))
    if ends == "left half done":
        expire(world)
        second = world.play()
    elif ends == "claim lost in the call":
        assert finish(play) == "undo"
        play.finish()
        second = world.play()
    else:
        expire(world)
        second = world.play()
    second.confirm("a", second.answer("b", outcome="held", state_read="offline", taken=True), "c")
    if ends == "the library failed":
        assert finish(play, ok=False, reason="HTTP 500") == "failed"
    else:
        undone(world)
    second.finish()
    row = world.state()
    assert (row["error_state"], row["status"]) == ("", "released")
    assert row["settled"] < row["sequence"]
    assert world.due() == ["D1"]
    third = world.play()
    assert [ask["host"] for ask in third.plan] == ["a", "b", "c"]
    assert third.work("b")[0]["error_state"] == ""
    assert third.confirm("a", "b", "c").settled == ["D1"]


def silent_plays(world: World, drives: int) -> list[tuple[bool, str]]:
    """c is silent for one drive after the other."""
    names = [f"D{number}" for number in range(1, drives + 1)]
    world.hosts("abc", names)
    results = []
    for name in names:
        world.see("reserved", "a", drive=name)
        made = world.play()
        results.append(begin(made, "c", drive=name, limit=2))
        if results[-1][0]:
            finish(made, name)
    return results


def test_a_silent_host_may_bring_so_many_drives_into_error_within_an_hour(world: World) -> None:
    results = silent_plays(world, 4)
    assert [allowed for allowed, _reason in results] == [True, True, False, False]
    assert results[2][1] == (
        "Drive D3 was not put into its error state: the limit of 2 drives an hour for one silent control point is reached"
        " (drive_sharing_error_limit); see what c suffers from."
    )
    assert world.messages("error_limit") == [results[2][1], results[3][1]]
    made = Play.__new__(Play)
    made.world, made.batch = world, world.state("D4")["batch"]
    made.drives = {"D4": {"sequence": 1, "attempt": 1}}
    assert begin(made, "b", "c", drive="D4", limit=3)[0], "the limit counts for each host"
    world.now += 3600
    fresh = world.play(batch=world.state("D3")["batch"])
    assert begin(fresh, "c", drive="D3", limit=2)[0], "the hour is over"


def test_one_silent_host_over_the_limit_is_enough_and_the_same_drive_counts_once(world: World) -> None:
    silent_plays(world, 2)
    with world.transaction() as tx:
        tx.execute("UPDATE drives SET error_state = '' WHERE drive = 'D2'")
    world.now += 60
    made = world.play(batch=world.state("D2")["batch"])
    assert begin(made, "c", drive="D2", limit=2)[0], "D2 itself is one of the two"
    world.hosts("abc", ["D3"])
    world.see("reserved", "a", drive="D3")
    third = world.play()
    assert not begin(third, "b", "c", drive="D3", limit=2)[0]
    assert begin(third, "b", drive="D3", limit=2)[0]


def test_a_cleared_error_asks_everybody_again(world: World, play: Play) -> None:
    begin(play, "c")
    finish(play)
    play.finish()
    clear(world)
    row = world.state()
    assert (row["error_state"], row["error_since"], row["due"]) == ("", None, world.now)
    assert row["settled"] < row["sequence"]
    again = world.play()
    assert sorted(again.work(host)[0]["host"] for host in "abc") == ["a", "b", "c"]
    assert again.confirm("a", "b", "c").settled == ["D1"]


def test_clearing_takes_the_reading_made_after_it(world: World, play: Play) -> None:
    begin(play, "c")
    finish(play)
    play.finish()
    with world.transaction() as tx:
        _error_state.begin_clear(tx, "D1", world.now)
    sequence = world.state()["sequence"]
    with world.transaction() as tx:
        seen = world.observation("released", level=True, seen_sequence=sequence, detector="scsi")
        _error_state.cleared(tx, "D1", world.now, seen)
    row = world.state()
    assert (row["status"], row["error_state"]) == ("released", "")
    assert world.due() == ["D1"]


def test_answers_given_while_a_drive_was_in_its_error_state_do_not_count_after_the_clearing(world: World, play: Play) -> None:
    begin(play, "c")
    finish(play)
    play.finish()
    world.now += 5
    retry = world.play()
    clear(world)
    retry.confirm(retry.answer("c", outcome="held"))
    retry.finish()
    row = world.state()
    assert row["settled"] < row["sequence"]
    assert [len(world.play().work("c"))] == [1]


def test_only_an_error_can_be_cleared_and_not_while_it_is_being_forced(world: World, play: Play) -> None:
    with world.transaction() as tx:
        assert _error_state.begin_clear(tx, "NOBODY", world.now)[0] is False
        assert _error_state.begin_clear(tx, "D1", world.now) == (
            False, "Drive D1 is not in its error state as far as the drive table knows; nothing was changed."
        )
    begin(play, "c")
    with world.transaction() as tx:
        assert "is being put into its error state at this moment" in _error_state.begin_clear(tx, "D1", world.now)[1]
    expire(world)
    with world.transaction() as tx:
        assert _error_state.begin_clear(tx, "D1", world.now) == (True, ""), "the play that forced it has died"
        assert _error_state.begin_clear(tx, "D1", world.now) == (True, "")
        _error_state.cleared(tx, "D1", world.now)
        assert _changes.state(tx, "D1")["error_state"] == ""


def test_what_concerns_one_instance_only_is_not_settled_over_an_error(world: World, play: Play) -> None:
    begin(play, "c")
    finish(play)
    play.finish()
    for name in "bc":
        world.host(name, drives=())
        with world.transaction() as tx:
            tx.execute("DELETE FROM seen WHERE host = ?", (name,))
            tx.execute("DELETE FROM answers")
    world.see("released", port=port(0))
    assert world.due() == ["D1"]


@pytest.mark.parametrize(("ok", "sentence"), [
    (True, "Drive D1 is in its error state: c did not answer."),
    (False, "Drive D1 could not be put into its error state: c did not answer."),
])
def test_a_reason_that_is_a_sentence_gets_no_second_full_stop(play: Play, ok: bool, sentence: str) -> None:
    begin(play, "c")
    finish(play, ok=ok, reason="c did not answer.")
    assert sentence in play.world.messages("error" if ok else "error_failed")
