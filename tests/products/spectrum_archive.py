# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IBM Spectrum Archive EE: ``eeadm drive list --json``, as public scripts have it, and its verbs.

What the verbs take is not documented where we could read it: this one takes the drive's id and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.products.product import Call, Product, UsageError

USAGE = "eeadm: GLESM990E: usage: eeadm drive {assign|down|list|unassign|up} ..."
VERBS = {"down": "down", "unassign": "unassigned", "up": "", "assign": ""}


class SpectrumArchive(Product):
    """A drive is known by its serial number. ``state`` of a drive is shown in place of what follows from the rest."""

    PROGRAMS = ("eeadm",)
    LIBRARY = "lib_saee"

    def sets(self, program: str, words: Sequence[str], lines: Sequence[str]) -> bool:
        return words[1:2] not in (["list"], ("list",))

    def refused(self, call: Call) -> int:
        print("GLESM991E: the drive cannot be changed now.")
        return 1

    def is_down(self, call: Call) -> int:
        print("GLESM992E: Spectrum Archive EE is not running on this node.")
        return 1

    def is_denied(self, call: Call) -> int:
        print("GLESM993E: eeadm can be run by root only.")
        return 1

    def run(self, program: str, words: Sequence[str], lines: Sequence[str]) -> int:
        if list(words) == ["drive", "list", "--json"]:
            payload = [self.item(drive) for drive in self.drives()]
            if self.other_columns:
                payload = [dict(reversed([*item.items(), ("firmware", "N9K0")])) for item in payload]
                print(json.dumps({"payload": payload, "exit_code": 0}, separators=(",", ":")))
            else:
                print(json.dumps({"resource": "drive", "payload": payload}, indent=2))
            return 0
        if len(words) != 3 or words[0] != "drive" or words[1] not in VERBS or words[2].startswith("-"):
            raise UsageError(USAGE, 2)
        with self.change() as state:
            found = [drive for drive in state["drives"] if drive["serial"] == words[2]]
            if not found:
                print(f"GLESM994E: there is no drive {words[2]}.")
                return 1
            for drive in found:
                drive.update(online=not VERBS[words[1]], down=VERBS[words[1]], conflict=False)
        print(f"GLESM995I: drive {words[2]}: done.")
        return 0

    @staticmethod
    def item(drive: dict[str, Any]) -> dict[str, Any]:
        state = drive.get("state") or (
            (drive.get("down") or "unassigned") if not drive["online"] else "mounted" if drive["job"] else "not_mounted"
        )
        return {
            "id": drive["serial"], "state": state, "type": "LTO9", "role": "mrg", "library_id": "0000000000000_LLA",
            "library_name": drive["library"], "address": 257, "node_id": 1, "node_hostname": "ee1.example.com",
            "tape_barcode": "A00001L9" if drive["job"] else "", "nodegroup_name": "G0", "task_id": "1007" if drive["job"] else "",
        }  # fmt: skip
