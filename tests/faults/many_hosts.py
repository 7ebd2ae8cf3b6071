# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site of twenty servers that all see a hundred drives."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from contextlib import closing
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

    def cut_off(self, port):
        """Have every host be reached through this port, where nobody listens; None: locally, as it was."""
        path = self.inventory / "group_vars" / "drive_sharing.yml"
        text = path.read_text(encoding="utf-8").partition("# Cut off\n")[0]
        if port is not None:
            over = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": port, "ansible_ssh_common_args": "-F none"}
            text = text.replace("ansible_connection: local\n", "") + "# Cut off\n" + "".join(
                f"{name}: {json.dumps(value)}\n" for name, value in over.items()
            )
        elif "ansible_connection: local\n" not in text:
            text += "ansible_connection: local\n"
        new = path.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)

    def in_error(self):
        """The drives that the library has in their error state."""
        return {one["serial"] for one in self.library("GET", "/drives")["drives"] if one["error"]}

    def tried(self):
        """The drives whose newest change was asked about in vain."""
        rows = self.select(
            "SELECT DISTINCT d.drive FROM drives d JOIN answers a ON a.drive = d.drive AND a.sequence = d.sequence"
            " WHERE a.outcome = 'silent'"
        )
        return {row["drive"] for row in rows}

    def owed(self):
        """What control points have not confirmed."""
        return self.select(
            "SELECT a.drive, a.host FROM answers a JOIN drives d ON d.drive = a.drive"
            " WHERE a.expected = 1 AND (a.confirmed = 0 OR a.sequence < d.sequence)"
            " UNION SELECT drive, '' FROM drives WHERE settled < sequence OR due IS NOT NULL"
        )

    def hurry(self):
        """Let time pass until all that is owed is due."""
        if not self.select("SELECT 1 FROM drives WHERE due > ? LIMIT 1", time.time()):
            return
        with closing(sqlite3.connect(self.table, timeout=30, isolation_level=None)) as table:
            table.execute("UPDATE drives SET due = due - 3600 WHERE due IS NOT NULL")

    def told(self):
        """The event source's lines in the rule engine's log."""
        return "\n".join(line for line in self.log("engine").splitlines() if "tapeworks.drive_sharing" in line and "WARNING" in line)
