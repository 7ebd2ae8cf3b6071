# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands and queries of the guarded step, checked and as the script takes them. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NoReturn

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

_SHOWN = 60


@dataclass(frozen=True)
class ForDrive:
    """A word of a command, or a line for it, that is left out if the drive is left out."""

    drive: str
    word: str


@dataclass(frozen=True)
class Command:
    """An argument list, and the lines that the command reads from its standard input; none: it is /dev/null.

    It is not run if it has words or lines for drives and all of these are left out. No secrets: other users of a host
    may see the command line of the step, and that has the lines in it.
    """

    words: Sequence[str | ForDrive]
    lines: Sequence[str | ForDrive] = ()

    @property
    def for_all(self) -> bool:
        """Whether it is the same whatever drives are left out."""
        return not any(isinstance(one, ForDrive) for one in (*self.words, *self.lines))


Query = Sequence[str] | Command


def checked(query: Query, drives: Collection[str], what: str) -> Command:
    """Give a command that can be sent for these drives; raises InvalidValueError."""
    command = query if isinstance(query, Command) else Command(query)
    words, lines = command.words, command.lines
    # exec would take a leading hyphen as its own option.
    if not _texts(words, "\0") or not words or not plain(words[0]) or plain(words[0]).startswith("-"):
        refuse(what, "a list of texts that begins with the name of a program", words)
    of_what = what[0].lower() + what[1:]
    if not _texts(lines, "\0\n"):
        refuse(f"The standard input of {of_what}", "a list of lines without newlines", lines)
    for one in (*words, *lines):
        if isinstance(one, ForDrive) and one.drive not in drives:
            msg = f"A part of {of_what} is for drive {one.drive!r}, which is not among its drives; nothing was run."
            raise InvalidValueError(msg)
    if isinstance(words[0], ForDrive):
        msg = f"{what} must begin with the name of a program, not with a word for drive {words[0].drive}; nothing was run."
        raise InvalidValueError(msg)
    return command


def plain(one: str | ForDrive) -> str:
    """Give a word or line as the command gets it."""
    return one.word if isinstance(one, ForDrive) else one


def tagged(one: str | ForDrive) -> str:
    """Give it with the drive that it is for in front."""
    return f"{one.drive}:{one.word}" if isinstance(one, ForDrive) else f":{one}"


def refuse(what: str, form: str, value: object) -> NoReturn:
    """Raise InvalidValueError in one sentence."""
    shown = repr(value)
    msg = f"{what} must be {form}, not {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '...'}; nothing was run."
    raise InvalidValueError(msg)


def _texts(values: object, without: str) -> bool:
    """Are these texts, for a drive or not, that can be sent and have none of these characters?"""
    if not isinstance(values, (list, tuple)):
        return False
    texts = [plain(one) for one in values]
    if not all(isinstance(text, str) and not any(character in text for character in without) for text in texts):
        return False
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return True
