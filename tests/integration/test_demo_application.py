# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's backup application obeys and misbehaves as it is told, under every shell of this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

COMMAND = Path(__file__).resolve().parents[2] / "demo" / "backup_application"
SHELLS = {
    "sh": ["sh"],
    "dash": ["dash"],
    "bash": ["bash"],
    "mksh": ["mksh"],
    "ksh": ["ksh"],
    "busybox": ["busybox", "ash"],
}


class Application:
    """The command with a state directory of its own."""

    def __init__(self, shell: list[str], state: Path) -> None:
        self.words = [*shell, str(COMMAND), "--state", str(state)]
        self.state = state

    def __call__(self, *words: str, timeout: float = 10.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.words, *words], capture_output=True, text=True, timeout=timeout, check=False, errors="replace"
        )

    def behave(self, text: str, command: str = "") -> None:
        (self.state / f"behaviour{command and '.' + command}").write_text(text + "\n")

    def states(self) -> dict[str, str]:
        return {path.parent.name: path.read_text().strip() for path in self.state.glob("drives/*/state")}


@pytest.fixture(params=SHELLS)
def application(request: pytest.FixtureRequest, tmp_path: Path) -> Application:
    """Give the command with two drives, lto0 and lto1."""
    shell = SHELLS[request.param]
    if shutil.which(shell[0]) is None:
        pytest.skip(f"there is no {shell[0]} on this machine")
    given = Application(shell, tmp_path / "state")
    assert given("add", "lto0", "1310211169").returncode == 0
    assert given("add", "lto1", "1310211170").returncode == 0
    return given


def wait_for(what: object, limit: float = 10.0) -> None:
    """Wait until a function gives something true."""
    end = time.monotonic() + limit
    while not what():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come to pass in time"
        time.sleep(0.02)


def test_it_lists_name_serial_state_and_job(application: Application) -> None:
    assert application("busy", "lto1", "4711").returncode == 0
    assert application("list").stdout == "lto0 1310211169 online -\nlto1 1310211170 online 4711\n"


def test_it_sets_several_drives_in_one_command(application: Application) -> None:
    assert application("offline", "lto0", "lto1").returncode == 0
    assert application.states() == {"lto0": "offline", "lto1": "offline"}
    assert application("online", "lto1").returncode == 0
    assert application.states() == {"lto0": "offline", "lto1": "online"}


@pytest.mark.parametrize("name", ["lto9", "", "../drives/lto1", ".", "$(id)", "{{ 7 * 7 }}"])
def test_a_drive_that_it_has_not_is_named_and_the_others_are_set(application: Application, name: str) -> None:
    done = application("offline", name, "lto0")
    assert done.returncode == 1
    assert done.stderr == f"backup_application: there is no drive '{name}'\n"
    assert application.states() == {"lto0": "offline", "lto1": "online"}


def test_offline_kills_the_job_of_a_busy_drive_and_keeps_note_of_it(application: Application) -> None:
    application("busy", "lto0", "4711")
    application("offline", "lto0", "lto1")
    assert (application.state / "killed").read_text() == "lto0 4711\n"
    assert application("list").stdout == "lto0 1310211169 offline -\nlto1 1310211170 offline -\n"


def test_a_job_ends_without_being_killed(application: Application) -> None:
    application("busy", "lto0", "4711")
    application("idle", "lto0")
    application("offline", "lto0")
    assert not (application.state / "killed").exists()


def test_every_call_is_noted(application: Application) -> None:
    application("list")
    application("offline", "lto0", "lto1")
    calls = (application.state / "calls").read_text().splitlines()
    assert [call.split(" ", 1)[1] for call in calls] == ["list", "offline lto0 lto1"]


def test_it_refuses(application: Application) -> None:
    application.behave("refuse")
    done = application("offline", "lto0")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "backup_application: offline is not allowed now\n")
    assert application.states()["lto0"] == "online"
    assert application("list").returncode == 1


def test_it_lies(application: Application) -> None:
    application.behave("lie")
    done = application("offline", "lto0")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert application("list").stdout == "lto0 1310211169 online -\nlto1 1310211170 online -\n"


def test_it_prints_nonsense_and_obeys(application: Application) -> None:
    application.behave("junk")
    done = application("offline", "lto0")
    assert done.returncode == 0
    assert "{{ 7 * 7 }}" in done.stdout
    assert application.states()["lto0"] == "offline"
    assert "1310211169" not in application("list").stdout


def test_it_obeys_and_says_no(application: Application) -> None:
    application.behave("deny")
    done = application("offline", "lto0")
    assert (done.returncode, done.stderr) == (1, "backup_application: internal error\n")
    assert application.states()["lto0"] == "offline"


def test_it_prints_megabytes_and_obeys(application: Application) -> None:
    application.behave("flood 2")
    done = application("offline", "lto0")
    assert (done.returncode, len(done.stdout)) == (0, 2_000_000)
    assert application.states()["lto0"] == "offline"


def test_it_prints_without_end(application: Application) -> None:
    application.behave("flood 0")
    with subprocess.Popen([*application.words, "list"], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert len(process.stdout.read(3_000_000)) == 3_000_000
        os.killpg(process.pid, signal.SIGKILL)


def test_it_waits_until_it_may_obey(application: Application) -> None:
    application.behave("wait")
    with subprocess.Popen([*application.words, "offline", "lto0"]) as process:
        wait_for((application.state / "calls").exists)
        application.behave("ok")
        assert process.wait(30) == 0
    assert application.states()["lto0"] == "offline"


def test_it_obeys_slowly(application: Application) -> None:
    application.behave("slow 0.3")
    started = time.monotonic()
    assert application("offline", "lto0").returncode == 0
    assert time.monotonic() - started >= 0.3
    assert application.states()["lto0"] == "offline"


def test_it_says_yes_at_once_and_obeys_later(application: Application) -> None:
    application.behave("late 0.3")
    assert application("offline", "lto0").returncode == 0
    assert application.states()["lto0"] == "online"
    wait_for(lambda: application.states()["lto0"] == "offline")


def test_a_behaviour_of_one_command_leaves_the_others_alone(application: Application) -> None:
    application.behave("refuse", "offline")
    assert application("list").returncode == 0
    assert application("offline", "lto0").returncode == 1
    assert application("online", "lto0").returncode == 0


@pytest.fixture
def hanging(application: Application) -> Iterator[tuple[Application, subprocess.Popen[str]]]:
    """Give the command while it hangs over setting a drive offline."""
    application.behave("hang")
    process = subprocess.Popen(
        [*application.words, "offline", "lto0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for((application.state / "calls").exists)
    yield application, process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_it_hangs_until_it_is_killed(hanging: tuple[Application, subprocess.Popen[str]]) -> None:
    application, process = hanging
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.4)
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(5) != 0
    assert application.states()["lto0"] == "online"


def test_it_hangs_until_it_is_told_otherwise_and_then_does_nothing(
    hanging: tuple[Application, subprocess.Popen[str]],
) -> None:
    application, process = hanging
    application.behave("ok")
    assert process.wait(5) == 1
    assert application.states()["lto0"] == "online"


@pytest.mark.parametrize("words", [[], ["offline"], ["list", "lto0"], ["add", "lto2"], ["destroy", "lto0"]])
def test_a_wrong_call_is_told_how_to_call(application: Application, words: list[str]) -> None:
    done = application(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: backup_application [--state DIRECTORY] COMMAND\n")


def test_a_missing_state_directory_is_named(tmp_path: Path) -> None:
    done = Application(["sh"], tmp_path / "nowhere")("list")
    assert done.returncode == 1
    assert done.stderr == f"backup_application: there is no directory '{tmp_path / 'nowhere'}'\n"


def test_the_state_directory_may_come_from_the_environment(tmp_path: Path) -> None:
    environment = {**os.environ, "BACKUP_APPLICATION_STATE": str(tmp_path)}
    subprocess.run([COMMAND, "add", "lto0", "1310211169"], env=environment, check=True)
    listed = subprocess.run([COMMAND, "list"], env=environment, check=True, capture_output=True, text=True)
    assert listed.stdout == "lto0 1310211169 online -\n"


def test_it_starts_fast(tmp_path: Path) -> None:
    application = Application([], tmp_path)
    application("add", "lto0", "1310211169")
    seconds = []
    for _turn in range(10):
        started = time.monotonic()
        application("list")
        seconds.append(time.monotonic() - started)
    # The quickest of ten, so that a busy machine does not count.
    assert min(seconds) < 0.03
