# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is asked about a drive, what settles it, and how a handshake stands (design 4.3 I1 to I5).

Private: may change at any time; offered through _dispatch. What control points answer is taken in by _confirm.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _change, _history, _identifiers, _rows
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: Answers that are no confirmation, and no silence either (design 4.2).
PENDING = ("busy", "floor")
#: A drive that vanished from a host is still asked about there: in service it is gone from the bus, and the application has
#: it all the same. After this time it counts as not connected (drive_sharing_missing_days).
MISSING_DAYS = 30
SCOPES = ("host", "instance")
#: Why a drive is settled that not everybody has confirmed.
IN_ERROR = "in its error state"
OBSERVED = "only observed"
#: How the reason of an answer begins that tells what was not done because of drive_sharing_mode.
WOULD = "would be set "
RELATIONS = ("none", "own", "foreign", "unknown", "ambiguous")

_ASK = """
    INSERT INTO answers (drive, instance, host, sequence, application, scope, relation, expected, asked_at, attempts)
    VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, 1)
    ON CONFLICT (drive, instance, host) DO UPDATE SET
        confirmed = CASE WHEN answers.sequence = excluded.sequence AND answers.relation = excluded.relation
            AND answers.application = excluded.application AND answers.scope = excluded.scope
            THEN answers.confirmed ELSE 0 END,
        confirmed_once = CASE WHEN answers.sequence = excluded.sequence AND answers.relation = excluded.relation
            AND answers.application = excluded.application AND answers.scope = excluded.scope
            THEN answers.confirmed_once ELSE 0 END,
        outcome = CASE WHEN answers.sequence = excluded.sequence THEN answers.outcome ELSE '' END,
        reason = CASE WHEN answers.sequence = excluded.sequence THEN answers.reason ELSE '' END,
        state_read = CASE WHEN answers.sequence = excluded.sequence THEN answers.state_read END,
        detail = CASE WHEN answers.sequence = excluded.sequence THEN answers.detail END,
        recheck_at = CASE WHEN answers.sequence = excluded.sequence THEN answers.recheck_at END,
        answered_at = CASE WHEN answers.sequence = excluded.sequence THEN answers.answered_at END,
        attempts = CASE WHEN answers.sequence = excluded.sequence THEN answers.attempts + 1 ELSE 1 END,
        sequence = excluded.sequence, application = excluded.application, scope = excluded.scope,
        relation = excluded.relation, expected = 1, asked_at = excluded.asked_at
"""


def expect(tx: Any, batch: str, plan: Iterable[Mapping[str, Any]], now: float) -> list[str]:
    """Write down whose answers settle the drives of a claim.

    Plan rows: drive, sequence, attempt, instance, host, application, scope (host or instance), relation. An answer that
    confirmed the same change, asked in the same way, stays confirmed. Rows of a claim that was lost are left out. Gives
    the drives that are settled at once, because nobody has to be asked any more. Raises InvalidValueError.
    """
    held = held_by(tx, batch)
    rows: list[tuple[Any, ...]] = []
    for ask in plan:
        row = held.get(ask["drive"])
        if row is None or (row["claimed_sequence"], row["attempt"]) != (ask["sequence"], ask["attempt"]):
            continue
        if ask["relation"] not in RELATIONS or ask["scope"] not in SCOPES:
            msg = f"A plan's relation must be one of {', '.join(RELATIONS)}, its scope one of {', '.join(SCOPES)}"
            raise InvalidValueError(msg)
        rows.append((
            ask["drive"], _identifiers.instance_name(ask["instance"]), _identifiers.host_name(ask["host"]),
            ask["sequence"], _history.clean(ask["application"], 64), ask["scope"], ask["relation"], now,
        ))
    drives = list(dict.fromkeys(row[0] for row in rows))
    _rows.execute_in(tx, "UPDATE answers SET expected = 0 WHERE drive IN {in}", drives)
    if rows:
        tx.many(_ASK, rows)
    # I2: what was taken is remembered for as long as it is.
    _rows.execute_in(tx, "DELETE FROM answers WHERE expected = 0 AND taken = 0 AND drive IN {in}", drives)
    # I1: a drive that was settled is not, as long as somebody who joined or is in doubt has not confirmed.
    _rows.execute_in(
        tx,
        "UPDATE drives SET settled = sequence - 1, settled_why = '' WHERE settled = sequence AND claimed_sequence = sequence"
        " AND settled_why <> ? AND drive IN {in} AND EXISTS"
        " (SELECT 1 FROM answers a WHERE a.drive = drives.drive AND a.expected = 1 AND a.confirmed = 0)",
        drives,
        before=(IN_ERROR,),
    )
    return settle_confirmed(tx, drives, now)


def held_by(tx: Any, batch: str) -> dict[str, dict[str, Any]]:
    rows = tx.execute("SELECT * FROM drives WHERE batch = ? AND claimed_sequence IS NOT NULL", (batch,))
    return {row["drive"]: row for row in rows}


def settle_confirmed(tx: Any, drives: Collection[str], now: float, quiet: Collection[str] = ()) -> list[str]:
    """Settle those of the drives whose expected answers are all there (I1); gives them. ``quiet``: nothing new is told of.

    Not while the library is being called for a drive: whoever called it has to hear first that it is not needed.
    """
    rows = _rows.select_in(
        tx,
        "SELECT d.drive, COALESCE(d.claimed_sequence, d.sequence) AS target, MIN(a.recheck_at) AS recheck_at,"
        " MAX(CASE WHEN a.reason LIKE ? THEN 1 ELSE 0 END) AS observed FROM drives d JOIN answers a ON a.drive = d.drive AND a.expected = 1"
        " WHERE d.error_state IN ('', 'error') AND d.drive IN {in}"
        " GROUP BY d.drive, d.claimed_sequence, d.sequence"
        " HAVING MIN(a.confirmed) = 1 AND MIN(a.sequence) = COALESCE(d.claimed_sequence, d.sequence)"
        " AND MAX(a.sequence) = COALESCE(d.claimed_sequence, d.sequence)",
        drives,
        before=(f"{WOULD}%",),
    )
    _settle(
        tx,
        [(row["drive"], row["target"], OBSERVED if row["observed"] else "confirmed", row["recheck_at"]) for row in rows],
        now, quiet,
    )
    return sorted(row["drive"] for row in rows)


def _settle(
    tx: Any, rows: list[tuple[str, int, str, float | None]], now: float, quiet: Collection[str] = ()
) -> None:
    """Settle (drive, sequence, why, recheck_at). What is due already was set by something newer, and stays."""
    if not rows:
        return
    tx.many(
        "UPDATE drives SET settled_why = CASE WHEN settled > ? THEN settled_why ELSE ? END,"
        " settled = CASE WHEN settled > ? THEN settled ELSE ? END, batch = NULL, claimed_sequence = NULL,"
        " lease_until = NULL, failures = 0, recheck_at = ?, due = COALESCE(due, ?) WHERE drive = ?",
        [(sequence, why, sequence, sequence, recheck, recheck, drive) for drive, sequence, why, recheck in rows],
    )
    _history.add_many(
        tx,
        [
            (now, "settled", f"Drive {drive}: change {sequence} is settled: {why}.", drive, sequence, None, None)
            for drive, sequence, why, _recheck in rows if drive not in quiet
        ],
    )


def settle_now(tx: Any, batch: str, drive: str, why: str, now: float) -> bool:
    """Settle a claimed drive that concerns nobody.

    False: the claim is lost, or a call of the library is half done, which verdict() tells as forcing_left.
    """
    row = held_by(tx, batch).get(drive)
    if row is None:
        return False
    tx.execute("UPDATE answers SET expected = 0 WHERE drive = ?", (drive,))
    tx.execute("DELETE FROM answers WHERE drive = ? AND taken = 0", (drive,))
    if row["error_state"] in ("forcing", "clearing"):
        return False
    _settle(tx, [(drive, row["claimed_sequence"], _history.clean(why, 500), None)], now)
    return True


def nothing_owed(tx: Any, row: Mapping[str, Any]) -> bool:
    """Whether a drive in a batch is settled with nothing left to confirm: one in its error state that all have confirmed."""
    if row["settled"] < row["sequence"] or row["error_state"] in ("forcing", "clearing"):
        return False
    owing = tx.execute(
        "SELECT 1 FROM answers WHERE drive = ? AND expected = 1 AND (confirmed = 0 OR sequence < ?) LIMIT 1",
        (row["drive"], row["sequence"]),
    )
    return not owing


def silent(tx: Any, drives: Collection[str]) -> dict[str, set[tuple[str, str]]]:
    """drive: (instance, host) that were asked about its present change before and neither confirmed nor put it off."""
    found: dict[str, set[tuple[str, str]]] = {}
    for row in _rows.select_in(
        tx,
        "SELECT a.drive, a.instance, a.host, a.outcome FROM answers a JOIN drives d ON d.drive = a.drive"
        " WHERE a.expected = 1 AND a.confirmed = 0 AND a.sequence = d.sequence AND a.drive IN {in}",
        drives,
    ):
        if row["outcome"] not in PENDING:
            found.setdefault(row["drive"], set()).add((row["instance"], row["host"]))
    return found


_ASKED = (
    " FROM drives d JOIN batch_drives b ON b.batch = d.batch AND b.drive = d.drive"
    " JOIN answers a ON a.drive = d.drive AND a.sequence = d.claimed_sequence"
    " WHERE d.batch = ? AND a.expected = 1 AND a.confirmed = 0"
)


def hosts_to_ask(tx: Any, batch: str) -> dict[str, int]:
    """host: number of answers that it still has to give for this batch."""
    rows = tx.execute(f"SELECT a.host, COUNT(*) AS number{_ASKED} GROUP BY a.host", (batch,))
    return {row["host"]: row["number"] for row in rows}


def work(tx: Any, batch: str, host: str, missing_days: float = MISSING_DAYS) -> list[dict[str, Any]]:
    """What this control point has to answer: one row for each drive and instance.

    Keys: drive, instance, host, application, scope, relation, attempts, sequence, attempt, status, holders, port,
    observed_at, library (the change as it was claimed), table_sequence (the newest change), error_state, taken (the copy:
    of the instance, where that has one state), lease_until, devices (this host's files of the drive), elsewhere (host:
    files, of the instance's other hosts), connected (a host of the instance sees the drive, or has lost it for less than ``missing_days``).
    """
    rows = tx.execute(
        "SELECT a.drive, a.instance, a.host, a.application, a.scope, a.relation, a.attempts, d.attempt,"  # noqa: S608
        " d.claimed_sequence AS sequence, d.sequence AS table_sequence, d.error_state, d.lease_until, b.change,"
        " (SELECT MAX(t.taken) FROM answers t WHERE t.drive = a.drive AND t.instance = a.instance"
        " AND (t.host = a.host OR a.scope = 'instance')) AS taken"
        f"{_ASKED} AND a.host = ? ORDER BY a.instance, a.drive",
        (batch, host),
    )
    drives = {row["drive"] for row in rows}
    files = {
        row["drive"]: _rows.loads(row["devices"]) or []
        for row in _rows.select_in(
            tx, "SELECT drive, devices FROM paths WHERE host = ? AND drive IN {in}", drives, before=(host,)
        )
    }
    seen: dict[tuple[str, str], dict[str, list[str]]] = {}
    for instance in {row["instance"] for row in rows}:
        for one in _rows.select_in(
            tx,
            "SELECT drive, host, devices FROM seen"
            " WHERE instance = ? AND (missing_since IS NULL OR missing_since > ?) AND drive IN {in}",
            drives,
            before=(instance, tx.now() - missing_days * 86_400.0),
        ):
            seen.setdefault((one["drive"], instance), {})[one["host"]] = _rows.loads(one["devices"]) or []
    found = []
    for row in rows:
        change = _claimed_change(row.pop("change"))
        if change is None:
            continue  # verdict() reports it
        hosts = seen.get((row["drive"], row["instance"]), {})
        row["taken"] = bool(row["taken"])
        row["devices"] = files.get(row["drive"], [])
        row["elsewhere"] = {other: some for other, some in sorted(hosts.items()) if other != host and some}
        row["connected"] = bool(hosts)
        found.append({**{key: change.get(key) for key in ("status", "holders", "port", "observed_at", "library")}, **row})
    return found


def verdict(tx: Any, batch: str, now: float) -> list[dict[str, Any]]:
    """How the handshake stands: each drive that this batch holds, and those that its answers have settled.

    Keys: drive, sequence, attempt, status, library, held, settled (nothing is missing), silent and pending (answers:
    instance, host, application, scope, relation, outcome, reason, state_read, confirmed_once, attempts, asked_at), overtaken
    (there is a newer change), error_state, forcing_left (a play that is gone left the library's call half done). ``now`` only tells
    how long a clearing has been going on.
    """
    rows = tx.execute(
        "SELECT b.drive, b.sequence, b.attempt, b.change, d.sequence AS table_sequence, d.batch, d.settled, d.library,"
        " d.error_state, d.error_since, d.error_attempt, d.attempt AS present_attempt"
        " FROM batch_drives b JOIN drives d ON d.drive = b.drive"
        " WHERE b.batch = ? AND b.attempt IS NOT NULL ORDER BY b.drive",
        (batch,),
    )
    rows = [row for row in rows if _intact(tx, row, batch, now)]
    held = [row["drive"] for row in rows if row["batch"] == batch]
    missing: dict[str, list[dict[str, Any]]] = {}
    for answer in _rows.select_in(
        tx, "SELECT * FROM answers WHERE expected = 1 AND confirmed = 0 AND drive IN {in}", held
    ):
        missing.setdefault(answer["drive"], []).append(answer)
    return [_judged(row, row["batch"] == batch, missing.get(row["drive"], []), now)
            for row in rows
            if row["batch"] == batch or (row["present_attempt"] == row["attempt"] and row["settled"] >= row["sequence"])]


def _claimed_change(text: Any) -> dict[str, Any] | None:
    """The change as it was claimed; None if it was damaged by hand."""
    change = _rows.loads(text)
    if not isinstance(change, dict):
        return None
    try:
        return _change.validate({key: change.get(key) for key in _change.KEYS})
    except InvalidValueError:
        return None


def _intact(tx: Any, row: dict[str, Any], batch: str, now: float) -> bool:
    """Decode a claimed change; a damaged one was not asked about, so it is dispatched again instead of judged."""
    row["change"] = _claimed_change(row["change"])
    if row["change"] is not None:
        return True
    if tx.writable and row["batch"] == batch:
        tx.execute(
            "UPDATE drives SET batch = NULL, claimed_sequence = NULL, lease_until = NULL, due = ? WHERE drive = ?",
            (now, row["drive"]),
        )
        message = f"Drive {row['drive']}: the change that batch {batch} claimed was damaged; it is dispatched again."
        _history.add(tx, now, "invalid", message, row["drive"])
    return False


_SHOWN = (
    "instance", "host", "application", "scope", "relation", "outcome", "reason", "state_read", "confirmed_once", "attempts", "asked_at",
)


def _judged(row: Mapping[str, Any], held: bool, missing: list[dict[str, Any]], now: float) -> dict[str, Any]:
    missing.sort(key=lambda answer: (answer["host"], answer["instance"]))
    waits = [one for one in missing if one["outcome"] in PENDING and one["answered_attempt"] == row["attempt"]]
    quiet = [one for one in missing if one not in waits]
    for one in quiet:
        if one["answered_attempt"] != row["attempt"]:
            # What it said to an earlier attempt is not what it says now.
            one["outcome"], one["reason"] = "", ""
    return {
        "drive": row["drive"],
        "sequence": row["sequence"],
        "attempt": row["attempt"],
        "status": row["change"]["status"],
        "library": row["change"]["library"] or row["library"],
        "held": held,
        "settled": not missing,
        "silent": [{key: one[key] for key in _SHOWN} for one in quiet],
        "pending": [{key: one[key] for key in _SHOWN} for one in waits],
        "overtaken": row["table_sequence"] > row["sequence"],
        "error_state": row["error_state"],
        "forcing_left": left_half_done(row, row["attempt"], now),
    }


#: Seconds after which a clearing that has not ended counts as left half done.
CLEARING_SECONDS = 120.0


def left_half_done(row: Mapping[str, Any], attempt: int, now: float) -> bool:
    """Whether a call of the library, made before this attempt, never came to its end."""
    if row["error_state"] == "clearing":
        return not 0 <= now - (row["error_since"] or 0) < CLEARING_SECONDS
    return row["error_state"] == "forcing" and (row["error_attempt"] or 0) < attempt


def owed(tx: Any) -> list[dict[str, Any]]:
    """Every answer that is still owed for a drive's newest change, for info and alerts."""
    return tx.execute(
        "SELECT a.drive, a.instance, a.host, a.application, a.scope, a.relation, a.sequence, a.outcome, a.reason,"
        " a.state_read, a.attempts, a.asked_at, a.answered_at, a.taken, d.status, d.due FROM answers a"
        " JOIN drives d ON d.drive = a.drive AND d.sequence = a.sequence"
        " WHERE a.expected = 1 AND a.confirmed = 0 ORDER BY a.drive, a.instance, a.host"
    )
