# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The PowerShell module, parsed and compared: there is no PowerShell where these tests run, and it has not run on Windows.

What it may call is a list, what it answers is compared with what is read and with what the stand-in of the other tests answers,
and the order of the step is that of its lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _application,
    _guarded_parse,
    _guarded_windows,
    _guarded_windows_parse,
)
from ansible_collections.tapeworks.drive_sharing.tests.windows import step

ROOT = Path(__file__).resolve().parents[4]
MODULE = ROOT / "plugins/modules/application_step_windows.ps1"
SOURCE = MODULE.read_bytes()
TEXT = SOURCE.decode()
CODE = re.sub(r"(?m)^\s*#.*\n", "", TEXT)

#: PowerShell's own, as https://learn.microsoft.com/powershell has them, and Ansible's helpers.
ALLOWED = {
    "ConvertFrom-Json", "ConvertTo-Json", "ForEach-Object", "Get-Command", "New-Object", "Select-Object", "Start-Sleep", "Where-Object",
    "Exit-Json", "Fail-Json", "Get-AnsibleParam", "Parse-Args",
    "Argv-ToString",
}  # fmt: skip
#: What is run by its name, as a value. Documented: docs/application_veeam.md names the pages.
RUN = {
    "Import-Module", "Add-PSSnapin",
    "Connect-VBRServer", "Disconnect-VBRServer", "Get-VBRServerSession", "Get-VBRTapeDrive", "Enable-VBRTapeDrive", "Disable-VBRTapeDrive",
}  # fmt: skip
#: Properties of VBRTapeDrive, as documented.
PROPERTIES = {
    "Address", "Device", "Enabled", "IsLocked", "LibraryId", "Medium", "Model", "SerialNumber", "State", "Id", "Name", "Description",
}  # fmt: skip


def parsed(source: bytes) -> Any:
    tree_sitter = pytest.importorskip("tree_sitter")
    powershell = pytest.importorskip("tree_sitter_powershell")
    return tree_sitter.Parser(tree_sitter.Language(powershell.language())).parse(source).root_node


def nodes(node: Any, *kinds: str) -> Iterator[Any]:
    if node.type in kinds:
        yield node
    for child in node.children:
        yield from nodes(child, *kinds)


def function(name: str) -> str:
    """Give the body of a function, without its comments."""
    return re.search(rf"(?ms)^Function {name} \{{\n(.*?)^\}}$", CODE)[1]  # type: ignore[index]


def places(text: str, *parts: str) -> list[int]:
    found = [text.find(part) for part in parts]
    assert -1 not in found, dict(zip(parts, found, strict=True))
    return found


def test_it_can_be_parsed() -> None:
    assert not parsed(SOURCE).has_error


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"catch {", b"catch"),
        (b"@{ drives = $drives;", b"@{ drives = $drives,"),
        (b"Function Get-Clock {", b"Function {"),
        (b"'{0} #{1}{2}'", b"'{0} #{1}{2}"),
        (b"if ($Late) {", b"if $Late {"),
    ],
)
def test_the_parser_would_see_a_mistake(old: bytes, new: bytes) -> None:
    assert old in SOURCE
    assert parsed(SOURCE.replace(old, new, 1)).has_error


def test_it_calls_what_is_known_and_its_own_functions_and_nothing_else() -> None:
    root = parsed(SOURCE)
    own = {node.text.decode() for node in nodes(root, "function_name")}
    called = {node.text.decode() for node in nodes(root, "command_name")}
    assert called - own <= ALLOWED
    assert {"Get-Command", "Argv-ToString"} <= called
    # Each function is there for something.
    assert own <= called


def test_no_text_is_ever_run() -> None:
    # Neither as PowerShell, nor by cmd, nor compiled; nor is anything called whose name is a value.
    assert not re.search(
        r"(?i)invoke-expression|\biex\b|scriptblock\]|scriptblock\]::|addscript|newscriptblock|invokescript|invoke-command|start-process"
        r"|add-type|cmd(?:\.exe)?\b|-encodedcommand|start-job|executioncontext|\.invoke\(|useshellexecute = \$true",
        CODE,
    )
    assert not list(nodes(parsed(SOURCE), "command_invokation_operator"))
    # By AddCommand, a name is a name: of the table, or one that stands here.
    assert re.findall(r"AddCommand\(([^)]*)\)", CODE) == ["$Name"]
    assert CODE.count(".AddParameters($Parameters)") == 1


def test_what_is_run_by_its_name_is_documented() -> None:
    given = re.findall(r"Invoke-Cmdlet -Name (\S+)", CODE)
    table = re.findall(r"(?m)^    '(\S+)' = @\{ product", CODE)
    assert {name.strip("'") for name in given if name.startswith("'")} | set(table) == RUN
    # The one value is the name that was looked up in the table.
    assert [name for name in given if not name.startswith("'")] == ["$Name"]
    assert "if ($cmdlets.ContainsKey($words[0])) {" in function("Invoke-Words")
    assert sorted(table) == sorted(_cmdlets())
    # Every one of them ends with its first error; a prompt would wait for nobody.
    calls = re.findall(r"Invoke-Cmdlet -Name .*", CODE)
    assert all("ErrorAction = " in call for call in calls)
    assert "Confirm = $false" in next(call for call in calls if "$Name" in call)


def _cmdlets() -> set[str]:
    """What the application's file has as its commands."""
    file = _application.load("veeam")
    options = file.check({})
    names = {"A1": ("Drive 1 (serial A1, id 6f1c20ba-7d5f-4a55-8f0e-0d6a5c1b9e01)",)}
    targets = [_application.Target("A1")]
    words = {file.queries(options, targets)[0][0]}
    for state in ("offline", "online"):
        (setting,) = file.settings(options, state, names, targets)
        words.add(setting.commands[0][0])
    return words


def test_values_of_a_request_are_in_no_text_but_paths_and_messages() -> None:
    root = parsed(SOURCE)
    allowed = re.compile(
        r'"\$root\\|"\$directory\\|"\$\(\$request\.nonce\)\.|"=|"Veeam\'s|"\$_`r`n"|"hangs |"record |"it shows |"\$\(ConvertFrom-Byte'
        r'|"the module does not know|"The request has version|"\$\(\$Words\[0\]\): |"\$\(\$found\.Path\): |"\$first"'
    )
    texts = [node.text.decode() for node in nodes(root, "expandable_string_literal")]
    assert texts
    assert [text for text in texts if "$" in text and not allowed.match(text)] == []
    # A program gets its arguments from Ansible's own function for that.
    assert re.findall(r"\.Arguments = (.*)", CODE) == ["Argv-ToString -arguments @($Words | Select-Object -Skip 1)"]


def test_a_drive_is_told_by_values_that_fit_a_pattern() -> None:
    pattern = re.search(r"(?m)^\$address = '(.*)'$", CODE)[1]  # type: ignore[index]
    python = re.compile(pattern.replace("(?<", "(?P<").replace(r"\z", r"\Z"))
    assert python.match("10WT012345/6f1c20ba-7d5f-4a55-8f0e-0d6a5c1b9e01")
    assert python.match("-/6F1C20BA-7D5F-4A55-8F0E-0D6A5C1B9E01")
    for wrong in (
        "6f1c20ba-7d5f-4a55-8f0e-0d6a5c1b9e01", "/6f1c20ba-7d5f-4a55-8f0e-0d6a5c1b9e01", "A;B/6f1c20ba-7d5f-4a55-8f0e-0d6a5c1b9e01",
        "A/6f1c20ba-7d5f-4a55-8f0e-0d6a5c1b9e01\n", "A/6f1c20ba", "$(x)/6f1c20ba-7d5f-4a55-8f0e-0d6a5c1b9e01",
    ):  # fmt: skip
        assert not python.match(wrong)
    body = function("Set-Drive")
    # First what it is, then whether it is in use, then it is set.
    order = places(body, "-match $address", "[String]$_.Id -eq $wanted", "-cne $serial", "'already'", "'locked'", "Invoke-Cmdlet")
    assert order == sorted(order)


def test_the_columns_are_documented_properties_and_all_that_is_read_is_among_them() -> None:
    columns = set(re.findall(r"'(\w+)'", re.search(r"foreach \(\$name in (.*)\) \{", function("Select-Drive"))[1]))  # type: ignore[index]
    assert columns <= PROPERTIES
    read = (ROOT / "plugins/plugin_utils/_applications/veeam.py").read_text()
    assert set(re.findall(r'"([A-Z]\w+)"', read)) & PROPERTIES <= columns
    assert {"Id", "Name", "SerialNumber", "Enabled", "IsLocked"} <= columns


def test_the_order_of_the_step_is_that_of_the_other_one() -> None:
    body = function("Invoke-Unit")
    order = places(
        body, "Get-Lock", "Get-Clock", "$request.deadline", "Test-Fit", "Text $drive.intent", "$Unit.commands) {\n", "$Unit.queries) {\n",
        "Text $drive.done", "finally {", "$stream.Dispose()",
    )  # fmt: skip
    assert order == sorted(order)
    # The last record is written only if nothing came to no end, and locks are kept where something cannot be stopped.
    assert "if (-not $state.bad -and $drive.done) {" in body
    assert "if (-not $state.stuck) {\n            foreach ($stream in $locks)" in body
    # A record, and then the lock.
    order = places(function("Read-All"), "Get-Record", "Get-Holder")
    assert order == sorted(order)


def test_a_record_is_written_beside_and_through_and_then_put_into_place() -> None:
    body = function("Set-Record")
    order = places(body, "FileMode]::Create", "Flush($true)", "Dispose()", "::Replace(", "::Move(")
    assert order == sorted(order)
    assert "[NullString]::Value" in body
    assert "WriteAllText" not in CODE
    assert "Set-Content" not in CODE
    # Its form is that of the shell's step.
    assert "'{0} #{1}{2}', $Text, $id, [Char]10" in body


def test_a_lock_lets_others_read_and_nobody_write_and_is_never_removed() -> None:
    body = function("Get-Lock")
    assert "FileMode]::OpenOrCreate" in body
    assert re.findall(r"\[System\.IO\.FileShare\]\S*(?: Inheritable')?", body) == [
        "[System.IO.FileShare]'Read, Inheritable'", "[System.IO.FileShare]::Read",
    ]  # fmt: skip
    # Half of the time is for waiting.
    assert "500 * $request.seconds" in body
    assert [line.strip() for line in CODE.splitlines() if "::Delete(" in line] == ["[System.IO.File]::Delete($file)"]
    assert '"$directory\\.run"' in function("New-Place")


def test_every_wait_has_an_end() -> None:
    # WaitOne, WaitForExit, Wait and WaitAll are never called without a time.
    waits = re.findall(r"\.(?:WaitOne|WaitForExit|Wait)\(([^)]*)", CODE) + re.findall(r"::WaitAll\(([^)]*)\)", CODE)
    assert len(waits) == 6
    assert all(waits)
    assert "ReadToEnd" not in CODE.replace("$reader.ReadToEnd()", "")


def test_sequences_and_records_are_compared_as_they_stand() -> None:
    body = function("Test-Fit")
    # -eq would take no notice of case, and of characters that have no weight.
    assert body.count("CompareOrdinal") == 3
    assert " -ceq " not in body


def test_the_keys_of_its_answer_are_those_that_are_read_and_those_of_the_stand_in(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("WINDOWS_ROOT", str(tmp_path))
    request = json.loads(_guarded_windows.list_command(_guarded_windows.STATE_DIRECTORY, "nonce0001"))
    keys = set(re.findall(r"(?m)^    (\w+) = ", re.search(r"(?ms)^\$answer = @\{\n(.*?)^\}", CODE)[1]))  # type: ignore[index]
    assert keys == set(step.answer(request))
    reader = (ROOT / "plugins/plugin_utils/_guarded_windows_parse.py").read_text()
    read = set(re.findall(r'(?:answer|row|found)\.get\("(\w+)"\)', reader))
    read |= {key for keys in re.findall(r"for key in \(([^)]*)\)", reader) for key in re.findall(r'"(\w+)"', keys)}
    rows = {"drive", "busy", "text", "instance", "rc", "output", "timed_out", "truncated", "outcome", "detail", "commands", "queries", "drives"}
    # failed, msg and module_stderr are Ansible's; changed is for it.
    assert read - {"failed", "msg", "module_stderr"} <= keys | rows
    assert all(re.search(rf"\b{key} = ", CODE) for key in rows)
    asked = {key for name in ("request", "Unit", "drive", "Drive", "Command", "Part", "_") for key in re.findall(rf"\${name}\.(\w+)", CODE)}
    sent = set(request) | {"drive", "file", "sequence", "expected", "intent", "done", "commands", "queries", "drives", "words", "lines", "text"}
    # Those of other things that the pipeline has: errors, and drives of the product.
    assert asked - sent <= {"Exception", "Id", "SerialNumber", "Enabled", "IsLocked"}


def test_its_outcomes_are_those_that_are_understood() -> None:
    outcomes = set(re.findall(r"outcome = '(\w+)'", function("Invoke-Unit") + function("Get-Lock")))
    outcomes |= set(re.findall(r"(?m)(?:return )?'(\w+)'$", function("Test-Fit")))
    assert outcomes == set(_guarded_parse.OUTCOMES) - {"not_reached"}
    assert {"time", "hangs"} == {one.split()[0] for one in re.findall(r"\$state\.bad = ['\"](\w+[^'\"]*)", CODE)}


def test_its_numbers_are_those_of_the_controller() -> None:
    assert f"$version = {_guarded_windows_parse.VERSION}\n" in TEXT
    assert f"$most = {_guarded_parse.MOST_OUTPUT}\n" in TEXT
    assert f"$mostRecord = {step.MOST_RECORD}\n" in TEXT
    assert step.VERSION == _guarded_windows_parse.VERSION
    assert step.MOST_OUTPUT == _guarded_parse.MOST_OUTPUT


def test_a_parameter_is_no_variable_of_the_module_in_other_letters() -> None:
    """PowerShell knows no difference, and looks into the caller's variables."""
    outside = {name.casefold() for name in re.findall(r"(?m)^\$(\w+) = ", CODE)}
    given = {name.casefold() for name in re.findall(r"(?m)^        (?:\[[^\n]*\])+\$(\w+)", CODE)}
    inside = {name.casefold() for name in re.findall(r"(?m)^ +\$(\w+) = ", CODE)}
    assert {"version", "most", "state"} <= outside
    assert {"drives", "cause", "path"} <= given
    assert not outside & given
    assert not outside & inside


def test_words_of_a_command_may_be_empty() -> None:
    # A mandatory parameter refuses an empty text, also within a list, where it does not say otherwise.
    for line in re.findall(r"(?m)^        (\[Parameter\(Mandatory = \$true\)\].*\[String(?:\[\])?\]\$(?:Words|Word|Lines).*)$", CODE):
        assert "[AllowEmptyString()]" in line, line


def test_names_of_variables_are_set_before_they_are_used() -> None:
    automatic = {"_", "null", "true", "false", "args", "pid", "psversiontable", "matches", "erroractionpreference"}
    used = {name.casefold() for name in re.findall(r"\$(\w+)", CODE)}
    made = {
        name.casefold()
        for names in re.findall(r"\$(\w+)(?:\.\w+|\[[^\]]*\])* = |\]\$(\w+)|foreach \(\$(\w+)|for \(\$(\w+)|\$(\w+), \$rest = ", CODE)
        for name in names
        if name
    } | {"rest"}
    assert used - made <= automatic


def test_only_what_both_powershells_have_is_used() -> None:
    # Windows PowerShell 5.1 has neither of these.
    assert not re.search(r" \? .* : |\?\?|&&|\|\||-AsHashtable|-Parallel|\.Kill\(\$true\)|ArgumentList\.Add", CODE)


def test_the_page_says_that_it_has_not_run_on_windows() -> None:
    assert "B(It has not run on Windows yet.)" in MODULE.with_suffix(".py").read_text()
