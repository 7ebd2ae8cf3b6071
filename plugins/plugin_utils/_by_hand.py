# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Setting drives by hand, in order with the dispatcher: the drive is claimed meanwhile. Private: may change at any time."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _associations,
    _changes,
    _dispatch,
    _history,
    _identifiers,
    _plan,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import Answer, Ask
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: Words that any product can carry: no quotes, nothing that a shell or a template would look at.
_REASON = re.compile(r"[^\W_](?:[\w .,:!?/()+=@#*-]{0,78}[\w.!?)])?")
#: Seconds that such a claim lasts if its process vanishes without a trace.
LEASE = 600.0


@contextlib.contextmanager
def held(
    store: Any, drives: Sequence[str], instance: str, host: str, state: str, claimer: Mapping[str, Any],
    answers: Sequence[Answer], *, dry: bool, reason: str = ""
) -> Iterator[list[Ask]]:
    """Claim ``drives`` for the time of the body and give what to ask; the body fills ``answers``.

    Raises InvalidValueError where a drive is being handled, or where online would let the instance meet a conflict.
    ``dry``: check only, claim nothing. ``reason``: the person's, as ``checked_reason`` gives it.
    """
    batch = _identifiers.new_batch_id(store.now())
    with store.write() as tx:
        now = tx.now()
        rows = {drive: _changes.state(tx, drive) for drive in drives}
        known = {drive: row for drive, row in rows.items() if row is not None}
        asks = [replace(_ask(tx, drive, rows[drive], instance, host, state), reason=reason) for drive in drives]
        if not dry and known:
            _dispatch.emit(tx, list(known), batch, now)
            _dispatch.claim(tx, batch, dict(claimer), LEASE, now)
    try:
        yield asks
    finally:
        if not dry:
            with store.write() as tx:
                _release(tx, batch, known)
                _note(tx, [one for one in answers if one.confirmed], host, state, reason)


def checked_reason(text: object, what: str = "reason") -> str:
    """Give a person's reason; it goes to products, into records and the history. Empty: there is none."""
    if text is None or text == "":
        return ""
    if isinstance(text, str) and _REASON.fullmatch(text.strip()):
        return text.strip()
    msg = (
        f"{what} must be at most 80 letters, digits, blanks and .,:!?/()+=@#*_- on one line, beginning with a letter or digit,"
        f" not {_identifiers.shown(text)}"
    )
    raise InvalidValueError(msg)


def _ask(tx: Any, drive: str, row: Mapping[str, Any] | None, instance: str, host: str, state: str) -> Ask:
    if row is None:
        seen = _associations.lookup(tx, [drive], [])
        return Ask(drive, instance, 0, "none", status="released", by_hand=state, **_devices(seen, drive, instance, host))
    if row["batch"] is not None:
        msg = f"Drive {drive} is being handled by batch {row['batch']}; nothing was set. Try again in a few seconds."
        raise InvalidValueError(msg)
    ports = [holder for holder in row["holders"] if holder.get("id")]
    associations = _associations.lookup(tx, [drive], ports)
    view = _plan.relation(row["status"], row["holders"], instance, associations.owners)
    if state == "online" and row["error_state"]:
        msg = f"Drive {drive} is in its error state; nothing was set. Run the playbook clear_error first."
        raise InvalidValueError(msg)
    if state == "online" and view not in ("none", "own"):
        held_by = ", ".join(f"{port['protocol']} {port['id']}" for port in ports) or "an unknown port"
        msg = (
            f"Drive {drive} is reserved by {held_by}, so {instance} would meet a reservation conflict; nothing was set."
            " It is given back by itself when it is released."
        )
        raise InvalidValueError(msg)
    return Ask(
        drive, instance, row["sequence"], view, status=row["status"], holders=tuple(row["holders"]),
        table_sequence=row["sequence"], by_hand=state, **_devices(associations, drive, instance, host),
    )


def _devices(associations: Any, drive: str, instance: str, host: str) -> dict[str, Any]:
    """The device files of the drive on this host and on the others; there the same file may be another drive."""
    files: dict[str, tuple[str, ...]] = {
        other: tuple(some)
        for one in associations.instances_of(drive, managed_only=False) if one["instance"] == instance
        for other, some in one["devices"].items()
    }
    return {"devices": files.pop(host, ()), "elsewhere": files}


def _release(tx: Any, batch: str, known: Mapping[str, Mapping[str, Any]]) -> None:
    """End the claim. What made a drive due before or meanwhile is still to be done."""
    for drive, row in known.items():
        tx.execute(
            "UPDATE drives SET batch = NULL, claimed_sequence = NULL, lease_until = NULL, due = COALESCE(due, ?)"
            " WHERE drive = ? AND batch = ?",
            (row["due"], drive, batch),
        )
    _dispatch.finish(tx, batch, tx.now())


def _note(tx: Any, done: Sequence[Answer], host: str, state: str, reason: str) -> None:
    """What a person has set is the person's: it is not taken any more."""
    for answer in done:
        drive, instance = answer.ask.drive, answer.ask.instance
        tx.execute(
            "UPDATE answers SET taken = 0 WHERE drive = ? AND instance = ? AND host = ?", (drive, instance, host)
        )
        _history.add(
            tx, tx.now(), "by_hand", f"Drive {drive} was set {state} by hand in {instance} on {host}{': ' if reason else ''}{reason}.", drive,
            answer.ask.sequence, host, instance,
        )
