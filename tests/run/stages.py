# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What "make test" runs, and in which order."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import checkout
import commands
import debian
import environments
import java
import lab
import sanity
from jobs import NOT_RUN, PASSED, Job, Outcome, done, failed
from ordinary_user import OrdinaryUser
from places import BUILD, LOGS, ROOT, SetUpError, environment, link_collection
from pytests import run_tests

LINT_CORE = "2.19"
SANITY_CORES = ("2.19", "2.21")
INTEGRATION_CORES = ("2.19", "2.21")
# What starts no Ansible is run once, in a stage of its own: shells, databases, net-snmp and Bacula know of no ansible-core.
WITHOUT_ANSIBLE = (
    "guarded_step", "reservation_sender/test_application.py", "reservation_sender/test_bacula.py",
    "reservation_sender/test_changer.py", "reservation_sender/test_reports.py", "test_demo_application.py",
    "test_snmp_detector.py", "test_snmp_junk.py", "test_snmp_mib.py", "test_table_postgresql.py", "test_webhook_detector.py",
    "windows/test_one_contract.py",
)
TOOLS_CORE = "2.19"
E2E_CORES = ("2.19",)
LAB_CORE = "2.19"
FUZZ_CORE = "2.19"
# Beside the time of the search itself, if tests/fuzz/search.py is told one.
FUZZ_LIMIT = 300.0
LINT_LIMIT = 300.0
PLUGIN_UTILS = "ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils"


def set_up_debian() -> Outcome:
    """Install the Debian packages that the tests need, or name them."""
    missing, for_lab = debian.missing(debian.TEST), debian.missing(debian.LAB)
    log = LOGS / "debian.txt"
    log.unlink(missing_ok=True)
    if not debian.can_install():
        # The stage lab says itself what it lacks.
        return Outcome(NOT_RUN, note=f"not root; missing Debian packages: {' '.join(missing)}") if missing else done()
    notes = []
    if missing:
        debian.install(missing, log)
        notes.append(f"installed {', '.join(missing)}")
    if for_lab:
        try:
            debian.install(for_lab, log)
            notes.append(f"installed for the lab {', '.join(for_lab)}")
        except SetUpError as exc:
            notes.append(f"without what the lab needs: {str(exc).splitlines()[0]}")
    return done("; ".join(notes))


def set_up_core(core: str) -> Outcome:
    """Set up the environment of one ansible-core."""
    versions = environments.CORES[core]
    interpreter = environments.find_interpreter(versions)
    if interpreter is None:
        return Outcome(NOT_RUN, note=f"no Python {' or '.join(versions)} with ensurepip and venv was found")
    log = LOGS / f"set-up-{core}.txt"
    files = [f"core-{core}.txt", "test.txt"]
    files += [file for file, only in (("lint.txt", LINT_CORE), ("fuzz.txt", FUZZ_CORE)) if core == only]

    def say(_text: str) -> None:
        """Say nothing: the log has it."""

    link_collection()
    new = environments.set_up(core, interpreter, files, say, log)
    java.set_up(environments.venv_path(core), say)
    return done(f"Python {interpreter.version}" + (", new" if new else ""))


class Linters:
    """Checkers of text; those that want a collection in its place get a copy there."""

    def __init__(self) -> None:
        self.tree: Path | None = None

    def copy(self) -> Outcome:
        """Make the copy, once for all of them."""
        self.tree = checkout.tree(BUILD / "lint")
        return done()

    def check(self, name: str, commandlines: Sequence[Sequence[str]], *, in_checkout: bool = False) -> Outcome:
        """Run one checker; all its command lines have to go well."""
        venv, log = environments.venv_path(LINT_CORE), LOGS / f"{name}.txt"
        log.unlink(missing_ok=True)
        # antsibull-docs writes a log into the home of whoever calls it.
        home = BUILD / "cache" / "home"
        home.mkdir(parents=True, exist_ok=True)
        extra = {"HOME": home, "ANSIBLE_COLLECTIONS_PATH": BUILD / "lint", "MYPYPATH": BUILD / "collections"}
        env = environment(venv, {variable: str(value) for variable, value in extra.items()})
        where = ROOT if in_checkout or self.tree is None else self.tree
        statuses = [commands.run(words, log, env, where, LINT_LIMIT) for words in commandlines]
        if not any(statuses):
            return Outcome(PASSED, passed=1)
        return failed(next((line.strip() for line in reversed(commands.tail(log, 30)) if line.strip()), "see the log"))


# The flags with which galaxy-importer looks at event sources (its ansible_test/container/eda/tox.ini).
EDA_IGNORES = "D100,D104,INP001,FA102,UP001,UP010,I001,FA100,PLR0913,E501"
EDA_RUFF = [
    "ruff",
    "check",
    "--isolated",
    "--no-cache",
    "--select",
    "ALL",
    "--ignore",
    EDA_IGNORES,
    "extensions/eda/plugins",
]


def lint_jobs() -> list[Job]:
    """Give the checkers of text."""
    linters = Linters()
    eda = [EDA_RUFF] if any((ROOT / "extensions/eda/plugins").rglob("*.py")) else []
    checks: dict[str, list[list[str]]] = {
        "ansible-lint": [["ansible-lint", "--nocolor", "--offline", "--profile", "production", "--strict"]],
        "antsibull-docs": [["antsibull-docs", "lint-collection-docs", "--plugin-docs", "."]],
        "antsibull-changelog": [["antsibull-changelog", "lint"]],
        "reuse": [["reuse", "lint", "--lines"]],
        "ruff": [["ruff", "check", "--no-cache", "."], *eda],
        "mypy": [["mypy", "--package", PLUGIN_UTILS, "--cache-dir", str(BUILD / "cache" / "mypy")]],
    }
    jobs = [Job("lint-copy", linters.copy, after=["debian"], sets_up=True)]
    for name, lines in checks.items():
        work = partial(linters.check, name, lines, in_checkout=name == "mypy")
        jobs.append(Job(name, work, needs=[f"env-{LINT_CORE}", "lint-copy"]))
    return jobs


def all_jobs() -> tuple[list[Job], Callable[[], None]]:
    """Give all jobs, the long ones first, and what to call when they are over."""
    jobs = [Job("debian", set_up_debian, sets_up=True)]
    cores = sorted(environments.CORES, key=lambda core: (core not in SANITY_CORES, core))
    jobs += [Job(f"env-{core}", partial(set_up_core, core), after=["debian"], sets_up=True) for core in cores]
    for core in SANITY_CORES:
        name = f"sanity-{core}"
        # The shellcheck of the linters' environment is used.
        jobs.append(Job(name, partial(sanity.run, name, core), needs=[f"env-{core}"], after=[f"env-{LINT_CORE}"]))
    user = OrdinaryUser()
    jobs.append(Job("demo-set-up", user.set_up, after=["debian"], sets_up=True))
    jobs += lint_jobs()
    for core in environments.CORES:
        jobs.append(_pytest_job("unit", core, 900.0))
    jobs.append(Job("lab", partial(lab.run, "lab", LAB_CORE), needs=[f"env-{LAB_CORE}"]))
    work = partial(run_tests, "lab-e2e", LAB_CORE, ["tests/lab_e2e"], 900.0, needs_java=True)
    jobs.append(Job("lab-e2e", work, needs=[f"env-{LAB_CORE}"]))
    tools = tuple(f"tests/integration/{name}" for name in WITHOUT_ANSIBLE)
    work = partial(run_tests, "integration-tools", TOOLS_CORE, tools, 1800.0, needs_java=True)
    jobs.append(Job("integration-tools", work, needs=[f"env-{TOOLS_CORE}"]))
    for core in INTEGRATION_CORES:
        jobs.append(_pytest_job("integration", core, 1800.0, ignore=tools))
    jobs.append(_pytest_job("fuzz", FUZZ_CORE, FUZZ_LIMIT + float(os.environ.get("DRIVE_SHARING_FUZZ_SECONDS") or 0)))
    for kind in ("faults", "e2e"):
        for core in E2E_CORES:
            jobs.append(_pytest_job(kind, core, 1500.0, alone=True))
    jobs.append(Job("demo", user.play, needs=["demo-set-up"], alone=True))
    return jobs, user.clean


def _pytest_job(kind: str, core: str, limit: float, *, alone: bool = False, ignore: Sequence[str] = ()) -> Job:
    name = f"{kind}-{core}"
    work = partial(run_tests, name, core, [f"tests/{kind}"], limit, needs_java=kind != "unit", ignore=ignore)
    return Job(name, work, needs=[f"env-{core}"], alone=alone)


BY_CORE = ("unit", "sanity", "integration", "fuzz", "faults", "e2e")
GROUPS = {
    "lint": ("ansible-lint", "antsibull-docs", "antsibull-changelog", "reuse", "ruff", "mypy"),
}


def select(jobs: Sequence[Job], wanted: Sequence[str]) -> list[Job]:
    """Give the wanted jobs with all that they need: "unit" means "unit-2.19" and its sisters."""
    chosen = {job.name for job in jobs if not wanted or any(_matches(job, word) for word in wanted)}
    unknown = [word for word in wanted if not any(_matches(job, word) for job in jobs)]
    if unknown:
        names = ", ".join(job.name for job in jobs if not job.sets_up)
        raise SystemExit(
            f"There is no stage {', '.join(unknown)}; there are {names}, and the groups lint, {', '.join(BY_CORE)}."
        )
    more = True
    while more:
        needed = {need for job in jobs if job.name in chosen for need in job.needs} | {"debian"}
        more = not needed <= chosen
        chosen |= needed
    return [job for job in jobs if job.name in chosen]


def _matches(job: Job, word: str) -> bool:
    if word in BY_CORE:
        return job.name.rpartition("-")[0] == word
    return job.name in (word, *GROUPS.get(word, ()))
