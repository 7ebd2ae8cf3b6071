# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of "make test" as nox sessions, for those whose fingers know nox; the Makefile stays the one place."""

from __future__ import annotations

import sys

import nox

nox.options.default_venv_backend = "none"


@nox.session
@nox.parametrize("stage", ["lint", "sanity", "unit", "integration", "fuzz", "faults", "e2e", "demo"])
def test(session: nox.Session, stage: str) -> None:
    """Run one group of stages, in the environments of build/venv."""
    session.run(sys.executable, "tests/run", "test", stage, external=True)
