# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IBM Spectrum Archive EE against its fake; the machinery is that of the application custom, and is tested there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import spectrum_archive
from ansible_collections.tapeworks.drive_sharing.tests.products.spectrum_archive import SpectrumArchive
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils._applications.fake_world import (
    Answered,
    FakeWorld,
)

D0, D1 = Target("1320001177"), Target("13200011770")


@pytest.fixture
def world(tmp_path):
    made = FakeWorld(tmp_path, SpectrumArchive, spectrum_archive)
    made.product.add("1320001177")
    made.product.add("13200011770")
    return made


def test_nothing_has_to_be_configured_and_one_command_asks_for_all(world):
    assert spectrum_archive.queries(world.options(), [D0, D1]) == [["eeadm", "drive", "list", "--json"]]
    reading = world.read(D0, D1, Target("1320001178"))
    assert {drive: (found.names, found.state, found.in_use) for drive, found in reading.drives.items()} == {
        "1320001177": (("1320001177",), "online", False), "13200011770": (("13200011770",), "online", False),
    }
    assert (reading.problems, reading.online) == ({}, 2)


@pytest.mark.parametrize("columns", [False, True])
def test_the_order_of_the_keys_and_the_white_space_do_not_matter(world, columns):
    world.product._behaviour = ("columns" if columns else "", [])
    world.product.job(D0.drive)
    assert [(found.state, found.in_use) for found in world.read(D0, D1).drives.values()] == [("online", True), ("online", False)]


@pytest.mark.parametrize(
    ("shown", "state", "in_use"),
    [
        ("not_mounted", "online", False), ("mounted", "online", True), ("mounting", "online", True),
        ("unmounting", "online", True), ("unassigned", "offline", False), ("down", "offline", False),
        ("disconnected", "other", False), ("error", "other", False),
    ],
)
def test_states_that_are_not_known_are_neither_online_nor_offline(world, shown, state, in_use):
    world.product.update(D0.drive, state=shown)
    assert (world.found(D0).state, world.found(D0).in_use) == (state, in_use)


def test_a_task_on_a_drive_is_a_job(world):
    world.product.job(D0.drive, "1007")
    world.product.update(D0.drive, state="not_mounted")
    assert world.found(D0).in_use
    assert world.options()["offline_kills_job"]


def test_the_library_id_is_not_taken_for_the_drives(world):
    assert world.read(Target("0000000000000_LLA")).drives == {}


def test_each_drive_is_set_by_its_id_there_and_back(world):
    (setting,) = spectrum_archive.settings(world.options(), "offline", {D0.drive: (D0.drive,)}, [D0])
    assert setting.commands == (("eeadm", "drive", "down", D0.drive),)
    world.set("offline", D0)
    assert (world.found(D0).state, world.found(D1).state) == ("offline", "online")
    world.set("online", D0)
    assert world.found(D0).state == "online"


def test_the_other_verbs_can_be_configured(world):
    over = {"offline_command": ["eeadm", "drive", "unassign", "{name}"], "online_command": ["eeadm", "drive", "assign", "{name}"]}
    world.set("offline", D0, **over)
    assert (world.found(D0).state, world.found(D0).shown) == ("offline", f"{D0.drive}: unassigned")
    world.set("online", D0, **over)
    assert world.found(D0).state == "online"


def test_an_id_that_is_no_serial_number_needs_a_pattern_without_it_and_names(world):
    names = {"SER0": D0.drive}
    assert f"shows the serial number {D0.drive}" in world.problem(Target("SER0"), drive_names=names)
    pattern = world.options()["query_pattern"].pattern.replace('(?P<serial>[^"]+)', '[^"]+')
    assert world.found(Target("SER0"), drive_names=names, query_pattern=pattern).names == (D0.drive,)


def test_a_list_that_is_cut_anywhere_is_never_believed(world):
    whole = world.run(["eeadm", "drive", "list", "--json"]).output
    end = whole.rindex("]")
    for cut in range(end):
        world.change = lambda answer, cut=cut: replace(answer, output=whole[:cut])
        assert world.read(D0).drives == {}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answered("GLESM992E: it is not running\n", 1), "the query failed with exit status 1: GLESM992E: it is not running"),
        (Answered("{}\n"), "nothing in it matches application_spectrum_archive_query_valid_pattern"),
        (Answered("\033[2J{{ 7 * 7 }}\001 junk\n"), "nothing in it matches application_spectrum_archive_query_valid_pattern"),
        (Answered("", None, timed_out=True), "the query did not end in time and was stopped"),
    ],
)
def test_an_answer_that_is_none_is_one_sentence(world, answer, sentence):
    world.change = lambda _answer: answer
    assert sentence in world.problem(D0)


def test_an_empty_list_is_an_answer(world):
    world.change = lambda _answer: Answered('{"payload": []}')
    assert (world.read(D0).drives, world.read(D0).problems) == ({}, {})


@given(st.text(max_size=200))
def test_whatever_is_printed_is_borne(text):
    options = {**spectrum_archive.check({}), "control_point": "ee1"}
    spectrum_archive.read(options, [D0], [Answered(text)])
