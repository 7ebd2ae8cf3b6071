# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A world whose processes are killed or stopped at named points, and started again as a service manager would."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_collections
import yaml

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _changes,
    _dispatcher,
    _record,
    _store,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._change import Observation
from ansible_collections.tapeworks.drive_sharing.tests.hosts import DRIVE, Hosts, known_hosts

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from demo.world import HOSTS, ROOT, marked

EVERY = os.environ.get("DRIVE_SHARING_FAULTS") == "every"
HERE = Path(__file__).resolve().parent
VARIABLE = "DRIVE_SHARING_KILL_POINT"
#: Nothing here takes so long on any machine.
LIMIT = 90.0
A, B, C = HOSTS


@dataclass
class Play:
    """A running playbook, and what it has printed."""

    pid: int
    log: Path

    def __post_init__(self) -> None:
        self._handle: int | None = None
        with contextlib.suppress(ProcessLookupError):
            self._handle = os.pidfd_open(self.pid)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._handle is not None and not select.select([self._handle], [], [], 0)[0]

    def wait(self) -> Play:
        """Wait for its end."""
        if self._handle is not None:
            assert select.select([self._handle], [], [], LIMIT)[0], f"it does not end:\n{self.said}"
            os.close(self._handle)
            self._handle = None
        return self

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def status(self) -> int | None:
        """Its exit status; None: it was killed."""
        with contextlib.suppress(FileNotFoundError):
            return int(self.log.with_name(f"{self.log.name}.status").read_text(encoding="ascii"))
        return None


class Killed(Hosts):
    """The demo's hosts with the library; the test is the engine, and where no source runs also the dispatcher."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.point: dict[str, Any] | None = None
        self.plays: list[Play] = []
        self.marker = self.directory / "struck"
        self.player: Any = None
        self.dispatcher: Any = None
        self.changes: list[str] = []
        self.chapter = ""
        self.pending: Any = None
        self.heard = 0
        self.options: list[str] = []

    @property
    def environment(self) -> dict[str, str]:
        """Everything of this world can be killed at a point."""
        path = os.pathsep.join([str(HERE / "inject"), os.environ.get("PYTHONPATH", "")])
        point = {} if self.point is None else {VARIABLE: json.dumps(self.point)}
        return {**super().environment, "PYTHONPATH": path.strip(os.pathsep), **point}

    def close(self) -> None:
        """End the player too."""
        if self.player is not None:
            self.player.stdin.close()
            self.player.kill()
            self.player.wait()
        super().close()

    # Points

    def strike_at(self, *steps: str, who: str = "all", with_signal: int = signal.SIGKILL) -> None:
        """Kill what is started from now on and comes to this point: "before MODULE:FUNCTION [TEXT]" or "after ..."."""
        words = [(step.split(" ", 2) + [""])[:3] for step in steps]
        self.marker.unlink(missing_ok=True)
        self.point = {
            "steps": [[where, when, text] for when, where, text in words],
            "who": who, "signal": with_signal, "marker": str(self.marker),
        }

    @property
    def struck(self) -> list[int]:
        """The processes that were killed or stopped; none if nothing came to the point."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            return list(json.loads(self.marker.read_text(encoding="ascii")))
        return []

    # Plays

    def begin(self, *words: str) -> Play:
        """Start a playbook of ours."""
        if self.player is None:
            environment = {name: value for name, value in self.environment.items() if name != VARIABLE}
            self.player = subprocess.Popen(
                [sys.executable, HERE / "player.py"], cwd=self.directory, env=environment, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
        log = self.logs / f"play{len(self.plays)}"
        log.touch()
        name, *options = words
        request = {
            "words": [
                "-i", str(self.inventory), name if "/" in name else f"tapeworks.drive_sharing.{name}", *options, *self.options,
            ],
            "environment": self.environment, "directory": str(self.directory), "log": str(log),
        }
        self.player.stdin.write(json.dumps(request) + "\n")
        self.player.stdin.flush()
        play = Play(int(self.player.stdout.readline()), log)
        self.plays.append(play)
        return play

    def begin_play(self, batch: str) -> Play:
        """What the engine does with an event."""
        return self.begin("reservation_change", "-e", f"drive_sharing_batch={batch}", "--limit", "all,localhost")

    def by_hand(self, host: Any, state: str) -> str:
        """A playbook in which a person sets the drive."""
        return self.task(host.name, {"tapeworks.drive_sharing.application_drive": {"state": state, "drives": [DRIVE]}})

    def task(self, hosts: str, task: Mapping[str, Any]) -> str:
        """A playbook of one task."""
        path = self.directory / "task.yml"
        path.write_text(json.dumps([{"hosts": hosts, "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
        return str(path)

    @staticmethod
    def of_play(play: Play) -> list[int]:
        """The processes of a playbook: its own and its workers', but not what runs on the hosts."""
        children = Path(f"/proc/{play.pid}/task/{play.pid}/children").read_text(encoding="ascii")
        return [play.pid, *(int(pid) for pid in children.split())]

    # The source without the engine: the test is the engine

    def start_source(self, *before: Any, table: Path | None = None) -> None:
        """Start our event source in a process of its own; of an earlier one's events nobody knows any more.

        ``before``: words that run it, with ``table`` in the place of the world's.
        """
        words: list[Any] = []
        for name, passphrase in zip(("auth", "privacy"), self.passphrases, strict=True):
            path = self.directory / name
            path.touch(0o600)
            path.write_text(passphrase, encoding="utf-8")
            words.append(path)
        self.heard = self.log("source").count("\n")
        # Below ansible_collections, as it is installed: from there it finds what it imports.
        collections = Path(next(iter(ansible_collections.__path__))).absolute()
        source = collections / "tapeworks/drive_sharing/extensions/eda/plugins/event_source/reservations.py"
        address = f"{self.listen}:{self.snmp_port}"
        self.start("source", [*before, sys.executable, source, table or self.table, address, "library_1", *words])

    def wait_for_source(self) -> None:
        """Wait until it takes informs."""
        self.wait("the event source answers on its SNMP port", self.engine_answers, LIMIT, "source")

    def events(self) -> list[str]:
        """The batches of the events that the source has given since the last look."""
        lines = self.log("source").splitlines(keepends=True)[self.heard:]
        whole = [line for line in lines if line.endswith("\n")]
        self.heard += len(whole)
        return re.findall(r"'batch': '([0-9A-Z]{26})'", "".join(whole))

    def run_events(self) -> list[Play]:
        """Start a play for each of them, as the engine does."""
        return [self.begin_play(batch) for batch in self.events()]

    def is_settled(self) -> bool:
        """Run what the source gives, and say whether everything is done."""
        self.run_events()
        row = self.drive(DRIVE)
        idle = row and row["settled"] == row["sequence"] and row["batch"] is None and row["due"] is None
        return bool(idle and not any(play.running for play in self.plays))

    def acknowledged(self) -> bool:
        """Whether the source has answered all informs of the library."""
        return all(inform["acknowledged"] for inform in self.library("GET", "/informs")["informs"])

    # The engine

    def pid(self, name: str) -> int:
        """The number of a process that was started."""
        return self._running[name].pid

    def start_other_engine(self, rule: Mapping[str, Any], **dispatcher: Any) -> None:
        """Start ansible-rulebook with our rulebook, but for what ``rule`` says, one action at once, and no patience."""
        text = (ROOT / "extensions" / "eda" / "rulebooks" / "drive_sharing.yml").read_text(encoding="utf-8")
        (ruleset,) = yaml.safe_load(text)
        ruleset["rules"][0].update(rule)
        ruleset["sources"][0]["tapeworks.drive_sharing.reservations"]["dispatcher"] = dispatcher
        path = self.directory / "other.yml"
        path.write_text(json.dumps([ruleset]), encoding="utf-8")
        sleeping = [{"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.pause": {"minutes": 10}}]}]
        (self.directory / "sleeping.yml").write_text(json.dumps(sleeping), encoding="utf-8")
        auth, privacy = self.passphrases
        users = [{"name": "library_1", "auth_passphrase": auth, "priv_passphrase": privacy}]
        variables = {
            "drive_sharing_table": str(self.table),
            "drive_sharing_snmp": {"listen": [f"{self.listen}:{self.snmp_port}"], "users": users},
        }
        given = self.directory / "other_variables.yml"
        given.touch(0o600)
        given.write_text(json.dumps(variables), encoding="utf-8")
        limits = ["--max-concurrent-actions", "1", "--max-back-pressure-timeout", "1", "--shutdown-delay", "1"]
        self.start(
            "engine", ["ansible-rulebook", "--rulebook", path, "--inventory", self.inventory, "--vars", given, *limits]
        )

    # The table

    def on_table(self, function: Any) -> Any:
        """Run function(tx) in a transaction."""
        store = _store.open_store(str(self.table))
        try:
            with store.write() as tx:
                return function(tx)
        finally:
            store.close()

    def tell(self, status: str, host: Any = None) -> None:
        """A detector writes a change."""
        holders = ({"protocol": "fc", "id": host.port},) if host else ()
        seen = Observation(DRIVE, status, holders, "2026-11-22T06:00:34.567890+00:00", "manual")
        assert self.on_table(lambda tx: _changes.record(tx, [seen], time.time()))[0].result == "written"
        self.changes.append(status)

    def under_way(self, status: str) -> None:
        """See to it that a change to this status is to be dealt with: the one that is, or a new one after those before it."""
        row = self.drive(DRIVE)
        if row and row["status"] == status and row["settled"] < row["sequence"]:
            return
        if row:
            self.settle()
        if row.get("status") == status or (status == "released" and not row):
            self.tell("released" if status == "reserved" else "reserved", None if status == "reserved" else A)
            self.settle()
        self.tell(status, A if status == "reserved" else None)

    def clear_error(self) -> Play:
        """What a person does who knows that the drive may be used again."""
        return self.begin("clear_error", "-e", f"drive_sharing_drive={DRIVE}").wait()

    def step(self) -> list[str]:
        """One look of the dispatcher; gives the batches that it emits."""
        if self.dispatcher is None:
            self.start_dispatcher()
        store = _store.open_store(str(self.table))
        try:
            return list(self.dispatcher.step(store).emit)
        finally:
            store.close()

    def start_dispatcher(self) -> None:
        """A dispatcher that has seen nothing yet, as after a restart."""
        options = _dispatcher.Options(gather=0, gather_most=0, claim_timeout=1)
        self.dispatcher = _dispatcher.Dispatcher(None, None, options)

    def hurry(self) -> None:
        """Let time pass: what is put off is due, and a clearing that is under way has lasted too long."""
        self.on_table(lambda tx: tx.execute(
            "UPDATE drives SET due = CASE WHEN due > 0 THEN 1 END,"
            " error_since = CASE WHEN error_state = 'clearing' THEN error_since - 200 ELSE error_since END"
        ))

    def one_play(self) -> Play:
        """Let the dispatcher emit the drive's next batch, and run its play to the end."""
        end = time.monotonic() + LIMIT
        while not (batches := self.step()):
            assert time.monotonic() < end, f"The dispatcher emits nothing: {self.drive(DRIVE)}\n{self.told()}"
            self.hurry()
            time.sleep(0.02)
        return self.begin_play(*batches).wait()

    def settle(self, *, error: bool = False) -> None:
        """Do what source and engine do until nothing is left to do; ``error``: until the error state stands."""
        self.point = None
        end = time.monotonic() + LIMIT
        while True:
            assert time.monotonic() < end, f"It does not settle: {self.drive(DRIVE)}\n{self.told()}"
            for batch in self.step():
                self.begin_play(batch).wait()
            row = self.drive(DRIVE)
            if row["batch"] is None and (row["error_state"] == "error" if error else row["due"] is None):
                return
            self.hurry()
            time.sleep(0.02)

    def told(self) -> str:
        """What all plays have printed."""
        return "\n".join(f"--- {play.log.name}\n{play.said}" for play in self.plays)

    # What is looked at

    def sets(self, host: Any) -> list[str]:
        """What the application was told to do with the drive, in order."""
        calls = self.state_of(host) / "calls"
        words = [line.split()[1:] for line in calls.read_text().splitlines()] if calls.exists() else []
        return [command for command, *names in words if host.names[DRIVE] in names]

    def record(self, host: Any) -> Any:
        """The record of the drive on a host."""
        path = self.directory / host.name / "records" / host.name / DRIVE
        return _record.parse(_record.RawRecord(path.read_text(encoding="utf-8"))) if path.exists() else None

    def in_error(self) -> bool:
        """What the library says."""
        return bool(self.library("GET", f"/drives/{DRIVE}")["error"])

    def check(
        self, states: list[str], *, sets: Mapping[str, list[str]] | None = None, repeated: Collection[str] = ()
    ) -> None:
        """Check that all is as it must be once a drive is settled and in no error state.

        Every change that was told has set B and C once, but where ``sets`` says otherwise; ``repeated``: who was told the
        same thing again, because it had refused, or was interrupted.
        """
        told = self.told()
        once = ["offline" if status == "reserved" else "online" for status in self.changes]
        done = {host.name: self.sets(host) for host in HOSTS}
        for name in repeated:
            done[name] = [command for command, _group in itertools.groupby(done[name])]
        assert done == {A.name: [], B.name: once, C.name: once, **(sets or {})}, told
        row = self.drive(DRIVE)
        assert self.states() == states, told
        assert row["settled"] == row["sequence"], told
        assert (row["error_state"], self.in_error()) == ("", False), told
        assert self.select("SELECT * FROM batches WHERE ended_at IS NULL") == []
        for host in (B, C):
            record = self.record(host)
            copy = self.select("SELECT taken FROM answers WHERE drive = ? AND host = ?", DRIVE, host.name)
            assert record is not None
            assert (record.phase, record.taken, record.sequence) == ("done", bool(copy[0]["taken"]), row["sequence"]), told
        for play in self.plays:
            assert "Traceback" not in play.said, play.said
        self.nothing_runs()

    def history(self) -> str:
        """What the table says in sentences."""
        return "\n".join(row["message"] for row in self.select("SELECT message FROM history ORDER BY id"))

    def nothing_runs(self) -> None:
        """Wait until no process of a play or of a step on a host is left."""
        end = time.monotonic() + 20.0
        while left := self.left():
            assert time.monotonic() < end, f"still there: {left}"
            time.sleep(0.05)

    def left(self) -> dict[int, str]:
        """The processes of this world that are not meant to stay."""
        stay = {process.pid for process in self._running.values()} | ({self.player.pid} if self.player else set())
        found = {}
        for pid in marked(f"DRIVE_SHARING_DEMO={self.directory}"):
            with contextlib.suppress(OSError):
                if pid not in stay and re.search(r"\) [^ZX]", Path(f"/proc/{pid}/stat").read_text()):
                    found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes()[:100].decode(errors="replace")
        return found

    @contextlib.contextmanager
    def another_controller(self, site: str) -> Iterator[None]:
        """Be another controller for a while: it has a drive table of its own, and the same inventory."""
        mine = self.table, self.dispatcher, self.changes
        self.table, self.dispatcher, self.changes = self.directory / f"{site}.sqlite", None, []
        self.options = ["-e", f"drive_sharing_table={self.table}"]
        try:
            if not self.table.exists():
                _store.open_store(str(self.table), create=True, site=site).close()
                assert self.begin("host_facts").wait().status == 0, self.told()
            yield
        finally:
            (self.table, self.dispatcher, self.changes), self.options = mine, []

    # Beginning anew

    def keep(self) -> None:
        """Keep the table as it is now, to begin anew from it."""
        shutil.copyfile(self.table, self.directory / "kept.sqlite")

    def begin_anew(self) -> None:
        """As it was when it was kept: nothing reserved, nothing recorded, everything online."""
        for name in list(self._running):
            if name != "library":
                self.stop(name)
        for pid in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for path in self.directory.glob("*.sqlite*"):
            if path.name != "kept.sqlite":
                path.unlink()
        shutil.copyfile(self.directory / "kept.sqlite", self.table)
        self.table.chmod(0o600)
        for host in HOSTS:
            shutil.rmtree(self.directory / host.name / "records", ignore_errors=True)
            state = self.state_of(host)
            for path in [*state.glob("behaviour*"), state / "calls", state / "killed"]:
                path.unlink(missing_ok=True)
            for name in host.names.values():
                (state / "drives" / name / "state").write_text("online\n")
        self.library("PUT", f"/drives/{DRIVE}/error", {"error": False})
        self.library("PUT", f"/drives/{DRIVE}/reservation", {"status": "released", "holder": None})
        self.point = None
        self.dispatcher = None
        self.plays = []
        self.changes = []
        self.chapter = ""
        self.pending = None
        for log in [*self.logs.glob("play*"), *self.logs.glob("source.log")]:
            log.unlink()
        self.marker.unlink(missing_ok=True)


@contextlib.contextmanager
def killed(directory: Path) -> Any:
    """Give a world that can begin anew again and again."""
    with known_hosts(directory, Killed, handshake=20) as world:
        world.start_library()
        world.keep()
        yield world
