# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command that Bacula's director carries out long after it was given up: plays without engine, the test is the dispatcher."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.e2e import bacula_daemons
from ansible_collections.tapeworks.drive_sharing.tests.e2e.bacula_world import BaculaWorld
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import DRIVE, Hosts, known_hosts

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.world import HOSTS, Host

if lacking := bacula_daemons.missing():
    pytestmark = pytest.mark.skip(reason=f"this machine has no {', no '.join(lacking)}")

A, B = HOSTS[:2]
OWED = '{"drive_sharing_error_on": []}'
#: Waits with what disables a drive until it is told to go on: between the query and the set, where nobody else can get in.
CONSOLE = """\
#!/bin/sh
input=$(cat)
case $input in
*disable*)
  : >'{directory}/held'
  until [ -e '{directory}/go' ]; do sleep 0.1; done
  ;;
esac
printf '%s\\n' "$input" | bconsole "$@"
"""


@dataclass
class LateWorld(BaculaWorld, Hosts):
    """Two instances, one of them with a console that can be held."""

    def connect(self, host: Host, **variables: Any) -> None:
        """Write how a host is reached."""
        if host == B:
            variables["application_bacula_console_command"] = [str(self.directory / "console")]
        super().connect(host, **variables)

    def install(self, host: Host) -> None:
        """Prepare a host's instance, and its console."""
        super().install(host)
        console = self.directory / "console"
        console.write_text(CONSOLE.format(directory=self.directory), encoding="utf-8")
        console.chmod(0o755)

    def let_a_minute_pass(self) -> None:
        """Let the time come when what was left in doubt is looked at again."""
        with contextlib.closing(sqlite3.connect(self.table)) as table, table:
            assert table.execute("UPDATE answers SET recheck_at = recheck_at - 60").rowcount
            table.execute("UPDATE drives SET recheck_at = recheck_at - 60")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LateWorld]:
    """Give a world whose drive table knows both hosts."""
    with known_hosts(tmp_path / "world", LateWorld, hosts=HOSTS[:2], handshake=5) as made:
        yield made


def test_a_drive_that_the_director_disables_after_it_was_released_is_enabled_again(world: LateWorld) -> None:
    bacula = world.bacula[B.name]
    with ThreadPoolExecutor() as pool:
        play = pool.submit(world.play, world.change("reserved", A), "-e", OWED)
        bacula.wait("the console is about to disable the drive", (world.directory / "held").exists)
        bacula.stop("sd")
        (world.directory / "go").touch()
        bacula.wait("the director has the command", lambda: bacula.consoles() > 0)
        done = play.result()
    assert done.returncode != 0, done.stdout
    released = world.change("released")
    bacula.start("sd")
    done_again = world.play(released)
    assert done_again.returncode == 0, done_again.stdout
    bacula.wait("the director has carried out all that it was told", lambda: bacula.consoles() == 0)
    print("Right after the release the drives were", world.states(), "by now")
    world.let_a_minute_pass()
    last = world.play(world.again())
    assert f"ok: [{B.name}]" in last.stdout or f"changed: [{B.name}]" in last.stdout, "nobody has looked again"
    assert world.states() == ["online", "online"]
    row = world.drive(DRIVE)
    assert (row["settled"], world.answer(DRIVE, B)["taken"]) == (row["sequence"], 0)
    fault("bacula-late").seen_in(done.stdout, HOST=B.name)
