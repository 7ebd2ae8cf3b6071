# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the benchmarks one after the other, and print what they print."""

from __future__ import annotations

import commands
import environments
import stages
from places import BUILD, COLLECTIONS, LOGS, ROOT, SetUpError, environment

#: Script and its arguments.
BENCHMARKS = (("table.py",), ("plan.py",), ("host_facts.py",), ("applications.py",), ("snmp_informs.py", "--count", "10000"),
              ("scsi_poll.py",))
LIMIT = 1200.0


def bench() -> int:
    """Measure on a machine that should have nothing else to do; give the exit status."""
    stages.set_up_debian()
    outcome = stages.set_up_core(stages.TOOLS_CORE)
    if outcome.status != "done":
        raise SetUpError(f"Nothing was measured: {outcome.note}.")
    venv = environments.venv_path(stages.TOOLS_CORE)
    env = environment(venv, {"PYTHONPATH": str(COLLECTIONS), "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)})
    worst = 0
    for script, *words in BENCHMARKS:
        log = LOGS / f"bench-{script.removesuffix('.py')}.txt"
        log.unlink(missing_ok=True)
        print(f"--- {script}", flush=True)
        status = commands.run([venv / "bin" / "python", ROOT / "tests" / "bench" / script, *words], log, env, ROOT, LIMIT)
        print(log.read_text(encoding="utf-8", errors="replace").partition("\n")[2], flush=True)
        if status:
            print(f"{script} ended with exit status {status}", flush=True)
        worst = worst or status
    print(f"(logs: {LOGS.relative_to(BUILD.parent)})")
    return worst
