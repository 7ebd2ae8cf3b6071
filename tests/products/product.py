# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all fake products share: state in a file, behaviours, a log of every call; see README.md in this folder.

A fake is a class with the product's programs. A test makes one with the directory of its state and talks to it by the
methods below; the product's programs are started by whoever finds them in PATH and find the same state. Nothing but
Python's standard library is used, so that a call takes some 30 ms.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

START = Path(__file__).resolve().parent / "start.py"
#: What a test can tell a product to do; the words after it belong to it.
BEHAVIOURS = ("refuse", "hang", "lie", "junk", "down", "denied", "columns", "slow", "late", "deny")
#: Which calls a behaviour is for.
CALLS = ("all", "query", "set")
#: Seconds after which a fake that hangs ends by itself, so that none is left behind.
LONGEST = 120.0


@dataclass(frozen=True)
class Call:
    """A call of one of the product's programs, as it found itself."""

    program: str
    words: tuple[str, ...]
    lines: tuple[str, ...]
    sets: bool
    environment: Mapping[str, str]

    @property
    def text(self) -> str:
        """The command line as a person would have typed it."""
        return shlex.join([self.program, *self.words])


class UsageError(Exception):
    """The product does not understand what it was told: its own text, and the exit status."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.text, self.status = text, status


class Product:
    """A fake product. Subclasses have ``PROGRAMS``, ``sets``, ``run`` and the texts of its failures.

    ``state`` is ``{"drives": [...]}``; each entry is one name under which the product knows a drive:
    ``{name, library, serial, device, host, online, job, conflict}`` and whatever the product has besides.
    """

    #: The names of its programs, as they are found in PATH.
    PROGRAMS: ClassVar[tuple[str, ...]] = ()
    #: What its programs read from standard input, if they are dialogues.
    DIALOGUES: ClassVar[tuple[str, ...]] = ()
    #: Library of a drive that is added without one.
    LIBRARY: ClassVar[str] = "LIB1"

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory)
        self._file = self.directory / "state.json"
        self._behaviours = self.directory / "behaviours.json"
        self._calls = self.directory / "calls.jsonl"

    # What a product has of its own

    def name(self, number: int) -> str:
        """A name as the product's administrators give them; number counts from 0."""
        return f"DRIVE{number + 1:02}"

    def name_like(self, name: str) -> str:
        """Another name that holds this one, so that whoever looks for a part of it finds both."""
        return f"{name}2"

    def sets(self, program: str, words: Sequence[str], lines: Sequence[str]) -> bool:
        """Say whether a call sets something; all others are queries."""
        raise NotImplementedError

    def run(self, program: str, words: Sequence[str], lines: Sequence[str]) -> int:
        """Do what the program does; print what it prints, give its exit status, raise UsageError for what it does not know."""
        raise NotImplementedError

    def refused(self, call: Call) -> int:
        """Print the product's own words for a command that it does not carry out, and give its exit status."""
        raise NotImplementedError

    def is_down(self, call: Call) -> int:
        """Print what the program prints while its server is not there, and give its exit status."""
        raise NotImplementedError

    def is_denied(self, call: Call) -> int:
        """Print what the program prints if the credentials are wrong, and give its exit status."""
        raise NotImplementedError

    # What a test does

    def install(self, bin_directory: Path, host: str = "") -> None:
        """Make the product's programs, and an empty state; they find the host that they are on in ``self.host``."""
        bin_directory.mkdir(parents=True, exist_ok=True)
        self.directory.mkdir(parents=True, exist_ok=True)
        if not self._file.exists():
            self._file.write_text(json.dumps({"drives": []}), encoding="utf-8")
        source = Path(sys.modules[type(self).__module__].__file__ or "").resolve()
        for program in self.PROGRAMS:
            path = bin_directory / program
            words = [sys.executable, "-I", "-S", str(START), str(source), program]
            path.write_text(
                f"#!/bin/sh\nPRODUCT_STATE={shlex.quote(str(self.directory))} PRODUCT_HOST={shlex.quote(host)}\n"
                "export PRODUCT_STATE PRODUCT_HOST\n"
                f'exec {shlex.join(words)} "$@"\n',
                encoding="utf-8",
            )
            path.chmod(0o755)

    def add(self, serial: str, name: str = "", **more: Any) -> str:
        """Make a drive known to the product, online; give its name. A serial number may be added under several."""
        with self.change() as state:
            name = name or self.name(len(state["drives"]))
            state["drives"].append({
                "name": name, "library": self.LIBRARY, "serial": serial, "device": "", "host": "", "online": True,
                "job": "", "conflict": False, **more,
            })  # fmt: skip
        return name

    def update(self, serial: str, **more: Any) -> None:
        """Change what the product knows of a drive, under all its names."""
        with self.change() as state:
            for drive in state["drives"]:
                if drive["serial"] == serial:
                    drive.update(more)

    def forget(self, serial: str) -> None:
        """Have the product know a drive no more."""
        with self.change() as state:
            state["drives"] = [drive for drive in state["drives"] if drive["serial"] != serial]

    def administrator(self, serial: str, state: str) -> None:
        """Set a drive as an administrator of the product does."""
        self.update(serial, online=state == "online", conflict=False)

    def lost_race(self, serial: str) -> None:
        """The product met the reservation before we came: it sets the drive offline, and shows what it shows of that."""
        self.update(serial, online=False, conflict=True)

    def job(self, serial: str, job: str = "job 4711") -> None:
        """Have a job run on a drive; "" ends it."""
        self.update(serial, job=job)

    def states(self, serial: str) -> tuple[str, ...]:
        """The truth: the state of a drive under each of its names."""
        return tuple("online" if one["online"] else "offline" for one in self.drives() if one["serial"] == serial)

    def behave(self, behaviour: str = "", *words: Any, on: str = "all") -> None:
        """Have the product behave otherwise from now on; without a behaviour it obeys again.

        ``refuse``: say no, change nothing; ``deny``: obey, and say no; ``lie``: say yes, change nothing; ``hang``: no answer
        while it is told so; ``slow SECONDS``; ``late SECONDS``: say yes, and change it then; ``junk MEGABYTES``; ``down`` and
        ``denied``: its server is gone, the credentials are wrong; ``columns``: print as another version does.
        """
        assert behaviour in ("", *BEHAVIOURS), behaviour
        assert on in CALLS
        new = self._behaviours.with_suffix(".new")
        new.write_text(json.dumps({"behaviour": behaviour, "words": words, "on": on}), encoding="utf-8")
        new.replace(self._behaviours)

    def calls(self) -> list[Call]:
        """Every call so far."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            for line in self._calls.read_text(encoding="utf-8").splitlines():
                one = json.loads(line)
                found.append(
                    Call(one["program"], tuple(one["words"]), tuple(one["lines"]), one["sets"], one["environment"])
                )
        return found

    def forget_calls(self) -> None:
        """Count anew."""
        self._calls.unlink(missing_ok=True)

    # What both sides do

    def drives(self) -> list[dict[str, Any]]:
        """What the product knows of drives, one entry for each name."""
        state = json.loads(self._file.read_text(encoding="utf-8"))
        return list(state["drives"])

    def state(self) -> dict[str, Any]:
        """All that the product knows."""
        return dict(json.loads(self._file.read_text(encoding="utf-8")))

    @contextlib.contextmanager
    def change(self) -> Iterator[dict[str, Any]]:
        """Read, change and write the state; nobody else does so meanwhile. A product that lies writes nothing."""
        with (self.directory / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = json.loads(self._file.read_text(encoding="utf-8"))
            yield state
            if self._lies:
                return
            new = self._file.with_suffix(".new")
            new.write_text(json.dumps(state, indent=1), encoding="utf-8")
            new.replace(self._file)

    # What the programs do

    #: Set in the program's process while it only says that it changes something.
    _lies = False
    _behaviour: tuple[str, list[Any]] = ("", [])

    @property
    def host(self) -> str:
        """The host that the program runs on."""
        return os.environ.get("PRODUCT_HOST", "")

    @property
    def other_columns(self) -> bool:
        """Whether the program is to print as another version does."""
        return self._behaviour[0] == "columns"

    def main(self, program: str, words: Sequence[str], given: Sequence[str] | None = None) -> int:
        """Be one of the product's programs; ``given``: the lines of standard input, for who calls it without a process."""
        lines: tuple[str, ...] = tuple(given or ())
        if given is None and program in self.DIALOGUES:
            lines = tuple(sys.stdin.buffer.read().decode("utf-8", "replace").splitlines())
        call = Call(program, tuple(words), lines, self.sets(program, words, lines), dict(os.environ))
        self._log(call)
        self._behaviour = self._behaviour_of(call)
        try:
            status = self._act(call)
        except UsageError as exc:
            print(exc.text)
            status = exc.status
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()
        return status

    def _act(self, call: Call) -> int:
        behaviour, more = self._behaviour
        if behaviour == "hang":
            end = time.monotonic() + LONGEST
            while self._behaviour_of(call)[0] == "hang" and time.monotonic() < end:
                time.sleep(0.2)
            return 1
        if behaviour == "down":
            return self.is_down(call)
        if behaviour == "denied":
            return self.is_denied(call)
        if behaviour == "refuse":
            return self.refused(call)
        if behaviour == "junk":
            return _junk(more[0] if more else 0)
        if behaviour == "slow":
            time.sleep(float(more[0]))
        if behaviour == "late":
            return self._late(call, float(more[0]))
        self._lies = behaviour == "lie" and call.sets
        status = self.run(call.program, call.words, call.lines)
        return self.refused(call) if behaviour == "deny" else status

    def _late(self, call: Call, seconds: float) -> int:
        """Say yes now, and do it later, in a process that nobody waits for."""
        if os.fork() == 0:
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nothing, number)
            os.setsid()
            time.sleep(seconds)
            self.run(call.program, call.words, call.lines)
            os._exit(0)
        self._lies = True
        return self.run(call.program, call.words, call.lines)

    def _behaviour_of(self, call: Call) -> tuple[str, list[Any]]:
        try:
            told = json.loads(self._behaviours.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return "", []
        applies = told["on"] == "all" or (told["on"] == "set") == call.sets
        return (told["behaviour"], told["words"]) if applies else ("", [])

    def _log(self, call: Call) -> None:
        line = json.dumps({
            "program": call.program, "words": call.words, "lines": call.lines, "sets": call.sets,
            "environment": dict(call.environment),
        })  # fmt: skip
        with self._calls.open("a", encoding="utf-8") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            log.write(line + "\n")


def find(module: ModuleType) -> Product:
    """Make the product of a file, with the state that the environment names."""
    (kind,) = (
        one for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Product) and one.__module__ == module.__name__ and one.PROGRAMS
    )
    return kind(os.environ["PRODUCT_STATE"])


def _junk(megabytes: float) -> int:
    """Print what no product prints: control characters, templates, bytes that are no text, and a lot of it."""
    line = b"\033[2J{{ 7 * 7 }} {% raw %} \001\377\200 $(reboot) \xe2\x80\xae online\n"
    out = sys.stdout.buffer
    with contextlib.suppress(BrokenPipeError):
        out.write(line)
        for _number in range(int(megabytes * 1_000_000 / 65536)):
            out.write(line * (65536 // len(line)))
        out.flush()
    return 0
