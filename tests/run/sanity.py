# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test sanity without a container engine and without its maker's servers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import checkout
import commands
import environments
from jobs import PASSED, Outcome, failed
from places import BUILD, LOGS, environment

LIMIT = 900.0
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")

# ansible-test fetches get-pip from a server of its own, which is more than "PyPI, git and Python".
GET_PIP = '''\
"""Stand-in for get-pip.py: installs pip from the package index with the pip wheel that comes with Python."""
import glob
import os
import sys

import ensurepip

# Debian keeps the wheels of ensurepip in a folder, and a package, of their own.
places = os.path.join(os.path.dirname(ensurepip.__file__), '_bundled'), '/usr/share/python-wheels'
sys.path.insert(0, [wheel for place in places for wheel in glob.glob(os.path.join(place, 'pip-*.whl'))][0])
from pip._internal.cli.main import main

args = [a for a in sys.argv[1:] if a not in ('--no-setuptools', '--no-wheel')]
sys.exit(main(['install', '--upgrade', '--force-reinstall'] + args))
'''


def run(name: str, core: str) -> Outcome:
    """Run every sanity test of one ansible-core on a copy of the checkout."""
    place = BUILD / "sanity" / core
    log = LOGS / f"{name}.txt"
    log.unlink(missing_ok=True)
    home = place / "home"
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ("24_2", "25_2"):
        (cache / f"get_pip_{version}.py").write_text(GET_PIP, encoding="utf-8")
    venv = environments.venv_path(core)
    env = environment(venv)
    # Its own home, so that neither a person's ansible-test nor a second one beside it shares the cache.
    env["HOME"] = str(home)
    env.setdefault("PIP_CACHE_DIR", str(Path.home() / ".cache" / "pip"))
    folders = [folder for folder in env["PATH"].split(os.pathsep) if Path(folder).name != "shims"]
    env["PATH"] = os.pathsep.join([str(_links(place / "bin")), *folders])
    tree = checkout.tree(place)
    if commands.run(["ansible-test", "sanity", "--venv", "--color", "no"], log, env, tree, LIMIT) == 0:
        return Outcome(PASSED, passed=1)
    lines = [line for line in commands.tail(log, 10_000) if not line.startswith("FATAL: Command")]
    errors = [line for line in lines if line.startswith(("ERROR:", "FATAL:"))]
    return failed(f"{len(errors)} errors" if errors else "see the log", errors or lines[-20:])


def _links(folder: Path) -> Path:
    """Make a folder of real interpreters: a shim of pyenv answers 127, which ansible-test takes for a failure."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for version in PYTHONS:
        interpreter = environments.find_interpreter([version])
        if interpreter:
            (folder / f"python{version}").symlink_to(interpreter.path)
    # Without it ansible-test skips its shellcheck test in silence.
    shellcheck = environments.venv_path("2.19") / "bin" / "shellcheck"
    program = shutil.which("shellcheck") or (str(shellcheck) if shellcheck.exists() else None)
    if program:
        (folder / "shellcheck").symlink_to(program)
    return folder
