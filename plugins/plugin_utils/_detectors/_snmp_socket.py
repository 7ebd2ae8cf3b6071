# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""UDP sockets that answer from the address that was asked. Private: may change at any time.

A controller with several addresses (or one that moves between two controllers) listens on all of them. The system
would choose the source of an answer by its routes, and a sender takes an answer only from where it sent to; so the
address that a datagram came to is kept, and the answer leaves from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import ipaddress
import os
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._listen import (
    Address,
    address_text,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

_MAX_DATAGRAM = 65535
_ANCILLARY = 256
#: Datagrams that are taken out of the system's buffer before others in the event loop have their turn.
_BURST = 128
#: A burst of notifications waits here; what does not fit is sent again.
_RECEIVE_BUFFER = 4 << 20

# linux/in.h and linux/socket.h; Python has names for them from 3.12 on, if at all.
_IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)
_SO_RCVBUFFORCE = 33
_LINUX = sys.platform.startswith("linux")


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom a datagram came from and how to answer it; ``address`` is the IP address alone, in its canonical form."""

    address: str
    to: tuple[str, int] | tuple[str, int, int, int]
    ancillary: tuple[tuple[int, int, bytes], ...]


class Endpoint:
    """One bound socket."""

    def __init__(self, address: Address) -> None:
        """Bind; raises InvalidValueError that names the option."""
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self._socket: socket.socket | None = None
        try:
            self._socket = sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.setblocking(False)
            if family == socket.AF_INET6:
                # So that 0.0.0.0 and :: can have the same port, and IPv4 senders have IPv4 addresses.
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            _ask_for_destination(sock, family)
            _enlarge_buffer(sock)
            sock.bind((address.host, address.port))
        except OSError as exc:
            self.close()
            raise InvalidValueError(_fault(address, exc)) from None
        self.port = sock.getsockname()[1]
        self.label = address_text(address.host, self.port)

    def start(
        self, received: Callable[[bytes, Peer, Endpoint], None], failed: Callable[[OSError, Endpoint], None]
    ) -> None:
        """Call ``received`` for each datagram, from the running event loop; it must not raise."""
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read, received, failed)

    def send(self, data: bytes, peer: Peer) -> bool:
        """Send one datagram; False if it could not be."""
        if self._socket is None:
            return False
        try:
            self._socket.sendmsg([data], peer.ancillary, 0, peer.to)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Listen no more."""
        if self._socket is not None:
            with contextlib.suppress(RuntimeError):  # outside of an event loop there is no reader
                asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _read(
        self, received: Callable[[bytes, Peer, Endpoint], None], failed: Callable[[OSError, Endpoint], None]
    ) -> None:
        for _turn in range(_BURST):
            if self._socket is None:
                return
            try:
                data, ancillary, _flags, sender = self._socket.recvmsg(_MAX_DATAGRAM, _ANCILLARY)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as exc:
                failed(exc, self)
                return
            received(data, _peer(sender, ancillary), self)


def _peer(sender: tuple[str, int], ancillary: list[tuple[int, int, bytes]]) -> Peer:
    source: tuple[tuple[int, int, bytes], ...] = ()
    for level, kind, value in ancillary:
        if level == socket.IPPROTO_IP and kind == _IP_PKTINFO:
            # struct in_pktinfo: interface, address to send from, address in the header. The interface is left open.
            local = value[4:8]
            source = ((level, kind, struct.pack("=i4s4s", 0, local, bytes(4))),)
        elif level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            source = ((level, kind, value),)
    return Peer(_canonical(sender[0]), sender, source)


@functools.lru_cache(1024)
def _canonical(address: str) -> str:
    # Link-local addresses carry their interface behind a percent sign.
    return str(ipaddress.ip_address(address.partition("%")[0]))


def _ask_for_destination(sock: socket.socket, family: int) -> None:
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    elif _LINUX:
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)


def _enlarge_buffer(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    if _LINUX:
        # Beyond net.core.rmem_max; needs CAP_NET_ADMIN.
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)


def _fault(address: Address, exc: OSError) -> str:
    place = f"{address.option}: {address}"
    if exc.errno == errno.EADDRINUSE:
        return (
            f"{place} is in use by another program (snmptrapd?); nothing was started. Stop it, or choose another port"
        )
    if exc.errno == errno.EACCES:
        return (
            f"{place} cannot be opened by user {os.geteuid()}: ports below 1024 need CAP_NET_BIND_SERVICE; "
            "nothing was started. Give it to the service, or choose a port such as 1162"
        )
    if exc.errno == errno.EADDRNOTAVAIL:
        return f"{place} is not an address of this host; nothing was started"
    return f"{place} cannot be opened: {exc.strerror}; nothing was started"
