# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``drive_use job-end`` and ``sync``: what the application says of its drives decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.integration.reservation_sender.world import (
    DRIVE,
    OTHER,
    Receiver,
    Server,
    one_shell,
    until,
)

FIXTURES = Path(__file__).parent / "fixtures"
# A console: it notes what it is told, and answers as the file says that was put there for the number of this call.
CONSOLE = """#!/bin/sh
printf '%s|' "$@" >>'{folder}/told'
cat >>'{folder}/told'
echo . >>'{folder}/told'
n=0
while [ -e '{folder}/asked.'$n ]; do n=$((n + 1)); done
>'{folder}/asked.'$n
[ ! -e '{folder}/hook.'$n ] || . '{folder}/hook.'$n
[ -e '{folder}/answer.'$n ] || n=last
cat '{folder}/answer.'$n
"""


class Console:
    """Bacula's console, as the recorded answers have it."""

    def __init__(self, server: Server, receiver: Receiver, *more: str) -> None:
        self.server = server
        program = server.script("bconsole", CONSOLE.format(folder=server.folder))
        words = [f"query {word}" for word in (program, "-n", "-c", "/a file")]
        server.configure(receiver.port, *words, "input status storage=Lab Changer", "input quit", "format bacula", *more)

    def answers(self, *texts: str) -> None:
        """Set what it answers from now on; the last answer stays."""
        for path in self.server.folder.glob("a[ns][sk]*.*"):
            path.unlink()
        for number, text in enumerate(texts):
            (self.server.folder / f"answer.{number}").write_text(text)
        (self.server.folder / "answer.last").write_text(texts[-1])

    def told(self) -> list[str]:
        """Give what it was told, one text for each call."""
        path = self.server.folder / "told"
        return path.read_text().split(".\n")[:-1] if path.exists() else []


def recorded(name: str) -> str:
    return (FIXTURES / f"{name}.txt").read_text()


IDLE, RUNNING, LOOKING, WRITING, MOUNTED, DOWN = (
    recorded(f"bacula_{name}")
    for name in ("idle_closed", "reserved", "looking", "writing", "idle_mounted", "storage_down")
)
ASKED = "-n|-c|/a file|status storage=Lab Changer\nquit\n"


@pytest.fixture
def console(server: Server, receiver: Receiver) -> Console:
    return Console(server, receiver)


@pytest.mark.parametrize("answer", [RUNNING, WRITING], ids=["reserved", "writing"])
def test_a_job_that_runs_keeps_its_drive(server: Server, receiver: Receiver, console: Console, answer: str) -> None:
    for drive in (DRIVE, OTHER):
        server.says("reserved", drive)
    console.answers(answer)
    assert server.says("job-end") == ""
    assert receiver.rows() == {DRIVE: ("reserved", 1), OTHER: ("released", 2)}
    assert console.told() == [ASKED]


def test_a_drive_that_a_job_only_looks_into_is_not_reported(server: Server, receiver: Receiver, console: Console) -> None:
    """Before it loads a tape Bacula looks for it in every drive, and shows its job there meanwhile."""
    console.answers(LOOKING)
    assert server.call("changer", "loaded", "Drive-1", "echo", "4").stdout == "4\n"
    assert server.says("sync") == ""
    assert receiver.rows() == {DRIVE: ("reserved", 1)}
    # To release a drive it has to be shown that nobody is there at all.
    server.says("reserved", OTHER)
    assert server.says("job-end") == ""
    assert receiver.rows() == {DRIVE: ("reserved", 1), OTHER: ("reserved", 1)}


@one_shell
@pytest.mark.parametrize("answer", [IDLE, MOUNTED], ids=["closed", "mounted"])
def test_a_drive_is_free_when_no_job_is_on_it_though_the_tape_is(
    server: Server, receiver: Receiver, console: Console, answer: str
) -> None:
    server.says("reserved", DRIVE)
    console.answers(answer)
    assert server.says("job-end") == ""
    assert receiver.rows() == {DRIVE: ("released", 2)}
    assert server.left() == []


# Written by hand after the source of Bareos 24 (core/src/stored/status.cc); no Bareos could be had here.
@one_shell
def test_bareos_is_understood_too(server: Server, receiver: Receiver, console: Console) -> None:
    for drive in (DRIVE, OTHER):
        server.says("reserved", drive)
    console.answers(recorded("bareos_writing"))
    assert server.says("job-end") == ""
    assert receiver.rows() == {DRIVE: ("reserved", 1), OTHER: ("released", 2)}


@one_shell
def test_nobody_is_asked_if_nothing_was_reported(server: Server, console: Console) -> None:
    console.answers(IDLE)
    assert server.says("job-end") == ""
    assert console.told() == []


@pytest.mark.parametrize(
    "answer", [DOWN, "", IDLE.partition("Device status")[0], IDLE.partition("Used Volume")[0], "\0\xff junk\n" * 2000]
)
def test_an_answer_that_is_not_whole_releases_nothing(one_server: Server, receiver: Receiver, answer: str) -> None:
    console = Console(one_server, receiver)
    one_server.says("reserved", DRIVE)
    console.answers(answer)
    said = one_server.says("job-end")
    fault("sender-application").seen_in({"hook": said, "syslog": one_server.logged()}, TEXT="the answer of bconsole is not complete")
    assert receiver.rows() == {DRIVE: ("reserved", 1)}
    one_server.says("sync", status=1)


def test_a_drive_that_the_application_does_not_show_is_not_released(one_server: Server, receiver: Receiver) -> None:
    console = Console(one_server, receiver)
    one_server.says("reserved", DRIVE)
    console.answers(IDLE.replace('"Drive-0" (/tmp/du/lab/vtl/drive0)', '"Drive-7" (/dev/nst7)'))
    one_server.says("job-end")
    assert receiver.rows() == {DRIVE: ("reserved", 1)}


@pytest.mark.parametrize(
    ("text", "seconds", "what"),
    [
        ("#!/bin/sh\nexit 3\n", 60, "bconsole ended with 3"),
        ("#!/bin/sh\nexit 127\n", 60, "there is no program"),
        ("#!/bin/sh\nwhile :; do sleep 1; done\n", 2, "bconsole did not answer within the time"),
    ],
)
def test_a_query_that_fails_releases_nothing(
    one_server: Server, receiver: Receiver, text: str, seconds: int, what: str
) -> None:
    Console(one_server, receiver)
    one_server.says("reserved", DRIVE)
    Console(one_server, receiver, f"timeout {seconds}")
    one_server.script("bconsole", text)
    assert f"could not be asked which drives it uses: {what}" in one_server.says("job-end")
    assert receiver.rows() == {DRIVE: ("reserved", 1)}


def test_job_end_without_a_query_says_that_it_cannot_know(one_server: Server, receiver: Receiver) -> None:
    one_server.says("reserved", DRIVE)
    assert "no query command is configured. Nothing was released." in one_server.says("job-end")


def test_the_application_lets_go_of_a_drive_before_it_is_released(server: Server, receiver: Receiver) -> None:
    console = Console(server, receiver, f"free {DRIVE} release storage=Lab drive=0", f"free {OTHER} release storage=Lab drive=1")
    server.says("reserved", DRIVE)
    console.answers(MOUNTED, "3022 released\n", IDLE)
    assert server.says("job-end") == ""
    assert console.told() == [ASKED, "-n|-c|/a file|release storage=Lab drive=0\n", ASKED]
    assert receiver.rows() == {DRIVE: ("released", 2)}


@one_shell
def test_a_drive_that_a_new_job_took_meanwhile_stays_reserved(server: Server, receiver: Receiver) -> None:
    console = Console(server, receiver, f"free {DRIVE} release storage=Lab drive=0")
    server.says("reserved", DRIVE)
    # Before it was freed, and after: what the second answer says counts.
    console.answers(MOUNTED, "3937 busy\n", RUNNING)
    assert server.says("job-end") == ""
    assert receiver.rows() == {DRIVE: ("reserved", 1)}


def test_use_that_begins_while_the_application_is_asked_wins(server: Server, receiver: Receiver) -> None:
    console = Console(server, receiver)
    server.says("reserved", DRIVE)
    # The answer is old when it comes: a job begins on the drive, and says so, while the console works on it.
    for operation in ("job-end", "sync"):
        console.answers(IDLE)
        words = " ".join(f"'{word}'" for word in server.argv("reserved", DRIVE))
        (server.folder / "hook.0").write_text(f"{words} </dev/null >/dev/null 2>&1\n")
        assert server.says(operation) == ""
        assert receiver.rows() == {DRIVE: ("reserved", 1)}
    (server.folder / "hook.0").unlink()
    assert server.says("job-end") == ""
    assert receiver.rows() == {DRIVE: ("released", 2)}


@one_shell
def test_sync_reports_use_that_no_hook_told_of_and_its_end(server: Server, receiver: Receiver, console: Console) -> None:
    # A job on a tape that is in the drive already calls no changer.
    console.answers(WRITING)
    assert server.says("sync") == ""
    assert receiver.rows() == {DRIVE: ("reserved", 1)}
    console.answers(MOUNTED)
    assert server.says("sync") == ""
    assert receiver.rows() == {DRIVE: ("released", 2)}


def test_end_of_use_that_is_reported_while_the_application_is_asked_wins(one_server: Server, receiver: Receiver) -> None:
    console = Console(one_server, receiver)
    console.answers(WRITING)
    words = [" ".join(f"'{word}'" for word in one_server.argv(fact, DRIVE)) for fact in ("reserved", "released")]
    (one_server.folder / "hook.0").write_text(f"{words[0]}\n{words[1]}\n")
    assert one_server.says("sync") == ""
    assert receiver.rows() == {DRIVE: ("released", 2)}


def test_an_application_that_names_the_drives_in_use(server: Server, receiver: Receiver) -> None:
    for drive in (DRIVE, OTHER):
        server.says("reserved", drive)
    query = server.script("query", f"#!/bin/sh\necho unknown\necho '{server.device}'\n")
    server.configure(receiver.port, f"query {query}")
    assert server.says("job-end") == ""
    assert receiver.rows() == {DRIVE: ("reserved", 1), OTHER: ("released", 2)}
    server.script("query", "#!/bin/sh\n")
    assert server.says("job-end") == ""
    assert receiver.rows()[DRIVE] == ("released", 2)


def test_a_release_that_nobody_answered_is_sent_by_the_next_job_end(one_server: Server, receiver: Receiver) -> None:
    console = Console(one_server, receiver)
    console.answers(IDLE)
    one_server.says("reserved", DRIVE)
    Console(one_server, receiver, "timeout 2")
    receiver.stop()
    assert "was not reported as released" in one_server.says("job-end")
    receiver.start()
    Console(one_server, receiver)
    assert one_server.says("job-end") == ""
    assert receiver.rows() == {DRIVE: ("released", 1)} or receiver.rows() == {DRIVE: ("released", 2)}
    until(lambda: one_server.status()[DRIVE] == ("released", "acknowledged"))
