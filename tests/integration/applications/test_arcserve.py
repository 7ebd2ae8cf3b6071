# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role application_arcserve, and changes, with what a site could have: none of Arcserve Backup's commands is verified."""

from __future__ import annotations

from ansible_collections.tapeworks.drive_sharing.tests.integration.applications import site_commands
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import Told

PRODUCT = site_commands.describe("arcserve", "{name}")
STORIES = site_commands.stories("arcserve", "Arcserve Backup")


def test_story(told: Told) -> None:
    assert told.error is None
