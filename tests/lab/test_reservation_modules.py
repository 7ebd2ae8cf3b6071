# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module reservation does to a real target, with the real sg3-utils: LIO itself says who holds a drive then."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _fencing_key, _reservation_steps, _sg_raw
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action_scsi import Remote, ScsiAction, Way
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._reservation_plan import Situation
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Reading
from ansible_collections.tapeworks.drive_sharing.tests.lab import san

HOST_A, HOST_B = san.HOSTS
DRIVE_1, DRIVE_2 = san.DRIVES
KEY_A, KEY_B = 0xA1A1A1A100000001, 0xB2B2B2B200000002
SITE = "lab"
KEY, OTHER_KEY = _fencing_key.fencing_key(SITE, "one"), _fencing_key.fencing_key(SITE, "two")
pytestmark = pytest.mark.usefixtures("free")


def generic(drive: san.Drive, port: san.Adapter | san.Initiator) -> str:
    return san.path(drive, port).generic


class Through(ScsiAction):
    """The modules' own way to a host, without a play around it."""

    def __init__(self) -> None:
        self.seconds = 120

    def _low_level_execute_command(self, cmd: str) -> dict[str, Any]:
        done = subprocess.run(["/bin/sh", "-c", cmd], capture_output=True, text=True, check=False, timeout=600)
        return {"stdout": done.stdout, "stderr": done.stderr, "rc": done.returncode}


def bring(
    port: san.Adapter | san.Initiator,
    wanted: str,
    drive: san.Drive = DRIVE_1,
    force: Sequence[str] = (),
    key: int = KEY,
) -> _reservation_steps.Result:
    """As the module does, through one port; every device file is there without being one host, which would take long each time."""
    action: ScsiAction = Through()
    way = Way(generic(drive, port), {"protocol": "", "id": port.id}, ())
    protocol = "fc" if isinstance(port, san.Adapter) else "iscsi"

    def read() -> Reading:
        return action.read_through(way, drive.serial, SITE)

    def situation(reading: Reading) -> Situation:
        return Situation(
            drive.serial, reading, key, lambda one: _fencing_key.is_of_site(one, SITE), (protocol, port.id), force=frozenset(force)
        )

    def reset() -> str:
        return "" if action.execute([_sg_raw.reset(way.node)])[0].status == 0 else "failed"

    return _reservation_steps.bring(wanted, read, situation, Remote(action, way.node).send, reset)


def keys(drive: san.Drive) -> str:
    return san.full_status(generic(drive, HOST_B.initiator))[1]


def take(drive: san.Drive, kind: int = 3) -> None:
    a, b = generic(drive, HOST_A.adapter), generic(drive, HOST_A.initiator)
    assert [san.register(a, KEY_A), san.register(b, KEY_B), san.persistent_reserve(a, KEY_A, kind)] == [0, 0, 0]


@pytest.mark.parametrize("kind", [3, 6, 8])
def test_a_drive_is_fenced_and_given_back_whatever_type_held_it(kind: int) -> None:
    take(DRIVE_1, kind)
    result = bring(HOST_B.adapter, "fenced")
    assert result.problem == ""
    assert DRIVE_1.holder() == ("SPC-3", HOST_B.adapter.id)
    assert f"{KEY_A:x}" not in keys(DRIVE_1)
    assert san.persistent_reserve(generic(DRIVE_1, HOST_A.initiator), KEY_B) == san.CONFLICT
    assert result.after.fenced
    assert bring(HOST_B.adapter, "fenced").steps == ()
    assert bring(HOST_B.adapter, "unfenced").problem == ""
    assert DRIVE_1.holder() is None
    assert f"{KEY:x}" not in keys(DRIVE_1)


def test_a_fence_is_ended_through_another_path_and_by_another_controller() -> None:
    for key in (KEY, OTHER_KEY):
        assert bring(HOST_B.adapter, "fenced").problem == ""
        assert bring(HOST_A.initiator, "unfenced", key=key).problem == ""
        assert DRIVE_1.holder() is None
        assert "no full status" in keys(DRIVE_1).lower() or "key=" not in keys(DRIVE_1).lower()
    # Nobody is registered, so RESERVE of SPC-2 works again.
    assert san.reserve(generic(DRIVE_1, HOST_A.adapter)) == 0


def test_a_holder_is_preempted_and_all_registrations_are_cleared() -> None:
    take(DRIVE_1)
    take(DRIVE_2)
    assert bring(HOST_B.initiator, "preempted").problem == ""
    assert DRIVE_1.holder() is None
    assert f"{KEY_A:x}" not in keys(DRIVE_1)
    assert f"{KEY_B:x}" in keys(DRIVE_1), "who held nothing stays registered"
    assert bring(HOST_B.adapter, "cleared", DRIVE_2).problem == ""
    assert DRIVE_2.holder() is None
    assert f"{KEY_B:x}" not in keys(DRIVE_2)


def test_only_its_holder_releases_a_drive() -> None:
    take(DRIVE_1)
    assert "only its holder can release it" in bring(HOST_B.adapter, "released").problem
    assert bring(HOST_A.adapter, "released").problem == ""
    assert DRIVE_1.holder() is None


def test_an_spc_2_reservation_of_a_host_that_is_gone_is_ended_by_a_reset_only() -> None:
    assert san.reserve(generic(DRIVE_1, HOST_A.adapter)) == 0
    HOST_A.adapter.down()
    try:
        for wanted in ("preempted", "cleared", "fenced"):
            assert "RESERVE of SPC-2" in bring(HOST_B.adapter, wanted).problem
        assert DRIVE_1.holder() == ("SPC-2", HOST_A.adapter.id)
        assert bring(HOST_B.adapter, "fenced", force=["reset"]).problem == ""
        assert DRIVE_1.holder() == ("SPC-3", HOST_B.adapter.id)
        assert bring(HOST_B.adapter, "unfenced").problem == ""
        assert DRIVE_1.holder() is None
    finally:
        HOST_A.adapter.up()
