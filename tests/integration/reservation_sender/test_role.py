# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role ``reservation_sender``, through real ansible-playbook, into a directory of the test."""

from __future__ import annotations

import json
import os
import pwd
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.tapeworks.drive_sharing.tests.integration.reservation_sender import world
from ansible_collections.tapeworks.drive_sharing.tests.integration.reservation_sender.world import (
    DRIVE,
    OTHER,
    Receiver,
)

ROOT = Path(__file__).resolve().parents[3]
# All that net-snmp, YAML, Jinja and a shell could take for something else.
AUTH = """it's "quoted" \\back\\\\slash # no comment {{ 7 * 7 }} $HOME %d"""
PRIV = "a # blank, 'at the end' \\"
# Keeps the user's crontab in a file.
CRONTAB = """#!/bin/sh
case $* in
*-l*) cat '{file}' 2>/dev/null || exit 1 ;;
*-r*) rm -f '{file}' ;;
*) for last in "$@"; do :; done; cat "$last" >'{file}' ;;
esac
"""


class Site:
    """A play that calls the role for this machine."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.program = folder / "sbin" / "drive_use"
        self.program.parent.mkdir()
        self.config = folder / "drive_use.d"
        self.state = folder / "drive_use.state"
        self.cron = folder / "cron"
        programs = folder / "bin"
        programs.mkdir()
        for name, text in (("crontab", CRONTAB.format(file=self.cron)), ("logger", "#!/bin/sh\n")):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        (folder / "ansible.cfg").write_text("[defaults]\n")
        self.environment = {
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
            **os.environ,
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_FORKS": "4",
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        }
        self.variables: dict[str, Any] = {
            "reservation_sender_receiver": f"udp:127.0.0.1:{port}",
            "reservation_sender_user": "strong",
            "reservation_sender_auth_protocol": "sha512",
            "reservation_sender_priv_protocol": "aes256",
            "reservation_sender_auth_passphrase": AUTH,
            "reservation_sender_priv_passphrase": PRIV,
            "reservation_sender_port": {"protocol": "fc", "id": "10:00:00:90:FA:16:58:DE"},
            "reservation_sender_drives": [
                {"serial": DRIVE, "names": ["/dev/nst0", "Drive 0"], "free_input": "release storage=Lab drive=0"},
                {"serial": OTHER},
            ],
            "reservation_sender_query_command": ["/opt/a directory/bin/console", "-n"],
            "reservation_sender_query_input": ["status storage=Lab"],
            "reservation_sender_library": "ts4500_01",
            "reservation_sender_sync_minutes": 5,
            "reservation_sender_owner": pwd.getpwuid(os.geteuid()).pw_name,
            "reservation_sender_program": str(self.program),
            "reservation_sender_config_directory": str(self.config),
            "reservation_sender_state_directory": str(self.state),
        }

    def play(self, *options: str, entry: str = "main", status: int = 0, **changes: Any) -> str:
        variables = {**self.variables, **changes}
        # As a site would keep them: in a file of variables, where nothing is a template.
        unsafe = {name: value for name, value in variables.items() if "passphrase" in name}
        role = {"name": "tapeworks.drive_sharing.reservation_sender", "tasks_from": entry}
        play = {
            "name": "Call the role",
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [{"name": "Call it", "ansible.builtin.include_role": role}],
            "vars": {name: value for name, value in variables.items() if name not in unsafe},
        }
        playbook = self.write([play])
        secret = self.folder / "secrets.yml"
        secret.write_text("".join(f"{name}: !unsafe {yaml.safe_dump(value, width=9999)}" for name, value in unsafe.items()))
        return self.run(playbook, "-i", "localhost,", "-e", f"@{secret}", *options, status=status)

    def write(self, plays: list[Any]) -> Path:
        path = self.folder / "playbook.yml"
        path.write_text(yaml.safe_dump(plays))
        return path

    def run(self, *words: str | Path, status: int = 0) -> str:
        """Run ansible-playbook; whatever it says, it does not say a passphrase."""
        program = Path(sys.executable).with_name("ansible-playbook")
        done = subprocess.run(
            [program, "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}", *words],
            capture_output=True, text=True, env=self.environment, cwd=self.folder, timeout=300, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == status, said
        assert "WARNING" not in said
        everything = said + (self.folder / "ansible.log").read_text()
        for value in (AUTH, PRIV, AUTH.replace("\\", "\\\\"), "no comment", "blank, 'at"):
            assert value not in everything
        return said

    def call(self, *words: str) -> str:
        done = subprocess.run(
            [self.program, "-c", self.config, *words], capture_output=True, text=True, env=self.environment, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(world, "AUTH", AUTH)
    monkeypatch.setattr(world, "PRIV", PRIV)
    receiver = Receiver(tmp_path / "controller", "strong")
    made = Site(tmp_path, receiver.port)
    made.receiver = receiver  # type: ignore[attr-defined]
    return made


def changed(said: str) -> int:
    found = re.findall(r"changed=(\d+)", said)
    assert found
    return sum(map(int, found))


def test_it_is_installed_works_and_is_removed(site: Site) -> None:
    receiver: Receiver = site.receiver  # type: ignore[attr-defined]
    everything = (site.program, site.config / "snmp.conf", site.state)
    job = f"*/5 * * * * {site.program} -c {site.config} sync >/dev/null 2>&1"
    # Check mode shows what would be done, and does nothing.
    assert changed(site.play("--check", "--diff")) == 6
    assert [path.exists() for path in (*everything, site.cron)] == [False] * 4
    assert changed(site.play("--diff", "-vvv")) == 6
    assert changed(site.play("--diff")) == 0
    assert [stat.S_IMODE(path.stat().st_mode) for path in everything] == [0o755, 0o600, 0o700]
    assert job in site.cron.read_text().splitlines()
    # Of a new passphrase no difference is shown, of all else it is.
    said = site.play(
        "--check", "--diff", "-vvv",
        reservation_sender_auth_passphrase="another # one \\", reservation_sender_strict=True, reservation_sender_sync_minutes=0,
    )  # fmt: skip
    assert changed(said) == 3
    assert "another # one" not in said
    assert "-strict no" in said
    assert "+strict yes" in said
    # What was written is what works, whatever is in the passphrases.
    receiver.start()
    try:
        site.call("reserved", "/dev/nst0")
        assert receiver.rows() == {DRIVE: ("reserved", 1)}
        said = site.play(entry="remove", status=2)
        assert f"Drive {DRIVE} is still reported as reserved" in said
        assert site.program.exists()
        site.call("released", "Drive 0")
        assert receiver.rows() == {DRIVE: ("released", 2)}
    finally:
        receiver.stop()
    assert changed(site.play("--check", entry="remove")) == 2
    assert [path.exists() for path in everything] == [True] * 3
    assert changed(site.play(entry="remove")) == 2
    assert [path.exists() for path in everything] == [False] * 3
    assert job not in site.cron.read_text()
    assert changed(site.play(entry="remove")) == 0


def test_netbackups_script_reports_what_it_is_called_with(site: Site) -> None:
    receiver: Receiver = site.receiver  # type: ignore[attr-defined]
    script = site.folder / "volmgr" / "shared_drive_notify"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n# the site's own\n")
    variables = {
        "reservation_sender_netbackup_script": str(script),
        "reservation_sender_drives": [{"serial": DRIVE, "names": ["IBM.ULT3580-TD9.000"]}],
        "reservation_sender_query_command": [],
        "reservation_sender_query_input": [],
    }
    site.play(**variables)
    assert changed(site.play(**variables)) == 0
    assert stat.S_IMODE(script.stat().st_mode) == 0o755
    (before,) = (path for path in script.parent.iterdir() if path != script)
    assert "the site's own" in before.read_text()
    receiver.start()
    try:
        for operation, row in (
            ("SCANHOST", None), ("RESERVED", ("reserved", 1)), ("ASSIGNED", ("reserved", 1)),
            ("SCANHOST", ("reserved", 1)), ("RELEASED", ("released", 2)),
        ):  # fmt: skip
            done = subprocess.run(
                [script, "IBM.ULT3580-TD9.000", "media2", operation],
                capture_output=True, text=True, env=site.environment, check=False,
            )  # fmt: skip
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
            assert receiver.rows().get(DRIVE) == row
        done = subprocess.run([script, "$(id)", "media2", "RESERVED"], capture_output=True, text=True, env=site.environment, check=False)
        assert (done.returncode, "uid=" in done.stderr) == (0, False)
        assert "$(id)" in done.stderr
    finally:
        receiver.stop()
    site.play(entry="remove", **variables)
    assert subprocess.run([script, "IBM.ULT3580-TD9.000", "media2", "RESERVED"], check=False).returncode == 0
    assert not site.program.exists()


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "a_script_of_another_name": (
        "reservation_sender_netbackup_script must be", {"reservation_sender_netbackup_script": "/usr/openv/volmgr/bin/ltid"},
    ),
    "a_program_with_a_blank": ("reservation_sender_program must be", {"reservation_sender_program": "/opt/a b/drive_use"}),
    "an_address_with_an_option": ("reservation_sender_receiver must be", {"reservation_sender_receiver": "-D ALL"}),
    "a_user_of_two_lines": ("reservation_sender_user must be", {"reservation_sender_user": "a\ndefVersion 1"}),
    "a_short_passphrase": ("must have at least 8 characters", {"reservation_sender_priv_passphrase": "1234567"}),
    "a_passphrase_of_two_lines": ("in one line", {"reservation_sender_auth_passphrase": "12345678\n12345678"}),
    "a_port_that_is_none": ("WWN of 16 hexadecimal digits", {"reservation_sender_port": {"protocol": "fc", "id": "1"}}),
    "a_serial_that_is_a_path": ("must be a serial number", {"reservation_sender_drives": [{"serial": "../x"}]}),
    "no_drive": ("reservation_sender_drives is empty", {"reservation_sender_drives": []}),
    "a_drive_twice": ("has a drive twice", {"reservation_sender_drives": [{"serial": "A"}, {"serial": "A "}]}),
    "a_name_of_two_lines": (
        "must be one line each", {"reservation_sender_drives": [{"serial": "A", "names": ["x\nstrict yes"]}]},
    ),
    "a_free_line_that_nobody_reads": (
        "has free_input, but there is no", {"reservation_sender_query_command": []},
    ),
    "a_time_of_nothing": ("must be 1 to 3600 seconds", {"reservation_sender_timeout": 0}),
    "a_directory_that_others_need": ("must contain drive_use", {"reservation_sender_config_directory": "/etc"}),
    "a_directory_for_both": ("must contain drive_use", {"reservation_sender_state_directory": "{config}"}),
    "an_hour": ("must be 0 to 59", {"reservation_sender_sync_minutes": 60}),
}  # fmt: skip


def test_what_was_given_wrongly_is_refused_with_one_sentence(site: Site) -> None:
    hosts = {
        name: {**site.variables, **{key: str(site.config) if value == "{config}" else value for key, value in changes.items()}}
        for name, (_sentence, changes) in WRONG.items()
    }
    inventory = site.folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    role = {"name": "Call it", "ansible.builtin.include_role": {"name": "tapeworks.drive_sharing.reservation_sender"}}
    play = {"name": "Call the role", "hosts": "all", "gather_facts": False, "tasks": [role]}
    said = site.run(site.write([play]), "-i", inventory, status=2)
    failures = dict(re.findall(r"^fatal: \[(\w+)\]: FAILED! => (.*)$", said, re.MULTILINE))
    assert set(failures) == set(WRONG)
    for name, (sentence, _changes) in WRONG.items():
        assert sentence in json.loads(failures[name])["msg"], name
    assert changed(said) == 0
    assert not site.config.exists()
