# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which processes of a Linux host have which tape drive open. Pure. Private: may change at any time.

By /proc, which is all that is needed and always there. Only root sees the files of others: for anybody else it is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._sg_raw import Command

#: Prints whether it sees everything, then folders of processes and what leads to a device, and the processes' names.
_SCRIPT = r"""
printf "user %s\n" "$(id -u)"
ls -l /proc/[0-9]*/fd 2>/dev/null | while read -r line; do
  case $line in
  /proc/*) folder=${line%/fd:} ;;
  *" -> /dev/st"*|*" -> /dev/nst"*|*" -> /dev/sg"*|*" -> /dev/IBMtape"*|*" -> /dev/lin_tape"*)
    name=; read -r name < "$folder/comm"
    printf "open %s %s %s\n" "${folder##*/}" "${line##* -> }" "$name" ;;
  esac
done 2>/dev/null
printf "end\n"
"""
_OPEN = re.compile(r"open ([0-9]{1,10}) (/dev/\S{1,200}) (.*)")
#: st0, nst0, and the same drive in other modes: st0l, nst0m, st0a.
_NODE = re.compile(r"/dev/(?:lin_tape/)?(n?)(st|IBMtape|sg)([0-9]{1,9})[almn]?")


def command() -> Command:
    """Ask for all of them."""
    return Command(("sh", "-c", _SCRIPT.strip("\n")))


def read(text: str) -> dict[str, list[str]] | None:
    """Give what is open, by device without mode: ``bacula-sd (process 812)``; None: it cannot be seen by this user."""
    lines = text.split("\n")
    if "user 0" not in lines or "end" not in lines:
        return None
    found: dict[str, list[str]] = {}
    for line in lines:
        match = _OPEN.fullmatch(line)
        if match:
            name = "".join(char for char in match[3][:40] if char.isprintable())
            found.setdefault(plain(match[2]), []).append(f"{name or '?'} (process {match[1]})")
    return found


def plain(device: str) -> str:
    """Give the one name of a drive's device files in all their modes; names that are no such stay as they are."""
    match = _NODE.fullmatch(device)
    return f"/dev/{match[2]}{match[3]}" if match else device


def of(found: dict[str, list[str]] | None, devices: Iterable[str]) -> list[str] | None:
    """Give who has one of these device files open; None: it cannot be seen."""
    if found is None:
        return None
    return list(dict.fromkeys(who for device in dict.fromkeys(map(plain, devices)) for who in found.get(device, ())))
