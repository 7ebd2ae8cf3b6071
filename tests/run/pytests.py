# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a folder of pytest tests in one environment, and count what came of them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import commands
import environments
import java
from jobs import FAILED, PASSED, Outcome, not_run
from places import BUILD, COLLECTIONS, LOGS, ROOT, environment

NOTHING_COLLECTED = 5


def run_tests(
    name: str, core: str, paths: Sequence[str], limit: float, *, needs_java: bool = False, ignore: Sequence[str] = ()
) -> Outcome:
    """Run the tests of some folders and files; a skipped test counts as skipped, whatever the reason."""
    if not any((ROOT / path).is_file() or any((ROOT / path).rglob("test_*.py")) for path in paths):
        return not_run(f"there are no tests in {', '.join(paths)} yet")
    venv = environments.venv_path(core)
    log, report = LOGS / f"{name}.txt", LOGS / f"{name}.xml"
    log.unlink(missing_ok=True)
    report.unlink(missing_ok=True)
    extra = {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    home = java.find(venv) if needs_java else None
    words = [venv / "bin" / "python", "-m", "pytest", "-q", "-ra", "--tb=short", "--durations=5", "--durations-min=1"]
    words += ["-o", f"cache_dir={BUILD / 'cache' / name}", f"--junitxml={report}", *(f"--ignore={path}" for path in ignore)]
    words += paths
    status = commands.run(words, log, environment(venv, extra, home), ROOT, limit)
    if status == NOTHING_COLLECTED:
        return not_run(f"there are no tests in {', '.join(paths)} yet")
    return count(report, status)


def count(report: Path, status: int) -> Outcome:
    """Read pytest's report; an exit status that says more than the report is believed."""
    passed, failures, skips = 0, [], []
    try:
        # Written by pytest a moment ago.
        cases = list(ET.parse(report).iter("testcase"))
    except (OSError, ET.ParseError):
        cases = []
    for case in cases:
        name = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failures.append(name)
        elif skipped is not None:
            skips.append(f"{name}: {skipped.get('message') or 'no reason given'}")
        else:
            passed += 1
    if status != 0 and not failures:
        failures.append(f"pytest ended with exit status {status}")
    note = f"{failures[0]}" + (f" and {len(failures) - 1} more" if len(failures) > 1 else "") if failures else ""
    return Outcome(FAILED if failures else PASSED, passed, len(failures), len(skips), note, tuple(skips))
