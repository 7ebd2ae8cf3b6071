# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the history and of what keeps the table small; run on SQLite here and on PostgreSQL in tests/integration."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _history
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import (
    START,
    World,
    port,
)


def test_entries_are_read_newest_first_and_by_what_they_concern(store: Any) -> None:
    with store.write() as tx:
        assert _history.newest(tx) == 0
        _history.add(tx, 1.0, "change", "one", drive="D1", sequence=1)
        _history.add(tx, 2.0, "alert", "two", drive="D2", host="a", instance="A")
        _history.add(tx, 3.0, "change", "three", drive="D1", sequence=2)
        assert [row["message"] for row in _history.read(tx)] == ["three", "two", "one"]
        assert [row["message"] for row in _history.read(tx, drive="D1", limit=1)] == ["three"]
        assert [row["message"] for row in _history.read(tx, kind="alert")] == ["two"]
        assert [row["message"] for row in _history.read(tx, since=2.0, drive="D1")] == ["three"]
        first = _history.since(tx, 0)[0]
        assert [row["message"] for row in _history.since(tx, first["id"])] == ["two", "three"]
        assert _history.newest(tx) == _history.read(tx)[0]["id"]
        assert (first["at"], first["sequence"], first["host"]) == (1.0, 1, None)


@pytest.mark.parametrize("text", ["\x1b[2J", "a\nb\r", "\x00", "\ud800", "\u2028", "{{ x }}", "x" * 10_000])
def test_an_entry_is_one_printable_line_of_bounded_length(store: Any, text: str) -> None:
    with store.write() as tx:
        _history.add(tx, 1.0, text, text, drive=text, host=text, instance=text)
        (row,) = _history.read(tx)
    for key in ("kind", "message", "drive", "host", "instance"):
        assert row[key].isprintable()
        assert len(row[key]) <= 2000


def test_what_is_old_goes_and_what_is_young_stays(world: World) -> None:
    world.hosts("ab")
    for day in range(10):
        world.now = START + day * 86_400
        world.see("reserved" if day % 2 == 0 else "released", *("a" if day % 2 == 0 else ""), origin=str(day))
        play = world.play()
        play.confirm("a", "b")
        play.finish()
    with world.transaction() as tx:
        assert _history.prune(tx, world.now, 3 * 86_400 + 1) > 0
        assert min(row["at"] for row in _history.read(tx, limit=1000)) == world.now - 3 * 86_400
        assert len(tx.execute("SELECT * FROM batches")) == 2
        assert len(tx.execute("SELECT * FROM notifications")) == 2
        assert tx.execute("SELECT * FROM batch_drives") == []
        assert _history.prune(tx, world.now, 3 * 86_400 + 1) == 0
    assert world.see("released", origin="9").result == "repeated"


def test_each_call_deletes_a_bounded_number_and_says_so(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_history, "PORTION", 10)
    with store.write() as tx:
        _history.add_many(tx, [(1.0, "change", "x", None, None, None, None)] * 25)
        assert [_history.prune(tx, 100.0, 50.0) for _turn in range(4)] == [10, 10, 5, 0]


def test_a_storm_is_bounded_whatever_its_age(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_history, "KEEP_HISTORY_ROWS", 20)
    monkeypatch.setattr(_history, "KEEP_ORIGINS", 20)
    monkeypatch.setattr(_history, "KEEP_UNRESOLVED", 20)
    with store.write() as tx:
        _history.add_many(tx, [(100.0, "change", str(number), None, None, None, None) for number in range(50)])
        tx.many("INSERT INTO notifications (origin, at) VALUES (?, ?)", [(str(n), 100.0 + n) for n in range(50)])
        tx.many(
            "INSERT INTO unresolved (kind, value, library, fields, at) VALUES ('wwpn', ?, '', '{}', ?)",
            [(str(n), 100.0 + n) for n in range(50)],
        )
        _history.prune(tx, 200.0, 1000.0)
        assert [row["message"] for row in _history.since(tx, 0)] == [str(number) for number in range(30, 50)]
        assert len(tx.execute("SELECT * FROM notifications")) == 20
        assert len(tx.execute("SELECT * FROM unresolved")) == 20


def test_the_copy_of_taken_outlives_its_instance_for_as_long_as_the_history(world: World) -> None:
    world.hosts("abc").see("reserved", "a")
    world.play().confirm("a", "b", "c")
    with world.transaction() as tx:
        for table in ("instances", "paths", "ports", "seen", "hosts"):
            tx.execute(f"DELETE FROM {table} WHERE host = 'c'")
    world.see("released", port=port(0))
    world.play().confirm("a", "b")
    assert (world.answers()["c"]["expected"], world.answers()["c"]["taken"]) == (0, 1)
    with world.transaction() as tx:
        _history.prune(tx, world.now + 100, 1000)
        assert "c" in world.answers()
        _history.prune(tx, world.now + 2000, 1000)
        assert "c" not in world.answers()
