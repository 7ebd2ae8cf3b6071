# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the drive table have in common: a small site, told and asked in a few words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _associations,
    _change,
    _changes,
    _dispatch,
    _history,
    _identifiers,
)

START = 1_800_000_000.0
UNREADABLE = {"protocol": None, "id": None}
CLAIMER = {"host": "controller", "boot": "b", "pid": 1, "start": "1"}


def port(number: int) -> dict[str, str]:
    """The port of a host by its number."""
    return {"protocol": "fc", "id": f"{0x10000090FA000000 + number:016x}"}


class World:
    """A site: hosts a, b, c ... each with the port of its number, and its own instance A, B, C ... unless told otherwise."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.now = START
        self._tx: Any = None
        self._origin = 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Any]:
        """The transaction under way, or one of its own."""
        if self._tx is not None:
            yield self._tx
            return
        with self.store.write() as tx:
            self._tx = tx
            try:
                yield tx
            finally:
                self._tx = None

    def host(
        self, name: str, drives: Sequence[str] = ("D1",), ports: Sequence[dict[str, Any]] | None = None, **instance: Any
    ) -> list[str]:
        """Write a host's facts."""
        facts = {
            "drives": [{"serial": drive, "devices": [f"/dev/{drive}"]} for drive in drives],
            "ports": [port(ord(name) - ord("a"))] if ports is None else list(ports),
        }
        entry = {"instance": name.upper(), "application": "custom", **instance}
        with self.transaction() as tx:
            return _associations.write_host(tx, name, facts, [entry], self.now)

    def hosts(self, names: str, drives: Sequence[str] = ("D1",)) -> World:
        """Write the facts of several hosts."""
        for name in names:
            self.host(name, drives)
        return self

    def observation(self, status: str, *holders: Any, drive: str = "D1", **more: Any) -> Any:
        """What a detector saw; a holder is a host's letter or a port."""
        ports = [port(ord(one) - ord("a")) if isinstance(one, str) else one for one in holders]
        return _change.observation({
            "drive": drive, "status": status, "holders": ports, "detector": "snmp",
            "observed_at": _change.timestamp(self.now), **more,
        })

    def see(self, status: str, *holders: Any, **more: Any) -> Any:
        """Record what a detector saw."""
        with self.transaction() as tx:
            return _changes.record(tx, [self.observation(status, *holders, **more)], self.now)[0]

    def state(self, drive: str = "D1") -> dict[str, Any]:
        """A drive's row."""
        with self.transaction() as tx:
            found = _changes.state(tx, drive)
        assert found is not None
        return found

    def due(self) -> list[str]:
        """The drives that have something to do."""
        with self.transaction() as tx:
            return _dispatch.due_drives(tx, self.now, 1000)

    def emit(self) -> str:
        """Put what is due into a batch."""
        with self.transaction() as tx:
            batch = _identifiers.new_batch_id(self.now)
            assert _dispatch.emit(tx, _dispatch.due_drives(tx, self.now, 1000), batch, self.now)
        return batch

    def play(self, lease: float = 60.0, batch: str | None = None) -> Play:
        """Emit what is due, claim it, and plan it."""
        batch = batch or self.emit()
        with self.transaction() as tx:
            claim = _dispatch.claim(tx, batch, CLAIMER, lease, self.now)
        assert claim is not None
        return Play(self, claim)

    def kinds(self) -> list[str]:
        """The kinds of the history's entries, oldest first."""
        with self.transaction() as tx:
            return [row["kind"] for row in reversed(_history.read(tx, limit=1000))]

    def messages(self, kind: str) -> list[str]:
        """The history's messages of one kind, oldest first."""
        with self.transaction() as tx:
            return [row["message"] for row in reversed(_history.read(tx, kind=kind, limit=1000))]

    def answers(self, drive: str = "D1") -> dict[str, dict[str, Any]]:
        """The rows of the control points, by host."""
        with self.transaction() as tx:
            rows = tx.execute("SELECT * FROM answers WHERE drive = ? ORDER BY host", (drive,))
        return {row["host"]: row for row in rows}


class Play:
    """A play that has claimed a batch."""

    def __init__(self, world: World, claim: Any) -> None:
        self.world = world
        self.claim = claim
        self.batch = claim.batch
        self.drives = {row["drive"]: row for row in claim.drives}
        self.settled_at_once: list[str] = []
        with world.transaction() as tx:
            found = _associations.lookup(tx, list(self.drives), [port for row in claim.drives for port in row["holders"]])
            self.plan = [
                {
                    "drive": drive, "sequence": row["sequence"], "attempt": row["attempt"],
                    "instance": instance["instance"], "application": instance["application"],
                    "scope": instance["scope"], "host": host, "relation": self._relation(row, instance, found),
                }
                for drive, row in self.drives.items()
                for instance in found.instances_of(drive)
                for host in (instance["hosts"] if instance["scope"] == "host" else instance["control_points"][:1])
            ]
            for drive in set(self.drives) - {row["drive"] for row in self.plan}:
                _dispatch.settle_now(tx, self.batch, drive, "nobody sees it", world.now)
            self.settled_at_once = _dispatch.expect(tx, self.batch, self.plan, world.now)

    @staticmethod
    def _relation(row: dict[str, Any], instance: dict[str, Any], found: Any) -> str:
        if row["status"] == "released":
            return "none"
        owners = set().union(*(found.owners(one) for one in row["holders"]))
        if not owners:
            return "unknown"
        return "own" if instance["instance"] in owners else "foreign"

    def answer(self, host: str, drive: str = "D1", **more: Any) -> dict[str, Any]:
        """An answer of a host, as its action gives it."""
        row = self.drives[drive]
        offline = row["status"] == "reserved"
        return {
            "drive": drive, "sequence": row["sequence"], "attempt": row["attempt"], "instance": host.upper(),
            "host": host, "confirmed": True, "outcome": "offline" if offline else "online",
            "state_read": "offline" if offline else "online", "reason": "", "detail": None, "taken": offline, **more,
        }

    def confirm(self, *answers: Any) -> Any:
        """Give in answers; a letter is that host's confirmation."""
        rows = [self.answer(one) if isinstance(one, str) else one for one in answers]
        with self.world.transaction() as tx:
            return _dispatch.confirm(tx, self.batch, rows, self.world.now)

    def verdict(self, drive: str = "D1") -> dict[str, Any]:
        """How the handshake of a drive stands."""
        with self.world.transaction() as tx:
            return next(row for row in _dispatch.verdict(tx, self.batch, self.world.now) if row["drive"] == drive)

    def work(self, host: str) -> list[dict[str, Any]]:
        """What a host is asked."""
        with self.world.transaction() as tx:
            return _dispatch.work(tx, self.batch, host)

    def finish(self) -> list[dict[str, Any]]:
        """End the play."""
        with self.world.transaction() as tx:
            return _dispatch.finish(tx, self.batch, self.world.now)
