# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Emit a batch of reservation changes of tape drives, once they stand in the drive table."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

try:
    from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _last_resort, _source
    from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
        DriveSharingError,
    )
except ImportError:
    # ansible-rulebook runs this file by its path, without the collection loader: put the folder
    # above ansible_collections on the path. Not resolved: the collection may be a link.
    _HERE = Path(__file__).absolute()
    _ROOT = next((folder.parent for folder in _HERE.parents if folder.name == "ansible_collections"), None)
    if _ROOT is None:
        raise
    sys.path.insert(0, str(_ROOT))
    from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _last_resort, _source
    from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
        DriveSharingError,
    )

DOCUMENTATION = r"""
short_description: Notice that the reservation of a tape drive changed
description:
  - Detectors notice changes of the reservations of tape drives; each change is written to the drive table first,
    and acknowledged to its sender only then.
  - The dispatcher emits batches of changes. The event holds nothing but the batch's id, because text from the network
    would reach the playbook as a trusted variable; the playbook
    V(tapeworks.drive_sharing.reservation_change) reads the changes from the table.
  - The source ends only on wrong arguments, or when the rule engine claims nothing any more; run
    ansible-rulebook under a service manager that starts it again. If ansible-rulebook has not ended C(claim_timeout)
    seconds later, because its plays hang, the source ends its process.
version_added: 0.1.0
author:
  - Tapeworks maintainers (@tapeworks)
options:
  table:
    description:
      - The drive table, a file's path or a C(postgresql://) URL. A URL belongs into the environment variable
        E(DRIVE_SHARING_TABLE), so that no password is seen in a file or a list of processes.
      - Without it E(DRIVE_SHARING_TABLE) counts, then C(/var/lib/drive_sharing/table.sqlite) for root, and
        C(~/.local/state/drive_sharing/table.sqlite) for others.
      - A file that is missing is created with mode 0600.
    type: str
  site:
    description:
      - The site's name, written into a new table; a table of another name is refused. Default of a new table is the
        host's name.
    type: str
  snmp:
    description:
      - The detector V(snmp); its options are described in C(docs/event_source_snmp.md).
    type: dict
  scsi:
    description:
      - The detector V(scsi), which reads drives of this machine again and again; its options are described in
        C(docs/event_source_scsi.md).
    type: dict
  webhook:
    description:
      - The detector V(webhook); its options are described in C(docs/event_source_webhook.md).
    type: dict
  dispatcher:
    description:
      - Options of the dispatcher, all of them numbers, the times in seconds.
      - C(batches) is the most batches under way at once, default 4. C(changes) is the most changes in a batch, default 500.
      - C(claim_timeout) is how long the playbook may take to claim a batch before it is emitted again, default 30;
        after C(emissions) of them, default 4, the source ends.
      - C(gather) is the time within which changes that follow each other go into one batch while others are under
        way, default 0.1, at most C(gather_most), default 0.5.
      - C(poll_interval) is how often the table is asked for what plays wrote, default 0.1.
      - C(keep_history) is how long the history is kept, default 90 days.
      - C(release_hold) is how long a release waits before it is dispatched, default 5 with the detector V(scsi), else 0;
        anything newer of the drive takes its place.
      - C(offline_alert) is the time after which a drive that is kept from an application is told of, default a day; with 0 it never is.
    type: dict
  alerts:
    description:
      - Whether each line that an operator should read in the log is an event too, so that a rule can send it on.
      - The event C(drive_alert) has C(version), C(kind), C(drives) with the serial numbers of 100 drives at the most,
        C(count) with the number of all, and C(entry), the number of the entry of the history that has the sentence. The module
        M(tapeworks.drive_sharing.drive_table_info) reads that. The sentence itself is not in the event, because it may have text of
        hosts and libraries, which would reach the playbook as a trusted variable.
    type: bool
    default: false
notes:
  - The ruleset must say C(hosts) as V(all,localhost) and C(execution_strategy) as V(parallel).
"""

EXAMPLES = r"""
- name: Share tape drives
  hosts: all,localhost
  execution_strategy: parallel
  sources:
    - name: reservations
      tapeworks.drive_sharing.reservations:
        table: /var/lib/drive_sharing/table.sqlite
        snmp:
          listen: ["0.0.0.0:162", "[::]:162"]
          users:
            - name: library
              auth_protocol: sha256
              auth_passphrase_file: /etc/drive_sharing/auth
              priv_protocol: aes128
              priv_passphrase_file: /etc/drive_sharing/priv
          maps: [tape_drive_sharing]
  rules:
    - name: A reservation changed
      condition: event.reservation_change is defined
      action:
        run_playbook:
          name: tapeworks.drive_sharing.reservation_change
"""


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Run until cancelled; a wrong argument ends it at once with one sentence."""
    patience = _last_resort.PATIENCE
    try:
        config = _source.check(args)
        patience = config.dispatcher.claim_timeout
        await _source.serve(queue.put, config)
    except Exception as exc:
        _last_resort.prepare(queue, patience)
        if not isinstance(exc, DriveSharingError):
            raise
        # The engine logs the text of the exception: one sentence, without what led to it.
        msg = f"reservations: {exc}"
        raise ValueError(msg) from None


if __name__ == "__main__":
    """Try the source without an engine: python reservations.py table.sqlite 127.0.0.1:1162 user passphrase passphrase"""

    class _Printing:
        """A queue that prints."""

        async def put(self, event: dict[str, Any]) -> None:
            """Print the event."""
            sys.stdout.write(f"{event}\n")
            sys.stdout.flush()

    _TABLE, _LISTEN, _USER, _AUTH, _PRIV = sys.argv[1:6]
    asyncio.run(
        main(
            _Printing(),  # type: ignore[arg-type]
            {
                "table": _TABLE,
                "snmp": {
                    "listen": [_LISTEN],
                    "users": [{"name": _USER, "auth_passphrase_file": _AUTH, "priv_passphrase_file": _PRIV}],
                },
            },
        ),
    )
