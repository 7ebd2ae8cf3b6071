# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CERN CTA against its fake: what is asked, what is read, what is set, and every trap."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Found, Said, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import cta
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.products.cta import Cta
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils._applications.fake_world import (
    Answered,
    FakeWorld,
)

D0 = Target("SER0", ("/dev/nst0",), "drive_sharing: reserved by fc 10000090fa1658de, change 7")
D1 = Target("SER1", (), "drive_sharing: reserved by fc 10000090fa1658de, change 8", {"tape1": ("/dev/nst0",)})
D9 = Target("SER9", ("/dev/nst9",))
N0, N1 = "LIB0.LTO9-F00", "LIB0.LTO9-F01"


@pytest.fixture
def world(tmp_path):
    made = FakeWorld(tmp_path, Cta, cta)
    made.product.add("SER0", device="/dev/nst0", host="master1")
    made.product.add("SER1", device="/dev/nst0", host="tape1.example.com")
    return made


def items(world) -> list[dict[str, Any]]:
    return json.loads(world.run(["cta-admin", "--json", "drive", "ls"]).output)


# What is asked.


def test_one_command_asks_for_all_drives_of_the_frontends_backend(world):
    assert cta.queries(world.options(), [D0, D1]) == [["cta-admin", "--json", "drive", "ls"]]
    assert cta.queries(world.options(config_file="/etc/cta/b.conf", credentials_file="/etc/cta/k"), [D0]) == [
        ["ls", "-lLd", "/etc/cta/k"], ["cta-admin", "--json", "--config", "/etc/cta/b.conf", "drive", "ls"],
    ]


# What is read.


def test_a_drive_is_found_by_its_device_file_on_its_host(world):
    reading = world.read(D0, D1, D9)
    assert reading.drives == {
        "SER0": Found((N0,), "online", f"{N0}: desired Up, status Up", counts=1, pools=("LIB0",)),
        "SER1": Found((N1,), "online", f"{N1}: desired Up, status Up", counts=1, pools=("LIB0",)),
    }
    assert (reading.problems, reading.online, reading.pools) == ({}, 2, {"LIB0": 2})


def test_the_floor_holds_in_each_logical_library(world):
    world.product.add("SER2", library="LIB1", device="/dev/nst2", host="master1")
    world.product.administrator("SER1", "offline")
    reading = world.read(D0, D1)
    assert (reading.online, reading.pools) == (2, {"LIB0": 1, "LIB1": 1})
    assert (reading.drives["SER0"].pools, reading.drives["SER1"].pools) == (("LIB0",), ())


@pytest.mark.parametrize(
    ("desired", "status", "state", "in_use", "ending"),
    [
        ("UP", "UP", "online", False, False),
        ("UP", "DOWN", "online", False, False),
        ("UP", "TRANSFERRING", "online", True, False),
        ("UP", "PROBING", "online", True, False),
        ("DOWN", "DOWN", "offline", False, False),
        ("DOWN", "SHUTDOWN", "offline", False, False),
        ("DOWN", "UP", "offline", False, True),
        *[("DOWN", status, "offline", True, True) for status in (
            "PROBING", "STARTING", "MOUNTING", "TRANSFERRING", "TRANSFERING", "UNLOADING", "UNMOUNTING", "DRAININGTODISK",
            "DRAINING_TO_DISK", "CLEANINGUP", "CLEANING_UP", "A_STATE_OF_A_LATER_VERSION",
        )],
        ("DOWN", "UNKNOWN_DRIVE_STATUS", "other", False, False),
        ("DOWN", "UNKNOWN", "other", False, False),
        ("UNKNOWN", "UP", "other", False, False),
    ],
)
def test_only_desired_down_and_at_rest_is_offline_for_good(world, desired, status, state, in_use, ending):
    listed = items(world)
    listed[0].update(desiredDriveState=desired, driveStatus=status)
    world.change = lambda _answer: Answered(json.dumps(listed))
    found = world.found(D0)
    assert (found.state, found.in_use, found.ending) == (state, in_use, ending)


def test_a_session_that_runs_is_let_to_its_end(world):
    world.product.job("SER0", "17")
    assert not world.options()["offline_kills_job"]
    world.set("offline", D0)
    found = world.found(D0)
    assert (found.state, found.in_use, found.ending) == ("offline", True, True)
    assert found.shown == f"{N0}: desired Down, status Transferring, reason: {D0.reason}"
    world.product.job("SER0", "")
    assert (world.found(D0).ending, world.found(D0).state) == (False, "offline")


def test_an_empty_list_is_an_answer(world):
    world.product.forget("SER0")
    world.product.forget("SER1")
    reading = world.read(D0)
    assert (reading.drives, reading.problems, reading.online) == ({}, {}, 0)


def test_lines_of_the_clients_log_beside_the_list_are_no_trouble(world):
    log = "[2026-11-23 05:46:00.123456 +0000][Error  ][XRootD] a line\n"
    world.change = lambda answer: replace(answer, output=log + answer.output + log)
    assert world.found(D0).state == "online"


def test_a_list_within_the_list_is_not_another_one(world):
    items_of_it = '[{"driveName":"A","desiredDriveState":"UP","driveStatus":"UP","driveConfig":\n[{"key":"a"}]\n}]\n'
    world.change = lambda _answer: Answered(items_of_it)
    assert world.read(D0).problems == {}


def test_evidence_is_what_a_pattern_finds_in_the_reason(world):
    world.product.lost_race("SER0")
    assert not world.found(D0).conflict
    assert world.found(D0, conflict_pattern="reservation conflict").conflict
    world.product.administrator("SER0", "online")
    assert not world.found(D0, conflict_pattern="reservation conflict").conflict, "it is online"


# Which drive.


def test_the_same_device_file_on_a_host_that_is_not_known_is_refused(world):
    world.product.update("SER0", host="tpsrv07")
    fault("cta-host").seen_in(world.problem(D0))
    assert world.problem(D0) == (
        f"CTA's drive {N0} has its device file, but on tpsrv07, which is no host of the instance that is known to have the"
        " drive; give its name in the inventory in application_cta_hosts, or the names of the drive in application_cta_drive_names"
    )
    assert world.found(D0, hosts={"tpsrv07": "master1"}).names == (N0,)


def test_the_same_device_file_on_another_host_is_another_drive(world):
    world.product.update("SER1", host="tpsrv07")
    assert world.found(D0).names == (N0,)
    both = replace(D0, elsewhere={"tape1": ("/dev/nst0",)})
    assert f"CTA's drive {N1} has its device file, but on tpsrv07" in world.problem(both), "it may be its second name"


def test_a_host_is_known_by_its_short_name_unless_there_are_two(world):
    two = Target("SER1", (), "", {"tape1": ("/dev/nst0",), "tape1.other.example.com": ("/dev/nst0",)})
    assert "is no host of the instance" in world.problem(two)


def test_a_drive_by_hand(world):
    assert world.found(D9, drive_names={"SER9": N1}).names == (N1,)
    assert world.problem(D9, drive_names={"SER9": "LIB0LTO9"}) == (
        "application_cta_drive_names names LIB0LTO9 for it, but CTA has no drive of that name"
    )


def test_a_drive_under_two_names_is_set_under_both(world):
    world.product.add("SER0", "TWIN-1", device="/dev/nst0", host="master1")
    assert world.found(D0).names == (N0, "TWIN-1")
    world.set("offline", D0)
    assert world.product.states("SER0") == ("offline", "offline")


def test_one_name_that_would_be_two_drives_is_refused_with_both(world):
    reading = world.read(D0, D9, drive_names={"SER9": N0})
    assert set(reading.problems.values()) == {f"CTA's drive {N0} would be several drives: SER0, SER9"}


def test_a_drive_of_which_no_file_is_known_is_a_problem(world):
    assert "no device file of it is known on any host of the instance" in world.problem(Target("SER5"))


# What is set.


def test_the_commands_carry_our_reason_and_never_force(world):
    options = world.options(command=["env", "XrdSecPROTOCOL=sss", "/opt/cta-admin"], config_file="/etc/c")
    (setting,) = cta.settings(options, "offline", {"SER0": (N0,)}, [D0])
    assert setting.commands == ((
        "env", "XrdSecPROTOCOL=sss", "/opt/cta-admin", "--config", "/etc/c", "drive", "down", ("SER0", r"LIB0\.LTO9-F00"),
        "--reason", D0.reason,
    ),)
    (setting,) = cta.settings(world.options(), "online", {"SER0": (N0,)}, [D0])
    assert setting.commands[0][:4] == ("cta-admin", "drive", "up", ("SER0", r"LIB0\.LTO9-F00"))
    assert "--force" not in str(setting)


def test_drives_that_are_set_together_share_one_reading_and_can_be_left_out(world):
    targets = [Target(f"SER{number}", ("/dev/x",), "why") for number in range(9)]
    names = {target.drive: (f"N{target.drive}",) for target in targets}
    found = cta.settings(world.options(), "offline", names, targets)
    assert [len(setting.drives) for setting in found] == [4, 4, 1]
    assert [len(setting.commands) for setting in found] == [4, 4, 1]
    world.set("offline", D0, D1, left_out=["SER1"])
    assert (world.product.states("SER0"), world.product.states("SER1")) == (("offline",), ("online",))


def test_a_name_is_no_regular_expression(world):
    world.product.add("SER2", "LIB0xLTO9-F00")
    world.product.add("SER3", "ALIB0.LTO9-F001")
    world.set("offline", D0)
    assert [world.product.states(f"SER{number}") for number in range(4)] == [("offline",), ("online",), ("online",), ("online",)]


def test_a_drive_called_first_is_not_the_first_one(world):
    world.product.add("SER4", "first", device="/dev/nst4", host="master1")
    first = Target("SER4", ("/dev/nst4",), "why")
    world.set("offline", first)
    assert (world.product.states("SER0"), world.product.states("SER4")) == (("online",), ("offline",))


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20))
def test_every_name_is_matched_by_its_own_expression_only(name):
    made = cta.expression(name)
    assert re.search(f"^{made}$", name)
    assert not re.search(f"^{made}$", f"{name}x")
    assert made != "first"
    assert not made.startswith("-")
    other = re.sub(r"[^A-Za-z0-9]", "a", name)
    assert other == name or not re.search(f"^{made}$", other)


def test_a_success_that_is_none_is_told(world):
    world.product.forget("SER0")
    options = world.options()
    (setting,) = cta.settings(options, "offline", {"SER0": (N0,)}, [D0])
    answer = world.run(setting.commands[0])
    assert (answer.rc, answer.output) == (0, 'No drives match "^LIB0\\.LTO9-F00$". No action was taken.\n')
    said = cta.said(options, "offline", {"SER0": (N0,)}, [answer])
    fault("cta-no-match").seen_in(said["SER0"].why)
    assert said == {
        "SER0": Said('cta-admin says: No drives match "^LIB0\\.LTO9-F00$". No action was taken.')
    }


def test_another_drive_that_was_set_is_never_a_confirmation(world):
    options = world.options()
    said = cta.said(options, "offline", {"SER0": (N0,)}, [Answered(f"Drive {N0}: set Down.\nDrive {N1}: set Down.\n")])
    assert said["SER0"] == Said(f"cta-admin set drive {N1} Down in place of {N0} Down; put it right by hand", wrong=True)
    said = cta.said(options, "offline", {"SER0": (N0,)}, [Answered(f"Drive {N0}: set Up.\n")])
    assert said["SER0"].wrong
    assert cta.said(options, "offline", {"SER0": (N0,)}, [Answered(f"Drive {N0}: set Down.\n")]) == {}
    assert cta.said(options, "offline", {"SER0": (N0,)}, [Answered("", None)]) == {}, "it was left out"


# When it goes wrong.


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answered("[FATAL] Auth failed\n", 1), "cta-admin did not reach the frontend, or was refused: [FATAL] Auth failed"),
        (Answered("[]\nUser error: Drive X not found.\n", 2), "cta-admin ended with exit status 2: User error: Drive X not found."),
        (Answered("sh: cta-admin: not found\n", 127), "give its path in application_cta_command"),
        (Answered("", None), "cta-admin was not run"),
        (Answered("[", None, timed_out=True), "cta-admin did not end in time and was stopped"),
        (Answered("[]\n", 0, truncated=True), "cta-admin printed more than can be read"),
        (Answered("\033[2J{{ 7 * 7 }}\001 junk\n"), "cta-admin did not print a list of drives: [2J{{ 7 * 7 }} junk"),
        (Answered(""), "cta-admin did not print a list of drives: (nothing)"),
        (Answered("[]\n[]\n"), "cta-admin did not print a list of drives"),
        (Answered('[{"driveName": "A", "driveStatus": "UP"}]'), "cta-admin shows a drive without name or states"),
        (Answered('[{"driveName": "A", "driveStatus": 1, "desiredDriveState": "UP"}]'), "without name or states"),
        (Answered("[" * 100_000), "cta-admin did not print a list of drives"),
        (Answered(json.dumps([{"driveName": "A", "driveStatus": "UP", "desiredDriveState": "UP"}] * 2)), "shows drive A twice"),
    ],
)
def test_an_answer_that_is_none_is_one_sentence(world, answer, sentence):
    world.change = lambda _answer: answer
    problem = world.problem(D0)
    assert sentence in problem
    assert problem.isprintable()
    assert world.read(D0).online is None
    if answer.rc == 1:
        fault("cta-frontend").seen_in(problem)


def test_a_list_that_is_cut_anywhere_is_never_believed(world):
    whole = world.run(["cta-admin", "--json", "drive", "ls"]).output.rstrip()
    for cut in range(len(whole)):
        world.change = lambda answer, cut=cut: replace(answer, output=whole[:cut])
        assert world.read(D0).drives == {}


@given(st.text(max_size=200), st.sampled_from([0, 1, 2, None]))
def test_whatever_is_printed_is_borne(text, rc):
    options = {**cta.check({}), "control_point": "master1"}
    cta.read(options, [D0], [Answered(text, rc)])
    cta.said(options, "offline", {"SER0": (N0,)}, [Answered(text, rc)])


def test_credentials_that_others_can_read_are_refused(world, tmp_path):
    keytab = tmp_path / "keytab"
    keytab.touch(0o644)
    keytab.chmod(0o644)
    assert "which holds the credentials" in world.problem(D0, credentials_file=str(keytab))
    keytab.chmod(0o600)
    assert world.found(D0, credentials_file=str(keytab)).state == "online"


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("command", [], "command must be a list of words with the command first"),
        ("command", ["--json"], "command must be a list of words with the command first"),
        ("config_file", "c.conf", "config_file must be an absolute path"),
        ("credentials_file", 3, "credentials_file must be an absolute path"),
        ("conflict_pattern", "(", "conflict_pattern must be a regular expression"),
        ("drive_names", {"SER0": "A", "SER1": "A"}, "drive_names must give a name to one drive only, but A is that of SER0 and of SER1"),
        ("drive_names", ["A"], "drive_names must be a dictionary of serial number to name or list of names"),
        ("drive_names", {"SER0": []}, "drive_names[SER0] must be a name or a list of names"),
        ("hosts", ["a"], "hosts must be a dictionary of the host's name in CTA to that in the inventory"),
    ],
)
def test_a_wrong_option_is_named(option: str, value: Any, sentence: str):
    with pytest.raises(InvalidValueError) as caught:
        cta.check({option: value})
    assert str(caught.value).startswith(f"application_cta_{sentence}")
