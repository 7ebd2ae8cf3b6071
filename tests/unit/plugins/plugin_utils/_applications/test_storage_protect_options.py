# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _application, _host_variables
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import storage_protect
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._storage_protect_drives import Way
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._storage_protect_options import Source

ROOT = Path(__file__).resolve().parents[5]


def check(**options: Any) -> dict[str, Any]:
    return storage_protect.check(options)


def test_nothing_has_to_be_given() -> None:
    final = check()
    assert (final["admin_command"], final["server_name"], final["credentials_file"], final["path_sources"]) == (["dsmadmc"], "", "", ())
    assert (final["session"], final["offline_kills_job"], final["conflict_minutes"]) == (True, False, 60)


def test_text_stands_for_numbers_and_flags_as_inventories_in_ini_form_give_them() -> None:
    final = check(session="no", offline_kills_job="True", conflict_minutes="0", conflict_messages=["8779", 8848])
    assert [final[key] for key in ("session", "offline_kills_job", "conflict_minutes", "conflict_messages")] == [
        False, True, 0, (8779, 8848),
    ]


def test_names_are_those_of_the_server_which_has_capitals_only() -> None:
    final = check(path_sources=["db1_sta", {"name": "nas.1", "type": "datamover"}], drive_names={"S1": ["lib/d-1", "VTL/D+2"]})
    assert final["path_sources"] == (Source("DB1_STA"), Source("NAS.1", "datamover"))
    assert final["drive_names"] == {"S1": (("LIB", "D-1"), ("VTL", "D+2"))}


@pytest.mark.parametrize(("options", "said"), [
    ({"admin_command": "dsmadmc"}, "admin_command must be a list of words with the command first, not 'dsmadmc'"),
    ({"admin_command": []}, "admin_command must be a list of words"),
    ({"admin_command": ["-quiet"]}, "admin_command must be a list of words"),
    ({"admin_command": ["dsmadmc", 1]}, "admin_command must be a list of words"),
    ({"server_name": "a b"}, "server_name must be the name of a stanza"),
    ({"server_name": "x;y"}, "server_name must be the name of a stanza"),
    ({"credentials_file": "credentials"}, "credentials_file must be an absolute path, not 'credentials'"),
    ({"option_file": "/a\nb"}, "option_file must be an absolute path"),
    ({"path_sources": "STA1"}, "path_sources must be a list of names of servers and storage agents, not 'STA1'"),
    ({"path_sources": ["STA 1"]}, "path_sources[0].name must be the name of a server"),
    ({"path_sources": [["STA1"]]}, "path_sources[0] must be a name, or a dictionary with the key name"),
    ({"path_sources": [{"name": "STA1", "kind": "server"}]}, "path_sources[0] must have no key 'kind'; there are name, type"),
    ({"path_sources": [{"name": "STA1", "type": "agent"}]}, "path_sources[0].type must be server (also of a storage agent) or datamover"),
    ({"path_sources": ["STA1", "sta1"]}, "path_sources must name each source once, but STA1 is there twice"),
    ({"drive_names": ["S1"]}, "drive_names must be a dictionary of serial number to LIBRARY/DRIVE"),
    ({"drive_names": {"S1": "DRIVE01"}}, "drive_names[S1] must be LIBRARY/DRIVE, or a list of these, not 'DRIVE01'"),
    ({"drive_names": {"S1": []}}, "drive_names[S1] must be LIBRARY/DRIVE"),
    ({"drive_names": {"S1": "L/D ONLINE=YES"}}, "drive_names[S1] must be LIBRARY/DRIVE"),
    ({"drive_names": {"S 1": "L/D"}}, "drive_names[S 1]: its key"),
    ({"drive_names": {"S1": "L/D", "S2": "l/d"}}, "drive_names must give a name to one drive only, but L/D is that of S1 and of S2"),
    ({"session": "perhaps"}, "session must be true or false, not 'perhaps'"),
    ({"offline_pattern": "("}, "offline_pattern must be a regular expression"),
    ({"conflict_minutes": 1441}, "conflict_minutes must be a whole number from 0 to 1440, not '1441'"),
    ({"conflict_minutes": True}, "conflict_minutes must be a whole number"),
    ({"conflict_messages": []}, "conflict_messages must be a list of numbers of messages"),
    ({"conflict_messages": ["ANR8779E"]}, "conflict_messages[0] must be a whole number from 0 to 9999"),
    ({"conflict_pattern": "drive"}, "conflict_pattern must have the named group (?P<device>...)"),
])  # fmt: skip
def test_what_is_wrong_is_one_sentence_with_the_options_name(options, said) -> None:
    with pytest.raises(InvalidValueError) as caught:
        check(**options)
    assert str(caught.value).startswith(f"application_storage_protect_{said}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("word", [
    "-id=admin", "-ID=admin", "-id", "-pa=secret", "-pas=secret", "-PASSWORD=secret", "-password", "-passw=x", "-Passwor=x",
])  # fmt: skip
def test_a_user_or_a_password_in_the_command_is_refused_and_not_repeated(word) -> None:
    with pytest.raises(InvalidValueError, match="every user of the host can read command lines") as caught:
        check(admin_command=["/usr/bin/dsmadmc", word])
    assert not re.search("secret|admin$", str(caught.value))


@pytest.mark.parametrize("word", ["-dataonly=yes", "-se=libmgr", "-optfile=/etc/dsm.opt", "-path", "-quiet", "DSM_LOG=/var/log"])
def test_other_words_of_the_command_are_left_as_they_are(word) -> None:
    assert check(admin_command=["env", word])["admin_command"] == ["env", word]


def test_the_name_of_a_way_can_be_read_back() -> None:
    for way in (Way("LIB", "D-1"), Way("LIB", "D.1", "STA1")):
        assert Way.parse(str(way)) == way
    with pytest.raises(ValueError, match="no name of a drive"):
        Way.parse("LIB")


def test_the_options_on_the_pages_are_valid() -> None:
    """What stands on a page as inventory is taken by the application."""
    seen: set[str] = set()
    for page in ("docs/application_storage_protect.md", "docs/instances.md", "roles/application_storage_protect/README.md"):
        for block in re.findall(r"^```yaml\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            for given in variables_in(yaml.safe_load(re.sub(r"\{\{.*?\}\}", "HOST", block))):
                storage_protect.check(_application.options_of("storage_protect", storage_protect, given, {}))
                _host_variables.applications(given.get("drive_sharing_applications"), "sp_manager")
                seen |= {key for key in given if key.startswith("application_storage_protect_")}
    prefix = "application_storage_protect_"
    assert {f"{prefix}{key}" for key in ("server_name", "credentials_file", "path_sources", "drive_names")} <= seen


def test_the_commands_on_the_page_are_those_that_are_run() -> None:
    page = (ROOT / "docs" / "application_storage_protect.md").read_text(encoding="utf-8")
    options = check(session=False)
    queries = storage_protect.queries(options, [_application.Target("S1")])
    assert [line for line in page.splitlines() if line.startswith("SELECT ")] == [query[-1] for query in queries]
    for name in ("TS4500A/LTO001", "TS4500A/LTO001 from DB1_STA"):
        (setting,) = storage_protect.settings(options, "offline", {"S1": (name,)}, [_application.Target("S1")])
        assert f"`{setting.commands[0][-1]}`" in page


def variables_in(value: Any) -> list[dict[str, Any]]:
    """All dictionaries that have variables of ours."""
    if isinstance(value, list):
        return [one for entry in value for one in variables_in(entry)]
    if not isinstance(value, dict):
        return []
    mine = [value] if any(re.match("application_storage_protect_|drive_sharing_", str(key)) for key in value) else []
    return mine + [one for entry in value.values() for one in variables_in(entry)]
