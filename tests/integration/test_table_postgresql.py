# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drive table on a real PostgreSQL server of the test's own: the same tests as on SQLite, and what is PostgreSQL's own."""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _store
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError, TableError
from ansible_collections.tapeworks.drive_sharing.tests import postgresql
from ansible_collections.tapeworks.drive_sharing.tests.postgresql import PASSWORD, Server
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils import test_table_model
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_processes import line, process
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import World

UNIT = "ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils"
SHARED = (
    "test_store", "test_changes", "test_dispatch", "test_handshake", "test_error_state", "test_associations", "test_conflicts",
    "test_host_records", "test_history",
)
pytest.register_assert_rewrite(*(f"{UNIT}.{name}" for name in SHARED))

for name in SHARED:
    module = importlib.import_module(f"{UNIT}.{name}")
    for key, value in vars(module).items():
        if key.startswith("test_"):
            globals()[key] = value
        elif key == "play":
            globals()["play"] = value


@pytest.fixture(scope="session")
def server() -> Iterator[postgresql.Server]:
    """A PostgreSQL server of our own."""
    reason = postgresql.missing()
    if reason:
        pytest.skip(reason)
    with postgresql.started("fsync = off", "full_page_writes = off") as made:
        yield made


@pytest.fixture(scope="session")
def databases(server: Server) -> Databases:
    """The databases of the tests."""
    return Databases(server)


class Databases:
    """One for all tests that only need an empty table: making a database takes longer than such a test."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._number = 0
        self._shared: str | None = None

    def new(self) -> str:
        self._number += 1
        with self.server.connect() as connection:
            connection.execute(f"CREATE DATABASE table_{self._number}")
        return self.server.url(f"table_{self._number}")

    def drop(self, location: str) -> None:
        with self.server.connect() as connection:
            connection.execute(f"DROP DATABASE {database_of(location)} WITH (FORCE)")

    def shared(self) -> str:
        if self._shared is None:
            self._shared = self.new()
        with contextlib.closing(_store.open_store(self._shared, create=True, site="test")) as store, store.write() as tx:
            for row in tx.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'drive_sharing' AND tablename <> 'meta'"):
                tx.execute(f"DELETE FROM {row['tablename']}")
            tx.execute("DELETE FROM meta WHERE key NOT IN ('schema_version', 'site', 'changes')")
        return self._shared


@pytest.fixture
def location(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A database with no table yet, or with an empty one where that is enough."""
    if request.function.__module__ not in (__name__, f"{UNIT}.test_store"):
        yield databases.shared()
        return
    made = databases.new()
    yield made
    databases.drop(made)


@pytest.fixture
def store(location: str) -> Iterator[Any]:
    """An empty drive table."""
    made = _store.open_store(location, create=True, site="test")
    yield made
    made.close()


@pytest.fixture
def world(store: Any) -> World:
    """A drive table with hosts, drives and a play, in a few words."""
    return World(store)


def put(store: Any, key: str = "a", value: str = "1") -> None:
    with store.write() as tx:
        _store.set_meta(tx, key, value)


def database_of(location: str) -> str:
    return location.rsplit("/", 1)[1]


@pytest.mark.parametrize("days", [-1, 1])
def test_a_controller_whose_clock_is_a_day_off_goes_by_the_servers(store: Any, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    # So that it neither takes the others' leases for over, nor has them wait for its own.
    right = time.time()
    monkeypatch.setattr(time, "time", lambda: right + days * 86_400)
    for _turn in range(2):
        assert abs(store.now() - right) < 60
        with store.write() as tx:
            assert abs(tx.now() - right) < 60


def test_the_password_is_in_no_name_and_no_message(server: Server, location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = _store.open_store(location, create=True)
    assert store.location_label == f"postgresql://postgres@127.0.0.1:{server.port}/{database_of(location)}"
    wrong = server.url(database_of(location), password="false" + PASSWORD)
    with pytest.raises(TableError) as caught:
        _store.open_store(wrong)
    assert "password authentication failed" in str(caught.value)
    for url in (wrong, f"{wrong}?nonsense=1", wrong.replace("127.0.0.1", "[::1"), f"{location}?sslpassword=xyzzy&nonsense=1"):
        with pytest.raises((TableError, InvalidValueError)) as caught:
            _store.open_store(url)
        for part in (PASSWORD, "false", "geheim", "xyzzy"):
            assert part not in str(caught.value)
        assert "\n" not in str(caught.value)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    bare = f"postgres://postgres@127.0.0.1:{server.port}/{database_of(location)}"
    assert _store.open_store(bare).site == store.site


def test_a_server_that_is_not_there_is_one_sentence(server: Server) -> None:
    started = time.monotonic()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://postgres@127.0.0.1:{taken.getsockname()[1]}/x"
        with pytest.raises(TableError) as caught:
            _store.open_store(url)
    assert str(caught.value).startswith(f"The drive table {url} could not be used (")
    assert str(caught.value).endswith("Check that the server runs, and the URL, user and password.")
    assert "\n" not in str(caught.value)
    with pytest.raises(TableError, match='database "nowhere" does not exist'):
        _store.open_store(server.url("nowhere"))
    assert time.monotonic() - started < 5


def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.monotonic()
        with pytest.raises(TableError, match="timeout expired"):
            _store.open_store(f"postgresql://postgres@127.0.0.1:{silent.getsockname()[1]}/x?connect_timeout=2")
        assert time.monotonic() - started < 5


def test_a_connection_that_broke_is_opened_again_by_the_next_transaction(server: Server, location: str, store: Any) -> None:
    put(store)
    with server.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database_of(location),)
        )
    put(store, "b")
    with pytest.raises(TableError), store.write() as tx:
        _store.set_meta(tx, "c", "1")
        with server.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database_of(location),)
            )
        _store.set_meta(tx, "d", "1")
    with store.read() as tx:
        assert [_store.get_meta(tx, key) for key in "abcd"] == ["1", "1", None, None]


def test_a_restarted_server_is_used_again_without_a_word(server: Server, store: Any) -> None:
    put(store)
    token = store.changed_token()
    server.stop()
    with pytest.raises(TableError, match="could not be used"):
        put(store, "b")
    with pytest.raises(TableError):
        store.changed_token()
    server.start()
    assert store.changed_token() == token
    put(store, "b")
    server.stop("immediate")
    server.start()
    with store.read() as tx:
        assert (_store.get_meta(tx, "a"), _store.get_meta(tx, "b")) == ("1", "1")


def test_a_read_only_server_is_told(server: Server, location: str, store: Any) -> None:
    put(store)
    with server.connect() as connection:
        connection.execute(f"ALTER DATABASE {database_of(location)} SET default_transaction_read_only = on")
    store.close()
    with pytest.raises(TableError, match=r"cannot be written \(.*read-only transaction\); nothing was written"):
        put(store)
    with store.read() as tx:
        assert _store.get_meta(tx, "a") == "1"


def test_a_user_without_rights_is_told(server: Server, location: str, store: Any) -> None:
    with server.connect() as connection:
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    url = server.url(database_of(location), user="guest", password="guest")
    try:
        with pytest.raises(TableError, match=r"cannot be written \(permission denied for schema drive_sharing\)"):
            _store.open_store(url)
    finally:
        with server.connect() as connection:
            connection.execute("DROP ROLE guest")


def test_a_schema_of_that_name_that_is_no_drive_table_is_left_as_it_is(server: Server, location: str) -> None:
    with server.connect(database_of(location)) as connection:
        connection.execute("CREATE SCHEMA drive_sharing")
        connection.execute("CREATE TABLE drive_sharing.meta (x int)")
    with pytest.raises(TableError):
        _store.open_store(location, create=True)
    with server.connect(database_of(location)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM drive_sharing.meta").fetchone() == (0,)


def test_what_is_acknowledged_is_on_the_disk_whatever_the_databases_default_is(server: Server, location: str, store: Any) -> None:
    with server.connect() as connection:
        connection.execute(f"ALTER DATABASE {database_of(location)} SET synchronous_commit = off")
    store.close()
    with store.write() as tx:
        assert tx.execute("SELECT current_setting('synchronous_commit') AS value") == [{"value": "on"}]


def test_a_writer_that_stops_in_the_middle_gives_the_lock_back(server: Server, location: str, store: Any) -> None:
    with store.write() as tx:
        found = tx.execute("SELECT current_setting('idle_in_transaction_session_timeout') AS value")
    assert found == [{"value": "1min"}]


def test_many_processes_may_make_the_table_at_once(location: str) -> None:
    sites: list[str] = []
    threads = [
        threading.Thread(target=lambda: sites.append(_store.open_store(location, create=True).site)) for _turn in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sites) == 6
    assert len(set(sites)) == 1


def test_tables_that_were_dropped_are_made_anew_by_the_process_that_may_make_them(server: Server, location: str) -> None:
    made = _store.open_store(location, create=True, site="one")
    reader = _store.open_store(location)
    with server.connect(database_of(location)) as connection:
        connection.execute("DROP SCHEMA drive_sharing CASCADE")
    for store in (reader, made):
        with pytest.raises(TableError, match=r"^Schema drive_sharing of .* is not a drive table"):
            put(store)
    with pytest.raises(TableError, match=r"^There is no drive table in "):
        put(reader)
    put(made)
    assert made.site == "one"
    put(reader)


def test_the_lock_of_a_killed_writer_is_free_at_once(location: str, store: Any) -> None:
    with process(location, "hold", "30") as holder:
        assert line(holder) == "held"
    started = time.monotonic()
    put(store)
    assert time.monotonic() - started < 2


def test_psycopg_that_is_not_installed_is_named(location: str) -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _store, _errors\n"
        "try:\n    _store.open_store('postgresql://h/d')\n"
        "except _errors.MissingLibraryError as exc:\n    print(exc)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.check_output([sys.executable, "-c", code], text=True, env=environment).strip()
    assert told.startswith("A drive table in PostgreSQL needs the Python package psycopg (version 3), which is not installed")


@pytest.mark.parametrize("seed", test_table_model.SEEDS[:2])
def test_random_histories_lose_nothing_settle_nothing_early_and_come_to_rest(store: Any, seed: int) -> None:
    test_table_model.try_history(store, seed)


def test_the_plan_reads_by_index(store: Any) -> None:
    """As the server's planner sees it, when it may not go through whole tables."""
    statements = (
        "SELECT * FROM drives WHERE batch IS NULL AND (due <= 1 OR due > 2) ORDER BY due, drive LIMIT 5",
        "SELECT * FROM drives WHERE batch = 'x'",
        "SELECT batch FROM batches WHERE ended_at IS NULL AND claimed_at IS NULL",
        "SELECT DISTINCT drive, instance FROM seen WHERE managed = 1 AND drive IN ('a', 'b')",
        "SELECT p.protocol, i.instance FROM ports p JOIN instances i ON i.host = p.host WHERE p.id IN ('a', 'b')",
        "SELECT drive, devices FROM seen WHERE drive IN ('a', 'b')",
    )
    with store.write() as tx:
        tx.execute("SET LOCAL enable_seqscan TO off")
        for sql in statements:
            plan = "\n".join(row["QUERY PLAN"] for row in tx.execute(f"EXPLAIN {sql}"))
            assert "Seq Scan" not in plan, f"{sql}\n{plan}"
