# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The listing of all records of a host."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _guarded, _record
from ansible_collections.tapeworks.drive_sharing.tests.integration.guarded_step.test_unwritable import (
    other_user,
    passable,
)
from ansible_collections.tapeworks.drive_sharing.tests.integration.guarded_step.world import (
    INSTANCE,
    NONCES,
    World,
    offline,
    record,
)

UNREADABLE = "(it cannot be read)"


def listed(world: World, directory: str | None = None, **more: object) -> _guarded.Listing:
    nonce = next(NONCES)
    line = _guarded.list_command(directory or str(world.directory), nonce, world.shell)
    return _guarded.parse_list(world.execute(line, **more), nonce)


def tree(root: Path) -> list[tuple[str, int, int]]:
    """All files below it, with what changes when somebody writes."""
    return sorted((str(path), path.lstat().st_mtime_ns, path.lstat().st_size) for path in [root, *root.rglob("*")])


def test_every_record_of_every_instance_is_listed(world: World) -> None:
    result = world.set(offline(world, world.read("D1", "D2"), 42, "D1", "D2"))
    assert world.left() == []
    other = world.directory / "sp:a.b-c"
    other.mkdir()
    text = _record.format(record("D3", 7, "intent"))
    (other / "D3").write_text(f"{text} #a.1.2\n")
    before = tree(world.root)

    got = listed(world)

    assert (got.complete, got.problem) == (True, None)
    assert got.records == [(INSTANCE, drive, result.units[0].records[drive]) for drive in ("D1", "D2")] + [
        ("sp:a.b-c", "D3", text)
    ]
    assert [one[2].stamp for one in got.records][2] == "a.1.2"
    assert [_record.parse(one[2]) for one in got.records][:2] == [record("D1", 42), record("D2", 42)]
    assert tree(world.root) == before
    # What is listed is what a step expects.
    assert world.set(offline(world, _guarded.Reading(records={"D1": got.records[0][2]}), 43, "D1")).units[0].drives == {
        "D1": "done"
    }


def test_what_is_no_record_is_listed_as_it_is_and_what_cannot_be_one_is_not(world: World) -> None:
    place = world.instance
    (place / ".lock").mkdir(parents=True)
    (place / ".run").mkdir()
    for name in (".lock/D1", ".run/x.1.2.me", ".hidden", "a b", "x~", "-n", "*", "ü", "new\nline", "..."):
        (place / name).write_text("no record\n")
    (place / "DIRECTORY").mkdir()
    os.mkfifo(place / "FIFO")
    (place / "DANGLING").symlink_to("nowhere")
    (place / "EMPTY").touch()
    (place / "BYTES").write_bytes(bytes(range(1, 256)))
    (place / "LINES").write_text("one\ntwo\nthree\n")
    (place / "README").write_text("  $(id) `id` * \\n %s\n")
    (place / "LARGE").write_bytes(b"x" * 20_000)
    (place / "HUGE").touch()
    os.truncate(place / "HUGE", 1 << 40)
    (world.directory / "FILE").write_text("no instance\n")
    for name in ("lost+found", ".hidden", "-x", "a b", "none"):
        (world.directory / name).mkdir()
        if name != "none":
            (world.directory / name / "D9").write_text("no record\n")

    got = listed(world)

    assert (got.complete, got.problem) == (True, None)
    found = {drive: str(text) for instance, drive, text in got.records if instance == INSTANCE}
    assert len(found) == len(got.records)
    assert sorted(found) == ["BYTES", "EMPTY", "HUGE", "LARGE", "LINES", "README"]
    assert (found["EMPTY"], found["HUGE"], found["LARGE"]) == ("", UNREADABLE, UNREADABLE)
    assert found["README"] == "  $(id) `id` * \\n %s"
    assert found["LINES"].startswith("one")
    for text in found.values():
        with pytest.raises(_record.InvalidValueError):
            _record.parse(text)


def test_a_record_that_cannot_be_read_is_listed_so(world: World) -> None:
    world.set(offline(world, world.read("D1", "D2"), 42, "D1", "D2"))
    passable(world)
    for path in (world.directory, world.instance):
        path.chmod(0o755)
    (world.instance / "D1").chmod(0o600 if os.geteuid() == 0 else 0o000)
    (world.instance / "D2").chmod(0o644)
    got = listed(world, **other_user())
    assert (got.complete, got.problem) == (True, None)
    assert [one[:2] for one in got.records] == [(INSTANCE, "D1"), (INSTANCE, "D2")]
    assert str(got.records[0][2]) == UNREADABLE
    assert _record.parse(got.records[1][2]) == record("D2", 42)


def test_a_host_without_the_directory_has_no_records(world: World) -> None:
    for directory in (world.directory, world.directory / "not" / "there", world.root / "drives"):
        assert listed(world, str(directory)) == _guarded.Listing(complete=True)
    assert listed(world, f"{world.directory}/") == _guarded.Listing(complete=True)
    assert listed(world, f"/no-such-directory-{os.getpid()}") == _guarded.Listing(complete=True)
    assert not world.directory.exists()


def test_a_directory_that_cannot_be_seen_is_not_taken_for_an_empty_one(world: World) -> None:
    world.set(offline(world, world.read("D1"), 42, "D1"))
    passable(world)
    hidden = world.instance if os.geteuid() == 0 else world.directory / "hidden"
    hidden.mkdir(exist_ok=True)
    other = world.directory / "other"
    other.mkdir()
    (other / "D2").write_text(f"{_record.format(record('D2', 1))}\n")
    for path in (world.directory, other):
        path.chmod(0o755)
    (other / "D2").chmod(0o644)

    for mode in (0o000, 0o711, 0o744):
        hidden.chmod(mode)
        got = listed(world, **other_user())
        assert not got.complete
        assert hidden.name in str(got.problem)
        assert str(got.problem).startswith("Not all records of the host can be read: ")
        assert ("other", "D2") in [one[:2] for one in got.records]
    for mode in (0o711, 0o000):
        world.directory.chmod(mode)
        got = listed(world, **other_user())
        assert not got.complete
        assert got.records == []
        assert str(world.directory) in str(got.problem)
    got = listed(world, str(world.directory / "deeper" / "still"), **other_user())
    assert got.problem == f"Not all records of the host can be read: {world.directory} cannot be searched; nothing was done."
    world.directory.chmod(0o755)
    hidden.chmod(0o755)


def test_a_directory_that_is_none_is_not_taken_for_an_empty_one(world: World) -> None:
    world.directory.symlink_to(world.root / "not_mounted")
    for directory in (world.directory, world.directory / "x"):
        assert "is not a directory" in str(listed(world, str(directory)).problem)
    world.directory.unlink()
    world.directory.write_text("")
    assert "is not a directory" in str(listed(world).problem)


@pytest.mark.parametrize("program", ["#!/bin/sh\nexec busybox find \"$@\"\n", "#!/bin/sh\nexit 127\n"], ids=["busybox", "none"])
def test_another_find_is_as_good_and_none_is_said(world: World, tmp_path: Path, program: str, paths: dict[str, str]) -> None:
    if "busybox" in program and "busybox" not in paths:
        pytest.skip("busybox is not installed")
    world.set(offline(world, world.read("D1"), 42, "D1"))
    (world.instance / "LARGE").write_bytes(b"x" * 20_000)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "find").write_text(program)
    (tmp_path / "bin" / "find").chmod(0o755)
    got = listed(world, env={"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"})
    assert got.complete == ("busybox" in program)
    found = {drive: text for _instance, drive, text in got.records}
    assert _record.parse(found["D1"]) == record("D1", 42)
    if got.complete:
        assert found["LARGE"] == UNREADABLE


@pytest.fixture(scope="module")
def ten_thousand(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, str]]]:
    directory = tmp_path_factory.mktemp("ten_thousand")
    names = []
    for number in range(20):
        instance = directory / f"instance_{number:02d}"
        instance.mkdir()
        for drive in range(500):
            name = f"13102{drive:05d}"
            (instance / name).write_text(f"{_record.format(record(name, drive))} #9f2c0d5a71e34b68.4711.186402\n")
            names.append((instance.name, name))
    return directory, names


def test_ten_thousand_records_are_listed(world: World, ten_thousand: tuple[Path, list[tuple[str, str]]]) -> None:
    directory, names = ten_thousand
    start = time.monotonic()
    got = listed(world, str(directory))
    print(f"{world.shell}: {time.monotonic() - start:.2f} s")
    assert got.complete
    assert [one[:2] for one in got.records] == names
    assert _record.parse(got.records[-1][2]) == record("1310200499", 499)
