# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``drive_use changer``: the changer's command is what it was, and what it does to a drive is reported."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.integration.reservation_sender.world import (
    DRIVE,
    OTHER,
    Receiver,
    Server,
    one_shell,
    until,
)

# Shows all that it is given, and what was reported when it began.
CHANGER = """#!/bin/sh
printf '<%s>' "$@"
echo
cut -d ' ' -f 3,4 '{state}/{drive}' 2>/dev/null
echo "$PATH"
umask
cat
printf 'no newline at the end'
echo 'an error' >&2
exit "${{CHANGER_STATUS:-0}}"
"""
WORDS = ("/dev/sg 1", "load", "3", "it's \"quoted\" $HOME `id` *", "", "0", "VOL 001")


@pytest.fixture
def changer(server: Server) -> Path:
    return server.script("changer", CHANGER.format(state=server.state, drive=DRIVE))


def both(server: Server, changer: Path, operation: str, status: int = 0) -> None:
    """Call the changer by the program and without it: nobody can tell the difference."""
    os.environ["CHANGER_STATUS"] = str(status)
    text = b"some\0input\n\xff"
    plain = subprocess.run([changer, *WORDS], input=text, capture_output=True, env=server.environment, check=False)
    done = server.call("changer", operation, "Drive-0", str(changer), *WORDS, stdin=None, text=False, input=text)
    del os.environ["CHANGER_STATUS"]
    # What was reported when it began is the difference that is wanted.
    shown = done.stdout.split(b"\n")
    reported = shown.pop(1) if shown[1].startswith((b"reserved", b"released")) else b""
    lines = plain.stdout.split(b"\n")
    if lines[1].startswith((b"reserved", b"released")):
        lines.pop(1)
    assert (shown, done.stderr, done.returncode) == (lines, plain.stderr, status)
    assert reported == (b"" if operation in ("slots", "loaded") else b"reserved acknowledged")


@pytest.mark.parametrize("status", [0, 1, 126])
def test_loading_is_reported_before_and_unloading_after(server: Server, receiver: Receiver, changer: Path, status: int) -> None:
    both(server, changer, "slots", status)
    both(server, changer, "loaded", status)
    assert receiver.rows() == {}
    both(server, changer, "load", status)
    assert receiver.rows() == {DRIVE: ("reserved", 1)}
    both(server, changer, "unload", status)
    # It is still there if it could not be unloaded.
    assert receiver.rows()[DRIVE][0] == ("reserved" if status else "released")
    assert server.left() == []


def test_a_changer_that_does_not_exist_fails_as_in_a_shell(server: Server) -> None:
    for operation in ("list", "load", "unload"):
        assert server.call("changer", operation, "Drive-0", "/nonexistent/changer").returncode == 127


@one_shell
def test_nobody_who_answers_is_no_reason_not_to_load(server: Server, receiver: Receiver, changer: Path) -> None:
    server.configure(receiver.port, timeout=2)
    receiver.stop()
    done = server.call("changer", "load", "Drive-0", str(changer), "load")
    # Applications read what a changer says, also on its standard error.
    assert (done.returncode, done.stderr) == (0, "an error\n")
    assert done.stdout.startswith("<load>\nreserved pending\n")
    until(lambda: "did not answer within 2 s" in server.logged())


def test_a_strict_site_does_not_load_what_could_not_be_announced(server: Server, receiver: Receiver, changer: Path) -> None:
    server.configure(receiver.port, timeout=2, strict="yes")
    receiver.stop()
    done = server.call("changer", "load", "Drive-0", str(changer), "load")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        f"drive_use: Drive {DRIVE} was not reported as reserved, and this server may use it only then: "
        f"udp:127.0.0.1:{receiver.port} did not answer within 2 s.\n"
    )
    assert server.call("changer", "unload", "Drive-0", str(changer), "unload").returncode == 0


@one_shell
def test_without_its_configuration_it_is_the_changer_and_no_more(server: Server, changer: Path) -> None:
    (server.directory / "drive_use.conf").unlink()
    for operation in ("list", "load", "unload"):
        done = server.call("changer", operation, "Drive-0", str(changer), operation)
        assert (done.returncode, done.stderr) == (0, "an error\n")
    until(lambda: "cannot be read" in server.logged())


def test_an_unknown_drive_is_loaded_and_logged(one_server: Server, receiver: Receiver) -> None:
    done = one_server.call("changer", "load", "Drive-7", "echo", "loaded")
    assert (done.returncode, done.stdout, done.stderr) == (0, "loaded\n", "")
    until(lambda: "no drive with the name Drive-7 is configured" in one_server.logged())
    assert receiver.rows() == {}


def test_unloading_a_drive_that_was_not_reported_reports_nothing(one_server: Server, receiver: Receiver) -> None:
    # Somebody else may use it.
    assert one_server.call("changer", "unload", "Drive-0", "true").returncode == 0
    assert receiver.rows() == {}


@pytest.mark.parametrize("operation", ["load", "unload"])
def test_a_signal_to_the_command_reaches_the_changer(server: Server, operation: str) -> None:
    script = server.script(
        "slow", f"#!/bin/sh\ntrap 'echo ended; exit 3' TERM\necho $$ >'{server.folder}/pid'\nwhile :; do sleep 0.05; done\n"
    )
    with server.begun("changer", operation, "Drive-0", str(script)) as process:
        until(lambda: (server.folder / "pid").exists() and (server.folder / "pid").read_text().endswith("\n"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 3
        assert process.communicate()[0] == "ended\n"
    assert server.left() == []


def status_of(used: str) -> str:
    """Make the answer of an application that shows the drives in use."""
    return f"#!/bin/sh\necho '{used}'\n"


def test_with_a_query_only_what_is_in_use_counts(server: Server, receiver: Receiver) -> None:
    query = server.script("query", status_of("Drive-1"))
    server.configure(receiver.port, f"query {query}")
    # An application also asks about drives that others use.
    assert server.call("changer", "loaded", "Drive-0", "echo", "4").stdout == "4\n"
    assert receiver.rows() == {}
    assert server.call("changer", "loaded", "Drive-1", "echo", "4").stdout == "4\n"
    assert receiver.rows() == {OTHER: ("reserved", 1)}
    # It unloads one tape in order to load the next.
    assert server.call("changer", "unload", "Drive-1", "true").returncode == 0
    assert receiver.rows() == {OTHER: ("reserved", 1)}
    server.script("query", status_of("nothing"))
    assert server.call("changer", "unload", "Drive-1", "true").returncode == 0
    assert receiver.rows() == {OTHER: ("released", 2)}
    server.script("query", "#!/bin/sh\nexit 1\n")
    server.says("reserved", OTHER)
    assert server.call("changer", "unload", "Drive-1", "true").returncode == 0
    assert receiver.rows() == {OTHER: ("reserved", 3)}


def test_nobody_is_asked_about_a_drive_without_a_tape(one_server: Server, receiver: Receiver) -> None:
    # At its start an application asks the changer about every drive, and answers no question itself.
    query = one_server.script("query", f"#!/bin/sh\necho asked >>'{one_server.folder}/asked'\necho Drive-0\n")
    one_server.configure(receiver.port, f"query {query}")
    assert one_server.call("changer", "loaded", "Drive-0", "echo", "0").stdout == "0\n"
    failed = one_server.call("changer", "loaded", "Drive-0", "/bin/sh", "-c", "echo 4; exit 3")
    assert (failed.returncode, failed.stdout) == (3, "4\n")
    assert not (one_server.folder / "asked").exists()
    assert one_server.call("changer", "loaded", "Drive-0", "printf", "4").stdout == "4"
    assert receiver.rows() == {DRIVE: ("reserved", 1)}


def test_a_query_that_hangs_holds_the_changer_up_once_for_a_bounded_time(one_server: Server, receiver: Receiver) -> None:
    # Bacula's storage daemon asks about each drive at its start, before it answers anybody.
    query = one_server.script(
        "query", f"#!/bin/sh\ntrap '' TERM\necho asked >>'{one_server.folder}/asked'\nwhile :; do sleep 1; done\n"
    )
    one_server.configure(receiver.port, f"query {query}", timeout=4)
    for name in ("Drive-0", "Drive-1"):
        done = one_server.call("changer", "loaded", name, "echo", "4")
        assert (done.returncode, done.stdout, done.stderr) == (0, "4\n", "")
    assert (one_server.folder / "asked").read_text() == "asked\n"
    assert one_server.left() == []
    # After a minute it is asked again.
    one_server.configure(receiver.port, f"query {query}")
    (one_server.state / ".silent").write_text("1000000000\n")
    one_server.script("query", "#!/bin/sh\necho Drive-0\n")
    assert one_server.call("changer", "loaded", "Drive-0", "echo", "4").stdout == "4\n"
    assert receiver.rows() == {DRIVE: ("reserved", 1)}
