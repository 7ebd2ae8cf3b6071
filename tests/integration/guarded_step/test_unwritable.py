# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a guarded step does where nothing can be written or read."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _guarded
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded import Command, Unit
from ansible_collections.tapeworks.drive_sharing.tests.integration.guarded_step.world import (
    INSTANCE,
    NONCES,
    World,
    item,
    offline,
    record,
    wait_for,
)


def other_user() -> dict[str, object]:
    return {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}


def passable(world: World) -> None:
    """Let the other user come to the world and to its shell."""
    for path in (world.root, Path(world.shell)):
        for parent in (path, *path.parents):
            if len(parent.parts) > 2 and parent.is_dir() and parent.stat().st_uid == os.geteuid():
                parent.chmod(parent.stat().st_mode | 0o011)


def test_a_directory_that_cannot_be_written_stops_it(world: World) -> None:
    reading = world.read("D1")
    world.directory.mkdir()
    world.directory.chmod(0o555)
    passable(world)
    result = world.set(offline(world, reading, 42, "D1"), **other_user())
    assert result.units[0].drives == {"D1": "unwritable"}
    assert "ermission denied" in result.units[0].messages[0] or "cannot" in result.units[0].messages[0]
    assert world.states()["D1"] == "online"


def test_records_that_may_not_be_seen_are_not_taken_for_missing(world: World) -> None:
    world.set(offline(world, world.read("D1"), 42, "D1"))
    passable(world)
    world.directory.chmod(0o700 if os.geteuid() == 0 else 0o600)
    nonce = next(NONCES)
    line = _guarded.read_command(str(world.directory), INSTANCE, ["D1"], [], 5, nonce, world.shell)
    reading = _guarded.parse_read(world.execute(line, **other_user()), nonce, ["D1"], [])
    world.directory.chmod(0o700)
    assert not reading.complete
    assert "cannot be searched" in str(reading.problem)


@pytest.fixture
def small_disk(world: World) -> Iterator[World]:
    disk = world.root / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=500,mode=755", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    world.directory.symlink_to(disk)
    try:
        yield world
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(world: World, room: int = 0) -> Path:
    """Fill the small disk but for some pages."""
    filler = world.root / "disk" / "filler"
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 512)
    os.truncate(filler, filler.stat().st_size - room * 4096)
    return filler


# It prints a list of drives, and does not look whether it could.
CARELESS = ["/bin/sh", "-c", 'n=0; while [ "$n" -lt 3000 ]; do n=$((n + 1)); echo "D$n online"; done 2>/dev/null; exit 0']


def test_a_list_that_a_full_file_system_has_cut_is_no_answer(small_disk: World) -> None:
    """Drives that are missing in it would be taken for drives that the application does not have."""
    world = small_disk
    assert world.set(offline(world, world.read("D1"), 42, "D1")).units[0].drives == {"D1": "done"}
    assert world.left() == []
    filler = fill(world, room=5)
    reading = world.read("D1", queries=[CARELESS])
    assert not reading.complete
    assert "its file system is full" in str(reading.problem)
    assert world.left() == []

    record_before = str(world.read("D1", queries=[]).records["D1"])
    result = world.set(Unit([item("D1", record_before, 43)], [Command(["true"])], [CARELESS]))

    assert result.units[0].drives == {"D1": "unfinished"}
    assert result.units[0].messages == [
        "The file system of the records was full when a command for drive D1 had ended, so its output may be cut;"
        " its record is the intent."
    ]
    assert world.record("D1") == record("D1", 43, "intent")
    assert world.left() == []
    filler.unlink()
    after = world.set(Unit([item("D1", str(world.read("D1").records["D1"]), 43)], [Command(["true"])], [["echo", "D1"]]))
    assert after.units[0].drives == {"D1": "done"}


def test_a_full_file_system_stops_it_before_any_command(small_disk: World) -> None:
    world = small_disk
    assert world.set(offline(world, world.read("D1"), 42, "D1")).units[0].drives == {"D1": "done"}
    subprocess.run([world.app, "online", "D1"], check=True, capture_output=True)
    reading = world.read("D1")
    # What the last step removes in the background would make room again.
    assert world.left() == []
    filler = fill(world)
    for drives in (("D1",), ("D1", "D2")):
        result = world.set(offline(world, replace(reading, records={"D2": None, **reading.records}), 43, *drives))
        assert result.complete
        assert result.units[0].drives == dict.fromkeys(drives, "unwritable")
        assert "full" in result.units[0].messages[0] or "No space" in result.units[0].messages[0]
        assert world.left() == []
    assert world.states()["D1"] == "online"
    assert world.record("D1") == record("D1", 42)
    assert world.read("D1").complete
    filler.unlink()
    assert world.set(offline(world, world.read("D1"), 43, "D1")).units[0].drives == {"D1": "done"}


def test_lines_that_cannot_be_written_are_not_given_in_part(small_disk: World) -> None:
    world = small_disk
    assert world.set(Unit([item("ADMIN", None, 1)])).units[0].drives == {"ADMIN": "done"}
    assert world.left() == []
    # The intent still fits, the lines do not.
    filler = fill(world, room=4)
    console = Command([world.app, "console"], ["offline D1", *(f"offline {number:090d}" for number in range(100)), "quit"])
    result = world.set(Unit([item("D1", None, 42)], [console], [["echo", "query"]]))
    assert result.units[0].drives == {"D1": "unfinished"}
    assert result.units[0].messages == [
        "A command for drive D1 was not started, because the lines for it could not be written (disk full?);"
        " its record is the intent."
    ]
    assert result.units[0].commands == [_guarded.CommandAnswer()]
    assert world.record("D1") == record("D1", 42, "intent")
    assert world.states() == {"D1": "online", "D2": "online", "ADMIN": "offline"}
    assert world.left() == []
    # Just room for the step to begin.
    fill(world, room=1)
    reading = world.read("D1", queries=[console])  # type: ignore[list-item]
    assert not reading.complete
    assert "cannot be written, or its file system is full" in str(reading.problem)
    filler.unlink()
    assert world.set(offline(world, world.read("D1"), 43, "D1")).units[0].drives == {"D1": "done"}
    assert world.left() == []


def test_a_file_system_that_a_command_fills_leaves_the_intent(small_disk: World) -> None:
    filler = small_disk.root / "disk" / "filler"
    words = ["dd", "if=/dev/zero", f"of={filler}", "bs=512"]
    result = small_disk.set(Unit([item("D1", None, 42)], [Command(words)], [["echo", "query"]]))
    assert result.units[0].drives == {"D1": "unfinished"}
    assert result.units[0].commands[0].rc == 1
    assert small_disk.record("D1") == record("D1", 42, "intent")
    filler.unlink()
    assert small_disk.set(offline(small_disk, small_disk.read("D1"), 43, "D1")).units[0].drives == {"D1": "done"}
    assert small_disk.left() == []


def remount(world: World, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(world.root / "disk")], check=True)


@pytest.mark.parametrize("drives", [("D1",), ("D1", "D2")])
def test_a_file_system_that_became_read_only_stops_it_before_any_command(small_disk: World, drives: tuple[str, ...]) -> None:
    """As a disk with errors does, or a snapshot."""
    world = small_disk
    assert world.set(Unit([item("ADMIN", None, 1)])).units[0].drives == {"ADMIN": "done"}
    assert world.left() == []
    remount(world, "ro")
    reading = world.read("D1", "D2")
    assert reading.complete
    assert reading.answers == [_guarded.CommandAnswer(0, "ADMIN offline\nD1 online\nD2 online\n")]
    result = world.set(offline(world, reading, 42, *drives))
    assert result.complete
    assert result.units[0].drives == dict.fromkeys(drives, "unwritable")
    assert result.units[0].messages[0].endswith("; nothing was done.")
    assert world.states()["D1"] == "online"
    remount(world, "rw")
    assert world.set(offline(world, reading, 42, *drives)).units[0].drives == dict.fromkeys(drives, "done")


def test_a_file_system_that_becomes_read_only_under_a_command_leaves_the_intent(small_disk: World) -> None:
    world = small_disk
    words = ["mount", "-o", "remount,ro", str(world.root / "disk")]
    # Where the output of commands is open for writing, it cannot become read-only but by an error of the disk.
    lazy = ["/bin/sh", "-c", 'exec >/dev/null 2>&1; "$@"', "x", *words]
    result = world.set(Unit([item("D1", None, 42)], [Command(lazy)], world.show))
    assert result.complete
    assert result.units[0].drives == {"D1": "unfinished"}
    assert result.units[0].messages[0].endswith("; its record is the intent.")
    assert world.record("D1") == record("D1", 42, "intent")
    reading = world.read("D1")
    assert reading.complete
    assert world.set(offline(world, reading, 43, "D1")).units[0].drives == {"D1": "unwritable"}
    remount(world, "rw")
    wait_for(lambda: world.set(offline(world, world.read("D1"), 43, "D1")).units[0].drives == {"D1": "done"})
    assert world.left() == []


def test_a_file_system_without_inodes_stops_it_before_any_command(small_disk: World) -> None:
    world = small_disk
    assert world.set(offline(world, world.read("D1"), 42, "D1")).units[0].drives == {"D1": "done"}
    subprocess.run([world.app, "online", "D1"], check=True, capture_output=True)
    assert world.left() == []
    fillers = world.root / "disk" / "fillers"
    fillers.mkdir()
    with contextlib.suppress(OSError):
        for number in range(1000):
            (fillers / str(number)).touch()
    reading = world.read("D1")
    assert reading.complete
    result = world.set(offline(world, reading, 43, "D1"))
    assert result.complete
    assert result.units[0].drives == {"D1": "unwritable"}
    assert world.states()["D1"] == "online"
    assert world.record("D1") == record("D1", 42)
    # One is free, for the step itself.
    next(fillers.iterdir()).unlink()
    result = world.set(offline(world, reading, 43, "D1"))
    assert result.complete
    assert world.states()["D1"] == "online"
    for path in fillers.iterdir():
        path.unlink()
    assert world.set(offline(world, world.read("D1"), 43, "D1")).units[0].drives == {"D1": "done"}
    assert world.left() == []


@pytest.mark.parametrize("most", [0, 60, 200, 600])
def test_a_write_that_fails_leaves_no_record_in_part(world: World, most: int) -> None:
    """The same without a mount, for every user: files may not become larger than this."""
    assert world.set(offline(world, world.read("D1"), 42, "D1")).units[0].drives == {"D1": "done"}
    subprocess.run([world.app, "online", "D1"], check=True, capture_output=True)
    reading = world.read("D1")
    assert world.left() == []

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    # SIGXFSZ stays ignored, so that the write fails: it would end the shell.
    result = world.set(offline(world, reading, 43, "D1"), preexec_fn=limited, restore_signals=False)
    assert result.complete
    one = result.units[0]
    if most < 300:
        assert one.drives == {"D1": "unwritable"}
        assert world.states()["D1"] == "online"
        assert world.record("D1") == record("D1", 42)
    else:
        # The record fits, and what looks whether there is room does not.
        assert one.drives == {"D1": "unfinished"}
        assert world.record("D1") == record("D1", 43, "intent")
    assert world.left() == []
    assert world.set(offline(world, world.read("D1"), 44, "D1")).units[0].drives == {"D1": "done"}


def test_a_step_that_a_failing_write_kills_has_done_nothing_or_left_its_intent(world: World) -> None:
    assert world.set(Unit([item("ADMIN", None, 1)])).units[0].drives == {"ADMIN": "done"}
    for most in (0, 60, 200, 600):
        nonce = next(NONCES)
        unit = offline(world, world.read("D1"), 42, "D1")

        def limited(most: int = most) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        done = subprocess.run(
            world.argv(world.line(unit, nonce=nonce)), capture_output=True, stdin=subprocess.DEVNULL, check=False,
            preexec_fn=limited, timeout=60,
        )
        result = _guarded.parse_set(done.stdout.decode(), nonce, [unit])
        now = world.record("D1")
        if world.states()["D1"] == "offline":
            assert now is not None
            assert now.holds_taken
        assert result.units[0].drives["D1"] in ("not_reached", "unwritable", "unfinished")
    final = world.set(offline(world, world.read("D1"), 44, "D1")).units[0]
    assert final.drives == {"D1": "done"}
    assert world.left() == []
