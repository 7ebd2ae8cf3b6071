# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One table of scenarios for both guarded steps: the one for sh, and the stand-in for that of Windows.

So what the controller makes of them is the same. There is no PowerShell here: that the module does what the stand-in does is
not shown by this.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _guarded, _guarded_windows, _record
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded import Command, ForDrive, Unit, UnitDrive
from ansible_collections.tapeworks.drive_sharing.tests.windows import step

INSTANCE = "nbu_a"
NONCES = (f"w{number:011d}" for number in itertools.count())
APPLICATION = """#!/bin/sh
cd "${0%/*}/drives" || exit 9
verb=$1
shift
case $verb in
show) for one in *; do read -r state <"$one"; echo "$one $state"; done ;;
console) while read -r verb one && [ "$verb" != quit ]; do echo "$verb" >"$one"; echo "$one: $verb"; done ;;
hang) exec sleep 60 ;;
fail) echo "it is not permitted"; exit 3 ;;
much) head -c 300000 /dev/zero | tr "\\\\0" x ;;
junk) printf '\\377\\376\\n' ;;
*) for one in "$@"; do echo "$verb" >"$one"; done; echo "set to $verb" ;;
esac
"""


class Kind:
    """One of the two steps, and where its files are."""

    step: ModuleType
    directory: str

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "drives").mkdir(parents=True)
        for drive in ("D1", "D2"):
            (root / "drives" / drive).write_text("online\n")
        self.app = str(root / "app")
        Path(self.app).write_text(APPLICATION)
        Path(self.app).chmod(0o755)

    @property
    def instance(self) -> Path:
        """The directory of the records."""
        raise NotImplementedError

    def execute(self, request: str) -> str:
        raise NotImplementedError

    @contextmanager
    def locked(self, drive: str) -> Iterator[int]:
        """Have a process that is alive hold the lock of a drive; give its number."""
        yield from ()

    def unwritable(self) -> None:
        """Have the directory of the instance be one that nothing can be written to."""
        self.instance.parent.mkdir(parents=True, exist_ok=True)
        self.instance.write_text("a file in place of the directory\n")

    def read(self, *drives: str, queries: list[Any] | None = None, seconds: int = 5) -> _guarded.Reading:
        nonce = next(NONCES)
        asked = [[self.app, "show"]] if queries is None else queries
        request = self.step.read_command(self.directory, INSTANCE, drives, asked, seconds, nonce, "/bin/sh")
        return self.step.parse_read(self.execute(request), nonce, drives, asked)

    def set(self, *units: Unit, seconds: int = 5, deadline: int | None = None) -> _guarded.SetReading:
        nonce = next(NONCES)
        request = self.step.set_command(self.directory, INSTANCE, units, seconds, deadline, nonce, "/bin/sh")
        return self.step.parse_set(self.execute(request), nonce, units)

    def list(self) -> _guarded.Listing:
        nonce = next(NONCES)
        return self.step.parse_list(self.execute(self.step.list_command(self.directory, nonce, "/bin/sh")), nonce)

    def record(self, drive: str) -> _record.Record | None:
        path = self.instance / drive
        return _record.parse(path.read_text() if path.exists() else None)

    def states(self) -> dict[str, str]:
        return {path.name: path.read_text().strip() for path in (self.root / "drives").iterdir()}


class Shell(Kind):
    step = _guarded

    @property
    def directory(self) -> str:  # type: ignore[override]
        return str(self.root / "state")

    @property
    def instance(self) -> Path:
        return self.root / "state" / INSTANCE

    def execute(self, request: str) -> str:
        done = subprocess.run(["sh", "-c", request], capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode("utf-8", "replace")

    @contextmanager
    def locked(self, drive: str) -> Iterator[int]:
        lock = self.instance / ".lock" / drive
        lock.parent.mkdir(parents=True, exist_ok=True)
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        started = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()[19]
        lock.write_text(f"{os.getpid()} {boot} {started} other.{os.getpid()}.{started}\n")
        yield os.getpid()
        lock.unlink()


class Windows(Kind):
    step = _guarded_windows
    directory = r"C:\ProgramData\drive_sharing"

    @property
    def instance(self) -> Path:
        return self.root / "windows" / "ProgramData" / "drive_sharing" / INSTANCE

    def execute(self, request: str) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WINDOWS_ROOT", str(self.root / "windows"))
            return json.dumps(step.answer(json.loads(request)))

    @contextmanager
    def locked(self, drive: str) -> Iterator[int]:
        path = self.instance / ".lock" / drive
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as lock:
            lock.write(str(os.getpid()))
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield os.getpid()


@pytest.fixture(params=[Shell, Windows], ids=["sh", "windows"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    made: Kind = request.param(tmp_path)
    return made


def record(drive: str, sequence: int, phase: str = "done", **more: Any) -> str:
    fields = {"target": "offline", "was": "online", "taken": True, "reason": f"reserved, change {sequence}", **more}
    return _record.format(_record.Record(site="here", drive=drive, instance=INSTANCE, sequence=sequence, phase=phase, **fields))


def item(drive: str, expected: str | None, sequence: int) -> UnitDrive:
    return UnitDrive(drive, expected, sequence, intent=record(drive, sequence, "intent"), done=record(drive, sequence))


def offline(kind: Kind, reading: _guarded.Reading, sequence: int, *drives: str) -> Unit:
    return Unit(
        [item(drive, reading.records[drive], sequence) for drive in drives],
        [Command([kind.app, "offline", *(ForDrive(drive, drive) for drive in drives)])], [[kind.app, "show"]],
    )


def outcomes(result: _guarded.SetReading) -> list[dict[str, str]]:
    return [unit.drives for unit in result.units]


def test_what_was_never_set_has_no_record(kind: Kind) -> None:
    reading = kind.read("D1", "D2")
    assert reading.complete
    assert reading.records == {"D1": None, "D2": None}
    assert [(answer.rc, answer.output) for answer in reading.answers] == [(0, "D1 online\nD2 online\n")]
    assert reading.clock is not None
    assert abs(reading.clock - time.time()) < 60


def test_a_set_writes_intent_and_last_record_and_asks_again(kind: Kind) -> None:
    result = kind.set(offline(kind, kind.read("D1", "D2"), 5, "D1", "D2"))
    assert result.complete
    assert outcomes(result) == [{"D1": "done", "D2": "done"}]
    assert [(answer.rc, answer.output) for answer in result.units[0].commands] == [(0, "set to offline\n")]
    assert result.units[0].answers[0].output == "D1 offline\nD2 offline\n"
    for drive in ("D1", "D2"):
        found = kind.record(drive)
        assert found
        assert (found.sequence, found.phase, found.taken) == (5, "done", True)


def test_the_next_step_expects_what_the_last_one_wrote(kind: Kind) -> None:
    first = kind.set(offline(kind, kind.read("D1"), 5, "D1"))
    after = kind.read("D1").records["D1"]
    assert after == first.units[0].records["D1"]
    assert getattr(after, "stamp", None) == getattr(first.units[0].records["D1"], "stamp", None)
    assert getattr(after, "stamp", None)
    second = Unit([item("D1", first.units[0].records["D1"], 6)], [Command([kind.app, "online", "D1"])], [])
    assert outcomes(kind.set(second)) == [{"D1": "done"}]
    assert kind.states()["D1"] == "online"


def test_a_record_that_has_changed_since_is_left_alone(kind: Kind) -> None:
    before = kind.read("D1")
    kind.set(offline(kind, before, 5, "D1"))
    result = kind.set(Unit([item("D1", before.records["D1"], 5)], [Command([kind.app, "online", "D1"])], []))
    assert outcomes(result) == [{"D1": "changed"}]
    assert [answer.rc for answer in result.units[0].commands] == [None]
    assert kind.states()["D1"] == "offline"


def test_the_same_text_that_another_step_wrote_is_a_change_too(kind: Kind) -> None:
    kind.set(offline(kind, kind.read("D1"), 5, "D1"))
    before = kind.read("D1")
    kind.set(offline(kind, before, 5, "D1"))
    assert outcomes(kind.set(offline(kind, before, 5, "D1"))) == [{"D1": "changed"}]


def test_a_newer_record_is_not_overwritten(kind: Kind) -> None:
    before = kind.read("D1")
    kind.set(offline(kind, before, 10**19 + 7, "D1"))
    result = kind.set(Unit([item("D1", before.records["D1"], 10**19 + 6)], [Command([kind.app, "online", "D1"])], []))
    assert outcomes(result) == [{"D1": "superseded"}]
    assert result.units[0].messages == ["The record of drive D1 is of a newer change; nothing was done."]
    found = kind.record("D1")
    assert found
    assert found.sequence == 10**19 + 7


def test_a_deadline_that_is_over_stops_the_step(kind: Kind) -> None:
    reading = kind.read("D1")
    assert reading.clock is not None
    result = kind.set(offline(kind, reading, 5, "D1"), deadline=reading.clock - 1)
    assert outcomes(result) == [{"D1": "late"}]
    assert kind.record("D1") is None
    assert kind.states()["D1"] == "online"
    assert outcomes(kind.set(offline(kind, reading, 5, "D1"), deadline=reading.clock + 60)) == [{"D1": "done"}]


def test_a_drive_that_another_step_is_at_work_on_is_left_out(kind: Kind) -> None:
    reading = kind.read("D1", "D2")
    with kind.locked("D2") as owner:
        result = kind.set(offline(kind, reading, 5, "D1", "D2"), seconds=2)
    assert outcomes(result) == [{"D1": "done", "D2": "locked"}]
    assert result.units[0].messages == [f"Drive D2 is locked by process {owner} of the host; nothing was done."]
    # Its word was left out of the command.
    assert kind.states() == {"D1": "offline", "D2": "online"}


def test_without_any_of_its_drives_a_command_is_not_run(kind: Kind) -> None:
    reading = kind.read("D1")
    with kind.locked("D1"):
        result = kind.set(offline(kind, reading, 5, "D1"), seconds=2)
    assert outcomes(result) == [{"D1": "locked"}]
    assert [(answer.rc, answer.timed_out) for answer in result.units[0].commands] == [(None, False)]


def test_a_lock_is_waited_for(kind: Kind) -> None:
    reading = kind.read("D1")
    result: list[_guarded.SetReading] = []
    with kind.locked("D1"):
        thread = threading.Thread(target=lambda: result.append(kind.set(offline(kind, reading, 5, "D1"), seconds=40)))
        thread.start()
        thread.join(0.5)
        assert not result
    thread.join()
    assert outcomes(result[0]) == [{"D1": "done"}]


def test_a_drive_that_is_being_set_while_it_is_read_fits_no_later_step(kind: Kind) -> None:
    kind.set(offline(kind, kind.read("D1"), 5, "D1"))
    with kind.locked("D1") as owner:
        reading = kind.read("D1")
    assert reading.busy == {"D1": str(owner)}
    assert reading.complete
    assert outcomes(kind.set(offline(kind, reading, 6, "D1"))) == [{"D1": "changed"}]


def test_a_command_that_fails_is_told_and_the_query_decides(kind: Kind) -> None:
    unit = replace(offline(kind, kind.read("D1"), 5, "D1"), commands=[Command([kind.app, "fail"])])
    result = kind.set(unit)
    assert outcomes(result) == [{"D1": "done"}]
    assert [(answer.rc, answer.output) for answer in result.units[0].commands] == [(3, "it is not permitted\n")]
    assert "D1 online" in result.units[0].answers[0].output


def test_a_command_that_is_not_there_is_told(kind: Kind) -> None:
    unit = replace(offline(kind, kind.read("D1"), 5, "D1"), commands=[Command([f"{kind.app}_missing"])])
    (answer,) = kind.set(unit).units[0].commands
    assert answer.rc == 127
    assert "_missing" in answer.output


def test_a_command_that_hangs_is_ended_and_its_record_stays_the_intent(kind: Kind) -> None:
    unit = replace(offline(kind, kind.read("D1"), 5, "D1"), commands=[Command([kind.app, "hang"])])
    result = kind.set(unit, seconds=1)
    assert outcomes(result) == [{"D1": "unfinished"}]
    assert result.units[0].messages == [
        "The commands for drive D1 did not end in time and were stopped; its record is the intent."
    ]
    assert result.units[0].commands[0].timed_out
    # The query was not begun any more.
    assert [(answer.rc, answer.timed_out) for answer in result.units[0].answers] == [(None, True)]
    found = kind.record("D1")
    assert found
    assert (found.phase, found.holds_taken) == ("intent", True)
    # The lock is free again.
    assert outcomes(kind.set(offline(kind, kind.read("D1"), 6, "D1"))) == [{"D1": "done"}]


def test_the_time_of_one_unit_is_not_taken_from_the_next(kind: Kind) -> None:
    reading = kind.read("D1", "D2")
    hangs = replace(offline(kind, reading, 5, "D1"), commands=[Command([kind.app, "hang"])])
    result = kind.set(hangs, offline(kind, reading, 5, "D2"), seconds=2)
    assert result.complete
    assert outcomes(result) == [{"D1": "unfinished"}, {"D2": "done"}]


def test_a_query_that_hangs_does_not_take_the_time_of_the_others(kind: Kind) -> None:
    reading = kind.read("D1", queries=[[kind.app, "hang"], [kind.app, "show"]], seconds=1)
    assert reading.complete
    assert [answer.timed_out for answer in reading.answers] == [True, False]
    assert reading.answers[1].output == "D1 online\nD2 online\n"


def test_a_record_alone_is_written_without_a_command(kind: Kind) -> None:
    kind.set(offline(kind, kind.read("D1"), 5, "D1"))
    given_back = UnitDrive("D1", kind.read("D1").records["D1"], 6, None, record("D1", 6, target="none", taken=False))
    assert outcomes(kind.set(Unit([given_back]))) == [{"D1": "done"}]
    found = kind.record("D1")
    assert found
    assert (found.sequence, found.taken) == (6, False)


def test_a_command_reads_its_lines(kind: Kind) -> None:
    lines = [ForDrive("D1", "offline D1"), ForDrive("D2", "offline D2"), "quit"]
    unit = replace(offline(kind, kind.read("D1", "D2"), 5, "D1", "D2"), commands=[Command([kind.app, "console"], lines)])
    with kind.locked("D2"):
        result = kind.set(unit, seconds=2)
    assert outcomes(result) == [{"D1": "done", "D2": "locked"}]
    assert result.units[0].commands[0].output == "D1: offline\n"


def test_too_much_output_is_cut_and_junk_is_no_harm(kind: Kind) -> None:
    much, junk = kind.read("D1", queries=[[kind.app, "much"], [kind.app, "junk"]]).answers
    assert (much.rc, much.truncated, len(much.output)) == (0, True, 262_144)
    assert (junk.rc, junk.truncated) == (0, False)


def test_where_nothing_can_be_written_nothing_is_run(kind: Kind) -> None:
    kind.unwritable()
    result = kind.set(replace(offline(kind, kind.read("D1"), 5, "D1")))
    assert outcomes(result) == [{"D1": "unwritable"}]
    assert kind.states()["D1"] == "online"


def test_all_records_of_a_host_are_listed(kind: Kind) -> None:
    assert kind.list() == _guarded.Listing(complete=True)
    kind.set(offline(kind, kind.read("D1", "D2"), 5, "D1", "D2"))
    (kind.instance / "no name").write_text("x\n")
    (kind.instance / "BIG").write_text("x" * 20_000)
    listing = kind.list()
    assert listing.complete
    assert [(instance, drive, text[:25]) for instance, drive, text in listing.records] == [
        (INSTANCE, "BIG", "(it cannot be read)"),
        (INSTANCE, "D1", "00000000000000000005 done"), (INSTANCE, "D2", "00000000000000000005 done"),
    ]


def test_a_file_that_is_no_record_fits_no_step(kind: Kind) -> None:
    before = kind.read("D1")
    kind.instance.mkdir(parents=True, exist_ok=True)
    (kind.instance / "D1").write_text("rubbish\nand more\n")
    reading = kind.read("D1")
    assert str(reading.records["D1"]) == "rubbish (and more lines)"
    assert outcomes(kind.set(offline(kind, before, 5, "D1"))) == [{"D1": "changed"}]
    with pytest.raises(InvalidValueError, match="The expected record of drive D1"):
        kind.set(offline(kind, reading, 5, "D1"))


REFUSED: dict[str, Callable[[Kind], object]] = {
    "a unit without drives": lambda kind: kind.set(Unit([])),
    "a drive twice": lambda kind: kind.set(Unit([item("D1", None, 5), item("D1", None, 5)])),
    "a command without an intent": lambda kind: kind.set(Unit([UnitDrive("D1", None, 5)], [Command(["a"])])),
    "a part for another drive": lambda kind: kind.set(Unit([item("D1", None, 5)], [Command(["a", ForDrive("D2", "x")])])),
    "a name that is none": lambda kind: kind.read("../D1"),
    "a program that is an option": lambda kind: kind.read("D1", queries=[["-c", "x"]]),
    "a line of two": lambda kind: kind.read("D1", queries=[Command(["a"], ["b\nc"])]),
    "a number that is too large": lambda kind: kind.set(Unit([UnitDrive("D1", None, 10**20)])),
    "no time": lambda kind: kind.read("D1", seconds=0),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(kind: Kind, call: Callable[[Kind], object]) -> None:
    kind.execute = lambda request: pytest.fail("it was sent")  # type: ignore[method-assign]
    with pytest.raises(InvalidValueError):
        call(kind)


def test_an_answer_that_is_cut_off_is_not_whole(kind: Kind) -> None:
    reading = kind.read("D1")
    whole = kind.execute
    kind.execute = lambda request: whole(request)[:-40]  # type: ignore[method-assign]
    result = kind.set(offline(kind, reading, 5, "D1"))
    assert not result.complete
    assert result.problem
    assert outcomes(result)[0]["D1"] in ("done", "unfinished")
