# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _open_handles

SEEN = "user 0\nopen 812 /dev/nst0 bacula-sd\nopen 813 /dev/sg4 dsmserv\nopen 814 /dev/nst1l dd\nend\n"


def test_all_modes_of_a_drive_are_one_device() -> None:
    found = _open_handles.read(SEEN)
    assert found == {"/dev/st0": ["bacula-sd (process 812)"], "/dev/sg4": ["dsmserv (process 813)"], "/dev/st1": ["dd (process 814)"]}
    assert _open_handles.of(found, ["/dev/st0", "/dev/nst0", "/dev/sg3"]) == ["bacula-sd (process 812)"]
    assert _open_handles.of(found, ["/dev/st2", "/dev/nst2", "/dev/tape/by-id/x"]) == []


def test_who_is_not_root_or_broke_off_knows_nothing() -> None:
    assert _open_handles.read(SEEN.replace("user 0", "user 1000")) is None
    assert _open_handles.read(SEEN.replace("end\n", "")) is None
    assert _open_handles.of(None, ["/dev/st0"]) is None


def test_names_of_processes_cannot_make_lines() -> None:
    assert _open_handles.read("user 0\nopen 1 /dev/sg0 a\x1b[2Jb\nopen x /dev/sg0 y\nend\n") == {"/dev/sg0": ["a[2Jb (process 1)"]}


def test_the_script_runs_to_its_end() -> None:
    done = subprocess.run(_open_handles.command().words, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("user ")
    assert done.stdout.endswith("end\n")
