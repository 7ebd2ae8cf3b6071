# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Arcserve Backup, by the site's own commands: none of the product's is verified. Private: may change at any time."""

from __future__ import annotations

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured import Configured
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured_options import Product

__all__ = ["OPTIONS", "SCOPES", "SHELLS", "check", "queries", "read", "settings"]

_PRODUCT = Configured(
    Product(
        "arcserve",
        unverified="no command of Arcserve Backup that shows or sets drives is verified; docs/application_arcserve.md says how to find"
        " and try one",
    )
)
OPTIONS = _PRODUCT.options
#: Each server manages its devices; a site with one primary server for all says so.
SCOPES = ("host", "instance")
SHELLS = ("sh", "powershell")

check = _PRODUCT.check
queries = _PRODUCT.queries
read = _PRODUCT.read
settings = _PRODUCT.settings
