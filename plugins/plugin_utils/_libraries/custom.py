# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A library that is told by configured commands or requests. Private: may change at any time.

A call is ``{command: [words], lines: [...]}`` or ``{method, path, body, content_type}``; in its texts ``{serial}``, ``{name}`` and
``{reason}`` are replaced: in a path percent-encoded, in a body that is a text as XML has it, elsewhere as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _identifiers,
    _library,
    _library_web_options,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library import Answer, Command, Seen, Way, Web

OPTIONS: dict[str, dict[str, Any]] = {
    **_library.COMMON,
    **_library_web_options.OPTIONS,
    "query": {"type": "list", "elements": "dict", "default": []},
    "query_pattern": {"type": "str", "default": ""},
    "error_pattern": {"type": "str", "default": ""},
    "ok_pattern": {"type": "str", "default": ""},
    "ways": {"type": "list", "elements": "dict", "default": []},
}
PLACES = ("serial", "name", "reason")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PLACE = re.compile(r"\{([a-z_]+)\}")
_KEYS = {"command": {"command", "lines"}, "path": {"method", "path", "body", "content_type"}}
_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+(?:; ?charset=[a-zA-Z0-9-]+)?")


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options in their final form."""
    given = _library.check_common(options)
    calls = _calls(given["query"], "query")
    checked = [_way(way, f"ways[{place}]") for place, way in enumerate(given["ways"])]
    if not calls or not checked:
        msg = f"library_custom_{'ways' if calls else 'query'} must not be empty; give the calls of your library"
        raise InvalidValueError(msg)
    if len({way["name"] for way in checked}) < len(checked):
        msg = "two of library_custom_ways have the same name"
        raise InvalidValueError(msg)
    told = [call for way in checked for wanted in _library.WANTED for call in way[wanted]]
    if any("path" in call for call in [*calls, *told]):
        given = _library_web_options.check(given, "custom")
    for option in ("query_pattern", "error_pattern", "ok_pattern"):
        _compiled(given[option], option)
    pattern = given["query_pattern"]
    if "state" not in _compiled(_PLACE.sub("x", pattern), "query_pattern").groupindex:
        msg = "library_custom_query_pattern needs a group (?P<state>...)"
        raise InvalidValueError(msg)
    named = ("{serial}", "{name}", "(?P<serial>", "(?P<name>")
    if not any(part in pattern for part in named) and not any(part in str(calls) for part in named[:2]):
        msg = "library_custom_query or library_custom_query_pattern must say which drive it is, by {serial} or {name}"
        raise InvalidValueError(msg)
    return {**given, "query": calls, "ways": checked}


def queries(options: Mapping[str, Any], drive: str) -> list[Command | Web]:
    """The calls that show the drive."""
    return [_call(options, call, drive) for call in options["query"]]


def read(options: Mapping[str, Any], drive: str, answers: Sequence[Answer]) -> Seen:
    """What they show."""
    name = _library.name_of(options, drive)
    values = {"serial": re.escape(drive), "name": re.escape(name)}
    pattern = re.compile(_fill(options["query_pattern"], values, str))
    wanted = {"serial": drive, "name": name}
    found = [
        match.groupdict()
        for match in pattern.finditer("\n".join(answer.text for answer in answers))
        if all(match.groupdict().get(key) in (None, value) for key, value in wanted.items())
    ]
    states = {str(one["state"]) for one in found if one["state"]}
    if len(states) != 1:
        return Seen("unknown", "shows several states of the drive" if states else "gave an answer that does not describe the drive")
    state = states.pop()
    kind = "other"
    for other, option in (("error", "error_pattern"), ("ok", "ok_pattern")):
        if re.fullmatch(options[option], state):
            kind = other
            break
    return Seen(kind, _library.shown(state), _library.shown(found[0].get("logical_library")) or None)


def ways(options: Mapping[str, Any]) -> list[Way]:
    """The ways, in the order in which they are tried."""
    return [Way(way["name"], way["effect"]) for way in options["ways"]]


def tell(options: Mapping[str, Any], way: Way, wanted: str, drive: str, seen: Seen) -> list[Command | Web]:
    """The calls of one way."""
    calls: list[Mapping[str, Any]] = next((one[wanted] for one in options["ways"] if one["name"] == way.name), [])
    return [_call(options, call, drive) for call in calls]


def _call(options: Mapping[str, Any], call: Mapping[str, Any], drive: str) -> Command | Web:
    values = {"serial": drive, "name": _library.name_of(options, drive), "reason": options["reason"]}
    if "command" in call:
        # No reason becomes an option of a command.
        plain = {**values, "reason": values["reason"].lstrip("-")}
        words, lines = (tuple(_fill(word, plain, str) for word in call.get(key) or ()) for key in ("command", "lines"))
        return Command(words, lines)
    body = _body(call.get("body"), values)
    path = _fill(call["path"], values, lambda value: quote(value, safe=""))
    return Web(call.get("method") or "GET", path, body, call.get("content_type") or "")


def _body(body: Any, values: Mapping[str, str]) -> Any:
    if isinstance(body, str):
        return _fill(body, values, lambda value: escape(value, {'"': "&quot;", "'": "&apos;"}))
    return _inside(body, values)


def _inside(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _inside(inner, values) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_inside(inner, values) for inner in value]
    return _fill(value, values, str) if isinstance(value, str) else value


def _fill(text: str, values: Mapping[str, str], form: Callable[[str], str]) -> str:
    return _PLACE.sub(lambda match: form(values[match[1]]) if match[1] in values else match[0], text)


def _compiled(pattern: str, option: str) -> re.Pattern[str]:
    try:
        found = re.compile(pattern)
    except re.error as exc:
        msg = f"library_custom_{option} is no regular expression: {exc}"
        raise InvalidValueError(msg) from None
    if found.fullmatch(""):
        msg = f"library_custom_{option} must be a regular expression that does not match nothing, not {_identifiers.shown(pattern)}"
        raise InvalidValueError(msg)
    return found


def _way(way: Mapping[str, Any], place: str) -> dict[str, Any]:
    where = f"library_custom_{place}"
    if set(way) != {"name", "effect", *_library.WANTED} or not isinstance(way["name"], str) or not way["name"]:
        msg = f"{where} must have name, effect, error and ok, and nothing else"
        raise InvalidValueError(msg)
    if way["effect"] not in _library.EFFECTS:
        msg = f"{where}.effect must be one of {', '.join(_library.EFFECTS)}, not {_identifiers.shown(way['effect'])}"
        raise InvalidValueError(msg)
    calls = {wanted: _calls(way[wanted], f"{place}.{wanted}") for wanted in _library.WANTED}
    if not all(calls.values()):
        msg = f"{where} must have calls for error and for ok"
        raise InvalidValueError(msg)
    return {"name": _library.shown(way["name"]), "effect": str(way["effect"]), **calls}


def _calls(calls: Any, place: str) -> list[dict[str, Any]]:
    where = f"library_custom_{place}"
    if not isinstance(calls, (list, tuple)) or not all(isinstance(call, Mapping) for call in calls):
        msg = f"{where} must be a list of calls, each a mapping with command or path"
        raise InvalidValueError(msg)
    for number, call in enumerate(calls):
        here = f"{where}[{number}]"
        kinds = [kind for kind in _KEYS if kind in call]
        if len(kinds) != 1 or not set(call) <= _KEYS[kinds[0]]:
            msg = f"{here} must have either command and lines, or path, method, body and content_type, and nothing else"
            raise InvalidValueError(msg)
        _check_texts(call, here)
        for match in _PLACE.finditer(str(call)):
            if match[1] not in PLACES:
                msg = f"{here} has {match[0]}; there are {', '.join(f'{{{one}}}' for one in PLACES)}"
                raise InvalidValueError(msg)
    return [dict(call) for call in calls]


def _check_texts(call: Mapping[str, Any], here: str) -> None:
    if "command" in call:
        words, lines = call["command"], call.get("lines") or []
        good = all(isinstance(part, (list, tuple)) and all(isinstance(word, str) for word in part) for part in (words, lines))
        if not good or not words or not words[0] or words[0].startswith(("-", "{")) or re.search(r"[\0\n]", "".join([*words, *lines])):
            msg = f"{here}.command must be a list of words that begins with a program, and lines a list of lines"
            raise InvalidValueError(msg)
        return
    if not isinstance(call["path"], str) or not _library_web_options.PATH.fullmatch(call["path"]):
        msg = f"{here}.path must be a path such as /drives/{{serial}}, not {_identifiers.shown(call['path'])}"
        raise InvalidValueError(msg)
    if (call.get("method") or "GET") not in METHODS:
        msg = f"{here}.method must be one of {', '.join(METHODS)}, not {_identifiers.shown(call['method'])}"
        raise InvalidValueError(msg)
    kind = call.get("content_type") or "text/xml"
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        msg = f"{here}.content_type must be one such as application/xml, not {_identifiers.shown(kind)}"
        raise InvalidValueError(msg)
