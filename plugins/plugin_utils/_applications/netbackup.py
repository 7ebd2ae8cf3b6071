# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Veritas (Cohesity) NetBackup, by vmoprcmd and tpconfig on a media server. Private: may change at any time.

A drive is up or down on each media server for itself, and there for each of its device files. It is set by its name, never by
its index, which is another one on each media server. ``-reset`` and ``-crawlreleasebyname`` are not used: what they end may be
another one's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _netbackup_output as output
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _netbackup_status as status
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import (
    Found,
    Reading,
    Said,
    Setting,
    Target,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._netbackup_drives import (
    LEFT,
    OURS,
    DriveError,
    Drives,
    Server,
    State,
    Way,
    name_of,
    way_of,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._netbackup_options import OPTIONS, check

__all__ = ["OPTIONS", "SCOPES", "check", "queries", "read", "recheck", "said", "settings"]

#: A drive has a state on each media server; one host can be told for all of them with application_netbackup_media_servers.
SCOPES = ("host", "instance")

_COMMANDS = {"offline": "-downbyname", "online": "-upbyname"}
_NO_NAMES = (
    "the scope is instance, so application_netbackup_media_servers has to name all media servers that have the drive; name them,"
    " or use the scope host"
)
#: How long a comment may be is not documented; what does not fit is cut by us, in the middle.
_MOST_COMMENT = 127
#: Characters of a comment: those of holders and changes.
_NO_COMMENT = re.compile(r"[^0-9A-Za-z _.,:;/-]")


def recheck(options: Mapping[str, Any]) -> float:
    """That a drive stays down over a restart of the device daemon is not documented."""
    return options["recheck"]


def _servers(options: Mapping[str, Any]) -> list[str | None]:
    return [*options["media_servers"]] or [None]


def _program(options: Mapping[str, Any], name: str) -> str:
    return f"{options['directory']}/{name}"


def _on(host: str | None) -> list[str]:
    return ["-h", host] if host else []


def queries(options: Mapping[str, Any], targets: Sequence[Target]) -> list[list[str]]:
    """How drives are configured, and for each media server how they and their paths are; the same for any number of drives."""
    if not targets:
        return []
    everywhere = bool(options["media_servers"])
    found = [[_program(options, "tpconfig"), "-emm_dev_list" if everywhere else "-dl"]]
    operate = _program(options, "vmoprcmd")
    shown = ["-xdraw", "ds"] if options["status"] == "raw" else ["-d"]
    for host in _servers(options):
        found += [[operate, *shown, *_on(host)], [operate, "-dp", "ds", *_on(host)]]
    if options["conflict_log"]:
        found.append(["grep", "Reservation Conflict status", options["conflict_log"]])
    return found


def read(options: Mapping[str, Any], targets: Sequence[Target], answers: Sequence[Any]) -> Reading:
    """Find the drives; a drive that cannot be told for sure is a problem, one sentence each."""
    reading = Reading()
    if not targets:
        return reading
    if options.get("scope") == "instance" and not options["media_servers"]:
        # One host that is told for all has to know the others, also those of a drive that it does not have itself.
        reading.problems = dict.fromkeys((target.drive for target in targets), _NO_NAMES)
        return reading
    asked = [
        (" ".join([words[0].rpartition("/")[2], *words[1:]]), answer)
        for words, answer in zip(queries(options, targets), answers, strict=True)
    ]
    try:
        configured = (
            output.configured_everywhere(*asked[0]) if options["media_servers"] else output.configured_here(*asked[0])
        )
    except output.AnswerError as exc:
        reading.problems = {target.drive: str(exc) for target in targets}
        return reading
    names = sorted({one.name for one in configured if one.name})
    servers = [
        _server(options, host, asked[1 + 2 * place:3 + 2 * place], names) for place, host in enumerate(_servers(options))
    ]
    conflicts = status.conflicts(asked[-1][1]) if options["conflict_log"] else {}
    drives = Drives(options, configured, servers)
    for target in targets:
        try:
            states = drives.states(target)
        except DriveError as exc:
            reading.problems[target.drive] = str(exc)
            continue
        if states:
            reading.drives[target.drive] = _found(states, conflicts, options["conflict_log"])
    reading.online = drives.online()
    return reading


def _server(options: Mapping[str, Any], host: str | None, asked: Sequence[tuple[str, Any]], names: Sequence[str]) -> Server:
    server = Server(host)
    shown, paths = asked
    try:
        server.rows = (status.raw if options["status"] == "raw" else status.table)(*shown, names)
    except output.AnswerError as exc:
        server.problem = str(exc)
    try:
        server.paths = status.paths(*paths)
    except output.AnswerError as exc:
        server.no_paths = str(exc)
    return server


def _found(states: Sequence[State], conflicts: Mapping[str, bool] | None, log: str | None) -> Found:
    mine = [one for one in states if not one.way.left]
    # Up in one way is up; what cannot be told in one way cannot be told.
    state = next(state for state in ("other", "online", "offline") if state in [one.state for one in mine])
    shown = "; ".join(f"{name_of(one.way)}: {one.shown}" for one in states)
    conflict = any(one.conflict or (conflicts or {}).get(one.way.name, False) for one in mine)
    if conflicts is None and state == "offline":
        shown += f"; {log} cannot be read"
    used = [one for one in states if one.ending]
    return Found(
        names=tuple(name_of(one.way) for one in states), state=state, shown=shown,
        in_use=any(one.in_use for one in states), conflict=state == "offline" and conflict,
        ending=state == "offline" and bool(used), counts=1,
    )


# setting


def settings(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], targets: Sequence[Target]
) -> list[Setting]:
    """A command for each way to each drive; it takes one drive only. Then the comments, which nothing waits for."""
    found = []
    for start in range(0, len(targets), options["together"]):
        some = targets[start:start + options["together"]]
        ways = {target.drive: [way_of(name) for name in names[target.drive]] for target in some}
        commands = [
            _tagged(drive, words) for drive, mine in ways.items() for words in _sets(options, state, mine)
        ]
        for target in some:
            commands += [_tagged(target.drive, words) for words in _comments(options, state, ways[target.drive], target.reason)]
        found.append(Setting(tuple(ways), tuple(commands)))
    return found


def _tagged(drive: str, words: Sequence[str]) -> tuple[str | tuple[str, str], ...]:
    return (words[0], *((drive, word) for word in words[1:]))


def _sets(options: Mapping[str, Any], state: str, ways: Sequence[Way]) -> Iterator[list[str]]:
    for way in ways:
        if not way.left:
            path = ["-path", way.path] if way.path else []
            yield [_program(options, "vmoprcmd"), _COMMANDS[state], way.name, *path, *_on(way.host)]


def _comments(options: Mapping[str, Any], state: str, ways: Sequence[Way], reason: str) -> Iterator[list[str]]:
    """Say why a drive is down, or that no more: without a text the comment is deleted. An administrator's stays."""
    if not options["comment"]:
        return
    left = [way.label for way in ways if way.left]
    for name, host in dict.fromkeys((way.name, way.host) for way in ways if not way.commented):
        text = [_comment(reason, left)] if state == "offline" else []
        yield [_program(options, "vmoprcmd"), "-commentbyname", name, *text, *_on(host)]


def _comment(reason: str, left: Sequence[str]) -> str:
    end = f"{LEFT} {' '.join(left)}" if left else ""
    plain = _NO_COMMENT.sub("?", reason.replace(";", ","))
    most = max(0, _MOST_COMMENT - len(end))
    if len(plain) > most:
        head, _comma, change = plain.rpartition(", ")
        short = f"{head[:max(0, most - len(change) - 5)]}..., {change}"
        # A person's reason may be long, and have its comma anywhere; by its beginning the comment is known to be ours.
        plain = short if short.startswith(OURS) and len(short) <= most else f"{plain[:max(0, most - 3)]}..."
    return plain + end


def said(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], answers: Sequence[Any]
) -> dict[str, Said]:
    """Find NetBackup's own words for what was not done; comments are not looked at."""
    found: dict[str, Said] = {}
    place = 0
    for drive, some in names.items():
        for words in _sets(options, state, [way_of(name) for name in some]):
            answer = answers[place] if place < len(answers) else None
            place += 1
            if answer is not None and not answer.timed_out:
                command = " ".join(["vmoprcmd", *words[1:]])
                why = output.told(command, answer.output)
                if why:
                    found.setdefault(drive, Said(why))
    return found
