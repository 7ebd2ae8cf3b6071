# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the application storage_protect in their final form. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

OPTIONS: dict[str, dict[str, Any]] = {
    "admin_command": {"type": "list", "elements": "str", "default": ["dsmadmc"]},
    "server_name": {"type": "str"},
    "option_file": {"type": "str"},
    "credentials_file": {"type": "str"},
    "path_sources": {"type": "list", "elements": "raw", "default": []},
    "drive_names": {"type": "dict", "default": {}},
    "session": {"type": "bool", "default": True},
    "offline_kills_job": {"type": "bool", "default": False},
    "offline_pattern": {"type": "str", "default": "(?i)no|unavailable.*|polling.*"},
    "conflict_minutes": {"type": "int", "default": 60},
    "conflict_messages": {"type": "list", "elements": "int", "default": [8779]},
    "conflict_pattern": {"type": "str", "default": r"[Uu]nable to open drive (?P<device>[^\s,]+), error number ?= ?(?:16|170)\b"},
}

#: What the server takes as a name; nothing in it can end a word of a command, or continue its line.
NAME = r"[A-Z0-9_.+&-]{1,64}"
_NAME = re.compile(NAME)
_DRIVE = re.compile(rf"({NAME})/({NAME})")
_STANZA = re.compile(r"[A-Za-z0-9_.+&-]{1,64}")
_SOURCE_TYPES = ("server", "datamover")
#: The options of dsmadmc that have a user or a password in the command line, with all their abbreviations.
_SECRET = re.compile(r"(?i)-(?:id|pas{0,2}w?o?r?d?)(?:=.*)?")
_MOST_MINUTES = 1440
_LAST_MESSAGE = 9999


@dataclass(frozen=True)
class Source:
    """Where a path to a drive begins: a server, a storage agent, or a data mover."""

    name: str
    type: str = "server"


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """Validate; every message names the option as the user wrote it."""
    final: dict[str, Any] = {key: spec.get("default") for key, spec in OPTIONS.items()} | dict(options)
    final["admin_command"] = _command(final["admin_command"])
    final["server_name"] = _stanza(final["server_name"])
    for key in ("option_file", "credentials_file"):
        final[key] = _path(key, final[key])
    final["path_sources"] = _sources(final["path_sources"])
    final["drive_names"] = _drive_names(final["drive_names"])
    for key in ("session", "offline_kills_job"):
        final[key] = _flag(key, final[key])
    final["offline_pattern"] = _compiled("offline_pattern", final["offline_pattern"])
    final["conflict_minutes"] = _whole("conflict_minutes", final["conflict_minutes"], _MOST_MINUTES)
    final["conflict_messages"] = _messages(final["conflict_messages"])
    final["conflict_pattern"] = _compiled("conflict_pattern", final["conflict_pattern"])
    if "device" not in final["conflict_pattern"].groupindex:
        msg = "application_storage_protect_conflict_pattern must have the named group (?P<device>...), the drive's device or name"
        raise InvalidValueError(msg)
    return final


def _command(value: Any) -> list[str]:
    good = isinstance(value, (list, tuple)) and value and all(isinstance(word, str) and "\0" not in word for word in value)
    if not good or not value[0] or value[0].startswith("-"):
        _refuse("admin_command", "a list of words with the command first", value)
    secret = next((word for word in value if _SECRET.fullmatch(word)), None)
    if secret is not None:
        msg = (
            f"application_storage_protect_admin_command must not have the option {secret.partition('=')[0]}: every user of the"
            " host can read command lines; use application_storage_protect_credentials_file"
        )
        raise InvalidValueError(msg)
    return list(value)


def _stanza(value: Any) -> str:
    if value in (None, ""):
        return ""
    if not isinstance(value, str) or not _STANZA.fullmatch(value):
        _refuse("server_name", "the name of a stanza, up to 64 letters, digits and '_.+&-'", value)
    return value


def _path(key: str, value: Any) -> str:
    if value in (None, ""):
        return ""
    if not isinstance(value, str) or not value.startswith("/") or not value.isprintable():
        _refuse(key, "an absolute path", value)
    return value


def _sources(value: Any) -> tuple[Source, ...]:
    if not isinstance(value, (list, tuple)):
        _refuse("path_sources", "a list of names of servers and storage agents", value)
    found: list[Source] = []
    for place, entry in enumerate(value):
        what = f"path_sources[{place}]"
        given = {"name": entry} if isinstance(entry, str) else entry
        if not isinstance(given, Mapping) or given.get("name") is None:
            _refuse(what, "a name, or a dictionary with the key name", entry)
        unknown = sorted(str(key) for key in given if key not in ("name", "type"))
        if unknown:
            msg = f"application_storage_protect_{what} must have no key {unknown[0][:60]!r}; there are name, type"
            raise InvalidValueError(msg)
        kind = given.get("type") or "server"
        if kind not in _SOURCE_TYPES:
            _refuse(f"{what}.type", "server (also of a storage agent) or datamover", kind)
        name = str(given["name"]).upper()
        if not _NAME.fullmatch(name):
            _refuse(f"{what}.name", "the name of a server, a storage agent or a data mover", given["name"])
        if name in [one.name for one in found]:
            msg = f"application_storage_protect_path_sources must name each source once, but {name} is there twice"
            raise InvalidValueError(msg)
        found.append(Source(name, kind))
    return tuple(found)


def _drive_names(value: Any) -> dict[str, tuple[tuple[str, str], ...]]:
    if not isinstance(value, Mapping):
        _refuse("drive_names", "a dictionary of serial number to LIBRARY/DRIVE", value)
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    owners: dict[tuple[str, str], str] = {}
    for serial, entries in value.items():
        what = f"drive_names[{str(serial)[:64]}]"
        drive = _identifiers.serial(str(serial), f"application_storage_protect_{what}: its key")
        some = entries if isinstance(entries, (list, tuple)) else [entries]
        names = [_DRIVE.fullmatch(entry.upper()) if isinstance(entry, str) else None for entry in some]
        if not names or None in names:
            _refuse(what, "LIBRARY/DRIVE, or a list of these", entries)
        found[drive] = tuple((name[1], name[2]) for name in names if name)
        for library, name in found[drive]:
            if owners.setdefault((library, name), drive) != drive:
                msg = (
                    f"application_storage_protect_drive_names must give a name to one drive only, but {library}/{name} is that of"
                    f" {owners[library, name]} and of {drive}"
                )
                raise InvalidValueError(msg)
    return found


def _messages(value: Any) -> tuple[int, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        _refuse("conflict_messages", "a list of numbers of messages, such as 8779 for ANR8779E", value)
    return tuple(_whole(f"conflict_messages[{place}]", entry, _LAST_MESSAGE) for place, entry in enumerate(value))


def _compiled(key: str, pattern: Any) -> re.Pattern[str]:
    try:
        return re.compile(str(pattern))
    except (re.error, OverflowError, RecursionError) as exc:
        msg = f"application_storage_protect_{key} must be a regular expression: {exc}"
        raise InvalidValueError(msg) from exc


def _flag(key: str, value: Any) -> bool:
    # Inventories in INI form, and --extra-vars key=value, give text.
    if isinstance(value, str) and value.lower() in ("true", "yes", "false", "no"):
        return value.lower() in ("true", "yes")
    if not isinstance(value, bool):
        _refuse(key, "true or false", value)
    return value


def _whole(what: str, value: Any, most: int) -> int:
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) > most:
        _refuse(what, f"a whole number from 0 to {most}", value)
    return int(text)


def _refuse(what: str, form: str, value: Any) -> NoReturn:
    msg = f"application_storage_protect_{what} must be {form}, not {str(value)[:60]!r}"
    raise InvalidValueError(msg)


def types_of(sources: Sequence[Source]) -> dict[str, str]:
    """The type of each source, by its name."""
    return {source.name: source.type for source in sources}
