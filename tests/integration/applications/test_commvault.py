# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role application_commvault, and changes, with a fake of qdrive and of a site's own query."""

from __future__ import annotations

from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.stories import (
    confirmed,
    outcomes,
    said,
    states,
)
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import Description, Story, Told
from ansible_collections.tapeworks.drive_sharing.tests.products.commvault import Commvault

V = "application_commvault_"


def options(story: Story) -> dict[str, Any]:
    return {
        V + "token_file": story.secret_file("commvault.token", "SDK {}\n"),
        V + "query_command": ["site_drives", "{token_file}"],
        V + "query_pattern": r"^(?P<library>[^|\n]+)\|(?P<name>[^|\n]+)\|(?P<state>[^|\n]*)\|(?P<why>.*)$",
        V + "query_valid_pattern": "^drives of commserve9$",
        V + "online_pattern": "Ready", V + "offline_pattern": "Disabled",
        V + "in_use_pattern": r"\|.*job \d+$", V + "conflict_pattern": "(?i)reservation conflict$",
    }


def names(story: Story) -> dict[str, Any]:
    """Neither qlist nor the view shows a serial number: the inventory maps them."""
    found: dict[str, list[str]] = {}
    for drive in story.product.drives():
        found.setdefault(drive["serial"], []).append(f"{drive['library']}/{drive['name']}")
    return {V + "drive_names": found}


PRODUCT = Description(
    name="commvault", product=Commvault, options=options, current=names, evidence=True,
    says={
        "refuse": "disable: Error 0x20a: The library is in maintenance mode", "down": "drives: Error 0x10b: The CommServe cannot be reached",
        "denied": "if the token has expired, make a new one with qlogin", "columns": "nothing in it matches application_commvault_query_valid_pattern",
        "junk": "the query printed more than can be read",
    },
)


def story_a_token_that_has_expired_is_told_with_what_helps_and_nothing_is_set(story: Story) -> Told:
    """The site's query has a session of its own: only qdrive needs the token."""
    story.file("commvault.token", "expired\n", 0o600)
    story.file("other.token", "SDK x\n", 0o600)
    story.variables[V + "query_command"] = ["site_drives", str(story.directory / "other.token")]
    first = story.drives[0]
    answers = yield story.reserved(first)
    assert (outcomes(answers), confirmed(answers)) == (["silent"], [False])
    assert "disable: Error 0x211: Invalid token" in said(answers)
    assert "if the token has expired, make a new one with qlogin" in said(answers)
    assert story.states() == ["online"] * 3
    story.file("commvault.token", f"SDK {story.secrets[0]}\n", 0o600)
    answers = yield story.again(first)
    assert outcomes(answers) == ["offline"], said(answers)


def story_a_token_that_others_can_read_is_not_used(story: Story) -> Told:
    (story.directory / "commvault.token").chmod(0o644)
    shown, answers = yield [story.query(), story.reserved()]
    assert all(one["problem"] for one in shown["drives"])
    assert "which holds the token, its mode is -rw-r--r--" in said(answers)
    assert outcomes(answers) == ["silent"] * 3
    assert not any(call.sets for call in story.product.calls())
    (story.directory / "commvault.token").chmod(0o600)
    answers = yield story.again()
    assert outcomes(answers) == ["offline"] * 3, said(answers)


def story_a_query_for_each_library_leaves_the_drives_of_the_others_alone(story: Story) -> Told:
    _first, second, last = story.drives
    story.product.update(second, library="LIB2")
    story.product.update(last, library="LIB3")
    story.variables[V + "query_command"] = ["site_drives", "{token_file}", "{library}"]
    story.variables[V + "libraries"] = ["LIB1", "LIB2"]
    shown, answers = yield [story.query(), story.reserved()]
    assert [one["configured"] for one in shown["drives"]] == [True, True, False], "LIB3 is not asked about"
    assert outcomes(answers) == ["offline", "offline", "not_configured"], said(answers)
    assert story.states() == ["offline", "offline", "online"]


def story_until_the_site_gives_its_query_everything_is_refused_in_one_sentence(story: Story) -> Told:
    del story.options[V + "query_command"]
    by_hand, answers = yield [story.offline(), story.reserved()]
    part = "application_commvault_query_command must be given: no command of Commvault that shows the states of drives is verified;"
    assert by_hand["failed"]
    assert part in by_hand["msg"]
    assert part in said(answers)
    assert (outcomes(answers), story.states()) == (["silent"] * 3, ["online"] * 3)
    assert story.product.calls() == []


def story_one_query_serves_all_drives_and_one_qdrive_each(story: Story) -> Told:
    yield story.reserved()
    queries = [call for call in story.product.calls() if call.program == "site_drives"]
    sets = [call for call in story.product.calls() if call.sets]
    assert len(sets) == 3
    assert len(queries) == 1 + 3, "one for all, and one behind each set"
    library, token = story.product.LIBRARY, str(story.directory / "commvault.token")
    assert sets[0].words == ("disable", "-dr", story.product.name(0), "-l", library, "-tf", token)
    shown = yield story.query()
    assert states(shown) == ["offline"] * 3


STORIES = tuple(value for key, value in list(globals().items()) if key.startswith("story_"))


def test_story(told: Story) -> None:
    assert told.error is None
