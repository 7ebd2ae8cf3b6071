# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from itertools import product

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _spc2_holder
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc2_holder import HostEvidence, PathEvidence

PORT = {"protocol": "fc", "id": "10000090fa000001"}


def paths(*answers: str) -> tuple[PathEvidence, ...]:
    return tuple(PathEvidence(f"/dev/sg{number}", PORT, answer) for number, answer in enumerate(answers))


CLOSED = HostEvidence(False, [], paths("conflict"))


def test_an_application_with_a_job_is_believed_first() -> None:
    found = _spc2_holder.find({"a": HostEvidence(True, None, paths("unknown")), "b": CLOSED, "c": HostEvidence(None, None)})
    assert (found.host, found.port) == ("a", PORT)
    assert found.why == "its application has a job on the drive, and no other host uses it"


def test_two_that_use_it_cannot_be_told_apart() -> None:
    found = _spc2_holder.find({"a": HostEvidence(True, [], ()), "b": HostEvidence(True, [], ()), "c": CLOSED})
    assert found.host is None
    assert found.why == "more than one host could be the holder: of a and b each, its application uses it"
    assert _spc2_holder.find({"a": HostEvidence(True, [], ()), "b": HostEvidence(False, ["dd (process 1)"], ())}).host is None


def test_who_alone_has_it_open_holds_it_unless_another_cannot_be_seen() -> None:
    opened = HostEvidence(False, ["dd (process 7)"], paths("unknown"))
    assert _spc2_holder.find({"a": opened, "b": CLOSED}).why == "it has the drive open: dd (process 7)"
    found = _spc2_holder.find({"a": opened, "b": HostEvidence(None, None, paths("unknown"))})
    assert (found.host, found.why) == (None, "a has it open, and whether b uses it cannot be seen")


def test_who_alone_is_not_refused_holds_it_by_that_port() -> None:
    found = _spc2_holder.find({"a": HostEvidence(None, [], paths("conflict", "works")), "b": CLOSED})
    assert (found.host, found.port) == ("a", PORT)


def test_a_holder_that_is_gone_cannot_be_told() -> None:
    found = _spc2_holder.find({"a": CLOSED, "b": CLOSED})
    assert found.why == "every path of every host is refused, so the holder is none of these hosts, or one that is gone"


def test_a_control_point_that_sees_no_drive_is_no_candidate() -> None:
    assert _spc2_holder.find({"director": HostEvidence(False, []), "a": HostEvidence(None, [], paths("works"))}).host == "a"


def test_there_is_never_a_holder_when_two_could_be_it() -> None:
    """Of all evidence of two hosts: whoever is named is the only one that could hold the drive."""
    kinds = [
        HostEvidence(used, opened, paths(*answers))
        for used in (None, False, True)
        for opened in (None, [], ["dd (process 1)"])
        for answers in ((), ("works",), ("conflict",), ("unknown",), ("works", "works"))
    ]
    for one, other in product(kinds, kinds):
        found = _spc2_holder.find({"a": one, "b": other})
        assert found.why
        if found.host is None:
            continue
        mine, others = (one, other) if found.host == "a" else (other, one)
        assert not others.in_use
        assert not others.open
        if not mine.in_use and not mine.open:
            assert [path.answer for path in mine.paths].count("works") == 1
            assert all(path.answer == "conflict" for path in others.paths)
    assert _spc2_holder.find({}).host is None
