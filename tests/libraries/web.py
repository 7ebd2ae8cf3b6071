# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Web interfaces of tape libraries, for tests: one HTTPS server, a library behind each first part of the path.

A library has a truth (the state of its drives) and a behaviour:

- ``ok``: it obeys; with ``slow`` the state changes only after that many questions
- ``refuse``: 409, nothing is done; ``fail``: 500, nothing is done; ``late``: 500, and it is done
- ``lie``: says done, and nothing is; ``half``: the drive stays in a state between; ``junk``: what it answers is a page for a browser
- ``deaf``: no answer to what it is told; ``lost``: it is done, and then no question is answered any more
- ``away``: it sends the client elsewhere
"""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

USER, PASSWORD = "drivesharing", "kX9-not-to-be-seen-anywhere"
DRIVE = "1310211169"


@dataclass
class Library:
    """One library: its drives and how it behaves."""

    state: str = "online"
    behaviour: str = "ok"
    slow: int = 0
    #: What the interface shows instead of the drive's own names.
    sn: str = DRIVE
    location: str = "drive_F1C2R3"
    logical_library: str | None = "BACKUP_A"
    #: Ways that it does not know: sn, location.
    without: tuple[str, ...] = ()
    login: str = "basic"
    told: list[Any] = field(default_factory=list)
    asked: int = 0
    coming: tuple[int, str] | None = None
    authorizations: set[str] = field(default_factory=set)
    left: int = 0

    def look(self) -> dict[str, Any]:
        """Show the drive; time passes by being asked."""
        self.asked += 1
        if self.coming:
            questions, state = self.coming
            self.coming = (questions - 1, state) if questions else None
            self.state = state if not questions else self.state
        return {
            "location": self.location, "sn": self.sn, "mediaType": "LTO", "state": self.state, "interface": "fibreChannel",
            "logicalLibrary": self.logical_library, "wwnn": "5005076044135504", "volser": None,
        }  # fmt: skip

    def become(self, state: str) -> None:
        """Obey."""
        if self.slow:
            self.coming = (self.slow, state)
        else:
            self.state = state


class Handler(BaseHTTPRequestHandler):
    """The interface of IBM Diamondback, as far as service on a drive needs it."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_words: Any) -> None:
        pass

    def do_GET(self) -> None:
        library, path = self._library()
        if library and path[0] == "gf" and path[1].startswith("login.xml"):
            good = self.path.partition("?")[2] == f"username={USER}&password={PASSWORD}"
            self._send(200, "<login><status>OK</status></login>", **({"Set-Cookie": "session=T1"} if good else {}))
        elif library and self._let_in(library):
            if library.behaviour == "away":
                self._send(302, {}, Location=f"{self.server.url}/elsewhere/{'/'.join(path)}")
            elif library.behaviour == "lost" and library.told:
                self._send(500, {"message": "Internal error 0x4711."})
            elif library.behaviour == "junk":
                self._send(200, "<html>{{ 7 * 7 }} Please sign in</html>")
            elif other := self._other("GET", path, None, library):
                self._send(*other)
            elif path[:2] == ["v1", "drives"] and unquote(path[2]) in (library.sn, library.location):
                self._send(200, [library.look()])
            else:
                self._send(404, {"message": "There is no such drive."})

    def do_POST(self) -> None:
        library, path = self._library()
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        if not library:
            return
        if path == ["v1", "login"]:
            good = body == {"name": USER, "password": PASSWORD}
            self._send(200 if good else 401, {"token": "T-" + PASSWORD} if good else {"message": "Wrong name or password."})
        elif path == ["v1", "logout"]:
            library.left += 1
            self._send(204, "")
        elif self._let_in(library):
            if other := self._other("POST", path, body, library):
                self._send(*other)
            else:
                self._tell(library, path, body)

    def do_PUT(self) -> None:
        library, path = self._library()
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        if library and self._let_in(library):
            self._send(*(self._other("PUT", path, body, library) or (404, "")))

    def _other(self, method: str, path: list[str], body: Any, library: Library) -> tuple[int, Any] | None:
        """Answer as the examples for Quantum and Spectra Logic suppose; nobody has seen what the real ones say."""
        address = urlsplit("/".join(path))
        words = {key: value[0] for key, value in parse_qs(address.query).items()}
        match method, address.path.split("/"):
            case "GET", ["aml", "drive", serial, "operations", "state"] if serial == library.sn:
                return 200, {"serialNumber": serial, "state": {"online": 1, "inServiceMode": 2}.get(library.look()["state"], 3)}
            case "PUT", ["aml", "drive", serial, "operations", "state"] if serial == library.sn:
                library.told.append(body)
                library.become({1: "online", 2: "inServiceMode"}[body["state"]])
                return 200, ""
            case "POST", ["aml", "drive", serial, "removeITNexus"] if serial == library.sn:
                library.told.append("removeITNexus")
                return 200, ""
            case "GET", ["gf", "driveList.xml"] if words.get("action") == "list":
                state = {"online": "ready", "inServiceMode": "ready to replace"}.get(library.look()["state"], library.state)
                return 200, f"<driveList><drive><ID>FR1/DBA1/fLTO-DRV1</ID><driveStatus>{state}</driveStatus></drive></driveList>"
            case "GET", ["gf", "driveList.xml"] if words.get("driveName") == "FR1/DBA1/fLTO-DRV1":
                library.told.append(words["action"])
                library.become({"prepareToReplaceDrive": "inServiceMode", "resetDrive": "online"}[words["action"]])
                return 200, "<driveList><status>OK</status></driveList>"
        return None

    def _tell(self, library: Library, path: list[str], body: Any) -> None:
        library.told.append(body)
        state = {"startDriveService": "inServiceMode", "completeDriveService": "online"}.get(body["type"])
        known = path == ["v1", "tasks"] and state and (body.get("sn") == library.sn or body.get("location") == library.location)
        if not known or any(way in body for way in library.without):
            self._send(404, {"message": "There is no such drive."})
            return
        match library.behaviour:
            case "refuse":
                self._send(409, {"message": "The library is busy with an inventory."})
            case "fail":
                self._send(500, {"message": "Internal error 0x4711."})
            case "deaf":
                self.server.closing.wait(30)
                self.close_connection = True
            case "late":
                library.become(state)
                self._send(500, {"message": f"Internal error after {PASSWORD}."})
            case "lie":
                self._send(201, {"ID": 45})
            case "half":
                library.become("servicePending")
                self._send(201, {"ID": 45})
            case _:
                library.become(state)
                self._send(201, {"ID": 45})

    def _library(self) -> tuple[Library | None, list[str]]:
        first, *path = self.path.strip("/").split("/")
        library = self.server.libraries.get(first)
        if library is None:
            self._send(404, {"message": "There is no such library."})
        return library, path

    def _let_in(self, library: Library) -> bool:
        given = self.headers.get("Authorization", "")
        library.authorizations.add(given)
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if library.login == "cookie" and self.headers.get("Cookie") == "session=T1":
            return True
        if given and given == {"basic": basic, "session": f"Bearer T-{PASSWORD}", "bearer": f"Bearer {PASSWORD}"}.get(library.login):
            return True
        self._send(401, {"message": "Who are you?"})
        return False

    def _send(self, status: int, answer: Any, **headers: str) -> None:
        content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        # A client that gave up is no reason for a traceback.
        with contextlib.suppress(OSError):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """Serves the libraries; a context manager."""

    daemon_threads = True

    def __init__(self, libraries: dict[str, Library], certificate: Path, key: Path, handler: type[Handler] = Handler) -> None:
        self.libraries = libraries
        self.closing = threading.Event()
        super().__init__(("127.0.0.1", 0), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that does not like the certificate goes away."""

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


def certificate(directory: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that is trusted by whoever is given it."""
    key, signed = directory / "key.pem", directory / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=library", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(signed)]
    subprocess.run(command, check=True, capture_output=True)
    return signed, key
