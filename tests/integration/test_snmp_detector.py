# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The detector ``snmp`` and a real drive table, with real senders: net-snmp's programs, its daemon, and pysnmp."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _changes, _source
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import snmp
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_maps import MIB

ROOT = Path(__file__).resolve().parents[2]
MIBS = f"{ROOT / 'tests' / 'integration' / 'mibs'}:{ROOT / 'docs' / 'mibs'}"
M = "TAPE-DRIVE-SHARING-MIB::"
AUTH, PRIV = "authentication passphrase", "privacy passphrase"
ENGINE = "800000020109840301"
DRIVE = "1310211169"
FC = {"protocol": "fc", "id": "10000090fa1658de"}
WITHIN = 20.0
SBIN = f"{os.environ['PATH']}:/usr/sbin"

pytestmark = pytest.mark.skipif(shutil.which("snmpinform") is None, reason="this machine has no snmp")
needs_snmpd = pytest.mark.skipif(shutil.which("snmpd", path=SBIN) is None, reason="this machine has no snmpd")

USERS = {
    "library": ("sha256", "SHA-256", "aes128", "AES"),
    "strong": ("sha512", "SHA-512", "aes256", "AES-256"),
    "short_hash": ("sha224", "SHA-224", "aes256", "AES-256"),
}


class Site:
    """A table that outlives the detectors on it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        # net-snmp tells on stderr that it makes it.
        (directory / "persist" / "cert_indexes").mkdir(parents=True)
        self.table = directory / "table.sqlite"
        self.args: dict[str, Any] = {
            "listen": ["127.0.0.1:0", "[::1]:0"],
            "users": [
                {
                    "name": name,
                    "auth_protocol": auth,
                    "priv_protocol": priv,
                    "auth_passphrase": AUTH,
                    "priv_passphrase": PRIV,
                    "security_engine_id": ENGINE,
                }
                for name, (auth, _a, priv, _p) in USERS.items()
            ],
        }

    @contextlib.asynccontextmanager
    async def detector(self, **changes: Any) -> AsyncIterator[Running]:
        """Run a detector on the table."""
        thread = _source.TableThread(str(self.table), "test")
        sink = _source.Sink(thread.call, lambda: None)
        detector = snmp.Detector(snmp.check({**self.args, **changes}), sink, logging.getLogger("test"))
        task = asyncio.create_task(detector.run())
        started = asyncio.create_task(detector.started.wait())
        try:
            await asyncio.wait([task, started], return_when=asyncio.FIRST_COMPLETED, timeout=WITHIN)
            if task.done():
                await task
            yield Running(self, detector, thread)
        finally:
            started.cancel()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            thread.close()


class Running:
    """A running detector, and senders for it."""

    def __init__(self, site: Site, detector: snmp.Detector, thread: _source.TableThread) -> None:
        self.site = site
        self.detector = detector
        self.thread = thread
        self.environment = {
            **os.environ,
            "SNMP_PERSISTENT_DIR": str(site.directory / "persist"),
            "SNMPCONFPATH": str(site.directory),
            "MIBDIRS": MIBS,
            "MIBS": "TAPE-DRIVE-SHARING-MIB",
        }

    async def rows(self) -> dict[str, dict[str, Any]]:
        """Give the drives of the table."""

        def read(store: Any) -> dict[str, dict[str, Any]]:
            with store.read() as tx:
                return {row["drive"]: row for row in _changes.states(tx)}

        return await self.thread.call(read)

    def address(self, family: str) -> str:
        return self.detector.addresses[0] if family == "IPv4" else f"udp6:{self.detector.addresses[1]}"

    async def send(self, program: str, *arguments: str, to: str = "IPv4", retries: int = 0) -> tuple[int, str]:
        """Call snmpinform or snmptrap; give exit status and error output."""
        cut = next(place for place, argument in enumerate(arguments) if argument == "")
        command = [program, *arguments[:cut], "-t", "3", "-r", str(retries), self.address(to), *arguments[cut:]]
        process = await asyncio.create_subprocess_exec(
            *command, env=self.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(WITHIN):
            _output, error = await process.communicate()
        return process.returncode or 0, error.decode()


def v3(user: str = "library", *, auth: str = AUTH, priv: str = PRIV, level: str = "authPriv") -> list[str]:
    _a, auth_name, _p, priv_name = USERS.get(user, USERS["library"])
    keys = ["-a", auth_name, "-A", auth] if level != "noAuthNoPriv" else []
    keys += ["-x", priv_name, "-X", priv] if level == "authPriv" else []
    return ["-v3", "-l", level, "-u", user, *keys]


def reserved(counter: int = 1, drive: str = DRIVE, port: str = "10:00:00:90:FA:16:58:DE") -> list[str]:
    return [
        "", f"{M}tdsDriveReserved",
        f"{M}tdsDriveSerial.0", "s", drive,
        f"{M}tdsDriveStatus.0", "i", "reserved",
        f"{M}tdsHolderProtocol.1", "i", "fc",
        f"{M}tdsHolderIdentifier.1", "s", port,
        f"{M}tdsSenderBoots.0", "u", "1",
        f"{M}tdsSenderCounter.0", "u", str(counter),
        f"{M}tdsChangeTime.0", "x", "07ea0b17061e22002b0000",
        f"{M}tdsLibraryName.0", "s", "library_01",
    ]  # fmt: skip


def released(counter: int = 2, drive: str = DRIVE) -> list[str]:
    return [
        "", f"{M}tdsDriveReleased",
        f"{M}tdsDriveSerial.0", "s", drive,
        f"{M}tdsDriveStatus.0", "i", "released",
        f"{M}tdsReleasingProtocol.0", "i", "unknown",
        f"{M}tdsReleasingIdentifier.0", "s", "",
        f"{M}tdsSenderBoots.0", "u", "1",
        f"{M}tdsSenderCounter.0", "u", str(counter),
    ]  # fmt: skip


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(4 * WITHIN):
            await scenario()

    asyncio.run(bounded())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
@pytest.mark.parametrize("user", USERS)
def test_snmpinform_is_answered_and_its_change_stands_in_the_table(site: Site, user: str, family: str) -> None:
    async def scenario() -> None:
        async with site.detector() as running:
            assert await running.send("snmpinform", *v3(user), *reserved(), to=family) == (0, "")
            row = (await running.rows())[DRIVE]
            holders = row["holders"] if isinstance(row["holders"], list) else json.loads(row["holders"])
            assert (row["status"], holders, row["library"], row["sequence"]) == ("reserved", [FC], "library_01", 1)
            assert await running.send("snmpinform", *v3(user), *released(), to=family) == (0, "")
            assert (await running.rows())[DRIVE]["status"] == "released"
            # The same boots and counter in a new message: known again.
            assert await running.send("snmpinform", *v3(user), *reserved(), to=family) == (0, "")
            row = (await running.rows())[DRIVE]
            assert (row["status"], row["sequence"]) == ("released", 2)

    run(scenario)


def test_a_trap_of_snmpv3_is_taken_from_the_engine_that_is_configured_only(site: Site) -> None:
    async def scenario() -> None:
        async with site.detector() as running:
            other = ENGINE[:-1] + "2"
            assert (await running.send("snmptrap", *v3(), "-e", f"0x{other}", *reserved(1, "OTHER1")))[0] == 0
            assert (await running.send("snmptrap", *v3(), "-e", f"0x{ENGINE}", *reserved()))[0] == 0
            await until(lambda: running.detector.counters().get("written") == 1)
            assert running.detector.counters()["engine"] == 1
            assert set(await running.rows()) == {DRIVE}

    run(scenario)


def test_snmpv2c_is_taken_if_it_was_asked_for(site: Site) -> None:
    v2c = ["-v2c", "-c", "a community"]

    async def scenario() -> None:
        async with site.detector() as running:
            assert (await running.send("snmpinform", *v2c, *reserved()))[0] == 1
            assert await running.rows() == {}
        async with site.detector(allow_v2c=True, communities=["a community"]) as running:
            assert (await running.send("snmpinform", "-v2c", "-c", "public", *reserved(), to="IPv6"))[0] == 1
            assert await running.send("snmpinform", *v2c, *reserved(), to="IPv6") == (0, "")
            assert await running.send("snmptrap", *v2c, *released()) == (0, "")
            await until(lambda: running.detector.counters().get("written") == 2)
            assert (await running.rows())[DRIVE]["status"] == "released"

    run(scenario)


@pytest.mark.parametrize(
    ("options", "kind", "error"),
    [
        (v3(auth="another passphrase"), "digest", "Authentication failure"),
        (v3(priv="another passphrase"), "decryption", "Decryption error"),
        (v3(level="authNoPriv"), "security_level", "Unsupported security level"),
        (v3(level="noAuthNoPriv"), "security_level", "Unsupported security level"),
        (v3("nobody"), "user", "Unknown user name"),
    ],
)
def test_a_wrong_sender_is_told_why_and_reaches_nothing(site: Site, options: list[str], kind: str, error: str) -> None:
    async def scenario() -> None:
        async with site.detector() as running:
            status, text = await running.send("snmpinform", *options, *reserved())
            assert status == 1
            assert error in text
            assert running.detector.counters()[kind] >= 1
            assert await running.rows() == {}

    run(scenario)


def test_a_locked_table_keeps_the_answer_back_and_loses_nothing(site: Site) -> None:
    async def scenario() -> None:
        async with site.detector() as running:
            # The table exists: the engine id is in it.
            lock = sqlite3.connect(site.table, isolation_level=None)
            lock.execute("BEGIN IMMEDIATE")
            status, error = await running.send("snmpinform", *v3(), *reserved())
            assert (status, "Timeout" in error) == (1, True)
            lock.execute("ROLLBACK")
            lock.close()
            # What came while it was locked is written without being sent again.
            await until(lambda: running.detector.counters().get("written") == 1)
            assert await running.send("snmpinform", *v3(), *reserved()) == (0, "")
            assert running.detector.counters()["repeated"] == 1
            assert (await running.rows())[DRIVE]["sequence"] == 1

    run(scenario)


def test_a_sender_that_repeats_gets_through_a_lock_by_itself(site: Site) -> None:
    async def scenario() -> None:
        async with site.detector() as running:
            lock = sqlite3.connect(site.table, isolation_level=None)
            lock.execute("BEGIN IMMEDIATE")
            sending = asyncio.create_task(running.send("snmpinform", *v3(), *reserved(), retries=4))
            await until(lambda: running.detector.counters().get("informs", 0) >= 2)
            assert not sending.done()
            lock.execute("ROLLBACK")
            lock.close()
            assert await sending == (0, "")
            assert (await running.rows())[DRIVE]["sequence"] == 1

    run(scenario)


def test_pysnmp_as_a_sender_that_stays_up_gets_through_after_a_restart(site: Site) -> None:
    api = pytest.importorskip("pysnmp.hlapi.v3arch.asyncio")
    rfc1902 = pytest.importorskip("pysnmp.proto.rfc1902")

    async def scenario() -> None:
        engine = api.SnmpEngine()
        user = api.UsmUserData(
            "strong", AUTH, PRIV,
            authProtocol=api.USM_AUTH_HMAC384_SHA512, privProtocol=api.USM_PRIV_CFB256_AES_BLUMENTHAL,
        )  # fmt: skip

        async def inform(port: int, counter: int) -> Any:
            status = 1 if counter % 2 else 2
            own: list[tuple[str, Any]] = [
                ("1.1.0", rfc1902.OctetString(DRIVE)),
                ("1.2.0", rfc1902.Integer32(status)),
                ("1.3.1.2.1" if status == 1 else "1.4.0", rfc1902.Integer32(status % 2)),
                (
                    "1.3.1.3.1" if status == 1 else "1.5.0",
                    rfc1902.OctetString(hexValue=FC["id"] if status == 1 else ""),
                ),
                ("1.6.0", rfc1902.Unsigned32(1)),
                ("1.7.0", rfc1902.Unsigned32(counter)),
            ]
            every = [
                ("1.3.6.1.2.1.1.3.0", rfc1902.TimeTicks(counter)),
                ("1.3.6.1.6.3.1.1.4.1.0", rfc1902.ObjectIdentifier(f"{MIB}.0.{status}")),
                *((f"{MIB}.{oid}", value) for oid, value in own),
            ]
            target = await api.UdpTransportTarget.create(("127.0.0.1", port), timeout=2, retries=2)
            indication, error, _index, _values = await api.send_notification(
                engine, user, target, api.ContextData(), "inform",
                *((rfc1902.ObjectName(oid), value) for oid, value in every), lookupMib=False,
            )  # fmt: skip
            return indication or error or None

        async with site.detector() as running:
            port = int(running.detector.addresses[0].rpartition(":")[2])
            assert await inform(port, 1) is None
            assert await inform(port, 2) is None
        async with site.detector(listen=[f"127.0.0.1:{port}"]) as running:
            assert await inform(port, 3) is None
            row = (await running.rows())[DRIVE]
            assert (row["status"], row["sequence"]) == ("reserved", 3)
        engine.close_dispatcher()

    run(scenario)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@needs_snmpd
def test_the_daemon_of_net_snmp_gets_through_after_a_restart(site: Site) -> None:
    # It sends an inform of authenticationFailure for each request with a wrong community; a map makes changes of them.
    maps = [{
        "notification": "1.3.6.1.6.3.1.1.5.5",
        "drive": {"by": "serial", "value": DRIVE},
        "status": {"value": "reserved"},
    }]  # fmt: skip

    async def scenario() -> None:
        port, agent_port = free_port(), free_port()
        settings = site.directory / "snmpd.conf"
        settings.write_text(
            f"agentaddress udp:127.0.0.1:{agent_port}\n"
            "rocommunity right 127.0.0.1\nauthtrapenable 1\n"
            f'trapsess -Ci -v 3 -u library -l authPriv -a SHA-256 -A "{AUTH}" -x AES -X "{PRIV}" -r 5 -t 1'
            f" udp:127.0.0.1:{port}\n"
        )
        daemon: asyncio.subprocess.Process | None = None
        try:
            for boots in (1, 2, 3):
                async with site.detector(listen=[f"127.0.0.1:{port}"], maps=maps) as running:
                    if daemon is None:
                        daemon = await asyncio.create_subprocess_exec(
                            shutil.which("snmpd", path=SBIN) or "snmpd", "-f", "-Lf", str(site.directory / "snmpd.log"),
                            "-C", "-c", str(settings), "-p", str(site.directory / "snmpd.pid"), env=running.environment,
                        )  # fmt: skip
                    async with asyncio.timeout(WITHIN):
                        while not running.detector.counters().get("answered"):
                            request = await asyncio.create_subprocess_exec(
                                "snmpget", "-v2c", "-c", "wrong", "-t", "1", "-r", "0",
                                f"127.0.0.1:{agent_port}", "1.3.6.1.2.1.1.3.0",
                                env={**running.environment, "MIBS": ""}, stderr=asyncio.subprocess.DEVNULL,
                            )  # fmt: skip
                            await request.wait()
                    # After a restart the daemon still has the boots that it knew, and is told the new ones.
                    assert boots == 1 or running.detector.counters()["time_window"] >= 1
                    assert daemon.returncode is None
                    assert boots == int(
                        await _source.Sink(running.thread.call, lambda: None).meta_get("snmp_engine_boots") or 0
                    )
        finally:
            if daemon is not None and daemon.returncode is None:
                daemon.terminate()
                await daemon.wait()

    run(scenario)


def fences(language: str) -> list[str]:
    """Give the examples of the documentation."""
    text = (ROOT / "docs" / "event_source_snmp.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_documentation_work(site: Site) -> None:
    commands = fences("shell")
    assert len(commands) == 2
    site.args["users"][0]["name"] = "library1"

    async def scenario() -> None:
        async with site.detector() as running:
            for command, status in zip(commands, ("reserved", "released"), strict=True):
                process = await asyncio.create_subprocess_shell(
                    command.replace("192.0.2.1:162", running.address("IPv4")),
                    env={**running.environment, "AUTH": AUTH, "PRIV": PRIV, "MIBS": ""},
                    cwd=ROOT,
                    stderr=asyncio.subprocess.PIPE,
                )
                _output, error = await process.communicate()
                assert (process.returncode, error.decode()) == (0, "")
                assert (await running.rows())[DRIVE]["status"] == status

    run(scenario)


def test_the_map_of_the_documentation_is_valid(tmp_path: Path) -> None:
    (example,) = fences("yaml")
    for number, path in enumerate(re.findall(r"/etc/drive_sharing/\S+", example)):
        file = tmp_path / str(number)
        file.write_text(f"passphrase {number}\n")
        file.chmod(0o600)
        example = example.replace(path, str(file))
    config = snmp.check(yaml.safe_load(example)["drive_sharing_snmp"])
    assert [user.name for user in config.users] == ["library1"]
    assert len(config.maps) == 3


def test_a_burst_of_informs_is_taken_without_a_loss(tmp_path: Path) -> None:
    script = ROOT / "tests" / "bench" / "snmp_informs.py"
    command = [sys.executable, str(script), "--count", "300", "--drives", "50", "--directory", str(tmp_path)]
    roots = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "PYTHONPATH": roots}
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["lost"], figures["counters"]["written"]) == (0, 300)
