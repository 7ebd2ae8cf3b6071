# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision table: every case on its own, then drives that go through them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _spc_sense, _spc_state
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import UNREADABLE, Answer, Reading
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.simulated_drive import (
    CONTROLLER,
    MEDIUM_CHANGED,
    PREEMPTED,
    RELEASED,
    RESET,
    Drive,
    check,
    descriptor,
    fc,
    fixed_sense,
    listed,
    read,
)
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.test_spc import (
    CASES,
    capture,
    truth,
)

GOOD, CHECK = _spc_sense.GOOD, _spc_sense.CHECK_CONDITION
A, B = fc(1), fc(2)
ISCSI = {"protocol": "iscsi", "id": "iqn.2026-11.lab:host-a"}


def good(*parts: bytes, generation: int = 7) -> Answer:
    return Answer(GOOD, listed(generation, *parts))


def decide(full_status: Answer, **more: Answer) -> Reading:
    return _spc_state.decide({"full_status": full_status, **more})


@pytest.fixture
def drive() -> Drive:
    return Drive("D1")


# The captures.


@pytest.mark.parametrize(("transport", "state"), CASES)
def test_the_captures_have_the_state_and_holders_that_sg_persist_shows(transport: str, state: str) -> None:
    reading = decide(Answer(GOOD, capture(transport, f"prin-{state}-read_full_status")))
    holders = truth(transport, state)
    assert reading.state == ("persistent" if holders else "free")
    assert sorted(map(str, reading.holders)) == sorted(map(str, holders))
    assert reading.fact == (("reserved", reading.holders) if holders else ("released", ()))
    assert len(reading.registrants) == (0 if state == "none" else 1 if state == "preempted" else 2)


@pytest.mark.parametrize(("transport", "state"), CASES)
def test_no_truncation_of_a_capture_says_anything(transport: str, state: str) -> None:
    data = capture(transport, f"prin-{state}-read_full_status")
    for length in range(len(data)):
        reading = decide(Answer(GOOD, data[:length]))
        assert (reading.state, reading.fact, reading.holders) == ("unknown", None, ()), length
        assert reading.why


# The table.


def test_an_empty_list_is_free() -> None:
    assert decide(good()) == Reading("free", generation=7)


def test_registrants_without_a_holder_are_free_and_candidates() -> None:
    reading = decide(good(descriptor(A, 1), descriptor(B, 2)))
    assert (reading.state, reading.fact) == ("free", ("released", ()))
    assert [one.port for one in reading.registrants] == [A, B]


def test_the_holder_of_a_persistent_reservation_is_its_port() -> None:
    reading = decide(good(descriptor(A, 1), descriptor(B, 2, 3)))
    assert (reading.state, reading.holders, reading.type) == ("persistent", (B,), 3)


@pytest.mark.parametrize("kind", [7, 8])
def test_of_a_type_for_all_registrants_everybody_is_a_holder(kind: int) -> None:
    assert decide(good(descriptor(B, 1, kind), descriptor(A, 2))).holders == (A, B)


def test_a_holder_at_several_target_ports_is_one_holder() -> None:
    several = [descriptor(A, 1, 3, target_port=1), descriptor(A, 1, 3, target_port=2), descriptor(A, 1, 3, target_port=None)]
    assert decide(good(*several)).holders == (A,)


def test_iscsi_and_fibre_channel_hold_one_drive() -> None:
    assert decide(good(descriptor(ISCSI, 1, 7), descriptor(A, 2, 7))).holders == (A, ISCSI)


def test_if_one_of_the_holders_cannot_be_told_none_is() -> None:
    reading = decide(good(descriptor(A, 1, 7), descriptor(None, 2, 7)))
    assert reading.holders == (UNREADABLE,)
    assert reading.why.startswith("a holder cannot be told: parallel SCSI: 01 00")


def test_a_registrant_who_cannot_be_told_and_holds_nothing_does_no_harm() -> None:
    assert decide(good(descriptor(A, 1, 3), descriptor(None, 2))).holders == (A,)


def test_a_type_that_nobody_knows_is_a_reservation_all_the_same() -> None:
    reading = decide(good(descriptor(A, 1, 4)))
    assert (reading.state, reading.holders) == ("persistent", (A,))
    assert reading.why == "the reservation is of type 4, which is none of the known ones"


def test_a_conflict_is_a_reservation_of_spc_2_by_somebody() -> None:
    assert decide(Answer(_spc_sense.CONFLICT)) == Reading("spc2", (UNREADABLE,))
    assert decide(Answer(_spc_sense.CONFLICT)).fact == ("reserved", (UNREADABLE,))


@pytest.mark.parametrize("attention", [PREEMPTED, RELEASED, RESET, MEDIUM_CHANGED, (0x3F, 3), (0x77, 9)])
def test_after_a_unit_attention_the_same_is_asked_again(attention: tuple[int, int]) -> None:
    reading = decide(check(6, *attention))
    assert (reading.ask, reading.fact) == ("full_status", None)


@pytest.mark.parametrize(
    "answer",
    [
        check(0xB, 0x44), Answer(CHECK, sense=b"\x71" + fixed_sense(3)[1:]), Answer(problem="interrupted", again=True),
    ],
    ids=["aborted", "deferred", "interrupted"],
)
def test_what_was_not_carried_out_is_asked_again(answer: Answer) -> None:
    assert decide(answer).ask == "full_status"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(problem="the transport failed (DID_ERROR)"), "READ FULL STATUS: the transport failed (DID_ERROR)"),
        (Answer(), "READ FULL STATUS: no answer came"),
        (Answer(_spc_sense.BUSY), "READ FULL STATUS: it answered BUSY"),
        (Answer(_spc_sense.TASK_SET_FULL), "READ FULL STATUS: it answered TASK SET FULL"),
        (Answer(0x77), "READ FULL STATUS: it answered status 77h"),
        (Answer(CHECK), "READ FULL STATUS: it answered CHECK CONDITION without sense data"),
        (check(2, 4), "READ FULL STATUS: it answered not ready, the unit is not ready (2/04/00)"),
        (check(4, 0x44), "READ FULL STATUS: it answered hardware error (4/44/00)"),
        (check(5, 0x25), "READ FULL STATUS: it answered illegal request, logical unit not supported (5/25/00)"),
        (check(0), "READ FULL STATUS: it answered no sense (0/00/00)"),
        (Answer(GOOD, b""), "READ FULL STATUS has 0 bytes, and needs 8"),
        (Answer(GOOD, listed(1, bytes(30))), "READ FULL STATUS has a descriptor with the key 0, number 1"),
    ],
)
def test_everything_else_is_unknown_and_says_why(answer: Answer, why: str) -> None:
    reading = decide(answer)
    assert (reading.state, reading.why, reading.ask, reading.fact) == ("unknown", why, "", None)


def test_a_device_that_is_gone_is_to_be_looked_for() -> None:
    assert decide(Answer(problem="there is no such device", gone=True)).gone


def test_an_answer_that_was_recovered_is_an_answer() -> None:
    assert decide(Answer(CHECK, listed(1, descriptor(A, 1, 3)), fixed_sense(1, 0x17))).holders == (A,)


def test_an_answer_that_fills_what_was_asked_for_is_asked_for_with_more_room() -> None:
    many = listed(1, *(descriptor(fc(number), number) for number in range(1, 200)), descriptor(B, 3, 3))
    cut = Answer(GOOD, many[:8192])
    assert decide(cut).ask == "all_of_full_status"
    assert decide(cut, all_of_full_status=Answer(GOOD, many)).holders == (B,)
    assert decide(cut, all_of_full_status=cut).fact is None


# Drives without READ FULL STATUS, or without any.

UNSUPPORTED = [check(5, 0x20), check(5, 0x24)]


@pytest.mark.parametrize("unsupported", UNSUPPORTED)
def test_a_drive_without_full_status_is_asked_for_its_reservation(unsupported: Answer) -> None:
    assert decide(unsupported).ask == "reservation"
    assert decide(unsupported, reservation=good()) == Reading("free", generation=7)
    assert decide(unsupported, reservation=check(6, 0x29)).ask == "reservation"
    assert decide(unsupported, reservation=Answer(_spc_sense.CONFLICT)).state == "spc2"
    assert decide(unsupported, reservation=Answer(_spc_sense.BUSY)).fact is None
    assert decide(unsupported, reservation=Answer(GOOD, b"")).fact is None


def held(key: int, kind: int = 3) -> Answer:
    return good(key.to_bytes(8, "big") + bytes(5) + bytes((kind,)) + bytes(2))


def by_keys(*answers: Answer, ports: Any = None) -> Reading:
    named = dict(zip(("reservation", "keys"), answers, strict=False))
    return _spc_state.decide({"full_status": check(5, 0x24), **named}, ports_by_key=ports)


def test_a_key_names_the_holder_where_it_is_known() -> None:
    assert by_keys(held(5), ports={5: A}).holders == (A,)
    reading = by_keys(held(5), ports={6: A})
    assert (reading.state, reading.holders, reading.type) == ("persistent", (UNREADABLE,), 3)
    assert reading.why == "the drive has no READ FULL STATUS, and not every key of a holder is known"


def test_under_a_type_for_all_registrants_all_keys_are_asked_for() -> None:
    assert by_keys(held(0, 7)).ask == "keys"
    keys = good(*(key.to_bytes(8, "big") for key in (5, 6, 5)))
    assert by_keys(held(0, 8), keys, ports={5: B, 6: A}).holders == (A, B)
    assert by_keys(held(0, 8), keys, ports={5: B}).holders == (UNREADABLE,)
    assert by_keys(held(0, 8), good()).holders == (UNREADABLE,)
    assert by_keys(held(0, 8), check(6, 0x2A, 5)).ask == "keys"
    assert by_keys(held(0, 8), Answer(GOOD, b"")).fact is None
    assert by_keys(held(0, 8), check(4)).fact is None


def test_a_drive_without_persistent_reservations_is_asked_whether_it_is_ready() -> None:
    no = check(5, 0x20)
    assert decide(no, reservation=no).ask == "ready"
    assert decide(no, reservation=no, ready=Answer(GOOD)).state == "free"
    assert decide(no, reservation=no, ready=check(2, 0x3A)).state == "free"
    assert decide(no, reservation=no, ready=Answer(_spc_sense.CONFLICT)).state == "spc2"
    assert decide(no, reservation=no, ready=check(6, 0x28)).ask == "ready"
    assert decide(no, reservation=no, ready=check(4)).fact is None
    assert decide(no, reservation=no, ready=Answer(problem="gone", gone=True)).gone


# Our own fence.


def test_a_reservation_under_our_own_key_is_no_change() -> None:
    own: Any = {"own_keys": lambda key: key == 9}
    fenced = _spc_state.decide({"full_status": good(descriptor(CONTROLLER, 9, 3), descriptor(A, 1))}, **own)
    assert (fenced.state, fenced.fenced, fenced.fact) == ("persistent", True, None)
    another = _spc_state.decide({"full_status": good(descriptor(CONTROLLER, 9), descriptor(A, 1, 3))}, **own)
    assert (another.fenced, another.fact) == (False, ("reserved", (A,)))
    among = _spc_state.decide({"full_status": good(descriptor(CONTROLLER, 9, 7), descriptor(A, 1, 7))}, **own)
    assert not among.fenced
    by_key = _spc_state.decide({"full_status": check(5, 0x24), "reservation": held(9)}, **own)
    assert (by_key.fenced, by_key.fact) == (True, None)


# Conversations.


def test_unit_attentions_are_read_one_after_the_other(drive: Drive) -> None:
    drive.take(A)
    drive.attentions[CONTROLLER["protocol"], CONTROLLER["id"]] = [RESET, MEDIUM_CHANGED, PREEMPTED]
    assert read(drive).holders == (A,)
    assert drive.commands == [0x5E] * 4


def test_a_drive_that_never_stops_to_complain_is_unknown(drive: Drive) -> None:
    drive.failure = check(6, 0x29)
    reading = read(drive)
    assert reading.fact is None
    assert reading.why == (
        "READ FULL STATUS was sent 8 times without an answer: it answered unit attention, power on, reset or bus device reset"
        " occurred (6/29/00)"
    )
    assert len(drive.commands) == _spc_state.TURNS


def test_a_preempted_holder_is_followed(drive: Drive) -> None:
    drive.take(A, key=1)
    drive.register(B, key=2)
    assert read(drive).holders == (A,)
    drive.preempt(B, victim=1)
    reading = read(drive)
    assert (reading.holders, [one.port for one in reading.registrants]) == ((B,), [B])


def test_reserve_and_release_of_spc_2(drive: Drive) -> None:
    assert drive.reserve6(A)
    assert read(drive).state == "spc2"
    drive.release6(B)
    assert read(drive).state == "spc2"
    drive.reset()
    assert read(drive).state == "free"


@pytest.mark.parametrize("kind", [1, 3, 5, 6, 7, 8])
@pytest.mark.parametrize("how", ["full status", "keys"])
def test_persistent_reservations_of_every_type(drive: Drive, kind: int, how: str) -> None:
    if how == "keys":
        drive.unknown = {3}
    ports = {1: A, 2: B}
    drive.register(B, 2)
    drive.take(A, 1, kind)
    reading = _spc_state.converse(drive.answer, lambda answers: _spc_state.decide(answers, ports_by_key=ports))
    assert (reading.holders, reading.type) == ((A, B) if kind in (7, 8) else (A,), kind)
    drive.release(A)
    assert read(drive).state == "free"


def test_a_drive_that_has_no_reservations_but_those_of_spc_2(drive: Drive) -> None:
    drive.has_reservations = False
    assert read(drive).state == "free"
    drive.reserve6(A)
    assert read(drive).state == "spc2"
    assert set(drive.commands) == {0x00, 0x5E}


ANSWERS = st.one_of(
    st.builds(Answer, st.sampled_from([0, 2, 4, 8, 0x18, 0x28, 0x30, 0x40, 0x99]), st.binary(max_size=120), st.binary(max_size=20)),
    st.builds(check, st.integers(0, 15), st.integers(0, 255), st.integers(0, 9)),
    st.builds(lambda ports: good(*(descriptor(fc(number), number, 3) for number in ports)), st.lists(st.integers(1, 9), max_size=3)),
    st.builds(Answer, problem=st.just("failed"), gone=st.booleans(), again=st.booleans()),
)


@given(st.lists(ANSWERS, min_size=1, max_size=6))
def test_whatever_a_drive_answers_there_is_a_reading(answers: list[Answer]) -> None:
    sent: list[bytes] = []

    def send(cdb: bytes, _length: int) -> Answer:
        sent.append(cdb)
        return answers[(len(sent) - 1) % len(answers)]

    reading = _spc_state.converse(send)
    assert len(sent) <= len(_spc_state.COMMANDS) * _spc_state.TURNS
    assert {cdb[0] for cdb in sent} <= {0x5E, 0x00}
    assert (reading.fact is None) == (reading.state == "unknown")
    assert bool(reading.holders) == (reading.state in ("persistent", "spc2"))
    assert reading.why or reading.fact
