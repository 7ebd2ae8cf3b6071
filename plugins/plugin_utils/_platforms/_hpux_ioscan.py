# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading what `ioscan` prints on HP-UX; see ``hpux``. Pure. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

# ioscan -F: bus type, cdio, is_block, is_char, is_pseudo, block major, character major, minor, class, driver, hardware
# path, identify bytes, instance, module path, module name, software state, hardware type, description, card instance.
_CLASS, _DRIVER, _HARDWARE, _INSTANCE, _STATE, _DESCRIPTION = 8, 9, 10, 12, 15, 17
_FIELDS = 18
_FILE = re.compile(r"/dev/[0-9A-Za-z_][0-9A-Za-z_./-]*")
_UNIT = re.compile(r"[a-z_]+\s+-?[0-9]+\s+([0-9][0-9A-Za-z/.]*)\s+\S+\s+\S+")
_LUNPATH = re.compile(r"\s+([0-9][0-9A-Za-z/]*)\.(0x[0-9A-Fa-f]+)\.0x[0-9A-Fa-f]+\s*")


@dataclass(frozen=True)
class Row:
    """One row of ``ioscan -F`` with the device files below it."""

    hardware: str
    driver: str
    instance: str
    state: str
    description: str
    files: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.hardware} ({self.files[0]})" if self.files else self.hardware


@dataclass(frozen=True)
class Way:
    """A way to a drive: its hardware path, the adapter's part of it, and the drive's port, if the path says it."""

    where: str
    adapter: str
    target: str = ""


@dataclass(frozen=True)
class Drive:
    """A drive of the agile view with all its device files, or one of the legacy view that belongs to none."""

    row: Row
    files: list[str]
    ways: list[Way]


def rows(lines: Iterable[str], of_class: str) -> list[Row]:
    """Give the rows of this class, with the device files below each."""
    found: list[Row] = []
    below = False
    for line in lines:
        values = line.split(":")
        if not line[:1].isspace() and len(values) >= _FIELDS:
            below = values[_CLASS] == of_class
            if below:
                found.append(
                    Row(
                        hardware=values[_HARDWARE],
                        driver=values[_DRIVER],
                        instance=values[_INSTANCE],
                        state=values[_STATE],
                        description=values[_DESCRIPTION],
                    )
                )
        elif below:
            found[-1].files.extend(_FILE.findall(line))
    return found


def lunpaths(lines: Iterable[str]) -> dict[str, list[Way]]:
    """Give the ways to each unit by its hardware path, from ``ioscan -m lun``."""
    found: dict[str, list[Way]] = {}
    ways: list[Way] = []
    for line in lines:
        unit, way = _UNIT.match(line), _LUNPATH.fullmatch(line)
        if unit:
            ways = found.setdefault(unit[1], [])
        elif way:
            ways.append(Way(line.strip(), way[1], way[2]))
    return found


def legacy_files(lines: Iterable[str]) -> dict[str, list[str]]:
    """Give the legacy device files by persistent one, from ``ioscan -m dsf``; further ones stand on lines of their own."""
    found: dict[str, list[str]] = {}
    persistent = None
    for line in lines:
        words = [word for word in line.split() if _FILE.fullmatch(word)]
        if words and not line[:1].isspace():
            persistent = words.pop(0)
        if persistent:
            found.setdefault(persistent, []).extend(words)
    return found


def drives(agile: list[Row], legacy: list[Row], ways: dict[str, list[Way]], same: dict[str, list[str]]) -> list[Drive]:
    """Join both views: a legacy device belongs to the drive that one of its files is the same as."""
    found: list[Drive] = []
    rest = list(legacy)
    for row in agile:
        others = [name for file in row.files for name in same.get(file, ())]
        mine = [old for old in rest if set(old.files) & set(others)]
        rest = [old for old in rest if old not in mine]
        files = [*row.files, *others, *(name for old in mine for name in old.files)]
        found.append(Drive(row, list(dict.fromkeys(files)), ways.get(row.hardware) or _legacy_ways(mine)))
    return found + [Drive(old, old.files, _legacy_ways([old])) for old in rest]


def _legacy_ways(of_drive: list[Row]) -> list[Way]:
    return [Way(row.hardware, row.hardware.partition(".")[0]) for row in of_drive]
