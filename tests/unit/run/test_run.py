# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test run that counts wrong is worse than none, so the counting is tested."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

RUN = Path(__file__).resolve().parents[2] / "run"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModuleType]]:
    """Import the scripts as they are when called, and forget them: their names are too common to stay."""
    monkeypatch.syspath_prepend(str(RUN))
    before = set(sys.modules)
    wanted = {name: importlib.import_module(name) for name in ("jobs", "pytests", "debian", "environments", "java", "lab", "stages")}
    yield wanted
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and Path(str(sys.modules[name].__file__)).parent == RUN:
            del sys.modules[name]


def report(tmp_path: Path, cases: str) -> Path:
    path = tmp_path / "report.xml"
    path.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>", encoding="utf-8")
    return path


def test_a_skipped_test_is_not_a_passed_one(run, tmp_path: Path) -> None:
    cases = '<testcase classname="a" name="b"/><testcase classname="a" name="c"><skipped message="no mksh"/></testcase>'
    outcome = run["pytests"].count(report(tmp_path, cases), 0)
    assert (outcome.status, outcome.passed, outcome.failed, outcome.skipped) == ("passed", 1, 0, 1)
    assert outcome.skips == ("a::c: no mksh",)


@pytest.mark.parametrize("kind", ["failure", "error"])
def test_failures_and_errors_are_failed_tests(run, tmp_path: Path, kind: str) -> None:
    outcome = run["pytests"].count(report(tmp_path, f'<testcase classname="a" name="b"><{kind}/></testcase>'), 1)
    assert (outcome.status, outcome.passed, outcome.failed) == ("FAILED", 0, 1)


@pytest.mark.parametrize("cases", ["", '<testcase classname="a" name="b"/>'])
def test_an_exit_status_is_believed_over_a_report_without_failures(run, tmp_path: Path, cases: str) -> None:
    outcome = run["pytests"].count(report(tmp_path, cases), 124)
    assert (outcome.status, outcome.failed) == ("FAILED", 1)
    assert "124" in outcome.note


def test_a_run_without_a_report_has_failed(run, tmp_path: Path) -> None:
    assert run["pytests"].count(tmp_path / "none.xml", 2).status == "FAILED"


def run_all(run, jobs, at_once: int = 2) -> None:
    run["jobs"].run_all(jobs, at_once, lambda _job, _ended: None)


def test_what_needs_a_failed_job_is_not_run_and_counts_as_skipped(run) -> None:
    jobs = run["jobs"]
    first = jobs.Job("first", lambda: jobs.failed("no disk"), sets_up=True)
    second = jobs.Job("second", lambda: jobs.Outcome(jobs.PASSED, passed=1), needs=["first"])
    run_all(run, [second, first])
    assert (second.outcome.status, second.outcome.passed, second.outcome.skipped) == ("not run", 0, 1)
    assert second.outcome.note == "first: no disk"


def test_what_only_comes_after_a_failed_job_is_run(run) -> None:
    jobs = run["jobs"]
    first = jobs.Job("first", lambda: jobs.failed("no network"), sets_up=True)
    second = jobs.Job("second", lambda: jobs.Outcome(jobs.PASSED, passed=1), after=["first"])
    run_all(run, [second, first])
    assert second.outcome.status == "passed"


def test_a_job_that_breaks_has_failed_and_the_others_go_on(run) -> None:
    jobs = run["jobs"]

    def broken():
        raise ZeroDivisionError("boom")

    one, two = jobs.Job("one", broken), jobs.Job("two", lambda: jobs.Outcome(jobs.PASSED, passed=1))
    run_all(run, [one, two], at_once=1)
    assert (one.outcome.status, one.outcome.failed) == ("FAILED", 1)
    assert "boom" in one.outcome.note
    assert two.outcome.status == "passed"


def test_a_job_that_measures_seconds_has_no_neighbour(run) -> None:
    jobs = run["jobs"]
    lock, now, seen = threading.Lock(), set[str](), dict[str, set[str]]()
    met = threading.Barrier(2)

    def work(name: str, meets: bool):
        with lock:
            now.add(name)
        if meets:
            met.wait(10)
        with lock:
            seen[name] = set(now)
            now.discard(name)
        return jobs.done()

    given = [jobs.Job(name, lambda name=name: work(name, True)) for name in ("a", "b")]
    run_all(run, [*given, jobs.Job("quiet", lambda: work("quiet", False), alone=True)])
    assert seen["quiet"] == {"quiet"}
    assert all(job.outcome.status == "done" for job in given), "two at a time where they do not disturb each other"


def test_the_packages_of_bindep_are_read_without_their_marks(run) -> None:
    wanted = run["debian"].wanted("test")
    assert "openssh-server" in wanted
    assert all(" " not in package and "[" not in package for package in wanted)
    for_lab = run["debian"].wanted("lab")
    assert "qemu-system-x86" in for_lab
    assert not set(wanted) & set(for_lab)
    lines = [line for line in (RUN.parents[1] / "bindep.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert len(wanted) + len(for_lab) == len(lines), "no package is overlooked"


@pytest.fixture
def packages(run, tmp_path: Path, monkeypatch) -> dict[str, list[str]]:
    """Some packages are missing, and those of "broken" cannot be installed."""
    given = {"test": [], "lab": [], "broken": [], "installed": []}

    def install(names: list[str], _log: Path) -> None:
        if set(names) & set(given["broken"]):
            raise run["stages"].SetUpError("apt-get could not install them\nmore")
        given["installed"] += names

    monkeypatch.setattr(run["debian"], "missing", lambda profile: given[profile])
    monkeypatch.setattr(run["debian"], "can_install", lambda: True)
    monkeypatch.setattr(run["debian"], "install", install)
    monkeypatch.setattr(run["stages"], "LOGS", tmp_path)
    return given


def test_what_only_the_lab_needs_keeps_no_other_stage_from_running(run, packages) -> None:
    packages |= {"test": ["snmp"], "lab": ["qemu"], "broken": ["qemu"]}
    outcome = run["stages"].set_up_debian()
    assert (outcome.status, packages["installed"]) == ("done", ["snmp"])
    assert outcome.note == "installed snmp; without what the lab needs: apt-get could not install them"


def test_what_all_stages_need_has_to_be_installed(run, packages) -> None:
    packages |= {"test": ["snmp"], "lab": ["qemu"], "broken": ["snmp"]}
    with pytest.raises(run["stages"].SetUpError):
        run["stages"].set_up_debian()


@pytest.mark.parametrize(("missing", "status"), [("test", "not run"), ("lab", "done")])
def test_an_ordinary_user_is_told_what_all_stages_lack(run, packages, monkeypatch, missing: str, status: str) -> None:
    monkeypatch.setattr(run["debian"], "can_install", lambda: False)
    packages[missing] = ["something"]
    assert run["stages"].set_up_debian().status == status
    assert packages["installed"] == []


@pytest.mark.parametrize(
    ("status", "said", "outcome", "note"),
    [
        (77, "missing Debian packages: qemu-system-x86", "not run", "missing Debian packages: qemu-system-x86"),
        (99, "Kernel panic", "FAILED", "pytest ended with exit status 99"),
        (0, "1 passed", "passed", ""),
    ],
)
def test_a_lab_that_cannot_be_had_is_not_run_and_one_that_breaks_has_failed(
    run, tmp_path: Path, monkeypatch, status: int, said: str, outcome: str, note: str
) -> None:
    lab = run["lab"]
    monkeypatch.setattr(lab, "LOGS", tmp_path)
    monkeypatch.setattr(lab, "BUILD", tmp_path / "build")

    def command(words: list[Path], log: Path, *_more: object) -> int:
        assert words[1].is_file()
        log.write_text(f"$ machine.py\n{said}\n")
        if status == 0:
            (tmp_path / "build/lab/test").mkdir(parents=True)
            report(tmp_path / "build/lab/test", '<testcase classname="a" name="b"/>')
        return status

    monkeypatch.setattr(lab.commands, "run", command)
    got = lab.run("lab", "2.19")
    assert (got.status, got.note) == (outcome, note)
    assert (got.passed, got.failed, got.skipped) == {"not run": (0, 0, 1), "FAILED": (0, 1, 0), "passed": (1, 0, 0)}[outcome]


def test_installing_packages_starts_no_service_and_leaves_no_trace(run, tmp_path: Path, monkeypatch) -> None:
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(run["debian"], "POLICY", policy)
    with pytest.raises(KeyboardInterrupt), run["debian"]._no_services():
        assert subprocess.run([policy], check=False).returncode == 101, "101 tells Debian to start nothing"
        raise KeyboardInterrupt
    assert not policy.exists()


def test_a_policy_that_is_there_already_is_left_alone(run, tmp_path: Path, monkeypatch) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("somebody's", encoding="utf-8")
    monkeypatch.setattr(run["debian"], "POLICY", policy)
    with run["debian"]._no_services():
        assert policy.read_text(encoding="utf-8") == "somebody's"
    assert policy.read_text(encoding="utf-8") == "somebody's"


def test_an_interpreter_is_found_only_if_it_is_of_the_version(run) -> None:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert run["environments"].find_interpreter([version]).version.startswith(f"{version}.")
    assert run["environments"].find_interpreter(["2.4"]) is None


@pytest.mark.parametrize(("version", "good"), [("1.8", False), ("11", False), ("17", True), ("25", True)])
def test_only_a_java_that_is_new_enough_is_taken(run, tmp_path: Path, version: str, good: bool) -> None:
    program = tmp_path / "java"
    program.write_text(
        f"#!/bin/sh\necho '    java.home = {tmp_path}' >&2\necho '    java.specification.version = {version}' >&2\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    assert run["java"]._home(str(program)) == (tmp_path if good else None)
