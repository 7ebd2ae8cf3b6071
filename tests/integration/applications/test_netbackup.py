# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role application_netbackup and changes, with a fake NetBackup: the stories of all products, and its own."""

from __future__ import annotations

from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.stories import (
    confirmed,
    outcomes,
    said,
    states,
)
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import (
    Description,
    Story,
    Told,
    of,
)
from ansible_collections.tapeworks.drive_sharing.tests.products.netbackup import NetBackup


def options(story: Story) -> dict[str, Any]:
    # Each host has programs of its own, which know where they are.
    return {"application_netbackup_directory": f"{story.directory}/{{{{ inventory_hostname }}}}/bin"}


PRODUCT = Description(
    name="netbackup", product=NetBackup, options=options, evidence=True,
    says={
        "refuse": "oprd returned abnormal status (96)", "columns": "answered in a form that is not known, and nothing was guessed",
        "down": "The Media Manager device daemon (ltid) is not active on host", "denied": "is not authorized to perform this operation",
    },
    left_out={
        "one_control_point_is_told_for_all_hosts_of_an_instance":
            "that takes the list of the media servers: one_control_point_tells_all_media_servers",
        "one_name_in_two_libraries_is_two_drives":
            "names are those of a media server, not of a library: NetBackup could take either, so the name is refused",
    },
)  # fmt: skip


def story_the_same_name_in_two_libraries_is_refused_with_both_serial_numbers(story: Story) -> Told:
    first, second, _last = story.drives
    story.product.forget(second)
    story.product.add(second, story.product.name(0), library="1", device=story.device(1))
    by_hand, answers = yield [story.offline(), story.reserved()]
    for found in (by_hand, answers):
        assert f"with the serial numbers {first}, {second}; nothing is set by that name" in said(found), said(found)
    assert story.states() == ["online", "online", "offline"]


def story_a_comment_says_why_and_an_administrators_stays(story: Story) -> Told:
    first, second, last = story.drives
    story.product.update(second, comment="Cleaned in May, call Kim")
    answers = yield story.reserved()
    assert outcomes(answers) == ["offline"] * 3, said(answers)
    (sequence,) = [one["sequence"] for one in answers if one["drive"] == first]
    reason = f"drive_sharing: reserved by fc 10000090fa16ffff, change {sequence}"
    assert [story.product.drive(drive)["comment"] for drive in (first, second)] == [reason, "Cleaned in May, call Kim"]
    story.product.update(last, comment="A new one, by an administrator")
    answers = yield story.released()
    assert outcomes(answers) == ["online"] * 3, said(answers)
    assert [story.product.drive(drive)["comment"] for drive in story.drives] == [
        "", "Cleaned in May, call Kim", "A new one, by an administrator",
    ]  # fmt: skip


def story_names_go_through_the_shell_as_they_are(story: Story) -> Told:
    names = ("Drive 1 of the library", "it's \"B\" $(touch x) `x`", "D*.%n\\n&;|<>#")
    for number, (drive, name) in enumerate(zip(story.drives, names, strict=True)):
        story.product.forget(drive)
        story.product.add(drive, name, device=story.device(number))
    answers = yield story.reserved()
    assert outcomes(answers) == ["offline"] * 3, said(answers)
    assert {call.words[1] for call in story.product.calls() if call.words[0] == "-downbyname"} == set(names)
    answers = yield story.released()
    assert outcomes(answers) == ["online"] * 3, said(answers)


def story_every_path_is_set_and_read_back_and_one_that_was_down_stays_down(story: Story) -> Told:
    first, second, _last = story.drives
    more = "/dev/tape/by-id/scsi-other-nst"
    story.product.update(first, paths=[story.device(0), more])
    story.product.update(second, paths=[story.device(1), f"{more}2"], down=[f"{more}2"])
    answers = yield story.reserved()
    assert outcomes(answers) == ["offline"] * 3, said(answers)
    assert story.product.drive(first)["down"] == [story.device(0), more]
    assert story.product.drive(second)["down"] == [story.device(1), f"{more}2"]
    sets = [call.words for call in story.product.calls() if call.words[0] == "-downbyname"]
    assert ("-downbyname", story.product.name(0), "-path", more) in sets
    assert not any(f"{more}2" in words for words in sets)
    answers = yield story.released()
    assert outcomes(answers) == ["online"] * 3, said(answers)
    assert [story.product.drive(drive)["down"] for drive in (first, second)] == [[], [f"{more}2"]]


def story_a_path_that_does_not_follow_is_not_confirmed(story: Story) -> Told:
    first, *_others = story.drives
    more = "/dev/tape/by-id/scsi-other-nst"
    # NetBackup reaches the drive by one path only, whatever it is told.
    story.product.update(first, paths=[story.device(0), more], stuck=more)
    answers = yield story.reserved(first)
    assert (outcomes(answers), confirmed(answers)) == (["silent"], [False]), said(answers)
    assert f"{more} UP" in said(answers)
    story.product.update(first, stuck="")
    answers = yield story.again(first)
    assert (outcomes(answers), story.states()[0]) == (["offline"], "offline"), said(answers)


def story_the_tables_say_the_same_where_xdraw_is_not_understood(story: Story) -> Told:
    story.variables["application_netbackup_status"] = "table"
    shown, off, on = yield [story.query(), story.offline(), story.online()]
    assert states(shown) == ["online"] * 3, said(shown)
    assert (outcomes(off), outcomes(on)) == (["offline"] * 3, ["online"] * 3), said(off) + said(on)
    assert not any("-xdraw" in call.words for call in story.product.calls())


def story_all_drives_are_read_by_three_commands_and_set_by_as_many_as_the_page_says(story: Story) -> Told:
    story.variables["application_netbackup_together"] = 4
    yield story.query()
    assert [call.words for call in story.product.calls()] == [("-dl",), ("-xdraw", "ds"), ("-dp", "ds")]
    story.product.forget_calls()
    answers = yield story.reserved()
    assert outcomes(answers) == ["offline"] * 3, said(answers)
    words = [call.words[0] for call in story.product.calls()]
    read = ["-dl", "-xdraw", "-dp"]
    assert words == [*read, *["-downbyname"] * 3, *["-commentbyname"] * 3, *read]


def story_a_drive_that_came_up_by_itself_is_set_down_anew_when_it_is_looked_at_again(story: Story) -> Told:
    first, *_others = story.drives
    story.variables["application_netbackup_recheck"] = 1
    yield story.reserved(first)
    story.product.administrator(first, "online")
    answers = yield story.again(first)
    assert (outcomes(answers), story.states()[0]) == (["offline"], "offline"), said(answers)


def story_a_conflict_in_the_system_log_is_evidence_that_netbackup_set_the_drive_down(story: Story) -> Told:
    first, second, _last = story.drives
    name, other = story.product.name(0), story.product.name(1)
    story.variables["application_netbackup_conflict_log"] = story.file("messages", "".join(
        f"Nov 23 09:00:0{number} media1 avrd[17]: {text}\n" for number, text in enumerate([
            f"Reservation Conflict status from {name} (device 0)",
            f"Reservation Conflict status from {other} (device 1)",
            f"Reservation Conflict status cleared from {other} (device 1)",
        ])
    ))  # fmt: skip
    for drive in (first, second):
        story.product.administrator(drive, "offline")
    answers = yield story.reserved()
    assert outcomes(answers) == ["adopted", "kept", "offline"], said(answers)


@of(hosts=2)
def story_each_media_server_has_a_state_of_its_own(story: Story) -> Told:
    one, two = story.hosts
    first, *_others = story.drives
    each_has_its_own(story)
    # Only the second one sees that it is down.
    off = yield story.offline(first, at=1)
    assert outcomes(off) == ["offline"], said(off)
    assert [story.product.drive(first, host)["online"] for host in (one, two)] == [True, False]
    answers = yield story.reserved()
    assert sorted(outcomes(answers)) == ["kept", *["offline"] * 5], said(answers)
    answers = yield story.released()
    assert [story.product.drive(first, host)["online"] for host in (one, two)] == [True, False]
    assert story.states() == ["offline/online", "online", "online"]
    assert not any("-h" in call.words for call in story.product.calls())


def whole(story: Story) -> dict[str, Any]:
    """One control point for all media servers."""
    one, two = story.hosts
    return {"scope": "instance", "control_points": [one], "options": {"media_servers": [one, two]}}


@of(hosts=2, entry=whole)
def story_one_control_point_tells_all_media_servers(story: Story) -> Told:
    one, two = story.hosts
    first, second, _last = story.drives
    each_has_its_own(story)
    story.product.update(second, online=True)
    answers = yield story.reserved()
    assert (outcomes(answers), confirmed(answers)) == (["offline"] * 3, [True] * 3), said(answers)
    assert story.states() == ["offline"] * 3
    hosts = {call.words[-1] for call in story.product.calls() if "-h" in call.words}
    assert hosts == {one, two}
    answers = yield story.released()
    assert story.states() == ["online"] * 3, said(answers)
    # The product has it on a media server that nobody named.
    story.product.add(first, story.product.name(0), host="media9")
    answers = yield story.reserved(first)
    assert confirmed(answers) == [False]
    assert "media server media9 has it as drive" in said(answers)


def without_names(story: Story) -> dict[str, Any]:
    return {"scope": "instance", "control_points": [story.host]}


@of(entry=without_names)
def story_one_state_for_all_is_refused_without_the_names_of_the_media_servers(story: Story) -> Told:
    shown, answers = yield [story.query(), story.reserved()]
    for found in (shown, answers):
        assert "the scope is instance, so application_netbackup_media_servers has to name" in said(found), said(found)
    assert story.states() == ["online"] * 3


def each_has_its_own(story: Story) -> None:
    """Have every media server of the story have its own entry of every drive."""
    for number, drive in enumerate(story.drives):
        story.product.forget(drive)
        for host in story.hosts:
            story.product.add(drive, story.product.name(number), host=host, device=story.device(number))


STORIES = tuple(value for key, value in list(globals().items()) if key.startswith("story_"))


def test_story(told: Story) -> None:
    assert told.product.calls()
