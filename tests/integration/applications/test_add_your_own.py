# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/applications.md, *How to add your own in an hour*: what it says is done in a copy of the collection, to the letter."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.sshd import SYSTEM_PATH

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "applications.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## How to add your own in an hour")[2].partition("\n## ")[0]
#: A file's name, and its whole text.
BLOCK = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = dict(BLOCK.findall(SECTION))
PARTS = ("changelogs", "demo", "docs", "extensions", "inventories", "meta", "playbooks", "plugins", "roles", "tests")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the collection with the files of the page."""
    place = tmp_path_factory.mktemp("own")
    root = place / "ansible_collections" / "tapeworks" / "drive_sharing"
    for part in PARTS:
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__", "output"))
    for file in ("galaxy.yml", "pyproject.toml", "README.md"):
        shutil.copyfile(ROOT / file, root / file)
    for file, text in FILES.items():
        assert not (root / file).exists(), f"{file} is a part of the collection"
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text, encoding="utf-8")
    return root


def run(copy: Path, *words: str) -> str:
    """Run tests of the copy, and nothing of the collection that it is a copy of."""
    place = str(copy.parents[2])
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": place, "PYTHONPATH": place, "PYTHONDONTWRITEBYTECODE": "1"}
    environment["DRIVE_SHARING_STORIES"] = "every"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-ra", "-o", f"pythonpath={place}", "-p", "no:cacheprovider", *words], cwd=copy,
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def test_the_page_has_every_file_that_is_needed() -> None:
    role = {str(path.relative_to(ROOT / "roles" / "application_custom")) for path in (ROOT / "roles/application_custom").rglob("*.*")}
    assert {f"roles/application_acme/{path}" for path in role} <= set(FILES)
    assert len(FILES) == len(role) + 3


def test_the_role_of_the_page_is_as_all_others(copy: Path) -> None:
    said = run(copy, "tests/unit/test_application_roles.py", "-k", "acme or every_application")
    assert re.search(r"^3 passed", said, re.MULTILINE), said


def test_a_role_of_the_page_that_was_changed_is_noticed(copy: Path) -> None:
    path = copy / "roles" / "application_acme" / "defaults" / "main.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[acmectl]", "[acme]"), encoding="utf-8")
    try:
        with pytest.raises(AssertionError, match="defaults/main.yml has"):
            run(copy, "tests/unit/test_application_roles.py", "-k", "acme")
    finally:
        path.write_text(text, encoding="utf-8")


def test_the_stories_are_told_of_the_product_of_the_page(copy: Path) -> None:
    if any(shutil.which(name, path=SYSTEM_PATH) is None for name in ("sshd", "ssh", "ssh-keygen")):
        pytest.skip("this machine has no sshd, ssh or ssh-keygen")
    chosen = "by_hand_and_nothing_twice or lost_race or password or credentials or columns or secret or documented"
    said = run(copy, "tests/integration/applications/test_acme.py", "-k", chosen)
    assert re.search(r"^7 passed", said, re.MULTILINE), said
