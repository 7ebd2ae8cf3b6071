# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts whose shell is PowerShell, through real ansible-playbook: a program that gets the module and prints what it would return.

So what runs on Windows is not tested, but that it is sent there, and what becomes of its answer.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.integration.test_host_facts import PLAYBOOK, Run, Site

ROOT = Path(__file__).resolve().parents[2]
ANSWER = json.loads((ROOT / "tests/unit/fixtures/facts/windows/answers.json").read_text())
DENIED = {"category": "PermissionDenied", "code": "AccessDenied", "message": "Access denied "}


def add(site: Site, name: str, text: str, status: int = 0, **variables: Any) -> None:
    """Add a host whose PowerShell keeps what it is given, and prints this."""
    directory = site.directory / "windows" / name
    directory.mkdir(parents=True)
    (directory / "answer").write_text(text)
    # ansible-core 2.21 writes it small.
    for program in (directory / "PowerShell", directory / "powershell"):
        program.write_text(f"#!/bin/sh\ncat >>{directory}/given\ncat {directory}/answer\nexit {status}\n")
        program.chmod(0o755)
    shell = directory / "shell"
    shell.write_text(f'#!/bin/sh\nPATH={directory}:$PATH\nexport PATH\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    site.hosts[name] = {
        "ansible_connection": "local",
        "ansible_shell_type": "powershell",
        # As winrm, psrp and ssh to Windows do.
        "ansible_pipelining": True,
        # What the local connection runs commands with.
        "ansible_shell_executable": str(shell),
        **variables,
    }


def given(site: Site, name: str) -> str:
    """Give what PowerShell was given, with the scripts that are encoded in it."""
    text = (site.directory / "windows" / name / "given").read_text()
    coded = (base64.b64decode(word).decode(errors="replace") for word in re.findall(r'"([0-9A-Za-z+/=]{200,})"', text))
    return "\n".join([text, *coded])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(tmp_path_factory.mktemp("windows"))
    denied = {**ANSWER, "answers": {**ANSWER["answers"], "fc_ports": {"rows": [], "problem": DENIED}}}
    add(site, "backup5", json.dumps(ANSWER), drive_sharing_applications=[{"application": "custom"}])
    add(site, "denied", json.dumps(denied))
    add(site, "newer", json.dumps({**ANSWER, "version": 2}))
    add(site, "failed", json.dumps({"failed": True, "msg": "Requires PowerShell 5.1\nand more."}))
    add(site, "half", json.dumps(ANSWER)[:2000])
    add(site, "silent", "", status=1)
    add(site, "described", "", drive_sharing_discover=False, drive_sharing_drives=[{"serial": "1310211169"}])
    return site


@pytest.fixture(scope="module")
def asked(site: Site) -> Run:
    return site.run(PLAYBOOK)


def test_the_facts_of_a_windows_host_are_found_and_recorded(site: Site, asked: Run) -> None:
    paths = site.rows("SELECT drive, missing_since FROM paths WHERE host = 'backup5' ORDER BY drive")
    assert paths == [("10WT012345", None), ("10WT067890", None)]
    assert site.rows(
        "SELECT protocol, count(*) FROM ports WHERE host = 'backup5' GROUP BY protocol ORDER BY protocol"
    ) == [
        ("fc", 2),
        ("ip", 2),
        ("iscsi", 1),
    ]
    assert re.search(
        r"backup5 +drive +10WT067890 +- +found +\\\\.\\Tape2 by fc 21000024ff0a0b01", asked.output.replace("\\\\", "\\")
    )


def test_the_module_of_ours_is_what_powershell_gets(site: Site, asked: Run) -> None:
    module = (ROOT / "plugins/modules/host_facts_windows.ps1").read_text()
    assert "DEVICEMAP" in module
    assert "HARDWARE\\DEVICEMAP\\Scsi" in given(site, "backup5")
    # A host that is not to be asked gets nothing.
    assert not (site.directory / "windows/described/given").exists()
    assert site.rows("SELECT drive FROM paths WHERE host = 'described'") == [("1310211169",)]


def test_what_may_not_be_asked_is_told_and_the_rest_is_used(site: Site) -> None:
    result = site.ask("record: false", "--limit=denied").results["denied"]
    assert [drive["serial"] for drive in result["drives"]] == ["10WT012345", "10WT067890"]
    assert result["notes"] == [
        "MSFC_FibrePortHBAAttributes may not be read by this account (Access denied), so the states of Fibre Channel ports are "
        "unknown; use one of the group Administrators."
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "newer",
            "newer could not be asked: the module's answer has version 2, not 1; what is recorded of newer was left as it was.",
        ),
        (
            "failed",
            "failed could not be asked: Requires PowerShell 5.1 and more; what is recorded of failed was left as it was.",
        ),
        ("half", "half could not be asked: "),
        ("silent", "silent could not be asked: "),
    ],
)
def test_an_answer_that_is_none_is_one_sentence_and_nothing_is_recorded(
    site: Site, asked: Run, name: str, message: str
) -> None:
    run = site.ask("record: true", f"--limit={name}")
    assert run.status == 2
    result = run.results[name]
    assert result["msg"].startswith(message)
    assert result["msg"].endswith(f"; what is recorded of {name} was left as it was.")
    assert "\n" not in result["msg"]
    assert site.rows(f"SELECT host FROM hosts WHERE host = '{name}'") == []
