# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.tapeworks.drive_sharing.plugins.filter.identifiers import FilterModule

FILTERS = FilterModule().filters()
FOLDER = Path(__file__).parents[4] / "plugins/filter"


@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_is_documented_in_the_file_of_its_name(name: str) -> None:
    documentation = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    assert documentation["DOCUMENTATION"]["name"] == name
    assert f"tapeworks.drive_sharing.{name}" in documentation["EXAMPLES"]


def test_every_documented_filter_exists() -> None:
    assert {file.stem for file in FOLDER.glob("*.yml")} == set(FILTERS)


@pytest.mark.parametrize("name", sorted(set(FILTERS) - {"associations_table", "conflict_diagnosis", "drive_maintenance", "drive_status"}))
def test_the_example_of_every_filter_gives_what_it_says(name: str) -> None:
    text = yaml.safe_load((FOLDER / f"{name}.yml").read_text())["EXAMPLES"]
    value = yaml.safe_load(text)[0]["vars"]["value"]
    assert FILTERS[name](value) == yaml.safe_load(text.partition("# => ")[2])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("wwn", "1000", "WWN must be a WWN of 16 hexadecimal digits, not '1000'"),
        ("sas_address", "1000", "SAS address must be a SAS address of 16 hexadecimal digits, not '1000'"),
        ("ip_address", "1000", "IP address must be an IPv4 or IPv6 address without a zone, not '1000'"),
        ("drive_location", 1, "in quotation marks, not 1"),
        ("drive_serial", 1310211169, "in quotation marks, not 1310211169"),
        ("initiator_port", {"protocol": "fc"}, "port.id must be a WWN of 16 hexadecimal digits, not nothing"),
        ("conflict_diagnosis", [], "what is to be diagnosed must be a mapping, not a list"),
        ("associations_table", [], "associations must be the mapping that drive_table_info returns"),
    ],
)
def test_what_is_not_of_the_form_fails_with_our_sentence(name: str, value: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        FILTERS[name](value)
    assert str(caught.value).endswith(message)
