# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who holds a drive by RESERVE of SPC-2: no command tells, so it is found out by leaving out. Pure. Private: may change at any time.

Applications are asked first, then open device files: both cost the drive nothing. Only where a device is closed, TEST UNIT READY was
sent through each path: whoever is refused does not hold the drive. It may take away a unit attention that was meant for an
application, so never where one has the drive open.

Exactly one candidate, else it cannot be told: what could not be asked could be the holder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PathEvidence:
    """What TEST UNIT READY came to through one path: works, conflict or unknown."""

    device: str
    port: Mapping[str, Any] | None
    answer: str


@dataclass(frozen=True)
class HostEvidence:
    """What a host knows of a drive. None: it was not asked, or could not tell."""

    in_use: bool | None = None
    open: Sequence[str] | None = None
    paths: tuple[PathEvidence, ...] = ()


@dataclass(frozen=True)
class Found:
    """``host`` None: it cannot be told, and ``why`` says why; else how it was told."""

    host: str | None = None
    port: Mapping[str, Any] | None = None
    why: str = ""


def find(hosts: Mapping[str, HostEvidence]) -> Found:
    """Name the holder among these hosts, which are all that see the drive as far as anybody knows."""
    if not hosts:
        return Found(why="no host was asked")
    using = sorted(host for host, told in hosts.items() if told.in_use)
    opened = sorted(host for host, told in hosts.items() if told.open)
    busy = sorted({*using, *opened})
    if len(busy) > 1:
        how = "its application uses it" if using == busy else "its application uses it or has it open"
        return Found(why=f"more than one host could be the holder: of {_some(busy)} each, {how}")
    blind = sorted(host for host, told in hosts.items() if told.open is None and told.in_use is None and host not in busy)
    if busy:
        if using:
            return Found(busy[0], _only_port(hosts[busy[0]]), "its application has a job on the drive, and no other host uses it")
        if blind:
            return Found(why=f"{busy[0]} has it open, and whether {_some(blind)} uses it cannot be seen")
        return Found(busy[0], _only_port(hosts[busy[0]]), f"it has the drive open: {_some(list(hosts[busy[0]].open or ())[:3])}")
    return _by_paths(hosts)


def _by_paths(hosts: Mapping[str, HostEvidence]) -> Found:
    works = [(host, path) for host, told in hosts.items() for path in told.paths if path.answer == "works"]
    unknown = sorted(
        host for host, told in hosts.items()
        if (told.open is None and not told.paths) or any(path.answer not in ("works", "conflict") for path in told.paths)
    )
    if len(works) == 1 and not unknown:
        host, path = works[0]
        return Found(host, path.port, f"through {path.device} alone the drive answers without a conflict")
    if len(works) > 1:
        names = sorted({host for host, _path in works})
        return Found(why=f"the drive answers without a conflict through {len(works)} paths ({_some(names)})")
    if unknown:
        return Found(why=f"nobody uses it as far as can be seen, and of {_some(unknown)} it cannot be told")
    return Found(why="every path of every host is refused, so the holder is none of these hosts, or one that is gone")


def _only_port(told: HostEvidence) -> Mapping[str, Any] | None:
    """The port of the only path; of several nobody knows which."""
    ports = [path.port for path in told.paths]
    return ports[0] if len(ports) == 1 else None


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]
