# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SCSI commands on a host that has no Python: ``sg_raw`` of sg3-utils, run by a script for /bin/sh. Pure. Private: may change at any time.

One program for everything, because ``sg_raw`` sends the bytes that it is given and hands back those that came: nothing is
formatted by one version and parsed by another. Of its words only those on the status are read (its sense data are words).

What a command prints comes back as hexadecimal digits: the data, a line with the exit status, the first words of the error
output. So neither NUL bytes nor what a login prints can be mistaken for it. A command that hangs is given up after a while;
the kernel goes on with it, because its own way to end a command is to reset the drive.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _foreign_text, _sg, _spc_sense
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Answer

#: The most that is read of what a command prints: more than a drive can answer to the longest request.
MOST = 70_000
#: Of one execution; a script is one argument, and Linux takes 128 KiB.
COMMANDS_AT_ONCE = 200

_RUN = r"""
LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/bin:/usr/sbin:/sbin; export PATH
run() {
  printf "%s begin %s\n" "$nonce" "$1"
  shift
  { said=$(timeout -k 2 "$limit" "$@" 2>&1 >&3)
    printf "\n%s rc %s\n" "$nonce" "$?"
    printf "%s" "$said" | head -c 2000
  } 3>&1 | head -c 80000 | od -An -v -tx1
  printf "%s end\n" "$nonce"
}
"""
_HEX = re.compile(r"(?: ?[0-9a-f]{2})+")
_STATUS = re.compile(r"^SCSI Status: *([A-Za-z ]+?) *$", re.MULTILINE)
_STATUSES = {
    "Good": _spc_sense.GOOD, "Check Condition": _spc_sense.CHECK_CONDITION, "Condition Met": _spc_sense.CONDITION_MET,
    "Busy": _spc_sense.BUSY, "Reservation Conflict": _spc_sense.CONFLICT, "Task Set Full": _spc_sense.TASK_SET_FULL,
    "ACA Active": _spc_sense.ACA_ACTIVE, "Task Aborted": _spc_sense.TASK_ABORTED,
}
#: sg3_utils(8), EXIT STATUS: what the sense data said, with the code that we take it for.
_SENSES = {
    2: (_spc_sense.NOT_READY, 0, 0), 3: (_spc_sense.MEDIUM, 0, 0), 5: (_spc_sense.ILLEGAL_REQUEST, 0, 0),
    6: (_spc_sense.UNIT_ATTENTION, 0, 0), 9: (_spc_sense.ILLEGAL_REQUEST, 0x20, 0), 11: (_spc_sense.ABORTED, 0, 0),
    21: (_spc_sense.RECOVERED, 0, 0),
}
_CONFLICT = 24
#: 50 and the number of the system's error: its ENXIO, ENOENT, ENODEV, ENOTTY.
_GONE = (52, 56, 69, 75)
_DENIED = (51, 63)
MISSING = "sg_raw is not there; install sg3-utils (Debian) or sg3_utils (Red Hat, SUSE), and coreutils"


@dataclass(frozen=True)
class Command:
    """Words to run, and bytes for their standard input."""

    words: tuple[str, ...]
    stdin: bytes = b""


@dataclass(frozen=True)
class Outcome:
    """What a command printed; ``status`` None: nothing whole came back of it."""

    status: int | None = None
    data: bytes = b""
    said: str = ""


def scsi(device: str, cdb: bytes, length: int = 0, out: bytes = b"") -> Command:
    """Send a CDB that reads up to ``length`` bytes, or writes ``out``."""
    words = ["sg_raw", "-t", str(_sg.TIMEOUT)]
    if length:
        words += ["-b", "-r", str(length)]
    if out:
        words += ["-s", str(len(out))]
    return Command((*words, device, *(f"{byte:02x}" for byte in cdb)), out)


def reset(device: str) -> Command:
    """LOGICAL UNIT RESET; without going on to the target and the bus, where the neighbours are."""
    return Command(("sg_reset", "-N", "-d", device))


def script(commands: Sequence[Command], nonce: str, seconds: int) -> str:
    """Give the text for ``sh -c`` that runs the commands one after another."""
    lines = [f"nonce={nonce} limit={seconds}", _RUN.strip("\n")]
    for number, command in enumerate(commands):
        octal = "".join(f"\\{byte:03o}" for byte in command.stdin)
        source = f"printf '{octal}' | " if octal else ""
        lines.append(f"{source}run {number} {shlex.join(command.words)}{'' if octal else ' </dev/null'}")
    return "\n".join(lines)


def outcomes(stdout: str, nonce: str, count: int) -> list[Outcome]:
    """Read what the script printed; whatever else stands around and within it."""
    found = [Outcome() for _number in range(count)]
    lines = stdout.replace("\r\n", "\n").split("\n")
    place = 0
    while place < len(lines):
        begin = re.fullmatch(rf".*?{nonce} begin ([0-9]{{1,6}})", lines[place])
        place += 1
        if begin is None:
            continue
        digits = []
        while place < len(lines) and _HEX.fullmatch(lines[place].rstrip()):
            digits.append(lines[place])
            place += 1
        if place < len(lines) and lines[place] == f"{nonce} end" and int(begin[1]) < count:
            found[int(begin[1])] = _outcome(bytes.fromhex("".join(digits)), nonce)
    return found


def _outcome(stream: bytes, nonce: str) -> Outcome:
    # The last one: data could have been made to look like it, what follows is only ours.
    data, mark, rest = stream.rpartition(f"\n{nonce} rc ".encode())
    status, _end, said = rest.partition(b"\n")
    if not mark or not status.isdigit() or len(data) > MOST:
        return Outcome(said=_foreign_text.first_words(stream[:400].decode("latin-1")))
    return Outcome(int(status), data, said.decode("utf-8", "replace"))


def answer(outcome: Outcome) -> Answer:
    """Make an answer of what ``sg_raw`` printed."""
    said = _foreign_text.first_words(" ".join(line for line in outcome.said.split("\n") if not line.startswith(">>>")), 160)
    code = outcome.status
    if code is None:
        return Answer(problem="sg_raw printed more than a drive can answer, or broke off" + (f": {said}" if said else ""))
    if code in (124, 137):
        return Answer(problem="the drive did not answer in time")
    if code in (126, 127):
        return Answer(problem=MISSING)
    told = _STATUS.findall(outcome.said)
    status = _STATUSES.get(told[-1]) if told else None
    if _CONFLICT in (code, status):
        return Answer(_spc_sense.CONFLICT)
    if code in _SENSES and status in (None, _spc_sense.CHECK_CONDITION):
        return _checked(code, outcome)
    if code == 0 and status in (_spc_sense.GOOD, _spc_sense.CONDITION_MET):
        return Answer(status, outcome.data)
    if code == 0 and status is None:
        return Answer(problem="sg_raw did not tell the status of its command" + (f": {said}" if said else ""))
    if code and status not in (None, _spc_sense.GOOD, _spc_sense.CHECK_CONDITION):
        return Answer(status)
    if code in _DENIED:
        return Answer(problem="the device may not be opened by this user; use become")
    return Answer(problem=f"sg_raw ended with exit status {code}" + (f": {said}" if said else ""), gone=code in _GONE)


def _checked(code: int, outcome: Outcome) -> Answer:
    key, asc, ascq = _SENSES[code]
    text = outcome.said.lower()
    if code == 5 and "invalid field in cdb" in text:
        asc = 0x24
    elif code == 5 and "invalid command operation code" in text:
        asc = 0x20
    sense = bytes((0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, 0, 0, 0))
    return Answer(_spc_sense.CHECK_CONDITION, outcome.data if key == _spc_sense.RECOVERED else b"", sense)
