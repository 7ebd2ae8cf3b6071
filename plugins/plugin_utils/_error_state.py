# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drive's error state in the table: forced and cleared only under a claim (design 4.3 I4, I9). Private: may change at any time."""

from __future__ import annotations

import typing as t


def begin_error(
    tx: t.Any, batch: str, drive: str, sequence: int, attempt: int, hosts: t.Sequence[str], limit: int, now: float
) -> tuple[bool, str]:
    """Ask, right before the library is called, whether it may be: (True, '') or (False, one sentence). hosts: the silent control points;
    limit: drives per silent control point and hour, 0 = no limit."""
    raise NotImplementedError


def finish_error(
    tx: t.Any, batch: str, drive: str, sequence: int, attempt: int, ok: bool, reason: str, now: float
) -> str:
    """After the library's call: 'error' (stands), 'undo' (the claim was lost: clear it at the library, then error_undone) or 'failed'."""
    raise NotImplementedError


def error_undone(tx: t.Any, drive: str, now: float) -> None:
    """The library says that our own forced error is gone again."""
    raise NotImplementedError


def begin_clear(tx: t.Any, drive: str, now: float) -> tuple[bool, str]:
    """A person clears the error state: (True, '') before the library is called, or (False, sentence)."""
    raise NotImplementedError


def cleared(tx: t.Any, drive: str, now: float, observation: t.Any = None) -> None:
    """The library says that the error state is gone: every control point is asked again, with the reading made after it if given."""
    raise NotImplementedError
