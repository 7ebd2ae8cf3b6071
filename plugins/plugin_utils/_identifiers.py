# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One written form for every name of a drive, a port, a host and a batch. Private: may change at any time.

Every function takes what a person, a host or the network wrote, and gives the one form in which the collection stores
and compares it, or raises InvalidValueError: ``<what> must be ..., not <what was given, cut to 60 characters>``.
``what`` is the place of the value as its author knows it, for example ``drive_sharing_ports[2].id``.
The standard library's ipaddress is used, not netaddr: that takes more for an address than one is (10, 0x0a.1, 010.0.0.1), and its
EUI knows nothing of the padding, prefixes and placeholders of WWNs.
Only text is taken: YAML reads an unquoted ``1310211169`` or ``20:00:00:24:55:00:01:10`` as a number, with other digits.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

PROTOCOLS = ("fc", "iscsi", "sas", "ip")

_HEX16 = re.compile(r"[0-9a-f]{16}")
_WWN_SEPARATORS = str.maketrans("", "", ":-. \t")
_SERIAL = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_HOST = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.:-]{0,252}")
_INSTANCE = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.:-]{0,63}")
_APPLICATION = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LOCATION = re.compile(r"[0-9A-Za-z][0-9A-Za-z ,._:/()-]{0,63}")
_BATCH = re.compile(r"[0-9A-Z]{26}")

# RFC 3720 3.2.6.3: iqn.<year>-<month>.<reversed domain>[:<text>], eui.<16 digits>; RFC 3980: naa.<16 or 32 digits>.
# RFC 3722 6.2 leaves only - . : of the ASCII punctuation; the underscore is against it, and in use.
_ISCSI_NAME = re.compile(
    r"iqn\.[0-9]{4}-(?:0[1-9]|1[0-2])\.[a-z0-9][a-z0-9._-]*(?::[a-z0-9._:-]+)?"
    r"|eui\.[0-9a-f]{16}"
    r"|naa\.[0-9a-f]{16}(?:[0-9a-f]{16})?"
)
_ISCSI_NAME_LIMIT = 223
# The ISID that makes a name the name of an initiator *port* (RFC 3720 3.4.1): six bytes in hexadecimal.
_ISID = re.compile(r",i,0x[0-9a-f]{1,12}\Z")

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BATCH_TIME_LIMIT = 1 << 48
_BATCH_ENTROPY_BYTES = 10

_SHOWN = 60


def wwn(text: object, what: str = "WWN") -> str:
    """Give a WWNN or WWPN as 16 lower-case hexadecimal digits, from any usual writing.

    Removed are a leading ``0x``, colons, hyphens, full stops and blanks. All zeros and all ones are refused: drivers report them
    for a port that has no name (Linux presets ``fc_host`` with ones).
    """
    return _hex16(text, what, "a WWN of 16 hexadecimal digits")


def sas(text: object, what: str = "SAS address") -> str:
    """Give a SAS address as 16 lower-case hexadecimal digits; the same writings as for a WWN are understood."""
    return _hex16(text, what, "a SAS address of 16 hexadecimal digits")


def iqn(text: object, what: str = "iSCSI name") -> str:
    """Give an iSCSI name (``iqn.``, ``eui.`` or ``naa.``) in lower case, at most 223 characters long.

    RFC 3722 folds case, so names that differ only in it are one name. The suffix ``,i,0x<ISID>`` of an initiator port
    name is removed: reservations carry it, host facts do not, and the initiator is the same. Names outside of ASCII,
    which RFC 3722 would allow, are refused: no initiator in use has them, and a look-alike would be another host.
    """
    form = "an iSCSI name such as iqn.2026-11.com.example:host1, eui.<16 digits> or naa.<16 or 32 digits>"
    name = _text(text, what, form).strip(" \t\0")
    # Before lower(): the Kelvin sign and its like turn into ASCII letters there.
    if not name.isascii():
        _refuse(what, form, text)
    name = _ISID.sub("", name.lower())
    if len(name) > _ISCSI_NAME_LIMIT:
        _refuse(what, f"{form} of at most {_ISCSI_NAME_LIMIT} characters", text)
    if not _ISCSI_NAME.fullmatch(name):
        _refuse(what, form, text)
    return name


def ip(text: object, what: str = "IP address") -> str:
    """Give an IPv4 or IPv6 address in its canonical form (RFC 5952).

    An IPv4 address written as IPv6 (``::ffff:192.0.2.1``, as a dual-stack socket reports its peer) becomes the IPv4
    address. A zone (``%eth0``) is refused: it means something on one host only. So is the unspecified address.
    """
    form = "an IPv4 or IPv6 address without a zone"
    address = _text(text, what, form).strip(" \t\0")
    if "%" in address:
        _refuse(what, form, text)
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        _refuse(what, form, text)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if parsed.is_unspecified:
        _refuse(what, form, text)
    return str(parsed)


def serial(text: object, what: str = "drive serial number") -> str:
    """Give a drive's unit serial number (VPD page 80h) without its padding; letters keep their case."""
    form = "a serial number of 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit"
    return _match(_SERIAL, text, what, form, strip=" \t\0")


def location(text: object, what: str = "drive location") -> str:
    """Give the name that a library has for a drive's place, without blanks around it."""
    form = "a location of 1 to 64 letters, digits, blanks or ',._:/()-', beginning with a letter or digit"
    return _match(_LOCATION, text, what, form, strip=" \t\0")


def host_name(text: object, what: str = "host name") -> str:
    """Check an inventory host name; it is taken as it stands."""
    return _match(_HOST, text, what, "a host name of 1 to 253 letters, digits, '_', '.', ':' or '-'")


def instance_name(text: object, what: str = "instance name") -> str:
    """Check the name of an instance; it becomes part of a file name on the control point."""
    return _match(_INSTANCE, text, what, "an instance name of 1 to 64 letters, digits, '_', '.', ':' or '-'")


def application_name(text: object, what: str = "application name") -> str:
    """Check the name of an application, as in the role ``application_<name>``."""
    return _match(
        _APPLICATION,
        text,
        what,
        "an application's name of lower-case letters, digits and '_', beginning with a letter",
    )


def port(mapping: object, what: str = "port", *, unreadable: bool = False) -> dict[str, str | None]:
    """Give an initiator port as ``{"protocol": "fc" | "iscsi" | "sas" | "ip", "id": str}``.

    ``{"protocol": None, "id": None}`` says that somebody holds the drive who cannot be read; it is taken only with
    ``unreadable=True``.
    """
    if not isinstance(mapping, Mapping):
        _refuse(what, "a mapping with the keys protocol and id", mapping)
    for key in mapping:
        if key not in ("protocol", "id"):
            _refuse(what, "a mapping with the keys protocol and id only", key)
    protocol, identifier = mapping.get("protocol"), mapping.get("id")
    if protocol is None and identifier is None and unreadable and "protocol" in mapping and "id" in mapping:
        return {"protocol": None, "id": None}
    if not isinstance(protocol, str) or protocol not in _PORT_FORMS:
        _refuse(f"{what}.protocol", "one of fc, iscsi, sas and ip", protocol)
    protocol = _plain(protocol)
    return {"protocol": protocol, "id": _PORT_FORMS[protocol](identifier, f"{what}.id")}


def new_batch_id(now: float, entropy: bytes | None = None) -> str:
    """Give a new batch id: a ULID, 48 bits of ``now`` (epoch seconds, kept as milliseconds) and 80 random bits.

    Ids of different milliseconds sort by time. ``entropy`` (at least ten bytes) replaces the random bits in tests.
    """
    # Written so that NaN fails as well.
    if not 0 <= now * 1000 < _BATCH_TIME_LIMIT:
        _refuse("time of a batch id", "epoch seconds between 0 and the year 10889", now)
    if entropy is None:
        entropy = os.urandom(_BATCH_ENTROPY_BYTES)
    if len(entropy) < _BATCH_ENTROPY_BYTES:
        _refuse("entropy of a batch id", "at least ten bytes", len(entropy))
    number = int(now * 1000) << 80 | int.from_bytes(entropy[:_BATCH_ENTROPY_BYTES], "big")
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def batch_id(text: object, what: str = "batch id") -> str:
    """Check a batch id; events carry nothing else, and it is the only text of an event that a playbook uses."""
    return _match(_BATCH, text, what, "a batch id of 26 capital letters and digits")


_PORT_FORMS: dict[str, Callable[[object, str], str]] = {"fc": wwn, "iscsi": iqn, "sas": sas, "ip": ip}


def _hex16(text: object, what: str, form: str) -> str:
    digits = _text(text, what, form).strip(" \t\0").lower()
    digits = digits.removeprefix("0x").translate(_WWN_SEPARATORS)
    if not _HEX16.fullmatch(digits):
        _refuse(what, form, text)
    if digits in ("0" * 16, "f" * 16):
        _refuse(what, f"{form} that are not all zeros or all ones", text)
    return digits


def _match(pattern: re.Pattern[str], text: object, what: str, form: str, *, strip: str = "") -> str:
    value = _text(text, what, form)
    if strip:
        value = value.strip(strip)
    if not pattern.fullmatch(value):
        _refuse(what, form, text)
    return value


def _text(value: object, what: str, form: str) -> str:
    if not isinstance(value, str):
        numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
        _refuse(what, f"{form}, in quotation marks" if numeric else form, value)
    return _plain(value)


def _plain(value: str) -> str:
    # Ansible's tagged strings are a subclass of str; what is stored and compared must be the plain kind.
    return str.__str__(value)


def shown(value: Any) -> str:
    """Write a foreign value so that it can stand in an error sentence: quoted, on one line, at most 60 characters."""
    if isinstance(value, str):
        text = repr(_plain(value)[: _SHOWN + 1])
    elif value is None or isinstance(value, (bool, float)):
        text = "nothing" if value is None else str(value).lower()
    elif isinstance(value, int):
        # Python refuses to write out numbers of more than 4300 digits.
        text = str(int(value)) if value.bit_length() < 192 else "a number"
    elif isinstance(value, Mapping):
        text = "a mapping"
    elif isinstance(value, (list, tuple)):
        text = "a list"
    else:
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _refuse(what: str, form: str, value: object) -> NoReturn:
    msg = f"{what} must be {form}, not {shown(value)}"
    raise InvalidValueError(msg)
