#!/usr/bin/env bash
# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run in the guest what machine.py puts into LAB_OUT/queue, until there is a file LAB_OUT/stop. NAME.todo is a script;
# its output goes to NAME.out and, when it has ended, its exit status to NAME.status.
touch "$LAB_OUT/up"
while [ ! -e "$LAB_OUT/stop" ]; do
  for todo in "$LAB_OUT"/queue/*.todo; do
    if [ -e "$todo" ]; then
      name=${todo%.todo}
      mv "$todo" "$name.sh"
      {
        /bin/bash "$name.sh" >"$name.out" 2>&1
        echo $? >"$name.new"
        mv "$name.new" "$name.status"
      } &
    fi
  done
  sleep 0.2
done
