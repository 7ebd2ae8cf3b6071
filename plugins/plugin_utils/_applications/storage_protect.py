# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IBM Storage Protect (Spectrum Protect, Tivoli Storage Manager), by dsmadmc. Private: may change at any time.

Without ``path_sources`` a drive is set by UPDATE DRIVE at the library manager, for all servers and storage agents that share
the library; with them by UPDATE PATH, for these sources only. ONLINE= goes alone: with any other parameter the server
refuses it while the drive is in use. What the SELECTs show is the truth.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _secret_file
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _storage_protect_output as _output
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import (
    Dialogue,
    Reading,
    Said,
    Setting,
    Target,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._storage_protect_drives import (
    Drives,
    Way,
    no_path,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._storage_protect_options import (
    OPTIONS,
    check,
    types_of,
)

__all__ = ["OPTIONS", "SCOPES", "check", "queries", "read", "said", "settings"]

#: One state at the library manager; or, of a path, one for each host.
SCOPES = ("instance", "host")
#: Commands of one session: they share the time of one handshake.
_TOGETHER = 50


def queries(options: Mapping[str, Any], targets: Sequence[Target]) -> list[list[str] | Dialogue]:
    """Who can read the credentials, one SELECT for all drives, and for paths another; then what may be evidence.

    The SELECTs that decide are calls of their own: their return codes count.
    """
    if not targets:
        return []
    file = options["credentials_file"]
    found: list[list[str] | Dialogue] = [_secret_file.look(file)] if file else []
    found += [_call(options, statement) for statement in _deciding(options).values()]
    evidence = _evidence(options)
    if len(evidence) > 1 and options["session"]:
        return [*found, Dialogue(tuple(_words(options)), (*evidence, "QUIT"))]
    return found + [_call(options, statement) for statement in evidence]


def _deciding(options: Mapping[str, Any]) -> dict[str, str]:
    """The SELECTs that decide, by what they give."""
    sources = [source.name for source in options["path_sources"]]
    return {"drives": _output.DRIVES} | ({"paths": _output.paths(sources)} if sources else {})


def _evidence(options: Mapping[str, Any]) -> list[str]:
    """What tells of conflicts: messages, and which device is which drive."""
    minutes, messages = options["conflict_minutes"], ", ".join(map(str, options["conflict_messages"]))
    if not minutes:
        return []
    conflicts = _output.CONFLICTS.format(minutes=minutes, messages=messages)
    return [conflicts] if options["path_sources"] else [_output.paths(), conflicts]


def _call(options: Mapping[str, Any], command: str) -> list[str]:
    return [*_words(options), command]


def _words(options: Mapping[str, Any]) -> list[str]:
    given = {"servername": "server_name", "optfile": "option_file", "credentialsfile": "credentials_file"}
    return [
        *options["admin_command"],
        *(f"-{word}={options[key]}" for word, key in given.items() if options[key]),
        "-dataonly=yes", "-tabdelimited",
    ]


def read(options: Mapping[str, Any], targets: Sequence[Target], answers: Sequence[Any]) -> Reading:
    """Find the drives; a drive that cannot be told for sure is a problem, one sentence each."""
    if not targets:
        return Reading()
    left = list(answers)
    problem = _secret_file.exposed(options["credentials_file"], left.pop(0)) if options["credentials_file"] else ""
    if options.get("scope") == "host" and not options["path_sources"]:
        problem = (
            "UPDATE DRIVE counts for all hosts of the instance, so a state for each host needs"
            " application_storage_protect_path_sources; give it, or the scope instance"
        )
    rows = _output.Rows()
    for what in _deciding(options):
        problem = problem or _taken(options, rows, what, left.pop(0))
    if problem:
        return Reading(problems={target.drive: problem for target in targets})
    evidence = _output.Rows()
    for answer in left:
        # A device may be another drive's in what is missing.
        evidence.take("" if answer.truncated else answer.output)
    return Drives(options, rows, evidence).reading(targets)


def _taken(options: Mapping[str, Any], rows: _output.Rows, what: str, answer: Any) -> str:
    """Take in the rows of a SELECT that decides, or say why it cannot be believed."""
    rows.take(answer.output)
    found = bool(getattr(rows, what)) or bool(rows.broken)
    if not found and not answer.timed_out and _output.code(answer) == _output.NOT_FOUND:
        return _missing(options, what)
    trouble = _output.trouble(answer, options)
    if trouble:
        return trouble
    if rows.broken:
        return f"the server answered, but {rows.broken}"
    return "" if found else f"the server answered, but no row of {what} is in it: {first_words(answer.output) or '(nothing)'}"


def _missing(options: Mapping[str, Any], what: str) -> str:
    """An empty table: of a library client, or of sources that are misspelt. No drive is unknown because of that."""
    if what == "drives":
        return "the server has no drives; ask the library manager, by application_storage_protect_server_name"
    return no_path(source.name for source in options["path_sources"])


def settings(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], targets: Sequence[Target]
) -> list[Setting]:
    """One session for many drives, for dsmadmc takes one command in a call; a call where there is but one."""
    commands = {target.drive: list(_commands(options, state, names[target.drive])) for target in targets}
    if not options["session"] or sum(map(len, commands.values())) <= 1:
        return [
            Setting((drive,), tuple(tuple(_call(options, command)) for command in some)) for drive, some in commands.items()
        ]
    chunks: list[list[str]] = []
    for drive in commands:
        if not chunks or sum(len(commands[one]) for one in chunks[-1]) >= _TOGETHER:
            chunks.append([])
        chunks[-1].append(drive)
    return [
        Setting(
            tuple(chunk),
            (Dialogue(
                tuple(_words(options)), (*((drive, command) for drive in chunk for command in commands[drive]), "QUIT"),
            ),),
        )
        for chunk in chunks
    ]


def _commands(options: Mapping[str, Any], state: str, names: Iterable[str]) -> Iterable[str]:
    types = types_of(options["path_sources"])
    for way in map(Way.parse, names):
        online = "YES" if state == "online" else "NO"
        if way.source:
            kind = types.get(way.source, "server").upper()
            yield f"UPDATE PATH {way.source} {way.drive} SRCTYPE={kind} DESTTYPE=DRIVE LIBRARY={way.library} ONLINE={online}"
        else:
            yield f"UPDATE DRIVE {way.library} {way.drive} ONLINE={online}"


def said(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], answers: Sequence[Any]
) -> dict[str, Said]:
    """Why a drive was not set. ``answers``: one for each command of one setting."""
    ways = {drive: [Way.parse(name) for name in some] for drive, some in names.items()}
    result: dict[str, Said] = {}
    for answer in answers:
        trouble = _output.trouble(answer, options)
        if not trouble:
            continue
        # A session's code is that of one of its commands: a message that names a drive is for that drive.
        lines = [line for line in answer.output.splitlines() if _output.message(line)]
        for drive, some in ways.items():
            own = next((line for line in lines if any(_names(line, way) for way in some)), None)
            result.setdefault(drive, Said(f"the server says: {_output.message(own)}" if own and len(ways) > 1 else trouble))
    return result


def _names(line: str, way: Way) -> bool:
    words = re.findall(r"[A-Z0-9_.+&-]+", line.upper())
    return way.drive in [word.rstrip(".") for word in words]
