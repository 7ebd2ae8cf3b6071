# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventories of docs/instances.md are loaded, and the plan that comes of each is compared with the table below it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _application,
    _associations,
    _host_variables,
    _plan,
    _store,
)

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/instances.md").read_text()
_SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_INVENTORY = re.compile(r"^```yaml\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(\w+)` \| (.+) \|$", re.MULTILINE)
_ASKED = re.compile(r"instance `(\w+)` at ((?:`\w+`(?:, )?)+): (own|foreign|ambiguous|unknown)")


@dataclass
class Site:
    """One inventory of the page, and what the page says comes of it."""

    title: str
    inventory: str
    #: reserved from: {(instance, host): relation}
    plans: dict[str, dict[tuple[str, str], str]]

    def __str__(self) -> str:
        return self.title


def told(cell: str) -> dict[tuple[str, str], str]:
    found = {}
    parts = cell.split("; ")
    for part in parts:
        match = _ASKED.fullmatch(part)
        assert match, part
        found |= {(match[1], host): match[3] for host in re.findall(r"`(\w+)`", match[2])}
    return found


SITES = [
    Site(title, _INVENTORY.findall(body)[0], {row[1]: told(row[2]) for row in _ROW.finditer(body)})
    for title, body in _SECTION.findall(PAGE)
    if _INVENTORY.search(body)
]


@dataclass
class Loaded:
    """An inventory as ansible-core understands it."""

    hosts: set[str]
    sharing: list[str]
    variables: dict[str, dict[str, Any]]


def load(site: Site, directory: Path) -> Loaded:
    file = directory / "hosts.yml"
    file.write_text(site.inventory)
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(file)])
    manager = VariableManager(loader=loader, inventory=inventory)
    variables = {host.name: manager.get_vars(host=host, include_hostvars=False) for host in inventory.get_hosts()}
    return Loaded(set(variables), sorted(inventory.get_groups_dict()["drive_sharing"]), variables)


def port(loaded: Loaded, host: str) -> dict[str, str]:
    return {"protocol": "fc", "id": f"10000090fa0000{loaded.sharing.index(host):02x}"}


def record(loaded: Loaded, store: Any) -> list[str]:
    """Do as host_facts does, on hosts that all see one drive."""
    problems: list[str] = []
    for host in loaded.sharing:
        variables = loaded.variables[host]
        entries = _host_variables.applications(variables.get("drive_sharing_applications"), host)
        instances = _host_variables.instances(entries, _host_variables.managed(variables.get("drive_sharing_managed")))
        facts = {"drives": [{"serial": "D1", "devices": ["/dev/nst0"]}], "ports": [port(loaded, host)], "notes": []}
        with store.write() as tx:
            problems += _associations.write_host(tx, host, facts, instances, 0.0)
    with store.read() as tx:
        return problems + _associations.conflicts(tx)


@pytest.mark.parametrize("site", SITES, ids=str)
def test_the_plan_of_an_inventory_is_what_the_page_says(site: Site, tmp_path: Path) -> None:
    loaded = load(site, tmp_path)
    store = _store.open_store(str(tmp_path / "table.sqlite"), create=True)
    assert record(loaded, store) == []
    assert site.plans
    for holder, expected in site.plans.items():
        held = port(loaded, holder)
        change = {"drive": "D1", "sequence": 1, "attempt": 1, "status": "reserved", "holders": [held]}
        with store.read() as tx:
            made = _plan.make([change], _associations.lookup(tx, ["D1"], [held]), loaded.hosts)
        assert {(ask["instance"], ask["host"]): ask["relation"] for ask in made.asks} == expected, holder
        assert made.warnings == []
    store.close()


def test_every_form_of_the_design_is_there() -> None:
    titles = " ".join(site.title for site in SITES)
    for product in ("NetBackup", "Storage Protect", "Bacula", "Two applications on one host", "A server by itself", "Each server"):
        assert product in titles
    assert len(SITES) == 7


@pytest.mark.parametrize("site", SITES, ids=str)
def test_every_control_point_of_an_inventory_is_in_it(site: Site, tmp_path: Path) -> None:
    loaded = load(site, tmp_path)
    for host, variables in loaded.variables.items():
        for entry in _host_variables.applications(variables.get("drive_sharing_applications"), host):
            assert set(entry["control_points"]) <= loaded.hosts


@pytest.mark.parametrize("site", SITES, ids=str)
def test_an_inventory_uses_documented_variables_only(site: Site) -> None:
    documented = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/variables.md").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bdrive_sharing_\w+(?=:)", site.inventory)) <= documented
    assert yaml.safe_load(site.inventory)


@pytest.mark.parametrize("site", SITES, ids=str)
def test_options_of_an_application_in_an_inventory_are_taken_by_it(site: Site, tmp_path: Path) -> None:
    for host, variables in load(site, tmp_path).variables.items():
        for entry in _host_variables.applications(variables.get("drive_sharing_applications"), host):
            name = entry["application"]
            if entry["options"] or any(variable.startswith(f"application_{name}_") for variable in variables):
                file = _application.load(name)
                file.check(_application.options_of(name, file, variables, entry["options"]))
    if site.title == "NetBackup":
        assert "application: netbackup" in site.inventory
