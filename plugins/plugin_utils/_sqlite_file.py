# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making the drive table's SQLite file, and saying what is wrong with it. Private: may change at any time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import sqlite3
import time

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _schema_sql
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import TableError

#: Seconds to wait for a lock that another process has.
BUSY_SECONDS = 5.0


def create(path: str, site: str) -> bool:
    """Make a drive table, complete or not at all; False: somebody else just made it. Raises TableError."""
    directory = os.path.dirname(path)
    new = f"{path}.new"
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as exc:
        raise sentence(path, 0, exc) from exc
    try:
        _lock_directory(handle, path)
        if os.path.lexists(path):
            return False
        # SQLite would take what a deleted table left beside it for its own (howtocorrupt.html 1.4).
        for name in (f"{path}-wal", f"{path}-shm", new, f"{new}-wal", f"{new}-shm", f"{new}-journal"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            for statement in _schema_sql.statements("sqlite"):
                connection.execute(statement)
            connection.executemany(
                "INSERT INTO meta (key, value) VALUES (?, ?)",
                [("schema_version", str(_schema_sql.SCHEMA_VERSION)), ("site", site), ("changes", "0")],
            )
            connection.execute("COMMIT")
        os.rename(new, path)
        os.fsync(handle)
        return True
    except (OSError, sqlite3.Error) as exc:
        raise sentence(path, code(exc), exc) from exc
    finally:
        os.close(handle)


def _lock_directory(handle: int, path: str) -> None:
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            if time.monotonic() >= deadline:
                raise sentence(path, sqlite3.SQLITE_BUSY, exc) from exc
            time.sleep(0.01)
        else:
            return


def code(exc: BaseException) -> int:
    """SQLite's primary result code, 0 for other errors."""
    return getattr(exc, "sqlite_errorcode", 0) & 0xFF


def sentence(path: str, result: int, exc: BaseException) -> TableError:
    """One sentence for what the driver or the system says; ``result``: SQLite's primary result code, or 0."""
    directory = os.path.dirname(path)
    said = str(exc)
    if isinstance(exc, OSError):
        said = exc.strerror or said
    if result in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return TableError(
            f"The drive table {path} is locked by another process for more than {BUSY_SECONDS:.0f} s; nothing was written."
            f" See which one it is with: fuser -v {path}"
        )
    if result == sqlite3.SQLITE_FULL or getattr(exc, "errno", 0) in (28, 122):
        return TableError(f"The disk of the drive table {path} is full; nothing was written. Make room in {directory}.")
    if result == sqlite3.SQLITE_NOTADB or (result == sqlite3.SQLITE_ERROR and said.startswith("no such table: meta")):
        return _schema_sql.not_a_table(path, said)
    if result == sqlite3.SQLITE_CORRUPT:
        return TableError(
            f"The drive table {path} is damaged ({said}); nothing was written. Stop the event source, move the file away and"
            " start it again: a new table is made, and what was taken is known from the records on the control points."
        )
    if result in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM) or isinstance(exc, OSError):
        return TableError(
            f"The drive table {path} cannot be opened for writing ({said}); nothing was written."
            f" Give user {_user()} access to it and to its directory, on a file system that can be written."
        )
    return TableError(
        f"The drive table {path} could not be used ({said}); nothing was written. Check the file system of {directory}."
    )


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
