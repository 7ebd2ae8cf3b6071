# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reservation change as the drive table holds it: its form, checked at every door. Private: may change at any time."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

VERSION = 1
MAX_SEQUENCE = 10**15


def validate(mapping: t.Any) -> dict[str, t.Any]:
    """Check one change and give it in its normal form: exactly the keys version, drive, status, holders, port, sequence,
    observed_at, library, detector; holders sorted, ports canonical. Raises InvalidValueError."""
    raise NotImplementedError


@dataclass(frozen=True)
class Observation:
    """What a detector saw; checked and normalised when it is made (InvalidValueError), so that a bad one never meets the table."""

    drive: str
    status: str
    holders: tuple[dict[str, t.Any], ...]
    observed_at: str
    detector: str
    port: dict[str, t.Any] | None = None
    library: str | None = None
    origin: str | None = None
    level: bool = False
    seen_sequence: int | None = None
