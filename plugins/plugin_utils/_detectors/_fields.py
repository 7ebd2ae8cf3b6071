# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the maps of several detectors have in common: a field is fixed, or stands somewhere in what was sent.

Private: may change at any time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _change, _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words

#: What a status or protocol may be mapped to, beside the words of the change.
IGNORE = "ignore"
UNKNOWN = "unknown"
#: Key of ``values`` for every value that is not named.
ANY = "*"
STATUSES = (*_change.STATUSES, IGNORE)
PROTOCOLS = (*_identifiers.PROTOCOLS, UNKNOWN)
#: By what a drive may be named.
DRIVE_KEYS = ("serial", "wwpn", "wwnn", "location")
#: A sender's clock that is further off is not believed; the time of receipt is taken.
MAX_CLOCK_DIFFERENCE = 86400
#: Longer than any identifier; a longer value is refused before anything is done with it.
MAX_TEXT = 1024

#: Keys of ``values`` that need no quotation marks in a sentence.
_PLAIN = re.compile(r"[\w.*-]{1,40}")


@dataclass(frozen=True, slots=True)
class Field:
    """Where a field comes from: a fixed ``value``, or what was sent, by ``pattern`` and ``values``."""

    value: str | None = None
    values: Mapping[str, str] | None = None
    pattern: re.Pattern[str] | None = None
    optional: bool = False

    def translated(self, text: str, what: str) -> str:
        """Apply pattern and value map to a value as it came."""
        if self.pattern is not None:
            found = self.pattern.search(text)
            if not found:
                msg = f"{what} does not match the map's pattern: {_identifiers.shown(text)}"
                raise InvalidValueError(msg)
            text = found[1] if self.pattern.groups else found[0]
        if self.values is not None:
            mapped = self.values.get(text, self.values.get(ANY))
            if mapped is None:
                msg = f"{what} is {_identifiers.shown(text)}, which the map's values do not name"
                raise InvalidValueError(msg)
            return mapped
        return text


def values(value: Any, words: tuple[str, ...] | None, what: str) -> dict[str, str] | None:
    """Check what says which value means what; ``words``: all that it may mean."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or not value:
        refuse(what, "a mapping from what is sent to what it means", value)
    result = {}
    for key, meaning in value.items():
        if isinstance(key, bool) or not isinstance(key, (str, int)):
            refuse(f"a key of {what}", "a number or a text in quotation marks", key)
        place = f"{what}[{key if isinstance(key, str) and _PLAIN.fullmatch(key) else _identifiers.shown(key)}]"
        if words is None and not isinstance(meaning, str):
            refuse(place, "a text, in quotation marks", meaning)
        result[str(key)] = str(meaning) if words is None else word(meaning, words, place)
    return result


def pattern(value: Any, what: str) -> re.Pattern[str] | None:
    """Check a regular expression with at most one group."""
    if value is None:
        return None
    try:
        compiled = re.compile(value)
    except (re.error, TypeError, OverflowError, RecursionError) as exc:
        refuse(what, f"a regular expression ({first_words(str(exc))})", value)
    if compiled.groups > 1:
        refuse(what, "a regular expression with at most one group", value)
    return compiled


def word(value: Any, words: tuple[str, ...], what: str) -> str:
    """Check one of some words."""
    if not isinstance(value, str) or value not in words:
        refuse(what, f"one of {', '.join(words)}", value)
    return str(value)


def senders(value: Any, what: str) -> dict[str, str]:
    """Check the libraries' names by their addresses."""
    if not isinstance(value, Mapping) or not value:
        refuse(what, "a mapping from IP addresses to names of libraries", value)
    return {
        _identifiers.ip(address, what): _identifiers.host_name(name, f"{what}[{address}]") for address, name in value.items()
    }


def items(value: Any, what: str, form: str) -> Sequence[Any]:
    """Check a list that is not empty."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence) or not value:
        refuse(what, form, value if not isinstance(value, Sequence) or value else "[]")
    return value


def boolean(value: Any, what: str) -> bool:
    """Check true or false."""
    if not isinstance(value, bool):
        refuse(what, "true or false", value)
    return value


def keys(mapping: Mapping[Any, Any], known: Sequence[str], what: str) -> None:
    """Refuse a key that is not known."""
    for key in mapping:
        if key not in known:
            msg = f"{what} has no option {_identifiers.shown(key)}; there are {', '.join(known)}"
            raise InvalidValueError(msg)


def refuse(what: str, form: str, value: Any) -> NoReturn:
    """Raise the usual sentence."""
    msg = f"{what} must be {form}, not {_identifiers.shown(value)}"
    raise InvalidValueError(msg)
