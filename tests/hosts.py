# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's hosts, or others, without engine: a test is the dispatcher, and runs the playbook reservation_change itself."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _changes,
    _dispatch,
    _identifiers,
    _store,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._change import Observation

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from demo.world import DRIVES, HOSTS, World

DRIVE = DRIVES[0]


class Hosts(World):
    """The demo's world without engine; the library only where a test starts it."""

    def prepare(self):
        """Make the directory; hosts of a test's own get an inventory of their own."""
        super().prepare()
        if self.hosts is not HOSTS:
            groups = {
                "drive_sharing": {"hosts": {host.name: {} for host in self.hosts}},
                "tape_libraries": {"hosts": {"library_1": {}}},
            }
            (self.inventory / "hosts.yml").write_text(json.dumps(groups), encoding="utf-8")

    def connect(self, host, **variables):
        """Write how a host is reached, and which drives it sees."""
        if host not in HOSTS:
            variables["drive_sharing_drives"] = [{"serial": drive, "library": "library_1"} for drive in host.names]
        super().connect(host, **variables)

    def observe(self, tx, status, host, drives, now):
        """Write what a detector would have seen."""
        holders = ({"protocol": "fc", "id": host.port},) if host else ()
        seen = [Observation(drive, status, holders, "2026-11-22T06:00:34.567890+00:00", "manual") for drive in drives]
        _changes.record(tx, seen, now)

    def change(self, status, host=None, drives=(DRIVE,)):
        """Write a change into the table and give the batch that is emitted for it."""
        now = time.time()
        store = _store.open_store(str(self.table))
        with store.write() as tx:
            self.observe(tx, status, host, drives, now)
            batch = self.emit(tx, now)
        store.close()
        return batch

    def again(self):
        """What a dispatcher does whose claimed play has ended: emit the drives anew."""
        store = _store.open_store(str(self.table))
        with store.write() as tx:
            _dispatch.expire(tx, time.time(), lambda _claimer: False)
            batch = self.emit(tx, time.time())
        store.close()
        return batch

    @staticmethod
    def emit(tx, now):
        batch = _identifiers.new_batch_id(now)
        return batch if _dispatch.emit(tx, _dispatch.due_drives(tx, now + 600, 100), batch, now) else None

    def play(self, batch, *options):
        """Run the playbook as the engine does."""
        return self.playbook("reservation_change", "-e", f"drive_sharing_batch={batch}", "--limit", "all,localhost", *options)

    def ad_hoc(self, host, arguments, *options):
        """Run application_drive by hand."""
        command = ["ansible", host.name, "-i", str(self.inventory), "-m", "tapeworks.drive_sharing.application_drive"]
        return subprocess.run(
            [*command, "-a", json.dumps(arguments), *options], cwd=self.directory, env=self.environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
        )

    def states(self, drive=DRIVE):
        """What every application says of the drive."""
        return [self.ask(host, 5)[drive].state for host in self.hosts if drive in host.names]

    def records(self):
        """Every record on every host."""
        found = {path: path.read_text() for path in self.directory.glob("host_*/records/*/*") if path.is_file()}
        return {str(path.relative_to(self.directory)): text for path, text in sorted(found.items())}


@contextlib.contextmanager
def known_hosts(directory, kind=Hosts, **options):
    """Give a world whose drive table knows its hosts."""
    with kind(directory, **options) as world:
        _store.open_store(str(world.table), create=True).close()
        done = world.playbook("host_facts")
        assert done.returncode == 0, done.stdout
        yield world
