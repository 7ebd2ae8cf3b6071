# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the application custom in their final form. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

OPTIONS: dict[str, dict[str, Any]] = {
    "query_command": {"type": "list", "elements": "str", "required": True},
    "offline_command": {"type": "list", "elements": "str", "required": True},
    "online_command": {"type": "list", "elements": "str", "required": True},
    "query_pattern": {"type": "str", "required": True},
    "query_valid_pattern": {"type": "str"},
    "online_pattern": {"type": "str", "default": "(?i)online"},
    "offline_pattern": {"type": "str", "default": "(?i)offline"},
    "in_use_pattern": {"type": "str"},
    "conflict_pattern": {"type": "str"},
    "drive_names": {"type": "dict", "default": {}},
    "success_codes": {"type": "list", "elements": "int", "default": [0]},
    "offline_kills_job": {"type": "bool", "default": True},
}

_PATTERNS = (
    "query_pattern", "query_valid_pattern", "online_pattern", "offline_pattern", "in_use_pattern", "conflict_pattern",
)
#: A word that is exactly one of these takes many drives in one command; inside a word, the singular takes one.
LISTS = {"{names}": "name", "{serials}": "serial", "{devices}": "device"}
PLACE = re.compile(r"\{(name|serial|device)\}")
LIST = re.compile(r"\{(?:names|serials|devices)\}")


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """Validate and compile; every message names the option as the user wrote it."""
    final: dict[str, Any] = {key: spec.get("default") for key, spec in OPTIONS.items()} | dict(options)
    for key in ("query_command", "offline_command", "online_command"):
        words = final[key]
        if not isinstance(words, (list, tuple)) or not words or not all(isinstance(word, str) for word in words):
            msg = f"application_custom_{key} must be a list of words with the command first, not {str(words)[:60]!r}"
            raise InvalidValueError(msg)
        if not words[0] or any("\0" in word for word in words):
            msg = f"application_custom_{key} must start with a command, and no word may hold NUL"
            raise InvalidValueError(msg)
        final[key] = list(words)
        _check_forms(key, final[key])
    for key in _PATTERNS:
        final[key] = _compiled(key, final[key])
    groups = set(final["query_pattern"].groupindex) if final["query_pattern"] else set()
    if not {"name", "state"} <= groups:
        msg = "application_custom_query_pattern must have the named groups (?P<name>...) and (?P<state>...)"
        raise InvalidValueError(msg)
    if not isinstance(final["drive_names"], Mapping):
        msg = "application_custom_drive_names must be a dictionary of serial number to name or list of names"
        raise InvalidValueError(msg)
    final["drive_names"] = {str(serial): _names(serial, value) for serial, value in final["drive_names"].items()}
    _check_names_once(final["drive_names"])
    final["success_codes"] = _codes(final["success_codes"])
    final["offline_kills_job"] = _flag("offline_kills_job", final["offline_kills_job"])
    return final


def _check_forms(key: str, words: Sequence[str]) -> None:
    """A form that would not be filled in would reach the application as it stands."""
    for word in words:
        form = LIST.search(word)
        if form and word not in LISTS:
            msg = f"application_custom_{key} must have {form.group()} as a word of its own, not in {word[:60]!r}"
            raise InvalidValueError(msg)
    many, one = (any(found.search(word) for word in words) for found in (LIST, PLACE))
    if many and one:
        msg = f"application_custom_{key} must have either list forms such as {{names}}, or forms for one drive such as {{name}}"
        raise InvalidValueError(msg)
    if key != "query_command" and not many and not one:
        msg = f"application_custom_{key} must name the drive by {{name}}, {{serial}}, {{device}} or a list form of it"
        raise InvalidValueError(msg)


def _check_names_once(names: Mapping[str, Sequence[str]]) -> None:
    owners: dict[str, str] = {}
    for serial, some in names.items():
        for name in some:
            if owners.setdefault(name, serial) != serial:
                msg = (
                    f"application_custom_drive_names must give a name to one drive only, but {name} is that of"
                    f" {owners[name]} and of {serial}"
                )
                raise InvalidValueError(msg)


def _codes(value: Any) -> list[int]:
    try:
        codes = [int(str(code)) for code in value] if isinstance(value, (list, tuple)) else []
    except ValueError:
        codes = []
    if not codes:
        msg = f"application_custom_success_codes must be a list of whole numbers, not {str(value)[:60]!r}"
        raise InvalidValueError(msg)
    return codes


def _flag(key: str, value: Any) -> bool:
    # Inventories in INI form, and --extra-vars key=value, give text.
    if isinstance(value, str) and value.lower() in ("true", "yes", "false", "no"):
        return value.lower() in ("true", "yes")
    if not isinstance(value, bool):
        msg = f"application_custom_{key} must be true or false, not {str(value)[:60]!r}"
        raise InvalidValueError(msg)
    return value


def _compiled(key: str, pattern: Any) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        return re.compile(str(pattern), re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as exc:
        msg = f"application_custom_{key} must be a regular expression: {exc}"
        raise InvalidValueError(msg) from exc


def _names(serial: Any, value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not names or not all(
        isinstance(name, str) and name and "\0" not in name for name in names
    ):
        msg = f"application_custom_drive_names[{serial}] must be a name or a list of names, not {str(value)[:60]!r}"
        raise InvalidValueError(msg)
    return tuple(names)
