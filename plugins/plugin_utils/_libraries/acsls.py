# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Oracle StorageTek libraries behind ACSLS: `vary drive` by cmd_proc. Private: may change at any time.

It concerns the clients of ACSLS: nothing is mounted in the drive any more. The data path between hosts and drive stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers, _library
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library import Answer, Command, Seen, Way

OPTIONS: dict[str, dict[str, Any]] = {
    **_library.COMMON,
    "command": {"type": "list", "elements": "str", "default": ["/export/home/ACSSS/bin/cmd_proc", "-l", "-q"]},
    "state": {"type": "str", "choices": ["offline", "diagnostic"], "default": "offline"},
    "vary_ways": {"type": "list", "elements": "str", "choices": ["plain", "force"], "default": ["plain"]},
}
STATES = {"online": "ok", "offline": "error", "diagnostic": "error"}
_WAYS = {"plain": Way("by vary", "mounts"), "force": Way("by vary with force", "mounts")}
_DRIVE = re.compile(r"([0-9]{1,3}), *([0-9]{1,3}), *([0-9]{1,3}), *([0-9]{1,3})")
#: Identifier, state; behind them status, volume and type of the drive.
_ROW = re.compile(rf"^ *{_DRIVE.pattern} +([a-z][a-z-]{{2,30}})(?= |$)", re.MULTILINE)
#: cmd_proc ends well whatever became of what it was told.
_REFUSED = r"(?im)^.*\b(?:failed|invalid|not found|error)\b.*$"


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options in their final form."""
    given = _library.check_common(options)
    names = {}
    for drive, name in given["drive_names"].items():
        found = _DRIVE.fullmatch(name)
        if not found:
            msg = f"library_acsls_drive_names[{drive}] must be acs,lsm,panel,drive, as in 0,0,10,0, not {_identifiers.shown(name)}"
            raise InvalidValueError(msg)
        names[drive] = _id(found.groups())
    command = given["command"]
    if not command or not command[0] or command[0].startswith("-") or re.search(r"[\0\n]", "".join(command)):
        msg = "library_acsls_command must be a list of words that begins with a program"
        raise InvalidValueError(msg)
    if not given["vary_ways"]:
        msg = "library_acsls_vary_ways must not be empty"
        raise InvalidValueError(msg)
    return {**given, "drive_names": names}


def queries(options: Mapping[str, Any], drive: str) -> list[Command]:
    """The calls that show the drive: none where ACSLS has no name for it."""
    return [_call(options, f"query drive {options['drive_names'][drive]}")] if drive in options["drive_names"] else []


def read(options: Mapping[str, Any], drive: str, answers: Sequence[Answer]) -> Seen:
    """What they show."""
    name = options["drive_names"].get(drive)
    if name is None:
        return Seen("unknown", f"was not asked, because library_acsls_drive_names does not say what ACSLS calls drive {drive}")
    rows = [row for row in _ROW.findall(answers[0].text.replace("\r", "\n")) if _id(row[:4]) == name]
    if len(rows) != 1:
        return Seen("unknown", "shows several states of the drive" if rows else f"does not show drive {name}")
    state = rows[0][4]
    return Seen(STATES.get(state, "other"), state)


def ways(options: Mapping[str, Any]) -> list[Way]:
    """The ways, in the order in which they are tried."""
    return [_WAYS[name] for name in options["vary_ways"]]


def tell(options: Mapping[str, Any], way: Way, wanted: str, drive: str, seen: Seen) -> list[Command]:
    """The calls of one way. To come online nothing needs force."""
    state = options["state"] if wanted == "error" else "online"
    force = " force" if way is _WAYS["force"] and wanted == "error" else ""
    return [_call(options, f"vary drive {options['drive_names'][drive]} {state}{force}")]


def _call(options: Mapping[str, Any], line: str) -> Command:
    return Command(tuple(options["command"]), (line, "logoff"), _REFUSED)


def _id(numbers: Sequence[str]) -> str:
    return ",".join(str(int(number)) for number in numbers)
