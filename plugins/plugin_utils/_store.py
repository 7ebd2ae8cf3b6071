# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drive table's store: an SQLite file or a PostgreSQL database behind one interface.

Private: may change at any time.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Protocol

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _schema_sql
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

SCHEMA_VERSION = _schema_sql.SCHEMA_VERSION


class Transaction(Protocol):
    """What ``with store.write() as tx`` and ``with store.read() as tx`` give; SQL has ``?`` in place of its values."""

    writable: bool
    #: Rows that the last statement changed.
    rowcount: int
    #: The table's site.
    site: str

    def execute(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run one statement and give the rows of a SELECT. Raises TableError, InvalidValueError (unstorable value)."""

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of values. Raises TableError, InvalidValueError."""

    def now(self) -> float:
        """The table's clock, epoch seconds: the database server's own on PostgreSQL, equal for all controllers."""


class Store(Protocol):
    """An open drive table.

    Any thread may use it, one transaction at a time. After a fork the child opens a connection of its own. A broken
    connection, or a file that was deleted or replaced, is noticed and opened anew by the next transaction.
    """

    site: str
    version: int
    #: Whether this process made the table.
    created: bool
    #: For messages: the file, or the URL without its password.
    location_label: str

    def write(self) -> contextlib.AbstractContextManager[Transaction]:
        """One transaction with the table's only write lock; rolled back if the block raises. Raises TableError."""

    def read(self) -> contextlib.AbstractContextManager[Transaction]:
        """One transaction that sees one moment of the table. Raises TableError."""

    def now(self) -> float:
        """The table's clock outside of a transaction; equal for all controllers, whatever their own clocks say."""

    def changed_token(self) -> Hashable:
        """Something that differs after any process has written; cheap enough for many calls a second."""

    def close(self) -> None:
        """Close the connection; the store opens again when it is used again."""


def default_location() -> str:
    """E(DRIVE_SHARING_TABLE), else /var/lib/drive_sharing/table.sqlite for root, else a file in ~/.local/state."""
    location = os.environ.get("DRIVE_SHARING_TABLE")
    if location:
        return location
    if os.geteuid() == 0:
        return "/var/lib/drive_sharing/table.sqlite"
    return os.path.expanduser("~/.local/state/drive_sharing/table.sqlite")


def open_store(
    location: str, *, create: bool = False, site: str | None = None, clock: Callable[[], float] = time.time
) -> Store:
    """Open the drive table at a file's path or a postgresql:// URL.

    ``create``: make it if it is not there (and again if its file is deleted later), for ``site`` (default: the host's
    name). ``site``: refuse another site's table. Raises TableError (with ``permanent`` set where waiting does not mend
    it), ForeignSiteError, InvalidValueError, MissingLibraryError (PostgreSQL without psycopg).
    """
    if not isinstance(location, str) or not location or "\0" in location:
        msg = "The drive table's location must be a file's path or a postgresql:// URL"
        raise InvalidValueError(msg)
    if location.startswith(("postgresql://", "postgres://")):
        # Its import costs several times what the rest of a play's work on the table does.
        from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._postgresql import PostgresqlStore

        return PostgresqlStore(location, create=create, site=site, clock=clock)
    if "://" in location:
        msg = (
            f"The drive table's location must be a file's path or a postgresql:// URL, not a URL that begins with"
            f" {location.partition('://')[0][:20]}://"
        )
        raise InvalidValueError(msg)
    from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._sqlite import SqliteStore

    return SqliteStore(location, create=create, site=site, clock=clock)


def get_meta(tx: Transaction, key: str) -> str | None:
    """The text kept under a free key, or None."""
    rows = tx.execute("SELECT value FROM meta WHERE key = ?", (key,))
    return rows[0]["value"] if rows else None


def set_meta(tx: Transaction, key: str, value: str | None) -> None:
    """Keep a text under a free key; None removes it."""
    if key in _schema_sql.RESERVED_KEYS:
        msg = f"The key {key} belongs to the drive table itself"
        raise InvalidValueError(msg)
    if value is None:
        tx.execute("DELETE FROM meta WHERE key = ?", (key,))
        return
    tx.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (str(key), str(value)),
    )
