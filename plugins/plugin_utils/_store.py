# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drive table's store: SQLite file or PostgreSQL database behind one small interface. Private: may change at any time."""

from __future__ import annotations

import contextlib
import time
import typing as t

SCHEMA_VERSION = 1


class Transaction(t.Protocol):
    """What `with store.write() as tx` and `with store.read() as tx` give; SQL has `?` for its values on both back ends."""

    writable: bool
    rowcount: int  # rows that the last execute changed

    def execute(self, sql: str, params: t.Sequence[t.Any] = ()) -> list[dict[str, t.Any]]:
        """Run one statement; the rows of a SELECT as dicts. Raises TableError."""

    def many(self, sql: str, rows: t.Iterable[t.Sequence[t.Any]]) -> None:
        """Run one statement for each row of values. Raises TableError."""

    def now(self) -> float:
        """The table's clock, epoch seconds: PostgreSQL's own when there, so that two controllers need no equal clocks."""


class Store(t.Protocol):
    """An open drive table. Any thread may use it, one transaction at a time; after a fork the child opens its own connection."""

    site: str
    version: int
    location_label: str

    def write(self) -> contextlib.AbstractContextManager[Transaction]:
        """One transaction that holds the table's only write lock from its start; rolled back if the block raises. Raises TableError."""

    def read(self) -> contextlib.AbstractContextManager[Transaction]:
        """One transaction that sees one moment of the table. Raises TableError."""

    def changed_token(self) -> t.Hashable:
        """Something that differs after any process has written: cheap enough for several calls a second. Raises TableError."""

    def close(self) -> None:
        """Close the connection; the store opens again when it is used again."""


def default_location() -> str:
    """E(DRIVE_SHARING_TABLE), else /var/lib/drive_sharing/table.sqlite for root, else ~/.local/state/drive_sharing/table.sqlite."""
    raise NotImplementedError


def open_store(
    location: str, *, create: bool = False, site: str | None = None, clock: t.Callable[[], float] = time.time
) -> Store:
    """Open the drive table at a file path or postgresql:// URL. Raises TableError, ForeignSiteError (site given and not the table's),
    MissingLibraryError (psycopg)."""
    raise NotImplementedError


def get_meta(tx: Transaction, key: str) -> str | None:
    """The text kept under a free key, or None."""
    raise NotImplementedError


def set_meta(tx: Transaction, key: str, value: str | None) -> None:
    """Keep a text under a free key; None removes it."""
    raise NotImplementedError
