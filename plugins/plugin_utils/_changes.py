# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How observations become changes of the drive table (design 4.1). Private: may change at any time."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class Recorded:
    """What became of one observation: written | unchanged | repeated | stale_reading | contradiction; the drive's sequence afterwards
    (0: the table has no row of it) and a sentence for the log."""

    drive: str
    result: str
    sequence: int
    message: str


def record(tx: t.Any, observations: t.Iterable[t.Any], now: float) -> list[Recorded]:
    """Write what is new of many observations in one transaction; one Recorded for each, in their order. Raises TableError."""
    raise NotImplementedError


def resolve_drive(tx: t.Any, key: t.Mapping[str, t.Any]) -> str:
    """The serial of the drive that {"serial"|"wwpn"|"wwnn"|"location": value, "library": name or None} means. A serial needs no
    association. Raises InvalidValueError naming what no association has, or what several drives have."""
    raise NotImplementedError


def record_unresolved(tx: t.Any, key: t.Mapping[str, t.Any], fields: t.Mapping[str, t.Any], now: float) -> str:
    """Keep the newest notification of a drive that no association knows, for the next host_facts: 'unresolved' or 'repeated'.
    fields: status, holders, port, observed_at, library, detector, origin. Raises InvalidValueError."""
    raise NotImplementedError


def retry_unresolved(tx: t.Any, now: float) -> list[Recorded]:
    """Record the kept notifications whose drives are known by now; called by write_hosts."""
    raise NotImplementedError


def raise_sequence(tx: t.Any, drive: str, at_least: int, now: float) -> int:
    """A record on a control point is ahead of the table: go past it and do the drive again; gives the new sequence."""
    raise NotImplementedError


def redo(tx: t.Any, drive: str, why: str, now: float) -> bool:
    """Ask every control point of a drive again for its newest change (reconcile, maintenance); False: the table has no such drive."""
    raise NotImplementedError


def state(tx: t.Any, drive: str) -> dict[str, t.Any] | None:
    """One drive's row, holders and port decoded, or None. Raises InvalidValueError naming a row that was damaged by hand."""
    raise NotImplementedError


def states(tx: t.Any) -> list[dict[str, t.Any]]:
    """All drives' rows by serial; a damaged one is {"drive": None, "invalid": sentence}."""
    raise NotImplementedError
