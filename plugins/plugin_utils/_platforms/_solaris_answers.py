# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the commands of a Solaris host say, read into rows. Pure. Private: may change at any time.

`solaris` joins them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _asked as asked

_LINK = re.compile(r"(?:^|[\s/])([^\s/]+) -> \S*?/devices(/\S+):(\S*)$")
_VHCI = re.compile(r"/scsi_vhci/[^/@]+@g([0-9a-f]{16,32})")
_AT_PORT = re.compile(r"(/\S+/(fp|iport)@[^/]+)/[^/@]+@w([0-9a-f]{16}),[0-9a-f]+")
_AP_ID = re.compile(r"(c[0-9]+)(?:::([0-9a-f]{16})(?:,[0-9a-f]+)?)?\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*")
_IOSTAT_HEAD = re.compile(r"(\S+)\s+Soft Errors:")
_IOSTAT = re.compile(r"Vendor:\s*(.*?)\s*Product:\s*(.*?)\s*Revision:.*?Serial No:\s*(.*?)\s*(?:Size:.*)?$")
_INSTANCE = re.compile(r'"(/[^"]+)" ([0-9]+) "([0-9A-Za-z_]+)"')
_FIELD = re.compile(r"\s*([^:]+):\s*(.*?)\s*")
# Rows in the order in which a person would choose: no rewind first.
_SUFFIXES = ("n", "", "bn", "cbn", "cn", "b", "c", "cb")


@dataclass(frozen=True)
class Tape:
    """A device below /devices that links of /dev/rmt lead to."""

    #: The name of its links without what stands for the way of opening it: ``0`` of ``0cbn``.
    name: str
    place: str
    devices: tuple[str, ...]

    @property
    def guid(self) -> str | None:
        """The name of the logical unit, where MPxIO has made one device of all paths."""
        match = _VHCI.fullmatch(self.place)
        return match[1] if match else None

    @property
    def port(self) -> tuple[str, str, str] | None:
        """The place of the host's port, its kind ``fp`` or ``iport`` (SAS), and the name of the drive's port."""
        match = _AT_PORT.fullmatch(self.place)
        return (match[1], match[2], match[3]) if match else None

    @property
    def over_iscsi(self) -> bool:
        """Whether the software initiator has it."""
        return self.place.startswith("/iscsi/")


@dataclass(frozen=True)
class Row:
    """A row of ``cfgadm``: a controller, or what is seen at it."""

    controller: str
    wwpn: str | None
    kind: str
    occupant: str
    condition: str

    @property
    def usable(self) -> bool:
        """Whether the drive is there, and configured."""
        return self.occupant == "configured" and self.condition not in ("unusable", "failed")


@dataclass
class Block:
    """Fields that stand below one line, as ``fcinfo``, ``sasinfo`` and ``iscsiadm`` print them; the first of a name counts."""

    name: str
    values: dict[str, str] = field(default_factory=dict)
    units: list[Block] = field(default_factory=list)


def links(lines: Iterable[str]) -> list[tuple[str, str, str]]:
    """Give name, place and minor name of the links that ``ls -l`` shows."""
    return [match.groups() for line in lines if (match := _LINK.search(line.rstrip()))]  # type: ignore[misc]


def tapes(lines: Iterable[str]) -> list[Tape]:
    """Give the tape devices, those with a number first and in its order."""
    files: dict[tuple[str, str], dict[str, str]] = {}
    for name, place, minor in links(lines):
        base = name.removesuffix(minor)
        if base:
            files.setdefault((base, place), {})[name] = minor

    def order(item: tuple[str, str]) -> tuple[int, str]:
        return _SUFFIXES.index(item[1]) if item[1] in _SUFFIXES else len(_SUFFIXES), item[0]

    found = [
        Tape(base, place, tuple(f"/dev/rmt/{name}" for name, _minor in sorted(of_place.items(), key=order)))
        for (base, place), of_place in files.items()
    ]
    return sorted(found, key=lambda tape: (len(tape.name) if tape.name.isdecimal() else 99, tape.name, tape.place))


def rows(answers: Iterable[asked.Answer]) -> list[Row]:
    """Give the rows of all tables of ``cfgadm``; rows of type ``unknown`` are hosts like this one."""
    found = (_AP_ID.fullmatch(line.strip()) for line in asked.lines(answers, "cfgadm"))
    return [Row(match[1], match[2], match[3], match[5], match[6]) for match in found if match]


def blocks(lines: Iterable[str], head: str, unit: str = "LUN") -> list[Block]:
    """Give the blocks that begin with this field, and in them those of the units."""
    found: list[Block] = []
    current: Block | None = None
    for line in lines:
        match = _FIELD.fullmatch(line)
        if not match:
            continue
        if match[1] == head:
            current = Block(match[2])
            found.append(current)
        elif match[1] == unit and found:
            current = Block(match[2])
            found[-1].units.append(current)
        elif current is not None:
            current.values.setdefault(match[1], match[2])
    return found


def iostat(lines: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """Give vendor, model and serial number by the name that iostat has for the device."""
    found: dict[str, tuple[str, str, str]] = {}
    name = ""
    for line in lines:
        head, match = _IOSTAT_HEAD.match(line), _IOSTAT.search(line)
        if head:
            name = head[1]
        elif match and name:
            found[name] = (match[1], match[2], match[3])
            name = ""
    return found


def instances(lines: Iterable[str]) -> dict[str, str]:
    """Give the place of each instance (``st1``), from lines of path_to_inst."""
    return {f"{match[3]}{match[2]}": match[1] for line in lines if (match := _INSTANCE.fullmatch(line.strip()))}
