# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drives that the detector ``scsi`` reads: when and where each is asked next, and which cannot be read.

Private: may change at any time. Nothing here waits or asks; times are those of a clock that is never set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._scsi_arguments import Drive

#: Seconds that a drive's trouble waits for that of others, so that a fault of all is told once, and not of each.
GRACE = 1.0

NO_DEVICE = "no SCSI tape device of this controller has its serial number"


@dataclass
class Watch:
    """One drive."""

    drive: Drive
    #: When it is asked next.
    due: float = 0.0
    #: Device files, one for each path; ``turn``: which of them is asked next.
    paths: tuple[str, ...] = ()
    turn: int = 0
    #: Readings that failed since the last good one, or since the trouble.
    failed: int = 0
    #: Since when a device file has been asked and has not answered.
    asking: dict[str, float] = field(default_factory=dict)
    #: Why it cannot be read, since when, and whether that was told.
    trouble: str = ""
    since: float = 0.0
    told: bool = False
    #: What else was told of it.
    noted: str = ""

    def choose(self, now: float, patience: float) -> str | None:
        """Give the device file to ask now, and make the drive due again; None: it has to answer first, or has none."""
        # In step with its interval, unless that is over already.
        self.due += self.drive.interval
        if self.due <= now:
            self.due = now + self.drive.interval
        if not self.paths:
            self.fails(NO_DEVICE, now)
            return None
        if any(now - since <= patience for since in self.asking.values()):
            return None
        free = [path for path in self.paths[self.turn :] + self.paths[: self.turn] if path not in self.asking]
        if not free:
            self.fails(f"it has not answered for {now - min(self.asking.values()):.0f} s", now)
            return None
        self.asking[free[0]] = now
        return free[0]

    def missed(self, why: str, now: float) -> None:
        """A reading through one path failed: the next one is asked at once, and when all have failed it is in trouble."""
        self.failed += 1
        self.turn = (self.turn + 1) % max(1, len(self.paths))
        if self.failed < len(self.paths):
            self.due = now
        else:
            self.failed = 0
            self.fails(why, now)

    def fails(self, why: str, now: float) -> None:
        """It cannot be read."""
        if not self.trouble:
            self.since, self.told = now, False
        self.trouble = why

    def works(self, now: float) -> float | None:
        """It was read; gives how long it could not be, if that was told."""
        self.failed = 0
        lasted = now - self.since if self.trouble and self.told else None
        self.trouble = ""
        return lasted

    def found(self, paths: tuple[str, ...], now: float) -> None:
        """These are its device files now."""
        if paths != self.paths:
            self.paths, self.turn, self.failed, self.due = paths, 0, 0, now


@dataclass
class Verdict:
    """What there is to tell."""

    #: Drives that cannot be read, each on its own.
    each: list[Watch] = field(default_factory=list)
    #: That most of them cannot be; or that this is over.
    fault: str = ""
    over: str = ""


class Judge:
    """Tells a fault of drives from one of whoever reads them."""

    def __init__(self) -> None:
        """All is well."""
        self.fault = False

    def look(self, watches: Sequence[Watch], now: float, patience: float) -> Verdict:
        """Say what is new."""
        bad = [watch for watch in watches if watch.trouble]
        verdict = Verdict()
        total = len(watches)
        # Of one drive alone nobody can say whose fault it is.
        if total > 1 and 2 * len(bad) > total:
            if not self.fault:
                self.fault = True
                [(why, _number)] = Counter(watch.trouble for watch in bad).most_common(1)
                verdict.fault = (
                    f"{len(bad)} of {total} drives cannot be read, most of them because: {why}. That is rather a fault of this"
                    " controller's host adapter, or of its way to the drives, than of the drives. What the drive table has of"
                    " them stays, and their changes are not seen."
                )
            for watch in bad:
                watch.told = True
            return verdict
        if self.fault:
            self.fault = False
            verdict.over = f"{total - len(bad)} of {total} drives can be read again."
            for watch in bad:
                watch.told = False
        busy = any(now - since <= patience for watch in watches for since in watch.asking.values())
        for watch in bad:
            if not watch.told and (not busy or now - watch.since >= GRACE):
                watch.told = True
                verdict.each.append(watch)
        return verdict


def next_look(watches: Iterable[Watch], now: float) -> float:
    """Seconds until there is something to do."""
    untold = any(watch.trouble and not watch.told for watch in watches)
    wait = min((watch.due for watch in watches), default=now + 1.0) - now
    return max(0.0, min(wait, GRACE) if untold else wait)
