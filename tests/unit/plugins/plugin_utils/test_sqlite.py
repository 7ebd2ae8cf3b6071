# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the SQLite file: its rights, its faults, deletion and forks."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _associations,
    _changes,
    _dispatch,
    _history,
    _store,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError, TableError
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_processes import COLLECTIONS, run
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import World, port


def put(store: Any, key: str = "a", value: str = "1") -> None:
    with store.write() as tx:
        _store.set_meta(tx, key, value)


def test_the_file_is_for_its_user_alone_and_survives_the_machine(location: str, store: Any) -> None:
    put(store)
    for name in (location, f"{location}-wal", f"{location}-shm"):
        assert stat.S_IMODE(os.stat(name).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(location)).st_mode) == 0o700
    connection = store._connection
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_opening_is_cheap(location: str, store: Any) -> None:
    put(store)
    times = []
    for _turn in range(20):
        started = time.perf_counter()
        _store.open_store(location).close()
        times.append(time.perf_counter() - started)
    assert sorted(times)[10] < 0.005


def test_neither_psycopg_nor_sqlalchemy_is_imported_for_a_file(location: str) -> None:
    code = (
        "import sys\n"
        "from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _dispatch, _error_state, _store\n"
        f"_store.open_store({location!r}, create=True)\n"
        "print([name for name in ('psycopg', 'sqlalchemy', 'asyncio', 'ansible') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": COLLECTIONS}
    assert subprocess.check_output([sys.executable, "-c", code], text=True, env=environment).strip() == "[]"


@pytest.mark.parametrize("location", ["", "a\0b", None, 7, "mysql://host/db"])
def test_a_location_must_be_a_path_or_a_postgresql_url(location: Any) -> None:
    with pytest.raises(InvalidValueError, match="The drive table's location must be a file's path or a postgresql:// URL"):
        _store.open_store(location)


def test_the_default_location(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIVE_SHARING_TABLE", "/x/y")
    assert _store.default_location() == "/x/y"
    monkeypatch.delenv("DRIVE_SHARING_TABLE")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert _store.default_location() == "/var/lib/drive_sharing/table.sqlite"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/x")
    assert _store.default_location() == "/home/x/.local/state/drive_sharing/table.sqlite"


@pytest.mark.parametrize("name", ["a b%20c?mode=memory#x.sqlite", "tab'le\".sqlite", ":memory:", "täble"])
def test_a_path_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    put(_store.open_store(str(path), create=True))
    assert path.stat().st_size > 0
    with _store.open_store(str(path)).read() as tx:
        assert _store.get_meta(tx, "a") == "1"


def test_many_processes_may_make_the_table_at_once(location: str) -> None:
    sites: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: sites.append(_store.open_store(location, create=True, site=None).site))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sites) == 8
    assert len(set(sites)) == 1
    assert os.path.exists(location)
    assert not os.path.exists(f"{location}.new")


def test_what_is_no_drive_table_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "t"
    other = tmp_path / "other"
    sqlite3.connect(other).execute("CREATE TABLE x (y)")
    for content, why in ((b"", "it is empty"), (b"hello " * 1000, "file is not a database"),
                         (other.read_bytes(), "no such table: meta")):
        path.write_bytes(content)
        with pytest.raises(TableError) as caught:
            _store.open_store(str(path), create=True)
        assert str(caught.value) == (
            f"{path} is not a drive table ({why}); it was left as it is. Move it away, or give the drive table's location."
        )
        assert path.read_bytes() == content
    with pytest.raises(TableError, match="is not a drive table .it is a directory."):
        _store.open_store(str(tmp_path), create=True)


def test_a_damaged_file_is_told_and_taken_again_when_it_is_mended(location: str, store: Any) -> None:
    put(store)
    store.close()
    good = Path(location).read_bytes()
    Path(location).write_bytes(good[:100] + b"\xff" * (len(good) - 100))
    with pytest.raises(TableError, match=r"^The drive table .* is damaged \(.*\); nothing was written\. Stop the event source"):
        put(store)
    Path(location).write_bytes(good)
    put(store)


def test_a_full_disk_is_told_and_the_store_recovers_when_there_is_room(store: Any) -> None:
    connection = store._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(TableError) as caught, store.write() as tx:
        for number in range(1000):
            _store.set_meta(tx, f"k{number}", "x" * 1000)
    directory = os.path.dirname(store.path)
    assert str(caught.value) == (
        f"The disk of the drive table {store.path} is full; nothing was written. Make room in {directory}."
    )
    with store.read() as tx:
        assert _store.get_meta(tx, "k0") is None
    connection.execute("PRAGMA max_page_count = 1000000")
    put(store)


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A file system of 512 KiB, where we may mount one."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(tmp_path)], capture_output=True, text=True, check=False
    ) if os.geteuid() == 0 else None
    if mounted is None or mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=False)


def test_a_file_system_that_is_really_full(small_disk: Path) -> None:
    store = _store.open_store(str(small_disk / "table"), create=True)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"x" * 1024)
    with pytest.raises(TableError, match=r"^The disk of the drive table .* is full; nothing was written"):
        for number in range(1000):
            put(store, f"k{number}", "x" * 10_000)
    with pytest.raises(TableError, match=r"^The disk of the drive table .* is full; nothing was written"):
        _store.open_store(str(small_disk / "another"), create=True)
    filler.unlink()
    put(store)
    with store.read() as tx:
        assert _store.get_meta(tx, "a") == "1"
    assert run(str(small_disk / "table"), "attempt") == "written"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_file_that_its_user_may_not_use_is_told(tmp_path: Path) -> None:
    for part in [tmp_path, *tmp_path.parents]:
        if part.stat().st_uid == 0 and str(part).startswith("/tmp/"):
            part.chmod(0o755)
    path = tmp_path / "table"
    put(_store.open_store(str(path), create=True))
    told = run(f"as:65534:{path}", "attempt")
    assert told.startswith(f"The drive table {path} cannot be opened for writing (")
    assert "; nothing was written. Give user nobody access to it and to its directory" in told
    path.chmod(0o644)
    told = run(f"as:65534:{path}", "attempt")
    assert told.startswith(f"The drive table {path} cannot be opened for writing (")
    missing = tmp_path / "none" / "table"
    assert run(f"as:65534:{missing}", "attempt").startswith(f"There is no drive table {missing}; nothing was written.")


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(TableError, match=r"^The drive table .* cannot be opened for writing \((Not a directory|File exists)\)"):
        _store.open_store(str(tmp_path / "file" / "table"), create=True)


def test_a_deleted_file_is_made_anew_by_the_process_that_may_make_it(location: str, store: Any) -> None:
    put(store)
    reader = _store.open_store(location)
    token = store.changed_token()
    os.unlink(location)
    with pytest.raises(TableError, match=r"^There is no drive table "), reader.read():
        pass
    with store.write() as tx:
        assert _store.get_meta(tx, "a") is None
        _store.set_meta(tx, "b", "2")
    assert store.site == "test"
    assert store.changed_token() != token
    with reader.read() as tx:
        assert _store.get_meta(tx, "b") == "2"
    assert run(location, "attempt") == "written"


def test_what_a_deleted_table_left_beside_it_is_not_taken_for_the_new_ones(location: str, store: Any) -> None:
    put(store)
    os.unlink(location)
    assert os.path.exists(f"{location}-wal")
    with _store.open_store(location, create=True, site="other").read() as tx:
        assert _store.get_meta(tx, "a") is None
        assert _store.get_meta(tx, "site") == "other"


def test_closing_a_store_whose_file_was_deleted_does_not_harm_the_new_one(location: str, store: Any) -> None:
    put(store)
    os.unlink(location)
    new = _store.open_store(location, create=True, site="test")
    put(new, "b", "2")
    store.close()
    put(new, "c", "3")
    assert run(location, "attempt") == "written"
    new.close()
    with _store.open_store(location).read() as tx:
        assert [_store.get_meta(tx, key) for key in "abc"] == [None, "2", "3"]


def test_a_file_deleted_while_it_is_written_to_acknowledges_nothing(location: str, store: Any) -> None:
    with pytest.raises(TableError, match="was deleted while it was written to; nothing was kept"), store.write() as tx:
        _store.set_meta(tx, "a", "1")
        os.unlink(location)
    put(store, "b")
    with store.read() as tx:
        assert (_store.get_meta(tx, "a"), _store.get_meta(tx, "b")) == (None, "1")


def test_a_process_forked_inside_a_transaction_cannot_use_the_table(store: Any) -> None:
    reading, writing = os.pipe()
    with store.write() as tx:
        child = os.fork()
        if child == 0:
            try:
                store.close()
                put(store)
            except TableError as exc:
                os.write(writing, str(exc).encode())
            finally:
                os._exit(0)
        os.close(writing)
        os.waitpid(child, 0)
        _store.set_meta(tx, "a", "2")
    assert b"This process was forked inside a transaction of the drive table" in os.read(reading, 1000)
    put(store, "b")


def test_a_fork_waits_for_the_transaction_of_another_thread(store: Any) -> None:
    inside, over = threading.Event(), threading.Event()

    def work() -> None:
        with store.write() as tx:
            inside.set()
            over.wait(5)
            _store.set_meta(tx, "thread", "1")

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait(5)
    threading.Timer(0.2, over.set).start()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with store.write() as tx:
                code = 0 if _store.get_meta(tx, "thread") == "1" else 2
        finally:
            os._exit(code)
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_parents_end_does_not_cost_a_childs_changes(location: str, store: Any) -> None:
    """A child that inherits SQLite's notes of its parent's locks would write into a log that the parent deletes."""
    put(store)
    reading, writing = os.pipe()
    go, told = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with store.write() as tx:
                os.write(writing, b"x")
                os.read(go, 1)
                _store.set_meta(tx, "child", "1")
            code = 0
        finally:
            os._exit(code)
    os.read(reading, 1)
    # The last connection of this process: closing it removes the log if nobody else seems to use it.
    with store.read() as tx:
        assert _store.get_meta(tx, "a") == "1"
    store.close()
    os.write(told, b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with store.read() as tx:
        assert _store.get_meta(tx, "child") == "1"


def test_text_that_is_no_utf_8_hides_no_other_rows(store: Any) -> None:
    world = World(store).hosts("ab", ["D1", "D2"])
    world.see("reserved", "a")
    world.see("reserved", "a", drive="D2")
    with store.write() as tx:
        tx.execute("UPDATE drives SET library = CAST(X'ff41' AS TEXT) WHERE drive = 'D1'")
        tx.execute("INSERT INTO drives SELECT CAST(X'ff42' AS TEXT), status, holders, port, sequence, observed_at, library,"
                   " detector, written_at, settled, settled_why, batch, claimed_sequence, attempt, lease_until, due, failures,"
                   " recheck_at, error_state, error_since, error_sequence, error_attempt, error_reason"
                   " FROM drives WHERE drive = 'D2'")
    assert world.due() == ["D2"]
    assert world.due() == ["D2"]
    with store.read() as tx:
        assert [row["drive"] for row in _changes.states(tx)] == [None, "D2", None]


def test_the_file_stays_of_one_size_however_many_changes_come(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_history, "KEEP_ORIGINS", 200)
    drives = [f"D{number}" for number in range(20)]
    world = World(store).hosts("ab", drives)
    sizes = []
    for turn in range(80):
        world.now += 3600
        with world.transaction() as tx:
            _changes.record(tx, [
                world.observation("reserved", "ab"[turn % 2], drive=drive, origin=f"{drive} {turn}") for drive in drives
            ], world.now)
        play = world.play()
        assert len(play.confirm(*(play.answer(host, drive) for host in "ab" for drive in drives)).settled) == 20
        play.finish()
        with world.transaction() as tx:
            _history.prune(tx, world.now, 5 * 3600)
        sizes.append(store._connection.execute("PRAGMA page_count").fetchone()[0])
    assert sizes[-1] <= sizes[30] * 1.05
    assert os.path.getsize(f"{store.path}-wal") < 17_000_000


def test_nothing_is_read_by_going_through_a_whole_table(store: Any) -> None:
    """The plan's and the play's statements, as SQLite carries them out."""
    world = World(store)
    seen: list[str] = []
    with store.write() as tx:
        for number in range(200):
            tx.execute("INSERT INTO drives (drive, status, holders, sequence, observed_at, detector, written_at)"
                       " VALUES (?, 'released', '[]', 1, '', 'snmp', 1)", (f"X{number}",))
    world.hosts("abcd").see("reserved", "a")

    class Recorder:
        writable = True

        def __init__(self, tx: Any) -> None:
            self._tx = tx
            self.site = tx.site

        @property
        def rowcount(self) -> int:
            return self._tx.rowcount

        def execute(self, sql: str, params: Any = ()) -> Any:
            if sql.lstrip().startswith("SELECT"):
                plan = self._tx.execute(f"EXPLAIN QUERY PLAN {sql}", params)
                seen.extend(f"{row['detail']} <- {' '.join(sql.split())[:150]}" for row in plan)
            return self._tx.execute(sql, params)

        def many(self, sql: str, rows: Any) -> None:
            self._tx.many(sql, rows)

        def now(self) -> float:
            return self._tx.now()

    with store.write() as real:
        tx = Recorder(real)
        _changes.record(tx, [world.observation("released", port=port(3)), world.observation("reserved", "b")], 1.0)
        batch = "0" * 26
        _dispatch.due_drives(tx, 9e9, 10)
        _dispatch.next_due(tx)
        _dispatch.emit(tx, ["D1"], batch, 1.0)
        _dispatch.unclaimed(tx, 9.0, 1.0)
        _dispatch.expire(tx, 1.0, lambda claimer: True)
        claim = _dispatch.claim(tx, batch, {}, 60, 1.0)
        assert claim is not None
        found = _associations.lookup(tx, ["D1", "D2"], [port(0), port(1)])
        plan = [
            {"drive": "D1", "sequence": claim.drives[0]["sequence"], "attempt": 1, "instance": one["instance"],
             "host": one["hosts"][0], "application": "custom", "scope": "host", "relation": "foreign"}
            for one in found.instances_of("D1")
        ]
        _dispatch.silent(tx, ["D1"])
        _dispatch.expect(tx, batch, plan, 1.0)
        _dispatch.hosts_to_ask(tx, batch)
        _dispatch.work(tx, batch, "b")
        _dispatch.verdict(tx, batch, 1.0)
        with pytest.raises(InvalidValueError):
            _changes.resolve_drive(tx, {"wwpn": "5005076300000002"})
    scans = [line for line in seen if line.startswith("SCAN") and "USING" not in line and "CONSTANT ROW" not in line]
    assert scans == []
    assert len(seen) > 20
