# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A control point in a directory: a small application that can misbehave, and the guarded step run by the real shell."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _act, _record
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import Answer, Ask, NoAnswerError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import custom
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import Policy

#: A drive is a file with its state; a fault is a file ``fault.<verb>`` or ``fault.<verb>.<drive>``.
APPLICATION = r"""#!/bin/sh
d=$1 verb=$2
shift 2
printf "%s\n" "$verb $*" >>"$d/log"
misbehave() {
  [ -f "$1" ] || return 0
  read -r fault rest <"$1"
  case $fault in
  hang) exec sleep 60 ;;
  stubborn) trap "" TERM; while :; do sleep 1; done ;;
  refuse) echo "this is not permitted"; exit 3 ;;
  lie) echo "done"; exit 0 ;;
  junk) echo "@@ cannot connect @@"; exit 0 ;;
  slow) sleep "$rest" ;;
  dies) kill -9 $$ ;;
  late) (sleep "$rest"; for n; do printf "%s\n" "$verb" >"$d/drives/$n"; done) >/dev/null 2>&1 & exec sleep 60 ;;
  kill_before) kill -9 $PPID; exit 0 ;;
  kill_after) printf "%s\n" "$verb" >"$d/drives/$2"; kill -9 $PPID; exit 0 ;;
  loses) rm -f "$d/drives/$2"; exit 0 ;;
  esac
}
misbehave "$d/fault.$verb" "$@"
for n; do misbehave "$d/fault.$verb.$n" "$n"; done
if [ "$verb" = query ]; then
  [ $# -gt 0 ] || set -- $(cd "$d/drives" && ls)
  for n; do
    if read -r state <"$d/drives/$n"; then printf "%s\n" "$n $state"; else printf "%s\n" "$n: no such drive"; fi 2>/dev/null
  done
  echo end
  exit 0
fi
for n; do printf "%s\n" "$verb" >"$d/drives/$n"; done
"""

LINE = r"^(?P<name>\S+) (?P<state>\w+)(?: .*)?$"
FORMS = {"list": "{names}", "single": "{name}"}


def ask(drive: str = "D1", relation: str = "foreign", sequence: int = 5, **over: Any) -> Ask:
    status = "released" if relation == "none" else "reserved"
    holders = () if relation == "none" else ({"protocol": "fc", "id": "10000090fa1658de"},)
    return Ask(**{
        "drive": drive, "instance": "alpha", "sequence": sequence, "relation": relation, "status": status, "holders": holders,
        "attempt": 1, "table_sequence": sequence, **over,
    })


class ControlPoint:
    """One host with one instance of the application."""

    def __init__(self, root: Path, **drives: str) -> None:
        self.app = root / "application"
        self.directory = root / "state"
        (self.app / "drives").mkdir(parents=True)
        self.program = root / "app"
        self.program.write_text(APPLICATION, encoding="utf-8")
        self.program.chmod(0o755)
        for drive, state in drives.items():
            self.put(drive, state)
        #: The command lines that were executed.
        self.executed: list[str] = []
        #: Called with the number of the execution before it.
        self.before: Callable[[int], None] = lambda number: None
        self.site = "here"
        self.shell = "/bin/sh"
        self.slept: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None

    # The application.

    def put(self, drive: str, state: str) -> None:
        (self.app / "drives" / drive).write_text(f"{state}\n", encoding="utf-8")

    def state(self, drive: str) -> str:
        return (self.app / "drives" / drive).read_text(encoding="utf-8").strip()

    def fault(self, verb: str, fault: str, drive: str = "") -> None:
        (self.app / f"fault.{verb}{'.' if drive else ''}{drive}").write_text(f"{fault}\n", encoding="utf-8")

    def mend(self) -> None:
        for path in self.app.glob("fault.*"):
            path.unlink()

    def log(self, *verbs: str) -> list[str]:
        """What the application was called with, without the queries unless asked for."""
        try:
            lines = (self.app / "log").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [line.strip() for line in lines if line.split()[0] in (verbs or ("online", "offline"))]

    def options(self, form: str = "list", query: str = "all", **over: Any) -> dict[str, Any]:
        command = [str(self.program), str(self.app)]
        word = FORMS[form]
        return custom.check({
            "query_command": [*command, "query", *([] if query == "all" else [FORMS[query]])],
            "offline_command": [*command, "offline", word], "online_command": [*command, "online", word],
            "query_pattern": LINE, "in_use_pattern": "job", "conflict_pattern": "conflict",
            "query_valid_pattern": "^end$", **over,
        })

    # The step.

    def execute(self, command: str, seconds: float) -> str:
        self.before(len(self.executed))
        self.executed.append(command)
        with subprocess.Popen(
            ["sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, errors="replace", start_new_session=True,
        ) as process:
            try:
                return process.communicate(timeout=seconds)[0]
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                msg = f"no answer within {seconds:.0f} s"
                raise NoAnswerError(msg) from None

    def place(self) -> _act.Place:
        return _act.Place(str(self.directory), self.site, self.execute, self.shell)

    def run(
        self, *asks: Ask, policy: Policy | None = None, options: dict[str, Any] | None = None, dry: bool = False,
        place: _act.Place | None = None, siblings: Sequence[Target] = (),
    ) -> dict[str, Answer]:
        """Run the act; every ask is answered exactly once."""
        answers: list[Answer] = []

        def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            self.on_sleep()

        act = _act.Act(place or self.place(), custom, options or self.options(), policy or Policy(), dry=dry, siblings=siblings)
        act.run(asks, answers.extend, sleep)
        drives = [answer.ask.drive for answer in answers]
        assert sorted(drives) == sorted(one.drive for one in asks), "every ask is answered once"
        return {answer.ask.drive: answer for answer in answers}

    def one(self, *args: Any, **over: Any) -> Answer:
        """Run the act for one ask."""
        keys = {key: over.pop(key) for key in ("policy", "options", "dry", "place", "siblings") if key in over}
        (answer,) = self.run(args[0] if args and isinstance(args[0], Ask) else ask(*args, **over), **keys).values()
        return answer

    # The records.

    def record_path(self, drive: str = "D1") -> Path:
        return self.directory / "alpha" / drive

    def record(self, drive: str = "D1") -> _record.Record | None:
        try:
            return _record.parse(self.record_path(drive).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def write_record(self, drive: str = "D1", **over: Any) -> _record.Record:
        record = replace(
            _record.Record(
                site=self.site, drive=drive, instance="alpha", sequence=4, phase="done", target="none", was="online",
                taken=False, reason="",
            ),
            **over,
        )
        self.record_path(drive).parent.mkdir(parents=True, exist_ok=True)
        self.record_path(drive).write_text(_record.format(record) + "\n", encoding="utf-8")
        return record

    def everything(self) -> dict[str, bytes]:
        """All that stands on the control point, but the application's log and what steps remove in the background."""
        return {
            str(path): path.read_bytes() if path.is_file() else b"(directory)"
            for root in (self.directory, self.app) if root.exists() for path in sorted(root.rglob("*")) if path.name != "log" and path.parent.name != ".run"
        }


def asks(count: int, relation: str = "foreign", **over: Any) -> Sequence[Ask]:
    return [ask(f"D{number:03}", relation, **over) for number in range(count)]
