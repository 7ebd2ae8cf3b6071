# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shell text of the guarded step: checks, intents, commands, last records. Private: may change at any time.

See ``_guarded_script``.
"""

from __future__ import annotations

UNIT = r"""# check: is the record as it was read, and the step not overtaken?
check() {
  case $_got in
  *" $1 "*) ;;
  *) return 0 ;;
  esac
  record "$1"
  _x=-
  if [ "$3" != - ]; then
    text "$3" "$4" "$1" "$5"
    _x="=$_x"
  fi
  # A text that was given without a stamp fits any.
  if [ "$_r" = "$_x" ] || [ "${_r% #*}" = "$_x" ]; then
    if [ -n "$_late" ]; then
      out "$1" late "$_now"
    else
      _o="$_o$1 "
    fi
    return 0
  fi
  padded "$2"
  _s=${_r#=}
  _s=${_s%% *}
  case $_s in
  *[!0-9]*) ;;
  ????????????????????)
    if newer "$_s" "$_z"; then
      out "$1" superseded
      return 0
    fi
    ;;
  esac
  out "$1" changed
}

# intend, finish: prepare the new record.
intend() {
  [ "$6" = - ] || next new "$1" "$6" "$7"
}

finish() {
  [ "$8" = - ] || next end "$1" "$8" "$9"
}

next() {
  case $_o in
  *" $2 "*) ;;
  *) return 0 ;;
  esac
  text "$3" "$4" "$2"
  _y=$_t.$1$_u
  [ -z "$_many" ] || _y=$_y/$2
  put "$_y" "$_x #$_id" || _fail=$_o
}

# move WHAT: put the new records into place. _fail are the drives whose could not be, _e says why.
move() {
  _e="$_d cannot be written, or its file system is full"
  [ -z "$_fail" ] || return 0
  set -- "$_t.$1$_u"
  if [ -n "$_many" ]; then
    set +f
    set -- "$1/"*
    set -f
  fi
  [ -f "$1" ] || return 0
  _h=$1
  if [ -n "$_many" ]; then
    _x=$(mv -f "$@" "$_d/" 2>&1) || _e=$_x
  else
    _i=${_o# }
    _x=$(mv -f "$1" "$_d/${_i% }" 2>&1) || _e=$_x
  fi
  for _i in $_o; do
    [ -z "$_many" ] || _h=${_h%/*}/$_i
    # Moved is what is not here any more.
    [ ! -f "$_h" ] || _fail="$_fail $_i"
  done
}

# unit LINES: the drives that come through are in _o.
unit() {
  _u=$((_u + 1)) _blob=$1 _res="" _o=" " _got=" " _a="" _late="" _begun="" _noclock="" _bad="" _ti=0 _many="" _feed="" _fail=
  [ -z "$_stuck" ] || return 0
  settle
  IFS=$_nl
  for _line in $_blob; do
    case $_line in
    =*)
      _ti=$((_ti + 1))
      eval "_t$_ti=\${_line#=}"
      ;;
    esac
  done
  IFS=$_ifs
  each name
  _e=
  # The time of an earlier unit may have been over.
  [ -f "$_t.me" ] || put "$_t.me" "$_owner" || _fail=1
  case $_o in
  " "*" "*" ")
    _many=1
    _e=$(mkdir "$_t.lock$_u" "$_t.new$_u" "$_t.end$_u" 2>&1) || _fail=1
    ;;
  esac
  each lock
  if [ -n "$_fail" ]; then
    none unwritable "${_e:-$_d cannot be written, or its file system is full}"
    return 0
  fi
  take
  _got=$_o _o=" "
  [ "$_got" != " " ] || return 0
  if [ "$_dl" != - ]; then
    clock
    if [ "$_now" = - ]; then
      _noclock=1
    else
      padded "$_now"
      ! newer "$_z" "$_dl" || _late=1
    fi
  fi
  each check
  [ "$_o" != " " ] || return 0
  each intend
  move new
  [ -n "$_fail" ] || return 0
  # What could not be written is left out.
  set -- "$_e"
  _v=$_o _o=" "
  for _i in $_v; do
    case " $_fail " in
    *" $_i "*) out "$_i" unwritable "$1" ;;
    *) _o="$_o$_i " ;;
    esac
  done
}

# exe KIND WORD...: run one of the unit within its time.
exe() {
  _kind=$1
  shift
  if [ -z "$_begun" ]; then
    _begun=1
    say begun "$_u"
    watch $((_w - _wait))
  fi
  run "$@"
  [ -z "$_unfed" ] || _bad=${_bad:-input}
  [ -z "$_full" ] || _bad=${_bad:-full}
  [ "$_rc" != - ] || _bad=${_bad:-start}
  [ "$_over" = - ] || _bad="time"
  [ -z "$_stuck" ] || _bad="hangs $_cp"
  _a="$_a$_nl$_k $_kind $_rc $_over"
}

# some KIND WORD...: a word, or a line to be fed, is :text, or drive:text if it stands for that drive only.
some() {
  [ "$_o" != " " ] || return 0
  _kind=$1
  shift
  _i=0 _x="" _y="" _lines=
  for _v in "$@"; do
    _i=$((_i + 1))
    case $_v in
    :*)
      _x="$_x \"\${$_i#:}\""
      ;;
    *)
      [ -n "$_y" ] || _y=none
      case $_o in
      *" ${_v%%:*} "*)
        _y=some
        _x="$_x \"\${$_i#*:}\""
        ;;
      esac
      ;;
    esac
  done
  IFS=$_nl
  for _v in $_feed; do
    case $_v in
    :*) _lines=$_lines$_nl${_v#:} ;;
    *)
      [ -n "$_y" ] || _y=none
      case $_o in
      *" ${_v%%:*} "*) _y=some _lines=$_lines$_nl${_v#*:} ;;
      esac
      ;;
    esac
  done
  IFS=$_ifs
  _feed=$_lines
  if [ "$_y" = none ]; then
    # Without its drives it would be another command.
    _k=$((_k + 1)) _feed=
    _a="$_a$_nl$_k $_kind - -"
    return 0
  fi
  eval "exe $_kind $_x"
}

# com, que: a command of the unit, and a query with parts for some drives. ask: a query.
com() {
  some c "$@"
}

que() {
  some q "$@"
}

ask() {
  [ "$_o" != " " ] || return 0
  exe q "$@"
}

# end: the last records, the locks, and only then the output: who does not read it holds up nobody.
end() {
  if [ -n "$_stuck" ] && [ -z "$_begun" ]; then
    return 0
  fi
  unwatch
  _fail="" _e=
  if [ -z "$_bad" ] && [ "$_o" != " " ]; then
    each finish
    move end
  fi
  # shellcheck disable=SC2086
  [ -n "$_stuck" ] || [ "$_got" = " " ] || free $_got
  say unit "$_u" "${_noclock:--}"
  IFS=$_nl
  for _v in $_res; do
    IFS=$_ifs
    say drive "$_v"
  done
  IFS=$_ifs
  words "$_e"
  for _i in $_o; do
    if [ -n "$_bad" ]; then
      say drive "$_i" unfinished "$_bad"
    else
      case " $_fail " in
      *" $_i "*) say drive "$_i" unfinished record "$_x" ;;
      *) say drive "$_i" "done" ;;
      esac
    fi
  done
  IFS=$_nl
  for _v in $_a; do
    IFS=$_ifs
    # shellcheck disable=SC2086
    show $_v
  done
  IFS=$_ifs
  say endunit
}

failed() {
  words "$_e"
  say fail "$_x"
  say end
  tidy
  exit 0
}

line ""
say start - "$_b" "$_id"
_t=$_d/.run/$_id
if [ ! -d "$_d/.run" ]; then
  # The last one made is the one looked for.
  _e=$(umask 077 && mkdir -p "$_d/.lock" 2>&1 && mkdir -p "$_d/.run" 2>&1) || failed
fi
_e="$_d cannot be written, or its file system is full"
put "$_t.me" "$_owner" || failed
sweep
"""
