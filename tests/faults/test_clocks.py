# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clocks that are a day off, or are set by a day at the worst moment: those of hosts, and the controller's own.

libfaketime (Debian: faketime) tells the hosts' shells another time. It breaks the sleep of Python 3.11, so Ansible is told
it by a module that Python loads at its start. The dispatcher is the real one, with the same clock.

The tests are the chapters of one story, so they run in this order.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _dispatcher, _store
from ansible_collections.tapeworks.drive_sharing.tests.faults.conftest import Faults, hosts_of
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import known_hosts

DAY = 86_400
LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
OFF, SET, CONTROLLER = ("behind", "ahead", "fell"), ("leapt",), {-DAY: "back", DAY: "forward"}
HOSTS = hosts_of(OFF, SET, *((name,) for name in CONTROLLER.values()))
OWED = ("-e", json.dumps({"drive_sharing_error_on": []}))

pytestmark = pytest.mark.skipif(LIBRARY is None, reason="this machine has no libfaketime (Debian: faketime)")

# Of a host: its shell, that lives in another time. The step that sets is the second one that a play sends.
SHELL = """#!/bin/sh
read -r count <"$0.count" || count=0
echo $((count + 1)) >"$0.count"
[ "$count" -lt {} ] || export LD_PRELOAD={} FAKETIME={:+d}
exec {} "$@"
"""


class Clocks(Faults):
    """Hosts, controller and dispatcher with clocks that can be set."""

    #: Seconds by which the controller's clock is wrong.
    off = 0

    @property
    def environment(self):
        given = super().environment
        module = self.directory / "clock" / "sitecustomize.py"
        module.parent.mkdir(exist_ok=True)
        module.write_text(f"import time\nright = time.time\ntime.time = lambda: right() + {self.off}\n")
        return {**given, "PYTHONPATH": os.pathsep.join([str(module.parent), given.get("PYTHONPATH", "")])}

    def set_host_clock(self, name, seconds, steps=0, shell="/bin/sh"):
        """Let a host's clock be wrong, after some steps only."""
        path = self.directory / f"shell_{name}"
        path.write_text(SHELL.format(steps, LIBRARY, seconds, shell))
        path.with_name(f"{path.name}.count").write_text("0\n")
        path.chmod(0o755)
        self.connect(self.host[name], drive_sharing_shell=str(path))

    def now(self):
        return time.time() + self.off

    def start_dispatcher(self):
        """Start the real dispatcher; the test gives it its turns, and takes its events."""
        self.store = _store.open_store(str(self.table))
        self.dispatcher = _dispatcher.Dispatcher(None, None, _dispatcher.Options(), clock=self.now)
        self.logged = []
        assert self.turn() == []

    def turn(self):
        """Let the dispatcher look at the table, as it does all the time; gives the batches that it emits."""
        self.dispatcher._look_at = 0.0  # the second from one look to the next is over
        step = self.dispatcher.step(self.store)
        self.logged += [message for _level, message in step.messages]
        return step.emit

    def see(self, status, host, drive):
        """Write a change, and give the batch that the dispatcher emits for it."""
        with self.store.write() as tx:
            self.observe(tx, status, host, [drive], self.now())
        (batch,) = self.turn()
        return batch

    def calls(self, name, word):
        """How often a host's application was told so."""
        lines = (self.state_of(self.host[name]) / "calls").read_text().splitlines()
        return sum(line.split()[1] == word for line in lines)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with known_hosts(tmp_path_factory.mktemp("clocks") / "world", Clocks, hosts=HOSTS) as world:
        yield world


@pytest.fixture(scope="module")
def seen(world):
    """A reservation, at hosts whose clocks are wrong."""
    world.set_host_clock("behind", -DAY)
    world.set_host_clock("ahead", DAY, shell=shutil.which("bash") or "/bin/sh")
    world.set_host_clock("fell", -DAY, steps=1)
    world.set_host_clock("leapt", DAY, steps=1)
    return world.played(world.change("reserved", world.holder, [*world.drives[:2], world.calm]), *OWED)


def test_a_host_whose_clock_is_a_day_off_is_set_in_time(seen, world):
    drive = world.drives[0]
    fault("host-clock-off").seen_in(seen.texts, DRIVE=drive)
    assert {seen.states[(f"host_{name}", drive)] for name in OFF} == {"offline"}


def test_a_host_whose_clock_is_set_forward_between_reading_and_setting_does_nothing(seen, world):
    drive = world.drives[1]
    fault("host-clock-set").seen_in(seen.texts, HOST="host_leapt", DRIVE=drive)
    assert (seen.states[("host_leapt", drive)], set(seen.owed)) == ("online", {("host_leapt", drive)})
    assert not world.called("leapt", "offline")
    assert seen.states[("host_b", drive)] == "offline"


def test_the_next_play_sets_it(seen, world):
    after = world.played(world.again(), *OWED)
    assert (after.returncode, after.owed, after.states[("host_leapt", world.drives[1])]) == (0, {}, "offline"), after.play
    after = world.played(world.change("released", drives=[*world.drives[:2], world.calm]))
    assert (after.returncode, after.owed, set(after.states.values())) == (0, {}, {"online"}), after.play


@pytest.fixture(params=CONTROLLER, ids=CONTROLLER.values())
def day(request, world):
    """A day, back or forth; at the end the clock is right again."""
    world.off = 0
    world.start_dispatcher()
    yield request.param
    world.store.close()
    world.off = 0


def test_what_is_owed_is_paid_at_once_when_the_controllers_clock_is_set_by_a_day_and_set_right_again(world, day):
    name = CONTROLLER[day]
    (drive,) = world.host[name].names
    world.behave(world.host[name], "hang", "offline")
    seen = world.played(world.see("reserved", world.holder, drive), *OWED)
    assert set(seen.owed) == {(f"host_{name}", drive)}
    world.behave(world.host[name], "ok", "offline")
    world.off = day
    (batch,) = world.turn()
    fault("controller-clock-set").seen_in({"log": "\n".join(world.logged)})
    seen = world.played(batch, *OWED)
    assert (seen.returncode, seen.owed, seen.states[(f"host_{name}", drive)]) == (0, {}, "offline"), seen.play
    assert abs(seen.answers[(f"host_{name}", drive)]["answered_at"] - world.now()) < 3600, "the play had another clock"
    # The set that hung has left a doubt, which is to be looked at in a minute: neither in a day nor the whole day long.
    assert world.turn() == []
    world.off = 0
    (batch,) = world.turn()
    seen = world.played(batch, *OWED)
    assert (seen.returncode, seen.owed, seen.drives[drive]["due"]) == (0, {}, None), seen.play
    assert [world.turn() for _look in range(3)] == [[], [], []]
    assert world.calls(name, "offline") == 2, "once when it hung, once when it did not"


def test_a_play_is_at_work_while_the_controllers_clock_is_set_by_a_day_and_the_drive_is_set_once(world, day):
    name = CONTROLLER[day]
    (drive,) = world.host[name].names
    assert world.truth(world.host[name], drive) == "offline"
    world.behave(world.host[name], "wait", "online")
    with world.playing(world.see("released", None, drive)) as end:
        world.until(lambda: world.called(name, "online"), "the application is told")
        world.off = day
        emitted = world.turn()
        world.behave(world.host[name], "ok", "online")
        seen = end()
    if day > 0:
        # By the new clock the play has had its time, so another one looks after it.
        (batch,) = emitted
        seen = world.played(batch)
        fault("controller-clock-lease").seen_in(seen.texts, DRIVE=drive)
    else:
        assert emitted == []
    assert (seen.returncode, seen.owed, seen.states[(f"host_{name}", drive)]) == (0, {}, "online"), seen.play
    assert seen.drives[drive]["settled"] == seen.drives[drive]["sequence"]
    assert world.calls(name, "online") == 1
    world.off = 0
    assert [world.turn() for _look in range(3)] == [[], [], []]
