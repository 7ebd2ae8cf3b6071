# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a test has as PowerShell: it finds the request in what Ansible sends, and gives it to the stand-in of our module."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import step

MODULE = "application_step_windows.ps1"


def main() -> None:
    """Take Ansible's manifest of the module from standard input, and print what the module would print."""
    text = sys.stdin.read()
    if log := os.environ.get("WINDOWS_LOG"):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps([sys.argv[1:], text])}\n")
    module, request = step.sent(text)
    assert module.endswith(MODULE), module
    print(json.dumps(step.answer(request)))


main()
