# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the arguments of the SNMP detector. Private: may change at any time.

Every fault is one sentence that names the option as the user wrote it (``snmp.users[0].auth_passphrase``), and never
shows a passphrase or a community.
"""

from __future__ import annotations

import ipaddress
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _snmp_map_check, _snmp_pysnmp
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_map import Entry
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_map_check import keys, refuse
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

OPTIONS = ("listen", "users", "allow_v2c", "communities", "maps")
PORT = 162
DEFAULT_MAPS = ("tape_drive_sharing",)
AUTH_PROTOCOLS = ("sha224", "sha256", "sha384", "sha512", "sha")
PRIV_PROTOCOLS = ("aes128", "aes192", "aes256")

#: RFC 3414 11.2
MIN_PASSPHRASE = 8
_MAX_PASSPHRASE = 1024
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
class Address:
    """Where to listen; ``option`` is the place in the arguments, ``needed`` is false for the default of IPv6."""

    host: str
    port: int
    option: str
    needed: bool = True

    def __str__(self) -> str:
        """Write it as in the arguments."""
        return address_text(self.host, self.port)


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
        listen=_listen(args.get("listen")),
        users=users,
        communities=communities,
        maps=_snmp_map_check.check_maps(list(DEFAULT_MAPS) if maps is None else maps, "snmp.maps"),
    )


def address_text(host: str, port: int) -> str:
    """Write an address with its port."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listen(value: Any) -> tuple[Address, ...]:
    if value is None:
        # Linux can be started without IPv6; then the default is IPv4 only.
        return (Address("0.0.0.0", PORT, "snmp.listen"), Address("::", PORT, "snmp.listen", needed=False))  # noqa: S104
    items = _list(value, "snmp.listen", "a list of addresses such as 0.0.0.0:162 or [::]:162")
    addresses: list[Address] = []
    for place, item in enumerate(items):
        what = f"snmp.listen[{place}]"
        host, port = _address(item, what)
        if any((host, port) == (other.host, other.port) for other in addresses) and port:
            msg = f"{what} is there twice"
            raise InvalidValueError(msg)
        addresses.append(Address(host, port, what))
    return tuple(addresses)


def _address(value: Any, what: str) -> tuple[str, int]:
    form = "an IP address with or without a port, such as 192.0.2.1:162 or [2001:db8::1]:162"
    if not isinstance(value, str):
        refuse(what, f"{form}, in quotation marks", value)
    text = value.strip()
    if text.startswith("["):
        host, closing, rest = text[1:].partition("]")
        port = rest.removeprefix(":") if rest.startswith(":") else rest
        ok = bool(closing) and ":" in host and (not rest or rest.startswith(":"))
    else:
        # More than one colon without brackets is an IPv6 address alone.
        host, port = (text, "") if text.count(":") > 1 else (text.partition(":")[0], text.partition(":")[2])
        ok = text.count(":") != 1 or bool(port)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        refuse(what, form, value)
    if not ok or (port and not (port.isascii() and port.isdigit() and int(port[:6]) < 65536)):
        refuse(what, form, value)
    return str(address), int(port) if port else PORT


def _users(value: Any) -> tuple[UserConfig, ...]:
    if value is None:
        return ()
    users: list[UserConfig] = []
    for place, item in enumerate(_list(value, "snmp.users", "a list of users")):
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
    weak = _boolean(item.get("allow_weak", False), f"{what}.allow_weak")
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
        given = _secret_file(file, what)
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
    if len(octets) > _MAX_PASSPHRASE:
        msg = f"{what} must have at most {_MAX_PASSPHRASE} octets; it has {len(octets)}"
        raise InvalidValueError(msg)
    return octets


def _secret_file(path: Any, what: str) -> str:
    """Read a passphrase's file: a regular one, that only its owner can read."""
    if not isinstance(path, str) or not os.path.isabs(path):
        refuse(what, "the absolute path of a file", path)
    shown = _identifiers.shown(path)
    try:
        # Not to hang on a FIFO; checked on what was opened, not on what the name means a moment later.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                msg = f"{what} {shown} is not a regular file"
                raise InvalidValueError(msg)
            if status.st_mode & 0o077:
                msg = f"{what} {shown} may be read or written by others (mode {stat.S_IMODE(status.st_mode):04o}); chmod 0600 it"
                raise InvalidValueError(msg)
            content = file.read(_MAX_PASSPHRASE + 3)
    except OSError as exc:
        msg = f"{what} {shown} cannot be read: {exc.strerror}"
        raise InvalidValueError(msg) from None
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError:
        lines = []
    if len(lines) != 1:
        msg = f"{what} {shown} must hold the passphrase as one line of UTF-8 text"
        raise InvalidValueError(msg)
    return lines[0]


def _engine_ids(value: Any, what: str) -> tuple[bytes, ...]:
    if value is None:
        return ()
    form = "an engine id of 10 to 64 hexadecimal digits, in quotation marks, or a list of them"
    items = [value] if isinstance(value, str) else _list(value, what, form)
    engine_ids = []
    for item in items:
        try:
            octets = bytes.fromhex(item.removeprefix("0x").replace(":", ""))
        except (ValueError, AttributeError):
            refuse(what, form, item)
        if len(octets) not in _ENGINE_ID_OCTETS or not any(octets) or octets == b"\xff" * len(octets):
            refuse(what, form, item)
        engine_ids.append(octets)
    return tuple(engine_ids)


def _communities(value: Any, allowed: Any) -> tuple[bytes, ...]:
    allowed = _boolean(allowed, "snmp.allow_v2c")
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
    for place, item in enumerate(_list(value, "snmp.communities", "a list of texts")):
        if not isinstance(item, str) or not 1 <= len(item.encode()) <= 255:
            msg = f"snmp.communities[{place}] must be a text of 1 to 255 octets, in quotation marks"
            raise InvalidValueError(msg)
        communities.append(item.encode())
    return tuple(communities)


def _list(value: Any, what: str, form: str) -> Sequence[Any]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence) or not value:
        refuse(what, form, value if not isinstance(value, Sequence) or value else "[]")
    return value


def _choice(value: Any, choices: Sequence[str], what: str) -> str:
    if not isinstance(value, str) or value not in choices:
        refuse(what, f"one of {', '.join(choices)}", value)
    return str(value)


def _boolean(value: Any, what: str) -> bool:
    if not isinstance(value, bool):
        refuse(what, "true or false", value)
    return value
