# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The frame around the commands of a host: real shells run real commands, that hang, fail and print half."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _asked as asked
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_facts as host_facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._platforms import aix, hpux

SHELLS = {
    "dash": ["dash"],
    "bash": ["bash"],
    "bash as sh": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "mksh": ["mksh"],
    "ksh93": ["ksh93"],
}
# What the shell must not wait for, if it is to end within the time that a test has.
HANGS = "exec sleep 600"
LIMIT = 60


def run(body: str, shell: str = "dash", before: str = "") -> list[asked.Answer]:
    if shutil.which(SHELLS[shell][0]) is None:
        pytest.skip(f"{SHELLS[shell][0]} is not installed")
    done = subprocess.run(
        [*SHELLS[shell], "-c", f"LC_ALL=C; export LC_ALL\n{before}\n{asked.SHELL}\n{body}"],
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=LIMIT,
    )
    assert done.stderr == b""
    return asked.read(done.stdout.decode(errors="surrogateescape"))


def note(command: str, ended: str, *lines: str, lost: dict[str, str] | None = None) -> list[str]:
    return asked.notes([asked.Answer(command, lines, ended)], lost or {})


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return request.param


def test_the_text_has_no_single_quotes() -> None:
    assert "'" not in asked.SHELL


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("platform", [None, aix, hpux], ids=["functions only", "aix", "hpux"])
def test_shellcheck_finds_nothing(tmp_path: Path, platform: host_facts.Platform | None) -> None:
    script = tmp_path / "script"
    script.write_text(f"{asked.SHELL}\n{platform.command() if platform else ''}\n")
    # What ask_then passes on ends with its process, on purpose; the functions are called by those who use them.
    words = ["shellcheck", "--shell=sh", "--exclude=SC2030,SC2031,SC2329", str(script)]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=False, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_program_called_print_is_not_the_shells(tmp_path: Path) -> None:
    # Debian has one, which prints files on paper.
    (tmp_path / "print").write_text(f"#!/bin/sh\ntouch {tmp_path}/printed\n")
    (tmp_path / "print").chmod(0o755)
    assert run("ask echo x", before=f"PATH={tmp_path}:$PATH")[0].lines == ("x",)
    assert not (tmp_path / "printed").exists()


def test_what_a_command_says_comes_with_its_exit_status(shell: str) -> None:
    body = """
        ask printf "  a  b \\n\\nc\\\\\\\\d\\n"
        ask sh -c "echo one; echo two >&2; exit 3"
        ask true
        function_of_ours() { echo "$1"; return 4; }
        ask function_of_ours x
    """
    assert [(answer.lines, answer.ended, answer.torn) for answer in run(body, shell)] == [
        (("  a  b ", "", "c\\d"), "0", False),
        (("one", "two"), "3", False),
        ((), "0", False),
        (("x",), "4", False),
    ]


def test_a_command_that_is_not_there_or_may_not_be_run_is_told_from_one_that_fails(shell: str) -> None:
    kinds = [answer.failure() for answer in run("ask nonesuch -x\nask /etc/passwd\nask false\nask echo x", shell)]
    assert kinds == ["missing", "denied", "failed", ""]


def test_a_line_that_is_not_whole_is_left_out(shell: str) -> None:
    (answer,) = run("ask printf 'serial 10WT012345\\nserial 10WT06'", shell)
    assert answer.lines == ("serial 10WT012345",)
    assert answer.failure() == "torn"


def test_a_command_gets_nothing_to_read(shell: str) -> None:
    assert [answer.lines for answer in run("ask cat\nask echo x", shell)] == [(), ("x",)]


def test_what_looks_like_the_frame_is_not_the_frame(shell: str) -> None:
    (answer,) = run("ask printf 'ended 0\\nasked x\\n|y\\ndrive_sharing ended 0\\n'", shell)
    assert answer.lines == ("ended 0", "asked x", "|y", "drive_sharing ended 0")


def test_a_command_that_hangs_is_ended_and_the_others_go_on(shell: str) -> None:
    body = f"""
        patience=1
        ask sh -c "echo begun; echo -n half; {HANGS}"
        ask sh -c "echo not asked again"
        on() {{ ask sleep 0; }}
        ask_then on sleep 600
        ask_then : echo on
    """
    answers = run(body, shell)
    assert [(answer.ended, answer.lines) for answer in answers] == [
        ("hung", ("begun",)),
        ("skipped", ()),
        ("hung", ()),
        ("skipped", ()),
        ("0", ("on",)),
    ]
    assert answers[0].torn


def test_what_not_even_kill_ends_is_not_waited_for(shell: str) -> None:
    # As a command that hangs in the kernel: KILL has no effect on it.
    body = """
        kill() { :; }
        patience=1
        ask sleep 20
        on() { ask echo begun; }
        ask_then on sh -c "sleep 20"
        ask echo on
    """
    begun = time.monotonic()
    assert [answer.ended for answer in run(body, shell)] == ["hung", "hung", "0", "0"]
    assert time.monotonic() - begun < 15


def test_what_a_command_leaves_behind_is_not_waited_for(shell: str) -> None:
    begun = time.monotonic()
    answers = run('ask sh -c "sleep 30 & echo x"\nask_then : sh -c "sleep 31 & echo y"', shell)
    assert [answer.lines for answer in answers] == [("x",), ("y",)]
    assert time.monotonic() - begun < 25


def test_a_command_that_never_stops_printing_is_cut(shell: str) -> None:
    answers = run("most=50\nask yes\nask yes no\nask echo on", shell)
    assert [(len(answer.lines), answer.ended) for answer in answers] == [(50, "cut"), (0, "skipped"), (1, "0")]


def test_the_script_goes_on_with_the_names_in_an_answer(shell: str) -> None:
    body = """
        each() { for name in $answer; do ask echo "$name"; done; }
        ask_then each printf "rmt0\\nrmt1\\n"
    """
    assert [answer.lines for answer in run(body, shell)] == [("rmt0", "rmt1"), ("rmt0",), ("rmt1",)]


def test_what_comes_next_does_not_change_the_answer_that_it_came_from(shell: str) -> None:
    body = """
        inner() { :; }
        outer() { ask_then inner echo b; ask echo $answer; }
        ask_then outer echo a
    """
    assert [answer.lines for answer in run(body, shell)] == [("a",), ("b",), ("a",)]


def test_bytes_that_are_no_text_pass(shell: str) -> None:
    (answer,) = run("ask printf 'a\\377\\200b\\n'", shell)
    assert answer.lines == ("a\udcff\udc80b",)


def test_a_slow_command_is_not_held_up_by_its_watchdog() -> None:
    begun = time.monotonic()
    assert len(run("for x in 1 2 3 4 5; do ask true; done")) == 5
    assert time.monotonic() - begun < asked.SECONDS


def test_the_answers_are_found_by_their_first_words() -> None:
    answers = [asked.Answer("lsattr -El rmt1", ("a",), "0"), asked.Answer("lsattr -El rmt10", ("b",), "0")]
    assert list(asked.lines(answers, "lsattr -El")) == ["a", "b"]
    assert list(asked.lines(answers, "lsattr -El rmt1")) == ["a"]


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("", []),
        ("asked ls", [("ls", (), "")]),
        ("asked ls\n|a\n|b", [("ls", ("a",), "")]),
        ("asked ls\n|a\nasked who\n|\nended 0\n", [("ls", (), ""), ("who", (), "0")]),
        ("|stray\nended 0\nasked ls\n|a\n|\nended 0\n|stray\nended 0", [("ls", ("a",), "0")]),
        ("asked ls\n|a\n|b\nended cut\n", [("ls", ("a", "b"), "cut")]),
    ],
)
def test_half_an_answer_is_read_as_far_as_it_goes(text: str, answers: list[tuple[str, tuple[str, ...], str]]) -> None:
    assert [(answer.command, answer.lines, answer.ended) for answer in asked.read(text)] == answers


@pytest.mark.parametrize(
    ("given_answer", "sentence"),
    [
        (("lscfg -vl rmt*", "0", "x"), None),
        (("lscfg -vl rmt*", "127", "sh: lscfg: not found"), "lscfg was not found on this host."),
        (
            ("fcmsutil /dev/fcd0", "1", "Error: Permission denied"),
            "fcmsutil /dev/fcd0 may not be run by this user (Error: Permission denied); use become.",
        ),
        (
            ("fcmsutil /dev/fcd0", "0", "You must be superuser to run this."),
            "fcmsutil /dev/fcd0 may not be run by this user (You must be superuser to run this.); use become.",
        ),
        (
            ("lsattr -El rmt0", "255", "lsattr: 0514-519\n", " "),
            "lsattr -El rmt0 failed with exit status 255 (lsattr: 0514-519).",
        ),
        (("lsattr -El rmt0", "1"), "lsattr -El rmt0 failed with exit status 1."),
        (("scsimgr -x", "hung"), "scsimgr -x did not end within 10 s, and scsimgr was not asked again."),
        (("scsimgr -x", "cut"), "scsimgr -x printed more than 20000 lines, and scsimgr was not asked again."),
        (("scsimgr -x", ""), "The answer broke off in scsimgr -x."),
        (("lsdev -Cc tape", "0", " "), "lsdev -Cc tape gave nothing."),
    ],
)
def test_each_kind_of_failure_has_its_sentence(given_answer: tuple[str, ...], sentence: str | None) -> None:
    assert note(*given_answer) == ([] if sentence is None else [sentence])


def test_a_sentence_says_what_is_not_known_without_the_command() -> None:
    lost = {"lsattr": "nothing of it", "lsattr -El rmt0": "drive rmt0 has no WWNN"}
    assert note("lsattr -El rmt0", "127", lost=lost) == [
        "lsattr was not found on this host, so drive rmt0 has no WWNN."
    ]
    assert note("lsattr -El rmt01", "127", lost=lost) == ["lsattr was not found on this host, so nothing of it."]


def test_64_drives_whose_command_fails_alike_make_one_sentence() -> None:
    answers = [asked.Answer(f"lsattr -El rmt{number}", ("Permission denied",), "1") for number in range(64)]
    assert asked.notes(answers, {"lsattr -El": "no drive has a WWNN"}) == [
        "lsattr -El rmt0 (and 63 more) may not be run by this user (Permission denied), so no drive has a WWNN; use become."
    ]


def test_a_long_answer_that_speaks_of_privileges_is_not_a_denial() -> None:
    assert note("lscfg", "0", "a", "b", "c", "Privilege: none") == []


def test_junk_of_a_command_does_not_get_into_the_sentence() -> None:
    (sentence,) = note("ls\udcff\x1b[2J", "2", "x" * 500 + "\udcff\x1b]0;owned\x07 the\tend")
    assert sentence.isprintable()
    assert len(sentence) < 300


@given(st.text())
def test_no_output_raises(text: str) -> None:
    asked.notes(asked.read(text), {})


@given(st.lists(st.sampled_from(["asked a", "asked", "ended 0", "ended", "ended hung", "|x", "|", "", "junk"])))
def test_no_order_of_lines_raises(order: list[str]) -> None:
    asked.notes(asked.read("\n".join(order)), {"a": "b"})
