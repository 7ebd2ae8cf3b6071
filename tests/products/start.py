# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start a fake product: ``start.py FILE PROGRAM WORD...``; it needs nothing but Python and the folder that it stands in."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PACKAGE = "ansible_collections.tapeworks.drive_sharing.tests.products"


def packages() -> None:
    """Have the fakes under the name by which the tests import them, without anything that is installed."""
    name = ""
    places = {f"{PACKAGE}": FOLDER, PACKAGE.rpartition(".")[0]: FOLDER.parent}
    for part in PACKAGE.split("."):
        name = f"{name}.{part}".lstrip(".")
        package = types.ModuleType(name)
        package.__path__ = [str(places[name])] if name in places else []
        sys.modules[name] = package


if __name__ == "__main__":
    packages()
    file = Path(sys.argv[1])
    sys.modules[PACKAGE].__path__.append(str(file.parent))
    module = importlib.import_module(f"{PACKAGE}.{file.stem}")
    base = importlib.import_module(f"{PACKAGE}.product")
    sys.exit(base.find(module).main(sys.argv[2], sys.argv[3:]))
