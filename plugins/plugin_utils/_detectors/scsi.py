# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The detector ``scsi``: reads the reservations of drives off the drives themselves, again and again.

Private: may change at any time.

It only reads. What it reads is compared with the drive table's row, not with what was read before: so it heals what a lost
or false notification broke, and has nothing to remember. A reading is written as a level reading: with the row's sequence from
before the drive was asked, and if that is not the row's any more the drive is asked again. A drive that cannot be read leaves
the row as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _change,
    _fencing_key,
    _scsi_devices,
    _sg,
    _spc_state,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._changes import Known
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _scsi_arguments
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._scsi_arguments import Config
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._scsi_pool import Pool
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._scsi_watch import (
    Judge,
    Watch,
    next_look,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import TableError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._few_lines import Report
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Reading

check = _scsi_arguments.check

NAME = "scsi"
#: Seconds between searches for devices: while one is missing, and otherwise (for paths that came).
SEARCH, SEARCH_ALL = 5.0, 60.0
#: Drives that are due within this time of each other are asked together.
TOGETHER = 0.02
#: Seconds until a table that cannot be read is asked again.
PAUSE = 1.0


class Sink(Protocol):
    """What the detector needs of `_source.Sink`."""

    async def observe_many(self, many: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Write observations."""

    async def known(self, drives: Sequence[str], token: Any) -> tuple[Any, dict[str, Known] | None]:
        """Read rows."""

    async def note(self, kind: str, message: str, drive: str | None = None) -> None:
        """Write into the history."""

    async def site(self) -> str:
        """Read the site."""


@dataclass(frozen=True, slots=True)
class _Result:
    """A reading, and what the table knew before it."""

    watch: Watch
    path: str
    before: Known
    reading: Reading
    news: bool


class Detector:
    """One per source."""

    def __init__(
        self,
        config: Config,
        sink: Sink,
        log: logging.Logger,
        open_device: _scsi_devices.Open = _sg.Device,
        find: Callable[[], dict[str, tuple[str, ...]]] = _scsi_devices.find,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Ask nothing yet."""
        self._config = config
        self._sink = sink
        self._log = log
        self._open = open_device
        self._find = find
        self._clock = clock
        self._wall_clock = wall_clock
        self._report = Report(log, clock, others="There is the same of more drives ({kind}); for a minute they are not named here.")
        self._watches = {drive.serial: Watch(drive) for drive in config.drives}
        self._pool = Pool(config.threads, config.patience, "scsi", clock)
        self._judge = Judge()
        self._decision: Callable[[Mapping[str, _spc_state.Answer]], Reading] = _spc_state.decide
        self._results: deque[_Result] = deque()
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._known: dict[str, Known] = {}
        self._token: Any = None
        #: What the search has found and was not looked at yet; None: nothing.
        self._devices: dict[str, tuple[str, ...]] | None = None
        self._searching = False
        self._searched = False
        self._search_at, self._last_search = 0.0, 0.0
        self._lost = False

    def counters(self) -> dict[str, int]:
        """Give what was done, by kind."""
        return self._report.counts()

    async def run(self) -> None:
        """Read until cancelled."""
        self._loop = asyncio.get_running_loop()
        try:
            site = await self._patiently(self._sink.site)
            self._decision = partial(
                _spc_state.decide,
                own_keys=lambda key: _fencing_key.is_of_site(key, site),
                ports_by_key=self._config.keys,
            )
            self._log.info("The reservations of %d drives are read through this machine's SCSI devices.", len(self._watches))
            while True:
                # Before the look: what comes during it is looked at next.
                self._woken.clear()
                wait = await self._turn()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._woken.wait()
        finally:
            self._pool.close()
            self._log.info("Reservations are read no more; counted: %s.", self.counters() or "nothing")

    async def _patiently(self, call: Callable[[], Any]) -> Any:
        while True:
            try:
                return await call()
            except TableError as exc:
                self._no_table(exc)
                await asyncio.sleep(PAUSE)

    async def _turn(self) -> float:
        """Take what was read, ask who is due; gives the seconds until the next turn."""
        watches = self._watches.values()
        await self._take()
        self._search()
        wait = 0.0
        try:
            # The rows from before the drives are asked.
            self._token, known = await self._sink.known(tuple(self._watches), self._token)
        except TableError as exc:
            self._no_table(exc)
            wait = PAUSE
        else:
            self._known = self._known if known is None else known
            now = self._clock()
            for watch in watches if self._searched else ():
                if watch.due <= now + TOGETHER:
                    self._ask(watch, now)
        self._pool.relieve()
        await self._tell()
        now = self._clock()
        if not self._searched:
            return max(wait, SEARCH)
        return max(wait, next_look(watches, now))

    def _no_table(self, exc: TableError) -> None:
        self._report.tell("table", "", f"Drives are not read: {exc} It is tried again.", logging.ERROR)

    # Devices.

    def _search(self) -> None:
        """Look for the drives' device files if it is time to, and take what was found."""
        now = self._clock()
        if self._devices is not None:
            for serial, watch in self._watches.items():
                watch.found(self._devices.get(serial, ()), now)
            self._devices, self._searching, self._searched, self._lost = None, False, True, False
            # Never found is not lost, and looked for all the same.
            missing = any(not watch.paths for watch in self._watches.values())
            self._search_at = now + (SEARCH if missing else SEARCH_ALL)
        if self._lost:
            self._search_at = min(self._search_at, self._last_search + SEARCH)
        if not self._searching and now >= self._search_at:
            self._searching, self._last_search = True, now
            self._pool.submit(self._find_devices)

    def _find_devices(self) -> None:
        """In a thread of the pool."""
        try:
            found = self._find()
        except Exception:  # noqa: BLE001  a fault of ours must not end the thread
            self._log.exception("The search for SCSI devices failed; what was found before stays.")
            found = {serial: watch.paths for serial, watch in self._watches.items()}
        self._devices = found
        self._wake()

    # Readings.

    def _ask(self, watch: Watch, now: float) -> None:
        path = watch.choose(now, self._config.patience)
        if path is None:
            return
        before = self._known.get(watch.drive.serial) or Known()
        self._pool.submit(partial(self._read, watch, path, before))

    def _read(self, watch: Watch, path: str, before: Known) -> None:
        """In a thread of the pool."""
        reading = _scsi_devices.ask(self._open, path, watch.drive.serial, self._decision)
        news = reading.fact is not None and not before.same(*reading.fact) and not before.keeps_holder(reading.holders, NAME)
        self._results.append(_Result(watch, path, before, reading, news))
        # What is as known waits for the next turn.
        if news or reading.fact is None or watch.trouble:
            self._wake()

    def _wake(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it is closed
                self._loop.call_soon_threadsafe(self._woken.set)

    async def _take(self) -> None:
        """Take what the threads have read."""
        news: list[_Result] = []
        now = self._clock()
        while self._results:
            result = self._results.popleft()
            result.watch.asking.pop(result.path, None)
            self._report.count("read")
            if result.reading.fact is None and not result.reading.fenced:
                self._report.count("unreadable")
                self._lost |= result.reading.gone
                result.watch.missed(result.reading.why, now)
                continue
            self._works(result, now)
            if result.news:
                news.append(result)
        if news:
            await self._write(news, now)

    def _works(self, result: _Result, now: float) -> None:
        watch, reading = result.watch, result.reading
        lasted = watch.works(now)
        if lasted is not None:
            self._log.info("Drive %s can be read again, after %.0f s.", watch.drive.serial, lasted)
        note = "it is fenced under a key of this site, which is its error state and no change" if reading.fenced else reading.why
        if note != watch.noted:
            watch.noted = note
            if note:
                self._report.tell("note", watch.drive.serial, f"Drive {watch.drive.serial}: {note}.")

    async def _write(self, news: list[_Result], now: float) -> None:
        observed_at = _change.timestamp(self._wall_clock())
        try:
            written = await self._sink.observe_many([_fields(one, observed_at) for one in news])
        except TableError as exc:
            # The next reading says the same.
            self._report.tell("table", "", f"What was read off drives was not written: {exc} It is read again.", logging.ERROR)
            return
        for one, result in zip(news, written, strict=True):
            if isinstance(result, Exception):
                text = f"What was read off drive {one.watch.drive.serial} was not taken: {result}."
                self._report.tell("refused", one.watch.drive.serial, text)
                continue
            self._report.count(result)
            if result == "stale_reading":
                one.watch.due = now

    # Trouble.

    async def _tell(self) -> None:
        verdict = self._judge.look(list(self._watches.values()), self._clock(), self._config.patience)
        for watch in verdict.each:
            text = f"Drive {watch.drive.serial} cannot be read: {watch.trouble}. What the drive table has of it stays."
            self._report.tell("trouble", watch.drive.serial, text)
            await self._note("unreadable", text, watch.drive.serial)
        if verdict.fault:
            self._report.count("fault")
            # The dispatcher tells what is an alert in the history.
            await self._note("alert", verdict.fault)
        if verdict.over:
            self._log.info("%s", verdict.over)

    async def _note(self, kind: str, text: str, drive: str | None = None) -> None:
        try:
            await self._sink.note(kind, text, drive)
        except TableError as exc:
            self._report.tell("table", "", f"{text} The history could not be written: {exc}", logging.ERROR)


def _fields(result: _Result, observed_at: str) -> dict[str, Any]:
    status, holders = result.reading.fact or ("", ())
    return {
        "drive": {"serial": result.watch.drive.serial},
        "status": status,
        "holders": [dict(port) for port in holders],
        "observed_at": observed_at,
        "library": result.watch.drive.library,
        "detector": NAME,
        "level": True,
        "seen_sequence": result.before.sequence,
    }


async def run(config: Config, sink: Sink, log: logging.Logger) -> None:
    """Be the detector until cancelled."""
    await Detector(config, sink, log, _sg.Device, _scsi_devices.find).run()
