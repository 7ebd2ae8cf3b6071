# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any product, by configured argument lists and patterns. Private: may change at any time."""

from __future__ import annotations

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured import Configured
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured_options import Product

__all__ = ["OPTIONS", "SCOPES", "SHELLS", "check", "queries", "read", "settings"]

_PRODUCT = Configured(Product("custom"))
OPTIONS = _PRODUCT.options
#: What the product is, nobody but its administrator knows.
SCOPES = ("host", "instance")
SHELLS = ("sh", "powershell")

check = _PRODUCT.check
queries = _PRODUCT.queries
read = _PRODUCT.read
settings = _PRODUCT.settings
