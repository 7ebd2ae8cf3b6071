# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Veeam Backup & Replication as our module for Windows shows it: a program for each of the three cmdlets.

There is no PowerShell here, so this is not what Veeam prints but what application_step_windows makes of it: the documented
properties of VBRTapeDrive as JSON, and for each drive that was to be set what became of it. Of errors Veeam documents no text.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.products.product import Call, Product, UsageError

SETS = {"Disable-VBRTapeDrive": False, "Enable-VBRTapeDrive": True}
WORD = re.compile(r"(?P<serial>[0-9A-Za-z][0-9A-Za-z._-]{0,63}|-)/(?P<id>[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})")
SPACE = uuid.UUID("0d3f6a52-5f0e-4a53-9a0c-3a7f6d7f1c11")


class Veeam(Product):
    """A drive is known by an identifier; one that is locked by a job is not set."""

    PROGRAMS = ("Get-VBRTapeDrive", "Disable-VBRTapeDrive", "Enable-VBRTapeDrive")
    LIBRARY = "IBM 03584L32 1612"

    def name(self, number: int) -> str:
        return f"IBM ULT3580-TD8 Drive {number + 1}"

    def sets(self, program: str, words: Sequence[str], lines: Sequence[str]) -> bool:
        return program in SETS

    def refused(self, call: Call) -> int:
        print("Tape drive is being configured by another user.")
        return 1

    def is_down(self, call: Call) -> int:
        print("Failed to connect to Veeam Backup & Replication server: No connection could be made.")
        return 1

    def is_denied(self, call: Call) -> int:
        print("Access denied: the user has no role on this backup server.")
        return 1

    def run(self, program: str, words: Sequence[str], lines: Sequence[str]) -> int:
        if program in SETS:
            return self.set(SETS[program], words)
        if words:
            raise UsageError(f"A positional parameter cannot be found that accepts argument '{words[0]}'.")
        rows = [row(drive) for drive in self.drives()]
        if self.other_columns:
            rows = [{key: value for key, value in one.items() if key != "IsLocked"} for one in rows]
        print(json.dumps(rows))
        return 0

    def set(self, goal: bool, words: Sequence[str]) -> int:
        """Set drives that are told as their serial number and identifier."""
        became = []
        with self.change() as known:
            for word in words:
                found = WORD.fullmatch(word)
                (drive,) = [one for one in known["drives"] if found and identifier(one) == found["id"]] or [None]
                became.append({"drive": word, **self.one(goal, found, drive)})
        print(json.dumps(became))
        return int(any(one["outcome"] not in ("done", "already") for one in became))

    @staticmethod
    def one(goal: bool, found: Any, drive: dict[str, Any] | None) -> dict[str, str]:
        if drive is None:
            return {"outcome": "missing", "message": "there is no such drive any more"}
        if found["serial"] not in ("-", drive["serial"]):
            return {"outcome": "missing", "message": f"it shows the serial number {drive['serial']}"}
        if drive["online"] == goal:
            return {"outcome": "already", "message": ""}
        if not goal and drive["job"]:
            return {"outcome": "locked", "message": "it is in use"}
        drive.update(online=goal, conflict=False)
        return {"outcome": "done", "message": ""}


def identifier(drive: Mapping[str, Any]) -> str:
    """Give the identifier of a drive: it stays the same."""
    return str(uuid.uuid5(SPACE, f"{drive['library']} {drive['name']} {drive['serial']}"))


def row(drive: Mapping[str, Any]) -> dict[str, Any]:
    """Give a drive as the module shows it."""
    return {
        "Id": identifier(drive), "Name": drive["name"], "SerialNumber": drive["serial"], "State": "Loaded" if drive["job"] else "Empty",
        "LibraryId": str(uuid.uuid5(SPACE, drive["library"])), "Device": drive["library"], "Address": "256", "Model": "ULT3580-TD8",
        "Enabled": drive["online"], "IsLocked": bool(drive["job"]),
    }  # fmt: skip
