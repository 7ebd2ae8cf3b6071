# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _secret_file


def said(path: Path | str, secret: str = "the password") -> str:
    done = subprocess.run(_secret_file.look(str(path)), capture_output=True, text=True, check=False)
    return _secret_file.exposed(str(path), SimpleNamespace(rc=done.returncode, output=done.stdout), secret)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400, 0o700, 0o000])
def test_a_file_that_others_can_neither_read_nor_write_is_good(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "token"
    path.touch(mode=0o600)
    path.chmod(mode)
    assert said(path) == ""


@pytest.mark.parametrize(("mode", "shown"), [(0o644, "-rw-r--r--"), (0o660, "-rw-rw----"), (0o602, "-rw-----w-"), (0o777, "-rwxrwxrwx")])
def test_a_file_that_others_can_read_or_write_is_named_with_what_to_do(tmp_path: Path, mode: int, shown: str) -> None:
    path = tmp_path / "token"
    path.touch()
    path.chmod(mode)
    assert said(path, "the token") == (
        f"others may read or write {path}, which holds the token, its mode is {shown}: take that from them"
        f" (chmod o=,g-w {path}), and change the token"
    )


def test_the_mode_is_that_of_the_file_that_a_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "token").touch()
    (tmp_path / "token").chmod(0o604)
    (tmp_path / "link").symlink_to(tmp_path / "token")
    assert "its mode is -rw----r--" in said(tmp_path / "link")


def test_a_file_that_is_not_there_exposes_nothing(tmp_path: Path) -> None:
    assert said(tmp_path / "token") == ""


def test_what_is_no_file_is_not_believed_to_be_hidden(tmp_path: Path) -> None:
    assert said(tmp_path).startswith(f"it cannot be seen who may read {tmp_path}, which holds the password: drw")
