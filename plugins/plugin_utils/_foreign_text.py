# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text of applications and shells, made fit for a message of ours. Pure. Private: may change at any time."""

from __future__ import annotations

import re

#: What a shell puts before its own words on a command that it cannot run: our name, the line of our script.
_SHELL = re.compile(r"^(?:E: )?drive_sharing(?:\[\d+\])?:(?: exec:| (?:line )?\d+:)* ")
#: Exit status of a shell whose command may not be run, or is not there.
_NOT_RUN = (126, 127)


def first_words(text: str, most: int = 120) -> str:
    """Give the first words on one printable line of at most ``most`` characters; empty if there are none."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * most]).split())
    return line if len(line) <= most else line[: most - 3] + "..."


def last_words(text: str, most: int = 200) -> str:
    """Give the last words on one printable line, like first_words and without a full stop: ssh ends with the reason."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[-4 * most :]).split()).rstrip(".")
    return line if len(line) <= most else "..." + line[3 - most :]


def failure_words(rc: int | None, output: str) -> str:
    """Give what a command that failed said: its first words; of a shell that could not run it the last, which say why."""
    said = last_words(_SHELL.sub("", output.strip()), 120) if rc in _NOT_RUN else first_words(output)
    return said or "(nothing)"
