# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PERSISTENT RESERVE OUT, to the byte (SPC-3, INCITS 408-2005, 6.12). Pure. Private: may change at any time."""

from __future__ import annotations

OPERATION = 0x5F

#: SPC-3 6.12.2, table 114: the service actions that are used.
REGISTER_AND_IGNORE, RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT = 6, 1, 2, 3, 4, 5
NAMES = {
    REGISTER_AND_IGNORE: "REGISTER AND IGNORE EXISTING KEY",
    RESERVE: "RESERVE",
    RELEASE: "RELEASE",
    CLEAR: "CLEAR",
    PREEMPT: "PREEMPT",
    PREEMPT_AND_ABORT: "PREEMPT AND ABORT",
}
EXCLUSIVE_ACCESS = 3
#: SPC-3 6.12.3, table 115: bytes of the parameter list where nothing but keys is told.
LENGTH = 24


def command(service_action: int, kind: int = 0) -> bytes:
    """Give the CDB (SPC-3 6.12.1, table 113); the scope is the logical unit."""
    return bytes((OPERATION, service_action & 31, kind & 15, 0, 0, *LENGTH.to_bytes(4, "big"), 0))


def parameters(key: int, action_key: int) -> bytes:
    """Give the parameter list: RESERVATION KEY, SERVICE ACTION RESERVATION KEY; no APTPL, no other target ports, no other initiators."""
    return key.to_bytes(8, "big") + action_key.to_bytes(8, "big") + bytes(LENGTH - 16)
