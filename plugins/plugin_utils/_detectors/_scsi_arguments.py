# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the arguments of the detector ``scsi``. Private: may change at any time.

Every fault is one sentence that names the option as the user wrote it (``scsi.drives[0].interval``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._fields import items, keys, refuse
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

OPTIONS = ("drives", "interval", "patience", "threads", "keys")
DRIVE_OPTIONS = ("serial", "interval", "library")

#: Seconds.
INTERVAL, SHORTEST, LONGEST = 1.0, 0.1, 3600.0
PATIENCE, LEAST_PATIENCE, MOST_PATIENCE = 10.0, 0.1, 3600.0
THREADS, MOST_THREADS = 8, 64
MOST_DRIVES = 10_000


@dataclass(frozen=True, slots=True)
class Drive:
    """A drive that is read."""

    serial: str
    interval: float
    library: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """The checked arguments."""

    drives: tuple[Drive, ...]
    patience: float = PATIENCE
    threads: int = THREADS
    #: Port by reservation key, for drives without READ FULL STATUS.
    keys: Mapping[int, Mapping[str, Any]] | None = None


def check(args: Any) -> Config:
    """Check what stands under ``scsi:``; raises InvalidValueError."""
    if not isinstance(args, Mapping):
        refuse("scsi", f"a mapping with the options {', '.join(OPTIONS)}", args)
    keys(args, OPTIONS, "scsi")
    interval = _seconds(args.get("interval", INTERVAL), SHORTEST, LONGEST, "scsi.interval")
    drives: dict[str, Drive] = {}
    given = items(args.get("drives"), "scsi.drives", "a list of serial numbers, or of mappings with serial and interval")
    if len(given) > MOST_DRIVES:
        refuse("scsi.drives", f"a list of at most {MOST_DRIVES} drives", len(given))
    for place, value in enumerate(given):
        what = f"scsi.drives[{place}]"
        drive = _drive(value, interval, what)
        if drive.serial in drives:
            msg = f"{what} names drive {drive.serial} a second time"
            raise InvalidValueError(msg)
        drives[drive.serial] = drive
    threads = args.get("threads", THREADS)
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= MOST_THREADS:
        refuse("scsi.threads", f"a whole number from 1 to {MOST_THREADS}", threads)
    return Config(
        drives=tuple(drives.values()),
        patience=_seconds(args.get("patience", PATIENCE), LEAST_PATIENCE, MOST_PATIENCE, "scsi.patience"),
        threads=int(threads),
        keys=_keys(args.get("keys")),
    )


def _drive(value: Any, interval: float, what: str) -> Drive:
    if not isinstance(value, Mapping):
        return Drive(_identifiers.serial(value, what), interval)
    keys(value, DRIVE_OPTIONS, what)
    if "serial" not in value:
        msg = f"{what}.serial is missing"
        raise InvalidValueError(msg)
    library = value.get("library")
    return Drive(
        _identifiers.serial(value["serial"], f"{what}.serial"),
        _seconds(value.get("interval", interval), SHORTEST, LONGEST, f"{what}.interval"),
        None if library is None else _identifiers.host_name(library, f"{what}.library"),
    )


def _keys(value: Any) -> dict[int, Mapping[str, Any]]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        refuse("scsi.keys", "a mapping from reservation keys to ports", value)
    found: dict[int, Mapping[str, Any]] = {}
    for key, port in value.items():
        form = 'a reservation key such as "0x40000000c0a8010b", in quotation marks'
        if not isinstance(key, str):
            refuse("a key of scsi.keys", form, key)
        try:
            number = int(key, 16) if key.isascii() and key.lower().startswith("0x") else 0
        except ValueError:
            number = 0
        if not 0 < number < 1 << 64:
            refuse("a key of scsi.keys", form, key)
        found[number] = _identifiers.port(port, f"scsi.keys[{key}]")
    return found


def _seconds(value: Any, least: float, most: float, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        refuse(what, f"seconds from {least:g} to {most:g}", value)
    return float(value)
