# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bareos: bconsole, a director and a storage daemon behind it, by the words of Bareos' own source (versions 19 to 24).

Each library is an autochanger, and its storage in the director has the same name; ``host`` is the address of its storage
daemon. A drive with library "" is a device of its own, with a storage of its own. What the console may use stands in its
configuration as ``# commands:``, ``# storages:``; the digest of the password there has to be the one that the state has, if it has one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.products.product import Call, Product, UsageError

COMMANDS = (".storages", "status", "setdevice", "setdebug", "unmount", "mount", "quit", ".")
ARGUMENT = re.compile(r'(\w+)=(?:"([^"]*)"|(\S+))')
USAGE = "Usage: bconsole [-s] [-c path] [-d debug_level] [-u seconds]"


def digest_of(password: str) -> str:
    """What a director keeps of a password."""
    return hashlib.sha256(password.encode()).hexdigest()


class Bareos(Product):
    """Drives have ``online`` (autoselect), and ``open``, ``unmounted``, ``index``; the state has ``level``, ``stopped``, ``version``."""

    PROGRAMS = ("bconsole",)
    DIALOGUES = ("bconsole",)
    LIBRARY = "Changer"

    def name(self, number: int) -> str:
        return f"Drive-{number}"

    def sets(self, program: str, words: Sequence[str], lines: Sequence[str]) -> bool:
        return any(line.startswith(("setdevice", "unmount", "mount")) for line in lines)

    # What a test does

    def set_state(self, **more: Any) -> None:
        """Debug level, daemons that are stopped, version."""
        with self.change() as state:
            state.update(more)

    def restart_storage_daemon(self) -> None:
        """A storage daemon forgets what setdevice told it."""
        with self.change() as state:
            for drive in state["drives"]:
                drive.update(online=True, unmounted=False)

    # Failures

    def refused(self, call: Call) -> int:
        self.hello(call.lines)
        for line in call.lines:
            print(line)
            if line.startswith("setdevice"):
                print(f"Connecting to Storage daemon {self.LIBRARY} at 192.0.2.20:9103")
                print("3991 Bad setdevice command: the device is locked")
        return 0

    def is_down(self, call: Call) -> int:
        print("Connecting to Director director.example.com:9101")
        return 1

    def is_denied(self, call: Call) -> int:
        print("Connecting to Director director.example.com:9101")
        print("Director authorization problem.\nMost likely the passwords do not agree.")
        return 1

    # The console

    def run(self, program: str, words: Sequence[str], lines: Sequence[str]) -> int:
        # It has no -n any more since version 19.
        if len(words) != 2 or words[0] != "-c":
            raise UsageError(USAGE, 1)
        path = Path(words[1])
        if not path.is_file():
            print(f'bconsole: ERROR TERMINATION at lib/parse_conf.cc:172\nConfig error: Cannot open config file "{path}": '
                  "No such file or directory")
            return 1
        text = path.read_text(encoding="utf-8")
        digest = self.state().get("digest")
        if digest and digest not in [digest_of(word) for word in re.findall(r'"([^"]*)"', text)]:
            return self.is_denied(Call(program, tuple(words), tuple(lines), False, {}))
        self.hello(lines)
        self.commands = self.listed(text, "commands", COMMANDS)
        self.allowed = self.listed(text, "storages", self.storages())
        for line in lines:
            print(line)
            if line == "quit":
                break
            self.command(line)
        return 0

    @staticmethod
    def listed(text: str, what: str, everything: Sequence[str]) -> list[str]:
        found = re.search(rf"^# {what}: (.*)$", text, re.MULTILINE)
        return found[1].split(", ") if found else list(everything)

    @staticmethod
    def hello(lines: Sequence[str]) -> None:
        print("Connecting to Director director.example.com:9101\n Encryption: TLS_CHACHA20_POLY1305_SHA256 TLSv1.3")
        print("1000 OK: example-dir Version: 23.0.2 (06 March 2024)\nBareos community build (UNSUPPORTED).")
        print("You are logged in as: drive_sharing\n\nEnter a period (.) to cancel a command.")

    def storages(self) -> list[str]:
        """The storages of the director: one for each autochanger, and one for each device outside of one."""
        return list(dict.fromkeys(one["library"] or f"Only{one['name']}" for one in self.drives()))

    def command(self, line: str) -> None:
        word = line.split(" ", maxsplit=1)[0]
        # Even a period is a command, which a console may use or not; only quit is for everybody.
        if word not in COMMANDS or word not in (*self.commands, "quit"):
            print(f"{word}: is an invalid command.")
            return
        arguments = {key: quoted or plain for key, quoted, plain in ARGUMENT.findall(line)}
        if word == ".storages":
            print("\n".join(self.allowed))
        elif word in ("status", "unmount", "mount"):
            # A director that does not know the name takes the only one that there is for this console.
            storage = arguments.get("storage", "")
            if storage not in self.allowed:
                print(f'Storage resource "{storage}": not found')
                if len(self.allowed) != 1:
                    print("The defined Storage resources are:")
                    return
                print(f"Automatically selected Storage: {self.allowed[0]}")
                storage = self.allowed[0]
            getattr(self, word)(storage, arguments)
        elif word == "setdevice":
            self.setdevice(arguments)
        elif word == "setdebug":
            storage = arguments["storage"]
            if self.connect(storage, "Failed to connect to Storage daemon.\n"):
                self.set_state(level=int(arguments["level"]))
                print(f"3000 OK setdebug={arguments['level']} trace=0 timestamp=0 tracefilename=/var/lib/bareos/example-sd.trace")

    def connect(self, storage: str, failed: str) -> bool:
        print(f"Connecting to Storage daemon {storage} at {self.address(storage)}:9103")
        if storage in self.state().get("stopped", ()):
            print(failed, end="")
            return False
        return True

    def address(self, storage: str) -> str:
        return next((one["host"] for one in self.of(storage) if one["host"]), "192.0.2.20")

    def of(self, storage: str) -> list[dict[str, Any]]:
        return [one for one in self.drives() if storage in (one["library"], f"Only{one['name']}")]

    def setdevice(self, arguments: dict[str, str]) -> None:
        wrong = [key for key in arguments if key not in ("storage", "device", "autoselect")]
        missing = [key for key in ("autoselect", "device", "storage") if not arguments.get(key)]
        if wrong or missing or arguments["autoselect"] not in ("yes", "no"):
            print(f"Wrong argument: {wrong[0]}" if wrong else f"Argument missing: {missing[0]}" if missing else "Wrong argument")
            return
        storage, device = arguments["storage"], arguments["device"]
        if storage not in self.allowed:
            print(f'Access to storage "{storage}" forbidden')
            return
        if not self.connect(storage, "Failed to connect to Storage daemon.\n"):
            return
        # The name goes to the storage daemon as it is, and it reads up to a blank.
        device = device.split(" ")[0]
        address, value = self.address(storage), arguments["autoselect"]
        with self.change() as state:
            found = [one for one in state["drives"] if one["name"] == device and (one["host"] or "192.0.2.20") == address]
            if not found:
                print(f"3991 Bad setdevice command: Device not found: {device}")
                return
            for one in found:
                one["online"] = value == "yes"
        print(f"3000 OK setdevice={device} autoselect={int(value == 'yes')}")

    def index_of(self, storage: str, index: str) -> dict[str, Any] | None:
        some = self.of(storage)
        return next((one for one in some if str(self.index(one)) == index), some[0] if len(some) == 1 else None)

    def index(self, one: dict[str, Any]) -> int:
        number = one["name"].rpartition("-")[2]
        return one.get("index", int(number) if number.isdigit() else 0)

    def unmount(self, storage: str, arguments: dict[str, str]) -> None:
        self.move(storage, arguments, unmounted=True)

    def mount(self, storage: str, arguments: dict[str, str]) -> None:
        if "slot" not in arguments:
            print("Enter autochanger slot: ", end="")
            return
        self.move(storage, arguments, unmounted=False)

    def move(self, storage: str, arguments: dict[str, str], *, unmounted: bool) -> None:
        print("Automatically selected Catalog: MyCatalog\nUsing Catalog \"MyCatalog\"")
        if not self.connect(storage, "Failed to connect to Storage daemon.\n"):
            return
        one = self.index_of(storage, arguments.get("drive", ""))
        if one is None:
            print(f'3999 Device "{storage}" not found or could not be opened.')
            return
        shown = f'""{one["name"]}" ({one["device"]})"'
        if unmounted and not one.get("open"):
            print(f"3901 Device {shown} is already unmounted.")
        elif unmounted and one["job"]:
            print(f"3937 Device {shown} is busy with writers=1 reserved=0.")
        elif unmounted:
            print(f'3307 Issuing autochanger "unload slot 3, drive {self.index(one)}" command.')
            print(f"3002 Device {shown} unmounted.")
            self.update(one["serial"], unmounted=True)
        else:
            print(f'3001 Device "{one["name"]}" ({one["device"]}) is mounted with Volume "TAPE01"')
            self.update(one["serial"], unmounted=False)

    # Its status

    def status(self, storage: str, arguments: dict[str, str]) -> None:
        if not self.connect(storage, f"\nFailed to connect to Storage daemon {storage}.\n====\n"):
            return
        some = self.of(storage)
        new = self.state().get("version", 23) >= 24 or self.other_columns
        print("\nexample-sd Version: 23.0.2 (06 March 2024) Debian GNU/Linux 12 (bookworm) ")
        print("Daemon started 23-Nov-26 05:46. Jobs: run=0, running=0, Bareos community build binary")
        print(" Sizes: boffset_t=8 size_t=8 int32_t=4 int64_t=8 bwlimit=0kB/s\n")
        print("Job inventory:\n" if new else "Running Jobs:")
        busy = [one for one in some if one["job"]]
        for one in busy:
            start = "Writing: " if new else f"Writing: Full Backup job {one['job']} JobId=17 "
            if new:
                print(f"JobId=17 Level=Full Type=Backup Name={one['job']} Status=Running")
            print(f'{start}Volume="TAPE01"\n    pool="Tapes" device={self.printed(one)}')
            print("    spooling=0 despooling=0 despool_wait=0")
        print("====" if busy else "No Jobs running.\n====")
        print("\nJobs waiting to reserve a drive:\n====\n\nTerminated Jobs:\n====\n\nDevice status:")
        if some and some[0]["library"]:
            print(f'Autochanger "{storage}" with devices:')
            for one in some:
                print(f"   {self.printed(one)}")
        for one in some:
            self.device(one)
        print("====\n\nUsed Volume status:")
        for one in busy:
            print(f"TAPE01 on device {self.printed(one)}\n    Reader=0 writers=1 reserves=0 volinuse=1")
        print("====\n\n====\n")

    @staticmethod
    def printed(one: dict[str, Any]) -> str:
        return f'"{one["name"]}" ({one["device"]})'

    def device(self, one: dict[str, Any]) -> None:
        if one.get("open"):
            how = "waiting for sysop intervention" if one.get("unmounted") else "mounted with"
            print(f"\nDevice {self.printed(one)} is {how}:\n    Volume:      TAPE01\n    Pool:        Tapes\n    Media type:  LTO")
        else:
            print(f"\nDevice {self.printed(one)} is not open.")
        if one.get("unmounted"):
            print("    Device is BLOCKED. User unmounted.")
        if one["library"]:
            print(f"    Drive {self.index(one)} is not loaded.")
        if self.state().get("level", 2) > 1:
            print("Device state:\n  OPENED !LABEL !MALLOC !APPEND !READ !EOT !WEOT !EOF !NEXTVOL !SHORT !MOUNTED")
            print(f"  num_writers={int(bool(one['job']))} reserves=0 block=0\nAttached Jobs: {'17' if one['job'] else ''}")
            print(f"Device parameters:\n  Archive name: {one['device']}\nDevice name: {one['name']}\nDevice Type: tape")
            print(f"  File=0 block=0\n  Min block=0 Max block=0\n  Auto Select={'yes' if one['online'] else 'no'}")
        print("==")
