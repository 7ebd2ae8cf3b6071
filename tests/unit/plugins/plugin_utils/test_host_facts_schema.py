# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JSON schema of a host's facts against the code; that of the platforms' samples is in _platforms/conftest.py."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _facts as facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_facts as host_facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_rows as host_rows
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_variables as host_variables
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers as identifiers
from ansible_collections.tapeworks.drive_sharing.tests.unit.fixtures.facts import schema

LINUX = Path(__file__).parents[2] / "fixtures/linux"
FOUND = host_facts.parse((LINUX / "real_lab.txt").read_text())
MANUAL_DRIVES = [
    {"serial": "LABDRV0001", "location": "F1,C2,R3", "library": "library1"},
    {"serial": "1310211169", "devices": ["\\\\.\\Tape0"], "paths": [{"device": "/dev/nst0"}]},
]
MANUAL_PORTS = [{"protocol": "ip", "id": "2001:DB8::1"}, {"protocol": "sas", "id": "500507631245DA6A", "state": "online"}]


def merged() -> dict[str, Any]:
    found = {key: value for key, value in FOUND.items() if key != "system"}
    entries = host_variables.applications([{"application": "custom", "control_points": ["master1"]}], "backup1")
    return {
        **host_variables.merge(found, host_variables.drives(MANUAL_DRIVES), host_variables.ports(MANUAL_PORTS)),
        "instances": host_variables.instances(entries, ["LABDRV0001"]),
    }


def test_the_schema_is_one_of_draft_2020_12() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.SCHEMA)
    assert schema.SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_what_is_found_described_and_overridden_has_one_shape() -> None:
    made = merged()
    assert {drive["origin"] for drive in made["drives"]} == {"found", "manual", "overridden"}
    schema.check(made)
    schema.check(json.loads(json.dumps(made)))


def test_the_schema_has_the_keys_that_the_code_has() -> None:
    drive = facts.drives([facts.Path("1:0:0:0", ("/dev/st0",), "A")])[0][0]
    assert set(schema.SCHEMA["$defs"]["drive"]["properties"]) == set(drive)
    assert set(schema.SCHEMA["$defs"]["host_port"]["properties"]) == set(facts.port("fc", "x", "online", None))
    assert tuple(schema.SCHEMA["$defs"]["host_port"]["properties"]["state"]["enum"]) == host_rows.STATES
    assert set(schema.SCHEMA["$defs"]["origin"]["enum"]) == set(host_rows.ORIGINS)
    protocols = [one["properties"]["protocol"] for one in schema.SCHEMA["$defs"]["port_name"]["oneOf"]]
    assert {name for one in protocols for name in one.get("enum", [one.get("const")])} == set(identifiers.PROTOCOLS)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("drives", 0, "serial"), "A B"),
        (("drives", 0, "serial"), None),
        (("drives", 0, "wwnn"), "500507630F04BE07"),
        (("drives", 0, "wwnn"), "0" * 16),
        (("drives", 0, "wwpns"), ["500507630f44be0"]),
        (("drives", 0, "devices"), ["st0"]),
        (("drives", 0, "devices"), ["/dev/st0", "/dev/st0"]),
        (("drives", 0, "paths"), [{"device": "/dev/st0"}]),
        (("drives", 0, "paths"), [{"device": None, "port": {"protocol": "fc", "id": "1"}, "target_port": None}]),
        (("drives", 0, "vendor"), "I\nBM"),
        (("drives", 0, "origin"), "guessed"),
        (("drives", 0, "more"), 1),
        (("ports", 0, "state"), "up"),
        (("ports", 0, "protocol"), "scsi"),
        (("ports", 0, "id"), "iqn.2026-11.lab:a b"),
        (("ports", 0, "more"), 1),
        (("notes",), ["No full stop"]),
        (("notes",), ["Two\nlines."]),
        (("instances", 0, "control_points"), []),
        (("instances", 0, "scope"), "drive"),
        (("more",), []),
    ],
    ids=str,
)
def test_another_shape_is_no_such_facts(place: tuple[Any, ...], value: Any) -> None:
    made = copy.deepcopy(merged())
    inner = made
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    assert schema.problems(made)
