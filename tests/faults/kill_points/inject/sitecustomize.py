# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send a signal at a named point of our own code, once; for processes that have this folder on PYTHONPATH.

The variable DRIVE_SHARING_KILL_POINT is JSON:

    {"steps": [["_play:claim", "before", ""]], "who": "play", "signal": 9, "marker": "/path"}

``steps``: functions or methods of plugin_utils, each with before or after, and a text that must be in its arguments; the
signal is sent when the last one is passed, if the others were passed before it in this order by the same process.
``who``: ``self`` (the process that comes there, in a play a worker), ``play`` (the ansible-playbook that it belongs to; the
workers go on, as they do), ``all`` (both and all other workers). Before the signal the numbers of its processes are written
to the file ``marker``; if that is there already nothing happens.
"""

from __future__ import annotations

import functools
import importlib.abc
import inspect
import json
import os
import signal
import sys

UTILS = "ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils."
VARIABLE = "DRIVE_SHARING_KILL_POINT"


class First(list):
    """The import system's finders: Ansible puts its own before all others, and comes second here."""

    def insert(self, place, finder):
        """Insert, but not in front of ours."""
        super().insert(max(1, place), finder)


class KillPoint(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Wraps the functions of the steps when their modules are loaded."""

    def __init__(self, steps, who, marker, signal=signal.SIGKILL):
        self.steps = [tuple(step) for step in steps]
        self.who, self.marker, self.signal = who, marker, signal
        self.passed = 0
        self.loaders = {}

    def find_spec(self, fullname, path=None, target=None):
        """Find a module of ours by the finders that come after this one."""
        if fullname.startswith(UTILS) and any(fullname[len(UTILS):] == step.partition(":")[0] for step, _when, _text in self.steps):
            for finder in sys.meta_path[1:]:
                spec = finder.find_spec(fullname, path, target)
                if spec is not None:
                    self.loaders[fullname], spec.loader = spec.loader, self
                    return spec
        return None

    def create_module(self, spec):
        """As the module's own loader."""
        return self.loaders[spec.name].create_module(spec)

    def exec_module(self, module):
        """As the module's own loader; then wrap."""
        self.loaders[module.__name__].exec_module(module)
        for step in dict.fromkeys(step for step, _when, _text in self.steps):
            name, _colon, function = step.partition(":")
            if module.__name__ == UTILS + name:
                *holder, last = function.split(".")
                place = functools.reduce(getattr, holder, module)
                setattr(place, last, self.wrapped(step, getattr(place, last)))

    def wrapped(self, step, function):
        """The function with the two points, before and after it."""
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            self.point(step, "before", args)
            result = function(*args, **kwargs)
            self.point(step, "after", args)
            return result

        @functools.wraps(function)
        async def waiting(*args, **kwargs):
            self.point(step, "before", args)
            result = await function(*args, **kwargs)
            self.point(step, "after", args)
            return result

        return waiting if inspect.iscoroutinefunction(function) else wrapper

    def point(self, step, when, args):
        """Take note of a point that is passed; the last one is the end."""
        if self.passed < len(self.steps):
            *wanted, text = self.steps[self.passed]
            if wanted == [step, when] and (not text or text in repr(args)):
                self.passed += 1
                if self.passed == len(self.steps):
                    self.strike()

    def strike(self):
        """Send the signal, this process last."""
        victims = {"self": [os.getpid()], "play": [os.getppid()], "all": family(os.getppid())}[self.who]
        try:
            handle = os.open(self.marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return
        os.write(handle, json.dumps(victims).encode())
        os.close(handle)
        for pid in victims:
            os.kill(pid, self.signal)


def family(parent):
    """A process and its children, this one last."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            continue
        if entry.isdigit() and int(fields[1]) == parent and int(entry) != os.getpid():
            found.append(int(entry))
    return [parent, *found, os.getpid()]


def arm():
    """Set up what the variable asks for."""
    if os.environ.get(VARIABLE):
        sys.meta_path = First([KillPoint(**json.loads(os.environ[VARIABLE])), *sys.meta_path])


arm()
