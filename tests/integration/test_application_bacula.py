# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role application_bacula, and changes, against Bacula's own daemons on a local host."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.e2e.bacula_daemons import (
    OK,
    SYSTEM_PATH,
    Bacula,
    missing,
    resource,
)
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.hosts import HOSTS, Hosts, known_hosts

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.world import DRIVES

ROOT = Path(__file__).resolve().parents[2]
A, B, _C = HOSTS
ONE, TWO = DRIVES
#: The console of the page, with the names of the test's Bacula.
PAGE = (ROOT / "docs" / "application_bacula.md").read_text(encoding="utf-8")
CONSOLE = re.search(r"^Console \{\n.*?^\}\n", PAGE, re.MULTILINE | re.DOTALL)[0]
ALLOWED = re.search(r"CommandACL = (.*)", CONSOLE)[1].split(", ")

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"needs {', '.join(missing())}")


class Consoles(Bacula):
    """Bacula with the console that the page tells to make, and with others that may do less."""

    secret = secrets.token_hex(12)

    def prepare(self):
        super().prepare()
        own = CONSOLE.replace("a long random one", self.secret).replace("Library1", "Changer").replace("MyCatalog", "Catalog")
        assert own.count(self.secret) == own.count("= Changer") == own.count("= Catalog") == 1
        everything = "*all*"
        consoles = [own]
        for name, commands, storage, catalog in (
            ("everywhere", ALLOWED, everything, {"CatalogACL": everything}),
            ("no_show", [word for word in ALLOWED if word != "show"], everything, {"CatalogACL": everything}),
            ("no_disable", [word for word in ALLOWED if word != "disable"], everything, {"CatalogACL": everything}),
            ("no_catalog", ALLOWED, everything, {}),
            ("one_drive", ALLOWED, "OnlyDrive-1", {"CatalogACL": everything}),
        ):
            consoles.append(
                resource("Console", Name=name, Password=self.secret, CommandACL=commands, StorageACL=storage, **catalog)
            )
            self.write(name, name, self.secret)
        with (self.etc / "dir.conf").open("a", encoding="utf-8") as configuration:
            configuration.write("\n".join(consoles))
        self.write("drive_sharing", "drive_sharing", self.secret)
        self.write("wrong", "drive_sharing", "wrong")
        self.write("open", "drive_sharing", self.secret).chmod(0o644)

    def write(self, file, name, password):
        path = self.etc / f"{file}.conf"
        path.touch(0o600)
        path.write_text(
            self._director_of_console("not used") + resource("Console", Name=name, Password=password, Director="lab-dir"),
            encoding="utf-8",
        )
        return path


class World(Hosts):
    """The demo's hosts, with Bacula in place of the demo's application on the second one."""

    def prepare(self):
        self.bacula = Consoles(self.directory / B.name / "bacula", "lab")
        self.options = {
            "application_bacula_storages": ["Changer"],
            # As a test has no dispatcher, that is when it emits a batch anew.
            "application_bacula_recheck": 1,
            "application_bacula_console_command": [shutil.which("bconsole", path=SYSTEM_PATH)],
        }
        super().prepare()
        self.bacula.launch()
        self.bacula.label()

    def install(self, host):
        if host is B:
            self.bacula.prepare()
        else:
            super().install(host)

    def connect(self, host, **variables):
        if host is B:
            variables = {
                "drive_sharing_applications": [{"application": "bacula"}],
                "drive_sharing_drives": [
                    {**drive, "library": "library_1"} for drive in self.bacula.drive_sharing_drives(DRIVES)
                ],
                "application_bacula_console_file": str(self.bacula.etc / "drive_sharing.conf"),
                **self.options,
                **variables,
            }
        super().connect(host, **variables)

    def close(self):
        self.bacula.close()
        super().close()

    def role(self, *steps, options=()):
        """Run the role with each step's entry point and variables; give the result of each, and the whole output."""
        tasks = []
        for entry, variables in steps:
            call = {"name": "tapeworks.drive_sharing.application_bacula", "tasks_from": entry}
            tasks.append({
                "block": [{"ansible.builtin.include_role": call, "vars": variables}],
                "rescue": [{"ansible.builtin.debug": {"msg": "It failed."}}],
                "always": [{"ansible.builtin.debug": {"var": "application_bacula_result"}}],
            })
        playbook = self.directory / "role.yml"
        playbook.write_text(json.dumps([{"hosts": B.name, "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
        done = subprocess.run(
            ["ansible-playbook", "-i", str(self.inventory), str(playbook), *options], cwd=self.directory,
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        shown = re.findall(r"^ok: \[host_b\] => (\{\n.*?^\})", done.stdout, re.MULTILINE | re.DOTALL)
        results = [value["application_bacula_result"] for text in shown if "msg" not in (value := json.loads(text))]
        assert len(results) == len(steps), done.stdout
        return results, done.stdout

    def record(self, drive):
        """Give what the record says."""
        path = self.directory / B.name / "records" / B.name / drive
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def reset(self):
        """Bring everything back to where it began, by Bacula's own means."""
        if self.bacula.states() != ("online", "online"):
            self.bacula.say("enable storage=Changer drive=0", "enable storage=Changer drive=1")
        shutil.rmtree(self.directory / B.name / "records", ignore_errors=True)


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    with known_hosts(tmp_path_factory.mktemp("bacula") / "world", World, handshake=5) as world:
        yield world


@pytest.fixture
def world(started):
    yield started
    started.connect(B)
    started.reset()


def drives(result):
    return {one["drive"]: (one["outcome"], one["state"]) for one in result["drives"]}


BOTH = {"application_bacula_drives": list(DRIVES)}


def test_the_role_sets_both_drives_in_one_dialogue_there_and_back_and_changes_nothing_twice(world):
    results, output = world.role(
        ("query", {}), ("offline", BOTH), ("offline", BOTH), ("query", BOTH), ("online", BOTH), ("online", BOTH), ("query", {}),
    )
    asked, off, again, offline, on, twice, last = results
    assert {
        one["drive"]: (one["state"], one["configured"], one["names"], one["shown"], one["in_use"], one["problem"])
        for one in asked["drives"]
    } == {
        ONE: ("online", True, ["Drive-0 (storage=Changer drive=0)"], "Drive-0: enabled", False, None),
        TWO: ("online", True, ["Drive-1 (storage=Changer drive=1)"], "Drive-1: enabled", False, None),
    }
    assert (off["changed"], drives(off)) == (True, dict.fromkeys(DRIVES, ("offline", "offline"))), output
    assert (again["changed"], drives(again)) == (False, dict.fromkeys(DRIVES, ("offline", "offline")))
    assert [one["shown"] for one in offline["drives"]] == ["Drive-0: disabled", "Drive-1: disabled"]
    assert (on["changed"], drives(on)) == (True, dict.fromkeys(DRIVES, ("online", "online")))
    assert (twice["changed"], [one["state"] for one in last["drives"]]) == (False, ["online", "online"])
    assert world.bacula.states() == ("online", "online")


def test_in_check_mode_the_difference_is_shown_and_nothing_is_set(world):
    (result,), output = world.role(("offline", BOTH), options=["--check", "--diff"])
    assert result["changed"]
    assert output.count("-online") == output.count("+offline") == 2
    assert (world.bacula.states(), world.record(ONE)) == (("online", "online"), "")


def test_a_running_job_keeps_its_drive_until_it_ends_by_hand_and_by_a_change(world):
    job = world.bacula.run(0, hold=True)
    world.bacula.wait_until_busy(0)
    (result,), _output = world.role(("offline", BOTH))
    assert drives(result) == {ONE: ("busy", "online"), TWO: ("offline", "offline")}
    assert "a job is running on the drive" in result["msg"]
    world.bacula.set("online", 1)
    done = world.play(world.change("reserved", A, DRIVES))
    assert world.bacula.states() == ("online", "offline"), done.stdout
    world.bacula.feed(job)
    assert world.bacula.let_end(job) == OK
    done = world.play(world.again())
    assert (done.returncode, world.bacula.states()) == (0, ("offline", "offline")), done.stdout
    assert '"taken":true' in world.record(ONE)
    done = world.play(world.change("released", None, DRIVES))
    assert (done.returncode, world.bacula.states()) == (0, ("online", "online")), done.stdout


def test_what_keeps_a_console_from_its_work_is_one_sentence_and_nothing_is_set(world):
    etc = world.bacula.etc

    def step(console, **over):
        return ("offline", {**BOTH, "application_bacula_console_file": str(etc / f"{console}.conf"), **over})

    steps = {
        # A director takes five seconds to refuse.
        "wrong": step("wrong", drive_sharing_handshake_timeout=15),
        "absent": step("absent"),
        "open": step("open"),
        "no_show": step("no_show"),
        "no_disable": step("no_disable"),
        "no_catalog": step("no_catalog"),
        "one_drive": step("one_drive"),
        "other_drive": step("one_drive", application_bacula_storages=["OnlyDrive-0"]),
        "misspelt": step("drive_sharing", application_bacula_storages=["Changr"]),
        "not_reached": step("everywhere", application_bacula_storages=["OnlyDrive-1"], application_bacula_drives=[ONE]),
        "program": step("everywhere", application_bacula_console_command=["/nonexistent/bconsole"]),
    }
    found, output = world.role(*steps.values())
    assert all(result["failed"] for result in found)
    said = {name: result["msg"] for name, result in zip(steps, found, strict=True)}
    assert f"the director refuses the name or the password in {etc}/wrong.conf" in said["wrong"]
    assert f"bconsole cannot read {etc}/absent.conf: No such file or directory" in said["absent"]
    fault("bacula-file-open").seen_in(said["open"], FILE=f"{etc}/open.conf", TEXT="-rw-r--r--")
    fault("bacula-no-show").seen_in(said["no_show"], TEXT="Changer")
    fault("bacula-acl").seen_in(said["no_disable"])
    fault("bacula-catalog").seen_in(said["no_catalog"])
    for name, listed in (("one_drive", "OnlyDrive-1"), ("other_drive", "OnlyDrive-1"), ("misspelt", "Changer")):
        fault("bacula-no-storage").seen_in(said[name])
        assert f"it lists {listed}" in said[name]
    fault("bacula-not-reached").seen_in(said["not_reached"])
    fault("bacula-no-program").seen_in(said["program"])
    assert "Traceback" not in output
    assert world.bacula.states() == ("online", "online")
    assert world.bacula.secret not in output


def test_a_console_that_may_not_use_show_works_with_the_storages_device_configured(world):
    over = {
        "application_bacula_console_file": str(world.bacula.etc / "no_show.conf"),
        "application_bacula_storages": [{"name": "Changer", "device": "Changer"}],
    }
    (result,), output = world.role(("offline", {**BOTH, **over}))
    assert drives(result) == dict.fromkeys(DRIVES, ("offline", "offline")), output


def wrapper(world, body):
    """Put a program in front of bconsole that does something when it comes to setting."""
    path = world.directory / "wrapper"
    real = world.options["application_bacula_console_command"][0]
    path.write_text(
        "#!/bin/sh\nlines=$(cat)\n"
        f"case $lines in *disable*|*enable*)\n{body}\n;; esac\n"
        f"printf '%s\\n' \"$lines\" | {real} \"$@\"\n",
        encoding="utf-8",
    )
    path.chmod(0o755)
    return [str(path)]


def test_a_storage_that_vanishes_between_reading_and_setting_is_told_with_the_drive_that_was_hit(world):
    # As if the director had been given another configuration: one storage is left, and it is the other drive's.
    command = wrapper(world, f"set -- -n -c {world.bacula.etc}/one_drive.conf")
    over = {
        "application_bacula_console_file": str(world.bacula.etc / "everywhere.conf"),
        "application_bacula_storages": ["OnlyDrive-0"], "application_bacula_console_command": command,
    }
    (result,), output = world.role(("offline", {"application_bacula_drives": [ONE], **over}))
    assert world.bacula.states() == ("online", "offline"), output
    assert result["failed"]
    assert "the director disabled device Drive-1 in place of Drive-0: storage OnlyDrive-0 is not what it was" in result["msg"]
    fault("bacula-other-device").seen_in(result["msg"])


def test_nothing_is_sent_to_a_storage_daemon_that_is_down(world):
    batch = world.change("reserved", A)
    world.bacula.stop("sd")
    done = world.play(batch, "-e", '{"drive_sharing_error_on": []}')
    assert (
        f"the storage daemon of storage Changer at 127.0.0.1:{world.bacula.ports['sd']} does not answer; nothing was sent to it"
        in " ".join(done.stdout.split())
    )
    assert world.record(ONE) == ""
    world.bacula.start("sd")
    done = world.play(world.again())
    assert (done.returncode, world.bacula.states()) == (0, ("offline", "online")), done.stdout
    # A storage daemon forgets what was disabled: the drive is looked at again.
    world.bacula.restart("sd")
    assert world.bacula.states() == ("online", "online")
    done = world.play(world.again())
    assert (done.returncode, world.bacula.states()) == (0, ("offline", "online")), done.stdout
    done = world.play(world.change("released"))
    assert (done.returncode, world.bacula.states()) == (0, ("online", "online")), done.stdout
