# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shell text of the guarded step: printing, processes, owners of locks, records. Private: may change at any time.

See ``_guarded_script``.
"""

from __future__ import annotations

BASE = r"""# Functions are also called by each.
# shellcheck disable=SC2317
_n=$1 _d=$2 _sh=$3 _w=$4
_p=/proc
_tab="	"
_nl="
"
_ifs=" $_tab$_nl"
IFS=$_ifs
_b="" _wp="" _zp="" _stuck="" _cp="" _k=0 _t="" _feed=
# A record may look like a pattern.
set -f
# The connection may go; what was begun is brought to its end. Commands ignore HUP as under nohup, and see PIPE as usual.
trap "" HUP
trap : PIPE
trap "_stuck=1" USR1

# line TEXT: print it. mksh has no printf of its own.
line() {
  printf "%s\n" "$1"
}
case ${KSH_VERSION-} in
*"MIRBSD KSH"*)
  line() {
    print -r -- "$1"
  }
  ;;
esac

say() {
  line "$_n $*"
}

# words TEXT: _x is the text in one line.
words() {
  # shellcheck disable=SC2086
  set -- $1
  _x="$*"
}

# put FILE TEXT
put() {
  { line "$2" >"$1"; } 2>/dev/null
}

# proc FILE: _pp, _pz, _ps are pid, state and start time from Linux /proc/<pid>/stat. Fails where there is none.
proc() {
  _pp="" _pz="" _ps=- _x=
  { read -r _x <"$1"; } 2>/dev/null
  [ -n "$_x" ] || return 1
  _pp=${_x%% *}
  # The name of the program stands in parentheses and may hold anything.
  # shellcheck disable=SC2086
  set -- ${_x##*") "}
  _pz=$1 _ps=${20}
}

# alive PID START: is it running, and is it the same process?
alive() {
  kill -0 "$1" 2>/dev/null || return 1
  [ "$2" != - ] || return 0
  # If it cannot be read it has just ended (seen at the next look), or /proc hides it.
  proc "$_p/$1/stat" || return 0
  [ "$_ps" = "$2" ] && [ "$_pz" != Z ]
}

# clock: _now is seconds since 1970, or - where neither date nor awk tells.
clock() {
  case ${BASH_VERSION-} in
  4.[2-9]* | [5-9].*)
    # shellcheck disable=SC3045
    printf -v _now "%(%s)T" -1
    return 0
    ;;
  esac
  _now=$(date +%s 2>/dev/null)
  case $_now in
  "" | *[!0-9]*) _now=$(awk "BEGIN { srand(); print srand() }" 2>/dev/null) ;;
  esac
  case $_now in
  "" | *[!0-9]*) _now=- ;;
  esac
}

boot() {
  { read -r _b <"$_p/sys/kernel/random/boot_id"; } 2>/dev/null
  [ -z "$_b" ] || return 0
  # shellcheck disable=SC2046
  set -- $(TZ=UTC0 LC_ALL=C who -b 2>/dev/null)
  IFS=_
  _b="$*"
  IFS=$_ifs
  [ -n "$_b" ] || _b=-
}

# owner FILE: _op, _ob, _os, _oi are the pid, boot, start and id of the owner of a lock. Fails if there is no lock.
owner() {
  _op="" _ob="" _os="" _oi=
  [ -f "$1" ] || return 1
  if [ ! -r "$1" ]; then
    # Of another user: never broken.
    _op="?" _oi="?"
    return 0
  fi
  { read -r _op _ob _os _oi <"$1"; } 2>/dev/null
  # No step makes an empty lock: this one has lost its content in a crash of the system.
  case $_oi in
  *[!0-9A-Za-z.-]* | "" | .*) _op="" _oi=junk ;;
  esac
  case $_op in
  *[!0-9]* | "" | 0*) _op="" _oi=junk ;;
  esac
}

# gone: are the owner that was read last, and its command, gone? _op is who is not.
gone() {
  [ "$_oi" != "?" ] || return 1
  [ "$_oi" != junk ] || return 0
  [ "$_ob" = "$_b" ] || return 0
  if alive "$_op" "$_os"; then
    return 1
  fi
  [ ! -f "$_d/.run/$_oi.me" ] || rm -f "$_d/.run/$_oi.me" 2>/dev/null
  _cp=
  { read -r _cp _cs <"$_d/.run/$_oi.cmd"; } 2>/dev/null
  [ -n "$_cp" ] || return 0
  alive "$_cp" "$_cs" || return 0
  _op=$_cp
  return 1
}

# clear FILE: remove a lock of an owner who is gone. 0: something changed, try again; 1: somebody is at work.
clear() {
  _f=$1
  while owner "$_f"; do
    gone || return 1
    _h=$_oi
    _l=$_d/.lock/~$_h
    if $_ln "$_t.me" "$_l" 2>/dev/null; then
      owner "$_f"
      [ "$_oi" != "$_h" ] || rm -f "$_f"
      rm -f "$_l"
      return 0
    fi
    # The one who has the right may be gone too.
    _f=$_l
  done
}

# sweep: remove what steps have left that were killed.
sweep() {
  set +f
  set -- "$_d/.run/"* "$_d/.lock/~"*
  set -f
  for _g in "$@"; do
    _oi=${_g##*/}
    case $_oi in
    "$_id".* | "*" | "~*") ;;
    "~"*) clear "$_g" ;;
    *)
      # nonce.pid.start.what
      _oi=${_oi%.*}
      _op=${_oi#*.}
      _os=${_op#*.}
      _op=${_op%%.*}
      _ob=$_b
      case $_op in
      *[!0-9]* | "" | 0*) ;;
      *) ! gone || rm -rf "$_g" ;;
      esac
      ;;
    esac
  done
}

# record DRIVE: _r is - if there is none, ? if it cannot be read, else = and its text.
record() {
  _r=-
  [ -f "$_d/$1" ] || return 0
  _r="?" _x="" _y=
  { {
    IFS= read -r _x
    IFS= read -r _y
    _r="=$_x${_y:+ (and more lines)}"
  } <"$_d/$1"; } 2>/dev/null
}

"""
