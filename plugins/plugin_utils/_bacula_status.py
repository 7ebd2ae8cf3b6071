# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What bconsole shows of one storage. Private: may change at any time.

bconsole ends with 0 whatever a command came to, echoes what it is told, and a director that does not know a name takes
another one or asks back. So nothing is believed but a whole status of the storage that was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bacula_options import Storage
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words

#: A line that does nothing, but ends a question that the command before it may have led to.
NOTHING = "."

_HEAD = re.compile(
    r'Device (?P<kind>[^"]+?)(?: is|:) "(?P<name>[^"]+)" \((?P<path>.+)\)'
    r" (?P<how>is not open\.|mounted with:|waiting for:|open but no Bacula volume is currently mounted\.)"
)
_HEAD_WITHOUT_DEVICE = re.compile(r'Device "(?P<name>[^"]+)" is not open or does not exist\.')
_CHANGER = re.compile(r'Autochanger "([^"]+)" with devices:')
_MEMBER = re.compile(r'\s+(?:"([^"]+)" \(.+\)|([^"\s].*))')
_INDEX = re.compile(r"\s+(?:Slot -?\d+ (?:is|was last) loaded in drive (\d+)\.|Drive (\d+) (?:is not loaded|status unknown)\.)")
_DISABLED = re.compile(r"\s+Device is disabled\b.*")
_UNMOUNTED = re.compile(r"\s+Device is BLOCKED\. User unmounted\.")
_WAITS = re.compile(r"\s+Device is (BLOCKED\b.*|blocked\b.*|being initialized\b.*)")
_JOB = re.compile(r'\s+pool="[^"]*" device=(?:"(?P<name>[^"]+)" \(.+?\)|(?P<path>\S+))(?: newbsr=\d+)?')
_VOLUME = re.compile(r'(?:Reserved volume|Read volume): .* on .*?device "([^"]+)" \(.+\)')
_USE = re.compile(r"\s+Reader=(\d+) writers=(\d+) reserves=(\d+)\b.*")
_CONNECTING = re.compile(r"^Connecting to Storage daemon (.+) at (\S+:\d+)[ .]*$", re.MULTILINE)
_SELECTED = re.compile(r"^Automatically selected Storage: (.*)$", re.MULTILINE)
_DIRECTOR = re.compile(r"^Connecting to Director (\S+)", re.MULTILINE)
_GREETING = re.compile(r"^1000 OK: ", re.MULTILINE)


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


class _UnclearError(Exception):
    """The output is not a whole status; the message is the sentence."""


def lines(storages: Sequence[str]) -> tuple[str, ...]:
    """Give what bconsole is told, to learn all of some storages; what may hang comes last."""
    shows = [f'show storage="{storage}"' for storage in storages]
    statuses = [f'status storage="{storage}"' for storage in storages]
    return (*(line for command in (".storage", *shows, *statuses) for line in (command, NOTHING)), "quit")


def read(storage: Storage, answer: Any, console_file: str) -> Status:
    """Read of one storage what bconsole printed on ``lines``; ``answer`` is a ``_guarded.CommandAnswer``."""
    try:
        said = trouble(answer, console_file)
        if said:
            raise _UnclearError(said)
        if answer.rc and not answer.timed_out:
            raise _UnclearError(f"bconsole ended with exit status {answer.rc}: {_last(answer.output)}")
        if answer.truncated:
            raise _UnclearError("bconsole printed more than can be read")
        return _status(storage, answer.output, timed_out=answer.timed_out)
    except _UnclearError as exc:
        return Status(storage.name, str(exc))


def trouble(answer: Any, console_file: str) -> str:
    """Say in one sentence why bconsole came to no dialogue at all; empty where it did."""
    output = answer.output
    director = _DIRECTOR.search(output)
    if answer.rc is None and not answer.timed_out:
        return "bconsole was not run"
    if answer.rc in (126, 127):
        return f"bconsole cannot be run: {first_words(output)}; give its path in application_bacula_console_command"
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


def _status(storage: Storage, output: str, *, timed_out: bool) -> Status:
    name = storage.name
    shown = list(_CONNECTING.finditer(output))
    before = output[: shown[0].start()] if shown else output
    if timed_out and not shown:
        raise _UnclearError("the director did not answer in time")
    _listed(name, before)
    place = next((place for place, found in enumerate(shown) if found[1] == name), None)
    if place is None:
        raise _UnclearError(_not_shown(name, output, shown[-1] if timed_out else None))
    last = place + 1 == len(shown)
    daemon = shown[place][2]
    after = output[shown[place].end() : None if last else shown[place + 1].start()]
    if "Failed to connect to Storage daemon" in after:
        raise _UnclearError(
            f"the director does not reach the storage daemon of storage {name} at {daemon}: it is down, or refuses the"
            " director; nothing was sent to it"
        )
    try:
        devices, changers = _whole(name, after)
    except _UnclearError:
        if timed_out and last:
            msg = f"the storage daemon of storage {name} at {daemon} does not answer; nothing was sent to it"
            raise _UnclearError(msg) from None
        raise
    return Status(name, "", daemon, _reaches(storage, before), devices, changers)


def _not_shown(storage: str, output: str, hung: re.Match[str] | None) -> str:
    if hung:
        return f"storage {storage} was not asked, because the storage daemon of storage {hung[1]} at {hung[2]} does not answer"
    taken = _SELECTED.search(output) or _CONNECTING.search(output)
    if taken:
        return f"the director showed {taken[1]} in place of storage {storage}"
    _allowed("status", output)
    return f"the director showed no status of storage {storage}: {_last(output)}"


def _whole(storage: str, text: str) -> tuple[dict[str, Device], dict[str, tuple[str, ...]]]:
    """Read a storage daemon's devices and autochangers from its whole status."""
    devices, changers = _devices(storage, _section(storage, text, "Device status:"))
    used = _used(storage, text)
    paths = {device.path: device.name for device in devices.values() if device.path}
    for job in _section(storage, text, "Running Jobs:"):
        match = _JOB.fullmatch(job)
        if match:
            used.add(match["name"] or paths.get(match["path"], ""))
    return {key: replace(one, in_use=one.in_use or key in used) for key, one in devices.items()}, changers


def _listed(storage: str, before: str) -> None:
    """A name that the director does not list would make it take another storage."""
    if storage in before.splitlines():
        return
    _allowed(".storage", before)
    rows = [row for row in before.splitlines() if row and not row.startswith("You have messages")]
    there = rows[rows.index(".storage") + 1 :] if ".storage" in rows else []
    there = there[: there.index(NOTHING)] if NOTHING in there else there
    raise _UnclearError(
        f"the director has no storage {storage} for this console; it lists {first_words(', '.join(there)) or 'none'}"
    )


def _allowed(command: str, output: str) -> None:
    if f"{command}: is an invalid command." in output:
        raise _UnclearError(f"the console may not use {command}; add it to its CommandACL")


def _reaches(storage: Storage, before: str) -> str | None:
    """The device of the storage as the director shows it, else as it is configured."""
    shown = re.search(
        rf"^(?:Storage|Autochanger): name={re.escape(storage.name)} .*\n\s+DeviceName=(.+?) MediaType=", before, re.MULTILINE
    )
    if shown and storage.device not in (None, shown[1]):
        raise _UnclearError(
            f"application_bacula_storages says that storage {storage.name} is for {storage.device}, but the director says"
            f" {shown[1]}"
        )
    return shown[1] if shown else storage.device


def _last(output: str) -> str:
    """What came last, of which the dialogue's own lines tell nothing."""
    rows = [row for row in output.splitlines() if row.strip() not in ("", NOTHING, "quit")]
    return first_words(rows[-1]) if rows else "(nothing)"


def _section(storage: str, text: str, title: str) -> list[str]:
    """Give the lines from a title to the line ``====``."""
    rows = text.splitlines()
    if title in rows:
        start = rows.index(title) + 1
        if "====" in rows[start:]:
            return rows[start : rows.index("====", start)]
    raise _UnclearError(f"the status of storage {storage} is cut off: {title} has no end")


def _devices(storage: str, rows: Sequence[str]) -> tuple[dict[str, Device], dict[str, tuple[str, ...]]]:
    devices: dict[str, Device] = {}
    changers: dict[str, tuple[str, ...]] = {}
    members: list[str] | None = None
    left = iter(rows)
    for row in left:
        changer, member = _CHANGER.fullmatch(row), _MEMBER.fullmatch(row)
        if changer:
            members = []
            changers[changer[1]] = ()
        elif row.startswith("Device "):
            members = None
            device = _device(storage, row, left)
            if device.name in devices:
                raise _UnclearError(f"the status of storage {storage} shows device {device.name} twice")
            devices[device.name] = device
        elif members is not None and member:
            members.append(member[1] or member[2])
            changers[list(changers)[-1]] = tuple(members)
    return devices, changers


def _device(storage: str, head: str, rows: Iterator[str]) -> Device:
    """Read a device's block, from its head to the line ``==``."""
    block = []
    for row in rows:
        if row == "==":
            break
        if row.startswith(("Device ", "Autochanger ")):
            raise _UnclearError(f"the status of storage {storage} is cut off: {first_words(head)} has no end")
        block.append(row)
    else:
        raise _UnclearError(f"the status of storage {storage} is cut off: {first_words(head)} has no end")
    nothing = _HEAD_WITHOUT_DEVICE.fullmatch(head)
    if nothing:
        return Device(nothing["name"], "", "", "other", "not open, or it does not exist")
    found = _HEAD.fullmatch(head)
    if not found:
        raise _UnclearError(f"the status of storage {storage} shows a device in words that are not known: {first_words(head)}")
    disabled = any(_DISABLED.fullmatch(row) for row in block)
    unmounted = any(_UNMOUNTED.fullmatch(row) for row in block)
    waits = [match[1].rstrip(",:. ") for row in block if not _UNMOUNTED.fullmatch(row) and (match := _WAITS.fullmatch(row))]
    index = next((int(match[1] or match[2]) for row in block if (match := _INDEX.fullmatch(row))), None)
    words = ["disabled" if disabled else "enabled", *(["unmounted by a person"] if unmounted else []), *waits]
    return Device(
        found["name"], found["path"], found["kind"], "offline" if disabled else "online", first_words(", ".join(words)),
        bool(waits), index,
    )


def _used(storage: str, text: str) -> set[str]:
    """The devices that have a volume with a reader, a writer or a reservation."""
    used: set[str] = set()
    rows = iter(_section(storage, text, "Used Volume status:"))
    for row in rows:
        volume = _VOLUME.fullmatch(row)
        if volume:
            use = _USE.fullmatch(next(rows, ""))
            if not use:
                raise _UnclearError(f"the status of storage {storage} does not say who uses device {volume[1]}")
            if any(int(number) for number in use.groups()):
                used.add(volume[1])
    return used
