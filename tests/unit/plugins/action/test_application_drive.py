# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.action import application_drive
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import custom
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import Policy
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.control_point import ControlPoint, ask

BATCH = "01KB4Z7RF6X3J2Q9W0V8N5T1AM"


@pytest.fixture
def action(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The action on a host with two instances, of which the first one's application has a fault."""
    point = ControlPoint(tmp_path, D1="online")
    made: Any = object.__new__(application_drive.ActionModule)
    made._task = SimpleNamespace(check_mode=False, diff=False)
    made.unreachable = ""
    made.store = lambda *_args, **_more: SimpleNamespace(site="here", now=lambda: 1000.0, close=lambda: None)
    made.policy = lambda *_args, **_more: Policy()
    made.place = lambda *_args: point.place()
    made.point = point

    def application(_variables: Any, instance: str, _name: str) -> Any:
        if instance == "broken":
            raise ZeroDivisionError("division by zero")
        return custom, point.options()

    made.application = application
    rows = [{"ask": ask(instance=instance), "application": "custom"} for instance in ("broken", "alpha")]
    monkeypatch.setattr(application_drive._play, "asks_of", lambda *_args: rows)
    monkeypatch.setattr(application_drive._play, "confirm", lambda *args: made.told.extend(args[2]))
    made.told = []
    return made


def test_a_fault_of_ours_in_one_instance_is_said_at_once_and_keeps_no_other_from_being_told(action: Any) -> None:
    result = action._batch(BATCH, {}, {"inventory_hostname": "host"})
    assert {row["instance"]: (row["confirmed"], row["outcome"]) for row in action.told} == {
        "broken": (False, "silent"), "alpha": (True, "offline"),
    }
    reason = "a fault in this collection: ZeroDivisionError, division by zero; please report it"
    assert [row["reason"] for row in action.told] == [reason, ""]
    assert (result["failed"], action.point.state("D1")) == (True, "offline")
