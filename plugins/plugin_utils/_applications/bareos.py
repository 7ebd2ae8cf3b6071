# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bareos, by bconsole on the director's host. Private: may change at any time.

A drive is a device of a storage daemon, found by its device file. Without autoselect it is not chosen any more when a job
asks for its autochanger; a running job goes on. There is no ``disable storage``. ``unmount`` moves tapes, which may be
another host's, so it is used only where a person says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _bareos_status, _bconsole, _secret_file
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import (
    Dialogue,
    Found,
    Reading,
    Said,
    Setting,
    Target,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bareos_drives import (
    Drives,
    concerned,
    name_of,
    parts_of,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bareos_options import OPTIONS, check
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words

__all__ = ["OPTIONS", "SCOPES", "check", "queries", "read", "recheck", "said", "settings"]

#: A storage daemon has one state of a drive, for all that the director sends there.
SCOPES = ("instance",)
#: Device types that are tape drives; only these count for the floor.
_TAPES = ("tape",)
#: Words of a director or storage daemon that sets nothing, and what helps.
_REFUSALS = {
    # A period, with which we end questions, is a command too, and none that the console needs.
    r"(?!\.:).*: is an invalid command\.": "; add it to the CommandACL of the console",
    r'Access to storage ".*" forbidden': "; add it to the StorageACL of the console",
    r'3901 Device .* is already unmounted\.': "; unmount keeps jobs only from a device that is open",
    r'Storage ".*" not found\.|Wrong argument: .*|Argument missing: .*|Failed to connect to Storage daemon.*|39\d\d .*': "",
}
_SET = re.compile(r"3000 OK setdevice=(\S+) autoselect=([01])")
_UNMOUNTED = re.compile(r'300[12] Device ""(.+?)" \(.*\)" unmounted\.')


def recheck(options: Mapping[str, Any]) -> float:
    """A storage daemon that is started again has the autoselect of its configuration."""
    return options["recheck"]


def queries(options: Mapping[str, Any], targets: Sequence[Target]) -> list[list[str] | Dialogue]:
    """Whether others can read the password, and one dialogue for all storages of a host where one of the drives may be."""
    groups = _groups(options, targets)
    if not groups:
        return []
    words = _bconsole.words(options)
    dialogues = [
        Dialogue(words, _bareos_status.lines([storage.name for storage in group], set_debug=_debug(options)))
        for group in groups
    ]
    return [_secret_file.look(options["console_file"]), *dialogues]


def _debug(options: Mapping[str, Any]) -> bool:
    return options["set_debug"] and options["method"] == "autoselect"


def _groups(options: Mapping[str, Any], targets: Sequence[Target]) -> list[list[Any]]:
    wanted = {storage.name for target in targets for storage in concerned(options, target)}
    return _bconsole.by_host(options["storages"], wanted)


def read(options: Mapping[str, Any], targets: Sequence[Target], answers: Sequence[Any]) -> Reading:
    """Find the drives; a drive that cannot be told for sure is a problem, one sentence each."""
    groups = _groups(options, targets)
    exposed = _secret_file.exposed(options["console_file"], answers[0]) if groups else ""
    statuses = [
        _bareos_status.read(storage, answer, options["console_file"], options["method"], set_debug=_debug(options))
        for group, answer in zip(groups, answers[1:], strict=True) for storage in group
    ]
    drives = Drives(options, targets, statuses)
    reading = Reading()
    for target in targets:
        problem = exposed or drives.problem(target)
        if problem:
            reading.problems[target.drive] = problem
            continue
        ways = drives.ways(target)
        if ways:
            devices = [way.device for way in ways]
            state = next(state for state in ("other", "online", "offline") if state in [one.state for one in devices])
            in_use = any(one.in_use for one in devices)
            reading.drives[target.drive] = Found(
                names=tuple(name_of(way) for way in ways),
                # Online in one place is online; what cannot be told in one place cannot be told.
                state=state, shown="; ".join(f"{one.name}: {one.shown}" for one in devices), in_use=in_use, counts=1,
                # What was unmounted is not used, whatever waits for it.
                ending=in_use and state == "offline" and options["method"] == "autoselect",
                pools=drives.pools_of(target),
            )
    if len(statuses) == len(options["storages"]) and any(not status.problem for status in statuses):
        reading.online, reading.pools = drives.online(_TAPES), drives.pools()
    return reading


def settings(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], targets: Sequence[Target]
) -> list[Setting]:
    """One dialogue for all drives of one host's storages: a storage daemon that hangs must not take the others' time."""
    hosts = {storage.name: storage.host for storage in options["storages"]}
    groups: dict[tuple[str | None, ...], list[str]] = {}
    for target in targets:
        used = dict.fromkeys(hosts[parts_of(name)[1]] for name in names[target.drive])
        groups.setdefault(tuple(sorted(used, key=str)), []).append(target.drive)
    words = _bconsole.words(options)
    return [
        Setting(
            tuple(drives),
            tuple(
                Dialogue(words, (*_lines(options, host, state, {drive: names[drive] for drive in drives}), "quit"))
                for host in group
            ),
        )
        for group, drives in groups.items()
    ]


def _lines(
    options: Mapping[str, Any], host: str | None, state: str, names: Mapping[str, Sequence[str]]
) -> Iterable[tuple[str, str]]:
    storages = {storage.name for storage in options["storages"] if storage.host == host}
    for drive, some in names.items():
        for device, storage, index in (parts_of(name) for name in some):
            if storage in storages:
                yield drive, _line(state, device, storage, index)
                # An answer "." ends a question.
                yield drive, _bconsole.NOTHING


def _line(state: str, device: str, storage: str, index: str) -> str:
    if index:
        # Without drive= and slot= the director would ask, and take the next line for the answer.
        return f'unmount storage="{storage}" drive={index}' if state == "offline" else (
            f'mount storage="{storage}" slot=0 drive={index}'
        )
    return f'setdevice storage="{storage}" device="{device}" autoselect={"no" if state == "offline" else "yes"}'


def said(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], answers: Sequence[Any]
) -> dict[str, Said]:
    """Find what was set in place of the drive that was meant, or why nothing was.

    ``answers``: one for each command of one setting.
    """
    lines = {
        _line(state, device, storage, index): (drive, device, storage)
        for drive, some in names.items()
        for device, storage, index in (parts_of(name) for name in some)
    }
    result: dict[str, Said] = {}
    for answer in answers:
        trouble = _bconsole.trouble(answer, options["console_file"], "bareos")
        for drive in names if trouble else ():
            result.setdefault(drive, Said(trouble))
        # bconsole shows each line that it was told before what came of it.
        meant: tuple[str, str, str] | None = None
        for row in answer.output.splitlines():
            meant = lines.get(row, meant)
            if meant is None:
                continue
            drive, device, storage = meant
            wrong = _wrong(row, device, storage, state)
            refusal = _refusal(row)
            if wrong:
                result[drive] = Said(wrong, wrong=True)
            elif refusal:
                result.setdefault(drive, Said(f"the director says of device {device} of storage {storage}: {refusal}"))
    return result


def _wrong(row: str, device: str, storage: str, state: str) -> str:
    done = _SET.fullmatch(row) or _UNMOUNTED.fullmatch(row)
    taken = _bconsole.SELECTED.fullmatch(row)
    if done and done[1] != device:
        return (
            f"the director set device {done[1]} in place of {device}: storage {storage} is not what it was when it was read."
            f" Put device {done[1]} right by hand"
        )
    if done and done.re is _SET and done[2] != {"online": "1", "offline": "0"}[state]:
        return f"the director says that it set device {device} to autoselect={done[2]}, which is not what it was told"
    if taken and taken[1] != storage:
        return f"the director took storage {taken[1]} in place of {storage}; look at its drives"
    return ""


def _refusal(row: str) -> str:
    hint = next((hint for words, hint in _REFUSALS.items() if re.fullmatch(words, row)), None)
    return "" if hint is None else first_words(row).rstrip(".") + hint
