# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask a library, tell it, and believe only what it shows afterwards. Pure: who calls gives the calls and the time.

Private: may change at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _library
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library import Answer, Seen, Way

DONE = {"error": "put into its error state", "ok": "taken out of its error state"}
ALREADY = {"error": "in its error state", "ok": "out of its error state"}
NOTHING = "Nothing was changed."


@dataclass
class Result:
    """What came of it; ``state`` is error, ok or unknown."""

    state: str
    message: str
    changed: bool = False
    failed: bool = False
    logical_library: str | None = None
    way: Way | None = None
    #: One line for each thing that was done, for a person who wants to know what took so long.
    steps: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class World:
    """How calls are made and time passes; ``notice`` is told each step as it happens."""

    call: Callable[[Any], Answer]
    clock: Callable[[], float]
    pause: Callable[[float], None]
    notice: Callable[[str], None] = lambda _line: None


class Steps:
    """One drive of one library."""

    def __init__(self, file: ModuleType, options: Mapping[str, Any], library: str, drive: str, world: World) -> None:
        self._file, self._options, self._world = file, options, world
        self._drive = drive
        self._library = f"library {library}"
        self._steps: list[str] = []
        self._begun = world.clock()

    def query(self) -> Result:
        """Ask, and change nothing."""
        seen = self._look()
        if seen.state == "unknown":
            return self._result(seen, f"The state of drive {self._drive} is not known: {self._library} {seen.words}.", failed=True)
        return self._result(seen, f"{self._library.capitalize()} reports drive {self._drive} as {self._in_words(seen)}.", failed=False)

    def bring(self, wanted: str, *, dry: bool = False) -> Result:
        """Have the drive in a state, by the first way that is seen to have worked."""
        drive, done = f"Drive {self._drive}", DONE[wanted]
        before = self._look()
        if before.state == "unknown":
            return self._result(before, f"{drive} was not {done}: {self._library} {before.words} when asked for its state. {NOTHING}", failed=True)
        if before.state == wanted:
            return self._result(before, f"{drive} was already {ALREADY[wanted]} at {self._library}.", failed=False)
        if dry:
            return self._result(before, f"{drive} would be {done} by {self._library}.", state=wanted, changed=True)
        ways, came = self._file.ways(self._options), []
        now = before
        for way in ways:
            words, now = self._go(way, wanted, now if now.state != "unknown" else before)
            if now.state == wanted:
                return self._result(now, f"{drive} was {done} by {self._library}.", changed=True, way=way)
            came.append(f"{words} when told {way.name}" if len(ways) > 1 else words)
        told = ", and ".join(came) or "offers no way"
        if now.state == "unknown":
            message = f"Whether drive {self._drive} was {done} is not known: {self._library} {told}, and then {now.words}. Look at the drive there."
        else:
            message = (
                f"{drive} was not {done}: {self._library} {told}, but still reports the drive as {self._in_words(now)}. Do it there by hand."
            )
        return self._result(now, message, failed=True)

    def _go(self, way: Way, wanted: str, seen: Seen) -> tuple[str, Seen]:
        """Go one way to its end: what the library did when told, and what it shows then."""
        calls = self._file.tell(self._options, way, wanted, self._drive, seen)
        if not calls:
            return "does not show what this needs", seen
        answers = []
        for call in calls:
            answers.append(self._world.call(call))
            if not answers[-1].good:
                break
        words = _library.did(answers)
        self._note(f"told {way.name}: {words}")
        return words, self._await(wanted, answers)

    def _await(self, wanted: str, answers: Sequence[Answer]) -> Seen:
        """Ask until the drive is as wanted. A refusal is asked about once; what failed or was not answered may come yet."""
        last = answers[-1]
        refused = last.status is not None and not last.good and last.status < 500
        patience = self._options["limit"] if last.good else 0 if refused else self._options["timeout"]
        end = self._world.clock() + patience
        while True:
            seen = self._look()
            left = end - self._world.clock()
            if seen.state == wanted or left <= 0:
                return seen
            self._world.pause(min(self._options["interval"], left))

    def _look(self) -> Seen:
        answers = []
        for call in self._file.queries(self._options, self._drive):
            answers.append(self._world.call(call))
            if not answers[-1].good:
                break
        bad = answers and not answers[-1].good
        seen = Seen("unknown", _library.did(answers)) if bad else self._file.read(self._options, self._drive, answers)
        self._note(f"asked: {seen.words if seen.state == 'unknown' else self._in_words(seen)}")
        return seen

    def _in_words(self, seen: Seen) -> str:
        if seen.state in ("error", "ok"):
            plain = {"error": "in its error state", "ok": "ok"}[seen.state]
            return plain if not seen.words or seen.words == plain else f"{plain} ({seen.words})"
        return f"{seen.words}, which is neither ok nor its error state"

    def _note(self, words: str) -> None:
        line = f"after {self._world.clock() - self._begun:.0f} s {words}"
        # Who waits for a drive of which nothing new is shown wants one line, not sixty.
        if not self._steps or self._steps[-1].partition(" s ")[2] != words:
            self._steps.append(line)
            self._world.notice(line)

    def _result(self, seen: Seen, message: str, *, state: str = "", **more: Any) -> Result:
        shown = state or (seen.state if seen.state in _library.WANTED else "unknown")
        return Result(shown, message, logical_library=seen.logical_library, steps=self._steps, **more)
