# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role application_netvault, and changes, with what a site could have: an invented program, for none of NetVault is verified."""

from __future__ import annotations

from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.stories import outcomes, said
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import Description, Story, Told
from ansible_collections.tapeworks.drive_sharing.tests.products.acme import Acme

V = "application_netvault_"


def options(story: Story) -> dict[str, Any]:
    password = story.secret_file("password", "{}\n")
    return {
        V + "query_command": ["acmectl", "-p", password, "drives"],
        V + "offline_command": ["acmectl", "-p", password, "drive", "down", "{names}"],
        V + "online_command": ["acmectl", "-p", password, "drive", "up", "{names}"],
        V + "query_pattern": r"^(?P<name>\S+:\S+) (?P<serial>\S+) (?P<state>\S+) \S+$",
        V + "query_valid_pattern": "^Acme 8 drives:$",
        V + "online_pattern": "up", V + "offline_pattern": "down",
        V + "in_use_pattern": " BUSY$", V + "conflict_pattern": " RESERVED$",
    }


PRODUCT = Description(
    name="netvault", product=Acme, options=options, evidence=True,
    says={
        "refuse": "E204 the drive is locked", "down": "E111 no answer from the server", "denied": "E401 wrong password",
        "columns": "nothing in it matches application_netvault_query_valid_pattern",
    },
)


def story_until_the_site_gives_its_commands_everything_is_refused_in_one_sentence(story: Story) -> Told:
    for key in ("query_command", "offline_command", "online_command", "query_pattern"):
        del story.options[V + key]
    by_hand, answers = yield [story.offline(), story.reserved()]
    part = "application_netvault_query_command must be given: no command of NetVault that shows or sets drives is verified;"
    for result in (by_hand, answers):
        assert part in said(result), said(result)
    assert (outcomes(answers), story.states(), story.product.calls()) == (["silent"] * 3, ["online"] * 3, [])


def story_without_a_conflict_pattern_a_lost_race_is_kept(story: Story) -> Told:
    del story.options[V + "conflict_pattern"]
    story.product.lost_race(story.drives[0])
    answers = yield story.reserved()
    assert outcomes(answers) == ["kept", "offline", "offline"], said(answers)
    answers = yield story.released()
    assert outcomes(answers) == ["kept", "online", "online"], said(answers)


STORIES = tuple(value for key, value in list(globals().items()) if key.startswith("story_"))


def test_story(told: Story) -> None:
    assert told.error is None
