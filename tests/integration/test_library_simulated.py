# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Role library_simulated, through real ansible-playbook, against a library that misbehaves in every way.

All cases run at once, each an inventory host with a library of its own: what is tested is the role, not Ansible's start.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ansible_collections.tapeworks.drive_sharing.demo.library import Behaviour, Drive, Library, Server

ROOT = Path(__file__).resolve().parents[2]

TOKEN = "kX9-not-to-be-seen-anywhere"
DRIVE = "1310211169"
PUT_IN = f"Drive {DRIVE} was put into its error state by library {{name}}."
TAKEN_OUT = f"Drive {DRIVE} was taken out of its error state by library {{name}}."
NOT_PUT_IN = f"Drive {DRIVE} was not put into its error state: library {{name}} "
BY_HAND = ", but still reports the drive as ok. Do it there by hand."
BEFORE = " when asked for its state. Nothing was changed."
PLAY = """
- name: Call the role once for each case
  hosts: cases
  gather_facts: false
  tasks:
    - name: Call the role
      block:
CALLS      rescue:
        - name: Keep the failure
          ansible.builtin.set_fact:
            failure: "{{ ansible_failed_result.msg }}"
    - name: Keep what came of it
      ansible.builtin.copy:
        dest: "{{ results }}"
        content: >-
          {% set all = {} %}{% for host in groups.cases %}{% set _ = all.update({host: {
          'result': hostvars[host].drive_sharing_library_result | default(none), 'failure': hostvars[host].failure | default(none)}}) %}{% endfor
          %}{{ all | to_json }}
        mode: "0600"
      check_mode: false
      delegate_to: localhost
      run_once: true
"""
CALL = """
        - name: Call the role
          ansible.builtin.include_role:
            name: tapeworks.drive_sharing.library_simulated
            tasks_from: ENTRY
          when: entry == 'ENTRY'
          vars:
            library_simulated_library: "{{ library }}"
            library_simulated_drive: "{{ drive }}"
"""


class Breaking(Library):
    """A library that cannot be asked any more once it was told something."""

    def set_error(self, serial: str, error: bool, reason: str) -> None:
        super().set_error(serial, error, reason)
        self.behaviour = Behaviour("fail", calls=("query",))


@dataclass
class Case:
    """What one case is given, and what must come of it; {name} stands for the library's name."""

    entry: str
    message: str
    state: str | None
    changed: bool = False
    fails: bool = False
    error: bool = False
    reason: str = ""
    mode: str = "ok"
    seconds: float = 0.0
    calls: tuple[str, ...] = ("error",)
    library: type[Library] = Library
    truth: bool | None = None
    puts: int | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    no_library: bool = False


CASES = {
    "an_idle_drive_is_reported_as_ok": Case("query", f"Library {{name}} reports drive {DRIVE} as ok.", "ok", puts=0),
    "an_error_state_is_reported_with_its_reason": Case(
        "query",
        f"Library {{name}} reports drive {DRIVE} as in its error state: because.",
        "error",
        error=True,
        reason="because.",
    ),
    "a_reason_that_is_a_template_is_only_text": Case(
        "query",
        f"Library {{name}} reports drive {DRIVE} as in its error state: {{{{ 7 * 7 }}}} {{% raw %}} $(id).",
        "error",
        error=True,
        reason="{{ 7 * 7 }} {% raw %} $(id)",
    ),
    "a_library_that_answers_500_is_unknown": Case(
        "query",
        f"The state of drive {DRIVE} is not known: library {{name}} answered 500 (Internal error 0x4711).",
        "unknown",
        fails=True,
        mode="fail",
        calls=("query",),
    ),
    "a_library_that_answers_html_is_unknown": Case(
        "query",
        f"The state of drive {DRIVE} is not known: library {{name}} gave an answer that does not describe the drive.",
        "unknown",
        fails=True,
        mode="junk",
        calls=("query",),
    ),
    "a_library_that_does_not_answer_is_unknown": Case(
        "query",
        f"The state of drive {DRIVE} is not known: library {{name}} did not answer (",
        "unknown",
        fails=True,
        mode="deaf",
        calls=("query",),
    ),
    "a_drive_is_put_into_its_error_state": Case("force_error", PUT_IN, "error", changed=True, truth=True, puts=1),
    "a_drive_that_is_in_error_is_left_as_it_is": Case(
        "force_error",
        f"Drive {DRIVE} was already in its error state at library {{name}}.",
        "error",
        error=True,
        truth=True,
        puts=0,
    ),
    "a_library_that_lies_is_found_out": Case(
        "force_error", NOT_PUT_IN + "said that it was done" + BY_HAND, "ok", fails=True, mode="lie", truth=False
    ),
    "a_library_that_refuses_is_quoted": Case(
        "force_error",
        NOT_PUT_IN + "answered 409 (The library is busy with an inventory)" + BY_HAND,
        "ok",
        fails=True,
        mode="refuse",
        truth=False,
    ),
    "a_library_that_fails_is_quoted": Case(
        "force_error",
        NOT_PUT_IN + "answered 500 (Internal error 0x4711)" + BY_HAND,
        "ok",
        fails=True,
        mode="fail",
        truth=False,
    ),
    "a_library_that_says_500_and_did_it_is_believed_by_its_state": Case(
        "force_error", PUT_IN, "error", changed=True, mode="late", truth=True
    ),
    "a_library_that_answers_html_and_did_it_is_believed_by_its_state": Case(
        "force_error", PUT_IN, "error", changed=True, mode="junk", truth=True
    ),
    "a_slow_library_is_waited_for": Case(
        "force_error", PUT_IN, "error", changed=True, mode="slow", seconds=0.5, truth=True
    ),
    "a_library_that_does_not_answer_the_change_is_asked_again": Case(
        "force_error", NOT_PUT_IN + "did not answer (", "ok", fails=True, mode="deaf", truth=False
    ),
    "a_library_that_cannot_be_asked_before_is_told_nothing": Case(
        "force_error",
        NOT_PUT_IN + "answered 500 (Internal error 0x4711)" + BEFORE,
        "unknown",
        fails=True,
        mode="fail",
        calls=("query",),
        truth=False,
        puts=0,
    ),
    "a_library_that_cannot_be_asked_afterwards_is_not_believed": Case(
        "force_error",
        f"Whether drive {DRIVE} was put into its error state is not known: library {{name}} said that it was done, and then "
        "answered 500 (Internal error 0x4711). Look at the drive there.",
        "unknown",
        fails=True,
        library=Breaking,
        truth=True,
    ),
    "a_drive_is_taken_out_of_its_error_state": Case(
        "clear_error", TAKEN_OUT, "ok", changed=True, error=True, truth=False
    ),
    "a_drive_that_is_not_in_error_needs_no_clearing": Case(
        "clear_error",
        f"Drive {DRIVE} was already out of its error state at library {{name}}.",
        "ok",
        truth=False,
        puts=0,
    ),
    "a_library_that_lies_about_clearing_is_found_out": Case(
        "clear_error",
        f"Drive {DRIVE} was not taken out of its error state: library {{name}} said that it was done, but still reports the drive"
        " as in its error state. Do it there by hand.",
        "error",
        fails=True,
        error=True,
        mode="lie",
        truth=True,
    ),
    "a_wrong_token_is_named_by_the_library": Case(
        "force_error",
        NOT_PUT_IN + "answered 401 (The token is missing or wrong)" + BEFORE,
        "unknown",
        fails=True,
        truth=False,
        variables={"library_simulated_token_file": "{{ inventory_dir }}/wrong"},
    ),
    "a_missing_token_file_is_refused": Case(
        "force_error",
        "The token of library {name} cannot be read; give the name of a file that holds it by its host variable"
        " library_simulated_token_file. Nothing was changed.",
        "unknown",
        fails=True,
        puts=0,
        variables={"library_simulated_token_file": "/nonexistent/token"},
    ),
    "an_address_that_is_none_is_refused": Case(
        "force_error",
        "Library {name} has no address; give its host variable library_simulated_url, as in http://library.example:8080."
        " Nothing was changed.",
        "unknown",
        fails=True,
        variables={"library_simulated_url": "file:///etc/passwd"},
    ),
    "a_library_without_an_address_is_refused": Case(
        "force_error",
        "Library {name} has no address; give its host variable library_simulated_url, as in http://library.example:8080."
        " Nothing was changed.",
        "unknown",
        fails=True,
        no_library=True,
    ),
    "a_library_that_the_inventory_has_not_is_refused": Case(
        "query",
        "The inventory has no library nobody; add it to group tape_libraries. Nothing was changed.",
        "unknown",
        fails=True,
        variables={"library": "nobody"},
    ),
    "a_drive_that_the_library_has_not_is_refused": Case(
        "query",
        "The state of drive 1310211170 is not known: library {name} answered 404 (There is no drive with this serial number).",
        "unknown",
        fails=True,
        variables={"drive": "1310211170"},
    ),
    "a_drive_name_that_is_a_path_is_refused": Case(
        "force_error",
        "library_simulated_drive must be a unit serial number of letters, digits, dots, underscores and hyphens. Nothing was changed.",
        "unknown",
        fails=True,
        puts=0,
        variables={"drive": "../behaviour"},
    ),
    "a_library_that_is_switched_off_is_unknown": Case(
        "force_error",
        NOT_PUT_IN + "did not answer (Connection refused)" + BEFORE,
        "unknown",
        fails=True,
        variables={"library_simulated_url": "{closed}"},
    ),
    "a_redirection_is_not_followed": Case(
        "query",
        f"The state of drive {DRIVE} is not known: library {{name}} answered 302 (no reason was given).",
        "unknown",
        fails=True,
        variables={"library_simulated_url": "{redirecting}"},
    ),
    "a_certificate_that_nobody_signed_is_refused": Case(
        "force_error",
        NOT_PUT_IN + "did not answer (",
        "unknown",
        fails=True,
        variables={"library_simulated_url": "{secure}"},
    ),
    "a_certificate_is_not_checked_if_so_wished": Case(
        "query",
        f"Library {{name}} reports drive {DRIVE} as ok.",
        "ok",
        variables={"library_simulated_url": "{secure}", "library_simulated_validate_certs": False},
    ),
    "the_entry_point_must_be_named": Case(
        "main",
        "Call role library_simulated with tasks_from: force_error, clear_error or query.",
        None,
        fails=True,
        puts=0,
    ),
}
CHECKED = {
    "check_mode_would_put_a_drive_into_error": Case(
        "force_error", f"Drive {DRIVE} would be put into its error state by library {{name}}.", "error", changed=True, truth=False, puts=0
    ),
    "check_mode_would_clear_an_error": Case(
        "clear_error", f"Drive {DRIVE} would be taken out of its error state by library {{name}}.", "ok", changed=True, error=True,
        truth=True, puts=0
    ),
    "check_mode_finds_nothing_to_do": Case(
        "force_error", f"Drive {DRIVE} was already in its error state at library {{name}}.", "error", error=True, truth=True, puts=0
    ),
    "check_mode_reports_a_library_that_cannot_be_asked": Case(
        "force_error",
        NOT_PUT_IN + "answered 500 (Internal error 0x4711)" + BEFORE,
        "unknown",
        fails=True,
        mode="fail",
        calls=("query",),
        puts=0,
    ),
}  # fmt: skip


@dataclass
class Ran:
    """What the run of all cases left."""

    results: dict[str, Any]
    libraries: dict[str, Library]
    puts: dict[str, int]
    output: str
    redirected: list[str]


class Counting(Server):
    """Counts the requests that change something, and looks at all command lines of the machine meanwhile."""

    puts = 0
    #: Command lines that held the token while the library was called.
    seen: ClassVar[list[bytes]] = []

    def finish_request(self, request: Any, client_address: Any) -> None:
        outer = self
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                line = path.read_bytes()
                if TOKEN.encode() in line:
                    outer.seen.append(line)

        class Handler(self.RequestHandlerClass):  # type: ignore[name-defined]
            def do_PUT(self) -> None:
                outer.puts += 1
                super().do_PUT()

        Handler(request, client_address, self)


@contextlib.contextmanager
def redirecting(to: str) -> Iterator[tuple[str, list[str]]]:
    """Serve nothing but redirections, and keep the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", to + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def certificate(directory: Path) -> tuple[str, str]:
    """Make a certificate that nobody has signed."""
    key, signed = directory / "key.pem", directory / "certificate.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    command += ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(signed)]
    subprocess.run(command, check=True, capture_output=True)
    return str(signed), str(key)


def run(cases: dict[str, Case], directory: Path, *options: str) -> Ran:
    """Run all cases in one play, each against a library of its own."""
    (directory / "token").write_text(TOKEN + "\n")
    (directory / "wrong").write_text("wrong\n")
    with contextlib.ExitStack() as stack:
        closed = stack.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))
        signed, key = certificate(directory)
        other = stack.enter_context(Server(Library({DRIVE: Drive(DRIVE)}), TOKEN))
        secure = stack.enter_context(Server(Library({DRIVE: Drive(DRIVE)}), TOKEN, certificate=signed, key=key))
        away, redirected = stack.enter_context(redirecting(other.url))
        places = {
            "{closed}": f"http://127.0.0.1:{closed.getsockname()[1]}",
            "{redirecting}": away,
            "{secure}": secure.url,
        }
        servers: dict[str, Counting] = {}
        inventory: dict[str, Any] = {"tape_libraries": {"hosts": {}}, "cases": {"hosts": {}}}
        for name, case in cases.items():
            drive = Drive(DRIVE, error=case.error, reason=case.reason)
            library = case.library({DRIVE: drive}, behaviour=Behaviour(case.mode, case.seconds, case.calls))
            servers[name] = stack.enter_context(Counting(library, TOKEN))
            given = {
                "library_simulated_url": servers[name].url,
                "library_simulated_token_file": str(directory / "token"),
            }
            inventory["tape_libraries"]["hosts"][f"library_of_{name}"] = {} if case.no_library else given
            variables = {
                "library": f"library_of_{name}",
                "drive": DRIVE,
                "entry": case.entry,
                "library_simulated_timeout": 2,
            }
            for key_, value in case.variables.items():
                variables[key_] = places.get(value, value) if isinstance(value, str) else value
            inventory["cases"]["hosts"][name] = {
                **variables,
                "ansible_connection": "local",
                "ansible_python_interpreter": sys.executable,
            }
        (directory / "hosts.json").write_text(json.dumps(inventory))
        calls = (CALL.lstrip("\n").replace("ENTRY", entry) for entry in ("main", "query", "force_error", "clear_error"))
        (directory / "play.yml").write_text(PLAY.replace("CALLS", "".join(calls)))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / "build" / "collections")),
            "ANSIBLE_FORKS": "8",
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
            "ANSIBLE_INVENTORY_ENABLED": "yaml",
            "ANSIBLE_LOG_PATH": str(directory / "log"),
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-vvv", "-i", str(directory / "hosts.json")]
        command += [
            "-e",
            json.dumps({"results": str(directory / "results.json")}),
            *options,
            str(directory / "play.yml"),
        ]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        output = done.stdout + done.stderr + (directory / "log").read_text()
        assert done.returncode == 0, output[-4000:]
        results = json.loads((directory / "results.json").read_text())
        libraries = {name: server.library for name, server in servers.items()}
        puts = {name: server.puts for name, server in servers.items()}
        return Ran(results, libraries, puts, output, redirected)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Give what the run of all cases left."""
    return run(CASES, tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Give what the run in check mode left."""
    return run(CHECKED, tmp_path_factory.mktemp("checked"), "--check")


def compare(name: str, case: Case, left: Ran) -> None:
    """Compare what a case left with what it must have left."""
    answer = left.results[name]
    message = case.message.replace("{name}", f"library_of_{name}")
    said = answer["failure"] if case.fails else answer["result"]["message"]
    if message.endswith("("):
        assert said.startswith(message)
    else:
        assert said == message
    assert bool(answer["failure"]) == case.fails
    if case.state is None:
        assert answer["result"] is None
    else:
        assert answer["result"] == {
            "library": case.variables.get("library", f"library_of_{name}"),
            "drive": case.variables.get("drive", DRIVE),
            "state": case.state,
            "changed": case.changed,
            "message": said,
        }
    if case.truth is not None:
        assert left.libraries[name].drives[DRIVE].error is case.truth
    if case.puts is not None:
        assert left.puts[name] == case.puts


@pytest.mark.parametrize("name", CASES)
def test_what_the_role_does_and_says(name: str, ran: Ran) -> None:
    compare(name, CASES[name], ran)


@pytest.mark.parametrize("name", CHECKED)
def test_check_mode_asks_and_changes_nothing(name: str, checked: Ran) -> None:
    compare(name, CHECKED[name], checked)


def test_the_token_is_in_no_output_and_no_log(ran: Ran, checked: Ran) -> None:
    assert "Bearer" not in ran.output + checked.output
    assert TOKEN not in ran.output + checked.output


def test_the_token_is_in_no_command_line(ran: Ran, checked: Ran) -> None:
    assert ran.results
    assert checked.results
    assert Counting.seen == []


def test_the_role_causes_no_warnings(ran: Ran, checked: Ran) -> None:
    assert "WARNING" not in ran.output + checked.output


def test_the_reason_reaches_the_library(ran: Ran) -> None:
    drive = ran.libraries["a_drive_is_put_into_its_error_state"].drives[DRIVE]
    assert drive.reason == "A backup server did not confirm the drive's reservation in time"


def test_the_redirecting_server_was_asked_once(ran: Ran) -> None:
    assert ran.redirected == [f"/drives/{DRIVE}"]
