# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shell text for Data Protector: what takes several steps of its programs. Private: may change at any time.

A device is set by downloading its whole definition, changing one line and uploading it. Between the two a change by
somebody else is lost, so they follow each other at once, here, on the host; what came of it is downloaded once more.
Values are arguments and never part of the text. It is for every ``/bin/sh``, that of old Solaris too: no ``$(...)`` and no
``local``.
"""

from __future__ import annotations

#: Exit status of our own; what a program said that failed comes after the sentence.
NOTHING_DONE, NOT_SET, NOT_THE_SAME = 91, 93, 94
#: What its own sentences begin with.
MARK = "drive_sharing: "

_COMMON = r"""LC_ALL=C
export LC_ALL
umask 077
_c="" _d="" _i=0 _rc=0
_awk=awk
[ ! -x /usr/xpg4/bin/awk ] || _awk=/usr/xpg4/bin/awk
tell() {
  printf "drive_sharing: %s\n" "$1"
}
leave() {
  [ -z "$_d" ] || rm -rf "$_d"
  exit "$1"
}
# end: our time is over. The program that runs gets no chance to go on without us.
end() {
  trap "" 1 2 13 15
  [ -z "$_c" ] || kill "$_c" 2>/dev/null
  leave 143
}
trap end 1 2 13 15
while [ -z "$_d" ]; do
  _i=`expr $_i + 1`
  # mkdir follows no link and takes nothing that is there.
  if mkdir "${TMPDIR:-/tmp}/drive_sharing.$$.$_i" 2>/dev/null; then
    _d=${TMPDIR:-/tmp}/drive_sharing.$$.$_i
  elif [ "$_i" -ge 20 ]; then
    tell "no directory can be made in ${TMPDIR:-/tmp}; nothing was done"
    exit 91
  fi
done
# call WORD...: run a program so that it ends with us. What it prints goes to the file said.
call() {
  "$@" </dev/null >"$_d/said" 2>&1 &
  _c=$!
  wait "$_c"
  _rc=$?
  _c=
  return $_rc
}
# failed STATUS TEXT: a program that failed with $_rc.
failed() {
  tell "$2 failed with exit status $_rc:"
  sed 20q "$_d/said"
  leave "$1"
}
"""

#: Words: the program and its words. Only the lines are printed that are read: a cell has hundreds of devices, and an answer
#: has room for 256 KiB.
LIST = (
    _COMMON
    + r"""call "$@" || {
  sed 20q "$_d/said"
  leave "$_rc"
}
$_awk '
  /^[ \t]*=====+[ \t\r]*$/ { print "====="; next }
  /^[ \t]*([Nn][Aa][Mm][Ee]|[Ll][Ii][Bb][Rr][Aa][Rr][Yy])[ \t]/ { print; next }
  /^[ \t]*-disable[ \t\r]*$/ { print }
' "$_d/said" >"$_d/short" || leave 91
if [ -s "$_d/short" ]; then
  cat "$_d/short"
else
  sed 20q "$_d/said"
fi
leave 0
"""
)

#: Words: offline or online, the device, the first word of the line behind which the line -disable belongs, omnidownload,
#: omniupload, and what both get besides.
SET = (
    _COMMON
    + r"""_state=$1 _device=$2 _behind=$3 _download=$4 _upload=$5
shift 5
# clean FILE: its lines in alphabetical order, without blanks around them, without empty ones.
clean() {
  tr -d '\r' <"$1" | $_awk '{ gsub(/^[ \t]+|[ \t]+$/, ""); if ($0 != "") print }' | sort
}
call "$_download" -device "$_device" -file "$_d/before" ${1+"$@"} || failed 91 "$_download"
[ -s "$_d/before" ] || failed 91 "$_download wrote no file and"
# It has to be the file of this device and of no other.
_names=`tr -d '\r' <"$_d/before" | $_awk '/^[ \t]*[Nn][Aa][Mm][Ee][ \t]/ {
  sub(/^[ \t]*[^ \t]+[ \t]+/, ""); sub(/[ \t]+$/, ""); print }'`
if [ "x$_names" != "x\"$_device\"" ]; then
  tell "the file of device $_device is that of: $_names; nothing was uploaded"
  leave 91
fi
_disabled=`$_awk '/^[ \t]*-disable[ \t\r]*$/ { n++ } END { print n + 0 }' "$_d/before"`
if [ "$_state" = offline ] && [ "$_disabled" != 0 ]; then
  tell "it was disabled already"
  leave 0
fi
if [ "$_state" = online ] && [ "$_disabled" = 0 ]; then
  tell "it was enabled already"
  leave 0
fi
if [ "$_state" = offline ]; then
  $_awk '
    { print; word = $1; sub(/\r$/, "", word) }
    !done && word == behind {
      done = 1; blanks = $0; sub(/[^ \t].*/, "", blanks)
      print blanks "-disable" ($0 ~ /\r$/ ? "\r" : "")
    }
    END { if (!done) exit 1 }
  ' behind="$_behind" "$_d/before" >"$_d/after" || {
    tell "the file of device $_device has no line $_behind, behind which -disable belongs; nothing was uploaded"
    leave 91
  }
else
  $_awk '!/^[ \t]*-disable[ \t\r]*$/' "$_d/before" >"$_d/after" || leave 91
fi
call "$_upload" -modify_device "$_device" -file "$_d/after" ${1+"$@"} || failed 93 "$_upload"
cat "$_d/said"
call "$_download" -device "$_device" -file "$_d/back" ${1+"$@"} || failed 94 "after the upload, $_download"
clean "$_d/after" >"$_d/wanted"
clean "$_d/back" >"$_d/there"
clean "$_d/before" >"$_d/old"
# Nothing was changed at all: the listing will say so.
if cmp -s "$_d/old" "$_d/there"; then
  leave 0
fi
_lost=`comm -23 "$_d/wanted" "$_d/there" | sed 3q | tr '\n' ';'`
if [ -n "$_lost" ]; then
  # The place first: the lines may be long, and a message is cut.
  tell "the definition of device $_device is not what was uploaded; what it was before is in $_d/before; it lacks: $_lost"
  exit 94
fi
leave 0
"""
)
