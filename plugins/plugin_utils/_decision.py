# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done at one control point for one change of one drive: the decision table of docs/architecture.md.

Pure: no clock, no I/O. Private: may change at any time.
"""

from __future__ import annotations

from dataclasses import dataclass

#: How the holders of a drive look from one instance. ``none``: nobody holds it. ``unknown``: it cannot be read, or the
#: port belongs to nobody known. ``ambiguous``: the port is claimed by this and by another instance.
RELATIONS = ("none", "own", "foreign", "unknown", "ambiguous")

#: What an application says of a drive. ``other``: its answer is neither online nor offline.
STATES = ("online", "offline", "other")

#: Every outcome that a control point can have, with what it means to a person.
OUTCOMES = {
    "not_connected": "no host of the instance sees the drive",
    "not_configured": "the application does not know the drive",
    "superseded": "a newer change has been done there already",
    "behind": "the record there is newer than anything the drive table has issued",
    "own": "the drive is held by this instance",
    "offline": "offline while others hold the drive",
    "online": "given back",
    "adopted": "the application had set it offline itself because of the reservation; it counts as taken",
    "kept": "left as it was found",
    "presumed_own": "in use here, so the unreadable reservation is taken to be its own",
    "busy": "a job is running on the drive",
    "floor": "it is one of the last online drives of the instance",
    "stopped": "sharing is stopped, so nothing is set offline",
    "held": "stays as it is while the drive is in its error state",
    "unreadable": "the application's answer is neither online nor offline",
}

#: Answers that are no confirmation, and no silence either: asked again, alerted, never the error state by default.
ASKED_AGAIN = frozenset({"busy", "floor", "behind"})


@dataclass(frozen=True)
class Situation:
    """All that decides. ``sequence`` numbers count per drive, 0 is *none yet*."""

    relation: str
    sequence: int
    table_sequence: int
    record_sequence: int = 0
    taken: bool = False
    #: The record says that the drive was offline here, and not by us, before this change.
    kept_before: bool = False
    connected: bool = True
    configured: bool = True
    state: str = "online"
    #: A job is running on the drive, as far as the application's query tells.
    in_use: bool = False
    #: It is set offline, but a job that was running has not ended.
    ending: bool = False
    #: Setting the drive offline would kill that job.
    offline_kills_job: bool = True
    #: The product shows that a reservation conflict was the cause of the drive being offline.
    conflict: bool = False
    #: Setting this drive offline would leave the instance fewer online drives than its floor.
    at_floor: bool = False
    error_state: bool = False
    #: Sharing was stopped: what is taken is still given back, but nothing is taken any more.
    stopped: bool = False


@dataclass(frozen=True)
class Decision:
    """What to do. ``set_to`` is ``online``, ``offline`` or None; ``taken`` is what the record says once it is done."""

    outcome: str
    confirms: bool
    taken: bool
    set_to: str | None = None
    #: Whether this change's sequence is written to the record (it is not where nothing may rest on it).
    record: bool = True


def decide(now: Situation) -> Decision:
    """Give the decision for one situation; total: every combination has exactly one answer."""
    if not now.connected:
        return Decision("not_connected", True, now.taken, record=False)
    if not now.configured:
        return Decision("not_configured", True, now.taken, record=False)
    if now.record_sequence > now.sequence:
        # Confirming is right only if the table itself issued the newer number: it will bring that change by itself.
        known = now.record_sequence <= now.table_sequence
        return Decision("superseded" if known else "behind", known, now.taken, record=False)
    if now.relation in ("unknown", "ambiguous") and now.in_use:
        return Decision("presumed_own", True, now.taken)
    if now.relation in ("own", "none") and not now.taken:
        # Nothing to set, whatever the state is called: a holder's own drive may well be loading.
        return Decision("own" if now.relation == "own" else "kept", True, False)
    if now.state not in ("online", "offline"):
        return Decision("unreadable", False, now.taken, record=False)
    if now.relation in ("own", "none"):
        return _give_back(now)
    return _take(now)


def _give_back(now: Situation) -> Decision:
    """Bring a taken drive online, unless it is in its error state."""
    if now.error_state and now.state == "offline":
        return Decision("held", True, True)
    outcome = "own" if now.relation == "own" else "online"
    return Decision(outcome, True, False, set_to="online" if now.state == "offline" else None)


def _take(now: Situation) -> Decision:
    """Set the drive offline, or say why it is left."""
    if now.state == "offline":
        if now.ending and not now.stopped:
            # It gets no more jobs; until the last one is over the application still uses it (I1).
            return Decision("busy", False, now.taken, record=False)
        if now.taken:
            return Decision("offline", True, True)
        if now.conflict and not now.kept_before and not now.stopped:
            return Decision("adopted", True, True)
        return Decision("kept", True, False)
    if now.stopped:
        return Decision("stopped", True, False)
    if now.in_use and now.offline_kills_job:
        return Decision("busy", False, now.taken, record=False)
    if now.at_floor:
        return Decision("floor", False, now.taken, record=False)
    return Decision("offline", True, True, set_to="offline")
