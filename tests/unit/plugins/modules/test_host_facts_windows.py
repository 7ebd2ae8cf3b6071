# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The PowerShell module, parsed: there is no PowerShell where these tests run, and it has not run on Windows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import _windows_answers as answers

ROOT = Path(__file__).resolve().parents[4]
MODULE = ROOT / "plugins/modules/host_facts_windows.ps1"
SOURCE = MODULE.read_bytes()
READERS = [ROOT / f"plugins/plugin_utils/_platforms/{name}.py" for name in ("windows", "_windows_answers")]
# What it may call: cmdlets that only read and shape, and its own functions.
CALLED = {
    "Get-CimInstance",
    "Invoke-CimMethod",
    "ForEach-Object",
    "Select-Object",
    "New-Object",
    "Parse-Args",
    "Exit-Json",
    "Add-Answer",
    "Get-Instance",
    "Get-Value",
    "Get-Below",
    "ConvertTo-Plain",
    "Select-Plain",
}


def parsed(source: bytes) -> Any:
    tree_sitter = pytest.importorskip("tree_sitter")
    powershell = pytest.importorskip("tree_sitter_powershell")
    return tree_sitter.Parser(tree_sitter.Language(powershell.language())).parse(source).root_node


def nodes(node: Any, kind: str) -> Iterator[Any]:
    if node.type == kind:
        yield node
    for child in node.children:
        yield from nodes(child, kind)


def words(kind: str) -> set[str]:
    return {node.text.decode() for node in nodes(parsed(SOURCE), kind)}


def test_it_can_be_parsed() -> None:
    assert not parsed(SOURCE).has_error


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"catch {", b"catch"),
        (b"@($Value", b"@(($Value"),
        (b"Function Get-Below {", b"Function {"),
        (b"'root/wmi'", b"'root/wmi"),
    ],
)
def test_the_parser_would_see_a_mistake(old: bytes, new: bytes) -> None:
    assert old in SOURCE
    assert parsed(SOURCE.replace(old, new, 1)).has_error


def test_it_only_reads_and_opens_no_drive() -> None:
    assert words("command_name") <= CALLED
    assert not re.search(rb"Add-Type|DllImport|CreateFile|\.Open\(|SetValue|CreateSubKey|Delete", SOURCE)
    # Registry keys are opened without the second argument, which would let them be written.
    assert re.findall(rb"OpenSubKey\(([^)]*)\)", SOURCE)
    assert not re.search(rb"OpenSubKey\([^)]*\$true", SOURCE)
    assert re.findall(rb"MethodName = '(\w+)'", SOURCE) == [b"GetDeviceProperties"]


def test_its_answers_are_those_that_are_read() -> None:
    asked = re.findall(rb"Add-Answer -Name '(\w+)'", SOURCE)
    assert sorted(name.decode() for name in asked) == sorted(answers._QUESTIONS)
    assert f"    version = {answers.VERSION}\n".encode() in SOURCE
    assert f"$most = {answers.MOST}".encode() in SOURCE


def test_every_column_that_is_read_is_asked_for() -> None:
    read = set()
    for file in READERS:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
                of_row = isinstance(node.func.value, ast.Name) and node.func.value.id == "row"
                read |= {node.args[0].value} if of_row and isinstance(node.args[0], ast.Constant) else set()
    assert {"ConnectionType", "PortWWN", "Location", "key"} <= read
    text = SOURCE.decode()
    assert [name for name in sorted(read) if not re.search(rf"['.\s]{name}\b", text)] == []


def test_every_question_to_wmi_has_a_time_limit() -> None:
    text = SOURCE.decode()
    # Both go by a table of arguments.
    assert re.findall(r"(?:Get-CimInstance|Invoke-CimMethod) (@\w+)", text) == ["@arguments", "@arguments"]
    assert text.count("OperationTimeoutSec = $patience") == 2


def test_names_of_variables_are_set_before_they_are_used() -> None:
    automatic = {"$_", "$null", "$true", "$false", "$args"}
    text = re.sub(r"(?m)^\s*#.*$", "", SOURCE.decode())
    used = {name.casefold() for name in re.findall(r"[$@](\w+)", text)}
    made = {
        name.casefold()
        for name in re.findall(r"\$(\w+)(?:\.\w+|\[[^\]]*\])* = |\]\$(\w+)|foreach \(\$(\w+)", text)
        for name in name
        if name
    }
    assert {f"${name}" for name in used - made} <= automatic
