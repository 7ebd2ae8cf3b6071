# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of how observations become changes (design 4.1); run on SQLite here and on PostgreSQL in tests/integration."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _associations, _changes
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._doubts import Against
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import (
    UNREADABLE,
    World,
    port,
)


def test_a_new_fact_is_written_with_the_next_sequence_and_is_due(world: World) -> None:
    world.hosts("ab")
    recorded = world.see("reserved", "a", library="ts4500_01")
    assert (recorded.result, recorded.sequence) == ("written", 1)
    row = world.state()
    assert (row["status"], row["holders"], row["library"]) == ("reserved", [port(0)], "ts4500_01")
    assert (row["due"], row["settled"]) == (world.now, 0)
    assert world.see("released", port=port(0)).sequence == 2
    assert world.state()["library"] == "ts4500_01", "a notification that does not name the library must not lose it"


def test_the_same_fact_again_is_no_change_whatever_the_order_of_its_holders(world: World) -> None:
    world.hosts("abc").see("reserved", "a", "b")
    assert world.see("reserved", "b", "a").result == "unchanged"
    assert world.see("reserved", "b", "a", "b").result == "unchanged"
    assert world.state()["sequence"] == 1
    assert world.see("reserved", "a").result == "written"


def test_reserved_by_another_holder_is_a_change(world: World) -> None:
    world.hosts("abc").see("reserved", "a")
    assert world.see("reserved", "b").result == "written"
    assert world.see("reserved", UNREADABLE).result == "written"
    assert world.see("reserved", UNREADABLE).result == "unchanged"
    assert world.state()["sequence"] == 3


def test_a_notification_that_comes_again_is_not_written_even_after_other_changes(world: World) -> None:
    world.hosts("ab")
    assert world.see("reserved", "a", origin="library:7:1").result == "written"
    assert world.see("released", port=port(0), origin="library:7:2").result == "written"
    again = world.see("reserved", "a", origin="library:7:1")
    assert (again.result, again.sequence) == ("repeated", 2)
    assert world.state()["status"] == "released"


@pytest.mark.parametrize("origin", ["x" * 100_000, "{{ 7 * 7 }}", "\x00\n", "\ud800", "'; DROP TABLE drives; --"])
def test_any_text_can_be_the_key_of_a_notification(world: World, origin: str) -> None:
    world.hosts("ab")
    assert world.see("reserved", "a", origin=origin).result == "written"
    assert world.see("released", origin=origin).result == "repeated"


def test_notifications_repeated_within_one_transaction_are_known_too(world: World) -> None:
    world.hosts("ab")
    group = [
        world.observation("reserved", "a", origin="1"),
        world.observation("released", port=port(0), origin="2"),
        world.observation("reserved", "a", origin="1"),
        world.observation("reserved", "a", drive="D2", origin="3"),
        world.observation("reserved", "b", origin="4"),
    ]
    with world.transaction() as tx:
        results = _changes.record(tx, group, world.now)
    assert [one.result for one in results] == ["written", "written", "repeated", "written", "written"]
    assert [one.sequence for one in results] == [1, 2, 2, 1, 3]
    row = world.state()
    assert (row["sequence"], row["holders"]) == (3, [port(1)])


def test_a_level_reading_counts_only_if_nothing_came_meanwhile(world: World) -> None:
    world.hosts("abc").see("reserved", "a")
    stale = world.see("reserved", "b", level=True, seen_sequence=0)
    assert (stale.result, stale.sequence) == ("stale_reading", 1)
    assert world.state()["holders"] == [port(0)]
    assert world.see("reserved", "b", level=True, seen_sequence=1).result == "written"
    assert world.see("reserved", "c", drive="D9", level=True, seen_sequence=0).result == "written"


def test_a_level_reading_that_cannot_tell_who_leaves_the_known_holder(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    assert world.see("reserved", UNREADABLE, level=True, seen_sequence=1, detector="scsi").result == "unchanged"
    assert world.state()["holders"] == [port(0)]
    world.see("released", port=port(0))
    assert world.see("reserved", UNREADABLE, level=True, seen_sequence=2, detector="scsi").result == "written"


def test_a_detector_that_could_tell_the_holder_and_cannot_any_more_sees_another_reservation(world: World) -> None:
    world.hosts("ab").see("reserved", "a", level=True, seen_sequence=0, detector="scsi")
    assert world.see("reserved", UNREADABLE, level=True, seen_sequence=1, detector="scsi").result == "written"
    assert world.state()["holders"] == [UNREADABLE]


def test_a_level_reading_against_another_detector_is_written_and_has_both_sides(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    found = world.see("reserved", "b", level=True, seen_sequence=1, detector="scsi")
    assert found.result == "written"
    assert found.against == Against(
        "snmp",
        "Drive D1: snmp told that it is reserved by fc 10000090fa000000 (change 1), and reading the drive (scsi) shows that it is"
        " reserved by fc 10000090fa000001.",
    )
    assert world.see("released", level=True, seen_sequence=2, detector="scsi").against is None
    assert world.see("reserved", "a").against is None


def test_to_know_the_holder_where_another_detector_did_not_is_against_nobody(world: World) -> None:
    world.hosts("ab").see("reserved", UNREADABLE)
    found = world.see("reserved", "a", level=True, seen_sequence=1, detector="scsi")
    assert (found.result, found.against) == ("written", None)


def test_a_release_can_be_held_and_what_is_newer_takes_its_place(world: World) -> None:
    world.hosts("ab")

    def see(status: str, *holders: str, seen: int) -> None:
        with world.transaction() as tx:
            one = world.observation(status, *holders, level=True, seen_sequence=seen, detector="scsi")
            assert _changes.record(tx, [one], world.now, 5.0)[0].result == "written"

    def settle() -> None:
        with world.transaction() as tx:
            tx.execute("UPDATE drives SET due = NULL")

    see("released", seen=0)
    assert world.due() == ["D1"]
    settle()
    see("reserved", "a", seen=1)
    assert world.due() == ["D1"]
    settle()
    see("released", seen=2)
    assert world.due() == []
    world.now += 4
    see("reserved", "a", seen=3)
    assert world.due() == ["D1"]
    settle()
    see("released", seen=4)
    world.now += 4.9
    assert world.due() == []
    world.now += 0.2
    assert world.due() == ["D1"]


def test_a_release_by_somebody_else_changes_nothing_and_is_told(world: World) -> None:
    world.hosts("abc").see("reserved", "a")
    for other in (port(1), port(77)):
        assert world.see("released", port=other).result == "contradiction"
    row = world.state()
    assert (row["status"], row["sequence"]) == ("reserved", 1)
    assert world.messages("contradiction")[0].startswith(
        "Drive D1 was released by fc 10000090fa000001, but fc 10000090fa000000 holds it"
    )
    assert world.see("released", port=port(1), level=True, seen_sequence=1).result == "written"


def test_a_release_by_the_holder_or_its_instance_or_by_nobody_named_counts(world: World) -> None:
    world.host("a", instance="POOL")
    world.host("b", instance="POOL")
    world.host("c")
    for who in (port(0), port(1), None):
        world.see("reserved", "a")
        assert world.see("released", port=who).result == "written"
    world.see("reserved", UNREADABLE)
    assert world.see("released", port=port(2)).result == "written", "an unreadable holder may be anybody"


def test_a_port_of_two_instances_releases_for_both(world: World) -> None:
    world.host("a", ports=[port(0), port(50)])
    world.host("b", ports=[port(1), port(50)])
    world.see("reserved", "a")
    assert world.see("released", port=port(50)).result == "written"


def test_a_drive_of_fewer_than_two_managed_instances_is_settled_at_once(world: World) -> None:
    world.host("a")
    world.host("b", managed=False)
    world.see("reserved", "a")
    row = world.state()
    assert (row["settled"], row["due"]) == (1, None)
    assert row["settled_why"] == "seen by fewer than two managed instances (A)"
    world.host("c", managed=["D1"])
    world.see("reserved", "b")
    assert world.state()["due"] == world.now
    world.see("reserved", "a", drive="NOBODY")
    assert world.state("NOBODY")["settled_why"] == "seen by fewer than two managed instances (none)"


def test_a_drive_that_we_took_is_given_back_even_if_only_one_instance_is_left(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    play.confirm(play.answer("a", outcome="own", taken=False), "b")
    assert world.state()["settled"] == 1
    with world.transaction() as tx:
        _associations.forget_host(tx, "a", world.now)
    world.see("released", port=port(0))
    assert world.state()["due"] == world.now
    assert world.due() == ["D1"]


def test_a_change_resets_the_pause_of_earlier_failures(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    for _turn in range(3):
        play = world.play()
        world.now = play.finish()[0]["due"]
    assert world.state()["failures"] == 3
    world.see("released", port=port(0))
    assert (world.state()["failures"], world.due()) == (0, ["D1"])


def test_each_change_has_its_entry_in_the_history(world: World) -> None:
    world.hosts("ab")
    world.see("reserved", "a", "b")
    world.see("released", port=port(0))
    assert world.messages("change") == [
        "Drive D1: reserved by fc 10000090fa000000, fc 10000090fa000001 (snmp).",
        "Drive D1: released by fc 10000090fa000000 (snmp).",
    ]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("holders", "{{ lookup('pipe', 'id') }}"),
        ("holders", '[{"protocol": "fc", "id": "{{ 7 * 7 }}"}]'),
        ("holders", "[" * 100_000),
        ("holders", "{}"),
        ("status", "$(reboot)"),
        ("library", "../../etc"),
        ("port", "not json"),
        ("observed_at", "yesterday"),
        ("detector", "x" * 5000),
        ("error_state", "confused"),
    ],
)
def test_a_row_damaged_by_hand_is_named_and_healed_by_the_next_change(world: World, column: str, value: str) -> None:
    world.hosts("ab").see("reserved", "a")
    world.see("reserved", "a", drive="D2")
    with world.transaction() as tx:
        tx.execute(f"UPDATE drives SET {column} = ? WHERE drive = 'D1'", (value,))
        with pytest.raises(InvalidValueError, match=r"^The drive table's row of drive 'D1' is damaged \("):
            _changes.state(tx, "D1")
        good, bad = sorted(_changes.states(tx), key=lambda row: row["drive"] is None)
        assert good["drive"] == "D2"
        assert len(bad["invalid"]) < 400
    if column == "error_state":
        return
    assert world.see("reserved", "a").result == "written"
    row = world.state() if column != "library" else None
    assert row is None or row["sequence"] == 2


def test_a_record_ahead_of_the_table_moves_the_table_past_it(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    with world.transaction() as tx:
        assert _changes.raise_sequence(tx, "D1", 41, world.now) == 42
        assert _changes.raise_sequence(tx, "D1", 7, world.now) == 42
        assert _changes.raise_sequence(tx, "NOBODY", 7, world.now) == 0
        with pytest.raises(InvalidValueError, match="must be a whole number up to"):
            _changes.raise_sequence(tx, "D1", 10**18, world.now)
    assert world.messages("raised") == [
        "Drive D1: a record was at change 41, the drive table only at 1; the table went past it. Either the table was made anew"
        " or an old one put back, or another controller with a table of its own works on the same hosts."
    ]
    assert play.verdict()["overtaken"]
    play.finish()
    assert world.due() == ["D1"], "it is done again at once, under its new number"
    assert world.play().drives["D1"]["sequence"] == 42


def test_redo_asks_everybody_again_even_while_the_drive_is_in_flight(world: World) -> None:
    world.hosts("ab").see("reserved", "a")
    play = world.play()
    with world.transaction() as tx:
        assert _changes.redo(tx, "D1", "maintenance", world.now)
        assert not _changes.redo(tx, "NOBODY", "maintenance", world.now)
    play.confirm("a", "b")
    assert world.due() == ["D1"]
    play = world.play()
    assert len(play.work("b")) == 1, "what was on its way when the wish came is no answer to it"
    assert play.confirm("a", "b").settled == ["D1"]
    assert world.due() == []


def test_a_drive_is_found_by_what_the_associations_know_of_it(world: World) -> None:
    with world.transaction() as tx:
        _associations.write_host(
            tx, "a",
            {
                "drives": [
                    {"serial": "D1", "wwnn": "0x5005076300000001", "wwpns": ["50:05:07:63:00:00:00:02"],
                     "location": "F1 R2", "library": "lib1",
                     "paths": [{"device": "/dev/nst0", "port": port(0), "target_port": "5005076300000003"}]},
                    {"serial": "D2", "location": "F1 R2", "library": "lib2"},
                ],
            },
            [], world.now,
        )

        def find(**key: Any) -> str:
            return _changes.resolve_drive(tx, key)

        assert find(serial=" NEW1 ") == "NEW1"
        assert find(wwnn="50:05:07:63:00:00:00:01") == "D1"
        assert find(wwpn="5005076300000002") == "D1"
        assert find(wwpn="5005076300000003", library="lib1") == "D1"
        assert find(location="F1 R2", library="lib2") == "D2"
        with pytest.raises(InvalidValueError, match=r"^The drives D1, D2 all have location F1 R2 in the associations"):
            find(location="F1 R2")
        with pytest.raises(InvalidValueError, match=r"^No drive with wwpn 5005076300000009 in library lib1 is in the"):
            find(wwpn="5005076300000009", library="lib1")
        with pytest.raises(InvalidValueError, match="exactly one of serial, wwpn, wwnn, location, not by none"):
            find(library="lib1")
        with pytest.raises(InvalidValueError, match="drive location must be a location of"):
            find(location="{{ x }}")


def test_a_drive_that_took_the_place_of_another_is_meant_by_that_place(world: World) -> None:
    def facts(serial: str) -> dict[str, Any]:
        return {"drives": [{"serial": serial, "location": "F1 R2", "library": "lib1"}]}

    with world.transaction() as tx:
        _associations.write_host(tx, "a", facts("OLD1"), [], world.now)
        _associations.write_host(tx, "a", facts("NEW1"), [], world.now + 1)
        assert _changes.resolve_drive(tx, {"location": "F1 R2", "library": "lib1"}) == "NEW1"


def test_a_change_of_an_unknown_drive_waits_until_host_facts_has_found_it(world: World) -> None:
    key = {"wwpn": "5005076300000002", "library": "lib1"}
    fields = {"status": "reserved", "holders": [port(0)], "port": None, "observed_at": "2026-11-22T06:00:00Z",
              "library": "lib1", "detector": "snmp", "origin": "7:1"}
    with world.transaction() as tx:
        assert _changes.record_unresolved(tx, key, {**fields, "origin": "7:0", "holders": [port(1)]}, world.now) == "unresolved"
        assert _changes.record_unresolved(tx, key, fields, world.now) == "unresolved"
        assert _changes.record_unresolved(tx, key, fields, world.now) == "repeated"
        with pytest.raises(InvalidValueError, match=r"observation\.holders"):
            _changes.record_unresolved(tx, key, {**fields, "holders": ["{{ x }}"]}, world.now)
        assert _changes.states(tx) == []
    for name in "ab":
        with world.transaction() as tx:
            facts = {"drives": [{"serial": "D1", "wwpns": ["5005076300000002"]}], "ports": [port(ord(name) - ord("a"))]}
            _associations.write_host(tx, name, facts, [{"instance": name.upper(), "application": "custom"}], world.now)
    row = world.state()
    assert (row["status"], row["holders"], row["sequence"]) == ("reserved", [port(0)], 1)
    assert world.due() == ["D1"], "the second host makes it concern two instances"
    assert world.see("released", origin="7:1").result == "repeated"
    with world.transaction() as tx:
        assert tx.execute("SELECT * FROM unresolved") == []


def test_what_waited_for_host_facts_does_not_overtake_what_was_told_since(world: World) -> None:
    world.hosts("ab")
    fields = {"status": "reserved", "holders": [port(0)], "observed_at": "2026-11-22T06:00:00Z", "detector": "snmp"}
    with world.transaction() as tx:
        _changes.record_unresolved(tx, {"wwpn": "5005076300000002"}, fields, world.now)
    world.now += 1
    world.see("reserved", "b")
    with world.transaction() as tx:
        facts = {"drives": [{"serial": "D1", "wwpns": ["5005076300000002"]}], "ports": [port(0)]}
        _associations.write_host(tx, "a", facts, [{"instance": "A", "application": "custom"}], world.now)
    assert world.state()["holders"] == [port(1)]


def test_an_empty_group_is_no_work(world: World) -> None:
    with world.transaction() as tx:
        assert _changes.record(tx, [], world.now) == []
