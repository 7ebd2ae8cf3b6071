# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application that is driven by configured argument lists and patterns. Private: may change at any time.

A file in ``_applications`` that rests on it says what is fixed of its product::

    _PRODUCT = Configured(Product("custom"))
    OPTIONS, check, queries = _PRODUCT.options, _PRODUCT.check, _PRODUCT.queries
    read, settings = _PRODUCT.read, _PRODUCT.settings
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import (
    Found,
    Reading,
    Setting,
    Target,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured_options import (
    LIST,
    LISTS,
    OF,
    PLACE,
    Product,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import failure_words, first_words


@dataclass(frozen=True)
class _Group:
    """Queries that are believed together or not at all."""

    queries: Sequence[list[str]]
    #: The drives that they tell of.
    targets: Sequence[Target]
    #: For each query the library that it shows.
    libraries: Sequence[str]


class Configured:
    """The functions of a file in ``_applications``."""

    def __init__(self, product: Product) -> None:
        """``product``: what is fixed of it."""
        self.product = product
        self.options = product.options()

    def check(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options in their final form."""
        return self.product.check(options)

    # queries

    def queries(self, options: Mapping[str, Any], targets: Sequence[Target]) -> list[list[str]]:
        """One command for all drives, for each library, or for each name of each drive if the command names a drive.

        A drive without a device file is left out of a command that needs one; without any drive there is no command.
        """
        command = options["query_command"]
        if _needs_device(command):
            targets = [target for target in targets if target.devices]
            if not targets:
                return []
        return [query for group in self._groups(options, targets) for query in group.queries]

    def _groups(self, options: Mapping[str, Any], targets: Sequence[Target]) -> list[_Group]:
        command = options["query_command"]
        if _for_each(command):
            # A query for each drive tells of that drive only; one for all tells of all.
            return [
                _Group(
                    [[self._fill(options, word, target, name) for word in command] for name in names], [target],
                    [self._library(name) for name in names],
                )
                for target in targets for names in [_names(options, target)]
            ]
        libraries = options["libraries"] if any("{library}" in word for word in command) and self.product.libraries else [""]
        return [
            _Group(
                [[
                    filled
                    for word in command
                    for filled in (
                        [self._fill(options, word, None, library + OF)] if word not in LISTS
                        else [value for target in targets for value in _values(options, LISTS[word], target)]
                    )
                ]],
                [target for target in targets if self._may_be_in(options, target, library)], [library],
            )
            for library in libraries
        ]

    def _may_be_in(self, options: Mapping[str, Any], target: Target, library: str) -> bool:
        """Whether a library that cannot be read leaves something unknown of the drive."""
        names = options["drive_names"].get(target.drive)
        return not library or names is None or any(self._library(name) == library for name in names)

    def _library(self, name: str) -> str:
        return name.partition(OF)[0] if self.product.libraries else ""

    def _fill(self, options: Mapping[str, Any], word: str, target: Target | None, name: str) -> str:
        values = {form: str(options[form]) for form in self.product.forms}
        if self.product.libraries:
            values["library"], _of, name = name.partition(OF)
        if target is not None:
            device = target.devices[0] if target.devices else ""
            values |= {"name": name, "serial": target.drive, "device": device, "reason": target.reason}
        return re.sub(r"\{([a-z_]+)\}", lambda match: values.get(match.group(1), match.group()), word)

    # reading

    def read(self, options: Mapping[str, Any], targets: Sequence[Target], answers: Sequence[Any]) -> Reading:
        """Find the drives in the answers.

        ``answers``: one ``_guarded.CommandAnswer`` per query, in the same order. A drive counts as not configured only if
        the query worked: it ended with a code of success_codes, and query_valid_pattern was found in it, or without such
        a pattern at least one drive.
        """
        reading = Reading()
        rows: list[dict[str, Any]] = []
        place = 0
        if _needs_device(options["query_command"]):
            reading.problems = {target.drive: self._no_device("query_command") for target in targets if not target.devices}
            targets = [target for target in targets if target.devices]
        broken = False
        for group in self._groups(options, targets) if targets or not reading.problems else []:
            part = answers[place:place + len(group.queries)]
            place += len(group.queries)
            found, problem = self._rows(options, part, group.libraries)
            rows += found
            if problem:
                broken = True
                reading.problems.update({target.drive: problem for target in group.targets})
        owners: dict[str, list[str]] = {}
        matched: dict[str, list[dict[str, Any]]] = {}
        for target in (one for one in targets if one.drive not in reading.problems):
            matched[target.drive], problem = self._matching(options, target, rows)
            if problem:
                reading.problems[target.drive] = problem
            for row in matched[target.drive]:
                owners.setdefault(row["name"], []).append(target.drive)
        unset = [key for key in ("offline_command", "online_command") if _needs_device(options[key])]
        for target in targets:
            mine = matched.get(target.drive, [])
            shared = sorted({row["name"] for row in mine if len(set(owners[row["name"]])) > 1})
            if shared:
                drives = ", ".join(sorted(set(owners[shared[0]])))
                reading.problems[target.drive] = f"the application's drive {shared[0]} would be several drives: {drives}"
            elif mine and unset and not target.devices:
                reading.problems[target.drive] = self._no_device(unset[0])
            elif mine:
                reading.drives[target.drive] = _found(options, mine)
        if rows and not broken and _shows_all(options["query_command"]):
            reading.online = _online(options, rows)
        return reading

    def _no_device(self, key: str) -> str:
        return f"no device file of it is known on this host, but {self.product.prefix}{key} needs one"

    def _rows(
        self, options: Mapping[str, Any], answers: Sequence[Any], libraries: Sequence[str]
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Find the drives in the answers of one group, or say in one sentence why nothing can be said."""
        rows: list[dict[str, Any]] = []
        for answer, library in zip(answers, libraries, strict=False):
            problem = self.problem(options, answer)
            if problem:
                return [], problem
            some = self.rows_of(options, answer.output, library)
            odd = next((row["name"] for row in some if row.pop("odd", False)), None)
            if odd is not None:
                return [], f"the application's drive {odd} is of a library with a {OF} in its name, so it cannot be told from others"
            rows += some
        valid = options["query_valid_pattern"]
        doubtful = next((answer for answer in answers if valid and not valid.search(answer.output)), None)
        if doubtful is None and (rows or (valid and answers)):
            return rows, None
        key, text = ("query_valid_pattern", doubtful.output) if doubtful else ("query_pattern", answers[0].output if answers else "")
        return [], self.nothing_found(key, first_words(text) or "(nothing)")

    def nothing_found(self, key: str, said: str) -> str:
        """Say that there is no drive in an answer, or not what every good one has."""
        return f"the query answered, but nothing in it matches {self.product.prefix}{key}: {said}"

    def problem(self, options: Mapping[str, Any], answer: Any) -> str | None:
        """Say in one sentence why an answer is none."""
        if answer.timed_out:
            return "the query did not end in time and was stopped"
        if answer.rc not in options["success_codes"]:
            return f"the query failed with exit status {answer.rc}: {failure_words(answer.rc, answer.output)}"
        if answer.truncated:
            return "the query printed more than can be read"
        return None

    def rows_of(self, options: Mapping[str, Any], output: str, library: str) -> list[dict[str, Any]]:
        """What an answer shows: a dict for each drive, with name, serial, device, shown, state, in_use and conflict."""
        return [self._row(options, match, library) for match in options["query_pattern"].finditer(output)]

    def _row(self, options: Mapping[str, Any], match: re.Match[str], library: str) -> dict[str, Any]:
        groups = match.groupdict()
        shown = (groups["state"] or "").strip()
        name = (groups["name"] or "").strip()
        row: dict[str, Any] = {}
        if self.product.libraries:
            library = (groups.get("library") or "").strip() or library
            name, row["odd"] = f"{library}{OF}{name}", OF in library
        if options["online_pattern"].fullmatch(shown):
            state = "online"
        elif options["offline_pattern"].fullmatch(shown):
            state = "offline"
        else:
            state = "other"
        in_use, conflict = (
            bool(options[key] and options[key].search(match.group(0))) for key in ("in_use_pattern", "conflict_pattern")
        )
        return {
            "name": name, "serial": (groups.get("serial") or "").strip() or None,
            "device": (groups.get("device") or "").strip() or None,
            "shown": shown, "state": state, "in_use": in_use, "conflict": conflict, **row,
        }

    def _matching(
        self, options: Mapping[str, Any], target: Target, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[list[Any], str | None]:
        """The product's own serial number first, then the device path, then the configured names, then name = serial.

        Device files move and names are given anew: a drive that shows another serial number is not ours because of them.
        """
        for key, wanted in (
            ("serial", {target.drive}),
            ("device", set(target.devices)),
            ("name", set(_names(options, target))),
        ):
            found = [row for row in rows if row[key] and row[key] in wanted]
            other = next((row for row in found if row["serial"] not in (None, target.drive)), None)
            if other:
                return [], (
                    f"the application's drive {other['name']} would be this one, but shows the serial number {other['serial']};"
                    f" correct its name or device, or leave the group serial out of {self.product.prefix}query_pattern if it is"
                    " another kind of number"
                )
            if found:
                return found, None
        return [], None

    # setting

    def settings(
        self, options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], targets: Sequence[Target]
    ) -> list[Setting]:
        """One setting for all drives if the command takes a list, else one for each drive."""
        command = options[f"{state}_command"]
        if not targets:
            return []
        if any(word in LISTS for word in command):
            reasons = {target.reason for target in targets}
            common = Target("", (), reasons.pop() if len(reasons) == 1 else "drive_sharing: several changes")
            words: list[str | tuple[str, str]] = []
            for word in command:
                if word not in LISTS:
                    words.append(self._fill(options, word, common, ""))
                    continue
                for target in targets:
                    values = names[target.drive] if word == "{names}" else _values(options, LISTS[word], target)
                    words += [(target.drive, value) for value in values]
            return [Setting(tuple(target.drive for target in targets), (tuple(words),))]
        by_name = any("{name}" in word for word in command)
        return [
            Setting(
                (target.drive,),
                tuple(
                    tuple(self._fill(options, word, target, name) for word in command)
                    for name in (names[target.drive] if by_name else names[target.drive][:1])
                ),
            )
            for target in targets
        ]


def _shows_all(command: Sequence[str]) -> bool:
    return not any(LIST.search(word) or PLACE.search(word) for word in command)


def _for_each(command: Sequence[str]) -> bool:
    return any(PLACE.search(word) for word in command)


def _needs_device(command: Sequence[str]) -> bool:
    return any("{device}" in word or word == "{devices}" for word in command)


def _names(options: Mapping[str, Any], target: Target) -> tuple[str, ...]:
    return options["drive_names"].get(target.drive, (target.drive,))


def _values(options: Mapping[str, Any], kind: str, target: Target) -> tuple[str, ...]:
    if kind == "serial":
        return (target.drive,)
    if kind == "device":
        return target.devices[:1]
    return _names(options, target)


def _online(options: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> int:
    """Count the drives that are online under one of their names."""
    serials = {name: serial for serial, names in options["drive_names"].items() for name in names}
    return len({
        row["serial"] or serials.get(row["name"]) or row["device"] or row["name"] for row in rows if row["state"] == "online"
    })


def _found(options: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Found:
    states = [row["state"] for row in rows]
    in_use, conflict = (any(row[key] for row in rows) for key in ("in_use", "conflict"))
    worst = next(state for state in ("other", "online", "offline") if state in states)
    return Found(
        names=tuple(dict.fromkeys(row["name"] for row in rows)), state=worst,
        shown=", ".join(f"{row['name']}: {row['shown']}" for row in rows),
        in_use=in_use, conflict=conflict, counts=1,
        # Where the job goes on, the application uses the drive until it ends.
        ending=worst == "offline" and not options["offline_kills_job"] and in_use,
        # Whoever took it out of service by himself may bring it back by himself: nobody knows of such a product that he does not.
        passing=worst == "offline" and conflict,
    )
