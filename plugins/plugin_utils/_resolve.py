# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which drive a notification means, and keeping those of drives that nobody knows yet.

Private: may change at any time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers, _rows
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._change import observation
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: How a drive may be named in a notification.
KEYS = {
    "serial": _identifiers.serial,
    "wwpn": _identifiers.wwn,
    "wwnn": _identifiers.wwn,
    "location": _identifiers.location,
}


def origin_key(origin: str) -> str:
    """The form in which a notification's key is kept: of one length, whatever the sender wrote."""
    return hashlib.sha256(origin.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def resolve_drive(tx: Any, key: Mapping[str, Any]) -> str:
    """Give the serial of the drive that ``{"serial" | "wwpn" | "wwnn" | "location": value, "library": name or None}`` means.

    A serial number needs no association. Raises InvalidValueError naming what no association has, or several have.
    """
    kind, value, library = _key(key)
    if kind == "serial":
        return value
    rows = tx.execute(
        "SELECT a.drive, a.library, a.seen_at,"
        " (SELECT COUNT(*) FROM paths p WHERE p.drive = a.drive AND p.missing_since IS NULL) AS live"
        " FROM attributes a WHERE a.kind = ? AND a.value = ?",
        (kind, value),
    )
    if library is not None:
        # A host that does not know the library's name may still mean this one.
        rows = [row for row in rows if row["library"] == library] or [row for row in rows if row["library"] == ""]
    # A drive that was exchanged leaves its place, and in some libraries its world wide names, to its successor.
    rows = [row for row in rows if row["live"]] or rows
    drives = sorted({row["drive"] for row in rows})
    where = f" in library {library}" if library is not None else ""
    if not drives:
        msg = f"No drive with {kind} {value}{where} is in the associations; run the playbook host_facts, or name it there"
        raise InvalidValueError(msg)
    if len(drives) > 1:
        msg = f"The drives {', '.join(drives[:5])} all have {kind} {value}{where} in the associations; correct it there"
        raise InvalidValueError(msg)
    return drives[0]


def _key(key: Mapping[str, Any]) -> tuple[str, str, str | None]:
    given = [kind for kind in KEYS if key.get(kind) is not None]
    if len(given) != 1:
        msg = f"A drive must be named by exactly one of {', '.join(KEYS)}, not by {', '.join(given) or 'none'}"
        raise InvalidValueError(msg)
    library = key.get("library")
    if library is not None:
        library = _identifiers.host_name(library, "library")
    return given[0], KEYS[given[0]](key[given[0]], f"drive {given[0]}"), library


def record_unresolved(tx: Any, key: Mapping[str, Any], fields: Mapping[str, Any], now: float) -> str:
    """Keep the newest notification of a drive that no association knows until host_facts has been run.

    ``fields``: those of an Observation but ``drive``. Gives ``unresolved`` or ``repeated``. Raises InvalidValueError.
    """
    kind, value, library = _key(key)
    one = observation({**fields, "drive": "0"})
    origin = None if one.origin is None else origin_key(one.origin)
    if origin is not None and (
        tx.execute("SELECT 1 FROM notifications WHERE origin = ?", (origin,))
        or tx.execute("SELECT 1 FROM unresolved WHERE origin = ?", (origin,))
    ):
        return "repeated"
    kept = {
        "status": one.status, "holders": list(one.holders), "port": one.port, "observed_at": one.observed_at,
        "library": one.library, "detector": one.detector,
    }
    tx.execute(
        "INSERT INTO unresolved (kind, value, library, fields, origin, at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (kind, value, library) DO UPDATE SET fields = excluded.fields, origin = excluded.origin,"
        " at = excluded.at",
        (kind, value, library or "", _rows.dumps(kept), origin, now),
    )
    return "unresolved"
