# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module application_drive: the one task of the play's act."""

from __future__ import annotations

import time
import traceback
from dataclasses import replace
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.utils.display import Display

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _alone,
    _answer,
    _by_hand,
    _identifiers,
    _play,
    _silence,
    _turn,
    _views,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._act import Act, Place
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action_application import ApplicationAction
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import Answer, Ask, NoAnswerError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
    DriveSharingError,
    InvalidValueError,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import Policy
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._report import Report

#: Drives of a batch in the task's result, which is printed in full if it fails; the drive table has all.
SHOWN = 5
#: How long the records of a host may take to be listed.
LIST_SECONDS = 30.0


display = Display()


class ActionModule(ApplicationAction):
    """Everything that thinks is on the controller; the control point runs its application's commands only."""

    ARGUMENTS = {
        "batch": {"type": "str"},
        "state": {"type": "str", "choices": ["online", "offline", "given_back"]},
        "drives": {"type": "list", "elements": "str"},
        "instance": {"type": "str"},
        "application": {"type": "str"},
        "options": {"type": "dict", "default": {}},
        "reason": {"type": "str", "default": ""},
        "table": {"type": "str"},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Do a batch's share of this host, or what a person asks for."""
        if (args["batch"] is None) == (args["state"] is None):
            msg = "Give either batch, as the playbook reservation_change does, or state and drives, to set them by hand."
            raise InvalidValueError(msg)
        if args["batch"] is not None:
            return self._batch(_identifiers.batch_id(args["batch"]), args, task_vars)
        if args["state"] == "given_back":
            return self._alone(args, task_vars)
        return self._hand(args, task_vars)

    def _batch(self, batch: str, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        host = task_vars["inventory_hostname"]
        policy = self.policy(task_vars)
        store = self.store(args, task_vars)
        dry = bool(self._task.check_mode)
        report = Report(store, batch, host, dry=dry)
        by_instance: dict[tuple[str, str], list[Any]] = {}
        for row in _play.asks_of(store, batch, host, policy.missing_days):
            by_instance.setdefault((row["ask"].instance, row["application"]), []).append(row["ask"])
        store.close()
        for (instance, application), asks in by_instance.items():
            if asks[0].stopped:
                # Nothing but what we took ourselves can be set now, and observing must not keep it from its owners.
                policy = replace(policy, mode="enforce")
            try:
                file, options = self.application(task_vars, instance, application)
                place = self.place(task_vars, store.site)
                if not policy.minimum_online:
                    Act(place, file, options, policy, dry=dry).run(asks, report, time.sleep)
                    continue
                with store.read() as tx:
                    siblings = _views.siblings(tx, instance, host)
                store.close()
                self._over_floor(Act(place, file, options, policy, dry=dry, siblings=siblings), asks, report, store, policy)
            except DriveSharingError as exc:
                report.silent(asks, str(exc))
            except Exception as exc:  # noqa: BLE001 - a fault of ours in one instance must not keep the others from being told
                display.vvv(traceback.format_exc(), host=host)
                report.silent(asks, f"a fault in this collection: {type(exc).__name__}, {first_words(str(exc))}; please report it")
        report.finish()
        store.close()
        return self._result(report.answers, SHOWN)

    def _over_floor(self, act: Act, asks: list[Ask], report: Report, store: Any, policy: Policy) -> None:
        """Some drives have to stay online: first those that come online, then one play at a time for the others."""
        given = [ask for ask in asks if ask.relation in ("own", "none")]
        taken = [ask for ask in asks if ask.relation not in ("own", "none")]
        if given:
            act.run(given, report, time.sleep)
        if not taken:
            return
        seconds = policy.act_seconds(len(taken))
        turn = _turn.held(store, report.host, taken[0].instance, self.claimer(), seconds, policy.handshake_timeout)
        with turn as mine:
            store.close()
            if mine:
                act.run(taken, report, time.sleep)
            else:
                report([Answer(ask, False, "floor", ask.taken, _turn.WAITS) for ask in taken])

    def _hand(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if not args["drives"]:
            msg = f"state={args['state']} needs drives, the serial numbers of the drives to set."
            raise InvalidValueError(msg)
        instance, file, options = self.chosen(args, task_vars)
        drives = [_identifiers.serial(drive) for drive in args["drives"]]
        reason = _by_hand.checked_reason(args["reason"])
        answers: list[Answer] = []
        dry = bool(self._task.check_mode)
        store = self.store(args, task_vars)
        host = task_vars["inventory_hostname"]
        state = str(args["state"])
        with _by_hand.held(store, drives, instance, host, state, self.claimer(), answers, dry=dry, reason=reason) as asks:
            act = Act(self.place(task_vars, store.site), file, options, self.policy(task_vars, mode="enforce"), dry=dry)
            act.run(asks, answers.extend, time.sleep)
        store.close()
        return self._result(answers)

    def _alone(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Give back by this host's records alone: the controller with its drive table is gone."""
        host = task_vars["inventory_hostname"]
        policy = self.policy(task_vars, mode="enforce")
        place = self.place(task_vars, "")
        try:
            listing = self._records(place)
        except NoAnswerError:
            if self.unreachable:
                raise AnsibleConnectionFailure(self.unreachable) from None
            raise
        facts = (task_vars.get("ansible_facts") or {}).get("drive_sharing") or {}
        devices = {one["serial"]: one["devices"] for one in facts.get("drives", ())}
        applications = {one["instance"]: one["application"] for one in self.entries(task_vars)}
        site = self.variable(task_vars, "drive_sharing_site") or None
        found = _alone.find(listing, args["drives"] or [], site, devices, applications)
        answers: list[Answer] = []
        for (instance, whose), asks in found.asks.items():
            file, options = self.application(task_vars, instance, applications[instance])
            act = Act(replace(place, site=whose), file, options, policy, dry=bool(self._task.check_mode))
            act.run(asks, answers.extend, time.sleep)
        result = self._result(answers)
        messages = found.left + found.problems
        if found.problems:
            problem = f"{host}: {' '.join(found.problems)}"
            result.update(failed=True, msg=f"{result['msg']} {problem}" if "msg" in result else problem)
        return {**result, "messages": messages, **({"warnings": messages} if messages else {})}

    def _records(self, place: Place) -> list[tuple[str, str, str]]:
        nonce = place.nonce()
        command = place.step.list_command(place.directory, nonce, place.shell)
        listing = place.step.parse_list(place.execute(command, LIST_SECONDS), nonce)
        if not listing.complete:
            msg = f"The records of this host cannot be read: {listing.problem}; nothing was set."
            raise NoAnswerError(msg)
        return [(instance, drive, str(text)) for instance, drive, text in listing.records]

    def _result(self, answers: list[Answer], most: int | None = None) -> dict[str, Any]:
        """One entry per drive and instance, or ``most`` of them; the task fails if one of them is no confirmation."""
        drives = [
            {
                "drive": one.ask.drive, "instance": one.ask.instance, "sequence": one.ask.sequence,
                "confirmed": one.confirmed, "outcome": one.outcome, "reason": one.reason, "names": list(one.names),
                "state_before": one.state_before, "state": one.state_read, "shown": one.shown, "taken": one.taken,
            }
            for one in (sorted(answers, key=lambda one: one.confirmed)[:most] if most else answers)
        ]
        changed = [one for one in answers if one.changed and not (one.observed and not self._task.check_mode)]
        result: dict[str, Any] = {"changed": bool(changed), "drives": drives}
        if self._task.diff and changed:
            result["diff"] = [
                {
                    "before_header": f"{one.ask.instance} {one.ask.drive}", "before": f"{one.state_before}\n",
                    "after_header": f"{one.ask.instance} {one.ask.drive}", "after": f"{one.set_to}\n",
                }
                for one in changed
            ]
        open_ones = [one for one in answers if not one.confirmed]
        if open_ones:
            said = _silence.of_drives({one.ask.drive: one.reason or _answer.meaning(one.outcome) for one in open_ones})
            if self.unreachable:
                raise AnsibleConnectionFailure(self.unreachable)
            result.update(failed=True, msg=f"Not confirmed by {open_ones[0].ask.instance}: {said}.")
        return result
