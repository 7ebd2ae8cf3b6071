# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be done for a drive that somebody cannot use: what it would do, whether it fits, and where. Pure. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _conflict_doctor
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._conflict_doctor import HELD, Finding
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._conflict_facts import Case, Said, some

#: Who loses what, in the words of each that takes a reservation away.
_BREAKS = "A job that is running all the same loses what it writes."
_CONTROLLER = "localhost"


@dataclass(frozen=True)
class Remedy:
    """One remedy. ``why_not``: why it does not fit, empty if it does. ``call``: what carries it out, empty: a person."""

    name: str
    does: str
    why_not: str = ""
    call: str = ""
    hosts: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    #: The instances on those hosts, for the remedy online.
    instances: tuple[Said, ...] = ()


def remedies(case: Case, found: Sequence[Finding]) -> tuple[Remedy, ...]:
    """Give every remedy, those that fit and those that do not."""
    return tuple(_REMEDIES[name](case, {one.name: one for one in found}) for name in NAMES)


def _wait(case: Case, found: dict[str, Finding]) -> Remedy:
    name = "wait"
    does = "The job comes to its end, its application releases the drive, and the others get it. Nothing is lost."
    return Remedy(name, does, "" if "job" in found else "nobody who holds the drive shows a job on it")


def _close(case: Case, found: dict[str, Finding]) -> Remedy:
    one = found.get("left_behind") or found.get("unclear")
    where = some(one.hosts) if one else "its holder"
    does = f"On {where}, have the application let go of the drive: unload it, or start its storage daemon again. Its driver releases the drive then."
    return Remedy("close", does, "" if one else "no holder that is alive has left it behind")


def _release(case: Case, found: dict[str, Finding]) -> Remedy:
    one = found.get("left_behind")
    hosts = one.hosts if one else ()
    does = f"{some(hosts) if hosts else 'The holder'} itself releases the drive; its registration stays. {_BREAKS}"
    why = _not_against(case, found, ("left_behind",)) or _only_persistent(case)
    if not why and (len(hosts) != 1 or hosts[0] not in case.ways):
        why = "only the one host that holds the drive can release it, and that one cannot send commands to it from here"
    return Remedy("release", does, why, "reservation", hosts, {"state": "released"})


def _preempt(case: Case, found: dict[str, Finding]) -> Remedy:
    does = f"The holder loses its reservation, and all registrations with its key; nobody holds the drive then. {_BREAKS}{_down(found)}"
    why = _not_against(case, found, ("left_behind", "holder_down", "unknown_port")) or _only_persistent(case)
    if not why and not case.answer.registered:
        why = "it does not tell who is registered; the remedy clear can end it"
    return _through(case, found, Remedy("preempt", does, why, "reservation", (), {"state": "preempted"}))


def _clear(case: Case, found: dict[str, Finding]) -> Remedy:
    does = (
        "The reservation and all registrations are removed, also those of hosts that hold nothing: these have to open the drive again. "
        f"{_BREAKS}{_down(found)}"
    )
    why = ""
    if "registered" in found:
        busy = _conflict_doctor.jobs(case.said)
        why = f"{some([one.instance for one in busy])} has a job on the drive" if busy else ""
    else:
        why = _not_against(case, found, ("left_behind", "holder_down", "unknown_port")) or _only_persistent(case)
    return _through(case, found, Remedy("clear", does, why, "reservation", (), {"state": "cleared"}))


def _reset(case: Case, found: dict[str, Finding]) -> Remedy:
    does = (
        "The logical unit is reset. That ends the reservation, whoever has it, and the command that is running on the drive; the tape may be "
        f"rewound. {_BREAKS} Make sure that no host is writing."
    )
    why = _not_against(case, found, ("left_behind", "holder_not_told", "holder_down"))
    if not why and case.answer.state != "spc2":
        why = "its reservation is a persistent one, which the remedies release, preempt and clear end without a reset"
    return _through(case, found, Remedy("reset", does, why, "reservation", (), {"state": "preempted", "force": ["reset"]}))


def _unfence(case: Case, found: dict[str, Finding]) -> Remedy:
    does = "What keeps everybody away is taken from the drive, also if another controller of this site set it; no registration is left."
    why = ""
    if "fenced" not in found:
        why = "no controller of this site holds the drive"
        if case.answer.fenced:
            why = "the drive table has the drive in its error state, which the remedy clear_error ends in order"
    return _through(case, found, Remedy("unfence", does, why, "reservation", (), {"state": "unfenced"}))


def _clear_error(case: Case, found: dict[str, Finding]) -> Remedy:
    does = "The library lets the drive be used again, and every application is brought to where it belongs, as by the playbook clear_error."
    if case.owed:
        hosts = some(sorted({str(one["host"]) for one in case.owed}))
        does += f" First see to what is owed by {hosts}: as long as that is not confirmed, two applications may use the drive."
    why = ""
    if "error_state" not in found:
        why = "the drive table does not have the drive in its error state"
    elif (case.row or {}).get("error_state") == "forcing":
        why = "the drive is just being put into its error state; run the doctor again in a minute"
    return Remedy("clear_error", does, why, "clear_error", (_CONTROLLER,))


def _online(case: Case, found: dict[str, Finding]) -> Remedy:
    there = _conflict_doctor.offline(case, taken=False)
    who = some([f"{one.instance} on {one.host}" for one in there]) if there else "those where somebody has set it offline"
    does = f"The drive is set online in {who}. Ask whoever set it offline first: it may be broken."
    why = ""
    if case.answer.state == "unknown":
        why = "whether anybody holds the drive cannot be read"
    elif any(name in found for name in (*HELD, "error_state")):
        why = "the drive is held, or in its error state"
    elif not there:
        why = "no application that was asked has it offline, other than by this collection"
    return Remedy("online", does, why, "online", tuple(one.host for one in there), {"state": "online"}, there)


def _record(case: Case, found: dict[str, Finding]) -> Remedy:
    does = f"The drive table gets what the drive says: {_conflict_doctor.by_drive(case)}. The event source, if it runs, brings all applications there."
    status = "released" if case.answer.state == "free" else "reserved"
    options: dict[str, Any] = {"state": "recorded", "status": status}
    holders = [{"protocol": one.protocol, "id": one.id} for one in case.answer.holders if one.id]
    if status == "reserved" and holders:
        options["holders"] = holders
    return Remedy("record", does, "" if "contradiction" in found else "the drive and the drive table say the same", "table", (_CONTROLLER,), options)


def _ask_again(case: Case, found: dict[str, Finding]) -> Remedy:
    does = "Every control point is asked again for the newest change of the drive, if the event source runs. Nothing else is touched."
    why = ""
    if case.row is None:
        why = "the drive table has no change of the drive"
    elif "contradiction" in found:
        why = "the drive table is behind; the remedy record has to come first"
    elif "owed" not in found and "taken" not in found:
        why = "nothing is owed, and nothing that is free is kept offline by this collection"
    return Remedy("ask_again", does, why, "table", (_CONTROLLER,), {"state": "due"})


def _start(case: Case, found: dict[str, Finding]) -> Remedy:
    does = "Run the playbook start_sharing: reservations set drives offline in other applications again, and releases bring them back."
    return Remedy("start_sharing", does, "" if "stopped" in found else "sharing is not stopped")


def _power(case: Case, found: dict[str, Finding]) -> Remedy:
    does = (
        "Switch the drive off and on, at the library. That ends every reservation, unless one was made to last (APTPL), and whatever runs on the "
        "drive. It is what is left where nothing else helps."
    )
    fits = ("holder_down", "unknown_port", "holder_not_told", "left_behind", "unreadable")
    why = _not_against(case, found, fits)
    return Remedy("power_cycle", does, why)


_REMEDIES: dict[str, Callable[[Case, dict[str, Finding]], Remedy]] = {
    "wait": _wait,
    "close": _close,
    "release": _release,
    "preempt": _preempt,
    "clear": _clear,
    "reset": _reset,
    "unfence": _unfence,
    "clear_error": _clear_error,
    "online": _online,
    "record": _record,
    "ask_again": _ask_again,
    "start_sharing": _start,
    "power_cycle": _power,
}
#: The remedies, the gentle ones first.
NAMES = tuple(_REMEDIES)


def _not_against(case: Case, found: dict[str, Finding], fits: Sequence[str]) -> str:
    """Say why nothing may be taken away, empty if it may."""
    for name in ("error_state", "fenced"):
        if name in found:
            return "the drive is in its error state; the remedy " + ("clear_error ends that" if name == "error_state" else "unfence ends that")
    busy = _conflict_doctor.jobs(case.said)
    if "job" in found or busy:
        who = some(sorted({one.instance for one in busy}))
        return f"{who} shows a job on the drive, which would lose what it writes"
    if "unclear" in found and "unclear" not in fits:
        return f"whether a job is running on {some(found['unclear'].hosts)} cannot be told; look there first"
    if any(name in found for name in fits):
        return ""
    if case.answer.state == "unknown":
        return "who holds the drive cannot be read"
    return "nobody holds the drive" if case.answer.state == "free" else "it does not fit who holds the drive"


def _only_persistent(case: Case) -> str:
    if case.answer.state == "spc2":
        return "the drive is reserved by RESERVE of SPC-2, which no other host can release and no persistent reservation breaks"
    return ""


def _through(case: Case, found: dict[str, Finding], one: Remedy) -> Remedy:
    """Choose the host that sends the commands: the controller, else one that has nothing to do with the holder."""
    holding = {host for finding in found.values() if finding.name in HELD for host in finding.hosts}
    theirs = {instance for host in holding for instance in case.instances.get(host, ())}
    order = sorted(case.ways, key=lambda host: (host in holding, bool(theirs & set(case.instances.get(host, ()))), host != _CONTROLLER, host))
    why = one.why_not
    if not why and not order:
        why = "neither the controller nor any host that answers can send commands to the drive"
    return Remedy(one.name, one.does, why, one.call, tuple(order[:1]), one.options)


def _down(found: dict[str, Finding]) -> str:
    if "holder_down" in found:
        return f" Make sure that {some(found['holder_down'].hosts)} is switched off."
    return " Find out first whose port it is." if "unknown_port" in found else ""
