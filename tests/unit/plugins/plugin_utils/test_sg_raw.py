# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _sg_raw, _spc_sense, _spc_state
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._sg_raw import Command, Outcome

NONCE = "drive_sharing_0123456789abcdef"


def run(*commands: Command, seconds: int = 20) -> list[Outcome]:
    done = subprocess.run(
        ["/bin/sh", "-c", _sg_raw.script(commands, NONCE, seconds)], capture_output=True, text=True, check=False, timeout=60
    )
    return _sg_raw.outcomes(f"Welcome to host\n{done.stdout}", NONCE, len(commands))


def test_bytes_come_back_as_they_are_with_exit_status_and_error_output() -> None:
    every = bytes(range(256)) * 3
    found = run(
        Command(("cat",), every),
        Command(("sh", "-c", "echo 'two words' >&2; printf 'a\\n\\0'; exit 24")),
        Command(("sh", "-c", f"printf '\\n{NONCE} rc 0\\n'; exit 9")),
        Command(("cat",)),
    )
    assert found[0] == Outcome(0, every, "")
    assert found[1] == Outcome(24, b"a\n\0", "two words")
    assert (found[2].status, found[2].data) == (9, f"\n{NONCE} rc 0\n".encode())
    assert found[3] == Outcome(0, b"", "")


def test_words_are_never_shell() -> None:
    assert run(Command(("printf", "%s", "$(id); `id` 'quoted' \"two\"")))[0].data == b"$(id); `id` 'quoted' \"two\""


def test_a_command_that_hangs_is_given_up_and_the_next_one_runs() -> None:
    found = run(Command(("sleep", "50")), Command(("true",)), seconds=1)
    assert [one.status for one in found] == [124, 0]
    assert _sg_raw.answer(found[0]).problem == "the drive did not answer in time"


def test_megabytes_are_no_answer() -> None:
    found = run(Command(("sh", "-c", "head -c 3000000 /dev/zero")), Command(("true",)))
    assert found[0].status is None
    assert found[1].status == 0


def test_a_program_that_is_not_there_is_named_with_its_package() -> None:
    assert _sg_raw.answer(run(Command(("no_such_program",)))[0]).problem == _sg_raw.MISSING


GOOD = "SCSI Status: Good \n\nWriting 4 bytes of data to stdout"
CONFLICT = ">>> unknown pass through result category (1)\nSCSI Status: Reservation Conflict \n\nError 24 occurred, no data received"
CHECK = "SCSI Status: Check Condition \n\nSense Information:\nFixed format, current; Sense key: "


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome(0, b"data", GOOD), "good"),
        (Outcome(24, b"", CONFLICT), "conflict"),
        # A kernel that names a failure of the transport beside the conflict.
        (Outcome(35, b"", CONFLICT), "conflict"),
        (Outcome(6, b"", CHECK + "Unit Attention\n Additional sense: Registrations preempted"), "again"),
        (Outcome(9, b"", CHECK + "Illegal Request\n Additional sense: Invalid command operation code"), "unsupported"),
        (Outcome(5, b"", CHECK + "Illegal Request\n Additional sense: Invalid field in cdb"), "unsupported"),
        (Outcome(5, b"", CHECK + "Illegal Request\n Additional sense: Logical unit not supported"), "failed"),
        (Outcome(2, b"", CHECK + "Not Ready\n Additional sense: Medium not present"), "failed"),
        (Outcome(21, b"data", CHECK + "Recovered Error"), "good"),
        (Outcome(8, b"", "SCSI Status: Busy "), "failed"),
        (Outcome(52, b"", "/dev/sg9: No such file or directory"), "failed"),
        (Outcome(0, b"data", ""), "failed"),
        (Outcome(0, b"data", "usage: sg_raw"), "failed"),
        (Outcome(99, b"data", GOOD), "failed"),
        (Outcome(), "failed"),
    ],
)
def test_what_sg_raw_says_is_judged_by_its_status(outcome: Outcome, kind: str) -> None:
    assert _spc_state.judge(_sg_raw.answer(outcome))[0] == kind


def test_who_is_not_ready_to_work_is_known_as_such() -> None:
    answer = _sg_raw.answer(Outcome(2, b"", CHECK + "Not Ready"))
    sense = _spc_sense.sense(answer.sense)
    assert sense is not None
    assert sense.key == _spc_sense.NOT_READY


def test_a_device_that_is_not_there_is_gone_and_a_denied_one_is_not() -> None:
    assert _sg_raw.answer(Outcome(52, b"", "/dev/sg9: No such file or directory")).gone
    denied = _sg_raw.answer(Outcome(63, b"", "/dev/sg9: Permission denied"))
    assert not denied.gone
    assert "become" in denied.problem


@given(st.text(max_size=400), st.integers(0, 3))
def test_whatever_a_host_prints_there_is_an_outcome_for_each_command(text: str, count: int) -> None:
    found = _sg_raw.outcomes(f"{NONCE} begin 0\n{text}\n{NONCE} end\n", NONCE, count)
    assert len(found) == count
    assert all(_spc_state.judge(_sg_raw.answer(one))[0] == "failed" for one in found)


def test_an_answer_that_breaks_off_is_none() -> None:
    text = f"{NONCE} begin 0\n 61 62\n"
    assert _sg_raw.outcomes(text, NONCE, 1) == [Outcome()]
    assert _sg_raw.outcomes(f"{text}{NONCE} end\n", NONCE, 1)[0].status is None


def test_a_reset_is_that_of_the_unit_and_goes_no_further() -> None:
    assert _sg_raw.reset("/dev/sg0").words == ("sg_reset", "-N", "-d", "/dev/sg0")
