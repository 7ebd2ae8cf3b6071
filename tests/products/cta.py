# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CERN Tape Archive: ``cta-admin drive ls|up|down``, by its manual and the words of its frontend's source.

``online`` is the desired state. A drive with a job is transferring until the job ends, whatever is desired; ``status`` of a drive is
shown in place of what follows from that.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.products.product import Call, Product, UsageError

USAGE = "Usage: cta-admin [--json] [--config <path>] command [subcommand] [options]"


class Cta(Product):
    """Names of drives are unique in a catalogue."""

    PROGRAMS = ("cta-admin",)
    LIBRARY = "LIB0"

    def name(self, number: int) -> str:
        return f"LIB0.LTO9-F{number:02}"

    def name_like(self, name: str) -> str:
        # Were it taken for a regular expression as it stands, the other one would match this.
        return name.replace(".", "x")

    def sets(self, program: str, words: Sequence[str], lines: Sequence[str]) -> bool:
        return "up" in words or "down" in words

    def refused(self, call: Call) -> int:
        print("User error: the drive is under maintenance", file=sys.stdout)
        return 2

    def is_down(self, call: Call) -> int:
        print("[FATAL] Connection error: cta-frontend.example.com:10955")
        return 1

    def is_denied(self, call: Call) -> int:
        print("[FATAL] Auth failed: No protocols left to try")
        return 1

    def run(self, program: str, words: Sequence[str], lines: Sequence[str]) -> int:
        left = list(words)
        as_json = left[:1] == ["--json"]
        del left[: int(as_json)]
        if left[:1] == ["--config"]:
            if not left[1:]:
                raise UsageError(USAGE, 1)
            del left[:2]
        if left[:1] not in (["drive"], ["dr"]) or len(left) < 2:
            raise UsageError(USAGE, 1)
        command, left = left[1], left[2:]
        reason = ""
        for option in ("--reason", "-r"):
            if option in left:
                place = left.index(option)
                reason = left[place + 1]
                del left[place : place + 2]
        if any(word.startswith("-") for word in left) or len(left) > 1:
            raise UsageError(USAGE, 1)
        if command == "ls":
            return self.list(left, as_json=as_json)
        if command not in ("up", "down") or not left or (command == "down" and not reason):
            raise UsageError(USAGE, 1)
        self.set(left[0], command, reason)
        return 0

    def chosen(self, word: str) -> list[str]:
        """The names that a word means: a regular expression, or the first drive of this host's configuration."""
        names = [drive["name"] for drive in self.drives()]
        if word == "first":
            return names[:1]
        return [name for name in names if re.search(f"^{word}$", name)]

    def list(self, left: Sequence[str], *, as_json: bool) -> int:
        chosen = self.chosen(left[0]) if left else None
        if chosen == []:
            print("[]\nUser error: Drive not found.")
            return 2
        items = [self.item(drive) for drive in self.drives() if chosen is None or drive["name"] in chosen]
        if not as_json:
            raise UsageError("a table", 1)
        if self.other_columns:
            print("[2026-11-23 05:46:00.123456 +0000][Warning][XRootD] a line of the client's log")
            print(json.dumps([{**item, "sessionElapsedTime": "17", "instanceName": "ctaexample"} for item in items], indent=2))
        else:
            print(json.dumps(items))
        return 0

    @staticmethod
    def item(drive: dict[str, Any]) -> dict[str, Any]:
        up = drive["online"]
        status = drive.get("status") or ("TRANSFERRING" if drive["job"] else "UP" if up else "DOWN")
        return {
            "logicalLibrary": drive["library"], "driveName": drive["name"], "host": drive["host"] or drive.get("server", ""),
            "desiredDriveState": "UP" if up else "DOWN", "mountType": "ARCHIVE_FOR_USER" if drive["job"] else "NO_MOUNT",
            "driveStatus": status, "vid": "V00001" if drive["job"] else "", "sessionId": "17" if drive["job"] else "0",
            "devFileName": drive["device"], "rawLibrarySlot": "smc0", "comment": "", "reason": drive.get("reason", ""),
        }  # fmt: skip

    def set(self, word: str, command: str, reason: str) -> None:
        chosen = self.chosen(word)
        if not chosen:
            print(f'No drives match "^{word}$". No action was taken.')
        with self.change() as state:
            for drive in state["drives"]:
                if drive["name"] in chosen:
                    drive.update(online=command == "up", reason=reason, conflict=False)
                    print(f"Drive {drive['name']}: set {command.capitalize()}.")

    def lost_race(self, serial: str) -> None:
        super().lost_race(serial)
        self.update(serial, reason="[cta-taped] reservation conflict")
