# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control points that run Windows, as far as Ansible can tell: PowerShell there is a program that stands in for our module."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


class WindowsHost:
    """A directory with what the host has: its files, its programs and cmdlets, and a log of what PowerShell was given."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bin = directory / "bin"
        self.root = directory / "root"
        self.log = directory / "log"
        self.bin.mkdir(parents=True)
        self.root.mkdir()
        self.prelude = directory / "prelude"
        self.prelude.write_text("")
        words = shlex.join([sys.executable, "-I", "-S", str(HERE / "powershell.py")])
        # ansible-core 2.21 writes it small.
        for name in ("PowerShell", "powershell"):
            program = self.bin / name
            program.write_text(
                f"#!/bin/sh\nWINDOWS_ROOT={self.root}\nWINDOWS_LOG={self.log}\nexport WINDOWS_ROOT WINDOWS_LOG\n"
                f'. {self.prelude}\nexec {words} "$@"\n'
            )
            program.chmod(0o755)
        self.shell = directory / "shell"
        self.shell.write_text(f'#!/bin/sh\nPATH={self.bin}:$PATH\nexport PATH\nexec /bin/sh "$@"\n')
        self.shell.chmod(0o755)

    @property
    def variables(self) -> dict[str, Any]:
        """How Ansible reaches it."""
        return {
            "ansible_connection": "local", "ansible_shell_type": "powershell",
            # As winrm, psrp and ssh to Windows do.
            "ansible_pipelining": True,
            # What the local connection runs commands with.
            "ansible_shell_executable": str(self.shell),
        }  # fmt: skip

    @property
    def records(self) -> Path:
        """Where the records are by default."""
        return self.root / "C" / "ProgramData" / "drive_sharing"

    def first(self, script: str) -> None:
        """Have PowerShell do this first: ``exit 1``, ``sleep 60``."""
        self.prelude.write_text(f"{script}\n")
