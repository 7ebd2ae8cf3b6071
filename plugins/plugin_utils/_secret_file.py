# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether others can read a file of a control point that holds a secret. Pure. Private: may change at any time.

What an application is told is in command lines that others see; a secret never is. So the product's own programs read it
from a file, and before each use it is looked at, by the first query: ``look(path)``, and ``exposed(path, its answer)``.
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words

_MODE = re.compile(r"^-([r-][w-][xsS-])([r-][w-][xsS-])([r-][w-][xtT-])")


def look(path: str) -> list[str]:
    """The query that shows who may read the file."""
    return ["ls", "-lLd", path]


def exposed(path: str, answer: Any, what: str = "the password") -> str:
    """Say if others can read the secret. Whoever may not look at the file has no way to it."""
    if answer.rc:
        return ""
    mode = _MODE.match(answer.output)
    if not mode:
        return f"it cannot be seen who may read {path}, which holds {what}: {first_words(answer.output) or '(nothing)'}"
    _owner, group, others = mode.groups()
    if others[:2] != "--" or "w" in group:
        return (
            f"others may read or write {path}, which holds {what}, its mode is {mode.group()}: take that from them"
            f" (chmod o=,g-w {path}), and change {what}"
        )
    return ""
