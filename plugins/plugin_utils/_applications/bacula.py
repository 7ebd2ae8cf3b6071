# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bacula, by bconsole on the director's host. Private: may change at any time.

A drive is a device of a storage daemon, found by its device file; it is set by a storage of the director that stands for
that device or for its autochanger. ``disable`` kills the job of a drive, so one in use is left alone (the step asks
before), and ``unmount`` and ``release`` are not used: they would move a tape that may be another host's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _bacula_status, _bconsole, _secret_file
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import (
    Dialogue,
    Found,
    Reading,
    Said,
    Setting,
    Target,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bacula_drives import (
    Drives,
    concerned,
    name_of,
    parts_of,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bacula_options import OPTIONS, check
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words

__all__ = ["OPTIONS", "SCOPES", "check", "queries", "read", "recheck", "said", "settings"]

#: A storage daemon has one state of a drive, for all that the director sends there.
SCOPES = ("instance",)
_COMMANDS = {"offline": "disable", "online": "enable"}
#: Device types that are tape drives; only these count for the floor.
_TAPES = ("Tape", "Vtape")
#: Words of a director that sets nothing, and what helps.
_REFUSALS = {
    r".*: is an invalid command\.": "; add it to the CommandACL of the console",
    r"Could not find a Catalog resource": "; give the console one catalog, by its CatalogACL",
    r"Storage resource .*: not found|Failed to connect to Storage daemon.*|39\d\d .*": "",
}
_SET = re.compile(r'300[23] Device ""(.+?)" \(.*\)" (?:already )?(enabled|disabled)\.')


def recheck(options: Mapping[str, Any]) -> float:
    """A storage daemon that is started again has all its devices enabled."""
    return options["recheck"]


def queries(options: Mapping[str, Any], targets: Sequence[Target]) -> list[list[str] | Dialogue]:
    """Whether others can read the password, and one dialogue for all storages of a host where one of the drives may be."""
    groups = _groups(options, targets)
    if not groups:
        return []
    look: list[str] | Dialogue = _secret_file.look(options["console_file"])
    names = [[storage.name for storage in group] for group in groups]
    return [look, *(Dialogue(_bconsole.words(options, "-n"), _bacula_status.lines(some)) for some in names)]


def _groups(options: Mapping[str, Any], targets: Sequence[Target]) -> list[list[Any]]:
    wanted = {storage.name for target in targets for storage in concerned(options, target)}
    return _bconsole.by_host(options["storages"], wanted)


def read(options: Mapping[str, Any], targets: Sequence[Target], answers: Sequence[Any]) -> Reading:
    """Find the drives; a drive that cannot be told for sure is a problem, one sentence each."""
    groups = _groups(options, targets)
    exposed = _secret_file.exposed(options["console_file"], answers[0]) if groups else ""
    statuses = [
        _bacula_status.read(storage, answer, options["console_file"])
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
            reading.drives[target.drive] = Found(
                names=tuple(name_of(way) for way in ways),
                # Enabled in one place is enabled; what cannot be told in one place cannot be told.
                state=next(state for state in ("other", "online", "offline") if state in [one.state for one in devices]),
                shown="; ".join(f"{one.name}: {one.shown}" for one in devices),
                in_use=any(one.in_use for one in devices), counts=1, pools=drives.pools_of(target),
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
    return [
        Setting(
            tuple(drives),
            tuple(
                Dialogue(_bconsole.words(options, "-n"), (*_lines(options, host, state, {drive: names[drive] for drive in drives}), "quit"))
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
        for _device, storage, index in (parts_of(name) for name in some):
            if storage in storages:
                # Without drive= the director would ask, and take the next line for the answer; an answer "." is none.
                yield drive, _line(state, storage, index)
                yield drive, _bacula_status.NOTHING


def _line(state: str, storage: str, index: str) -> str:
    return f'{_COMMANDS[state]} storage="{storage}" drive={index}'


def said(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], answers: Sequence[Any]
) -> dict[str, Said]:
    """Find what was set in place of the drive that was meant, or why nothing was.

    ``answers``: one for each command of one setting.
    """
    lines = {
        _line(state, storage, index): (drive, device, storage)
        for drive, some in names.items()
        for device, storage, index in (parts_of(name) for name in some)
    }
    result: dict[str, Said] = {}
    for answer in answers:
        trouble = _bacula_status.trouble(answer, options["console_file"])
        for drive in names if trouble else ():
            result.setdefault(drive, Said(trouble))
        # bconsole shows each line that it was told before what came of it.
        meant = list(lines.values())
        for row in answer.output.splitlines():
            meant = [lines[row]] if row in lines else meant
            why = _wrong(row, {device for _drive, device, _storage in meant}, {storage for _drive, _device, storage in meant})
            refusal = _refusal(row)
            for drive, _device, storage in meant:
                if why:
                    result[drive] = Said(why, wrong=True)
                elif refusal:
                    result.setdefault(drive, Said(f"the director says of storage {storage}: {refusal}"))
    return result


def _wrong(row: str, devices: Collection[str], storages: Collection[str]) -> str:
    done = _SET.fullmatch(row)
    if done and done[1] not in devices:
        return (
            f"the director {done[2]} device {done[1]} in place of {', '.join(sorted(devices))}: storage"
            f" {', '.join(sorted(storages))} is not what it was when it was read. Put device {done[1]} right by hand"
        )
    taken = _bconsole.SELECTED.fullmatch(row)
    if taken:
        return f"the director took storage {taken[1]} in place of {', '.join(sorted(storages))}; look at its drives"
    return ""


def _refusal(row: str) -> str:
    hint = next((hint for words, hint in _REFUSALS.items() if re.fullmatch(words, row)), None)
    return "" if hint is None else first_words(row).rstrip(".") + hint
