# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import netvault
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.unit.plugins.plugin_utils._applications.site_commands import (
    SiteCommands,
)


class TestNetVault(SiteCommands):
    module, name, product = netvault, "netvault", "NetVault"


def test_the_page_of_faults_has_what_is_said() -> None:
    with pytest.raises(InvalidValueError) as caught:
        netvault.check({})
    fault("netvault-commands").seen_in(str(caught.value))
