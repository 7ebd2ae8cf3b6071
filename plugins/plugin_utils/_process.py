# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which process holds a claim, and whether it still runs. Private: may change at any time."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def identity(pid: int) -> dict[str, Any]:
    """Name a process of this machine so that it cannot be mistaken for a later one with the same number."""
    return {"host": socket.gethostname(), "boot": _boot(), "pid": pid, "start": _start(pid)}


def gone(claimer: Mapping[str, Any]) -> bool:
    """Say whether a process surely has ended, or stands still; of one elsewhere nothing is known, so the answer is False.

    One that was stopped (SIGSTOP, ^Z) would hold its drives until its lease ends, and nobody knows whether it goes on. If
    it does, it finds that its claim is over, as after any lease.
    """
    here, there = _boot(), str(claimer.get("boot") or "")
    if claimer.get("host") != socket.gethostname() or not here or not there:
        return False
    if there != here:
        # Another boot of this machine, or another process namespace on it: only the first is the end of the process.
        return there.split(" ", maxsplit=1)[0] != here.split(" ", maxsplit=1)[0]
    pid = claimer.get("pid")
    state, start = _stat(pid) if isinstance(pid, int) else ("X", None)
    return state in "ZXT" or start != claimer.get("start")


def _boot() -> str:
    """Boot and process namespace: a container's process numbers say nothing outside it (empty where unknown)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _start(pid: int) -> str | None:
    """When a process was started; None for one that is not there."""
    state, start = _stat(pid)
    # A zombie has ended: nobody has waited for it yet.
    return None if state in "ZX" else start


def _stat(pid: int) -> tuple[str, str | None]:
    """Fields 3 and 22 of /proc/PID/stat, state and clock ticks since boot (proc(5)); X for a process that is not there."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "X", None
    fields = text.rpartition(")")[2].split()
    return fields[0], fields[19]
