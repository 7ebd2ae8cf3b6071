# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IBM tape libraries with the REST interface of Diamondback and TS4500: service on a drive. Private: may change at any time.

`startDriveService` puts the drive into the state `inServiceMode`, in which it is offline on the SCSI interface and every mount
is rejected; `completeDriveService` ends that. Both begin a task in the library and answer at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _identifiers,
    _library,
    _library_web_options,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library import Answer, Seen, Way, Web

OPTIONS: dict[str, dict[str, Any]] = {
    **_library.COMMON,
    **_library_web_options.OPTIONS,
    "named_by": {"type": "list", "elements": "str", "choices": ["serial", "location"], "default": ["serial", "location"]},
    "error_states": {"type": "list", "elements": "str", "default": ["inServiceMode"]},
    "ok_states": {"type": "list", "elements": "str", "default": ["online"]},
}
TASKS = {"error": "startDriveService", "ok": "completeDriveService"}
_WAYS = {"serial": Way("by serial number", "offline"), "location": Way("by location", "offline")}
_LOCATION = re.compile(r"drive_F[0-9]{1,3}C[0-9]{1,3}R[0-9]{1,3}")


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options in their final form."""
    given = _library_web_options.check(_library.check_common(options), "ibm")
    for option in ("named_by", "error_states", "ok_states"):
        if not given[option]:
            msg = f"library_ibm_{option} must not be empty"
            raise InvalidValueError(msg)
    both = sorted(set(given["error_states"]) & set(given["ok_states"]))
    if both:
        msg = f"{_identifiers.shown(both[0])} is in library_ibm_error_states and in library_ibm_ok_states"
        raise InvalidValueError(msg)
    return given


def queries(options: Mapping[str, Any], drive: str) -> list[Web]:
    """The calls that show the drive."""
    return [Web("GET", f"/v1/drives/{quote(_library.name_of(options, drive), safe='')}")]


def read(options: Mapping[str, Any], drive: str, answers: Sequence[Answer]) -> Seen:
    """What they show."""
    content = answers[0].json()
    entries = content if isinstance(content, list) else [content]
    name = _library.name_of(options, drive)
    mine = [one for one in entries if isinstance(one, Mapping) and name in (one.get("sn"), one.get("location"))]
    state = _library.shown(mine[0].get("state")) if len(mine) == 1 else ""
    if not state:
        return Seen("unknown", "gave an answer that does not describe the drive")
    found = mine[0]
    more = {"sn": serial} if (serial := _serial(found.get("sn"))) else {}
    if isinstance(found.get("location"), str) and _LOCATION.fullmatch(found["location"]):
        more["location"] = found["location"]
    kind = "error" if state in options["error_states"] else "ok" if state in options["ok_states"] else "other"
    return Seen(kind, state, _library.shown(found.get("logicalLibrary")) or None, more)


def ways(options: Mapping[str, Any]) -> list[Way]:
    """The ways, in the order in which they are tried."""
    return [_WAYS[name] for name in options["named_by"]]


def tell(options: Mapping[str, Any], way: Way, wanted: str, drive: str, seen: Seen) -> list[Web]:
    """The calls of one way."""
    key = "sn" if way is _WAYS["serial"] else "location"
    if key not in seen.more:
        return []
    return [Web("POST", "/v1/tasks", {"type": TASKS[wanted], key: seen.more[key]})]


def _serial(value: Any) -> str:
    try:
        return _identifiers.serial(value)
    except InvalidValueError:
        return ""
