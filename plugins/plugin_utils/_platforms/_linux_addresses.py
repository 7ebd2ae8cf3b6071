# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The IP addresses of a Linux host that tell it from others. Pure. Private: may change at any time.

Left out are, beside loopback and link-local addresses, those of bridges and tunnels of containers and virtual machines,
which are the same on every host, and additional addresses, which a cluster moves from host to host.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _addresses as addresses
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _asked as asked

# A connection that leads into a container sees the container's network, not the host's.
SCRIPT = """
if [ -z "$root" ]; then
  for entry in /sys/class/net/*; do
    if [ -d "$entry" ]; then
      printf "netdev %s\\n" "${entry##*/}"
      attribute operstate "$entry/operstate"
    fi
  done
  ask ip -o addr show
fi
"""

LOST = {"ip": "the host's IP addresses are unknown"}

#: Bridges and interfaces of container engines, of Kubernetes' networks and of hypervisors.
CONTAINERS = re.compile(
    r"(?:docker|podman|cni|cni-podman|lxcbr|lxdbr|incusbr|virbr|vnet|veth|vmnet|vboxnet|flannel|cali|tunl|cilium|kube|nodelocaldns"
    r"|weave|ovn|antrea|dummy).*|br-[0-9a-f]{12}"
)
_ROW = re.compile(r"[0-9]+: +([^\s@]+)\S* +inet6? +([0-9A-Fa-f.:]+)(?:/([0-9]+))?(.*)")
_STATES = {"up": True, "down": False, "lowerlayerdown": False, "notpresent": False, "dormant": False}


def ports(answers: Iterable[asked.Answer], states: dict[str, str]) -> list[dict[str, Any]]:
    """Give the ports; ``states``: interface: its operstate."""
    rows = [match for line in asked.lines(answers, "ip") if (match := _ROW.match(line))]
    networks = {row[1] for row in rows if "." in row[2] and row[3] not in (None, "32")}
    found = []
    for interface, address, prefix, rest in (row.groups() for row in rows):
        words = rest.partition("\\")[0].split()
        # Keepalived adds the address of a cluster with the prefix 32, others as one more of the same network.
        additional = "secondary" in words or (prefix == "32" and "." in address and interface in networks)
        if "global" not in words or "dadfailed" in words or additional or CONTAINERS.fullmatch(interface):
            continue
        found.append(addresses.port(address, _STATES.get(states.get(interface, "")), interface))
    return [entry for entry in found if entry]
