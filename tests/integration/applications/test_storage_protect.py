# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role application_storage_protect, and changes, with a fake dsmadmc and its server."""

from __future__ import annotations

from typing import Any

from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.stories import (
    confirmed,
    outcomes,
    said,
    settings,
    states,
)
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import (
    Description,
    Story,
    Told,
    of,
)
from ansible_collections.tapeworks.drive_sharing.tests.products.storage_protect import StorageProtect

#: Stories in which the activity log is asked, as it is by default; in the others that would only cost time.
WITH_LOG = (
    "drives_are_set_offline_and_online_by_hand_and_nothing_twice",
    "a_lost_race_is_adopted_if_the_product_shows_it_and_else_kept", "a_polled_drive_without_a_message_is_kept",
    "many_drives_cost_a_session_for_fifty_and_two_calls_for_each_reading", "drives_are_taken_when_another_instance_reserves_them_and_given_back",
    "junk_is_believed_by_nobody", "a_query_that_hangs_is_ended_and_nothing_is_set",
)


def options(story: Story) -> dict[str, Any]:
    return {
        "application_storage_protect_credentials_file": story.secret_file("credentials", "DRIVE_SHARING {}\n"),
        "application_storage_protect_server_name": "libmgr",
        **({} if story.name in WITH_LOG else {"application_storage_protect_conflict_minutes": 0}),
    }


PRODUCT = Description(
    name="storage_protect", product=StorageProtect, options=options, evidence=True, kills_job=False,
    says={
        "refuse": "ANR2035E UPDATE DRIVE: Administrator SHARING1 is not authorized", "columns": "no row of drives is in it",
        "down": "the server cannot be reached: ANS1017E", "denied": "the server refuses the administrator or the password in ",
        "junk": "dsmadmc printed more than can be read",
    },
)


def asked(story: Story) -> int:
    """How often dsmadmc was called for reading."""
    return len(story.product.calls()) - settings(story)


def story_a_mounted_volume_completes_its_process_and_then_the_drive_is_confirmed(story: Story) -> Told:
    first, *_others = story.drives
    story.product.job(first, "migration")
    answers = yield story.reserved()
    assert (outcomes(answers), confirmed(answers)) == (["busy", "offline", "offline"], [False, True, True]), said(answers)
    assert story.states() == ["offline"] * 3, "it gets no further volume"
    story.product.job(first, "")
    answers = yield story.again(first)
    assert (outcomes(answers), confirmed(answers)) == (["offline"], [True]), said(answers)
    answers = yield story.released()
    assert outcomes(answers) == ["online"] * 3, said(answers)


def story_a_drive_in_use_can_be_left_until_its_volume_is_done(story: Story) -> Told:
    first, *_others = story.drives
    story.variables["application_storage_protect_offline_kills_job"] = True
    story.product.job(first, "migration")
    answers = yield story.reserved()
    assert outcomes(answers) == ["busy", "offline", "offline"], said(answers)
    assert story.states() == ["online", "offline", "offline"]
    story.product.job(first, "")
    answers = yield story.again(first)
    assert (outcomes(answers), story.states()) == (["offline"], ["offline"] * 3), said(answers)


def story_many_drives_cost_a_session_for_fifty_and_two_calls_for_each_reading(story: Story) -> Told:
    many = [f"77{story.drives[0]}{number:03}" for number in range(60)]
    with story.product.change() as known:
        model = known["drives"][0]
        known["drives"] += [{**model, "serial": drive, "name": f"BIG{drive[-3:]}"} for drive in many]
    off = yield story.offline(*many)
    assert outcomes(off) == ["offline"] * 60, said(off)
    # 60 drives are two sessions, each with a reading of its own behind it.
    assert (settings(story), asked(story)) == (2, 2 + 2 * 2)
    story.product.forget_calls()
    (shown, on) = yield [story.query(*many), story.online(many[0])]
    assert states(shown) == ["offline"] * 60
    assert (outcomes(on), settings(story), asked(story)) == (["online"], 1, 2 + 2 + 2)


def story_without_evidence_and_sessions_each_command_is_a_call(story: Story) -> Told:
    story.variables.update(application_storage_protect_session=False, application_storage_protect_conflict_minutes=0)
    answers = yield story.reserved()
    assert outcomes(answers) == ["offline"] * 3, said(answers)
    assert (settings(story), asked(story)) == (3, 1 + 3)
    story.product.lost_race(story.drives[0])
    answers = yield story.released()
    assert outcomes(answers) == ["online"] * 3, said(answers)
    story.product.lost_race(story.drives[1])
    answers = yield story.reserved(story.drives[1])
    assert outcomes(answers) == ["kept"], said(answers)


def story_the_floor_keeps_processes_from_failing_for_want_of_a_drive(story: Story) -> Told:
    story.variables["drive_sharing_minimum_online"] = 1
    library = story.product.LIBRARY
    answers = yield story.reserved()
    assert sorted(outcomes(answers)) == ["floor", "offline", "offline"], said(answers)
    assert story.product.mount(library) in [drive["name"] for drive in story.product.drives()]
    for drive in story.drives:
        story.product.administrator(drive, "offline")
    assert story.product.mount(library) == "fails"


def story_a_file_drive_does_not_count_for_the_floor(story: Story) -> Told:
    story.variables["drive_sharing_minimum_online"] = 1
    story.product.add("", "GPFS1", library="GPFS", file=True, state="UNKNOWN", job="migration")
    answers = yield story.reserved()
    assert sorted(outcomes(answers)) == ["floor", "offline", "offline"], said(answers)


def story_a_polled_drive_without_a_message_is_kept(story: Story) -> Told:
    first, *_others = story.drives
    story.product.update(first, online=False, word="POLLING SINCE 2026-11-22 05:59:40")
    shown, answers = yield [story.query(first), story.reserved()]
    assert "POLLING SINCE 2026-11-22 05:59:40" in shown["drives"][0]["shown"]
    assert outcomes(answers) == ["kept", "offline", "offline"], said(answers)
    answers = yield story.released()
    assert outcomes(answers) == ["kept", "online", "online"], said(answers)
    assert story.product.drives()[0]["word"].startswith("POLLING")


def story_a_word_of_online_that_nobody_knows_is_not_taken_for_offline(story: Story) -> Told:
    first, *_others = story.drives
    story.product.update(first, word="OUI")
    answers = yield story.reserved()
    assert (outcomes(answers), confirmed(answers)) == (["silent", "offline", "offline"], [False, True, True]), said(answers)
    assert "the application shows" in said(answers)
    assert "OUI, EMPTY" in said(answers)


def story_a_library_client_has_no_drives_and_is_refused(story: Story) -> Told:
    for drive in story.drives:
        story.product.forget(drive)
    shown, answers = yield [story.query(), story.reserved()]
    for found in (shown, answers):
        assert "the server has no drives; ask the library manager" in said(found)
    assert confirmed(answers) == [False] * 3


def story_nothing_is_set_while_others_can_read_the_credentials(story: Story) -> Told:
    path = story.options["application_storage_protect_credentials_file"]
    story.secret_files[0].chmod(0o644)
    answers = yield story.reserved()
    assert f"others may read or write {path}, which holds the password, its mode is -rw-r--r--" in said(answers)
    assert (settings(story), story.states()) == (0, ["online"] * 3)
    story.secret_files[0].chmod(0o600)
    story.variables["application_storage_protect_server_name"] = "elsewhere"
    answers = yield story.again()
    assert "this host's options file of the client has no server elsewhere" in said(answers)
    del story.variables["application_storage_protect_server_name"]
    answers = yield story.again()
    assert outcomes(answers) == ["offline"] * 3, said(answers)


# One way of several


def of_paths(story: Story) -> dict[str, Any]:
    """Each host names the source that it is itself."""
    story.variables["application_storage_protect_path_sources"] = ["{{ inventory_hostname }}"]
    for drive in story.drives:
        for host in story.hosts:
            if host.upper() not in story.product.paths(drive):
                story.product.source(host.upper(), drive)
    return {"scope": "host"}


@of(hosts=2, entry=of_paths)
def story_each_host_closes_its_own_path_and_leaves_the_drive_to_the_others(story: Story) -> Told:
    first, *_others = story.drives
    here, there = (host.upper() for host in story.hosts)
    answers = yield story.reserved()
    assert (outcomes(answers), confirmed(answers)) == (["offline"] * 6, [True] * 6), said(answers)
    assert story.states() == ["online"] * 3, "the drive itself is as it was"
    for drive in story.drives:
        assert story.product.paths(drive) == {story.product.SERVER: True, here: False, there: False}
    answers = yield story.released()
    assert outcomes(answers) == ["online"] * 6, said(answers)
    off, shown, elsewhere = yield [story.offline(first), story.query(first), story.query(first, at=1)]
    assert outcomes(off) == ["offline"], said(off)
    assert (states(shown), states(elsewhere)) == (["offline"], ["online"])
    assert shown["drives"][0]["names"] == [f"{story.product.LIBRARY}/LTO001 from {here}"]
    assert story.product.paths(first) == {story.product.SERVER: True, here: False, there: True}
    assert not any("UPDATE DRIVE" in f"{call.text} {call.lines}" for call in story.product.calls())


STORIES = tuple(value for key, value in list(globals().items()) if key.startswith("story_"))


def test_story(told: Story) -> None:
    assert told.product.calls()
    for call in told.product.calls():
        assert not [word for word in call.words if word.lower().startswith(("-id", "-pa"))]
