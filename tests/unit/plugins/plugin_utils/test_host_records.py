# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing the facts of many hosts; run on SQLite here and on PostgreSQL in tests/integration."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _associations, _host_records
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError, TableError
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.table_world import port


def row(number: int, drive: str = "D1", **facts: Any) -> _host_records.Row:
    found = {"drives": [{"serial": drive}], "ports": [port(number)], "notes": [], **facts}
    return f"h{number:04}", found, [{"instance": f"I{number}", "application": "custom"}]


def recorded(store: Any) -> dict[str, Any]:
    with store.read() as tx:
        return _associations.everything(tx)


class Counting:
    """A store that counts its transactions, and fails in some of them."""

    def __init__(self, store: Any, failures: int = 0) -> None:
        self.store, self.failures, self.writes = store, failures, 0

    @contextlib.contextmanager
    def write(self) -> Iterator[Any]:
        self.writes += 1
        if self.failures:
            self.failures -= 1
            raise TableError("The drive table is busy.")
        with self.store.write() as tx:
            yield tx


def test_many_hosts_take_few_transactions(store: Any) -> None:
    counting = Counting(store)
    rows = [row(number) for number in range(450)]
    written = _host_records.write(counting, rows)
    assert counting.writes == 3
    assert [host for host, one in written.items() if one.changed] == [host for host, _facts, _instances in rows]
    assert len(recorded(store)) == 450
    again = _host_records.write(store, [*rows[:449], row(449, "D2")])
    assert [host for host, one in again.items() if one.changed] == ["h0449"]
    assert set(again["h0449"].after["drives"]) == {"D1", "D2"}, "what vanished is kept as missing"


def test_what_a_dry_run_tells_is_not_written(store: Any) -> None:
    written = _host_records.write(store, [row(1)], dry=True)
    assert written["h0001"].changed
    assert recorded(store) == {}


def test_a_host_that_cannot_be_written_is_named_and_the_others_are_written(store: Any) -> None:
    rows = [row(1), (*row(2)[:2], [{"instance": "../x"}]), row(3)]
    written = _host_records.write(store, rows)
    assert sorted(recorded(store)) == ["h0001", "h0003"]
    (told,) = written["h0002"].conflicts
    assert told.startswith("an instance of host h0002 must be")
    assert told.endswith("; what is recorded of h0002 was left as it was.")
    assert not written["h0002"].changed


def test_a_single_host_that_cannot_be_written_is_an_error(store: Any) -> None:
    with pytest.raises(InvalidValueError, match="^an instance of host h0002 must be"):
        _host_records.write(store, [(*row(2)[:2], [{"instance": "../x"}])])


def test_a_table_that_others_write_to_is_waited_for(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(_host_records.time, "sleep", waits.append)
    counting = Counting(store, failures=2)
    assert _host_records.write(counting, [row(1)], patience=30)["h0001"].changed
    assert (counting.writes, waits) == (3, [0.5, 0.5])
    with pytest.raises(TableError):
        _host_records.write(Counting(store, failures=1), [row(1)])


def test_conflicts_are_told_once_for_a_portion(store: Any) -> None:
    rows = [row(1), (row(2)[0], {**row(2)[1], "ports": [port(1)]}, row(2)[2]), row(3)]
    written = _host_records.write(store, rows)
    told = [sentence for one in written.values() for sentence in one.conflicts]
    assert len(told) == 1
    assert told[0].startswith("Port fc 10000090fa000001 is on host h0001 (I1) and on host h0002 (I2)")


GOOD = {"drives": [], "ports": [], "notes": [], "instances": [], "changed": False}


@pytest.mark.parametrize(
    ("result", "usable"),
    [
        (GOOD, True),
        ({**GOOD, "failed": True}, False),
        ({**GOOD, "unreachable": True}, False),
        ({"skipped": True}, False),
        ({"msg": "x"}, False),
        ({**GOOD, "drives": "x"}, False),
        (None, False),
        ("x", False),
    ],
    ids=str,
)
def test_only_what_a_host_told_in_this_run_is_used(result: Any, usable: bool) -> None:
    assert _host_records.usable(result) is usable


def test_what_is_to_be_ignored_goes_along() -> None:
    result = {**GOOD, "notes": ["One."], "ports": [port(2)], "ignored": {"drives": ["D1"], "ports": [port(1)]}}
    assert _host_records.kept(result) == {
        "drives": [{"serial": "D1", "ignore": True}],
        "ports": [port(2), {**port(1), "ignore": True}],
        "notes": ["One."],
    }
