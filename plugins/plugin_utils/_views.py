# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small questions that the dispatcher and the plays ask the drive table. Private: may change at any time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Target


def pause_failing(tx: Any, drives: Sequence[str], now: float, pause: Callable[[int], float]) -> None:
    """Let the drives of plays that ended without a result wait, except for the first time in a row."""
    for drive in drives:
        failures = int(tx.execute("SELECT failures FROM drives WHERE drive = ?", (drive,))[0]["failures"])
        if failures > 1:
            tx.execute("UPDATE drives SET due = ? WHERE drive = ?", (now + pause(failures - 1), drive))


def answers_of(tx: Any, batch: str, outcome: str) -> list[dict[str, Any]]:
    """The answers with one outcome to the newest change of each drive of a batch."""
    return tx.execute(
        "SELECT a.drive, a.sequence, a.instance, a.host, a.state_read FROM answers a"
        " JOIN drives d ON d.drive = a.drive AND d.sequence = a.sequence"
        " JOIN batch_drives b ON b.drive = a.drive WHERE b.batch = ? AND a.outcome = ?"
        " ORDER BY a.drive, a.instance, a.host",
        (batch, outcome),
    )


def taken(tx: Any, drives: Sequence[str]) -> dict[str, set[str]]:
    """The instances of each drive where we have it offline, by the table's copy of the records."""
    found: dict[str, set[str]] = {}
    for drive in drives:
        for row in tx.execute("SELECT instance FROM answers WHERE drive = ? AND taken = 1", (drive,)):
            found.setdefault(drive, set()).add(row["instance"])
    return found


def devices_of(tx: Any, host: str) -> dict[str, list[str]]:
    """drive: its device files, for each drive that a host sees, or that is missing there."""
    rows = tx.execute("SELECT drive, devices FROM paths WHERE host = ?", (host,))
    return {row["drive"]: json.loads(row["devices"]) or [] for row in rows}


def siblings(tx: Any, instance: str, host: str) -> list[Target]:
    """The drives that an instance's application has at a control point: with one state per instance those of all its hosts."""
    devices: dict[str, dict[str, tuple[str, ...]]] = {}
    rows = tx.execute(
        "SELECT drive, host, scope, devices FROM seen WHERE instance = ? AND missing_since IS NULL ORDER BY drive, host", (instance,)
    )
    for row in rows:
        if row["scope"] == "instance" or row["host"] == host:
            devices.setdefault(row["drive"], {})[row["host"]] = tuple(json.loads(row["devices"]) or ())
    return [
        Target(drive, files.get(host, ()), elsewhere={other: some for other, some in files.items() if other != host})
        for drive, files in devices.items()
    ]


def devices_elsewhere(tx: Any, instance: str, host: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """drive: host: device files, on the other hosts of an instance."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in tx.execute("SELECT drive, host, devices FROM seen WHERE instance = ? AND host <> ?", (instance, host)):
        found.setdefault(row["drive"], {})[row["host"]] = tuple(json.loads(row["devices"]) or ())
    return found
