# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands that do not do what they should: what the step says of it, and what it leaves."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _guarded
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded import Command, Unit
from ansible_collections.tapeworks.drive_sharing.tests.integration.guarded_step.test_unwritable import small_disk
from ansible_collections.tapeworks.drive_sharing.tests.integration.guarded_step.world import (
    World,
    item,
    offline,
    record,
    wait_for,
)

__all__ = ["small_disk"]


@pytest.mark.parametrize(("name", "status"), [("TERM", 143), ("KILL", 137), ("SEGV", 139), ("PIPE", 141), ("HUP", 0)])
def test_a_command_that_is_killed_half_way_is_read_back(world: World, name: str, status: int) -> None:
    """It has set one of two drives. HUP is what commands ignore here, as under nohup."""
    killed = Command(["/bin/sh", "-c", f"{world.app} offline D1; kill -{name} $$; {world.app} offline D2"])
    unit = Unit([item("D1", None, 42), item("D2", None, 42)], [killed], world.show)
    result = world.set(unit).units[0]
    assert result.drives == {"D1": "done", "D2": "done"}
    assert (result.commands[0].rc, result.commands[0].timed_out) == (status, False)
    second = "offline" if name == "HUP" else "online"
    assert result.answers == [_guarded.CommandAnswer(0, f"ADMIN offline\nD1 offline\nD2 {second}\n")]
    # What might have been set is recorded as ours.
    assert world.record("D2") == record("D2", 42)


def test_a_command_that_somebody_else_kills_is_read_back(world: World) -> None:
    mark = world.root / "pid"
    slow = Command(["/bin/sh", "-c", f"{world.app} offline D1; echo $$ >{mark}.new; mv {mark}.new {mark}; exec sleep 30"])
    results: list[_guarded.SetReading] = []
    unit = Unit([item("D1", None, 42)], [slow], world.show)
    thread = threading.Thread(target=lambda: results.append(world.set(unit, seconds=40)))
    thread.start()
    wait_for(mark.exists)
    os.kill(int(mark.read_text()), signal.SIGKILL)
    thread.join()
    one = results[0].units[0]
    assert one.drives == {"D1": "done"}
    assert (one.commands[0].rc, one.commands[0].timed_out) == (137, False)
    assert "D1 offline" in one.answers[0].output


def test_a_query_that_is_killed_half_way_is_told_by_its_status(world: World) -> None:
    words = ["/bin/sh", "-c", "echo D1 online; kill -KILL $$; echo D2 online"]
    assert world.read("D1", queries=[words]).answers == [_guarded.CommandAnswer(137, "D1 online\n")]
    result = world.set(Unit([item("D1", None, 1)], [], [words]))
    assert result.units[0].answers == [_guarded.CommandAnswer(137, "D1 online\n")]


def test_a_command_that_says_yes_and_does_nothing_is_seen_by_what_is_read_back(world: World) -> None:
    unit = Unit([item("D1", None, 42)], [Command(["echo", "D1 is offline now"])], world.show)
    result = world.set(unit).units[0]
    assert result.commands == [_guarded.CommandAnswer(0, "D1 is offline now\n")]
    assert result.answers == [_guarded.CommandAnswer(0, "ADMIN offline\nD1 online\nD2 online\n")]
    assert world.record("D1") == record("D1", 42)


def test_a_command_that_does_it_later_is_told_apart_from_the_one_that_did_it(world: World) -> None:
    mark = world.root / "go"
    later = f"{{ until [ -e {mark} ]; do sleep 0.05; done; {world.app} offline D1; }} >/dev/null 2>&1 &"
    result = world.set(Unit([item("D1", None, 42)], [Command(["/bin/sh", "-c", later])], world.show)).units[0]
    assert result.answers == [_guarded.CommandAnswer(0, "ADMIN offline\nD1 online\nD2 online\n")]
    mark.touch()
    wait_for(lambda: world.states()["D1"] == "offline")
    # The record says that it is ours.
    assert world.record("D1") == record("D1", 42)


def test_megabytes_of_a_set_and_of_its_query_are_cut(world: World) -> None:
    much = ["dd", "if=/dev/zero", "bs=1024", "count=3000"]
    result = world.set(Unit([item("D1", None, 42)], [Command(much), Command(["echo", "next"])], [much, *world.show]))
    assert result.complete
    one = result.units[0]
    assert one.drives == {"D1": "done"}
    assert [answer.truncated for answer in one.commands + one.answers] == [True, False, True, False]
    assert [len(answer.output) for answer in one.commands[:1] + one.answers[:1]] == [262_144] * 2
    assert one.commands[1].output == "next\n"
    assert world.left() == []


def test_a_command_without_end_that_prints_until_the_disk_is_full_harms_nothing_else(small_disk: World) -> None:
    world = small_disk
    yes = ["/bin/sh", "-c", "while :; do echo D1 online; done 2>/dev/null"]
    result = world.set(Unit([item("D1", None, 42)], [Command(yes)], world.show), seconds=1)
    assert result.complete
    assert result.units[0].drives == {"D1": "unfinished"}
    assert result.units[0].commands[0].timed_out
    assert world.record("D1") == record("D1", 42, "intent")
    assert world.left() == []
    reading = world.read("D1")
    assert reading.complete
    assert world.set(offline(world, reading, 43, "D1")).units[0].drives == {"D1": "done"}


def test_a_command_that_is_not_there_changes_nothing_and_is_read_back(world: World, tmp_path: Path) -> None:
    for words in (["no-such-program", "offline", "D1"], [str(tmp_path / "none" / "x")], [str(tmp_path)]):
        result = world.set(Unit([item("D1", None, 42)], [Command(words)], world.show)).units[0]
        assert result.commands[0].rc in (126, 127)
        assert words[0] in result.commands[0].output
        assert "D1 online" in result.answers[0].output
        (world.instance / "D1").unlink()


def test_a_program_that_is_half_written_is_no_success(world: World, tmp_path: Path) -> None:
    """As during an update of the product: there, executable, and cut."""
    program = tmp_path / "program"
    for content in (b"\x7fELF\x02\x01\x01", b"#!/no/such/interpreter\n"):
        program.write_bytes(content)
        program.chmod(0o755)
        answer = world.read("D1", queries=[[str(program)]]).answers[0]
        assert answer.rc not in (None, 0)
        assert str(program) in answer.output
