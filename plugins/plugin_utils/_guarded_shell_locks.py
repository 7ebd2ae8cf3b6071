# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shell text of the guarded step: the drives of a unit, and their locks. Private: may change at any time.

See ``_guarded_script``.
"""

from __future__ import annotations

LOCKS = r"""_dl=$5 _u=-1 _begun="" _tmp=

# newer A B: is A greater? 20 digits each, in parts that fit into 32 bits; the 1 in front keeps them decimal.
newer() {
  _x=$1 _y=$2
  while [ -n "$_x" ]; do
    set -- "${_x#?????}" "${_y#?????}"
    # shellcheck disable=SC2295
    set -- "$1" "$2" "1${_x%$1}" "1${_y%$2}"
    [ "$3" -eq "$4" ] || break
    _x=$1 _y=$2
  done
  [ "$3" -gt "$4" ]
}

# padded NUMBER: _z is it in 20 digits.
padded() {
  _z=00000000000000000000$1
  _y=${_z%????????????????????}
  # shellcheck disable=SC2295
  _z=${_z#$_y}
}

# text TEMPLATE SEQUENCE DRIVE [STAMP]: _x is the record.
text() {
  padded "$2"
  eval "_y=\$_t$1"
  _x=
  IFS=$_tab
  for _y in $_y; do
    case $_y in
    d*) _x=$_x$3${_y#d} ;;
    n*) _x=$_x$2${_y#n} ;;
    z*) _x=$_x$_z${_y#z} ;;
    s*) _x=$_x$4${_y#s} ;;
    esac
  done
  IFS=$_ifs
}

# each FUNCTION: call it for every drive with: drive, sequence; template, sequence and stamp of the expected record;
# template and sequence of the intent; the same of the last record. No template is -.
each() {
  IFS=$_nl
  for _line in $_blob; do
    IFS=$_ifs
    # shellcheck disable=SC2086
    case $_line in
    =*) ;;
    *) "$1" $_line ;;
    esac
  done
  IFS=$_ifs
}

# out DRIVE OUTCOME DETAIL: nothing (more) is done with this drive.
out() {
  words "$3"
  _res="$_res$_nl$1 $2 $_x"
}

# none OUTCOME DETAIL: the same for all drives that are left.
none() {
  for _i in $_o; do
    out "$_i" "$1" "$2"
  done
  _o=" "
}

name() {
  _o="$_o$1 "
}

# What a drive's file is called before it is put into place: one drive needs no directory for that.
lock() {
  [ -z "$_many" ] || put "$_t.lock$_u/$1" "$_owner" || _fail=1
}

# free DRIVE...: release the locks that are ours.
free() {
  _y=$#
  while [ "$_y" -gt 0 ]; do
    owner "$_d/.lock/$1"
    [ "$_oi" != "$_id" ] || set -- "$@" "$_d/.lock/$1"
    shift
    _y=$((_y - 1))
  done
  [ $# -eq 0 ] || rm -f "$@" 2>/dev/null
}

# link: one process for all drives; of locks that exist already it says so and goes on.
link() {
  if [ -z "$_many" ]; then
    set -- "$_t.me" "$_d/.lock/${_o# }"
    set -- "$1" "${2% }"
  elif [ -z "$_given" ]; then
    set +f
    set -- "$_t.lock$_u/"* "$_d/.lock/"
    set -f
  else
    set --
    for _i in $_o; do
      set -- "$@" "$_t.lock$_u/$_i"
    done
    set -- "$@" "$_d/.lock/"
  fi
  _e=$($_ln "$@" 2>&1)
}

# give OUTCOME DETAIL: up the drive that is waited for.
give() {
  out "$_first" "$1" "$2"
  _given=1
  set --
  for _i in $_o; do
    [ "$_i" = "$_first" ] || set -- "$@" "$_i"
  done
  _o=" $* "
  [ $# -gt 0 ] || _o=" "
}

# take: lock the drives of _o; what cannot be locked is left out of it.
take() {
  _wait=0 _try=0 _given=
  while [ "$_o" != " " ]; do
    link
    _first="" _rest=
    for _i in $_o; do
      owner "$_d/.lock/$_i"
      if [ "$_oi" != "$_id" ]; then
        [ -n "$_first" ] || _first=$_i
      elif [ -n "$_first" ]; then
        _rest="$_rest $_i"
      fi
    done
    [ -n "$_first" ] || return 0
    # What comes after it in the order may not be held while it is waited for.
    # shellcheck disable=SC2086
    [ -z "$_rest" ] || free $_rest
    _try=$((_try + 1))
    if [ "$_try" -eq 5 ] && [ ! -f "$_t.probe" ] && ! $_ln "$_t.me" "$_t.probe" 2>/dev/null; then
      give unwritable "a hard link cannot be made: $_e"
      continue
    fi
    if clear "$_d/.lock/$_first" && [ "$_try" -le 20 ]; then
      continue
    fi
    _try=0
    # The other half of the time is for the commands: none is begun that cannot end well.
    if [ $((_wait + _wait + 1)) -lt "$_w" ]; then
      sleep 1
      _wait=$((_wait + 1))
      continue
    fi
    if owner "$_d/.lock/$_first"; then
      gone
      give locked "$_op"
    else
      give unwritable "$_e"
    fi
  done
}

"""
