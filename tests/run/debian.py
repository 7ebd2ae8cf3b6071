# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages of bindep.txt: installed by root, named for everybody else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import commands
from places import ROOT, SetUpError, environment

APT_LIMIT = 900.0
POLICY = Path("/usr/sbin/policy-rc.d")


#: Profiles of bindep.txt: what all stages need, and what only the stage lab needs, which can be left out.
TEST, LAB = "test", "lab"


def wanted(profile: str) -> list[str]:
    """Read the packages of a profile of bindep.txt."""
    lines = (ROOT / "bindep.txt").read_text(encoding="utf-8").splitlines()
    row = re.compile(rf"([a-z0-9][a-z0-9.+-]*) \[platform:dpkg {profile}\]")
    return [found.group(1) for line in lines if (found := row.fullmatch(line))]


def missing(profile: str) -> list[str]:
    """Give the packages of a profile that are not installed, or all where there is no dpkg to ask."""
    packages = wanted(profile)
    if not shutil.which("dpkg-query"):
        return packages
    words = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *packages]
    result = subprocess.run(words, capture_output=True, text=True, check=False, env=environment())
    installed = {line.split()[0] for line in result.stdout.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def can_install() -> bool:
    """Tell whether we may and can install packages."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str], log: Path) -> None:
    """Install packages without starting the services that come with them."""
    env = environment(extra={"DEBIAN_FRONTEND": "noninteractive"})
    update = ["apt-get", "-q", "update"]
    words = ["apt-get", "-q", "-y", "--no-install-recommends", "install", *packages]
    with _no_services():
        # A list that is out of date installs as a rule; one that is not there never does.
        commands.run(update, log, env, ROOT, APT_LIMIT)
        if commands.run(words, log, env, ROOT, APT_LIMIT) != 0:
            said = "\n  ".join(commands.tail(log, 8))
            raise SetUpError(
                f"apt-get could not install {', '.join(packages)}; the whole output is in {log}:\n  {said}"
            )


@contextmanager
def _no_services() -> Iterator[None]:
    # The tests start servers of their own on loopback: installing them must not open an sshd or snmpd to the world.
    # https://www.debian.org/doc/debian-policy/ch-opersys.html#interfacing-with-init-systems
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
