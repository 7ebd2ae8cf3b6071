# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shell text of the guarded step: running a command within its time. Private: may change at any time.

See ``_guarded_script``.
"""

from __future__ import annotations

RUN = r"""# nap SECONDS: sleep so that TERM ends it at once, and the sleep with it.
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

# feed LINES: what the command that comes next reads, each line after a newline.
feed() {
  _feed=$1
}

# run WORD...: run a command to its end or the end of the time. _rc is its exit status, - if it was not run.
run() {
  _k=$((_k + 1)) _rc=- _over=over _cp="" _in=/dev/null _unfed="" _full="" _lines=$_feed
  _feed=
  [ -z "$_stuck" ] || return 0
  [ -f "$_t.me" ] || return 0
  put "$_t.cmd" ""
  if [ -n "$_lines" ]; then
    _in=$_t.in$_k
    if ! (umask 077 && put "$_in" "${_lines#?}"); then
      _over=- _unfed=1
      return 0
    fi
  fi
  # The output goes to a file: a process that the command leaves behind cannot hold anything up.
  { child "$@" <"$_in" >"$_t.out$_k" 2>&1 & } 2>/dev/null
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
  # What a full disk has cut may look whole. Where it was cut, a file of its own has no room either.
  put "$_t.full$_k" "$_pad" && put "$_t.full$_k" "" || _full=1
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

# More than file systems keep outside of blocks.
_pad=$_n
while [ ${#_pad} -lt 4096 ]; do
  _pad=$_pad$_pad
done
# Where /usr/bin/ln may replace a file (old Solaris) there is one that does not.
_ln="ln"
[ ! -x /usr/xpg4/bin/ln ] || _ln="/usr/xpg4/bin/ln"
proc "$_p/$$/stat"
_myps=$_ps
_id=$_n.$$.$_ps
boot
_owner="$$ $_b $_ps $_id"
"""
