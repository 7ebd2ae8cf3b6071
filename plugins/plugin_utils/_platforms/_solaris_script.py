# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Solaris host is asked, for a POSIX shell. Private: may change at any time."""

from __future__ import annotations

# No single quotes: the text is quoted twice on its way. Options are those of Solaris 10; later releases have them too.
SCRIPT = r"""
PATH=$PATH:/usr/bin:/usr/sbin:/sbin
set -f
remotes() {
  first=
  second=
  third=
  for word in $answer; do
    case "$first $second $third" in
    "HBA Port WWN:") ask fcinfo remote-port -sl -p "$word"
    esac
    first=$second
    second=$third
    third=$word
  done
}
older() {
  case $answer in
  *c[0-9]*::*) ;;
  *) ask cfgadm -al -o show_FCP_dev
  esac
}
tapes() {
  case $answer in
  */iport@*) ask sasinfo hba-port -v
  esac
  case $(uname -p) in
  i386) ;;
  *) return
  esac
  before=
  last=
  for word in $answer; do
    case "$before $last $word" in
    *[0-9]"n -> "*/fp@* | *[0-9]"n -> "*/scsi_vhci/*) ask luxadm display "/dev/rmt/$before"
    esac
    before=$last
    last=$word
  done
}
instances() {
  case $answer in
  *st[0-9]*) ask grep st "$root/etc/path_to_inst"
  esac
}
targets() {
  case $answer in
  *"node name:"*) ask iscsiadm list target -S
  esac
}
newer() {
  case $answer in
  *inet*) ;;
  *) ask ipadm show-addr -p -o addrobj,state,addr
  esac
}
ask_then remotes fcinfo hba-port
ask ls -l "$root/dev/cfg"
ask_then older cfgadm -al -o show_SCSI_LUN
ask_then tapes ls -l "$root/dev/rmt"
ask_then instances iostat -En
ask_then targets iscsiadm list initiator-node
ask_then newer ifconfig -a
"""
