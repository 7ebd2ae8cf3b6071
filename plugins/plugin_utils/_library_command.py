# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A library's command line: the text for a host's shell, and what came of it. Pure. Private: may change at any time."""

from __future__ import annotations

import re
import shlex

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import last_words
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library import Answer, Command

#: Exit status of timeout(1), and of what it had to kill.
_TOO_LONG = (124, 137)
MOST = 1 << 20


def script(command: Command, seconds: int) -> str:
    """Give the text for the shell. Every word is quoted; timeout(1) is used where it is."""
    feed = f"printf '%s\\n' {shlex.join(command.lines)} | " if command.lines else ""
    end = "" if command.lines else " </dev/null"
    return (
        f"set -- {shlex.join(command.words)};"
        f' if command -v timeout >/dev/null 2>&1; then set -- timeout -k 2 {seconds} "$@"; fi;'
        f' {feed}"$@" 2>&1{end}'
    )


def answer(status: int, stdout: str, stderr: str, seconds: int, refused: str = "") -> Answer:
    """Make an answer of what came back."""
    if status in _TOO_LONG:
        return Answer(None, error=f"it took longer than {seconds} s")
    if status == 255 and not stdout.strip():
        # So ssh says that it got nowhere.
        return Answer(None, error=last_words(stderr) or "the connection was lost")
    if len(stdout) > MOST:
        return Answer(None, error=f"it printed more than {MOST} characters")
    if not status and refused and (line := re.search(refused, stdout)):
        return Answer(status, line[0], did="ended with exit status")
    return Answer(status, stdout, good=status == 0, did="ended with exit status")
