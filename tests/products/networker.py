# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EMC NetWorker: ``nsradmin [-s server] -i -`` with its commands on standard input, as its manual page and transcripts have them.

It begins with all resources of the server selected. A selection that nothing matches leaves the one before it in place: nobody has
seen that, so it is the worst that can be. ``enabled`` of a drive is Yes, No or Service; ``volume`` is what is mounted, by default while
a job runs. The state's ``asks`` says whether an update is asked about in this mode.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.products.product import Call, Product, UsageError

USAGE = "usage: nsradmin [-c] [-i file] [-s server] [-p {prognum | progname}] [-v version] [query]"
SERVER = {"type": "NSR", "name": "nwserver.example.com", "parallelism": "64"}
ATTRIBUTE = re.compile(r'\s*([a-z][a-z ]*?)\s*:\s*("[^"]*"|[^;]*)\s*')


class Networker(Product):
    """A drive is a device of a storage node: its name is ``rd=NODE:FILE``, or the file for one of the server itself."""

    PROGRAMS = ("nsradmin",)
    DIALOGUES = ("nsradmin",)

    def name(self, number: int) -> str:
        return f"/dev/tape/by-id/scsi-{number}-nst"

    def name_like(self, name: str) -> str:
        return f"{name}1"

    def sets(self, program: str, words: Sequence[str], lines: Sequence[str]) -> bool:
        return any(line.startswith("update") for line in lines)

    def refused(self, call: Call) -> int:
        for name in re.findall(r'^\. type: NSR device; name: "(.*)"$', "\n".join(call.lines), re.MULTILINE):
            print(f"                        name: {name};\n")
            print("update failed: user root on client.example.com does not have privilege 'Configure NetWorker'")
        return 0

    def is_down(self, call: Call) -> int:
        print("39077:nsradmin: There does not appear to be a NetWorker server running on nwserver.example.com.")
        return 1

    def is_denied(self, call: Call) -> int:
        print("39078:nsradmin: permission denied, user root on client.example.com is not in the user group")
        return 1

    def administrator(self, serial: str, state: str) -> None:
        super().administrator(serial, state)
        self.update(serial, enabled="Yes" if state == "online" else "No")

    def states(self, serial: str) -> tuple[str, ...]:
        return tuple("online" if self.enabled(one) == "Yes" else "offline" for one in self.drives() if one["serial"] == serial)

    @staticmethod
    def enabled(one: dict[str, Any]) -> str:
        return one.get("enabled") or ("Yes" if one["online"] else "No")

    def run(self, program: str, words: Sequence[str], lines: Sequence[str]) -> int:
        left = list(words)
        if left[:1] == ["-s"]:
            del left[:2]
        if left != ["-i", "-"]:
            raise UsageError(USAGE, 1)
        self.selected: list[dict[str, Any]] = self.resources()
        self.shown: list[str] = []
        self.left = list(lines)
        while self.left:
            line = self.left.pop(0)
            # A line that ends so goes on.
            while line.rstrip().endswith((";", ",")) and self.left:
                line += self.left.pop(0)
            if line.strip() == "quit":
                break
            self.command(line)
        return 0

    def resources(self) -> list[dict[str, Any]]:
        """Everything that the server has: itself, a client, its devices."""
        return [SERVER, {"type": "NSR client", "name": "client.example.com"}, *(self.resource(one) for one in self.drives())]

    def resource(self, one: dict[str, Any]) -> dict[str, Any]:
        job = one["job"]
        return {
            "type": "NSR device", "name": one["name"], "media type": "LTO Ultrium-9", "enabled": self.enabled(one),
            "volume name": one.get("volume", "TAPE01" if job else ""), "message": one.get("message", "writing at 200 MB/s" if job else ""),
        }  # fmt: skip

    def command(self, line: str) -> None:
        word, _space, rest = line.strip().partition(" ")
        query = {key: value.strip('"').strip() for key, value in ATTRIBUTE.findall(rest)}
        if word == ".":
            found = [one for one in self.resources() if all(str(one.get(key)) == value for key, value in query.items())]
            if not found:
                print("No resources found for query:\n")
                return
            self.selected = found
        elif word == "show":
            self.shown = [name.strip() for name in rest.split(";") if name.strip()]
        elif word == "print":
            self.print()
        elif word == "update":
            self.set(query)
        elif word:
            print(f"nsradmin: unknown command '{word}'")

    def print(self) -> None:
        # What has none of the attributes that are shown is left out.
        names = [one["name"] for one in self.selected]
        for one in [one for one in self.resources() if one["name"] in names]:
            shown = {key: value for key, value in one.items() if not self.shown or key in self.shown}
            if self.other_columns:
                shown = {"resource identifier": "174.0.49.150.0.0.0.0(5)", **shown}
            for key, value in shown.items():
                quoted = f'"{value}"' if re.search(r"[:,;]", str(value)) else value
                print(f"{key:>28}: {quoted};")
            print()

    def set(self, query: dict[str, str]) -> None:
        (key, value), = query.items()
        for one in self.selected:
            if key not in one:
                print(f"update failed: unknown attribute '{key}' of resource {one['name']}")
                continue
            if value not in ("Yes", "No", "Service"):
                print(f"update failed: '{value}' invalid choice for '{key}'")
                continue
            print(f"{key:>28}: {value};")
            if self.state().get("asks"):
                print("Update? ", end="")
                if self.left[:1] != ["y"]:
                    continue
                del self.left[0]
            with self.change() as state:
                for drive in state["drives"]:
                    if drive["name"] == one["name"]:
                        drive.update(enabled=value, online=value == "Yes", conflict=False)
            print("updated resource id 174.0.49.150.0.0.0.0.89.187.161.106.10.10.20.15(5)")
