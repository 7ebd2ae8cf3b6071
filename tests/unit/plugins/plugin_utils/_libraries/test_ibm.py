# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What IBM's REST interface shows and is told; the first answer is the vendor's own example, with its comma set right."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._libraries import ibm
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library import Answer, Web

GIVEN = {key: option["default"] for key, option in ibm.OPTIONS.items()}
OPTIONS = {**GIVEN, "url": "https://library.example:3443/", "user": "u", "password_file": "/p"}
SHOWN = {
    "location": "drive_F2C4R2", "sn": "60441355FD", "mediaType": "3592", "state": "online", "operation": "loading", "accessible": "normal",
    "mtm": "3592-EH7", "barcode": "11S00VJ876Y81013000124", "interface": "SAS", "interfaceMode": None, "logicalLibrary": "JAGTEST",
    "use": "controlPath", "firmware": "3A88", "encryption": "disabled", "wwnn": "50050760441355fd", "elementAddress": 257,
    "beacon": "disabled", "volser": "SG1353L2", "lastCleaned": None,
}  # fmt: skip
DRIVE = "60441355FD"


def read(content: Any, **options: Any) -> Any:
    answer = Answer(200, content if isinstance(content, str) else json.dumps(content), good=True)
    return ibm.read(ibm.check({**OPTIONS, **options}), DRIVE, [answer])


def test_a_drive_is_asked_about_by_its_name_in_the_library() -> None:
    options = ibm.check(OPTIONS)
    assert options["url"] == "https://library.example:3443"
    assert ibm.queries(options, DRIVE) == [Web("GET", f"/v1/drives/{DRIVE}")]
    renamed = ibm.check({**OPTIONS, "drive_names": {DRIVE: "drive_F1C1R1"}})
    assert ibm.queries(renamed, DRIVE) == [Web("GET", "/v1/drives/drive_F1C1R1")]


def test_the_vendors_example_is_understood_alone_and_in_a_list() -> None:
    for content in (SHOWN, [SHOWN], [{**SHOWN, "sn": "1", "location": "drive_F1C1R1"}, SHOWN]):
        seen = read(content)
        assert (seen.state, seen.words, seen.logical_library) == ("ok", "online", "JAGTEST")
        assert seen.more == {"sn": DRIVE, "location": "drive_F2C4R2"}


def test_states_are_told_apart() -> None:
    assert read({**SHOWN, "state": "inServiceMode"}).state == "error"
    assert read({**SHOWN, "state": "cleaningNeeded"}).state == "other"
    assert read({**SHOWN, "state": "cleaningNeeded"}, ok_states=["online", "cleaningNeeded"]).state == "ok"


def test_what_does_not_describe_the_drive_is_unknown() -> None:
    other = {**SHOWN, "sn": "1310211170", "location": "drive_F1C1R1"}
    junk: list[Any] = [
        "", "<html>", [], {}, None, 7, [other], other, [SHOWN, SHOWN], {**SHOWN, "state": None}, {**SHOWN, "state": {}}, {**SHOWN, "sn": [DRIVE]},
    ]  # fmt: skip
    for content in junk:
        assert read(content if content != {**SHOWN, "sn": [DRIVE]} else {**content, "location": "x"}).state == "unknown", content


def test_both_ways_name_the_drive_as_the_library_shows_it() -> None:
    options = ibm.check(OPTIONS)
    first, second = ibm.ways(options)
    seen = read(SHOWN)
    assert ibm.tell(options, first, "error", DRIVE, seen) == [Web("POST", "/v1/tasks", {"type": "startDriveService", "sn": DRIVE})]
    assert ibm.tell(options, second, "ok", DRIVE, seen) == [Web("POST", "/v1/tasks", {"type": "completeDriveService", "location": "drive_F2C4R2"})]


def test_a_location_that_is_none_is_not_sent_back() -> None:
    options = ibm.check(OPTIONS)
    for location in ("../tasks", "drive_F1C1R1\n", {"a": 1}, None, "drive_F1C1R1 x"):
        assert ibm.tell(options, ibm.ways(options)[1], "error", DRIVE, read({**SHOWN, "location": location})) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": ""}, "it has no address; give its host variable library_ibm_url"),
        ({"url": "file:///etc/passwd"}, "it has no address"),
        ({"url": "https://user:pw@library.example"}, "it has no address"),
        ({"url": "https://library.example/?a=b"}, "it has no address"),
        ({"url": "http://library.example"}, "library_ibm_url is http"),
        ({"password_file": ""}, "give the name of a file on the controller that holds its password"),
        ({"user": ""}, "give the user by its host variable library_ibm_user"),
        ({"user": "a:b"}, "library_ibm_user must be a name without a colon"),
        ({"authentication": "session"}, "library_ibm_login_path must be a path such as /v1/login"),
        ({"login_fields": {"user": "u"}}, "library_ibm_login_fields must be a mapping"),
        ({"named_by": []}, "library_ibm_named_by must not be empty"),
        ({"ok_states": ["inServiceMode"]}, "'inServiceMode' is in library_ibm_error_states and in library_ibm_ok_states"),
        ({"drive_names": {DRIVE: "../x"}}, "drive_names"),
        ({"drive_names": {"a b": "x"}}, "a key of drive_names must be a serial number"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        ibm.check({**OPTIONS, **given})
    assert str(refused.value).startswith(said)


def test_http_is_taken_when_it_is_said_that_nothing_is_checked() -> None:
    assert ibm.check({**OPTIONS, "url": "http://library.example", "validate_certs": False})
