# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _dispatcher, _source
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _scsi_arguments
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._scsi_arguments import (
    Config,
    Drive,
    check,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

KEY, PORT = "0xa1a1a1a100000001", {"protocol": "fc", "id": "10:00:00:90:fa:16:58:de"}


def test_serial_numbers_are_enough() -> None:
    config = check({"drives": ["1310211169", " LABDRV0001 "]})
    assert config == Config((Drive("1310211169", 1.0), Drive("LABDRV0001", 1.0)), 10.0, 8, {})


def test_every_option_may_be_given() -> None:
    config = check({
        "drives": ["D1", {"serial": "D2", "interval": 0.1, "library": "ts4500_01"}], "interval": 5, "patience": 30,
        "threads": 64, "keys": {KEY: PORT},
    })
    assert config == Config(
        (Drive("D1", 5.0), Drive("D2", 0.1, "ts4500_01")), 30.0, 64,
        {0xA1A1A1A100000001: {"protocol": "fc", "id": "10000090fa1658de"}},
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ("D1", "scsi must be a mapping with the options drives, interval, patience, threads, keys, not 'D1'"),
        ({"drive": ["D1"]}, "scsi has no option 'drive'; there are drives, interval, patience, threads, keys"),
        ({"drives": []}, "scsi.drives must be a list of serial numbers, or of mappings with serial and interval, not '[]'"),
        ({"interval": 1}, "scsi.drives must be a list of serial numbers, or of mappings with serial and interval, not "),
        ({"drives": "D1"}, "scsi.drives must be a list of serial numbers, or of mappings with serial and interval, not 'D1'"),
        ({"drives": [1310211169]}, "scsi.drives[0] must be a serial number of 1 to 64 letters, digits, '.', '_' or '-', beginning"
         " with a letter or digit, in quotation marks, not "),
        ({"drives": ["D1", "a b"]}, "scsi.drives[1] must be a serial number "),
        ({"drives": ["D1", {"serial": "D1"}]}, "scsi.drives[1] names drive D1 a second time"),
        ({"drives": [{"interval": 1}]}, "scsi.drives[0].serial is missing"),
        ({"drives": [{"serial": "D1", "poll": 1}]}, "scsi.drives[0] has no option 'poll'; there are serial, interval, library"),
        ({"drives": [{"serial": "D1", "interval": 0.05}]}, "scsi.drives[0].interval must be seconds from 0.1 to 3600, not 0.05"),
        ({"drives": [{"serial": "D1", "library": "{{ x }}"}]}, "scsi.drives[0].library must be a host name "),
        ({"drives": ["D1"], "interval": True}, "scsi.interval must be seconds from 0.1 to 3600, not "),
        ({"drives": ["D1"], "interval": float("nan")}, "scsi.interval must be seconds from 0.1 to 3600, not "),
        ({"drives": ["D1"], "interval": "1"}, "scsi.interval must be seconds from 0.1 to 3600, not '1'"),
        ({"drives": ["D1"], "patience": 0}, "scsi.patience must be seconds from 0.1 to 3600, not 0"),
        ({"drives": ["D1"], "threads": 0}, "scsi.threads must be a whole number from 1 to 64, not 0"),
        ({"drives": ["D1"], "threads": 1.5}, "scsi.threads must be a whole number from 1 to 64, not 1.5"),
        ({"drives": ["D1"], "keys": [KEY]}, "scsi.keys must be a mapping from reservation keys to ports, not "),
        ({"drives": ["D1"], "keys": {5: PORT}}, 'a key of scsi.keys must be a reservation key such as "0x40000000c0a8010b", in'
         " quotation marks, not 5"),
        ({"drives": ["D1"], "keys": {"0x0": PORT}}, "a key of scsi.keys must be a reservation key "),
        ({"drives": ["D1"], "keys": {"abc": PORT}}, "a key of scsi.keys must be a reservation key "),
        ({"drives": ["D1"], "keys": {"0x" + "f" * 17: PORT}}, "a key of scsi.keys must be a reservation key "),
        ({"drives": ["D1"], "keys": {KEY: {"protocol": "fc", "id": "x"}}}, f"scsi.keys[{KEY}].id must be a WWN "),
        ({"drives": ["D"] * 10_001}, "scsi.drives must be a list of at most 10000 drives, not 10001"),
    ],
)
def test_every_fault_is_one_sentence(args: Any, message: str) -> None:
    with pytest.raises(InvalidValueError, match=f"^{re.escape(message)}") as caught:
        check(args)
    assert "\n" not in str(caught.value)


def test_the_source_takes_it_and_holds_releases_back() -> None:
    scsi = {"drives": ["D1"]}
    config = _source.check({"table": "/t", "scsi": scsi})
    assert config.detectors == {"scsi": check(scsi)}
    assert config.dispatcher.release_hold == _dispatcher.POLLED_RELEASE_HOLD == 5.0
    given = {"dispatcher": {"release_hold": 0, "batches": 2}}
    assert _source.check({"scsi": scsi, **given}).dispatcher == _dispatcher.Options(batches=2, release_hold=0)
    assert _dispatcher.check(None).release_hold == 0


def test_the_defaults_are_within_the_bounds() -> None:
    one = _scsi_arguments
    assert one.SHORTEST <= one.INTERVAL <= one.LONGEST
    assert one.LEAST_PATIENCE <= one.PATIENCE <= one.MOST_PATIENCE
    assert 1 <= one.THREADS <= one.MOST_THREADS
