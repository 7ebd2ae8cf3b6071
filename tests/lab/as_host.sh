#!/usr/bin/env bash
# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# as_host.sh WWPN,IQN COMMAND...: run a command as on a host that has only the adapter with this WWPN and the iSCSI
# initiator with this name; either may be empty. Its /sys is the kernel's, but the folders of SCSI classes have only
# what is below these adapters; that holds for this command only. /etc/iscsi is such a host's too.
set -eu
if [ -z "${LAB_AS_HOST:-}" ]; then
  LAB_AS_HOST=yes exec unshare --mount --propagation private /bin/bash "$0" "$@"
fi
wwpn=${1%%,*} iqn=${1#*,}
shift
own=' '
for entry in /sys/class/fc_host/*; do
  if [ -e "$entry" ] && [ "$(<"$entry/port_name")" = "0x$wwpn" ]; then own+="${entry##*/} "; fi
done
for entry in /sys/class/iscsi_session/*; do
  if [ -e "$entry" ] && [ "$(<"$entry/initiatorname")" = "$iqn" ]; then
    path=$(readlink "$entry")
    path=${path%/session*/iscsi_session/*}
    own+="${path##*/} "
  fi
done
view=/run/lab/view
mount -t tmpfs -o mode=755 view "$view"
declare -A kept
while IFS=$'\t' read -r class entry link; do
  if [[ $link =~ /(host[0-9]+)(/|$) && $own == *" ${BASH_REMATCH[1]} "* ]]; then kept[$class]+=" $entry"; fi
done < <(find /sys/class/{fc,scsi}_* /sys/class/iscsi_{host,session,connection,endpoint} -mindepth 1 -maxdepth 1 -type l -printf '%h\t%p\t%l\n')
for class in /sys/class/{fc,scsi}_* /sys/class/iscsi_{host,session,connection,endpoint}; do
  folder=$view/${class##*/}
  mkdir "$folder"
  # Names in sysfs have no blanks.
  # shellcheck disable=SC2086
  if [ -n "${kept[$class]:-}" ]; then cp --no-dereference --target-directory "$folder" ${kept[$class]}; fi
  mount --bind "$folder" "$class"
done
mkdir "$view/etc"
if [ -n "$iqn" ]; then echo "InitiatorName=$iqn" >"$view/etc/initiatorname.iscsi"; fi
mount --bind "$view/etc" /etc/iscsi
unset LAB_AS_HOST
exec "$@"
