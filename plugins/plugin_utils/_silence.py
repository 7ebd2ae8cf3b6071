# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person is told of control points that did not confirm: one sentence, however many there are.

Pure. Private: may change at any time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

#: So many drives, or control points, are told of one by one.
FEW = 3
#: Control points that are named in one sentence.
NAMED = 25
#: Causes that are told in one sentence.
CAUSES = 3

_VARIES = re.compile(r"[\w.:-]*\d[\w.:-]*")


def some(names: Collection[str], most: int = FEW) -> str:
    """Name some of many, in order, and count the rest."""
    shown = sorted(names)
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + rest


def by_whom(said: Mapping[str, str]) -> str:
    """Who did not confirm, and why; ``said``: host to what it said."""
    if len(said) <= FEW:
        return "; ".join(f"{host}: {why}" for host, why in sorted(said.items()))
    return f"{len(said)} control points ({some(said, NAMED)}): {_causes(said)}"


def of_drives(said: Mapping[str, str]) -> str:
    """What one control point says of drives; ``said``: drive to why it is not confirmed."""
    if len(said) <= FEW:
        return "; ".join(f"drive {drive}: {why}" for drive, why in sorted(said.items()))
    return f"{len(said)} drives ({some(said)}): {_causes(said)}"


def _causes(said: Mapping[str, str]) -> str:
    """The causes, the most frequent first; those that differ in an address or a number only are one."""
    first: dict[str, str] = {}
    count: Counter[str] = Counter()
    for host, why in sorted(said.items()):
        key = _VARIES.sub("#", re.sub(rf"(?<!\w){re.escape(host)}(?!\w)", "#", why))
        first.setdefault(key, why)
        count[key] += 1
    if len(first) == 1:
        return next(iter(first.values()))
    shown = [f"{first[key]} ({number} of them)" for key, number in count.most_common(CAUSES)]
    rest = sum(count.values()) - sum(number for _key, number in count.most_common(CAUSES))
    return "; ".join([*shown, f"other causes ({rest} of them)"] if rest else shown)


def many(found: Iterable[tuple[str, Mapping[str, str]]]) -> str:
    """The beginning of a sentence on many drives; ``found``: each drive with who did not confirm and why."""
    drives: list[str] = []
    causes: dict[str, Counter[str]] = {}
    for drive, said in found:
        drives.append(drive)
        for host, why in said.items():
            causes.setdefault(host, Counter())[why] += 1
    usual = {host: counted.most_common(1)[0][0] for host, counted in causes.items()}
    return f"{len(drives)} drives ({some(drives)}) were not confirmed by {by_whom(usual)}"
