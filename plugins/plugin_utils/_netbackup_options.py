# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the application netbackup in their final form. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: How the state of drives is asked for: ``vmoprcmd -xdraw ds``, or the tables of ``vmoprcmd -d``.
STATUS = ("raw", "table")

OPTIONS: dict[str, dict[str, Any]] = {
    "directory": {"type": "str", "default": "/usr/openv/volmgr/bin"},
    "media_servers": {"type": "list", "elements": "str", "default": []},
    "status": {"type": "str", "choices": list(STATUS), "default": "raw"},
    "drive_names": {"type": "dict", "default": {}},
    "comment": {"type": "bool", "default": True},
    "conflict_log": {"type": "str"},
    "offline_kills_job": {"type": "bool", "default": True},
    "recheck": {"type": "int", "default": 300},
    "together": {"type": "int", "default": 1},
}

#: A name that can be told from what stands around it in a table, and that no command takes for an option.
NAME = re.compile(r"[0-9A-Za-z_.+:/](?:[ -~]{0,126}[!-'*-~])?")
_MOST_RECHECK = 3600
#: As many as one execution has of drives that are set one by one.
_MOST_TOGETHER = 8


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """Validate; every message names the option as the user wrote it."""
    final: dict[str, Any] = {key: spec.get("default") for key, spec in OPTIONS.items()} | dict(options)
    final["directory"] = _path("directory", final["directory"]).rstrip("/")
    final["media_servers"] = _hosts(final["media_servers"])
    if final["status"] not in STATUS:
        _refuse("status", f"one of {', '.join(STATUS)}", final["status"])
    final["drive_names"] = _drives(final["drive_names"])
    if final["conflict_log"] is not None:
        final["conflict_log"] = _path("conflict_log", final["conflict_log"])
    for key in ("comment", "offline_kills_job"):
        final[key] = _flag(key, final[key])
    final["recheck"] = float(_whole("recheck", final["recheck"], 0, _MOST_RECHECK))
    final["together"] = _whole("together", final["together"], 1, _MOST_TOGETHER)
    return final


def _hosts(value: Any) -> list[str]:
    if not isinstance(value, (list, tuple)):
        _refuse("media_servers", "a list of media servers, by the names that NetBackup has for them", value)
    names = [
        _identifiers.host_name(name, f"application_netbackup_media_servers[{place}]") for place, name in enumerate(value)
    ]
    # NetBackup takes host names in any case.
    if len({name.lower() for name in names}) < len(names):
        _refuse("media_servers", "a list that names each media server once", value)
    return names


def _drives(value: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        _refuse("drive_names", "a dictionary of serial number to NetBackup's name of the drive", value)
    found: dict[str, tuple[str, ...]] = {}
    owners: dict[str, str] = {}
    for serial, entries in value.items():
        what = f"drive_names[{str(serial)[:64]}]"
        drive = _identifiers.serial(str(serial), f"application_netbackup_{what}: its key")
        names = [entries] if isinstance(entries, str) else entries
        if not isinstance(names, (list, tuple)) or not names:
            _refuse(what, "a name or a list of names", entries)
        for name in names:
            if not isinstance(name, str) or not NAME.fullmatch(name):
                _refuse(what, "a name of a drive: up to 128 printable characters, no hyphen first, no parenthesis last", name)
            if owners.setdefault(name, drive) != drive:
                msg = (
                    f"application_netbackup_drive_names must give a name to one drive only, but {name} is that of"
                    f" {owners[name]} and of {drive}"
                )
                raise InvalidValueError(msg)
        found[drive] = tuple(dict.fromkeys(names))
    return found


def _path(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.startswith("/") or not value.isprintable() or not value.strip("/"):
        _refuse(key, "an absolute path of the media server's system", value)
    return value


def _flag(key: str, value: Any) -> bool:
    # Inventories in INI form, and --extra-vars key=value, give text.
    if isinstance(value, str) and value.lower() in ("true", "yes", "false", "no"):
        return value.lower() in ("true", "yes")
    if not isinstance(value, bool):
        _refuse(key, "true or false", value)
    return value


def _whole(key: str, value: Any, least: int, most: int) -> int:
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[0-9]{1,6}", text) or not least <= int(text) <= most:
        _refuse(key, f"a whole number from {least} to {most}", value)
    return int(text)


def _refuse(what: str, form: str, value: Any) -> NoReturn:
    msg = f"application_netbackup_{what} must be {form}, not {str(value)[:60]!r}"
    raise InvalidValueError(msg)
