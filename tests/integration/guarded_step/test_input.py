# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The standard input of commands and queries of the guarded step."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded import (
    Command,
    CommandAnswer,
    ForDrive,
    Reading,
    Unit,
)
from ansible_collections.tapeworks.drive_sharing.tests.integration.guarded_step.world import (
    World,
    dialogue,
    item,
    offline,
    record,
    replaced,
    wait_for,
)

LINES = [
    "", "  two  blanks  ", "\ttab\t", "\\n \\t \\\\ \\0 \\c \\", "-n", "-e x", "--", "%s %d %%", "\"it's\"", "$HOME `id` $(id)",
    "* ? [a]", "~", "#", ":", "D1:x", "=x", "a\rb", "\x01\x02\x1b\x7f", "ü€😀", "".join(map(chr, range(0x80, 0x180))),
    "x" * 300, "", "",
]
TEXT = "".join(f"{line}\n" for line in LINES)


def a_set(world: World, *commands: Command, queries: list[Command] | None = None, **more: object) -> list[CommandAnswer]:
    result = world.set(Unit([item("D1", None, 1)], commands, queries or []), **more).units[0]
    assert result.drives == {"D1": "done"}
    return result.commands + result.answers


def a_read(world: World, *queries: Command | list[str]) -> Reading:
    reading = world.read("D1", "D2", queries=list(queries))  # type: ignore[arg-type]
    assert reading.complete
    return reading


@pytest.mark.parametrize("proc", ["/proc", "/no/proc"])
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_lines_arrive_byte_for_byte(world: World, locale: str, proc: str) -> None:
    world.change = lambda script: replaced(script, "_p=/proc\n", f"_p={proc}\n")
    parts = [ForDrive("D1", line) if place % 2 else line for place, line in enumerate(LINES)]
    cat = Command(["cat"], parts)
    whole = Command(["cat"], LINES)
    answers = a_set(world, cat, queries=[cat, whole], env={**os.environ, "LC_ALL": locale})
    assert [answer.output for answer in answers] == [TEXT] * 3
    assert [answer.output for answer in a_read(world, cat, whole).answers] == [TEXT] * 2
    assert world.left() == []


@pytest.mark.parametrize("lines", [[""], ["", ""], ["quit"], [" "]])
def test_the_input_ends_after_the_last_line(world: World, lines: list[str]) -> None:
    answers = a_set(world, Command(["cat"], lines), queries=[Command(["cat"], lines)])
    assert answers + a_read(world, Command(["cat"], lines)).answers == [CommandAnswer(0, "\n".join([*lines, ""]))] * 3


def test_without_lines_there_is_no_input(world: World) -> None:
    look = ["/bin/sh", "-c", "readlink /proc/$$/fd/0; cat"]
    answers = a_set(world, Command(["cat"], ["x"]), Command(look), queries=[Command(["cat"], ["y"]), Command(look)])
    assert [answer.output for answer in answers] == ["x\n", "/dev/null\n", "y\n", "/dev/null\n"]
    answers = a_read(world, Command(["cat"], ["x"]), look).answers
    assert [answer.output for answer in answers] == ["x\n", "/dev/null\n"]


def test_lines_stand_in_a_private_file_and_neither_in_words_nor_in_the_environment(world: World) -> None:
    look = (
        "stat -L -c 'mode %a' /proc/$$/fd/0; readlink /proc/$$/fd/0; echo umask $(umask)"
        "; tr '\\0' ' ' </proc/$$/cmdline; tr '\\0' ' ' </proc/$$/environ"
    )
    old = os.umask(0o022)
    try:
        told = a_set(world, Command(["/bin/sh", "-c", look], ["swordfish"]))[0].output
        told_too = a_read(world, Command(["/bin/sh", "-c", look], ["swordfish"])).answers[0].output
        assert world.left() == []
        elsewhere = World(world.root, world.shell)
        (world.root / "state").rename(world.root / "gone")
        told_three = a_read(elsewhere, Command(["/bin/sh", "-c", look], ["swordfish"])).answers[0].output
    finally:
        os.umask(old)
    for text in (told, told_too, told_three):
        assert "swordfish" not in text
        mode, path, umask = text.split("\n")[:3]
        assert (mode, int(umask.split()[1])) == ("mode 600", 22)
        wait_for(lambda path=path: not Path(path).exists())
    assert not world.directory.exists()


def test_a_line_of_a_drive_that_is_left_out_is_left_out(world: World) -> None:
    world.set(offline(world, world.read("D1"), 42, "D1"))
    only = Command(["cat"], [ForDrive("D1", "disable one"), "quit"])
    both = Command(["cat"], ["*", ForDrive("D1", "one"), ForDrive("D2", "two: *"), "quit"])
    words = Command(["echo", ForDrive("D2", "two")], [ForDrive("D1", "one")])
    lines = Command(["cat", ForDrive("D1", "/etc/passwd")], [ForDrive("D2", "two")])
    no_lines = Command(["readlink", "-f", ForDrive("D2", "/dev/fd/0")], [ForDrive("D1", "one")])
    all_of_them = [only, Command(["cat"]), both, words, lines, no_lines, Command(["cat"])]
    unit = Unit([item("D1", None, 43), item("D2", None, 43)], all_of_them, all_of_them)
    result = world.set(unit).units[0]
    assert result.drives == {"D1": "changed", "D2": "done"}
    for answers in (result.commands, result.answers):
        assert [(answer.rc, answer.output) for answer in answers] == [
            (None, ""), (0, ""), (0, "*\ntwo: *\nquit\n"), (0, "two\n"), (0, "two\n"), (0, "/dev/null\n"), (0, ""),
        ]
        assert not any(answer.timed_out for answer in answers)


def test_the_lines_of_a_unit_that_is_left_out_are_no_other_units(world: World) -> None:
    world.set(offline(world, world.read("D1"), 42, "D1"))
    lost = Unit([item("D1", None, 43)], [Command(["cat"], ["lost"])], [Command(["cat"], ["lost"])])
    other = Unit([item("D2", None, 43)], [Command(["cat"])], [["cat"]])
    result = world.set(lost, other)
    assert [unit.drives for unit in result.units] == [{"D1": "changed"}, {"D2": "done"}]
    assert result.units[1].commands + result.units[1].answers == [CommandAnswer(0, "")] * 2


@pytest.mark.parametrize("words", [
    ["true"], ["head", "-n", "1"], ["/bin/sh", "-c", "exec <&-"], ["/bin/sh", "-c", "read -r x; exec <&-; sleep 0.1"],
])
def test_a_command_need_not_read_its_input(world: World, words: list[str]) -> None:
    lines = ["x" * 800 for _turn in range(80)]
    answers = a_set(world, Command(words, lines), Command(["cat"], ["next"]), queries=[Command(words, ["a", "b"])])
    assert [answer.rc for answer in answers] == [0, 0, 0]
    assert answers[1].output == "next\n"


def test_a_drive_is_set_by_a_dialogue(world: World) -> None:
    assert world.set(dialogue(world, world.read("D1", "D2"), 42, "D1", "D2")).units[0].drives == {"D1": "done", "D2": "done"}
    assert world.states() == {"D1": "offline", "D2": "offline", "ADMIN": "offline"}
    assert world.record("D2") == record("D2", 42)
    assert world.left() == []


def test_a_command_that_outlives_its_step_keeps_its_own_lines(world: World) -> None:
    """A file is never used twice, and is gone by its name only."""
    late = f"exec 3<&0; {{ sleep 0.5; cat <&3 >{world.root}/late; mv {world.root}/late {world.root}/done; }} >/dev/null 2>&1 &"
    a_set(world, Command(["/bin/sh", "-c", late], ["mine"]), Command(["true"], ["another's"]))
    wait_for((world.root / "done").exists)
    assert (world.root / "done").read_text() == "mine\n"


def processes(world: World, unit: Unit) -> int:
    """How many processes a step makes, as a process namespace of its own counts them."""
    count = 'read -r last </proc/sys/kernel/ns_last_pid; echo "$last"'
    script = f'"$@" >/dev/null; {count}; until [ -z "$(ls "$0")" ]; do sleep 0.05; done'
    words = ["unshare", "--pid", "--fork", "--mount-proc", "/bin/sh", "-c", script, str(world.instance / ".run")]
    got = subprocess.run([*words, *world.argv(world.line(unit))], capture_output=True, text=True, check=False, timeout=60)
    if got.returncode or not re.fullmatch(r"[0-9]+\n", got.stdout):
        pytest.skip(f"a process namespace cannot be had here: {got.stderr}")
    return int(got.stdout)


def test_lines_cost_one_process_at_the_most(world: World) -> None:
    world.set(Unit([item("ADMIN", None, 1)]))
    assert world.left() == []
    lines = [*(ForDrive("D2", f"line {number}") for number in range(100)), "quit"]
    # Long enough for the watchdog to have made its own process.
    sleep = ["sleep", "0.3"]
    bare = processes(world, Unit([item("D1", None, 1)], [Command(sleep)]))
    with_lines = processes(world, Unit([item("D2", None, 1)], [Command(sleep, lines)]))
    assert (world.record("D1"), world.record("D2")) == (record("D1", 1), record("D2", 1))
    assert with_lines <= bare + 1
