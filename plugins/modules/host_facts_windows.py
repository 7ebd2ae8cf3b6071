# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Only documentation; the work is done by host_facts_windows.ps1.

from __future__ import annotations

DOCUMENTATION = r"""
module: host_facts_windows
short_description: Ask a Windows host for what its tape drives and initiator ports are known by
version_added: 0.1.0
description:
  - Run by M(tapeworks.drive_sharing.host_facts) on hosts that run Windows. There is no need to run it oneself, except to see what
    a host answers.
  - It asks WMI and reads the registry, and gives what it was told as it is. It changes nothing.
  - It opens no tape drive. Windows lets one program open a drive, and a backup that starts at that moment would fail.
  - B(It has not run on Windows yet.) It was made after Microsoft's and IBM's documentation, checked with a parser, and its answer was
    composed for the tests. If a host answers otherwise, describe its drives in C(drive_sharing_drives), and send us the answer.
options: {}
extends_documentation_fragment:
  - tapeworks.drive_sharing._attributes
  - tapeworks.drive_sharing._attributes.info_module
attributes:
  platform:
    description: Operating systems that can be asked.
    platforms: windows
    support: full
author:
  - Tapeworks maintainers (@tapeworks)
notes:
  - "Needs Windows PowerShell 5.1. The states of Fibre Channel ports need an account of the group Administrators."
seealso:
  - module: tapeworks.drive_sharing.host_facts
"""

EXAMPLES = r"""
- name: See what Windows hosts answer
  hosts: windows
  gather_facts: false
  tasks:
    - name: Ask for all that drives and ports are known by
      tapeworks.drive_sharing.host_facts_windows:
      register: asked

    - name: Show it
      ansible.builtin.debug:
        var: asked.answers
"""

RETURN = r"""
version:
  description: Version of the form of RV(answers).
  returned: success
  type: int
  sample: 1
answers:
  description: What was asked, each with its C(rows), and with C(problem), which is null or has C(category), C(code) and C(message).
  returned: success
  type: dict
  contains:
    initiator_ports:
      description: C(MSFT_InitiatorPort), which C(Get-InitiatorPort) shows.
      type: dict
    fc_ports:
      description: C(MSFC_FibrePortHBAAttributes). Bytes are two hexadecimal digits each, with hyphens between them.
      type: dict
    iscsi_initiator:
      description: C(MSiSCSIInitiator_MethodClass).
      type: dict
    tape_drives:
      description: C(Win32_TapeDrive), with the drive's address (C(Location)) and its adapter (C(Parent)).
      type: dict
    scsi_map:
      description: Values below C(HKLM\\HARDWARE\\DEVICEMAP\\Scsi), each with C(key), C(name) and C(value).
      type: dict
    persistent_names:
      description: Values below the keys of IBM's driver C(ibmtpbs).
      type: dict
    addresses:
      description: C(Win32_NetworkAdapterConfiguration) of interfaces that have addresses.
      type: dict
"""
