# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking a control point's answers to the drive table while it is still being asked. Private: may change at any time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _answer, _play
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import Answer, Ask
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import TableError


class Report:
    """Writes answers at once: a drive settles as soon as its own control points have confirmed.

    What the table does not take now it takes with the next ones, or at the latest by ``finish``: the applications go on
    being asked meanwhile, for that is what keeps their jobs from harm.
    """

    def __init__(
        self, store: Any, batch: str, host: str, *, dry: bool = False, clock: Callable[[], float] | None = None
    ) -> None:
        """``dry``: keep the answers only. ``clock``: instead of the table's."""
        self._store = store
        self._batch = batch
        self.host = host
        self._dry = dry
        self._clock = clock
        self._waiting: list[Answer] = []
        #: All answers so far.
        self.answers: list[Answer] = []

    def __call__(self, some: Sequence[Answer]) -> None:
        """Take answers."""
        self.answers += some
        self._waiting += some
        with contextlib.suppress(TableError):
            self.finish()

    def silent(self, asks: Sequence[Ask], reason: str) -> None:
        """Answer for those of ``asks`` that have no answer yet."""
        known = {(one.ask.drive, one.ask.instance) for one in self.answers}
        self([_answer.silent(ask, reason) for ask in asks if (ask.drive, ask.instance) not in known])

    def finish(self) -> None:
        """Write what has not been written; raises TableError."""
        if self._waiting and not self._dry:
            behind = {one.ask.drive: one.record_sequence for one in self._waiting if one.outcome == "behind"}
            now = (self._clock or self._store.now)()
            rows = [_answer.as_row(one, self.host, now) for one in self._waiting]
            _play.confirm(self._store, self._batch, rows, behind, now)
        self._waiting = []
