# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of an application that is driven by configured commands, in their final form.

Private: may change at any time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

OPTIONS: dict[str, dict[str, Any]] = {
    "query_command": {"type": "list", "elements": "str", "required": True},
    "offline_command": {"type": "list", "elements": "str", "required": True},
    "online_command": {"type": "list", "elements": "str", "required": True},
    "query_pattern": {"type": "str", "required": True},
    "query_valid_pattern": {"type": "str"},
    "online_pattern": {"type": "str", "default": "(?i)online"},
    "offline_pattern": {"type": "str", "default": "(?i)offline"},
    "in_use_pattern": {"type": "str"},
    "conflict_pattern": {"type": "str"},
    "drive_names": {"type": "dict", "default": {}},
    "success_codes": {"type": "list", "elements": "int", "default": [0]},
    "offline_kills_job": {"type": "bool", "default": True},
}

_COMMANDS = ("query_command", "offline_command", "online_command")
_PATTERNS = (
    "query_pattern", "query_valid_pattern", "online_pattern", "offline_pattern", "in_use_pattern", "conflict_pattern",
)
_NEEDED = ("query_pattern", "online_pattern", "offline_pattern")
#: A word that is exactly one of these takes many drives in one command; inside a word, the singular takes one.
LISTS = {"{names}": "name", "{serials}": "serial", "{devices}": "device"}
PLACE = re.compile(r"\{(name|serial|device)\}")
LIST = re.compile(r"\{(?:names|serials|devices)\}")
#: Between a library and a drive of it, where drives are known by both.
OF = "/"


@dataclass(frozen=True)
class Product:
    """What is fixed of a product: everything else is what the user configured."""

    name: str
    #: The options' defaults where they are other than those of OPTIONS; None: it has to be given.
    defaults: Mapping[str, Any] = field(default_factory=dict)
    #: Options that only this product has; they are checked by its own file.
    more: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    #: Those of them that a word of a command can take, as ``{token_file}``.
    forms: tuple[str, ...] = ()
    #: Why there is no default for a command or pattern that has to be given.
    unverified: str = ""
    #: Drives are known by their library and their name, ``LIBRARY/NAME``; it has the option ``libraries``.
    libraries: bool = False

    @property
    def prefix(self) -> str:
        """What the variables of its role begin with."""
        return f"application_{self.name}_"

    def options(self) -> dict[str, dict[str, Any]]:
        """The argument spec of its options."""
        own = {"libraries": {"type": "list", "elements": "str", "default": []}} if self.libraries else {}
        found = {key: dict(spec) for key, spec in (OPTIONS | own | dict(self.more)).items()}
        for key, value in self.defaults.items():
            found[key] = {one: found[key][one] for one in found[key] if one not in ("required", "default")}
            found[key].update({"required": True} if value is None else {"default": value})
        return found

    def check(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Validate and compile; every message names the option as the user wrote it."""
        return _Check(self).all(options)


class _Check:
    def __init__(self, product: Product) -> None:
        self._product = product
        self._prefix = product.prefix

    def all(self, options: Mapping[str, Any]) -> dict[str, Any]:
        final: dict[str, Any] = {key: spec.get("default") for key, spec in self._product.options().items()} | dict(options)
        if self._product.libraries:
            final["libraries"] = self._libraries(final["libraries"])
        for key in _COMMANDS:
            self._given(key, final[key])
            final[key] = self._words(key, final[key])
            self._check_forms(key, final)
        for key in _PATTERNS:
            if key in _NEEDED:
                self._given(key, final[key])
            final[key] = self._compiled(key, final[key])
        self._check_groups(final)
        if not isinstance(final["drive_names"], Mapping):
            msg = f"{self._prefix}drive_names must be a dictionary of serial number to name or list of names"
            raise InvalidValueError(msg)
        final["drive_names"] = {str(serial): self._names(serial, value) for serial, value in final["drive_names"].items()}
        self._check_names_once(final["drive_names"])
        final["success_codes"] = self._codes(final["success_codes"])
        final["offline_kills_job"] = self._flag("offline_kills_job", final["offline_kills_job"])
        return final

    def _given(self, key: str, value: Any) -> None:
        if value is None and self._product.unverified:
            msg = f"{self._prefix}{key} must be given: {self._product.unverified}"
            raise InvalidValueError(msg)
        if value is None and key in _NEEDED[1:]:
            msg = f"{self._prefix}{key} must be a regular expression"
            raise InvalidValueError(msg)

    def _words(self, key: str, words: Any) -> list[str]:
        if not isinstance(words, (list, tuple)) or not words or not all(isinstance(word, str) for word in words):
            msg = f"{self._prefix}{key} must be a list of words with the command first, not {str(words)[:60]!r}"
            raise InvalidValueError(msg)
        if not words[0] or any("\0" in word for word in words):
            msg = f"{self._prefix}{key} must start with a command, and no word may hold NUL"
            raise InvalidValueError(msg)
        return list(words)

    def _check_forms(self, key: str, final: Mapping[str, Any]) -> None:
        """A form that would not be filled in would reach the application as it stands."""
        words: Sequence[str] = final[key]
        for word in words:
            form = LIST.search(word)
            if form and word not in LISTS:
                msg = f"{self._prefix}{key} must have {form.group()} as a word of its own, not in {word[:60]!r}"
                raise InvalidValueError(msg)
        many, one = (any(found.search(word) for word in words) for found in (LIST, PLACE))
        if many and one:
            msg = (
                f"{self._prefix}{key} must have either list forms such as {{names}}, or forms for one drive such as {{name}}"
            )
            raise InvalidValueError(msg)
        if key != "query_command" and not many and not one:
            msg = f"{self._prefix}{key} must name the drive by {{name}}, {{serial}}, {{device}} or a list form of it"
            raise InvalidValueError(msg)
        for own in self._product.forms:
            if any(f"{{{own}}}" in word for word in words) and not final[own]:
                msg = f"{self._prefix}{own} must be given, because {self._prefix}{key} has {{{own}}}"
                raise InvalidValueError(msg)
        if self._product.libraries:
            self._check_libraries(key, words, many, final["libraries"])

    def _check_libraries(self, key: str, words: Sequence[str], many: bool, libraries: Sequence[str]) -> None:
        """Two libraries may have a drive of the same name."""
        named, of_library = (any(form in word for word in words) for form in ("{name}", "{library}"))
        if named and not of_library:
            msg = f"{self._prefix}{key} must have {{library}} beside {{name}}: two libraries may have a drive of the same name"
            raise InvalidValueError(msg)
        if of_library and not named:
            if many or key != "query_command":
                msg = f"{self._prefix}{key} must have {{name}} beside {{library}}"
                raise InvalidValueError(msg)
            if not libraries:
                msg = f"{self._prefix}libraries must be given, because {self._prefix}{key} has {{library}}"
                raise InvalidValueError(msg)

    def _check_groups(self, final: Mapping[str, Any]) -> None:
        groups = set(final["query_pattern"].groupindex) if final["query_pattern"] else set()
        if not {"name", "state"} <= groups:
            msg = f"{self._prefix}query_pattern must have the named groups (?P<name>...) and (?P<state>...)"
            raise InvalidValueError(msg)
        shown = "library" in groups or any("{library}" in word for word in final["query_command"])
        if self._product.libraries and not shown:
            msg = f"{self._prefix}query_pattern must have the named group (?P<library>...) too, or the command {{library}}"
            raise InvalidValueError(msg)

    def _libraries(self, value: Any) -> list[str]:
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) and one and "\0" not in one for one in value):
            msg = f"{self._prefix}libraries must be a list of names of libraries, not {str(value)[:60]!r}"
            raise InvalidValueError(msg)
        split = next((one for one in value if OF in one), None)
        if split is not None:
            msg = f"{self._prefix}libraries must have names without {OF}, but {split!r} has one"
            raise InvalidValueError(msg)
        return list(dict.fromkeys(value))

    def _check_names_once(self, names: Mapping[str, Sequence[str]]) -> None:
        owners: dict[str, str] = {}
        for serial, some in names.items():
            for name in some:
                if owners.setdefault(name, serial) != serial:
                    msg = (
                        f"{self._prefix}drive_names must give a name to one drive only, but {name} is that of"
                        f" {owners[name]} and of {serial}"
                    )
                    raise InvalidValueError(msg)

    def _codes(self, value: Any) -> list[int]:
        try:
            codes = [int(str(code)) for code in value] if isinstance(value, (list, tuple)) else []
        except ValueError:
            codes = []
        if not codes:
            msg = f"{self._prefix}success_codes must be a list of whole numbers, not {str(value)[:60]!r}"
            raise InvalidValueError(msg)
        return codes

    def _flag(self, key: str, value: Any) -> bool:
        # Inventories in INI form, and --extra-vars key=value, give text.
        if isinstance(value, str) and value.lower() in ("true", "yes", "false", "no"):
            return value.lower() in ("true", "yes")
        if not isinstance(value, bool):
            msg = f"{self._prefix}{key} must be true or false, not {str(value)[:60]!r}"
            raise InvalidValueError(msg)
        return value

    def _compiled(self, key: str, pattern: Any) -> re.Pattern[str] | None:
        if pattern is None:
            return None
        try:
            return re.compile(str(pattern), re.MULTILINE)
        except (re.error, OverflowError, RecursionError) as exc:
            msg = f"{self._prefix}{key} must be a regular expression: {exc}"
            raise InvalidValueError(msg) from exc

    def _names(self, serial: Any, value: Any) -> tuple[str, ...]:
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, (list, tuple)) or not names or not all(
            isinstance(name, str) and name and "\0" not in name for name in names
        ):
            msg = f"{self._prefix}drive_names[{serial}] must be a name or a list of names, not {str(value)[:60]!r}"
            raise InvalidValueError(msg)
        if self._product.libraries:
            wrong = next((name for name in names if not all(name.partition(OF)[::2])), None)
            if wrong is not None:
                msg = f"{self._prefix}drive_names[{serial}] must be LIBRARY{OF}NAME, not {wrong[:60]!r}"
                raise InvalidValueError(msg)
        return tuple(names)
