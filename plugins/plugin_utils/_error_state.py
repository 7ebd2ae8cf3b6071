# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drive's error state in the table: forced only under a claim, undone if the claim was lost (design 4.3 I4, I9).

Private: may change at any time.

``error_state`` goes '' -> forcing (the library is being called) -> error -> clearing -> ''. A call whose claim was lost
goes forcing -> clearing -> ''.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _changes,
    _handshake,
    _history,
    _identifiers,
    _silence,
)

#: The hour of drive_sharing_error_limit.
LIMIT_SECONDS = 3600.0


def begin_error(
    tx: Any,
    batch: str,
    drive: str,
    sequence: int,
    attempt: int,
    hosts: Sequence[str],
    limit: int,
    now: float,
) -> tuple[bool, str]:
    """Ask, right before the library is called, whether it may be: (True, '') or (False, one sentence).

    ``hosts``: the silent control points on whose account the drive is forced; ``limit``: how many drives each of them may
    bring into the error state within an hour, 0 = no limit.
    """
    row = _row(tx, drive)
    silent = [_identifiers.host_name(host) for host in hosts]
    kind, why = "error_refused", _against(tx, row, (batch, sequence, attempt), silent, now)
    if not why:
        kind, why = "error_limit", Room(tx, limit, now).take(drive, silent)
    if why:
        message = f"Drive {drive} was not put into its error state: {why}."
        _history.add(tx, now, kind, message, drive, sequence)
        return False, message
    tx.execute(
        "UPDATE drives SET error_state = 'forcing', error_since = ?, error_sequence = ?, error_attempt = ?,"
        " error_reason = ? WHERE drive = ?",
        (now, sequence, attempt, f"no confirmation from {_silence.some(silent)}", drive),
    )
    tx.many(
        "INSERT INTO forced (host, drive, at) VALUES (?, ?, ?) ON CONFLICT (host, drive) DO UPDATE SET at = excluded.at",
        [(host, drive, now) for host in silent],
    )
    message = f"Drive {drive} is being put into its error state: no confirmation from {_silence.some(silent)}."
    _history.add(tx, now, "error_forcing", message, drive, sequence)
    return True, ""


def _row(tx: Any, drive: str) -> dict[str, Any] | None:
    rows = tx.execute("SELECT * FROM drives WHERE drive = ?", (drive,))
    return rows[0] if rows else None


def _holds(row: Mapping[str, Any] | None, claim: tuple[str, int, int], now: float) -> bool:
    """I9: batch, sequence and attempt are still the drive's newest, and the lease is not over."""
    return (
        row is not None
        and (row["batch"], row["claimed_sequence"], row["attempt"]) == claim
        and row["sequence"] == claim[1]
        and (row["lease_until"] or 0) > now
    )


def _against(
    tx: Any, row: dict[str, Any] | None, claim: tuple[str, int, int], silent: list[str], now: float
) -> str:
    if row is None:
        return "the drive table does not have it"
    if row["sequence"] > claim[1]:
        return f"change {row['sequence']} has come meanwhile and is dealt with next"
    if not _holds(row, claim, now):
        return "this play's claim on it is over, and another play deals with it"
    if row["error_state"] == "error":
        return "it is in its error state already"
    if row["error_state"] and not _handshake.left_half_done(row, claim[2], now):
        return "its error state is being set or cleared at this moment"
    missing = {
        answer["host"]
        for answer in tx.execute(
            "SELECT host FROM answers WHERE drive = ? AND sequence = ? AND expected = 1 AND confirmed = 0",
            (row["drive"], claim[1]),
        )
    }
    if not missing & set(silent):
        return "every control point has confirmed meanwhile"
    return ""


class Room:
    """How many more drives each silent control point may bring into the error state within the hour; 0: no limit."""

    def __init__(self, tx: Any, limit: int, now: float) -> None:
        self._limit = limit
        self._forced: dict[str, set[str]] = {}
        # A time in the future was written before somebody set the clock back.
        rows = tx.execute(
            "SELECT host, drive FROM forced WHERE at > ? AND at <= ?", (now - LIMIT_SECONDS, now + 60.0)
        ) if limit > 0 else ()
        for row in rows:
            self._forced.setdefault(row["host"], set()).add(row["drive"])

    def take(self, drive: str, silent: Sequence[str]) -> str:
        """Make use of the room for one drive; else say why there is none."""
        if self._limit <= 0:
            return ""
        for host in silent:
            count = len(self._forced.get(host, set()) - {drive})
            if count >= self._limit:
                return f"{limit_reached(self._limit)}; see what {host} suffers from"
        for host in silent:
            self._forced.setdefault(host, set()).add(drive)
        return ""


def limit_reached(limit: int) -> str:
    """Why no more drives are put into the error state."""
    drives = "drive" if limit == 1 else "drives"
    return f"the limit of {limit} {drives} an hour for one silent control point is reached (drive_sharing_error_limit)"


def finish_error(
    tx: Any, batch: str, drive: str, sequence: int, attempt: int, ok: bool, reason: str, now: float
) -> str:
    """After the library's call: ``error`` (it stands), ``undo`` or ``failed``.

    ``undo``: the claim was lost meanwhile; clear the error state at the library, then call error_undone(). ``failed``: the
    library did not do it; the drive stays owed. ``reason``: what the library said, or why it was forced.
    """
    row = _row(tx, drive)
    said = _history.clean(reason.removesuffix("."), 500)  # it becomes a part of a sentence
    ours = row is not None and row["error_state"] == "forcing" and row["error_attempt"] == attempt
    if not ok:
        if ours:
            _forget(tx, drive, f"the library failed: {said}" if said else "the library failed")
            tx.execute("DELETE FROM forced WHERE drive = ?", (drive,))
        message = f"Drive {drive} could not be put into its error state: {said or 'the library failed'}."
        _history.add(tx, now, "error_failed", message, drive, sequence)
        if ours:
            _without_error(tx, drive, now)
        return "failed"
    later = row is not None and (row["error_attempt"] or 0) > attempt
    if row is not None and (
        (later and row["error_state"] == "forcing") or (row["error_state"] == "error" and (row["error_attempt"] or 0) >= attempt)
    ):
        # A later play wants the same, and now it is so whether its own call succeeds or not; or this was told before.
        _stands(tx, row, said, now)
        return "error"
    if row is not None and ours and _holds(row, (batch, sequence, attempt), now):
        _stands(tx, row, said, now)
        return "error"
    if row is not None:
        # So that nobody forces it again until ours is undone: the clearing would come after the forcing.
        tx.execute(
            "UPDATE drives SET error_state = 'clearing', error_since = ?, error_attempt = ?, due = COALESCE(due, ?)"
            " WHERE drive = ?",
            (now, attempt, now + _handshake.CLEARING_SECONDS, drive),
        )
    message = f"Drive {drive} was put into its error state, but the claim on it was lost meanwhile; this is undone."
    _history.add(tx, now, "error_undo", message, drive, sequence)
    return "undo"


def _stands(tx: Any, row: Mapping[str, Any], said: str, now: float) -> None:
    """The drive is in its error state: settled in that sense; what is owed stays owed."""
    drive, sequence = row["drive"], row["error_sequence"] or row["sequence"]
    if row["error_state"] == "error":
        return
    tx.execute(
        "UPDATE drives SET error_state = 'error', error_since = ?, error_reason = ?,"
        " settled_why = CASE WHEN settled > ? THEN settled_why ELSE ? END,"
        " settled = CASE WHEN settled > ? THEN settled ELSE ? END WHERE drive = ?",
        (now, said or row["error_reason"], sequence, _handshake.IN_ERROR, sequence, sequence, drive),
    )
    message = f"Drive {drive} is in its error state: {said or row['error_reason']}."
    _history.add(tx, now, "error", message, drive, sequence)


def _forget(tx: Any, drive: str, reason: str = "") -> None:
    tx.execute(
        "UPDATE drives SET error_state = '', error_since = NULL, error_sequence = NULL, error_attempt = NULL,"
        " error_reason = ? WHERE drive = ?",
        (reason, drive),
    )


def _without_error(tx: Any, drive: str, now: float) -> None:
    """The error state is gone, or did not come: settle the drive, but ask again where it was only held because of it."""
    held = tx.execute("SELECT 1 FROM answers WHERE drive = ? AND expected = 1 AND outcome = 'held' LIMIT 1", (drive,))
    if held:
        _changes.again(tx, drive, now)
    else:
        _handshake.settle_confirmed(tx, [drive], now)


def error_undone(tx: Any, drive: str, now: float) -> None:
    """The library says that an error state which we had forced is gone again."""
    row = _row(tx, drive)
    if row is None:
        return
    _forget(tx, drive)
    tx.execute("DELETE FROM forced WHERE drive = ?", (drive,))
    if row["error_state"] == "error" or (row["error_state"] and row["settled_why"] == _handshake.IN_ERROR):
        # The drive counted as settled because of the error state that is gone now.
        _changes.again(tx, drive, now)
    _history.add(tx, now, "error_undone", f"Drive {drive}: its error state was undone.", drive, row["error_sequence"])
    _without_error(tx, drive, now)


def begin_clear(tx: Any, drive: str, now: float) -> tuple[bool, str]:
    """A person clears the error state: (True, '') before the library is called, or (False, one sentence)."""
    row = _row(tx, drive)
    if row is None:
        return False, f"Drive {drive} is not in the drive table; nothing was changed."
    if row["error_state"] == "":
        return False, f"Drive {drive} is not in its error state as far as the drive table knows; nothing was changed."
    if row["error_state"] == "forcing" and (row["lease_until"] or 0) > now and row["error_attempt"] == row["attempt"]:
        return False, f"Drive {drive} is being put into its error state at this moment; nothing was changed. Try again."
    # If nobody comes back to say that it was cleared, a play looks after it.
    tx.execute(
        "UPDATE drives SET error_state = 'clearing', error_since = ?, due = COALESCE(due, ?) WHERE drive = ?",
        (now, now + _handshake.CLEARING_SECONDS, drive),
    )
    _history.add(tx, now, "clearing", f"Drive {drive}: its error state is being cleared.", drive, row["sequence"])
    return True, ""


def not_cleared(tx: Any, drive: str, reason: str, now: float) -> None:
    """The library did not clear the error state for a person: it stands as before."""
    tx.execute("UPDATE drives SET error_state = 'error' WHERE drive = ? AND error_state = 'clearing'", (drive,))
    if tx.rowcount:
        message = f"Drive {drive} stays in its error state: {_history.clean(reason, 500) or 'the library did not clear it'}."
        _history.add(tx, now, "error_failed", message, drive)


def cleared(tx: Any, drive: str, now: float, observation: Any = None) -> None:
    """The library says that the error state is gone: every control point is asked again.

    ``observation``: a level reading of the drive made after it.
    """
    row = _row(tx, drive)
    if row is None:
        return
    _forget(tx, drive)
    _history.add(tx, now, "cleared", f"Drive {drive}: its error state was cleared.", drive, row["sequence"])
    written = observation is not None and _changes.record(tx, [observation], now)[0].result == "written"
    if not written:
        # What was answered while it was in its error state does not count any more, nor what is on its way.
        _changes.again(tx, drive, now)
