# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that see simulated drives, for plays with a local connection: trees of sysfs, and stand-ins for sg3-utils in the path."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.integration import sg_stand_in
from ansible_collections.tapeworks.drive_sharing.tests.integration.test_host_facts import Run, Site
from ansible_collections.tapeworks.drive_sharing.tests.unit.fixtures.linux import sysfs
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.simulated_drive import Drive

PLAY = """
- name: Ask
  hosts: {hosts}
  gather_facts: false
  tasks:
    - name: Do it
      tapeworks.drive_sharing.{module}: {options}
"""


class World(Site):
    """A site whose hosts see drives through stand-ins."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.bin = directory / "bin"
        self.bin.mkdir()
        program = Path(sg_stand_in.__file__)
        path = os.pathsep.join(entry for entry in sys.path if entry)
        for name in ("sg_raw", "sg_reset"):
            self._script(name, f'PYTHONPATH={path} exec {sys.executable} {program} {name} "$@"')
        self._script("ls", 'if [ -e "$SG_STAND_IN/open" ]; then cat "$SG_STAND_IN/open"; else exec /bin/ls "$@"; fi')
        self._script("id", 'if [ -e "$SG_STAND_IN/nobody" ]; then echo 1000; else echo 0; fi')

    def _script(self, name: str, line: str) -> None:
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{line}\n")
        file.chmod(0o755)

    def drive(self, drive: Drive) -> None:
        """Put a drive into the world, or change its state."""
        (self.directory / "hosts").mkdir(exist_ok=True)
        sg_stand_in.save(drive, self.directory / "hosts" / f"drive-{drive.serial}.json")

    def now(self, serial: str) -> Drive:
        """Give the drive as it is by now."""
        return sg_stand_in.load(serial, self.directory / "hosts" / f"drive-{serial}.json")

    def sees(self, name: str, port: dict[str, str], *drives: Drive, **variables: Any) -> Path:
        """Add a host that sees drives through one port; gives its folder, where files switch on behaviour."""
        root = self.host(name, **variables)
        tree = sysfs.Host(root)
        adapter = tree.fc_host(1, f"0x{port['id']}")
        nodes = {}
        for number, drive in enumerate(drives):
            unit = f"5000e111{number + 1:08x}"
            target = {"target": f"0x2000{number + 1:012x}", "node": f"0x1000{number + 1:012x}"}
            tree.fc_drive(adapter, f"1:0:{number}:0", rport=number, serial=drive.serial, unit=unit, pages={}, **target)
            nodes[f"/dev/sg{number}"] = {"serial": drive.serial, "port": port}
            self.drive(drive)
        (root / "host.json").write_text(json.dumps(nodes))
        shell = root / "shell"
        shell.write_text(f'#!/bin/sh\nSG_STAND_IN={root} PATH={self.bin}:$PATH exec /bin/sh "$@"\n')
        shell.chmod(0o755)
        self.hosts[name]["ansible_shell_executable"] = str(shell)
        return root

    def do(self, module: str, options: dict[str, Any], *words: str, hosts: str = "all") -> Run:
        """Run one module on hosts."""
        play = self.directory / "play.yml"
        play.write_text(PLAY.format(module=module, options=json.dumps(options), hosts=hosts))
        return self.run(str(play), *words)

    def log(self, name: str) -> list[list[str]]:
        """Give the command lines that a host has run."""
        file = self.directory / "hosts" / name / "log"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
