# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the associations; run on SQLite here and on PostgreSQL in tests/integration."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _associations, _history
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import (
    START,
    World,
    port,
)

INSTANCE = {"instance": "A", "application": "custom"}


def write(store: Any, host: str, drives: Any = (), ports: Any = (), instances: Any = None, now: float = START) -> list[str]:
    with store.write() as tx:
        return _associations.write_host(
            tx, host, {"drives": list(drives), "ports": list(ports)},
            [{"instance": host.upper(), "application": "custom"}] if instances is None else instances, now,
        )


def look(store: Any, *drives: str, ports: Any = ()) -> Any:
    with store.read() as tx:
        return _associations.lookup(tx, drives, ports)


def test_an_instance_is_found_with_its_hosts_and_their_device_files(store: Any) -> None:
    pool = {"instance": "POOL", "application": "netbackup", "scope": "instance", "control_points": ["master", "a"]}
    write(store, "b", [{"serial": "D1", "devices": ["/dev/nst7"]}], [port(1)], [pool])
    write(store, "a", [{"serial": "D1", "devices": ["/dev/nst0", "/dev/st0"]}, {"serial": "D2"}], [port(0)], [pool])
    write(store, "master", now=START + 5)
    write(store, "c", [{"serial": "D1"}], [port(2)])
    found = look(store, "D1", "D2", "D9", ports=[port(0), port(1), port(2), port(9)])
    assert found.instances_of("D1") == [
        {"instance": "C", "application": "custom", "scope": "host", "control_points": ["c"], "hosts": ["c"],
         "devices": {"c": []}, "missing_since": None, "managed": True},
        {"instance": "POOL", "application": "netbackup", "scope": "instance", "control_points": ["master", "a"],
         "hosts": ["a", "b"], "devices": {"a": ["/dev/nst0", "/dev/st0"], "b": ["/dev/nst7"]}, "missing_since": None,
         "managed": True},
    ]
    assert [one["hosts"] for one in found.instances_of("D2")] == [["a"]]
    assert found.instances_of("D9") == []
    assert found.owners(port(0)) == found.owners(port(1)) == {"POOL"}
    assert (found.owners(port(2)), found.owners(port(9))) == ({"C"}, set())
    assert found.owners({"protocol": None, "id": None}) == set()


def test_the_same_name_of_another_protocol_is_another_port(store: Any) -> None:
    sas = {"protocol": "sas", "id": port(0)["id"]}
    write(store, "a", [], [port(0)])
    write(store, "b", [], [sas])
    found = look(store, ports=[port(0), sas])
    assert (found.owners(port(0)), found.owners(sas)) == ({"A"}, {"B"})


def test_two_instances_on_one_host_both_own_its_ports(store: Any) -> None:
    both = [{"instance": "X", "application": "bacula"}, {"instance": "Y", "application": "custom"}]
    assert write(store, "a", [{"serial": "D1"}], [port(0)], both) == [], "that is no conflict"
    found = look(store, "D1", ports=[port(0)])
    assert found.owners(port(0)) == {"X", "Y"}
    assert [one["instance"] for one in found.instances_of("D1")] == ["X", "Y"]


def test_a_port_on_two_hosts_of_different_instances_is_told_with_both(store: Any) -> None:
    write(store, "a", [], [port(0), port(1)])
    told = write(store, "b", [], [port(0)])
    assert told == [
        "Port fc 10000090fa000000 is on host a (A) and on host b (B): while both claim it, it decides nothing."
        " Correct drive_sharing_ports of one of them, or run host_facts where the adapter was moved from."
    ]
    with store.read() as tx:
        assert _associations.conflicts(tx) == told
    assert look(store, ports=[port(0)]).owners(port(0)) == {"A", "B"}
    write(store, "a", [], [port(1)])
    with store.read() as tx:
        assert _associations.conflicts(tx) == []
    assert look(store, ports=[port(0)]).owners(port(0)) == {"B"}, "an adapter that was moved belongs to its new host"


def test_a_port_that_everybody_lost_still_belongs_to_its_last_instance(store: Any) -> None:
    write(store, "a", [], [port(0)])
    write(store, "a", [], [])
    assert look(store, ports=[port(0)]).owners(port(0)) == {"A"}


def test_hosts_that_describe_an_instance_differently_are_told(store: Any) -> None:
    one = {"instance": "POOL", "application": "netbackup", "scope": "instance", "control_points": ["a"]}
    write(store, "a", instances=[one])
    write(store, "b", instances=[{**one, "scope": "host", "control_points": ["b"]}])
    with store.read() as tx:
        (told,) = _associations.conflicts(tx)
    assert told.startswith("Hosts a and b describe instance POOL differently")


def test_a_vanished_drive_is_kept_as_missing_and_comes_back(store: Any) -> None:
    write(store, "a", [{"serial": "D1"}])
    write(store, "a", [], now=START + 10)
    write(store, "a", [], now=START + 20)
    assert look(store, "D1").instances_of("D1")[0]["missing_since"] == START + 10
    write(store, "b", [{"serial": "D1"}], instances=[INSTANCE], now=START + 20)
    assert look(store, "D1").instances_of("D1")[0]["missing_since"] is None, "another host of the instance sees it"
    write(store, "a", [{"serial": "D1"}], now=START + 30)
    with store.read() as tx:
        assert _associations.everything(tx)["a"]["drives"][0]["missing_since"] is None


def test_manual_entries_win_over_found_ones_and_ignore_wins_over_both(store: Any) -> None:
    drives = [
        {"serial": "D1", "devices": ["/dev/nst0"], "model": "ULT3580-TD9", "location": "F1 R1", "origin": "found"},
        {"serial": "D1", "location": "F1 R2", "library": "lib1", "origin": "manual"},
        {"serial": "D2", "origin": "manual"},
        {"serial": "D3", "origin": "found"},
        {"serial": "D3", "ignore": True},
    ]
    ports = [
        {**port(0), "state": "offline", "origin": "found"},
        {**port(0), "state": "online", "origin": "manual"},
        {**port(1), "origin": "found"},
        {**port(1), "ignore": True},
    ]
    write(store, "a", [{"serial": "D3"}], [port(1)])
    write(store, "a", drives, ports)
    with store.read() as tx:
        found = _associations.everything(tx)["a"]
    assert [(one["serial"], one["origin"]) for one in found["drives"]] == [("D1", "overridden"), ("D2", "manual")]
    first = found["drives"][0]
    assert (first["location"], first["library"], first["model"]) == ("F1 R2", "lib1", "ULT3580-TD9")
    assert first["devices"] == ["/dev/nst0"]
    assert [(one["id"], one["state"], one["origin"]) for one in found["ports"]] == [
        (port(0)["id"], "online", "overridden")
    ]
    assert look(store, "D1", "D3").library("D1") == "lib1"
    assert look(store, "D3").instances_of("D3") == []


def test_what_a_person_had_written_and_took_away_again_is_gone(store: Any) -> None:
    write(store, "a", [{"serial": "D1", "origin": "manual"}, {"serial": "D2"}], [{**port(0), "origin": "manual"}, port(1)])
    write(store, "a")
    found = look(store, "D1", "D2", ports=[port(0), port(1)])
    assert found.instances_of("D1") == []
    assert len(found.instances_of("D2")) == 1
    assert (found.owners(port(0)), found.owners(port(1))) == (set(), {"A"})


def test_a_drive_listed_once_for_each_path_is_one(store: Any) -> None:
    write(store, "a", [{"serial": "D1", "devices": ["/dev/nst0"]}, {"serial": "D1", "devices": ["/dev/nst1"]}])
    assert look(store, "D1").instances_of("D1")[0]["devices"] == {"a": ["/dev/nst0", "/dev/nst1"]}


def test_only_managed_drives_are_shared(store: Any) -> None:
    write(store, "a", [{"serial": "D1"}, {"serial": "D2"}], [port(0)], [{**INSTANCE, "managed": ["D2"]}])
    found = look(store, "D1", "D2", ports=[port(0)])
    assert found.instances_of("D1") == []
    assert [one["managed"] for one in found.instances_of("D1", managed_only=False)] == [False]
    assert [one["managed"] for one in found.instances_of("D2")] == [True]
    assert found.owners(port(0)) == {"A"}, "an unmanaged holder is a foreign one all the same"


def test_a_host_without_an_application_is_known_as_foreign(store: Any) -> None:
    name = "x" * 200
    write(store, name, [{"serial": "D1"}], [port(0)], [])
    found = look(store, "D1", ports=[port(0)])
    assert found.owners(port(0)) == {"x" * 64}
    assert found.instances_of("D1") == []


def test_a_reserved_drive_is_done_again_when_an_instance_joins_or_leaves(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    world.play().confirm("a", "b")
    world.host("a")
    assert world.due() == [], "nothing has changed"
    world.host("c")
    assert world.due() == ["D1"]
    world.play().confirm("c")
    assert world.due() == []
    world.host("c", managed=False)
    assert world.due() == ["D1"]
    assert world.play().settled_at_once == ["D1"]


def test_an_instance_that_joins_while_a_play_is_under_way_is_asked_by_the_next(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    world.host("c")
    assert world.due() == []
    assert play.confirm("a", "b").settled == ["D1"]
    assert world.due() == ["D1"], "the play did not know of c"
    play = world.play()
    assert [len(play.work(host)) for host in "abc"] == [0, 0, 1]


def test_a_released_drive_is_left_alone_when_an_instance_joins(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    world.see("released", port=port(0))
    world.play().confirm("a", "b")
    world.host("c")
    assert world.due() == []


def test_a_release_of_which_nobody_could_be_told_is_told_when_the_hosts_are_known(world: World) -> None:
    world.see("released", port=port(0))
    assert (world.due(), world.state()["settled"]) == ([], 1), "the table was made anew, and nobody is known to see the drive"
    world.hosts("ab")
    assert world.due() == ["D1"], "who has it offline by his record can have it again"
    play = world.play()
    assert play.settled_at_once == []
    assert world.state()["settled"] == 0
    assert play.confirm("a", "b").settled == ["D1"]


def test_a_host_can_be_forgotten(world: World) -> None:
    world.hosts("abc").see("reserved", "a")
    world.play().confirm("a", "b", "c")
    with world.transaction() as tx:
        assert _associations.forget_host(tx, "c", world.now)
        assert not _associations.forget_host(tx, "c", world.now)
        assert sorted(_associations.hosts_with_facts(tx)) == ["a", "b"]
        assert sorted(_associations.everything(tx)) == ["a", "b"]
    assert world.due() == ["D1"]


@pytest.mark.parametrize(
    ("what", "entry", "told"),
    [
        ("drives", {"serial": "{{ x }}"}, "drives[1] was left out: drive serial number must be"),
        ("drives", {}, "drives[1] was left out: drive serial number must be"),
        ("drives", "D2", "drives[1] was left out: it must be a mapping"),
        ("drives", {"serial": "D2", "wwpns": ["zz"]}, "drive D2 was left out: its wwpns must be"),
        ("drives", {"serial": "D2", "location": "a\nb"}, "drive D2 was left out: its location must be"),
        ("drives", {"serial": "D2", "library": "../x"}, "drive D2 was left out: its library must be"),
        ("drives", {"serial": "D2", "paths": ["x"]}, "drive D2 was left out: its paths must be"),
        ("ports", {"protocol": "fc", "id": "1"}, "ports[1] was left out: port.id must be"),
        ("ports", {"protocol": None, "id": None}, "ports[1] was left out: port.protocol must be"),
    ],
)
def test_a_wrong_drive_or_port_is_left_out_with_a_sentence(store: Any, what: str, entry: Any, told: str) -> None:
    good = {"serial": "D1"} if what == "drives" else port(0)
    (sentence,) = write(store, "a", **{what: [good, entry]})
    assert sentence.startswith(f"Host a: {told}")
    with store.read() as tx:
        assert len(_associations.everything(tx)["a"][what]) == 1


@pytest.mark.parametrize(
    ("host", "instances", "told"),
    [
        ("a b", [], "host name must be"),
        ("a", ["x"], "An instance of host a must be a mapping, not 'x'"),
        ("a", "x", "instances in the facts of host a must be a list"),
        ("a", [{"instance": "../x"}], "an instance of host a must be an instance name"),
        ("a", [{"instance": "X", "scope": "all"}], "The scope of instance X on host a must be host or instance"),
        ("a", [{"instance": "X"}, {"instance": "X"}], "Host a has two instances named X"),
        ("a", [{"instance": "X", "control_points": ["a;b"]}], "a control point of instance X on host a must be"),
        ("a", [{"instance": "X", "managed": ["{{ x }}"]}], "managed of instance X on host a must be"),
        ("a", [{"instance": "X", "managed": "yes"}], "managed of instance X in the facts of host a must be a list"),
    ],
)
def test_what_a_person_wrote_wrongly_is_refused(store: Any, host: str, instances: Any, told: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        write(store, host, instances=instances)
    assert str(caught.value).startswith(told)
    with store.read() as tx:
        assert _associations.everything(tx) == {}


def test_facts_of_another_shape_are_refused(store: Any) -> None:
    for facts in (None, [], "x", {"drives": "x"}, {"ports": {"a": 1}}):
        with pytest.raises(InvalidValueError), store.write() as tx:
            _associations.write_host(tx, "a", facts, [], START)  # type: ignore[arg-type]


def test_hostile_texts_in_facts_stay_texts(store: Any) -> None:
    hostile = "{{ x }}\x00\ud800\n" + "y" * 5000
    facts = {
        "drives": [{"serial": "D1", "vendor": hostile, "model": hostile, "manufacturer_serial": hostile,
                    "devices": [hostile] * 2000, "origin": hostile}],
        "ports": [{**port(0), "device": hostile, "state": hostile, "origin": hostile}],
        "notes": [hostile] * 1000,
    }
    with store.write() as tx:
        assert _associations.write_host(tx, "a", facts, [{"application": hostile}], START) == []
        found = _associations.everything(tx)["a"]
    drive = found["drives"][0]
    assert (len(drive["devices"]), len(drive["vendor"]), drive["origin"]) == (512, 255, "found")
    assert drive["vendor"].isprintable()
    assert (len(found["notes"]), found["ports"][0]["state"]) == (100, "unknown")


SITE = [
    (
        f"host{number}",
        {
            "drives": [{"serial": f"D{drive}", "devices": [f"/dev/nst{drive}"], "wwpns": [f"5{drive:015x}"]}
                       for drive in (number % 50, (number + 7) % 50)],
            "ports": [port(number)],
        },
        [{"instance": f"I{number}", "application": "custom"}],
    )
    for number in range(500)
]


def test_many_hosts_are_written_at_once_as_one_by_one(store: Any) -> None:
    with store.write() as tx:
        assert _associations.write_hosts(tx, SITE, START) == []
        assert _associations.write_hosts(tx, [], START) == []
        before = _associations.everything(tx)
        assert len(before) == 500
        for row in SITE[:20]:
            _associations.write_host(tx, *row, START)
        assert _associations.everything(tx) == before
    found = look(store, *[f"D{number}" for number in range(50)], ports=[port(number) for number in range(500)])
    assert sum(len(found.instances_of(f"D{number}")) for number in range(50)) == 1000
    assert found.owners(port(499)) == {"I499"}


def test_what_was_lost_long_ago_is_pruned(world: World) -> None:
    world.hosts("ab", ["D1", "D2"])
    world.host("b", ["D1"], ports=[])
    with world.transaction() as tx:
        _history.prune(tx, world.now + 89 * 86_400, 1e9)
        assert len(tx.execute("SELECT * FROM seen WHERE drive = 'D2'")) == 2
        _history.prune(tx, world.now + 91 * 86_400, 1e9)
        assert len(tx.execute("SELECT * FROM seen WHERE drive = 'D2'")) == 1
        assert tx.execute("SELECT * FROM ports WHERE host = 'b'") == []
