# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a detector listens, and the files of its secrets. Private: may change at any time."""

from __future__ import annotations

import ipaddress
import os
import stat
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._fields import items, refuse
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: Octets of a secret.
MAX_SECRET = 1024


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


def address_text(host: str, port: int) -> str:
    """Write an address with its port."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def addresses(value: Any, what: str, default_port: int) -> tuple[Address, ...]:
    """Check where to listen; without a value everywhere."""
    if value is None:
        # Linux can be started without IPv6; then the default is IPv4 only.
        return (Address("0.0.0.0", default_port, what), Address("::", default_port, what, needed=False))  # noqa: S104
    form = f"a list of addresses such as 0.0.0.0:{default_port} or [::]:{default_port}"
    found: list[Address] = []
    for place, item in enumerate(items(value, what, form)):
        here = f"{what}[{place}]"
        host, port = _address(item, here, default_port)
        if any((host, port) == (other.host, other.port) for other in found) and port:
            msg = f"{here} is there twice"
            raise InvalidValueError(msg)
        found.append(Address(host, port, here))
    return tuple(found)


def _address(value: Any, what: str, default_port: int) -> tuple[str, int]:
    form = f"an IP address with or without a port, such as 192.0.2.1:{default_port} or [2001:db8::1]:{default_port}"
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
    return str(address), int(port) if port else default_port


def secret_lines(path: Any, what: str, most: int = 1) -> list[str]:
    """Read the lines of a secret's file: a regular one, that only its owner can read."""
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
            content = file.read(most * (MAX_SECRET + 2) + 1)
    except OSError as exc:
        msg = f"{what} {shown} cannot be read: {exc.strerror}"
        raise InvalidValueError(msg) from None
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError:
        lines = []
    if not 1 <= len(lines) <= most:
        msg = f"{what} {shown} must hold {'the passphrase as one line' if most == 1 else f'1 to {most} lines'} of UTF-8 text"
        raise InvalidValueError(msg)
    return lines
