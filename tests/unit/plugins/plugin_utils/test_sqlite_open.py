# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of opening the drive table while others open and close it."""

from __future__ import annotations

import multiprocessing

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _store
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import TableError


def open_and_close(location, number, failures):
    """Do what a worker of a play does, often."""
    for turn in range(40):
        try:
            store = _store.open_store(location)
            with store.write() as tx:
                _store.set_meta(tx, f"worker_{number}", str(turn))
            store.close()
        except TableError as exc:
            failures.put(str(exc))
            return


def test_workers_that_open_and_close_the_table_at_once_wait_for_each_other(tmp_path):
    location = str(tmp_path / "table.sqlite")
    _store.open_store(location, create=True).close()
    context = multiprocessing.get_context("fork")
    failures = context.SimpleQueue()
    workers = [context.Process(target=open_and_close, args=(location, number, failures)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failures.empty(), failures.get()
    with _store.open_store(location).read() as tx:
        assert [_store.get_meta(tx, f"worker_{number}") for number in range(3)] == ["39"] * 3
