# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The story's own judgement: what it finds in the output of plays, and what it compares."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("rich", reason="rich is not installed")
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from demo import story, world

FAILED = """
TASK [Say what was not confirmed] *****
[ERROR]: Task failed: Action failed: Drive 1310211169 (change 7, reserved) was not confirmed by host_c: no answer.
fatal: [localhost]: FAILED! => {"changed": false, "msg": "Drive 1310211169 (change 7, reserved) was not confirmed by\\nhost_c: {x}."}
fatal: [host_c]: FAILED! => {"broken
PLAY RECAP
"""


def test_the_sentence_of_a_failed_task_is_found() -> None:
    assert story.messages(FAILED, "host_c") == []
    assert story.messages(FAILED, "localhost") == story.messages(FAILED)
    assert story.messages(FAILED) == ["Drive 1310211169 (change 7, reserved) was not confirmed by host_c: {x}."]


def test_why_a_play_failed_is_its_sentence_or_its_last_line() -> None:
    assert story.last_message(FAILED).endswith("host_c: {x}.")
    assert story.last_message("one\n\ntwo\n\n") == "two"
    assert story.last_message("") == "it said nothing"


def test_an_application_without_an_answer_has_no_states() -> None:
    assert story.shown_states(None) == ("no answer", "no answer")


def test_a_drive_that_the_application_lacks_is_unknown() -> None:
    answer = {story.FIRST: world.Shown("lto0", "online", "-")}
    assert story.shown_states(answer) == ("online", "unknown")


def test_the_library_names_the_host_that_holds_a_drive() -> None:
    drive = {"holder": story.HOST_B.holder, "error": True}
    assert story.library_cell(drive, plain=True) == "ERROR, reserved by host_b"
    assert story.library_cell({"holder": None, "error": False}) == "free"


def test_a_marked_process_is_found_whatever_session_it_is_in(tmp_path: Path) -> None:
    environment = {**os.environ, world.MARK: str(tmp_path)}
    with subprocess.Popen(["sleep", "60"], env=environment, start_new_session=True) as process:
        try:
            # A program that has only just begun has no environment yet.
            environ = Path(f"/proc/{process.pid}/environ")
            end = time.monotonic() + 60
            while not environ.read_bytes():
                assert time.monotonic() < end
            assert process.pid in world.marked(f"{world.MARK}={tmp_path}")
            assert world.marked(f"{world.MARK}={tmp_path}x") == []
        finally:
            process.send_signal(signal.SIGKILL)


def test_a_world_makes_its_own_directory_and_leaves_the_demo_inventory_alone(tmp_path: Path) -> None:
    connections = {"host_c": {"ansible_port": 1}}
    with world.World(tmp_path / "world", connections=connections) as made:
        assert made.ask(world.HOSTS[0]) == {
            world.DRIVES[0]: world.Shown("lto0", "online", "-"),
            world.DRIVES[1]: world.Shown("lto1", "online", "-"),
        }
        ports = {"drive_sharing_ports": [world.HOSTS[2].holder]}
        written = made.inventory / "host_vars" / "host_c.yml"
        assert json.loads(written.read_text()) == {**ports, "ansible_port": 1}
        made.connect(world.HOSTS[2], ansible_port=2)
        assert json.loads(written.read_text()) == {**ports, "ansible_port": 2}
        made.behave(world.HOSTS[2], "hang")
        assert made.ask(world.HOSTS[2], limit=0.2) is None
        made.administrator(world.HOSTS[1], "offline", world.DRIVES[0])
        assert story.shown_states(made.ask(world.HOSTS[1])) == ("offline", "online")
    assert world.marked(f"{world.MARK}={made.directory}") == []
    assert "ansible_port" not in (world.ROOT / "inventories" / "demo" / "host_vars" / "host_c.yml").read_text()


def test_waiting_ends_with_the_process_that_should_bring_it_about(tmp_path: Path) -> None:
    with world.World(tmp_path / "world") as made:
        made.start("engine", ["true"])
        with pytest.raises(world.WorldError, match="The process engine has ended before pigs fly"):
            made.wait("pigs fly", lambda: False, 10)
