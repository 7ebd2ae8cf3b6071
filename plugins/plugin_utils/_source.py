# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the event source ``reservations`` is made of: the table's thread, the detectors' sink, the detectors.

Private: may change at any time.
"""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _changes,
    _dispatcher,
    _doubts,
    _history,
    _identifiers,
    _store,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._change import Observation
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError, TableError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._few_lines import Report

LOGGER = logging.getLogger("tapeworks.drive_sharing")
T = TypeVar("T")

#: The source's argument of each detector; its file in ``_detectors`` has the same name.
DETECTORS = ("snmp", "scsi", "webhook")

#: Keys that the engine itself puts into the arguments.
_ENGINE = {"eda_feedback_queue", "feedback", "name"}


#: What a detector tells beside the drive, and what only one tells that reads drives.
_FIELDS = ("status", "holders", "port", "observed_at", "library", "detector", "origin")
_LEVEL_FIELDS = ("level", "seen_sequence")


@dataclass(frozen=True)
class Config:
    """The validated arguments."""

    table: str
    site: str | None
    detectors: dict[str, Any]
    dispatcher: _dispatcher.Options
    alerts: bool = False


def check(args: Mapping[str, Any]) -> Config:
    """Validate the source's arguments; one sentence per fault, before the rulebook is up and looks healthy."""
    known = {"table", "site", "dispatcher", "alerts", *DETECTORS}
    for key in args:
        if key not in known | _ENGINE:
            msg = f"{key} is not an argument of the event source reservations; there are {', '.join(sorted(known))}"
            raise InvalidValueError(msg)
    table = args.get("table") or _store.default_location()
    if not isinstance(table, str):
        msg = f"table must be a file's path or a postgresql:// URL, not {str(table)[:60]!r}"
        raise InvalidValueError(msg)
    site = args.get("site") or None
    if site is not None:
        site = _identifiers.instance_name(site, "site")
    alerts = args.get("alerts", False)
    if not isinstance(alerts, bool):
        msg = f"alerts must be true or false, not {str(alerts)[:60]!r}"
        raise InvalidValueError(msg)
    detectors = {
        name: importlib.import_module(f"{__package__}._detectors.{name}").check(args[name])
        for name in DETECTORS
        # The rulebook gives all of them; what a site does not use is empty.
        if args.get(name) not in (None, "", {})
    }
    if not detectors:
        msg = f"reservations needs at least one detector; give it one of {', '.join(DETECTORS)}"
        raise InvalidValueError(msg)
    dispatcher = _dispatcher.check(args.get("dispatcher"))
    if "scsi" in detectors and "release_hold" not in (args.get("dispatcher") or {}):
        dispatcher = dataclasses.replace(dispatcher, release_hold=_dispatcher.POLLED_RELEASE_HOLD)
    return Config(table, site, detectors, dispatcher, alerts)


class TableThread:
    """All of the source's access to the table, in one thread, so that the event loop never waits for a disk."""

    def __init__(self, location: str, site: str | None, clock: Callable[[], float] = time.time) -> None:
        """Open nothing yet."""
        self._location = location
        self._site = site
        self._clock = clock
        self._store: Any = None
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="drive-table")

    async def call(self, function: Callable[[Any], T]) -> T:
        """Run ``function(store)`` in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, function)

    def _run(self, function: Callable[[Any], T]) -> T:
        if self._store is None:
            self._store = _store.open_store(self._location, create=True, site=self._site, clock=self._clock)
            self._tell_new()
        result = function(self._store)
        self._tell_new()
        return result

    def _tell_new(self) -> None:
        """At the first start it is a hint; afterwards it means that the table was deleted."""
        if self._store.created:
            self._store.created = False
            LOGGER.warning(
                "The drive table %s was made, for site %s. It knows no hosts yet: run the playbook host_facts.",
                self._store.location_label, self._store.site,
            )

    def close(self) -> None:
        """Close the table and end the thread."""
        if self._store is not None:
            self._pool.submit(self._store.close)
        self._pool.shutdown(wait=True)


_OTHERS = "There is the same of more drives ({kind}); for a minute they are not named here. The history has contradictions."


class Sink:
    """Takes what detectors saw; a result means that it stands in the table."""

    def __init__(
        self,
        call: Callable[[Callable[[Any], Any]], Awaitable[Any]],
        wake: Callable[[], None],
        clock: Callable[[], float] | None = None,
        release_hold: float = 0.0,
    ) -> None:
        """``wake`` is called after each write. ``clock``: instead of the table's. ``release_hold``: as the dispatcher's."""
        self._release_hold = release_hold
        self._call = call
        self._wake = wake
        self._clock = clock
        self._report = Report(LOGGER, others=_OTHERS)
        self._doubts = _doubts.Doubts()

    async def observe(self, fields: Mapping[str, Any]) -> str:
        """Write one observation; raises InvalidValueError or TableError."""
        result = (await self.observe_many([fields]))[0]
        if isinstance(result, Exception):
            raise result
        return result

    async def observe_many(self, many: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Write many in one transaction.

        Gives per observation the result (``written``, ``unchanged``, ``repeated``, ``stale_reading``,
        ``contradiction``, ``unresolved``) or an InvalidValueError. Raises TableError when nothing could be written.
        """
        results = await self._call(lambda store: self._write(store, many))
        if any(result in ("written", "unresolved") for result in results):
            self._wake()
        return results

    def _write(self, store: Any, many: Sequence[Mapping[str, Any]]) -> list[Any]:
        now = (self._clock or store.now)()
        results: list[Any] = [None] * len(many)
        places: list[int] = []
        observations: list[Observation] = []
        written: list[tuple[Observation, _changes.Recorded]] = []
        with store.write() as tx:
            for place, fields in enumerate(many):
                try:
                    key, rest = _parts(fields)
                    try:
                        drive = _changes.resolve_drive(tx, key)
                    except InvalidValueError as exc:
                        results[place] = _changes.record_unresolved(tx, key, rest, now)
                        if results[place] == "unresolved":
                            text = f"A change of a drive that nobody is known to see was put aside: {exc}"
                            self._report.tell("put aside", text, text)
                        continue
                    observations.append(Observation(drive=drive, **rest))
                    places.append(place)
                except InvalidValueError as exc:
                    results[place] = exc
            for place, recorded in zip(places, _changes.record(tx, observations, now, self._release_hold), strict=True):
                results[place] = recorded.result
                written.append((observations[len(written)], recorded))
                if recorded.result == "contradiction":
                    self._report.tell("contradiction", recorded.drive, recorded.message)
        # Only what is in the table counts.
        for one, recorded in written:
            self._doubts.told(one)
            if recorded.against is not None:
                self._doubts.read(one.drive, recorded.against, one, recorded.sequence, now)
        return results

    def _settle_doubts(self, store: Any) -> None:
        """Tell of the detectors that had their time to agree; the dispatcher puts it into the log."""
        now = (self._clock or store.now)()
        over = self._doubts.over(now)
        if over:
            with store.write() as tx:
                _history.add_many(tx, [(now, "contradiction", text, drive, number, None, None) for drive, number, text in over])
            self._doubts.forget([drive for drive, _number, _text in over])

    async def known(self, drives: Sequence[str], token: Any) -> tuple[Any, dict[str, _changes.Known] | None]:
        """Give what the table knows of these drives, with the token for the next time; None if nothing was written since."""

        def read(store: Any) -> tuple[Any, dict[str, _changes.Known] | None]:
            self._settle_doubts(store)
            now = store.changed_token()
            if now == token:
                return token, None
            with store.read() as tx:
                return now, _changes.known(tx, drives)

        return await self._call(read)

    async def note(self, kind: str, message: str, drive: str | None = None) -> None:
        """Put a sentence into the history; one of the kind ``alert`` is told in the log as well."""

        def write(store: Any) -> None:
            with store.write() as tx:
                _history.add(tx, (self._clock or store.now)(), kind, message, drive)

        await self._call(write)

    async def site(self) -> str:
        """Give the table's site."""
        return await self._call(lambda store: str(store.site))

    async def meta_get(self, key: str) -> str | None:
        """Read a value that the table keeps for a detector."""

        def read(store: Any) -> str | None:
            with store.read() as tx:
                return _store.get_meta(tx, key)

        return await self._call(read)

    async def meta_set(self, key: str, value: str) -> None:
        """Keep a value for a detector in the table."""

        def write(store: Any) -> None:
            with store.write() as tx:
                _store.set_meta(tx, key, value)

        await self._call(write)


def _parts(fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What names the drive, and the rest of an observation, whose values are checked where it is made."""
    drive = fields.get("drive") if isinstance(fields, Mapping) else None
    if not isinstance(drive, Mapping):
        msg = f"What a detector tells must name the drive by serial, wwpn, wwnn or location, not {str(fields)[:60]!r}"
        raise InvalidValueError(msg)
    rest: dict[str, Any] = {key: fields.get(key) for key in _FIELDS}
    rest |= {key: fields[key] for key in _LEVEL_FIELDS if key in fields}
    if rest["holders"] is None:
        rest["holders"] = ()
    return {**drive, "library": fields.get("library")}, rest


async def open_table(thread: TableThread, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Open the table; wait while it cannot be used, but end at once for what waiting does not mend."""
    pause = 1.0
    while True:
        try:
            await thread.call(lambda store: None)
        except TableError as exc:
            if getattr(exc, "permanent", False):
                raise
            LOGGER.error("%s The event source tries again in %.0f s.", exc, pause)
            await sleep(pause)
            pause = min(pause * 2, 60.0)
        else:
            return


async def keep_running(name: str, run: Callable[[], Awaitable[None]], log: logging.Logger) -> None:
    """Run a detector for ever: it must not die, and if it does it is started again, with a growing pause."""
    pause = 1.0
    while True:
        started = time.monotonic()
        try:
            await run()
            log.error("The detector %s ended by itself and is started again.", name)
        except InvalidValueError:
            raise
        except Exception:  # a fault of one detector must not end the others
            log.exception("The detector %s failed and is started again in %.0f s.", name, pause)
        if time.monotonic() - started > 60:
            pause = 1.0
        await asyncio.sleep(pause)
        pause = min(pause * 2, 60.0)


async def serve(put: Callable[[dict[str, Any]], Awaitable[None]], config: Config) -> None:
    """Be the event source until cancelled."""
    thread = TableThread(config.table, config.site)
    try:
        await open_table(thread)
        dispatcher = _dispatcher.Dispatcher(thread.call, put, config.dispatcher, alerts=config.alerts)
        sink = Sink(thread.call, dispatcher.wake, release_hold=config.dispatcher.release_hold)
        tasks = [asyncio.create_task(dispatcher.run(), name="dispatcher")]
        for name, settings in config.detectors.items():
            file = importlib.import_module(f"{__package__}._detectors.{name}")
            log = LOGGER.getChild(name)
            run = _bound(file.run, settings, sink, log)
            tasks.append(asyncio.create_task(keep_running(name, run, log), name=name))
        try:
            done, _rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        thread.close()


def _bound(run: Callable[..., Awaitable[None]], *args: Any) -> Callable[[], Awaitable[None]]:
    def bound() -> Awaitable[None]:
        return run(*args)

    return bound
