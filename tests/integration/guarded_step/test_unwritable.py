# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a guarded step does where nothing can be written or read."""

from __future__ import annotations

import contextlib
import os
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


def test_a_full_file_system_stops_it_before_any_command(small_disk: World) -> None:
    world = small_disk
    assert world.set(offline(world, world.read("D1"), 42, "D1")).units[0].drives == {"D1": "done"}
    subprocess.run([world.app, "online", "D1"], check=True, capture_output=True)
    reading = world.read("D1")
    # What the last step removes in the background would make room again.
    assert world.left() == []
    filler = world.root / "disk" / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 512)
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
    filler = world.root / "disk" / "filler"
    # The intent still fits, the lines do not.
    words = ["dd", "if=/dev/zero", f"of={filler}", "bs=512"]
    console = Command([world.app, "console"], ["offline D1", *(f"offline {number:090d}" for number in range(100)), "quit"])
    result = world.set(Unit([item("D1", None, 42)], [Command(words), console], [["echo", "query"]]))
    assert result.units[0].drives == {"D1": "unfinished"}
    assert result.units[0].messages == [
        "A command for drive D1 was not started, because the lines for it could not be written (disk full?);"
        " its record is the intent."
    ]
    assert result.units[0].commands[1] == _guarded.CommandAnswer()
    assert world.states() == {"D1": "online", "D2": "online", "ADMIN": "offline"}
    assert world.left() == []
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 512)
    # Just room for the step to begin.
    os.truncate(filler, filler.stat().st_size - 4096)
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
