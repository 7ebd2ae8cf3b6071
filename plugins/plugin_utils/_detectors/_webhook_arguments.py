# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the arguments of the detector ``webhook``. Private: may change at any time.

Every fault is one sentence that names the option as the user wrote it (``webhook.senders[0].secret_file``), and never
shows a secret.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import re
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import (
    _fields,
    _webhook_signature,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._fields import (
    DRIVE_KEYS,
    PROTOCOLS,
    STATUSES,
    items,
    keys,
    refuse,
    word,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._listen import (
    Address,
    addresses,
    secret_lines,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._webhook_map import Map, Place, Ports
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
    InvalidValueError,
    MissingLibraryError,
)

OPTIONS = ("listen", "certfile", "keyfile", "client_ca", "senders", "tolerance", "max_body")
SENDER_OPTIONS = ("name", "secret_file", "addresses", "map")
FIELDS = ("items", "drive", "status", "holders", "port", "library", "time")
PORT = 8443
TOLERANCE, MAX_BODY = 300, 65536
#: Our own form of a change, as the drive table holds it.
SHIPPED: dict[str, dict[str, Any]] = {
    "drive_sharing": {
        "drive": {"by": "serial", "path": "drive"},
        "status": {"path": "status", "values": {"reserved": "reserved", "released": "released"}},
        "holders": {
            "items": "holders",
            "protocol": {"path": "protocol", "values": {name: name for name in PROTOCOLS}},
            "id": {"path": "id", "optional": True},
        },
        "port": {
            "items": "port",
            "protocol": {"path": "protocol", "values": {name: name for name in PROTOCOLS}},
            "id": {"path": "id", "optional": True},
        },
        "library": {"path": "library"},
        "time": {"path": "observed_at"},
    },
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_PATH = re.compile(r"[^.\s]{1,100}(\.[^.\s]{1,100}){0,19}")


@dataclass(frozen=True, slots=True)
class Sender:
    """Somebody who may tell of changes; the last part of the URL is his name."""

    name: str
    keys: tuple[bytes, ...] = field(repr=False)
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    map: Map


@dataclass(frozen=True, slots=True)
class Config:
    """The checked arguments."""

    listen: tuple[Address, ...]
    certfile: str | None
    keyfile: str | None
    client_ca: str | None
    senders: tuple[Sender, ...]
    tolerance: float
    max_body: int


def check(args: Any) -> Config:
    """Check what stands under ``webhook:``; raises InvalidValueError, or MissingLibraryError without aiohttp."""
    if not isinstance(args, Mapping):
        refuse("webhook", f"a mapping with the options {', '.join(OPTIONS)}", args)
    keys(args, OPTIONS, "webhook")
    if importlib.util.find_spec("aiohttp") is None:
        msg = (
            "The detector webhook needs the Python package aiohttp, which is not there; nothing was started."
            " Install it into the environment of ansible-rulebook."
        )
        raise MissingLibraryError(msg)
    listen = addresses(args.get("listen"), "webhook.listen", PORT)
    files = {name: _file(args.get(name), f"webhook.{name}") for name in ("certfile", "keyfile", "client_ca")}
    if files["certfile"] is None:
        for name in ("keyfile", "client_ca"):
            if files[name] is not None:
                msg = f"webhook.{name} needs webhook.certfile"
                raise InvalidValueError(msg)
        open_ = next((one for one in listen if not ipaddress.ip_address(one.host).is_loopback), None)
        if open_ is not None:
            msg = (
                f"webhook.certfile is missing: without TLS only addresses of this machine may be listened at, such as"
                f" 127.0.0.1:{PORT}, not {open_}"
            )
            raise InvalidValueError(msg)
    config = Config(
        listen=listen,
        **files,
        senders=_senders(args.get("senders")),
        tolerance=_number(args.get("tolerance", TOLERANCE), 1, 3600, "webhook.tolerance"),
        max_body=_number(args.get("max_body", MAX_BODY), 256, 1 << 20, "webhook.max_body"),
    )
    if config.certfile is not None:
        tls(config)
    return config


def tls(config: Config) -> ssl.SSLContext:
    """Give the context of the server's side; raises InvalidValueError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load(context, config)
    if config.client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(config.client_ca)
        except (OSError, ssl.SSLError) as exc:
            msg = f"webhook.client_ca {_identifiers.shown(config.client_ca)} cannot be used: {exc.strerror or exc}"
            raise InvalidValueError(msg) from None
    return context


def load(context: ssl.SSLContext, config: Config) -> None:
    """Load certificate and key, also anew after they were renewed; raises InvalidValueError."""
    certfile = config.certfile or ""
    keyfile = config.keyfile or certfile
    option = "keyfile" if config.keyfile else "certfile"

    def no_passphrase() -> str:
        msg = f"webhook.{option} {_identifiers.shown(keyfile)} has a key with a passphrase; take that off, its mode protects it"
        raise InvalidValueError(msg)

    try:
        mode = stat.S_IMODE(os.stat(keyfile).st_mode)
        if mode & 0o027:
            msg = (
                f"webhook.{option} {_identifiers.shown(keyfile)} has the key and may be read by others, or written by its group"
                f" (mode {mode:04o}); chmod 0600 it"
            )
            raise InvalidValueError(msg)
        context.load_cert_chain(certfile, keyfile, no_passphrase)
    except (OSError, ssl.SSLError) as exc:
        said = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        msg = (
            f"webhook.certfile {_identifiers.shown(certfile)} and its key {_identifiers.shown(keyfile)} cannot be used: {said}."
            " Both have to be PEM, and belong together"
        )
        raise InvalidValueError(msg) from None


def _file(value: Any, what: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not os.path.isabs(value):
        refuse(what, "the absolute path of a file", value)
    return str(value)


def _number(value: Any, least: int, most: int, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        refuse(what, f"a whole number from {least} to {most}", value)
    return int(value)


def _senders(value: Any) -> tuple[Sender, ...]:
    if value is None:
        msg = "webhook.senders is missing: it says who may tell of changes"
        raise InvalidValueError(msg)
    found: list[Sender] = []
    for place, item in enumerate(items(value, "webhook.senders", "a list of senders")):
        what = f"webhook.senders[{place}]"
        sender = _sender(item, what)
        if any(sender.name == other.name for other in found):
            msg = f"{what}.name {_identifiers.shown(sender.name)} is there twice"
            raise InvalidValueError(msg)
        found.append(sender)
    return tuple(found)


def _sender(item: Any, what: str) -> Sender:
    if not isinstance(item, Mapping):
        refuse(what, f"a mapping with the options {', '.join(SENDER_OPTIONS)}", item)
    keys(item, SENDER_OPTIONS, what)
    for option, why in (
        ("name", "it is the last part of the sender's URL"),
        ("secret_file", "every sender signs what it sends"),
        ("addresses", 'it says where the sender may be; everywhere is ["0.0.0.0/0", "::/0"]'),
    ):
        if item.get(option) is None:
            msg = f"{what}.{option} is missing: {why}"
            raise InvalidValueError(msg)
    # Two lines, for as long as a sender changes its secret.
    lines = secret_lines(item["secret_file"], f"{what}.secret_file", 2)
    return Sender(
        name=_name(item["name"], f"{what}.name"),
        keys=tuple(_webhook_signature.key(line.strip(), f"{what}.secret_file") for line in lines),
        networks=tuple(
            _network(one, f"{what}.addresses[{place}]")
            for place, one in enumerate(items(item["addresses"], f"{what}.addresses", "a list of IP addresses or networks"))
        ),
        map=check_map(item.get("map", "drive_sharing"), f"{what}.map"),
    )


def _name(value: Any, what: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        refuse(what, "a name of 1 to 64 letters, digits, '_', '.' or '-', as it stands in a URL", value)
    return str(value)


def _network(value: Any, what: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    form = "an IP address or network such as 192.0.2.20 or 192.0.2.0/24"
    if not isinstance(value, str):
        refuse(what, f"{form}, in quotation marks", value)
    try:
        return ipaddress.ip_network(value)
    except ValueError:
        refuse(what, form, value)


def check_map(value: Any, what: str) -> Map:
    """Check a map: the name of a shipped one, ``{use: name, ...}``, or a map in full."""
    if isinstance(value, str):
        value = {"use": value}
    if not isinstance(value, Mapping):
        refuse(what, f"one of {', '.join(SHIPPED)}, or a map in full", value)
    if "use" in value:
        keys(value, ("use", *FIELDS), what)
        name = value["use"]
        if not isinstance(name, str) or name not in SHIPPED:
            refuse(what, f"one of {', '.join(SHIPPED)}, or a map in full", name)
        value = {**SHIPPED[name], **{key: one for key, one in value.items() if key != "use"}}
    keys(value, FIELDS, what)
    for key in ("drive", "status"):
        if value.get(key) is None:
            msg = f"{what}.{key} is missing"
            raise InvalidValueError(msg)
    drive = value["drive"]
    if not isinstance(drive, Mapping) or drive.get("by") not in DRIVE_KEYS:
        refuse(f"{what}.drive.by", f"one of {', '.join(DRIVE_KEYS)}", drive.get("by") if isinstance(drive, Mapping) else drive)
    library, senders = _library(value.get("library"), f"{what}.library")
    return Map(
        drive_by=str(drive["by"]),
        drive=_place({key: one for key, one in drive.items() if key != "by"}, f"{what}.drive"),
        status=_place(value["status"], f"{what}.status", words=STATUSES),
        items=None if value.get("items") is None else _path(value["items"], f"{what}.items"),
        holders=_ports(value.get("holders"), f"{what}.holders"),
        port=_ports(value.get("port"), f"{what}.port"),
        library=library,
        senders=senders,
        time=None if value.get("time") is None else _place(value["time"], f"{what}.time"),
    )


def _library(value: Any, what: str) -> tuple[Place | None, dict[str, str] | None]:
    if value is None:
        return None, None
    if isinstance(value, Mapping) and "senders" in value:
        keys(value, ("senders",), what)
        return None, _fields.senders(value["senders"], f"{what}.senders")
    place = _place(value, what)
    if place.value is not None:
        _identifiers.host_name(place.value, f"{what}.value")
    return place, None


def _ports(value: Any, what: str) -> Ports | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        refuse(what, "a mapping with the keys protocol and id", value)
    keys(value, ("items", "protocol", "id"), what)
    for key in ("protocol", "id"):
        if value.get(key) is None:
            msg = f"{what}.{key} is missing"
            raise InvalidValueError(msg)
    return Ports(
        _place(value["protocol"], f"{what}.protocol", words=PROTOCOLS),
        _place(value["id"], f"{what}.id", optional=True),
        () if value.get("items") is None else _path(value["items"], f"{what}.items"),
    )


def _place(value: Any, what: str, *, words: tuple[str, ...] | None = None, optional: bool = False) -> Place:
    if not isinstance(value, Mapping) or ("value" in value) == ("path" in value):
        refuse(what, "a mapping with either value or path", value)
    if "value" in value:
        keys(value, ("value",), what)
        fixed = value["value"]
        if words is not None:
            return Place(value=word(fixed, words, f"{what}.value"))
        if not isinstance(fixed, str):
            refuse(f"{what}.value", "a text, in quotation marks", fixed)
        return Place(value=str(fixed))
    keys(value, ("path", "values", "pattern", *(["optional"] if optional else [])), what)
    path = _path(value["path"], f"{what}.path")
    values = _fields.values(value.get("values"), words, f"{what}.values")
    if words is not None and values is None:
        msg = f"{what}.values is missing: it says which value means {', '.join(words)}"
        raise InvalidValueError(msg)
    may_miss = _fields.boolean(value.get("optional", False), f"{what}.optional")
    return Place(None, values, _fields.pattern(value.get("pattern"), f"{what}.pattern"), may_miss, path)


def _path(value: Any, what: str) -> tuple[str, ...]:
    if not isinstance(value, str) or not _PATH.fullmatch(value):
        refuse(what, "names with dots between them, such as event.drive.serial", value)
    return tuple(str(value).split("."))
