# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drive table in an SQLite file: one controller, several processes. Private: may change at any time.

Every write is one ``BEGIN IMMEDIATE`` transaction: deferred ones of parallel workers lose updates. WAL with
``synchronous=FULL``: what was committed survives the end of the process and of the machine.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _schema_sql, _sqlite_file
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import TableError

#: Seconds between two looks at a write lock that another process has: SQLite's own waiting grows to 100 ms steps.
_BUSY_STEPS = (0.001, 0.01)

#: Connections of a parent process are kept for ever: closing one in the child would harm the parent's
#: (https://www.sqlite.org/howtocorrupt.html 2.6).
_ABANDONED: list[sqlite3.Connection] = []
_STORES: weakref.WeakSet[SqliteStore] = weakref.WeakSet()


class SqliteTransaction:
    """One transaction; see _store.Transaction."""

    def __init__(self, connection: sqlite3.Connection, store: SqliteStore, *, writable: bool) -> None:
        """Made by SqliteStore only, after BEGIN."""
        self.writable = writable
        self.rowcount = 0
        self.failed = False
        self.site = store.site
        self._connection: sqlite3.Connection | None = connection
        self._store = store

    def execute(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run one statement."""
        connection = self._open(sql)
        try:
            return self._rows(connection.execute(sql, params))
        except (sqlite3.Error, OverflowError, UnicodeError) as exc:
            if not str(exc).startswith("Could not decode to UTF-8"):
                raise self._error(exc) from exc
        # A row was damaged by hand. It must not hide the others; whoever reads it validates it.
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        try:
            return self._rows(connection.execute(sql, params))
        finally:
            connection.text_factory = str

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of values."""
        connection = self._open(sql)
        try:
            self.rowcount = connection.executemany(sql, rows).rowcount
        except (sqlite3.Error, OverflowError, UnicodeError) as exc:
            raise self._error(exc) from exc

    def _error(self, exc: Exception) -> Exception:
        self.failed = True
        if not isinstance(exc, sqlite3.Error) or getattr(exc, "sqlite_errorname", "") == "SQLITE_CONSTRAINT_CHECK":
            return _schema_sql.unstorable()
        return self._store.error(exc)

    def now(self) -> float:
        """The table's clock: this machine's."""
        return self._store.clock()

    def end(self) -> None:
        """Let nobody use it any more."""
        self._connection = None

    def _open(self, sql: str) -> sqlite3.Connection:
        if self._connection is None:
            msg = "The transaction is over."
            raise RuntimeError(msg)
        if not self.writable and not sql.lstrip().startswith(("SELECT", "EXPLAIN", "WITH")):
            msg = "A reading transaction cannot write."
            raise RuntimeError(msg)
        return self._connection

    def _rows(self, cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
        self.rowcount = cursor.rowcount
        if cursor.description is None:
            return []
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


class SqliteStore:
    """See _store.Store."""

    def __init__(self, path: str, *, create: bool, site: str | None, clock: Callable[[], float]) -> None:
        """Open the table, or make it."""
        # The place of the file itself, so that a rename of the new file does not replace a link to it.
        self.path = os.path.realpath(os.path.expanduser(path))
        self.location_label = self.path
        self.clock = clock
        self.site = ""
        self.version = _schema_sql.SCHEMA_VERSION
        self.created = False
        self._create_allowed = create
        self._wanted_site = _schema_sql.check_site(site)
        self._connection: sqlite3.Connection | None = None
        self._identity = (0, 0)
        self._pid = 0
        self._writes = 0
        self._lock = threading.RLock()
        self._busy = False
        self._suspect = False
        self._held = False
        self._forked_inside = False
        with self._lock:
            self._connected()
        _STORES.add(self)

    def write(self) -> contextlib.AbstractContextManager[SqliteTransaction]:
        """One writing transaction."""
        return self._transaction(writable=True)

    def read(self) -> contextlib.AbstractContextManager[SqliteTransaction]:
        """One reading transaction."""
        return self._transaction(writable=False)

    def now(self) -> float:
        """The table's clock: this machine's."""
        return self.clock()

    def changed_token(self) -> tuple[int, ...]:
        """Differs after any process has written."""
        with self._lock:
            connection = self._connected()
            try:
                row = connection.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error as exc:
                raise self.error(exc) from exc
            return (*self._identity, self._writes, int(row[0]))

    def close(self) -> None:
        """Close the connection; it opens again when it is used."""
        with self._lock:
            self._drop()

    @contextlib.contextmanager
    def _transaction(self, *, writable: bool) -> Iterator[SqliteTransaction]:
        with self._lock:
            self._refuse_fork()
            if self._busy:
                msg = "A transaction of this drive table is open in this thread already."
                raise RuntimeError(msg)
            self._busy = True
            try:
                connection = self._connected()
                self._begin(connection, writable)
                tx = SqliteTransaction(connection, self, writable=writable)
                before = connection.total_changes
                try:
                    yield tx
                except BaseException:
                    self._rollback(connection)
                    raise
                finally:
                    tx.end()
                self._commit(connection, tx)
                if connection.total_changes != before:
                    self._writes += 1
            finally:
                self._busy = False
                if self._suspect:
                    self._drop()

    def _begin(self, connection: sqlite3.Connection, writable: bool) -> None:
        def begin() -> None:
            if writable:
                connection.execute("BEGIN IMMEDIATE")
            else:
                connection.execute("BEGIN")
                connection.execute("SELECT 1 FROM meta LIMIT 1").fetchone()

        self._waiting(connection, begin)

    def _waiting(self, connection: sqlite3.Connection, action: Callable[[], object]) -> None:
        """Do it as soon as no other process has the lock; the connection's own waiting is too coarse."""
        deadline = time.monotonic() + _sqlite_file.BUSY_SECONDS
        pause, longest = _BUSY_STEPS
        while True:
            try:
                action()
            except sqlite3.Error as exc:
                self._rollback(connection)
                if _sqlite_file.code(exc) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or time.monotonic() >= deadline:
                    raise self.error(exc) from exc
                time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
                pause = min(pause * 2, longest)
            else:
                return

    def _commit(self, connection: sqlite3.Connection, tx: SqliteTransaction) -> None:
        if tx.failed:
            self._rollback(connection)
            msg = f"A statement on the drive table {self.path} failed before; nothing was written."
            raise TableError(msg)
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as exc:
            self._rollback(connection)
            raise self.error(exc) from exc
        if tx.writable and self._moved():
            self._drop()
            msg = f"The drive table {self.path} was deleted while it was written to; nothing was kept. Do it again."
            raise TableError(msg)

    def _rollback(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._drop()

    def _refuse_fork(self) -> None:
        if self._forked_inside:
            msg = (
                f"This process was forked inside a transaction of the drive table {self.path}; it cannot use the table."
                " Fork before or after the transaction."
            )
            raise TableError(msg)

    def _connected(self) -> sqlite3.Connection:
        self._refuse_fork()
        if self._connection is not None:
            if self._pid != os.getpid():
                _ABANDONED.append(self._connection)
                self._connection = None
            elif self._moved():
                self._drop()
        if self._connection is None:
            self._connect()
        if self._connection is None:  # for the type checker only
            raise RuntimeError
        return self._connection

    def _moved(self) -> bool:
        try:
            found = os.stat(self.path)
        except OSError:
            return True
        return (found.st_dev, found.st_ino) != self._identity

    def _connect(self) -> None:
        if not os.path.lexists(self.path):
            if not self._create_allowed:
                msg = (
                    f"There is no drive table {self.path}; nothing was written."
                    " The event source makes it when it starts: start it, or give the right location."
                )
                raise TableError(msg)
            self.created |= _sqlite_file.create(self.path, self._wanted_site or self.site or _schema_sql.default_site())
        if os.path.isdir(self.path):
            raise _schema_sql.not_a_table(self.path, "it is a directory")
        uri = self.path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        try:
            found = os.stat(self.path)
            if not found.st_size:
                raise _schema_sql.not_a_table(self.path, "it is empty")
            connection = sqlite3.connect(
                f"file:{uri}?mode=rw", uri=True, timeout=0, isolation_level=None, check_same_thread=False
            )
        except (sqlite3.Error, OSError) as exc:
            raise self.error(exc) from exc
        self._connection = connection
        self._identity = (found.st_dev, found.st_ino)
        self._pid = os.getpid()
        try:
            self._set_up(connection)
        except BaseException:
            self._drop()
            raise

    def _set_up(self, connection: sqlite3.Connection) -> None:
        try:
            # Another process that closes the last connection locks the file for a moment, even for these.
            self._waiting(connection, lambda: connection.execute("PRAGMA synchronous=FULL"))
            self._waiting(connection, lambda: connection.execute("PRAGMA journal_size_limit=16777216"))
            self._begin(connection, writable=False)
            rows = connection.execute("SELECT key, value FROM meta WHERE key IN ('schema_version', 'site')").fetchall()
            connection.execute("COMMIT")
        except sqlite3.Error as exc:
            raise self.error(exc) from exc
        # A file that was deleted and made anew while this process lives keeps its site.
        self.version, self.site = _schema_sql.check_identity(self.path, dict(rows), self._wanted_site or self.site or None)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._suspect = False
        if connection is None:
            return
        if self._pid != os.getpid():
            _ABANDONED.append(connection)
            return
        with contextlib.suppress(sqlite3.Error):
            connection.close()

    def error(self, exc: BaseException) -> TableError:
        """One sentence for what the driver or the system says; the connection is opened anew for the next transaction."""
        code = _sqlite_file.code(exc)
        if code not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL):
            self._suspect = True
        return _sqlite_file.sentence(self.path, code, exc)

    # A connection that is open while its process forks is unsafe for both, even if the child opens its own: SQLite's
    # locks are kept per process in memory that the child inherits. So it is closed before, when no transaction runs.

    def before_fork(self) -> None:
        """Close the connection, after the transaction of another thread."""
        free = self._lock.acquire(timeout=_sqlite_file.BUSY_SECONDS)
        if not free or self._busy:
            self._forked_inside = True
        else:
            self._drop()
        self._held = free

    def after_fork(self, *, child: bool) -> None:
        """Go on in the parent and in the child."""
        if not child:
            self._forked_inside = False
        if self._held:
            self._lock.release()


def _before_fork() -> None:
    for store in list(_STORES):
        store.before_fork()


def _after_fork(*, child: bool) -> None:
    for store in list(_STORES):
        store.after_fork(child=child)


os.register_at_fork(
    before=_before_fork,
    after_in_parent=lambda: _after_fork(child=False),
    after_in_child=lambda: _after_fork(child=True),
)
