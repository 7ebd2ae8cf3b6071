# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text of applications and shells, made fit for a message of ours. Pure. Private: may change at any time."""

from __future__ import annotations


def first_words(text: str, most: int = 120) -> str:
    """Give the first words on one printable line of at most ``most`` characters; empty if there are none."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * most]).split())
    return line if len(line) <= most else line[: most - 3] + "..."


def last_words(text: str, most: int = 200) -> str:
    """Give the last words on one printable line, like first_words and without a full stop: ssh ends with the reason."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[-4 * most :]).split()).rstrip(".")
    return line if len(line) <= most else "..." + line[3 - most :]
