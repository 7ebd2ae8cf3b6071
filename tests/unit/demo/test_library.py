# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulated library: its reservations, and its HTTP interface."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.demo.library import (
    Behaviour,
    Drive,
    Library,
    RefusedError,
    Server,
    address_of,
)

DRIVE = "1310211169"
PORT_A = {"protocol": "fc", "id": "10000090fa1658d1"}
PORT_B = {"protocol": "iscsi", "id": "iqn.1994-05.com.example:b"}
TOKEN = "the-token"


class Told:
    """Remembers what the library told."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, dict[str, str] | None]] = []

    def __call__(self, _drive: Drive, status: str, port: dict[str, str] | None) -> dict[str, Any]:
        self.changes.append((status, port))
        return {"counter": len(self.changes)}


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def library(told: Told) -> Library:
    return Library({DRIVE: Drive(DRIVE)}, notify=told)


@pytest.fixture
def server(library: Library) -> Iterator[Server]:
    with Server(library, TOKEN) as served:
        yield served


def call(
    server: Server, method: str, path: str, body: Any = None, token: str = TOKEN, limit: float = 5.0
) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(server.url + path, data=data, method=method, headers=headers)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=limit) as answer:
            status, content = answer.status, answer.read()
    except urllib.error.HTTPError as exc:
        status, content = exc.code, exc.read()
    try:
        return status, json.loads(content)
    except ValueError:
        return status, content.decode()


def call_and_catch(server: Server) -> Any:
    try:
        return call(server, "GET", f"/drives/{DRIVE}")
    except OSError as exc:
        return exc


def test_the_first_port_gets_the_drive_and_the_change_is_told(library: Library, told: Told) -> None:
    assert library.reserve(DRIVE, PORT_A) == {"counter": 1}
    assert library.drives[DRIVE].holder == PORT_A
    assert told.changes == [("reserved", PORT_A)]


def test_a_second_port_gets_a_conflict(library: Library, told: Told) -> None:
    library.reserve(DRIVE, PORT_A)
    with pytest.raises(
        RefusedError, match=f"Reservation conflict: drive {DRIVE} is reserved by 10000090fa1658d1."
    ) as refused:
        library.reserve(DRIVE, PORT_B)
    assert refused.value.status == 409
    assert library.drives[DRIVE].holder == PORT_A
    assert len(told.changes) == 1


def test_the_holder_may_reserve_again_and_nothing_is_told(library: Library, told: Told) -> None:
    library.reserve(DRIVE, PORT_A)
    assert library.reserve(DRIVE, PORT_A) is None
    assert len(told.changes) == 1


def test_a_release_by_a_port_that_does_not_hold_it_has_no_effect(library: Library, told: Told) -> None:
    library.reserve(DRIVE, PORT_A)
    assert library.release(DRIVE, PORT_B) is None
    assert library.drives[DRIVE].holder == PORT_A
    assert len(told.changes) == 1


@pytest.mark.parametrize("port", [PORT_A, None])
def test_a_release_tells_who_had_it(library: Library, told: Told, port: dict[str, str] | None) -> None:
    library.reserve(DRIVE, PORT_A)
    library.release(DRIVE, port)
    assert library.drives[DRIVE].holder is None
    assert told.changes[-1] == ("released", PORT_A)


def test_a_drive_in_error_refuses_every_reservation_and_keeps_the_one_it_has(library: Library) -> None:
    library.reserve(DRIVE, PORT_A)
    library.set_error(DRIVE, True, "because")
    for port in (PORT_A, PORT_B):
        with pytest.raises(RefusedError, match=f"Drive {DRIVE} is in its error state: because") as refused:
            library.reserve(DRIVE, port)
        assert refused.value.status == 423
    assert library.drives[DRIVE].holder == PORT_A
    library.set_error(DRIVE, False, "ignored")
    assert library.show(DRIVE) == {
        "serial": DRIVE, "location": "", "wwnn": None, "holder": PORT_A, "error": False, "reason": "", "status": "reserved",
    }  # fmt: skip


def test_a_reservation_by_http_gives_the_inform_that_was_sent(server: Server) -> None:
    status, answer = call(server, "PUT", f"/drives/{DRIVE}/reservation", {"status": "reserved", "holder": PORT_A})
    assert (status, answer["holder"], answer["inform"]) == (200, PORT_A, {"counter": 1})
    status, answer = call(server, "PUT", f"/drives/{DRIVE}/reservation", {"status": "released", "holder": None})
    assert (status, answer["holder"], answer["inform"]) == (200, None, {"counter": 2})
    assert call(server, "GET", "/drives")[1]["drives"][0]["status"] == "released"


def test_the_error_state_by_http(server: Server, library: Library) -> None:
    status, answer = call(server, "PUT", f"/drives/{DRIVE}/error", {"error": True, "reason": "because"})
    assert (status, answer["error"], answer["reason"]) == (200, True, "because")
    assert library.drives[DRIVE].error


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", "\u00fc"])
def test_a_wrong_token_gets_nothing(server: Server, library: Library, token: str) -> None:
    headers_fit = token.encode("latin-1").decode("latin-1")
    answer = call(server, "PUT", f"/drives/{DRIVE}/error", {"error": True}, headers_fit)
    assert answer == (401, {"message": "The token is missing or wrong."})
    assert not library.drives[DRIVE].error


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/", None, 404),
        ("GET", "/drives/0", None, 404),
        ("PUT", "/drives/0/error", {"error": True}, 404),
        ("PUT", f"/drives/{DRIVE}/error", {"error": "yes"}, 404),
        ("PUT", f"/drives/{DRIVE}/error", b"{", 400),
        ("PUT", f"/drives/{DRIVE}/error", [True], 400),
        ("PUT", f"/drives/{DRIVE}/reservation", {"status": "reserved", "holder": None}, 400),
        ("PUT", f"/drives/{DRIVE}/reservation", {"status": "reserved", "holder": {"protocol": "fc"}}, 400),
        ("PUT", f"/drives/{DRIVE}/reservation", {"status": "stolen", "holder": PORT_A}, 404),
        ("PUT", "/behaviour", {"mode": "sulk"}, 400),
        ("PUT", "/behaviour", {"mood": "bad"}, 400),
        ("PUT", "/behaviour", {"mode": "ok", "x": "y" * 70000}, 413),
    ],
)
def test_a_wrong_request_is_refused_and_changes_nothing(
    server: Server, library: Library, method: str, path: str, body: Any, status: int
) -> None:
    assert call(server, method, path, body)[0] == status
    assert library.drives[DRIVE] == Drive(DRIVE)
    assert library.behaviour == Behaviour()


@pytest.mark.parametrize(
    ("mode", "status", "done"),
    [
        ("ok", 200, True),
        ("slow", 200, True),
        ("refuse", 409, False),
        ("fail", 500, False),
        ("late", 500, True),
        ("lie", 200, False),
        ("junk", 200, True),
    ],
)
def test_it_misbehaves_as_told(server: Server, library: Library, mode: str, status: int, done: bool) -> None:
    assert call(server, "PUT", "/behaviour", {"mode": mode, "seconds": 0.1, "calls": ["error"]})[0] == 200
    answered, answer = call(server, "PUT", f"/drives/{DRIVE}/error", {"error": True, "reason": "because"})
    assert (answered, library.drives[DRIVE].error) == (status, done)
    if mode == "lie":
        assert answer["error"] is True
    if mode == "junk":
        assert answer.startswith("<html>")
    assert call(server, "GET", f"/drives/{DRIVE}")[1]["error"] is done


def test_a_deaf_library_answers_nothing_until_it_is_told_otherwise(server: Server, library: Library) -> None:
    library.behaviour = Behaviour("deaf", calls=("query",))
    with pytest.raises(TimeoutError):
        call(server, "GET", f"/drives/{DRIVE}", limit=0.3)
    library.behaviour = Behaviour()
    assert call(server, "GET", f"/drives/{DRIVE}")[0] == 200


def test_one_deaf_call_does_not_keep_the_library_from_ending(library: Library) -> None:
    library.behaviour = Behaviour("deaf", calls=("query",))
    answers: list[Any] = []
    with Server(library, TOKEN) as server:
        caller = threading.Thread(target=lambda: answers.append(call_and_catch(server)))
        caller.start()
    caller.join(5)
    assert isinstance(answers[0], OSError)


@pytest.mark.parametrize(("text", "address"), [("127.0.0.1:162", ("127.0.0.1", 162)), ("[::1]:1162", ("::1", 1162))])
def test_an_address_is_read(text: str, address: tuple[str, int]) -> None:
    assert address_of(text) == address
