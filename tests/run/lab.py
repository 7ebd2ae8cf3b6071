# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests that need real SCSI devices, in the guest of tests/lab."""

from __future__ import annotations

import commands
import environments
from jobs import Outcome, not_run
from places import BUILD, LOGS, ROOT, environment
from pytests import count

#: The exit status of tests/lab/machine.py where the lab cannot be had; its last line says why.
CANNOT_BE_RUN = 77
#: Of what took seven minutes on a machine with a load of 5.
LIMIT = 1500.0


def run(name: str, core: str) -> Outcome:
    """Boot the guest, run the tests in it with the environment of this core, and count what came of them."""
    log, report = LOGS / f"{name}.txt", BUILD / "lab" / "test" / "report.xml"
    log.unlink(missing_ok=True)
    report.unlink(missing_ok=True)
    venv = environments.venv_path(core)
    words = [venv / "bin" / "python", ROOT / "tests" / "lab" / "machine.py", "test"]
    status = commands.run(words, log, environment(venv), ROOT, LIMIT)
    if status == CANNOT_BE_RUN:
        return not_run((commands.tail(log, 1) or ["no reason given"])[0])
    return count(report, status)
