# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shell text of the guarded step. Private: may change at any time.

It runs on the control point by ``sh -c``: POSIX sh as dash, bash, busybox ash, mksh and ksh93 take it (each tested),
written so that ksh88 (AIX), HP-UX's sh and ksh93 (Solaris 11) do too: no local, no arrays, no [[ ]], no $'...', no
fractional sleep, no flock, no timeout, no job control. No single quotes: the text is quoted up to three times on its
way. Values come as positional parameters only. What is on one line below is one step that a kill can hit; tests kill
before every one of them.

Files, in the instance's directory ``D``::

    D/<drive>             the record
    D/.lock/<drive>       the lock: "pid boot start id" of its owner, a hard link, so it is there with its content or not
    D/.lock/~<id>         the right to remove locks of the owner <id>, who is gone; itself a lock
    D/.run/<id>.me        identity of a running step, <id> is nonce.pid.start; without it no command of it is started.
                          Removed by its watchdog when a unit's time is over, and by others when the step is gone
    D/.run/<id>.cmd       "pid start" of the command that runs, written by that process itself before it becomes it
    D/.run/<id>.*         output of commands, new locks and records before they are put into place

Why at most one process acts on a drive at any time:

1. A lock is made by link(2), which never replaces a file. So it has one owner, whose content is in it from the start.
2. A lock is removed by its owner, or by the holder of ``~<owner>`` after it saw that the owner is gone and read the
   lock once more. Only one process holds ``~<owner>``; the owner, being gone, does nothing. So what it removes is that
   owner's lock and never a successor's (identities are never used twice: nonce, pid and start time).
3. ``~<owner>`` is a lock like any other. If its holder dies, ``~<holder>`` is taken to remove it, and so on. Each of
   these died after the one before it, so the chain ends.
4. *Gone* is: booted since, or no process of that pid, or one that started at another time, or a zombie, **and** no
   command of it is left. A command that was started but has not written ``cmd`` yet cannot slip through: who looks for
   it first removes ``me`` and then reads ``cmd``; the command first writes ``cmd`` and then looks for ``me``. One of
   the two sees the other. The watchdog does the same.
5. A step that waits holds locks only of drives before the one it waits for, in one order: nobody waits in a circle.

Why a step never acts on a stale reading: every record that it writes bears its identity as a stamp, so any step that
came to its commands in between has changed the record, even if it wrote the same text. A step that is at work while
the drive is read shows by its lock; the reading is then marked and fits no record.

If the process dies anywhere: before the intent was moved into place nothing was done. After it the record is the
intent, and says that the drive may have been set. The records change by rename(2) only. (There is no fsync(1): after a
crash of the whole system a record may be an older one, or empty, which is refused; the drive table has a copy.)

It is fast where it creates few processes: each costs as much as all the rest. So all drives of a unit share one ln, one
mv for the intents, one mv for the last records, one rm. Seconds since 1970 are compared as text, as sequences are:
32-bit shells (mksh) would be right only until 2038.
"""

from __future__ import annotations

import re

COMMON = r"""# Functions are also called by each.
# shellcheck disable=SC2317
_n=$1 _d=$2 _sh=$3 _w=$4
_p=/proc
_tab="	"
_nl="
"
_ifs=" $_tab$_nl"
IFS=$_ifs
_b="" _wp="" _zp="" _stuck="" _cp="" _k=0
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

# nap SECONDS: sleep so that TERM ends it at once, and the sleep with it.
nap() {
  sleep "$1" &
  _s=$!
  # TERM before this line: the trap knew no sleep to end. After it: it ends it.
  [ -z "$_q" ] || kill "$_s"
  wait "$_s"
  _s=
  [ -z "$_q" ] || exit 0
}

# hit SIGNAL: send it to the command that runs.
hit() {
  _cp=
  { read -r _cp _cs <"$_t.cmd"; } 2>/dev/null
  [ -n "$_cp" ] && alive "$_cp" "$_cs" && kill "-$1" "$_cp"
}

# watch SECONDS: when they are over, end the command that runs. A command that starts later sees that time is gone.
watch() {
  (
    # By exec: mksh keeps a copy of what a redirection of the whole replaces, and with it the connection.
    exec </dev/null >/dev/null 2>&1
    _s="" _q=
    trap "_q=1; [ -z \"\$_s\" ] || kill \$_s" TERM
    nap "$1"
    rm -f "$_t.me"
    hit TERM
    nap 1
    hit KILL
    nap 1
    # Not even KILL ends what hangs in the kernel: do not wait for it. It keeps the lock.
    hit 0 && alive $$ "$_myps" && kill -USR1 $$
  ) &
  _wp=$!
}

# unwatch: the time does not count any more. settle: the watchdog is gone for sure, another time may begin.
unwatch() {
  [ -z "$_wp" ] || kill "$_wp" 2>/dev/null
  _zp=$_wp _wp=
}

settle() {
  [ -z "$_zp" ] || { wait "$_zp"; } 2>/dev/null
  _zp=
}

# child WORD...: in a process of its own: register, then become the command.
child() {
  trap - PIPE USR1
  if proc "$_p/self/stat"; then
    put "$_t.cmd" "$_pp $_ps" || exit 125
    [ -f "$_t.me" ] || exit 125
    exec "$@"
  fi
  exec "$_sh" -c "printf \"%s -\\n\" \"\$\$\" >\"\$1\" && [ -f \"\$2\" ] || exit 125
    shift 2
    exec \"\$@\"" "$_sh" "$_t.cmd" "$_t.me" "$@"
}

# run WORD...: run a command to its end or the end of the time. _rc is its exit status, - if it was not run.
run() {
  _k=$((_k + 1)) _rc=- _over=over _cp=
  [ -z "$_stuck" ] || return 0
  [ -f "$_t.me" ] || return 0
  put "$_t.cmd" ""
  # The output goes to a file: a process that the command leaves behind cannot hold anything up.
  { child "$@" </dev/null >"$_t.out$_k" 2>&1 & } 2>/dev/null
  _c=$!
  while :; do
    { wait "$_c"; } 2>/dev/null
    _rc=$?
    [ -n "$_stuck" ] || break
    { read -r _cp _cs <"$_t.cmd"; } 2>/dev/null
    if [ -n "$_cp" ] && alive "$_cp" "$_cs"; then
      _rc=-
      return 0
    fi
    _stuck=
  done
  { read -r _cp _cs <"$_t.cmd"; } 2>/dev/null
  # It did not become the command.
  [ -n "$_cp" ] || _rc=-
  put "$_t.cmd" ""
  [ ! -f "$_t.me" ] || _over=-
}

# show NUMBER KIND RC OVER: the output of a command; 257 KiB say that there is more than 256.
show() {
  say out "$2" "$3" "$4"
  _x=
  if [ -s "$_t.out$1" ]; then
    { _x=$(dd "if=$_t.out$1" bs=1024 count=257 2>&1 >&3); } 3>&1
  fi
  case $_x in
  257+*) _x="more" ;;
  *) _x=- ;;
  esac
  line ""
  say eoo "$_x"
}

# tidy: nobody has to wait for it.
tidy() {
  set +f
  # shellcheck disable=SC2217
  rm -rf ${_tmp:+"$_tmp"} "$_t".* </dev/null >/dev/null 2>&1 &
}

# Where /usr/bin/ln may replace a file (old Solaris) there is one that does not.
_ln="ln"
[ ! -x /usr/xpg4/bin/ln ] || _ln="/usr/xpg4/bin/ln"
proc "$_p/$$/stat"
_myps=$_ps
_id=$_n.$$.$_ps
boot
_owner="$$ $_b $_ps $_id"
"""

READ = r"""ask() {
  settle
  if [ ! -f "$_t.me" ] && ! put "$_t.me" "$_owner"; then
    say fail "$_t cannot be written, or its file system is full"
    return 0
  fi
  watch "$_w"
  run "$@"
  unwatch
  show "$_k" q "$_rc" "$_over"
}

clock
line ""
say start "$_now" "$_b"
_x=${_d%/*}
if [ -d "$_x" ] && [ ! -x "$_x" ] || [ -d "$_d" ] && [ ! -x "$_d" ]; then
  say fail "$_d cannot be searched"
  say end
  exit 0
fi
# The record first, then the lock: a step whose intent was read here is either still seen at work, or it is over.
IFS=$_nl
for _v in $5; do
  IFS=$_ifs
  record "$_v"
  _busy=-
  if owner "$_d/.lock/$_v"; then
    gone || _busy=$_op
  fi
  line "$_n rec $_v $_busy $_r"
done
IFS=$_ifs
# Where nothing can be written beside the records, it can still be read.
_t=$_d/.run/$_id _tmp=
if [ "$6" -gt 0 ]; then
  if [ -d "$_d/.run" ] && put "$_t.me" "$_owner"; then
    sweep
  else
    _tmp=${TMPDIR:-/tmp}/drive_sharing.$_id
    _t=$_tmp/x
    if ! _e=$(mkdir -m 700 "$_tmp" 2>&1) || ! put "$_t.me" "$_owner"; then
      words "${_e:-$_tmp cannot be written}"
      say fail "$_x"
      say end
      exit 0
    fi
  fi
fi
"""

READ_END = r"""say end
[ "$6" -eq 0 ] || tidy
exit 0
"""

SET = r"""_dl=$5 _u=-1 _begun="" _tmp=

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

# check: is the record as it was read, and the step not overtaken?
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
  _u=$((_u + 1)) _blob=$1 _res="" _o=" " _got=" " _a="" _late="" _begun="" _noclock="" _bad="" _ti=0 _many="" _fail=
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
  [ "$_rc" != - ] || _bad=${_bad:-start}
  [ "$_over" = - ] || _bad="time"
  [ -z "$_stuck" ] || _bad="hangs $_cp"
  _a="$_a$_nl$_k $_kind $_rc $_over"
}

# com WORD...: a command of the unit; a word is :text, or drive:text if it stands for that drive only.
com() {
  [ "$_o" != " " ] || return 0
  _i=0 _x="" _y=
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
  if [ "$_y" = none ]; then
    # Without its drives it would be another command.
    _k=$((_k + 1))
    _a="$_a$_nl$_k c - -"
    return 0
  fi
  eval "exe c $_x"
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

SET_END = r"""say end
# What hangs still needs it.
[ -n "$_stuck" ] || tidy
exit 0
"""


def sent(text: str) -> str:
    """Give the text as it is sent: without comments, indentation and empty lines."""
    return re.sub(r"(?m)^[ ]*(?:#.*)?\n|^ +", "", text)
