# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Linux host is asked, for any POSIX shell. Private: may change at any time."""

from __future__ import annotations

# No single quotes: the text is quoted twice on its way, and each one costs a dozen characters.
SCRIPT = r"""
attribute() {
  value=
  if [ -r "$2" ]; then IFS= read -r value < "$2"; fi 2>/dev/null
  if [ -n "$value" ]; then printf "%s %s\n" "$1" "$value"; fi
}
attributes() {
  for name in $2; do attribute "$name" "$1/$name"; done
}
below() {
  value=${1##*/$2-}
  value=$2-${value%%/*}
}
sg_inq() {
  command sg_inq --raw --page=0x80 "$1" | od -An -v -tx1
}
class=$root/sys/class
PATH=$PATH:/usr/bin:/usr/sbin:/sbin
for entry in "$class"/scsi_device/*; do
  device=$entry/device
  type=
  if [ -r "$device/type" ]; then read -r type < "$device/type"; fi 2>/dev/null
  if [ "$type" != 1 ]; then continue; fi
  address=${entry##*/}
  where=$(cd -P "$device" && pwd -P)
  where=${where##*/sys/devices/}
  printf "device %s\n" "$address"
  attributes "$device" "vendor model state wwid"
  for page in pg80 pgb1 pg83; do
    if [ -r "$device/vpd_$page" ]; then
      printf "%s\n" "$page"
      od -An -v -tx1 < "$device/vpd_$page"
    fi
  done
  for node in "$device"/scsi_tape/* "$device"/scsi_generic/* "$device"/*/IBMtape*; do
    if [ -e "$node" ]; then printf "node %s\n" "${node##*/}"; fi
  done
  if [ ! -r "$device/vpd_pg80" ] && ( unset -f sg_inq && command -v sg_inq ) >/dev/null; then
    for node in "$device"/scsi_generic/sg*; do
      node=$root/dev/${node##*/}
      if [ -r "$node" ]; then
        printf "pg80\n"
        ask sg_inq "$node"
      fi
    done
  fi
  attributes "$class/fc_transport/target${address%:*}" "port_name node_name"
  case $where in
  */rport-*) below "$where" rport
    attribute rport_port_name "$class/fc_remote_ports/$value/port_name"
  esac
  case $where in
  */end_device-*) below "$where" end_device
    attribute sas_target "$class/sas_device/$value/sas_address"
  esac
  case $where in
  */session[0-9]*) value=${where##*/session}
    printf "session session%s\n" "${value%%/*}"
  esac
  case $where in
  */port-*) value=${where#*/port-}
    printf "sas_port port-%s\n" "${value%%/*}"
  esac
done
for entry in "$class"/fc_host/host*; do
  if [ ! -d "$entry" ]; then continue; fi
  printf "fc_host %s\n" "${entry##*/}"
  attributes "$entry" "port_name port_state"
  attribute active_mode "$class/scsi_host/${entry##*/}/active_mode"
done
for entry in "$class"/iscsi_host/host*; do
  if [ ! -d "$entry" ]; then continue; fi
  printf "iscsi_host %s\n" "${entry##*/}"
  attributes "$entry" initiatorname
done
for entry in "$class"/iscsi_session/session*; do
  if [ ! -d "$entry" ]; then continue; fi
  printf "iscsi_session %s\n" "${entry##*/}"
  attributes "$entry" "initiatorname targetname state"
  where=$(cd -P "$entry" && pwd -P)
  where=${where%/session*/iscsi_session/*}
  printf "host %s\n" "${where##*/}"
done
for entry in "$class"/sas_phy/phy-*; do
  case ${entry##*/} in
  *:*:*|*"*") continue
  esac
  printf "sas_phy %s\n" "${entry##*/}"
  attributes "$entry" "sas_address negotiated_linkrate"
done
for entry in "$class"/sas_port/port-*; do
  case ${entry##*/} in
  *:*:*|*"*") continue
  esac
  printf "sas_port_of_host %s\n" "${entry##*/}"
  for node in "$entry"/device/phy-*; do printf "phy %s\n" "${node##*/}"; done
done
printf "files\n"
file=/etc/iscsi/initiatorname.iscsi
if [ -r "$root$file" ]; then
  while read -r line; do
    case $line in
    InitiatorName=*) printf "initiatorname %s\n" "${line#*=}"
    esac
  done < "$root$file"
elif [ -e "$root$file" ]; then printf "denied %s\n" "$file"
fi
if [ -r "$root/proc/scsi/IBMtape" ]; then
  while read -r line; do printf "lin_tape %s\n" "$line"; done < "$root/proc/scsi/IBMtape"
fi
for directory in /dev/tape/by-id /dev/tape/by-path /dev/lin_tape/by-id; do
  if [ -d "$root$directory" ]; then
    ls -l "$root$directory" | while read -r line; do printf "link %s %s\n" "$directory" "$line"; done
  fi
done
"""
