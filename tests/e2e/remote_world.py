# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's world with net-snmp's snmpinform as the sender."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.informs import varbinds
from demo.world import Host, World, WorldError

#: What net-snmp calls the types of the values of an inform.
TYPES = {2: "i", 4: "s", 6: "o", 66: "u", 67: "t"}


class RemoteWorld(World):
    """The demo's world, told of changes by snmpinform."""

    def tell(self, inform: dict[str, Any]) -> dict[str, Any]:
        """Send an inform with net-snmp's program; it ends when the inform is acknowledged."""
        auth, privacy = self.passphrases
        environment = {**self.environment, "SNMPCONFPATH": str(self.directory), "MIBS": ""}
        command = ["snmpinform", "-v3", "-l", "authPriv", "-u", "library_1", "-a", "SHA-256", "-A", auth]
        command += ["-x", "AES", "-X", privacy, "-t", "2", "-r", "5", f"udp:{self.listen}:{self.snmp_port}", ""]
        (_oid, notification), *values = varbinds(inform, "library_1")
        command.append(str(notification.prettyPrint()))
        for oid, value in values:
            kind = TYPES[value.tagSet[-1].tagId + (64 if value.tagSet[-1].tagClass == 64 else 0)]
            text = value.prettyPrint()
            if text.startswith("0x"):
                kind, text = "x", text[2:]
            command += [oid, kind, text]
        started = time.time()
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode:
            raise WorldError(f"snmpinform failed with {done.returncode}: {done.stderr.strip()}")
        return {**inform, "at": started, "acknowledged": time.time()}

    def reserve(self, host: Host, drive: str) -> dict[str, Any]:
        return self.tell(super().reserve(host, drive))

    def release(self, host: Host, drive: str) -> dict[str, Any]:
        return self.tell(super().release(host, drive))
