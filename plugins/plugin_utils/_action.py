# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What our action plugins share: arguments, variables, the drive table, time limits. Private: may change at any time."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _policy, _process, _store
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import DriveSharingError


class NotWrittenError(Exception):
    """Ends the transaction of a check mode run, so that it is rolled back."""


class LimitReachedError(BaseException):
    """A time limit of our own ran out; no Exception, so that no retry of a connection plugin swallows it."""


class DriveSharingAction(ActionBase):
    """Base of our action plugins. ``act`` does the work; its DriveSharingError becomes the task's message."""

    # A step that nobody waits for cannot be confirmed; ansible-core refuses async by this.
    _supports_async = False
    _supports_check_mode = True
    _supports_diff = True
    #: The argument spec, equal to the documentation of the module of the same name.
    ARGUMENTS: dict[str, Any] = {}

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Validate the arguments, do the work, turn an expected error into one sentence."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(argument_spec=self.ARGUMENTS)
        try:
            result.update(self.act(args, task_vars or {}))
        except DriveSharingError as exc:
            result.update(failed=True, msg=str(exc))
        return result

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Do the work; gives the result."""
        raise AnsibleActionFail(f"{type(self).__name__} does nothing")

    def variable(self, task_vars: Mapping[str, Any], name: str, default: Any = None) -> Any:
        """Give a variable of the host, templated; ``default`` where it is not defined."""
        if name not in task_vars:
            return default
        try:
            value = self._templar.template(task_vars[name])
        except AnsibleError as exc:
            msg = f"The variable {name} of {task_vars.get('inventory_hostname')} cannot be read: {exc.message}"
            raise AnsibleActionFail(msg) from None
        return default if value is None else value

    def variables(self, task_vars: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        """Give all variables of the host whose names begin with ``prefix``."""
        return {name: self.variable(task_vars, name) for name in task_vars if name.startswith(prefix)}

    def policy(self, task_vars: Mapping[str, Any], **over: Any) -> _policy.Policy:
        """The policies of this host."""
        found = {f"drive_sharing_{key}": self.variable(task_vars, f"drive_sharing_{key}") for key in _policy.VARIABLES}
        return _policy.policy({**found, **{f"drive_sharing_{key}": value for key, value in over.items()}})

    def store(self, args: Mapping[str, Any], task_vars: Mapping[str, Any], *, create: bool = False) -> Any:
        """Open the drive table of this play; refuses another site's."""
        location = args.get("table") or self.variable(task_vars, "drive_sharing_table") or _store.default_location()
        site = self.variable(task_vars, "drive_sharing_site") or None
        return _store.open_store(str(location), create=create, site=str(site) if site else None)

    def claimer(self) -> dict[str, Any]:
        """Name the ansible-playbook process that this worker belongs to."""
        return _process.identity(os.getppid())


@contextlib.contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Raise LimitReachedError in the body after ``seconds``; keeps a task's own time limit alive.

    A task's ``timeout`` uses the same timer (ansible-core, ``_alarm_timeout``), so it is put back with what is left of
    it; if it would run out first, it does.
    """

    def ring(_signal: int, _frame: Any) -> None:
        raise LimitReachedError

    started = time.monotonic()
    left, _interval = signal.getitimer(signal.ITIMER_REAL)
    if left and left <= seconds:
        yield
        return
    handler = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left - (time.monotonic() - started)))
