# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A world for faults: one host has every drive to itself, and one healthy and one faulty host are told of each drive.

So one play meets many faults, each on a drive of its own, and what one fault does to others would be seen.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.tapeworks.drive_sharing.tests.hosts import Hosts

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.world import Host


def hosts_of(*faults):
    """The holder, the healthy host, a faulty host for each name; the last drive is one that no faulty host sees."""
    drives = [f"13102112{number:02}" for number in range(len(faults) + 1)]
    every = {drive: f"lto{number}" for number, drive in enumerate(drives)}
    return (
        Host("host_a", "10000090fa1658d1", every),
        Host("host_b", "10000090fa1658d2", every),
        *(
            Host(f"host_{name}", f"10000090fa1659{number:02x}", {drives[number]: f"TAPE{number}"})
            for number, name in enumerate(faults)
        ),
    )


@dataclass
class Played:
    """What a play has come to, looked at right after its end."""

    done: object
    states: dict
    table: dict

    @property
    def said(self):
        return self.done.stdout


class Faults(Hosts):
    """A world whose hosts are from ``hosts_of``."""
