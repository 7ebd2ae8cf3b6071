# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sender of notifications, in the words of RFC 3414, for the tests of the detector ``snmp``."""

from __future__ import annotations

from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_maps import MIB
from ansible_collections.tapeworks.drive_sharing.tests.bench import snmp_wire as wire

AUTH_PASSPHRASE = "authentication"
PRIV_PASSPHRASE = "privacy of it"


def value_of(value: Any) -> bytes:
    """Encode a variable's value: bytes are an OCTET STRING, text with a leading dot an OID, a pair is taken as it is."""
    match value:
        case bytes():
            return wire.element(wire.OCTETS, value)
        case str() if value.startswith("."):
            return wire.element(wire.OID, wire.oid(value[1:]))
        case str():
            return wire.element(wire.OCTETS, value.encode())
        case int():
            return wire.integer(value)
        case (tag, contents):
            return wire.element(tag, contents)
    raise TypeError(value)


class Agent:
    """Writes messages for one engine, as one user."""

    def __init__(
        self,
        engine_id: bytes,
        boots: int = 1,
        *,
        user: str = "library",
        auth: str = "sha256",
        priv: str = "aes128",
        auth_passphrase: str = AUTH_PASSPHRASE,
        priv_passphrase: str = PRIV_PASSPHRASE,
    ) -> None:
        self.authority = (engine_id, boots, 0)
        self.keys = wire.keys(user, auth, priv, auth_passphrase, priv_passphrase, engine_id)
        self.salt = 0

    @staticmethod
    def variables(notification: str, *variables: tuple[str, Any], uptime: int = 1) -> bytes:
        """Encode sysUpTime.0, snmpTrapOID.0 and the variables given."""
        every = (
            ("1.3.6.1.2.1.1.3.0", (wire.TIME_TICKS, wire.integer(uptime)[2:])),
            ("1.3.6.1.6.3.1.1.4.1.0", f".{notification}"),
            *variables,
        )
        return wire.varbinds(*((wire.oid(name), value_of(value)) for name, value in every))

    @classmethod
    def reserved(cls, number: int = 1, /, **changes: Any) -> bytes:
        """Encode the variables of tdsDriveReserved; ``changes`` by object name, None leaves one out."""
        objects: dict[str, tuple[str, Any]] = {
            "serial": ("1.1.0", "1310211169"),
            "status": ("1.2.0", 1),
            "protocol": ("1.3.1.2.1", 1),
            "id": ("1.3.1.3.1", "10:00:00:90:FA:16:58:DE"),
            "boots": ("1.6.0", 7),
            "counter": ("1.7.0", number),
            "library": ("1.9.0", "library_01"),
        }
        for name, value in changes.items():
            oid, _value = objects.pop(name)
            if value is not None:
                objects[name] = (oid, value)
        return cls.variables(f"{MIB}.0.1", *((f"{MIB}.{oid}", value) for oid, value in objects.values()))

    def scoped(self, variables: bytes, *, tag: int = wire.INFORM, request_id: int = 1) -> bytes:
        """Put a PDU into a scope."""
        pdu = wire.pdu(tag, request_id, variables)
        return wire.scoped(self.authority[0], b"", pdu)

    def message(
        self,
        variables: bytes,
        *,
        tag: int = wire.INFORM,
        request_id: int = 1,
        flags: int = 7,
        message_id: int = 1,
        time: int | None = None,
    ) -> bytes:
        """Write an authenticated message, by default reportable and encrypted."""
        engine_id, boots, own = self.authority
        self.salt += 1
        scoped = self.scoped(variables, tag=tag, request_id=request_id)
        if tag == wire.TRAP:
            flags &= ~wire.REPORTABLE
        authority = (engine_id, boots, own if time is None else time)
        return wire.protected(self.keys, message_id, flags, authority, scoped, self.salt.to_bytes(8, "big"))

    def plain(self, variables: bytes, *, user: bytes, flags: int = 4, tag: int = wire.INFORM) -> bytes:
        """Write a message without protection."""
        scoped = self.scoped(variables, tag=tag)
        return wire.v3(1, flags, self.authority, user, b"", b"", scoped)[0]

    def read(self, message: bytes) -> wire.Answer:
        """Read a response or report as a sender does: what claims to be authentic must be."""
        return wire.read(message, self.keys)
