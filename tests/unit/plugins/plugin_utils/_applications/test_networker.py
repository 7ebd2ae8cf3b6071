# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EMC NetWorker against its fake: what is asked, what is read, what is set, and every trap."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Dialogue, Found, Said, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import networker
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.products.networker import Networker
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils._applications.fake_world import (
    Answered,
    FakeWorld,
)

D0 = Target("SER0", ("/dev/nst0",))
D1 = Target("SER1", (), "", {"node1": ("/dev/nst0",), "node2": ("/dev/nst4",)})
N0 = "/dev/nst0"
N1, N2 = "rd=node1.example.com:/dev/nst0", "rd=node2:/dev/nst4"


@pytest.fixture
def world(tmp_path):
    made = FakeWorld(tmp_path, Networker, networker)
    made.product.add("SER0", N0)
    made.product.add("SER1", N1)
    made.product.add("SER1", N2)
    return made


# What is asked and read.


def test_one_dialogue_asks_for_all_devices(world):
    assert networker.queries(world.options(), [D0]) == [Dialogue(
        ("nsradmin", "-i", "-"), (". type: NSR device", "show name; enabled; volume name; message", "print")
    )]
    (query,) = networker.queries(world.options(command=["sudo", "nsradmin"], server="nw1"), [D0])
    assert query.words == ("sudo", "nsradmin", "-s", "nw1", "-i", "-")


def test_a_drive_is_found_by_node_and_device_file_under_all_its_names(world):
    reading = world.read(D0, D1, Target("SER9", ("/dev/nst9",)))
    assert reading.drives == {
        "SER0": Found((N0,), "online", f"{N0}: enabled Yes", counts=1),
        "SER1": Found((N1, N2), "online", f"{N1}: enabled Yes; {N2}: enabled Yes", counts=1),
    }
    assert (reading.problems, reading.online) == ({}, None), "other drives have several names too, so they are not counted"


@pytest.mark.parametrize(
    ("value", "state"), [("Yes", "online"), ("No", "offline"), ("Service", "offline"), ("Perhaps", "other")]
)
def test_the_values_of_enabled_are_known(world, value, state):
    world.product.update("SER0", enabled=value)
    assert (world.found(D0).state, world.found(D0).shown) == (state, f"{N0}: enabled {value}")


def test_enabled_under_one_name_is_online(world):
    with world.product.change() as state:
        state["drives"][1]["enabled"] = "No"
    assert world.found(D1).state == "online"


def test_a_mounted_volume_is_in_use_unless_a_pattern_says_otherwise(world):
    world.product.update("SER0", volume="TAPE07")
    assert (world.found(D0).in_use, world.found(D0).shown) == (True, f"{N0}: enabled Yes, volume TAPE07")
    assert not world.found(D0, in_use_pattern="^message: (writing|reading)").in_use
    world.product.update("SER0", message="writing at 200 MB/s, 3 sessions")
    assert world.found(D0, in_use_pattern="^message: (writing|reading)").in_use
    assert world.options()["offline_kills_job"]


def test_a_job_that_may_end_is_waited_for(world):
    world.product.update("SER0", volume="TAPE07", enabled="No")
    assert not world.found(D0).ending
    assert world.found(D0, offline_kills_job=False).ending


def test_values_over_several_lines_and_in_quotes_are_read(world):
    text = '''
                        name: "rd=node1.example.com:/dev/nst0";
                     message: "first part, \\
second part";
                 volume name: ;
                     enabled: Yes;

'''
    world.change = lambda _answer: Answered(text)
    assert world.found(D1).shown == f"{N1}: enabled Yes, first part, \\ second part"


def test_no_device_at_all_is_an_answer(world):
    world.change = lambda _answer: Answered("No resources found for query:\n\n")
    assert (world.read(D0).drives, world.read(D0).problems) == ({}, {})


# Which drive.


def test_a_device_of_the_server_is_the_control_points_or_the_named_servers(world):
    far = Target("SER0", (), "", {"nw1": (N0,)})
    assert world.found(far, server="nw1.example.com").names == (N0,)
    assert world.read(D0, server="nw1.example.com").problems != {}, "nw1 is not known to have drives"
    assert world.found(D0, server="nw1.example.com", hosts={"nw1.example.com": "master1"}).names == (N0,)


def test_a_node_that_is_not_known_is_refused_where_it_has_the_file(world):
    other = Target("SER1", (), "", {"storage1": ("/dev/nst0",)})
    assert "NetWorker's drive rd=node1.example.com:/dev/nst0 has its device file, but on node1.example.com" in world.problem(other)
    assert world.found(other, hosts={"node1.example.com": "storage1"}).names == (N1,)


def test_a_drive_by_hand(world):
    assert world.found(Target("SER5"), drive_names={"SER5": [N1, N2]}).names == (N1, N2)
    assert "NetWorker has no drive of that name" in world.problem(Target("SER5"), drive_names={"SER5": "/dev/nst77"})


def test_one_device_that_would_be_two_drives_is_refused_with_both(world):
    reading = world.read(D0, Target("SER5"), drive_names={"SER5": N0})
    assert set(reading.problems.values()) == {f"NetWorker's drive {N0} would be several drives: SER0, SER5"}


@pytest.mark.parametrize("name", ['a"b', "a\\\\b"])
def test_a_name_that_would_break_out_of_its_quotes_is_refused(world, name):
    world.product.add("SER5", name)
    assert "nsradmin printed a device" in world.problem(D0)


# What is set.


def test_one_dialogue_sets_all_and_selects_the_server_before_each_device(world):
    (setting,) = networker.settings(world.options(), "offline", {"SER0": (N0,), "SER1": (N1, N2)}, [D0, D1])
    assert setting.drives == ("SER0", "SER1")
    (dialogue,) = setting.commands
    assert dialogue.lines == (
        "show name",
        *[
            (drive, line)
            for drive, name in (("SER0", N0), ("SER1", N1), ("SER1", N2))
            for line in (". type: NSR", f'. type: NSR device; name: "{name}"', "print", "update enabled: No", "y")
        ],
        "quit",
    )
    assert not any(line.endswith((";", ",")) for _drive, line in dialogue.lines[1:-1]), "a line that ends so goes on"


@pytest.mark.parametrize("asks", [False, True])
def test_a_drive_is_set_there_and_back_whether_or_not_an_update_is_asked_about(world, asks):
    with world.product.change() as state:
        state["asks"] = asks
    assert world.set("offline", D1) == {}
    assert (world.product.states("SER0"), world.product.states("SER1")) == (("online",), ("offline", "offline"))
    assert world.set("online", D1) == {}
    assert world.product.states("SER1") == ("online", "online")


def test_without_the_y_an_update_that_is_asked_about_is_not_done(world):
    with world.product.change() as state:
        state["asks"] = True
    world.set("offline", D0, confirm_update=False)
    assert world.product.states("SER0") == ("online",)
    assert not any(line == "y" for _words, lines in world.ran for line in lines)


def test_service_is_another_way_to_be_offline(world):
    world.set("offline", D0, offline_value="Service")
    assert world.product.drives()[0]["enabled"] == "Service"


def test_a_drive_can_be_left_out(world):
    world.set("offline", D0, D1, left_out=["SER0"])
    assert (world.product.states("SER0"), world.product.states("SER1")) == (("online",), ("offline", "offline"))


def test_a_device_that_vanished_takes_no_other_one_with_it(world):
    """What is selected then is the server, which has no attribute enabled."""
    options = world.options()
    names = {"SER7": ("/dev/nst7",), "SER0": (N0,)}
    (setting,) = networker.settings(options, "offline", names, [Target("SER7"), D0])
    said = networker.said(options, "offline", names, [world.run(setting.commands[0])])
    fault("networker-gone").seen_in(said["SER7"].why)
    assert said == {"SER7": Said("nsradmin does not find device /dev/nst7 any more")}
    assert (world.product.states("SER0"), world.product.states("SER1")) == (("offline",), ("online", "online"))


def test_without_that_line_everything_would_be_set(world):
    """The trap itself: nsradmin begins with all resources selected."""
    world.run(Dialogue(("nsradmin", "-i", "-"), ('. type: NSR device; name: "/dev/nst7"', "update enabled: No", "y", "quit")))
    assert world.product.states("SER1") == ("offline", "offline")


def test_what_is_refused_is_told_of_the_device_that_was_selected(world):
    options = world.options()
    names = {"SER0": (N0,), "SER1": (N1, N2)}
    text = (
        f"                        name: {N0};\n\n                     enabled: No;\nupdated resource id 1.2(3)\n"
        f'                        name: "{N1}";\n\nupdate failed: user does not have privilege\n'
        f'                        name: "{N2}";\n\nupdated resource id 1.2(4)\n'
    )
    said = networker.said(options, "offline", names, [Answered(text)])
    fault("networker-refused").seen_in(said["SER1"].why)
    assert said == {
        "SER1": Said("nsradmin says: update failed: user does not have privilege")
    }


def test_what_is_refused_before_anything_is_shown_is_told_of_all(world):
    names = {"SER0": (N0,), "SER1": (N1, N2)}
    said = networker.said(world.options(), "offline", names, [Answered("39078:nsradmin: permission denied\n")])
    assert said == dict.fromkeys(names, Said("nsradmin says: 39078:nsradmin: permission denied"))


# When it goes wrong.


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answered("39077:nsradmin: There does not appear to be a server\n", 1), "nsradmin ended with exit status 1: 39077:nsradmin: There"),
        (Answered("39077:nsradmin: There does not appear to be a server\n", 0), "nsradmin printed what is no attribute of a device"),
        (Answered("sh: nsradmin: not found\n", 127), "give its path in application_networker_command"),
        (Answered("", None), "nsradmin was not run"),
        (Answered("", None, timed_out=True), "nsradmin did not end in time and was stopped"),
        (Answered("", 0, truncated=True), "nsradmin printed more than can be read"),
        (Answered(""), "nsradmin printed no devices: (nothing)"),
        (Answered("\033[2J{{ 7 * 7 }}\001 junk\n"), "nsradmin printed what is no attribute of a device: [2J{{ 7 * 7 }} junk"),
        (Answered("  name: /dev/nst0;\n\n"), "nsradmin printed a device without name or enabled"),
        (Answered("  name: /dev/nst0;\n  name: /dev/nst1;\n  enabled: Yes;\n\n"), "is no attribute of a device"),
        (Answered('  name: "/dev/nst0;\n  enabled: Yes;\n\n'), "nsradmin printed a device without name or enabled"),
    ],
)
def test_an_answer_that_is_none_is_one_sentence(world, answer, sentence):
    world.change = lambda _answer: answer
    problem = world.problem(D0)
    assert sentence in problem
    assert problem.isprintable()
    if answer.rc == 1:
        fault("networker-down").seen_in(problem, N="1")


def test_another_exit_status_can_be_good(world):
    world.change = lambda answer: replace(answer, rc=1)
    assert "nsradmin ended with exit status 1" in world.problem(D0)
    assert world.found(D0, success_codes=[0, 1]).state == "online"


@given(st.text(max_size=200), st.sampled_from([0, 1, None]))
def test_whatever_is_printed_is_borne(text, rc):
    options = {**networker.check({}), "control_point": "master1"}
    networker.read(options, [D0], [Answered(text, rc)])
    networker.said(options, "offline", {"SER0": (N0,)}, [Answered(text, rc)])


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("command", "nsradmin", "command must be a list of words with the command first"),
        ("server", "a b", "server must be the name of a host"),
        ("server", "-x", "server must be the name of a host"),
        ("offline_value", "Never", "offline_value must be No or Service"),
        ("confirm_update", "perhaps", "confirm_update must be true or false"),
        ("in_use_pattern", "(", "in_use_pattern must be a regular expression"),
        ("success_codes", [], "success_codes must be a list of whole numbers"),
    ],
)
def test_a_wrong_option_is_named(option: str, value: Any, sentence: str):
    with pytest.raises(InvalidValueError) as caught:
        networker.check({option: value})
    assert str(caught.value).startswith(f"application_networker_{sentence}")


def test_no_as_yaml_takes_it_is_no():
    assert networker.check({"offline_value": False})["offline_value"] == "No"
