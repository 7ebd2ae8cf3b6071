# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The maps that are shipped, in the form in which a rulebook would write them. Private: may change at any time."""

from __future__ import annotations

from typing import Any

#: docs/mibs/TAPE-DRIVE-SHARING-MIB.txt: netSnmpPlaypen.4711
MIB = "1.3.6.1.4.1.8072.9999.9999.4711"

_PROTOCOLS = {0: "unknown", 1: "fc", 2: "iscsi", 3: "sas", 4: "ip"}

_SHARED: dict[str, Any] = {
    "drive": {"by": "serial", "oid": f"{MIB}.1.1"},
    "library": {"oid": f"{MIB}.1.9"},
    "boots": {"oid": f"{MIB}.1.6"},
    "counter": {"oid": f"{MIB}.1.7"},
    "time": {"oid": f"{MIB}.1.8"},
}

# The status of a notification is checked against tdsDriveStatus: one that contradicts itself is refused.
_TAPE_DRIVE_SHARING: list[dict[str, Any]] = [
    {
        **_SHARED,
        "notification": f"{MIB}.0.1",
        "status": {"oid": f"{MIB}.1.2", "values": {1: "reserved"}},
        "holders": {
            "protocol": {"oid": f"{MIB}.1.3.1.2", "values": _PROTOCOLS},
            "id": {"oid": f"{MIB}.1.3.1.3"},
        },
    },
    {
        **_SHARED,
        "notification": f"{MIB}.0.2",
        "status": {"oid": f"{MIB}.1.2", "values": {2: "released"}},
        "port": {
            "protocol": {"oid": f"{MIB}.1.4", "values": _PROTOCOLS},
            "id": {"oid": f"{MIB}.1.5", "optional": True},
        },
    },
]

_IBM = "1.3.6.1.4.1.2.6.182.1"

# UNPROVEN, and of no effect as it stands: no library is known that tells of reservations. It shows how a map for a
# vendor's traps looks, on objects of IBM-TS4500-MIBv2 (WWNN ...2.81.1, location ...2.121.1). Where such a library tells
# the status is not known, so `status` names an object that does not exist; put the real one there.
_EXAMPLE_IBM_TS4500: list[dict[str, Any]] = [
    {
        "notification": f"{_IBM}.0.445",
        "drive": {"by": "wwnn", "oid": f"{_IBM}.2.81.1"},
        "status": {"oid": f"{MIB}.3.1", "values": {1: "reserved", 2: "released", "*": "ignore"}},
    },
    {
        "notification": f"{_IBM}.0.22",
        "drive": {"by": "location", "oid": f"{_IBM}.2.121.1"},
        "status": {"oid": f"{MIB}.3.1", "values": {1: "reserved", 2: "released", "*": "ignore"}},
    },
]

SHIPPED: dict[str, list[dict[str, Any]]] = {
    "tape_drive_sharing": _TAPE_DRIVE_SHARING,
    "example_ibm_ts4500": _EXAMPLE_IBM_TS4500,
}
