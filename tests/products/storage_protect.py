# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IBM Storage Protect: ``dsmadmc``, the server of a library manager, its tables drives, paths and actlog.

Documented, or seen in public transcripts: the options, SELECT, UPDATE DRIVE, UPDATE PATH, QUIT, the return codes of commands,
ANR2034E, ANR8779E, ANS1017E, ANS1051I, ANS8001I, ANS8002I, ANS8023E, ANS1217E, and 137 for a wrong password. The words of the
other messages, and the status of the other failures to sign on, are of the same form only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.products.product import Call, Product, UsageError

#: Options of dsmadmc by their shortest form; True: with a value.
OPTIONS = {
    "servername": ("se", True), "optfile": ("optfile", True), "credentialsfile": ("credentialsfile", True),
    "dataonly": ("datao", True), "displaymode": ("disp", True), "outfile": ("out", True), "id": ("id", True),
    "password": ("pa", True), "tabdelimited": ("tab", False), "commadelimited": ("comma", False),
    "alwaysprompt": ("alwaysp", False), "itemcommit": ("itemcom", False), "noconfirm": ("noc", False),
    "quiet": ("q", False),
}
BANNER = """IBM Storage Protect
Command Line Administrative Interface - Version 8, Release 1, Level 22.0
(c) Copyright by IBM Corporation and other(s) 1990, 2024. All Rights Reserved.

Session established with server LIBMGR1: Linux/x86_64
  Server Version 8, Release 1, Level 22.000
  Server date/time: 11/22/26   06:00:34  Last access: 11/22/26   05:59:12

"""
COLUMNS = {
    "drives": ("library_name", "drive_name", "drive_state", "online", "drive_serial", "volume_name", "allocated_to"),
    "paths": ("library_name", "destination_name", "source_name", "online", "device"),
    "actlog": ("date_time", "message", "msgno"),
}
SINCE = "2026-11-22 05:59:40.000000"
OK, UNKNOWN, SYNTAX, NO_AUTHORITY, NOT_FOUND, IN_USE = 0, 2, 3, 9, 11, 12
REFUSED, NO_SERVER, NO_STANZA, NO_OPTION = 137, 206, 1, 4


class StorageProtect(Product):
    """Drives have a way from each source; a drive without ``paths`` has one from the server itself.

    ``word``: what ONLINE shows in place of YES or NO; ``state``: DRIVE_STATE of a drive without a job; ``file``: a FILE drive.
    """

    PROGRAMS = ("dsmadmc",)
    DIALOGUES = ("dsmadmc",)
    LIBRARY = "TS4500A"
    SERVER = "LIBMGR1"
    #: Names in the client's options file.
    STANZAS = ("libmgr", SERVER)

    def name(self, number: int) -> str:
        return f"LTO{number + 1:03}"

    # What a test does

    def add(self, serial: str, name: str = "", **more: Any) -> str:
        number = len(self.drives())
        way = {"online": True, "type": "SERVER", "device": more.get("device") or f"/dev/rmt{number}"}
        return super().add(serial, name, **{"word": "", "state": "EMPTY", "file": False, "paths": {self.SERVER: way}, **more})

    def source(self, name: str, serial: str, *, online: bool = True, kind: str = "SERVER", device: str = "/dev/rmt9") -> None:
        """Give a drive a path from another server, a storage agent or a data mover."""
        with self.change() as state:
            for drive in state["drives"]:
                if drive["serial"] == serial:
                    drive["paths"][name] = {"online": online, "type": kind, "device": device}

    def paths(self, serial: str) -> dict[str, bool]:
        """The truth of a drive's paths, by source."""
        return {name: way["online"] for one in self.drives() if one["serial"] == serial for name, way in one["paths"].items()}

    def administrator(self, serial: str, state: str) -> None:
        self.update(serial, online=state == "online", conflict=False, word="")

    def lost_race(self, serial: str) -> None:
        """The server could not open the drive, says so in its activity log, and marks it."""
        self.update(serial, online=False, conflict=True, word=f"UNAVAILABLE SINCE {SINCE}")

    def mount(self, library: str) -> str:
        """What becomes of a process that needs a drive of the library: its name, "waits" or, if all are offline, "fails"."""
        some = [drive for drive in self.drives() if drive["library"] == library and drive["online"]]
        if not some:
            return "fails"
        return next((drive["name"] for drive in some if not drive["job"]), "waits")

    # What the program does

    def sets(self, program: str, words: Sequence[str], lines: Sequence[str]) -> bool:
        return any(re.match(r"(?i)upd", text) for text in (*words, *lines))

    def refused(self, call: Call) -> int:
        print("ANR2035E UPDATE DRIVE: Administrator SHARING1 is not authorized to issue this command.")
        print(f"ANS8001I Return code {NO_AUTHORITY}.")
        return NO_AUTHORITY

    def is_down(self, call: Call) -> int:
        print("ANS1017E Session rejected: TCP/IP connection failure.")
        print("ANS8023E Unable to establish session with server.\n")
        print("ANS8002I Highest return code was -50.")
        return NO_SERVER

    def is_denied(self, call: Call) -> int:
        for _attempt in range(3):
            print("ANS1051I Invalid user id or password\nEnter your password:\n")
        print("ANS1051I Invalid user id or password\nANS8023E Unable to establish session with server.\n")
        print(f"ANS8002I Highest return code was {REFUSED}.")
        return REFUSED

    def run(self, program: str, words: Sequence[str], lines: Sequence[str]) -> int:
        given, command = self._options(list(words))
        if given.get("servername", self.STANZAS[0]) not in self.STANZAS:
            raise UsageError("ANS1217E Server name not found in System Options File", NO_STANZA)
        if "credentialsfile" not in given or not Path(given["credentialsfile"]).is_file():
            print("Enter your user id:")
            return self.is_denied(Call(program, tuple(words), tuple(lines), False, {}))
        bare = given.get("dataonly", "no").lower() == "yes"
        if not bare:
            print(BANNER)
        if command:
            if not bare:
                print(f"ANS8000I Server command: '{command}'\n")
            code = self._command(command, given)
        else:
            code = 0
            for line in lines:
                if line.strip().lower() == "quit":
                    break
                code = max(code, self._command(line, given))
        if not bare:
            print(f"\nANS8002I Highest return code was {code}.\n")
        return code

    def _options(self, words: list[str]) -> tuple[dict[str, str], str]:
        given: dict[str, str] = {}
        while words and words[0].startswith("-"):
            word, _equals, value = words.pop(0)[1:].partition("=")
            known = [
                name for name, (short, valued) in OPTIONS.items()
                if name.startswith(word.lower()) and len(word) >= len(short) and valued == bool(_equals)
            ]
            if not known:
                raise UsageError(f"ANS1107E Invalid option/value: '-{word}'", NO_OPTION)
            given[known[0]] = value
        return given, " ".join(words)

    def _command(self, command: str, given: dict[str, str]) -> int:
        code = self._done(command.strip(), given)
        if code:
            print(f"ANS8001I Return code {code}.")
        return code

    def _done(self, command: str, given: dict[str, str]) -> int:
        words = command.split()
        verbs = " ".join(words[:2]).lower()
        if words[0].lower() == "select":
            return self._select(command, given)
        if re.fullmatch(r"upd(a(te?)?)? dr(i(ve?)?)?", verbs):
            return self._update_drive(words[2:])
        if re.fullmatch(r"upd(a(te?)?)? path", verbs):
            return self._update_path(words[2:])
        if re.fullmatch(r"q(u(e(ry?)?)?)? dr(i(ve?)?)?", verbs):
            return self._query_drive()
        print(f"ANR2000E Unknown command - {words[0].upper()}.")
        return UNKNOWN

    # Tables

    def _rows(self, table: str) -> list[dict[str, str]]:
        rows = []
        for drive in self.drives():
            about = {"library_name": drive["library"]}
            if table == "drives":
                job = bool(drive["job"])
                rows.append({
                    **about, "drive_name": drive["name"],
                    "drive_state": "LOADED" if job else drive["state"],
                    "online": drive["word"] or ("YES" if drive["online"] else "NO"),
                    "drive_serial": "" if drive["file"] else drive["serial"],
                    "volume_name": "SP0042L8" if job else "", "allocated_to": self.SERVER if job else "",
                    "short": "yes" if drive["file"] else "",
                })  # fmt: skip
            for source, way in drive["paths"].items():
                if table == "paths":
                    online = "YES" if way["online"] else "NO"
                    rows.append({
                        **about, "destination_name": drive["name"], "source_name": source, "online": online, "device": way["device"],
                    })  # fmt: skip
                elif table == "actlog" and drive["conflict"]:
                    text = f"ANR8779E Unable to open drive {way['device']}, error number=16. (SESSION: 4711)"
                    rows.append({"date_time": SINCE, "message": text, "msgno": "8779"})
        if table == "paths":
            # The way to the library itself.
            rows.append({"destination_name": self.LIBRARY, "source_name": self.SERVER, "online": "YES", "device": "/dev/smc0"})
        return rows

    def _select(self, command: str, given: dict[str, str]) -> int:
        found = re.fullmatch(r"(?i)select (?P<columns>.+?) from (?P<table>\w+)(?: where (?P<where>.+))?", command)
        table = found["table"].lower() if found else ""
        if not found or table not in COLUMNS:
            print(f"ANR2914E SQL identifier token '{table}' is not known.")
            return SYNTAX
        columns = [column.strip() for column in found["columns"].split(",")]
        for column in columns:
            if not re.fullmatch(r"'[^']*'", column) and column.lower() not in COLUMNS[table]:
                print(f"ANR2940E The reference '{column.upper()}' is an unknown SQL column name.")
                return SYNTAX
        rows = self._rows(table)
        known = r"msgno IN \([0-9, ]+\)|source_name IN \('[^()]+'\)|date_time>=current_timestamp - \d+ minutes"
        if found["where"] and not all(re.fullmatch(known, part) for part in found["where"].split(" AND ")):
            print("ANR2906E Unexpected SQL token.")
            return SYNTAX
        wanted = re.search(r"(?i)msgno in \(([0-9, ]+)\)", found["where"] or "")
        if wanted and table == "actlog":
            rows = [row for row in rows if row["msgno"] in wanted[1].replace(" ", "").split(",")]
        wanted = re.search(r"source_name IN \(([^)]+)\)", found["where"] or "")
        if wanted:
            rows = [row for row in rows if f"'{row['source_name']}'" in wanted[1].split(", ")]
        if not rows:
            print("ANR2034E SELECT: No match found using this criteria.")
            return NOT_FOUND
        if given.get("dataonly", "no").lower() != "yes":
            print("\t".join("Unnamed[1]" if column[0] == "'" else column.upper() for column in columns), "\n")
        for row in rows:
            values = [column[1:-1] if column[0] == "'" else row.get(column.lower(), "") for column in columns]
            if self.other_columns:
                # A client that does not know -tabdelimited.
                print("     ".join(values))
            elif "commadelimited" in given:
                print(",".join(values))
            else:
                # Rows of FILE drives are short: what is NULL is left out.
                print("\t".join(value for value in values if value or not row.get("short")))
        return OK

    def _query_drive(self) -> int:
        print("Library Name     Drive Name       Device Type     On-Line")
        for drive in self.drives():
            print(f"{drive['library']:16} {drive['name']:16} LTO             {'Yes' if drive['online'] else 'No'}")
        return OK

    # Commands

    @staticmethod
    def _parameters(words: Sequence[str], allowed: Sequence[str]) -> dict[str, str] | None:
        given = {}
        for word in words:
            key, equals, value = word.upper().partition("=")
            known = next((name for name in allowed if name.startswith(key) and len(key) >= 3), None)
            if not equals or known is None:
                print(f"ANR2020E UPDATE: Invalid parameter - {word.upper()}.")
                return None
            given[known] = value
        return given

    def _update_drive(self, words: Sequence[str]) -> int:
        given = self._parameters(words[2:], ("ONLINE", "SERIAL", "ELEMENT", "ACSDRVID", "CLEANFREQUENCY"))
        if given is None or len(words) < 3 or given.get("ONLINE") not in (None, "YES", "NO"):
            return SYNTAX
        library, name = words[0].upper(), words[1].upper()
        with self.change() as state:
            found = [one for one in state["drives"] if (one["library"], one["name"]) == (library, name)]
            if not found:
                print(f"ANR8402E UPDATE DRIVE: Drive {name} is not defined in library {library}.")
                return NOT_FOUND
            for drive in found:
                # The documentation: no other parameter along with ONLINE=, or it fails while the drive is in use.
                if drive["job"] and set(given) != {"ONLINE"}:
                    print(f"ANR8413E UPDATE DRIVE: Drive {name} is currently in use.")
                    return IN_USE
                if "ONLINE" in given:
                    # The volume that is mounted completes its process.
                    drive.update(online=given["ONLINE"] == "YES", word="", conflict=False)
        print(f"ANR8467I Drive {name} in library {library} updated.")
        return OK

    def _update_path(self, words: Sequence[str]) -> int:
        given = self._parameters(words[2:], ("SRCTYPE", "DESTTYPE", "LIBRARY", "DEVICE", "ONLINE"))
        needed = {"SRCTYPE": ("SERVER", "DATAMOVER"), "DESTTYPE": ("DRIVE",), "ONLINE": (None, "YES", "NO")}
        if given is None or "LIBRARY" not in given or any(given.get(key) not in some for key, some in needed.items()):
            return SYNTAX
        source, name = words[0].upper(), words[1].upper()
        with self.change() as state:
            found = [
                one["paths"][source] for one in state["drives"]
                if (one["library"], one["name"]) == (given["LIBRARY"], name)
                and one["paths"].get(source, {}).get("type") == given["SRCTYPE"]
            ]
            if not found:
                print(f"ANR1754E UPDATE PATH: The path from {source} to {name} is not defined.")
                return NOT_FOUND
            for way in found:
                way["online"] = given.get("ONLINE", "YES") == "YES"
        print(f"ANR1722I A path from {source} to {given['LIBRARY']} {name} has been updated.")
        return OK
