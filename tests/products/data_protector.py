# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Data Protector's ``omnidownload`` and ``omniupload`` as public scripts use them, and ``site_in_use``, what a site would write.

``omnidownload -list_devices -detail``; ``omnidownload -device NAME -file FILE``; ``omniupload -modify_device NAME -file FILE``; each with
``[-server CELL]``. The lines of a definition are invented; ``-disable`` has to stand right behind the line LIBRARY. Its errors are invented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.products.product import Call, Product, UsageError

CELL = "cell9"


class DataProtector(Product):
    """A name is a logical device, and stands once; a session goes on, but the role does not know."""

    PROGRAMS = ("omnidownload", "omniupload", "site_in_use")

    def name(self, number: int) -> str:
        return f"MSL_Ultrium_{number + 1}"

    def sets(self, program: str, words: Sequence[str], lines: Sequence[str]) -> bool:
        return program == "omniupload"

    def refused(self, call: Call) -> int:
        print("[12:8306] The device is locked by another process.")
        return 4

    def is_down(self, call: Call) -> int:
        print("[12:1625] Cannot connect to the Cell Request Server.")
        return 3

    def is_denied(self, call: Call) -> int:
        print("[12:1207] Insufficient permissions. Access denied.")
        return 2

    def run(self, program: str, words: Sequence[str], lines: Sequence[str]) -> int:
        if program == "site_in_use":
            print("".join(f"{drive['name']} {drive['job']}\n" for drive in self.drives() if drive["job"]), end="")
            return 0
        rest = list(words)
        if rest[-2:-1] == ["-server"]:
            if rest[-1] != CELL:
                print(f"[12:1180] {rest[-1]} is not a Cell Manager.")
                return 3
            del rest[-2:]
        if program == "omnidownload" and rest == ["-list_devices", "-detail"]:
            self.list()
            return 0
        option = {"omnidownload": "-device", "omniupload": "-modify_device"}[program]
        if len(rest) != 4 or rest[::2] != [option, "-file"]:
            raise UsageError(f"usage: {program} {option} BackupDevice -file FileName [-server Server]", 1)
        known = [drive for drive in self.drives() if drive["name"] == rest[1]]
        if not known:
            print(f'[12:1166] Device "{rest[1]}" not found.')
            return 5
        if program == "omnidownload":
            Path(rest[3]).write_text("".join(f"{line}\n" for line in self.definition(known[0])), encoding="utf-8")
            return 0
        return self.upload(rest[1], Path(rest[3]).read_text(encoding="utf-8").splitlines())

    @staticmethod
    def definition(drive: Mapping[str, Any]) -> list[str]:
        """The lines of a device file."""
        return [
            f'NAME "{drive["name"]}"', 'DESCRIPTION "says -disable and NAME too"', f"HOST {drive['host'] or 'agent7.example.com'}",
            "POLICY SCSI-II", "TYPE LTO", f'LIBRARY "{drive["library"]}"', *([] if drive["online"] else ["-disable"]),
            f'LOCKNAME "{drive["serial"]}"', *drive.get("more", ["POOL Default", "DEVSERIAL \"unknown\"", "-encrypt"]), "",
        ]  # fmt: skip

    def list(self) -> None:
        for drive in self.drives():
            lines = self.definition(drive)
            if self.other_columns:
                # One line a device.
                print(", ".join(lines))
                continue
            print("".join(f"{line} \n" for line in lines) + "=" * 169)

    def upload(self, name: str, lines: list[str]) -> int:
        """Take the whole definition in place of the former one."""
        words = [line.split(" ")[0] for line in lines]
        for number, word in enumerate(words):
            if word == "-disable" and words[number - 1] != "LIBRARY":
                print(f"[12:8115] Parse error in line {number + 1}.")
                return 6
        if f'NAME "{name}"' not in lines or words.count("NAME") != 1:
            print("[12:8116] The name of a device cannot be changed.")
            return 6
        more = lines[words.index("LOCKNAME") + 1:]
        with self.change() as state:
            if state.get("mangles"):
                more = [line for line in more if not line.startswith("POOL")]
            for drive in state["drives"]:
                if drive["name"] == name:
                    drive.update(online="-disable" not in words, conflict=False, more=[line for line in more if line])
        print(f'Device "{name}" successfully modified.')
        return 0
