# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The IP addresses of a host, from what the commands of its system print. Pure. Private: may change at any time.

Left out is what does not tell a host from another: loopback, link-local, multicast and unspecified addresses.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _facts as facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers as identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

_INTERFACE = re.compile(r"([0-9A-Za-z][0-9A-Za-z_.:-]{0,63}?):? flags=[0-9a-fA-F,]+<([^>]*)>")
_INET = re.compile(r"\s+inet6? (\S+)")
# The network of an IPv4 address stands before it; an IPv6 address stands in its place.
_NETSTAT = re.compile(r"([0-9A-Za-z][0-9A-Za-z_.:-]{0,63})(\*?)\s+[0-9]+\s+(?:(\S*:\S*)|\S+\s+(\S+))(?:\s|$)")


def port(address: str, up: bool | None, interface: str) -> dict[str, Any] | None:
    """Give the port of an address, which may have a prefix length and a zone; None if it does not tell the host."""
    try:
        name = identifiers.ip(address.partition("/")[0].partition("%")[0])
    except InvalidValueError:
        return None
    parsed = ipaddress.ip_address(name)
    if parsed.is_loopback or parsed.is_link_local or parsed.is_multicast:
        return None
    state = "unknown" if up is None else "online" if up else "offline"
    return facts.port("ip", name, state, interface)


def ifconfig(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Give the addresses from ``ifconfig -a`` as AIX, Solaris and HP-UX print it."""
    found = []
    interface, up = "", None
    for line in lines:
        head = _INTERFACE.match(line)
        if head:
            interface, up = head[1], "UP" in head[2].split(",")
        address = _INET.match(line)
        if address and interface:
            found.append(port(address[1], up, interface))
    return [entry for entry in found if entry]


def netstat(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Give the addresses from ``netstat -in``; an asterisk after the interface says that it is down."""
    rows = [match for line in lines if (match := _NETSTAT.match(line))]
    found = [port(row[3] or row[4], not row[2], row[1]) for row in rows]
    return [entry for entry in found if entry]


def without_aliases(ports: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the first IPv4 address of each interface: the others are those that a cluster moves from host to host."""
    kept: list[dict[str, Any]] = []
    seen = set()
    for entry in ports:
        interface = entry["device"].partition(":")[0]
        if ":" not in entry["id"]:
            if interface in seen:
                continue
            seen.add(interface)
        kept.append(entry)
    return kept
