# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that cannot be reached, over real SSH."""

from __future__ import annotations

import socket

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.faults.conftest import hosts_of
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import known_hosts
from ansible_collections.tapeworks.drive_sharing.tests.sshd import ADDRESSES, sshd

A, B, DOWN = HOSTS = hosts_of("down")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("hosts")
    with sshd(directory / "sshd") as connection, known_hosts(directory / "world", hosts=HOSTS) as world:
        world.start_library(send=False)
        for host in HOSTS:
            world.connect(host, **connection, ansible_host=ADDRESSES["host_a"])
        yield world


def test_a_host_that_is_down_is_named_and_delays_nobody(world):
    nobody = socket.socket()
    nobody.bind((ADDRESSES["host_b"], 0))
    world.connect(DOWN, ansible_connection="ssh", ansible_host=ADDRESSES["host_b"], ansible_port=nobody.getsockname()[1])
    done = world.play(world.change("reserved", A, list(A.names)))
    fault("host-down").seen_in({"play": done.stdout}, HOST="host_down")
