# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why somebody cannot use a drive: from what is known to findings, the one that decides first. Pure. Private: may change at any time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._conflict_facts import Case, Owner, Said, some

#: Every finding there is, the one that decides what may be done first.
FINDINGS = (
    "not_known",  # nobody sees the drive, and the table has nothing of it
    "error_state",  # by the drive table
    "fenced",  # a controller of this site holds it, and the drive table knows of no error state
    "job",  # its holder has a job on it
    "unclear",  # its holder is alive, and whether it has a job on it cannot be told
    "unknown_port",  # its holder is nobody who is known
    "holder_down",  # its holder does not answer
    "left_behind",  # its holder is alive and has no job on it
    "holder_not_told",  # RESERVE of SPC-2, and none or several could be the holder
    "unreadable",  # the drive does not answer anybody who was asked
    "contradiction",  # the drive and the drive table do not say the same
    "stopped",  # sharing is stopped
    "owed",  # some have not confirmed its newest change
    "taken",  # it is free, and we have it offline somewhere
    "administrator",  # it is free, and somebody else has set it offline somewhere
    "registered",  # it is free, and somebody is registered, so that RESERVE of SPC-2 is refused
    "free",
)
#: What says that somebody holds the drive.
HELD = ("fenced", "job", "unclear", "unknown_port", "holder_down", "left_behind", "holder_not_told")
#: Of several holders the one that forbids most comes first.
_HOLDING = ("job", "unclear", "unknown_port", "holder_down", "left_behind")


@dataclass(frozen=True)
class Finding:
    """One thing that is found, with a sentence for people. ``hosts``: those concerned."""

    name: str
    message: str
    hosts: tuple[str, ...] = ()


def findings(case: Case) -> tuple[Finding, ...]:
    """Say what is found, by the order of `FINDINGS`; there is always one."""
    found = [*_error(case), *_holding(case), *_table(case), *_applications(case)]
    if case.row is None and not case.seen and case.answer.state == "unknown":
        found.append(Finding(
            "not_known",
            f"No host sees drive {case.drive} by the drive table's associations, and no change of it is recorded. Look at the number; "
            "if it is right, run the playbook host_facts.",
        ))
    if not found:
        found.append(Finding("free", f"Nobody holds drive {case.drive}, and no application that was asked has it offline."))
    return tuple(sorted(found, key=lambda one: FINDINGS.index(one.name)))


def jobs(said: Sequence[Said]) -> tuple[Said, ...]:
    """Give those whose application has a job on the drive."""
    return tuple(one for one in said if one.in_use and not one.problem)


def offline(case: Case, *, taken: bool) -> tuple[Said, ...]:
    """Give the applications that have the drive offline, by us or by others."""
    return tuple(one for one in case.said if one.state == "offline" and one.taken is taken and not one.problem)


def disagree(case: Case) -> bool:
    """Whether the drive and the drive table do not say the same, as far as both can be read."""
    state, row = case.answer.state, case.row
    if state == "unknown" or case.answer.fenced or (row or {}).get("error_state"):
        return False
    if row is None:
        return state != "free"
    if (row["status"] == "reserved") != (state != "free"):
        return True
    now, then = ({(one.protocol, one.id) for one in ports if one.id} for ports in (case.answer.holders, case.row_holders))
    return state == "persistent" and bool(now) and bool(then) and now != then


def _error(case: Case) -> list[Finding]:
    state = (case.row or {}).get("error_state")
    if state:
        words = {"forcing": "is being put into its error state", "clearing": "is being taken out of its error state"}
        reason = str((case.row or {}).get("error_reason") or "no reason is recorded")
        return [Finding(
            "error_state", f"Drive {case.drive} {words.get(str(state), 'is in its error state, where nobody can use it')}: {reason}"
        )]
    if case.answer.fenced:
        return [Finding(
            "fenced",
            f"A controller of this site holds drive {case.drive} to keep everybody else away, and the drive table knows of no error state: "
            "what put it there did not come to its end, or another controller did it.",
        )]
    return []


def _holding(case: Case) -> list[Finding]:
    """Say who holds the drive by its own answer, and whether he uses it."""
    answer = case.answer
    if answer.state == "unknown":
        if case.row is None and not case.seen:
            return []
        return [Finding(
            "unreadable",
            f"Who holds drive {case.drive} by its own answer cannot be told: {answer.why}. The drive is switched off, its path is broken, or no "
            "host with sg_raw and the right to use it was asked. What is said of its holder is the drive table's.",
        )]
    if answer.fenced or answer.state == "free":
        return []
    if answer.state == "spc2":
        return [_holder_of_spc2(case)]
    found = [_holder(case, one) for one in answer.holders] or [_holder(case, Owner(None, None))]
    worst = min(found, key=lambda one: _HOLDING.index(one.name))
    if len(found) == 1:
        return [worst]
    hosts = tuple(dict.fromkeys(host for one in found for host in one.hosts))
    return [Finding(worst.name, f"Drive {case.drive} has {len(found)} holders. {worst.message}", hosts)]


def _holder(case: Case, owner: Owner) -> Finding:
    """Say of one port whether its host is alive and uses the drive."""
    if owner.id is None:
        return Finding(
            "unknown_port",
            f"Somebody holds drive {case.drive}, and the drive does not tell whose port that is. Ask the servers that see it, or name the ports of its keys "
            "(keys, of the detector scsi).",
        )
    if not owner.hosts:
        return Finding(
            "unknown_port",
            f"{owner.name} holds drive {case.drive}. It is a server without facts (run the playbook host_facts there, or "
            "name its ports in drive_sharing_ports), or one that is not of this site.",
        )
    return _of_host(case, owner.hosts, f"{owner.name} holds drive {case.drive}")


def _of_host(case: Case, hosts: tuple[str, ...], holds: str) -> Finding:
    said = [one for host in hosts for one in case.of_host(host)]
    busy = jobs(said)
    if busy:
        who = some(sorted({f"{one.instance} ({one.application})" for one in busy}))
        return Finding("job", f"{holds}, and {who} has a job on it: the drive is in use as it should be.", hosts)
    alive = [case.alive.get(host) for host in hosts]
    if False in alive and True not in alive:
        seen = [f"{host} wrote its facts on {moment(case.updated[host])}" for host in hosts if host in case.updated]
        return Finding(
            "holder_down",
            f"{holds}, and {some(hosts)} does not answer{' (' + '; '.join(seen) + ')' if seen else ''}. That does not prove that it writes nothing any "
            "more: it may be alive and only not reached from here.",
            hosts,
        )
    blind = [one for one in said if one.problem or one.in_use is None]
    if blind or not said or None in alive or False in alive:
        why = "; ".join(
            f"{one.instance} ({one.application}): {one.problem or 'does not show whether it has a job on it'}" for one in blind
        ) or ("not all of its hosts answer" if None in alive or False in alive else "it has no application that can be asked")
        return Finding("unclear", f"{holds}, and whether a job is running there cannot be told: {why}.", hosts)
    who = some(sorted({f"{one.instance} ({one.application})" for one in said}))
    return Finding(
        "left_behind",
        f"{holds}, {some(hosts)} is alive, and {who} shows no job on it: it seems that the reservation was left behind.", hosts,
    )


def _holder_of_spc2(case: Case) -> Finding:
    answer = case.answer
    busy = jobs(case.said)
    if answer.spc2_holder and not busy:
        return _of_host(case, (answer.spc2_holder,), f"{answer.spc2_holder} holds drive {case.drive} by RESERVE of SPC-2 ({answer.why})")
    if len({one.instance for one in busy}) == 1:
        who = f"{busy[0].instance} ({busy[0].application})"
        hosts = tuple(sorted({one.host for one in busy}))
        return Finding(
            "job", f"Drive {case.drive} is reserved by RESERVE of SPC-2, and {who} has a job on it: the drive is in use as it should be.", hosts
        )
    holds = f"Somebody holds drive {case.drive} by RESERVE of SPC-2, and who cannot be told: {answer.why or 'nobody was asked'}."
    if busy:
        who = some(sorted({one.instance for one in busy}))
        return Finding("job", f"{holds} By their applications, {who} each have a job on it.", tuple(sorted({one.host for one in busy})))
    down = tuple(host for host in case.seen if case.alive.get(host) is False)
    return Finding("holder_not_told", holds + (f" {some(down)} sees the drive and does not answer, so may be the holder." if down else ""), down)


def _table(case: Case) -> list[Finding]:
    found = []
    if disagree(case):
        found.append(Finding(
            "contradiction", f"Drive {case.drive} itself and the drive table do not say the same of who holds it; what the drive says counts."
        ))
    if case.stopped_since:
        found.append(Finding("stopped", f"Sharing is stopped since {case.stopped_since}: no drive is set offline any more, and none forced."))
    if case.owed:
        who = some(sorted({f"{one['instance']} on {one['host']} ({one.get('reason') or one.get('outcome') or 'no answer yet'})" for one in case.owed}))
        hosts = tuple(sorted({str(one["host"]) for one in case.owed}))
        found.append(Finding("owed", f"The newest change of drive {case.drive} is not confirmed by {who}.", hosts))
    return found


def _applications(case: Case) -> list[Finding]:
    """Say who cannot use the drive although nobody holds it."""
    if case.answer.state != "free" or (case.row or {}).get("error_state"):
        return []
    found = []
    ours, others = offline(case, taken=True), offline(case, taken=False)
    if ours:
        who = some([f"{one.instance} on {one.host}" for one in ours])
        found.append(Finding("taken", f"Drive {case.drive} is free, and this collection has it offline in {who}.", tuple(one.host for one in ours)))
    if others:
        who = some([f"{one.instance} on {one.host}" for one in others])
        found.append(Finding(
            "administrator",
            f"Drive {case.drive} is free, and is offline in {who}, not by this collection: an administrator, or the product itself, did that.",
            tuple(one.host for one in others),
        ))
    if case.answer.registered:
        found.append(Finding(
            "registered",
            f"Nobody holds drive {case.drive}, and {case.answer.registered} {'is' if case.answer.registered == 1 else 'are'} registered for persistent "
            "reservations: as long as that is so, an application that reserves by RESERVE of SPC-2 is refused.",
        ))
    return found


def by_drive(case: Case) -> str:
    """Say who holds it by the drive's own answer."""
    answer = case.answer
    if answer.state == "unknown":
        return f"it cannot be told: {answer.why}"
    if answer.state == "free":
        return "nobody holds it" + (f", with {answer.registered} registered" if answer.registered else "")
    if answer.state == "spc2":
        return "somebody has reserved it by RESERVE of SPC-2"
    holders = "; ".join(one.name for one in answer.holders) or "somebody who cannot be read"
    return f"it is reserved by {holders} ({answer.type or 'persistent'})"


def by_table(case: Case) -> str:
    """Say who holds it by the drive table."""
    row = case.row
    if row is None:
        return "no change of it is recorded"
    when = f"change {row['sequence']}, seen by {row['detector']} at {row['observed_at']}"
    if row["status"] != "reserved":
        return f"nobody holds it ({when})"
    return f"it is reserved by {'; '.join(one.name for one in case.row_holders) or 'somebody who cannot be read'} ({when})"


def moment(seconds: float) -> str:
    """Write a time for people."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
