# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the commands of a host are asked one by one, and what is said of those that gave nothing.

Pure. Private: may change at any time.

`SHELL` defines for the body of a platform's script::

    ask WORD...         run a command (or a function), and print what it says in a frame:
                            asked WORD...
                            |each line of its standard output and standard error
                            ended STATUS
                        STATUS is its exit status, or ``hung`` (its time was over), ``cut`` (it printed too many lines),
                        ``skipped`` (a command of this name hung or was cut before: what hangs once hangs for each drive).
    ask_then FUNCTION WORD...
                        the same, and then FUNCTION, which finds the lines of the output in $answer and can go on with
                        the names in them. It runs in a process of its own: what it sets is lost with it, so what comes
                        next is best asked in it too; then no command that hung is asked again.
    line TEXT           print a line as it is

A command gets nothing on its standard input. It is never waited for longer than `SECONDS`, not even if it hangs in the
kernel and KILL does not end it: nothing that the script or the connection waits for is held open by it. For this the
command writes to a pipe only, whose reader goes when it sees the last line. (So the script must not use ``ask`` in
$(...), which waits for the end of the output: mksh and ksh93 keep copies of it open.) No file is written.

Any POSIX shell runs it (dash, bash, busybox, mksh and ksh93 are tested; it is written so that ksh88 and HP-UX's sh do
too), but not the Bourne shell of Solaris 10. No single quotes: the text is quoted twice on its way.

`read` gives the answers, `lines` what they say, `notes` one sentence for each kind of failure of each command, `named` the
normal form of a name that a command told, `sentences` the notes as they may be shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words, last_words

#: How long one command may take, and how many lines it may print.
SECONDS = 10
MOST_LINES = 20000

SHELL = rf"""
patience={SECONDS}
most={MOST_LINES}
mark="drive_sharing ended $$ "
in_vain=
case $(command -v print) in
print) line() {{ print -r -- "$1"; }} ;;
*) line() {{ printf "%s\n" "$1"; }}
esac
ask() {{
  line "asked $*"
  case " $in_vain " in
  *" $1 "*)
    line "ended skipped"
    return 1
  esac
  {{
    (
      exec </dev/null 2>/dev/null
      "$@" 2>&1 &
      told=$!
      (
        nap=
        trap "kill \$nap; exit 0" TERM
        sleep $patience &
        nap=$!
        wait $nap
        printf "\n%shung\n" "$mark"
        kill $told
        sleep 1
        kill -9 $told
      ) &
      watch=$!
      wait $told
      ended=$?
      kill $watch
      printf "\n%s%s\n" "$mark" $ended
    ) &
  }} | (
    count=0
    while IFS= read -r text; do
      case $text in
      "$mark"*)
        line "ended ${{text#"$mark"}}"
        case $text in
        *hung) exit 1
        esac
        exit 0
      esac
      line "|$text"
      count=$((count + 1))
      if [ $count -ge $most ]; then
        line "ended cut"
        exit 1
      fi
    done
  )
  case $? in
  1)
    in_vain="$in_vain $1"
    return 1
  esac
}}
ask_then() {{
  next=$1
  shift
  ask "$@" | (
    answer=
    while IFS= read -r text; do
      line "$text"
      case $text in
      "|"*)
        answer="$answer
${{text#?}}" ;;
      "ended "*)
        case $text in
        *hung | *cut) in_vain="$in_vain $1"
        esac
        break
      esac
    done
    $next
  )
}}
"""

_DENIED = re.compile(
    r"permission denied|operation not permitted|not (?:be )?authori[sz]ed|authorization|not (?:an? )?owner|privilege"
    r"|insufficient authority|super-?user|(?:must|only|have to) (?:be )?(?:run (?:as|by) )?root|root (?:user|authority)"
    r"|access denied",
    re.IGNORECASE,
)
_NOT_FOUND = "127"
_NOT_EXECUTABLE = "126"
#: A command that is denied something and ends with 0 says not much more.
_FEW_LINES = 3


@dataclass(frozen=True)
class Answer:
    """What one command said."""

    command: str
    #: Whole lines only: a torn number is another number.
    lines: tuple[str, ...]
    #: Exit status, ``hung``, ``cut`` or ``skipped``; empty if the answer of the whole host ended before.
    ended: str
    #: Whether the last line was not whole, and left out.
    torn: bool = False

    @property
    def program(self) -> str:
        """The first word of the command."""
        return self.command.partition(" ")[0]

    def failure(self) -> str:
        """Give the kind of failure: missing, denied, failed, hung, cut, broken, torn, nothing; empty if there is none."""
        said = [line for line in self.lines if line.strip()]
        if self.ended in ("hung", "skipped"):
            return "hung"
        if self.ended in ("cut", ""):
            return self.ended or "broken"
        if self.ended == _NOT_FOUND:
            return "missing"
        short = self.ended != "0" or len(said) <= _FEW_LINES
        if self.ended == _NOT_EXECUTABLE or (short and any(map(_DENIED.search, said))):
            return "denied"
        if self.ended != "0":
            return "failed"
        return "torn" if self.torn else "" if said else "nothing"

    def reason(self) -> str:
        """Give what the command said about its failure, in a few printable words."""
        said = [line for line in self.lines if line.strip()]
        denied = next((line for line in said if _DENIED.search(line)), None)
        if denied or len(said) <= _FEW_LINES:
            return first_words(denied or " ".join(said))
        return last_words(said[-1], 120)


def read(text: str) -> list[Answer]:
    """Give the answers in their order; what stands outside of frames is skipped."""
    answers: list[Answer] = []
    command: str | None = None
    said: list[str] = []
    # Not splitlines: it also splits at signs that may stand in the text of a device.
    for line in text.split("\n"):
        key, _blank, value = line.partition(" ")
        if line.startswith("|"):
            said.append(line[1:].rstrip("\r"))
        elif key in ("asked", "ended"):
            if command is not None:
                answers.append(_answer(command, said, value if key == "ended" else ""))
            command, said = (value if key == "asked" else None), []
    if command is not None:
        answers.append(_answer(command, said, ""))
    return answers


def _answer(command: str, said: list[str], ended: str) -> Answer:
    # Before the end mark stands an empty line, if the line before it was whole.
    torn = bool(said) and bool(said[-1]) and ended != "cut"
    whole = said if ended == "cut" else said[:-1]
    return Answer(command, tuple(whole), ended, torn)


def lines(answers: Iterable[Answer], command: str) -> Iterator[str]:
    """Give the lines of all answers to commands that are, or begin with, these words."""
    for answer in of(answers, command):
        yield from answer.lines


def of(answers: Iterable[Answer], command: str) -> list[Answer]:
    """Give the answers to commands that are, or begin with, these words."""
    return [answer for answer in answers if f"{answer.command} ".startswith(f"{command} ")]


def notes(answers: Iterable[Answer], lost: Mapping[str, str]) -> list[str]:
    """Say of each kind of command that gave nothing, or not all, what was wrong with it, in one sentence.

    ``lost`` says by the first words of a command what is not known without it ("drives have no serial number").
    Commands with one entry there, or else of one program, that fail alike make one sentence.
    """
    failures: dict[tuple[str, str], list[Answer]] = {}
    for answer in answers:
        kind = answer.failure()
        if kind:
            starts = [start for start in lost if of([answer], start)]
            failures.setdefault((max(starts, key=len, default=answer.program), kind), []).append(answer)
    return [_note(kind, found, lost.get(start, "")) for (start, kind), found in failures.items()]


def _note(kind: str, found: list[Answer], lost: str) -> str:
    first = found[0]
    reason = first.reason()
    because = f" ({reason})" if reason else ""
    command = first_words(first.command)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    said = {
        "missing": f"{first.program} was not found on this host",
        "denied": f"{command}{more} may not be run by this user{because}",
        "failed": f"{command}{more} failed with exit status {first_words(first.ended, 20)}{because}",
        "hung": f"{command} did not end within {SECONDS} s, and {first.program} was not asked again",
        "cut": f"{command} printed more than {MOST_LINES} lines, and {first.program} was not asked again",
        "broken": f"The answer broke off in {command}",
        "torn": f"The output of {command}{more} broke off in the middle of a line, which was left out",
        "nothing": f"{command}{more} gave nothing",
    }[kind]
    return f"{said}{f', so {lost}' if lost else ''}{'; use become' if kind == 'denied' else ''}."


def named(normal: Callable[[object, str], str], text: str | None, what: str, notes: list[str]) -> str | None:
    """Give the normal form of a name that the host told; what is not one becomes a note."""
    if not text or not text.strip():
        return None
    try:
        return normal(text.strip(), what)
    except InvalidValueError as exc:
        notes.append(f"{exc}; it was left out.")
        return None


def sentences(found: Iterable[str]) -> list[str]:
    """Give each note once, on one line and printable: parts of them are foreign text."""
    return list(dict.fromkeys("".join(sign if sign.isprintable() else "?" for sign in note) for note in found))


def printable(text: str | None) -> str | None:
    """Keep what can be printed: vendor and model are free text of the drive."""
    return "".join(sign for sign in text or "" if " " <= sign <= "~").strip() or None
