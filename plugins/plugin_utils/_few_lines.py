# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Count what comes in, and tell people of it without flooding their log. Private: may change at any time."""

from __future__ import annotations

import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable

#: Seconds between two lines on one sender and kind, and between counts of lines of one kind.
INTERVAL = 60.0
#: Lines of one kind in an interval, over all senders: anybody can write any sender into a datagram.
LINES = 10
#: Senders and kinds that are remembered.
CAPACITY = 1000


class Report:
    """Counters, and log lines of which there are never too many."""

    def __init__(
        self,
        log: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
        others: str = "More senders have the same fault ({kind}); they are counted, not named.",
    ) -> None:
        """Start with zeros; ``others`` is the line for those who are not named."""
        self._log = log
        self._clock = clock
        self._others = others
        self._counts: Counter[str] = Counter()
        # By sender and kind: when the last line was written, and how many were not since.
        self._told: OrderedDict[tuple[str, str], list[float]] = OrderedDict()
        # By kind: start of the interval, lines in it.
        self._lines: dict[str, list[float]] = {}

    def count(self, kind: str, number: int = 1) -> None:
        """Count without a line."""
        self._counts[kind] += number

    def counts(self) -> dict[str, int]:
        """Give all counters that are not zero."""
        return dict(self._counts)

    def tell(self, kind: str, sender: str, text: str, level: int = logging.WARNING) -> None:
        """Count, and write a line unless this sender had one of this kind a short while ago."""
        self._counts[kind] += 1
        now = self._clock()
        told = self._told.get((sender, kind))
        if told is not None and now - told[0] < INTERVAL:
            told[1] += 1
            return
        window = self._lines.setdefault(kind, [now, 0])
        if now - window[0] >= INTERVAL:
            window[:] = [now, 0]
        window[1] += 1
        if window[1] > LINES:
            if window[1] == LINES + 1:
                self._log.log(level, "%s", self._others.format(kind=kind))
            return
        more = f" ({told[1]:.0f} more since the last line of this kind)" if told is not None and told[1] else ""
        self._log.log(level, "%s%s", text, more)
        self._told[sender, kind] = [now, 0]
        self._told.move_to_end((sender, kind))
        while len(self._told) > CAPACITY:
            self._told.popitem(last=False)
