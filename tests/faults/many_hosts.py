# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site of twenty servers that all see a hundred drives."""

from __future__ import annotations

import sys
from pathlib import Path

from ansible_collections.tapeworks.drive_sharing.tests.hosts import Hosts

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.world import Host

DRIVES = tuple(f"13102130{number:02}" for number in range(100))
HOSTS = tuple(
    Host(f"host_{number:02}", f"10000090fa1660{number:02x}", {drive: f"lto{place:02}" for place, drive in enumerate(DRIVES)})
    for number in range(1, 21)
)


class ManyHosts(Hosts):
    """A world of them, to be made with ``hosts=HOSTS``."""

    def install(self, host):
        """Write the application's drives as it would itself: two thousand of its calls would take ten seconds."""
        for serial, name in host.names.items():
            drive = self.state_of(host) / "drives" / name
            drive.mkdir(parents=True)
            for file, word in (("serial", serial), ("state", "online"), ("job", "-")):
                (drive / file).write_text(f"{word}\n", encoding="utf-8")

    def state(self, host, drive):
        """What the application keeps of a drive, read as quickly as a file is."""
        return (self.state_of(host) / "drives" / host.names[drive] / "state").read_text(encoding="utf-8").strip()

    def behave_all(self, text):
        """Have every application behave otherwise."""
        for host in self.hosts:
            self.behave(host, text)
