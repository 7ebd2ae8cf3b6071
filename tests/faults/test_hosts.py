# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that cannot be reached, or are lost while they are at work; over real SSH, all in one play.

The tests are the chapters of one story, so they run in this order.
"""

from __future__ import annotations

import socket
import subprocess

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.faults.conftest import Faults, Line, hosts_of
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import known_hosts
from ansible_collections.tapeworks.drive_sharing.tests.sshd import ADDRESSES, sshd

HERE = ADDRESSES["host_a"]
#: Else they would go through the connection that ssh keeps to another host at the same address.
ELSEWHERE = {"refused": ADDRESSES["host_b"], "key": ADDRESSES["host_c"]}
LOST = ("cut", "frozen")
# Not more than three of each: of more, the play tells in one sentence.
HOSTS = hosts_of(("down", "silent", "swapping"), ("refused", "key"), LOST)


class Net(Faults):
    """All hosts behind one sshd."""

    def heal(self):
        """Let every host be reached, those of the lines through a new connection of their line."""
        for host in self.hosts:
            address = ELSEWHERE.get(host.name.removeprefix("host_"), HERE)
            self.connect(host, **{**self.good, "ansible_host": address})
        for name, line in self.lines.items():
            self.connect(self.host[name], **{**self.good, "ansible_host": "127.0.0.1", "ansible_port": line.port})

    def spoil(self, *names):
        """Let hosts not be reached any more."""
        for name in names:
            address = ELSEWHERE.get(name, HERE)
            self.connect(self.host[name], **{**self.good, "ansible_host": address, **self.wrong[name]})


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("hosts")
    with (
        sshd(directory / "sshd") as connection,
        known_hosts(directory / "world", Net, hosts=HOSTS, handshake=3) as world,
        # A port that is taken while nobody listens on it, and one where nobody ever takes a connection.
        socket.socket() as nobody,
        socket.create_server((HERE, 0)) as deaf,
    ):
        nobody.bind((HERE, 0))
        other = directory / "other"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
        known = directory / "known_hosts"
        known.write_text(f"[{ELSEWHERE['key']}]:{connection['ansible_port']} {other.with_suffix('.pub').read_text()}")
        world.good = {**connection, "ansible_host": HERE}
        world.lines = {name: Line((HERE, connection["ansible_port"])) for name in LOST}
        world.heal()
        world.wrong = {
            "down": {"ansible_port": nobody.getsockname()[1]},
            "refused": {"ansible_ssh_private_key_file": str(other)},
            "key": {
                "ansible_ssh_common_args": f"-F none -o IdentitiesOnly=yes -o UserKnownHostsFile={known}",
                "ansible_ssh_host_key_checking": True,
            },
            "silent": {"ansible_port": deaf.getsockname()[1]},
            # As it is with the default times: ssh's own limit of 10 s is over before ours of 14 s.
            "swapping": {"ansible_port": deaf.getsockname()[1], "ansible_ssh_timeout": 1},
        }
        yield world


def test_a_release_that_a_host_did_not_hear_leaves_the_drive_safely_offline_there(world):
    drive = world.drives[0]
    assert world.played(world.change("reserved", world.holder, [drive])).returncode == 0
    world.spoil("down")
    seen = world.played(world.change("released", drives=[drive]))
    fault("host-down-at-release").seen_in(seen.texts, HOST="host_down")
    assert (set(seen.owed), seen.drives[drive]["error_state"]) == ({("host_down", drive)}, "")
    assert [seen.states[(f"host_{name}", drive)] for name in ("b", "silent", "down")] == ["online", "online", "offline"]


def test_what_is_owed_is_paid_when_the_host_returns(world):
    world.heal()
    world.all_is_right(world.played(world.again()), "online")


@pytest.fixture(scope="module")
def outage(world):
    """A reservation, while hosts cannot be reached and connections are lost."""
    world.spoil(*world.wrong)
    for name in LOST:
        world.behave(world.host[name], "wait", "offline")
    with world.playing(world.change("reserved", world.holder, list(world.holder.names))) as end:
        for name, line in world.lines.items():
            world.until(lambda name=name: world.called(name, "offline"), f"{name} is at work")
            line.cut() if name == "cut" else line.silence()
        return end()


def test_a_host_that_is_down_is_named(outage):
    fault("host-down").seen_in(outage.texts, HOST="host_down")


def test_a_host_that_refuses_the_key_is_named(outage):
    fault("ssh-refused").seen_in(outage.texts, HOST="host_refused")


def test_a_host_whose_key_has_changed_is_not_talked_to(outage):
    fault("host-key-changed").seen_in(outage.texts, HOST="host_key")
    assert ("key" in outage.touched, "down" in outage.touched) == (False, True)


def test_a_host_that_takes_the_connection_and_says_nothing_is_given_up_in_time(outage):
    fault("host-silent").seen_in(outage.texts, HOST="host_silent")


def test_a_host_that_says_nothing_until_sshs_own_limit_is_named(outage):
    fault("host-swaps").seen_in(outage.texts, HOST="host_swapping")


def test_a_connection_that_is_lost_during_the_set_is_no_confirmation(outage):
    fault("connection-lost").seen_in(outage.texts, HOST="host_cut")


def test_a_connection_that_falls_silent_during_the_set_is_given_up_in_time(outage):
    fault("connection-silent").seen_in(outage.texts, HOST="host_frozen")


def test_nobody_else_is_delayed_and_the_drives_are_in_their_error_state(outage, world):
    world.others_were_in_time(outage, before=["silent", "frozen"])
    assert set(outage.owed) == {(host.name, drive) for host in world.faulty for drive in host.names}
    for drive in world.drives:
        assert (outage.drives[drive]["error_state"], world.library("GET", f"/drives/{drive}")["error"]) == ("error", True)
        fault("drive-in-error").seen_in(outage.texts, DRIVE=drive)
    assert outage.drives[world.calm]["error_state"] == ""
    assert outage.returncode != 0


def test_when_the_hosts_are_back_the_next_play_asks_them_and_the_error_state_stays(outage, world):
    for name in LOST:
        world.behave(world.host[name], "ok", "offline")
    world.heal()
    seen = world.played(world.again())
    world.all_is_right(seen)
    assert {seen.drives[drive]["error_state"] for drive in world.drives} == {"error"}
    # What was begun while the connection was lost counts as ours.
    records = {path.split("/")[0]: text for path, text in world.records().items()}
    assert all('"taken":true' in records[f"host_{name}"] for name in LOST)
