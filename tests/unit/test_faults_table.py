# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/faults.md and the tests of the faults say the same: no row without a test, no test of a fault without its row."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.faults import table

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"


def keys_of(function: ast.AST) -> set[str]:
    """The keys of ``fault("key").seen_in(...)`` in a function; of ``fault("key")`` in its decorators if it calls seen_in."""
    found, called = set(), False
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "seen_in":
            called = True
            found |= named(node.func.value)
    decorators = getattr(function, "decorator_list", [])
    return found | {key for node in decorators for key in named(node)} if called else set()


def named(node: ast.AST) -> set[str]:
    """The keys of every ``fault("key")`` in it."""
    return {
        inner.args[0].value
        for inner in ast.walk(node)
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == "fault"
        and inner.args and isinstance(inner.args[0], ast.Constant) and isinstance(inner.args[0].value, str)
    }


@cache
def faults_by_test() -> dict[tuple[str, str], set[str]]:
    """Which faults each test function checks, by file and name."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        if "fault(" not in source or path == Path(__file__).resolve():
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found[(str(path.relative_to(TESTS)), node.name)] = keys_of(node)
    return found


@pytest.mark.parametrize("row", table.faults().values(), ids=lambda row: row.key)
def test_the_tests_that_a_row_names_check_its_sentences(row: table.Fault) -> None:
    for path, name in row.tests:
        assert (path, name) in faults_by_test(), f"tests/{path} has no {name} that checks a fault"
        assert row.key in faults_by_test()[(path, name)], f'{name} does not call fault("{row.key}").seen_in()'


def test_every_test_of_a_fault_is_named_in_its_row() -> None:
    for (path, name), keys in faults_by_test().items():
        for key in keys:
            assert key in table.faults(), f"{name} checks the fault {key!r}, and docs/faults.md has no such row"
            assert (path, name) in table.faults()[key].tests, f"the row {key} does not name {name} in tests/{path}"


def test_no_test_names_a_fault_without_looking_for_its_sentences() -> None:
    for path in sorted(TESTS.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "fault(" not in source or path == Path(__file__).resolve():
            continue
        checked = {key for (file, _name), keys in faults_by_test().items() if TESTS / file == path for key in keys}
        assert sorted(named(ast.parse(source)) - checked) == [], f"tests/{path.relative_to(TESTS)}"


def test_every_row_has_a_key_of_its_own_and_a_sentence() -> None:
    rows = table.rows_of(table.PAGE.read_text(encoding="utf-8"))
    assert len({row.key for row in rows}) == len(rows) > 0
    assert [row.key for row in rows if not row.sentences] == []


def test_the_page_explains_every_word_in_capitals() -> None:
    page = table.PAGE.read_text(encoding="utf-8")
    explained = re.findall(r"^\| `([A-Z]+)` \|", page, re.MULTILINE)
    assert sorted(explained) == sorted(table.PLACEHOLDERS)


@pytest.mark.parametrize("row", table.faults().values(), ids=lambda row: row.key)
def test_a_row_says_where_its_sentences_are_printed_and_the_page_explains_the_place(row: table.Fault) -> None:
    explained = set(re.findall(r"^\| \*([\w ]+)\* \|", table.PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    places = {place for place, _sentence in row.placed()}
    assert places <= explained, f"fault {row.key}: write *play* or the like before a sentence"


# --- the mechanism itself

ROW = '| <a id="host-down"></a>a host is down | *play* `HOST is N s late` and *table* `say \\| so` | wait | `test_a` in [a](../tests/x/test_a.py) |'


def row() -> table.Fault:
    return table.rows_of(f"# Title\n\n| a | b | c | d |\n|---|---|---|---|\n{ROW}\n")[0]


def test_a_row_is_read() -> None:
    assert (row().key, row().name, row().does) == ("host-down", "a host is down", "wait")
    assert row().tests == (("x/test_a.py", "test_a"),)
    assert row().sentences == ["HOST is N s late", "say | so"]


@pytest.mark.parametrize("text", ["host_b is 3 s\n   late; say | so", "say | so, host_b is 3.5 s late"])
def test_sentences_are_found_wherever_lines_are_broken(text: str) -> None:
    row().seen_in(text)
    row().seen_in(text, HOST="host_b")


@pytest.mark.parametrize("text", ["", "host_b is 3 s late", "host_b is some s late; say | so", "HOST is N s late; say | so"])
def test_a_sentence_that_is_missing_is_told(text: str) -> None:
    with pytest.raises(AssertionError, match="not to be seen"):
        row().seen_in(text)


def test_a_value_that_is_another_or_of_no_placeholder_is_told() -> None:
    with pytest.raises(AssertionError, match="not to be seen"):
        row().seen_in("host_b is 3 s late; say | so", HOST="host_c")
    with pytest.raises(AssertionError, match="no DRIVE"):
        row().seen_in("host_b is 3 s late; say | so", DRIVE="1310211169")


def test_a_sentence_has_to_stand_in_the_place_that_the_row_names() -> None:
    row().seen_in({"play": "host_b is 3 s late", "table": "say | so"})
    with pytest.raises(AssertionError, match="not to be seen"):
        row().seen_in({"play": "say | so", "table": "host_b is 3 s late"})


@pytest.mark.parametrize("bad", [
    ROW.replace(" | wait", ""), ROW.replace("`test_a` in", "test_a in"), ROW.replace("wait", ""), ROW.replace("host-down", "Host"),
])
def test_a_row_that_cannot_be_read_is_told(bad: str) -> None:
    with pytest.raises(ValueError, match="This row"):
        table.rows_of(bad)
