# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three backup servers share the tape drives of one library: play it, show it, and check every step.

After each step every application is asked by its own command, and the library by its own interface. The exit status is 0
if all was as told, 1 if something was not (with the reason), 2 if the story could not be played.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from demo.world import DRIVES, HOSTS, Host, Shown, World, WorldError

FIRST, SECOND = DRIVES
HOST_A, HOST_B, HOST_C = HOSTS
ON, OFF, SILENT = "online", "offline", "no answer"
#: Seconds after which a step is given up; it takes a small part of that.
EXPECTED_WITHIN = 60.0
CONFIRMED = "from the inform to the last confirmation"
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


INTRODUCTION = """\
[bold]Three backup servers share the two tape drives of one library.[/bold]
When a server reserves a drive, the library sends an SNMPv3 inform; the drive is then set offline in the applications of the
other servers, and online again when it is released. Everything runs on this machine, on loopback, and is gone at the end.
Each table shows what every application and the library [italic]answer when they are asked[/italic], by their own means.
"""


class NotAsToldError(Exception):
    """A step ended otherwise than the story tells; one sentence."""


@dataclass
class Expected:
    """What a step has to lead to: the states by host, drive by drive, and what the library says of both drives."""

    states: dict[str, tuple[str, str]]
    holders: tuple[Host | None, Host | None] = (None, None)
    errors: tuple[bool, bool] = (False, False)


@dataclass
class Step:
    """One step as it was played."""

    title: str
    seconds: float | None = None
    measured: str = ""
    said: list[str] = field(default_factory=list)


class Story:
    """Plays the steps in a world, prints what is seen, and keeps the figures."""

    def __init__(self, world: World, console: Console, pause: float = 0.0) -> None:
        self.world = world
        self.console = console
        self.pause = pause
        self.steps: list[Step] = []
        self.now = ""

    # The steps

    def set_the_scene(self, *, send: bool = True) -> None:
        """Start everything; `send` as false: the library leaves the sending to others."""
        self.console.print(INTRODUCTION)
        with self.waiting("The simulated tape library starts"):
            self.world.start_library(send=send)
        with self.waiting("ansible-rulebook starts with the rulebook drive_sharing"):
            self.world.start_engine()
            with self.waiting("Playbook host_facts writes down which server sees which drive"):
                done = self.world.playbook("host_facts")
                self.check(done.returncode == 0, f"playbook host_facts failed: {last_message(done.stdout)}")
            self.world.wait_for_engine()
        step = Step("Three servers see the same two drives; nobody uses them")
        self.show(step, Expected({host.name: (ON, ON) for host in HOSTS}))

    def reserve(self) -> None:
        """A reserves."""
        step = self.change("host_a reserves the first drive", lambda: self.world.reserve(HOST_A, FIRST))
        self.show(
            step,
            Expected({"host_a": (ON, ON), "host_b": (OFF, ON), "host_c": (OFF, ON)}, holders=(HOST_A, None)),
            "The others may not use it any more. The second drive is none of this.",
        )

    def release(self) -> None:
        """A releases."""
        step = self.change("host_a releases it", lambda: self.world.release(HOST_A, FIRST))
        self.show(step, Expected({host.name: (ON, ON) for host in HOSTS}), "Whoever had it taken away has it again.")

    def administrator(self) -> None:
        """An administrator's decision stays his."""
        self.world.administrator(HOST_C, "offline", FIRST)
        step = self.change(
            "An administrator puts host_c's drive offline; then host_b reserves it",
            lambda: self.world.reserve(HOST_B, FIRST),
        )
        states = {"host_a": (OFF, ON), "host_b": (ON, ON), "host_c": (OFF, ON)}
        self.show(step, Expected(states, holders=(HOST_B, None)), "It was offline at host_c, and not by us.")
        step = self.change("host_b releases it", lambda: self.world.release(HOST_B, FIRST))
        step.said.append(self.reported(FIRST, HOST_C))
        self.show(
            step,
            Expected({"host_a": (ON, ON), "host_b": (ON, ON), "host_c": (OFF, ON)}),
            "Only what we took is given back: host_c's drive stays offline until its administrator wants it.",
        )
        self.world.administrator(HOST_C, "online", FIRST)

    def hang(self) -> None:
        """C's application hangs."""
        self.world.behave(HOST_C, "hang")
        step = self.force_error("host_c's application hangs; host_a reserves", HOST_A, FIRST, "host_c")
        states = {"host_a": (ON, ON), "host_b": (OFF, ON), "host_c": (SILENT, SILENT)}
        expected = Expected(states, holders=(HOST_A, None), errors=(True, False))
        self.show(step, expected, "host_c might still use the drive, so nobody may.")
        self.world.behave(HOST_C, "ok")
        step = self.clear("host_c answers again; the error is cleared: what was owed is done", FIRST)
        states = {"host_a": (ON, ON), "host_b": (OFF, ON), "host_c": (OFF, ON)}
        self.show(step, Expected(states, holders=(HOST_A, None)), "host_a still holds the drive.")
        step = self.change("host_a releases it", lambda: self.world.release(HOST_A, FIRST))
        self.show(step, Expected({host.name: (ON, ON) for host in HOSTS}))

    def unreachable(self) -> None:
        """C cannot be reached."""
        with socket.socket() as closed:
            # Bound and not listening: nobody else gets the port, and whoever calls it is refused.
            closed.bind(("127.0.0.1", 0))
            self.world.connect(
                HOST_C, ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=closed.getsockname()[1]
            )
            step = self.force_error("host_c cannot be reached by SSH; host_b reserves", HOST_B, SECOND, "unreachable")
            states = {"host_a": (ON, OFF), "host_b": (ON, ON), "host_c": (ON, ON)}
            expected = Expected(states, holders=(None, HOST_B), errors=(False, True))
            self.show(step, expected, "host_c could not be told, so the drive is kept from everybody.")
        self.world.connect(HOST_C)
        step = self.clear("host_c can be reached again; the error is cleared", SECOND)
        states = {"host_a": (ON, OFF), "host_b": (ON, ON), "host_c": (ON, OFF)}
        self.show(step, Expected(states, holders=(None, HOST_B)))
        step = self.change("host_b releases it", lambda: self.world.release(HOST_B, SECOND))
        self.show(step, Expected({host.name: (ON, ON) for host in HOSTS}), "As it was in the beginning.")

    # What the steps are made of

    def change(self, title: str, do: Callable[[], dict[str, Any]]) -> Step:
        """Let the library tell of a change, and wait until every control point has confirmed it."""
        step = Step(title, measured=CONFIRMED)
        with self.waiting(title):
            inform = do()
            settled: dict[str, Any] = {}

            def confirmed() -> bool:
                settled.update(self.world.drive(inform["drive"]))
                self.check(
                    not settled.get("error_state"), f"the drive's error state came: {settled.get('error_reason')}"
                )
                return (
                    settled.get("status") == inform["status"]
                    and settled["settled"] >= settled["sequence"] > 0
                    and settled["written_at"] >= inform["at"]
                )

            self.world.wait("every control point has confirmed the change", confirmed, EXPECTED_WITHIN)
            step.seconds = self.answered(inform["drive"]) - inform["at"]
        return step

    def answered(self, drive: str) -> float:
        """When the last control point confirmed the drive's newest change."""
        rows = self.world.select(
            "SELECT max(a.answered_at) AS at FROM answers a JOIN drives d ON d.drive = a.drive"
            " WHERE d.drive = ? AND a.sequence = d.sequence AND a.expected = 1 AND a.confirmed = 1",
            drive,
        )
        return float(rows[0]["at"] or 0.0)

    def reported(self, drive: str, host: Host) -> str:
        """Give what was reported of a drive that stays offline, as soon as the play has come to its end."""
        sequence = self.world.drive(drive)["sequence"]
        found: list[dict[str, Any]] = []

        def written() -> bool:
            found[:] = self.world.select(
                "SELECT message FROM history WHERE kind = 'kept' AND drive = ? AND host = ? AND sequence = ?",
                drive,
                host.name,
                sequence,
            )
            return bool(found)

        self.world.wait(f"it is reported that {host.name}'s drive stays offline", written, EXPECTED_WITHIN)
        return str(found[0]["message"])

    def force_error(self, title: str, host: Host, drive: str, word: str) -> Step:
        """Let the library tell of a change that is not confirmed everywhere; the play must say so."""
        step = Step(title, measured="from the inform to the error state")
        with self.waiting(title):
            before = len(self.world.log("engine"))
            inform = self.world.reserve(host, drive)
            self.world.wait(
                "the drive is put into its error state",
                lambda: self.world.drive(drive).get("error_state") == "error",
                EXPECTED_WITHIN,
            )
            step.seconds = self.world.drive(drive)["error_since"] - inform["at"]
            sentences: list[str] = []

            def said() -> bool:
                sentences[:] = [
                    text for text in messages(self.world.log("engine")[before:], "localhost") if drive in text
                ]
                return bool(sentences)

            self.world.wait("the play says in a sentence what happened", said, EXPECTED_WITHIN)
            self.check(word in sentences[0], f"the play's sentence does not say {word}: {sentences[0]}")
            step.said.append(sentences[0])
        return step

    def clear(self, title: str, drive: str) -> Step:
        """Clear the error as a person does, and wait until what was owed is confirmed."""
        step = Step(title, measured="from the end of clear_error to the last confirmation")
        with self.waiting(title):
            done = self.world.playbook("clear_error", "-e", f"drive_sharing_drive={drive}")
            self.check(done.returncode == 0, f"playbook clear_error failed: {last_message(done.stdout)}")
            cleared = time.time()

            def confirmed() -> bool:
                row = self.world.drive(drive)
                return row["error_state"] == "" and row["settled"] >= row["sequence"] and row["due"] is None

            self.world.wait("what was owed is confirmed", confirmed, EXPECTED_WITHIN)
            step.seconds = max(0.0, self.answered(drive) - cleared)
        return step

    def check(self, true: bool, otherwise: str) -> None:
        """Go on only if something is as told."""
        if not true:
            raise NotAsToldError(otherwise)

    # What is seen

    def show(self, step: Step, expected: Expected, remark: str = "") -> None:
        """Ask everybody, print the answers beside what was told, and compare."""
        answers = {host.name: self.world.ask(host) for host in HOSTS}
        drives = {drive["serial"]: drive for drive in self.world.library("GET", "/drives")["drives"]}
        wrong: list[str] = []
        table = Table(title_justify="left", header_style="bold")
        for name in ("asked", f"drive {FIRST}", f"drive {SECOND}", "as told"):
            table.add_column(name, no_wrap=True)
        for host in HOSTS:
            seen = shown_states(answers[host.name])
            told = expected.states[host.name]
            cells = [shown(answers[host.name], drive, state) for drive, state in zip(DRIVES, told, strict=True)]
            table.add_row(host.name, *cells, mark(seen == told))
            if seen != told:
                wrong.append(f"{host.name} has {' and '.join(seen)} instead of {' and '.join(told)}")
        cells, told_all = [], True
        for serial, holder, error in zip(DRIVES, expected.holders, expected.errors, strict=True):
            drive = drives[serial]
            right = drive["error"] is error and drive["holder"] == (holder and holder.holder)
            told_all = told_all and right
            cells.append(library_cell(drive))
            if not right:
                wrong.append(f"the library says of drive {serial}: {library_cell(drive, plain=True)}")
        table.add_row("library_1", *cells, mark(told_all))
        self.steps.append(step)
        number = f"{len(self.steps):2}. "
        figure = "" if step.seconds is None else f"  [cyan]{step.seconds:.2f} s[/cyan] {step.measured}"
        self.console.print(f"[bold]{number}{step.title}[/bold]{figure}")
        self.console.print(table)
        for sentence in step.said:
            self.console.print("    reported: ", end="", style="yellow")
            self.console.print(sentence, markup=False, highlight=False)
        if remark:
            self.console.print(f"    {remark}", style="dim")
        self.console.print()
        self.check(not wrong, "; ".join(wrong))
        time.sleep(self.pause)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show that something is being waited for."""
        self.now = what
        if self.console.is_terminal:
            with self.console.status(f"{what} ..."):
                yield
        else:
            self.console.print(f"    {what} ...", style="dim", highlight=False)
            yield


def shown_states(answer: dict[str, Shown] | None) -> tuple[str, str]:
    """Give the states of both drives, or that there was no answer."""
    if answer is None:
        return SILENT, SILENT
    first, second = (answer[drive].state if drive in answer else "unknown" for drive in DRIVES)
    return first, second


def shown(answer: dict[str, Shown] | None, drive: str, told: str) -> str:
    """Give what an application answered, for a cell, and what it should have been."""
    if answer is None:
        state, name = SILENT, ""
    else:
        state, name = (answer[drive].state, f"{answer[drive].name} ") if drive in answer else ("unknown", "")
    colour = {ON: "green", OFF: "yellow"}.get(state, "red")
    return f"{name}[{colour}]{state}[/{colour}]" + ("" if state == told else f" (told: {told})")


def library_cell(drive: dict[str, Any], *, plain: bool = False) -> str:
    """Give what the library says of a drive."""
    by = {host.port: host.name for host in HOSTS}
    holder = drive["holder"]
    held = f"reserved by {by.get(holder['id'], holder['id'])}" if holder else "free"
    if not drive["error"]:
        return held
    return f"ERROR, {held}" if plain else f"[bold red]ERROR[/bold red], {held}"


def mark(right: bool) -> str:
    """Give the last cell of a row."""
    return "[green]yes[/green]" if right else "[bold red]NO[/bold red]"


def messages(output: str, host: str = r"\S+") -> list[str]:
    """Give the sentences of the tasks that failed, from the output of plays; the engine's pseudo terminal breaks no lines."""
    found = []
    for text in re.findall(rf"fatal: \[{host}\]: FAILED! => (\{{.*)", output):
        try:
            message = json.JSONDecoder().raw_decode(text)[0].get("msg", "")
        except ValueError:
            continue
        found.append(" ".join(str(message).split()))
    return found


def last_message(output: str) -> str:
    """Give why a play failed, or at least its last words."""
    return (messages(output) or [line for line in output.splitlines() if line.strip()] or ["it said nothing"])[-1]


def play(story: Story) -> None:
    """Play the whole story."""
    story.set_the_scene()
    story.reserve()
    story.release()
    story.administrator()
    story.hang()
    story.unreachable()


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Play the demo of tapeworks.drive_sharing.")
    parser.add_argument("--fast", action="store_true", help="do not pause after each step for the reader")
    parser.add_argument("--keep", action="store_true", help="keep the directory with logs, table and inventory")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the measured seconds to this file")
    return parser.parse_args()


def median_seconds(story: Story) -> float:
    """Give the median of the seconds from an inform to the last confirmation."""
    return statistics.median(
        step.seconds for step in story.steps if step.measured == CONFIRMED and step.seconds is not None
    )


def figures(story: Story, seconds: float) -> dict[str, Any]:
    """Give what was measured."""
    return {
        "story_seconds": round(seconds, 2),
        "inform_to_confirmed_median": round(median_seconds(story), 3),
        "steps": [
            {
                "title": step.title,
                "seconds": None if step.seconds is None else round(step.seconds, 3),
                "measured": step.measured,
                "said": step.said,
            }
            for step in story.steps
        ],
    }


def missing_programs() -> list[str]:
    """Give what the story needs and this machine lacks."""
    path = f"{Path(sys.executable).parent}:{World(Path('.')).environment['PATH']}"
    return [
        program
        for program in ("ansible-rulebook", "ansible-playbook", "ssh")
        if shutil.which(program, path=path) is None
    ]


def interrupted(number: int, _frame: object) -> None:
    """Turn a signal into an exit that cleans up, which a second signal does not interrupt."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def main() -> int:
    """Play the story in a directory of its own."""
    options = arguments()
    console = Console(highlight=False, soft_wrap=True)
    for number in SIGNALS:
        signal.signal(number, interrupted)
    missing = missing_programs()
    if missing:
        console.print(f"The story needs {' and '.join(missing)}, which this machine lacks; nothing was started.")
        return 2
    started = time.monotonic()
    directory = Path(tempfile.mkdtemp(prefix="drive_sharing_demo."))
    status = 1
    try:
        with World(directory) as world:
            story = Story(world, console, pause=0.0 if options.fast or not console.is_terminal else 1.5)
            try:
                play(story)
            except (NotAsToldError, WorldError) as exc:
                raise NotAsToldError(f"{story.now}: {exc}") from None
        seconds = time.monotonic() - started
        console.print(
            f"[bold green]All was as told[/bold green]: {len(story.steps)} steps in {seconds:.0f} s;"
            f" {median_seconds(story):.2f} s {CONFIRMED} (median)."
        )
        if options.json:
            options.json.write_text(json.dumps(figures(story, seconds), indent=2) + "\n", encoding="utf-8")
        status = 0
    except NotAsToldError as exc:
        console.print("[bold red]Not as told:[/bold red] ", end="")
        console.print(str(exc), markup=False)
    except SystemExit as exc:
        console.print("Interrupted; everything is ended.")
        status = int(exc.code or 1)
    if options.keep or status == 1:
        console.print(f"The logs are in {directory}/logs.")
    else:
        shutil.rmtree(directory, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
