# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is decided, and what comes of it on a simulated drive: every state of a drive, wanted every way, with every force."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, combinations, product

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _fencing_key,
    _reservation_plan,
    _reservation_steps,
    _spc_out,
    _spc_state,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._reservation_plan import FORCE, WANTED, Situation
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Answer, Reading
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.simulated_drive import (
    MEDIUM_CHANGED,
    RESET,
    Drive,
    fc,
)

SITE = "basel"
KEY, OTHER_KEY = _fencing_key.fencing_key(SITE, "one"), _fencing_key.fencing_key(SITE, "two")
ELSEWHERE = _fencing_key.fencing_key("geneva", "one")
US, PEER, A, B = fc(9), fc(8), fc(1), fc(2)
VICTIM = 0x40000000C0A8010B


def own(key: int) -> bool:
    return _fencing_key.is_of_site(key, SITE)


def two_hosts(drive: Drive, kind: int) -> None:
    drive.take(A, VICTIM, kind)
    assert drive.register(B, VICTIM + 1)


def with_leftover(drive: Drive) -> None:
    assert drive.register(US, KEY)
    assert drive.register(PEER, KEY)
    assert drive.register(fc(7), OTHER_KEY)


def fenced_with_leftovers(drive: Drive) -> None:
    drive.take(PEER, OTHER_KEY)
    assert drive.register(fc(7), KEY)
    assert drive.register(A, VICTIM)


def lost_fence(drive: Drive) -> None:
    drive.take(US, KEY)
    assert drive.register(A, VICTIM)
    assert drive.preempt(A, KEY)
    assert drive.register(PEER, KEY)


STATES: dict[str, Callable[[Drive], object]] = {
    "free": lambda drive: None,
    "registered": lambda drive: drive.register(A, VICTIM),
    "our_leftovers": with_leftover,
    "held": lambda drive: drive.take(A, VICTIM),
    "held_write_exclusive": lambda drive: two_hosts(drive, 1),
    "held_registrants_only": lambda drive: two_hosts(drive, 6),
    "held_by_all": lambda drive: two_hosts(drive, 8),
    "held_here": lambda drive: drive.take(US, VICTIM),
    "fenced": lambda drive: drive.take(US, KEY),
    "fenced_other_type": lambda drive: drive.take(US, KEY, 1),
    "fenced_by_all": lambda drive: drive.take(PEER, KEY, 8),
    "fenced_through_other_path": lambda drive: drive.take(PEER, KEY),
    "fenced_by_other_controller": lambda drive: drive.take(PEER, OTHER_KEY),
    "fenced_with_leftovers": fenced_with_leftovers,
    "lost_fence": lost_fence,
    "fenced_by_other_site": lambda drive: drive.take(A, ELSEWHERE),
    "spc2": lambda drive: drive.reserve6(A),
}


class Controller:
    """Sends commands through one port of a host."""

    def __init__(self, drive: Drive, force: frozenset[str] = frozenset(), opened: Sequence[str] | None = (), **more: object) -> None:
        self.drive, self.force, self.opened, self.more = drive, force, opened, more
        self.resets = 0

    def send(self, cdb: bytes, length: int, out: bytes = b"") -> Answer:
        return self.drive.carry_out(cdb, length, out, US)

    def reset(self) -> str:
        self.resets += 1
        self.drive.reset(US)
        return ""

    def read(self) -> Reading:
        return _spc_state.converse(self.send, lambda answers: _spc_state.decide(answers, own))

    def situation(self, reading: Reading) -> Situation:
        port = (US["protocol"], US["id"])
        return Situation("D1", reading, KEY, own, port, True, frozenset({port}), open=self.opened, force=self.force, **self.more)

    def bring(self, wanted: str, **more: bool) -> _reservation_steps.Result:
        return _reservation_steps.bring(wanted, self.read, self.situation, self.send, self.reset, **more)


def changed_nothing(drive: Drive, before: tuple[object, ...]) -> bool:
    return (dict(drive.keys), drive.holder, drive.type, drive.spc2) == before


FORCES = [frozenset(some) for some in chain.from_iterable(combinations(FORCE, number) for number in range(len(FORCE) + 1))]


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("wanted", WANTED)
def test_it_is_brought_there_or_refused_and_nothing_in_between(name: str, wanted: str) -> None:
    for force, opened, abort in product(FORCES, ((), ("dd (process 1)",), None), (False, True)):
        drive = Drive("D1")
        STATES[name](drive)
        drive.attentions[(US["protocol"], US["id"])] = [RESET, MEDIUM_CHANGED]
        before = (dict(drive.keys), drive.holder, drive.type, drive.spc2)
        controller = Controller(drive, force, opened, abort=abort)
        dry = controller.bring(wanted, dry=True)
        assert changed_nothing(drive, before)
        result = controller.bring(wanted)
        assert not (dry.problem and not result.problem)
        assert result.steps == dry.steps
        if result.problem or not result.steps:
            assert changed_nothing(drive, before), (force, opened)
            assert drive.actions == []
            assert bool(result.problem) != bool(result.message)
            continue
        if opened != () and "fenced" not in name and wanted != "unfenced":
            assert "job" in force
        assert controller.resets == 0 or "reset" in force
        again = controller.bring(wanted)
        assert (again.steps, again.problem) == ((), ""), "the second time there is nothing to do"
        ours = [who for who, key in drive.keys.items() if own(key)]
        if wanted == "fenced":
            assert drive.type == 3
            assert own(drive.keys[drive.holder])
            assert VICTIM not in drive.keys.values() or before[1] is None or before[0][before[1]] != VICTIM
        else:
            assert drive.holder is None or drive.keys[drive.holder] not in (KEY, OTHER_KEY)
            # A registration that is left would keep everybody from RESERVE of SPC-2.
            assert not ours or (wanted, name) in {("released", "lost_fence"), ("preempted", "lost_fence")}
        if wanted in ("released", "preempted", "cleared"):
            assert drive.holder is None
            assert drive.spc2 is None


REFUSED = {
    ("held", "released"): "fc 10000090fa000001 holds it, and only its holder can release it; state preempted takes it away",
    ("spc2", "preempted"): "somebody has reserved it by RESERVE of SPC-2",
    ("fenced", "preempted"): "it is in its error state, and who holds it is a controller of this site; state unfenced ends that",
    ("fenced_by_other_site", "fenced"): "a controller of another site keeps it in its error state; it has to be ended there",
}


@pytest.mark.parametrize(("name", "wanted"), REFUSED)
def test_a_refusal_says_why_and_what_remains(name: str, wanted: str) -> None:
    drive = Drive("D1")
    STATES[name](drive)
    problem = Controller(drive).bring(wanted).problem
    assert problem.startswith(f"Drive D1: {REFUSED[name, wanted]}")
    assert problem.endswith(". Nothing was changed.")


def test_a_job_of_our_own_is_not_touched_unless_it_is_told() -> None:
    drive = Drive("D1")
    drive.take(A, VICTIM)
    port = ("fc", A["id"])
    assert "dd (process 1) has it open on this host" in Controller(drive, opened=["dd (process 1)"]).bring("fenced").problem
    assert "use become" in Controller(drive, opened=None).bring("fenced").problem
    instance = Controller(drive, instance=frozenset({port}))
    assert f"fc {A['id']} of this host's own instance holds it" in instance.bring("preempted").problem
    assert not Controller(drive, frozenset({"job"}), instance=frozenset({port})).bring("preempted").problem


def test_the_commands_are_those_of_fence_scsi_with_exclusive_access() -> None:
    drive = Drive("D1")
    drive.take(A, VICTIM)
    result = Controller(drive).bring("fenced")
    assert [step.words for step in result.steps] == [
        f"REGISTER AND IGNORE EXISTING KEY: register key 0x{KEY:016x}",
        f"PREEMPT AND ABORT with key 0x{KEY:016x}, against key 0x{VICTIM:016x}, exclusive access",
    ]
    undone = Controller(drive).bring("unfenced")
    assert [step.words for step in undone.steps] == [
        f"REGISTER AND IGNORE EXISTING KEY: register key 0x{KEY:016x}",
        f"RELEASE with key 0x{KEY:016x}, exclusive access",
        "REGISTER AND IGNORE EXISTING KEY: unregister",
    ]
    assert drive.keys == {}


def test_who_was_faster_is_found_and_it_is_decided_again() -> None:
    drive = Drive("D1")
    controller = Controller(drive)
    send = controller.send

    def race(cdb: bytes, length: int, out: bytes = b"") -> Answer:
        answer = send(cdb, length, out)
        if drive.actions == [_spc_out.REGISTER_AND_IGNORE]:
            drive.take(A, VICTIM)
        return answer

    controller.send = race  # type: ignore[method-assign]
    result = controller.bring("fenced")
    assert result.problem == ""
    assert own(drive.keys[drive.holder])  # type: ignore[index]
    assert VICTIM not in drive.keys.values()


def test_who_preempted_the_same_victim_in_between_is_preempted_too() -> None:
    drive = Drive("D1")
    drive.take(A, VICTIM)
    controller = Controller(drive)
    send = controller.send

    def race(cdb: bytes, length: int, out: bytes = b"") -> Answer:
        answer = send(cdb, length, out)
        if drive.actions == [_spc_out.REGISTER_AND_IGNORE] and B["id"] not in str(drive.keys):
            assert drive.register(B, 77)
            assert drive.preempt(B, VICTIM)
        return answer

    controller.send = race  # type: ignore[method-assign]
    assert controller.bring("fenced").problem == ""
    assert list(drive.keys.values()) == [KEY]


def test_a_drive_that_says_yes_and_does_nothing_is_not_believed() -> None:
    drive = Drive("D1")
    drive.take(A, VICTIM)
    controller = Controller(drive)
    send = controller.send
    controller.send = lambda cdb, length, out=b"": Answer(0) if cdb[0] == 0x5F else send(cdb, length)  # type: ignore[method-assign]
    problem = controller.bring("fenced").problem
    assert problem == f"Drive D1 is not fenced: fc {A['id']} with key 0x{VICTIM:016x} holds it."


def test_a_fence_that_fails_halfway_leaves_no_registration() -> None:
    drive = Drive("D1")
    controller = Controller(drive)
    send = controller.send
    controller.send = (  # type: ignore[method-assign]
        lambda cdb, length, out=b"": Answer(problem="the transport failed") if cdb[:2] == b"\x5f\x01" else send(cdb, length, out)
    )
    result = controller.bring("fenced")
    assert result.problem == "Drive D1 is not fenced: RESERVE: the transport failed; it is free, with 1 registered."
    assert drive.keys == {}


def test_a_drive_that_cannot_be_read_is_left_alone() -> None:
    drive = Drive("D1")
    drive.failure = Answer(problem="the transport failed")
    for wanted in WANTED:
        problem = Controller(drive).bring(wanted).problem
        assert problem == "Drive D1: its reservation cannot be read (READ FULL STATUS: the transport failed). Nothing was changed."


def test_a_drive_that_shows_only_keys_can_be_cleared_and_fenced_when_free() -> None:
    drive = Drive("D1")
    drive.unknown = {3}
    drive.take(A, VICTIM)
    assert "state cleared can" in Controller(drive).bring("preempted").problem
    assert Controller(drive).bring("cleared").problem == ""
    assert drive.keys == {}
    assert Controller(drive).bring("fenced").problem == ""
    assert drive.holder == ("fc", US["id"])
    assert Controller(drive).bring("unfenced").problem == ""
    assert (drive.holder, drive.keys) == (None, {})


def test_the_bytes_are_those_of_the_standard() -> None:
    assert _spc_out.command(_spc_out.PREEMPT_AND_ABORT, 3).hex() == "5f050300000000001800"
    assert _spc_out.parameters(1, 0xFF).hex() == "0000000000000001" + "00000000000000ff" + "00" * 8
    assert _spc_out.command(_spc_out.REGISTER_AND_IGNORE).hex() == "5f060000000000001800"
    assert set(_reservation_plan.WANTED) == set(WANTED)
