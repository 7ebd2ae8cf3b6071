# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters for names of drives, ports and addresses, for showing the associations, and for drives that people look after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _conflict_report,
    _drive_status,
    _host_report,
    _identifiers,
    _maintenance_report,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import DriveSharingError


def _filter(function: Callable[..., Any]) -> Callable[..., Any]:
    def apply(value: Any) -> Any:
        try:
            return function(value)
        except DriveSharingError as exc:
            raise AnsibleFilterError(str(exc)) from exc

    return apply


class FilterModule:
    """Each filter is documented in the file of its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Give the filters by name."""
        return {
            "associations_table": _filter(_host_report.table),
            "conflict_diagnosis": _filter(_conflict_report.diagnosis),
            "drive_location": _filter(_identifiers.location),
            "drive_maintenance": _filter(_maintenance_report.maintenance),
            "drive_status": _filter(_drive_status.status),
            "drive_serial": _filter(_identifiers.serial),
            "initiator_port": _filter(_identifiers.port),
            "ip_address": _filter(_identifiers.ip),
            "iqn": _filter(_identifiers.iqn),
            "sas_address": _filter(_identifiers.sas),
            "wwn": _filter(_identifiers.wwn),
        }
