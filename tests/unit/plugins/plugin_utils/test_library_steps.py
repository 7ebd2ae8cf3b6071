# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of a library, told to it and believed; time is a number here."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _library
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library import Answer, Seen, Way
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library_steps import Steps, World

GOOD = Answer(200, good=True)
REFUSED = Answer(409, '{"message": "Busy."}')
BROKEN = Answer(503, "<html>")
DEAF = Answer(None, error="it took longer than 5 s")
OPTIONS = {"limit": 60, "interval": 2, "timeout": 5}


@dataclass
class Library:
    """A library of two ways; ``answers`` for each way, and after how long the drive is as told."""

    answers: dict[str, Answer] = field(default_factory=lambda: {"one": GOOD, "two": GOOD})
    works: dict[str, float] = field(default_factory=lambda: {"one": 0.0})
    state: str = "ok"
    now: float = 0.0
    due: tuple[float, str] | None = None
    told: list[str] = field(default_factory=list)
    asked: int = 0
    unknown_from: float = 1e9

    def file(self) -> Any:
        return SimpleNamespace(
            queries=lambda options, drive: ["ask"],
            read=lambda options, drive, answers: Seen("unknown", "showed nothing") if self.now >= self.unknown_from else Seen(self.state, self.state),
            ways=lambda options: [Way("one", "offline"), Way("two", "mounts")],
            tell=lambda options, way, wanted, drive, seen: [(way.name, wanted)] if way.name in self.answers else [],
        )

    def call(self, what: Any) -> Answer:
        if what == "ask":
            self.asked += 1
            if self.due and self.now >= self.due[0]:
                self.state, self.due = self.due[1], None
            return GOOD
        name, wanted = what
        self.told.append(name)
        if name in self.works:
            self.due = (self.now + self.works[name], wanted)
        return self.answers[name]

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def bring(self, wanted: str = "error", *, dry: bool = False) -> Any:
        world = World(self.call, lambda: self.now, self.pause)
        return Steps(self.file(), OPTIONS, "L", "D1", world).bring(wanted, dry=dry)


def test_a_slow_library_is_waited_for_and_the_steps_tell_it() -> None:
    library = Library(works={"one": 30.0})
    result = library.bring()
    assert (result.state, result.changed, result.failed, result.way.name) == ("error", True, False, "one")
    assert library.now == 30
    assert result.steps == [
        "after 0 s asked: ok", "after 0 s told one: said that it was done", "after 0 s asked: ok", "after 30 s asked: in its error state (error)"
    ]  # fmt: skip


def test_a_library_is_waited_for_no_longer_than_its_limit_in_each_way() -> None:
    library = Library(works={})
    result = library.bring()
    assert library.now == 120
    assert library.told == ["one", "two"]
    assert result.message == (
        "Drive D1 was not put into its error state: library L said that it was done when told one, and said that it was done when told two,"
        " but still reports the drive as ok. Do it there by hand."
    )
    assert (result.state, result.changed, result.failed, result.way) == ("ok", False, True, None)


def test_the_next_way_is_gone_at_once_after_a_refusal() -> None:
    library = Library(answers={"one": REFUSED, "two": GOOD}, works={"two": 0.0})
    assert library.bring().way.name == "two"
    assert library.now == 0


def test_what_failed_or_was_not_answered_may_come_yet() -> None:
    for answer in (BROKEN, DEAF):
        library = Library(answers={"one": answer, "two": GOOD}, works={"one": 4.0})
        assert library.bring().way.name == "one"
        assert library.told == ["one"]


def test_the_calls_of_a_way_end_with_the_first_that_is_not_good() -> None:
    made = []

    def call(what: Any) -> Answer:
        made.append(what)
        return GOOD if what == "ask" else REFUSED

    file = SimpleNamespace(
        queries=lambda options, drive: ["ask"], read=lambda options, drive, answers: Seen("ok", "ok"),
        ways=lambda options: [Way("one", "offline")], tell=lambda options, way, wanted, drive, seen: ["first", "second"],
    )  # fmt: skip
    assert Steps(file, OPTIONS, "L", "D1", World(call, lambda: 0.0, made.append)).bring("error").failed  # type: ignore[arg-type]
    assert made == ["ask", "first", "ask"]


def test_no_other_way_is_gone_once_one_has_worked() -> None:
    library = Library(works={"one": 0.0, "two": 0.0})
    library.bring()
    assert library.told == ["one"]


def test_a_way_that_cannot_be_gone_is_passed_over() -> None:
    library = Library(answers={"two": GOOD}, works={"two": 0.0})
    assert library.bring().way.name == "two"
    nothing = Library(answers={})
    assert "does not show what this needs when told one" in nothing.bring().message


def test_a_library_that_cannot_be_asked_is_told_nothing() -> None:
    library = Library(unknown_from=0)
    result = library.bring()
    assert library.told == []
    assert result.message == "Drive D1 was not put into its error state: library L showed nothing when asked for its state. Nothing was changed."


def test_a_library_that_cannot_be_asked_afterwards_is_not_believed() -> None:
    library = Library(works={}, unknown_from=1)
    result = library.bring()
    assert (result.state, result.failed) == ("unknown", True)
    assert result.message.startswith("Whether drive D1 was put into its error state is not known: library L said that it was done")
    assert result.message.endswith(", and then showed nothing. Look at the drive there.")


def test_a_state_that_is_neither_is_told_about_and_no_success() -> None:
    library = Library(state="other", works={})
    result = library.bring("ok")
    assert (result.state, result.failed) == ("unknown", True)
    assert "but still reports the drive as other, which is neither ok nor its error state" in result.message


def test_check_mode_only_asks() -> None:
    library = Library()
    result = library.bring(dry=True)
    assert (result.state, result.changed, library.told, library.asked) == ("error", True, [], 1)


def test_what_is_so_already_is_not_told() -> None:
    library = Library(state="error")
    result = library.bring()
    assert (result.changed, library.told) == (False, [])


def test_what_a_library_says_is_made_fit_for_a_sentence() -> None:
    said = {
        "answered 500 (no reason was given)": Answer(500, "<html><body>Sorry</body></html>"),
        "answered 500 (no such drive)": Answer(500, "no such\r\n drive.\n"),
        "answered 409 (Busy)": REFUSED,
        "answered 409 (no reason was given)": Answer(409, '{"message": {"a": 1}}'),
        "did not answer (no reason is known)": Answer(None),
        "said that it was done": GOOD,
    }
    for words, answer in said.items():
        assert _library.did([GOOD, answer]) == words
    assert len(_library.did([Answer(500, "x" * 10000)])) < 250
    assert "\x1b" not in _library.did([Answer(500, "\x1b[31mred")])
    assert Answer(200, "[" * 100000).json() is None
