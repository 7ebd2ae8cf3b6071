# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every situation that there can be at a control point, against the decision table stated anew in predicates."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._decision import (
    ASKED_AGAIN,
    OUTCOMES,
    RELATIONS,
    STATES,
    Decision,
    Situation,
    decide,
)

#: (sequence, the table's sequence, the record's sequence): none yet, older, equal, newer but issued by the table, beyond it.
SEQUENCES = [(5, 5, 0), (5, 5, 4), (5, 5, 5), (5, 7, 5), (5, 7, 6), (5, 7, 7), (5, 7, 8), (5, 5, 6)]
FLAGS = (
    "taken", "kept_before", "connected", "configured", "in_use", "ending", "offline_kills_job", "conflict", "at_floor", "error_state",
    "stopped",
)
ALL = [
    Situation(
        relation=relation, state=state, sequence=sequence, table_sequence=table, record_sequence=record,
        **dict(zip(FLAGS, flags, strict=True)),
    )
    for relation, state, (sequence, table, record), flags in itertools.product(
        RELATIONS, STATES, SEQUENCES, itertools.product((False, True), repeat=len(FLAGS))
    )
]

Predicate = Callable[[Situation], bool]


# The columns of the table.


def known(now: Situation) -> bool:
    return now.connected and now.configured


def late(now: Situation) -> bool:
    return now.sequence < now.record_sequence


def in_time(now: Situation) -> bool:
    return known(now) and not late(now)


def readable(now: Situation) -> bool:
    return in_time(now) and now.state != "other"


def held_by_others(now: Situation) -> bool:
    """Known and all foreign; or not to be known, and not in use here."""
    return now.relation == "foreign" or (now.relation in ("unknown", "ambiguous") and not now.in_use)


def to_be_offline(now: Situation) -> bool:
    return readable(now) and held_by_others(now)


def wrongly_online(now: Situation) -> bool:
    return to_be_offline(now) and now.state == "online"


def to_be_set_offline(now: Situation) -> bool:
    return wrongly_online(now) and not now.stopped


def still_used(now: Situation) -> bool:
    return now.ending and not now.stopped


def set_aside(now: Situation) -> bool:
    return to_be_offline(now) and now.state == "offline" and not still_used(now)


def adoptable(now: Situation) -> bool:
    return now.conflict and not now.kept_before and not now.stopped


def kills(now: Situation) -> bool:
    return now.in_use and now.offline_kills_job


def to_be_given_back(now: Situation) -> bool:
    return readable(now) and now.taken and now.relation in ("own", "none")


def nothing_to_set(now: Situation) -> bool:
    """The state does not matter: a drive that is not taken is not given back, and one that is in use here is not taken."""
    return (now.relation in ("own", "none") and not now.taken) or (now.relation in ("unknown", "ambiguous") and now.in_use)


def fenced(now: Situation) -> bool:
    return now.error_state and now.state == "offline"


#: outcome, when, confirms, what it sets, whether the drive is taken afterwards (None: as it was), whether the record gets
#: the sequence.
ROWS: list[tuple[str, Predicate, bool, str | None, bool | None, bool]] = [
    ("not_connected", lambda now: not now.connected, True, None, None, False),
    ("not_configured", lambda now: now.connected and not now.configured, True, None, None, False),
    ("superseded", lambda now: known(now) and late(now) and now.record_sequence <= now.table_sequence, True, None, None, False),
    ("behind", lambda now: known(now) and late(now) and now.record_sequence > now.table_sequence, False, None, None, False),
    ("unreadable", lambda now: in_time(now) and now.state == "other" and not nothing_to_set(now), False, None, None, False),
    ("own", lambda now: in_time(now) and now.relation == "own" and not now.taken, True, None, False, True),
    (
        "own", lambda now: to_be_given_back(now) and now.relation == "own" and now.state == "offline" and not fenced(now),
        True, "online", False, True,
    ),
    ("own", lambda now: to_be_given_back(now) and now.relation == "own" and now.state == "online", True, None, False, True),
    ("kept", lambda now: in_time(now) and now.relation == "none" and not now.taken, True, None, False, True),
    (
        "online", lambda now: to_be_given_back(now) and now.relation == "none" and now.state == "offline" and not fenced(now),
        True, "online", False, True,
    ),
    ("online", lambda now: to_be_given_back(now) and now.relation == "none" and now.state == "online", True, None, False, True),
    ("held", lambda now: to_be_given_back(now) and fenced(now), True, None, True, True),
    (
        "presumed_own", lambda now: in_time(now) and now.relation in ("unknown", "ambiguous") and now.in_use,
        True, None, None, True,
    ),
    ("busy", lambda now: to_be_offline(now) and now.state == "offline" and still_used(now), False, None, None, False),
    ("offline", lambda now: set_aside(now) and now.taken, True, None, True, True),
    (
        "adopted",
        lambda now: set_aside(now) and not now.taken and adoptable(now),
        True, None, True, True,
    ),
    (
        "kept",
        lambda now: set_aside(now) and not now.taken and not adoptable(now),
        True, None, False, True,
    ),
    ("stopped", lambda now: wrongly_online(now) and now.stopped, True, None, False, True),
    ("busy", lambda now: to_be_set_offline(now) and kills(now), False, None, None, False),
    ("floor", lambda now: to_be_set_offline(now) and not kills(now) and now.at_floor, False, None, None, False),
    ("offline", lambda now: to_be_set_offline(now) and not kills(now) and not now.at_floor, True, "offline", True, True),
]


def expected(now: Situation) -> list[Decision]:
    return [
        Decision(outcome, confirms, now.taken if taken is None else taken, set_to, record)
        for outcome, applies, confirms, set_to, taken, record in ROWS
        if applies(now)
    ]


def wrong(invariant: Callable[[Situation, Decision], bool]) -> list[tuple[Situation, Decision]]:
    """The situations, a few of them, for which the invariant does not hold."""
    return list(itertools.islice(((now, decide(now)) for now in ALL if not invariant(now, decide(now))), 3))


def test_every_situation_is_decided_as_the_one_row_that_applies_to_it_says() -> None:
    faults = list(itertools.islice(((now, expected(now), decide(now)) for now in ALL if expected(now) != [decide(now)]), 3))
    assert faults == []


def test_every_row_applies_to_some_situation() -> None:
    assert [row[0] for row in ROWS if not any(row[1](now) for now in ALL)] == []


def test_every_outcome_that_is_explained_occurs_and_no_other_does() -> None:
    assert {decide(now).outcome for now in ALL} == set(OUTCOMES)


def test_only_a_taken_drive_is_ever_set_online() -> None:
    assert wrong(lambda now, done: done.set_to != "online" or now.taken) == []


def test_a_late_change_sets_nothing_records_nothing_and_leaves_taken_as_it_is() -> None:
    assert wrong(lambda now, done: not late(now) or (done.set_to, done.record, done.taken) == (None, False, now.taken)) == []


def test_a_late_change_is_confirmed_only_if_the_table_brings_the_newer_one_by_itself_or_nobody_is_concerned() -> None:
    assert wrong(
        lambda now, done: not (late(now) and done.confirms) or not known(now) or now.record_sequence <= now.table_sequence
    ) == []


def test_a_drive_in_its_error_state_is_never_set_online() -> None:
    assert wrong(lambda now, done: not now.error_state or done.set_to != "online") == []


@pytest.mark.parametrize("relation", ["own", "none"])
def test_nothing_is_set_offline_for_the_holder_itself_or_when_nobody_holds_the_drive(relation: str) -> None:
    assert wrong(lambda now, done: now.relation != relation or done.set_to != "offline") == []


def test_a_drive_held_by_others_is_never_set_online() -> None:
    assert wrong(lambda now, done: not held_by_others(now) or done.set_to != "online") == []


def test_a_confirmed_drive_that_others_hold_is_offline_or_set_offline_or_of_no_concern() -> None:
    def safe(now: Situation, done: Decision) -> bool:
        if not (held_by_others(now) and done.confirms and known(now) and not late(now)):
            return True
        return (now.state == "offline" and not now.ending) or done.set_to == "offline" or now.stopped

    assert wrong(safe) == []


def test_a_running_job_is_never_killed() -> None:
    assert wrong(lambda now, done: not kills(now) or done.set_to != "offline") == []


def test_a_drive_in_use_here_is_left_alone_while_nobody_knows_who_holds_it() -> None:
    assert wrong(
        lambda now, done: now.relation not in ("unknown", "ambiguous") or not now.in_use or done.set_to is None
    ) == []


def test_the_floor_is_kept() -> None:
    assert wrong(lambda now, done: not now.at_floor or done.set_to != "offline") == []


def test_while_sharing_is_stopped_nothing_is_set_offline_and_nothing_is_taken_anew() -> None:
    assert wrong(lambda now, done: not now.stopped or (done.set_to != "offline" and now.taken >= done.taken)) == []


def test_that_sharing_is_stopped_keeps_no_drive_from_being_given_back() -> None:
    assert wrong(
        lambda now, done: done.set_to != "online" or decide(Situation(**{**now.__dict__, "stopped": not now.stopped})) == done
    ) == []


def test_what_is_already_as_wanted_is_not_set_again() -> None:
    assert wrong(lambda now, done: done.set_to != now.state) == []


def test_nothing_is_set_where_the_state_cannot_be_read_or_the_drive_is_not_known() -> None:
    assert wrong(lambda now, done: (known(now) and now.state != "other") or done.set_to is None) == []


def test_what_is_set_is_confirmed_and_recorded() -> None:
    assert wrong(lambda _now, done: done.set_to is None or (done.confirms and done.record)) == []


def test_what_is_set_offline_is_taken_and_what_is_set_online_is_not_any_more() -> None:
    assert wrong(lambda _now, done: done.set_to is None or done.taken == (done.set_to == "offline")) == []


def test_a_drive_becomes_taken_only_by_being_set_offline_or_adopted() -> None:
    assert wrong(
        lambda now, done: now.taken or not done.taken or done.set_to == "offline" or done.outcome == "adopted"
    ) == []


def test_a_drive_is_given_up_as_taken_only_where_it_is_online_or_set_online() -> None:
    assert wrong(
        lambda now, done: not now.taken or done.taken or done.set_to == "online" or now.state == "online"
    ) == []


def test_what_is_asked_again_is_no_confirmation() -> None:
    assert wrong(lambda _now, done: not done.confirms or done.outcome not in ASKED_AGAIN) == []


def test_doing_a_change_again_after_it_was_done_sets_nothing() -> None:
    def idempotent(now: Situation, done: Decision) -> bool:
        if done.set_to is None:
            return True
        again = decide(
            Situation(**{**now.__dict__, "state": done.set_to, "taken": done.taken, "record_sequence": now.sequence})
        )
        return again.set_to is None and (again.confirms or still_used(now)) and again.taken == done.taken

    assert wrong(idempotent) == []
