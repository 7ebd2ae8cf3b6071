# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to a library's SNMP agent. Private: may change at any time.

By pysnmp, which the collection needs anyhow: the programs of net-snmp take passphrases and communities as words of their command line,
where every user of the controller can read them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action import LimitReachedError, limit
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._listen import secret_lines
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import MissingLibraryError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library import Answer, Set, Walk

try:
    from pysnmp.error import PySnmpError
    from pysnmp.hlapi.v3arch import asyncio as hlapi
    from pysnmp.proto.rfc1902 import Integer32, ObjectName, OctetString
    from pysnmp.proto.rfc1905 import EndOfMibView
except ImportError:
    hlapi = EndOfMibView = Integer32 = ObjectName = OctetString = None
    PySnmpError = OSError

#: A library has some hundred drives; what shows more rows than this has no end.
MOST = 5000
_AUTH = {
    "sha224": "usmHMAC128SHA224AuthProtocol", "sha256": "usmHMAC192SHA256AuthProtocol", "sha384": "usmHMAC256SHA384AuthProtocol",
    "sha512": "usmHMAC384SHA512AuthProtocol", "sha": "usmHMACSHAAuthProtocol", "md5": "usmHMACMD5AuthProtocol",
}  # fmt: skip
# As net-snmp and its kin make the longer keys (draft-blumenthal-aes-usm).
_PRIV = {
    "aes128": "usmAesCfb128Protocol", "aes192": "usmAesBlumenthalCfb192Protocol", "aes256": "usmAesBlumenthalCfb256Protocol",
    "des": "usmDESPrivProtocol",
}  # fmt: skip


class Client:
    """One agent. The secrets are in pysnmp's keys, and nowhere else."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        if hlapi is None:
            msg = "the Python package pysnmp is not there; install it into the environment of ansible-playbook"
            raise MissingLibraryError(msg)
        self._options = options
        self._who = self._identity()
        self._loop = asyncio.new_event_loop()
        self._engine: Any = None

    def __call__(self, call: Walk | Set) -> Answer:
        """Make one call; two datagrams at most for each request."""
        seconds = self._options["timeout"]
        try:
            # A table of many rows takes many requests; the time is for one of them.
            with limit(seconds * 10):
                return self._loop.run_until_complete(self._call(call))
        except LimitReachedError:
            return Answer(None, error=f"it took longer than {seconds * 10} s to show a table")
        except (PySnmpError, OSError, ValueError) as exc:
            return Answer(None, error=first_words(str(exc), 160) or type(exc).__name__)

    def close(self) -> None:
        """Let go of the socket."""
        if self._engine is not None:
            self._loop.call_soon(self._engine.close_dispatcher)
            self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _identity(self) -> Any:
        options = self._options
        if options["version"] != "3":
            community = secret_lines(options["community_file"], "the community file of the library")[0]
            return hlapi.CommunityData(community, mpModel=0 if options["version"] == "1" else 1)
        secrets = [secret_lines(options[f"{kind}_passphrase_file"], f"the {kind} passphrase file of the library")[0] for kind in ("auth", "priv")]
        return hlapi.UsmUserData(
            options["user"], *secrets, authProtocol=getattr(hlapi, _AUTH[options["auth_protocol"]]),
            privProtocol=getattr(hlapi, _PRIV[options["priv_protocol"]]),
        )  # fmt: skip

    async def _call(self, call: Walk | Set) -> Answer:
        if self._engine is None:
            self._engine = hlapi.SnmpEngine()
        host, port = self._options["address"], self._options["port"]
        kind = hlapi.Udp6TransportTarget if ":" in host else hlapi.UdpTransportTarget
        transport = await kind.create((host, port), timeout=self._options["timeout"] / 2, retries=1)
        if isinstance(call, Set):
            return await self._set(call, transport)
        return await self._walk(call, transport)

    async def _set(self, call: Set, transport: Any) -> Answer:
        varbind = (ObjectName(call.name), Integer32(call.value))
        indication, status, _index, _varbinds = await hlapi.set_cmd(
            self._engine, self._who, transport, hlapi.ContextData(), varbind, lookupMib=False
        )
        return self._answer(indication, status, {})

    async def _walk(self, call: Walk, transport: Any) -> Answer:
        column = tuple(int(part) for part in call.column.split("."))
        rows: dict[str, Any] = {}
        last = column
        while True:
            indication, status, _index, varbinds = await hlapi.next_cmd(
                self._engine, self._who, transport, hlapi.ContextData(), (ObjectName(last), hlapi.Null("")), lookupMib=False
            )
            # What SNMPv1 says at the end of everything.
            if not indication and int(status) == _NO_SUCH_NAME and self._options["version"] == "1":
                return self._answer(None, 0, rows)
            if indication or status or not varbinds:
                return self._answer(indication, status, rows)
            name, value = varbinds[0]
            found = tuple(name)
            if found[: len(column)] != column or isinstance(value, EndOfMibView):
                return self._answer(None, 0, rows)
            if found <= last:
                return Answer(None, error="the rows of its table are in no order")
            rows[".".join(map(str, found[len(column) :]))] = _plain(value)
            last = found
            if len(rows) > MOST:
                return Answer(None, error=f"its table has more than {MOST} rows")

    def _answer(self, indication: Any, status: Any, rows: Mapping[str, Any]) -> Answer:
        if indication:
            words = first_words(str(indication), 120).rstrip(".")
            late = "no snmp response" in words.lower()
            return Answer(None, error=f"it took longer than {self._options['timeout']} s" if late else words)
        if int(status):
            return Answer(int(status), status.prettyPrint(), did="answered with error")
        return Answer(0, json.dumps(rows), good=True)


_NO_SUCH_NAME = 2


def _plain(value: Any) -> int | str | None:
    if isinstance(value, OctetString):
        return bytes(value).decode("utf-8", "replace").strip(" \t\0")
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
