# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Bacula and Bareos have in common in the dialogues of bconsole. Private: may change at any time.

bconsole ends with 0 whatever a command came to, echoes what it is told, and a director that does not know a name takes
another one or asks back. So nothing is believed but a whole status of the storage that was meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words

#: A line that does nothing, but ends a question that the command before it may have led to.
NOTHING = "."
#: The line that comes before all that a storage daemon is asked: the storage, and its daemon's address and port.
CONNECTING = re.compile(r"^Connecting to Storage daemon (.+) at (\S+:\d+)[ .]*$", re.MULTILINE)
SELECTED = re.compile(r"^Automatically selected Storage: (.*)$", re.MULTILINE)

_DIRECTOR = re.compile(r"^Connecting to Director (\S+)", re.MULTILINE)
_GREETING = re.compile(r"^1000 OK: ", re.MULTILINE)
_CHANGER = re.compile(r'Autochanger "([^"]+)" with devices:')
_MEMBER = re.compile(r'\s+(?:"([^"]+)" \(.+\)|([^"\s].*))')
_USE = re.compile(r"\s+Reader=(\d+) writers=(\d+) reserves=(\d+)\b.*")


@dataclass(frozen=True)
class Device:
    """A device of a storage daemon. ``path``: its device file; empty where the daemon could not make use of it."""

    name: str
    path: str
    kind: str
    state: str
    shown: str
    in_use: bool = False
    index: int | None = None


@dataclass(frozen=True)
class Status:
    """A storage of the director, and all that its storage daemon has; ``problem``: one sentence, nothing else is known.

    ``daemon``: address and port. ``reaches``: the device or autochanger that the storage stands for, where it is known.
    """

    storage: str
    problem: str = ""
    daemon: str = ""
    reaches: str | None = None
    devices: dict[str, Device] = field(default_factory=dict)
    changers: dict[str, tuple[str, ...]] = field(default_factory=dict)


class UnclearError(Exception):
    """The output is not a whole status; the message is the sentence."""


def words(options: Mapping[str, Any], *more: str) -> tuple[str, ...]:
    """Give how bconsole is called; ``more``: options that only one of the products has."""
    return (*options["console_command"], *more, "-c", options["console_file"])


def trouble(answer: Any, console_file: str, role: str) -> str:
    """Say in one sentence why bconsole came to no dialogue at all; empty where it did. ``role``: as in application_<role>."""
    output = answer.output
    director = _DIRECTOR.search(output)
    if answer.rc is None and not answer.timed_out:
        return "bconsole was not run"
    if answer.rc in (126, 127):
        return f"bconsole cannot be run: {first_words(output)}; give its path in application_{role}_console_command"
    if _GREETING.search(output):
        return ""
    if "Director authorization problem" in output:
        return f"the director refuses the name or the password in {console_file}"
    unreadable = re.search(r'Cannot open config file "[^"]*": (.*)', output)
    if unreadable:
        return f"bconsole cannot read {console_file}: {first_words(unreadable[1])}"
    if "Config error" in output or "ERROR TERMINATION" in output:
        # Its words may hold the password.
        return f"bconsole does not understand {console_file}; try it by hand with bconsole -t -c {console_file}"
    if director:
        return f"the director at {director[1]} does not answer"
    if answer.timed_out:
        return "bconsole did not end in time and was stopped"
    return f"bconsole did not reach the director, exit status {answer.rc}: {first_words(output) or '(nothing)'}"


def ended(answer: Any) -> None:
    """Refuse the answer of a bconsole that did not come to its end, or whose words are not all there."""
    if answer.rc and not answer.timed_out:
        raise UnclearError(f"bconsole ended with exit status {answer.rc}: {last(answer.output)}")
    if answer.truncated:
        raise UnclearError("bconsole printed more than can be read")


def part(storage: str, output: str, command: str, *, timed_out: bool) -> tuple[str, str, str, bool]:
    """Find what was said of a storage: what came before all daemons, its daemon, its part, and whether it is the last one.

    ``command``: the one that lists the storages. A name that the director does not list would make it take another storage.
    """
    shown = list(CONNECTING.finditer(output))
    before = output[: shown[0].start()] if shown else output
    if timed_out and not shown:
        raise UnclearError("the director did not answer in time")
    _listed(storage, before, command)
    # The last time: what came before may have been another command for it.
    place = next((place for place, found in reversed(list(enumerate(shown))) if found[1] == storage), None)
    if place is None:
        raise UnclearError(_not_shown(storage, output, shown[-1] if timed_out else None))
    final = place + 1 == len(shown)
    daemon = shown[place][2]
    after = output[shown[place].end() : None if final else shown[place + 1].start()]
    if "Failed to connect to Storage daemon" in after:
        raise UnclearError(
            f"the director does not reach the storage daemon of storage {storage} at {daemon}: it is down, or refuses the"
            " director; nothing was sent to it"
        )
    return before, daemon, after, final


def _not_shown(storage: str, output: str, hung: re.Match[str] | None) -> str:
    if hung:
        return f"storage {storage} was not asked, because the storage daemon of storage {hung[1]} at {hung[2]} does not answer"
    taken = SELECTED.search(output) or CONNECTING.search(output)
    if taken:
        return f"the director showed {taken[1]} in place of storage {storage}"
    allowed("status", output)
    return f"the director showed no status of storage {storage}: {last(output)}"


def _listed(storage: str, before: str, command: str) -> None:
    if storage in before.splitlines():
        return
    allowed(command, before)
    rows = [row for row in before.splitlines() if row and not row.startswith("You have messages")]
    there = rows[rows.index(command) + 1 :] if command in rows else []
    there = there[: there.index(NOTHING)] if NOTHING in there else there
    raise UnclearError(
        f"the director has no storage {storage} for this console; it lists {first_words(', '.join(there)) or 'none'}"
    )


def allowed(command: str, output: str) -> None:
    """Refuse the output of a console that may not use a command."""
    if f"{command}: is an invalid command." in output:
        raise UnclearError(f"the console may not use {command}; add it to its CommandACL")


def silent(storage: str, daemon: str) -> UnclearError:
    """What is said of a storage daemon that took the connection and then said nothing more."""
    return UnclearError(f"the storage daemon of storage {storage} at {daemon} does not answer; nothing was sent to it")


def section(storage: str, text: str, *titles: str) -> list[str]:
    """Give the lines from a title, in the words of any version, to the line ``====``."""
    rows = text.splitlines()
    for title in titles:
        if title in rows:
            start = rows.index(title) + 1
            if "====" in rows[start:]:
                return rows[start : rows.index("====", start)]
    raise UnclearError(f"the status of storage {storage} is cut off: {titles[0]} has no end")


def devices(
    storage: str, rows: Sequence[str], head: str, device: Callable[[str, str, Sequence[str]], Device]
) -> tuple[dict[str, Device], dict[str, tuple[str, ...]]]:
    """Read the section of devices: these, and the names of those in each autochanger.

    ``head``: how the first line of a device begins; ``device`` reads one from the storage, that line and those up to ``==``.
    """
    found: dict[str, Device] = {}
    changers: dict[str, tuple[str, ...]] = {}
    members: list[str] | None = None
    left = iter(rows)
    for row in left:
        changer, member = _CHANGER.fullmatch(row), _MEMBER.fullmatch(row)
        if changer:
            members = []
            changers[changer[1]] = ()
        elif row.startswith(head):
            members = None
            one = device(storage, row, _block(storage, row, left, head))
            if one.name in found:
                raise UnclearError(f"the status of storage {storage} shows device {one.name} twice")
            found[one.name] = one
        elif members is not None and member:
            members.append(member[1] or member[2])
            changers[list(changers)[-1]] = tuple(members)
    return found, changers


def _block(storage: str, first: str, rows: Iterator[str], head: str) -> list[str]:
    """Give a device's lines, from the one after its first to the line ``==``."""
    block: list[str] = []
    for row in rows:
        if row == "==":
            return block
        if row.startswith((head, "Autochanger ")):
            break
        block.append(row)
    raise UnclearError(f"the status of storage {storage} is cut off: {first_words(first)} has no end")


def used(storage: str, text: str, volume: re.Pattern[str]) -> set[str]:
    """The devices that have a volume with a reader, a writer or a reservation. ``volume``: its line, with the device."""
    found: set[str] = set()
    rows = iter(section(storage, text, "Used Volume status:"))
    for row in rows:
        match = volume.fullmatch(row)
        if match:
            use = _USE.fullmatch(next(rows, ""))
            if not use:
                raise UnclearError(f"the status of storage {storage} does not say who uses device {match[1]}")
            if any(int(number) for number in use.groups()):
                found.add(match[1])
    return found


def last(output: str) -> str:
    """What came last, of which the dialogue's own lines tell nothing."""
    rows = [row for row in output.splitlines() if row.strip() not in ("", NOTHING, "quit")]
    return first_words(rows[-1]) if rows else "(nothing)"


def by_host(storages: Sequence[Any], wanted: set[str]) -> list[list[Any]]:
    """Give the storages that are asked, by host: one that is down must not take the time of the others."""
    groups: dict[str | None, list[Any]] = {}
    for storage in storages:
        if storage.name in wanted:
            groups.setdefault(storage.host, []).append(storage)
    return list(groups.values())
