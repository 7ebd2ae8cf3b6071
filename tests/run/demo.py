# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up and play the demo, as any user, with nothing but Python and what PyPI has."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import checkout
import commands
import environments
import java
from places import BUILD, COLLECTION, LOGS, ROOT, SetUpError, environment

INSTALLED = BUILD / "demo" / "collections"
LIMIT = 300.0


def say(text: str) -> None:
    """Tell a step of the set-up at once."""
    print(f"set-up: {text}", flush=True)


def set_up(*, only_pypi_java: bool = False) -> Path:
    """Set up whatever is not there yet; give the home of Java."""
    started = time.monotonic()
    interpreter = environments.find_interpreter(environments.DEMO_PYTHONS)
    if interpreter is None:
        raise SetUpError(
            "No Python of version 3.11 to 3.14 can make a virtual environment here; nothing was set up. "
            "Debian keeps that part in a package of its own: apt-get install python3-venv."
        )
    done = environments.set_up("demo", interpreter, ["demo.txt"], say)
    venv = environments.venv_path("demo")
    home = java.set_up(venv, say, only_pypi=only_pypi_java)
    done = _install_collection(venv) or done
    if done:
        say(f"ready after {time.monotonic() - started:.1f} s; the next run needs none of this")
    return home


def _install_collection(venv: Path) -> bool:
    """Build the collection and install it as a user would, if it changed since."""
    stamp, wanted = BUILD / "demo" / ".installed", checkout.fingerprint()
    manifest = INSTALLED / COLLECTION / "MANIFEST.json"
    if manifest.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return False
    started = time.monotonic()
    say("building the collection and installing it into build/demo/collections")
    log, env, galaxy = LOGS / "set-up-collection.txt", environment(venv), venv / "bin" / "ansible-galaxy"
    log.unlink(missing_ok=True)
    artefacts = BUILD / "demo" / "artefact"
    build = [galaxy, "collection", "build", "--force", "--output-path", artefacts, ROOT]
    status = commands.run(build, log, env, ROOT, LIMIT)
    for artefact in sorted(artefacts.glob("tapeworks-drive_sharing-*.tar.gz")):
        install = [
            galaxy,
            "collection",
            "install",
            "--force",
            "--offline",
            "--no-deps",
            "--collections-path",
            INSTALLED,
            artefact,
        ]
        status = status or commands.run(install, log, env, ROOT, LIMIT)
        artefact.unlink()
    if status != 0 or not manifest.exists():
        said = "\n  ".join(commands.tail(log, 15))
        raise SetUpError(f"The collection could not be installed; the whole output is in {log}:\n  {said}")
    stamp.write_text(wanted, encoding="utf-8")
    say(f"installed the collection in {time.monotonic() - started:.1f} s")
    return True


def play(home: Path) -> None:
    """Become the story."""
    venv = environments.venv_path("demo")
    env = environment(venv, {"ANSIBLE_COLLECTIONS_PATH": str(INSTALLED)}, home)
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        del env["NO_COLOR"]
    sys.stdout.flush()
    python = venv / "bin" / "python"
    os.execve(python, [str(python), str(ROOT / "demo" / "story.py")], env)
