# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Veeam Backup & Replication, by its PowerShell cmdlets on the backup server. Private: may change at any time.

One cmdlet shows all drives with their serial numbers. A drive is set by its identifier together with the serial number that
was read, which the module ``application_step_windows`` compares again, as it looks again whether the drive is in use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import (
    Found,
    Reading,
    Said,
    Setting,
    Target,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words

__all__ = ["OPTIONS", "SCOPES", "SHELLS", "check", "queries", "read", "recheck", "said", "settings"]

OPTIONS: dict[str, dict[str, Any]] = {
    "drive_names": {"type": "dict", "default": {}},
    "recheck": {"type": "int", "default": 900},
}
#: The backup server gives the drives of all its tape servers to its jobs.
SCOPES = ("instance",)
SHELLS = ("powershell",)

_QUERY = "Get-VBRTapeDrive"
_COMMANDS = {"offline": "Disable-VBRTapeDrive", "online": "Enable-VBRTapeDrive"}
#: What nothing can be said without; a version that does not show it is not known.
_NEEDED = ("Id", "SerialNumber", "Enabled", "IsLocked")
_ID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_NAME = re.compile(rf".*\(serial (?P<serial>\S+), id (?P<id>{_ID})\)", re.DOTALL)
_SERIAL = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
#: What stands for a serial number that cannot be told to the cmdlet.
_NO_SERIAL = "-"
_DONE = ("done", "already")
_MOST_RECHECK = 3600
_NOT_FOUND = 127


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """Validate; every message names the option as the user wrote it."""
    final: dict[str, Any] = {key: spec["default"] for key, spec in OPTIONS.items()} | dict(options)
    if not isinstance(final["drive_names"], Mapping):
        _refuse("drive_names", "a dictionary of serial number to name or identifier", final["drive_names"])
    owners: dict[str, str] = {}
    names: dict[str, tuple[str, ...]] = {}
    for key, value in final["drive_names"].items():
        what = f"drive_names[{str(key)[:64]}]"
        serial = _identifiers.serial(str(key), f"application_veeam_{what}: its key")
        some = [value] if isinstance(value, str) else value
        if not isinstance(some, (list, tuple)) or not some or not all(isinstance(one, str) and one.strip() for one in some):
            _refuse(what, "a name or identifier of Veeam's, or a list of them", value)
        names[serial] = tuple(one.strip().casefold() for one in some)
        for one in names[serial]:
            if owners.setdefault(one, serial) != serial:
                msg = f"application_veeam_drive_names must give a name to one drive only, but {one} is that of {owners[one]} and of {serial}"
                raise InvalidValueError(msg)
    text = str(final["recheck"])
    if isinstance(final["recheck"], bool) or not re.fullmatch(r"[0-9]{1,4}", text) or int(text) > _MOST_RECHECK:
        _refuse("recheck", f"a whole number from 0 to {_MOST_RECHECK}", final["recheck"])
    return {**final, "drive_names": names, "recheck": float(text)}


def _refuse(what: str, form: str, value: Any) -> NoReturn:
    msg = f"application_veeam_{what} must be {form}, not {str(value)[:60]!r}"
    raise InvalidValueError(msg)


def recheck(options: Mapping[str, Any]) -> float:
    """Nobody has tried whether a drive that is disabled stays so over a restart or a rescan."""
    return float(options["recheck"])


def queries(options: Mapping[str, Any], targets: Sequence[Target]) -> list[list[str]]:
    """One for all drives."""
    return [[_QUERY]] if targets else []


def read(options: Mapping[str, Any], targets: Sequence[Target], answers: Sequence[Any]) -> Reading:
    """Find the drives; a drive that cannot be told for sure is a problem, one sentence each."""
    reading = Reading()
    if not targets:
        return reading
    rows, problem = _rows(answers[0])
    if problem:
        reading.problems = {target.drive: problem for target in targets}
        return reading
    reading.online = sum(row["Enabled"] is True for row in rows)
    owners: dict[str, list[str]] = {}
    mine: dict[str, list[Mapping[str, Any]]] = {}
    for target in targets:
        mine[target.drive], problem = _matching(options, target.drive, rows)
        if problem:
            reading.problems[target.drive] = problem
        for row in mine[target.drive]:
            owners.setdefault(row["Id"], []).append(target.drive)
    for drive, some in mine.items():
        shared = next((row for row in some if len(owners[row["Id"]]) > 1), None)
        if drive in reading.problems:
            continue
        if shared:
            drives = ", ".join(sorted(owners[shared["Id"]]))
            reading.problems[drive] = f"Veeam's drive {_name(shared)} would be several drives: {drives}; correct application_veeam_drive_names"
        elif some:
            reading.drives[drive] = _found(some)
    return reading


def _matching(
    options: Mapping[str, Any], drive: str, rows: Sequence[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], str | None]:
    """Those that show the serial number; of a drive of which none does, those with a configured name or identifier."""
    found = [row for row in rows if row["SerialNumber"] == drive]
    if found:
        return found, None
    for name in options["drive_names"].get(drive, ()):
        some = [row for row in rows if name in (row["Id"].casefold(), row["Name"].casefold())]
        if len(some) > 1:
            ids = ", ".join(row["Id"] for row in some)
            return [], f"Veeam has several drives of the name {some[0]['Name']}; give an identifier in application_veeam_drive_names: {ids}"
        found += some
    return found, None


def _found(rows: Sequence[Mapping[str, Any]]) -> Found:
    states = [{True: "online", False: "offline"}.get(row["Enabled"], "other") for row in rows]
    used = any(row["IsLocked"] for row in rows)
    state = next(state for state in ("other", "online", "offline") if state in states)
    return Found(
        names=tuple(_name(row) for row in rows), state=state,
        shown="; ".join(f"{row['Name']}: {_shown(row)}" for row in rows),
        # What is disabled while it is locked goes on until it ends.
        in_use=used, ending=used and state == "offline",
    )


def _shown(row: Mapping[str, Any]) -> str:
    words = {True: "Enabled", False: "Disabled"}.get(row["Enabled"], f"Enabled={row['Enabled']}")
    return f"{words}, IsLocked" if row["IsLocked"] else words


def _name(row: Mapping[str, Any]) -> str:
    serial = row["SerialNumber"] if _SERIAL.fullmatch(row["SerialNumber"]) else _NO_SERIAL
    return f"{row['Name']} (serial {serial}, id {row['Id']})"


def _rows(answer: Any) -> tuple[list[dict[str, Any]], str | None]:
    """Give all drives that Veeam has, or say in one sentence why nothing can be said."""
    problem = _problem(answer)
    if problem:
        return [], problem
    rows = _list(answer.output)
    if rows is None or not all(isinstance(row, Mapping) for row in rows):
        return [], f"{_QUERY} gave no list of drives: {first_words(answer.output) or '(nothing)'}"
    if not rows:
        return [], (
            f"{_QUERY} shows no tape drive at all; if Veeam has none there, take it out of drive_sharing_applications, else see which"
            " server it is connected to"
        )
    for row in rows:
        missing = next((key for key in _NEEDED if row.get(key) is None), None)
        if missing:
            return [], f"{_QUERY} shows a drive without {missing}, so this version of Veeam is not known: {first_words(json.dumps(row))}"
        if not re.fullmatch(_ID, str(row["Id"])):
            return [], f"{_QUERY} shows a drive whose Id is no identifier: {first_words(str(row['Id']), 60)}"
    return [
        {
            "Id": str(row["Id"]), "Name": first_words(str(row.get("Name") or ""), 60), "SerialNumber": str(row["SerialNumber"]).strip(" \t\0"),
            "Enabled": row["Enabled"], "IsLocked": row["IsLocked"] is not False,
        }
        for row in rows
    ], None


def _problem(answer: Any) -> str | None:
    said = first_words(answer.output) or "(nothing)"
    if answer.timed_out:
        return (
            "the query did not end in time and was stopped; loading Veeam's module alone may take longer than"
            " drive_sharing_handshake_timeout"
        )
    if answer.rc == _NOT_FOUND:
        return f"{said.rstrip('.')}; is this the backup server, and does its PowerShell fit the version of Veeam?"
    if answer.rc != 0:
        return f"Veeam's PowerShell says: {said.rstrip('.')}"
    if answer.truncated:
        return f"{_QUERY} printed more than can be read"
    return None


def _list(text: str) -> list[Any] | None:
    """Give the list that PowerShell's JSON is: one object stands for itself, and 5.1 puts some lists into an object."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, Mapping) and set(value) == {"value", "Count"}:
        value = value["value"]
    if isinstance(value, Mapping):
        return [value]
    return value if isinstance(value, list) else None


def settings(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], targets: Sequence[Target]
) -> list[Setting]:
    """One cmdlet for all drives; each is told as its serial number and its identifier."""
    if not targets:
        return []
    words = [(target.drive, word) for target in targets for word in _words(names[target.drive])]
    return [Setting(tuple(target.drive for target in targets), ((_COMMANDS[state], *words),))]


def _words(names: Sequence[str]) -> list[str]:
    found = [_NAME.fullmatch(name) for name in names]
    return [f"{one['serial']}/{one['id']}" for one in found if one]


def said(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], answers: Sequence[Any]
) -> dict[str, Said]:
    """Find why drives were not set: the module says it of each."""
    result: dict[str, Said] = {}
    for answer in answers:
        rows = _list(answer.output)
        if rows is None:
            trouble = _problem(answer) or f"{_COMMANDS[state]} said: {first_words(answer.output) or '(nothing)'}"
            return {drive: Said(trouble) for drive in names}
        by_word = {str(row.get("drive")): row for row in rows if isinstance(row, Mapping)}
        for drive, some in names.items():
            for word in _words(some):
                row = by_word.get(word, {"outcome": "over", "message": "it was not reached"})
                if row.get("outcome") not in _DONE:
                    why = first_words(str(row.get("message") or "no reason was given")).rstrip(".")
                    result[drive] = Said(f"Veeam's drive {word.partition('/')[2]} was not set: {why}")
    return result
