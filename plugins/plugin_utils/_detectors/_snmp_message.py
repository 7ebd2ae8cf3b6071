# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SNMP messages, read and written: SNMPv2c (RFC 1901), SNMPv3 (RFC 3412), their PDUs (RFC 3416). Private: may change.

Only what a receiver of notifications needs. Everything here may come from anybody: whatever is wrong raises
MalformedError. Nothing here knows of keys; ``_usm.py`` does.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _ber
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._ber import MalformedError

RESPONSE = 0xA2
INFORM = 0xA6
TRAP = 0xA7
REPORT = 0xA8

V1 = 0
V2C = 1
V3 = 3

AUTH = 0x01
PRIV = 0x02
REPORTABLE = 0x04

USM = 3

#: What this receiver can take in one datagram, told to senders (RFC 3412: msgMaxSize).
MAX_SIZE = 65507

_INT32 = 2**31
_MAX_VARBINDS = 1024
_TRAP_OID = _ber.oid("1.3.6.1.6.3.1.1.4.1.0")
_NO_ERROR = _ber.integer(0) + _ber.integer(0)

#: A variable as it came: the name's contents, the value's tag, the value's contents.
Varbind = tuple[bytes, int, bytes]


@dataclass(frozen=True, slots=True)
class Pdu:
    """A PDU of SNMPv2; ``raw`` is its list of variables as it came, for the response."""

    tag: int
    request_id: int
    varbinds: tuple[Varbind, ...]
    raw: bytes

    def notification(self) -> bytes:
        """Give the contents of the notification's OBJECT IDENTIFIER (RFC 3416 4.2.6: the second variable)."""
        for name, tag, value in self.varbinds:
            if name == _TRAP_OID and tag == _ber.OID:
                return value
        msg = "it does not say which notification it is (snmpTrapOID.0 is missing)"
        raise MalformedError(msg)


@dataclass(frozen=True, slots=True)
class Header:
    """The parts of an SNMPv3 message that are not encrypted; ``data`` is its msgData with tag."""

    message_id: int
    max_size: int
    flags: int
    engine_id: bytes
    boots: int
    time: int
    user: bytes
    digest: bytes
    digest_at: int
    salt: bytes
    data_tag: int
    data: bytes


def version(message: bytes) -> tuple[int, int]:
    """Give the version of a message and where its next element is; the message must fill the datagram."""
    start, stop = _ber.expect(message, 0, len(message), _ber.SEQUENCE, "the message")
    if stop != len(message):
        msg = "there is something behind the message"
        raise MalformedError(msg)
    return _ber.number(message, start, stop, "the version", 0, _INT32 - 1)


def read_v2c(message: bytes, at: int) -> tuple[bytes, Pdu]:
    """Give community and PDU of an SNMPv2c message, whose version has been read."""
    community, _start, at = _ber.octets(message, at, len(message), "the community", 255)
    pdu, at = read_pdu(message, at, len(message))
    _at_end(at, len(message))
    return community, pdu


def write_v2c(community: bytes, pdu: bytes) -> bytes:
    """Write an SNMPv2c message around a PDU."""
    return _ber.element(_ber.SEQUENCE, _ber.integer(V2C), _ber.element(_ber.OCTETS, community), pdu)


def read_v3(message: bytes, at: int) -> tuple[Header | None, int]:
    """Give the header of an SNMPv3 message whose version has been read, and its security model.

    There is a header only for the User-based Security Model.
    """
    end = len(message)
    start, stop = _ber.expect(message, at, end, _ber.SEQUENCE, "msgGlobalData")
    message_id, start = _ber.number(message, start, stop, "msgID", 0, _INT32 - 1)
    max_size, start = _ber.number(message, start, stop, "msgMaxSize", 484, _INT32 - 1)
    flags, _start, start = _ber.octets(message, start, stop, "msgFlags", 1)
    model, start = _ber.number(message, start, stop, "msgSecurityModel", 1, _INT32 - 1)
    _at_end(start, stop)
    if not flags or flags[0] & (AUTH | PRIV) == PRIV:
        msg = "its msgFlags ask for encryption without authentication"
        raise MalformedError(msg)
    _parameters, at, security_end = _ber.octets(message, stop, end, "msgSecurityParameters", end)
    if model != USM:
        return None, model
    data_tag, data_start, data_end = _ber.read(message, security_end, end)
    if data_tag != (_ber.OCTETS if flags[0] & PRIV else _ber.SEQUENCE):
        msg = f"msgData is of the wrong type 0x{data_tag:02x}"
        raise MalformedError(msg)
    _at_end(data_end, end)
    # RFC 3414 2.4: UsmSecurityParameters, encoded within the OCTET STRING.
    start, stop = _ber.expect(message, at, security_end, _ber.SEQUENCE, "UsmSecurityParameters")
    _at_end(stop, security_end)
    engine_id, _start, start = _ber.octets(message, start, stop, "msgAuthoritativeEngineID", 32)
    boots, start = _ber.number(message, start, stop, "msgAuthoritativeEngineBoots", 0, _INT32 - 1)
    time, start = _ber.number(message, start, stop, "msgAuthoritativeEngineTime", 0, _INT32 - 1)
    user, _start, start = _ber.octets(message, start, stop, "msgUserName", 32)
    digest, digest_at, start = _ber.octets(message, start, stop, "msgAuthenticationParameters", 64)
    salt, _start, start = _ber.octets(message, start, stop, "msgPrivacyParameters", 64)
    _at_end(start, stop)
    data = message[data_start:data_end]
    header = Header(
        message_id, max_size, flags[0], engine_id, boots, time, user, digest, digest_at, salt, data_tag, data
    )
    return header, model


def write_v3(
    message_id: int,
    flags: int,
    authority: tuple[bytes, int, int],
    user: bytes,
    digest: bytes,
    salt: bytes,
    data: bytes,
) -> tuple[bytes, int]:
    """Write an SNMPv3 message; give it and where in it the digest stands. ``authority`` is engine id, boots, time."""
    engine_id, boots, time = authority
    tail = _ber.element(_ber.OCTETS, salt)
    parameters = _ber.element(
        _ber.SEQUENCE,
        _ber.element(_ber.OCTETS, engine_id),
        _ber.integer(boots),
        _ber.integer(time),
        _ber.element(_ber.OCTETS, user),
        _ber.element(_ber.OCTETS, digest),
        tail,
    )
    message = _ber.element(
        _ber.SEQUENCE,
        _ber.integer(V3),
        _ber.element(
            _ber.SEQUENCE,
            _ber.integer(message_id),
            _ber.integer(MAX_SIZE),
            _ber.element(_ber.OCTETS, bytes((flags,))),
            _ber.integer(USM),
        ),
        _ber.element(_ber.OCTETS, parameters),
        data,
    )
    return message, len(message) - len(data) - len(tail) - len(digest)


def is_scoped_pdu(data: bytes) -> bool:
    """Say whether it begins as a ScopedPDU does; what was decrypted with a wrong key does not."""
    try:
        start, stop = _ber.expect(data, 0, len(data), _ber.SEQUENCE, "")
        _ber.octets(data, start, stop, "", stop)
    except MalformedError:
        return False
    return True


def read_scoped_pdu(data: bytes) -> tuple[bytes, bytes, Pdu]:
    """Give context engine id, context name and PDU of a ScopedPDU; ciphers may have left padding behind it."""
    start, stop = _ber.expect(data, 0, len(data), _ber.SEQUENCE, "the ScopedPDU")
    return read_scope(data[start:stop])


def read_scope(contents: bytes) -> tuple[bytes, bytes, Pdu]:
    """Give the parts of a ScopedPDU from its contents."""
    end = len(contents)
    engine_id, _start, at = _ber.octets(contents, 0, end, "contextEngineID", end)
    name, _start, at = _ber.octets(contents, at, end, "contextName", end)
    pdu, at = read_pdu(contents, at, end)
    _at_end(at, end)
    return engine_id, name, pdu


def write_scoped_pdu(engine_id: bytes, name: bytes, pdu: bytes) -> bytes:
    """Write a ScopedPDU."""
    return _ber.element(_ber.SEQUENCE, _ber.element(_ber.OCTETS, engine_id), _ber.element(_ber.OCTETS, name), pdu)


def read_pdu(data: bytes, at: int, end: int) -> tuple[Pdu, int]:
    """Read a PDU of SNMPv2 and give where it ends."""
    tag, at, stop = _ber.read(data, at, end)
    if tag & 0xE0 != 0xA0:
        msg = f"it has a PDU of the wrong type 0x{tag:02x}"
        raise MalformedError(msg)
    request_id, at = _ber.number(data, at, stop, "request-id", -_INT32, _INT32 - 1)
    _status, at = _ber.number(data, at, stop, "error-status", 0, _INT32 - 1)
    _index, at = _ber.number(data, at, stop, "error-index", 0, _INT32 - 1)
    raw_at = at
    at, list_stop = _ber.expect(data, at, stop, _ber.SEQUENCE, "the list of variables")
    _at_end(list_stop, stop)
    varbinds: list[Varbind] = []
    while at < list_stop:
        start, at = _ber.expect(data, at, list_stop, _ber.SEQUENCE, "a variable")
        name_start, name_stop = _ber.expect(data, start, at, _ber.OID, "a variable's name")
        value_tag, value_start, value_stop = _ber.read(data, name_stop, at)
        _at_end(value_stop, at)
        varbinds.append((data[name_start:name_stop], value_tag, data[value_start:value_stop]))
        if len(varbinds) > _MAX_VARBINDS:
            msg = f"it has more than {_MAX_VARBINDS} variables"
            raise MalformedError(msg)
    return Pdu(tag, request_id, tuple(varbinds), data[raw_at:list_stop]), stop


def write_pdu(tag: int, request_id: int, varbinds: bytes) -> bytes:
    """Write a PDU without an error, around an encoded list of variables."""
    return _ber.element(tag, _ber.integer(request_id), _NO_ERROR, varbinds)


def write_varbinds(*varbinds: tuple[bytes, bytes]) -> bytes:
    """Write a list of variables: pairs of the contents of a name and an encoded value."""
    pairs = (_ber.element(_ber.SEQUENCE, _ber.element(_ber.OID, name), value) for name, value in varbinds)
    return _ber.element(_ber.SEQUENCE, *pairs)


def _at_end(at: int, end: int) -> None:
    if at != end:
        msg = "an element has more in it than it should"
        raise MalformedError(msg)
