# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the arguments of the SNMP detector. Private: may change at any time.

Every fault is one sentence that names the option as the user wrote it (``snmp.users[0].auth_passphrase``), and never
shows a passphrase or a community.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _snmp_map_check, _snmp_pysnmp
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._fields import (
    boolean,
    items,
    keys,
    refuse,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._listen import (
    MAX_SECRET,
    Address,
    addresses,
    secret_lines,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_map import Entry
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

OPTIONS = ("listen", "users", "allow_v2c", "communities", "maps")
PORT = 162
DEFAULT_MAPS = ("tape_drive_sharing",)
AUTH_PROTOCOLS = ("sha224", "sha256", "sha384", "sha512", "sha")
PRIV_PROTOCOLS = ("aes128", "aes192", "aes256")

#: RFC 3414 11.2
MIN_PASSPHRASE = 8
#: RFC 3411 5: SnmpEngineID
_ENGINE_ID_OCTETS = range(5, 33)
#: RFC 3414 5: SnmpAdminString of usmUserName
_MAX_USER_OCTETS = 32

_USER_OPTIONS = (
    "name",
    "auth_protocol",
    "auth_passphrase",
    "auth_passphrase_file",
    "priv_protocol",
    "priv_passphrase",
    "priv_passphrase_file",
    "security_engine_id",
    "allow_weak",
)


@dataclass(frozen=True, slots=True)
class UserConfig:
    """One user of SNMPv3."""

    name: str
    auth_protocol: str
    priv_protocol: str
    auth_passphrase: bytes = field(repr=False)
    priv_passphrase: bytes = field(repr=False)
    security_engine_ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """The checked arguments."""

    listen: tuple[Address, ...]
    users: tuple[UserConfig, ...]
    communities: tuple[bytes, ...] = field(repr=False)
    maps: tuple[Entry, ...]


def check(args: Any) -> Config:
    """Check what stands under ``snmp:``; raises InvalidValueError, or MissingLibraryError without pysnmp."""
    if not isinstance(args, Mapping):
        refuse("snmp", f"a mapping with the options {', '.join(OPTIONS)}", args)
    keys(args, OPTIONS, "snmp")
    users = _users(args.get("users"))
    communities = _communities(args.get("communities"), args.get("allow_v2c", False))
    if not users and not communities:
        msg = (
            "snmp.users must name at least one user of SNMPv3; "
            "for senders that know SNMPv2c only there are snmp.communities and snmp.allow_v2c"
        )
        raise InvalidValueError(msg)
    _snmp_pysnmp.require(usm=bool(users))
    maps = args.get("maps")
    return Config(
        listen=addresses(args.get("listen"), "snmp.listen", PORT),
        users=users,
        communities=communities,
        maps=_snmp_map_check.check_maps(list(DEFAULT_MAPS) if maps is None else maps, "snmp.maps"),
    )


def _users(value: Any) -> tuple[UserConfig, ...]:
    if value is None:
        return ()
    users: list[UserConfig] = []
    for place, item in enumerate(items(value, "snmp.users", "a list of users")):
        what = f"snmp.users[{place}]"
        user = _user(item, what)
        if any(user.name == other.name for other in users):
            msg = f"{what}.name {_identifiers.shown(user.name)} is there twice"
            raise InvalidValueError(msg)
        users.append(user)
    return tuple(users)


def _user(item: Any, what: str) -> UserConfig:
    if not isinstance(item, Mapping):
        refuse(what, f"a mapping with the options {', '.join(_USER_OPTIONS)}", item)
    keys(item, _USER_OPTIONS, what)
    name = item.get("name")
    if not isinstance(name, str) or not 1 <= len(name.encode()) <= _MAX_USER_OCTETS:
        refuse(f"{what}.name", f"a text of 1 to {_MAX_USER_OCTETS} octets", name)
    weak = boolean(item.get("allow_weak", False), f"{what}.allow_weak")
    auth = item.get("auth_protocol", "sha256")
    if auth == "sha" and not weak:
        msg = f"{what}.auth_protocol sha (SHA-1) is weak; choose sha256 on both sides, or set {what}.allow_weak: true"
        raise InvalidValueError(msg)
    auth = _choice(auth, AUTH_PROTOCOLS, f"{what}.auth_protocol")
    priv = _choice(item.get("priv_protocol", "aes128"), PRIV_PROTOCOLS, f"{what}.priv_protocol")
    return UserConfig(
        name=str(name),
        auth_protocol=auth,
        priv_protocol=priv,
        auth_passphrase=_passphrase(item, "auth_passphrase", what),
        priv_passphrase=_passphrase(item, "priv_passphrase", what),
        security_engine_ids=_engine_ids(item.get("security_engine_id"), f"{what}.security_engine_id"),
    )


def _passphrase(item: Mapping[str, Any], option: str, what: str) -> bytes:
    given, file = item.get(option), item.get(f"{option}_file")
    what = f"{what}.{option}"
    if given is not None and file is not None:
        msg = f"{what} and {what}_file exclude each other"
        raise InvalidValueError(msg)
    if file is not None:
        what = f"{what}_file"
        given = secret_lines(file, what)[0]
    if given is None:
        msg = f"{what} is missing; give it, or {what}_file"
        raise InvalidValueError(msg)
    if not isinstance(given, str):
        # No value here: it is a passphrase all the same.
        msg = (
            f"{what} must be a text, in quotation marks; a template gives a number for digits, so put those into a file"
        )
        raise InvalidValueError(msg)
    octets = given.encode()
    if len(given) < MIN_PASSPHRASE:
        msg = f"{what} must have at least {MIN_PASSPHRASE} characters; it has {len(given)}"
        raise InvalidValueError(msg)
    if len(octets) > MAX_SECRET:
        msg = f"{what} must have at most {MAX_SECRET} octets; it has {len(octets)}"
        raise InvalidValueError(msg)
    return octets


def _engine_ids(value: Any, what: str) -> tuple[bytes, ...]:
    if value is None:
        return ()
    form = "an engine id of 10 to 64 hexadecimal digits, in quotation marks, or a list of them"
    given = [value] if isinstance(value, str) else items(value, what, form)
    engine_ids = []
    for item in given:
        try:
            octets = bytes.fromhex(item.removeprefix("0x").replace(":", ""))
        except (ValueError, AttributeError):
            refuse(what, form, item)
        if len(octets) not in _ENGINE_ID_OCTETS or not any(octets) or octets == b"\xff" * len(octets):
            refuse(what, form, item)
        engine_ids.append(octets)
    return tuple(engine_ids)


def _communities(value: Any, allowed: Any) -> tuple[bytes, ...]:
    allowed = boolean(allowed, "snmp.allow_v2c")
    if value is None:
        if allowed:
            msg = "snmp.communities is missing: snmp.allow_v2c: true takes SNMPv2c with these communities only"
            raise InvalidValueError(msg)
        return ()
    if not allowed:
        msg = (
            "snmp.communities needs snmp.allow_v2c: true: SNMPv2c sends the community in clear text, "
            "and whoever has read it can set drives offline everywhere"
        )
        raise InvalidValueError(msg)
    communities = []
    for place, item in enumerate(items(value, "snmp.communities", "a list of texts")):
        if not isinstance(item, str) or not 1 <= len(item.encode()) <= 255:
            msg = f"snmp.communities[{place}] must be a text of 1 to 255 octets, in quotation marks"
            raise InvalidValueError(msg)
        communities.append(item.encode())
    return tuple(communities)


def _choice(value: Any, choices: Sequence[str], what: str) -> str:
    if not isinstance(value, str) or value not in choices:
        refuse(what, f"one of {', '.join(choices)}", value)
    return str(value)
