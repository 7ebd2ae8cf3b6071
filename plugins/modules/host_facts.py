# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Only documentation; the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: host_facts
short_description: Find the tape drives and initiator ports of a host, and record which drives it sees
version_added: 0.1.0
description:
  - Asks a host which tape drives it sees, through which of its ports, and writes the answer beside the drive table.
    Changes of a reservation are sent to exactly those hosts.
  - The host runs one script for C(/bin/sh) that only reads. It needs no Python, and facts need not have been gathered.
  - Several paths to one drive, which show the same serial number, make one drive with all their device files.
  - A drive or port that was recorded before and is not seen any more is kept as missing since that time, and still asked.
  - What the host cannot tell is described in its variables, and they have the last word. See the notes.
  - Schedule it, and run it when cabling, zoning or adapters change; it is never run in the path of a change.
options:
  platform:
    description:
      - What the host runs. With V(auto) the host says it itself.
      - A host of another kind takes part with O(discover=false) and a description in its variables.
    type: str
    choices: [auto, aix, hpux, linux, solaris]
    default: auto
  root:
    description:
      - The directory below which the host's C(sys), C(dev), C(etc) and C(proc) are found, for a connection that leads into a
        container which has the host's file system mounted somewhere.
      - The default is the variable C(drive_sharing_root), else V(/).
    type: str
  discover:
    description:
      - Whether the host is asked at all. With V(false) only its variables count.
      - The default is the variable C(drive_sharing_discover), else V(true).
    type: bool
  record:
    description:
      - Whether the answer is written beside the drive table. The table is made if it does not exist.
    type: bool
    default: true
  from_hosts:
    description:
      - Hosts of the inventory. What this module found on them in this run, with O(record=false) and registered as
        C(drive_sharing_host_facts), is recorded in portions of 200 hosts; nobody is asked. The playbook
        C(tapeworks.drive_sharing.host_facts) does so, because with thousands of hosts recording each by itself takes long.
      - A host that failed, was unreachable, or was not asked, keeps what is recorded of it.
      - With it, the other options but O(table) mean nothing.
    type: list
    elements: str
extends_documentation_fragment:
  - tapeworks.drive_sharing._attributes
  - tapeworks.drive_sharing._attributes.action
  - tapeworks.drive_sharing._attributes.actiongroup_drive_sharing
  - tapeworks.drive_sharing._attributes.table
attributes:
  check_mode:
    support: full
    details: The host is asked, and the drive table is left as it is.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    description: Operating systems that can be asked.
    platforms: linux, aix, hp-ux, solaris, windows
    support: full
author:
  - Tapeworks maintainers (@tapeworks)
notes:
  - "B(What is asked on Linux, and who may ask it.) Everything but the last two may be read by any user."
  - "Drives: SCSI devices of type 1 in C(/sys/class/scsi_device), whether C(st), C(lin_tape) or no driver has them."
  - "Serial numbers and names: C(vpd_pg80), C(vpd_pg83), C(vpd_pgb1) and C(wwid) of the device."
  - "Device files: C(scsi_tape), C(scsi_generic) and C(lin_tape) of the device, C(/dev/tape), C(/dev/lin_tape), C(/proc/scsi/IBMtape)."
  - "Fibre Channel ports and paths: C(/sys/class/fc_host), C(fc_transport), C(fc_remote_ports). NPIV ports are ports of their own."
  - "iSCSI ports and paths: C(/sys/class/iscsi_session), C(iscsi_host)."
  - "SAS ports and paths: C(/sys/class/sas_phy), C(sas_port), C(sas_device)."
  - "The iSCSI name before there is a session: C(/etc/iscsi/initiatorname.iscsi), which usually only root may read."
  - "The serial number where the kernel does not show it: C(sg_inq) of sg3_utils, if it is installed and C(/dev/sg*) may be read."
  - "IP addresses, for libraries that report the sender's: C(ip -o addr show), not below another O(root). Loopback, link-local,
    containers' and additional addresses are left out; name those that matter in C(drive_sharing_ports)."
  - "B(What is asked on AIX.) C(lsdev), C(lscfg) and C(lsattr) for drives of class tape that are Available, their serial numbers, WWNN,
    ports and adapters; C(lsattr -l iscsi0) and C(ifconfig -a). Any user may ask them."
  - "B(What is asked on HP-UX.) C(ioscan), C(scsimgr) and C(fcmsutil) for drives of both views, their serial numbers, paths and ports of any
    driver; C(iscsiutil -l) and C(netstat -in). C(scsimgr), C(fcmsutil) and C(iscsiutil) want root (C(become)). Serial numbers need 11i v3."
  - "B(What is asked on Solaris.) C(fcinfo), C(cfgadm), C(iostat), C(iscsiadm), C(ifconfig), links of C(/dev/rmt) and C(/dev/cfg), on x86
    C(luxadm), for SAS drives C(sasinfo). C(fcinfo), C(cfgadm), C(luxadm) and C(sasinfo) want root (C(become)). On SPARC the serial number is what
    C(iostat) shows: compare it with the library's."
  - "B(What is asked on Windows.) M(tapeworks.drive_sharing.host_facts_windows) is run there, wherever the connection's shell is PowerShell.
    O(platform) and O(root) mean nothing then. States of Fibre Channel ports want an account of the group Administrators."
  - "None of the four has run on such a host; the tests replace the commands by programs that print samples. What each fact was proven with is
    in C(docs/host_facts.md) of the collection."
  - "B(Variables.) C(drive_sharing_drives) is a list of drives. Each has C(serial), and as far as known C(manufacturer_serial),
    C(wwnn), C(wwpns), C(vendor), C(model), C(devices), C(paths) (C(device); C(port) and C(target_port), each with C(protocol) and C(id)), C(location)
    and C(library). A drive that was found gets the keys that are given here, and origin V(overridden); others are added with origin V(manual).
    C(ignore: true) removes a drive that was found."
  - "C(drive_sharing_ports) is a list of ports. Each has C(protocol), one of V(fc), V(iscsi), V(sas) and V(ip), and C(id), and may have
    C(state), C(device) and C(ignore), with the same meaning."
  - "C(drive_sharing_applications) is a list of the backup applications on the host. Each has C(application), and may have
    C(instance) (default: the host's name), C(control_points) (hosts, in order of preference; default: the host itself),
    C(scope) (V(host): each host has a drive's state for itself; V(instance): the instance has one state, told at the
    first control point that answers; default: what the application has) and C(options), which are the application's own. Hosts
    whose entries name one instance share drives by the product's own means."
  - "C(drive_sharing_managed) is V(true), the default, V(false), or a list of the serial numbers of the drives that are shared."
  - "Serial numbers, WWNs and other names need quotation marks in YAML, which reads some of them as numbers."
seealso:
  - module: tapeworks.drive_sharing.host_facts_windows
  - module: tapeworks.drive_sharing.drive_table_info
  - plugin: tapeworks.drive_sharing.associations_table
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Record which drives the backup servers see
  hosts: drive_sharing
  gather_facts: false
  strategy: ansible.builtin.host_pinned
  tasks:
    - name: Ask for drives and ports
      tapeworks.drive_sharing.host_facts:

- name: Ask many hosts, and record them all at once
  hosts: drive_sharing
  gather_facts: false
  tasks:
    - name: Ask for drives and ports
      tapeworks.drive_sharing.host_facts:
        record: false
      register: drive_sharing_host_facts

    - name: Record them
      tapeworks.drive_sharing.host_facts:
        from_hosts: "{{ ansible_play_hosts_all }}"
      run_once: true

- name: Look at the facts of one host, and write nothing
  hosts: backup1.example.com
  gather_facts: false
  tasks:
    - name: Ask for drives and ports
      tapeworks.drive_sharing.host_facts:
        record: false

    - name: Show the serial numbers
      ansible.builtin.debug:
        msg: "{{ ansible_facts.drive_sharing.drives | map(attribute='serial') | list }}"

- name: Describe by hand what a host cannot tell
  hosts: nas1.example.com
  gather_facts: false
  vars:
    drive_sharing_discover: false
    drive_sharing_drives:
      - serial: "1310211169"
        devices: [/dev/nrst0a]
    drive_sharing_ports:
      - protocol: fc
        id: "50:0a:09:81:8d:32:5c:11"
    drive_sharing_applications:
      - application: custom
        instance: nas1
        control_points: [backup1.example.com]
  tasks:
    - name: Record the description
      tapeworks.drive_sharing.host_facts:
"""

RETURN = r"""
drives:
  description: The drives that the host sees, by serial number.
  returned: unless O(from_hosts) is given
  type: list
  elements: dict
  contains:
    serial:
      description: Unit serial number (VPD page 80h), by which the drive is known everywhere.
      type: str
      sample: "10WT012345"
    manufacturer_serial:
      description: The manufacturer's serial number, where the library gave the drive another.
      type: str
    wwnn:
      description: World wide name of the drive.
      type: str
      sample: 500507630f04be07
    wwpns:
      description: World wide names of the drive's ports. A port that serves several drives is not listed.
      type: list
      elements: str
      sample: [500507630f44be07, 500507630f84be07]
    vendor:
      description: Vendor.
      type: str
      sample: IBM
    model:
      description: Model.
      type: str
      sample: ULT3580-TD8
    devices:
      description: All device files, of all paths, with the links that lead to them.
      type: list
      elements: str
      sample: [/dev/st0, /dev/nst0, /dev/sg4, /dev/tape/by-id/scsi-10WT012345]
    paths:
      description: Each path to the drive.
      type: list
      elements: dict
      contains:
        device:
          description: The path's own device file.
          type: str
          sample: /dev/st0
        port:
          description: The host's port, with C(protocol) and C(id), or null where it has no name.
          type: dict
          sample: {protocol: fc, id: 10000090fa1658de}
        target_port:
          description: The drive's port, with C(protocol) and C(id), or null where it has no name.
          type: dict
          sample: {protocol: fc, id: 500507630f44be07}
    origin:
      description: V(found), V(manual) or V(overridden).
      type: str
      sample: found
    location:
      description: The drive's place in the library, if described.
      type: str
    library:
      description: The library's name in the inventory, if described.
      type: str
ports:
  description: The host's initiator ports.
  returned: unless O(from_hosts) is given
  type: list
  elements: dict
  contains:
    protocol:
      description: V(fc), V(iscsi), V(sas) or V(ip).
      type: str
      sample: fc
    id:
      description: WWPN, iSCSI name, SAS address or IP address, normalised.
      type: str
      sample: 10000090fa1658de
    state:
      description: V(online), V(offline) or V(unknown).
      type: str
      sample: online
    device:
      description: The host's name of the port's adapter.
      type: str
      sample: host7
    origin:
      description: V(found), V(manual) or V(overridden).
      type: str
      sample: found
notes:
  description: What was asked and gave nothing, and what was left out and why, one sentence each.
  returned: unless O(from_hosts) is given
  type: list
  elements: str
  sample:
    - "The tape drive at 7:0:0:0 (/dev/st0) was left out: it shows no serial number (VPD page 80h). Rescan the device, or name the
      drive in drive_sharing_drives."
instances:
  description: The installations of backup applications that the host's variables describe, without their options.
  returned: unless O(from_hosts) is given
  type: list
  elements: dict
  sample:
    - {instance: backup1, application: custom, control_points: [backup1], scope: host, managed: true}
conflicts:
  description:
    - What this host and another claim, and only one can have, one sentence each, naming both; and what could not be recorded.
      A port decides nothing while hosts of different instances have it, and a drive is not shared while hosts see different
      drives under its serial number.
    - They are warnings too.
  returned: always
  type: list
  elements: str
ignored:
  description: What the host's variables say is to be ignored; it is forgotten, not kept as missing.
  returned: unless O(from_hosts) is given
  type: dict
  contains:
    drives:
      description: Serial numbers.
      type: list
      elements: str
    ports:
      description: Ports, each with C(protocol) and C(id).
      type: list
      elements: dict
changed_hosts:
  description: The hosts of which something else is recorded now.
  returned: if O(from_hosts) is given
  type: list
  elements: str
left_hosts:
  description: The hosts that keep what is recorded of them, because nothing was found on them in this run.
  returned: if O(from_hosts) is given
  type: list
  elements: str
ansible_facts:
  description: The same as facts of the host, so that later plays can use them; a fact cache keeps them too, if there is one.
  returned: success, unless O(from_hosts) is given
  type: dict
  contains:
    drive_sharing:
      description: RV(drives), RV(ports), RV(notes) and RV(instances). C(docs/host_facts.schema.json) of the collection is their JSON schema.
      type: dict
"""
