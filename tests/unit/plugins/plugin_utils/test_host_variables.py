# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_variables as host_variables
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import custom
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

FC = {"protocol": "fc", "id": "10000090fa1658de"}
FOUND_DRIVE = {
    "serial": "10WT012345",
    "manufacturer_serial": None,
    "wwnn": "500507630f04be07",
    "wwpns": ["500507630f44be07"],
    "vendor": "IBM",
    "model": "ULT3580-TD8",
    "devices": ["/dev/st0", "/dev/nst0"],
    "paths": [{"device": "/dev/st0", "port": FC, "target_port": {"protocol": "fc", "id": "500507630f44be07"}}],
    "origin": "found",
    "location": None,
    "library": None,
}
FOUND_PORT = {**FC, "state": "online", "device": "host7", "origin": "found"}
FOUND = {"drives": [FOUND_DRIVE], "ports": [FOUND_PORT], "notes": ["A note."]}


def refused(function: Any, *args: Any) -> str:
    with pytest.raises(InvalidValueError) as caught:
        function(*args)
    return str(caught.value)


def test_a_variable_that_is_not_set_describes_nothing() -> None:
    assert host_variables.drives(None) == []
    assert host_variables.ports(None) == []
    assert host_variables.applications(None, "a") == []
    assert host_variables.managed(None) is True
    assert host_variables.discover(None) is True


def test_a_drive_is_normalised_in_every_key() -> None:
    given_drive = {
        "serial": " 10WT012345 ",
        "manufacturer_serial": "1310211169",
        "wwnn": "50:05:07:63:0F:04:BE:07",
        "wwpns": ["0x500507630F44BE07"],
        "vendor": "IBM",
        "model": "ULT3580-TD8",
        "devices": ["/dev/nst0", "\\\\.\\Tape0"],
        "paths": [
            {
                "device": "/dev/nst0",
                "port": {"protocol": "fc", "id": "0x10000090FA1658DE"},
                "target_port": {"protocol": "iscsi", "id": "IQN.2026-11.lab:D1"},
            }
        ],
        "location": "F1,C2,R3",
        "library": "ts4500_01",
    }
    assert host_variables.drives([given_drive]) == [
        {
            "ignore": False,
            "serial": "10WT012345",
            "manufacturer_serial": "1310211169",
            "wwnn": "500507630f04be07",
            "wwpns": ["500507630f44be07"],
            "vendor": "IBM",
            "model": "ULT3580-TD8",
            "devices": ["/dev/nst0", "\\\\.\\Tape0"],
            "paths": [
                {"device": "/dev/nst0", "port": FC, "target_port": {"protocol": "iscsi", "id": "iqn.2026-11.lab:d1"}}
            ],
            "location": "F1,C2,R3",
            "library": "ts4500_01",
        }
    ]


def test_a_key_that_is_null_counts_as_not_given() -> None:
    assert host_variables.drives([{"serial": "A", "wwnn": None}]) == [{"ignore": False, "serial": "A"}]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "drive_sharing_drives must be a list of mappings, not a mapping"),
        ("A", "drive_sharing_drives must be a list of mappings, not 'A'"),
        (True, "drive_sharing_drives must be a list of mappings, not true"),
        ([{"wwnn": "1"}], "drive_sharing_drives[0].serial must be given"),
        ([{"serial": None}], "drive_sharing_drives[0].serial must be given"),
        (
            [{"serial": "A"}, {"serial": "A"}],
            "drive_sharing_drives[1] must have another serial number than drive_sharing_drives[0]: each is "
            "described once",
        ),
        ([{"serial": "A", "devices": "/dev/st0"}], "drive_sharing_drives[0].devices must be a list, not '/dev/st0'"),
        (
            [{"serial": "A", "devices": ["/dev/st0", "st1"]}],
            "drive_sharing_drives[0].devices[1] must be a device file such as /dev/nst0, in printable ASCII, not 'st1'",
        ),
        (
            [{"serial": "A", "devices": ["/dev/st0\n"]}],
            "drive_sharing_drives[0].devices[0] must be a device file such as /dev/nst0, in printable ASCII, "
            "not '/dev/st0\\n'",
        ),
        (
            [{"serial": "A", "wwpns": ["10000090fa1658de", "1000"]}],
            "drive_sharing_drives[0].wwpns[1] must be a WWN of 16 hexadecimal digits, not '1000'",
        ),
        ([{"serial": "A", "ignore": "maybe"}], "drive_sharing_drives[0].ignore must be true or false, not 'maybe'"),
        (
            [{"serial": "A", "model": "x\x1b"}],
            "drive_sharing_drives[0].model must be a text of 1 to 64 printable ASCII characters, not 'x\\x1b'",
        ),
        (
            [{"serial": "A", "paths": [{"port": {"protocol": "fc", "id": "1"}}]}],
            "drive_sharing_drives[0].paths[0].port.id must be a WWN of 16 hexadecimal digits, not '1'",
        ),
        (
            [{"serial": "A", "paths": [{"lun": 0}]}],
            "drive_sharing_drives[0].paths[0] must be a mapping with the keys device, port and target_port "
            "only, not 'lun'",
        ),
    ],
)
def test_a_wrong_drive_is_refused_and_its_place_is_named(value: Any, message: str) -> None:
    assert refused(host_variables.drives, value) == message


def test_a_misspelt_key_is_refused_and_the_right_ones_are_named() -> None:
    assert refused(host_variables.drives, [{"serail": "A"}]) == (
        "drive_sharing_drives[0] must be a mapping with the keys serial, manufacturer_serial, wwnn, wwpns, vendor, model, "
        "devices, paths, location, library and ignore only, not 'serail'"
    )


def test_a_serial_that_yaml_read_as_a_number_is_refused() -> None:
    message = refused(host_variables.drives, [{"serial": "A"}, {"serial": 1310211169}])
    assert message.startswith("drive_sharing_drives[1].serial must be a serial number")
    assert message.endswith(", in quotation marks, not 1310211169")


def test_a_port_is_normalised_by_its_protocol() -> None:
    assert host_variables.ports(
        [{"protocol": "iscsi", "id": "IQN.2026-11.lab:A"}, {"protocol": "ip", "id": "2001:DB8::1", "state": "online"}]
    ) == [
        {"ignore": False, "protocol": "iscsi", "id": "iqn.2026-11.lab:a"},
        {"ignore": False, "protocol": "ip", "id": "2001:db8::1", "state": "online"},
    ]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"protocol": "fc", "id": "1000"},
            "drive_sharing_ports[2].id must be a WWN of 16 hexadecimal digits, not '1000'",
        ),
        ({"protocol": "fc"}, "drive_sharing_ports[2].id must be given"),
        ({"id": "10000090fa1658de"}, "drive_sharing_ports[2].protocol must be given"),
        (
            {"protocol": "scsi", "id": "1"},
            "drive_sharing_ports[2].protocol must be one of fc, iscsi, sas and ip, not 'scsi'",
        ),
        (
            {"protocol": "fc", "id": "10:00:00:90:fa:16:58:de"},
            "drive_sharing_ports[2] must have another port than drive_sharing_ports[0]: each is described once",
        ),
        ({**FC, "state": "up"}, "drive_sharing_ports[2].state must be one of online, offline and unknown, not 'up'"),
        (
            "10000090fa1658de",
            "drive_sharing_ports[2] must be a mapping with the keys protocol, id, state, device and ignore, "
            "not '10000090fa1658de'",
        ),
    ],
)
def test_a_wrong_port_is_refused_and_its_place_is_named(entry: Any, message: str) -> None:
    assert refused(host_variables.ports, [FC, {"protocol": "ip", "id": "192.0.2.1"}, entry]) == message


def test_the_caller_may_name_another_place() -> None:
    assert refused(host_variables.ports, [1], "ports").startswith("ports[0] must be a mapping")


def test_an_application_has_the_host_for_instance_and_control_point_unless_told_otherwise() -> None:
    assert host_variables.applications([{"application": "custom"}], "backup1") == [
        {"application": "custom", "instance": "backup1", "control_points": ["backup1"], "scope": "host", "options": {}}
    ]


def test_an_application_is_given_as_told() -> None:
    entry = {
        "application": "custom",
        "instance": "prod",
        "control_points": ["master1", "master2"],
        "scope": "instance",
        "options": {"query": ["x"]},
    }
    assert host_variables.applications([entry], "media1") == [entry]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([{}], "drive_sharing_applications[0].application must be given"),
        (
            [{"application": "Net"}],
            "drive_sharing_applications[0].application must be an application's name of lower-case letters, "
            "digits and '_', beginning with a letter, not 'Net'",
        ),
        (
            [{"application": "custom", "scope": "drive"}],
            "drive_sharing_applications[0].scope must be one of host and instance, not 'drive'",
        ),
        (
            [{"application": "custom", "control_points": []}],
            "drive_sharing_applications[0].control_points must be a list of at least one host, not an empty one",
        ),
        (
            [{"application": "custom", "control_points": "m"}],
            "drive_sharing_applications[0].control_points must be a list, not 'm'",
        ),
        (
            [{"application": "netback"}],
            "drive_sharing_applications[0].application 'netback' is not known; use 'custom' with the commands of your product",
        ),
        (
            [{"application": "bacula", "scope": "host"}],
            "drive_sharing_applications[0].scope must be instance for application bacula, the only one that it has, not host",
        ),
        (
            [{"application": "custom", "scope": "host", "control_points": ["m"]}],
            "drive_sharing_applications[0].scope must be instance where control_points are given, not host",
        ),
        ([{"application": "custom", "options": []}], "drive_sharing_applications[0].options must be a mapping, not a list"),
        (
            [{"application": "custom", "instance": "../x"}],
            "drive_sharing_applications[0].instance must be an instance name of 1 to 64 letters, digits, "
            "'_', '.', ':' or '-', not '../x'",
        ),
    ],
)
def test_a_wrong_application_is_refused_and_its_place_is_named(value: Any, message: str) -> None:
    assert refused(host_variables.applications, value, "backup1") == message


@pytest.mark.parametrize(
    ("scopes", "entry", "scope"),
    [
        (("host", "instance"), {}, "host"),
        (("host", "instance"), {"scope": "instance"}, "instance"),
        (("host", "instance"), {"control_points": ["m"]}, "instance"),
        (("instance", "host"), {}, "instance"),
        (("instance", "host"), {"scope": "host"}, "host"),
        (("instance",), {"control_points": ["m"]}, "instance"),
        (("host",), {}, "host"),
    ],
)
def test_an_application_that_says_no_scope_has_the_one_that_its_product_has_first(
    scopes: tuple[str, ...], entry: dict[str, Any], scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom, "SCOPES", scopes)
    (checked,) = host_variables.applications([{"application": "custom", **entry}], "backup1")
    assert checked["scope"] == scope


def test_control_points_are_refused_where_each_host_has_a_state_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom, "SCOPES", ("host",))
    assert refused(host_variables.applications, [{"application": "custom", "control_points": ["m"]}], "backup1") == (
        "drive_sharing_applications[0].control_points must not be given for application custom: it has a state of its own on"
        " each host, so each host that sees the drive is asked"
    )


def test_two_applications_on_one_host_need_instances_of_their_own() -> None:
    value = [{"application": "bacula"}, {"application": "custom", "instance": "x"}, {"application": "custom"}]
    assert refused(host_variables.applications, value, "backup1") == (
        "drive_sharing_applications[2].instance must be another than that of drive_sharing_applications[0], backup1: "
        "name the instance of each application on a host that has several"
    )


def test_a_host_name_that_is_too_long_for_an_instance_asks_for_one() -> None:
    message = refused(host_variables.applications, [{"application": "custom"}], "h" * 70)
    assert message.startswith(
        "drive_sharing_applications[0].instance (by default the host's name) must be an instance name"
    )


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (True, True),
        (False, False),
        ("true", True),
        ("False", False),
        ("no", False),
        ([], []),
        (["A ", "B", "A"], ["A", "B"]),
    ],
)
def test_managed_is_all_none_or_a_list(value: Any, meant: Any) -> None:
    assert host_variables.managed(value) == meant


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("all", "drive_sharing_managed must be true, false or a list of serial numbers, not 'all'"),
        (1, "drive_sharing_managed must be true, false or a list of serial numbers, not 1"),
        ({"A": True}, "drive_sharing_managed must be true, false or a list of serial numbers, not a mapping"),
    ],
)
def test_managed_of_another_form_is_refused(value: Any, message: str) -> None:
    assert refused(host_variables.managed, value) == message


def test_a_wrong_serial_in_managed_is_named_by_its_place() -> None:
    assert refused(host_variables.managed, ["A", "B C"]).startswith("drive_sharing_managed[1] must be a serial number")


def test_discover_of_another_form_is_refused() -> None:
    assert refused(host_variables.discover, "maybe") == "drive_sharing_discover must be true or false, not 'maybe'"


def test_instances_carry_what_is_managed_and_no_options() -> None:
    entries = host_variables.applications([{"application": "custom", "options": {"a": 1}}], "backup1")
    assert host_variables.instances(entries, ["A"]) == [
        {
            "instance": "backup1",
            "application": "custom",
            "control_points": ["backup1"],
            "scope": "host",
            "managed": ["A"],
        }
    ]


def test_a_control_point_that_the_inventory_lacks_is_named() -> None:
    entries = host_variables.applications(
        [{"application": "custom", "control_points": ["mastr1", "master2"]}, {"application": "bacula", "instance": "x"}], "backup1"
    )
    assert host_variables.absent(entries, {"backup1", "master2"}) == [
        "Control point mastr1 of instance backup1 is not in the inventory, so it cannot be told about a drive; correct"
        " drive_sharing_applications, or add it to the inventory."
    ]


def test_without_entries_the_facts_are_as_found() -> None:
    assert host_variables.merge(FOUND, [], []) == FOUND


def test_what_a_person_describes_wins_key_by_key() -> None:
    manual = host_variables.drives([{"serial": "10WT012345", "wwpns": [], "location": "F1"}])
    merged = host_variables.merge(FOUND, manual, host_variables.ports([{**FC, "state": "offline"}]))
    assert merged["drives"] == [{**FOUND_DRIVE, "wwpns": [], "location": "F1", "origin": "overridden"}]
    assert merged["ports"] == [{**FOUND_PORT, "state": "offline", "origin": "overridden"}]


def test_what_was_not_found_is_added() -> None:
    merged = host_variables.merge(
        FOUND,
        host_variables.drives([{"serial": "1310211169"}]),
        host_variables.ports([{"protocol": "ip", "id": "192.0.2.1"}]),
    )
    assert [(drive["serial"], drive["origin"]) for drive in merged["drives"]] == [
        ("10WT012345", "found"),
        ("1310211169", "manual"),
    ]
    assert set(merged["drives"][1]) == set(FOUND_DRIVE)
    assert merged["ports"][1] == {
        "protocol": "ip",
        "id": "192.0.2.1",
        "state": "unknown",
        "device": None,
        "origin": "manual",
    }


def test_what_is_to_be_ignored_is_gone_whether_found_or_not() -> None:
    manual = host_variables.drives([{"serial": "10WT012345", "ignore": True}, {"serial": "X", "ignore": "yes"}])
    merged = host_variables.merge(FOUND, manual, host_variables.ports([{**FC, "ignore": True}]))
    assert merged == {"drives": [], "ports": [], "notes": ["A note."]}


def test_merging_does_not_change_what_it_is_given() -> None:
    found = {"drives": [dict(FOUND_DRIVE)], "ports": [dict(FOUND_PORT)], "notes": []}
    merged = host_variables.merge(found, host_variables.drives([{"serial": "10WT012345", "location": "F1"}]), [])
    merged["notes"].append("x")
    assert found == {"drives": [FOUND_DRIVE], "ports": [FOUND_PORT], "notes": []}


json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["fc", "A", FC["id"]]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["serial", "protocol", "id", "paths", "devices", "application", "ignore", "x", 1]), inner
        )
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("function", ["drives", "ports", "applications", "managed", "discover"])
@given(value=json)
def test_any_value_is_taken_or_refused_with_one_sentence(function: str, value: Any) -> None:
    args = (value, "backup1") if function == "applications" else (value,)
    try:
        result = getattr(host_variables, function)(*args)
    except InvalidValueError as exc:
        assert str(exc).startswith(f"drive_sharing_{function}")
        assert "\n" not in str(exc)
        return
    if function in ("drives", "ports"):
        host_variables.merge(FOUND, *((result, []) if function == "drives" else ([], result)))
