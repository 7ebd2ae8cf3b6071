# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many drives of an instance are online at a control point, for drive_sharing_minimum_online.

Where one query shows all drives it says so itself, and for each pool of drives if there are several. Where the application
is asked about each drive on its own, the other drives of the instance are asked about too, once in a play. Private: may
change at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Found, Reading, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import TOGETHER


class Floor:
    """``siblings``: the drives of the instance; ``read`` asks the application about some."""

    def __init__(self, minimum: int, siblings: Sequence[Target], read: Callable[[Sequence[Target]], Reading]) -> None:
        self._minimum = minimum
        self._siblings = siblings
        self._read = read
        #: Drives that were asked about on their own, and whether they are online as far as is known.
        self._online: dict[str, bool] = {}
        self._left = 0
        self._pools: dict[str, int] = {}

    def begin(self, found: Reading, *, needed: bool) -> None:
        """Take in what was read of the drives that are to be decided; ``needed``: one of them may have to go offline."""
        if not self._minimum:
            return
        if found.online is not None:
            self._left, self._pools = found.online, dict(found.pools)
            return
        self._online.update((drive, one.state == "online") for drive, one in found.drives.items())
        rest = [target for target in self._siblings if target.drive not in self._online and target.drive not in found.problems]
        for start in range(0, len(rest) if needed else 0, TOGETHER):
            some = rest[start:start + TOGETHER]
            # What cannot be told does not count as online.
            self._online.update(dict.fromkeys((target.drive for target in some), False))
            self._online.update((drive, one.state == "online") for drive, one in self._read(some).drives.items())
        self._left = sum(self._online.values())

    def reached(self, drive: Found | None) -> bool:
        """Whether this drive is one of the last that have to stay online."""
        if not self._minimum:
            return False
        left = [self._left - _counts(drive), *(self._pools.get(pool, 0) - 1 for pool in (drive.pools if drive else ()))]
        return min(left) < self._minimum

    def goes(self, drive: Found | None) -> None:
        """The drive is set offline."""
        self._left -= _counts(drive)
        for pool in drive.pools if drive else ():
            self._pools[pool] = self._pools.get(pool, 0) - 1

    def is_now(self, drive: str, state: str | None) -> None:
        """What was read of a drive at last."""
        if drive in self._online and state is not None:
            self._online[drive] = state == "online"


def _counts(drive: Found | None) -> int:
    if drive is None:
        return 0
    return len(drive.names) if drive.counts is None else drive.counts
