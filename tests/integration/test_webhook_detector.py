# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source with the detector webhook and a real drive table; the sender is the one of the documentation."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _source, _store
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import webhook

PAGE = Path(__file__).parents[2] / "docs" / "event_source_webhook.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DRIVE = "1310211169"


def fence(language: str) -> str:
    """Give the one block of a language on the page."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A certificate and a secret."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=controller", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", tmp_path / "controller.key", "-out", tmp_path / "controller.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    for name in ("gateway1.secret", "monitor.secret"):
        (tmp_path / name).write_text(f"{SECRET}\n")
        (tmp_path / name).chmod(0o600)
    (tmp_path / "controller.key").chmod(0o600)
    return tmp_path


def options(files: Path) -> dict[str, Any]:
    """Give the example of the page, with files that are there."""
    return dict(yaml.safe_load(fence("yaml").replace("/etc/drive_sharing", str(files)))["drive_sharing_webhook"])


@contextlib.asynccontextmanager
async def running(files: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Run the event source as the engine does; gives the URL of the first sender."""
    made: list[webhook.Detector] = []

    class Known(webhook.Detector):
        """A detector that the test can ask for its port."""

        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(webhook, "Detector", Known)
    args = {**options(files), "listen": ["127.0.0.1:0"]}
    args["senders"][0]["addresses"] = ["127.0.0.1"]

    async def put(_event: Any) -> None:
        """Nobody is known to see the drive, so nothing is emitted."""

    config = _source.check({"table": str(files / "table.sqlite"), "site": "test", "webhook": args, "snmp": {}})
    task = asyncio.create_task(_source.serve(put, config))
    try:
        async with asyncio.timeout(60):
            while not made and not task.done():  # noqa: ASYNC110  nobody tells of it
                await asyncio.sleep(0.01)
            await made[0].started.wait()
        yield f"https://{made[0].addresses[0]}/reservations/gateway1"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def send(files: Path, url: str, script: str) -> str:
    """Run the sender of the page."""
    code = f"url = {url!r}\n" + script.replace("/etc/gateway/secret", str(files / "gateway1.secret"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "SSL_CERT_FILE": str(files / "controller.crt")},
    )  # fmt: skip
    output, error = await process.communicate()
    return output.decode() + "".join(error.decode().splitlines()[-1:])


def test_the_sender_of_the_documentation_reaches_the_drive_table(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with running(files, monkeypatch) as url:
            script = fence("python")
            assert await send(files, url, script) == '{"results": [{"result": "written"}]}\n'
            assert await send(files, url, script) == '{"results": [{"result": "unchanged"}]}\n'
            # The same message again is known again, though the drive was released since.
            fixed = script.replace('f"msg_{secrets.token_hex(16)}"', '"msg_1"')
            released = fixed.replace('"reserved", "holders": [{"protocol": "fc", "id": "10000090fa1658de"}]', '"released"')
            assert '"holders"' not in released
            assert await send(files, url, released) == '{"results": [{"result": "written"}]}\n'
            assert await send(files, url, released) == '{"results": [{"result": "repeated"}]}\n'
            assert "401" in await send(files, url, script.replace("now.encode(), body", "now.encode(), body[1:]"))
            assert "404" in await send(files, url.replace("gateway1", "monitor"), script)
        store = _store.open_store(str(files / "table.sqlite"))
        with store.read() as tx:
            (row,) = tx.execute("SELECT drive, status, sequence, detector FROM drives")
        store.close()
        assert row == {"drive": DRIVE, "status": "released", "sequence": 2, "detector": "webhook"}

    asyncio.run(story())


def test_the_options_of_the_documentation_are_valid_and_all_are_there(files: Path) -> None:
    config = webhook.check(options(files))
    assert [sender.name for sender in config.senders] == ["gateway1", "monitor"]
    for module in ("OPTIONS", "SENDER_OPTIONS"):
        for option in getattr(webhook._webhook_arguments, module):
            assert f"`{option}`" in PAGE.read_text(encoding="utf-8")
