# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hands the drive table's unsettled changes to the rule engine, batch by batch. Private: may change at any time.

The rule engine may not throttle, lock or order (it loses events when it does), so all of that is here: a drive is in
one batch at a time, its newer changes wait in the table (the newest wins), a bounded number of batches is under way,
and a batch that nobody claims is emitted again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _alert_events,
    _alerts,
    _dispatch,
    _history,
    _identifiers,
    _play,
    _process,
    _sharing,
    _views,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._alert_events import Told
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
    DriveSharingError,
    InvalidValueError,
    TableError,
)

LOGGER = logging.getLogger("tapeworks.drive_sharing")

#: Seconds by which the clock and the time that has passed may differ from one look to the next.
_CLOCK_SLACK = 60.0
#: Seconds until a table that could not be used is looked at again.
PAUSE = 2.0

_DAY = 86_400.0
#: Seconds between looks for drives that have been offline for long.
_LONG_LOOK = 60.0


class DeafEngineError(DriveSharingError):
    """The engine takes no events any more; the source ends so that the service manager starts both anew."""


@dataclass(frozen=True)
class Options:
    """Times in seconds."""

    batches: int = 4
    changes: int = 500
    claim_timeout: float = 30.0
    emissions: int = 4
    #: While batches are under way, changes that arrive within this time of each other go together.
    gather: float = 0.1
    gather_most: float = 0.5
    poll_interval: float = 0.1
    keep_history: float = 90 * _DAY
    #: How long a release waits in the table before it becomes due; anything newer of the drive takes its place.
    release_hold: float = 0.0
    #: After this time a drive that is kept from an application is told of; 0: never.
    offline_alert: float = _DAY


#: The same where a detector reads drives again and again, and so sees each opening and closing.
POLLED_RELEASE_HOLD = 5.0

_LIMITS = {
    "batches": (1, 100), "changes": (1, 10_000), "claim_timeout": (1, 3600), "emissions": (1, 100),
    "gather": (0, 10), "gather_most": (0, 60), "poll_interval": (0.01, 10), "keep_history": (3600, 3650 * _DAY),
    "release_hold": (0, 3600), "offline_alert": (0, 3650 * _DAY),
}


def check(args: Any) -> Options:
    """Validate the source's ``dispatcher`` argument."""
    if args is None:
        return Options()
    if not isinstance(args, Mapping):
        msg = f"dispatcher must be a dictionary, not {str(args)[:60]!r}"
        raise InvalidValueError(msg)
    values: dict[str, Any] = {}
    for key, value in args.items():
        if key not in _LIMITS:
            msg = f"dispatcher.{key} is not an option; there are {', '.join(_LIMITS)}"
            raise InvalidValueError(msg)
        least, most = _LIMITS[key]
        whole = isinstance(getattr(Options, key), int)
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not least <= value <= most:
            msg = f"dispatcher.{key} must be a {'whole ' if whole else ''}number from {least} to {most:g}, not {str(value)[:60]!r}"
            raise InvalidValueError(msg)
        values[key] = value
    return Options(**values)


@dataclass
class Step:
    """What one look at the table asks for."""

    emit: list[str] = field(default_factory=list)
    #: Events for those who want to be told.
    alerts: list[dict[str, Any]] = field(default_factory=list)
    wait: float = 1.0
    messages: list[tuple[int, str]] = field(default_factory=list)


class Dispatcher:
    """One per source. ``call`` runs a function of the store in the table's thread, ``put`` hands over an event."""

    def __init__(
        self,
        call: Callable[[Callable[[Any], Any]], Awaitable[Any]],
        put: Callable[[dict[str, Any]], Awaitable[None]],
        options: Options,
        clock: Callable[[], float] | None = None,
        passing: Callable[[], float] = time.monotonic,
        *,
        alerts: bool = False,
    ) -> None:
        """Start nothing yet. ``clock``: instead of the table's; ``passing``: seconds that pass whatever it is set to.

        ``alerts``: what is told in the log is handed over as events, too.
        """
        self._call = call
        self._put = put
        self._options = options
        self._clock = clock
        self._passing = passing
        self._ahead: float | None = None
        self._woken = asyncio.Event()
        self._first_waiting: float | None = None
        self._last_change = 0.0
        self._token: Any = None
        self._look_at = 0.0
        self._heard: int | None = None
        self._alerts = _alerts.Alerts()
        #: What is to be told, until it was handed over: a table that cannot be written to ends a look early.
        self._untold: list[Told] = []
        self._with_alerts = alerts
        self._long_looked = -_LONG_LOOK
        self._pruned = 0.0
        self._started = False

    def wake(self) -> None:
        """Tell that a change was written."""
        self._last_change = self._passing()
        self._woken.set()

    async def run(self) -> None:
        """Dispatch until cancelled; only a deaf engine ends it, with DeafEngineError."""
        while True:
            # Before the look: what comes during it, or while an event is handed over, is looked at next.
            self._woken.clear()
            try:
                step = await self._call(self.step)
            except TableError as exc:
                LOGGER.error("The dispatcher waits: %s", exc)
                step = Step(wait=PAUSE)
            for level, message in step.messages:
                LOGGER.log(level, "%s", message)
            for batch in step.emit:
                event = {"reservation_change": {"version": _play.EVENT_VERSION, "batch": batch}}
                await self._hand_over(event, f"batch {batch}")
            for event in step.alerts:
                await self._hand_over(event, "an alert")
            # Not wait_for: until Python 3.12 it loses a cancellation that comes together with the wake.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(step.wait):
                    await self._woken.wait()

    async def _hand_over(self, event: dict[str, Any], what: str) -> None:
        limit = self._options.claim_timeout * self._options.emissions
        try:
            # The engine's queue holds one event; a put that stays blocked means that it does not read any more.
            async with asyncio.timeout(limit):
                await self._put(event)
        except TimeoutError as exc:
            msg = (
                f"The rule engine has not taken {what} for {limit:.0f} s; the event source ends so that it is"
                " started anew. All changes stand in the drive table and are dispatched again then."
            )
            raise DeafEngineError(msg) from exc

    def step(self, store: Any) -> Step:
        """Look at the table once: expire, emit again, emit. Runs in the table's thread."""
        passed = self._passing()
        step = Step(wait=self._options.poll_interval)
        token = store.changed_token()
        if token == self._token and passed < self._look_at:
            step.wait = min(step.wait, max(0.005, self._look_at - passed))
            return step
        with store.write() as tx:
            now = tx.now() if self._clock is None else self._clock()
            if self._notice_jump(step, now) < 0:
                _dispatch.put_off_no_more(tx, now)
            self._tell(tx, now)
            expired = _dispatch.expire(tx, now, lambda claimer: not _process.gone(claimer))
            _views.pause_failing(tx, expired, now, _dispatch.backoff)
            self._again(tx, step, now)
            self._new(tx, step, now)
            # A bounded number of rows at once; the rest at the next looks.
            if now - self._pruned > 3600 and not _history.prune(tx, now, self._options.keep_history):
                self._pruned = now
            due = _dispatch.next_due(tx)
            if self._with_alerts:
                step.alerts = [_alert_events.event(tx, told, now) for told in self._untold]
        told, self._untold = self._untold, []
        step.messages += [(logging.WARNING, one.message) for one in told]
        self._token = store.changed_token()
        # At the latest the next second: a play's process may have been killed, which no row tells.
        self._look_at = passed + (1.0 if due is None else min(1.0, max(0.005, due - now)))
        if self._first_waiting is not None:
            self._look_at = passed + min(self._options.gather, 0.02)
            step.wait = self._options.gather or 0.01
        return step

    def _notice_jump(self, step: Step, now: float) -> float:
        """Give the seconds by which the clock was set: what was to be done at some time of the old one is looked at now."""
        ahead = now - self._passing()
        jump = 0.0 if self._ahead is None else ahead - self._ahead
        self._ahead = ahead
        if abs(jump) <= _CLOCK_SLACK:
            return 0.0
        # What is a day old by the new clock only may still be needed: of a notification that comes again within minutes.
        self._pruned = now
        step.messages.append((
            logging.WARNING,
            f"The clock of the drive table's machine was set {'forward' if jump > 0 else 'back'} by {abs(jump):.0f} s; what"
            " was put off is looked at now. Keep the clock right by NTP.",
        ))
        return jump

    def _tell(self, tx: Any, now: float) -> None:
        """Gather what plays wrote to the history since the last look."""
        if self._heard is None:
            self._heard = _history.newest(tx)
            self._alerts.start(tx, now)
        elif _history.newest(tx) < self._heard:
            # Another table is in its place, and counts from its own beginning.
            self._heard = 0
        rows = _history.since(tx, self._heard)
        if rows:
            self._heard = rows[-1]["id"]
        self._untold += self._alerts.take(tx, rows, now) + self._alerts.look(tx, now, _dispatch.under_way(tx))
        passed = self._passing()
        if self._options.offline_alert and passed - self._long_looked >= _LONG_LOOK:
            self._long_looked = passed
            self._untold += _alert_events.offline_long(tx, now, self._options.offline_alert)

    def _again(self, tx: Any, step: Step, now: float) -> None:
        """Emit again what nobody claimed in time, and notice an engine that claims nothing any more."""
        if not self._started:
            # What an earlier engine was given and had not claimed died with it: no reason to wait.
            self._started = True
            stopped = _sharing.since(tx)
            if stopped:
                step.messages.append((
                    logging.WARNING, f"Sharing is stopped since {stopped}: no drive is set offline. The playbook start_sharing ends that."
                ))
            for batch in _dispatch.unclaimed(tx, now, 0.0):
                _dispatch.reemit(tx, batch, now, count=False)
                step.emit.append(batch)
            return
        for batch in _dispatch.unclaimed(tx, now, self._options.claim_timeout):
            emissions = _dispatch.reemit(tx, batch, now)
            if emissions > self._options.emissions:
                msg = (
                    f"Batch {batch} was emitted {emissions - 1} times and never claimed; the event source ends so that"
                    " the rule engine is started anew. All changes stand in the drive table and are dispatched again then."
                )
                raise DeafEngineError(msg)
            self._untold.append(Told(
                _alert_events.NOT_CLAIMED,
                f"Batch {batch} was not claimed within {self._options.claim_timeout:g} s and is emitted again. Likely"
                " the playbook cannot start (see the engine's log above: inventory, collections path, drive_sharing_table),"
                " no rule takes the event, or all of the engine's action slots are busy.",
            ))
            step.emit.append(batch)

    def _new(self, tx: Any, step: Step, now: float) -> None:
        """Emit what is due: at once when idle, else what has gathered."""
        passed = self._passing()
        under_way = _dispatch.under_way(tx)
        if under_way >= self._options.batches:
            return
        drives = _dispatch.due_drives(tx, now, self._options.changes)
        if not drives:
            self._first_waiting = None
            return
        if under_way:
            if self._first_waiting is None:
                self._first_waiting = passed
            quiet = passed - self._last_change >= self._options.gather
            if not quiet and passed - self._first_waiting < self._options.gather_most:
                return
        self._first_waiting = None
        batch = _identifiers.new_batch_id(now)
        _dispatch.emit(tx, drives, batch, now)
        step.emit.append(batch)
