# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A library of configured calls: the examples of the role's README, and what is refused."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _library_command
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._libraries import custom
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library import Answer, Command, Seen, Way, Web

ROOT = Path(__file__).resolve().parents[5]
GIVEN = {key: option["default"] for key, option in custom.OPTIONS.items()}
DRIVE = "1310211169"


def examples() -> dict[str, dict[str, Any]]:
    """The inventories of the README: what each says of its library."""
    body = (ROOT / "roles" / "library_custom" / "README.md").read_text(encoding="utf-8")
    found = {}
    for title, block in re.findall(r"^## Example: ([\w ,-]+)$.*?^```yaml\n(.*?)^```$", body, re.MULTILINE | re.DOTALL):
        content = yaml.safe_load(block)
        content = content["tape_libraries"]["hosts"]["library_1"] if "tape_libraries" in content else content
        found[title.split()[0]] = {
            key.removeprefix("library_custom_"): value for key, value in content.items() if key.startswith("library_custom_")
        }
    return found


EXAMPLES = examples()


def checked(example: str, **more: Any) -> dict[str, Any]:
    given = {key: value for key, value in EXAMPLES[example].items() if key != "host"}
    return custom.check({**GIVEN, **given, **more})


def read(options: dict[str, Any], text: str) -> Seen:
    return custom.read(options, DRIVE, [Answer(200, text, good=True)])


def told(options: dict[str, Any], wanted: str) -> Any:
    return custom.tell(options, custom.ways(options)[0], wanted, DRIVE, Seen("ok"))


def test_there_is_an_example_for_each_kind_of_call() -> None:
    assert set(EXAMPLES) == {"commands", "Quantum", "Spectra"}


def test_commands_are_lists_of_words_with_the_drive_and_the_reason() -> None:
    options = checked("commands", reason="-x; $(id)\n'")
    assert custom.queries(options, DRIVE) == [Command(("/opt/library/bin/drivectl", "show", DRIVE))]
    assert told(options, "error") == [Command(("/opt/library/bin/drivectl", "disable", DRIVE, "x; $(id) '"))]
    assert read(options, f"drive 1310211170: enabled\ndrive {DRIVE}: disabled\n").state == "error"
    assert read(options, f"drive {DRIVE}: enabled").state == "ok"
    assert read(options, f"drive {DRIVE}: loading") == Seen("other", "loading")
    assert read(options, "drive 1310211170: enabled").state == "unknown"
    assert read(options, f"drive {DRIVE}: enabled\ndrive {DRIVE}: disabled").words == "shows several states of the drive"


def test_requests_to_quantum() -> None:
    options = checked("Quantum")
    path = f"/aml/drive/{DRIVE}/operations/state"
    assert custom.queries(options, DRIVE) == [Web("GET", path)]
    assert told(options, "error") == [Web("PUT", path, {"state": 2})]
    assert told(options, "ok") == [Web("POST", f"/aml/drive/{DRIVE}/removeITNexus"), Web("PUT", path, {"state": 1})]
    assert read(options, '{"state": 2}').state == "error"
    assert custom.ways(options) == [Way("by state", "offline")]


def test_requests_to_spectra_name_the_drive_as_the_library_does() -> None:
    options = checked("Spectra")
    assert told(options, "error") == [Web("GET", "/gf/driveList.xml?action=prepareToReplaceDrive&driveName=FR1%2FDBA1%2FfLTO-DRV1")]
    other = "<drive><ID>FR1/DBA1/fLTO-DRV2</ID><driveStatus>ready to replace</driveStatus></drive>"
    mine = "<drive>\n<ID>FR1/DBA1/fLTO-DRV1</ID><a/>\n<driveStatus>ready</driveStatus></drive>"
    assert read(options, other + mine).state == "ok"
    assert read(options, other).state == "unknown"
    assert read(options, mine.replace(">ready<", ">ready soon<")) == Seen("other", "ready soon")
    # A drive without a state does not get that of the next one.
    assert read(options, mine.replace("<driveStatus>ready</driveStatus>", "") + other).state == "unknown"


def test_groups_that_are_shown_choose_the_drive() -> None:
    options = checked("commands", query=[{"command": ["show"]}], query_pattern=r"(?P<serial>\w+) (?P<state>\w+) (?P<logical_library>\w+)")
    assert read(options, f"1310211170 enabled A\n{DRIVE} disabled B") == Seen("error", "disabled", "B")


def test_a_body_is_filled_in_without_breaking_out() -> None:
    way = {"name": "w", "effect": "mounts", "ok": [{"path": "/x"}]}
    body = "<a why='{reason}'>{serial}</a>"
    options = checked("Quantum", reason="'/><b>&", ways=[{**way, "error": [{"path": "/{reason}", "method": "PUT", "body": body}]}])
    assert told(options, "error") == [Web("PUT", "/%27%2F%3E%3Cb%3E%26", f"<a why='&apos;/&gt;&lt;b&gt;&amp;'>{DRIVE}</a>")]
    mapping = checked("Quantum", reason='"}', ways=[{**way, "error": [{"path": "/x", "body": {"a": ["{reason}", 1, None, True]}}]}])
    assert told(mapping, "error") == [Web("GET", "/x", {"a": ['"}', 1, None, True]})]


WAY: dict[str, Any] = {"name": "w", "effect": "mounts", "error": [{"command": ["a"]}], "ok": [{"command": ["b"]}]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"query": []}, "library_custom_query must not be empty"),
        ({"ways": []}, "library_custom_ways must not be empty"),
        ({"query": [{"command": "rm -rf /"}]}, "library_custom_query[0].command must be a list of words"),
        ({"query": [{"command": ["-x"]}]}, "library_custom_query[0].command must be a list of words"),
        ({"query": [{"command": ["{reason}"]}]}, "library_custom_query[0].command must be a list of words"),
        ({"query": [{"command": ["a"], "lines": ["b\nc"]}]}, "library_custom_query[0].command must be a list of words"),
        ({"query": [{"command": ["a"], "path": "/"}]}, "library_custom_query[0] must have either"),
        ({"query": [{"command": ["a"], "shell": True}]}, "library_custom_query[0] must have either"),
        ({"query": [{"command": ["a", "{drive}"]}]}, "library_custom_query[0] has {drive}; there are {serial}, {name}, {reason}"),
        ({"query": [{"command": ["a"]}], "query_pattern": "(?P<state>x)"}, "library_custom_query or library_custom_query_pattern must say"),
        ({"query": [{"path": "x/{serial}"}]}, "library_custom_query[0].path must be a path"),
        ({"query": [{"path": "/{serial}"}]}, "it has no address; give its host variable library_custom_url"),
        ({"query": [{"path": "/{serial}", "method": "TRACE"}]}, "library_custom_query[0].method must be one of GET"),
        ({"query": [{"path": "/{serial}", "content_type": "x\r\nY: z"}]}, "library_custom_query[0].content_type must be"),
        ({"query_pattern": "("}, "library_custom_query_pattern is no regular expression"),
        ({"query_pattern": "{serial}"}, "library_custom_query_pattern needs a group"),
        ({"ok_pattern": ""}, "library_custom_ok_pattern must be a regular expression that does not match nothing"),
        ({"ways": [{**WAY, "effect": "bad"}]}, "library_custom_ways[0].effect must be one of offline, conflict, mounts"),
        ({"ways": [{**WAY, "ok": []}]}, "library_custom_ways[0] must have calls for error and for ok"),
        ({"ways": [{**WAY, "more": 1}]}, "library_custom_ways[0] must have name, effect, error and ok"),
        ({"ways": [WAY, WAY]}, "two of library_custom_ways have the same name"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        checked("commands", **given)
    assert str(refused.value).startswith(said)


def shell(command: Command, seconds: int = 5) -> Answer:
    done = subprocess.run(["/bin/sh", "-c", _library_command.script(command, seconds)], capture_output=True, text=True, check=False)
    return _library_command.answer(done.returncode, done.stdout, done.stderr, seconds)


def test_a_command_gets_its_words_and_lines_as_they_are() -> None:
    odd = "a b'c\"$(id)`id`\\n*"
    assert shell(Command(("printf", "%s|", odd, "-x"))).text == f"{odd}|-x|"
    assert shell(Command(("cat",), (odd, "-n", ""))).text == f"{odd}\n-n\n\n"
    assert shell(Command(("cat",))) == Answer(0, "", good=True, did="ended with exit status")


def test_a_command_that_fails_or_hangs_is_told_so() -> None:
    failed = shell(Command(("sh", "-c", "echo no >&2; exit 3")))
    assert (failed.status, failed.text, failed.good) == (3, "no\n", False)
    assert shell(Command(("sleep", "30")), 1) == Answer(None, error="it took longer than 1 s")
    assert shell(Command(("/nonexistent/drivectl",))).good is False
