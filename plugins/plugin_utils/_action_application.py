# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the actions application_drive and application_drive_info share. Private: may change at any time."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

from ansible.errors import AnsibleAuthenticationFailure, AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _application,
    _guarded_windows,
    _host_variables,
    _identifiers,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._act import Place
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action import (
    DriveSharingAction,
    LimitReachedError,
    limit,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import NoAnswerError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import last_words

#: Seconds for giving up a connection.
RESET_SECONDS = 2
#: Where records are kept on a control point if drive_sharing_state_directory does not say.
STATE_DIRECTORY = "/var/lib/drive_sharing"
#: What runs on a control point whose shell is PowerShell.
WINDOWS_MODULE = "tapeworks.drive_sharing.application_step_windows"
#: Seconds that a module may take there until it begins, and for its answer.
WINDOWS_START = 10.0


class ApplicationAction(DriveSharingAction):
    """Finds the application of an instance and reaches its control point."""

    #: How the connection failed, for the task's result.
    unreachable = ""

    def entries(self, task_vars: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The validated drive_sharing_applications of this host."""
        host = str(task_vars["inventory_hostname"])
        return _host_variables.applications(self.variable(task_vars, "drive_sharing_applications"), host)

    def application(
        self, task_vars: Mapping[str, Any], instance: str, name: str, over: Mapping[str, Any] | None = None
    ) -> tuple[ModuleType, dict[str, Any]]:
        """The file and the options of an instance's application on this host."""
        host = str(task_vars["inventory_hostname"])
        file = _application.load(name)
        entry: Mapping[str, Any] = {}
        # A host that is told without describing the instance is a control point that others name.
        scope = file.SCOPES[0] if instance == host else "instance"
        for one in self.entries(task_vars):
            if one["instance"] == instance and one["application"] == name:
                entry, scope = one["options"], one["scope"]
        self._check_shell(task_vars, name, file)
        variables = self.variables(task_vars, f"application_{name}_")
        options = file.check(_application.options_of(name, file, variables, {**entry, **(over or {})}))
        # Device files are by host, and only the application's file knows whose it needs.
        return file, {**options, "control_point": host, "scope": scope}

    def chosen(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> tuple[str, ModuleType, dict[str, Any]]:
        """The instance that a person means: the one named, or the only one."""
        entries = self.entries(task_vars)
        wanted = [
            one for one in entries
            if args["instance"] in (None, one["instance"]) and args["application"] in (None, one["application"])
        ]
        if len(wanted) == 1:
            instance, name = wanted[0]["instance"], wanted[0]["application"]
        elif not wanted and args["application"]:
            instance, name = args["instance"] or str(task_vars["inventory_hostname"]), args["application"]
        else:
            found = ", ".join(one["instance"] for one in entries) or "none"
            msg = (
                f"Which instance is meant on {task_vars['inventory_hostname']}? drive_sharing_applications has {found};"
                " give instance, or application."
            )
            raise InvalidValueError(msg)
        file, options = self.application(task_vars, _identifiers.instance_name(instance), name, args["options"])
        return instance, file, options

    @property
    def windows(self) -> bool:
        """Whether the control point runs Windows: by winrm, psrp, or ssh with ansible_shell_type=powershell."""
        return bool(getattr(self._connection._shell, "_IS_WINDOWS", False))

    def _check_shell(self, task_vars: Mapping[str, Any], name: str, file: ModuleType) -> None:
        shells = getattr(file, "SHELLS", ("sh",))
        host = task_vars["inventory_hostname"]
        if self.windows and "powershell" not in shells:
            msg = (
                f"Application {name} cannot be told on {host}, whose shell is PowerShell; nothing was done. Name a control point"
                " of Unix, or use custom with the commands of your product for Windows."
            )
            raise InvalidValueError(msg)
        if not self.windows and "sh" not in shells:
            msg = (
                f"Application {name} is told on Windows only, but the shell of {host} is none of Windows; nothing was done. Reach it"
                " by ansible_connection winrm or psrp, or by ssh with ansible_shell_type powershell."
            )
            raise InvalidValueError(msg)

    def place(self, task_vars: Mapping[str, Any], site: str) -> Place:
        """The control point."""
        if self.windows:
            directory = self.variable(task_vars, "drive_sharing_state_directory", _guarded_windows.STATE_DIRECTORY)
            _guarded_windows.check_directory(directory, "drive_sharing_state_directory")
            execute = partial(self.execute_windows, task_vars)
            return Place(directory=str(directory), site=site, execute=execute, step=_guarded_windows)
        directory = self.variable(task_vars, "drive_sharing_state_directory", STATE_DIRECTORY)
        shell = self.variable(task_vars, "drive_sharing_shell", "/bin/sh")
        for name, value in (("state_directory", directory), ("shell", shell)):
            if not isinstance(value, str) or not value.startswith("/") or "\0" in value or "\n" in value:
                msg = f"drive_sharing_{name} must be an absolute path, not {str(value)[:60]!r}"
                raise InvalidValueError(msg)
        return Place(directory=str(directory), site=site, execute=self.execute, shell=str(shell))

    def execute(self, command: str, seconds: float) -> str:
        """Run a command line on the control point; every way of not answering is a NoAnswerError."""
        result = self._within(seconds, lambda: self._low_level_execute_command(command))
        if result["rc"] and not result["stdout"].strip():
            said = last_words(str(result["stderr"]))
            msg = f"the step could not be run, exit status {result['rc']}: {said or '(no message)'}"
            raise NoAnswerError(msg)
        return str(result["stdout"])

    def execute_windows(self, task_vars: Mapping[str, Any], request: str, seconds: float) -> str:
        """Have our module on a control point that runs Windows do what is asked; gives its answer as text."""
        result = self._within(
            seconds + WINDOWS_START,
            lambda: self._execute_module(module_name=WINDOWS_MODULE, module_args={"request": request}, task_vars=dict(task_vars)),
        )
        if result.get("unreachable"):
            self.unreachable = str(result.get("msg") or "no reason was given")
            msg = f"unreachable: {last_words(self.unreachable)}"
            raise NoAnswerError(msg)
        return json.dumps(result, default=str)

    def _within(self, seconds: float, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Give what a call over the connection gives; every way of not answering is a NoAnswerError."""
        self.unreachable = ""
        try:
            with limit(seconds):
                return call()
        except LimitReachedError:
            self._forget_connection()
            msg = f"no answer within {seconds:.0f} s"
            raise NoAnswerError(msg) from None
        except (AnsibleConnectionFailure, AnsibleAuthenticationFailure) as exc:
            self.unreachable = str(exc.message)
            msg = f"unreachable: {last_words(self.unreachable)}"
            raise NoAnswerError(msg) from None

    def _forget_connection(self) -> None:
        """Have the next attempt make a connection of its own.

        ssh keeps connections (ControlPersist). One whose other end has vanished without a word stays silent for hours, and
        each attempt that is sent through it keeps it for longer.
        """
        with contextlib.suppress(LimitReachedError, AnsibleError, OSError), limit(RESET_SECONDS):
            if type(self._connection).reset is not ConnectionBase.reset:  # else it only warns
                self._connection.reset()
