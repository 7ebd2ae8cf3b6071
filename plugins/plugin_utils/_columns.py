# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text for people in a terminal: no line wider than ``WIDTH``. Private: may change at any time."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

#: The widest line.
WIDTH = 120
#: What a debug task leaves of it, with the blanks, quotes and commas around each line of a list.
SHOWN = WIDTH - 11


def table(columns: Sequence[tuple[str, int]], rows: Iterable[Sequence[str]]) -> list[str]:
    """Align ``rows`` under the names of ``columns``, each given with its widest cell."""
    lines = [tuple(name for name, _most in columns), *rows]
    cells = [tuple(_cut(cell, most) for cell, (_name, most) in zip(line, columns, strict=True)) for line in lines]
    widths = [max(len(line[column]) for line in cells) for column in range(len(columns))]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def wrapped(text: str, indent: str = "", width: int = WIDTH) -> list[str]:
    """Break a sentence into lines; those after the first are indented by two more."""
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)


def _cut(cell: str, most: int) -> str:
    return cell if len(cell) <= most else cell[: most - 3] + "..."
