# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A model of the drive table's promises (design 4.3), tried with random histories of changes, plays and deaths."""

from __future__ import annotations

import tempfile
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _associations,
    _changes,
    _dispatch,
    _error_state,
    _history,
    _store,
)
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.conftest import MEMORY
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import Play, World, port

DRIVES = ("D1", "D2")
HOSTS = "abc"
drives = st.sampled_from(DRIVES)
hosts = st.sampled_from(HOSTS)


class Site(RuleBasedStateMachine):
    """Each rule is one transaction of one of the processes; each may be the last that its process does."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.store: Any = _store.open_store(f"{self.directory.name}/table", create=True, site="model")
        self.world = World(self.store)
        self.plays: list[Play] = []
        self.newest: dict[str, int] = {}

    def teardown(self) -> None:
        self.store.close()
        self.directory.cleanup()

    @initialize()
    def associations(self) -> None:
        self.world.hosts(HOSTS, DRIVES)

    # --- what detectors see

    @rule(drive=drives, holder=hosts)
    def reserve(self, drive: str, holder: str) -> None:
        self.world.see("reserved", holder, drive=drive)

    @rule(drive=drives, by=st.sampled_from(["a", "b", "z", None]))
    def release(self, drive: str, by: str | None) -> None:
        self.world.see("released", drive=drive, port=None if by is None else port(ord(by) - ord("a")))

    @rule(drive=drives, seen=st.integers(0, 20))
    def read_level(self, drive: str, seen: int) -> None:
        self.world.see("released", drive=drive, level=True, seen_sequence=seen)

    # --- the dispatcher

    @rule(seconds=st.sampled_from([1, 7, 61, 130, 4000]))
    def wait(self, seconds: int) -> None:
        self.world.now += seconds

    @rule()
    def claim_what_is_due(self) -> None:
        if self.world.due():
            self.plays.append(self.world.play())

    @rule()
    def emit_what_is_due(self) -> None:
        if self.world.due():
            self.world.emit()

    @rule()
    def claim_what_was_emitted(self) -> None:
        with self.world.transaction() as tx:
            batches = _dispatch.unclaimed(tx, self.world.now, 0)
        if batches:
            self.plays.append(self.world.play(batch=batches[0]))

    @rule(alive=st.booleans())
    def expire(self, alive: bool) -> None:
        with self.world.transaction() as tx:
            _dispatch.expire(tx, self.world.now, lambda claimer: alive)

    # --- plays, dead or alive, in time or late

    @precondition(lambda self: self.plays)
    @rule(data=st.data(), who=st.sets(hosts), taken=st.sampled_from([True, False, None]),
          outcome=st.sampled_from(["offline", "offline", "offline", "busy", ""]), doubt=st.booleans())
    def answer(self, data: Any, who: set[str], taken: bool | None, outcome: str, doubt: bool) -> None:
        play = data.draw(st.sampled_from(self.plays))
        recheck = self.world.now + 30 if doubt else None
        play.confirm(*(
            play.answer(host, drive, taken=taken, outcome=outcome, confirmed=outcome == "offline", recheck_at=recheck)
            for drive in play.drives for host in sorted(who)
        ))

    @precondition(lambda self: self.plays)
    @rule(data=st.data())
    def finish(self, data: Any) -> None:
        data.draw(st.sampled_from(self.plays)).finish()

    @precondition(lambda self: self.plays)
    @rule(data=st.data())
    def concern_nobody(self, data: Any) -> None:
        play = data.draw(st.sampled_from(self.plays))
        with self.world.transaction() as tx:
            for drive in play.drives:
                before = self._row(tx, drive)
                done = _dispatch.settle_now(tx, play.batch, drive, "nobody", self.world.now)
                holds = before["batch"] == play.batch and before["error_state"] in ("", "error")
                assert done == holds

    @precondition(lambda self: self.plays)
    @rule(data=st.data(), host=hosts)
    def force(self, data: Any, host: str) -> None:
        play = data.draw(st.sampled_from(self.plays))
        for drive, row in play.drives.items():
            with self.world.transaction() as tx:
                before = self._row(tx, drive)
                allowed, _why = _error_state.begin_error(
                    tx, play.batch, drive, row["sequence"], row["attempt"], [host], 0, self.world.now)
            if allowed:
                # I9
                assert (before["batch"], before["sequence"], before["attempt"]) == (
                    play.batch, row["sequence"], row["attempt"])
                assert before["lease_until"] > self.world.now

    @precondition(lambda self: self.plays)
    @rule(data=st.data(), ok=st.booleans(), comes_back=st.booleans())
    def library_answered(self, data: Any, ok: bool, comes_back: bool) -> None:
        play = data.draw(st.sampled_from(self.plays))
        for drive, row in play.drives.items():
            with self.world.transaction() as tx:
                if self._row(tx, drive)["error_attempt"] is None:
                    continue
                verdict = _error_state.finish_error(
                    tx, play.batch, drive, row["sequence"], row["attempt"], ok, "", self.world.now)
            if verdict == "undo" and comes_back:
                with self.world.transaction() as tx:
                    _error_state.error_undone(tx, drive, self.world.now)

    @rule(drive=drives, comes_back=st.booleans())
    def clear(self, drive: str, comes_back: bool) -> None:
        with self.world.transaction() as tx:
            allowed, _why = _error_state.begin_clear(tx, drive, self.world.now)
        if allowed and comes_back:
            with self.world.transaction() as tx:
                _error_state.cleared(tx, drive, self.world.now)

    # --- people

    @rule(drive=drives)
    def redo(self, drive: str) -> None:
        with self.world.transaction() as tx:
            _changes.redo(tx, drive, "wish", self.world.now)

    @rule(drive=drives, at_least=st.integers(0, 30))
    def find_a_newer_record(self, drive: str, at_least: int) -> None:
        with self.world.transaction() as tx:
            _changes.raise_sequence(tx, drive, at_least, self.world.now)

    @rule(host=hosts, managed=st.booleans())
    def opt(self, host: str, managed: bool) -> None:
        self.world.host(host, DRIVES, managed=managed)

    @rule(host=hosts)
    def forget(self, host: str) -> None:
        with self.world.transaction() as tx:
            _associations.forget_host(tx, host, self.world.now)

    @rule(keep=st.sampled_from([0.0, 1e9]))
    def prune(self, keep: float) -> None:
        with self.world.transaction() as tx:
            _history.prune(tx, self.world.now, keep)

    # --- what holds always

    @staticmethod
    def _row(tx: Any, drive: str) -> dict[str, Any]:
        return tx.execute("SELECT * FROM drives WHERE drive = ?", (drive,))[0]

    @invariant()
    def nothing_is_lost_and_nothing_is_settled_too_early(self) -> None:
        with self.store.read() as tx:
            rows = _changes.states(tx)
            open_batches = {row["batch"] for row in tx.execute("SELECT batch FROM batches WHERE ended_at IS NULL")}
            answers = tx.execute("SELECT * FROM answers WHERE expected = 1")
            damaged = tx.execute("SELECT message FROM history WHERE kind = 'invalid'")
        assert damaged == []
        for row in rows:
            drive = row["drive"]
            mine = [one for one in answers if one["drive"] == drive and one["sequence"] == row["sequence"]]
            comes_again = row["due"] is not None or row["batch"] in open_batches
            assert row["batch"] is None or row["batch"] in open_batches
            # I8: what is not settled, or owed, or half done at the library, comes again.
            if row["settled"] < row["sequence"]:
                assert comes_again, f"{drive} is lost"
            if any(not one["confirmed"] for one in mine):
                assert comes_again, f"an answer about {drive} is owed for ever"
            if row["error_state"] in ("forcing", "clearing"):
                assert comes_again, f"{drive} stays {row['error_state']} for ever"
            # I1: settled means confirmed by all, or in error.
            if row["settled"] == row["sequence"] and row["settled_why"] == "confirmed" and not row["error_state"]:
                assert row["due"] is not None or all(one["confirmed"] for one in mine)
            if row["settled"] == row["sequence"] and row["settled_why"] == "in its error state":
                assert row["error_state"] in ("error", "clearing")
            assert row["settled"] <= row["sequence"]
            assert row["sequence"] >= self.newest.get(drive, 0), "a sequence went back"
            self.newest[drive] = row["sequence"]

    @rule()
    def everybody_lives_and_answers(self) -> None:
        """However bad it was: a quiet hour of plays that answer settles everything."""
        for _ in range(12):
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
                left = [row["drive"] for row in _dispatch.verdict(tx, play.batch, self.world.now) if row["forcing_left"]]
                for drive in left:
                    _error_state.error_undone(tx, drive, self.world.now)
            play.finish()
        with self.store.read() as tx:
            for row in _changes.states(tx):
                assert row["settled"] == row["sequence"], f"{row['drive']} does not come to rest"
                assert row["due"] is None
                assert row["batch"] is None
                assert row["error_state"] in ("", "error")


Site.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


class TestSite(Site.TestCase):  # type: ignore[name-defined,misc]
    """Random histories on SQLite."""
