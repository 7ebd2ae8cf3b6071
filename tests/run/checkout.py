# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the checkout: listed, copied, compared."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from places import COLLECTION, ROOT, environment

# Only for a checkout without git, such as an unpacked archive; git knows better by .gitignore.
UNTRACKED = {
    ".git",
    ".ansible",
    ".hypothesis",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".nox",
    "__pycache__",
    "build",
    "collections",
}


def files() -> list[Path]:
    """List the files that are, or would be, under version control, relative to the checkout."""
    words = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if (ROOT / ".git").exists():
        result = subprocess.run(words, capture_output=True, check=True, env=environment())
        found = [Path(os.fsdecode(name)) for name in result.stdout.split(b"\0") if name]
    else:
        found = [Path(folder, name).relative_to(ROOT) for folder, names in _walk() for name in names]
    return sorted(path for path in set(found) if (ROOT / path).is_symlink() or (ROOT / path).is_file())


def _walk() -> list[tuple[str, list[str]]]:
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in UNTRACKED]
        found.append((folder, names))
    return found


def copy(target: Path) -> None:
    """Make the target hold the files of the checkout and, beside what is ignored there, no others."""
    listed = files()
    for path in listed:
        source, copied = ROOT / path, target / path
        copied.parent.mkdir(parents=True, exist_ok=True)
        if copied.is_symlink() or copied.exists():
            copied.unlink()
        shutil.copy2(source, copied, follow_symlinks=False)
    kept = set(listed)
    for folder, folders, names in os.walk(target):
        folders[:] = [
            name
            for name in folders
            if name not in UNTRACKED and Path(folder, name).relative_to(target) != Path("tests", "output")
        ]
        for name in names:
            path = Path(folder, name)
            if path.relative_to(target) not in kept:
                path.unlink()


def tree(root: Path) -> Path:
    """Copy the checkout to a place where collections belong, as a git repository: what the checkers insist on."""
    target = root / COLLECTION
    target.mkdir(parents=True, exist_ok=True)
    copy(target)
    for words in (["init", "--quiet", "--initial-branch", "main"], ["add", "--all"]):
        subprocess.run(["git", "-C", str(target), *words], check=True, capture_output=True, env=environment())
    return target


def fingerprint() -> str:
    """Give a digest of all files, to see whether anything changed."""
    digest = hashlib.sha256()
    for path in files():
        full = ROOT / path
        content = os.readlink(full).encode() if full.is_symlink() else full.read_bytes()
        digest.update(f"{path}\0{os.access(full, os.X_OK)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
