# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shell text that prints all records of a host, and writes nothing. Private: may change at any time.

See ``_guarded_script``. One process looks at the directories before the shell does: a pattern that finds nothing does
not say whether there is nothing or the directory could not be read. It also tells which files are too large for
records, so that the shell does not read them.
"""

from __future__ import annotations

LIST = r"""_root=$_d _all=
line ""
say start -
# Where the directory is missing there are no records; but it may also be there and not to be seen.
_x=$_root
while [ ! -d "$_x" ]; do
  if [ -e "$_x" ] || [ -h "$_x" ]; then
    say fail "$_x is not a directory"
    break
  fi
  _x=${_x%/*}
  [ -n "$_x" ] || _x=/
done
if [ -d "$_x" ] && [ ! -x "$_x" ]; then
  say fail "$_x cannot be searched"
fi
if [ -d "$_root" ]; then
  set +f
  set -- "$_root/"*
  set -f
  for _v in "$@"; do
    _i=${_v##*/}
    case $_i in
    *[!0-9A-Za-z_.:-]* | [!0-9A-Za-z_]*) ;;
    *) [ ! -d "$_v" ] || _all="$_all $_i" ;;
    esac
  done
  set -- "$_root/."
  for _i in $_all; do
    set -- "$@" "$_root/$_i/."
  done
  # In blocks of 512 bytes.
  if ! _big=$(find "$@" ! -name . -prune -type f -size +32 -print 2>&1); then
    words "$_big"
    say fail "$_x"
  fi
fi
for _i in $_all; do
  _d=$_root/$_i
  if [ ! -x "$_d" ]; then
    # There are names to be seen, and nothing behind them.
    say fail "$_d cannot be searched"
    continue
  fi
  set +f
  set -- "$_d/"*
  set -f
  for _v in "$@"; do
    _v=${_v##*/}
    case $_v in
    *[!0-9A-Za-z._-]* | [!0-9A-Za-z]*) continue ;;
    esac
    case $_nl$_big$_nl in
    *"$_nl$_d/./$_v$_nl"*) _r="?" ;;
    *) record "$_v" ;;
    esac
    [ "$_r" = - ] || line "$_n rec $_i $_v $_r"
  done
done
say end
exit 0
"""
