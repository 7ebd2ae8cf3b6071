# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of who is asked, what is answered and what that settles; run on SQLite here and on PostgreSQL in tests/integration."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _associations, _dispatch
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import (
    World,
    port,
)


def test_a_drive_is_settled_when_its_last_control_point_has_confirmed(world: World) -> None:
    world.hosts("abc").see("reserved", "a")
    play = world.play()
    assert play.confirm("a").settled == []
    assert play.confirm("b").settled == []
    assert world.state()["settled"] == 0
    assert play.confirm("c").settled == ["D1"]
    row = world.state()
    assert (row["settled"], row["settled_why"], row["batch"], row["due"]) == (1, "confirmed", None, None)
    assert play.finish() == []
    assert world.due() == []


def test_a_drive_settles_without_waiting_for_the_others_of_its_batch(world: World) -> None:
    world.hosts("ab", ["D1", "D2"])
    world.see("reserved", "a")
    world.see("reserved", "a", drive="D2")
    play = world.play()
    assert play.confirm("a", "b").settled == ["D1"]
    world.see("released", port=port(0))
    assert world.due() == ["D1"], "D1 goes on while D2 still waits"
    assert [row["drive"] for row in play.finish()] == ["D2"]


def test_a_newer_change_is_due_as_soon_as_the_older_is_settled(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    world.see("released", port=port(0))
    assert play.confirm("a", "b").settled == ["D1"]
    row = world.state()
    assert (row["settled"], row["sequence"], row["due"]) == (1, 2, world.now)


def test_a_host_is_asked_about_the_change_as_it_was_claimed(world: World) -> None:
    world.hosts("abc").see("reserved", "a", library="lib1")
    play = world.play()
    world.see("reserved", "b")
    (row,) = play.work("c")
    assert (row["sequence"], row["table_sequence"], row["attempt"]) == (1, 2, 1)
    assert (row["status"], row["holders"], row["library"]) == ("reserved", [port(0)], "lib1")
    assert (row["instance"], row["application"], row["scope"], row["relation"]) == ("C", "custom", "host", "foreign")
    assert (row["devices"], row["connected"], row["taken"], row["error_state"]) == (["/dev/D1"], True, False, "")
    assert row["lease_until"] == world.now + 60
    assert play.work("a")[0]["relation"] == "own"
    assert play.work("elsewhere") == []


def test_what_is_confirmed_is_not_asked_again_in_a_retry(world: World) -> None:
    world.hosts("abc").see("reserved", "a")
    play = world.play()
    play.confirm("a", "b")
    with world.transaction() as tx:
        assert _dispatch.hosts_to_ask(tx, play.batch) == {"c": 1}
    world.now = play.finish()[0]["due"]
    play = world.play()
    assert [len(play.work(host)) for host in "abc"] == [0, 0, 1]
    assert play.work("c")[0]["attempts"] == 2
    assert play.confirm("c").settled == ["D1"]


def test_a_newer_change_asks_everybody(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    world.play().confirm("a", "b")
    world.see("released", port=port(0))
    play = world.play()
    assert [len(play.work(host)) for host in "ab"] == [1, 1]
    assert play.work("b")[0]["taken"], "the copy of what was taken is there"
    assert not play.work("b")[0]["attempts"] > 1


def test_a_confirmation_counts_only_for_the_way_it_was_asked(world: World) -> None:
    world.hosts("abc").see("reserved", port(99))
    play = world.play()
    assert play.work("b")[0]["relation"] == "unknown"
    play.confirm("a", "b", "c")
    world.host("b", ports=[port(1), port(99)])
    assert world.due() == ["D1"], "the holder has become known"
    play = world.play()
    assert play.work("b")[0]["relation"] == "own"
    assert play.work("c")[0]["relation"] == "foreign"


def test_a_drive_with_nothing_left_to_ask_is_settled_by_the_plan(world: World) -> None:
    world.hosts("abc").see("reserved", "a")
    play = world.play()
    play.confirm("a", "b")
    play.finish()
    with world.transaction() as tx:
        _associations.forget_host(tx, "c", world.now)
    world.now += 5
    assert world.play().settled_at_once == ["D1"]
    assert world.state()["settled"] == 1


def test_a_plan_of_a_claim_that_is_lost_changes_nothing(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    world.now += 61
    with world.transaction() as tx:
        _dispatch.expire(tx, world.now, lambda claimer: True)
        _dispatch.expect(tx, play.batch, [{**play.plan[0], "host": "x"}], world.now)
    assert sorted(world.answers()) == ["a", "b"]


@pytest.mark.parametrize(
    "fault", [{"relation": "friend"}, {"scope": "world"}, {"host": "a b"}, {"instance": "../x"}], ids=str
)
def test_a_plan_is_checked(world: World, fault: dict[str, str]) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    with pytest.raises(InvalidValueError), world.transaction() as tx:
        _dispatch.expect(tx, play.batch, [{**play.plan[0], **fault}], world.now)


def test_what_is_no_longer_asked_is_forgotten_unless_it_was_taken(world: World) -> None:
    world.hosts("abc").see("reserved", "a")
    play = world.play()
    play.confirm(play.answer("a", taken=False), "b", play.answer("c", taken=False))
    for name in "bc":
        with world.transaction() as tx:
            _associations.forget_host(tx, name, world.now)
    world.host("d")
    world.play()
    rows = world.answers()
    assert sorted(rows) == ["a", "b", "d"]
    assert (rows["b"]["expected"], rows["b"]["taken"]) == (0, 1)


def test_late_answers_settle_nothing_and_only_the_copy_of_taken_is_kept(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    world.now += 61
    with world.transaction() as tx:
        _dispatch.expire(tx, world.now, lambda claimer: True)
    found = play.confirm("a", "b")
    assert (found.settled, found.late) == ([], [("D1", "A", "a"), ("D1", "B", "b")])
    row = world.answers()["b"]
    assert (row["confirmed"], row["outcome"], row["taken"]) == (0, "", 1)
    assert world.state()["settled"] == 0
    assert world.kinds().count("late") == 2


def test_a_late_answer_does_not_undo_what_a_newer_one_said_of_taken(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    old = world.play()
    world.now += 61
    with world.transaction() as tx:
        _dispatch.expire(tx, world.now, lambda claimer: True)
    new = world.play()
    new.confirm(new.answer("b", taken=False, outcome="kept"))
    old.confirm("b")
    assert world.answers()["b"]["taken"] == 0
    new.confirm("a")
    assert world.state()["settled"] == 1
    world.see("released", port=port(0))
    newest = world.play()
    newest.confirm("a", "b")
    new.confirm(new.answer("b", taken=True))
    assert world.answers()["b"]["taken"] == 0


def test_something_taken_that_turns_up_after_the_drive_was_settled_is_looked_at_again(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    world.see("released", port=port(0))
    play.finish()
    second = world.play()
    with world.transaction() as tx:
        _dispatch.settle_now(tx, second.batch, "D1", "nobody can be asked", world.now)
    assert world.due() == []
    play.confirm("b")
    assert world.due() == ["D1"]
    again = world.play()
    assert again.work("b")[0]["taken"] is True
    again.confirm("a", "b")
    assert world.due() == []


def test_busy_is_an_answer_and_silence_is_none(world: World) -> None:
    world.hosts("abcd").see("reserved", "a")
    play = world.play()
    play.confirm("a", play.answer("b", confirmed=False, outcome="busy", reason="job 7", taken=False))
    play.confirm(play.answer("c", confirmed=False, outcome="", reason="the command failed", taken=None))
    verdict = play.verdict()
    assert [(one["host"], one["outcome"], one["reason"]) for one in verdict["pending"]] == [("b", "busy", "job 7")]
    assert [(one["host"], one["reason"]) for one in verdict["silent"]] == [("c", "the command failed"), ("d", "")]
    assert (verdict["settled"], verdict["overtaken"], verdict["held"]) == (False, False, True)
    assert (verdict["sequence"], verdict["attempt"], verdict["status"]) == (1, 1, "reserved")
    world.now = play.finish()[0]["due"]
    play = world.play()
    verdict = play.verdict()
    assert [one["host"] for one in verdict["silent"]] == ["b", "c", "d"], "an answer to an earlier attempt is none to this"
    with world.transaction() as tx:
        assert _dispatch.silent(tx, ["D1"]) == {"D1": {("C", "c"), ("D", "d")}}
        assert [(row["host"], row["outcome"]) for row in _dispatch.owed(tx)] == [("b", "busy"), ("c", ""), ("d", "")]


def test_the_verdict_tells_what_is_settled_and_what_was_overtaken(world: World) -> None:
    world.hosts("ab", ["D1", "D2"])
    world.see("reserved", "a")
    world.see("reserved", "a", drive="D2")
    play = world.play()
    play.confirm("a", "b")
    world.see("released", drive="D2")
    assert play.verdict("D1")["settled"] is True
    assert play.verdict("D1")["held"] is False
    assert play.verdict("D2")["overtaken"] is True
    play.finish()
    with world.transaction() as tx:
        assert _dispatch.verdict(tx, play.batch, world.now) == []


def test_settle_now_needs_the_claim(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    with world.transaction() as tx:
        assert not _dispatch.settle_now(tx, play.batch, "D2", "x", world.now)
        assert not _dispatch.settle_now(tx, "0" * 26, "D1", "x", world.now)
        assert _dispatch.settle_now(tx, play.batch, "D1", "nobody sees it", world.now)
    assert world.state()["settled_why"] == "nobody sees it"
    assert world.answers() == {}


def test_a_doubt_is_looked_at_again_at_its_time(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    play.confirm("a", play.answer("b", recheck_at=world.now + 30))
    row = world.state()
    assert (row["settled"], row["due"], row["recheck_at"]) == (1, world.now + 30, world.now + 30)
    assert world.due() == []
    world.now += 30
    play = world.play()
    assert [len(play.work(host)) for host in "ab"] == [0, 1]
    assert world.state()["settled"] == 0, "not settled any more, until the doubt is over"
    assert play.confirm("b").settled == ["D1"]
    assert (world.state()["due"], world.state()["failures"]) == (None, 0)


def looked_at_again(world: World, **answer: Any) -> Any:
    """A drive that b had confirmed is looked at again, and b answers so."""
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    play.confirm("a", play.answer("b", recheck_at=world.now + 30))
    world.now += 30
    told = len(world.kinds())
    play = world.play()
    play.confirm(play.answer("b", **answer))
    return play, world.kinds()[told:]


def test_looking_again_and_finding_all_as_it_was_leaves_no_trace_in_the_history(world: World) -> None:
    _play, told = looked_at_again(world, recheck_at=world.now + 90)
    assert told == []
    assert (world.state()["settled"], world.state()["due"]) == (1, world.now + 60)


def test_looking_again_and_finding_something_is_told(world: World) -> None:
    _play, told = looked_at_again(world, reason="it had come online again")
    assert told == ["answer", "settled"]


def test_whoever_had_confirmed_and_does_not_answer_when_it_is_looked_at_again_is_told_from_others(world: World) -> None:
    play, told = looked_at_again(world, confirmed=False, outcome="silent", reason="no answer", state_read=None)
    (answer,) = play.verdict()["silent"]
    assert (answer["confirmed_once"], answer["state_read"], told) == (1, None, ["answer"])
    assert world.state()["settled"] == 0
    play.finish()
    world.see("released", port=port(0))
    assert [row["confirmed_once"] for row in world.play().verdict()["silent"]] == [0, 0]


def test_a_newer_change_ends_the_doubt(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    play.confirm("a", play.answer("b", recheck_at=world.now + 30))
    world.see("released", port=port(0))
    play = world.play()
    play.confirm("a", "b")
    assert world.state()["due"] is None


def test_an_instance_with_one_state_keeps_what_is_taken_whichever_control_point_is_asked(world: World) -> None:
    world.hosts("a")
    for name in "bc":
        world.host(name, instance="POOL", scope="instance", control_points=["b", "c"])
    world.see("reserved", "a")
    play = world.play()
    assert [(row["host"], row["instance"]) for row in play.plan] == [("a", "A"), ("b", "POOL")]
    play.confirm(play.answer("a", taken=False), play.answer("b", instance="POOL"))
    world.see("released", port=port(0))
    batch = world.emit()
    with world.transaction() as tx:
        claim = _dispatch.claim(tx, batch, {}, 60, world.now)
        assert claim is not None
        plan = [{**row, "sequence": 2, "attempt": 2, "host": "c" if row["host"] == "b" else "a"} for row in play.plan]
        _dispatch.expect(tx, batch, plan, world.now)
        (row,) = _dispatch.work(tx, batch, "c")
        assert row["taken"], "b took it, c is asked to give it back"
        answer = {**play.answer("c", instance="POOL", taken=False, outcome="online"), "sequence": 2, "attempt": 2}
        _dispatch.confirm(tx, batch, [answer], world.now)
    assert {host: row["taken"] for host, row in world.answers().items()} == {"a": 0, "b": 0, "c": 0}


def test_an_answer_is_checked_and_its_texts_are_made_harmless(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    for fault in ({"sequence": "1"}, {"attempt": None}, {"host": "a\n"}, {"instance": "{{ x }}"}, {"drive": "../x"}):
        with pytest.raises(InvalidValueError):
            play.confirm({**play.answer("a"), **fault})
    hostile = "\x00\x1b[2J{{ x }}\ud800" + "x" * 10_000
    play.confirm(play.answer(
        "b", outcome=hostile, reason=hostile, state_read=hostile, detail={"text": hostile, "more": "y" * 20_000},
        confirmed="yes",
    ))
    row = world.answers()["b"]
    assert row["confirmed"] == 0, "only True confirms"
    assert (len(row["outcome"]), len(row["state_read"]), row["detail"]) == (64, 64, None)
    assert row["reason"].isprintable()
    assert len(row["reason"]) == 2000


def test_an_answer_of_a_host_that_was_not_asked_confirms_nothing(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    assert play.confirm(play.answer("z"), play.answer("a", instance="OTHER")).late == [("D1", "Z", "z"), ("D1", "OTHER", "a")]
    assert play.confirm("a", "b").settled == ["D1"]


def test_a_claimed_change_damaged_by_hand_is_dispatched_again_and_nobody_is_called_silent(world: World) -> None:
    world.hosts("ab", ["D1", "D2"])
    world.see("reserved", "a")
    world.see("reserved", "a", drive="D2")
    play = world.play()
    with world.transaction() as tx:
        tx.execute("UPDATE batch_drives SET change = '{{ x }}' WHERE drive = 'D1'")
    assert [row["drive"] for row in play.work("b")] == ["D2"]
    with world.transaction() as tx:
        assert [row["drive"] for row in _dispatch.verdict(tx, play.batch, world.now)] == ["D2"]
    assert world.due() == ["D1"]
    assert len(world.messages("invalid")) == 1
