# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Role library_scsi, through real ansible-playbook, on simulated drives behind the command lines of sg3-utils."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _fencing_key
from ansible_collections.tapeworks.drive_sharing.tests.integration.scsi_world import World
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.simulated_drive import Drive, fc

ORDER = ("IDLE", "HELD", "SPC2", "ELSE", "FENCED")
PLAY = """
- name: Call the role for each drive
  hosts: planner
  gather_facts: false
  tasks:
    - name: Call it
      ansible.builtin.include_tasks: one.yml
      loop: {drives}
    - name: Keep what came of it
      ansible.builtin.copy:
        dest: {results}
        content: "{{{{ kept | to_json }}}}"
        mode: "0600"
      check_mode: false
"""
ONE = """
- name: Call the role
  block:
    - name: Call the role
      ansible.builtin.include_role:
        name: tapeworks.drive_sharing.library_scsi
        tasks_from: "{{ entry }}"
      vars:
        library_scsi_library: library1
        library_scsi_drive: "{{ item }}"
  rescue:
    - name: Keep that it failed
      ansible.builtin.set_fact:
        failure: "{{ ansible_failed_result.msg }}"
- name: Keep the result
  ansible.builtin.set_fact:
    kept: "{{ kept | default({}) | combine({item: drive_sharing_library_result | combine({'failure': failure | default('')})}) }}"
    failure: ""
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    drives = {name: Drive(name) for name in ORDER}
    drives["HELD"].take(fc(1), 77)
    assert drives["SPC2"].reserve6(fc(2))
    drives["FENCED"].take(fc(8), _fencing_key.fencing_key("basel", "another"))
    made.sees("prober", fc(100), *(drives[name] for name in ORDER if name != "ELSE"))
    made.hosts["planner"] = {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "drive_sharing_site": "basel",
    }
    made.hosts["library1"] = {"library_scsi_host": "prober", "library_scsi_become": False}
    return made


def call(world: World, entry: str, *words: str) -> dict[str, Any]:
    (world.directory / "one.yml").write_text(ONE)
    play, results = world.directory / "role.yml", world.directory / "results.json"
    play.write_text(PLAY.format(drives=json.dumps(ORDER), results=results))
    run = world.run(str(play), "-e", f"entry={entry}", *words)
    assert run.status == 0, run.output
    return json.loads(results.read_text())


def test_a_drive_is_kept_from_everybody_and_given_back(world: World) -> None:
    dry = call(world, "force_error", "--check")
    assert dry["IDLE"]["message"] == "Drive IDLE would be put into its error state."
    assert (dry["IDLE"]["state"], dry["IDLE"]["changed"]) == ("error", True)
    assert all(world.now(name).actions == [] for name in ORDER if name != "ELSE")
    forced = call(world, "force_error")
    assert {name: (one["state"], one["changed"]) for name, one in forced.items()} == {
        "IDLE": ("error", True), "HELD": ("error", True), "FENCED": ("error", False), "SPC2": ("ok", False), "ELSE": ("unknown", False),
    }
    assert forced["IDLE"] == {
        "library": "library1", "drive": "IDLE", "state": "error", "changed": True, "failure": "",
        "message": "Drive IDLE was put into its error state.",
    }
    assert forced["FENCED"]["message"] == "Drive FENCED was already in its error state."
    assert forced["SPC2"]["failure"].startswith(
        "Drive SPC2 was not put into its error state. Drive SPC2: somebody has reserved it by RESERVE of SPC-2"
    )
    assert forced["ELSE"]["failure"] == "Drive ELSE was not put into its error state. Drive ELSE: prober does not see it. Nothing was changed."
    asked = call(world, "query")
    assert {name: one["state"] for name, one in asked.items()} == {
        "IDLE": "error", "HELD": "error", "FENCED": "error", "SPC2": "ok", "ELSE": "unknown",
    }
    assert asked["IDLE"]["message"] == "Drive IDLE is in its error state, as prober reads it."
    assert asked["ELSE"]["failure"] == "The state of drive ELSE is not known: prober does not see this drive."
    cleared = call(world, "clear_error")
    assert {name: (one["state"], one["changed"]) for name, one in cleared.items()} == {
        "IDLE": ("ok", True), "HELD": ("ok", True), "FENCED": ("ok", True), "SPC2": ("ok", False), "ELSE": ("unknown", False),
    }
    assert all(world.now(name).keys == {} for name in ("IDLE", "HELD", "FENCED"))
