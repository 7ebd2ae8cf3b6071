# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is fuzzed: each target takes octets, does with them what the product does, and raises if something is wrong.

A target is a class with ``seeds()``, from which the search starts, and ``run(data)``. It gives the same for the same
octets whatever came before, so that a failure can be replayed.
"""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any, Protocol

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _guarded,
    _guarded_parse,
    _guarded_windows_parse,
    _record,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError


class Target(Protocol):
    """Something to fuzz."""

    def seeds(self) -> dict[str, bytes]:
        """Give good and bad examples by name."""

    def run(self, data: bytes) -> None:
        """Take octets; raises whatever comes up."""


def check_sentence(text: Any, longest: int = 600) -> None:
    """Check that a text may stand in a log and on a terminal."""
    assert isinstance(text, str), repr(text)
    assert text, "a sentence without a word"
    assert text.isprintable(), f"control characters in {text!r}"
    assert len(text) <= longest, f"{len(text)} characters: {text[:200]!r}..."


NONCE = "N0nce4711abc"
_DRIVES = ("D1", "D2")


def _line(drive: str, sequence: int, phase: str) -> str:
    return _record.format(
        _record.Record(
            site="fuzz",
            drive=drive,
            instance="A",
            sequence=sequence,
            phase=phase,
            target="offline",
            was="online",
            taken=True,
        )
    )


class Guarded:
    """What a guarded step prints on a host: read, set and list."""

    parser: ModuleType = _guarded_parse

    def __init__(self) -> None:
        drives = [
            _guarded.UnitDrive(drive, None, 42, intent=_line(drive, 42, "intent"), done=_line(drive, 42, "done"))
            for drive in _DRIVES
        ]
        self.units = [
            _guarded.Unit(drives, [_guarded.Command(["set"]), _guarded.Command(["set", "more"])], [["show"]]),
            _guarded.Unit(drives[:1]),
        ]

    def seeds(self) -> dict[str, bytes]:
        n, record = NONCE, f"={_line('D2', 41, 'done')} #n.1.2"
        read = (
            f"\n{n} start 1795400000 boot-id\n{n} rec D1 - -\n{n} rec D2 4711 {record}\n{n} out q 0 -\nfirst\nno frame\n"
            f"{n} eoo -\n{n} out q 271 over\n\n{n} eoo more\n{n} end\n"
        )
        done = (
            f"\n{n} start - boot-id {n}.123.456\n{n} begun 0\n{n} unit 0 -\n{n} drive D2 changed\n{n} drive D1 done\n"
            f"{n} out c 0 -\nset\n\n{n} eoo -\n{n} out c - -\n\n{n} eoo -\n{n} out q 0 -\nshown\n{n} eoo -\n{n} endunit\n"
            f"{n} begun 1\n{n} unit 1 1\n{n} drive D1 unfinished hangs 4711\n{n} endunit\n{n} end\n"
        )
        listed = f"\n{n} start 1795400000 boot-id\n{n} rec A D1 {record}\n{n} rec B D2 ?\n{n} fail {n} cannot be read\n{n} end\n"
        texts = {
            "read": read,
            "set": done,
            "list": listed,
            "twice": read + read,
            "refused": f"\n{n} start - b s\n{n} fail full\n",
        }
        return {
            **{name: text.encode() for name, text in texts.items()},
            "terminal": read.replace("\n", "\r\n").encode(),
            # What raised, or was put into a sentence as it was.
            "tabs": read.replace(" D1 - -", "\tD1\t-\t-").encode(),
            "another drive": done.replace("drive D1", "drive \x1b[31m").encode(),
            "nothing": b"",
            "junk": b"Last login: today\r\n\x1b[31msudo: a password is required\x1b[0m\n",
        }

    def run(self, data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        self._read(self.parser.parse_read(text, NONCE, _DRIVES, [["a"], ["b"]]))
        self._set(self.parser.parse_set(text, NONCE, self.units))
        self._list(self.parser.parse_list(text, NONCE))

    def _read(self, reading: Any) -> None:
        assert reading.complete == (reading.problem is None)
        if reading.problem is not None:
            check_sentence(reading.problem)
        assert set(reading.busy) <= set(reading.records)
        assert set(reading.records) <= set(_DRIVES), f"records of drives that nobody asked for: {set(reading.records)}"
        assert not reading.complete or (len(reading.answers) == 2 and len(reading.records) == 2)
        assert reading.clock is None or 0 <= reading.clock < 10**12
        self._answers(reading.answers)
        for raw in reading.records.values():
            Record.check(raw)

    def _set(self, reading: Any) -> None:
        assert reading.complete == (reading.problem is None)
        if reading.problem is not None:
            check_sentence(reading.problem)
        assert len(reading.units) == len(self.units)
        for unit, one in zip(self.units, reading.units, strict=True):
            assert set(one.drives) == {item.drive for item in unit.drives}, f"outcomes of {set(one.drives)}"
            assert set(one.drives.values()) <= set(_guarded_parse.OUTCOMES)
            assert (len(one.commands), len(one.answers)) == (len(unit.commands), len(unit.queries))
            assert set(one.records) <= set(one.drives)
            for message in one.messages:
                check_sentence(message)
            self._answers([*one.commands, *one.answers])

    def _list(self, listing: Any) -> None:
        assert listing.complete == (listing.problem is None)
        if listing.problem is not None:
            check_sentence(listing.problem)
        for instance, drive, raw in listing.records:
            check_sentence(instance, 64)
            check_sentence(drive, 64)
            Record.check(raw)

    @staticmethod
    def _answers(answers: list[Any]) -> None:
        for answer in answers:
            assert answer.rc is None or isinstance(answer.rc, int)
            assert len(answer.output) <= _guarded_parse.MOST_OUTPUT


class GuardedWindows(Guarded):
    """What the module for Windows answers."""

    parser = _guarded_windows_parse

    def seeds(self) -> dict[str, bytes]:
        record = f"={_line('D2', 41, 'done')} #{NONCE}.1.2"
        command = {"rc": 0, "output": "shown\n", "timed_out": False, "truncated": False}
        answer: dict[str, Any] = {
            "changed": False, "version": 1, "nonce": NONCE, "id": f"{NONCE}.4711.638995932345678900", "clock": 1795400000, "problem": None,
            "records": [{"drive": "D1", "busy": "-", "text": "-"}, {"drive": "D2", "busy": "4711", "text": record}],
            "answers": [command, {**command, "rc": None, "timed_out": True}],
            "units": [
                {
                    "drives": [{"drive": "D1", "outcome": "done", "detail": ""}, {"drive": "D2", "outcome": "locked", "detail": "4711"}],
                    "commands": [command, command], "queries": [command],
                },
                {"drives": [{"drive": "D1", "outcome": "unfinished", "detail": "record full"}], "commands": [], "queries": []},
            ],
            "listed": [{"instance": "veeam%3Aa", "drive": "D%61", "text": record}, {"instance": "a", "drive": "B", "text": "?"}],
        }  # fmt: skip
        values = {
            "good": answer, "a problem": {**answer, "problem": "Access to the path is denied."}, "one for a list": {**answer, "units": answer["units"][0]},
            "a failure": {"failed": True, "msg": "Unhandled exception while executing module\r\n\tat line 5"}, "another request": {**answer, "nonce": "x"},
            "another version": {**answer, "version": [2]}, "a late one": {**answer, "units": [{"drives": [{"drive": "D1", "outcome": "late"}]}]},
        }  # fmt: skip
        return {name: json.dumps(value).encode() for name, value in values.items()} | {"nothing": b"", "nested": b"[" * 5000}


class Record:
    """The record of a drive, as a control point has it."""

    def seeds(self) -> dict[str, bytes]:
        good = _line("1310211169", 42, "done")
        texts = {
            "good": good, "stamped": f"{good} #9f2c0d5a71e34b68.4711.186402", "newer": good.replace('"version":1', '"version":2'),
            "nested": good.replace('"fuzz"', "[" * 500 + "]" * 500), "other": good.replace("42 done", "43 done"),
            "many digits": good.replace(":42", ":" + "9" * 5000), "twice": good.replace('"site"', '"drive":"X","site"'),
        }  # fmt: skip
        return {name: text.encode() for name, text in texts.items()}

    def run(self, data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        self.check(text)
        self.check(_record.RawRecord(text))

    @staticmethod
    def check(text: str | None) -> None:
        """Parse a record: it is one that can be written again, or is refused with a sentence."""
        try:
            record = _record.parse(text)
        except InvalidValueError as exc:
            check_sentence(str(exc))
            return
        assert (record is None) == (text is None)
        if record is None:
            return
        again = _record.parse(_record.format(record))
        assert again == record
        assert isinstance(record.taken, bool)
        for name in (record.site, record.drive, record.instance):
            # They are put into sentences and compared with names.
            check_sentence(repr(name), 100_000)


NAMES = ("datagrams", "guarded", "guarded_windows", "record", "scsi")


def make(name: str) -> Target:
    """Make a target. That of the datagrams is imported when it is wanted: pysnmp takes some time for it."""
    if name == "datagrams":
        from ansible_collections.tapeworks.drive_sharing.tests.fuzz.datagrams import Datagrams

        return Datagrams()
    if name == "scsi":
        from ansible_collections.tapeworks.drive_sharing.tests.fuzz.scsi import Scsi

        return Scsi()
    return {"guarded": Guarded, "guarded_windows": GuardedWindows, "record": Record}[name]()
