# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of the modules, the roles and the README is run as it stands, in a small world of local hosts."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
NAME = "tapeworks.drive_sharing"
DRIVES = {"1310211169": "LTO_01", "1310211170": "LTO_02"}
SERVERS = ("backup1", "backup2", "backup3", "backup1.example.com", "nas1.example.com")
MASTER = "master1"
GROUPS = {"drive_sharing": SERVERS, "masters": (MASTER,)}
PROGRAM = ROOT / "demo" / "backup_application"


def constants(path: Path) -> dict[str, str]:
    return {
        node.targets[0].id: str(node.value.value)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.targets[0], ast.Name)
    }


def plays_of_module(path: Path) -> list[Any]:
    return yaml.safe_load(constants(path)["EXAMPLES"])


def plays_of_page(path: Path) -> list[Any]:
    body = path.read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", body, re.MULTILINE | re.DOTALL)]
    return [play for block in blocks if isinstance(block, list) for play in block]


MODULES = sorted(ROOT.glob("plugins/modules/*.py"))
#: Modules of Windows: there is none here to run their examples on.
ELSEWHERE = [path for path in MODULES if path.with_suffix(".ps1").exists()]
#: They need a drive that somebody has reserved: test_reservation.py runs them.
WITH_A_DRIVE = ("reservation",)
#: They need a library: test_library_roles.py runs them.
WITH_A_LIBRARY = ("library_drive", "library_drive_info")
EXAMPLES = {
    **{path.stem: plays_of_module(path) for path in MODULES if path not in ELSEWHERE and path.stem not in WITH_A_DRIVE + WITH_A_LIBRARY},
    "README": plays_of_page(ROOT / "README.md"),
    "application_custom": plays_of_page(ROOT / "roles" / "application_custom" / "README.md"),
}


def commands(state: Path) -> dict[str, Any]:
    """The worked example of the README, with the program and the folder that are there."""
    body = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.findall(r"^```yaml\n(application_custom_query_command.*?)^```$", body, re.MULTILINE | re.DOTALL)[0]
    block = block.replace("/opt/nightly/bin/backup_application", str(PROGRAM)).replace("/var/lib/nightly", str(state))
    return yaml.safe_load(block)


@dataclass
class World:
    """Local hosts, each with an application of its own, and a drive table that knows them."""

    folder: Path

    def play(self, *plays: Any, check: bool = True) -> str:
        playbook = self.folder / "playbook.yml"
        playbook.write_text(yaml.safe_dump(list(plays), sort_keys=False), encoding="utf-8")
        return self.run(str(playbook), check=check)

    def run(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-i", self.folder / "inventory", *words],
            capture_output=True,
            text=True,
            env=self.environment(),
            cwd=self.folder,
            timeout=120,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def environment(self) -> dict[str, str]:
        return {
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
            **os.environ,
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_NOCOLOR": "1",
            "DRIVE_SHARING_TABLE": str(self.folder / "table.sqlite"),
            "LC_ALL": "C.UTF-8",
        }

    def states(self, host: str) -> dict[str, str]:
        listed = subprocess.run(
            [PROGRAM, "--state", self.folder / host, "list"], capture_output=True, text=True, check=True
        ).stdout
        return {line.split()[1]: line.split()[2] for line in listed.splitlines()}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("documentation")
    # The example of drive_table creates the table for this site.
    base = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "drive_sharing_site": "basel"}
    inventory: dict[str, Any] = {"drive_sharing": {"hosts": {}}, "masters": {"hosts": {}}}
    for place, host in enumerate((*SERVERS, MASTER)):
        for serial, name in DRIVES.items():
            subprocess.run([PROGRAM, "--state", folder / host, "add", name, serial], check=True)
        variables = {
            **base,
            **commands(folder / host),
            "drive_sharing_state_directory": str(folder / f"{host}.records"),
        }
        if host == MASTER:
            inventory["masters"]["hosts"][host] = variables
            continue
        inventory["drive_sharing"]["hosts"][host] = {
            **variables,
            "drive_sharing_discover": False,
            "drive_sharing_drives": [{"serial": serial} for serial in DRIVES],
            "drive_sharing_ports": [{"protocol": "fc", "id": f"10000090fa1658{place:02x}"}],
            "drive_sharing_applications": [{"application": "custom"}],
        }
    (folder / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")
    (folder / "inventory").mkdir()
    (folder / "inventory" / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    made = World(folder)
    made.run(f"{NAME}.host_facts")
    return made


@pytest.mark.parametrize("place", EXAMPLES)
def test_the_examples_can_be_run_as_they_stand(world: World, place: str) -> None:
    said = world.play(*EXAMPLES[place])
    assert "WARNING" not in said
    # To find no host is no error for Ansible.
    hosts = {host for play in EXAMPLES[place] for host in GROUPS.get(play["hosts"], [play["hosts"]])}
    for host in hosts:
        assert re.search(rf"^{re.escape(host)} +: ok=[1-9]", said, re.MULTILINE), host


@pytest.mark.parametrize("path", ELSEWHERE, ids=lambda path: path.stem)
def test_the_examples_that_cannot_be_run_here_are_playbooks(world: World, path: Path) -> None:
    (world.folder / "example.yml").write_text(yaml.safe_dump(plays_of_module(path)), encoding="utf-8")
    assert "playbook: " in world.run("--syntax-check", str(world.folder / "example.yml"))


def entry_point(name: str, host: str, **variables: Any) -> dict[str, Any]:
    role = {"name": f"{NAME}.application_custom", "tasks_from": name}
    task = {"name": name, "ansible.builtin.include_role": role, "vars": variables}
    said = {"name": "Show it", "ansible.builtin.debug": {"var": "application_custom_result"}}
    return {"name": name, "hosts": host, "gather_facts": False, "tasks": [task, said]}


def test_the_role_sets_a_drive_offline_and_online_by_hand(world: World) -> None:
    drive, other = DRIVES
    world.play(entry_point("online", "backup1", application_custom_drives=[drive, other]))
    assert world.states("backup1") == {drive: "online", other: "online"}
    world.play(entry_point("offline", "backup1", application_custom_drives=[drive]))
    assert world.states("backup1") == {drive: "offline", other: "online"}
    said = world.play(entry_point("query", "backup1"))
    assert '"state": "offline"' in said
    assert '"taken": false' in said
    world.play(entry_point("online", "backup1", application_custom_drives=[drive]))
    assert world.states("backup1") == {drive: "online", other: "online"}


def test_the_role_leaves_a_drive_with_a_job_alone(world: World) -> None:
    drive = next(iter(DRIVES))
    subprocess.run([PROGRAM, "--state", world.folder / "backup2", "online", DRIVES[drive]], check=True)
    subprocess.run([PROGRAM, "--state", world.folder / "backup2", "busy", DRIVES[drive], "JOB1"], check=True)
    said = world.play(entry_point("offline", "backup2", application_custom_drives=[drive]), check=False)
    assert world.states("backup2")[drive] == "online"
    assert "a job is running on the drive" in said
    assert "Traceback" not in said
    subprocess.run([PROGRAM, "--state", world.folder / "backup2", "idle", DRIVES[drive]], check=True)


def test_the_error_state_of_a_drive_that_has_none_is_not_cleared(world: World) -> None:
    drive = next(iter(DRIVES))
    said = world.run(f"{NAME}.clear_error", "-e", f'{{"drive_sharing_drive": "{drive}"}}')
    assert f"Drive {drive} is not in its error state; nothing was done." in said
