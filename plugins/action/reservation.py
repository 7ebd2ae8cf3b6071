# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module reservation: takes a drive's reservation away, or keeps the drive from everybody."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _fencing_key,
    _foreign_text,
    _identifiers,
    _open_handles,
    _reservation_plan,
    _reservation_report,
    _reservation_steps,
    _sg_raw,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action_scsi import Remote, ScsiAction, Way
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._reservation_plan import Port, Situation
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Reading


class ActionModule(ScsiAction):
    """The decision is `_reservation_plan`; the commands are sent on the host."""

    ARGUMENTS = {
        "drive": {"type": "str", "required": True},
        "state": {"type": "str", "required": True, "choices": [*_reservation_plan.WANTED]},
        "force": {"type": "list", "elements": "str", "choices": [*_reservation_plan.FORCE], "default": []},
        "abort": {"type": "bool", "default": False},
        "controller": {"type": "str"},
        "root": {"type": "str"},
        "timeout": {"type": "int", "default": 20},
        "table": {"type": "str"},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Read, decide, do, read back."""
        drive = _identifiers.serial(args["drive"], "drive")
        host, root = self.place(args, task_vars)
        self.set_seconds(args["timeout"])
        ways = self.ways(root, host)
        if not ways.get(drive):
            msg = f"Drive {drive}: {host} does not see it. Nothing was changed."
            raise InvalidValueError(msg)
        site = self.site(args, task_vars)
        way = self._way(args["state"], drive, ways[drive], site)
        remote = Remote(self, way.node)
        situation = self._situation(args, task_vars, drive, way, ways, site)
        result = _reservation_steps.bring(
            args["state"],
            lambda: self.read_through(way, drive, site),
            situation,
            remote.send,
            lambda: self._reset(way),
            dry=self._task.check_mode,
        )
        return self._result(args, task_vars, drive, way, result)

    def _way(self, wanted: str, drive: str, ways: Sequence[Way], site: str) -> Way:
        """Choose the path: the holder's, if it is to release; else one that works."""
        way, reading = self.read({drive: ways}, site)[drive]
        if wanted == "released":
            way = next((one for one in ways if one.port in reading.holders), way)
        return way

    def _situation(
        self, args: dict[str, Any], task_vars: dict[str, Any], drive: str, way: Way, ways: dict[str, list[Way]], site: str
    ) -> Any:
        """Give what makes a situation of a reading. What is open is looked up each time anew."""
        key = _fencing_key.fencing_key(site, str(args["controller"] or os.uname().nodename))
        here = frozenset(_key(one.port) for some in ways.values() for one in some if one.port)
        instance: frozenset[Port] = frozenset()
        store = self.table(args, task_vars)
        if store is not None:
            try:
                with store.read() as tx:
                    instance = _reservation_report.instance_ports(tx, self.place(args, task_vars)[0])
            finally:
                store.close()
        same_port = [one for one in ways[drive] if one.port == way.port]
        files = [name for one in ways[drive] for name in one.files]

        def situation(reading: Reading) -> Situation:
            return Situation(
                drive, reading, key, lambda one: _fencing_key.is_of_site(one, site), _key(way.port) if way.port else None,
                len(same_port) == 1, here, instance, _open_handles.of(self.handles(), files), frozenset(args["force"]), args["abort"],
            )

        return situation

    def _reset(self, way: Way) -> str:
        outcome = self.execute([_sg_raw.reset(way.node)])[0]
        if outcome.status == 0:
            return ""
        said = _foreign_text.first_words(outcome.said) or "no reason was given"
        return f"sg_reset ended with exit status {outcome.status}: {said}" if outcome.status is not None else said

    def _result(
        self, args: dict[str, Any], task_vars: dict[str, Any], drive: str, way: Way, result: _reservation_steps.Result
    ) -> dict[str, Any]:
        dry, wanted = self._task.check_mode, args["state"]
        plan = [step.words for step in result.steps]
        known = self.joined(args, task_vars, [result.before, result.after])
        before, after = (_reservation_report.text(drive, reading) for reading in (result.before, result.after))
        found = {
            "changed": before != after or bool(plan and (dry or not result.problem)),
            "drive": drive,
            "plan": plan,
            "before": _reservation_report.reading(drive, way.node, result.before, known),
            "after": _reservation_report.reading(drive, way.node, result.after, known),
        }
        if self._task.diff:
            lines = "".join(f"would be sent: {words}\n" for words in plan)
            found["diff"] = {"before": before, "after": after + lines if dry else after, "before_header": way.node, "after_header": way.node}
        if result.problem:
            return {**found, "failed": True, "msg": result.problem}
        done = f"Drive {drive} {'would be' if dry else 'is'} {wanted}: {'; '.join(plan)}."
        return {**found, "msg": done if plan else result.message}


def _key(port: dict[str, Any]) -> Port:
    return port["protocol"], port["id"]
