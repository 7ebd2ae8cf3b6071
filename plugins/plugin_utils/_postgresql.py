# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drive table in a PostgreSQL database: several controllers. Private: may change at any time.

The tables stand in the schema ``drive_sharing`` of the URL's database. One writer at a time, as with SQLite: every
writing transaction first takes one advisory lock. The password comes with the URL or, as for every PostgreSQL client,
from PGPASSWORD, PGPASSFILE or a service file; it is in no message.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _schema_sql
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
    InvalidValueError,
    MissingLibraryError,
    TableError,
)

try:
    import psycopg
    from psycopg import conninfo, pq
    from psycopg.rows import dict_row
except ImportError as exc:
    _MISSING: ImportError | None = exc
else:
    _MISSING = None

#: Seconds to wait for the write lock, and for a connection unless the URL or PGCONNECT_TIMEOUT says otherwise.
BUSY_SECONDS = 5
CONNECT_SECONDS = 5

#: The advisory lock's number; it stands for the collection's name and has no other meaning.
_LOCK = 0x7461_7065_6472_6976

# A controller that stops in the middle of a transaction gives the lock back after a minute.
_SETTINGS = (
    "SET LOCAL search_path TO drive_sharing; SET LOCAL idle_in_transaction_session_timeout TO '60s'; SET LOCAL jit TO off;"
)
_BEGIN_WRITE = (  # the values are constants
    f"BEGIN; {_SETTINGS} SET LOCAL lock_timeout TO '{BUSY_SECONDS}s'; SELECT pg_advisory_xact_lock({_LOCK});"  # noqa: S608
    " SELECT extract(epoch FROM clock_timestamp())::float8"
)
_BEGIN_READ = (
    f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_SETTINGS} SELECT extract(epoch FROM clock_timestamp())::float8"  # noqa: S608
)
_COMMIT_WRITE = "UPDATE meta SET value = CAST(CAST(value AS bigint) + 1 AS text) WHERE key = 'changes'; COMMIT"

_NO_TABLES = ("42P01", "3F000")

_ABANDONED: list[Any] = []


@functools.lru_cache(maxsize=512)
def placeholders(sql: str) -> str:
    """Give the statement with psycopg's placeholders; our statements have no other ``?`` and no ``%``."""
    if "%" in sql or "'?" in sql:
        msg = f"A statement on the drive table may have no percent sign and no quoted question mark: {sql}"
        raise ValueError(msg)
    return sql.replace("?", "%s")


class PostgresqlTransaction:
    """One transaction; see _store.Transaction."""

    def __init__(self, connection: Any, store: PostgresqlStore, started: float, *, writable: bool) -> None:
        """Made by PostgresqlStore only, after BEGIN."""
        self.writable = writable
        self.rowcount = 0
        self.written = False
        self.failed = False
        self.site = store.site
        self._started = started
        self._connection: Any = connection
        self._store = store

    def execute(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run one statement."""
        connection = self._open(sql)
        try:
            with connection.cursor(row_factory=dict_row) as cursor:
                cursor.execute(placeholders(sql), tuple(params))
                self.rowcount = cursor.rowcount
                return cursor.fetchall() if cursor.description is not None else []
        except (psycopg.Error, OverflowError, UnicodeError) as exc:
            raise self._error(exc) from exc

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of values."""
        connection = self._open(sql)
        try:
            with connection.cursor() as cursor:
                cursor.executemany(placeholders(sql), [tuple(row) for row in rows])
                self.rowcount = cursor.rowcount
        except (psycopg.Error, OverflowError, UnicodeError) as exc:
            raise self._error(exc) from exc

    def now(self) -> float:
        """The table's clock: the server's when the transaction began."""
        return self._started

    def end(self) -> None:
        """Let nobody use it any more."""
        self._connection = None

    def _open(self, sql: str) -> Any:
        if self._connection is None:
            msg = "The transaction is over."
            raise RuntimeError(msg)
        reads = sql.lstrip().startswith(("SELECT", "EXPLAIN", "WITH"))
        if not self.writable and not reads:
            msg = "A reading transaction cannot write."
            raise RuntimeError(msg)
        self.written |= not reads
        return self._connection

    def _error(self, exc: BaseException) -> Exception:
        self.failed = True
        # A number out of range, a NUL in a text, a text where a number belongs.
        if not isinstance(exc, psycopg.Error) or isinstance(exc, (psycopg.DataError, psycopg.errors.CheckViolation)):
            return _schema_sql.unstorable()
        return self._store.error(exc)


class PostgresqlStore:
    """See _store.Store."""

    def __init__(self, url: str, *, create: bool, site: str | None, clock: Callable[[], float]) -> None:
        """Open the table, or make it."""
        if _MISSING is not None:
            msg = (
                "A drive table in PostgreSQL needs the Python package psycopg (version 3), which is not installed here;"
                " nothing was done. Install it with: pip install 'psycopg[binary]'"
            )
            raise MissingLibraryError(msg) from _MISSING
        self.clock = clock
        self.site = ""
        self.version = _schema_sql.SCHEMA_VERSION
        self.created = False
        self._url = url
        self._create_allowed = create
        self._wanted_site = _schema_sql.check_site(site)
        self._secrets, self.location_label = _label(url)
        self._connection: Any = None
        self._pid = 0
        #: The server's clock, less the seconds that pass here.
        self._ahead: float | None = None
        self._begin_write = _BEGIN_WRITE
        self._lock = threading.RLock()
        self._busy = False
        self._suspect = False
        with self._lock:
            self._connected()

    def write(self) -> contextlib.AbstractContextManager[PostgresqlTransaction]:
        """One writing transaction."""
        return self._transaction(writable=True)

    def read(self) -> contextlib.AbstractContextManager[PostgresqlTransaction]:
        """One reading transaction."""
        return self._transaction(writable=False)

    def now(self) -> float:
        """The table's clock: what the server said last, and what has passed since."""
        if self._ahead is None:
            with self.read() as tx:
                return tx.now()
        return self._ahead + time.monotonic()

    def changed_token(self) -> tuple[int, ...]:
        """Differs after any process has written."""
        with self._lock:
            connection = self._connected()
            try:
                row = connection.execute("SELECT value FROM drive_sharing.meta WHERE key = 'changes'").fetchone()
            except psycopg.Error as exc:
                raise self.error(exc) from exc
            return (int(row[0]) if row else 0,)

    def close(self) -> None:
        """Close the connection; it opens again when it is used."""
        with self._lock:
            self._drop()

    @contextlib.contextmanager
    def _transaction(self, *, writable: bool) -> Iterator[PostgresqlTransaction]:
        with self._lock:
            if self._busy:
                msg = "A transaction of this drive table is open in this thread already."
                raise RuntimeError(msg)
            self._busy = True
            try:
                connection, started = self._begin(writable)
                tx = PostgresqlTransaction(connection, self, started, writable=writable)
                try:
                    yield tx
                except BaseException:
                    self._rollback(connection)
                    raise
                finally:
                    tx.end()
                self._commit(connection, tx)
            finally:
                self._busy = False
                if self._suspect:
                    self._drop()

    def _begin(self, writable: bool) -> tuple[Any, float]:
        """Begin, on a new connection if the one we had turns out to be broken: nothing was done on it yet."""
        for again in (True, False):
            connection = self._connected()
            try:
                cursor = connection.execute(self._begin_write if writable else _BEGIN_READ)
                while cursor.nextset():
                    pass
                started = float(cursor.fetchone()[0])
                self._ahead = started - time.monotonic()
                return connection, started
            except psycopg.Error as exc:
                self._rollback(connection)
                if again and self._connection is None:
                    continue
                raise self.error(exc) from exc
        raise RuntimeError  # for the type checker only

    def _commit(self, connection: Any, tx: PostgresqlTransaction) -> None:
        if tx.failed or connection.info.transaction_status == pq.TransactionStatus.INERROR:
            self._rollback(connection)
            msg = f"A statement on the drive table {self.location_label} failed before; nothing was written."
            raise TableError(msg)
        try:
            connection.execute(_COMMIT_WRITE if tx.written else "COMMIT")
        except psycopg.Error as exc:
            self._rollback(connection)
            raise self.error(exc) from exc

    def _rollback(self, connection: Any) -> None:
        try:
            if not connection.closed and connection.info.transaction_status != pq.TransactionStatus.IDLE:
                connection.execute("ROLLBACK")
        except psycopg.Error:
            self._drop()
        if self._connection is not None and self._connection.closed:
            self._drop()

    def _connected(self) -> Any:
        if self._connection is not None:
            if self._pid != os.getpid():
                # Closing it here would end the parent's session.
                _ABANDONED.append(self._connection)
                self._connection = None
            elif self._connection.closed:
                self._drop()
        if self._connection is None:
            self._connect()
        return self._connection

    def _connect(self) -> None:
        settings: dict[str, Any] = {"application_name": "drive_sharing", "keepalives_idle": 30, "keepalives_interval": 10}
        given = conninfo.conninfo_to_dict(self._url)
        for key in list(settings):
            if key in given:
                del settings[key]
        if "connect_timeout" not in given and not os.environ.get("PGCONNECT_TIMEOUT"):
            settings["connect_timeout"] = CONNECT_SECONDS
        try:
            self._connection = psycopg.connect(self._url, autocommit=True, **settings)
            self._pid = os.getpid()
            self._set_up(self._connection)
        except psycopg.Error as exc:
            self._drop()
            raise self.error(exc) from exc
        except BaseException:
            self._drop()
            raise

    def _set_up(self, connection: Any) -> None:
        row = connection.execute(
            "SELECT to_regclass('drive_sharing.meta')::text, current_setting('synchronous_commit')"
        ).fetchone()
        # An acknowledged change must survive the server's end, whatever the database's default is.
        durable = " SET LOCAL synchronous_commit TO on;" if row[1] in ("off", "local") else ""
        self._begin_write = _BEGIN_WRITE.replace(_SETTINGS, _SETTINGS + durable)
        if row[0] is None:
            if not self._create_allowed:
                msg = (
                    f"There is no drive table in {self.location_label}; nothing was written."
                    " The event source makes it when it starts: start it, or give the right URL."
                )
                raise TableError(msg)
            self.created |= _create(connection, self._wanted_site or self.site or _schema_sql.default_site())
        rows = connection.execute(
            "SELECT key, value FROM drive_sharing.meta WHERE key IN ('schema_version', 'site')"
        ).fetchall()
        self.version, self.site = _schema_sql.check_identity(
            self.location_label, dict(rows), self._wanted_site or self.site or None
        )

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._suspect = False
        if connection is None:
            return
        if self._pid != os.getpid():
            _ABANDONED.append(connection)
            return
        with contextlib.suppress(psycopg.Error):
            connection.close()

    def error(self, exc: Any) -> TableError:
        """One sentence for what the driver or the server says."""
        said = str(exc).strip().partition("\n")[0]
        for secret in self._secrets:
            said = said.replace(secret, "***")
        # The tables are gone: the next transaction looks whether it may make them anew.
        self._suspect = exc.sqlstate in _NO_TABLES
        return _sentence(self.location_label, exc.sqlstate or "", said)


def _create(connection: Any, site: str) -> bool:
    with connection.transaction():
        connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        # Not to_regclass again: it remembers its first answer until the transaction ends, and we may have waited.
        if connection.execute(
            "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'drive_sharing' AND c.relname = 'meta'"
        ).fetchone():
            return False
        # IF NOT EXISTS asks for the right to make schemas even where it exists.
        if connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'drive_sharing'").fetchone() is None:
            connection.execute("CREATE SCHEMA drive_sharing")
        connection.execute("SET LOCAL search_path TO drive_sharing")
        for statement in _schema_sql.statements("postgresql"):
            connection.execute(statement)
        for row in (("schema_version", str(_schema_sql.SCHEMA_VERSION)), ("site", site), ("changes", "0")):
            connection.execute("INSERT INTO meta (key, value) VALUES (%s, %s)", row)
        return True


def _label(url: str) -> tuple[list[str], str]:
    """Give the texts that may stand in no message, and a name for the database."""
    try:
        parts = conninfo.conninfo_to_dict(url)
    except psycopg.Error as exc:
        said = re.sub(r"//[^@]*@", "//***@", str(exc).strip().partition("\n")[0])
        # The whole of it may be quoted there.
        said = said.replace(url, "the URL")
        msg = f"The drive table's URL cannot be read ({said}); nothing was done. Write it as postgresql://user@host/database."
        raise InvalidValueError(msg) from None
    secrets = [str(parts[key]) for key in ("password", "sslpassword") if parts.get(key)]
    raw = re.match(r"postgres(?:ql)?://[^:/@]*:([^@]*)@", url)
    if raw and raw[1]:
        secrets.append(raw[1])
    if os.environ.get("PGPASSWORD"):
        secrets.append(os.environ["PGPASSWORD"])
    host = str(parts.get("host") or os.environ.get("PGHOST") or "localhost")
    user = f"{parts['user']}@" if parts.get("user") else ""
    port = f":{parts['port']}" if parts.get("port") else ""
    return secrets, f"postgresql://{user}{host}{port}/{parts.get('dbname', '')}"


def _sentence(label: str, state: str, said: str) -> TableError:
    # https://www.postgresql.org/docs/15/errcodes-appendix.html
    if state == "55P03":
        return TableError(
            f"The drive table {label} is locked by another process for more than {BUSY_SECONDS} s; nothing was written."
            " See which one it is in pg_stat_activity."
        )
    if state == "53100":
        return TableError(f"The disk of the drive table {label} is full ({said}); nothing was written. Make room there.")
    if state in ("25006", "42501"):
        return TableError(
            f"The drive table {label} cannot be written ({said}); nothing was written."
            " Give its user the right to write in schema drive_sharing, on the primary server."
        )
    if state in _NO_TABLES:
        return _schema_sql.not_a_table(f"Schema drive_sharing of {label}", said)
    if state.startswith("XX"):
        return TableError(f"The drive table {label} is damaged ({said}); nothing was written. Restore the database.")
    return TableError(
        f"The drive table {label} could not be used ({said}); nothing is known to be written."
        " Check that the server runs, and the URL, user and password."
    )
