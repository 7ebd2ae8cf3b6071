# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the maps of the SNMP detector as a rulebook writes them. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _fields
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._fields import (
    DRIVE_KEYS,
    PROTOCOLS,
    STATUSES,
    keys,
    refuse,
    word,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_map import (
    Entry,
    Ports,
    Source,
    oid,
    oid_text,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_maps import SHIPPED
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

FIELDS = ("drive", "status", "holders", "port", "library", "boots", "counter", "time")

_OID = re.compile(r"\.?([0-2](?:\.(?:0|[1-9][0-9]{0,9})){1,127})")


def check_maps(value: Any, what: str) -> tuple[Entry, ...]:
    """Check a list of maps: names of shipped ones, ``{use: name, ...}``, or maps in full; gives one entry a notification."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence) or not value:
        refuse(what, "a list of at least one map", value)
    entries: dict[tuple[int, ...], Entry] = {}
    for place, item in enumerate(value):
        here = f"{what}[{place}]"
        for entry in _entries(item, here):
            if entry.notification in entries:
                msg = (
                    f"{here} is the second map for the notification {oid_text(entry.notification)}; "
                    f"{entries[entry.notification].name} is the first"
                )
                raise InvalidValueError(msg)
            entries[entry.notification] = entry
    return tuple(entries.values())


def _entries(item: Any, what: str) -> list[Entry]:
    if isinstance(item, str):
        item = {"use": item}
    elif isinstance(item, Mapping) and "use" in item:
        keys(item, ("use", *FIELDS), what)
    if not isinstance(item, Mapping):
        refuse(what, "the name of a shipped map, or a mapping", item)
    if "use" not in item:
        keys(item, ("notification", *FIELDS), what)
        return [_entry(item, what, what)]
    name = item["use"]
    if not isinstance(name, str) or name not in SHIPPED:
        refuse(what, f"one of {', '.join(SHIPPED)}, or a map in full", name)
    changes = {key: value for key, value in item.items() if key != "use"}
    return [_entry({**shipped, **changes}, what, f"{what} ({name})") for shipped in SHIPPED[name]]


def _entry(item: Mapping[str, Any], what: str, name: str) -> Entry:
    for key in ("notification", "drive", "status"):
        if item.get(key) is None:
            msg = f"{what}.{key} is missing"
            raise InvalidValueError(msg)
    drive = item["drive"]
    if not isinstance(drive, Mapping) or drive.get("by") not in DRIVE_KEYS:
        given = drive.get("by") if isinstance(drive, Mapping) else drive
        refuse(f"{what}.drive.by", f"one of {', '.join(DRIVE_KEYS)}", given)
    library, senders = _library(item.get("library"), f"{what}.library")
    pair = [_source(item.get(key), f"{what}.{key}") for key in ("boots", "counter")]
    if (pair[0] is None) != (pair[1] is None):
        msg = f"{what} must have both boots and counter, or neither: only together they name a notification"
        raise InvalidValueError(msg)
    status = _source(item["status"], f"{what}.status", words=STATUSES)
    source = _source({key: value for key, value in drive.items() if key != "by"}, f"{what}.drive")
    if status is None or source is None:  # both were there above
        raise InvalidValueError(what)
    return Entry(
        name=name,
        notification=oid(_oid(item["notification"], f"{what}.notification")),
        drive_by=str(drive["by"]),
        drive=source,
        status=status,
        holders=_ports(item.get("holders"), f"{what}.holders"),
        port=_ports(item.get("port"), f"{what}.port"),
        library=library,
        senders=senders,
        boots=pair[0],
        counter=pair[1],
        time=_source(item.get("time"), f"{what}.time"),
    )


def _ports(value: Any, what: str) -> Ports | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        refuse(what, "a mapping with the keys protocol and id", value)
    keys(value, ("protocol", "id"), what)
    protocol = _source(value.get("protocol"), f"{what}.protocol", words=PROTOCOLS)
    identifier = _source(value.get("id"), f"{what}.id", optional=True)
    for key, source in (("protocol", protocol), ("id", identifier)):
        if source is None:
            msg = f"{what}.{key} is missing"
            raise InvalidValueError(msg)
    return Ports(protocol, identifier)  # type: ignore[arg-type]


def _library(value: Any, what: str) -> tuple[Source | None, dict[str, str] | None]:
    if not isinstance(value, Mapping) or "senders" not in value:
        source = _source(value, what)
        if source is not None and source.value is not None:
            _identifiers.host_name(source.value, f"{what}.value")
        return source, None
    keys(value, ("senders",), what)
    return None, _fields.senders(value["senders"], f"{what}.senders")


def _source(value: Any, what: str, *, words: tuple[str, ...] | None = None, optional: bool = False) -> Source | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or ("value" in value) == ("oid" in value):
        refuse(what, "a mapping with either value or oid", value)
    if "value" in value:
        keys(value, ("value",), what)
        fixed = value["value"]
        if words is not None:
            return Source(value=word(fixed, words, f"{what}.value"))
        if not isinstance(fixed, str):
            refuse(f"{what}.value", "a text, in quotation marks", fixed)
        return Source(value=str(fixed))
    keys(value, ("oid", "values", "pattern", *(["optional"] if optional else [])), what)
    dotted = _oid(value["oid"], f"{what}.oid")
    values = _fields.values(value.get("values"), words, f"{what}.values")
    if words is not None and values is None:
        msg = f"{what}.values is missing: it says which value means {', '.join(words)}"
        raise InvalidValueError(msg)
    may_miss = value.get("optional", False)
    if not isinstance(may_miss, bool):
        refuse(f"{what}.optional", "true or false", may_miss)
    pattern = _fields.pattern(value.get("pattern"), f"{what}.pattern")
    return Source(None, values, pattern, may_miss, dotted, oid(dotted))


def _oid(value: Any, what: str) -> str:
    form = "an object identifier such as 1.3.6.1.4.1.8072.9999.9999"
    found = _OID.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        refuse(what, form, value)
    dotted = found[1]
    arcs = [int(arc) for arc in dotted.split(".")]
    if max(arcs) >= 1 << 32 or (arcs[0] < 2 and arcs[1] > 39):
        refuse(what, form, value)
    return dotted
