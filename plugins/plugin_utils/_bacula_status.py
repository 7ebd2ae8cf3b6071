# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What bconsole shows of one storage of Bacula. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _bconsole
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bacula_options import Storage
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bconsole import (
    NOTHING,
    Device,
    Status,
    UnclearError,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words

__all__ = ["NOTHING", "Device", "Status", "lines", "read", "trouble"]

_HEAD = re.compile(
    r'Device (?P<kind>[^"]+?)(?: is|:) "(?P<name>[^"]+)" \((?P<path>.+)\)'
    r" (?P<how>is not open\.|mounted with:|waiting for:|open but no Bacula volume is currently mounted\.)"
)
_HEAD_WITHOUT_DEVICE = re.compile(r'Device "(?P<name>[^"]+)" is not open or does not exist\.')
_INDEX = re.compile(r"\s+(?:Slot -?\d+ (?:is|was last) loaded in drive (\d+)\.|Drive (\d+) (?:is not loaded|status unknown)\.)")
_DISABLED = re.compile(r"\s+Device is disabled\b.*")
_UNMOUNTED = re.compile(r"\s+Device is BLOCKED\. User unmounted\.")
_WAITS = re.compile(r"\s+Device is (BLOCKED\b.*|blocked\b.*|being initialized\b.*)")
_JOB = re.compile(r'\s+pool="[^"]*" device=(?:"(?P<name>[^"]+)" \(.+?\)|(?P<path>\S+))(?: newbsr=\d+)?')
_VOLUME = re.compile(r'(?:Reserved volume|Read volume): .* on .*?device "([^"]+)" \(.+\)')


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
            raise UnclearError(said)
        _bconsole.ended(answer)
        return _status(storage, answer.output, timed_out=answer.timed_out)
    except UnclearError as exc:
        return Status(storage.name, str(exc))


def trouble(answer: Any, console_file: str) -> str:
    """Say in one sentence why bconsole came to no dialogue at all; empty where it did."""
    return _bconsole.trouble(answer, console_file, "bacula")


def _status(storage: Storage, output: str, *, timed_out: bool) -> Status:
    name = storage.name
    before, daemon, after, final = _bconsole.part(name, output, ".storage", timed_out=timed_out)
    try:
        devices, changers = _whole(name, after)
    except UnclearError:
        if timed_out and final:
            raise _bconsole.silent(name, daemon) from None
        raise
    return Status(name, "", daemon, _reaches(storage, before), devices, changers)


def _whole(storage: str, text: str) -> tuple[dict[str, Device], dict[str, tuple[str, ...]]]:
    """Read a storage daemon's devices and autochangers from its whole status."""
    devices, changers = _bconsole.devices(storage, _bconsole.section(storage, text, "Device status:"), "Device ", _device)
    used = _bconsole.used(storage, text, _VOLUME)
    paths = {device.path: device.name for device in devices.values() if device.path}
    for job in _bconsole.section(storage, text, "Running Jobs:"):
        match = _JOB.fullmatch(job)
        if match:
            used.add(match["name"] or paths.get(match["path"], ""))
    return {key: replace(one, in_use=one.in_use or key in used) for key, one in devices.items()}, changers


def _reaches(storage: Storage, before: str) -> str | None:
    """The device of the storage as the director shows it, else as it is configured."""
    shown = re.search(
        rf"^(?:Storage|Autochanger): name={re.escape(storage.name)} .*\n\s+DeviceName=(.+?) MediaType=", before, re.MULTILINE
    )
    if shown and storage.device not in (None, shown[1]):
        raise UnclearError(
            f"application_bacula_storages says that storage {storage.name} is for {storage.device}, but the director says"
            f" {shown[1]}"
        )
    return shown[1] if shown else storage.device


def _device(storage: str, head: str, block: Sequence[str]) -> Device:
    """Read a device from its first line and those below it."""
    nothing = _HEAD_WITHOUT_DEVICE.fullmatch(head)
    if nothing:
        return Device(nothing["name"], "", "", "other", "not open, or it does not exist")
    found = _HEAD.fullmatch(head)
    if not found:
        raise UnclearError(f"the status of storage {storage} shows a device in words that are not known: {first_words(head)}")
    disabled = any(_DISABLED.fullmatch(row) for row in block)
    unmounted = any(_UNMOUNTED.fullmatch(row) for row in block)
    waits = [match[1].rstrip(",:. ") for row in block if not _UNMOUNTED.fullmatch(row) and (match := _WAITS.fullmatch(row))]
    index = next((int(match[1] or match[2]) for row in block if (match := _INDEX.fullmatch(row))), None)
    words = ["disabled" if disabled else "enabled", *(["unmounted by a person"] if unmounted else []), *waits]
    return Device(
        found["name"], found["path"], found["kind"], "offline" if disabled else "online", first_words(", ".join(words)),
        bool(waits), index,
    )
