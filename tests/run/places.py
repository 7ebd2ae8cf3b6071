# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things are, and the environment that everything of ours runs in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
LOGS = BUILD / "log"
REQUIREMENTS = ROOT / "requirements"
COLLECTIONS = BUILD / "collections"
COLLECTION = Path("ansible_collections", "tapeworks", "drive_sharing")


class SetUpError(Exception):
    """What cannot be set up, in one sentence for the person who called."""


def environment(
    venv: Path | None = None, extra: Mapping[str, str] | None = None, java: Path | None = None
) -> dict[str, str]:
    """Give the caller's environment without what would change the result, with a virtual environment in front."""
    dropped = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTEST_ADDOPTS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    # For somebody who has no home to write to; how long the fuzzer searches, and a search to be repeated.
    kept = {"ANSIBLE_REMOTE_TMP", "DRIVE_SHARING_FUZZ_SECONDS", "DRIVE_SHARING_FUZZ_SEED"}
    env = {
        name: value
        for name, value in os.environ.items()
        if name in kept or (name not in dropped and not name.startswith(("ANSIBLE_", "DRIVE_SHARING_", "GIT_")))
    }
    # Ansible refuses to start without an UTF-8 locale, and C.UTF-8 is the one that is always there.
    env.update(LC_ALL="C.UTF-8", PYTHONUNBUFFERED="1", NO_COLOR="1")
    if java is not None:
        # The rule engine looks at JAVA_HOME, people's scripts and our tests for a program.
        env["JAVA_HOME"] = str(java)
        env["PATH"] = f"{java / 'bin'}{os.pathsep}{env.get('PATH', os.defpath)}"
    if venv is not None:
        env["PATH"] = f"{venv / 'bin'}{os.pathsep}{env.get('PATH', os.defpath)}"
        env["VIRTUAL_ENV"] = str(venv)
    env.update(extra or {})
    return env


def link_collection() -> None:
    """Make the checkout importable as a collection, for tests and for the tools of a developer."""
    link = COLLECTIONS / COLLECTION
    if link.is_symlink() and link.resolve() == ROOT:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(ROOT)
