# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one script that asks a host for its drives and ports, and the reading of its answer, for all platforms.

Pure. Private: may change at any time. To add a platform, write its file in `_platforms` with ``SYSTEM``, ``command`` and
``parse``, and name it in `PLATFORMS`. Its body may use the functions of `_asked.SHELL`.
"""

from __future__ import annotations

import re
import shlex
from typing import Any, Protocol

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _asked as asked
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
    DriveSharingError,
    InvalidValueError,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._identifiers import shown
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import aix, hpux, linux, solaris


class Platform(Protocol):
    """What a platform's file offers."""

    SYSTEM: str

    def command(self) -> str:
        """Give the body of the script."""

    def parse(self, text: str) -> dict[str, Any]:
        """Give ``drives``, ``ports`` and ``notes`` from what the body prints."""


PLATFORMS: dict[str, Platform] = {"linux": linux, "aix": aix, "hpux": hpux, "solaris": solaris}
#: Where Solaris has a POSIX shell: the /bin/sh of Solaris 10 is a Bourne shell, which does not know $(...) or ${name#word}.
POSIX_SHELL = "/usr/xpg4/bin/sh"
MANUAL = "describe its drives and ports in drive_sharing_drives and drive_sharing_ports, and set drive_sharing_discover to false"

_BEGIN = re.compile(r"drive_sharing_facts 1 (\S{1,64})")
_END = "drive_sharing_facts end"
_ROOT = re.compile(r"/[0-9A-Za-z._/+,@:-]*")


class UnsupportedPlatformError(DriveSharingError):
    """The host's operating system is one that the collection cannot ask."""


class BrokenAnswerError(DriveSharingError):
    """The answer of a host is not complete; ``facts`` are what could be read of it, or None."""

    def __init__(self, message: str, facts: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.facts = facts


def command(platform: str = "auto", root: str = "/") -> str:
    """Give the text for ``/bin/sh -c``: it prints the system's name, what the platform's body prints, and an end mark.

    ``platform`` is ``auto`` (the host decides) or a key of `PLATFORMS`. ``root`` is where the host's file system is
    mounted.
    """
    if platform != "auto" and platform not in PLATFORMS:
        msg = f"platform must be auto or one of {', '.join(sorted(PLATFORMS))}, not {platform!r}"
        raise InvalidValueError(msg)
    if not isinstance(root, str) or not _ROOT.fullmatch(root):
        msg = f"root must be an absolute path of letters, digits and '._/+,@:-', not {shown(root)}"
        raise InvalidValueError(msg)
    lines = ["LC_ALL=C", "export LC_ALL", f"root={root.rstrip('/')}", asked.SHELL.strip("\n")]
    if platform == "auto":
        lines += ["system=$(uname -s)", 'printf "drive_sharing_facts 1 %s\\n" "$system"', "case $system in"]
        for known in PLATFORMS.values():
            lines += [f"{known.SYSTEM})", known.command(), ";;"]
        lines.append("esac")
    else:
        chosen = PLATFORMS[platform]
        lines += [f'printf "drive_sharing_facts 1 {chosen.SYSTEM}\\n"', chosen.command()]
    lines.append(f'printf "{_END}\\n"')
    # What a Bourne shell reads of this is one string, and two lines that it understands.
    handed_over = f"if test -x {POSIX_SHELL}; then exec {POSIX_SHELL} -c \"$script\"; fi"
    script = shlex.quote("\n".join(lines))
    return f'script={script}\n{handed_over}\neval "$script"'


def parse(text: str) -> dict[str, Any]:
    """Give ``system``, ``drives``, ``ports`` and ``notes`` from the script's output; what a login prints around it is skipped."""
    platform, body, complete = _body(text)
    found = platform.parse("\n".join(body))
    if not complete:
        msg = f"the answer broke off after {sum(1 for line in body if line)} lines"
        raise BrokenAnswerError(msg, found)
    return {"system": platform.SYSTEM, **found}


def paths_on_linux(text: str) -> list[_facts.Path]:
    """Give every path to a tape drive with its device files, from what the script printed on a host that runs Linux."""
    platform, body, complete = _body(text)
    if platform is not linux:
        msg = f"this is done on Linux only, and the host runs {platform.SYSTEM}"
        raise UnsupportedPlatformError(msg)
    if not complete:
        msg = f"the answer broke off after {sum(1 for line in body if line)} lines"
        raise BrokenAnswerError(msg)
    return linux.paths("\n".join(body))


def _body(text: str) -> tuple[Platform, list[str], bool]:
    """Give the platform, what its body printed, and whether that is all of it."""
    lines = text.replace("\r\n", "\n").split("\n")
    begin = next((number for number, line in enumerate(lines) if _BEGIN.fullmatch(line)), None)
    if begin is None:
        msg = "the answer does not begin with the system's name"
        raise BrokenAnswerError(msg)
    system = _BEGIN.fullmatch(lines[begin])[1]  # type: ignore[index]
    platform = next((known for known in PLATFORMS.values() if system == known.SYSTEM), None)
    if platform is None:
        msg = f"{system} is not one of the systems that can be asked ({', '.join(p.SYSTEM for p in PLATFORMS.values())}); {MANUAL}"
        raise UnsupportedPlatformError(msg)
    body = lines[begin + 1 :]
    return platform, body[: body.index(_END)] if _END in body else body, _END in body
