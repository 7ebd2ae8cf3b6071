# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the end-to-end story of the lab runs inside the guest.

usage: in_guest.py sshd DIRECTORY          an sshd with keys of its own
       in_guest.py detector FILE           the event source's detector; FILE has the source's arguments, in JSON

The detector is the source's own, with the source's own way into the drive table. What is left out is the dispatcher, which
hands changes to a rule engine: there is none in the guest.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from pathlib import Path

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _source
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import scsi
from ansible_collections.tapeworks.drive_sharing.tests.sshd import sshd

PORT = 22


async def detect(config: _source.Config) -> None:
    """Read drives and write into the table until killed."""
    thread = _source.TableThread(config.table, config.site)
    await _source.open_table(thread)
    sink = _source.Sink(thread.call, lambda: None, release_hold=config.dispatcher.release_hold)
    await scsi.run(config.detectors["scsi"], sink, _source.LOGGER.getChild("scsi"))


def main() -> None:
    """Do what the command line says, until killed."""
    part, given = sys.argv[1:]
    if part == "sshd":
        with sshd(Path(given), ["0.0.0.0"], port=PORT):
            signal.pause()
    else:
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        print("The detector starts.", flush=True)
        asyncio.run(detect(_source.check(json.loads(Path(given).read_text(encoding="utf-8")))))


if __name__ == "__main__":
    main()
