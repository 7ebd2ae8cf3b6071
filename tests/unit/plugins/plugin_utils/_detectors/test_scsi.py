# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The detector ``scsi`` in the whole event source with a real drive table; the drives are simulated, with behaviour."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _doubts,
    _fencing_key,
    _scsi_devices,
    _sg,
    _source,
    _sqlite_file,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _scsi_watch, scsi
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import UNREADABLE, Answer
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.simulated_drive import (
    CONTROLLER,
    Bus,
    Drive,
    check,
)
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import World, port

A, B = port(0), port(1)
WITHIN = 30.0
FAILURE = Answer(problem="the transport failed (DID_ERROR)")


class Site:
    """A source that reads simulated drives, its table, and what it says."""

    def __init__(self, world: World, location: str, bus: Bus, log: pytest.LogCaptureFixture) -> None:
        self.world, self.location, self.bus, self.log = world, location, bus, log
        self.drives = list(bus.nodes.values())
        self.events: list[Any] = []
        self.hold: float = 0

    def run(self, body: Callable[[], Awaitable[None]], **options: Any) -> None:
        """Be the source while the body runs."""
        given = {"drives": [drive.serial for drive in self.drives], "interval": 0.1, **options}
        config = _source.check({
            "table": self.location, "site": "test", "scsi": given, "dispatcher": {"release_hold": self.hold},
        })

        async def put(event: dict[str, Any]) -> None:
            self.events.append(event)

        async def both() -> None:
            task = asyncio.create_task(_source.serve(put, config))
            try:
                async with asyncio.timeout(WITHIN):
                    await body()
                assert not task.done()
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        try:
            asyncio.run(both())
        finally:
            for drive in self.drives:
                drive.answers.set()
                drive.arrives.set()

    def row(self, drive: str = "D1") -> tuple[str, list[Any], int]:
        """Status, holders and sequence of a drive."""
        with self.world.store.read() as tx:
            found = scsi_known(tx, drive)
        return found.status, list(found.holders), found.sequence

    async def sees(self, status: str, *holders: Any, drive: str = "D1") -> None:
        """Wait until the row says so."""
        await until(lambda: self.row(drive)[:2] == (status, list(holders)))

    async def reads(self, drive: Drive, times: int = 4) -> None:
        """Wait until a drive was read that often."""
        wanted = drive.commands.count(0x5E) + times
        await until(lambda: drive.commands.count(0x5E) >= wanted)

    async def says(self, text: str) -> None:
        """Wait for a line of the log."""
        await until(lambda: any(text in message for message in self.log.messages))

    @property
    def text(self) -> str:
        """All that it said."""
        return "\n".join(self.log.messages)

    def said(self, text: str) -> int:
        """How many lines of the log have this text."""
        return sum(text in message for message in self.log.messages)


def scsi_known(tx: Any, drive: str) -> Any:
    return _source._changes.known(tx, [drive])[drive]


async def until(condition: Callable[[], Any]) -> None:
    while not condition():  # noqa: ASYNC110 - other threads bring it about
        await asyncio.sleep(0.005)


@pytest.fixture
def make(
    world: World, location: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Callable[[int], Site]]:
    monkeypatch.setattr(scsi, "SEARCH", 0.1)
    monkeypatch.setattr(_doubts, "MOMENTS", 0.3)
    monkeypatch.setattr(_scsi_watch, "GRACE", 0.2)
    caplog.set_level(logging.INFO, logger="tapeworks.drive_sharing")

    def made(number: int) -> Site:
        bus = Bus(*(Drive(f"D{place + 1}") for place in range(number)))
        monkeypatch.setattr(_sg, "Device", bus.open)
        monkeypatch.setattr(_scsi_devices, "find", bus.find)
        world.hosts("ab", tuple(drive.serial for drive in bus.nodes.values()))
        return Site(world, location, bus, caplog)

    yield made
    assert not [one for one in threading.enumerate() if one.name.startswith("drive-table")]


@pytest.fixture
def site(make: Callable[[int], Site]) -> Site:
    return make(1)


@pytest.fixture
def drive(site: Site) -> Drive:
    return site.drives[0]


# What is seen.


def test_who_reserves_a_drive_is_written_and_dispatched(site: Site, drive: Drive) -> None:
    async def body() -> None:
        await site.sees("released")
        drive.take(A)
        await site.sees("reserved", A)
        await until(lambda: site.events)
        drive.release(A)
        await site.sees("released")

    site.run(body)
    assert site.row()[2] == 3
    with site.world.store.read() as tx:
        assert scsi_known(tx, "D1").detector == "scsi"
    assert set(drive.commands) == {0x12, 0x5E}


def test_a_reservation_of_spc_2_is_by_somebody(site: Site, drive: Drive) -> None:
    drive.reserve6(A)

    async def body() -> None:
        await site.sees("reserved", UNREADABLE)
        drive.reset()
        await site.sees("released")

    site.run(body)


def test_under_a_type_for_all_registrants_all_hold_it(site: Site, drive: Drive) -> None:
    async def body() -> None:
        drive.take(A, kind=7)
        await site.sees("reserved", A)
        drive.register(B, 2)
        await site.sees("reserved", A, B)

    site.run(body)


def test_a_holder_that_is_preempted_while_it_writes_is_followed(site: Site, drive: Drive) -> None:
    drive.take(A, key=1)

    async def body() -> None:
        await site.sees("reserved", A)
        drive.register(B, key=2)
        drive.preempt(B, victim=1)
        await site.sees("reserved", B)

    site.run(body)
    assert site.row()[2] == 2
    assert site.world.messages("change")[-1].startswith("Drive D1: reserved by fc 10000090fa000001")


def test_registrations_alone_are_no_change_and_nothing_is_written_for_what_is_known(site: Site, drive: Drive) -> None:
    async def body() -> None:
        drive.take(A)
        await site.sees("reserved", A)
        await site.reads(drive)
        with site.world.store.read() as tx:
            before = tx.execute("SELECT COUNT(*) AS n FROM history")[0]["n"]
        generation = drive.generation
        for key in range(2, 6):
            drive.register(B, key)
        assert drive.generation > generation
        await site.reads(drive)
        assert site.row() == ("reserved", [A], 1)
        with site.world.store.read() as tx:
            assert tx.execute("SELECT COUNT(*) AS n FROM history")[0]["n"] == before

    drive.take(A)
    site.run(body)


def test_after_a_restart_of_the_drive_it_is_free(site: Site, drive: Drive) -> None:
    drive.take(A)

    async def body() -> None:
        await site.sees("reserved", A)
        drive.restart()
        await site.sees("released")

    site.run(body)


def test_a_holder_of_a_drive_that_shows_keys_only_is_named_by_its_key(site: Site, drive: Drive) -> None:
    drive.unknown = {3}
    drive.take(A, key=0xA1)

    async def body() -> None:
        await site.sees("reserved", A)

    site.run(body, keys={"0xa1": A})


def test_each_drive_has_its_own_interval(make: Callable[[int], Site]) -> None:
    site = make(2)
    quick, slow = site.drives

    async def body() -> None:
        await until(lambda: quick.commands.count(0x5E) >= 5)

    site.run(body, drives=["D1", {"serial": "D2", "interval": 3600}])
    assert slow.commands.count(0x5E) == 1


def test_the_library_that_is_configured_is_that_of_the_row(site: Site) -> None:
    async def body() -> None:
        await site.sees("released")

    site.run(body, drives=[{"serial": "D1", "library": "ts4500_01"}])
    assert site.world.state()["library"] == "ts4500_01"


# Our own fence.


def test_our_own_fence_is_no_change_and_what_it_was_put_on_stays(site: Site, drive: Drive) -> None:
    key = _fencing_key.fencing_key("test", "controller")
    drive.take(A, key=1)

    async def body() -> None:
        await site.sees("reserved", A)
        drive.register(CONTROLLER, key)
        drive.preempt(CONTROLLER, victim=1)
        await site.says("Drive D1: it is fenced under a key of this site, which is its error state and no change.")
        await site.reads(drive)
        assert site.row() == ("reserved", [A], 1)
        drive.release(CONTROLLER)
        await site.sees("released")

    site.run(body)
    assert site.said("fenced") == 1


def test_the_fence_of_another_site_is_a_holder_like_any_other(site: Site, drive: Drive) -> None:
    drive.take(CONTROLLER, _fencing_key.fencing_key("another", "controller"))

    async def body() -> None:
        await site.sees("reserved", CONTROLLER)

    site.run(body)


# Against what else tells of the drive.


def test_a_reading_on_its_way_does_not_overwrite_a_newer_notification(site: Site, drive: Drive) -> None:
    async def body() -> None:
        await site.sees("released")
        drive.take(A)
        await site.sees("reserved", A)
        drive.release(A)
        drive.arrives.clear()
        # This one says that the drive is free, and is under way when B reserves and the library tells so.
        await site.reads(drive, 1)
        drive.take(B, key=2)
        site.world.see("reserved", "b")
        number = site.row()[2]
        drive.arrives.set()
        await site.reads(drive, 4)
        assert site.row() == ("reserved", [B], number)

    site.run(body)
    assert site.world.messages("contradiction") == []


def test_a_reading_that_came_too_late_is_made_again_at_once(site: Site, drive: Drive) -> None:
    drive.arrives.clear()

    async def body() -> None:
        await until(lambda: 0x5E in drive.commands)
        drive.take(B)
        site.world.see("reserved", "b")
        drive.arrives.set()
        await until(lambda: drive.commands.count(0x5E) == 2)

    site.run(body, interval=3600)
    assert site.row() == ("reserved", [B], 1)


def test_what_a_lost_notification_broke_is_healed(site: Site, drive: Drive) -> None:
    site.world.see("reserved", "a")

    async def body() -> None:
        await site.sees("released")
        await until(lambda: site.world.messages("contradiction"))
        await site.reads(drive)

    site.run(body)
    assert site.world.messages("contradiction") == [
        "Drive D1: snmp told that it is reserved by fc 10000090fa000000 (change 1), and reading the drive (scsi) shows that it is"
        " released. What was read counts. snmp has not told the same within 0.3 s: a notification was lost, or false."
    ]


def test_what_a_false_notification_broke_is_healed_and_told_with_both_sides(site: Site, drive: Drive) -> None:
    drive.take(A)

    async def body() -> None:
        await site.sees("reserved", A)
        site.world.see("reserved", "b")
        await site.sees("reserved", A)
        await site.says("snmp has not told the same within")

    site.run(body)
    assert site.row()[2] == 3
    fault("scsi-against").seen_in(site.text, DRIVE="D1")


def test_a_reservation_of_spc_2_leaves_the_holder_that_the_library_named(site: Site, drive: Drive) -> None:
    site.world.see("reserved", "a")
    drive.reserve6(A)

    async def body() -> None:
        await site.reads(drive, 5)
        assert site.row() == ("reserved", [A], 1)

    site.run(body)
    assert site.world.messages("contradiction") == []


def test_a_reservation_of_spc_2_in_place_of_a_persistent_one_is_another(site: Site, drive: Drive) -> None:
    drive.take(A)

    async def body() -> None:
        await site.sees("reserved", A)
        drive.register(A, 0)
        drive.reserve6(B)
        await site.sees("reserved", UNREADABLE)

    site.run(body)


# Open and close.


def test_a_release_is_held_back_and_a_reservation_that_follows_takes_its_place(site: Site, drive: Drive) -> None:
    site.hold = 3600
    drive.take(A)

    async def body() -> None:
        await site.sees("reserved", A)
        await until(lambda: len(site.events) == 1)
        with site.world.transaction() as tx:
            tx.execute("UPDATE drives SET batch = NULL, settled = sequence")
            tx.execute("UPDATE batches SET ended_at = emitted_at")
        drive.release(A)
        await site.sees("released")
        await site.reads(drive)
        assert len(site.events) == 1
        drive.take(B, key=2)
        await site.sees("reserved", B)
        await until(lambda: len(site.events) == 2)

    site.run(body)


# Drives that cannot be read.


def test_a_drive_that_cannot_be_read_keeps_its_row_and_is_told_once(make: Callable[[int], Site]) -> None:
    site = make(3)
    one, other = site.drives[:2]
    one.take(A)

    async def body() -> None:
        await site.sees("reserved", A)
        one.failure = FAILURE
        await site.says("Drive D1 cannot be read: INQUIRY: the transport failed (DID_ERROR). What the drive table has of it stays.")
        other.take(B)
        await site.sees("reserved", B, drive="D2")
        assert site.row() == ("reserved", [A], 1)
        one.failure = None
        one.release(A)
        await site.sees("released")

    site.run(body)
    assert site.said("cannot be read") == 1
    assert site.said("Drive D1 can be read again, after ") == 1
    fault("scsi-unreadable").seen_in(site.text, DRIVE="D1")
    assert site.world.messages("unreadable")[0].startswith("Drive D1 cannot be read")


@pytest.mark.parametrize("failure", [Answer(8), Answer(0, b""), check(2, 4), check(6, 0x29), Answer(2)], ids=str)
def test_nothing_that_says_nothing_releases_a_drive(make: Callable[[int], Site], failure: Answer) -> None:
    site = make(3)
    drive = site.drives[0]
    drive.take(A)

    async def body() -> None:
        await site.sees("reserved", A)
        drive.failure = failure
        await site.says("Drive D1 cannot be read")
        assert site.row() == ("reserved", [A], 1)

    site.run(body)


def test_a_drive_that_hangs_costs_only_itself(make: Callable[[int], Site]) -> None:
    site = make(5)
    hanging, working = site.drives[:2]

    async def body() -> None:
        await site.sees("released")
        for drive in (hanging, site.drives[2]):
            drive.answers.clear()
        await site.says("Drive D1 cannot be read: it has not answered for ")
        working.take(A)
        await site.sees("reserved", A, drive="D2")
        number = hanging.commands.count(0x12)
        await site.reads(working, 5)
        # It has not been asked again.
        assert hanging.commands.count(0x12) == number
        hanging.take(B)
        hanging.answers.set()
        await site.sees("reserved", B)

    site.run(body, threads=1, patience=0.3)
    fault("scsi-hangs").seen_in(site.text, DRIVE="D1")


def test_the_source_ends_while_a_drive_hangs(make: Callable[[int], Site]) -> None:
    site = make(3)
    site.drives[0].answers.clear()

    async def body() -> None:
        await site.sees("released", drive="D2")

    site.run(body, patience=0.3)
    assert site.said("Reservations are read no more; counted: ") == 1


def test_most_drives_at_once_are_a_fault_of_the_detector_and_told_once(make: Callable[[int], Site]) -> None:
    site = make(12)

    async def body() -> None:
        for drive in site.drives:
            drive.take(A)
        for drive in site.drives:
            await site.sees("reserved", A, drive=drive.serial)
        for drive in site.drives[:7]:
            drive.failure = FAILURE
        text = "7 of 12 drives cannot be read, most of them because: INQUIRY: the transport failed (DID_ERROR). That is rather a fault"
        await site.says(text)
        site.drives[11].release(A)
        await site.sees("released", drive="D12")
        await site.reads(site.drives[11])
        for number in range(1, 12):
            assert site.row(f"D{number}") == ("reserved", [A], 1)
        assert site.said("cannot be read") == 1
        for drive in site.drives[:6]:
            drive.failure = None
        await site.says("11 of 12 drives can be read again.")
        await site.says("Drive D7 cannot be read")
        assert site.said("cannot be read") == 2

    site.run(body)
    assert len(site.world.messages("alert")) == 1
    fault("scsi-most").seen_in(site.text)


def test_a_drive_of_which_there_is_no_device_is_told(make: Callable[[int], Site]) -> None:
    site = make(3)

    async def body() -> None:
        await site.says("Drive D9 cannot be read: no SCSI tape device of this controller has its serial number. What ")
        await site.sees("released", drive="D3")

    site.run(body, drives=["D1", "D2", "D3", "D9"])
    fault("scsi-no-device").seen_in(site.text, DRIVE="D9")


# Devices that come, go and change their names.


def test_a_drive_is_found_again_after_renumbering_and_nobody_is_taken_for_it(make: Callable[[int], Site]) -> None:
    site = make(3)
    one, two, three = site.drives
    one.take(A)

    async def body() -> None:
        await site.sees("reserved", A)
        await site.sees("released", drive="D2")
        await site.sees("released", drive="D3")
        site.bus.renumber([two, three, one])
        two.take(B)
        await site.sees("reserved", B, drive="D2")
        one.release(A)
        await site.sees("released")

    site.run(body)
    assert (site.row("D3")[2], site.row("D2")[2], site.row("D1")[2]) == (1, 2, 2)


def test_a_drive_that_disappears_keeps_its_row_and_is_read_when_it_is_back(make: Callable[[int], Site]) -> None:
    site = make(3)
    one, two, three = site.drives
    one.take(A)

    async def body() -> None:
        await site.sees("reserved", A)
        site.bus.renumber([two, three])
        await site.says("Drive D1 cannot be read")
        assert site.row() == ("reserved", [A], 1)
        site.bus.renumber([two, three, one])
        one.release(A)
        await site.sees("released")

    site.run(body)


def test_a_path_that_fails_is_left_for_another_one(site: Site, drive: Drive) -> None:
    site.bus.nodes["/dev/sg7"] = drive
    drive.take(A)

    async def body() -> None:
        await site.sees("reserved", A)
        site.bus.dead.add("/dev/sg0")
        drive.release(A)
        await site.sees("released")
        site.bus.dead = {"/dev/sg7"}
        drive.take(B)
        await site.sees("reserved", B)

    site.run(body)
    assert site.said("cannot be read") == 0


def test_a_path_that_hangs_is_left_for_another_one(site: Site, drive: Drive) -> None:
    site.bus.nodes["/dev/sg7"] = drive
    drive.take(A)

    async def body() -> None:
        await site.sees("reserved", A)
        site.bus.hung.clear()
        site.bus.hanging = "/dev/sg0"
        drive.release(A)
        await site.sees("released")

    try:
        site.run(body, patience=0.3, threads=1)
    finally:
        site.bus.hung.set()
    assert site.said("cannot be read") == 0


# The table.


def test_while_the_table_is_locked_nothing_is_read_and_nothing_is_lost(
    site: Site, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sqlite_file, "BUSY_SECONDS", 0.1)

    async def body() -> None:
        await site.sees("released")
        blocker = sqlite3.connect(site.location, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        drive.take(A)
        await site.says("What was read off drives was not written: ")
        blocker.execute("ROLLBACK")
        blocker.close()
        await site.sees("reserved", A)

    site.run(body)


def test_arguments_that_are_wrong_end_the_source_with_the_sentence() -> None:
    with pytest.raises(InvalidValueError, match=r"^scsi\.drives must be a list of serial numbers"):
        _source.check({"scsi": {"interval": 1}})
