# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NetBackup's vmoprcmd and tpconfig: drives by media server and path, control modes, comments, the host a drive is assigned to.

Documented syntax only; the samples are ours. What no source shows (``-d ad``, labels of ``-emm_dev_list``, most messages and exit
statuses) is of a likely form, and marked so in docs/application_netbackup.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.products.product import Call, Product, UsageError

#: The host that a program is on where nobody says.
HERE = "media1"
SETS = ("-downbyname", "-upbyname", "-commentbyname")
#: What is printed while something of NetBackup is down; the first is the default.
DOWN = {
    "ltid": "The Media Manager device daemon (ltid) is not active on host {host}",
    "oprd": "oprd returned abnormal status (96)",
    "vmd": "cannot connect to vmd on host {host} (70)",
    "emm": "EMM interface initialization failed, status = 334",
}


class NetBackup(Product):
    """An entry of a drive is its name on one media server; ``down`` are those of its paths that are down."""

    PROGRAMS = ("vmoprcmd", "tpconfig")
    LIBRARY = "0"

    def name(self, number: int) -> str:
        return f"IBM.ULT3580-TD8.{number:03}"

    def sets(self, program: str, words: Sequence[str], lines: Sequence[str]) -> bool:
        return any(word in SETS for word in words)

    def refused(self, call: Call) -> int:
        print(DOWN["oprd"])
        return 96

    def is_down(self, call: Call) -> int:
        what = (self._behaviour[1] or ["ltid"])[0]
        if call.program == "tpconfig" and what != "emm":
            return self.run(call.program, call.words, call.lines)
        words = list(call.words)
        print(DOWN[what].format(host=words[words.index("-h") + 1] if "-h" in words else self.here))
        # Whether there is an exit status for it is not documented.
        return 0

    def is_denied(self, call: Call) -> int:
        print(f"{call.program}: the user is not authorized to perform this operation")
        return 1

    @property
    def here(self) -> str:
        """The media server that a program is on."""
        return self.host or HERE

    # A test's side

    def add(self, serial: str, name: str = "", **more: Any) -> str:
        """``paths``: its device files; ``host``: the media server, "" is that which is asked; ``robot``: the control mode that it has
        while it is up; ``stuck``: a path that stays up."""
        device = more.pop("device", "") or f"/dev/nst{len(self.drives())}"
        given = {"comment": "", "assigned": "", "robot": "TLD", "stuck": "", "down": [], "paths": [device], **more}
        return super().add(serial, name, device=given["paths"][0] if given["paths"] else "", **given)

    def update(self, serial: str, **more: Any) -> None:
        if "online" in more:
            more["down"] = None
        super().update(serial, **more)
        with self.change() as state:
            for drive in state["drives"]:
                if drive["down"] is None:
                    drive["down"] = [] if drive["online"] else list(drive["paths"])

    def drive(self, serial: str, host: str = "") -> dict[str, Any]:
        """The first entry of a drive on a media server."""
        return next(one for one in self.drives() if one["serial"] == serial and one["host"] == host)

    # vmoprcmd and tpconfig

    def run(self, program: str, words: Sequence[str], lines: Sequence[str]) -> int:
        if program == "tpconfig":
            return self.tpconfig(list(words))
        return self.vmoprcmd(list(words))

    def tpconfig(self, words: list[str]) -> int:
        if words == ["-dl"]:
            print("Currently defined drives and robots are:\n")
            for place, drive in enumerate(self.on(self.here)):
                self.block(place, drive)
            print("Currently defined robotics are:\n  TLD(0)     robotic path = /dev/sg9\n\nEMM Server = master1")
        elif words == ["-emm_dev_list"]:
            print("=" * 40)
            print("Robot:                0\nRobot Type:           TLD(8)\nMedia Server:         media1\nApath:                /dev/sg9")
            for drive in self.drives():
                print("=" * 40)
                self.emm_block(drive)
        else:
            raise UsageError("Usage: tpconfig [-d|-dl|-l|-emm_dev_list]")
        return 0

    def block(self, place: int, drive: dict[str, Any]) -> None:
        rows = [("Drive Name", drive["name"]), ("Index", place)]
        rows += [("NonRewindDrivePath", path) for path in drive["paths"]]
        rows += [
            ("Type", "hcart3"), ("Status", "UP" if drive["online"] else "DOWN"), ("SCSI Protection", "SR (Global)"),
            ("Shared Access", "Yes"), (f"TLD({drive['library']}) Definition", f"DRIVE={place + 1}"),
        ]  # fmt: skip
        rows += [("Serial Number", drive["serial"])] if drive["serial"] else []
        for label, value in rows:
            print(f"{label:<24}{value}")
        print()

    def emm_block(self, drive: dict[str, Any]) -> None:
        rows = [
            ("Drive", drive["name"]), ("Robot Drive Number", 1), ("Drive Type", "hcart3(20)"), ("Media Server", drive["host"] or self.here),
            ("Robot Type", "TLD(8)"), ("Robot Number", drive["library"]),
        ]  # fmt: skip
        rows += [("Drive Path", path) for path in drive["paths"]]
        rows += [("Serial Number", drive["serial"] or "-"), ("Inquiry", "IBM     ULT3580-TD8     N9M1")]
        for label, value in rows:
            print(f"{label + ':':<22}{value}")

    def vmoprcmd(self, words: list[str]) -> int:
        host = self.here
        if len(words) > 2 and words[-2] == "-h":
            host = words[-1]
            del words[-2:]
            if host not in {one["host"] or self.here for one in self.drives()}:
                print(f"the host {host} is not a known device host")
                return 1
        if words[:1] and words[0] in SETS:
            return self.operate(words[0], words[1:], host)
        if words == ["-xdraw", "ds"]:
            self.raw(host)
        elif words[:1] == ["-d"] and words[1:] in ([], ["pr"], ["ds"], ["ad"]):
            self.tables(words[1:] or ["pr", "ds", "ad"], host)
        elif words == ["-dp", "ds"]:
            self.path_table(host)
        else:
            raise UsageError("vmoprcmd: exactly one operation must be given")
        return 0

    def operate(self, what: str, words: list[str], host: str) -> int:
        name, more = (words[0], words[1:]) if words and not words[0].startswith("-") else ("", [])
        path = more[1] if len(more) == 2 and more[0] == "-path" else ""
        good = not more or (len(more) == 1 and not more[0].startswith("-") if what == "-commentbyname" else bool(path))
        if not name or not good:
            raise UsageError("vmoprcmd: exactly one operation must be given")
        with self.change() as state:
            found = [one for one in state["drives"] if (one["name"], one["host"] or self.here) == (name, host)]
            if not found or (path and path not in found[0]["paths"]):
                print(f"the drive name {name} or its path is not configured")
                return 21
            # A name that two drives have is taken for the first one.
            drive = found[0]
            if what == "-commentbyname":
                drive["comment"] = more[0] if more else ""
                return 0
            mine = {path} if path else set(drive["paths"])
            down = set(drive["down"]) | mine if what == "-downbyname" else set(drive["down"]) - mine
            drive["down"] = [one for one in drive["paths"] if one in down and one != drive["stuck"]]
            drive["online"] = drive["down"] != drive["paths"]
            drive["conflict"] = False
        return 0

    # what they print

    def on(self, host: str) -> list[dict[str, Any]]:
        return [one for one in self.drives() if (one["host"] or self.here) == host]

    def index(self, place: int, host: str) -> int:
        """Another one on each media server."""
        return place + 3 * (host != self.here)

    @staticmethod
    def control(drive: dict[str, Any]) -> str:
        if drive["conflict"]:
            return f"PEND-{drive['robot']}"
        return drive["robot"] if drive["online"] else f"DOWN-{drive['robot']}"

    def assigned(self, drive: dict[str, Any]) -> str:
        return drive["assigned"] or ((drive["host"] or self.here) if drive["job"] else "-")

    def raw(self, host: str) -> None:
        for place, drive in enumerate(self.on(host)):
            tape = "B00007" if drive["job"] else "-"
            words = [
                "DRIVESTATUS", self.index(place, host), "hcart3", self.control(drive), "-", tape, tape, 0, "TLD",
                drive["library"], 3 if drive["job"] else 16, drive["name"], self.assigned(drive), "-", 1763800000, drive["comment"] or "-",
            ]  # fmt: skip
            if self.other_columns:
                words.insert(2, "8f1c2d")
            print(*words)

    def tables(self, which: Sequence[str], host: str) -> None:
        if "pr" in which:
            print("\n                                PENDING REQUESTS\n\n                                     <NONE>")
        if "ds" in which:
            print("\n                                  DRIVE STATUS\n")
            extra = "Medium  " if self.other_columns else ""
            print(f"Drv Type   {extra}Control  User      Label  RecMID  ExtMID  Ready   Wr.Enbl.  ReqId")
            for place, drive in enumerate(self.on(host)):
                tape, ready = ("B00007", "Yes") if drive["job"] else ("", "No")
                label, write = ("Yes", "Yes") if drive["job"] else (" -", " -")
                print(
                    f"{self.index(place, host):>3} hcart3 {'':{len(extra)}}{self.control(drive):<9}{'':<10} {label:<6}{tape:<8}{tape:<8}"
                    f" {ready:<7} {write:<10} 0"
                )
        if "ad" in which:
            print("\n                             ADDITIONAL DRIVE STATUS\n")
            print("Drv DriveName            Shared    Assigned        Comment")
            for place, drive in enumerate(self.on(host)):
                print(
                    f"{self.index(place, host):>3} {drive['name']:<20} {'Yes':<9} {self.assigned(drive):<15} {drive['comment'] or '-'}"
                )

    def path_table(self, host: str) -> None:
        print("\n                                  DRIVE STATUS\n")
        if self.other_columns:
            print("Drv Status  DrivePath                                             Label  Ready")
        else:
            print("Drv DrivePath                                             Status  Label  Ready")
        for place, drive in enumerate(self.on(host)):
            for path in drive["paths"]:
                status = "DOWN" if path in drive["down"] else "UP"
                ready = "Yes" if drive["job"] else "No"
                words = f"{status:<8}{path:<54}" if self.other_columns else f"{path:<54}{status:<8}"
                print(f"{self.index(place, host):>3} {words}{'-':<7}{ready}")
