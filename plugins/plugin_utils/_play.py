# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbooks do with the drive table: claim a batch and plan it, end its handshake, force and clear errors.

Every function is one transaction. Private: may change at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _associations,
    _changes,
    _dispatch,
    _error_state,
    _history,
    _plan,
    _sharing,
    _silence,
    _views,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import REFUSED, Ask, meaning
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._decision import ASKED_AGAIN
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import Policy

#: The version of the event that the dispatcher emits; a play refuses a newer one.
EVENT_VERSION = 1

#: Seconds that a claim outlives the longest act: the handshake's verdict and the library's call.
LIBRARY_SECONDS = 300
#: Seconds more for each call of the library.
ERRAND_SECONDS = 30
#: Answers of one kind that one play tells of; the history has all.
TOLD = 5


@dataclass
class Claimed:
    """A claimed batch with its plan."""

    batch: str
    claimed: bool
    hosts: list[str] = field(default_factory=list)
    drives: list[dict[str, Any]] = field(default_factory=list)
    not_asked: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    act_timeout: int = 1
    message: str = ""


def claim(
    store: Any, batch: str, claimer: Mapping[str, Any], inventory: Collection[str], sharing: Collection[str],
    forks: int, policy_of: Callable[[str], Policy], now: float,
) -> Claimed:
    """Claim a batch and say who is to be asked.

    ``inventory``: the inventory's hosts; ``sharing``: those that should have associations; ``policy_of``: a host's.
    """
    with store.write() as tx:
        got = _dispatch.claim(tx, batch, dict(claimer), LIBRARY_SECONDS, now)
        if got is None:
            return Claimed(batch, False, message=(
                f"Batch {batch} is not there to be claimed: it is done, or another play has it; nothing was done."
            ))
        result = Claimed(batch, True, drives=[dict(row) for row in got.drives])
        drives = [row["drive"] for row in got.drives]
        ports = [holder for row in got.drives for holder in row["holders"] if holder.get("id")]
        associations = _associations.lookup(tx, drives, ports)
        plan = _plan.make(
            got.drives, associations, inventory, _dispatch.silent(tx, drives), _views.taken(tx, drives)
        )
        for drive, why in plan.settled.items():
            _dispatch.settle_now(tx, batch, drive, why, now)
        _dispatch.expect(tx, batch, plan.asks, now)
        asked = _dispatch.hosts_to_ask(tx, batch)
        result.hosts = sorted(asked)
        result.not_asked = plan.settled
        result.warnings = plan.warnings + _missing_facts(tx, sharing) + _few_forks(forks, asked)
        result.act_timeout = max((policy_of(host).act_seconds(n) for host, n in asked.items()), default=1)
        # A host that is slow to be turned to has its time counted from then: with few forks that is later.
        rounds = -(-max(1, len(asked)) // max(1, forks))
        _dispatch.extend(tx, batch, now + result.act_timeout * rounds + LIBRARY_SECONDS)
        for message in plan.warnings:
            _history.add(tx, now, "alert", message)
        return result


def _missing_facts(tx: Any, sharing: Collection[str]) -> list[str]:
    if not sharing:
        return []
    known = _associations.hosts_with_facts(tx)
    missing = sorted(set(sharing) - set(known))
    if not missing:
        return []
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    return [
        f"Facts missing: nothing is known of the drives and ports of {', '.join(missing[:5])}{more}, so no drive is"
        " looked after there; run the playbook host_facts."
    ]


def _few_forks(forks: int, asked: Mapping[str, int]) -> list[str]:
    if forks >= len(asked):
        return []
    return [
        f"forks is {forks}, but {len(asked)} control points are asked at once: the last ones wait for the first."
        " Set forks to at least that number (ANSIBLE_FORKS)."
    ]


def asks_of(store: Any, batch: str, host: str, missing_days: float = Policy.missing_days) -> list[dict[str, Any]]:
    """Give what a host is asked, as rows with the key ``ask`` and the application of the instance."""
    with store.read() as tx:
        rows = _dispatch.work(tx, batch, host, missing_days)
        stopped = _sharing.since(tx) is not None
    found = []
    for row in rows:
        ask = Ask(
            drive=row["drive"], instance=row["instance"], sequence=row["sequence"], relation=row["relation"],
            status=row["status"], holders=tuple(row["holders"]), attempt=row["attempt"],
            table_sequence=row["table_sequence"], taken=bool(row["taken"]),
            error_state=row["error_state"] in ("forcing", "error", "clearing"),
            devices=tuple(row["devices"]), connected=row["connected"],
            stopped=stopped, elsewhere={other: tuple(files) for other, files in row["elsewhere"].items()},
        )
        found.append({"ask": ask, "application": row["application"]})
    return found


def confirm(store: Any, batch: str, rows: list[dict[str, Any]], behind: Mapping[str, int], now: float) -> None:
    """Write what a control point answered; ``behind``: drives whose record is newer than the table, with its number."""
    with store.write() as tx:
        _dispatch.confirm(tx, batch, rows, now)
        for drive, sequence in behind.items():
            try:
                _changes.raise_sequence(tx, drive, sequence, now)
            except InvalidValueError as exc:
                # A record that somebody wrote by hand: what was answered for other drives counts all the same.
                message = f"{exc}; it is asked about again. Remove the record once you know whether the drive was taken."
                _history.add(tx, now, "alert", message, drive)


@dataclass
class Handshake:
    """The end of a batch's handshake."""

    force: list[dict[str, Any]] = field(default_factory=list)
    undo: list[dict[str, Any]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)


@dataclass
class _Missing:
    """A drive that was not confirmed; ``fate``: owed, limit (no error state because of the limit) or error (it is in it)."""

    drive: str
    message: str
    said: dict[str, str]
    fate: str


@dataclass
class _Judging:
    """What a handshake goes by, and what it finds."""

    policy: Policy
    room: _error_state.Room
    now: float
    result: Handshake
    missing: list[_Missing] = field(default_factory=list)
    overtaken: list[str] = field(default_factory=list)
    #: Outcome to sentences that are new.
    news: dict[str, list[str]] = field(default_factory=dict)


def handshake(store: Any, batch: str, policy: Policy, now: float) -> Handshake:
    """Say which drives are settled, which are owed, and which are to be put into their error state."""
    result = Handshake()
    with store.write() as tx:
        if _sharing.since(tx) is not None:
            policy = replace(policy, error_on=())
        judging = _Judging(policy, _error_state.Room(tx, policy.error_limit, now), now, result)
        for verdict in _dispatch.verdict(tx, batch, now):
            drive = verdict["drive"]
            state = _changes.state(tx, drive) or {}
            row = {**state, **verdict}
            if row["forcing_left"] and not row["overtaken"] and row["settled"]:
                # An earlier play died between its call and its result, and now everybody has confirmed.
                result.undo.append(_errand(row, []))
                continue
            if row["held"] and row["settled"] and _nobody(state, verdict):
                message = (
                    f"{_what(row)}: none of its control points is in the inventory, so nobody was asked; it is owed."
                )
                result.messages.append(message)
                _history.news(tx, now, "silent", message, drive, row["sequence"])
                continue
            if row["settled"]:
                result.settled.append(drive)
                continue
            if row["overtaken"]:
                judging.overtaken.append(drive)
                continue
            _judge(tx, row, judging)
        _tell(judging)
        _report(tx, batch, judging)
        for kind, messages in judging.news.items():
            result.alerts += messages[:TOLD]
            if len(messages) > TOLD:
                result.alerts.append(f"And {len(messages) - TOLD} more drives with the answer {kind}; the history of the drive table has them.")
        errands = len(result.force) + len(result.undo)
        if errands:
            _dispatch.extend(tx, batch, now + LIBRARY_SECONDS + ERRAND_SECONDS * errands)
        else:
            _dispatch.finish(tx, batch, now)
    return result


def _tell(judging: _Judging) -> None:
    """Put what is missing into sentences: one for each drive, or one for all where there are many."""
    messages = judging.result.messages
    missing, overtaken = judging.missing, judging.overtaken
    if len(missing) <= _silence.FEW:
        messages += [one.message for one in missing]
    else:
        message = f"{_silence.many((one.drive, one.said) for one in missing)}; they are owed and asked again."
        limited = sum(one.fate == "limit" for one in missing)
        if limited:
            message += f" {limited} of them are not put into their error state: {_error_state.limit_reached(judging.policy.error_limit)}."
        stay = sum(one.fate == "error" for one in missing)
        if stay:
            message += f" {stay} of them are in their error state and stay so."
        messages.append(message)
    if len(overtaken) <= _silence.FEW:
        messages += [f"Drive {drive}: a newer change has come meanwhile and is dispatched next." for drive in overtaken]
    else:
        messages.append(
            f"{len(overtaken)} drives ({_silence.some(overtaken)}): newer changes have come meanwhile and are dispatched next."
        )


def _what(row: Mapping[str, Any]) -> str:
    return f"Drive {row['drive']} (change {row['sequence']}, {row['status']})"


def _nobody(state: Mapping[str, Any], verdict: Mapping[str, Any]) -> bool:
    """Nothing is missing only because nobody could be asked: the table has not settled the drive."""
    return state["settled"] < verdict["sequence"] and state["error_state"] in ("", "error")


def _report(tx: Any, batch: str, judging: _Judging) -> None:
    """What is settled, and still a person has to know of it; once for each change."""
    now = judging.now
    for answer in _views.answers_of(tx, batch, "kept"):
        if answer["state_read"] != "offline":
            continue
        message = (
            f"Drive {answer['drive']} is offline in {answer['instance']} on {answer['host']}, and not by drive_sharing:"
            " it is left as it is, also when the drive is released, until a person sets it online."
        )
        key = (answer["drive"], answer["sequence"], answer["host"], answer["instance"])
        if _history.news(tx, now, "kept", message, *key):
            judging.news.setdefault("kept", []).append(message)
    users: dict[str, list[dict[str, Any]]] = {}
    for answer in _views.answers_of(tx, batch, "presumed_own"):
        users.setdefault(answer["drive"], []).append(answer)
    for drive, answers in users.items():
        instances = sorted({answer["instance"] for answer in answers})
        if len(instances) > 1:
            message = (
                f"Drive {drive} is reserved by a port that cannot be read, and {' and '.join(instances)} all show it"
                " in use; nothing was set. Find out which of them really uses it."
            )
            if _history.news(tx, now, "alert", message, drive, answers[0]["sequence"]):
                judging.news.setdefault("presumed_own", []).append(message)


def _errand(row: Mapping[str, Any], hosts: list[str]) -> dict[str, Any]:
    return {
        "drive": row["drive"], "sequence": row["sequence"], "attempt": row["attempt"], "hosts": hosts,
        "library": row.get("library"),
    }


def _may_be_wrong(answer: Mapping[str, Any]) -> bool:
    """Whether the drive may be online there although another instance holds it.

    One that had confirmed this very change, and is only looked at again, is owed: a director that is restarted must not cost
    the holder its drive. It is another matter if the drive was read to be online there. What another site's controller manages
    is that one's affair.
    """
    if answer["outcome"] == REFUSED:
        return False
    return answer["relation"] != "own" and (answer["state_read"] == "online" or not answer["confirmed_once"])


def _judge(tx: Any, row: Mapping[str, Any], judging: _Judging) -> None:
    drive, sequence = row["drive"], row["sequence"]
    now, policy = judging.now, judging.policy
    what = _what(row)
    for answer in row["pending"]:
        why = answer["reason"] or meaning(answer["outcome"])
        message = f"{what}: {answer['host']} answered {answer['outcome']}: {why}; it is asked again."
        if _history.news(tx, now, "alert", message, drive, sequence, answer["host"], answer["instance"]):
            judging.news.setdefault(answer["outcome"], []).append(message)
    silent = [answer for answer in row["silent"] if answer["outcome"] not in ASKED_AGAIN]
    if not silent:
        return
    # Only instances other than the holder's can have the drive online wrongly.
    others = sorted({answer["host"] for answer in silent if _may_be_wrong(answer)})
    said = {answer["host"]: answer["reason"] or f"no answer within {policy.handshake_timeout} s" for answer in silent}
    message = f"{what} was not confirmed by {_silence.by_whom(said)}"
    free = row["error_state"] == "" or row["forcing_left"]
    fate = "owed"
    if others and row["status"] in policy.error_on and free and policy.mode == "enforce":
        limited = judging.room.take(drive, others)
        if not limited:
            fate = ""
            judging.result.force.append({**_errand(row, others), "reason": f"{message}."})
        else:
            fate = "limit"
            message += f"; it is owed and asked again, but not put into its error state: {limited}"
    elif row["error_state"] == "error":
        fate = "error"
        message += "; the drive is in its error state and stays so; what is missing is owed"
    else:
        message += "; it is owed and asked again"
    message += "."
    if fate:
        judging.missing.append(_Missing(drive, message, said, fate))
    where = (silent[0]["host"], silent[0]["instance"]) if len(silent) == 1 else (None, None)
    _history.news(tx, now, "silent", message, drive, sequence, *where)


def end(store: Any, batch: str, now: float) -> None:
    """End a batch after its errors were forced: what is not settled is owed."""
    with store.write() as tx:
        _dispatch.finish(tx, batch, now)
