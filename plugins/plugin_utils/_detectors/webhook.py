# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The detector ``webhook``: takes changes as signed HTTP requests, and answers 200 once they stand in the table.

Private: may change at any time.

aiohttp, because ansible-rulebook brings it along and its own webhook source is made of it. A connection carries one
request and lives for some seconds: who holds connections open gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import (
    _webhook_arguments,
    _webhook_map,
    _webhook_signature,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._listen import address_text
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._webhook_arguments import (
    Config,
    Sender,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError, TableError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._few_lines import Report
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words

if TYPE_CHECKING:
    from aiohttp import web

check = _webhook_arguments.check

#: The URL's path, before the sender's name.
PATH = "/reservations/"
#: Open connections: in all, and of one address.
MAX_CONNECTIONS, MAX_OF_ONE = 256, 64
#: Seconds: for the TLS handshake, for the body to arrive, for the table to take it, and for a connection in all.
HANDSHAKE, ARRIVAL, TAKING, LIFE = 10.0, 10.0, 10.0, 30.0
#: Seconds between two looks at the certificate's file.
RENEWAL = 60.0
#: Seconds after which a sender may try again what was not taken because of the table.
RETRY_AFTER = 5


class Sink(Protocol):
    """Where changes go; a result means that the transaction is committed."""

    async def observe_many(self, many: list[Mapping[str, Any]]) -> list[Any]:
        """Write all in one transaction; TableError if that was not possible."""


class _AnswerError(Exception):
    """A request ends here: status, what is counted, and the sentence for the sender."""

    def __init__(self, status: int, kind: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.kind = kind


class Detector:
    """Sockets and requests of one detector."""

    def __init__(
        self, config: Config, sink: Sink, log: logging.Logger, clock: Callable[[], float] = time.time
    ) -> None:
        """Open nothing yet."""
        self._config = config
        self._sink = sink
        self._log = log
        self._clock = clock
        self._report = Report(log)
        self._senders = {sender.name: sender for sender in config.senders}
        self._connections: set[asyncio.Transport] = set()
        self._context: ssl.SSLContext | None = None
        self._loaded = 0.0
        self.addresses: list[str] = []
        #: Set when requests are taken.
        self.started = asyncio.Event()

    def counters(self) -> dict[str, int]:
        """Give what came in, by kind."""
        return self._report.counts()

    async def run(self) -> None:
        """Take requests until cancelled; raises InvalidValueError at the start for an address that cannot be had."""
        from aiohttp import web

        if self._config.certfile is not None:
            self._context = _webhook_arguments.tls(self._config)
            self._loaded = self._changed()
        server = web.Server(self._handle, access_log=None, keepalive_timeout=0, max_field_size=4096, max_line_size=4096)
        listening: list[asyncio.Server] = []
        try:
            for address in self._config.listen:
                listening += await self._listen(address, server)
            self.addresses = [
                address_text(*socket.getsockname()[:2]) for one in listening for socket in one.sockets
            ]
            self._log.info(
                "Webhooks are taken at %s, %s, from %s.",
                ", ".join(self.addresses),
                "with TLS" if self._context else "without TLS",
                ", ".join(self._senders),
            )
            self.started.set()
            while True:
                await asyncio.sleep(RENEWAL)
                self._renew()
        finally:
            for one in listening:
                one.close()
            await server.shutdown(1.0)
            for transport in self._connections:
                transport.abort()
            if self.started.is_set():
                self._log.info("Webhooks are taken no more; counted: %s.", self.counters() or "nothing")

    async def _listen(self, address: Any, server: web.Server) -> list[asyncio.Server]:
        loop = asyncio.get_running_loop()
        more: dict[str, Any] = {"ssl": self._context, "ssl_handshake_timeout": HANDSHAKE} if self._context else {}
        try:
            return [await loop.create_server(lambda: _Gate(self, server), address.host, address.port, **more)]
        except OSError as exc:
            msg = f"{address.option} {address} cannot be listened at: {exc.strerror or exc}"
            if address.needed:
                raise InvalidValueError(msg) from None
            self._log.info("%s", msg)
            return []

    def _changed(self) -> float:
        return max(Path(path).stat().st_mtime for path in (self._config.certfile, self._config.keyfile) if path)

    def _renew(self) -> None:
        """Take a certificate that was renewed; until it can be used, the one before stays."""
        if self._context is None:
            return
        try:
            changed = self._changed()
            if changed == self._loaded:
                return
            _webhook_arguments.load(self._context, self._config)
        except (OSError, InvalidValueError) as exc:
            self._report.tell("certificate", "", f"The certificate before stays in use: {exc}", logging.ERROR)
        else:
            self._loaded = changed
            self._log.info("The certificate in %s was loaded anew.", self._config.certfile)

    def admit(self, transport: asyncio.Transport) -> bool:
        """Say if a connection may stay: its address belongs to a sender, and there are not too many."""
        peer = _peer(transport)
        self._connections = {one for one in self._connections if not one.is_closing()}
        if not any(_within(peer, sender) for sender in self._senders.values()):
            self._report.tell("address", peer, f"A connection of {peer} was closed: no sender of webhook.senders is there.")
            return False
        of_one = sum(_peer(one) == peer for one in self._connections)
        if len(self._connections) >= MAX_CONNECTIONS or of_one >= MAX_OF_ONE:
            self._report.tell("crowded", peer, f"A connection of {peer} was closed: too many are open ({of_one} of its own).")
            return False
        self._connections.add(transport)
        asyncio.get_running_loop().call_later(LIFE, self._end, transport)
        return True

    def _end(self, transport: asyncio.Transport) -> None:
        if not transport.is_closing():
            self._report.count("timeout")
            transport.abort()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; nothing that anybody may send gets an exception out of here."""
        from aiohttp import web

        self._report.count("requests")
        # The proxy's address, where there is one: its own list of addresses has to be kept there.
        peer = _peer(request.transport)
        headers = {}
        try:
            status, said = await self._take(request, peer)
        except _AnswerError as exc:
            status, said = exc.status, {"error": str(exc)}
            if exc.status == 503:
                headers["Retry-After"] = str(RETRY_AFTER)
            self._report.tell(exc.kind, peer, f"A request of {peer} was not taken: {exc}.")
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as exc:  # noqa: BLE001  a fault of ours must not end the detector
            status, said = 500, {"error": "a fault of the detector; its log has more"}
            self._report.tell("fault", peer, f"A request of {peer} could not be answered: {exc!r:.200}", logging.ERROR)
        response = web.json_response(said, status=status, headers=headers)
        response.force_close()
        return response

    async def _take(self, request: web.BaseRequest, peer: str) -> tuple[int, dict[str, Any]]:
        sender = self._senders.get(request.path.removeprefix(PATH)) if request.path.startswith(PATH) else None
        if sender is None or not _within(peer, sender):
            # The same for both: who may not send does not learn who may.
            raise _AnswerError(404, "unknown_sender", f"{PATH}NAME must name a sender that may send from {peer}")
        if request.method != "POST":
            raise _AnswerError(405, "malformed", f"{first_words(request.method, 20)} is not the method; it is POST")
        body = await self._body(request)
        try:
            message = _webhook_signature.verify(sender.keys, request.headers, body, self._clock(), self._config.tolerance)
        except _webhook_signature.SignatureError as exc:
            raise _AnswerError(401, exc.kind, str(exc)) from None
        try:
            many = _webhook_map.items_of(sender.map, _webhook_map.body_of(body))
        except InvalidValueError as exc:
            raise _AnswerError(400, "malformed", str(exc)) from None
        results = await self._write(sender, _webhook_map.Envelope(peer, sender.name, message, self._clock()), many)
        refused = False
        said: list[dict[str, str]] = []
        for result in results:
            if isinstance(result, Exception):
                refused = True
                text = str(result)
                self._report.tell("refused", sender.name, f"A change that {sender.name} told of was not taken: {text}.")
                said.append({"error": text})
            else:
                self._report.count(result)
                said.append({"result": result})
        return (400 if refused else 200), {"results": said}

    async def _body(self, request: web.BaseRequest) -> bytes:
        """Read the body, no more than is wanted and not for longer."""
        most = self._config.max_body
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise _AnswerError(415, "malformed", "its body is compressed; send it as it is")
        if (request.content_length or 0) > most:
            raise _AnswerError(413, "too_large", f"its body has {request.content_length} octets; at most {most} are taken")
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = bytearray()
        try:
            async with asyncio.timeout(ARRIVAL):
                async for part in request.content.iter_any():
                    body += part
                    if len(body) > most:
                        raise _AnswerError(413, "too_large", f"its body has more than {most} octets")
        except TimeoutError:
            raise _AnswerError(408, "timeout", f"its body did not arrive within {ARRIVAL:.0f} s") from None
        return bytes(body)

    async def _write(self, sender: Sender, envelope: _webhook_map.Envelope, many: list[Any]) -> list[Any]:
        """Give what became of each change: a word of the table, ``ignored``, or the InvalidValueError."""
        results: list[Any] = ["ignored"] * len(many)
        places: list[int] = []
        fields: list[Mapping[str, Any]] = []
        for place, item in enumerate(many):
            try:
                one = _webhook_map.translate(sender.map, item, envelope)
            except InvalidValueError as exc:
                results[place] = exc
                continue
            if one is not None:
                fields.append(one)
                places.append(place)
        if not fields:
            return results
        try:
            # Not ended in the middle of a write: a change that comes again is known again.
            async with asyncio.timeout(TAKING):
                written = await asyncio.shield(self._sink.observe_many(fields))
        except TableError as exc:
            raise _AnswerError(503, "table", f"the drive table cannot be used: {exc}".rstrip(".")) from None
        except TimeoutError:
            raise _AnswerError(503, "table", f"the drive table did not take it within {TAKING:.0f} s") from None
        for place, result in zip(places, written, strict=True):
            results[place] = result
        return results


class _Gate(asyncio.Protocol):
    """Looks at a connection before HTTP does."""

    def __init__(self, detector: Detector, server: web.Server) -> None:
        self._detector = detector
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the connection over, or end it."""
        if not isinstance(transport, asyncio.Transport) or not self._detector.admit(transport):
            transport.close()
            return
        http = self._server()
        transport.set_protocol(http)
        http.connection_made(transport)


def _peer(transport: asyncio.BaseTransport | None) -> str:
    """Give the address of the other side; one of IPv4 within IPv6 as IPv4."""
    name = transport.get_extra_info("peername") if transport is not None else None
    try:
        address = ipaddress.ip_address(str(name[0]).partition("%")[0] if name else "")
    except ValueError:
        return "nobody"
    return str(getattr(address, "ipv4_mapped", None) or address)


def _within(peer: str, sender: Sender) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in sender.networks)


async def run(config: Config, sink: Sink, log: logging.Logger) -> None:
    """Be the detector until cancelled."""
    await Detector(config, sink, log).run()
