# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One play at a time sets drives of an instance offline where some have to stay online (drive_sharing_minimum_online).

Two plays that each count the online drives and each leave enough of them would together leave too few. Plays of several
controllers see the same drive table, so the turn is kept there. Private: may change at any time.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _process, _rows, _store

#: Seconds between looks at whether the turn is free.
LOOK = 0.1
#: Why a drive is left where the turn was not free in time.
WAITS = "another play is setting drives of this instance offline, so those that stay online cannot be counted now"


@contextlib.contextmanager
def held(
    store: Any, host: str, instance: str, claimer: Mapping[str, Any], seconds: float, patience: float,
    sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.time,
) -> Iterator[bool]:
    """Have the turn during the body; False: it did not become free within ``patience`` seconds.

    ``seconds``: how long the body takes at the most; ``claimer``: the process that has the turn. Raises TableError.
    """
    key, mine = f"turn {host} {instance}", secrets.token_hex(8)
    end = clock() + patience
    while not (got := _take(store, key, {**claimer, "turn": mine, "until": clock() + seconds}, clock())) and clock() < end:
        sleep(LOOK)
    try:
        yield got
    finally:
        if got:
            _leave(store, key, mine)


def _take(store: Any, key: str, wanted: dict[str, Any], now: float) -> bool:
    with store.write() as tx:
        there = _rows.loads(_store.get_meta(tx, key))
        if isinstance(there, dict) and not _over(there, wanted["until"], now) and not _process.gone(there):
            return False
        _store.set_meta(tx, key, _rows.dumps(wanted))
        return True


def _over(there: Mapping[str, Any], longest: float, now: float) -> bool:
    """Whether a turn is over; one that lasts longer than ours would was taken before somebody set the clock back."""
    until = there.get("until")
    return not isinstance(until, (int, float)) or not now < until <= longest + 3600


def _leave(store: Any, key: str, mine: str) -> None:
    with store.write() as tx:
        there = _rows.loads(_store.get_meta(tx, key))
        if isinstance(there, dict) and there.get("turn") == mine:
            _store.set_meta(tx, key, None)
