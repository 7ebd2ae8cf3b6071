# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The play's steps over a real drive table: claim and plan, answers, handshake, error state; at last with real applications."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _answer,
    _associations,
    _dispatch,
    _error_state,
    _play,
    _process,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import Answer, Ask
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import Policy
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.control_point import ControlPoint
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import (
    START,
    UNREADABLE,
    World,
    port,
)

LIVING = _process.identity(os.getpid())


class Site:
    """The world, and what its playbook does."""

    def __init__(self, world: World, policy: Policy | None = None) -> None:
        self.world = world
        self.policy = policy or Policy()
        self.inventory = {"a", "b", "c", "localhost"}
        self.batch = ""

    def claim(self, batch: str | None = None, **over: Any) -> _play.Claimed:
        self.batch = batch or self.world.emit()
        keys = {
            "claimer": LIVING, "inventory": self.inventory, "sharing": [], "forks": 50,
            "policy_of": lambda _host: self.policy, "now": self.world.now, **over,
        }
        return _play.claim(self.world.store, self.batch, **keys)

    def asks(self, host: str) -> list[Ask]:
        return [row["ask"] for row in _play.asks_of(self.world.store, self.batch, host)]

    def answer(self, host: str, outcome: str = "", *, batch: str | None = None, **over: Any) -> None:
        """Let a host answer all that it is asked; without an outcome as it should."""
        for ask in self.asks(host):
            offline = ask.relation in ("foreign", "unknown", "ambiguous")
            said = outcome or ("own" if ask.relation == "own" else "offline" if offline else "online")
            answer = Answer(ask, **{
                "confirmed": said not in ("silent", "busy", "floor", "behind"), "outcome": said, "taken": said == "offline",
                "state_read": "offline" if said == "offline" else "online", **over,
            })
            self.confirm(host, answer, batch=batch)

    def confirm(self, host: str, *answers: Answer, batch: str | None = None) -> None:
        behind = {one.ask.drive: one.record_sequence for one in answers if one.outcome == "behind"}
        _play.confirm(
            self.world.store, batch or self.batch, [_answer.as_row(one, host, self.world.now) for one in answers], behind, self.world.now
        )

    def handshake(self) -> _play.Handshake:
        return _play.handshake(self.world.store, self.batch, self.policy, self.world.now)

    def force(self, errand: dict[str, Any], *, ok: bool = True, limit: int | None = None) -> tuple[bool, str]:
        """Put a drive into its error state as the playbook does; gives whether it was allowed and why not, or the verdict."""
        key = (self.batch, errand["drive"], errand["sequence"], errand["attempt"])
        with self.world.store.write() as tx:
            allowed, why = _error_state.begin_error(
                tx, *key, errand["hosts"], self.policy.error_limit if limit is None else limit, self.world.now
            )
        if not allowed:
            return False, why
        with self.world.store.write() as tx:
            return True, _error_state.finish_error(tx, *key, ok, errand["reason"], self.world.now)

    def end(self) -> None:
        _play.end(self.world.store, self.batch, self.world.now)

    def due(self, after: float = 0) -> list[str]:
        self.world.now += after
        return self.world.due()

    def is_settled(self, drive: str = "D1") -> bool:
        row = self.world.state(drive)
        return bool(row["settled"] == row["sequence"])


@pytest.fixture
def site(world: World) -> Site:
    world.hosts("abc")
    return Site(world)


# Claim and plan.


def test_the_plan_of_a_claim_names_the_hosts_to_ask(site: Site) -> None:
    site.world.see("reserved", "a")
    claimed = site.claim()
    assert (claimed.claimed, claimed.hosts, claimed.not_asked, claimed.warnings) == (True, ["a", "b", "c"], {}, [])
    assert [row["drive"] for row in claimed.drives] == ["D1"]


def test_each_host_is_asked_with_all_that_it_needs(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    (own,), (foreign,) = site.asks("a"), site.asks("b")
    assert own.relation == "own"
    assert foreign == Ask(
        drive="D1", instance="B", sequence=1, relation="foreign", status="reserved", holders=(port(0),), attempt=1,
        table_sequence=1, taken=False, error_state=False, devices=("/dev/D1",), connected=True,
    )
    assert site.asks("nobody") == []


def test_a_host_is_asked_by_its_own_device_files(world: World) -> None:
    for host, (first, second) in {"a": ("/dev/nst0", "/dev/nst1"), "b": ("/dev/nst1", "/dev/nst0")}.items():
        facts = {
            "drives": [{"serial": "D1", "devices": [first]}, {"serial": "D2", "devices": [second]}],
            "ports": [port(ord(host) - ord("a"))],
        }
        with world.transaction() as tx:
            _associations.write_host(
                tx, host, facts, [{"instance": "ONE", "application": "custom", "scope": "host", "control_points": [host]}], world.now
            )
    world.host("c", ("D1", "D2"))
    site = Site(world)
    world.see("reserved", "c")
    site.claim()
    found = [(host, site.asks(host)[0].devices, site.asks(host)[0].elsewhere) for host in "ab"]
    assert found == [("a", ("/dev/nst0",), {"b": ("/dev/nst1",)}), ("b", ("/dev/nst1",), {"a": ("/dev/nst0",)})]


def test_the_copy_of_taken_and_the_error_state_go_with_the_ask(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    site.answer("a")
    site.answer("b")
    (errand,) = site.handshake().force
    assert site.force(errand) == (True, "error")
    site.end()
    site.world.see("released")
    site.claim()
    asks = {host: site.asks(host)[0] for host in "abc"}
    assert {host: ask.taken for host, ask in asks.items()} == {"a": False, "b": True, "c": False}
    assert all(ask.error_state and ask.relation == "none" for ask in asks.values())


@pytest.mark.parametrize(("days", "connected"), [(0, True), (29, True), (31, False)])
def test_a_host_that_no_longer_sees_the_drive_is_still_asked_for_thirty_days(
    site: Site, monkeypatch: pytest.MonkeyPatch, days: int, connected: bool
) -> None:
    site.world.host("c", ())
    site.world.see("reserved", "a")
    site.claim()
    monkeypatch.setattr(site.world.store, "clock", lambda: START + days * 86_400.0)
    assert {host: site.asks(host)[0].connected for host in "abc"} == {"a": True, "b": True, "c": connected}


@pytest.mark.parametrize("days", [0, 7, 90])
def test_how_long_it_is_asked_can_be_set(site: Site, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    site.world.host("c", ())
    site.world.see("reserved", "a")
    site.claim()

    def connected(after: float) -> bool:
        monkeypatch.setattr(site.world.store, "clock", lambda: START + after * 86_400.0)
        (row,) = _play.asks_of(site.world.store, site.batch, "c", days)
        return row["ask"].connected

    assert [connected(days * 0.9), connected(days * 1.1)] == [days > 0, False]


def test_a_drive_that_nobody_can_be_asked_about_is_owed_and_said_so(site: Site) -> None:
    site.inventory = {"localhost"}
    site.world.see("reserved", "a")
    assert site.claim().hosts == []
    assert site.handshake().messages == [
        "Drive D1 (change 1, reserved): none of its control points is in the inventory, so nobody was asked; it is owed."
    ]
    row = site.world.state()
    assert (row["settled"], row["batch"], row["due"] > site.world.now) == (0, None, True)


@pytest.mark.parametrize("batch", ["01ARZ3NDEKTSV4RRFFQ69G5FAV"])
def test_a_batch_that_is_not_there_is_not_claimed_and_nothing_is_done(site: Site, batch: str) -> None:
    claimed = site.claim(batch)
    assert (claimed.claimed, claimed.hosts) == (False, [])
    assert claimed.message == f"Batch {batch} is not there to be claimed: it is done, or another play has it; nothing was done."


def test_a_batch_is_claimed_once(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    assert site.claim(site.batch).claimed is False


def test_a_batch_that_is_done_is_not_claimed_again(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    for host in "abc":
        site.answer(host)
    site.handshake()
    assert site.claim(site.batch).claimed is False


def test_what_was_confirmed_for_this_change_is_not_asked_again(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    site.answer("a")
    site.answer("b")
    site.handshake()
    site.end()
    assert site.due(5.1) == ["D1"]
    assert site.claim().hosts == ["c"]


def test_a_host_that_the_inventory_lacks_is_warned_of_and_remembered(site: Site) -> None:
    site.inventory.discard("c")
    site.world.see("reserved", "a")
    claimed = site.claim()
    assert claimed.hosts == ["a", "b"]
    assert [line.split(" of the")[0] for line in claimed.warnings] == ["Host c"]
    assert site.world.messages("alert") == claimed.warnings


def test_hosts_of_which_nothing_is_known_are_named_a_few_of_them(site: Site) -> None:
    site.world.see("reserved", "a")
    (warning,) = site.claim(sharing=["a", *(f"h{number}" for number in range(7))]).warnings
    assert warning == (
        "Facts missing: nothing is known of the drives and ports of h0, h1, h2, h3, h4 and 2 more, so no drive is looked"
        " after there; run the playbook host_facts."
    )


@pytest.mark.parametrize(("forks", "warned"), [(2, True), (3, False)])
def test_too_few_forks_are_warned_of(site: Site, forks: int, warned: bool) -> None:
    site.world.see("reserved", "a")
    warnings = site.claim(forks=forks).warnings
    assert bool(warnings) is warned
    if warned:
        assert warnings == [
            "forks is 2, but 3 control points are asked at once: the last ones wait for the first. Set forks to at least that"
            " number (ANSIBLE_FORKS)."
        ]


def test_the_act_has_the_time_of_the_slowest_host_and_the_lease_lasts_longer(site: Site) -> None:
    slow = Policy(handshake_timeout=100, handshake_retries=2)
    site.world.see("reserved", "a")
    claimed = site.claim(policy_of=lambda host: slow if host == "b" else Policy(), forks=1)
    assert claimed.act_timeout == slow.act_seconds(1)
    assert site.world.state()["lease_until"] == START + 3 * slow.act_seconds(1) + _play.LIBRARY_SECONDS


# The handshake.


def test_a_drive_is_settled_as_soon_as_all_have_confirmed(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    for host in "ab":
        site.answer(host)
        assert not site.is_settled()
    site.answer("c")
    assert site.is_settled()
    done = site.handshake()
    assert (done.settled, done.force, done.undo, done.messages, done.alerts) == (["D1"], [], [], [], [])
    assert site.due(10_000) == []


def test_a_drive_does_not_wait_for_another_ones_hosts(world: World) -> None:
    world.host("a", ("D1", "D2"))
    world.host("b", ("D1",))
    world.host("c", ("D2",))
    site = Site(world)
    world.see("reserved", "a", drive="D1")
    world.see("reserved", "a", drive="D2")
    site.claim()
    site.answer("a")
    site.answer("b")
    assert (site.is_settled("D1"), site.is_settled("D2")) == (True, False)
    # And D1 takes its next change although the play still runs.
    world.see("released", drive="D1")
    assert site.due() == ["D1"]


def test_a_silent_host_of_another_instance_has_the_drive_forced_into_its_error_state(site: Site) -> None:
    site.world.see("reserved", "a", library="ts4500_01")
    site.claim()
    site.answer("a")
    site.answer("b")
    site.answer("c", "silent", reason="the query did not end in time and was stopped")
    done = site.handshake()
    assert done.force == [{
        "drive": "D1", "sequence": 1, "attempt": 1, "hosts": ["c"], "library": "ts4500_01",
        "reason": "Drive D1 (change 1, reserved) was not confirmed by c: the query did not end in time and was stopped.",
    }]
    assert site.force(done.force[0]) == (True, "error")
    site.end()
    assert site.world.state()["error_state"] == "error"
    assert site.is_settled()
    # What is missing is owed and asked for again.
    assert site.due(5.1) == ["D1"]
    assert site.claim().hosts == ["c"]


def test_a_host_that_said_nothing_at_all_is_silent_too(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    site.answer("a")
    site.answer("b")
    assert site.handshake().force[0]["reason"] == (
        "Drive D1 (change 1, reserved) was not confirmed by c: no answer within 10 s."
    )


def test_several_silent_hosts_are_one_errand_and_one_sentence(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    site.answer("a")
    site.answer("b", "silent", reason="unreachable: no route")
    (errand,) = site.handshake().force
    assert errand["hosts"] == ["b", "c"]
    assert errand["reason"] == (
        "Drive D1 (change 1, reserved) was not confirmed by b: unreachable: no route; c: no answer within 10 s."
    )


def test_the_holders_own_silence_never_forces_anything(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    site.answer("b")
    site.answer("c")
    done = site.handshake()
    assert done.force == []
    assert done.messages == [
        "Drive D1 (change 1, reserved) was not confirmed by a: no answer within 10 s; it is owed and asked again."
    ]
    assert not site.is_settled()
    assert site.due(5.1) == ["D1"]


def test_a_control_point_of_another_site_never_has_the_drive_forced(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    site.answer("a")
    site.answer("b")
    site.answer("c", "refused", confirmed=False, taken=False, state_read=None, reason="the record of drive D1 belongs to site south")
    done = site.handshake()
    assert done.force == []
    assert done.messages == [
        "Drive D1 (change 1, reserved) was not confirmed by c: the record of drive D1 belongs to site south; it is owed and asked again."
    ]
    assert not site.is_settled()
    assert site.due(5.1) == ["D1"]


def test_the_holders_own_host_is_not_held_against_it_where_another_ones_forces(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    site.answer("b")
    assert site.handshake().force[0]["hosts"] == ["c"]


@pytest.mark.parametrize(
    ("error_on", "status", "forced"),
    [
        (("reserved",), "reserved", True), (("reserved",), "released", False), (("reserved", "released"), "released", True),
        ((), "reserved", False), (("released",), "reserved", False),
    ],
)
def test_the_policy_says_on_which_status_an_error_is_forced(
    site: Site, error_on: tuple[str, ...], status: str, forced: bool
) -> None:
    site.policy = Policy(error_on=error_on)
    site.world.see("reserved", "a")
    if status == "released":
        site.claim()
        for host in "abc":
            site.answer(host)
        site.handshake()
        site.world.see("released")
    site.claim()
    site.answer("a")
    site.answer("b")
    done = site.handshake()
    assert bool(done.force) is forced
    assert bool(done.messages) is not forced


def test_observing_never_forces_anything(site: Site) -> None:
    site.policy = Policy(mode="observe")
    site.world.see("reserved", "a")
    site.claim()
    done = site.handshake()
    assert done.force == []
    assert done.messages[0].endswith("it is owed and asked again.")


@pytest.mark.parametrize("outcome", ["busy", "floor"])
def test_busy_is_an_answer_and_no_silence(site: Site, outcome: str) -> None:
    site.world.see("reserved", "a")
    site.claim()
    site.answer("a")
    site.answer("b")
    site.answer("c", outcome)
    done = site.handshake()
    assert (done.force, done.messages) == ([], [])
    (alert,) = done.alerts
    assert alert.startswith(f"Drive D1 (change 1, reserved): c answered {outcome}: ")
    assert alert.endswith("; it is asked again.")
    assert site.world.messages("alert") == [alert]
    assert not site.is_settled()
    assert site.due(5.1) == ["D1"]
    assert site.claim().hosts == ["c"]
    # It was told, and is told no more until there is another change.
    site.answer("c", outcome)
    assert site.handshake().alerts == []
    assert site.world.messages("alert") == [alert]


def test_many_busy_drives_are_told_by_a_few(world: World) -> None:
    drives = [f"D{number}" for number in range(9)]
    world.hosts("abc", drives)
    for drive in drives:
        world.see("reserved", "a", drive=drive)
    site = Site(world)
    site.claim()
    site.answer("a")
    site.answer("b")
    site.answer("c", "busy")
    alerts = site.handshake().alerts
    assert len(alerts) == 6
    assert alerts[-1] == "And 4 more drives with the answer busy; the history of the drive table has them."
    assert len(world.messages("alert")) == 9


def test_busy_the_last_time_does_not_excuse_silence_this_time(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    site.answer("a")
    site.answer("b")
    site.answer("c", "busy")
    site.handshake()
    site.due(5.1)
    site.claim()
    assert site.handshake().force[0]["hosts"] == ["c"]


def test_a_record_that_is_ahead_raises_the_table_and_the_change_comes_again_at_once(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    site.answer("a")
    site.answer("b")
    site.answer("c", "behind", record_sequence=40)
    done = site.handshake()
    assert done.force == []
    assert site.world.state()["sequence"] == 41
    assert site.due() == ["D1"]
    claimed = site.claim()
    assert (claimed.hosts, claimed.drives[0]["sequence"], claimed.drives[0]["status"]) == (["a", "b", "c"], 41, "reserved")


def test_a_change_that_was_overtaken_is_not_judged_and_the_newer_one_comes_at_once(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    site.answer("a")
    site.world.see("released")
    done = site.handshake()
    assert (done.force, done.messages) == ([], ["Drive D1: a newer change has come meanwhile and is dispatched next."])
    assert site.due() == ["D1"]
    assert site.claim().drives[0]["status"] == "released"


def test_an_answer_to_a_claim_that_was_lost_settles_nothing(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    lost = site.batch
    (stale,) = site.asks("c")
    with site.world.store.write() as tx:
        _dispatch.expire(tx, site.world.now, lambda _claimer: False)
    site.world.see("released")
    site.claim()
    site.confirm("c", Answer(stale, True, "offline", True, state_read="offline"), batch=lost)
    site.answer("a")
    site.answer("b")
    assert not site.is_settled()
    # But it is not forgotten that the drive is taken there.
    assert site.asks("c")[0].taken is True


def test_the_limit_of_errors_per_silent_host_and_hour_is_kept_and_said(world: World) -> None:
    drives = ["D1", "D2", "D3"]
    world.hosts("abc", drives)
    site = Site(world)
    for drive in drives:
        world.see("reserved", "a", drive=drive)
    site.claim()
    site.answer("a")
    site.answer("b")
    done = site.handshake()
    assert [site.force(errand) for errand in done.force] == [(True, "error"), (True, "error")]
    assert done.messages == [
        "Drive D3 (change 1, reserved) was not confirmed by c: no answer within 10 s; it is owed and asked again, but not put"
        " into its error state: the limit of 2 drives an hour for one silent control point is reached"
        " (drive_sharing_error_limit); see what c suffers from."
    ]
    site.end()
    assert [world.state(drive)["error_state"] for drive in drives] == ["error", "error", ""]
    assert world.due() == []
    assert site.due(5.1) == drives


def silent_for_many(world: World, count: int, **policy: Any) -> Site:
    """A site whose host c never answers about any of its drives."""
    drives = [f"D{number}" for number in range(count)]
    world.hosts("abc", drives)
    for drive in drives:
        world.see("reserved", "a", drive=drive)
    site = Site(world, Policy(**policy))
    site.claim()
    site.answer("a")
    site.answer("b")
    return site


def test_many_drives_are_told_in_one_sentence(world: World) -> None:
    site = silent_for_many(world, 9)
    done = site.handshake()
    assert [errand["drive"] for errand in done.force] == ["D0", "D1"]
    assert done.messages == [
        "7 drives (D2, D3, D4 and 4 more) were not confirmed by c: no answer within 10 s; they are owed and asked again. 7 of"
        " them are not put into their error state: the limit of 2 drives an hour for one silent control point is reached"
        " (drive_sharing_error_limit)."
    ]
    # The history has a sentence for each.
    assert len(site.world.messages("silent")) == 9


@pytest.mark.parametrize("outcome", ["", "silent", "busy"])
def test_what_is_asked_again_in_vain_does_not_fill_the_history(world: World, outcome: str) -> None:
    site = silent_for_many(world, 9, error_on=())
    if outcome:
        site.answer("c", outcome, reason="so it is")
    first = site.handshake().messages
    before = len(world.kinds())
    for _turn in range(3):
        assert len(site.due(400)) == 9
        site.claim()
        if outcome:
            site.answer("c", outcome, reason="so it is")
        assert site.handshake().messages == first
    assert len(world.kinds()) == before


def test_the_claim_lasts_for_as_many_calls_of_the_library_as_there_are(world: World) -> None:
    site = silent_for_many(world, 30, error_limit=0)
    done = site.handshake()
    site.world.now += 600
    assert site.force(done.force[-1]) == (True, "error")


def test_without_a_limit_every_drive_is_forced(world: World) -> None:
    drives = [f"D{number}" for number in range(5)]
    world.hosts("abc", drives)
    site = Site(world, Policy(error_limit=0))
    for drive in drives:
        world.see("reserved", "a", drive=drive)
    site.claim()
    assert {site.force(errand) for errand in site.handshake().force} == {(True, "error")}


def test_an_error_is_not_forced_if_a_newer_change_came_between_verdict_and_call(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    (errand,) = site.handshake().force
    site.world.see("released")
    allowed, why = site.force(errand)
    assert allowed is False
    assert "change 2 has come meanwhile" in why


def test_an_error_that_the_library_refused_leaves_the_drive_owed(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    (errand,) = site.handshake().force
    assert site.force(errand, ok=False) == (True, "failed")
    site.end()
    assert site.world.state()["error_state"] == ""
    assert not site.is_settled()
    assert site.due(5.1) == ["D1"]


def test_a_play_that_died_while_it_forced_an_error_is_followed_by_one_that_forces_it_again(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    (errand,) = site.handshake().force
    with site.world.store.write() as tx:
        assert _error_state.begin_error(tx, site.batch, "D1", 1, 1, errand["hosts"], 2, site.world.now) == (True, "")
        _dispatch.expire(tx, site.world.now, lambda _claimer: False)
    site.claim()
    (again,) = site.handshake().force
    assert site.force(again) == (True, "error")
    site.end()
    assert site.world.state()["error_state"] == "error"


def test_a_play_that_died_while_it_forced_an_error_is_undone_if_all_confirm_the_next_time(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    (errand,) = site.handshake().force
    with site.world.store.write() as tx:
        _error_state.begin_error(tx, site.batch, "D1", 1, 1, errand["hosts"], 2, site.world.now)
        _dispatch.expire(tx, site.world.now, lambda _claimer: False)
    site.claim()
    for host in "abc":
        site.answer(host)
    done = site.handshake()
    assert done.force == []
    assert [one["drive"] for one in done.undo] == ["D1"]
    with site.world.store.write() as tx:
        _error_state.error_undone(tx, "D1", site.world.now)
    site.end()
    assert (site.world.state()["error_state"], site.is_settled()) == ("", True)


def test_a_drive_in_its_error_state_stays_there_and_what_is_missing_is_owed(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    site.answer("a")
    site.answer("b")
    site.force(site.handshake().force[0])
    site.end()
    site.due(5.1)
    site.claim()
    done = site.handshake()
    assert done.force == []
    assert done.messages == [
        "Drive D1 (change 1, reserved) was not confirmed by c: no answer within 10 s; the drive is in its error state and stays"
        " so; what is missing is owed."
    ]
    site.due(15)
    site.claim()
    site.answer("c")
    assert site.handshake().messages == []
    assert site.world.state()["error_state"] == "error"
    assert site.due(10_000) == []


def test_after_an_error_was_cleared_everybody_is_asked_again(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    site.answer("a")
    site.answer("b")
    site.force(site.handshake().force[0])
    site.end()
    with site.world.store.write() as tx:
        assert _error_state.begin_clear(tx, "D1", site.world.now) == (True, "")
        _error_state.cleared(tx, "D1", site.world.now)
    assert site.claim().hosts == ["a", "b", "c"]


def test_pauses_between_attempts_grow(site: Site) -> None:
    site.world.see("reserved", "a")
    pauses = []
    for _attempt in range(4):
        site.claim()
        site.answer("b")
        site.answer("c")
        site.handshake()
        pauses.append(next(seconds for seconds in range(1, 1000) if site.due(1)))
    assert all(least <= pause <= 1.5 * least for least, pause in zip((5, 10, 20, 40), pauses, strict=True)), pauses


# What a person has to know although it is settled.


def test_an_administrators_offline_is_reported(site: Site) -> None:
    site.world.see("reserved", "a")
    site.claim()
    site.answer("a")
    site.answer("b")
    site.answer("c", "kept", state_read="offline")
    done = site.handshake()
    assert done.settled == ["D1"]
    assert done.alerts == [
        "Drive D1 is offline in C on c, and not by drive_sharing: it is left as it is, also when the drive is released, until a"
        " person sets it online."
    ]


def test_a_kept_online_is_not_reported(site: Site) -> None:
    site.world.see("reserved", "a")
    site.world.see("released")
    site.claim()
    for host in "abc":
        site.answer(host, "kept")
    assert site.handshake().alerts == []


def test_a_drive_in_use_in_two_instances_while_nobody_knows_who_holds_it_is_an_alert(site: Site) -> None:
    site.world.see("reserved", UNREADABLE)
    site.claim()
    site.answer("a", "presumed_own")
    site.answer("b", "presumed_own")
    site.answer("c")
    done = site.handshake()
    assert (done.settled, done.force) == (["D1"], [])
    assert done.alerts == [
        "Drive D1 is reserved by a port that cannot be read, and A and B all show it in use; nothing was set. Find out which of"
        " them really uses it."
    ]


# A control point that stands for others.


def test_of_two_control_points_the_second_is_asked_after_the_first_was_silent(world: World) -> None:
    world.host("a")
    world.host("b", instance="B", scope="instance", control_points=["m1", "m2"])
    site = Site(world)
    site.inventory |= {"m1", "m2"}
    world.see("reserved", "a")
    assert site.claim().hosts == ["a", "m1"]
    site.answer("a")
    site.end()
    site.due(5.1)
    assert site.claim().hosts == ["m2"]
    site.answer("m2")
    assert site.is_settled()


# With real applications.


class Hosts:
    """Three hosts with their applications; a play asks them one after the other."""

    def __init__(self, site: Site, root: Path) -> None:
        self.site = site
        self.points = {host: ControlPoint(root / host, D1="online") for host in "abc"}
        self.answers: dict[str, Answer] = {}
        for point in self.points.values():
            point.site = "test"

    def play(self) -> _play.Handshake:
        site = self.site
        site.claim()
        self.answers = {}
        for host, point in self.points.items():
            asks = site.asks(host)
            if not asks:
                continue
            # The record's directory has the instance's name.
            answers = point.run(*asks, policy=Policy(handshake_timeout=1))
            self.answers[host] = answers["D1"]
            site.confirm(host, *answers.values())
        done = site.handshake()
        for errand in done.force:
            site.force(errand)
        if done.force or done.undo:
            site.end()
        return done

    def shown(self) -> str:
        return " ".join(self.points[host].state("D1") for host in "abc")

    def outcomes(self) -> Sequence[str]:
        return [f"{host} {answer.outcome}" for host, answer in self.answers.items()]


def test_the_story_of_three_hosts_and_one_drive(site: Site, tmp_path: Path) -> None:
    hosts = Hosts(site, tmp_path)
    world, c = site.world, hosts.points["c"]

    world.see("reserved", "a")
    hosts.play()
    assert (hosts.shown(), hosts.outcomes()) == ("online offline offline", ["a own", "b offline", "c offline"])
    world.see("released")
    hosts.play()
    assert (hosts.shown(), hosts.outcomes()) == ("online online online", ["a kept", "b online", "c online"])

    # An administrator's offline.
    c.put("D1", "offline")
    world.see("reserved", "b")
    done = hosts.play()
    assert (hosts.shown(), hosts.outcomes()) == ("offline online offline", ["a offline", "b own", "c kept"])
    assert len(done.alerts) == 1
    world.see("released")
    hosts.play()
    assert hosts.shown() == "online online offline"
    c.put("D1", "online")

    # C hangs; A reserves.
    c.fault("query", "hang")
    world.see("reserved", "a")
    done = hosts.play()
    assert (hosts.shown(), site.world.state()["error_state"]) == ("online offline online", "error")
    assert done.force[0]["hosts"] == ["c"]

    # Cleared, and C answers again: what was owed is done.
    c.mend()
    with world.store.write() as tx:
        _error_state.begin_clear(tx, "D1", world.now)
        _error_state.cleared(tx, "D1", world.now)
    hosts.play()
    assert (hosts.shown(), hosts.outcomes()) == ("online offline offline", ["a own", "b offline", "c offline"])
    assert site.is_settled()
    world.see("released")
    hosts.play()
    assert hosts.shown() == "online online online"
    assert site.due(10_000) == []


def test_a_reservation_that_moves_from_host_to_host_leaves_only_the_holder_online(site: Site, tmp_path: Path) -> None:
    hosts = Hosts(site, tmp_path)
    for holder, shown in (
        ("a", "online offline offline"), ("b", "offline online offline"), ("c", "offline offline online"),
        ("a", "online offline offline"),
    ):
        site.world.see("reserved", holder)
        hosts.play()
        assert (hosts.shown(), site.is_settled()) == (shown, True)
    site.world.see("released")
    hosts.play()
    assert hosts.shown() == "online online online"


def test_a_table_that_was_lost_catches_up_with_the_records_and_gives_everything_back(
    site: Site, tmp_path: Path, world: World
) -> None:
    hosts = Hosts(site, tmp_path)
    for status in ("reserved", "released", "reserved"):
        world.see(status, *(["a"] if status == "reserved" else []))
        hosts.play()
    with world.store.write() as tx:
        for table in ("drives", "answers", "batches", "batch_drives", "notifications"):
            tx.execute(f"DELETE FROM {table}")
    world.see("released", level=True, seen_sequence=0)
    hosts.play()
    # The first one to say so has the table go past it; the change comes again with a number that is newer everywhere.
    assert hosts.outcomes() == ["a behind", "b superseded", "c superseded"]
    assert not site.is_settled()
    hosts.play()
    assert (hosts.shown(), site.is_settled()) == ("online online online", True)
