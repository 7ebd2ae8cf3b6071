# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records that cannot be written, or cannot be understood: nothing is set there.

The tests are the chapters of one story, so they run in this order.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.faults.conftest import Faults, hosts_of
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import known_hosts

MOUNTED = ("full", "readonly")
HOSTS = hosts_of((*MOUNTED, "owner"), ("junk", "newer"))
OWED = ("-e", json.dumps({"drive_sharing_error_on": []}))
ROOT = os.geteuid() == 0


class Places(Faults):
    """Where the records are can be spoilt."""

    def place(self, name):
        """The directory of a host's records."""
        return self.directory / f"host_{name}" / "records"

    def record(self, name):
        """The record of a host's drive."""
        (drive,) = self.host[name].names
        return self.place(name) / f"host_{name}" / drive

    def give_to_nobody(self, name):
        """Let a host's commands be run by somebody who owns all of its files."""
        home = self.directory / f"host_{name}"
        for path in (home, *home.rglob("*")):
            shutil.chown(path, "nobody")
        home.chmod(0o755)
        self.connect(
            self.host[name], ansible_become=True, ansible_become_user="nobody",
            ansible_become_method="ansible.builtin.su", ansible_become_flags="-s /bin/sh",
        )

    def spoil(self):
        """Fill one disk, let another be read only, let a directory belong to another owner, damage two records."""
        with contextlib.suppress(OSError), (self.place("full") / "filler").open("wb") as filler:
            while True:
                filler.write(bytes(4096))
                filler.flush()
        subprocess.run(["mount", "-o", "remount,ro", self.place("readonly")], check=True)
        shutil.chown(self.place("owner") / "host_owner", "root")
        self.kept = {name: self.record(name).read_text() for name in ("junk", "newer")}
        self.record("junk").write_text("\x1b[2J{{ 7 * 7 }}\n")
        self.record("newer").write_text(self.kept["newer"].replace('"version":1', '"version":2'))

    def mend(self):
        """Take all of it back."""
        (self.place("full") / "filler").unlink()
        subprocess.run(["mount", "-o", "remount,rw", self.place("readonly")], check=True)
        shutil.chown(self.place("owner") / "host_owner", "nobody")
        # What its sentence says: remove it, once it is known that the drive is not offline because of us.
        self.record("junk").unlink()
        self.record("newer").write_text(self.kept["newer"])


@pytest.fixture(scope="module")
def world():
    """A world in which other users can find their files: pytest keeps its own folders to their owner."""
    if not ROOT or not shutil.which("su"):
        pytest.skip("only root can mount a small disk and become somebody else")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        world = stack.enter_context(known_hosts(Path(folder) / "world", Places, hosts=HOSTS))
        for path in (Path(folder), world.directory):
            path.chmod(0o711)
        for name in MOUNTED:
            place = world.place(name)
            place.mkdir()
            if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=False).returncode:
                pytest.skip("a small file system cannot be mounted here")
            stack.callback(subprocess.run, ["umount", "-l", place], check=True)
        world.give_to_nobody("owner")
        yield world


@pytest.fixture(scope="module")
def seen(world):
    """A reservation after a first change, which has left a record everywhere."""
    assert world.played(world.change("released", drives=list(world.holder.names))).returncode == 0
    world.spoil()
    return world.played(world.change("reserved", world.holder, list(world.holder.names)), *OWED)


def test_a_full_disk_stops_the_set_before_it_begins(seen):
    fault("record-disk-full").seen_in(seen.texts, HOST="host_full")


def test_a_disk_that_is_read_only_stops_the_set_before_it_begins(seen):
    fault("record-read-only").seen_in(seen.texts, HOST="host_readonly")


def test_a_directory_of_another_owner_stops_the_set_before_it_begins(seen):
    fault("record-other-owner").seen_in(seen.texts, HOST="host_owner")


def test_a_record_that_is_junk_is_left_as_it_is(seen, world):
    fault("record-junk").seen_in(seen.texts, HOST="host_junk")
    assert world.record("junk").read_text() == "\x1b[2J{{ 7 * 7 }}\n"
    assert "\x1b" not in seen.play + seen.table


def test_a_record_of_a_newer_version_is_left_as_it_is(seen, world):
    fault("record-newer").seen_in(seen.texts, HOST="host_newer")
    assert '"version":2' in world.record("newer").read_text()


def test_nothing_was_set_there_nobody_else_is_delayed_and_what_is_missing_is_owed(seen, world):
    world.others_were_in_time(seen)
    assert set(seen.owed) == {(host.name, drive) for host in world.faulty for drive in host.names}
    assert {seen.states[key] for key in seen.owed} == {"online"}
    assert not any(world.called(name, "offline") for name in ("full", "readonly", "owner", "junk", "newer"))


def test_when_the_place_is_good_again_the_next_play_puts_everything_right(seen, world):
    world.mend()
    world.all_is_right(world.played(world.again(), *OWED))
    world.all_is_right(world.played(world.change("released", drives=list(world.holder.names)), *OWED), "online")
