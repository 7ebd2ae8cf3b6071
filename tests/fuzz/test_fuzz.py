# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What failed once, then some seconds of search; see search.py and properties.py.

DRIVE_SHARING_FUZZ_SECONDS is the time of all searches together, DRIVE_SHARING_FUZZ_SEED repeats one.
"""

from __future__ import annotations

import json
import shlex
import time
from typing import Any

import hypothesis
import pytest

from ansible_collections.tapeworks.drive_sharing.tests.fuzz import properties, search, targets

_CORPUS = [(name, label, data) for name in targets.NAMES for label, data in search.samples(name)]


@pytest.fixture(scope="module")
def made() -> dict[str, targets.Target]:
    return {name: targets.make(name) for name in targets.NAMES}


@pytest.mark.parametrize("name", targets.NAMES)
def test_every_example_is_borne(made: Any, name: str) -> None:
    for label, data in made[name].seeds().items():
        try:
            made[name].run(data)
        except Exception as exc:
            raise AssertionError(f"{label}: {data.hex()}") from exc


@pytest.mark.parametrize(
    ("name", "data"), [(name, data) for name, _label, data in _CORPUS], ids=[label for _n, label, _d in _CORPUS]
)
def test_what_was_found_once_is_borne(made: Any, name: str, data: bytes) -> None:
    made[name].run(data)


@pytest.mark.parametrize("name", properties.NAMES)
def test_what_was_found_once_is_true(name: str) -> None:
    for value in json.loads((search.CORPUS / f"{name}.json").read_text(encoding="utf-8")):
        properties.NAMES[name](value)


@pytest.mark.parametrize("name", targets.NAMES)
def test_a_search_finds_nothing_that_is_not_borne(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = search.search(name, search.seconds_for(name), search.new_seed())
    with capsys.disabled():
        print(f"\n{found}")


@pytest.mark.parametrize("name", properties.NAMES)
def test_a_search_finds_nothing_that_is_not_true(name: str) -> None:
    until, count = time.monotonic() + search.seconds_for(name), 0
    last: list[Any] = []

    def holds(value: Any) -> None:
        nonlocal count
        count += 1
        # As it comes out of a file.
        last[:] = [json.loads(json.dumps(value))]
        properties.NAMES[name](last[0])

    # Rounds: hypothesis counts its examples, and we have a time.
    settings = hypothesis.settings(
        max_examples=100, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    while time.monotonic() < until:
        seed = search.new_seed()
        try:
            hypothesis.seed(seed)(settings(hypothesis.given(properties.STRATEGIES[name])(holds)))()
        except BaseException as exc:
            line = json.dumps(last[0])
            exc.add_note(
                "Run it again:  PYTHONPATH=build/collections build/venv/2.19/bin/python tests/fuzz/replay.py"
                f" {name} {shlex.quote(line)}\nKeep it when it is mended, in tests/fuzz/corpus/{name}.json."
            )
            raise
    print(f"{name}: {count} inputs")


@pytest.mark.parametrize("seed", range(3))
def test_without_atheris_the_search_is_at_random(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(search.importlib.util, "find_spec", lambda _name: None)
    assert "without atheris" in search.search("guarded", 0.2, seed)


def test_an_input_that_is_not_borne_is_told_with_how_to_run_and_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Breaks:
        def seeds(self) -> dict[str, bytes]:
            return {"good": b"good"}

        def run(self, data: bytes) -> None:
            assert len(data) < 5, "too long"

    monkeypatch.setattr(search.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(targets, "make", lambda _name: Breaks())
    with pytest.raises(
        search.FoundError, match=r"too long[^!]*Run it again:  .* tests/fuzz/replay.py record [0-9a-f]+\nKeep it "
    ) as raised:
        search.search("record", 10, 1)
    assert raised.value.data.hex() in str(raised.value)
