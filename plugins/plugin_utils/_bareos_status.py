# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What bconsole shows of one storage of Bareos. Private: may change at any time.

A storage daemon shows whether a device is selected automatically only at debug level 2 and above.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _bconsole
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bareos_options import Storage
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bconsole import (
    NOTHING,
    Device,
    Status,
    UnclearError,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words

#: What the state of a device is called whose Auto Select is not shown.
NOT_SHOWN = "Auto Select is not shown"
#: The lowest debug level of a storage daemon at which it is.
LEVEL = 2

#: There are other lines that begin with "Device ", but without a name in quotes.
_BEGINS = 'Device "'
_HEAD = re.compile(
    r'Device "(?P<name>[^"]+)" \((?P<path>.+)\)'
    r"(?: is (?P<open>not open\.|[a-z ]+:)| open but no Bareos volume is currently mounted\.)"
)
_HEAD_WITHOUT_DEVICE = re.compile(r'Device "(?P<name>[^"]+)" is not open or does not exist\.')
_INDEX = re.compile(r"\s+(?:Slot -?\d+ (?:is|was last) loaded in drive (\d+)\.|Drive (\d+) is not loaded\.)")
_SELECT = re.compile(r"\s+Auto Select=(yes|no)")
_USE = re.compile(r"\s+num_writers=(\d+) reserves=(\d+)\b.*")
_JOBS = re.compile(r"Attached Jobs: +\d.*")
_KIND = re.compile(r"Device Type: (\S+)")
_UNMOUNTED = re.compile(r"\s+Device is BLOCKED\. User unmounted\b.*")
_WAITS = re.compile(r"\s+Device is (BLOCKED\b.*|blocked\b.*|being initialized\b.*)")
_JOB = re.compile(r'\s+pool="[^"]*" device=(?:"(?P<name>[^"]+)" \(.+\)|(?P<path>\S+))')
_VOLUME = re.compile(r'\S.* on device "([^"]+)" \(.+\)')


def lines(storages: Sequence[str], *, set_debug: bool) -> tuple[str, ...]:
    """Give what bconsole is told, to learn all of some storages."""
    asked = []
    for storage in storages:
        if set_debug:
            asked += [f'setdebug level={LEVEL} storage="{storage}"', NOTHING]
        asked += [f'status storage="{storage}"', NOTHING]
    return (".storages", NOTHING, *asked, "quit")


def read(storage: Storage, answer: Any, console_file: str, method: str, *, set_debug: bool) -> Status:
    """Read of one storage what bconsole printed on ``lines``; ``answer`` is a ``_guarded.CommandAnswer``."""
    try:
        said = _bconsole.trouble(answer, console_file, "bareos")
        if said:
            raise UnclearError(said)
        _bconsole.ended(answer)
        _before, daemon, after, final = _bconsole.part(storage.name, answer.output, ".storages", timed_out=answer.timed_out)
        if set_debug:
            _bconsole.allowed("setdebug", answer.output)
        try:
            devices, changers = _whole(storage.name, after, method)
        except UnclearError:
            if answer.timed_out and final:
                raise _bconsole.silent(storage.name, daemon) from None
            raise
        return Status(storage.name, "", daemon, None, devices, changers)
    except UnclearError as exc:
        return Status(storage.name, str(exc))


def _whole(storage: str, text: str, method: str) -> tuple[dict[str, Device], dict[str, tuple[str, ...]]]:
    rows = _bconsole.section(storage, text, "Device status:")
    devices, changers = _bconsole.devices(storage, rows, _BEGINS, partial(_device, method))
    used = _bconsole.used(storage, text, _VOLUME)
    paths = {device.path: device.name for device in devices.values() if device.path}
    # Version 24 calls it otherwise.
    for job in _bconsole.section(storage, text, "Running Jobs:", "Job inventory:"):
        match = _JOB.fullmatch(job)
        if match:
            used.add(match["name"] or paths.get(match["path"], ""))
    return {key: replace(one, in_use=one.in_use or key in used) for key, one in devices.items()}, changers


def _device(method: str, storage: str, head: str, block: Sequence[str]) -> Device:
    """Read a device from its first line and those below it."""
    nothing = _HEAD_WITHOUT_DEVICE.fullmatch(head)
    if nothing:
        return Device(nothing["name"], "", "", "other", "not open, or it does not exist")
    found = _HEAD.fullmatch(head)
    if not found:
        raise UnclearError(f"the status of storage {storage} shows a device in words that are not known: {first_words(head)}")
    selected = _first(_SELECT, block)
    unmounted = any(_UNMOUNTED.fullmatch(row) for row in block)
    by_select = {"yes": "online", "no": "offline"}.get(selected, "other")
    state = by_select if method == "autoselect" else "offline" if unmounted else "online"
    waits = [match[1].rstrip(",:. ") for row in block if not _UNMOUNTED.fullmatch(row) and (match := _WAITS.fullmatch(row))]
    # Without debug output the numbers are not shown; then the list of volumes has to tell.
    numbers = next((match.groups() for row in block if (match := _USE.fullmatch(row))), ())
    busy = any(int(number) for number in numbers) or any(_JOBS.fullmatch(row) for row in block)
    if method == "autoselect":
        words = [f"autoselect {selected}" if selected else NOT_SHOWN, *(["unmounted by a person"] if unmounted else [])]
    else:
        words = ["unmounted" if unmounted else "not unmounted"]
    index = _first(_INDEX, block)
    return Device(
        found["name"], found["path"], _first(_KIND, block).lower(), state, first_words(", ".join([*words, *waits])),
        bool(waits) or busy, int(index) if index else None,
    )


def _first(pattern: re.Pattern[str], block: Sequence[str]) -> str:
    """Give what the first row that matches says; empty if none does."""
    match = next((match for row in block if (match := pattern.fullmatch(row))), None)
    return next(group for group in match.groups() if group is not None) if match else ""
