# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who holds a drive, from what it answered: one pure function. Private: may change at any time.

Whoever asks begins with no answers, and sends what `decide` names in ``ask`` until it names nothing. `converse` does
that. The commands only read: PERSISTENT RESERVE IN (SPC-3 6.11), and TEST UNIT READY (6.33) for a drive that has none.

What the answers mean (SPC-3 5.6, SPC-2 5.5.1; what is not in the standards was measured on LIO, Linux 6.1):

- PERSISTENT RESERVE IN is never refused because of a persistent reservation. So RESERVATION CONFLICT to it is RESERVE of SPC-2,
  and no SCSI command tells by whom: even its holder gets the conflict.
- Holders of a type for all registrants are all registrants, and READ RESERVATION shows the key 0.
- TEST UNIT READY is no probe where there is PERSISTENT RESERVE IN: under Exclusive Access it is GOOD for everybody.
- A unit attention comes instead of an answer, once for each thing that happened: the same command is sent again.
- PRGENERATION does not count RESERVE and RELEASE, so it decides nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _spc, _spc_sense

UNREADABLE: dict[str, Any] = {"protocol": None, "id": None}

#: SPC-3 6.33.
TEST_UNIT_READY = bytes(6)

#: Bytes to ask for; an answer that may have been cut is asked for once more with all that a CDB can say.
ALLOCATION, ALL = 8192, 0xFFFC
#: How often the same command is sent: a target keeps several unit attentions for each initiator.
TURNS = 8

#: What can be asked, its CDB, and how much is asked for.
COMMANDS = {
    "full_status": (_spc.command(_spc.READ_FULL_STATUS, ALLOCATION), ALLOCATION),
    "all_of_full_status": (_spc.command(_spc.READ_FULL_STATUS, ALL), ALL),
    "reservation": (_spc.command(_spc.READ_RESERVATION, ALLOCATION), ALLOCATION),
    "keys": (_spc.command(_spc.READ_KEYS, ALLOCATION), ALLOCATION),
    "ready": (TEST_UNIT_READY, 0),
}
_NAMES = {
    "full_status": "READ FULL STATUS", "all_of_full_status": "READ FULL STATUS", "reservation": "READ RESERVATION",
    "keys": "READ KEYS", "ready": "TEST UNIT READY",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one command."""

    #: None: none came back, and ``problem`` says why.
    status: int | None = None
    data: bytes = b""
    sense: bytes = b""
    problem: str = ""
    #: The device file leads to no device any more.
    gone: bool = False
    #: Whoever holds it up may be gone at the next try: the command need not have been seen by the drive.
    again: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What a drive's answers say."""

    #: free, persistent, spc2 or unknown.
    state: str = "unknown"
    #: Ports as in a change: [] unless reserved, [UNREADABLE] when reserved by somebody who cannot be told.
    holders: tuple[dict[str, Any], ...] = ()
    registrants: tuple[_spc.Registrant, ...] = ()
    type: int | None = None
    generation: int | None = None
    #: Why the state is unknown, or what is odd.
    why: str = ""
    #: Every holder registered with a key of our own: the error state, and no change (design 4.1).
    fenced: bool = False
    gone: bool = False
    #: The command to send next; empty: this is the reading.
    ask: str = ""

    @property
    def fact(self) -> tuple[str, tuple[dict[str, Any], ...]] | None:
        """Status and holders as the drive table has them; None: nothing may be concluded."""
        if self.state == "unknown" or self.fenced:
            return None
        return ("released", ()) if self.state == "free" else ("reserved", self.holders)


def decide(
    answers: Mapping[str, Answer],
    own_keys: Callable[[int], bool] = lambda key: False,
    ports_by_key: Mapping[int, Mapping[str, Any]] | None = None,
) -> Reading:
    """Give the reading, or what has to be asked for it.

    ``own_keys`` says whether a registration is our own fence; ``ports_by_key`` names holders where a drive shows keys only.
    """
    name = "all_of_full_status" if "all_of_full_status" in answers else "full_status"
    if name not in answers:
        return Reading(ask=name)
    kind, why = judge(answers[name])
    if kind == "good":
        return _by_full_status(answers[name], name, own_keys)
    if kind == "unsupported":
        # SA 03h came with SPC-3: older drives, and mhvtl, have only keys.
        return _by_keys(answers, own_keys, ports_by_key or {})
    return _without(kind, why, name, answers[name])


def converse(send: Callable[[bytes, int], Answer], decision: Callable[[Mapping[str, Answer]], Reading] = decide) -> Reading:
    """Ask until there is a reading. ``send``: CDB and number of bytes to Answer."""
    answers: dict[str, Answer] = {}
    turns = dict.fromkeys(COMMANDS, 0)
    while True:
        reading = decision(answers)
        if not reading.ask:
            return reading
        turns[reading.ask] += 1
        if turns[reading.ask] > TURNS:
            return Reading(why=f"{_NAMES[reading.ask]} was sent {TURNS} times without an answer: {reading.why}")
        answers[reading.ask] = send(*COMMANDS[reading.ask])


def judge(answer: Answer) -> tuple[str, str]:
    """Sort an answer into good, conflict, again, unsupported or failed; and why."""
    if answer.status is None:
        return ("again" if answer.again else "failed"), answer.problem or "no answer came"
    if answer.status in (_spc_sense.GOOD, _spc_sense.CONDITION_MET):
        return "good", ""
    if answer.status == _spc_sense.CONFLICT:
        return "conflict", ""
    if answer.status != _spc_sense.CHECK_CONDITION:
        # BUSY and its like are for the next poll: to insist would keep the drive from what it is busy with.
        return "failed", f"it answered {_spc_sense.status_name(answer.status)}"
    sense = _spc_sense.sense(answer.sense)
    if sense is None:
        return "failed", "it answered CHECK CONDITION without sense data"
    if sense.deferred or sense.key in (_spc_sense.UNIT_ATTENTION, _spc_sense.ABORTED):
        return "again", f"it answered {sense.text}"
    if sense.key == _spc_sense.RECOVERED:
        return "good", ""
    if sense.key == _spc_sense.ILLEGAL_REQUEST and (sense.asc, sense.ascq) in ((0x20, 0), (0x24, 0)):
        return "unsupported", f"it answered {sense.text}"
    return "failed", f"it answered {sense.text}"


def _without(kind: str, why: str, name: str, answer: Answer) -> Reading:
    """What is left when a command brought no data."""
    if kind == "conflict":
        return Reading("spc2", (UNREADABLE,))
    if kind == "again":
        return Reading(why=why, ask=name)
    return Reading(why=f"{_NAMES[name]}: {why}", gone=answer.gone)


def _by_full_status(answer: Answer, name: str, own_keys: Callable[[int], bool]) -> Reading:
    status = _spc.full_status(answer.data, COMMANDS[name][1])
    if status.fault:
        if status.short and name == "full_status":
            return Reading(why=status.fault, ask="all_of_full_status")
        return Reading(generation=status.generation, why=status.fault)
    if status.type is None:
        return Reading("free", registrants=status.registrants, generation=status.generation)
    holding = [one for one in status.registrants if one.holder]
    ports = {(one.port["protocol"], one.port["id"]): one.port for one in holding if one.port is not None}
    unnamed = [one.name for one in holding if one.port is None]
    why = f"a holder cannot be told: {', '.join(unnamed)}"[:500] if unnamed else ""
    if status.type not in _spc.TYPES:
        why = f"{why}{'; ' if why else ''}the reservation is of {_spc.type_name(status.type)}, which is none of the known ones"
    return Reading(
        "persistent",
        # A list that leaves one out would say that he does not hold it.
        (UNREADABLE,) if unnamed else tuple(ports[key] for key in sorted(ports)),
        status.registrants,
        status.type,
        status.generation,
        why,
        fenced=all(own_keys(one.key) for one in holding),
    )


def _by_keys(
    answers: Mapping[str, Answer], own_keys: Callable[[int], bool], ports_by_key: Mapping[int, Mapping[str, Any]]
) -> Reading:
    """The drive has no READ FULL STATUS."""
    if "reservation" not in answers:
        return Reading(ask="reservation")
    kind, why = judge(answers["reservation"])
    if kind == "unsupported":
        return _by_ready(answers)
    if kind != "good":
        return _without(kind, why, "reservation", answers["reservation"])
    found = _spc.reservation(answers["reservation"].data, COMMANDS["reservation"][1])
    if found.fault:
        return Reading(generation=found.generation, why=found.fault)
    if found.type is None:
        return Reading("free", generation=found.generation)
    if found.type not in _spc.ALL_REGISTRANTS:
        return _of_keys((found.key,), found, own_keys, ports_by_key)
    if "keys" not in answers:
        return Reading(ask="keys")
    kind, why = judge(answers["keys"])
    if kind != "good":
        return _without(kind, why, "keys", answers["keys"])
    keys = _spc.read_keys(answers["keys"].data, COMMANDS["keys"][1])
    if keys.fault:
        return Reading(generation=keys.generation, why=keys.fault)
    return _of_keys(keys.keys, found, own_keys, ports_by_key)


def _of_keys(
    keys: Collection[int], found: _spc.Reservation, own_keys: Callable[[int], bool], ports_by_key: Mapping[int, Mapping[str, Any]]
) -> Reading:
    named = [dict(ports_by_key[key]) for key in keys if key in ports_by_key]
    ports = {(port["protocol"], port["id"]): port for port in named}
    all_named = bool(keys) and len(named) == len(keys)
    return Reading(
        "persistent",
        tuple(ports[key] for key in sorted(ports)) if all_named else (UNREADABLE,),
        type=found.type,
        generation=found.generation,
        why="" if all_named else "the drive has no READ FULL STATUS, and not every key of a holder is known",
        fenced=bool(keys) and all(own_keys(key) for key in keys),
    )


def _by_ready(answers: Mapping[str, Answer]) -> Reading:
    """The drive has no PERSISTENT RESERVE IN, so nobody can hold it but by RESERVE of SPC-2."""
    if "ready" not in answers:
        return Reading(ask="ready")
    kind, why = judge(answers["ready"])
    sense = _spc_sense.sense(answers["ready"].sense)
    if kind == "failed" and answers["ready"].status == _spc_sense.CHECK_CONDITION and sense is not None:
        # Whoever is not ready to work is ready to say so, and has not said that it is reserved.
        kind = "good" if sense.key == _spc_sense.NOT_READY else kind
    if kind == "good":
        return Reading("free")
    return _without(kind, why, "ready", answers["ready"])
