# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What two hosts claim and only one can have; run on SQLite here and on PostgreSQL in tests/integration."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _associations, _conflicts, _plan
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import (
    START,
    World,
    port,
)

ONE, OTHER = "500507630f000001", "5001438000000002"
IP = {"protocol": "ip", "id": "172.17.0.1"}
IQN = {"protocol": "iscsi", "id": "iqn.1994-05.com.redhat:8f2d1c"}


def drive(wwnn: str | None, *wwpns: str, serial: str = "D1") -> dict[str, Any]:
    return {"serial": serial, "devices": ["/dev/nst0"], "wwnn": wwnn, "wwpns": list(wwpns)}


def write(store: Any, host: str, drives: Any = (), ports: Any = (), instances: Any = None, now: float = START) -> list[str]:
    names = [host.upper()] if instances is None else instances
    with store.write() as tx:
        return _associations.write_host(
            tx, host, {"drives": list(drives), "ports": list(ports)},
            [{"instance": name, "application": "custom"} for name in names], now,
        )


def plan(store: Any, *holders: Any, drives: Any = ("D1",)) -> Any:
    with store.read() as tx:
        changes = [
            {"drive": name, "sequence": 1, "attempt": 1, "status": "reserved", "holders": list(holders)} for name in drives
        ]
        return _plan.make(changes, _associations.lookup(tx, drives, holders), set("abcd"))


def views(made: Any) -> dict[str, str]:
    return {ask["instance"]: ask["relation"] for ask in made.asks}


def conflicts(store: Any) -> list[str]:
    with store.read() as tx:
        return _associations.conflicts(tx)


# Ports.


@pytest.mark.parametrize("cloned", [port(0), IQN], ids=["fc", "iscsi"])
def test_a_port_of_two_instances_decides_nothing_and_the_plan_names_both_hosts(store: Any, cloned: dict[str, str]) -> None:
    for host in "abc":
        write(store, host, [drive(ONE)], [cloned] if host in "ab" else [port(2)])
    made = plan(store, cloned)
    assert views(made) == {"A": "ambiguous", "B": "ambiguous", "C": "foreign"}
    told = conflicts(store)
    assert made.warnings == told
    assert told[0].startswith(f"Port {cloned['protocol']} {cloned['id']} is on host a (A) and on host b (B): while both claim it,")
    assert plan(store, port(2)).warnings == [], "only where it matters"


def test_of_three_hosts_any_two_without_a_common_instance_are_named(store: Any) -> None:
    write(store, "a", [], [port(0)], ["X", "Y"])
    write(store, "b", [], [port(0)], ["X"])
    assert conflicts(store) == []
    write(store, "c", [], [port(0)], ["Y"])
    (told,) = conflicts(store)
    assert told.startswith("Port fc 10000090fa000000 is on host b (X) and on host c (Y) (and on 1 more): ")


def test_an_address_of_hosts_of_two_instances_is_no_conflict_and_is_nobodys(store: Any) -> None:
    for host in "abc":
        assert write(store, host, [drive(ONE)], [IP] if host in "ab" else []) == []
    made = plan(store, IP)
    assert views(made) == {"A": "unknown", "B": "unknown", "C": "unknown"}
    assert (made.warnings, conflicts(store)) == ([], [])
    write(store, "b", [drive(ONE)], [])
    assert views(plan(store, IP)) == {"A": "own", "B": "foreign", "C": "foreign"}


def test_an_address_of_two_hosts_of_one_instance_is_that_instances(store: Any) -> None:
    write(store, "a", [drive(ONE)], [IP], ["POOL"])
    write(store, "b", [drive(ONE)], [IP], ["POOL"])
    write(store, "c", [drive(ONE)])
    assert views(plan(store, IP)) == {"POOL": "own", "C": "foreign"}


def test_an_address_of_one_host_with_two_instances_is_one_of_theirs(store: Any) -> None:
    write(store, "a", [drive(ONE)], [IP], ["X", "Y"])
    write(store, "c", [drive(ONE)])
    assert views(plan(store, IP)) == {"X": "ambiguous", "Y": "ambiguous", "C": "foreign"}


# Drives.


def test_one_serial_number_of_two_drives_is_refused_and_both_hosts_are_named(store: Any) -> None:
    assert write(store, "a", [drive(ONE)], [port(0)]) == []
    told = write(store, "b", [drive(OTHER)], [port(1)])
    assert told == [
        f"Serial number D1 is that of a drive with WWNN {ONE} on host a and of one with WWNN {OTHER} on host b: while both"
        " claim it, that drive is not shared, and nothing is set because of it. Give each drive a serial number of its own"
        " in its library; if it is one drive, give it one wwnn in drive_sharing_drives of one of these hosts."
    ]
    made = plan(store, port(0))
    assert (made.asks, made.warnings, conflicts(store)) == ([], told, told)
    assert made.settled == {"D1": "hosts see different drives under this serial number"}


def test_other_drives_of_the_batch_go_on(store: Any) -> None:
    write(store, "a", [drive(ONE), drive(ONE, serial="D2")], [port(0)])
    write(store, "b", [drive(OTHER), drive(ONE, serial="D2")], [port(1)])
    made = plan(store, port(0), drives=("D1", "D2"))
    assert [(ask["drive"], ask["instance"]) for ask in made.asks] == [("D2", "A"), ("D2", "B")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (drive(ONE), drive(ONE)),
        (drive(ONE), drive(None)),
        # The one platform tells the drive's name, the other that of its logical unit; the port is the same.
        (drive(ONE, "500507630f400001"), drive(OTHER, "500507630f400001")),
        ({**drive(ONE), "paths": [{"target_port": {"protocol": "fc", "id": "500507630f400001"}}]}, drive(OTHER, "500507630f400001")),
    ],
    ids=["same", "unknown", "port in common", "path to the port in common"],
)
def test_drives_with_a_name_in_common_are_one(store: Any, one: dict[str, Any], other: dict[str, Any]) -> None:
    write(store, "a", [one], [port(0)])
    assert write(store, "b", [other], [port(1)]) == []
    assert views(plan(store, port(0))) == {"A": "own", "B": "foreign"}


def test_a_drive_that_got_another_name_is_no_conflict_with_what_a_host_saw_before(store: Any) -> None:
    write(store, "a", [drive(ONE)], now=START)
    write(store, "b", [drive(ONE)], now=START)
    assert write(store, "a", [drive(OTHER)], now=START + 10) == [], "b was not asked since then"
    assert write(store, "a", [drive(OTHER)], now=START + 20) == []
    assert write(store, "b", [drive(OTHER)], now=START + 30) == []
    assert conflicts(store) == []
    write(store, "a", [drive(ONE)], now=START + 40)
    (told,) = write(store, "b", [drive(OTHER)], now=START + 50)
    assert "on host a" in told
    with store.read() as tx:
        assert "wwnn_since" not in _associations.everything(tx)["a"]["drives"][0]


def test_a_conflict_ends_when_a_host_loses_the_drive_is_forgotten_or_is_told_better(store: Any) -> None:
    for turn, end in enumerate((
        lambda: write(store, "b", []),
        lambda: write(store, "b", [{**drive(OTHER), "wwnn": ONE, "origin": "overridden"}], now=START + 1000),
        lambda: _forget(store),
    )):
        write(store, "a", [drive(ONE)], now=START + 100 * turn)
        write(store, "b", [drive(OTHER)], now=START + 100 * turn)
        write(store, "a", [drive(ONE)], now=START + 100 * turn)
        assert len(conflicts(store)) == 1
        end()
        assert conflicts(store) == []
        _forget(store)


def _forget(store: Any) -> None:
    with store.write() as tx:
        for host in "ab":
            _associations.forget_host(tx, host, START)


def test_a_reserved_drive_is_done_again_when_its_conflict_ends(world: World) -> None:
    def host(name: str, wwnn: str) -> None:
        with world.transaction() as tx:
            facts = {"drives": [drive(wwnn)], "ports": [port(ord(name) - ord("a"))]}
            _associations.write_host(tx, name, facts, [{"instance": name.upper(), "application": "custom"}], world.now)

    host("a", ONE)
    host("b", OTHER)
    world.see("reserved", "a")
    world.play(batch=None).confirm("a", "b")
    assert world.due() == []
    host("b", ONE)
    assert world.due() == ["D1"]


def test_damaged_detail_is_no_conflict(store: Any) -> None:
    write(store, "a", [drive(ONE)])
    write(store, "b", [drive(OTHER)])
    with store.write() as tx:
        tx.execute("UPDATE paths SET detail = ? WHERE host = 'a'", ('{"wwnn": 7, "paths": [1], "wwpns": null}',))
        _conflicts.write_drives(tx, {"D1"}, START)
        assert _associations.conflicts(tx) == []
        tx.execute("UPDATE paths SET detail = 'junk' WHERE host = 'b'")
    assert write(store, "b", [drive(OTHER)]) == []
