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
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
    ForeignSiteError,
    InvalidValueError,
    TableError,
)

SCHEMA_VERSION = 1

#: Keys of the table ``meta`` that belong to the store itself.
RESERVED_KEYS = ("schema_version", "site", "changes")

_TABLES = (
    "meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    # due NULL: nothing to do. While a drive is in a batch, a due that is set says: do it again afterwards.
    """drives (
        drive TEXT PRIMARY KEY, status TEXT NOT NULL, holders TEXT NOT NULL, port TEXT, sequence {count} NOT NULL,
        observed_at TEXT NOT NULL, library TEXT, detector TEXT NOT NULL, written_at {time} NOT NULL,
        settled {count} NOT NULL DEFAULT 0, settled_why TEXT NOT NULL DEFAULT '',
        batch TEXT, claimed_sequence {count}, attempt {count} NOT NULL DEFAULT 0, lease_until {time},
        due {time}, failures {count} NOT NULL DEFAULT 0, recheck_at {time},
        error_state TEXT NOT NULL DEFAULT '', error_since {time}, error_sequence {count}, error_attempt {count},
        error_reason TEXT NOT NULL DEFAULT '')""",
    """batches (
        batch TEXT PRIMARY KEY, emitted_at {time} NOT NULL, emissions {count} NOT NULL,
        claimed_at {time}, claimer TEXT, lease_until {time}, ended_at {time})""",
    # change: the drive's row as it was claimed; the row itself may be newer by the time the play acts.
    """batch_drives (
        batch TEXT NOT NULL, drive TEXT NOT NULL, sequence {count} NOT NULL, attempt {count}, change TEXT,
        PRIMARY KEY (batch, drive))""",
    # expected 0: no control point of the newest plan; the row is kept for its copy of taken. confirmed_once: this very change
    # was confirmed before, and is only looked at again.
    """answers (
        drive TEXT NOT NULL, instance TEXT NOT NULL, host TEXT NOT NULL, sequence {count} NOT NULL,
        application TEXT NOT NULL DEFAULT '', scope TEXT NOT NULL DEFAULT '', relation TEXT NOT NULL DEFAULT '',
        expected {count} NOT NULL DEFAULT 1, confirmed {count} NOT NULL DEFAULT 0,
        confirmed_once {count} NOT NULL DEFAULT 0, outcome TEXT NOT NULL DEFAULT '',
        state_read TEXT, reason TEXT NOT NULL DEFAULT '', detail TEXT, recheck_at {time},
        taken {count} NOT NULL DEFAULT 0, taken_sequence {count} NOT NULL DEFAULT 0,
        taken_attempt {count} NOT NULL DEFAULT 0, asked_at {time}, answered_at {time},
        answered_attempt {count} NOT NULL DEFAULT 0, attempts {count} NOT NULL DEFAULT 0,
        PRIMARY KEY (drive, instance, host))""",
    "forced (host TEXT NOT NULL, drive TEXT NOT NULL, at {time} NOT NULL, PRIMARY KEY (host, drive))",
    "notifications (origin TEXT PRIMARY KEY, at {time} NOT NULL)",
    """unresolved (
        kind TEXT NOT NULL, value TEXT NOT NULL, library TEXT NOT NULL, fields TEXT NOT NULL, origin TEXT,
        at {time} NOT NULL, PRIMARY KEY (kind, value, library))""",
    """history (
        id {serial}, at {time} NOT NULL, drive TEXT, sequence {count}, kind TEXT NOT NULL,
        host TEXT, instance TEXT, message TEXT NOT NULL)""",
    "hosts (host TEXT PRIMARY KEY, updated_at {time} NOT NULL, notes TEXT NOT NULL DEFAULT '[]')",
    """ports (
        host TEXT NOT NULL, protocol TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, device TEXT,
        origin TEXT NOT NULL, seen_at {time} NOT NULL, missing_since {time},
        PRIMARY KEY (host, protocol, id))""",
    """paths (
        host TEXT NOT NULL, drive TEXT NOT NULL, devices TEXT NOT NULL, detail TEXT NOT NULL, origin TEXT NOT NULL,
        seen_at {time} NOT NULL, missing_since {time}, PRIMARY KEY (host, drive))""",
    """instances (
        host TEXT NOT NULL, instance TEXT NOT NULL, application TEXT NOT NULL, control_points TEXT NOT NULL,
        scope TEXT NOT NULL, managed TEXT NOT NULL, PRIMARY KEY (host, instance))""",
    # paths x instances of the same host, with managed decided: a plan reads nothing but a range of these rows.
    """seen (
        drive TEXT NOT NULL, instance TEXT NOT NULL, host TEXT NOT NULL, managed {count} NOT NULL,
        application TEXT NOT NULL, scope TEXT NOT NULL, control_points TEXT NOT NULL, devices TEXT NOT NULL,
        missing_since {time}, updated_at {time} NOT NULL, PRIMARY KEY (drive, instance, host))""",
    """attributes (
        drive TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, library TEXT NOT NULL DEFAULT '',
        seen_at {time} NOT NULL, PRIMARY KEY (drive, kind, value, library))""",
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
    "paths_missing ON paths (missing_since) WHERE missing_since IS NOT NULL",
    "ports_missing ON ports (missing_since) WHERE missing_since IS NOT NULL",
    "instances_instance ON instances (instance)",
    "seen_host ON seen (host)",
    "attributes_value ON attributes (kind, value)",
)

_SERIAL = {"sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT", "postgresql": "BIGSERIAL PRIMARY KEY"}

# SQLite lets any text stand in a column of numbers, where Python would stumble over it. A text is greater than any
# number there, so the limit keeps it out.
_COLUMN = re.compile(r"(\w+) \{(count|time)\}")
_TYPES = {
    "count": r"\1 BIGINT CHECK (\1 BETWEEN 0 AND 1000000000000000)",
    "time": r"\1 DOUBLE PRECISION CHECK (\1 < 1e15)",
}


def statements(backend: str) -> list[str]:
    """The statements that make an empty drive table; ``backend``: sqlite or postgresql."""
    made = []
    for table in _TABLES:
        typed = _COLUMN.sub(lambda match: match.expand(_TYPES[match[2]]), table.replace("{serial}", _SERIAL[backend]))
        made.append(f"CREATE TABLE {typed}")
    return made + [f"CREATE INDEX {index}" for index in _INDEXES]


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


def unstorable() -> InvalidValueError:
    """The error for a value that no column can keep."""
    return InvalidValueError(
        "A value is too large, or holds characters that no text has; the drive table cannot keep it and nothing was written"
    )
