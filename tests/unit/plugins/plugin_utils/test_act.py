# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The act against a small application, with the guarded step run by the real shell."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _act, _record
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import Answer, NoAnswerError, as_row
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Dialogue, Setting, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import custom
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._decision import OUTCOMES
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import Policy
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.control_point import (
    ControlPoint,
    ask,
    asks,
)

#: Shortest that there is, for what is meant to hang.
SHORT = Policy(handshake_timeout=1)


@pytest.fixture
def point(tmp_path: Path) -> ControlPoint:
    return ControlPoint(tmp_path, D1="online")


def seen(answer: Answer) -> tuple[bool, str, str | None, bool]:
    return answer.confirmed, answer.outcome, answer.state_read, answer.taken


# Every outcome, end to end.


def outcome_cases() -> list[Any]:
    def case(outcome: str, after: str | None, set_to: str | None = None, record: Any = "unchanged", **given: Any) -> Any:
        return pytest.param(outcome, after, set_to, record, given, id=f"{outcome}-{len(given)}-{given.get('relation', 'foreign')}")

    done = {"phase": "done", "sequence": 5}
    taken = {"target": "offline", "was": "online", "taken": True}
    not_taken = {"target": "none", "taken": False}
    return [
        case("not_connected", "online", over={"connected": False}),
        case("not_configured", None, state=None),
        case("superseded", "online", over={"table_sequence": 9}, had={"sequence": 9}),
        case("behind", "online", had={"sequence": 9}),
        case("own", "online", relation="own", record={**done, **not_taken, "was": "online"}),
        case("own", "offline", state="offline", relation="own", record={**done, **not_taken, "was": "offline"}),
        case("own", "online", "online", state="offline", relation="own", had=taken, record={**done, **not_taken, "was": "online"}),
        case("offline", "offline", "offline", record={**done, **taken}),
        case("offline", "offline", "offline", relation="unknown", record={**done, **taken}),
        case("offline", "offline", "offline", relation="ambiguous", record={**done, **taken}),
        case("offline", "offline", state="offline", had=taken, record={**done, **taken}),
        case("online", "online", "online", state="offline", relation="none", had=taken, record={**done, **not_taken, "was": "online"}),
        case("online", "online", relation="none", had=taken, record={**done, **not_taken, "was": "online"}),
        case(
            "adopted", "offline conflict", state="offline conflict",
            record={**done, "target": "offline", "was": "offline", "taken": True},
        ),
        case("kept", "offline", state="offline", record={**done, **not_taken, "was": "offline"}),
        case(
            "kept", "offline conflict", state="offline conflict", had={"target": "none", "was": "offline"},
            record={**done, **not_taken, "was": "offline"},
        ),
        case("kept", "offline", state="offline", relation="none", record={**done, **not_taken, "was": "offline"}),
        case("presumed_own", "online job 7", state="online job 7", relation="unknown", record={**done, **not_taken, "was": "online"}),
        case("busy", "online job 7", state="online job 7"),
        case("floor", "online", policy={"minimum_online": 1}),
        case("held", "offline", state="offline", relation="none", over={"error_state": True}, had=taken, record={**done, **taken}),
        case("stopped", "online", over={"stopped": True}, record={**done, **not_taken, "was": "online"}),
        case("unreadable", "loading", state="loading"),
    ]


@pytest.mark.parametrize(("outcome", "after", "set_to", "record", "given"), outcome_cases())
def test_every_outcome_is_reached_and_leaves_application_and_record_as_it_says(
    point: ControlPoint, outcome: str, after: str | None, set_to: str | None, record: Any, given: dict[str, Any]
) -> None:
    point.put("OTHER", "offline")
    (point.app / "drives" / "D1").unlink()
    if given.get("state", "online"):
        point.put("D1", given.get("state", "online"))
    if "had" in given:
        point.write_record(**given["had"])
    before = point.record()
    answer = point.one(
        "D1", given.get("relation", "foreign"), 5, policy=Policy(**given.get("policy", {})), **given.get("over", {})
    )
    wanted = "silent" if outcome == "unreadable" else outcome
    assert answer.outcome == wanted
    assert answer.confirmed is (outcome not in ("behind", "busy", "floor", "unreadable"))
    assert answer.set_to == set_to
    assert point.log() == ([f"{set_to} D1"] if set_to else [])
    if after is not None:
        assert point.state("D1") == after
        assert answer.state_read == (after.split()[0] if outcome != "unreadable" else None)
        assert answer.state_before == (given.get("state", "online").split()[0] if outcome != "unreadable" else None)
    now = point.record()
    if record == "unchanged":
        assert now == before
        assert answer.taken is (before.taken if before else False)
    else:
        assert now is not None
        assert {key: getattr(now, key) for key in record} == record
        assert now.reason == ask("D1", given.get("relation", "foreign")).why
        assert answer.taken is now.taken
    assert answer.doubt is False


def test_the_cases_above_are_all_outcomes() -> None:
    assert {case.values[0] for case in outcome_cases()} == set(OUTCOMES)


def test_an_unreadable_state_is_said_as_the_application_shows_it(point: ControlPoint) -> None:
    point.put("D1", "loading")
    assert point.one().reason == "the application shows D1: loading"


def test_without_a_record_the_tables_copy_of_taken_counts(point: ControlPoint) -> None:
    point.put("D1", "offline")
    assert seen(point.one(relation="none", taken=True)) == (True, "online", "online", False)


def test_the_record_counts_more_than_the_tables_copy(point: ControlPoint) -> None:
    point.put("D1", "offline")
    point.write_record(target="none", was="offline", taken=False)
    assert seen(point.one(relation="none", taken=True)) == (True, "kept", "offline", False)


# Doing it again, late, in another order (I3).


def test_the_same_change_again_sets_nothing_and_is_confirmed_as_before(point: ControlPoint) -> None:
    first = point.one()
    record = point.record_path().read_bytes()
    again = point.one(attempt=2)
    assert seen(again) == seen(first) == (True, "offline", "offline", True)
    assert again.set_to is None
    assert point.log() == ["offline D1"]
    assert point.record_path().read_bytes() == record


@pytest.mark.parametrize("order", list(itertools.permutations([5, 6, 7])), ids=str)
def test_in_whatever_order_changes_come_the_newest_decides(point: ControlPoint, order: tuple[int, ...]) -> None:
    relations = {5: "foreign", 6: "none", 7: "foreign"}
    for sequence in (*order, *order):
        answer = point.one("D1", relations[sequence], sequence, table_sequence=7)
        assert answer.confirmed
    assert point.state("D1") == "offline"
    record = point.record()
    assert record is not None
    assert (record.sequence, record.taken) == (7, True)


def test_a_late_change_leaves_application_and_record_as_they_are(point: ControlPoint) -> None:
    point.one("D1", "foreign", 5)
    point.one("D1", "none", 6)
    before = point.everything()
    late = point.one("D1", "foreign", 5, table_sequence=6)
    assert seen(late) == (True, "superseded", "online", False)
    assert point.everything() == before


def test_a_table_that_is_behind_learns_how_far_the_record_is(point: ControlPoint) -> None:
    point.one("D1", "foreign", 40)
    answer = point.one("D1", "none", 6)
    assert (answer.confirmed, answer.outcome, answer.record_sequence, answer.taken) == (False, "behind", 40, True)
    assert point.state("D1") == "offline"


# An administrator's offline (I2).


def test_an_administrators_offline_stays_through_reserve_and_release(point: ControlPoint) -> None:
    point.put("D1", "offline")
    assert point.one("D1", "foreign", 5).outcome == "kept"
    assert point.one("D1", "none", 6).outcome == "kept"
    assert (point.state("D1"), point.log()) == ("offline", [])


def test_an_administrators_online_ends_taken_and_his_next_offline_stays(point: ControlPoint) -> None:
    point.one("D1", "foreign", 5)
    point.put("D1", "online")
    assert seen(point.one("D1", "none", 6)) == (True, "online", "online", False)
    point.put("D1", "offline")
    assert seen(point.one("D1", "none", 7)) == (True, "kept", "offline", False)
    assert point.log() == ["offline D1"]


def test_what_a_person_set_offline_by_hand_is_not_adopted_even_if_a_conflict_shows(point: ControlPoint) -> None:
    point.one("D1", "none", 5, by_hand="offline")
    point.put("D1", "offline conflict")
    assert seen(point.one("D1", "foreign", 6)) == (True, "kept", "offline", False)
    assert seen(point.one("D1", "none", 7)) == (True, "kept", "offline", False)


# Killed in the middle.


@pytest.mark.parametrize("when", ["kill_before", "kill_after"])
def test_a_set_that_was_killed_counts_as_taken_is_doubtful_and_is_done_again(point: ControlPoint, when: str) -> None:
    point.fault("offline", when, "D1")
    answer = point.one()
    assert (answer.confirmed, answer.outcome, answer.taken, answer.doubt) == (False, "silent", True, True)
    assert answer.reason
    record = point.record()
    assert record is not None
    assert (record.phase, record.was, record.taken, record.holds_taken) == ("intent", "online", True, True)
    point.mend()
    again = point.one(attempt=2)
    assert seen(again) == (True, "offline", "offline", True)
    assert again.doubt is True
    assert point.one(attempt=3).doubt is False
    assert seen(point.one("D1", "none", 6)) == (True, "online", "online", False)


def test_a_drive_of_which_only_the_intent_to_set_it_offline_is_known_is_given_back(point: ControlPoint) -> None:
    point.write_record(sequence=5, phase="intent", target="offline", was="online", taken=False)
    point.put("D1", "offline")
    # The application may still carry it out: see test_act_late.
    assert seen(point.one("D1", "none", 6)) == (True, "online", "online", True)
    assert seen(point.one("D1", "none", 6, attempt=1)) == (True, "online", "online", False)


def test_an_intent_on_a_drive_that_was_offline_before_is_an_administrators(point: ControlPoint) -> None:
    point.write_record(sequence=5, phase="intent", target="offline", was="offline", taken=False)
    point.put("D1", "offline")
    assert seen(point.one("D1", "none", 6)) == (True, "kept", "offline", False)


@pytest.mark.parametrize("when", ["kill_before", "kill_after"])
def test_a_giving_back_that_was_killed_is_done_again_and_ends_taken(point: ControlPoint, when: str) -> None:
    point.one("D1", "foreign", 5)
    point.fault("online", when, "D1")
    answer = point.one("D1", "none", 6)
    assert (answer.confirmed, answer.taken, answer.doubt) == (False, True, True)
    point.mend()
    assert seen(point.one("D1", "none", 6, attempt=2)) == (True, "online", "online", False)
    record = point.record()
    assert record is not None
    assert (record.phase, record.taken) == ("done", False)


def test_taken_ends_only_after_online_was_read(point: ControlPoint) -> None:
    point.one("D1", "foreign", 5)

    def cut(number: int) -> None:
        if number == 4:
            raise NoAnswerError("the line is dead")

    point.before = cut
    answer = point.one("D1", "none", 6)
    assert (answer.confirmed, answer.taken) == (False, True)
    assert answer.reason == "given back, but the record could not be written: the line is dead"
    record = point.record()
    assert record is not None
    assert record.taken is True
    point.before = lambda _number: None
    assert seen(point.one("D1", "none", 6, attempt=2)) == (True, "online", "online", False)
    record = point.record()
    assert record is not None
    assert record.taken is False


# What is not believed (I5).


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("lie", "the command said yes, but the application still shows D1: online"),
        ("refuse", "the command ended with exit status 3: this is not permitted"),
        ("dies", "the command ended with exit status 137: (nothing)"),
        ("loses", "after the command, the application does not show the drive any more"),
    ],
)
def test_a_set_is_confirmed_by_what_is_read_afterwards_only(point: ControlPoint, fault: str, said: str) -> None:
    point.put("OTHER", "online")
    point.fault("offline", fault, "D1")
    answer = point.one()
    assert (answer.confirmed, answer.outcome, answer.reason, answer.doubt) == (False, "silent", said, True)
    assert answer.taken is True
    point.mend()
    point.put("D1", "online")
    assert seen(point.one(attempt=2)) == (True, "offline", "offline", True)


def test_a_command_that_fails_but_did_it_is_confirmed(point: ControlPoint) -> None:
    options = point.options(form="single")
    options["offline_command"] = ["sh", "-c", f"{options['offline_command'][0]} {point.app} offline \"$1\"; exit 9", "x", "{name}"]
    assert seen(point.one(options=options)) == (True, "offline", "offline", True)


def test_a_giving_back_that_lies_leaves_the_drive_taken(point: ControlPoint) -> None:
    point.one("D1", "foreign", 5)
    point.fault("online", "lie")
    answer = point.one("D1", "none", 6)
    assert (answer.confirmed, answer.outcome, answer.taken) == (False, "silent", True)
    record = point.record()
    assert record is not None
    assert record.taken is True


def test_junk_after_the_set_is_no_confirmation(point: ControlPoint) -> None:
    def fail_later(number: int) -> None:
        if number == 1:
            point.fault("query", "junk")

    point.before = fail_later
    answer = point.one()
    assert (answer.confirmed, answer.outcome, answer.taken) == (False, "silent", True)
    assert answer.reason.startswith("after the command, the query answered, but nothing in it matches application_custom_query")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("junk", "the query answered, but nothing in it matches application_custom_query_valid_pattern: @@ cannot connect @@"),
        ("refuse", "the query failed with exit status 3: this is not permitted"),
        ("dies", "the query failed with exit status 137: (nothing)"),
    ],
)
def test_a_query_that_does_not_work_is_silence_and_nothing_is_set(point: ControlPoint, fault: str, said: str) -> None:
    point.fault("query", fault)
    before = point.everything()
    answer = point.one()
    assert (answer.confirmed, answer.outcome, answer.reason, answer.doubt) == (False, "silent", said, False)
    assert point.log() == []
    assert point.everything() == before


@pytest.mark.parametrize("fault", ["hang", "stubborn"])
def test_a_query_that_hangs_is_silence_in_time(point: ControlPoint, fault: str) -> None:
    point.fault("query", fault)
    started = time.monotonic()
    answer = point.one(policy=SHORT)
    assert time.monotonic() - started < 6
    assert (answer.confirmed, answer.outcome) == (False, "silent")
    assert answer.reason == "the query did not end in time and was stopped"
    assert point.log() == []


def test_a_set_that_hangs_is_doubtful_and_put_right_after_it_was_done_all_the_same(point: ControlPoint) -> None:
    point.fault("offline", "late 3")
    answer = point.one(policy=SHORT)
    assert (answer.confirmed, answer.outcome, answer.taken, answer.doubt) == (False, "silent", True, True)
    assert answer.reason == "the command did not end in time and was stopped"
    point.mend()
    # Released before the application has carried it out: the doubt says to look again.
    released = point.one("D1", "none", 6)
    assert (released.confirmed, released.outcome, released.doubt) == (True, "online", True)


# The connection.


def test_a_host_that_cannot_be_reached_is_silent_for_all_its_drives_with_the_reason(point: ControlPoint) -> None:
    def unreachable(command: str, seconds: float) -> str:
        raise NoAnswerError("unreachable: Connection refused")

    place = replace(point.place(), execute=unreachable)
    answers = point.run(*asks(3, taken=True), place=place)
    assert {(one.confirmed, one.outcome, one.reason, one.taken, one.doubt) for one in answers.values()} == {
        (False, "silent", "unreachable: Connection refused", True, False)
    }


@pytest.mark.parametrize("output", ["", "Permission denied\n", "sh: 1: Syntax error\n"])
def test_a_step_that_never_began_is_silence_with_what_was_said(point: ControlPoint, output: str) -> None:
    answer = point.one(place=replace(point.place(), execute=lambda command, seconds: output))
    assert (answer.confirmed, answer.outcome) == (False, "silent")
    assert answer.reason.startswith("The step did not begin")


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
@pytest.mark.parametrize("which", [0, 1])
def test_an_answer_that_is_cut_off_is_no_confirmation(point: ControlPoint, which: int, share: float) -> None:
    count = itertools.count()

    def cut(command: str, seconds: float) -> str:
        output = point.execute(command, seconds)
        return output[: int(len(output) * share)] if next(count) == which else output

    answer = point.one(place=replace(point.place(), execute=cut))
    if not answer.confirmed:
        assert answer.outcome == "silent"
        assert answer.reason
    else:
        # Only what follows the answer itself was lost.
        assert point.state("D1") == "offline"
    assert point.one(attempt=2).confirmed


def test_a_connection_that_is_lost_during_the_set_leaves_doubt_and_counts_as_taken(point: ControlPoint) -> None:
    def lost(number: int) -> None:
        if number == 1:
            raise NoAnswerError("unreachable: broken pipe")

    point.before = lost
    answer = point.one()
    assert (answer.confirmed, answer.taken, answer.doubt, answer.reason) == (False, True, True, "unreachable: broken pipe")


def test_a_step_that_comes_too_late_does_nothing(point: ControlPoint) -> None:
    # The host's clock as it was read an hour ago: by the host's clock the handshake is over.
    place = point.place()
    execute = place.execute

    def long_ago(command: str, seconds: float) -> str:
        output = execute(command, seconds)
        first, _line, rest = output.lstrip("\n").partition("\n")
        nonce, word, clock, boot = first.split(" ")[:4]
        if word == "start" and clock.isdigit():
            return "\n" + " ".join([nonce, word, str(int(clock) - 3600), boot]) + "\n" + rest
        return output

    answer = point.one(place=replace(place, execute=long_ago))
    assert (answer.confirmed, answer.outcome, point.log(), point.record()) == (False, "silent", [], None)
    assert answer.reason.startswith("the step came too late and did nothing")


def test_a_host_without_a_clock_is_set_all_the_same(point: ControlPoint) -> None:
    place = point.place()

    def clockless(command: str, seconds: float) -> str:
        output = place.execute(command, seconds)
        head, word, rest = output.partition(" start ")
        return f"{head}{word}-{rest[rest.index(' '):]}" if not rest.startswith("-") else output

    assert point.one(place=replace(place, execute=clockless)).confirmed


# Another one at work.


def test_a_record_that_changed_between_reading_and_setting_is_read_again(point: ControlPoint) -> None:
    def meddle(number: int) -> None:
        if number == 1:
            point.write_record(sequence=4, target="none", was="online", reason="somebody else")

    point.before = meddle
    assert seen(point.one()) == (True, "offline", "offline", True)
    assert len(point.executed) == 4
    assert point.log() == ["offline D1"]


def test_a_newer_change_that_came_between_reading_and_setting_supersedes_this_one(point: ControlPoint) -> None:
    def overtake(number: int) -> None:
        if number == 1:
            point.write_record(sequence=6, target="none", was="online")

    point.before = overtake
    answer = point.one(table_sequence=6)
    assert seen(answer) == (True, "superseded", "online", False)
    assert (point.state("D1"), point.log()) == ("online", [])


def test_a_record_that_keeps_changing_is_given_up_with_the_reason(point: ControlPoint) -> None:
    point.before = lambda number: point.write_record(reason=f"somebody else, {number}") and None
    answer = point.one()
    assert (answer.confirmed, answer.outcome) == (False, "silent")
    assert answer.reason == "its record kept changing; another play is at work on the same drive"
    assert (len(point.executed), point.log()) == (2 * _act.READ_AGAIN, [])


def test_only_the_drive_whose_record_changed_is_read_again(tmp_path: Path) -> None:
    point = ControlPoint(tmp_path, D000="online", D001="online", D002="online")

    def meddle(number: int) -> None:
        if number == 1:
            point.write_record("D001", reason="somebody else")

    point.before = meddle
    answers = point.run(*asks(3))
    assert all(one.confirmed and one.outcome == "offline" for one in answers.values())
    assert point.log() == ["offline D000 D002", "offline D001"]


# Records that are not ours.


def bad_records() -> list[Any]:
    good = _record.format(_record.Record(site="here", drive="D1", instance="alpha", sequence=4, phase="done", target="none"))
    return [
        pytest.param(good.replace('"site":"here"', '"site":"there"'), "belongs to site", id="another site"),
        pytest.param(good.replace('"version":1', '"version":2'), "newer version", id="newer version"),
        pytest.param("hello", "is no record", id="junk"),
        pytest.param("", "is no record", id="empty"),
        pytest.param("\0\1\2", "record", id="binary"),
        pytest.param(good + "\n" + good, "record", id="two lines"),
        pytest.param(good.replace('"taken":false', '"taken":1'), "taken", id="wrong type"),
    ]


@pytest.mark.parametrize(("text", "said"), bad_records())
def test_a_record_that_is_not_ours_is_refused_and_left_as_it_is(point: ControlPoint, text: str, said: str) -> None:
    point.put("D2", "online")
    point.record_path().parent.mkdir(parents=True)
    point.record_path().write_text(text, encoding="utf-8")
    answers = point.run(ask("D1"), ask("D2"))
    bad = answers["D1"]
    assert (bad.confirmed, bad.outcome) == (False, "refused" if said == "belongs to site" else "silent")
    assert said in bad.reason
    assert "\n" not in bad.reason
    assert point.record_path().read_text(encoding="utf-8") == text
    assert point.state("D1") == "online"
    # The other drive is none the worse for it.
    assert seen(answers["D2"]) == (True, "offline", "offline", True)


def test_a_state_directory_that_cannot_be_made_is_said_and_nothing_is_set(point: ControlPoint) -> None:
    point.directory.write_text("a file", encoding="utf-8")
    answer = point.one()
    assert (answer.confirmed, answer.outcome, point.log()) == (False, "silent", [])
    assert answer.reason.startswith("the record could not be written, so nothing was set: The step cannot write: ")


# Retries.


def test_without_retries_a_silent_drive_is_asked_once(point: ControlPoint) -> None:
    point.fault("query", "refuse")
    point.one()
    assert (len(point.executed), point.slept) == (1, [])


def test_a_silent_drive_is_asked_again_after_the_delay_and_only_the_last_answer_is_reported(point: ControlPoint) -> None:
    point.fault("offline", "refuse")

    def mend_in_time() -> None:
        if len(point.slept) == 2:
            point.mend()

    point.on_sleep = mend_in_time
    answer = point.one(policy=Policy(handshake_retries=3, handshake_retry_delay=7))
    assert seen(answer) == (True, "offline", "offline", True)
    assert point.slept == [7, 7]


def test_what_stays_silent_is_reported_after_the_last_retry(point: ControlPoint) -> None:
    point.fault("query", "refuse")
    answer = point.one(policy=Policy(handshake_retries=2))
    assert (answer.outcome, point.slept, len(point.executed)) == ("silent", [2, 2], 3)


@pytest.mark.parametrize("state", ["online job", "offline"])
def test_an_answer_that_is_not_silence_is_never_retried(point: ControlPoint, state: str) -> None:
    point.put("D1", state)
    point.one(policy=Policy(handshake_retries=5))
    assert point.slept == []


def test_only_the_silent_drives_are_retried(tmp_path: Path) -> None:
    point = ControlPoint(tmp_path, D000="online", D001="online", D002="online")
    point.fault("offline", "refuse", "D001")
    point.on_sleep = point.mend
    answers = point.run(*asks(3), options=point.options("single"), policy=Policy(handshake_retries=1))
    assert all(one.confirmed for one in answers.values())
    assert sorted(point.log()) == ["offline D000", "offline D001", "offline D001", "offline D002"]


# The floor, and running jobs.


def test_the_floor_counts_down_over_the_drives_of_one_change(tmp_path: Path) -> None:
    point = ControlPoint(tmp_path, D000="online", D001="online", D002="online", OTHER="offline")
    answers = point.run(*asks(3), policy=Policy(minimum_online=2))
    assert [answers[one].outcome for one in sorted(answers)] == ["offline", "floor", "floor"]
    assert [point.state(one) for one in sorted(answers)] == ["offline", "online", "online"]


@pytest.mark.parametrize(("minimum", "outcome"), [(0, "offline"), (1, "offline"), (2, "floor")])
def test_a_drive_with_two_names_is_one_drive_for_the_floor(tmp_path: Path, minimum: int, outcome: str) -> None:
    point = ControlPoint(tmp_path, A="online", B="online", OTHER="online")
    answer = point.one(options=point.options(drive_names={"D1": ["A", "B"]}), policy=Policy(minimum_online=minimum))
    assert answer.outcome == outcome
    assert [point.state(name) for name in "AB"] == [answer.state_read] * 2


def test_the_two_names_of_another_drive_are_one_drive_too(tmp_path: Path) -> None:
    point = ControlPoint(tmp_path, A="online", B="online", D1="online")
    answer = point.one(options=point.options(drive_names={"D2": ["A", "B"]}), policy=Policy(minimum_online=2))
    assert (answer.outcome, point.state("D1")) == ("floor", "online")


SIBLINGS = [Target(f"D{number:03}") for number in range(11)]


def test_the_floor_holds_where_the_application_is_asked_about_each_drive_on_its_own(tmp_path: Path) -> None:
    drives = {target.drive: "online" for target in SIBLINGS}
    point = ControlPoint(tmp_path, **{**drives, "D010": "offline"})
    options = point.options("single", "single")
    answers = point.run(*asks(9), options=options, policy=Policy(minimum_online=3), siblings=SIBLINGS)
    assert [answers[one].outcome for one in sorted(answers)] == ["offline"] * 7 + ["floor"] * 2
    assert [one for one in drives if point.state(one) == "online"] == ["D007", "D008", "D009"]
    # The others were asked about once, in executions of their own.
    assert len([one for one in point.log("query") if one in ("query D009", "query D010")]) == 2


def test_a_drive_that_cannot_be_told_does_not_count_for_the_floor(tmp_path: Path) -> None:
    point = ControlPoint(tmp_path, D000="online", D001="online")
    point.fault("query", "refuse", "D001")
    answer = point.one("D000", options=point.options("single", "single"), policy=Policy(minimum_online=1), siblings=SIBLINGS[:2])
    assert (answer.outcome, point.state("D000")) == ("floor", "online")


@pytest.mark.parametrize("case", ["no floor", "given back"])
def test_other_drives_are_not_asked_about_without_need(tmp_path: Path, case: str) -> None:
    point = ControlPoint(tmp_path, D000="online", D001="online")
    policy = Policy(minimum_online=0 if case == "no floor" else 1)
    relation = "foreign" if case == "no floor" else "none"
    point.one("D000", relation, options=point.options("single", "single"), policy=policy, siblings=SIBLINGS[:2])
    assert set(point.log("query")) == {"query D000"}


def test_a_job_that_setting_offline_does_not_kill_does_not_keep_the_drive(point: ControlPoint) -> None:
    point.put("D1", "online job 3")
    assert point.one(options=point.options(offline_kills_job=False)).outcome == "offline"


# Nothing is touched.


@pytest.mark.parametrize("how", ["observe", "dry"])
@pytest.mark.parametrize(
    ("relation", "state", "had", "wanted"),
    [
        ("foreign", "online", None, ("offline", "offline")),
        ("foreign", "online", {"sequence": 4}, ("offline", "offline")),
        ("none", "offline", {"target": "offline", "taken": True}, ("online", "online")),
        ("none", "online", {"target": "offline", "taken": True}, ("online", None)),
        ("own", "online", None, ("own", None)),
        ("foreign", "offline conflict", None, ("adopted", None)),
        ("foreign", "offline", None, ("kept", None)),
    ],
)
def test_observing_sets_and_writes_nothing_and_says_what_it_would_do(
    point: ControlPoint, how: str, relation: str, state: str, had: dict[str, Any] | None, wanted: tuple[str, str | None]
) -> None:
    point.put("D1", state)
    if had is not None:
        point.write_record(**had)
    before = point.everything()
    keys: dict[str, Any] = {"dry": True} if how == "dry" else {"policy": Policy(mode="observe")}
    answer = point.one(relation=relation, **keys)
    assert (answer.outcome, answer.set_to) == wanted
    assert answer.observed is True
    assert state.startswith(str(answer.state_read))
    # What is not written is not so.
    assert answer.taken is bool(had and had.get("taken"))
    assert point.everything() == before
    assert point.log() == []


def test_observing_leaves_no_directory_behind(point: ControlPoint) -> None:
    point.one(dry=True)
    assert not point.directory.exists()


# Many drives.


def many(root: Path, count: int) -> ControlPoint:
    return ControlPoint(root, **{f"D{number:03}": "online" for number in range(count)})


def test_a_list_form_sets_many_drives_with_one_command_in_two_executions(tmp_path: Path) -> None:
    point = many(tmp_path, 60)
    answers = point.run(*asks(60))
    assert all(seen(one) == (True, "offline", "offline", True) for one in answers.values())
    assert point.log() == ["offline " + " ".join(f"D{number:03}" for number in range(60))]
    assert len(point.log("query")) == 2
    assert len(point.executed) == 2


def test_a_list_form_gives_many_drives_back_with_one_command(tmp_path: Path) -> None:
    point = many(tmp_path, 30)
    point.run(*asks(30))
    answers = point.run(*asks(30, "none", sequence=6))
    assert all(seen(one) == (True, "online", "online", False) for one in answers.values())
    assert len(point.log()) == 2
    assert all(not record.taken for number in range(30) if (record := point.record(f"D{number:03}")))


@pytest.mark.parametrize("query", ["all", "single"])
def test_a_single_form_sets_drives_in_bounded_executions(tmp_path: Path, query: str) -> None:
    point = many(tmp_path, 20)
    answers = point.run(*asks(20), options=point.options("single", query))
    assert all(seen(one) == (True, "offline", "offline", True) for one in answers.values())
    assert point.log() == [f"offline D{number:03}" for number in range(20)]
    # One reading for all or for each group, and a set for each group of eight.
    assert len(point.executed) == (4 if query == "all" else 6)


def test_of_many_drives_each_gets_what_it_needs(tmp_path: Path) -> None:
    point = ControlPoint(tmp_path, A="online", B="offline", C="offline", D="online", E="online job", F="strange")
    point.write_record("C", target="offline", taken=True)
    answers = point.run(
        ask("A"), ask("B"), ask("C", "none"), ask("D", "own"), ask("E"), ask("F"), ask("G"), ask("H", connected=False)
    )
    assert {drive: one.outcome for drive, one in answers.items()} == {
        "A": "offline", "B": "kept", "C": "online", "D": "own", "E": "busy", "F": "silent", "G": "not_configured",
        "H": "not_connected",
    }
    assert sorted(point.log()) == ["offline A", "online C"]


def test_drives_that_have_nothing_to_do_are_reported_before_anything_is_set(tmp_path: Path) -> None:
    point = ControlPoint(tmp_path, A="online", B="online job")
    reported: list[list[str]] = []
    act = _act.Act(point.place(), custom, point.options(), Policy())
    act.run([ask("A"), ask("B")], lambda some: reported.append([one.ask.drive for one in some]), time.sleep)
    assert reported == [["B"], ["A"]]


def test_a_drive_without_a_conflict_in_its_record_does_not_wait_for_one_with(tmp_path: Path) -> None:
    point = ControlPoint(tmp_path, A="online", B="online")
    point.record_path("B").parent.mkdir(parents=True)
    point.record_path("B").write_text("junk", encoding="utf-8")
    answers = point.run(ask("A"), ask("B"), options=point.options("single"))
    assert {drive: one.outcome for drive, one in answers.items()} == {"A": "offline", "B": "silent"}


def test_a_storm_of_drives_with_a_holder_each_is_sent_in_parts_that_fit(tmp_path: Path) -> None:
    point = many(tmp_path, 120)
    some = [
        ask(f"D{number:03}", holders=tuple({"protocol": "fc", "id": f"10{port:02x}{number:012x}"} for port in range(12)))
        for number in range(120)
    ]
    answers = point.run(*some)
    assert all(seen(one) == (True, "offline", "offline", True) for one in answers.values())
    assert len(point.executed) > 2
    assert max(map(len, point.executed)) < 100_000


def test_a_name_that_cannot_be_sent_is_the_fault_of_its_drive_only(tmp_path: Path) -> None:
    point = many(tmp_path, 3)
    options = point.options("single", "single", drive_names={"D001": "\ud800"})
    answers = point.run(*asks(3), options=options)
    assert {drive: one.outcome for drive, one in answers.items()} == {"D000": "offline", "D001": "silent", "D002": "offline"}
    assert answers["D001"].reason.startswith("A query must be a list of texts")


# One that hangs.


@pytest.mark.parametrize("verb", ["query", "offline"])
def test_one_drive_that_hangs_does_not_make_the_others_silent(tmp_path: Path, verb: str) -> None:
    point = many(tmp_path, 4)
    point.fault(verb, "stubborn", "D001")
    answers = point.run(*asks(4), options=point.options("single", "single"), policy=SHORT)
    assert {drive: one.outcome for drive, one in answers.items()} == {
        "D000": "offline", "D001": "silent", "D002": "offline", "D003": "offline",
    }


def test_one_query_that_hangs_does_not_take_the_time_for_setting_the_others(tmp_path: Path) -> None:
    point = many(tmp_path, 2)
    point.fault("query", "hang", "D000")
    point.fault("offline", "slow 1.3", "D001")
    answers = point.run(*asks(2), options=point.options("single", "single"), policy=Policy(handshake_timeout=3))
    assert {drive: one.outcome for drive, one in answers.items()} == {"D000": "silent", "D001": "offline"}


# The time that one control point may take.


@pytest.mark.parametrize("timeout", [1, 60])
@pytest.mark.parametrize(
    ("worst", "form", "query", "count", "retries", "relation"),
    [
        ("dead", "single", "single", 1, 0, "foreign"), ("dead", "single", "single", 9, 2, "foreign"),
        ("dead", "list", "all", 9, 2, "foreign"), ("slow", "single", "single", 1, 0, "foreign"),
        ("slow", "single", "single", 1, 0, "none"), ("slow", "single", "single", 9, 0, "none"),
        ("slow", "single", "all", 9, 0, "none"), ("slow", "list", "all", 9, 0, "none"),
        ("lying", "single", "single", 1, 2, "none"), ("lying", "single", "all", 9, 1, "foreign"),
    ],
)
def test_however_slow_everything_is_the_act_ends_within_the_time_that_the_play_gives_it(
    tmp_path: Path, timeout: int, worst: str, form: str, query: str, count: int, retries: int, relation: str
) -> None:
    point = many(tmp_path, count)
    for number in range(count if relation == "none" else 0):
        point.put(f"D{number:03}", "offline")
        point.write_record(f"D{number:03}", target="offline", taken=True)
    policy = Policy(handshake_timeout=timeout, handshake_retries=retries, handshake_retry_delay=5)
    now = [1000.0]

    def execute(command: str, seconds: float) -> str:
        # All the time that is given is used, to the last moment.
        now[0] += seconds
        if worst == "dead":
            raise NoAnswerError("no answer")
        return point.execute(command, 60)

    if worst == "lying":
        point.fault("offline", "lie")
        point.fault("online", "lie")
    place = replace(point.place(), execute=execute, clock=lambda: now[0])
    act = _act.Act(place, custom, point.options(form, query), policy)
    answers: list[Answer] = []

    def sleep(seconds: float) -> None:
        now[0] += seconds

    act.run(asks(count, relation), answers.extend, sleep)
    assert len(answers) == count
    assert now[0] - 1000.0 <= policy.act_seconds(count)


# By hand.


@pytest.mark.parametrize(("state", "target"), [("online", "offline"), ("offline", "online"), ("online", "online"), ("offline", "offline")])
@pytest.mark.parametrize("taken", [False, True])
def test_what_a_person_sets_is_set_and_is_not_taken(point: ControlPoint, state: str, target: str, taken: bool) -> None:
    point.put("D1", state)
    if taken:
        point.write_record(target="offline", was="online", taken=True)
    answer = point.one(relation="none", by_hand=target)
    assert seen(answer) == (True, target, target, False)
    assert answer.changed is (state != target)
    record = point.record()
    assert record is not None
    assert (record.phase, record.taken, record.reason) == ("done", False, f"drive_sharing: set {target} by hand")
    assert record.holds_taken is False


def test_what_a_person_set_offline_is_not_given_back(point: ControlPoint) -> None:
    point.one(relation="none", by_hand="offline")
    assert point.one("D1", "foreign", 6).outcome == "kept"
    assert seen(point.one("D1", "none", 7)) == (True, "kept", "offline", False)


def test_why_a_person_set_it_offline_stays_in_the_record_until_it_is_set_online(point: ControlPoint) -> None:
    point.one(relation="none", by_hand="offline", reason="new head")
    for sequence, relation in ((6, "foreign"), (7, "own"), (8, "none")):
        point.one("D1", relation, sequence)
        record = point.record()
        assert record is not None
        assert (record.sequence, record.reason) == (sequence, "drive_sharing: set offline by hand: new head")
    point.one("D1", "none", 8, by_hand="online", reason="done")
    point.one("D1", "none", 9)
    record = point.record()
    assert record is not None
    assert record.reason == "drive_sharing: released, change 9"


@pytest.mark.parametrize("when", ["kill_before", "kill_after"])
def test_what_a_person_set_offline_is_not_given_back_even_if_the_step_was_killed(point: ControlPoint, when: str) -> None:
    point.fault("offline", when, "D1")
    answer = point.one(relation="none", by_hand="offline")
    assert (answer.confirmed, answer.taken) == (False, False)
    point.put("D1", "offline")
    assert seen(point.one("D1", "none", 7)) == (True, "kept", "offline", False)


def test_a_running_job_is_not_killed_by_hand_either(point: ControlPoint) -> None:
    point.put("D1", "online job 5")
    answer = point.one(relation="none", by_hand="offline")
    assert (answer.confirmed, answer.outcome, point.log()) == (False, "busy", [])


def test_a_drive_that_the_application_lacks_cannot_be_set_by_hand(point: ControlPoint) -> None:
    answer = point.one(ask("D9", "none", by_hand="online"))
    assert (answer.confirmed, answer.outcome) == (False, "not_configured")


def test_by_hand_works_with_a_record_that_is_ahead_of_the_table_and_leaves_it_so(point: ControlPoint) -> None:
    point.put("D1", "offline")
    point.write_record(sequence=40, target="offline", was="online", taken=True)
    answer = point.one("D1", "none", 0, by_hand="online")
    assert seen(answer) == (True, "online", "online", False)
    record = point.record()
    assert record is not None
    assert (record.sequence, record.taken) == (40, False)


def test_by_hand_dry_sets_nothing(point: ControlPoint) -> None:
    before = point.everything()
    answer = point.one(relation="none", by_hand="offline", dry=True)
    assert (answer.set_to, answer.state_read) == ("offline", "online")
    assert point.everything() == before


# Applications that are talked to on their standard input.

CONSOLE = r"""#!/bin/sh
d=$1
while read -r verb rest; do
  case $verb in
  query) for n in $rest; do read -r state <"$d/drives/$n" && printf "%s\\n" "$n $state"; done 2>/dev/null; echo end ;;
  quit) exit 0 ;;
  *) printf "%s\\n" "$verb $rest" >>"$d/log"; printf "%s\\n" "$verb" >"$d/drives/$rest" ;;
  esac
done
"""


class Console:
    """One dialogue for all drives."""

    read = staticmethod(custom.read)

    def __init__(self, point: ControlPoint) -> None:
        program = point.app.parent / "console"
        program.write_text(CONSOLE, encoding="utf-8")
        program.chmod(0o755)
        self.words = (str(program), str(point.app))

    def queries(self, _options: Any, targets: Any) -> list[Any]:
        return [Dialogue(self.words, (" ".join(["query", *(target.drive for target in targets)]), "quit"))]

    def settings(self, _options: Any, state: str, _names: Any, targets: Any) -> list[Setting]:
        lines = tuple((target.drive, f"{state} {target.drive}") for target in targets)
        return [Setting(tuple(target.drive for target in targets), (Dialogue(self.words, (*lines, "quit")),))]


def test_many_drives_are_set_in_one_dialogue(tmp_path: Path) -> None:
    point = ControlPoint(tmp_path, D1="online", D2="online", D3="offline")
    answers: list[Answer] = []
    _act.Act(point.place(), Console(point), point.options(), Policy()).run(  # type: ignore[arg-type]
        [ask("D1"), ask("D2"), ask("D3"), ask("D9")], answers.extend, time.sleep
    )
    assert {one.ask.drive: one.outcome for one in answers} == {
        "D1": "offline", "D2": "offline", "D3": "kept", "D9": "not_configured",
    }
    assert sorted(point.log()) == ["offline D1", "offline D2"]


def test_a_drive_whose_record_changed_meanwhile_is_left_out_of_the_dialogue(tmp_path: Path) -> None:
    point = ControlPoint(tmp_path, D1="online", D2="online")

    def overtake(number: int) -> None:
        if number == 1:
            point.write_record("D1", sequence=9, target="none", was="online")

    point.before = overtake
    answers: list[Answer] = []
    _act.Act(point.place(), Console(point), point.options(), Policy()).run(  # type: ignore[arg-type]
        [ask("D1", table_sequence=9), ask("D2")], answers.extend, time.sleep
    )
    assert {one.ask.drive: one.outcome for one in answers} == {"D1": "superseded", "D2": "offline"}
    assert point.log() == ["offline D2"]


# Applications that forget.


class Forgetful:
    """The application custom, as one that may forget that a drive is offline."""

    check, queries, read, settings = custom.check, custom.queries, custom.read, custom.settings

    @staticmethod
    def recheck(_options: Any) -> float:
        return 60.0


@pytest.mark.parametrize(
    ("state", "relation", "wanted"),
    [("online", "foreign", 60.0), ("offline conflict", "foreign", 60.0), ("offline", "foreign", 0.0), ("online", "own", 0.0)],
    ids=["set offline", "adopted", "kept", "own"],
)
def test_a_drive_that_is_taken_is_read_again_where_the_application_forgets(
    point: ControlPoint, state: str, relation: str, wanted: float
) -> None:
    point.put("D1", state)
    answers: list[Answer] = []
    act = _act.Act(point.place(), Forgetful, point.options(), Policy())  # type: ignore[arg-type]
    act.run([ask("D1", relation)], answers.extend, time.sleep)
    assert [one.recheck for one in answers] == [wanted]
    assert as_row(answers[0], "host", 1000.0)["recheck_at"] == (1060.0 if wanted else None)


def test_a_drive_that_came_online_again_is_set_again_and_it_is_said(point: ControlPoint) -> None:
    assert point.one().reason == ""
    point.put("D1", "online")
    again = point.one()
    assert seen(again) == (True, "offline", "offline", True)
    assert again.reason == "it had come online again, by a restart of the application or by a person, and was set offline anew"
    assert point.one("D1", "foreign", 6).reason == ""


def test_a_drive_that_is_taken_is_not_read_again_where_the_application_remembers(point: ControlPoint) -> None:
    assert as_row(point.one(), "host", 1000.0)["recheck_at"] is None


# Nothing that comes from outside is ever run.


@pytest.mark.parametrize("name", ["$(touch pwned)", "`touch pwned`", "a;touch pwned", "a b", "*", "a'b", 'a"b', "a\\b", "a\tb", "é"])
def test_a_name_with_characters_of_the_shell_is_a_name(tmp_path: Path, name: str) -> None:
    point = ControlPoint(tmp_path)
    point.put(name, "online")
    options = point.options("single", "single", drive_names={"D1": name}, query_pattern=r"^(?P<name>.+) (?P<state>\w+)$")
    assert seen(point.one(options=options)) == (True, "offline", "offline", True)
    assert point.state(name) == "offline"
    assert not list(tmp_path.rglob("pwned"))
    assert not Path("pwned").exists()
