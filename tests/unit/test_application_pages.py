# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples on the pages of the products with configured commands are taken by the code as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _application, _host_variables
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Target

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("arcserve", "commvault", "data_protector", "netvault")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(name: str, language: str) -> list[str]:
    page = (ROOT / "docs" / f"application_{name}.md").read_text(encoding="utf-8")
    return [body for kind, body in FENCE.findall(page) if kind == language]


def options(name: str) -> dict[str, Any]:
    """All options that the page gives, checked."""
    variables: dict[str, Any] = {}
    for body in blocks(name, "yaml"):
        variables |= yaml.safe_load(body)
    file = _application.load(name)
    return file.check(_application.options_of(name, file, variables, {}))


@pytest.mark.parametrize("name", NAMES)
def test_the_options_of_the_page_are_good(name: str) -> None:
    assert options(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_entry_of_the_page_is_good(name: str) -> None:
    (entries,) = [one["drive_sharing_applications"] for one in map(yaml.safe_load, blocks(name, "yaml")) if "drive_sharing_applications" in one]
    (entry,) = _host_variables.applications(entries, "host1")
    assert entry["application"] == name


@pytest.mark.parametrize("name", NAMES)
def test_no_command_of_a_page_is_anothers(name: str) -> None:
    for body in blocks(name, "yaml"):
        for key in yaml.safe_load(body):
            assert key == "drive_sharing_applications" or key.startswith(f"application_{name}_"), key


def read(name: str, drives: list[str], *outputs: str) -> Any:
    final = options(name)
    answers = [SimpleNamespace(output=one, rc=0, timed_out=False, truncated=False) for one in outputs]
    return _application.load(name).read(final, [Target(drive) for drive in drives], answers)


def test_the_sample_of_commvaults_page_is_read_as_the_page_says() -> None:
    (sample,) = (one for one in blocks("commvault", "text") if one.startswith("drives of"))
    drives = ["1310211169", "1310211170", "1310211171"]
    reading = read("commvault", drives, "-rw------- 1 a a 1 x", sample)
    assert {drive: (one.names, one.state) for drive, one in reading.drives.items()} == {
        "1310211169": (("TS4500_1/Drive_1",), "online"), "1310211170": (("TS4500_1/Drive_2",), "offline"),
        "1310211171": (("TS4500_2/Drive_1",), "online"),
    }
    conflict = read("commvault", drives, "-rw------- 1 a a 1 x", sample.replace("Disabled by user", "SCSI Reservation conflict"))
    assert [one.conflict for one in conflict.drives.values()] == [False, True, False]


@pytest.mark.parametrize(
    ("name", "sample"),
    [("netvault", "NetVault drives\n3-1 1310211169 online -\n3-2 1310211170 offline 4711\n"),
     ("arcserve", "tape engine is up\n2:4:0 1310211169 online -\n2:4:1 1310211170 offline 4711\n")],
)  # fmt: skip
def test_the_patterns_of_a_site_read_what_such_a_script_prints(name: str, sample: str) -> None:
    reading = read(name, ["1310211169", "1310211170", "1310211171"], sample)
    assert [(one.state, one.in_use) for one in reading.drives.values()] == [("online", False), ("offline", True)]
    assert reading.problems == {}


def test_data_protectors_page_needs_all_devices_of_a_drive() -> None:
    records = "".join(f'NAME "{name}"\nLIBRARY "L"\n=====\n' for name in ("LTO_1_media1", "LTO_1_media2", "LTO_2_media1"))
    reading = read("data_protector", ["1310211169", "1310211170"], records, "LTO_1_media2 2026/11/22-7\n")
    assert reading.drives["1310211169"].in_use
    assert "has no device LTO_2_media2" in reading.problems["1310211170"]
