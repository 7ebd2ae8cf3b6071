# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What our action plugins that send SCSI commands through a host share. Private: may change at any time."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _facts,
    _fencing_key,
    _host_facts,
    _open_handles,
    _reservation_report,
    _schema_sql,
    _scsi_devices,
    _sg_raw,
    _spc_state,
    _store,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action import DriveSharingAction
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import last_words
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._sg_raw import Command, Outcome
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Answer, Reading


@dataclass(frozen=True)
class Way:
    """One path of the host to a drive, with the sg node that commands are sent through."""

    node: str
    port: dict[str, Any] | None
    files: tuple[str, ...]


class Remote:
    """An sg node of the host, behind the interface of ``_sg.Device``; answers that were fetched before come first."""

    def __init__(self, action: ScsiAction, node: str, fetched: Mapping[bytes, Answer] | None = None) -> None:
        self._action = action
        self._node = node
        self._fetched = dict(fetched or {})

    def send(self, cdb: bytes, length: int, out: bytes = b"") -> Answer:
        """Send a command."""
        ready = self._fetched.pop(cdb, None)
        return ready or _sg_raw.answer(self._action.execute([_sg_raw.scsi(self._node, cdb, length, out)])[0])

    def close(self) -> None:
        """Nothing stays open there."""


class ScsiAction(DriveSharingAction):
    """Base of the action plugins that ask drives."""

    #: Seconds after which a command is not waited for any more.
    seconds = 20

    def place(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> tuple[str, str]:
        """Name the host that commands run on, and where its file system begins; a delegated task runs on another one."""
        host, root = str(task_vars["inventory_hostname"]), args["root"] or self.variable(task_vars, "drive_sharing_root")
        if self._task.delegate_to and self._task.delegate_to != host:
            host = str(self._task.delegate_to)
            of_host = task_vars["hostvars"].get(host) or {}
            root = args["root"] or of_host.get("drive_sharing_root")
        return host, str(root or "/")

    def set_seconds(self, value: int) -> None:
        """Check and set the time limit of one command."""
        if not 1 <= value <= 3600:
            msg = f"timeout must be 1 to 3600 seconds, not {value}."
            raise InvalidValueError(msg)
        self.seconds = value

    def execute(self, commands: Sequence[Command]) -> list[Outcome]:
        """Run commands on the host, one after another."""
        found: list[Outcome] = []
        for begin in range(0, len(commands), _sg_raw.COMMANDS_AT_ONCE):
            part = commands[begin : begin + _sg_raw.COMMANDS_AT_ONCE]
            nonce = f"drive_sharing_{secrets.token_hex(8)}"
            answer = self._low_level_execute_command(_sg_raw.script(part, nonce, self.seconds))
            outcomes = _sg_raw.outcomes(answer["stdout"], nonce, len(part))
            said = last_words(f"{answer['stderr']} {answer['stdout']}") if answer["rc"] else ""
            found += [one if one.status is not None or one.said else Outcome(said=said) for one in outcomes]
        return found

    def ways(self, root: str, host: str) -> dict[str, list[Way]]:
        """Give the host's paths to each drive, by serial number."""
        if getattr(self._connection._shell, "_IS_WINDOWS", False):
            msg = f"{host} runs Windows; reservations are read on Linux only."
            raise InvalidValueError(msg)
        answer = self._low_level_execute_command(_host_facts.command("linux", root))
        try:
            paths = _host_facts.paths_on_linux(answer["stdout"])
        except _host_facts.BrokenAnswerError as exc:
            msg = f"{host} could not be asked for its drives: {exc}: {last_words(answer['stderr']) or 'no reason was given'}."
            raise InvalidValueError(msg) from None
        found: dict[str, list[Way]] = {}
        for path in paths:
            found.setdefault(path.serial, []).extend(_way(path))
        return found

    def handles(self) -> dict[str, list[str]] | None:
        """Give the tape devices that are open on the host; None: it cannot be seen."""
        outcome = self.execute([_open_handles.command()])[0]
        return _open_handles.read(outcome.data.decode("utf-8", "replace")) if outcome.status == 0 else None

    def read(self, ways: Mapping[str, Sequence[Way]], site: str) -> dict[str, tuple[Way, Reading]]:
        """Read the reservation of each drive: through its first path, and through another where that one does not work."""
        status, room = _spc_state.COMMANDS["full_status"]
        asked = [(drive, some[0]) for drive, some in ways.items() if some]
        commands = [
            command
            for _drive, way in asked
            for command in (_sg_raw.scsi(way.node, _scsi_devices.WHO, _scsi_devices.LENGTH), _sg_raw.scsi(way.node, status, room))
        ]
        answers = [_sg_raw.answer(outcome) for outcome in self.execute(commands)]
        found: dict[str, tuple[Way, Reading]] = {}
        for number, (drive, first) in enumerate(asked):
            fetched: dict[bytes, Answer] = dict(zip((_scsi_devices.WHO, status), answers[2 * number : 2 * number + 2], strict=True))
            for way in ways[drive]:
                reading = self.read_through(way, drive, site, fetched if way is first else None)
                if drive not in found or reading.state != "unknown":
                    found[drive] = way, reading
                if reading.state != "unknown":
                    break
        return found

    def read_through(self, way: Way, drive: str, site: str, fetched: Mapping[bytes, Answer] | None = None) -> Reading:
        """Read it through one path."""

        def decision(answers: Mapping[str, Answer]) -> Reading:
            return _spc_state.decide(answers, lambda key: _fencing_key.is_of_site(key, site))

        return _scsi_devices.ask(lambda node: Remote(self, node, fetched), way.node, drive, decision)

    def joined(
        self, args: Mapping[str, Any], task_vars: Mapping[str, Any], readings: Iterable[Reading]
    ) -> _reservation_report.Owners:
        """Give whose the ports in these readings are; nobody's where there is no drive table."""
        store = self.table(args, task_vars)
        if store is None:
            return {}
        try:
            with store.read() as tx:
                return _reservation_report.owners(tx, _reservation_report.ports_of(list(readings)))
        finally:
            store.close()

    def table(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Any:
        """Open the drive table; None where there is none."""
        location = str(args.get("table") or self.variable(task_vars, "drive_sharing_table") or _store.default_location())
        if "://" not in location and not os.path.exists(location):
            return None
        return self.store(args, task_vars)

    def site(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> str:
        """Name the site whose fences are ours: the table's, else the one that a new table would get."""
        store = self.table(args, task_vars)
        if store is None:
            return str(self.variable(task_vars, "drive_sharing_site") or _schema_sql.default_site())
        try:
            return str(store.site)
        finally:
            store.close()


def _way(path: _facts.Path) -> list[Way]:
    nodes = [name for name in path.devices if name.startswith("/dev/sg")]
    port = None if path.port is None else dict(path.port)
    return [Way(nodes[0], port, path.devices)] if nodes else []
