# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a control point is asked, and what it answers. Pure. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _record
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Found, Reading, Said, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._decision import OUTCOMES, Decision
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import DriveSharingError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import failure_words
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._handshake import WOULD

#: How long after an earlier set was given up its drive is read again, in seconds.
RECHECK_SECONDS = 60.0
#: How the reason begins where a person has set a drive offline.
OFFLINE_BY_HAND = "drive_sharing: set offline by hand"
#: The outcome where the record belongs to another site.
REFUSED = "refused"
#: A drive that is only observed is asked about again at full five minutes, all of them by one play: once the mode is enforce it
#: is set.
OBSERVED_SECONDS = 300.0
#: Nothing waits for longer, as the dispatcher has it: it takes what is due later for put off by a wrong clock.
LONGEST_PAUSE = 3600.0


class NoAnswerError(DriveSharingError):
    """The control point did not answer; the message says how that showed itself."""


@dataclass(frozen=True)
class Ask:
    """One drive that one instance is asked about, as the drive table has it."""

    drive: str
    instance: str
    sequence: int
    relation: str
    status: str = "reserved"
    holders: tuple[Mapping[str, Any], ...] = ()
    attempt: int = 0
    table_sequence: int = 0
    taken: bool = False
    error_state: bool = False
    devices: tuple[str, ...] = ()
    #: The device files of the drive on the other hosts of the instance.
    elsewhere: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    connected: bool = True
    #: Sharing is stopped: what is taken is given back, nothing else is set.
    stopped: bool = False
    #: By hand: ``online`` or ``offline``; None for what the table asks.
    by_hand: str | None = None
    #: By hand: why, in the person's own words.
    reason: str = ""

    @property
    def why(self) -> str:
        """The reason that goes to products that can carry one, and to the record."""
        if self.by_hand:
            return f"drive_sharing: set {self.by_hand} by hand{': ' if self.reason else ''}{self.reason}"
        if self.status == "released":
            return f"drive_sharing: released, change {self.sequence}"
        ports = " ".join(f"{port['protocol']} {port['id']}" for port in self.holders if port.get("id"))
        return f"drive_sharing: reserved by {ports or 'an unknown port'}, change {self.sequence}"


@dataclass(frozen=True)
class Answer:
    """What a control point answered for one drive: a confirmation, or why it is none."""

    ask: Ask
    confirmed: bool
    outcome: str
    taken: bool
    reason: str = ""
    state_before: str | None = None
    state_read: str | None = None
    names: tuple[str, ...] = ()
    shown: str = ""
    set_to: str | None = None
    #: An earlier set was given up here and may still be done by the application: read again after a while.
    doubt: bool = False
    record_sequence: int = 0
    #: Nothing was set because the mode is observe, or in check mode.
    observed: bool = False
    #: Seconds after which the drive is read again though all is well, because the application may forget; 0: never.
    recheck: float = 0.0
    #: The application may set it online by itself.
    passing: bool = False

    @property
    def changed(self) -> bool:
        """Whether the application was set, or would have been."""
        return self.set_to is not None


@dataclass
class Known:
    """One drive after reading."""

    ask: Ask
    raw: str | None
    record: _record.Record | None
    found: Found | None
    decision: Decision
    doubt: bool


def target(ask: Ask) -> Target:
    return Target(ask.drive, ask.devices, ask.why, ask.elsewhere)


def silent(ask: Ask, reason: str, record: _record.Record | None = None, *, doubt: bool = False) -> Answer:
    """No confirmation; the reason becomes a part of a sentence."""
    reason = reason.rstrip(".")
    taken = record.holds_taken if record is not None else ask.taken
    return Answer(ask, False, "silent", taken, reason, doubt=doubt, record_sequence=record.sequence if record else 0)


def refused(ask: Ask, reason: str) -> Answer:
    """The control point is another site's: no silence, and so never the error state of a drive that this site has no say in."""
    return replace(silent(ask, reason), outcome=REFUSED)


def answered(one: Known, *, observed: bool = False, state_read: str | None = None) -> Answer:
    """What was decided, where nothing had to be set or the set was read back."""
    found = one.found
    taken = one.decision.taken
    if observed:
        taken = one.record.holds_taken if one.record else one.ask.taken
    # Said in words too: the history must not read as if it had been done.
    reason = f"{WOULD}{one.decision.set_to}, but nothing was set" if observed and one.decision.set_to else ""
    return Answer(
        one.ask, one.decision.confirms, one.decision.outcome, taken, reason,
        state_before=found.state if found else None,
        state_read=state_read or (found.state if found else None),
        names=found.names if found else (), shown=found.shown if found else "",
        set_to=one.decision.set_to, doubt=one.doubt,
        record_sequence=one.record.sequence if one.record else 0, observed=observed,
        passing=found.passing if found else False,
    )


def confirmed(one: Known, back: Reading, got: Any, said: Said | None = None) -> Answer:
    """Compare what was read after the set with what was wanted (I5: exit codes alone are not believed).

    ``said``: what the application file made of the commands' words, if they are not those of a set that was done.
    """
    wanted = one.decision.set_to
    found = back.drives.get(one.ask.drive)
    if said is not None and said.wrong:
        return replace(doubtful(one, said.why), state_read=found.state if found is not None else None)
    if found is not None and found.state == wanted == "offline" and found.ending:
        # It was done, and is no confirmation: what runs there still uses the drive, and ends by itself.
        return replace(
            answered(one), outcome="busy", confirmed=False, reason="it is set offline, and a job that was running goes on until it ends",
            state_read=found.state, names=found.names, shown=found.shown,
        )
    if found is not None and found.state == wanted:
        beside = said.why if said is not None and said.beside else ""
        return replace(
            answered(one), reason=_undone(one) or beside, state_read=found.state, names=found.names, shown=found.shown,
        )
    failed = next((command for command in got.commands if command.timed_out or command.rc), None)
    if failed is not None and failed.timed_out:
        why = "the command did not end in time and was stopped"
    elif said is not None:
        why = said.why
    elif failed is not None:
        why = f"the command ended with exit status {failed.rc}: {failure_words(failed.rc, failed.output)}"
    elif one.ask.drive in back.problems:
        why = f"after the command, {back.problems[one.ask.drive]}"
    elif found is not None:
        why = f"the command said yes, but the application still shows {found.shown}"
    else:
        why = "after the command, the application does not show the drive any more"
    return replace(doubtful(one, why), state_read=found.state if found is not None else None)


def _undone(one: Known) -> str:
    """Say that a drive had come online again after it was set offline for this very change."""
    record = one.record
    if one.decision.set_to != "offline" or record is None or one.ask.by_hand:
        return ""
    if (record.sequence, record.phase, record.target) != (one.ask.sequence, "done", "offline"):
        return ""
    return "it had come online again, by a restart of the application or by a person, and was set offline anew"


def doubtful(one: Known, why: str) -> Answer:
    """No confirmation, and what was begun may still be done by the application."""
    return replace(silent(one.ask, why, one.record, doubt=True), taken=_taken_now(one))


def sequence(one: Known) -> int:
    """The sequence that the record gets; what is done by hand is no change of the table, so it goes with the newest."""
    recorded = one.record.sequence if one.record is not None and one.ask.by_hand else 0
    return max(one.ask.sequence, recorded)


def _taken_now(one: Known) -> bool:
    """After a set that was not confirmed, the record's intent counts."""
    if one.decision.set_to == "offline":
        return one.decision.taken
    return one.record.holds_taken if one.record else one.ask.taken


def by_drive(got: Any) -> dict[str, list[str]]:
    """What a step said of each drive of a unit, with what it said of all of them."""
    said: dict[str, list[str]] = {drive: [] for drive in got.drives}
    for message in got.messages:
        named = {word.rstrip(",;:.") for word in re.findall(r"[Dd]rive (\S+)", message)} & set(said)
        for drive in named or said:
            said[drive].append(message)
    return said


def unfinished(messages: Sequence[str], got: Any) -> str:
    """Why a set was begun and came to no end."""
    if any(command.timed_out for command in got.commands):
        return "the command did not end in time and was stopped"
    return "; ".join(messages) or "the step was cut off after it had begun to set the drive"


def not_done(outcome: str, messages: Sequence[str]) -> str:
    said = "; ".join(message.rstrip(".") for message in messages)
    if outcome == "not_reached" and said:
        return said
    what = {
        "late": "the step came too late and did nothing",
        "locked": "another step holds the drive's lock",
        "unwritable": "the record could not be written, so nothing was set",
        "not_reached": "the step ended before it came to this drive",
    }.get(outcome, outcome)
    return f"{what}: {said}" if said else what


def meaning(outcome: str) -> str:
    """What an outcome means to a person."""
    return OUTCOMES.get(outcome, outcome)


def _recheck_at(answer: Answer, now: float) -> float | None:
    # Some applications carry out later what was given up, some forget what they were told: look again.
    pauses = [RECHECK_SECONDS] * answer.doubt + [answer.recheck] * (answer.recheck > 0)
    if answer.observed and (answer.changed or answer.outcome == "adopted"):
        pauses.append(OBSERVED_SECONDS - now % OBSERVED_SECONDS)
    return now + min(*pauses, LONGEST_PAUSE) if answer.confirmed and pauses else None


def as_row(answer: Answer, host: str, now: float) -> dict[str, Any]:
    """The answer as ``_dispatch.confirm`` takes it."""
    detail = {
        "names": list(answer.names), "shown": answer.shown, "state_before": answer.state_before,
        "set_to": answer.set_to, "doubt": answer.doubt, "observed": answer.observed,
    }
    return {
        "drive": answer.ask.drive, "sequence": answer.ask.sequence, "attempt": answer.ask.attempt,
        "instance": answer.ask.instance, "host": host, "confirmed": answer.confirmed, "outcome": answer.outcome,
        "state_read": answer.state_read, "reason": answer.reason, "taken": answer.taken,
        "detail": detail,
        "recheck_at": _recheck_at(answer, now),
    }
