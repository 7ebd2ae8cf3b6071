# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of faults, docs/faults.md: a test of a fault checks that what the page promises is really printed.

    fault("host-down").seen_in(done.stdout, HOST="host_b", DRIVE="1310211169")

looks for every text in backticks of that row's column "what one sees". Words that are in PLACEHOLDERS stand for what the
test gives, or for anything that they may be. White space counts as one space: Ansible breaks lines.

tests/unit/test_faults_table.py compares the page with the tests, in both directions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"

#: The words in capitals that a sentence of the page may have, and what they may stand for.
PLACEHOLDERS = {
    "BATCH": r"[0-9A-Z]{26}",
    "DRIVE": r"[!-~]+",
    "FILE": r"/[^ ]*",
    "HOST": r"[\w.:-]+",
    "INSTANCE": r"[\w.:-]+",
    "LIBRARY": r"[\w.:-]+",
    "N": r"\d+(?:\.\d+)?",
    "PORT": r"[\w.:-]+",
    "SITE": r"[\w.:-]+",
    "STATUS": r"(?:reserved|released)",
    "TEXT": r".{1,500}?",
}
COLUMNS = ("fault", "what one sees", "what one does", "test")

_ANCHOR = re.compile(r'^<a id="([a-z0-9]+(?:-[a-z0-9]+)*)"></a>(.+)$')
_CODE = re.compile(r"`([^`]+)`")
_TEST = re.compile(r"`(\w+)` in \[([\w./]+)\]\(\.\./tests/([\w./]+)\)")
_WORD = re.compile(rf"\b(?:{'|'.join(PLACEHOLDERS)})\b")


def one_line(text: str) -> str:
    """Give the text with every run of white space as one space."""
    return " ".join(text.split())


@dataclass(frozen=True)
class Fault:
    """One row of the page."""

    key: str
    name: str
    sees: str
    does: str
    tests: tuple[tuple[str, str], ...]

    @property
    def sentences(self) -> list[str]:
        """What is printed, in the page's words."""
        return [one_line(sentence) for sentence in _CODE.findall(self.sees)]

    def seen_in(self, text: str | Mapping[str, str], **values: object) -> None:
        """Assert that everything that the page says is printed stands in ``text``.

        ``values`` are by placeholder. ``text`` may also be several texts by name, where it matters which sentence stands
        where: then each sentence is looked for in the text whose name stands before it, in italics: *play* `...`.
        """
        used = {word for sentence in self.sentences for word in _WORD.findall(sentence)}
        unknown = sorted(set(values) - used)
        assert not unknown, f"fault {self.key}: its row has no {', '.join(unknown)}"
        for place, sentence in self.placed():
            if isinstance(text, str):
                seen = text
            else:
                assert place in text, f"fault {self.key}: {sentence!r} is to be seen in {place or 'no place that is named'}"
                seen = text[place]
            found = re.search(pattern(sentence, values), one_line(seen))
            assert found, f"fault {self.key}: this is not to be seen: {sentence}\nbut this is:\n{seen}"

    def placed(self) -> list[tuple[str, str]]:
        """The sentences, each with the place that the row names last before it."""
        found, place = [], ""
        for italic, sentence in re.findall(r"\*([\w ]+)\*|`([^`]+)`", self.sees):
            if italic:
                place = italic
            else:
                found.append((place, one_line(sentence)))
        return found


def pattern(sentence: str, values: Mapping[str, object]) -> str:
    """Give the regular expression of a sentence with placeholders."""
    parts, place = [], 0
    for word in _WORD.finditer(sentence):
        parts.append(re.escape(sentence[place:word.start()]))
        given = values.get(word.group())
        parts.append(PLACEHOLDERS[word.group()] if given is None else re.escape(one_line(str(given))))
        place = word.end()
    return "".join(parts) + re.escape(sentence[place:])


def rows_of(page: str) -> list[Fault]:
    """Read the rows of all tables of the page whose first column begins with an anchor; ValueError for a bad one."""
    found: list[Fault] = []
    for line in page.splitlines():
        if not line.startswith('| <a id="'):
            continue
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) != len(COLUMNS):
            msg = f"This row has {len(cells)} columns and not {len(COLUMNS)}: {line}"
            raise ValueError(msg)
        anchor = _ANCHOR.match(cells[0])
        tests = _TEST.findall(cells[3])
        if anchor is None or not all(cells) or not tests:
            msg = f"This row is not `<a id=...></a>fault | sees | does | \\`test_name\\` in [file](../tests/...)`: {line}"
            raise ValueError(msg)
        found.append(Fault(
            anchor.group(1), anchor.group(2), cells[1], cells[2], tuple((path, name) for name, _shown, path in tests)
        ))
    return found


@cache
def faults() -> dict[str, Fault]:
    """Give the rows of docs/faults.md by their keys."""
    rows = rows_of(PAGE.read_text(encoding="utf-8"))
    return {row.key: row for row in rows}


def fault(key: str) -> Fault:
    """Give one row."""
    assert key in faults(), f"docs/faults.md has no fault {key!r}"
    return faults()[key]
