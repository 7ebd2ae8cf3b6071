# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ioctl without a device: what goes to the kernel, and what is made of what it says. Real devices are in tests/lab."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _sg, _spc_state
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Answer
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils.simulated_drive import fixed_sense

CDB, LENGTH = _spc_state.COMMANDS["full_status"]


class Header(ctypes.Structure):
    """sg_io_hdr as the kernel's header file has it, written a second time."""

    _fields_ = (
        ("interface_id", ctypes.c_int), ("dxfer_direction", ctypes.c_int), ("cmd_len", ctypes.c_ubyte),
        ("mx_sb_len", ctypes.c_ubyte), ("iovec_count", ctypes.c_ushort), ("dxfer_len", ctypes.c_uint),
        ("dxferp", ctypes.c_void_p), ("cmdp", ctypes.c_void_p), ("sbp", ctypes.c_void_p), ("timeout", ctypes.c_uint),
        ("flags", ctypes.c_uint), ("pack_id", ctypes.c_int), ("usr_ptr", ctypes.c_void_p), ("status", ctypes.c_ubyte),
        ("masked_status", ctypes.c_ubyte), ("msg_status", ctypes.c_ubyte), ("sb_len_wr", ctypes.c_ubyte),
        ("host_status", ctypes.c_ushort), ("driver_status", ctypes.c_ushort), ("resid", ctypes.c_int),
        ("duration", ctypes.c_uint), ("info", ctypes.c_uint),
    )


class Kernel:
    """Takes the place of the ioctl."""

    def __init__(self) -> None:
        self.data, self.sense = b"", b""
        self.result: dict[str, int] = {}
        self.fails = 0
        self.sent: list[tuple[bytes, int, int, int]] = []

    def ioctl(self, _file: int, request: int, header: bytearray) -> int:
        assert request == 0x2285
        assert len(header) == ctypes.sizeof(Header)
        if self.fails:
            raise OSError(self.fails, os.strerror(self.fails))
        made = Header.from_buffer(header)
        assert made.interface_id == ord("S")
        self.sent.append((ctypes.string_at(made.cmdp, made.cmd_len), made.dxfer_direction, made.dxfer_len, made.timeout))
        ctypes.memmove(made.dxferp, self.data, len(self.data))
        ctypes.memmove(made.sbp, self.sense, len(self.sense))
        made.sb_len_wr = len(self.sense)
        for key, value in self.result.items():
            setattr(made, key, value)
        return 0


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    monkeypatch.setattr(_sg.fcntl, "ioctl", made.ioctl)
    return made


@pytest.fixture
def device(tmp_path: Path) -> Any:
    node = tmp_path / "sg0"
    node.touch()
    made = _sg.Device(str(node))
    yield made
    made.close()


def test_the_command_goes_out_and_the_data_comes_back_without_what_was_left(kernel: Kernel, device: _sg.Device) -> None:
    kernel.data, kernel.result = b"12345678", {"resid": LENGTH - 6}
    assert device.send(CDB, LENGTH) == Answer(0, b"123456")
    assert kernel.sent == [(CDB, -3, LENGTH, 14_000_000)]
    kernel.result = {}
    assert device.send(CDB, LENGTH) == Answer(0, b"12345678".ljust(LENGTH, b"\0"))
    kernel.result = {"resid": LENGTH + 5}
    assert device.send(CDB, LENGTH) == Answer(0, b"")


def test_a_command_without_data_asks_for_none(kernel: Kernel, device: _sg.Device) -> None:
    assert device.send(bytes(6), 0) == Answer(0)
    assert kernel.sent == [(bytes(6), -1, 0, 14_000_000)]


@pytest.mark.parametrize("cdb", [b"", b"\x5f\6" + bytes(8), b"\x16" + bytes(5), b"\x17" + bytes(5), b"\x01" + bytes(5), b"\x0a" + bytes(5)])
def test_what_does_more_than_read_is_not_sent(kernel: Kernel, device: _sg.Device, cdb: bytes) -> None:
    answer = device.send(cdb, 0)
    assert answer.status is None
    assert answer.problem.endswith("is none of those that only read; it was not sent")
    assert kernel.sent == []


def test_the_commands_of_the_decision_table_only_read() -> None:
    assert {cdb[0] for cdb, _length in _spc_state.COMMANDS.values()} <= _sg.READ_ONLY


@pytest.mark.parametrize("result", [{"status": 0x18}, {"status": 0x18, "host_status": 0x11}, {"status": 0x18, "driver_status": 8}])
def test_a_conflict_is_one_whatever_else_the_kernel_says(kernel: Kernel, device: _sg.Device, result: dict[str, int]) -> None:
    kernel.result = result
    assert device.send(CDB, LENGTH).status == 0x18


def test_sense_data_come_with_it(kernel: Kernel, device: _sg.Device) -> None:
    kernel.result, kernel.sense = {"status": 2, "driver_status": 8, "resid": LENGTH}, fixed_sense(6, 0x2A, 5)
    assert device.send(CDB, LENGTH) == Answer(2, b"", fixed_sense(6, 0x2A, 5))


@pytest.mark.parametrize(
    ("result", "problem", "gone"),
    [
        ({"host_status": 1}, "the transport failed (DID_NO_CONNECT)", True),
        ({"host_status": 3, "status": 0}, "the transport failed (DID_TIME_OUT)", False),
        ({"host_status": 14, "status": 2}, "the transport failed (DID_TRANSPORT_DISRUPTED)", False),
        ({"host_status": 0x77}, "the transport failed (host status 0x77)", False),
        ({"driver_status": 6}, "the driver failed (driver status 0x6)", False),
    ],
)
def test_a_transport_that_fails_is_an_answer(
    kernel: Kernel, device: _sg.Device, result: dict[str, int], problem: str, gone: bool
) -> None:
    kernel.result = result
    assert device.send(CDB, LENGTH) == Answer(problem=problem, gone=gone)


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        (errno.ENODEV, Answer(problem="it does not take commands: No such device", gone=True)),
        (errno.ENXIO, Answer(problem="it does not take commands: No such device or address", gone=True)),
        (errno.EPERM, Answer(problem="it does not take commands: the system does not let this user send commands to it")),
        (errno.EINTR, Answer(problem="it does not take commands: Interrupted system call", again=True)),
        (errno.ENOMEM, Answer(problem="it does not take commands: Cannot allocate memory")),
    ],
)
def test_what_the_system_refuses_is_an_answer(kernel: Kernel, device: _sg.Device, number: int, answer: Answer) -> None:
    kernel.fails = number
    assert device.send(CDB, LENGTH) == answer


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        (errno.EBUSY, Answer(problem="it cannot be opened: somebody has it open for himself")),
        (errno.EACCES, Answer(problem="it cannot be opened: it may not be opened for reading and writing by this user")),
        (errno.ENXIO, Answer(problem="it cannot be opened: No such device or address", gone=True)),
    ],
)
def test_a_device_that_cannot_be_opened_answers_so(monkeypatch: pytest.MonkeyPatch, number: int, answer: Answer) -> None:
    def refuse(path: str, flags: int) -> int:
        assert flags & (os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC) == os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(_sg.os, "open", refuse)
    device = _sg.Device("/dev/sg0")
    assert device.send(CDB, LENGTH) == answer
    device.close()


def test_a_device_that_is_not_there_is_gone(tmp_path: Path) -> None:
    assert _sg.Device(str(tmp_path / "sg9")).send(CDB, LENGTH) == Answer(
        problem="it cannot be opened: No such file or directory", gone=True
    )


def test_a_file_that_is_no_sg_device_says_so() -> None:
    device = _sg.Device("/dev/null")
    assert device.send(CDB, LENGTH) == Answer(problem="it does not take commands: it is no device of the sg driver", gone=True)
    device.close()


def test_a_closed_device_takes_nothing(kernel: Kernel, device: _sg.Device) -> None:
    device.close()
    device.close()
    assert device.send(CDB, LENGTH) == Answer(problem="the device was closed")
    assert kernel.sent == []
