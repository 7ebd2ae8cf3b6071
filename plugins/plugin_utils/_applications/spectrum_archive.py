# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IBM Spectrum Archive Enterprise Edition, by eeadm. Private: may change at any time.

What ``eeadm drive list --json`` prints is known from the scripts of others. That ``id`` is the serial number, the words for states,
and the arguments of the verbs are not verified: everything is configurable, and the query is what counts.
"""

from __future__ import annotations

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured import Configured
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured_options import Product

__all__ = ["OPTIONS", "SCOPES", "check", "queries", "read", "settings"]

#: One object of the list, in whatever order its keys stand.
_OBJECT = r'\{(?=[^{}]*"id" *: *"(?P<name>(?P<serial>[^"]+))")(?=[^{}]*"state" *: *"(?P<state>[^"]*)")[^{}]*\}'
_PRODUCT = Configured(
    Product(
        "spectrum_archive",
        defaults={
            "query_command": ["eeadm", "drive", "list", "--json"],
            "offline_command": ["eeadm", "drive", "down", "{name}"],
            "online_command": ["eeadm", "drive", "up", "{name}"],
            "query_pattern": _OBJECT,
            # The whole list, to its end.
            "query_valid_pattern": r'"payload"\s*:\s*\[(?:[^\[\]]|\[[^\[\]]*\])*\]',
            "online_pattern": "(?i)not_mounted|mounted|mounting|unmounting",
            "offline_pattern": "(?i)unassigned|down|offline",
            "in_use_pattern": r'"task_id"\s*:\s*"[^"]+"|"state"\s*:\s*"(?:mounted|mounting|unmounting)"',
        },
    )
)
OPTIONS = _PRODUCT.options
#: A drive belongs to one node at a time, and any node says so.
SCOPES = ("instance",)

check = _PRODUCT.check
queries = _PRODUCT.queries
read = _PRODUCT.read
settings = _PRODUCT.settings
