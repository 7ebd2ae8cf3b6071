# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing what host_facts found, of one host or of ten thousand. Private: may change at any time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _associations, _host_report
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError, TableError

#: Hosts in one transaction: it holds the write lock for a fraction of a second, and others wait 5 s at the most.
PORTION = 200

#: Host, facts, instances.
Row = tuple[str, Mapping[str, Any], Sequence[Mapping[str, Any]]]


@dataclass
class Written:
    """What came of one host."""

    before: dict[str, Any]
    after: dict[str, Any]
    #: Of the portion that the host was written with, at its last host.
    conflicts: list[str]

    @property
    def changed(self) -> bool:
        """Whether something else is recorded now."""
        return self.before != self.after

    def result(self) -> dict[str, Any]:
        """Give the keys of a task's result."""
        warnings = {"warnings": self.conflicts} if self.conflicts else {}
        return {"changed": self.changed, "conflicts": self.conflicts, **warnings}

    def diff(self, host: str) -> dict[str, Any]:
        """Give a task's diff."""
        return {"before_header": host, "after_header": host, "before": self.before, "after": self.after}


class _NotCommittedError(Exception):
    """Takes a transaction back."""


def usable(result: Any) -> bool:
    """Tell whether what a task has registered of a host is what the host told in this run."""
    if not isinstance(result, Mapping) or any(result.get(key) for key in ("failed", "unreachable", "skipped")):
        return False
    return all(isinstance(result.get(key), (list, tuple)) for key in ("drives", "ports", "notes", "instances"))


def kept(result: Mapping[str, Any]) -> dict[str, Any]:
    """Give the facts of a task's result as the associations take them: what is to be ignored is forgotten."""
    gone = result.get("ignored") or {}
    return {
        "drives": [*result["drives"], *({"serial": serial, "ignore": True} for serial in gone.get("drives") or [])],
        "ports": [*result["ports"], *({**port, "ignore": True} for port in gone.get("ports") or [])],
        "notes": list(result["notes"]),
    }


def write(store: Any, rows: Sequence[Row], *, dry: bool = False, patience: float = 0.0) -> dict[str, Written]:
    """Write the hosts in portions, each in one transaction; gives what came of each host.

    ``dry``: write nothing in the end. ``patience``: seconds for which a table that others write to is waited for. A host
    that cannot be written is named in its conflicts; the others are written all the same. Raises TableError, and
    InvalidValueError where it is the only host.
    """
    found: dict[str, Written] = {}
    for start in range(0, len(rows), PORTION):
        portion = rows[start : start + PORTION]
        try:
            found |= patiently(partial(_portion, store, portion, dry), patience)
        except InvalidValueError:
            if len(rows) == 1:
                raise
            for row in portion:
                try:
                    found |= patiently(partial(_portion, store, [row], dry), patience)
                except InvalidValueError as exc:
                    found[row[0]] = Written({}, {}, [f"{exc}; what is recorded of {row[0]} was left as it was."])
    return found


def patiently(action: Callable[[], Any], patience: float) -> Any:
    """Do something with the table, for so many seconds again while it is busy."""
    give_up = time.monotonic() + patience
    while True:
        try:
            return action()
        except TableError as exc:
            # Others write at the same time; nobody waits for these facts.
            if getattr(exc, "permanent", False) or time.monotonic() >= give_up:
                raise
            time.sleep(0.5)


def _portion(store: Any, portion: Sequence[Row], dry: bool) -> dict[str, Written]:
    hosts = [host for host, _facts, _instances in portion]
    found: dict[str, Written] = {}
    try:
        with store.write() as tx:
            before = _host_report.recorded(tx, hosts)
            conflicts = _associations.write_hosts(tx, portion, tx.now())
            after = _host_report.recorded(tx, hosts)
            found = {host: Written(before[host], after[host], []) for host in hosts}
            found[hosts[-1]].conflicts = conflicts
            if dry:
                raise _NotCommittedError
    except _NotCommittedError:
        pass
    return found
