# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a guarded step does, and that it does nothing where it must not."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _guarded, _record
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded import Command, ForDrive, Unit, UnitDrive
from ansible_collections.tapeworks.drive_sharing.tests.integration.guarded_step.world import (
    INSTANCE,
    NONCES,
    World,
    item,
    offline,
    record,
    replaced,
    simple,
    wait_for,
)

# what it does


def test_drives_are_set_read_back_and_recorded(world: World) -> None:
    reading = world.read("D1", "D2", "ADMIN")
    assert reading.complete
    assert abs((reading.clock or 0) - time.time()) < 3
    assert reading.records == {"D1": None, "D2": None, "ADMIN": None}
    assert reading.answers == [_guarded.CommandAnswer(0, "ADMIN offline\nD1 online\nD2 online\n")]
    assert not world.directory.exists()

    result = world.set(offline(world, reading, 42, "D1", "D2"), deadline=reading.clock + 5)

    assert result.complete
    assert result.units[0].drives == {"D1": "done", "D2": "done"}
    assert result.units[0].messages == []
    assert result.units[0].commands == [_guarded.CommandAnswer(0, "set to offline\n")]
    assert result.units[0].answers == [_guarded.CommandAnswer(0, "ADMIN offline\nD1 offline\nD2 offline\n")]
    assert world.record("D1") == record("D1", 42)
    assert world.read("D1").records == {"D1": result.units[0].records["D1"]}
    assert world.directory.stat().st_mode & 0o777 == 0o700
    assert world.instance.stat().st_mode & 0o777 == 0o700
    assert world.left() == []


def test_a_command_is_not_changed_by_the_step(world: World, tmp_path: Path) -> None:
    words = ["", " two  blanks ", "a\nb", "*", "$HOME `id` \\ \"'", "-n", "ü", "x" * 300]
    script = tmp_path / "print"
    script.write_text('#!/bin/sh\nprintf "<%s>" "$@"\nprintf "%s" "[$(umask)|$T|$_d|$PWD]"\ncat\n')
    script.chmod(0o755)
    unit = Unit([item("D1", None, 1)], [Command([str(script), *words, *(f"{n}" for n in range(20))])], [])

    old = os.umask(0o027)
    try:
        result = world.set(unit, env={"PATH": os.environ["PATH"], "T": "kept"}, cwd=str(tmp_path))
    finally:
        os.umask(old)

    wanted = "".join(f"<{word}>" for word in [*words, *range(20)]) + f"[0027|kept||{tmp_path}]"
    assert result.units[0].commands == [_guarded.CommandAnswer(0, wanted)]


def test_any_output_comes_back_as_it_was(world: World) -> None:
    junk = "import os,sys; sys.stdout.buffer.write(bytes(range(256)) * 3 + b'\\r\\n\\n end')"
    reading = world.read("D1", queries=[[sys.executable, "-c", junk], ["true"], ["/bin/sh", "-c", "echo e >&2"]])
    wanted = (bytes(range(256)) * 3 + b"\r\n\n end").decode("utf-8", "surrogateescape")
    assert [answer.output for answer in reading.answers] == [wanted, "", "e\n"]


def test_megabytes_of_output_are_cut(world: World) -> None:
    reading = world.read("D1", queries=[["dd", "if=/dev/zero", "bs=1024", "count=3000"], ["true"]])
    assert reading.complete
    assert reading.answers[0].truncated
    assert len(reading.answers[0].output) == 262_144
    assert reading.answers[1] == _guarded.CommandAnswer(0, "")


@pytest.mark.parametrize(("words", "status", "said"), [
    (["no-such-program"], 127, "no-such-program"),
    (["/etc/passwd"], 126, "/etc/passwd"),
    (["/bin/sh", "-c", "exit 3"], 3, ""),
    (["/bin/sh", "-c", "kill -TERM $$"], 143, ""),
    (["/bin/sh", "-c", "kill -KILL $$"], 137, ""),
])
def test_the_exit_status_says_how_a_command_ended(world: World, words: list[str], status: int, said: str) -> None:
    answer = world.set(simple(world, words)).units[0].commands[0]
    assert (answer.rc, answer.timed_out) == (status, False)
    assert said in answer.output


def test_it_runs_behind_a_terminal_and_two_more_shells(world: World) -> None:
    nonce = next(NONCES)
    unit = offline(world, world.read("D1"), 42, "D1")
    inner = f"/bin/sh -c {shlex.quote('echo BECOME-SUCCESS; ' + world.line(unit, nonce=nonce))} && sleep 0"
    master, slave = pty.openpty()
    process = subprocess.Popen(["/bin/sh", "-c", inner], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    output = b""
    try:
        while part := os.read(master, 65536):
            output += part
    except OSError:
        pass
    assert process.wait() == 0
    os.close(master)
    result = _guarded.parse_set(output.decode(), nonce, [unit])
    assert result.complete
    assert b"\r\n" in output
    assert result.units[0].answers == [_guarded.CommandAnswer(0, "ADMIN offline\nD1 offline\nD2 online\n")]


def test_a_lost_connection_does_not_stop_what_was_begun(world: World) -> None:
    unit = simple(world, ["/bin/sh", "-c", f"echo >{world.root}/begun; sleep 0.5; {world.app} offline D1"])
    process = subprocess.Popen(
        world.argv(world.line(unit)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )
    wait_for((world.root / "begun").exists)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    os.killpg(process.pid, signal.SIGHUP)
    process.wait(10)
    assert world.states()["D1"] == "offline"
    assert world.record("D1") == record("D1", 1)
    assert world.left() == []


def test_it_works_where_there_is_no_proc(world: World) -> None:
    world.change = lambda script: replaced(script, "_p=/proc\n", "_p=/no/proc\n")
    result = world.set(offline(world, world.read("D1", "D2"), 42, "D1", "D2"))
    assert result.units[0].drives == {"D1": "done", "D2": "done"}
    assert result.units[0].answers[0].output == "ADMIN offline\nD1 offline\nD2 offline\n"
    # The owner of a lock has ended: it is broken there too.
    gone = subprocess.Popen(["true"])
    gone.wait()
    boot = world.read("D1").boot
    (world.instance / ".lock" / "D1").write_text(f"{gone.pid} {boot} - dead.{gone.pid}.-\n")
    assert world.set(offline(world, world.read("D1"), 43, "D1")).units[0].drives == {"D1": "done"}
    assert world.left() == []


# what it refuses


def test_a_record_that_changed_since_it_was_read_stops_it(world: World) -> None:
    first = world.read("D1", "D2")
    assert world.set(offline(world, first, 42, "D1")).units[0].drives == {"D1": "done"}
    world.execute(f"{shlex.quote(world.shell)} -c {shlex.quote(f'{world.app} online D1')}")

    again = world.set(offline(world, first, 43, "D1", "D2")).units[0]

    assert again.drives == {"D1": "changed", "D2": "done"}
    assert again.messages == ["The record of drive D1 has changed since it was read; nothing was done."]
    assert world.states() == {"D1": "online", "D2": "offline", "ADMIN": "offline"}
    assert world.record("D1") == record("D1", 42)


def test_the_same_text_written_by_another_step_is_a_change(world: World) -> None:
    world.set(offline(world, world.read("D1"), 42, "D1"))
    reading = world.read("D1")
    world.set(offline(world, reading, 42, "D1"))
    assert world.set(offline(world, reading, 42, "D1")).units[0].drives == {"D1": "changed"}
    # A plain text says nothing of who wrote it.
    plain = Unit([item("D1", str(reading.records["D1"]), 42)], [], [])
    assert world.set(plain).units[0].drives == {"D1": "done"}


@pytest.mark.parametrize(("older", "newer"), [
    (41, 42), (9, 10), (99_999, 100_000), (2**31 - 1, 2**31), (2**32, 2**32 + 1), (2**63 + 7, 2**64), (1, 10**20 - 1),
])
def test_a_late_step_is_superseded_by_a_newer_one(world: World, older: int, newer: int) -> None:
    before = world.read("D1")
    assert world.set(offline(world, before, newer, "D1")).units[0].drives == {"D1": "done"}
    world.execute(f"{shlex.quote(world.shell)} -c {shlex.quote(f'{world.app} online D1')}")
    result = world.set(offline(world, before, older, "D1")).units[0]
    assert result.drives == {"D1": "superseded"}
    assert result.commands == [_guarded.CommandAnswer()]
    assert world.states()["D1"] == "online"
    assert world.record("D1") == record("D1", newer)


def test_after_the_deadline_nothing_is_done(world: World) -> None:
    reading = world.read("D1")
    result = world.set(offline(world, reading, 42, "D1"), deadline=int(time.time()) - 2).units[0]
    assert result.drives == {"D1": "late"}
    assert world.states()["D1"] == "online"
    assert world.record("D1") is None


def test_without_a_clock_the_deadline_is_not_checked_and_it_says_so(world: World, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("date", "awk"):
        (programs / name).write_text("#!/bin/sh\necho +%s\n")
        (programs / name).chmod(0o755)
    world.change = lambda script: script.replace("BASH_VERSION", "NO_VERSION")
    env = {"PATH": f"{programs}:{os.environ['PATH']}"}
    nonce = next(NONCES)
    line = _guarded.read_command(str(world.directory), INSTANCE, ["D1"], [], 5, nonce, world.shell)
    reading = _guarded.parse_read(world.execute(line, env=env), nonce, ["D1"], [])
    assert (reading.complete, reading.clock) == (True, None)
    result = world.set(offline(world, reading, 42, "D1"), deadline=1, env=env).units[0]
    assert result.drives == {"D1": "done"}
    assert result.messages == ["The host's clock cannot be read, so the deadline was not checked."]


def test_a_word_of_a_drive_that_is_left_out_is_left_out(world: World) -> None:
    before = world.read("D1", "D2")
    world.set(offline(world, before, 42, "D1"))
    unit = Unit(
        [item("D1", None, 43), item("D2", None, 43)],
        [Command(["echo", "both", ForDrive("D1", "one: *"), ForDrive("D2", "two: *")]),
         Command(["echo", "only", ForDrive("D1", "one")]), Command(["echo", "plain"])],
        [["echo", "query"]],
    )
    result = world.set(unit).units[0]
    assert [(answer.rc, answer.output) for answer in result.commands] == [
        (0, "both two: *\n"), (None, ""), (0, "plain\n"),
    ]
    assert [answer.output for answer in result.answers] == ["query\n"]


def test_a_record_alone_can_be_written(world: World) -> None:
    unit = Unit([UnitDrive("D1", None, 7, done=_record.format(record("D1", 7, target="none", taken=False)))], [], [])
    assert world.set(unit).units[0].drives == {"D1": "done"}
    assert world.record("D1") == record("D1", 7, target="none", taken=False)


def test_units_follow_each_other(world: World) -> None:
    reading = world.read("D1", "D2")
    units = [offline(world, reading, 42, "D1"), offline(world, reading, 42, "D2"), offline(world, reading, 42, "D1")]
    result = world.set(*units)
    assert [unit.drives for unit in result.units] == [{"D1": "done"}, {"D2": "done"}, {"D1": "changed"}]
    assert result.units[0].answers[0].output == "ADMIN offline\nD1 offline\nD2 online\n"
    assert result.units[1].answers[0].output == "ADMIN offline\nD1 offline\nD2 offline\n"


def test_junk_in_place_of_a_record_is_left(world: World) -> None:
    world.instance.mkdir(parents=True)
    for text in (b"\xff\0junk", b"", b"one\ntwo\n", b"0" * 20 + b" done {}\nmore\n"):
        (world.instance / "D1").write_bytes(text)
        reading = world.read("D1")
        with pytest.raises(_record.InvalidValueError):
            _record.parse(reading.records["D1"])
        assert world.set(offline(world, replace(reading, records={"D1": None}), 42, "D1")).units[0].drives == {
            "D1": "changed"
        }
        assert (world.instance / "D1").read_bytes() == text
    assert world.states()["D1"] == "online"
