# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins of libraries share: options, calls, results. Private: may change at any time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from ansible.errors import AnsibleAuthenticationFailure, AnsibleConnectionFailure
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.utils.display import Display

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _identifiers,
    _library,
    _library_command,
    _library_snmp,
    _library_steps,
    _library_web,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action import (
    DriveSharingAction,
    LimitReachedError,
    limit,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
    DriveSharingError,
    InvalidValueError,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import last_words
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library import Answer, Command, Web
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library_steps import Result, Steps, World

_DISPLAY = Display()
#: For the way to the host of a command, besides the command's own time.
CONNECTION_SECONDS = 15


class LibraryAction(DriveSharingAction):
    """Base: ``do`` asks or tells; every run gives the same result."""

    _supports_diff = False

    def do(self, steps: Steps, args: dict[str, Any]) -> Result:
        """Ask, or tell."""
        raise NotImplementedError

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Check what was given, and do it."""
        try:
            result = self._do(args, task_vars)
        except DriveSharingError as exc:
            known = args["library"] in (task_vars.get("hostvars") or {})
            words = f"Library {args['library']}: {exc}" if known else f"The inventory has no library {args['library']}; add it to group tape_libraries"
            result = Result("unknown", f"{words}. {_library_steps.NOTHING}", failed=True)
        found = {
            "library": args["library"],
            "drive": args["drive"],
            "state": result.state,
            "changed": result.changed,
            "msg": result.message,
            "logical_library": result.logical_library,
            "way": result.way.name if result.way else None,
            "effect": result.way.effect if result.way else None,
            "steps": result.steps,
        }
        return {**found, "failed": True} if result.failed else found

    def _do(self, args: dict[str, Any], task_vars: dict[str, Any]) -> Result:
        _identifiers.host_name(args["library"], "library")
        drive = _identifiers.serial(args["drive"], "drive")
        file = _library.load(args["kind"])
        options = file.check(self._options(file, args))
        with self._calls(options) as call:
            world = World(call, time.monotonic, time.sleep, lambda line: _DISPLAY.v(f"{args['library']}, drive {drive}: {line}"))
            return self.do(Steps(file, options, args["library"], drive, world), args)

    def _options(self, file: ModuleType, args: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in (args["options"] or {}).items() if value is not None}
        unknown = sorted(set(given) - set(file.OPTIONS), key=str)
        if unknown:
            msg = f"options.{unknown[0]} is not an option of kind {args['kind']}; it has {', '.join(sorted(file.OPTIONS))}"
            raise InvalidValueError(msg)
        result = ArgumentSpecValidator(file.OPTIONS).validate(given)
        if result.error_messages:
            raise InvalidValueError(result.error_messages[0].rstrip("."))
        return dict(result.validated_parameters)

    @contextlib.contextmanager
    def _calls(self, options: Mapping[str, Any]) -> Iterator[Any]:
        clients: dict[type, Any] = {}

        def call(one: Any) -> Answer:
            if isinstance(one, Command):
                return self._command(one, options["timeout"])
            kind = _library_web.Client if isinstance(one, Web) else _library_snmp.Client
            if kind not in clients:
                clients[kind] = kind(options)
            answer: Answer = clients[kind](one)
            return answer

        try:
            yield call
        finally:
            for client in clients.values():
                client.close()

    def _command(self, command: Command, seconds: int) -> Answer:
        """Run a command on the host that the task is delegated to."""
        try:
            # The host's own limit comes first: what it ends is ended there too.
            with limit(seconds + CONNECTION_SECONDS):
                result = self._low_level_execute_command(_library_command.script(command, seconds))
        except LimitReachedError:
            return Answer(None, error=f"it took longer than {seconds} s")
        except (AnsibleConnectionFailure, AnsibleAuthenticationFailure) as exc:
            return Answer(None, error=f"unreachable: {last_words(str(exc.message))}")
        return _library_command.answer(result["rc"], result["stdout"], result["stderr"], seconds, command.refused)
