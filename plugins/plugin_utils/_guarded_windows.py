# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guarded step where a control point runs Windows. Private: may change at any time.

It has the functions of ``_guarded``, with the same arguments and the same types of results: ``_act.Place.step`` is one or
the other. In place of a command line they give the request of the module ``application_step_windows`` as JSON text, and
read the text of its answer. Order, record and refusals are those of ``_guarded_script``; what differs is said here:

- A lock is a file that the step keeps open so that nobody else may write to it. Windows takes it away together with the
  process, so a lock is never broken, and it stays where it is when it is released. A program that the step starts
  inherits it: the drive stays locked for as long as a command runs whose step has been killed.
- Names of files: Windows knows no difference between capital and small letters, keeps some names for devices and some
  characters for itself. So in names of instances all but small letters, digits, ``_`` and ``-`` are written as ``%`` and two
  digits, in names of drives all but capital letters, digits, ``_`` and ``-``.
- Records are written through to the disk before they are put into place.
- The answer comes as a whole or not at all: of a step that was cut off nothing is known, so all its drives are in doubt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded import Unit, check_unit, whole
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded_command import (
    Command,
    ForDrive,
    Query,
    checked,
    plain,
    refuse,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded_windows_parse import (
    VERSION,
    parse_list,
    parse_read,
    parse_set,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._record import RawRecord

__all__ = ["STATE_DIRECTORY", "check_directory", "list_command", "parse_list", "parse_read", "parse_set", "read_command", "set_command"]

#: Where records are kept on a control point if drive_sharing_state_directory does not say.
STATE_DIRECTORY = r"C:\ProgramData\drive_sharing"
#: Windows takes 32,767 characters in the command line of a program, quotes included.
_LONGEST = 30_000

_NONCE = re.compile(r"[0-9A-Za-z]{8,40}")
# A drive letter, and names without the characters that Windows keeps for itself.
_DIRECTORY = re.compile(r'[A-Za-z]:(?:[\\/]+[^\\/:*?"<>|]+)+[\\/]*')
_DEVICES = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]", re.IGNORECASE)


def read_command(
    directory: str, instance: str, drives: Sequence[str], queries: Sequence[Query], seconds: int, nonce: str, shell: str = "",
) -> str:
    """As ``_guarded.read_command``; ``shell`` means nothing here."""
    asked = []
    for query in queries:
        command = checked(query, drives, "A query")
        # No drive is left out here.
        asked.append(_command(Command([plain(word) for word in command.words], [plain(line) for line in command.lines]), drives))
    return _request(
        "read", directory, nonce, seconds, instance=_instance(instance),
        drives=[{"drive": drive, "file": drive_file(drive)} for drive in drives], queries=asked,
    )


def set_command(
    directory: str, instance: str, units: Sequence[Unit], seconds: int, deadline: int | None, nonce: str, shell: str = "",
) -> str:
    """As ``_guarded.set_command``; ``shell`` means nothing here."""
    return _request(
        "set", directory, nonce, seconds, instance=_instance(instance),
        deadline="" if deadline is None else str(whole(deadline, "The deadline", 0, 10**12)),
        units=[_unit(unit) for unit in units],
    )


def list_command(directory: str, nonce: str, shell: str = "") -> str:
    """As ``_guarded.list_command``; ``shell`` means nothing here."""
    return _request("list", directory, nonce, 1)


def check_directory(directory: Any, what: str) -> None:
    """Raise InvalidValueError if it cannot be the state directory of a host that runs Windows."""
    if not isinstance(directory, str) or not _DIRECTORY.fullmatch(directory) or not directory.isprintable():
        msg = f"{what} must be an absolute path of Windows such as {STATE_DIRECTORY}, not {str(directory)[:60]!r}"
        raise InvalidValueError(msg)


def drive_file(drive: str) -> str:
    """Give the name of the file of a drive's record."""
    if _identifiers.serial(drive, "drive") != drive:
        refuse("drive", "a serial number without padding", drive)
    return _file(drive, "0-9A-Z_-")


def instance_file(instance: str) -> str:
    """Give the name of the directory of an instance."""
    return _file(_identifiers.instance_name(instance), "0-9a-z_-")


def _file(name: str, kept: str) -> str:
    coded = re.sub(f"[^{kept}]", lambda found: f"%{ord(found.group()):02X}", name)
    return f"%{ord(coded[0]):02X}{coded[1:]}" if _DEVICES.fullmatch(coded) else coded


def _request(action: str, directory: str, nonce: str, seconds: int, **more: Any) -> str:
    check_directory(directory, "The state directory")
    if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
        refuse("The nonce", "8 to 40 letters and digits", nonce)
    # All keys are always there: PowerShell may refuse to look at one that is not.
    request = {
        "version": VERSION, "action": action, "directory": re.sub(r"[\\/]+", r"\\", directory).rstrip("\\"), "nonce": nonce,
        "seconds": whole(seconds, "The time", 1, 3600), "instance": "", "drives": [], "queries": [], "deadline": "", "units": [],
        **more,
    }
    return json.dumps(request, separators=(",", ":"))


def _instance(instance: str) -> str:
    return instance_file(instance)


def _unit(unit: Unit) -> dict[str, Any]:
    drives = {one.drive for one in unit.drives}
    return {
        "drives": [
            {
                "drive": one.drive, "file": drive_file(one.drive), "sequence": f"{one.sequence:020d}",
                "expected": "-" if one.expected is None else f"={str(one.expected).rstrip()}{_stamp(one.expected)}",
                "intent": one.intent.rstrip("\n") if one.intent is not None else "",
                "done": one.done.rstrip("\n") if one.done is not None else "",
            }
            for one in check_unit(unit)
        ],
        "commands": [_command(checked(each, drives, "A command"), drives) for each in unit.commands],
        "queries": [_command(checked(each, drives, "A query"), drives) for each in unit.queries],
    }


def _stamp(expected: str) -> str:
    stamp = expected.stamp if isinstance(expected, RawRecord) else None
    return f" #{stamp}" if stamp else ""


def _command(command: Command, drives: Collection[str]) -> dict[str, Any]:
    length = sum(2 * len(plain(word)) + 3 for word in command.words)
    if length > _LONGEST and len(drives) > 1:
        # PowerShell's own commands have no such limit, but a program has.
        msg = (
            f"The command {plain(command.words[0])[:60]!r} for {len(drives)} drives may be {length} characters long and would not"
            f" fit into a command line of Windows; nothing was run. Give fewer drives at a time."
        )
        raise InvalidValueError(msg)
    return {"words": [_word(one) for one in command.words], "lines": [_word(one) for one in command.lines]}


def _word(one: str | ForDrive) -> dict[str, str]:
    return {"drive": one.drive, "text": one.word} if isinstance(one, ForDrive) else {"drive": "", "text": one}
