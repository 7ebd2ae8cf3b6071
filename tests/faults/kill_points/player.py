# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ansible-playbook many times for the price of its imports once: every play is a fork of this process.

Reads lines of JSON, {"words": [...], "environment": {...}, "directory": "...", "log": "..."}; answers each with the number
of the new process. What it prints goes to LOG, its exit status to LOG.status, if it comes to its end.
"""

from __future__ import annotations

import json
import os
import signal
import sys

import ansible.cli
import sitecustomize
from ansible.cli.playbook import PlaybookCLI
from ansible.plugins import loader


def play(words, environment, directory, log):
    """Be ansible-playbook."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), output, output)):
        os.dup2(file, number)
    os.close(output)
    sitecustomize.arm()
    status = 0
    try:
        PlaybookCLI.cli_executor(["ansible-playbook", *words])
    except SystemExit as exc:
        status = int(exc.code or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    with open(f"{log}.status", "w", encoding="ascii") as file:
        file.write(str(status))
    os._exit(status)


def serve():
    """Fork for every line."""
    loader.init_plugin_loader()
    ansible.cli.init_plugin_loader = lambda *_args, **_kwargs: None
    for kind in (loader.filter_loader, loader.test_loader):
        list(kind.all())
    # Nobody waits for the plays here.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        pid = os.fork()
        if not pid:
            play(**request)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
