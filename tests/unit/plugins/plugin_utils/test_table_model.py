# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drive table's promises (design 4.3), tried with long random histories of changes, plays and deaths.

A failure names its seed and its last steps; the same seed does the same again. On SQLite here, on PostgreSQL in
tests/integration.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _associations,
    _changes,
    _dispatch,
    _error_state,
    _history,
)
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import Play, World, port

#: Few of everything: what goes wrong between them goes wrong soon.
DRIVES = ("D1", "D2")
HOSTS = "abc"
SEEDS = [int(text) for text in os.environ.get("DRIVE_SHARING_SEEDS", "1 2 3 4 5 6 7 8").split()]
STEPS = int(os.environ.get("DRIVE_SHARING_STEPS", "1500"))


class Site:
    """Each step is one transaction of one of the processes; each may be the last that its process does."""

    def __init__(self, store: Any, seed: int) -> None:
        self.store = store
        self.world = World(store)
        self.chance = random.Random(seed)
        self.plays: list[Play] = []
        #: What plays were allowed to force, and have not told the end of.
        self.forcing: set[tuple[str, int, str, int]] = set()
        self.newest: dict[str, int] = {}
        self.trace: list[str] = []
        self.settled = self.lates = self.forced = 0
        self.world.hosts(HOSTS, DRIVES)
        self.steps: list[tuple[int, Callable[[], None]]] = [
            (6, self.reserve), (3, self.release), (2, self.read_level), (4, self.wait), (16, self.claim_what_is_due),
            (2, self.emit_what_is_due), (6, self.claim_what_was_emitted), (2, self.expire), (16, self.answer),
            (3, self.finish), (1, self.concern_nobody), (8, self.force), (6, self.library_answered), (2, self.clear),
            (1, self.redo), (1, self.find_a_newer_record), (2, self.opt), (1, self.forget), (1, self.prune),
            (2, self.everybody_lives_and_answers),
        ]

    def walk(self, steps: int) -> None:
        """Go so many steps, and look after each."""
        weights = [weight for weight, _step in self.steps]
        for _turn in range(steps):
            step = self.chance.choices(self.steps, weights)[0][1]
            self.trace.append(step.__name__)
            step()
            self.look()

    def drive(self) -> str:
        return self.chance.choice(DRIVES)

    def a_play(self) -> Play | None:
        """Most often the last one, for the others have little to say any more."""
        back = self.chance.choice([1, 1, 1, 1, 1, 1, 2, 3])
        return self.plays[-back] if len(self.plays) >= back else None

    # --- what detectors see

    def reserve(self) -> None:
        self.world.see("reserved", self.chance.choice(HOSTS), drive=self.drive())

    def release(self) -> None:
        by = self.chance.choice(["a", "b", "z", None, None])
        self.world.see("released", drive=self.drive(), port=None if by is None else port(ord(by) - ord("a")))

    def read_level(self) -> None:
        drive = self.drive()
        seen = self.newest.get(drive, 0) - self.chance.choice([0, 0, 1])
        self.world.see("released", drive=drive, level=True, seen_sequence=max(0, seen))

    # --- the dispatcher

    def wait(self) -> None:
        self.world.now += self.chance.choice([0.1, 1, 5, 10, 61, 130, 4000])

    def claim_what_is_due(self) -> None:
        if self.world.due():
            self.plays.append(self.world.play())

    def emit_what_is_due(self) -> None:
        if self.world.due():
            self.world.emit()

    def claim_what_was_emitted(self) -> None:
        with self.world.transaction() as tx:
            batches = _dispatch.unclaimed(tx, self.world.now, 0)
        if batches:
            self.plays.append(self.world.play(batch=batches[0]))

    def expire(self) -> None:
        alive = self.chance.random() < 0.7
        with self.world.transaction() as tx:
            _dispatch.expire(tx, self.world.now, lambda claimer: alive)

    # --- plays, dead or alive, in time or late

    def answer(self) -> None:
        play = self.a_play()
        if play is None:
            return
        who = self.chance.choice([HOSTS, HOSTS, HOSTS, HOSTS, "a", "bc", "c"])
        outcome = self.chance.choice(["offline"] * 8 + ["busy", ""])
        found = play.confirm(*(
            play.answer(
                host, drive, taken=self.chance.choice([True, False, None]), outcome=outcome,
                confirmed=outcome == "offline", recheck_at=self.world.now + 30 if self.chance.random() < 0.1 else None,
            )
            for drive in play.drives for host in who
        ))
        self.settled += len(found.settled)
        self.lates += len(found.late)

    def finish(self) -> None:
        play = self.a_play()
        if play is not None:
            play.finish()

    def concern_nobody(self) -> None:
        play = self.a_play()
        for drive in play.drives if play else ():
            with self.world.transaction() as tx:
                before = self.row(tx, drive)
                done = _dispatch.settle_now(tx, play.batch, drive, "nobody", self.world.now)  # type: ignore[union-attr]
            assert done == (before["batch"] == play.batch and before["error_state"] in ("", "error"))  # type: ignore[union-attr]

    def force(self) -> None:
        play = self.a_play()
        if play is None:
            return
        for drive, row in play.drives.items():
            with self.world.transaction() as tx:
                before = self.row(tx, drive)
                allowed, why = _error_state.begin_error(
                    tx, play.batch, drive, row["sequence"], row["attempt"], list(HOSTS), 0, self.world.now)
            assert allowed == (why == "")
            if allowed:
                # I9
                self.forced += 1
                claim = (play.batch, row["sequence"], row["attempt"])
                assert (before["batch"], before["sequence"], before["attempt"]) == claim
                assert before["lease_until"] > self.world.now
                self.forcing.add((play.batch, row["attempt"], drive, row["sequence"]))

    def library_answered(self) -> None:
        ok, comes_back = self.chance.random() < 0.7, self.chance.random() < 0.7
        if not self.forcing:
            return
        batch, attempt, drive, sequence = self.chance.choice(sorted(self.forcing))
        if self.chance.random() < 0.9:  # else it is told once more later
            self.forcing.discard((batch, attempt, drive, sequence))
        with self.world.transaction() as tx:
            before = self.row(tx, drive)
            verdict = _error_state.finish_error(tx, batch, drive, sequence, attempt, ok, "", self.world.now)
        held = (before["batch"], before["sequence"], before["attempt"]) == (batch, sequence, attempt)
        if verdict == "error" and before["error_attempt"] == attempt and before["error_state"] == "forcing":
            assert held
            assert before["lease_until"] > self.world.now
        if verdict == "undo" and comes_back:
            with self.world.transaction() as tx:
                _error_state.error_undone(tx, drive, self.world.now)

    def clear(self) -> None:
        drive = self.drive()
        with self.world.transaction() as tx:
            allowed, _why = _error_state.begin_clear(tx, drive, self.world.now)
        if allowed and self.chance.random() < 0.7:
            with self.world.transaction() as tx:
                _error_state.cleared(tx, drive, self.world.now)
                row = self.row(tx, drive)
            assert row["settled"] < row["sequence"]

    # --- people

    def redo(self) -> None:
        with self.world.transaction() as tx:
            _changes.redo(tx, self.drive(), "wish", self.world.now)

    def find_a_newer_record(self) -> None:
        drive = self.drive()
        at_least = self.newest.get(drive, 0) + self.chance.choice([-1, 0, 5])
        with self.world.transaction() as tx:
            _changes.raise_sequence(tx, drive, max(0, at_least), self.world.now)

    def opt(self) -> None:
        self.world.host(self.chance.choice(HOSTS), DRIVES, managed=self.chance.random() < 0.8)

    def forget(self) -> None:
        with self.world.transaction() as tx:
            _associations.forget_host(tx, self.chance.choice(HOSTS), self.world.now)

    def prune(self) -> None:
        with self.world.transaction() as tx:
            _history.prune(tx, self.world.now, self.chance.choice([0.0, 1e9]))

    # --- what holds always

    @staticmethod
    def row(tx: Any, drive: str) -> dict[str, Any]:
        return tx.execute("SELECT * FROM drives WHERE drive = ?", (drive,))[0]

    def look(self) -> None:
        with self.store.read() as tx:
            rows = _changes.states(tx)
            open_batches = {row["batch"] for row in tx.execute("SELECT batch FROM batches WHERE ended_at IS NULL")}
            answers = tx.execute("SELECT * FROM answers WHERE expected = 1")
            assert tx.execute("SELECT message FROM history WHERE kind = 'invalid'") == []
        for row in rows:
            drive, settled = row["drive"], row["settled"] == row["sequence"]
            assert row["batch"] is None or row["batch"] in open_batches
            comes_again = row["due"] is not None or row["batch"] is not None
            missing = [
                one for one in answers
                if one["drive"] == drive and one["sequence"] == row["sequence"] and not one["confirmed"]
            ]
            # I8: what is not settled, or owed, or half done at the library, comes again.
            assert settled or comes_again, f"{drive} is lost"
            assert not missing or comes_again, f"an answer about {drive} is owed for ever"
            assert row["error_state"] in ("", "error") or comes_again, f"{drive} stays {row['error_state']} for ever"
            # I1: settled is what all have confirmed, or what is in its error state.
            if settled and row["settled_why"] == "confirmed" and not row["error_state"]:
                assert not missing or row["due"] is not None, f"{drive} is settled too early"
            if settled and row["settled_why"] == "in its error state":
                assert row["error_state"] in ("error", "clearing")
            if row["batch"] is None:
                assert row["claimed_sequence"] is None
            assert row["settled"] <= row["sequence"]
            assert row["sequence"] >= self.newest.get(drive, 0), "a sequence went back"
            self.newest[drive] = row["sequence"]

    def everybody_lives_and_answers(self) -> None:
        """However bad it was: a quiet time of plays that answer settles everything."""
        for _turn in range(12):
            self.world.now += 4000
            with self.world.transaction() as tx:
                _dispatch.expire(tx, self.world.now, lambda claimer: False)
                for batch in _dispatch.unclaimed(tx, self.world.now, 0):
                    _dispatch.finish(tx, batch, self.world.now)
            self.world.now += 4000
            if not self.world.due():
                break
            play = self.world.play()
            for drive in play.drives:
                asked = [row for row in play.plan if row["drive"] == drive]
                if not asked:
                    with self.world.transaction() as tx:
                        _dispatch.settle_now(tx, play.batch, drive, "nobody", self.world.now)
                play.confirm(*(play.answer(row["host"], drive) for row in asked))
            with self.world.transaction() as tx:
                for row in _dispatch.verdict(tx, play.batch, self.world.now):
                    if row["forcing_left"]:
                        _error_state.error_undone(tx, row["drive"], self.world.now)
            play.finish()
        with self.store.read() as tx:
            for row in _changes.states(tx):
                assert row["settled"] == row["sequence"], f"{row['drive']} does not come to rest"
                assert (row["due"], row["batch"]) == (None, None)
                assert row["error_state"] in ("", "error")


def try_history(store: Any, seed: int) -> None:
    """Walk, and come to rest."""
    site = Site(store, seed)
    try:
        site.walk(STEPS)
        site.everybody_lives_and_answers()
    except AssertionError as exc:
        msg = f"{exc}\nseed {seed}, step {len(site.trace)}, after {', '.join(site.trace[-25:])}"
        raise AssertionError(msg) from exc
    if STEPS >= 1000:
        assert min(site.settled, site.lates, site.forced) > 5, "the history was too tame to show anything"


@pytest.mark.parametrize("seed", SEEDS)
def test_random_histories_lose_nothing_settle_nothing_early_and_come_to_rest(store: Any, seed: int) -> None:
    try_history(store, seed)
