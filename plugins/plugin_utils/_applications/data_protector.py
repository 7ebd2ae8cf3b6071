# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Data Protector, by omnidownload and omniupload in a cell console. Private: may change at any time.

A logical device is disabled by a line in its definition, which is downloaded, changed and uploaded as a whole; our script
does the three in one (``_data_protector_script``). The listing shows a device as disabled by the same line. Neither shows a
serial number, so devices are found by the configured names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _data_protector_script
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import (
    Reading,
    Said,
    Setting,
    Target,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured import Configured
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured_options import OPTIONS as CONFIGURED
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured_options import Product
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words

__all__ = ["OPTIONS", "SCOPES", "check", "queries", "read", "said", "settings"]

OPTIONS: dict[str, dict[str, Any]] = {
    "drive_names": CONFIGURED["drive_names"],
    "disable_behind": {"type": "str", "required": True},
    "omnidownload_command": {"type": "str", "default": "omnidownload"},
    "omniupload_command": {"type": "str", "default": "omniupload"},
    "server": {"type": "str"},
    "in_use_command": {"type": "list", "elements": "str"},
    "in_use_pattern": {"type": "str"},
    "offline_kills_job": CONFIGURED["offline_kills_job"],
}
#: The definition of a device belongs to the cell.
SCOPES = ("instance",)

_SHELL = "/bin/sh"
_NAME = "data-protector"
_WORD = re.compile(r"[A-Za-z_-][A-Za-z0-9_-]*")
_RECORDS = re.compile(r"^[ \t]*={5,}[ \t\r]*$", re.MULTILINE)
_DEVICE = re.compile(r'^[ \t]*NAME[ \t]+"([^"\n]+)"[ \t\r]*$', re.MULTILINE | re.IGNORECASE)
_DISABLE = re.compile(r"^[ \t]*-disable[ \t\r]*$", re.MULTILINE)
#: Longer than most sentences: a program's own words come last.
_MOST = 240


class _DataProtector(Configured):
    """Its listing has records, not lines."""

    def rows_of(self, options: Mapping[str, Any], output: str, library: str) -> list[dict[str, Any]]:
        """One for each logical device; what a record with several names says cannot be told."""
        rows = []
        for record in _RECORDS.split(output):
            names = _DEVICE.findall(record)
            if len(names) == 1:
                state, shown = ("offline", "disabled") if _DISABLE.search(record) else ("online", "enabled")
            else:
                state, shown = "other", "a record with several names"
            rows += [
                {"name": name, "serial": None, "device": None, "state": state, "in_use": False, "conflict": False, "shown": shown}
                for name in names
            ]
        return rows

    def nothing_found(self, key: str, said: str) -> str:
        """A cell without a device is not worth sharing."""
        return f"the listing shows no device: {said}"


_PRODUCT = _DataProtector(Product("data_protector"))


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options in their final form."""
    own = {key: options.get(key, spec.get("default")) for key, spec in OPTIONS.items()}
    if own["disable_behind"] is None:
        _refuse(
            "disable_behind", "be given: where the line -disable stands in the file of a device is not verified;"
            " docs/application_data_protector.md says how to see it",
        )
    if not isinstance(own["disable_behind"], str) or not _WORD.fullmatch(own["disable_behind"]):
        _refuse("disable_behind", f"be the first word of a line, not {str(own['disable_behind'])[:60]!r}")
    for key in ("omnidownload_command", "omniupload_command"):
        if not isinstance(own[key], str) or not own[key] or own[key].startswith("-") or re.search(r"[\0\n]", own[key]):
            _refuse(key, f"be the name or path of the program, not {str(own[key])[:60]!r}")
    if own["server"] is not None and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._:-]*", str(own["server"])):
        _refuse("server", f"be the name of a cell manager, not {str(own['server'])[:60]!r}")
    _check_in_use(own)
    base = _PRODUCT.check({
        "query_command": [_SHELL, "-c", _data_protector_script.LIST, _NAME, *_list_words(own)],
        "offline_command": ["{name}"], "online_command": ["{name}"], "query_pattern": r"(?P<name>)(?P<state>)",
        "drive_names": own["drive_names"], "offline_kills_job": own["offline_kills_job"],
    })  # fmt: skip
    for serial, names in base["drive_names"].items():
        wrong = next((name for name in names if name.startswith("-") or '"' in name or "\n" in name), None)
        if wrong is not None:
            _refuse(f"drive_names[{serial}]", f"be names of devices, without quotes and not like an option, not {wrong[:60]!r}")
    return {**own, **base, "in_use_pattern": own["in_use_pattern"]}


def _check_in_use(own: dict[str, Any]) -> None:
    """What shows the jobs is the site's own command."""
    command, pattern = own["in_use_command"], own["in_use_pattern"]
    if (command is None) != (pattern is None):
        missing, given = ("in_use_pattern", "in_use_command") if pattern is None else ("in_use_command", "in_use_pattern")
        _refuse(missing, f"be given together with application_data_protector_{given}")
    if command is None:
        return
    if not isinstance(command, (list, tuple)) or not command or not all(
        isinstance(word, str) and "\0" not in word for word in command
    ) or not command[0] or command[0].startswith("-"):
        _refuse("in_use_command", f"be a list of words with the command first, not {str(command)[:60]!r}")
    try:
        own["in_use_pattern"] = re.compile(str(pattern), re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as exc:
        _refuse("in_use_pattern", f"be a regular expression: {exc}")
    if "name" not in own["in_use_pattern"].groupindex:
        _refuse("in_use_pattern", "have the named group (?P<name>...)")


def _refuse(key: str, what: str) -> None:
    msg = f"application_data_protector_{key} must {what}"
    raise InvalidValueError(msg)


def _list_words(options: Mapping[str, Any]) -> list[str]:
    return [options["omnidownload_command"], "-list_devices", "-detail", *_server(options)]


def _server(options: Mapping[str, Any]) -> list[str]:
    return ["-server", str(options["server"])] if options["server"] is not None else []


def queries(options: Mapping[str, Any], targets: Sequence[Target]) -> list[list[str]]:
    """The listing of all devices, and where it is configured, what shows the devices in use."""
    more = [list(options["in_use_command"])] if options["in_use_command"] else []
    return [*_PRODUCT.queries(options, targets), *more]


def read(options: Mapping[str, Any], targets: Sequence[Target], answers: Sequence[Any]) -> Reading:
    """Find the drives in the answers."""
    reading = _PRODUCT.read(options, targets, answers[:1])
    if reading.online is not None:
        # The listing has devices for files on disk too, and several devices of one drive: only drives that are known count.
        rows = _PRODUCT.rows_of(options, answers[0].output, "")
        online = {row["name"] for row in rows if row["state"] == "online"}
        reading.online = sum(bool(online & set(names)) for names in options["drive_names"].values())
    for drive, found in list(reading.drives.items()):
        missing = [name for name in options["drive_names"].get(drive, ()) if name not in found.names]
        if missing:
            # By one that is misspelt here the drive would be used on.
            del reading.drives[drive]
            reading.problems[drive] = (
                f"the cell has no device {missing[0]}, which application_data_protector_drive_names gives beside"
                f" {', '.join(found.names)}; correct it"
            )
    if not options["in_use_command"] or len(answers) < 2:
        return reading
    problem = _PRODUCT.problem(options, answers[1])
    if problem:
        problem = problem.replace("the query", "application_data_protector_in_use_command", 1)
        reading.problems = {**dict.fromkeys(reading.drives, problem), **reading.problems}
        reading.drives = {}
        return reading
    busy = {(match["name"] or "").strip() for match in options["in_use_pattern"].finditer(answers[1].output)}
    reading.drives = {
        drive: replace(found, in_use=True, ending=found.state == "offline" and not options["offline_kills_job"])
        if busy & set(found.names) else found
        for drive, found in reading.drives.items()
    }
    return reading


def settings(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], targets: Sequence[Target]
) -> list[Setting]:
    """One for each drive, with a command for each of its logical devices."""
    return [
        Setting((target.drive,), tuple(tuple(_set_words(options, state, name)) for name in names[target.drive]))
        for target in targets
    ]


def _set_words(options: Mapping[str, Any], state: str, name: str) -> list[str]:
    programs = [options["omnidownload_command"], options["omniupload_command"]]
    fixed = [_SHELL, "-c", _data_protector_script.SET, _NAME]
    return [*fixed, state, name, options["disable_behind"], *programs, *_server(options)]


def said(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], answers: Sequence[Any]
) -> dict[str, Said]:
    """What our script says of a step that failed, in the program's own words."""
    result: dict[str, Said] = {}
    for answer in answers:
        if answer.timed_out or not answer.rc:
            continue
        place = answer.output.rfind(_data_protector_script.MARK)
        if place < 0:
            continue
        why = first_words(answer.output[place + len(_data_protector_script.MARK):], _MOST)
        strange = answer.rc == _data_protector_script.NOT_THE_SAME
        for drive in names:
            result.setdefault(drive, Said(why, beside=strange))
    return result
