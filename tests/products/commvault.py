# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commvault's ``qdrive`` and ``qlist drive`` as documented, and ``site_drives``, what a site would write to see the states.

``qdrive (disable|enable) -dr DRIVE -l LIBRARY -tf FILE``; ``qlist drive -l LIBRARY -tf FILE``; exit status 0, 1 for usage, 2 for all else.
``site_drives FILE [LIBRARY]`` prints rows of the view CommCellDriveInfo; the words of its states are invented.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ansible_collections.tapeworks.drive_sharing.tests.products.product import Call, Product, UsageError


class Commvault(Product):
    """Names of drives are unique in a library; a drive with a job loses it when it is disabled."""

    PROGRAMS = ("qdrive", "qlist", "site_drives")

    def name(self, number: int) -> str:
        return f"HP Ultrium_{number + 1}"

    def sets(self, program: str, words: Sequence[str], lines: Sequence[str]) -> bool:
        return program == "qdrive"

    def refused(self, call: Call) -> int:
        return self.error(call.program, call.words, "0x20a: The library is in maintenance mode.")

    def is_down(self, call: Call) -> int:
        return self.error(call.program, call.words, "0x10b: The CommServe cannot be reached.")

    def is_denied(self, call: Call) -> int:
        return self.error(call.program, call.words, "0x211: Session is no longer valid. Please login again.")

    @staticmethod
    def error(program: str, words: Sequence[str], text: str) -> int:
        print(f"{'drives' if program == 'site_drives' else words[0]}: Error {text}")
        return 2

    def run(self, program: str, words: Sequence[str], lines: Sequence[str]) -> int:
        if program == "site_drives":
            return self.view(words[0], words[1:])
        verb, *rest = words or [""]
        options = dict(zip(rest[::2], rest[1::2], strict=False))
        allowed = {"qdrive": {"-dr", "-l", "-tf"}, "qlist": {"-l", "-tf"}}[program]
        verbs = {"qdrive": ("disable", "enable"), "qlist": ("drive",)}[program]
        if verb not in verbs or len(rest) % 2 or set(options) != allowed:
            raise UsageError(f"Usage: {program} {verbs[0]} {' '.join(f'{one} <value>' for one in sorted(allowed))}", 1)
        if not self.token(options["-tf"]):
            return self.error(program, words, "0x211: Invalid token.")
        mine = [drive for drive in self.drives() if drive["library"] == options["-l"]]
        if program == "qlist":
            print("".join(f" {drive['name']}\n" for drive in mine), end="")
            return 0
        if not any(drive["name"] == options["-dr"] for drive in mine):
            return self.error(program, words, f"0x7: There is no drive {options['-dr']} in library {options['-l']}.")
        with self.change() as state:
            for drive in state["drives"]:
                if (drive["library"], drive["name"]) == (options["-l"], options["-dr"]):
                    drive.update(online=verb == "enable", conflict=False, job="" if verb == "disable" else drive["job"])
        print("Request successful")
        return 0

    @staticmethod
    def token(file: str) -> bool:
        path = Path(file)
        return path.is_file() and path.read_text(encoding="utf-8").startswith("SDK ")

    def view(self, file: str, libraries: Sequence[str]) -> int:
        if not self.token(file):
            return self.error("site_drives", (), "0x211: Invalid token.")
        print("maname;libname;drivealiasname" if self.other_columns else "drives of commserve9")
        for drive in self.drives():
            if libraries and drive["library"] not in libraries:
                continue
            why = "SCSI reservation conflict" if drive["conflict"] else drive["job"]
            state = "Ready" if drive["online"] else "Disabled"
            if self.other_columns:
                print(f"agent7;{drive['library']};{drive['name']};{state}")
            else:
                print(f"{drive['library']}|{drive['name']}|{state}|{why}")
        return 0
