# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an HP-UX host is asked; see ``hpux``. Private: may change at any time.

`ioscan` is asked with ``-k`` or ``-m``: it shows what the kernel knows and touches no hardware. Of what `iscsiutil`
shows, secrets do not leave the host. 11i v1 and v2 have neither the agile view nor `scsimgr` for it.
"""

from __future__ import annotations

# No single quotes: the text is quoted twice on its way.
SCRIPT = r"""
PATH=$PATH:/usr/bin:/usr/sbin:/sbin:/opt/fcms/bin:/opt/iscsi/bin
set -f
ports() {
  for word in $answer; do
    case $word in
    /dev/*)
      ask fcmsutil "$word"
      ask fcmsutil "$word" get remote all
    esac
  done
  ask ioscan -kFnC tape
  case $release in
  *.10.* | *.11.[01]* | *.11.2*) rest ;;
  *) ask_then units ioscan -kFnNC tape
  esac
}
units() {
  seen=" "
  for word in $answer; do
    case $word in
    /dev/rtape/*)
      case $seen in
      *" ${word%%_*} "*) ;;
      *)
        seen="$seen${word%%_*} "
        ask scsimgr get_attr -D "$word" -a serial_number -a wwid -a vid -a pid
      esac
    esac
  done
  ask ioscan -m lun -C tape
  ask ioscan -m dsf
  rest
}
rest() {
  ask iscsiutil -l
  ask netstat -in
}
iscsiutil() {
  told=$(command iscsiutil "$@" 2>&1)
  ended=$?
  line "$told" | sed "/[Ss]ecret/d"
  return $ended
}
release=$(uname -r)
line "release $release"
ask_then ports ioscan -kFnC fc
"""
