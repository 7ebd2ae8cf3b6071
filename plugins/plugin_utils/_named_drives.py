# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drives of products that show no serial numbers: found by device file and host, or by hand. Private: may change at any time.

A product shows rows, one for each name. A row is a drive's if its device file is one that the row's host has for the drive,
or if a person says so in ``drive_names``. Whatever else it might be is refused in one sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Found, Reading, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

OPTIONS: dict[str, dict[str, Any]] = {
    "drive_names": {"type": "dict", "default": {}},
    "hosts": {"type": "dict", "default": {}},
}


@dataclass(frozen=True)
class Row:
    """A name of a drive, as the product shows it. ``host``: in the product's words; empty: the control point."""

    name: str
    state: str
    shown: str
    device: str = ""
    host: str = ""
    in_use: bool = False
    ending: bool = False
    conflict: bool = False
    #: Only within it drives stand in for each other; empty: within the whole application.
    pool: str = ""


class _RefusedError(Exception):
    """It cannot be told which rows a drive is; the message is the sentence."""


@dataclass(frozen=True)
class Names:
    """``role``: as in application_<role>; ``product``: its name to people."""

    role: str
    product: str

    # Options

    def check(self, final: dict[str, Any]) -> None:
        """Validate the options of this file."""
        final["drive_names"] = self._drive_names(final["drive_names"])
        hosts = final["hosts"]
        if not isinstance(hosts, Mapping):
            self.refuse("hosts", f"a dictionary of the host's name in {self.product} to that in the inventory", hosts)
        final["hosts"] = {
            str(shown): _identifiers.host_name(host, f"application_{self.role}_hosts[{str(shown)[:64]}]")
            for shown, host in hosts.items()
        }

    def _drive_names(self, value: Any) -> dict[str, tuple[str, ...]]:
        if not isinstance(value, Mapping):
            self.refuse("drive_names", "a dictionary of serial number to name or list of names", value)
        found: dict[str, tuple[str, ...]] = {}
        owners: dict[str, str] = {}
        for serial, some in value.items():
            what = f"drive_names[{str(serial)[:64]}]"
            drive = _identifiers.serial(str(serial), f"application_{self.role}_{what}: its key")
            names = [some] if isinstance(some, str) else some
            good = isinstance(names, (list, tuple)) and names
            if not good or not all(isinstance(name, str) and name and name.isprintable() for name in names):
                self.refuse(what, "a name or a list of names", some)
            for name in names:
                if owners.setdefault(name, drive) != drive:
                    msg = (
                        f"application_{self.role}_drive_names must give a name to one drive only, but {name} is that of"
                        f" {owners[name]} and of {drive}"
                    )
                    raise InvalidValueError(msg)
            found[drive] = tuple(dict.fromkeys(names))
        return found

    def command(self, what: str, value: Any) -> list[str]:
        """Check how a program is called."""
        good = isinstance(value, (list, tuple)) and value and all(isinstance(word, str) and "\0" not in word for word in value)
        if not good or not value[0] or value[0].startswith("-"):
            self.refuse(what, "a list of words with the command first", value)
        return list(value)

    def refuse(self, what: str, form: str, value: Any) -> NoReturn:
        """Say what an option has to be."""
        msg = f"application_{self.role}_{what} must be {form}, not {str(value)[:60]!r}"
        raise InvalidValueError(msg)

    # Reading

    def read(
        self, options: Mapping[str, Any], targets: Sequence[Target], rows: Sequence[Row], *, counted: bool = True
    ) -> Reading:
        """Find the drives. ``counted``: each drive has one name there, so the rows can be counted for the floor."""
        reading = Reading()
        matched: dict[str, list[Row]] = {}
        owners: dict[str, list[str]] = {}
        for drive, names in options["drive_names"].items():
            for name in names:
                owners.setdefault(name, []).append(drive)
        known = _hosts_of(options, targets)
        for target in targets:
            try:
                matched[target.drive] = self._match(options, target, rows, known)
            except _RefusedError as exc:
                reading.problems[target.drive] = str(exc)
            for row in matched.get(target.drive, []):
                some = owners.setdefault(row.name, [])
                some += [target.drive] if target.drive not in some else []
        for drive, mine in matched.items():
            shared = next((row.name for row in mine if len(owners[row.name]) > 1), None)
            if shared is not None:
                drives = ", ".join(sorted(owners[shared]))
                reading.problems[drive] = f"{self.product}'s drive {shared} would be several drives: {drives}"
            elif mine:
                reading.drives[drive] = _found(mine)
        if counted:
            online = {(row.pool, owners.get(row.name, [row.name])[0]) for row in rows if row.state == "online"}
            reading.online = len({drive for _pool, drive in online})
            for pool, _drive in online:
                if pool:
                    reading.pools[pool] = reading.pools.get(pool, 0) + 1
        return reading

    def _match(
        self, options: Mapping[str, Any], target: Target, rows: Sequence[Row], known: Iterable[str]
    ) -> list[Row]:
        names = options["drive_names"].get(target.drive)
        if names:
            found = [row for row in rows if row.name in names]
            lacking = [name for name in names if name not in [row.name for row in found]]
            if lacking:
                raise _RefusedError(
                    f"application_{self.role}_drive_names names {lacking[0]} for it, but {self.product} has no drive of that name"
                )
            return found
        files = _files(options, target)
        if not files:
            raise _RefusedError(
                f"no device file of it is known on any host of the instance, so it cannot be told which of {self.product}'s"
                f" drives it is; name it in application_{self.role}_drive_names, or give its device files in drive_sharing_drives"
            )
        found, doubtful, left = [], [], set(files)
        for row in rows:
            host = _host(options, row.host, known)
            if host is None:
                doubtful.append(row)
            elif row.device in files.get(host, ()):
                found.append(row)
                left.discard(host)
        # On another host the same file may be another drive.
        odd = next((row for row in doubtful if any(row.device in files[host] for host in left)), None)
        if odd:
            raise _RefusedError(
                f"{self.product}'s drive {odd.name} has its device file, but on {odd.host}, which is no host of the instance that"
                f" is known to have the drive; give its name in the inventory in application_{self.role}_hosts, or the names of the"
                f" drive in application_{self.role}_drive_names"
            )
        return found


def _hosts_of(options: Mapping[str, Any], targets: Sequence[Target]) -> set[str]:
    """The hosts of the instance, as far as the drives tell."""
    return {host for target in targets for host in target.elsewhere} | {_here(options)}


def _here(options: Mapping[str, Any]) -> str:
    return options.get("control_point") or "the control point"


def _files(options: Mapping[str, Any], target: Target) -> dict[str, tuple[str, ...]]:
    """Give the device files of the drive by host of the instance."""
    return {
        host: tuple(files)
        for host, files in {**target.elsewhere, _here(options): tuple(target.devices)}.items() if files
    }


def _host(options: Mapping[str, Any], shown: str, known: Iterable[str]) -> str | None:
    """Give the inventory's name of a host; None if it is none that is known."""
    if not shown:
        return _here(options)
    if shown in options["hosts"]:
        return str(options["hosts"][shown])
    alike = [host for host in known if host.lower() == shown.lower()] or [
        host for host in known if host.partition(".")[0].lower() == shown.partition(".")[0].lower()
    ]
    return alike[0] if len(alike) == 1 else None


def _found(rows: Sequence[Row]) -> Found:
    states = [row.state for row in rows]
    # Online under one name is online; what cannot be told under one cannot be told.
    worst = next(state for state in ("other", "online", "offline") if state in states)
    return Found(
        names=tuple(dict.fromkeys(row.name for row in rows)), state=worst,
        shown="; ".join(f"{row.name}: {row.shown}" for row in rows), in_use=any(row.in_use for row in rows),
        ending=worst == "offline" and any(row.ending for row in rows), conflict=any(row.conflict for row in rows), counts=1,
        pools=tuple(dict.fromkeys(row.pool for row in rows if row.pool and row.state == "online")),
    )
