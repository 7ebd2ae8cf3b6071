# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who sees which drive through what: written by host_facts, read by the plan (design 4.5). Private: may change at any time."""

from __future__ import annotations

import typing as t


class Associations:
    """The associations of the drives and ports that were asked for."""

    hosts: dict[str, float]  # host -> when its facts were written, epoch seconds

    def instances_of(self, drive: str, *, managed_only: bool = True) -> list[dict[str, t.Any]]:
        """Instances that see a drive, by name: instance, application, scope, control_points, hosts, devices {host: [files]},
        missing_since (None: seen by at least one host), managed."""
        raise NotImplementedError

    def owners(self, port: t.Mapping[str, t.Any]) -> set[str]:
        """Instances that a port belongs to; hosts that still have it before hosts where it is missing."""
        raise NotImplementedError


def write_host(
    tx: t.Any, host: str, facts: t.Mapping[str, t.Any], instances: t.Sequence[t.Mapping[str, t.Any]], now: float
) -> list[str]:
    """Replace one host's associations; gives sentences about what was wrong or conflicts. Raises InvalidValueError."""
    raise NotImplementedError


def write_hosts(tx: t.Any, rows: t.Iterable[tuple[str, t.Mapping[str, t.Any], t.Sequence[t.Mapping[str, t.Any]]]], now: float) -> list[str]:
    """write_host for many (host, facts, instances) at once."""
    raise NotImplementedError


def forget_host(tx: t.Any, host: str, now: float) -> bool:
    """Remove a host that the site no longer has; False: it was not there."""
    raise NotImplementedError


def lookup(tx: t.Any, drives: t.Sequence[str], ports: t.Sequence[t.Mapping[str, t.Any]]) -> Associations:
    """Read only what concerns these drives and ports. Raises TableError."""
    raise NotImplementedError


def hosts_with_facts(tx: t.Any) -> dict[str, float]:
    """Every host that has written its facts, and when (epoch seconds)."""
    raise NotImplementedError


def conflicts(tx: t.Any) -> list[str]:
    """One sentence for each thing that two hosts claim and only one can have, naming both."""
    raise NotImplementedError


def everything(tx: t.Any) -> dict[str, dict[str, t.Any]]:
    """host -> {updated_at, drives, ports, instances, notes}, for info modules."""
    raise NotImplementedError
