# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ending the rule engine's process when it does not end by itself. Private: may change at any time.

When a source ends, the engine puts a word into its own queue of events, and ends when it reads that. With all action slots
taken by plays that hang it reads nothing any more (ansible-rulebook 1.3.2, ``_drain_source_queue``), and would live on for
ever without a source: no service manager would start it again.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Any

LOGGER = logging.getLogger("tapeworks.drive_sharing")

#: Seconds until then, where the dispatcher's claim_timeout does not say.
PATIENCE = 30.0


def prepare(queue: Any, seconds: float = PATIENCE, end: Callable[[int], Any] = os._exit) -> threading.Timer | None:
    """End this process after ``seconds`` if it is the engine's own, as its ``queue`` tells; the source has ended."""
    if type(queue).__module__.partition(".")[0] != "ansible_rulebook":
        return None
    timer = threading.Timer(seconds, _end, [seconds, end])
    # It does not hold up an engine that ends by itself.
    timer.daemon = True
    timer.start()
    return timer


def _end(seconds: float, end: Callable[[int], Any]) -> None:
    LOGGER.critical(
        "The rule engine did not end within %.0f s after its event source, because its plays hang or are still at work; its"
        " process is ended, so that the service manager starts it anew. All changes stand in the drive table.",
        seconds,
    )
    end(1)
