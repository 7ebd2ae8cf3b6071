# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _addresses as addresses

AIX = """\
en0: flags=1e084863,480<UP,BROADCAST,RUNNING>
\tinet 192.0.2.1 netmask 0xffffff00 broadcast 192.0.2.255
\tinet 192.0.2.2 netmask 0xffffff00 broadcast 192.0.2.255
\tinet6 fe80::1%1/64
\tinet6 2001:db8::1/64
en1: flags=1e080862,480<BROADCAST>
\tinet 198.51.100.1 netmask 0xffffff00
lo0: flags=e08084b,c0<UP,LOOPBACK>
\tinet 127.0.0.1 netmask 0xff000000
\tinet6 ::1%1/64
"""
SOLARIS = """\
net0: flags=1000843<UP,BROADCAST,RUNNING,MULTICAST,IPv4> mtu 1500 index 2
        inet 192.0.2.3 netmask ffffff00 broadcast 192.0.2.255
net0:1: flags=1000843<UP,BROADCAST,RUNNING,MULTICAST,IPv4> mtu 1500 index 2
        inet 192.0.2.4 netmask ffffff00 broadcast 192.0.2.255
"""
HPUX = """\
Name      Mtu  Network         Address         Ipkts   Ierrs Opkts   Oerrs Coll
lan0      1500 192.0.2.0       192.0.2.5       93851   0     51223   0     0
lan0:1    1500 192.0.2.0       192.0.2.6       93851   0     51223   0     0
lan1*     1500 198.51.100.0    198.51.100.5    0       0     0       0     0
lan2      1500 none            none            0       0     0       0     0
lo0       4136 127.0.0.0       127.0.0.1       6420    0     6420    0     0

Name      Mtu  Address/Prefix                  Ipkts   Opkts
lan0:1    1500 2001:db8::5/64                  12      30
lan0      1500 fe80::5/10                      12      30
"""


def told(ports: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    return [(port["id"], port["state"], port["device"]) for port in ports]


def test_ifconfig_of_aix() -> None:
    assert told(addresses.ifconfig(AIX.splitlines())) == [
        ("192.0.2.1", "online", "en0"),
        ("192.0.2.2", "online", "en0"),
        ("2001:db8::1", "online", "en0"),
        ("198.51.100.1", "offline", "en1"),
    ]


def test_ifconfig_of_solaris() -> None:
    assert told(addresses.ifconfig(SOLARIS.splitlines())) == [
        ("192.0.2.3", "online", "net0"),
        ("192.0.2.4", "online", "net0:1"),
    ]


def test_netstat_of_hpux() -> None:
    assert told(addresses.netstat(HPUX.splitlines())) == [
        ("192.0.2.5", "online", "lan0"),
        ("192.0.2.6", "online", "lan0:1"),
        ("198.51.100.5", "offline", "lan1"),
        ("2001:db8::5", "online", "lan0:1"),
    ]


def test_further_addresses_of_an_interface_are_a_clusters() -> None:
    kept = addresses.without_aliases(addresses.ifconfig(AIX.splitlines()))
    assert [port["id"] for port in kept] == ["192.0.2.1", "2001:db8::1", "198.51.100.1"]
    kept = addresses.without_aliases(addresses.netstat(HPUX.splitlines()))
    assert [port["id"] for port in kept] == ["192.0.2.5", "198.51.100.5", "2001:db8::5"]


@pytest.mark.parametrize(
    "address", ["127.1.2.3", "::1", "169.254.1.1", "fe80::1", "224.0.0.1", "ff02::1", "0.0.0.0", "::", "none"]
)
def test_addresses_that_do_not_tell_a_host_are_left_out(address: str) -> None:
    assert addresses.port(address, True, "en0") is None


@given(st.lists(st.text()))
def test_no_output_raises(lines: list[str]) -> None:
    addresses.without_aliases([*addresses.ifconfig(lines), *addresses.netstat(lines)])
