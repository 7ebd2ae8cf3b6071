# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _fencing_key, _scsi_devices, _spc_sense
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Answer
from ansible_collections.tapeworks.drive_sharing.tests.unit.fixtures.linux import sysfs
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.simulated_drive import (
    RESET,
    Bus,
    Device,
    Drive,
    check,
    fc,
)


def test_the_drives_of_the_lab_are_found_with_each_of_their_paths(tmp_path: Path) -> None:
    sysfs.fc_lab(tmp_path / "one")
    found = _scsi_devices.find(str(tmp_path / "one"))
    assert sorted(found) == ["LABDRV0001", "LABDRV0002"]
    assert all(node.startswith("/dev/sg") for nodes in found.values() for node in nodes)
    sysfs.two_paths(tmp_path / "two")
    assert max(len(nodes) for nodes in _scsi_devices.find(str(tmp_path / "two")).values()) == 2


def test_what_is_no_tape_drive_or_says_no_serial_number_is_passed_over(tmp_path: Path) -> None:
    for name, files in {
        "0:0:0:0": {"type": b"1\n", "vpd_pg80": sysfs.pg80("GOOD1")},
        "0:0:1:0": {"type": b"8\n", "vpd_pg80": sysfs.pg80("CHANGER")},
        "0:0:2:0": {"type": b"1\n"},
        "0:0:3:0": {"type": b"1\n", "vpd_pg80": b"\1\x80\0\x20short"},
        "0:0:10:0": {"type": b"1\n", "vpd_pg80": sysfs.pg80("GOOD1")},
        "odd": {"type": b"1\n", "vpd_pg80": sysfs.pg80("GOOD2")},
        "0:0:4:0": {},
    }.items():
        device = tmp_path / "sys/class/scsi_device" / name / "device"
        (device / "scsi_generic" / f"sg{name.split(':')[-2] if ':' in name else 99}").mkdir(parents=True)
        for file, content in files.items():
            (device / file).write_bytes(content)
    assert _scsi_devices.find(str(tmp_path)) == {"GOOD1": ("/dev/sg0", "/dev/sg10"), "GOOD2": ("/dev/sg99",)}


def test_a_machine_without_scsi_has_no_drives(tmp_path: Path) -> None:
    assert _scsi_devices.find(str(tmp_path)) == {}


@pytest.fixture
def bus() -> Bus:
    return Bus(Drive("D1"), Drive("D2"))


def test_a_drive_is_asked_who_it_is_and_then_who_holds_it(bus: Bus) -> None:
    drive = bus.nodes["/dev/sg0"]
    drive.take(fc(1))
    assert _scsi_devices.ask(bus.open, "/dev/sg0", "D1").holders == (fc(1),)
    assert drive.commands == [0x12, 0x5E]


def test_the_question_takes_no_unit_attention_from_the_answer(bus: Bus) -> None:
    bus.nodes["/dev/sg0"].reset()
    assert _scsi_devices.ask(bus.open, "/dev/sg0", "D1").state == "free"
    assert bus.nodes["/dev/sg0"].commands == [0x12, 0x5E, 0x5E]


def test_another_drive_in_its_place_is_not_read(bus: Bus) -> None:
    reading = _scsi_devices.ask(bus.open, "/dev/sg1", "D1")
    assert (reading.fact, reading.gone, reading.why) == (None, True, "/dev/sg1 is drive D2 by now")
    assert bus.nodes["/dev/sg1"].commands == [0x12]


@pytest.mark.parametrize(
    ("failure", "why", "gone"),
    [
        (check(6, *RESET), "INQUIRY: it answered unit attention, power on, reset or bus device reset occurred (6/29/00)", False),
        (Answer(problem="the transport failed (DID_NO_CONNECT)", gone=True), "INQUIRY: the transport failed (DID_NO_CONNECT)", True),
        (Answer(_spc_sense.CONFLICT), "INQUIRY: it answered RESERVATION CONFLICT", False),
        (check(5, 0x24), "INQUIRY: it answered illegal request, invalid field in CDB (5/24/00)", False),
        (Answer(0, b"\1\x00\0\0"), "it cannot be told which drive /dev/sg0 is: VPD page 80h must say its own number, not 00h", True),
        (Answer(0, b""), "it cannot be told which drive /dev/sg0 is: VPD page 80h must have at least 4 bytes, not 0", True),
    ],
)
def test_who_does_not_say_who_he_is_is_not_read(bus: Bus, failure: Answer, why: str, gone: bool) -> None:
    bus.nodes["/dev/sg0"].failure = failure
    reading = _scsi_devices.ask(bus.open, "/dev/sg0", "D1")
    assert (reading.fact, reading.why, reading.gone) == (None, why, gone)
    assert set(bus.nodes["/dev/sg0"].commands) == {0x12}


def test_no_exception_comes_out_whatever_breaks(bus: Bus) -> None:
    def broken(path: str) -> Device:
        raise RuntimeError("boom")

    assert _scsi_devices.ask(broken, "/dev/sg0", "D1").why == "a fault of the collection: RuntimeError('boom')"
    assert _scsi_devices.ask(bus.open, "/dev/sg9", "D1").gone


def test_the_fencing_key_is_known_by_the_site_and_differs_by_controller() -> None:
    one, other = _fencing_key.fencing_key("site", "a"), _fencing_key.fencing_key("site", "b")
    assert one != other
    assert one.to_bytes(8, "big").startswith(b"tds!")
    assert _fencing_key.is_of_site(one, "site")
    assert _fencing_key.is_of_site(other, "site")
    assert not _fencing_key.is_of_site(one, "another site")
    assert not _fencing_key.is_of_site(0xA1A1A1A100000001, "site")
