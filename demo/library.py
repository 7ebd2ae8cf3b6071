# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tape library without tapes: its drives hold reservations, it sends SNMPv3 informs and has a small HTTP interface.

The reservation in it is the truth of a drive: a second port gets a conflict, a drive in its error state refuses everybody.

    library.py CONFIGURATION.json

The configuration:

    {"listen": "127.0.0.1:0", "token_file": "...", "directory": "...", "certificate": null, "key": null,
     "drives": [{"serial": "1310211169", "location": "F1,R1,D1", "wwnn": null}],
     "informs": {"to": "127.0.0.1:1162", "library": "library_1", "user": "library_1", "auth_passphrase": "...",
                 "privacy_passphrase": "..."}}

Without "informs" it sends none, but says what it would have sent.

As soon as it listens it writes {"url": ..., "pid": ...} to the file `ready.json` in its directory.

Every request carries `Authorization: Bearer <token>`:

    GET  /drives, GET /drives/SERIAL     what is known of all drives, or of one
    PUT  /drives/SERIAL/error            {"error": true|false, "reason": "..."}
    PUT  /drives/SERIAL/reservation      {"status": "reserved"|"released", "holder": {"protocol": "fc", "id": "..."} | null}
    GET  /informs                        what was sent, and when it was acknowledged
    PUT  /behaviour                      {"mode": "ok", "seconds": 0, "calls": ["query", "error"], "hold_informs": false}

Modes of misbehaviour, for the named calls: `slow` (obeys after `seconds`), `deaf` (answers nothing while told so),
`refuse` (409), `fail` (500, nothing is done), `late` (500, but it is done), `lie` (says done, does nothing), `junk` (no JSON).
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

MODES = ("ok", "slow", "deaf", "refuse", "fail", "late", "lie", "junk")
MAX_BODY = 65536


class RefusedError(Exception):
    """The library does not do it; the HTTP status and a sentence say why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Drive:
    """One tape drive and what is true of it."""

    serial: str
    location: str = ""
    wwnn: str | None = None
    holder: dict[str, str] | None = None
    error: bool = False
    reason: str = ""


@dataclass
class Behaviour:
    """How the HTTP interface behaves, and whether informs leave the library."""

    mode: str = "ok"
    seconds: float = 0.0
    calls: tuple[str, ...] = ("query", "error")
    hold_informs: bool = False


@dataclass
class Library:
    """The drives. `notify(drive, status, port)` is called, under the lock, for each reservation that changed."""

    drives: dict[str, Drive]
    notify: Callable[[Drive, str, dict[str, str] | None], Any] = lambda *_: None
    behaviour: Behaviour = field(default_factory=Behaviour)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def drive(self, serial: str) -> Drive:
        """Give the drive of this serial number; refuse an unknown one."""
        try:
            return self.drives[serial]
        except KeyError:
            raise RefusedError(404, "There is no drive with this serial number.") from None

    def reserve(self, serial: str, port: dict[str, str]) -> Any:
        """Reserve a drive for a port, as a SCSI reservation would: the holder may repeat it, all others get a conflict."""
        with self.lock:
            drive = self.drive(serial)
            if drive.error:
                raise RefusedError(423, f"Drive {serial} is in its error state: {drive.reason}")
            if drive.holder == port:
                return None
            if drive.holder is not None:
                raise RefusedError(409, f"Reservation conflict: drive {serial} is reserved by {drive.holder['id']}.")
            drive.holder = dict(port)
            return self.notify(drive, "reserved", port)

    def release(self, serial: str, port: dict[str, str] | None) -> Any:
        """Release a drive; by a port that does not hold it this is good, without effect. None: whoever holds it."""
        with self.lock:
            drive = self.drive(serial)
            if drive.holder is None or port not in (None, drive.holder):
                return None
            released, drive.holder = drive.holder, None
            return self.notify(drive, "released", released)

    def set_error(self, serial: str, error: bool, reason: str) -> None:
        """Put a drive into its error state, or take it out; a reservation stays what it is."""
        with self.lock:
            drive = self.drive(serial)
            drive.error = error
            drive.reason = reason if error else ""

    def show(self, serial: str) -> dict[str, Any]:
        """Say what is true of a drive."""
        with self.lock:
            drive = self.drive(serial)
            return {**asdict(drive), "status": "reserved" if drive.holder else "released"}


@dataclass
class Recorder:
    """Keeps what would be told, for those who send it themselves."""

    informs: list[dict[str, Any]] = field(default_factory=list)

    def notify(self, drive: Drive, status: str, port: dict[str, str] | None) -> dict[str, Any]:
        """Keep one change; give it as it would be sent."""
        counter = len(self.informs) + 1
        inform = {
            "boots": 1,
            "counter": counter,
            "drive": drive.serial,
            "status": status,
            "port": port,
            "at": time.time(),
        }
        self.informs.append(inform)
        return inform

    def sent(self) -> list[dict[str, Any]]:
        """Give all that was told."""
        return list(self.informs)


def port_of(value: Any) -> dict[str, str]:
    """Check a port as it came in a request."""
    if (
        isinstance(value, dict)
        and set(value) == {"protocol", "id"}
        and all(isinstance(text, str) and text for text in value.values())
    ):
        return value
    raise RefusedError(400, "holder must be a mapping of protocol and id, or null.")


class Handler(BaseHTTPRequestHandler):
    """The HTTP interface; `server` carries the library, the token and the sender of informs."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *words: Any) -> None:
        sys.stderr.write(f"{time.time():.3f} {words[0] % words[1:]}\n")

    def do_GET(self) -> None:
        self._answer(None)

    def do_PUT(self) -> None:
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = MAX_BODY + 1
        if not 0 <= length <= MAX_BODY:
            self.close_connection = True
            self._send(413, {"message": "The request is too large."})
            return
        self._answer(self.rfile.read(length))

    def _answer(self, body: bytes | None) -> None:
        try:
            token = (self.headers.get("Authorization") or "").encode()
            if not hmac.compare_digest(token, b"Bearer " + self.server.token.encode()):
                raise RefusedError(401, "The token is missing or wrong.")
            data = None
            if body is not None:
                try:
                    data = json.loads(body)
                except ValueError:
                    data = None
                if not isinstance(data, dict):
                    raise RefusedError(400, "The request must be a JSON object.")
            answer = self._dispatch(self.path.strip("/").split("/"), data)
        except RefusedError as refusal:
            self._send(refusal.status, {"message": str(refusal)})
        else:
            if answer is not None:
                self._send(200, answer)

    def _send(self, status: int, answer: Any) -> None:
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        # A client that gave up while the library was slow is no reason for a traceback.
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def _dispatch(self, path: list[str], data: dict[str, Any] | None) -> Any:
        library = self.server.library
        match path, data:
            case ["informs"], None:
                return {"informs": self.server.informs()}
            case ["behaviour"], dict():
                return self._behave(data)
            case ["drives"], None:
                return self._call("query", lambda: {"drives": [library.show(serial) for serial in library.drives]})
            case ["drives", serial], None:
                return self._call("query", lambda: library.show(serial))
            case ["drives", serial, "error"], {"error": bool() as error}:
                reason = str((data or {}).get("reason", ""))

                def put() -> dict[str, Any]:
                    library.set_error(serial, error, reason)
                    return library.show(serial)

                return self._call("error", put, lambda: {**library.show(serial), "error": error, "reason": reason})
            case ["drives", serial, "reservation"], {"status": "reserved" | "released" as status}:
                holder = (data or {}).get("holder")

                def change() -> dict[str, Any]:
                    inform = (
                        library.reserve(serial, port_of(holder))
                        if status == "reserved"
                        else library.release(serial, None if holder is None else port_of(holder))
                    )
                    return {**library.show(serial), "inform": inform}

                return self._call("reservation", change)
        raise RefusedError(404, "There is no such call.")

    def _behave(self, data: dict[str, Any]) -> dict[str, Any]:
        try:
            behaviour = Behaviour(**{**data, "calls": tuple(data.get("calls", Behaviour.calls))})
        except TypeError as exc:
            raise RefusedError(400, f"This is no behaviour: {exc}.") from exc
        if behaviour.mode not in MODES:
            raise RefusedError(400, f"mode must be one of {', '.join(MODES)}.")
        self.server.library.behaviour = behaviour
        return asdict(behaviour)

    def _call(self, call: str, do: Callable[[], Any], pretend: Callable[[], Any] | None = None) -> Any:
        behaviour = self.server.library.behaviour
        mode = behaviour.mode if call in behaviour.calls else "ok"
        match mode:
            case "slow":
                time.sleep(behaviour.seconds)
            case "deaf":
                while self.server.library.behaviour is behaviour and not self.server.closing.wait(0.05):
                    pass
                self.close_connection = True
                return None
            case "refuse":
                raise RefusedError(409, "The library is busy with an inventory.")
            case "fail":
                raise RefusedError(500, "Internal error 0x4711.")
            case "late":
                do()
                raise RefusedError(500, "Internal error 0x4712.")
            case "lie":
                return (pretend or do)()
            case "junk":
                do()
                return b"<html>{{ 7 * 7 }} Please sign in</html>"
        return do()


class Server(ThreadingHTTPServer):
    """Serves one library; a context manager for tests. `informs` gives what the sender has sent."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self,
        library: Library,
        token: str,
        address: tuple[str, int] = ("127.0.0.1", 0),
        *,
        informs: Callable[[], list[dict[str, Any]]] = list,
        certificate: str | None = None,
        key: str | None = None,
    ) -> None:
        self.library = library
        self.token = token
        self.informs = informs
        self.closing = threading.Event()
        super().__init__(address, Handler)
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://{self.server_address[0]!s}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        sys.stderr.write(f"{time.time():.3f} {client_address}: {sys.exc_info()[1]}\n")

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


def address_of(text: str) -> tuple[str, int]:
    """Split `host:port`."""
    host, _separator, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def write_file(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def main(arguments: list[str]) -> int:
    """Run the library until it is told to end."""
    configuration = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    directory = Path(configuration["directory"])
    directory.mkdir(parents=True, exist_ok=True)
    library = Library({drive["serial"]: Drive(**drive) for drive in configuration["drives"]})
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    with contextlib.ExitStack() as stack:
        recorder = Recorder()
        library.notify, informs = recorder.notify, recorder.sent
        if configuration.get("informs"):
            sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
            from demo.informs import Sender

            options = dict(configuration["informs"])
            sender = Sender(
                address_of(options.pop("to")),
                state=directory / "sender.json",
                hold=lambda: library.behaviour.hold_informs,
                **options,
            )
            stack.enter_context(sender)
            library.notify, informs = sender.notify, sender.sent
        server = Server(
            library,
            Path(configuration["token_file"]).read_text(encoding="utf-8").strip(),
            address_of(configuration.get("listen", "127.0.0.1:0")),
            informs=informs,
            certificate=configuration.get("certificate"),
            key=configuration.get("key"),
        )
        stack.enter_context(server)
        write_file(directory / "ready.json", json.dumps({"url": server.url, "pid": os.getpid()}))
        end.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
