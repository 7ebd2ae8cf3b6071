# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking an application about drives without deciding anything. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _record
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._act import EACH, MANY, Place
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import NoAnswerError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import Policy
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._steps import Steps


def read(
    place: Place, file: ModuleType, options: Mapping[str, Any], policy: Policy, instance: str, drives: Sequence[str],
    devices: Mapping[str, Sequence[str]], elsewhere: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None,
) -> list[dict[str, Any]]:
    """Give per drive: drive, configured, state, names, shown, in_use, taken, record, problem.

    ``devices``: the drives' files there, ``elsewhere``: those on the instance's other hosts. Raises NoAnswerError.
    """
    result: list[dict[str, Any]] = []
    for start in range(0, len(drives), MANY):
        some = drives[start:start + MANY]
        targets = [
            Target(drive, tuple(devices.get(drive, ())), elsewhere=(elsewhere or {}).get(drive, {})) for drive in some
        ]
        queries = Steps(place.site, file, options).queries(targets)
        seconds = policy.handshake_timeout
        nonce = place.nonce()
        command = place.step.read_command(place.directory, instance, some, queries, seconds, nonce, place.shell)
        # A command that does not end takes two seconds more to be ended.
        output = place.execute(command, (seconds + 2) * max(1, len(queries)) + 2 + len(some) * EACH)
        reading = place.step.parse_read(output, nonce, some, queries)
        if not reading.complete:
            raise NoAnswerError(reading.problem or "the connection was lost while it was read")
        found = file.read(options, targets, reading.answers)
        for drive in some:
            one = found.drives.get(drive)
            problem = found.problems.get(drive)
            try:
                record = _record.parse(reading.records.get(drive))
            except InvalidValueError as exc:
                record, problem = None, problem or str(exc)
            result.append({
                "drive": drive, "configured": None if problem else one is not None,
                "state": one.state if one else None, "names": list(one.names) if one else [],
                "shown": one.shown if one else "", "in_use": one.in_use if one else None,
                "taken": record.holds_taken if record else False,
                "sequence": record.sequence if record else None, "reason": record.reason if record else "",
                "problem": problem,
            })
    return result
