# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every file in ``_applications`` has: the same functions, taking and giving the types below.

A file ``_applications/<name>.py`` has

- ``OPTIONS``: the argument spec of its options (Ansible's form); the role ``application_<name>`` has the same;
- ``SCOPES``: what a drive's state can belong to there, a tuple of ``host`` (a state for each host) and ``instance`` (one for
  all); the first is meant where an entry of drive_sharing_applications says nothing, and gives no control points;
- ``check(options) -> options``: the options in their final form; raises InvalidValueError;
  from then on they have the keys ``control_point``, the host that is asked, and ``scope``, one of ``SCOPES``;
- ``queries(options, targets) -> list[list[str] | Dialogue]``: what is run to read the state of the drives;
- ``read(options, targets, answers) -> Reading``: what their answers say;
- ``settings(options, state, names, targets) -> list[Setting]``: the commands that set drives online or offline;
- where what the commands print says more than the next reading, ``said(options, state, names, answers) -> dict[str, Said]``:
  ``answers`` are those of the commands of one setting;
- where the application may forget what it was told, ``recheck(options) -> float``: seconds after which a drive that is
  offline there is read again; 0: never;
- where it can be told on Windows, ``SHELLS``: a tuple of ``sh`` and ``powershell``, the control points' shells; ``("sh",)`` is
  what is meant without it. There a command is a program with its arguments, or one of the few cmdlets that the module
  ``application_step_windows`` has.

All of it is pure; the words of a product appear in its own file only (and those cmdlets in the module). Private: may change at
any time.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


@dataclass(frozen=True)
class Target:
    """A drive that the application is asked about."""

    drive: str
    devices: tuple[str, ...] = ()
    #: For products that can carry a comment.
    reason: str = ""
    #: The device files that the other hosts of the instance have for it: host to files.
    elsewhere: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Dialogue:
    """A command that reads lines from its standard input; ``(drive, line)`` is left out together with its drive."""

    words: tuple[str, ...]
    lines: tuple[str | tuple[str, str], ...]


@dataclass(frozen=True)
class Found:
    """A drive as the application knows it. A drive known under two names is online if one of them is."""

    names: tuple[str, ...]
    state: str
    shown: str
    in_use: bool = False
    conflict: bool = False
    #: It is set offline and gets no more jobs, but one that was running goes on until it ends by itself: then ``state`` is
    #: offline, and the drive is confirmed only once this is over.
    ending: bool = False
    #: It is offline in a way that the application may end by itself, as while it polls the drive: it is read again after a while.
    passing: bool = False
    #: How many of ``Reading.online`` it is while it is online; None: as many as it has names.
    counts: int | None = None
    #: The pools of ``Reading.pools`` in which it is online.
    pools: tuple[str, ...] = ()


@dataclass
class Reading:
    """``drives``: what was found; a drive that is in neither dict is not configured in the application."""

    drives: dict[str, Found] = field(default_factory=dict)
    #: drive: one sentence on why nothing can be said of it.
    problems: dict[str, str] = field(default_factory=dict)
    #: Online drives of the whole application as far as the query shows them, for the floor; None: not shown.
    online: int | None = None
    #: Where drives stand in for each other only within a pool, as in a library: its online drives. The floor holds in each.
    pools: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """Commands that set some drives; a word that stands for one drive only is ``(drive, word)``."""

    drives: tuple[str, ...]
    commands: tuple[tuple[str | tuple[str, str], ...] | Dialogue, ...]


@dataclass(frozen=True)
class Said:
    """What a command that sets a drive printed: one sentence on why it did not."""

    why: str
    #: It did something else: the drive is not confirmed, whatever is read of it.
    wrong: bool = False
    #: It is told of a drive that is as wanted, too.
    beside: bool = False


def load(name: Any) -> ModuleType:
    """Give the file of an application by its name."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        msg = f"application must be a name like 'custom', not {str(name)[:60]!r}"
        raise InvalidValueError(msg)
    try:
        return importlib.import_module(f"{__package__}._applications.{name}")
    except ModuleNotFoundError as exc:
        if not str(exc.name).endswith(f"_applications.{name}"):
            raise
        msg = f"application {name!r} is not known; use 'custom' with the commands of your product"
        raise InvalidValueError(msg) from exc


def options_of(name: str, file: ModuleType, variables: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Collect the options of an application: its role's variables, and over them those of the instance's entry."""
    prefix = f"application_{name}_"
    found = {key: variables[prefix + key] for key in file.OPTIONS if variables.get(prefix + key) is not None}
    unknown = sorted(set(entry) - set(file.OPTIONS), key=str)
    if unknown:
        msg = f"options.{unknown[0]} is not an option of application {name}; it has {', '.join(sorted(file.OPTIONS))}"
        raise InvalidValueError(msg)
    found.update({key: value for key, value in entry.items() if value is not None})
    return found
