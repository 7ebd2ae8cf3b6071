# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the store that both back ends pass: transactions, processes, kills; run on PostgreSQL in tests/integration."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _changes, _store
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
    DriveSharingError,
    ForeignSiteError,
    InvalidValueError,
    TableError,
)
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_processes import line, process


def test_a_table_is_made_only_when_asked_for_and_keeps_its_site(location: str) -> None:
    with pytest.raises(TableError, match=r"^There is no drive table .*; nothing was written\. "):
        _store.open_store(location)
    made = _store.open_store(location, create=True, site="berlin")
    assert (made.site, made.version, made.created) == ("berlin", 1, True)
    again = _store.open_store(location, create=True)
    assert (again.site, again.created) == ("berlin", False)


def test_a_table_of_another_site_is_refused(location: str, store: Any) -> None:
    assert _store.open_store(location, site="test").site == "test"
    with pytest.raises(ForeignSiteError) as caught:
        _store.open_store(location, site="berlin")
    assert str(caught.value) == (
        f"The drive table {store.location_label} belongs to site test, not to site berlin; nothing was read or written."
        " Give the location of the drive table of berlin, or the site that this one has."
    )
    assert caught.value.permanent  # type: ignore[attr-defined]
    with pytest.raises(InvalidValueError, match=r"^site must be"):
        _store.open_store(location, site="{{ x }}")


def test_a_table_of_a_newer_version_is_refused(location: str, store: Any) -> None:
    with store.write() as tx:
        tx.execute("UPDATE meta SET value = '2' WHERE key = 'schema_version'")
    with pytest.raises(TableError) as caught:
        _store.open_store(location)
    assert str(caught.value) == (
        f"The drive table {store.location_label} is of version 2, newer than version 1 of this collection; it was left as it"
        " is. Install the newer collection here too."
    )
    assert caught.value.permanent  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", ["x", "", "0", "-3"])
def test_a_table_without_a_right_version_is_none(location: str, store: Any, value: str) -> None:
    with store.write() as tx:
        tx.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", (value,))
    with pytest.raises(TableError, match="is not a drive table"):
        _store.open_store(location)


def test_an_error_in_the_block_takes_everything_back(store: Any) -> None:
    with pytest.raises(KeyError), store.write() as tx:
        _store.set_meta(tx, "a", "1")
        raise KeyError
    with store.read() as tx:
        assert _store.get_meta(tx, "a") is None
    with store.write() as tx:
        _store.set_meta(tx, "a", "2")
        _store.set_meta(tx, "a", "3")
    with store.read() as tx:
        assert _store.get_meta(tx, "a") == "3"
    with store.write() as tx:
        _store.set_meta(tx, "a", None)
        assert _store.get_meta(tx, "a") is None


def test_a_statement_that_failed_spoils_the_transaction_even_if_its_error_was_swallowed(store: Any) -> None:
    with pytest.raises(TableError), store.write() as tx:
        _store.set_meta(tx, "a", "1")
        with contextlib.suppress(TableError):
            tx.execute("SELECT * FROM nothing")
    with store.read() as tx:
        assert _store.get_meta(tx, "a") is None


@pytest.mark.parametrize("value", ["\ud800", 2**70, "a" * 10 + "\udcff"])
def test_a_value_that_no_table_can_keep_is_refused_in_one_sentence(store: Any, value: Any) -> None:
    with pytest.raises(DriveSharingError, match=r"^A (value|statement)"), store.write() as tx:
        tx.execute("INSERT INTO notifications (origin, at) VALUES (?, ?)", (value if isinstance(value, str) else "x", value))


def test_the_stores_own_keys_cannot_be_changed_as_free_ones(store: Any) -> None:
    with store.write() as tx:
        for key in ("site", "schema_version", "changes"):
            with pytest.raises(InvalidValueError):
                _store.set_meta(tx, key, "1")


def test_a_reading_transaction_cannot_write_and_a_transaction_that_is_over_can_do_nothing(store: Any) -> None:
    with store.read() as tx:
        assert not tx.writable
        with pytest.raises(RuntimeError):
            tx.execute("DELETE FROM meta")
        with pytest.raises(RuntimeError):
            tx.many("DELETE FROM meta WHERE key = ?", [("a",)])
    with pytest.raises(RuntimeError):
        tx.execute("SELECT 1")
    with store.write() as tx, pytest.raises(RuntimeError), store.write():
        pass


def test_a_reader_sees_one_moment(location: str, store: Any) -> None:
    other = _store.open_store(location)
    with store.write() as tx:
        _store.set_meta(tx, "a", "1")
    with other.read() as tx:
        assert _store.get_meta(tx, "a") == "1"
        with store.write() as writer:
            _store.set_meta(writer, "a", "2")
        assert _store.get_meta(tx, "a") == "1"
    with other.read() as tx:
        assert _store.get_meta(tx, "a") == "2"


def test_the_token_differs_after_any_write_and_only_then(location: str, store: Any) -> None:
    other = _store.open_store(location)
    tokens = [store.changed_token()]
    assert store.changed_token() == tokens[0]
    with store.write() as tx:
        _store.set_meta(tx, "a", "1")
    tokens.append(store.changed_token())
    with other.write() as tx:
        _store.set_meta(tx, "a", "2")
    tokens.append(store.changed_token())
    with store.read() as tx:
        _store.get_meta(tx, "a")
    with store.write() as tx:
        _store.get_meta(tx, "a")
    assert store.changed_token() == tokens[-1], "nothing was written"
    assert len(set(tokens)) == 3


def test_a_closed_store_opens_again(store: Any) -> None:
    store.close()
    with store.write() as tx:
        _store.set_meta(tx, "a", "1")
    store.close()
    store.close()
    with store.read() as tx:
        assert _store.get_meta(tx, "a") == "1"


def test_threads_take_turns(store: Any) -> None:
    def count() -> None:
        for _turn in range(20):
            with store.write() as tx:
                _store.set_meta(tx, "n", str(int(_store.get_meta(tx, "n") or 0) + 1))

    threads = [threading.Thread(target=count) for _turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as tx:
        assert _store.get_meta(tx, "n") == "80"


def test_no_change_of_several_processes_is_lost(location: str, store: Any) -> None:
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(process(location, "raise_sequences", "D1", "100")) for _turn in range(4)]
        told = [int(text) for one in processes for text in (one.communicate(timeout=120)[0] or "").split()]
    assert sorted(told) == list(range(1, 401))
    with store.read() as tx:
        row = _changes.state(tx, "D1")
        assert row is not None
        assert row["sequence"] == 400
        assert len(tx.execute("SELECT * FROM history WHERE kind = 'change'")) == 400


def test_what_a_killed_process_had_reported_is_there_and_nothing_is_there_by_half(location: str, store: Any) -> None:
    chance = random.Random(7)
    for turn in range(12):
        with process(location, "report", f"w{turn}") as writer:
            last = int(line(writer))
            stop = time.monotonic() + chance.uniform(0.0, 0.15)
            while time.monotonic() < stop:
                last = int(line(writer))
            writer.kill()
            assert writer.stdout is not None
            rest = writer.stdout.read().split()
            last = int(rest[-1]) if rest and rest[-1].isdigit() and len(rest[-1]) >= len(str(last)) else last
        with store.write() as tx:
            kept = int(_store.get_meta(tx, f"w{turn}_a") or 0)
            assert _store.get_meta(tx, f"w{turn}_b") == str(kept), "half a transaction"
            assert kept >= last, "an acknowledged change is lost"
            assert kept <= last + 2
            rows = tx.execute("SELECT COUNT(*) AS number FROM notifications WHERE origin LIKE ?", (f"w{turn}_" + chr(37),))
            assert rows[0]["number"] == kept


def test_a_lock_held_too_long_is_one_sentence_and_nothing_is_written(location: str, store: Any) -> None:
    with process(location, "hold", "30") as holder:
        assert line(holder) == "held"
        with store.read() as tx:
            assert _store.get_meta(tx, "held") is None, "readers go on"
        started = time.monotonic()
        with pytest.raises(TableError) as caught, store.write() as tx:
            _store.set_meta(tx, "a", "1")
        assert 4.5 < time.monotonic() - started < 8
    assert str(caught.value).startswith(
        f"The drive table {store.location_label} is locked by another process for more than 5 s; nothing was written."
    )
    with store.write() as tx:
        assert _store.get_meta(tx, "a") is None
        _store.set_meta(tx, "a", "2")


def test_a_child_opens_its_own_connection(store: Any) -> None:
    with store.write() as tx:
        _store.set_meta(tx, "n", "1")
    ready, done = os.pipe()
    for _turn in range(3):
        child = os.fork()
        if child == 0:
            code = 1
            with contextlib.suppress(BaseException):
                with store.write() as tx:
                    _store.set_meta(tx, "n", str(int(_store.get_meta(tx, "n") or 0) + 1))
                os.write(done, b"x")
                code = 0
            os._exit(code)
        with store.write() as tx:
            _store.set_meta(tx, "parent", str(int(_store.get_meta(tx, "parent") or 0) + 1))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert os.read(ready, 10) == b"xxx"
    with store.read() as tx:
        assert (_store.get_meta(tx, "n"), _store.get_meta(tx, "parent")) == ("4", "3")


def test_the_tables_clock_is_about_now(store: Any) -> None:
    assert abs(store.now() - time.time()) < 5
    with store.write() as tx:
        assert abs(tx.now() - time.time()) < 5
    with store.read() as tx:
        assert abs(tx.now() - time.time()) < 5
    assert abs(store.now() - time.time()) < 5
