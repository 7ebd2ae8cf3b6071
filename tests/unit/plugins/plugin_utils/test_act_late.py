# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A set that was given up and that the application carries out later, after the drive was given back (I3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._policy import Policy
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.control_point import ControlPoint

SHORT = Policy(handshake_timeout=1)


@pytest.fixture
def point(tmp_path: Path) -> ControlPoint:
    """A drive that was to be set offline, by a command that hung; its record is the intent."""
    made = ControlPoint(tmp_path, D1="online")
    made.fault("offline", "hang")
    assert made.one(policy=SHORT).doubt
    made.mend()
    return made


@pytest.mark.parametrize("relation", ["none", "own"])
@pytest.mark.parametrize("state", ["online", "offline"])
def test_a_drive_that_is_given_back_in_doubt_stays_taken_until_it_was_read_again(
    point: ControlPoint, state: str, relation: str
) -> None:
    point.put("D1", state)
    released = point.one("D1", relation, 6)
    assert (released.confirmed, released.state_read, released.doubt, released.taken) == (True, "online", True, True)
    record = point.record()
    assert record is not None
    assert (record.phase, record.target, record.taken) == ("done", "online", True)
    again = point.one("D1", relation, 6, attempt=1)
    assert (again.confirmed, again.state_read, again.doubt, again.taken) == (True, "online", False, False)
    record = point.record()
    assert record is not None
    assert (record.target, record.taken) == ("none", False)


def test_what_is_carried_out_after_the_drive_was_given_back_is_undone(point: ControlPoint) -> None:
    point.one("D1", "none", 6)
    point.put("D1", "offline")
    again = point.one("D1", "none", 6, attempt=1)
    assert (again.confirmed, again.set_to, again.state_read, again.taken) == (True, "online", "online", False)
    # What a person sets offline after that is the person's.
    point.put("D1", "offline")
    last = point.one("D1", "none", 6, attempt=2)
    assert (last.outcome, last.set_to) == ("kept", None)
