# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one input again: python tests/fuzz/replay.py TARGET HEX.

For the targets map and change, the input is JSON instead.
"""

from __future__ import annotations

import json
import sys

from ansible_collections.tapeworks.drive_sharing.tests.fuzz import properties, targets


def main() -> None:
    """Run it; what comes up is shown as it is."""
    name, given = sys.argv[1:]
    if name in properties.NAMES:
        properties.NAMES[name](json.loads(given))
    else:
        targets.make(name).run(bytes.fromhex(given))
    print("It is borne.")


if __name__ == "__main__":
    main()
