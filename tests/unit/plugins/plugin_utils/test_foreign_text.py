# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of how foreign text gets into a message."""

from __future__ import annotations

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        (" \n\t\0", ""),
        ("no such\tdrive\r\n", "no such drive"),
        ("\x1b[2Jcleared\x07", "[2Jcleared"),
        ("x" * 120, "x" * 120),
        ("x" * 121, "x" * 117 + "..."),
        ("a " * 1_000_000, ("a " * 59)[:117] + "..."),
    ],
)
def test_only_the_first_printable_words_are_shown(text, words):
    assert first_words(text) == words


def test_the_length_can_be_chosen():
    assert first_words("x" * 300, 200) == "x" * 197 + "..."
