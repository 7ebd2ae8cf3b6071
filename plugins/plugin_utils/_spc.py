# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drive answers to PERSISTENT RESERVE IN, decoded to the byte. Private: may change at any time.

The clauses are those of SPC-3 (INCITS 408-2005): 6.11 PERSISTENT RESERVE IN, 7.5.4 TransportID. Nothing here raises an
exception, whatever the bytes are: what is wrong with them is ``fault``, and then nothing of them may be believed.

The received length is never taken for the length of the data: over Fibre Channel targets fill the whole allocation with
zeros. And ADDITIONAL LENGTH is not always the length of all there is: LIO counts only what fits into the allocation
(measured), SPC-3 wants the full length. So an answer that could have been cut at the end of the allocation is a fault
as well, and has to be asked for with more room.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

#: SPC-3 6.11.1, table 101: the service actions of PERSISTENT RESERVE IN (operation code 5Eh).
OPERATION = 0x5E
READ_KEYS, READ_RESERVATION, REPORT_CAPABILITIES, READ_FULL_STATUS = range(4)

#: SPC-3 6.11.3.4, table 107: persistent reservation type codes.
TYPES = {
    1: "write exclusive",
    3: "exclusive access",
    5: "write exclusive, registrants only",
    6: "exclusive access, registrants only",
    7: "write exclusive, all registrants",
    8: "exclusive access, all registrants",
}
#: Those of which every registrant is a holder.
ALL_REGISTRANTS = (7, 8)

HEADER = 8
#: SPC-3 6.11.5, table 111: bytes of a full status descriptor before its TransportID.
_DESCRIPTOR = 24
_KEY = 8
#: The longest TransportID is one of iSCSI: 4 bytes, a name of 223, ",i,0x", 12 digits, a NUL, and its padding.
LONGEST = _DESCRIPTOR + 4 + 244

FCP, SAS, ISCSI = 0, 6, 5
_PROTOCOLS = {FCP: "Fibre Channel", 1: "parallel SCSI", 2: "SSA", 3: "IEEE 1394", 4: "RDMA", ISCSI: "iSCSI", SAS: "SAS", 10: "SOP"}
_BINARY_LENGTH = 24


@dataclass(frozen=True, slots=True)
class Registrant:
    """One registered I_T nexus."""

    key: int
    holder: bool
    #: None: not a port that the collection knows the form of; ``name`` says what stood there.
    port: dict[str, Any] | None
    name: str
    #: None: it is registered at all target ports (ALL_TG_PT).
    target_port: int | None


@dataclass(frozen=True, slots=True)
class FullStatus:
    """READ FULL STATUS."""

    generation: int = 0
    registrants: tuple[Registrant, ...] = ()
    #: Of the reservation; None: nobody holds one.
    type: int | None = None
    fault: str = ""
    #: The answer may be good if it is asked for with a larger allocation.
    short: bool = False


@dataclass(frozen=True, slots=True)
class Reservation:
    """READ RESERVATION; ``type`` None: there is none."""

    generation: int = 0
    key: int = 0
    type: int | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Keys:
    """READ KEYS: a key for each registered nexus, so one may be there several times."""

    generation: int = 0
    keys: tuple[int, ...] = ()
    fault: str = ""


def command(service_action: int, allocation: int) -> bytes:
    """Give the CDB (SPC-3 6.11.1, table 100)."""
    return bytes((OPERATION, service_action & 31, 0, 0, 0, 0, 0, *min(allocation, 0xFFFF).to_bytes(2, "big"), 0))


def type_name(code: int) -> str:
    """Name a type for people."""
    return TYPES.get(code, f"type {code}")


def full_status(data: bytes, allocated: int) -> FullStatus:
    """Decode READ FULL STATUS (SPC-3 6.11.5, tables 110 and 111); ``allocated``: bytes that were asked for."""
    generation, body, fault, short = _parts(data, allocated, LONGEST)
    if fault:
        return FullStatus(generation, fault=fault, short=short)
    found: list[Registrant] = []
    kinds: set[int] = set()
    place = 0
    while place < len(body):
        number = len(found) + 1
        head = body[place : place + _DESCRIPTOR]
        place += _DESCRIPTOR
        if len(head) < _DESCRIPTOR:
            return FullStatus(generation, fault=f"READ FULL STATUS breaks off in its descriptor {number}")
        end = place + int.from_bytes(head[20:24], "big")
        if end > len(body):
            return FullStatus(generation, fault=f"READ FULL STATUS breaks off in the TransportID of its descriptor {number}")
        key, holder = int.from_bytes(head[:_KEY], "big"), bool(head[12] & 1)
        # To register key 0 is to unregister (SPC-3 5.6.6): this is no descriptor but zeros that a target filled in.
        if not key:
            return FullStatus(generation, fault=f"READ FULL STATUS has a descriptor with the key 0, number {number}")
        if holder:
            if head[13] >> 4:
                fault = f"READ FULL STATUS shows a reservation of scope {head[13] >> 4}, not of the whole logical unit"
                return FullStatus(generation, fault=fault)
            kinds.add(head[13] & 15)
        port, name, fault = transport_id(body[place:end])
        if fault:
            return FullStatus(generation, fault=f"READ FULL STATUS, descriptor {number}: {fault}")
        target_port = None if head[12] & 2 else int.from_bytes(head[18:20], "big")
        found.append(Registrant(key, holder, port, name, target_port))
        place = end
    if len(kinds) > 1:
        names = " and ".join(type_name(kind) for kind in sorted(kinds))
        return FullStatus(generation, fault=f"READ FULL STATUS shows two reservations at once, {names}")
    kind = next(iter(kinds), None)
    if kind in ALL_REGISTRANTS:
        # SPC-3 5.6.8: every registered nexus is a holder, whatever bits a target sets.
        found = [Registrant(one.key, True, one.port, one.name, one.target_port) for one in found]
    return FullStatus(generation, tuple(found), kind)


def reservation(data: bytes, allocated: int) -> Reservation:
    """Decode READ RESERVATION (SPC-3 6.11.3, tables 104 and 105)."""
    generation, body, fault, _short = _parts(data, allocated, 16)
    if fault:
        return Reservation(generation, fault=fault.replace("FULL STATUS", "RESERVATION"))
    if not body:
        return Reservation(generation)
    if len(body) < 16:
        return Reservation(generation, fault=f"READ RESERVATION has {len(body)} bytes, not 16")
    if body[13] >> 4:
        fault = f"READ RESERVATION shows a reservation of scope {body[13] >> 4}, not of the whole logical unit"
        return Reservation(generation, fault=fault)
    if not body[13]:
        return Reservation(generation, fault="READ RESERVATION shows a reservation without a type")
    return Reservation(generation, int.from_bytes(body[:_KEY], "big"), body[13] & 15)


def read_keys(data: bytes, allocated: int) -> Keys:
    """Decode READ KEYS (SPC-3 6.11.2, table 102)."""
    generation, body, fault, _short = _parts(data, allocated, _KEY)
    if fault:
        return Keys(generation, fault=fault.replace("FULL STATUS", "KEYS"))
    if len(body) % _KEY:
        return Keys(generation, fault=f"READ KEYS has {len(body)} bytes, which is no number of keys")
    return Keys(generation, tuple(int.from_bytes(body[place : place + _KEY], "big") for place in range(0, len(body), _KEY)))


def transport_id(data: bytes) -> tuple[dict[str, Any] | None, str, str]:
    """Give port, name and fault of a TransportID (SPC-3 7.5.4, tables 248 and following).

    A protocol or format that is not known is no fault: then there is no port, and the name says what stood there. A fault
    is a TransportID that cannot be one.
    """
    if len(data) < 4:
        return None, "", f"a TransportID has at least 4 bytes, not {len(data)}"
    protocol, form = data[0] & 15, data[0] >> 6
    if protocol == ISCSI and form <= 1:
        return _iscsi(data)
    if protocol in (FCP, SAS) and form == 0:
        if len(data) < _BINARY_LENGTH:
            return None, "", f"a TransportID of {_PROTOCOLS[protocol]} has 24 bytes, not {len(data)}"
        # SPC-3 7.5.4.2 and SPL: N_Port_Name in bytes 8 to 15, SAS address in bytes 4 to 11.
        part = data[8:16] if protocol == FCP else data[4:12]
        return _port("fc", _identifiers.wwn, part.hex()) if protocol == FCP else _port("sas", _identifiers.sas, part.hex())
    kind = _PROTOCOLS.get(protocol, f"protocol {protocol}")
    return None, f"{kind}{f', format {form}' if form else ''}: {data[: _BINARY_LENGTH].hex(' ')}", ""


def _iscsi(data: bytes) -> tuple[dict[str, Any] | None, str, str]:
    """SPC-3 7.5.4.6: an iSCSI name, in format 1 with the ISID of the session behind it, ended by a NUL and padded."""
    length = int.from_bytes(data[2:4], "big")
    if 4 + length > len(data):
        return None, "", f"a TransportID of iSCSI says {length} bytes of name, and has {len(data) - 4}"
    name, nul, rest = data[4 : 4 + length].partition(b"\0")
    if rest.strip(b"\0"):
        return None, "", "the name in a TransportID of iSCSI goes on behind its end"
    # Without its end it may be the beginning of a longer one. LIO leaves the NUL out where the name fills its four bytes.
    if not nul and length % 4:
        return None, "", "the name in a TransportID of iSCSI has no end"
    if data[0] >> 6 and b",i,0x" not in name:
        return None, "", "the name of an iSCSI port in a TransportID has no ISID"
    try:
        text = name.decode("ascii")
    except UnicodeDecodeError:
        return None, f"iSCSI: {name[:60].hex(' ')}", ""
    return _port("iscsi", _identifiers.iqn, text)


def _port(protocol: str, form: Callable[[object, str], str], text: str) -> tuple[dict[str, Any] | None, str, str]:
    try:
        port = {"protocol": protocol, "id": form(text, "port")}
    except InvalidValueError:
        # A port that says zeros, or a name that is none, is a port that cannot be read.
        return None, f"{protocol} {text[:60]!r}", ""
    return port, f"{protocol} {port['id']}", ""


def _parts(data: bytes, allocated: int, room: int) -> tuple[int, bytes, str, bool]:
    """Give generation, body and fault of an answer with the usual header, and whether more room may mend it.

    ``room``: how much of an element could be missing behind the last byte without anybody saying so.
    """
    if len(data) < HEADER:
        return 0, b"", f"READ FULL STATUS has {len(data)} bytes, and needs 8", allocated < HEADER + room
    generation = int.from_bytes(data[:4], "big")
    length = int.from_bytes(data[4:8], "big")
    cut = HEADER + length + room > allocated
    if len(data) < HEADER + length:
        return generation, b"", f"READ FULL STATUS says {length} bytes, and has {len(data) - HEADER}", cut
    if cut:
        return generation, b"", f"READ FULL STATUS may have been cut at the {allocated} bytes that were asked for", True
    return generation, data[HEADER : HEADER + length], "", False
