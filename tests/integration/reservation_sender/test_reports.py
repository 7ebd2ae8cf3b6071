# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``drive_use`` reports stands in the drive table, in order, once, and is not lost."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.integration.reservation_sender.world import (
    AUTH,
    DRIVE,
    OTHER,
    PORT,
    PRIV,
    PROGRAM,
    Receiver,
    Server,
    one_shell,
    until,
)


def test_use_and_end_of_use_stand_in_the_drive_table(server: Server, receiver: Receiver) -> None:
    assert server.says("reserved", DRIVE) == ""
    assert receiver.rows() == {DRIVE: ("reserved", 1)}
    assert receiver.holders(DRIVE) == [PORT]
    assert server.status() == {DRIVE: ("reserved", "acknowledged"), OTHER: ("none", "acknowledged")}
    assert server.says("released", DRIVE) == ""
    assert receiver.rows() == {DRIVE: ("released", 2)}
    assert server.left() == []


def test_a_drive_is_known_by_its_device_file_its_links_and_its_name(server: Server, receiver: Receiver) -> None:
    link = server.folder / "by-id"
    link.symlink_to(server.device)
    for number, name in enumerate((str(server.device), "Drive-0", str(link)), start=1):
        status = "reserved" if number % 2 else "released"
        assert server.says(status, name) == ""
        assert receiver.rows() == {DRIVE: (status, number)}


@one_shell
def test_equal_reports_do_no_harm_and_quick_changes_are_no_repetitions(server: Server, receiver: Receiver) -> None:
    for status in ("reserved", "reserved", "released", "reserved", "released"):
        assert server.says(status, DRIVE) == ""
    assert receiver.rows() == {DRIVE: ("released", 4)}
    counted = receiver.counters()
    assert (counted["written"], counted["unchanged"], counted.get("repeated", 0)) == (4, 1, 0)


def test_what_was_not_acknowledged_is_kept_and_sync_sends_the_newest(server: Server, receiver: Receiver) -> None:
    server.configure(receiver.port, timeout=2)
    receiver.stop()
    said = server.says("reserved", DRIVE)
    fault("sender-not-answered").seen_in({"hook": said, "syslog": server.logged()}, DRIVE=DRIVE, STATUS="reserved", N=2)
    server.says("released", DRIVE)
    server.says("reserved", OTHER)
    assert server.status() == {DRIVE: ("released", "pending"), OTHER: ("reserved", "pending")}
    receiver.start()
    server.configure(receiver.port)
    assert server.says("sync") == ""
    assert receiver.rows() == {DRIVE: ("released", 1), OTHER: ("reserved", 1)}
    assert server.status() == {DRIVE: ("released", "acknowledged"), OTHER: ("reserved", "acknowledged")}


def test_sync_fails_while_nobody_answers(one_server: Server, receiver: Receiver) -> None:
    one_server.configure(receiver.port, timeout=2)
    receiver.stop()
    one_server.says("reserved", DRIVE)
    assert "was not reported as reserved" in one_server.says("sync", status=1)


def test_the_next_call_sends_what_was_kept_of_other_drives(one_server: Server, receiver: Receiver) -> None:
    one_server.configure(receiver.port, timeout=2)
    receiver.stop()
    one_server.says("reserved", OTHER)
    receiver.start()
    one_server.configure(receiver.port)
    one_server.says("reserved", DRIVE)
    assert receiver.rows() == {DRIVE: ("reserved", 1), OTHER: ("reserved", 1)}


def test_the_time_of_a_report_that_was_kept_is_that_of_the_change(one_server: Server, receiver: Receiver) -> None:
    one_server.configure(receiver.port, timeout=2)
    receiver.stop()
    one_server.says("reserved", DRIVE)
    receiver.start()
    one_server.configure(receiver.port)
    before = one_server.call("status").stdout.splitlines()[0].split()[3]
    one_server.says("sync")
    assert receiver.observed_at(DRIVE)[:19] == before[:19]


def test_sync_repeats_nothing_as_others_may_have_reported_since(one_server: Server, receiver: Receiver, tmp_path: Path) -> None:
    one_server.says("reserved", DRIVE)
    other = Server(tmp_path / "other", "/bin/sh", receiver.port)
    path = other.directory / "drive_use.conf"
    path.write_text(path.read_text().replace(PORT["id"], "10000090fa1658df"))
    other.says("reserved", DRIVE)
    assert one_server.says("sync") == ""
    assert receiver.holders(DRIVE) == [{"protocol": "fc", "id": "10000090fa1658df"}]


def test_sync_all_tells_a_table_that_has_lost_everything(one_server: Server, receiver: Receiver, tmp_path: Path) -> None:
    one_server.says("reserved", DRIVE)
    receiver.stop()
    new = Receiver(tmp_path / "new")
    one_server.configure(new.port)
    new.start()
    try:
        assert one_server.says("sync") == ""
        assert new.rows() == {}
        assert one_server.says("sync", "all") == ""
        assert new.rows() == {DRIVE: ("reserved", 1), OTHER: ("released", 1)}
    finally:
        new.stop()


def test_a_sync_while_another_is_at_work_leaves_it_alone(one_server: Server, receiver: Receiver) -> None:
    one_server.gate()
    with one_server.begun("sync", "all") as first:
        until(one_server.calls)
        assert one_server.says("sync") == ""
        until(lambda: "Another sync is at work." in one_server.logged())
        one_server.open()
        assert first.wait(60) == 0
    assert len(one_server.calls()) == 2
    assert one_server.left() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_another_user_is_told_whose_it_is(server: Server, receiver: Receiver) -> None:
    # What root writes, the application's hooks could not read.
    os.chown(server.directory / "snmp.conf", pwd.getpwnam("nobody").pw_uid, -1)
    said = server.says("reserved", DRIVE)
    fault("sender-user").seen_in({"hook": said, "syslog": server.logged()}, TEXT="nobody")
    assert receiver.rows() == {}
    assert not server.state.exists()
    assert server.status() == {DRIVE: ("none", "acknowledged"), OTHER: ("none", "acknowledged")}
    assert not server.state.exists()


def test_a_drive_that_was_used_before_the_system_started_is_not_used(one_server: Server, receiver: Receiver) -> None:
    one_server.says("reserved", DRIVE)
    state = one_server.state / DRIVE
    fields = state.read_text().split()
    state.write_text(" ".join([*fields[:-1], "another-boot"]) + "\n")
    assert one_server.says("sync") == ""
    assert receiver.rows() == {DRIVE: ("released", 2)}


def test_a_receiver_that_hangs_costs_no_more_than_the_time_and_leaves_nothing(server: Server, receiver: Receiver) -> None:
    # Worse than one that does not answer: net-snmp itself hangs, and does not end when it is asked to.
    server.script("snmpinform", f"#!/bin/sh\ntrap '' TERM\necho $$ >'{server.folder}/pid'\nwhile :; do sleep 1; done\n")
    server.configure(receiver.port, timeout=4)
    started = time.monotonic()
    assert "did not answer within 4 s" in server.says("reserved", DRIVE)
    assert time.monotonic() - started < 60
    assert not Path("/proc", (server.folder / "pid").read_text().strip()).exists()
    assert server.left() == []


def test_the_shell_tells_nobody_of_what_had_to_be_killed(server: Server, receiver: Receiver) -> None:
    # bash comes to know of it at one moment or another; many calls at once meet both.
    server.script("snmpinform", "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n")
    drives = [f"DRIVE{number}" for number in range(24)]
    server.configure(receiver.port, *(f"drive {drive}" for drive in drives), timeout=1)
    with contextlib.ExitStack() as stack:
        calls = [stack.enter_context(server.begun("reserved", drive)) for drive in drives]
        said = "".join(call.communicate(timeout=120)[1] for call in calls)
    assert [line for line in said.splitlines() if not line.startswith("drive_use: ")] == []
    assert "did not answer within 1 s" in said


def test_a_datagram_that_is_answered_by_nobody_costs_no_more_than_the_time(one_server: Server) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        one_server.configure(deaf.getsockname()[1], timeout=2)
        assert "did not answer within 2 s" in one_server.says("reserved", DRIVE)
        assert "did not answer within 2 s" in one_server.says("reserved", DRIVE)


def test_a_strict_site_fails_what_could_not_be_announced_and_nothing_else(one_server: Server, receiver: Receiver) -> None:
    one_server.configure(receiver.port, timeout=2, strict="yes")
    receiver.stop()
    one_server.says("reserved", DRIVE, status=1)
    one_server.says("reserved", "nobody", status=1)
    one_server.says("released", DRIVE)
    receiver.start()
    one_server.configure(receiver.port, strict="yes")
    one_server.says("reserved", DRIVE)


def test_two_hooks_at_once_come_in_order(server: Server, receiver: Receiver) -> None:
    server.gate()
    with server.begun("reserved", DRIVE) as first:
        until(server.calls)
        with server.begun("released", DRIVE) as second:
            until(lambda: "released" in (server.state / DRIVE).read_text())
            # The second one waits for the first one to have sent.
            assert len(server.calls()) == 1
            server.open()
            assert [process.wait(60) for process in (first, second)] == [0, 0]
    assert receiver.rows() == {DRIVE: ("released", 2)}
    assert server.status()[DRIVE] == ("released", "acknowledged")
    assert server.left() == []


def test_many_hooks_at_once_agree_on_the_newest(one_server: Server, receiver: Receiver) -> None:
    with contextlib.ExitStack() as stack:
        hooks = [stack.enter_context(one_server.begun(("reserved", "released")[n % 2], DRIVE)) for n in range(8)]
        ended = [(hook.wait(120), hook.communicate()[1]) for hook in hooks]
    assert ended == [(0, "")] * 8
    fact, phase = one_server.status()[DRIVE]
    assert (fact, phase) == (receiver.rows()[DRIVE][0], "acknowledged")
    # Each had a number of its own; the first one is a multiple of 30000 and 1.
    assert int((one_server.state / DRIVE).read_text().split()[1]) % 30000 == 8
    assert one_server.left() == []


def test_a_report_of_a_hook_that_was_killed_does_not_overtake_the_next(server: Server, receiver: Receiver) -> None:
    server.gate()
    with server.begun("reserved", DRIVE) as first:
        until(server.calls)
        first.kill()
        first.wait()
        # Its snmpinform goes on, at the gate.
        with server.begun("released", DRIVE) as second:
            until(lambda: "released" in (server.state / DRIVE).read_text())
            time.sleep(1)
            assert len(server.calls()) == 1
            server.open()
            assert second.wait(60) == 0
    assert receiver.rows() == {DRIVE: ("released", 2)}
    assert server.says("sync") == ""
    assert server.left() == []


def test_what_a_killed_hook_has_started_ends_with_its_time(server: Server, receiver: Receiver) -> None:
    server.gate()
    server.configure(receiver.port, timeout=4)
    with server.begun("reserved", DRIVE) as hook:
        pid = until(lambda: (server.folder / "at_the_gate").exists() and (server.folder / "at_the_gate").read_text())
        hook.kill()
        hook.wait()
    until(lambda: not alive(pid.strip()))
    server.open()
    server.configure(receiver.port)
    assert server.says("sync") == ""
    assert receiver.rows() == {DRIVE: ("reserved", 1)}


def alive(pid: str) -> bool:
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_locks_and_files_of_those_who_are_gone_are_removed(server: Server, receiver: Receiver) -> None:
    server.says("released", OTHER)
    gone = subprocess.Popen(["true"])
    gone.wait()
    booted = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    for name in (f"{DRIVE}.fact", f"{DRIVE}.send"):
        (server.state / ".lock" / name).write_text(f"{gone.pid} {booted} 1 {gone.pid}.1\n")
    (server.state / ".run" / f"{gone.pid}.1.me").touch()
    # The system crashed while it was written.
    (server.state / ".lock" / f"{OTHER}.fact").touch()
    assert server.says("reserved", DRIVE) == ""
    assert server.says("reserved", OTHER) == ""
    assert server.says("sync") == ""
    assert receiver.rows() == {DRIVE: ("reserved", 1), OTHER: ("reserved", 2)}
    assert server.left() == []


def test_a_process_that_has_ended_and_that_nobody_has_waited_for_is_gone(server: Server, receiver: Receiver) -> None:
    server.says("released", OTHER)
    with subprocess.Popen(["true"]) as ended:
        stat = until(lambda: (text := Path("/proc", str(ended.pid), "stat").read_text()).split()[2] == "Z" and text)
        start, booted = stat.split()[21], Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        (server.state / ".lock" / f"{DRIVE}.send").write_text(f"{ended.pid} {booted} {start} {ended.pid}.{start}\n")
        assert server.says("reserved", DRIVE) == ""
    assert receiver.rows()[DRIVE] == ("reserved", 1)


def test_a_lock_of_another_boot_is_removed_and_that_of_somebody_at_work_is_not(one_server: Server, receiver: Receiver) -> None:
    one_server.says("released", OTHER)
    lock = one_server.state / ".lock" / f"{DRIVE}.send"
    lock.write_text(f"{os.getpid()} another-boot - {os.getpid()}.-\n")
    assert one_server.says("reserved", DRIVE) == ""
    booted = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    lock.write_text(f"{os.getpid()} {booted} - {os.getpid()}.-\n")
    one_server.configure(receiver.port, timeout=2)
    assert "another call was still sending it" in one_server.says("released", DRIVE)
    assert lock.exists()
    assert one_server.status()[DRIVE] == ("released", "pending")


@one_shell
def test_a_disk_that_cannot_be_written_keeps_no_report_back(server: Server, receiver: Receiver) -> None:
    (server.folder / "file").touch()
    server.configure(receiver.port, state=server.folder / "file" / "drive_use")
    said = server.says("reserved", DRIVE)
    fault("sender-state").seen_in({"hook": said, "syslog": server.logged()}, DRIVE=DRIVE, FILE=f"{server.folder}/file/drive_use")
    assert receiver.rows() == {DRIVE: ("reserved", 1)}
    server.configure(receiver.port, state=server.folder / "file" / "drive_use", timeout=2)
    receiver.stop()
    said = server.says("released", DRIVE)
    fault("sender-lost").seen_in({"hook": said, "syslog": server.logged()}, DRIVE=DRIVE, STATUS="released")


@pytest.mark.parametrize("text", ["", "junk\n", "2 7 reserved pending 5 - -\n", "1 x reserved pending 5 - -\n", "1 08 a b\n"])
def test_a_damaged_state_is_begun_anew(one_server: Server, receiver: Receiver, text: str) -> None:
    one_server.says("reserved", DRIVE)
    (one_server.state / DRIVE).write_text(text)
    assert one_server.status()[DRIVE] == ("none", "acknowledged")
    assert one_server.says("released", DRIVE) == ""
    assert receiver.rows() == {DRIVE: ("released", 2)}


def test_a_wrong_passphrase_is_told_in_the_words_of_snmpinform(one_server: Server, receiver: Receiver) -> None:
    path = one_server.directory / "snmp.conf"
    path.write_text(path.read_text().replace(AUTH, "another passphrase"))
    said = one_server.says("reserved", DRIVE)
    fault("sender-refused").seen_in({"hook": said, "syslog": one_server.logged()}, DRIVE=DRIVE, STATUS="reserved")
    assert "Authentication failure" in said
    assert receiver.rows() == {}


def test_a_server_without_snmpinform_is_told_so(one_server: Server) -> None:
    one_server.script("snmpinform", "#!/bin/sh\nexit 127\n")
    said = one_server.says("reserved", DRIVE)
    fault("sender-program").seen_in({"hook": said, "syslog": one_server.logged()}, DRIVE=DRIVE, STATUS="reserved")


@one_shell
def test_a_drive_that_is_not_configured_is_named(server: Server, receiver: Receiver) -> None:
    said = server.says("reserved", "/dev/nst7")
    fault("sender-unknown").seen_in({"hook": said, "syslog": server.logged()}, TEXT="/dev/nst7")
    assert receiver.rows() == {}


@one_shell
def test_a_configuration_that_cannot_be_used_is_named(server: Server) -> None:
    path = server.directory / "drive_use.conf"
    good = path.read_text()
    for text, what in (
        (good + "colour blue\n", "has the unknown word colour"),
        (good.replace("port fc", "port usb"), "is not complete"),
        (good.replace("timeout 60", "timeout soon"), "is not complete"),
        (good + "drive ../../etc\n", "is not complete"),
        (good.replace("state /", "state "), "is not complete"),
        ("", "is not complete"),
    ):
        path.write_text(text)
        said = server.says("reserved", DRIVE)
        fault("sender-configuration").seen_in({"hook": said, "syslog": server.logged()}, FILE=path, TEXT=what)
        server.says("sync", status=1)
    path.unlink()
    assert f"its configuration {path} cannot be read" in server.says("reserved", DRIVE)
    assert server.call("status").returncode == 1


@pytest.mark.parametrize(
    "words", [[], ["-c"], ["reserved"], ["released", "a", "b"], ["sync", "some"], ["changer", "load"], ["what"]]
)
def test_a_wrong_call_is_answered_with_the_right_ones(one_server: Server, words: list[str]) -> None:
    done = subprocess.run([one_server.shell, str(PROGRAM), *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: drive_use")


def test_no_passphrase_is_in_a_command_line_an_environment_or_a_log(one_server: Server, receiver: Receiver) -> None:
    one_server.gate()
    with one_server.begun("reserved", DRIVE) as hook:
        until((one_server.folder / "at_the_gate").exists)
        for part in ("cmdline", "environ"):
            for path in Path("/proc").glob(f"[0-9]*/{part}"):
                with contextlib.suppress(OSError):
                    text = path.read_bytes()
                    assert AUTH.encode() not in text, path
                    assert PRIV.encode() not in text, path
        one_server.open()
        assert hook.wait(60) == 0
    everything = one_server.logged() + "".join(one_server.calls())
    everything += "".join(path.read_text() for path in one_server.state.rglob("*") if path.is_file())
    assert "1310211169" in everything
    assert AUTH not in everything
    assert PRIV not in everything


@one_shell
def test_what_it_does_stands_in_the_systems_log(server: Server) -> None:
    server.says("reserved", DRIVE)
    until(lambda: "-t drive_use -p daemon.info Drive 1310211169 was reported as reserved." in server.logged())


def test_a_hook_that_is_ended_leaves_nothing(server: Server, receiver: Receiver) -> None:
    server.gate()
    with server.begun("reserved", DRIVE) as hook:
        pid = until(lambda: (server.folder / "at_the_gate").exists() and (server.folder / "at_the_gate").read_text())
        hook.send_signal(signal.SIGTERM)
        # mksh makes an exit status of it.
        assert hook.wait(60) in (-signal.SIGTERM, 128 + signal.SIGTERM)
    until(lambda: not alive(pid.strip()))
    assert [name for name in server.left() if not name.endswith(".send")] == []
    assert server.status()[DRIVE] == ("reserved", "pending")


def test_shellcheck_has_nothing_to_say() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("this machine has no shellcheck")
    done = subprocess.run(["shellcheck", "-s", "sh", str(PROGRAM)], capture_output=True, text=True, check=False)
    assert done.stdout == ""
