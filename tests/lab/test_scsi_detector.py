# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source with the detector ``scsi`` on real devices: what becomes of reservations, and of drives that come and go.

The guest as a whole is the controller here, so it has four paths to each drive.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _changes,
    _fencing_key,
    _scsi_devices,
    _sg,
    _source,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import UNREADABLE
from ansible_collections.tapeworks.drive_sharing.tests.lab import san

HOST_A, HOST_B = san.HOSTS
DRIVE_1, DRIVE_2 = san.DRIVES
KEY_A, KEY_B = 0xA1A1A1A100000001, 0xB2B2B2B200000002
ALL_REGISTRANTS = 7
SITE = "lab"
WITHIN = 90.0
FC, ISCSI = "fc", "iscsi"

pytestmark = pytest.mark.usefixtures("free")


def generic(drive: san.Drive, port: san.Adapter | san.Initiator) -> str:
    return san.path(drive, port).generic


def of(port: san.Adapter | san.Initiator) -> dict[str, str]:
    return {"protocol": FC if isinstance(port, san.Adapter) else ISCSI, "id": port.id}


class Source:
    """A running event source."""

    def __init__(self, table: Path, log: pytest.LogCaptureFixture) -> None:
        self.table, self.log = table, log
        self.thread = _source.TableThread(str(table), SITE)
        log.set_level(logging.INFO, logger="tapeworks.drive_sharing")

    def run(self, body: Callable[[], Awaitable[None]]) -> None:
        """Be the source while the body runs."""
        drives = [drive.serial for drive in san.DRIVES]
        options = {"table": str(self.table), "site": SITE, "scsi": {"drives": drives, "interval": 0.5}}

        async def put(_event: Any) -> None:
            return None

        async def both() -> None:
            task = asyncio.create_task(_source.serve(put, _source.check(options)))
            try:
                await body()
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                self.thread.close()

        asyncio.run(both())

    async def row(self, drive: san.Drive) -> _changes.Known:
        """What the table has of a drive."""

        def read(store: Any) -> _changes.Known:
            with store.read() as tx:
                return _changes.known(tx, [drive.serial])[drive.serial]

        return await self.thread.call(read)

    async def sees(self, drive: san.Drive, status: str, *holders: dict[str, Any]) -> float:
        """Wait until the row says so; gives how long that took."""
        began = time.monotonic()
        while True:
            row = await self.row(drive)
            if row.same(status, tuple(sorted(holders, key=lambda port: (port["protocol"] or "", port["id"] or "")))):
                return time.monotonic() - began
            assert time.monotonic() - began < WITHIN, f"{drive.name} is {row}, not {status} {holders}; LIO says {drive.holder()}"
            await asyncio.sleep(0.05)

    async def says(self, text: str) -> None:
        """Wait for a line of the log."""
        began = time.monotonic()
        while not any(text in message for message in self.log.messages):
            assert time.monotonic() - began < WITHIN, f"{text!r} is not among {self.log.messages}"
            await asyncio.sleep(0.05)


@pytest.fixture
def source(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Source:
    return Source(tmp_path / "table.sqlite", caplog)


async def do(function: Callable[..., int], *args: Any) -> None:
    """Do something to a drive, beside the event loop."""
    assert await asyncio.to_thread(function, *args) == 0


def test_reservations_of_every_kind_become_rows(source: Source) -> None:
    a, b = generic(DRIVE_1, HOST_A.adapter), generic(DRIVE_1, HOST_B.initiator)

    async def body() -> None:
        await source.sees(DRIVE_1, "released")
        await do(san.register, a, KEY_A)
        await do(san.persistent_reserve, a, KEY_A)
        await source.sees(DRIVE_1, "reserved", of(HOST_A.adapter))
        await do(san.register, b, KEY_B)
        await do(san.preempt, b, KEY_B, KEY_A)
        await source.sees(DRIVE_1, "reserved", of(HOST_B.initiator))
        await do(san.clear, b, KEY_B)
        await source.sees(DRIVE_1, "released")
        await do(san.reserve, a)
        await source.sees(DRIVE_1, "reserved", UNREADABLE)
        assert DRIVE_1.holder() == ("SPC-2", HOST_A.adapter.id)
        await do(san.reset, b)
        await source.sees(DRIVE_1, "released")
        await do(san.register, a, KEY_A)
        await do(san.register, b, KEY_B)
        await do(san.persistent_reserve, a, KEY_A, ALL_REGISTRANTS)
        await source.sees(DRIVE_1, "reserved", of(HOST_A.adapter), of(HOST_B.initiator))
        assert (await source.row(DRIVE_2)).sequence == 1

    source.run(body)


def test_our_own_fence_is_not_seen_as_a_change(source: Source) -> None:
    a, b = generic(DRIVE_1, HOST_A.adapter), generic(DRIVE_1, HOST_B.adapter)
    own = _fencing_key.fencing_key(SITE, "controller")

    async def body() -> None:
        await do(san.register, a, KEY_A)
        await do(san.persistent_reserve, a, KEY_A)
        await source.sees(DRIVE_1, "reserved", of(HOST_A.adapter))
        before = (await source.row(DRIVE_1)).sequence
        await do(san.register, b, own)
        await do(san.preempt, b, own, KEY_A)
        await source.says("it is fenced under a key of this site")
        assert DRIVE_1.holder() == ("SPC-3", HOST_B.adapter.id)
        assert (await source.row(DRIVE_1)).sequence == before
        await do(san.clear, b, own)
        await source.sees(DRIVE_1, "released")

    source.run(body)


def test_a_drive_that_vanishes_keeps_its_row_and_is_found_again_with_other_numbers(source: Source) -> None:
    a = generic(DRIVE_2, HOST_A.adapter)

    async def body() -> None:
        await do(san.register, a, KEY_A)
        await do(san.persistent_reserve, a, KEY_A)
        await source.sees(DRIVE_2, "reserved", of(HOST_A.adapter))
        before = (await source.row(DRIVE_2)).sequence
        await asyncio.to_thread(DRIVE_2.away)
        try:
            await source.says(f"Drive {DRIVE_2.serial} cannot be read")
            assert (await source.row(DRIVE_2)).sequence == before
        finally:
            await asyncio.to_thread(DRIVE_2.back)
        await source.says(f"Drive {DRIVE_2.serial} can be read again")
        await asyncio.to_thread(san.renumber, [HOST_B.initiator, HOST_B.adapter, HOST_A.initiator, HOST_A.adapter])
        row = await source.row(DRIVE_2)
        # Whether the reservation has outlived it is LIO's affair; that the other drive's is not taken for it is ours.
        path = generic(DRIVE_1, HOST_B.adapter)
        await do(san.register, path, KEY_B)
        await do(san.persistent_reserve, path, KEY_B)
        await source.sees(DRIVE_1, "reserved", of(HOST_B.adapter))
        assert row.holders in ((), (of(HOST_A.adapter),))
        assert (DRIVE_2.holder() is None) == ((await source.row(DRIVE_2)).status == "released")

    source.run(body)


def test_a_reading_by_the_ioctl_costs_less_than_a_process(capsys: pytest.CaptureFixture[str]) -> None:
    path = generic(DRIVE_1, HOST_B.adapter)

    def used() -> float:
        mine, theirs = (resource.getrusage(which) for which in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime

    times, figures = 20, []
    for read in (
        lambda: _scsi_devices.ask(_sg.Device, path, DRIVE_1.serial),
        lambda: subprocess.run(["sg_persist", "-n", "-i", "-s", "-y", "-HHH", path], check=True, capture_output=True),
    ):
        read()
        before = used()
        for _turn in range(times):
            read()
        figures.append((used() - before) / times)
    ours, process = figures
    with capsys.disabled():
        print(f"\none reading: {ours * 1000:.1f} ms of CPU time by the ioctl, {process * 1000:.1f} ms by sg_persist (interpreted processor)")
    assert ours < process
