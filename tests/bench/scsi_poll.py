# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does it cost to read the reservations of many drives, and how soon is a change seen?

    PYTHONPATH=build/collections build/venv/2.19/bin/python tests/bench/scsi_poll.py --drives 200 --seconds 20

Printed are: the CPU time of one reading by a process of sg3-utils and by our own ioctl; the CPU time of the whole event source
with so many drives at 1 s, less that of one with a single drive that is read once; the time from a reservation to its row,
against the interval. The drives are simulated: the system calls are made, to /dev/null, and what comes back over Fibre Channel
(8 KiB) is put in the place of the refusal. What the kernel does for a SCSI command is not in the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _changes,
    _scsi_devices,
    _sg,
    _source,
    _spc_state,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Answer
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.simulated_drive import (
    descriptor,
    fc,
    listed,
)

REAL = _sg.Device
ALLOWED = 0.10


class Drive:
    """A drive with its answers ready."""

    def __init__(self, serial: str) -> None:
        page = b"\x01\x80" + len(serial).to_bytes(2, "big") + serial.encode()
        self.who = Answer(0, page)
        self.holder: int | None = None
        self.hold(None)

    def hold(self, number: int | None) -> None:
        """Let a host hold it, with another one registered."""
        ports = [descriptor(fc(0), 7), descriptor(fc(number or 1), 8, None if number is None else 3)]
        self.answer = Answer(0, listed(1, *ports).ljust(8192, b"\0"))


class Device:
    """Makes the system calls of the real one."""

    drives: dict[str, Drive]

    def __init__(self, path: str) -> None:
        self.drive = self.drives[path]
        self.real = REAL("/dev/null")

    def send(self, cdb: bytes, length: int) -> Answer:
        """Send, and answer from what is ready."""
        self.real.send(cdb, length)
        return self.drive.who if cdb[0] == _sg.INQUIRY else self.drive.answer

    def close(self) -> None:
        """Close."""
        self.real.close()


def used() -> float:
    """CPU time of this process, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def one_reading(times: int = 3000) -> float:
    """CPU seconds to open, ask who it is, ask for the reservation, decode and close."""
    Device.drives = {"/dev/sg0": Drive("D0")}
    before = used()
    for _turn in range(times):
        _scsi_devices.ask(Device, "/dev/sg0", "D0")
    return (used() - before) / times


def one_process(*command: str, times: int = 100) -> float:
    """CPU seconds to start a program that is refused at once, on both sides."""
    before, children = used(), resource.getrusage(resource.RUSAGE_CHILDREN)
    for _turn in range(times):
        subprocess.run(command, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    theirs = after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime
    return (used() - before + theirs) / times


async def source(directory: Path, drives: int, interval: float, seconds: float) -> tuple[float, list[float]]:
    """Run the event source; give its CPU seconds a second, and how long each of some changes took to be written."""
    names = [f"D{number:04}" for number in range(drives)]
    Device.drives = {f"/dev/sg{number}": Drive(name) for number, name in enumerate(names)}
    _sg.Device = Device  # type: ignore[misc,assignment]
    _scsi_devices.find = lambda: {name: (f"/dev/sg{number}",) for number, name in enumerate(names)}  # type: ignore[assignment,misc]
    table = directory / f"{drives}-{interval}.sqlite"
    config = _source.check({"table": str(table), "site": "bench", "scsi": {"drives": names, "interval": interval}})

    async def put(_event: Any) -> None:
        return None

    thread = _source.TableThread(str(table), "bench")
    task = asyncio.create_task(_source.serve(put, config))

    async def holders(name: str) -> tuple[Any, ...]:
        def read(store: Any) -> tuple[Any, ...]:
            with store.read() as tx:
                found = _changes.known(tx, [name])[name]
                return found.holders if found.status else (None,)

        return await thread.call(read)

    try:
        while await holders(names[-1]) == (None,):  # noqa: ASYNC110 - other threads bring it about
            await asyncio.sleep(0.05)
        await asyncio.sleep(2)
        before, began = used(), time.monotonic()
        await asyncio.sleep(seconds)
        rate = (used() - before) / (time.monotonic() - began)
        latencies = []
        for number in range(1, 25 if drives > 1 else 1):
            await asyncio.sleep(random.uniform(0, interval))
            place = random.randrange(drives)
            Device.drives[f"/dev/sg{place}"].hold(number)
            began = time.monotonic()
            while await holders(names[place]) != (fc(number),):  # noqa: ASYNC110
                await asyncio.sleep(0.002)
            latencies.append(time.monotonic() - began)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        thread.close()
    return rate, latencies


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drives", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    ours = one_reading()
    print(f"one reading by the ioctl: {ours * 1e6:.0f} µs of CPU time, decoded; the kernel's part of the commands is not in it")
    action = _spc_state.COMMANDS["full_status"][0].hex(" ").split()
    for command in (["sg_persist", "-n", "-i", "-s", "-HHH", "/dev/null"], ["sg_raw", "-r", "8192", "/dev/null", *action]):
        if shutil.which(command[0]) is None:
            print(f"{command[0]}: not installed, not measured")
            continue
        theirs = one_process(*command)
        print(f"one start of {command[0]}: {theirs * 1e6:.0f} µs, {theirs / ours:.0f} times as much, nothing decoded")
    with tempfile.TemporaryDirectory(prefix="scsi_poll_") as name:
        idle, _none = asyncio.run(source(Path(name), 1, 3600, options.seconds))
        rate, latencies = asyncio.run(source(Path(name), options.drives, 1.0, options.seconds))
        _rate, quick = asyncio.run(source(Path(name), options.drives, 0.2, 2))
    share = rate - idle
    print(
        f"{options.drives} drives at 1 s: {share:.1%} of one core ({rate:.1%} with everything else of the source,"
        f" {idle:.1%} without drives); {share / options.drives * 100:.2%} for 100 drives; {share / ALLOWED:.2f} of what is allowed"
    )
    for interval, found in ((1.0, latencies), (0.2, quick)):
        print(
            f"from the reservation to its row at {interval:g} s: median {statistics.median(found) / interval:.2f}, most"
            f" {max(found) / interval:.2f} intervals ({len(found)} changes)"
        )
    return 0 if share <= ALLOWED * options.drives / 200 else 1


if __name__ == "__main__":
    sys.exit(main())
