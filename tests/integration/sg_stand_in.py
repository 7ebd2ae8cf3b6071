# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in for sg_raw and sg_reset of sg3-utils: simulated drives behind their command lines, and bad behaviour.

Run as ``python sg_stand_in.py PROGRAM WORDS``, with the folder of the host in SG_STAND_IN. The drives' state is in files, one
process changes it at a time.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Answer
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.simulated_drive import Drive

STATUS = {0: "Good", 0x18: "Reservation Conflict", 8: "Busy", 2: "Check Condition"}
#: Sense key to exit status, as sg3_utils(8) has it.
EXIT = {2: 2, 3: 3, 4: 3, 5: 5, 6: 6, 0xB: 11}
CODES = {(0x20, 0): "Invalid command operation code", (0x24, 0): "Invalid field in cdb"}


def save(drive: Drive, file: Path) -> None:
    """Write a drive's state."""
    held = {
        "generation": drive.generation, "type": drive.type, "holder": drive.holder, "spc2": drive.spc2, "actions": drive.actions,
        "keys": [[*who, key] for who, key in drive.keys.items()],
        "attentions": [[*who, some] for who, some in drive.attentions.items()],
        "has_reservations": drive.has_reservations, "commands": drive.commands, "unknown": sorted(drive.unknown),
    }
    file.write_text(json.dumps(held))


def load(serial: str, file: Path) -> Drive:
    """Read a drive's state."""
    held = json.loads(file.read_text())
    drive = Drive(serial)
    drive.generation, drive.type, drive.has_reservations = held["generation"], held["type"], held["has_reservations"]
    drive.holder = tuple(held["holder"]) if held["holder"] else None
    drive.spc2 = tuple(held["spc2"]) if held["spc2"] else None
    drive.keys = {(protocol, name): key for protocol, name, key in held["keys"]}
    drive.attentions = {(protocol, name): [tuple(one) for one in some] for protocol, name, some in held["attentions"]}
    drive.commands, drive.actions, drive.unknown = held["commands"], held["actions"], set(held["unknown"])
    return drive


def behave(kind: str) -> None:
    """Misbehave, as the name of the file says."""
    if kind == "refuse":
        sys.stderr.write("/dev/sg0: Permission denied\n")
        sys.exit(63)
    if kind == "hang":
        time.sleep(600)
    if kind == "junk":
        sys.stdout.buffer.write(bytes(range(256)) * 8000)
        sys.stderr.buffer.write(b"SCSI Status: Good \n" + bytes(range(128, 256)) * 100)
        sys.exit(0)


def sg_raw(words: list[str], folder: Path) -> int:
    """Carry out a command line of sg_raw, with its documented options only."""
    given = {"-r": "0", "-s": "0", "-t": "0"}
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in given:
            given[option] = words.pop(0)
        elif option != "-b":
            sys.stderr.write("unrecognized option\n")
            return 1
    length, out = int(given["-r"]), int(given["-s"])
    node, cdb = words[0], bytes.fromhex("".join(words[1:]))
    host = json.loads((folder / "host.json").read_text())
    if node not in host:
        sys.stderr.write(f"{node}: No such file or directory\n")
        return 52
    found: dict[str, Any] = host[node]
    file = folder.parent / f"drive-{found['serial']}.json"
    with open(folder.parent / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        drive = load(found["serial"], file)
        lies = (folder / "lie").exists() and cdb[0] == 0x5F
        data = sys.stdin.buffer.read(out) if out else b""
        keep = json.dumps(file.read_text())
        answer = drive.carry_out(cdb, length, data, found["port"])
        save(drive, file)
        if lies:
            file.write_text(json.loads(keep))
        # Somebody else is faster: once, right after the first command that changes something.
        race = folder / "race"
        if cdb[0] == 0x5F and race.exists():
            other = json.loads(race.read_text())
            race.unlink()
            drive.spc2 = None
            drive.keys[("fc", other["id"])] = other["key"]
            drive.holder, drive.type = ("fc", other["id"]), 3
            save(drive, file)
    return tell(answer, length)


def tell(answer: Answer, length: int) -> int:
    """Say what the drive answered, and give the exit status."""
    status = answer.status or 0
    if status not in (0, 2):
        sys.stderr.write(">>> unknown pass through result category (1)\n")
    sys.stderr.write(f"SCSI Status: {STATUS[status]} \n\n")
    if status == 2:
        key, code = answer.sense[2], (answer.sense[12], answer.sense[13])
        sys.stderr.write(f"Sense Information:\nFixed format, current; Sense key: {key}\n Additional sense: {CODES.get(code, 'other')}\n")
        return 9 if code == (0x20, 0) else EXIT[key]
    if length and not status:
        sys.stderr.write(f"Writing {len(answer.data)} bytes of data to stdout\n")
        sys.stdout.buffer.write(answer.data)
    return 24 if status == 0x18 else status


def sg_reset(words: list[str], folder: Path) -> int:
    """Carry out ``sg_reset -N -d NODE``."""
    if words[:2] != ["-N", "-d"]:
        return 1
    found = json.loads((folder / "host.json").read_text())[words[2]]
    file = folder.parent / f"drive-{found['serial']}.json"
    drive = load(found["serial"], file)
    drive.reset(found["port"])
    save(drive, file)
    return 0


def main() -> int:
    """Be the program that is asked for."""
    folder = Path(os.environ["SG_STAND_IN"])
    program, words = sys.argv[1], sys.argv[2:]
    with open(folder / "log", "a") as log:
        log.write(json.dumps([program, *words]) + "\n")
    for kind in ("refuse", "hang", "junk"):
        if (folder / kind).exists():
            behave(kind)
    return {"sg_raw": sg_raw, "sg_reset": sg_reset}[program](words, folder)


if __name__ == "__main__":
    sys.exit(main())
