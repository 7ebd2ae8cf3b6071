# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control points that run Windows, as far as Ansible can tell: PowerShell there is a program that stands in for our module."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


class WindowsHost:
    """A directory with what the host has: its drive C:, its programs and cmdlets, and a log of what PowerShell was given."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.log = root / "powershell.jsonl"
        self.bin.mkdir(parents=True, exist_ok=True)
        self.prelude = root / "prelude"
        self.prelude.write_text("")
        words = shlex.join([sys.executable, "-I", "-S", str(HERE / "powershell.py")])
        exports = {"WINDOWS_ROOT": self.root, "WINDOWS_LOG": self.log}
        lines = [f"{name}={shlex.quote(str(value))}\nexport {name}\n" for name, value in exports.items()]
        # ansible-core 2.21 writes it small.
        for name in ("PowerShell", "powershell"):
            program = self.bin / name
            program.write_text(f'#!/bin/sh\n{"".join(lines)}. {shlex.quote(str(self.prelude))}\nexec {words} "$@"\n')
            program.chmod(0o755)
        self.shell = root / "shell"
        self.shell.write_text(f'#!/bin/sh\nPATH={shlex.quote(str(self.bin))}:$PATH\nexport PATH\nexec /bin/sh "$@"\n')
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
        return self.root / "ProgramData" / "drive_sharing"

    def first(self, script: str) -> None:
        """Have PowerShell do this first: ``exit 1``, ``sleep 60``; nothing: it is well again."""
        self.prelude.write_text(f"{script}\n")

    def given(self) -> list[tuple[list[str], str]]:
        """What PowerShell was given so far: its arguments, and its standard input."""
        return [tuple(json.loads(line)) for line in self.log.read_text(encoding="utf-8").splitlines()] if self.log.exists() else []
