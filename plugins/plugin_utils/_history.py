# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happened to drives, in sentences, and what keeps the table small. Private: may change at any time."""

from __future__ import annotations

import typing as t


def add(
    tx: t.Any, now: float, kind: str, message: str, drive: str | None = None, sequence: int | None = None,
    host: str | None = None, instance: str | None = None,
) -> None:
    """Add one entry; control characters are replaced, long texts cut."""
    raise NotImplementedError


def read(tx: t.Any, *, drive: str | None = None, kind: str | None = None, since: float | None = None, limit: int = 100) -> list[dict[str, t.Any]]:
    """The newest entries, newest first: id, at, drive, sequence, kind, host, instance, message."""
    raise NotImplementedError


def prune(tx: t.Any, now: float, keep_seconds: float) -> int:
    """Delete what is older (history, ended batches, origin keys, answers of vanished instances), a bounded number of rows a call; gives
    how many went. Call it again while it gives more than 0."""
    raise NotImplementedError
