# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import importlib.util
import logging
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _dispatcher, _last_resort, _source

ROOT = Path(__file__).resolve().parents[4]


class EngineQueue:
    """As ansible-rulebook gives it to its sources."""

    __module__ = "ansible_rulebook.engine"

    async def put(self, _event: Any) -> None:
        """Take an event."""


def test_an_engine_that_does_not_end_by_itself_is_ended_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    ended: list[int] = []
    with caplog.at_level(logging.CRITICAL, "tapeworks.drive_sharing"):
        timer = _last_resort.prepare(EngineQueue(), 0.01, ended.append)
        assert timer is not None
        assert timer.daemon, "an engine that ends by itself must not have to wait for it"
        timer.join(20)
    assert ended == [1]
    assert "so that the service manager starts it anew" in caplog.text


def test_a_process_that_is_not_the_engines_is_left_alone() -> None:
    assert _last_resort.prepare(asyncio.Queue(), 0.0) is None


def source() -> Any:
    """The event source, loaded by its path."""
    path = ROOT / "extensions" / "eda" / "plugins" / "event_source" / "reservations.py"
    spec = importlib.util.spec_from_file_location("reservations_for_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("fault", "raised"), [(_dispatcher.DeafEngineError("it is deaf"), ValueError), (RuntimeError("nobody foresaw it"), RuntimeError)]
)
def test_whatever_ends_the_source_sees_to_the_end_of_the_engine(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, raised: type[Exception]
) -> None:
    async def serve(_put: Any, _config: Any) -> None:
        raise fault

    prepared: list[tuple[Any, float]] = []
    monkeypatch.setattr(_source, "serve", serve)
    monkeypatch.setattr(_last_resort, "prepare", lambda queue, seconds: prepared.append((queue, seconds)))
    queue = EngineQueue()
    args = {
        "table": "/tmp/none.sqlite", "dispatcher": {"claim_timeout": 7},
        "snmp": {"listen": ["127.0.0.1:0"], "allow_v2c": True, "communities": ["community"]},
    }  # fmt: skip
    with pytest.raises(raised):
        asyncio.run(source().main(queue, args))
    assert prepared == [(queue, 7)]


def test_a_source_that_is_cancelled_leaves_the_engine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(_put: Any, _config: Any) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(_source, "serve", serve)
    monkeypatch.setattr(_source, "check", lambda _args: _source.Config("", None, {}, _dispatcher.Options()))
    monkeypatch.setattr(_last_resort, "prepare", lambda *_words: pytest.fail("it was to be left alone"))
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(source().main(EngineQueue(), {}))
