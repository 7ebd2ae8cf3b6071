# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles of products that have only the commands of the site, with what a site could have: an invented program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.stories import outcomes, said
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import Description, Story, Told
from ansible_collections.tapeworks.drive_sharing.tests.products.acme import Acme


def describe(name: str, drives: str) -> Description:
    """Describe a product; ``drives``: what the command lines that set have for the drives, all of them or one."""
    prefix = f"application_{name}_"

    def options(story: Story) -> dict[str, Any]:
        password = story.secret_file("password", "{}\n")
        given = {
            "query_command": ["acmectl", "-p", password, "drives"],
            "offline_command": ["acmectl", "-p", password, "drive", "down", drives],
            "online_command": ["acmectl", "-p", password, "drive", "up", drives],
            "query_pattern": r"^(?P<name>\S+:\S+) (?P<serial>\S+) (?P<state>\S+) \S+$",
            "query_valid_pattern": "^Acme 8 drives:$", "online_pattern": "up", "offline_pattern": "down",
            "in_use_pattern": " BUSY$", "conflict_pattern": " RESERVED$",
        }
        return {prefix + key: value for key, value in given.items()}

    return Description(
        name=name, product=Acme, options=options, evidence=True,
        says={
            "refuse": "E204 the drive is locked", "down": "E111 no answer from the server", "denied": "E401 wrong password",
            "columns": f"nothing in it matches {prefix}query_valid_pattern",
        },
    )


def stories(name: str, product: str) -> tuple[Callable[[Story], Told], ...]:
    """Give the stories that only such products have."""
    prefix = f"application_{name}_"

    def story_until_the_site_gives_its_commands_everything_is_refused_in_one_sentence(story: Story) -> Told:
        for key in ("query_command", "offline_command", "online_command", "query_pattern"):
            del story.options[prefix + key]
        by_hand, answers = yield [story.offline(), story.reserved()]
        part = f"{prefix}query_command must be given: no command of {product} that shows or sets drives is verified;"
        for result in (by_hand, answers):
            assert part in said(result), said(result)
        assert (outcomes(answers), story.states(), story.product.calls()) == (["silent"] * 3, ["online"] * 3, [])

    def story_without_a_conflict_pattern_a_lost_race_is_kept(story: Story) -> Told:
        del story.options[prefix + "conflict_pattern"]
        story.product.lost_race(story.drives[0])
        answers = yield story.reserved()
        assert outcomes(answers) == ["kept", "offline", "offline"], said(answers)
        answers = yield story.released()
        assert outcomes(answers) == ["kept", "online", "online"], said(answers)

    return (
        story_until_the_site_gives_its_commands_everything_is_refused_in_one_sentence,
        story_without_a_conflict_pattern_a_lost_race_is_kept,
    )
