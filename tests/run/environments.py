# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python environments: one for each ansible-core, one for the demo, each set up once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import commands
from places import BUILD, LOGS, REQUIREMENTS, ROOT, SetUpError, environment

Say = Callable[[str], None]

# The Python named first is the one that the core is released for here; the others are those it supports as well.
CORES = {"2.19": ("3.11", "3.12", "3.13"), "2.20": ("3.12", "3.13"), "2.21": ("3.13", "3.12")}
DEMO_PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PIP_LIMIT = 900.0


@dataclass(frozen=True)
class Interpreter:
    """A Python that runs and can make virtual environments."""

    path: Path
    version: str


def find_interpreter(versions: Sequence[str]) -> Interpreter | None:
    """Find the first of the wished versions: on PATH, as the running Python, or among pyenv's."""
    return next(
        (found for version in versions for path in _candidates(version) if (found := _probe(path, version))), None
    )


def _candidates(version: str) -> list[Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [Path(sys.executable)] if sys.version_info[:2] == tuple(map(int, version.split("."))) else []
    found += [Path(folder) / f"python{version}" for folder in os.get_exec_path()]
    with contextlib.suppress(PermissionError):
        found += sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)
    return [path for path in found if os.access(path, os.X_OK)]


def _probe(path: Path, version: str) -> Interpreter | None:
    script = "import ensurepip, sys, venv; print(sys.executable, '%d.%d.%d' % sys.version_info[:3])"
    try:
        result = subprocess.run([path, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = result.stdout.split()
    if result.returncode != 0 or len(words) != 2 or not words[1].startswith(f"{version}."):
        return None
    return Interpreter(Path(words[0]), words[1])


def venv_path(name: str) -> Path:
    """Give the folder of an environment."""
    return BUILD / "venv" / name


def set_up(name: str, interpreter: Interpreter, files: Sequence[str], say: Say, log: Path | None = None) -> bool:
    """Make or complete an environment; give whether anything had to be done."""
    venv = venv_path(name)
    log = log or LOGS / f"set-up-{name}.txt"
    stamp = venv / ".set_up"
    wanted = _fingerprint(venv, interpreter, files)
    python = venv / "bin" / "python"
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return False
    started = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    if not _is_made_of(venv, interpreter):
        say(f"{venv.relative_to(ROOT)}: new environment of Python {interpreter.version}")
        shutil.rmtree(venv, ignore_errors=True)
        _do([interpreter.path, "-m", "venv", venv], log, f"The environment {venv} could not be made")
        say(f"{venv.relative_to(ROOT)}: made in {time.monotonic() - started:.1f} s")
    stamp.unlink(missing_ok=True)
    for file in files:
        started = time.monotonic()
        say(f"{venv.relative_to(ROOT)}: installing requirements/{file}")
        install(venv, REQUIREMENTS / file, log)
        say(f"{venv.relative_to(ROOT)}: installed requirements/{file} in {time.monotonic() - started:.1f} s")
    stamp.write_text(wanted, encoding="utf-8")
    return True


def install(venv: Path, requirements: Path, log: Path) -> None:
    """Install one requirements file."""
    words = [venv / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _do([*words, "--requirement", requirements], log, f"pip could not install {requirements.relative_to(ROOT)}")


def _do(words: Sequence[str | Path], log: Path, failure: str) -> None:
    if commands.run(words, log, environment(), ROOT, PIP_LIMIT) != 0:
        said = "\n  ".join(commands.errors(commands.tail(log, 15)))
        raise SetUpError(f"{failure}; the whole output is in {log}:\n  {said}")


def _fingerprint(venv: Path, interpreter: Interpreter, files: Sequence[str]) -> str:
    # Scripts in an environment carry its absolute path, so a moved checkout needs a new one.
    parts = [str(venv), interpreter.version]
    parts += [(REQUIREMENTS / file).read_text(encoding="utf-8") for file in (*files, "constraints.txt")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _is_made_of(venv: Path, interpreter: Interpreter) -> bool:
    try:
        config = (venv / "pyvenv.cfg").read_text(encoding="utf-8")
        pip = (venv / "bin" / "pip").read_text(encoding="utf-8", errors="replace").splitlines()[0]
    except (OSError, IndexError):
        return False
    version = re.search(r"^version *= *(\S+)$", config, re.MULTILINE)
    return bool(version and version.group(1) == interpreter.version and str(venv) in pip)
