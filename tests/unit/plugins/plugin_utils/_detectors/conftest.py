# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Senders, clocks and certificates for the tests of the detectors."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.bench.snmp_agent import Agent


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def agent() -> Callable[..., Agent]:
    """Make agents."""
    return Agent


@pytest.fixture
def clock() -> Clock:
    """Stand still."""
    return Clock()


@pytest.fixture(scope="session")
def new_certificate() -> Callable[[Path], tuple[Path, Path]]:
    """Make a certificate that has signed itself, for 127.0.0.1; gives its file and that of its key."""

    def make(directory: Path) -> tuple[Path, Path]:
        directory.mkdir()
        cert, key = directory / "cert.pem", directory / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=drive_sharing", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
            check=True, capture_output=True,
        )  # fmt: skip
        key.chmod(0o600)
        return cert, key

    return make


@pytest.fixture(scope="session")
def certificate(
    new_certificate: Callable[[Path], tuple[Path, Path]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """One for all tests."""
    return new_certificate(tmp_path_factory.mktemp("certificate") / "files")
