# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TAPE-DRIVE-SHARING-MIB, read by the tools that people have: smilint and net-snmp."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _snmp_maps

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "docs" / "mibs" / "TAPE-DRIVE-SHARING-MIB.txt"
BASE_MODULES = ROOT / "tests" / "integration" / "mibs"

needs_smilint = pytest.mark.skipif(shutil.which("smilint") is None, reason="this machine has no smitools")
needs_net_snmp = pytest.mark.skipif(shutil.which("snmptranslate") is None, reason="this machine has no snmp")


def smilint(module: Path, tmp_path: Path) -> str:
    settings = tmp_path / "smi.conf"
    settings.write_text(f"path {BASE_MODULES}\n")
    command = ["smilint", "-c", str(settings), "-l", "6", str(module)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def translate(*arguments: str) -> str:
    directories = f"{BASE_MODULES}:{MODULE.parent}"
    command = ["snmptranslate", "-M", directories, "-m", "TAPE-DRIVE-SHARING-MIB", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


@needs_smilint
def test_smilint_has_nothing_to_say_about_the_module(tmp_path: Path) -> None:
    assert smilint(MODULE, tmp_path) == ""


@needs_smilint
def test_smilint_would_say_something_about_a_broken_module(tmp_path: Path) -> None:
    broken = tmp_path / MODULE.name
    broken.write_text(MODULE.read_text().replace("tdsLibraryName\n", "tdsLibrary\n", 1))
    assert "unknown object identifier label `tdsLibrary'" in smilint(broken, tmp_path)


def oids(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Give every OBJECT IDENTIFIER of a map with its place."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from oids(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, str) and value.startswith("1."):
        yield place, value


OBJECTS = {
    "drive.oid": "tdsDriveSerial",
    "status.oid": "tdsDriveStatus",
    "holders.protocol.oid": "tdsHolderProtocol",
    "holders.id.oid": "tdsHolderIdentifier",
    "port.protocol.oid": "tdsReleasingProtocol",
    "port.id.oid": "tdsReleasingIdentifier",
    "boots.oid": "tdsSenderBoots",
    "counter.oid": "tdsSenderCounter",
    "time.oid": "tdsChangeTime",
    "library.oid": "tdsLibraryName",
}


@needs_net_snmp
@pytest.mark.parametrize(("place", "notification"), [(0, "tdsDriveReserved"), (1, "tdsDriveReleased")])
def test_the_shipped_map_is_that_of_the_module(place: int, notification: str) -> None:
    found = dict(oids(_snmp_maps.SHIPPED["tape_drive_sharing"][place]))
    assert translate("-On", f"TAPE-DRIVE-SHARING-MIB::{notification}") == f".{found.pop('notification')}"
    assert {key: translate("-On", f"TAPE-DRIVE-SHARING-MIB::{OBJECTS[key]}") for key in found} == {
        key: f".{oid}" for key, oid in found.items()
    }


@needs_net_snmp
def test_the_shipped_map_has_the_modules_protocols_and_statuses() -> None:
    reserved, released = _snmp_maps.SHIPPED["tape_drive_sharing"]

    def enumeration(name: str) -> dict[int, str]:
        details = translate("-Td", f"TAPE-DRIVE-SHARING-MIB::{name}")
        text = details.partition("INTEGER {")[2].partition("}")[0]
        pairs = (item.strip().rstrip(")").partition("(") for item in text.split(","))
        return {int(number): name for name, _open, number in pairs}

    assert reserved["holders"]["protocol"]["values"] == enumeration("tdsHolderProtocol")
    assert released["port"]["protocol"]["values"] == enumeration("tdsReleasingProtocol")
    assert reserved["status"]["values"] | released["status"]["values"] == enumeration("tdsDriveStatus")


@needs_net_snmp
def test_net_snmp_gives_an_oid_its_name() -> None:
    assert translate(f"{_snmp_maps.MIB}.1.3.1.3.1") == "TAPE-DRIVE-SHARING-MIB::tdsHolderIdentifier.1"
