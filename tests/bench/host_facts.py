# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long does ansible-playbook take to record what 10,000 hosts have told? ``make bench`` runs it.

    PYTHONPATH=build/collections ANSIBLE_COLLECTIONS_PATH=$PWD/build/collections \
        build/venv/2.19/bin/python tests/bench/host_facts.py [--hosts N] [--drives N] [--per-drive N]

It plays the recording part of the playbook host_facts: what the asking part registers of each host is in the inventory
here, as asking 10,000 hosts would measure their answers. Beside it, the same play without the recording: what
ansible-playbook takes to read such an inventory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import table
import yaml

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _store

HERE = Path(__file__).resolve()
PLAYBOOK = HERE.parents[2] / "playbooks" / "host_facts.yml"


def inventory(options: argparse.Namespace, location: str) -> dict[str, object]:
    """Give an inventory whose hosts have told of their drives and ports."""
    sees: list[list[str]] = [[] for _turn in range(options.hosts)]
    for drive in range(options.drives):
        for place in range(options.per_drive):
            sees[(drive * options.per_drive + place) % options.hosts].append(f"D{drive:05d}")
    variables = {
        f"host{number:05d}": {
            "drive_sharing_host_facts": {
                "changed": False, "notes": [], "platform": "linux",
                "drives": [
                    {"serial": serial, "vendor": "IBM", "model": "ULT3580-TD9", "devices": ["/dev/nst0", "/dev/st0"], "paths": []}
                    for serial in names
                ],
                "ports": [{**table.port(2 * number + turn), "state": "online", "device": f"host{turn}"} for turn in range(2)],
                "instances": [{"instance": f"i{number}", "application": "custom"}],
            },
        }
        for number, names in enumerate(sees)
    }  # fmt: skip
    return {
        "drive_sharing": {"hosts": list(variables), "vars": {"drive_sharing_table": location, "drive_sharing_site": "bench"}},
        "_meta": {"hostvars": variables},
    }


def play(directory: Path, name: str, plays: list[dict[str, object]]) -> tuple[float, float]:
    """Run a playbook; give its seconds and the most memory that one of its processes had, MiB."""
    path = directory / f"{name}.yml"
    path.write_text(yaml.safe_dump(plays), encoding="utf-8")
    started = time.monotonic()
    words = [Path(sys.executable).with_name("ansible-playbook"), "-i", directory / "inventory", path]
    with (directory / f"{name}.txt").open("w") as log, subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT) as process:
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError((directory / f"{name}.txt").read_text()[-2000:])
    return time.monotonic() - started, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--drives", type=int, default=1000)
    parser.add_argument("--per-drive", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        location = str(directory / "table.sqlite")
        _store.open_store(location, create=True, site="bench").close()
        (directory / "hosts.json").write_text(json.dumps(inventory(options, location)), encoding="utf-8")
        script = directory / "inventory"
        script.write_text(f"#!/bin/sh\ncat {directory / 'hosts.json'}\n")
        script.chmod(0o755)
        recording = next(play for play in yaml.safe_load(PLAYBOOK.read_text(encoding="utf-8")) if play["name"] == "Record what was found")
        nothing = {**recording, "tasks": [{"ansible.builtin.debug": {"msg": "{{ ansible_play_hosts_all | length }}"}, "run_once": True}]}
        table.tell(f"{options.hosts} hosts, {options.drives} drives, {options.per_drive} hosts a drive", "seconds / MiB")
        for what, plays in (
            ("ansible-playbook with such an inventory, that records nothing", [nothing]),
            ("recording what all hosts have told", [recording]),
            ("the same again, nothing changed", [recording]),
        ):
            seconds, most = play(directory, "play", plays)
            table.tell(what, f"{seconds:.1f} / {most:.0f}")
        store = _store.open_store(location)
        with store.read() as tx:
            kept = tx.execute("SELECT COUNT(*) AS hosts FROM hosts")[0]["hosts"]
            pairs = tx.execute("SELECT COUNT(*) AS pairs FROM seen")[0]["pairs"]
        store.close()
        table.tell("recorded: hosts, and drives of hosts", f"{kept}, {pairs}")
        if (kept, pairs) != (options.hosts, options.drives * options.per_drive):
            sys.exit("Not everything is recorded.")


if __name__ == "__main__":
    main()
