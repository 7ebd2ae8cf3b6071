# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Giving drives back on one host by its records alone, without drive table and controller. Pure. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers, _record
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import Ask
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: Stands for every drive.
ALL = "all"


@dataclass
class Found:
    """What the records of a host say."""

    #: (instance, site): what is to be given back.
    asks: dict[tuple[str, str], list[Ask]] = field(default_factory=dict)
    #: One sentence for each drive that is taken and left so.
    left: list[str] = field(default_factory=list)
    #: One sentence for each record that cannot be used.
    problems: list[str] = field(default_factory=list)


def find(
    records: Iterable[tuple[str, str, str]], free: Sequence[str], site: str | None,
    devices: Mapping[str, Sequence[str]], instances: Iterable[str],
) -> Found:
    """Sort a host's records.

    ``records``: instance, drive, text. ``free``: the drives that a person knows to be free, or ``all``. ``site``: whose
    records count; None: any. ``devices``: device files by drive. ``instances``: those of the host's variables. Raises
    InvalidValueError where ``free`` names a drive that is not taken.
    """
    found, taken = Found(), set()
    everything = list(free) == [ALL]
    wanted = set() if everything else {_identifiers.serial(drive, "A drive of drive_sharing_free") for drive in free}
    known = set(instances)
    for instance, drive, text in sorted(records):
        try:
            record = _record.parse(text)
        except InvalidValueError as exc:
            found.problems.append(f"{instance}, drive {drive}: {exc}")
            continue
        if record is None or not record.holds_taken:
            continue
        taken.add(drive)
        problem = _against(record, instance, drive, site, known)
        if problem:
            found.problems.append(problem)
        elif everything or drive in wanted:
            found.asks.setdefault((instance, record.site), []).append(Ask(
                drive, instance, record.sequence, "none", status="released", table_sequence=record.sequence, taken=True,
                devices=tuple(devices.get(drive, ())),
            ))
        else:
            found.left.append(
                f"Drive {drive} stays offline in {instance}: its record says {record.reason.rstrip('.')!r}, and only the drive"
                " table knows whether that is still so. If you know that it is free, run the playbook again with"
                f' drive_sharing_free: ["{drive}"].'
            )
    unknown = sorted(wanted - taken)
    if unknown:
        msg = (
            f"Drive {unknown[0]} of drive_sharing_free is not offline because of this collection, by the records of this host;"
            f" nothing was set. Taken are {', '.join(sorted(taken)) or 'none'}."
        )
        raise InvalidValueError(msg)
    return found


def _against(record: _record.Record, instance: str, drive: str, site: str | None, known: set[str]) -> str | None:
    if (record.instance, record.drive) != (instance, drive):
        return (
            f"The record {instance}/{drive} is that of drive {record.drive} in {record.instance}; it was left as it is."
            " Look at the file, and remove it once you know whether the drive was set offline by this collection."
        )
    if site is not None and record.site != site:
        return f"The record of drive {drive} in {instance} belongs to site {record.site}, not {site}; nothing was set."
    if instance not in known:
        return (
            f"Drive {drive} is offline in {instance}, but drive_sharing_applications of this host has no such instance;"
            " nothing was set. Add it, or set the drive online by the application's own means and remove the record."
        )
    return None
