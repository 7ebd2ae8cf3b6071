# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NetVault, by the site's own commands: none of the product's is verified. Private: may change at any time."""

from __future__ import annotations

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured import Configured
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured_options import Product

__all__ = ["OPTIONS", "SCOPES", "SHELLS", "check", "queries", "read", "settings"]

_PRODUCT = Configured(
    Product(
        "netvault",
        unverified="no command of NetVault that shows or sets drives is verified; docs/application_netvault.md says how to find"
        " and try one",
    )
)
OPTIONS = _PRODUCT.options
#: Devices belong to the NetVault server; a site whose commands work on each client says so.
SCOPES = ("instance", "host")
SHELLS = ("sh", "powershell")

check = _PRODUCT.check
queries = _PRODUCT.queries
read = _PRODUCT.read
settings = _PRODUCT.settings
