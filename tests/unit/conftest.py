# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of all unit tests."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is no fault of the code; what must be quick is measured by the benchmarks.
settings.register_profile("drive_sharing", deadline=None)
settings.load_profile("drive_sharing")
