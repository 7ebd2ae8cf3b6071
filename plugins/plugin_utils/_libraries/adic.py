# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ADIC and Quantum libraries by SNMP: `phDriveCommand` of ADIC-MANAGEMENT-MIB. Private: may change at any time.

The table of drives has an index of nine numbers (component, media domain, media type, and the place). A drive is found in it by its serial
number; its state is `phDriveOnlineStatus`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers, _library
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library import Answer, Seen, Set, Walk, Way

OPTIONS: dict[str, dict[str, Any]] = {
    **_library.COMMON,
    "address": {"type": "str", "default": ""},
    "port": {"type": "int", "default": 161},
    "version": {"type": "str", "choices": ["3", "2c", "1"], "default": "3"},
    "user": {"type": "str", "default": ""},
    "auth_protocol": {"type": "str", "choices": ["sha224", "sha256", "sha384", "sha512", "sha", "md5"], "default": "sha256"},
    "auth_passphrase_file": {"type": "str", "default": ""},
    "priv_protocol": {"type": "str", "choices": ["aes128", "aes192", "aes256", "des"], "default": "aes128"},
    "priv_passphrase_file": {"type": "str", "default": ""},
    "community_file": {"type": "str", "default": ""},
    "effect": {"type": "str", "choices": ["offline", "mounts"], "default": "mounts"},
}
ENTRY = "1.3.6.1.4.1.3764.1.1.200.20.80.110.1"
SERIAL, COMMAND, STATUS = f"{ENTRY}.8", f"{ENTRY}.16", f"{ENTRY}.29"
#: phDriveCommand
COMMANDS = {"error": 2, "ok": 1}
#: AdicOnlineStatus
STATES = {1: ("ok", "online"), 2: ("error", "offline")}
_ADDRESS = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.-]{0,252}|[0-9a-fA-F:.]{2,45}")
_INDEX = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,10}){0,15}")
_PORTS = range(1, 65536)


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options in their final form."""
    given = _library.check_common(options)
    if not _ADDRESS.fullmatch(given["address"]):
        msg = "it has no address; give its host variable library_adic_address, as in library.example"
        raise InvalidValueError(msg)
    if given["port"] not in _PORTS:
        msg = f"library_adic_port must be 1 to 65535, not {_identifiers.shown(given['port'])}"
        raise InvalidValueError(msg)
    needed = ("community_file",) if given["version"] != "3" else ("user", "auth_passphrase_file", "priv_passphrase_file")
    for option in needed:
        if not given[option]:
            msg = f"SNMP version {given['version']} needs its host variable library_adic_{option}"
            raise InvalidValueError(msg)
    return given


def queries(options: Mapping[str, Any], drive: str) -> list[Walk]:
    """The calls that show the drive."""
    return [Walk(SERIAL), Walk(STATUS)]


def read(options: Mapping[str, Any], drive: str, answers: Sequence[Answer]) -> Seen:
    """What they show."""
    serials, states = ({} if not isinstance(one.json(), Mapping) else one.json() for one in answers)
    name = _library.name_of(options, drive)
    places = [place for place, serial in serials.items() if serial == name and _INDEX.fullmatch(place)]
    if not places:
        return Seen("unknown", f"shows no drive {name}" if serials else "shows no drives; perhaps it has another MIB")
    if len(places) > 1:
        return Seen("unknown", f"shows drive {name} in {len(places)} places")
    state = states.get(places[0])
    kind, words = STATES.get(state, ("other", f"state {_library.shown(state)}")) if isinstance(state, int) else ("unknown", "")
    return Seen(kind, words or "does not show its state", None, {"index": places[0]})


def ways(options: Mapping[str, Any]) -> list[Way]:
    """The ways, in the order in which they are tried."""
    return [Way("by phDriveCommand", options["effect"])]


def tell(options: Mapping[str, Any], way: Way, wanted: str, drive: str, seen: Seen) -> list[Set]:
    """The calls of one way."""
    return [Set(f"{COMMAND}.{seen.more['index']}", COMMANDS[wanted])] if "index" in seen.more else []
