# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``drive_use`` in a real Bacula, hooked in as the role's README says."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.e2e import bacula_daemons
from ansible_collections.tapeworks.drive_sharing.tests.e2e.bacula_daemons import DRIVES, OK, Bacula
from ansible_collections.tapeworks.drive_sharing.tests.integration.reservation_sender.world import (
    DRIVE,
    OTHER,
    PROGRAM,
    Receiver,
    Server,
    until,
)

pytestmark = pytest.mark.skipif(
    bool(bacula_daemons.missing()), reason=f"this machine has no {', no '.join(bacula_daemons.missing())}"
)


class Hooked(Bacula):
    """Bacula with the hooks of the README."""

    server: Server
    #: A directory with a short name: a changer's command has 127 characters.
    short: Path

    def configure(self) -> None:
        program = self.short / "drive_use"
        program.write_text(f'#!/bin/sh\nexec {PROGRAM} -c {self.server.directory} "$@"\n')
        program.chmod(0o755)
        changer = self.short / "mtx-changer"
        changer.unlink(missing_ok=True)
        changer.symlink_to(self.changer)
        self.job_lines = (
            "RunScript {", "  RunsWhen = After", "  RunsOnSuccess = yes", "  RunsOnFailure = yes", "  RunsOnClient = no",
            f'  Command = "{program} job-end"', "}",
        )  # fmt: skip
        super().configure()
        path = self.etc / "sd.conf"
        command = f'Changer Command = "{self.changer} '
        text = path.read_text()
        assert command in text
        path.write_text(text.replace(command, f'Changer Command = "{program} changer %o %a {changer} '))


@pytest.fixture(params=[True, False], ids=["let go", "tape stays"])
def freed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def bacula(
    one_server: Server, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, freed: bool
) -> Iterator[Hooked]:
    # Its own logger instead of the system's.
    monkeypatch.setattr(bacula_daemons, "SYSTEM_PATH", f"{one_server.bin}:{bacula_daemons.SYSTEM_PATH}")
    made = Hooked(tmp_path / "bacula", "bacula1")
    made.server, made.short = one_server, Path(tempfile.mkdtemp(prefix="du"))
    console = [f"query {word}" for word in ("bconsole", "-n", "-c", made.use_console)]
    lines = [f"free {DRIVE} release storage=Changer drive=0 slot=0", f"free {OTHER} release storage=Changer drive=1 slot=0"]
    devices = [f"name {serial} {device}" for serial, device in zip((DRIVE, OTHER), made.devices, strict=True)]
    one_server.configure(
        receiver.port, *console, "input status storage=Changer", "format bacula", *devices, *(lines if freed else ())
    )
    with made:
        # Labelling has used the first drive, and no job has ended yet.
        one_server.says("sync")
        yield made
    shutil.rmtree(made.short)


def test_a_job_takes_the_drive_and_gives_it_back(bacula: Hooked, receiver: Receiver, one_server: Server, freed: bool) -> None:
    assert receiver.rows()[DRIVE][0] == "released"
    job = bacula.run(0, hold=True)
    bacula.feed(job)
    # A job on a tape that is in the drive may call no changer; then nobody is told but by cron.
    bacula.wait_until_busy(0)
    if not freed:
        assert one_server.says("sync") == ""
    assert receiver.rows()[DRIVE][0] == "reserved"
    assert OTHER not in receiver.rows()
    # Another job of the same instance, on the other drive, ends meanwhile: the first one keeps its drive.
    other = bacula.run(1)
    assert bacula.wait_for_end(other) == OK
    until(lambda: receiver.rows()[OTHER][0] == "released")
    assert receiver.rows()[DRIVE][0] == "reserved"
    assert bacula.let_end(job) == OK
    until(lambda: receiver.rows()[DRIVE][0] == "released")
    assert one_server.left() == []
    text = bacula.drives()[0].text
    assert ("mounted with" in text) is not freed
    assert DRIVES[0] in text


@pytest.mark.parametrize("freed", [True], indirect=True)
def test_jobs_go_on_while_nobody_answers_and_what_is_true_is_reported_later(
    bacula: Hooked, receiver: Receiver, one_server: Server
) -> None:
    receiver.stop()
    path = one_server.directory / "drive_use.conf"
    path.write_text(path.read_text() + "timeout 1\n")
    assert bacula.wait_for_end(bacula.run(0)) == OK
    job = bacula.run(1, hold=True)
    bacula.feed(job)
    bacula.wait_until_busy(1)
    receiver.start()
    path.write_text(path.read_text() + "timeout 60\n")
    one_server.says("sync")
    assert {drive: row[0] for drive, row in receiver.rows().items()} == {DRIVE: "released", OTHER: "reserved"}
    assert bacula.let_end(job) == OK
    until(lambda: receiver.rows()[OTHER][0] == "released")
