# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/event_source_scsi.md against the code, both ways."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _dispatcher, _spc_state
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _scsi_arguments, _scsi_watch
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._scsi_watch import Judge, Watch

PAGE = Path(__file__).resolve().parents[5] / "docs" / "event_source_scsi.md"
TEXT = PAGE.read_text(encoding="utf-8")
OPTIONS = TEXT.split("\n## What becomes")[0]


def rows(text: str) -> dict[str, list[str]]:
    found = re.findall(r"^\| `(\w+)` \|(.*)\|$", text, re.MULTILINE)
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in found}


def test_the_page_names_every_option_and_no_other() -> None:
    whole, of_a_drive = OPTIONS.split("Options of a drive:")
    assert tuple(rows(whole)) == _scsi_arguments.OPTIONS
    assert tuple(rows(of_a_drive)) == _scsi_arguments.DRIVE_OPTIONS


def test_the_defaults_and_bounds_are_as_documented() -> None:
    a, of = _scsi_arguments, rows(OPTIONS.split("Options of a drive:")[0])
    assert [float(of[name][0]) for name in ("interval", "patience", "threads")] == [a.INTERVAL, a.PATIENCE, a.THREADS]
    assert f"{a.SHORTEST:g} to {a.LONGEST:g}" in of["interval"][1]
    assert f"{a.LEAST_PATIENCE:g} to {a.MOST_PATIENCE:g}" in of["patience"][1]
    assert f"1 to {a.MOST_THREADS}" in of["threads"][1]
    assert f"up to {_spc_state.TURNS} times" in TEXT
    assert f"waits for {_dispatcher.POLLED_RELEASE_HOLD:g} seconds" in TEXT


def test_the_examples_are_valid() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        assert _scsi_arguments.check(yaml.safe_load(example)["drive_sharing_scsi"]).drives


def test_the_sentences_on_the_page_are_those_that_are_told() -> None:
    watches = [Watch(_scsi_arguments.Drive(name, 1.0)) for name in ("D1", "D2", "D3")]
    for watch in watches[:2]:
        watch.fails("WHY", 1.0)
    told = Judge().look(watches, 1.0, 10.0).fault
    assert told.replace("2 of 3", "N of M").startswith("N of M drives cannot be read, most of them because: WHY.")
    assert "`N of M drives cannot be read, most of them because: WHY. ...`" in TEXT
    source = Path(_scsi_watch.__file__).with_name("scsi.py").read_text(encoding="utf-8")
    for part in (
        " cannot be read: ", "What the drive table has of it stays.", " can be read again, after ", "it is fenced under a key of this site",
    ):
        assert part in TEXT
        assert part in source


def test_a_fault_is_over_when_no_more_than_half_cannot_be_read() -> None:
    watches = [Watch(_scsi_arguments.Drive(f"D{number}", 1.0)) for number in range(4)]
    judge = Judge()
    for watch in watches[:3]:
        watch.fails("WHY", 1.0)
    assert judge.look(watches, 1.0, 10.0).fault
    assert judge.look(watches, 2.0, 10.0) == _scsi_watch.Verdict()
    watches[0].works(3.0)
    verdict = judge.look(watches, 3.0, 10.0)
    assert verdict.over == "2 of 4 drives can be read again."
    assert verdict.each == watches[1:3]


def test_of_a_single_drive_nobody_says_whose_fault_it_is() -> None:
    watch = Watch(_scsi_arguments.Drive("D1", 1.0))
    watch.fails("WHY", 1.0)
    verdict = Judge().look([watch], 1.0, 10.0)
    assert (verdict.fault, verdict.each) == ("", [watch])


def test_the_trouble_of_one_waits_a_moment_for_that_of_the_others() -> None:
    watches = [Watch(_scsi_arguments.Drive(f"D{number}", 1.0)) for number in range(4)]
    watches[0].fails("WHY", 1.0)
    watches[1].asking["/dev/sg1"] = 1.0
    judge = Judge()
    assert judge.look(watches, 1.1, 10.0).each == []
    assert _scsi_watch.next_look(watches, 1.1) <= _scsi_watch.GRACE
    assert judge.look(watches, 1.0 + _scsi_watch.GRACE, 10.0).each == watches[:1]
    assert judge.look(watches, 5.0, 10.0).each == []
