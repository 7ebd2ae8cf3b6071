# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Acme Backup, an invented product: one program, ``acmectl``, one line a drive, a password file.

``acmectl -p FILE drives``, ``acmectl -p FILE drive (up|down) [-m REASON] LIBRARY:NAME...``
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.products.product import Call, Product, UsageError

USAGE = "usage: acmectl -p FILE drives | acmectl -p FILE drive (up|down) [-m REASON] LIBRARY:NAME..."


class Acme(Product):
    """Names of drives are unique in a library; a job loses its drive when that is set down."""

    PROGRAMS = ("acmectl",)

    def sets(self, program: str, words: Sequence[str], lines: Sequence[str]) -> bool:
        return list(words[2:3]) == ["drive"]

    def refused(self, call: Call) -> int:
        print("acmectl: E204 the drive is locked by the administrator")
        return 1

    def is_down(self, call: Call) -> int:
        print("acmectl: E111 no answer from the server at acme.example.com:4400")
        return 3

    def is_denied(self, call: Call) -> int:
        print("acmectl: E401 wrong password")
        return 2

    def run(self, program: str, words: Sequence[str], lines: Sequence[str]) -> int:
        if len(words) < 3 or words[0] != "-p" or not Path(words[1]).is_file():
            raise UsageError(USAGE, 64)
        if list(words[2:]) == ["drives"]:
            self.list()
            return 0
        if words[2] != "drive" or words[3:4] not in (("up",), ("down",)):
            raise UsageError(USAGE, 64)
        state, names = words[3], list(words[4:])
        if names[:1] == ["-m"]:
            del names[:2]
        return max([self.set(state, name) for name in names], default=64)

    def here(self, drives: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Drives may be given to one host, which then has a state of its own."""
        return [drive for drive in drives if drive["host"] in ("", self.host)]

    def list(self) -> None:
        if self.other_columns:
            print("Acme 9: DRIVE STATUS LIBRARY")
            for drive in self.here(self.drives()):
                print(drive["name"], "1" if drive["online"] else "0", drive["library"])
            return
        print("Acme 8 drives:")
        for drive in self.here(self.drives()):
            state = "up" if drive["online"] else "down"
            why = "RESERVED" if drive["conflict"] else "BUSY" if drive["job"] else "-"
            print(f"{drive['library']}:{drive['name']} {drive['serial']} {state} {why}")

    def set(self, state: str, name: str) -> int:
        with self.change() as known:
            found = [drive for drive in self.here(known["drives"]) if f"{drive['library']}:{drive['name']}" == name]
            if not found:
                print(f"acmectl: E404 there is no drive {name}")
                return 1
            for drive in found:
                # A job loses its drive.
                drive.update(online=state == "up", conflict=False, job="" if state == "down" else drive["job"])
        print(f"{name}: {state}")
        return 0
