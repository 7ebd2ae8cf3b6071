# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Setting, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import arcserve, custom
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault

OWN = {
    "query_command": ["site", "list"], "offline_command": ["site", "offline", "{names}"],
    "online_command": ["site", "online", "{names}"], "query_pattern": r"^(?P<name>\S+) (?P<serial>\S+) (?P<state>\S+) .*$",
    "conflict_pattern": "CONFLICT", "in_use_pattern": "job",
}


@dataclass(frozen=True)
class Answered:
    """As ``_guarded.CommandAnswer``."""

    output: str = ""
    rc: int | None = 0
    timed_out: bool = False
    truncated: bool = False


@pytest.mark.parametrize("key", ["query_command", "offline_command", "online_command", "query_pattern"])
def test_until_the_site_gives_its_own_commands_everything_is_refused(key: str) -> None:
    given = {one: value for one, value in OWN.items() if one != key}
    with pytest.raises(InvalidValueError) as caught:
        arcserve.check(given)
    assert str(caught.value) == (
        f"application_arcserve_{key} must be given: no command of Arcserve Backup that shows or sets drives is verified;"
        " docs/application_arcserve.md says how to find and try one"
    )


def test_no_command_of_the_product_is_a_default() -> None:
    without: Any = {key for key, spec in arcserve.OPTIONS.items() if "command" in key and "default" in spec}
    assert without == set()
    assert arcserve.OPTIONS == custom.OPTIONS


def test_the_sites_commands_do_what_those_of_custom_do() -> None:
    final, targets = arcserve.check(OWN), [Target("7701"), Target("7702")]
    assert arcserve.queries(final, targets) == [["site", "list"]]
    reading = arcserve.read(final, targets, [Answered("A 7701 online job\nB 7702 offline CONFLICT\n")])
    assert (reading.drives["7701"].in_use, reading.drives["7702"].conflict, reading.online) == (True, True, 1)
    assert arcserve.settings(final, "offline", {"7701": ["A"]}, targets[:1]) == [
        Setting(("7701",), (("site", "offline", ("7701", "A")),))
    ]


def test_a_message_names_the_variable_of_its_own_role() -> None:
    with pytest.raises(InvalidValueError, match="^application_arcserve_query_pattern must be a regular expression: "):
        arcserve.check({**OWN, "query_pattern": "("})
    reading = arcserve.read(arcserve.check(OWN), [Target("7701")], [Answered("nothing of use")])
    assert reading.problems["7701"] == (
        "the query answered, but nothing in it matches application_arcserve_query_pattern: nothing of use"
    )


def test_the_page_of_faults_has_what_is_said() -> None:
    with pytest.raises(InvalidValueError) as caught:
        arcserve.check({})
    fault("arcserve-commands").seen_in(str(caught.value))
