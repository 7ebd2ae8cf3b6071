# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The informs of the simulated library say what TAPE-DRIVE-SHARING-MIB wants, and come again until they are acknowledged."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pysnmp", reason="pysnmp is not installed")

from ansible_collections.tapeworks.drive_sharing.demo import informs
from ansible_collections.tapeworks.drive_sharing.demo.library import Drive

MIB = (Path(__file__).resolve().parents[3] / "docs" / "mibs" / "TAPE-DRIVE-SHARING-MIB.txt").read_text()
PORT = {"protocol": "fc", "id": "10000090fa1658d1"}


def number_of(name: str) -> int:
    """Give the last number of an object's identifier in the MIB module."""
    found = re.search(rf"^{name} .*?::= \{{ \w+ (\d+) \}}", MIB, re.MULTILINE | re.DOTALL)
    assert found is not None
    return int(found[1])


def inform(status: str, port: dict[str, str] | None) -> dict[str, Any]:
    return {"drive": "1310211169", "status": status, "port": port, "boots": 3, "counter": 42, "at": 1795392034.567}


def said(status: str, port: dict[str, str] | None) -> dict[str, Any]:
    found = informs.varbinds(inform(status, port), "library_1")
    values = {oid: bytes(value) if value.tagSet[-1].tagId == 4 else value.prettyPrint() for oid, value in found}
    assert len(values) == len(found)
    return values


def test_a_reservation_is_told_as_the_mib_wants() -> None:
    holder = number_of("tdsHolderTable")
    assert said("reserved", PORT) == {
        "1.3.6.1.6.3.1.1.4.1.0": f"{informs.MIB}.0.{number_of('tdsDriveReserved')}",
        f"{informs.MIB}.1.{number_of('tdsDriveSerial')}.0": b"1310211169",
        f"{informs.MIB}.1.{number_of('tdsDriveStatus')}.0": "1",
        f"{informs.MIB}.1.{holder}.1.{number_of('tdsHolderProtocol')}.1": "1",
        f"{informs.MIB}.1.{holder}.1.{number_of('tdsHolderIdentifier')}.1": b"10000090fa1658d1",
        f"{informs.MIB}.1.{number_of('tdsSenderBoots')}.0": "3",
        f"{informs.MIB}.1.{number_of('tdsSenderCounter')}.0": "42",
        f"{informs.MIB}.1.{number_of('tdsChangeTime')}.0": bytes([7, 234, 11, 23, 0, 0, 34, 5]) + b"+\0\0",
        f"{informs.MIB}.1.{number_of('tdsLibraryName')}.0": b"library_1",
    }


def test_a_release_is_told_as_the_mib_wants() -> None:
    values = said("released", PORT)
    assert values["1.3.6.1.6.3.1.1.4.1.0"] == f"{informs.MIB}.0.{number_of('tdsDriveReleased')}"
    assert values[f"{informs.MIB}.1.{number_of('tdsDriveStatus')}.0"] == "2"
    assert values[f"{informs.MIB}.1.{number_of('tdsReleasingProtocol')}.0"] == "1"
    assert values[f"{informs.MIB}.1.{number_of('tdsReleasingIdentifier')}.0"] == b"10000090fa1658d1"
    assert not [oid for oid in values if f".1.{number_of('tdsHolderTable')}.1." in oid]


def test_somebody_who_cannot_be_read_is_protocol_zero_with_an_empty_name() -> None:
    values = said("reserved", None)
    holder = f"{informs.MIB}.1.{number_of('tdsHolderTable')}.1"
    assert values[f"{holder}.{number_of('tdsHolderProtocol')}.1"] == "0"
    assert values[f"{holder}.{number_of('tdsHolderIdentifier')}.1"] == b""


@pytest.mark.parametrize("name", informs.PROTOCOLS)
def test_the_protocols_are_those_of_the_mib(name: str) -> None:
    assert f"{name}({informs.PROTOCOLS[name]})" in MIB


def sender(directory: Path, to: tuple[str, int] = ("127.0.0.1", 9), **options: Any) -> informs.Sender:
    return informs.Sender(
        to,
        user="library_1",
        auth_passphrase="authentic",
        privacy_passphrase="privately",
        state=directory / "state",
        **options,
    )


def wait_for(true: Any, limit: float = 10.0) -> None:
    end = time.monotonic() + limit
    while not true():
        assert time.monotonic() < end, "it did not come to pass in time"
        time.sleep(0.01)


def test_every_start_is_counted(tmp_path: Path) -> None:
    assert [sender(tmp_path).boots for _start in range(3)] == [1, 2, 3]


def test_an_inform_that_nobody_acknowledges_comes_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with sender(tmp_path, timeout=0.05) as sending:
        named = sending.notify(Drive("1310211169"), "reserved", PORT)
        assert (named["boots"], named["counter"], named["status"]) == (1, 1, "reserved")
        wait_for(lambda: sending.sent()[0]["attempts"] >= 3)
        assert sending.sent()[0]["acknowledged"] is None
    assert "inform 1, attempt 1: " in capfd.readouterr().err


def test_an_inform_that_is_held_is_not_sent(tmp_path: Path) -> None:
    held = [True]
    with sender(tmp_path, timeout=0.05, hold=lambda: held[0]) as sending:
        sending.notify(Drive("1310211169"), "reserved", PORT)
        time.sleep(0.2)
        assert sending.sent()[0]["attempts"] == 0
        held[0] = False
        wait_for(lambda: sending.sent()[0]["attempts"] >= 1)
