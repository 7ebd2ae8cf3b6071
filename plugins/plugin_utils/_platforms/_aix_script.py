# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an AIX host is asked; see ``aix``. Private: may change at any time.

`lsdev` first: the other commands are asked only for what it names. Names and states have no blanks, descriptions have.
The programs are those of the ODM; none of them opens a drive.
"""

from __future__ import annotations

# No single quotes: the text is quoted twice on its way.
SCRIPT = r"""
PATH=$PATH:/usr/bin:/usr/sbin:/sbin:/etc
set -f
fields="name:status:parent:location:physloc:description"
tapes() {
  case $answer in
  *:Available:*)
    if command -v lscfg >/dev/null 2>&1; then ask lscfg -vl "rmt*"; else ask lsvpd; fi
  esac
  for word in $answer; do
    case $word in
    smc*) ;;
    rmt*:Available:*) ask lsattr -El "${word%%:*}" ;;
    *:Available:*)
      ask lscfg -vl "${word%%:*}"
      ask lsattr -El "${word%%:*}"
    esac
  done
  ask_then adapters lsdev -Cc adapter -F "$fields"
}
adapters() {
  case $answer in
  *sas[0-9]*:*) ask lsdev -C -l "sas*" -F "$fields"
  esac
  for word in $answer; do
    case $word in
    *sas[0-9]*:Available:*) ask lscfg -vl "${word%%:*}"
    esac
  done
  case $answer in
  *fcs[0-9]*:*)
    ask lscfg -vl "fcs*"
    ask_then rest lsdev -C -l "fscsi*" -F "$fields" ;;
  *) rest
  esac
}
rest() {
  for word in $answer; do
    case $word in
    fscsi*:Available:*) ask lsattr -E -a attach -l "${word%%:*}"
    esac
  done
  ask lsattr -E -a initiator_name -l iscsi0
  ask ifconfig -a
}
ask_then tapes lsdev -Cc tape -F "$fields"
"""
