# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module and playbook host_facts, through real ansible-playbook, on hosts with fabricated sysfs and on this machine's own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _dispatch, _store
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_facts as host_facts
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.unit.fixtures.facts import schema
from ansible_collections.tapeworks.drive_sharing.tests.unit.fixtures.linux import sysfs

SYSTEMS = ", ".join(platform.SYSTEM for platform in host_facts.PLATFORMS.values())
ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = "tapeworks.drive_sharing.host_facts"
MANUAL_PORT = {"protocol": "fc", "id": "50:0A:09:81:8D:32:5C:11"}
ONE_TASK = """
- name: Ask
  hosts: all
  gather_facts: false
  tasks:
    - name: Ask for drives and ports
      tapeworks.drive_sharing.host_facts:
        {options}
      {keywords}
"""


@dataclass
class Run:
    """What ansible-playbook did; ``results`` has the last result of each host."""

    status: int
    output: str
    results: dict[str, dict[str, Any]]


class Site:
    """An inventory with its hosts' trees and a drive table of its own."""

    #: How long a play may take, in seconds; tests/lab runs them on an interpreted processor.
    LIMIT = 120

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.table = directory / "table.sqlite"
        self.hosts: dict[str, dict[str, Any]] = {}

    def host(self, name: str, **variables: Any) -> Path:
        """Add a host; gives the directory that its tree is to be made in."""
        root = self.directory / "hosts" / name
        self.hosts[name] = {"ansible_connection": "local", "drive_sharing_root": str(root), **variables}
        return root

    def run(self, play: str, *words: str) -> Run:
        """Run a playbook over the inventory."""
        inventory = self.directory / "inventory.json"
        inventory.write_text(json.dumps({"drive_sharing": {"hosts": self.hosts}}))
        tree = self.directory / "results"
        shutil.rmtree(tree, ignore_errors=True)
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-i", inventory, play, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            timeout=self.LIMIT,
            env={
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.directory),
                "LANG": "C.UTF-8",
                "COLUMNS": "300",
                "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / "build/collections")),
                "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.tree",
                "ANSIBLE_CALLBACK_TREE_DIR": str(tree),
                "ANSIBLE_FORKS": "10",
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_HOST_KEY_CHECKING": "0",
                "DRIVE_SHARING_TABLE": str(self.table),
            },
        )
        results = {file.name: json.loads(file.read_text()) for file in tree.iterdir()} if tree.is_dir() else {}
        return Run(done.returncode, done.stdout, results)

    def ask(self, options: str, *words: str, keywords: str = "") -> Run:
        """Run the module on all hosts, with these options."""
        play = self.directory / "play.yml"
        play.write_text(ONE_TASK.format(options=options, keywords=keywords))
        return self.run(str(play), *words)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Look into the drive table."""
        with contextlib.closing(sqlite3.connect(self.table)) as database:
            return database.execute(sql).fetchall()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@dataclass
class Story:
    """One site with hosts of every kind, asked by the playbook three times."""

    site: Site
    first: Run
    again: Run
    later: Run


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    site = Site(tmp_path_factory.mktemp("story"))
    sysfs.two_paths(site.host("two_paths", drive_sharing_applications=[{"application": "custom"}]))
    sysfs.iscsi_lab(site.host("iscsi"))
    site.host("real", drive_sharing_root="/")
    site.host(
        "manual",
        drive_sharing_discover=False,
        drive_sharing_drives=[{"serial": "1310211169"}],
        drive_sharing_ports=[MANUAL_PORT],
    )
    sysfs.two_paths(
        site.host(
            "overridden",
            drive_sharing_drives=[
                {"serial": "10WT012345", "location": "F1,C2,R3"},
                {"serial": "10WT067890", "ignore": True},
            ],
            drive_sharing_ports=[
                {"protocol": "fc", "id": "10:00:00:90:FA:16:58:DE", "ignore": True},
                {"protocol": "fc", "id": "10:00:00:90:FA:16:58:DF", "ignore": True},
                {"protocol": "fc", "id": "10:00:00:90:FA:16:58:E0", "ignore": True},
                {"protocol": "ip", "id": "2001:DB8::1"},
            ],
        )
    )
    site.host("wrong", drive_sharing_ports=[{"protocol": "fc", "id": "1000"}])
    site.host("unreachable", ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1)
    first = site.run(PLAYBOOK)
    again = site.run(PLAYBOOK)
    # A drive is taken into service mode: it vanishes from the bus.
    shutil.rmtree(site.directory / "hosts/two_paths")
    sysfs.Host(site.directory / "hosts/two_paths").fc_host(7, "0x10000090fa1658de")
    later = site.run(PLAYBOOK)
    return Story(site, first, again, later)


def test_the_playbook_records_every_host_that_answers(story: Story) -> None:
    assert story.first.status != 0
    assert {row[0] for row in story.site.rows("SELECT host FROM hosts")} == {
        "two_paths",
        "iscsi",
        "real",
        "manual",
        "overridden",
    }
    assert re.search(r"^two_paths .* changed=1 ", story.first.output, re.MULTILINE), "all of them at once, by the first that answered"


def test_a_second_run_changes_nothing(story: Story) -> None:
    assert not re.search(r" changed=[1-9]", story.again.output)


def test_hosts_that_fail_are_named_and_their_fault_is_one_sentence(story: Story) -> None:
    assert "What is recorded of these hosts is as it was before: wrong, unreachable" in story.first.output
    fault("facts-failed").seen_in(story.first.output, HOST="wrong")
    assert (
        story.first.results["wrong"]["msg"]
        == "drive_sharing_ports[0].id must be a WWN of 16 hexadecimal digits, not '1000'"
    )
    assert story.first.results["unreachable"]["unreachable"]


def test_the_table_says_where_each_entry_came_from(story: Story) -> None:
    lines = [line.strip().strip('",') for line in story.first.output.splitlines()]
    cells = [re.split(r"  +", line) for line in lines]
    assert ["HOST", "KIND", "NAME", "STATE", "ORIGIN", "SEEN THROUGH"] in cells
    path = "/dev/st0 by fc 10000090fa1658de, /dev/st1 by fc 10000090fa1658df"
    assert ["two_paths", "drive", "10WT012345", "-", "found", path] in cells
    assert ["two_paths", "port", "fc 10000090fa1658e0", "offline", "found", "host9"] in cells
    assert ["manual", "drive", "1310211169", "-", "manual", "-"] in cells
    assert ["manual", "port", "fc 500a09818d325c11", "unknown", "manual", "-"] in cells
    assert ["overridden", "drive", "10WT012345", "-", "overridden", path] in cells
    assert ["overridden", "port", "ip 2001:db8::1", "unknown", "manual", "-"] in cells
    assert not [line for line in cells if line[:1] == ["overridden"] and "10WT067890" in line]


def test_what_is_ignored_is_forgotten_and_not_kept_as_missing(site: Site) -> None:
    sysfs.two_paths(site.host("a"))
    site.ask("record: true")
    site.hosts["a"]["drive_sharing_drives"] = [{"serial": "10WT012345", "ignore": True}]
    site.hosts["a"]["drive_sharing_ports"] = [{"protocol": "fc", "id": "10000090fa1658e0", "ignore": True}]
    assert site.ask("record: true").results["a"]["changed"]
    assert site.rows("SELECT drive, missing_since FROM paths") == [("10WT067890", None)]
    assert site.rows("SELECT id FROM ports ORDER BY id") == [("10000090fa1658de",), ("10000090fa1658df",)]


def test_what_vanished_is_kept_as_missing(story: Story) -> None:
    assert re.search(r" changed=1 ", story.later.output)
    gone = story.site.rows(
        "SELECT drive FROM paths WHERE host = 'two_paths' AND missing_since IS NOT NULL ORDER BY drive"
    )
    assert gone == [("10WT012345",), ("10WT067890",)]
    assert re.search(r"two_paths +drive +10WT012345 +- +missing since 20\d\d-", story.later.output)


def test_facts_need_no_table_and_no_python_on_the_host(site: Site) -> None:
    sysfs.fc_lab(site.host("a", ansible_python_interpreter="/nonexistent"))
    run = site.ask("record: false")
    assert run.status == 0, run.output
    result = run.results["a"]
    assert [drive["serial"] for drive in result["drives"]] == ["LABDRV0001", "LABDRV0002"]
    assert set(result["ansible_facts"]["drive_sharing"]) == {"drives", "ports", "notes", "instances"}
    schema.check(result["ansible_facts"]["drive_sharing"])
    assert not result["changed"]
    assert not site.table.exists()


def test_check_mode_predicts_and_writes_nothing(site: Site) -> None:
    sysfs.two_paths(site.host("a"))
    without_table = site.ask("record: true", "--check")
    assert without_table.results["a"]["changed"], without_table.output
    assert not site.table.exists()
    real = site.ask("record: true")
    assert real.results["a"]["changed"]
    unchanged = site.ask("record: true", "--check")
    assert not unchanged.results["a"]["changed"]
    before = site.rows("SELECT * FROM paths"), site.rows("SELECT * FROM hosts")
    site.hosts["a"]["drive_sharing_drives"] = [{"serial": "1310211169"}]
    changed = site.ask("record: true", "--check", "--diff")
    assert changed.results["a"]["changed"]
    assert '+        "1310211169": {' in changed.output
    assert before == (site.rows("SELECT * FROM paths"), site.rows("SELECT * FROM hosts"))


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Run]:
    """One site, each of whose hosts has a fault of its own."""
    site = Site(tmp_path_factory.mktemp("faults"))
    shell = site.directory / "shell"
    for name, text in (("uname", "echo OSF1"), ("shell", f'PATH={site.directory}:$PATH exec /bin/sh "$@"')):
        (site.directory / name).write_text(f"#!/bin/sh\n{text}\n")
        (site.directory / name).chmod(0o755)
    site.host("root", drive_sharing_root="relative path")
    site.host("managed", drive_sharing_managed="some")
    site.host("undefined", drive_sharing_drives="{{ nothing }}")
    site.host("dead", ansible_shell_executable="/bin/false")
    site.host("system", ansible_shell_executable=str(shell))
    site.host("platform")
    site.host("async")
    go_on = "ignore_errors: true"
    plays = [
        ONE_TASK.format(options="record: true", keywords=go_on).replace("all", "all:!platform:!async"),
        ONE_TASK.format(options="platform: plan9", keywords=go_on).replace("all", "platform"),
        ONE_TASK.format(options="record: true", keywords=f"{go_on}\n      async: 10").replace("all", "async"),
    ]
    play = site.directory / "play.yml"
    play.write_text("".join(plays))
    return site, site.run(str(play))


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("root", "root must be an absolute path of letters, digits and '._/+,@:-', not 'relative path'"),
        ("managed", "drive_sharing_managed must be true, false or a list of serial numbers, not 'some'"),
        ("undefined", "The variable drive_sharing_drives of undefined cannot be read"),
        (
            "dead",
            "dead could not be asked: the answer does not begin with the system's name, exit status 1; what is recorded of dead",
        ),
        (
            "system",
            f"system could not be asked: OSF1 is not one of the systems that can be asked ({SYSTEMS}); describe its drives and "
            "ports in drive_sharing_drives and drive_sharing_ports, and set drive_sharing_discover to false; what is "
            "recorded of system was left as it was.",
        ),
        ("platform", f"value of platform must be one of: auto, {', '.join(sorted(host_facts.PLATFORMS))}, got: plan9"),
        ("async", "tapeworks.drive_sharing.host_facts) does not support async."),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_and_nothing_is_recorded(
    faults: tuple[Site, Run], host: str, message: str
) -> None:
    site, run = faults
    assert re.search(rf"^{host} .* ignored=1 ", run.output, re.MULTILINE)
    assert message in run.results[host]["msg"]
    assert "\n" not in run.results[host]["msg"]
    assert not site.table.exists() or site.rows("SELECT host FROM hosts") == []


def test_half_an_answer_leaves_what_is_recorded(site: Site) -> None:
    sysfs.two_paths(site.host("a"))
    site.ask("record: true")
    before = site.rows("SELECT * FROM paths")
    # A shell that dies in the middle.
    shell = site.directory / "shell"
    shell.write_text('#!/bin/sh\n/bin/sh "$@" | head -20\n')
    shell.chmod(0o755)
    site.hosts["a"]["ansible_shell_executable"] = str(shell)
    run = site.ask("record: true")
    assert run.status == 2
    assert "the answer broke off after 19 lines" in run.results["a"]["msg"]
    assert run.results["a"]["msg"].endswith("what is recorded of a was left as it was.")
    assert [drive["serial"] for drive in run.results["a"]["drives"]] == ["10WT012345"]
    assert site.rows("SELECT * FROM paths") == before


def test_a_fact_cache_keeps_the_facts_and_later_runs_can_use_them(site: Site) -> None:
    sysfs.two_paths(site.host("a"))
    (site.directory / "ansible.cfg").write_text("[defaults]\nfact_caching=jsonfile\nfact_caching_connection=cache\n")
    site.ask("record: false")
    play = site.directory / "later.yml"
    play.write_text(
        "[{name: Use, hosts: all, gather_facts: false, tasks: [{name: Show, ansible.builtin.debug: "
        "{msg: \"{{ ansible_facts.drive_sharing.drives | map(attribute='serial') }}\"}}]}]"
    )
    assert site.run(str(play)).results["a"]["msg"] == ["10WT012345", "10WT067890"]


def test_two_hosts_with_one_port_are_both_named(site: Site) -> None:
    sysfs.two_paths(site.host("a", drive_sharing_applications=[{"application": "custom"}]))
    site.ask("record: true")
    sysfs.two_paths(site.host("b", drive_sharing_applications=[{"application": "custom"}]))
    conflicts = site.ask("record: true").results["b"]["conflicts"]
    assert conflicts
    assert all(" a" in one and " b" in one for one in conflicts)
    # The playbook records what is right, and then fails: what two hosts claim is refused.
    run = site.run(PLAYBOOK)
    assert run.status == 2
    assert run.results["localhost"]["msg"] == conflicts
    assert run.results["a"]["conflicts"] == conflicts


RESERVED = """
- name: Reserve a drive, and plan
  hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
    - name: Reserve it
      tapeworks.drive_sharing.drive_table:
        state: recorded
        drive: DRIVE
        status: reserved
        holders: [PORT]
      register: reserved
      failed_when: reserved.result != "written"

    - name: Plan
      tapeworks.drive_sharing.drive_table:
        state: claimed
        batch: 01ARZ3NDEKTSV4RRFFQ69G5FAV
      register: plan
"""


def plan(site: Site, drive: str, port: dict[str, str]) -> tuple[Run, dict[tuple[str, str], str]]:
    """Reserve a drive, and plan as the playbook does; gives the run, and how the reservation looks from each instance and host."""
    batch = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    play = site.directory / "reserved.yml"
    recorded, _plan, planned = RESERVED.replace("DRIVE", f'"{drive}"').replace("PORT", json.dumps(port)).partition("    - name: Plan")
    play.write_text(recorded)
    assert site.run(str(play)).status == 0
    store = _store.open_store(str(site.table))
    with store.write() as tx:
        _dispatch.emit(tx, [drive], batch, tx.now())
    store.close()
    play.write_text(recorded.partition("    - name: Reserve it")[0] + _plan + planned)
    run = site.run(str(play))
    rows = site.rows("SELECT instance, host, relation FROM answers WHERE expected = 1")
    return run, {(instance, host): relation for instance, host, relation in rows}


CUSTOM = [{"application": "custom"}]


def test_a_host_whose_facts_are_missing_is_named_by_the_plan(site: Site) -> None:
    for name in "abc":
        site.host(
            name, drive_sharing_discover=False, drive_sharing_applications=CUSTOM, drive_sharing_drives=[{"serial": "1310211169"}],
            drive_sharing_ports=[{"protocol": "fc", "id": f"10000090fa00000{name}"}],
        )
    assert site.run(PLAYBOOK, "--limit", "a,b,localhost").status == 0
    run, views = plan(site, "1310211169", {"protocol": "fc", "id": "10000090fa00000a"})
    assert views == {("a", "a"): "own", ("b", "b"): "foreign"}
    fault("facts-missing").seen_in(run.output, HOST="c")


def test_a_copied_iscsi_name_decides_nothing_and_both_hosts_are_named(site: Site) -> None:
    copied = {"protocol": "iscsi", "id": "iqn.1994-05.com.redhat:8f2d1c"}
    for name in "abc":
        site.host(
            name, drive_sharing_discover=False, drive_sharing_applications=CUSTOM, drive_sharing_drives=[{"serial": "1310211169"}],
            drive_sharing_ports=[copied if name != "c" else {**copied, "id": "iqn.1994-05.com.redhat:other"}],
        )
    told = site.run(PLAYBOOK)
    run, views = plan(site, "1310211169", copied)
    assert views == {("a", "a"): "ambiguous", ("b", "b"): "ambiguous", ("c", "c"): "foreign"}
    assert told.status == 2
    for output in (told.output, run.output):
        fault("cloned-port").seen_in(output.replace("[WARNING]: ", ""), PORT=copied["id"])


def test_two_drives_with_one_serial_number_are_not_shared_and_both_hosts_are_named(site: Site) -> None:
    for name, wwnn in {"a": "5000000000000001", "b": "5000000000000002"}.items():
        site.host(
            name, drive_sharing_discover=False, drive_sharing_applications=CUSTOM,
            drive_sharing_drives=[{"serial": "1310211169", "wwnn": wwnn}],
            drive_sharing_ports=[{"protocol": "fc", "id": f"10000090fa00000{name}"}],
        )
    told = site.run(PLAYBOOK)
    run, views = plan(site, "1310211169", {"protocol": "fc", "id": "10000090fa00000a"})
    assert told.status == 2
    assert views == {}
    for output in (told.output, run.output):
        fault("serial-twice").seen_in(output, DRIVE="1310211169")


def test_a_control_point_that_the_inventory_lacks_is_named(site: Site) -> None:
    site.host("a", drive_sharing_discover=False, drive_sharing_applications=[{"application": "custom", "control_points": ["mastr1"]}])
    fault("control-point-absent").seen_in(site.run(PLAYBOOK).output, HOST="mastr1", INSTANCE="a")


def test_hosts_are_recorded_with_a_limit_that_leaves_out_localhost(site: Site) -> None:
    for name in "abc":
        sysfs.fc_lab(site.host(name, drive_sharing_applications=[{"application": "custom", "instance": "one"}]))
    assert site.run(PLAYBOOK, "--limit", "b,c").status == 0
    assert site.rows("SELECT host FROM hosts ORDER BY host") == [("b",), ("c",)]


def test_a_host_that_fails_keeps_what_is_recorded_though_a_fact_cache_has_older_facts(site: Site) -> None:
    (site.directory / "ansible.cfg").write_text("[defaults]\nfact_caching=jsonfile\nfact_caching_connection=cache\n")
    for name in "ab":
        sysfs.two_paths(site.host(name, drive_sharing_applications=[{"application": "custom", "instance": "one"}]))
    assert site.run(PLAYBOOK).status == 0
    before = site.rows("SELECT host, updated_at FROM hosts ORDER BY host")
    site.hosts["b"]["ansible_shell_executable"] = "/bin/false"
    run = site.run(PLAYBOOK)
    assert run.status == 2
    assert run.results["a"]["msg"] == "What is recorded of these hosts is as it was before: b"
    after = site.rows("SELECT host, updated_at FROM hosts ORDER BY host")
    assert after[1] == before[1]
    assert after[0] > before[0]


def test_check_mode_of_the_playbook_writes_nothing(site: Site) -> None:
    sysfs.two_paths(site.host("a", drive_sharing_drives=[{"serial": "10WT012345", "ignore": True}]))
    site.ask("record: true")
    site.hosts["a"]["drive_sharing_drives"] = []
    run = site.run(PLAYBOOK, "--check", "--diff")
    assert run.results["a"]["changed_hosts"] == ["a"]
    assert '+        "10WT012345": {' in run.output
    assert site.rows("SELECT drive FROM paths") == [("10WT067890",)]
