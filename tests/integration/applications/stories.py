# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stories that are told of every product; each gets a host of its own with three drives, all of them online.

Steps that need nothing in between stand in one list: a round costs a play for all stories together.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _application
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import Story, Told, World, of

ROOT = Path(__file__).resolve().parents[3]


def outcomes(result: Any) -> list[str]:
    """One word a drive, of a role's result or of the answers to a change."""
    drives = result["drives"] if isinstance(result, dict) else result
    return [one["outcome"] for one in drives]


def states(result: Any) -> list[str]:
    """The states that were read, of a role's result."""
    return [one["state"] for one in result["drives"]]


def confirmed(result: Any) -> list[bool]:
    """What was confirmed, of a role's result or of the answers to a change."""
    drives = result["drives"] if isinstance(result, dict) else result
    return [bool(one["confirmed"]) for one in drives]


def said(result: Any) -> str:
    """All sentences of a result or of answers."""
    if isinstance(result, dict):
        drives = result.get("drives", ())
        parts = [result.get("msg"), *(one.get("problem") or one.get("reason") for one in drives)]
    else:
        parts = [one["reason"] for one in result]
    return " ".join(" ".join(str(part or "") for part in parts).split())


def settings(story: Story) -> int:
    """How often the product was told to set something."""
    return sum(call.sets for call in story.product.calls())


# As it should be


def story_drives_are_set_offline_and_online_by_hand_and_nothing_twice(story: Story) -> Told:
    asked, off, again, shown = yield [
        story.query(role=True), story.offline(role=True), story.offline(role=True), story.query(*story.drives, role=True),
    ]  # fmt: skip
    assert states(asked) == ["online"] * 3, said(asked)
    assert [one["configured"] for one in asked["drives"]] == [True] * 3
    assert (off["changed"], outcomes(off), states(off)) == (True, ["offline"] * 3, ["offline"] * 3), said(off)
    assert (again["changed"], outcomes(again)) == (False, ["offline"] * 3), said(again)
    assert states(shown) == ["offline"] * 3
    assert story.states() == ["offline"] * 3
    on, twice = yield [story.online(role=True), story.online()]
    assert (on["changed"], outcomes(on)) == (True, ["online"] * 3), said(on)
    assert (twice["changed"], outcomes(twice)) == (False, ["online"] * 3)
    assert story.states() == ["online"] * 3


def story_in_check_mode_it_is_told_what_would_be_set_and_nothing_is(story: Story) -> Told:
    first = story.drives[0]
    result = yield story.offline(first, check=True)
    assert (result["changed"], outcomes(result)) == (True, ["offline"]), said(result)
    assert story.states() == ["online"] * 3
    assert not settings(story)
    assert story.record(first) == {}


def story_drives_are_taken_when_another_instance_reserves_them_and_given_back(story: Story) -> Told:
    answers = yield story.reserved()
    assert (outcomes(answers), confirmed(answers)) == (["offline"] * 3, [True] * 3), said(answers)
    assert [one["state_read"] for one in answers] == ["offline"] * 3
    assert story.states() == ["offline"] * 3
    assert story.record(story.drives[0])["taken"] is True
    answers = yield story.released()
    assert (outcomes(answers), confirmed(answers)) == (["online"] * 3, [True] * 3), said(answers)
    assert story.states() == ["online"] * 3
    assert story.record(story.drives[0])["taken"] is False


def at_the_second_host(story: Story) -> dict[str, Any]:
    """The entry of an instance that is told about its drives on its second host."""
    if "instance" not in _application.load(story.description.name).SCOPES:
        return {}
    return {"scope": "instance", "control_points": [list(story.hosts)[1]]}


@of(hosts=2, entry=at_the_second_host)
def story_one_control_point_is_told_for_all_hosts_of_an_instance(story: Story) -> Told:
    if not at_the_second_host(story):
        return
    answers = yield story.reserved()
    second = list(story.hosts)[1]
    assert [one["host"] for one in answers] == [second] * 3
    assert (outcomes(answers), confirmed(answers)) == (["offline"] * 3, [True] * 3), said(answers)
    assert story.states() == ["offline"] * 3


def story_what_the_instance_reserves_itself_is_its_own_and_given_back(story: Story) -> Told:
    first, *_others = story.drives
    own = story.ports[story.host]
    answers = yield story.reserved(by=own)
    assert (outcomes(answers), confirmed(answers)) == (["own"] * 3, [True] * 3), said(answers)
    assert not settings(story)
    answers = yield story.reserved(first)
    assert (outcomes(answers), story.states()) == (["offline"], ["offline", "online", "online"]), said(answers)
    answers = yield story.reserved(first, by=own)
    assert (outcomes(answers), confirmed(answers), story.states()) == (["own"], [True], ["online"] * 3), said(answers)


# What was offline already


def story_a_drive_that_an_administrator_set_offline_stays_his(story: Story) -> Told:
    first, *_others = story.drives
    story.product.administrator(first, "offline")
    answers = yield story.reserved()
    assert outcomes(answers) == ["kept", "offline", "offline"], said(answers)
    answers = yield story.released()
    assert outcomes(answers) == ["kept", "online", "online"], said(answers)
    assert story.states() == ["offline", "online", "online"]


def story_a_lost_race_is_adopted_if_the_product_shows_it_and_else_kept(story: Story) -> Told:
    """The product met the reservation before we came, and set the drive offline itself."""
    first, *_others = story.drives
    story.product.lost_race(first)
    assert story.states() == ["offline", "online", "online"]
    answers = yield story.reserved()
    shows = story.description.evidence
    assert outcomes(answers) == ["adopted" if shows else "kept", "offline", "offline"], said(answers)
    answers = yield story.released()
    assert outcomes(answers) == ["online" if shows else "kept", "online", "online"], said(answers)
    assert story.states() == ["online" if shows else "offline", "online", "online"]


# What must not be set


def story_a_drive_in_use_is_left_until_its_job_ends_where_setting_it_would_kill_the_job(story: Story) -> Told:
    first, *_others = story.drives
    story.product.job(first)
    if story.description.job_ends:
        yield from a_job_ends(story, first)
        return
    shown, by_hand, answers = yield [story.query(), story.offline(first), story.reserved()]
    assert [one["in_use"] for one in shown["drives"]] == [True, False, False], said(shown)
    if not story.description.kills_job:
        # It is set, and confirmed when the job is over; by hand it was a person's, so it is kept.
        assert (outcomes(by_hand), by_hand["failed"]) == (["busy"], True), said(by_hand)
        assert "a job that was running goes on until it ends" in said(by_hand)
        assert (outcomes(answers), confirmed(answers)) == (["busy", "offline", "offline"], [False, True, True]), said(answers)
        assert story.states() == ["offline"] * 3
        story.product.job(first, "")
        answers = yield story.again(first)
        assert (outcomes(answers), confirmed(answers)) == (["kept"], [True]), said(answers)
        return
    assert (outcomes(by_hand), by_hand["failed"]) == (["busy"], True), said(by_hand)
    assert "a job is running on the drive" in said(by_hand)
    assert (outcomes(answers), confirmed(answers)) == (["busy", "offline", "offline"], [False, True, True]), said(answers)
    assert story.states() == ["online", "offline", "offline"]
    story.product.job(first, "")
    answers = yield story.again(first)
    assert outcomes(answers) == ["offline"], said(answers)
    assert story.states() == ["offline"] * 3


def a_job_ends(story: Story, drive: str) -> Told:
    """The drive is set offline at once; as long as the job uses it that is no confirmation."""
    shown, answers = yield [story.query(), story.reserved()]
    assert [one["in_use"] for one in shown["drives"]] == [True, False, False], said(shown)
    assert (outcomes(answers), confirmed(answers)) == (["busy", "offline", "offline"], [False, True, True]), said(answers)
    assert "a job that was running goes on until it ends" in said(answers)
    assert story.states() == ["offline"] * 3
    story.product.job(drive, "")
    answers = yield story.again(drive)
    assert (outcomes(answers), confirmed(answers)) == (["offline"], [True]), said(answers)


def story_as_many_drives_stay_online_as_the_floor_says(story: Story) -> Told:
    story.variables["drive_sharing_minimum_online"] = 2
    answers = yield story.reserved()
    assert sorted(outcomes(answers)) == ["floor", "floor", "offline"], said(answers)
    assert sorted(story.states()) == ["offline", "online", "online"]
    del story.variables["drive_sharing_minimum_online"]
    answers = yield story.again(*(one["drive"] for one in answers if one["outcome"] == "floor"))
    assert outcomes(answers) == ["offline"] * 2, said(answers)
    assert story.states() == ["offline"] * 3


def story_a_drive_that_the_product_does_not_know_is_not_configured(story: Story) -> Told:
    first, *_others = story.drives
    story.product.forget(first)
    shown, by_hand, answers = yield [story.query(), story.offline(first), story.reserved()]
    assert [one["configured"] for one in shown["drives"]] == [False, True, True], said(shown)
    assert outcomes(by_hand) == ["not_configured"]
    assert by_hand["failed"], "a person who names a drive that there is not is told so"
    assert (outcomes(answers), confirmed(answers)) == (["not_configured", "offline", "offline"], [True] * 3), said(answers)


# Names


def story_a_name_or_serial_number_that_is_a_part_of_another_is_not_taken_for_it(story: Story) -> Told:
    first, second, _last = story.drives
    assert second.startswith(first)
    story.product.forget(second)
    story.product.add(second, story.product.name_like(story.product.name(0)), device=story.device(1))
    off, shown = yield [story.offline(first), story.query()]
    assert outcomes(off) == ["offline"], said(off)
    assert states(shown) == ["offline", "online", "online"]
    assert story.states() == ["offline", "online", "online"]
    off, on = yield [story.offline(second), story.online(first)]
    assert (outcomes(off), outcomes(on)) == (["offline"], ["online"]), said(off) + said(on)
    assert story.states() == ["online", "offline", "online"]


def story_a_drive_under_two_names_is_set_under_both(story: Story) -> Told:
    first, *_others = story.drives
    story.product.add(first, story.product.name(7), device=story.device(0))
    shown, off = yield [story.query(first), story.offline(first)]
    assert len(shown["drives"][0]["names"]) == 2, said(shown)
    assert outcomes(off) == ["offline"], said(off)
    assert story.product.states(first) == ("offline", "offline")
    assert story.states()[1:] == ["online", "online"]
    on = yield story.online(first)
    assert outcomes(on) == ["online"], said(on)
    assert story.product.states(first) == ("online", "online")


def story_a_name_that_stands_for_two_drives_is_refused_with_both(story: Story) -> Told:
    first, second, last = story.drives
    if story.description.one_name is not None:
        story.description.one_name(story)
    else:
        story.product.forget(second)
        story.product.add(second, story.product.name(0), device=story.device(1))
    by_hand, answers = yield [story.offline(), story.reserved(first, second)]
    assert by_hand["failed"]
    for found in (by_hand, answers):
        assert first in said(found), said(found)
        assert second in said(found), said(found)
    assert confirmed(answers) == [False, False]
    assert story.states()[:2] == ["online", "online"]
    assert not any(last in call.text for call in story.product.calls() if call.sets) or story.states()[2] == "offline"


def story_one_name_in_two_libraries_is_two_drives(story: Story) -> Told:
    first, second, _last = story.drives
    story.product.forget(second)
    story.product.add(second, story.product.name(0), library="LIB2", device=story.device(1))
    off, shown = yield [story.offline(first), story.query()]
    assert outcomes(off) == ["offline"], said(off)
    assert states(shown) == ["offline", "online", "online"]
    off, on = yield [story.offline(second), story.online(first)]
    assert (outcomes(off), outcomes(on)) == (["offline"], ["online"]), said(off) + said(on)
    assert story.states() == ["online", "offline", "online"]


# When the product does not do as it is told


def nothing_is_set_while(story: Story, behaviour: str, *words: Any) -> Told:
    """Asked by hand and by a change: a sentence each, nothing set; it comes to pass when the product is well again."""
    story.product.behave(behaviour, *words)
    shown, by_hand, answers = yield [story.query(), story.offline(), story.reserved()]
    part = story.description.says.get(behaviour, "")
    assert all(one["problem"] for one in shown["drives"]), said(shown)
    for result in (shown, by_hand, answers):
        assert part in said(result), said(result)
    assert by_hand["failed"]
    assert (outcomes(answers), confirmed(answers)) == (["silent"] * 3, [False] * 3)
    assert story.states() == ["online"] * 3
    assert story.record(story.drives[0]) == {}
    story.product.behave()
    answers = yield story.again()
    assert outcomes(answers) == ["offline"] * 3, said(answers)


def story_wrong_credentials_are_told_and_nothing_is_set(story: Story) -> Told:
    yield from nothing_is_set_while(story, "denied")
    assert story.states() == ["offline"] * 3


def story_a_server_that_is_down_is_told_and_nothing_is_set(story: Story) -> Told:
    yield from nothing_is_set_while(story, "down")
    assert story.states() == ["offline"] * 3


def story_junk_is_believed_by_nobody(story: Story) -> Told:
    yield from nothing_is_set_while(story, "junk", 3)
    assert story.states() == ["offline"] * 3


def story_a_query_that_hangs_is_ended_and_nothing_is_set(story: Story) -> Told:
    story.variables["drive_sharing_handshake_timeout"] = 1
    story.product.behave("hang")
    (answers,) = yield [story.reserved(story.drives[0])]
    assert confirmed(answers) == [False]
    assert "did not end in time" in said(answers)
    assert story.states() == ["online"] * 3
    story.product.behave()
    del story.variables["drive_sharing_handshake_timeout"]
    answers = yield story.again(story.drives[0])
    assert outcomes(answers) == ["offline"], said(answers)


def set_and_not_confirmed(story: Story, behaviour: str, part: str, *words: Any, **more: Any) -> Told:
    """Setting fails, so it is not confirmed; it comes to pass when the product is well again."""
    story.variables.update(more)
    first, second, _last = story.drives
    story.product.behave(behaviour, *words, on="set")
    by_hand, answers = yield [story.offline(first), story.reserved(second)]
    for result in (by_hand, answers):
        assert (outcomes(result), confirmed(result)) == (["silent"], [False]), said(result)
        assert part in said(result), said(result)
    assert story.states() == ["online"] * 3
    assert settings(story) >= 2
    assert story.record(second)["target"] == "offline"
    story.variables.clear()
    story.product.behave()
    answers = yield story.again(second)
    assert outcomes(answers) == ["offline"], said(answers)
    assert story.states() == ["online", "offline", "online"]


def story_what_the_product_refuses_is_told_in_its_own_words(story: Story) -> Told:
    yield from set_and_not_confirmed(story, "refuse", story.description.says["refuse"])


def story_a_success_that_is_none_is_not_believed(story: Story) -> Told:
    yield from set_and_not_confirmed(story, "lie", story.description.says.get("lie", "the application still shows"))


def story_a_command_that_hangs_is_ended_and_not_confirmed(story: Story) -> Told:
    part = "did not end in time"
    yield from set_and_not_confirmed(story, "hang", part, drive_sharing_handshake_timeout=story.description.patience)


def story_a_command_that_says_no_and_does_it_is_confirmed_by_what_is_read(story: Story) -> Told:
    story.product.behave("deny", on="set")
    answers = yield story.reserved(story.drives[0])
    assert story.states() == ["offline", "online", "online"]
    assert (outcomes(answers), confirmed(answers)) == (["offline"], [True]), said(answers)


def story_another_versions_columns_are_understood_or_refused(story: Story) -> Told:
    story.product.behave("columns")
    part = story.description.says.get("columns")
    shown, off = yield [story.query(), story.offline(story.drives[0])]
    if part is None:
        assert states(shown) == ["online"] * 3, said(shown)
        assert outcomes(off) == ["offline"], said(off)
        return
    assert part in said(shown), said(shown)
    assert off["failed"]
    assert story.states() == ["online"] * 3
    assert not settings(story)


# What is looked at when all stories have been told


def check_no_secret_is_seen_anywhere(world: World) -> None:
    """Not in what the plays printed, gave and wrote, not in the product's calls, not in any process meanwhile."""
    secrets = {secret: story.name for story in world.stories for secret in story.secrets}
    found = [
        f"the secret of {secrets[secret]} is in {what}"
        for what, text in world.everything() for secret in secrets if secret in text
    ]
    assert found == []
    options = _application.load(world.description.name).OPTIONS
    if any(re.search("password|credential|token|secret", option) for option in options):
        assert secrets, f"{world.description.name} has a file for a secret: let its stories write one by story.secret_file"
    # Whoever looks at nothing finds nothing.
    seen = "".join(world.watch.seen)
    assert "ansible-playbook" in seen
    assert world.stories[0].host in seen
    for story in world.stories:
        for path in story.secret_files:
            assert path.stat().st_mode & 0o077 == 0, path


def check_what_is_returned_is_what_is_documented(world: World) -> None:
    for result in world.by_hand():
        module = "application_drive" if "confirmed" in result["drives"][0] else "application_drive_info"
        for one in result["drives"]:
            assert set(one) == documented(module), module


def documented(module: str) -> set[str]:
    """The keys of an entry of ``drives``, by the module's documentation."""
    text = (ROOT / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8")
    returned = yaml.safe_load(re.search(r'^RETURN = r?"""\n(.*?)^"""', text, re.MULTILINE | re.DOTALL)[1])
    return set(returned["drives"]["contains"])


CHECKS = tuple(value for key, value in list(globals().items()) if key.startswith("check_"))
SHARED = tuple(value for key, value in list(globals().items()) if key.startswith("story_"))
