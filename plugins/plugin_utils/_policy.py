# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables that decide how the collection behaves, with their defaults. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: Drives set by commands of their own that go into one execution: it bounds what a lost connection can delay.
TOGETHER = 8


#: The variables that decide; no other is looked at, so that a broken one elsewhere stops nothing.
VARIABLES = (
    "mode", "error_on", "error_limit", "handshake_timeout", "handshake_retries", "handshake_retry_delay", "minimum_online",
    "missing_days",
)


@dataclass(frozen=True)
class Policy:
    """Times in seconds."""

    mode: str = "enforce"
    error_on: tuple[str, ...] = ("reserved",)
    error_limit: int = 2
    handshake_timeout: int = 10
    handshake_retries: int = 0
    handshake_retry_delay: int = 2
    minimum_online: int = 0
    missing_days: int = 30

    def act_seconds(self, drives: int) -> int:
        """The longest that one control point may take for ``drives`` drives, all of them hanging, retries included."""
        # A command that does not end takes some seconds more to be ended, a record some to be written.
        once = (self.handshake_timeout + 14) * max(1, drives)
        pauses = self.handshake_retries * -(-max(1, drives) // TOGETHER)
        return once * (self.handshake_retries + 1) + self.handshake_retry_delay * pauses + 5


def policy(variables: Mapping[str, Any]) -> Policy:
    """Read the ``drive_sharing_*`` variables; the message of an error names the variable and its form."""
    default = Policy()
    return Policy(
        mode=_choice(variables, "mode", default.mode, ("enforce", "observe")),
        error_on=_choices(variables, "error_on", default.error_on, ("reserved", "released")),
        error_limit=_whole(variables, "error_limit", default.error_limit, 0, 10_000),
        handshake_timeout=_whole(variables, "handshake_timeout", default.handshake_timeout, 1, 3600),
        handshake_retries=_whole(variables, "handshake_retries", default.handshake_retries, 0, 100),
        handshake_retry_delay=_whole(variables, "handshake_retry_delay", default.handshake_retry_delay, 0, 3600),
        minimum_online=_whole(variables, "minimum_online", default.minimum_online, 0, 10_000),
        # What is missing for longer is forgotten: _history.KEEP_MISSING_SECONDS.
        missing_days=_whole(variables, "missing_days", default.missing_days, 0, 90),
    )


def _choice(variables: Mapping[str, Any], key: str, default: str, choices: tuple[str, ...]) -> str:
    value = variables.get(f"drive_sharing_{key}")
    if value is None:
        return default
    if value not in choices:
        msg = f"drive_sharing_{key} must be one of {', '.join(choices)}, not {str(value)[:60]!r}"
        raise InvalidValueError(msg)
    return str(value)


def _choices(
    variables: Mapping[str, Any], key: str, default: tuple[str, ...], choices: tuple[str, ...]
) -> tuple[str, ...]:
    value = variables.get(f"drive_sharing_{key}")
    if value is None:
        return default
    if not isinstance(value, (list, tuple)) or any(item not in choices for item in value):
        msg = f"drive_sharing_{key} must be a list of {', '.join(choices)}, not {str(value)[:60]!r}"
        raise InvalidValueError(msg)
    return tuple(str(item) for item in value)


def _whole(variables: Mapping[str, Any], key: str, default: int, least: int, most: int) -> int:
    value = variables.get(f"drive_sharing_{key}")
    if value is None:
        return default
    try:
        number = int(str(value))
    except ValueError:
        number = least - 1
    if isinstance(value, bool) or not least <= number <= most:
        msg = f"drive_sharing_{key} must be a whole number from {least} to {most}, not {str(value)[:60]!r}"
        raise InvalidValueError(msg)
    return number
