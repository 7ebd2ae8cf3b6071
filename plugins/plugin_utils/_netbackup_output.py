# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of NetBackup's commands that are none, and how its tpconfig says that drives are configured.

Pure. Private: may change at any time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
    DriveSharingError,
    InvalidValueError,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import failure_words, first_words


class AnswerError(DriveSharingError):
    """An answer says nothing of the drives; the message is one sentence on why."""


@dataclass(frozen=True)
class Configured:
    """A drive as it is configured on a media server; ``host`` is None where tpconfig tells of its own one."""

    name: str
    serial: str | None
    paths: tuple[str, ...]
    host: str | None = None


# What went wrong

#: Words of NetBackup, and what helps.
_TROUBLES = {
    r"device daemon \(ltid\) is not active": "start NetBackup's device daemon there; until then nothing is known of the drives",
    r"oprd returned abnormal status": "look at ltid and oprd on that media server, with vmps",
    r"not authori[sz]ed|permission denied|access (?:is |was )?denied|not (?:a )?valid(?:ated)? (?:host|server)|requires root":
        "use become, or allow this user or host to operate drives in NetBackup",
    r"connect(?:ing|ion)? to (?:the )?vmd|vmd (?:is )?not (?:running|active)": "look at vmd on that media server, with vmps",
    r"\bE(?:nterprise )?M(?:edia )?M(?:anager)?\b.*(?:fail|error|cannot|could not|unable|not |status)":
        "look at nbemm on the master server",
}


#: What stands further back in a line, or in the middle of many lines, is not looked at.
_LONG, _MANY = 400, 100


def hint(line: str) -> str:
    """What helps against a failure that NetBackup tells, or nothing if it is not known."""
    return next((help_ for words, help_ in _TROUBLES.items() if re.search(words, line[:_LONG], re.IGNORECASE)), "")


def failed(command: str, answer: Any) -> str:
    """Say in one sentence why an answer of a command is none; empty if it may be one.

    An exit status of 0 proves nothing; any other one is believed.
    """
    if answer.timed_out:
        return f"{command} did not end in time and was stopped"
    # A status of NetBackup's own may be that of a shell which finds no program.
    words = told(command, answer.output) if answer.rc else ""
    if words:
        return words
    if answer.rc in (126, 127):
        return (
            f"{command.split(maxsplit=1)[0]} cannot be run: {failure_words(answer.rc, answer.output).rstrip('.')}; give its directory"
            " in application_netbackup_directory"
        )
    if answer.rc:
        return f"{command} failed with exit status {answer.rc}: {failure_words(answer.rc, answer.output)}"
    return f"{command} printed more than can be read" if answer.truncated else ""


def told(command: str, text: str) -> str:
    """Give NetBackup's own words for what went wrong, and what helps; empty if they are not known."""
    lines = text.splitlines()
    line = next((line for line in (*lines[:_MANY], *lines[-_MANY:]) if hint(line)), "")
    return f"{command} says: {first_words(line).rstrip('.')}; {hint(line)}" if line else ""


def check(command: str, answer: Any) -> None:
    """Raise AnswerError for an answer that is none."""
    problem = failed(command, answer)
    if problem:
        raise AnswerError(problem)


def other_form(command: str, text: str) -> NoReturn:
    """Raise AnswerError for an answer that is not understood."""
    msg = told(command, text) or (
        f"{command} answered in a form that is not known, and nothing was guessed; it may be another version of NetBackup:"
        f" {first_words(text) or '(nothing)'}"
    )
    raise AnswerError(msg)


# How drives are configured

_BLOCK = re.compile(r"[ \t]*(Drive ?Name|Serial ?Number|[A-Za-z][A-Za-z/ ]*?Path)\b[ \t]*[:=]?[ \t]*(.*)", re.IGNORECASE)
_SERIAL = re.compile(r"(?:drive )?serial ?(?:number|num|no)?", re.IGNORECASE)
_HOST = re.compile(r"(?:media server|device host)(?: name)?", re.IGNORECASE)
#: Paths that are no device files of the drive itself.
_OTHER_PATH = re.compile(r"pass|robot", re.IGNORECASE)
PATH = re.compile(r"[/{][!-~]*")
_NO_SERIAL = {"", "-", "none", "null", "unknown", "n/a"}


def configured_here(command: str, answer: Any) -> list[Configured]:
    """Read ``tpconfig -dl``: blocks that begin with the name of a drive. Raises AnswerError."""
    check(command, answer)
    blocks: list[tuple[str, list[tuple[str, str]]]] = []
    for line in answer.output.splitlines():
        match = _BLOCK.fullmatch(line.rstrip())
        if match and match[1].lower().startswith("drive") and "name" in match[1].lower():
            blocks.append((match[2].strip(), []))
        elif match and blocks:
            blocks[-1][1].append((match[1], match[2].strip()))
    if not blocks:
        other_form(command, answer.output)
    return _merged(
        Configured(name, _serial_of(fields), tuple(_paths_of(fields))) for name, fields in blocks
    )


def configured_everywhere(command: str, answer: Any) -> list[Configured]:
    """Read ``tpconfig -emm_dev_list``: blocks of all media servers that begin with ``Drive:``. Raises AnswerError."""
    check(command, answer)
    blocks: list[tuple[str, list[tuple[str, str]]]] = []
    inside = False
    for line in answer.output.splitlines():
        label, colon, value = (part.strip() for part in line.partition(":"))
        if colon and label in ("Drive", "Robot"):
            inside = label == "Drive"
            blocks += [(value, [])] if inside else []
        elif colon and inside:
            blocks[-1][1].append((label, value))
    if not blocks:
        other_form(command, answer.output)
    found = []
    for name, fields in blocks:
        host = next((value for label, value in fields if _HOST.fullmatch(label) and value.strip("-")), None)
        if host is None:
            other_form(command, f"no media server with drive {name}")
        found.append(Configured(name, _serial_of(fields), tuple(_paths_of(fields)), host))
    return _merged(found)


def _serial_of(fields: Iterable[tuple[str, str]]) -> str | None:
    for label, value in fields:
        if _SERIAL.fullmatch(label) and value.lower() not in _NO_SERIAL:
            try:
                return _identifiers.serial(value)
            except InvalidValueError:
                return None
    return None


def _paths_of(fields: Iterable[tuple[str, str]]) -> Iterator[str]:
    for label, value in fields:
        if label.lower().endswith("path") and not _OTHER_PATH.search(label) and PATH.fullmatch(value):
            yield value


def _merged(blocks: Iterable[Configured]) -> list[Configured]:
    """A drive with several paths may have a block for each."""
    found: dict[tuple[str, str | None, str | None], list[str]] = {}
    for one in blocks:
        found.setdefault((one.name, one.serial, one.host), []).extend(one.paths)
    return [
        Configured(name, serial, tuple(dict.fromkeys(paths)), host) for (name, serial, host), paths in found.items()
    ]
