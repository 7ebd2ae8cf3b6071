# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client for libraries' web interfaces against servers that are out to harm it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _library_web, _library_web_options
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library import Web

PASSWORD = "kX9-not-to-be-seen-anywhere"
GIVEN = {key: option["default"] for key, option in _library_web_options.OPTIONS.items()}


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[socket.socket, bytes], None]], str]]:
    """Serve by a function that gets a connection and the request's head; gives the address."""
    ended = threading.Event()
    listeners = []

    def start(answer: Callable[[socket.socket, bytes], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def work() -> None:
            while not ended.is_set():
                try:
                    connection, _address = listener.accept()
                    with connection:
                        head = b""
                        while b"\r\n\r\n" not in head:
                            head += connection.recv(65536)
                        answer(connection, head)
                except OSError:
                    continue

        threading.Thread(target=work, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    ended.set()
    for listener in listeners:
        listener.close()


@pytest.fixture
def password(tmp_path: Path) -> str:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    file.chmod(0o600)
    return str(file)


def client(url: str, password: str, **options: Any) -> _library_web.Client:
    given = {**GIVEN, "url": url, "user": "u", "password_file": password, "timeout": 1, "validate_certs": False, **options}
    return _library_web.Client(given)


def test_an_answer_without_an_end_is_given_up(serve: Any, password: str) -> None:
    ended = threading.Event()

    def drip(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not ended.wait(0.1):
            connection.sendall(b"x")

    answer = client(serve(drip), password)(Web("GET", "/"))
    ended.set()
    assert (answer.status, answer.error) == (None, "it took longer than 1 s")


def test_an_answer_that_is_too_long_is_not_kept(serve: Any, password: str) -> None:
    body = b"x" * (_library_web.MOST + 10)
    url = serve(lambda connection, _head: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)))
    answer = client(url, password, timeout=10)(Web("GET", "/"))
    assert (answer.status, answer.error) == (None, f"its answer is longer than {_library_web.MOST} bytes")


def test_what_is_no_http_is_said(serve: Any, password: str) -> None:
    for junk in (b"", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"):
        answer = client(serve(lambda connection, _head, junk=junk: connection.sendall(junk)), password)(Web("GET", "/"))
        assert answer.status is None
        assert answer.error
        assert "\n" not in answer.error


def test_a_token_is_sent_and_comes_back_in_no_answer(serve: Any, password: str) -> None:
    heads = []

    def echo(connection: socket.socket, head: bytes) -> None:
        heads.append(head)
        connection.sendall(b"HTTP/1.1 500 Oh\r\nContent-Length: %d\r\n\r\n%s" % (len(head), head))

    answer = client(serve(echo), password, authentication="bearer")(Web("PUT", "/x", "<a/>"))
    assert f"Authorization: Bearer {PASSWORD}".encode() in heads[0]
    assert b"Content-Type: application/xml" in heads[0]
    assert answer.status == 500
    assert PASSWORD not in answer.text


def test_a_file_of_a_password_must_be_there_closed_and_filled(password: str, tmp_path: Path) -> None:
    Path(password).chmod(0o640)
    with pytest.raises(InvalidValueError, match="may be read or written by others"):
        client("http://127.0.0.1:1", password)
    empty = tmp_path / "empty"
    empty.write_text("\n")
    empty.chmod(0o600)
    for wrong in (str(empty), str(tmp_path / "nowhere"), "relative"):
        with pytest.raises(InvalidValueError, match="the password file of the library"):
            client("http://127.0.0.1:1", wrong)


def test_without_authentication_nothing_is_read_and_sent(serve: Any) -> None:
    heads: list[bytes] = []

    def answer(connection: socket.socket, head: bytes) -> None:
        heads.append(head)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    assert client(serve(answer), "/nonexistent", authentication="none")(Web("GET", "/a?b=c")).good
    assert heads[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert b"Authorization" not in heads[0]
