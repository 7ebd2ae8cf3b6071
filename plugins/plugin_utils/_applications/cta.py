# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CERN Tape Archive (CTA), by cta-admin. Private: may change at any time.

A drive has a desired state, which is set, and a status: a drive that is told to go down ends its session first, so it counts as
offline only when both say so. The name of a drive is taken for a regular expression, and a name that matches nothing is a
success to cta-admin. Nothing is ever forced.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _named_drives, _secret_file
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import (
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
    "command": {"type": "list", "elements": "str", "default": ["cta-admin"]},
    "config_file": {"type": "str"},
    "credentials_file": {"type": "str"},
    **_named_drives.OPTIONS,
    "conflict_pattern": {"type": "str"},
}
#: The catalogue has one state of a drive.
SCOPES = ("instance",)
#: Drives whose commands share the time of one handshake and one reading.
TOGETHER = 4

_NAMES = Names("cta", "CTA")
_IDLE = ("DOWN", "UP", "SHUTDOWN")
_DONE = re.compile(r"Drive (.+): set (Up|Down)\.")
_NONE = re.compile(r"No drives match .*")
#: A name that cta-admin takes for the first drive that it finds in its own configuration.
_FIRST = "first"


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """Validate; every message names the option as the user wrote it."""
    final: dict[str, Any] = {key: spec.get("default") for key, spec in OPTIONS.items()} | dict(options)
    final["command"] = _NAMES.command("command", final["command"])
    for key in ("config_file", "credentials_file"):
        path = final[key]
        if path is not None and not (isinstance(path, str) and path.startswith("/") and path.isprintable()):
            _NAMES.refuse(key, "an absolute path", path)
    _NAMES.check(final)
    pattern = final["conflict_pattern"]
    try:
        final["conflict_pattern"] = None if pattern is None else re.compile(str(pattern))
    except (re.error, OverflowError, RecursionError) as exc:
        msg = f"application_cta_conflict_pattern must be a regular expression: {exc}"
        raise InvalidValueError(msg) from exc
    # A session comes to its end before the drive goes down.
    final["offline_kills_job"] = False
    return final


def _words(options: Mapping[str, Any]) -> list[str]:
    return [*options["command"], *(["--config", options["config_file"]] if options["config_file"] else [])]


def queries(options: Mapping[str, Any], targets: Sequence[Target]) -> list[list[str]]:
    """Whether others can read the credentials, and one command for all drives."""
    command = options["command"]
    rest = ["--config", options["config_file"]] if options["config_file"] else []
    ask = [*command, "--json", *rest, "drive", "ls"]
    return [_secret_file.look(options["credentials_file"]), ask] if options["credentials_file"] else [ask]


def read(options: Mapping[str, Any], targets: Sequence[Target], answers: Sequence[Any]) -> Reading:
    """Find the drives; a drive that cannot be told for sure is a problem, one sentence each."""
    path = options["credentials_file"]
    problem = _secret_file.exposed(path, answers[0], "the credentials") if path else ""
    problem = problem or _trouble(answers[-1])
    items = [] if problem else _items(answers[-1].output)
    if items is None:
        problem = f"cta-admin did not print a list of drives: {first_words(answers[-1].output) or '(nothing)'}"
    rows: list[Row] = []
    for item in items or []:
        row = _row(options, item)
        if row is None:
            problem = f"cta-admin shows a drive without name or states: {first_words(json.dumps(item))}"
        elif row.name in [one.name for one in rows]:
            problem = f"cta-admin shows drive {first_words(row.name)} twice"
        else:
            rows.append(row)
    if problem:
        return Reading(problems={target.drive: problem for target in targets})
    return _NAMES.read(options, targets, rows)


def _trouble(answer: Any) -> str:
    if answer.timed_out:
        return "cta-admin did not end in time and was stopped"
    if answer.rc is None:
        return "cta-admin was not run"
    if answer.rc in (126, 127):
        return f"cta-admin cannot be run: {failure_words(answer.rc, answer.output)}; give its path in application_cta_command"
    if answer.rc == 1:
        return f"cta-admin did not reach the frontend, or was refused: {_said(answer.output)}"
    if answer.rc:
        return f"cta-admin ended with exit status {answer.rc}: {_said(answer.output)}"
    return "cta-admin printed more than can be read" if answer.truncated else ""


def _said(output: str) -> str:
    """Its words, without the empty list that it prints beside them."""
    return first_words(re.sub(r"^\[\]\s*|\s*\[\]$", "", output.strip())) or "(nothing)"


def _items(output: str) -> list[dict[str, Any]] | None:
    """Find the list among the lines of a log that may stand beside it; None: there is none, or more than one."""
    found = []
    end = 0
    for match in re.finditer(r"^\[", output, re.MULTILINE):
        if match.start() < end:
            continue
        try:
            value, end = json.JSONDecoder().raw_decode(output, match.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, list) and all(isinstance(one, dict) for one in value):
            found.append(value)
    return found[0] if len(found) == 1 else None


def _row(options: Mapping[str, Any], item: Mapping[str, Any]) -> Row | None:
    name, desired, status = (item.get(key) for key in ("driveName", "desiredDriveState", "driveStatus"))
    if not all(isinstance(one, str) and one for one in (name, desired, status)):
        return None
    desired, status = str(desired).upper(), str(status).upper().replace("_", "")
    reason = str(item.get("reason") or "")
    known = not status.startswith("UNKNOWN")
    working = known and status not in _IDLE
    if desired == "UP":
        state = "online"
    elif desired == "DOWN" and known:
        state = "offline"
    else:
        state = "other"
    pattern = options["conflict_pattern"]
    shown = f"desired {desired.capitalize()}, status {status.capitalize()}"
    if state != "online" and reason:
        shown += f", reason: {reason}"
    return Row(
        str(name), state, first_words(shown), device=str(item.get("devFileName") or ""), host=str(item.get("host") or ""),
        in_use=working,
        # Up, and not wished to be: it has not taken notice yet, and may begin another session until it has.
        ending=state == "offline" and (working or status == "UP"),
        conflict=bool(state == "offline" and pattern and pattern.search(reason)), pool=str(item.get("logicalLibrary") or ""),
    )


def settings(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], targets: Sequence[Target]
) -> list[Setting]:
    """One command for each name; some drives share one reading afterwards."""
    words = _words(options)
    verb = {"offline": "down", "online": "up"}[state]
    found = []
    for start in range(0, len(targets), TOGETHER):
        some = targets[start:start + TOGETHER]
        commands: tuple[tuple[str | tuple[str, str], ...], ...] = tuple(
            (*words, "drive", verb, (target.drive, expression(name)), "--reason", target.reason)
            for target in some for name in names[target.drive]
        )
        found.append(Setting(tuple(target.drive for target in some), commands))
    return found


def expression(name: str) -> str:
    """Give the regular expression that matches this name and no other; the frontend puts ^ before it and $ behind it."""
    escaped = re.sub(r"([.\[\]{}()\\*+?|^$])", r"\\\1", name)
    if name == _FIRST:
        return f"({name})"
    return f"[-]{escaped[1:]}" if name.startswith("-") else escaped


def said(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], answers: Sequence[Any]
) -> dict[str, Said]:
    """Find what was set in place of the drive that was meant, or why nothing was; one answer for each name."""
    result: dict[str, Said] = {}
    asked = [(drive, name) for drive, some in names.items() for name in some]
    wanted = {"offline": "Down", "online": "Up"}[state]
    for (drive, name), answer in zip(asked, answers, strict=False):
        if answer.rc is None and not answer.timed_out:
            continue
        trouble = _trouble(answer)
        if trouble:
            result.setdefault(drive, Said(trouble))
        for row in answer.output.splitlines():
            done = _DONE.fullmatch(row.strip())
            if done and (done[1], done[2]) != (name, wanted):
                result[drive] = Said(
                    f"cta-admin set drive {first_words(done[1])} {done[2]} in place of {name} {wanted}; put it right by hand",
                    wrong=True,
                )
            elif _NONE.fullmatch(row.strip()):
                result.setdefault(drive, Said(f"cta-admin says: {first_words(row)}"))
    return result
