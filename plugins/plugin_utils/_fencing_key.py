# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reservation keys under which controllers fence drives (the error state). Private: may change at any time.

Eight bytes: ``tds!``, two of the site and two of the controller. One for each controller, because two who use one key cannot be
told apart by PREEMPT; and known by the site without a list of its controllers, so that a controller that takes over knows the
fence of the one before.
"""

from __future__ import annotations

import hashlib

_MARK = int.from_bytes(b"tds!", "big")


def fencing_key(site: str, controller: str) -> int:
    """Give the key of a controller of a site."""
    return _MARK << 32 | _short("site", site) << 16 | _short("controller", controller)


def is_of_site(key: int, site: str) -> bool:
    """Whether a key is that of a controller of this site."""
    return key >> 16 == _MARK << 16 | _short("site", site)


def is_fence(key: int) -> bool:
    """Whether a key is that of a controller of any site."""
    return key >> 32 == _MARK


def _short(kind: str, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{kind} {name}".encode()).digest()[:2], "big")
