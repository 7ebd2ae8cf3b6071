# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.action import reservation_info
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _columns,
    _conflict_doctor,
    _conflict_remedies,
    _conflict_report,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

ROOT = Path(__file__).resolve().parents[4]
DRIVE = "1310211169"
HOSTS = ("backup1", "backup2", "backup3")
PORTS = {host: {"protocol": "fc", "id": f"10000090fa00000{number}"} for number, host in enumerate(HOSTS, 1)}
STRANGER = {"protocol": "fc", "id": "10000090fa0000ff"}
BY_HAND = {"wait", "close", "start_sharing", "power_cycle"}


class Site:
    """What was gathered about the drive on three hosts and the controller: nobody holds it, and everybody answers."""

    def __init__(self) -> None:
        self.row: dict[str, Any] | None = {
            "drive": DRIVE, "status": "released", "holders": [], "sequence": 42, "detector": "scsi", "error_state": "",
            "observed_at": "2026-11-23T10:00:00.000000+00:00", "error_reason": "",
        }
        self.owed: list[dict[str, Any]] = []
        self.stopped: str | None = None
        self.hosts: dict[str, Any] = {
            host: {
                "updated_at": 1_790_000_000.0, "drives": [{"serial": DRIVE, "missing_since": None}],
                "ports": [{**PORTS[host], "missing_since": None}],
                "instances": [{"instance": host, "application": "custom", "scope": "host", "control_points": []}],
            }
            for host in HOSTS
        }
        self.inventory = list(HOSTS)
        self.alive: dict[str, Any] = {host: {"rc": 0} for host in ("localhost", *HOSTS)}
        self.drive: dict[str, dict[str, Any]] = {}
        self.said: dict[str, list[dict[str, Any]]] = {}
        for host in HOSTS:
            self.says(host)
        self.reads("free")
        self.found: dict[str, Any] | None = None

    def reads(self, state: str, *holders: dict[str, Any], hosts: Any = ("localhost", *HOSTS), **more: Any) -> None:
        for host in hosts:
            self.drive[host] = {
                "drive": DRIVE, "state": state, "holders": list(holders), "registrants": list(holders), "device": "/dev/sg3",
                "type": "exclusive access" if state == "persistent" else None, "fenced": False, "why": "", **more,
            }

    def held(self, *holders: dict[str, Any], **more: Any) -> None:
        """The drive and the drive table say the same."""
        self.reads("persistent", *holders, **more)
        self.row = {**(self.row or {}), "status": "reserved", "holders": list(holders)}

    def spc2(self, holder: str | None, why: str = "it was found out so") -> None:
        self.reads("spc2", {"protocol": None, "id": None})
        self.row = {**(self.row or {}), "status": "reserved", "holders": [{"protocol": None, "id": None}]}
        self.found = {"drives": [{"drive": DRIVE, "state": "spc2", "holder_host": holder, "holder_port": None, "why": why}]}

    def says(self, host: str, state: str = "online", **more: Any) -> None:
        self.said[host] = [{
            "drive": DRIVE, "configured": True, "state": state, "in_use": False, "taken": False, "problem": None, **more,
        }]

    def down(self, host: str) -> None:
        self.alive[host] = {"unreachable": True, "msg": "Failed to connect to the host via ssh: No route to host"}
        self.drive[host] = {}
        self.said[host] = []

    def request(self, **more: Any) -> dict[str, Any]:
        return {
            "drive": DRIVE, "remedy": "", "instance": "", "inventory": self.inventory,
            "table": {
                "drives": [self.row] if self.row else [], "owed": self.owed, "associations": self.hosts, "stopped_since": self.stopped,
                "history": [{"drive": DRIVE, "at": 1_790_000_000.0, "message": "Something happened."}],
            },
            "asked": {
                "alive": self.alive,
                "reservations": {host: {"drives": [one]} if one else {"skipped": True} for host, one in self.drive.items()},
                "applications": {
                    host: {"results": [{"drives": [one]} if "drive" in one else one for one in said]} for host, said in self.said.items()
                },
            },
            "found": self.found, **more,
        }

    def diagnosis(self, **more: Any) -> dict[str, Any]:
        return _conflict_report.diagnosis(self.request(**more))


def fits(result: dict[str, Any]) -> list[str]:
    return [one["name"] for one in result["remedies"] if one["fits"]]


def found(result: dict[str, Any]) -> list[str]:
    assert result["verdict"] == result["findings"][0]["name"]
    return [one["name"] for one in result["findings"]]


def message(result: dict[str, Any]) -> str:
    return result["findings"][0]["message"]


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_free_drive_that_everybody_has_online_needs_nothing(site: Site) -> None:
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["free"], [])


def test_a_job_is_waited_for_and_nothing_is_taken_away_from_it(site: Site) -> None:
    site.held(PORTS["backup1"])
    site.says("backup1", in_use=True)
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["job"], ["wait"])
    assert message(result) == (
        f"fc 10000090fa000001 = backup1 holds drive {DRIVE}, and backup1 (custom) has a job on it: the drive is in use as it should be."
    )
    for name in ("release", "preempt", "clear", "reset", "power_cycle"):
        refused = site.diagnosis(remedy=name)
        assert refused["refusal"] == (
            f"Remedy {name} does not fit drive {DRIVE}: backup1 shows a job on the drive, which would lose what it writes. "
            "Nothing was changed. What fits: wait."
        )
        assert refused["run"] == {}


def test_what_was_left_behind_is_released_by_its_holder_or_taken_by_the_controller(site: Site) -> None:
    site.held(PORTS["backup1"])
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["left_behind"], ["close", "release", "preempt", "clear", "power_cycle"])
    assert site.diagnosis(remedy="release")["run"] == {
        "remedy": "release", "call": "reservation", "drive": DRIVE, "hosts": ["backup1"], "options": {"state": "released"}, "instances": {},
    }
    assert site.diagnosis(remedy="preempt")["run"]["hosts"] == ["localhost"]
    assert site.diagnosis(remedy="clear")["run"]["options"] == {"state": "cleared"}


def test_without_a_controller_in_the_san_another_server_acts_and_not_one_of_the_holders_instance(site: Site) -> None:
    site.held(PORTS["backup1"])
    site.drive["localhost"] = {}
    for host in ("backup1", "backup2"):
        site.hosts[host]["instances"][0] |= {"instance": "nightly"}
    assert site.diagnosis(remedy="preempt")["run"]["hosts"] == ["backup3"]
    site.drive["backup3"] = {}
    assert site.diagnosis(remedy="preempt")["run"]["hosts"] == ["backup2"]
    assert site.diagnosis(remedy="release")["run"]["hosts"] == ["backup1"]


def test_a_holder_that_cannot_send_commands_itself_cannot_release(site: Site) -> None:
    site.held(PORTS["backup1"])
    site.drive["backup1"] = {}
    assert "release" not in fits(site.diagnosis())
    assert "cannot send commands to it from here" in site.diagnosis(remedy="release")["refusal"]


def test_a_holder_that_is_down_is_preempted_after_a_warning(site: Site) -> None:
    site.held(PORTS["backup1"])
    site.down("backup1")
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["holder_down"], ["preempt", "clear", "power_cycle"])
    assert message(result).startswith(
        f"fc 10000090fa000001 = backup1 holds drive {DRIVE}, and backup1 does not answer (backup1 wrote its facts on 2026-09-21"
    )
    [preempt] = [one for one in result["remedies"] if one["name"] == "preempt"]
    assert preempt["does"].endswith("Make sure that backup1 is switched off.")
    assert "backup1 did not answer: Failed to connect to the host via ssh: No route to host." in result["lines"]


def test_a_port_that_nobody_knows_is_said_to_be_so(site: Site) -> None:
    site.held(STRANGER)
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["unknown_port"], ["preempt", "clear", "power_cycle"])
    assert message(result).startswith(f"fc 10000090fa0000ff (a port of no known host) holds drive {DRIVE}. It is a server without facts")


def test_of_a_drive_that_shows_a_key_only_nobody_can_be_preempted(site: Site) -> None:
    site.held({"protocol": None, "id": None}, registrants=[])
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["unknown_port"], ["clear", "power_cycle"])
    assert message(result).startswith(f"Somebody holds drive {DRIVE}, and the drive does not tell whose port that is.")
    assert "it does not tell who is registered; the remedy clear can end it" in site.diagnosis(remedy="preempt")["refusal"]


@pytest.mark.parametrize(
    "entry",
    [
        {"drive": DRIVE, "in_use": None, "state": None, "configured": None, "problem": "the query failed", "taken": False},
        {"drive": DRIVE, "in_use": None, "state": "online", "configured": True, "problem": None, "taken": False},
        {"drive": DRIVE, "in_use": False, "state": "online", "configured": True, "problem": "two names for one drive", "taken": False},
        {"msg": "no answer within 10 s"},
    ],
)
def test_where_a_job_cannot_be_ruled_out_nothing_is_taken_away(site: Site, entry: dict[str, Any]) -> None:
    site.held(PORTS["backup1"])
    site.said["backup1"] = [entry]
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["unclear"], ["close"])
    assert "whether a job is running on backup1 cannot be told; look there first" in site.diagnosis(remedy="preempt")["refusal"]


def test_a_host_without_an_application_that_can_be_asked_is_unclear(site: Site) -> None:
    site.held(PORTS["backup1"])
    site.hosts["backup1"]["instances"][0]["application"] = ""
    result = site.diagnosis()
    assert found(result) == ["unclear"]
    assert "it has no application that can be asked" in message(result)


def test_a_holder_that_was_not_asked_or_is_only_partly_up_is_unclear(site: Site) -> None:
    site.held(PORTS["backup1"])
    site.inventory.remove("backup1")
    for what in (site.alive, site.drive, site.said):
        del what["backup1"]
    result = site.diagnosis()
    assert found(result) == ["unclear"]
    assert message(result).endswith("whether a job is running there cannot be told: not all of its hosts answer.")


def test_of_two_hosts_with_one_port_both_have_to_answer(site: Site) -> None:
    site.held(PORTS["backup1"])
    site.hosts["backup2"]["ports"] = site.hosts["backup1"]["ports"]
    assert found(site.diagnosis()) == ["left_behind"]
    site.down("backup2")
    site.hosts["backup2"]["instances"] = []
    assert found(site.diagnosis()) == ["unclear"]


def test_a_port_that_is_missing_is_that_of_its_last_host(site: Site) -> None:
    site.held(PORTS["backup1"])
    site.hosts["backup1"]["ports"][0]["missing_since"] = 1_790_000_000.0
    assert found(site.diagnosis()) == ["left_behind"]
    site.hosts["backup2"]["ports"] = [{**PORTS["backup1"], "missing_since": None}]
    assert message(site.diagnosis()).startswith("fc 10000090fa000001 = backup2 holds"), "the adapter was moved"


def test_of_an_instance_with_a_state_on_each_host_the_holders_own_counts(site: Site) -> None:
    site.held(PORTS["backup1"])
    for host in ("backup1", "backup2"):
        site.hosts[host]["instances"][0] |= {"instance": "media"}
    site.says("backup2", in_use=True)
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["left_behind"], ["close"])


def test_of_several_holders_the_one_that_forbids_most_decides(site: Site) -> None:
    site.held(PORTS["backup1"], PORTS["backup2"], STRANGER, type="exclusive access, all registrants")
    assert found(site.diagnosis()) == ["unknown_port"]
    site.says("backup2", in_use=True)
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["job"], ["wait"])
    assert message(result).startswith(f"Drive {DRIVE} has 3 holders. ")


def test_a_job_of_an_instance_counts_wherever_it_is_told(site: Site) -> None:
    site.held(PORTS["backup1"])
    site.hosts["backup1"]["instances"] = [
        {"instance": "nightly", "application": "bacula", "scope": "instance", "control_points": ["director", "director2"]}
    ]
    site.inventory += ["director", "director2"]
    asks = site.diagnosis()["ask"]
    assert asks["director"] == asks["director2"] == [{"instance": "nightly", "application": "bacula", "scope": "instance"}]
    assert asks["backup1"] == []
    site.alive |= {"director": {"rc": 0}, "director2": {"rc": 0}}
    site.said["backup1"] = []
    site.says("director2", in_use=True)
    assert found(site.diagnosis()) == ["job"], "the first control point that answers counts"
    site.says("director", in_use=False)
    assert found(site.diagnosis()) == ["left_behind"]


def test_a_job_of_somebody_who_does_not_hold_the_drive_forbids_as_well(site: Site) -> None:
    site.held(PORTS["backup1"])
    site.says("backup2", in_use=True)
    result = site.diagnosis()
    assert found(result) == ["left_behind"]
    assert fits(result) == ["close"]


# --- RESERVE of SPC-2


def test_the_one_candidate_with_a_job_is_waited_for(site: Site) -> None:
    site.spc2("backup2")
    site.says("backup2", in_use=True)
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["job"], ["wait"])


def test_one_candidate_without_a_job_has_to_let_go_or_the_unit_is_reset(site: Site) -> None:
    site.spc2("backup2", "it has the drive open")
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["left_behind"], ["close", "reset", "power_cycle"])
    assert message(result).startswith(f"backup2 holds drive {DRIVE} by RESERVE of SPC-2 (it has the drive open), backup2 is alive")
    run = site.diagnosis(remedy="reset")["run"]
    assert (run["hosts"], run["options"]) == (["localhost"], {"state": "preempted", "force": ["reset"]})
    for name in ("release", "preempt", "clear"):
        assert "which no other host can release and no persistent reservation breaks" in site.diagnosis(remedy=name)["refusal"]


def test_with_no_or_several_candidates_only_a_reset_is_left(site: Site) -> None:
    site.spc2(None, "more than one host could be the holder")
    site.down("backup3")
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["holder_not_told"], ["reset", "power_cycle"])
    assert message(result) == (
        f"Somebody holds drive {DRIVE} by RESERVE of SPC-2, and who cannot be told: more than one host could be the holder. "
        "backup3 sees the drive and does not answer, so may be the holder."
    )


def test_jobs_of_two_applications_are_both_named(site: Site) -> None:
    site.spc2(None, "more than one host could be the holder")
    for host in ("backup1", "backup2"):
        site.says(host, in_use=True)
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["job"], ["wait"])
    assert message(result).endswith("By their applications, backup1 and backup2 each have a job on it.")


def test_what_finds_the_holder_is_given_for_all_hosts_that_could_ask(site: Site) -> None:
    assert site.diagnosis()["evidence"] == {}
    site.spc2(None)
    site.down("backup3")
    site.said["backup1"] = [{"drive": DRIVE, "in_use": None}, {"drive": DRIVE, "in_use": True}]
    site.said["backup2"] = [{"drive": DRIVE, "in_use": None}, {"drive": DRIVE, "in_use": False}]
    evidence = site.diagnosis()["evidence"]
    assert sorted(evidence["evidence"]) == ["backup1", "backup2", "backup3", "localhost"]
    assert evidence["applications"] == {
        "backup1": {"drives": [{"drive": DRIVE, "in_use": True}]}, "backup2": {"drives": [{"drive": DRIVE, "in_use": None}]},
    }


def test_a_host_that_sees_the_drive_and_cannot_be_asked_may_be_the_holder(site: Site) -> None:
    site.spc2(None)
    for host in ("localhost", *HOSTS):
        answer = "works" if host == "backup1" else "conflict"
        site.drive[host] |= {"open": [], "paths": [{"device": "/dev/sg3", "port": None, "answer": answer}]}
    evidence = site.diagnosis()["evidence"]
    [told] = reservation_info._conclusions(evidence["evidence"], {}, [DRIVE])
    assert told["holder_host"] == "backup1"
    site.down("backup3")
    evidence = site.diagnosis()["evidence"]
    [told] = reservation_info._conclusions(evidence["evidence"], {}, [DRIVE])
    assert told["holder_host"] is None
    assert "of backup3 it cannot be told" in told["why"]
    site.hosts["backup3"]["drives"][0]["missing_since"] = 1_790_000_000.0
    evidence = site.diagnosis()["evidence"]
    assert "backup3" not in evidence["evidence"]


def test_to_its_holder_a_drive_looks_free_and_is_not(site: Site) -> None:
    site.spc2("backup2")
    site.reads("free", hosts=["backup2"])
    assert found(site.diagnosis()) == ["left_behind"]


# --- error states


def test_what_a_controller_has_fenced_without_the_tables_knowing_is_unfenced(site: Site) -> None:
    site.reads("persistent", PORTS["backup3"], fenced=True)
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["fenced"], ["unfence"])
    assert site.diagnosis(remedy="unfence")["run"]["options"] == {"state": "unfenced"}
    assert "the remedy unfence ends that" in site.diagnosis(remedy="preempt")["refusal"]


@pytest.mark.parametrize("fenced", [True, False])
def test_the_error_state_of_the_table_is_cleared_in_order(site: Site, fenced: bool) -> None:
    site.held(PORTS["backup1"])
    site.row = {**(site.row or {}), "error_state": "error", "error_reason": "backup2 did not confirm."}
    site.owed = [{"drive": DRIVE, "instance": "backup2", "host": "backup2", "outcome": "", "reason": "unreachable"}]
    if fenced:
        site.reads("persistent", PORTS["backup3"], fenced=True)
    result = site.diagnosis()
    assert found(result)[0] == "error_state"
    assert message(result) == f"Drive {DRIVE} is in its error state, where nobody can use it: backup2 did not confirm."
    assert fits(result) == (["clear_error", "ask_again"] if fenced else ["close", "clear_error", "ask_again"])
    [clear] = [one for one in result["remedies"] if one["name"] == "clear_error"]
    assert "First see to what is owed by backup2" in clear["does"]
    assert site.diagnosis(remedy="clear_error")["run"]["call"] == "clear_error"
    assert "the remedy clear_error ends that" in site.diagnosis(remedy="preempt")["refusal"]
    assert "does not fit" in site.diagnosis(remedy="unfence")["refusal"]


def test_an_error_state_that_is_just_being_forced_is_not_cleared(site: Site) -> None:
    site.row = {**(site.row or {}), "error_state": "forcing"}
    result = site.diagnosis(remedy="clear_error")
    assert found(result) == ["error_state"]
    assert "run the doctor again in a minute" in result["refusal"]


# --- what the table and the applications say


@pytest.mark.parametrize(
    ("drive", "row", "holders"),
    [
        (("free",), "reserved", [PORTS["backup1"]]),
        (("persistent", PORTS["backup1"]), "released", []),
        (("persistent", PORTS["backup1"]), "reserved", [PORTS["backup2"]]),
        (("spc2", {"protocol": None, "id": None}), "released", []),
        (("persistent", PORTS["backup1"]), None, []),
    ],
)
def test_what_drive_and_table_say_differently_is_recorded_on_demand(
    site: Site, drive: tuple[Any, ...], row: str | None, holders: list[dict[str, Any]]
) -> None:
    site.reads(*drive)
    site.row = {**(site.row or {}), "status": row, "holders": holders} if row else None
    result = site.diagnosis()
    assert "contradiction" in found(result)
    assert "record" in fits(result)
    options = site.diagnosis(remedy="record")["run"]["options"]
    wanted: dict[str, Any] = {"state": "recorded", "status": "released" if drive[0] == "free" else "reserved"}
    if drive[0] == "persistent":
        wanted["holders"] = [PORTS["backup1"]]
    assert options == wanted


def test_what_both_say_alike_is_no_contradiction(site: Site) -> None:
    site.held(PORTS["backup1"])
    assert found(site.diagnosis()) == ["left_behind"]
    site.row = {**(site.row or {}), "holders": [{"protocol": None, "id": None}]}
    assert found(site.diagnosis()) == ["left_behind"], "a table that cannot name the holder does not contradict"
    site.spc2(None)
    site.row = {**(site.row or {}), "holders": [PORTS["backup2"]]}
    assert found(site.diagnosis()) == ["holder_not_told"]
    site.row = None
    site.reads("free")
    assert found(site.diagnosis()) == ["free"]


def test_a_drive_that_cannot_be_read_is_only_switched_off_and_on(site: Site) -> None:
    for host in ("localhost", *HOSTS):
        site.drive[host] = {"drive": DRIVE, "state": "unknown", "holders": [], "why": "the drive did not answer in time", "device": "/dev/sg3"}
    site.row = {**(site.row or {}), "status": "reserved", "holders": [PORTS["backup1"]]}
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["unreadable"], ["power_cycle"])
    assert "backup1 could not read the drive: the drive did not answer in time." in result["lines"]
    assert any(line.startswith("By the drive table: it is reserved by fc 10000090fa000001 = backup1 (change 42") for line in result["lines"])
    assert "who holds the drive cannot be read" in site.diagnosis(remedy="preempt")["refusal"]
    for host in ("localhost", *HOSTS):
        site.drive[host] = {}
    assert found(site.diagnosis()) == ["unreadable"]


def test_what_an_administrator_has_set_offline_is_set_online_on_demand(site: Site) -> None:
    site.says("backup2", "offline")
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["administrator"], ["online"])
    run = site.diagnosis(remedy="online")["run"]
    assert (run["hosts"], run["instances"]) == (["backup2"], {"backup2": [{"instance": "backup2", "application": "custom"}]})
    site.says("backup3", "offline")
    assert site.diagnosis(remedy="online")["refusal"] == (
        f"Drive {DRIVE} is offline in backup2 and backup3; say by drive_sharing_remedy_instance which one is to set it online. "
        "Nothing was changed."
    )
    assert site.diagnosis(remedy="online", instance="backup3")["run"]["hosts"] == ["backup3"]
    assert site.diagnosis(remedy="online", instance="backup1")["refusal"] == (
        f"Instance 'backup1' does not have drive {DRIVE} offline, only backup2 and backup3. Nothing was changed."
    )
    site.held(PORTS["backup1"])
    assert "the drive is held, or in its error state" in site.diagnosis(remedy="online", instance="backup3")["refusal"]


def test_what_we_have_offline_although_it_is_free_is_asked_again(site: Site) -> None:
    site.says("backup2", "offline", taken=True)
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["taken"], ["ask_again"])
    assert site.diagnosis(remedy="ask_again")["run"] == {
        "remedy": "ask_again", "call": "table", "drive": DRIVE, "hosts": ["localhost"], "options": {"state": "due"}, "instances": {},
    }
    site.row = {**(site.row or {}), "status": "reserved", "holders": [PORTS["backup1"]]}
    result = site.diagnosis(remedy="ask_again")
    assert found(result)[:2] == ["contradiction", "taken"]
    assert "the remedy record has to come first" in result["refusal"]


def test_what_is_owed_is_named_with_its_reason(site: Site) -> None:
    site.owed = [{"drive": DRIVE, "instance": "nightly", "host": "director", "outcome": "busy", "reason": "a job is running"}]
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["owed"], ["ask_again"])
    assert message(result) == f"The newest change of drive {DRIVE} is not confirmed by nightly on director (a job is running)."


def test_that_sharing_is_stopped_is_said(site: Site) -> None:
    site.stopped = "2026-11-23T09:00:00+00:00"
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["stopped"], ["start_sharing"])


def test_registrations_keep_those_out_who_reserve_by_spc_2(site: Site) -> None:
    site.reads("free", registrants=[PORTS["backup1"]])
    result = site.diagnosis()
    assert (found(result), fits(result)) == (["registered"], ["clear"])
    site.says("backup1", in_use=True)
    assert "backup1 has a job on the drive" in site.diagnosis(remedy="clear")["refusal"]


# --- what is given


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"drive": ""}, "Give drive_sharing_drive, the serial number of the drive that somebody cannot use. Nothing was changed."),
        (
            {"drive": 1310211169},
            "drive_sharing_drive must be a serial number of 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit,"
            " in quotation marks, not 1310211169. Nothing was changed.",
        ),
        (
            {"drive": "a b"},
            "drive_sharing_drive must be a serial number of 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit,"
            " not 'a b'. Nothing was changed.",
        ),
        (
            {"drive": DRIVE, "remedy": "hammer"},
            "drive_sharing_remedy must be one of wait, close, release, preempt, clear, reset, unfence, clear_error, online, record, ask_again,"
            " start_sharing, power_cycle, not 'hammer'. Nothing was changed.",
        ),
        *(
            (
                {"drive": DRIVE, "timeout": timeout},
                f"drive_sharing_doctor_timeout must be 1 to 3600 seconds, not {shown}. Nothing was changed.",
            )
            for timeout, shown in (("soon", "'soon'"), ("-1", "'-1'"), (3601, "3601"), ("0", "'0'"), (0.5, "0.5"), (True, "true"))
        ),
    ],
)
def test_bad_input_is_refused_in_one_sentence(site: Site, given: dict[str, Any], refusal: str) -> None:
    assert _conflict_report.diagnosis(given)["refusal"] == refusal
    assert site.diagnosis(**given)["refusal"] == refusal


@pytest.mark.parametrize("timeout", [1, "30", 3600, None, ""])
def test_a_time_that_can_be_waited_is_taken(timeout: Any) -> None:
    assert _conflict_report.diagnosis({"drive": DRIVE, "timeout": timeout})["refusal"] == ""


def test_a_drive_that_nobody_knows_is_refused(site: Site) -> None:
    result = site.diagnosis(drive="1310211196")
    assert (result["verdict"], fits(result)) == ("not_known", [])
    assert result["refusal"] == (
        "No host sees drive 1310211196 by the drive table's associations, and no change of it is recorded. Look at the number; if it is "
        "right, run the playbook host_facts."
    )


@pytest.mark.parametrize("remedy", sorted(BY_HAND))
def test_what_a_person_has_to_do_is_refused_and_said(site: Site, remedy: str) -> None:
    if remedy == "start_sharing":
        site.stopped = "2026-11-23T09:00:00+00:00"
    site.held(PORTS["backup1"])
    site.says("backup1", in_use=remedy == "wait")
    result = site.diagnosis(remedy=remedy)
    assert result["refusal"].startswith(f"Remedy {remedy} is for a person, and nothing that this playbook carries out: ")
    assert result["run"] == {}


def test_what_is_no_result_of_ours_is_named() -> None:
    with pytest.raises(InvalidValueError, match="table must be what drive_table_info returns"):
        _conflict_report.diagnosis({"drive": DRIVE, "table": {}})
    with pytest.raises(InvalidValueError, match=r"asked\.alive must be a mapping of host names to results"):
        Site().diagnosis(asked=[])


def test_whom_to_ask_is_said_before_anybody_is_asked(site: Site) -> None:
    request = site.request()
    del request["asked"], site.hosts["backup3"]["drives"][0]
    site.inventory.remove("backup2")
    result = _conflict_report.diagnosis(request)
    assert result["hosts"] == ["localhost", "backup1"]
    assert "verdict" not in result
    site.row = {**(site.row or {}), "holders": [PORTS["backup3"]]}
    assert "backup3" in _conflict_report.diagnosis(site.request())["hosts"], "the holder is asked even if it does not see the drive any more"


def test_a_host_that_the_inventory_lacks_is_named(site: Site) -> None:
    site.inventory.remove("backup2")
    for what in (site.alive, site.drive, site.said):
        del what["backup2"]
    result = site.diagnosis()
    assert "backup2 sees the drive, and is not in the inventory." in result["lines"]


# --- all of it


def test_whatever_comes_together_nothing_goes_against_a_job_and_all_lines_are_short() -> None:
    answers = ("free", "registered", "pr", "stranger", "spc2", "spc2-told", "fenced", "unknown", "nobody")
    holders = ("idle", "job", "silent", "down", "offline", "taken")
    rows = ("released", "reserved", "error", "clearing", None)
    verdicts, used = set(), set()
    for answer, holder, row in itertools.product(answers, holders, rows):
        site = Site()
        if answer in ("spc2", "spc2-told"):
            site.spc2("backup1" if answer == "spc2-told" else None)
        elif answer == "unknown":
            site.reads("unknown", why="no answer")
        elif answer == "nobody":
            site.drive = {host: {} for host in site.drive}
        else:
            port = STRANGER if answer == "stranger" else PORTS["backup1"]
            ports = [] if answer in ("free", "registered") else [port]
            site.reads(
                "free" if not ports else "persistent", *ports, fenced=answer == "fenced", registrants=[] if answer == "free" else [port]
            )
        if holder == "down":
            site.down("backup1")
        elif holder in ("offline", "taken"):
            site.says("backup1", "offline", taken=holder == "taken")
        elif holder != "idle":
            site.says("backup1", in_use=holder == "job" or None)
        error = row if row in ("error", "clearing") else ""
        site.row = None if row is None else {
            **(site.row or {}), "status": "reserved" if row == "reserved" else "released", "error_state": error, "holders": [],
        }
        result = site.diagnosis()
        assert result["refusal"] == ""
        verdicts.update(found(result))
        assert [one["name"] for one in result["remedies"]] == list(_conflict_remedies.NAMES)
        assert {one["name"] for one in result["remedies"] if one["by_hand"]} == BY_HAND
        assert max(map(len, result["lines"])) <= _columns.WIDTH
        for one in result["remedies"]:
            assert one["fits"] is not bool(one["why_not"])
            asked = site.diagnosis(remedy=one["name"])
            assert bool(asked["run"]) is (one["fits"] and not one["by_hand"]) is not bool(asked["refusal"])
            if asked["run"]:
                used.add(one["name"])
                assert asked["run"]["hosts"], one["name"]
                assert holder != "job" or one["name"] in ("clear_error", "unfence", "record", "ask_again"), (answer, one["name"])
                assert holder != "down" or "backup1" not in asked["run"]["hosts"]
    assert verdicts == set(_conflict_doctor.FINDINGS) - {"not_known", "stopped", "owed"}
    assert used == set(_conflict_remedies.NAMES) - BY_HAND


@pytest.mark.parametrize(
    ("title", "names"), [("What is found", _conflict_doctor.FINDINGS), ("Remedies", _conflict_remedies.NAMES)]
)
def test_the_page_has_every_finding_and_every_remedy_and_no_other(title: str, names: tuple[str, ...]) -> None:
    section = (ROOT / "docs/conflict_doctor.md").read_text(encoding="utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == names
