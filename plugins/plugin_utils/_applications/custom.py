# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any product, by configured argument lists and patterns. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import (
    Found,
    Reading,
    Setting,
    Target,
)
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
_LISTS = {"{names}": "name", "{serials}": "serial", "{devices}": "device"}
_PLACE = re.compile(r"\{(name|serial|device)\}")
_ANY_PLACE = re.compile(r"\{(names|serials|devices|name|serial|device|reason)\}")


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """Validate and compile; every message names the option as the user wrote it."""
    final = {key: spec.get("default") for key, spec in OPTIONS.items()} | dict(options)
    for key in ("query_command", "offline_command", "online_command"):
        words = final[key]
        if not isinstance(words, (list, tuple)) or not words or not all(isinstance(word, str) for word in words):
            msg = f"application_custom_{key} must be a list of words with the command first, not {str(words)[:60]!r}"
            raise InvalidValueError(msg)
        if not words[0] or any("\0" in word for word in words):
            msg = f"application_custom_{key} must start with a command, and no word may hold NUL"
            raise InvalidValueError(msg)
        final[key] = list(words)
    for key in ("offline_command", "online_command"):
        if not any(_ANY_PLACE.search(word) for word in final[key]):
            msg = f"application_custom_{key} must name the drive by {{name}}, {{serial}}, {{device}} or a list form of it"
            raise InvalidValueError(msg)
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
    return final


def _compiled(key: str, pattern: Any) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        return re.compile(str(pattern), re.MULTILINE)
    except re.error as exc:
        msg = f"application_custom_{key} must be a regular expression: {exc}"
        raise InvalidValueError(msg) from exc


def _names(serial: Any, value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(name, str) and name for name in names):
        msg = f"application_custom_drive_names[{serial}] must be a name or a list of names, not {str(value)[:60]!r}"
        raise InvalidValueError(msg)
    return tuple(names)


def queries(options: Mapping[str, Any], targets: Sequence[Target]) -> list[list[str]]:
    """One command for all drives, or one for each name of each drive if the command names a drive."""
    command = options["query_command"]
    if _for_each(options):
        return [
            [_fill(word, target, name) for word in command]
            for target in targets
            for name in _configured(options, target)
        ]
    return [
        [
            filled
            for word in command
            for filled in (
                [word] if word not in _LISTS
                else [value for target in targets for value in _values(options, _LISTS[word], target)]
            )
        ]
    ]


def _for_each(options: Mapping[str, Any]) -> bool:
    return any(_PLACE.search(word) for word in options["query_command"])


def _configured(options: Mapping[str, Any], target: Target) -> tuple[str, ...]:
    return options["drive_names"].get(target.drive, (target.drive,))


def _values(options: Mapping[str, Any], kind: str, target: Target) -> tuple[str, ...]:
    if kind == "serial":
        return (target.drive,)
    if kind == "device":
        return target.devices[:1]
    return _configured(options, target)


def _fill(word: str, target: Target, name: str) -> str:
    device = target.devices[0] if target.devices else ""
    values = {"name": name, "serial": target.drive, "device": device, "reason": target.reason}
    return re.sub(r"\{(name|serial|device|reason)\}", lambda match: values[match.group(1)], word)


def read(options: Mapping[str, Any], targets: Sequence[Target], answers: Sequence[Any]) -> Reading:
    """Find the drives in the answers.

    ``answers``: one ``_guarded.CommandAnswer`` per query, in the same order. A drive counts as not configured only if
    the query worked: it ended with a code of success_codes, and either query_valid_pattern or at least one drive was
    found in it.
    """
    reading = Reading()
    rows: list[dict[str, Any]] = []
    place = 0
    # A query for each drive tells of that drive only; one for all tells of all.
    groups = [[target] for target in targets] if _for_each(options) else [list(targets)]
    for group in groups:
        count = len(queries(options, group))
        part = answers[place:place + count]
        place += count
        found, problem = _rows(options, part)
        rows += found
        if problem:
            reading.problems.update({target.drive: problem for target in group})
    owners: dict[str, list[str]] = {}
    matched: dict[str, list[dict[str, Any]]] = {}
    for target in targets:
        if target.drive in reading.problems:
            continue
        matched[target.drive] = _matching(options, target, rows)
        for row in matched[target.drive]:
            owners.setdefault(row["name"], []).append(target.drive)
    for target in targets:
        mine = matched.get(target.drive, [])
        shared = sorted({row["name"] for row in mine if len(set(owners[row["name"]])) > 1})
        if shared:
            drives = ", ".join(sorted(set(owners[shared[0]])))
            reading.problems[target.drive] = f"the application's drive {shared[0]} would be several drives: {drives}"
        elif mine:
            reading.drives[target.drive] = _found(mine)
    if not _for_each(options):
        reading.online = len({row["name"] for row in rows if row["state"] == "online"})
    return reading


def _rows(options: Mapping[str, Any], answers: Sequence[Any]) -> tuple[list[dict[str, Any]], str | None]:
    """Find the drives in the answers of one query, or say in one sentence why nothing can be said."""
    rows: list[dict[str, Any]] = []
    for answer in answers:
        problem = _problem(options, answer)
        if problem:
            return [], problem
        rows += [_row(options, match) for match in options["query_pattern"].finditer(answer.output)]
    valid = options["query_valid_pattern"]
    if not rows and not (answers and valid and all(valid.search(answer.output) for answer in answers)):
        text = _short(answers[0].output) if answers else "(nothing)"
        return [], f"the query answered, but nothing in it matches application_custom_query_pattern: {text}"
    return rows, None


def _problem(options: Mapping[str, Any], answer: Any) -> str | None:
    if answer.timed_out:
        return "the query did not end in time and was stopped"
    if answer.rc not in options["success_codes"]:
        return f"the query failed with exit status {answer.rc}: {_short(answer.output)}"
    if answer.truncated:
        return "the query printed more than can be read"
    return None


def _row(options: Mapping[str, Any], match: re.Match[str]) -> dict[str, Any]:
    groups = match.groupdict()
    shown = (groups["state"] or "").strip()
    if options["online_pattern"].fullmatch(shown):
        state = "online"
    elif options["offline_pattern"].fullmatch(shown):
        state = "offline"
    else:
        state = "other"
    in_use, conflict = (
        bool(options[key] and options[key].search(match.group(0))) for key in ("in_use_pattern", "conflict_pattern")
    )
    return {
        "name": (groups["name"] or "").strip(), "serial": (groups.get("serial") or "").strip() or None,
        "device": (groups.get("device") or "").strip() or None,
        "shown": shown, "state": state, "in_use": in_use, "conflict": conflict,
    }


def _matching(options: Mapping[str, Any], target: Target, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The product's own serial number first, then the device path, then the configured names, then name = serial."""
    for key, wanted in (
        ("serial", {target.drive}),
        ("device", set(target.devices)),
        ("name", set(_configured(options, target))),
    ):
        found = [row for row in rows if row[key] and row[key] in wanted]
        if found:
            return found
    return []


def _found(rows: Sequence[Mapping[str, Any]]) -> Found:
    states = [row["state"] for row in rows]
    worst = next(state for state in ("other", "online", "offline") if state in states)
    return Found(
        names=tuple(dict.fromkeys(row["name"] for row in rows)), state=worst,
        shown=", ".join(f"{row['name']}: {row['shown']}" for row in rows),
        in_use=any(row["in_use"] for row in rows), conflict=any(row["conflict"] for row in rows),
    )


def settings(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], targets: Sequence[Target]
) -> list[Setting]:
    """One setting for all drives if the command takes a list, else one for each drive."""
    command = options[f"{state}_command"]
    if any(word in _LISTS for word in command):
        words: list[str | tuple[str, str]] = []
        for word in command:
            if word not in _LISTS:
                words.append(_fill(word, targets[0], ""))
                continue
            for target in targets:
                values = names[target.drive] if word == "{names}" else _values(options, _LISTS[word], target)
                words += [(target.drive, value) for value in values]
        return [Setting(tuple(target.drive for target in targets), (tuple(words),))] if targets else []
    by_name = any("{name}" in word for word in command)
    return [
        Setting(
            (target.drive,),
            tuple(
                tuple(_fill(word, target, name) for word in command)
                for name in (names[target.drive] if by_name else names[target.drive][:1])
            ),
        )
        for target in targets
    ]


def _short(text: str) -> str:
    """The first words of a foreign text, printable, for a message."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[:400]).split())
    return (line[:117] + "...") if len(line) > 120 else (line or "(nothing)")
