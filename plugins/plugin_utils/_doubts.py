# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two detectors on one drive that do not agree: is the other one wrong, or only slower? Private: may change at any time.

What is read off a drive is written at once. If that is against what another detector told, it is a contradiction only when
that one does not tell the same within moments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._change import Observation

#: Seconds that the other detector has.
MOMENTS = 10.0
#: Drives in doubt that are remembered; more at once are no contradictions but a fault of one detector.
CAPACITY = 10_000


@dataclass(frozen=True, slots=True)
class Against:
    """What a reading was written against."""

    detector: str
    #: Both sides.
    text: str


@dataclass(frozen=True, slots=True)
class _Doubt:
    until: float
    against: Against
    fact: tuple[str, tuple[dict[str, Any], ...]]
    sequence: int


class Doubts:
    """Those of a source; forgotten when it ends."""

    def __init__(self) -> None:
        """Nobody is in doubt."""
        self._doubts: dict[str, _Doubt] = {}

    def read(self, drive: str, against: Against, one: Observation, sequence: int, now: float) -> None:
        """A reading was written against what another detector told."""
        if drive in self._doubts or len(self._doubts) < CAPACITY:
            self._doubts[drive] = _Doubt(now + MOMENTS, against, (one.status, one.holders), sequence)

    def told(self, one: Observation) -> None:
        """A detector has told something; if it is what was read, it was only slower."""
        doubt = self._doubts.get(one.drive)
        if doubt is not None and one.detector == doubt.against.detector and (one.status, one.holders) == doubt.fact:
            del self._doubts[one.drive]

    def over(self, now: float) -> list[tuple[str, int, str]]:
        """Give drive, sequence and sentence of those who had their time."""
        return [
            (
                drive,
                doubt.sequence,
                f"{doubt.against.text} What was read counts. {doubt.against.detector} has not told the same within {MOMENTS:g} s: a"
                " notification was lost, or false.",
            )
            for drive, doubt in self._doubts.items()
            # A clock that was set back makes no doubt last longer than it should.
            if not now < doubt.until <= now + MOMENTS
        ]

    def forget(self, drives: list[str]) -> None:
        """They were told of."""
        for drive in drives:
            self._doubts.pop(drive, None)
