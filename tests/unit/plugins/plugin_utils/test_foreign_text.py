# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of how foreign text gets into a message."""

from __future__ import annotations

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import (
    failure_words,
    first_words,
    last_words,
)


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


@pytest.mark.parametrize(("text", "words"), [
    ("", ""),
    ("@@@@\r\nWARNING\nHost key verification failed.\r\n", "@@@@ WARNING Host key verification failed"),
    ("a\033[2Jb\n", "a [2Jb"),
])
def test_the_last_words_are_one_printable_line_without_a_full_stop(text, words):
    assert last_words(text) == words


def test_of_a_long_text_the_end_is_shown():
    assert last_words("x" * 300 + "y", 200) == "..." + "x" * 196 + "y"


@pytest.mark.parametrize("said", [
    "drive_sharing: 190: exec: /opt/x: not found\n",  # dash
    "drive_sharing: line 190: /opt/x: not found\n",  # bash
    "drive_sharing[190]: exec: /opt/x: not found\n",  # ksh
    "E: drive_sharing: /opt/x: not found\n",  # mksh
    "drive_sharing: exec: line 190: /opt/x: not found\n",  # busybox
])
def test_of_a_command_that_cannot_be_run_the_reason_is_shown_and_not_our_script(said):
    assert failure_words(127, said) == "/opt/x: not found"


def test_of_a_long_path_that_cannot_be_run_the_reason_is_shown():
    assert failure_words(126, f"drive_sharing: 190: exec: /{'x' * 200}: Permission denied\n").endswith("x: Permission denied")


def test_of_a_command_that_failed_the_first_words_are_shown():
    assert failure_words(1, "no such drive\n" + "usage " * 100).startswith("no such drive usage")
    assert failure_words(1, "") == "(nothing)"
