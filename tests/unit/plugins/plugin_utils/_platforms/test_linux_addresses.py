# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _asked as asked
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_facts as host_facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import _linux_addresses as addresses

# "ip -o addr show" of iproute2; the line of eth3 is as busybox prints it.
SHOWN = r"""
1: lo    inet 127.0.0.1/8 scope host lo\       valid_lft forever preferred_lft forever
1: lo    inet6 ::1/128 scope host noprefixroute \       valid_lft forever preferred_lft forever
1: lo    inet 192.0.2.99/32 scope global lo\       valid_lft forever preferred_lft forever
2: eth0    inet 192.0.2.11/24 brd 192.0.2.255 scope global dynamic noprefixroute eth0\       valid_lft 3000sec preferred_lft 3000sec
2: eth0    inet 192.0.2.50/24 brd 192.0.2.255 scope global secondary eth0:0\       valid_lft forever preferred_lft forever
2: eth0    inet 192.0.2.51/32 scope global eth0\       valid_lft forever preferred_lft forever
2: eth0    inet6 2001:DB8::11/64 scope global temporary dynamic \       valid_lft 80000sec preferred_lft 9000sec
2: eth0    inet6 2001:db8::dead/64 scope global dadfailed tentative \       valid_lft forever preferred_lft forever
2: eth0    inet6 fe80::5054:ff:fe12:3456/64 scope link \       valid_lft forever preferred_lft forever
3: eth1.100@eth1    inet 198.51.100.11/25 brd 198.51.100.127 scope global eth1.100\       valid_lft forever preferred_lft forever
4: eth2    inet 203.0.113.7/32 scope global eth2\       valid_lft forever preferred_lft forever
5: eth3    inet 198.51.100.200/28 scope global eth3
6: eth4    inet 169.254.7.7/16 brd 169.254.255.255 scope global eth4\       valid_lft forever preferred_lft forever
7: ppp0    inet 203.0.113.20 peer 203.0.113.21/32 scope global ppp0\       valid_lft forever preferred_lft forever
8: docker0    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0\       valid_lft forever preferred_lft forever
9: br-0123456789ab    inet 172.18.0.1/16 scope global br-0123456789ab\       valid_lft forever preferred_lft forever
10: virbr0    inet 192.168.122.1/24 brd 192.168.122.255 scope global virbr0\       valid_lft forever preferred_lft forever
11: br0    inet 192.0.2.130/25 scope global br0\       valid_lft forever preferred_lft forever
12: bond0    inet 192.0.2.131/25 scope global bond0\       valid_lft forever preferred_lft forever
13: eth9    inet 999.0.2.1/24 scope global eth9
Junk
"""


def answers(text: str) -> list[asked.Answer]:
    return [asked.Answer("ip -o addr show", tuple(text.strip().splitlines()), "0")]


def test_addresses_that_tell_the_host_are_its_ports() -> None:
    """A balancer's servers all have its address, on lo; a cluster's address is an additional one."""
    states = {"eth0": "up", "eth1.100": "lowerlayerdown", "eth2": "down", "bond0": "unknown"}
    found = [(port["id"], port["state"], port["device"]) for port in addresses.ports(answers(SHOWN), states)]
    assert found == [
        ("192.0.2.11", "online", "eth0"),
        ("2001:db8::11", "online", "eth0"),
        ("198.51.100.11", "offline", "eth1.100"),
        ("203.0.113.7", "offline", "eth2"),
        ("198.51.100.200", "unknown", "eth3"),
        ("203.0.113.20", "unknown", "ppp0"),
        ("192.0.2.130", "unknown", "br0"),
        ("192.0.2.131", "unknown", "bond0"),
    ]


@pytest.mark.parametrize(
    "name", ["docker0", "docker_gwbridge", "br-0123456789ab", "virbr0", "veth12ab", "cni0", "cali123", "flannel.1", "lxdbr0", "podman1"]
)
def test_networks_of_containers_and_virtual_machines_are_left_out(name: str) -> None:
    line = SHOWN.strip().splitlines()[3].replace("eth0", name)
    assert addresses.ports(answers(line), {}) == []


@pytest.mark.parametrize("name", ["eth0", "br0", "br-lan", "bond0", "team0", "ib0", "enp3s0f1", "vlan100", "eno1.100", "wg0"])
def test_other_networks_are_not(name: str) -> None:
    line = SHOWN.strip().splitlines()[3].replace("eth0", name)
    assert [port["device"] for port in addresses.ports(answers(line), {})] == [name]


def ask(directory: Path, ip: str, **environment: str) -> dict[str, Any]:
    """Run the real script with a stand-in for ``ip``."""
    (directory / "ip").write_text(f"#!/bin/sh\n{ip}\n")
    (directory / "ip").chmod(0o755)
    # This machine may have an iSCSI name; that is no matter of these tests.
    script = host_facts.command("linux").replace(f"patience={asked.SECONDS}\n", "patience=1\n").replace("=/etc/iscsi/", "=/nowhere/")
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL,
        env={"PATH": f"{directory}{os.pathsep}{os.environ['PATH']}", **environment},
    )
    assert done.stderr == ""
    return host_facts.parse(done.stdout)


def notes(facts: dict[str, Any]) -> list[str]:
    return [note for note in facts["notes"] if "addresses" in note]


def test_the_script_asks_ip_and_the_kernel_for_the_state(tmp_path: Path) -> None:
    facts = ask(tmp_path, '[ "$*" = "-o addr show" ] && echo "2: none0    inet 192.0.2.11/24 scope global none0"')
    assert [port for port in facts["ports"] if port["protocol"] == "ip"] == [
        {"protocol": "ip", "id": "192.0.2.11", "state": "unknown", "device": "none0", "origin": "found"}
    ]
    assert notes(facts) == []
    assert any(note.startswith("No initiator port was found") for note in facts["notes"]), "an address is none"


@pytest.mark.parametrize(
    ("ip", "note"),
    [
        ("exit 127", "ip was not found on this host, so the host's IP addresses are unknown."),
        ("echo Cannot open netlink socket >&2; exit 1",
         "ip -o addr show failed with exit status 1 (Cannot open netlink socket), so the host's IP addresses are unknown."),
        ("exec sleep 60", "ip -o addr show did not end within 10 s, and ip was not asked again, so the host's IP addresses are unknown."),
        ("exit 0", "ip -o addr show gave nothing, so the host's IP addresses are unknown."),
    ],
    ids=["missing", "failed", "hangs", "nothing"],
)
def test_a_command_that_gives_nothing_is_said_in_one_sentence(tmp_path: Path, ip: str, note: str) -> None:
    assert notes(ask(tmp_path, ip)) == [note]


def test_below_another_root_no_addresses_are_asked_for() -> None:
    script = host_facts.command("linux", root="/host")
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    assert "asked ip" not in done.stdout
