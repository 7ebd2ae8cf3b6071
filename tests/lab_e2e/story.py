# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's world, and how its first drive is reserved: as drivers do it, by commands on a host."""

from __future__ import annotations

import json
import time
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.lab import san
from ansible_collections.tapeworks.drive_sharing.tests.lab_e2e import lab_world

DRIVE, OTHER = san.DRIVES
KEYS = {"host_a": 0xA1A1A1A100000001, "host_b": 0xB2B2B2B200000002}


class Story:
    """What the chapters are told with."""

    def __init__(self, world: lab_world.LabWorld) -> None:
        self.world = world
        self.generics = world.guest.paths()
        self.a, self.b = world.hosts
        #: When a chapter's command was given, by this machine's clock, which is the table's too.
        self.began = 0.0

    def tell(self, host: Any, *commands: str) -> None:
        """Send SCSI commands to the drive from a host, through its port of Fibre Channel; what a unit attention swallows, again."""
        device = self.generics[DRIVE.serial, host.port]
        lines = [f"{{ {line.format(device)}; [ $? != {san.UNIT_ATTENTION} ] || {line.format(device)}; }} >/dev/null" for line in commands]
        self.began = time.time()
        self.world.guest.run(*lines)

    def persist(self, host: Any, *what: str, victim: int | None = None) -> None:
        """Send PERSISTENT RESERVE OUT."""
        key = f"--param-rk={KEYS[host.name]:#x}"
        lines = []
        for service in what:
            words = {
                "register": f"--register-ignore --param-sark={KEYS[host.name]:#x}",
                "preempt": f"--preempt {key} --param-sark={victim or 0:#x} --prout-type=3",
            }.get(service, f"--{service} {key} --prout-type=3")
            lines.append(f"sg_persist -n -o {words} {{}}")
        self.tell(host, *lines)

    def holder(self) -> str:
        """Give what LIO says of the reservation."""
        return self.world.guest.run(f"cat {san.TARGETS}/core/user_0/{DRIVE.name}/pr/res_holder").strip()

    def row(self) -> dict[str, Any]:
        return self.world.drive(DRIVE.serial)

    def becomes(self, status: str, *holders: dict[str, Any]) -> dict[str, float]:
        """Wait until the table says so and every application has confirmed it; gives the times since the command was given."""
        wanted = list(holders)

        def told() -> bool:
            row = self.row()
            return row.get("status") == status and json.loads(row["holders"]) == wanted

        self.world.wait_for(f"the row of {DRIVE.name} is {status} {wanted}", told)
        self.world.wait_for("every application has confirmed", lambda: self.row()["settled"] >= self.row()["sequence"])
        row = self.row()
        answered = self.world.select(
            "SELECT max(answered_at) AS at FROM answers WHERE drive = ? AND sequence = ? AND confirmed = 1", DRIVE.serial, row["sequence"]
        )[0]["at"]
        return {"row": row["written_at"] - self.began, "confirmed": (answered or 0.0) - self.began}

    def states(self, drive: san.Drive = DRIVE) -> tuple[str, ...]:
        """Ask the applications themselves."""
        return tuple((self.world.ask(host, limit=30) or {})[drive.serial].state for host in self.world.hosts)
