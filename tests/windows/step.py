# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the module application_step_windows: the same requests, steps and answers, where there is no PowerShell.

It shows that the contract of the module and the controller's side go together. It does not show that the module keeps it;
``tests/unit/plugins/modules/test_application_step_windows.py`` compares what can be compared without running it. A cmdlet is
a program of its name in PATH. Drive C: is the directory WINDOWS_ROOT. Standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

VERSION = 1
MOST_OUTPUT = 262_144
#: No record is larger than this.
MOST_RECORD = 16_384
NOT_RUN = {"rc": None, "output": "", "timed_out": False, "truncated": False}


def local(path: str) -> Path:
    """Give the place of a path of Windows."""
    return Path(os.environ["WINDOWS_ROOT"], *path.split("\\")[1:])


def sent(text: str) -> tuple[str, dict[str, Any]]:
    """Find module and request in what Ansible gives PowerShell to read: its wrapper, and then the manifest of the module."""
    manifest = json.loads(text.split("\0\0\0\0")[1])
    (params,) = (one["params"] for one in manifest["actions"] if one["name"].startswith("module_wrapper"))
    (given,) = (one["Value"] for one in params["Variables"] if one["Name"] == "complex_args")
    return params["Script"], json.loads(given["request"])


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Do what is asked; gives what the module would return."""
    step = _Step(request)
    made: dict[str, Any] = {
        "changed": False, "version": VERSION, "nonce": request["nonce"], "id": step.id, "clock": None, "problem": None,
        "records": [], "answers": [], "units": [], "listed": [],
    }  # fmt: skip
    try:
        {"read": step.read, "set": step.set, "list": step.list}[request["action"]](made)
    except OSError as exc:
        made["problem"] = str(exc)
    return made


class _Step:
    def __init__(self, request: Mapping[str, Any]) -> None:
        self.request = request
        self.id = f"{request['nonce']}.{os.getpid()}.{time.time_ns()}"
        self.root = local(request["directory"])
        self.directory = self.root / request["instance"]
        self.end = 0.0
        self.bad = ""
        self.stuck = False

    def read(self, made: dict[str, Any]) -> None:
        """Print the records, then ask."""
        made["clock"] = int(time.time())
        for drive in self.request["drives"]:
            # The record first, then the lock: a step whose intent was read here is either still seen at work, or it is over.
            text = read_record(self.directory / drive["file"])
            made["records"].append({"drive": drive["drive"], "busy": self.held(drive["file"]), "text": text})
        for query in self.request["queries"]:
            self.end = time.monotonic() + self.request["seconds"]
            made["answers"].append(self.run(query, set()))

    def list(self, made: dict[str, Any]) -> None:
        """Print all records; a file that is too large for one is none."""
        for directory in sorted(self.root.iterdir()) if self.root.exists() else ():
            for file in sorted(directory.iterdir()) if directory.is_dir() and not directory.name.startswith(".") else ():
                if file.is_file():
                    text = read_record(file) if file.stat().st_size <= MOST_RECORD else "?"
                    if text != "-":
                        made["listed"].append({"instance": directory.name, "drive": file.name, "text": text})

    def set(self, made: dict[str, Any]) -> None:
        """Do the units one after the other."""
        for part in (".lock", ".run"):
            (self.directory / part).mkdir(parents=True, exist_ok=True)
        for unit in self.request["units"]:
            if self.stuck:
                break
            made["units"].append(self.unit(unit))
            made["changed"] = True

    def unit(self, unit: Mapping[str, Any]) -> dict[str, Any]:
        """Lock, compare, look at the clock, write the intents, run, write the last records, unlock."""
        began = time.monotonic()
        self.end, self.bad = began + self.request["seconds"], ""
        became: dict[str, tuple[str, str]] = {}
        with contextlib.ExitStack() as locks:
            mine = [drive for drive in unit["drives"] if self.locked(drive, locks, began, became)]
            now = int(time.time())
            late = self.request["deadline"] != "" and now > int(self.request["deadline"])
            mine = [drive for drive in mine if self.fits(drive, now if late else None, became)]
            mine = [drive for drive in mine if self.written(drive, "intent", ("unwritable", ""), became)]
            left = {drive["drive"] for drive in mine}
            commands = [self.run(command, left) for command in unit["commands"]]
            queries = [self.run(query, left) for query in unit["queries"]]
            for drive in mine:
                if self.bad:
                    became[drive["drive"]] = ("unfinished", self.bad)
                elif self.written(drive, "done", ("unfinished", "record "), became):
                    became[drive["drive"]] = ("done", "")
        return {
            "drives": [{"drive": drive, "outcome": what, "detail": detail} for drive, (what, detail) in became.items()],
            "commands": commands, "queries": queries,
        }  # fmt: skip

    def held(self, file: str) -> str:
        """Give the process that has the lock, or ``-``."""
        path = self.directory / ".lock" / file
        if not path.exists():
            return "-"
        with path.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read().strip() or "?"
        return "-"

    def locked(
        self, drive: Mapping[str, Any], locks: contextlib.ExitStack, began: float, became: dict[str, tuple[str, str]]
    ) -> bool:
        """Lock a drive; half of the time is for waiting, the rest for the commands."""
        try:
            lock = locks.enter_context((self.directory / ".lock" / drive["file"]).open("a+"))
        except OSError as exc:
            became[drive["drive"]] = ("unwritable", str(exc))
            return False
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                lock.truncate(0)
                lock.write(str(os.getpid()))
                lock.flush()
                return True
            if time.monotonic() - began >= self.request["seconds"] / 2:
                became[drive["drive"]] = ("locked", self.held(drive["file"]))
                return False
            time.sleep(0.05)

    def fits(self, drive: Mapping[str, Any], late: int | None, became: dict[str, tuple[str, str]]) -> bool:
        """Is the record as it was read, and the step not overtaken?"""
        text = read_record(self.directory / drive["file"])
        if drive["expected"] not in (text, re.sub(" #[^#]*$", "", text)):
            newer = re.match("=([0-9]{20}) ", text)
            became[drive["drive"]] = ("superseded" if newer and newer[1] > drive["sequence"] else "changed", "")
        elif late is not None:
            became[drive["drive"]] = ("late", str(late))
        else:
            return True
        return False

    def written(
        self, drive: Mapping[str, Any], what: str, outcome: tuple[str, str], became: dict[str, tuple[str, str]]
    ) -> bool:
        """Put a record into place, if there is one to write."""
        if not drive[what]:
            return True
        temporary = self.directory / ".run" / f"{self.id}.{drive['file']}"
        try:
            temporary.write_text(f"{drive[what]} #{self.id}\n")
            temporary.replace(self.directory / drive["file"])
        except OSError as exc:
            became[drive["drive"]] = (outcome[0], f"{outcome[1]}{exc}")
            return False
        return True

    def run(self, command: Mapping[str, Any], left: set[str]) -> dict[str, Any]:
        """Run a command without what is for other drives; not at all, if nothing is left of what is for drives."""
        parts = [*command["words"], *command["lines"]]
        query = self.request["action"] == "read"
        for_drives = [part for part in parts if part["drive"]]
        if not query and (not left or (for_drives and not any(part["drive"] in left for part in for_drives))):
            return dict(NOT_RUN)
        words, lines = (list(kept(command[key], None if query else left)) for key in ("words", "lines"))
        seconds = self.end - time.monotonic()
        if seconds <= 0:
            self.bad = "time"
            return {**NOT_RUN, "timed_out": True}
        done = {**NOT_RUN}
        try:
            process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as exc:
            return {**done, "rc": 127 if isinstance(exc, FileNotFoundError) else 126, "output": f"{words[0]}: {exc.strerror}\n"}
        try:
            output, _none = process.communicate("".join(f"{line}\n" for line in lines).encode(), timeout=seconds)
        except subprocess.TimeoutExpired as exc:
            process.kill()
            process.wait()
            output = exc.output or b""
            done["timed_out"] = True
            self.bad = "time"
        text = output.decode(errors="replace")
        return {**done, "rc": process.returncode, "output": text[:MOST_OUTPUT], "truncated": len(text) > MOST_OUTPUT}


def kept(parts: list[dict[str, str]], left: set[str] | None) -> Iterator[str]:
    """Give the words, or lines, of the drives that are left; None: of all."""
    return (part["text"] for part in parts if not part["drive"] or left is None or part["drive"] in left)


def read_record(path: Path) -> str:
    """Give a record as the step shows it: ``-`` if there is none, ``?`` if it cannot be read, else ``=`` and its text."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return "-"
    except OSError:
        return "?"
    return f"={lines[0] if lines else ''}{' (and more lines)' if len(lines) > 1 else ''}"
