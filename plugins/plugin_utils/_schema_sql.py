# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drive table's tables and what both back ends check when they open it. Private: may change at any time.

SQL that SQLite (3.24 and later) and PostgreSQL (12 and later) both understand; times are epoch seconds, JSON is text.
"""

from __future__ import annotations

import os
import re

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import ForeignSiteError, TableError

SCHEMA_VERSION = 1

#: Keys of the table ``meta`` that belong to the store itself.
RESERVED_KEYS = ("schema_version", "site", "changes")

_TABLES = (
    "meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    # due NULL: nothing to do. While a drive is in a batch, a due that is set says: do it again afterwards.
    """drives (
        drive TEXT PRIMARY KEY, status TEXT NOT NULL, holders TEXT NOT NULL, port TEXT, sequence BIGINT NOT NULL,
        observed_at TEXT NOT NULL, library TEXT, detector TEXT NOT NULL, written_at DOUBLE PRECISION NOT NULL,
        settled BIGINT NOT NULL DEFAULT 0, settled_why TEXT NOT NULL DEFAULT '',
        batch TEXT, claimed_sequence BIGINT, attempt BIGINT NOT NULL DEFAULT 0, lease_until DOUBLE PRECISION,
        due DOUBLE PRECISION, failures BIGINT NOT NULL DEFAULT 0, recheck_at DOUBLE PRECISION,
        error_state TEXT NOT NULL DEFAULT '', error_since DOUBLE PRECISION, error_sequence BIGINT, error_attempt BIGINT,
        error_reason TEXT NOT NULL DEFAULT '')""",
    """batches (
        batch TEXT PRIMARY KEY, emitted_at DOUBLE PRECISION NOT NULL, emissions BIGINT NOT NULL,
        claimed_at DOUBLE PRECISION, claimer TEXT, lease_until DOUBLE PRECISION, ended_at DOUBLE PRECISION)""",
    # change: the drive's row as it was claimed; the row itself may be newer by the time the play acts.
    """batch_drives (
        batch TEXT NOT NULL, drive TEXT NOT NULL, sequence BIGINT NOT NULL, attempt BIGINT, change TEXT,
        PRIMARY KEY (batch, drive))""",
    # expected 0: no control point of the newest plan; the row is kept for its copy of taken.
    """answers (
        drive TEXT NOT NULL, instance TEXT NOT NULL, host TEXT NOT NULL, sequence BIGINT NOT NULL,
        application TEXT NOT NULL DEFAULT '', scope TEXT NOT NULL DEFAULT '', relation TEXT NOT NULL DEFAULT '',
        expected INTEGER NOT NULL DEFAULT 1, confirmed INTEGER NOT NULL DEFAULT 0, outcome TEXT NOT NULL DEFAULT '',
        state_read TEXT, reason TEXT NOT NULL DEFAULT '', detail TEXT, recheck_at DOUBLE PRECISION,
        taken INTEGER NOT NULL DEFAULT 0, taken_sequence BIGINT NOT NULL DEFAULT 0,
        taken_attempt BIGINT NOT NULL DEFAULT 0, asked_at DOUBLE PRECISION, answered_at DOUBLE PRECISION,
        answered_attempt BIGINT NOT NULL DEFAULT 0, attempts BIGINT NOT NULL DEFAULT 0,
        PRIMARY KEY (drive, instance, host))""",
    "forced (host TEXT NOT NULL, drive TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, PRIMARY KEY (host, drive))",
    "notifications (origin TEXT PRIMARY KEY, at DOUBLE PRECISION NOT NULL)",
    """unresolved (
        kind TEXT NOT NULL, value TEXT NOT NULL, library TEXT NOT NULL, fields TEXT NOT NULL, origin TEXT,
        at DOUBLE PRECISION NOT NULL, PRIMARY KEY (kind, value, library))""",
    """history (
        id {serial}, at DOUBLE PRECISION NOT NULL, drive TEXT, sequence BIGINT, kind TEXT NOT NULL,
        host TEXT, instance TEXT, message TEXT NOT NULL)""",
    "hosts (host TEXT PRIMARY KEY, updated_at DOUBLE PRECISION NOT NULL, notes TEXT NOT NULL DEFAULT '[]')",
    """ports (
        host TEXT NOT NULL, protocol TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, device TEXT,
        origin TEXT NOT NULL, seen_at DOUBLE PRECISION NOT NULL, missing_since DOUBLE PRECISION,
        PRIMARY KEY (host, protocol, id))""",
    """paths (
        host TEXT NOT NULL, drive TEXT NOT NULL, devices TEXT NOT NULL, detail TEXT NOT NULL, origin TEXT NOT NULL,
        seen_at DOUBLE PRECISION NOT NULL, missing_since DOUBLE PRECISION, PRIMARY KEY (host, drive))""",
    """instances (
        host TEXT NOT NULL, instance TEXT NOT NULL, application TEXT NOT NULL, control_points TEXT NOT NULL,
        scope TEXT NOT NULL, managed TEXT NOT NULL, PRIMARY KEY (host, instance))""",
    # paths x instances of the same host, with managed decided: what record() and the plan need, without a join.
    """seen (
        drive TEXT NOT NULL, instance TEXT NOT NULL, host TEXT NOT NULL, managed INTEGER NOT NULL,
        PRIMARY KEY (drive, instance, host))""",
    """attributes (
        drive TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, library TEXT NOT NULL DEFAULT '',
        seen_at DOUBLE PRECISION NOT NULL, PRIMARY KEY (drive, kind, value, library))""",
)

_INDEXES = (
    "drives_due ON drives (due)",
    "drives_batch ON drives (batch)",
    "batches_open ON batches (emitted_at) WHERE ended_at IS NULL",
    "batches_ended ON batches (ended_at)",
    "answers_host ON answers (host)",
    "forced_at ON forced (at)",
    "notifications_at ON notifications (at)",
    "unresolved_origin ON unresolved (origin)",
    "unresolved_at ON unresolved (at)",
    "history_drive ON history (drive, id)",
    "history_at ON history (at)",
    "ports_id ON ports (id)",
    "paths_drive ON paths (drive)",
    "paths_missing ON paths (missing_since)",
    "ports_missing ON ports (missing_since)",
    "instances_instance ON instances (instance)",
    "seen_host ON seen (host)",
    "attributes_value ON attributes (kind, value)",
)

_SERIAL = {"sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT", "postgresql": "BIGSERIAL PRIMARY KEY"}


def statements(backend: str) -> list[str]:
    """The statements that make an empty drive table; ``backend``: sqlite or postgresql."""
    tables = [f"CREATE TABLE {table.replace('{serial}', _SERIAL[backend])}" for table in _TABLES]
    return tables + [f"CREATE INDEX {index}" for index in _INDEXES]


def default_site() -> str:
    """The site of a table that is made without one: this host's name."""
    return re.sub(r"[^0-9A-Za-z_.:-]", "_", os.uname().nodename)[:64].lstrip(".:-") or "site"


def check_site(site: str | None) -> str | None:
    """Check a site's name as its author wrote it; it stands in every record on every control point."""
    return None if site is None else _identifiers.instance_name(site, "site")


def permanent(error: TableError) -> TableError:
    """Mark an error that waiting does not mend."""
    error.permanent = True  # type: ignore[attr-defined]
    return error


def check_identity(label: str, meta: dict[str, str], site: str | None) -> tuple[int, str]:
    """Compare a table's version and site with ours; gives both. Raises TableError, ForeignSiteError."""
    try:
        version = int(meta["schema_version"])
        found = _identifiers.instance_name(meta["site"], "site")
    except (KeyError, ValueError, TypeError, _identifiers.InvalidValueError) as exc:
        raise permanent(not_a_table(label, "its version and site are missing")) from exc
    if version > SCHEMA_VERSION:
        msg = (
            f"The drive table {label} is of version {version}, newer than version {SCHEMA_VERSION} of this collection;"
            " it was left as it is. Install the newer collection here too."
        )
        raise permanent(TableError(msg))
    if version < 1:
        raise permanent(not_a_table(label, f"its version is {version}"))
    if site is not None and site != found:
        msg = (
            f"The drive table {label} belongs to site {found}, not to site {site}; nothing was read or written."
            f" Give the location of the drive table of {site}, or the site that this one has."
        )
        raise permanent(ForeignSiteError(msg))
    return version, found


def not_a_table(label: str, why: str) -> TableError:
    """The error for something that is there and is no drive table."""
    return permanent(TableError(
        f"{label} is not a drive table ({why}); it was left as it is. Move it away, or give the drive table's location."
    ))
