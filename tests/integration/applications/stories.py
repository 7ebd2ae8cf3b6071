# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stories that are told of every product; each gets a host of its own with three drives, all of them online."""

from __future__ import annotations

from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import Story, Told


def outcomes(result: Any) -> list[str]:
    """One word a drive, of a role's result or of the answers to a change."""
    drives = result["drives"] if isinstance(result, dict) else result
    return [one["outcome"] for one in drives]


def states(result: Any) -> list[str]:
    """The states that were read, of a role's result."""
    return [one["state"] for one in result["drives"]]


def said(result: Any) -> str:
    """All sentences of a result or of answers."""
    if isinstance(result, dict):
        return " ".join([str(result.get("msg", "")), *(str(one.get("problem") or "") for one in result.get("drives", ()))])
    return " ".join(str(one["reason"]) for one in result)


def story_drives_are_set_offline_and_online_by_hand_and_nothing_twice(story: Story) -> Told:
    asked, off, again, shown, on, twice = yield [
        story.query(), story.offline(), story.offline(), story.query(), story.online(), story.online(),
    ]  # fmt: skip
    assert states(asked) == ["online"] * 3
    assert (off["changed"], outcomes(off), states(off)) == (True, ["offline"] * 3, ["offline"] * 3)
    assert (again["changed"], outcomes(again)) == (False, ["offline"] * 3)
    assert states(shown) == ["offline"] * 3
    assert (on["changed"], outcomes(on)) == (True, ["online"] * 3)
    assert (twice["changed"], outcomes(twice)) == (False, ["online"] * 3)
    assert story.states() == ["online"] * 3


SHARED = (story_drives_are_set_offline_and_online_by_hand_and_nothing_twice,)
