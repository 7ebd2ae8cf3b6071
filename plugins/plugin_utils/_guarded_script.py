# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shell text of the guarded step. Private: may change at any time.

It runs on the control point by ``sh -c``: POSIX sh as dash, bash, busybox ash, mksh and ksh93 take it (each tested),
written so that ksh88 (AIX), HP-UX's sh and ksh93 (Solaris 11) do too: no local, no arrays, no [[ ]], no $'...', no
fractional sleep, no flock, no timeout, no job control. No single quotes: the text is quoted up to three times on its
way. Values come as positional parameters only. Whatever has an effect stands on a line of its own: tests kill the step
before every one of these lines.

Files, in the instance's directory ``D``::

    D/<drive>             the record
    D/.lock/<drive>       the lock: "pid boot start id" of its owner, a hard link, so it is there with its content or not
    D/.lock/~<id>         the right to remove locks of the owner <id>, who is gone; itself a lock
    D/.run/<id>.me        identity of a running step, <id> is nonce.pid.start; without it no command of it is started.
                          Removed by its watchdog when a unit's time is over, and by others when the step is gone
    D/.run/<id>.cmd       "pid start" of the command that runs, written by that process itself before it becomes it
    D/.run/<id>.in<n>     what command n reads from its standard input; mode 0600
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

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded_shell_base import BASE
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded_shell_list import LIST
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded_shell_locks import LOCKS
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded_shell_run import RUN
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._guarded_shell_unit import UNIT

__all__ = ["COMMON", "LIST", "READ", "READ_END", "SET", "SET_END", "sent"]

COMMON = BASE + RUN

READ = r"""ask() {
  settle
  if [ ! -f "$_t.me" ] && ! put "$_t.me" "$_owner"; then
    say fail "$_t cannot be written, or its file system is full"
    _feed=
    return 0
  fi
  watch "$_w"
  run "$@"
  unwatch
  [ -z "$_unfed$_full" ] || say fail "$_t cannot be written, or its file system is full"
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

SET = LOCKS + UNIT

SET_END = r"""say end
# What hangs still needs it.
[ -n "$_stuck" ] || tidy
exit 0
"""


def sent(text: str) -> str:
    """Give the text as it is sent: without comments, indentation and empty lines."""
    return re.sub(r"(?m)^[ ]*(?:#.*)?\n|^ +", "", text)
