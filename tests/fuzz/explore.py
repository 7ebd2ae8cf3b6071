# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Search with atheris for inputs that a target does not bear: python tests/fuzz/explore.py TARGET FOLDER SECONDS SEED.

FOLDER/corpus has the inputs from which the search starts, and gets those that reached something new; an input that
failed is written to FOLDER/found. FOLDER/octets has the number of octets of all inputs, little end first. ``search.py`` calls
this, as atheris never gives control back.
"""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import atheris

#: What is watched for new ground: our own path, and what reads the datagrams for it.
WATCHED = [
    "ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils",
    "pysnmp.proto.mpmod",
    "pysnmp.proto.secmod",
    "pysnmp.proto.rfc1902",
    "pysnmp.proto.rfc1905",
    "pyasn1.codec.ber.decoder",
]
#: Octets of an input at most; long ones make the search slow. What is long by nature is in the samples.
LONGEST = 4096


def main() -> None:
    """Search for so many seconds."""
    name, folder, seconds, seed = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    with atheris.instrument_imports(include=WATCHED):
        from ansible_collections.tapeworks.drive_sharing.tests.fuzz import targets

        target = targets.make(name)
    octets, counted = 0, folder / "octets"
    counted.write_bytes(bytes(8))
    with counted.open("r+b") as file:
        shared = mmap.mmap(file.fileno(), 8)

    def run(data: bytes) -> None:
        nonlocal octets
        octets += len(data)
        shared[:] = octets.to_bytes(8, "little")
        target.run(data)

    options = {
        "max_total_time": max(1, round(seconds)), "seed": seed, "max_len": LONGEST, "timeout": 20, "rss_limit_mb": 2000,
        "artifact_prefix": f"{folder}/found/", "print_final_stats": 1, "reload": 0,
    }  # fmt: skip
    atheris.Setup(
        ["explore", *(f"-{key}={value}" for key, value in options.items()), str(folder / "corpus")], run
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
