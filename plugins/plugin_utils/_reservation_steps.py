# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carry out what `_reservation_plan` decides, and believe only what the drive says afterwards. Private: may change at any time.

A unit attention comes instead of an answer, and the command was not carried out then: it is sent again. Before each command that
changes something, TEST UNIT READY takes them away, as fence_scsi does. A conflict in the middle means that somebody else was
faster: the drive is read and it is decided again, a few times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _reservation_plan,
    _spc_out,
    _spc_sense,
    _spc_state,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._reservation_plan import Plan, Situation, Step
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Answer, Reading

#: How often it is decided anew because somebody else was faster.
ROUNDS = 3


class Send(Protocol):
    """Send a CDB with the bytes that come with it."""

    def __call__(self, cdb: bytes, length: int, out: bytes = b"") -> Answer:
        """Give what came back."""


@dataclass(frozen=True)
class Result:
    """What was done. ``problem``: one sentence, empty if it is as wanted; ``steps``: what was sent, in check mode what would be."""

    before: Reading
    after: Reading
    steps: tuple[Step, ...] = ()
    problem: str = ""
    message: str = ""


def bring(
    wanted: str,
    read: Callable[[], Reading],
    situation: Callable[[Reading], Situation],
    send: Send,
    reset: Callable[[], str],
    *,
    dry: bool = False,
) -> Result:
    """Read, decide, do, read back. ``reset`` resets the logical unit and gives what was wrong with that."""
    first = before = read()
    sent: list[Step] = []
    why = ""
    for _round in range(ROUNDS):
        now = situation(before)
        decided = _reservation_plan.plan(wanted, now)
        if decided.refusal or not decided.steps:
            return _without_steps(first, before, sent, decided)
        if dry:
            return Result(first, first, decided.steps)
        done, faster, why = _carry_out(decided.steps, send, reset)
        sent += done
        after = read()
        wrong = _reservation_plan.failed(wanted, now, after)
        if not wrong:
            return Result(first, after, tuple(sent))
        # Nothing failed, and yet another holds it: he came between the reading and the commands.
        faster = faster or (not why and after.holders != before.holders)
        before, why = after, f"{why}; {wrong}" if why else wrong
        if not faster:
            break
    after = _tidy(situation(before), sent, send, read)
    return Result(first, after, tuple(sent), f"Drive {situation(first).drive} is not {wanted}: {why}.")


def _without_steps(first: Reading, before: Reading, sent: Sequence[Step], decided: Plan) -> Result:
    problem = decided.refusal
    if sent and problem:
        problem = problem.replace("Nothing was changed.", "Somebody else was faster; what was begun has no effect.")
    return Result(first, before, tuple(sent), problem, decided.message)


def _carry_out(steps: Sequence[Step], send: Send, reset: Callable[[], str]) -> tuple[list[Step], bool, str]:
    """Give what was sent, whether somebody else was faster, and what went wrong."""
    done: list[Step] = []
    for step in steps:
        done.append(step)
        if step.action is None:
            why = reset()
            if why:
                return done, False, f"{step.words}: {why}"
            continue
        _drain(send)
        kind, why = "again", ""
        for _turn in range(_spc_state.TURNS):
            answer = send(_spc_out.command(step.action, step.kind), 0, _spc_out.parameters(step.key, step.action_key))
            kind, why = _spc_state.judge(answer)
            if kind != "again":
                break
        if kind == "conflict":
            return done, True, f"{_spc_out.NAMES[step.action]}: it answered {_spc_sense.status_name(_spc_sense.CONFLICT)}"
        if kind != "good":
            return done, False, f"{_spc_out.NAMES[step.action]}: {why}"
    return done, False, ""


def _drain(send: Send) -> None:
    for _turn in range(_spc_state.TURNS):
        if _spc_state.judge(send(_spc_state.TEST_UNIT_READY, 0))[0] != "again":
            return


def _tidy(now: Situation, sent: list[Step], send: Send, read: Callable[[], Reading]) -> Reading:
    """Leave no registration of ours on a drive that we do not hold."""
    registered = any(step.action == _spc_out.REGISTER_AND_IGNORE and step.action_key for step in sent)
    if not registered or now.reading.fenced:
        return now.reading
    done, _faster, _why = _carry_out([_reservation_plan.unregister()], send, lambda: "")
    sent += done
    return read()
