# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which drive is which in Storage Protect, and in which state. Pure. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Found, Reading, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._storage_protect_options import NAME
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._storage_protect_output import Drive, Rows

_WAY = re.compile(rf"(?P<library>{NAME})/(?P<drive>{NAME})(?: from (?P<source>{NAME}))?")
#: States of a drive that the server works with, or keeps for a mount.
_USED = ("LOADED", "RESERVED")
#: So many closed paths of a drive are shown.
_MANY = 3


@dataclass(frozen=True)
class Way:
    """What is set: a drive of a library, or the path to it from a source."""

    library: str
    drive: str
    source: str | None = None

    def __str__(self) -> str:
        return f"{self.library}/{self.drive}" + (f" from {self.source}" if self.source else "")

    @classmethod
    def parse(cls, name: str) -> Way:
        """Take a name apart that was made of one."""
        found = _WAY.fullmatch(name)
        if not found:
            msg = f"no name of a drive: {name[:60]!r}"
            raise ValueError(msg)
        return cls(found["library"], found["drive"], found["source"])


@dataclass(frozen=True)
class _State:
    """What is known of one way."""

    way: Way
    state: str
    shown: str
    #: The server set it offline by itself, after it had found the drive reserved.
    conflict: bool
    #: The server set it offline by itself, and may end that by itself.
    passing: bool = False


class Drives:
    """``rows``: what the SELECTs that decide gave; ``evidence``: what else was printed."""

    def __init__(self, options: Mapping[str, Any], rows: Rows, evidence: Rows) -> None:
        self._options = options
        self._sources = {source.name for source in options["path_sources"]}
        self._rows = rows.drives
        self._named: dict[tuple[str, str], list[Drive]] = {}
        for row in rows.drives:
            self._named.setdefault((row.library, row.name), []).append(row)
        self._mapped = {name: drive for drive, names in options["drive_names"].items() for name in names}
        self._paths: dict[tuple[str, str, str], list[str]] = {}
        for path in rows.paths:
            self._paths.setdefault((path.library, path.drive, path.source), []).append(path.online)
        self._reserved = self._conflicts(rows, evidence)
        #: Paths that are closed to a drive that is set as a whole: whoever opens the drive has still no way to it.
        self._closed: dict[tuple[str, str], list[str]] = {}
        for path in evidence.paths:
            if self._state(path.online) != "online":
                self._closed.setdefault((path.library, path.drive), []).append(
                    f"the path from {first_words(path.source, 64)}: {first_words(path.online, 60)}"
                )

    def reading(self, targets: Sequence[Target]) -> Reading:
        """What is known of the targets."""
        online = self._online({target.drive for target in targets})
        # Without a drive in its own library a process fails.
        reading = Reading(
            online=len({drive for drives in online.values() for drive in drives}),
            pools={library: len(drives) for library, drives in online.items()},
        )
        unknown = self._unknown_source()
        for target in targets:
            rows, problem = self._rows_of(target)
            problem = unknown or problem
            if problem:
                reading.problems[target.drive] = problem
                continue
            found = self._found(rows)
            if found:
                reading.drives[target.drive] = found
        return reading

    def _rows_of(self, target: Target) -> tuple[list[Drive], str]:
        """By serial number; by name only what shows none."""
        found = [row for row in self._rows if row.serial == target.drive]
        for library, name in self._options["drive_names"].get(target.drive, ()):
            some = self._named.get((library, name), [])
            other = next((row for row in some if row.serial not in ("", target.drive)), None)
            if other:
                return [], (
                    f"the server's drive {library}/{name} would be this one, but shows the serial number"
                    f" {first_words(other.serial, 40)}; correct application_storage_protect_drive_names"
                )
            if not some:
                return [], (
                    f"the server has no drive {library}/{name}; correct application_storage_protect_drive_names"
                )
            found += [row for row in some if row not in found]
        for row in found:
            same = sorted({one.serial for one in self._named[row.library, row.name]} - {""})
            if len(same) > 1:
                return [], f"the server's drive {row.library}/{row.name} would be several drives: {', '.join(same)}"
            if not _WAY.fullmatch(f"{row.library}/{row.name}"):
                return [], (
                    "the server has it under a name that cannot be put into a command:"
                    f" {first_words(f'{row.library}/{row.name}', 60)!r}"
                )
        return found, ""

    def _found(self, rows: Sequence[Drive]) -> Found | None:
        states = [state for row in rows for state in self._states(row)]
        if not states:
            return None
        # Online in one place is online; what cannot be told in one place cannot be told.
        state = next(state for state in ("other", "online", "offline") if state in [one.state for one in states])
        return Found(
            names=tuple(dict.fromkeys(str(one.way) for one in states)), state=state,
            shown="; ".join(dict.fromkeys(one.shown for one in states)),
            in_use=any(self._ours(row) and _used(row) for row in rows),
            ending=state == "offline" and any(self._ours(row) and _working(row) for row in rows),
            passing=state == "offline" and any(one.passing for one in states),
            conflict=state == "offline" and all(one.conflict for one in states),
            counts=int(any(self._mountable(row) for row in rows)),
            pools=tuple(dict.fromkeys(row.library for row in rows if self._mountable(row))),
        )

    def _states(self, row: Drive) -> list[_State]:
        reserved = (row.library, row.name) in self._reserved
        if not self._options["path_sources"]:
            # NO is an administrator's, and stays.
            own = row.online.upper() != "NO"
            way = Way(row.library, row.name)
            shown = ", ".join([f"{way}: {_shown(row)}", *self._closed.get((row.library, row.name), ())[:_MANY]])
            return [_State(way, self._state(row.online), shown, reserved and own, own)]
        return [
            _State(way, self._state(online), f"{way}: {first_words(online, 60)} (the drive: {_shown(row)})", reserved)
            for source in self._options["path_sources"]
            for way in [Way(row.library, row.name, source.name)]
            for online in self._paths.get((row.library, row.name, source.name), ())
        ]

    def _ours(self, row: Drive) -> bool:
        """Whether what the drive does may be done by the way that is told: of paths, not what another source does."""
        return not self._sources or not row.allocated or row.allocated.upper() in self._sources

    def _state(self, online: str) -> str:
        if online.upper() == "YES":
            return "online"
        return "offline" if self._options["offline_pattern"].fullmatch(online) else "other"

    def _unknown_source(self) -> str:
        """A source without any path is misspelt: nothing would be set, and all would be well."""
        known = {source for _library, _drive, source in self._paths}
        missing = next((source.name for source in self._options["path_sources"] if source.name not in known), None)
        return "" if missing is None else no_path([missing])

    def _online(self, asked: Collection[str]) -> dict[str, set[str]]:
        """Give the tape drives that are online, by library.

        FILE drives have no serial number; in a short row it may be something else.
        """
        known = {*asked, *self._options["drive_names"]}
        found: dict[str, set[str]] = {}
        for row in self._rows:
            drive = self._mapped.get((row.library, row.name)) or row.serial
            if drive and (row.allocated is not None or drive in known) and self._mountable(row):
                found.setdefault(row.library, set()).add(drive)
        return found

    def _mountable(self, row: Drive) -> bool:
        return row.online.upper() == "YES" and any(one.state == "online" for one in self._states(row))

    def _conflicts(self, rows: Rows, evidence: Rows) -> set[tuple[str, str]]:
        """Find the drives that the activity log calls reserved by others; a device that may be several drives is none."""
        meant: dict[str, set[tuple[str, str]]] = {}
        for path in (*rows.paths, *evidence.paths):
            if path.device and (not self._sources or path.source in self._sources):
                meant.setdefault(path.device, set()).add((path.library, path.drive))
        for library, name in self._named:
            meant.setdefault(name, set()).add((library, name))
        found = set()
        for message in evidence.conflicts:
            hit = self._options["conflict_pattern"].search(message)
            drives = meant.get(hit["device"] or "", set()) if hit else set()
            if len({self._identity(name) for name in drives}) == 1:
                found |= drives
        return found

    def _identity(self, name: tuple[str, str]) -> Any:
        """A drive with several names is one."""
        row = self._named.get(name, [None])[0]
        return (row.serial if row else "") or self._mapped.get(name) or name


def no_path(sources: Iterable[str]) -> str:
    """Say that sources are misspelt."""
    return (
        f"no path begins at {', '.join(sources)}; correct application_storage_protect_path_sources (query path shows the names)"
    )


def _shown(row: Drive) -> str:
    words = [row.online, row.state]
    words += [f"volume {row.volume}"] * bool(row.volume) + [f"allocated to {row.allocated}"] * bool(row.allocated)
    return first_words(", ".join(words))


def _used(row: Drive) -> bool:
    return row.state.upper() in _USED or bool(row.volume or row.allocated)


def _working(row: Drive) -> bool:
    """Whether a volume of the server's own is in the drive: LOADED alone may be another application's tape."""
    if row.volume or row.allocated or row.state.upper() == "RESERVED":
        return True
    return row.state.upper() == "LOADED" and row.volume is None
