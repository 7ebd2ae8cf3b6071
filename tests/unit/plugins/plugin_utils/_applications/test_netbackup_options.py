# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of NetBackup: what is taken, and what is refused in one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import netbackup
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError


def test_nothing_needs_to_be_said() -> None:
    assert netbackup.check({}) == {
        "directory": "/usr/openv/volmgr/bin", "media_servers": [], "status": "raw", "drive_names": {}, "comment": True,
        "conflict_log": None, "offline_kills_job": True, "recheck": 300.0, "together": 1,
    }  # fmt: skip


def test_text_of_an_inventory_in_ini_form_is_understood() -> None:
    final = netbackup.check({"comment": "no", "offline_kills_job": "True", "recheck": "60", "together": "8"})
    assert (final["comment"], final["offline_kills_job"], final["recheck"], final["together"]) == (False, True, 60.0, 8)


def test_a_drive_may_have_several_names() -> None:
    given = {"S1": "Drive 1", "S2": ["A", "B", "A"]}
    assert netbackup.check({"drive_names": given})["drive_names"] == {"S1": ("Drive 1",), "S2": ("A", "B")}


@pytest.mark.parametrize(("options", "message"), [
    ({"directory": "volmgr/bin"}, "application_netbackup_directory must be an absolute path of the media server's system, not 'volmgr/bin'"),
    ({"directory": "C:\\Program Files\\Veritas\\Volmgr\\bin"}, "application_netbackup_directory must be an absolute path"),
    ({"directory": "/a\nb"}, "application_netbackup_directory must be"),
    ({"directory": "/"}, "application_netbackup_directory must be"),
    ({"media_servers": "media1"}, "application_netbackup_media_servers must be a list of media servers"),
    ({"media_servers": ["media1", "-reset"]}, "application_netbackup_media_servers[1] must be"),
    ({"media_servers": ["media1", "MEDIA1"]}, "application_netbackup_media_servers must be a list that names each media server once"),
    ({"status": "xdraw"}, "application_netbackup_status must be one of raw, table, not 'xdraw'"),
    ({"drive_names": ["D"]}, "application_netbackup_drive_names must be a dictionary"),
    ({"drive_names": {"S1": []}}, "application_netbackup_drive_names[S1] must be a name or a list of names"),
    ({"drive_names": {"S1": "-reset"}}, "application_netbackup_drive_names[S1] must be a name of a drive"),
    ({"drive_names": {"S1": "D (x)"}}, "application_netbackup_drive_names[S1] must be a name of a drive"),
    ({"drive_names": {"S1": "a\nb"}}, "application_netbackup_drive_names[S1] must be a name of a drive"),
    ({"drive_names": {"a b": "D"}}, "application_netbackup_drive_names[a b]: its key must be"),
    ({"drive_names": {"S1": "D", "S2": "D"}},
     "application_netbackup_drive_names must give a name to one drive only, but D is that of S1 and of S2"),
    ({"comment": "perhaps"}, "application_netbackup_comment must be true or false, not 'perhaps'"),
    ({"offline_kills_job": 1}, "application_netbackup_offline_kills_job must be true or false"),
    ({"conflict_log": "messages"}, "application_netbackup_conflict_log must be an absolute path"),
    ({"recheck": -1}, "application_netbackup_recheck must be a whole number from 0 to 3600"),
    ({"recheck": True}, "application_netbackup_recheck must be a whole number"),
    ({"together": 0}, "application_netbackup_together must be a whole number from 1 to 8, not '0'"),
    ({"together": 9}, "application_netbackup_together must be"),
])  # fmt: skip
def test_what_is_wrong_is_named_as_the_user_wrote_it(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        netbackup.check(options)
    assert message in str(caught.value)
