# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EMC NetWorker, by nsradmin. Private: may change at any time.

A drive is one or more resources of type NSR device, one for each storage node; its name holds the node and the device file.
nsradmin begins with all resources of the server selected, and what ``update`` then sets is set on all that are selected. So before
each device the server's own resource is selected, which has no attribute ``enabled``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _named_drives
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import (
    Dialogue,
    Reading,
    Said,
    Setting,
    Target,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import failure_words, first_words
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._named_drives import Names, Row

__all__ = ["OPTIONS", "SCOPES", "check", "queries", "read", "said", "settings"]

OPTIONS: dict[str, dict[str, Any]] = {
    "command": {"type": "list", "elements": "str", "default": ["nsradmin"]},
    "server": {"type": "str"},
    **_named_drives.OPTIONS,
    "offline_value": {"type": "str", "choices": ["No", "Service"], "default": "No"},
    "confirm_update": {"type": "bool", "default": True},
    "in_use_pattern": {"type": "str", "default": r"^volume name: \S"},
    "offline_kills_job": {"type": "bool", "default": True},
    "success_codes": {"type": "list", "elements": "int", "default": [0]},
}
#: The server has one state of a device.
SCOPES = ("instance",)

_NAMES = Names("networker", "NetWorker")
_VALUES = ("No", "Service")
_ATTRIBUTES = ("name", "enabled", "volume name", "message")
_STATES = {"yes": "online", "no": "offline", "service": "offline"}
#: What is selected when it must not be a device.
_SERVER = ". type: NSR"
_NOBODY = "No resources found for query:"
_ATTRIBUTE = re.compile(r"\s*([A-Za-z][A-Za-z0-9 ()/_-]*): ?(.*)")
_REMOTE = re.compile(r"rd=([^:]+):(.+)")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?")
_NAME = re.compile(r'\s*name: ?"?([^";]*)"?;')
_FAILED = re.compile(
    r".*\b(?:update failed|not allowed|permission denied|does not have privilege|unknown attribute)\b.*", re.IGNORECASE
)


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """Validate; every message names the option as the user wrote it."""
    final: dict[str, Any] = {key: spec.get("default") for key, spec in OPTIONS.items()} | dict(options)
    final["command"] = _NAMES.command("command", final["command"])
    server = final["server"]
    if server is not None and not (isinstance(server, str) and _HOST.fullmatch(server)):
        _NAMES.refuse("server", "the name of a host", server)
    _NAMES.check(final)
    if final["offline_value"] not in _VALUES:
        # Without quotes YAML takes No for false.
        if final["offline_value"] is not False:
            _NAMES.refuse("offline_value", " or ".join(_VALUES), final["offline_value"])
        final["offline_value"] = "No"
    for key in ("confirm_update", "offline_kills_job"):
        final[key] = _flag(key, final[key])
    final["in_use_pattern"] = _compiled(final["in_use_pattern"])
    codes = final["success_codes"]
    if not isinstance(codes, (list, tuple)) or not codes or not all(re.fullmatch(r"[0-9]{1,3}", str(code)) for code in codes):
        _NAMES.refuse("success_codes", "a list of whole numbers", codes)
    final["success_codes"] = [int(str(code)) for code in codes]
    return final


def _flag(key: str, value: Any) -> bool:
    # Inventories in INI form, and --extra-vars key=value, give text.
    if isinstance(value, str) and value.lower() in ("true", "yes", "false", "no"):
        return value.lower() in ("true", "yes")
    if not isinstance(value, bool):
        _NAMES.refuse(key, "true or false", value)
    return value


def _compiled(pattern: Any) -> re.Pattern[str] | None:
    try:
        return None if pattern is None else re.compile(str(pattern), re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as exc:
        msg = f"application_networker_in_use_pattern must be a regular expression: {exc}"
        raise InvalidValueError(msg) from exc


def _words(options: Mapping[str, Any]) -> tuple[str, ...]:
    return (*options["command"], *(("-s", options["server"]) if options["server"] else ()), "-i", "-")


def queries(options: Mapping[str, Any], targets: Sequence[Target]) -> list[list[str] | Dialogue]:
    """One dialogue for all devices."""
    return [Dialogue(_words(options), (". type: NSR device", f"show {'; '.join(_ATTRIBUTES)}", "print"))]


def read(options: Mapping[str, Any], targets: Sequence[Target], answers: Sequence[Any]) -> Reading:
    """Find the drives; a drive that cannot be told for sure is a problem, one sentence each."""
    problem = _trouble(options, answers[0])
    rows: list[Row] = []
    for block in [] if problem else _blocks(answers[0].output):
        row = _row(options, block)
        if isinstance(row, str):
            problem = row
            break
        rows.append(row)
    if not problem and not rows and _NOBODY not in answers[0].output:
        problem = f"nsradmin printed no devices: {first_words(answers[0].output) or '(nothing)'}"
    if problem:
        return Reading(problems={target.drive: problem for target in targets})
    # A drive may have a name on each storage node, and only those that are asked about are known to be one.
    return _NAMES.read(options, targets, rows, counted=False)


def _trouble(options: Mapping[str, Any], answer: Any) -> str:
    if answer.timed_out:
        return "nsradmin did not end in time and was stopped"
    if answer.rc is None:
        return "nsradmin was not run"
    if answer.rc in (126, 127):
        return f"nsradmin cannot be run: {failure_words(answer.rc, answer.output)}; give its path in application_networker_command"
    if answer.rc not in options["success_codes"]:
        return f"nsradmin ended with exit status {answer.rc}: {first_words(answer.output) or '(nothing)'}"
    return "nsradmin printed more than can be read" if answer.truncated else ""


def _blocks(output: str) -> Iterable[dict[str, str]]:
    """Give the attributes of each resource; what is in no form that is known stands under an empty name."""
    block: dict[str, str] = {}
    open_name: str | None = None
    for line in [*output.splitlines(), ""]:
        text = line.strip()
        if open_name is not None and text:
            # A value goes on until a line ends with a semicolon.
            block[open_name] += f" {text}"
        elif not text or text.startswith(_NOBODY):
            if block:
                yield block
            block, open_name = {}, None
            continue
        else:
            match = _ATTRIBUTE.fullmatch(line)
            if not match:
                block.setdefault("", text)
                continue
            open_name = match[1].strip().lower()
            if open_name in block:
                block.setdefault("", text)
            block[open_name] = match[2].strip()
        if block[open_name].endswith(";"):
            block[open_name] = block[open_name][:-1].rstrip()
            open_name = None


def _row(options: Mapping[str, Any], block: Mapping[str, str]) -> Row | str:
    """Give a device, or one sentence."""
    if "" in block:
        return f"nsradmin printed what is no attribute of a device: {first_words(block['']) or '(nothing)'}"
    name, enabled = _plain(block.get("name", "")), _plain(block.get("enabled", ""))
    if not name or not enabled or block["name"].endswith('"') != block["name"].startswith('"'):
        return f"nsradmin printed a device without name or enabled: {first_words(str(dict(block)))}"
    if not name.isprintable() or '"' in name or "\\" in name:
        return f"nsradmin printed a device whose name cannot be said to it: {first_words(name)}"
    remote = _REMOTE.fullmatch(name)
    # A device without a node is one of the server itself.
    host, device = (remote[1], remote[2]) if remote else (options["server"] or "", name)
    text = "\n".join(f"{key}: {_plain(value)}" for key, value in block.items())
    pattern = options["in_use_pattern"]
    in_use = bool(pattern and pattern.search(text))
    state = _STATES.get(enabled.lower(), "other")
    volume = _plain(block.get("volume name", ""))
    shown = f"enabled {enabled}" + (f", volume {volume}" if volume else "")
    message = _plain(block.get("message", ""))
    return Row(
        name, state, first_words(shown + (f", {message}" if message else "")), device=device, host=host, in_use=in_use,
        ending=state == "offline" and in_use and not options["offline_kills_job"],
    )


def _plain(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def settings(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], targets: Sequence[Target]
) -> list[Setting]:
    """One dialogue for all drives."""
    if not targets:
        return []
    lines = [line for target in targets for name in names[target.drive] for line in _lines(options, state, target.drive, name)]
    dialogue = Dialogue(_words(options), ("show name", *lines, "quit"))
    return [Setting(tuple(target.drive for target in targets), (dialogue,))]


def _lines(options: Mapping[str, Any], state: str, drive: str, name: str) -> Iterable[tuple[str, str]]:
    value = "Yes" if state == "online" else options["offline_value"]
    yield drive, _SERVER
    # Without a semicolon at the end, which would have the next line belong to it.
    yield drive, f'. type: NSR device; name: "{name}"'
    # It shows what is selected, so that it can be told to which device the words behind it belong.
    yield drive, "print"
    yield drive, f"update enabled: {value}"
    if options["confirm_update"]:
        yield drive, "y"


def said(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], answers: Sequence[Any]
) -> dict[str, Said]:
    """Why nothing was set."""
    result: dict[str, Said] = {}
    owners = {name: drive for drive, some in names.items() for name in some}
    shown: set[str] = set()
    #: What was refused while something else was selected, or nothing was shown.
    others = ""
    for answer in answers:
        trouble = _trouble(options, answer)
        for drive in names if trouble else ():
            result.setdefault(drive, Said(trouble))
        selected = ""
        for row in answer.output.splitlines():
            name = _NAME.fullmatch(row)
            if name:
                selected = name[1].strip()
                shown.add(selected)
            elif _FAILED.fullmatch(row.strip()) and selected in owners:
                result.setdefault(owners[selected], Said(f"nsradmin says: {first_words(row)}"))
            elif _FAILED.fullmatch(row.strip()):
                others = others or f"nsradmin says: {first_words(row)}"
    gone = {device: drive for device, drive in owners.items() if shown and device not in shown}
    for device, drive in gone.items():
        result.setdefault(drive, Said(f"nsradmin does not find device {device} any more"))
    for drive in names if others and not gone else ():
        result.setdefault(drive, Said(others))
    return result
