# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the drive table knows of drives, and how a reading is compared with it. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _change, _rows
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._change import Observation
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._doubts import Against
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError


@dataclass
class Known:
    """What the table knows of a drive; without a status if it has no row."""

    status: str = ""
    holders: tuple[dict[str, Any], ...] = ()
    sequence: int = 0
    error_state: str = ""
    detector: str = ""

    def same(self, status: str, holders: tuple[dict[str, Any], ...]) -> bool:
        """Whether that is what is known."""
        return (self.status, self.holders) == (status, holders)

    def keeps_holder(self, holders: tuple[dict[str, Any], ...], detector: str) -> bool:
        """Whether a level reading of a reservation by somebody who cannot be told leaves the holder that another told.

        Where the same detector could tell the holder before, it is another reservation now: RESERVE of SPC-2 in place of a
        persistent one.
        """
        if self.status != "reserved" or holders != (_change.UNREADABLE,):
            return False
        return self.detector != detector


def known(tx: Any, drives: Collection[str]) -> dict[str, Known]:
    """What the table knows of these drives."""
    rows = {row["drive"]: of_row(row) for row in _rows.select_in(tx, "SELECT * FROM drives WHERE drive IN {in}", drives)}
    return {drive: rows.get(drive) or Known() for drive in drives}


def of_row(found: Mapping[str, Any]) -> Known:
    """What a row says; a damaged one is equal to nothing, and the next change overwrites it."""
    sequence = found["sequence"]
    if isinstance(sequence, bool) or not isinstance(sequence, int) or not 0 <= sequence < _change.MAX_SEQUENCE:
        sequence = 0
    try:
        change = _rows.change_of(found)
    except InvalidValueError:
        return Known(sequence=sequence)
    return Known(change["status"], tuple(change["holders"]), sequence, found["error_state"], change["detector"])


def disagreement(one: Observation, row: Known, text: str) -> Against | None:
    """What another detector told, if it is something else; to know the holder where it did not is nothing else."""
    if not one.level or not row.status or row.detector == one.detector:
        return None
    if row.status == one.status and row.holders == (_change.UNREADABLE,):
        return None
    both = (
        f"Drive {one.drive}: {row.detector} told that it is {in_words(row.status, row.holders)} (change {row.sequence}), and reading"
        f" the drive ({one.detector}) shows that it is {text}."
    )
    return Against(row.detector, both)


def in_words(status: str, holders: Iterable[Mapping[str, Any]]) -> str:
    """Write status and holders for people."""
    ports = ", ".join(_change.port_text(port) for port in holders)
    return f"{status} by {ports}" if ports else status
