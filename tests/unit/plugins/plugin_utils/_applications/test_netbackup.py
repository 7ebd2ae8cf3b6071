# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How drives are found and read in NetBackup, and every way in which that can deceive."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Reading
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import netbackup
from ansible_collections.tapeworks.drive_sharing.tests.products.netbackup import DOWN, HERE
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils._applications.netbackup_site import (
    Answered,
    Site,
    target,
)

ONE, TWO = target("NBSER0001", "/dev/nst0"), target("NBSER0002", "/dev/nst1")
NAME_1, NAME_2 = "IBM.ULT3580-TD8.000", "IBM.ULT3580-TD8.001"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path / "state")
    made.install(tmp_path / "bin")
    made.add(ONE.drive)
    made.add(TWO.drive)
    return made


# What is asked.


def test_three_commands_ask_for_any_number_of_drives(site: Site) -> None:
    expected = [
        ["/usr/openv/volmgr/bin/tpconfig", "-dl"],
        ["/usr/openv/volmgr/bin/vmoprcmd", "-xdraw", "ds"],
        ["/usr/openv/volmgr/bin/vmoprcmd", "-dp", "ds"],
    ]
    assert netbackup.queries(site.options, [ONE]) == expected
    assert netbackup.queries(site.options, [target(f"S{number}") for number in range(100)]) == expected
    assert netbackup.queries(site.options, []) == []
    assert netbackup.read(site.options, [], []) == Reading()


def test_media_servers_are_asked_by_their_names_and_the_drives_of_all_are_listed_once(site: Site) -> None:
    site.given = {"media_servers": ["media1", "media2"], "directory": "/opt/openv/volmgr/bin/"}
    assert netbackup.queries(site.options, [ONE]) == [
        ["/opt/openv/volmgr/bin/tpconfig", "-emm_dev_list"],
        *(
            ["/opt/openv/volmgr/bin/vmoprcmd", *words, "-h", host]
            for host in ("media1", "media2") for words in (["-xdraw", "ds"], ["-dp", "ds"])
        ),
    ]  # fmt: skip


# How a drive is found.


@pytest.mark.parametrize("status", ["raw", "table"])
def test_a_drive_is_found_by_its_serial_number_and_shown_with_its_name_and_control_mode(site: Site, status: str) -> None:
    site.given = {"status": status}
    site.administrator(TWO.drive, "offline")
    reading = site.read(ONE, TWO)
    assert reading.problems == {}
    one, two = reading.drives[ONE.drive], reading.drives[TWO.drive]
    assert (one.names, one.state, one.shown, one.counts) == ((NAME_1,), "online", f"{NAME_1}: TLD", 1)
    assert (two.names, two.state, two.shown) == ((NAME_2,), "offline", f"{NAME_2}: DOWN-TLD")
    assert (one.in_use, one.conflict, two.conflict, two.ending, reading.online) == (False, False, False, False, 1)


@pytest.mark.parametrize("status", ["raw", "table"])
def test_a_name_that_is_the_beginning_of_another_is_not_taken_for_it(site: Site, status: str) -> None:
    site.given = {"status": status}
    site.add("NBSER0010", f"{NAME_1}0", online=False, down=["/dev/nst2"])
    site.add("NBSER0011", f"{NAME_1} B", online=False, down=["/dev/nst3"])
    reading = site.read(ONE, target("NBSER0010"), target("NBSER0011"))
    assert {drive: (found.names, found.state) for drive, found in reading.drives.items()} == {
        ONE.drive: ((NAME_1,), "online"), "NBSER0010": ((f"{NAME_1}0",), "offline"), "NBSER0011": ((f"{NAME_1} B",), "offline"),
    }  # fmt: skip


@pytest.mark.parametrize("status", ["raw", "table"])
def test_a_name_may_have_blanks(site: Site, status: str) -> None:
    site.given = {"status": status}
    site.add("NBSER0003", "Drive 3 of the new library", comment="a comment  with blanks")
    reading = site.read(target("NBSER0003"))
    assert reading.drives["NBSER0003"].names == ("Drive 3 of the new library (comment kept)",)


def test_a_row_that_can_be_read_in_two_ways_is_refused(site: Site) -> None:
    site.add("NBSER0003", "Drive")
    site.add("NBSER0004", "Drive host9")
    assert [site.read(target(f"NBSER000{number}")).drives[f"NBSER000{number}"].names for number in (3, 4)] == [
        ("Drive",), ("Drive host9",),
    ]  # fmt: skip
    # Drive, assigned to host9, or Drive host9, assigned to nobody?
    site.spoil = {"-xdraw": lambda _text: "DRIVESTATUS 9 hcart3 TLD - - - 0 TLD 0 16 Drive host9 - 7 8 -\n"}
    for number in (3, 4):
        assert "answered in a form that is not known" in site.problem(target(f"NBSER000{number}"))


def test_a_drive_that_netbackup_does_not_have_is_not_configured_only_if_it_lists_others(site: Site) -> None:
    reading = site.read(target("NBSER9999", "/dev/nst99"))
    assert (reading.drives, reading.problems) == ({}, {})
    site.forget(ONE.drive)
    site.forget(TWO.drive)
    assert "tpconfig -dl answered in a form that is not known" in site.problem(ONE)


def test_a_drive_without_a_serial_number_is_found_by_its_device_file_and_else_by_the_configured_name(site: Site) -> None:
    site.add("", "Third", device="/dev/nst7")
    assert site.read(target("NBSER0003", "/dev/st7", "/dev/nst7")).drives["NBSER0003"].names == ("Third",)
    site.given = {"drive_names": {"NBSER0003": "Third"}}
    assert site.read(target("NBSER0003", "/dev/nst8")).drives["NBSER0003"].names == ("Third",)


def test_while_a_drive_without_a_serial_number_may_be_it_a_drive_is_not_taken_for_not_configured(site: Site) -> None:
    site.add("", "Third", device="/dev/nst7")
    assert site.problem(target("NBSER0003", "/dev/nst8")) == (
        "NetBackup lists no drive of this serial number, but drives without any: Third; one of them may be it, so say which drives"
        " they are in application_netbackup_drive_names"
    )
    site.given = {"drive_names": {"NBSER0004": "Third"}}
    assert site.read(target("NBSER0003", "/dev/nst8")).drives == {}
    assert site.read(ONE).drives[ONE.drive].state == "online"


@pytest.mark.parametrize("serial", ["-", "", "NULL", "###"])
def test_what_stands_in_place_of_a_serial_number_is_none(site: Site, serial: str) -> None:
    site.spoil = {"tpconfig": lambda text: text.replace(ONE.drive, serial)}
    assert site.read(ONE).drives[ONE.drive].names == (NAME_1,)
    assert "drives without any: IBM.ULT3580-TD8.000; one of them may be it" in site.problem(target(ONE.drive))


def test_a_device_file_of_a_drive_with_another_serial_number_is_told_and_nothing_is_set(site: Site) -> None:
    assert site.problem(target("NEWSERIAL", "/dev/nst0")) == (
        f"NetBackup's drive {NAME_1} has the device file /dev/nst0 of this drive, but the serial number NBSER0001; if the drive was"
        " replaced, tell NetBackup (tpautoconf -replace_drive)"
    )


def test_a_configured_name_of_a_drive_with_another_serial_number_is_refused(site: Site) -> None:
    site.given = {"drive_names": {"NBSER0003": NAME_1}}
    assert "says that it is NetBackup's drive IBM.ULT3580-TD8.000, but that has the serial number NBSER0001" in site.problem(
        target("NBSER0003")
    )


def test_one_name_for_two_drives_is_refused_with_the_serial_numbers_found_as_is_the_same_name_in_two_libraries(site: Site) -> None:
    site.add("NBSER0003", NAME_1, library="1")
    for serial in (ONE.drive, "NBSER0003"):
        assert f"several drives of the name {NAME_1}, with the serial numbers NBSER0001, NBSER0003; nothing is set" in site.problem(
            target(serial)
        )
    assert site.read(TWO).drives[TWO.drive].state == "online"


def test_the_same_name_on_two_media_servers_is_not_two_drives_of_one_name(site: Site) -> None:
    site.given = {"media_servers": ["media1", "media2"]}
    site.add("NBSER0003", NAME_1, host="media2")
    reading = site.read(ONE, target("NBSER0003"))
    assert {drive: found.names for drive, found in reading.drives.items()} == {
        ONE.drive: (f"{NAME_1} (on media1)",), "NBSER0003": (f"{NAME_1} (on media2)",),
    }  # fmt: skip


def test_a_drive_known_under_two_names_is_both_and_is_online_while_one_of_them_is(site: Site) -> None:
    site.add(ONE.drive, "Second name", online=False, down=["/dev/nst2"])
    reading = site.read(ONE)
    assert (reading.drives[ONE.drive].state, reading.online) == ("online", 2)
    assert {name.partition(" (")[0] for name in reading.drives[ONE.drive].names} == {NAME_1, "Second name"}


def test_a_name_that_no_command_can_be_given_is_refused_for_its_drive_only(site: Site) -> None:
    site.add("NBSER0003", "-reset")
    assert "NetBackup's name of it, '-reset', is none that a command can be given" in site.problem(target("NBSER0003"))
    assert site.read(ONE).drives[ONE.drive].state == "online"


def test_a_drive_that_is_configured_but_not_known_to_the_device_daemon_is_a_problem(site: Site) -> None:
    site.spoil = {"-xdraw": lambda text: text.splitlines()[1]}
    assert site.problem(ONE) == (
        f"NetBackup has it as drive {NAME_1}, but the device daemon (ltid) does not show it; if the configuration was changed,"
        " start ltid anew"
    )


@pytest.mark.parametrize("status", ["raw", "table"])
def test_a_name_that_the_device_daemon_shows_twice_is_refused(site: Site, status: str) -> None:
    site.given = {"status": status}
    site.add("NBSER0003", NAME_1)
    # tpconfig has the one only.
    site.spoil = {"tpconfig": lambda text: text[:text.rindex("Drive Name")]}
    assert "the device daemon (ltid) shows 2 drives of that name" in site.problem(ONE)


# Control modes.


@pytest.mark.parametrize(("control", "state"), [
    ("TLD", "online"), ("ACS", "online"), ("TLH", "online"), ("TL8", "online"), ("AVR", "online"), ("OPR", "online"),
    ("SCAN", "online"), ("SCAN-TLD", "online"), ("MIXED", "online"),
    ("DOWN", "offline"), ("DOWN-TLD", "offline"), ("DOWN-ACS", "offline"), ("PEND", "offline"), ("PEND-TLD", "offline"),
    ("DISABLED", "offline"),
    ("RESTART", "other"), ("NEWMODE", "other"), ("DOWN-NEW", "other"),
])  # fmt: skip
@pytest.mark.parametrize("status", ["raw", "table"])
def test_every_control_mode_is_known_or_neither_online_nor_offline(site: Site, control: str, state: str, status: str) -> None:
    site.given = {"status": status}
    site.update(ONE.drive, robot=control)
    found = site.read(ONE).drives[ONE.drive]
    assert (found.state, found.shown, found.conflict) == (state, f"{NAME_1}: {control}", control.startswith("PEND"))


def test_a_pending_drive_is_evidence_of_a_conflict_and_one_that_an_administrator_has_set_down_is_none(site: Site) -> None:
    site.lost_race(ONE.drive)
    site.administrator(TWO.drive, "offline")
    reading = site.read(ONE, TWO)
    assert [(found.state, found.conflict) for found in reading.drives.values()] == [("offline", True), ("offline", False)]


@pytest.mark.parametrize(("lines", "conflict"), [
    ([f"Reservation Conflict status from {NAME_1} (device 0)"], True),
    ([f"Reservation Conflict status from {NAME_1} (device 0)", f"Reservation Conflict status cleared from {NAME_1} (device 0)"], False),
    ([f"Reservation Conflict status from {NAME_1}0 (device 0)"], False),
    ([], False),
])  # fmt: skip
def test_the_message_of_the_system_log_is_evidence_for_the_very_drive_until_it_is_cleared(
    site: Site, lines: list[str], conflict: bool
) -> None:
    site.given = {"conflict_log": "/var/log/messages"}
    assert netbackup.queries(site.options, [ONE])[-1] == ["grep", "Reservation Conflict status", "/var/log/messages"]
    log = "".join(f"Nov 23 09:00:00 media1 avrd[17]: {line}\n" for line in lines)
    site.spoil = {"grep": lambda _text: Answered(log, 0 if log else 1)}
    assert site.read(ONE).drives[ONE.drive].conflict is False
    site.administrator(ONE.drive, "offline")
    assert site.read(ONE).drives[ONE.drive].conflict is conflict


def test_a_system_log_that_cannot_be_read_is_no_evidence_and_is_shown(site: Site) -> None:
    site.given = {"conflict_log": "/var/log/messages"}
    site.spoil = {"grep": lambda _text: Answered("grep: /var/log/messages: Permission denied\n", 2)}
    assert site.read(ONE).drives[ONE.drive].shown == f"{NAME_1}: TLD"
    site.administrator(ONE.drive, "offline")
    found = site.read(ONE).drives[ONE.drive]
    assert (found.conflict, found.shown) == (False, f"{NAME_1}: DOWN-TLD; /var/log/messages cannot be read")
    site.given, site.spoil = {}, {"-dp": lambda _text: Answered("", None, timed_out=True)}
    assert site.read(ONE).drives[ONE.drive].shown == f"{NAME_1}: DOWN-TLD"


# In use.


@pytest.mark.parametrize("status", ["raw", "table"])
def test_a_drive_with_a_job_is_in_use_and_one_that_was_set_down_meanwhile_is_ending(site: Site, status: str) -> None:
    site.given = {"status": status}
    site.job(ONE.drive)
    found = site.read(ONE).drives[ONE.drive]
    assert (found.in_use, found.ending) == (True, False)
    site.administrator(ONE.drive, "offline")
    found = site.read(ONE).drives[ONE.drive]
    assert (found.in_use, found.ending) == (True, True)


def test_a_shared_drive_that_is_assigned_to_another_media_server_is_not_in_use_here_unless_that_is_not_known(site: Site) -> None:
    site.job(ONE.drive)
    site.update(ONE.drive, assigned="media2.example.com")
    assert site.read(target(ONE.drive, elsewhere={"MEDIA2": ("/dev/nst4",)})).drives[ONE.drive].in_use is False
    assert site.read(target(ONE.drive, elsewhere={"media3": ("/dev/nst4",)})).drives[ONE.drive].in_use is True
    site.update(ONE.drive, assigned=f"{HERE}.example.com")
    assert site.read(target(ONE.drive, elsewhere={"media2": ("/dev/nst4",)})).drives[ONE.drive].in_use is True


@pytest.mark.parametrize(("before", "after"), [
    ("TLD - - - 0 TLD", "TLD root - - 0 TLD"), ("TLD - - - 0 TLD", "TLD - - - 12 TLD"), ("TLD - - - 0 TLD", "TLD - - B00001 0 TLD"),
    ("TLD 0 16 ", "TLD 0 17 "), ("TLD 0 16 ", "TLD 0 0x11 "),
])  # fmt: skip
def test_each_column_that_tells_of_use_tells_of_it_alone(site: Site, before: str, after: str) -> None:
    site.spoil = {"-xdraw": lambda text: text.replace(before, after)}
    assert site.read(ONE).drives[ONE.drive].in_use is True


def test_a_foreign_tape_that_the_drive_only_read_the_label_of_is_no_use_of_it(site: Site) -> None:
    site.spoil = {"-xdraw": lambda text: text.replace("TLD - - - 0 TLD", "TLD - F00001 - 0 TLD")}
    assert site.read(ONE).drives[ONE.drive].in_use is False


# Several paths.


def test_each_path_has_a_state_of_its_own_and_one_that_is_up_makes_the_drive_online(site: Site) -> None:
    site.add("NBSER0003", "Two paths", paths=["/dev/nst4", "/dev/nst5"], down=["/dev/nst4"])
    found = site.read(target("NBSER0003")).drives["NBSER0003"]
    assert (found.state, found.counts) == ("online", 1)
    assert found.names == ("Two paths (path /dev/nst4; left down)", "Two paths (path /dev/nst5)")
    assert "TLD, /dev/nst4 DOWN" in found.shown
    assert "TLD, /dev/nst5 UP" in found.shown
    site.administrator("NBSER0003", "offline")
    found = site.read(target("NBSER0003")).drives["NBSER0003"]
    assert (found.state, found.names) == ("offline", ("Two paths (path /dev/nst4)", "Two paths (path /dev/nst5)"))


def test_paths_in_blocks_of_their_own_are_paths_of_one_drive(site: Site) -> None:
    site.add("NBSER0003", "Two paths", paths=["/dev/nst4", "/dev/nst5"])
    blocks = "".join(
        f"Drive Name              Two paths\nDrive Path              {path}\nSerial Number           NBSER0003\n\n"
        for path in ("/dev/nst4", "/dev/nst5")
    )
    site.spoil = {"tpconfig": lambda _text: blocks}
    assert len(site.read(target("NBSER0003")).drives["NBSER0003"].names) == 2


def test_a_pending_drive_is_pending_on_all_its_paths(site: Site) -> None:
    site.add("NBSER0003", "Two paths", paths=["/dev/nst4", "/dev/nst5"], online=False, conflict=True)
    found = site.read(target("NBSER0003")).drives["NBSER0003"]
    assert (found.state, found.conflict, len(found.names)) == ("offline", True, 2)


def test_a_drive_that_is_up_while_all_its_paths_are_down_is_neither(site: Site) -> None:
    site.add("NBSER0003", "Two paths", paths=["/dev/nst4", "/dev/nst5"], down=["/dev/nst4", "/dev/nst5"])
    assert site.read(target("NBSER0003")).drives["NBSER0003"].state == "other"


def test_a_path_that_is_not_shown_or_a_table_of_another_form_stops_drives_with_several_paths_only(site: Site) -> None:
    site.add("NBSER0003", "Two paths", paths=["/dev/nst4", "/dev/nst5"])
    site.spoil = {"-dp": lambda text: text.replace("/dev/nst5", "/dev/nst6")}
    assert site.problem(target("NBSER0003")) == (
        "NetBackup has drive Two paths with the path /dev/nst5, but vmoprcmd -dp ds does not show that one"
    )
    site.spoil = {"-dp": lambda text: text.replace("DrivePath", "Path     ")}
    assert "vmoprcmd -dp ds answered in a form that is not known" in site.problem(target("NBSER0003"))
    assert site.read(ONE).drives[ONE.drive].state == "online"


# Several media servers at one control point.


@pytest.fixture
def both(site: Site) -> Site:
    site.given, site.scope = {"media_servers": ["media1", "media2"]}, "instance"
    site.add(ONE.drive, NAME_1, host="media2", device="/dev/nst9")
    return site


def test_a_drive_is_online_while_it_is_up_on_one_of_the_media_servers(both: Site) -> None:
    found = both.read(ONE).drives[ONE.drive]
    assert (found.state, found.names) == ("online", (f"{NAME_1} (on media1)", f"{NAME_1} (on media2)"))
    assert both.read(ONE).online == 2
    both.administrator(ONE.drive, "offline")
    assert both.read(ONE).drives[ONE.drive].state == "offline"
    assert both.read(ONE).online == 1


def test_a_media_server_that_is_down_stops_its_drives_and_no_others(both: Site) -> None:
    both.spoil = {"-xdraw ds -h media2": lambda _text: DOWN["ltid"].format(host="media2")}
    assert both.problem(ONE).startswith("vmoprcmd -xdraw ds -h media2 says: The Media Manager device daemon (ltid) is not active")
    assert both.read(TWO).drives[TWO.drive].state == "online"


def test_a_media_server_that_was_forgotten_is_named(both: Site) -> None:
    both.add(ONE.drive, NAME_1, host="media7")
    assert both.problem(ONE) == (
        f"media server media7 has it as drive {NAME_1} too, but is none of application_netbackup_media_servers; add it"
    )
    both.scope = "host"
    assert both.read(ONE).drives[ONE.drive].state == "online"


def test_one_state_for_all_needs_the_names_of_the_media_servers(site: Site) -> None:
    site.scope = "instance"
    # Another media server may have a drive that this one does not have.
    for drive in (ONE, target("NBSER9999")):
        assert "the scope is instance, so application_netbackup_media_servers has to name all media servers" in site.problem(drive)


def test_a_media_server_may_be_told_from_another_host_for_itself_alone(both: Site) -> None:
    both.given, both.scope, both.point = {"media_servers": ["media2"]}, "host", "media2"
    both.administrator(ONE.drive, "offline")
    found = both.read(ONE).drives[ONE.drive]
    assert (found.names, found.state) == ((f"{NAME_1} (on media2)",), "offline")
    # It does not have that one, whatever the others have.
    assert both.read(TWO) == Reading(online=0)
    both.spoil = {"-emm_dev_list": lambda text: text.replace(ONE.drive, "-")}
    assert both.read(target(ONE.drive, "/dev/nst9")).drives[ONE.drive].names == (f"{NAME_1} (on media2)",)
    assert "one of them may be it" in both.problem(target(ONE.drive, "/dev/nst0"))


def test_a_media_server_has_its_name_with_or_without_the_domain(both: Site) -> None:
    both.given = {"media_servers": ["MEDIA1", "media2"]}
    both.spoil = {
        "-emm_dev_list": lambda text: text.replace("media1", "media1.example.com"),
        "-h MEDIA1": lambda _text: both.ask(["vmoprcmd", "-xdraw", "ds"]),
    }
    both.forget(TWO.drive)
    assert both.read(ONE).drives[ONE.drive].state == "online"


def test_a_drive_without_a_serial_number_is_found_by_the_device_file_of_its_own_media_server(both: Site) -> None:
    both.spoil = {"-emm_dev_list": lambda text: text.replace(ONE.drive, "-")}
    assert "one of them may be it" in both.problem(target(ONE.drive, "/dev/nst9"))
    found = both.read(target(ONE.drive, "/dev/nst0", elsewhere={"media2": ("/dev/nst9",)})).drives[ONE.drive]
    assert found.names == (f"{NAME_1} (on media1)", f"{NAME_1} (on media2)")
