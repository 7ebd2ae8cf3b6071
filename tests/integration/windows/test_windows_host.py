# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A control point whose shell is PowerShell, through real ansible-playbook, with a product of the site's own.

In the place of PowerShell is a program that stands in for our module; tests/integration/applications/test_veeam.py has the rest.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.release import __version__

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _record, _store
from ansible_collections.tapeworks.drive_sharing.tests.integration.test_host_facts import Site
from ansible_collections.tapeworks.drive_sharing.tests.windows import step
from ansible_collections.tapeworks.drive_sharing.tests.windows.host import WindowsHost

PRODUCT = """#!/bin/sh
cd "${0%/*}/../drives" || exit 9
case $1 in
show) for one in *; do read -r state <"$one"; echo "$one $state"; done ;;
*) verb=$1; shift; for one; do echo "$verb" >"$one"; done; echo "set to $verb" ;;
esac
"""
PLAY = """
- name: Set a drive on a host that is down
  hosts: backup9
  gather_facts: false
  ignore_unreachable: true
  tasks:
    - name: Set where nobody is
      tapeworks.drive_sharing.application_drive:
        application: custom
        state: offline
        drives: ["10WT012345"]

- name: Ask with PowerShell 7
  hosts: backup8
  gather_facts: false
  tasks:
    - name: Ask with another PowerShell
      tapeworks.drive_sharing.application_drive_info:
        application: custom
        drives: ["10WT012345"]

- name: Do some things by hand
  hosts: backup7
  gather_facts: false
  ignore_errors: true
  tasks:
    - name: Set a drive offline
      tapeworks.drive_sharing.application_drive:
        application: custom
        state: offline
        drives: ["10wt012345"]
      diff: true

    - name: Set what is offline already
      tapeworks.drive_sharing.application_drive:
        application: custom
        state: offline
        drives: ["10wt012345"]

    - name: See what it would be online
      tapeworks.drive_sharing.application_drive:
        application: custom
        state: online
        drives: ["10wt012345"]
      check_mode: true

    - name: Ask
      tapeworks.drive_sharing.application_drive_info:
        application: custom
        drives: ["10wt012345", "10WT012345"]

    - name: Give back by the records alone
      tapeworks.drive_sharing.application_drive:
        state: given_back
        drives: ["10wt012345"]

    - name: Set a drive of Bacula
      tapeworks.drive_sharing.application_drive:
        application: bacula
        instance: other
        state: offline
        drives: ["10wt012345"]
        options:
          storages: [Library1]
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the tasks gave, by their names; and the host."""
    site = Site(tmp_path_factory.mktemp("windows"))
    host = WindowsHost(site.directory / "backup7")
    product = host.bin / "product"
    product.write_text(PRODUCT)
    product.chmod(0o755)
    (host.root / "drives").mkdir()
    for drive in ("10wt012345", "10WT012345"):
        (host.root / "drives" / drive).write_text("online\n")
    site.hosts["backup7"] = {
        **host.variables, "drive_sharing_applications": [{"application": "custom"}],
        "application_custom_query_command": ["product", "show"], "application_custom_query_pattern": r"^(?P<name>\w+) (?P<state>\w+)$",
        "application_custom_offline_command": ["product", "offline", "{names}"],
        "application_custom_online_command": ["product", "online", "{names}"],
    }
    # The same with another PowerShell.
    seven = WindowsHost(site.directory / "backup8")
    (seven.bin / "pwsh").write_text((seven.bin / "powershell").read_text().replace("exec ", f"echo pwsh >>{seven.root}/which\nexec ", 1))
    (seven.bin / "pwsh").chmod(0o755)
    site.hosts["backup8"] = {
        **seven.variables, "ansible_pwsh_interpreter": "pwsh", "drive_sharing_applications": [{"application": "custom"}],
        **{f"application_custom_{key}_command": ["echo", "nothing", "{name}"] for key in ("offline", "online")},
        "application_custom_query_command": ["echo", "10WT012345 online"],
        "application_custom_query_pattern": r"^(?P<name>\w+) (?P<state>\w+)$",
    }
    site.hosts["backup9"] = {
        **site.hosts["backup8"], "ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1,
    }
    _store.open_store(str(site.table), create=True).close()
    play = site.directory / "play.yml"
    play.write_text(PLAY)
    run = site.run(str(play), "-vvv")
    found: dict[str, Any] = {"host": host, "seven": seven}
    for task in run.output.split("\nTASK [")[1:]:
        name, _bracket, text = task.partition("]")
        start = text.find("=> {")
        found[name] = json.JSONDecoder().raw_decode(text, start + 3)[0]
    return found


def test_a_drive_is_set_by_the_sites_own_program_and_read_back(results: dict[str, Any]) -> None:
    done = results["Set a drive offline"]
    assert done["changed"]
    assert [(one["outcome"], one["state_before"], one["state"]) for one in done["drives"]] == [("offline", "online", "offline")]
    assert done["diff"][0]["after"] == "offline\n"
    again = results["Set what is offline already"]
    assert (again["changed"], again["drives"][0]["outcome"]) == (False, "offline")


def test_check_mode_and_questions_set_nothing(results: dict[str, Any]) -> None:
    assert results["See what it would be online"]["changed"]
    assert [(one["drive"], one["state"], one["sequence"]) for one in results["Ask"]["drives"]] == [
        ("10wt012345", "offline", 0), ("10WT012345", "online", None),
    ]
    requests = [step.sent(text)[1] for _arguments, text in results["host"].given()]
    assert [request["action"] for request in requests] == ["read", "set", "read", "set", "read", "read", "list"]


def test_the_record_has_the_form_and_a_name_that_windows_can_tell_from_others(results: dict[str, Any]) -> None:
    directory: Path = results["host"].records / "backup7"
    assert [path.name for path in directory.iterdir() if path.is_file()] == ["10%77%74012345"]
    found = _record.parse((directory / "10%77%74012345").read_text())
    assert found
    assert (found.drive, found.phase, found.taken) == ("10wt012345", "done", False)


def test_records_are_listed_where_the_table_is_gone(results: dict[str, Any]) -> None:
    # A person set it: nothing is taken.
    assert "is not offline because of this collection, by the records of this host" in results["Give back by the records alone"]["msg"]


def test_an_application_of_unix_is_refused(results: dict[str, Any]) -> None:
    assert results["Set a drive of Bacula"]["msg"] == (
        "Application bacula cannot be told on backup7, whose shell is PowerShell; nothing was done. Name a control point of Unix, or"
        " use custom with the commands of your product for Windows."
    )


def test_ansible_core_2_21_takes_the_powershell_that_is_named(results: dict[str, Any]) -> None:
    """As docs/application_veeam.md has it for Veeam 13; older versions start Windows PowerShell whatever is named."""
    assert [one["state"] for one in results["Ask with another PowerShell"]["drives"]] == ["online"]
    version = tuple(int(part) for part in __version__.split(".")[:2])
    assert (results["seven"].root / "which").exists() == (version >= (2, 21))


def test_a_windows_host_that_is_down_is_unreachable(results: dict[str, Any]) -> None:
    done = results["Set where nobody is"]
    assert done["unreachable"]
    assert "Connection refused" in done["msg"]
