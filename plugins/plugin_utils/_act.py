# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done for one instance at one control point: read, decide, set, read back.

Everything that touches the world is a parameter: ``execute`` runs a command line on the control point, ``clock`` is
monotonic seconds, ``report`` takes the answers as soon as they are known. Private: may change at any time.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Protocol

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _guarded, _record
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import (
    Answer,
    Ask,
    Known,
    NoAnswerError,
    answered,
    by_drive,
    confirmed,
    doubtful,
    not_done,
    refused,
    silent,
    target,
    unfinished,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Found, Reading, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._decision import (
    Decision,
    Situation,
    decide,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._floor import Floor
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import TOGETHER, Policy
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._steps import Steps

#: Drives whose records are read, or that one list command sets, in one execution: it bounds the command line.
MANY = 200
#: Seconds for writing records without setting anything, and the shell's own work for one drive.
RECORD_SECONDS, EACH = 5, 0.1
#: Seconds after which a drive is read again that is offline in a way that the application may end by itself.
PASSING_SECONDS = 60.0
#: How often a record that changed between reading and setting is read again.
READ_AGAIN = 3


class Execute(Protocol):
    """Runs a command line on the control point; gives its standard output, raises NoAnswerError."""

    def __call__(self, command: str, seconds: float) -> str:
        """Run ``command``, for ``seconds`` at the most."""


@dataclass
class Place:
    """The control point's side: where its records are, and how it is reached."""

    directory: str
    site: str
    execute: Execute
    shell: str = "/bin/sh"
    #: What is executed there: ``_guarded``, or ``_guarded_windows``, which has the same functions.
    step: ModuleType = _guarded
    clock: Callable[[], float] = time.monotonic
    nonce: Callable[[], str] = field(default=lambda: secrets.token_hex(8))


class Act:
    """One instance at one control point."""

    def __init__(
        self, place: Place, file: ModuleType, options: Mapping[str, Any], policy: Policy, *, dry: bool = False,
        siblings: Sequence[Target] = (),
    ) -> None:
        """``file`` is one of ``_applications``, ``options`` what its ``check`` gave; ``dry`` sets nothing.

        ``siblings``: all drives of the instance, for its floor.
        """
        self._place = place
        self._file = file
        self._options = options
        self._policy = policy
        self._steps = Steps(place.site, file, options)
        self._dry = dry or policy.mode == "observe"
        self._instance = ""
        self._floor = Floor(policy.minimum_online, siblings, self._look)

    def run(self, asks: Sequence[Ask], report: Callable[[list[Answer]], None], sleep: Callable[[float], None]) -> None:
        """Do everything for ``asks``; each drive is reported once, with the newest that is known of it."""
        # A query for each drive is a command for each drive: fewer go together, so that one that hangs delays few.
        few = len(self._file.queries(self._options, [target(ask) for ask in asks])) <= TOGETHER
        size = MANY if few else TOGETHER
        for start in range(0, len(asks), size):
            left: Sequence[Ask] = asks[start:start + size]
            for attempt in range(self._policy.handshake_retries + 1):
                last = attempt == self._policy.handshake_retries
                unanswered: list[Ask] = []
                for answers in self._once(left):
                    good = [one for one in answers if last or one.outcome != "silent"]
                    unanswered += [one.ask for one in answers if not last and one.outcome == "silent"]
                    if good:
                        report([self._looked_after(one) for one in good])
                if not unanswered:
                    break
                sleep(self._policy.handshake_retry_delay)
                left = unanswered

    def _looked_after(self, answer: Answer) -> Answer:
        """Have a drive that is offline here read again where the application may forget that it is."""
        self._floor.is_now(answer.ask.drive, answer.state_read)
        if answer.passing and answer.state_read == "offline" and not answer.observed and answer.ask.relation not in ("own", "none"):
            return replace(answer, recheck=PASSING_SECONDS)
        recheck = getattr(self._file, "recheck", None)
        if recheck is None or answer.observed or not (answer.taken and answer.state_read == "offline"):
            return answer
        return replace(answer, recheck=recheck(self._options))

    def _once(self, asks: Sequence[Ask]) -> Iterable[list[Answer]]:
        """Read, decide, set, read back; what changed in between is read again."""
        left = list(asks)
        for _again in range(READ_AGAIN):
            try:
                known, answers, spent = self._read(left)
            except NoAnswerError as exc:
                yield [silent(ask, str(exc)) for ask in left]
                return
            except InvalidValueError as exc:
                # Too long for one command line, or a word that cannot be sent: it is not the fault of the others.
                yield from self._halves(left, exc)
                return
            left = []
            if self._dry:
                answers += [answered(one, observed=True) for one in known]
                known = []
            if answers:
                yield answers
            for done, again in self._done(known, spent):
                left += again
                if done:
                    yield done
            if not left:
                return
        yield [silent(ask, "its record kept changing; another play is at work on the same drive") for ask in left]

    def _halves(self, asks: Sequence[Ask], exc: InvalidValueError) -> Iterable[list[Answer]]:
        half = len(asks) // 2
        if not half:
            yield [silent(ask, str(exc)) for ask in asks]
            return
        yield from self._once(asks[:half])
        yield from self._once(asks[half:])

    def _done(self, known: Sequence[Known], spent: float) -> Iterable[tuple[list[Answer], list[Ask]]]:
        """Set; a step that cannot be sent is sent in halves."""
        for units, members in self._steps.units(known):
            try:
                yield self._set(units, members, spent)
            except InvalidValueError as exc:
                some = list(members.values())
                half = len(some) // 2
                if half:
                    yield from self._done(some[:half], spent)
                    yield from self._done(some[half:], spent)
                else:
                    yield [silent(one.ask, str(exc), one.record) for one in some], []

    # reading and deciding

    def _read(self, asks: Sequence[Ask]) -> tuple[list[Known], list[Answer], float]:
        """Give what was read, the answers of drives for which nothing is to be done, and the seconds spent for a drive."""
        targets = [target(ask) for ask in asks]
        queries = self._steps.queries(targets)
        drives = [ask.drive for ask in asks]
        self._instance = asks[0].instance
        nonce = self._place.nonce()
        seconds = self._policy.handshake_timeout
        command = self._place.step.read_command(
            self._place.directory, asks[0].instance, drives, queries, seconds, nonce, self._place.shell
        )
        self._host_clock = None
        before = self._place.clock()
        # A command that does not end takes two seconds more to be ended.
        output = self._place.execute(command, (seconds + 2) * max(1, len(queries)) + 2 + len(drives) * EACH)
        reading = self._place.step.parse_read(output, nonce, drives, queries)
        if not reading.complete:
            raise NoAnswerError(reading.problem or "the connection was lost while it was read")
        if reading.clock is not None:
            # The host's own clock, taken at the start of the reading: the two clocks need not agree.
            self._host_clock = (reading.clock, before)
        found = self._file.read(self._options, targets, reading.answers)
        # One drive's query that hangs does not take the time of the others.
        hung = sum(answer.timed_out for answer in reading.answers)
        spent = (self._place.clock() - before - hung * seconds) / max(1, len(queries) - hung)
        return *self._decide(asks, reading, found), max(0.0, spent)

    def _look(self, targets: Sequence[Target]) -> Reading:
        """Ask about drives for which nothing is to be done."""
        queries = self._steps.queries(targets)
        nonce = self._place.nonce()
        seconds = self._policy.handshake_timeout
        step = self._place.step
        command = step.read_command(self._place.directory, self._instance, [], queries, seconds, nonce, self._place.shell)
        output = self._place.execute(command, (seconds + 2) * max(1, len(queries)) + 2)
        reading = step.parse_read(output, nonce, [], queries)
        if not reading.complete:
            raise NoAnswerError(reading.problem or "the connection was lost while the other drives were read")
        return self._file.read(self._options, targets, reading.answers)

    def _decide(self, asks: Sequence[Ask], reading: Any, found: Reading) -> tuple[list[Known], list[Answer]]:
        known: list[Known] = []
        answers: list[Answer] = []
        self._floor.begin(found, needed=any(ask.relation not in ("own", "none") for ask in asks))
        for ask in asks:
            raw = reading.records.get(ask.drive)
            try:
                record = _record.parse(raw)
                if record is not None and record.site != self._place.site:
                    msg = (
                        f"the record of drive {ask.drive} belongs to site {record.site}, not {self._place.site};"
                        " nothing was set. Let only one site's controller manage this host."
                    )
                    answers.append(refused(ask, msg))
                    continue
            except InvalidValueError as exc:
                answers.append(silent(ask, str(exc)))
                continue
            if ask.drive in found.problems:
                answers.append(silent(ask, found.problems[ask.drive], record))
                continue
            drive = found.drives.get(ask.drive)
            decision = self._decision(ask, record, drive, self._floor.reached(drive))
            if decision.set_to == "offline":
                self._floor.goes(drive)
            doubt = record is not None and record.phase == "intent"
            late = doubt and record is not None and record.target == "offline"
            if late and decision.outcome in ("own", "online") and ask.by_hand is None:
                # The application may still set it offline: it stays ours until it was read again.
                decision = replace(decision, taken=record is not None and record.holds_taken)
            one = Known(ask, raw, record, drive, decision, doubt)
            if decision.outcome == "unreadable":
                answers.append(silent(ask, f"the application shows {drive.shown if drive else 'nothing'}", record))
            elif decision.record or decision.set_to:
                known.append(one)
            else:
                answers.append(answered(one))
        return known, answers

    def _decision(self, ask: Ask, record: _record.Record | None, drive: Found | None, at_floor: bool) -> Decision:
        taken = record.holds_taken if record is not None else ask.taken
        now = Situation(
            relation=ask.relation,
            sequence=ask.sequence,
            table_sequence=max(ask.table_sequence, ask.sequence),
            record_sequence=record.sequence if record is not None else 0,
            taken=taken,
            # Offline without being taken: it was found so, or a person has set it by hand.
            kept_before=record is not None and not taken and "offline" in (
                record.target, record.was if record.target == "none" else None
            ),
            connected=ask.connected,
            configured=drive is not None,
            state=drive.state if drive is not None else "other",
            in_use=drive.in_use if drive is not None else False,
            ending=drive.ending if drive is not None else False,
            offline_kills_job=bool(self._options.get("offline_kills_job", True)),
            conflict=drive.conflict if drive is not None else False,
            at_floor=at_floor,
            error_state=ask.error_state,
            stopped=ask.stopped,
        )
        if ask.by_hand is None or now.state == "other":
            done = decide(now)
            # A person who names a drive that there is not is told so.
            return replace(done, confirms=done.confirms and ask.by_hand is None)
        kills = now.state == "online" and now.in_use and now.offline_kills_job
        if ask.by_hand == "offline" and (kills or (now.state == "offline" and now.ending)):
            return Decision("busy", False, taken, record=False)
        # What a person sets is the person's: it is not taken, and nothing but a person changes it again.
        # Offline in a way that the application may end by itself is not what a person means.
        done_already = now.state == ask.by_hand and not (drive is not None and drive.passing)
        return Decision(ask.by_hand, True, False, set_to=None if done_already else ask.by_hand)

    # setting

    def _set(
        self, units: list[_guarded.Unit], members: Mapping[str, Known], spent: float
    ) -> tuple[list[Answer], list[Ask]]:
        """Run one execution; gives the answers, and the drives whose record had changed meanwhile."""
        units = [unit for unit in units if unit.commands or any(one.expected != one.done for one in unit.drives)]
        answers: list[Answer] = []
        sent = {item.drive for unit in units for item in unit.drives}
        answers += [answered(one) for drive, one in members.items() if drive not in sent]
        if not units:
            return answers, []
        # The handshake counts from the start of the reading, but a slow reading must not leave nothing for the set.
        seconds = max(1, int(self._policy.handshake_timeout - spent))
        nonce = self._place.nonce()
        command = self._place.step.set_command(
            self._place.directory, next(iter(members.values())).ask.instance, units, seconds,
            self._deadline(seconds * len(units)), nonce, self._place.shell,
        )
        try:
            output = self._place.execute(command, (seconds + 2) * len(units) + 1 + len(sent) * EACH)
        except NoAnswerError as exc:
            return answers + [doubtful(members[drive], str(exc)) for drive in sorted(sent)], []
        result = self._place.step.parse_set(output, nonce, units)
        again: list[Ask] = []
        given: list[tuple[Known, Answer]] = []
        for unit, got in zip(units, result.units, strict=True):
            those = [members[item.drive] for item in unit.drives]
            targets = [target(one.ask) for one in those]
            back = self._file.read(self._options, targets, got.answers) if unit.queries and got.answers else Reading()
            said = by_drive(got)
            heard = self._steps.said(those[0].decision.set_to, those, got.commands)
            for item in unit.drives:
                one = members[item.drive]
                outcome = got.drives.get(item.drive, "not_reached")
                if outcome in ("changed", "superseded"):
                    again.append(one.ask)
                elif outcome == "unfinished":
                    answers.append(doubtful(one, unfinished(said[item.drive], got)))
                elif outcome != "done":
                    answers.append(silent(one.ask, not_done(outcome, said[item.drive]), one.record))
                elif one.decision.set_to is None:
                    answers.append(answered(one))
                else:
                    answer = confirmed(one, back, got, heard.get(item.drive))
                    if answer.confirmed and one.decision.set_to == "online" and not one.decision.taken:
                        given.append((replace(one, raw=got.records.get(item.drive, item.done)), answer))
                    else:
                        answers.append(answer)
        return answers + self._end_taken(given), again

    def _end_taken(self, given: Sequence[tuple[Known, Answer]]) -> list[Answer]:
        """Write that drives are not taken any more, now that they were read to be online (I3)."""
        if not given:
            return []
        units = [self._steps.given_back([one for one, _answer in given])]
        nonce = self._place.nonce()
        command = self._place.step.set_command(
            self._place.directory, given[0][0].ask.instance, units, RECORD_SECONDS, None, nonce, self._place.shell
        )
        try:
            output = self._place.execute(command, RECORD_SECONDS + 3 + len(given) * EACH)
            got = self._place.step.parse_set(output, nonce, units).units[0]
        except NoAnswerError as exc:
            why = f"given back, but the record could not be written: {exc}"
            return [silent(one.ask, why, one.record) for one, _answer in given]
        said = by_drive(got)
        # A record that has changed is that of a step which came after this one.
        return [
            answer
            if got.drives.get(one.ask.drive) in ("done", "changed", "superseded")
            else silent(one.ask, "given back, but the record could not be written: "
                        + not_done(got.drives.get(one.ask.drive, "not_reached"), said[one.ask.drive]), one.record)
            for one, answer in given
        ]

    def _deadline(self, seconds: float) -> int | None:
        """The end of the handshake by the control point's own clock; None where it has none that can be read."""
        if self._host_clock is None:
            return None
        clock, before = self._host_clock
        return int(clock + (self._place.clock() - before) + seconds + 1)
