# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _columns,
    _drive_status,
    _maintenance_report,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

HOSTS = ("backup1", "backup2", "backup3")
PORTS = {host: {"protocol": "fc", "id": f"10000090fa00000{number}"} for number, host in enumerate(HOSTS, 1)}
STRANGER = {"protocol": "fc", "id": "10000090fa0000ff"}
NOW = 1_790_000_000.0


class Site:
    """Three servers that see the drives D1 and D2, and a result for each that was asked."""

    def __init__(self) -> None:
        self.table: dict[str, Any] = {"drives": [], "owed": [], "associations": {}, "stopped_since": None, "damaged": []}
        for host in HOSTS:
            self.table["associations"][host] = {
                "updated_at": NOW - 7300, "notes": [],
                "drives": [{"serial": drive, "missing_since": None} for drive in ("D1", "D2")],
                "ports": [{**PORTS[host], "missing_since": None}],
                "instances": [{"instance": host, "application": "custom", "scope": "host", "control_points": []}],
            }
        self.inventory = list(HOSTS)
        self.asked: dict[str, Any] = {}

    def drive(self, *holders: dict[str, Any], **more: Any) -> None:
        self.table["drives"].append({
            "drive": "D1", "status": "reserved" if holders else "released", "holders": list(holders), "sequence": 7, "is_settled": True,
            "observed_at": "2026-11-23T10:00:00.000000+00:00", "error_state": "", "error_since": None, "error_reason": "", **more,
        })

    def one_state(self, *control_points: str) -> None:
        """All three are one instance, with one state."""
        for entry in self.table["associations"].values():
            entry["instances"] = [{
                "instance": "pool", "application": "custom", "scope": "instance", "control_points": list(control_points),
            }]

    def says(self, host: str, drive: str = "D1", **more: Any) -> None:
        item = self.asked.setdefault(host, {"results": [{"drives": []}]})["results"][0]
        item["drives"].append({"drive": drive, "configured": True, "state": "online", "in_use": False, "taken": False, "problem": None, **more})

    def maintain(self, state: str = "offline", drives: Any = "D1", **given: Any) -> dict[str, Any]:
        given = {"instances": "all", "reason": "new head", **given}
        return _maintenance_report.maintenance({
            "state": state, "drives": drives, "table": self.table, "inventory": self.inventory, **given,
        })

    def set_in(self, **given: Any) -> dict[str, Any]:
        return self.maintain(asked=self.asked, **given)

    def status(self, drives: Any = "all", instances: Any = "all") -> dict[str, Any]:
        result = _drive_status.status({
            "drives": drives, "instances": instances, "table": self.table, "inventory": self.inventory, "sharing": [*HOSTS, "backup9"],
            "asked": self.asked, "now": NOW,
        })
        assert max(map(len, result.get("lines") or [""])) <= _columns.SHOWN
        return result


@pytest.fixture
def site() -> Site:
    return Site()


# What is asked for.


@pytest.mark.parametrize(("given", "sentence"), [
    ({"drives": ""}, "drive_sharing_maintenance_drives is empty; give serial numbers. Nothing was set."),
    ({"drives": []}, "drive_sharing_maintenance_drives is empty; give serial numbers. Nothing was set."),
    ({"drives": " ,\n"}, "drive_sharing_maintenance_drives is empty; give serial numbers. Nothing was set."),
    ({"drives": None}, "Give drive_sharing_maintenance_drives, the serial numbers of the drives to set offline. Nothing was set."),
    ({"drives": 17}, "in quotation marks, or a text with them, not 17. Nothing was set."),
    ({"drives": ["D1", 17]}, "in quotation marks, or a text with them, not 17. Nothing was set."),
    ({"drives": {"D1": 1}}, "or a text with them, not a mapping. Nothing was set."),
    ({"drives": "D1,D2 D1"}, "drive_sharing_maintenance_drives has D1 more than once. Nothing was set."),
    ({"drives": "D1;id"}, "each of drive_sharing_maintenance_drives must be a serial number"),
    ({"instances": []}, "drive_sharing_maintenance_instances is empty; leave it out, or give all. Nothing was set."),
    ({"instances": ["a", "a"]}, "drive_sharing_maintenance_instances has a more than once. Nothing was set."),
    ({"instances": "../a"}, "each of drive_sharing_maintenance_instances must be an instance name"),
    ({"reason": ""}, "Give drive_sharing_maintenance_reason, a few words for those who will find the drives offline. Nothing was set."),
    ({"reason": "it's"}, "drive_sharing_maintenance_reason must be at most 80 letters"),
])
def test_what_cannot_be_meant_is_refused_in_a_sentence(given: dict[str, Any], sentence: str) -> None:
    result = _maintenance_report.maintenance({"state": "offline", "drives": "D1", "instances": "all", "reason": "x", **given})
    assert sentence in result["refusal"]
    assert result["refusal"].endswith(" Nothing was set.")
    assert result["hosts"] == []


@pytest.mark.parametrize("drives", ["D1 D2", "D1,D2", "D1, D2\n", ["D1", "D2"], "\nD1\r\nD2\r\n"])
def test_drives_are_a_list_or_a_text_as_a_survey_gives_it(site: Site, drives: Any) -> None:
    assert site.maintain(drives=drives)["ask"]["backup1"] == [{"instance": "backup1", "application": "custom", "drives": ["D1", "D2"]}]


def test_online_needs_no_reason_and_an_unanswered_question_means_all_instances(site: Site) -> None:
    assert site.maintain("online", reason="", instances="")["hosts"] == list(HOSTS)


def test_what_is_no_request_is_refused() -> None:
    for given in (None, [], "D1"):
        with pytest.raises(InvalidValueError, match="must be a mapping"):
            _maintenance_report.maintenance(given)
    assert "state must be one of offline and online" in _maintenance_report.maintenance({"state": "away", "drives": "D1"})["refusal"]


# Whom it concerns.


@pytest.mark.parametrize(("drives", "instances", "sentence"), [
    ("D7 D8", "all", "No application's host sees drives D7 and D8 by the drive table's associations: look at the number;"),
    ("D1", "x y", "Instances x and y are not known; there are backup1, backup2 and backup3. Nothing was set."),
    ("D1", "x", "Instance x is not known; there are backup1, backup2 and backup3. Nothing was set."),
    ("D1 D2", "backup3 backup1", "Instance backup3 does not see drive D2. Nothing was set."),
])
def test_what_is_not_known_is_named(site: Site, drives: str, instances: str, sentence: str) -> None:
    del site.table["associations"]["backup3"]["drives"][1]
    result = site.maintain(drives=drives, instances=instances)
    assert sentence in result["refusal"]
    assert (result["hosts"], result["ask"]) == ([], {})


def test_only_some_instances_are_asked(site: Site) -> None:
    assert site.maintain(instances="backup3, backup1")["hosts"] == ["backup1", "backup3"]


def test_with_one_state_the_first_control_point_that_the_inventory_has_is_asked_once(site: Site) -> None:
    site.one_state("gone1", "master1", "master2")
    site.inventory += ["master1", "master2"]
    assert site.maintain()["ask"] == {"master1": [{"instance": "pool", "application": "custom", "drives": ["D1"]}]}


def test_who_is_not_in_the_inventory_is_named_as_not_done(site: Site) -> None:
    site.inventory.remove("backup3")
    for host in HOSTS[:2]:
        site.says(host, confirmed=True, state_before="online", state="offline")
    result = site.set_in()
    assert result["hosts"] == ["backup1", "backup2"]
    assert result["failures"] == ["Drive D1 was not set offline in backup3: backup3 is not in the inventory."]


def test_without_anybody_to_ask_it_is_refused(site: Site) -> None:
    site.one_state()
    assert site.maintain()["refusal"] == "Nobody can be asked: instance pool has no control point. Nothing was set."


@pytest.mark.parametrize(("holders", "instances", "who"), [
    ([PORTS["backup1"]], "all", "backup2 and backup3"),
    ([PORTS["backup1"]], "backup2", "backup2"),
    ([STRANGER], "backup1", "backup1"),
    ([{"protocol": None, "id": None}], "backup1", "backup1"),
])
def test_what_is_held_by_others_is_not_set_online(site: Site, holders: Any, instances: str, who: str) -> None:
    site.drive(*holders)
    result = site.maintain("online", "D1 D2", instances=instances)
    assert f", so {who} would meet a reservation conflict; wait until it is released. Nothing was set." in result["refusal"]
    assert result["ask"] == {}
    assert site.maintain("offline", instances=instances)["refusal"] == ""


def test_the_holders_own_instance_may_have_it_online_and_everybody_what_is_free(site: Site) -> None:
    site.drive(PORTS["backup1"])
    assert site.maintain("online", instances="backup1")["hosts"] == ["backup1"]
    site.table["drives"].clear()
    site.drive()
    assert site.maintain("online")["hosts"] == list(HOSTS)


def test_a_drive_in_its_error_state_is_not_set_online(site: Site) -> None:
    site.drive(error_state="error")
    assert site.maintain("online")["refusal"] == "Drive D1 is in its error state; run the playbook clear_error first. Nothing was set."


# What came of it.


def test_each_control_point_is_told_of(site: Site) -> None:
    site.says("backup1", confirmed=False, outcome="busy", reason="", state_before="online")
    site.says("backup2", confirmed=True, state_before="online", state="offline")
    site.asked["backup3"] = {"results": [{"unreachable": True, "msg": "Task failed: no route to host."}], "unreachable": True}
    result = site.set_in()
    assert result["failures"] == [
        "Drive D1 was not set offline in backup1 on backup1: a job is running on the drive.",
        "Drive D1 was not set offline in backup3 on backup3: the host could not be reached: no route to host.",
    ]
    assert [line.split()[-2:] for line in result["lines"][1:4]] == [["NOT", "DONE"], ["set", "offline"], ["NOT", "DONE"]]
    assert (result["changed"], [one["changed"] for one in result["drives"]]) == (True, [False, True, False])
    assert max(map(len, result["lines"])) <= _columns.SHOWN


def test_what_was_so_already_is_no_change_and_check_mode_says_would(site: Site) -> None:
    site.says("backup1", confirmed=True, state_before="offline", state="offline")
    site.says("backup2", confirmed=True, state_before="online", state="online")
    result = site.set_in(instances="backup1 backup2", dry=True)
    assert [line.split("  ")[-1].strip() for line in result["lines"][1:]] == ["was offline already", "would be set offline"]
    assert (result["failures"], [one["changed"] for one in result["drives"]]) == ([], [False, True])


@pytest.mark.parametrize("result", [None, {}, {"skipped": True}, "junk"])
def test_a_host_that_the_play_left_out_is_not_taken_for_done(site: Site, result: Any) -> None:
    site.asked["backup1"] = result
    [failure] = site.set_in(instances="backup1")["failures"]
    assert "it was not turned to: --limit leaves it out, or the play ended before." in failure


# The status.


def test_all_of_it_is_shown(site: Site) -> None:
    site.drive(PORTS["backup1"])
    site.table["owed"] = [{"drive": "D1", "instance": "backup3", "reason": "", "outcome": ""}]
    site.says("backup1", in_use=True)
    site.says("backup2", state="offline", taken=True)
    site.says("backup3", state="offline", reason="drive_sharing: set offline by hand: cleaning")
    found = site.status("D1")
    text = [" ".join(line.split()) for line in found["lines"]]
    assert "D1 reserved 2026-11-23 10:00 UTC fc 10000090fa000001 = backup1 7, confirmed" in text
    assert "D1 backup1 custom backup1 online yes no" in text
    assert "D1 backup2 custom backup2 offline (ours) no no" in text
    assert "D1 backup3 custom backup3 offline no yes" in text
    assert "backup1 2026-09-21 12:11 UTC 2 h" in text
    assert found["found"]["problems"] == [
        "Owed by backup3 for drive D1: no answer yet.",
        "Drive D1 is offline in backup3 until a person sets it online: set offline by hand: cleaning.",
        "Nothing is known of the drives and ports of backup9; run the playbook host_facts.",
    ]


def test_error_states_come_first_and_a_stop_before_them(site: Site) -> None:
    site.drive(error_state="error", error_since=NOW, error_reason="backup2 did not answer.")
    site.table["stopped_since"] = "2026-11-23T09:00:00+00:00"
    found = site.status("D1", "backup1")["found"]
    assert found["problems"][:2] == [
        "Sharing is stopped since 2026-11-23 09:00 UTC; the playbook start_sharing ends that.",
        "Drive D1 is in its error state since 2026-09-21 14:13 UTC: backup2 did not answer.",
    ]
    assert any("ERROR STATE" in line for line in site.status("D1")["lines"])


def test_long_names_do_not_widen_the_tables(site: Site) -> None:
    long = "x" * 64
    for entry in site.table["associations"].values():
        entry["instances"][0]["instance"] = long
        entry["drives"].append({"serial": "S" * 64, "missing_since": NOW})
    site.table["associations"]["h" * 200] = site.table["associations"].pop("backup1")
    site.inventory.append("h" * 200)
    site.drive(PORTS["backup2"], {"protocol": "iscsi", "id": "iqn.2026-11.com.example:" + "y" * 150})
    assert len(site.status()["found"]["drives"]) == 3
    assert max(map(len, site.set_in(drives="D1")["lines"])) <= _columns.WIDTH


def test_without_anything_known_it_says_so(site: Site) -> None:
    site.table["associations"] = {}
    assert site.status()["lines"][0] == "No drive is known yet."


def test_what_is_not_known_is_refused_by_the_status_too(site: Site) -> None:
    assert site.status("D7")["refusal"].endswith("Nothing was asked.")
    assert site.status(instances="x")["refusal"].startswith("Instance x is not known")
    with pytest.raises(InvalidValueError, match="a status has no state"):
        _drive_status.status({"state": "offline"})
