# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what a control point answers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _answer, _dispatch
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._answer import Answer, Ask, Known
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Found, Reading, Said
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._decision import Decision

ASK = Ask("D1", "A", 1, "foreign")


@pytest.mark.parametrize(("seconds", "later"), [(60.0, 60.0), (3600.0, 3600.0), (86_400.0, 3600.0)])
def test_a_drive_is_read_again_within_the_hour_whatever_the_application_says(seconds, later):
    answer = Answer(ASK, True, "offline", True, state_read="offline", recheck=seconds)
    assert _answer.as_row(answer, "host", 1000.0)["recheck_at"] == 1000.0 + later


def test_nothing_is_put_off_for_longer_than_the_dispatcher_believes():
    assert _answer.LONGEST_PAUSE <= _dispatch.LONGEST_PAUSE


def test_the_reason_of_a_silence_has_no_full_stop_for_it_becomes_a_part_of_a_sentence():
    assert _answer.silent(ASK, "the record is junk; it was left as it is.").reason == "the record is junk; it was left as it is"


def a_set(said=None, shows="offline"):
    found = Found(("A",), "online", "A: online")
    one = Known(ASK, None, None, found, Decision("offline", True, True, set_to="offline"), doubt=False)
    back = Reading(drives={"D1": Found(("A",), shows, f"A: {shows}")})
    return _answer.confirmed(one, back, SimpleNamespace(commands=()), said)


def test_what_is_to_be_told_beside_a_confirmation_is_its_reason():
    answer = a_set(Said("the definition is not what was uploaded", beside=True))
    assert (answer.confirmed, answer.outcome, answer.reason) == (True, "offline", "the definition is not what was uploaded")
    assert a_set(Said("it failed")).reason == ""


def test_what_is_told_beside_is_told_of_a_drive_that_is_not_as_wanted_too():
    answer = a_set(Said("the definition is not what was uploaded", beside=True), shows="online")
    assert (answer.confirmed, answer.reason) == (False, "the definition is not what was uploaded")
