# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which drive of NetBackup is which, and the ways to it: media servers and device files. Private: may change at any time.

A drive is found by the serial number that tpconfig lists, then by a device file of the media server, then by a configured
name. Each way to it is set and read on its own, since it has a state of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import DriveSharingError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._netbackup_options import NAME
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._netbackup_output import Configured
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._netbackup_status import (
    Shown,
    pending,
    state_of,
)

#: How our comments begin, as Target.reason does.
OURS = "drive_sharing:"
#: What stands in our comment before the ways that were down before we came.
LEFT = "; left down:"


class DriveError(DriveSharingError):
    """Nothing can be said of a drive; the message is one sentence on why."""


@dataclass(frozen=True)
class Way:
    """How a drive is reached: its name, on a media server (None: the control point), by a device file (None: by any)."""

    name: str
    host: str | None = None
    path: str | None = None
    #: An administrator has written a comment: it stays.
    commented: bool = False
    #: It was down before we came, while others were up: it is left alone.
    left: bool = False

    @property
    def label(self) -> str:
        """How it is told from the other ways of the drive, as one word."""
        what = self.path or self.name.replace(" ", "_")
        return f"{self.host}:{what}" if self.host else what


_DETAILS = re.compile(r"(.*) \(([^()]+)\)")
_PLACE = re.compile(r"(?:on (?P<host>\S+))?(?:(?:^| )path (?P<path>\S+))?")
_FLAGS = {"commented": "comment kept", "left": "left down"}


def name_of(way: Way) -> str:
    """Write a way as a name, as it is shown to people too: ``HP.ULTRIUM8.000 (on media2 path /dev/nst0)``."""
    place = [" ".join([f"on {way.host}"] * bool(way.host) + [f"path {way.path}"] * bool(way.path))]
    details = [text for text in place if text] + [text for key, text in _FLAGS.items() if getattr(way, key)]
    return f"{way.name} ({'; '.join(details)})" if details else way.name


def way_of(name: str) -> Way:
    """Read what name_of wrote; a name of NetBackup's own does not end with a parenthesis."""
    match = _DETAILS.fullmatch(name)
    if not match:
        return Way(name)
    details = match[2].split("; ")
    place = _PLACE.fullmatch(details[0])
    host, path = (place["host"], place["path"]) if place else (None, None)
    return Way(match[1], host, path, commented=_FLAGS["commented"] in details, left=_FLAGS["left"] in details)


@dataclass(frozen=True)
class State:
    """A way with what it shows."""

    way: Way
    state: str
    shown: str
    in_use: bool = False
    ending: bool = False
    conflict: bool = False


@dataclass
class Server:
    """What the device daemon of one media server told; ``problem``: why nothing is known of its drives, or of their paths."""

    host: str | None
    rows: Sequence[Shown] = ()
    paths: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    problem: str = ""
    no_paths: str = ""


class Drives:
    """The drives of one control point: how they are configured, and what the media servers told."""

    def __init__(self, options: Mapping[str, Any], configured: Sequence[Configured], servers: Sequence[Server]) -> None:
        """``configured`` is what tpconfig lists, ``servers`` those that were asked."""
        self._options = options
        self._configured = configured
        self._servers = servers

    def online(self) -> int | None:
        """How many drives are up on at least one of the media servers; None: none of them told."""
        told = [server for server in self._servers if not server.problem]
        serials = {one.name: one.serial for one in self._configured}
        up = {
            serials.get(row.name) or row.name for server in told for row in server.rows if state_of(row.control) == "online"
        }
        return len(up) if told else None

    def states(self, target: Target) -> list[State]:
        """Every way to a drive; none: it is not configured. Raises DriveError."""
        entries = self._entries(target)
        found = [state for entry in entries for state in self._ways(target, entry)]
        return _left_alone(found, [row.comment for entry in entries for row in self._rows(entry)])

    # which drive it is

    def _entries(self, target: Target) -> list[Configured]:
        found = [one for one in self._configured if one.serial == target.drive]
        if not found:
            found = [one for one in self._configured if self._is_there(target, one)]
            other = next((one for one in found if one.serial is not None), None)
            if other:
                msg = (
                    f"NetBackup's drive {other.name} has the device file {other.paths[0]} of this drive, but the serial number"
                    f" {other.serial}; if the drive was replaced, tell NetBackup (tpautoconf -replace_drive)"
                )
                raise DriveError(msg)
        if not found:
            names = self._options["drive_names"].get(target.drive, ())
            found = [one for one in self._configured if one.name in names]
            other = next((one for one in found if one.serial is not None), None)
            if other:
                msg = (
                    f"application_netbackup_drive_names says that it is NetBackup's drive {other.name}, but that has the serial"
                    f" number {other.serial}; correct it"
                )
                raise DriveError(msg)
        for one in found:
            self._once(one)
        if not found:
            self._no_doubt()
        return found

    def _no_doubt(self) -> None:
        """Refuse to say that a drive is not configured while one of those without a serial number may be it."""
        known = {name for names in self._options["drive_names"].values() for name in names}
        unknown = sorted({
            one.name for one in self._configured
            if one.serial is None and one.name not in known and self._server(one.host) is not None
        })  # fmt: skip
        if unknown:
            msg = (
                f"NetBackup lists no drive of this serial number, but drives without any: {first_words(', '.join(unknown))}; one of"
                " them may be it, so say which drives they are in application_netbackup_drive_names"
            )
            raise DriveError(msg)

    def _is_there(self, target: Target, one: Configured) -> bool:
        """Whether a device file of this drive, on the media server that has it, is one of the configured drive."""
        if one.host is None or same_host(one.host, self._options["control_point"]):
            return bool(set(one.paths) & set(target.devices))
        files = [some for host, some in target.elsewhere.items() if same_host(host, one.host)]
        return any(set(one.paths) & set(some) for some in files)

    def _once(self, one: Configured) -> None:
        """Refuse a name that NetBackup could take for another drive."""
        if not NAME.fullmatch(one.name):
            msg = f"NetBackup's name of it, {first_words(one.name, 60)!r}, is none that a command can be given"
            raise DriveError(msg)
        others = [
            other for other in self._configured
            if other.name == one.name and other.serial != one.serial and same_host(other.host, one.host)
        ]
        if others:
            serials = sorted({other.serial or "none" for other in (one, *others)})
            msg = (
                f"NetBackup has several drives of the name {one.name}, with the serial numbers {', '.join(serials)}; nothing is set"
                " by that name, give each drive a name of its own (tpconfig -update -drive ... -newasciiname)"
            )
            raise DriveError(msg)

    # what it shows

    def _server(self, host: str | None) -> Server | None:
        return next((one for one in self._servers if host is None or same_host(one.host, host)), None)

    def _rows(self, entry: Configured) -> list[Shown]:
        server = self._server(entry.host)
        return [row for row in server.rows if row.name == entry.name] if server else []

    def _ways(self, target: Target, entry: Configured) -> Iterator[State]:
        server = self._server(entry.host)
        if server is None:
            # Another control point asks that one, unless there is one state for all.
            if self._options.get("scope") == "instance":
                msg = (
                    f"media server {entry.host} has it as drive {entry.name} too, but is none of application_netbackup_media_servers;"
                    " add it"
                )
                raise DriveError(msg)
            return
        if server.problem:
            raise DriveError(server.problem)
        rows = self._rows(entry)
        if len(rows) != 1:
            where = f" on {server.host}" if server.host else ""
            seen = f"shows {len(rows)} drives of that name" if rows else "does not show it"
            msg = (
                f"NetBackup has it as drive {entry.name}, but the device daemon (ltid){where} {seen};"
                " if the configuration was changed, start ltid anew"
            )
            raise DriveError(msg)
        row = rows[0]
        commented = bool(row.comment) and not row.comment.startswith(OURS)
        way = Way(entry.name, server.host, commented=commented)
        here = self._assigned_here(target, row, server)
        # The tape of a drive that is assigned to another media server is used there.
        busy = row.busy and not row.assigned
        used = {"in_use": here or row.requested or busy, "ending": here or row.requested, "conflict": pending(row.control)}
        state = state_of(row.control)
        if len(entry.paths) < 2:
            yield State(way, state, row.control, **used)
            return
        if server.no_paths:
            raise DriveError(server.no_paths)
        shown = server.paths.get(row.index, {})
        missing = [path for path in entry.paths if path not in shown]
        if missing:
            msg = f"NetBackup has drive {entry.name} with the path {missing[0]}, but vmoprcmd -dp ds does not show that one"
            raise DriveError(msg)
        states = {path: "offline" if used["conflict"] else state_of(shown[path]) for path in entry.paths}
        if state == "online" and set(states.values()) == {"offline"}:
            # The one says up, the other says down.
            states = dict.fromkeys(entry.paths, "other")
        for path, one in states.items():
            yield State(replace(way, path=path), one, f"{row.control}, {path} {shown[path]}", **used)

    def _assigned_here(self, target: Target, row: Shown, server: Server) -> bool:
        """A shared drive may be assigned to another media server of the instance; in doubt it is this one."""
        if not row.assigned:
            return False
        if server.host:
            return same_host(row.assigned, server.host)
        return not any(same_host(row.assigned, host) for host in target.elsewhere) or same_host(
            row.assigned, self._options["control_point"]
        )


def _left_alone(found: Iterable[State], comments: Iterable[str]) -> list[State]:
    """Mark the ways that were down before we came: those that our comment names, or those that are down while others are up."""
    states = list(found)
    ours = [comment for comment in comments if comment.startswith(OURS)]
    if ours:
        listed = {word for comment in ours for word in comment.partition(LEFT)[2].split()}
        marked = [one.state == "offline" and not one.conflict and one.way.label in listed for one in states]
    else:
        up = any(one.state == "online" for one in states)
        marked = [up and one.state == "offline" and not one.conflict for one in states]
    if all(marked):
        return states
    return [replace(one, way=replace(one.way, left=mark)) for one, mark in zip(states, marked, strict=True)]


def same_host(one: str | None, other: str | None) -> bool:
    """Whether two names are of one host: in any case of letters, with or without the domain."""
    first, second = (one or "").lower(), (other or "").lower()
    if "." in first and "." in second:
        return first == second
    return first.partition(".")[0] == second.partition(".")[0]
