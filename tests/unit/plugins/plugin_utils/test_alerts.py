# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in the rule engine's log while drives are not confirmed, over a real drive table."""

from __future__ import annotations

import string

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _alerts,
    _changes,
    _dispatch,
    _history,
    _play,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import Policy
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import World

HUNG = "the query did not end in time and was stopped"
HOSTS = string.ascii_lowercase[:20]


class Log:
    """The plays that nobody answers, and what the dispatcher tells of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.alerts = _alerts.Alerts()
        self.heard = 0
        self.policy = Policy()
        self.kinds: list[str] = []
        self.drives: list[tuple[str, ...]] = []

    def outage(self, *, silent: str = HOSTS, reason: str = HUNG) -> None:
        """Play what is due; the hosts of ``silent`` do not answer, the others confirm."""
        play = self.world.play()
        play.confirm(*(
            play.answer(host, drive, **(
                {"confirmed": False, "outcome": "silent", "reason": reason, "taken": None} if host in silent else {}
            ))
            for drive in play.drives for host in play.world.answers(drive)
        ))
        done = _play.handshake(self.world.store, play.batch, self.policy, self.world.now)
        with self.world.transaction() as tx:
            for row in done.force:
                # As if the library had done it.
                tx.execute("UPDATE drives SET error_state = 'error' WHERE drive = ?", (row["drive"],))
                _history.add(tx, self.world.now, "error", f"Drive {row['drive']} is in its error state: {row['reason']}", row["drive"])
                tx.many("INSERT INTO forced (host, drive, at) VALUES (?, ?, ?)", [(host, row["drive"], self.world.now) for host in row["hosts"]])
            _dispatch.finish(tx, play.batch, self.world.now)

    def look(self, after: float = 0.0, under_way: int = 0) -> list[str]:
        """Give what is told of what has come up to now, at once or after some seconds."""
        with self.world.transaction() as tx:
            rows = _history.since(tx, self.heard, 10_000)
            self.heard = rows[-1]["id"] if rows else self.heard
            lines = self.alerts.take(tx, rows, self.world.now)
            self.world.now += after
            told = lines + self.alerts.look(tx, self.world.now, under_way)
        self.kinds = [one.kind for one in told]
        self.drives = [one.drives for one in told]
        return [one.message for one in told]

    def see(self, count: int, status: str = "reserved", first: int = 0) -> None:
        for number in range(first, first + count):
            self.world.see(status, *("a" if status == "reserved" else ""), drive=f"D{number:03}")


@pytest.fixture
def log(world: World) -> Log:
    world.hosts(HOSTS, [f"D{number:03}" for number in range(110)])
    return Log(world)


def test_an_outage_of_all_hosts_with_all_drives_is_one_line(log: Log) -> None:
    log.see(100)
    log.outage()
    assert log.look(under_way=1) == []
    assert log.look(_alerts.HOLD) == [
        f"100 drives (D000, D001, D002 and 97 more) were not confirmed by 20 control points ({', '.join(HOSTS)}): {HUNG}; it is"
        " owed and asked again. In their error state: D000, D001. No more are put into it: the limit of 2 drives an hour for"
        " one silent control point is reached (drive_sharing_error_limit)."
    ]


def test_changes_and_attempts_while_it_lasts_are_nothing_new(log: Log) -> None:
    log.see(100)
    log.outage()
    assert len(log.look(_alerts.HOLD)) == 1
    for turn in range(20):
        log.see(50, "reserved" if turn % 2 else "released")
        log.world.now += 120
        log.outage()
        assert log.look(_alerts.HOLD_MOST) == []


def test_what_many_batches_leave_is_told_together(log: Log) -> None:
    log.see(1)
    log.outage()
    assert log.look(_alerts.HOLD, under_way=3) == []
    log.see(99, first=1)
    log.outage()
    (line,) = log.look(_alerts.HOLD)
    assert line.startswith("100 drives")


def test_plays_that_do_not_end_keep_nothing_back_for_long(log: Log) -> None:
    log.see(9)
    log.outage()
    assert log.look(_alerts.HOLD_MOST - 1, under_way=4) == []
    assert len(log.look(1, under_way=4)) == 1


def test_drives_of_which_nobody_could_be_asked_are_one_line_too(log: Log) -> None:
    message = "Drive {} (change 1, reserved): none of its control points is in the inventory, so nobody was asked; it is owed."
    with log.world.transaction() as tx:
        for number in range(50):
            drive = f"D{number:03}"
            _history.add(tx, log.world.now, "silent", message.format(drive), drive)
    assert log.look(_alerts.HOLD) == [f"{message.format('D000')} So it is with 50 drives (D000, D001, D002 and 47 more)."]


def test_a_few_drives_are_told_one_by_one_and_the_error_state_in_the_same_line(log: Log) -> None:
    log.see(2)
    log.policy = Policy(error_limit=1)
    log.outage(silent="c")
    assert log.look(_alerts.HOLD) == [
        f"Drive D000 is in its error state: Drive D000 (change 1, reserved) was not confirmed by c: {HUNG}.",
        f"Drive D001 (change 1, reserved) was not confirmed by c: {HUNG}; it is owed and asked again, but not put into its error"
        " state: the limit of 1 drive an hour for one silent control point is reached (drive_sharing_error_limit); see what c"
        " suffers from.",
    ]


def test_more_drives_of_the_same_host_are_told_with_growing_pauses(log: Log) -> None:
    log.policy = Policy(error_on=())
    told = []
    for number in range(100):
        log.see(1, first=number)
        log.outage(silent="c")
        told.append(bool(log.look(120)))
    assert told[0] is True
    gaps = [second - first for first, second in zip(
        (place for place, one in enumerate(told) if one), [place for place, one in enumerate(told) if one][1:], strict=False
    )]
    assert gaps == sorted(gaps)
    assert (gaps[0], gaps[-1]) == (3, 31)


def test_another_host_and_another_error_are_told_at_once(log: Log) -> None:
    log.policy = Policy(error_on=())
    log.see(1)
    log.outage(silent="c")
    assert len(log.look(_alerts.HOLD)) == 1
    log.see(1, first=1)
    log.outage(silent="cd")
    assert "by c: " in "".join(log.look(_alerts.HOLD))
    log.see(1, first=2)
    log.policy = Policy()
    log.outage(silent="c")
    assert log.look(_alerts.HOLD)[0].startswith("Drive D002 is in its error state")


def test_the_end_is_told_and_begins_anew(log: Log) -> None:
    log.see(9)
    log.outage(silent="c")
    log.look(_alerts.HOLD)
    assert log.look(_alerts.LOOK) == []
    log.world.now += 400
    log.outage(silent="")
    assert log.look(_alerts.LOOK) == [
        "9 drives (D000, D001, D002 and 6 more) are now confirmed by all control points. Still in the error state, until the"
        " playbook clear_error is run: D000, D001."
    ]
    log.see(9, "released")
    log.outage(silent="c")
    assert len(log.look(_alerts.HOLD)) == 1


def test_the_end_of_one_is_told_too_but_not_while_a_job_keeps_it(log: Log) -> None:
    log.policy = Policy(error_on=())
    log.see(1)
    log.outage(silent="c")
    log.look(_alerts.HOLD)
    log.world.now += 400
    play = log.world.play()
    play.confirm(play.answer("c", "D000", confirmed=False, outcome="busy", taken=False))
    assert log.look(_alerts.LOOK) == []
    play.confirm(play.answer("c", "D000"))
    assert log.look(_alerts.LOOK) == ["Drive D000 is now confirmed by all control points."]


def test_what_was_owed_before_the_start_is_told(log: Log) -> None:
    log.policy = Policy(error_on=())
    log.see(1)
    log.outage(silent="c")
    log.look()
    log.alerts = _alerts.Alerts()
    with log.world.transaction() as tx:
        log.alerts.start(tx, log.world.now)
    assert log.look(_alerts.HOLD) == [
        f"Drive D000 (change 1, reserved) was not confirmed by c: {HUNG}; it is owed and asked again."
    ]


def test_entries_of_other_kinds_are_told_up_to_a_number_within_a_minute(log: Log) -> None:
    def add(count: int) -> None:
        with log.world.transaction() as tx:
            for number in range(count):
                _history.add(tx, log.world.now, "contradiction", f"Drive D{number} was released by another.", f"D{number}")
            _history.add(tx, log.world.now, "answer", "of no interest", "D1")

    add(30)
    assert len(log.look()) == _alerts.LINES
    assert log.look(30) == []
    assert log.look(30) == [
        "The history of the drive table has 20 more entries of the kind contradiction; the module drive_table_info shows them."
    ]
    add(1)
    assert log.look() == ["Drive D0 was released by another."]


def test_a_record_that_is_ahead_of_the_table_is_told(log: Log) -> None:
    log.see(1)
    with log.world.transaction() as tx:
        _changes.raise_sequence(tx, "D000", 41, log.world.now)
    told = log.look()
    assert len(told) == 1
    assert told[0].startswith("Drive D000: a record was at change 41, the drive table only at 1;")


def test_a_clock_that_is_set_back_does_not_keep_anything_back(log: Log) -> None:
    log.see(9)
    log.outage()
    log.look()
    log.world.now -= 86_400
    assert len(log.look()) == 1
