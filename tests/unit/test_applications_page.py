# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/applications.md against the code: a row for every role, with the scopes, options, platforms and proofs that there are."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.bench import applications

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "applications.md").read_text(encoding="utf-8")
FILES = "ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications"
NAMES = sorted(path.name.removeprefix("application_") for path in ROOT.glob("roles/application_*"))
COLUMNS = (
    "application", "offline", "online", "query", "serial number to drive", "scope", "busy", "floor", "evidence", "credentials",
    "platforms", "proven how",
)
PROVEN = ("real", "fake", "composed")


def matrix(page: str) -> dict[str, dict[str, str]]:
    """The rows of the first table, by the application's name."""
    section = page.partition("## What there is")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    header = [cell.strip() for cell in lines[0].strip("|").split("|")]
    assert tuple(header) == COLUMNS
    rows: dict[str, dict[str, str]] = {}
    for line in lines[2:]:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
        assert len(cells) == len(COLUMNS), line
        row = dict(zip(COLUMNS, cells, strict=True))
        name = re.match(r"\[`(\w+)`\]\(\S+\)$", row["application"])
        assert name, row["application"]
        assert name[1] not in rows
        rows[name[1]] = row
    return rows


ROWS = matrix(PAGE)
#: application: commands to ask about 100 drives, and to set them.
MANY = {
    row[1]: (int(row[2]), int(row[3]))
    for row in re.finditer(r"^\| `(\w+)` \| (\d+) \| (\d+) \|$", PAGE.partition("## Many drives at once")[2], re.MULTILINE)
}


def file(name: str) -> ModuleType:
    return importlib.import_module(f"{FILES}.{name}")


def test_there_is_a_row_for_every_role_in_the_order_of_their_names() -> None:
    assert list(ROWS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_scopes_are_those_of_the_code(name: str) -> None:
    assert tuple(re.findall(r"`(\w+)`", ROWS[name]["scope"])) == file(name).SCOPES


@pytest.mark.parametrize("name", NAMES)
def test_the_options_that_a_row_names_exist(name: str) -> None:
    known = {f"application_{name}_{option}" for option in file(name).OPTIONS}
    named = set(re.findall(r"`(application_\w+)`", " ".join(ROWS[name].values())))
    assert named <= known
    # Whoever has an option for a file with a secret says so.
    secret = {f"application_{name}_{option}" for option in file(name).OPTIONS if re.search("credential|password|secret", option)}
    assert secret <= set(re.findall(r"`(application_\w+)`", ROWS[name]["credentials"]))


@pytest.mark.parametrize("name", NAMES)
def test_the_platforms_are_those_whose_shells_it_has(name: str) -> None:
    platforms = {"sh": "Unix", "powershell": "Windows"}
    wanted = [platforms[shell] for shell in getattr(file(name), "SHELLS", ("sh",))]
    assert sorted(ROWS[name]["platforms"].split(", ")) == sorted(wanted)


@pytest.mark.parametrize("name", NAMES)
def test_how_it_is_proven_is_one_of_three_and_there_is_such_a_proof(name: str) -> None:
    proven = ROWS[name]["proven how"]
    assert proven in PROVEN
    tests = {path.name for path in ROOT.glob("tests/integration/**/test_*.py")}
    if proven == "real":
        assert f"test_application_{name}.py" in tests
    elif name != "custom":
        assert f"test_{name}.py" in tests
        assert (ROOT / "docs" / f"application_{name}.md").read_text(encoding="utf-8").lower().count("verif")


@pytest.mark.parametrize("name", NAMES)
def test_what_a_row_says_of_evidence_and_jobs_is_what_the_stories_tell(name: str) -> None:
    evidence, busy = ROWS[name]["evidence"], ROWS[name]["busy"]
    assert re.match(r"(yes|no|if)\b", evidence)
    if ROWS[name]["proven how"] == "real":
        return
    product = importlib.import_module(f"{applications.TESTS}.test_{name}").PRODUCT
    # Where a pattern of the site's own finds it, a fake may show nothing.
    assert evidence.startswith("if ") or product.evidence == evidence.startswith("yes")
    if product.job_ends:
        assert "confirmed when" in busy
    elif product.kills_job:
        assert busy.startswith("left ")


def test_the_table_of_many_drives_has_every_role_once() -> None:
    assert list(MANY) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_for_many_drives_are_those_of_the_fakes_log(name: str) -> None:
    """A command for each drive takes its time, so a hundred are worked out of few; one for all of them is tried."""
    one, two = applications.measure(name, 1), applications.measure(name, 2)
    if one == two:
        hundred = applications.measure(name, 100)
        assert (hundred.asked, hundred.set) == MANY[name]
        return
    asked, setting = (few + (more - few) * 99 for few, more in ((one.asked, two.asked), (one.set, two.set)))
    assert (asked, setting) == MANY[name]


def test_the_command_that_the_page_names_prints_its_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "python tests/bench/applications.py" in PAGE
    monkeypatch.setattr("sys.argv", ["applications.py", "bacula", "bareos"])
    applications.main()
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 4
    assert set(printed) <= set(PAGE.splitlines())
