# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Play the demo as an ordinary user, in a checkout of its own that has seen nothing yet."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from pathlib import Path

import checkout
import commands
from jobs import NOT_RUN, PASSED, Outcome, done, failed
from places import LOGS, ROOT, environment

SET_UP_LIMIT = 900.0
STORY_LIMIT = 300.0
USER = "nobody"


class OrdinaryUser:
    """The demo in two jobs, so that only the story, which measures seconds, has to be alone."""

    def __init__(self) -> None:
        self.root = os.geteuid() == 0
        self.place: Path | None = None

    def set_up(self) -> Outcome:
        """Copy the checkout and set up the demo there, with Java from PyPI as on a machine that has none."""
        log = LOGS / "demo-set-up.txt"
        log.unlink(missing_ok=True)
        if not (ROOT / "demo" / "story.py").exists():
            return Outcome(NOT_RUN, note="there is no demo/story.py yet")
        if self.root:
            if not shutil.which("setpriv"):
                return Outcome(NOT_RUN, note="setpriv (util-linux) is missing, to become an ordinary user")
            self.place = Path(tempfile.mkdtemp(prefix="drive_sharing_demo_"))
            copied = self.place / "drive_sharing"
            copied.mkdir()
            checkout.copy(copied)
            (self.place / "home").mkdir()
            self._give_away(self.place)
        status = self._make(["demo-set-up", "JAVA=pypi"] if self.root else ["demo-set-up"], log, SET_UP_LIMIT)
        if status != 0:
            return failed("; ".join(commands.tail(log, 2)))
        return done()

    def play(self) -> Outcome:
        """Play the story; its exit status says whether all went as told."""
        log = LOGS / "demo.txt"
        log.unlink(missing_ok=True)
        status = self._make(["demo", "JAVA=pypi"] if self.root else ["demo"], log, STORY_LIMIT)
        again = [line for line in commands.tail(log, 10_000) if line.startswith("set-up:")]
        if again:
            return failed(f"a second run set up again: {again[0]}")
        if status == 0:
            return Outcome(PASSED, passed=1)
        lines = [line for line in commands.tail(log, 10) if not line.startswith(("make", "The logs are"))]
        return failed(lines[-1].strip() if lines else f"exit status {status}")

    def clean(self) -> None:
        """Remove the copied checkout."""
        if self.place:
            shutil.rmtree(self.place, ignore_errors=True)

    def _give_away(self, place: Path) -> None:
        user = pwd.getpwnam(USER)
        for folder, _folders, names in os.walk(place):
            for path in (folder, *(os.path.join(folder, name) for name in names)):
                os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)

    def _make(self, targets: list[str], log: Path, limit: float) -> int:
        if not self.root or not self.place:
            return commands.run(["make", "--no-print-directory", *targets], log, environment(), ROOT, limit)
        user = pwd.getpwnam(USER)
        kept = {
            name: value
            for name, value in environment().items()
            if name.startswith(("PIP_", "SSL_")) or name.lower().endswith("_proxy")
        }
        kept.pop("PIP_CACHE_DIR", None)
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.place / "home"), "LC_ALL": "C.UTF-8", **kept}
        # The home that the system knows of this user does not exist.
        env["ANSIBLE_REMOTE_TMP"] = str(self.place / "home" / "tmp")
        become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
        return commands.run(
            [*become, "make", "--no-print-directory", *targets], log, env, self.place / "drive_sharing", limit
        )
