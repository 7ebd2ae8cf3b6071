# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what was decided for drives to what the guarded step is told to do. Pure. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _guarded, _record
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import (
    OFFLINE_BY_HAND,
    Known,
    sequence,
    target,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Dialogue, Said, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import TOGETHER


@dataclass(frozen=True)
class Steps:
    """The steps of one instance: ``file`` is one of ``_applications``, ``options`` what its ``check`` gave."""

    site: str
    file: ModuleType
    options: Mapping[str, Any]

    def queries(self, targets: Sequence[Target]) -> list[list[str] | _guarded.Command]:
        """What is run to read the state of the drives."""
        return [
            _guarded.Command(list(one.words), lines=_given(one.lines)) if isinstance(one, Dialogue) else one
            for one in self.file.queries(self.options, targets)
        ]

    def said(self, state: str | None, known: Sequence[Known], answers: Sequence[Any]) -> dict[str, Said]:
        """What the commands of one setting printed, by drive, where the application has words that tell."""
        said = getattr(self.file, "said", None)
        names = {one.ask.drive: one.found.names for one in known if one.found}
        return said(self.options, state, names, answers) if said and state and answers else {}

    def units(self, known: Sequence[Known]) -> Iterable[tuple[list[_guarded.Unit], dict[str, Known]]]:
        """Group what is to be done into executions; records that are as wanted need none."""
        members = {one.ask.drive: one for one in known}
        plain = [one for one in known if one.decision.set_to is None]
        if plain:
            yield [self._unit(plain, (), [])], {one.ask.drive: one for one in plain}
        for state in ("offline", "online"):
            wanted = [one for one in known if one.decision.set_to == state]
            if not wanted:
                continue
            targets = [target(one.ask) for one in wanted]
            names = {one.ask.drive: one.found.names for one in wanted if one.found}
            units = []
            for setting in self.file.settings(self.options, state, names, targets):
                those = [members[drive] for drive in setting.drives]
                queries = self.queries([target(one.ask) for one in those])
                units.append(self._unit(those, setting.commands, queries))
            for start in range(0, len(units), TOGETHER):
                some = units[start:start + TOGETHER]
                yield some, {item.drive: members[item.drive] for unit in some for item in unit.drives}

    def given_back(self, known: Sequence[Known]) -> _guarded.Unit:
        """Write that drives are not taken any more, now that they were read to be online (I3)."""
        return _guarded.Unit(
            drives=[
                _guarded.UnitDrive(
                    drive=one.ask.drive, expected=one.raw, sequence=sequence(one), intent=None,
                    done=_record.format(replace(self._next(one, "done"), target="none", was="online", taken=False)),
                )
                for one in known
            ],
            commands=[], queries=[],
        )

    def _unit(self, those: Sequence[Known], commands: Any, queries: list[Any]) -> _guarded.Unit:
        return _guarded.Unit(
            drives=[
                _guarded.UnitDrive(
                    drive=one.ask.drive,
                    expected=one.raw,
                    sequence=sequence(one),
                    intent=_record.format(self._next(one, "intent")) if one.decision.set_to else None,
                    done=_record.format(self._next(one, "done")),
                )
                for one in those
            ],
            commands=[
                _guarded.Command(_given(one.words), lines=_given(one.lines)) if isinstance(one, Dialogue)
                else _guarded.Command(_given(one))
                for one in commands
            ],
            queries=queries,
        )

    def _next(self, one: Known, phase: str) -> _record.Record:
        decision = one.decision
        state = one.found.state if one.found else None
        held = "online" if decision.outcome in ("own", "online") else "offline"
        goal = decision.set_to or (held if decision.taken else "none")
        if one.ask.by_hand and phase == "intent":
            goal = "none"  # should this be the last that is heard: what a person sets is not taken
        # Given back is only what was read to be online, which is known after this step: until then it is taken.
        taken = (one.record.holds_taken if one.record else one.ask.taken) if decision.set_to == "online" else decision.taken
        was = state
        if goal == "offline" and decision.set_to is None and one.record is not None and taken:
            was = one.record.was
        return _record.Record(
            site=self.site, drive=one.ask.drive, instance=one.ask.instance, sequence=sequence(one),
            phase=phase, target=goal, was=was, taken=taken, reason=_reason(one, state),
        )


def _reason(one: Known, state: str | None) -> str:
    """Say why; what a person gave stays for as long as the drive is offline by it, whatever changes meanwhile."""
    before = one.record.reason if one.record else ""
    left = one.decision.set_to is None and not one.decision.taken and state == "offline"
    return before if left and one.ask.by_hand is None and before.startswith(OFFLINE_BY_HAND) else one.ask.why


def _given(words: Iterable[str | tuple[str, str]]) -> list[str | _guarded.ForDrive]:
    return [word if isinstance(word, str) else _guarded.ForDrive(*word) for word in words]
