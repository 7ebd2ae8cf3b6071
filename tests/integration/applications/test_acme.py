# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role application_custom with an invented product."""

from __future__ import annotations

from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import Description, Story
from ansible_collections.tapeworks.drive_sharing.tests.products.acme import Acme


def options(story: Story) -> dict[str, Any]:
    password = story.secret_file("password", "{}\n")
    return {
        "application_custom_query_command": ["acmectl", "-p", password, "drives"],
        "application_custom_offline_command": ["acmectl", "-p", password, "drive", "down", "{names}"],
        "application_custom_online_command": ["acmectl", "-p", password, "drive", "up", "{names}"],
        "application_custom_query_pattern": r"^(?P<name>\S+:\S+) (?P<serial>\S+) (?P<state>\S+) \S+$",
        "application_custom_query_valid_pattern": "^Acme 8 drives:$",
        "application_custom_online_pattern": "up",
        "application_custom_offline_pattern": "down",
        "application_custom_in_use_pattern": " BUSY$",
        "application_custom_conflict_pattern": " RESERVED$",
    }


PRODUCT = Description(
    name="custom", product=Acme, options=options, evidence=True,
    says={
        "refuse": "E204 the drive is locked", "columns": "nothing in it matches", "down": "E111 no answer from the server", "denied": "E401 wrong password",
    },
)


def test_story(told: Story) -> None:
    assert told.product.calls()
